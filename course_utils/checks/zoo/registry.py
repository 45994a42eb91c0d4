"""The list of the known mistakes, and how one is entered.

A mistake has a slug, a message that names it and a hint that does not give the answer away, followed by its
specimens: wrong solutions. A candidate is said to make the mistake when it answers all probes as a specimen does.
Two mistakes that no input can tell apart share one entry. Where specimens of two entries answer alike, the entry that
stands first is named.

A specimen of a rule is a function ``(g, *state, hyperparameters) -> (update, *state)``; :func:`mistake` packs the
state. Most differ from the right rule in one line. So each family of rules has a maker whose name ends in ``_but``:
it takes the line to be replaced and keeps the others.
"""

from dataclasses import dataclass

from course_utils import rules
from course_utils.checks.tasks import RULES, STATEFUL, TASKS

__all__ = ["RULES", "STATEFUL", "ZOO", "Mistake", "also", "habit", "mistake", "register"]


@dataclass(frozen=True)
class Mistake:
    """A known mistake of one task. Each of ``makers`` makes a fresh specimen of it, a wrong candidate."""

    slug: str
    message: str
    hint: str
    makers: list


ZOO = {}  # task name -> slug -> Mistake; whole once course_utils.checks.zoo is imported


def register(task, slug, message, hint, *makers):
    """Enter a mistake by functions that make a fresh specimen at every call, for one that remembers something."""
    entries = ZOO.setdefault(task, {})
    if slug not in entries:
        entries[slug] = Mistake(slug, message, hint, [])
    entries[slug].makers.extend(makers)


def mistake(tasks, slug, message, hint, *specimens, start=None):
    """Enter a mistake of one task (or of several) with its specimens. A slug that is there already gets more of them.

    start: the initial state of a rule's specimens, if it is not that of the right rule.
    """
    for task in (tasks,) if isinstance(tasks, str) else tasks:
        for specimen in specimens:
            if task in RULES:
                first = rules.initial_state(TASKS[task].answer) if start is None else start
                register(task, slug, message, hint, lambda s=specimen, first=first: _packed(s, first))
            else:
                register(task, slug, message, hint, lambda s=specimen: s)


def also(task, slug, *specimens, start=None):
    """More specimens of the mistake ``slug`` of ``task``, which is there already; ``KeyError`` if it is not."""
    entry = ZOO[task][slug]
    mistake(task, slug, entry.message, entry.hint, *specimens, start=start)


def _packed(specimen, start):
    def rule(g, state=start, **hyper):
        update, *state = specimen(g, *state, **hyper)
        return update, tuple(state)

    return rule


def habit(slug, message, hint, tasks=RULES):
    """Enter a mistake that any rule can suffer from: the decorated ``rule -> wrong rule`` makes its specimens."""

    def enter(spoil):
        for task in tasks:
            register(task, slug, message, hint, lambda task=task: spoil(TASKS[task].answer))
        return spoil

    return enter
