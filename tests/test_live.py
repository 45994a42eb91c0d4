"""Predictions and knobs (docs/live/): what the chapters hand them, and what a learner meets in JupyterLab."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from chromium import Browser
from making import answering
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import progress

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PRESETS = ROOT / "docs" / "playground" / "presets.js"


def questions(notebook):
    """(question, cells that show it, outcome) of every prediction; an outcome that is missing is None."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("**Predict first.**"):
            found.append([cell.source, [], None])
        elif found and found[-1][2] is None:
            if cell.cell_type == "markdown" and cell.source.startswith("**Outcome:"):
                found[-1][2] = cell.source
            else:
                found[-1][1].append(cell)
    return found


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return nbformat.read(request.param, 4)


def test_every_prediction_of_a_chapter_can_be_made_and_is_answered(chapter):
    asked = questions(chapter)
    assert len(asked) >= 5
    for question, between, outcome in asked:
        assert outcome, f"no outcome: {question[:60]}"
        assert any(cell.cell_type == "code" for cell in between), f"nothing is run: {question[:60]}"
        assert not any(re.search("^#", cell.source, re.M) for cell in between if cell.cell_type == "markdown"), question
        answer = re.match(r"\*\*Outcome: (.+?)\.?\*\*", outcome)[1]
        choices = re.findall(r"^[-*] (.+)$", question, re.M)
        if choices:
            assert 2 <= len(choices) <= 5, question
            assert len({choice.strip(" .") for choice in choices}) == len(choices)
            assert answer in [choice.strip(" .") for choice in choices], (answer, choices)
            assert re.search(r"^[-*] [^\n]+\Z", question, re.M), f"the answers end the question: {question[:60]}"
        else:
            assert re.search(r"\d", answer), f"a number is asked for: {answer}"


def test_knobs_have_a_preset_that_is_there(chapter):
    presets = PRESETS.read_text("utf-8")
    for cell in chapter.cells:
        for what, name in re.findall(
            r"\[(Turn the knobs: [^\]]+)\]\(\.\./docs/playground/index\.html#preset=([\w-]+)", cell.source
        ):
            assert re.search(rf'^  "?{name}"?: \[', presets, re.M), (what, name)


