"""The same step, faster: piece by piece on a CPU, compiled into one pass, or recorded once and replayed on a GPU.

Nothing here knows what a rule computes. :func:`in_pieces` and :func:`compiled` are twins of
:func:`course_utils.descent.apply`, :func:`replayed` is one of :func:`course_utils.descent.iterate`; the tests hold them
equal. Unlike the originals they change the parameters in place, which saves fetching another vector from memory.
"""

import os
from collections import Counter
from functools import cache, partial

import numpy as np
import torch

from course_utils import schedules
from course_utils.rules import ALL, hyperparameters, initial_state

PIECE = 32_768  # numbers: 128 KiB of float32, a dozen of which fit into a processor's second cache


def is_compiling(device):
    """Whether rules are to be compiled on ``device``: as the variable COURSE_COMPILE says, 0 or 1; else on CUDA only.

    Raises ``ValueError`` when COURSE_COMPILE is anything else.
    """
    wanted = os.environ.get("COURSE_COMPILE", "")
    if wanted not in ("", "0", "1"):
        raise ValueError(f"COURSE_COMPILE={wanted!r} must be 0 (never compile a rule) or 1 (always)")
    return wanted == "1" or (wanted == "" and torch.device(device).type == "cuda")


def twin(rule, device):
    """The fastest twin of :func:`course_utils.descent.apply` for ``rule`` on ``device``.

    A rule that is not one of the course's own may look at the whole vector, at its norm say, or need a tensor: it is
    never cut into pieces.
    """
    if is_compiling(device):
        return compiled
    return in_pieces if rule in ALL and torch.device(device).type == "cpu" else add_update


def in_pieces(rule, x, g, state, **hyper):
    """One step of ``rule`` for a long vector on the CPU, applied to one piece of it after the other.

    Every operation of a rule is elementwise, so the pieces need not know of each other, and the result is the same. On
    the whole vector each operation would fetch its operands from memory; a piece stays in the processor's cache.
    x, g: CPU tensors of shape (n,). Returns x, changed in place, and the list of the pieces' states.
    """
    if any(np.ndim(value) for value in hyper.values()):  # a value for every weight: the pieces would need theirs
        return add_update(rule, x, g, state, **hyper)
    hyper = {name: float(value) for name, value in hyper.items()}  # an np.float64 would turn float32 into float64
    # numpy's views of the same memory: numpy starts a small operation sooner than torch does
    x_numpy, g_numpy = x.numpy(), g.numpy()
    begins = range(0, len(x), PIECE)
    states = state if isinstance(state, list) else [state] * len(begins)
    new_states = []
    with np.errstate(all="ignore"):  # like torch, go on with infinities and NaN: the loop looks for them
        for begin, state in zip(begins, states, strict=True):
            piece = slice(begin, begin + PIECE)
            update, state = rule(g_numpy[piece], state, **hyper)
            x_numpy[piece] += update
            new_states.append(state)
    return x, new_states


def add_update(rule, x, g, state, **hyper):
    """One step of ``rule``, with x changed in place: what :func:`compiled` compiles."""
    update, state = rule(g, state, **hyper)
    x += update
    return x, state


def compiled(rule, x, g, state, *, lr, **hyper):
    """One step of ``rule``, compiled by torch into a single pass over the vectors. Returns x, in place, and the state.

    The first step of a run is not compiled, because it gives the state its shape. Compiling takes seconds in every
    process, half a minute the first time; on a CPU it needs a C++ compiler.
    """
    # a number that changes from step to step must be a tensor, or every step would be compiled anew
    lr, state = as_tensor(lr, x.device), counters_as_tensors(state, x.device)
    gives_shape = any(isinstance(entry, float) for entry in state)
    return (add_update if gives_shape else _program())(rule, x, g, state, lr=lr, **hyper)


@cache
def _program():
    torch._dynamo.config.recompile_limit = 64  # a program for every rule and size; torch would stop at 8
    return torch.compile(add_update)


def as_tensor(number, device):
    """A number as a float64 tensor of shape (), which does not turn a float32 vector into float64; a tensor as it is.

    Not float32, in which 1 - beta2**t would begin with half its digits lost.
    """
    is_tensor = isinstance(number, torch.Tensor)
    return number if is_tensor else torch.tensor(number, dtype=torch.float64, device=device)


def counters_as_tensors(state, device):
    """``state`` with its whole numbers, such as Adam's t, as tensors. 0.0 stays: a vector that waits for its shape."""
    return tuple(as_tensor(entry, device) if isinstance(entry, int) else entry for entry in state)


def replayed(rule, gradient, x, batches, *, schedule=None, record=None, **hyper):
    """:func:`course_utils.descent.iterate` for CUDA: a step is recorded as a CUDA graph, then replayed for every batch.

    A replay starts all kernels of a step at once; Python would start them one by one, and the GPU would wait for it.
    A graph reads and writes fixed addresses: each batch is copied to where the recorded step reads it, x and the state
    are changed in place, and every yield is the same x. ``batches`` are tuples of tensors. ``gradient`` may leave
    results behind only in tensors that it fills in place.
    record: function -> function that replays it, instead of :func:`cuda_graph`; for tests without a GPU.
    """
    hyper = hyperparameters(rule, **hyper)
    schedule = schedule or schedules.constant()
    record = record or cuda_graph
    apply = compiled if is_compiling(x.device) else add_update
    base_lr = as_tensor(hyper.pop("lr"), x.device)
    lr = base_lr.clone()
    state = counters_as_tensors(initial_state(rule), x.device)

    def advance(batch):
        _, new_state = apply(rule, x, gradient(x, *batch), state, lr=lr, **hyper)
        for old, new in zip(state, new_state, strict=True):
            old.copy_(new)

    met, replays = Counter(), {}  # by the shapes of a batch: an epoch's last one may be smaller
    for step, batch in enumerate(batches):
        torch.mul(base_lr, schedule(step), out=lr)
        shapes = tuple(part.shape for part in batch)
        met[shapes] += 1
        if step == 0:  # gives the state its shape
            x, state = apply(rule, x, gradient(x, *batch), state, lr=lr, **hyper)
        elif met[shapes] < 3:  # compiles
            advance(batch)
        else:
            if shapes not in replays:
                inputs = tuple(part.clone() for part in batch)
                replays[shapes] = inputs, record(partial(advance, inputs))
            inputs, replay = replays[shapes]
            for fixed, part in zip(inputs, batch, strict=True):
                fixed.copy_(part)
            replay()
        yield x


def cuda_graph(step):
    """Record what ``step()`` starts on the GPU, without running it; return a function that runs it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
