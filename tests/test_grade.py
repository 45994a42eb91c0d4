"""make grade: from uploads to scores, whatever was uploaded, whenever it is stopped."""

import csv
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import grade as tools_grade
import nbformat
import pytest
from hostile import crowd
from nbgrader.api import Gradebook
from nbgrader.validator import Validator
from needs import missing
from traitlets.config import Config

import sandbox
from classroom import book, notebooks, page, uploads
from classroom.uploads import Learner

ROOT = Path(__file__).resolve().parent.parent
STEM = "04_momentum"
SANDBOX = "none" if sandbox.unusable() else "bwrap"
# How often the batch is killed, and its size: COURSE_KILLS=50 takes the long way, with thirty submissions.
KILLS = int(os.environ.get("COURSE_KILLS", "2"))
CLASS = 30 if KILLS > 10 else 4

CLASSMATES = [
    Learner("ada", "Ada", "Lovelace", "ada@example.org"),
    Learner("s2", "Dée", "Müller", "dee@example.org"),
    Learner("s3", "Ann", "Lee", "ann.lee@example.org"),
    Learner("s4", "Mary Ann", "Lee", "mary@example.org"),
]


def notebook(folder, stem=STEM):
    name = f"{stem}.ipynb" if folder == "notebooks" else f"{stem}/{stem}.ipynb"
    return (ROOT / folder / name).read_bytes()


def answered(**answers):
    """The exercise with these answers."""
    nb = nbformat.reads(notebook("exercises"), as_version=4)
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    return nbformat.writes(nb).encode()


# ---- whose is it?


@pytest.mark.parametrize(
    ("where", "who"),
    [
        ("Lovelace Ada_8123_assignsubmission_file_/04_momentum.ipynb", "ada"),  # Moodle
        ("Ada Lovelace_8123_assignsubmission_file_/homework of Müller.ipynb", "ada"),
        ("lovelaceada_LATE_412_9930_04_momentum-1.ipynb", "ada"),  # Canvas
        ("mullerdee_412_9931_x.ipynb", "s2"),
        ("mu\u0308ller, de\u0301e.ipynb", "s2"),  # as macOS writes it
        ("Mail/ada@example.org/momentum final (2).ipynb", "ada"),
        ("ada__04_momentum.ipynb", "ada"),
        ("class.zip/Dée Müller/x.zip/04_momentum.ipynb", "s2"),
        ("Lee Ann/04_momentum.ipynb", "s3"),
        ("Mary Ann Lee/04_momentum.ipynb", "s4"),  # and not Ann Lee
        ("adam.ipynb", None),
        ("04_momentum.ipynb", None),
        ("ada and s2.ipynb", None),
        ("L\udce9a/x.ipynb", None),  # a name that is no UTF-8
    ],
)
def test_whose_a_file_is(where, who):
    learner, why = uploads.owner(where, CLASSMATES, STEM)
    assert (learner.id if learner else None) == who
    assert (why is None) == (who is not None)


