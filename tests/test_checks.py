"""The checks of the exercises: every known mistake caught and named, every right variant passed, nothing escapes."""

import collections
import functools
import json
import math
import random
import re
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

from course_utils import rules
from course_utils.checks import check, diagnose, guard, names, probes
from course_utils.checks.zoo import RULES, STATEFUL, ZOO

# ---- the known mistakes


def test_every_known_mistake_is_caught_and_named():
    lines, specimens, caught, named = [], 0, 0, 0
    for name in names:
        for entry in ZOO[name].values():
            verdicts = [diagnose(name, make()) for make in entry.makers]
            failed = sum(not verdict.passed for verdict in verdicts)
            rightly = sum(verdict.mistake == entry.slug for verdict in verdicts)
            lines.append(f"{name:31} {entry.slug:32} {len(verdicts):2} {failed:7} {rightly:6}")
            specimens, caught, named = specimens + len(verdicts), caught + failed, named + rightly
            assert all(0 <= verdict.score <= 0.5 for verdict in verdicts)
            assert all(entry.message in verdict.message for verdict in verdicts if verdict.mistake == entry.slug)
    print(f"\n{'task':31} {'mistake':32}  n  caught  named", *lines, sep="\n")
    print(f"{specimens} specimens of {len(lines)} mistakes: {caught} caught, {named} named")
    assert caught == specimens
    assert named >= 0.95 * specimens


def test_every_mistake_has_words_of_its_own():
    assert set(ZOO) == set(names)
    for entries in ZOO.values():
        for entry in entries.values():
            assert entry.slug.isidentifier()
            assert entry.message.endswith(".")
            assert entry.hint.endswith((".", "?"))
            assert entry.makers


# What the course promises to name, so that nobody deletes it by accident.
PROMISED = {
    "adam": "t_starts_at_0 t_one_ahead t_not_stored t_reset t_shared t_counts_components beta_times_t no_correction "
    "only_m_corrected only_v_corrected correction_multiplies corrected_stored eps_inside_root eps_missing "
    "betas_swapped not_squared no_root norm one_minus_beta_missing one_minus_beta_extra",
    "momentum": "velocity_sign stale_velocity lr_outside_velocity moving_average",
    "nesterov": "no_look_ahead look_ahead_sign look_ahead_without_beta old_buffer lr_outside_velocity moving_average",
    "adagrad": "averages overwrites no_root norm eps_inside_root",
    "rmsprop": "starts_at_square one_minus_beta_missing no_root not_squared eps_inside_root",
}
HABITS = "mutates_arguments keeps_the_gradient state_shared_between_runs state_shared_between_parameters "
HABITS += "integer_state wrong_sign ignores_lr clipped"


@pytest.mark.parametrize("name", STATEFUL)
def test_the_zoo_holds_what_is_promised(name):
    assert set(f"{PROMISED[name]} {HABITS}".split()) <= set(ZOO[name])


# ---- right, but written otherwise


class MomentumObject:
    """A class with __call__, and an object of another class as its state."""

    class Memory:
        def __init__(self, v):
            self.v = v

    def __call__(self, g, state=None, lr=0.01, beta=0.9):
        v = lr * g + (0 if state is None else beta * state.v)
        return -v, self.Memory(v)


class AdamObject:
    def step(self, g, state=None, *, lr, beta1, beta2, eps):
        state = state or {"m": np.zeros_like(g), "v": np.zeros_like(g), "t": 0}
        state["t"] += 1
        state["m"] *= beta1
        state["m"] += (1 - beta1) * g
        state["v"] *= beta2
        state["v"] += (1 - beta2) * np.square(g)
        m_hat = state["m"] / (1 - math.pow(beta1, state["t"]))
        v_hat = state["v"] / (1 - math.pow(beta2, state["t"]))
        return -lr * m_hat / (np.sqrt(v_hat) + eps), state


