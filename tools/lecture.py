"""Build the lecture: docs/lecture.md as one reveal.js deck, its figures and numbers taken from the executed chapters.

tools/slides.py, which makes the chapters' decks, calls it: `make lecture` builds them all.

A slide of docs/lecture.md is Markdown between two lines `---`:

    <!-- .slide: id="limit" data-chapter="04_momentum#Derivation" data-paths="20 45 90" data-live="1" -->
    ## A claim, as a sentence
    At most 30 words, one picture or one formula.
    {{04_momentum#fig-limit}}
    Note:
    The sentence that opens the slide, to be said as it stands.
    > what to point at, or to press: not said, and not counted
    What to say, 80 to 120 words, a thought a line.

    **Question.** What people ask. **Answer.** What to answer.

    **Late?** What to leave out.

`data-paths` names the lectures, in minutes, that show the slide; `data-live` the minutes that a vote or a demonstration
takes beside the words. What stands in double braces is taken from a chapter, by its name and a cell's tag:

    {{04_momentum#fig-limit}}                     that cell's figure or film
    {{04_momentum#fig-batches | panel 1 of 2}}    one panel of it, enlarged; "row 1 of 2" where they stand on each other
    {{09_adam#A-picture-first}}                   the first figure of that section
    {{04_momentum#rule}}                          its code, without the docstring
    {{04_momentum#num-limit | factor ([\\d.]+)}}   what the parenthesis finds in its printed output
    {{04_momentum#MNIST | batch ([\\d.]+)}}        what it finds in what that section prints

The last two may stand in titles and notes, too. A reference that leads nowhere ends the build.

A slide whose title begins with "Vote:" asks, and has the choices A to D as a numbered list; the slide after it shows
the picture, and its notes say what each letter thought: no reason is told before the hands are counted.
A link `[Turn the knobs: what](../docs/playground/index.html#preset=name)` becomes the playground itself; on paper it
shows the right answer and its run.
What stands beside a formula, `<div class="drawn" data-what="piles" ...>`, is drawn by docs/slides/slides.js, with the
rule itself.
A slide that leaves its lower half empty says why: data-sparse="why".
"""

import ast
import base64
import io
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import nbformat
import numpy as np
from nbconvert.filters import markdown2html
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "lecture.md"
TEMPLATE = ROOT / "docs" / "slides" / "slides.html"  # of every deck
BUILT = ROOT / "build" / "slides"

PATHS = (20, 45, 90)  # minutes
PACE = 130  # words a minute

REFERENCE = re.compile(r"\{\{(?P<chapter>\w+)#(?P<tag>[^\s|}]+)(?: \| (?P<pattern>.+?))?\}\}")
PANEL = re.compile(r"(panel|row) (\d) of (\d)$")
KNOBS = re.compile(r"^\[Turn the knobs: (?P<what>.+)\]\((?:\.\./docs/)?playground/index\.html#(?P<state>\S+)\)$", re.M)


class Broken(Exception):
    """Something in the lecture's source that cannot be built, in words that name the slide."""


@dataclass
class Slide:
    id: str
    title: str
    body: str  # Markdown, references still in it
    lines: tuple[str, ...]  # of the notes, as written; "> " begins what is done and not said
    question: str
    answer: str
    late: str
    paths: tuple[int, ...]
    live: float  # minutes beside the words
    chapter: str  # 04_momentum#Derivation
    sparse: str = ""  # why its lower half may be empty

    @property
    def say(self):
        """What is said, without what is done meanwhile."""
        return "\n".join(line for line in self.lines if not line.startswith("> "))

    @property
    def minutes(self):
        """How long it takes: the words at ``PACE``, and what is done live."""
        return len(self.say.split()) / PACE + self.live


def parse(text):
    """The slides of a lecture's source, in order. Raises ``Broken`` and names the slide where something is missing."""
    slides = []
    for part in re.split(r"^---\n", text, flags=re.M):
        marks = re.match(r"\s*<!-- \.slide: (.*?) -->\n", part)
        if not marks:
            raise Broken(f"a slide begins with {part.strip()[:60]!r}, and not with <!-- .slide: id=... -->")
        given = dict(re.findall(r'([\w-]+)="(.*?)"', marks[1]))
        name = given.get("id", "?")
        shown, note, notes = part[marks.end() :].partition("\nNote:\n")
        title = re.match(r"\s*##? (.+)\n?", shown)
        if not note or not title or not {"id", "data-chapter", "data-paths"} <= set(given):
            raise Broken(f"slide {name!r} needs an id, data-chapter, data-paths, a title (## ...) and notes (Note:)")
        pieces = re.split(r"\*\*(Question|Answer|Late\?|Late)\.?\*\*", in_words(notes, f"slide {name!r}"))
        words = {key.strip("?"): text.strip() for key, text in zip(pieces[1::2], pieces[2::2], strict=True)}
        slides.append(
            Slide(
                name,
                in_words(title[1].strip(), f"slide {name!r}"),
                shown[title.end() :].strip(),
                tuple(line.strip() for line in pieces[0].splitlines() if line.strip()),
                words.get("Question", ""),
                words.get("Answer", ""),
                words.get("Late", ""),
                tuple(int(path) for path in given["data-paths"].split()),
                float(given.get("data-live", 0)),
                given["data-chapter"],
                given.get("data-sparse", ""),
            )
        )
    return slides


