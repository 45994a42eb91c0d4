"""Many training runs: every combination of settings with every seed, on all cores, a GPU or a cluster.

A sweep is what makes a fair comparison affordable. On a CPU its runs go to all cores, one thread each; on a GPU many
advance together as one batched program. Either way a run gives what :func:`course_utils.descent.train` gives.
"""

import json
import os
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from inspect import isfunction
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch.func import vmap

from course_utils import cores, descent, fast
from course_utils.rules import hyperparameters

# what a setting may name beside the rule's hyperparameters: arguments of train
ARGUMENTS = ("rule", "network", "data", "epochs", "batch_size", "schedule", "start", "until")


@dataclass
class Sweep:
    """What the runs left behind. The first axis counts settings, the second seeds.

    A run that diverged is NaN from the epoch on in which it did; one that has not been run yet is NaN altogether, and
    so is the end of one that is shorter than the longest.
    """

    rule: str
    settings: list  # of dicts: the product of the grid, its last name running fastest; or the grid's own list
    seeds: list
    accuracy: np.ndarray  # test accuracy after each epoch, in [0, 1], shape (settings, seeds, epochs)
    losses: np.ndarray  # training loss of each step's batch, before the step, shape (settings, seeds, steps)
    done: np.ndarray  # bool, shape (settings, seeds): False only where the sweep was interrupted
    runs: list  # runs[i][j]: the History of setting i and seed j, as train returns it; None where it is not done


@dataclass(frozen=True)
class Job:
    """What all runs of a sweep have in common. Called with runs, it gives their Histories; an *engine* decides where.

    An engine is a function ``engine(job, chunks)``. A chunk is a list of runs, each a pair ``(setting, seed)``. It
    yields ``(number, job(chunks[number]))`` for every chunk, in the order in which they finish. A job is safe to pickle
    with cloudpickle, and a run gives the same numbers bit for bit wherever it runs on a CPU of one kind.
    """

    common: dict  # arguments of train, which a setting may replace
    keeps: bool  # the last parameters of every run

    def __call__(self, runs):
        """The :class:`course_utils.descent.History` of each of ``runs``; of one that diverged, the epochs before."""
        with fast.one_thread():  # with more, sums would be added up in another order
            try:
                return [self._one(*runs[0])] if len(runs) == 1 else self._many(runs)
            except torch.OutOfMemoryError:  # on a GPU: so many do not fit together
                if len(runs) == 1:
                    raise
        middle = len(runs) // 2
        return self(runs[:middle]) + self(runs[middle:])

    def _one(self, setting, seed):
        try:
            history = descent.train(**(self.common | setting), seed=seed)
        except descent.Diverged as stop:
            history = stop.so_far
        return history if self.keeps else _without_parameters(history)

    def _many(self, runs):
        """All ``runs`` together: their parameters are the rows of one matrix.

        The rule sees that matrix as its x and columns of hyperparameters, which broadcast; nothing in it changes.
        """
        rule, network, data, epochs, batch_size, schedule, *_ = (self.common[name] for name in ARGUMENTS)
        images, labels = data.train_images, data.train_labels
        batch_size = batch_size or len(labels)
        x = torch.stack([network.initial(seed, device=images.device, dtype=images.dtype) for _, seed in runs])
        hyper = {}
        for name in runs[0][0]:
            values = [setting[name] for setting, _ in runs]
            column = torch.tensor(values, dtype=images.dtype, device=images.device)[:, None]
            hyper[name] = column if len(set(values)) > 1 else values[0]
        steps = descent.steps_per_epoch(data, batch_size)
        losses = torch.empty(epochs, len(runs), steps, dtype=images.dtype, device=images.device)
        accuracy = torch.full((epochs, len(runs)), torch.nan, device=images.device)
        orders = [descent.shuffled(labels, batch_size, epochs, seed) for _, seed in runs]
        batches = (
            tuple(torch.stack(parts) for parts in zip(*batch, strict=True)) for batch in zip(*orders, strict=True)
        )
        all_at_once = batch_size >= len(labels)  # then every run has the same images
        in_rows = vmap(network.loss_and_gradient, in_dims=(0, None, None) if all_at_once else 0)
        path = descent.losing(rule, in_rows, data, x, batches, epochs * steps, schedule=schedule, **hyper)
        finite = torch.empty(epochs, len(runs), dtype=torch.bool, device=images.device)
        for epoch in range(epochs):
            for step in range(steps):
                x, losses[epoch, :, step] = next(path)
            for run, parameters in enumerate(x):
                accuracy[epoch, run] = network.accuracy(parameters, data.test_images, data.test_labels)
            finite[epoch] = losses[epoch].isfinite().all(1) & x.isfinite().all(1)
        losses, accuracy, finite = (part.cpu().numpy() for part in (losses.double(), accuracy.double(), finite))
        histories = []
        for run, (setting, _) in enumerate(runs):
            # as train counts it: a run has diverged in the epoch that left the finite numbers, and stays diverged
            whole = int(np.append(finite[:, run], False).argmin())
            history = descent.History(rule.__name__, hyperparameters(rule, **setting), batch_size)
            history.losses, history.test_accuracy = losses[:whole, run].ravel(), list(accuracy[:whole, run])
            if whole < epochs:
                bad = np.flatnonzero(~np.isfinite(losses[whole, run]))
                history.diverged = whole * steps + (int(bad[0]) + 1 if len(bad) else steps)
            elif self.keeps:
                history.parameters = x[run].clone()
            histories.append(history)
        return histories


