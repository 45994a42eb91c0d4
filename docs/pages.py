"""How a chapter or an exercise becomes a page of the site: what conf.py lets Sphinx call.

The notebooks stay as they are; what is done to them here concerns the page alone. First their cells (`prepare`), as
Sphinx reads them; then the page's tree (`finish`), before it is written; then what belongs to all pages (`add_rest`).
"""

import ast
import base64
import copy
import hashlib
import html
import io
import json
import logging
import os
import re
import shutil
import subprocess
import textwrap
from functools import cache, partial
from pathlib import Path
from xml.etree import ElementTree

import dark
import imageio_ffmpeg
import listing
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import printed
from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert
from PIL import Image, ImageOps

from course_utils import plots, rules, surfaces
from course_utils.descent import descend

logging.getLogger("fontTools.subset").setLevel(logging.WARNING)

ROOT = Path(__file__).resolve().parent.parent
# Browsers set a lone letter in italics, which are characters of their own; Greek capitals among them.
ITALIC = {
    chr(a + i): chr(b + i)
    for a, b, n in ((65, 0x1D434, 26), (97, 0x1D44E, 26), (0x391, 0x1D6E2, 25), (0x3B1, 0x1D6FC, 25))
    for i in range(n)
}
ITALIC |= {"h": "\u210e", "ϵ": "\U0001d716", "ϕ": "\U0001d719", "∂": "\U0001d715", "∇": "\U0001d6fb"}

# page.html puts its links here: where it can be run, and around the fold of what the first cell sets up
RUN, RUN_SET, RUN_END = (f"<!-- where it can be run{part} -->" for part in ("", ", so far", ", all said"))
SHOWN = 0.6875  # of every figure's size in the notebook: 16 points, its letters, are then as large as the text's
NARROW = 704  # pixels: what is shown wider has panels side by side, too small to be read on a phone
# What a chapter's first lines say: which slides of the talk, how long, what one needs.
OPENING = re.compile(
    r"^([^\n]*[Ss]lides?.*?) · about (\d+) minutes, and (\d+) more for the sections marked \*Deeper\* ·"
    r"\s(.+?)\.(?=\n\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
CHAIN = re.compile(r"\n+\[(?:map\]\(|← )[^\n]*\Z")  # from chapter to chapter, for JupyterLab: a page has its own
PLAYGROUND = re.compile(r"(?<!`)\[([^\]]+)\]\((?:\.\./)*docs/(playground/index\.html[^)\s]*)\)")

# The question that each chapter asks: on its card on the first page, and as its own first line.
QUESTIONS = {
    "01_challenges": "Why does one number decide whether a network learns at all?",
    "02_gradient_descent": "Which way should a quarter of a million parameters move, and how far?",
    "03_stochastic_gradient_descent": "Why ask 60,000 images, if 128 already point the right way?",
    "04_momentum": "How much does a memory of past gradients buy?",
    "05_asynchronous_sgd": "What does a gradient do that arrives late?",
    "06_nesterov_momentum": "What changes if the gradient is asked for where the step will land?",
    "07_adagrad": "Can each weight find its own rate, from the gradients it has seen?",
    "08_rmsprop": "What if a weight’s history faded, and what does fading cost?",
    "09_adam": "Can we use both memories, and trust them from the first step on?",
    "10_which_optimizer": "Which rule do you train with, and what do you tune?",
}

# The figure that stands for a chapter: its cell, and which part of it (left, top, right, bottom, in hundredths) is
# shown, so that lines are seen at the size of a card.
COVERS = {
    "01_challenges": ("01-39", (7.2, 7, 50, 78)),
    "02_gradient_descent": ("02-27", (38, 14, 99, 84)),
    "03_stochastic_gradient_descent": ("03-11", (11.5, 19, 97, 85.5)),
    "04_momentum": ("04-20", (9, 25, 99, 86)),
    "05_asynchronous_sgd": ("05-26", (44, 20, 93, 84)),
    "06_nesterov_momentum": ("06-57c", (11.5, 33, 97, 87.5)),
    "07_adagrad": ("07-07", (10, 7, 66, 86)),
    "08_rmsprop": ("08-09", (8.8, 17, 49, 76.5)),
    "09_adam": ("09-29", (9.3, 6, 70, 84)),
    "10_which_optimizer": ("10-30", (8.5, 6.6, 71, 84)),
}
# A chapter opens with a picture of whole panels with the numbers on their axes: whose chapter's figure, its cell, which
# part of it, and what one sees there, for somebody who has read no more than the title. It is none that answers a
# prediction, nor does it tell who wins before the reader is asked.
WHOLE = (0, 0, 100, 100)
LEADS = {
    "01_challenges": (
        *("02_gradient_descent", "02-06", WHOLE),
        "Digits that people wrote: what the networks of this course learn to read",
    ),
    "02_gradient_descent": (
        *("02_gradient_descent", "02-27", (37, 0, 100, 100)),
        "Twenty steps in a narrow valley, at two learning rates",
    ),
    "03_stochastic_gradient_descent": (
        *("03_stochastic_gradient_descent", "03-53", WHOLE),
        "Six plans for a learning rate: what is left of it after so many steps",
    ),
    "04_momentum": (
        *("07_adagrad", "07-06s", (0, 0, 58.9, 100)),
        "A ravine, from the start to the minimum. What would a memory of past steps change on the way?",
    ),
    "05_asynchronous_sgd": (
        *("05_asynchronous_sgd", "05-26", WHOLE),
        "Gradients that arrive late: each run staggers, the mean of a thousand is smooth",
    ),
    "06_nesterov_momentum": (
        *("06_nesterov_momentum", "06-57c", WHOLE),
        "As with a pendulum: height and distance swing against each other, their sum only falls",
    ),
    "07_adagrad": (
        *("04_momentum", "04-05a", WHOLE),
        "In a ravine the steepest way down leads across. Must both directions share one learning rate?",
    ),
    "08_rmsprop": (
        *("08_rmsprop", "08-41", WHOLE),
        "Three rules follow a target that wanders, while the gradients change their scale",
    ),
    "09_adam": (
        *("09_adam", "09-11p", WHOLE),
        "Adam keeps two memories, and both start empty. Can one trust them from the first step on?",
    ),
    "10_which_optimizer": (
        *("10_which_optimizer", "10-16", WHOLE),
        "One loss with many minima: eight rules start at one point and end at two",
    ),
}
COVER = (720, 405)  # pixels
SHARP = "16"  # how finely a film is kept that is made dark, the less the finer: at 23, lines have halos of blocks


def repository():
    """The address of this repository on GitHub, from COURSE_REPOSITORY or git; None if it is not there."""
    address = os.environ.get("COURSE_REPOSITORY")
    if address is None:
        ask = ["git", "remote", "get-url", "origin"]
        address = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True).stdout if shutil.which("git") else ""
    found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?\s*$", address)
    return f"https://github.com/{found[1]}" if found else None


