"""The rules from papers: equal to their twins or closed forms, right however they are written, and every known mistake
has a specimen. That each mistake is named, tests/test_checks_mistakes.py sees to."""

import math

import numpy as np
import pytest
import torch

from course_utils.checks import diagnose, papers
from course_utils.checks.tasks import TASKS
from course_utils.checks.zoo import ZOO

OF_PAPERS = [name for name, task in TASKS.items() if task.answer.__module__ == papers.__name__]
GRADIENTS = np.random.default_rng(0).normal(size=(30, 5))


def path(rule, **hyper):
    x, state, points = np.zeros(5), (), []
    for g in GRADIENTS:
        update, *state = rule(g, *state, **hyper)
        x = x + update
        points.append(x)
    return np.array(points)


def path_of_torch(make):
    x = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer, points = make([x]), []
    for g in GRADIENTS:
        x.grad = torch.tensor(g)
        optimizer.step()
        points.append(x.detach().numpy().copy())
    return np.array(points)


# ---- twins and closed forms


def test_adadelta_is_torch_s():
    theirs = path_of_torch(lambda x: torch.optim.Adadelta(x, lr=0.7, rho=0.95, eps=1e-5))
    np.testing.assert_allclose(path(papers.adadelta, lr=0.7, beta=0.95, eps=1e-5), theirs, atol=1e-12)


def test_centred_rmsprop_is_torch_s():
    theirs = path_of_torch(lambda x: torch.optim.RMSprop(x, lr=0.02, alpha=0.9, eps=1e-6, centered=True))
    np.testing.assert_allclose(path(papers.centred_rmsprop, lr=0.02, beta=0.9, eps=1e-6), theirs, atol=1e-12)


@pytest.mark.parametrize(("period", "growth", "lowest"), [(4, 2, 0.1), (5, 1, 0.0), (1, 3, 0.25)])
def test_warm_restarts_are_torch_s(period, growth, lowest):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, period, growth, lowest)
    for step in range(60):
        assert papers.warm_restarts(step, period, growth, lowest) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()


def test_quasi_hyperbolic_at_its_ends():
    """nu = 0 is gradient descent, nu = 1 is torch's momentum with dampening, but for torch's first step."""
    np.testing.assert_allclose(path(papers.quasi_hyperbolic, lr=0.1, beta=0.9, nu=0.0), -0.1 * GRADIENTS.cumsum(0))
    weights = 0.1 * 0.9 ** np.arange(30)
    steps = [sum(weights[t - k] * GRADIENTS[k] for k in range(t + 1)) for t in range(30)]
    np.testing.assert_allclose(
        path(papers.quasi_hyperbolic, lr=0.1, beta=0.9, nu=1.0), -0.1 * np.cumsum(steps, 0), atol=1e-12
    )


def test_barzilai_borwein_solves_a_quadratic():
    """On a bowl of condition number 100 it needs far fewer steps than gradient descent's 345 for three digits."""
    curvature = np.array([1.0, 10.0, 100.0])
    x, state = np.array([1.0, 1.0, 1.0]), ()
    for _ in range(40):
        update, *state = papers.barzilai_borwein(curvature * x, *state, lr=0.01)
        x = x + update
    assert np.abs(x).max() < 1e-3


def test_delay_compensation_is_exact_where_the_curvature_is_g_squared():
    """f = -ln(2 - x) has the gradient 1 / (2 - x), whose slope is its square; so short a way is straight."""
    read, now = np.array([0.5]), np.array([0.5001])
    update = papers.delay_compensated(1 / (2 - read), now, read, lr=1.0, lam=1.0)
    assert -update == pytest.approx(1 / (2 - now), rel=1e-7)


def test_restarted_nesterov_settles_where_nesterov_swings():
    def late(rule):
        x, state, far = np.array([1.0, 1.0]), (), []
        for _ in range(300):
            update, *state = rule(np.array([1.0, 30.0]) * x, *state, lr=0.03, beta=0.99)
            x = x + update
            far.append(np.abs(x).max())
        return max(far[200:])

    from course_utils import rules

    assert late(papers.restarted_nesterov) < 1e-3 * late(rules.nesterov)


def test_amsgrad_s_rate_never_rises():
    state, largest = (), np.zeros(5)
    for g in GRADIENTS:
        _, *state = papers.amsgrad(g, *state)
        assert (state[0][2] >= largest).all()
        largest = state[0][2]


