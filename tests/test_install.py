"""Set-up, tools/install.py, called through make in a folder of its own: whatever goes wrong ends in one line."""

import ast
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest
from making import free_port, make

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def clone(tmp_path):
    """What set-up needs of the course, in a folder without .venv whose name has a space."""
    folder = tmp_path / "the course"
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "tools/install.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # in a real .venv it is a link to the real Python
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path


def python_with(folder, change="", free=1e12):
    """A Python with ``free`` bytes on its disk, in which the line ``change`` is run first."""
    script = folder / "changed.py"
    script.write_text(
        f"import runpy, shutil, sys, types\nshutil.disk_usage = lambda path: types.SimpleNamespace(free={free})\n"
        f"{change}\nrunpy.run_path(sys.argv[1], run_name='__main__')\n",
        "utf-8",
    )
    return executable(folder / "python", f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')


def venv_whose_pip(clone, commands):
    """A .venv that works and has no torch, as far as set-up can see, and whose pip runs shell ``commands``."""
    return executable(
        clone / ".venv" / "bin" / "python",
        f'#!/bin/sh\ncase "$1 $2" in\n-c*torch*) exit 1;;\n-c*) exit 0;;\n*) {commands};;\nesac\n',
    )


def set_up(clone, python, **environment):
    """Run set-up, which must fail; return the one thing it tells the person."""
    run = make(".venv/.ready", f"PYTHON={python}", folder=clone, **environment)
    assert run.returncode != 0
    assert not (clone / ".venv" / ".ready").exists()
    message, *rest = run.stderr.split("\nmake: ***")
    assert len(rest) == 1, run.stderr
    assert message.startswith("Set-up failed: ")
    return message


def test_an_old_python_can_read_the_set_up():
    ast.parse((ROOT / "tools" / "install.py").read_text("utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_so(clone, tmp_path):
    message = set_up(clone, python_with(tmp_path, "sys.version_info = (3, 8, 18)"))
    assert re.search(r"Python 3\.8\.18 \(.+\) is too old; the course needs 3\.11 or newer", message)
    assert "\n" not in message
    assert not (clone / ".venv").exists()


def test_a_missing_python_is_told(clone):
    assert "there is no python3.99 on this machine" in set_up(clone, "python3.99")


def test_a_python_without_venv_is_told(clone, tmp_path):
    debian = executable(
        tmp_path / "debian",
        "#!/bin/sh\necho 'The virtual environment was not created successfully because ensurepip is not available.'\n"
        "exit 1\n",
    )
    message = set_up(clone, python_with(tmp_path, f"sys.executable = '{debian}'"))
    assert "sudo apt install python3-venv" in message
    assert "\n" not in message


def test_a_small_disk_is_told_before_anything_is_installed(clone, tmp_path):
    venv_whose_pip(clone, "touch installed")
    message = set_up(clone, python_with(tmp_path, free=1e9 if sys.platform == "linux" else 1e8))
    assert re.search(r"only \d\.\d GB are free .+ set-up takes \d+ GB", message)
    assert "\n" not in message
    assert not (clone / "installed").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: No matching distribution found for torch==9.9", "pip finds no torch==9.9 for Python 3."),
    ],
)
def test_what_pip_says_becomes_one_line(clone, tmp_path, said, told):
    venv_whose_pip(clone, f"echo '{said}'; exit 1")
    (clone / ".venv" / ".ready").touch()  # of an earlier set-up, before the pins changed
    os.utime(clone / ".venv" / ".ready", (0, 0))
    message = set_up(clone, python_with(tmp_path))
    assert told in message
    assert "\n" not in message


def test_anything_else_shows_how_pip_ended(clone, tmp_path):
    venv_whose_pip(clone, "seq 100; echo 'ERROR: the moon is in the way'; exit 1")
    message = set_up(clone, python_with(tmp_path))
    assert message.splitlines()[-1] == "ERROR: the moon is in the way"
    assert len(message.splitlines()) == 16


def test_no_network_is_told_and_the_next_run_goes_on(clone, tmp_path):
    """A real .venv and a real pip, whose index is a port where nobody listens."""
    offline = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
        "NO_PROXY": "127.0.0.1",
    }
    message = set_up(clone, python_with(tmp_path), **offline)
    assert "pip cannot reach the package index" in message
    assert "\n" not in message

    # The .venv is made, and kept; once pip works, the same command ends well.
    venv_whose_pip(clone, "exit 0")
    kept = (clone / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    assert make(".venv/.ready", f"PYTHON={python_with(tmp_path)}", folder=clone).returncode == 0
    assert (clone / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == kept


def test_set_up_runs_once_and_again_when_a_pin_changes(clone, tmp_path):
    venv_whose_pip(clone, f'echo "$@" >> "{tmp_path}/asked"')
    for _ in range(2):
        run = make(".venv/.ready", f"PYTHON={python_with(tmp_path)}", folder=clone)
        assert run.returncode == 0, run.stderr
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert [line.split("--disable-pip-version-check ")[-1] for line in asked] == [
        f"--no-deps --requirement {clone / 'requirements.lock'}",
        "--no-deps --no-build-isolation --editable .",
        "tools/vendor.py",
        "tools/browser.py",
    ]
    for target in ("lab", "test"):
        assert "install.py" not in make("--dry-run", target, folder=clone).stdout
    later = time.time() + 10
    os.utime(clone / "requirements.lock", (later, later))
    for target in ("lab", "test"):
        assert "install.py" in make("--dry-run", target, folder=clone).stdout


def test_a_torch_without_cuda_gets_no_cuda(clone, tmp_path):
    """Where the CPU build is here already, the packages of CUDA are left out of what is installed."""
    python = executable(
        clone / ".venv" / "bin" / "python",
        '#!/bin/sh\ncase "$2" in\n*cpu*) exit 0;;\ninstall*|pip) cp "$(echo "$@" | grep -o "[^ ]*lock")" '
        f'"{tmp_path}/asked" 2> /dev/null; exit 0;;\n*) exit 0;;\nesac\n',
    )
    assert python.is_file()
    assert make(".venv/.ready", f"PYTHON={python_with(tmp_path)}", folder=clone).returncode == 0
    lock = (clone / ".venv" / "requirements.lock").read_text("utf-8")
    assert "torch==" in lock
    assert "numpy==" in lock
    assert not re.search(r"^(nvidia|cuda|triton)", lock, re.MULTILINE)
