"""The web site and the slides, built and then looked at with headless Chromium, from the disk and from a server."""

import ast
import html
import http.server
import io
import json
import os
import re
import subprocess
import sys
import threading
import token
import tokenize
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import nbformat
import numpy as np
import pytest
from chromium import Browser
from matplotlib.colors import to_rgb
from PIL import Image

from course_utils import compare, plots, rules

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "tested" / "site"  # not build/site: its links lead to a repository that is not there
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
READY = "new Promise(done => (function wait() { Reveal?.isReady?.() ? done() : setTimeout(wait, 20) })())"
REPOSITORY = "https://github.com/someone/course"


@pytest.fixture(scope="module")
def built():
    """Decks and site, made as `make slides site` makes them, as if the repository were on GitHub."""
    sphinx = "-m sphinx -W --keep-going -q -d build/tested/doctrees -c docs . build/tested/site"
    environment = os.environ | {"COURSE_REPOSITORY": REPOSITORY}
    for command in (["tools/slides.py"], sphinx.split()):
        run = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
        )
        assert run.returncode == 0, run.stdout + run.stderr
    return SITE


@pytest.fixture(scope="module")
def pages(built):
    return {str(path.relative_to(built)): path for path in sorted(built.rglob("*.html")) if "_static" not in path.parts}


@pytest.fixture(scope="module")
def texts(pages):
    return {name: path.read_text("utf-8") for name, path in pages.items()}


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


