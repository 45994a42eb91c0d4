// Pictures on a canvas: the surface with its paths, and, beside it, what is measured by step or by rate.
"use strict";
{
const { LOOKS, RATES, MEMORIES, heightOn, startOf, lateHeight, memoryOf, short } = Playground;
const { abs, ceil, exp, floor, hypot, log, log10, max, min, round } = Math;
const MARGIN = { left: 46, right: 10, top: 22, bottom: 34 };
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
  const said = (value, isLog) => (isLog ? `1e${round(value)}`.replace("1e0", "1") : short(+value.toPrecision(6)));
  c.fillText(title, 0, -7);
  c.textAlign = "center";
  ticks(left, right, logX, (value) => c.fillText(said(value, logX), place([value, 0])[0], h + 15));
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

// Several lanes of one rule keep its colour; the second and third are dashed and dotted.
function styles(lanes, ink) {
  return lanes.map(({ rule }, i) => {
    const before = lanes.slice(0, i).filter((other) => other.rule === rule).length;
    return { colour: colourOf(rule, ink), dash: before ? [[2, 3], [7, 3]][(before - 1) % 2] : DASHES[LOOKS[rule][1]] };
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
    for (const run of state.mean || lane.runs.length > 1 ? lane.runs.slice(0, 12) : []) line(plot, looks[i], run.map(on), 0.7, 0.25);
    line(plot, looks[i], lane.path.map(on), 1.5, 0.3); // where it will go
    const past = lane.path.slice(0, step + 1).map(on);
    line(plot, looks[i], past, 2.5);
    if (lane.theory) line(plot, { colour: "#CC79A7", dash: [7, 4] }, lane.theory.map(on), 2);
    c.fillStyle = looks[i].colour;
    if (past.length < 400) for (const p of past) c.beginPath(), c.arc(...place(p), 2, 0, 7), c.fill();
    const at = place(past.at(-1));
    c.beginPath();
    c.arc(...at, 5, 0, 7);
    c.fill();
    if (state.arrows && !isLine && lane.path[step + 1]) arrows(plot, lane, step, ink);
  });
  const [x, y] = place(on(start));
  c.fillStyle = ink;
  c.fillRect(x - 6, y - 6, 12, 12);
  named(plot, lanes.map((lane, i) => [lane.label, place(on(lane.path[min(step, lane.path.length - 1)])), looks[i]]), ink, isDark);
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

// Names where paths end, each behind a piece of its line, moved apart so that none covers another
function named({ c, w, h }, labels, ink, isDark) {
  const taken = [];
  c.font = "600 13px system-ui, sans-serif";
  for (const [text, [x, y], { colour, dash }] of labels.slice(0, 8)) {
    const width = c.measureText(text).width + 22, left = max(4, min(x + 9, w - width - 4));
    let top = max(14, min(y - 8, h - 5));
    for (let tries = 0; tries < 20 && taken.some(([l, t, wide]) => abs(t - top) < 15 && left < l + wide && l < left + width); tries++)
      top = top + 15 > h - 5 ? 14 : top + 15;
    taken.push([left, top, width]);
    c.globalAlpha = 0.8;
    c.fillStyle = isDark ? "#1b1f24" : "#fff";
    c.fillRect(left - 3, top - 12, width + 6, 16);
    c.globalAlpha = 1;
    c.strokeStyle = colour;
    c.lineWidth = 3;
    c.setLineDash(dash);
    c.stroke(new Path2D(`M${left} ${top - 4}h18`));
    c.setLineDash([]);
    c.fillStyle = ink;
    c.fillText(text, left + 22, top);
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
    { x: "step", title: "rate of x (line) and of y (thin)", logY: true });
  lanes.forEach((lane, i) => lane.runs[0].rates[0]?.forEach((_, d) =>
    line(plot, looks[i], lane.runs[0].rates.map((rate, step) => [step, log10(rate[d])]), d ? 1.2 : 2.6)));
  plot.c.restore();
}

function sweep(canvas, state, race, ink) {
  const looks = styles(race.lanes, ink), lrs = RATES.map(log10);
  const lines = state.lanes.map((lane) => RATES.map((lr) => lateHeight(state, race.surface, { ...lane, lr })));
  const all = lines.flat().filter(Number.isFinite).map((height) => log10(max(height, 1e-12)));
  const plot = axes(canvas, ink, [lrs[0], lrs.at(-1)], [floor(min(...all, 0)), ceil(max(...all, 1))],
    { x: "lr; click to choose", title: "highest point of the last tenth", logX: true, logY: true });
  lines.forEach((line_, i) => {
    line(plot, looks[i], line_.map((height, k) => [lrs[k], log10(max(height, 1e-12))]).filter(([, y]) => Number.isFinite(y)), 2.4);
    line(plot, looks[i], [[log10(state.lanes[i].lr), -99], [log10(state.lanes[i].lr), 99]], 1, 0.6);
  });
  plot.c.restore();
  return ([px, py]) => ({ lr: RATES.reduce((a, b) => (abs(log10(b) - plot.point([px, py])[0]) < abs(log10(a) - plot.point([px, py])[0]) ? b : a)) });
}

function map(canvas, state, race, ink) {
  const [lane] = state.lanes, memory = memoryOf(lane), lrs = RATES, betas = memory ? MEMORIES : [0];
  const plot = axes(canvas, ink, [log10(lrs[0]) - 0.0625, log10(lrs.at(-1)) + 0.0625], [-0.5, betas.length - 0.5],
    { x: "lr; click a cell to run it", title: `${lane.rule.replace("_", " ")}: ${memory ?? "no memory"} upwards; light is low`, logX: true, rows: betas });
  const ends = betas.map((beta) => lrs.map((lr) => lateHeight(state, race.surface, { ...lane, lr, ...(memory && { [memory]: beta }) })));
  const logs = ends.flat().filter(Number.isFinite).map((height) => log(max(height, 1e-12))), low = min(...logs), top = max(...logs);
  const cell = plot.w / lrs.length, row = plot.h / betas.length;
  ends.forEach((line_, j) => line_.forEach((height, i) => {
    const share = (log(max(height, 1e-12)) - low) / (top - low || 1);
    plot.c.fillStyle = Number.isFinite(height) ? `hsl(${260 - 200 * (1 - share)} 60% ${25 + 50 * (1 - share)}%)` : "#8886";
    plot.c.fillRect(i * cell, plot.h - (j + 1) * row, cell - 1, row - 1);
    if (lrs[i] === nearest(lrs, lane.lr) && betas[j] === nearest(betas, lane[memory] ?? 0)) {
      plot.c.lineWidth = 3;
      plot.c.strokeStyle = ink;
      plot.c.strokeRect(i * cell + 1, plot.h - (j + 1) * row + 1, cell - 3, row - 3);
    }
  }));
  plot.c.restore();
  return ([px, py]) => {
    const lr = lrs[min(lrs.length - 1, max(0, floor(px / cell)))], beta = betas[min(betas.length - 1, max(0, floor((plot.h - py) / row)))];
    return { lr, ...(memory && { [memory]: beta }) };
  };
}

const nearest = (values, wanted) => values.reduce((a, b) => (abs(log(b + 1e-3) - log(wanted + 1e-3)) < abs(log(a + 1e-3) - log(wanted + 1e-3)) ? b : a));

Object.assign(Playground, { MARGIN, drawMap, drawBeside, styles });
}
