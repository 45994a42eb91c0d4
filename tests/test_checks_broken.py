"""Candidates that break: whatever a function does, a check answers with a sentence and leaves nothing behind."""

import math
import random
import re
import signal
import sys
import threading
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch

from course_utils import rules
from course_utils.checks import check, diagnose, guard, names, remote
from course_utils.checks.alone import alone


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


class Lingering:
    def __del__(self):
        until = time.monotonic() + 0.03
        while time.monotonic() < until:
            pass


def loops_and_destroys(*args, **hyper):
    while True:
        Lingering()


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
    "loop, destructor": (loops_and_destroys, "too_slow", "still running"),
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
    "text": (lambda g, *state, **hyper: ("left", None), "wrong_type", "where numbers are needed"),
    "complex": (lambda g, *state, **hyper: (1j * g, None), "wrong_type", "complex"),
    "objects": (lambda g, *state, **hyper: ([None] * len(g), None), "wrong_type", "where numbers are needed"),
    "dict": (lambda g, *state, **hyper: ({"v": g}, -g), "swapped_return", "right order"),
    "huge": (lambda g, *state, **hyper: (np.broadcast_to(0.0, (10**6, 10**6)), None), "too_large", "entries"),
    "nan": (lambda g, *state, **hyper: (g * np.nan, None), "not_finite", "not finite"),
    "no hyperparameters": (lambda g, state=None: (g, None), "wrong_signature", "unexpected keyword argument 'lr'"),
    "state required": (lambda g, state, **hyper: (g, None), "wrong_signature", "missing 1 required"),
    "positional": (lambda g, lr, beta1, beta2, eps, state: (g, 0), "wrong_signature", "missing 1 required"),
    "no arguments": (lambda: None, "wrong_signature", "cannot be called as"),
    "state without a default twice": (lambda g, **hyper: (g, 0), "wrong_signature", r"adam\(g, state"),
    "state unpacked": (lambda g, state=(0,), **hyper: (g * state[0], ()), "raises", "handed back the state"),
    "state None": (lambda g, state=(0.0,), **hyper: (g, None), "state_none", "the state that it was given"),
    "None in the state": (lambda g, state=(0.0, 0), **hyper: (g, (g, None)), "state_none", "holds None"),
    "old state": (lambda g, state=(0.0,), **hyper: (-state[0], (g,)), "wrong_shape", "the bare number 0"),
    "power": (lambda g, *state, **hyper: (g ^ 2, 0), "raises", r"A power is `\*\*`"),
    "math": (lambda g, *state, **hyper: (math.sqrt(g), 0), "raises", "those of numpy take arrays"),
    "max": (lambda g, *state, **hyper: (max(g, 2 * g), 0), "raises", "`np.maximum`"),
    "tuple": (lambda g, state=(0.0,), **hyper: (0.5 * state * g, 0), "raises", "is no number"),
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
    monkeypatch.setattr(guard, "SECONDS", 0.05)
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


def importing(folder, monkeypatch, source):
    """A right answer that imports a module of this source when it is called first."""
    (folder / "imported_late.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "imported_late", raising=False)
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def descends(g, state=(), *, lr):
        from importlib import import_module

        return -lr * g * import_module("imported_late").ONE, state

    return descends


@pytest.mark.parametrize("in_thread", [False, True])
def test_no_import_is_cut_off(in_thread, tmp_path, monkeypatch):
    """It would leave half a module behind, and an import that takes long is no loop."""
    candidate = importing(tmp_path, monkeypatch, "import time\ntime.sleep(1)\nONE = 1\n")
    verdicts = []
    if in_thread:
        thread = threading.Thread(target=lambda: verdicts.append(diagnose("gradient_descent", alone(candidate))))
        thread.start()
        thread.join(8)
    else:
        verdicts.append(diagnose("gradient_descent", alone(candidate)))
    assert verdicts[0].passed, verdicts[0].message


def test_an_import_without_end_is_cut_off_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "IMPORTS", 0.5)
    assert diagnose("gradient_descent", importing(tmp_path, monkeypatch, "while True: pass")).mistake == "too_slow"


@pytest.mark.parametrize("value", [Fraction(1, 4), [Fraction(1, 4)] * 2, 10**30])
def test_fractions_and_long_whole_numbers_are_numbers(value):
    expected = np.array(value, dtype=float)
    np.testing.assert_array_equal(guard.array(value, "It"), expected)
    np.testing.assert_array_equal(guard.array(remote._decode(remote._encode(value)), "It"), expected)


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


def test_an_answer_on_its_own_prints_calls_itself_and_is_stopped(monkeypatch):
    """Where the course's functions refuse to answer, its watch over time and output does not."""
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def talks(g, state=(), *, lr):
        print("hello")
        return -lr * g, state

    def step_decay(step, every, factor):
        return factor * decay(step - every, every, factor) if step >= every else 1.0

    decay = alone(step_decay)
    assert diagnose("step_decay", decay).passed
    assert diagnose("gradient_descent", alone(talks)).passed
    for candidate in (loops, loops_and_catches):
        assert diagnose("gradient_descent", alone(candidate)).mistake == "too_slow"


def test_settings_that_count_steps_are_whole():
    for settings, said in (({"every": 500.5}, "'every' counts steps"), ({"warmup": True}, "not True")):
        with pytest.raises(guard.Stop, match=said):
            guard.Caller("settings", lambda settings=settings: settings)()
    assert guard.Caller("settings", lambda: {"every": 500.0, "lr": 0.1})() == {"every": 500.0, "lr": 0.1}


def test_no_word_on_stderr(capfd):
    """A graded cell loses all its points for a warning."""

    def warns(g, state=None, *, lr, eps):
        warnings.warn("look out", stacklevel=1)
        return -lr * g / np.zeros(len(g)), state

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert not diagnose("adagrad", warns).passed
    assert capfd.readouterr() == ("", "")
