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
==================================  ==================================================================================

A rule's ``g`` is a float64 array of shape (n,), its update must have that shape, and its state may be anything.
The candidate is a black box: only what it returns counts, to a relative accuracy of 2e-4, so float32 inside is fine.
Arguments must not be changed in place; a rule's own state may.

Where conventions differ: momentum and Nesterov keep lr inside the velocity (lr outside and the moving average are
named as what they are, and do not pass); eps stands outside the root (inside does not pass); Adam's efficient form
with eps-hat, which Kingma and Ba give themselves, passes with a remark.
"""

import difflib
import functools
import sys
import textwrap
import warnings
from dataclasses import dataclass

import numpy as np

from course_utils.checks import guard, probes
from course_utils.checks.zoo_tasks import ZOO  # both halves of the zoo: of rules, and of other tasks

__all__ = ["Diagnosis", "check", "diagnose", "names"]

names = tuple(probes.TASKS)


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

    def _render_traceback_(self):
        return textwrap.wrap(str(self), 88)


def diagnose(name, candidate):
    """Examine ``candidate``, a solution of the task ``name``; return a :class:`Diagnosis`.

    The candidate may fail in any way; what it raises, prints or does not return is part of the diagnosis.
    It is stopped after 5 seconds. Raises ``ValueError`` for a name that is not in :data:`names`, and nothing else.
    """
    if name not in probes.TASKS:
        close = difflib.get_close_matches(str(name), names, 1)
        raise ValueError(
            f"there is no check named {name!r}; " + (f"did you mean {close[0]!r}?" if close else f"use {_list(names)}")
        )
    task = probes.TASKS[name]
    try:
        behaviour, printed, remarks = guard.run(lambda: probes.observe(task, candidate))
    except guard.Stop as stop:  # the time was over, or the output too long
        return Diagnosis(False, stop.slug, stop.message, 0.0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        passed, slug, message, score = _judge(task, behaviour)
    return Diagnosis(passed, slug, " ".join([message, *(remarks if passed else [])]), float(score), printed)


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
    if probes.TASKS[name].hyper and diagnosis.mistake not in guard.UNFIT and "IPython" in sys.modules:
        _picture(probes.TASKS[name], candidate)
    verdict = CheckFailed(f"{name}: {diagnosis.message}")
    verdict.score = diagnosis.score
    raise verdict


def _list(words):
    return ", ".join(words)


# ---- the verdict


def _judge(task, behaviour):
    """passed, slug, message, score."""
    if behaviour.stop and not behaviour.answers:
        return False, behaviour.stop.slug, behaviour.stop.message, 0.0
    forms = _right_forms(task.name)
    expected, _ = forms[0]
    right = [label for label in expected.answers if _agree(behaviour, expected, label)]
    score = 0.5 * len(right) / len(expected.answers)
    habit = probes.habit(task, behaviour)

    for form, remark in forms:
        if _all_agree(behaviour, form) and not behaviour.mutated:
            return True, None, f"Right. {remark}".strip(), 1.0

    zoo = ZOO[task.name]
    best, most = None, len(right)
    first = next(iter(expected.answers))
    for slug, specimen in _specimens(task.name):
        if not _agree(behaviour, specimen, first) or not np.isfinite(behaviour.answers[first]).any():
            continue  # another mistake, or nothing that could tell which
        if _all_agree(behaviour, specimen) and behaviour.mutated == specimen.mutated:
            return False, slug, _words(zoo[slug]), score
        agreed = sum(_agree(behaviour, specimen, label) for label in behaviour.answers)
        if agreed > most:
            best, most = slug, agreed
    if habit:
        return False, habit, _words(zoo[habit]), score
    if behaviour.stop:
        return False, behaviour.stop.slug, behaviour.stop.message, score
    if best:
        other = " Mostly, that is: something else is different too."
        return False, best, _words(zoo[best]) + other, score
    if task.hyper and (factor := _multiple(behaviour, expected)):
        slug = "constant_factor" if factor > 0 else "wrong_sign"
        return False, slug, f"{_words(zoo[slug])} Your first ones are {factor:.4g} times the right ones.", score
    if task.hyper and first not in right and (slug := _opposite(task, behaviour)):
        return False, "wrong_sign", f"{zoo['wrong_sign'].message} And that is not all: {_words(zoo[slug])}", score
    return False, *_first_difference(task, behaviour, expected, right), score


@functools.cache
def _right_forms(name):
    """(behaviour, remark) of every accepted form of the task, the expected one first."""
    task = probes.TASKS[name]
    return [(probes.observe(task, form), remark) for form, remark in task.right.items()]


@functools.cache
def _specimens(name):
    """(slug, behaviour) of every specimen of the task: half a second for Adam, once in a session."""
    task = probes.TASKS[name]
    return [(entry.slug, probes.observe(task, make())) for entry in ZOO[name].values() for make in entry.makers]


def _agree(behaviour, other, label):
    """Do both answer the probe ``label`` alike?"""
    a, b = behaviour.answers.get(label), other.answers.get(label)
    return a is not None and b is not None and probes.same(a, b)


def _all_agree(behaviour, other):
    """Do both answer everything alike, up to where they stop for the same reason?"""
    if list(behaviour.answers) != list(other.answers):
        return False
    if (behaviour.stop and behaviour.stop.slug) != (other.stop and other.stop.slug):
        return False
    return all(_agree(behaviour, other, label) for label in behaviour.answers)


def _multiple(behaviour, expected):
    """By which factor the ordinary updates differ from the right ones, if it is the same in all of them; else None."""
    mine, its = (side.answers["ordinary gradients"] for side in (behaviour, expected))
    factor = float((mine / its).flat[0])
    is_multiple = np.isfinite(mine).all() and factor and abs(factor - 1) > 1e-3 and probes.same(mine, factor * its)
    return factor if is_multiple else None


def _opposite(task, behaviour):
    """The slug of a mistake with which the candidate would agree at first if its sign were right."""
    for slug, specimen in _specimens(task.name):
        answer = specimen.answers.get("ordinary gradients")
        if answer is not None and np.isfinite(answer).all():
            if probes.same(-behaviour.answers["ordinary gradients"], answer):
                return slug
    return None


def _words(entry):
    return f"{entry.message} {entry.hint}"


def _first_difference(task, behaviour, expected, right):
    """Slug (or None) and a sentence on where a candidate leaves the right path, for mistakes without a name."""
    label = next(label for label in expected.answers if label not in right)
    given, wanted = behaviour.answers[label], expected.answers[label]
    if given.shape != wanted.shape:
        shapes = f"your result has shape {given.shape}, and it should have {wanted.shape}"
        return "wrong_shape", f"With {label}: {shapes}. Which axis is too many, missing, or in another's place?"
    if label.endswith("?"):
        return None, f"With {label} Yours: {'yes' if given else 'no'}. Right: {'yes' if wanted else 'no'}."
    size = np.abs(np.where(np.isfinite(wanted), wanted, 0)).max(axis=0, initial=0) if wanted.ndim else np.abs(wanted)
    wrong = ~(np.abs(given - wanted) <= probes.TOLERANCE * size + 1e-13)
    wrong = wrong & ~np.isfinite(given) if not np.isfinite(given).all() else wrong
    where = tuple(int(i) for i in np.argwhere(wrong)[0]) if wanted.ndim else ()
    mine, its = float(given[where]), float(wanted[where])
    ratio = f" ({mine / its:.4g} times as much)" if np.isfinite(mine) and its else ""
    numbers = f"yours is {mine:.6g}, it should be {its:.6g}{ratio}"
    slug = None if np.isfinite(mine) else "not_finite"
    if task.hyper:
        return slug, _in_a_run(label, where, mine, numbers)
    position = f" at position {list(where)}" if where else ""
    return slug, f"With {label}{position}: {numbers}. Can you follow this one entry through your code by hand?"


def _in_a_run(label, where, mine, numbers):
    """A sentence for a rule that is first wrong at ``where``, (step, component), of the probe ``label``."""
    step, component = where[0] + 1, where[1] + 1
    place = f"step {step}, component {component}"
    ordinary = label == "ordinary gradients"
    if not np.isfinite(mine):
        gradient = {"ordinary gradients": probes.ORDINARY, "zero, tiny and huge components": probes.EXTREME}.get(label)
        shown = "" if gradient is None else f", where the gradient is {gradient[where]:.3g}"
        return f"Your update is not finite at {place}{shown}. Which division or root goes wrong there?"
    if ordinary and step == 1:
        hint = "What does the formula give for the very first step, when everything remembered is 0?"
        return f"Already the first step is off: at component {component} {numbers}. {hint}"
    if ordinary:
        hint = "The steps before are right, so what is wrong with what you carry from one step to the next?"
        return f"The first wrong step is {place}: {numbers}. {hint}"
    if label.endswith("alone changed"):
        hyper = label.split()[0]
        return (
            f"With the usual hyperparameters you are right; with {hyper} = {probes.ALONE[hyper]} you are not: "
            f"at {place} {numbers}. Where does `{hyper}` stand in the formula, and where in your code?"
        )
    if label.startswith("lr changed"):
        return (
            f"While lr is constant you are right; once it changes you are not: at {place} {numbers}. "
            "Which of the steps that you remember should still carry the old lr?"
        )
    if label.startswith("zero"):
        return (
            f"With ordinary gradients you are right, but not with this one ({probes.EXTREME[where]:.3g}): at {place} "
            f"{numbers}. What do eps, a limit or a special case do to it?"
        )
    return f"You are right at first, but not with {label}: at {place} {numbers}. What is different there?"


# ---- the picture

STEPS = 25
SETTINGS = {  # at which a rule's path on the ravine is worth looking at
    "gradient_descent": {"lr": 0.15},
    "momentum": {"lr": 0.03, "beta": 0.8},
    "nesterov": {"lr": 0.03, "beta": 0.8},
    "adagrad": {"lr": 1.0, "eps": 1e-7},
    "rmsprop": {"lr": 0.2, "beta": 0.9, "eps": 1e-8},
    "adam": {"lr": 0.3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
}


def _picture(task, candidate):
    """The candidate's path on a ravine beside the right one. No picture is better than an error from one."""
    try:
        from course_utils import plots, surfaces

        ravine = surfaces.quadratic(10)

        def path(rule):
            call = guard.Caller(task.name, rule)
            x, state, points = np.array(ravine.start), (), [np.array(ravine.start)]
            for k in range(STEPS):
                update, *state = probes.step(call, ravine.gradient(x), state, k, **SETTINGS[task.name])
                x = x + update
                points.append(x)
                if not np.abs(x).max() < 100:  # NaN included
                    break
            return np.array(points)

        (theirs, right), _, _ = guard.run(lambda: (path(candidate), path(next(iter(task.right)))), seconds=1.0)
        length = min(len(theirs), len(right))
        if np.abs(theirs[:length] - right[:length]).max() < 0.03:  # nothing to see
            return
        fig, ax = plots.plt.subplots(figsize=(8, 3.6), layout="constrained")
        plots.contours(ax, ravine, levels=12)
        plots.path(ax, right, color="#000000", linewidth=1.6, label=f"{task.name}, right")
        plots.path(ax, theirs, color="#D55E00", linestyle="--", linewidth=1.6, label="yours")
        (x_low, x_high), (y_low, y_high) = ravine.window
        ax.set(xlim=(x_low, x_high), ylim=(y_low - 0.4, y_high + 0.4))
        ax.legend(loc="upper right")
        end, good = theirs[-1], right[-1]
        plots.show(
            fig,
            alt=f"Two descents in a ravine from the same start. After {len(theirs) - 1} steps yours is at "
            f"({end[0]:.3g}, {end[1]:.3g}); after {STEPS} steps the right one is at ({good[0]:.3g}, {good[1]:.3g}), "
            "and the minimum is at (0, 0).",
        )
    except Exception:  # the words say everything; the picture only helps to see it
        return