def is_deck(name):
    return name.startswith("slides/") and re.search(r"/(\d\d_|lecture)", name)


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
  const images = [...document.images];
  return {
    raw, formulas: document.querySelectorAll("mjx-container svg, article math").length,
    errors: document.querySelectorAll("mjx-container [data-mml-node=merror], mjx-container [fill=red], merror").length,
    broken: images.filter(image => !image.naturalWidth).map(image => image.src.slice(0, 80)),
    wordless: images.filter(image => !image.hasAttribute("alt")).length,
    figures: images.filter(image => image.alt.split(" ").length >= 8).length,
  };
})()"""
# All pictures are there, those for the other colours, too; DECODED: and can be photographed, which takes far longer.
LOADED = """Promise.all([window.MathJax ? MathJax.startup.promise : 0, ...[...document.images].map(image => {
  image.loading = "eager";
  return image.complete || new Promise(done => image.onload = image.onerror = done);
})]).then(() => 0)"""
DECODED = "Promise.all([...document.images].map(image => image.decode().catch(() => 0))).then(() => 0)"
UNFOLD = "document.querySelectorAll('details').forEach(fold => fold.open = true)"


def assert_complete(page, chapter=False):
    page.evaluate(LOADED)
    found = page.evaluate(COMPLETE)
    assert found["raw"] == [], page.address
    assert (found["errors"], found["broken"], found["wordless"]) == (0, [], 0), page.address
    if chapter:
        assert found["formulas"] >= 5
        assert found["figures"] >= 5


# --- The pages --------------------------------------------------------------------------------------------------


def assert_opens_with_a_picture_and_one_thing_to_do(page, stem, height):
    """Of a chapter as it opens. The picture is one that is not seen again soon, nor what a prediction asks."""
    lead = "document.querySelector('figure.lead img').getBoundingClientRect()"
    assert page.evaluate(f"{lead}.width") >= 330
    assert page.evaluate(f"{lead}.bottom") <= height, stem
    if page.evaluate("document.querySelector('figure.lead a').pathname == location.pathname"):
        figure = "document.querySelector(document.querySelector('figure.lead a').hash)"
        assert page.evaluate(f"{figure}.matches('figure.shown')")
        assert page.evaluate(f"{figure}.closest('.predict-held') === null"), f"{stem} opens with an answer"
        folded = 1e9  # is far off
        top = page.evaluate(f"{figure}.checkVisibility() ? {figure}.getBoundingClientRect().top : {folded}")
        assert top > 3 * height, f"{stem} shows the same picture twice"
    shown = "[...document.querySelectorAll('.run a')].filter(link => link.checkVisibility()).length"
    assert page.evaluate(shown) <= 2, "where a chapter can be run is folded"
    assert page.evaluate("document.querySelectorAll('.main-way').length") == (stem != CHAPTERS[0])
    section = "document.querySelector('.main-way')?.closest('section').querySelector('h2').textContent ?? ''"
    read = page.evaluate(section).startswith("What to remember")
    assert read == (stem != CHAPTERS[0]), "once the chapter is read"


def test_a_chapter_s_first_picture_says_what_it_shows_and_leads_to_its_figure(texts, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import pages as makes_pages

    for stem in CHAPTERS:
        lead = texts[f"notebooks/{stem}.html"].partition('<figure class="lead">')[2].partition("</figure>")[0]
        words, there, anchor = re.search(r'<figcaption>(.+)\s\(<a href="(\w+\.html)?#([\w-]+)">', lead).groups()
        assert len(words.split()) >= 7
        target = texts[f"notebooks/{there or stem + '.html'}"].partition(f'id="{anchor}"')[2].partition("</figure>")[0]
        of, cell, *_ = makes_pages.LEADS[stem]
        words = next(said for shows, _, said, *_ in makes_pages.figures(makes_pages.read(of)) if shows == cell)
        assert f'alt="{html.escape(words)}"' in target, f"{stem}: {anchor} is another figure"


def test_every_caption_is_a_finding_in_a_sentence(texts):
    """What one should see; what there is to see (axes, panels, curves) follows in the words for those who do not."""
    described = re.compile(
        r"^(Left|Right|Above|Below|Top|Bottom|Contours|Curves|Lines|Panels)\b|\b(axis|axes|log scale)\b"
    )
    for stem in CHAPTERS:
        captions = re.findall(r'<span aria-hidden="true">(.+?)</span></figcaption>', texts[f"notebooks/{stem}.html"])
        assert len(captions) >= 5
        for caption in map(html.unescape, captions):
            assert caption.endswith((".", "!", "?")), f"{stem}: {caption}"
            assert 5 <= len(caption.split()) <= 30, f"{stem}: {caption}"
            assert not described.search(caption), f"{stem}: {caption}"


def test_every_page_on_a_phone_and_on_a_laptop(pages, browser):
    assert {f"notebooks/{stem}.html" for stem in CHAPTERS} <= set(pages)
    cut = "pre => pre.scrollWidth > pre.clientWidth + 1"
    cut = f"[...document.querySelectorAll('article :is(pre, .printed)')].filter({cut}).length"
    inside = """[...document.querySelectorAll("article math")].every(math =>
      math.closest(".formula, .long, .table-wrapper") || math.getBoundingClientRect().right <= 390)"""
    for name, path in pages.items():
        if is_deck(name):
            continue  # slides have a fixed size, see below
        with browser.open(path.as_uri(), width=390, height=844) as page:
            if name.startswith("notebooks/"):
                for width, height in ((390, 844), (1280, 720)):
                    page.page.set_viewport_size({"width": width, "height": height})
                    assert_opens_with_a_picture_and_one_thing_to_do(page, path.stem, height)
                page.page.set_viewport_size({"width": 390, "height": 844})
            page.evaluate(UNFOLD)
            assert_complete(page, chapter=name.startswith("notebooks/"))
            assert page.evaluate("document.scrollingElement.scrollWidth") == 390, name
            assert page.evaluate(inside), f"a formula of {name} is cut"
            page.page.set_viewport_size({"width": 1280, "height": 720})
            assert page.evaluate("document.scrollingElement.scrollWidth") == 1280, name
            assert page.evaluate(cut) == 0, f"code or print-outs of {name} are cut"
            assert_quiet(page)


@pytest.mark.parametrize(
    "name", ["index.html", "notebooks/04_momentum.html", "notebooks/09_adam.html", "docs/api.html", "search.html"]
)
def test_from_a_server_complete_and_light(name, browser, server):
    with browser.open(f"{server}/{name}") as page:
        bytes_of = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .filter(entry => !/[.](png|webp|svg|mp4|ico)$/.test(new URL(entry.name).pathname))
          .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
        assert 10_000 < page.evaluate(bytes_of) <= 700_000
        assert_complete(page)
        assert page.evaluate("document.scrollingElement.scrollWidth") == 1280
        assert_quiet(page)


def test_the_first_page_opens_three_doors_and_ten_chapters(texts, browser, pages):
    text = texts["index.html"]
    assert re.findall(r'<a class="door[^>]*href="([^"]+)"', text) == [
        "notebooks/01_challenges.html",
        "docs/lecturers.html",
        "README.html#Set-up",
    ]
    assert re.findall(r'<a class="chapter" href="notebooks/(\w+)\.html"', text) == CHAPTERS
    assert len(re.findall(r">exercise, \d+ min<", text)) == 9, "nine chapters have an exercise, with its minutes"
    with browser.open(pages["index.html"].as_uri()) as page:
        race = "document.querySelector('optimizer-knobs')"
        assert page.evaluate(f"customElements.whenDefined('optimizer-knobs').then(() => {race}.offsetHeight)") > 150
        assert page.evaluate(f"{race}.getBoundingClientRect().bottom") <= 720, "the race is seen without scrolling"
        assert page.evaluate(f"{race}.waits"), "and waits for a guess"
    (asked,) = re.findall(r'playground/index\.html#preset=([\w-]+)"', text)
    assert asked in re.findall(r"^  \W?([\w-]+)\W?: \[", (ROOT / "docs/playground/presets.js").read_text("utf-8"), re.M)
    assert f'preset="{asked}"' not in text, "it links to a question that the race beside it has answered"


def test_a_chapter_leads_to_its_exercise_and_that_to_the_next_chapter(texts):
    here, seen = "notebooks/01_challenges.html", []
    while here.startswith(("notebooks/", "exercises/")):
        seen.append(here)
        following = re.search(r'<link rel="next" [^>]*href="([^"]+)"', texts[here])[1]
        here = os.path.normpath(Path(here).parent / following)
    exercises = [f"exercises/{stem}/{stem}.html" for stem in CHAPTERS[1:]]
    pairs = zip([f"notebooks/{stem}.html" for stem in CHAPTERS[1:]], exercises, strict=True)
    assert seen == ["notebooks/01_challenges.html", *(name for pair in pairs for name in pair)]


def test_in_the_margin_an_exercise_is_called_an_exercise(texts):
    margin = texts["notebooks/04_momentum.html"].partition('class="sidebar-tree"')[2].partition("</nav>")[0]
    margin = margin or texts["notebooks/04_momentum.html"]
    said = re.findall(r'<a class="[^"]*reference internal" href="[^"]*exercises/\d\d[^"]*">([^<]+)</a>', margin)
    assert said[:9] == [f"Exercise {number}" for number in range(2, 11)]


def test_every_page_has_a_title_a_description_and_a_picture(texts, built):
    titles = set()
    for name, text in texts.items():
        if name.startswith(("slides/", "playground/")):
            continue
        head = text[: text.index("</head>")]
        (title,) = re.findall(r"<title>(.*?)</title>", head)
        titles.add(title)
        assert title.count("Optimization in deep learning") <= 1
        description = re.search(r'<meta name="description" content="([^"]+)"', text)[1]
        assert len(description) > 40
        assert not name.startswith("notebooks/") or "?" in description, "what a chapter asks, not how long it takes"
        (picture,) = re.findall(r'<meta property="og:image" content="([^"]+)"', text)
        assert (built / Path(name).parent / picture).is_file()
        assert 'rel="shortcut icon"' in text
    assert len(titles) == sum(not name.startswith(("slides/", "playground/")) for name in texts)


def test_what_is_not_for_readers_is_folded_or_away(texts):
    for stem in CHAPTERS:
        text = texts[f"notebooks/{stem}.html"]
        cells = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", 4).cells
        assert "NBVAL_CHECK_OUTPUT" not in text
        notes = sum(
            cell.metadata.get("slideshow", {}).get("slide_type") == "notes"
            or cell.source.startswith("*For lecturers:*")
            for cell in cells
        )
        assert text.count('<details class="lecturers">') == notes
        deeper = [cell.source for cell in cells if re.match("#+ Deeper: ", cell.source)]
        assert text.count('<details class="deeper">') == len(deeper)
        setup = sum("setup" in cell.metadata.get("tags", []) for cell in cells)
        assert "setup" in cells[-1].metadata.get("tags", []), "how long the notebook ran: not on the page"
        assert text.count('<p class="collapsed admonition-title">Set-up</p>') == setup - 1
    for name, text in texts.items():
        if name.startswith("exercises/"):
            locked = nbformat.read(ROOT / name.replace(".html", ".ipynb"), 4).cells
            checks = sum(c.metadata.get("nbgrader", {}).get("grade", False) and c.cell_type == "code" for c in locked)
            assert text.count("Show the check</p>") == checks > 0
            assert "Validate</strong> above" not in text


def test_figures_are_numbered_and_films_have_a_poster(texts, built):
    for number, stem in enumerate(CHAPTERS, 1):
        text = texts[f"notebooks/{stem}.html"]
        found = re.findall(r'<figure class="shown" id="figure-(\d+)-(\d+)">', text)
        assert found == [(str(number), str(i)) for i in range(1, len(found) + 1)]
        assert len(found) >= 5
        pictures = re.findall(r'<img class="only-(light|dark)" alt="[^"]{30,}"([^>]*)>', text)
        assert [light for light, _ in pictures] == ["light", "dark"] * (len(pictures) // 2)
        for _, rest in pictures:
            assert re.search(r' loading="lazy" width="\d+" height="\d+"', rest), "no jump when it arrives"
        for poster in re.findall(r'<video [^>]*poster="\.\./([^"]+)"', text):
            assert (built / poster).stat().st_size > 1000
        assert "data:video" not in text


def test_in_the_dark_lines_are_light_and_colour_maps_are_what_they_were(texts, built, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import dark

    white, black, yellow, contour = dark.darkened(
        np.array([[1, 1, 1], [0, 0, 0], [0.99, 0.91, 0.14], [0.85, 0.85, 0.85]])
    )
    np.testing.assert_allclose(white, dark.PAGE, atol=1e-6)
    assert black.min() > 0.9
    assert yellow[:2].min() > 0.8 > 0.4 > yellow[2], "bright yellow stays bright and yellow"
    assert contour.min() > 0.33, "a thin line on white is seen on black, too"
    for pale, kin in (("nesterov", "momentum"), ("rmsprop_momentum", "rmsprop_nesterov")):
        colours = [dark.darkened(np.array(to_rgb(plots.COLOURS[name][0]))) for name in (pale, kin)]
        paler, darker = (dark.oklab(colour)[0] for colour in colours)
        assert paler > darker + 0.05 > 0.7, "what is paler on white is paler on black, and both are seen"
    kept = {}
    for stem in CHAPTERS:
        text = texts[f"notebooks/{stem}.html"]
        pairs = re.findall(
            r'<img class="only-light" alt="([^"]{30,})"[^>]*src="\.\./([^"]+)"><img [^>]*src="\.\./([^"]+)"', text
        )
        assert len(pairs) >= 5
        for words, light, night in pairs:
            light, night = (np.asarray(Image.open(built / file).convert("RGB"))[::4, -1::-4] for file in (light, night))
            same = (light == night).all(-1)
            edge = night[0][(light[0] >= 254).all(-1)]  # some palettes have 254 for white
            assert len(edge)
            assert (edge == np.round(255 * dark.PAGE)).all(), f"{stem}: {words}"
            if same.mean() > 0.2:
                kept[stem] = words
    assert [words[:13] for words in kept.values()] == ["Inside the un", "On raw images"], kept


def test_a_chapter_says_how_long_it_takes_before_it_names_the_talk(texts):
    for stem in CHAPTERS:
        opening = texts[f"notebooks/{stem}.html"].partition("</h1>")[2]
        said = re.sub(r"\s+", " ", re.search(r"<p>(.*?)</p>", opening, re.DOTALL)[1])
        plain = re.sub("’", "'", re.sub(r"<[^>]+>", "", said))
        long = r"\d+ minutes, and \d+ more for the sections called Deeper, which can wait\."
        assert re.match(rf"{long} You need:? .+\. It follows .*slides? ", plain), plain
        assert 'href="../README.html#' in said.partition("It follows")[2], "a stranger asks: which talk?"
        assert "← " not in opening, "one way from chapter to chapter, not two"


def test_a_chapter_opens_with_its_question_beside_its_picture(texts, pages, browser):
    for stem in CHAPTERS:
        asks = texts[f"notebooks/{stem}.html"].partition("</h1>")[2].lstrip().removeprefix('<p class="asks">')
        asks = asks.partition("</p>")[0]
        assert re.fullmatch(r"[^<]{20,90}\?", asks), "before how long it takes"
        assert f"<p>{asks}</p>" in texts["index.html"], "as on the first page"
    for width, height in ((390, 844), (1280, 720)):
        with browser.open(pages["notebooks/09_adam.html"].as_uri(), width=width, height=height) as page:
            asks, picture, needs = page.evaluate(
                "['.asks', '.lead img', '.asks ~ p:has(+ .run)'].map(one => "
                "document.querySelector(one).getBoundingClientRect().toJSON())"
            )
            assert asks["bottom"] <= needs["top"]
            assert (asks["right"] <= picture["left"]) == (width > 640), "beside it, where there is room"
            assert (asks["bottom"] <= picture["top"]) == (width < 640)
            size = "one => parseFloat(getComputedStyle(document.querySelector(one)).fontSize)"
            asks, needs = page.evaluate(f"['.asks', '.asks ~ p:has(+ .run)'].map({size})")
            assert asks > 16 > needs


@pytest.mark.parametrize("width", [390, 1280])
def test_what_not_every_reader_looks_for_is_one_line_of_links(pages, browser, width):
    with browser.open(pages["notebooks/04_momentum.html"].as_uri(), width=width, height=844) as page:
        line = page.page.locator(".run")
        assert line.inner_text().split("\n") == [
            *("Exercise, 65 min", "Slides", "Run it yourself" if width > 640 else "Run it", "For lecturers")
        ]
        assert line.bounding_box()["height"] < 50
        assert line.bounding_box()["y"] < 800, "with the question and the picture"
        line.locator("summary").first.click()
        assert line.locator("text=Set-up").first.is_visible()
        assert page.evaluate("document.querySelectorAll('section > details.lecturers').length") >= 1, "others: in place"


def test_a_folded_section_opens_where_it_is_named(pages, browser):
    with browser.open(pages["notebooks/09_adam.html"].as_uri()) as page:
        fold = page.page.locator("section > details.deeper").first
        fold.scroll_into_view_if_needed()
        title = fold.locator("xpath=../h2").bounding_box()
        page.page.mouse.click(title["x"] + 20, title["y"] + title["height"] / 2)
        assert fold.evaluate("fold => fold.open")


def test_an_exercise_says_first_where_to_do_it_and_then_what_it_asks(texts):
    for stem in CHAPTERS[1:]:
        text = texts[f"exercises/{stem}/{stem}.html"].partition("</head>")[2]
        places = [
            text.index(part) for part in ("<h1>", '<nav class="run', "Do it in JupyterLab", "<table", "YOUR CODE HERE")
        ]
        assert places == sorted(places), stem


def test_lines_of_the_package_are_shown_and_not_how_they_are_fetched(texts):
    for stem in CHAPTERS:
        assert "getsource" not in texts[f"notebooks/{stem}.html"]
    assert 'heapq<span class="o">.</span>heapify' in texts["notebooks/05_asynchronous_sgd.html"], (
        "set as code, in its colours"
    )


COLUMNS = """\
depth width   6ND of a step  share
    1    16         9.8e+06     7%
    2  1024         4.2e-07     -1%
