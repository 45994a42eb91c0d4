"""The learning-rate schedules: values, limits, errors, and what the loop makes of them."""

import math

import numpy as np
import pytest

from course_utils import rules, schedules
from course_utils.descent import descend


def values(schedule, steps):
    return [schedule(step) for step in range(steps)]


def test_constant():
    assert values(schedules.constant(), 3) == [1, 1, 1]


def test_step_decay():
    assert values(schedules.step_decay(2, factor=0.5), 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert schedules.step_decay(10)(10) == pytest.approx(0.1)


def test_exponential():
    assert values(schedules.exponential(0.5), 4) == [1, 0.5, 0.25, 0.125]


def test_inverse_time():
    schedule = schedules.inverse_time(10)
    assert [schedule(0), schedule(10), schedule(20)] == pytest.approx([1, 1 / 2, 1 / 3])


def test_inverse_time_meets_robbins_and_monro():
    """The steps add up without limit, their squares do not: a minimum is reached, and the noise dies."""
    factors = np.array(values(schedules.inverse_time(10), 200_000))
    halves = np.split(factors, [20_000])
    assert halves[1].sum() > 20  # ten times more steps: about 10 ln 10 more
    assert (halves[1] ** 2).sum() < 0.01


def test_cosine():
    schedule = schedules.cosine(100, floor=0.2)
    assert [schedule(0), schedule(50), schedule(100), schedule(1000)] == pytest.approx([1, 0.6, 0.2, 0.2])
    assert schedules.cosine(4)(1) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert schedules.cosine(4)(4) == 0
    assert values(schedule, 101) == sorted(values(schedule, 101), reverse=True)


def test_warmup():
    assert values(schedules.warmup(4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]
    assert values(schedules.warmup(2, then=schedules.exponential(0.5)), 5) == [0.5, 1, 1, 0.5, 0.25]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda bad: schedules.step_decay(bad), "every"),
        (lambda bad: schedules.step_decay(10, factor=bad), "factor"),
        (lambda bad: schedules.exponential(bad), "decay"),
        (lambda bad: schedules.inverse_time(bad), "half_life"),
        (lambda bad: schedules.cosine(bad), "steps"),
        (lambda bad: schedules.cosine(10, floor=bad), "floor"),
        (lambda bad: schedules.warmup(bad), "steps"),
    ],
    ids=["step_decay", "step_decay factor", "exponential", "inverse_time", "cosine", "cosine floor", "warmup"],
)
def test_bad_values_are_named(make, name):
    for bad in (
        -1,
        float("nan"),
        *([0] if name != "floor" else []),
        *([1.5] if name in ("factor", "floor", "decay") else []),
    ):
        with pytest.raises(ValueError, match=f"^{name} must be .*, not {bad}"):
            make(bad)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.step_decay(3, 0.5),
        schedules.exponential(0.9),
        schedules.inverse_time(5),
        schedules.cosine(20),
        schedules.warmup(5, schedules.cosine(10)),
    ],
    ids=["step_decay", "exponential", "inverse_time", "cosine", "warmup"],
)
def test_the_loop_multiplies_lr(schedule):
    path = descend(rules.gradient_descent, lambda x: np.ones(1), [0.0], 20, schedule=schedule, lr=0.5)
    np.testing.assert_allclose(-np.diff(path[:, 0]), 0.5 * np.array(values(schedule, 20)), atol=1e-15)
