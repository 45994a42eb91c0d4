"""Set-up and what stands around the course: pins agree, README is true, failures are explained, `make lab` serves."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def read_pins(lines):
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in requirements}


PINS = read_pins((ROOT / "requirements.txt").read_text("utf-8").splitlines())


# --- The pins ---------------------------------------------------------------------------------------------------


def test_every_direct_dependency_is_pinned_inside_its_range():
    ranges = sum(PROJECT["project"]["optional-dependencies"].values(), PROJECT["project"]["dependencies"])
    ranges = [Requirement(line) for line in ranges + PROJECT["build-system"]["requires"]]
    assert {canonicalize_name(wanted.name) for wanted in ranges} == set(PINS)
    for wanted in ranges:
        pin = PINS[canonicalize_name(wanted.name)]
        assert re.fullmatch(r"==[\d.]+", pin)
        assert wanted.specifier.contains(pin.removeprefix("=="))


def test_every_imported_package_is_a_direct_dependency():
    folders = ("course_utils", "course_utils/checks", "benchmarks", "tests", "tools", ".")
    files = [path for folder in folders for path in (ROOT / folder).glob("*.py")]
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
    third_party = imported - sys.stdlib_module_names - {"course_utils"} - {path.stem for path in files}
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


# --- The documents ----------------------------------------------------------------------------------------------


def code_in(markdown):
    """Everything a reader may copy: fenced blocks and code spans."""
    fence = re.compile(r"^ *```\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    return "\n".join(fence.findall(markdown) + re.findall(r"`([^`\n]+)`", fence.sub("", markdown)))


@pytest.mark.parametrize("document", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_commands_in_the_documents_exist(document):
    code = code_in(document)
    targets = set(re.findall(r"\bmake ([a-z]+)", code))
    assert "test" in targets
    for target in targets:
        run = make("--dry-run", target)
        assert run.returncode == 0, run.stderr

    files = re.findall(r"(?:-r|-f|pytest|execute ARGS=)\s*([\w./]+\.\w+)", code)
    assert files
    for file in files:
        assert (ROOT / file).is_file(), file
    for option in re.findall(r"--editable \S+|-e \S+", code):
        assert option.endswith(" .")
    for name in re.findall(r"conda activate (\S+)", code):
        assert name == yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["name"]
    for folder in re.findall(r"JUPYTER_CONFIG_PATH ?= ?\"\$PWD[\\/](\S+)\"", code):
        assert (ROOT / folder / "jupyter_lab_config.py").is_file()


@pytest.mark.parametrize("document", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_in_the_documents_land(document):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", document) if not link.startswith("https://")]
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        assert (ROOT / file).is_file(), link
        if anchor:
            assert urllib.parse.unquote(anchor) in anchors(ROOT / file), link


def anchors(notebook):
    """The anchors of a notebook's headings, as JupyterLab makes them: the text, with hyphens for spaces."""
    prose = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "markdown"]
    headings = re.findall(r"^#+ (.+)$", "\n".join(prose), re.MULTILINE)
    return {heading.strip().replace(" ", "-") for heading in headings}


def test_every_slide_of_the_talk_has_its_place():
    section = README.partition("## The talk, slide by slide")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", section, re.MULTILINE)
    assert [int(slide) for slide, *_ in rows] == list(range(1, 25))
    for slide, says, where in rows:
        links = re.findall(r"\[(\d+) · ([^\]]+)\]\(notebooks/(\d\d)_\w+\.ipynb#([^)]+)\)", where)
        assert says, slide
        assert links, slide
        assert where.count("](") == len(links), slide
        for number, name, file, anchor in links:
            assert int(number) == int(file)
            assert urllib.parse.unquote(anchor) == name.replace(" ", "-")


def test_readme_maps_the_ten_chapters():
    rows = re.findall(r"^\| (\d\d) \| (.+?) \| .+? \| (\d+) \|$", README, re.MULTILINE)
    chapters = sorted(ROOT.glob("notebooks/*.ipynb"))
    assert [number for number, *_ in rows] == [path.stem[:2] for path in chapters]
    assert len(rows) == 10
    for (_, name, minutes), path in zip(rows, chapters, strict=True):
        assert f"](notebooks/{path.name})" in name
        opening = nbformat.read(path, as_version=4).cells[0].source
        assert re.findall(r"about (\d+) minutes", opening) == [minutes]


def test_readme_maps_the_folders_that_are_there():
    folders = re.findall(r"`(\w+)/`", README.split("## What is where")[1])
    assert len(folders) >= 6
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_citation_is_valid():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == PROJECT["project"]["version"]
    assert " AND ".join(citation["license"]) == PROJECT["project"]["license"]
    for work in [citation, *citation["references"]]:
        assert {"title", "authors", "type"} <= set(work)
        assert all(set(author) in ({"name"}, {"family-names", "given-names"}) for author in work["authors"])
    # every work of README's bibliography, and the talk first
    assert citation["references"][0]["title"] == "Optimization in Deep Learning"
    for title in re.findall(r"^- .+: \*(.+?)\*", README.split("## Licence and credits")[1], re.MULTILINE):
        assert title in [work["title"] for work in citation["references"]]


