// What a page of the site does beyond its text: figures open large, films play while they are seen, folds open where
// a link or the printer needs them. Without this file everything is there, too.
(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // On a phone panels that stand beside each other stand below each other: the same picture, each time another part. All
  // are drawn to one scale, and end at the right: axes that share their numbers stand below each other. Numbers that
  // stand at the left panel alone are repeated in the margin of the others, as a background.
  if (innerWidth < 640) {
    for (const figure of document.querySelectorAll(".panels")) {
      const images = [...figure.children], [ends, borrowed] = [figure.dataset.cuts, figure.dataset.borrowed].map(row => row.split(" ").map(Number));
      const widest = Math.max(...borrowed.map((margin, i) => margin + ends[i + 1] - ends[i]));
      const [left, right, bottom = 0] = figure.dataset.title ? figure.dataset.title.split(" ").map(Number) : [];
      const titles = bottom ? images.map(image => { // one title of all panels stands above them, whole
        const title = Object.assign(document.createElement("div"), { className: image.className }), share = right - left;
        title.style = `width: ${(100 * share) / widest}%; aspect-ratio: ${share * image.getAttribute("width")} / ${bottom * image.getAttribute("height")};
          margin: 0 auto; background: url("${image.src}") ${(100 * left) / (1 - share)}% 0 / ${100 / share}% auto`;
        return title;
      }) : [];
      figure.replaceChildren(...titles, ...ends.slice(1).flatMap((end, i) => images.map(image => {
        const panel = image.cloneNode(), from = ends[i], share = end - from, margin = borrowed[i], whole = margin + share;
        const width = whole * image.getAttribute("width");
        panel.width = Math.round(width);
        panel.style = `--wide: ${(100 * whole) / widest}%; aspect-ratio: ${width} / ${image.getAttribute("height")};
          object-fit: cover; object-position: ${(100 * from) / (1 - share)}% 0`;
        if (margin) panel.style.cssText += `padding-left: ${(100 * margin) / widest}%; background: url("${image.src}") 0 0 / ${100 / whole}% 100%`;
        if (bottom) panel.style.cssText += `clip-path: inset(${100 * bottom}% 0 0); margin-top: ${(-100 * bottom * whole * image.getAttribute("height")) / widest / width}%`;
        if (i) panel.alt = ""; // the first has said it
        return panel;
      })));
    }
  }

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
    const open = ({ target, offsetX }) => {
      large.replaceChildren(...images.map(image => image.cloneNode()));
      large.append(Object.assign(document.createElement("button"), { type: "button", textContent: "Close" }));
      large.showModal();
      const tapped = large.children[images.indexOf(target)]; // on a phone it is larger than the window
      tapped?.scrollIntoView();
      if (tapped) large.scrollLeft = (offsetX / target.offsetWidth) * large.scrollWidth - innerWidth / 2;
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

  // On a phone a chapter's code is folded, but for the rule and the loop: one reads there, and runs it elsewhere.
  if (innerWidth < 640 && !document.querySelector(".run.exercise")) {
    for (const code of document.querySelectorAll("article .cell:not(.tag_rule, .tag_loop) > .cell_input")) {
      const lines = code.textContent.trim().split("\n");
      if (lines.length < 6 && lines.every(line => line.length < 50)) continue;
      const fold = Object.assign(document.createElement("details"), { className: "admonition hide above-input", // as those that are folded for all
        innerHTML: '<summary><p class="collapsed admonition-title">Show the code</p><p class="expanded admonition-title">Hide the code</p></summary>' });
      code.before(fold);
      fold.append(code);
    }
  }

  // On a phone code stays whole and scrolls. What then fits in smaller letters gets them, but none below 11 pixels.
  if (innerWidth < 640) {
    const article = document.querySelector("article") ?? document.body; // what is folded has no width of its own yet
    const probe = Object.assign(document.createElement("pre"), { className: "smaller", textContent: "m".repeat(100) });
    const box = Object.assign(document.createElement("div"), { className: "highlight" });
    box.append(probe);
    article.append(box);
    const letters = Math.floor((article.clientWidth - 14) / (probe.scrollWidth / 100)); // a line of small ones, less its margins
    box.remove();
    for (const pre of document.querySelectorAll("article pre")) {
      const longest = Math.max(...pre.textContent.trimEnd().split("\n").map(line => line.length));
      pre.classList.toggle("smaller", longest <= letters && longest > 0.9 * letters);
    }
  }

  // A table too wide for a phone, or narrow by having a word a line: a row becomes a card, and each entry says which
  // column it was.
  if (innerWidth < 640) {
    const stack = wrapper => {
      const squeezed = [...wrapper.querySelectorAll("td > p")].some(said => said.offsetHeight > 110 && said.offsetWidth < 140);
      if (wrapper.scrollWidth <= wrapper.clientWidth && !squeezed) return;
      const heads = [...wrapper.querySelectorAll("thead th")].map(cell => cell.textContent);
      const rows = [...wrapper.querySelectorAll("tbody tr")];
      const long = i => rows.filter(row => (row.cells[i]?.textContent.length ?? 0) > 24).length > rows.length / 2;
      // Of two columns the first says what the second is; and whole phrases say themselves what they are.
      const labels = heads.length > 2 ? heads.map((head, i) => (heads.length < 5 && long(i) ? "" : head)) : [];
      for (const row of rows) {
        row.classList.toggle("numbered", heads.length > 2 && row.cells[0].textContent.trim().length < 3); // stands before the next
        [...row.cells].forEach((cell, i) => labels[i] && cell.textContent && (cell.dataset.label = labels[i]));
      }
      wrapper.classList.add("stacked");
    };
    const shown = new ResizeObserver(tables => tables.forEach(({ target }) => stack(target))); // what waits has no width yet
    for (const wrapper of document.querySelectorAll(".table-wrapper")) {
      stack(wrapper);
      shown.observe(wrapper);
    }
  }

  // A printed table that is wider than the column is set closer, and its entries may have two lines; on a phone if it
  // fits then: else it scrolls.
  const fit = table => {
    table.classList.remove("tight");
    table.classList.toggle("tight", table.scrollWidth > table.clientWidth);
    if (innerWidth < 640 && table.scrollWidth > table.clientWidth) table.classList.remove("tight");
  };
  const sized = new ResizeObserver(tables => tables.forEach(({ target }) => fit(target)));
  for (const table of document.querySelectorAll("div.printed:not(.lines)")) sized.observe(table);

  // In the page's contents many sections beyond the core are one line that opens, where the last of them stood.
  for (const list of document.querySelectorAll(".toc-tree ul")) {
    const beyond = [...list.children].filter(item => item.querySelector(":scope > a[href^='#deeper-']"));
    if (beyond.length < 4) continue;
    const fold = document.createElement("details"), within = document.createElement("ul"), item = document.createElement("li");
    beyond.at(-1).before(item);
    fold.append(Object.assign(document.createElement("summary"), { textContent: `Deeper: ${beyond.length} sections` }), within);
    within.append(...beyond);
    item.append(fold);
  }

  // Who has read a section beyond the core closes it where it ends, and is back where it began.
  for (const fold of document.querySelectorAll("details.deeper")) {
    const end = Object.assign(document.createElement("button"), { type: "button", className: "deeper-end", textContent: "Close this section" });
    end.onclick = () => {
      fold.open = false;
      fold.parentNode.scrollIntoView({ block: "center" });
    };
    fold.append(end);
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

  // The first page's race shows the paths' first steps, standing still, so that one sees what is going to run.
  const race = document.querySelector(".race optimizer-knobs"), SHOWN = 10;
  if (race) customElements.whenDefined("optimizer-knobs").then(() => {
    const draw = race.draw, accent = new CSSStyleSheet();
    accent.replaceSync(".play { background: #0b5c9c; border-color: #0b5c9c; color: #fff } .play:hover { background: #084a7f } .bare .said { display: grid !important }"); // its room is kept
    race.shadowRoot.adoptedStyleSheets = [accent];
    const told = () => { // all seem to have arrived: how far apart are they?
      if (race.waits || race.state.step < race.state.steps) return;
      const [best, next] = race.race.lanes.map(({ label, heights }) => ({ label, end: heights.at(-1) })).sort((a, b) => a.end - b.end);
      const times = Number((next.end / best.end).toPrecision(1));
      if (times > 1) race.parentNode.querySelector("figcaption span").textContent = `${best.label} ends about ${times} times lower than the next.`;
    };
    race.draw = () => {
      draw.call(race);
      setTimeout(told); // a guess draws the end before it starts to play
      if (!race.waits || !race.plot) return; // too narrow to be drawn
      race.plot = Playground.drawMap(race.map, { ...race.state, step: SHOWN }, race.race, getComputedStyle(race).color);
      race.slider.value = SHOWN;
    };
    race.draw();
  });

  // The first page's race keeps its height when the question has been answered: nothing below it jumps.
  for (const race of document.querySelectorAll(".race optimizer-knobs")) {
    let [width, height] = [0, 0];
    new ResizeObserver(() => {
      if (race.offsetWidth != width) [width, height, race.style.minHeight] = [race.offsetWidth, 0, ""];
      const now = race.getBoundingClientRect().height;
      if (now > height) race.style.minHeight = `${(height = now)}px`;
    }).observe(race);
  }

  // Figures further down come after what is read first, but they do come: whoever prints or goes offline has them all.
  addEventListener("load", () => setTimeout(() => {
    for (const image of document.images) if (image.offsetParent) image.loading = "eager"; // not those for the other colours
  }, 1500));
})();
