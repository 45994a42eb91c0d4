"""What a sweep's settings may name beside hyperparameters, and what its file notices."""

import errno

import numpy as np
import pytest
import torch

from course_utils import data, descent, rules, schedules
from course_utils.network import Network
from course_utils.sweep import sweep

small = Network((8,))


@pytest.fixture(scope="module")
def mnist():
    return data.mnist("cpu", share=0.01)


def test_a_setting_may_replace_every_argument_of_train(mnist):
    half = mnist._replace(train_images=mnist.train_images[:300], train_labels=mnist.train_labels[:300])
    settings = [
        {"rule": rules.adam, "lr": 0.01, "epochs": 3},
        {"rule": rules.momentum, "lr": 0.1, "beta": 0.5, "network": Network((4,)), "batch_size": None},
        {"rule": rules.momentum, "data": half, "schedule": schedules.cosine(5), "start": 0.5 * small.initial(7)},
    ]
    found = sweep(None, small, mnist, settings, seeds=[0, 3], epochs=2, parameters=True)
    assert found.accuracy.shape == (3, 2, 3)
    common = {"network": small, "data": mnist, "epochs": 2}
    for i, setting in enumerate(settings):
        for j, seed in enumerate((0, 3)):
            alone = descent.train(**(common | setting), seed=seed)
            np.testing.assert_array_equal(found.runs[i][j].losses, alone.losses)
            np.testing.assert_array_equal(found.losses[i, j][: len(alone.losses)], alone.losses)
            assert np.isnan(found.losses[i, j][len(alone.losses) :]).all()
            assert torch.equal(found.runs[i][j].parameters, alone.parameters)
            assert found.runs[i][j].hyper == alone.hyper


def test_parameters_are_kept_only_when_asked_for(mnist):
    found = sweep(rules.adam, small, mnist, {"lr": [0.01]}, seeds=[0], epochs=1)
    assert found.runs[0][0].parameters is None


def test_a_run_that_diverged_says_at_which_step(mnist):
    found = sweep(rules.gradient_descent, small, mnist, {"lr": [0.1, 1e30]}, seeds=[0], epochs=1)
    with pytest.raises(descent.Diverged) as stop:
        descent.train(rules.gradient_descent, small, mnist, epochs=1, lr=1e30)
    assert [row[0].diverged for row in found.runs] == [None, stop.value.step]


def test_a_setting_that_names_no_rule_is_told(mnist):
    with pytest.raises(ValueError, match="rule is None, so every setting must name its own"):
        sweep(None, small, mnist, {"lr": [0.1]}, seeds=[0], epochs=1)


class Odd(Network):
    """Its gradient is not that of its loss, as a learner's may be."""

    def loss_and_gradient(self, x, images, labels):
        loss, g = super().loss_and_gradient(x, images, labels)
        return loss, 1e-3 * g


def test_together_or_alone_a_network_s_own_gradient_is_used(mnist):
    one, many = (
        sweep(rules.momentum, Odd((8,)), mnist, {"lr": [0.1, 0.2]}, seeds=[0, 1], epochs=1, together=together)
        for together in (1, 4)
    )
    np.testing.assert_allclose(one.losses, many.losses, rtol=1e-5)


def scaled(factor):
    return lambda g, state=(), *, lr=0.1: (-lr * factor * g, state)


def test_a_file_knows_the_data_the_network_and_the_rule_s_code(mnist, tmp_path):
    arguments = {"rule": scaled(1.0), "network": small, "data": mnist, "grid": {"lr": [0.1]}}
    settings = {"seeds": [0], "epochs": 1, "file": tmp_path / "sweep.npz"}
    first = sweep(**arguments, **settings)
    again = sweep(**(arguments | {"rule": scaled(1.0)}), **settings)
    np.testing.assert_array_equal(first.losses, again.losses)
    others = [
        {"data": mnist._replace(test_images=mnist.test_images.flip(0), test_labels=mnist.test_labels.flip(0))},
        {"network": Odd((8,))},
        {"rule": scaled(2.0)},
    ]
    for other in others:
        with pytest.raises(ValueError, match="holds another sweep"):
            sweep(**(arguments | other), **settings)


@pytest.mark.parametrize("keep", [0, 100])
def test_an_empty_or_cut_file_is_named(mnist, tmp_path, keep):
    file = tmp_path / "sweep.npz"
    arguments = (rules.adam, small, mnist, {"lr": [0.01]})
    sweep(*arguments, seeds=[0], epochs=1, file=file)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"sweep.npz is not a sweep's file.*delete it"):
        sweep(*arguments, seeds=[0], epochs=1, file=file)


def test_a_full_disk_costs_the_file_and_no_run(mnist, tmp_path, monkeypatch):
    file = tmp_path / "sweep.npz"
    arguments = (rules.adam, small, mnist, {"lr": [0.01, 0.02]})

    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.warns(UserWarning, match="sweep.npz cannot be written .*No space left"):
            found = sweep(*arguments, seeds=[0], epochs=1, file=file)
    assert found.done.all()
    assert list(tmp_path.iterdir()) == []
    sweep(*arguments, seeds=[0], epochs=1, file=file)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.npz"]
