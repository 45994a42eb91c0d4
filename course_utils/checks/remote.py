"""Calling a function that lives in another kernel: how a graded cell meets a submission without sharing a process.

The checker's side has a :class:`Remote` for each of the learner's functions; the learner's kernel runs :func:`answer`.
Only plain data comes back: numbers, strings, arrays, tuples, lists, dicts. Anything else, such as a state that is an
object, stays where it is, and a :class:`Kept` goes to and fro in its place. So what a submission returns is never run
by the checker, and nothing of the checker can be reached from a submission.
"""

import base64
import builtins
import collections
import contextlib
import functools
import io
import itertools
import json
import marshal
import numbers
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import CellType, FunctionType

import numpy as np

SECONDS = 30  # for one call
LARGEST = 20_000_000  # bytes of one reply; a longer one is not read
FLOOD = 300_000_000  # bytes of memory that waiting for it may take
LONGEST = 1000  # characters of a text in it, which may become part of a verdict


@dataclass(frozen=True)
class Kept:
    """Stands for an object in the learner's kernel."""

    key: int


OURS = str(Path(__file__).resolve().parent.parent)


def apart(answer):
    """``answer``, during whose calls the course's functions refuse, but for those handed in: see alone.py.

    The refusal is a ``RuntimeError``; it is raised at the end once more, should the answer have caught it.
    """

    @functools.wraps(answer)
    def asked(*args, **kwargs):
        given = {value.__code__ for value in [*args, *kwargs.values()] if isinstance(value, FunctionType)}
        refused, before = [], sys.getprofile()

        def watch(frame, event, arg):
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(OURS) and code not in given and code not in MINE:
                refused.append(code.co_name)
                raise RuntimeError(_refusal(code.co_name))

        sys.setprofile(watch)
        try:
            return answer(*args, **kwargs)
        finally:
            sys.setprofile(before)
            if refused:
                raise RuntimeError(_refusal(refused[0])) from None

    asked.is_alone = True
    MINE.add(asked.__code__)
    return asked


MINE = {apart.__code__}  # of this module: one answer may call another


def _refusal(name):
    return f"the course's own `{name}` does not answer while yours is asked; write in your function what it should do"


class Tensor(np.ndarray):
    """Stands for a torch tensor of the learner's: an array for the checker, and a tensor again when it goes back."""


def arrays(value):
    """The arrays of numbers in tuples, lists and dicts, and there alone: what else a state is, is its rule's affair."""
    if type(value) is np.ndarray:
        return [value] if value.dtype.kind in "fiu" else []
    if isinstance(value, dict):
        value = list(value.values())
    return [held for part in value for held in arrays(part)] if isinstance(value, (tuple, list)) else []


class Row(tuple):
    """Stands for a named tuple, a range or a deque: its entries for the checker, itself when it goes back (``key``)."""


# ---- the checker's side


