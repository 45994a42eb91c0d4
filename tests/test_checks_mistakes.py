"""What the checks know to be wrong: every known mistake is caught and named, every other one located."""

import base64
import json
import re

import numpy as np
import pytest

from course_utils import rules
from course_utils.checks import diagnose, names, remote
from course_utils.checks.tasks import TASKS
from course_utils.checks.zoo import STATEFUL, ZOO

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
HABITS += "changes_the_state integer_state wrong_sign ignores_lr clipped"


@pytest.mark.parametrize("name", STATEFUL)
def test_the_zoo_holds_what_is_promised(name):
    assert set(f"{PROMISED.get(name, '')} {HABITS}".split()) <= set(ZOO[name])


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


def momentum_in_the_state(g, state=(0.0,), *, lr, beta):
    (v,) = state
    v *= beta
    v += lr * g
    return -v, (v,)


def adagrad_in_the_state(g, state=(0.0,), *, lr, eps):
    (r,) = state
    r += g**2
    return -lr * g / (np.sqrt(r) + eps), (r,)


def adam_in_a_dict(g, state=None, *, lr, beta1, beta2, eps):
    state = state or {"m": np.zeros_like(g), "v": np.zeros_like(g), "t": 0}
    state["t"] += 1
    state["m"] *= beta1
    state["m"] += (1 - beta1) * g
    state["v"] = beta2 * state["v"] + (1 - beta2) * g**2
    m_hat, v_hat = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])
    return -lr * m_hat / (np.sqrt(v_hat) + eps), state


def schedule_free_in_the_state(g, state=(0.0, 0.0, 0), *, lr, beta):
    z, x, t = state
    t += 1
    z -= lr * g
    x *= t / (t + 1)
    x += z / (t + 1)
    y = (1 - beta) * z + beta * x
    z -= y
    x -= y
    return y, (z, x, t)


def centred_without_a_floor(g, state=(0.0, 0.0), *, lr, beta, eps):
    r, m = state
    r, m = beta * r + (1 - beta) * g**2, beta * m + (1 - beta) * g
    return -lr * g / (np.sqrt(r - m**2) + eps), (r, m)


def amsgrad_late(g, state=(0.0, 0.0, 0.0), *, lr, beta1, beta2, eps):
    m, v, w = state
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return -lr * m / (np.sqrt(np.where(w > 0, w, v)) + eps), (m, v, np.maximum(w, v))


def restarts_once(step, period, growth, lowest):
    if step >= period:
        step, period = step - period, period * growth
    return lowest + (1 - lowest) * (1 + np.cos(np.pi * step / period)) / 2


def rotating(shift):
    """minibatches that are rotated by ``shift(rng, n, epoch)``, and not shuffled."""

    def minibatches(n, batch_size, epochs, seed):
        rng = np.random.default_rng(seed)
        orders = [np.roll(np.arange(n), shift(rng, n, epoch)) for epoch in range(epochs)]
        return [order[i : i + batch_size] for order in orders for i in range(0, n, batch_size)]

    return minibatches


def softmax(probabilities, batch=len):
    return lambda logits, labels: (probabilities(logits) - np.eye(logits.shape[1])[labels]) / batch(labels)


def softmax_less(shift):
    def probabilities(logits):
        e = np.exp(logits - shift(logits, axis=1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    return probabilities


def numerical_in_one_vector(f, x, h):
    e, slopes = np.zeros(len(x)), []
    for i in range(len(x)):
        e[i] = h  # and never 0 again
        slopes.append((f(x + e) - f(x - e)) / (2 * h))
    return slopes


def numerical_by_other_h(f, x, h):
    moves = h * np.eye(len(x))
    h = 1e-5
    return np.array([f(x + e) - f(x - e) for e in moves]) / (2 * h)


def numerical_with_own_h(f, x, h):
    return (np.array([f(x + e) - f(x - e) for e in 1e-4 * np.eye(len(x))])) / 2e-4


SOFTMAX = "softmax_cross_entropy_gradient"
WRONG = [
    ("minibatches", rotating(lambda rng, n, epoch: rng.integers(n)), "rotated"),
    ("minibatches", rotating(lambda rng, n, epoch: rng.integers(1, n)), "rotated"),
    ("minibatches", rotating(lambda rng, n, epoch: epoch + 1), "rotated"),
    (SOFTMAX, softmax(softmax_less(np.mean)), "shifted_by_mean"),
    (SOFTMAX, softmax(softmax_less(np.max), batch=lambda labels: 10), "divided_by_a_number"),
    (SOFTMAX, softmax(lambda logits: 1 / (1 + np.exp(-logits))), "squashed_alone"),
    ("numerical_gradient", numerical_in_one_vector, "not_restored"),
    ("numerical_gradient", numerical_by_other_h, "h_overwritten"),
    ("numerical_gradient", numerical_with_own_h, "more_points"),
    ("momentum", momentum_in_the_state, "changes_the_state"),
    ("adagrad", adagrad_in_the_state, "changes_the_state"),
    ("adam", adam_in_a_dict, "changes_the_state"),
    ("schedule_free", schedule_free_in_the_state, "changes_the_state"),
    ("centred_rmsprop", centred_without_a_floor, "negative_variance"),
    ("amsgrad", amsgrad_late, "stale_largest"),
    ("warm_restarts", restarts_once, "one_restart"),
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


@pytest.mark.parametrize(("name", "candidate", "slug"), WRONG)
def test_mistakes_as_learners_write_them(name, candidate, slug):
    verdict = diagnose(name, candidate)
    assert not verdict.passed
    assert verdict.mistake == slug, verdict.message


def asked_from_afar(monkeypatch, name, candidate):
    """The candidate as a grader calls it, but without a kernel: what goes to it and comes back is copied."""
    monkeypatch.setattr(
        remote.Remote,
        "_ask",
        lambda self, request: json.loads(base64.b64decode(remote.answer({name: candidate}, request))),
    )
    return remote.Remote(None, name)


@pytest.mark.parametrize(("name", "candidate"), [case[:2] for case in WRONG if case[2] == "changes_the_state"])
def test_a_state_that_is_changed_in_place_shows_when_grading_too(name, candidate, monkeypatch):
    assert diagnose(name, asked_from_afar(monkeypatch, name, candidate)).mistake == "changes_the_state"
    assert diagnose(name, asked_from_afar(monkeypatch, name, TASKS[name].answer)).passed


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
