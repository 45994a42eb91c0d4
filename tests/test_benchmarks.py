"""The benchmark runs, really trains, and says what it measured. How fast is not a test's business: machines differ."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def run(*arguments, script="train_speed.py"):
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    environment = os.environ | {"COURSE_DEVICE": "cpu"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def test_train_speed_on_a_small_share(tmp_path):
    file = tmp_path / "table.json"
    done = run("--share=0.02", "--repeats=2", "--usual-repeats=1", "--workers=1", f"--json={file}")
    assert done.returncode == 0, done.stderr
    table = json.loads(file.read_text())
    assert table["images"] == 1200
    assert "run on CPU" in table["machine"]
    assert "OMP_WAIT_POLICY=" in table["threads"]
    loops = table["loops"]
    assert [(name, row["runs"]) for name, row in loops.items()] == [
        ("usual", 1),
        ("in memory", 2),
        ("in memory, fused", 2),
        ("ours", 2),
    ]
    for name, row in loops.items():
        assert 0 < row["fastest"] <= row["median"] <= row["slowest"]
        assert 0.3 < row["loss"] < 1.5  # a network that learns nothing stays above ln 10 = 2.3
        assert row["loss"] == pytest.approx(loops["ours"]["loss"], rel=1e-3)  # same start, same batches
        assert f"{name:<18}{row['median']:>10.3f}" in done.stdout
    assert table["same training"]
    for one, other in (("usual", "ours"), ("ours", "in memory")):
        assert table[f"{one} / {other}"] == pytest.approx(loops[one]["median"] / loops[other]["median"])
        assert f"{one} / {other}: " in done.stdout


def test_bad_option_is_named():
    done = run("--repeats=0")
    assert done.returncode == 2
    assert "--repeats and --usual-repeats must be at least 1" in done.stderr


def test_bench_on_a_small_share(tmp_path):
    small = ("--share=0.005", "--repeats=1", "--usual-repeats=1", "--steps=1", f"--out={tmp_path}")
    done = run(*small, script="bench.py")
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "bench-cpu.json").read_text())
    assert list(table["epoch"]) == [
        "usual, no workers",
        "usual, 2 workers",
        "in memory",
        "in memory, foreach",
        "in memory, fused",
        "ours",
    ]
    assert all(row["seconds"] > 0 for row in table["epoch"].values())
    # 784-256-256-10 has 268,800 weights: 6 FLOPs for each and example, 4 for those of the first layer
    flops = (6 * 268_800 - 2 * 784 * 256) * 128
    rate = table["floor"]["rates"]["flops"]
    assert table["floor"]["parts of a step"]["flops"] == pytest.approx(flops / rate)
    assert table["floor"]["seconds an epoch"] == pytest.approx(3 * sum(table["floor"]["parts of a step"].values()))
    assert {row["batch_size"] for row in table["growth"]} == {32, 128, 512, 2048, 4096}
    assert {row["width"] for row in table["growth"]} == {64, 256, 512, 1024, 2048}
    assert len(table["rule, us for a million parameters"]) == 3
    assert (tmp_path / "bench-cpu.png").stat().st_size > 10_000
