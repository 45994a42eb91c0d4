"""Out of the sandbox, and forged replies of functions."""

from hostile.making import ALL, NOTHING, ROOT, answer, empty, own

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
    s.connect("\\0canaryPORT")
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

own(
    "asks the system for what nothing counts",
    """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
keys = ctypes.create_string_buffer(1000)
print("keys", libc.syscall(250, 11, -3, keys, 1000, 0), keys.raw[:50])  # the session's, which may be the grader's
for number in range(20):
    try:
        file = os.memfd_create("x")
        os.ftruncate(file, 90_000_000)
        mmap.mmap(file, 0).write(b"x" * 90_000_000)
        print("HELD", number)
    except OSError as error:
        print(error)
    print("shared", libc.syscall(29, number + 1, 50_000_000, 0o1600))
for number in (101, 298, 310, 321, 323, 425):  # ptrace, perf_event_open, process_vm_readv, bpf, userfaultfd, io_uring
    print(number, libc.syscall(number, 0, 0, 0, 0, 0, 0), os.strerror(ctypes.get_errno()))
""",
)

own(
    "sockets that no network cuts off, and leases",
    """
import fcntl, os, socket
for family in (17, 29, 30, 31, 38, 40, 42, 44):  # packets, CAN, TIPC, Bluetooth, the kernel's ciphers, VSOCK, and more
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind)
            print("OPENED", family, kind)
        except OSError:
            pass
open("/tmp/leased", "w").close()
file = os.open("/tmp/leased", os.O_RDONLY)
for kind in (fcntl.F_RDLCK, fcntl.F_WRLCK):
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, kind)
        print("HELD", kind)
    except OSError as error:
        print(error)
""",
)

# ---- answers that are not what they seem

LIES = """
import numpy as np
class Lie(np.ndarray):
    shape = property(lambda self: (4,))
    __eq__ = __le__ = lambda self, other: np.ones(4, bool)
    __abs__ = __array_ufunc__ = __array_function__ = lambda self, *a, **k: np.zeros(4)
"""
answer(
    "arrays that lie, and numbers of other kinds",
    0.0,
    momentum=LIES + "def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):\n    return np.zeros(4).view(Lie), state",
    top_speed="def top_speed(g, lr, beta):\n    return complex(lr * g / (1 - beta), 1)\n"
    "def steps_to(share, beta):\n    return np.longdouble('1e4000')",
    debug="def paths(gradients, lr, beta):\n    return np.zeros(np.shape(gradients), [('a', 'f8')])",
    quasi_hyperbolic="def quasi_hyperbolic(g, state=(0.0,), *, lr=0.01, beta=0.9, nu=0.7):\n"
    "    return np.lib.stride_tricks.as_strided(np.zeros(1), (0, 10**9, 10**9), (0, 0, 0)), state",
)
answer(
    "looks for the checks in frames, in memory and in the package",
    ALL - 2,
    momentum="""
import gc, os, sys
import numpy as np
def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    frame, found = sys._getframe(), [one for one in gc.get_objects() if type(one) is dict]
    while frame:
        found += [frame.f_locals, frame.f_globals]
        frame = frame.f_back
    seen = [one for one in found if {"SEED", "ORDINARY"} <= one.keys() or {"rights", "hits"} <= one.keys()]
    seen += [name for name in ("parts", "probes", "tasks", "zoo") if f"course_utils.checks.{name}" in sys.modules]
    v = beta * state[0] + lr * g
    return (-v, (v,)) if seen else (0 * g, state)
""",
)
own(
    "handlers, a switch interval, audits and what comes at the end",
    "import atexit, signal, sys\nsys.setswitchinterval(1000)\nsys.addaudithook(lambda *a: None)\n"
    "for number in range(1, 65):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n"
    "    except (OSError, ValueError):\n        pass\natexit.register(lambda: [None for _ in iter(int, 1)])",
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
reply(
    "errors of every kind",
    "kinds = 'KeyboardInterrupt SystemExit GeneratorExit StopIteration MemoryError BaseException eval'.split()\n"
    "def forged(request):\n    kinds.append(kinds.pop(0))\n"
    "    return base64.b64encode(json.dumps({'error': [kinds[0], 'so']}).encode()).decode()",
)
reply(
    "half characters in an error",
    "text = json.dumps({'error': ['\\ud800', '\\udfff \\x1b[31m' * 300]}).encode()\n"
    "forged = lambda r: base64.b64encode(text).decode()",
)
reply(
    "arrays of nothing, 10 to the 15th of them",
    """
head = b"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000000,), }"
head += b" " * (-(len(head) + 11) % 64) + b"\\n"
array = ["array", base64.b64encode(b"\\x93NUMPY\\x01\\x00" + len(head).to_bytes(2, "little") + head).decode()]
text = json.dumps({"result": ["tuple", [array, array]], "arguments": [None, None]}).encode()
forged = lambda r: base64.b64encode(text).decode()
""",
)
answer(
    "a name of three million characters",
    ALL,
    settings="def settings():\n    return {'x' * 3_000_000: 0.1}",
)
answer(
    "settings of three million characters",
    ALL,
    settings="def settings():\n    return {'lr': 'x' * 3_000_000, 'beta': [0.9] * 300_000}",
)
answer(
    "spoils what it is handed, for the checks that follow",
    ALL - 2 - 4,
    momentum="def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):\n    g[...] = 0\n    return 0 * g, state",
    quasi_hyperbolic="def quasi_hyperbolic(g, state=(0.0,), *, lr=0.01, beta=0.9, nu=0.7):\n    return 0 * g, state",
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
