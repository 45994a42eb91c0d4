"""Running somebody else's function within bounds: of time, of output, and without lasting side effects.

:func:`run` does some work that calls a learner's function; :class:`Caller` makes one such call and turns whatever can
go wrong with it into a :class:`Stop` with a sentence for the learner.

Not covered, because no Python code of the same process can: one call into C that never gives control back
(``10**10**10``), ``os._exit``, an allocation beyond the machine's memory, output written below Python's ``sys.stdout``,
and code that goes out of its way to remove the timer. Submissions that may be hostile belong in a sandbox.
"""

import contextlib
import copy
import ctypes
import gc
import inspect
import io
import itertools
import numbers
import random
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from types import CodeType

import numpy as np

from course_utils.checks.remote import MINE, apart, arrays

SECONDS = 5.0  # for all calls of one check together
IMPORTS = 60.0  # more, at most, where a module is being imported: one that is left half done is broken for good
OUTPUT = 100_000  # characters that all calls together may print
ENTRIES = 1_000_000  # of an array that is worth looking at

# reasons to stop after which there is nothing to draw
UNFIT = (
    "not_callable",
    "not_implemented",
    "wrong_signature",
    "returns_none",
    "not_a_pair",
    "raises",
    "too_slow",
    "exits",
)

# what Python says of an error -> what a learner may look for
HINTS = {
    r"can't multiply sequence|unsupported operand.*'(tuple|list|range|map)'|can only concatenate": "A tuple or a list "
    "is no number: take out of it what you need, as in `(v,) = state`, or make it an array.",
    r"bitwise_xor|for \^": "A power is `**` in Python; `^` is something else.",
    r"only (0-dim|length-1|size-1)": "The functions of `math` take one number; those of numpy take arrays.",
    r"truth value of an array": "`if`, `max` and `min` want one yes or no; `np.where`, `np.maximum` and the like work "
    "entry by entry.",
    r"NoneType": "Something there is None: what works in place, as `shuffle` or `append` do, returns nothing.",
    r"broadcast": "Write the two shapes side by side; `keepdims=True` keeps an axis that a sum would take away.",
    r"division by zero": "Print what stands below the fraction bar.",
    r"Cannot cast ufunc": "That array holds whole numbers, and no fraction can be written into it.",
    r"local variable|before assignment": "A name to which a function assigns belongs to this function "
    "alone: where does it get its first value?",
    r"(float|int|float64)' object is not (subscriptable|iterable)|cannot unpack non-iterable": "That is one number: "
    "is the state returned as a tuple, `(v,)`, with its comma?",
    r"values to unpack": "Count what the state holds at first, and what you return in its place.",
    r"is not defined": "Is it spelled as where it is made, and does it need `np.` or `self.` before it? "
    "If so, run the cell that makes it, and the first one.",
}

OURS = str(Path(__file__).resolve().parent.parent)


class Stop(Exception):
    """The candidate cannot be examined any further: ``slug`` says why in a word, ``message`` in a sentence."""

    def __init__(self, slug, message):
        super().__init__(message)
        self.slug = slug
        self.message = message


class TimeUp(BaseException):
    """Raised inside the candidate when its time is over. Not an ``Exception``: few handlers catch it by accident."""


class TooMuchOutput(BaseException):
    """Raised inside the candidate by the ``print`` that goes too far."""


class Printed(io.StringIO):
    """Keeps the first ``OUTPUT`` characters, then stops whoever prints on."""

    overflown = False

    def write(self, text):
        if self.overflown or self.tell() + len(text) > OUTPUT:
            self.overflown = True
            raise TooMuchOutput
        return super().write(text)


def codes(code):
    """``code`` and all code inside of it."""
    return {code}.union(*(codes(part) for part in code.co_consts if isinstance(part, CodeType)))


# an answer that is asked on its own may print, and call itself
MINE.update({Printed.write.__code__}, codes(apart.__code__))


