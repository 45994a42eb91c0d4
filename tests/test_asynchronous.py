"""The simulation of asynchronous SGD against what is known of it exactly."""

import weakref

import numpy as np
import pytest

from course_utils import surfaces
from course_utils.asynchronous import delayed, versions_read
from course_utils.descent import descend
from course_utils.rules import gradient_descent


def test_one_worker_is_never_late():
    np.testing.assert_array_equal(versions_read(1, 50), np.arange(50))


@pytest.mark.parametrize("workers", [2, 4, 16])
def test_staleness_is_geometric_with_mean_one_less_than_the_workers(workers):
    read = versions_read(workers, 40_000, seed=1)
    staleness = (np.arange(len(read)) - read)[1000:]
    assert (staleness >= 0).all()
    assert staleness.mean() == pytest.approx(workers - 1, rel=0.03)
    share_at_zero = (staleness == 0).mean()  # the worker that has just returned returns again
    assert share_at_zero == pytest.approx(1 / workers, rel=0.06)


def test_every_worker_is_busy_with_a_version_of_its_own():
    read = versions_read(5, 2000)
    assert (read[5:] > 0).sum() >= 1900
    assert len(set(read[read > 0])) == (read > 0).sum(), "only version 0 is read by more than one worker"


def test_a_seed_fixes_who_returns_when():
    np.testing.assert_array_equal(versions_read(4, 300, seed=7), versions_read(4, 300, seed=7))
    assert (versions_read(4, 300, seed=7) != versions_read(4, 300, seed=8)).any()


def test_delayed_descent_is_the_recursion_written_out():
    surface = surfaces.quadratic(5)
    read = versions_read(3, 60, seed=2)
    path = descend(gradient_descent, delayed(surface.gradient, read), (-4.0, 1.0), 60, lr=0.05)
    expected = [np.array([-4.0, 1.0])]
    for version in read:
        expected.append(expected[-1] - 0.05 * surface.gradient(expected[version]))
    np.testing.assert_allclose(path, expected, rtol=1e-12)


def test_delayed_hands_the_batch_on_and_keeps_only_what_is_still_read():
    class Version:
        pass

    alive = weakref.WeakSet()
    read = versions_read(4, 500, seed=3)
    answer = delayed(lambda x, batch: (x.number, batch), read)
    for step, version in enumerate(read):
        x = Version()
        x.number = step
        alive.add(x)
        assert answer(x, f"batch {step}") == (version, f"batch {step}")
        assert len(alive) <= 4 + 1, "one a worker and the present one"


@pytest.mark.parametrize(("workers", "steps", "name"), [(0, 5, "workers"), (2.5, 5, "workers"), (2, -1, "steps")])
def test_bad_numbers_are_named(workers, steps, name):
    with pytest.raises(ValueError, match=name):
        versions_read(workers, steps)


def test_reading_the_future_and_running_past_the_end_are_refused():
    with pytest.raises(ValueError, match="between 0 and k"):
        delayed(lambda x: x, [0, 2])
    answer = delayed(lambda x: x, [0])
    answer(1.0)
    with pytest.raises(ValueError, match="covers 1 steps"):
        answer(1.0)
