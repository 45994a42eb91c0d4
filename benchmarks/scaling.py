"""Runs on one process, on all cores, and on two Ray nodes of which one is killed; and a parameter server.

    python benchmarks/scaling.py

It takes some minutes and needs a quiet machine. It writes scaling-cpu.json and .png beside this file, and the tables
of docs/scaling.md between their marks. ``--share 0.02`` tries it out on less of MNIST, and writes nothing.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TQDM_DISABLE", "1")

import loky
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_utils import asynchronous, cluster, cores, data, parameter_server, plots
from course_utils.network import Network
from course_utils.rules import adam, gradient_descent
from course_utils.sweep import sweep

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "scaling.md"
network = Network((128,))


def timed(mnist, **settings):
    """Seconds of the 24 runs, and what they gave."""
    began = time.perf_counter()
    result = sweep(adam, network, mnist, {"lr": [0.0003, 0.001, 0.003]}, seeds=range(8), epochs=1, **settings)
    return time.perf_counter() - began, result


def start_of_processes(mnist):
    """Seconds from nothing to processes that have the course's modules and MNIST."""
    began = time.perf_counter()
    left = list(cores.each(len, [(mnist,)] * loky.cpu_count(), seconds=1e3))
    assert len(left) == loky.cpu_count()
    return time.perf_counter() - began


def two_nodes():
    """Two Ray nodes of one core each on this machine, and an engine that kills the second half-way."""
    cluster.settings()
    import ray
    from ray.cluster_utils import Cluster

    began = time.perf_counter()
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = nodes.add_node(num_cpus=1)
    ray.init(nodes.address, log_to_driver=False, logging_level="ERROR")
    started, finished = time.perf_counter() - began, []

    def loses_one(job, chunks):
        for answer in cluster.on_ray(job, chunks):
            finished.append(answer[0])
            if len(finished) == len(chunks) // 2:
                nodes.remove_node(second, allow_graceful=False)
            yield answer

    return started, loses_one, lambda: (ray.shutdown(), nodes.shutdown())


def sweeps(mnist):
    """Three times the same 24 runs."""
    one, first = timed(mnist, engine="one")
    start = start_of_processes(mnist)
    many, second = timed(mnist, engine="cores")
    ray_start, engine, shut_down = two_nodes()
    try:
        ray_seconds, third = timed(mnist, engine=engine)
    finally:
        shut_down()
    equal = all(
        np.array_equal(first.losses, other.losses) and np.array_equal(first.accuracy, other.accuracy)
        for other in (second, third)
    )
    cores.stop()
    return {
        "one": one,
        "cores": many,
        "cores_start": start,
        "ray": ray_seconds,
        "ray_start": ray_start,
        "equal": equal,
        "processes": loky.cpu_count(),
    }


def break_even(mnist, shares):
    """The 24 runs on more and more data: seconds in turn, and on processes and on Ray when both are up already."""
    ray = cluster.start()
    start_of_processes(mnist)
    ways, rows = ("one", "cores", "ray"), []
    try:
        for share in shares:
            n = round(share * len(mnist.train_labels))
            part = mnist._replace(train_images=mnist.train_images[:n], train_labels=mnist.train_labels[:n])
            for engine in ways:
                timed(part, engine=engine)  # untimed: this part of the data gets to the processes
            rows.append({"images": n} | {engine: timed(part, engine=engine)[0] for engine in ways})
    finally:
        ray.shutdown()
        cores.stop()
    return rows


def servers(mnist, steps):
    """A parameter server with 1, 2 and 4 workers, who sleep 20 ms before a gradient on average, as slow machines do."""
    rows = []
    for workers in (1, 2, 4):
        for waits in (False, True) if workers > 1 else (False,):
            count = steps // workers if waits else steps
            settings = {"workers": workers, "steps": count, "batch_size": 64, "pause": 0.02, "waits": waits}
            run = parameter_server.train(gradient_descent, network, mnist, lr=0.05, **settings)
            gradients = count * (workers if waits else 1)
            simulated = np.arange(count) - asynchronous.versions_read(workers, count)
            rows.append(
                {
                    "workers": workers,
                    "waits": waits,
                    "staleness": float(run.staleness.mean()),
                    "spread": float(run.staleness.std()),
                    "simulated": 0.0 if waits else float(simulated.mean()),
                    "simulated_spread": 0.0 if waits else float(simulated.std()),
                    "gradients_per_second": gradients / float(run.seconds[-1]),
                    "accuracy": float(run.test_accuracy[-1]),
                }
            )
    return rows