@contextlib.contextmanager
def uncollected():
    """No garbage collection within: a full one takes as long as a search for what is wrong may take in all."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def run(work, seconds=None):
    """``work()`` within ``seconds`` (or ``SECONDS``): its result, what it printed, remarks on settings it changed.

    Output, warnings, numpy's error settings and the global random states are as before when this returns.
    Raises :class:`Stop` when the time is over or the output too much, and whatever ``work`` raises.
    """
    seconds = SECONDS if seconds is None else seconds
    printed, remarks = Printed(), []
    bounded = _bounded_by_alarm if _has_alarm() else _bounded_in_thread
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002, the learner's code may use it
        stack.callback(random.setstate, random.getstate())
        if torch := sys.modules.get("torch"):
            stack.callback(torch.set_rng_state, torch.get_rng_state())
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(printed))
        stack.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
        sys.unraisablehook = _but_for_the_end(sys.unraisablehook)

        def watched():
            with np.errstate(all="ignore"):
                settings, randomness = np.geterr(), np.random.get_state()[1:3]  # noqa: NPY002
                try:
                    return work()
                finally:
                    if np.geterr() != settings:
                        remarks.append("It also changes numpy's error settings (np.seterr), for everybody.")
                    position = np.random.get_state()[1:3]  # noqa: NPY002
                    if position[1] != randomness[1] or (position[0] != randomness[0]).any():
                        remarks.append("It also draws from, or seeds, numpy's global random numbers (np.random).")

        try:
            result = bounded(watched, seconds)
        except TimeUp as end:
            if printed.overflown:  # it caught the exception and printed on
                raise _too_much(end) from None
            raise Stop(
                "too_slow",
                f"Your function was still running after {seconds:g} seconds{_line(end)}. "
                "Is there a loop that never ends?",
            ) from None
        except TooMuchOutput as end:
            raise _too_much(end) from None
        if printed.overflown:  # the candidate caught the exception
            raise _too_much(None)
    return result, printed.getvalue(), remarks


def _but_for_the_end(report):
    """``report``, but not of our own exceptions: Python drops one raised in a destructor, and the next comes."""

    def hook(unraisable):
        if not isinstance(unraisable.exc_value, (TimeUp, TooMuchOutput)):
            report(unraisable)

    MINE.add(hook.__code__)
    return hook


def _too_much(end):
    return Stop(
        "prints_too_much",
        f"Your function prints more than {OUTPUT:,} characters{_line(end)}. Which print did you leave in? "
        "A function that is called at every step should print nothing.",
    )


# ---- time


def _has_alarm():
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def _bounded_by_alarm(work, seconds):
    """An alarm raises TimeUp in ``work``, again and again until it gets through."""
    bottom, previous_trace = sys._getframe(), sys.gettrace()
    alarms, latest = 0, time.monotonic() + seconds + IMPORTS

    def ring(signum, frame):
        nonlocal alarms
        if _imports(frame, bottom) and time.monotonic() < latest:
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.02)  # all of its time again: the import was not its own
            return
        alarms += 1
        if alarms > 1:
            # The last one was swallowed: a bare except inside a loop. A trace function can raise at any line, so it
            # raises once more a line later, then two lines later, ... until a line is met that no try protects.
            lines = alarms

            def trace(frame, event, arg):
                nonlocal lines
                lines -= 1
                if lines <= 0 and not (_imports(frame, bottom) and time.monotonic() < latest):
                    raise TimeUp
                return trace

            MINE.add(trace.__code__)
            sys.settrace(trace)
            while frame is not None and frame is not bottom:
                frame.f_trace = trace
                frame = frame.f_back
        raise TimeUp

    MINE.update({ring.__code__, _imports.__code__})  # it rings inside an answer that is asked on its own
    previous = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.02)
            return work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # once more: the alarm may have rung in the line above
        signal.signal(signal.SIGALRM, previous)
        if alarms > 1:
            sys.settrace(previous_trace)


def _imports(frame, bottom=None):
    """Whether a module is being imported in this frame, or in one that called it, up to ``bottom``."""
    while frame is not None and frame is not bottom:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _bounded_in_thread(work, seconds):
    """Where no alarm can ring (Windows, another thread): a thread of its own, left behind if it cannot be stopped."""
    outcome = {}

    def body():
        try:
            outcome["result"] = work()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(seconds)
    latest = time.monotonic() + IMPORTS
    while thread.is_alive() and _imports(sys._current_frames().get(thread.ident)) and time.monotonic() < latest:
        thread.join(seconds)
    until = time.monotonic() + 1
    while thread.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeUp))
        thread.join(0.02)
    if "result" in outcome:
        return outcome["result"]
    raise outcome.get("error", TimeUp())


# ---- one call


class Caller:
    """Calls the candidate ``name``; ``mutated`` says afterwards whether it ever changed an argument in place.

    ``spoils_state`` says so of the arrays in the state that a rule is given.
    """

    def __init__(self, name, candidate):
        if not callable(candidate):
            what = f"of type {type(candidate).__name__}"
            raise Stop("not_callable", f"{name} should be a function, not something {what}. Did you call it already?")
        self.name = name
        self.candidate = candidate
        self.mutated = self.spoils_state = False

    def __call__(self, *args, watch=(), **kwargs):
        """``candidate(*args, **kwargs)``; the arrays of ``args`` at the positions ``watch`` should stay as they are."""
        before = [copy.copy(args[i]) for i in watch]
        state = [(held, held.copy()) for held in arrays(args[1:])] if "lr" in kwargs else []
        try:
            result = self.candidate(*args, **kwargs)
            if inspect.isgenerator(result):
                result = list(itertools.islice(result, 10_000))  # a list in small portions; it may have no end
        except (TimeUp, TooMuchOutput):
            raise
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: a check raises nothing but its verdict
            raise _stop_for(self.name, error, args, kwargs) from None
        self.mutated |= any(not _kept(args[i], value) for i, value in zip(watch, before, strict=True))
        self.spoils_state |= any(not _kept(*pair) for pair in state)
        if "lr" in kwargs:
            self._need_gradient(args, result)
            self._need_state(args, result)
        elif not args and isinstance(result, dict):
            _need_whole(self.name, result)
        return result

    def _need_gradient(self, args, result):
        """:class:`Stop` if a rule's first update is the bare 0 with which its state begins."""
        if len(args) == 1 and isinstance(result, (tuple, list)) and len(result) == 2:
            update = result[0]
            if isinstance(update, (int, float, np.floating)) and update == 0 and np.ndim(args[0]):
                raise Stop(
                    "wrong_shape",
                    f"The first update of {self.name} is the bare number 0, with which the state begins: the gradient "
                    "is not in it. What comes first, the new state or the step?",
                )

    def _need_state(self, args, result):
        """:class:`Stop` if a rule that was given a state returns None in its place, or somewhere in it."""
        if not isinstance(result, (tuple, list)) or len(result) != 2 or result[0] is None or not _has_none(result[1]):
            return
        given = args[1] if len(args) > 1 else _default_state(self.candidate)
        if not _has_none(given):  # a state that begins with None may go on so
            which = "is None" if result[1] is None else f"holds None (it is {_a(result[1])})"
            raise Stop(
                "state_none",
                f"The new state that {self.name} returns {which}: the next call gets it, and finds nothing there. A "
                "rule that remembers nothing hands back the state that it was given.",
            )


