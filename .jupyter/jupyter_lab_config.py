# JupyterLab as the course starts it: `make lab` puts this folder on JUPYTER_CONFIG_PATH.
import os
from pathlib import Path

course = Path(__file__).resolve().parent.parent

c = get_config()  # noqa: F821, Jupyter defines it
c.LabApp.default_url = "/lab/tree/README.md"  # the map of the course, which labconfig/ has rendered
c.LabApp.workspaces_dir = str(course / ".venv" / "workspaces")  # the tabs you left open here, and no other project's
c.ServerApp.allow_root = True  # in a container one often is root

# Kernels inherit this. Threads of torch that wait for work then sleep; busy waiting makes a run on a busy machine
# many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