def addressed(text, repository):
    """README with the repository's address; where that is not known, without what one would have to fill in.

    Set-up then begins with what its reader has, the folder that the course came in; Colab, which clones, is left out.
    """
    if repository:
        return text.replace("<this repository's address>", repository)
    folder = "In the course's folder, the one with the `Makefile` (a ZIP is to be unpacked first), type"
    text = re.sub(r"Get the course, `git clone <[^>]+>[^`]*`[^.]*\. In its folder type", folder, text)
    return re.sub(r"^- \*\*Colab\*\*.*?^  ```\n.*?^  ```\n", "", text, flags=re.MULTILINE | re.DOTALL)


# --- Cells, before Sphinx parses them ---------------------------------------------------------------------------------


def prepare(notebook, depth):
    """Change the cells of one notebook for its page; depth: how many folders the page lies under the site's root."""
    if depth == 1 and "setup" in notebook.cells[-1].metadata.get("tags", []):
        notebook.cells.pop()  # how long the notebook ran: speaks to who runs it
    early = True  # before the first figure, whose code is folded: a chapter opens with what there is to see
    for cell in notebook.cells:
        tags = cell.metadata.setdefault("tags", [])
        if cell.cell_type == "markdown":
            if cell.source.startswith("*For lecturers:*"):
                note = cell.source.removeprefix("*For lecturers:*").strip()
                cell.source = folded("lecturers", "For lecturers", note)
            elif cell.metadata.get("slideshow", {}).get("slide_type") == "notes":
                cell.source = folded("lecturers", "For lecturers", cell.source)
            if depth == 1:  # a chapter: how long it takes comes first, where the talk says it last
                cell.source = OPENING.sub(opening, CHAIN.sub("", cell.source), count=1)
            cell.source = cell.source.replace("press **Validate** above:", "press **Validate** in JupyterLab:")
            cell.source = PLAYGROUND.sub(rf'<a href="{"../" * depth}\2">\1</a>', cell.source)
            continue
        cell.source = cell.source.removeprefix("# NBVAL_CHECK_OUTPUT\n")  # speaks to the tests
        nbgrader = cell.metadata.get("nbgrader", {})
        if "setup" in tags or nbgrader.get("grade_id") == "setup":
            cell.metadata.tags = ["hide-cell"]
            cell.metadata.mystnb = {"code_prompt_show": "Set-up", "code_prompt_hide": "Set-up"}
        elif nbgrader.get("grade") and nbgrader.get("locked"):
            tags.append("hide-input")  # a check: it would give the mistakes away
            cell.metadata.mystnb = {"code_prompt_show": "Show the check", "code_prompt_hide": "Hide the check"}
        elif early and depth == 1:  # a chapter
            cell.metadata.tags = [*{*tags, "hide-input"}]  # a tag given twice is an error
            early = not any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        if "inspect.getsource" in cell.source and cell.metadata.tags != ["hide-cell"]:
            show_the_source(cell)
        cell.source = listing.fit(cell.source)
    for question, between, outcome in predictions(notebook.cells):
        for cell in between:
            if cell.cell_type == "code":  # the outcome is what one has guessed for, and how it was run one click away
                cell.metadata.tags = [*{*cell.metadata.tags, "hide-input"}]
        question.source = (
            f'<div class="predict-question">\n\n{question.source}\n\n</div>\n\n'
            '<details class="predict-held"><summary>Show what happened</summary>\n\n'
        )
        outcome.source = f'<div class="predict-outcome">\n\n{outcome.source}\n\n</div>\n\n</details>'


