"""The one training loop of the course.

:func:`iterate` is the loop. :func:`descend` runs it on any gradient and keeps the path; :func:`train` runs it on
minibatches of MNIST and keeps losses, accuracies and seconds. Neither knows which rule it runs.
"""

import os
import textwrap
import time
from dataclasses import dataclass, field
from itertools import islice, repeat

import numpy as np
import torch
from tqdm.auto import tqdm

from course_utils import fast, schedules
from course_utils.device import describe, device  # noqa: F401, chapters ask for them here
from course_utils.rules import hyperparameters, initial_state


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

    def _render_traceback_(self):
        """What a notebook shows: the sentence, without a page of the course's own lines."""
        return textwrap.wrap(f"Diverged: {self}", 88)


def iterate(rule, gradient, x, batches, *, schedule=None, **hyper):
    """The loop: yields the parameters after every step, one step for each of ``batches``.

    rule: an update rule. gradient: called as ``gradient(x, *batch)``, returns an array or tensor of x's shape. x: where
    to start; it is not changed, and every step yields a new one. batches: what each step hands to the gradient beside
    x, a tuple. schedule: step (from 0) -> factor for ``lr``. hyper: the rule's hyperparameters.
    Raises ``ValueError`` as :func:`course_utils.rules.hyperparameters` does.
    """
    hyper = hyperparameters(rule, **hyper)
    lr = hyper.pop("lr")
    schedule = schedule or schedules.constant()
    state = initial_state(rule)
    for step, batch in enumerate(batches):
        update, state = rule(gradient(x, *batch), state, lr=lr * schedule(step), **hyper)
        x = x + update
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
    diverged: int | None = None  # the step, from 1, that met a value that is not finite; the rest is of epochs before


def train(rule, network, data, *, epochs, batch_size=128, seed=0, schedule=None, start=None, until=None, **hyper):
    """Train ``network`` on ``data`` with ``rule``; return a :class:`History`.

    data: :func:`course_utils.data.mnist`, on the device to use. epochs: passes over the training images.
    batch_size: examples a step, or None for all of them at once. seed: of the start and of the order of the examples.
    start: parameters of shape (network.n,), instead of the seed's. until: a pair (loss, window): stop after the epoch
    in which the mean of ``window`` successive losses is at most ``loss`` for the first time, and spare the rest; the
    steps before are the same. A progress bar appears when the run takes more than two seconds. Raises ``ValueError``
    for bad settings, and :class:`Diverged` when the loss or the parameters are no longer finite, with the
    :class:`History` of the epochs before: on a CPU at most ``LOOK_EVERY`` steps later, on a GPU at the
    end of the epoch.
    network: has ``initial(seed, device=, dtype=)``, ``loss_and_gradient(x, images, labels)``, ``accuracy(x, images,
    labels)`` and ``n``, as :class:`course_utils.network.Network` describes them.
    """
    batch_size = check_counts(epochs, batch_size, len(data.train_labels))
    with fast.threads_for(batch_size * network.n):
        return _train(rule, network, data, epochs, batch_size, seed, schedule, start, until, hyper)


def _train(rule, network, data, epochs, batch_size, seed, schedule, start, until, hyper):
    images, labels = data.train_images, data.train_labels
    x = network.initial(seed, device=images.device, dtype=images.dtype) if start is None else start.clone()
    history = History(rule.__name__, hyperparameters(rule, **hyper), batch_size)
    steps = steps_per_epoch(data, batch_size)
    losses = torch.empty(steps, dtype=images.dtype, device=images.device)
    batches = shuffled(labels, batch_size, epochs, seed)
    run = losing(rule, network.loss_and_gradient, data, x, batches, epochs * steps, schedule=schedule, **hyper)
    with progress(total=epochs * steps, desc=rule.__name__, unit="step") as bar:
        for _ in range(epochs):
            began = time.perf_counter()
            for step, (x, loss) in enumerate(islice(run, steps), start=1):
                losses[step - 1] = loss
                if step % LOOK_EVERY == 0 and not losses.is_cuda:  # a GPU would have to wait for the answer
                    _raise_if_diverged(losses[:step], x, rule, epochs * steps, history)
                bar.update()
            epoch_losses = losses.cpu().double().numpy()  # waits for the device
            seconds = time.perf_counter() - began
            _raise_if_diverged(losses, x, rule, epochs * steps, history)
            history.losses = np.concatenate([history.losses, epoch_losses])
            history.test_accuracy.append(float(network.accuracy(x, data.test_images, data.test_labels)))
            history.seconds.append(seconds)
            history.parameters = x.clone()  # a faster loop changes x in place
            # refresh would draw the bar at once, before its two seconds are over
            bar.set_postfix(
                loss=f"{epoch_losses.mean():.3f}", accuracy=f"{history.test_accuracy[-1]:.2%}", refresh=False
            )
            if until and np.isfinite(steps_to(history.losses, *until)):
                break
    return history


