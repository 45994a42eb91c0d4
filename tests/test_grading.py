"""The parts of grading one by one, without a kernel: what is put together, believed, shown, and tried again."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config

import grading
import sandbox
from course_utils.checks import guard, probes, remote
from sandbox import DIED, ENDED, STOPPED, Fault, Outputs, Ran, failure, shown

ROOT = Path(__file__).resolve().parent.parent
STEM = "04_momentum"


def rebuilt(cells):
    config = Config()
    config.CourseDirectory.root, config.CourseDirectory.release_directory = str(ROOT), "exercises"
    resources = {"nbgrader": {"assignment": STEM, "notebook": STEM}}
    return grading.Rebuild(config=config).preprocess(new_notebook(cells=cells), resources)[0]


def marked(name, source, kind=new_code_cell, **more):
    cell = kind(source)
    cell.metadata.nbgrader = {"grade_id": name} | more
    return cell


# ---- Rebuild


def test_answers_and_own_cells_are_taken_and_nothing_else():
    forged = marked("test_momentum", "99.0", points=99)
    other = marked("explain", "<b>words</b>", new_markdown_cell)
    notebook = rebuilt([marked("momentum", "mine"), forged, new_code_cell("own"), other, new_markdown_cell("# mine")])
    sources = [cell.source for cell in notebook.cells]
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    assert sources[names.index("momentum")] == "mine"
    assert "99.0" not in sources
    assert "# mine" not in sources
    assert sources[names.index("test_momentum") + 1] == "own"
    assert sources[names.index("explain")] == "<b>words</b>"  # shown as text by whoever shows it


def test_half_characters_and_long_cells_are_cut():
    notebook = rebuilt([marked("momentum", "a\ud800\0" + "x" * 200_000)])
    (cell,) = (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "momentum")
    assert cell.source.startswith("a?\ufffdx")
    assert len(cell.source) == grading.SOURCE
    assert sandbox.printable("a\u202eb\u2066 \u05e9") == "a\ufffdb\ufffd \u05e9"


def test_code_of_their_own_fits_on_a_page():
    notebook = rebuilt([new_code_cell(f"{'#' * 40_000}{i}") for i in range(20)] + [new_code_cell("last = 1")])
    sources = [cell.source for cell in notebook.cells if cell.source.startswith(("#" * 99, "last"))]
    assert len(sources) == grading.CODE // 40_001 + 1
    assert sources[-1] == "last = 1"


def test_only_what_a_submission_uses_is_imported_in_the_sandbox():
    setup = "import os\nimport numpy as np\nimport torch\nos.environ['A'] = '1'\nhalf = np.float64(0.5)\nprint(half)"
    cells = [marked("setup", setup, locked=True, grade=False, solution=False), new_code_cell("print(half)")]
    assert (
        grading.needed(new_notebook(cells=cells))["setup"] == "import numpy as np\nhalf = np.float64(0.5)\nprint(half)"
    )
    for use in ("torch", "eval('torch')", "%timeit torch", "half of torch, (", "def f():\n  torch.ones", "f'{torch}'"):
        cells[1].source = use
        assert "import torch" in grading.needed(new_notebook(cells=cells))["setup"]
    for mention in ("# torch", "def f():\n    # as\n    'torch'\n    return 1", "'torch'\n"):
        cells[1].source = mention
        assert grading.needed(new_notebook(cells=cells))["setup"] == ""


# ---- what a kernel says


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {"name": "<b>", "text": "x"}),
        ("stream", {"name": "stdout", "text": ["x"]}),
        ("stream", {}),
        ("display_data", {"data": {"text/html": "<script>"}}),
        ("display_data", {"data": {"image/png": "x' onerror='"}}),
        ("display_data", {"data": []}),
        ("update_display_data", {"data": {"text/plain": "x"}}),
        ("error", {"ename": 1, "evalue": "x", "traceback": []}),
        ("execute_input", {"execution_count": "<img>"}),
        ("comm_open", {}),
    ],
)
def test_what_is_no_output_is_not_shown(kind, content):
    assert shown(kind, content) is None


def test_outputs_are_text_and_pictures_and_end_somewhere():
    data = {"text/plain": "a\0", "image/png": "aGk=", "text/html": "<b>"}
    output = shown("execute_result", {"data": data, "execution_count": "<img>", "metadata": {"x": "<b>"}})
    assert output == {
        "output_type": "execute_result",
        "data": {"text/plain": "a\ufffd", "image/png": "aGk="},
        "metadata": {},
        "execution_count": None,
    }
    outputs = Outputs()
    for _ in range(3):
        outputs.add("stream", {"name": "stdout", "text": "x" * 400_000})
    assert [out.output_type for out in outputs.all()] == ["stream", "error"]
    assert len(outputs.all()[0].text) == 800_000
    outputs = Outputs()
    for _ in range(500):
        outputs.add("display_data", {"data": {"text/plain": "x"}})
    assert len(outputs.all()) == sandbox.SHOWN + 1
    for part in ("ename", "evalue", "traceback"):
        outputs, error = Outputs(), {"ename": "", "evalue": "", "traceback": [""]}
        for _ in range(3):
            outputs.add("error", error | {part: ["x" * 400_000] if part == "traceback" else "x" * 400_000})
        assert len(outputs.all()) == 3  # two, and what says that more was cut off


# ---- the learner's side, with a kernel that does as its cells say


class Fake:
    """A kernel whose cells are words: "die", "stop", "fail", "die later", or anything else, which is remembered."""

    made = []

    def __init__(self):
        self.cells, self.lives, self.ends_soon = [], True, False
        self.connection = {"number": len(self.made)}
        self.made.append(self)

    def run(self, source, seconds):
        if source == "die" or (self.ends_soon and source == "answer"):
            self.lives = False
        self.ends_soon |= source == "die later"
        if not self.lives:
            return Ran([], DIED)
        self.cells.append(source)
        outputs = [failure("X", "it failed")] if source == "fail" else []
        return Ran(outputs, STOPPED if source == "stop" else ENDED)

    def works(self, seconds=5):
        if self.cells[-1] == "fork, busy" and seconds < 10:  # it takes so many to say that it is there
            return False
        self.cells.append("here")
        return self.lives

    def is_alive(self):
        return self.lives

    def others(self):
        return {1} if {"fork", "fork, busy", "fork bomb"} & set(self.cells) else set()

    def end_others(self):
        return "fork bomb" not in self.cells

    def close(self):
        self.lives = False


@pytest.fixture
def learner(monkeypatch):
    monkeypatch.setattr(Fake, "made", [])
    with grading.Learner(Fake, 5) as one:
        yield one


def cells(kernel):
    return [source for source in kernel.cells if source not in (grading.PREPARE, "here")]


def test_a_cell_in_which_the_kernel_dies_is_left_out_of_the_next_one(learner):
    learner.ours("setup")
    assert learner.theirs("first", True) == []
    assert "died" in learner.theirs("die", True)[0].evalue
    assert learner.theirs("last", True) == []
    assert cells(Fake.made[-1]) == ["setup", "first", "last"]
    assert learner.dead is None


def test_a_cell_that_is_no_answer_and_kills_later_is_to_blame(learner):
    learner.ours("setup")
    learner.theirs("die later", False)
    assert learner.theirs("answer", True) == []
    assert cells(Fake.made[-1]) == ["setup", "answer"]


def test_a_cell_that_leaves_processes_is_left_out_if_they_cannot_be_ended(learner):
    learner.theirs("fork", False)
    learner.theirs("answer", True)
    assert cells(Fake.made[-1]) == ["fork", "answer"]
    learner.theirs("fork bomb", False)
    learner.theirs("last", True)
    assert cells(Fake.made[-1]) == ["fork", "answer", "last"]
    assert len(Fake.made) == 2


@pytest.mark.parametrize(
    ("seen", "ended"),
    [
        ([{7}] * 100 + [set()], True),  # killed at once, gone after a second: the machine is busy
        ([{7, 8}, {8, 9}, {9}, set()], True),  # a pool has put a new one in the place of the first
        ([{number} for number in range(1000)], False),  # ever new ones
    ],
)
def test_processes_of_a_cell_are_ended_though_they_take_their_time(monkeypatch, seen, ended):
    sent, looks = [], iter(seen)
    monkeypatch.setattr(sandbox.os, "kill", lambda *which: sent.append(which))
    one = object.__new__(sandbox.Sandbox)
    one.first = {5000}
    one._states = lambda: dict.fromkeys(next(looks), "S") | {5000: "T"}
    assert one.end_others() == ended
    assert sent[0] == (5000, signal.SIGSTOP)
    assert sent[-1] == (5000, signal.SIGCONT)
    killed = [number for number, which in sent if which == signal.SIGKILL]
    assert len(killed) == len(set(killed)) == len(sent) - 2


def test_workers_that_a_pool_replaces_are_ended_every_time_and_the_kernel_goes_on(monkeypatch):
    monkeypatch.setenv("COURSE_SANDBOX", "none")
    with sandbox.Sandbox() as kernel:
        kernel.run("import multiprocessing\npool = multiprocessing.Pool(8)\nprint(pool.map(abs, [1, -2]))", 20)
        ended = []
        for _ in range(10):
            until = time.monotonic() + 20
            while not kernel.others() and time.monotonic() < until:
                time.sleep(0.01)
            ended.append((bool(kernel.others()), kernel.end_others()))
        assert ended == 10 * [(True, True)]
        assert kernel.works(60)


def test_a_cell_that_leaves_a_pool_counts_on_a_busy_machine_too(learner):
    learner.theirs("fork, busy", False)
    learner.theirs("answer", True)
    assert cells(Fake.made[-1]) == ["fork, busy", "answer"]


def test_an_answer_may_leave_processes_that_can_be_ended(learner):
    learner.theirs("fork", True)
    learner.theirs("last", True)
    assert cells(Fake.made[-1]) == ["fork", "last"]
    learner.theirs("fork bomb", True)
    assert not Fake.made[-1].lives


def test_what_cells_show_has_to_fit(learner):
    long = nbformat.v4.new_output("stream", text="x" * 900_000)
    shown = [learner._fitting([long])[0].output_type for _ in range(4)]
    assert shown == ["stream", "stream", "error", "error"]
    assert learner._fitting([]) == []


def test_an_error_takes_room_as_text_does(learner):
    shown = [learner._fitting([failure("x", "y" * 400_000)])[0].ename for _ in range(4)]
    assert shown == ["x", "x", "TooMuchOutput", "TooMuchOutput"]


def test_a_stopped_cell_is_not_run_again(learner):
    learner.theirs("stop", True)
    learner.theirs("die", True)
    learner.theirs("last", True)
    assert cells(Fake.made[-1]) == ["last"]


def test_cells_of_their_own_use_up_none_of_the_answers_time(learner):
    learner.left[False] = 0
    assert "ran for 120 seconds" in learner.theirs("own", False)[0].evalue
    assert learner.theirs("answer", True) == []


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass where a test adds to them."""
    now = [0.0]
    monkeypatch.setattr(grading, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_kernel_that_takes_its_time_to_say_that_it_works_uses_up_the_cells(learner, clock, monkeypatch):
    monkeypatch.setattr(Fake, "works", lambda self: clock.__setitem__(0, clock[0] + 4.5) or True)
    said = [learner.theirs(f"own {i}", False) for i in range(100)]
    assert "ran for 120 seconds" in said[-1][0].evalue
    assert clock[0] < 125


def test_our_cells_have_less_time_once_theirs_have_run(learner, clock, monkeypatch):
    given, run = [], Fake.run

    def slow(kernel, source, seconds):
        if source.startswith("ours"):
            given.append(seconds)
            clock[0] += 50
        return run(kernel, source, seconds)

    monkeypatch.setattr(Fake, "run", slow)
    learner.ours("ours 1")
    learner.theirs("own", False)
    for i in range(4):
        learner.ours(f"ours {i}")
    assert given == [grading.OURS, grading.OWN, 70, 20, 1]


def test_all_calls_of_a_notebooks_functions_share_their_time(monkeypatch):
    monkeypatch.setattr(remote.Remote, "_ask", lambda self, request: time.sleep(0.6) or {"result": 1, "arguments": []})
    monkeypatch.setattr(guard, "SECONDS", guard.SECONDS)
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    try:
        exec(grading.BEGIN.format(patience=15, seed=1, together=1), {})
        first, second = remote.Remote({}, "first"), remote.Remote({}, "second")
        assert [first(), second()] == [1, 1]
        with pytest.raises(RuntimeError, match="together took more than 1 seconds"):
            first()
    finally:
        probes.draw()


def test_a_kernel_that_dies_again_and_again_is_given_up(learner):
    for _ in range(20):
        learner.theirs("die", True)
    assert learner.connection() == {}
    assert "too often" in learner.dead
    assert len(Fake.made) == grading.STARTS


def test_our_cell_that_fails_is_a_fault_unless_theirs_came_first(learner):
    with pytest.raises(Fault, match="it failed"):
        learner.ours("fail")
    learner.theirs("own", False)
    assert learner.ours("fail")


class Says:
    def __init__(self, *outputs, how=ENDED):
        self.ran = Ran(list(outputs), how)

    def run(self, source, seconds):
        return self.ran


GRADE = {"grade": True, "solution": False, "locked": True, "points": 1}


def test_only_a_verdict_costs_points():
    cell = marked("test_x", "", **GRADE)
    grading.ask(Says(failure("CheckFailed", "so")), cell, "test_x")
    assert cell.outputs[0].evalue == "so"
    with pytest.raises(Fault, match="test_x failed with KeyError"):
        grading.ask(Says(failure("KeyError", "so")), cell, "test_x")
    grading.ask(Says(failure("TooMuchOutput", "so")), cell, "test_x")  # a verdict quotes the answer
    assert cell.outputs[0].ename == "CheckStopped"
    with pytest.raises(Fault, match="died in test_x"):
        grading.ask(Says(how=DIED), cell, "test_x")
    with pytest.raises(Fault):
        grading.ask(Says(failure("AssertionError", "so")), marked("setup", "", locked=True), "setup")
    warning = nbformat.v4.new_output("stream", name="stderr", text="Fontconfig error")
    points = nbformat.v4.new_output("execute_result", {"text/plain": "1.0"})
    grading.ask(Says(warning, points), cell, "test_x")
    assert cell.outputs == [points]


def test_a_check_that_says_nothing_is_worth_no_points():
    """nbgrader gives all points for a graded cell without outputs: here they have been lost on the way."""
    with pytest.raises(Fault, match="what test_x came to has been lost"):
        grading.ask(Says(nbformat.v4.new_output("stream", text="x: Right.")), marked("test_x", "", **GRADE), "test_x")


def test_a_check_that_does_not_end_costs_itself_alone(monkeypatch):
    cell = marked("test_x", "", **GRADE)
    grading.ask(Says(how=STOPPED), cell, "test_x")
    assert "did not end" in cell.outputs[0].evalue
    monkeypatch.setattr(grading, "OURS", 2)
    with sandbox.Checker() as checker:
        cell.source = "while True: pass"
        grading.ask(checker, cell, "test_x")
        assert cell.outputs[0].ename == "CheckStopped"
        cell.source = "1.0 + 1"
        grading.ask(checker, cell, "test_x")
        assert cell.outputs[0].data["text/plain"] == "2.0"


# ---- numbers that nobody can know


def test_the_seed_is_secret_and_the_same_when_graded_again(tmp_path):
    first, second = new_notebook(cells=[new_code_cell("a")]), new_notebook(cells=[new_code_cell("b")])
    numbers = [grading.seed(tmp_path, nb) for nb in (first, second, first)]
    assert numbers[0] == numbers[2] != numbers[1]
    assert grading.seed(tmp_path / "elsewhere", first) != numbers[0]
    assert (tmp_path / "grading" / "secret").stat().st_mode & 0o77 == 0


def test_the_checks_draw_other_numbers_of_the_same_kind():
    try:
        probes.draw(7)
        assert probes.redrawn((0.5, 3, 16, -2.0, [0.1, 0.2]), 0) != (0.5, 3, 16, -2.0, [0.1, 0.2])
        share, few, many, negative, listed = probes.redrawn((0.5, 3, 16, -2.0, [0.1, 0.2]), 0)
        assert 0.45 < share < 0.55
        assert few == 3
        assert 16 <= many <= 18
        assert -2 <= negative < -1.8
        assert listed[1] == pytest.approx(2 * listed[0])
    finally:
        probes.draw()
    assert probes.redrawn((0.5, 16), 0) == (0.5, 16)


# ---- pages


def test_what_a_learner_wrote_is_text_on_nbgraders_pages():
    config = Config()
    config.TemplateExporter.filters = {"markdown2html": grading.markdown2html}
    theirs = "<b>x</b> [a](javascript:alert) $\\eta < 2/k$ $\\href{javascript:alert}{x}$ [b](https://example.org)"
    theirs += " ![picture](https://example.org/spy.png)"
    cell = marked("explain", theirs, new_markdown_cell, grade=True, solution=True, points=1)
    ours = new_markdown_cell("<details><summary>Hint</summary>a</details>")
    html, _ = HTMLExporter(config=config).from_notebook_node(new_notebook(cells=[cell, ours]))
    assert "<b>x</b>" not in html
    assert 'href="javascript' not in html
    assert "$\\eta &lt; 2/k$" in html
    assert "\\href" not in html
    assert 'href="https://example.org"' in html
    assert "spy.png" not in html
    assert "<details>" in html


# ---- the sandbox's command


def test_a_machine_without_bubblewrap_refuses_to_grade(monkeypatch):
    monkeypatch.setattr(sandbox, "bwrap", lambda: None)
    sandbox.unusable.cache_clear()
    try:
        assert "apt install bubblewrap" in sandbox.unusable()
        with pytest.raises(Fault, match="no bwrap"):
            sandbox.command("kernel.json")
    finally:
        sandbox.unusable.cache_clear()
    monkeypatch.setenv("COURSE_SANDBOX", "docker")
    with pytest.raises(ValueError, match="'bwrap' or 'none'"):
        sandbox.choice()


def test_a_bubblewrap_that_gives_no_rights_away_is_asked_for(monkeypatch):
    monkeypatch.setenv("GRADERS_PASSWORD", "secret")
    words = sandbox.bubble() if sandbox.bwrap() else pytest.skip("no bubblewrap")
    assert {"--unshare-user", "--disable-userns", "--unshare-net", "--unshare-pid", "--clearenv"} <= set(words)
    assert words[:2] == ["/usr/bin/env", "-i"]
    assert "secret" not in str(words)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert "CAP_SETUID" not in sandbox.bubble()


def test_without_a_sandbox_the_kernel_still_gets_a_clean_environment(monkeypatch):
    """COURSE_SANDBOX=none, for a container that is thrown away: limits and two kernels, and no walls."""
    monkeypatch.setenv("COURSE_SANDBOX", "none")
    monkeypatch.setenv("GRADERS_PASSWORD", "secret")
    with sandbox.Sandbox() as kernel:
        ran = kernel.run("import os, resource\nprint(dict(os.environ), resource.getrlimit(resource.RLIMIT_CORE))", 20)
        kernel.run("import subprocess\nsubprocess.Popen(['sleep', '97531'])", 20)
    assert ran.how == ENDED
    assert "secret" not in ran.outputs[0].text
    assert "(0, 0)" in ran.outputs[0].text
    assert not kernel.folder.exists()
    assert "97531" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_killed_grader_leaves_no_folder_for_good(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os, sandbox; print(sandbox.Folder('box').path, flush=True); os.kill(os.getpid(), 9)"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tools", env=environment, capture_output=True)
    left = Path(run.stdout.decode().strip())
    (left / "k-1").write_text("x")
    held = sandbox.Folder("box")
    (tmp_path / "box-of-somebody-else.txt").touch()
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    sandbox.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["box-of-somebody-else.txt", held.path.name])
    held.remove()
    held.remove()
    assert not held.path.exists()


