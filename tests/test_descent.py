"""The loop: descend on closed forms, train on a share of MNIST, divergence, bad input, devices."""

import contextlib
import io
import math
import os
import subprocess
import sys
from itertools import repeat

import numpy as np
import pytest
import torch
from tqdm.auto import tqdm

from course_utils import data, descent, rules, schedules
from course_utils.descent import Diverged, History, descend, device, iterate, train
from course_utils.network import Network

numpy_and_torch = pytest.mark.parametrize(
    "convert", [np.array, lambda values: torch.tensor(values, dtype=torch.float64)], ids=["numpy", "torch"]
)
curvature = np.array([1.0, 20.0])
start = np.array([-4.0, 1.0])


def slope(x):
    """The gradient of (x^2 + 20 y^2) / 2, for arrays and tensors."""
    return x * (torch.tensor(curvature) if isinstance(x, torch.Tensor) else curvature)


# ---- descend


def test_descend_follows_the_closed_form():
    path = descend(rules.gradient_descent, slope, start, 25, lr=0.04)
    assert path.shape == (26, 2)
    np.testing.assert_allclose(path, (1 - 0.04 * curvature) ** np.arange(26)[:, None] * start, rtol=1e-12, atol=1e-30)


def test_descend_is_the_rule_applied_again_and_again(rule):
    path = descend(rule, slope, start, 10, lr=0.02)
    x, state = start, rules.initial_state(rule)
    for point in path[1:]:
        update, state = rule(slope(x), state, lr=0.02)
        x = x + update
        np.testing.assert_array_equal(point, x)


def test_many_learning_rates_at_once_are_the_runs_one_by_one(rule):
    lrs = np.geomspace(1e-3, 0.04, 8)
    one_by_one = np.stack([descend(rule, slope, start, 30, lr=float(lr)) for lr in lrs], axis=1)
    at_once = descend(rule, slope, start, 30, lr=lrs[:, None])
    in_torch = descend(rule, slope, torch.tensor(start), 30, lr=torch.tensor(lrs)[:, None])
    assert at_once.shape == in_torch.shape == (31, 8, 2)
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(in_torch.numpy(), one_by_one, rtol=1e-11, atol=1e-14)


def test_numpy_and_torch_agree(rule):
    on_numpy = descend(rule, slope, start, 50, lr=0.02)
    on_torch = descend(rule, slope, torch.tensor(start), 50, lr=0.02)
    assert isinstance(on_torch, torch.Tensor)
    assert on_torch.dtype == torch.float64
    np.testing.assert_allclose(on_torch.numpy(), on_numpy, rtol=1e-11, atol=1e-14)


def test_starts():
    from_array = descend(rules.momentum, slope, start, 5)
    np.testing.assert_array_equal(descend(rules.momentum, slope, [-4, 1], 5), from_array)  # numbers become float64
    np.testing.assert_array_equal(descend(rules.momentum, slope, (-4.0, 1.0), 5), from_array)
    many = descend(rules.momentum, slope, np.stack([start, 2 * start]), 5)
    np.testing.assert_allclose(many[:, 0], from_array, rtol=1e-14)
    in_one_dimension = descend(rules.gradient_descent, lambda x: x, 8.0, 3, lr=0.5)
    np.testing.assert_array_equal(in_one_dimension, [8, 4, 2, 1])
    np.testing.assert_array_equal(descend(rules.gradient_descent, slope, start, 0), [start])
    given = start.copy()
    descend(rules.adam, slope, given, 5)
    np.testing.assert_array_equal(given, start)


def test_float32_stays_float32(rule):
    assert descend(rule, lambda x: 2 * x, start.astype(np.float32), 3, lr=0.1).dtype == np.float32
    assert descend(rule, lambda x: 2 * x, torch.tensor(start).float(), 3, lr=0.1).dtype == torch.float32


@pytest.mark.parametrize("bad", [np.array([1, 2]), torch.tensor([1, 2]), np.array([True, False])])
def test_integer_start_is_named(bad):
    with pytest.raises(ValueError, match=rf"start holds integer parameters \({bad.dtype}\).*Use floats"):
        descend(rules.gradient_descent, slope, bad, 3)


