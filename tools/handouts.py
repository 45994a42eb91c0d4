"""Build a one-page handout for every chapter from docs/handouts.md, in build/handouts/.

    python tools/handouts.py

A handout is Markdown between two lines `---`. Its picture and its rule are taken from the executed chapter, by the same
references as the lecture's (tools/lecture.py). Each is one page of A4, to be printed from the browser.
"""

import re
import shutil
import sys
from html import escape

from lecture import ROOT, Broken, with_references
from vendor import vendor

SOURCE = ROOT / "docs" / "handouts.md"
TEMPLATE = ROOT / "docs" / "slides" / "handout.html"
BUILT = ROOT / "build" / "handouts"


def parse(text):
    """Chapter's stem -> (title, Markdown), in order."""
    handouts = {}
    for part in re.split(r"^---\n", text, flags=re.M):
        found = re.match(r'<!-- \.handout: chapter="(\w+)" -->\n# (.+)\n', part)
        if not found:
            raise Broken(f"a handout begins with {part.strip()[:60]!r}, and not with its chapter and its title")
        handouts[found[1]] = found[2], part[found.end() :].strip()
    return handouts


def build(source=SOURCE, built=BUILT):
    """Write one page for each chapter into ``built``, and return their paths."""
    handouts = parse(source.read_text("utf-8"))
    template = TEMPLATE.read_text("utf-8")
    pages = {}
    for stem, (title, body) in handouts.items():
        page = template.replace("<!-- title -->", f"{int(stem[:2])} · {escape(title)}")
        pages[stem] = page.replace("<!-- body -->", with_references(body, f"handout {stem}"))
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    shutil.copy(vendor("mathjax") / "es5" / "tex-svg-full.js", built)
    for stem, page in pages.items():
        (built / f"{stem}.html").write_text(page, "utf-8")
    return [built / f"{stem}.html" for stem in pages]


if __name__ == "__main__":
    try:
        print(f"{len(build())} handouts in {BUILT}")
    except Broken as error:
        sys.exit(f"docs/handouts.md: {error}")
