"""What the course adds to nbgrader; nbgrader_config.py puts it in place, docs/instructors.md says what for.

:class:`ClearSolutions` makes exercises. :class:`Rebuild` and :class:`Execute` autograde a submission that may be broken
or hostile: its code runs in a kernel of its own, in a sandbox, and the graded cells in another kernel, which calls the
submission's functions from outside.
"""

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader import preprocessors, utils

COURSE = Path(__file__).resolve().parent.parent

# Bounds, beside Execute.timeout, which is the seconds for one of the learner's cells
OURS = 300  # seconds for one of our own cells, which may train a network on a busy machine
TOGETHER = 240  # seconds for all of the learner's cells
PATIENCE = 15  # seconds for all calls of a learner's function in one check, which has 5 on the learner's own machine
SOURCE = 100_000  # characters of a cell
OUTPUT = 1_000_000  # characters that a cell may write


class ClearSolutions(preprocessors.ClearSolutions):
    """Clears solutions, and plants the bugs of debugging tasks: a solution's lines after '#: ' are released instead."""

    def preprocess_cell(self, cell, resources, index):
        lines, planted, is_planted = [], [], False
        for line in cell.source.split("\n"):
            lines.append(line)
            if self.begin_solution_delimeter in line:
                begin = len(lines) - 1
            elif line.lstrip().startswith("#: "):
                planted.append(line.replace("#: ", "", 1))
            elif self.end_solution_delimeter in line and planted:
                lines[begin:], planted, is_planted = planted, [], True
        cell.source = "\n".join(lines)
        if is_planted and self.begin_solution_delimeter not in cell.source:
            return cell, resources  # nbgrader would replace the whole of a cell without marks
        return super().preprocess_cell(cell, resources, index)


# ---- autograding


def released(config, resources):
    """The notebook that was handed out."""
    course = config.CourseDirectory
    name = resources["nbgrader"]
    folder = Path(course.root, course.release_directory, name["assignment"])
    return nbformat.read(folder / f"{name['notebook']}.ipynb", as_version=4)


class Rebuild(preprocessors.NbGraderPreprocessor):
    """The released notebook with what a submission adds to it: its answers, and code cells of its own.

    Whatever else a submission holds is not looked at: moved, edited, tagged, missing or doubled cells, metadata.
    Released cells to play in are left out, so a try-it that trains a network is not run once more for every learner.
    """

    def preprocess(self, nb, resources):
        rebuilt = released(self.config, resources)
        cells = {cell.metadata.nbgrader.grade_id: cell for cell in rebuilt.cells if "nbgrader" in cell.metadata}
        known = {cell.source for cell in rebuilt.cells}
        answers, extra, last = set(), {}, None
        for cell in nb.cells:
            mark = cell.metadata.get("nbgrader")
            name = mark.get("grade_id") if isinstance(mark, dict) else None
            source = str(cell.source)[:SOURCE]
            if isinstance(name, str) and name in cells:
                last = name
                if utils.is_solution(cells[name]) and name not in answers:
                    answers.add(name)
                    is_text = cells[name].cell_type != "code"
                    cells[name].source = source.replace("<", "&lt;") if is_text else source
            elif cell.cell_type == "code" and source.strip() and source not in known:
                extra.setdefault(last, []).append(new_code_cell(source))
        placed = extra.pop(None, [])
        for cell in rebuilt.cells:
            if "nbgrader" in cell.metadata:
                placed += [cell, *extra.pop(cell.metadata.nbgrader.grade_id, [])]
            elif cell.cell_type != "code":
                placed.append(cell)
        rebuilt.cells = placed
        return rebuilt, resources


