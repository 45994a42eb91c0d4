"""A rule's arithmetic, written down by running it once on stand-ins, and done in one pass over the vectors.

A rule that is written out in full reads each vector many times from memory. Its tape, compiled by torch, reads each
once. The tape holds which operations a step does, on what; the numbers that they use are kept apart from it, so that a
new lr or a new t makes no new tape.
"""

import operator
import os
from functools import cache
from pathlib import Path

import numpy as np
import torch

COMPILED = Path(__file__).parents[2] / "build" / "compiled"  # where compiled steps are kept for the next process


class Tape:
    """The arithmetic of one step.

    ``operations``, a tuple: each is a function of :mod:`operator` and where its operands are to be found, as
    ``("vector", k)``, ``("number", k)``, ``("result", k)`` of an earlier operation, or ``("exponent", value)``.
    ``results``, a tuple of such places: of the update, then of each vector of the new state.
    ``numbers``, a list: floats, or float64 arrays with a value for every run, of shape (runs, 1).
    """

    def __init__(self):
        self.operations, self.results, self.numbers = (), (), []

    def place(self, value):
        """Where an operand is to be found."""
        if isinstance(value, Vector):
            return value.place
        self.numbers.append(value)
        return "number", len(self.numbers) - 1

    def packed(self, dtype):
        """The numbers as one tensor on the CPU, of shape (count,) or, if some differ by run, (count, runs, 1).

        In the vectors' dtype: they are complete, so nothing is lost that the vectors could hold.
        """
        if any(np.ndim(number) for number in self.numbers):
            return torch.tensor(np.stack(np.broadcast_arrays(*self.numbers)), dtype=dtype)
        return torch.tensor(self.numbers, dtype=dtype)


class Vector:
    """Stands for a vector in a rule, and writes down what is done with it."""

    __array_ufunc__ = None  # lets array * vector ask the vector, and not multiply each number of the array

    def __init__(self, tape, place):
        self.tape, self.place = tape, place

    def _write(self, operation, *operands):
        self.tape.operations += ((operation, operands),)
        return Vector(self.tape, ("result", len(self.tape.operations) - 1))

    def _binary(self, operation, left, right):
        return self._write(operation, self.tape.place(left), self.tape.place(right))

    def __add__(self, other):
        return self._binary(operator.add, self, other)

    def __radd__(self, other):
        return self._binary(operator.add, other, self)

    def __sub__(self, other):
        return self._binary(operator.sub, self, other)

    def __rsub__(self, other):
        return self._binary(operator.sub, other, self)

    def __mul__(self, other):
        return self._binary(operator.mul, self, other)

    def __rmul__(self, other):
        return self._binary(operator.mul, other, self)

    def __truediv__(self, other):
        return self._binary(operator.truediv, self, other)

    def __rtruediv__(self, other):
        return self._binary(operator.truediv, other, self)

    def __neg__(self):
        return self._write(operator.neg, self.place)

    def __pow__(self, exponent):
        # a constant of the program, since a compiler knows a shorter way to a square and to a root
        return self._write(operator.pow, self.place, ("exponent", exponent))


def write(rule, state, **hyper):
    """Run ``rule`` on stand-ins for the gradient and the tensors of ``state``; return its tape and the new state.

    The gradient is vector 0, the tensors of the state are vectors 1, 2, ... in their order. The new state holds the
    same tensors, which a pass is to overwrite, and new numbers, such as Adam's t.
    """
    tape = Tape()
    vectors = iter(range(1, len(state) + 1))
    stand_ins = [Vector(tape, ("vector", next(vectors))) if torch.is_tensor(entry) else entry for entry in state]
    update, new_state = rule(Vector(tape, ("vector", 0)), tuple(stand_ins), **hyper)
    tape.results = update.place, *(new.place for new in new_state if isinstance(new, Vector))
    kept = zip(state, new_state, strict=True)
    return tape, tuple(old if isinstance(new, Vector) else new for old, new in kept)


@cache
def one_pass(operations, results, is_compiled=True):
    """A tape as one function of (x, vectors, numbers): x += the update, and every vector after g becomes its new one.

    x: (n,) or (runs, n); vectors: g and the tensors of the state, of x's shape; numbers: as ``Tape.packed`` gives
    them, on x's device.
    """

    def program(x, vectors, numbers):
        found = {"vector": vectors, "number": numbers.unbind(), "result": []}
        for operation, operands in operations:
            values = [where if kind == "exponent" else found[kind][where] for kind, where in operands]
            found["result"].append(operation(*values))
        (kind, where), *kept = results
        update = found[kind][where]
        # a copy of a vector that is handed on as it was: what is overwritten first must not be what is read next
        new_state = [found[kind][where].clone() if kind == "vector" else found[kind][where] for kind, where in kept]
        x += update
        for old, new in zip(vectors[1:], new_state, strict=True):
            old.copy_(new)

    return compiled(program) if is_compiled else program


def compiled(function):
    """``function``, compiled by torch when it is first called, for each kind and size of its arguments anew.

    The first of all takes half a minute, later ones a second or two: they are kept in ``COMPILED``, unless
    TORCHINDUCTOR_CACHE_DIR names another folder.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(COMPILED))
    # without isolation, torch would count the programs of all rules together, and stop compiling at the eighth
    return torch.compile(function, isolate_recompiles=True)
