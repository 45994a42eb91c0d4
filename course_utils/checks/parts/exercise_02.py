"""What exercise 2 compares its answers with, and the mistakes that it knows."""

import numpy as np
import torch

from course_utils import descent, rules
from course_utils.checks.parts import part, remembered
from course_utils.network import Network

# ---- gradient


def slopes(x, images, labels, relu=torch.relu):
    """The gradient as PyTorch finds it by itself."""
    x = torch.tensor(x, requires_grad=True)
    W1, b1, W2, b2 = x.split([20, 5, 15, 3])
    scores = relu(torch.tensor(images) @ W1.view(4, 5) + b1) @ W2.view(5, 3) + b2
    torch.nn.functional.cross_entropy(scores, torch.tensor(labels)).backward()
    return x.grad.numpy()


def all_open(x, images, labels):
    """Relu forward, but backward as if every unit had let its input through."""
    return slopes(x, images, labels, relu=lambda z: z + (torch.relu(z) - z).detach())


def small_b1(right):
    """The same with the slopes of b1 divided by the number of examples."""
    return lambda x, images, labels: right(x, images, labels) / np.repeat([1, len(labels), 1], [20, 5, 18])


rng = np.random.default_rng(1)


part(
    2,
    "gradient",
    slopes,
    [(rng.normal(size=43), rng.normal(size=(B, 4)), rng.integers(3, size=B)) for B in (12, 5, 1)],
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
    network = Network((3,), inputs=2, classes=len(counts))
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    images = torch.randn(len(labels), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    start = torch.zeros(network.n, dtype=torch.float64)
    path = descent.descend(rules.gradient_descent, lambda x: network.gradient(x, images, labels), start, 400, lr=2.0)
    return float(network.loss(path[-1], images, labels))


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
