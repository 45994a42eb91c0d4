"""What exercise 4 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils import rules
from course_utils.checks.graded import path_along
from course_utils.checks.parts import part

# ---- top_speed


def measured_speed(g, lr, beta):
    """The velocity after a very long time."""
    v = 0.0
    for _ in range(5000):
        update, (v,) = rules.momentum(g, (v,), lr=lr, beta=beta)
    return v


part(
    4,
    "top_speed",
    measured_speed,
    [(1.0, 0.01, 0.9), (-2.0, 0.1, 0.5), (0.3, 0.02, 0.99)],
    mistakes={
        "This is the first velocity. In the second step a share of it is still there: what is added to it?": (
            lambda g, lr, beta: lr * g
        ),
        "This depends on beta alone. How long is the first step, before anything adds up?": (
            lambda g, lr, beta: measured_speed(1.0, 1.0, beta)
        ),
        "Where is the learning rate? Every gradient enters the velocity multiplied by it.": (
            lambda g, lr, beta: measured_speed(g, 1.0, beta)
        ),
        "The size is right. But the velocity has the sign of the gradient; the update is minus the velocity.": (
            lambda g, lr, beta: -measured_speed(g, lr, beta)
        ),
    },
)


# ---- steps_to


def measured_steps(share, beta):
    """Count the steps."""
    v, step = 0.0, 0
    while v < share / (1 - beta):
        update, (v,) = rules.momentum(1.0, (v,), lr=1.0, beta=beta)
        step += 1
    return step


part(
    4,
    "steps_to",
    measured_steps,
    [(0.95, 0.9), (0.5, 0.9), (0.95, 0.99), (0.63, 0.8), (0.75, 0.5)],
    exact=1,
    mistakes={
        "Right, but where a whole number comes out: there you take one step more. Is that step needed?": (
            lambda share, beta: np.floor(np.log(1 - share) / np.log(beta)) + 1
        ),
        "One step too few: after that many steps the share is not quite reached. Which way do you round?": (
            lambda share, beta: measured_steps(share, beta) - 1
        ),
        "One step too many. Does your count begin at 0 or at 1?": lambda share, beta: measured_steps(share, beta) + 1,
        "After that many steps the share that you ask for is what is still *missing*.": (
            lambda share, beta: measured_steps(1 - share, beta)
        ),
        "This is the rule of thumb for how long the memory is. How many such times make the share that is asked for?": (
            lambda share, beta: 1 / (1 - beta)
        ),
    },
)


# ---- paths


def right_paths(gradients, lr, beta):
    return path_along(rules.momentum, gradients, lr=lr, beta=beta)


def no_memory(gradients, lr, beta):
    return right_paths(gradients, lr, 0.0)


def one_velocity(gradients, lr, beta):
    """One velocity for both parameters, as a list with the same array twice gives it."""
    v, points = 0.0, [np.zeros(2)]
    for first, second in gradients:
        v_first = beta * v + lr * first
        v = beta * v_first + lr * second
        points.append(points[-1] - [v_first, v])
    return np.array(points[1:])


part(
    4,
    "paths",
    right_paths,
    [
        (np.array([[1.0, 0.0]] * 5), 0.1, 0.5),
        (np.array([[1.0, -3.0], [0.5, 0.0], [0.0, 2.0], [-1.0, 1.0]]), 0.01, 0.9),
    ],
    mistakes={
        "The optimizer takes the steps of gradient descent: its velocity is forgotten after every step. Which line "
        "should change what the next step sees?": no_memory,
        "The velocity is remembered now, and here is the second bug: the second parameter moves although its gradient "
        "is 0. Whose velocity does it use?": one_velocity,
    },
)
