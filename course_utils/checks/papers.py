"""Rules that no chapter derives, each as its paper states it: what the exercises ask for beyond the course.

They have the course's signature (see course_utils/rules.py): gradient and state in, update and new state out. Read one
only after you have written it. The names of their hyperparameters are the course's: a paper's decay is ``beta`` here,
its rate ``lr``.
"""

import math

import numpy as np

# ---- exercise 2


def barzilai_borwein(g, state=(0.0, 0.0, 0), *, lr=0.01):
    """Gradient descent that measures its own rate: s.s / s.y, with s the last update and y the change of g since.

    The first step takes ``lr``, and so does every step in which s.y is not positive. g: shape (n,).
    Source: Barzilai and Borwein (1988), *Two-point step size gradient methods*, the first of their two rates.
    """
    s, last, t = state
    rate = lr
    if t > 0:
        along = float((s * (g - last)).sum())
        if along > 0:
            rate = float((s * s).sum()) / along
    update = -rate * g
    return update, (update, 1.0 * g, t + 1)


# ---- exercise 3


def warm_restarts(step, period, growth, lowest):
    """Cosine from 1 down to ``lowest`` over ``period`` steps, then from 1 again, each period ``growth`` times as long.

    Source: Loshchilov and Hutter (2017), *SGDR: stochastic gradient descent with warm restarts*, equation (5).
    """
    while step >= period:
        step -= period
        period *= growth
    return lowest + (1 - lowest) * (1 + math.cos(math.pi * step / period)) / 2


# ---- exercise 4


def quasi_hyperbolic(g, state=(0.0,), *, lr=0.01, beta=0.9, nu=0.7):
    """A weighted mean of a plain step and a step of momentum as a moving average: nu is the momentum's weight.

    Source: Ma and Yarats (2019), *Quasi-hyperbolic momentum and Adam for deep learning*, section 3.
    """
    (m,) = state
    m = beta * m + (1 - beta) * g
    return -lr * ((1 - nu) * g + nu * m), (m,)


# ---- exercise 5


def delay_compensated(g, now, read, lr, lam):
    """The update for a gradient g that was computed at ``read`` and arrives at ``now``; all of shape (n,).

    lam * g * g stands for the curvature along each axis. Source: Zheng and others (2017), *Asynchronous stochastic
    gradient descent with delay compensation*, the update of DC-ASGD.
    """
    return -lr * (g + lam * g * g * (now - read))


# ---- exercise 6


def restarted_nesterov(g, state=(0.0,), *, lr=0.01, beta=0.9):
    """Nesterov momentum that forgets its velocity whenever it points uphill: if g.v < 0, v becomes lr g. g: (n,).

    Source: O'Donoghue and Candes (2015), *Adaptive restart for accelerated gradient schemes*, the gradient
    scheme.
    """
    (v,) = state
    v = beta * v + lr * g
    if float((g * v).sum()) < 0:
        v = lr * g
    return -(beta * v + lr * g), (v,)


# ---- exercise 7


def adadelta(g, state=(0.0, 0.0), *, lr=1.0, beta=0.9, eps=1e-6):
    """Steps whose size is measured by the steps before: units cancel, and lr is 1 in the paper.

    Source: Zeiler (2012), *ADADELTA: an adaptive learning rate method*, algorithm 1; beta is its rho.
    """
    r, d = state
    r = beta * r + (1 - beta) * g**2
    step = (d + eps) ** 0.5 / (r + eps) ** 0.5 * g
    return -lr * step, (r, beta * d + (1 - beta) * step**2)


# ---- exercise 8


def centred_rmsprop(g, state=(0.0, 0.0), *, lr=0.01, beta=0.9, eps=1e-8):
    """RMSProp that divides by an estimate of the standard deviation: the mean square less the square of the mean.

    Source: Graves (2013), *Generating sequences with recurrent neural networks*, section 4.2; eps stands outside the
    root, as everywhere in this course and in PyTorch.
    """
    r, m = state
    r = beta * r + (1 - beta) * g**2
    m = beta * m + (1 - beta) * g
    return -lr * g / (np.maximum(r - m**2, 0) ** 0.5 + eps), (r, m)


# ---- exercise 9


def amsgrad(g, state=(0.0, 0.0, 0.0), *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam without corrections that divides by the root of the largest v so far, so that no rate ever rises.

    Source: Reddi, Kale and Kumar (2018), *On the convergence of Adam and beyond*, algorithm 2; eps is the course's.
    """
    m, v, most = state
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    most = np.maximum(most, v)
    return -lr * m / (most**0.5 + eps), (m, v, most)


def nadam(g, state=(0.0, 0.0, 0), *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam that looks ahead, as Nesterov does: the mean of the *next* step without its gradient, and this gradient.

    Source: Dozat (2016), *Incorporating Nesterov momentum into Adam*, algorithm 2, with a constant beta1.
    """
    m, v, t = state
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return -lr * m_hat / (v_hat**0.5 + eps), (m, v, t)


# ---- exercise 10


def schedule_free(g, state=(0.0, 0.0, 0), *, lr=0.01, beta=0.9):
    """SGD whose iterate y lies between a fast point z and the mean x of all z: the state holds z - y, x - y and t.

    z <- z - lr g; x <- (1 - c) x + c z with c = 1 / (t + 1); y = (1 - beta) z + beta x, and the update is y's change.
    Source: Defazio and others (2024), *The road less scheduled*, with c = 1 / (t + 1).
    """
    z, x, t = state
    t = t + 1
    z = z - lr * g
    x = x + (z - x) / (t + 1)
    update = (1 - beta) * z + beta * x
    return update, (z - update, x - update, t)
