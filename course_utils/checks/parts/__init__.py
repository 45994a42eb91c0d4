"""What the exercises' questions are compared with: a file for each exercise, out of the learner's sight.

A part is entered by :func:`part` and found by :func:`find`. Its right answer is a function of the case's arguments, for
instance a measurement, and its mistakes are functions too: what a learner who makes this mistake ends up with.
"""

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from course_utils.checks import planted, variants


@dataclass(frozen=True)
class Part:
    """One compared question of an exercise."""

    right: Callable
    cases: list  # tuples of arguments
    mistakes: dict  # sentence for the learner -> function
    tolerance: float  # relative to the largest number of an answer
    wrap: Callable  # the learner's function -> what is called
    questions: tuple  # for answers of 1 and 0, a row for each epoch: what each column asks
    labels: tuple  # the names of a case's arguments, where questions are asked
    estimate: str  # what to say of answers that are right in three digits, and not within a tolerance far below that
    exact: int  # so many cases, the last ones, are asked as they are when grading, too: others would not come out whole


PARTS = {}  # (exercise, name) -> Part


def remembered(measure):
    """``measure``, which is asked once for the same arguments.

    Unlike functools.cache it is a function of ours, which does not answer while a learner's is asked (alone.py).
    """
    memory = {}

    @functools.wraps(measure)
    def recall(*args):
        if args not in memory:
            memory[args] = measure(*args)
        return memory[args]

    return recall


def itself(candidate):
    return candidate


def part(
    exercise,
    name,
    right,
    cases,
    *,
    mistakes=None,
    tolerance=1e-6,
    wrap=itself,
    questions=(),
    labels=(),
    estimate="",
    exact=0,
):
    """Enter a part. ``exercise``: its number; the other arguments as in :class:`Part`."""
    PARTS[exercise, name] = Part(right, cases, mistakes or {}, tolerance, wrap, questions, labels, estimate, exact)


def find(exercise, name):
    """The part of this name, from its exercise's file. Raises ``KeyError`` if there is none.

    A debugging task knows the bugs of the variant in use first.
    """
    importlib.import_module(f"{__name__}.exercise_{exercise:02}")
    found = PARTS[exercise, name]
    own = planted.mistakes(exercise, name, variants.in_use(exercise), found.wrap)
    return replace(found, mistakes=own | found.mistakes | own) if own else found