def opening(found):
    slides, minutes, deeper, needs = found.groups()
    talk = "[the talk](../README.md#The-talk,-slide-by-slide)"
    follows = re.sub("the talk", talk, slides[0].lower() + slides[1:], count=1)
    return (
        f"{minutes} minutes, and {deeper} more for the sections called *Deeper*, which can wait. "
        f"{needs[0].upper()}{needs[1:]}. It follows {follows}."
    )


def show_the_source(cell):
    """Of a cell that prints lines of the package, what is printed: not the statements that fetch the lines.

    Their comments stay, they say whose lines these are. If nothing else is left and all that is printed is code, it is
    set as code.
    """
    lines, names = cell.source.splitlines(), set()
    for statement in ast.parse(cell.source).body:
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if "getsource" in ast.unparse(statement) or used & names:
            names |= {target.id for target in getattr(statement, "targets", []) if isinstance(target, ast.Name)}
            last = lines[statement.end_lineno - 1][statement.end_col_offset :].strip()
            lines[statement.lineno - 1 : statement.end_lineno] = [last or None] + [None] * (
                statement.end_lineno - statement.lineno
            )
    cell.source = "\n".join(line for line in lines if line is not None).strip()
    printed = "".join(output.get("text", "") for output in cell.outputs)
    if not cell.source and printed.startswith("    "):
        cell.source, cell.outputs = textwrap.dedent(printed).strip(), []
    elif not cell.source:
        cell.metadata.tags = [*cell.metadata.tags, "remove-input"]


def predictions(cells):
    """(question, cells between, outcome) that belong together: no heading may be between, it would end the fold."""
    question = None
    for cell in cells:
        markdown = cell.cell_type == "markdown"
        if markdown and cell.source.startswith("**Predict first.**"):
            question, between = cell, []
        elif markdown and re.search(r"^#", cell.source, re.MULTILINE):
            question = None
        elif markdown and question is not None and cell.source.startswith("**Outcome:"):
            yield question, between, cell
            question = None
        elif question is not None:
            between.append(cell)


def folded(kind, summary, markdown):
    return f'<details class="{kind}"><summary>{summary}</summary>\n\n{markdown}\n\n</details>'


# --- The page's tree, before it is written ----------------------------------------------------------------------------


def raw(text):
    return nodes.raw("", text, format="html")


def finish(app, tree, name):
    """Figures and films get a number and a caption, print-outs columns; sections called *Deeper* are folded."""
    for node in list(tree.findall(nodes.math)):
        following = node.next_node(descend=False, siblings=True)
        if isinstance(following, nodes.Text) and (found := re.match(r"[.,;:!?)\]]+", following)):
            node["after"] = found[0]  # no line may end between a formula and its full stop
            following.parent.replace(following, nodes.Text(following[found.end() :]))
    for node in list(tree.findall(nodes.raw)):
        if "task-list-item-checkbox" in node.astext():  # nothing can be ticked on a page
            node.parent.replace(node, nodes.Text("☐ "))
    for section in list(tree.findall(nodes.section)):
        if section[0].astext().startswith("Deeper: "):
            section.insert(1, raw('<details class="deeper"><summary></summary>'))
            section.append(raw("</details>"))
    path = Path(app.env.doc2path(name))
    if path.suffix != ".ipynb":
        return
    chapter = int(path.stem[:2]) if name.startswith("notebooks/") else None
    site, up = Path(app.outdir), "../" * name.count("/")
    shown = figures(nbformat.read(path, 4))
    number = 0
    for output in tree.findall(lambda node: isinstance(node, nodes.container) and "cell_output" in node["classes"]):
        for node in list(output.findall(nodes.image)):
            _, png, words, width, height = next(shown)
            number += 1
            picture = still(site, png, words, width, height, up)
            if SHOWN * width > NARROW and len(places := cuts(png)) > 2:
                cut, lent = (" ".join(f"{share:.4f}" for share in row) for row in (places, borrowed(png, places)))
                title = " ".join(f"{share:.4f}" for share in common_title(png, places))
                picture = (
                    f'<div class="panels" data-cuts="{cut}" data-borrowed="{lent}" data-title="{title}">{picture}</div>'
                )
            frame(node, picture, chapter, number, words)
        for node in list(output.findall(nodes.raw)):
            if "data:video/mp4;base64," in node.astext():
                number += 1
                words = re.search(r'aria-label="([^"]*)"', node.astext())[1]
                frame(node, film(site, node.astext(), up), chapter, number, words)
        for node in list(output.findall(nodes.literal_block)):
            if (table := printed.page(node.astext())) is not None:
                node.parent.replace(node, raw(table))
    top = tree.next_node(nodes.section)  # the line that says where a page can be run follows what the page is about
    place = 2
    top.insert(place, raw(RUN))
    if chapter:  # in the same line what not every reader looks for
        note = partial(is_raw, text='<details class="lecturers"><summary>For lecturers</summary>')
        setup, said = taken(top, is_setup), taken(top, note, partial(is_raw, text="</details>"))
        top[place + 1 : place + 1] = [*setup, raw(RUN_SET), *said, raw(RUN_END)]
    if name.startswith("exercises/"):  # how long, where to do it; beside that its chapter's picture
        top.insert(3, raw(f"</div>{cover_figure(path.stem, up)}</div>"))
        top.insert(1, raw('<div class="opens"><div>'))
    if chapter:  # a chapter opens with its question and a picture, and leads to its exercise once it is read
        minutes = next(one["exercise"] for one in chapters() if one["stem"] == path.stem)
        read = next(node for node in tree.findall(nodes.section) if node[0].astext() == "What to remember")
        if minutes:
            way = f"{up}exercises/{path.stem}/{path.stem}.html"
            read.append(raw(f'<p><a class="main-way" href="{way}">Exercise, {minutes} min</a></p>'))
        of, cell, _, words = LEADS[path.stem]
        there, label = "" if of == path.stem else f"{of}.html", f"{int(of[:2])}.{figure_number(of, cell)}"
        lead_figure = f"""<figure class="lead">{card(path.stem, up, "lead", fit=True)}<figcaption>{words}
(<a href="{there}#figure-{label.replace(".", "-")}">Figure {label}</a>)</figcaption></figure>"""
        top.insert(1, raw(lead_figure))
        top.insert(1, raw(f'<p class="asks">{QUESTIONS[path.stem]}</p>'))


