"""The update rules: equal to torch.optim, to their closed forms, and to themselves on every kind of number."""

import copy
import inspect
import io
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils import rules
from course_utils.descent import descend, iterate
from course_utils.rules import hyperparameters, initial_state
from course_utils.torch_optim import Optimizer

# torch's defaults for eps and for RMSprop's alpha are not ours: everything is passed explicitly
TWINS = {
    rules.gradient_descent: (dict(lr=0.1), torch.optim.SGD, dict(lr=0.1)),
    rules.momentum: (dict(lr=0.05, beta=0.9), torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    rules.nesterov: (dict(lr=0.05, beta=0.9), torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    rules.adagrad: (dict(lr=0.1, eps=1e-7), torch.optim.Adagrad, dict(lr=0.1, eps=1e-7)),
    rules.rmsprop: (dict(lr=0.01, beta=0.9, eps=1e-8), torch.optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=1e-8)),
    rules.rmsprop_momentum: (
        dict(lr=0.002, beta=0.9, momentum=0.8, eps=1e-8),
        torch.optim.RMSprop,
        dict(lr=0.002, alpha=0.9, momentum=0.8, eps=1e-8),
    ),
    rules.adam: (
        dict(lr=0.01, beta1=0.9, beta2=0.99, eps=1e-8),
        torch.optim.Adam,
        dict(lr=0.01, betas=(0.9, 0.99), eps=1e-8),
    ),
}
LR_IN_VELOCITY = (
    rules.momentum,
    rules.nesterov,
    rules.rmsprop_momentum,
)  # torch keeps lr outside: equal while constant
SCHEDULERS = {
    "constant": lambda optimizer: None,
    "cosine": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50),
    "lambda": lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step / 10)),
}


def run(rule, gradients, **hyper):
    """The updates of ``rule`` for one gradient after the other, as a list."""
    state, updates = initial_state(rule), []
    for g in gradients:
        update, state = rule(g, state, **hyper)
        updates.append(update)
    return updates


def some_gradients(steps=12):
    """Gradients of 5 components: ordinary ones, tiny ones, large ones, one always zero and one sometimes."""
    gradients = np.random.default_rng(0).normal(size=(steps, 5)) * [1.0, 1e-7, 1e3, 0.0, 1.0]
    gradients[::3, 4] = 0
    return gradients


# ---- against torch.optim


