"""What is said of wrong numbers whose mistake nobody has entered: every relation, and none where there is none."""

import warnings

import numpy as np
import pytest

from course_utils.checks import parts, relations
from course_utils.checks.relations import relation, relation_of_some
from course_utils.checks.zoo.answers import KNOWN


def same(answer, expected):
    size = np.abs(expected).max(initial=0)
    return answer.shape == expected.shape and bool((np.abs(answer - expected) <= 1e-6 * size).all())


def told(wrong, right, cases):
    """What is said where ``wrong`` answers the cases and ``right`` should have."""
    answers, rights = ([np.asarray(f(*case), dtype=float) for case in cases] for f in (wrong, right))
    hits = [same(a, r) for a, r in zip(answers, rights, strict=True)]
    if any(hits):
        return relation_of_some(answers, rights, cases, hits, right, same)
    return relation(answers, rights, cases, right, same)


def number(share, count):
    return 1.7 * np.exp(share) / (count + 0.37)


def table(share, count):
    rng = np.random.default_rng([int(100 * share), count])
    return rng.normal(size=(count, 3)) - 0.5


def path(share, count):
    return table(share, count)[:, 0]


CASES = [(0.3, 5), (0.85, 7), (0.62, 4)]


@pytest.mark.parametrize(
    ("sentence", "change"), relations.GENERAL, ids=[sentence[:60] for sentence, _ in relations.GENERAL]
)
def test_every_general_relation_is_told(sentence, change):
    for right in (number, path, table):
        try:
            with np.errstate(all="ignore"):
                values = [np.asarray(change(np.asarray(right(*case)), case)) for case in CASES]
        except Exception:  # a relation of other shapes
            continue
        if not all(np.isfinite(value).all() for value in values):
            continue
        if all(np.array_equal(value, values[0]) for value in values):
            continue  # one number in every case: that is said instead
        if all(same(value, np.asarray(right(*case))) for value, case in zip(values, CASES, strict=True)):
            continue
        assert told(lambda *case, right=right: change(np.asarray(right(*case)), case), right, CASES) == sentence
        return
    raise AssertionError(f"nothing tries {sentence}")


def product(share, count, values):
    return share**0.7 * (count + 0.4) ** 1.3 * np.mean(values) / 3


PRODUCTS = [(0.3, 5, np.array([1.0, 2.5])), (0.85, 7, np.array([0.2, 3.0, 1.1])), (0.62, 4, np.array([4.0, 0.1, 2, 1]))]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda s, c, v: product(s, c, v) / s, "A factor `share` is missing."),
        (lambda s, c, v: product(s, c, v) * s, "A factor `share` is too many."),
        (lambda s, c, v: product(s, c, v) / (1 - s), "A factor 1 - `share` is missing."),
        (lambda s, c, v: product(s, c, v) * (1 - s), "A factor 1 - `share` is too many."),
        (lambda s, c, v: product(s, c, v) / c**0.5, "The root of `count` is missing as a factor."),
        (lambda s, c, v: product(s, c, v) * c**0.5, "The root of `count` is too many as a factor."),
        (lambda s, c, v: product(s, c, v) * c**2, "`count` multiplies where it should divide."),
        (lambda s, c, v: product(s, c, v) / c**2, "`count` divides where it should multiply."),
        (lambda s, c, v: product(s, c, v) + s, "`share` is added once too often."),
        (lambda s, c, v: product(s, c, v) - s, "`share` is taken away once too often."),
        (lambda s, c, v: s, "This is the argument `share` itself."),
        (lambda s, c, v: product(s, c, v) * len(v), "This is a sum over `values`, and a mean is asked for."),
        (lambda s, c, v: product(s, c, v) / len(v), "This is a mean over `values`, and a sum is asked for."),
        (lambda s, c, v: product(s, c, v) * len(v) ** 0.5, "too many: the root of the number of entries of `values`"),
        (lambda s, c, v: product(s, c, v) / len(v) ** 0.5, "missing: the root of the number of entries of `values`"),
        (lambda s, c, v: product(s, c + 1, v), "This is the answer for `count` one larger"),
        (lambda s, c, v: product(s, c - 1, v), "This is the answer for `count` one smaller"),
        (lambda s, c, v: product(1 - s, c, v), "`share` and 1 - `share` stand in each other's place."),
        (lambda s, c, v: product(s**2, c, v), "the answer for `share` squared"),
        (lambda s, c, v: product(s, c**0.5, v), "the answer for the root of `count`"),
        (lambda s, c, v: product(s, 1 / c, v), "the answer for 1 / `count`"),
        (lambda s, c, v: product(s, 1, v), "This is the answer as if `count` were 1."),
        (lambda s, c, v: product(s, 0, v), "This is the answer as if `count` were 0."),
        (lambda s, c, v: product(c, s, v), "`share` and `count` stand in each other's place."),
        (lambda s, c, v: 0.25, "Your answer is the same, 0.25, in every case"),
        (lambda s, c, v: product(s, c, v) + 0.125, "off by the same 0.125 in every case"),
        (lambda s, c, v: product(s, c, v) * 1.7, "It is 1.7 times the right number in every case"),
        (lambda s, c, v: [product(s, c, v) / 3] * 2, None),
        (lambda s, c, v: np.sin(1e3 * product(s, c, v)), None),
    ],
)
def test_relations_to_the_arguments(wrong, sentence):
    found = told(wrong, product, PRODUCTS)
    assert found is None if sentence is None else sentence in found, found


def test_the_sign_of_an_argument():
    found = told(lambda s, c: number(-s, c), number, CASES)
    assert found == "This is the answer for `share` with the other sign."


def steps(share, count):
    return np.ceil(10 * number(share, count) + count)


def largest(values):
    return values[3]


