"""Unusual but honest submissions: each gets all that it deserves. In the table of the attacks, and run with them."""

from hostile.making import ALL, answer, by_id, edited, own
from nbformat.v4 import new_code_cell

answer(
    "honest: a dataclass as state, and a partial",
    ALL,
    momentum="""
import functools
from dataclasses import dataclass
import numpy as np

@dataclass
class Velocity:
    v: np.ndarray | float = 0.0

    def next(self, g, lr, beta):
        return Velocity(beta * self.v + lr * g)

def rule(factor, g, state=(Velocity(),), *, lr=0.01, beta=0.9):
    (old,) = state
    new = old.next(g, lr, beta)
    return factor * new.v, (new,)

momentum = functools.partial(rule, -1)
""",
)
answer(
    "honest: a lambda with lists in place of arrays",
    ALL,
    momentum="""
def _next(g, old, lr, beta):
    return [beta * v + lr * x for x, v in zip(g, old or [0.0] * len(g))]
momentum = lambda g, state=(None,), *, lr=0.01, beta=0.9: (
    (lambda v: ([-x for x in v], (v,)))(_next(g, state[0], lr, beta))
)
""",
    top_speed="""
import itertools
def _times(share, beta):
    yield from (t for t in itertools.count(1) if 1 - beta**t >= share)
def top_speed(g, lr, beta):
    return np.asarray(lr * g / (1 - beta))
def steps_to(share, beta):
    return next(_times(share, beta))
""",
)
answer(
    "honest: a decorator, type hints, prints and a progress bar",
    ALL,
    momentum='''
import functools
from typing import Any
import numpy as np
from tqdm.auto import tqdm

def counted(f):
    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any):
        wrapper.calls += 1
        return f(*args, **kwargs)
    wrapper.calls = 0
    return wrapper

@counted
def momentum(g: np.ndarray, state: tuple = (0.0,), *, lr: float = 0.01, beta: float = 0.9) -> tuple[np.ndarray, tuple]:
    """One step of *momentum*."""
    (v,) = state
    for _ in tqdm(range(1)):
        v = np.add(np.multiply(beta, v), np.multiply(lr, g))
    return np.negative(v), (v,)

print(momentum(np.ones(3)), momentum.calls)
''',
)
own(
    "honest: plots, a shell and an error in cells of its own",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n"
    "!ls\n%timeit -n1 -r1 1 + 1\n1 / 0",
)
own(
    "honest: names of its own that the answers use otherwise",
    "lr, beta, v, g = 0.5, 3, None, 'g'\nimport numpy\nnumpy.random.seed(0)\nlist = [1]\nimport warnings\n"
    "warnings.warn('so')",
)


answer(
    "honest: a named tuple as state",
    ALL,
    momentum="""
from typing import NamedTuple
class State(NamedTuple):
    v: float = 0.0
def momentum(g, state=State(), *, lr=0.01, beta=0.9):
    state = State(beta * state.v + lr * g)
    return -state.v, state
""",
)


def _pool(notebook):
    cell = by_id(notebook)["momentum"]
    helper = "import multiprocessing, subprocess\ndef velocity(v, g, lr, beta):\n    return beta * v + lr * g\n"
    helper += "pool = multiprocessing.Pool(2)\nprint(pool.map(abs, [1, -2]))\nsubprocess.Popen(['sleep', '98765'])"
    notebook.cells.insert(notebook.cells.index(cell), new_code_cell(helper))
    cell.source = cell.source.replace("beta * v + lr * g", "velocity(v, g, lr, beta)")


edited("honest: a helper in a cell that leaves a pool and a server", ALL, _pool)


def _helper(notebook):
    cell = by_id(notebook)["momentum"]
    at = notebook.cells.index(cell)
    notebook.cells.insert(at, new_code_cell("assert False, 'not yet'"))
    notebook.cells.insert(at, new_code_cell(cell.source.replace("def momentum", "def my_momentum")))
    cell.source = "# see above\nmomentum = my_momentum"


edited("honest: the answer stands in a cell before", ALL, _helper)