def _kept(value, before):
    """Whether an array is as before; a change and its undoing may leave a rounding error, which is no offence."""
    return np.shape(value) == before.shape and np.allclose(value, before, rtol=1e-9, atol=0, equal_nan=True)


def _has_none(state):
    return any(entry is None for entry in (state if isinstance(state, (tuple, list)) else (state,)))


def _default_state(candidate):
    """The state with which a rule begins by itself; None if that cannot be told."""
    with contextlib.suppress(Exception):  # no signature, or no such argument
        second = list(inspect.signature(candidate).parameters.values())[1]
        return second.default if second.default is not inspect.Parameter.empty else None
    return None


STEPS = ("every", "warmup")  # the settings that count steps


def _need_whole(name, settings):
    """:class:`Stop` if one of the ``settings`` that count steps is no whole number."""
    for key in STEPS:
        value = settings.get(key)
        if isinstance(value, bool) or (isinstance(value, (float, np.floating)) and value % 1 and np.isfinite(value)):
            raise Stop("not_whole", f"{key!r} counts steps, so it should be a whole number, not {value!r}.")


def array(value, what):
    """``value`` as a float64 array; :class:`Stop` if it is no array of numbers. ``what`` begins the sentence."""
    if value is None:
        raise Stop("returns_none", f"{what} is None. Is a return missing, or a value after it?")
    given = value
    try:
        if hasattr(value, "detach"):  # a torch tensor
            value = value.detach().cpu().numpy()
        entries = np.size(value) if not hasattr(value, "shape") else int(np.prod(value.shape, dtype=float))
        if entries <= ENTRIES:
            value = np.asarray(value)
            if value.dtype == object and (value.ndim or isinstance(given, numbers.Rational)):
                # a list of 0-d tensors and the like, or a fraction
                value = np.array([float(entry) for entry in value.flat]).reshape(value.shape)
    except Exception:
        raise Stop("wrong_type", f"{what} is {_a(given)}, where numbers are needed.") from None
    if entries > ENTRIES:
        raise Stop(
            "too_large", f"{what} has {entries:,} entries. Which operation makes one number out of every *pair*?"
        )
    if value.dtype.kind not in "fiub" or (value.dtype.kind == "b" and value.ndim == 0):
        needed = "real numbers" if value.dtype.kind == "c" else "numbers"
        raise Stop("wrong_type", f"{what} is {_a(given)}, where {needed} are needed.")
    return value.astype(float)


