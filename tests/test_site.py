"""The slides and the web site, built and then looked at with headless Chromium, from the disk and from a server."""

import http.server
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlparse

import nbformat
import pytest
from chromium import Browser

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
MATHJAX = "window.MathJax ? MathJax.startup.promise : 0"
READY = "new Promise(done => (function wait() { Reveal?.isReady?.() ? done() : setTimeout(wait, 20) })())"


@pytest.fixture(scope="module")
def built():
    """Decks and site, made as `make slides site` makes them."""
    sphinx = "-m sphinx -W --keep-going -q -d build/doctrees -c docs . build/site"
    for command in (["tools/slides.py"], sphinx.split()):
        run = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert run.returncode == 0, run.stdout + run.stderr
    return SITE


@pytest.fixture(scope="module")
def pages(built):
    return {str(path.relative_to(built)): path for path in sorted(built.rglob("*.html")) if "_static" not in path.parts}


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(built):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=built)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def assert_quiet(page):
    """No red line in the console, and nothing fetched from another place than the page itself."""
    assert page.errors() == [], page.address
    home = urlparse(page.address)
    for request in map(urlparse, page.requests()):
        assert request.scheme in ("data", "blob") or (request.scheme, request.netloc) == home[:2], request.geturl()


# Is every formula set, without an error in it, and every figure there, and does it say what it shows?
COMPLETE = r"""(() => {
  const formula = /\\\(|\\\[|\$[^$]+\$|\\[a-z]{3,}/;
  const seen = element => !element.closest("pre, code, script, style, mjx-assistive-mml, .highlight");
  const text = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const raw = [];
  while (text.nextNode()) {
    const found = seen(text.currentNode.parentElement) && formula.test(text.currentNode.data);
    if (found) raw.push(text.currentNode.data.trim().slice(0, 80));
  }
  return {
    raw, formulas: document.querySelectorAll("mjx-container svg").length,
    errors: document.querySelectorAll("mjx-container [data-mml-node=merror], mjx-container [fill=red]").length,
    broken: [...document.images].filter(image => !image.naturalWidth).map(image => image.src.slice(0, 80)),
    wordless: [...document.images].filter(image => !image.alt).length,
    figures: document.images.length,
  };
})()"""


def assert_complete(page, chapter=False):
    page.evaluate(MATHJAX)
    page.evaluate("Promise.all([...document.images].map(image => image.decode().catch(() => 0))).then(() => 0)")
    found = page.evaluate(COMPLETE)
    assert found["raw"] == [], page.address
    assert (found["errors"], found["broken"], found["wordless"]) == (0, [], 0), page.address
    if chapter:
        assert found["formulas"] >= 10
        assert found["figures"] >= 5


# --- The site ---------------------------------------------------------------------------------------------------


def test_every_page_at_the_width_of_a_phone(pages, browser):
    assert {f"notebooks/{stem}.html" for stem in CHAPTERS} <= set(pages)
    for name, path in pages.items():
        if name.startswith("slides/") and name != "slides/index.html":
            continue  # slides have a fixed size, see below
        with browser.open(path.as_uri(), width=390, height=844) as page:
            assert_complete(page, chapter=name.startswith("notebooks/"))
            assert page.evaluate("document.scrollingElement.scrollWidth") == 390, name
            assert_quiet(page)


@pytest.mark.parametrize(
    "name", ["index.html", "notebooks/04_momentum.html", "docs/api.html", "slides/04_momentum.html"]
)
def test_from_a_server(name, pages, browser, server):
    with browser.open(f"{server}/{name}") as page:
        if name.startswith("slides/"):
            page.evaluate(READY)
        assert_complete(page)
        assert page.evaluate("document.scrollingElement.scrollWidth") == 1280
        assert_quiet(page)


def test_search_finds(pages, browser):
    with browser.open(pages["search.html"].as_uri() + "?q=velocity") as page:
        summary = "document.querySelector('.search-summary')?.innerText"
        page.evaluate(
            f"new Promise(done => (function wait() {{ /found/.test({summary}) ? done() : setTimeout(wait, 50) }})())"
        )
        assert "4 · Momentum" in page.evaluate("document.querySelector('#search-results').innerText")
        assert_quiet(page)


def test_every_link_inside_the_site_lands(pages, built):
    for name, path in pages.items():
        for link in re.findall(r'<a\b[^>]*?\shref="([^"]+)"', path.read_text("utf-8")):
            target = urlparse(link.replace("&amp;", "&"))
            if not target.scheme and target.path:
                assert (path.parent / unquote(target.path)).exists(), f"{name}: {link}"