def _without_parameters(history):
    history.parameters = None
    return history


def in_turn(job, chunks):
    """The simplest engine: one chunk after the other, in this process."""
    for number, runs in enumerate(chunks):
        yield number, job(runs)


def on_cores(job, chunks):
    """Every chunk on a core that is free: :mod:`course_utils.cores`. Short sweeps, and those on a GPU, run in turn."""
    wholes = [job.common | setting for runs in chunks for setting, _ in runs]
    if any(whole["data"].train_images.device.type != "cpu" for whole in wholes):
        yield from in_turn(job, chunks)
    else:
        yield from cores.each(job, [(runs,) for runs in chunks], seconds=sum(map(_seconds, wholes)))


def on_ray(job, chunks):
    """Every chunk wherever a core of a cluster is free: :func:`course_utils.cluster.on_ray`, imported when needed."""
    from course_utils import cluster

    yield from cluster.on_ray(job, chunks)


ENGINES = {"one": in_turn, "cores": on_cores, "ray": on_ray}
TOGETHER = 16  # runs that advance at once on a GPU: what is done after an interrupt comes in portions of so many


def sweep(
    rule,
    network,
    data,
    grid,
    *,
    seeds,
    epochs,
    batch_size=128,
    schedule=None,
    start=None,
    until=None,
    parameters=False,
    file=None,
    together=None,
    engine=None,
):
    """Train ``network`` with every setting in ``grid`` and every seed, on all cores; return a :class:`Sweep`.

    grid: name of a hyperparameter -> the values it takes, such as ``{"lr": [0.01, 0.1]}``; or a list of settings, each
    a dict, such as ``[{"lr": 0.1}, {"lr": 0.01, "beta": 0.5}]``. A setting may also name what else
    :func:`course_utils.descent.train` takes, and replaces it for its runs: ``rule``, ``network``, ``data``,
    ``epochs``, ``batch_size``, ``schedule``, ``start``, ``until``; the argument of that name may then be None. seeds:
    whole numbers. epochs, batch_size, schedule, start, until, data: as ``train`` takes them.
    parameters: True keeps the last parameters of every run, in its History. file: where to keep what is done; the same
    sweep, given the same file, goes on from there. engine: who does the runs, a name in ``ENGINES`` or a function like
    those (see :class:`Job`); by default the one that the variable COURSE_ENGINE names, else "cores". together: how
    many runs advance at once as one batched program; by default 16 on a GPU, elsewhere 1.

    Runs that diverge do not stop the others. Interrupted (the stop button, Ctrl-C), it warns and returns what is done;
    when its file cannot be written, it warns and goes on. A rule that notes something down does so in its own process:
    what is to be seen afterwards must be in a History. Raises ``ValueError`` for bad settings, and for a file that
    holds another sweep.
    """
    common = dict(zip(ARGUMENTS, (rule, network, data, epochs, batch_size, schedule, start, until), strict=True))
    settings = _settings(common, grid)
    seeds = [int(seed) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: give at least one, such as seeds=range(3)")
    engine = engine or os.environ.get("COURSE_ENGINE") or "cores"
    if not callable(engine) and engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, ENGINES))}, or a function, not {engine!r}")
    run = engine if callable(engine) else ENGINES[engine]

    if parameters and file is not None:
        raise ValueError("a file keeps accuracies and losses, but no parameters: leave out file or parameters")

    what, runs = None, [[None] * len(seeds) for _ in settings]
    if file is not None:
        file, what = Path(file), {"runs": [_described(common | setting) for setting in settings], "seeds": seeds}
        _load(file, runs, what, [common | setting for setting in settings])
    to_do = [(i, j) for i in range(len(settings)) for j in range(len(seeds)) if runs[i][j] is None]
    # the longest first: then nobody waits for a long one at the end
    to_do.sort(key=lambda place: -_seconds(common | settings[place[0]]))
    together = together or _together(common, settings)
    places = [to_do[begin : begin + together] for begin in range(0, len(to_do), together)]
    chunks = [[(settings[i], seeds[j]) for i, j in place] for place in places]
    name = common["rule"].__name__ if rule else "sweep"
    try:
        with descent.progress(total=len(to_do), desc=f"{name}: runs", unit="run") as bar:
            for number, histories in run(Job(common, parameters), chunks):
                for (i, j), history in zip(places[number], histories, strict=True):
                    runs[i][j] = history
                if file is not None:
                    _save(file, runs, what)
                bar.update(len(chunks[number]))
    except KeyboardInterrupt:
        kept = f"{file} keeps them: the same call goes on from there" if file else "give it a file to go on from later"
        warnings.warn(f"interrupted: {_done(runs)} runs are done; {kept}", stacklevel=2)
    return _result(name, settings, seeds, common, runs)


