"""The web site: a first page, chapters and exercises as they are committed, guides, slides, playground.

    python -m sphinx -W -c docs . build/site

Nothing is run. What the pages need is copied beside them, so that they work from the disk and without a network.
How a notebook becomes a page is in pages.py.
"""

import hashlib
import operator
import os
import re
import sys
import tomllib
from pathlib import Path

import nbformat

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS), str(ROOT / "tools")]
import listing  # noqa: E402
import pages  # noqa: E402
from vendor import vendor  # noqa: E402

# Where this repository is on GitHub; without it, no page has a button that leads there.
REPOSITORY = pages.repository()

# What makes pages of notebooks, in short.
MAKERS = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(DOCS.glob("*.py")))).hexdigest()

project = "Optimization in deep learning, hands on"
release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
author = "The course's contributors"
copyright = "the course's contributors. Code: MIT, words and figures: CC BY 4.0"

extensions = ["myst_nb", "sphinx.ext.autodoc"]
root_doc = "README"
include_patterns = ["README.md", "CONTRIBUTING.md", "docs/*.md", "notebooks/*.ipynb", "exercises/**/*.ipynb"]
exclude_patterns = [
    *(".*", "build", "data", "grading", "solutions", "**/.ipynb_checkpoints"),  # not even looked into
    *("docs/lecture.md", "docs/handouts.md", "docs/questions"),  # what tools/lecture.py makes decks and paper of
]

nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
myst_enable_extensions = ["dollarmath", "amsmath", "tasklist"]
myst_heading_anchors = 3
myst_heading_slug_func = operator.methodcaller("replace", " ", "-")  # as in JupyterLab: README links to these
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints = "none"
highlight_language = "text"  # of a block that names none; the notebooks name theirs
html_math_renderer = "mathml"

# Beside the pages: what is there when they are built.
BESIDE = {"slides": ROOT / "build" / "slides", "playground": DOCS / "playground"}

html_theme = "furo"
html_title = "Optimization in deep learning"
html_static_path = ["site", "live"]
html_css_files = ["live.css", "site.css"]
html_js_files = [("live.js", {"defer": "defer"}), ("site.js", {"defer": "defer"})]
html_favicon = "site/icon.svg"
html_baseurl = os.environ.get("COURSE_SITE", "")  # where it is published: for the address of its picture
templates_path = ["templates"]
html_additional_pages = {"index": "first.html"}
html_use_index = html_domain_indices = False  # there is one page of modules, and a search
html_copy_source = True  # what the download link hands out
html_sourcelink_suffix = ""
html_show_sphinx = False
html_sidebars = {
    "**": [
        *("sidebar/brand.html", "sidebar/search.html", "sidebar/scroll-start.html"),
        *("beside.html", "sidebar/navigation.html", "sidebar/scroll-end.html"),
    ]
}
html_context = {
    "repository": REPOSITORY,
    "chapters": pages.chapters(),
} | {f"has_{name}": folder.is_dir() for name, folder in BESIDE.items()}
BLUE, SKY = "#0b5c9c", "#7cc0f5"  # links, in light and in dark
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": BLUE, "color-brand-content": BLUE, "color-brand-visited": BLUE},
    "dark_css_variables": {"color-brand-primary": SKY, "color-brand-content": SKY, "color-brand-visited": SKY},
}


def read(app, name, source):
    """What only the site needs."""
    if Path(app.env.doc2path(name)).suffix == ".ipynb":
        notebook = nbformat.reads(source[0], 4)
        pages.prepare(notebook, depth=name.count("/"))
        source[0] = nbformat.writes(notebook)
    else:
        source[0] = pages.PLAYGROUND.sub(rf'<a href="{"../" * name.count("/")}\2">\1</a>', source[0])
    # Files that are no page here: on GitHub, if the repository is there.
    there = rf"[\1]({REPOSITORY}/blob/main/\2)" if REPOSITORY else r"\1"
    source[0] = re.sub(r"\[([^\]]+)\]\((?:\.\./)*((?:data|solutions|LICENSE)[^)]*)\)", there, source[0])
    source[0] = pages.addressed(source[0], REPOSITORY)
    if name == "README":  # the first page has the chapters; this one is the map and the manual
        text = re.sub(r"^# .+$", "# Map, letters, set-up", source[0], count=1, flags=re.MULTILINE)
        before, _, rest = text.partition("## The chapters\n")
        source[0] = before + rest[rest.index("\n## ") :] + contents(sorted(app.env.found_docs))


def contents(found):
    """The margin of every page: each chapter with its exercise, then the guides."""
    course = [
        name
        for chapter in found
        if chapter.startswith("notebooks/")
        for stem in [chapter.removeprefix("notebooks/")]
        for name in (chapter, f"exercises/{stem}/{stem}")
        if name in found
    ]
    guides = ["README", *(name for name in found if name.startswith("docs/")), "CONTRIBUTING"]
    trees = ""
    for caption, names in (("Chapters and exercises", course), ("Guides", guides)):
        listed = "\n".join("self" if name == "README" else entry(name) for name in names)
        trees += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n{listed}\n```\n"
    return trees


def entry(name):
    """An exercise stands below its chapter, whose name it need not say again."""
    number = re.match(r"exercises/0?(\d+)", name)
    return f"Exercise {number[1]} </{name}>" if number else f"/{name}"


def describe(app, name, template, context, tree):
    """A description for search engines, and whether the page has formulas."""
    text = ""
    if tree is not None:
        paragraphs = (re.sub(r"\s+", " ", node.astext()) for node in tree.findall(pages.nodes.paragraph))
        text = next((paragraph for paragraph in paragraphs if len(paragraph) > 60), "")
    if name.startswith("notebooks/"):  # what a chapter asks, not how long it takes
        text = f"{pages.QUESTIONS[name.removeprefix('notebooks/')]} A chapter of a free course: derived, run, measured."
    context |= {"card": pages.card, "RUN": pages.RUN, "RUN_SET": pages.RUN_SET, "RUN_END": pages.RUN_END}
    if "body" in context:
        context["body"] = listing.page(context["body"])
    context["description"] = text[:157] + "…" if len(text) > 160 else text


def setup(app):
    app.add_html_math_renderer(
        "mathml", inline_renderers=(pages.inline_math, None), block_renderers=(pages.display_math, None)
    )
    for name, value in (
        ("course_repository", REPOSITORY),
        ("course_makers", MAKERS),
    ):  # another one: read all pages anew
        app.add_config_value(name, value, "env", [str, type(None)])
    app.connect("source-read", read)
    app.connect("doctree-resolved", pages.finish)
    app.connect("html-page-context", describe)
    app.connect(
        "build-finished", lambda app, error: pages.add_rest(app, error, BESIDE, vendor("@fontsource/stix-two-math"))
    )
