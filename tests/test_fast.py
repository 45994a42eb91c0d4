"""The faster twins of one step and of the loop do what the originals do."""

import numpy as np
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


@pytest.fixture(params=rules.ALL, ids=lambda rule: rule.__name__)
def rule(request):
    return request.param


def test_in_pieces(rule, batches, monkeypatch):
    monkeypatch.setattr(fast, "PIECE", 100)  # of 209 numbers: the last piece is shorter
    twin = descent.iterate(rule, small.gradient, small.initial(dtype=torch.float64), batches, schedule=SCHEDULE,
                           apply=fast.in_pieces)  # fmt: skip
    *_, x = twin
    torch.testing.assert_close(x, original(rule, batches), rtol=1e-11, atol=1e-13)


def test_in_pieces_stays_in_float32(rule):
    x, g = small.initial(), torch.ones(small.n)
    x, state = fast.in_pieces(rule, x, g, rules.initial_state(rule), lr=np.float64(0.1))
    assert x.dtype == torch.float32
    assert all(getattr(entry, "dtype", np.float32) == np.float32 for piece in state for entry in piece)


def test_in_pieces_with_a_rate_for_every_weight(batches):
    lr = torch.linspace(0.001, 0.1, small.n, dtype=torch.float64)
    *_, x = descent.iterate(
        rules.momentum, small.gradient, small.initial(dtype=torch.float64), batches, apply=fast.in_pieces, lr=lr
    )
    *_, expected = descent.iterate(rules.momentum, small.gradient, small.initial(dtype=torch.float64), batches, lr=lr)
    torch.testing.assert_close(x, expected, rtol=1e-11, atol=1e-13)


def test_in_pieces_goes_on_quietly_where_numbers_end():
    g = torch.tensor([float("inf"), float("nan"), 1.0])
    x, _ = fast.in_pieces(rules.adam, torch.zeros(3), g, rules.initial_state(rules.adam), lr=0.1)
    assert x.isfinite().tolist() == [False, False, True]


@pytest.fixture
def compilations(monkeypatch):
    """torch.compile without a C++ compiler: the same capture and guards, then the operations one by one."""
    count = []

    def backend(graph, inputs):
        count.append(len(inputs))
        return graph.forward

    torch.compiler.reset()
    program = torch.compile(fast.add_update, backend=backend)
    monkeypatch.setattr(fast, "_program", lambda: program)
    return count


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


def test_twin_by_device(rule, monkeypatch):
    assert fast.twin(rule, "cpu") is fast.in_pieces
    assert fast.twin(rule, "mps") is fast.add_update
    assert fast.twin(rule, "cuda") is fast.compiled
    monkeypatch.setenv("COURSE_COMPILE", "1")
    assert fast.twin(rule, "cpu") is fast.compiled
    monkeypatch.setenv("COURSE_COMPILE", "0")
    assert fast.twin(rule, "cuda") is fast.add_update
    monkeypatch.setenv("COURSE_COMPILE", "yes")
    with pytest.raises(ValueError, match="COURSE_COMPILE='yes'"):
        fast.twin(rule, "cpu")


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