def test_a_guess_may_have_a_decimal_comma_or_thousands(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<meta charset=utf-8><script src='{(ROOT / 'docs' / 'live' / 'live.js').as_uri()}'></script>")
    texts = ["60,000", "0,125", "2,5", "1,234,567.5", "−3,5e2", "9.97 times"]
    with Browser() as browser, browser.open(page.as_uri()) as opened:
        assert opened.evaluate(f"{texts}.map(Live.number)") == [60000, 0.125, 2.5, 1234567.5, -350, 9.97]


# --- In JupyterLab ----------------------------------------------------------------------------------------------

FILM = "<video></video><p>a film of the same</p>"
CELLS = [
    new_markdown_cell("# 1 · A chapter"),
    new_markdown_cell("**Predict first.** How many times faster at $\\beta = 0.9$?\n\n- 2 times\n- 10 times"),
    new_code_cell("print(1 / (1 - 0.9))", execution_count=1, outputs=[new_output("stream", text="10.0 times\n")]),
    new_markdown_cell("**Outcome: 10 times.** Ten, to two places. At 0.99 it is 100."),
    new_markdown_cell("*For lecturers:* wait for hands."),
    new_code_cell("film()", execution_count=2, outputs=[new_output("display_data", {"text/html": FILM})]),
    new_markdown_cell("[Turn the knobs: the ravine](../docs/playground/index.html#preset=ravine)"),
    new_markdown_cell("**Predict first.** How long, in steps?"),
    new_code_cell("print('fresh', 20 + 2)", execution_count=3, outputs=[new_output("stream", text="22 steps\n")]),
    new_markdown_cell("**Outcome: 22 steps.** As printed. No other run was made."),
    new_markdown_cell("## What to remember\n\n- It is ten."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where JupyterLab is started: with one chapter, and the map."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=CELLS, metadata=kernel), folder / "01_chapter.ipynb")
    (folder / "README.md").write_text((ROOT / "README.md").read_text("utf-8"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def lab(folder):
    """The address of a JupyterLab as `make lab` starts it, in that folder."""
    environment = os.environ | {"JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter")}
    options = (
        "--no-browser --ServerApp.ip=127.0.0.1 --ServerApp.port=0 --IdentityProvider.token=x "
        f"--ServerApp.root_dir={folder} --LabApp.workspaces_dir={folder}/.workspaces"
    )
    with open(folder / "log", "w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options.split()], stderr=log, stdout=log, env=environment, cwd=ROOT
        )
        try:
            yield answering(server, Path(log.name), r"(http://127\.0\.0\.1:\d+)/lab", 90)[0]
        finally:
            server.terminate()
            server.wait(60)


def wait(page, condition, seconds=30):
    until = time.monotonic() + seconds
    while not page.evaluate(f"!!({condition})"):
        assert time.monotonic() < until, condition
        time.sleep(0.1)


def visible(selector, pattern=""):
    """The words of all elements that are shown and match: an expression."""
    return f"""[...document.querySelectorAll("{selector}")].filter(node => node.offsetHeight)
      .map(node => node.innerText).filter(text => text.includes("{pattern}")).join("; ")"""


def test_a_chapter_in_jupyterlab_waits_for_a_guess(lab):
    ask = "document.querySelectorAll('.live-ask')"
    outputs, outcomes = visible(".jp-OutputArea-output"), visible(".jp-RenderedMarkdown p", "Outcome")
    address = f"{lab}/lab/tree/01_chapter.ipynb?token=x"
    with Browser() as browser, browser.open(address, 1280, 1400) as page:
        wait(page, f"{ask}.length == 2")
        assert (page.evaluate(outputs), page.evaluate(outcomes)) == ("", "")
        assert page.evaluate("document.querySelector('details.lecturers').open") is False
        wait(page, "document.querySelector('.live-knobs optimizer-knobs')?.offsetHeight > 150")

        page.evaluate(f"{ask}[0].querySelector('.live-answer').focus()")
        page.key("Enter")  # JupyterLab's own Enter would open the cell's editor
        wait(page, "document.querySelector('.live-said').innerText == 'Not this time.'")
        assert page.evaluate("document.querySelector('.live-right').innerText") == "10 times", "marked beside it"
        assert page.evaluate("document.querySelector('.live-why').innerText") == "Ten, to two places."
        assert page.evaluate(outputs).split("\n") == ["10.0 times", "; a film of the same"], "the film waits, too"
        assert page.evaluate(outcomes) == "Outcome: 10 times. At 0.99 it is 100.", "nothing is said twice"

        # A cell that is run shows its output, guess or not; the outcome still waits.
        wait(page, "document.querySelector('#jp-main-statusbar').innerText.includes('Idle')")  # there is a kernel
        page.evaluate("document.querySelectorAll('.jp-CodeCell .cm-content')[2].focus()")
        page.key("Shift+Enter")
        wait(page, f"({outputs}).includes('fresh 22')")
        assert "22 steps" not in page.evaluate(outcomes)
        page.evaluate(f"{ask}[1].querySelector('input').value = '20'")
        page.evaluate(f"{ask}[1].querySelector('form').requestSubmit()")
        wait(page, f"({outcomes}).includes('22 steps')")
        score = page.evaluate("document.querySelector('.live-score').innerText")
        assert score.startswith("Your guesses: 1 of the chapter's 2 predictions right.")
    with (
        Browser() as browser,
        browser.open(address, 1280, 1400) as page,
    ):  # another browser: guesses are not in the file
        wait(page, f"{ask}.length == 2")
        assert page.evaluate(outcomes) == ""


def test_the_map_shows_what_is_passed(lab, folder, monkeypatch):
    """progress.json, as graded cells write it, and the guesses of this browser stand in the table of chapters."""
    address = f"{lab}/lab/tree/README.md?token=x"
    shown = "[...document.querySelectorAll('.jp-MarkdownViewer .live-progress')].map(cell => cell.textContent)"
    with Browser() as browser, browser.open(address, 1280, 1400) as page:
        wait(page, "document.querySelectorAll('.jp-MarkdownViewer table').length > 2")
        assert page.evaluate(shown) == [], "nothing done yet: the map is as it is"

        monkeypatch.setattr(progress, "FILE", folder / "progress.json")
        for name, most in progress.asked("04_momentum").items():
            progress.keep(4, name, most)
        progress.keep(2, "relu_backward", 1)
        page.evaluate('localStorage.setItem(\'predictions/01_challenges\', \'{"1": "yes", "2": "no"}\')')
        page.evaluate("location.reload()")
        wait(page, f"{shown}.length == {len(CHAPTERS) + 1}")
        most = {stem: sum(progress.asked(stem).values()) for stem in ("02_gradient_descent", "04_momentum")}
        assert page.evaluate(shown)[:5] == [
            "you",
            "2 guesses",
            f"exercise 1 of {most['02_gradient_descent']:g}",
            "",
            f"✓ exercise {most['04_momentum']:g} of {most['04_momentum']:g}",
        ]
