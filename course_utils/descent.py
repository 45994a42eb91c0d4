"""The one training loop of the course, and what it runs on.

:func:`iterate` is the loop. :func:`descend` runs it on any gradient and keeps the path; :func:`train` runs it on
minibatches of MNIST and keeps losses, accuracies and seconds. Neither knows which rule it runs.
"""

import os
import time
from dataclasses import dataclass, field
from itertools import islice, repeat

import numpy as np
import torch
from tqdm.auto import tqdm

from course_utils import fast, schedules
from course_utils.rules import hyperparameters, initial_state


def device():
    """The device to compute on: CUDA, else MPS (Apple), else the CPU; the variable COURSE_DEVICE overrides.

    Raises ``ValueError`` when COURSE_DEVICE names no device of this machine.
    """
    wanted = os.environ.get("COURSE_DEVICE")
    if wanted:
        try:
            torch.empty(1, device=wanted)
            return torch.device(wanted)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"COURSE_DEVICE={wanted!r} cannot be used here ({reason}); try COURSE_DEVICE=cpu"
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe(device):
    """What ``device`` is, in words: the GPU's name, or the number of CPU threads that torch uses."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type.upper()


class Diverged(ArithmeticError):
    """A run left the finite numbers. ``step`` is the first bad step (from 1), ``so_far`` what the run had produced."""

    def __init__(self, rule, step, steps, hyper, so_far):
        settings = ", ".join(f"{name}={value}" for name, value in hyper.items())
        super().__init__(
            f"{rule.__name__}({settings}) diverged: step {step} of {steps} met a value that is not finite. "
            f"Try a smaller lr, say a tenth; if only the first steps are too much, a warm-up schedule helps."
        )
        self.step = step
        self.so_far = so_far


def apply(rule, x, g, state, **hyper):
    """One step: the parameters and the rule's state after it."""
    update, state = rule(g, state, **hyper)
    return x + update, state


def iterate(rule, gradient, x, batches, *, schedule=None, apply=apply, **hyper):
    """The loop: yields the parameters after every step, one step for each of ``batches``.

    rule: an update rule. gradient: called as ``gradient(x, *batch)``. x: where to start. batches: what each step
    hands to the gradient beside x, a tuple. schedule: step (from 0) -> factor for ``lr``. apply: :func:`apply` or one
    of its faster twins in :mod:`course_utils.fast`. hyper: the rule's hyperparameters, checked by
    :func:`course_utils.rules.hyperparameters`.
    """
    hyper = hyperparameters(rule, **hyper)
    lr = hyper.pop("lr")
    schedule = schedule or schedules.constant()
    state = initial_state(rule)
    for step, batch in enumerate(batches):
        x, state = apply(rule, x, gradient(x, *batch), state, lr=lr * schedule(step), **hyper)
        yield x


def descend(rule, gradient, start, steps, *, schedule=None, **hyper):
    """Run ``rule`` for ``steps`` steps; return the path, an array or tensor of shape ``(steps + 1, *start.shape)``.

    gradient: point -> gradient. start: numbers, or an array or tensor of floats; numbers become float64.
    A hyperparameter may be an array that broadcasts against the start, such as ``lr`` of shape (8, 1) for a start
    of shape (2,): then the path has shape (steps + 1, 8, 2), eight runs at once.
    Raises ``ValueError`` for integer parameters, a start that is not finite or a wrong hyperparameter, and
    :class:`Diverged` (with the path so far) once no run is finite any more.
    """
    if not hasattr(start, "dtype"):
        start = np.array(start, dtype=float)
    is_tensor = isinstance(start, torch.Tensor)
    library = torch if is_tensor else np
    if not (start.is_floating_point() if is_tensor else np.issubdtype(start.dtype, np.floating)):
        raise ValueError(
            f"start holds integer parameters ({start.dtype}): a step would be rounded away. Use floats, 1.0 and not 1"
        )
    if not library.isfinite(start).all():
        raise ValueError(f"start must be finite, not {start}")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"steps must be a whole number, 0 or more, not {steps!r}")

    path = [start]
    with np.errstate(over="ignore", invalid="ignore"):  # overflow is what Diverged reports
        for x in iterate(rule, gradient, start, repeat((), steps), schedule=schedule, **hyper):
            path.append(x)
            is_finite = library.isfinite(x)
            # the last axis holds one run's coordinates, the axes before it count runs
            if not (is_finite.all(-1).any() if x.ndim else is_finite):
                raise Diverged(rule, len(path) - 1, steps, hyperparameters(rule, **hyper), _stack(path))
    return _stack(path)


def _stack(path):
    """One array from a list of points; the start is repeated where there are several runs."""
    library = torch if isinstance(path[0], torch.Tensor) else np
    path[0] = library.broadcast_to(path[0], path[-1].shape)
    return library.stack(path)


