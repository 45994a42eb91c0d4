"""Asynchronous SGD, simulated: workers that update as they return, so gradients arrive late.

Every worker reads the parameters, computes a gradient for a random time and hands it in at once; meanwhile the others
have moved the parameters on. A *version* is the state of the parameters after that many updates. The simulation is
deterministic: a seed fixes who returns when. The updates themselves run through the course's one loop.
"""

import heapq

import numpy as np


def versions_read(workers, steps, seed=0):
    """For each update, the version of the parameters at which its gradient was computed: int array of shape (steps,).

    Entry k is at most k; the difference is the update's staleness. Every worker's computing times are independent and
    exponential with mean 1, the model of Mitliagkas et al. (2016): then the next worker to return is any of the
    ``workers`` with equal chance. Raises ``ValueError`` for fewer than 1 worker or a negative number of steps.
    """
    for name, value, least in (("workers", workers, 1), ("steps", steps, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number, at least {least}, not {value!r}")
    rng = np.random.default_rng(seed)
    # (time of return, worker, version it reads): all start together, from version 0
    returns = [(rng.exponential(), worker, 0) for worker in range(workers)]
    heapq.heapify(returns)
    read = np.empty(steps, dtype=int)
    for step in range(steps):
        now, worker, read[step] = returns[0]
        # its update makes version step + 1, which it reads before it starts again
        heapq.heapreplace(returns, (now + rng.exponential(), worker, step + 1))
    return read


def delayed(function, read):
    """``function(x, *batch)`` as a late worker answers it: at call k, with the x of call ``read[k]``.

    Hand the result to :func:`course_utils.descent.descend` or to the loop in place of the gradient, for as many steps
    as ``read`` has. Versions that nobody will read again are forgotten. Raises ``ValueError`` for a read of the future.
    """
    read = np.asarray(read)
    if (read > np.arange(len(read))).any() or (read < 0).any():
        raise ValueError("read[k] must lie between 0 and k: a worker cannot have read a version that is not there yet")
    last_call = {int(version): call for call, version in enumerate(read)}  # that reads this version
    versions = {}
    calls = 0

    def answer(x, *batch):
        nonlocal calls
        if calls == len(read):
            raise ValueError(f"read covers {len(read)} steps and this is one more: simulate more steps")
        if calls in last_call:
            versions[calls] = x
        version = int(read[calls])
        result = function(versions[version], *batch)
        if last_call[version] == calls:
            del versions[version]
        calls += 1
        return result

    return answer
