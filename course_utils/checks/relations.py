"""How wrong numbers relate to right ones: what a check can say of an answer whose mistake nobody has entered.

A relation is a sentence and a function from the right answer (and the case) to the wrong one. It is said only if it
holds in all cases, and only where it says something: where the right and the wrong answer differ.
"""

import contextlib
import inspect
import time
import warnings

import numpy as np

from course_utils.checks import guard

SECONDS = 0.4  # for all relations together: some right answers are simulations


@guard.uncollected()
def relation(answers, rights, cases, right, same, whole=True, is_vague=True):
    """The first sentence that fits all pairs of an answer and its right one; None if none does.

    answers, rights: arrays, one of each for a case; cases: tuples of arguments; right: the function of them that makes
    the right answers, for the names of its arguments; same: ``(answer, expected) -> bool``; whole: whether these are
    all cases and all numbers of an answer; is_vague: whether those of :func:`vague` count.
    """
    pairs = list(zip(answers, rights, strict=True))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader takes a warning for no points
        if found := known(answers, cases, right, same):
            return found
        if any(answer.shape != expected.shape for answer, expected in pairs):
            return _of_shapes(answers, rights, same)
        if found := _place(answers, rights, cases, right, same) or (whole and _constant(answers, rights)):
            return found
        # of this process: another one's work is no reason to say less; by the clock twice as long
        until, at_most = time.process_time() + SECONDS, time.monotonic() + 2 * SECONDS
        for sentences in (GENERAL, _of_arguments(cases, right)):
            for sentence, change in sentences:
                with contextlib.suppress(Exception):  # what cannot be computed from these arguments is another mistake
                    if _fits(answers, rights, [change(r, c) for r, c in zip(rights, cases, strict=True)], same):
                        return sentence
        for sentence, change in _of_calls(cases, right):
            left = until - time.process_time()
            if left <= 0 or time.monotonic() > at_most:
                break
            with contextlib.suppress(Exception):
                # in what is left of the time: a right answer that searches may never find one for other arguments
                changed, *_ = guard.run(
                    lambda change=change: [change(r, case) for r, case in zip(rights, cases, strict=True)],
                    seconds=left,
                )
                if _fits(answers, rights, changed, same):
                    return sentence
        for sentence, fits in BETWEEN:
            if all(fits(a, r, same) for a, r in pairs):
                return sentence
        return vague(answers, rights, cases, right, same) if is_vague else None


def vague(answers, rights, cases, right, same):
    """The first of the sentences that say least, and yet something: an amount, a factor, an entry alone."""
    if any(answer.shape != expected.shape for answer, expected in zip(answers, rights, strict=True)):
        return None
    with np.errstate(all="ignore"):
        return (
            _offset(answers, rights, same)
            or _factor(answers, rights, same)
            or _entry(answers, rights, cases, right, same)
            or _near(answers, rights)
        )


def _fits(answers, rights, changed, same):
    """Whether ``changed`` is finite, is what was answered, and not what is right."""
    changed = [np.asarray(c, dtype=float) for c in changed]
    differs = any(not same(r, c) for r, c in zip(rights, changed, strict=True))
    return differs and all(np.isfinite(c).all() and same(a, c) for a, c in zip(answers, changed, strict=True))


def known(answers, cases, right, same):
    """The sentence of the first known mistake that answers as these answers do; None if there is none."""
    from course_utils.checks import parts  # here, for it needs this package whole
    from course_utils.checks.zoo.answers import KNOWN

    question = next((key for key, part in parts.PARTS.items() if part.right is right), None)
    for sentence, mistake in KNOWN.get(question, ()):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            made = [np.asarray(mistake(*case), dtype=float) for case in cases]
            alike = zip(answers, made, strict=True)
            if all(same(np.nan_to_num(a), np.nan_to_num(m)) and (np.isnan(a) == np.isnan(m)).all() for a, m in alike):
                return sentence
    return None


