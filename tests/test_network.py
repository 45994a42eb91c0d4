"""The network: its backprop against autograd and finite differences, its start, its views, its errors."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils.network import Network

every_network = pytest.mark.parametrize(
    "network",
    [
        Network(hidden, activation=activation, inputs=9, classes=4)
        for hidden in ((), (5,), (7, 4, 3))
        for activation in ("relu", "raw")
    ],
    ids=repr,
)


def some_problem(network, batch, dtype=torch.float64):
    """Random parameters (biases too), images and labels."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(network.n, generator=generator, dtype=dtype)
    images = torch.randn(batch, network.sizes[0], generator=generator, dtype=dtype)
    return x, images, torch.randint(network.sizes[-1], (batch,), generator=generator)


def test_number_of_parameters():
    assert Network((256, 256)).n == 269_322
    assert Network(()).n == 7_850
    assert "784 -> 256 -> 256 -> 10, relu, 269,322 parameters" in repr(Network())


@every_network
@pytest.mark.parametrize("batch", [1, 7, 32])
def test_backprop_against_autograd(network, batch):
    x, images, labels = some_problem(network, batch)
    loss, gradient = network.loss_and_gradient(x, images, labels)
    leaf = x.clone().requires_grad_()
    expected_loss = network.loss(leaf, images, labels)
    (expected,) = torch.autograd.grad(expected_loss, leaf)
    assert gradient.shape == (network.n,)
    torch.testing.assert_close(loss, expected_loss.detach(), rtol=1e-12, atol=0)
    assert float((gradient - expected).norm() / expected.norm()) < 1e-12
    assert torch.equal(network.gradient(x, images, labels), gradient)


@every_network
def test_gradient_against_finite_differences(network):
    x, images, labels = some_problem(network, 13)
    h = 1e-6
    steps = h * torch.eye(network.n, dtype=torch.float64)
    numerical = torch.stack(
        [(network.loss(x + step, images, labels) - network.loss(x - step, images, labels)) / (2 * h) for step in steps]
    )
    torch.testing.assert_close(network.gradient(x, images, labels), numerical, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("activation", ["relu", "raw"])
def test_logits_are_those_of_a_plain_torch_network(activation):
    network = Network((5, 3), activation=activation, inputs=9, classes=4)
    x, images, labels = some_problem(network, 11)
    (W1, b1), (W2, b2), (W3, b3) = network.layers(x)
    act = torch.relu if activation == "relu" else lambda z: z
    expected = act(act(images @ W1 + b1) @ W2 + b2) @ W3 + b3
    torch.testing.assert_close(network.logits(x, images), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(network.loss(x, images, labels), cross_entropy(expected, labels), rtol=1e-12, atol=0)


def test_a_raw_network_is_linear_however_deep():
    network = Network((7, 6), activation="raw", inputs=9, classes=4)
    x, images, _ = some_problem(network, 8)
    origin = network.logits(x, torch.zeros_like(images))
    twice, once = network.logits(x, 2 * images) - origin, network.logits(x, images) - origin
    torch.testing.assert_close(twice, 2 * once, rtol=1e-10, atol=1e-10)


def test_large_scores_do_not_overflow():
    network = Network((), inputs=9, classes=4)
    x, images, labels = some_problem(network, 8, torch.float32)
    loss, gradient = network.loss_and_gradient(1e4 * x, images, labels)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("hidden", [(), (256,), (256, 256)])
def test_start(hidden):
    network = Network(hidden)
    x = network.initial(0)
    assert x.shape == (network.n,)
    assert x.dtype == torch.float32
    assert torch.equal(x, network.initial(0))
    assert not torch.equal(x, network.initial(1))
    for W, b in network.layers(x):
        he = math.sqrt(2 / W.shape[0])
        assert float(W.std()) == pytest.approx(he, rel=0.05)
        assert abs(float(W.mean())) < 5 * he / math.sqrt(W.numel())
        assert not b.any()
    in_float64 = network.initial(0, dtype=torch.float64)
    assert in_float64.dtype == torch.float64
    assert torch.equal(in_float64.float(), x)


def test_start_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    Network((5,)).initial(3)
    assert torch.equal(torch.rand(1), expected)


def test_layers_are_views_that_fill_the_vector():
    network = Network((5, 3), inputs=9, classes=4)
    x = torch.zeros(network.n)
    layers = network.layers(x)
    assert [(tuple(W.shape), tuple(b.shape)) for W, b in layers] == [((9, 5), (5,)), ((5, 3), (3,)), ((3, 4), (4,))]
    for W, b in layers:
        W += 1
        b += 1
    assert (x == 1).all()  # every entry belongs to one layer, and to one only


def test_loss_of_a_network_that_knows_nothing_is_ln_10():
    network = Network()
    labels = torch.arange(20) % 10
    loss = network.loss(torch.zeros(network.n), torch.randn(20, 784), labels)
    assert float(loss) == pytest.approx(math.log(10), rel=1e-6)


def test_accuracy_of_a_known_case():
    network = Network((), inputs=3, classes=3)
    x = torch.cat([torch.eye(3).flatten(), torch.zeros(3)])  # the class is the largest input
    images = torch.tensor([[5.0, 1, 2], [0, 3, 1], [1, 0, 2], [4, 3, 0]])
    assert float(network.accuracy(x, images, torch.tensor([0, 1, 2, 1]))) == 0.75
    assert network.accuracy(x, images, torch.tensor([0, 1, 2, 0])).shape == ()


@every_network
def test_changes_nothing_it_is_given(network):
    x, images, labels = some_problem(network, 6)
    before = [part.clone() for part in (x, images, labels)]
    network.loss_and_gradient(x, images, labels)
    network.loss(x, images, labels)
    network.logits(x, images)
    network.accuracy(x, images, labels)
    for part, part_before in zip((x, images, labels), before, strict=True):
        assert torch.equal(part, part_before)


@pytest.mark.parametrize("hidden", [(0,), (-3,), (2.5,), (True,), ("64",), (64, 0)])
def test_bad_widths(hidden):
    with pytest.raises(ValueError, match="every layer needs a whole number of units, at least 1"):
        Network(hidden)


def test_bad_activation():
    with pytest.raises(ValueError, match="activation must be 'relu' or 'raw', not 'tanh'"):
        Network((5,), activation="tanh")


@pytest.mark.parametrize("length", [0, 7_849, 7_851])
def test_vector_of_the_wrong_length(length):
    with pytest.raises(ValueError, match=rf"needs a parameter vector of shape \(7850,\), not \({length},\)"):
        Network(()).logits(torch.zeros(length), torch.zeros(1, 784))
