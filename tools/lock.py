"""Write requirements.lock anew: every package that requirements.txt leads to, on every system, with its check sums.

    .venv/bin/pip install uv && .venv/bin/python tools/lock.py         `make lock` does both

uv resolves once for Linux, macOS and Windows and for every Python from 3.11 on; what only some of them need carries a
marker. pip installs from the file (tools/install.py).
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = "# Made by `make lock` from requirements.txt; edit that one. All packages of all systems, with check sums.\n"


def main():
    options = "--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet".split()
    command = [sys.executable, "-m", "uv", "pip", "compile", "requirements.txt", *options]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if made.returncode:
        sys.exit(made.stderr.strip() or "uv could not resolve requirements.txt")
    (ROOT / "requirements.lock").write_text(HEAD + made.stdout, "utf-8")
    print(f"requirements.lock: {made.stdout.count('==')} packages")


if __name__ == "__main__":
    main()
