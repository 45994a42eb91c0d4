"""What a graded cell of an exercise calls: the verdict in words, and the points for it.

nbgrader takes a graded cell's last value for its points, an error for 0, and anything on stderr for 0 too. These
functions return a float from 0 to ``points``, or raise ``AssertionError`` with the verdict where there are none.
"""

import contextlib

import numpy as np

from course_utils.checks import CheckFailed, check, guard, probes


def graded(name, candidate, points):
    """The points for ``check(name, candidate)``: all, or part of them for a rule that is right in places."""
    try:
        check(name, candidate)
    except CheckFailed as verdict:
        return _partly(verdict, verdict.score * points, points)
    return float(points)


def compared(name, candidate, right, cases, points, *, mistakes=None, tolerance=1e-6):
    """The points for answering as ``right`` does: all, or for a part of the cases up to half of them.

    cases: tuples of arguments, replaced by others of their kind when grading (:func:`probes.redrawn`).
    right: a function of the same arguments, for instance a measurement.
    mistakes: sentence for the learner -> the function that one ends up with by making this mistake.
    tolerance: relative to the largest number of an answer.
    """
    cases = [_redrawn(case, number, right) for number, case in enumerate(cases)]
    answers = [_answer(name, candidate, case) for case in cases]
    hits = [_same(answer, right(*case), tolerance) for answer, case in zip(answers, cases, strict=True)]
    if all(hits):
        print(f"{name}: Right.")
        return float(points)
    first = hits.index(False)
    sentence = _difference(name, cases[first], answers[first], right(*cases[first]), tolerance)
    for known, mistake in (mistakes or {}).items():
        with contextlib.suppress(Exception):  # what a mistake cannot answer is another mistake
            if all(_same(answer, mistake(*case), tolerance) for answer, case in zip(answers, cases, strict=True)):
                sentence = known
    return _partly(CheckFailed(f"{name}: {sentence}"), points * sum(hits) / len(hits) / 2, points)


def reached(name, candidate, run, *, floor, target, points):
    """The points for settings with which ``run`` reaches ``target``: none up to ``floor``, in between in proportion.

    candidate: a function without arguments that returns the settings, a dict. run: called as ``run(**settings)``.
    """
    settings = _call(name, candidate, (), lambda result: result)
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise CheckFailed(f"{name}: return a dict of settings, such as {{'lr': 0.1}}, not {settings!r:.80}.")
    try:
        value = float(run(**settings))
    except (ArithmeticError, TypeError, ValueError) as error:  # it diverged; a wrong name; a wrong value
        raise CheckFailed(f"{name}: {error}") from None
    if value >= target:
        print(f"{name}: {value:.2%} on average, and {target:.2%} was the target. Right.")
        return float(points)
    verdict = CheckFailed(
        f"{name}: {value:.2%} on average; the target is {target:.2%}, and points begin at {floor:.2%}."
    )
    return _partly(verdict, points * (value - floor) / (target - floor), points)


def path_along(rule, gradients, **hyper):
    """Where ``rule`` stands after each of the ``gradients``, from 0: what a learner's loop should do; same shape."""
    from course_utils import descent  # here, for it loads torch, which most cells do without

    given = iter(gradients)
    return descent.descend(rule, lambda x: next(given), np.zeros(gradients.shape[1:]), len(gradients), **hyper)[1:]


def _partly(verdict, score, points):
    """Part of the points, shown with the verdict; the verdict raised where there are none."""
    score = round(float(score), 2)
    if not score > 0:
        raise verdict
    print(f"{verdict}\n{score:g} of {points} points.")
    return score


def _redrawn(case, number, right):
    """The case as it is; when grading, another one of its kind, if that can be asked."""
    other = probes.redrawn(case, number)
    with contextlib.suppress(Exception):  # such as a case that was built, and whose answer is known by its numbers
        right(*other)
        return other
    return case


def _answer(name, candidate, case):
    return _call(name, candidate, case, lambda result: guard.array(result, f"What {name} returns"))


def _call(name, candidate, case, read):
    """``read`` of what the candidate returns; whatever goes wrong becomes a sentence."""
    arguments = [np.array(value) if isinstance(value, np.ndarray) else value for value in case]
    try:
        return guard.run(lambda: read(guard.Caller(name, candidate)(*arguments)))[0]
    except guard.Stop as stop:
        raise CheckFailed(f"{name}: {stop.message}") from None


def _same(answer, expected, tolerance):
    expected = np.asarray(expected, dtype=float)
    size = np.abs(expected).max(initial=0)
    return answer.shape == expected.shape and bool((np.abs(answer - expected) <= tolerance * size).all())


def _difference(name, case, answer, expected, tolerance):
    expected = np.asarray(expected, dtype=float)
    call = f"{name}({', '.join('...' if np.ndim(value) else f'{value!r}' for value in case)})"
    if answer.shape != expected.shape:
        return f"{call} has shape {answer.shape}; it should have {expected.shape}."
    wrong = ~(np.abs(answer - expected) <= tolerance * np.abs(expected).max(initial=0))
    where = np.unravel_index(np.argmax(wrong), answer.shape)
    place = f", at {[int(i) for i in where]}," if where else ""
    return f"{call}{place} gives {answer[where]:.6g}; measured, it is {expected[where]:.6g}."