@cache
def chapter(name):
    """The committed notebook of one chapter."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    if not path.is_file():
        raise Broken(f"there is no chapter {name}")
    return nbformat.read(path, as_version=4)


def cell(name, tag):
    """The one cell of a chapter that carries ``tag``."""
    found = [cell for cell in chapter(name).cells if tag in cell.metadata.get("tags", ())]
    if len(found) != 1:
        raise Broken(f"{len(found)} cells of {name} carry the tag {tag!r}, and it must be one")
    return found[0]


def printed(of):
    return "".join(output.text for output in of.outputs if output.output_type == "stream")


def section_cells(name, heading):
    """The code cells under a heading, named as in an address."""
    inside = False
    for cell in chapter(name).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            inside = slug(cell.source.partition("\n")[0].lstrip("# ")) == heading
        if inside and cell.cell_type == "code":
            yield cell


def first_figure(name, heading):
    """The first cell with a picture or film under a heading; None without one."""
    for cell in section_cells(name, heading):
        data = [output.get("data", {}) for output in cell.outputs]
        if any("image/png" in one or "<video" in one.get("text/html", "") for one in data):
            return cell
    return None


GUTTER = 6  # empty columns (or rows) of pixels, at least, between two panels


def panel(png, which, where):
    """One of the panels of a picture, cut out at the empty columns (or rows) between them."""
    way, number, of = PANEL.match(which).groups()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if way == "row":
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    number, of = int(number), int(of)
    inked = np.flatnonzero((np.asarray(picture) < 250).any(axis=(0, 2)))
    first, last = inked[0], inked[-1]
    edges = [max(first - 10, 0)]
    for cut in range(1, of):  # the widest gap near the place where panels of one size would part
        place, near = first + (last - first) * cut / of, (last - first) / of / 4
        parts = zip(np.diff(inked), inked, inked[1:], strict=False)
        width, left, right = max(
            (part for part in parts if abs((part[1] + part[2]) / 2 - place) < near), default=(0, 0, 0)
        )
        if width < GUTTER:
            raise Broken(f"{where} does not fall into {of} {way}s")
        edges.append((left + right) // 2)
    edges.append(min(last + 10, picture.width))
    picture = picture.crop((edges[number - 1], 0, edges[number], picture.height))
    if way == "row":
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    saved = io.BytesIO()
    picture.save(saved, "PNG")
    return saved.getvalue()


def figure(of, where, pattern=None):
    """A cell's picture or film as HTML, with the words for those who do not see it. ``pattern``: panel 1 of 2."""
    for output in of.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            alt, png = escape(output.metadata["image/png"]["alt"]), data["image/png"].replace("\n", "")
            if pattern:
                cut = panel(base64.b64decode(png), pattern, where)
                alt, png = f"{alt} Here: {pattern}.", base64.b64encode(cut).decode()
            return f'<img alt="{alt}" src="data:image/png;base64,{png}">'
        if "<video" in data.get("text/html", ""):
            return data["text/html"].strip()
    raise Broken(f"{where} has no figure: execute the chapter")


def code(source):
    """A cell's code without docstrings and without the tests' marks."""
    lines = source.removeprefix("# NBVAL_CHECK_OUTPUT\n").splitlines()
    for node in reversed([node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.FunctionDef)]):
        if ast.get_docstring(node) is not None:
            del lines[node.body[0].lineno - 1 : node.body[0].end_lineno]
    return "\n".join(lines).strip()


def resolve(reference):
    """What one reference in double braces stands for, as Markdown or HTML."""
    name, tag, pattern = reference["chapter"], reference["tag"], reference["pattern"]
    where, section = f"{name}#{tag}", list(section_cells(name, tag))
    if section and not pattern:
        return figure(first_figure(name, tag) or section[0], where)
    of = section or [cell(name, tag)]
    if pattern and PANEL.match(pattern):
        return figure(of[0], where, pattern)
    if pattern:
        found = set(re.findall(pattern, "\n".join(printed(one) for one in of)))
        if len(found) != 1:
            raise Broken(f"{pattern!r} finds {sorted(found) or 'nothing'} in what {where} printed, and it must be one")
        return found.pop()
    if tag.startswith("fig"):
        return figure(of[0], where)
    return f"```python\n{code(of[0].source)}\n```"


