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

// The playground on a slide: everything in view at once, and its letters for the last row. On the left the map, drawn
// small and enlarged; on the right the answer and the knobs.
const LARGE = 1.85;
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { font-size: ${document.querySelector("[data-paths]") ? 24 : 20}px; line-height: 1.3 }
.whole { height: 100%; display: grid; column-gap: 28px; grid-template: "ask ask" auto "guess guess" auto "map said" auto "map news" 1fr "names ." auto "run ." auto / 764px 1fr }
.question { grid-area: ask; font-size: 1.08em; margin: 0 } .question + .row { grid-area: guess; margin: 6px 0 }
.plots { grid-area: map; position: relative; display: block; min-height: 0 }
canvas:not(.beside) { position: absolute; top: 0; left: 0; width: ${100 / LARGE}%; height: ${100 / LARGE}%; transform: scale(${LARGE}); transform-origin: 0 0 }
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
    await customElements.whenDefined("optimizer-knobs");
    playgrounds.forEach(onSlide);
  }
  document.querySelectorAll(".rates").forEach(drawRates);
  document.querySelectorAll(".units").forEach(drawUnits);
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