def test_what_the_course_makes_is_ignored_by_git(tmp_path):
    made = [
        ".venv/.ready",
        ".ipynb_checkpoints/README-checkpoint.md",
        "notebooks/.ipynb_checkpoints/04_momentum-checkpoint.ipynb",
        "course_utils/__pycache__/rules.cpython-312.pyc",
        "optimization_course.egg-info/PKG-INFO",
        "data/MNIST/raw/train-images-idx3-ubyte",
        ".pytest_cache/README.md",
        "grading/gradebook.db",
    ]
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    run = subprocess.run(["git", "check-ignore", *made, "data/a.gz"], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.split() == made


def test_ruff_is_content():
    for arguments in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        run = subprocess.run([sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr


def test_continuous_integration_runs_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").rstrip().endswith("\nmake test")


# --- Set-up: tools/install.py, called through make in a folder of its own ---------------------------------------


def make(*arguments, folder=ROOT, **environment):
    """Run make as a person would: without what the make that runs the tests hands down."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("MAKE|MFLAGS|ARGS|PYTHON$", name)}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def clone(tmp_path):
    """What set-up needs of the course, in a folder without .venv whose name has a space."""
    folder = tmp_path / "the course"
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "tools/install.py"):
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
        "--requirement requirements.txt",
        "--no-deps --no-build-isolation --editable .",
        "tools/vendor.py",
    ]
    for target in ("lab", "test"):
        assert "install.py" not in make("--dry-run", target, folder=clone).stdout
    later = time.time() + 10
    os.utime(clone / "requirements.txt", (later, later))
    for target in ("lab", "test"):
        assert "install.py" in make("--dry-run", target, folder=clone).stdout


# --- make execute -----------------------------------------------------------------------------------------------


def notebook(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata = {"tags": ["rule"], "execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}, "title": "A chapter"}), path)
    return path


def execute(path, **environment):
    command = [sys.executable, str(ROOT / "tools" / "execute.py"), str(path)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300)


def test_execute_saves_outputs_and_nothing_else(tmp_path):
    path = notebook(
        tmp_path / "chapter.ipynb",
        "import os; print(os.path.basename(os.getcwd()), os.environ.get('COURSE_BUDGET'), os.environ['MPLBACKEND'])",
        "import ipywidgets; ipywidgets.interact(lambda x: print('x is', x), x=ipywidgets.fixed(3));",
    )
    run = execute(path, MPLBACKEND="Agg")
    assert run.returncode == 0, run.stderr
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert [cell.execution_count for cell in saved.cells] == [1, 2]
    folder, budget, backend = saved.cells[0].outputs[0].text.split()
    assert (folder, budget) == (tmp_path.name, "None")
    assert "inline" in backend
    # What a widget prints: with nbclient's own handlers it would be in the widget, and the client might hang.
    assert "x is 3\n" in [output.get("text") for output in saved.cells[1].outputs]
    assert saved.cells[0].metadata == {"tags": ["rule"]}
    assert saved.metadata == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "title": "A chapter",
    }
    assert [file.name for file in tmp_path.iterdir()] == ["chapter.ipynb"]


def test_execute_leaves_a_failing_notebook_as_it_was(tmp_path):
    path = notebook(tmp_path / "chapter.ipynb", "1", "beta = 1\nassert beta < 1, 'beta is too large'", "2")
    before = path.read_bytes()
    run = execute(path)
    assert run.returncode == 1
    assert f"{path}: cell 2 of 3 failed; the file is unchanged" in run.stderr
    assert "beta is too large" in run.stderr
    assert path.read_bytes() == before

    run = execute(tmp_path / "no_chapter.ipynb")
    assert run.returncode == 2
    assert f"there is no notebook {tmp_path / 'no_chapter.ipynb'}" in run.stderr


# --- make lab, for real -----------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A running `make lab`, on this Python, which is set up already: its server, the path it opens on, its token."""
    home = tmp_path_factory.mktemp("jupyter")
    log = home / "log"
    environment = {name: value for name, value in os.environ.items() if not re.match("MAKE|MFLAGS|ARGS|JUPYTER", name)}
    environment |= {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = ["make", "--old-file=.venv/.ready", "lab", f"RUN={sys.executable}"]
    with open(log, "w") as output:
        process = subprocess.Popen(
            [*command, f"ARGS=--no-browser --port={free_port()}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield address(process, log)
    finally:
        stop(process)


def address(process, log):
    """Wait for the address that `make lab` prints: (http://127.0.0.1:port, path, token)."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:\d+)(/\S*)\?token=(\w+)", log.read_text("utf-8"))
        if found:
            return found.groups()
        time.sleep(0.2)
    pytest.fail("make lab printed no address within 60 s:\n" + log.read_text("utf-8"))


def stop(process):
    """Stop the server and whatever it started, and see that nothing is left."""
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("make lab left processes behind")


def get(url, token=None):
    """The final address and the text of ``url``."""
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.url, answer.read().decode("utf-8")


def test_lab_opens_on_the_map_and_asks_for_the_token(lab):
    server, path, token = lab
    assert path == "/lab/tree/README.md"
    url, page = get(f"{server}{path}?token={token}")
    assert url.startswith(server + path)
    assert "jupyter-config-data" in page  # JupyterLab's page, and not one that asks for a password

    assert get(server + path)[0].startswith(server + "/login")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(server + "/api/contents/README.md")
    served = json.loads(get(server + "/api/contents/README.md?type=file&format=text", token)[1])
    assert served["content"] == README


def test_lab_renders_markdown_and_fetches_no_news(lab):
    server, _, token = lab

    def default(plugin, setting):
        answer = json.loads(get(f"{server}/lab/api/settings/{plugin}", token)[1])
        return answer["schema"]["properties"][setting]["default"]

    viewers = default("@jupyterlab/docmanager-extension:plugin", "defaultViewers")
    assert viewers == {"markdown": "Markdown Preview"}
    assert default("@jupyterlab/apputils-extension:notification", "fetchNews") == "false"


def test_lab_has_the_kernel_of_the_chapters(lab):
    server, _, token = lab
    answer = json.loads(get(f"{server}/api/kernelspecs", token)[1])
    assert answer["default"] == "python3"
    assert answer["kernelspecs"]["python3"]["spec"]["language"] == "python"
