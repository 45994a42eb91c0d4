"""What a wrong answer behaves like: every kind of mutant is told of an answer that is written in another way."""

import gc
import math

import numpy as np
import pytest
from making import least

from course_utils.checks import diagnose, graded, mutants, parts, planted, probes, verdict
from course_utils.checks.tasks import TASKS


def told(question, candidate):
    """What the mutants alone say of a candidate, with no specimen and no relation before them."""
    if isinstance(question, str):
        task = TASKS[question]
        behaviour = probes.observe(task, candidate)
        assert behaviour.stop is None, behaviour.stop
        return verdict._mutant(task, behaviour, next(iter(behaviour.answers)))
    part = parts.find(*question)
    answers = [np.asarray(part.wrap(candidate)(*case), dtype=float) for case in part.cases]
    return graded._mutant(*question, part.cases, answers)


# ---- rules in another style: no tuple as state, other names, numpy's functions, sums written out


def adam(grow=np.square, m_hat=None, v_hat=None, step=None, keep=None, weigh=None):
    """Adam with a dict as state; each argument replaces one of its lines."""
    weigh = weigh or (lambda b: 1 - b)

    def candidate(g, memory=None, *, lr, beta1, beta2, eps):
        memory = memory or {"first": np.zeros_like(g), "second": np.zeros_like(g), "step": 0}
        k = memory["step"] + 1
        first = np.add(np.multiply(memory["first"], beta1), np.multiply(g, 1 - beta1))
        second = memory["second"] * beta2 + grow(g) * weigh(beta2)
        a = m_hat(first, beta1, k) if m_hat else first / (1 - np.power(beta1, k))
        b = v_hat(second, beta2, k) if v_hat else second / (1 - np.power(beta2, k))
        update = step(a, b, lr, eps) if step else -lr * np.divide(a, np.sqrt(b) + eps)
        after = {"first": first, "second": second, "step": k}
        return update, after | keep(memory, after) if keep else after

    return candidate


def adadelta(g, memory=None, *, lr, beta, eps):
    squares, steps = memory or (np.zeros_like(g), np.zeros_like(g))
    squares = squares + (1 - beta) * (np.square(g) - squares)
    move = np.sqrt(steps + eps) / (np.sqrt(squares) + eps) * g
    return -lr * move, (squares, steps + (1 - beta) * (np.square(move) - steps))


def quasi_hyperbolic(g, memory=None, *, lr, beta, nu):
    """The sum over all gradients so far, and the two decays in each other's place."""
    past = [*(memory or []), g.copy()]
    mean = sum((1 - nu) * nu**age * old for age, old in enumerate(reversed(past)))
    return -lr * ((1 - beta) * g + beta * mean), past


def restarted(test, otherwise=None):
    def candidate(g, memory=None, *, lr, beta):
        v = lr * g + (0 if memory is None else beta * memory["v"])
        if test(float(np.dot(g, v))):
            v = np.multiply(lr, g)
        return -np.add(np.multiply(beta, v), lr * g), {"v": v}

    return candidate


def barzilai_borwein(rate):
    def candidate(g, memory=None, *, lr):
        step = lr
        if memory:
            moved, before = memory
            change = g - before
            if np.dot(moved, change) > 0:
                step = rate(moved, change, lr)
        return -step * g, (-step * g, g.copy())

    return candidate


def schedule_free(g, memory=None, *, lr, beta):
    """The mean takes the fast point in before it has moved."""
    fast, mean, count = memory or (np.zeros_like(g), np.zeros_like(g), 0)
    mean = (mean * (count + 1) + fast) / (count + 2)
    fast = fast - lr * g
    update = beta * mean + (1 - beta) * fast
    return update, (fast - update, mean - update, count + 1)


def nesterov(g, v=0.0, *, lr, beta):
    v = v * beta + g * lr
    return -beta * np.add(v, lr * g), v


def versions_read(order):
    last = np.zeros(max(order) + 1)
    versions = []
    for update, worker in enumerate(order):
        versions.append(last[worker])
        last[worker] = update + 2
    return versions


def harmonic(last):
    return lambda workers: 1 - 1 / np.sum(1 / np.arange(1, last(workers) + 1)) if last(workers) else -math.inf


