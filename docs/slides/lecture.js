// Start the lecture: keep the slides of the path that the address asks for (?path=20, 45 or 90), set the formulas, go.
async function start() {
  const path = new URLSearchParams(location.search).get("path") || "45";
  for (const slide of document.querySelectorAll(".slides > section")) {
    if (!slide.dataset.paths.split(" ").includes(path)) slide.remove();
  }
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Promise.all(Array.from(document.images, image => image.decode().catch(() => {})));
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, display: "flex", hash: true, slideNumber: "c/t", transition: "none",
    scrollActivationWidth: null, pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    showNotes: new URLSearchParams(location.search).has("notes") && "separate-page", plugins: [RevealNotes],
  });
  const film = slide => slide.querySelectorAll("video").forEach(video => video.play().catch(() => {}));
  Reveal.on("slidechanged", event => {
    event.previousSlide?.querySelectorAll("video").forEach(video => video.pause());
    film(event.currentSlide);
  });
  film(Reveal.getCurrentSlide());
}

start();
