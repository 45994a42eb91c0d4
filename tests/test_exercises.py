"""exercises/ is what solutions/ gives, and nothing of the solutions; a class is graded from one end to the other."""

import copy
import csv
import dis
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import is_grade, is_solution
from needs import missing

import sandbox
from classroom import one, pool
from course_utils.checks import diagnose, probes

ROOT = Path(__file__).resolve().parent.parent
STEMS = sorted(path.parent.name for path in ROOT.glob("solutions/*/*.ipynb"))
MODEL = "04_momentum"  # the exercise that the class of five hands in


def read(path):
    return nbformat.read(path, as_version=4)


def exercise(stem):
    return read(ROOT / "exercises" / stem / f"{stem}.ipynb")


def solution(stem):
    return read(ROOT / "solutions" / stem / f"{stem}.ipynb")


def by_id(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


# --- The course folder of an instructor, in which every nbgrader command below runs ------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder with the course's solutions and settings, and a gradebook of its own; exercises are generated."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions", folder / "solutions", ignore=shutil.ignore_patterns(".*"))
    (folder / "grading").mkdir()
    (folder / "nbgrader_config.py").write_text(
        f"load_subconfig({str(ROOT / 'nbgrader_config.py')!r})\n"
        f"c = get_config()\nc.CourseDirectory.root = {str(folder)!r}\n"
        f"c.CourseDirectory.db_url = 'sqlite:///{folder}/grading/gradebook.db'\n",
        "utf-8",
    )
    nbgrader(folder, "generate_assignment", "*", "--force")
    return folder


def nbgrader(folder, *arguments, **environment):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    environment = os.environ | environment
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return run.stdout + run.stderr


def hand_in(course, student, stem, notebook):
    path = course / "grading" / "submitted" / student / stem / f"{stem}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def alone(course, tmp_path_factory):
    """(who, stem) -> graded notebook of every solution and every exercise as released, as ``make grade`` runs them."""
    if sandbox.unusable():
        missing("a sandbox", sandbox.unusable())
    folders = {"perfect": "solutions", "empty": "exercises"}
    jobs = []
    for stem in STEMS:
        for who, folder in folders.items():
            data = (ROOT / folder / stem / f"{stem}.ipynb").read_text("utf-8")
            jobs.append({"root": str(course), "exercise": stem, "student": who, "data": data})
    with open(tmp_path_factory.mktemp("log") / "log", "w") as log:
        results = {(job["student"], job["exercise"]): done for job, done in pool.run("one.grade", jobs, 1, log)}
    assert {key: done["fault"] for key, done in results.items() if "fault" in done} == {}
    return {key: nbformat.reads(done["notebook"], as_version=4) for key, done in results.items()}


def earned(notebook):
    return sum(got or 0 for _, got, _ in one.points(notebook))


@pytest.fixture(scope="module")
def graded(course):
    """A class of five, graded by nbgrader's own commands."""
    hand_in(course, "perfect", MODEL, solution(MODEL))
    # One exercise arrives as files from a learning platform, with the student in the name.
    arrived = course / "grading" / "downloaded" / MODEL / "archive"
    arrived.mkdir(parents=True)
    for student, notebook in {
        "empty": exercise(MODEL),
        "partial": partial(),
        "broken": broken(),
        "hostile": hostile(course / "harm"),
    }.items():
        nbformat.write(notebook, arrived / f"{student}__{MODEL}.ipynb")
    nbgrader(course, "zip_collect", MODEL)
    if sandbox.unusable():
        missing("a sandbox", sandbox.unusable())
    nbgrader(course, "autograde", MODEL, "--Execute.timeout=5")
    return course


@pytest.fixture(scope="module")
def grades(graded):
    """(student, stem) -> (points, all points), as exported."""
    nbgrader(graded, "export")
    with open(graded / "grading" / "grades.csv", encoding="utf-8") as file:
        return {(row["student_id"], row["assignment"]): float(row["score"]) for row in csv.DictReader(file)}


def autograded(folder, student, stem):
    return read(folder / "grading" / "autograded" / student / stem / f"{stem}.ipynb")


def points(stem, *, by_hand):
    cells = [cell for cell in solution(stem).cells if is_grade(cell)]
    return sum(cell.metadata.nbgrader.points for cell in cells if by_hand or not is_solution(cell))


# --- What is released -------------------------------------------------------------------------------------------


def test_exercises_are_what_the_solutions_give(course):
    assert STEMS
    assert sorted(path.parent.name for path in ROOT.glob("exercises/*/*.ipynb")) == STEMS
    for stem in STEMS:
        for folder in ("solutions", "exercises"):
            assert [path.name for path in (ROOT / folder / stem).iterdir() if path.name[0] != "."] == [f"{stem}.ipynb"]
        generated = (course / "exercises" / stem / f"{stem}.ipynb").read_bytes()
        assert generated == (ROOT / "exercises" / stem / f"{stem}.ipynb").read_bytes(), f"run: make exercises ({stem})"


def solution_lines(notebook):
    """The lines that only a solution has; those of a few letters, such as 'else:', stand in any program."""
    for cell in notebook.cells:
        if is_solution(cell):
            regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL)
            text = "\n".join(regions) if regions or cell.cell_type == "code" else cell.source
            yield from (line.strip() for line in text.splitlines() if "#: " not in line and len(line.strip()) > 12)


