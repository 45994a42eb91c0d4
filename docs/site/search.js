// The search: every section of every page is an entry of SECTIONS, [address, page, section, text].
(() => {
  const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  const root = document.documentElement.dataset.content_root;
  const summary = document.getElementById("search-summary"), list = document.getElementById("search-results");
  document.querySelector(".search-again input").value = query;
  const words = query.toLowerCase().match(/[\p{L}\d_]+/gu) ?? [];
  if (!words.length) return;
  const pattern = new RegExp(`(${words.map(word => word.replace(/[^\p{L}\d_]/gu, "")).join("|")})`, "giu");

  // A section scores for each word, in its heading most, and for the words side by side; a section without one of
  // them is no answer. Long sections do not win by length alone.
  function score([, page, section, text]) {
    const heading = section.toLowerCase(), of = page.toLowerCase(), body = text.toLowerCase();
    let total = 0;
    for (const word of words) {
      const times = body.split(word).length - 1;
      if (!times && !heading.includes(word) && !of.includes(word)) return 0;
      total += 8 * heading.includes(word) + 2 * of.includes(word) + (4 * times) / (times + 2);
    }
    const phrase = query.toLowerCase();
    if (words.length > 1) total += 12 * heading.includes(phrase) + 6 * Math.min(3, body.split(phrase).length - 1);
    if (/_|\.py|course_utils/.test(section)) total *= 0.7; // the pages of modules come after those that explain
    return total / (1 + text.length / 20000);
  }

  function excerpt(text) {
    const lower = text.toLowerCase();
    const at = Math.max(0, lower.includes(query.toLowerCase()) ? lower.indexOf(query.toLowerCase()) : text.search(pattern));
    const from = at < 80 ? 0 : text.indexOf(" ", at - 80) + 1;
    const part = text.slice(from, from + 220);
    return (from ? "… " : "") + part + (from + 220 < text.length ? " …" : "");
  }

  const marked = text => text.split(pattern).map((part, i) => (i % 2 ? Object.assign(document.createElement("mark"), { textContent: part }) : part));

  const found = SECTIONS.map(entry => [score(entry), entry]).filter(([points]) => points > 0);
  found.sort(([a], [b]) => b - a);
  summary.textContent = `${found.length || "No"} section${found.length == 1 ? "" : "s"} found for “${query}”${found.length > 30 ? ", the best 30 of them" : ""}.`;
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