class Remote:
    """The function ``name`` of the kernel that ``connection``, a jupyter connection file's content, leads to.

    dead: why that kernel cannot be asked any more, if it is so; a call then raises RuntimeError at once.
    """

    def __init__(self, connection, name, dead=None, is_alone=False):
        self.connection = connection
        self.__name__ = name
        self.dead = dead
        self.is_alone = is_alone

    def alone(self):
        """The same function, during whose calls the package does not answer over there."""
        return Remote(self.connection, self.__name__, self.dead, True)

    def __call__(self, *args, **kwargs):
        if self.dead:
            raise RuntimeError(self.dead)
        request = io.BytesIO()
        _Pickler(request).dump((self.__name__, args, kwargs, self.is_alone))
        reply = self._ask(base64.b64encode(request.getvalue()).decode())
        if "error" in reply:
            kind, text = (_text(str(part)) for part in reply["error"])
            raise _error(kind, text)
        for mine, theirs in zip(args, reply["arguments"], strict=True):
            if isinstance(mine, np.ndarray):  # a change in place shows here too
                mine[...] = _decode(theirs)
            elif theirs is not None:
                for held, changed in zip(arrays(mine), _decode(theirs), strict=True):
                    held[...] = changed
        return _decode(reply["result"])

    def _ask(self, request):
        with self._socket("shell") as shell:
            try:
                return self._asked(shell, request)
            except BaseException:  # also a check's own alarm: the learner's kernel must not run on
                with _no_alarm(), self._socket("control") as control:  # it rings on, and would cut this off
                    self.session.send(control, "interrupt_request", {})
                    control.linger = 1000
                raise

    def _asked(self, shell, request):
        # a request without code, for running a cell takes as long again as the call
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "allow_stdin": False,
            "user_expressions": {"reply": f"__import__({__name__!r}, fromlist=['']).answer(globals(), {request!r})"},
        }
        sent = self.session.send(shell, "execute_request", content)["header"]["msg_id"]
        until, most = time.monotonic() + SECONDS, _memory() + FLOOD
        while (left := until - time.monotonic()) > 0:
            if _memory() > most:  # parts of one message without end, which ZeroMQ keeps until the last one is there
                self.dead = "this call answers without end"
                raise RuntimeError(self.dead)
            if not shell.poll(min(left, 0.2) * 1000):
                if not _is_there(self.connection):
                    self.dead = "this call ended the notebook's kernel"
                    raise RuntimeError(self.dead)
                continue
            try:
                _, message = self.session.recv(shell, mode=0)
                is_mine = message["parent_header"].get("msg_id") == sent
            except Exception:  # unsigned, no JSON, nested too deeply: nothing was said
                continue
            if is_mine:
                return _read(message["content"])
        self.dead = f"no answer within {SECONDS} seconds"
        raise TimeoutError(self.dead)

    @functools.cached_property
    def session(self):
        from jupyter_client.session import Session

        return Session(key=self.connection["key"].encode())

    def _socket(self, channel):
        """A new way to the kernel; what comes on one that nobody reads would fill this process."""
        import zmq

        one = zmq.Context.instance().socket(zmq.DEALER)
        one.linger = 0
        one.set(zmq.MAXMSGSIZE, LARGEST)
        one.connect(_address(self.connection, channel))
        return one


def _is_there(connection):
    """Whether somebody listens at the kernel's address: nobody does once it has died."""
    if connection["transport"] != "ipc":
        return True
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(f"{connection['ip']}-{connection['shell_port']}")
        except OSError:
            return False
    return True


def _memory():
    """Bytes of memory that this process holds; 0 where nobody says."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@contextlib.contextmanager
def _no_alarm():
    """The guard's alarm is not heard until this is over; it rings every few hundredths of a second.

    To block the signal would not do: another thread of this process takes it, and Python then tells this one.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def _error(kind, text):
    """The error that a learner's function raised, if it is one of Python's own, as it was; else a RuntimeError."""
    error = getattr(builtins, kind, None)
    if isinstance(error, type) and issubclass(error, BaseException):
        try:
            return error(text)
        except TypeError:  # some errors want other arguments than a text
            pass
    return RuntimeError(f"{kind}: {text}")


def _address(connection, channel):
    between = ":" if connection["transport"] == "tcp" else "-"
    return f"{connection['transport']}://{connection['ip']}{between}{connection[channel + '_port']}"


def _read(content):
    """The reply in what the kernel answered, which may be forged: nothing in it is trusted to be what it should."""
    try:
        text = content["user_expressions"]["reply"]["data"]["text/plain"]
        # the reply is the repr of an ASCII string: base64 has no quotes and no backslashes
        reply = json.loads(base64.b64decode(text.strip("'")))
        return reply if "error" in reply else {"result": reply["result"], "arguments": reply["arguments"]}
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return {"error": ["RuntimeError", "the kernel of this notebook gives no readable answer"]}


def _text(text):
    """What a verdict can say: not too long, and no half characters, which nothing can print."""
    return text[:LONGEST].encode("utf-8", "replace").decode()