def relation_of_some(answers, rights, cases, hits, right, same):
    """As :func:`relation`, of the cases that are wrong, where others are right; None if nothing can be said.

    hits: whether the answer is right, for each case.
    """
    wrong = [i for i, hit in enumerate(hits) if not hit]
    chosen = [[values[i] for i in wrong] for values in (answers, rights, cases)]
    whole = all(np.array_equal(r, np.round(r)) for r in chosen[1])
    if len(wrong) > 1 or not whole:  # one whole number is related to another in many ways
        if found := relation(*chosen, right, same, whole=False):
            return f"In the wrong cases: {found[0].lower()}{found[1:]}"
    elif found := known(chosen[0], chosen[2], right, same):
        return found
    elif all(same(a + 1, r) or same(a - 1, r) for a, r in zip(*chosen[:2], strict=True)):
        return "It is off by one there: is it counted from the right place, and rounded the right way?"
    for k, name in enumerate(_names(right)[: min(map(len, cases), default=0)]):
        others = [j for j in range(len(cases[0])) if j != k]
        for value in (0, 1):
            if any(_divides(cases, hits, j) for j in others):
                continue  # another argument may as well be the one
            if all(np.ndim(case[k]) == 0 and (case[k] == value) == hit for case, hit in zip(cases, hits, strict=True)):
                return f"It is right only where `{name}` is {value}: where does `{name}` stand in your formula?"
    return None


def _divides(cases, hits, j):
    """Whether argument ``j``, a whole number or a list, has one value in all cases that are hit, others in the rest."""
    if not all(isinstance(case[j], int) or np.ndim(case[j]) for case in cases):
        return False
    values = {repr(case[j]) for case, hit in zip(cases, hits, strict=True) if hit}
    return len(values) == 1 and not any(repr(c[j]) in values for c, hit in zip(cases, hits, strict=True) if not hit)


def _array(r):
    """``r`` if it is an array: relations of several numbers say nothing of one."""
    if not r.ndim:
        raise ValueError
    return r


GENERAL = (
    ("The size is right, and the sign is wrong.", lambda r, case: -r),
    ("This is what is missing to 1.", lambda r, case: 1 - r),
    ("The right number upside down.", lambda r, case: 1 / r),
    ("This is in percent; the task asks for a share.", lambda r, case: 100 * r),
    ("The task asks for percent, and this is a share.", lambda r, case: r / 100),
    ("A square root is missing: this is the square of the right number.", lambda r, case: r**2),
    ("There is a square root too many: this is the root of the right number.", lambda r, case: np.sqrt(r)),
    ("It is one too many.", lambda r, case: r + 1),
    ("It is one too few.", lambda r, case: r - 1),
    ("Twice as much as it should be.", lambda r, case: 2 * r),
    ("Half of what it should be.", lambda r, case: r / 2),
    ("The numbers are right, in the reverse order.", lambda r, case: _array(r)[::-1]),
    ("The table is turned: rows stand where columns should.", lambda r, case: r.T if r.ndim == 2 else 1 / 0),
    ("The columns are right, in the reverse order.", lambda r, case: r[:, ::-1] if r.ndim == 2 else 1 / 0),
    ("This is the logarithm of the right number.", lambda r, case: np.log(r)),
    ("This is the logarithm, to the base 10, of the right number.", lambda r, case: np.log10(r)),
    ("This is the logarithm, to the base 2, of the right number.", lambda r, case: np.log2(r)),
    ("This is 10 to the power of the right number: the logarithm is missing.", lambda r, case: 10**r),
    ("This is e to the power of the right number: the logarithm is missing.", lambda r, case: np.exp(r)),
    ("A natural logarithm is asked for, and this has the base 2.", lambda r, case: r / np.log(2)),
    ("A natural logarithm is asked for, and this has the base 10.", lambda r, case: r / np.log(10)),
    ("The base of your logarithm should be 10, and it is e.", lambda r, case: r * np.log(10)),
    ("The base of your logarithm should be 2, and it is e.", lambda r, case: r * np.log(2)),
    ("The base of your logarithm should be 10, and it is 2.", lambda r, case: r * np.log2(10)),
    ("A whole number is not asked for: you round down.", lambda r, case: np.floor(r)),
    ("A whole number is not asked for: you round up.", lambda r, case: np.ceil(r)),
    *[(f"You round to {n} digits: return the number as it is.", lambda r, case, n=n: np.round(r, n)) for n in range(5)],
    ("These are running sums of the right numbers.", lambda r, case: np.cumsum(_array(r), axis=0)),
    ("These are the steps between the right numbers.", lambda r, case: np.diff(_array(r), axis=0, prepend=0 * r[:1])),
    ("These are running means of the right numbers.", lambda r, case: np.cumsum(r) / np.arange(1, len(r) + 1)),
    ("These are absolute values: the signs are lost.", lambda r, case: np.abs(r)),
    ("They are measured from the first of them; they should not be.", lambda r, case: _array(r) - r[:1]),
    ("They are scaled so that their sum is 1; they should not be.", lambda r, case: _array(r) / r.sum()),
)


