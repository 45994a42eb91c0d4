"""Build the lecture and the chapters' decks in build/slides/, with a page that lists them.

    python tools/slides.py [notebook.ipynb ...]        without a name, all chapters

All is taken from the committed notebooks, outputs and all; nothing is run. The folder can be carried away on a stick:
its pages open from the disk and need no network.

A chapter's deck is for walking through the notebook. Every heading begins a slide. Cells whose slide type is *skip* are
left out, and so is everything under a heading `Deeper: ...`. A slide shows what can be looked at: a title, a figure,
formulas, short lists, small tables, a question, and code where it is the point (cells tagged `rule` or `loop`). The
prose around it becomes the speaker's notes, and so do cells of the type *notes*.
"""

import re
import shutil
import sys
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

import lecture
import nbformat
from nbconvert.filters import markdown2html
from vendor import vendor

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "docs" / "slides"
BUILT = ROOT / "build" / "slides"
PLAYGROUND = ROOT / "docs" / "playground"

CODE = {"rule", "loop"}  # tags of cells whose code is the point
MOST = 25  # slides of a deck
TOGETHER = 3  # formulas, lists and tables on one slide
WIDE = 140  # letters of TeX in a formula that is set on one line
ROWS, WORDS, CAPTION = 5, 45, 26  # a table, a list, a sentence with more of them goes to the notes


@dataclass
class Slide:
    title: str
    heading: str  # the section's own heading, for the address
    shown: list[str] = field(default_factory=list)  # HTML
    notes: list[str] = field(default_factory=list)  # Markdown
    pictures: bool = False
    caption: str = ""  # HTML, below the picture
    asks: bool = False  # a question: what answers it stands on the next slide


def relink(markdown):
    """Let links to other chapters lead to their decks; links to other files become plain words."""
    markdown = re.sub(r"\]\((?:\.\./notebooks/)?(\w+)\.ipynb", r"](\1.html", markdown)
    return re.sub(r"\[([^\]]+)\]\(\.\./(?!docs/playground)[^)]*\)", r"\1", markdown)


def without_deeper(cells):
    """The cells outside sections whose heading begins with ``Deeper:``."""
    inside = None  # the level of the Deeper heading we are under
    for cell in cells:
        heading = cell.cell_type == "markdown" and re.match(r"(#+) (.+)", cell.source)
        if heading and (inside is None or len(heading[1]) <= inside):
            inside = len(heading[1]) if heading[2].startswith("Deeper:") else None
        if inside is None:
            yield cell


