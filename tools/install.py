"""Set up the course in .venv: what `make` calls once, and what people without make may call as well.

    python3 tools/install.py

Needs nothing but Python's standard library, and keeps to syntax that an old Python can read far enough to say that it
is too old. Whatever goes wrong ends in one line that says what to do. Run again, it goes on where it stopped.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
COURSE = Path(__file__).resolve().parent.parent
VENV = COURSE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / ".ready"  # written last: while it stands, make installs nothing
TEMPORARY = VENV / "tmp"  # where pip keeps its downloads meanwhile: /tmp is often small, a disk in memory

# What pip says when it fails, and what to tell the person. The first that fits is told.
NO_SPACE = "the disk is full. {need} GB free at the start are enough: make room and run the same command again."
CAUSES = (
    (r"No space left on device|Errno 28\b|Disk quota exceeded|not enough space on the disk", NO_SPACE),
    (
        r"Failed to establish a new connection|NewConnectionError|name resolution|NameResolutionError|getaddrinfo"
        r"|Connection ?(refused|reset|aborted|broken)|Network is unreachable|timed out|ConnectTimeout|ReadTimeout"
        r"|IncompleteRead|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED",
        "pip cannot reach the package index. Check the network (behind a proxy, set HTTPS_PROXY) and run the same "
        "command again; packages that have arrived are kept.",
    ),
    (
        r"No matching distribution found for (?P<package>\S+)",
        "pip finds no {package} for Python {python} on {machine}. If another Python is here, delete .venv and name it: "
        "make lab PYTHON=python3.12",
    ),
)


def main():
    if sys.version_info < OLDEST:
        fail(
            f"Python {version()} ({sys.executable}) is too old; the course needs 3.11 or newer. Install one from "
            "https://www.python.org/downloads/ and name it: make lab PYTHON=python3.12"
        )
    began = time.time()
    STAMP.unlink(missing_ok=True)
    make_venv()
    need = check_space()
    say("Installing the course into .venv: once, and it takes some minutes.")
    pip(need, "--no-deps", "--requirement", str(locked()))
    pip(need, "--no-deps", "--no-build-isolation", "--editable", ".")  # what builds it is in requirements.lock
    prepare()
    STAMP.touch()
    say(f"The course is set up ({time.time() - began:.0f} s).")


def make_venv():
    """Create .venv, unless one is there that works."""
    if works(f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"):
        return
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return
    if "ensurepip" in said or "No module named" in said:
        fail(
            f"this Python ({sys.executable}) lacks its venv module. On Debian and Ubuntu: "
            "sudo apt install python3-venv, then run the same command again."
        )
    fail(explain(said, space_needed()))


def works(code):
    """Whether .venv's Python is there, and runs ``code`` to a good end."""
    try:
        return subprocess.run([str(PYTHON), "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def space_needed():
    """GB that set-up takes at its peak: packages downloaded, kept by pip and unpacked. Measured, and rounded up."""
    if works("import importlib.metadata as installed; installed.version('torch')"):
        return 1
    return 14 if sys.platform == "linux" else 3  # on Linux torch comes with CUDA


def check_space():
    need = space_needed()
    free = shutil.disk_usage(VENV).free / 1e9
    if free < need:
        fail(
            f"only {free:.1f} GB are free on the disk of {COURSE}, and set-up takes {need} GB while it runs. Make room "
            "and run the same command again, or take torch without CUDA, which is small: README.md says how."
        )
    return need


def locked():
    """The file of all packages to install: requirements.lock, without CUDA's if torch is here and was built without."""
    lock = COURSE / "requirements.lock"
    if not works("import importlib.metadata as i, sys; sys.exit('+cpu' not in i.version('torch'))"):
        return lock
    entries = re.split(r"\n(?=[\w#])", lock.read_text("utf-8"))
    kept = [entry for entry in entries if not re.match(r"(nvidia|cuda|triton)[\w-]*==", entry)]
    smaller = VENV / "requirements.lock"
    smaller.write_text("\n".join(kept) + "\n", "utf-8")
    return smaller


def pip(need, *arguments):
    """Run pip install with ``arguments``, telling what it downloads; explain if it fails."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)  # an interrupted run may have left it
    TEMPORARY.mkdir()
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *arguments],
        cwd=COURSE,
        env={**os.environ, "TMPDIR": str(TEMPORARY), "TEMP": str(TEMPORARY), "TMP": str(TEMPORARY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    output = []
    for line in process.stdout:
        output.append(line)
        package = re.match(r"\s*(Downloading|Using cached) ([^\s/]+?)-\d\S* (\(\d+\.\d [MG]B\))", line)
        if package:
            say("  " + " ".join(package.groups()))
        elif line.startswith("Installing collected packages") and "," in line:
            say(f"  Installing {line.count(',') + 1} packages")
        elif "Retrying" in line:
            say("  No answer from the package index; trying again")
    failed = process.wait() != 0
    shutil.rmtree(TEMPORARY, ignore_errors=True)
    if failed:
        fail(explain("".join(output), need))


def prepare():
    """Do now what would otherwise need a network, or half a minute, in the middle of a lecture. No harm if it fails."""
    say("  Fetching the JavaScript of slides and site")
    if subprocess.run([str(PYTHON), "tools/vendor.py"], cwd=COURSE, capture_output=True).returncode:
        say("  It has not come; make lecture and make test will try again.")
    say("  Looking for a browser, with which the tests look at pages; fetching one if need be")
    if subprocess.run([str(PYTHON), "tools/browser.py"], cwd=COURSE, capture_output=True).returncode:
        say("  There is none. Only tests of pages need one; make test says how many it leaves out.")
    say("  Trying the compiler, if there is one: training is faster with it")
    subprocess.run(
        [str(PYTHON), "-c", "from course_utils import fast; fast.can_compile('cpu')"], cwd=COURSE, capture_output=True
    )


def explain(output, need):
    """What to tell the person about the failure that printed ``output``."""
    for pattern, advice in CAUSES:
        found = re.search(pattern, output, re.IGNORECASE)
        if found:
            machine = f"{platform.system()} {platform.machine()}"
            return advice.format(need=need, python=version(), machine=machine, **found.groupdict())
    return "here is how it ended.\n" + "\n".join(output.strip().splitlines()[-15:])


def version():
    return ".".join(map(str, sys.version_info[:3]))


def say(line):
    print(line, flush=True)


def fail(message):
    sys.exit("Set-up failed: " + message)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Set-up interrupted. Run the same command again to go on.")
    except OSError as error:
        fail(f"{error.strerror} ({error.filename})")
