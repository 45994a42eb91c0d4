"""Submissions that attack the grader, each with the score that it deserves.

``ATTACKS`` maps a name to an :class:`Attack`. All hand in exercise 04 without its settings, whose check trains: who
answers the rest gets 14 points, and who does not, 0. A canary is a text that no submission may read (``CANARY``), and
``MARK`` a text that no page may run.
"""

import copy
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent.parent
STEM = "04_momentum"
CANARY = "a canary that nobody reads 90210"
MARK = "alert(4711)"
ALL = 14.0
NOTHING = "def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):\n    return g, state\n"
PARTS = {"momentum": 2.0, "top_speed": 2.0, "steps_to": 2.0, "debug": 4.0, "quasi_hyperbolic": 4.0}


@dataclass
class Attack:
    """data: the file handed in. score: points, or the words with which it is refused. is_slow: only with --hostile."""

    data: bytes
    score: float | str
    is_slow: bool = False


ATTACKS = {}


@functools.cache
def _read(folder):
    return nbformat.read(ROOT / folder / STEM / f"{STEM}.ipynb", as_version=4)


def by_id(notebook):
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}


def right():
    """The exercise with everything answered but the settings."""
    notebook, answers = copy.deepcopy(_read("exercises")), by_id(_read("solutions"))
    for name, cell in by_id(notebook).items():
        if not name.startswith("test") and name != "settings":
            cell.source = answers[name].source
    return notebook


def empty():
    return copy.deepcopy(_read("exercises"))


def file(notebook):
    return json.dumps(notebook, ensure_ascii=True).encode()


def own(name, code, score=ALL, *, is_slow=False):
    """A cell of the learner's own before all answers, and the same once more at the end: it costs nothing."""
    notebook = right()
    at = next(i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == "setup")
    notebook.cells.insert(at + 1, new_code_cell(code))
    notebook.cells.append(new_code_cell(code + "\n"))
    ATTACKS[name] = Attack(file(notebook), score, is_slow)


def answer(name, score, *, is_slow=False, base=right, **answers):
    """Answers in place of the right ones."""
    notebook = base()
    for key, source in answers.items():
        by_id(notebook)[key].source = source
    ATTACKS[name] = Attack(file(notebook), score, is_slow)


def edited(name, score, change, base=right):
    """Whatever else is done to the notebook."""
    notebook = base()
    ATTACKS[name] = Attack(file(change(notebook) or notebook), score)