def make_adam(extra=0):
    def adam(g, state=None, **hyper):
        m, v, t = state if state is not None else (0.0, 0.0, extra)
        b1, b2 = hyper["beta1"], hyper["beta2"]
        m, v, t = b1 * m + g - b1 * g, b2 * v + g * g * (1 - b2), t + 1
        rate = hyper["lr"] / (1 - b1**t)
        return -rate * m / (np.sqrt(v) / np.sqrt(1 - b2**t) + hyper["eps"]), (m, v, t)

    return adam


def in_place_velocity(g, state=None, *, lr, beta):
    v = np.zeros_like(g) if state is None else state
    v *= beta
    v -= lr * g
    return v, v  # update and state are one array


def momentum_array_state(g, state=None, *, lr=0.01, beta=0.9, verbose=False, **unused):
    state = np.zeros((1, len(g))) if state is None else state
    state = beta * state + lr * g
    return -state[0], state


def momentum_list_of_floats(g, state=None, *, lr, beta):
    state = [0.0] * len(g) if state is None else state
    state = [beta * v + lr * float(entry) for v, entry in zip(state, g, strict=True)]
    return [-v for v in state], state


def momentum_by_loops(g, state=None, *, lr, beta):
    update = np.empty(len(g))
    v = np.zeros(len(g)) if state is None else state["v"].copy()
    for i in range(len(g)):
        v[i] = beta * v[i] + lr * g[i]
        update[i] = -v[i]
    return update, {"v": v}


def momentum_of_torch_scaled_by_lr(g, state=None, *, lr, beta):
    u, old_lr = (torch.zeros(len(g)), lr) if state is None else state  # float32
    u = beta * u * (old_lr / lr) + torch.as_tensor(g, dtype=torch.float32)
    return -lr * u, (u, lr)


def momentum_remembers_gradients(g, state=(), *, lr, beta):
    state = [*state, lr * np.array(g)]
    return -sum(beta**age * old for age, old in enumerate(reversed(state))), state


def momentum_with_default_zero(g, state=0, lr=0.01, beta=0.9):
    v = np.float32(beta) * np.asarray(state, dtype=np.float32) + np.float32(lr) * g.astype(np.float32)
    return -v, v


def momentum_opposite_velocity(g, state=None, *, lr, beta):
    v = np.subtract(0.0 if state is None else np.multiply(state, beta), np.multiply(lr, g))
    return v.copy(), v.tolist()


def nesterov_cs231n(g, state=0.0, *, lr, beta):
    old, v = state, beta * state - lr * g
    return -beta * old + (1 + beta) * v, v


def nesterov_by_differences(g, state=None, *, lr, beta):
    last, v = state or (0.0, 0.0)
    v = beta * v + lr * g + beta * (lr * g - last)
    return -v, (lr * g, v)


def nesterov_two_points(g, state=None, *, lr, beta):
    ahead = 0.0 if state is None else state  # how far the iterate is ahead of the point without momentum
    v = ahead - lr * g
    return v + beta * v - ahead, beta * v


def adagrad_cached_root(g, state=None, *, lr, eps):
    root = np.hypot(0.0 if state is None else state, g)
    return -lr * g / (root + eps), root


def adagrad_counted(g, state=None, *, lr, eps):
    mean, k = state or (0.0, 0)
    mean, k = (mean * k + g**2) / (k + 1), k + 1
    return -lr * g / (np.sqrt(k * mean) + eps), (mean, k)


def adagrad_torch(g, state=None, *, lr, eps):
    g = torch.tensor(g)
    state = torch.zeros_like(g) if state is None else state
    return g.mul(-lr).div_(state.addcmul_(g, g).sqrt() + eps), state


def adagrad_maths(g, state=None, *, lr, eps):
    r = [old + x * x for old, x in zip(state or [0.0] * len(g), g, strict=True)]
    return np.array([-lr * x / (math.sqrt(total) + eps) for x, total in zip(g, r, strict=True)]), r


def rmsprop_increment(g, state=None, *, lr, beta, eps):
    r = np.zeros(g.shape) if state is None else state[0]
    r = r + (1 - beta) * (g**2 - r)
    return np.negative(lr) * g * np.reciprocal(np.sqrt(r) + eps), [r]


