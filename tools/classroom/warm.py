"""A checker that need not import torch anew: a process that has imported everything forks one for each submission.

The checker runs cells of ours alone (tools/grading.py), so a fork of a clean process is as good as a fresh one: what a
check leaves behind dies with it. The submission's own kernel is started from nothing in its sandbox every time.

    python tools/classroom/warm.py serve SOCKET     the process to fork from; ends with its standard input
    python tools/classroom/warm.py SOCKET FILE      what jupyter_client starts as a kernel: stands for a fork
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path


@contextlib.contextmanager
def checkers(folder, log):
    """The setting JUPYTER_PATH with which kernels named python3 are forks; ``folder`` is for the socket and more."""
    address = str(Path(folder, "warm"))
    argv = [sys.executable, "-I", "-S", __file__, address, "{connection_file}"]
    spec = Path(folder, "kernels", "python3", "kernel.json")
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), "utf-8")
    quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", **os.environ, "HOME": str(folder)}
    command = [sys.executable, __file__, "serve", address]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=quiet)
    try:
        yield os.pathsep.join([str(folder), *filter(None, [os.environ.get("JUPYTER_PATH")])])
    finally:
        server.kill()
        server.wait()


def serve(address):
    """Import once, then fork for whoever connects."""
    # one thread, and no kernel's sockets before the fork
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401
    import matplotlib
    import numpy  # noqa: F401
    import torch

    course = Path(__file__).resolve().parent.parent.parent
    sys.path.insert(0, str(course))
    from course_utils import data, descent, network, rules, schedules  # noqa: F401
    from course_utils.checks import graded, guard  # noqa: F401

    matplotlib.use("Agg")
    torch.set_num_threads(1)
    data.mnist("cpu")
    sys.path.remove(str(course))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a fork ended
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        while sys.stdin not in (ready := select.select([listening, sys.stdin], [], [])[0]):
            connection, _ = ready[0].accept()
            if os.fork() == 0:
                listening.close()
                _kernel(connection)
            connection.close()


def _kernel(connection):
    """Become the kernel that the other end asks for, and end when that end does."""
    asked = json.loads(connection.makefile().readline())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"] | {"JPY_PARENT_PID": str(os.getppid())})
    sys.path.insert(0, "")

    def listen():
        while connection.recv(1):
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    np.random.seed()  # noqa: NPY002, forks would share what is drawn from it
    IPKernelApp.launch_instance(argv=asked["arguments"])
    os._exit(0)


def stand_in(address, file, *options):
    """Ask for a fork and stay as long as it does; hand an interrupt on."""
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as connection:
        for _ in range(600):  # the first one comes while the process to fork from still imports
            try:
                connection.connect(address)
                break
            except OSError:
                select.select([], [], [], 0.1)
        signal.signal(signal.SIGINT, lambda *_: connection.send(b"i"))
        asked = {"arguments": ["-f", file, *options], "folder": os.getcwd(), "environment": dict(os.environ)}
        connection.sendall(json.dumps(asked).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            while os.getppid() == parent:
                if select.select([connection], [], [], 1)[0] and not connection.recv(1):
                    break


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else stand_in(*sys.argv[1:])