def cover_figure(stem, up):
    """The picture on an exercise's page, with what it shows and where it is explained."""
    of, _ = COVERS[stem]
    said = next(words for cell, _, words, *_ in figures(read(stem)) if cell == of)
    label = f"{int(stem[:2])}.{figure_number(stem, of)}"
    there = f"{up}notebooks/{stem}.html#figure-{label.replace('.', '-')}"
    return f"""<figure class="lead">{card(stem, up, fit=True)}<figcaption>{html.escape(finding(said))}
(<a href="{there}">Figure {label}</a>)</figcaption></figure>"""


def is_setup(node):
    return isinstance(node, nodes.container) and "tag_hide-cell" in node["classes"]


def is_raw(node, text):
    return isinstance(node, nodes.raw) and node.astext().strip() == text


def taken(top, begins, ends=lambda node: True):
    """From the first node that begins it, before or in the first section, to the one that ends it: out of the page."""
    for parent in (top, next(node for node in top if isinstance(node, nodes.section))):
        start = next((i for i, node in enumerate(parent) if begins(node)), None)
        if start is not None:
            end = next(i for i, node in enumerate(parent) if i >= start and ends(node))
            found = parent[start : end + 1]
            del parent[start : end + 1]
            return found
    return []


def figures(notebook):
    """(cell, data, words, width, height) of every picture among the outputs, in order."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                meta = output.metadata.get("image/png", {})
                png = base64.b64decode(output.data["image/png"])
                width, height = Image.open(io.BytesIO(png)).size
                yield cell.id, png, meta.get("alt", ""), meta.get("width", width), meta.get("height", height)


def figure_number(stem, cell):
    """Which figure of a chapter is the first that a cell shows; films count."""
    outputs = [(each.id, output) for each in read(stem).cells for output in each.get("outputs", [])]
    shown = [of for of, output in outputs if "image/png" in output.get("data", {}) or "data:video/mp4" in str(output)]
    return 1 + shown.index(cell)


def frame(node, picture, chapter, number, words):
    """Put a picture or film into a figure. The first sentence of its words, what one should see, is its caption.

    The caption is hidden from screen readers: the picture says the same, and the rest.
    """
    label = f"Figure {chapter}.{number}" if chapter else f"Figure {number}"
    anchor = label.lower().replace(" ", "-").replace(".", "-")
    said = html.escape(finding(html.unescape(words)))
    caption = (
        f'<figcaption><a href="#{anchor}">{label}</a> <span aria-hidden="true">{said}</span></figcaption></figure>'
    )
    node.parent.replace(node, raw(f'<figure class="shown" id="{anchor}">{picture}{caption}'))


def finding(words):
    """The first sentence, without the full stop of "e.g." or a number for its end."""
    return re.match(r".+?[.!?](?=\s+[A-Z“]|\s*$)|.+", words)[0]


def cuts(png):
    """Where a picture may be cut so that its panels stand below each other, in shares of its width: white columns.

    A panel takes nearly a third of the width or more: a legend or a colour bar stays with its panel. Both ends count.
    """
    ink = inks(png)
    inked = ink[(heading(ink) or [0])[-1] :].any(0)  # a title of the whole picture is no panel's
    columns = np.nonzero(inked)[0]
    found = [0.0]
    for left, right in zip(columns, columns[1:], strict=False):
        at, width = (left + right) / 2 / inked.size, (right - left) / inked.size
        if width > 0.0063 and at - found[-1] > 0.3 and at < 0.72:
            found.append(at)
    return [*found, 1.0]


def borrowed(png, places):
    """For each panel how much of the picture's left, in shares of its width, holds the numbers that it lacks.

    Panels that share an axis have its numbers once, at the first; cut off from that, they borrow them, unless the
    figure would be much smaller for it.
    """
    ink = inks(png)
    ends = [round(place * ink.shape[1]) for place in places]
    widths = np.diff(ends)
    (rows, numbers), *others = (left_axis(ink[:, end : end + width]) for end, width in zip(ends, widths, strict=False))
    lack = [not own and rows.any() and (rows != beside).sum() < 8 for beside, own in others]
    fits = numbers + widths[1:] < 1.2 * widths.max()
    return [0.0, *(numbers / ink.shape[1] * fits * lack)]


def common_title(png, places):
    """Where a title of the whole picture lies that a cut would part: left, right, bottom, in shares; else nothing."""
    ink = inks(png)
    left, right, top, bottom = heading(ink) or (0, 0, 0, 0)
    if not any(left < place < right for place in places):
        return []
    return [left - 0.01, right + 0.01, (bottom + top) / len(ink)]  # as much white below it as above


def heading(ink):
    """A line of words in the middle above all else: its left and right, in shares of the width, its rows; or None."""
    top, bottom = np.nonzero(np.diff(ink.any(1), prepend=False, append=False))[0][:2]
    columns = np.nonzero(ink[top:bottom].any(0))[0] / ink.shape[1]
    left, right = columns[0], columns[-1]
    if np.diff(columns).max() < 0.015 and abs(left + right - 1) < 0.02 and bottom < 0.08 * len(ink):
        return left, right, top, bottom
    return None


def left_axis(ink):
    """The rows of a panel that its left edge takes, and the column where the numbers beside it end, 0 without any."""
    for column in np.nonzero(ink.mean(0) > 0.5)[0]:
        rows = np.zeros(len(ink), bool)
        gaps = [-1, *np.nonzero(~ink[:, column])[0], len(ink)]
        for above, below in zip(gaps, gaps[1:], strict=False):
            rows[above + 1 : below] = below - above > len(ink) / 4
        if rows.mean() > 0.5:
            beside = ink[rows, :column].any(0)
            ticks = np.nonzero(~beside)[0].max(initial=0)  # they lie between the numbers and the edge
            return rows, int(np.nonzero(beside[:ticks])[0].max(initial=-1)) + 1
    return np.zeros(len(ink), bool), 0


def inks(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("L")) < 253


def both(attributes, light, night):
    """A picture for light pages and one for dark; Furo shows the one that fits."""
    return f'<img class="only-light" {attributes} src="{light}"><img class="only-dark" {attributes} src="{night}">'


def breadth(width):
    """How wide a figure is, all to one scale."""
    return f' style="--natural: {width / 16:.4g}rem"'


def save(picture, file):
    """Without loss, in about half the bytes of a PNG; more effort than this saves nothing worth its time."""
    picture.convert("RGB").save(file, lossless=True, quality=60, method=2)


def still(site, png, words, width, height, up):
    """The picture, and the same for dark pages, as files of their own."""
    light = site / "_images" / f"{hashlib.sha256(png).hexdigest()[:16]}.webp"
    night = site / "_images" / f"{hashlib.sha256(png + dark.ITSELF).hexdigest()[:16]}.webp"
    light.parent.mkdir(parents=True, exist_ok=True)
    for file, changed in ((light, lambda picture: picture), (night, dark.dark)):
        if not file.is_file():
            save(changed(Image.open(io.BytesIO(png))), file)
    size = f'width="{round(SHOWN * width)}" height="{round(SHOWN * height)}"{breadth(SHOWN * width)}'
    attributes = f'alt="{html.escape(words)}" loading="lazy" {size}'
    return both(attributes, f"{up}_images/{light.name}", f"{up}_images/{night.name}")


def film(site, video, up):
    """The film as files of their own, for light pages and for dark, each with its last frame as the poster."""
    data = base64.b64decode(re.search(r"data:video/mp4;base64,([^\"]+)", video)[1])
    words = re.search(r'aria-label="[^"]*"', video)[0]
    width = round(SHOWN * int(re.search(r'width="(\d+)"', video)[1]))
    light = site / "_images" / f"{hashlib.sha256(data).hexdigest()[:16]}.mp4"
    night = light.with_stem(hashlib.sha256(data + dark.ITSELF + SHARP.encode()).hexdigest()[:16])
    light.parent.mkdir(parents=True, exist_ok=True)
    light.write_bytes(data)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    if not night.is_file():
        table = night.with_suffix(".cube")
        table.write_text(dark.cube(), "utf-8")
        kept = ["-pix_fmt", "yuv420p", "-crf", SHARP]
        darker = [*ffmpeg, "-i", light.name, "-vf", f"lut3d={table.name}", *kept, night.name]
        subprocess.run(darker, check=True, stdin=subprocess.DEVNULL, cwd=night.parent)
        table.unlink()
    shown = ""
    for file, when in ((light, "only-light"), (night, "only-dark")):
        poster = file.with_suffix(".webp")
        if not poster.is_file():
            frame_of = file.with_suffix(".png")
            last = [*ffmpeg, "-sseof", "-1", "-i", file, "-update", "1", frame_of]
            subprocess.run(last, check=True, stdin=subprocess.DEVNULL)
            save(Image.open(frame_of), poster)
            frame_of.unlink()
        x, y = Image.open(poster).size
        size = f'width="{width}" height="{round(width * y / x)}"{breadth(width)}'
        files = f'poster="{up}_images/{poster.name}" src="{up}_images/{file.name}"'
        shown += f'<video class="{when}" controls loop muted playsinline preload="none" {words} {size} {files}></video>'
    return shown


# --- Formulas: MathML, made when the site is built --------------------------------------------------------------------


def is_math(node):
    return isinstance(node, (nodes.math, nodes.math_block))


def is_stressed(node):
    return isinstance(node, (nodes.strong, nodes.emphasis))


def letters(node):
    """A formula's letters and signs, in one row."""
    return html.unescape(re.sub(r"<[^>]+>", "", convert(node.astext())))


