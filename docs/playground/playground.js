// The first half is rules.py, surfaces.py and descent.py of course_utils; tests compare.

const { abs, ceil, floor, hypot, log, log10, max, min, round } = Math;

// --- Update rules, for one coordinate: rule(g, state, hyper) -> [update, state] ---

function gradient_descent(g, state, { lr = 0.01 }) {
  return [-lr * g, state];
}

function momentum(g, [v] = [0], { lr = 0.01, beta = 0.9 }) {
  v = beta * v + lr * g;
  return [-v, [v]];
}

function nesterov(g, [v] = [0], { lr = 0.01, beta = 0.9 }) {
  v = beta * v + lr * g;
  return [-(beta * v + lr * g), [v]];
}

function adagrad(g, [r] = [0], { lr = 0.01, eps = 1e-7 }) {
  r = r + g ** 2;
  return [-lr * g / (r ** 0.5 + eps), [r]];
}

function rmsprop(g, [r] = [0], { lr = 0.001, beta = 0.9, eps = 1e-8 }) {
  r = beta * r + (1 - beta) * g ** 2;
  return [-lr * g / (r ** 0.5 + eps), [r]];
}

function rmsprop_momentum(g, [r, v] = [0, 0], { lr = 0.001, beta = 0.9, momentum = 0.9, eps = 1e-8 }) {
  r = beta * r + (1 - beta) * g ** 2;
  v = momentum * v + lr * g / (r ** 0.5 + eps);
  return [-v, [r, v]];
}

function rmsprop_nesterov(g, [r, v] = [0, 0], { lr = 0.001, beta = 0.9, momentum = 0.9, eps = 1e-8 }) {
  r = beta * r + (1 - beta) * g ** 2;
  const step = lr * g / (r ** 0.5 + eps);
  v = momentum * v + step;
  return [-(momentum * v + step), [r, v]];
}

function adam(g, [m, v, t] = [0, 0, 0], { lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }) {
  t = t + 1;
  m = beta1 * m + (1 - beta1) * g;
  v = beta2 * v + (1 - beta2) * g ** 2;
  const m_hat = m / (1 - beta1 ** t);
  const v_hat = v / (1 - beta2 ** t);
  return [-lr * m_hat / (v_hat ** 0.5 + eps), [m, v, t]];
}

// Each with its look in plots.py
const RULES = [
  [gradient_descent, "#000000", "solid"],
  [momentum, "#0072B2", "solid"],
  [nesterov, "#56B4E9", "dashed"],
  [adagrad, "#E69F00", "solid"],
  [rmsprop, "#D55E00", "solid"],
  [rmsprop_momentum, "#CC79A7", "dashed"],
  [rmsprop_nesterov, "#CC79A7", "dotted"],
  [adam, "#009E73", "solid"],
];

// What a signature says: [[name, default], ...]
const hyperparameters = (rule) => [...String(rule).matchAll(/(\w+) = (\d\S*\d)/g)].map(([, name, value]) => [name, +value]);

// --- Surfaces: value, gradient, start, minima, window ---

const sum = (terms) => terms.reduce((a, b) => a + b);
const residuals = ([x, y]) => [[1, 1.5], [2, 2.25], [3, 2.625]].map(
  ([i, c]) => [c - x + x * y ** i, y ** i - 1, i * x * y ** (i - 1)]);

