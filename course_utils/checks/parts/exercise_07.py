"""What exercise 7 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils import rules
from course_utils.checks.graded import path_along
from course_utils.checks.parts import part

# ---- step_after


def measured_step(k, bad, lr):
    """Run the rule: one bad gradient, then k times 1."""
    state = (0.0,)
    for g in [bad] + [1.0] * k:
        update, state = rules.adagrad(g, state, lr=lr, eps=1e-12)
    return -update


part(
    7,
    "step_after",
    measured_step,
    [(1, 3.0, 0.1), (9, 4.0, 0.1), (50, 10.0, 0.02)],
    mistakes={
        "You count one step too few: in step k, does the gradient of that step belong to r already?": (
            lambda k, bad, lr: measured_step(k - 1, bad, lr) if k > 1 else lr / bad
        ),
        "You count one step too many: k = 1 is the first step *after* the bad one.": (
            lambda k, bad, lr: measured_step(k + 1, bad, lr)
        ),
        "What does r take in of the bad gradient: the gradient itself?": (
            lambda k, bad, lr: measured_step(k, bad**0.5, lr)
        ),
        "This is the length without the bad minibatch. What is left of it in r?": (
            lambda k, bad, lr: measured_step(k, 0.0, lr)
        ),
        "This divides by r. Adagrad divides by its root.": lambda k, bad, lr: measured_step(k, bad, 1.0) ** 2 * lr,
        "You divide by an average. Adagrad's r is a sum: it is not divided by the number of steps.": (
            lambda k, bad, lr: measured_step(k, bad, lr) * (k + 1) ** 0.5
        ),
        "The size is right. But a length has no sign.": lambda k, bad, lr: -measured_step(k, bad, lr),
    },
)


# ---- steps_to_recover


def measured_recovery(bad, share):
    """Run the rule twice, with and without the bad gradient, and count."""
    _, spoiled_state = rules.adagrad(bad, lr=1.0, eps=0.0)
    sound_state, spoiled, sound, k = (0.0,), 0.0, 1.0, 0
    while spoiled < share * sound:
        update, spoiled_state = rules.adagrad(1.0, spoiled_state, lr=1.0, eps=0.0)
        spoiled = -update
        update, sound_state = rules.adagrad(1.0, sound_state, lr=1.0, eps=0.0)
        sound = -update
        k += 1
    return k


def next_whole(bad, share):
    """The first whole number *above* the one that comes out."""
    return np.floor(share**2 * bad**2 / (1 - share**2) + 1e-9) + 1


part(
    7,
    "steps_to_recover",
    measured_recovery,
    [(100.0, 0.3), (10.0, 0.4), (31.0, 0.85), (5.0, 0.25), *((bad, 0.5) for bad in (3.0, 9.0, 15.0, 21.0))],
    exact=4,
    mistakes={
        "Right, but where a whole number comes out: there you take one step more. Is that step needed?": next_whole,
        "One step too few: there the share is not quite reached. Which way do you round?": (
            lambda bad, share: measured_recovery(bad, share) - 1
        ),
        "One step too many. Is the first step with gradient 1 number 0 or number 1?": (
            lambda bad, share: measured_recovery(bad, share) + 1
        ),
        "You compare the two sums r. Which power of r is the length of a step made of?": (
            lambda bad, share: measured_recovery(bad, share**0.5)
        ),
        "What does r take in of the bad gradient: the gradient itself?": (
            lambda bad, share: measured_recovery(bad**0.5, share)
        ),
        "After that many steps `share` is what is still *missing* of the length.": (
            lambda bad, share: measured_recovery(bad, 1 - share)
        ),
    },
)


# ---- tables


def slope(words, gradients):
    """The gradient of the loss for the whole table, measured: by how much it grows with each entry of the table."""
    g = np.zeros((4, gradients.shape[1]))
    for entry in np.ndindex(g.shape):
        nudged = np.zeros_like(g)
        nudged[entry] = 1.0
        g[entry] = (nudged[words] * gradients).sum()
    return g


def right_tables(words, gradients, lr):
    slopes = [slope(*text) for text in zip(words, gradients, strict=True)]
    return path_along(rules.adagrad, np.array(slopes), lr=lr)


def place_by_place(words, gradients, lr, *, loses_r, loses_steps, one_by_one=False):
    """Every place's gradient squared by itself; of a row's places the last one alone counts where one is lost."""
    table, r, after = np.zeros((4, gradients.shape[2])), np.zeros((4, gradients.shape[2])), []
    for text, gradients_of_text in zip(words, gradients, strict=True):
        old_table, old_r = table.copy(), r.copy()
        if one_by_one:
            for word, g in zip(text, gradients_of_text, strict=True):
                r[word] += g**2
                table[word] -= lr * g / r[word] ** 0.5
        else:
            for word, g in zip(text, gradients_of_text, strict=True):
                r[word] = (old_r if loses_r else r)[word] + g**2
            for word, g in zip(text, gradients_of_text, strict=True):
                table[word] = (old_table if loses_steps else table)[word] - lr * g / r[word] ** 0.5
        after.append(table.copy())
    return np.array(after)


generator = np.random.default_rng(7)


part(
    7,
    "tables",
    right_tables,
    [
        (np.array([[0, 1, 0], [2, 0, 2]]), np.array([[[-3.0], [-3.0], [1.0]], [[1.0], [2.0], [0.5]]]), 0.1),
        (np.array([[3, 3, 1, 3, 0]] * 4), generator.uniform(0.5, 2.0, (4, 5, 2)) * [1.0, -10.0], 0.02),
    ],
    mistakes={
        "When a word occurs twice, one of its places is lost, in r and in the table. What does numpy do when a row "
        "number comes twice in an index?": lambda *case: place_by_place(*case, loses_r=True, loses_steps=True),
        "In r nothing is lost any more. But in the table the step of one place still takes that of another away.": (
            lambda *case: place_by_place(*case, loses_r=False, loses_steps=True)
        ),
        "In the table nothing is lost any more. But r still takes in only one of the places of a word.": (
            lambda *case: place_by_place(*case, loses_r=True, loses_steps=False)
        ),
        "Nothing is lost now, and here is the second bug: you square the gradient of every place by itself. Whose "
        "gradient does Adagrad square?": lambda *case: place_by_place(*case, loses_r=False, loses_steps=False),
        "Every place takes a step of its own, one after the other. A text is one minibatch, so a row takes one step.": (
            lambda *case: place_by_place(*case, loses_r=False, loses_steps=False, one_by_one=True)
        ),
        "The table does not move. Change it in place: `self.table = ...` makes a new one, which nobody sees.": (
            lambda *case: 0 * right_tables(*case)
        ),
    },
)
