"""Many training runs: every combination of hyperparameters with every seed."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from course_utils import descent


@dataclass
class Sweep:
    """What the runs left behind. The first axis counts settings, the second seeds; a run that diverged is NaN."""

    rule: str
    settings: list  # of dicts, the product of the grid, its last name running fastest
    seeds: list
    accuracy: np.ndarray  # test accuracy in [0, 1], shape (settings, seeds, epochs)
    losses: np.ndarray  # of each step's batch, before the step, shape (settings, seeds, steps)


def sweep(rule, network, data, grid, *, seeds, epochs, batch_size=128, schedule=None, file=None):
    """Train with every combination in ``grid`` (name -> values) and every seed; return a :class:`Sweep`."""
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    seeds = list(seeds)
    steps = -(-len(data.train_labels) // batch_size)
    accuracy = np.full((len(settings), len(seeds), epochs), np.nan)
    losses = np.full((len(settings), len(seeds), epochs * steps), np.nan)
    for i, hyper in enumerate(settings):
        for j, seed in enumerate(seeds):
            try:
                run = descent.train(
                    rule, network, data, epochs=epochs, batch_size=batch_size, seed=seed, schedule=schedule, **hyper
                )
            except descent.Diverged as stop:
                run = stop.so_far
            accuracy[i, j, : len(run.test_accuracy)] = run.test_accuracy
            losses[i, j, : len(run.losses)] = run.losses
    return Sweep(rule.__name__, settings, seeds, accuracy, losses)