def steps_to(losses, target, window):
    """The first step after which the mean of the last ``window`` of ``losses`` is at most ``target``; or inf."""
    losses = np.asarray(losses, dtype=float)
    if len(losses) < window:
        return np.inf
    # each window by itself: a running sum would carry a loss of 1e32 on
    reached = np.lib.stride_tricks.sliding_window_view(losses, window).mean(1) <= target
    return float(reached.argmax() + window) if reached.any() else np.inf


def losing(rule, loss_and_gradient, data, x, batches, steps, *, schedule=None, **hyper):
    """The loop on minibatches of ``data``: yields the parameters after every step, and the loss before it.

    loss_and_gradient: (x, images, labels) -> the loss and its gradient, on x of shape (n,) or, for several runs at
    once, (runs, n); then the loss has shape (runs,). batches: as :func:`shuffled` yields them. steps: how many there
    will be. Both tensors may be filled anew by the next step. Nothing here makes a GPU wait.
    """
    images, labels = data.train_images, data.train_labels
    loss = torch.empty(x.shape[:-1], dtype=images.dtype, device=images.device)

    def gradient(x, batch=None):
        if batch is None:
            chosen = images, labels
        elif batch.ndim == 1:
            chosen = images.index_select(0, batch), labels.index_select(0, batch)  # on a CPU twice as fast as [batch]
        else:
            chosen = images[batch], labels[batch]  # of every run its own: (runs, batch_size, inputs)
        new_loss, g = loss_and_gradient(x, *chosen)
        loss.copy_(new_loss)  # in place: a step recorded on a GPU writes where it wrote when it was recorded
        return g

    loop = fast.loop(rule, images.device, steps * x.numel(), plain=iterate)
    for moved in loop(rule, gradient, x, batches, schedule=schedule, **hyper):
        yield moved, loss


LOOK_EVERY = 50  # steps: how soon a run on a CPU learns that it diverged


def _raise_if_diverged(losses, x, rule, steps, history):
    """Raise :class:`Diverged` if one of the epoch's ``losses`` so far, or ``x`` after them, is not finite."""
    bad = np.flatnonzero(~np.isfinite(losses.cpu().numpy()))
    if len(bad) or not x.isfinite().all():  # a loss shows the steps before it, x shows the last one too
        step = len(history.losses) + (int(bad[0]) + 1 if len(bad) else len(losses))
        history.diverged = step
        raise Diverged(rule, step, steps, history.hyper, history)


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
    """How many batches the training images make: rounded up, for the last one may be smaller. None: one batch."""
    return -(-len(data.train_labels) // batch_size) if batch_size else 1


def shuffled(labels, batch_size, epochs, seed):
    """Yields the indices of one batch after the other, every epoch in a fresh random order.

    Each is a tuple of one int64 tensor of shape (batch_size,), the epoch's last perhaps smaller; where a batch holds
    all examples it is ``()``, which spares a copy of them. The orders are drawn on the CPU: they are the same on every
    device.
    """
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        if batch_size >= len(labels):
            yield ()  # all examples, and no copy of them
        else:
            order = torch.randperm(len(labels), generator=generator).to(labels.device)
            yield from ((batch,) for batch in order.split(batch_size))
