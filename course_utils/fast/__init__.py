"""The same loop, faster: a rule's step in one pass over the vectors, and on CUDA a whole step replayed at once.

:func:`loop` decides which loop a run gets; ``train`` and ``sweep`` both ask it. Only the course's own rules are made
faster, on every device alike: another rule may look at the whole vector, or need tensors, and runs plainly everywhere.
``tape`` writes a rule's arithmetic down, ``graph`` records what a step starts on a GPU; neither knows what a rule
computes. The tests hold every loop equal to :func:`course_utils.descent.iterate`.
"""

import logging
import os
from contextlib import contextmanager, nullcontext
from functools import cache, partial

import torch

from course_utils import schedules
from course_utils.fast.graph import Graphs
from course_utils.fast.tape import compiled, one_pass, write
from course_utils.rules import ALL, hyperparameters, initial_state

# Steps times parameters of a run on a CPU from which compiling pays: it costs a process about two seconds, and saves a
# few nanoseconds for each weight and step. Measured with Adam on two cores; a GPU's driver compiles in any case.
WORTH_COMPILING = 100_000_000


def loop(rule, device, work, plain):
    """The loop for a run of ``rule`` on ``device``: ``plain``, or a faster one that takes and gives the same.

    plain: :func:`course_utils.descent.iterate`. work: steps times parameters of the run. The faster loop changes x in
    place: it yields one and the same tensor, so keep a copy of what is to stay. Its batches must be tuples of tensors,
    and what ``gradient`` leaves behind must be in tensors that it fills in place.
    Raises ``ValueError`` when the variable COURSE_COMPILE is neither 0 nor 1.
    """
    device, compiles = torch.device(device), is_compiling(device, work)
    if rule not in ALL or not (compiles or device.type == "cuda"):
        return plain
    return partial(in_place, is_compiled=compiles, graphs=Graphs(device) if device.type == "cuda" else None)


def is_compiling(device, work=0):
    """Whether the steps of a run are to be compiled: as the variable COURSE_COMPILE says, 0 or 1.

    Without it: on CUDA, and on a CPU if the ``work`` (steps times parameters) is worth the seconds that it takes; in
    both cases only where torch's compiler works. Nowhere else. Raises ``ValueError`` for another COURSE_COMPILE.
    """
    wanted = os.environ.get("COURSE_COMPILE", "")
    if wanted not in ("", "0", "1"):
        raise ValueError(f"COURSE_COMPILE={wanted!r} must be 0 (never compile a rule) or 1 (always)")
    if wanted:
        return wanted == "1"
    kind = torch.device(device).type
    return (kind == "cuda" or (kind == "cpu" and work >= WORTH_COMPILING)) and can_compile(kind)


@cache
def can_compile(kind):
    """Whether torch's compiler works on ``kind`` of device, "cpu" or "cuda". Found out by trying, once in a process.

    A CPU needs a C++ compiler; a GPU needs Triton, which does not know every GPU and every system.
    """
    with _quiet("torch.utils.cpp_extension"):  # without a GPU, torch would warn wherever CUDA's compiler is installed
        try:
            compiled(torch.neg)(torch.zeros(2, device=kind))
        except Exception:  # whatever it was that failed, the plain rule is there
            return False
    return True


@contextmanager
def _quiet(name):
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


# Examples of a step times parameters from which a second thread pays. Measured with one and two: at 1.4e8 two are
# faster, at 8e7 one is; at a batch of 128 and one hidden layer two threads that wait for each other double the time.
WORTH_THREADS = 100_000_000


@contextmanager
def one_thread():
    """Let torch use one thread of the CPU inside this block, and as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for(work):
    """A block for steps of so much ``work`` each (examples times parameters): with one thread where that is faster.

    With GOMP_SPINCOUNT in the environment, always with all: threads that spin for a moment find each other without a
    wake-up, so that on a quiet machine two are faster at any size. On a busy one they take three times as long as one.
    """
    spins = "GOMP_SPINCOUNT" in os.environ
    return nullcontext() if spins or work >= WORTH_THREADS else one_thread()


def in_place(rule, gradient, x, batches, *, schedule=None, is_compiled=True, graphs=None, **hyper):
    """:func:`course_utils.descent.iterate` that changes x and the state in place, its update done in one pass.

    Every step the rule runs on stand-ins that write its arithmetic down (:mod:`course_utils.fast.tape`). The vectors
    then go through that in one pass, compiled where ``is_compiled``. Plain numbers, such as lr and Adam's
    ``1 - beta1**t``, are computed in Python, in float64, once a step, and handed over.
    graphs: None, or a :class:`course_utils.fast.graph.Graphs`, which replays the gradient and the pass as one.
    """
    hyper = hyperparameters(rule, **hyper)
    # a value for every run or weight stays a number to the tape: on the host and in float64
    hyper = {name: value.double().cpu().numpy() if torch.is_tensor(value) else value for name, value in hyper.items()}
    lr = hyper.pop("lr")
    schedule = schedule or schedules.constant()
    # zeros of x's shape from the start, so that the first step is like every other
    state = tuple(torch.full_like(x, entry) if isinstance(entry, float) else entry for entry in initial_state(rule))
    vectors = [entry for entry in state if torch.is_tensor(entry)]

    def advance(program, numbers, *batch):
        program(x, [gradient(x, *batch), *vectors], numbers)

    for step, batch in enumerate(batches):
        tape, state = write(rule, state, lr=lr * schedule(step), **hyper)
        program = one_pass(tape.operations, tape.results, is_compiled)
        inputs = tape.packed(x.dtype), *batch
        if graphs is None:
            advance(program, *inputs)
        else:
            graphs.run(partial(advance, program), inputs, key=program)
        yield x
