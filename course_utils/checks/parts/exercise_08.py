"""What exercise 8 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils import rules
from course_utils.checks.graded import path_along
from course_utils.checks.parts import part

# ---- waking_step


def measured_waking(every, lr, beta):
    """Run the rule until the start is forgotten; the length of the last step."""
    state = (0.0,)
    for _ in range(1 + int(40 / (1 - beta) / every)):
        for g in [0.0] * (every - 1) + [3.0]:
            update, state = rules.rmsprop(g, state, lr=lr, beta=beta, eps=1e-12)
    return -update


part(
    8,
    "waking_step",
    measured_waking,
    [(10, 0.01, 0.9), (3, 0.1, 0.8), (20, 0.001, 0.99)],
    mistakes={
        "This is the step of a weight that never sleeps. What happens to r while the gradient is 0?": (
            lambda every, lr, beta: measured_waking(1, lr, beta)
        ),
        "This is the longest step there is, after an endless sleep. What is still left in r of the last waking?": (
            lambda every, lr, beta: measured_waking(5000, lr, beta)
        ),
        "You count one step of sleep too few. In how many steps does r fade from one waking to the next?": (
            lambda every, lr, beta: measured_waking(every - 1, lr, beta)
        ),
        "You count one step of sleep too many: every = 1 is a weight that never sleeps.": (
            lambda every, lr, beta: measured_waking(every + 1, lr, beta)
        ),
        "Here r is a plain mean over all steps. Which squares count most at the moment of waking?": (
            lambda every, lr, beta: lr * every**0.5
        ),
        "Upside down: is r smaller or larger after a sleep, and does it stand above or below the fraction bar?": (
            lambda every, lr, beta: lr**2 / measured_waking(every, lr, beta)
        ),
        "This divides by r. RMSProp divides by its root.": (
            lambda every, lr, beta: measured_waking(every, lr, beta) ** 2 / lr
        ),
    },
)


# ---- mean_step


def measured_mean(signal, noise, batch_size, lr):
    """Run the rule with a long memory on both gradients in turn; the mean of the last two steps."""
    state, updates = (0.0,), []
    for step in range(8000):
        g = signal + (-1) ** step * noise / batch_size**0.5
        update, state = rules.rmsprop(g, state, lr=lr, beta=0.998, eps=1e-12)
        updates.append(update)
    return -np.mean(updates[-2:])


part(
    8,
    "mean_step",
    measured_mean,
    [(0.5, 5.0, 16, 0.01), (0.5, 5.0, 64, 0.01), (1.0, 3.0, 4, 0.2)],
    tolerance=0.01,
    mistakes={
        "That would be a weight without noise. What does the noise add to the average of the squares?": (
            lambda signal, noise, batch_size, lr: measured_mean(signal, 0.0, batch_size, lr)
        ),
        "Where is the batch size? A larger batch has less noise.": (
            lambda signal, noise, batch_size, lr: measured_mean(signal, noise, 1, lr)
        ),
        "In a minibatch the noise is divided by the *root* of its size. What is it divided by once it is squared?": (
            lambda signal, noise, batch_size, lr: measured_mean(signal, noise, batch_size**2, lr)
        ),
        "The square of the noise is smaller than that. What becomes of the root of the batch size in it?": (
            lambda signal, noise, batch_size, lr: measured_mean(signal, noise, batch_size**0.5, lr)
        ),
        "Nearly, as long as the noise is far larger than the signal. What is missing in the average of the squares?": (
            lambda signal, noise, batch_size, lr: (
                measured_mean(signal, noise, batch_size, lr)
                / (1 - (measured_mean(signal, noise, batch_size, lr) / lr) ** 2) ** 0.5
            )
        ),
        "This is gradient descent's mean step. By what does RMSProp divide?": (
            lambda signal, noise, batch_size, lr: lr * signal
        ),
        "This divides by r. RMSProp divides by its root.": (
            lambda signal, noise, batch_size, lr: measured_mean(signal, noise, batch_size, lr) ** 2 / (lr * signal)
        ),
        "The size is right. But the mean step is asked for as a positive number.": (
            lambda signal, noise, batch_size, lr: -measured_mean(signal, noise, batch_size, lr)
        ),
    },
)


# ---- paths


def right_paths(gradients, lr, beta):
    return path_along(rules.rmsprop, gradients, lr=lr, beta=beta)


def wrong_paths(gradients, lr, beta, *, stores_root, skips):
    """Each weight by itself: with the root kept as the average, or asleep while it has no gradient, or both."""
    points = np.zeros_like(gradients)
    for i in range(gradients.shape[1]):
        x, r = 0.0, 0.0
        for step, g in enumerate(gradients[:, i]):
            if g != 0 or not skips:
                _, (r,) = rules.rmsprop(g, (r,), lr=lr, beta=beta)
            x -= lr * g / (r**0.5 + 1e-8)
            r = r**0.5 if stores_root else r
            points[step, i] = x
    return points


sleepy = np.zeros((24, 2))
sleepy[::2, 0], sleepy[::6, 1] = 5.0, -0.2
generator = np.random.default_rng(8)


part(
    8,
    "paths",
    right_paths,
    [
        (sleepy, 0.1, 0.9),
        (generator.normal(size=(20, 3)) * [100.0, 3.0, 0.01] * (generator.random((20, 3)) < 0.5), 0.01, 0.8),
    ],
    mistakes={
        "The steps depend on the scale of the loss. What is in r after a step: an average of squares, or something "
        "else?": lambda *case: wrong_paths(*case, stores_root=True, skips=True),
        "Weights that sleep are right now. But the steps still depend on the scale of the loss. What is in r after a "
        "step: an average of squares, or something else?": (
            lambda *case: wrong_paths(*case, stores_root=True, skips=False)
        ),
        "The scale drops out now, and here is the second bug: weights with rare gradients take steps that are too "
        "short. What should happen to r in a step without a gradient?": (
            lambda *case: wrong_paths(*case, stores_root=False, skips=True)
        ),
        "The new square comes into your r without its factor 1 - beta, so r is a sum that fades, and no average.": (
            lambda gradients, lr, beta: right_paths(gradients, lr * (1 - beta) ** 0.5, beta)
        ),
        "Nothing moves. Change the parameters in place: `self.x = ...` makes a new array, which nobody sees.": (
            lambda *case: 0 * right_paths(*case)
        ),
    },
)


# ---- combined


def right_updates(gradients, lr, beta, mu, rule=rules.rmsprop_nesterov):
    state, updates = (0.0, 0.0), []
    for g in gradients:
        update, state = rule(g, state, lr=lr, beta=beta, momentum=mu)
        updates.append(update)
    return np.array(updates)


def divided_at_the_end(gradients, lr, beta, mu):
    """The velocity collects plain gradients, and the whole look-ahead is divided."""
    r_state, v_state, updates = (0.0,), (0.0,), []
    for g in gradients:
        update, v_state = rules.nesterov(g, v_state, lr=lr, beta=mu)
        _, r_state = rules.rmsprop(g, r_state, beta=beta)
        updates.append(update / (r_state[0] ** 0.5 + 1e-8))
    return np.array(updates)


generator = np.random.default_rng(9)


part(
    8,
    "combined",
    right_updates,
    [
        (generator.normal(size=(12, 3)) * [1.0, 100.0, 0.01], 0.01, 0.9, 0.8),
        (generator.uniform(1, 2, (8, 2)), 0.1, 0.5, 0.5),
    ],
    mistakes={
        "This is plain momentum. What does Nesterov's update contain besides the velocity?": (
            lambda *case: right_updates(*case, rule=rules.rmsprop_momentum)
        ),
        "The wrong sign: you climb. What your rmsprop returns is -s, not s.": lambda *case: -right_updates(*case),
        "Your velocity collects plain gradients and is divided as a whole. Only the new gradient is divided here.": (
            divided_at_the_end
        ),
        "This is RMSProp without any momentum. Is v kept from one step to the next?": (
            lambda gradients, lr, beta, mu: right_updates(gradients, lr, beta, 0.0)
        ),
        "In every step v starts at 0 again. What should live on?": (
            lambda gradients, lr, beta, mu: (1 + mu) * right_updates(gradients, lr, beta, 0.0)
        ),
    },
)