def _whole(r):
    return np.array_equal(r, np.round(r))


BETWEEN = (  # sentences on what the answer becomes, and not on what the right one does
    (
        "A whole number is asked for, and yours is not: round up.",
        lambda a, r, same: _whole(r) and not _whole(a) and same(np.ceil(a - 1e-9), r),
    ),
    (
        "A whole number is asked for, and yours is not: round down.",
        lambda a, r, same: _whole(r) and not _whole(a) and same(np.floor(a + 1e-9), r),
    ),
    (
        "The right numbers, one place late: yours begins with another one.",
        lambda a, r, same: a.ndim > 0 and len(a) > 2 and same(a[1:], r[:-1]) and not _flat(r),
    ),
    (
        "The right numbers, one place early: the first is missing.",
        lambda a, r, same: a.ndim > 0 and len(a) > 2 and same(a[:-1], r[1:]) and not _flat(r),
    ),
    (
        "The right numbers, in another order.",
        lambda a, r, same: a.ndim == 1 and len(a) > 1 and same(np.sort(a), np.sort(r)),
    ),
)


def _flat(r):
    return bool(np.allclose(r, r[:1]))


def _names(right):
    try:
        return list(inspect.signature(right).parameters)
    except (TypeError, ValueError):
        return []


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _of_arguments(cases, right):
    """Sentences about a factor that is an argument, or the number of its entries."""
    names = _names(right)[: min(map(len, cases), default=0)]
    for k, name in enumerate(names):
        if all(_is_number(case[k]) for case in cases) and any(case[k] not in (0, 1) for case in cases):
            yield f"A factor `{name}` is missing.", lambda r, case, k=k: r / case[k]
            yield f"A factor `{name}` is too many.", lambda r, case, k=k: r * case[k]
            yield f"A factor 1 - `{name}` is missing.", lambda r, case, k=k: r / (1 - case[k])
            yield f"A factor 1 - `{name}` is too many.", lambda r, case, k=k: r * (1 - case[k])
            yield f"The root of `{name}` is missing as a factor.", lambda r, case, k=k: r / case[k] ** 0.5
            yield f"The root of `{name}` is too many as a factor.", lambda r, case, k=k: r * case[k] ** 0.5
            yield f"`{name}` multiplies where it should divide.", lambda r, case, k=k: r * case[k] ** 2
            yield f"`{name}` divides where it should multiply.", lambda r, case, k=k: r / case[k] ** 2
            yield f"`{name}` is added once too often.", lambda r, case, k=k: r + case[k]
            yield f"`{name}` is taken away once too often.", lambda r, case, k=k: r - case[k]
            yield f"This is the argument `{name}` itself.", lambda r, case, k=k: case[k] + 0 * r
        elif all(np.ndim(case[k]) for case in cases):
            yield f"This is a sum over `{name}`, and a mean is asked for.", lambda r, case, k=k: r * len(case[k])
            yield f"This is a mean over `{name}`, and a sum is asked for.", lambda r, case, k=k: r / len(case[k])
            yield (
                f"A factor is too many: the root of the number of entries of `{name}`.",
                lambda r, case, k=k: r * len(case[k]) ** 0.5,
            )
            yield (
                f"A factor is missing: the root of the number of entries of `{name}`.",
                lambda r, case, k=k: r / len(case[k]) ** 0.5,
            )