largest: 641 times"""
NAMED = """\
expected accuracy (%)
K                       1      2      3
rates up to 2.0 decades
gradient_descent    69.42  87.60  92.46
rmsprop, beta1 0.9  7.235    ---  94.66
rates up to 1.3 decades
adam                76.22  inf"""
MEASURED = """\
12 seeds              lr   error (%), range           against SGD, beta = 0.9
adam, no root      0.046   3.56 +- 0.2 (2.9 to 5.1)   could not be told apart
rmsprop_momentum  0.0001   4.1 +- 0.11 (3 to 4.7)                    -0.5"""
SENTENCES = """\
lr 0.1  : loss   0.12 (0.10 to 0.13),  94.8% right
lr 10   : loss  12.30 (2.29 to 2.31),  10.1% right
lr 1e-3 : loss   0.25 (0.20 to 0.31),  72.2% right"""


def test_columns_under_a_heading_are_a_table(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import printed

    def read(text):
        """The rows of a table, without the blanks that set points below points, and the lines outside of it."""
        tree = ElementTree.fromstring(f"<div>{printed.page(text).replace('<br>', ' / ')}</div>")
        rows = [["".join(cell.itertext()).rstrip("\u2007\u2008") for cell in row] for row in tree.iter("tr")]
        return rows, ["".join(line.itertext()) for line in [*tree.iter("p"), *tree.iter("span")]]

    assert read(COLUMNS) == (
        [
            ["depth", "width", "6ND of a step", "share"],
            *(["1", "16", "9.8 · 106", "7%"], ["2", "1024", "4.2 · 10−7", "−1%"]),
        ],
        ["largest: 641 times"],
    )
    assert read(NAMED) == (
        [
            ["K", "1", "2", "3"],
            *(["rates up to 2.0 decades"], ["gradient descent", "69.42", "87.60", "92.46"]),
            *(["RMSProp, β₁ 0.9", "7.235", "–", "94.66"], ["rates up to 1.3 decades"], ["Adam", "76.22", "∞", ""]),
        ],
        ["expected accuracy (%)"],
    )
    assert read(MEASURED)[0] == [
        ["12 seeds", "lr", "error (%), range", "against SGD, β = 0.9"],
        ["Adam, no root", "0.046", "3.56 ± 0.2 (2.9 to 5.1)", "could not be told apart"],
        ["RMSProp + momentum", "0.0001", "4.1 ± 0.11 (3 to 4.7)", "−0.5"],
    ]
    assert read("t 1: mean v / E[g^2] 0.001")[1] == ["t 1: mean\u00a0v\u00a0/\u00a0E[g2]\u00a00.001"], "not broken"
    assert read("            loss\nSGD          0.3\nmomentum    0.25")[0][0] == ["", "loss"]
    first = re.findall(r"<tr><td[^>]*>[^<]*</td><td>([^<]+)</td>", printed.page(NAMED))
    assert first == ["69.42\u2007", "7.235", "76.22\u2007"], "points below points"
    pair = compare.Differences([(rules.adam, rules.rmsprop)], *np.array([[0.5], [-0.25], [1.25]]))
    heads = ["test accuracy, points", "difference", "95 % limits", "told apart?"]
    assert read(str(pair)) == ([heads, ["Adam minus RMSProp", "+0.50", "−0.25 to +1.25", "no"]], [])
    assert read(SENTENCES) == ([], SENTENCES.split("\n")), "sentences stay as they were printed"
    assert read("x < 1 & y > 2\n2e-160 at r_t^2") == ([], ["x < 1 & y > 2 / 2 · 10−160 at rt2"])
    for code in ("    x = g(x)\n    return x", "def f(x):\n    return x", "[[1. 2.]\n [3. 4.]]"):
        assert printed.page(code) is None, "code and arrays stay as they are"


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_page_has_all_that_was_printed(stem, monkeypatch):
    """Every number and word is there as often as it was printed, and no other; no column is without a head."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import printed

    def words(text):
        text = re.sub(
            r"(?<![\w.)])(\d[\d.]*)e[-+]?0*(\d+)(?!\w)", lambda e: f"{e[1]} 10 {e[2]}".removeprefix("1 "), text
        )
        for sign, word in {"β": "beta", "ε": "eps", "σ": "sigma", "∞": "inf", "₁": "1", "₂": "2", "√": "sqrt"}.items():
            text = text.replace(sign, word)
        return Counter(re.findall(r"[^\W_]+", text.lower()))

    seen = 0
    for cell in nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", 4).cells:
        for text in (output.text for output in cell.get("outputs", []) if "text" in output):
            if (made := printed.page(text)) is None:
                continue
            seen += 1
            said = re.sub(r"</?(?:su[bp])>", " ", made)
            assert words(html.unescape(re.sub(r"<[^>]+>", " ", said))) == words(text), text
            for table in re.findall(r"<thead>.*?</thead>", made):
                heads = re.findall(r"<th[^>]*>(.*?)</th>", table)
                assert all(heads[1:]), text
    assert seen >= 8


def test_formulas_are_well_formed(texts):
    """An element of MathML that has not the parts it needs is drawn as an error, or as a row."""
    parts = {"msub": 2, "msup": 2, "mfrac": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}
    for name, text in texts.items():
        for formula in re.findall(r"<math.*?</math>", text, re.DOTALL):
            assert "<mo>&#x02016;" not in formula, f"{name}: a browser stretches one bar of a norm and not the other"
            for element in ElementTree.fromstring(formula).iter():
                kind = element.tag.rpartition("}")[2]
                assert len(element) == parts.get(kind, len(element)), f"{name}: {formula}"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_root_sign_is_as_high_as_what_it_covers(pages, browser, dark):
    """It is set at the top: what it has too much would hang below the line."""
    with browser.open(pages["notebooks/04_momentum.html"].as_uri(), dark=dark) as page:
        page.evaluate(UNFOLD)
        page.evaluate("document.fonts.ready.then(() => 0)")
        hangs = """[...document.querySelectorAll("msqrt")].map(root => [root.textContent,
          (root.getBoundingClientRect().bottom - root.lastElementChild.getBoundingClientRect().bottom)
            / parseFloat(getComputedStyle(root).fontSize)])"""
        found = page.evaluate(hangs)
        assert {"k", "β", "μ", "19"} <= {text for text, _ in found}
        assert all(-0.01 < hang < (0.12 if len(text) < 3 else 0.25) for text, hang in found), found


def test_on_a_phone_formulas_break_before_a_sign_and_what_is_longer_says_so(pages, browser):
    of, longer = 0, 0
    for stem in CHAPTERS:
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri(), width=390, height=844) as page:
            page.evaluate(UNFOLD)
            formulas = "[...document.querySelectorAll('article .formula')]"
            wide = f"{formulas}.filter(one => one.scrollWidth > one.clientWidth + 1)"
            of, longer = of + page.evaluate(f"{formulas}.length"), longer + page.evaluate(f"{wide}.length")
            assert page.evaluate(
                f"{wide}.every(one => getComputedStyle(one).backgroundImage.includes('linear-gradient'))"
            )
    print(f"{longer} of {of} formulas go on at the right")
    assert of >= 100
    assert longer <= of / 15


