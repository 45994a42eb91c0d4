// Start a deck: of a lecture, keep the slides of the path that the address asks for (?path=20, 45 or 90); set the formulas; go.
const asked = new URLSearchParams(location.search);
const view = asked.get("view"); // "now" or "next", where this is a slide in the speaker's view

// A formula or a line of code wider than the slide becomes smaller; then 2 % come off the body's font until all of it fits.
function fit(body) {
  for (const formula of body.querySelectorAll('mjx-container[display="true"]')) {
    const wide = formula.firstElementChild.getBoundingClientRect().width / formula.getBoundingClientRect().width;
    if (wide > 1) formula.style.fontSize = parseFloat(getComputedStyle(formula).fontSize) / wide + "px";
  }
  for (const code of body.querySelectorAll("pre")) { // a line of code a little too long becomes smaller, a longer one is broken
    code.style.whiteSpace = "pre";
    const size = parseFloat(getComputedStyle(code).fontSize) * code.clientWidth / code.scrollWidth;
    if (size < 21) code.style.whiteSpace = "";
    else if (code.scrollWidth > code.clientWidth) code.style.fontSize = `${size}px`;
  }
  for (let size = parseFloat(getComputedStyle(body).fontSize); body.scrollHeight > body.clientHeight + 1 && size > 24; size *= 0.98) {
    body.style.fontSize = size + "px";
  }
}

// Numbers from a chapter's print-out: in a table with a minus and not a hyphen, and to tenths where that is enough
function asNumbers() {
  for (const place of document.querySelectorAll("[data-paths] .body td")) {
    for (const words of place.childNodes) if (words.nodeType === Node.TEXT_NODE) words.data = words.data.replace(/(?<!\S)-(?=\d)/g, "−");
  }
  for (const one of document.querySelectorAll(".tenths")) one.textContent = (+one.textContent).toFixed(1);
}

// The four learning rates of chapter 3 over a run, at every sixtieth of it, as parts of the rate at the beginning
const RATES = [() => 1, i => 0.3 ** Math.floor(i / 20), i => 1 / (1 + i / 15), i => (1 + Math.cos(Math.PI * i / 60)) / 2];
function drawRates(place) {
  const line = rate => Array.from({length: 60}, (_, i) => `${i},${1 - rate(i)}`).join(" ");
  const drawn = rate => `<svg viewBox="0 0 59 1" preserveAspectRatio="none"><polyline points="${line(rate)}"/></svg>`;
  place.innerHTML = RATES.map(drawn).join("");
}

// A network with three hidden units, each with its weights in a colour of its own; then two of them have changed places.
const UNITS = ["#0072b2", "#009e73", "#cc79a7"];
function drawUnits(place) {
  const y = (i, of) => 100 * (i + 0.5) / of, ends = [[8, 4], [172, 2]]; // pixels and digits: their x, their number
  const dots = ends.map(([x, of]) => Array.from({length: of}, (_, i) => [x, y(i, of)]));
  const unit = (colour, i) => `<g stroke="${colour}" fill="${colour}">${
    dots.flat().map(([x, to]) => `<path d="M90 ${y(i, 3)}L${x} ${to}"/>`).join("")}<circle cx="90" cy="${y(i, 3)}" r="11"/></g>`;
  const drawn = units => `<svg viewBox="0 0 180 100">${units.map(unit).join("")}${
    dots.flat().map(([x, y]) => `<circle cx="${x}" cy="${y}" r="5"/>`).join("")}</svg>`;
  const [a, b, c] = UNITS;
  place.innerHTML = `${drawn([a, b, c])}=${drawn([b, a, c])}`;
}