const SURFACES = {
  quadratic: (k) => Surface(
    ([x, y]) => (x ** 2 + k * y ** 2) / 2,
    ([x, y]) => [x, k * y],
    [-4, 1], [[0, 0]], [[-4.5, 2], [-1.6, 1.6]]),
  rosenbrock: () => Surface(
    ([x, y]) => (1 - x) ** 2 + 100 * (y - x ** 2) ** 2,
    ([x, y]) => [-2 * (1 - x) - 400 * x * (y - x ** 2), 200 * (y - x ** 2)],
    [-1.2, 1], [[1, 1]], [[-2, 2], [-1, 3]]),
  beale: () => Surface(
    (p) => sum(residuals(p).map(([e]) => e ** 2)),
    (p) => [1, 2].map((d) => sum(residuals(p).map((e) => 2 * e[0] * e[d]))),
    [1, 1.5], [[3, 0.5]], [[-1, 4.5], [-2, 2]]),
  saddle: () => Surface(
    ([x, y]) => x ** 2 / 2 - y ** 2 / 2 + y ** 4 / 4,
    ([x, y]) => [x, y ** 3 - y],
    [-1.5, 0.001], [[0, -1], [0, 1]], [[-1.8, 1.8], [-1.6, 1.6]]),
  camel: () => Surface(
    ([x, y]) => (4 - 2.1 * x ** 2 + x ** 4 / 3) * x ** 2 + x * y + 4 * (y ** 2 - 1) * y ** 2,
    ([x, y]) => [8 * x - 8.4 * x ** 3 + 2 * x ** 5 + y, x + 16 * y ** 3 - 8 * y],
    [-1.2, 0.3],
    [[0.08984201310031807, -0.7126564030207396], [1.703606714969981, -0.7960835686726251],
      [1.6071047529201974, 0.5686514548841313]].flatMap(([x, y]) => [[x, y], [-x, -y]]),
    [[-2.1, 2.1], [-1.1, 1.1]]),
};

const Surface = (value, gradient, start, minima, window) => ({ value, gradient, start, minima, window });

// --- The loop: a path [[x, y], ...], which ends early where it diverges: passes 10,000 or is no number ---

function descend(rule, gradient, start, steps, hyper) {
  const path = [start], states = [];
  while (path.length <= steps) {
    const g = gradient(path.at(-1));
    const next = path.at(-1).map((x, i) => {
      const [update, state] = rule(g[i], states[i], hyper);
      states[i] = state;
      return x + update;
    });
    if (!next.every((x) => abs(x) < 1e4)) break;
    path.push(next);
  }
  return path;
}

// --- The page: its form is its state ---

const $ = (id) => document.getElementById(id);
const form = document.forms[0], fields = form.elements;
const number = (name) => +fields[name].value;
const start = () => [number("x"), number("y")];
const short = (x) => (x && abs(x) < 1e-3 ? x.toExponential(2) : +x.toPrecision(3));
const say = (text) => ($("news").textContent = text);
let surface, runs, map, contours, ink, ratio, playing, saving;

fields.surface.innerHTML = "<option>" + Object.keys(SURFACES).join("<option>");
$("rules").innerHTML = RULES.map(([rule, colour, line, { name } = rule]) => `<fieldset aria-label=${name}><label>
<input type=checkbox name=race value=${name} id=${name}><i style="border-top: 4px ${line} ${colour.replace("#000000", "")}"></i>
${name.replace("_", " ")}</label><input type=range id=${name}.slider min=-4 max=1 step=.01 aria-label="lr slider">` +
  hyperparameters(rule).map(([key, value]) => `<label>${key} <input type=number name=${name}.${key} value=${value} min=0
max=${/^[bm]/.test(key) ? 0.999999 : 1e9} step=any required></label>`).join("") + `<p id=${name}.text></fieldset>`).join("");

function run(rule, change) {
  const hyper = Object.fromEntries(hyperparameters(rule).map(([key]) => [key, number(rule.name + "." + key)]));
  $(rule.name + ".slider").value = log10(hyper.lr);
  return descend(rule, surface.gradient, start(), number("steps"), { ...hyper, ...change });
}

// To each rule the rate, of 41, whose last tenth stays lowest
function tune() {
  for (const [rule] of RULES) {
    let best = Infinity;
    for (let power = -4; power <= 1; power += 1 / 8) {
      const lr = +(10 ** power).toPrecision(2), path = run(rule, { lr }), end = path.slice(-path.length / 10);
      const worst = path.length > number("steps") ? max(...end.map(surface.value)) : Infinity;
      if (worst < best) [best, fields[rule.name + ".lr"].value] = [worst, lr];
    }
  }
  update();
}

