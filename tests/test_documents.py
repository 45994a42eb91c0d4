"""README and CONTRIBUTING are true: their commands run, their links land; and what stands around the course."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.parse
from pathlib import Path

import nbformat
import pytest
import yaml
from lecture import slug
from making import make

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


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
    prose = re.sub(r"^ *```.*?^ *```|`[^`\n]+`", "", document, flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose) if not link.startswith("https://")]
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        assert not file or (ROOT / file).is_file(), link
        if anchor:
            assert urllib.parse.unquote(anchor) in anchors(notebook_text(ROOT / file) if file else document), link


def test_whoever_lands_on_set_up_is_told_what_to_type():
    """The site's first page and every chapter link to this section, and what is above it is not read."""
    opening = README.partition("\n## Set-up\n")[2].partition("\n## ")[0].partition("\nA second `make lab`")[0]
    for said in ("git clone ", "```\nmake lab\n```", "Python 3.11", "7 GB", "(#Without-make)"):
        assert said in opening


def notebook_text(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def anchors(text):
    """The anchors of headings, as JupyterLab makes them: the text, with hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {slug(heading.strip()) for heading in headings}


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
            assert urllib.parse.unquote(anchor) == slug(name)


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
