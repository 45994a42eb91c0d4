// Pictures on a canvas: the surface with its paths, and, beside it, what is measured by step or by rate.
"use strict";
{
const { LOOKS, RATES, ofLane, MEMORIES, heightOn, startOf, lateHeight, memoryOf, short } = Playground;
const { abs, ceil, exp, floor, hypot, log, log10, max, min, round } = Math;
const MARGIN = { left: 46, right: 12, top: 22, bottom: 34 };
const DASHES = { solid: [], dashed: [7, 3], dotted: [2, 3], dashdot: [12, 3, 2, 3], long: [16, 5], sparse: [3, 8], pairs: [8, 2, 8, 6], far: [1, 6] };

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

// A rule's colour: black is the ink; on dark ground the others are mixed with white.
function colourOf(rule, ink) {
  const [colour] = LOOKS[rule], isDark = +/\((\d+)/.exec(ink)?.[1] > 127;
  if (colour === "#000000") return ink;
  return isDark ? `color-mix(in srgb, ${colour} 62%, white)` : colour;
}

// Several lanes of one rule keep its colour, and each has dashes of its own.
function styles(lanes, ink) {
  return lanes.map(({ rule }, i) => {
    const before = lanes.slice(0, i).filter((other) => other.rule === rule).length, own = LOOKS[rule][1];
    return { colour: colourOf(rule, ink), dash: DASHES[[own, ...Object.keys(DASHES).filter((name) => name !== own)][before]] };
  });
}

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

// The heights as bands of blue, evenly spaced in the logarithm, drawn once for a surface, a size and a scheme
function terrain(plot, height, isDark) {
  const w = max(1, round(plot.w / 2)), h = max(1, round(plot.h / 2));
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h);
  const logs = Array.from({ length: w * h }, (_, k) => log(max(height(plot.point([(k % w) * 2 + 1, floor(k / w) * 2 + 1])), 1e-9)));
  const top = logs.reduce((a, b) => max(a, b));
  logs.forEach((value, k) => {
    const share = max(0, 1 - (top - value) / 8), band = floor(share * 14) / 14;
    const light = isDark ? 30 + 55 * band : 250 - 75 * (1 - band);
    image.data.set([light - 18 * (1 - band), light, min(255, light + 12), 255], 4 * k);
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
  const height = heightOn(surface), looks = styles(lanes, ink);
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
  c.strokeStyle = "#CC79A7";
  c.lineWidth = 3;
  for (const [x, y] of surface.minima.map((p) => place(on(p)))) c.stroke(new Path2D(`M${x - 5} ${y - 5}l10 10m0-10l-10 10`));
  lanes.forEach((lane, i) => {
    if (state.mean) for (const run of lane.runs.slice(0, 12)) line(plot, looks[i], run.map(on), 0.7, 0.25);
    if (!lane.runs[1] || state.mean) line(plot, looks[i], lane.path.map(on), 1.5, 0.3); // where it will go
    const past = lane.path.slice(0, step + 1).map(on);
    const chance = lane.runs.length > 1, single = chance && !state.mean; // of many runs the cloud counts, not the first one's path
    line(plot, looks[i], past, single ? 1 : 2.5, single ? 0.45 : 1);
    if (lane.theory) line(plot, { colour: "#CC79A7", dash: [7, 4] }, lane.theory.map(on), 2);
    c.fillStyle = c.strokeStyle = looks[i].colour;
    const dot = (p, size, isRing) => (c.beginPath(), c.arc(...place(p), size, 0, 7), isRing ? c.stroke() : c.fill());
    if (past.length < 400 && !looks[i].dash.length && !single) for (const p of past) dot(p, 2);
    c.lineWidth = 2;
    c.globalAlpha = state.mean ? 0.3 : 1;
    if (chance) for (const run of lane.runs) dot(on(run[min(step, run.length - 1)]), 4, looks[i].dash.length); // where all runs stand
    c.globalAlpha = 1;
    dot(past.at(-1), 5);
    if (state.arrows && !isLine && lane.path[step + 1]) arrows(plot, lane, step, ink);
  });
  const [x, y] = place(on(start));
  c.fillStyle = ink;
  c.fillRect(x - 6, y - 6, 12, 12);
  if (!isCrowded(canvas, lanes)) named(plot, lanes.map((lane, i) => [lane.label, lane.path.map((p) => place(on(p))), looks[i]]), ink, isDark);
  c.restore();
  return plot;
}

// From where a lane stands: its next step, and what the gradient alone would do (both of one length at most)
function arrows({ c, place }, lane, step, ink) {
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
  if (g) draw(here.map((x, i) => x - lane.lr * g[i]), "#CC79A7");
  draw(there, ink);
}

// Names where paths end, each behind a piece of its line, in the place near by that covers least of paths and names
function named({ c, w, h }, lanes, ink, isDark) {
  const traces = [], taken = [];
  for (const [, path] of lanes) path.forEach(([x, y], i) => {
    const [u, v] = path[max(i - 1, 0)], pieces = max(1, ceil(hypot(x - u, y - v) / 8));
    for (let k = 1; k <= min(pieces, 200); k++) {
      const point = [u + (x - u) * k / pieces, v + (y - v) * k / pieces], last = traces.at(-1);
      if (!last || hypot(point[0] - last[0], point[1] - last[1]) > 3) traces.push(point);
    }
  });
  c.font = "600 13px system-ui, sans-serif";
  for (const [text, path, { colour, dash }] of lanes) {
    const [x, y] = path.at(-1), width = c.measureText(text).width + 22, spots = [];
    for (const down of [0, -18, 18, -36, 36, -54, 54])
      for (const right of [11, -width - 11, -width / 2]) {
        const left = max(6, min(x + right, w - width - 6)), top = max(4, min(y - 8 + down, h - 20));
        const over = (of, wide, high) => of.filter(([u, v, far = 0]) => u < left + width + 4 && left < u + far + 4 && v < top + wide && top < v + high).length;
        spots.push([over(traces, 18, 2) + 1000 * over(taken, 18, 18) + abs(down) / 20, left, top]);
      }
    const [, left, top] = spots.reduce((a, b) => (b[0] < a[0] ? b : a));
    taken.push([left, top, width]);
    c.globalAlpha = 0.75;
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

function heights(canvas, state, { lanes }, ink) {
  const looks = styles(lanes, ink), power = (height) => log10(max(height, 1e-12)), step = min(state.step, state.steps);
  const all = lanes.flatMap((lane) => lane.heights.map(power)).filter((value) => value < 9);
  const top = ceil(max(...all) + 0.2), low = floor(max(-12, min(...all, top - 2)));
  const plot = axes(canvas, ink, [0, state.steps], [low, top], { x: "step", title: "height above the minimum", logY: true });
  lanes.forEach((lane, i) => {
    const points = lane.heights.map((height, k) => [k, power(height)]);
    line(plot, looks[i], points, 1.2, 0.3);
    line(plot, looks[i], points.slice(0, step + 1), 2.4);
  });
  plot.c.restore();
}

function rates(canvas, state, { lanes }, ink) {
  const looks = styles(lanes, ink), all = lanes.flatMap((lane) => lane.runs[0].rates.flat()).map(log10).filter(Number.isFinite);
  const plot = axes(canvas, ink, [0, state.steps], [floor(min(...all) - 0.1), ceil(max(...all) + 0.1)],
    { x: "step", title: "effective rate: thick of x, thin of y", logY: true });
  lanes.forEach((lane, i) => lane.runs[0].rates[0]?.forEach((_, d) =>
    line(plot, looks[i], lane.runs[0].rates.map((rate, step) => [step, log10(rate[d])]), d ? 1.2 : 2.6)));
  plot.c.restore();
}

// Both below return what a click chooses: the number of a lane, and its settings there. A race keeps what they have measured.
function sweep(canvas, state, race, ink) {
  const looks = styles(race.lanes, ink), lrs = RATES.map(log10);
  race.swept ??= state.lanes.map((lane) => RATES.map((lr) => log10(max(lateHeight(state, race.surface, { ...lane, lr }), 1e-12))));
  const all = race.swept.flat().filter(Number.isFinite);
  const plot = axes(canvas, ink, [lrs[0], lrs.at(-1)], [floor(min(...all, 0)), ceil(max(...all, 1))],
    { x: "lr; click to choose", title: "highest point of the last tenth", logX: true, logY: true });
  race.swept.forEach((ends, i) => {
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
  ends.forEach((line_, j) => line_.forEach((height, i) => {
    const share = (log(max(height, 1e-12)) - low) / (top - low || 1), x = i * cell, y = plot.h - (j + 1) * row;
    c.fillStyle = Number.isFinite(height) ? `hsl(${260 - 200 * (1 - share)} 60% ${25 + 50 * (1 - share)}%)` : "#8886";
    c.fillRect(x, y, cell - 1, row - 1);
    if (lrs[i] === nearest(lrs, lane.lr) && betas[j] === nearest(betas, lane[memory] ?? 0)) marks.push(() => c.rect(x - 1, y - 1, cell + 1, row + 1));
    if (height === lowest) marks.push(() => c.arc(x + cell / 2, y + row / 2, 7, 0, 7));
  }));
  for (const mark of marks) // where the rule stands, and the lowest: black on a white rim
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
