// Pictures on a canvas: the surface with its paths, and, beside it, what is measured by step or by rate.
"use strict";
{
const { LOOKS, RATES, ofLane, MEMORIES, heightOn, lateHeight, memoryOf, short } = Playground;
const { abs, ceil, floor, hypot, log, log10, max, min, round } = Math;
const MARGIN = { left: 46, right: 12, top: 22, bottom: 34 };
const DASHES = { solid: [], dashed: [7, 3], dotted: [2, 3] };

// A canvas made ready: axes with ticks and words, and maps between points and places. `log`: axes in powers of ten.
// rows: what stands at 0, 1, 2 ... of the upright axis, instead of its numbers.
function axes(canvas, ink, [left, right], [low, high], { x = "", title = "", logX, logY, rows }) {
  const ratio = devicePixelRatio, c = canvas.getContext("2d");
  const w = canvas.clientWidth - MARGIN.left - MARGIN.right, h = canvas.clientHeight - MARGIN.top - MARGIN.bottom;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  c.setTransform(ratio, 0, 0, ratio, MARGIN.left * ratio, MARGIN.top * ratio);
  c.fillStyle = c.strokeStyle = ink;
  c.font = "13px system-ui, sans-serif";
  const place = ([x, y]) => [(x - left) / (right - left) * w, (high - y) / (high - low) * h];
  const point = ([px, py]) => [left + px / w * (right - left), high - py / h * (high - low)];
  const ticks = (low, high, whole, mark) => {
    const wish = (high - low) / 4, power = 10 ** floor(log10(wish));
    const gap = max(power * [1, 2, 5, 10].find((m) => m * power >= wish * 0.7), whole ? 1 : 0);
    for (let i = ceil(low / gap); i * gap <= high * (1 + 1e-9); i++) mark(i * gap);
  };
  const said = (value, isLog) => (isLog ? power(round(value)) : short(+value.toPrecision(6)));
  const power = (n) => (n ? "10" + String(n).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]) : "1");
  const inside = (text, x) => c.fillText(text, min(x, w + MARGIN.right - c.measureText(text).width / 2), h + 15);
  c.fillText(title, 0, -7);
  c.textAlign = "center";
  ticks(left, right, logX, (value) => inside(said(value, logX), place([value, 0])[0]));
  c.fillText(x, w / 2, h + 30);
  c.textAlign = "right";
  if (rows) rows.forEach((row, i) => c.fillText(row, -5, place([0, i])[1] + 4));
  else ticks(low, high, logY, (value) => c.fillText(said(value, logY), -5, place([0, value])[1] + 4));
  c.textAlign = "left";
  c.globalAlpha = 0.4;
  c.strokeRect(0, 0, w, h);
  c.globalAlpha = 1;
  c.save();
  c.beginPath();
  c.rect(0, 0, w, h);
  c.clip();
  return { c, w, h, place, point, ink };
}