def tables(measured):
    """The Markdown of both tables."""
    runs, lines = measured["sweeps"], ["| 24 runs | start (s) | seconds |", "| --- | --- | --- |"]
    lines.append(f"| in turn, one process | 0 | {runs['one']:.1f} |")
    lines.append(f"| {runs['processes']} processes (loky) | {runs['cores_start']:.1f} | {runs['cores']:.1f} |")
    lines.append(f"| two Ray nodes of one core, one killed half-way | {runs['ray_start']:.1f} | {runs['ray']:.1f} |")
    lines += ["", f"All three results equal, bit for bit: **{'yes' if runs['equal'] else 'NO'}**.", ""]
    lines.append("| workers | staleness, mean ± std | simulated | gradients a second | test accuracy |")
    lines.append("| --- | --- | --- | --- | --- |")
    for row in measured["servers"]:
        name = f"{row['workers']}, {'synchronous' if row['waits'] else 'asynchronous'}"
        late = f"{row['staleness']:.2f} ± {row['spread']:.2f} | {row['simulated']:.2f} ± {row['simulated_spread']:.2f}"
        lines.append(f"| {name} | {late} | {row['gradients_per_second']:.0f} | {row['accuracy']:.1%} |")
    lines += ["", "| images | one run (s) | 24 in turn | on processes | on Ray |", "| --- | --- | --- | --- | --- |"]
    for row in measured["break_even"]:
        ways = " | ".join(f"{row[name]:.1f}" for name in ("one", "cores", "ray"))
        lines.append(f"| {row['images']:,} | {row['one'] / 24:.2f} | {ways} |")
    machine = measured["machine"]
    lines += ["", f"Measured on {machine['cores']} cores ({machine['cpu']}), torch {machine['torch']}."]
    return "\n".join(lines)


def picture(rows, start, file):
    """What 24 runs cost on processes and on Ray, beside in turn, as one run grows."""
    plt.style.use(plots.STYLE)
    fig, ax = plt.subplots(figsize=(9, 4.5))
    one = np.array([row["one"] for row in rows])
    for name, label, colour, marker in (
        ("cores", "processes that are up", "#0072B2", "o"),
        ("ray", "Ray, up", "#D55E00", "s"),
    ):
        ax.loglog(one / 24, one / [row[name] for row in rows], marker=marker, color=colour, label=label)
    with_start = one / (start + np.array([row["cores"] for row in rows]))
    ax.loglog(one / 24, with_start, "--", marker="o", color="#0072B2", label="processes, their start counted")
    ax.axhline(1, color="black", lw=1)
    ax.text(one[-1] / 24, 1.05, "as fast as in turn", ha="right", fontsize=12)
    ax.set(xlabel="seconds of one run", ylabel="24 runs: times faster")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.legend()
    fig.savefig(file, dpi=100)


def main():
    parser = argparse.ArgumentParser(description="24 runs on one process, all cores, Ray; and a parameter server.")
    parser.add_argument("--share", type=float, default=1.0, help="of MNIST and of the server's 1,500 steps, in (0, 1]")
    share = parser.parse_args().share
    mnist = data.mnist("cpu", share=share)
    cpu = platform.processor() or platform.machine()
    machine = {"cores": loky.cpu_count(), "cpu": cpu, "torch": torch.__version__, "python": sys.version.split()[0]}
    machine["load"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    measured = {"machine": machine, "sweeps": sweeps(mnist), "servers": servers(mnist, round(1500 * share))}
    measured["break_even"] = break_even(mnist, [share * part for part in (0.003, 0.01, 0.03, 0.1, 0.3, 1)])
    print(tables(measured))
    if share < 1:
        return
    picture(measured["break_even"], measured["sweeps"]["cores_start"], HERE / "scaling-cpu.png")
    (HERE / "scaling-cpu.json").write_text(json.dumps(measured, indent=1) + "\n")
    text = DOCUMENT.read_text()
    begin, end = "<!-- measured: written by benchmarks/scaling.py -->\n", "\n<!-- end of what was measured -->"
    head, tail = text.split(begin)[0], text.split(end)[1]
    DOCUMENT.write_text(head + begin + "\n" + tables(measured) + "\n" + end + tail)


if __name__ == "__main__":
    main()
