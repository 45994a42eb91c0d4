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

async function start() {
  const path = asked.get("path") || "45";
  for (const slide of document.querySelectorAll(".slides > section[data-paths]")) {
    if (!slide.dataset.paths.split(" ").includes(path)) slide.remove();
  }
  if (document.documentElement.dataset.site !== undefined) { // the web site lies around the slides
    for (const link of document.querySelectorAll(".from[data-page]")) link.href = link.dataset.page;
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
