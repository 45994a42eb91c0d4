"""Many training runs: every combination of hyperparameters with every seed.

A sweep is what makes a fair comparison affordable. On a GPU many runs advance together as one batched program; so do
small networks on a CPU, where large ones are faster one after the other. Either way a run gives what
:func:`course_utils.descent.train` gives.
"""

import json
import os
import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch.func import vmap

from course_utils import descent, fast
from course_utils.rules import hyperparameters


@dataclass
class Sweep:
    """What the runs left behind. The first axis counts settings, the second seeds.

    A run that diverged is NaN from the epoch on in which it did; one that has not been run yet is NaN altogether.
    """

    rule: str
    settings: list  # of dicts: the product of the grid, its last name running fastest
    seeds: list
    accuracy: np.ndarray  # test accuracy after each epoch, in [0, 1], shape (settings, seeds, epochs)
    losses: np.ndarray  # training loss of each step's batch, before the step, shape (settings, seeds, steps)
    done: np.ndarray  # bool, shape (settings, seeds): False only where the sweep was interrupted


@dataclass(frozen=True)
class Job:
    """What all runs of a sweep have in common. Called with runs, it runs them; an *engine* decides where.

    An engine is a function ``engine(job, chunks)``. A chunk is a list of runs, each a pair ``(setting, seed)``. It
    yields
    ``(number, job(chunks[number]))`` for every chunk, in the order in which they finish. A job is safe to pickle with
    cloudpickle, and a run gives the same numbers bit for bit wherever it runs on a CPU of one kind, alone or not.
    """

    rule: object
    network: object
    data: object
    epochs: int
    batch_size: int
    schedule: object = None

    def __call__(self, runs):
        """Test accuracy, shape (runs, epochs), and losses, shape (runs, steps), of ``runs``; NaN from divergence on."""
        with fast.one_thread():  # with more, sums would be added up in another order
            return _one(self, *runs[0]) if len(runs) == 1 else _many(self, runs)


def in_turn(job, chunks):
    """The simplest engine: one chunk after the other, in this process."""
    for number, runs in enumerate(chunks):
        yield number, job(runs)


def on_ray(job, chunks):
    """Every chunk wherever a core of a cluster is free: :func:`course_utils.cluster.on_ray`, imported when needed."""
    from course_utils import cluster

    yield from cluster.on_ray(job, chunks)


ENGINES = {"one": in_turn, "ray": on_ray}


def sweep(
    rule, network, data, grid, *, seeds, epochs, batch_size=128, schedule=None, file=None, together=None, engine=None
):
    """Train ``network`` with every combination in ``grid`` and every seed; return a :class:`Sweep`.

    grid: name of a hyperparameter -> the values it takes, such as ``{"lr": [0.01, 0.1]}``. seeds: whole numbers.
    epochs, batch_size, schedule, data: as :func:`course_utils.descent.train` takes them. file: where to keep what is
    done; the same sweep, given the same file, goes on from there. together: how many runs advance at once; by default
    as many as fit into a GPU's free memory, on a CPU 1. engine: who does the runs, a name in ``ENGINES`` or a function
    like those (see :class:`Job`); by default the one that the variable COURSE_ENGINE names, else "one".

    Runs that diverge do not stop the others. Interrupted (the stop button, Ctrl-C), it warns and returns what is done.
    Raises ``ValueError`` for bad settings, and for a file that holds another sweep.
    """
    settings = _settings(rule, grid)
    seeds = [int(seed) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: give at least one, such as seeds=range(3)")
    engine = engine or os.environ.get("COURSE_ENGINE") or "one"
    if not callable(engine) and engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, ENGINES))}, or a function, not {engine!r}")
    batch_size = descent.check_counts(epochs, batch_size, len(data.train_labels))
    steps = epochs * descent.steps_per_epoch(data, batch_size)
    shape = (len(settings), len(seeds))
    result = Sweep(
        rule.__name__,
        settings,
        seeds,
        np.full((*shape, epochs), np.nan),
        np.full((*shape, steps), np.nan),
        np.zeros(shape, dtype=bool),
    )
    what = {
        "rule": rule.__name__,
        "settings": settings,
        "seeds": seeds,
        "epochs": epochs,
        "batch_size": batch_size,
        "network": repr(network),
        "images": len(data.train_labels),
        "schedule": [schedule(step) for step in range(steps)] if schedule else None,
    }
    if file is not None:
        _load(Path(file), result, what)

    job = Job(rule, network, data, epochs, batch_size, schedule)
    to_do = np.argwhere(~result.done)
    together = together or _fitting(network, data, batch_size)
    places = [to_do[begin : begin + together] for begin in range(0, len(to_do), together)]
    chunks = [[(settings[i], seeds[j]) for i, j in place] for place in places]
    run = engine if callable(engine) else ENGINES[engine]
    try:
        with descent.progress(total=len(to_do), desc=f"{rule.__name__}: runs", unit="run") as bar:
            for number, (accuracy, losses) in run(job, chunks):
                at = tuple(places[number].T)
                result.accuracy[at], result.losses[at], result.done[at] = accuracy, losses, True
                if file is not None:
                    _save(Path(file), result, what)
                bar.update(len(chunks[number]))
    except KeyboardInterrupt:
        kept = f"{file} keeps them: the same call goes on from there" if file else "give it a file to go on from later"
        warnings.warn(f"interrupted: {result.done.sum()} of {result.done.size} runs are done; {kept}", stacklevel=2)
    return result