def _of_calls(cases, right):
    """Sentences about arguments that are taken for others: the right answer to another call."""
    names = _names(right)[: min(map(len, cases), default=0)]
    numbers = [k for k in range(len(names)) if all(_is_number(case[k]) for case in cases)]

    def asked(k, change):
        return lambda r, case: right(*case[:k], change(case[k]), *case[k + 1 :])

    for k in numbers:
        name, values = f"`{names[k]}`", [case[k] for case in cases]
        if all(isinstance(value, (int, np.integer)) for value in values):
            yield f"This is the answer for {name} one larger: where does counting begin?", asked(k, lambda v: v + 1)
            yield f"This is the answer for {name} one smaller: where does counting begin?", asked(k, lambda v: v - 1)
        if all(0 < value < 1 for value in values):
            yield f"{name} and 1 - {name} stand in each other's place.", asked(k, lambda v: 1 - v)
        yield f"This is the answer for {name} squared.", asked(k, lambda v: v**2)
        yield f"This is the answer for the root of {name}.", asked(k, lambda v: v**0.5)
        yield f"This is the answer for 1 / {name}.", asked(k, lambda v: 1 / v)
        yield f"This is the answer for {name} with the other sign.", asked(k, lambda v: -v)
        yield f"This is the answer as if {name} were 1.", asked(k, lambda v: type(v)(1))
        yield f"This is the answer as if {name} were 0.", asked(k, lambda v: type(v)(0))
    alike = [(i, k) for i in range(len(names)) for k in range(i) if all(_like(c[i], c[k]) for c in cases)]
    for i, k in alike:

        def exchanged(r, case, i=i, k=k):
            case = list(case)
            case[i], case[k] = case[k], case[i]
            return right(*case)

        yield f"`{names[k]}` and `{names[i]}` stand in each other's place.", exchanged


def _like(a, b):
    return (_is_number(a) and _is_number(b)) or (np.ndim(a) > 0 and np.shape(a) == np.shape(b))


def _place(answers, rights, cases, right, same):
    """An index where the value is asked for, or the value where the index is."""
    if any(r.ndim for r in rights):
        return None
    for k, name in enumerate(_names(right)[: min(map(len, cases), default=0)]):
        if not all(np.ndim(case[k]) == 1 for case in cases):
            continue

        def entry(case, place, k=k):
            whole = float(place).is_integer() and -len(case[k]) <= place < len(case[k])
            return np.asarray(case[k][int(place)] if whole else np.nan, dtype=float)

        for sentence, places, values in (
            (f"This is the place in `{name}`; the number that stands there is asked for.", answers, rights),
            (f"This is the number in `{name}`; the place where it stands is asked for.", rights, answers),
        ):
            if all(same(v, entry(case, p)) for case, p, v in zip(cases, places, values, strict=True)):
                return sentence
    return None


def _constant(answers, rights):
    """One and the same answer in every case."""
    first = answers[0]
    if len(answers) < 2 or not all(np.array_equal(a, first) for a in answers):
        return None
    if all(np.array_equal(r, rights[0]) for r in rights):
        return None
    shown = f", {first:.6g}," if not first.ndim else ""
    return f"Your answer is the same{shown} in every case, whatever the arguments are. Does it use them? Do you round?"


def _offset(answers, rights, same):
    """An answer that is off by the same amount in every case."""
    first = answers[0]
    if len(answers) < 2 or any(a.shape != first.shape for a in answers):
        return None
    offset = first.flat[0] - rights[0].flat[0] if first.size else np.nan
    if np.isfinite(offset) and offset and all(same(a, r + offset) for a, r in zip(answers, rights, strict=True)):
        return f"It is off by the same {offset:.4g} in every case: something is added too often, or not at all."
    return None


def _near(answers, rights):
    """An estimate of the right answer, or one that ends too early."""
    pairs = list(zip(answers, rights, strict=True))
    close = all(np.abs(a - r).max(initial=0) <= 0.12 * np.abs(r).max(initial=0) for a, r in pairs)
    if not close or all(np.array_equal(r, np.round(r)) for r in rights):
        return None
    if rights[0].ndim:
        return "It is near, but not the same: a small term is missing, or is one too many, or in another's place."
    return "It is near, but not the number itself: is it an estimate or a limit, or does a loop or a sum end too early?"


def _factor(answers, rights, same):
    """One and the same factor in all cases."""
    first = next(((a, r) for a, r in zip(answers, rights, strict=True) if r.size and np.abs(r).max() > 0), None)
    if first is None:
        return None
    at = np.unravel_index(np.abs(first[1]).argmax(), first[1].shape)
    factor = float(first[0][at] / first[1][at])
    if not np.isfinite(factor) or factor in (0.0, 1.0):
        return None
    if all(same(a, factor * r) for a, r in zip(answers, rights, strict=True)) and (
        len(answers) > 1 or first[1].size > 1
    ):
        return f"It is {factor:.4g} times the right number in every case: a constant factor is too many or missing."
    return None


