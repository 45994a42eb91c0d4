"use strict";
{
const { RULES, NAMES, SCHEDULES, SURFACES, hyperparameters, effectiveRate } = Playground;
const { abs, floor, hypot, log, max, min, cos, PI } = Math;

// Each number's default, bounds, slider, name
const ofRace = {
  k: [50, 1, 1000, "log", "condition number k"],
  angle: [0, 0, 90, "whole", "angle of the ravine (°)"],
  x: [null, -9, 9, "", "start x"], // the surface's own, unless told otherwise
  y: [null, -9, 9, "", "start y"],
  noise: [0, 0, 5, "", "gradient noise σ"],
  workers: [1, 1, 32, "whole", "workers"],
  runs: [1, 1, 100, "whole", "runs"],
  seed: [0, 0, 999, "whole", "seed"],
  mean: [0, 0, 1, "whole", "mean of the runs"],
  steps: [60, 5, 2000, "whole", "steps"],
  step: [2000, 0, 2000, "whole"],
  frame: [0, 0, 20, ""], // half the map's width; 0: the usual
  speed: [12, 1, 200, "whole", "steps a second"],
  guess: [-1, -1, 3, "whole"],
  of: [0, 0, 7, "whole"],
};
const ofLane = {
  lr: [0.01, 1e-5, 10, "log", "lr"],
  beta: [0.9, 0, 0.9999, "memory", "β"],
  beta1: [0.9, 0, 0.9999, "memory", "β₁"],
  beta2: [0.999, 0, 0.9999, "memory", "β₂"],
  momentum: [0.9, 0, 0.9999, "memory", "momentum"],
  eps: [1e-8, 1e-12, 1, "log", "ε"],
  mirror: [0, 0, 1, "whole", "start mirrored"],
};
const SETTINGS = { ...ofRace, ...ofLane };
const VIEWS = {
  away: "distance from the minimum", heights: "height above the minimum", rates: "effective rate: thick of x, thin of y",
  parts: "distance: thick of x, thin of y",
  sweep: "height by lr", map: "lr × memory: highest of the last tenth",
};

function checked(name, text) {
  const [, low, high, scale, label] = SETTINGS[name], isWhole = scale === "whole";
  const written = String(text ?? "").trim().replace("−", "-"), thousands = /^[1-9]\d{0,2}(,\d{3})+$/.test(written);
  const value = written ? +written.replaceAll(",", thousands ? "" : ".") : NaN;
  if (!(low <= value && value <= high) || (isWhole ? value % 1 : thousands)) // 1,000 can be read in two ways
    throw Error(`${label} must be a ${isWhole ? "whole " : ""}number from ${low} to ${high}${thousands ? ", without a comma" : ""}`);
  return value;
}

// Where a story turns the ravine, its frame holds the start and its mirror image at every angle
function surfaceOf({ surface, k, angle, frame, preset, x, y }) {
  const made = SURFACES[surface](k, angle);
  if (frame) made.window = made.window.map((_, i) => [-1, 1].map((side) => made.minima[0][i] + side * frame / (i + 1)));
  else if (surface === "quadratic" && Playground.PRESETS[preset]?.knobs.includes("angle")) {
    const all = [1, 15, 30, 45, 60, 75, 90].map((angle) => SURFACES[surface](k, angle)), at = all.flatMap(({ turn }) => [turn([x, y]), turn([x, -y])]);
    made.window = all[0].window.map(([low, high], i) => [min(low, ...at.map((p) => p[i] * 1.06)), max(high, ...at.map((p) => p[i] * 1.06))]);
    made.isRound = true;
  }
  return made;
}

// "preset=ravine&k=20&lane=momentum,lr:0.01,schedule:cosine" -> state. What a broken link cannot say stays as it was.
function fromAddress(text, base = {}) {
  const address = new URLSearchParams(text), preset = address.get("preset");
  if (Object.hasOwn(Playground.PRESETS, preset)) base = { ...fromAddress(Playground.PRESETS[preset].state), preset };
  const state = { surface: "quadratic", view: "away", ...base };
  const choose = (key, among) => Object.hasOwn(among, address.get(key)) && (state[key] = address.get(key));
  const read = (target, key, value, usual) => {
    try { target[key] = checked(key, value); } catch { target[key] ??= usual; }
  };
  choose("view", VIEWS);
  if (choose("surface", SURFACES)) delete state.x, delete state.y;
  const [x, y = 0] = SURFACES[state.surface]().start;
  for (const key in ofRace) read(state, key, address.get(key), { x, y }[key] ?? ofRace[key][0]);
  const lanes = address.getAll("lane").map((lane) => lane.split(",")).filter(([rule]) => Object.hasOwn(RULES, rule));
  if (lanes[0]) state.lanes = lanes.slice(0, 8).map(([rule, ...rest]) => {
    const lane = newLane(rule);
    for (const [key, value] of rest.map((part) => part.split(":")))
      if (key in ofLane && (key in lane || key === "mirror")) read(lane, key, value);
      else if (key === "schedule" && Object.hasOwn(SCHEDULES, value)) lane.schedule = value;
    return lane;
  });
  return state;
}

const newLane = (rule) => ({ rule, ...hyperparameters(rule), schedule: "constant" });

function toAddress({ lanes, ...state }) {
  const usual = fromAddress(`preset=${state.preset}`), address = new URLSearchParams({ preset: state.preset });
  const text = ({ rule, ...lane }) => [rule, ...Object.entries(lane).map((pair) => pair.join(":"))].join();
  for (const key in state) if (state[key] !== usual[key]) address.append(key, state[key]);
  if (lanes.map(text).join() !== usual.lanes.map(text).join()) for (const lane of lanes) address.append("lane", text(lane));
  return String(address);
}

// In [0, 1): mulberry32 (Tommy Ettinger)
function uniform(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(seed) {
  const random = uniform(seed);
  return () => (-2 * log(1 - random())) ** 0.5 * cos(2 * PI * random());
}

function versionsRead(workers, steps, seed) {
  const random = uniform(seed), read = Array(workers).fill(0);
  return Array.from({ length: steps }, (_, step) => {
    const worker = floor(random() * workers), version = read[worker];
    read[worker] = step + 1;
    return version;
  });
}

function descend(rule, gradient, start, steps, hyper, { schedule, noise, read, states = [] }) {
  const path = Object.assign([start], { rates: [] });
  for (let step = 0; step < steps; step++) {
    const now = { ...hyper, lr: hyper.lr * schedule(step) };
    const g = gradient(path[read?.[step] ?? step]).map((slope) => slope + noise());
    const next = path[step].map((x, i) => {
      const [update, state] = RULES[rule](g[i], states[i], now);
      states[i] = state;
      return x + update;
    });
    if (!next.every((x) => abs(x) < 1e4)) break;
    path.push(next);
    path.rates.push(states.map((state) => effectiveRate(rule, state, now)));
  }
  return path;
}

// A mirrored lane starts on the other side, so that two paths do not hide each other
const startOf = ({ x, y }, { turn }, { mirror } = {}) => (mirror && (y = -y), turn([x, y]));

function runLane(state, surface, lane, seed) {
  const noise = normal(2 * seed);
  return descend(lane.rule, surface.gradient, startOf(state, surface, lane), state.steps, lane, {
    schedule: SCHEDULES[lane.schedule][1](state.steps, lane),
    noise: () => state.noise && state.noise * noise(),
    read: state.workers > 1 && versionsRead(state.workers, state.steps, 2 * seed + 1),
  });
}

function heightOn({ value, minima }) {
  const lowest = min(...minima.map(value));
  return (point) => value(point) - lowest;
}

function race(state) {
  const surface = surfaceOf(state), start = startOf(state, surface), chance = state.noise || state.workers > 1;
  const height = heightOn(surface), ends = surface.minima.filter((q) => height(q) < 1e-9);
  const off = (p) => ends.map((q) => p.map((x, i) => x - q[i])).reduce((a, b) => (hypot(...a) <= hypot(...b) ? a : b));
  const lanes = state.lanes.map((lane) => {
    const runs = Array.from({ length: chance ? state.runs : 1 }, (_, i) => runLane(state, surface, lane, state.seed + i));
    const length = min(...runs.map((run) => run.length));
    const byStep = (value) => Array.from({ length }, (_, step) => value(step));
    const mean = (value) => byStep((step) => runs.reduce((total, run) => total + value(run[step]), 0) / runs.length);
    const means = start.map((_, i) => mean((p) => p[i]));
    return {
      ...lane, runs, label: labelOf(lane, state.lanes), diverged: length <= state.steps && length,
      path: state.mean ? byStep((step) => means.map((x) => x[step])) : runs[0],
      heights: mean(height), away: mean((p) => hypot(...off(p))), rates: runs[0].rates,
      parts: runs[0].map((p) => surface.back(off(p)).map(abs)), // a turned ravine's x runs along it
      // The mean of asynchronous descents (chapter 5): momentum, at full speed from the start
      theory: state.mean && state.workers > 1 && lane.rule === "gradient_descent" && descend("momentum", surface.gradient, start, state.steps,
        { lr: lane.lr / state.workers, beta: 1 - 1 / state.workers },
        { schedule: () => 1, noise: () => 0, states: surface.gradient(start).map((g) => [lane.lr * g]) }),
    };
  });
  return { surface, start, starts: state.lanes.map((lane) => startOf(state, surface, lane)), lanes, measure: measureOf(state) };
}

function labelOf(lane, lanes) {
  const alike = lanes.filter(({ rule }) => rule === lane.rule); // all but the first are called by what they change
  const differs = (key) => (lane === alike[0] ? alike : alike.slice(0, 1)).some((other) => other[key] !== lane[key]);
  const isAdam = lanes.some(({ schedule }) => schedule === "uncorrected");
  const own = Object.keys(lane).filter(differs).map((key) =>
    key === "schedule" ? isAdam && lane.schedule === "constant" ? "bias corrected" : SCHEDULES[lane.schedule][0] : typeset(`${ofLane[key][4]} ${plain(lane[key])}`));
  return (own[0] && lanes.every(({ rule }) => rule === lane.rule) ? own : [NAMES[lane.rule], ...own]).join(", ");
}

const short = (x) => (x && (abs(x) < 1e-3 || abs(x) >= 1e5) ? x.toExponential(1) : +x.toPrecision(3) + "");
const plain = (x) => +x.toPrecision(4) + "";
const power = (n) => (n ? "10" + [...`${n}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻").join("") : "1");
const typeset = (text) => text.replace(/(?<=\d)(?:\.0)?e([+-]\d+)/g, (_, n) => `\xa0×\xa0${power(+n)}`).replace(/-(?=\d)/g, "−");
const capital = (text) => text.replace(/^[a-z](?!r | =)/, (letter) => letter.toUpperCase()); // not lr, k =

// A story is told in the measure of its first plot
const measureOf = ({ preset }) => fromAddress(Playground.PRESETS[preset]?.state).view.replace("map", "heights").replace("parts", "away");

function told(lane, measure, step = lane.heights.length - 1) {
  if (/rates|parts/.test(measure)) return (lane[measure][step] ?? lane[measure].at(-1) ?? []).map(short).join(" of x, ") + " of y";
  return `${short(lane[measure][step])} ${measure === "away" ? "away" : "above"}`;
}

function leader({ lanes, measure = "heights" }, step) {
  const left = lanes.filter(({ heights }) => heights.length > step), isFar = measure === "away";
  if (!left.length) return `${lanes[1] ? "All have" : "It has"} flown out.`;
  if (measure === "rates") return `Rates: ${left.map((lane) => `${lane.label}: ${told(lane, measure, step)}`).join("; ")}.`;
  const least = min(...left.map((lane) => lane[measure][step])), level = left.filter((lane) => lane[measure][step] <= max(least, 1e-12)), [best] = level;
  const names = (some, by) => some.map(({ label }) => label).join(by), rest = lanes.filter((lane) => !level.includes(lane));
  if (level[1]) return `${rest.length < level.length ? `All${rest[0] ? " but " : ""}${names(rest, " and ")}` : names(level, " and ")} are equally ${isFar ? "near" : "high"}.`;
  const out = names(lanes.filter((lane) => !left.includes(lane)), ", ");
  const runs = best.runs.length > 1 ? `, in the mean of ${best.runs.length} runs` : "";
  return `${capital(best.label)}${lanes[1] ? ` is ${isFar ? "nearest" : "lowest"},` : ":"} ${told(best, measure, step)}${isFar ? " from" : ""} the minimum${runs}.${out && ` Flown out: ${out}.`}`;
}

const RATES = Array.from({ length: 41 }, (_, i) => +(10 ** (i / 8 - 4)).toPrecision(2));
const MEMORIES = [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99];
const memoryOf = (lane) => ["momentum", "beta", "beta1"].find((key) => key in lane);

function lateHeight(state, surface, lane) {
  const path = runLane(state, surface, lane, state.seed);
  return path.length > state.steps ? max(...path.slice(-max(1, floor(state.steps / 10))).map(heightOn(surface))) : Infinity;
}

function grid(state, lane, memories = MEMORIES) {
  const surface = surfaceOf(state), memory = memoryOf(lane);
  return (memory ? memories : [0]).flatMap((beta, row) => RATES.map((lr, column) => {
    const tried = { lr, ...(memory && { [memory]: beta }) };
    return { row, column, tried, late: lateHeight(state, surface, { ...lane, ...tried }) };
  }));
}

// What is set stays, if none of the grid is better
function tuned(state, lane, memories) {
  const { tried, late } = grid(state, lane, memories).reduce((a, b) => (b.late < a.late ? b : a), { late: lateHeight(state, surfaceOf(state), lane) });
  return { ...lane, ...tried, late };
}

function outcome(name) {
  const state = fromAddress(`preset=${name}`), again = (change) => fromAddress(change, state);
  return typeset(capital(Playground.PRESETS[name].outcome({
    ...race(state), again: (change) => race(again(change)).lanes, tuned: (i) => tuned(state, state.lanes[i]),
  })));
}

Object.assign(Playground, {
  ofRace, ofLane, SETTINGS, VIEWS, RATES, checked, fromAddress, toAddress, newLane, heightOn, MEMORIES, normal, race, told, leader, capital, short, plain, power, typeset, memoryOf,
  lateHeight, grid, tuned, outcome,
});
}