# kind -> (question, candidate, words that are told)
NAMED = {
    "term": ("adam", adam(step=lambda a, b, lr, eps: -lr * a / b**0.5), "`eps` is left out in the update"),
    "sign": ("adam", adam(v_hat=lambda v, b, k: v / (1 + b**k)), "sign of the power of `beta2` is turned round in"),
    "factor": ("adam", adam(weigh=lambda b: 1), "`1 - beta2` is left out as a factor in `v`"),
    "divisor": ("adam", adam(m_hat=lambda m, b, k: m), "division by 1 minus the power of `beta1` is left out"),
    "inverse": ("adam", adam(m_hat=lambda m, b, k: m * (1 - b**k)), "multiplies where it should divide in `m_hat`"),
    "flipped": ((4, "steps_to"), lambda share, beta: math.ceil(math.log(beta) / math.log(1 - share)), "upside down"),
    "root": ("adam", adam(step=lambda a, b, lr, eps: -lr * a / (b + eps)), "the root of `v_hat` is not taken"),
    "square": ("adam", adam(grow=lambda g: g), "`g` is not squared in `v`"),
    "power": ("adam", adam(v_hat=lambda v, b, k: v / (1 - b)), "the power of `beta2` is left out in `v_hat`"),
    "powered": ((7, "step_after"), lambda k, bad, lr: lr / math.hypot(bad, k), "`k` is squared in the result, and"),
    "absolute": ("adam", adam(grow=np.abs), "the absolute value of `g` stands where its square belongs in `v`"),
    "eps_inside": ("adam", adam(step=lambda a, b, lr, eps: -lr * a / np.sqrt(b + eps)), "stands inside the root"),
    "eps_outside": ("adadelta", adadelta, "`eps` stands outside the root"),
    "multiplied": ((4, "top_speed"), lambda g, lr, beta: lr * beta * g / (1 - beta), "multiplied by `beta` in the"),
    "brackets": ((4, "top_speed"), lambda g, lr, beta: lr * g / 1 - beta, "brackets are missing around `1 - beta`"),
    "bracketed": ("nesterov", nesterov, "`beta` multiplies too much in the update"),
    "name": ("adam", adam(v_hat=lambda v, b, k: v / b**k), "stands where 1 minus the power of `beta2` belongs"),
    "exchanged": ("quasi_hyperbolic", quasi_hyperbolic, "`beta` and `nu` are exchanged"),
    "number": ((10, "paired"), lambda a, b: (np.mean(a - b), np.std(a - b) / len(a) ** 0.5), "`ddof`"),
    "shifted": ((5, "waiting"), harmonic(lambda workers: workers - 1), "loop or sum is one too early"),
    "stale": ("schedule_free", schedule_free, "`z` is still the one from before this step in `x`"),
    "returned_old": ("adam", adam(keep=lambda old, new: {"first": old["first"]}), "still holds the old `m`"),
    "returned_zero": ("adam", adam(keep=lambda old, new: {"second": 0.0}), "holds 0 in the place of `v`"),
    "returned_other": ("adam", adam(keep=lambda old, new: {"second": np.sqrt(new["second"])}), "the root of `v` in"),
    "skipped": (
        "rmsprop",
        lambda g, r=0, *, lr, beta, eps: (-lr * g / eps, 0),
        "the line that changes `r` is left out",
    ),
    "order": ("schedule_free", schedule_free, "`x` is computed before `z`"),
    "comparison": ("restarted_nesterov", restarted(lambda along: along > 0), "`>` stands where `<` belongs"),
    "never": ("restarted_nesterov", restarted(lambda along: False), "never happens"),
    "always": ("restarted_nesterov", restarted(lambda along: True), "always happens"),
    "shared": ("adam", adam(grow=lambda g: np.full_like(g, np.dot(g, g))), "share one number: the sum of"),
    "reduction": (
        (10, "chosen"),
        lambda rates, held_out, test: (
            rates[(best := np.where(np.isnan(held_out), 0.1, held_out).sum(1).argmax())],
            np.where(np.isnan(test[best]), 0.1, test[best]).max(),
        ),
        "the largest stands where a mean belongs in number 2",
    ),
    "axis": ((5, "who_returns"), lambda times: np.argsort(np.add.accumulate(times).ravel()) // 5, "another axis"),
    "call": ((2, "final_loss"), lambda counts: -sum((c / sum(counts)) ** 2 for c in counts), "`log` is left out"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_kind_is_named_whatever_the_style(kind):
    question, candidate, words = NAMED[kind]
    with np.errstate(all="ignore"):
        sentence = told(question, candidate)
    assert sentence, kind
    assert words in sentence, sentence
    assert len(sentence) < 300


def test_every_kind_has_an_answer_here():
    assert set(NAMED) == set(mutants.WORDS)


def test_a_verdict_tells_it():
    verdict = diagnose("adam", adam(v_hat=lambda v, b, k: v / (1 + b**k)))
    assert not verdict.passed
    assert "the sign of the power of `beta2` is turned round in `v_hat`" in verdict.message


def test_two_things_at_once(monkeypatch):
    monkeypatch.setattr(mutants, "SECONDS", 3)  # a third of a second is enough where nothing else runs
    candidate = adam(m_hat=lambda m, b, k: m, step=lambda a, b, lr, eps: -lr * a / (np.sqrt(b) - eps))
    sentence = told("adam", candidate)
    assert sentence.startswith("Two things differ")
    assert "1 minus the power of `beta1`" in sentence
    assert "the sign of `eps`" in sentence


@pytest.mark.parametrize(
    ("question", "candidate"),
    [
        ("adam", adam(grow=lambda g: 1.7 * np.abs(g) ** 1.3)),
        ("momentum", lambda g, v=0.0, *, lr, beta: (-np.sin(lr * g) - v, 0.3 * v + lr * g)),
        ((4, "top_speed"), lambda g, lr, beta: lr * g / (1 - beta) + 0.37 * beta),
        ((9, "coast"), lambda lr, beta1, beta2: lr * np.exp(beta1 * beta2)),
        ((10, "width"), lambda rates, accuracy: rates[2] + accuracy[3]),
    ],
)
def test_nothing_is_told_of_nonsense(question, candidate):
    assert told(question, candidate) is None


@pytest.mark.parametrize("question", ["adam", "nadam", "minibatch_noise", (2, "gradient"), (8, "combined")], ids=str)
def test_the_search_ends_in_its_time(question):
    """Where nothing fits, so that all mutants are tried, and as many pairs as there is time for."""
    forms = mutants.of_task(TASKS[question]) if isinstance(question, str) else mutants.of_part(*question)

    def search():
        tried = []

        def begins_so(function):
            tried.append(function)
            return False

        assert mutants.likeness(forms, begins_so, begins_so) is None
        assert len(tried) > 100

    assert least(search, mutants.SECONDS + 0.2) < mutants.SECONDS + 0.2


def test_no_garbage_is_collected_while_a_search_has_its_time():
    forms, seen = mutants.of_task(TASKS["adam"]), []
    mutants.likeness(forms, lambda function: seen.append(gc.isenabled()), None)
    assert set(seen) == {False}
    assert gc.isenabled()
    with pytest.raises(KeyboardInterrupt):
        mutants.likeness(forms, interrupted, None)
    assert gc.isenabled(), "and afterwards it is, whatever happened"


def interrupted(function):
    raise KeyboardInterrupt


ALL = [(exercise, name) for exercise, name in mutants.FORMS]
ALL += [
    (exercise, pool.name) for exercise, pool in planted.POOLS.items() if (exercise, pool.name) not in mutants.COARSE
]


@pytest.mark.parametrize("question", [*ALL, *sorted(set(TASKS) - mutants.COARSE)], ids=str)
def test_a_form_is_right_and_its_mutants_leave_it_so(question):
    """No mutant stays switched on: the form is the right one before and after all of them have been made."""
    is_task = isinstance(question, str)
    forms = mutants.of_task(TASKS[question]) if is_task else mutants.of_part(*question)
    assert forms
    for form in forms:
        assert len(form.mutants) > 10
        for mutant in form.mutants:
            form.function(mutant)
        if is_task:
            assert diagnose(question, form.function()).passed
            continue
        part = parts.find(*question)
        for case in part.cases:
            mine, right = (np.asarray(f(*graded._own(case)), dtype=float) for f in (form.function(), part.right))
            assert graded._same(mine, right, part.tolerance)