class Execute(preprocessors.Execute):
    """Runs a rebuilt submission in two kernels.

    The learner's cells run in a sandboxed one. Graded cells run in the checker, a clean one, where the functions that
    answers define are :class:`course_utils.checks.remote.Remote`: called there, they run in the sandbox. Our locked
    cells run in both.
    """

    store_widget_state = False

    def preprocess(self, nb, resources=None, km=None):
        self._until = time.monotonic() + TOGETHER
        self._dead, self._written = None, {}
        self._functions = answers_of(released(self.config, resources))
        self.kernel_name = "sandbox"
        self.timeout_func = self._seconds_for
        self._checker = NotebookClient(
            new_notebook(),
            kernel_name="python3",
            allow_errors=True,
            timeout=OURS,
            resources={"metadata": {"path": str(COURSE)}},
        )
        with tempfile.TemporaryDirectory(prefix="grading-") as folder, self._checker.setup_kernel():
            self._folder = Path(folder)
            return super().preprocess(nb, resources, km)

    def _seconds_for(self, cell):
        """How long a cell may run: ours as long as it takes, within reason, a learner's until its time is over."""
        return OURS if utils.is_locked(cell) else max(1, min(self.timeout, int(self._until - time.monotonic())))

    def create_kernel_manager(self):
        """The sandboxed kernel; it is reached through files in its folder, for it has no network."""
        spec = {"display_name": "sandbox", "language": "python", "interrupt_mode": "message"}
        spec["argv"] = command(self._folder)
        (self._folder / "sandbox").mkdir()
        (self._folder / "sandbox" / "kernel.json").write_text(json.dumps(spec))
        manager = super().create_kernel_manager()
        manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(self._folder)])
        manager.transport, manager.ip = "ipc", str(self._folder / "kernel")
        manager.connection_file = str(self._folder / "kernel.json")
        return manager

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        if utils.is_locked(cell):
            self._check(cell)
        if not utils.is_grade(cell):
            self._run(cell, resources, index)
        return cell, resources

    def _run(self, cell, resources, index):
        """Run one of the learner's cells, or one of ours, in the sandbox."""
        if not self._dead and time.monotonic() > self._until:
            self._dead = f"this notebook ran longer than {TOGETHER} seconds"
        if self._dead:
            cell.outputs = [failure("NotRun", self._dead)]
            return
        try:
            super().preprocess_cell(cell, resources, index)
        except Exception as error:  # the kernel died, or what it says makes no sense
            self._dead = f"the kernel of this notebook died in cell {index + 1} ({type(error).__name__})"
            cell.outputs.append(failure("NotRun", self._dead))
        cell.outputs = [harmless(output) for output in cell.outputs]
        if self._written.get(index, 0) > OUTPUT:
            cell.outputs.append(failure("TooMuchOutput", f"this cell wrote more than {OUTPUT:,} characters"))

    def process_message(self, message, cell, index):
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self._written[index] = self._written.get(index, 0) + len(str(message["content"]))
            if self._written[index] > OUTPUT:
                return None
        return super().process_message(message, cell, index)

    def _check(self, cell):
        """Run one of our cells in the checker, with the learner's functions in reach if it is a graded one."""
        if utils.is_grade(cell):
            used = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
            # the watch stands on the wall: give a busy machine, and the way to the other kernel, more time
            bind = ["from course_utils.checks import guard", f"guard.SECONDS = {PATIENCE}"]
            bind.append("from course_utils.checks.remote import Remote")
            for name in sorted(used & self._functions):
                bind.append(f"{name} = Remote({json.loads(self._connection())!r}, {name!r}, {self._dead!r})")
            self._in_checker(new_code_cell("\n".join(bind)))
        self._in_checker(cell)

    def _connection(self):
        return (self._folder / "kernel.json").read_text()

    def _in_checker(self, cell):
        self._checker.nb = new_notebook(cells=[cell])
        try:
            self._checker.execute_cell(cell, 0)
        except (CellTimeoutError, DeadKernelError):
            cell.outputs = [failure("CheckStopped", f"the check did not end within {OURS} seconds")]