@pytest.mark.parametrize("bad", [[1.0, math.nan], [math.inf, 1.0], torch.tensor([math.nan, 0.0])])
def test_start_that_is_not_finite_is_named(bad):
    with pytest.raises(ValueError, match="start must be finite, not"):
        descend(rules.gradient_descent, slope, bad, 3)


@pytest.mark.parametrize("bad", [-1, 2.5, 3.0, True, "ten", None])
def test_bad_steps_are_named(bad):
    with pytest.raises(ValueError, match=f"steps must be a whole number, 0 or more, not {bad!r}"):
        descend(rules.gradient_descent, slope, start, bad)


def test_bad_hyperparameters_reach_the_reader():
    with pytest.raises(ValueError, match="momentum: beta must be at least 0 and less than 1, not 1.5"):
        descend(rules.momentum, slope, start, 3, beta=1.5)
    with pytest.raises(ValueError, match="adam has no hyperparameter 'beta'"):
        descend(rules.adam, slope, start, 3, beta=0.5)


def test_schedule_multiplies_lr():
    path = descend(rules.gradient_descent, slope, start, 6, lr=0.04, schedule=schedules.step_decay(3, 0.5))
    expected = [start]
    for step in range(6):
        expected.append(expected[-1] * (1 - 0.04 * (1, 1, 1, 0.5, 0.5, 0.5)[step] * curvature))
    np.testing.assert_allclose(path, expected, rtol=1e-13)


# ---- divergence


@numpy_and_torch
def test_divergence_says_where_and_what_to_try(convert):
    # every step multiplies by -99, so |x| = 99^k passes the largest float64, 1.8e308, at k = 155
    with pytest.raises(Diverged) as caught:
        descend(rules.gradient_descent, lambda x: x, convert([1.0]), 1000, lr=100)
    error = caught.value
    assert error.step == 155
    assert error.so_far.shape == (156, 1)
    assert np.isfinite(np.asarray(error.so_far[:-1])).all()
    assert not np.isfinite(np.asarray(error.so_far[-1])).any()
    for part in ("gradient_descent(lr=100) diverged", "step 155 of 1000", "Try a smaller lr", "warm-up"):
        assert part in str(error)


def test_divergence_names_every_hyperparameter():
    with pytest.raises(Diverged, match=r"momentum\(lr=100, beta=0.9\) diverged"):
        descend(rules.momentum, lambda x: x, [1.0], 1000, lr=100)


def test_divergence_of_a_plain_number():
    with pytest.raises(Diverged) as caught:
        descend(rules.gradient_descent, lambda x: x, 1.0, 1000, lr=100)
    assert caught.value.step == 155


@numpy_and_torch
def test_one_diverging_run_does_not_stop_the_others(convert):
    lr = convert([[0.04], [100.0], [0.01]])
    path = np.asarray(descend(rules.gradient_descent, slope, convert(start), 400, lr=lr))
    assert not np.isfinite(path[-1, 1]).all()
    for run, alone in ((0, 0.04), (2, 0.01)):
        expected = descend(rules.gradient_descent, slope, start, 400, lr=alone)
        np.testing.assert_allclose(path[:, run], expected, rtol=1e-12, atol=1e-300)
    with pytest.raises(Diverged):  # but when all are gone, it stops
        descend(rules.gradient_descent, slope, convert(start), 400, lr=convert([[50.0], [100.0]]))


# ---- train


@pytest.fixture(scope="module")
def mnist():
    return data.mnist(share=0.02)  # 1,200 training images, 200 test images


small = Network((16,))


