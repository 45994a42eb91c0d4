"""Build the lecture and the chapters' decks in build/slides/, with a page that lists them.

    python tools/slides.py [notebook.ipynb ...]        without a name, all chapters

All is taken from the committed notebooks, outputs and all; nothing is run. The folder can be carried away on a stick:
its pages open from the disk and need no network.
"""

import re
import shutil
import sys
from html import escape
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from vendor import vendor

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "docs" / "slides"
BUILT = ROOT / "build" / "slides"

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Slides</title>
<link rel="stylesheet" href="vendor/reset.css">
<link rel="stylesheet" href="slides.css">
</head>
<body>
<main class="index">
<h1>Optimization in deep learning: the slides</h1>
<ul>
{links}
</ul>
<p>In a deck, <kbd>space</kbd> goes on, <kbd>s</kbd> opens the speaker's view with its notes, <kbd>esc</kbd> shows all
slides, <kbd>f</kbd> fills the screen and <kbd>?</kbd> lists the other keys. To print a deck or to save it as a PDF,
open it with <code>?print-pdf</code> after its address.</p>
</main>
</body>
</html>
"""


def relink(markdown):
    """Let links to other chapters lead to their decks, and other links to the site's pages, one folder up."""
    markdown = re.sub(r"\]\((?:\.\./notebooks/)?(\w+)\.ipynb", r"](\1.html", markdown)
    markdown = re.sub(r"\]\(\.\./README\.md", "](index.html", markdown)
    return re.sub(r"\]\((\.\./[^):\s]+)\.(?:ipynb|md)", r"](\1.html", markdown)


def exporter():
    """nbconvert's own, with the template of docs/slides/ and without the code of figures."""
    slides = SlidesExporter(
        extra_template_basedirs=[str(TEMPLATE.parent)],
        template_name=TEMPLATE.name,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    slides.register_preprocessor(TagRemovePreprocessor(remove_input_tags={"hide-input"}), enabled=True)
    return slides


def deck(path, slides):
    """Write one chapter's deck and return its title."""
    notebook = nbformat.read(path, as_version=4)
    title = notebook.metadata.title = re.match(r"# (.+)", notebook.cells[0].source)[1]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source)
        cell.source = cell.source.removeprefix("# NBVAL_CHECK_OUTPUT\n")  # speaks to the tests
    page, _ = slides.from_notebook_node(notebook)
    (BUILT / f"{path.stem}.html").write_text(page, "utf-8")
    return title


def main(paths):
    shutil.rmtree(BUILT, ignore_errors=True)
    (BUILT / "vendor").mkdir(parents=True)
    for name, folder in (("reveal.js", "dist"), ("reveal.js", "plugin/notes"), ("mathjax", "es5")):
        for file in (vendor(name) / folder).iterdir():
            shutil.copy(file, BUILT / "vendor")
    for file in ("slides.css", "slides.js"):
        shutil.copy(TEMPLATE / file, BUILT)
    slides = exporter()
    titles = {path.stem: deck(path, slides) for path in paths}
    links = [f'<li><a href="{stem}.html">{escape(title)}</a></li>' for stem, title in titles.items()]
    (BUILT / "index.html").write_text(INDEX.format(links="\n".join(links)), "utf-8")
    print(f"{len(titles)} decks in {BUILT / 'index.html'}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb")))