def _settings(common, grid):
    """The grid's settings, each checked."""
    if not len(grid):
        raise ValueError('grid is empty: name a hyperparameter and its values, such as {"lr": [0.01, 0.1]}')
    if isinstance(grid, dict):
        for name, values in grid.items():
            if isinstance(values, str) or not hasattr(values, "__len__") or len(values) == 0:
                raise ValueError(f"grid[{name!r}] must be a list with at least one value, not {values!r}")
        grid = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    settings = []
    for setting in grid:
        if not isinstance(setting, dict):
            raise ValueError(f"grid must be a dict of lists, or a list of dicts, not a list with {setting!r}")
        whole = common | setting
        for name in ("rule", "network", "data"):
            if whole[name] is None:
                raise ValueError(f"{name} is None, so every setting must name its own; {setting} does not")
        descent.check_counts(whole["epochs"], whole["batch_size"], len(whole["data"].train_labels))
        hyper = {name: value for name, value in setting.items() if name not in ARGUMENTS}
        hyperparameters(whole["rule"], **hyper)
        settings.append(setting | {name: float(value) for name, value in hyper.items()})
    return settings


def _seconds(whole):
    """About how long a run takes one core; ``whole``: its arguments of train."""
    data = whole["data"]
    examples = len(data.train_labels) + len(data.test_labels) / 3  # these go through the network forward only
    # measured on a core that does 1e11 operations a second; a step costs 0.2 ms besides
    return whole["epochs"] * (
        6e-11 * examples * whole["network"].n + 2e-4 * descent.steps_per_epoch(data, whole["batch_size"])
    )


def _together(common, settings):
    """How many runs are to advance at once: on a GPU many, if they differ in hyperparameters alone."""
    if common["data"] is None or not common["data"].train_images.is_cuda:
        return 1
    if common["start"] is not None or common["until"] is not None:
        return 1  # measured on a CPU with one thread: a batched step is slower for every network of the course
    alike = all(set(setting) == set(settings[0]) and not set(setting) & set(ARGUMENTS) for setting in settings)
    return TOGETHER if alike else 1


def _done(runs):
    row = [history is not None for row in runs for history in row]
    return f"{sum(row)} of {len(row)}"


def _result(name, settings, seeds, common, runs):
    """The :class:`Sweep`, its arrays as long as the longest run."""
    wholes = [common | setting for setting in settings]
    shape = len(settings), len(seeds)
    lengths = [whole["epochs"] * descent.steps_per_epoch(whole["data"], whole["batch_size"]) for whole in wholes]
    accuracy = np.full((*shape, max(whole["epochs"] for whole in wholes)), np.nan)
    losses = np.full((*shape, max(lengths)), np.nan)
    for place, history in _each(runs):
        accuracy[place][: len(history.test_accuracy)] = history.test_accuracy
        losses[place][: len(history.losses)] = history.losses
    done = np.array([[history is not None for history in row] for row in runs])
    return Sweep(name, settings, seeds, accuracy, losses, done, runs)