def test_history_of_a_run(mnist):
    history = train(rules.momentum, small, mnist, epochs=3, batch_size=128, lr=0.02)
    assert history.rule == "momentum"
    assert history.hyper == {"lr": 0.02, "beta": 0.9}
    assert history.batch_size == 128
    assert history.losses.shape == (3 * 10,)  # 1200 / 128 = 9.4: the last batch of an epoch is smaller
    assert history.losses.dtype == np.float64
    assert np.isfinite(history.losses).all()
    first, last = history.losses[:10].mean(), history.losses[-10:].mean()
    assert last < 0.6 * first
    assert len(history.test_accuracy) == len(history.seconds) == 3
    assert all(isinstance(accuracy, float) and 0 <= accuracy <= 1 for accuracy in history.test_accuracy)
    assert history.test_accuracy[-1] > 0.7
    assert all(seconds > 0 for seconds in history.seconds)
    assert history.parameters.shape == (small.n,)
    accuracy = small.accuracy(history.parameters, mnist.test_images, mnist.test_labels)
    assert float(accuracy) == history.test_accuracy[-1]


def test_every_rule_learns(mnist, rule):
    lr = {rules.gradient_descent: 0.1, rules.momentum: 0.02, rules.nesterov: 0.02}.get(rule, 0.003)
    history = train(rule, small, mnist, epochs=2, batch_size=32, lr=lr)
    assert history.losses[-10:].mean() < 0.5 * history.losses[0]