def test_a_formula_breaks_between_equations_and_before_signs_outside_of_parentheses(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from latex2mathml.converter import convert
    from pages import broken

    for formula, pieces in (
        (r"v_t = \beta v_{t-1} + g_t = a, \qquad x = -v", [["vt=βvt−1", "+gt", "=a,"], ["x=−v"]]),
        (r"f(x) - f^* \le (a + b)^2 (c = d) - e", [["f(x)−f*≤(a+b)2(c=d)", "−e"]]),
        (r"-x", [["−x"]]),
        (r"\boxed{a = b + c}", [["a=b+c"]]),
    ):
        shown = [
            ["".join(ElementTree.fromstring(piece).itertext()) for piece in row] for row in broken(convert(formula))
        ]
        assert [[piece.replace(" ", "") for piece in row] for row in shown] == pieces


def test_on_a_phone_what_goes_on_at_the_right_says_so_and_a_table_is_cards(pages, browser):
    with browser.open(pages["notebooks/04_momentum.html"].as_uri(), width=390, height=844) as page:
        page.evaluate(UNFOLD)
        for what, least in (("article .cell_input pre", 20), ("article .cell_output :is(pre, .printed)", 2)):
            wide = f"[...document.querySelectorAll('{what}')].filter(pre => pre.scrollWidth > pre.clientWidth)"
            assert page.evaluate(f"{wide}.length") >= least
            shadows = f"{wide}.every(pre => getComputedStyle(pre).backgroundImage.split('linear-gradient').length == 3)"
            assert page.evaluate(shadows), what
        open_code = (
            "[...document.querySelectorAll('article .cell > .cell_input')]"  # before folds were opened, and after
        )
        assert page.evaluate(f"{open_code}.some(code => code.textContent.includes('def momentum'))"), "the rule is open"
        assert page.evaluate(
            f"{open_code}.every(one => one.closest('.tag_rule, .tag_loop') || "
            "one.textContent.trim().split('\\n').length < 6)"
        )
        lines = "[...document.querySelectorAll('p.printed, .lines > span')]"  # a sentence that was printed is wrapped
        assert page.evaluate(f"{lines}.length") >= 5
        assert page.evaluate(f"{lines}.every(line => line.scrollWidth <= line.clientWidth)")
        row = "document.querySelector('.stacked tbody tr')"
        assert page.evaluate(f"parseFloat(getComputedStyle({row}).borderTopWidth)") >= 1
        beside = f"getComputedStyle({row}.cells[1]).gridTemplateColumns.split(' ').length"
        assert page.evaluate(beside) == 2, "an entry stands beside its column's name"
    for stem in CHAPTERS:  # what fits by having a word a line is cards as well, and what waited for a guess
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri(), width=390, height=844) as page:
            page.evaluate(UNFOLD)
            page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
            page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            wide = "[...document.querySelectorAll('.table-wrapper')].filter(one => one.scrollWidth > one.clientWidth)"
            assert page.evaluate(f"{wide}.length") == 0, stem
            cells = "[...document.querySelectorAll('td > p')].filter(p => p.offsetWidth < 110 && p.offsetHeight > 110)"
            assert page.evaluate(f"{cells}.length") == 0, stem
    with browser.open(pages["notebooks/10_which_optimizer.html"].as_uri(), width=768, height=900) as page:
        shown = "[...document.querySelectorAll('.cell_output :is(pre, .printed)')]"
        wide = f"{shown}.filter(one => one.scrollWidth > one.clientWidth)"
        assert page.evaluate(f"{wide}.length") >= 1, "on a tablet, too"
        assert page.evaluate(f"{wide}.every(pre => getComputedStyle(pre).backgroundImage.includes('linear-gradient'))")


def test_on_a_phone_panels_stand_below_each_other(pages, browser):
    """Figures of several panels are seen whole and keep letters that can be read; a tap opens what was tapped."""
    with browser.open(pages["notebooks/04_momentum.html"].as_uri()) as page:
        page.evaluate(UNFOLD)
        panels = "[...document.querySelectorAll('.panels')]"
        whole = page.evaluate(f"{panels}.map(figure => Number(figure.firstChild.getAttribute('width')))")
        assert len(whole) >= 4
        assert page.evaluate(f"{panels}.every(figure => figure.children.length == 2)")
    with browser.open(pages["notebooks/04_momentum.html"].as_uri(), width=390, height=844) as page:
        page.evaluate(UNFOLD)
        page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
        shown = "[...figure.children].filter(panel => panel.offsetWidth)"
        natural = f"{shown}.map(panel => panel.offsetWidth / Number(panel.getAttribute('width')))"
        assert min(page.evaluate(f"{panels}.flatMap(figure => {natural})")) > 0.7
        scales = f"figure => new Set({natural}.map(scale => scale.toFixed(1))).size"
        assert page.evaluate(f"{panels}.map({scales})") == [1] * len(whole), "to one scale"
        own = "(1 - parseFloat(getComputedStyle(panel).paddingLeft) / panel.offsetWidth)"  # the margin is borrowed
        parts = f"{shown}.reduce((sum, panel) => sum + Number(panel.getAttribute('width')) * {own}, 0)"
        assert page.evaluate(f"{panels}.map(figure => {parts})") == pytest.approx(whole, abs=1), "nothing is left out"
        within = f"{shown}.every(panel => panel.getBoundingClientRect().right <= 390)"
        assert page.evaluate(f"{panels}.every(figure => {within})")
        page.page.locator(".panels img.only-light").nth(1).tap(position={"x": 300, "y": 100})
        left = page.evaluate("document.querySelector('dialog.large').scrollLeft")
        assert left == page.evaluate("innerWidth"), "tapped at the right, it shows its right half"


def test_on_a_phone_a_panel_below_another_has_its_numbers(pages, browser):
    """Panels that share the numbers of an axis have as much ink at the left, the upper one and the lower one."""
    with browser.open(pages["notebooks/01_challenges.html"].as_uri(), width=390, height=844) as page:
        page.evaluate("document.querySelector('.back-to-top').remove()")
        panels = page.page.locator("figure:has-text('Wider networks read more digits') .panels img.only-light")
        margins = []
        for panel in panels.all():
            panel.scroll_into_view_if_needed()
            page.evaluate(LOADED)
            page.evaluate(DECODED)
            picture = Image.open(io.BytesIO(panel.screenshot())).convert("L")
            margins.append(np.asarray(picture)[20:100, :40] < 200)
        upper, lower = margins
        assert 0.05 < upper.mean()
        assert lower.mean() == pytest.approx(upper.mean(), rel=0.2)


def test_on_a_phone_a_title_of_all_panels_stands_whole_above_them(pages, browser):
    with browser.open(pages["notebooks/08_rmsprop.html"].as_uri(), width=390, height=844) as page:
        page.evaluate(UNFOLD)
        page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
        figure = page.page.locator("figure:has-text('after a warm-up the three best rates') .panels")
        title = figure.locator("div.only-light")
        title.scroll_into_view_if_needed()
        page.page.wait_for_timeout(300)
        picture = np.asarray(Image.open(io.BytesIO(title.screenshot())).convert("L")) < 128
        edges = picture[:, [0, 1, -2, -1]].any()
        assert picture.mean() > 0.03
        assert not edges, "no letter is cut"
        assert title.bounding_box()["width"] <= 390
        top = "(figure => figure.querySelector('img.only-light').getBoundingClientRect().top)"
        assert figure.evaluate(top) < title.bounding_box()["y"] + 5, "its room is taken from the panels"


def test_the_first_page_at_every_width(pages, browser):
    for width, height in ((390, 844), (705, 900), (768, 900), (970, 900), (1280, 720), (1600, 900)):
        with browser.open(pages["index.html"].as_uri(), width=width, height=height) as page:
            assert page.evaluate("document.querySelector('.door.strong').getBoundingClientRect().bottom") <= height
            tops = "[...document.querySelectorAll('.door')].map(door => Math.round(door.getBoundingClientRect().top))"
            if width > 640:
                rows = len(set(page.evaluate(tops)))
                assert rows == (1 if width < 1024 else 3), f"three doors in one row, or one column, at {width}"
                columns = "[...document.querySelectorAll('.card')].map(card => Math.round(card.offsetLeft))"
                assert len(set(page.evaluate(columns))) == 2, f"five rows of two at {width}"
            if width == 390:
                assert page.evaluate("document.scrollingElement.scrollHeight") < 3500, "ten chapters, in four screens"
                parts = "[...document.querySelectorAll('.first h1, optimizer-knobs, .door.strong, .claim p, .card')]"
                by_height = f"{parts}.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
                order = page.evaluate(f"{by_height}.filter(one => one.offsetHeight).map(one => one.localName)")
                assert order[:3] == ["h1", "optimizer-knobs", "a"], "the claim, what one sees, where one begins"
                times = "Math.max(...[...document.querySelectorAll('.card .time')].map(time => time.offsetHeight))"
                assert page.evaluate(times) < 30, "the minutes, in one line"
            covers = "Math.min(...[...document.querySelectorAll('.card img')].map(img => img.offsetWidth || 999))"
            assert page.evaluate(covers) >= (250 if width > 640 else 75), "on a phone beside the words"
            if width >= 1280:
                assert page.evaluate("document.querySelector('.race').offsetWidth") > 740
            asks = "[...document.querySelectorAll('.card p:not(.time)')].map(line => line.textContent.trim())"
            assert all(line.endswith("?") for line in page.evaluate(asks))