def answers_of(notebook):
    """The names of the functions that the solution cells of a released notebook define."""
    trees = [ast.parse(cell.source) for cell in notebook.cells if cell.cell_type == "code" and utils.is_solution(cell)]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def harmless(output):
    """An output of a learner's cell without HTML and scripts, which would run in the browser of whoever grades it."""
    if "data" in output:
        kinds = {"text/plain": r".*", "image/png": r"[\w+/=\s]*", "image/jpeg": r"[\w+/=\s]*"}
        data = {kind: output.data.get(kind) for kind in kinds}
        output.data = {
            kind: text
            for kind, text in data.items()
            if isinstance(text, str) and re.fullmatch(kinds[kind], text, re.DOTALL | re.ASCII)
        }
        output.metadata = {}
    return output


def failure(kind, text):
    return new_output("error", ename=kind, evalue=text, traceback=[f"{kind}: {text}"])


# ---- the sandbox

# Limits that every kernel gets, sandbox or not, before it starts: memory, files and their size, no core dumps.
LIMITED = (
    "import resource, runpy, sys; "
    "[resource.setrlimit(getattr(resource, 'RLIMIT_' + name), (value, value)) for name, value in "
    "{'AS': 8 << 30, 'FSIZE': 100 << 20, 'NOFILE': 512, 'CORE': 0}.items()]; "
    "sys.path.insert(0, ''); runpy.run_module('ipykernel_launcher', run_name='__main__')"
)


def command(folder):
    """The command line that starts a kernel; what it needs to write is in ``folder``.

    The variable COURSE_SANDBOX says where: ``bwrap``, which is what it is without it, or ``none``.
    """
    sandbox = os.environ.get("COURSE_SANDBOX", "bwrap")
    kernel = [sys.executable, "-c", LIMITED, "-f", "{connection_file}", "--HistoryManager.enabled=False"]
    if sandbox == "none":
        return kernel
    if sandbox != "bwrap":
        raise ValueError(f"COURSE_SANDBOX={sandbox!r} must be 'bwrap' or 'none'")
    if unusable():
        raise RuntimeError(unusable())
    return bubble(folder) + kernel


def bubble(folder):
    """bubblewrap: no network, no other processes, no files but Python, the course's modules and MNIST, read-only."""
    settings = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "COURSE_BUDGET": os.environ.get("COURSE_BUDGET", "1"),
        "COURSE_DEVICE": "cpu",
        "COURSE_COMPILE": "0",  # there is no place to keep a compiled rule
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "TQDM_DISABLE": "1",
    }
    system = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"]
    ours = [sys.base_prefix, sys.prefix, str(COURSE / "course_utils"), str(COURSE / "data")]
    return [
        *["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"],
        *[word for name, value in settings.items() for word in ("--setenv", name, value)],
        *["--proc", "/proc", "--dev", "/dev", "--size", str(200 << 20), "--tmpfs", "/tmp"],
        *[word for path in system for word in ("--ro-bind-try", path, path)],
        *[word for path in ours for word in ("--ro-bind", path, path)],
        *["--bind", str(folder), str(folder), "--dir", "/tmp/work", "--chdir", "/tmp/work"],
    ]


@functools.cache
def unusable():
    """Why bubblewrap cannot be used here, and what to do; None if it can."""
    remedy = (
        "Autograding runs submissions in bubblewrap. Install it (on Debian and Ubuntu: apt install bubblewrap), or run "
        "all of grading in a container that holds nothing else, with COURSE_SANDBOX=none; see docs/instructors.md."
    )
    if not shutil.which("bwrap"):
        return f"There is no bwrap on this machine. {remedy}"
    with tempfile.TemporaryDirectory() as folder:
        test = subprocess.run([*bubble(folder), sys.executable, "-c", ""], capture_output=True, text=True)
    return f"bwrap does not work here: {test.stderr.strip()} {remedy}" if test.returncode else None