def _a(value):
    if isinstance(value, np.ndarray) or (hasattr(value, "dtype") and hasattr(value, "shape")):
        kind = {"c": "complex numbers", "O": "objects", "U": "text"}.get(getattr(value.dtype, "kind", ""), value.dtype)
        return f"an array of {kind}" if np.ndim(value) else f"one of the {kind}"
    if isinstance(value, (tuple, list)) and 0 < len(value) <= 8:
        return f"a {type(value).__name__} of {', '.join(map(_entry, value))}"
    return f"of type {type(value).__name__}"


def _entry(value):
    shape = f" of shape {tuple(value.shape)}" if getattr(value, "shape", ()) else ""
    return "None" if value is None else f"{type(value).__name__}{shape}"


def _stop_for(name, error, args, kwargs):
    """What an exception of the candidate means for the learner."""
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = ""
    text = text if len(text) < 200 else text[:200] + " ..."
    kind = type(error).__name__
    where = _line(error)
    if type(error) is NotImplementedError or "raised NotImplementedError" in text:  # here, or behind a grader's proxy
        return Stop("not_implemented", f"{name} is not written yet: it still raises NotImplementedError{where}.")
    if isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)):
        return Stop(
            "exits", f"Your function raised {kind}{where}. Does it call exit, or raise it? It should return instead."
        )
    if isinstance(error, RecursionError):
        return Stop(
            "recursion",
            f"Your function calls itself without end, or more often than Python allows (RecursionError{where}). "
            "What ends the chain? If it does end, a loop gets there too.",
        )
    # a call that does not even reach the function's first line
    outside = error.__traceback__ is None or error.__traceback__.tb_next is None or where == ""
    wrong_call = re.search(
        r"unexpected keyword argument|required (positional|keyword-only) argument|takes .*positional argument"
        r"|multiple values for argument|positional-only argument|takes no arguments|takes no keyword arguments",
        text,
    )
    if outside and wrong_call:
        given = ["g", "state"][: len(args)] if "lr" in kwargs else [f"argument {i + 1}" for i in range(len(args))]
        call = ", ".join(given + [f"{key}=..." for key in kwargs])
        return Stop(
            "wrong_signature",
            f"Your function cannot be called as {name}({call}): {text}. "
            "Compare your def line with the signature in the task, name by name; "
            "where there is a state, the first call leaves it out.",
        )
    when = (
        " This call handed back the state that your function had returned." if len(args) == 2 and "lr" in kwargs else ""
    )
    last = None if error.__traceback__ is None else traceback.extract_tb(error.__traceback__)[-1]
    if last and Path(last.filename).parent.name == "parts":  # a question of ours about what came back
        if (last.line or "").startswith("raise "):
            return Stop("unreadable", f"{text[:1].upper()}{text[1:]}.")
        return Stop(
            "unreadable",
            f"What {name} returns cannot be worked with ({kind}: {text}). Is it empty, or of another form than asked?",
        )
    hint = next((f" {hint}" for said, hint in HINTS.items() if re.search(said, text)), "")
    return Stop("raises", f"Your function raised {kind}{': ' * bool(text)}{text}{where}.{when}{hint}")


def _line(error):
    """', in line 5: "..."', the deepest line of the learner's own code on the way to ``error``; '' if there is none."""
    frames = [] if error is None else traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(OURS)]
    if not theirs:
        return ""
    last = [frame for frame in theirs if frame.filename == theirs[0].filename][-1]
    return f', in line {last.lineno}: "{last.line}"' if last.line else f", in line {last.lineno}"