function update() {
  const wrong = form.querySelector("input:invalid");
  if (wrong) return say(`${wrong.name}: ${wrong.validationMessage}`);
  say("");
  surface = SURFACES[fields.surface.value](number("k"));
  fields.k.parentNode.hidden = fields.surface.value !== "quadratic";
  fields.step.max = fields.steps.value;
  runs = RULES.filter(([{ name }]) => $(name).checked).map(([rule, ...look]) => [rule.name, look, run(rule)]);
  draw();
}

// --- Pictures ---

// Axes, and maps from points to places and back
function plot(canvas, [left, right], [low, high], title) {
  const c = canvas.getContext("2d"), w = canvas.clientWidth - 46, h = canvas.clientHeight - 46;
  canvas.width = (w + 46) * ratio;
  canvas.height = (h + 46) * ratio;
  c.scale(ratio, ratio);
  c.translate(34, 22);
  c.fillStyle = c.strokeStyle = ink;
  c.font = "13px sans-serif";
  const place = ([x, y]) => [(x - left) / (right - left) * w, (high - y) / (high - low) * h];
  const point = (x, y) => [left + x / w * (right - left), high - y / h * (high - low)];
  const ticks = (low, high, mark) => {
    const wish = (high - low) / 5, power = 10 ** floor(log10(wish)), gap = power * [2, 5, 10].find((m) => m * power >= wish);
    for (let i = ceil(low / gap); i * gap <= high; i++) mark(i * gap);
  };
  c.fillText(title, 0, -6);
  c.textAlign = "center";
  ticks(left, right, (x) => c.fillText(short(x), place([x, 0])[0], h + 16));
  c.textAlign = "right";
  ticks(low, high, (y) => c.fillText(short(y), -5, place([0, y])[1] + 4));
  c.rect(0, 0, w, h);
  c.stroke();
  c.clip();
  return { c, w, h, place, point };
}