def rmsprop_dict_float32(g, state=None, *, lr, beta, eps):
    g = np.array(g, dtype="float32")
    state = {"cache": np.zeros_like(g)} if not state else state
    state["cache"] = np.float32(beta) * state["cache"] + np.float32(1 - beta) * g * g
    return -np.float32(lr) * g / (np.sqrt(state["cache"]) + np.float32(eps)), state


def rmsprop_safe_zero(g, state=None, *, lr, beta, eps):
    r = (1 - beta) * g**2 if state is None else np.average([state, g**2], axis=0, weights=[beta, 1 - beta])
    return np.where(g == 0, 0.0, -lr * g / (r**0.5 + eps)), r


def adam_float32(g, state=None, *, lr, beta1, beta2, eps):
    g = g.astype(np.float32)
    m, v, t = state if state else (np.zeros_like(g), np.zeros_like(g), 0)
    m, v, t = (
        np.float32(beta1) * m + np.float32(1 - beta1) * g,
        np.float32(beta2) * v + np.float32(1 - beta2) * g**2,
        t + 1,
    )
    return -lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps), (m, v, t)


def adam_powers(g, state=None, *, lr, beta1, beta2, eps):
    m, v, p1, p2 = state or (0.0, 0.0, 1.0, 1.0)  # powers of beta instead of t
    p1, p2 = p1 * beta1, p2 * beta2
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return -lr * (m / (1 - p1)) / (np.sqrt(v / (1 - p2)) + eps), (m, v, p1, p2)


def adam_t_first(g, state=(0, 0, 1), *, lr, beta1, beta2, eps):
    m, v, t = state  # t is the number of this step
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return -lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)) ** 0.5 + eps), (m, v, t + 1)


def adam_torch(g, state=None, *, lr, beta1, beta2, eps):
    g = torch.from_numpy(g).clone()
    m, v, t = state or (torch.zeros_like(g), torch.zeros_like(g), 0)
    m, v, t = m.lerp(g, 1 - beta1), v.lerp(g * g, 1 - beta2), t + 1
    return -lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps), (m, v, t)


def adam_averages_of_corrected(g, state=None, *, lr, beta1, beta2, eps):
    m_hat, v_hat, t = state or (0.0, 0.0, 0)  # the corrected averages, updated directly
    t += 1
    m_hat = m_hat + (1 - beta1) / (1 - beta1**t) * (g - m_hat)
    v_hat = v_hat + (1 - beta2) / (1 - beta2**t) * (g**2 - v_hat)
    return -lr * m_hat / (v_hat**0.5 + eps), (m_hat, v_hat, t)


def adam_rearranged(g, state=None, *, lr, beta1, beta2, eps):
    m, v, t = state or (0.0, 0.0, 0)
    t += 1
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    scale = math.sqrt(1 - beta2**t)
    return -lr * scale / (1 - beta1**t) * m / (np.sqrt(v) + eps * scale), (m, v, t)


def adam_one_array(g, state=None, *, lr, beta1, beta2, eps):
    state = np.zeros(2 * len(g) + 1) if state is None else state.copy()
    m, v = state[: len(g)], state[len(g) : -1]
    state[-1] += 1
    m += (1 - beta1) * (g - m)
    v += (1 - beta2) * (g * g - v)
    bias1, bias2 = 1 - np.power([beta1, beta2], state[-1])
    return -lr * (m / bias1) / (np.sqrt(v / bias2) + eps), state


def adam_silent_about_zeros(g, state=None, *, lr, beta1, beta2, eps):
    with np.errstate(all="ignore"):
        return make_adam()(g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])  # its first use imports for seconds, more than a check allows


def adam_of_torch_optim(g, state=None, *, lr, beta1, beta2, eps):
    if state is None:
        x = torch.nn.Parameter(torch.zeros(len(g), dtype=torch.float64))
        state = x, torch.optim.Adam([x], lr=lr, betas=(beta1, beta2), eps=eps)
    x, optimizer = state
    optimizer.param_groups[0]["lr"] = lr
    before, x.grad = x.detach().clone(), torch.tensor(g)
    optimizer.step()
    return x.detach() - before, state