def test_a_roster_in_other_words(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("Username;Surname;First name\nada;Lovelace;Ada\n", "utf-8-sig")
    assert uploads.roster(path) == [Learner("ada", "Ada", "Lovelace")]
    path.write_text('student,name\nada,Ada Lovelace\nb,"Byron, Lord"\n', "utf-8")
    assert [(one.first_name, one.last_name) for one in uploads.roster(path)] == [("Ada", "Lovelace"), ("Lord", "Byron")]
    for text, problem in {
        "who\nada\n": "column 'id'",
        "id\n../x\n": "line 2",
        "id\na\na\n": "twice",
        "id\n": "nobody",
    }.items():
        path.write_text(text, "utf-8")
        with pytest.raises(uploads.BadRoster, match=problem):
            uploads.roster(path)


def test_the_newest_that_is_the_exercise_counts(tmp_path):
    def put(name, data, time):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (time, time))

    put("ada/04_momentum.ipynb", notebook("exercises"), 1000)
    put("ada/04_momentum-1.ipynb", notebook("solutions"), 1000)
    put("ada/chapter.ipynb", notebook("notebooks"), 3000)
    put("s2/one.ipynb", notebook("exercises"), 1000)
    put("s2/other.ipynb", notebook("solutions"), 1000)
    with zipfile.ZipFile(tmp_path / "s3.zip", "w") as outer:
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as archive:
            archive.writestr("deep/er.ipynb", notebook("solutions"))
        outer.writestr("inner.zip", inner.getvalue())
        outer.writestr("__MACOSX/._er.ipynb", b"x")
    (tmp_path / "s4").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK")
    (tmp_path / "ada" / "link.ipynb").symlink_to("/dev/zero")
    chosen, trouble = uploads.sort(tmp_path, CLASSMATES, STEM, str(ROOT))
    chosen = {choice.learner.id: choice for choice in chosen}
    assert chosen["ada"].file.where == "ada/04_momentum-1.ipynb"
    assert "s2" not in chosen  # which of the two? nothing is guessed
    assert chosen["s3"].data == notebook("solutions")
    assert chosen["s4"].file is None
    assert {Path(where).name for where, _ in trouble} == {"other.ipynb", "broken.zip", "link.ipynb"}


# what people hand in beside the notebook; each would leave a mark if it were run or imported
BESIDE = ["numpy.py", "sitecustomize.py", "course_utils/__init__.py", "nbgrader_config.py", "kernel.py"]
BESIDE += [".ipython/profile_default/startup/00.py", "data/points.csv"]


def test_files_beside_the_notebook_in_a_zip_are_listed(tmp_path):
    own = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import helper")])).encode()
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        archive.writestr("homework/04_momentum.ipynb", notebook("solutions"))
        archive.writestr("homework/scratch.ipynb", own)
        archive.writestr("homework/.ipynb_checkpoints/04_momentum-checkpoint.ipynb", notebook("exercises"))
        archive.writestr("homework/.DS_Store", b"\0")
        archive.writestr("__MACOSX/homework/._04_momentum.ipynb", b"\0")
        archive.writestr("homework/data/", b"")
        archive.writestr("homework/data/points.csv", b"1,2\n")
        archive.writestr("homework/numpy.py", b"")
    ((choice,), trouble) = uploads.sort(tmp_path, CLASSMATES, STEM, str(ROOT))
    assert choice.data == notebook("solutions")
    assert choice.others == [f"ada.zip/homework/{name}" for name in ("scratch.ipynb", "data/points.csv", "numpy.py")]
    assert trouble == []


