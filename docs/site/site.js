// What a page of the site does beyond its text: figures open large, films play while they are seen, folds open where
// a link or the printer needs them. Without this file everything is there, too.
(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // A figure, tapped, fills the window; any key, tap or Escape closes it.
  const large = document.createElement("dialog");
  large.className = "large";
  large.setAttribute("aria-label", "The figure, large");
  large.onclick = () => large.close();
  for (const figure of document.querySelectorAll("figure.shown")) {
    const images = [...figure.querySelectorAll("img")]; // one for light pages, one for dark
    if (!images.length) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "enlarge", textContent: "Enlarge" });
    button.setAttribute("aria-label", `Enlarge ${figure.querySelector("figcaption a").textContent}`);
    const open = () => {
      large.replaceChildren(...images.map(({ src, alt, className }) => Object.assign(new Image(), { src, alt, className })));
      large.append(Object.assign(document.createElement("button"), { type: "button", textContent: "Close" }));
      large.showModal();
    };
    for (const part of [button, ...images]) part.onclick = open;
    figure.querySelector("figcaption").append(" ", button);
  }
  document.body.append(large);

  // A film plays while it is in view, unless its reader asks for little motion. Its button stands below: the browser's
  // own lie on the axis.
  const seen = new IntersectionObserver(films => {
    for (const { target, isIntersecting } of films) {
      if (!isIntersecting) target.pause();
      else if (!calm && !target.dataset.stopped) target.play().catch(() => {});
    }
  }, { threshold: 0.5 });
  for (const figure of document.querySelectorAll("figure.shown:has(video)")) {
    const films = [...figure.querySelectorAll("video")]; // one for light pages, one for dark
    const shown = () => films.find(film => film.offsetHeight) ?? films[0];
    const button = Object.assign(document.createElement("button"), { type: "button", className: "enlarge" });
    const name = () => (button.textContent = shown().paused ? "Play" : "Pause");
    const press = () => {
      const film = shown(), paused = film.paused;
      for (const one of films) one.dataset.stopped = paused ? "" : "1";
      paused ? film.play() : film.pause();
    };
    for (const film of films) {
      film.controls = false;
      film.onplay = film.onpause = name;
      film.onclick = press;
      seen.observe(film);
    }
    button.onclick = press;
    figure.querySelector("figcaption").append(" ", button);
    name();
  }

  // On a phone a print-out of sentences is wrapped, so that its result is seen. What has columns (lines with gaps, one
  // after the other) or is indented, as code is, stays whole and scrolls.
  if (innerWidth < 640) {
    for (const pre of document.querySelectorAll(".cell_output pre")) {
      const gaps = pre.textContent.trimEnd().split("\n").map(line => /\S {2,}(?!#)\S/.test(line));
      const whole = /^ {2,}\S/m.test(pre.textContent) || gaps.some((gap, i) => gap && gaps[i + 1]);
      if (!whole) Object.assign(pre.style, { whiteSpace: "pre-wrap", overflowWrap: "anywhere" });
    }
  }

  // A table too wide for a phone: a row becomes a card, and each entry says which column it was.
  if (innerWidth < 640) {
    for (const wrapper of document.querySelectorAll(".table-wrapper")) {
      if (wrapper.scrollWidth <= wrapper.clientWidth) continue;
      const labels = [...wrapper.querySelectorAll("thead th")].map(cell => cell.textContent);
      for (const row of wrapper.querySelectorAll("tbody tr")) {
        [...row.cells].forEach((cell, i) => labels[i] && cell.textContent && (cell.dataset.label = labels[i]));
      }
      wrapper.classList.add("stacked");
    }
  }

  // A link into a fold opens it.
  const arrive = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const around = target.closest("details") ?? target.closest("section")?.querySelector(":scope > details.deeper");
    for (let fold = around; fold; fold = fold.parentNode.closest("details")) fold.open = true;
    if (around) target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  arrive();

  // On paper there is nothing to open: figures and sections are there; what happened is not hidden either.
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("article details:not(.lecturers, .hide, .run *)")) fold.open = true;
  });

  // Figures further down come after what is read first, but they do come: whoever prints or goes offline has them all.
  addEventListener("load", () => setTimeout(() => {
    for (const image of document.images) if (image.offsetParent) image.loading = "eager"; // not those for the other colours
  }, 1500));
})();