// What stands beside a formula: the rule itself, at work on a few numbers. Each picture is computed by the rule, in units
// of the slide's pixels; a label is 24 or more of them high.
const GREY = "#8c96a0", BLUE = "#0072b2", GREEN = "#009e73", ORANGE = "#d55e00";
const svg = (width, height, inside) => `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${inside}</svg>`;
const label = (x, y, text, more = "") => `<text x="${x}" y="${y}" ${more}>${text}</text>`;
const line = (x1, y1, x2, y2, more = "") => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${more}/>`;
const bars = (name, values, {x, y, step, high, colour, wide = 0.66}) => `<g class="${name}" fill="${colour}">${values.map((value, i) =>
  `<rect data-value="${value}" x="${x + i * step}" y="${value > 0 ? y - value * high : y}" width="${wide * step}" height="${Math.abs(value) * high}"/>`).join("")}</g>`;
const curve = (f, [from, to], X, Y, colour, more = "") => `<polyline points="${Array.from({length: 61}, (_, i) => from + (to - from) * i / 60)
  .map(x => `${X(x)},${Y(f(x))}`).join(" ")}" stroke="${colour}" stroke-width="4" ${more}/>`;
// The playground's rules, at a rate of 1
const run = (name, gradients) => {
  let state;
  return gradients.map(g => {
    const [step, kept] = Playground.RULES[name](g, state, {lr: 1});
    state = kept;
    return step;
  });
};
// A rule's hundred steps in a ravine that is turned by 45 degrees and 100 times as steep across as along, at the best of
// 31 rates: the playground's races
const turned = ([along, across]) => [(along - across) * Math.SQRT1_2, (along + across) * Math.SQRT1_2];
function inRavine(name) {
  const {race, fromAddress} = Playground;
  const lanes = Array.from({length: 31}, (_, i) =>
    race(fromAddress(`k=100&angle=45&x=-4&y=0.3&steps=100&lane=${name},lr:${10 ** (i / 10 - 2)}`)).lanes[0]);
  const [{path, away}] = lanes.filter(lane => !lane.diverged).sort((one, other) => one.away.at(-1) - other.away.at(-1));
  return {path, away: away.at(-1)};
}
const DRAWN = {
  // Gradient descent on f = x²/2 at a rate of 0.5: the slope, the step, and where the next ones lead
  descent() {
    const X = x => 130 + 128 * x, Y = f => 330 - 125 * f, f = x => x * x / 2;
    const at = [2, 1, 0.5, 0.25];
    const slope = `<polyline points="${X(1.35)},${Y(0.7)} ${X(2.3)},${Y(2.6)}" stroke="${ORANGE}" stroke-width="4"/>`;
    return svg(440, 380, `${line(20, 331, 430, 331, `stroke="${GREY}" stroke-width="2"`)}${curve(f, [-0.95, 2.3], X, Y, "#1d2733")}${slope}
      ${line(X(2), Y(2), X(2), 331, `stroke="${GREY}" stroke-dasharray="4 5"`)}${line(X(1), Y(f(1)), X(1), 331, `stroke="${GREY}" stroke-dasharray="4 5"`)}
      <path d="M${X(2)} 331L${X(1) + 14} 331" stroke="${BLUE}" stroke-width="7"/><path d="M${X(1)} 331l18 -11v22z" fill="${BLUE}"/>
      ${at.map(x => `<circle cx="${X(x)}" cy="${Y(f(x))}" r="8" fill="#1d2733"/>`).join("")}
      ${label(X(1.5), 366, "−η g", `text-anchor="middle" fill="${BLUE}"`)}${label(X(2) - 26, 66, "slope g", `text-anchor="end" fill="${ORANGE}"`)}${label(10, 250, "loss f")}${label(432, 366, "x", `text-anchor="end"`)}`);
  },
  // Momentum's velocity, beta 0.9, over thirty gradients of one size: with one sign, and with both in turn
  piles() {
    const signs = [() => 1, i => (-1) ** i].map(sign => Array.from({length: 30}, (_, i) => sign(i)));
    const [agree, turn] = signs.map(gradients => run("momentum", gradients).map(step => -step)), at = {x: 10, step: 14, high: 15};
    return svg(440, 350, `${label(10, 26, "gradients agree: v grows")}${line(10, 56, 430, 56, `stroke="${BLUE}" stroke-width="2" stroke-dasharray="7 6"`)}
      ${label(20, 88, "η g / (1 − β)", `fill="${BLUE}"`)}${bars("agree", agree, {...at, y: 206, colour: BLUE})}${bars("g", signs[0], {...at, y: 206, colour: "#1d2733"})}
      ${label(10, 262, "they alternate: it does not")}${bars("g", signs[1], {...at, y: 300, colour: "#1d2733", wide: 0.42})}${bars("turn", turn, {...at, x: 16, y: 300, colour: BLUE, wide: 0.42})}
      ${label(10, 344, `<tspan fill="#1d2733">η g</tspan> and <tspan fill="${BLUE}">v</tspan>, step by step`)}`);
  },
  // How much each of the last thirty squares weighs in r: in Adagrad's sum, and in RMSProp's average
  forgets() {
    const last = Array.from({length: 30}, (_, i) => 29 - i), at = {x: 10, step: 14, high: 90};
    return svg(440, 340, `${label(10, 26, "Adagrad's sum: all weigh alike")}${bars("sum", last.map(() => 1), {...at, y: 134, colour: "#e69f00"})}
      ${label(10, 186, "RMSProp's average: the last ones")}${bars("average", last.map(age => 0.9 ** age), {...at, y: 294, colour: ORANGE})}
      ${label(10, 330, "past squares")}${label(428, 330, "now", `text-anchor="end"`)}`);
  },
  // Adam's steps, in units of the learning rate, for a weight with large gradients, with small ones, with noise only
  steps() {
    const sorts = {"large, agreeing": () => 1, "small, agreeing": () => 0.15, "noise": i => Math.cos(i * i)};
    return svg(1168, 222, Object.entries(sorts).map(([name, of], i) => {
      const gradients = Array.from({length: 24}, (_, i) => of(i)), x = 130 + 356 * i, at = {x, step: 13};
      return `${label(x, 24, name)}${bars("g", gradients, {...at, y: 82, high: 40, colour: GREY})}${bars("step", run("adam", gradients).map(step => -step), {...at, y: 178, high: 40, colour: GREEN})}
        ${line(x, 82, x + 308, 82, `stroke="${GREY}"`)}${line(x, 178, x + 308, 178, `stroke="${GREEN}"`)}`;
    }).join("") + label(0, 80, "gradient") + label(0, 176, "step", `fill="${GREEN}"`));
  },
  // RMSProp in a ravine that lies askew, its last steps enlarged; and Adam, which averages the gradients
  askew() {
    const size = 124, X = x => 425 + size * x, Y = y => 52 - size * y;
    const points = (path, at = ([x, y]) => [X(x), Y(y)]) => path.map(point => at(point).map(value => value.toFixed(2)).join(",")).join(" ");
    const contour = r => {
      const first = Math.acos(0.2 / r), angles = Array.from({length: 61}, (_, i) => first + 2 * (Math.PI - first) * i / 60);
      return `<polyline points="${points(angles.map(t => turned([r * Math.cos(t), r / 10 * Math.sin(t)])))}" stroke="#b9c1c9" stroke-width="2"/>`;
    };
    const panel = (left, name, says, colour, {path, away}) => `<g transform="translate(${left} 0)">${[1, 2, 3, 4].map(contour).join("")}
      <polyline class="${name}" data-path="${path.flat()}" points="${points(path)}" stroke="${colour}" stroke-width="3"/>
      ${path.map(([x, y]) => `<circle cx="${X(x)}" cy="${Y(y)}" r="4.5" fill="${colour}"/>`).join("")}<path d="M${X(0) - 10} ${Y(0) - 10}l20 20m0 -20l-20 20" stroke="#b3005e" stroke-width="5"/>
      ${label(0, 26, says, `fill="${colour}" font-weight="680"`)}${label(0, 62, "after 100 steps")}${label(0, 98, `${away.toPrecision(1)} away`)}</g>`;
    const orange = inRavine("rmsprop"), part = orange.path.slice(-22), middle = axis => {
      const values = part.map(point => point[axis]);
      return (Math.min(...values) + Math.max(...values)) / 2;
    };
    const [x, y] = [middle(0), middle(1)], large = 112 / Math.max(...part.map(([px, py]) => Math.hypot(px - x, py - y)));
    const near = ([px, py]) => [412 + large * (px - x), 292 - large * (py - y)];
    const glass = `<circle cx="412" cy="292" r="128" fill="#fff" stroke="${GREY}" stroke-width="2"/><circle cx="${X(x)}" cy="${Y(y)}" r="${128 / large * size}" fill="none" stroke="${GREY}" stroke-width="2"/>
      ${line(X(x), Y(y) + 128 / large * size, 412, 164, `stroke="${GREY}" stroke-width="2"`)}<polyline points="${points(part, near)}" stroke="${ORANGE}" stroke-width="4"/>
      ${part.map(near).map(([px, py]) => `<circle cx="${px}" cy="${py}" r="6" fill="${ORANGE}"/>`).join("")}`;
    return svg(1168, 432, panel(0, "alone", "RMSProp", ORANGE, orange) + glass + panel(620, "averaged", "Adam", GREEN, inRavine("adam")));
  },
  // What the descent lemma promises of a step, over its rate, in units of 1/L
  promise() {
    const X = eta => 30 + 160 * eta, Y = gain => 200 - 270 * gain, gain = eta => eta * (1 - eta / 2);
    return svg(440, 360, `${line(20, 200, 430, 200, `stroke="${GREY}" stroke-width="2"`)}${curve(gain, [0, 2], X, Y, BLUE)}${curve(gain, [2, 2.45], X, Y, ORANGE)}
      ${[1, 2].map(eta => `<circle cx="${X(eta)}" cy="${Y(gain(eta))}" r="8" fill="${BLUE}"/>`).join("")}
      ${label(X(1), 44, "promised fall", `text-anchor="middle" fill="${BLUE}"`)}${line(X(1), 74, X(1), 200, `stroke="${GREY}" stroke-dasharray="4 5"`)}
      ${label(X(1), 234, "1/L", `text-anchor="middle"`)}${label(X(2) - 12, 234, "2/L", `text-anchor="end"`)}${label(X(2) + 2, 318, "nothing", `text-anchor="end" fill="${ORANGE}"`)}${label(20, 234, "rate η: 0")}`);
  },
  // The two parts of the bound on the regret, and their sum, over the rate; distance and squares are 1
  balance() {
    const X = a => 20 + 135 * a, Y = cost => 290 - 110 * cost, far = a => 1 / (2 * a), rough = a => a / 2, both = a => far(a) + rough(a);
    return svg(440, 340, `${line(20, 291, 430, 291, `stroke="${GREY}" stroke-width="2"`)}${curve(far, [0.22, 3], X, Y, BLUE)}${curve(rough, [0.05, 3], X, Y, ORANGE)}${curve(both, [0.23, 3], X, Y, "#1d2733")}
      <circle cx="${X(1)}" cy="${Y(1)}" r="8" fill="#1d2733"/>${line(X(1), Y(1), X(1), 291, `stroke="${GREY}" stroke-dasharray="4 5"`)}
      ${label(X(1), 326, "best: aᵢ", `text-anchor="middle"`)}${label(430, 326, "rate", `text-anchor="end"`)}${label(X(1.1), 150, "sum")}${label(430, 254, "distance", `text-anchor="end" fill="${BLUE}"`)}${label(430, 190, "squares", `text-anchor="end" fill="${ORANGE}"`)}`);
  },
  // Adam's usual step, in units of the learning rate, over how noisy a weight's gradient is
  certain() {
    const X = noise => 40 + 65 * noise, Y = step => 290 - 230 * step;
    return svg(440, 340, `${line(40, 290, 430, 290, `stroke="${GREY}" stroke-width="2"`)}${line(40, Y(1), 430, Y(1), `stroke="${GREY}" stroke-dasharray="4 5"`)}
      ${curve(noise => 1 / Math.hypot(1, noise), [0, 6], X, Y, GREEN)}${label(430, 44, "step = rate", `text-anchor="end"`)}${label(40, 326, "0")}${label(430, 326, "noise σ / μ", `text-anchor="end"`)}${label(26, 68, "1", `text-anchor="end"`)}${label(26, 296, "0", `text-anchor="end"`)}`);
  },
  // One step of each, to scale: sixty thousand images, and 128
  images() {
    const side = 370, small = side * Math.sqrt(128 / 60000);
    return svg(560, 430, `<rect class="all" x="0" y="0" width="${side}" height="${side}" fill="#1d2733"/><rect class="few" x="415" y="${side - small}" width="${small}" height="${small}" fill="#2a7f8e"/>
      ${label(0, 406, "a full step: 60,000")}${label(415, 406, "SGD's: 128")}`);
  },
  // The answers to scale: plain SGD's steps, and what would be left of them
  shares() {
    const of = [["SGD", 1, "#1d2733"], ["A", 0.1, BLUE], ["B", 1 / 3, BLUE], ["C", 0.5, BLUE], ["D", 2 / 3, BLUE]], wide = 480;
    return svg(560, 380, of.map(([name, share, colour], i) => `${label(0, 48 + 76 * i, name)}<rect x="70" y="${14 + 76 * i}" width="${share * wide}" height="46" fill="${colour}"/>${
      name === "D" ? `<rect x="${70 + share * wide}" y="${14 + 76 * i}" width="${(1 - share) * wide}" height="46" fill="${colour}" opacity=".3"/>` : ""}`).join(""));
  },
};