LOW = dict(zip("0123456789+-−=()aehijklmnoprstuvxβ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦ", strict=True))
HIGH = dict(
    zip("0123456789+-−=()abcdefghijklmnoprstuvwxyzβT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵝᵀ", strict=True)
)


def in_one_row(element):
    """A formula as one types it, √(1 − β₂ᵗ); an index without signs of its own as m_new."""
    kind, parts = element.tag.rpartition("}")[2], [in_one_row(part) for part in element]
    if not parts:
        text = element.text or ""
        if kind == "mo" and text in "=<>≤≥≈+−-±⋅·×∈→≠≪≫∼∝":
            return f" {text} "
        return f"{text} " if text in ",;" else text
    if kind == "mfrac":
        return f"{bracketed(parts[0])} / {bracketed(parts[1])}"
    if kind == "msqrt":
        return f"√{bracketed(''.join(parts))}"
    if kind == "mover" and parts[1] in ("^", "ˆ", "\u0302"):
        return f"{parts[0]}\u0302"
    for table, sign, tags in ((LOW, "_", ("msub", "munder")), (HIGH, "^", ("msup", "mover"))):
        if kind in tags:
            return parts[0] + small(parts[1], table, sign)
    if kind in ("msubsup", "munderover"):
        return parts[0] + small(parts[1], LOW, "_") + small(parts[2], HIGH, "^")
    row = re.sub(r" +", " ", "".join(parts)).strip()
    return re.sub(r"(^|[(=<,]) ?([−-]) ", r"\1\2", row)


