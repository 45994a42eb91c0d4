"""make, as a person would run it, a port that nobody listens on, a server that has begun to answer, CPU seconds."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def make(*arguments, folder=ROOT, **environment):
    """Run make as a person would: without what the make that runs the tests hands down."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("MAKE|MFLAGS|ARGS|PYTHON$", name)}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=300
    )


def least(work, bound, tries=3):
    """The CPU seconds of this process that ``work()`` needs: the least of ``tries``, and no try after one in bounds.

    A machine at work adds to a time, and a garbage collection of all that the tests before have left does; neither
    ever takes away from it, so the least is the nearest to what the work itself needs.
    """
    took = []
    while len(took) < tries and min(took, default=bound) >= bound:
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answering(server, log, address, seconds):
    """The groups of ``address``, a pattern, in what a Jupyter server prints, once it answers at the first of them.

    It prints its address before it listens there, and may print others first.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        for found in re.finditer(address, log.read_text("utf-8")):
            try:
                urllib.request.urlopen(f"{found[1]}/api", timeout=30).close()
                return found.groups()
            except urllib.error.URLError:
                pass
        time.sleep(0.2)
    raise AssertionError(f"no server answers within {seconds} s:\n{log.read_text('utf-8')}")
