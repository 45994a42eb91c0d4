"""Progress of a learner: a small file on this machine, and what a notebook says of cells that did not run."""

import os
import re
import threading

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import progress


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FILE", tmp_path / "progress.json")
    return progress.FILE


def test_the_best_points_are_kept_and_printed(kept, capsys):
    assert progress.read() == {}
    for points in (1.0, 2.0, 0.5):
        progress.keep(4, "momentum", points)
    assert progress.read()["04_momentum"]["parts"] == {"momentum": 2.0}
    assert progress.read()["04_momentum"]["got"] == 2.0
    progress.progress()
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("04_momentum"))
    most = sum(progress.asked("04_momentum").values())
    assert re.search(rf"2 of {most:g} ", line)
    assert "top_speed" in line
    assert " momentum," not in line
    assert [line for line in lines if line.startswith("together")][0].split()[1:3] == ["2", "of"]
    assert list(kept.parent.iterdir()) == [kept], "nothing is left beside it"


def test_an_exercise_of_which_all_is_right_is_passed(kept, capsys):
    for name, most in progress.asked("04_momentum").items():
        progress.keep(4, name, most)
    progress.progress()
    assert "nothing: passed" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[1, 2]", "{", '{"04_momentum": 3}'])
def test_a_spoilt_file_is_begun_anew(kept, content, capsys):
    kept.write_text(content)
    progress.progress()
    progress.keep(4, "momentum", 2.0)
    assert progress.read()["04_momentum"]["got"] == 2.0


def test_what_is_no_question_or_cannot_be_written_is_let_be(kept, monkeypatch):
    progress.keep(4, "no_such_question", 2.0)
    progress.keep(99, "momentum", 2.0)
    assert not kept.exists()
    monkeypatch.setattr(progress, "FILE", kept.parent / "no folder" / "progress.json")
    progress.keep(4, "momentum", 2.0)


def test_two_who_write_at_once_leave_a_whole_file(kept):
    names = list(progress.asked("02_gradient_descent"))
    threads = [threading.Thread(target=progress.keep, args=(2, name, 1.0)) for name in names for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress.read()["02_gradient_descent"]["parts"]


def test_nothing_is_kept_outside_a_notebook_or_where_it_is_turned_off(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    assert not progress.is_kept()
    assert os.environ["COURSE_PROGRESS"] == "0"


def in_a_notebook(tmp_path, monkeypatch, kept, *sources):
    """What each cell shows: its text, and its error's traceback."""
    monkeypatch.setenv("COURSE_PROGRESS", kept)
    first = (
        "from pathlib import Path\nfrom course_utils import progress\nfrom course_utils.checks.graded import graded\n"
    )
    first += f"progress.FILE = Path({str(tmp_path / 'progress.json')!r})"
    notebook = new_notebook(cells=[new_code_cell(source) for source in (first, *sources)])
    NotebookClient(notebook, allow_errors=True, timeout=120).execute()
    shown = []
    for cell in notebook.cells[1:]:
        assert isinstance(cell, nbformat.NotebookNode)
        shown.append(" ".join(" ".join(o.get("traceback", [])) + o.get("text", "") for o in cell.outputs))
    return shown


CHECK = 'graded("momentum", momentum, points=2)'
RIGHT = "def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):\n    v = beta * state[0] + lr * g\n    return -v, (v,)"


def test_a_notebook_says_which_cell_did_not_run_and_keeps_points(tmp_path, monkeypatch):
    said = in_a_notebook(
        tmp_path,
        monkeypatch,
        "1",
        CHECK,
        RIGHT.replace("):", ")"),
        CHECK,
        RIGHT.replace("momentum", "momentun"),
        CHECK,
        RIGHT,
        CHECK,
        RIGHT.replace("):", ")"),
        CHECK,
        "somewhere_else + 1",
        "progress.progress()",
    )
    assert said[0] == "There is no `momentum` yet: run its cell above (Shift+Enter), then this one."
    assert "its line 1 is not Python" in said[2]
    assert "expected ':'" in said[2]
    assert "There is a `momentun`" in said[4]
    assert "Right." in said[6]
    assert "its line 1 is not Python" in said[8], "the older version is not examined in its place"
    assert re.search("NameError.*somewhere_else", said[9], re.DOTALL), "other cells show what they always show"
    assert re.search(r"04_momentum +2 of", said[10])
    assert (tmp_path / "progress.json").exists()


def test_a_notebook_keeps_nothing_if_it_is_turned_off(tmp_path, monkeypatch):
    said = in_a_notebook(tmp_path, monkeypatch, "0", RIGHT, CHECK)
    assert "Right." in said[1]
    assert not (tmp_path / "progress.json").exists()