def _each(runs):
    """Place ``(i, j)`` and History of every run that is done."""
    return [((i, j), history) for i, row in enumerate(runs) for j, history in enumerate(row) if history is not None]


# ---- the file: an .npz with, of every run that is done, accuracy, losses, seconds, and the step at which it diverged


def _load(file, runs, what, wholes):
    """Fill ``runs`` with what ``file`` holds, if it is there."""
    if not file.exists():
        return
    try:
        with np.load(file) as kept:
            same = json.loads(str(kept["what"])) == json.loads(json.dumps(what))
            places = [tuple(place) for place in kept["places"].tolist()]
            parts = [
                [kept[f"{name} {i} {j}"] for name in ("accuracy", "losses", "seconds", "diverged")] for i, j in places
            ]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file} is not a sweep's file, or damaged ({error}); delete it, or name another") from None
    if not same:
        raise ValueError(f"{file} holds another sweep (rule, network, data, grid, seeds ... differ); name another file")
    for (i, j), (accuracy, losses, seconds, diverged) in zip(places, parts, strict=True):
        whole = wholes[i]
        hyper = {name: value for name, value in whole.items() if name not in ARGUMENTS}
        batch_size = whole["batch_size"] or len(whole["data"].train_labels)
        runs[i][j] = descent.History(
            whole["rule"].__name__,
            hyperparameters(whole["rule"], **hyper),
            batch_size,
            losses,
            accuracy.tolist(),
            seconds.tolist(),
            diverged=int(diverged) or None,
        )


def _save(file, runs, what):
    """Write the file anew and put it in the old one's place, so that there is never half a file."""
    parts = {}
    for (i, j), history in _each(runs):
        parts |= {f"accuracy {i} {j}": history.test_accuracy, f"losses {i} {j}": history.losses}
        parts |= {f"seconds {i} {j}": history.seconds, f"diverged {i} {j}": history.diverged or 0}
    new = file.with_name(file.name + ".new")
    try:
        with new.open("wb") as stream:
            np.savez(stream, what=json.dumps(what), places=[place for place, _ in _each(runs)], **parts)
        new.replace(file)
    except OSError as error:
        new.unlink(missing_ok=True)
        warnings.warn(f"{file} cannot be written ({error}): it lacks the runs since; the sweep goes on", stacklevel=3)


def _described(whole):
    """A run's arguments of train as text, to tell whether a file holds the same sweep."""
    data, network, schedule = whole["data"], whole["network"], whole["schedule"]
    factors = (
        [
            schedule(step)
            for step in range(whole["epochs"] * descent.steps_per_epoch(whole["data"], whole["batch_size"]))
        ]
        if schedule
        else None
    )
    described = {"rule": _code(whole["rule"]), "network": [repr(network), _code(type(network))], "schedule": factors}
    described["data"] = [_checksum(part) for part in data]
    described["start"] = None if whole["start"] is None else _checksum(whole["start"])
    if whole["until"] is None:  # as in the files of before there was such a thing
        whole = {name: value for name, value in whole.items() if name != "until"}
    return whole | described


@cache
def _checksum(tensor):
    array = tensor.detach().cpu().contiguous().numpy()
    return [str(array.dtype), array.shape, zlib.crc32(array)]


def _code(thing):
    """What tells a rule or a class from another of its name: its code, its numbers, and what it encloses."""
    if isinstance(thing, type):
        return [thing.__qualname__, *(_code(part) for part in vars(thing).values() if isfunction(part))]
    if not isfunction(thing):
        return repr(thing)
    numbers = [value for value in thing.__code__.co_consts if isinstance(value, (int, float, str))]
    inside = [cell.cell_contents for cell in thing.__closure__ or ()]
    # super() encloses the class itself, which would lead back here
    closed = [part.__qualname__ if isinstance(part, type) else _code(part) for part in inside]
    return [
        thing.__qualname__,
        zlib.crc32(thing.__code__.co_code),
        thing.__code__.co_names,
        numbers,
        repr((thing.__defaults__, thing.__kwdefaults__)),
        closed,
    ]
