"""The same step, faster: on a CPU compiled into one pass over the vectors, on a GPU recorded once and replayed.

Nothing here knows what a rule computes. :func:`written_out` and :func:`compiled` are twins of
:func:`course_utils.descent.apply`, :func:`replayed` is one of :func:`course_utils.descent.iterate`; the tests hold them
equal. Unlike the originals they change the parameters and the state in place, which saves fetching another vector from
memory.
"""

import logging
import operator
import os
from collections import Counter
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from course_utils import schedules
from course_utils.rules import ALL, hyperparameters, initial_state

WORTH_COMPILING = 100_000_000  # steps times parameters of a run on a CPU: about a second's work

# where compiled steps are kept for the next time: half a minute is needed for the first of all, a second for each after
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(__file__).parents[1] / "build" / "compiled"))


def is_compiling(device, work=0):
    """Whether the steps of a run are to be compiled: as the variable COURSE_COMPILE says, 0 or 1.

    Without it: always on CUDA; on a CPU where it can be done, if the ``work`` (steps times parameters) is worth the
    seconds that it takes; nowhere else. Raises ``ValueError`` when COURSE_COMPILE is anything else.
    """
    wanted = os.environ.get("COURSE_COMPILE", "")
    if wanted not in ("", "0", "1"):
        raise ValueError(f"COURSE_COMPILE={wanted!r} must be 0 (never compile a rule) or 1 (always)")
    device = torch.device(device).type
    by_default = device == "cuda" or (device == "cpu" and work >= WORTH_COMPILING and cpu_can_compile())
    return wanted == "1" or (wanted == "" and by_default)


@cache
def cpu_can_compile():
    """Whether torch.compile works on this CPU: it needs a C++ compiler. Found out by trying, once in a process."""
    # without a GPU, torch would warn wherever CUDA's compiler is installed
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    try:
        torch.compile(torch.neg)(torch.zeros(2))
    except Exception:  # whatever it was that failed, the plain rule is there
        return False
    return True


@contextmanager
def one_thread():
    """Let torch use one thread of the CPU inside this block, and as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def twin(rule, device, work=0):
    """The fastest twin of :func:`course_utils.descent.apply` for a run of ``rule`` on ``device``, as large as ``work``.

    On a CPU only the course's own rules are compiled: another may need tensors, or look at the whole vector.
    """
    if not is_compiling(device, work):
        return add_update
    if torch.device(device).type != "cpu":
        return compiled
    return written_out if rule in ALL else add_update


def written_out(rule, x, g, state, **hyper):
    """One step of ``rule`` on a CPU: run on stand-ins that write down its arithmetic, then done in one compiled pass.

    Plain numbers, such as Adam's ``1 - beta1**t``, are computed here, once a step, and handed over; torch's compiler
    would compute them anew for every few weights. A new state of the same shape overwrites the old one.
    x, g: CPU tensors of shape (n,).
    """
    waits_for_shape = any(isinstance(entry, float) for entry in state)  # 0.0, in the first step
    if waits_for_shape or any(np.ndim(value) for value in hyper.values()):  # a value for every weight
        return add_update(rule, x, g, state, **hyper)
    hyper = {name: float(value) for name, value in hyper.items()}
    tape, vectors = Tape(), [g]

    def stand_in(entry):
        if not isinstance(entry, torch.Tensor):
            return entry  # a number, such as Adam's t
        vectors.append(entry)
        return Vector(tape, ("vector", len(vectors) - 1))

    update, new_state = rule(Vector(tape, ("vector", 0)), tuple(map(stand_in, state)), **hyper)
    results = update, *(new for new in new_state if isinstance(new, Vector))
    program = one_pass(tuple(tape.operations), tuple(result.place for result in results))
    program(x, vectors, torch.tensor(tape.numbers, dtype=torch.float64))  # also overwrites the old state
    return x, tuple(old if isinstance(new, Vector) else new for old, new in zip(state, new_state, strict=True))


class Tape:
    """The arithmetic of one step: ``operations`` on vectors, in order, and the ``numbers`` that they use."""

    def __init__(self):
        self.operations, self.numbers = [], []

    def place(self, value):
        """Where an operand is to be found: among the vectors, the results so far, or the numbers."""
        if isinstance(value, Vector):
            return value.place
        self.numbers.append(value)
        return "number", len(self.numbers) - 1


class Vector:
    """Stands for a vector in a rule, and writes down what is done with it."""

    def __init__(self, tape, place):
        self.tape, self.place = tape, place

    def _write(self, operation, *operands):
        self.tape.operations.append((operation, operands))
        return Vector(self.tape, ("result", len(self.tape.operations) - 1))

    def __neg__(self):
        return self._write(operator.neg, self.place)

    def __pow__(self, exponent):
        # a constant of the program, since a compiler knows a shorter way to a square and to a root
        return self._write(operator.pow, self.place, ("exponent", exponent))


def _binary(operation, is_swapped):
    def method(self, other):
        operands = self.place, self.tape.place(other)
        return self._write(operation, *(reversed(operands) if is_swapped else operands))

    return method


for _name in ("add", "sub", "mul", "truediv"):
    setattr(Vector, f"__{_name}__", _binary(getattr(operator, _name), False))
    setattr(Vector, f"__r{_name}__", _binary(getattr(operator, _name), True))


@cache
def one_pass(operations, results):
    """The operations of a tape as one compiled program: x += the first result, and each vector after g is replaced."""

    def program(x, vectors, numbers):
        found = {"vector": vectors, "number": numbers.unbind(), "result": []}
        for operation, operands in operations:
            values = [where if kind == "exponent" else found[kind][where] for kind, where in operands]
            found["result"].append(operation(*values))
        update, *new_state = (found[kind][where] for kind, where in results)
        x += update
        for old, new in zip(vectors[1:], new_state, strict=True):
            old.copy_(new)

    return _compile(program)


def add_update(rule, x, g, state, **hyper):
    """One step of ``rule``, with x changed in place: what :func:`compiled` compiles."""
    update, state = rule(g, state, **hyper)
    x += update
    return x, state


def compiled(rule, x, g, state, *, lr, **hyper):
    """One step of ``rule``, compiled by torch into a single pass over the vectors. Returns x, in place, and the state.

    The first step of a run is not compiled, because it gives the state its shape. Compiling takes seconds in every
    process, half a minute the first time.
    """
    # a number that changes from step to step must be a tensor, or every step would be compiled anew
    lr, state = as_tensor(lr, x.device), counters_as_tensors(state, x.device)
    gives_shape = any(isinstance(entry, float) for entry in state)
    return (add_update if gives_shape else _program())(rule, x, g, state, lr=lr, **hyper)


@cache
def _program():
    return _compile(add_update)


def _compile(function):
    torch._dynamo.config.recompile_limit = 64  # a program for every rule and size of a network; torch would stop at 8
    return torch.compile(function)


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
