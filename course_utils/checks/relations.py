"""How wrong numbers relate to right ones: what a check can say of an answer whose mistake nobody has entered.

A relation is a sentence and a function from the right answer (and the case) to the wrong one. It is said only if it
holds in all cases, and only where it says something: where the right and the wrong answer differ.
"""

import inspect

import numpy as np


def relation(answers, rights, cases, right, same):
    """The first sentence that fits all pairs of an answer and its right one; None if none does.

    answers, rights: arrays, one of each for a case; cases: tuples of arguments; right: the function of them that makes
    the right answers, for the names of its arguments; same: ``(answer, expected) -> bool``.
    """
    if any(answer.shape != expected.shape for answer, expected in zip(answers, rights, strict=True)):
        return _of_shapes(answers, rights, same)
    with np.errstate(all="ignore"):
        for sentence, change in (*GENERAL, *_of_arguments(cases, right)):
            try:
                changed = [np.asarray(change(r, case), dtype=float) for r, case in zip(rights, cases, strict=True)]
            except (TypeError, ValueError, ZeroDivisionError):
                continue
            differs = any(not same(r, c) for r, c in zip(rights, changed, strict=True))
            if differs and all(np.isfinite(c).all() and same(a, c) for a, c in zip(answers, changed, strict=True)):
                return sentence
        return _factor(answers, rights, same)


GENERAL = (
    ("The size is right, and the sign is wrong.", lambda r, case: -r),
    ("This is what is missing to 1.", lambda r, case: 1 - r),
    ("The right number upside down.", lambda r, case: 1 / r),
    ("This is in percent; the task asks for a share.", lambda r, case: 100 * r),
    ("The task asks for percent, and this is a share.", lambda r, case: r / 100),
    ("A square root is missing.", lambda r, case: r**2),
    ("There is a square root too many.", lambda r, case: np.sqrt(r)),
    ("It is one too many.", lambda r, case: r + 1),
    ("It is one too few.", lambda r, case: r - 1),
    ("Twice as much as it should be.", lambda r, case: 2 * r),
    ("Half of what it should be.", lambda r, case: r / 2),
    ("The numbers are right, in the reverse order.", lambda r, case: r[::-1] if r.ndim else 1 / 0),
    ("The table is turned: rows stand where columns should.", lambda r, case: r.T if r.ndim == 2 else 1 / 0),
    ("This is the logarithm of the right number.", lambda r, case: np.log(r)),
    ("This is the logarithm, to the base 10, of the right number.", lambda r, case: np.log10(r)),
    ("A natural logarithm is asked for, and this has the base 2.", lambda r, case: r / np.log(2)),
    ("A natural logarithm is asked for, and this has the base 10.", lambda r, case: r / np.log(10)),
    ("The base of your logarithm should be 10, and it is e.", lambda r, case: r * np.log(10)),
    ("The base of your logarithm should be 2, and it is e.", lambda r, case: r * np.log(2)),
    ("A whole number is not asked for: you round down.", lambda r, case: np.floor(r)),
    ("A whole number is not asked for: you round up.", lambda r, case: np.ceil(r)),
    ("You round to two digits, or to three.", lambda r, case: np.round(r, 2)),
    ("You round to two digits, or to three.", lambda r, case: np.round(r, 3)),
    ("These are running sums of the right numbers.", lambda r, case: np.cumsum(r, axis=0) if r.ndim else 1 / 0),
    ("These are absolute values: the signs are lost.", lambda r, case: np.abs(r)),
)


def _of_arguments(cases, right):
    """Sentences about a factor that is an argument, or the number of its entries."""
    try:
        names = list(inspect.signature(right).parameters)
    except (TypeError, ValueError):
        return
    for k, name in enumerate(names[: min(map(len, cases), default=0)]):
        if all(isinstance(case[k], (int, float, np.number)) and case[k] not in (0, 1) for case in cases):
            yield f"A factor `{name}` is missing.", lambda r, case, k=k: r / case[k]
            yield f"A factor `{name}` is too many.", lambda r, case, k=k: r * case[k]
            yield f"A factor 1 - `{name}` is missing.", lambda r, case, k=k: r / (1 - case[k])
            yield f"A factor 1 - `{name}` is too many.", lambda r, case, k=k: r * (1 - case[k])
            yield f"The root of `{name}` is missing.", lambda r, case, k=k: r / case[k] ** 0.5
            yield f"The root of `{name}` is too many.", lambda r, case, k=k: r * case[k] ** 0.5
        elif all(np.ndim(case[k]) for case in cases):
            yield f"This is a sum over `{name}`, and a mean is asked for.", lambda r, case, k=k: r * len(case[k])
            yield f"This is a mean over `{name}`, and a sum is asked for.", lambda r, case, k=k: r / len(case[k])


def _factor(answers, rights, same):
    """One and the same factor in all cases."""
    first = next(((a, r) for a, r in zip(answers, rights, strict=True) if r.size and np.abs(r).max() > 0), None)
    if first is None:
        return None
    at = np.unravel_index(np.abs(first[1]).argmax(), first[1].shape)
    factor = float(first[0][at] / first[1][at])
    if not np.isfinite(factor) or factor in (0.0, 1.0):
        return None
    if all(same(a, factor * r) for a, r in zip(answers, rights, strict=True)) and len(answers) > 1:
        return f"It is {factor:.4g} times the right number in every case: a constant factor is too many or missing."
    return None


def _of_shapes(answers, rights, same):
    if all(a.ndim == r.ndim + 1 and len(a) and same(a[-1], r) for a, r in zip(answers, rights, strict=True)):
        return "You return all of them; only the last one is asked for."
    if all(a.size == r.size and same(a.reshape(r.shape), r) for a, r in zip(answers, rights, strict=True)):
        return f"The numbers are right, in the shape {answers[0].shape}; it should be {rights[0].shape}."
    if all(a.ndim == 0 and r.ndim for a, r in zip(answers, rights, strict=True)):
        return f"One number is not enough: {rights[0].size} are asked for."
    return None
