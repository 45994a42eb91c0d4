"use strict";
{
const { LOOKS, RATES, ofLane, MEMORIES, heightOn, grid, memoryOf, short, power, typeset } = Playground;
const { abs, atan2, ceil, floor, hypot, log10, max, min, round, cos, sin, PI } = Math;
const MARGIN = { left: 46, right: 16, top: 22, bottom: 34 };
const inner = ({ offsetX, offsetY }) => [offsetX - MARGIN.left, offsetY - MARGIN.top];
const logOf = (height) => log10(max(height, 1e-12));
const isLight = (ink) => ink.match(/\d+/) > 127;
const DASHES = { solid: [], dashed: [7, 3], dotted: [2, 3] };

function axes(canvas, ink, [left, right], [low, high], { x, title = "", logX, logY, rows, isRound }) {
  const ratio = devicePixelRatio, c = canvas.getContext("2d");
  const { clientWidth, clientHeight } = canvas, w = clientWidth - MARGIN.left - MARGIN.right, h = clientHeight - MARGIN.top - MARGIN.bottom;
  canvas.width = clientWidth * ratio;
  canvas.height = clientHeight * ratio;
  c.scale(ratio, ratio);
  c.translate(MARGIN.left, MARGIN.top);
  c.lineJoin = "round";
  c.fillStyle = c.strokeStyle = ink;
  c.font = "13px system-ui, sans-serif";
  if (isRound) { // one scale for both, and the whole window in it
    const scale = max((right - left) / w, (high - low) / h);
    [[left, right], [low, high]] = [[left + right, w], [low + high, h]].map(([sum, size]) => [-1, 1].map((side) => (sum + side * scale * size) / 2));
  }
  const place = ([x, y]) => [(x - left) / (right - left) * w, (y - high) / (low - high) * h];
  const point = ([x, y]) => [left + x / w * (right - left), high + y / h * (low - high)];
  const ticks = (low, high, isLog, mark) => {
    const wish = (high - low) / 4, ten = 10 ** floor(log10(wish));
    const gap = max(ten * [1, 2, 5, 10].find((m) => m * ten >= wish * 0.7), isLog ? 1 : 0);
    for (let i = ceil(low / gap); i * gap <= high * (1 + 1e-9); i++) mark(i * gap, isLog ? power(round(i * gap)) : typeset(short(i * gap)));
  };
  c.fillText(title, 0, -7);
  c.textAlign = "center";
  ticks(left, right, logX, (value, said) => c.fillText(said, place([value, 0])[0], h + 15));
  c.fillText(x, w / 2, h + 30);
  c.textAlign = "right";
  if (rows) rows.forEach((row, i) => c.fillText(row, -5, place([0, i])[1] + 4));
  else ticks(low, high, logY, (value, said) => c.fillText(said, -5, place([0, value])[1] + 4));
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
  const isDark = isLight(ink), used = lanes.map(({ rule }) => LOOKS[rule][0]);
  const spare = Object.values(LOOKS).map(([colour]) => colour).filter((colour) => !used.includes(colour));
  return lanes.map(({ rule }, i) => {
    const isSecond = used.indexOf(used[i]) < i, colour = (isSecond && spare[3 * i % spare.length]) || used[i];
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
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h), { data } = image;
  const logs = new Float32Array(w * h).map((_, k) => logOf(height(plot.point([k % w, floor(k / w)]))));
  const top = logs.reduce((a, b) => max(a, b)), bands = logs.map((value) => max(0, 11.7 - (top - value) * 3.45)); // no line ends in a corner
  const [low, high, edge] = isDark ? [[36, 62, 80], [18, 20, 24], [80, 104, 120]] : [[112, 174, 206], [252, 248, 238], [84, 128, 152]];
  bands.forEach((value, k) => {
    const share = floor(value) / 12, slope = hypot(value - bands[k % w ? k - 1 : k + 1], value - (bands[k - w] ?? bands[k + w]));
    const ink = value && max(0, 1 - abs(value - round(value)) / slope) * min(1, 0.4 / slope);
    for (let i = 0; i < 3; i++) data[4 * k + i] = mix(mix(low[i], high[i], share), edge[i], ink);
    data[4 * k + 3] = 255;
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
  const { c, w, h, place, point, isOut } = plot, on = (p) => (isLine ? [p[0], height(p)] : p), at = (p) => place(on(p));
  if (isLine) line(plot, { colour: ink }, Array.from({ length: w + 1 }, (_, i) => on(point([i, 0]))), 1.5, 0.6);
  else {
    const scene = [surface.window, state.surface, state.k, state.angle, w, h, isDark].join();
    if (canvas.scene !== scene) Object.assign(canvas, { scene, terrain: terrain(plot, height, isDark) });
    c.drawImage(canvas.terrain, 0, 0, w, h);
  }
  c.strokeStyle = pink;
  c.lineWidth = 3;
  for (const [x, y] of surface.minima.map(at)) c.stroke(new Path2D(`M${x - 5} ${y - 5}l10 10m0-10l-10 10`));
  const traced = ({ path, away, diverged }, i) => (isCloud ? Array.from({ length: 61 }, (_, j) =>
    [cos, sin].map((f, d) => surface.minima[0][d] + (away[step] ?? 99) * f((j / 30 + i / 2 + 0.25) * PI))) : path.slice(0, (diverged && lanes[1] && path.findIndex((p) => isOut(at(p))) + 1) || path.length).map(on)); // of many, who flies out hides none
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
    if (runs[1]) for (const run of runs.slice(0, lanes[2] ? 12 : 100)) dot(at(run[min(step, run.length - 1)]), 3, look.dash[0]);
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
  const [x, y] = at(start);
  c.fillStyle = c.strokeStyle = ink;
  for (const [x, y] of starts.map(at)) c.fillRect(x - 6, y - 6, 12, 12);
  if (!lanes.length) {
    c.strokeStyle = isDark ? "#000" : "#fff";
    c.lineWidth = 4;
    for (const act of ["strokeText", "fillText"]) c[act]("drag me", x + (x < w - 70 ? 13 : -62), y + 5);
  }
  if (lanes[1] && !isCrowded(canvas, lanes)) named(plot, lanes, [...lanes, ...race.began], [...surface.minima, ...starts].map(at), ink, isDark);
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
    const spots = [0, -20, 20, -40, 40].flatMap((down) => [11, -width - 11, -width / 2].map((right) => {
      const left = max(6, min(x + right, w - width - 6)), top = max(4, min(y - 8 + down, h - 20)), spot = down + right; // no name moves for little
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
  const { view } = state, step = min(state.step, state.steps), far = 30 * race.lanes[0][view.replace("parts", "away")][0] || Infinity;
  const seriesOf = ({ [view]: values }) => (/rates|parts/.test(view) ? (values[0] ?? []).map((_, d) => values.map((both) => both[d])) : [values]);
  const all = [...race.lanes, ...race.framed].flatMap(seriesOf).flat().filter((value) => value < far).map(logOf);
  const plot = axes(canvas, ink, [0, state.steps], [max(-12, floor(min(...all) - 0.1)), ceil(max(...all) + 0.1)], { x: "step", logY: true });
  const draw = (lanes, act) => lanes.forEach((lane) => seriesOf(lane).forEach((values, d) =>
    act(lane.look, values.map((value, k) => [k, logOf(value)]), d ? 1.2 : 2.6)));
  draw(race.began, (look, points) => line(plot, { ...look, dash: [2, 4] }, points, 1.5, 0.7));
  draw(race.lanes, (look, points, width) => {
    const past = points.slice(0, step + 1);
    if (!race.untold) line(plot, look, points, width / 2, 0.3);
    line(plot, look, past, width);
  });
  draw(race.lanes, (look, points) => leaving(plot, look, points.slice(0, step + 1).map(plot.place), true));
  plot.c.restore();
}

// Both below return what a click chooses: a lane and its settings
function sweep(canvas, state, race, ink) {
  race.swept ??= state.lanes.map((lane) => grid(state, lane, [lane[memoryOf(lane)]]).map(({ tried: { lr }, late }) => [lr, late].map(logOf)).filter(([, y]) => y < Infinity));
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

// From which rate on momentum swings along a ravine, where the curvature is 1
const swings = (beta) => (1 - beta ** 0.5) ** 2;

function map(canvas, state, race, ink) {
  const which = min(state.of, state.lanes.length - 1), lane = state.lanes[which], memory = memoryOf(lane), rows = memory ? MEMORIES : [0];
  const cells = race.mapped ??= grid(state, lane), lowest = min(...cells.map(({ late }) => late));
  const n = min(RATES.length, 5 + max(...cells.map(({ column, late }) => (late < Infinity ? column : 0))));
  const plot = axes(canvas, ink, [-4.0625, n / 8 - 4.0625], [-0.5, rows.length - 0.5],
    { x: "lr; click to choose", title: memory ? `${ofLane[memory][4]}; ring: lowest` : "ring: lowest", logX: true, rows });
  const { c, w, h } = plot, wide = w / n, high = h / rows.length, marks = new Path2D();
  // Above the start all have one colour, so that lower ones differ more
  const low = floor(logOf(lowest)), top = max(low + 1, ceil(logOf(heightOn(race.surface)(race.start))));
  const paint = (share, ...box) => {
    c.fillStyle = share < Infinity ? `hsl(${60 + 200 * share} 60% ${75 - 50 * share}%)` : "#8886";
    c.fillRect(...box);
  };
  if (!race.untold) for (const { row, column, tried, late } of cells) {
    const x = column * wide, y = h - (row + 1) * high, share = (logOf(late) - low) / (top - low);
    paint(late < Infinity ? min(1, share) : share, x, y, wide - 1, high - 1);
    if (tried.lr === nearest(RATES, lane.lr) && rows[row] === nearest(rows, lane[memory] ?? 0)) marks.rect(x - 1, y - 1, wide + 1, high + 1);
    if (late === lowest) marks.moveTo(x + wide / 2 + 7, y + high / 2), marks.arc(x + wide / 2, y + high / 2, 7, 0, 7);
  }
  if (!race.untold && lane.rule === "momentum" && state.surface === "quadratic") {
    line(plot, { colour: "#fff", dash: [6, 4] }, rows.map((beta, row) => [log10(swings(beta)), row]), 2);
    c.fillStyle = "#fff";
    c.fillText("creeps", ...plot.place([-3.5, 2]));
    c.fillText("swings", ...plot.place([-2.3, 6]));
  }
  for ([c.strokeStyle, c.lineWidth] of [["#fff", 5], ["#000", 2]]) c.stroke(marks);
  c.restore();
  for (let i = 0; i < 40; i++) paint(i / 39, w - 127 + i, -17, 1, 11);
  paint(Infinity, w - 38, -17, 11, 11);
  c.fillStyle = ink;
  c.fillText(`height ${power(low)}`, w - 207, -7);
  c.fillText(`≥ ${power(top)}`, w - 83, -7);
  c.fillText("out", w - 22, -7);
  return ([x, y]) => [which, cells.find(({ row, column }) => column === floor(x / wide) && row === floor((h - y) / high))?.tried];
}

const nearest = (values, wanted) => values.reduce((a, b) => (abs(b - wanted) < abs(a - wanted) ? b : a));

function drawBeside(canvas, state, ...rest) {
  const chosen = ({ map, sweep }[state.view] ?? bySteps)(canvas, state, ...rest);
  if (state.step < 0) {
    const c = canvas.getContext("2d");
    c.font = "600 30px system-ui, sans-serif";
    c.fillText("?", canvas.clientWidth / 2 - 37, canvas.clientHeight / 2);
  }
  return chosen;
}

Object.assign(Playground, { MARGIN, inner, swings, drawMap, drawBeside, styles, isCrowded });
}