def bracketed(part):
    return part if len(part) < 3 else f"({part})"


def small(text, table, sign):
    text = text.replace(" ", "")
    return "".join(map(table.get, text)) if all(letter in table for letter in text) else f"{sign}{text}"


def mathml(node, display):
    """The converter sets functions such as ln close to their argument: a thin space belongs between them.

    Not after the log that an index belongs to: the two are one. The two bars of a norm are equally long, as in LaTeX,
    and bars stand close to what they enclose; a name such as sign is no operator with room on both sides.
    What a page of HTML takes for granted, of every formula anew, is left out: it made up a fiftieth of the page.
    """
    function, argument = "<mi>(?:ln|log|exp|sin|cos|max|min)</mi>", "<(?:mi|mn|mrow|mfrac|msub|msup|msubsup|mover)\\b"
    spaced = f"(?<!<msub>)(?<!<msup>)(?<!<msubsup>)({function})(?={argument})"
    formula = convert(node.astext(), display=display).replace("<mo>&#x02016;", '<mo stretchy="false">&#x02016;')
    bar = r'<mo stretchy="false">(?=&#x(?:02016|0007C);)'
    formula = re.sub(bar, '<mo stretchy="false" lspace="0" rspace="0">', formula)
    formula = re.sub(r"<mo>([A-Za-z]+)</mo>", r'<mi mathvariant="normal">\1</mi>', formula)
    formula = re.sub(r' (?:xmlns="[^"]*"|display="inline")', "", formula)
    return re.sub(spaced, r'\1<mspace width="0.17em"/>', formula)


def inline_math(translator, node):
    formula = mathml(node, "inline")
    after = html.escape(node.get("after", ""))
    long = " long" if len(letters(node)) > 36 else ""  # than a phone's line
    translator.body.append(f'<span class="together{long}">{formula}{after}</span>' if after or long else formula)
    raise nodes.SkipNode


def display_math(translator, node):
    shown = "".join(f"<span>{''.join(pieces)}</span>" for pieces in broken(mathml(node, "block")))
    translator.body.append(f'<div class="formula">{shown}</div>')
    raise nodes.SkipNode


def broken(formula):
    """The equations of a displayed formula, each in the pieces between which a narrow page may break it.

    Wide spaces part equations. A piece begins with a sign that compares or adds, outside of parentheses and once
    something has been compared: the first comparison stays with what is compared.
    """
    opening, closing = re.match("<math[^>]*>", formula)[0], "</math>"
    root = ElementTree.fromstring(re.sub(' xmlns="[^"]*"', "", formula))
    parts = list(root[0]) if len(root) == 1 and root[0].tag == "mrow" else list(root)
    equations, depth, compared = [[[]]], 0, False
    for before, part in zip([ElementTree.Element("mspace"), *parts], parts, strict=False):
        base = part[0] if part.tag in ("msub", "msup", "msubsup") else part  # a parenthesis may bear an exponent
        sign = (base.text or "").strip() if base.tag in ("mo", "mi") else ""
        if part.tag == "mspace" and float(part.get("width", "0").removesuffix("em")) >= 1 and not depth:
            equations.append([[]])
            compared = False
            continue
        depth += (sign in tuple("([{")) - (sign in tuple(")]}"))
        compares = sign in tuple("=<>≤≥≈∼≡→⟶←⇒⟹∈≪≫")
        adds = sign in tuple("+−") and before.tag != "mspace" and (before.text or "") not in tuple("=<>≤≥≈([{,·")
        if not depth and compared and (compares or adds):
            equations[-1].append([])
            part.set("form", "infix")  # at the beginning of a piece it would stand as close as a sign before a number
        compared |= compares and not depth
        equations[-1][-1].append(part)
    inside = partial(ElementTree.tostring, encoding="unicode")
    return [
        [f"{opening}<mrow>{''.join(map(inside, piece))}</mrow>{closing}" for piece in pieces if piece]
        for pieces in equations
        if any(pieces)
    ]