@pytest.mark.parametrize("stem", STEMS)
def test_nothing_of_the_solution_is_released(stem):
    text = "\n".join(cell.source for cell in exercise(stem).cells)
    lines = list(solution_lines(solution(stem)))
    assert len(lines) >= 5
    assert [line for line in lines if line in text] == []
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME", "#: ", "*Marking"):
        assert mark not in text
    assert all(not cell.get("outputs") for cell in exercise(stem).cells)
    answers = [cell for cell in exercise(stem).cells if is_solution(cell)]
    assert answers
    assert len({cell.id for cell in exercise(stem).cells}) == len(exercise(stem).cells)


def names(cell):
    """The global names that a code cell sets, and those that it uses but does not set."""
    sets, uses, codes = set(), set(), [compile(cell.source, cell.id, "exec")]
    for code in codes:
        codes += [constant for constant in code.co_consts if hasattr(constant, "co_code")]
        for step in dis.get_instructions(code):
            if step.opname in ("STORE_NAME", "STORE_GLOBAL"):
                sets.add(step.argval)
            elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                uses.add(step.argval)
    return sets, uses - sets


@pytest.mark.parametrize("stem", STEMS)
def test_nothing_needs_a_cell_to_play_in(stem):
    """They are not run when grading, unless the learner changed them."""
    for notebook in (exercise(stem), solution(stem)):
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        sets = [names(cell)[0] for cell in cells if "nbgrader" not in cell.metadata]
        needed = [names(cell)[1] for cell in cells if "nbgrader" in cell.metadata]
        assert set().union(*sets) & set().union(*needed) == set()


@pytest.mark.parametrize("stem", STEMS)
def test_minutes_and_points_are_stated(stem):
    opening, *rest = [cell.source for cell in solution(stem).cells if cell.cell_type == "markdown"]
    assert int(re.search(r"· (\d+) points", opening)[1]) == points(stem, by_hand=True)
    minutes = int(re.search(r"about (\d+) minutes", opening)[1])
    tasks = [re.search(r"^\*(\d+) minutes, (\d+) points?", text, re.MULTILINE) for text in rest if text[:3] == "## "]
    assert 3 <= len(tasks) <= 7
    assert sum(int(task[1]) for task in tasks) == minutes
    assert sum(int(task[2]) for task in tasks) == points(stem, by_hand=True)
    assert 1 <= points(stem, by_hand=True) - points(stem, by_hand=False) <= 4  # one short answer
    assert "<details>" in "".join(rest)


# --- Grading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", STEMS)
def test_the_solution_earns_all_points(alone, stem):
    assert earned(alone["perfect", stem]) == points(stem, by_hand=False)


