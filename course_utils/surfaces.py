"""Functions to descend on: what a loss looks like when it has only one or two parameters.

A :class:`Surface` is called with points and returns values; ``surface.gradient`` returns gradients, derived by hand.
A point is an array whose *last* axis holds its coordinates, so ``(2,)`` is one point, ``(50, 2)`` a path and
``(100, 100, 2)`` a grid; a value has the shape without the last axis, a gradient the shape of the points.
The one-dimensional functions have points of shape ``(..., 1)``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A function R^n -> R with what a picture and a test need to know of it (plain floats, no units)."""

    name: str
    value: Callable  # points (..., n) -> values (...)
    gradient: Callable  # points (..., n) -> gradients (..., n)
    start: tuple  # where descents start unless told otherwise
    minima: tuple  # every local minimum, as points
    window: tuple  # (low, high) of each coordinate worth drawing

    def __call__(self, points):
        return self.value(np.asarray(points, dtype=float))


def _xy(points):
    points = np.asarray(points, dtype=float)
    return points[..., 0], points[..., 1]


def quadratic(condition_number=20.0):
    """The ravine (x^2 + k y^2) / 2: curvature 1 along x and k, the condition number, along y.

    Minimum 0 at (0, 0). Gradient descent converges for lr < 2/k. Raises ``ValueError`` for k < 1.
    """
    k = float(condition_number)
    if not 1 <= k < np.inf:
        raise ValueError(f"condition_number must be finite and at least 1, not {condition_number!r}")
    curvature = np.array([1.0, k])
    return Surface(
        name=f"quadratic, condition number {k:g}",
        value=lambda p: (curvature * p**2).sum(-1) / 2,
        gradient=lambda p: curvature * np.asarray(p, dtype=float),
        start=(-4.0, 1.0),
        minima=((0.0, 0.0),),
        window=((-4.5, 2.0), (-1.6, 1.6)),
    )


def rosenbrock():
    """(1 - x)^2 + 100 (y - x^2)^2: a long, flat, bent valley. Rosenbrock (1960). Minimum 0 at (1, 1)."""

    def value(p):
        x, y = _xy(p)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def gradient(p):
        x, y = _xy(p)
        return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=-1)

    return Surface("Rosenbrock", value, gradient, (-1.2, 1.0), ((1.0, 1.0),), ((-2.0, 2.0), (-1.0, 3.0)))


def beale():
    """Sum of (c_i - x + x y^i)^2, c = 1.5, 2.25, 2.625: plains, steep walls. Beale (1958). Minimum 0 at (3, 0.5)."""

    def residuals(x, y):
        return [(c - x + x * y**i, y**i - 1, i * x * y ** (i - 1)) for i, c in ((1, 1.5), (2, 2.25), (3, 2.625))]

    def value(p):
        return sum(e**2 for e, _, _ in residuals(*_xy(p)))

    def gradient(p):
        terms = residuals(*_xy(p))
        return np.stack([sum(2 * e * dx for e, dx, _ in terms), sum(2 * e * dy for e, _, dy in terms)], axis=-1)

    return Surface("Beale", value, gradient, (1.0, 1.5), ((3.0, 0.5),), ((-1.0, 4.5), (-2.0, 2.0)))


def saddle():
    """x^2/2 - y^2/2 + y^4/4: a saddle point at (0, 0) between two minima of -1/4 at (0, -1) and (0, 1)."""

    def value(p):
        x, y = _xy(p)
        return x**2 / 2 - y**2 / 2 + y**4 / 4

    def gradient(p):
        x, y = _xy(p)
        return np.stack([x, y**3 - y], axis=-1)

    return Surface("saddle", value, gradient, (-1.5, 0.001), ((0.0, -1.0), (0.0, 1.0)), ((-1.8, 1.8), (-1.6, 1.6)))


def camel():
    """The six-hump camel, (4 - 2.1 x^2 + x^4/3) x^2 + x y + 4 (y^2 - 1) y^2. Dixon and Szego (1978).

    Six minima of three heights. The two global minima are -1.0316 at (0.0898, -0.7127) and its mirror image.
    """

    def value(p):
        x, y = _xy(p)
        return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + 4 * (y**2 - 1) * y**2

    def gradient(p):
        x, y = _xy(p)
        return np.stack([8 * x - 8.4 * x**3 + 2 * x**5 + y, x + 16 * y**3 - 8 * y], axis=-1)

    half = (
        (0.08984201310031807, -0.7126564030207396),
        (1.703606714969981, -0.7960835686726251),
        (1.6071047529201974, 0.5686514548841313),
    )
    minima = half + tuple((-x, -y) for x, y in half)
    return Surface("six-hump camel", value, gradient, (-1.2, 0.3), minima, ((-2.1, 2.1), (-1.1, 1.1)))


def ripples():
    """x^2/8 + sin(2x): a bowl with ripples, in one dimension. Six local minima; the deepest, -0.927, at x = -0.739."""
    return Surface(
        name="ripples",
        value=lambda p: (p**2 / 8 + np.sin(2 * p)).sum(-1),
        gradient=lambda p: np.asarray(p, dtype=float) / 4 + 2 * np.cos(2 * np.asarray(p, dtype=float)),
        start=(4.2,),
        minima=(
            (-6.585123666597653,),
            (-3.6874674460427688,),
            (-0.7391361749798392,),
            (2.215867824088195,),
            (5.14823679681755,),
            (7.923282087113123,),
        ),
        window=((-8.0, 8.0),),
    )
