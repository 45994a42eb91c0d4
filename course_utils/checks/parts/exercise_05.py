"""What exercise 5 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils.checks import tasks
from course_utils.checks.parts import part, remembered

# ---- who_returns


def backwards(order, seed):
    """Computing times that lead to this order: choose the moments of the updates, then see what each worker needed."""
    moments = np.random.default_rng(seed).exponential(size=len(order)).cumsum()
    return np.array([np.diff(moments[order == worker], prepend=0) for worker in range(max(order) + 1)])


orders = [np.random.default_rng(seed).permutation(np.repeat(np.arange(n), 5)) for seed, n in ((0, 2), (1, 3), (2, 6))]
built = {backwards(order, seed).tobytes(): order for seed, order in enumerate(orders)}


def right_order(times):
    return built[times.tobytes()]


part(
    5,
    "who_returns",
    right_order,
    [(backwards(order, seed),) for seed, order in enumerate(orders)],
    mistakes={
        "Your workers return in turn. But a fast one may return three times before a slow one has returned once.": (
            lambda times: np.tile(np.arange(len(times)), times.shape[1])
        ),
        "You sort by how long a gradient takes. When does a worker hand in its second one: after that time, or after "
        "both?": (lambda times: [worker for _, worker in sorted((t, w) for w, row in enumerate(times) for t in row)]),
        "Right, but your workers count from 1.": lambda times: right_order(times) + 1,
    },
)


# ---- versions_read


def measured_versions(order):
    return np.arange(len(order)) - tasks.staleness(order)


part(
    5,
    "versions_read",
    measured_versions,
    [(np.array(order),) for order in ([0, 1, 0, 0, 1, 2, 1, 0, 2], [2, 1, 0, 2, 1, 0, 0, 0], [3, 3, 0, 1, 2, 0, 3, 1])],
    mistakes={
        "Your workers read before their own update is made. Which version does update k make?": (
            lambda order: np.maximum(measured_versions(order) - 1, 0)
        ),
        "This is how old the version is, and not yet which one it is.": lambda order: tasks.staleness(order),
        "You return the version that each update changes. That one would be read by a worker which is never late.": (
            lambda order: np.arange(len(order))
        ),
        "You return the version that each update makes. Which one had its worker read, a while ago?": (
            lambda order: np.arange(len(order)) + 1
        ),
    },
)


# ---- staler_than


@remembered
def simulated_staleness(workers, steps=200_000):
    """How late the updates are, of workers that compute for exponential times, as long as none has run out of them."""
    moments = np.random.default_rng(0).exponential(size=(workers, steps // workers)).cumsum(axis=1)
    place = np.empty(moments.shape, dtype=int)  # of each gradient among all updates
    place.ravel()[moments.ravel().argsort()] = np.arange(moments.size)
    late = np.diff(place, axis=1, prepend=-1) - 1
    return late[place <= place[:, -1].min()]


def measured_share(k, workers):
    return (simulated_staleness(workers) > k).mean()


part(
    5,
    "staler_than",
    measured_share,
    [(15, 16), (45, 16), (3, 4), (1, 2)],
    tolerance=0.04,
    mistakes={
        "This is the share that is *at least* as stale as k. How many times is a worker passed over whose gradient is "
        "staler than k?": (lambda k, workers: measured_share(k - 1, workers)),
        "This is the share that is *not* staler.": lambda k, workers: 1 - measured_share(k, workers),
        "This is the chance of a staleness of exactly k. What do all the larger ones add up to?": (
            lambda k, workers: (1 - measured_share(0, workers)) * measured_share(k - 1, workers)
        ),
    },
)


# ---- waiting


def measured_waiting(workers):
    """Rounds of exponential times: a round lasts as long as its slowest worker."""
    return 1 - 1 / simulated_round(workers)


@remembered
def simulated_round(workers):
    """How long a round is, in mean computing times."""
    rounds = min(100_000, 1_600_000 // workers)  # many workers are asked for only by who mistakes their number
    times = np.random.default_rng(0).exponential(size=(rounds, workers))
    return times.max(axis=1).mean() / times.mean()


part(
    5,
    "waiting",
    measured_waiting,
    [(2,), (4,), (16,)],
    tolerance=0.01,
    mistakes={
        "This is the share of its time that a worker computes.": lambda workers: 1 - measured_waiting(workers),
        "This is the length of a round. Which part of it is waiting?": (
            lambda workers: 1 / (1 - measured_waiting(workers))
        ),
        "This is the time that a worker waits in a round. How long is the round?": (
            lambda workers: 1 / (1 - measured_waiting(workers)) - 1
        ),
        "Here only the slowest worker would work. But the others come back one by one, some only a little earlier.": (
            lambda workers: 1 - 1 / workers
        ),
    },
)


# ---- server_path


def measured_path(read, start, lr):
    """Gradient descent on x^2 / 2 with the gradients of these versions."""
    versions = [start]
    for version in read:
        versions.append(versions[-1] - lr * versions[version])
    return np.array(versions[1:])


def in_hand(order):
    """The version of each update's gradient."""
    return np.arange(len(order)) - tasks.staleness(order)


part(
    5,
    "server_path",
    lambda order, start, lr: measured_path(in_hand(order), start, lr),
    [([0, 1, 0, 1, 0, 1], 1.0, 0.5), ([0, 1, 2, 0, 0, 1, 2, 1, 2], -2.0, 0.2)],
    mistakes={
        "No gradient is ever late: this is plain gradient descent. What does a worker hold in its hand while the "
        "server changes x?": (lambda order, start, lr: measured_path(np.arange(len(order)), start, lr)),
        "Late gradients are late now, and here is the second bug: they are later than they should be. Does a "
        "worker read before or after its own update?": (
            lambda order, start, lr: measured_path(np.maximum(in_hand(order) - 1, 0), start, lr)
        ),
        "Your workers never read again. What should a worker do when its gradient has been used?": (
            lambda order, start, lr: measured_path(np.zeros(len(order), int), start, lr)
        ),
    },
)
