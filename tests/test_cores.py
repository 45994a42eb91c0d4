"""Runs on all cores: the same numbers as on one, whatever dies, fails or is interrupted."""

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import cores, data, descent, rules
from course_utils.network import Network
from course_utils.sweep import sweep

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes as Unix does")


@pytest.fixture(scope="module", autouse=True)
def two_processes():
    """Two processes for the whole file, however many cores there are, and none afterwards."""
    patch = pytest.MonkeyPatch()
    patch.setattr(cores, "count", lambda: 2)
    patch.setattr(cores, "START", 0.0)
    yield
    cores.stop()
    patch.undo()


def spread(function, calls):
    """As starmap, but with processes from the first call on."""
    return [result for _, result in sorted(cores.each(function, calls, seconds=1e3))]


def test_a_function_of_a_notebook_s_cell_gives_the_same_in_another_process():
    factor = 3.0
    here = os.getpid()
    results = spread(lambda x: (factor * x, os.getpid() != here), [(k,) for k in range(6)])
    assert results == [(3.0 * k, True) for k in range(6)]


def test_a_sweep_is_the_same_bit_for_bit_on_one_core_and_on_two():
    few = data.mnist("cpu", share=0.005)
    arguments = (rules.adam, Network((16,)), few, {"lr": [0.001, 0.01, 30.0]})
    one, two = (sweep(*arguments, seeds=(0, 1), epochs=2, engine=engine) for engine in ("one", "cores"))
    np.testing.assert_array_equal(one.losses, two.losses)
    np.testing.assert_array_equal(one.accuracy, two.accuracy)
    assert two.done.all()


def test_a_large_tensor_is_shared_and_not_copied():
    large = torch.arange(2.0**19)  # 2 MB
    total, is_mapped = spread(
        lambda x: (float(x.sum()), "course-" in Path("/proc/self/maps").read_text()), [(large,)] * 2
    )[0]
    assert total == float(large.sum())
    assert is_mapped or not Path("/proc").is_dir()


def test_a_process_that_is_killed_costs_its_call_which_is_done_again(tmp_path):
    def call(k):
        mark = tmp_path / str(k)
        if k == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return k * k

    with pytest.warns(UserWarning, match="a process died while it did call 2: that one is done again"):
        assert spread(call, [(k,) for k in range(5)]) == [0, 1, 4, 9, 16]


def test_a_call_that_always_dies_ends_with_a_clear_error():
    def call(k):
        if k == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return k

    with (
        pytest.warns(UserWarning, match="done again"),
        pytest.raises(RuntimeError, match="call 1 lost its process three times"),
    ):
        spread(call, [(k,) for k in range(3)])


def test_an_error_is_raised_here_and_stops_the_others():
    def call(k):
        if k == 0:
            raise ValueError("no such surface")
        time.sleep(60)

    began = time.monotonic()
    with pytest.raises(ValueError, match="no such surface"):
        spread(call, [(0,), (1,)])
    assert time.monotonic() - began < 30


def test_interrupted_a_sweep_keeps_what_is_done_and_leaves_no_process(monkeypatch):
    class Bar(contextlib.nullcontext):
        """Stop is pressed when it moves for the first time: as soon as a run is done, and in the sweep's own code."""

        def __enter__(self):
            return self

        def update(self, _):
            signal.raise_signal(signal.SIGINT)

    few = data.mnist("cpu", share=0.005)
    monkeypatch.setattr(descent, "progress", lambda **_: Bar())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.warns(UserWarning, match="interrupted: .* runs are done"):
            result = sweep(
                rules.adam, Network((64,)), few, {"lr": [0.001]}, seeds=range(2000), epochs=20, engine="cores"
            )
    finally:
        signal.signal(signal.SIGINT, before)
    assert 0 < result.done.sum() < 2000
    assert np.isfinite(result.accuracy[result.done]).all()
    assert cores._pools == []
