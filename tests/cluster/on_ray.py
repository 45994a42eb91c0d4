"""What runs on Ray, on two nodes of this machine: sweeps and a parameter server, while processes and a node are killed.

One cluster serves all tests but the last; the node dies in the last but one. ../test_cluster.py runs this file.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from course_utils import cluster, data, parameter_server
from course_utils.network import Network
from course_utils.rules import adam, gradient_descent, momentum
from course_utils.sweep import sweep

small = Network((8,))


@pytest.fixture(scope="module")
def mnist():
    return data.mnist("cpu", share=0.02)


@pytest.fixture(scope="module")
def nodes():
    """Two nodes of one core each, and this process connected to the first."""
    cluster.settings()
    import ray
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.second = nodes.add_node(num_cpus=1)
    ray.init(nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()


def test_workers_and_the_server_are_killed_and_the_run_ends_as_it_should(nodes, mnist):
    killed = []

    def kill(look):
        if len(killed) < 2 and look["version"] > 300 * (1 + len(killed)):
            killed.append(look["workers"][1] if killed else look["server"])
            os.kill(killed[-1], signal.SIGKILL)

    # small steps: at staleness 2, which a busy machine brings about, beta = 0.9 and lr = 0.01 would hardly learn
    run = parameter_server.train(
        momentum, small, mnist, workers=2, steps=3000, batch_size=16, watch=kill, save_every=50, lr=0.002, beta=0.5
    )
    assert len(killed) == 2
    assert (run.server_deaths, run.worker_deaths) == (1, 1)
    assert len(run.read) == 3000
    assert (run.staleness >= 0).all()
    assert (np.diff(run.seconds) >= 0).all()
    assert set(run.workers) == {0, 1}
    assert 0 < run.staleness.mean() < 5
    assert run.versions[-1] == 3000
    assert run.test_accuracy[-1] > 0.6  # a tenth is chance


def test_those_who_wait_are_never_late(nodes, mnist):
    run = parameter_server.train(gradient_descent, small, mnist, workers=2, steps=30, waits=True, lr=0.1)
    np.testing.assert_array_equal(run.read, np.arange(30))
    assert set(run.workers) == {-1}
    assert (run.server_deaths, run.worker_deaths) == (0, 0)


def test_a_run_s_own_error_arrives_and_ends_the_others(nodes, mnist):
    import ray

    def broken(g, state=(), *, lr=0.01):
        if lr > 0.15:
            time.sleep(600)
        raise KeyError("the rule's own mistake")

    with pytest.raises(KeyError, match="the rule's own mistake"):
        sweep(broken, small, mnist, {"lr": [0.1, 0.2]}, seeds=[0], epochs=1, engine="ray")
    until = time.monotonic() + 30
    while ray.available_resources().get("CPU", 0) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert ray.available_resources()["CPU"] == 2


def test_settings_may_name_data_of_their_own(nodes, mnist):
    half = mnist._replace(train_images=mnist.train_images[:600], train_labels=mnist.train_labels[:600])
    arguments = (adam, small, None, [{"lr": 0.01, "data": mnist}, {"lr": 0.01, "data": half, "epochs": 2}])
    one, other = (sweep(*arguments, seeds=[0], epochs=1, engine=engine) for engine in ("one", "ray"))
    np.testing.assert_array_equal(one.losses, other.losses)
    assert other.done.all()


def test_a_sweep_loses_a_node_and_gives_the_same_numbers_bit_for_bit(nodes, mnist):
    arguments = (adam, small, mnist, {"lr": [0.001, 0.01, 0.1]})
    settings = {"seeds": range(8), "epochs": 2}
    finished = []

    def loses_a_node(job, chunks):
        for answer in cluster.on_ray(job, chunks):
            finished.append(answer[0])
            if len(finished) == 8:
                nodes.remove_node(nodes.second, allow_graceful=False)
            yield answer

    one = sweep(*arguments, **settings, engine="one")
    other = sweep(*arguments, **settings, engine=loses_a_node)
    assert sorted(finished) == list(range(24))
    assert other.done.all()
    np.testing.assert_array_equal(one.accuracy, other.accuracy)
    np.testing.assert_array_equal(one.losses, other.losses)


ALONE = """
import sys, time
from course_utils import cluster
ray = cluster.start()
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_started_here_it_listens_on_this_machine_only_and_dies_with_its_process():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    with subprocess.Popen([sys.executable, "-c", ALONE], stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout.readline() == b"up\n"
            family = {process.pid} | descendants(process.pid)
            assert any("raylet" in command(pid) for pid in family)
            addresses = listens_on(family)
            assert addresses
            assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
        finally:
            process.kill()  # no time to clean up
    until = time.monotonic() + 20
    while remain(family) and time.monotonic() < until:
        time.sleep(0.2)
    assert remain(family) == []


def remain(pids):
    """The command lines of those that run. Ray's two agents are left out: they look for the head a minute more."""
    commands = [command(pid) for pid in pids]
    return [line for line in commands if line and not re.match("ray::(Dashboard|RuntimeEnv)Agent", line)]


def command(pid):
    """The command line of a process; empty if there is none, or if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(pid):
    """The process ids of all children of a process, and of theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    found, frontier = set(), {pid}
    while frontier := {child for child, parent in parents.items() if parent in frontier} - found:
        found |= frontier
    return found


def listens_on(pids):
    """The addresses at which these processes accept TCP connections."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(descriptor))
            except FileNotFoundError:
                continue
    addresses = set()
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in sockets:  # 0A: listening
                words = bytes.fromhex(local.split(":")[0])
                swapped = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))  # as this CPU has them
                addresses.add(socket.inet_ntop(family, swapped))
    return addresses