# --- The first page ---------------------------------------------------------------------------------------------------


@cache
def chapters():
    """What the first page says about each chapter, from README's table and the notebooks themselves."""
    rows = re.findall(
        r"^\| (\d\d) \| \[([^\]]+)\]\(notebooks/(\w+)\.ipynb\) \| .+? \| (\d+) \|$",
        (ROOT / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    listed = []
    for number, title, stem, minutes in rows:
        exercise = ROOT / "exercises" / stem / f"{stem}.ipynb"
        about = re.search(r"about (\d+) minutes", exercise.read_text("utf-8")) if exercise.is_file() else None
        notebook = read(stem)
        deeper = re.search(r"and (\d+) more for the sections marked \*Deeper", notebook.cells[0].source)
        listed.append(
            {
                "number": int(number),
                "title": title,
                "stem": stem,
                "question": QUESTIONS[stem],
                "minutes": int(minutes),
                "deeper": int(deeper[1]) if deeper else 0,
                "exercise": int(about[1]) if about else None,
                "predictions": len(list(predictions(notebook.cells))),
            }
        )
    return listed


@cache
def read(stem):
    return nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", 4)


def cover(stem, cell, box):
    """The part of a figure that stands for a chapter."""
    for of, png, *_ in figures(read(stem)):
        if of == cell:
            picture = Image.open(io.BytesIO(png)).convert("RGB")
            sizes = zip(box, picture.size * 2, strict=True)
            return picture.crop(tuple(round(share / 100 * size) for share, size in sizes))
    raise LookupError(f"Cell {cell} of {stem} shows no figure: choose another in COVERS or LEADS.")


def card(stem, up="", kind="cover", fit=False):
    """The chapter's picture. It has no words: the chapter's title stands beside it.

    On the first page all are of one shape; where one stands alone (fit), a wide one is shown without its blank.
    """
    size = f'width="{COVER[0]}" height="{COVER[1]}"'
    width, height = (cover(*LEADS[stem][:3]) if kind == "lead" else cover(stem, *COVERS[stem])).size if fit else COVER
    if width / height > COVER[0] / COVER[1]:
        size += f' style="aspect-ratio: {width} / {height}"'
    file = f"{up}_static/covers/{stem}_{kind}"
    return both(f'alt="" loading="lazy" {size}', f"{file}.webp", f"{file}_dark.webp")


# --- What belongs to all pages ----------------------------------------------------------------------------------------


def sections(app):
    """[address, page, section, text, words it stresses] of every section of every page, for the search."""
    for name in sorted(app.env.found_docs):
        tree = app.env.get_doctree(name)
        for node in tree.findall(is_math):  # a long formula in one row says nothing to anybody
            said = in_one_row(ElementTree.fromstring(convert(node.astext())))
            node[:] = [nodes.Text(said if len(said) < 26 else "…")]
        for node in list(tree.findall(nodes.raw)):  # tags are no words, those of a link within a paragraph neither
            node.parent.remove(node)
        page = tree.next_node(nodes.title).astext()
        for section in tree.findall(nodes.section):
            prose = [
                part
                for part in section.children[1:]
                if not isinstance(part, (nodes.section, nodes.comment)) and "cell" not in part.get("classes", [])
            ]
            text = " ".join(part.astext() for part in prose)
            if section.parent is tree and name.startswith("notebooks/"):  # found, a chapter says first what it asks
                text = f"{QUESTIONS[name.removeprefix('notebooks/')]} {text}"
            stressed = [word.astext() for part in prose for word in part.findall(is_stressed)]
            anchor = "" if section.parent is tree else f"#{section['ids'][0]}"
            yield [f"{name}.html{anchor}", page, section[0].astext(), re.sub(r"\s+", " ", text), " · ".join(stressed)]


def add_rest(app, error, beside, stix):
    """The search's index, the letters of formulas, the covers, and what lies beside the pages: decks and playground."""
    if error is not None:
        return
    site = Path(app.outdir)
    index = json.dumps(list(sections(app)), ensure_ascii=False, separators=(",", ":"))
    (site / "_static" / "sections.js").write_text(f"const SECTIONS = {index};\n", "utf-8")
    covers = site / "_static" / "covers"
    covers.mkdir(exist_ok=True)
    for kind, table in (("cover", COVERS), ("lead", LEADS)):
        for stem, part in table.items():
            picture = cover(*part[:3]) if kind == "lead" else cover(stem, *part)
            night = ImageOps.pad(dark.dark(picture), COVER, color=tuple(map(round, 255 * dark.PAGE)))
            save(night, covers / f"{stem}_{kind}_dark.webp")
            save(ImageOps.pad(picture, COVER, color="white"), covers / f"{stem}_{kind}.webp")
    shown = {
        found for page in site.rglob("*.html") for found in re.findall(r"_images/([\w.-]+)", page.read_text("utf-8"))
    }
    for old in (site / "_images").iterdir():
        if old.name not in shown:
            old.unlink()  # of an earlier build
    draw_logo(site / "_static")
    cut_font(stix / "files" / "stix-two-math-latin-400-normal.woff", site / "_static" / "math.woff", app)
    for name, folder in beside.items():
        if folder.is_dir():
            shutil.copytree(folder, site / name, dirs_exist_ok=True)
    home = '<main class="index">\n<p><a href="../index.html">← the course</a></p>'
    for deck in (site / "slides").glob("*.html"):  # on the site, slides lead back to the pages
        page = deck.read_text("utf-8").replace('<html lang="en">', '<html lang="en" data-site>')
        page = re.sub(r"data:(?:image/png|video/mp4);base64,([\w+/=]+)", partial(shared, site), page)
        deck.write_text(page.replace('<main class="index">', home), "utf-8")


def shared(site, found):
    """Where a picture or film of a deck lies on the site, if a chapter shows the same; else as it is, in the deck."""
    stem = hashlib.sha256(base64.b64decode(found[1])).hexdigest()[:16]
    file = f"_images/{stem}{'.webp' if 'image' in found[0][:12] else '.mp4'}"
    return f"../{file}" if (site / file).is_file() else found[0]


def cut_font(font, small, app):
    """Of STIX Two Math what the site's formulas need, with its larger brackets and roots."""
    signs = {*map(chr, range(0x20, 0x7F)), "√"}  # the root is an element of MathML, and in no text
    for name in app.env.found_docs:
        for node in app.env.get_doctree(name).findall(is_math):
            signs.update(letters(node))
    signs.update(ITALIC.get(sign, sign) for sign in list(signs))
    options = subset.Options(flavor="woff", layout_features=["*"])
    with subset.load_font(font, options) as stix:
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(signs))
        cutter.subset(stix)
        narrow_roots(stix)
        subset.save_font(stix, small, options)


def narrow_roots(font):
    """Root signs of every height as wide as the lowest: Chromium keeps the room of the widest after each of them."""
    variants, root = font["MATH"].table.MathVariants, font.getBestCmap()[ord("√")]
    taller = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(root)]
    width = font["hmtx"][root][0]
    names = {variant.VariantGlyph for variant in taller.MathGlyphVariantRecord}
    for name in names | {part.glyph for part in taller.GlyphAssembly.PartRecords}:
        glyph, share = font["glyf"][name], width / font["hmtx"][name][0]
        glyph.coordinates.scale((share, 1))
        glyph.coordinates.toInt()
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (width, glyph.xMin)
    more_roots(font, taller, root)