Moments = collections.namedtuple("Moments", "m v t")
Result = collections.namedtuple("Result", "update state")


def adam_named_tuples(g, state=None, *, lr, beta1, beta2, eps):
    state = state or Moments(0.0, 0.0, 0)
    state = Moments(beta1 * state.m + (1 - beta1) * g, beta2 * state.v + (1 - beta2) * g * g, state.t + 1)
    scale1, scale2 = -np.expm1(state.t * np.log([beta1, beta2]))
    return Result(-lr * (state.m / scale1) / (np.sqrt(state.v / scale2) + eps), state)


def _velocity():
    v, update = 0.0, None
    while True:
        g, lr, beta = yield update
        v = beta * v + lr * g
        update = -v


def momentum_generator_state(g, state=None, *, lr, beta):
    if state is None:
        state = _velocity()
        next(state)
    return state.send((g, lr, beta)), state


def momentum_function_state(g, state=lambda: 0.0, *, lr, beta):
    v = beta * state() + lr * g
    return -v, lambda: v


def momentum_text_state(g, state="0", *, lr, beta):
    v = np.multiply(json.loads(state), beta) + lr * g
    return -v, json.dumps(v.tolist())


class MomentumReusesItsOutput:
    out = np.empty(0)

    def __call__(self, g, state=0.0, *, lr, beta):
        if self.out.shape != g.shape:
            self.out = np.empty_like(g)
        v = beta * state + lr * g
        return np.negative(v, out=self.out), v


def momentum_prints_a_little(g, state=0.0, *, lr, beta):
    v = beta * state + lr * g
    print("v is", v)
    return -v, v


def nesterov_by_the_change_of_velocity(g, state=0.0, *, lr, beta):
    v = beta * state + lr * g
    return -(v + beta * (v - state)), v


def rmsprop_requires_grad(g, state=None, *, lr, beta, eps):
    g = torch.tensor(g, requires_grad=True)
    r = torch.zeros(len(g)) if state is None else state  # float32
    r = beta * r + (1 - beta) * g.detach().float() ** 2
    return -lr * g / (r.sqrt() + eps), r


def adagrad_long_double(g, state=0.0, lr=0.1, eps=1e-7, lr_decay=0.0, weight_decay=0.0):
    r = np.asarray(state, np.longdouble) + np.asarray(g, np.longdouble) ** 2
    return -lr * g / (np.sqrt(r) + eps), r


def descent_in_place_on_a_copy(g, state=None, *, lr=0.01):
    g = g.copy()
    g *= -lr
    return g, state


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
    "gradient_descent": [
        descent_in_place_on_a_copy,
        lambda g, state=(), **hyper: (np.multiply(g, -hyper["lr"]), state),
        lambda g, state=None, lr=0.1, nesterov=False: ([-lr * x for x in g], None),
        lambda g, state=0, *, lr: (torch.tensor(-lr * g), state + 1),
        lambda g, *state, lr: [-(g.astype("float32") * lr), {}],
    ],
    "momentum": [
        MomentumObject(),
        in_place_velocity,
        momentum_array_state,
        momentum_list_of_floats,
        momentum_by_loops,
        momentum_of_torch_scaled_by_lr,
        momentum_remembers_gradients,
        momentum_with_default_zero,
        momentum_opposite_velocity,
        momentum_generator_state,
        momentum_function_state,
        momentum_text_state,
        MomentumReusesItsOutput(),
        momentum_prints_a_little,
        functools.partial(momentum_array_state, verbose=True),
    ],
    "nesterov": [nesterov_by_the_change_of_velocity, nesterov_cs231n, nesterov_by_differences, nesterov_two_points],
    "adagrad": [adagrad_cached_root, adagrad_counted, adagrad_torch, adagrad_maths, adagrad_long_double],
    "rmsprop": [rmsprop_increment, rmsprop_dict_float32, rmsprop_safe_zero, rmsprop_requires_grad],
    "adam": [
        AdamObject().step,
        make_adam(),
        adam_float32,
        adam_powers,
        adam_t_first,
        adam_torch,
        adam_averages_of_corrected,
        adam_rearranged,
        adam_one_array,
        adam_silent_about_zeros,
        adam_of_torch_optim,
        adam_named_tuples,
        probes.adam_efficient,
    ],
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


