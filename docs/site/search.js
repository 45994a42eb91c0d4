// The search: every section of every page is an entry of SECTIONS, [address, page, section, text, words it stresses].
(() => {
  const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  const root = document.documentElement.dataset.content_root;
  const summary = document.getElementById("search-summary"), list = document.getElementById("search-results");
  document.querySelector(".search-again input").value = query;
  const typed = query.toLowerCase().match(/[\p{L}\d_]+(-[\p{L}\d_]+)*/gu) ?? [];
  if (!typed.length) return;
  const start = "(?<![\\p{L}\\d_])"; // words are found by their beginnings
  const count = (text, words) => text.match(new RegExp(start + words, "giu"))?.length ?? 0;
  // One for many, either spelling of optimise, and warm-up, warmup or warm up: a word is letters, digits and
  // hyphens, so that it may become part of a pattern.
  const stem = word => word.replace(/(?<=\w{4})(?<!s)s$/, "").replace(/(?<=optimi)[sz](?=[eia])/, "[sz]")
    .match(/\[sz\]|./gu).map(sign => sign.replace("-", "[- ]?")).join("-?");
  // A word that no section has is taken for one that some have and that is a letter away, the most frequent of them.
  const everything = SECTIONS.flat().join(" ").toLowerCase();
  const near = (a, b) => {
    let i = 0;
    while (i < a.length && a[i] == b[i]) i++;
    return [[0, 1], [1, 0], [1, 1]].some(([of_a, of_b]) => a.slice(i + of_a) == b.slice(i + of_b));
  };
  const asked = typed.map(word => {
    if (word.length < 4 || count(everything, stem(word))) return word;
    const known = Object.groupBy(everything.match(/[\p{L}\d_]+/gu).filter(other => near(word, other)), other => other);
    return Object.keys(known).sort((a, b) => known[b].length - known[a].length)[0] ?? word;
  });
  // Words that every section has say nothing about which is meant, unless nothing else is asked.
  const empty = "a an and are as at be by can do does for from how i in is it of on or so than that the this to versus vs what when where which why with".split(" ");
  const told = asked.filter(word => !empty.includes(word));
  const words = (told.length ? told : asked).map(stem);
  let all = true; // are all words asked for?
  const pattern = new RegExp(`${start}(${words.join("|")})`, "giu");

  // A section scores for each word, most for what it has in its heading or stresses, as one does where a name is given;
  // and for the words side by side. A section without one of them is no answer.
  function score([address, page, section, text, stressed]) {
    let total = 0;
    for (const word of words) {
      const times = count(text, word), heading = count(section, word), of = count(page, word);
      if (!times && !heading && !of) {
        if (all) return 0;
        continue;
      }
      total += 6 * !!heading + 5 * !!count(stressed, word) + 2 * !!of + (4 * times) / (times + 2);
    }
    if (asked.length > 1) {
      const phrase = asked.map(stem).join("[^\\p{L}\\d_]+");
      total += 12 * !!count(section, phrase) + 12 * !!count(stressed, phrase) + 12 * Math.min(2, count(text, phrase));
    }
    // What is called so is looked for first: a page, by its first section, which has the page's name.
    const name = page.toLowerCase().replace(/^\d+ · /, "");
    const called = [query.toLowerCase(), told.join(" ")];
    if (section == page) total += called.includes(name) ? 40 : 20 * called.some(words => ` ${name} `.includes(` ${words} `));
    if (/^(Further reading|Try it)$/.test(section)) total *= 0.3; // titles of papers and tasks name much and explain nothing
    return address.startsWith("notebooks/") ? total : 0.6 * total; // a chapter explains, the others use
  }

  function excerpt(text) {
    const phrase = new RegExp(start + asked.map(stem).join("[^\\p{L}\\d_]+"), "giu");
    const places = [phrase, pattern].map(one => [...text.matchAll(one)].map(({ index }) => index)).find(found => found.length) ?? [0];
    const gaps = at => text.slice(at, at + 220).split("…").length; // formulas that are left out
    const at = places.reduce((best, place) => (gaps(place) < gaps(best) ? place : best));
    const from = at < 80 ? 0 : text.indexOf(" ", at - 80) + 1;
    const part = text.slice(from, text.indexOf(" ", from + 220) + 1 || undefined);
    return (from ? "… " : "") + part + (from + part.length < text.length ? "…" : "");
  }

  const marked = text => text.split(pattern).map((part, i) => (i % 2 ? Object.assign(document.createElement("mark"), { textContent: part }) : part));

  const find = () => SECTIONS.map(entry => [score(entry), entry]).filter(([points]) => points > 0);
  let found = find();
  if (!found.length && words.length > 1) {
    all = false;
    found = find();
  }
  found.sort(([a], [b]) => b - a);
  const changed = asked.join() != typed.join(), meant = changed ? asked.join(" ") : query;
  const count_of = `${changed ? `“${query}” is nowhere. ` : ""}${found.length || "No"} section${found.length == 1 ? "" : "s"} found for “${meant}”`;
  summary.textContent = all || !found.length ? `${count_of}${found.length > 30 ? ", the best 30 of them" : ""}.` : `No section has all words of “${meant}”; these have some.`;
  if (!found.length) {
    const link = (address, words) => Object.assign(document.createElement("a"), { href: root + address, textContent: words });
    summary.append(" Look through ", link("index.html#chapters", "the ten chapters"), " or ", link("README.html", "the map of the course"), ".");
  }
  for (const [, [address, page, section, text]] of found.slice(0, 30)) {
    const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("span"), said = document.createElement("p");
    link.href = root + address;
    link.append(...marked(section));
    where.textContent = page == section ? "" : ` ${page}`;
    said.append(...marked(excerpt(text)));
    item.append(link, where, said);
    list.append(item);
  }
})();
