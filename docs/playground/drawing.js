// The map, and what stands beside it
"use strict";
{
const { LOOKS, RATES, ofLane, MEMORIES, heightOn, lateHeight, memoryOf, short } = Playground;
const { abs, ceil, floor, hypot, log, log10, max, min, round } = Math;
const MARGIN = { left: 46, right: 12, top: 22, bottom: 34 };
const DASHES = { solid: [], dashed: [7, 3], dotted: [2, 3] };

// Axes, and maps between points and places; logX: in powers of ten; rows: what stands at 0, 1, 2 ... upwards, for numbers
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
  const power = (n) => (n ? "10" + [...`${n}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻").join("") : "1");
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

// Each rule's own colour and dashes, black as the ink; a second lane of a rule has a colour that no rule here has
function styles(lanes, ink) {
  const isDark = +/\((\d+)/.exec(ink)?.[1] > 127, used = lanes.map(({ rule }) => LOOKS[rule][0]), seen = [];
  let next = 0;
  const spare = Object.values(LOOKS).map(([colour]) => colour).filter((colour) => !used.includes(colour));
  return lanes.map(({ rule }, i) => {
    const isSecond = seen.includes(rule), colour = (isSecond && spare[(next += 3) % spare.length]) || used[i];
    seen.push(rule);
    return {
      colour: colour === "#000000" ? ink : isDark ? `color-mix(in srgb, ${colour} 62%, white)` : colour,
      dash: isSecond ? [3 + 4 * i, 3] : DASHES[LOOKS[rule][1]],
    };
  });
}

function line({ c, place }, { colour, dash = [] }, points, width, alpha = 1) {
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

// Bands of height from water to sand, even in the logarithm
function terrain(plot, height, isDark) {
  const w = max(1, round(plot.w / 2)), h = max(1, round(plot.h / 2));
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h);
  const logs = Array.from({ length: w * h }, (_, k) => log(max(height(plot.point([(k % w) * 2 + 1, floor(k / w) * 2 + 1])), 1e-9)));
  const top = logs.reduce((a, b) => max(a, b)), [low, high] = isDark ? [[6, 66, 92], [72, 66, 60]] : [[140, 190, 212], [251, 246, 234]];
  logs.forEach((value, k) => {
    const share = max(0, 1 - (top - value) / 8), band = floor(share * 14) / 14;
    image.data.set([...high.map((light, i) => low[i] + band * (light - low[i])), 255], 4 * k);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const isCrowded = (canvas, lanes) => lanes.length > (canvas.clientWidth < 400 ? 1 : 4);

function drawMap(canvas, state, race, ink, isDark) {
  const { surface, lanes, start } = race, isLine = !surface.window[1], step = min(state.step, state.steps);
  const height = heightOn(surface), pink = isDark ? "#ff9ccf" : "#b3005e";
  const plot = axes(canvas, ink, surface.window[0], surface.window[1] ?? [-0.5, 9.6], { x: "x", title: isLine ? "height" : "y" });
  const { c, w, h, place, point } = plot, on = (p) => (isLine ? [p[0], height(p)] : p);
  if (isLine) {
    const curve = Array.from({ length: w + 1 }, (_, i) => [point([i, 0])[0], height([point([i, 0])[0]])]);
    line(plot, { colour: ink }, curve, 1.5, 0.6);
  } else {
    const scene = [state.surface, state.k, state.angle, w, h, isDark].join();
    if (canvas.scene !== scene) Object.assign(canvas, { scene, terrain: terrain(plot, height, isDark) });
    c.drawImage(canvas.terrain, 0, 0, w, h);
  }
  c.strokeStyle = pink;
  c.lineWidth = 3;
  for (const [x, y] of surface.minima.map((p) => place(on(p)))) c.stroke(new Path2D(`M${x - 5} ${y - 5}l10 10m0-10l-10 10`));
  const isCloud = lanes[0]?.runs[1] && !state.mean; // of many runs the cloud counts, not the first one's path
  if (!isCloud) for (const { path, look } of race.began) line(plot, { ...look, dash: [2, 4] }, path.map(on), 1.5, 0.5);
  for (const lane of lanes) {
    const { look, path, runs, theory } = lane, past = path.slice(0, step + 1).map(on), told = (path) => (race.untold ? path.slice(0, step + 1) : path).map(on);
    if (state.mean) for (const run of runs.slice(0, 12)) line(plot, look, told(run), 0.7, 0.25);
    if (!isCloud) {
      line(plot, look, told(path), 1.5, 0.3);
      line(plot, { colour: isDark ? "#000" : "#fff" }, past, 5, 0.6);
    }
    line(plot, look, past, isCloud ? 1 : 2.5, isCloud ? 0.45 : 1);
    if (theory && !race.untold) line(plot, { colour: pink, dash: [7, 4] }, theory.map(on), 2);
    c.fillStyle = c.strokeStyle = look.colour;
    const dot = (p, size, isRing) => (c.beginPath(), c.arc(...place(p), size, 0, 7), isRing ? c.stroke() : c.fill());
    if (past.length < 400 && !look.dash[0] && !isCloud) for (const p of past) dot(p, 2);
    c.lineWidth = 2;
    c.globalAlpha = state.mean ? 0.3 : 1;
    if (runs[1]) for (const run of runs) dot(on(run[min(step, run.length - 1)]), 4, look.dash[0]);
    c.globalAlpha = 1;
    dot(past.at(-1), 5);
    if (state.arrows && !isLine && path[step + 1]) arrows(plot, lane, step, ink, pink);
    lane.seen = told(path).map(place);
  }
  const [x, y] = place(on(start));
  c.fillStyle = c.strokeStyle = ink;
  c.fillRect(x - 6, y - 6, 12, 12);
  if (!lanes.length) { // nothing has been touched yet
    c.stroke(new Path2D(`M${x - 12} ${y - 4}l-6 4l6 4m24 0l6-4l-6-4m-16-8l4-6l4 6m0 24l-4 6l-4-6`));
    c.fillText("drag me", x + 22, y - 12);
  }
  if (!isCrowded(canvas, lanes)) named(plot, lanes, ink, isDark);
  c.restore();
  return plot;
}

// The next step, and what the gradient alone would do
function arrows({ c, place }, lane, step, ink, pink) {
  const here = lane.path[step], there = lane.path[step + 1], g = lane.path.gradients?.[step];
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

// Names near where paths end, in the place that covers least of paths and other names
function named({ c, w, h }, lanes, ink, isDark) {
  const traces = lanes.flatMap(({ seen }) => seen.slice(-400)), taken = [];
  c.font = "600 13px system-ui, sans-serif";
  for (const { label, seen, look: { colour, dash } } of lanes) {
    const [u, v] = seen.at(-1), x = max(0, min(u, w)), y = max(0, min(v, h)); // flown out: at the rim
    const width = c.measureText(label).width + 22, spots = [];
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
    c.fillText(label, left + 22, top + 12);
  }
}

function heights(canvas, state, { lanes, untold, began }, ink) {
  const power = (height) => log10(max(height, 1e-12)), step = min(state.step, state.steps);
  const all = lanes.flatMap((lane) => lane.heights.map(power)).filter((value) => value < 9);
  const top = ceil(max(...all) + 0.2), low = floor(max(-12, min(...all, top - 2)));
  const plot = axes(canvas, ink, [0, state.steps], [low, top], { x: "step", title: "height above the minimum", logY: true });
  const points = ({ heights }) => heights.map((height, k) => [k, power(height)]);
  for (const lane of began) line(plot, { ...lane.look, dash: [2, 4] }, points(lane), 1.5, 0.5);
  for (const lane of lanes) curve(plot, lane.look, points(lane), step, untold, 2.4);
  if (step < 0) { // a guess comes first
    Object.assign(plot.c, { font: "700 90px system-ui, sans-serif", textAlign: "center", globalAlpha: 0.2 });
    plot.c.fillText("?", plot.w / 2, plot.h / 2 + 32);
  }
  plot.c.restore();
}

// Up to the step, and pale what comes
function curve(plot, look, points, step, untold, width) {
  if (!untold) line(plot, look, points, width / 2, 0.3);
  line(plot, look, points.slice(0, step + 1), width);
}

function rates(canvas, state, { lanes, untold }, ink) {
  const step = min(state.step, state.steps), all = lanes.flatMap((lane) => lane.runs[0].rates.flat()).map(log10).filter(Number.isFinite);
  const plot = axes(canvas, ink, [0, state.steps], [floor(min(...all) - 0.1), ceil(max(...all) + 0.1)],
    { x: "step", title: "effective rate: thick of x, thin of y", logY: true });
  for (const { look, runs: [{ rates }] } of lanes)
    rates[0]?.forEach((_, d) => curve(plot, look, rates.map((rate, k) => [k, log10(rate[d])]), step, untold, d ? 1.2 : 2.6));
  plot.c.restore();
}

// Both below return what a click chooses: a lane's number and its settings
function sweep(canvas, state, race, ink) {
  const lrs = RATES.map(log10);
  race.swept ??= state.lanes.map((lane) => RATES.map((lr) => log10(max(lateHeight(state, race.surface, { ...lane, lr }), 1e-12))));
  const all = race.swept.flat().filter(Number.isFinite);
  const plot = axes(canvas, ink, [lrs[0], lrs.at(-1)], [floor(min(...all, 0)), ceil(max(...all, 1))],
    { x: "lr; click to choose", title: "highest point of the last tenth", logX: true, logY: true });
  if (!race.untold) race.swept.forEach((ends, i) => {
    const { look } = race.lanes[i];
    line(plot, look, ends.map((end, k) => [lrs[k], end]).filter(([, y]) => Number.isFinite(y)), 2.4);
    line(plot, look, [[log10(state.lanes[i].lr), -99], [log10(state.lanes[i].lr), 99]], 1, 0.6);
  });
  plot.c.restore();
  return (place) => {
    const [x, y] = plot.point(place), lr = nearest(RATES, 10 ** x);
    const far = race.swept.map((ends) => abs(ends[RATES.indexOf(lr)] - y));
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
  if (race.untold) return c.restore();
  ends.forEach((line_, j) => line_.forEach((height, i) => {
    const share = (log(max(height, 1e-12)) - low) / (top - low || 1), x = i * cell, y = plot.h - (j + 1) * row;
    c.fillStyle = Number.isFinite(height) ? `hsl(${260 - 200 * (1 - share)} 60% ${25 + 50 * (1 - share)}%)` : "#8886";
    c.fillRect(x, y, cell - 1, row - 1);
    if (lrs[i] === nearest(lrs, lane.lr) && betas[j] === nearest(betas, lane[memory] ?? 0)) marks.push(() => c.rect(x - 1, y - 1, cell + 1, row + 1));
    if (height === lowest) marks.push(() => c.arc(x + cell / 2, y + row / 2, 7, 0, 7));
  }));
  for (const mark of marks)
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

const nearest = (values, wanted) => values.reduce((a, b) => (abs(log((b + 1e-5) / (wanted + 1e-5))) < abs(log((a + 1e-5) / (wanted + 1e-5))) ? b : a));

const drawBeside = (canvas, state, ...rest) => ({ heights, rates, sweep, map })[state.view](canvas, state, ...rest);

Object.assign(Playground, { MARGIN, drawMap, drawBeside, styles, isCrowded });
}
