"""Grade a class: from a folder of uploads to scores, feedback pages and a table, in one call.

    make grade ARGS=04_momentum
    make grade ARGS="04_momentum --uploads=~/Downloads/moodle.d --roster=roster.csv --processes=8"

Call it as often as you like: it grades what is new and leaves the rest. docs/instructors.md is the guide.
"""

import argparse
import hashlib
import json
import os
import stat
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from sqlalchemy.exc import SAWarning, SQLAlchemyError  # noqa: E402
from tqdm import tqdm  # noqa: E402

import sandbox  # noqa: E402
from classroom import book as books  # noqa: E402
from classroom import notebooks, one, pool, uploads  # noqa: E402
from classroom.book import BROKEN, FAULT, GRADED, NONE, WRONG  # noqa: E402

COURSE = str(Path(__file__).resolve().parent.parent)
TROUBLE = 100  # lines on files that are of no use, before they are told in a file


def main(arguments=None):
    """Grade, and say in a few lines what came of it. The exit status is 1 if somebody is still to be graded."""
    warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, fifteen for each submission
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names of files may be no UTF-8
    options = parsed(arguments)
    try:
        sys.exit(Batch(options).run())
    except books.Busy as busy:
        sys.exit(f"Another batch is at work here (process {busy}). Wait for it; nothing was touched.")
    except uploads.BadRoster as error:
        sys.exit(f"The roster: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. What is graded is kept; the same command goes on.")
    except (OSError, SQLAlchemyError) as error:
        text = error.strerror if isinstance(error, OSError) else str(getattr(error, "orig", error))
        where = getattr(error, "filename", None) or "the gradebook"
        sys.exit(
            f"Stopped: {where} cannot be written or read ({text}). What is graded is kept. "
            "Make room, or make the folder grading/ writable, and give the same command again."
        )


