"""Rules that the checks must let pass: right, but written otherwise than the course writes them."""

import collections
import functools
import json
import math

import numpy as np
import pytest
import torch

from course_utils.checks import diagnose, tasks
from course_utils.checks.tasks import RULES


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
        state["m"] = beta1 * state["m"] + (1 - beta1) * g
        state["v"] = beta2 * state["v"] + (1 - beta2) * np.square(g)
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
    v = np.zeros_like(g) if state is None else state.copy()  # the caller's own stays as it is
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
        tasks.adam_efficient,
    ],
}


@pytest.mark.parametrize(("name", "candidate"), [(name, candidate) for name in RIGHT for candidate in RIGHT[name]])
def test_right_variants_pass(name, candidate):
    verdict = diagnose(name, candidate)
    assert verdict.passed, verdict.message
    assert (verdict.mistake, verdict.score) == (None, 1.0)
    assert type(verdict.score) is float


@pytest.mark.parametrize("name", RULES)
def test_the_right_rules_pass(name):
    assert diagnose(name, tasks.TASKS[name].answer).message == "Right."


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
        return plain(tasks.TASKS[name].answer(*plain(args), **plain(hyper)))

    assert diagnose(name, remote).passed
