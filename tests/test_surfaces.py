"""The surfaces: gradients against finite differences, and no minimum missing, none invented."""

import subprocess
import sys

import numpy as np
import pytest

from course_utils import rules, schedules, surfaces
from course_utils.descent import descend

ALL = (
    surfaces.quadratic(),
    surfaces.quadratic(500),
    surfaces.rosenbrock(),
    surfaces.beale(),
    surfaces.saddle(),
    surfaces.camel(),
    surfaces.ripples(),
)
every_surface = pytest.mark.parametrize("surface", ALL, ids=lambda surface: surface.name)


def random_points(surface, shape):
    low, high = np.array(surface.window).T
    return np.random.default_rng(0).uniform(low, high, (*shape, len(low)))


def numerical_gradient(f, points, h=1e-5):
    """Central differences of ``f`` along each coordinate; the new axis is the last."""
    steps = h * np.eye(points.shape[-1])
    return np.stack([(f(points + step) - f(points - step)) / (2 * h) for step in steps], axis=-1)


@every_surface
@pytest.mark.parametrize("shape", [(), (40,), (7, 6)], ids=["point", "path", "grid"])
def test_gradient_against_finite_differences(surface, shape):
    points = random_points(surface, shape)
    gradient = surface.gradient(points)
    assert surface(points).shape == shape
    assert gradient.shape == points.shape
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, numerical_gradient(surface, points), rtol=1e-6, atol=1e-8 * scale)


@every_surface
def test_many_points_at_once_are_the_points_one_by_one(surface):
    points = random_points(surface, (20,))
    np.testing.assert_allclose(surface(points), [surface(point) for point in points], rtol=1e-14)
    np.testing.assert_allclose(surface.gradient(points), [surface.gradient(p) for p in points], rtol=1e-14)
    assert surface(points.tolist()).shape == (20,)  # plain lists are points too
    np.testing.assert_array_equal(surface.gradient(points[0].tolist()), surface.gradient(points[0]))


@every_surface
def test_every_listed_minimum_is_one(surface):
    for minimum in np.array(surface.minima):
        hessian = numerical_gradient(surface.gradient, minimum)
        assert np.linalg.eigvalsh(hessian).min() > 0
        np.testing.assert_allclose(surface.gradient(minimum), 0, atol=1e-12 * np.abs(hessian).max())


@every_surface
def test_no_minimum_in_the_window_is_missing(surface):
    starts = random_points(surface, (50,))
    schedule = schedules.cosine(8000)
    ends = descend(rules.adam, surface.gradient, starts, 8000, schedule=schedule, lr=0.1, beta2=0.99)[-1]
    low, high = np.array(surface.window).T
    ends = ends[((low <= ends) & (ends <= high)).all(-1)]  # Beale's plains lead out of the window, for ever downhill
    distances = np.linalg.norm(ends[:, None] - np.array(surface.minima), axis=-1)
    assert len(ends) >= 40
    assert distances.min(1).max() < 1e-6  # whoever stayed came to a listed minimum
    assert set(distances.argmin(1)) == set(range(len(surface.minima)))  # and each of them has visitors


@every_surface
def test_window_holds_the_start_and_the_minima(surface):
    low, high = np.array(surface.window).T
    for point in (surface.start, *surface.minima):
        assert (low < point).all()
        assert (point < high).all()


def test_documented_values():
    assert surfaces.quadratic(20)([1.0, 0.0]) == 0.5
    assert surfaces.quadratic(20)([0.0, 1.0]) == 10
    assert surfaces.rosenbrock()([-1.2, 1.0]) == pytest.approx(24.2, rel=1e-12)
    for surface in (surfaces.quadratic(), surfaces.rosenbrock(), surfaces.beale()):
        assert surface(surface.minima[0]) == 0
    saddle = surfaces.saddle()
    np.testing.assert_array_equal(saddle(saddle.minima), [-0.25, -0.25])
    np.testing.assert_array_equal(saddle.gradient([0.0, 0.0]), [0, 0])
    np.testing.assert_array_equal(numerical_gradient(saddle.gradient, np.zeros(2)).round(6), [[1, 0], [0, -1]])
    camel = surfaces.camel()
    heights = camel(camel.minima)
    assert heights.min() == pytest.approx(-1.0316, abs=5e-5)
    np.testing.assert_allclose(camel.minima[heights.argmin()], (0.0898, -0.7127), atol=5e-5)
    assert len(set(heights.round(6))) == 3
    assert len(camel.minima) == 6
    ripples = surfaces.ripples()
    heights = ripples(ripples.minima)
    assert heights.min() == pytest.approx(-0.927, abs=5e-4)
    assert ripples.minima[heights.argmin()][0] == pytest.approx(-0.739, abs=5e-4)
    assert len(ripples.minima) == 6


@pytest.mark.parametrize("k", [1, 20, 1000])
def test_condition_number_is_that_of_the_hessian(k):
    surface = surfaces.quadratic(condition_number=k)
    assert np.linalg.cond(numerical_gradient(surface.gradient, np.zeros(2))) == pytest.approx(k, rel=1e-6)
    assert f"{k:g}" in surface.name


@pytest.mark.parametrize("bad", [0.5, 0, -3, float("inf"), float("nan")])
def test_bad_condition_number_is_named(bad):
    with pytest.raises(ValueError, match=f"condition_number must be finite and at least 1, not {bad}"):
        surfaces.quadratic(bad)


def test_surfaces_import_no_torch():
    program = "import sys, course_utils.surfaces; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
