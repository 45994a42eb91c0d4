"""A class that was made up, to be graded for the time it takes: honest, unfinished and mistaken, under messy names.

    python tests/hostile/crowd.py FOLDER [200]        make a course folder with so many uploads and a roster
    python tests/hostile/crowd.py FOLDER [200] KILLS  and grade it twice: in one go, and killed so many times

With COURSE_CLASS=FOLDER, `python tools/grade.py 04_momentum --root=FOLDER` grades such a folder. The second form grades
FOLDER/plain and FOLDER/killed, the same class with the same secret, and says what differs.
"""

import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent.parent
STEM = "04_momentum"
CONFIG = """import os
load_subconfig({config!r})
c = get_config()
c.CourseDirectory.root = os.environ["COURSE_CLASS"]
c.CourseDirectory.db_url = f"sqlite:///{{c.CourseDirectory.root}}/grading/gradebook.db"
"""
# what is written otherwise than in the solution
MISTAKES = [
    ("momentum", "v = beta * v + lr * g", "v = beta * v + (1 - beta) * lr * g"),
    ("momentum", "return -v", "return v"),
    ("momentum", "return -v", "return -lr * v"),
    ("momentum", "+ lr * g", "+ g"),
    ("momentum", "+ lr * g", "- lr * g"),
    ("momentum", "beta * v +", "v +"),
    ("momentum", "-v, (v,)", "-v, v"),
    ("momentum", "-v, (v,)", "-(beta * v + lr * g), (v,)"),
    ("momentum", "    v = beta", "    v *= beta\n    v = beta"),
    ("momentum", "return -v, (v,)", "print(-v, v)"),
    ("top_speed", "lr * g / (1 - beta)", "lr * g / beta"),
    ("top_speed", "lr * g / (1 - beta)", "g / (1 - beta)"),
    ("top_speed", "lr * g / (1 - beta)", "lr / (1 - beta)"),
    ("top_speed", "int(np.ceil(", "int(np.floor("),
    ("top_speed", "np.log(1 - share)", "np.log(share)"),
    ("top_speed", "return int(np.ceil(np.log(1 - share) / np.log(beta)))", "t = 1\n    while True: t += 1"),
    ("top_speed", "return int(np.ceil(np.log(1 - share) / np.log(beta)))", "return 1 / (1 - beta)"),
    ("debug", "v += self.lr * g", "v += g"),
    ("debug", "v *= self.beta", "v *= 1"),
    ("debug", "[np.zeros_like(x) for x in parameters]", "[np.zeros_like(parameters[0])] * len(parameters)"),
    ("debug", "x -= v", "x = x - v"),
    ("settings", '"lr": 0.12', '"lr": 0.01'),
    ("settings", '"lr": 0.12', '"lr": 50.0'),
    ("settings", '"beta": 0.9', '"beta": 0.999'),
    ("settings", '{"lr": 0.12, "beta": 0.9}', '{"lr": 0.12, "momentum": 0.9}'),
    ("settings", '{"lr": 0.12, "beta": 0.9}', "(0.12, 0.9)"),
    ("quasi_hyperbolic", "(1 - nu) * g + nu * m", "nu * g + (1 - nu) * m"),
    ("quasi_hyperbolic", "+ (1 - beta) * g", "+ g"),
    ("quasi_hyperbolic", "return -lr", "return lr"),
    ("quasi_hyperbolic", "-lr * ((1 - nu) * g + nu * m)", "-lr * m"),
]


def variant(number):
    """The solution, the exercise as released, or the solution with one mistake; no two learners' bytes are the same."""
    kind = number % (len(MISTAKES) + 2)  # of which the last two are the exercise and the solution
    if kind == len(MISTAKES):
        notebook = nbformat.read(ROOT / "exercises" / STEM / f"{STEM}.ipynb", as_version=4)
    else:
        notebook = nbformat.read(ROOT / "solutions" / STEM / f"{STEM}.ipynb", as_version=4)
    part, right, wrong = MISTAKES[kind % len(MISTAKES)]
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name == part and kind < len(MISTAKES):
            if right not in cell.source:
                raise ValueError(f"the solution of {part} has no {right!r}")
            cell.source = cell.source.replace(right, wrong) + f"\n# {number}"
        elif name == part:
            cell.source += f"\n# {number}"
    return nbformat.writes(notebook).encode()


