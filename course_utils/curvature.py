"""How steep a loss bends: products with the Hessian H of a network's loss, and its largest eigenvalue, the sharpness,
and its spectrum as a gradient sees it.

H has n x n entries and is never written down. A product H v is exact: H is symmetric, so H v is the gradient of the
number g(x)'v, where g is the loss's gradient and v is held fixed (Pearlmutter 1994, "Fast exact multiplication by the
Hessian"). The difference of two gradients will not do: between two points a relu network crosses kinks, and every
crossing counts as curvature that is not there.
"""

import numpy as np
import torch


def hessian_times(network, x, v, images, labels):
    """H v at the parameters ``x``, of shape (n,), for a vector ``v`` of shape (n,), on these examples."""
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(network.loss(x, images, labels), x, create_graph=True)
    return torch.autograd.grad(g, x, v)[0]


def sharpest(network, x, images, labels, *, rounds=20, v=None):
    """The eigenvalue of the Hessian at ``x`` that is largest in size, by power iteration: ``(L, v, residual)``.

    rounds: products with H, each of which costs about three gradients. v: where to begin, of shape (n,), such as the
    direction found at a point nearby; without it a random direction, the same every time.
    L is v'Hv for the unit vector v, in nats per squared unit of a parameter, with its sign: a saddle's largest can be
    negative. residual is ``|Hv - Lv| / |L|``: some eigenvalue lies within that share of L, so 0.05 means five per cent.
    """
    if v is None:
        v = torch.randn(network.n, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(x)
    for _ in range(rounds):
        v = v / v.norm()
        product = hessian_times(network, x, v, images, labels)
        L, last, v = float(v @ product), v, product
    return L, last, float((product - L * last).norm()) / abs(L)


def lanczos(network, x, images, labels, start, *, products=40):
    """The Hessian's spectrum as ``start`` sees it: ``(values, shares)``, arrays of shape (products,), in rising order.

    start: a vector of shape (n,), such as the gradient at ``x``. products: with H, each as dear as three gradients.
    Lanczos (1950) builds an orthonormal basis of start, H start, H^2 start, ...; in it H is a matrix with three
    diagonals. values are its eigenvalues: the outermost come near those of H first. shares, which add up to 1, say how
    much of the squared length of start lies along each. For every polynomial p of degree below 2 products,
    ``start @ p(H) @ start`` is that squared length times ``sum(shares * p(values))``: what gradient descent and
    momentum do on a quadratic is such a sum.
    """
    basis = torch.empty(products, network.n, dtype=x.dtype, device=x.device)
    three = np.zeros((products, products))
    v = start / start.norm()
    for k in range(products):
        basis[k] = v
        v = hessian_times(network, x, v, images, labels)
        three[k, k] = float(basis[k] @ v)
        for _ in range(2):  # against all, and twice: rounding would bring back directions that are found already
            v = v - basis[: k + 1].T @ (basis[: k + 1] @ v)
        if k + 1 < products:
            three[k, k + 1] = three[k + 1, k] = float(v.norm())
            v = v / v.norm()
    values, vectors = np.linalg.eigh(three)
    return values, vectors[0] ** 2
