"""The tests of cluster/on_ray.py, in a process of their own: Ray may end the process that it is connected to."""

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "tests" / "cluster" / "on_ray.py"
SECONDS = 300  # about 60 on two idle cores


def test_on_ray():
    code, said = run()
    # It hung, or Ray ended it or had not come up after its own 30 s: that tells nothing of our code.
    if not re.search(r"\d+ (passed|failed|error)", said) or "timed out during startup" in said:
        warnings.warn(f"Ray's process {how(code)} and was started once more:\n{said[-2000:]}", stacklevel=1)
        code, said = run()
    if code:
        pytest.fail(f"Ray's process {how(code)}:\n{said}", pytrace=False)
    assert "6 passed" in said


def run():
    """How pytest ended (None: not within SECONDS) and what it said. Nothing that it started outlives it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-s", str(FILE)]
    names = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=names, start_new_session=True, **pipes)
    try:
        said = process.communicate(timeout=SECONDS)[0]
        return process.returncode, said
    except subprocess.TimeoutExpired:
        return None, "".join(end(process) or "")
    finally:
        end(process)


def end(process):
    """Kill the process and its group; what it had said."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return ""
    return process.communicate()[0]


def how(code):
    return f"did not end within {SECONDS} s" if code is None else f"ended with {code}"
