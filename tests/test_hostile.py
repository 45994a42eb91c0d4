"""A batch of hostile submissions: each ends with the score that it deserves, and nobody else is harmed.

About half of them, those that wait for a limit among them, run only with ``make test ARGS=--hostile``.
"""

import html.parser
import os
import re
import socket
import subprocess
import time

import nbformat
import pytest
from hostile.attacks import ATTACKS
from hostile.making import CANARY, MARK, ROOT, STEM, file, right
from nbconvert.exporters import HTMLExporter
from needs import missing

import sandbox
from classroom import one, page, pool

# seconds for one cell; a busy machine must not make it the limit of an honest one
TIMEOUT = 8
HONEST = ["the first honest one", "an honest one in the middle", "the last honest one"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with canaries: files that hold a text which nothing that was graded may hold."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "grading").mkdir()
    for name in ("exercises", "solutions"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "nbgrader_config.py").write_text(
        f"load_subconfig({str(ROOT / 'nbgrader_config.py')!r})\nc = get_config()\n"
        f"c.CourseDirectory.root = {str(folder)!r}\nc.Execute.timeout = {TIMEOUT}\n"
        f"c.CourseDirectory.db_url = 'sqlite:///{folder}/grading/gradebook.db'\n"
    )
    for name in ("gradebook.db", "grading/gradebook.db", "canary"):
        (folder / name).write_text(CANARY)
    return folder


def chosen(config):
    return [name for name, attack in ATTACKS.items() if config.getoption("--hostile") or not attack.is_slow]


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", chosen(metafunc.config))


@pytest.fixture(scope="module")
def batch(course, request, tmp_path_factory):
    """name -> result of everybody, and what was left afterwards."""
    if sandbox.unusable():
        missing("a sandbox", sandbox.unusable(), system="linux")
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0canary{listening.getsockname()[1]}")
    abstract.listen()
    abstract.settimeout(0)
    canaries = [str(course / name) for name in ("gradebook.db", "grading/gradebook.db", "canary", "grading/secret")]
    attackers = chosen(request.config)
    half = len(attackers) // 2
    names = [HONEST[0], *attackers[:half], HONEST[1], *attackers[half:], HONEST[2]]
    jobs = []
    for name in names:
        data = ATTACKS[name].data if name in ATTACKS else file(right())
        for word, value in {b"CANARIES": canaries, b"PORT": listening.getsockname()[1]}.items():
            data = data.replace(word, str(value).encode())
        text = data.decode("utf-8-sig")
        jobs.append({"root": str(course), "exercise": STEM, "student": name, "data": text})
    environment = {"GRADERS_PASSWORD": CANARY, "COURSE_SANDBOX": "bwrap", "PYTHONPATH": ""}
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "course_utils").rglob("*.py")}
    with pytest.MonkeyPatch.context() as patch, open(tmp_path_factory.mktemp("log") / "log", "w+") as log:
        for key, value in environment.items():
            patch.setenv(key, value)
        results = {job["student"]: result for job, result in pool.run("one.grade", jobs, 2, log)}
    reached = []
    for one_socket in (listening, abstract):
        try:
            reached.append(one_socket.accept())
        except OSError:
            pass
        one_socket.close()
    time.sleep(1)
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    left = [line for line in listing.splitlines() if f"class-{os.getpid()}-" in line or "sleep 98765" in line]
    now = {path: path.stat().st_mtime_ns for path in (ROOT / "course_utils").rglob("*.py") if path in before}
    spoilt = [path for path in before if now.get(path) != before[path]] + list(ROOT.glob("*/CANARY"))
    return results, {"reached": reached, "processes": left, "spoilt": spoilt}


def _points(result):
    return sum(got or 0 for _, got, _ in one.points(nbformat.reads(result["notebook"], as_version=4)))


def test_each_gets_what_it_deserves(batch, name):
    result, deserved = batch[0][name], ATTACKS[name].score
    if isinstance(deserved, str):
        assert deserved in result["fault"]
    else:
        assert "fault" not in result, result
        assert _points(result) == deserved, _said(result)


def _said(result):
    """What the cells of a submission said, for whoever reads that this test failed."""
    cells = nbformat.reads(result["notebook"], as_version=4).cells
    said = [out.get("evalue") or out.get("text") for cell in cells for out in cell.get("outputs", [])]
    return "\n".join(str(text)[:200] for text in said)


def test_honest_ones_get_theirs(batch):
    assert {name: _points(batch[0][name]) for name in HONEST} == dict.fromkeys(HONEST, 14.0)


def test_nothing_is_left_and_nothing_was_reached(batch):
    assert batch[1] == {"reached": [], "processes": [], "spoilt": []}


def test_canaries_live_and_nobody_read_them(batch, course):
    for name in ("gradebook.db", "grading/gradebook.db", "canary"):
        assert (course / name).read_text() == CANARY
    secret = (course / "grading" / "secret").read_text()
    for name, result in batch[0].items():
        assert CANARY not in str(result), name
        assert secret not in str(result), name


def test_nothing_opened_that_is_closed(batch):
    """What an attack should not get it says in a line that begins so."""
    for name, result in batch[0].items():
        for cell in nbformat.reads(result["notebook"], as_version=4).cells if "notebook" in result else []:
            for output in cell.get("outputs", []):
                found = re.search(r"^(OPENED|HELD).*", output.get("text", ""), re.MULTILINE)
                assert not found, (name, found[0])


class Live(html.parser.HTMLParser):
    """Collects where MARK stands in a page other than as text."""

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], None

    def handle_starttag(self, tag, attributes):
        self.inside = tag if tag in ("script", "style", "iframe", "object", "svg") else None
        self.found += [(tag, key, value) for key, value in attributes if MARK in str(value)]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside and MARK in data:
            self.found.append((self.inside, data))


def _live(text):
    reader = Live()
    reader.feed(text)
    return reader.found


def test_the_reader_of_pages_finds_what_is_live():
    assert len(_live(f"<p>{MARK}</p><script>{MARK}</script><a href='javascript:{MARK}'>x</a><i onclick={MARK}>")) == 3


def test_no_page_runs_anything(batch, course, request):
    """Neither ours nor, of those that try, nbgrader's own, which Formgrader shows much alike."""
    for name in chosen(request.config):
        result = batch[0][name]
        if "fault" in result:
            continue
        notebook = nbformat.reads(result["notebook"], as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.metadata.nbgrader.score = 0.0  # the gradebook's
        job = {"notebook": nbformat.writes(notebook), "exercise": STEM, "unread": [], "score": 0, "max_score": 18}
        made = page.write(job | {"late_penalty": 0, "student": name})
        assert "page" in made, (name, made)
        assert _live(made["page"]) == [], name
        assert "\x1b" not in made["page"], name
        made["page"].encode("utf-8")
        if MARK in result["notebook"]:
            text, _ = HTMLExporter(config=one.configured(str(course))).from_notebook_node(notebook)
            assert _live(text) == [], name