def test_the_first_page_s_race_shows_what_will_run(pages, browser):
    """Before anybody has guessed: the first steps of three paths, standing still, and a button one wants to press."""
    inks = """(map => {
      const {data} = map.getContext("2d").getImageData(0, 0, map.width, map.height), seen = {};
      for (let i = 0; i < data.length; i += 4) {
        const ink = [data[i], data[i + 1], data[i + 2]].join();
        seen[ink] = (seen[ink] ?? 0) + 1;
      }
      return seen;
    })(document.querySelector("optimizer-knobs").map)"""
    knobs = "document.querySelector('optimizer-knobs')"
    caption = "document.querySelector('.race figcaption').textContent"
    with ExitStack() as stack:
        opened = []
        for width, height in ((390, 844), (1280, 720)):
            page = stack.enter_context(browser.open(pages["index.html"].as_uri(), width=width, height=height))
            page.page.wait_for_function(f"{knobs}.race")
            page.page.wait_for_timeout(200)
            before = page.evaluate(inks)
            for rule in ("momentum", "rmsprop", "adam"):
                colour = ",".join(str(round(255 * part)) for part in to_rgb(plots.COLOURS[rule][0]))
                assert before.get(colour, 0) > 60, f"{rule} at {width}"
            page.page.wait_for_timeout(300)
            assert page.evaluate(inks) == before, "nothing moves"
            assert page.evaluate(f"{knobs}.waits")
            accent = page.evaluate("getComputedStyle(document.querySelector('.door.strong')).backgroundColor")
            assert page.evaluate(f"getComputedStyle({knobs}.button).backgroundColor") == accent
            page.evaluate(f"{knobs}.button.click()")
            page.page.wait_for_function(f"{knobs}.state.step > 12")
            assert not page.evaluate(f"{knobs}.waits")
            assert "times lower" not in page.evaluate(caption), "told before the end"
            opened.append(page)
        for page in opened:  # their races have run at the same time
            page.page.wait_for_function(f"{knobs}.state.step == 80 && {caption}.includes('times lower')")
            ends = page.evaluate(f"{knobs}.race.lanes.map(lane => [lane.heights.at(-1), lane.label])")
            (lowest, best), (second, _), _ = sorted(ends)
            said = page.evaluate(caption)
            assert f"{best} ends about {float(f'{second / lowest:.0e}'):.0f} times lower than the next." in said


def test_the_contents_are_in_sight_or_under_a_named_button_that_stays(pages, browser):
    with browser.open(pages["notebooks/04_momentum.html"].as_uri(), width=1152) as page:
        page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
        page.evaluate("scrollTo(0, 3000)")
        button = page.page.locator(".toc-content-icon")
        assert "Contents" in page.evaluate(
            "getComputedStyle(document.querySelector('.toc-content-icon'), '::after').content"
        )
        prose = "document.querySelector('article section > p').getBoundingClientRect().right"
        box = button.bounding_box()
        assert page.evaluate(prose) < box["x"] < box["x"] + box["width"] <= 1152
        code = "Math.max(...[...document.querySelectorAll('.cell')].map(cell => cell.getBoundingClientRect().right))"
        assert page.evaluate(code) <= box["x"], "it lies on no code"
        assert 0 <= box["y"] <= 720, "still there, far down the page"
        button.click()
        page.page.locator(".toc-drawer a[href$=remember]").click()
        assert "remember" in page.evaluate("location.hash")
        for width in (1280, 1312, 1440, 1600):
            page.page.set_viewport_size({"width": width, "height": 800})
            left, right, top = page.evaluate(
                "(({left, right, top}) => [left, right, top])(document.querySelector('.toc-sticky')"
                ".getBoundingClientRect())"
            )
            assert page.evaluate(code) <= left < right <= width, "beside the column"
            assert top == 0, "and there, far down the page"
            assert not button.is_visible()


def test_a_page_is_one_column(pages, browser):
    """Prose, code, figures, tables and knobs end at one edge; letters in figures are as large as the text's in all that
    fit, and never much smaller."""
    boxes = """(selector => [...document.querySelectorAll(selector)].filter(one => one.offsetWidth)
      .map(one => Math.round(one.getBoundingClientRect().width)))"""
    for stem, (width, height) in (
        ("01_challenges", (1280, 720)),
        ("04_momentum", (1440, 900)),
        ("06_nesterov_momentum", (1600, 900)),
    ):
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri(), width=width, height=height) as page:
            page.evaluate(UNFOLD)
            page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
            rem = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
            column = round(48 * rem)
            for kind, least in (
                *(("article section > p", 20), ("section > .cell .cell_input", 10)),
                *((".table-wrapper", 1), (".live-knobs", 1), ("figure.shown", 9)),
            ):
                found = page.evaluate(f"{boxes}('{kind}')")
                assert len(found) >= least, (kind, stem)
                assert max(found) == column, (kind, stem)
                assert kind == "article section > p" or min(found) >= column - 20, (kind, stem)  # but within a list
            ends = (
                "[...document.querySelectorAll('article *')].filter(one => one.offsetWidth && !one.closest('.formula'))"
            )
            edge = page.evaluate("document.querySelector('article').getBoundingClientRect().right")
            assert page.evaluate(f"Math.max(...{ends}.map(one => one.getBoundingClientRect().right))") <= edge + 1
            figures = "[...document.querySelectorAll('figure.shown :is(img, video)')].filter(one => one.offsetWidth)"
            scales = page.evaluate(
                f"{figures}.map(one => [one.offsetWidth / one.getAttribute('width'), "
                "Number(one.getAttribute('width'))])"
            )
            assert len(scales) >= 9
            for scale, natural in scales:
                assert scale == pytest.approx(min(1, 768 / natural) * rem / 16, rel=0.005)
                assert 16 * scale >= 13.5, "letters"
            middle = """one => {
              const [box, whole] = [one, one.closest("figure")].map(each => each.getBoundingClientRect());
              return Math.round((box.left + box.right - whole.left - whole.right) / 2); }"""
            assert set(page.evaluate(f"{figures}.map({middle})")) <= {-1, 0, 1}, "in the middle"


def test_nothing_on_the_first_page_jumps(pages, browser):
    """Neither when the race is there nor when its question has been answered."""
    for width, height in ((390, 844), (1280, 720), (1280, 800)):
        with browser.open(pages["index.html"].as_uri(), width=width, height=height) as page:
            knobs = "document.querySelector('optimizer-knobs')"
            page.page.wait_for_function(f"{knobs}.race")
            page.evaluate(
                "window.shifts = 0; new PerformanceObserver(list => list.getEntries().forEach(shift => "
                "(shifts += shift.value))).observe({type: 'layout-shift', buffered: true}); 0"
            )
            page.page.wait_for_timeout(300)
            assert page.evaluate("shifts") < 0.05, f"on loading, at {width}"
            at = "document.querySelector('#chapters').getBoundingClientRect().top + scrollY"
            before = page.evaluate(at)
            page.evaluate(f"{knobs}.answer(0)")
            page.page.wait_for_timeout(500)
            assert page.evaluate(at) == before


def test_on_a_laptop_no_line_of_code_goes_on_at_the_left(pages, browser):
    """Lines of 88 letters fit, in letters of 14 px; the few that cannot be broken go on indented, behind an arrow."""
    more = """[...document.querySelectorAll("div.highlight pre")].filter(code => code.offsetHeight).map(code => {
      const {lineHeight, paddingTop, paddingBottom} = getComputedStyle(code);
      const row = parseFloat(lineHeight), over = [...code.querySelectorAll(".over")];
      const rows = (code.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom)) / row;
      const further = over.reduce((sum, one) => sum + Math.round(one.getBoundingClientRect().height / row) - 1, 0);
      return Math.round(rows) - further - code.textContent.replace(/\\n$/, "").split("\\n").length;
    })"""
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    size = f"Math.min(...[...document.querySelectorAll('div.highlight pre')].map({size}))"
    for stem in ("04_momentum", "09_adam"):
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri()) as page:
            page.evaluate(UNFOLD)
            for width in (1024, 1152, 1280, 1312, 1320, 1440, 1552, 1584, 1600):
                page.page.set_viewport_size({"width": width, "height": 800})
                assert max(page.evaluate(more)) == 0, (stem, width)
                assert page.evaluate(size) >= (14 if width >= 1152 else 12)
            over = page.evaluate(
                """[...document.querySelectorAll("div.highlight .over")].filter(one => one.offsetHeight).map(one => {
                  const [row, words] = [one.getClientRects()[0], document.createRange()];
                  words.selectNodeContents(one);
                  const rows = [...words.getClientRects()].filter(box => box.width > 1);
                  return [Math.min(...rows.filter(box => box.top > row.top + 10).map(box => box.left)) - row.left,
                    parseFloat(one.style.getPropertyValue("--at")), getComputedStyle(one, "::before").content[1]];
                })"""
            )
            assert len(over) >= 2
            for left, at, mark in over:
                assert left > 8 * (at + 3.9), "further in than where the line begins"
                assert mark == "↪"


