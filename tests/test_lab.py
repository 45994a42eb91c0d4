"""make lab, for real: a server on this machine that opens on the map."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from making import answering, free_port

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


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
        yield answering(process, log, r"(http://127\.0\.0\.1:\d+)(/\S*)\?token=(\w+)", 60)
    finally:
        stop(process)


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