// The playground on a slide: everything in view at once, and its letters for the last row. On the left the map, drawn
// small and enlarged; on the right the answer and the knobs.
const LARGE = 1.85;
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { font-size: ${document.querySelector("[data-paths]") ? 24 : 20}px; line-height: 1.3 }
.whole { height: 100%; display: grid; column-gap: 28px; grid-template: "ask ask" auto "guess guess" auto "map said" auto "map news" 1fr "names ." auto "run ." auto / 764px 1fr }
.question { grid-area: ask; font-size: 1.08em; margin: 0 } .question + .row { grid-area: guess; margin: 6px 0 }
.plots { grid-area: map; position: relative; display: block; min-height: 0 }
canvas:not(.beside) { filter: brightness(.9) contrast(1.2) saturate(1.15); position: absolute; top: 0; left: 0; width: ${100 / LARGE}%; height: ${100 / LARGE}%; transform: scale(${LARGE}); transform-origin: 0 0 }
.plots:not(:has(+ ul > :nth-child(5))), .plots:has(+ ul[hidden]) { grid-row: 3 / 6 } .plots + ul:not(:has(> :nth-child(5))) { grid-area: map; z-index: 1; align-self: start; justify-self: end; gap: 12px; margin: 5px 22px 0 0 } ul svg { width: 18px; margin-right: 5px }
 .outcome { grid-area: said; margin: 0; align-self: start } .which { display: block; margin-top: .4em; font-weight: 600 } .which span { display: inline-block } ul { grid-area: names; font-size: 1em; margin: 0 }
