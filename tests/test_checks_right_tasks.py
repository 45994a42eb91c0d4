"""Right answers to the tasks that are no rules, written otherwise than the course writes them: they must pass."""

import math
import random

import numpy as np
import pytest
import torch

from course_utils.checks import diagnose


def naive_softmax_gradient(logits, labels):
    gradient = np.zeros_like(logits)
    for b, (row, label) in enumerate(zip(logits, labels, strict=True)):
        p = [math.exp(score - max(row)) for score in row]
        gradient[b] = [(value / sum(p) - (k == label)) / len(labels) for k, value in enumerate(p)]
    return gradient


def torch_softmax_gradient(logits, labels):
    logits = torch.tensor(logits, requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).backward()
    return logits.grad


def global_shift_softmax_gradient(logits, labels):
    p = np.exp(logits - logits.max(axis=1)[:, None])
    p /= p.sum(axis=1)[:, None]
    p[range(len(labels)), labels] -= 1
    return p / len(labels)


def looped_linear(delta, W, h):
    dW = sum(np.outer(row, d) for row, d in zip(h, delta, strict=True))
    return [dW, np.ones(len(h)) @ delta, np.einsum("bo,io->bi", delta, W)]


def float32_linear(delta, W, h):
    delta, W, h = (part.astype(np.float32) for part in (delta, W, h))
    return np.tensordot(h, delta, (0, 0)), delta.sum(axis=0), np.matmul(delta, W.transpose())


def where_relu(delta, z):
    return np.where(z > 0, delta, 0)


def restored_numerical(f, x, h):
    gradient = []
    for i in range(len(x)):
        x[i] += h
        up = f(x)
        x[i] -= 2 * h
        down = f(x)
        x[i] += h
        gradient.append((up - down) / h / 2)
    return gradient


def listed_numerical(f, x, h=1e-5):
    x = list(x)
    return [(f(x[:i] + [x[i] + h] + x[i + 1 :]) - f(x[:i] + [x[i] - h] + x[i + 1 :])) / 2 / h for i in range(len(x))]


def generated_minibatches(n, batch_size, epochs, seed):
    generator = random.Random(seed)
    for _ in range(epochs):
        order = generator.sample(range(n), n)
        while order:
            batch, order = order[:batch_size], order[batch_size:]
            yield batch


def torch_minibatches(n, batch_size, *, epochs=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [batch for _ in range(epochs) for batch in torch.randperm(n, generator=generator).split(batch_size)]


def epoch_seed_minibatches(n, batch_size, epochs, seed):
    batches = []
    for epoch in range(epochs):
        order = np.arange(n)
        np.random.default_rng([seed, epoch]).shuffle(order)
        batches += np.split(order, range(batch_size, n, batch_size))
    return batches


def global_minibatches(n, batch_size, epochs, seed):
    np.random.seed(seed)  # noqa: NPY002
    orders = [np.random.permutation(n) for _ in range(epochs)]  # noqa: NPY002
    return [order[i : i + batch_size] for order in orders for i in range(0, n, batch_size)]


def looped_decay(step, every, factor):
    value = 1.0
    while step >= every:
        value, step = value * factor, step - every
    return value


def noise_by_variance(gradients, batch_size):
    return np.trace(np.atleast_2d(np.cov(gradients.T, bias=True))) / batch_size


def noise_by_moments(gradients, batch_size):
    return torch.tensor(gradients).var(0, correction=0).sum() / batch_size


def staleness_by_search(order):
    order = list(order)
    return [k - max((j + 1 for j in range(k) if order[j] == order[k]), default=0) for k in range(len(order))]


def staleness_by_array(order):
    version, late = np.zeros(order.max() + 1, dtype=int), np.empty(len(order), dtype=np.int32)
    for k, worker in enumerate(order):
        late[k] = k - version[worker]
        version[worker] = k + 1
    return late


RIGHT = {
    "softmax_cross_entropy_gradient": [
        naive_softmax_gradient,
        torch_softmax_gradient,
        global_shift_softmax_gradient,
    ],
    "linear_layer_backward": [looped_linear, float32_linear],
    "relu_backward": [where_relu, lambda delta, z: (np.sign(z).clip(0) * delta).tolist()],
    "numerical_gradient": [restored_numerical, listed_numerical],
    "minibatches": [generated_minibatches, torch_minibatches, epoch_seed_minibatches, global_minibatches],
    "step_decay": [looped_decay, lambda step, every, factor: np.power(factor, np.floor(step / every))],
    "minibatch_noise": [noise_by_variance, noise_by_moments],
    "staleness": [staleness_by_search, staleness_by_array],
}


@pytest.mark.parametrize(("name", "candidate"), [(name, candidate) for name in RIGHT for candidate in RIGHT[name]])
def test_right_variants_pass(name, candidate):
    verdict = diagnose(name, candidate)
    assert verdict.passed, verdict.message
    assert (verdict.mistake, verdict.score) == (None, 1.0)