def kind(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def blocks(markdown):
    """A cell's paragraphs, formulas, lists and tables, one by one."""
    return [block for block in re.split(r"\n\s*\n", markdown.strip()) if block]


def stacked(block):
    """A formula too wide for large letters, one part under the other; anything else as it is."""
    formula = block.removeprefix("$$").removesuffix("$$")
    if formula == block or len(block) < WIDE or "$$" in formula or "\\begin" in formula:
        return block
    parts, depth = [""], 0
    for piece in re.split(r"(\\qquad|[{}])", formula):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if piece == "\\qquad" and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return "\n\n".join(f"$$ {part.strip()} $$" for part in parts)


def fits(block):
    """Whether a block of Markdown is something to look at, and short enough for a slide."""
    words = len(re.sub(r"\$.*?\$", "", block, flags=re.S).split())
    if block.startswith("$$"):
        return True
    if block.startswith("|"):
        return block.count("\n") <= ROWS + 1 and words <= 2 * WORDS
    if re.match(r"([-*]|\d+\.) ", block):
        return words <= WORDS
    return block.startswith("**Predict first.**") or bool(lecture.KNOBS.match(block))


def slides(notebook):
    """A chapter's slides, in order."""
    made = []
    for cell in without_deeper(notebook.cells):
        if kind(cell) == "skip" or "setup" in cell.metadata.get("tags", ()):
            continue
        if kind(cell) == "notes":
            made[-1].notes.append(re.sub(r"^\*For lecturers:\*\s*", "", relink(cell.source)))
        elif cell.cell_type == "markdown":
            text(cell, made)
        elif cell.cell_type == "code":
            pictures(cell, made)
    for slide in made:
        if slide.title == "Predict first" and not slide.asks:  # a section of that name, past its question
            slide.title = "The answer"
    return [slide for slide in made if slide.shown]


def text(cell, made):
    """Put a Markdown cell's blocks where they belong."""
    source = relink(cell.source)
    heading = re.match(r"#+ (.+)\n*", source)
    if heading:
        made.append(Slide(heading[1], heading[1]))
        source = source[heading.end() :]
    for block in blocks(source):
        outcome = re.match(r"\*\*Outcome: (.+?)\*\*\s*(.*)", block, re.S)
        if block.startswith("**Predict first.**"):
            made.append(Slide("Predict first", made[-1].heading, asks=True))
            made[-1].shown.append(markdown2html(block.removeprefix("**Predict first.**").strip()))
        elif outcome:
            made[-1].shown.append(f'<p class="outcome">{escape(outcome[1])}</p>')
            made[-1].notes.append(outcome[2])
        elif fits(block):
            asked = made[-1].asks and (
                len(made[-1].shown) > 1 or not block.startswith("- ")
            )  # its answers stay with it
            full = len(made[-1].shown) >= TOGETHER or made[-1].pictures or asked
            if lecture.KNOBS.match(block):  # a playground needs room
                full = full or bool(made[-1].shown)
            if full:
                made.append(Slide(made[-1].heading, made[-1].heading))
            first = not made[-1].shown
            made[-1].shown.append(lecture.with_references(stacked(block) if first else block, made[-1].heading))
        else:
            caption = made[-1].pictures and not made[-1].caption and sentence(block)
            if caption:
                made[-1].caption = lecture.inline(caption)
            made[-1].notes.append(block)


def sentence(block):
    """The first sentence of a paragraph, if it is short enough to stand below a figure."""
    found = re.match(r"(?:\*\*Answer\.\*\* )?(.+?[.!?])(?=\s|$)", " ".join(block.split()))
    return found[1] if found and len(found[1].split()) <= CAPTION and found[1].count("**") % 2 == 0 else ""


def pictures(cell, made):
    """Put a code cell's figure or film, and its code where that is the point, where they belong."""
    if CODE & set(cell.metadata.get("tags", ())):
        made.append(Slide(made[-1].heading, made[-1].heading))
        made[-1].shown.append(markdown2html(f"```python\n{lecture.code(cell.source)}\n```"))
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data or "<video" in data.get("text/html", ""):
            last = made[-1]
            alone = any(part in "".join(last.shown) for part in ("<table", "<optimizer-knobs"))
            if last.pictures or last.asks or len(last.shown) > 1 or alone:
                made.append(Slide(last.heading, last.heading))
            made[-1].shown.append(lecture.figure(cell, made[-1].heading))
            made[-1].pictures = True
            break


def section(slide, name, stem):
    """One slide as reveal.js wants it. ``name`` is its address in the deck."""
    text = "".join(slide.shown)
    beside = " beside" if slide.pictures and re.match("<[uo]l", text) else ""
    caption = f'<p class="caption">{slide.caption}</p>' if slide.caption else ""
    notes = markdown2html("\n\n".join(slide.notes))
    page = f"../notebooks/{stem}.html#{lecture.slug(slide.heading)}"
    return f"""<section id="{escape(name)}">
<h2>{lecture.inline(slide.title)}</h2>
<div class="body{beside}">{text}{caption}</div>
<a class="from" data-page="{escape(page)}" href="lecture.html">the lecture</a>
<aside class="notes">{notes}</aside>
</section>
"""


def deck(path, built):
    """Write one chapter's deck into ``built`` and return its title. Raises ``lecture.Broken`` if it is too long."""
    notebook = nbformat.read(path, as_version=4)
    made = slides(notebook)
    if len(made) > MOST:
        raise lecture.Broken(
            f"{path.name} makes {len(made)} slides, more than {MOST}: mark cells as skip, or as Deeper"
        )
    used, sections = {}, []
    for slide in made:
        name = lecture.slug(slide.heading)
        used[name] = used.get(name, 0) + 1
        sections.append(section(slide, name if used[name] == 1 else f"{name}-{used[name]}", path.stem))
    title = re.match(r"# (.+)", notebook.cells[0].source)[1]
    (built / f"{path.stem}.html").write_text(lecture.page(title, sections), "utf-8")
    return title


def land(built):
    """Let a link to a section that makes no slide lead to its deck's beginning; inside a deck it becomes words."""
    pages = {page.name: page.read_text("utf-8") for page in built.glob("*.html")}
    ids = {
        name: {unescape(found) for found in re.findall(r'<section id="([^"]+)"', text)} for name, text in pages.items()
    }

    for name, text in pages.items():

        def lands(link, name=name):
            file, anchor = link[1] or "", unquote(unescape(link[2]))
            there = anchor in ids.get(file or name, {anchor})
            return link[0] if there else f'href="{file}"' if file else ""

        (built / name).write_text(re.sub(r'\bhref="(\d\d_\w+\.html)?#([^"]*)"', lands, text), "utf-8")


def main(paths, built=BUILT):
    shutil.rmtree(built, ignore_errors=True)
    (built / "vendor").mkdir(parents=True)
    for name, folder in (("reveal.js", "dist"), ("mathjax", "es5")):
        for file in (vendor(name) / folder).iterdir():
            shutil.copy(file, built / "vendor")
    for file in ("slides.css", "slides.js", "speaker.html"):
        shutil.copy(TEMPLATE / file, built)
    for file in ("live.css", "live.js"):  # predictions
        shutil.copy(TEMPLATE.parent / "live" / file, built)
    shutil.copytree(PLAYGROUND, built / "playground")
    page = built / "playground" / "index.html"
    page.write_text(page.read_text("utf-8").replace("../slides/index.html", "../index.html"), "utf-8")  # here they are
    talk = lecture.build(built=built)
    titles = {path.stem: deck(path, built) for path in paths}
    links = "\n".join(f'<li><a href="{stem}.html">{escape(title)}</a></li>' for stem, title in titles.items())
    page = (TEMPLATE / "index.html").read_text("utf-8")
    page = page.replace("<!-- decks -->", links).replace("<!-- plan -->", lecture.plan(talk))
    (built / "index.html").write_text(page, "utf-8")
    land(built)
    print(f"the lecture, {len(talk)} slides, and {len(titles)} decks in {built / 'index.html'}")


if __name__ == "__main__":
    try:
        main([Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb")))
    except lecture.Broken as error:
        sys.exit(str(error))
