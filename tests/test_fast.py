"""The faster loop does what the original does, and gets only the runs that it is made for."""

import logging
from functools import partial

import numpy as np
import pytest
import torch
from needs import missing

from course_utils import data, descent, fast, rules, schedules
from course_utils.fast import graph, tape
from course_utils.network import Network

small = Network((12, 5), inputs=9, classes=4)
SCHEDULE = schedules.cosine(24)


@pytest.fixture
def batches():
    """Three epochs of batches of 8 of 60 examples: the last of each epoch has 4."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(60, 9, dtype=torch.float64, generator=generator)
    labels = torch.randint(4, (60,), generator=generator)
    orders = [torch.randperm(60, generator=generator).split(8) for _ in range(3)]
    return [(images[batch], labels[batch]) for order in orders for batch in order]


def last_of(loop, rule, batches, dtype=torch.float64, **hyper):
    """Where the loop ends. A run that yields one tensor again and again is none the worse for it."""
    steps = [(images.to(dtype), labels) for images, labels in batches]
    *_, x = loop(rule, small.gradient, small.initial(dtype=dtype), steps, schedule=SCHEDULE, **hyper)
    return x


original = partial(last_of, descent.iterate)


@pytest.fixture
def compilations(monkeypatch):
    """torch.compile without a C++ compiler: the same capture and guards, then the operations one by one."""
    count = []

    def backend(graph, inputs):
        count.append(len(inputs))
        return graph.forward

    torch.compiler.reset()
    tape.one_pass.cache_clear()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    yield count
    tape.one_pass.cache_clear()


class StandIn(graph.Graphs):
    """CUDA graphs without CUDA: recording runs nothing, replaying runs it all. Counts both."""

    def __init__(self, device="cpu"):
        super().__init__(device)
        self.recorded = self.replayed = 0

    def warm_up(self, step):
        step()

    def record(self, step):
        self.recorded += 1

        def replay():
            self.replayed += 1
            step()

        return replay


# ---- the tape


def test_in_place(rule, batches, compilations):
    x = last_of(fast.in_place, rule, batches)
    torch.testing.assert_close(x, original(rule, batches), rtol=1e-11, atol=1e-13)
    assert len(compilations) == 1  # the first step like all others, and none anew for each lr and each t


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 2e-4), (torch.float64, 1e-11)])
def test_in_place_by_a_real_compiler(batches, dtype, rtol):
    if not fast.can_compile("cpu"):
        missing("a C++ compiler that torch.compile finds", "install g++ (on Debian and Ubuntu: sudo apt install g++)")
    x = last_of(fast.in_place, rules.adam, batches, dtype)
    assert x.dtype == dtype
    torch.testing.assert_close(x, original(rules.adam, batches, dtype), rtol=rtol, atol=rtol / 10)


def test_in_place_in_float32_keeps_its_precision_in_the_first_steps(rule, batches):
    x = last_of(partial(fast.in_place, is_compiled=False), rule, batches[:6], torch.float32)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, original(rule, batches[:6], torch.float32), rtol=2e-5, atol=2e-7)


def test_the_tape_computes_numbers_once_a_step_and_vectors_not_at_all():
    zeros = torch.zeros(3)
    written, (m, v, t) = tape.write(rules.adam, (zeros, zeros, 4), lr=0.5, beta1=0.9, beta2=0.999)
    assert t == 5
    assert m is zeros
    assert v is zeros
    assert {1 - 0.9**5, 1 - 0.999**5} <= set(written.numbers)
    assert len(written.operations) == 13  # the vector operations one counts in adam


def test_a_new_rate_and_a_new_t_make_no_new_tape(rule):
    state = tuple(torch.zeros(3) if entry == 0.0 and isinstance(entry, float) else entry
                  for entry in rules.initial_state(rule))  # fmt: skip
    one, state = tape.write(rule, state, lr=0.1)
    other, _ = tape.write(rule, state, lr=0.2)
    assert (one.operations, one.results) == (other.operations, other.results)
    assert one.numbers != other.numbers


@pytest.mark.parametrize("operation", [lambda v: v + 2, lambda v: 2 + v, lambda v: v - 2, lambda v: 2 - v,
                                       lambda v: v * 3, lambda v: 3 * v, lambda v: v / 4, lambda v: 4 / v,
                                       lambda v: v**2, lambda v: -v])  # fmt: skip
def test_every_operation_can_be_written_down(operation):
    def rule(g, state=(0.0,), *, lr=0.0):
        return operation(g), (g,)

    g = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    (x,) = fast.in_place(rule, lambda x: g, torch.zeros(3, dtype=torch.float64), [()], is_compiled=False)
    torch.testing.assert_close(x, operation(g))


def test_a_value_for_every_weight_or_every_run(batches):
    """A column is complete on the host, in float64, however narrow the vectors: a power of it loses no digits."""
    lr = torch.linspace(0.001, 0.1, small.n, dtype=torch.float64)
    x = last_of(partial(fast.in_place, is_compiled=False), rules.momentum, batches, lr=lr)
    torch.testing.assert_close(x, original(rules.momentum, batches, lr=lr), rtol=1e-11, atol=1e-13)

    columns = {"beta1": np.array([[0.9], [0.5]]), "beta2": np.array([[0.999], [0.9]]), "lr": np.array([[0.1], [0.2]])}
    g = torch.tensor([[1.0, -2.0], [3.0, 0.5]])
    *_, x = fast.in_place(rules.adam, lambda x: g, torch.zeros(2, 2), [()] * 5, is_compiled=False, **columns)
    for run in (0, 1):
        alone = {name: float(column[run, 0]) for name, column in columns.items()}
        *_, expected = descent.iterate(rules.adam, lambda x, g=g[run]: g, torch.zeros(2), [()] * 5, **alone)
        torch.testing.assert_close(x[run], expected, rtol=1e-6, atol=0)


def powers(g, state=(0.0, 1.0), *, lr=0.1):
    """A state that begins at 1 as well as at 0."""
    v, p = state
    return -lr * p * g, (v + g, 0.5 * p)


def two_back(g, state=(0.0, 0.0), *, lr=0.1):
    """A state that hands an entry on as it was."""
    last, before = state
    return -lr * before, (g, last)


@pytest.mark.parametrize("rule", [powers, two_back])
@pytest.mark.parametrize("graphs", [None, StandIn])
@pytest.mark.parametrize("is_compiled", [False, True])
def test_states_of_every_kind(rule, graphs, is_compiled, compilations):
    def loop(loop, **options):
        gradient = lambda x, k: x + k  # noqa: E731
        steps = [(torch.tensor(float(k)),) for k in range(8)]
        *_, x = loop(rule, gradient, torch.full((3,), -2.0, dtype=torch.float64), steps, **options)
        return x

    faster = loop(fast.in_place, is_compiled=is_compiled, graphs=graphs and graphs())
    torch.testing.assert_close(faster, loop(descent.iterate))


# ---- graphs


@pytest.mark.parametrize("is_compiled", [False, True])
def test_replayed(rule, batches, compilations, is_compiled):
    graphs = StandIn()
    x = last_of(partial(fast.in_place, is_compiled=is_compiled, graphs=graphs), rule, batches)
    torch.testing.assert_close(x, original(rule, batches), rtol=1e-11, atol=1e-13)
    # two shapes of batches, each run twice as it is; 24 steps in all
    assert (graphs.recorded, graphs.replayed) == (2, 24 - 4)


def test_a_recorded_step_reads_and_writes_fixed_addresses(rule, batches):
    """What a CUDA graph needs: every replay finds x, the state and the batch where the recording found them."""
    seen = []

    def gradient(x, images, labels):
        seen.append((x.data_ptr(), images.data_ptr(), labels.data_ptr(), len(labels)))
        return small.gradient(x, images, labels)

    x = small.initial(dtype=torch.float64)
    for _ in fast.in_place(rule, gradient, x, batches, is_compiled=False, graphs=StandIn()):
        pass
    full = {addresses for addresses in seen[2:] if addresses[-1] == 8}
    assert len({x for x, *_ in seen}) == 1
    assert len(full) == 1


class FakeCuda:
    """What ``Graphs`` asks of ``torch.cuda``, written down; recording raises ``failure``, if there is one."""

    def __init__(self, monkeypatch, failure=None):
        self.calls = []
        recorder = self

        class Block:
            def __init__(self, *what, **named):
                recorder.calls.append((self.name, *what, *named.items()))

            def __enter__(self):
                return self

            def __exit__(self, *error):
                recorder.calls.append(("end", self.name))

        class Record(Block):
            name = "graph"

            def __enter__(self):
                if failure:
                    raise failure

        class Stream:
            def __init__(self, device):
                recorder.calls.append(("a stream on", str(device)))

            def wait_stream(self, other):
                pass

        monkeypatch.setattr(torch.cuda, "Stream", Stream)
        monkeypatch.setattr(torch.cuda, "current_stream", Stream)
        monkeypatch.setattr(torch.cuda, "device", type("D", (Block,), {"name": "device"}))
        monkeypatch.setattr(torch.cuda, "stream", type("S", (Block,), {"name": "stream"}))
        monkeypatch.setattr(torch.cuda, "graph", Record)
        monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: "pool")
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: type("G", (), {"replay": lambda self: None})())


def test_recorded_on_the_tensors_own_device_on_one_stream_and_in_one_pool(monkeypatch):
    cuda = FakeCuda(monkeypatch)
    graphs = graph.Graphs("cuda:1")
    for _ in range(2):
        graphs.warm_up(lambda: cuda.calls.append("step"))
        graphs.record(lambda: cuda.calls.append("step"))
    devices = {call[1] for call in cuda.calls if call[0] == "device"}
    assert devices == {torch.device("cuda:1")}
    assert cuda.calls.count("step") == 4
    assert all(cuda.calls[:at].count(("end", "device")) < sum(call[0] == "device" for call in cuda.calls[:at])
               for at, call in enumerate(cuda.calls) if call == "step")  # fmt: skip
    pools = [dict(call[2:])["pool"] for call in cuda.calls if call[0] == "graph"]
    streams = {dict(call[2:])["stream"] for call in cuda.calls if call[0] == "graph"}
    streams |= {call[1] for call in cuda.calls if call[0] == "stream"}
    assert pools == ["pool", "pool"]
    assert len(streams) == 1  # warm-up and recordings share it


def test_a_step_that_cannot_be_recorded_runs_as_it_is(monkeypatch):
    FakeCuda(monkeypatch, RuntimeError("operation not permitted when stream is capturing"))
    ran = []
    with pytest.warns(UserWarning, match="cannot be recorded .* not permitted"):
        replay = graph.Graphs("cuda:0").record(lambda: ran.append(1))
    assert ran == []
    replay()
    assert ran == [1]


# ---- which loop


def name_of(loop):
    if loop is descent.iterate:
        return "plain"
    assert loop.func is fast.in_place
    return " ".join(["compiled"] * loop.keywords["is_compiled"] + ["replayed"] * bool(loop.keywords["graphs"]))


@pytest.mark.parametrize(
    ("device", "work", "works", "variable", "expected"),
    [
        ("cpu", 1000, True, None, "plain"),
        ("cpu", fast.WORTH_COMPILING, True, None, "compiled"),
        ("cpu", fast.WORTH_COMPILING, False, None, "plain"),
        ("cpu", 1000, True, "1", "compiled"),
        ("cpu", fast.WORTH_COMPILING, True, "0", "plain"),
        ("mps", fast.WORTH_COMPILING, True, None, "plain"),
        ("cuda", 1000, True, None, "compiled replayed"),
        ("cuda", 1000, False, None, "replayed"),  # no Triton: still recorded
        ("cuda", 1000, True, "0", "replayed"),
    ],
)
def test_one_function_picks_the_loop(rule, monkeypatch, device, work, works, variable, expected):
    monkeypatch.setattr(fast, "can_compile", lambda kind: works)
    monkeypatch.delenv("COURSE_COMPILE", raising=False)
    if variable:
        monkeypatch.setenv("COURSE_COMPILE", variable)
    assert name_of(fast.loop(rule, device, work, descent.iterate)) == expected
    another = lambda g, state=(), *, lr=0.1: (-lr * g, state)  # noqa: E731
    assert name_of(fast.loop(another, device, work, descent.iterate)) == "plain"  # on every device


def test_another_compile_variable_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_COMPILE", "yes")
    with pytest.raises(ValueError, match="COURSE_COMPILE='yes'"):
        fast.loop(rules.adam, "cpu", 1, descent.iterate)


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_no_compiler_is_found_out_quietly(monkeypatch, kind):
    def fails(function, **options):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", fails)
    before = logging.getLogger("torch.utils.cpp_extension").level
    assert fast.can_compile.__wrapped__(kind) is False
    assert logging.getLogger("torch.utils.cpp_extension").level == before


def test_no_number_reaches_the_device_in_float64(rule):
    """Apple's MPS has no float64, and powers in float64 are slow on most GPUs."""
    state = tuple(torch.zeros(3) if isinstance(entry, float) else entry for entry in rules.initial_state(rule))
    written, _ = tape.write(rule, state, **rules.hyperparameters(rule))
    assert written.packed(torch.float32).dtype == torch.float32
    powers = [operands[1] for operation, operands in written.operations if operation.__name__ == "pow"]
    assert set(powers) <= {("exponent", 2), ("exponent", 0.5)}


def test_a_rule_that_looks_at_the_whole_vector_sees_all_of_it():
    """Such as one that a reader writes: not elementwise, and torch's alone."""
    lengths = []

    def normalised(g, state=(), *, lr=0.1):
        lengths.append(len(g))
        return -lr * g / torch.linalg.vector_norm(g), state

    network = Network((64,))
    mnist = data.mnist("cpu", share=0.005)
    history = descent.train(normalised, network, mnist, epochs=1, lr=0.1)
    assert set(lengths) == {network.n}
    assert float((history.parameters - network.initial()).norm()) <= 0.1 * len(history.losses) + 1e-4


@pytest.mark.parametrize(("work", "spins", "most"), [(1e6, False, 1), (1e9, False, 2), (1e6, True, 2)])
def test_small_steps_get_one_thread_unless_threads_spin(work, spins, most, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if spins:
        monkeypatch.setenv("GOMP_SPINCOUNT", "10000")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with fast.threads_for(work):
            assert torch.get_num_threads() == most
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
