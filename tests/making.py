"""make, as a person would run it, and a port that nobody listens on."""

import os
import re
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def make(*arguments, folder=ROOT, **environment):
    """Run make as a person would: without what the make that runs the tests hands down."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("MAKE|MFLAGS|ARGS|PYTHON$", name)}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=300
    )


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
