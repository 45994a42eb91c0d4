"""Print decks of build/slides/ to PDF, each with and without the speaker's notes, in build/pdf/.

    python tools/pdf.py [--path 20] [lecture 04_momentum ...]        without a name, the lecture

It prints with the browser that tools/browser.py finds; nothing is fetched.
"""

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import browser
from lecture import BUILT, PATHS, ROOT
from playwright.sync_api import sync_playwright

PRINTED = ROOT / "build" / "pdf"
LAID_OUT = """window.Reveal && Reveal.isReady() && Reveal.getTotalSlides() > 0
  && document.querySelectorAll(".pdf-page").length >= Reveal.getTotalSlides()"""


@contextmanager
def chromium():
    """A browser without a window and with an empty profile. Ends with the remedy where this machine has none."""
    found = browser.find()
    if found is None:
        sys.exit(f"There is no browser to print with: {browser.REMEDY}; on Linux, python tools/browser.py fetches one.")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = playwright.chromium.launch(
            executable_path=found.program,
            args=["--no-sandbox", "--disable-gpu", *found.options],  # it opens our own files only
            env=os.environ | {"HOME": home} | found.environment,
        )
        try:
            yield process
        finally:
            process.close()


def print_page(process, address, to):
    """Print any page as its style sheet says, on the paper that it asks for."""
    page = process.new_page(viewport={"width": 1280, "height": 720})
    page.goto(address, wait_until="load")
    if "print-pdf" in address:
        page.wait_for_function(LAID_OUT)
    page.evaluate("window.MathJax ? MathJax.startup.promise.then(() => 0) : 0")
    page.wait_for_timeout(300)  # reveal.js moves its pages once more
    page.pdf(path=to, prefer_css_page_size=True, print_background=True)
    page.close()


def deck(process, file, path, folder):
    """Print one deck twice, a page a slide, then each slide followed by its notes. Returns both files."""
    name = f"{file.stem}-{path}" if file.stem == "lecture" else file.stem
    files = folder / f"{name}.pdf", folder / f"{name}-with-notes.pdf"
    for to, notes in zip(files, ("", "&showNotes=separate-page"), strict=True):
        print_page(process, f"{file.resolve().as_uri()}?path={path}&print-pdf{notes}", to)
    return files


def main():
    asked = argparse.ArgumentParser(description="Print decks to PDF, with and without notes.")
    asked.add_argument("decks", nargs="*", default=["lecture"], help="lecture, or a chapter such as 04_momentum")
    asked.add_argument("--path", type=int, choices=PATHS, default=45, help="which lecture, in minutes")
    given = asked.parse_args()
    files = [BUILT / f"{name}.html" for name in given.decks]
    for file in files:
        if not file.is_file():
            there = ", ".join(sorted(page.stem for page in BUILT.glob("*.html") if page.stem != "index"))
            asked.error(
                f"there is no deck {file.stem}: " + (f"choose from {there}" if there else "run make lecture first")
            )
    PRINTED.mkdir(parents=True, exist_ok=True)
    with chromium() as process:
        for file in files:
            for made in deck(process, file, given.path, PRINTED):
                print(Path(made).relative_to(ROOT))


if __name__ == "__main__":
    main()
