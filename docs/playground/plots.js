"use strict";
{
const { LOOKS, RATES, ofLane, MEMORIES, heightOn, lateHeight, memoryOf, short, power, typeset } = Playground;
const { abs, atan2, ceil, floor, hypot, log, log10, max, min, round, cos, sin, PI } = Math;
const MARGIN = { left: 46, right: 12, top: 22, bottom: 34 };
const inner = ({ offsetX, offsetY }) => [offsetX - MARGIN.left, offsetY - MARGIN.top];
const logOf = (height) => log10(max(height, 1e-12));
const isLight = (ink) => ink.match(/\d+/) > 127;
const DASHES = { solid: [], dashed: [7, 3], dotted: [2, 3] };

function axes(canvas, ink, [left, right], [low, high], { x, title = "", logX, logY, rows, isRound }) {
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
  const place = ([x, y]) => [(x - left) / (right - left) * w, (y - high) / (low - high) * h];
  const point = ([x, y]) => [left + x / w * (right - left), high + y / h * (low - high)];
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

const mix = (a, b, share) => a + share * (b - a);

// A line where a band ends: where lines are close, it is steep
function terrain(plot, height, isDark) {
  const w = round(plot.w), h = round(plot.h);
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h);
  const logs = Float32Array.from({ length: w * h }, (_, k) => log(max(height(plot.point([k % w, floor(k / w)])), 1e-9)));
  const top = logs.reduce((a, b) => max(a, b)), bands = logs.map((value) => max(0, 12 - (top - value) * 1.5));
  const [low, high, edge] = isDark ? [[0, 100, 146], [24, 27, 32], [92, 116, 132]] : [[112, 174, 206], [252, 248, 238], [84, 128, 152]];
  bands.forEach((value, k) => {
    const band = floor(value), slope = hypot(value - (bands[k + 1] ?? value), value - (bands[k + w] ?? value));
    const ink = value && max(0, 1 - abs(value - round(value)) / slope) * min(1, 0.4 / slope);
    image.data.set([...high.map((light, i) => mix(mix(low[i], light, band / 12), edge[i], ink)), 255], 4 * k);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const isCrowded = (canvas, lanes) => lanes.length > (canvas.clientWidth < 500 ? 1 : 4);

// Heads that leave at one place stand one behind the other; of curves side by side
function leaving({ c, isOut, heads }, { colour }, path, isCurve) {
  const i = path.findIndex(isOut);
  if (i < 1) return;
  let [at, out] = path.slice(i - 1, i + 1);
  const angle = atan2(out[1] - at[1], out[0] - at[0]);
  for (let n = 0; n < 40; n++) {
    const half = at.map((x, d) => mix(x, out[d], 0.5));
    isOut(half) ? (out = half) : (at = half);
  }
  const behind = heads.filter((head) => hypot(...head.map((x, d) => x - at[d])) < 13);
  heads.push(at);
  c.save();
  c.translate(isCurve ? max(7, at[0]) : at[0], at[1]);
  c.rotate(angle);
  c.translate(...(isCurve ? [0, 14 * behind.length] : [-13 * behind.length, 0]));
  c.fillStyle = colour;
  c.fill(new Path2D("M0 0l-12-6v12"));
  c.restore();
}

function drawMap(canvas, state, race, ink) {
  const { surface, lanes, start, starts } = race, isLine = !surface.window[1], step = min(state.step, state.steps);
  const height = heightOn(surface), isDark = isLight(ink), pink = isDark ? "#ff9ccf" : "#b3005e";
  const isCloud = !isLine && lanes[0]?.runs[1] && !state.mean;
  const plot = axes(canvas, ink, surface.window[0], surface.window[1] ?? [-0.5, 9.6],
    { x: isLine || surface.isRound || canvas.bare ? "x" : "x; y has its own scale", title: isLine ? "height" : isCloud ? "y; circles: mean distance" : "y", isRound: surface.isRound });
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
    [cos, sin].map((f, d) => surface.minima[0][d] + (away[step] ?? 99) * f((j / 30 + i / 2 + 0.25) * PI))) : path.slice(0, (diverged && lanes[1] && path.findIndex((p) => isOut(place(on(p)))) + 1) || path.length).map(on));
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
  if (!isCloud) for (const { look, past } of lanes) {
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
  const taken = [...marks], traces = drawn.flatMap(({ seen }) => seen.slice(-400).flatMap((p, i, all) =>
    [0, 0.3, 0.6].map((s) => p.map((x, d) => mix(x, (all[i + 1] ?? p)[d], s)))));
  c.font = "600 13px system-ui, sans-serif";
  for (const lane of lanes) {
    const { label, look: { colour, dash } } = lane, [x, y] = lane.past.at(-1).map((at, d) => max(0, min(at, [w, h][d])));
    const width = c.measureText(label).width + 22;
    const spots = [0, -20, 20, -40, 40, -60, 60].flatMap((down) => [11, -width - 11, -width / 2].map((right) => {
      const left = max(6, min(x + right, w - width - 6)), top = max(4, min(y - 8 + down, h - 20)), spot = down + right;
      const over = (of, far) => of.filter(([u, v]) => abs(u - left - width / 2) < width / 2 + far && abs(v - top - 8) < far).length;
      return [over(traces, 10) + 1000 * over(taken, 18) + abs(down) / 20 + 9 * (lane.spot !== spot), left, top, spot];
    }));
    const [, left, top, spot] = spots.sort(([a], [b]) => a - b)[0];
    lane.spot = spot;
    for (let u = left; u < left + width; u += 9) taken.push([u, top + 8]);
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
function bySteps(canvas, state, race, ink) {
  const { view } = state, step = min(state.step, state.steps), far = 30 * race.lanes[0][view][0] || Infinity;
  const seriesOf = ({ [view]: values }) => (view === "rates" ? (values[0] ?? []).map((_, d) => values.map((rate) => rate[d])) : [values]);
  const all = [...race.lanes, ...race.framed].flatMap(seriesOf).flat().filter((value) => value < far).map(logOf);
  const plot = axes(canvas, ink, [0, state.steps], [max(-12, floor(min(...all) - 0.1)), ceil(max(...all) + 0.1)], { x: "step", logY: true });
  const draw = (lanes, act) => lanes.forEach((lane) => seriesOf(lane).forEach((values, d) =>
    act(lane.look, values.map((value, k) => [k, logOf(value)]), d ? 1.2 : 2.6)));
  draw(race.began, (look, points) => line(plot, { ...look, dash: [2, 4] }, points, 1.5, 0.5));
  draw(race.lanes, (look, points, width) => {
    const past = points.slice(0, step + 1);
    if (!race.untold) line(plot, look, points, width / 2, 0.3);
    line(plot, look, past, width);
  });
  draw(race.lanes, (look, points) => leaving(plot, look, points.slice(0, step + 1).map(plot.place), true));
  plot.c.restore();
}

// Both return what a click chooses
function sweep(canvas, state, race, ink) {
  race.swept ??= state.lanes.map((lane) => RATES.map((lr) => [log10(lr), logOf(lateHeight(state, race.surface, { ...lane, lr }))]).filter(([, y]) => Number.isFinite(y)));
  const ends = race.swept.flat().map(([, y]) => y);
  const plot = axes(canvas, ink, [-4, 1], [floor(min(...ends, 0)), ceil(max(...ends, 1))], { x: "lr; click to choose", title: "highest point of the last tenth", logX: true, logY: true });
  if (!race.untold) race.swept.forEach((points, i) => {
    const at = log10(state.lanes[i].lr), { look } = race.lanes[i];
    line(plot, look, points, 2.6);
    line(plot, look, [[at, -99], [at, 99]], 1.5, 0.5);
  });
  plot.c.restore();
  return (place) => {
    const [x, y] = plot.point(place), far = race.swept.map((points) => min(...points.map(([u, v]) => hypot(u - x, v - y))));
    return [far.indexOf(min(...far)), { lr: nearest(RATES, 10 ** x) }];
  };
}

function map(canvas, state, race, ink) {
  const which = min(state.of, state.lanes.length - 1), lane = state.lanes[which], memory = memoryOf(lane), betas = memory ? MEMORIES : [0];
  const at = (i, j) => ({ lr: RATES[i], ...(memory && { [memory]: betas[j] }) });
  race.mapped ??= betas.map((_, j) => RATES.map((_, i) => lateHeight(state, race.surface, { ...lane, ...at(i, j) })));
  const n = min(RATES.length, 5 + max(...race.mapped.map((ends) => ends.findLastIndex(Number.isFinite))));
  const plot = axes(canvas, ink, [-4.0625, n / 8 - 4.0625], [-0.5, betas.length - 0.5],
    { x: "lr; click a cell to run it", title: `${memory ? ofLane[memory][4] : "no memory"}; grey: out; ring: lowest`, logX: true, rows: betas });
  const { c, w } = plot, cell = w / n, row = plot.h / betas.length, colour = (light) => `hsl(${60 + 200 * (1 - light)} 60% ${25 + 50 * light}%)`;
  const lowest = min(...race.mapped.flat()), logs = race.mapped.flat().map(logOf).filter(Number.isFinite), low = min(...logs), top = max(...logs);
  const marks = new Path2D();
  if (!race.untold) race.mapped.forEach((ends, j) => ends.forEach((end, i) => {
    const light = (top - logOf(end)) / (top - low || 1), x = i * cell, y = plot.h - (j + 1) * row;
    c.fillStyle = light >= 0 ? colour(light) : "#8886";
    c.fillRect(x, y, cell - 1, row - 1);
    if (RATES[i] === nearest(RATES, lane.lr) && betas[j] === nearest(betas, lane[memory] ?? 0)) marks.rect(x - 1, y - 1, cell + 1, row + 1);
    if (end === lowest) marks.moveTo(x + cell / 2 + 7, y + row / 2), marks.arc(x + cell / 2, y + row / 2, 7, 0, 7);
  }));
  for ([c.strokeStyle, c.lineWidth] of [["#fff", 5], ["#000", 2]]) c.stroke(marks);
  c.restore();
  [low, top].forEach((end, i) => c.fillText(power(round(end)), w - 110 + 84 * i, -7));
  for (let i = 0; i < 50; i++) c.fillStyle = colour(1 - i / 49), c.fillRect(w - 80 + i, -17, 1, 11);
  return ([x, y]) => [which, at(...[[x / cell, RATES], [(plot.h - y) / row, betas]].map(([i, all]) => min(all.length - 1, max(0, floor(i)))))];
}

const nearest = (values, wanted) => values.reduce((a, b) => (abs(log((b + 1e-5) / (wanted + 1e-5))) < abs(log((a + 1e-5) / (wanted + 1e-5))) ? b : a));

function drawBeside(canvas, state, ...rest) {
  const chosen = ({ map, sweep }[state.view] ?? bySteps)(canvas, state, ...rest);
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