def test_zips_that_are_bombs_are_listed(tmp_path):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.ipynb", b" " * 30_000_000)  # says that it is short, below
        for number in range(30):
            archive.writestr(f"{number}.ipynb", b"[" * 2_000_000)
    data = (tmp_path / "ada.zip").read_bytes()
    (tmp_path / "ada.zip").write_bytes(data.replace((30_000_000).to_bytes(4, "little"), (9).to_bytes(4, "little")))
    with zipfile.ZipFile(tmp_path / "s2.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x.ipynb", b" " * 1000)
    with zipfile.ZipFile(tmp_path / "s3.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(uploads.MOST + 5):
            archive.writestr(f"{number}.txt", b"")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chosen, trouble = uploads.sort(tmp_path, CLASSMATES, STEM, str(ROOT))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert {choice.learner.id for choice in chosen} == {"ada", "s3"}
    trouble = {Path(where).name: why for where, why in trouble}
    assert "unusual way" in trouble["x.ipynb"]
    assert any("more than 20000 files" in why for why in trouble.values())


def test_a_file_name_cannot_steer_the_terminal():
    assert tools_grade.line("a\x1b]0;x\x07\nb\udce9\u202e ü") == "a\\x1b]0;x\\x07\\nb\\udce9\\u202e ü"


def test_a_zip_that_gets_small_in_a_zip_is_not_opened(tmp_path):
    honest, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(honest, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.ipynb", os.urandom(3_000_000))
    bomb.write(bytes(150_000_000))  # what stands before a zip does not matter to whoever opens it
    with zipfile.ZipFile(bomb, "a") as archive:
        archive.writestr("x.ipynb", b"{}")
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.zip", honest.getvalue())
        archive.writestr("s2.zip", bomb.getvalue())
    found, trouble = uploads.files(str(tmp_path))
    assert [file.where for file in found] == ["all.zip/ada.zip/x.ipynb"]
    assert trouble == [("all.zip/s2.zip", "is a zip too deep or too large to open")]


def test_no_cell_of_a_table_is_a_formula(tmp_path):
    for text in ("=1", "a;=cmd|'/C calc'!A0;b.ipynb", "a\n@x", "a;\t+1", "-1"):
        book.write_table(tmp_path / "x.csv", [{"a": text}])
        with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
            (told,) = csv.DictReader(file)
        # a spreadsheet where decimals have commas parts at semicolons, too
        assert not any(part.lstrip().startswith(("=", "+", "-", "@")) for part in re.split(r"[;\n\t]", told["a"]))
    book.write_table(tmp_path / "x.csv", [{"a": "lr = 0.1, x", "b": -3.5}])
    assert (tmp_path / "x.csv").read_text("utf-8") == 'a,b\n"lr = 0.1, x",-3.5\n'


def test_a_time_that_is_none_is_not_known_and_stops_nobody(tmp_path):
    there = object.__new__(book.Book)
    there.directory = tools_grade.one.directory(str(ROOT))
    there.submitted = lambda student: tmp_path / f"{STEM}.ipynb"
    for text in (b"soon", b"\xff", b"9" * 99, b""):
        (tmp_path / "timestamp.txt").write_bytes(text)
        assert there.taken_at("ada") is None
    (tmp_path / "timestamp.txt").write_text("2026-01-02 03:04:05 UTC\n")
    assert there.taken_at("ada") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    (tmp_path / "submission_secret.txt").symlink_to(ROOT / "README.md")
    there.hand_on("ada", tmp_path / "feedback" / "x.html")
    assert [path.name for path in (tmp_path / "feedback").iterdir()] == ["timestamp.txt"]


def test_what_an_exchange_left_in_place_of_a_file_stops_nobody(tmp_path):
    good, link, folder, pipe, large = (tmp_path / name for name in ("good", "link", "folder", "pipe", "large"))
    good.write_bytes(b"{}")
    link.symlink_to(good)
    folder.mkdir()
    os.mkfifo(pipe)
    with open(large, "wb") as file:
        file.truncate(100 << 30)
    assert tools_grade.content(good) == (b"{}", "")
    for path in (link, folder, pipe):
        assert tools_grade.content(path) == (b"", "It is a link, a folder, a pipe or a device, not a file.")
    assert "107374 MB" in tools_grade.content(large)[1]
    assert "cannot be read" in tools_grade.content(tmp_path / "none")[1]


def test_thousands_of_useless_files_do_not_flood_the_terminal(tmp_path, capsys):
    batch = object.__new__(tools_grade.Batch)
    batch.root, batch.exercise = tmp_path, STEM
    batch.trouble = [(f"{i} \x1b[2J\udce9.bin", "is packed in an unusual way") for i in range(5000)]
    batch.book = SimpleNamespace(grading=tmp_path / "grading", rows=lambda learners: [])
    assert batch.report([]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) < 120
    assert f"{5000 - tools_grade.TROUBLE} more" in said
    told = (tmp_path / "grading" / f"{STEM}.trouble.txt").read_text("utf-8")
    assert len(told.splitlines()) == 5000
    assert "\x1b" not in told


def test_the_class_that_was_made_up_has_all_its_mistakes():
    """crowd.variant raises where the solution is no longer written as a mistake wants it."""
    first = [crowd.variant(number) for number in range(len(crowd.MISTAKES) + 2)]
    assert len(set(first)) == len(crowd.MISTAKES) + 2 == 32


# ---- what is it?


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (notebook("exercises")[:5000], "only part of one"),
        (b"\xff\xfe\x00", "not text"),
        (b"[" * 200_000, "nested deeper"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "cannot|can read|TypeError"),
        (b'{"nbformat": 5, "nbformat_minor": 0, "metadata": {}, "cells": []}', "can read"),
    ],
)
def test_what_is_not_a_notebook_is_told(data, problem):
    with pytest.raises(notebooks.NotGradable, match=problem):
        notebooks.read(data)


