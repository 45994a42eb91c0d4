"""The one place that writes what a batch finds: submissions, gradebook, graded notebooks, feedback, the table.

Every file appears as a whole or not at all, and a submission counts as graded only once its note (``state``) is
there, which is written last. So a batch may end at any moment: what has its result on the disk is entered again from
there, without being run again.
"""

import csv
import fcntl
import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbgrader import preprocessors, utils
from nbgrader.api import Gradebook, MissingEntry

from classroom import one

GRADED, WRONG, BROKEN, NONE, MISSING, FAULT = (
    "graded",
    "wrong notebook",
    "not gradable",
    "no notebook",
    "not submitted",
    "to be graded",
)


class Busy(Exception):
    """Another batch is at work."""


class Book:
    """Everything that is kept about one exercise, in the folder ``grading/`` of the course folder ``root``."""

    def __init__(self, root, exercise):
        self.root, self.exercise = str(root), exercise
        self.directory = one.directory(self.root)
        self.grading = Path(self.root, "grading")
        self.notes = self.grading / "state" / exercise
        self.notes.mkdir(parents=True, exist_ok=True)

    def lock(self):
        """Hold the folder for this process: the lock dies with it, however it ends."""
        self._lock = open(self.grading / "lock", "a+")  # noqa: SIM115, it stays open
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            raise Busy(self._lock.read().strip()) from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}")
        self._lock.flush()

    # ---- paths

    def submitted(self, student):
        return self._path(self.directory.submitted_directory, student, ".ipynb")

    def autograded(self, student):
        return self._path(self.directory.autograded_directory, student, ".ipynb")

    def feedback(self, student):
        return self._path(self.directory.feedback_directory, student, ".html")

    def _path(self, step, student, suffix):
        folder = self.directory.format_path(step, student, self.exercise)
        return Path(folder, self.exercise + suffix)

    # ---- what was handed in

    def students(self):
        """Everybody of whom there is a submission or a note."""
        there = Path(self.root, self.directory.submitted_directory).glob(f"*/{self.exercise}/{self.exercise}.ipynb")
        return sorted({path.parts[-3] for path in there} | {path.stem for path in self.notes.glob("*.json")})

    def take(self, student, data, time):
        """Put a new submission where nbgrader looks for it; the one that was there is kept in grading/earlier/."""
        path = self.submitted(student)
        if path.exists() and path.read_bytes() != data:
            old = path.read_bytes()
            write(self.grading / "earlier" / student / self.exercise / f"{digest(old)[:12]}.ipynb", old)
        write(path.with_name("timestamp.txt"), f"{time:%Y-%m-%d %H:%M:%S} UTC\n".encode())
        write(path, data)

    def taken_at(self, student):
        """When the submission that lies there was handed in; None if nobody knows."""
        try:
            text = self.directory.get_existing_timestamp(str(self.submitted(student).parent))
            return text.replace(tzinfo=UTC) if text else None
        except (Exception, SystemExit):  # nbgrader ends with it; with an exchange learners write this file
            return None

    # ---- notes and results

    def note(self, student):
        """What is known of a learner: status, text, digest of the file, time; {} if nothing is."""
        try:
            return json.loads((self.notes / f"{student}.json").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}

    def set_note(self, student, **entries):
        write(self.notes / f"{student}.json", json.dumps(entries, indent=1).encode())

    def keep(self, student, result):
        """A result on its way into the gradebook; its "digest" says of which file it is."""
        whole = result | {"graded_at": datetime.now(UTC).isoformat()}
        write(self.notes / f"{student}.result", json.dumps(whole).encode())

    def kept(self, student):
        try:
            return json.loads((self.notes / f"{student}.result").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    # ---- the gradebook

    def is_known(self):
        """Whether ``make exercises`` has entered the exercise."""
        try:
            with Gradebook(self.directory.db_url, self.directory.course_id) as book:
                book.find_notebook(self.exercise, self.exercise)
        except MissingEntry:
            return False
        return True

    def enter(self, learner, result, note):
        """Enter a kept result: points into the gradebook, the notebook, then the note that says that it is done.

        Points and comments that a person gave stay. A written answer that is as it was when they were given need not
        be looked at again.
        """
        notebook = nbformat.reads(result["notebook"], as_version=4)
        about = one.resources(self.root, self.exercise, learner.id)
        names = {key: value for key in ("first_name", "last_name", "email") if (value := getattr(learner, key))}
        with Gradebook(self.directory.db_url, self.directory.course_id) as book:
            book.update_or_create_student(learner.id, **names)
            times = {"timestamp": time.replace(tzinfo=None)} if (time := self.taken_at(learner.id)) else {}
            book.update_or_create_submission(self.exercise, learner.id, **times)
        before = self._written(learner.id)
        config = one.configured(self.root)
        for kind in config.Autograde.autograde_preprocessors:
            if kind.__name__ in ("SaveAutoGrades", "AssignLatePenalties"):
                notebook, about = kind(config=config).preprocess(notebook, about)
        with Gradebook(self.directory.db_url, self.directory.course_id) as book:
            for cell in notebook.cells:
                if utils.is_grade(cell) and utils.is_solution(cell):
                    name = cell.metadata.nbgrader.grade_id
                    entry = book.find_grade(name, self.exercise, self.exercise, learner.id)
                    if entry.manual_score is not None and before.get(name) == cell.source:
                        entry.needs_manual_grade = False
            book.db.commit()
        path = self.autograded(learner.id)
        self.hand_on(learner.id, path)
        write(path, nbformat.writes(notebook).encode("utf-8", "replace"))
        extra = {key: result[key] for key in ("digest", "graded_at", "seconds")}
        self.set_note(learner.id, **note | extra | {"status": GRADED})
        (self.notes / f"{learner.id}.result").unlink(missing_ok=True)

    def hand_on(self, student, path):
        """What nbgrader's exchange put beside a submission goes beside ``path``: by it a learner gets the feedback."""
        for name in ("timestamp.txt", "submission_secret.txt"):
            file = self.submitted(student).with_name(name)
            if file.is_file() and not file.is_symlink() and file.stat().st_size < 10_000:
                write(path.with_name(name), file.read_bytes())

    def _written(self, student):
        """The written answers of the notebook that was graded before."""
        if not self.autograded(student).exists():
            return {}
        cells = nbformat.read(self.autograded(student), as_version=4).cells
        marked = [cell for cell in cells if utils.is_grade(cell) and utils.is_solution(cell)]
        return {cell.metadata.nbgrader.grade_id: cell.source for cell in marked}

    def rows(self, learners):
        """A line of the table for each learner: status, points, and points of each part, as the gradebook has them."""
        rows = []
        with Gradebook(self.directory.db_url, self.directory.course_id) as book:
            parts = [cell.name for cell in book.find_notebook(self.exercise, self.exercise).grade_cells]
            order = {cell: index for index, cell in enumerate(part_names(self.root, self.exercise))}
            parts.sort(key=lambda name: order.get(name, len(order)))
            total = book.find_notebook(self.exercise, self.exercise).max_score
            for learner in learners:
                note = self.note(learner.id)
                row = {"id": learner.id, "name": learner.name, "status": note.get("status", MISSING)}
                row |= {"score": "", "max_score": total, "to be read": "", "late penalty": ""}
                row |= dict.fromkeys(parts, "")
                if row["status"] == GRADED:
                    mine = book.find_submission_notebook(self.exercise, self.exercise, learner.id)
                    penalty = mine.late_submission_penalty or 0
                    row["score"] = round(mine.score - penalty, 2)
                    row["late penalty"] = round(penalty, 2)
                    row["to be read"] = "yes" if mine.needs_manual_grade else ""
                    row |= {
                        g.name: "" if g.needs_manual_grade and g.manual_score is None else g.score for g in mine.grades
                    }
                row |= {key: note.get(key, "") for key in ("file", "handed_in", "others", "text")}
                rows.append(row)
        return rows

    def with_grades(self, student):
        """(the graded notebook with points and comments, what the page's head needs), for its feedback page."""
        notebook = nbformat.read(self.autograded(student), as_version=4)
        with Gradebook(self.directory.db_url, self.directory.course_id) as book:
            grades = book.find_submission_notebook(self.exercise, self.exercise, student).grades
            unread = sorted(grade.name for grade in grades if grade.needs_manual_grade and grade.manual_score is None)
        notebook, about = preprocessors.GetGrades(config=one.configured(self.root)).preprocess(
            notebook, one.resources(self.root, self.exercise, student)
        )
        return notebook, about["nbgrader"] | {"unread": unread}


def part_names(root, exercise):
    """The names of an exercise's graded cells, in their order."""
    folder = Path(root, one.directory(root).release_directory, exercise, f"{exercise}.ipynb")
    cells = nbformat.read(folder, as_version=4).cells
    return [cell.metadata.nbgrader.grade_id for cell in cells if utils.is_grade(cell)]


# ---- files


def digest(data):
    return hashlib.sha256(data).hexdigest()


def write(path, data):
    """``data`` in the file ``path``: all of it, or the file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        with open(new, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def write_table(path, rows):
    """A CSV file for a spreadsheet. What begins like a formula is shown, not computed."""
    lines = [{key: _shown(value) for key, value in row.items()} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with open(new, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        table = csv.DictWriter(file, list(lines[0]) if lines else ["id"])
        table.writeheader()
        table.writerows(lines)
    os.replace(new, path)


def _shown(value):
    """``value``, with a ' before what would be a formula: where it begins, or where a spreadsheet may part it."""
    return re.sub(r"((?:^|[;\t\r\n])\s*)(?=[=+@\-])", r"\1'", value) if isinstance(value, str) else value