def _settings(rule, grid):
    """The grid's combinations, each checked."""
    if not grid:
        raise ValueError('grid is empty: name a hyperparameter and its values, such as {"lr": [0.01, 0.1]}')
    for name, values in grid.items():
        if np.ndim(values) != 1 or len(values) == 0:
            raise ValueError(f"grid[{name!r}] must be a list with at least one value, not {values!r}")
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    for setting in settings:
        hyperparameters(rule, **setting)
    return [{name: float(value) for name, value in setting.items()} for setting in settings]


def _one(job, setting, seed):
    """Accuracy, shape (1, epochs), and losses, shape (1, steps), of one run, by :func:`course_utils.descent.train`."""
    common = dict(epochs=job.epochs, batch_size=job.batch_size, schedule=job.schedule)
    try:
        history = descent.train(job.rule, job.network, job.data, seed=seed, **common, **setting)
    except descent.Diverged as stop:
        history = stop.so_far
    steps = descent.steps_per_epoch(job.data, job.batch_size)
    missing = job.epochs - len(history.test_accuracy)
    accuracy = np.concatenate([history.test_accuracy, np.full(missing, np.nan)])
    return accuracy[None], np.concatenate([history.losses, np.full(missing * steps, np.nan)])[None]


def _many(job, runs):
    """Accuracy, shape (runs, epochs), and losses, shape (runs, steps), of all ``runs`` together.

    Their parameters are the rows of one matrix.

    The rule sees that matrix as its x and columns of hyperparameters, which broadcast; nothing in it changes.
    """
    network, data = job.network, job.data
    images, labels = data.train_images, data.train_labels
    x = torch.stack([network.initial(seed, device=images.device, dtype=images.dtype) for _, seed in runs])
    hyper = {}
    for name in runs[0][0]:
        values = [setting[name] for setting, _ in runs]
        column = torch.tensor(values, dtype=images.dtype, device=images.device)[:, None]
        hyper[name] = column if len(set(values)) > 1 else values[0]
    steps = descent.steps_per_epoch(data, job.batch_size)
    losses = torch.empty(job.epochs, len(runs), steps, dtype=images.dtype, device=images.device)
    accuracy = torch.full((job.epochs, len(runs)), torch.nan, device=images.device)
    orders = [descent.shuffled(labels, job.batch_size, job.epochs, seed) for _, seed in runs]
    batches = (tuple(torch.stack(parts) for parts in zip(*batch, strict=True)) for batch in zip(*orders, strict=True))
    all_at_once = job.batch_size >= len(labels)  # then every run has the same images
    in_rows = vmap(network.loss_and_gradient, in_dims=(0, None, None) if all_at_once else 0)
    path = descent.losing(job.rule, in_rows, data, x, batches, job.epochs * steps, schedule=job.schedule, **hyper)
    for epoch in range(job.epochs):
        for step in range(steps):
            x, losses[epoch, :, step] = next(path)
        for run, parameters in enumerate(x):
            accuracy[epoch, run] = network.accuracy(parameters, data.test_images, data.test_labels)
        # as train counts it: a run has diverged in the epoch that left the finite numbers, and stays diverged
        finite = losses[: epoch + 1].isfinite().all(2).all(0) & x.isfinite().all(1)
        accuracy[epoch, ~finite] = torch.nan
        losses[epoch, ~finite] = torch.nan
    return accuracy.T.cpu().double().numpy(), losses.transpose(0, 1).flatten(1).cpu().double().numpy()


def _fitting(network, data, batch_size):
    """How many runs fit into the memory that is free on a GPU; elsewhere one."""
    images = data.train_images
    if not images.is_cuda:
        return 1  # measured with one thread: a batched step is slower for every network of the course
    free, _ = torch.cuda.mem_get_info(images.device)
    units = sum(network.sizes)
    # a run holds about twenty vectors at its fullest moment, and every unit's value a few times for each example
    numbers = 20 * network.n + 4 * units * min(batch_size, len(images))
    return max(1, int(0.7 * free / (numbers * images.element_size())))


def _load(file, result, what):
    """Fill ``result`` from ``file``, if there is one."""
    if not file.exists():
        return
    try:
        with np.load(file) as kept:
            same = json.loads(str(kept["what"])) == json.loads(json.dumps(what))
            arrays = [kept[name] for name in ("accuracy", "losses", "done")]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{file} is not a sweep's file ({error}); delete it, or name another file") from None
    if not same:
        raise ValueError(f"{file} holds another sweep (rule, grid, seeds or settings differ); name another file")
    result.accuracy[:], result.losses[:], result.done[:] = arrays


def _save(file, result, what):
    """Write the file anew and put it in the old one's place, so that there is never half a file."""
    new = file.with_name(file.name + ".new")
    with new.open("wb") as stream:
        np.savez(stream, what=json.dumps(what), accuracy=result.accuracy, losses=result.losses, done=result.done)
    new.replace(file)