def make(folder, number):
    folder, draw = Path(folder).resolve(), random.Random(0)
    uploads = folder / "grading" / "uploads" / STEM
    uploads.mkdir(parents=True)
    for name in ("solutions", "exercises"):
        shutil.copytree(ROOT / name / STEM, folder / name / STEM)
    (folder / "nbgrader_config.py").write_text(CONFIG.format(config=str(ROOT / "nbgrader_config.py")), "utf-8")
    environment = os.environ | {"COURSE_CLASS": str(folder)}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", STEM, "--force"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    roster = ["id,first_name,last_name,email"]
    first, last = ("Ada", "Émile", "Mary Ann", "Søren", "Li"), ("Lovelace", "Müller", "O'Neil", "van Dyk", "Wang")
    with zipfile.ZipFile(uploads / "all submissions.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(int(number)):
            one, other = draw.choice(first), f"{draw.choice(last)}{i}"
            roster.append(f"u{i:04},{one},{other},u{i:04}@example.org")
            data, way = variant(i), i % 6
            if way == 0:
                archive.writestr(f"{other} {one}_{81000 + i}_assignsubmission_file_/{STEM}.ipynb", data)
            elif way == 1:
                archive.writestr(f"u{i:04}_LATE_{i}_{99000 + i}_homework ({i % 3}).ipynb", data)
            elif way == 2:
                (uploads / f"{one} {other}").mkdir()
                (uploads / f"{one} {other}" / "Momentum FINAL (2).ipynb").write_bytes(data)
            elif way == 3:
                (uploads / f"u{i:04}@example.org - Ünbenannt.ipynb").write_bytes(data)
            elif way == 4:
                inner = io.BytesIO()
                with zipfile.ZipFile(inner, "w") as packed:
                    packed.writestr("course/exercises/x.ipynb", data)
                (uploads / f"u{i:04}__{STEM}.zip").write_bytes(inner.getvalue())
            else:
                (uploads / f"u{i:04}__{STEM}.ipynb").write_bytes(data)
    (folder / "grading" / "roster.csv").write_text("\n".join(roster) + "\n", "utf-8")


def begin(folder, log):
    """The command that grades the class, in a session of its own, as a terminal would start it."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "grade.py"), STEM, f"--root={folder}", "--processes=2"],
        env=os.environ | {"COURSE_CLASS": str(folder)},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def graded(folder):
    """learner -> when they were graded, of everybody whose result is on the disk."""
    state = folder / "grading" / "state" / STEM
    found = [(path.stem, json.loads(path.read_text("utf-8"))) for path in state.glob("*.json")]
    found += [(path.stem, json.loads(path.read_text("utf-8"))) for path in state.glob("*.result")]
    return {name: note["graded_at"] for name, note in found if note.get("graded_at")}


def table(folder):
    with open(folder / "grading" / "scores" / f"{STEM}.csv", encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def compare(folder, number, kills):
    """Grade the class in one go, and the same class with a batch that is killed again and again."""
    plain, killed = folder / "plain", folder / "killed"
    make(plain, number)
    (plain / "grading" / "secret").write_text("the same numbers for both")
    shutil.copytree(plain, killed)
    with open(folder / "log", "w", encoding="utf-8") as log:
        start = time.monotonic()
        if begin(plain, log).wait():
            raise SystemExit(f"The plain run failed: {folder / 'log'}")
        print(f"plain: {time.monotonic() - start:.0f} s", flush=True)
        draw, seen, twice, lost, spent = random.Random(0), {}, set(), set(), 0.0
        for turn in range(kills + 1):
            start = time.monotonic()
            batch = begin(killed, log)
            if turn < kills:
                time.sleep(draw.uniform(5, 1.5 * 2.5 * number / (kills + 1)))
                if turn % 2:
                    batch.kill()
                else:
                    os.killpg(batch.pid, signal.SIGKILL)  # its workers as well, as when the power fails
            status = batch.wait()
            spent += time.monotonic() - start
            now = graded(killed)
            twice |= {name for name in seen.keys() & now.keys() if seen[name] != now[name]}
            lost |= seen.keys() - now.keys()
            print(f"killed: {spent:.0f} s, {len(now)} graded, ended with {status}", flush=True)
            seen = now
    differ = [name for name, row in table(plain).items() if row != table(killed).get(name)]
    print(f"graded twice: {sorted(twice)}, lost: {sorted(lost)}, lines of the tables that differ: {differ}")
    print("last lines of both runs:", *(folder / "log").read_text("utf-8").splitlines()[-3:], sep="\n")
    return bool(twice or lost or differ or len(seen) != number)


if __name__ == "__main__":
    path, number, kills = [*sys.argv[1:], *["200", "0"][len(sys.argv) - 2 :]]
    sys.exit(compare(Path(path).resolve(), int(number), int(kills)) if int(kills) else make(path, number))
