// <optimizer-knobs>: a race with its question and knobs. This script loads its neighbours.
// Attributes: preset, state (what follows # in an address), bare (no knobs).
"use strict";
var Playground = {};
{
const HERE = document.currentScript.src.replace(/[^/]*$/, "");

// A slide is wider than 1100 px, laid out by slides.js.
const STYLE = `
/* --tall: how high a picture stays in sight on a phone */
:host { --tall: clamp(200px, 34vh, 300px); --top: var(--header-height, 0px); --blue: light-dark(#0072b2, #56b4e9); --line: color-mix(in srgb, CanvasText 40%, Canvas);
  display: block; color: CanvasText; font: 15px/1.45 system-ui, sans-serif; container-type: inline-size }
* { box-sizing: border-box }
p { margin: .3em 0 } [hidden] { display: none !important }
.text, .stage, .side, .said { display: contents } .ghost, .best { display: none }
.question { font-weight: 600 }
.row, ul { display: flex; flex-wrap: wrap; gap: .4em .8em; align-items: center; margin: .45em 0 }
canvas { display: block; width: 100%; height: clamp(200px, min(42cqw, 100vh - 375px), 400px); touch-action: none; cursor: crosshair }
canvas.beside { touch-action: manipulation }
button, select, input { font: inherit; color: inherit; accent-color: var(--blue); min-height: 28px }
button, select, [type=text] { background: color-mix(in srgb, CanvasText 5%, Canvas); border: 1px solid var(--line); border-radius: 6px; padding: .25em .8em; cursor: pointer }
button:hover { border-color: var(--blue) }
.play { min-width: 5.2em; font-weight: 600 } .whole .play { background: #0072b2; color: #fff } .controls { flex-wrap: nowrap; white-space: nowrap } .controls input { flex: 1; min-width: 4em }
[aria-pressed] { padding-inline: 1.25em; text-align: left } [aria-pressed=true] { box-shadow: inset 0 0 0 1px; border-color: currentColor }
.right { border-color: var(--blue); background: color-mix(in srgb, var(--blue) 20%, Canvas) } .right::before { content: "✓" } .wrong::before { content: "✗" } [aria-pressed]::before { position: absolute; translate: -1em }
:focus-visible { outline: 3px solid #56b4e9; outline-offset: 1px }
.knob { display: grid; grid-template-columns: 1fr auto; gap: 0 4px; align-items: center; min-width: 12.5em; flex: 1 40%; font-size: .93em;
  [type=range] { width: 100%; margin: 0 } button { padding: 0 .5em } [type=text] { padding: 0 .3em; text-align: right; width: 4.8em } }
ul { gap: 0 .9em; padding: 0; list-style: none; font-size: .93em }
svg { width: 22px; height: 12px; margin-right: .35em; stroke-width: 3; vertical-align: middle }
label { display: inline-flex; gap: .4em; align-items: center; min-height: 28px }
.outcome, .asks .said::before { border-left: 3px solid var(--blue); padding-left: .7em }
summary { padding: .3em 0 }
fieldset { border: 1px solid var(--line) }
a { color: var(--blue); display: inline-block; padding: .3em 0 }
.bare canvas { height: clamp(200px, min(42cqw, 100vh - 480px), 400px) } .bare .said:has(button) .outcome, .bare .said:not(:has([hidden], button)) [part=news] { display: none }
@container (max-width: 1100px) {
  .best, .stage, .ghost { display: block } .knob { grid-template-columns: 1fr auto auto; span { grid-column: 1 / -1 } [type=range] { grid-area: 2 / 1 } } .stage [role] { min-height: 2.9em }
  .side { grid-area: side; display: flex; flex-direction: column; select { align-self: start; max-width: 100% } canvas { contain: size; flex: 1; min-height: 190px; height: auto } }
  .whole { display: grid; grid-template: "text text" "said said" "stage side" "knobs knobs" / 3fr 2fr; gap: 0 1em; > * { min-width: 0 } }
  .early { grid-template-areas: "text text" "said said" "side stage" "knobs knobs" } .text { grid-area: text; display: block; button { padding-block: .6em } }
  .stage { grid-area: stage } .knobs { grid-area: knobs } .said { grid-area: said; display: grid; margin-bottom: .7em; > * { grid-area: 1 / 1 } } .ghost { visibility: hidden }
  .whole.asks .said::before { content: "The answer opens here."; grid-area: 1 / 1 }
  details, details + p { grid-area: 9 / 1 / 9 / -1 } details + p { place-self: start end }
}
@container (min-width: 760px) and (max-width: 1100px) {
  .whole { grid-template: "text stage" auto "said stage" auto "side stage" 1fr "side knobs" auto / 2fr 3fr } .early { grid-template-areas: "text side" "said side" "stage side" "stage knobs" }
  .early .stage canvas { height: 210px } .knobs { align-self: end }
  .question { font-size: 1.2em }
}
@container (max-width: 760px) { .whole .stage [role] { min-height: 4.4em } }
@container (max-width: 520px) {
  canvas { min-height: var(--tall) !important }
  .whole { display: flex; flex-direction: column; .stage { display: contents } } .early .side { display: contents }
  .text, .early .side > * { order: -2 } .stage > * { order: -1 } .knobs, details, details + p { order: 1; padding-bottom: 1px } details + p { place-self: auto }
  .whole.asks { .knobs, .said, &:not(.early) .side { display: none } }
  .whole:not(.asks) :is(.plots, [part=news]), .early .beside { position: sticky; top: var(--top); z-index: 1; background: Canvas }
  .early .plots { position: static !important; z-index: 0 !important } .whole .stage [part=news] { top: calc(var(--tall) + var(--top)); box-shadow: 0 1px var(--line) }
  .stage * { margin-block: 0 } .stage .controls { margin: 8px 0 } ul { font-size: .85em } .stage:has(li:nth-child(3)) [part=news] { min-height: 5.8em; font-size: .9em } .knob { min-width: 100% } .knob * { scroll-margin-top: calc(var(--tall) + 9em + var(--top)) }
}
@media (pointer: coarse) {
  button, select, summary, label, .knob input, .controls input { min-height: 44px; font-size: 16px } a, summary { padding: .6em 0 }
}`;

const fill = (made, ...children) => (made.replaceChildren(...children.flat(2).filter(Boolean)), made);
const node = (name, properties, ...children) => fill(Object.assign(document.createElement(name), properties), children);

function define() {
const { PRESETS, RULES, SCHEDULES, SURFACES, VIEWS, SETTINGS, inner, ofRace, ofLane, checked, fromAddress, toAddress,
  NAMES, newLane, memoryOf, race, told, tuned, leader, capital, plain, typeset, outcome, drawMap, drawBeside, styles, isCrowded } = Playground;
const { abs, floor, min, max, log10, round } = Math;

const toSlider = (name, value) => {
  const [, low, high, scale] = SETTINGS[name];
  if (scale === "memory") return (1 - (1 - value) ** 0.25) / 0.9; // 0 to 0.7 has room
  return scale === "log" ? log10(value / low) / log10(high / low) : (value - low) / (high - low);
};
const fromSlider = (name, share) => {
  const [, low, high, scale] = SETTINGS[name];
  if (scale === "memory") return +(1 - ((1 - 0.9 * share) ** 4).toPrecision(2)).toPrecision(4);
  const value = scale === "log" ? low * (high / low) ** share : low + share * (high - low);
  return scale === "whole" ? round(value) : +value.toPrecision(3);
};

const swatch = (lane) => new Range().createContextualFragment(`<svg data-lane=${lane}><path d="M0 6h28"/></svg>`);

const nameOf = (lane, lanes) => (lanes.filter(({ rule }) => rule === lane.rule)[1] ? `no. ${lanes.indexOf(lane) + 1}` : NAMES[lane.rule]);
const BEST = "“Best” tries 42 rates and takes the lowest over the last tenth of the steps.";

customElements.define("optimizer-knobs", class extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    this.attachShadow({ mode: "open" });
    this.load(`${this.getAttribute("state") ?? ""}&preset=${this.getAttribute("preset")}`);
    const draw = () => this.draw(), watch = new MutationObserver(draw);
    new ResizeObserver(draw).observe(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    for (const whole of [document.documentElement, document.body]) watch.observe(whole, { attributes: true });
  }

  load(address) {
    if (this.button) this.stop();
    this.state = fromAddress(address, fromAddress("preset=ravine"));
    this.told = this.pending = undefined;
    const began = fromAddress(`preset=${this.state.preset}`);
    this.began = { ...race(began), state: began };
    this.says = outcome(this.state.preset);
    this.asked = race(fromAddress(this.story.then, began)).lanes;
    this.build();
    if (this.state.guess >= 0) this.verdict();
    this.update();
    // A story asks first
    this.waits = /^(&?preset=[\w-]+)*&?$/.test(address);
    this.draw();
  }

  get story() { return PRESETS[this.state.preset]; }
  get shown() { return [...this.shadowRoot.querySelectorAll("[data-knob]")].map(({ shows }) => shows); }
  get right() { return this.story.answers.findIndex((answer) => answer[0] === "*"); }
  get onSlide() { return this.closest(".reveal"); }

  build() {
    const { story } = this, bare = this.hasAttribute("bare");
    this.map = node("canvas", { part: "map", tabIndex: 0, role: "application", ariaLabel: "Map of the paths. Arrow keys move the start." });
    this.beside = node("canvas", { className: "beside", part: "beside", role: "img" });
    this.news = node("p", { part: "news", role: "status" });
    this.button = node("button", { className: "play", onclick: () => this.toggle() }, "Play");
    this.slider = node("input", { type: "range", min: 0, ariaLabel: "step", oninput: () => {
      this.play(false);
      this.goTo(+this.slider.value);
      this.dispatchEvent(new Event("play"));
    } });
    const answers = story.answers.map((text, i) => node("button", { ariaPressed: false, onclick: () => this.answer(i) }, text.replace(/^\*/, "")));
    this.answers = node("div", { className: "row", role: "group", ariaLabel: "Your guess" }, answers);
    this.outcome = node("p", { className: "outcome", role: "status", hidden: true });
    this.knobs = node("div", { className: "row knobs" });
    this.all = node("details", { ontoggle: () => this.all.open && (this.fillAll(), this.refresh()) }, node("summary", {}, "All knobs"), (this.rest = node("div")));
    this.legend = node("ul", { ariaLabel: "Lines" });
    this.views = node("select", { ariaLabel: "beside the map", onchange: () => {
      const [view, of] = this.views.value.split(" ");
      Object.assign(this.state, { view, of: +of });
      this.update();
    } });
    this.fillViews();
    const restart = node("button", { onclick: () => {
      this.load(`preset=${this.state.preset}`);
      this.shadowRoot.querySelector(".controls button:last-child").focus();
    } }, "Start again");
    const away = node("a", { part: "away", target: "_blank", href: `${HERE}index.html`, onclick: () => (away.hash = toAddress(this.state)) }, "Open in the playground");
    const stage = node("div", { className: "stage" }, node("div", { className: "plots" }, this.map), this.legend,
      node("div", { className: "row controls" }, this.button, this.slider, !bare && restart), this.news);
    const ask = node("div", { className: "text", part: "ask" }, node("p", { className: "question" }, story.question), this.answers);
    const said = node("div", { className: "said", part: "said" }, this.outcome, node("p", { className: "outcome ghost", ariaHidden: true }, `${this.reply(-1)}${bare ? "" : "As the story begins: "}${this.says}`));
    if (this.map.bare = bare) said.prepend(this.news);
    fill(this.shadowRoot, node("style", {}, STYLE), bare ? node("div", { className: "bare" }, ask, stage, said) : node("div", { className: /=(map|rates)/.test(story.state) ? "whole early" : "whole", part: "whole" },
      ask, said, stage, node("div", { className: "side" }, this.views, this.beside), this.knobs, this.all, node("p", {}, node("slot", {}, away))));
    this.fillKnobs();
    this.drag();
  }

  fillViews() {
    const { view, of, lanes } = this.state;
    fill(this.views, Object.entries(VIEWS).map(([key, text]) => (key === "map" ? lanes : [0]).map((lane, i) =>
      node("option", { value: `${key} ${i}` }, text + (lane && lanes[1] ? `, ${nameOf(lane, lanes)}` : "")))));
    this.views.value = `${view} ${view === "map" ? min(of, lanes.length - 1) : 0}`;
  }

  lanesOf(knob, state = this.state) {
    const [which, name] = knob.split("."), { lanes } = state;
    return name ? lanes.filter((_, i) => which === "*" || +which === i) : [state];
  }

  knob(knob) {
    const name = knob.split(".").at(-1), label = SETTINGS[name][4], lanes = this.lanesOf(knob);
    if (lanes[0]?.[name] === undefined) return;
    const isOne = /^\d/.test(knob) && this.state.lanes[1];
    const of = isOne ? `${nameOf(lanes[0], this.state.lanes)} ` : "";
    const exact = node("input", {
      type: "text", inputMode: "decimal", ariaLabel: `${of + label}, exactly`, onchange: () => {
        try {
          this.turn(knob, checked(name, exact.value));
        } catch ({ message }) { this.say(`${message}.`); }
        exact.value = plain(lanes[0][name]);
      },
    });
    const range = node("input", {
      type: "range", min: 0, max: 1, step: 0.005, ariaLabel: of + label, oninput: () => this.turn(knob, fromSlider(name, +range.value)),
    });
    const called = (/no\./.test(of) ? "" : of) + label;
    range.dataset.knob = knob;
    range.shows = { knob, name, range, exact, label: called.split(" (")[0] };
    const best = this.tuner("best", BEST, lanes, (lane) => [lane[memoryOf(lane)]]);
    best.ariaLabel = `best rate: ${of}lr`;
    return node("div", { className: "knob" }, node("span", {}, isOne && swatch(knob[0]), called), exact, range, name === "lr" && best);
  }

  tuner(text, title, lanes, memories) {
    return node("button", { className: "best", title, onclick: () => {
      for (const lane of lanes) {
        const { late, ...best } = tuned(this.state, lane, memories(lane));
        Object.assign(lane, best);
      }
      this.update();
      this.say(title);
    } }, text);
  }

  refresh() {
    for (const { knob, name, range, exact } of this.shown) {
      const [lane] = this.lanesOf(knob);
      if (lane?.[name] === undefined) continue;
      if (this.shadowRoot.activeElement !== range) range.value = toSlider(name, lane[name]);
      if (this.shadowRoot.activeElement !== exact) exact.value = plain(lane[name]);
    }
  }

  fillKnobs() {
    const { knobs } = this.story;
    fill(this.knobs, knobs.map((knob) => this.knob(knob)), /lr/.test(knobs) && node("p", { className: "best" }, BEST));
  }

  fillAll() {
    const { state } = this, select = (label, choices, chosen, act) => {
      const made = node("select", { ariaLabel: label, onchange: () => act(made.value) },
        Object.keys(choices).map((name) => node("option", { value: name }, NAMES[name] ?? SCHEDULES[name]?.[0] ?? name)));
      made.value = chosen;
      return made;
    };
    const lanes = state.lanes.map((lane, i) => node("fieldset", {},
      node("div", { className: "row" }, swatch(i), select("rule", RULES, lane.rule, (rule) => (state.lanes.splice(i, 1, newLane(rule)), this.again())),
        select("schedule", SCHEDULES, lane.schedule, (plan) => ((lane.schedule = plan), this.update())),
        this.tuner("Tune", BEST.replace(" and", ", each with 8 memories, and"), [lane], () => undefined),
        state.lanes[1] && node("button", { onclick: () => (state.lanes.splice(i, 1), this.again()) }, "Take out")),
      node("div", { className: "row" }, Object.keys(ofLane).map((name) => this.knob(`${i}.${name}`)))));
    fill(this.rest,
      node("label", {}, "surface", select("surface", SURFACES, state.surface, (name) => ((this.state = fromAddress(`surface=${name}`, state)), this.again()))),
      node("div", { className: "row" }, Object.keys(ofRace).filter((name) => ofRace[name][4]).slice(state.surface === "quadratic" ? 0 : 2).map((name) => this.knob(name))),
      lanes, !lanes[7] && node("button", { onclick: () => (state.lanes.push(newLane("adam")), this.again()) }, "Another rule"));
  }

  again() {
    const parts = () => [...this.rest.querySelectorAll("button, select, input")];
    const at = parts().indexOf(this.shadowRoot.activeElement);
    this.fillKnobs();
    if (this.all.open) this.fillAll();
    this.fillViews();
    this.update();
    if (at >= 0) parts()[min(at, parts().length - 1)].focus();
  }

  say(words) { this.news.textContent = this.words = words; }

  turn(knob, value) {
    const name = knob.split(".").at(-1);
    for (const lane of this.lanesOf(knob)) lane[name] = value;
    if (name === "steps") this.state.step = value;
    this.update();
  }

  answer(i) {
    const { state, story: { then } } = this;
    if (this.told) return; // the first guess counts
    const atOnce = this.pending || matchMedia("(prefers-reduced-motion)").matches || this.onSlide || /map|sweep/.test(state.view);
    if (state.guess < 0) {
      this.state = fromAddress(`preset=${state.preset}&${then}&view=${state.view}&of=${state.of}&guess=${i}`);
      this.again();
    }
    this.pending = true;
    this.tell();
    this.goTo(atOnce ? this.state.steps : 0);
    this.play(!atOnce);
    this.dispatchEvent(new Event("play"));
  }

  reply(guess) {
    const { right } = this;
    return guess === right ? "Right. " : this.onSlide ? "" : guess < 0 ? `The answer: ${this.story.answers[right].slice(1)}. ` : "Not this time. ";
  }

  verdict() {
    this.pending = false;
    this.told = [this.reply(this.state.guess), this.says];
    this.tell();
    this.changed();
  }

  differs(known) {
    const { guess, step, view, of } = known;
    return toAddress({ ...this.state, guess, step, view, of }) !== toAddress(known);
  }

  tell() {
    const { right, state: { guess }, story: { then = "" } } = this;
    if (guess < 0 && !this.told) return;
    [...this.answers.children].forEach((button, i) => {
      button.ariaPressed = i === guess;
      button.className = this.pending ? "" : i === right ? "right" : i === guess ? "wrong" : "";
    });
    this.outcome.hidden = false;
    if (this.told) this.outcome.textContent = this.told.join(this.isTurned && this.differs(fromAddress(then, this.began.state)) ? "As the story begins: " : "");
    else fill(this.outcome, "You have guessed. Watch… ", node("button", { onclick: () => (this.toggle(), this.button.focus()) }, "Skip to the end"));
  }

  moveTo(point) {
    const { surface } = this.race, inside = this.plot.window.map(([low, high], i) => min(max(point[i], low), high));
    const [x, y] = surface.back(inside).map((at) => +min(max(at, -9), 9).toFixed(3));
    this.state.x = x;
    if (surface.window[1]) this.state.y = y;
    this.update();
  }

  drag() {
    let side = 1; // -1: by the mirrored start
    const at = (event) => this.plot.point(inner(event));
    const move = (event) => this.moveTo([at(event)[0], side * at(event)[1]]);
    this.map.onpointerdown = (event) => {
      if (this.plot.isOut(this.plot.place(at(event)))) return;
      this.map.setPointerCapture(event.pointerId);
      this.held = this.race.surface.window;
      const off = ([, v]) => abs(v - at(event)[1]), { start, starts } = this.race;
      side = starts.some((other) => off(other) < off(start)) ? -1 : 1;
      move(event);
    };
    this.map.onpointermove = (event) => this.map.hasPointerCapture(event.pointerId) && move(event);
    this.map.onlostpointercapture = () => ((this.held = 0), this.update());
    this.map.onkeydown = (event) => {
      if (event.key === " ") return event.preventDefault(), this.toggle();
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      this.moveTo(this.plot.window.map(([low, high], i) => this.race.start[i] + way[i] * (high - low) / 50));
    };
  }

  goTo(step) {
    this.waits = false;
    this.words = undefined;
    this.state.step = min(step, this.state.steps);
    if (this.pending && step >= this.state.steps) this.verdict();
    this.draw();
  }

  toggle() {
    if (this.waits && !this.closest(".both, .reveal")) return this.answer(-1); // shows what is asked about
    this.play(!this.timer);
    this.dispatchEvent(new Event("play"));
  }

  // By one clock, so that two stay together
  play(on, speed = this.state.speed) {
    this.stop();
    if (!on) return this.pending && this.state.guess >= 0 && this.goTo(this.state.steps); // a race that is stopped is told
    if (this.state.step >= this.state.steps) this.goTo(0);
    let began;
    const first = this.state.step, tick = (now) => {
      began ||= now;
      const { step, steps } = this.state, due = first + floor((now - began) / 1000 * speed);
      if (step >= steps) return this.stop();
      if (due > step) this.goTo(due);
      this.timer = requestAnimationFrame(tick);
    };
    this.timer = requestAnimationFrame(tick);
    this.button.textContent = "Pause";
    this.news.ariaLive = "off";
  }

  stop() {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.news.ariaLive = "polite";
    this.button.textContent = "Play";
  }

  update() {
    this.waits = false;
    this.words = undefined;
    this.race = race(this.state);
    if (this.held) this.race.surface.window = this.held;
    this.isTurned = this.differs(this.began.state);
    if (this.pending) this.verdict();
    this.refresh();
    this.tell();
    this.draw();
    this.changed();
  }

  changes(state) {
    const turned = this.shown.flatMap(({ knob, name, label }) => {
      const [was, is] = [state, this.state].map((state) => this.lanesOf(knob, state)[0]?.[name]);
      return was === is || was === undefined ? [] : `${label} from ${plain(was)} to ${plain(is)}`;
    });
    if (["x", "y"].some((key) => state[key] !== this.state[key] && !this.story.knobs.includes(key))) turned.push("another start");
    return [...new Set(turned.filter((text) => !turned.some((other) => text.endsWith(` ${other}`))))].join(", ");
  }

  vary() {
    const { range } = this.shown.at(-1);
    range.value -= range.value > 0.5 ? 0.15 : -0.15;
    range.oninput();
  }

  effect() {
    const { began, race } = this, { state, lanes: before, measure } = began, { lanes } = race;
    const end = (lane) => (lane.diverged ? "flies out" : `ends ${measure === "rates" ? "at " : ""}${told(lane, measure)}`);
    const moved = lanes.flatMap((lane, i) => (end(lane) === end(before[i]) ? []
      : `${lanes[1] ? lane.label : "it"} ${end(lane)} (${race.began[0] ? "dotted" : "before"}: ${end(before[i]).replace(/ends (at )?| away| above/g, "")})`));
    return `${capital(this.changes(state)) || "Turned"}: ${moved[2] ? leader(race, this.state.steps).replace(/ above| away/, ` (before: ${leader(began, state.steps).replace(/ is \w+est| a(bove|way).*/g, "")})$&`) : `${moved.join("; ") || "all ends as before"}.`}`;
  }

  changed() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.dispatchEvent(new Event("change")), 200);
  }

  draw() {
    if (this.map.clientWidth < 60) return;
    const ink = getComputedStyle(this).color, { state, race, began } = this;
    const { waits } = this, step = min(state.step, state.steps);
    this.shadowRoot.lastChild.classList.toggle("asks", waits);
    this.slider.max = state.steps;
    this.legend.hidden = !isCrowded(this.map, race.lanes);
    fill(this.legend, race.lanes.map(({ label }, i) => node("li", {}, swatch(i), label)));
    for (const { lanes } of [race, began]) styles(lanes, ink).forEach((look, i) => (lanes[i].look = look));
    for (const svg of this.shadowRoot.querySelectorAll("svg")) {
      const { colour, dash } = race.lanes[svg.dataset.lane].look;
      svg.style = `stroke: ${colour}; stroke-dasharray: ${dash}`;
    }
    this.slider.value = waits ? 0 : step;
    race.untold = waits || this.pending;
    const rules = ({ surface, lanes }) => surface + lanes.map(({ rule }) => rule);
    const isAlike = rules(began.state) === rules(state);
    race.began = this.isTurned && !waits && isAlike && !state.lanes[4] ? began.lanes : [];
    race.framed = isAlike ? [...began.lanes, ...this.asked] : [];
    this.plot = drawMap(this.map, state, waits ? { ...race, lanes: [] } : race, ink);
    if (this.beside.isConnected) {
      const chosen = drawBeside(this.beside, waits ? { ...state, step: -1 } : state, race, ink);
      this.beside.onclick = (event) => {
        if (waits || !chosen) return;
        const [lane, settings] = chosen(inner(event));
        Object.assign(state.lanes[lane], settings);
        this.again();
      };
      this.beside.ariaLabel = VIEWS[state.view] + (waits ? "" : `: ${race.lanes.map((lane) => `${lane.label} ${typeset(told(lane, lane[state.view] ? state.view : "heights"))}`).join("; ")}`);
    }
    this.news.textContent = waits ? this.closest(".both") ? "Press Play." : "What do you expect? Guess, or press Play."
      : typeset(this.words ?? (step === state.steps && this.isTurned && isAlike && !this.onSlide ? this.effect() : `Step ${step} of ${state.steps}. ${leader(race, step)}`));
  }

  disconnectedCallback() { this.stop(); }
});
}

let script;
for (const file of ["rules", "surfaces", "race", "presets", "plots"]) {
  script = node("script", { src: `${HERE}${file}.js` });
  script.async = false;
  document.head.append(script);
}
script.onload = define;
}