def test_broken_code_is_the_same_program(monkeypatch):
    """Of all chapters and exercises, with every comment; and all but few lines are as short as a page's."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import listing

    def said(source):
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        return [word for one in tokens if one.type == token.COMMENT for word in one.string.split() if word != "#"]

    lines, longer, added = 0, 0, 0
    for path in (*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("exercises/*/*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type != "code" or max(map(len, cell.source.split("\n"))) <= 88:
                continue
            fitted = listing.fit(cell.source)
            if not re.search("^[%!]", cell.source, re.MULTILINE):
                assert ast.dump(ast.parse(fitted)) == ast.dump(ast.parse(cell.source))
            assert sorted(said(fitted)) == sorted(said(cell.source)), f"{path.stem} {cell.id}: a comment is lost"
            for line in fitted.split("\n"):
                lines, longer = lines + 1, longer + (len(line) > 88)
            added += len(fitted.split("\n")) - len(cell.source.split("\n"))
    assert longer < 0.03 * lines, "quotations that have no blank, documentation in one line"
    assert added < 0.4 * lines


def test_a_line_of_code_is_broken_where_python_allows(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import listing

    call = [
        "paths = descent.descend(rule, ravine.gradient, ravine.start, 40, lr=rates[:, None],",
        "beta=betas, **hyper)",
    ]
    assert listing.fit(" ".join(call)).split("\n") == [call[0], "    " + call[1]]
    loop = ["for rule, hyper in zip((gradient_descent, momentum), ({'lr': 0.01}, {'lr': 0.1}),", "strict=True):"]
    body = "    descend(rule, **hyper)"
    assert listing.fit(f"{' '.join(loop)}\n{body}").split("\n") == [loop[0], 8 * " " + loop[1], body], "further in"
    said = "# + 0j: complex, so that a negative number has a root, too, as it must have"
    assert listing.fit(f"root = np.sqrt(b**2 - 4 * a + 0j)  {said}") == f"{said}\nroot = np.sqrt(b**2 - 4 * a + 0j)"
    quoted = 'print(f"the ravine: best lr {optimum[0]:.4f} and beta {optimum[1]:.3f}, factor '
    rest = '{factor:.3f} a step")'
    assert listing.fit(quoted + rest).split("\n") == [quoted + '"', f'    f"{rest}']
    for as_it_is in ("x = 1", "%timeit " + "x" * 90, "x" * 90):
        assert listing.fit(as_it_is) == as_it_is


def test_many_sections_beyond_the_core_are_one_line_of_the_contents(pages, browser):
    for stem in ("04_momentum", "09_adam"):  # here and there, or one after the other
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri(), width=1440, height=900) as page:
            fold = page.page.locator(".toc-tree details")
            assert fold.count() == 1
            assert re.fullmatch(r"Deeper: \d+ sections", fold.locator("summary").inner_text())
            assert not fold.locator("a").first.is_visible()
            fold.locator("summary").click()
            assert fold.locator("a").first.is_visible()


def test_an_exercise_opens_with_its_chapter_s_picture(pages, browser):
    for width, height in ((390, 844), (1280, 720), (1440, 900)):
        with browser.open(pages["exercises/09_adam/09_adam.html"].as_uri(), width=width, height=height) as page:
            page.evaluate(LOADED)
            action, table, picture = page.evaluate(
                "['.run .main-way', 'article .table-wrapper', 'figure.lead img'].map(one => "
                "document.querySelector(one).getBoundingClientRect().toJSON())"
            )
            assert picture["width"] > 300
            assert picture["bottom"] <= height
            beside = action["right"] <= picture["left"] and action["top"] < picture["bottom"]
            assert beside == (width > 640), "nothing blank beside it"
            assert action["bottom"] < 300, "what one is to do comes first"
            assert max(action["bottom"], picture["bottom"]) <= table["top"]
            said = page.evaluate("document.querySelector('figure.lead figcaption').textContent")
            assert re.search(r"\w\.\s+\(Figure 9\.\d+\)$", said)


def test_a_figure_opens_large_and_closes(pages, browser):
    with browser.open(pages["notebooks/04_momentum.html"].as_uri(), width=390, height=844) as page:
        buttons = "[...document.querySelectorAll('figure.shown:has(img) .enlarge')]"
        page.evaluate(f"{buttons}.find(button => button.checkVisibility()).focus()")
        page.key("Enter")
        assert page.evaluate("document.querySelector('dialog.large').open")
        assert page.evaluate("document.querySelector('dialog.large img').clientWidth") == 2 * 390
        page.key("Escape")
        assert not page.evaluate("document.querySelector('dialog.large').open")


def test_a_link_into_a_folded_section_opens_it(pages, texts, browser):
    name, anchor = next(
        (name, found[1])
        for name, text in texts.items()
        if name.startswith("notebooks/")
        and (found := re.search(r'<span id="([^"]+)"></span><h2>Deeper: ', text)) is not None
    )
    with browser.open(f"{pages[name].as_uri()}#{anchor}") as page:
        heading = f"document.getElementById({json.dumps(unquote(anchor))})"
        assert page.evaluate(f"{heading}.parentNode.querySelector('details.deeper').open")
        assert page.evaluate("document.querySelectorAll('details.deeper[open]').length") == 1
        says = "summary => getComputedStyle(summary, '::after').content"
        said = page.evaluate(f"[...document.querySelectorAll('details.deeper > summary')].map({says})")
        assert sorted(set(said)) == ['"close"', '"open"'], "each says what a press does"


def test_closed_sections_in_a_row_are_a_list(pages, browser):
    """Fourteen of them stand between a chapter's exercise and what to try."""
    closed = "[...document.querySelectorAll('section:has(> .deeper:not([open]))')]"
    for width, height in ((1280, 720), (390, 844)):
        with browser.open(pages["notebooks/09_adam.html"].as_uri(), width=width, height=height) as page:
            heights = page.evaluate(f"{closed}.map(section => section.offsetHeight)")
            assert max(heights) < 60
            assert sum(heights) < 0.9 * height


def test_a_printed_chapter_is_text_and_figures_alone(pages, browser):
    with browser.open(pages["notebooks/04_momentum.html"].as_uri()) as page:
        page.page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        seen = "[...document.querySelectorAll('{}')].filter(node => node.offsetHeight).length"
        for away in (
            *(".sidebar-drawer", ".toc-drawer", ".run", ".related-pages", ".enlarge", ".lecturers", "button"),
            *(".live-knobs", ".lead"),
        ):
            assert page.evaluate(seen.format(away)) == 0, away
        for there in ("figure.shown", ".predict-outcome"):
            assert page.evaluate(seen.format(there)) == page.evaluate(f"document.querySelectorAll('{there}').length")
        of = page.evaluate("getComputedStyle(document.querySelector('article h1'), '::before').content")
        assert "Optimization in deep learning" in of, "a sheet alone says of which course it is"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    with browser.open(pages["notebooks/10_which_optimizer.html"].as_uri(), width=658) as page:  # between A4's margins
        page.page.emulate_media(media="print")
        page.evaluate(UNFOLD)
        cut = "[...document.querySelectorAll('article pre')].filter(pre => pre.scrollWidth > pre.clientWidth + 1)"
        assert page.evaluate(f"{cut}.length") == 0, "nobody scrolls paper"


def search(browser, pages, query):
    with browser.open(f"{pages['search.html'].as_uri()}?q={query}") as page:
        assert_quiet(page)
        return page.evaluate("""[...document.querySelectorAll("#search-results li")].map(item => ({
          to: item.querySelector("a").href, where: item.textContent, marked: item.querySelectorAll("p mark").length,
        }))""")


def test_search_finds_sections_and_shows_where(pages, browser, built):
    found = search(browser, pages, "effective+learning+rate")
    assert any("4 · Momentum" in hit["where"] for hit in found[:2]), "where it is defined"
    assert all(hit["marked"] for hit in found)
    for hit in found:
        path, anchor = unquote(urlparse(hit["to"]).path), unquote(urlparse(hit["to"]).fragment)
        assert not anchor or f'id="{anchor}"' in Path(path).read_text("utf-8"), hit
    assert any("4 · Momentum" in hit["where"] for hit in search(browser, pages, "velocity")[:2])
    first = search(browser, pages, "momentum")[0]
    assert urlparse(first["to"]).path.endswith("notebooks/04_momentum.html")
    assert re.match(r"4 · Momentum\s*[^?]+\?", first["where"]), "what the chapter asks comes before how long it takes"
    assert search(browser, pages, "xylophone") == []
    for name in ("nesterov", "rmsprop", "gradient+descent"):
        where = urlparse(search(browser, pages, name)[0]["to"])
        assert (name.split("+")[0] in where.path, where.fragment) == (True, ""), f"the chapter on {name} comes first"
    warm = [search(browser, pages, word) for word in ("warmup", "warm-up")]
    assert warm[0] == warm[1]
    assert "warmup" in str(warm)
    assert "warm-up" in str(warm)
    for query, words in (("SGD+vs+Adam", ("sgd", "adam")), ("learning+rates", ("learning rate",))):
        entry = search(browser, pages, query)[0]["where"].lower()
        assert any(word in entry for word in words), "many for one, and vs says nothing"
    for typo, meant in (("momentun", "momentum"), ("nestrov", "nesterov"), ("adagradd+rule", "adagrad+rule")):
        assert search(browser, pages, typo) == search(browser, pages, meant) != [], "a letter away"
    optimise = [[hit["to"] for hit in search(browser, pages, word)] for word in ("optimise", "optimize")]
    assert optimise[0] == optimise[1] != []
    assert "Further reading" not in "".join(hit["where"] for hit in search(browser, pages, "why+adam")[:2])
    assert "<a " not in (built / "_static" / "sections.js").read_text("utf-8"), "excerpts are words"


