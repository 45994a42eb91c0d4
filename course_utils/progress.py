"""Which exercises a learner has passed so far, with which points: ``progress()`` prints it.

The points stand in one small file, ``progress.json`` in the course's folder. Graded cells write it when a learner runs
them in a notebook; git ignores it, nothing sends it anywhere, and it may be deleted at any time. Autograding neither
reads nor writes it. ``COURSE_PROGRESS=0`` in the environment turns it off.
"""

import contextlib
import json
import os
import re
import sys
import threading
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
FILE = COURSE / "progress.json"


def progress():
    """Print a line for each exercise: the points that its checks have given so far, at best, and what is still open.

    What is marked by hand is not in it. The same numbers stand in the map of the course, README.md, in JupyterLab.
    """
    known = read()
    total = [0.0, 0.0]
    print(f"{'exercise':31} {'points':>11}   still open")
    for path in sorted((COURSE / "exercises").glob("*/*.ipynb")):
        parts, got = asked(path.stem), known.get(path.stem, {}).get("parts", {})
        points = sum(min(got.get(name, 0), most) for name, most in parts.items())
        todo = [name for name, most in parts.items() if got.get(name, 0) < most]
        whole = sum(parts.values())
        total = [total[0] + points, total[1] + whole]
        rest = ", ".join(todo) if len(todo) < len(parts) else "all of it"
        print(f"{path.stem:31} {points:5g} of {whole:2g}   {rest or 'nothing: passed'}")
    print(f"{'together':31} {total[0]:5g} of {total[1]:2g}")
    print(f"Without the explanations, which are marked by hand. Kept in {FILE.name} alone; delete it to begin anew.")


def read():
    """{stem of an exercise: {"got": points, "of": most, "parts": {question: points}}}; {} if there is no such file."""
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(FILE.read_text("utf-8"))
        if isinstance(known, dict) and all(isinstance(entry, dict) for entry in known.values()):
            return known
    return {}


def is_kept():
    """Whether points are written down: in a notebook's kernel, unless COURSE_PROGRESS is 0."""
    return os.environ.get("COURSE_PROGRESS", "1") != "0" and "ipykernel" in sys.modules


def keep(exercise, name, points):
    """Write down the points for the question ``name``, if they are more than before; the file is never half written.

    exercise: its number. Where the file cannot be written nothing happens: no check may fail for that.
    """
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        (stem,) = (path.name for path in (COURSE / "exercises").glob(f"{exercise:02}_*"))
        parts, known = asked(stem), read()
        got = dict(known.get(stem, {}).get("parts", {}))
        if name not in parts or got.get(name, -1) >= points:
            return
        got[name] = points
        known[stem] = {"got": sum(min(got.get(part, 0), parts[part]) for part in parts), "of": sum(parts.values())}
        known[stem]["parts"] = got
        new = FILE.with_name(f".progress-{os.getpid()}-{threading.get_ident()}.json")
        new.write_text(json.dumps(known, indent=1, sort_keys=True), "utf-8")
        os.replace(new, FILE)


def asked(stem):
    """{question: points} of the graded cells of an exercise, as it is released."""
    notebook = json.loads((COURSE / "exercises" / stem / f"{stem}.ipynb").read_text("utf-8"))
    parts = {}
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and mark.get("grade"):
            source = "".join(cell["source"])
            if call := re.search(r"\b(?:graded|compared|reached)\(\s*\"(\w+)\"", source):
                parts[call[1]] = mark["points"]
    return parts
