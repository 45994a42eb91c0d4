"use strict";
{
const { LOOKS, RATES, ofLane, MEMORIES, heightOn, lateHeight, memoryOf, short, power, typeset } = Playground;
const { abs, atan2, ceil, floor, hypot, log, log10, max, min, round, cos, sin, PI } = Math;
const MARGIN = { left: 46, right: 12, top: 22, bottom: 34 };
const inner = ({ offsetX, offsetY }) => [offsetX - MARGIN.left, offsetY - MARGIN.top];
const logOf = (height) => log10(max(height, 1e-12));
const isLight = (ink) => ink.match(/\d+/) > 127;
const DASHES = { solid: [], dashed: [7, 3], dotted: [2, 3] };

function axes(canvas, ink, [left, right], [low, high], { x, title, logX, logY, rows, isRound }) {
  const ratio = devicePixelRatio, c = canvas.getContext("2d");
  const w = canvas.clientWidth - MARGIN.left - MARGIN.right, h = canvas.clientHeight - MARGIN.top - MARGIN.bottom;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  c.setTransform(ratio, 0, 0, ratio, MARGIN.left * ratio, MARGIN.top * ratio);
  c.lineJoin = "round"; // a sharp turn grows no spike
  c.fillStyle = c.strokeStyle = ink;
  c.font = "13px system-ui, sans-serif";
  if (isRound) { // one scale for both, and the whole window in it
    const scale = max((right - left) / w, (high - low) / h);
    [[left, right], [low, high]] = [[left + right, w], [low + high, h]].map(([sum, size]) => [-1, 1].map((side) => (sum + side * scale * size) / 2));
  }
  const place = ([x, y]) => [(x - left) / (right - left) * w, (high - y) / (high - low) * h];
  const point = ([px, py]) => [left + px / w * (right - left), high - py / h * (high - low)];
  const ticks = (low, high, whole, mark) => {
    const wish = (high - low) / 4, power = 10 ** floor(log10(wish));
    const gap = max(power * [1, 2, 5, 10].find((m) => m * power >= wish * 0.7), whole ? 1 : 0);
    for (let i = ceil(low / gap); i * gap <= high * (1 + 1e-9); i++) mark(i * gap);
  };
  const said = (value, isLog) => (isLog ? power(round(value)) : typeset(short(value)));
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
  const isOut = ([x, y]) => !(0 <= x && x <= w && 0 <= y && y <= h);
  return { c, w, h, place, point, isOut, heads: [], window: [[left, right], [low, high]] };
}

// A second lane of a rule has a colour that no rule here has
function styles(lanes, ink) {
  const isDark = isLight(ink), used = lanes.map(({ rule }) => LOOKS[rule][0]), seen = [];
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

function terrain(plot, height, isDark) {
  const w = round(plot.w / 2), h = round(plot.h / 2);
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h);
  const logs = Array.from({ length: w * h }, (_, k) => log(max(height(plot.point([(k % w) * 2 + 1, floor(k / w) * 2 + 1])), 1e-9)));
  const top = logs.reduce((a, b) => max(a, b)), [low, high] = isDark ? [[0, 92, 134], [26, 30, 36]] : [[140, 190, 212], [251, 246, 234]];
  logs.forEach((value, k) => {
    const share = max(0, 1 - (top - value) / 8), band = floor(share * 14) / 14;
    image.data.set([...high.map((light, i) => low[i] + band * (light - low[i])), 255], 4 * k);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const isCrowded = (canvas, lanes) => lanes.length > (canvas.clientWidth < 500 ? 1 : 4);

// Heads of paths that leave at one place stand one behind the other
function leaving({ c, w, h, isOut, heads }, { colour }, path) {
  const i = path.findIndex(isOut);
  if (i < 1) return;
  const [x, y] = path[i - 1], [u, v] = path[i].map((end, d) => end - path[i - 1][d]);
  const share = min(...[[x, u, w], [y, v, h]].map(([at, by, end]) => ((by > 0 && end) - at) / by).filter((share) => share >= 0));
  const at = [x + share * u, y + share * v], behind = heads.filter((head) => hypot(...head.map((x, d) => x - at[d])) < 13);
  heads.push(at);
  c.save();
  c.translate(...at);
  c.rotate(atan2(v, u));
  c.translate(-13 * behind.length, 0);
  c.fillStyle = colour;
  c.fill(new Path2D("M0 0l-12-6v12"));
  c.restore();
}

function drawMap(canvas, state, race, ink) {
  const { surface, lanes, start, starts } = race, isLine = !surface.window[1], step = min(state.step, state.steps);
  const height = heightOn(surface), isDark = isLight(ink), pink = isDark ? "#ff9ccf" : "#b3005e";
  const isCloud = !isLine && lanes[0]?.runs[1] && !state.mean;
  const plot = axes(canvas, ink, surface.window[0], surface.window[1] ?? [-0.5, 9.6],
    { x: isLine || surface.isRound ? "x" : "x; y has its own scale", title: isLine ? "height" : isCloud ? "y; circles: mean distance" : "y", isRound: surface.isRound });
  const { c, w, h, place, point, isOut } = plot, on = (p) => (isLine ? [p[0], height(p)] : p);
  if (isLine) {
    const curve = Array.from({ length: w + 1 }, (_, i) => [point([i, 0])[0], height([point([i, 0])[0]])]);
    line(plot, { colour: ink }, curve, 1.5, 0.6);
  } else {
    const scene = [surface.window, state.surface, state.k, state.angle, w, h, isDark].join();
    if (canvas.scene !== scene) Object.assign(canvas, { scene, terrain: terrain(plot, height, isDark) });
    c.drawImage(canvas.terrain, 0, 0, w, h);
  }
  c.strokeStyle = pink;
  c.lineWidth = 3;
  for (const [x, y] of surface.minima.map((p) => place(on(p)))) c.stroke(new Path2D(`M${x - 5} ${y - 5}l10 10m0-10l-10 10`));
  const traced = ({ path, away, diverged }, i) => (isCloud ? Array.from({ length: 61 }, (_, j) =>
    [cos, sin].map((f, d) => surface.minima[0][d] + (away[step] ?? 99) * f((j / 30 + i / 2 + 0.25) * PI))) : path.slice(0, (diverged && lanes[1] && path.findIndex((p) => isOut(place(on(p)))) + 1) || path.length).map(on)); // who flies out hides none
  const dot = ([x, y], size, isHollow) => (c.beginPath(), c.arc(x, y, size, 0, 7), isHollow ? c.stroke() : c.fill());
  race.began.forEach((lane, i) => {
    line(plot, { ...lane.look, dash: [2, 4] }, traced(lane, i), 2, 0.9);
    lane.seen = traced(lane, i).map(place);
    if (!isCloud) dot(lane.seen.at(-1), 6, true);
  });
  lanes.forEach((lane, i) => {
    const { look, runs, theory } = lane, whole = traced(lane, i), past = isCloud ? whole : whole.slice(0, step + 1), places = lane.past = past.map(place);
    c.lineWidth = 2;
    c.globalAlpha = 0.4;
    c.fillStyle = c.strokeStyle = look.colour;
    if (runs[1]) for (const run of runs.slice(0, lanes[2] ? 12 : 100)) dot(place(on(run[min(step, run.length - 1)])), 3, look.dash[0]);
    if (state.mean) for (const run of runs.slice(0, 12)) line(plot, look, run.slice(0, race.untold ? step + 1 : 1e4).map(on), 0.7, 0.25);
    if (!race.untold && !isCloud) line(plot, look, whole, 1.5, 0.3);
    line(plot, { colour: isDark ? "#000" : "#fff" }, past, 5, 0.6);
    line(plot, look, past, 2.5);
    if (theory && !race.untold) line(plot, { colour: pink, dash: [7, 4] }, theory.map(on), 2);
    lane.seen = race.untold ? places : whole.map(place);
    c.fillStyle = c.strokeStyle = look.colour;
    if (!isCloud && past.length < 400 && !look.dash[0]) for (const p of places) dot(p, 2);
  });
  if (!isCloud) for (const { look, past } of lanes) { // over all lines
    leaving(plot, look, past);
    c.fillStyle = look.colour;
    dot(past.at(-1), 5);
  }
  const [x, y] = place(on(start));
  c.fillStyle = c.strokeStyle = ink;
  for (const [x, y] of starts.map((p) => place(on(p)))) c.fillRect(x - 6, y - 6, 12, 12);
  if (!lanes.length) c.fillText("drag me", x > w - 75 ? x - 70 : x + 22, max(14, y - 12));
  if (lanes[1] && !isCrowded(canvas, lanes)) named(plot, lanes, [...lanes, ...race.began], [...surface.minima, ...starts].map((p) => place(on(p))), ink, isDark);
  c.restore();
  return plot;
}

function named({ c, w, h }, lanes, drawn, marks, ink, isDark) {
  const taken = marks.map(([x, y]) => [x - 8, y - 16, 16]), traces = drawn.flatMap(({ seen }) => seen.slice(-400).flatMap((p, i, all) =>
    [0, 0.2, 0.4, 0.6, 0.8].map((s) => p.map((x, d) => x + s * ((all[i + 1] ?? p)[d] - x)))));
  c.font = "600 13px system-ui, sans-serif";
  for (const lane of lanes) {
    const { label, look: { colour, dash } } = lane, [x, y] = lane.past.at(-1).map((at, d) => max(0, min(at, [w, h][d])));
    const width = c.measureText(label).width + 22, spots = [];
    for (const down of [0, -20, 20, -40, 40, -60, 60])
      for (const right of [11, -width - 11, -width / 2]) {
        const left = max(6, min(x + right, w - width - 6)), top = max(4, min(y - 8 + down, h - 20));
        const over = (of, wide, high) => of.filter(([u, v, far = 0]) => u < left + width + 4 && left < u + far + 4 && v < top + wide && top < v + high).length;
        const spot = down + right; // no name moves for little
        spots.push([over(traces, 18, 2) + 1000 * over(taken, 20, 20) + abs(down) / 20 + 9 * (lane.spot !== spot), left, top, spot]);
      }
    const [[, left, top, best]] = spots.sort(([a], [b]) => a - b);
    lane.spot = best;
    taken.push([left, top, width]);
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.stroke(new Path2D(`M${left + width / 2} ${top + 8}L${x} ${y}`));
    c.fillStyle = isDark ? "#1b1f24e6" : "#ffffffe6";
    c.fillRect(left - 3, top, width + 6, 16);
    c.lineWidth = 3;
    c.setLineDash(dash);
    c.stroke(new Path2D(`M${left} ${top + 8}h18`));
    c.setLineDash([]);
    c.fillStyle = ink;
    c.fillText(label, left + 22, top + 12);
  }
}

// The frame holds what the story begins with and asks about; who rises far flies out
function bySteps(canvas, state, race, ink, title, seriesOf, far = Infinity) {
  const step = min(state.step, state.steps);
  const all = [...race.lanes, ...race.framed].flatMap(seriesOf).flat().filter((value) => value < far).map(logOf);
  const plot = axes(canvas, ink, [0, state.steps], [max(-12, floor(min(...all) - 0.1)), ceil(max(...all) + 0.1)], { x: "step", title, logY: true });
  const draw = (lanes, act) => lanes.forEach((lane) => seriesOf(lane).forEach((values, d) =>
    act(lane.look, values.map((value, k) => [k, logOf(value)]), d ? 1.2 : 2.6)));
  draw(race.began, (look, points) => line(plot, { ...look, dash: [2, 4] }, points, 1.5, 0.5));
  draw(race.lanes, (look, points, width) => {
    const past = points.slice(0, step + 1);
    if (!race.untold) line(plot, look, points, width / 2, 0.3);
    line(plot, look, past, width);
    leaving(plot, look, past.map(plot.place));
  });
  plot.c.restore();
}

const heights = (...all) => bySteps(...all, "height above the minimum", ({ heights }) => [heights], 30 * all[2].lanes[0].heights[0]);

const rates = (...all) => bySteps(...all, "effective rate: thick of x, thin of y",
  ({ runs: [{ rates }] }) => (rates[0] ?? []).map((_, d) => rates.map((rate) => rate[d])));

// Both below return what a click chooses: a lane and its settings
function sweep(canvas, state, race, ink) {
  const lrs = RATES.map(log10);
  race.swept ??= state.lanes.map((lane) => RATES.map((lr) => logOf(lateHeight(state, race.surface, { ...lane, lr }))));
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
  const which = min(state.of, state.lanes.length - 1), lane = state.lanes[which], memory = memoryOf(lane), betas = memory ? MEMORIES : [0];
  const plot = axes(canvas, ink, [-4.0625, 1.0625], [-0.5, betas.length - 0.5],
    { x: "lr; click a cell to run it", title: `${memory ? ofLane[memory][4] : "no memory"} upwards. Light: low; grey: flies out; ring: lowest`, logX: true, rows: betas });
  const at = (i, j) => ({ lr: RATES[i], ...(memory && { [memory]: betas[j] }) }), { c } = plot, cell = plot.w / RATES.length, row = plot.h / betas.length;
  race.mapped ??= betas.map((_, j) => RATES.map((_, i) => lateHeight(state, race.surface, { ...lane, ...at(i, j) })));
  const lowest = min(...race.mapped.flat()), logs = race.mapped.flat().map(logOf).filter(Number.isFinite), low = min(...logs), top = max(...logs);
  const marks = new Path2D();
  if (!race.untold) race.mapped.forEach((ends, j) => ends.forEach((end, i) => {
    const light = (top - logOf(end)) / (top - low || 1), x = i * cell, y = plot.h - (j + 1) * row;
    c.fillStyle = light >= 0 ? `hsl(${60 + 200 * (1 - light)} 60% ${25 + 50 * light}%)` : "#8886";
    c.fillRect(x, y, cell - 1, row - 1);
    if (RATES[i] === nearest(RATES, lane.lr) && betas[j] === nearest(betas, lane[memory] ?? 0)) marks.rect(x - 1, y - 1, cell + 1, row + 1);
    if (end === lowest) marks.moveTo(x + cell / 2 + 7, y + row / 2), marks.arc(x + cell / 2, y + row / 2, 7, 0, 7);
  }));
  for ([c.strokeStyle, c.lineWidth] of [["#fff", 5], ["#000", 2]]) c.stroke(marks);
  c.restore();
  return ([x, y]) => [which, at(...[[x / cell, RATES], [(plot.h - y) / row, betas]].map(([i, all]) => min(all.length - 1, max(0, floor(i)))))];
}

const nearest = (values, wanted) => values.reduce((a, b) => (abs(log((b + 1e-5) / (wanted + 1e-5))) < abs(log((a + 1e-5) / (wanted + 1e-5))) ? b : a));

function drawBeside(canvas, state, ...rest) {
  const chosen = ({ heights, rates, sweep, map })[state.view](canvas, state, ...rest);
  if (state.step < 0) {
    const c = canvas.getContext("2d"), x = canvas.clientWidth / 2 - 29, y = canvas.clientHeight / 2;
    c.textAlign = "center";
    c.fillText("drawn after your guess", x, y);
    c.font = "600 30px system-ui, sans-serif";
    c.fillText("?", x, y - 24);
  }
  return chosen;
}

Object.assign(Playground, { MARGIN, inner, drawMap, drawBeside, styles, isCrowded });
}
