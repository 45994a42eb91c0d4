"""The adapter: any rule behaves as a torch optimizer does. (That it equals torch's own is in test_rules.py.)"""

import copy
import io
import pickle

import pytest
import torch

from course_utils import rules
from course_utils.rules import hyperparameters, initial_state
from course_utils.torch_optim import Optimizer


def parameter(*values):
    return torch.nn.Parameter(torch.tensor(values or (1.0, -2.0, 3.0), dtype=torch.float64))


def advance(optimizer, steps=1, seed=0):
    """Steps with random gradients; returns the parameters afterwards."""
    generator = torch.Generator().manual_seed(seed)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for _ in range(steps):
        for p in parameters:
            p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        optimizer.step()
    return [p.detach().clone() for p in parameters]


def test_step_adds_the_update_of_the_rule(rule):
    p = parameter()
    optimizer = Optimizer([p], rule, lr=0.1)
    x, state = p.detach().clone(), initial_state(rule)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        p.grad = torch.randn(3, generator=generator, dtype=torch.float64)
        update, state = rule(p.grad, state, lr=0.1)
        x = x + update
        optimizer.step()
        assert torch.equal(p, x)


def test_defaults_are_the_rules_own(rule):
    (group,) = Optimizer([parameter()], rule).param_groups
    assert {name: group[name] for name in hyperparameters(rule)} == hyperparameters(rule)


def test_groups_have_their_own_hyperparameters(rule):
    a, b = parameter(), parameter()
    together = Optimizer([{"params": [a], "lr": 0.5}, {"params": b}], rule, lr=0.1)
    alone = [Optimizer([parameter()], rule, lr=lr) for lr in (0.5, 0.1)]
    for g in torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)):
        for optimizer in (together, *alone):
            for group in optimizer.param_groups:
                group["params"][0].grad = g.clone()
            optimizer.step()
    assert torch.equal(a, alone[0].param_groups[0]["params"][0])
    assert torch.equal(b, alone[1].param_groups[0]["params"][0])
    assert not torch.equal(a, b)


def test_schedulers_reach_the_rule():
    p = parameter(0.0)
    optimizer = Optimizer([p], rules.gradient_descent, lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    path = []
    for _ in range(6):
        p.grad = torch.ones_like(p)
        optimizer.step()
        scheduler.step()
        path.append(float(p.detach()))
    assert path == [-1, -2, -2.5, -3, -3.25, -3.5]


def test_closure_is_called_once_with_gradients_on():
    p = parameter()
    optimizer = Optimizer([p], rules.gradient_descent, lr=0.25)
    calls = []

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert calls == [True]
    assert float(loss.detach()) == 14
    assert p.tolist() == [0.5, -1.0, 1.5]
    p.grad = None
    assert optimizer.step() is None


def test_checkpoint_continues_where_it_stopped(rule):
    optimizer = Optimizer([parameter()], rule, lr=0.2)
    advance(optimizer, 3)
    file = io.BytesIO()
    torch.save((optimizer.param_groups[0]["params"][0].data, optimizer.state_dict()), file)
    file.seek(0)
    x, saved = torch.load(file, weights_only=True)
    restored = Optimizer([torch.nn.Parameter(x)], rule)
    restored.load_state_dict(saved)
    assert torch.equal(advance(restored, 3, seed=1)[0], advance(optimizer, 3, seed=1)[0])


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))], ids=["deepcopy", "pickle"]
)
def test_copies_keep_rule_and_state(rule, duplicate):
    optimizer = Optimizer([parameter()], rule, lr=0.2)
    advance(optimizer, 3)
    twin = duplicate(optimizer)
    assert twin.rule is rule
    expected = advance(optimizer, 3, seed=1)[0]
    assert not torch.equal(twin.param_groups[0]["params"][0], expected)  # it has parameters of its own
    assert torch.equal(advance(twin, 3, seed=1)[0], expected)


