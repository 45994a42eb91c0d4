"""CUDA: that nothing makes a GPU wait, proven without one; and that a GPU gives what a CPU gives, where there is one.

torch's fake tensors know their device and shape and have no numbers. An operation that needs a number on the host, such
as ``.item()``, ``float()`` or an ``if``, raises; so does one that mixes devices. So the step runs here as it would on a
GPU, except for its recording, which runs it as it is.
"""

import numpy as np
import pytest
import torch
from needs import LEFT_OUT
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.func import vmap

from course_utils import data, descent, fast, rules, schedules
from course_utils.fast.graph import Graphs
from course_utils.network import Network
from course_utils.sweep import sweep

network = Network((8, 8), inputs=12)


@pytest.fixture
def fake(monkeypatch):
    """Data on a GPU that is not there: 20 examples, so that of three batches of 8 the last is smaller."""
    monkeypatch.setenv("COURSE_COMPILE", "0")
    monkeypatch.setattr(Graphs, "warm_up", lambda self, step: step())
    monkeypatch.setattr(Graphs, "record", lambda self, step: step)
    # fake tensors of one number would keep it, and be computed with for real
    monkeypatch.setattr("torch._subclasses.fake_tensor.CONSTANT_NUMEL_LIMIT", 0)
    with FakeTensorMode():
        images, labels = torch.randn(20, 12, device="cuda"), torch.zeros(20, dtype=torch.int64, device="cuda")
        yield data.Data(images, labels, images, labels)


def run(rule, fake, loss_and_gradient=network.loss_and_gradient, *, batch_size=8, runs=None, **hyper):
    """Four epochs of the loop, enough for both shapes of batches to be warmed up, recorded and replayed."""
    x = torch.zeros(network.n if runs is None else (runs, network.n), device="cuda")
    batches = descent.shuffled(fake.train_labels, batch_size, 4, seed=0)
    if runs is not None:
        batches = ((batch.expand(runs, -1),) for (batch,) in batches)
        loss_and_gradient = vmap(loss_and_gradient)
    steps = 4 * descent.steps_per_epoch(fake, batch_size)
    schedule = schedules.cosine(steps)
    losses = torch.empty(steps, *x.shape[:-1], device="cuda")
    path = descent.losing(rule, loss_and_gradient, fake, x, batches, steps, schedule=schedule, **hyper)
    for step in range(steps):
        x, losses[step] = next(path)
    assert next(path, None) is None
    assert (x.device.type, x.dtype) == ("cuda", torch.float32)


@pytest.mark.parametrize("batch_size", [8, 20])
def test_a_step_never_makes_a_gpu_wait(rule, fake, batch_size):
    run(rule, fake, batch_size=batch_size)


def test_nor_does_a_sweep_s_batched_step(rule, fake):
    run(rule, fake, runs=3, lr=np.array([[0.1], [0.2], [0.3]]))


def test_nor_does_a_reader_s_own_rule(fake):
    def two_back(g, state=(0.0, 1.0), *, lr=0.1):  # numbers in the state, and an entry that is handed on
        last, power = state
        return -lr * (g + power * last), (g, 0.9 * power)

    run(two_back, fake)


def waits():
    return pytest.raises(DataDependentOutputException, match="_local_scalar_dense")


def test_a_number_taken_in_a_rule_is_found(fake):
    def looks(g, state=(), *, lr=0.1):
        return -lr * g / g.norm().item(), state

    with waits():
        run(looks, fake)


@pytest.mark.parametrize("take", [lambda loss: loss.item(), float, lambda loss: 1 / 0 if loss > 1 else loss])
def test_a_number_taken_of_the_loss_is_found(take, fake):
    def takes(x, images, labels):
        loss, g = network.loss_and_gradient(x, images, labels)
        take(loss)
        return loss, g

    with waits():
        run(rules.adam, fake, takes)


def test_a_number_taken_in_the_loop_is_found(fake, monkeypatch):
    one_pass = fast.one_pass

    def takes(*arguments):
        program = one_pass(*arguments)
        return lambda x, vectors, numbers: (x.sum().item(), program(x, vectors, numbers))

    monkeypatch.setattr(fast, "one_pass", takes)
    with waits():
        run(rules.adam, fake)


def test_a_tensor_left_on_the_cpu_is_found(fake):
    def mixes(x, images, labels):
        return network.loss_and_gradient(x, images.cpu(), labels)

    with pytest.raises(Exception, match="device"):
        run(rules.adam, fake, mixes)


# ---- where there is a GPU


@pytest.fixture(params=["cuda:0", "cuda:1"], scope="module")
def both(request):
    """The same data on the CPU and on a GPU; with two, the second one, too."""
    if torch.cuda.device_count() == 0:
        pytest.skip(LEFT_OUT + "a GPU with CUDA; nothing else can run these")  # in CI, too, which has none
    if torch.cuda.device_count() <= int(request.param[-1]):
        pytest.skip(LEFT_OUT + "a second GPU; nothing else can run these")
    return [data.mnist(device, share=0.02) for device in ("cpu", request.param)]


SETTINGS = {"epochs": 3, "batch_size": 128}  # ten steps an epoch, the last one smaller


@pytest.mark.parametrize("compiled", ["0", "1"])
@pytest.mark.parametrize("schedule", [None, schedules.inverse_time(10)])
def test_a_gpu_gives_what_the_cpu_gives(rule, both, compiled, schedule, monkeypatch):
    monkeypatch.setenv("COURSE_COMPILE", compiled)
    here, there = (descent.train(rule, Network((16,)), mnist, schedule=schedule, **SETTINGS) for mnist in both)
    np.testing.assert_allclose(there.losses, here.losses, rtol=2e-3)
    np.testing.assert_allclose(there.test_accuracy, here.test_accuracy, atol=0.02)


def test_a_sweep_on_a_gpu_gives_what_the_cpu_gives(both):
    here, there = (sweep(rules.adam, Network((16,)), mnist, {"lr": [1e-3, 1e-2]}, seeds=[0, 1], **SETTINGS)
                   for mnist in both)  # fmt: skip
    np.testing.assert_allclose(there.losses, here.losses, rtol=2e-3)
    np.testing.assert_allclose(there.accuracy, here.accuracy, atol=0.02)


def test_a_recording_reads_memory_that_is_alive(both, monkeypatch):
    graph = torch.cuda.graph
    monkeypatch.setattr(torch.cuda, "graph", lambda *what, **named: graph(*what, check_input_liveness=True, **named))
    descent.train(rules.adam, Network((16,)), both[1], **SETTINGS)