def test_readme_s_links_to_headings_land_on_them(pages):
    links = set(re.findall(r'href="(notebooks/\w+\.html)#([^"]+)"', pages["index.html"].read_text("utf-8")))
    assert len(links) >= 40
    for chapter, anchor in links:
        assert f'id="{unquote(anchor)}"' in pages[chapter].read_text("utf-8"), (chapter, anchor)


def test_chapters_can_be_launched_and_downloaded(pages):
    text = pages["notebooks/04_momentum.html"].read_text("utf-8")
    for place in ("https://mybinder.org/v2/gh/", "https://colab.research.google.com/github/"):
        assert re.search(f'href="{place}[^"]+04_momentum.ipynb"', text)
    assert (SITE / re.search(r'href="\.\./(_sources/notebooks/04_momentum\.ipynb)"', text)[1]).is_file()


def test_every_module_is_on_the_page_of_modules(pages):
    modules = {path.stem for path in (ROOT / "course_utils").glob("[!_]*.py")} | {"checks"}
    shown = re.findall(r'id="module-course_utils\.(\w+)"', pages["docs/api.html"].read_text("utf-8"))
    assert sorted(shown) == sorted(modules)


def test_small_enough_to_publish(built):
    assert sum(path.stat().st_size for path in built.rglob("*") if path.is_file()) < 40e6


AXE = """axe.run({exclude: [["mjx-container"]]}, {runOnly: ["color-contrast", "image-alt", "link-name", "button-name",
  "document-title", "html-has-lang", "label"]}).then(found => found.violations.flatMap(rule =>
    rule.nodes.map(node => `${rule.id} ${node.target} ${node.failureSummary}`)))"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "notebooks/04_momentum.html",
        "exercises/04_momentum/04_momentum.html",
        "docs/api.html",
        "slides/index.html",
        "slides/04_momentum.html",
        "playground/index.html",
    ],
)
def test_contrast_and_names(name, dark, pages, browser):
    axe = next((ROOT / "build" / "vendor").glob("axe-core-*/axe.min.js")).read_text("utf-8")
    with browser.open(pages[name].as_uri(), dark=dark) as page:
        page.evaluate(READY if "/04" in name and "slides" in name else MATHJAX)
        page.evaluate(axe + "; 0")
        violations = page.evaluate(AXE)
        assert violations == []


# --- The slides -------------------------------------------------------------------------------------------------

# Show one slide after the other, with all its fragments, and say how far its content reaches.
REACH = """Reveal.getSlides().map(slide => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v, 99);
  const seen = [...slide.querySelectorAll("*")].filter(element => !element.closest("aside, svg *, mjx-assistive-mml"));
  const boxes = seen.map(element => element.getBoundingClientRect()).filter(box => box.width && box.height);
  const letters = [slide, ...slide.querySelectorAll("pre")];
  const sizes = letters.map(element => parseFloat(getComputedStyle(element).fontSize));
  return {
    slide: [...slide.querySelectorAll(".jp-Cell")].map(cell => cell.id.replace("cell-id=", "")).join(" "),
    bottom: Math.max(0, ...boxes.map(box => box.bottom)), right: Math.max(0, ...boxes.map(box => box.right)),
    left: Math.min(0, ...boxes.map(box => box.left)), smallest: Math.min(...sizes), content: boxes.length,
  };
})"""


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_deck(stem, pages, browser):
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    with browser.open(pages[f"slides/{stem}.html"].as_uri()) as page:
        page.evaluate(READY)
        assert_complete(page, chapter=True)
        slides = page.evaluate(REACH)
        assert len(slides) == kinds.count("slide") + kinds.count("subslide")
        for slide in slides:
            assert slide["content"], slide
            assert slide["bottom"] <= 720, slide
            assert 0 <= slide["left"], slide
            assert slide["right"] <= 1280, slide
            assert slide["smallest"] >= 9, slide  # of 27: what is smaller belongs on two slides
        assert page.evaluate("document.querySelectorAll('aside.notes').length") == kinds.count("notes")
        hidden = [c.source for c in notebook.cells if "hide-input" in c.metadata.get("tags", [])]
        code = page.evaluate("[...document.querySelectorAll('.highlight')].map(code => code.innerText.trim())")
        assert hidden
        assert not {source.strip() for source in hidden} & set(code)
        assert_quiet(page)


def test_a_deck_prints_one_page_a_slide(pages, browser):
    with browser.open(pages["slides/04_momentum.html"].as_uri() + "?print-pdf") as page:
        page.evaluate(READY)
        page.evaluate("new Promise(done => setTimeout(done, 500))")
        assert page.evaluate("document.querySelectorAll('.pdf-page').length == Reveal.getTotalSlides()")
        assert_quiet(page)