def in_words(text, where):
    """A title or notes, the numbers that they refer to put in."""
    try:
        return REFERENCE.sub(resolve, text)
    except Broken as error:
        raise Broken(f"{where}: {error}") from None


def with_references(markdown, where):
    """Markdown as HTML, its references resolved and its knobs in place. ``where`` names it in errors."""
    apart = []

    def word(html):  # Markdown sees a word, and not a picture's million letters
        apart.append(html)
        return f"APART{len(apart) - 1}X"

    def resolved(reference):
        found = resolve(reference)
        return word(found) if found.startswith("<") else found

    def frame(knobs):
        return word(
            f'<optimizer-knobs aria-label="{escape(knobs["what"])}" state="{escape(knobs["state"])}"></optimizer-knobs>'
        )

    try:
        html = markdown2html(KNOBS.sub(frame, REFERENCE.sub(resolved, markdown)))
    except Broken as error:
        raise Broken(f"{where}: {error}") from None
    return re.sub(r"(?:<p>)?APART(\d+)X(?:</p>)?", lambda found: apart[int(found[1])], html)


def inline(markdown):
    """A title's Markdown as HTML, without a paragraph around it."""
    return markdown2html(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def slug(heading):
    """A heading's address, as JupyterLab makes it."""
    return heading.replace(" ", "-")


def page(title, sections):
    """A whole deck."""
    return (
        TEMPLATE.read_text("utf-8")
        .replace("<!-- title -->", escape(title))
        .replace("<!-- slides -->", "".join(sections))
    )


def clock(minutes):
    return "{}:{:02}".format(*divmod(round(60 * minutes), 60))


def schedule(slides, path):
    """Slide -> the minute at which it should be over, for the lecture of ``path`` minutes."""
    over, ends = 0.0, {}
    for slide in slides:
        if path in slide.paths:
            over += slide.minutes
            ends[slide.id] = over
    return ends


def spoken(slide):
    """The notes' lines as HTML: the first that is said stands out, and so does what is done."""
    first = slide.say.partition("\n")[0]
    kinds = ("do" if line.startswith("> ") else "first" if line == first else "" for line in slide.lines)
    told = [
        f'<p class="{kind}">{inline(line.removeprefix("> "))}</p>' if kind else f"<p>{inline(line)}</p>"
        for kind, line in zip(kinds, slide.lines, strict=True)
    ]
    return f'<div class="say">{"".join(told)}</div>'


def section(slide, ends):
    """One slide as reveal.js wants it, notes and the way back to its chapter with it."""
    name, _, heading = slide.chapter.partition("#")
    back = f"{name}.html#{escape(slug(heading))}" if heading else f"{name}.html"
    over = {path: ends[path][slide.id] for path in PATHS if slide.id in ends[path]}
    notes = [
        ("over", f"Over at {' · '.join(f'{clock(minutes)} of {path}' for path, minutes in over.items())}."),
        ("late", f"**Late?** {slide.late}" if slide.late else ""),
        ("ask", f"**They ask:** {slide.question}\n\n**Answer:** {slide.answer}" if slide.question else ""),
    ]
    blocks = [f'<div class="{part}">{markdown2html(words)}</div>' for part, words in notes if words]
    told = "\n".join([*blocks[:-1], spoken(slide), blocks[-1]])
    kind = " vote" if slide.title.startswith("Vote:") else ""
    body = with_references(slide.body, f"slide {slide.id!r}")
    marks = {"sparse": slide.sparse} | {
        f"over-{path}": round(60 * minutes) for path, minutes in over.items()
    }  # in seconds
    data = "".join(f' data-{name}="{escape(str(mark))}"' for name, mark in marks.items() if mark)
    return f"""<section id="{slide.id}" data-paths="{" ".join(map(str, slide.paths))}"{data}>
<h2>{inline(slide.title)}</h2>
<div class="body{kind}">{body}</div>
<a class="from" href="{back}">chapter {int(name[:2])}</a>
<aside class="notes">{told}</aside>
</section>
"""


def plan(slides):
    """The lecture of 45 minutes as the rows of a table: until when, the claim, its chapter."""
    ends = schedule(slides, 45)
    return "\n".join(
        f'<tr><td>{clock(ends[slide.id])}</td><td><a href="lecture.html#{slide.id}">{inline(slide.title)}</a></td></tr>'
        for slide in slides
        if slide.id in ends
    )


def build(source=SOURCE, built=BUILT):
    """Write lecture.html into ``built``, beside the decks' files, and return the slides."""
    slides = parse(source.read_text("utf-8"))
    ends = {path: schedule(slides, path) for path in PATHS}
    whole = page("Optimization in deep learning: the lecture", [section(slide, ends) for slide in slides])
    built.mkdir(parents=True, exist_ok=True)
    (built / "lecture.html").write_text(whole, "utf-8")
    return slides