def test_a_kernel_that_died_in_a_call_is_noticed_although_a_copy_of_it_lives(monkeypatch):
    monkeypatch.setenv("COURSE_SANDBOX", "none")
    copy = "import os, time\ndef end():\n    if os.fork() == 0:\n        time.sleep(60)\n    os._exit(0)"
    with sandbox.Sandbox() as kernel:
        kernel.run(copy, 20)
        with pytest.raises(RuntimeError, match="ended the notebook's kernel"):
            remote.Remote(kernel.connection, "end")()


REFUSED = """
import errno, fcntl, os, socket, tempfile
import inside
inside.refuse()
def number(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
path = tempfile.mkstemp()[1]
file = os.open(path, os.O_RDONLY)
os.remove(path)
refused = [number(socket.socket, family, socket.SOCK_DGRAM) for family in (17, 38, 40)]  # AF_PACKET, AF_ALG, AF_VSOCK
refused += [number(fcntl.fcntl, file, fcntl.F_SETLEASE, kind) for kind in (fcntl.F_RDLCK, fcntl.F_WRLCK)]
print(refused == 5 * [errno.EPERM], refused)
print(number(socket.socketpair), number(socket.socket, socket.AF_INET), number(fcntl.fcntl, file, fcntl.F_GETFL))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
def test_other_networks_and_leases_are_refused_and_nothing_else_of_their_calls():
    run = subprocess.run(
        [sys.executable, "-c", REFUSED], cwd=ROOT / "tools", capture_output=True, text=True, check=True, timeout=60
    )
    refused, allowed = run.stdout.splitlines()
    assert refused.startswith("True"), refused
    assert allowed == "None None None"


def test_the_inside_needs_no_more_than_a_kernel_does():
    code = (
        "import sys; sys.argv = []; import inside; print(sorted({'torch', 'nbgrader', 'nbformat'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == "[]\n"
