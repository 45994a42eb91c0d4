"""One submission, from bytes to a graded notebook: plain data in, plain data out, and nothing written.

:func:`grade` runs nbgrader's own preprocessors, those of nbgrader_config.py, but for the ones that need the gradebook:
that has one writer, :mod:`book`. So any number of workers may call it, on this machine or on others:
:func:`pool.run` is the one place that hands out the work.
"""

import functools
import logging
import os
import time
import traceback
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import PyFileConfigLoader

from classroom import notebooks
from sandbox import Fault

BOOK = ("OverwriteCells", "SaveAutoGrades", "AssignLatePenalties")  # preprocessors that read or write the gradebook


@functools.cache
def configured(root):
    """nbgrader's settings, as nbgrader_config.py in the folder ``root`` has them."""
    return PyFileConfigLoader("nbgrader_config.py", path=root).load_config()


def directory(root):
    """nbgrader's view of the course folder ``root``: where submissions, grades and the gradebook are."""
    return CourseDirectory(config=configured(root))


def resources(root, exercise, student):
    """What nbgrader's preprocessors want to know."""
    about = {"student": student, "assignment": exercise, "notebook": exercise, "db_url": directory(root).db_url}
    return {"unique_key": exercise, "output_files_dir": f"{exercise}_files", "nbgrader": about, "metadata": {}}


def grade(job):
    """job: {"root", "exercise", "student", "data"}. The result: {"notebook", "seconds"}, or {"fault"}: not graded.

    A fault is one of ours: whatever a submission does, it is graded, and loses points at most.
    """
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    seconds, begin = {}, time.perf_counter()
    try:
        config = configured(job["root"])
        notebook = notebooks.read(job["data"].encode() if isinstance(job["data"], str) else job["data"])
        about = resources(job["root"], job["exercise"], job["student"])
        os.environ["NBGRADER_EXECUTION"] = "autograde"
        for kind in [*config.Autograde.sanitize_preprocessors, *config.Autograde.autograde_preprocessors]:
            if kind.__name__ not in BOOK:
                start = time.perf_counter()
                notebook, about = kind(config=config).preprocess(notebook, about)
                seconds[kind.__name__] = time.perf_counter() - start
        for cell in notebook.cells:
            if utils.is_grade(cell):
                utils.determine_grade(cell)  # raises if it cannot be read
    except Fault as fault:
        return {"fault": str(fault)}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())[:500]
        return {"fault": f"{type(error).__name__}: {text} ({Path(where.filename).name}, line {where.lineno})"}
    seconds |= about.pop("seconds", {}) | {"all": time.perf_counter() - begin}
    return {"notebook": nbformat.writes(notebook), "seconds": {name: round(took, 3) for name, took in seconds.items()}}


def points(notebook):
    """(grade id, points, all points) of each graded cell; None for points that a person gives."""
    cells = [cell for cell in notebook.cells if utils.is_grade(cell)]
    return [(cell.metadata.nbgrader.grade_id, *utils.determine_grade(cell)) for cell in cells]
