"""make report: counts, named mistakes and alike answers, of a class that was made up."""

import csv
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.api import Gradebook

import report
from classroom import alike, book, insight, notebooks, one
from classroom.uploads import Learner

ROOT = Path(__file__).resolve().parent.parent
STEM = "04_momentum"
WRONG = "One step too few: after that many steps the share is not quite reached. Which way do you round?"


@pytest.fixture
def course(tmp_path):
    """A course folder with a gradebook, made by hand: grading itself is tested elsewhere."""
    shutil.copytree(ROOT / "exercises" / STEM, tmp_path / "exercises" / STEM)
    (tmp_path / "grading").mkdir()
    (tmp_path / "nbgrader_config.py").write_text(
        f"load_subconfig({str(ROOT / 'nbgrader_config.py')!r})\nc = get_config()\n"
        f"c.CourseDirectory.root = {str(tmp_path)!r}\n"
        f"c.CourseDirectory.db_url = 'sqlite:///{tmp_path}/grading/gradebook.db'\n",
        "utf-8",
    )
    one.configured(str(tmp_path))  # also says where nbgrader finds its helpers
    with Gradebook(f"sqlite:///{tmp_path}/grading/gradebook.db") as gradebook:
        gradebook.add_assignment(STEM)
        gradebook.add_notebook(STEM, STEM)
        for cell in notebooks.released(str(ROOT), STEM).cells:
            if utils.is_grade(cell):
                mark = cell.metadata.nbgrader
                about = {"max_score": mark.points, "cell_type": cell.cell_type}
                gradebook.add_grade_cell(mark.grade_id, STEM, STEM, **about)
            if utils.is_solution(cell):
                gradebook.add_solution_cell(cell.metadata.nbgrader.grade_id, STEM, STEM)
    return tmp_path


def enter(course, student, said, answers=()):
    """A graded submission: ``said`` is what checks said, name -> sentence; the others said Right."""
    notebook = notebooks.released(str(ROOT), STEM).copy()
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in dict(answers):
            cell.source = dict(answers)[name]
        if name.startswith("test"):
            points = str(float(cell.metadata.nbgrader.points))
            cell.outputs = [
                new_output("error", ename="CheckFailed", evalue=f"{name[5:]}: {said[name]}", traceback=[])
                if name in said
                else new_output("execute_result", {"text/plain": points}, execution_count=1)
            ]
    shelf = book.Book(course, STEM)
    result = {"notebook": nbformat.writes(notebook), "digest": "x", "seconds": {}, "graded_at": "now"}
    shelf.submitted(student).parent.mkdir(parents=True)
    shelf.enter(Learner(student), result, {})


def test_the_page_says_who_is_stuck_where_and_names_nobody(course):
    long = "def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):\n" + "".join(
        f"    {name} = beta * state[{i}] + lr * g - {i} * g ** {i + 2}\n" for i, name in enumerate("abcd")
    )
    enter(course, "anna", {"test_steps_to": WRONG}, {"momentum": long + "    return -a, (b,)"})
    enter(
        course, "bert", {"test_steps_to": WRONG}, {"momentum": long.replace("a =", "vel =") + "    return -vel, (b,)"}
    )
    enter(course, "cora", {"test_debug": 'Your function raised <b>X</b>, in line 3: "<script>"'})
    enter(course, "dora", {"test_debug": "Your function was still running after 15 seconds. Is there a loop"})
    enter(course, "=emil", {})
    report.main([STEM, f"--root={course}"])
    page = (course / "grading" / "report" / f"{STEM}.html").read_text("utf-8")
    assert WRONG in page
    assert "2 of 5 met this" in page
    assert "1 wrote a loop that does not end in debug" in page
    assert "1 pairs of answers" in page
    assert not re.search(r"anna|bert|cora|dora|emil|<script|<b>X", page)
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    with open(course / "grading" / "report" / f"{STEM}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (row,) = [row for row in rows if row["id"] == "test_steps_to"]
    assert (row["people"], row["right"], row["graded"], row["kind"]) == ("2", "3", "5", "named")
    report.main([STEM, f"--root={course}", "--names"])
    assert "anna and bert" in (course / "grading" / "report" / f"{STEM}.html").read_text("utf-8")


def test_nobody_graded_is_told(course):
    with pytest.raises(SystemExit, match="make grade ARGS=04_momentum"):
        report.main([STEM, f"--root={course}"])


def test_sentences_that_differ_in_numbers_alone_are_one():
    first, second = "f(1.0, 2) gives 3; measured, it is 1e-5.", "f(7, 2) gives -0.1; measured, it is 2."
    assert insight.same(first) == insight.same(second)
    assert insight.kind(first) == "measured"
    assert insight.kind(WRONG) == "named"


def test_difficulty_and_discrimination_by_hand():
    points = {"a": {"x": 2.0, "y": 1.0}, "b": {"x": 1.0, "y": 1.0}, "c": {"x": 0.0, "y": 0.0}}
    x, y = insight.items([("x", "", 2.0), ("y", "", 1.0)], points, {who: {} for who in points})
    assert x["difficulty"] == 0.5
    assert (x["right"], x["part"]) == (1, 1)
    assert x["discrimination"] == pytest.approx(0.75**0.5)  # of 2, 1, 0 and 1, 1, 0


def test_renamed_answers_are_alike_and_the_common_one_is_not():
    given = {"f": ("def f(x):\n    raise NotImplementedError()", False)}
    common = "def f(x):\n    return sum(x[i] * (i + 1) for i in range(len(x))) / max(1, len(x)) - 3 * x[0] + x[-1]"
    odd = "def f(x):\n    '''mine'''\n    total = 0  # so\n    for k in x[::2]:\n        total += k ** 3 - 7 * k\n"
    odd += "    return total / 11 if total > 5 else [1, 2]"
    answers = {f"s{i}": {"f": (common, False)} for i in range(20)}
    answers |= {"p": {"f": (odd, False)}, "q": {"f": (odd.replace("total", "z").replace("mine", "ours"), False)}}
    (pair,) = alike.pairs(answers, given)
    assert pair["who"] == ("p", "q")
    assert pair["share"] == 1