def label(value):
    return value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize(
    ("name", "candidate"), [(name, candidate) for name in names for candidate in RIGHT[name]], ids=label
)
def test_right_variants_pass(name, candidate):
    verdict = diagnose(name, candidate)
    assert verdict.passed, verdict.message
    assert (verdict.mistake, verdict.score) == (None, 1.0)
    assert type(verdict.score) is float


@pytest.mark.parametrize("name", RULES)
def test_the_rules_of_the_course_pass(name):
    assert diagnose(name, getattr(rules, name)).message == "Right."


def test_enough_right_variants():
    assert sum(map(len, RIGHT.values())) >= 40


@pytest.mark.parametrize("name", RULES)
def test_only_plain_data_crosses_the_border(name):
    """As a grader calls it: every argument and every result is copied, tuples and arrays and numbers only."""

    def plain(value):
        if isinstance(value, (tuple, list)):
            return type(value)(plain(part) for part in value)
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        assert value is None or isinstance(value, (float, int, str, np.ndarray)), type(value)
        return value.copy() if isinstance(value, np.ndarray) else value

    def remote(*args, **hyper):
        return plain(getattr(rules, name)(*plain(args), **plain(hyper)))

    assert diagnose(name, remote).passed


# ---- mistakes as learners write them, not as the zoo does


def fixed(rule, **typed_in):
    return lambda g, *state, **hyper: rule(g, *state, **(hyper | typed_in))


def momentum_mutable_default(g, state=[0.0], *, lr, beta):  # noqa: B006
    state[0] = beta * state[0] + lr * g
    return -state[0], state


class MomentumWithAttribute:
    v = 0.0

    def __call__(self, g, state=None, *, lr, beta):
        self.v = beta * self.v + lr * g
        return -self.v, self.v


class AdamWithClassCounter:
    t = 0

    def __call__(self, g, state=(0.0, 0.0), *, lr, beta1, beta2, eps):
        AdamWithClassCounter.t += 1
        m, v = beta1 * state[0] + (1 - beta1) * g, beta2 * state[1] + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**self.t), v / (1 - beta2**self.t)
        return -lr * m_hat / (np.sqrt(v_hat) + eps), (m, v)


def momentum_in_g(g, state=None, *, lr, beta):
    g *= lr
    v = g if state is None else beta * state + g
    return -v, v.copy()


def momentum_starts_with_g(g, state=None, *, lr, beta):
    if state is None:
        return -lr * g, (g, lr)  # no copy
    u, old_lr = state
    u = beta * u * old_lr / lr + g
    return -lr * u, (u, lr)


def nesterov_old_velocity_is_the_new_one(g, state=None, *, lr, beta):
    v = np.zeros_like(g) if state is None else state
    old = v
    v *= beta
    v -= lr * g
    return -beta * old + (1 + beta) * v, v


def momentum_whole_beta(g, state=0.0, *, lr, beta):
    v = int(beta) * state + lr * g
    return -v, v


def adam_uphill_without_correction(g, state=(0.0, 0.0), *, lr, beta1, beta2, eps):
    m, v = beta1 * state[0] + (1 - beta1) * g, beta2 * state[1] + (1 - beta2) * g**2
    return lr * m / (np.sqrt(v) + eps), (m, v)


def adam_late_and_eps_inside(g, state=(0.0, 0.0, 1), *, lr, beta1, beta2, eps):
    m, v, t = beta1 * state[0] + (1 - beta1) * g, beta2 * state[1] + (1 - beta2) * g**2, state[2] + 1
    return -lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + eps), (m, v, t)


def adagrad_half(g, state=0.0, *, lr, eps):
    r = state + 2 * g**2
    return -lr * g / (np.sqrt(r) + eps), r