def parsed(arguments):
    parser = argparse.ArgumentParser(prog="make grade", description=__doc__.split("\n")[0])
    parser.add_argument("exercise", help="such as 04_momentum")
    parser.add_argument("--uploads", help="folder of files as they came (grading/uploads/EXERCISE)")
    parser.add_argument("--roster", help="CSV with a column id and, if there are, names and email (grading/roster.csv)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="workers (as many as there are cores)")
    parser.add_argument("--again", action="store_true", help="grade everybody again; manual points stay")
    parser.add_argument("--root", default=".", help="course folder (this one)")
    options = parser.parse_args(arguments)
    if options.processes < 1:
        parser.error(f"--processes={options.processes} must be at least 1")
    return options


class Batch:
    """One call. ``run`` reads from top to bottom."""

    def __init__(self, options):
        self.options, self.exercise = options, options.exercise.strip("/")
        self.root = str(Path(options.root).resolve())
        known = sorted(path.parent.name for path in Path(self.root).glob("exercises/*/*.ipynb"))
        if self.exercise not in known:
            sys.exit(f"There is no exercise {self.exercise!r} in {self.root}/exercises; there are {', '.join(known)}.")
        self.book = books.Book(self.root, self.exercise)
        self.trouble = []

    def run(self):
        self.book.lock()
        sandbox.sweep()
        if not self.book.is_known():
            sys.exit(f"The gradebook does not know {self.exercise} yet. Run: make exercises")
        learners = self.roster()
        self.collect(learners)
        learners += [uploads.Learner(id) for id in self.book.students() if id not in {who.id for who in learners}]
        with open(self.book.grading / f"{self.exercise}.log", "a", encoding="utf-8", errors="backslashreplace") as log:
            todo = self.to_grade(learners)
            if todo:
                with pool.warmed(log) as settings:
                    self.canary(log, settings)
                    self.grade(todo, log, settings)
            self.feedback(learners, log)
        return self.report(learners)

    # ---- who, and what they handed in

    def roster(self):
        path = Path(self.options.roster or self.book.grading / "roster.csv").expanduser()
        if path.exists() or self.options.roster:
            return uploads.roster(path)
        return []

    def collect(self, learners):
        """New uploads into grading/submitted/, where nbgrader's own tools look too."""
        folder = Path(self.options.uploads or self.book.grading / "uploads" / self.exercise).expanduser()
        if self.options.uploads and not folder.is_dir():
            sys.exit(f"There is no folder {folder}. Put the uploads there, or name theirs with --uploads=FOLDER.")
        if folder.is_dir():
            if not learners:
                sys.exit(
                    f"Whose are the files in {folder}? Write a roster, grading/roster.csv, with the columns "
                    "id,first_name,last_name,email (the id is enough if file or folder names hold it)."
                )
            chosen, self.trouble = uploads.sort(folder, learners, self.exercise, COURSE)
            for choice in tqdm(chosen, "reading", leave=False, disable=None):
                self.receive(choice)
        for student in self.book.students():  # what nbgrader's exchange collected, or somebody put there
            path, note = self.book.submitted(student), self.book.note(student)
            if not os.path.lexists(path):
                continue
            data, why = content(path)
            if note.get("seen") != books.digest(data) or (why and note.get("text") != why):
                file = uploads.File(str(path.relative_to(self.root)), path.lstat().st_mtime, bytes)
                text, status = (why, BROKEN) if why else self.judged(data)
                self.note(student, note, status, text, file, data)

    def receive(self, choice):
        """One learner's upload: taken if it is the exercise and newer than what there is; else a note says why not."""
        student, note = choice.learner.id, self.book.note(choice.learner.id)
        has = self.book.submitted(student).exists()
        if choice.file is None:
            if not has:
                self.book.set_note(student, **note | {"status": NONE, "text": choice.why})
            return
        digest, others = choice.digest, {"others": ", ".join(choice.others)[:1000]}
        if note.get("seen") == digest or (has and books.digest(self.book.submitted(student).read_bytes()) == digest):
            if note:
                if note.get("others") != others["others"]:
                    self.book.set_note(student, **note | others)
                return
        before = self.book.taken_at(student) if has else None
        if before and choice.handed_in.replace(microsecond=0) < before:
            self.trouble.append((choice.file.where, f"is older than the submission of {student} that counts"))
            return
        text, status = self.judged(choice.data, choice.file.size)
        if status is None:
            self.book.take(student, choice.data, choice.handed_in)
        elif has:
            self.trouble.append((choice.file.where, f"{text} The earlier submission of {student} counts."))
            return
        self.note(student, note | others, status, text, choice.file, choice.data)

    def note(self, student, note, status, text, file, data):
        """Keep what is known. ``status`` None: to be graded."""
        handed_in = datetime.fromtimestamp(file.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        entries = {"file": file.where, "handed_in": handed_in, "seen": books.digest(data)}
        self.book.set_note(student, **note | entries | {"status": status or FAULT, "text": text})

    def judged(self, data, size=0):
        """(what to say about a file, its status; None if it is the exercise)."""
        try:
            kind = notebooks.kind(notebooks.read(data, size), self.exercise, COURSE)
        except notebooks.NotGradable as error:
            return str(error), BROKEN
        return kind.text, None if kind.right else WRONG

    def to_grade(self, learners):
        """The students whose submission is new, or was not graded for a fault of ours."""
        todo = []
        for learner in learners:
            path, note = self.book.submitted(learner.id), self.book.note(learner.id)
            if not path.exists() or note.get("status") in (WRONG, BROKEN):
                continue
            is_done = (
                note.get("digest") == books.digest(path.read_bytes()) and self.book.autograded(learner.id).exists()
            )
            if self.options.again or note.get("status") != GRADED or not is_done:
                todo.append(learner)
        return todo

    # ---- the work

    def canary(self, log, settings):
        """Grade the solution itself: if it does not get full points, nobody would get theirs."""
        path = Path(self.root, one.directory(self.root).source_directory, self.exercise, f"{self.exercise}.ipynb")
        if not path.exists():
            sys.exit(f"There is no {path}: the solution is graded first, to see that grading works.")
        print(f"{self.exercise}: the solution first, to see that grading works ...", flush=True)
        ((_, result),) = pool.run("one.grade", [self.job("the solution", path.read_bytes())], 1, log, settings)
        if "fault" in result:
            sys.exit(f"Nobody was graded: the solution itself could not be. {result['fault']}\nSee {log.name}")
        notebook = notebooks.read(result["notebook"].encode())
        lost = [(name, got, most) for name, got, most in one.points(notebook) if got is not None and got < most]
        if lost:
            parts = "\n".join(f"  {name}: {got:g} of {most:g}. {said(notebook, name)}" for name, got, most in lost)
            sys.exit(
                f"Nobody was graded: the solution itself does not get full points, so something is wrong.\n{parts}"
            )

    def job(self, student, data):
        text = data.decode("utf-8-sig", "replace")
        return {"root": self.root, "exercise": self.exercise, "student": student, "data": text}

    def grade(self, todo, log, settings):
        """Everybody on all cores; what is done is entered here, by this process alone."""
        by_id, jobs = {learner.id: learner for learner in todo}, []
        fresh = self.options.again
        for learner in todo:
            data, kept = self.book.submitted(learner.id).read_bytes(), self.book.kept(learner.id)
            if kept and kept["digest"] == books.digest(data) and not fresh:  # run, but not yet entered
                self.book.enter(learner, kept, self.book.note(learner.id))
            else:
                jobs.append(self.job(learner.id, data) | {"digest": books.digest(data)})
        begin, self.seconds = time.monotonic(), []
        bar = tqdm(total=len(jobs), desc=self.exercise, unit="submission", disable=None, leave=False)
        for job, result in pool.run("one.grade", jobs, self.options.processes, log, settings):
            student = job["student"]
            if "fault" in result:
                text = f"Not graded, by a fault that is not the learner's: {result['fault']}"
                self.book.set_note(student, **self.book.note(student) | {"status": FAULT, "text": text})
            else:
                self.book.keep(student, result | {"digest": job["digest"]})
                self.book.enter(by_id[student], self.book.kept(student), self.book.note(student))
                self.seconds.append(result["seconds"])
            bar.update()
        bar.close()
        self.took = time.monotonic() - begin

    def feedback(self, learners, log):
        """A page for everybody whose points, comments or submission changed."""
        jobs = []
        for learner in learners:
            note = self.book.note(learner.id)
            if note.get("status") != GRADED:
                continue
            notebook, about = self.book.with_grades(learner.id)
            job = {key: about[key] for key in ("score", "max_score", "late_penalty", "unread")}
            job |= {"student": learner.id, "exercise": self.exercise, "notebook": json.dumps(notebook)}
            job["mark"] = hashlib.sha256((json.dumps(job, sort_keys=True) + look()).encode()).hexdigest()
            if note.get("page") != job["mark"] or not self.book.feedback(learner.id).exists():
                jobs.append(job)
        bar = tqdm(total=len(jobs), desc="feedback pages", disable=None, leave=False)
        for job, result in pool.run("page.write", jobs, self.options.processes, log):
            if "fault" in result:
                self.trouble.append((f"feedback of {job['student']}", f"cannot be written: {result['fault']}"))
            else:
                path = self.book.feedback(job["student"])
                books.write(path, result["page"].encode("utf-8", "replace"))
                self.book.hand_on(job["student"], path)
                self.book.set_note(job["student"], **self.book.note(job["student"]) | {"page": job["mark"]})
            bar.update()
        bar.close()

    # ---- what came of it

    def report(self, learners):
        rows = self.book.rows(learners)
        table = self.book.grading / "scores" / f"{self.exercise}.csv"
        books.write_table(table, rows)
        counts = {}
        for row in rows:
            counts[row["status"]] = counts.get(row["status"], 0) + 1
        print(f"{self.exercise}: {', '.join(f'{number} {status}' for status, number in counts.items()) or 'nobody'}.")
        if getattr(self, "seconds", None):
            each = sum(part["all"] for part in self.seconds) / len(self.seconds)
            names = ("start", "cells", "checks", "training", "end")
            number = len(self.seconds)
            parts = ", ".join(f"{name} {sum(one.get(name, 0) for one in self.seconds) / number:.1f}" for name in names)
            print(f"{number} graded now in {self.took:.0f} s, {each:.1f} s each on one core ({parts}).")
        for row in rows:
            if row["status"] in (WRONG, BROKEN, NONE, FAULT):
                print(f"  {row['id']}: {row['status']}. {line(row['text'])}")
        for where, why in self.trouble[:TROUBLE]:
            print(f"  {line(where)}: {line(why)}")
        if len(self.trouble) > TROUBLE:  # one zip can hold thousands
            path = self.book.grading / f"{self.exercise}.trouble.txt"
            books.write(path, "".join(f"{line(where)}: {line(why)}\n" for where, why in self.trouble).encode())
            print(f"  and {len(self.trouble) - TROUBLE} more, all of them in {path.relative_to(self.root)}.")
        if any(row["others"] for row in rows):
            print("Other files came with a notebook, and were not opened: the column `others` of the table.")
        reading = sum(row["to be read"] == "yes" for row in rows)
        if reading:
            print(f"{reading} written answers are to be read: docs/instructors.md, step 5. Then this command again.")
        print(f"Scores: {table.relative_to(self.root)}. Feedback: grading/feedback/.")
        return 1 if counts.get(FAULT) else 0


def content(path):
    """(the bytes of a submission, ""), or (b"", why nobody reads it): by an exchange, learners choose this."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            return b"", "It is a link, a folder, a pipe or a device, not a file."
        if about.st_size > notebooks.LARGEST:
            return b"", f"The file has {about.st_size / 1e6:.0f} MB, and {notebooks.LARGEST / 1e6:.0f} are read."
        return path.read_bytes(), ""
    except OSError as error:
        return b"", f"The file cannot be read: {error.strerror}."


def look():
    """What the feedback pages look like, for a change of it is a reason to write them anew."""
    folder = Path(__file__).with_name("classroom")
    return "".join(path.read_text("utf-8") for path in [folder / "page.py", *sorted(folder.glob("templates/*"))])


def line(text):
    """``text`` in one line of a terminal: what steers it, and what is no letter, as Python writes it."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


def said(notebook, name):
    """What stands below a graded cell, in a line."""
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)
    text = " ".join(str(out.get("evalue") or out.get("text") or "") for out in cell.get("outputs", []))
    return " ".join(text.split())[:300]


if __name__ == "__main__":
    main()
