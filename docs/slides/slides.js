// Start a deck: of a lecture, keep the slides of the path that the address asks for (?path=20, 45 or 90); set the formulas; go.
const asked = new URLSearchParams(location.search);

// A formula wider than the slide becomes smaller; then 2 % come off the body's font until all of it fits.
function fit(body) {
  for (const formula of body.querySelectorAll('mjx-container[display="true"]')) {
    const wide = formula.firstElementChild.getBoundingClientRect().width / formula.getBoundingClientRect().width;
    if (wide > 1) formula.style.fontSize = parseFloat(getComputedStyle(formula).fontSize) / wide + "px";
  }
  for (let size = parseFloat(getComputedStyle(body).fontSize); body.scrollHeight > body.clientHeight + 1 && size > 24; size *= 0.98) {
    body.style.fontSize = size + "px";
  }
}

// The playground on a slide: everything in view at once, and its letters for the last row. On the left the map, drawn
// small and enlarged; on the right the answer and the knobs.
const LARGE = 1.85;
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { font-size: ${document.querySelector("[data-paths]") ? 24 : 20}px; line-height: 1.3 }
.whole { height: 100%; display: grid; column-gap: 28px; grid-template: "ask ask" auto "guess guess" auto "map said" 1fr "names knobs" auto "run knobs" auto "news news" auto / 764px 1fr }
.question { grid-area: ask; font-size: 1.08em } .question + .row { grid-area: guess; margin: 4px 0 10px }
.plots { grid-area: map; position: relative; display: block; min-height: 0 }
canvas:not(.beside) { position: absolute; top: 0; left: 0; width: ${100 / LARGE}%; height: ${100 / LARGE}%; transform: scale(${LARGE}); transform-origin: 0 0 }
.plots:has(+ ul[hidden]) { grid-row: 3 / 5 } .outcome { grid-area: said; margin: 0; align-self: start } ul { grid-area: names; font-size: 1em }
.controls { grid-area: run } [role=status]:not(.outcome) { grid-area: news } .knobs { grid-area: knobs; align-self: end; gap: 4px 28px }
.knob { min-width: 100%; font-size: 1em } .knob [type=range] { margin: 0 } .knob [type=text] { font-size: 1em; width: 5em }
canvas.beside, select, details, details ~ p { display: none }`);

function onSlide(knobs) {
  knobs.shadowRoot.adoptedStyleSheets = [sheet];
  if (asked.has("print-pdf")) knobs.answer(knobs.story.answers.findIndex(answer => answer.startsWith("*")));
  // What has the focus keeps the keys it needs, and a pressed button gives it back; all others turn the slides.
  const needs = {BUTTON: /^( |Enter)$/, CANVAS: /^(Arrow.*| )$/, text: /^.$|^(Arrow.*|Home|End|Backspace|Delete)$/, range: /^(Arrow.*|Home|End)$/};
  knobs.addEventListener("keydown", event => {
    const [at] = event.composedPath();
    if (needs[at.type in needs ? at.type : at.tagName]?.test(event.key)) event.stopPropagation();
  });
  knobs.addEventListener("click", event => event.detail && event.composedPath()[0].matches("button") && event.composedPath()[0].blur());
}

async function start() {
  const path = asked.get("path") || "45";
  for (const slide of document.querySelectorAll(".slides > section[data-paths]")) {
    if (!slide.dataset.paths.split(" ").includes(path)) slide.remove();
  }
  if (document.documentElement.dataset.site !== undefined) { // the web site lies around the slides
    for (const link of document.querySelectorAll(".from[data-page]")) link.href = link.dataset.page;
  }
  const playgrounds = document.querySelectorAll("optimizer-knobs");
  if (playgrounds.length) {
    const dots = devicePixelRatio; // its pictures are enlarged, so they need more of them
    Object.defineProperty(window, "devicePixelRatio", {get: () => 2 * dots});
    await customElements.whenDefined("optimizer-knobs");
    playgrounds.forEach(onSlide);
  }
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Promise.all(Array.from(document.images, image => image.decode().catch(() => {})));
  document.querySelectorAll(".slides .body").forEach(fit);
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, display: "flex", hash: true, slideNumber: "c/t", transition: "none",
    scrollActivationWidth: null, pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes],
  });
  // Only the slide that is shown plays its film.
  const film = slide => slide.querySelectorAll("video").forEach(video => video.play().catch(() => {}));
  Reveal.on("slidechanged", event => {
    event.previousSlide?.querySelectorAll("video").forEach(video => video.pause());
    film(event.currentSlide);
  });
  film(Reveal.getCurrentSlide());
}

start();
