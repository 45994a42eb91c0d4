"""A sweep gives what its runs give alone, whatever happens on the way."""

import numpy as np
import pytest
import torch

from course_utils import data, descent, rules, schedules
from course_utils.network import Network
from course_utils.sweep import sweep

small = Network((8,))


@pytest.fixture(scope="module")
def mnist():
    mnist = data.mnist("cpu", share=0.01)
    doubled = {name: getattr(mnist, name).double() for name in ("train_images", "test_images")}
    return mnist._replace(**doubled)


GRIDS = {
    rules.gradient_descent: {"lr": [0.01, 0.1]},
    rules.momentum: {"lr": [0.01], "beta": [0.5, 0.9]},
    rules.nesterov: {"lr": [0.01, 0.02]},
    rules.adagrad: {"lr": [0.01], "eps": [1e-7, 0.1]},
    rules.rmsprop: {"lr": [0.001], "beta": [0.9, 0.99]},
    rules.rmsprop_momentum: {"lr": [0.001], "momentum": [0.5, 0.9]},
    rules.rmsprop_nesterov: {"beta": [0.9, 0.99]},
    rules.adam: {"lr": [0.001, 0.01], "beta2": [0.99, 0.999]},
}


@pytest.mark.parametrize("rule", GRIDS, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("batch_size", [128, None])
def test_equals_the_runs_alone(rule, together, batch_size, mnist):
    settings = dict(epochs=2, batch_size=batch_size, schedule=schedules.inverse_time(0.1))
    result = sweep(rule, small, mnist, GRIDS[rule], seeds=[0, 4], together=together, **settings)
    assert result.done.all()
    for i, setting in enumerate(result.settings):
        for j, seed in enumerate(result.seeds):
            alone = descent.train(rule, small, mnist, seed=seed, **settings, **setting)
            np.testing.assert_allclose(result.losses[i, j], alone.losses, rtol=1e-10)
            np.testing.assert_array_equal(result.accuracy[i, j], alone.test_accuracy)


def test_settings_are_the_product_in_order(mnist):
    result = sweep(rules.adam, small, mnist, {"lr": (0.1, 0.2), "beta1": (0.5, 0.9)}, seeds=[1], epochs=1)
    assert result.settings == [{"lr": lr, "beta1": beta1} for lr in (0.1, 0.2) for beta1 in (0.5, 0.9)]
    assert (result.rule, result.seeds) == ("adam", [1])
    assert result.accuracy.shape == (4, 1, 1)
    assert result.losses.shape == (4, 1, 5)


@pytest.mark.parametrize("together", [1, 4])
def test_a_run_that_diverges_is_nan_and_stops_nobody(together, mnist):
    late = lambda step: 1.0 if step < 6 else 1e160  # noqa: E731, good for an epoch, then far too long
    grid = {"lr": [0.0, 0.1]}
    result = sweep(rules.gradient_descent, small, mnist, grid, seeds=[0, 1], epochs=3, schedule=late, together=together)
    assert result.done.all()
    assert np.isfinite(result.accuracy[0]).all()
    assert np.isfinite(result.losses[0]).all()
    assert np.isnan(result.accuracy[1]).tolist() == [[False, True, True]] * 2
    assert np.isnan(result.losses[1]).tolist() == [[False] * 5 + [True] * 10] * 2


def test_interrupted_it_keeps_what_is_done_and_goes_on_from_the_file(mnist, monkeypatch, tmp_path):
    file = tmp_path / "sweep.npz"
    arguments = (rules.momentum, small, mnist, {"lr": [0.01, 0.02, 0.05]})
    settings = dict(seeds=[0, 1], epochs=1, together=1, file=file)
    train, calls = descent.train, []

    def interrupted(*args, **kwargs):
        calls.append(kwargs["lr"])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return train(*args, **kwargs)

    monkeypatch.setattr(descent, "train", interrupted)
    with pytest.warns(UserWarning, match=r"3 of 6 runs are done; .*sweep.npz keeps them"):
        part = sweep(*arguments, **settings)
    assert part.done.tolist() == [[True, True], [True, False], [False, False]]
    assert np.array_equal(part.done, np.isfinite(part.accuracy[..., 0]))

    whole = sweep(*arguments, **settings)
    assert len(calls) == 4 + 3  # the three that were missing
    monkeypatch.undo()
    np.testing.assert_array_equal(whole.losses, sweep(*arguments, seeds=[0, 1], epochs=1, together=1).losses)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.npz"]


def test_a_file_of_another_sweep_is_left_alone(mnist, tmp_path):
    file = tmp_path / "sweep.npz"
    sweep(rules.momentum, small, mnist, {"lr": [0.01]}, seeds=[0], epochs=1, file=file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"sweep.npz holds another sweep"):
        sweep(rules.momentum, small, mnist, {"lr": [0.02]}, seeds=[0], epochs=1, file=file)
    with pytest.raises(ValueError, match=r"sweep.npz holds another sweep"):
        sweep(
            rules.momentum, small, mnist, {"lr": [0.01]}, seeds=[0], epochs=1, file=file, schedule=schedules.cosine(9)
        )
    assert file.read_bytes() == before
    file.write_text("not a sweep")
    with pytest.raises(ValueError, match=r"sweep.npz is not a sweep's file"):
        sweep(rules.momentum, small, mnist, {"lr": [0.01]}, seeds=[0], epochs=1, file=file)


def test_a_run_ends_at_its_target_and_a_file_remembers_which(mnist, tmp_path):
    file = tmp_path / "sweep.npz"
    grid = [{"lr": 0.05, "until": (100.0, 2)}, {"lr": 0.05}]
    for _ in range(2):  # run, then read
        result = sweep(rules.momentum, small, mnist, grid, seeds=[0], epochs=3, file=file)
        assert [len(run.test_accuracy) for (run,) in result.runs] == [1, 3]
        assert np.isnan(result.accuracy[0, 0]).tolist() == [False, True, True]
        np.testing.assert_array_equal(result.runs[0][0].losses, result.runs[1][0].losses[:5])
    with pytest.raises(ValueError, match=r"sweep.npz holds another sweep"):
        sweep(rules.momentum, small, mnist, grid[1:] * 2, seeds=[0], epochs=3, file=file)
    together = sweep(rules.momentum, small, mnist, {"lr": [0.05]}, seeds=[0], epochs=3, until=(100.0, 2), together=1)
    assert len(together.runs[0][0].test_accuracy) == 1


@pytest.mark.parametrize(
    ("grid", "others", "message"),
    [
        ({}, {}, "grid is empty"),
        ({"lr": 0.1}, {}, r"grid\['lr'\] must be a list"),
        ({"lr": []}, {}, r"grid\['lr'\] must be a list"),
        ({"rate": [0.1]}, {}, "momentum has no hyperparameter 'rate'"),
        ({"lr": [0.1, -1]}, {}, "lr must be finite and at least 0"),
        ({"lr": [0.1]}, {"seeds": []}, "seeds is empty"),
        ({"lr": [0.1]}, {"epochs": 0}, "epochs must be a whole number, at least 1"),
        ({"lr": [0.1]}, {"batch_size": 0}, "batch_size must be a whole number, at least 1"),
    ],
)
@pytest.mark.parametrize("together", [1, 2])
def test_bad_settings_are_named(mnist, grid, others, message, together):
    with pytest.raises(ValueError, match=message):
        sweep(rules.momentum, small, mnist, grid, **({"seeds": [0], "epochs": 1, "together": together} | others))


def test_in_float32_it_is_the_same_to_rounding():
    mnist = data.mnist("cpu", share=0.01)
    one, many = (
        sweep(rules.adam, small, mnist, {"lr": [1e-3, 1e-2]}, seeds=[0, 1], epochs=1, together=together)
        for together in (1, 4)
    )
    assert mnist.train_images.dtype == torch.float32
    np.testing.assert_allclose(one.losses, many.losses, rtol=1e-4)


def test_an_engine_may_finish_its_chunks_in_any_order(mnist):
    def backwards(job, chunks):
        assert all(len(runs) == 1 for runs in chunks)  # on a CPU every run advances alone
        for number in reversed(range(len(chunks))):
            yield number, job(chunks[number])

    arguments = (rules.adam, small, mnist, {"lr": [0.001, 0.01]})
    one = sweep(*arguments, seeds=[0, 1], epochs=2, engine="one")
    other = sweep(*arguments, seeds=[0, 1], epochs=2, engine=backwards)
    np.testing.assert_array_equal(one.losses, other.losses)
    np.testing.assert_array_equal(one.accuracy, other.accuracy)
    with pytest.raises(ValueError, match="engine must be one of 'one'.* not 'cloud'"):
        sweep(*arguments, seeds=[0], epochs=1, engine="cloud")