def test_nadam_s_first_step():
    g = np.array([3.0, -0.01])
    update, _ = papers.nadam(g, lr=0.1, beta1=0.9, beta2=0.999, eps=0.0)
    np.testing.assert_allclose(update, -0.1 * np.sign(g) * (0.9 * 0.1 / (1 - 0.81) + 1))


def test_schedule_free_by_its_three_points():
    beta, lr = 0.9, 0.1
    x = y = z = np.zeros(5)
    points = []
    for t, g in enumerate(GRADIENTS, 1):
        z = z - lr * g
        x = (1 - 1 / (t + 1)) * x + z / (t + 1)
        y = (1 - beta) * z + beta * x
        points.append(y)
    np.testing.assert_allclose(path(papers.schedule_free, lr=lr, beta=beta), points, atol=1e-12)


# ---- right, but written otherwise


def as_dict(rule):
    """The state as a dict, the update as a list."""

    def candidate(g, state=None, **hyper):
        update, after = rule(g, *([] if state is None else [tuple(state["all"])]), **hyper)
        return list(update), {"all": after}

    return candidate


def in_single_precision(rule):
    def candidate(g, *state, **hyper):
        update, after = rule(torch.tensor(g).numpy(), *state, **hyper)
        return torch.tensor(update), after

    return candidate


class AsObject:
    def __init__(self, rule):
        self.rule = rule

    class Memory:
        pass

    def __call__(self, g, state=None, **hyper):
        memory = self.Memory()
        update, memory.state = self.rule(1 * g, *([] if state is None else [state.state]), **hyper)
        return update, memory


def qhm_in_place(g, state=None, *, lr, beta, nu):
    m = np.zeros_like(g) if state is None else state.copy()
    m *= beta
    m += (1 - beta) * g
    return -lr * g + lr * nu * (g - m), m


def centred_by_variance(g, state=None, *, lr, beta, eps):
    """The variance by its own recursion instead of by the difference of two averages."""
    mean, variance = (0.0, 0.0) if state is None else state
    away = g - mean
    mean = mean + (1 - beta) * away
    variance = beta * (variance + (1 - beta) * away**2)
    return -lr * g / (np.sqrt(variance) + eps), (mean, variance)


def restarts_by_search(step, period, growth, lowest):
    start, length = 0, period
    while start + length <= step:
        start, length = start + length, length * growth
    return lowest + (1 - lowest) * math.cos(math.pi * (step - start) / length / 2) ** 2


def restarts_as_array(step, period, growth, lowest):
    return np.array([papers.warm_restarts(step, period, growth, lowest)])


OTHERWISE = {
    "quasi_hyperbolic": [qhm_in_place],
    "centred_rmsprop": [centred_by_variance],
    "warm_restarts": [
        restarts_by_search,
        restarts_as_array,
        lambda step, period, growth, lowest: torch.tensor(papers.warm_restarts(step, period, growth, lowest)),
    ],
    "delay_compensated": [
        lambda g, now, read, lr, lam: [-lr * (a + lam * a**2 * (b - c)) for a, b, c in zip(g, now, read, strict=True)],
        lambda g, now, read, lr, lam: torch.tensor(-lr * g * (1 + lam * g * (now - read))),
        lambda g, now, read, lr, lam: lr * (lam * np.square(g) * (read - now) - g),
    ],
}


@pytest.mark.parametrize(
    ("name", "candidate"),
    [
        (name, candidate)
        for name in OF_PAPERS
        for candidate in OTHERWISE.get(name, [])
        + (
            [form(TASKS[name].answer) for form in (as_dict, in_single_precision, AsObject)]
            if TASKS[name].is_rule
            else []
        )
    ],
)
def test_right_forms_pass(name, candidate):
    verdict = diagnose(name, candidate)
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("name", OF_PAPERS)
def test_at_least_twelve_mistakes_of_its_own(name):
    habits = ZOO["nesterov"].keys() & ZOO["adagrad"].keys()  # what any rule can suffer from
    own = [entry for entry in ZOO[name].values() if entry.slug not in habits]
    assert sum(len(entry.makers) for entry in own) >= 12


@pytest.mark.parametrize("name", OF_PAPERS)
def test_every_rule_from_a_paper_names_its_source(name):
    assert "Source: " in TASKS[name].answer.__doc__