@pytest.mark.parametrize("stem", STEMS)
def test_the_solution_is_right_whatever_numbers_are_drawn(stem, capsys):
    """When grading, each submission gets numbers of its own; none may cost an honest one a point."""
    names = {}
    cells = [cell for cell in solution(stem).cells if cell.cell_type == "code" and "nbgrader" in cell.metadata]
    for cell in cells:
        if not is_grade(cell):
            exec(cell.source, names)
    checks = [cell.source for cell in cells if is_grade(cell) and not cell.source.startswith("reached(")]
    assert checks
    try:
        for seed in (1, 2):
            probes.draw(seed)
            for source in checks:
                exec(source, names)
    finally:
        probes.draw()
    said = capsys.readouterr().out
    assert said.count("Right.") == 2 * len(checks), said


@pytest.mark.parametrize("stem", STEMS)
def test_the_exercise_as_released_earns_nothing_and_is_told_why(alone, stem):
    assert earned(alone["empty", stem]) == 0
    for cell in alone["empty", stem].cells:
        if is_grade(cell) and not is_solution(cell):
            (said,) = (output for output in cell.outputs if output.output_type == "error")
            assert said.ename == "CheckFailed"
            assert " ".join(said.traceback) == said.evalue  # the sentence alone, in lines that fit into a window
            assert max(map(len, said.traceback)) <= 88
            assert len(said.evalue.split()) >= 8


def fill(notebook, answers):
    """Put sources into the cells of these names."""
    cells = by_id(notebook)
    for name, source in answers.items():
        cells[name].source = textwrap.dedent(source)
    return notebook


def partial():
    """Right in places: momentum that keeps one velocity for all its users, and a number of steps that is one off."""
    return fill(
        exercise(MODEL),
        {
            "momentum": """
                kept = [0.0]


                def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
                    if isinstance(state[0], float):
                        kept[0] = 0.0
                    kept[0] = beta * kept[0] + lr * g
                    return -kept[0], (g,)
                """,
            "top_speed": """
                def top_speed(g, lr, beta):
                    return lr * g / (1 - beta)


                def steps_to(share, beta):
                    t = 0
                    while 1 - beta ** (t + 1) < share:
                        t += 1
                    return t
                """,
            "settings": "def settings():\n    return {'lr': 0.12, 'beta': 0.9}",
            "explain": "The steps are longer too.",
        },
    )


def shares_one_velocity():
    """The rule that :func:`partial` hands in."""
    names = {}
    exec(by_id(partial())["momentum"].source, names)
    return names["momentum"]


def broken():
    """A syntax error, a loop that never ends, one inside a function, the end of the kernel; one task is right."""
    notebook = fill(
        exercise(MODEL),
        {
            "momentum": "def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9)\n    return -lr * g, state",
            "top_speed": """
                def top_speed(g, lr, beta):
                    return lr * g / (1 - beta)


                def steps_to(share, beta):
                    while True:
                        pass
                """,
            "debug": "while True:\n    pass",
            "settings": "import os\n\nos._exit(1)",
        },
    )
    notebook.cells.append(nbformat.v4.new_code_cell("print('x' * 10**7)"))
    return notebook