def _entry(answers, rights, cases, right, same):
    """Of a few numbers that are asked for together, those that are right, and what the first wrong one is."""
    if any(r.ndim != 1 or len(r) != len(rights[0]) for r in rights) or not 2 <= len(rights[0]) <= 4:
        return None
    columns = [[np.asarray(values[i]) for values in side] for side in (answers, rights) for i in range(len(rights[0]))]
    mine, its = columns[: len(rights[0])], columns[len(rights[0]) :]
    fine = [all(same(a, r) for a, r in zip(a, r, strict=True)) for a, r in zip(mine, its, strict=True)]
    if not any(fine) or all(fine):
        return None
    wrong = fine.index(False)

    def one(*case):
        return np.asarray(right(*case), dtype=float)[wrong]

    one.__signature__ = inspect.signature(right)
    found = relation(mine[wrong], its[wrong], cases, one, same, whole=False)
    which = " and ".join(f"number {i + 1}" for i, good in enumerate(fine) if good)
    rest = f" But number {wrong + 1}: {found[0].lower()}{found[1:]}" if found else f" But number {wrong + 1} is not."
    return f"{which[0].upper()}{which[1:]} is right in every case.{rest}"


def _of_shapes(answers, rights, same):
    pairs = list(zip(answers, rights, strict=True))
    if all(a.ndim == r.ndim + 1 and len(a) and same(a[-1], r) for a, r in pairs):
        return "You return all of them; only the last one is asked for."
    if all(a.ndim == r.ndim + 1 and len(a) and same(a[0], r) for a, r in pairs):
        return "You return several; only the first of them is asked for."
    if all(a.ndim == r.ndim + 1 and len(a) and same(a.sum(axis=0), r) for a, r in pairs):
        return "You return the parts; their sum is asked for."
    if all(a.ndim == r.ndim + 1 and len(a) and same(a.mean(axis=0), r) for a, r in pairs):
        return "You return the parts; their mean is asked for."
    if all(a.ndim and r.ndim and len(a) == len(r) + 1 and same(a[1:], r) for a, r in pairs):
        return "The numbers are right, but one too many stands before them: the start is not asked for."
    if all(a.ndim and r.ndim and len(a) == len(r) + 1 and same(a[:-1], r) for a, r in pairs):
        return "The numbers are right, but there is one too many at the end."
    if all(a.ndim and r.ndim and len(a) + 1 == len(r) and same(a, r[1:]) for a, r in pairs):
        return "The numbers are right, but the first is missing."
    if all(a.ndim and r.ndim and len(a) + 1 == len(r) and same(a, r[:-1]) for a, r in pairs):
        return "The numbers are right, but the last is missing."
    if all(a.ndim == 2 and same(a.T, r) for a, r in pairs):
        return "The table is turned: rows stand where columns should."
    if all(a.size == r.size and same(a.reshape(r.shape), r) for a, r in pairs):
        return f"The numbers are right, in the shape {answers[0].shape}; it should be {rights[0].shape}."
    if all(a.ndim == 0 and r.ndim == 1 for a, r in pairs):
        for i in range(min(len(r) for r in rights)):
            if all(same(a, r[i]) for a, r in pairs):
                return f"This is number {i + 1} of the {rights[0].size} numbers that are asked for; return them all."
        for words, reduce in (("sum", np.sum), ("mean", np.mean)):
            if all(same(a, reduce(r)) for a, r in pairs):
                return f"This is the {words} of the numbers that are asked for: return the numbers themselves."
    if all(a.ndim == 0 and r.ndim for a, r in pairs):
        return f"One number is not enough: {rights[0].size} are asked for."
    if all(r.ndim == 2 and a.ndim == 1 for a, r in pairs):
        for axis, word in ((0, "rows"), (1, "columns")):
            for name, reduce in (("mean", np.mean), ("sum", np.sum)):
                if all(same(a, reduce(r, axis=axis)) for a, r in pairs):
                    return f"You return the {name} over the {word}; the whole table is asked for."
    return None
