"""What exercise 6 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils import rules
from course_utils.checks.parts import part, remembered

# ---- ahead_path


def two_point_path(start, curvature, lr, betas):
    """The two-point form as it is written above, and where it would look in every step."""
    x, v, looks = start, 0.0, [start]
    for now, later in zip(betas[:-1], betas[1:], strict=True):
        v = now * v + lr * curvature * looks[-1]
        x = x - v
        looks.append(x - later * v)
    return np.array(looks)


def by_the_rule(start, curvature, lr, betas):
    """The rule for a constant beta, with each beta in turn."""
    x, state, points = start, (0.0,), [start]
    for beta in betas:
        update, state = rules.nesterov(curvature * x, state, lr=lr, beta=beta)
        x = x + update
        points.append(x)
    return np.array(points)


part(
    6,
    "ahead_path",
    two_point_path,
    [
        (1.0, 2.0, 0.1, [0.0, 0.25, 0.4, 0.5, 0.57]),
        (-3.0, 1.0, 0.3, [0.9, 0.9, 0.5, 0.5, 0.9]),
    ],
    mistakes={
        "This is the rule of task 1 with the beta of this step: right only while beta stays. For which step does the "
        "look-ahead point that you arrive at have to be right?": (
            lambda start, curvature, lr, betas: by_the_rule(start, curvature, lr, betas[:-1])
        ),
        "You use the next beta everywhere. But the velocity of this step decays with the beta of this step.": (
            lambda start, curvature, lr, betas: by_the_rule(start, curvature, lr, betas[1:])
        ),
    },
)


# ---- without_overshoot


@remembered
def measured_rate(rule, curvature, beta):
    """Try rates, and look which is the first to cross; four times, closer and closer."""
    low, high = 1e-4 / curvature, 1 / curvature
    for _ in range(4):
        rates = np.geomspace(low, high, 30)
        x, state, has_crossed = np.ones(30), (0.0,), np.zeros(30, bool)
        for _ in range(1500):
            update, state = rule(curvature * x, state, lr=rates, beta=beta)
            x = x + update
            has_crossed |= x < 0
        low, high = rates[has_crossed.argmax() - 1], rates[has_crossed.argmax()]
    return high


def measured_overshoot(curvature, beta):
    return measured_rate(rules.nesterov, curvature, beta)


part(
    6,
    "without_overshoot",
    measured_overshoot,
    [(1.0, 0.9), (20.0, 0.8), (0.5, 0.5)],
    tolerance=0.004,
    mistakes={
        "This is momentum's rate. What changes in the equation if the velocity keeps a smaller share?": (
            lambda curvature, beta: measured_rate(rules.momentum, curvature, beta)
        ),
        "You have found the learning rate times the curvature. Which learning rate is that?": (
            lambda curvature, beta: measured_overshoot(1.0, beta)
        ),
        "Right but for a square: what stands under the root of the quadratic formula has squares of beta in it.": (
            lambda curvature, beta: measured_overshoot(1.0, beta) ** 0.5 / curvature
        ),
        "There all memory is gone: the velocity keeps nothing. Long before, the path has begun to swing.": (
            lambda curvature, beta: 1 / curvature
        ),
        "This is where it begins to diverge. It swings long before that.": (
            lambda curvature, beta: (2 + 2 * beta) / (1 + 2 * beta) / curvature
        ),
    },
)


# ---- standing_path


def walk(start, slope, curvature, lr, beta, steps, look, there=0.0, back=0.0):
    """Momentum that asks for the gradient at x - look * v. Beside its steps x moves by there * old v + back * new v."""
    x, v, points = start, 0.0, []
    for _ in range(steps):
        g = slope + curvature * (x - look * v)
        x += there * v
        update, (v,) = rules.momentum(g, (v,), lr=lr, beta=beta)
        x += update + back * v
        points.append(x)
    return np.array(points)


def right_path(start, slope, curvature, lr, beta, steps):
    return walk(start, slope, curvature, lr, beta, steps, beta)


def like(look, there, back):
    """A walk whose three numbers are these multiples of beta."""
    return lambda *case: walk(*case, look * case[4], there * case[4], back * case[4])


part(
    6,
    "standing_path",
    right_path,
    [(1.0, 0.0, 1.0, 0.1, 0.5, 6), (-2.0, 1.0, 3.0, 0.1, 0.9, 8)],
    mistakes={
        "Both bugs are still there. Begin on the slope: are the ways there and back equally long?": like(-1, 1, -1),
        "On a slope all is right now. Here is the other bug: in a bowl, is the point at which you ask for the gradient "
        "the one where the momentum step lands?": like(-1, 0, 0),
        "You look at the right point now. But on a slope it does not walk like momentum yet: are the ways there and "
        "back equally long?": like(1, -1, 1),
        "You look at the right point now, but then you go on in the same direction instead of back.": like(1, -1, -1),
        "These are momentum's steps: the gradient is taken where x stands, not where the momentum step lands.": (
            like(0, 0, 0)
        ),
        "You step from the look-ahead point, so the old velocity is walked twice. Where does the step begin?": (
            like(1, -1, 0)
        ),
    },
)