def test_a_search_that_finds_nothing_says_what_it_did_and_leads_on(pages, browser):
    said = "document.getElementById('search-summary')"
    with browser.open(f"{pages['search.html'].as_uri()}?q=xylophone+gradient") as page:
        assert page.evaluate(f"{said}.textContent").startswith("No section has all words")
        assert page.evaluate("document.querySelectorAll('#search-results li').length") >= 10
    with browser.open(f"{pages['search.html'].as_uri()}?q=momentun") as page:
        assert re.match("“momentun” is nowhere. .+ found for “momentum”", page.evaluate(f"{said}.textContent"))
    with browser.open(f"{pages['search.html'].as_uri()}?q=xylophone") as page:
        assert page.evaluate(f"{said}.textContent").startswith("No sections found")
        for link in page.evaluate(f"[...{said}.querySelectorAll('a')].map(link => link.href)"):
            path, _, anchor = link.removeprefix("file://").partition("#")
            assert not anchor or f'id="{anchor}"' in Path(path).read_text("utf-8"), link
        assert page.evaluate(f"{said}.querySelectorAll('a').length") == 2


def test_an_excerpt_is_words_rather_than_gaps(pages, browser):
    """Of the places where a word stands the one is shown that has fewest formulas left out beside it."""
    with browser.open(f"{pages['search.html'].as_uri()}?q=momentum") as page:
        shown, first = page.evaluate(r"""(() => {
          const items = [...document.querySelectorAll('#search-results li')];
          const count = text => text.split('…').length - 1;
          const shown = items.map(item => item.querySelector('p').textContent.replace(/^… |…$/g, ''));
          const first = items.map(item => {
            const at = item.querySelector('a').getAttribute('href');
            const [, , , text] = SECTIONS.find(([address]) => at.endsWith(address));
            const from = Math.max(0, text.search(/(?<![\p{L}\d_])momentum/iu));
            return text.slice(from, from + 220);
          });
          return [shown, first].map(all => all.map(count).reduce((a, b) => a + b));
        })()""")
        assert shown < first