def pair(share, count):
    return number(share, count), number(count / 10, 3)


ARRAYS = [(np.array([0.5, 2.5, 1.5, 9.25, 3.0]),), (np.array([4.5, 0.25, 1.5, 6.75]),)]


@pytest.mark.parametrize(
    ("right", "wrong", "cases", "sentence"),
    [
        (steps, lambda s, c: 10 * number(s, c) + c, CASES, "A whole number is asked for, and yours is not: round up."),
        (lambda s, c: steps(s, c) - 1, lambda s, c: 10 * number(s, c) + c, CASES, "and yours is not: round down."),
        (path, lambda s, c: np.concatenate([[9.0], path(s, c)[:-1]]), CASES, "one place late"),
        (path, lambda s, c: np.append(path(s, c)[1:], 9.0), CASES, "one place early"),
        (path, lambda s, c: np.sort(path(s, c)), CASES, "in another order"),
        (largest, lambda v: 3, ARRAYS, "This is the place in `values`"),
        (lambda values: 3, lambda values: values[3], ARRAYS, "This is the number in `values`"),
        (pair, lambda s, c: pair(s, c)[::-1], CASES, "in the reverse order"),
        (
            pair,
            lambda s, c: (pair(s, c)[0], -pair(s, c)[1]),
            CASES,
            "Number 1 is right in every case. But number 2: the",
        ),
        (pair, lambda s, c: (100 * pair(s, c)[0], pair(s, c)[1]), CASES, "But number 1: this is in percent"),
        (pair, lambda s, c: (pair(s, c)[0], np.sin(99 * c)), CASES, "Number 1 is right in every case. But number 2 is"),
        (pair, lambda s, c: pair(s, c)[0], CASES, "This is number 1 of the 2 numbers that are asked for"),
        (pair, lambda s, c: sum(pair(s, c)), CASES, "the sum of the numbers that are asked for"),
        (pair, lambda s, c: sum(pair(s, c)) / 2, CASES, "the mean of the numbers that are asked for"),
        (pair, lambda s, c: 77.0, CASES, "One number is not enough: 2 are asked for."),
        (number, lambda s, c: [1.0, 2.0, number(s, c)], CASES, "only the last one is asked for"),
        (number, lambda s, c: [number(s, c), 2.0, 3.0], CASES, "only the first of them is asked for"),
        (number, lambda s, c: [0.1, number(s, c) - 0.3, 0.2], CASES, "their sum is asked for"),
        (number, lambda s, c: [0.0, 2 * number(s, c) + 1, -1.0, 0.0][1:3], CASES, "their mean is asked for"),
        (path, lambda s, c: [0.0, *path(s, c)], CASES, "one too many stands before them"),
        (path, lambda s, c: [*path(s, c), 0.0], CASES, "one too many at the end"),
        (path, lambda s, c: path(s, c)[1:], CASES, "the first is missing"),
        (path, lambda s, c: path(s, c)[:-1], CASES, "the last is missing"),
        (table, lambda s, c: table(s, c).T, CASES, "The table is turned"),
        (table, lambda s, c: table(s, c).ravel(), CASES, "The numbers are right, in the shape (15,)"),
        (table, lambda s, c: table(s, c).mean(axis=0), CASES, "the mean over the rows; the whole table"),
        (table, lambda s, c: table(s, c).sum(axis=1), CASES, "the sum over the columns; the whole table"),
        (number, lambda s, c: abs(number(s, c)) * (1 if c > 4 else -1), CASES, None),
        (steps, lambda s, c: np.round(10 * number(s, c) + c), [*CASES, (0.9, 1)], "off by one|one too few"),
        (
            lambda gain, count: gain * np.sqrt(count),
            lambda gain, count: gain * count,
            [(2.5, 1), (1.5, 4), (3.5, 9)],
            "In the wrong cases: the root of `count` is too many as a factor.",
        ),
        (
            lambda gain, count: gain + np.log(count),
            lambda gain, count: gain + np.sin(count) * (count > 1),
            [(2.5, 1), (1.5, 4), (3.5, 9)],
            "It is right only where `count` is 1",
        ),
    ],
)
def test_relations_of_several_numbers(right, wrong, cases, sentence):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = told(wrong, right, cases)
    if sentence is None:
        assert found is None or "sign is wrong" in found
    else:
        assert any(words in (found or "") for words in sentence.split("|")), found


def test_every_known_answer_is_wrong_and_named():
    """The mistakes in questions that are compared, as course_utils/checks/zoo/answers.py has them."""
    asked = named = 0
    for (exercise, name), mistakes in KNOWN.items():
        part = parts.find(exercise, name)
        rights = [np.asarray(part.right(*case), dtype=float) for case in part.cases]
        with np.errstate(all="ignore"):
            for sentence, mistake in mistakes:
                answers = [np.asarray(mistake(*case), dtype=float) for case in part.cases]

                def close(answer, expected, tolerance=part.tolerance):
                    size = np.abs(expected).max(initial=0)
                    return answer.shape == expected.shape and bool(
                        (np.abs(answer - expected) <= tolerance * size).all()
                    )

                assert not all(map(close, answers, rights)), (exercise, name, sentence)
                said = relations.known(answers, part.cases, part.right, close)
                assert said, (exercise, name, sentence)
                asked, named = asked + 1, named + (said == sentence)
    assert named > 0.95 * asked


def test_no_relation_takes_long():
    """A right answer may be a simulation; relations ask for it with other arguments."""
    import time

    def slow(share, count):
        time.sleep(0.1)
        return number(share, count)

    begin = time.monotonic()
    told(lambda s, c: np.sin(99 * s + c), slow, CASES)
    assert time.monotonic() - begin < 3 * 0.1 + relations.SECONDS + 1
