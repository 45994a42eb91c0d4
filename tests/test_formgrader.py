"""Formgrader in a browser: an instructor reads a written answer, gives points, comments, and the page shows both."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest
from chromium import Browser
from making import free_port
from nbgrader.api import Gradebook
from test_report import ROOT, STEM, course, enter  # noqa: F401, a fixture

from classroom import book, page

ANSWER = "The effective rate grew **tenfold**, $\\eta < 2/k$ <script>alert(4711)</script>, so divide `lr` by ten."


@pytest.fixture
def server(course):  # noqa: F811
    """JupyterLab in the course's folder as an instructor starts it, without the learners' settings."""
    shutil.copytree(ROOT / "solutions" / STEM, course / "solutions" / STEM)  # what Formgrader goes by
    enter(course, "ada", {"test_steps_to": "One step too few."}, {"explain": ANSWER})
    port, token = free_port(), secrets.token_hex(16)
    environment = {name: value for name, value in os.environ.items() if not re.match("JUPYTER", name)}
    environment |= {f"JUPYTER_{kind}_DIR": str(course / ".jupyter" / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    options = [f"--port={port}", f"--IdentityProvider.token={token}", "--no-browser", "--allow-root"]
    with open(course / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], cwd=course, env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=5).close()
                break
            except OSError:
                time.sleep(0.3)
        yield address, token
    finally:
        process.terminate()
        process.wait(30)


def test_a_written_answer_is_read_and_commented_and_the_page_says_so(server, course, request):  # noqa: F811
    address, token = server
    with Browser() as browser, browser.open(f"{address}/formgrader/gradebook?token={token}", height=1000) as opened:
        view = opened.page

        def shown(name):
            if folder := os.environ.get("SCREENSHOTS"):
                opened.screenshot(f"{folder}/{name}.png")

        view.set_default_timeout(20000)
        view.get_by_role("link", name=STEM).first.click()
        view.get_by_role("link", name=STEM).last.click()
        view.get_by_role("link", name=re.compile("Submission #1")).wait_for()
        shown("1-submissions")
        view.get_by_role("link", name=re.compile("Submission #1")).click()
        answer = view.locator(".nbgrader_cell", has_text="tenfold").last
        answer.scroll_into_view_if_needed()
        assert "1 point for the effective rate" in answer.inner_text()  # what to look for, below the answer
        assert "It gives the new lr as a number" in answer.inner_text()
        assert "END SOLUTION" not in answer.inner_text()
        assert view.locator("script", has_text="4711").count() == 0
        shown("2-answer")
        answer.locator("input.score").fill("1.5")
        answer.locator("textarea.comment").fill("Well said; why ten?")
        answer.locator("textarea.comment").blur()
        view.wait_for_load_state("networkidle")
        shown("3-graded")
    with Gradebook(f"sqlite:///{course}/grading/gradebook.db") as gradebook:
        grade = gradebook.find_grade("explain", STEM, STEM, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.5, False)
    notebook, about = book.Book(course, STEM).with_grades("ada")
    job = {key: about[key] for key in ("score", "max_score", "late_penalty", "unread")}
    job |= {"student": "ada", "exercise": STEM, "notebook": json.dumps(notebook)}
    html = page.write(job)["page"]
    assert "Well said; why ten?" in html
    assert "1.5" in html
    assert "1 point for the effective rate" not in html  # that note is not for learners
    (course / "feedback.html").write_text(html, "utf-8")
    with Browser() as browser, browser.open((course / "feedback.html").as_uri(), height=1000) as opened:
        assert opened.errors() == []
        if folder := os.environ.get("SCREENSHOTS"):
            opened.screenshot(f"{folder}/4-feedback.png", whole=True)