@dataclass
class History:
    """What one training run left behind. Entry e of the per-epoch lists belongs to epoch e + 1."""

    rule: str
    hyper: dict
    batch_size: int
    losses: np.ndarray = field(
        default_factory=lambda: np.empty(0)
    )  # training loss of each step's batch, before the step
    test_accuracy: list = field(default_factory=list)  # after each epoch, in [0, 1]
    seconds: list = field(default_factory=list)  # spent on each epoch's steps, evaluation not counted
    parameters: torch.Tensor | None = None  # after the last epoch, shape (n,)


def train(rule, network, data, *, epochs, batch_size=128, seed=0, schedule=None, start=None, **hyper):
    """Train ``network`` on ``data`` with ``rule``; return a :class:`History`.

    data: :func:`course_utils.data.mnist`, on the device to use. epochs: passes over the training images.
    batch_size: examples a step, or None for all of them at once. seed: of the start and of the order of the examples.
    start: parameters of shape (network.n,), instead of the seed's. A progress bar appears when the run takes more
    than two seconds. Raises ``ValueError`` for bad settings, and :class:`Diverged` after the epoch in which the loss
    or the parameters stopped being finite, with the :class:`History` of the epochs before.
    """
    batch_size = check_counts(epochs, batch_size, len(data.train_labels))
    images, labels = data.train_images, data.train_labels
    x = network.initial(seed, device=images.device, dtype=images.dtype) if start is None else start.clone()
    history = History(rule.__name__, hyperparameters(rule, **hyper), batch_size)
    steps = steps_per_epoch(data, batch_size)
    losses = torch.empty(steps, dtype=images.dtype, device=images.device)
    latest_loss = torch.empty((), dtype=images.dtype, device=images.device)

    def gradient(x, batch=None):
        chosen = (images, labels) if batch is None else (images.index_select(0, batch), labels.index_select(0, batch))
        loss, g = network.loss_and_gradient(x, *chosen)
        latest_loss.copy_(loss)  # in place: a step recorded on a GPU writes where it wrote when it was recorded
        return g

    batches = shuffled(labels, batch_size, epochs, seed)
    if images.is_cuda:
        run = fast.replayed(rule, gradient, x, batches, schedule=schedule, **hyper)
    else:
        twin = fast.twin(rule, images.device, work=epochs * steps * network.n)
        run = iterate(rule, gradient, x, batches, schedule=schedule, apply=twin, **hyper)
    with progress(total=epochs * steps, desc=rule.__name__, unit="step") as bar:
        for _ in range(epochs):
            began = time.perf_counter()
            for step, x in enumerate(islice(run, steps)):  # noqa: B007, the last x is the epoch's result
                losses[step] = latest_loss
                bar.update()
            epoch_losses = losses.cpu().double().numpy()  # waits for the device
            seconds = time.perf_counter() - began
            bad = np.flatnonzero(~np.isfinite(epoch_losses))
            if len(bad) or not x.isfinite().all():  # a loss shows the steps before it, x shows the last one too
                step = len(history.losses) + (int(bad[0]) + 1 if len(bad) else steps)
                raise Diverged(rule, step, epochs * steps, history.hyper, history)
            history.losses = np.concatenate([history.losses, epoch_losses])
            history.test_accuracy.append(float(network.accuracy(x, data.test_images, data.test_labels)))
            history.seconds.append(seconds)
            history.parameters = x.clone()  # the faster twins of the loop change x in place
            # refresh would draw the bar at once, before its two seconds are over
            bar.set_postfix(
                loss=f"{epoch_losses.mean():.3f}", accuracy=f"{history.test_accuracy[-1]:.2%}", refresh=False
            )
    return history


def progress(**about):
    """A progress bar that appears after two seconds and is wiped at the end; none where TQDM_DISABLE is set."""
    # tqdm's bar for notebooks does not read that variable itself
    return tqdm(**about, delay=2, leave=False, disable=bool(os.environ.get("TQDM_DISABLE")))


def check_counts(epochs, batch_size, examples):
    """The batch size as a number, where None means all examples; ``ValueError`` unless both are whole and positive."""
    batch_size = examples if batch_size is None else batch_size
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be a whole number, at least 1, not {value!r}")
    return batch_size


def steps_per_epoch(data, batch_size):
    """How many batches the training images make: rounded up, for the last one may be smaller."""
    return -(-len(data.train_labels) // batch_size)


def shuffled(labels, batch_size, epochs, seed):
    """Yields the indices of one batch after the other, each in a tuple, every epoch in a fresh random order."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        if batch_size >= len(labels):
            yield ()  # all examples, and no copy of them
        else:
            order = torch.randperm(len(labels), generator=generator).to(labels.device)
            yield from ((batch,) for batch in order.split(batch_size))