def more_roots(font, taller, root):
    """Root signs of many heights: the top of one is set on what it covers, and the rest hangs below the line.

    The font has four, the lowest for a letter with ascender and descender, the next half as high again. Chromium looks
    at sixteen and no more, so they lie closer where most are: a letter, one with an index, then a fraction.
    """
    made, order = [], font.getGlyphOrder()
    drawn = {
        record.AdvanceMeasurement: copy.deepcopy(font["glyf"][record.VariantGlyph])
        for record in taller.MathGlyphVariantRecord
    }
    for height in (*range(620, 1250, 60), 1350, 1500, 1750, 2050, 2500):
        name = f"root{height}" if made else root
        whole = min((known for known in drawn if known >= height), default=max(drawn))
        glyph = copy.deepcopy(drawn[whole])
        glyph.coordinates.scale((1, height / whole))
        glyph.coordinates.toInt()
        glyph.recalcBounds(font["glyf"])
        if made:
            order.append(name)
        font["glyf"].glyphs[name], font["hmtx"].metrics[name] = glyph, (font["hmtx"][root][0], glyph.xMin)
        record = copy.copy(taller.MathGlyphVariantRecord[0])
        record.VariantGlyph, record.AdvanceMeasurement = name, glyph.yMax - glyph.yMin
        made.append(record)
    font.setGlyphOrder(order)
    font["glyf"].glyphOrder = order
    taller.MathGlyphVariantRecord = made
    taller.VariantCount = len(taller.MathGlyphVariantRecord)


def draw_logo(folder):
    """social.png, what a message with a link shows, and touch.png, the icon on a phone's screen."""
    ravine = surfaces.quadratic(50)
    colours = {"gradient_descent": "#56B4E9", "momentum": "#E69F00"}
    fig, ax = plt.subplots(figsize=(12, 6.3), dpi=100, facecolor="#10202f")
    ax.set_position([0, 0, 1, 0.74])
    plots.contours(ax, ravine)
    for rule, settings in ((rules.gradient_descent, {"lr": 0.0385}), (rules.momentum, {"lr": 0.0275, "beta": 0.7})):
        path = descend(rule, ravine.gradient, ravine.start, 40, **settings)
        plots.path(ax, path, color=colours[rule.__name__], linewidth=3.5)
    ax.set_axis_off()
    fig.text(0.04, 0.86, "Optimization in deep learning", color="white", size=44, weight="bold")
    fig.text(
        0.042, 0.78, "Every claim, from gradient descent to Adam: derived, run, measured", color="#cfd8e0", size=22
    )
    fig.savefig(folder / "social.png", facecolor=fig.get_facecolor())
    plt.close(fig)
    fig, ax = plt.subplots(figsize=(1.8, 1.8), dpi=100, facecolor="white")
    ax.set_position([0, 0, 1, 1])
    x = np.linspace(-1, 1, 99)
    ax.plot(x, x**2, color="#0072b2", linewidth=11, solid_capstyle="round")
    ax.plot(-0.6, 0.5, "o", color="#d55e00", markersize=24)
    ax.set(xlim=(-1.35, 1.35), ylim=(-0.35, 1.35))
    ax.set_axis_off()
    fig.savefig(folder / "touch.png")
    plt.close(fig)