def _decode(item):
    if isinstance(item, str):
        return _text(item)
    if not isinstance(item, list):
        return item
    kind, value = item
    if kind == "array":
        array = np.load(io.BytesIO(base64.b64decode(value)), allow_pickle=False)
        return array if array.ndim else array[()]
    if kind == "tensor":
        return np.asarray(_decode(["array", value])).view(Tensor)
    if kind == "kept":
        return Kept(int(value))
    if kind == "row":
        row = Row(_decode(entry) for entry in value[1])
        row.key = int(value[0])
        return row
    if kind == "dict":
        return {_decode(key): _decode(entry) for key, entry in value}
    return (tuple if kind == "tuple" else list)(_decode(entry) for entry in value)


class _Pickler(pickle.Pickler):
    """Functions of ours, which a learner's function may take as arguments, travel as their code."""

    def reducer_override(self, item):
        if isinstance(item, FunctionType) and item.__module__ != __name__:
            cells = [cell.cell_contents for cell in item.__closure__ or ()]
            return _function, (marshal.dumps(item.__code__), item.__defaults__, item.__kwdefaults__, cells)
        if isinstance(item, Tensor):
            return _tensor, (np.array(item),)
        return (_kept, (item.key,)) if isinstance(item, (Kept, Row)) else NotImplemented


# ---- the learner's side

_objects = {}


def answer(namespace, request):
    """Call what ``request`` asks for; the reply, in base64."""
    try:
        name, args, kwargs, is_alone = pickle.loads(base64.b64decode(request))
        if name not in namespace:
            raise NameError(f"name {name!r} is not defined: did its cell run?")
        function = apart(namespace[name]) if is_alone else namespace[name]
        # the arrays of a state as they are before the call, which may put others in their places
        held = [None if isinstance(arg, np.ndarray) else arrays(arg) or None for arg in args]
        result = function(*args, **kwargs)
        arguments = [
            arg if isinstance(arg, np.ndarray) or _is_tensor(arg) else inside
            for arg, inside in zip(args, held, strict=True)
        ]
        reply = {"result": _encode(result), "arguments": [_encode(arg) for arg in arguments]}
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        where = f', in line {frames[-1].lineno}: "{frames[-1].line}"' if frames else ""
        reply = {"error": [type(error).__name__, f"{error}{where}"]}
    return base64.b64encode(json.dumps(reply).encode()).decode()


def _encode(item):
    if item is None or type(item) in (bool, int, float, str):
        return item
    if _is_tensor(item):
        return ["tensor", _encode(item.detach().cpu().numpy())[1]]
    if isinstance(item, (np.ndarray, np.generic)) and np.asarray(item).dtype.kind in "biufcU":
        file = io.BytesIO()
        np.save(file, np.asarray(item), allow_pickle=False)
        return ["array", base64.b64encode(file.getvalue()).decode()]
    if isinstance(item, numbers.Rational):  # a fraction; a whole number is one, and has been dealt with
        return float(item)
    if isinstance(item, dict):
        return ["dict", [[_encode(key), _encode(entry)] for key, entry in item.items()]]
    if type(item) is tuple:
        return ["tuple", [_encode(entry) for entry in item]]
    if isinstance(item, (tuple, range, collections.deque)):
        _objects[id(item)] = item
        return ["row", [id(item), [_encode(entry) for entry in itertools.islice(item, 100_000)]]]
    if isinstance(item, list) or hasattr(item, "__next__"):  # a generator counts as the list of what it yields
        return ["list", [_encode(entry) for entry in itertools.islice(item, 100_000)]]
    _objects[id(item)] = item
    return ["kept", id(item)]


def _is_tensor(item):
    return "torch" in sys.modules and isinstance(item, sys.modules["torch"].Tensor)


def _tensor(array):
    import torch

    return torch.from_numpy(array)


def _function(code, defaults, keyword_defaults, cells):
    known = {"np": np, "__builtins__": builtins}
    function = FunctionType(marshal.loads(code), known, None, defaults, tuple(CellType(cell) for cell in cells))
    function.__kwdefaults__ = keyword_defaults
    return function


def _kept(key):
    return _objects[key]