def relative_error(parameters, expected):
    parameters, expected = (torch.cat([p.detach().flatten() for p in side]) for side in (parameters, expected))
    return float((parameters - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("rule", "scheduler"),
    [(rule, name) for rule in TWINS for name in SCHEDULERS if name == "constant" or rule not in LR_IN_VELOCITY],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_equals_torch_optim_on_a_network_over_a_checkpoint(rule, scheduler):
    ours, Twin, theirs = TWINS[rule]
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    twin = copy.deepcopy(network)
    start = copy.deepcopy(list(network.parameters()))
    optimizer, twin_optimizer = Optimizer(network.parameters(), rule, **ours), Twin(twin.parameters(), **theirs)
    schedule, twin_schedule = SCHEDULERS[scheduler](optimizer), SCHEDULERS[scheduler](twin_optimizer)

    for step in range(50):
        images, targets = torch.randn(16, 6).double(), torch.randint(3, (16,))
        for model, opt, sch in ((network, optimizer, schedule), (twin, twin_optimizer, twin_schedule)):
            opt.zero_grad()
            torch.nn.functional.cross_entropy(model(images), targets).backward()
            opt.step()
            if sch:
                sch.step()
        if step == 24:  # save, forget everything, load: into a new optimizer that has the default hyperparameters
            file = io.BytesIO()
            torch.save([optimizer.state_dict(), schedule and schedule.state_dict()], file)
            file.seek(0)
            saved, saved_schedule = torch.load(file, weights_only=True)
            optimizer = Optimizer(network.parameters(), rule)
            schedule = SCHEDULERS[scheduler](optimizer)
            optimizer.load_state_dict(saved)
            if schedule:
                schedule.load_state_dict(saved_schedule)

    assert relative_error(network.parameters(), start) > 1e-2  # they did move
    assert relative_error(network.parameters(), twin.parameters()) < 1e-12


@pytest.mark.parametrize("rule", LR_IN_VELOCITY, ids=lambda rule: rule.__name__)
def test_velocity_is_the_weighted_sum_of_scheduled_steps(rule):
    ours, Twin, theirs = TWINS[rule]
    beta = ours["momentum" if "momentum" in ours else "beta"]
    gradients = torch.randn(30, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ends = []
    for make in (lambda p: Optimizer([p], rule, **ours), lambda p: Twin([p], **theirs)):
        parameter = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
        optimizer = make(parameter)
        schedule = SCHEDULERS["lambda"](optimizer)
        for g in gradients:
            parameter.grad = g.clone()
            optimizer.step()
            schedule.step()
        ends.append(parameter.detach())

    t = torch.arange(30.0, dtype=torch.float64)
    lr = ours["lr"] / (1 + t[:, None] / 10)

    def weights(decay):  # row t, column k: decay^(t - k), and nothing of the future
        return (decay ** (t[:, None] - t)).tril()

    if "eps" in ours:  # what momentum receives is the gradient over the root of its average square
        average = (1 - ours["beta"]) * weights(ours["beta"]) @ gradients**2
        gradients = gradients / (average.sqrt() + ours["eps"])
    velocity, torch_velocity = weights(beta) @ (lr * gradients), weights(beta) @ gradients
    if rule is rules.nesterov:
        expected = -(beta * velocity + lr * gradients).sum(0)
        torch_expected = -(lr * (beta * torch_velocity + gradients)).sum(0)
    else:
        expected, torch_expected = -velocity.sum(0), -(lr * torch_velocity).sum(0)

    torch.testing.assert_close(ends[0], expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(ends[1], torch_expected, rtol=1e-12, atol=1e-14)
    assert relative_error(ends[:1], ends[1:]) > 1e-2  # the two conventions part once lr changes


# ---- Nesterov's two forms

curvature = np.array([1.0, 20.0])


@pytest.mark.parametrize("schedule", [lambda step: 1.0, lambda step: 1 / (1 + step / 10)], ids=["constant", "decaying"])
def test_nesterov_iterate_is_the_look_ahead_point_of_the_classical_form(schedule):
    lr, beta = 0.03, 0.9
    path = descend(rules.nesterov, lambda x: curvature * x, [-4.0, 1.0], 60, schedule=schedule, lr=lr, beta=beta)
    x, velocity = np.array([-4.0, 1.0]), np.zeros(2)
    for step in range(60):
        look_ahead = x + beta * velocity
        np.testing.assert_allclose(path[step], look_ahead, rtol=1e-11, atol=1e-13)
        velocity = beta * velocity - lr * schedule(step) * (curvature * look_ahead)
        x = x + velocity


def test_rmsprop_nesterov_is_algorithm_8_6_of_goodfellow():
    epsilon, rho, alpha = 0.01, 0.9, 0.8  # the book's letters: learning rate, decay rate, momentum
    path = descend(
        rules.rmsprop_nesterov, lambda x: curvature * x, [-4.0, 1.0], 60, lr=epsilon, beta=rho, momentum=alpha, eps=0.0
    )
    theta, v, r = np.array([-4.0, 1.0]), np.zeros(2), np.zeros(2)
    for step in range(60):
        interim = theta + alpha * v
        np.testing.assert_allclose(path[step], interim, rtol=1e-10, atol=1e-12)
        g = curvature * interim
        r = rho * r + (1 - rho) * g * g
        v = alpha * v - epsilon / np.sqrt(r) * g
        theta = theta + v


# ---- one rule, every kind of number


def test_same_on_numpy_torch_and_plain_floats(rule):
    gradients = some_gradients()
    on_numpy = np.array(run(rule, gradients))
    on_torch = torch.stack(run(rule, torch.tensor(gradients)))
    on_floats = np.array([run(rule, [float(g) for g in column]) for column in gradients.T]).T
    assert on_numpy.dtype == np.float64
    assert on_torch.dtype == torch.float64
    assert np.isfinite(on_numpy).all()
    np.testing.assert_allclose(on_torch.numpy(), on_numpy, rtol=1e-13, atol=0)
    np.testing.assert_allclose(on_floats, on_numpy, rtol=1e-13, atol=0)


def test_same_under_broadcasting_and_vmap_over_learning_rates(rule):
    gradients, lrs = some_gradients(), np.geomspace(1e-4, 1, 7)
    one_by_one = np.array([run(rule, gradients, lr=float(lr)) for lr in lrs])
    on_numpy = np.array(run(rule, gradients, lr=lrs[:, None])).swapaxes(0, 1)
    G, L = torch.tensor(gradients), torch.tensor(lrs)
    on_torch = torch.stack(run(rule, G, lr=L[:, None])).transpose(0, 1)
    vmapped = torch.func.vmap(lambda lr: torch.stack(run(rule, G, lr=lr)))(L)
    for many in (on_numpy, on_torch.numpy(), vmapped.numpy()):
        np.testing.assert_allclose(many, one_by_one, rtol=1e-13, atol=0)


def test_vmap_over_gradients(rule):
    G = torch.tensor(some_gradients())
    vmapped = torch.func.vmap(lambda g: torch.stack(run(rule, g)), in_dims=1, out_dims=1)(G)
    torch.testing.assert_close(vmapped, torch.stack(run(rule, G)), rtol=1e-13, atol=0)


@pytest.mark.parametrize("convert", [np.array, torch.tensor], ids=["numpy", "torch"])
def test_is_pure(rule, convert):
    first, second = (convert(g) for g in some_gradients(2))
    _, state = rule(first)
    g_before, state_before, default_before = copy.deepcopy((second, state, initial_state(rule)))
    update, new_state = rule(second, state)
    again, again_state = rule(second, state)
    assert update.shape == second.shape
    assert len(new_state) == len(state)
    assert (second == g_before).all()
    assert (update == again).all()
    for part, part_before in zip(state, state_before, strict=True):
        assert np.array_equal(part, part_before)
    for part, part_again in zip(new_state, again_state, strict=True):
        assert np.array_equal(part, part_again)
    assert initial_state(rule) == default_before


# ---- closed forms


def test_gradient_descent_contracts_by_1_minus_lr_curvature():
    start, lr = np.array([-4.0, 1.0]), 0.03
    path = descend(rules.gradient_descent, lambda x: curvature * x, start, 40, lr=lr)
    k = np.arange(41)[:, None]
    np.testing.assert_allclose(path, (1 - lr * curvature) ** k * start, rtol=1e-12)


@pytest.mark.parametrize("rule", [rules.momentum, rules.nesterov], ids=lambda rule: rule.__name__)
def test_velocity_under_a_constant_gradient_reaches_lr_over_1_minus_beta(rule):
    g, lr, beta = np.array([3.0, -0.01]), 0.01, 0.9
    updates = run(rule, [g] * 400, lr=lr, beta=beta)
    np.testing.assert_allclose(updates[-1], -lr / (1 - beta) * g, rtol=1e-12)
    first = {rules.momentum: 1, rules.nesterov: 1 + beta}[rule]
    np.testing.assert_allclose(updates[0], -first * lr * g, rtol=1e-12)


def test_adagrad_kth_step_under_a_constant_gradient_is_lr_over_root_k():
    updates = np.array(run(rules.adagrad, [np.array([3.0, -0.01])] * 50, lr=0.1, eps=0.0))
    expected = -0.1 / np.sqrt(np.arange(1, 51))[:, None] * [1, -1]
    np.testing.assert_allclose(updates, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "factor"), [(rules.rmsprop, 1), (rules.rmsprop_momentum, 1), (rules.rmsprop_nesterov, 1.9)]
)
def test_rmsprop_first_step_is_lr_over_root_1_minus_beta(rule, factor):
    update, _ = rule(np.array([3.0, -0.01]), lr=0.1, beta=0.9, eps=0.0)
    np.testing.assert_allclose(update, -factor * 0.1 / math.sqrt(1 - 0.9) * np.array([1, -1]), rtol=1e-12)


def test_adam_first_step_is_lr_times_sign_of_g():
    update, _ = rules.adam(np.array([3.0, -0.01, 1e-7]), lr=0.1, eps=0.0)
    np.testing.assert_allclose(update, -0.1 * np.array([1, -1, 1]), rtol=1e-12)


@pytest.mark.parametrize(
    "rule", [rules.adagrad, rules.rmsprop, rules.rmsprop_momentum, rules.rmsprop_nesterov, rules.adam]
)
def test_adaptive_rules_do_not_feel_the_scale_of_the_gradient(rule):
    gradients = np.random.default_rng(0).normal(size=(20, 5))
    np.testing.assert_allclose(run(rule, 10 * gradients, eps=0.0), run(rule, gradients, eps=0.0), rtol=1e-12)


def test_eps_stands_outside_the_root():
    g, lr, eps = 3.0, 0.1, 0.5
    assert rules.adagrad(g, lr=lr, eps=eps)[0] == pytest.approx(-lr * g / (g + eps), rel=1e-12)
    assert rules.rmsprop(g, lr=lr, beta=0.9, eps=eps)[0] == pytest.approx(
        -lr * g / (math.sqrt(0.1) * g + eps), rel=1e-12
    )
    assert rules.adam(g, lr=lr, eps=eps)[0] == pytest.approx(-lr * g / (g + eps), rel=1e-12)


# ---- reading a signature


def test_all_is_every_rule_in_source_order():
    in_source = [
        member
        for name, member in vars(rules).items()
        if inspect.isfunction(member) and not name.startswith("_") and "state" in inspect.signature(member).parameters
    ]
    assert list(rules.ALL) == in_source
    lines = [inspect.getsourcelines(rule)[1] for rule in rules.ALL]
    assert lines == sorted(lines)


def test_signature_is_the_contract(rule):
    g, state, *hyper = inspect.signature(rule).parameters.values()
    assert (g.name, state.name) == ("g", "state")
    assert g.default is inspect.Parameter.empty
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in hyper)
    assert hyper[0].name == "lr"
    assert hyperparameters(rule) == {parameter.name: parameter.default for parameter in hyper}
    assert isinstance(initial_state(rule), tuple)
    assert all(part == 0 for part in initial_state(rule))
    assert len(rule(1.0)[1]) == len(initial_state(rule))


def test_given_hyperparameters_override_defaults(rule):
    defaults = hyperparameters(rule)
    assert hyperparameters(rule, lr=0.5) == defaults | {"lr": 0.5}
    assert hyperparameters(rule) == defaults
    lr = np.array([0.0, 0.5])
    assert hyperparameters(rule, lr=lr)["lr"] is lr
    edges = {name: 0 for name in defaults}  # 0 is allowed everywhere
    assert hyperparameters(rule, **edges) == edges


BAD_RATES = [-0.1, float("nan"), float("inf"), "fast", "0.1", None, [0.1, 0.2], np.array([0.1, -0.1])]
BAD_RATES += [np.array([0.1, np.nan]), torch.tensor([0.1, float("inf")]), torch.tensor([[0.1], [-0.1]]), np.array([])]
BAD_DECAYS = [1, 1.0, 1.5, -0.1, float("nan"), "big", None, np.array([0.9, 1.0]), torch.tensor([-0.1, 0.9])]


def test_bad_hyperparameters_are_named(rule):
    for name in hyperparameters(rule):
        for bad in BAD_RATES if name in ("lr", "eps") else BAD_DECAYS:
            with pytest.raises(ValueError, match=rf"^{rule.__name__}: {name} must be"):
                hyperparameters(rule, **{name: bad})


def test_unknown_hyperparameter_is_named_with_the_known_ones(rule):
    with pytest.raises(ValueError, match=rf"^{rule.__name__} has no hyperparameter 'learning_rate'; it has lr"):
        hyperparameters(rule, learning_rate=0.1)
    with pytest.raises(ValueError, match="no hyperparameter 'gamma'"):
        next(iterate(rule, lambda x: x, np.ones(2), [()], gamma=1))


def test_rules_import_neither_torch_nor_numpy():
    program = "import sys, course_utils.rules; print([m for m in ('torch', 'numpy', 'matplotlib') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