def momentum_noisy(g, state=0.0, *, lr, beta):
    v = beta * state + lr * g * np.random.normal(1, 0.01)  # noqa: NPY002
    return -v, v


WRONG = [
    ("adam", fixed(rules.adam, beta1=0.95), "ignores_beta1"),
    ("adam", fixed(rules.adam, beta2=0.99), "ignores_beta2"),
    ("adam", fixed(rules.adam, eps=1e-6), "ignores_eps"),
    ("adam", fixed(rules.adam, lr=0.3), "ignores_lr"),
    ("rmsprop", fixed(rules.rmsprop, beta=0.99), "ignores_beta"),
    ("nesterov", fixed(rules.nesterov, beta=0.5), "ignores_beta"),
    ("adagrad", fixed(rules.adagrad, eps=1e-3), "ignores_eps"),
    ("momentum", momentum_mutable_default, "state_shared_between_runs"),
    ("momentum", MomentumWithAttribute(), "state_shared_between_runs"),
    ("momentum", momentum_noisy, "state_shared_between_runs"),
    ("adam", AdamWithClassCounter(), "t_shared"),
    ("momentum", momentum_in_g, "mutates_arguments"),
    ("momentum", momentum_starts_with_g, "keeps_the_gradient"),
    ("nesterov", nesterov_old_velocity_is_the_new_one, "no_look_ahead"),
    ("momentum", momentum_whole_beta, "forgets_velocity"),
    ("adam", adam_uphill_without_correction, "wrong_sign"),
    ("adam", adam_late_and_eps_inside, "t_one_ahead"),
    ("adagrad", adagrad_half, "constant_factor"),
]


@pytest.mark.parametrize(("name", "candidate", "slug"), WRONG, ids=label)
def test_mistakes_as_learners_write_them(name, candidate, slug):
    verdict = diagnose(name, candidate)
    assert not verdict.passed
    assert verdict.mistake == slug, verdict.message


# ---- what nobody has given a name


def adam_with(numerator, denominator):
    def candidate(g, state=(0.0, 0.0, 0), *, lr, beta1, beta2, eps):
        m, v, t = state
        t, m, v = t + 1, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return -lr * numerator(m_hat, g, t) / (denominator(v_hat, t) + eps), (m, v, t)

    return candidate


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (
            adam_with(lambda m, g, t: 1.07 * m + 0.1 * g, lambda v, t: v**0.5),
            "Already the first step is off.*1.17 times",
        ),
        (adam_with(lambda m, g, t: m * (1 + (t > 3)), lambda v, t: v**0.5), "first wrong step is step 4"),
        (adam_with(lambda m, g, t: m, lambda v, t: np.maximum(v, 1e-10) ** 0.5), "ordinary gradients you are right"),
        (adam_with(lambda m, g, t: m * (1 + (t > 20)), lambda v, t: v**0.5), "thirty steps"),
        (adam_with(lambda m, g, t: m, lambda v, t: np.sqrt(v - 1)), "not finite at step 1"),
    ],
    ids=["factor", "from step 4", "floor", "from step 21", "nan"],
)
def test_unknown_mistakes_are_located(candidate, words):
    verdict = diagnose("adam", candidate)
    assert not verdict.passed
    assert verdict.mistake in (None, "not_finite")
    assert re.search(words, verdict.message), verdict.message


# ---- candidates that break


def loops(*args, **hyper):
    while True:
        pass


def loops_and_catches(*args, **hyper):
    while True:
        try:
            time.sleep(0.01)
        except:  # noqa: E722
            pass


def loops_and_continues(*args, **hyper):
    while True:
        try:
            time.sleep(0.3)
        finally:
            continue  # noqa: B012


def starts_again_when_caught(*args, **hyper):
    try:
        loops()
    except BaseException:
        return starts_again_when_caught(*args, **hyper)


def prints_and_catches(*args, **hyper):
    while True:
        try:
            print("here")
        except BaseException:
            pass


def raising(error):
    def candidate(*args, **hyper):
        raise error

    return candidate


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


