"""Products with the Hessian and the sharpness, against the Hessian written down in full."""

import numpy as np
import pytest
import torch

from course_utils.curvature import hessian_times, lanczos, sharpest
from course_utils.network import Network

network = Network((5,), inputs=4, classes=3)
generator = torch.Generator().manual_seed(0)
images = torch.randn(40, 4, generator=generator, dtype=torch.float64)
labels = torch.randint(3, (40,), generator=generator)


@pytest.fixture
def x():
    return network.initial(0, dtype=torch.float64)


@pytest.fixture
def hessian(x):
    return torch.autograd.functional.hessian(lambda x: network.loss(x, images, labels), x)


def test_a_product_is_the_hessians(x, hessian):
    v = torch.randn(network.n, generator=generator, dtype=torch.float64)
    np.testing.assert_allclose(hessian_times(network, x, v, images, labels), hessian @ v, rtol=1e-10, atol=1e-12)


def test_sharpest_is_the_largest_eigenvalue_and_its_direction(x, hessian):
    eigenvalues, directions = torch.linalg.eigh(hessian)
    L, v, residual = sharpest(network, x, images, labels, rounds=200)
    assert L == pytest.approx(float(eigenvalues[-1]), rel=1e-9)
    assert abs(float(v @ directions[:, -1])) == pytest.approx(1, abs=1e-6)
    assert residual < 1e-5


def test_the_residual_bounds_the_error(x, hessian):
    eigenvalues = torch.linalg.eigvalsh(hessian)
    for rounds in (1, 2, 5, 10):
        L, _, residual = sharpest(network, x, images, labels, rounds=rounds)
        assert float((eigenvalues - L).abs().min()) <= residual * abs(L) * (1 + 1e-9)


def test_a_good_direction_to_begin_with_saves_rounds(x):
    _, v, _ = sharpest(network, x, images, labels, rounds=50)
    assert sharpest(network, x, images, labels, rounds=1, v=v)[2] < sharpest(network, x, images, labels, rounds=1)[2]


def test_lanczos_sees_the_exact_spectrum(x, hessian):
    """With as many products as the start has eigenvectors in it: their eigenvalues, and the share along each."""
    eigenvalues, directions = torch.linalg.eigh(hessian)
    some = [0, 1, 20, 40, 41, 42]
    lengths = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0, 0.5], dtype=torch.float64)
    values, shares = lanczos(network, x, images, labels, directions[:, some] @ lengths, products=6)
    np.testing.assert_allclose(values, eigenvalues[some], atol=1e-9)
    np.testing.assert_allclose(shares, lengths**2 / (lengths**2).sum(), atol=1e-9)


def test_few_products_of_lanczos_know_what_polynomials_of_h_do(x, hessian):
    """g' H^j g for every j below twice their number, and so the length of the gradient after descent on a quadratic."""
    g = network.gradient(x, images, labels)
    values, shares = lanczos(network, x, images, labels, g, products=5)
    assert shares.sum() == pytest.approx(1)
    for j in range(10):
        exact = float(g @ torch.linalg.matrix_power(hessian, j) @ g) / float(g @ g)
        assert (shares * values**j).sum() == pytest.approx(exact, rel=1e-9)
    left = torch.linalg.matrix_power(torch.eye(network.n, dtype=torch.float64) - 0.3 * hessian, 4) @ g
    assert (shares * (1 - 0.3 * values) ** 8).sum() == pytest.approx(float(left @ left) / float(g @ g), rel=1e-9)


def test_lanczos_outermost_values_come_near_the_hessians_first(x, hessian):
    eigenvalues = torch.linalg.eigvalsh(hessian)
    values, _ = lanczos(network, x, images, labels, network.gradient(x, images, labels), products=12)
    assert values[-1] == pytest.approx(float(eigenvalues[-1]), rel=1e-3)
    assert eigenvalues[0] - 1e-12 <= values[0]
    assert values[-1] <= eigenvalues[-1] + 1e-12


def test_kinks_do_not_count_as_curvature():
    """What a difference of gradients gets wrong: the loss of relu's kinks, which no product sees."""
    net = Network((64, 64))
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(500, 784, generator=generator), torch.randint(10, (500,), generator=generator)
    x = net.initial(0)
    u = torch.randn(net.n, generator=generator)
    u, h = u / u.norm(), 1e-2
    exact = hessian_times(net, x, u, images, labels).norm()
    difference = (net.gradient(x + h * u, images, labels) - net.gradient(x - h * u, images, labels)) / (2 * h)
    assert difference.norm() > 2 * exact