def test_an_excerpt_s_formulas_can_be_read(built, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import pages as makes_pages
    from latex2mathml.converter import convert

    for formula, row in (
        (r"\beta_1^t", "β₁ᵗ"),
        (r"\sqrt{\hat v_t}", "√(v̂ₜ)"),
        (r"m_t = \beta_1 m_{t-1}", "mₜ = β₁mₜ₋₁"),
        (r"\frac{1}{1-\beta}", "1 / (1 − β)"),
        (r"10^{-8}", "10⁻⁸"),
        (r"\eta_\text{Adam}", "η_Adam"),
    ):
        assert makes_pages.in_one_row(ElementTree.fromstring(convert(formula))) == row
    assert "β₁ᵗ" in (built / "_static" / "sections.js").read_text("utf-8")


def test_slides_and_playground_lead_back(texts):
    for name in ("slides/index.html", "playground/index.html"):
        assert 'href="../index.html"' in texts[name]


def test_every_link_inside_the_site_lands(pages, texts):
    for name, text in texts.items():
        for link in re.findall(r'<a\b[^>]*?\shref="([^"]+)"', text):
            target = urlparse(link.replace("&amp;", "&"))
            if not target.scheme and target.path:
                assert (pages[name].parent / unquote(target.path)).exists(), f"{name}: {link}"


def test_readme_s_links_to_headings_land_on_them(texts):
    links = set(re.findall(r'href="(notebooks/\w+\.html)#([^"]+)"', texts["README.html"]))
    assert len(links) >= 40
    for chapter, anchor in links:
        assert f'id="{unquote(anchor)}"' in texts[chapter], (chapter, anchor)


def test_where_the_address_is_known_set_up_says_it(texts):
    assert f"git clone {REPOSITORY} course" in texts["README.html"]
    assert "address>" not in texts["README.html"]


def test_where_it_is_not_known_nothing_is_left_to_be_filled_in(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import pages as makes_pages

    readme = (ROOT / "README.md").read_text("utf-8")
    made = makes_pages.addressed(readme, None)
    opening = made.partition("\n## Set-up\n")[2].partition("\nA second")[0]
    assert re.match(r"\nIn the course's folder, [^\n]+ type\n\n```\nmake lab\n```\n", opening)
    assert "git clone" not in made
    assert "address>" not in made
    assert made.count("```") == readme.count("```") - 2, "Colab alone is left out"
    assert made.partition("\n### Settings")[2] == readme.partition("\n### Settings")[2]


def test_chapters_can_be_launched_and_downloaded(texts):
    text = texts["notebooks/04_momentum.html"]
    for place in (
        "https://mybinder.org/v2/gh/someone/course/",
        "https://colab.research.google.com/github/someone/course/",
    ):
        assert re.search(f'href="{place}[^"]+04_momentum.ipynb"', text)
    assert (SITE / re.search(r'href="\.\./(_sources/notebooks/04_momentum\.ipynb)"', text)[1]).is_file()


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("https://github.com/someone/course.git", "https://github.com/someone/course"),
        ("git@github.com:someone/course.git\n", "https://github.com/someone/course"),
        ("/home/someone/course", None),
        ("", None),
    ],
)
def test_no_button_leads_to_a_repository_that_is_not_there(address, meant, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import pages as makes_pages

    monkeypatch.setenv("COURSE_REPOSITORY", address)
    assert makes_pages.repository() == meant


def test_every_module_is_on_the_page_of_modules(texts):
    modules = {path.stem for path in (ROOT / "course_utils").glob("[!_]*.py")} | {"checks", "fast"}
    shown = re.findall(r'id="module-course_utils\.(\w+)"', texts["docs/api.html"])
    assert sorted(shown) == sorted(modules)


def test_decks_share_the_chapters_pictures(pages, built):
    """On the site. In build/slides, which is carried away on a stick, a deck has all in itself."""
    for stem in CHAPTERS:
        carried = (ROOT / "build" / "slides" / f"{stem}.html").read_text("utf-8")
        assert carried.count("data:image/png;base64,") >= 3
        assert "_images/" not in carried
        deck = pages[f"slides/{stem}.html"].read_text("utf-8")
        assert "data:image/png" not in deck
        files = re.findall(r'src="\.\./(_images/[^"]+)"', deck)
        assert len(files) >= 3
        for file in files:
            assert (built / file).is_file(), file


def test_small_enough_to_publish(built):
    assert sum(path.stat().st_size for path in built.rglob("*") if path.is_file()) < 50e6  # figures for fine screens


AXE = """axe.run({exclude: [["mjx-container"]]}, {runOnly: ["color-contrast", "image-alt", "link-name", "button-name",
  "document-title", "html-has-lang", "label"]}).then(found => found.violations.flatMap(rule =>
    rule.nodes.map(node => `${rule.id} ${node.target} ${node.failureSummary}`)))"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "README.html",
        "notebooks/04_momentum.html",
        "notebooks/10_which_optimizer.html",
        "exercises/04_momentum/04_momentum.html",
        "docs/api.html",
        "search.html?q=momentum",
        "slides/index.html",
        "slides/04_momentum.html",
        "playground/index.html",
    ],
)
def test_contrast_and_names(name, dark, pages, browser):
    axe = next((ROOT / "build" / "vendor").glob("axe-core-*/axe.min.js")).read_text("utf-8")
    name, _, query = name.partition("?")
    with browser.open(pages[name].as_uri() + ("?" + query if query else ""), dark=dark) as page:
        if is_deck(name):
            page.evaluate(READY)
        page.evaluate(UNFOLD)
        page.evaluate(axe + "; 0")
        violations = page.evaluate(AXE)
        assert violations == []


# --- Predictions ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asking(texts):
    """The chapter with most predictions."""
    return max((f"notebooks/{stem}.html" for stem in CHAPTERS), key=lambda name: texts[name].count("predict-question"))


def test_without_javascript_the_outcome_is_one_click_away(texts, asking):
    questions = texts[asking].count('<div class="predict-question">')
    assert questions >= 5
    assert texts[asking].count('<details class="predict-held"><summary>Show what happened</summary>') == questions
    assert texts[asking].count('<div class="predict-outcome">') == questions


def test_a_prediction_is_kept_over_a_reload_and_can_be_forgotten(pages, asking, browser):
    waiting = "document.querySelectorAll('.live-wait').length"
    score = "document.querySelector('.live-score').textContent"
    with browser.open(pages[asking].as_uri()) as page:
        count = page.evaluate("document.querySelectorAll('.live-ask').length")
        assert page.evaluate(waiting) == count >= 5
        hidden = "[...document.querySelectorAll('.predict-outcome')].filter(node => node.offsetHeight).length"
        assert page.evaluate(hidden) == 0
        page.evaluate("document.querySelector('.live-ask :is(.live-answer, input)').focus()")
        page.evaluate("document.activeElement.localName == 'input' && (document.activeElement.value = '12')")
        page.key("Enter")
        assert page.evaluate("document.activeElement.className") == "live-said", "what is said is read next"
        assert page.evaluate(waiting) == count - 1
        assert page.evaluate(hidden) == 1
        said = page.evaluate("document.querySelector('.live-said').textContent")
        assert said in ("Right.", "Not this time.") or said.startswith("You said 12, measured ")
        marked = page.evaluate("document.querySelectorAll('.live-right').length")
        assert marked == (not said.startswith("You")), "the right one of the answers"
        why = page.evaluate("document.querySelector('.live-why').textContent")
        assert page.evaluate("document.querySelector('.predict-outcome p').textContent").find(why) > 0, "its own words"
        assert why.endswith("."), "a sentence"
        told = page.evaluate("document.querySelector('.predict-outcome').innerText")
        assert why.strip() not in told, "and told once"
        page.page.reload()
        assert page.evaluate("document.querySelector('.live-said').textContent") == said
        core = page.evaluate(
            "[...document.querySelectorAll('.live-ask')].filter(ask => !ask.closest('.deeper')).length"
        )
        assert 5 <= core < count, "beyond the core there are others, which nobody must have met"
        assert f"of the chapter's {core} predictions right, 1 made so far" in page.evaluate(score)
        page.evaluate("document.querySelector('.live-score button').click()")
        assert page.evaluate(waiting) == count
        page.page.reload()
        assert page.evaluate(waiting) == count
        assert "none yet" in page.evaluate(score)
        assert page.evaluate("document.querySelector('.live-why').textContent") == ""
        page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
        assert page.evaluate(waiting) == 0, "who does not want to guess may look all the same"
        assert "none yet" in page.evaluate(score)


def test_nothing_below_a_question_answers_it(pages, browser):
    """A figure or a film of the runs waits for the guess, and code whose output waits is no row of closed folds."""
    shown = """[...document.querySelectorAll('.predict-held figure.shown')].filter(figure => !figure.closest('.deeper'))
      .map(figure => figure.checkVisibility())"""
    folds = "[...document.querySelectorAll('.predict-held > .tag_hide-input')].filter(cell => cell.offsetHeight).length"
    for stem in ("04_momentum", "09_adam"):
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri()) as page:
            count = len(page.evaluate(shown))
            assert count >= 3
            assert (page.evaluate(shown), page.evaluate(folds)) == ([False] * count, 0)
            page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
            assert page.evaluate(shown) == [True] * count
            assert page.evaluate(folds) >= 2


def test_code_between_a_guess_and_its_outcome_is_folded(pages, browser):
    code = "[...document.querySelectorAll('.predict-held .cell_input pre')]"
    for stem in ("04_momentum", "09_adam"):
        with browser.open(pages[f"notebooks/{stem}.html"].as_uri()) as page:
            page.evaluate("document.querySelectorAll('details.deeper').forEach(fold => fold.open = true)")
            page.evaluate("document.querySelectorAll('.live-skip').forEach(skip => skip.click())")
            assert page.evaluate(f"{code}.length") >= 5
            assert page.evaluate(f"{code}.filter(code => code.checkVisibility()).length") == 0


def test_boxes_to_tick_are_boxes(texts):
    for name, text in texts.items():
        assert "[ ]" not in re.sub(r"<(pre|code|math)\b.*?</\1>", "", text, flags=re.DOTALL) or is_deck(name), name
    assert texts["exercises/04_momentum/04_momentum.html"].count("☐") == 3


def test_all_right_answers_count(pages, asking, browser):
    with browser.open(pages[asking].as_uri()) as page:
        page.evaluate(r"""[...document.querySelectorAll(".predict-question")].forEach((question, i) => {
          const plain = text => text.replace(/\s+/g, " ").replace(/[\s.]+$/, "").trim();
          const told = document.querySelectorAll(".predict-outcome")[i].querySelector("strong").textContent;
          const answer = plain(told.replace("Outcome:", ""));
          const buttons = [...question.querySelectorAll(".live-answer[data-answer]")];
          if (buttons.length) return buttons.find(button => plain(button.textContent) == answer).click();
          question.querySelector("input").value = answer.match(/-?[\d.,]+/)[0].replace(",", "");
          question.querySelector("form").requestSubmit();
        })""")
        count = page.evaluate("document.querySelectorAll('.live-ask').length")
        score = page.evaluate("document.querySelector('.live-score').textContent")
        deeper = page.evaluate("document.querySelectorAll('.deeper .live-ask').length")
        core, beyond = count - deeper, f"in its sections called Deeper {deeper} of {deeper}"
        assert score.startswith(f"Your guesses: {core} of the chapter's {core} predictions right; {beyond}. ")


def test_knobs_stand_where_the_link_was(pages, texts, browser):
    name = next(name for name in texts if name.startswith("notebooks/") and ">Turn the knobs:" in texts[name])
    with browser.open(pages[name].as_uri()) as page:
        knobs = "[...document.querySelectorAll('.live-knobs')]"
        page.evaluate("customElements.whenDefined('optimizer-knobs').then(() => 0)")
        assert page.evaluate(f"{knobs}.length") == texts[name].count(">Turn the knobs:")
        assert page.evaluate(f"{knobs}.every(knobs => knobs.querySelector('optimizer-knobs').offsetHeight > 150)")
        assert_quiet(page)


@pytest.mark.parametrize("chapter", ["04_momentum", "09_adam", "10_which_optimizer"])
def test_on_a_phone_the_map_stays_in_sight_while_its_knobs_are(pages, browser, chapter):
    """Below the header, with the line of what a knob has done; it never covers the knob, and goes when the knobs go."""
    boxes = (
        "(root => ['.mobile-header', '.plots', '[part=news]', '[part=news]', '.knobs'].map(part => (box => [box.top, "
        "box.bottom])((document.querySelector(part) ?? root.querySelector(part)).getBoundingClientRect())))"
    )
    with browser.open(pages[f"notebooks/{chapter}.html"].as_uri(), width=390, height=844) as page:
        page.page.emulate_media(reduced_motion="reduce")
        page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
        page.evaluate("document.querySelectorAll('details').forEach(part => (part.open = true))")
        page.page.wait_for_function("[...document.querySelectorAll('optimizer-knobs')].at(-1)?.race")
        for i in range(page.evaluate("document.querySelectorAll('optimizer-knobs').length")):
            knobs = f"document.querySelectorAll('optimizer-knobs')[{i}]"
            page.evaluate(f"{knobs}.scrollIntoView(), {knobs}.answer(0)")
            for j in range(page.evaluate(f"{knobs}.knobs.querySelectorAll('[type=range]').length")):
                bar = f"{knobs}.knobs.querySelectorAll('[type=range]')[{j}]"
                page.evaluate(
                    f"(bar => (bar.focus(), bar.scrollIntoView(), bar.value = bar.value > 0.5 ? 0.3 : 0.7, "
                    f"bar.dispatchEvent(new Event('input'))))({bar})"
                )
                page.page.wait_for_timeout(50)
                header, plots, news, stage, _ = page.evaluate(f"{boxes}({knobs}.shadowRoot)")
                assert plots[0] >= header[1] - 1
                assert news[0] == pytest.approx(plots[1], abs=1)
                assert news[1] - plots[0] < 0.36 * 844, "a third of the screen is held"
                top, bottom = page.evaluate(f"(({{top, bottom}}) => [top, bottom])({bar}.getBoundingClientRect())")
                assert stage[1] <= top < bottom <= 844
            page.evaluate(f"scrollBy(0, {knobs}.knobs.getBoundingClientRect().bottom - 40)")
            page.page.wait_for_timeout(50)
            header, plots, *_, knobs_at = page.evaluate(f"{boxes}({knobs}.shadowRoot)")
            assert knobs_at[1] < header[1]
            assert plots[1] < 250, "it leaves the page to what comes next"


# --- The slides -------------------------------------------------------------------------------------------------

# Show one slide after the other, with all its fragments, and say how far its content reaches.
REACH = """Reveal.getSlides().map(slide => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v, 99);
  const seen = [...slide.querySelectorAll("*")].filter(element => !element.closest("aside, svg *, mjx-assistive-mml"));
  const boxes = seen.map(element => element.getBoundingClientRect()).filter(box => box.width && box.height);
  return {
    slide: slide.id, content: boxes.length, left: Math.min(0, ...boxes.map(box => box.left)),
    bottom: Math.max(0, ...boxes.map(box => box.bottom)), right: Math.max(0, ...boxes.map(box => box.right)),
  };
})"""


@pytest.mark.parametrize("stem", [*CHAPTERS, "lecture"])
def test_a_deck(stem, pages, browser):
    with browser.open(pages[f"slides/{stem}.html"].as_uri()) as page:
        page.evaluate(READY)
        assert_complete(page)
        questions = "[...document.querySelectorAll('h2')].filter(h2 => h2.innerText == 'Predict first').length"
        assert page.evaluate("document.querySelectorAll('.live-ask').length") == page.evaluate(questions)
        for slide in page.evaluate(REACH):
            assert slide["content"], slide
            assert slide["bottom"] <= 720, slide
            assert 0 <= slide["left"], slide
            assert slide["right"] <= 1280, slide
        assert_quiet(page)


def test_a_deck_prints_one_page_a_slide(pages, browser):
    with browser.open(pages["slides/04_momentum.html"].as_uri() + "?print-pdf") as page:
        page.evaluate(READY)
        page.evaluate("new Promise(done => setTimeout(done, 500))")
        assert page.evaluate("document.querySelectorAll('.pdf-page').length == Reveal.getTotalSlides()")
        assert_quiet(page)
