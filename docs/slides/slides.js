// Start a deck: set its formulas, shrink what is too long for a slide, then hand over to reveal.js.
const WIDTH = 1280, HEIGHT = 720;

// Take 2 % off the element's font until it fits, or is as small as `smallest` (a share of what it was).
function shrink(element, fits, smallest) {
  const size = of => parseFloat(getComputedStyle(of).fontSize), full = size(element) / size(element.parentElement);
  for (let share = 1; !fits() && share > smallest; share -= 0.02) element.style.fontSize = full * share + "em";
}

async function start() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Promise.all(Array.from(document.images, image => image.decode().catch(() => {})));
  // Every size in slides.css is in em: a smaller font makes the figures smaller, too.
  for (const slide of document.querySelectorAll(".slides section section")) {
    for (const pre of slide.querySelectorAll("pre")) {
      const fits = () => pre.scrollWidth <= pre.clientWidth;
      shrink(pre, fits, 0.75);
      if (!fits()) pre.style.whiteSpace = "pre-wrap";
    }
    shrink(slide, () => slide.scrollHeight <= HEIGHT && slide.scrollWidth <= WIDTH, 0.5);
  }
  document.querySelector(".reveal").classList.remove("measuring");
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, plugins: [RevealNotes],
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
