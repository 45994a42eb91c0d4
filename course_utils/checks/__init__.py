"""What an exercise's check calls: is this solution right, and if not, *which* known mistake does it make?

``diagnose(name, candidate)`` answers, ``check(name, candidate)`` shows the answer to a learner. The names, and how a
candidate is called (``...`` is whatever it returned as state in the call before; the first call has none):

==================================  ==================================================================================
``gradient_descent``                ``(g[, state], lr=)`` -> update, state
``momentum``, ``nesterov``          ``(g[, state], lr=, beta=)`` -> update, state; the talk's convention, lr in v
``adagrad``                         ``(g[, state], lr=, eps=)`` -> update, state
``rmsprop``                         ``(g[, state], lr=, beta=, eps=)`` -> update, state
``adam``                            ``(g[, state], lr=, beta1=, beta2=, eps=)`` -> update, state
``softmax_cross_entropy_gradient``  ``(logits, labels)``, (B, K) floats and (B,) ints -> (B, K), of the *mean* loss
``linear_layer_backward``           ``(delta, W, h)``, (B, out), (in, out), (B, in) -> dW, db, dh
``relu_backward``                   ``(delta, z)``, both (B, n) -> (B, n); slope 0 at z = 0
``numerical_gradient``              ``(f, x, h=)``, x (n,) -> (n,), central differences (x - h and x + h)
``minibatches``                     ``(n, batch_size, epochs=, seed=)`` -> the index arrays of all epochs, in a list
``step_decay``                      ``(step, every=, factor=)`` -> factor^floor(step / every), steps counted from 0
``minibatch_noise``                 ``(gradients, batch_size)``, (N, n) -> E|g_B - g|^2 with replacement, a float
``staleness``                       ``(order)``, the worker that returns at each update, (k,) ints -> (k,) numbers:
                                    how many updates lie between reading and use; all read version 0 at the start,
                                    and again right after each update of their own
``warm_restarts``                   ``(step, period=, growth=, lowest=)`` -> a factor, steps counted from 0
``delay_compensated``               ``(g, now, read, lr=, lam=)``, three times (n,) -> the update (n,)
==================================  ==================================================================================

The rules from papers that the exercises end with (``barzilai_borwein``, ``quasi_hyperbolic``, ``restarted_nesterov``,
``adadelta``, ``centred_rmsprop``, ``amsgrad``, ``nadam``, ``schedule_free``) are called as the others are, with the
hyperparameters that papers.py gives them.

A rule's ``g`` is a float64 array of shape (n,), its update must have that shape, and its state may be anything.
The candidate is a black box: only what it returns counts, to a relative accuracy of 2e-4, so float32 inside is fine.
Arguments must not be changed in place, nor arrays in the state that a rule is given.

Where conventions differ: momentum and Nesterov keep lr inside the velocity (lr outside and the moving average are
named as what they are, and do not pass); eps stands outside the root (inside does not pass); Adam's efficient form
with eps-hat, which Kingma and Ba give themselves, passes with a remark.
"""

import contextlib
import difflib
import inspect
import sys
import textwrap
import warnings
from dataclasses import dataclass

import numpy as np

from course_utils.checks import changes, guard, picture, probes, verdict
from course_utils.checks.tasks import TASKS

__all__ = ["Diagnosis", "check", "diagnose", "names"]

names = tuple(TASKS)


@dataclass(frozen=True)
class Diagnosis:
    """The answer to one candidate."""

    passed: bool
    mistake: str | None  # slug of the mistake it makes; None if it passed or nothing known fits
    message: str  # one or two sentences for the learner
    score: float  # 1.0 if it passed, else half the share of the probes that it answers right
    printed: str = ""  # what the candidate printed meanwhile


class CheckFailed(AssertionError):
    """The verdict of :func:`check`, with its ``score``; a notebook shows its message without a traceback, in lines
    that fit into the window of nbgrader's Validate button, which does not wrap them."""

    score = 0.0
    is_judged = False  # it was examined to the end: the verdict is on what it answers, not on why it could not

    def _render_traceback_(self):
        return textwrap.wrap(str(self), 88)


def diagnose(name, candidate):
    """Examine ``candidate``, a solution of the task ``name``; return a :class:`Diagnosis`.

    The candidate may fail in any way; what it raises, prints or does not return is part of the diagnosis.
    It is stopped after 5 seconds. Raises ``ValueError`` for a name that is not in :data:`names`, and nothing else.
    """
    if name not in TASKS:
        close = difflib.get_close_matches(str(name), names, 1)
        raise ValueError(
            f"there is no check named {name!r}; "
            + (f"did you mean {close[0]!r}?" if close else f"use {', '.join(names)}")
        )
    task = changes.current(name)
    try:
        behaviour, printed, remarks = guard.run(lambda: probes.observe(task, candidate))
    except guard.Stop as stop:  # the time was over, or the output too long
        return Diagnosis(False, stop.slug, stop.message, 0.0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        passed, slug, message, score = verdict.judge(task, behaviour)
    remarks = [*_other_defaults(task, candidate), *remarks] if passed else []
    return Diagnosis(passed, slug, " ".join([message, *remarks]), float(score), printed)


def _other_defaults(task, candidate):
    """A remark for each hyperparameter whose default is another one than in the task's signature."""
    with contextlib.suppress(Exception):  # a callable without a signature
        mine, its = (inspect.signature(function).parameters for function in (candidate, task.answer))
        for name in filter(mine.__contains__, its):
            theirs, given = its[name].default, mine[name].default
            if isinstance(theirs, (int, float)) and isinstance(given, (int, float)) and theirs != given:
                yield f"(By default your `{name}` is {given!r}; in the task it is {theirs!r}.)"


def check(name, candidate):
    """Tell a learner whether ``candidate`` solves the task ``name``, and if not, what is wrong with it.

    Prints one line if it does. If not, raises ``AssertionError`` with the message, in a notebook below a picture of
    the candidate's path beside the right one where it is a rule. Raises nothing else: for an unknown name too it is
    an ``AssertionError``.
    """
    try:
        diagnosis = diagnose(name, candidate)
    except ValueError as error:
        raise CheckFailed(str(error)) from None
    if diagnosis.printed.strip():
        shown = diagnosis.printed if len(diagnosis.printed) <= 500 else diagnosis.printed[:500] + " ..."
        print(f"Your function printed:\n{shown}")
    if diagnosis.passed:
        print(f"{name}: {diagnosis.message}")
        return
    if TASKS[name].is_rule and diagnosis.mistake not in guard.UNFIT and "IPython" in sys.modules:
        picture.draw(changes.current(name), candidate)
    failed = CheckFailed(f"{name}: {diagnosis.message}")
    failed.score = diagnosis.score
    failed.is_judged = diagnosis.mistake not in guard.UNFIT
    raise failed
