"""The faster twins of one step and of the loop do what the originals do."""

from functools import partial

import pytest
import torch

from course_utils import data, descent, fast, rules, schedules
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


def original(rule, batches, dtype=torch.float64, **hyper):
    steps = [(images.to(dtype), labels) for images, labels in batches]
    *_, x = descent.iterate(rule, small.gradient, small.initial(dtype=dtype), steps, schedule=SCHEDULE, **hyper)
    return x


@pytest.fixture
def compilations(monkeypatch):
    """torch.compile without a C++ compiler: the same capture and guards, then the operations one by one."""
    count = []

    def backend(graph, inputs):
        count.append(len(inputs))
        return graph.forward

    torch.compiler.reset()
    fast.one_pass.cache_clear()
    program = torch.compile(fast.add_update, backend=backend)
    monkeypatch.setattr(fast, "_program", lambda: program)
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    yield count
    fast.one_pass.cache_clear()


def test_written_out(rule, batches, compilations):
    twin = descent.iterate(rule, small.gradient, small.initial(dtype=torch.float64), batches, schedule=SCHEDULE,
                           apply=fast.written_out)  # fmt: skip
    *_, x = twin
    torch.testing.assert_close(x, original(rule, batches), rtol=1e-11, atol=1e-13)
    assert len(compilations) == 1  # and not anew for each lr and each t


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 2e-4), (torch.float64, 1e-11)])
def test_written_out_by_a_real_compiler(batches, dtype, rtol):
    if not fast.cpu_can_compile():
        pytest.skip("torch.compile finds no C++ compiler")
    steps = [(images.to(dtype), labels) for images, labels in batches]
    *_, x = descent.iterate(
        rules.adam, small.gradient, small.initial(dtype=dtype), steps, schedule=SCHEDULE, apply=fast.written_out
    )
    assert x.dtype == dtype
    torch.testing.assert_close(x, original(rules.adam, batches, dtype), rtol=rtol, atol=rtol / 10)


def test_written_out_computes_numbers_once_a_step_and_vectors_not_at_all():
    tape = fast.Tape()
    g, m, v = (fast.Vector(tape, ("vector", place)) for place in range(3))
    _, (_, _, t) = rules.adam(g, (m, v, 4), lr=0.5)
    assert t == 5
    assert {1 - 0.9**5, 1 - 0.999**5} <= set(tape.numbers)
    assert len(tape.operations) == 13  # the vector operations one counts in adam


@pytest.mark.parametrize("operation", [lambda v: v + 2, lambda v: 2 + v, lambda v: v - 2, lambda v: 2 - v,
                                       lambda v: v * 3, lambda v: 3 * v, lambda v: v / 4, lambda v: 4 / v,
                                       lambda v: v**2, lambda v: -v])  # fmt: skip
def test_every_operation_can_be_written_out(operation, compilations):
    def rule(g, state=(0.0,)):
        return operation(g), (g,)

    x = torch.zeros(3, dtype=torch.float64)
    g, state = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64), (torch.ones(3, dtype=torch.float64),)
    x, state = fast.written_out(rule, x, g, state)
    torch.testing.assert_close(x, operation(g))
    torch.testing.assert_close(state[0], g)


def test_written_out_with_a_rate_for_every_weight(batches):
    lr = torch.linspace(0.001, 0.1, small.n, dtype=torch.float64)
    *_, x = descent.iterate(
        rules.momentum, small.gradient, small.initial(dtype=torch.float64), batches, apply=fast.written_out, lr=lr
    )
    *_, expected = descent.iterate(rules.momentum, small.gradient, small.initial(dtype=torch.float64), batches, lr=lr)
    torch.testing.assert_close(x, expected, rtol=1e-11, atol=1e-13)


def test_compiled(rule, batches, compilations):
    twin = descent.iterate(rule, small.gradient, small.initial(dtype=torch.float64), batches, schedule=SCHEDULE,
                           apply=fast.compiled)  # fmt: skip
    *_, x = twin
    torch.testing.assert_close(x, original(rule, batches), rtol=1e-11, atol=1e-13)
    assert len(compilations) == 1  # and not anew for each lr and each t


def recorder():
    """Stands in for CUDA graphs: recording must run nothing, replaying runs it all. Counts both."""
    counts = {"recorded": 0, "replayed": 0}

    def record(step):
        counts["recorded"] += 1

        def replay():
            counts["replayed"] += 1
            step()

        return replay

    return record, counts


@pytest.mark.parametrize("is_compiling", ["0", "1"])
def test_replayed(rule, batches, compilations, monkeypatch, is_compiling):
    monkeypatch.setenv("COURSE_COMPILE", is_compiling)
    record, counts = recorder()
    twin = fast.replayed(
        rule, small.gradient, small.initial(dtype=torch.float64), batches, schedule=SCHEDULE, record=record
    )
    *_, x = twin
    torch.testing.assert_close(x, original(rule, batches), rtol=1e-11, atol=1e-13)
    # two shapes of batches, each run twice as it is; 24 steps in all
    assert counts == {"recorded": 2, "replayed": 24 - 4}


def test_replayed_in_float32_keeps_its_precision_in_the_first_steps(rule, batches):
    record, _ = recorder()
    steps = [(images.float(), labels) for images, labels in batches[:6]]
    *_, x = fast.replayed(rule, small.gradient, small.initial(), steps, schedule=SCHEDULE, record=record)
    expected = original(rule, batches[:6], torch.float32)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, expected, rtol=2e-5, atol=2e-7)


def test_a_recorded_step_reads_and_writes_fixed_addresses(rule, batches):
    """What a CUDA graph needs: every replay finds x, the state and the batch where the recording found them."""
    seen = []

    def gradient(x, images, labels):
        seen.append((x.data_ptr(), images.data_ptr(), labels.data_ptr(), len(labels)))
        return small.gradient(x, images, labels)

    record, _ = recorder()
    for _ in fast.replayed(rule, gradient, small.initial(dtype=torch.float64), batches, record=record):
        pass
    full = {addresses for addresses in seen[2:] if addresses[-1] == 8}
    assert len({x for x, *_ in seen}) == 1
    assert len(full) <= 2  # one is the second step, which runs as it is


def test_twin_by_device_and_work(rule, monkeypatch):
    monkeypatch.setattr(fast, "cpu_can_compile", lambda: True)
    assert fast.twin(rule, "cpu", work=1000) is fast.add_update
    assert fast.twin(rule, "cpu", work=fast.WORTH_COMPILING) is fast.written_out
    assert fast.twin(rule, "mps", work=fast.WORTH_COMPILING) is fast.add_update
    assert fast.twin(rule, "cuda") is fast.compiled
    assert fast.twin(lambda g, state: (-g, state), "cpu", work=fast.WORTH_COMPILING) is fast.add_update
    monkeypatch.setattr(fast, "cpu_can_compile", lambda: False)
    assert fast.twin(rule, "cpu", work=fast.WORTH_COMPILING) is fast.add_update
    monkeypatch.setenv("COURSE_COMPILE", "1")
    assert fast.twin(rule, "cpu") is fast.written_out
    monkeypatch.setenv("COURSE_COMPILE", "0")
    assert fast.twin(rule, "cuda") is fast.add_update
    monkeypatch.setenv("COURSE_COMPILE", "yes")
    with pytest.raises(ValueError, match="COURSE_COMPILE='yes'"):
        fast.twin(rule, "cpu")


def test_no_compiler_is_found_out_quietly(monkeypatch):
    def fails(function):
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", fails)
    assert fast.cpu_can_compile.__wrapped__() is False


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