// 18 lines, evenly spaced in the logarithm, as in plots.py (3000 is e^8). A pixel is on a line where t, which counts
// them, is closer to a whole number than to its neighbours.
function lines(height) {
  const w = round(map.w * ratio), h = round(map.h * ratio);
  const canvas = new OffscreenCanvas(w, h), image = new ImageData(w, h), grey = ink.match(/\d+/g);
  const t = Array.from({ length: w * h }, (_, k) => log(height(map.point(k % w / ratio, floor(k / w) / ratio))) * 17 / 8);
  const top = t.reduce((a, b) => max(a, b));
  t.forEach((now, k) => {
    const below = top - now, away = abs(below - round(below)) / hypot(t[k + 1] - now, t[k + w] - now);
    if (below < 17.5) image.data.set([...grey, (50 + 6 * below) * min(1, ratio / 2 + 0.5 - away)], 4 * k);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function trail({ c, place }, [colour, line], points, radius) {
  c.strokeStyle = c.fillStyle = colour.replace("#000000", ink);
  c.lineWidth = 2.2;
  c.setLineDash({ solid: [], dashed: [7, 3], dotted: [2, 3] }[line]);
  c.beginPath();
  for (const point of points) c.lineTo(...place(point));
  c.stroke();
  points.forEach((point, i) => {
    c.beginPath();
    c.arc(...place(point), points[i + 1] ? radius : 5, 0, 7);
    c.fill();
  });
}

function draw() {
  if ($("map").clientWidth < 99) return;
  ink = getComputedStyle(form).color;
  ratio = devicePixelRatio;
  const lowest = min(...surface.minima.map(surface.value)), height = (p) => surface.value(p) - lowest;
  map = plot($("map"), ...surface.window, "y against x");
  const { c, w, h } = map, scene = [fields.surface.value, number("k"), w, h, ratio, ink] + "";
  if (contours?.scene !== scene) contours = Object.assign(lines(height), { scene });
  c.drawImage(contours, 0, 0, w, h);
  const [x, y] = map.place(start());
  c.fillRect(x - 5, y - 5, 10, 10);
  c.lineWidth = 3;
  c.strokeStyle = "#CC79A7";
  for (const [x, y] of surface.minima.map(map.place)) c.stroke(new Path2D(`M${x - 5} ${y - 5}l10 10m0-10l-10 10`));

  const step = number("step"), power = (p) => log10(max(height(p), 1e-12));
  const top = ceil(power(start()) + 0.5), low = min(top - 3, ...runs.flatMap(([, , path]) => path.map(power)));
  const losses = plot($("losses"), [0, number("steps")], [floor(low), top],
    "log10 of height above minimum, by step");
  for (const [name, look, path] of runs) {
    const past = path.slice(0, step + 1), now = past.at(-1);
    trail(map, look, past, 2);
    trail(losses, look, past.map((p, i) => [i, power(p)]), 0);
    $(name + ".text").textContent = path.length <= step ? "diverged at step " + path.length
      : `step ${step} (${now.map(short).join(", ")}) f = ${short(surface.value(now))}`;
  }
  clearTimeout(saving);
  saving = setTimeout(save, 400);
}

// --- Actions ---

function save() {
  if (!$("link").hidden) history.replaceState(0, "", "#" + new URLSearchParams(new FormData(form)));
}

function restore() {
  const given = new URLSearchParams(location.hash.slice(1) || "race=gradient_descent&race=momentum&race=adam");
  fields.step.max = 1000;
  for (const field of fields)
    if (field.name === "race") field.checked = given.getAll("race").includes(field.value);
    else if (given.has(field.name)) field.value = given.get(field.name);
  fields.surface.value ||= "quadratic";
  for (const field of form.querySelectorAll("input:invalid")) field.value = field.defaultValue;
  update();
}

function moveTo(point) {
  [fields.x.value, fields.y.value] = point.map((x) => +x.toFixed(3));
  update();
}

function goTo(step, on) {
  clearTimeout(playing);
  fields.step.value = step;
  playing = on && number("step") < number("steps") && setTimeout(goTo, 1000 / number("speed"), number("step") + 1, on);
  $("play").textContent = playing ? "Pause" : "Play";
  $("rules").ariaLive = playing ? "off" : "polite";
  draw();
}

function enter() {
  update();
  moveTo(surface.start);
  goTo(0);
  tune();
}

form.oninput = ({ target }) => {
  if (target.id.includes("slider")) fields[target.id.replace("slider", "lr")].value = +(10 ** target.value).toPrecision(3);
  target === fields.surface ? enter() : update();
};
$("play").onclick = () => goTo(number("step") % number("steps"), !playing);
$("next").onclick = () => goTo(number("step") + 1);
$("reset").onclick = () => goTo(0);
$("tune").onclick = tune;
$("link").hidden = location.protocol === "about:"; // in a notebook
$("link").onclick = () => {
  save();
  say("Copy the address of this page.");
  navigator.clipboard?.writeText(location.href).then(() => say("Link copied."), () => {});
};
$("map").onclick = ({ offsetX, offsetY }) => moveTo(map.point(offsetX - 34, offsetY - 22));
$("map").onkeydown = (event) => {
  const way = { ArrowLeft: [-9, 0], ArrowRight: [9, 0], ArrowDown: [0, 9], ArrowUp: [0, -9] }[event.key];
  if (!way) return;
  event.preventDefault();
  moveTo(map.point(...map.place(start()).map((at, i) => at + way[i])));
};
onhashchange = restore;
onresize = matchMedia("(prefers-color-scheme: dark)").onchange = draw;
restore();
enter();
restore();
