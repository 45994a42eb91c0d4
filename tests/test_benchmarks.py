"""The benchmark runs, really trains, and says what it measured. How fast is not a test's business: machines are busy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "train_speed.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"COURSE_DEVICE": "cpu"},
        timeout=120,
    )


@pytest.mark.parametrize("workers", ["0", "1"])
def test_train_speed_on_a_small_share(tmp_path, workers):
    file = tmp_path / "table.json"
    arguments = ["--share", "0.02", "--repeats", "2", "--usual-repeats", "1", "--workers", workers, "--json", str(file)]
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    table = json.loads(file.read_text())
    assert table["examples"] == 1200
    assert "OMP_WAIT_POLICY=" in table["threads"]
    assert "CPU" in table["machine"]
    assert table["torch"] in done.stdout
    loops = table["loops"]
    assert list(loops) == ["usual", "in memory", "in memory, fused", "ours"]
    assert [row["runs"] for row in loops.values()] == [1, 2, 2, 2]
    for name, row in loops.items():
        assert 0 < row["fastest"] <= row["seconds"] <= row["slowest"]
        assert name in done.stdout
    assert table["usual / ours"] == pytest.approx(loops["usual"]["seconds"] / loops["ours"]["seconds"])
    assert table["ours / in memory"] == pytest.approx(loops["ours"]["seconds"] / loops["in memory"]["seconds"])
    assert f"usual / ours: {table['usual / ours']:.1f}" in done.stdout
    # four loops, one training: from the same start, and three of them over the same batches
    assert table["trained"]
    assert loops["ours"]["first_loss"] == pytest.approx(loops["in memory"]["first_loss"], rel=1e-4)
    assert loops["ours"]["final_loss"] == pytest.approx(loops["in memory"]["final_loss"], rel=1e-3)


@pytest.mark.parametrize("arguments", [("--repeats", "0"), ("--usual-repeats", "-1"), ("--repeats", "many")])
def test_bad_options_are_named(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