// Each rule has its colour and dashes; black is the ink, and on dark ground the others are mixed with white. A second lane
// of a rule takes a colour that no rule here has, and longer dashes.
function styles(lanes, ink) {
  const isDark = +/\((\d+)/.exec(ink)?.[1] > 127, used = lanes.map(({ rule }) => LOOKS[rule][0]), seen = [];
  const spare = ["#D55E00", "#0072B2", "#009E73", "#882255", "#E69F00", "#56B4E9", "#CC79A7"].filter((colour) => !used.includes(colour));
  return lanes.map(({ rule }, i) => {
    const isSecond = seen.includes(rule), colour = (isSecond && spare.shift()) || used[i];
    seen.push(rule);
    return {
      colour: colour === "#000000" ? ink : isDark ? `color-mix(in srgb, ${colour} 62%, white)` : colour,
      dash: isSecond ? [3 + 4 * i, 3] : DASHES[LOOKS[rule][1]],
    };
  });
}

// How a story began
const pale = ({ began }, ink) => styles(began, ink).map(({ colour }) => ({ colour, dash: [2, 4] }));

function line({ c, place }, { colour, dash }, points, width, alpha = 1) {
  c.globalAlpha = alpha;
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.setLineDash(dash);
  c.beginPath();
  for (const point of points) c.lineTo(...place(point));
  c.stroke();
  c.setLineDash([]);
  c.globalAlpha = 1;
}

// The heights as bands from water to sand, evenly spaced in the logarithm, drawn once for a surface, a size and a scheme
function terrain(plot, height, isDark) {
  const w = max(1, round(plot.w / 2)), h = max(1, round(plot.h / 2));
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h);
  const logs = Array.from({ length: w * h }, (_, k) => log(max(height(plot.point([(k % w) * 2 + 1, floor(k / w) * 2 + 1])), 1e-9)));
  const top = logs.reduce((a, b) => max(a, b));
  const [low, high] = isDark ? [[6, 66, 92, 255], [72, 66, 60, 255]] : [[140, 190, 212, 255], [251, 246, 234, 255]];
  logs.forEach((value, k) => {
    const share = max(0, 1 - (top - value) / 8), band = floor(share * 14) / 14;
    image.data.set(high.map((light, i) => low[i] + band * (light - low[i])), 4 * k);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Names stand in the map where there is room for them, else in a legend below it.
const isCrowded = (canvas, lanes) => lanes.length > 4 || canvas.clientWidth < 400;

const kept = new WeakMap(); // canvas -> its terrain, and what it was drawn for

// The surface from above (or, of one parameter, from the side), with every lane's path up to the step
function drawMap(canvas, state, race, ink, isDark) {
  const { surface, lanes, start } = race, isLine = !surface.window[1], step = min(state.step, state.steps);
  const height = heightOn(surface), looks = styles(lanes, ink), pink = isDark ? "#ff9ccf" : "#b3005e";
  let range = surface.window[1];
  if (isLine) {
    const all = Array.from({ length: 200 }, (_, i) => height([surface.window[0][0] + i / 199 * (surface.window[0][1] - surface.window[0][0])]));
    range = [-0.05 * max(...all), 1.05 * max(...all)];
  }
  const plot = axes(canvas, ink, surface.window[0], range, isLine ? { x: "x", title: "height" } : { x: "x", title: "y" });
  const { c, w, h, place, point } = plot, on = (p) => (isLine ? [p[0], height(p)] : p);
  if (isLine) {
    const curve = Array.from({ length: w + 1 }, (_, i) => [point([i, 0])[0], height([point([i, 0])[0]])]);
    line(plot, { colour: ink, dash: [] }, curve, 1.5, 0.6);
  } else {
    const scene = [state.surface, state.k, state.angle, w, h, isDark].join();
    if (kept.get(canvas)?.scene !== scene) kept.set(canvas, { scene, image: terrain(plot, height, isDark) });
    c.drawImage(kept.get(canvas).image, 0, 0, w, h);
  }
  c.strokeStyle = pink;
  c.lineWidth = 3;
  for (const [x, y] of surface.minima.map((p) => place(on(p)))) c.stroke(new Path2D(`M${x - 5} ${y - 5}l10 10m0-10l-10 10`));
  race.began.forEach(({ path, runs }, i) => (!runs[1] || state.mean) && line(plot, pale(race, ink)[i], path.map(on), 1.5, 0.5));
  lanes.forEach((lane, i) => {
    const { untold } = race, told = (path) => path.slice(0, untold ? step + 1 : undefined).map(on);
    if (state.mean) for (const run of lane.runs.slice(0, 12)) line(plot, looks[i], told(run), 0.7, 0.25);
    if (!untold && (!lane.runs[1] || state.mean)) line(plot, looks[i], lane.path.map(on), 1.5, 0.3); // where it will go
    const past = lane.path.slice(0, step + 1).map(on);
    const chance = lane.runs.length > 1, single = chance && !state.mean; // of many runs the cloud counts, not the first one's path
    if (!single) line(plot, { colour: isDark ? "#000" : "#fff", dash: [] }, past, 5, 0.6); // a rim
    line(plot, looks[i], past, single ? 1 : 2.5, single ? 0.45 : 1);
    if (lane.theory && !untold) line(plot, { colour: pink, dash: [7, 4] }, lane.theory.map(on), 2);
    c.fillStyle = c.strokeStyle = looks[i].colour;
    const dot = (p, size, isRing) => (c.beginPath(), c.arc(...place(p), size, 0, 7), isRing ? c.stroke() : c.fill());
    if (past.length < 400 && !looks[i].dash.length && !single) for (const p of past) dot(p, 2);
    c.lineWidth = 2;
    c.globalAlpha = state.mean ? 0.3 : 1;
    if (chance) for (const run of lane.runs) dot(on(run[min(step, run.length - 1)]), 4, looks[i].dash.length); // where all runs stand
    c.globalAlpha = 1;
    dot(past.at(-1), 5);
    if (state.arrows && !isLine && lane.path[step + 1]) arrows(plot, lane, step, ink, pink);
  });
  const [x, y] = place(on(start));
  c.fillStyle = c.strokeStyle = ink;
  c.fillRect(x - 6, y - 6, 12, 12);
  if (!lanes.length) { // nothing has been touched yet
    c.stroke(new Path2D(`M${x - 12} ${y - 4}l-6 4l6 4m24 0l6-4l-6-4m-16-8l4-6l4 6m0 24l-4 6l-4-6`));
    c.fillText("drag me", x + 22, y - 12);
  }
  if (!isCrowded(canvas, lanes)) named(plot, lanes.map((lane, i) => [lane.label, lane.path.slice(0, race.untold ? step + 1 : undefined).map((p) => place(on(p))), looks[i]]), ink, isDark);
  c.restore();
  return plot;
}

// From where a lane stands: its next step, and what the gradient alone would do (both of one length at most)
function arrows({ c, place }, lane, step, ink, pink) {
  const here = lane.path[step], there = lane.path[step + 1], g = lane.gradients?.[step] ?? lane.path.gradients?.[step];
  const draw = (to, colour) => {
    const [x, y] = place(here), [u, v] = place(to), far = hypot(u - x, v - y) || 1, reach = min(far, 60) / far;
    c.strokeStyle = colour;
    c.lineWidth = 3;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + (u - x) * reach, y + (v - y) * reach);
    c.stroke();
  };
  if (g) draw(here.map((x, i) => x - lane.lr * g[i]), pink);
  draw(there, ink);
}

// Names where paths end, each behind a piece of its line, in the place near by that covers least of paths and names
function named({ c, w, h }, lanes, ink, isDark) {
  const traces = lanes.flatMap(([, path]) => path.slice(-400)), taken = [];
  c.font = "600 13px system-ui, sans-serif";
  for (const [text, path, { colour, dash }] of lanes) {
    const [u, v] = path.at(-1), x = max(0, min(u, w)), y = max(0, min(v, h)); // flown out: at the rim
    const width = c.measureText(text).width + 22, spots = [];
    for (const down of [0, -18, 18, -36, 36, -54, 54])
      for (const right of [11, -width - 11, -width / 2]) {
        const left = max(6, min(x + right, w - width - 6)), top = max(4, min(y - 8 + down, h - 20));
        const over = (of, wide, high) => of.filter(([u, v, far = 0]) => u < left + width + 4 && left < u + far + 4 && v < top + wide && top < v + high).length;
        spots.push([over(traces, 18, 2) + 1000 * over(taken, 18, 18) + abs(down) / 20, left, top]);
      }
    const [, left, top] = spots.reduce((a, b) => (b[0] < a[0] ? b : a));
    taken.push([left, top, width]);
    c.globalAlpha = 0.9;
    c.fillStyle = isDark ? "#1b1f24" : "#fff";
    c.fillRect(left - 3, top, width + 6, 16);
    c.globalAlpha = 1;
    c.strokeStyle = colour;
    c.lineWidth = 3;
    c.setLineDash(dash);
    c.stroke(new Path2D(`M${left} ${top + 8}h18`));
    c.setLineDash([]);
    c.fillStyle = ink;
    c.fillText(text, left + 22, top + 12);
  }
}

// What stands beside the map: heights or rates by step, or the end by rate, or by rate and memory
function drawBeside(canvas, state, race, ink) {
  return { heights, rates, sweep, map }[state.view](canvas, state, race, ink);
}

function heights(canvas, state, { lanes, untold, began }, ink) {
  const looks = styles(lanes, ink), power = (height) => log10(max(height, 1e-12)), step = min(state.step, state.steps);
  const all = lanes.flatMap((lane) => lane.heights.map(power)).filter((value) => value < 9);
  const top = ceil(max(...all) + 0.2), low = floor(max(-12, min(...all, top - 2)));
  const plot = axes(canvas, ink, [0, state.steps], [low, top], { x: "step", title: "height above the minimum", logY: true });
  began.forEach((lane, i) => line(plot, pale({ began }, ink)[i], lane.heights.map((height, k) => [k, power(height)]), 1.5, 0.5));
  lanes.forEach((lane, i) => {
    const points = lane.heights.map((height, k) => [k, power(height)]);
    if (!untold) line(plot, looks[i], points, 1.2, 0.3);
    line(plot, looks[i], points.slice(0, step + 1), 2.4);
  });
  if (step < 0) { // a guess comes first
    Object.assign(plot.c, { font: "700 90px system-ui, sans-serif", textAlign: "center", globalAlpha: 0.2 });
    plot.c.fillText("?", plot.w / 2, plot.h / 2 + 32);
  }
  plot.c.restore();
}

function rates(canvas, state, { lanes, untold }, ink) {
  const looks = styles(lanes, ink), step = min(state.step, state.steps), all = lanes.flatMap((lane) => lane.runs[0].rates.flat()).map(log10).filter(Number.isFinite);
  const plot = axes(canvas, ink, [0, state.steps], [floor(min(...all) - 0.1), ceil(max(...all) + 0.1)],
    { x: "step", title: "effective rate: thick of x, thin of y", logY: true });
  lanes.forEach((lane, i) => lane.runs[0].rates[0]?.forEach((_, d) => {
    const points = lane.runs[0].rates.map((rate, k) => [k, log10(rate[d])]);
    if (!untold) line(plot, looks[i], points, d ? 1.2 : 2.6, 0.3);
    line(plot, looks[i], points.slice(0, step + 1), d ? 1.2 : 2.6);
  }));
  plot.c.restore();
}

// Both below return what a click chooses: the number of a lane, and its settings there. A race keeps what they have measured.
function sweep(canvas, state, race, ink) {
  const looks = styles(race.lanes, ink), lrs = RATES.map(log10);
  race.swept ??= state.lanes.map((lane) => RATES.map((lr) => log10(max(lateHeight(state, race.surface, { ...lane, lr }), 1e-12))));
  const all = race.swept.flat().filter(Number.isFinite);
  const plot = axes(canvas, ink, [lrs[0], lrs.at(-1)], [floor(min(...all, 0)), ceil(max(...all, 1))],
    { x: "lr; click to choose", title: "highest point of the last tenth", logX: true, logY: true });
  if (!race.untold) race.swept.forEach((ends, i) => {
    line(plot, looks[i], ends.map((end, k) => [lrs[k], end]).filter(([, y]) => Number.isFinite(y)), 2.4);
    line(plot, looks[i], [[log10(state.lanes[i].lr), -99], [log10(state.lanes[i].lr), 99]], 1, 0.6);
  });
  plot.c.restore();
  return (place) => {
    const [x, y] = plot.point(place), column = (lr) => abs(log10(lr) - x), lr = RATES.reduce((a, b) => (column(b) < column(a) ? b : a));
    const far = race.swept.map((ends) => abs(ends[RATES.indexOf(lr)] - y)); // of the lane whose curve is next to the click
    return [far.indexOf(min(...far)), { lr }];
  };
}

function map(canvas, state, race, ink) {
  const which = min(state.of, state.lanes.length - 1), lane = state.lanes[which];
  const memory = memoryOf(lane), lrs = RATES, betas = memory ? MEMORIES : [0];
  const plot = axes(canvas, ink, [log10(lrs[0]) - 0.0625, log10(lrs.at(-1)) + 0.0625], [-0.5, betas.length - 0.5],
    { x: "lr; click a cell to run it", title: `${memory ? ofLane[memory][4] : "no memory"} upwards; light is low, ringed the lowest`, logX: true, rows: betas });
  const ends = (race.mapped ??= betas.map((beta) => lrs.map((lr) => lateHeight(state, race.surface, { ...lane, lr, ...(memory && { [memory]: beta }) }))));
  const logs = ends.flat().filter(Number.isFinite).map((height) => log(max(height, 1e-12))), low = min(...logs), top = max(...logs);
  const cell = plot.w / lrs.length, row = plot.h / betas.length, { c } = plot, lowest = min(...ends.flat()), marks = [];
  if (!race.untold) ends.forEach((line_, j) => line_.forEach((height, i) => {
    const share = (log(max(height, 1e-12)) - low) / (top - low || 1), x = i * cell, y = plot.h - (j + 1) * row;
    c.fillStyle = Number.isFinite(height) ? `hsl(${260 - 200 * (1 - share)} 60% ${25 + 50 * (1 - share)}%)` : "#8886";
    c.fillRect(x, y, cell - 1, row - 1);
    if (lrs[i] === nearest(lrs, lane.lr) && betas[j] === nearest(betas, lane[memory] ?? 0)) marks.push(() => c.rect(x - 1, y - 1, cell + 1, row + 1));
    if (height === lowest) marks.push(() => c.arc(x + cell / 2, y + row / 2, 7, 0, 7));
  }));
  if (!race.untold) for (const mark of marks) // where the rule stands, and the lowest: black on a white rim
    for (const [colour, width] of [["#fff", 5], ["#000", 2]]) {
      [c.strokeStyle, c.lineWidth] = [colour, width];
      c.beginPath();
      mark();
      c.stroke();
    }
  c.restore();
  return ([px, py]) => {
    const lr = lrs[min(lrs.length - 1, max(0, floor(px / cell)))], beta = betas[min(betas.length - 1, max(0, floor((plot.h - py) / row)))];
    return [which, { lr, ...(memory && { [memory]: beta }) }];
  };
}

const nearest = (values, wanted) => values.reduce((a, b) => (abs(log(b + 1e-3) - log(wanted + 1e-3)) < abs(log(a + 1e-3) - log(wanted + 1e-3)) ? b : a));

Object.assign(Playground, { MARGIN, drawMap, drawBeside, styles, isCrowded });
}
