# JupyterLab as the course starts it: `make lab` puts this folder on JUPYTER_CONFIG_PATH.
import os
from pathlib import Path

course = Path(__file__).resolve().parent.parent

c = get_config()  # noqa: F821, Jupyter defines it
c.LabApp.default_url = "/lab/tree/README.md"  # the map of the course, which labconfig/ has rendered
c.LabApp.workspaces_dir = str(course / ".venv" / "workspaces")  # the tabs you left open here, and no other project's
c.LabApp.extra_labextensions_path = [str(course / "docs")]  # predictions and knobs: docs/live/lab.js
c.ServerApp.allow_root = True  # in a container one often is root

# Kernels inherit this. Threads of torch that wait for work then sleep; busy waiting makes a run on a busy machine
# many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Validate says what the check said, also where it gave part of the points; nbgrader alone says "Partial credit".
from nbgrader.validator import Validator  # noqa: E402

_extract_error = Validator._extract_error


def _with_verdict(self, cell):
    text = _extract_error(self, cell)
    said = "".join(output.text for output in cell.get("outputs", []) if output.output_type == "stream")
    return said if text.startswith("Partial credit") and said else text


Validator._extract_error = _with_verdict
