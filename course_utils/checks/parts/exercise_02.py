"""What exercise 2 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils.checks import tasks
from course_utils.checks.parts import part, remembered

# ---- gradient


def backprop(W1, b1, W2, b2, images, labels, relu_backward=tasks.relu_backward):
    """The gradients of the four, of one hidden layer's, from the pieces that task 2 asks for; no torch, for speed."""
    Z = images @ W1 + b1
    H = np.maximum(Z, 0)
    delta = tasks.softmax_cross_entropy_gradient(H @ W2 + b2, labels)
    dW2, db2, dH = tasks.linear_layer_backward(delta, W2, H)
    dW1, db1, _ = tasks.linear_layer_backward(relu_backward(dH, Z), W1, images)
    return dW1, db1, dW2, db2


def slopes(x, images, labels, relu_backward=tasks.relu_backward):
    """The gradient, with the parameters in one vector."""
    W1, b1, W2, b2 = np.split(x, [20, 25, 40])
    gradients = backprop(W1.reshape(4, 5), b1, W2.reshape(5, 3), b2, images, labels, relu_backward)
    return np.concatenate([g.ravel() for g in gradients])


def all_open(x, images, labels):
    """Relu forward, but backward as if every unit had let its input through."""
    return slopes(x, images, labels, relu_backward=lambda delta, z: delta)


def small_b1(right):
    """The same with the slopes of b1 divided by the number of examples."""
    return lambda x, images, labels: right(x, images, labels) / np.repeat([1, len(labels), 1], [20, 5, 18])


rng = np.random.default_rng(1)


part(
    2,
    "gradient",
    slopes,
    [(rng.normal(size=43), rng.normal(size=(B, 4)), rng.integers(3, size=B)) for B in (12, 5, 1)],
    tolerance=1e-12,  # which no quotient reaches: they end at about 1e-10
    estimate="It is right in a few digits only. Are these difference quotients, or float32? Asked for is the gradient "
    "as it was derived, layer by layer, which is right in nearly all sixteen digits; quotients are there to check it.",
    mistakes={
        "The gradient check fails for W1 and b1: units that were silent hand a gradient back. In how many places does "
        "the line that should prevent it put a 0?": small_b1(all_open),
        "b1 has the right size now, but units that were silent still hand a gradient back. In how many places does the "
        "line that should prevent it put a 0?": all_open,
        "The silent units are silent now, and here is the second bug: only b1 fails the check. What is the ratio of "
        "its slopes to the quotients, and what is it for half as many examples?": small_b1(slopes),
    },
)


# ---- final_loss


@remembered
def measured_loss(counts):
    """Train such a network on random images, and see."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(0).normal(size=(len(labels), 2))
    network = [np.zeros(shape) for shape in ((2, 3), 3, (3, len(counts)), len(counts))]
    for _ in range(400):
        network = [x - 2.0 * g for x, g in zip(network, backprop(*network, images, labels), strict=True)]
    W1, b1, W2, b2 = network
    p = np.exp(np.maximum(images @ W1 + b1, 0) @ W2 + b2)
    return -np.log(p[np.arange(len(labels)), labels] / p.sum(axis=1)).mean()


part(
    2,
    "final_loss",
    measured_loss,
    [((30, 5, 5),), ((8, 2),), ((1, 2, 3, 4),)],
    mistakes={
        "This is the loss at the start, when all classes are equally probable. One of the four arrays of parameters "
        "does move: what can it learn?": lambda counts: np.log(len(counts)),
        "A loss of 0 needs probabilities that differ from image to image. Can they, if the hidden units stay silent?": (
            lambda counts: 0.0
        ),
        "Right, but in bits. Which logarithm does the chapter's cross-entropy have?": (
            lambda counts: measured_loss(counts) / np.log(2)
        ),
        "This is the sum over all examples. Is the loss their sum?": lambda counts: measured_loss(counts) * sum(counts),
        "The size is right. But a probability is at most 1, so what sign has its logarithm, and what sign the loss?": (
            lambda counts: -measured_loss(counts)
        ),
    },
)
