"""nbgrader's stock weaknesses: what a notebook can claim about itself."""

import copy

import nbformat
from hostile.making import ALL, NOTHING, answer, by_id, edited, empty
from nbformat.v4 import new_code_cell

# ---- nbgrader's stock weaknesses


answer(
    "patches np.allclose and all checks",
    0.0,
    base=empty,
    momentum=NOTHING
    + """
import numpy, course_utils.checks, course_utils.checks.graded, course_utils.checks.remote
numpy.allclose = numpy.array_equal = lambda *a, **k: True
course_utils.checks.graded.graded = graded = lambda name, candidate, points: float(points)
course_utils.checks.graded.compared = compared = lambda *a, points, **k: float(points)
""",
)
answer(
    "equals everything",
    0.0,
    base=empty,
    momentum="""
class Yes:
    __eq__ = __ne__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __array__ = lambda self, *a, **k: __import__("numpy").zeros(3)
    __float__ = lambda self: 0.0
def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    return Yes(), Yes()
top_speed = steps_to = paths = settings = quasi_hyperbolic = momentum
""",
)
answer(
    "input transformers",
    0.0,
    base=empty,
    momentum="get_ipython().input_transformers_cleanup.append(lambda lines: ['99.0'])",
    top_speed="get_ipython().ast_transformers.append(None)",
)


def _skip(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "remove_cell", "raises-exception"]


def _points(notebook):
    for name, cell in by_id(notebook).items():
        cell.metadata.nbgrader.update(points=99.0, schema_version=3, locked=False, solution=True)
        if name.startswith("test"):
            cell.source = "99.0"


def _delete(notebook):
    notebook.cells = [c for c in notebook.cells if not c.metadata.get("nbgrader", {}).get("grade")]


def _double(notebook):
    notebook.cells += copy.deepcopy(notebook.cells)


def _wrong_first(notebook):
    cell = copy.deepcopy(by_id(notebook)["momentum"])
    cell.source = NOTHING
    notebook.cells.insert(0, cell)


def _unlock(notebook):
    for name, cell in by_id(notebook).items():
        if name.startswith("test"):
            cell.source = f"float({cell.metadata.nbgrader.points})"
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "99"}, execution_count=1)]


def _reverse(notebook):
    notebook.cells.reverse()


def _new_parts(notebook):
    for number in range(3):
        cell = new_code_cell("50.0")
        cell.metadata.nbgrader = {"grade": True, "locked": True, "solution": False, "points": 50}
        cell.metadata.nbgrader |= {"grade_id": f"gift{number}", "schema_version": 3, "task": False}
        notebook.cells.append(cell)


def _kernelspec(notebook):
    notebook.metadata.kernelspec = {"name": "no-such-kernel", "display_name": "x", "language": "bash"}


def _swap(notebook):
    cells = by_id(notebook)
    cells["test_momentum"].metadata.nbgrader.grade_id, cells["momentum"].metadata.nbgrader.grade_id = "momentum", "x"
    cells["test_momentum"].source = "2.0"


edited("tags skip the checks", 0.0, _skip, empty)
edited("forged points and marks", 0.0, _points, empty)
edited("checks deleted", ALL, _delete)
edited("everything doubled", ALL, _double)
edited("the answer doubled, the first one counts", ALL - 2, _wrong_first)
edited("checks edited, outputs forged", 0.0, _unlock, empty)
edited("reversed order", ALL, _reverse)
edited("parts of its own with points", 0.0, _new_parts, empty)
edited("another kernelspec", ALL, _kernelspec)
edited("a check that claims to be the answer", ALL, _swap)  # the answer itself becomes a cell of its own
