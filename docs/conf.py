"""The web site: README as its first page, chapters and exercises as they are committed, guides, slides, playground.

    python -m sphinx -W -c docs . build/site

Nothing is run. What the pages need is copied beside them, so that they work from the disk and without a network.
"""

import operator
import re
import shutil
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT / "tools"))
from vendor import vendor  # noqa: E402

# The address of this repository on GitHub: the buttons for Binder and Colab lead there. A fork changes this one line.
REPOSITORY = "https://github.com/OWNER/optimization-course"

project = "Optimization in deep learning"
release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
author = "The course's contributors"
copyright = "the course's contributors. Code: MIT, words and figures: CC BY 4.0"

extensions = ["myst_nb", "sphinx.ext.autodoc"]
root_doc = "README"
include_patterns = ["README.md", "CONTRIBUTING.md", "docs/*.md", "notebooks/*.ipynb", "exercises/**/*.ipynb"]
exclude_patterns = [".*", "build", "data", "grading", "solutions", "**/.ipynb_checkpoints"]  # not even looked into

nb_execution_mode = "off"
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_heading_slug_func = operator.methodcaller("replace", " ", "-")  # as in JupyterLab: README links to these
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints = "none"

mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

# Beside the pages: what is there when they are built.
BESIDE = {"slides": ROOT / "build" / "slides", "playground": DOCS / "playground"}
html_context = {"default_mode": "auto"} | {f"has_{name}": folder.is_dir() for name, folder in BESIDE.items()}

html_theme = "sphinx_book_theme"
html_title = "Optimization in deep learning, hands on"
html_static_path = ["site", str(vendor("mathjax") / "es5")]
html_css_files = ["site.css"]
html_favicon = "site/icon.svg"
templates_path = ["templates"]
html_sidebars = {"**": ["navbar-logo.html", "search-button-field.html", "sbt-sidebar-nav.html", "live.html"]}
html_show_search_summary = False  # it fetches pages, which a browser does not allow from the disk
html_use_index = html_domain_indices = False  # there is one page of modules, and a search
html_copy_source = True  # what the download button hands out
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": "main",
    "launch_buttons": {"binderhub_url": "https://mybinder.org", "colab_url": "https://colab.research.google.com"},
    "use_repository_button": True,
    "use_download_button": True,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search field is in the margin
}


def add_contents(app, document, source):
    """What only the site needs: links to files that are no page here; in README, what stands in the margin."""
    source[0] = re.sub(r"\]\(((?:data|solutions)/[^)]+)\)", rf"]({REPOSITORY}/blob/main/\1)", source[0])
    if document != "README":
        return
    found = sorted(app.env.found_docs)
    sections = {
        "Chapters": [name for name in found if name.startswith("notebooks/")],
        "Exercises": [name for name in found if name.startswith("exercises/")],
        "Guides": [name for name in found if name.startswith("docs/")] + ["CONTRIBUTING"],
    }
    for caption, names in sections.items():
        listed = "\n".join(f"/{name}" for name in names)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n{listed}\n```\n"


def add_the_rest(app, error):
    """index.html; and, if they are there, the decks and the playground."""
    if error is None:
        site = Path(app.outdir)
        shutil.copy(site / "README.html", site / "index.html")
        for name, folder in BESIDE.items():
            if folder.is_dir():
                shutil.copytree(folder, site / name, dirs_exist_ok=True)


def setup(app):
    app.connect("source-read", add_contents)
    app.connect("build-finished", add_the_rest)