def hostile(harm):
    """Everything but the work: the graders' tools replaced, cells edited, files read, written and deleted."""
    notebook = exercise(MODEL)
    cells = by_id(notebook)
    cells["momentum"].source = textwrap.dedent("""
        import glob, os, subprocess, numpy, IPython
        import course_utils.checks, course_utils.checks.graded, course_utils.rules, course_utils.checks.remote

        numpy.allclose = numpy.array_equal = lambda *args, **kwargs: True
        course_utils.checks.diagnose = lambda *args: course_utils.checks.Diagnosis(True, None, "Right.", 1.0)
        course_utils.checks.check = lambda *args: None
        course_utils.checks.graded.graded = graded = lambda name, candidate, points: float(points)
        course_utils.checks.graded.compared = compared = lambda *args, points, **kwargs: float(points)
        course_utils.checks.graded.reached = reached = lambda *args, points, **kwargs: float(points)
        course_utils.checks.remote.answer = lambda namespace, request: "forged"


        class Yes:
            __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
            __array__ = lambda self, *args, **kwargs: numpy.zeros(3)


        def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
            return Yes(), Yes()


        top_speed = steps_to = paths = settings = momentum
        """)
    cells["debug"].source = textwrap.dedent(f"""
        found = glob.glob({str(ROOT)!r} + "/solutions/*/*") + glob.glob({str(ROOT)!r} + "/grading/*")
        found += glob.glob(os.path.dirname({str(harm)!r}) + "/grading/*")
        print("found", found)
        try:
            open({str(harm)!r}, "w").write("here")
        except OSError as error:
            print("not written", error)
        try:
            import socket
            socket.create_connection(("127.0.0.1", 22), 1)
        except OSError as error:
            print("not connected", error)
        print("processes", [name for name in os.listdir("/proc") if name.isdigit()])
        IPython.display.display(IPython.display.HTML("<script>alert('steal')</script>"))
        IPython.display.display(IPython.display.Javascript("alert('steal')"))
        """)
    cells["settings"].source = "get_ipython().input_transformers_cleanup.append(lambda lines: ['99.0'])"
    cells["explain"].source = "<script>alert('steal')</script> I deserve all points."
    for name, cell in cells.items():
        if name.startswith("test"):
            cell.source = f"float({cell.metadata.nbgrader.points})"
            cell.metadata.tags = ["skip-execution"]
            cell.metadata.nbgrader.update(points=99.0, schema_version=3)
    del notebook.cells[notebook.cells.index(cells["test_debug"])]
    again = copy.deepcopy(cells["test_momentum"])
    again.id = "again"
    notebook.cells.append(again)
    notebook.metadata.kernelspec.name = "no-such-kernel"
    return notebook


def test_a_class_of_five(graded, grades):
    five = {student: grades[student, MODEL] for student in ("perfect", "partial", "empty", "broken", "hostile")}
    most = by_id(solution(MODEL))["test_momentum"].metadata.nbgrader.points
    # the numbers of the checks are drawn anew for each submission, so the share of probes may differ by one or two
    expected = most * diagnose("momentum", shares_one_velocity()).score
    assert 0 < expected < most / 2
    assert five.pop("partial") == pytest.approx(expected + 2 + 4, abs=0.1 * most)
    assert five == {"perfect": 18, "empty": 0, "broken": 2, "hostile": 0}


def said(notebook, name):
    """What stands below the cell of this name."""
    return "\n".join(output.get("text", "") + output.get("evalue", "") for output in by_id(notebook)[name].outputs)


def test_each_is_told_what_is_wrong(graded):
    notebook = autograded(graded, "partial", MODEL)
    assert diagnose("momentum", shares_one_velocity()).message in said(notebook, "test_momentum")
    assert "One step too few" in said(notebook, "test_steps_to")
    assert "gradient descent" in said(notebook, "test_debug")

    notebook = autograded(graded, "broken", MODEL)
    assert "SyntaxError" in str(by_id(notebook)["momentum"].outputs)
    assert "not defined" in said(notebook, "test_momentum")
    assert "still running after 15 seconds" in said(notebook, "test_steps_to")
    assert "CellTimeoutError" in str(by_id(notebook)["debug"].outputs)
    assert "died" in said(notebook, "settings")
    assert "not defined" in said(notebook, "test_settings")
    assert len(json.dumps(notebook)) < 1_000_000


def test_the_hostile_one_harms_nobody(graded):
    notebook = autograded(graded, "hostile", MODEL)
    shown = [dict(output.data) for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert "HTML object" in str(shown)
    assert {kind for data in shown for kind in data} == {"text/plain"}
    printed = said(notebook, "debug")
    assert "found []" in printed
    assert "not written" in printed
    assert "not connected" in printed
    assert len(re.search(r"processes \[(.*)\]", printed)[1].split(",")) < 6
    assert not (graded / "harm").exists()


def test_feedback_shows_the_verdicts(graded):
    nbgrader(graded, "generate_feedback", MODEL)
    for student in ("perfect", "partial", "empty", "broken", "hostile"):
        page = (graded / "grading" / "feedback" / student / MODEL / f"{MODEL}.html").read_text("utf-8")
        assert "Your grade" in page or "Score" in page
        assert "<script>alert('steal')" not in page  # nor whatever else it tried to put there
        if student == "partial":
            assert "One step too few" in page
