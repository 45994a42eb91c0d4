"""The tasks of the exercises: for each name, what is right, and which probes tell it from what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from course_utils import rules
from course_utils.checks import papers, probes


def _itself(rule):
    return rule


@dataclass(frozen=True, eq=False)
class Task:
    """What a name stands for."""

    name: str
    probe: Callable  # (caller, task) -> pairs of a label and an answer
    right: dict  # accepted form -> what to say about it ("" for the expected one, which stands first)
    hyper: dict = field(default_factory=dict)  # of an update rule: values to start from
    drawn: dict = field(default_factory=dict)  # of an update rule: values with which its path is worth a picture
    plain: "Task | None" = None  # of a learner's variant that changes the rule (changes.py): the task as all have it,
    change: Callable = _itself  # and the change, of a black box

    @property
    def is_rule(self):
        return bool(self.hyper)

    @property
    def answer(self):
        """The expected form."""
        return next(iter(self.right))


# ---- update rules: the course's own


def adam_efficient(g, state=(0.0, 0.0, 0), *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Both corrections in the rate: Kingma and Ba, the end of section 2, where eps becomes their eps-hat."""
    m, v, t = state
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return -rate * m / (v**0.5 + eps), (m, v, t)


EFFICIENT = (
    "You use the efficient form at the end of section 2 of Kingma and Ba, where eps (their eps-hat) weighs more "
    "in the first steps than in Algorithm 1."
)


def _rule(rule, drawn, *, right=None, **hyper):
    return Task(
        rule.__name__, probes.rule_probe, {rule: ""} | (right or {}), rules.hyperparameters(rule, **hyper), drawn
    )


# ---- backprop


def softmax_cross_entropy_gradient(logits, labels):
    """(p - y) / B of the mean cross-entropy: (B, K) scores and (B,) labels to (B, K)."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    p = shifted / shifted.sum(1, keepdims=True)
    return (p - np.eye(logits.shape[1])[labels]) / len(labels)


def linear_layer_backward(delta, W, h):
    """dW, db and dh of h W + b, for delta (B, out), W (in, out), h (B, in)."""
    return h.T @ delta, delta.sum(0), delta @ W.T


def relu_backward(delta, z):
    """delta where z > 0, else 0; both of shape (B, n)."""
    return delta * (z > 0)


def numerical_gradient(f, x, h=1e-5):
    """Central differences of f at x (n,), each component moved by h to both sides."""
    moves = h * np.eye(len(x))
    return np.array([f(x + u) - f(x - u) for u in moves]) / (2 * h)


# ---- minibatches, schedules, noise, staleness


def minibatches(n, batch_size, epochs, seed):
    """The index arrays of all epochs, each epoch in a fresh order, its last batch smaller if it must be."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for _ in range(epochs)]
    return [order[i : i + batch_size] for order in orders for i in range(0, n, batch_size)]


def step_decay(step, every, factor):
    """factor^floor(step / every)."""
    return factor ** (step // every)


def minibatch_noise(gradients, batch_size):
    """E|g_B - g|^2 for a batch drawn with replacement from the gradients (N, n)."""
    g = gradients.mean(0)
    return ((gradients - g) ** 2).sum(1).mean() / batch_size


def staleness(order):
    """For each update of ``order`` (k,), how many updates lie between its reading and its use."""
    read, late = {}, []
    for k, worker in enumerate(order):
        late.append(k - read.get(worker, 0))
        read[worker] = k + 1
    return np.array(late)


TASKS = {
    task.name: task
    for task in (
        _rule(rules.gradient_descent, {"lr": 0.15}),
        _rule(rules.momentum, {"lr": 0.03, "beta": 0.8}),
        _rule(rules.nesterov, {"lr": 0.03, "beta": 0.8}),
        _rule(rules.adagrad, {"lr": 1.0, "eps": 1e-7}),
        _rule(rules.rmsprop, {"lr": 0.2, "beta": 0.9, "eps": 1e-8}, lr=0.01),
        _rule(
            rules.adam,
            {"lr": 0.3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
            lr=0.01,
            right={adam_efficient: EFFICIENT},
        ),
        _rule(papers.barzilai_borwein, {"lr": 0.05}),
        _rule(papers.quasi_hyperbolic, {"lr": 0.15, "beta": 0.9, "nu": 0.7}, lr=0.1),
        _rule(papers.restarted_nesterov, {"lr": 0.03, "beta": 0.95}),
        _rule(papers.adadelta, {"lr": 1.0, "beta": 0.9, "eps": 1e-2}),
        _rule(papers.centred_rmsprop, {"lr": 0.2, "beta": 0.9, "eps": 1e-8}),
        _rule(papers.amsgrad, {"lr": 0.3, "beta1": 0.9, "beta2": 0.9, "eps": 1e-8}, lr=0.01),
        _rule(papers.nadam, {"lr": 0.3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, lr=0.01),
        _rule(papers.schedule_free, {"lr": 0.15, "beta": 0.9}, lr=0.1),
        Task("softmax_cross_entropy_gradient", probes.softmax_probe, {softmax_cross_entropy_gradient: ""}),
        Task("linear_layer_backward", probes.linear_probe, {linear_layer_backward: ""}),
        Task("relu_backward", probes.relu_probe, {relu_backward: ""}),
        Task("numerical_gradient", probes.numerical_probe, {numerical_gradient: ""}),
        Task("minibatches", probes.minibatch_probe, {minibatches: ""}),
        Task("step_decay", probes.step_decay_probe, {step_decay: ""}),
        Task("warm_restarts", probes.warm_restarts_probe, {papers.warm_restarts: ""}),
        Task("delay_compensated", probes.delay_compensated_probe, {papers.delay_compensated: ""}),
        Task("minibatch_noise", probes.noise_probe, {minibatch_noise: ""}),
        Task("staleness", probes.staleness_probe, {staleness: ""}),
    )
}
RULES = tuple(name for name, task in TASKS.items() if task.is_rule)
STATEFUL = tuple(name for name in RULES if rules.initial_state(TASKS[name].answer))  # those that remember something
