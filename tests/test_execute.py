"""make execute: a notebook's outputs are saved, all of them or none."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent


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
