"""A real parameter server, without processes: its arithmetic, its file, its settings."""

import numpy as np
import pytest
import torch

from course_utils import cluster, data, descent, parameter_server
from course_utils.network import Network
from course_utils.rules import adam, gradient_descent, hyperparameters, momentum

small = Network((8,))


@pytest.fixture(scope="module")
def mnist():
    return data.mnist("cpu", share=0.02)


def server(rule, file, steps=20, **hyper):
    return parameter_server.Server(rule, hyperparameters(rule, **hyper), small, 0, steps, 5, file, 4)


# --- The server's own arithmetic ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [gradient_descent, momentum, adam])
def test_the_server_applies_the_course_s_rule(rule, tmp_path):
    gradients = torch.randn(20, small.n, generator=torch.Generator().manual_seed(1))
    holds = server(rule, tmp_path / "server.pt")
    for g in gradients:
        read, _ = holds.pull()
        answer = holds.push(0, read, g.numpy())
    assert answer is None, "all steps are done"
    *_, expected = descent.iterate(rule, lambda x, g: g, small.initial(0), [(g,) for g in gradients])
    torch.testing.assert_close(holds.result()["x"], expected)
    assert [version for version, _ in holds.result()["snapshots"]] == [5, 10, 15, 20]


def test_several_gradients_make_one_step_with_their_mean(tmp_path):
    holds = server(gradient_descent, tmp_path / "server.pt", lr=1.0)
    before = small.initial(0).numpy()
    ones = np.ones(small.n, dtype=np.float32)
    _, after = holds.push(-1, (0, 0), ones, 3 * ones)
    np.testing.assert_allclose(after, before - 2, rtol=1e-6)


def test_started_again_it_goes_on_from_its_file_and_drops_gradients_of_the_life_before(tmp_path):
    g = np.ones(small.n, dtype=np.float32)
    first = server(momentum, tmp_path / "server.pt")
    for version in range(6):
        first.push(0, (0, version), g)
    again = server(momentum, tmp_path / "server.pt")  # versions 5 and 6 are lost: the file is of version 4
    read, x = again.pull()
    assert read == (1, 4)
    np.testing.assert_array_equal(again.push(0, (0, 5), g)[1], x)
    assert again.push(0, read, g)[0] == (1, 5)
    np.testing.assert_allclose(again.now["state"][0], first.now["state"][0] / (1 - 0.9**6) * (1 - 0.9**5), rtol=1e-5)


# --- Settings. Whole runs, in which processes are killed, stand in cluster/on_ray.py: one cluster for all -----------


def test_a_file_of_another_run_is_left_alone(mnist, tmp_path):
    server(momentum, tmp_path / "server.pt")
    kept = (tmp_path / "server.pt").read_bytes()
    (tmp_path / "text.pt").write_text("not a server's")
    for file, message in (("server.pt", "another run"), ("text.pt", "not a server's file")):
        with pytest.raises(ValueError, match=message):
            parameter_server.check(tmp_path / file, adam, hyperparameters(adam), small, 20)
    assert (tmp_path / "server.pt").read_bytes() == kept


@pytest.mark.parametrize(
    ("settings", "name"), [({"workers": 0}, "workers"), ({"steps": 0}, "steps"), ({"lr": -1}, "lr")]
)
def test_bad_settings_are_named(mnist, settings, name):
    with pytest.raises(ValueError, match=name):
        parameter_server.train(gradient_descent, small, mnist, **({"workers": 1, "steps": 1} | settings))


def test_without_ray_it_says_how_to_get_it(mnist, monkeypatch):
    monkeypatch.setattr(cluster, "is_there", lambda: False)
    with pytest.raises(ImportError, match="pip install ray"):
        parameter_server.train(gradient_descent, small, mnist, workers=1, steps=1)
