// What is alive in a chapter without a kernel: predictions and knobs; the same on the site, on a slide, in JupyterLab.
//
// A prediction is plain Markdown: a cell that begins "**Predict first.**" and ends with a list of answers (without a
// list, a number is asked for), cells that show what happens, and a cell that begins "**Outcome: one of the answers.**".
// A paragraph that is nothing but a link "Turn the knobs: ..." to the playground becomes the playground itself.
const Live = (() => {
  const NEAR = 0.2; // a number within a fifth of the measured one counts as right
  const QUESTION = /^\s*Predict first\.\s/, OUTCOME = /^\s*Outcome:\s*([^]+?)\.?\s*$/;

  const element = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const words = node => node.textContent.replace(/\s+/g, " ").trim();
  const plain = text => text.replace(/\s+/g, " ").replace(/[\s.]+$/, "").toLowerCase();
  const number = text => {
    // 60,000 is sixty thousand; 0,125 and 2,5 have a decimal comma
    const thousands = text.replace(/(?<![\d.,])[1-9]\d{0,2}(,\d{3})+(?!\d)/g, whole => whole.replaceAll(",", ""));
    const found = thousands.replace("\u2212", "-").replace(/(\d),(?=\d)/g, "$1.").match(/-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?/i);
    return found ? Number(found[0]) : NaN;
  };

  // --- What one learner has guessed in one chapter, kept in the browser: {number of the question: guess} -----------
  class Guesses {
    constructor(chapter) {
      this.key = `predictions/${chapter}`;
      this.asked = new Map(); // number -> question
      this.total = 0; // how many there are, in sections that are still folded, too
      this.scores = new Set(); // elements that show the score
      try {
        this.all = JSON.parse(localStorage.getItem(this.key)) || {};
      } catch {
        this.all = {}; // storage is shut off: guesses live as long as the page
      }
    }
    set(number, guess) {
      if (guess === undefined) delete this.all[number];
      else this.all[number] = guess;
      try {
        localStorage.setItem(this.key, JSON.stringify(this.all));
      } catch {}
      this.show();
    }
    forget() {
      this.all = {};
      try {
        localStorage.removeItem(this.key);
      } catch {}
      this.show();
    }
    show() {
      for (const question of this.asked.values()) question.show();
      // What a section beyond the core asks counts for itself: who has not opened it has missed nothing.
      const [core, deeper] = [false, true].map(is => [...this.asked.values()].filter(question => question.deeper == is));
      const made = questions => questions.filter(question => question.guess);
      const right = questions => made(questions).filter(question => question.right(question.guess)).length;
      const total = Math.max(this.total, this.asked.size) - deeper.length;
      const soFar = made(core).length < total ? `, ${made(core).length} made so far` : "";
      const beyond = made(deeper).length ? `; in its sections called Deeper ${right(deeper)} of ${deeper.length}` : "";
      for (const score of this.scores) {
        score.firstChild.textContent = made(core).length || beyond
          ? `Your guesses: ${right(core)} of the chapter's ${total} predictions right${soFar}${beyond}. `
          : `Your guesses: none yet, of the chapter's ${total} predictions. `;
        score.lastChild.hidden = !Object.keys(this.all).length;
      }
    }
    // Write the score at the end of `place`; once.
    score(place) {
      if (!place || place.querySelector(":scope > .live-score")) return;
      const forget = element("button", { type: "button", class: "live-quiet" }, "Forget them");
      forget.onclick = () => this.forget();
      const score = element("p", { class: "live-score", "data-lm-suppress-shortcuts": "" }, "", forget);
      score.prepend(document.createTextNode(""));
      place.append(score);
      this.scores.add(score);
      this.show();
    }
  }
  const chapters = {};
  const guesses = chapter => (chapters[chapter] ??= new Guesses(chapter));

  // --- A question and its outcome ----------------------------------------------------------------------------------
  class Question {
    // node, outcome: the elements that hold the two texts; hold(true) hides what happened, hold(false) shows it.
    // written: {answer, choices} as their author wrote them, where formulas in the elements may not be set yet.
    constructor(chapter, number, node, outcome, hold = () => {}, written = null) {
      Object.assign(this, { guesses: guesses(chapter), number, node, outcome, hold, deeper: !!node.closest("details.deeper") });
      const told = words(outcome.querySelector("strong") ?? outcome); // a slide shows the bare answer
      this.answer = told.match(OUTCOME)?.[1] ?? told.replace(/\.$/, "");
      this.written = written;
      this.last = [...node.children].findLast(part => part != outcome);
      this.list = this.last.localName == "ul" ? this.last : null;
      this.build();
      const { answer, choices } = written ?? { answer: this.answer, choices: this.buttons.map(button => words(button)) };
      this.solution = this.buttons[choices.findIndex(choice => plain(choice) == plain(answer))];
      this.guesses.asked.set(number, this);
    }
    build() {
      const stop = { "data-lm-suppress-shortcuts": "" }; // JupyterLab's single-letter keys are not meant here
      this.said = element("p", { class: "live-said", role: "status", tabindex: -1 });
      this.skip = element("button", { type: "button", class: "live-quiet live-skip" }, "Show it without a guess");
      this.again = element("button", { type: "button", class: "live-quiet" }, "Guess again");
      this.skip.onclick = () => this.take("");
      this.again.onclick = () => {
        this.take(undefined);
        (this.field || this.buttons[0]).focus();
      };
      this.buttons = [];
      this.ask = element("div", { class: "live-ask", role: "group", "aria-label": "Your guess", ...stop });
      if (this.list) {
        this.list.hidden = true;
        for (const item of this.list.children) {
          const button = element("button", { type: "button", class: "live-answer", "aria-pressed": "false" });
          button.append(...(item.querySelector("p") ?? item).cloneNode(true).childNodes);
          button.dataset.answer = this.written?.choices[this.buttons.length] ?? words(item);
          if (button.querySelector("math")) button.dataset.spoken = words(item);
          button.onclick = () => this.take(button.dataset.answer);
          this.buttons.push(button);
        }
        this.ask.append(...this.buttons);
      } else {
        this.field = element("input", { inputmode: "decimal", size: 9, autocomplete: "off", "aria-label": "Your guess, a number" });
        const form = element("form", {}, this.field, element("button", { class: "live-answer" }, "Guess"));
        form.onsubmit = event => {
          event.preventDefault();
          const guess = number(this.field.value);
          if (Number.isFinite(guess)) this.take(String(guess));
          else this.said.textContent = "A number, please, such as 12 or 0.5.";
        };
        this.ask.append(form);
      }
      this.why = element("p", { class: "live-why" });
      this.ask.append(this.skip, this.said, this.why, this.again);
      this.ask.addEventListener("keydown", event => event.stopPropagation()); // a slide show's keys neither
      this.last.after(this.ask);
      this.mark = element("span", { hidden: "" }); // gone when the outcome is set anew
      this.outcome.prepend(this.mark);
    }
    get guess() {
      const guess = this.guesses.all[this.number];
      const known = !guess || !this.list || this.buttons.some(button => button.dataset.answer == guess);
      return known ? guess : undefined; // the chapter has been rewritten since
    }
    take(guess) {
      const isHere = this.ask.contains(document.activeElement) && !this.ask.closest(".reveal"); // a slide show's keys go on
      this.guesses.set(this.number, guess);
      if (isHere && guess !== undefined) this.said.focus({ preventScroll: true }); // its button is shut: what is said comes next
    }
    right(guess) {
      if (this.list) return this.solution?.dataset.answer == guess;
      const measured = number(this.answer);
      return Math.abs(Number(guess) - measured) <= NEAR * Math.abs(measured);
    }
    // The answers are marked on their buttons: neither what the reader said nor the right one is said again.
    verdict() {
      const { guess, answer } = this;
      if (guess === undefined) return "";
      if (guess && this.list && this.right(guess)) return "Right.";
      if (guess && this.list && this.solution) return "Not this time.";
      if (!guess || this.list) return `The answer: ${answer}.`;
      const factor = Number(guess) / number(answer);
      let off = this.right(guess) ? ": right, within a fifth." : ".";
      if (!this.right(guess) && factor > 0 && factor < Infinity) {
        const times = factor > 1 ? factor : 1 / factor;
        off = `: too ${factor > 1 ? "large" : "small"} by a factor of ${times < 10 ? times.toFixed(1) : Math.round(times)}.`;
      }
      return `You said ${guess}, measured ${answer}${off}`;
    }
    // The outcome's first sentence after its verdict, formulas and all, is told under the guess: code and figures lie
    // between the two. It is set apart, so that the outcome need not say it again.
    reason() {
      if (this.first) return this.first;
      const told = this.outcome.querySelector("strong"), range = document.createRange();
      if (!told) return null;
      range.setStartAfter(told);
      range.setEndAfter(told.parentNode.lastChild);
      const texts = document.createTreeWalker(told.parentNode, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const text = texts.currentNode, end = text.data.search(/[.!?](?=\s|$)/);
        if (end < 0 || text.parentNode.closest("strong, math, mjx-container")) continue;
        range.setEnd(text, end + 1);
        break;
      }
      if (/\$|\\\(/.test(range)) return null; // JupyterLab has not set its formulas yet
      this.first = element("span", {}, range.extractContents());
      told.after(this.first);
      // Nothing else is told there: the answer, on its button, has been told as well.
      this.only = words(told.parentNode) == `${words(told)} ${words(this.first)}`;
      return this.first;
    }
    show() {
      const open = this.guess !== undefined;
      const first = this.reason();
      this.said.textContent = this.verdict();
      this.why.replaceChildren(...(open && first ? first.cloneNode(true).childNodes : []));
      first?.classList.toggle("live-told", open);
      first?.parentNode.classList.toggle("live-told", open && this.only);
      this.said.hidden = false;
      this.skip.hidden = open;
      this.again.hidden = !open;
      for (const button of this.buttons) {
        const chosen = open && button.dataset.answer == this.guess;
        button.setAttribute("aria-pressed", chosen);
        button.disabled = open;
        const right = open && button == this.solution, { spoken } = button.dataset;
        button.classList.toggle("live-right", right);
        if (spoken) button.setAttribute("aria-label", `${right ? "✓ " : chosen ? "✗ " : ""}${spoken}`); // as it is marked
      }
      if (this.field) {
        this.field.readOnly = open;
        if (open) this.field.value = this.guess;
        this.field.nextSibling.hidden = open;
      }
      this.node.classList.add("live-question");
      this.hold(!open);
    }
  }

  const isQuestion = node => QUESTION.test(node.textContent) && !!node.querySelector("strong");
  const isOutcome = node => OUTCOME.test(node.querySelector("strong")?.textContent ?? "") && /^\s*Outcome:/.test(node.textContent);

  // --- Knobs -------------------------------------------------------------------------------------------------------
  let script; // the playground's, fetched when the first knobs turn up
  const playground = address =>
    (script ??= new Promise((done, fail) => {
      if (customElements.get("optimizer-knobs")) return done();
      const tag = element("script", { src: address });
      tag.onload = done;
      tag.onerror = fail;
      document.head.append(tag);
    }));

  // Put the playground in the place of each link to it in `root`. address: of playground.js, if not beside the page.
  async function knobs(root, address) {
    const found = [...root.querySelectorAll("p > a[href*='preset=']")].filter(
      link => /^\s*Turn the knobs:/.test(link.textContent) && words(link.parentNode) == words(link) && !link.closest(".live-knobs"),
    );
    for (const link of found) {
      const [, preset, state] = link.getAttribute("href").match(/#preset=([\w-]+)&?(.*)$/);
      const place = element("div", { class: "live-knobs", "data-lm-suppress-shortcuts": "" });
      link.parentNode.replaceWith(place);
      place.append(link);
      link.classList.add("live-caption");
      try {
        await playground(address ?? new URL("playground.js", link.href).href);
      } catch {
        continue; // the link is still there
      }
      place.append(element("optimizer-knobs", { preset, ...(state && { state }) }));
      place.addEventListener("keydown", event => event.stopPropagation());
    }
  }

  // --- Notes for lecturers: folded ---------------------------------------------------------------------------------
  function foldNotes(node) {
    if (!/^\s*For lecturers:/.test(node.textContent) || node.querySelector("details.lecturers")) return;
    node.querySelector("em")?.remove();
    node.prepend(element("details", { class: "lecturers" }, element("summary", {}, "For lecturers"), ...node.childNodes));
  }

  // --- A page of the site, or a deck: everything is there when the script runs --------------------------------------
  function page() {
    const chapter = location.pathname.split("/").pop().replace(/\.html$/, "");
    let asked = null, count = 0;
    for (const node of document.querySelectorAll(".predict-question, .predict-outcome")) {
      if (isQuestion(node)) asked = node;
      else if (asked && isOutcome(node)) {
        const held = node.closest("details.predict-held");
        held.open = true;
        new Question(chapter, ++count, asked, node, on => held.classList.toggle("live-wait", on));
        asked = null;
      }
    }
    if (count) guesses(chapter).score([...document.querySelectorAll("h2")].find(isEnd)?.parentNode);
    guesses(chapter).show();
    knobs(document);
  }

  // A deck hides nothing: one slide comes after the other. Its answers are buttons, for a show of hands.
  function deck() {
    const chapter = "slides/" + location.pathname.split("/").pop().replace(/\.html$/, "");
    let asked = null, count = 0;
    for (const slide of document.querySelectorAll(".reveal section")) {
      const outcome = slide.querySelector("p.outcome");
      if (/^\s*Predict first\s*$/.test(slide.querySelector("h2")?.textContent ?? "")) asked = slide.querySelector(".body");
      if (!asked || !outcome) continue;
      outcome.classList.add("fragment"); // not before the lecturer says so
      new Question(chapter, ++count, asked, outcome);
      asked = null;
    }
    guesses(chapter).show();
  }
  const isEnd = heading => /^\s*What to remember/.test(heading.textContent);

  if (document.querySelector(".reveal")) deck();
  else if (document.querySelector("article")) page();
  return { Question, number, guesses, knobs, foldNotes, isQuestion, isOutcome, isEnd };
})();