def test_seed_decides_the_run(mnist):
    first, again, other = (
        train(rules.adam, small, mnist, epochs=2, seed=seed, batch_size=100).losses for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_seed_decides_start_and_order(mnist):
    x = small.initial(7)
    one, two = (train(rules.adam, small, mnist, epochs=1, seed=seed, start=x, batch_size=100).losses for seed in (0, 1))
    assert (one != two).all()  # one start, two orders
    loss = small.loss(small.initial(3), mnist.train_images, mnist.train_labels)
    history = train(rules.adam, small, mnist, epochs=1, seed=3, batch_size=None)
    assert history.losses[0] == pytest.approx(float(loss), rel=1e-6)  # the start is the seed's


def test_start_is_not_changed(mnist):
    x = small.initial(0)
    before = x.clone()
    train(rules.adam, small, mnist, epochs=1, start=x)
    assert torch.equal(x, before)


def test_until_a_target_the_rest_is_spared(mnist):
    whole = train(rules.momentum, small, mnist, epochs=6, lr=0.05)
    means = np.convolve(whole.losses, np.full(7, 1 / 7), "valid")
    target = means[: 3 * 10 - 6].min()  # reached in the third epoch of ten steps at the latest
    last = -(-(int((means <= target).argmax()) + 7) // 10)
    history = train(rules.momentum, small, mnist, epochs=6, lr=0.05, until=(target, 7))
    assert len(history.test_accuracy) == last < 6
    np.testing.assert_array_equal(history.losses, whole.losses[: 10 * last])
    never = train(rules.momentum, small, mnist, epochs=6, lr=0.05, until=(0, 7))
    assert torch.equal(never.parameters, whole.parameters)


@pytest.mark.parametrize("batch_size", [None, 1200, 5000])
def test_all_examples_at_once_is_descend_on_the_full_gradient(mnist, batch_size):
    images, labels = mnist.train_images, mnist.train_labels
    history = train(rules.nesterov, small, mnist, epochs=4, batch_size=batch_size, lr=0.05)
    path = descend(rules.nesterov, lambda x: small.gradient(x, images, labels), small.initial(0), 4, lr=0.05)
    assert torch.equal(history.parameters, path[-1])
    expected = [float(small.loss(x, images, labels)) for x in path[:-1]]
    np.testing.assert_allclose(history.losses, expected, rtol=1e-6)
    assert history.batch_size == (batch_size or 1200)


def test_train_is_iterate_on_shuffled_batches(mnist):
    schedule = schedules.cosine(20)
    history = train(rules.adam, small, mnist, epochs=2, seed=5, batch_size=128, schedule=schedule, lr=0.01)
    generator = torch.Generator().manual_seed(5)
    batches = [b for _ in range(2) for b in torch.randperm(1200, generator=generator).split(128)]
    steps = ((mnist.train_images[batch], mnist.train_labels[batch]) for batch in batches)
    *_, x = iterate(rules.adam, small.gradient, small.initial(5), steps, schedule=schedule, lr=0.01)
    torch.testing.assert_close(history.parameters, x, rtol=1e-4, atol=1e-6)  # train's twin of apply rounds otherwise


def test_descend_and_train_share_one_loop(mnist, monkeypatch):
    calls = []

    def recording(rule, *args, **kwargs):
        calls.append(rule.__name__)
        return iterate(rule, *args, **kwargs)

    monkeypatch.setattr(descent, "iterate", recording)
    descend(rules.momentum, slope, start, 2)
    train(rules.adam, small, mnist, epochs=1)
    assert calls == ["momentum", "adam"]


class Recorder:
    """A network of one parameter, which writes down the examples it is handed. An image holds its own index."""

    n = 1

    def __init__(self, loss=lambda step: 1.0):
        self.batches, self.loss = [], loss

    def initial(self, seed, device, dtype):
        return torch.zeros(1, device=device, dtype=dtype)

    def loss_and_gradient(self, x, images, labels):
        assert torch.equal(images[:, 0].long(), labels)
        self.batches.append(labels.tolist())
        return torch.tensor(self.loss(len(self.batches))), torch.ones(1)

    def accuracy(self, x, images, labels):
        return torch.tensor(0.5)


def numbered(n):
    return data.Data(torch.arange(n)[:, None].float(), torch.arange(n), torch.zeros(1, 1), torch.zeros(1).long())


@pytest.mark.parametrize("batch_size", [1, 7, 50, 99, 100, 1000, None])
def test_every_example_is_used_once_an_epoch(batch_size):
    recorder = Recorder()
    train(rules.gradient_descent, recorder, numbered(100), epochs=3, batch_size=batch_size)
    steps = math.ceil(100 / (batch_size or 100))
    assert len(recorder.batches) == 3 * steps
    epochs = [sum(recorder.batches[e * steps : (e + 1) * steps], []) for e in range(3)]
    for examples in epochs:
        assert sorted(examples) == list(range(100))
    if steps > 1:
        assert {len(batch) for batch in recorder.batches[: steps - 1]} == {batch_size}
        assert epochs[0] != epochs[1] != epochs[2] != list(range(100))  # a new order every time


def test_train_multiplies_lr_by_the_schedule():
    history = train(
        rules.gradient_descent, Recorder(), numbered(4), epochs=2, batch_size=2, lr=0.5, schedule=lambda step: step
    )
    assert float(history.parameters) == -0.5 * (0 + 1 + 2 + 3)


def test_train_reports_divergence_with_the_epochs_before():
    recorder = Recorder(loss=lambda step: 1.0 if step < 24 else float("nan"))
    with pytest.raises(Diverged, match=r"momentum\(lr=0.01, beta=0.9\) diverged: step 24 of 50") as caught:
        train(rules.momentum, recorder, numbered(100), epochs=5, batch_size=10)
    so_far = caught.value.so_far
    assert caught.value.step == 24
    assert isinstance(so_far, History)
    assert len(so_far.losses) == 20
    assert len(so_far.test_accuracy) == len(so_far.seconds) == 2
    assert float(so_far.parameters) < 0
    assert len(recorder.batches) == 30  # it stopped after that epoch


def test_train_reports_a_huge_learning_rate(mnist):
    with pytest.raises(Diverged, match="Try a smaller lr") as caught:
        train(rules.gradient_descent, small, mnist, epochs=3, lr=1e30)
    assert 1 < caught.value.step <= 10
    assert caught.value.so_far.test_accuracy == []


def test_train_reports_a_last_step_that_leaves_the_finite_numbers(mnist):
    """The loss is taken before the step: of the last step, only the parameters show that it went wrong."""
    with pytest.raises(Diverged, match="step 1 of 1"):
        train(rules.gradient_descent, small, mnist, epochs=1, batch_size=None, lr=1e300)


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("bad", [0, -1, 2.5, True, "ten"])
def test_bad_epochs_and_batch_size_are_named(mnist, name, bad):
    with pytest.raises(ValueError, match=f"{name} must be a whole number, at least 1, not {bad!r}"):
        train(rules.adam, small, mnist, **{"epochs": 1, name: bad})


def test_train_names_bad_hyperparameters_before_the_first_step():
    recorder = Recorder()
    for hyper in ({"lr": -1}, {"momentum": 0.9}):
        with pytest.raises(ValueError, match=f"adam.*{next(iter(hyper))}"):
            train(rules.adam, recorder, numbered(4), epochs=1, **hyper)
    assert recorder.batches == []


def test_start_of_the_wrong_length_is_named(mnist):
    with pytest.raises(ValueError, match="needs a parameter vector of shape"):
        train(rules.adam, small, mnist, epochs=1, start=torch.zeros(3))


class Interrupted(Recorder):
    def loss_and_gradient(self, x, images, labels):
        if len(self.batches) == 3:
            raise KeyboardInterrupt
        return super().loss_and_gradient(x, images, labels)


@pytest.fixture
def screen(monkeypatch):
    """What progress bars write. They are switched on, whatever the environment says."""
    written = io.StringIO()
    monkeypatch.setattr(descent, "tqdm", lambda **settings: tqdm(**settings | {"disable": False, "file": written}))
    return written


@pytest.mark.parametrize(
    ("network", "end"),
    [(Recorder(), None), (Interrupted(), KeyboardInterrupt), (Recorder(loss=lambda step: math.nan), Diverged)],
    ids=["to the end", "interrupted", "diverged"],
)
def test_a_progress_bar_is_wiped_at_the_end(monkeypatch, screen, network, end):
    visible = descent.tqdm
    monkeypatch.setattr(descent, "tqdm", lambda **settings: visible(**settings | {"delay": 0}))
    with pytest.raises(end) if end else contextlib.nullcontext():
        train(rules.adam, network, numbered(100), epochs=2, batch_size=10)
    assert "adam:   0%" in screen.getvalue()
    assert screen.getvalue().split("\r")[-2].strip() == ""


def test_a_short_run_shows_no_progress_bar(screen):
    train(rules.adam, Recorder(), numbered(100), epochs=2, batch_size=10)
    assert screen.getvalue() == ""


# ---- iterate


def test_iterate_hands_each_batch_to_the_gradient():
    path = iterate(rules.gradient_descent, lambda x, a, b: np.array([a - b]), np.zeros(1), [(3, 1), (1, 5)], lr=1.0)
    assert [float(x[0]) for x in path] == [-2, 2]


def test_iterate_is_lazy():
    steps = iterate(rules.gradient_descent, slope, start, repeat(()), lr=0.04)
    np.testing.assert_allclose(next(steps), start * (1 - 0.04 * curvature))


# ---- device


def test_device_is_one_that_works(monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    found = device()
    assert isinstance(found, torch.device)
    assert torch.ones(3, device=found).sum() == 3
    if torch.cuda.is_available():
        assert found.type == "cuda"


def test_device_obeys_the_variable(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert device() == torch.device("cpu")
    monkeypatch.setenv("COURSE_DEVICE", "")  # empty is as good as unset
    found = device()
    monkeypatch.delenv("COURSE_DEVICE")
    assert found == device()


@pytest.mark.parametrize("bad", ["warp", "cuda:99", "gpu", "cpu:x"])
def test_bad_device_is_named_with_the_remedy(monkeypatch, bad):
    monkeypatch.setenv("COURSE_DEVICE", bad)
    with pytest.raises(ValueError, match=f"COURSE_DEVICE='{bad}' cannot be used here .*try COURSE_DEVICE=cpu"):
        device()


def test_describe_says_what_it_is():
    assert descent.describe("cpu") == f"CPU, {torch.get_num_threads()} threads"


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_you_say_otherwise(given, expected):
    """Also in a plain script, outside JupyterLab."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": given} if given else {}
    code = "import os, course_utils.rules; print(os.environ['OMP_WAIT_POLICY'])"
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == expected