def divides(g, state=None, **hyper):
    count = 0
    return g / (1 / count), state


def recurses(*args, **hyper):
    return recurses(*args, **hyper)


BROKEN = {
    "loop": (loops, "too_slow", "still running"),
    "loop, bare except": (loops_and_catches, "too_slow", "still running"),
    "loop, finally": (loops_and_continues, "too_slow", "still running"),
    "loop, recursion": (starts_again_when_caught, "too_slow", "still running"),
    "prints": (lambda *args, **hyper: print("x" * 10**6), "prints_too_much", "prints more than"),
    "prints, bare except": (prints_and_catches, "prints_too_much", "prints more than"),
    "stub": (raising(NotImplementedError()), "not_implemented", "not written yet"),
    "raises": (
        divides,
        "raises",
        r'ZeroDivisionError: division by zero, in line \d+: "return g / \(1 / count\), state"',
    ),
    "unprintable": (raising(Unprintable()), "raises", "raised Unprintable"),
    "exit": (raising(SystemExit(0)), "exits", "SystemExit"),
    "interrupt": (raising(KeyboardInterrupt()), "exits", "KeyboardInterrupt"),
    "recursion": (recurses, "recursion", "calls itself without end"),
    "None": (lambda *args, **hyper: None, "returns_none", "returns None"),
    "update only": (lambda g, *state, **hyper: g, "not_a_pair", "two things"),
    "None as update": (lambda g, *state, **hyper: (None, None), "returns_none", "is None"),
    "number": (lambda g, *state, **hyper: (0.5, None), "wrong_shape", "a single number"),
    "too short": (lambda g, *state, **hyper: (g[1:], None), "wrong_shape", r"shape \(3,\)"),
    "text": (lambda g, *state, **hyper: ("left", None), "wrong_type", "array of numbers"),
    "complex": (lambda g, *state, **hyper: (1j * g, None), "wrong_type", "complex"),
    "objects": (lambda g, *state, **hyper: ([None] * len(g), None), "wrong_type", "array of numbers"),
    "dict": (lambda g, *state, **hyper: ({"v": g}, -g), "swapped_return", "right order"),
    "huge": (lambda g, *state, **hyper: (np.broadcast_to(0.0, (10**6, 10**6)), None), "too_large", "entries"),
    "nan": (lambda g, *state, **hyper: (g * np.nan, None), "not_finite", "not finite"),
    "no hyperparameters": (lambda g, state=None: (g, None), "wrong_signature", "unexpected keyword argument 'lr'"),
    "state required": (lambda g, state, **hyper: (g, None), "wrong_signature", "missing 1 required"),
    "positional": (lambda g, lr, beta1, beta2, eps, state: (g, 0), "wrong_signature", "missing 1 required"),
    "no arguments": (lambda: None, "wrong_signature", "cannot be called as"),
    "state without a default twice": (lambda g, **hyper: (g, 0), "wrong_signature", r"adam\(g, state"),
    "state unpacked": (lambda g, state=(0,), **hyper: (g * state[0], ()), "raises", "handed back the state"),
    "a number": (3, "not_callable", "should be a function"),
    "nothing": (None, "not_callable", "should be a function"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_candidates_get_a_message(kind, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.5)
    candidate, slug, words = BROKEN[kind]
    began = time.monotonic()
    verdict = diagnose("adam", candidate)
    assert time.monotonic() - began < 8
    assert (verdict.passed, verdict.mistake, verdict.score) == (False, slug, 0.0)
    assert re.search(words, verdict.message), verdict.message


@pytest.mark.parametrize("name", names)
def test_check_raises_nothing_but_assertion_errors(name, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    for candidate, _, _ in BROKEN.values():
        with pytest.raises(AssertionError, match=f"^{name}: "):
            check(name, candidate)


def test_a_loop_ends_within_ten_seconds():
    began = time.monotonic()
    with pytest.raises(AssertionError, match="still running after 5 seconds"):
        check("adam", loops_and_catches)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("candidate", [loops, loops_and_catches, rules.adam])
def test_in_a_thread_where_no_alarm_can_ring(candidate, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.5)
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(diagnose("adam", candidate)))
    thread.start()
    thread.join(8)
    assert verdicts[0].passed == (candidate is rules.adam)
    assert verdicts[0].mistake == (None if candidate is rules.adam else "too_slow")


def test_nothing_is_left_behind(capfd):
    def rude(g, state=None, *, lr):
        np.seterr(all="raise")
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        torch.manual_seed(0)
        warnings.simplefilter("error")
        print("hello")
        print("hello", file=sys.stderr)
        return -lr * g, state

    def settings():
        return (
            np.geterr(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            random.getstate(),
            torch.get_rng_state().tolist(),
            list(warnings.filters),
            signal.getsignal(signal.SIGALRM),
            signal.getitimer(signal.ITIMER_REAL),
            sys.gettrace(),
            sys.stdout,
            sys.stderr,
        )

    before = settings()
    verdict = diagnose("gradient_descent", rude)
    assert settings() == before
    assert capfd.readouterr() == ("", "")
    assert verdict.passed
    assert "error settings" in verdict.message
    assert "random numbers" in verdict.message
    assert verdict.printed.startswith("hello\nhello\n")


def test_no_word_on_stderr(capfd):
    """A graded cell loses all its points for a warning."""

    def warns(g, state=None, *, lr, eps):
        warnings.warn("look out", stacklevel=1)
        return -lr * g / np.zeros(len(g)), state

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert not diagnose("adagrad", warns).passed
    assert capfd.readouterr() == ("", "")


# ---- diagnose and check themselves


def test_unknown_names():
    with pytest.raises(ValueError, match="no check named 'adm'; did you mean 'adam'"):
        diagnose("adm", rules.adam)
    with pytest.raises(AssertionError, match="no check named 'xyz'; use gradient_descent, momentum"):
        check("xyz", rules.adam)


def test_check_says_that_it_is_right(capsys):
    assert check("momentum", momentum_by_loops) is None
    assert capsys.readouterr().out == "momentum: Right.\n"


def test_check_shows_what_the_function_printed(capsys):
    def talks(g, state=None, *, lr):
        print("g is", g[0])
        return -lr * g, state

    check("gradient_descent", talks)
    shown = capsys.readouterr().out
    assert shown.startswith("Your function printed:\ng is ")
    assert shown.endswith(" ...\ngradient_descent: Right.\n")
    assert len(shown) < 600


def test_partial_credit_grows_with_what_is_right():
    nothing = diagnose("adam", lambda g, state=None, **hyper: (0 * g + 1, None)).score
    first = diagnose("adam", ZOO["adam"]["no_correction"].makers[0]()).score
    eps = diagnose("adam", ZOO["adam"]["eps_inside_root"].makers[0]()).score
    assert 0 == nothing <= first < eps < 0.5


def test_two_mistakes_at_once_name_one_of_them():
    def candidate(g, state=(0.0, 0.0), *, lr, beta1, beta2, eps):
        m, v = beta1 * state[0] + (1 - beta1) * g, beta2 * state[1] + (1 - beta2) * g**2
        return -lr * m / (v**0.5 + 10 * eps), (m, v)  # no correction, and another eps

    verdict = diagnose("adam", candidate)
    assert verdict.mistake == "no_correction"
    assert "something else" in verdict.message


NOTEBOOK = """
from unittest.mock import patch
import matplotlib
matplotlib.use("Agg")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
with patch("course_utils.plots.show") as show:
    shell.run_cell('''
from course_utils.checks import check
def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    (v,) = state
    v = -beta * v + lr * g
    return -v, (v,)
check("momentum", momentum)
''')
print("pictures:", show.call_count, show.call_args.kwargs["alt"])
"""


def test_in_a_notebook_a_picture_and_no_traceback():
    done = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=60)
    assert "momentum: The old velocity enters with the wrong sign" in done.stdout
    assert "Traceback" not in done.stdout
    assert "check(" not in done.stdout
    assert "pictures: 1 Two descents in a ravine" in done.stdout
    assert done.stderr == ""