.controls { grid-area: run; margin: 0 } [role=status]:not(.outcome) { grid-area: news; align-self: start; margin: .5em 0 0 } .knobs { grid-area: 4 / 2 / 7; align-self: end; margin: 0; gap: 4px 28px }
.knob { min-width: 100%; font-size: 1em } .knob [type=range] { margin: 0; grid-column: 1 / -1 } .knob [type=text] { font-size: 1em; width: 5em }
canvas.beside, select, details, details ~ p { display: none }`);

// The race of all rules, with four of the eight, whose lines can be told apart from the last row
const FOUR = ["gradient_descent", "momentum", "rmsprop", "adam"];
const atRate = lr => FOUR.map(rule => `lane=${rule},lr:${lr}`).join("&");
function fewer(story) {
  story.state = story.state.replace(/&lane=.*/, `&${atRate(0.01)}`);
  story.question = "Gradient descent, momentum, RMSProp, Adam at lr = 0.01. Raise it to 0.1: who flies out?";
  story.answers = ["nobody", "*gradient descent and momentum", "all but Adam"];
  story.then = atRate(0.1);
  story.outcome = ({lanes, again}) => {
    const left = lanes => lanes.filter(({diverged}) => !diverged), names = lanes => lanes.map(({label}) => label).join(", ");
    const lowest = lanes => left(lanes).reduce((a, b) => (b.heights.at(-1) < a.heights.at(-1) ? b : a)).label;
    const raised = again(atRate(0.1));
    return `At 0.1 these fly out: ${names(raised.filter(({diverged}) => diverged))}. Lowest: ${lowest(lanes)} at 0.01, ${lowest(raised)} at 0.1.`;
  };
}

// On the pan, seen with a short memory, the guess is about a long one. RMSProp's first step is as long whatever its memory,
// so its knob sets that. Both ends are told, as they are alike; and nobody needs eleven digits behind the point.
function onPan(knobs) {
  const {story, draw, state: {steps}} = knobs, few = text => text.replace(/[\d.]+e-\d+/g, "almost 0");
  story.question = "At first RMSProp has β = 0.9. Then we raise it to 0.999: where does it end?";
  story.answers = ["in the middle, too", "half-way there", "*no nearer than Adagrad"];
  story.then = story.state.replace("beta:0.9,", "beta:0.999,");
  const kept = beta => few(Playground.short(100 * beta ** steps));
  story.outcome = () => `After ${steps} steps a squared gradient of the rim still counts ${kept(0.999)} % with β = 0.999, ${kept(0.9)} with 0.9.`;
  story.calls = {lr: "first step"};
  knobs.draw = function () {
    draw.call(this);
    for (const label of this.shadowRoot.querySelectorAll(".knob > span")) label.lastChild.data = label.lastChild.data.replace("RMSProp lr", "RMSProp first step");
    if (!this.race || this.waits || this.words) return;
    const {steps} = this.state, step = Math.min(this.state.step, steps);
    const ends = this.race.lanes.map(({label, away}) => `${label} ${Playground.short(away[step])}`).join(", ");
    this.news.textContent = few(`Step ${step} of ${steps}. Away from the minimum: ${ends}.`);
  };
}

// Which run is which, once something has been turned: the one with which the story began is dotted
function saysWhich(knobs) {
  const value = (state, knob) => {
    const [which, name] = knob.split(".");
    return name ? state.lanes[which === "*" ? 0 : which]?.[name] : state[which];
  };
  const {tell} = knobs;
  knobs.tell = function () {
    tell.call(this);
    if (!this.told || !this.isTurned) return;
    const now = this.state, at = this.began.state, differ = this.story.knobs.filter(knob => value(now, knob) !== value(at, knob));
    const called = name => this.story.calls?.[name] ?? Playground.SETTINGS[name][4].split(" ").at(-1);
    const say = state => differ.map(knob => `<span>${called(knob.split(".").at(-1))} = ${Playground.short(value(state, knob))}</span>`).join(", ");
    const which = document.createElement("span");
    which.className = "which";
    which.innerHTML = differ.length ? `Dotted: ${say(at)}<br>Solid: ${say(now)}` : "Dotted: as it began.";
    if (this.outcome.textContent.includes("As the story begins")) this.outcome.replaceChildren(); // it has been read; the knobs need the room
    this.outcome.append(which);
  };
}

// --- The speaker's view, speaker.html: what is done in one window is done in the other, from the disk, too ---

let speaker = null; // its window, as seen from the one on the wall
let receiving = false; // now we do what another window did
let told = ""; // where we were when it was last said

const send = message => {
  if (view === "next") return;
  const to = view ? parent : speaker;
  if (to && !to.closed) to.postMessage(message, "*");
};

function where() {
  const slide = Reveal.getCurrentSlide();
  return {
    ...Reveal.getState(), notes: slide.querySelector("aside.notes")?.innerHTML ?? "", first: Reveal.isFirstSlide(),
    over: +slide.dataset[`over-${path}`] || 0,
  };
}

function tellWhere() {
  const at = where();
  if (JSON.stringify(at) === told) return;
  told = JSON.stringify(at);
  send({at});
}

// What a playground shows. Its step counts only while it does not play: each window plays at its own pace.
const shown = ({state: {step, ...state}, waits, timer}) =>
  JSON.stringify({address: Playground.toAddress(state), waits: !!waits, plays: !!timer, step: timer ? 0 : step});

function join(knobs, number) {
  let soon;
  const tell = () => {
    soon = undefined;
    const is = shown(knobs);
    if (is !== knobs.said) send({knobs: number, is: (knobs.said = is)});
  };
  for (const name of ["draw", "tell", "play", "stop"]) {
    const own = knobs[name];
    knobs[name] = function (...given) {
      const done = own.apply(this, given);
      soon ??= setTimeout(tell, 40);
      return done;
    };
  }
  knobs.said = shown(knobs);
}

function follow(knobs, is) {
  const {address, waits, plays, step} = JSON.parse(is), now = JSON.parse(shown(knobs));
  if (address !== now.address || waits !== now.waits) {
    knobs.load(address);
    knobs.waits = waits;
  }
  if (!plays || !knobs.timer) {
    knobs.stop();
    knobs.state.step = step;
    knobs.draw();
    if (plays) knobs.play(true);
  }
  knobs.said = is;
}

// The guesses of a chapter's deck, all of them at once: what is chosen in one window is chosen in the other
function guessed() {
  const own = Live.guesses(`slides/${location.pathname.split("/").at(-1).replace(/\.html$/, "")}`);
  const say = () => !receiving && send({guesses: JSON.stringify(own.all)});
  for (const name of ["set", "forget"]) {
    const done = own[name];
    own[name] = function (...given) {
      done.apply(this, given);
      say();
    };
  }
  return {say, follow(all) {
    const now = JSON.parse(all);
    for (const number of own.asked.keys()) if (own.all[number] !== now[number]) own.set(number, now[number]);
  }};
}

function listen(playgrounds) {
  const guesses = guessed();
  addEventListener("message", ({source, data}) => {
    if (view ? source !== parent : source === window || !(data?.hello || source === speaker)) return;
    if (data.hello && source !== speaker && !view) { // a speaker's view, or one that was there before this page was loaded
      speaker = source;
      send({at: where()});
      playgrounds.forEach((knobs, number) => send({knobs: number, is: (knobs.said = shown(knobs))}));
      guesses.say();
    }
    receiving = true;
    if (data.guesses) guesses.follow(data.guesses);
    if (data.at) {
      const {notes, first, over, ...at} = data.at;
      told = JSON.stringify(data.at);
      Reveal.setState(at);
      if (view === "next") Reveal.next();
    }
    if (data.is) follow(playgrounds[data.knobs], data.is);
    receiving = false;
    if (data.key) Reveal.triggerKey(data.key);
  });
  for (const event of ["slidechanged", "fragmentshown", "fragmenthidden", "paused", "resumed", "overviewhidden"]) Reveal.on(event, tellWhere);
  if (view) parent.postMessage({hello: true}, "*");
  else Reveal.addKeyBinding({keyCode: 83, key: "S", description: "Speaker's view"}, () => {
    const deck = location.pathname.split("/").at(-1);
    window.open(`speaker.html?deck=${deck}${asked.has("path") ? `&path=${path}` : ""}`, "speaker", "popup,width=1280,height=720");
  });
}

function onSlide(knobs, number) {
  knobs.shadowRoot.adoptedStyleSheets = [sheet];
  if (document.querySelector("[data-paths]") && knobs.state.preset === "same-rate") {
    fewer(knobs.story);
    knobs.load(knobs.getAttribute("state"));
  }
  if (document.querySelector("[data-paths]") && knobs.state.preset === "ravine") { // one line, so that the map has the room
    knobs.story.question = `k = ${knobs.state.k}; each at the best of 25 rates, β = ${knobs.state.lanes[1].beta} fitted. After ${knobs.state.steps} steps, how far off is momentum?`;
    knobs.load(knobs.getAttribute("state"));
  }
  if (document.querySelector("[data-paths]") && knobs.state.preset === "pan") {
    onPan(knobs);
    knobs.load(knobs.getAttribute("state"));
  }
  saysWhich(knobs);
  join(knobs, number);
  if (asked.has("print-pdf")) knobs.answer(knobs.story.answers.findIndex(answer => answer.startsWith("*")));
  // What has the focus keeps the keys it needs, and a pressed button gives it back; all others turn the slides.
  const needs = {BUTTON: /^( |Enter)$/, CANVAS: /^(Arrow.*| )$/, text: /^.$|^(Arrow.*|Home|End|Backspace|Delete)$/, range: /^(Arrow.*|Home|End)$/};
  knobs.addEventListener("keydown", event => {
    const [at] = event.composedPath();
    if (needs[at.type in needs ? at.type : at.tagName]?.test(event.key)) event.stopPropagation();
  });
  knobs.addEventListener("click", event => event.detail && event.composedPath()[0].matches("button") && event.composedPath()[0].blur());
}

const path = asked.get("path") || "45";

async function start() {
  for (const slide of document.querySelectorAll(".slides > section[data-paths]")) {
    if (!slide.dataset.paths.split(" ").includes(path)) slide.remove();
  }
  if (document.documentElement.dataset.site !== undefined) { // the web site lies around the slides
    for (const link of document.querySelectorAll(".from[data-page]")) link.href = link.dataset.page;
  }
  const playgrounds = [...document.querySelectorAll("optimizer-knobs")];
  if (playgrounds.length) {
    const dots = devicePixelRatio; // its pictures are enlarged, so they need more of them
    Object.defineProperty(window, "devicePixelRatio", {get: () => 2 * dots});
  }
  await customElements.whenDefined("optimizer-knobs"); // its rules are there, too
  playgrounds.forEach(onSlide);
  asNumbers();
  document.querySelectorAll(".rates").forEach(drawRates);
  document.querySelectorAll(".units").forEach(drawUnits);
  document.querySelectorAll(".drawn").forEach(place => (place.innerHTML = DRAWN[place.dataset.what]()));
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Promise.all(Array.from(document.images, image => image.decode().catch(() => {})));
  document.querySelectorAll(".slides .body").forEach(fit);
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, display: "flex", hash: !view, slideNumber: "c/t", transition: "none",
    scrollActivationWidth: null, pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    controls: !view, progress: !view,
  });
  for (const number of [1, 2, 3, 4]) { // a number presses an answer
    Reveal.addKeyBinding({keyCode: 48 + number, key: `${number}`, description: "Answer"}, () => {
      const knobs = Reveal.getCurrentSlide().querySelector("optimizer-knobs");
      if (knobs && number <= knobs.story.answers.length) knobs.answer(number - 1);
    });
  }
  if (!asked.has("print-pdf")) listen(playgrounds);
  // Only the slide that is shown plays its film.
  const film = slide => slide.querySelectorAll("video").forEach(video => video.play().catch(() => {}));
  Reveal.on("slidechanged", event => {
    event.previousSlide?.querySelectorAll("video").forEach(video => video.pause());
    film(event.currentSlide);
  });
  film(Reveal.getCurrentSlide());
}

start();
