"""Nothing is left out silently: what a machine lacks is counted, and in CI it fails. What set-up brought is found."""

import os
import subprocess
import sys
from pathlib import Path

import browser
import pytest

import sandbox

ROOT = Path(__file__).resolve().parent.parent
TWO = "2 for want of a crystal ball; ask a fortune teller"
LACKING = """
import pytest
from needs import missing

@pytest.fixture
def glass():
    missing("a crystal ball", "ask a fortune teller")

def test_fine():
    pass

def test_one(glass):
    pass

def test_two():
    missing("a crystal ball", "ask a fortune teller")

def test_elsewhere():
    missing("a broom", "find a witch", system="another system")
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs four tests, three of which cannot run here: pytest's exit status, and what it says."""
    folder = tmp_path_factory.mktemp("lacking")
    (folder / "test_lacking.py").write_text(LACKING, "utf-8")

    def run(**ci):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-o", "addopts=", "-p", "no:cacheprovider"]
        environment = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
        environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"} | ci
        done = subprocess.run(
            [*command, "test_lacking.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout

    return run


def test_what_is_lacking_is_counted_in_one_line(run):
    status, said = run()
    assert status == 0, said
    line = f"3 tests were left out: 1 for want of a broom; find a witch · {TWO}."
    assert said.splitlines().count(line) == 1


def test_what_is_lacking_fails_in_ci_unless_this_system_cannot_have_it(run):
    status, said = run(CI="true")
    assert status == 1, said
    line = f"2 tests failed, since CI leaves nothing out: {TWO}."
    assert said.splitlines().count(line) == 1
    assert "1 tests were left out: 1 for want of a broom; find a witch." in said.splitlines()


def test_a_browser_of_this_machine_comes_first_then_the_fetched_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "NAMES", ("chromium",))
    monkeypatch.setattr(browser, "FETCHED", tmp_path / "fetched")
    assert browser.find() is None

    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "chromium").touch()  # as an interrupted run may leave it
    assert browser.find() is None
    (tmp_path / "fetched" / "ready").touch()
    found = browser.find()
    assert found.program == str(tmp_path / "fetched" / "chromium")
    assert str(tmp_path / "fetched" / "lib") in found.environment["LD_LIBRARY_PATH"].split(os.pathsep)

    (tmp_path / "chromium").touch(mode=0o755)
    assert browser.find() == browser.Browser(str(tmp_path / "chromium"))


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is of Linux")
def test_the_sandbox_of_the_system_comes_first_then_that_of_the_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    packaged = Path(sandbox.bwrap())
    assert packaged.parent.name == "_bin"
    assert os.access(packaged, os.X_OK)

    (tmp_path / "bwrap").touch(mode=0o755)
    assert sandbox.bwrap() == str(tmp_path / "bwrap")
