"""What exercise 3 compares its answers with, and the mistakes that it knows."""

from itertools import combinations

import numpy as np

from course_utils.checks.parts import part

# ---- matching_lr


def ball(lr, batch_size, curvature):
    """The variance after so many steps that it no longer changes, for one example's noise of 1."""
    shrinks, variance, before = (1 - lr * curvature) ** 2, lr**2 / batch_size, -1.0
    while abs(variance - before) > 1e-12 * abs(variance):  # a search for mistakes asks for negative batches, too
        # after n steps the ball has this variance; n more shrink it, and add as much noise again
        shrinks, variance, before = shrinks**2, (1 + shrinks) * variance, variance
    return variance


def measured_lr(lr, batch_size, new_batch_size, curvature):
    """Halve the interval in which the rate must lie, again and again."""
    wanted, low, high = ball(lr, batch_size, curvature), 0.0, 2 / curvature
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if ball(middle, new_batch_size, curvature) < wanted else (low, middle)
    return middle


part(
    3,
    "matching_lr",
    measured_lr,
    [(0.4, 32, 128, 1.5), (0.1, 64, 256, 5.0), (0.5, 128, 48, 2.0)],
    mistakes={
        "The rate in proportion to the batch: that is the rule of thumb, right for small rates. What does the whole "
        "formula of the ball say when lr times curvature is not small?": lambda lr, B, new, curvature: lr * new / B,
        "With the root of the batch size you keep the length of the noise in one *step*. Is the ball's variance in "
        "proportion to lr or to its square?": lambda lr, B, new, curvature: lr * (new / B) ** 0.5,
        "The other way round: does a larger batch make the ball larger or smaller? So may the rate rise or must it "
        "fall?": lambda lr, B, new, curvature: measured_lr(lr, new, B, curvature),
        "Your rate falls as the batch grows. Does a larger batch make the ball larger, or smaller? So what may the "
        "rate do?": (lambda lr, B, new, curvature: lr * B / new),
        "You return the rate that you had. Does the noise stay the same when the batch changes?": (
            lambda lr, B, new, curvature: lr
        ),
        "The ball is right for noise that falls with the root of the batch size. Its *variance* is what matters here. "
        "How does that fall?": lambda lr, B, new, curvature: measured_lr(lr, B**0.5, new**0.5, curvature),
        "In your ball the noise falls as 1/B squared. How many terms of the double sum are left?": (
            lambda lr, B, new, curvature: measured_lr(lr, B**2, new**2, curvature)
        ),
    },
)


# ---- my_batches


def faults(batches_of):
    """A function of n, workers and epochs: the answers to QUESTIONS, 1 for yes and 0 for no, a row for each epoch."""

    def answers(n, workers, epochs):
        size = 4
        dealt = [_epoch(batches_of, n, workers, epoch, 0, size) for epoch in range(epochs)]
        orders = [np.concatenate([batch for of_worker in batches for batch in of_worker]) for batches in dealt]
        other = [
            np.concatenate([b for w in _epoch(batches_of, n, workers, e, 7, size) for b in w]) for e in range(epochs)
        ]
        counts = np.array([np.bincount(order, minlength=n) for order in orders])
        table = []
        for k, order in enumerate(orders):
            whole = [len(batch) == size for of_worker in dealt[k] for batch in of_worker[:-1]]
            last = [0 < len(of_worker[-1]) <= size for of_worker in dealt[k] if of_worker]
            shares = [sum(map(len, of_worker)) for of_worker in dealt[k]]
            meet, before = _pairs(dealt[k]), set().union(*map(_pairs, dealt[:k]))
            table.append(
                [
                    (counts[k] > 0).all(),
                    (counts[k] > 1).any(),
                    any(np.array_equal(order, earlier) for earlier in orders[:k]),
                    len(meet & before) > len(meet) / 2,
                    np.array_equal(order, other[k]),
                    all(whole) and all(last),
                    max(shares) - min(shares) <= 1,
                ]
            )
        return np.array(table, dtype=float)

    return answers


def _pairs(batches):
    """Which two examples meet in a batch."""
    return {frozenset(pair) for of_worker in batches for batch in of_worker for pair in combinations(batch.tolist(), 2)}


def _epoch(batches_of, n, workers, epoch, seed, size):
    """All workers' batches of one epoch, as arrays of indices; ``ValueError`` where they cannot be read."""
    dealt = []
    for worker in range(workers):
        batches = batches_of(worker, workers, n, size, epoch, seed)
        if isinstance(batches, np.ndarray) and batches.ndim == 1 or batches is None:
            raise ValueError("return a list of batches, each an array of indices")
        batches = [np.asarray(batch, dtype=int).ravel() for batch in batches]
        if any(batch.size and not (batch.min() >= 0 and batch.max() < n) for batch in batches):
            raise ValueError(f"an index is not one of 0 to {n - 1}")
        dealt.append(batches)
    return dealt


def pattern(everything, doubly, again, meet=None, ignored=0.0, sizes=1.0, even=1.0):
    """The same answers in every epoch, except that the first one cannot repeat an order."""

    def answers(n, workers, epochs):
        alike = again if meet is None else meet
        return [
            [everything, doubly, float(again and k > 0), float(alike and k > 0), ignored, sizes, even]
            for k in range(epochs)
        ]

    return answers


part(
    3,
    "my_batches",
    pattern(1, 0, 0),
    [(40, 4, 3), (41, 3, 2), (23, 5, 4), (59, 8, 2)],
    wrap=faults,
    labels=("n", "workers", "epochs"),
    questions=(
        "Is every example read?",
        "Is any example read more than once?",
        "Is the order that of an earlier epoch?",
        "Do the same examples meet in a batch as in an earlier epoch?",
        "Does another seed give the same batches?",
        "Does every batch have batch_size examples, but for the last of each worker?",
        "Do the shares of any two workers differ by at most one example?",
    ),
    mistakes={
        "Some examples are read by several workers and others by none, and it is the same in every epoch. What makes "
        "the share of one worker differ from that of another?": pattern(0, 1, 1),
        "Epochs differ now. But within an epoch some examples are read by several workers and others by none. Do all "
        "workers shuffle alike, and does each take another part?": pattern(0, 1, 0),
        "Within an epoch everything is right now, and here is the second bug: every epoch has the same batches in the "
        "same order. What would have to change from epoch to epoch?": pattern(1, 0, 1),
        "The order changes from epoch to epoch, but the same examples go on meeting in a batch. Is everything shuffled "
        "anew in every epoch?": pattern(1, 0, 0, meet=1),
        "Everything is right but one thing: another seed gives the same batches. Where does `seed` enter?": (
            pattern(1, 0, 0, ignored=1.0)
        ),
        "The shares are right, and the batches are not: how many examples belong into one?": (
            pattern(1, 0, 0, sizes=0.0)
        ),
        "Every example is read once, but the shares are uneven: one worker takes all that is left over. By how much "
        "may shares differ?": lambda n, workers, epochs: pattern(1, 0, 0, even=float(n % workers < 2))(
            n, workers, epochs
        ),
        "No example is read twice, but some are read by nobody. Who reads the rest when the number of workers does not "
        "divide n?": lambda n, workers, epochs: pattern(float(n % workers == 0), 0, 0)(n, workers, epochs),
        "All examples are read, but some more than once in an epoch. Where do two shares overlap?": pattern(1, 1, 0),
    },
)
