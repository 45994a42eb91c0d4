"""Reading a notebook that somebody handed in, and saying what it is.

An exercise has the file name of its chapter, so names tell nothing: the marks that nbgrader puts on cells do.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

LARGEST = 20_000_000  # bytes of a file that is read at all; an exercise with its outputs has less than one million


class NotGradable(Exception):
    """What is wrong with a file, in a sentence for the instructor and the learner."""


@dataclass(frozen=True)
class Kind:
    """What a notebook is: ``right`` is whether it is the exercise that was asked for, ``text`` says what else."""

    right: bool
    text: str


def read(data, size=0):
    """The notebook in these bytes, of a file with ``size`` bytes. Raises NotGradable with a sentence."""
    size = max(size, len(data))
    if size > LARGEST:
        raise NotGradable(
            f"The file has {size / 1e6:.0f} MB, and {LARGEST / 1e6:.0f} are read. "
            "Clear all outputs in JupyterLab (Edit, Clear Outputs of All Cells), save, and hand in again."
        )
    if not data.strip():
        raise NotGradable("The file is empty.")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotGradable("The file is not a notebook: it is not text in UTF-8.") from None
    except RecursionError:
        raise NotGradable("The file is nested deeper than a notebook can be.") from None
    except ValueError as error:
        raise NotGradable(f"The file is not a notebook, or only part of one: {error}.") from None
    if isinstance(content, dict) and content.get("nbformat") == 4 and isinstance(content.get("cells"), list):
        content["cells"] = [cell for cell in content["cells"] if _is_cell(cell)]
    try:
        cells = nbformat.reads(json.dumps(content), as_version=4).cells
        if not isinstance(cells, list):
            raise TypeError("cells is no list")
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [cell for cell in cells if _is_cell(cell)]
    except RecursionError:
        raise NotGradable("The file is nested deeper than a notebook can be.") from None
    except Exception as error:  # whatever nbformat stumbles over in what is JSON, but no notebook
        text = " ".join(str(error).split())[:200]
        raise NotGradable(
            f"The file is not a notebook that Jupyter can read ({type(error).__name__}: {text})."
        ) from None
    return notebook


def _is_cell(cell):
    """Whether a cell has the parts that every cell has; one without is no cell, and left out."""
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata"), dict):
        return False
    lines = cell.get("source") if isinstance(cell.get("source"), list) else [cell.get("source")]
    return all(isinstance(line, str) for line in lines) and cell.get("cell_type") in ("code", "markdown", "raw")


def kind(notebook, exercise, course):
    """Which notebook of the course this is, judged by its cells; ``exercise`` is the stem that was asked for."""
    ids = grade_ids(notebook)
    shares = {stem: len(ids & known) / len(known) for stem, known in exercises(course).items()}
    best = max(shares, key=shares.get)
    if shares[best] >= 0.5:
        if best == exercise or shares[exercise] == shares[best]:
            return Kind(True, "")
        return Kind(False, f"This is exercise {best}, not {exercise}.")
    mine = {cell.get("id") for cell in notebook.cells}
    for stem, cells in chapters(course).items():
        if len(mine & cells) >= 0.3 * len(cells):
            return Kind(False, f"This is the chapter notebooks/{stem}.ipynb, not the exercise of that name.")
    if ids & exercises(course)[exercise]:
        return Kind(True, "Most cells of the exercise are missing.")
    return Kind(False, f"None of this notebook's cells belongs to exercise {exercise}.")


def grade_ids(notebook):
    """The names that nbgrader gave to cells of this notebook."""
    marks = [cell.metadata.get("nbgrader") for cell in notebook.cells]
    names = [mark.get("grade_id") for mark in marks if isinstance(mark, dict)]
    return {name for name in names if isinstance(name, str)}


@functools.cache
def exercises(course):
    """stem -> names of the cells of each released exercise that no other exercise has."""
    found = {path.parent.name: released(course, path.parent.name) for path in Path(course).glob("exercises/*/*.ipynb")}
    ids = {stem: grade_ids(notebook) for stem, notebook in found.items()}
    return {
        stem: (names - set().union(*[other for key, other in ids.items() if key != stem])) or names
        for stem, names in ids.items()
    }


@functools.cache
def chapters(course):
    """stem -> cell ids of each chapter."""
    paths = Path(course).glob("notebooks/*.ipynb")
    return {path.stem: {cell.get("id") for cell in nbformat.read(path, as_version=4).cells} for path in paths}


@functools.cache
def released(course, exercise):
    """The exercise as it was handed out."""
    return nbformat.read(Path(course, "exercises", exercise, f"{exercise}.ipynb"), as_version=4)