def test_parameters_without_gradient_are_left_alone():
    a, b = parameter(), parameter()
    optimizer = Optimizer([a, b], rules.adam)
    a.grad = torch.ones(3, dtype=torch.float64)
    optimizer.step()
    assert torch.equal(b, parameter())
    assert not torch.equal(a, parameter())
    assert set(optimizer.state) == {a}


@pytest.mark.parametrize("set_to_none", [True, False])
def test_reusing_the_gradients_memory_does_not_corrupt_the_state(rule, set_to_none):
    ends = []
    for reuse in (False, True):
        p = parameter()
        optimizer = Optimizer([p], rule, lr=0.1)
        for g in torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)):
            if reuse and p.grad is not None:
                p.grad.copy_(g)
            else:
                p.grad = g.clone()
            optimizer.step()
            if reuse:
                optimizer.zero_grad(set_to_none=set_to_none)
        ends.append(p.detach())
    assert torch.equal(*ends)


def test_step_changes_no_gradient_and_keeps_the_parameter(rule):
    p = parameter()
    p.grad = torch.tensor([3.0, 0.0, -1e-7], dtype=torch.float64)
    optimizer, before, memory = Optimizer([p], rule), p.grad.clone(), p.data_ptr()
    optimizer.step()
    optimizer.step()
    assert torch.equal(p.grad, before)
    assert p.data_ptr() == memory  # stepped in place: the network still holds it
    assert p.requires_grad
    assert not any(part.requires_grad for part in optimizer.state[p]["state"] if isinstance(part, torch.Tensor))


def test_integer_parameters_are_named():
    with pytest.raises(ValueError, match=r"cannot step on integer parameters \(torch.int64\)"):
        Optimizer([torch.tensor([1, 2])], rules.adam)


def test_sparse_gradients_are_refused():
    embedding = torch.nn.Embedding(5, 2, sparse=True)
    embedding(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(ValueError, match="dense gradients"):
        Optimizer(embedding.parameters(), rules.adam).step()


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"lr": -1}, "adam: lr must be finite and at least 0, not -1"),
        ({"beta1": 1.0}, "adam: beta1 must be at least 0 and less than 1, not 1.0"),
        ({"betas": (0.9, 0.99)}, "adam has no hyperparameter 'betas'; it has lr, beta1, beta2, eps"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_hyperparameters_are_named(hyper, message):
    with pytest.raises(ValueError, match=message):
        Optimizer([parameter()], rules.adam, **hyper)


def test_added_groups_are_checked_and_stepped():
    first, second = parameter(), parameter()
    optimizer = Optimizer([first], rules.momentum, lr=0.1)
    optimizer.add_param_group({"params": [second], "lr": 0.2})
    advance(optimizer)
    assert not torch.equal(second, parameter())


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"params": [parameter()], "lr": -0.1}, "momentum: lr must be"),
        ({"params": [parameter()], "beta": 1.5}, "momentum: beta must be"),
        ({"params": [torch.tensor([1, 2])]}, "integer parameters"),
    ],
    ids=["lr", "beta", "integers"],
)
def test_a_refused_group_is_not_kept(group, message):
    p = parameter()
    optimizer = Optimizer([p], rules.momentum, lr=0.1)
    with pytest.raises(ValueError, match=message):
        optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    advance(optimizer)  # and the optimizer still works
    assert not torch.equal(p, parameter())


def test_learning_rate_may_be_a_tensor():
    one, other = (Optimizer([parameter()], rules.adam, lr=lr) for lr in (0.1, torch.tensor(0.1, dtype=torch.float64)))
    assert torch.equal(advance(one, 3)[0], advance(other, 3)[0])


def test_a_value_spoiled_later_is_named_at_the_next_step():
    optimizer = Optimizer([parameter()], rules.adam)
    optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(ValueError, match="adam: lr must be"):
        advance(optimizer)
