"""What crosses between a graded cell and a submission's kernel, here without the kernels: plain data, and no more."""

import base64
import json
import signal
import threading
import time
from collections import deque, namedtuple

import numpy as np
import pytest
import torch

from course_utils import checks, rules
from course_utils.checks import remote
from course_utils.checks.tasks import TASKS
from course_utils.checks.zoo import ZOO


class Wire(remote.Remote):
    """A Remote whose other side is in this process; everything still goes through bytes and back."""

    def __init__(self, function):
        super().__init__(None, "candidate")
        self.function = function

    def _ask(self, request):
        # what a kernel answers to a user expression: the repr of the string
        text = repr(remote.answer({"candidate": self.function}, request))
        return remote._read({"user_expressions": {"reply": {"data": {"text/plain": text}}}})


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -0.5, float("inf"), "µ", (1, (2.0,)), [1, [2]], {"a": (1, 2), 3: []}, np.float64(2.5)],
)
def test_plain_data_arrives_as_it_is(value):
    arrived = Wire(lambda item: item)(value)
    assert arrived == value
    assert type(arrived) is type(value)


def test_arrays_and_tensors_arrive_as_arrays():
    for array in (np.arange(6.0).reshape(2, 3), np.arange(3), np.array([True, False]), np.empty((0, 2), "float32")):
        arrived = Wire(lambda item: item)(array)
        assert arrived.dtype == array.dtype
        np.testing.assert_array_equal(arrived, array)
    np.testing.assert_array_equal(Wire(lambda: torch.ones(2, requires_grad=True))(), [1, 1])
    assert Wire(lambda n: (i * i for i in range(n)))(3) == [0, 1, 4]


def test_other_objects_stay_where_they_are_and_come_back():
    class Counter:
        steps = 0

    def step(counter=None):
        counter = counter or Counter()
        counter.steps += 1
        return counter.steps, counter

    remote_step = Wire(step)
    steps, kept = remote_step()
    assert (steps, type(kept)) == (1, remote.Kept)
    assert remote_step(kept) == (2, kept)


def test_named_tuples_ranges_and_deques_are_their_entries_and_come_back_as_they_are():
    Velocity = namedtuple("Velocity", "v steps")

    def step(state=None):
        state = Velocity(0.0, deque()) if state is None else state
        state.steps.append(1)
        return Velocity(state.v + 1, state.steps)

    remote_step = Wire(step)
    first = remote_step()
    assert (isinstance(first, tuple), first[0], tuple(first[1])) == (True, 1.0, (1,))
    assert remote_step(first)[0] == 2.0
    np.testing.assert_array_equal(Wire(lambda n: range(n))(3), [0, 1, 2])


def test_a_change_in_place_shows():
    def spoil(g):
        g *= 2

    g = np.ones(3)
    Wire(spoil)(g)
    np.testing.assert_array_equal(g, [2, 2, 2])


def test_functions_of_ours_can_be_arguments():
    assert Wire(lambda f, x: f(x) - f(-x))(lambda x: float(np.sum(x**3)), 2.0) == 16


def test_errors_arrive_with_their_line():
    def divide(x):
        return x / 0

    with pytest.raises(ZeroDivisionError, match=r'division by zero, in line \d+: "return x / 0"'):
        Wire(divide)(1)

    class Own(Exception):
        pass

    def fail():
        raise Own("so")

    with pytest.raises(RuntimeError, match="Own: so"):
        Wire(fail)()
    with pytest.raises(RuntimeError, match="UnicodeDecodeError"):
        Wire(lambda: b"\xff".decode("utf-8"))()


def test_a_type_error_arrives_as_one():
    with pytest.raises(TypeError, match="unsupported operand"):
        Wire(lambda: 1 + "1")()


def test_functions_keep_their_defaults_and_closures():
    gain = 3.0
    assert Wire(lambda f: f(2.0)[0])(rules.gradient_descent) == -0.02
    assert Wire(lambda f: f(2.0))(lambda x: gain * x) == 6


def test_the_alarm_waits_while_the_kernel_is_told_to_stop():
    heard, over = [], threading.Event()
    other = threading.Thread(target=over.wait)  # a kernel has more threads than one: they take signals, too
    other.start()
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append("it"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.02)
        with remote._no_alarm():
            time.sleep(0.1)
            assert heard == []
        time.sleep(0.1)
        assert heard
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        over.set()


def test_what_a_verdict_may_say_is_short_and_can_be_printed():
    long = Wire(lambda: {"x" * 10_000: "\ud800"})()
    assert long == {"x" * remote.LONGEST: "?"}

    def fail():
        raise ValueError("\ud800" * 10_000)

    with pytest.raises(ValueError, match=r"^\?+$"):
        Wire(fail)()


@pytest.mark.parametrize(
    "reply",
    [
        None,
        "forged",
        {},
        {"result": 1},
        {"result": ["array", "gASVKAAAAA=="], "arguments": []},
        {"result": ["kept", "os"], "arguments": []},
        {"result": [1, 2, 3], "arguments": []},
        {"result": ["list", 7], "arguments": []},
        {"result": 1, "arguments": [1, 2, 3]},
        {"error": 5},
        {"error": ["eval", "__import__('os').abort()"]},
    ],
)
def test_a_forged_reply_is_an_error_and_no_more(reply):
    class Forged(remote.Remote):
        def _ask(self, request):
            text = repr(base64.b64encode(json.dumps(reply).encode()).decode())
            return remote._read({"user_expressions": {"reply": {"data": {"text/plain": text}}}})

    with pytest.raises((RuntimeError, ValueError, TypeError)):
        Forged(None, "candidate")()


def test_a_dead_kernel_is_not_asked():
    with pytest.raises(RuntimeError, match="died in cell 7"):
        remote.Remote(None, "momentum", "the kernel of this notebook died in cell 7")(1.0)


@pytest.mark.parametrize("name", checks.names)
def test_every_check_passes_the_right_solution_from_outside(name):
    for right in TASKS[name].right:
        assert checks.diagnose(name, Wire(right)).passed


@pytest.mark.parametrize("name", ["momentum", "numerical_gradient", "minibatches"])
def test_mistakes_are_named_from_outside_too(name):
    same = []
    for entry in ZOO[name].values():
        inside, outside = (checks.diagnose(name, wrap(entry.makers[0]())) for wrap in (lambda make: make, Wire))
        same.append(inside.mistake == outside.mistake)
        # what becomes of the caller's own array after the call cannot be seen from outside
        assert not outside.passed or inside.mistake == "keeps_the_gradient"
    assert sum(same) >= 0.95 * len(same)


def test_all_rules_are_the_same_from_outside():
    g = np.array([0.5, -2.0, 0.0])
    for rule in rules.ALL:
        state, outside = (), ()
        for _ in range(3):
            update, *state = rule(g, *state, lr=0.1)
            other, *outside = Wire(rule)(g, *outside, lr=0.1)
            np.testing.assert_array_equal(update, other)
