"""The talk's network as a function of one flat vector: 784 inputs -> hidden layers -> softmax over 10 classes.

All weights and biases live in one vector ``x``, so an update rule sees x, g and v of one shape.
The gradient is backprop written by hand (chapter 02 derives it); autograd is only its test.
"""

import math
from itertools import pairwise

import torch


class Network:
    """A fully connected classifier without state of its own: the parameters are always handed in.

    hidden: width of each hidden layer; ``()`` is softmax regression. activation: ``"relu"``, or ``"raw"`` for
    linear hidden units. inputs, classes: the sizes of both ends. Raises ``ValueError`` for a size below 1
    or another activation.

    ``n`` is the number of parameters. Layer l has a weight matrix W of shape (fan_in, fan_out) and a bias b of
    shape (fan_out,), stored in the vector as W1, b1, W2, b2, ...
    """

    def __init__(self, hidden=(256, 256), *, activation="relu", inputs=784, classes=10):
        self.sizes = (inputs, *hidden, classes)
        self.activation = activation
        if any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in self.sizes):
            raise ValueError(f"every layer needs a whole number of units, at least 1, not {self.sizes}")
        if activation not in ("relu", "raw"):
            raise ValueError(f"activation must be 'relu' or 'raw', not {activation!r}")
        self.shapes = [shape for pair in pairwise(self.sizes) for shape in (pair, pair[1:])]
        self.lengths = [math.prod(shape) for shape in self.shapes]
        self.n = sum(self.lengths)

    def __repr__(self):
        return f"Network({' -> '.join(map(str, self.sizes))}, {self.activation}, {self.n:,} parameters)"

    def initial(self, seed=0, *, device="cpu", dtype=torch.float32):
        """A start vector of shape (n,): weights from N(0, 2 / fan_in), biases 0. He et al. (2015), equation 10.

        The numbers are drawn on the CPU in float64, so one seed gives one start on every device and in every dtype.
        """
        generator = torch.Generator().manual_seed(seed)
        x = torch.zeros(self.n, dtype=torch.float64)
        for W, _ in self.layers(x):
            W.normal_(std=math.sqrt(2 / W.shape[0]), generator=generator)
        return x.to(device=device, dtype=dtype)

    def layers(self, x):
        """The vector as its list of (W, b), as views: nothing is copied."""
        if x.shape != (self.n,):
            raise ValueError(f"{self!r} needs a parameter vector of shape ({self.n},), not {tuple(x.shape)}")
        # split + view: the backward pass of a slice would fill a whole vector of zeros, once for each slice
        parts = x.split(self.lengths)
        views = [part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)]
        return list(zip(views[::2], views[1::2], strict=True))

    def logits(self, x, images):
        """Scores before the softmax: images (batch, inputs) -> (batch, classes)."""
        *hidden_layers, (W, b) = self.layers(x)
        h = images
        for W_hidden, b_hidden in hidden_layers:
            h = self._activate(torch.addmm(b_hidden, h, W_hidden))
        return torch.addmm(b, h, W)

    def loss(self, x, images, labels):
        """Mean cross-entropy in nats: images (batch, inputs), labels (batch,) int64 -> a tensor of shape ()."""
        return torch.nn.functional.cross_entropy(self.logits(x, images), labels)

    def accuracy(self, x, images, labels):
        """Share of images whose largest score is the label's, in [0, 1], as a tensor of shape ()."""
        return (self.logits(x, images).argmax(1) == labels).float().mean()

    def loss_and_gradient(self, x, images, labels):
        """The loss and its gradient with respect to ``x``, of shape (n,), by backprop."""
        layers = self.layers(x)

        # forward: remember what every layer receives
        received = [images]
        for W, b in layers[:-1]:
            received.append(self._activate(torch.addmm(b, received[-1], W)))
        W, b = layers[-1]
        log_p = torch.log_softmax(torch.addmm(b, received[-1], W), dim=1)
        loss = torch.nn.functional.nll_loss(log_p, labels)

        # backward: delta is the gradient of the loss with respect to a layer's output before its activation
        one_hot = (labels[:, None] == torch.arange(self.sizes[-1], device=labels.device)).to(x.dtype)
        delta = (log_p.exp() - one_hot) / len(labels)
        gradient = torch.empty_like(x)
        for (W, _), (W_gradient, b_gradient), h in reversed(
            list(zip(layers, self.layers(gradient), received, strict=True))
        ):
            W_gradient.copy_(h.T @ delta)
            b_gradient.copy_(delta.sum(0))
            if h is not images:
                delta = delta @ W.T
                if self.activation == "relu":
                    delta *= h.sign()  # relu's slope: 1 where it let its input through, else 0
        return loss, gradient

    def gradient(self, x, images, labels):
        """The gradient alone, of shape (n,)."""
        return self.loss_and_gradient(x, images, labels)[1]

    def _activate(self, z):
        return z.relu_() if self.activation == "relu" else z
