// JupyterLab's side of live.js, as JupyterLab loads an extension: no build, no dependency.
// .jupyter/jupyter_lab_config.py names the folder; everything here is an ordinary file that the server hands out.
(() => {
  const HERE = document.currentScript.src.replace(/[^/]*$/, "");
  const PLAYGROUND = new URL("../playground/playground.js", HERE).href;
  let shared; // JupyterLab's own modules

  const loaded = new Promise((done, fail) => {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: HERE + "live.css" });
    const script = Object.assign(document.createElement("script"), { src: HERE + "live.js", onload: done, onerror: fail });
    document.head.append(style, script);
  });

  const source = cell => cell.model.sharedModel.getSource();
  const rendered = cell => (cell.model.type == "markdown" && cell.node.querySelector(".jp-RenderedMarkdown")) || null;

  // One open notebook. Cells are rendered when they come into view and anew after each edit: look again, often.
  function follow(panel) {
    const ran = new Set(), watched = new WeakSet();
    let due = 0;
    const look = () => (due ||= requestAnimationFrame(() => { due = 0; refresh(); }));

    function refresh() {
      if (panel.isDisposed || !panel.content.model) return;
      const chapter = panel.context.path.split("/").pop().replace(/\.ipynb$/, "");
      const guesses = Live.guesses(chapter);
      let question = null, between = [], open = false; // open: no heading since the last outcome
      const pairs = [];
      for (const cell of panel.content.widgets) {
        const text = source(cell), node = rendered(cell);
        if (cell.model.type == "code" && !watched.has(cell.model)) {
          watched.add(cell.model);
          cell.model.stateChanged.connect((model, change) => {
            // A cell that is run shows its output as ever, guess or not.
            if (change.name == "executionCount" && change.newValue) ran.add(model.id), look();
          });
        }
        if (cell.model.type == "markdown" && text.startsWith("**Predict first.**")) [question, between] = [cell, []];
        else if (question && cell.model.type == "markdown" && text.startsWith("**Outcome:")) {
          pairs.push([question, between, cell]);
          [question, open] = [null, true];
        } else if (question) between.push(cell);
        else if (/^#/m.test(text) && cell.model.type == "markdown") open = false;
        else if (open && cell.node.querySelector("video")) between.push(cell); // a film of the same runs
        if (!node) continue;
        if (text.startsWith("*For lecturers:*")) Live.foldNotes(node);
        if (text.includes("[Turn the knobs:")) Live.knobs(node, PLAYGROUND);
        if (pairs.length && [...node.querySelectorAll("h2")].some(Live.isEnd)) guesses.score(node);
      }
      pairs.forEach(([question, between, outcome], i) => join(chapter, i + 1, question, between, outcome));
      const count = pairs.length;
      for (const number of guesses.asked.keys()) if (number > count) guesses.asked.delete(number);
      if (guesses.total != count) {
        guesses.total = count;
        guesses.show();
      }
    }

    function join(chapter, number, question, between, outcome) {
      const hold = on => {
        for (const cell of between) cell.toggleClass("live-wait", on && cell.model.type == "code" && !ran.has(cell.model.id));
        outcome.toggleClass("live-wait", on && !!outcome.rendered);
      };
      const [node, end] = [rendered(question), rendered(outcome)];
      const known = Live.guesses(chapter).asked.get(number);
      if (known && known.node == node && known.outcome == end && node.contains(known.ask) && end.contains(known.mark)) {
        hold(known.guess === undefined);
      } else if (node && end && Live.isQuestion(node) && Live.isOutcome(end)) {
        known?.ask.remove();
        known?.mark.remove();
        const written = {
          answer: source(outcome).match(/^\*\*Outcome:\s*([^]+?)\.?\s*\*\*/)?.[1] ?? "",
          choices: Array.from(source(question).matchAll(/^\s*[-*+] +(.+)$/gm), found => found[1]),
        };
        new Live.Question(chapter, number, node, end, hold, written).guesses.show();
      } else hold(Live.guesses(chapter).all[number] === undefined); // not yet rendered
    }

    new MutationObserver(look).observe(panel.content.node, { childList: true, subtree: true });
    panel.content.model?.cells.changed.connect(look);
    look();
  }

  // The map of the course, README.md: a column that says which exercises are passed and how many guesses are made. The
  // points are those that graded cells have written to progress.json beside it; guesses are in this browser.
  function mark(panel, contents) {
    const folder = panel.context.path.replace(/[^/]*$/, "");
    const guesses = chapter => {
      try {
        return Object.keys(JSON.parse(localStorage.getItem(`predictions/${chapter}`)) || {}).length;
      } catch {
        return 0;
      }
    };
    const words = (chapter, points) => [
      points && `${points.got >= points.of ? "✓ " : ""}exercise ${points.got} of ${points.of}`,
      guesses(chapter) && `${guesses(chapter)} guesses`,
    ].filter(Boolean).join(" · ");
    let passed = {};

    function show() {
      for (const table of panel.content.node.querySelectorAll("table")) {
        const rows = [...table.rows].map(row => {
          const link = row.querySelector("a[href*='.ipynb']:not([href*='#'])"); // not a section of a chapter
          return [row, link?.getAttribute("href").match(/notebooks\/(\d\d_\w+)\.ipynb/)?.[1]];
        }).filter(([, chapter]) => chapter);
        const said = rows.map(([, chapter]) => words(chapter, passed[chapter]));
        const head = rows.length && table.rows[0].querySelector(".live-progress");
        if (!head && !said.some(Boolean)) continue;
        const cells = [[table.rows[0], "you"], ...rows.map(([row], i) => [row, said[i]])];
        for (const [row, text] of cells) {
          let cell = row.querySelector(".live-progress");
          if (!cell) {
            cell = document.createElement(row == table.rows[0] ? "th" : "td");
            cell.className = "live-progress";
            row.append(cell);
          }
          if (cell.textContent != text) cell.textContent = text;
        }
      }
    }
    const read = () => contents.get(`${folder}progress.json`, { type: "file", format: "text", content: true })
      .then(file => JSON.parse(file.content), () => ({}))
      .then(known => { passed = known; }, () => {})
      .then(() => panel.isDisposed || show());
    new MutationObserver(show).observe(panel.content.node, { childList: true, subtree: true });
    read();
    return read;
  }

  // Read again whenever the map comes to the front.
  function followMap(app) {
    const maps = new WeakMap();
    const look = () => {
      for (const panel of app.shell.widgets("main")) {
        if (!panel.context?.path?.match(/(^|\/)README\.md$/) || !panel.content?.node.matches(".jp-MarkdownViewer")) continue;
        if (!maps.has(panel)) maps.set(panel, mark(panel, app.serviceManager.contents));
        else if (panel == app.shell.currentWidget) maps.get(panel)();
      }
    };
    app.restored.then(look);
    app.shell.currentChanged?.connect(look);
    app.shell.layoutModified?.connect(look);
  }

  const plugin = tracker => ({
    id: "live:plugin",
    autoStart: true,
    requires: [tracker],
    activate: (app, notebooks) => {
      const start = panel => Promise.all([loaded, panel.context.ready, panel.revealed]).then(() => follow(panel));
      notebooks.forEach(start);
      notebooks.widgetAdded.connect((_, panel) => void start(panel));
      followMap(app);
    },
  });

  (window._JUPYTERLAB ??= {}).live = {
    init: modules => void (shared = modules),
    get: async () => {
      const [version] = Object.values(shared["@jupyterlab/notebook"]);
      const { INotebookTracker } = (await version.get())();
      return () => ({ __esModule: true, default: plugin(INotebookTracker) });
    },
  };
})();