def test_a_huge_file_is_not_read():
    with pytest.raises(notebooks.NotGradable, match="100 MB.*Clear all outputs"):
        notebooks.read(b"a short stand-in", size=100_000_000)


def test_a_byte_order_mark_does_not_matter():
    assert notebooks.read(b"\xef\xbb\xbf" + notebook("exercises")).cells


@pytest.mark.parametrize("stem", sorted(path.parent.name for path in ROOT.glob("exercises/*/*.ipynb")))
def test_exercises_are_known_by_their_cells(stem):
    for folder in ("exercises", "solutions"):
        assert notebooks.kind(notebooks.read(notebook(folder, stem)), stem, str(ROOT)).right
    assert "the chapter" in notebooks.kind(notebooks.read(notebook("notebooks", stem)), stem, str(ROOT)).text
    other = "10_which_optimizer" if stem != "10_which_optimizer" else STEM
    kind = notebooks.kind(notebooks.read(notebook("exercises", stem)), other, str(ROOT))
    assert not kind.right
    assert stem in kind.text


# ---- a class


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course folder whose gradebook knows the exercise; copied for each class below."""
    folder = tmp_path_factory.mktemp("released")
    for name in ("solutions", "exercises"):
        (folder / name).mkdir()
        shutil.copytree(ROOT / name / STEM, folder / name / STEM)
    (folder / "grading").mkdir()
    (folder / "nbgrader_config.py").write_text(
        f"import os\nload_subconfig({str(ROOT / 'nbgrader_config.py')!r})\n"
        "c = get_config()\nc.CourseDirectory.root = os.environ['COURSE_CLASS']\n"
        "c.CourseDirectory.db_url = f'sqlite:///{c.CourseDirectory.root}/grading/gradebook.db'\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", STEM, "--force"]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)
    return folder


@pytest.fixture
def course(released, tmp_path):
    folder = tmp_path / "course"
    shutil.copytree(released, folder)
    return folder


def environment(course, **more):
    return os.environ | {"COURSE_CLASS": str(course), "COURSE_SANDBOX": SANDBOX} | more


def hand_in(course, uploads, time=0):
    """Uploads: path -> content. Everybody whose id begins a path is on the roster."""
    for where, data in uploads.items():
        path = course / "grading" / "uploads" / STEM / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_700_000_000 + time,) * 2)
    names = sorted({where.split("/")[0].split("__")[0] for where in uploads} | {"absent"})
    if not (course / "grading" / "roster.csv").exists():
        (course / "grading" / "roster.csv").write_text("id,name\n" + "".join(f"{name},\n" for name in names), "utf-8")


def begin(course, *options, **more):
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "grade.py"), STEM, f"--root={course}", "--processes=2", *options],
        env=environment(course, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def grade(course, *options, status=0, **more):
    batch = begin(course, *options, **more)
    said = batch.communicate(timeout=600)[0]
    assert batch.returncode == status, said
    return said


def scores(course):
    with open(course / "grading" / "scores" / f"{STEM}.csv", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def notes(course):
    return {path.stem: json.loads(path.read_text()) for path in (course / "grading/state" / STEM).glob("*.json")}


def test_a_class_as_it_comes(course):
    mark = course / "a file beside the notebook was run"
    beside = {name: b"open(%a, 'w')\n" % str(mark) for name in BESIDE}
    hostile = answered(explain="<script>alert(1)</script> [a](javascript:alert(2)) $\\eta < 2/k$ $\\href{x}{y}$")
    hand_in(
        course,
        {
            "ada/Momentum final (2).ipynb": notebook("solutions"),
            "ada/.DS_Store": b"\0",
            "ada/__MACOSX/._04_momentum.ipynb": b"\0",
            **{f"ada/{name}": data for name, data in beside.items()},
            "bob__04_momentum.ipynb": notebook("exercises"),
            "cut__x.ipynb": notebook("exercises")[:3000],
            "chapter__04_momentum.ipynb": notebook("notebooks"),
            "eve__x.ipynb": hostile,
            "pdf/answer.pdf": b"%PDF",
            "x/y.ipynb": notebook("exercises"),
        },
    )
    roster = course / "grading" / "roster.csv"
    roster.write_text(roster.read_text().replace("x,\n", ""))
    there = course / "grading/submitted/carl" / STEM  # as nbgrader's exchange collects a whole folder
    for name, data in {f"{STEM}.ipynb": notebook("solutions"), **beside}.items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes(data)
    said = grade(course)
    assert len(said.splitlines()) < 15
    assert not mark.exists()
    assert "x/y.ipynb: fits nobody" in said
    assert "This is the chapter" in said
    rows = scores(course)
    assert {name: row["status"] for name, row in rows.items()} == {
        "ada": "graded",
        "bob": "graded",
        "carl": "graded",
        "eve": "graded",
        "cut": "not gradable",
        "chapter": "wrong notebook",
        "pdf": "no notebook",
        "absent": "not submitted",
    }
    assert [rows[name]["score"] for name in ("ada", "bob", "eve", "cut", "absent")] == ["18.0", "0.0", "0.0", "", ""]
    assert rows["carl"]["score"] == "18.0"
    assert set(rows["ada"]["others"].split(", ")) == {f"ada/{name}" for name in BESIDE}
    assert rows["bob"]["others"] == ""
    assert "column `others`" in said
    text = (course / "grading/feedback/eve" / STEM / f"{STEM}.html").read_text("utf-8")
    assert "<script" not in text
    assert "javascript:" not in text.replace("(javascript:alert(2))", "")
    assert "<math" in text
    assert "Write the rule" in text
    assert 'src="http' not in text

    # a person reads: points and a comment; then ada hands in again
    with Gradebook(f"sqlite:///{course}/grading/gradebook.db") as book:
        entry = book.find_grade("explain", STEM, STEM, "ada")
        entry.manual_score, entry.needs_manual_grade = 1.5, False
        book.find_comment("explain", STEM, STEM, "ada").manual_comment = "Well said."
        book.db.commit()
    before = notes(course)
    grade(course)
    assert scores(course)["ada"]["score"] == "19.5"
    assert "Well said." in (course / "grading/feedback/ada" / STEM / f"{STEM}.html").read_text("utf-8")
    assert {name: note.get("graded_at") for name, note in notes(course).items()} == {
        name: note.get("graded_at") for name, note in before.items()
    }
    # what nbgrader's exchange leaves beside a submission comes to lie beside the feedback
    (course / "grading/submitted/ada" / STEM / "submission_secret.txt").write_text("secret")
    late = notebook("solutions").replace(b'\\"lr\\": 0.12', b'\\"lr\\": 0.1200')
    assert late != notebook("solutions")
    hand_in(course, {"ada/late.ipynb": late}, time=1000)
    hand_in(course, {"ada/early.ipynb": notebook("exercises")}, time=-1000)
    grade(course)
    assert notes(course)["ada"]["file"] == "ada/late.ipynb"
    assert notes(course)["ada"]["graded_at"] > before["ada"]["graded_at"]
    assert scores(course)["ada"]["score"] == "19.5"
    assert scores(course)["ada"]["to be read"] == ""  # the written answer is the one that was read
    assert list((course / "grading/earlier/ada" / STEM).glob("*.ipynb"))
    assert (course / "grading/feedback/ada" / STEM / "submission_secret.txt").read_text() == "secret"
    # nbgrader's own commands go on working
    command = [sys.executable, "-m", "nbgrader", "generate_feedback", STEM, "--force"]
    subprocess.run(command, cwd=course, env=environment(course), check=True, capture_output=True)


def test_killed_at_any_moment_nothing_is_lost_and_nothing_graded_twice(course):
    class_ = {
        f"s{i}__x.ipynb": answered(
            momentum=f"def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9): # {i}\n    return -lr * g, state"
        )
        for i in range(CLASS)
    }
    hand_in(course, class_)
    draw, graded_at = random.Random(0), {}
    for _ in range(KILLS):
        batch = begin(course)
        time.sleep(draw.uniform(1, 12))
        batch.send_signal(signal.SIGKILL)
        batch.communicate()
        seen = {name: note["graded_at"] for name, note in notes(course).items() if note.get("graded_at")}
        for path in (course / "grading/state" / STEM).glob("*.result"):
            seen[path.stem] = json.loads(path.read_text())["graded_at"]
        assert seen.items() >= graded_at.items()  # what was graded stays, and is not graded again
        graded_at = seen
    grade(course)
    seen = {name: note["graded_at"] for name, note in notes(course).items()}
    assert len(seen) == CLASS
    assert seen.items() >= graded_at.items()
    assert {row["score"] for name, row in scores(course).items() if name != "absent"} == {scores(course)["s0"]["score"]}
    assert not [path for path in (course / "grading").rglob("*.new")]
    time.sleep(3)
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=False).stdout
    assert f"class-{batch.pid}-" not in listing


def test_the_solution_is_graded_first(course):
    path = course / "solutions" / STEM / f"{STEM}.ipynb"
    path.write_bytes(path.read_bytes().replace(b"v = beta * v + lr * g", b"v = beta * v - lr * g", 1))
    hand_in(course, {"ada__x.ipynb": notebook("solutions")})
    said = grade(course, status=1)
    assert "Nobody was graded" in said
    assert "test_momentum" in said
    assert "graded_at" not in notes(course)["ada"]


def test_two_batches_at_once(course):
    hand_in(course, {"ada__x.ipynb": notebook("exercises")})
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys, time; f = open(sys.argv[1], 'a+'); fcntl.flock(f, 2); "
            "print('4711', file=f, flush=True); print('held', flush=True); time.sleep(60)",
            str(course / "grading/lock"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    assert "Another batch is at work here (process 4711)" in grade(course, status=1)
    holder.kill()
    holder.communicate()


def test_a_disk_that_is_full(course):
    """A limit on the size of files looks the same from inside: writing fails in the middle."""
    hand_in(course, {"ada__x.ipynb": notebook("exercises")})
    run = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "grade.py"), STEM, f"--root={course}"],
        env=environment(course),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "Make room" in run.stderr
    assert "graded" in grade(course)
    assert scores(course)["ada"]["score"] == "0.0"


def read_only(folder, course, **more):
    """Grade where ``folder`` cannot be written, not by root either."""
    if sandbox.unusable():
        missing("a sandbox", sandbox.unusable(), system="linux")
    mounted = [sandbox.bwrap(), "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder), "--"]
    command = [*mounted, sys.executable, str(ROOT / "tools" / "grade.py"), STEM, f"--root={course}"]
    names = {name: value for name, value in environment(course, **more).items() if name != "HOME"}
    return subprocess.run(command, env=names, capture_output=True, text=True, check=False)


def test_a_checkout_that_cannot_be_written_no_home_and_names_that_are_no_utf8(course):
    hand_in(course, {"ada__x.ipynb": notebook("exercises"), "big__x.ipynb": b" " * 100_000_000})
    odd = os.fsencode(course / "grading" / "uploads" / STEM) + b"/\xe9t\xe9"
    os.mkdir(odd)
    Path(os.fsdecode(odd + b"/ada__\xff.ipynb")).write_bytes(notebook("exercises"))
    Path(os.fsdecode(odd + b"/\xff.ipynb")).write_bytes(notebook("exercises"))
    run = read_only(ROOT, course)
    assert run.returncode == 0, run.stdout + run.stderr
    assert scores(course)["ada"]["status"] == "graded"
    assert r"\xe9t\xe9/\xff.ipynb: fits nobody".replace("x", "udc") in run.stdout
    assert "big: not gradable. The file has 100 MB, and 20 are read." in run.stdout


def test_a_folder_for_grades_that_cannot_be_written_is_told(course):
    hand_in(course, {"ada__x.ipynb": notebook("exercises")})
    run = read_only(course, course)
    assert run.returncode == 1
    assert "make the folder grading/ writable" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("asked", "problem"), [(["99_none"], "no exercise '99_none'"), ([STEM, "--uploads=/nowhere"], "no folder")]
)
def test_wrong_arguments_are_told(course, asked, problem):
    command = [sys.executable, str(ROOT / "tools" / "grade.py"), *asked, f"--root={course}"]
    run = subprocess.run(command, env=environment(course), capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert problem in run.stderr


def test_formulas_and_tags_of_a_learner_on_a_page():
    html = page.markdown(
        "a <b>b</b> $x < y$ $$\\frac{1}{2}$$ `x < y` [ok](https://example.org) [no](javascript:x)", True
    )
    assert "<b>" not in html
    assert html.count("<math") == 2
    assert 'href="https://example.org"' in html
    assert "javascript" not in html


# ---- what a learner sees in JupyterLab


def test_validate_says_the_verdict_for_part_of_the_points(monkeypatch):
    monkeypatch.setattr(Validator, "_extract_error", Validator._extract_error)
    names = {"get_config": Config, "__file__": str(ROOT / ".jupyter" / "jupyter_lab_config.py")}
    exec(compile((ROOT / ".jupyter" / "jupyter_lab_config.py").read_text("utf-8"), "config", "exec"), names)
    said = nbformat.v4.new_output("stream", text="steps_to: One step too few.\n0.5 of 2 points.")
    points = nbformat.v4.new_output("execute_result", {"text/plain": "0.5"}, execution_count=1)
    cell = nbformat.v4.new_code_cell("", outputs=[said, points])
    cell.metadata.nbgrader = {"grade": True, "solution": False, "points": 2, "grade_id": "x", "schema_version": 3}
    assert "One step too few" in Validator()._extract_error(cell)
    cell.outputs = [points]
    assert "Partial credit" in Validator()._extract_error(cell)


def test_learners_see_validate_and_no_tools_of_graders():
    page_config = json.loads((ROOT / ".jupyter" / "labconfig" / "page_config.json").read_text("utf-8"))
    hidden = {name.split(":")[1] for name in page_config["disabledExtensions"]}
    assert hidden == {"assignment-list", "course-list", "create-assignment", "formgrader", "menu"}
    labextensions = Path(sys.prefix, "share", "jupyter", "labextensions", "@jupyter", "nbgrader", "static")
    plugins = set(
        re.findall(r"@jupyter/nbgrader:([a-z-]+)\"", "".join(p.read_text() for p in labextensions.glob("*.js")))
    )
    assert plugins == hidden | {"validate-assignment"}  # a new version may bring more


def test_the_copy_for_learners_can_be_set_up(tmp_path):
    """What the guide's command packs is enough for make lab, and has no solutions."""
    guide = (ROOT / "docs" / "instructors.md").read_text("utf-8")
    names = re.search(r"^git archive .* HEAD (.+)$", guide, re.MULTILINE)[1].split()
    assert "solutions" not in names
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    plan = subprocess.run(["make", "-n", "lab"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert plan.returncode == 0, plan.stderr
    assert "jupyterlab" in plan.stdout
