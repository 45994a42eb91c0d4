"""Run notebooks from top to bottom and save their outputs in place: what stands committed in a chapter.

    python tools/execute.py notebooks/04_momentum.ipynb ...

Each runs in a fresh kernel, in its own folder, on all of MNIST. Its file is replaced only when every cell has run;
otherwise it stays as it was, the error is printed, and the exit status is 1.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET = "application/vnd.jupyter.widget-view+json"
MINUTES = 60  # for one cell, before it counts as stuck


def execute(path):
    """Run the notebook at ``path`` and save it; return whether every cell ran."""
    began = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.kernelspec = KERNEL
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day, which JupyterLab may have recorded
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)

    running = []  # the indices of the cells begun so far
    client = NotebookClient(
        notebook,
        timeout=60 * MINUTES,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        on_cell_start=lambda cell, cell_index: running.append(cell_index),
    )
    # nbclient plays the front end of an Output widget, and can wait for it for ever (its issue 312). Without these
    # handlers what a widget prints goes into the cell's outputs.
    client.comm_open_handlers.clear()
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        where = f"cell {running[-1] + 1} of {len(notebook.cells)}"
        print(f"{path}: {where} failed; the file is unchanged.\n{error}", file=sys.stderr)
        return False
    for cell in notebook.cells:  # without a kernel a slider is an error message; what it draws stands above it
        cell.get("outputs", [])[:] = [
            output for output in cell.get("outputs", []) if WIDGET not in output.get("data", {})
        ]
    notebook.metadata.language_info = {"name": "python"}  # without the kernel's exact version: smaller diffs

    temporary = path.with_suffix(".unfinished")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)
    print(f"{path}: {len(notebook.cells)} cells in {time.perf_counter() - began:.0f} s", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description="Run notebooks from top to bottom and save their outputs in place.")
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="notebook.ipynb")
    paths = parser.parse_args().notebooks
    for path in paths:
        if not path.is_file():
            parser.error(f"there is no notebook {path}")

    # What the kernels inherit. Outputs to be committed are of the full run, and show their figures.
    os.environ.pop("COURSE_BUDGET", None)
    os.environ.pop("MPLBACKEND", None)
    os.environ["TQDM_DISABLE"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(not all([execute(path) for path in paths]))


if __name__ == "__main__":
    main()
