"""How fast is training, against what, and how near to what the machine can do at all? Prints and saves one table.

Four parts: an epoch of the talk's network with several loops; the floor, from the machine's own measured rates; how the
cost of a step grows with the batch and with the width; the rule's step alone. Loops that are compared run in turns in
one process, and medians are taken.
"""

import argparse
import json
import os
import statistics
import time
from functools import partial
from itertools import repeat
from pathlib import Path

# first, for it sets how threads wait before torch is loaded
import train_speed  # isort: skip

import matplotlib.pyplot as plt
import torch
from matplotlib import ticker

from course_utils import data, descent, fast, plots, rules, schedules
from course_utils.fast.graph import Graphs
from course_utils.network import Network

HERE = Path(__file__).parent
NETWORK, BATCH_SIZE, LR = train_speed.NETWORK, train_speed.BATCH_SIZE, train_speed.LR
SCHEDULED_LR = 0.003  # where the rate falls to 0 along half a cosine


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(function, device, repeats):
    """Median seconds of a call; the first call is not timed."""
    times = []
    for _ in range(repeats + 1):
        wait(device)
        began = time.perf_counter()
        function()
        wait(device)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def epochs_table(mnist, device, repeats, usual_repeats):
    """Seconds of an epoch, of every loop; the usual one runs fewer times, for it is slow."""
    start = NETWORK.initial(0)
    order = torch.randperm(len(mnist.train_labels), generator=torch.Generator().manual_seed(0))
    in_memory = partial(train_speed.in_memory, start, mnist, order)
    loops = {
        "usual, no workers": partial(train_speed.usual, start, device, order, 0),
        "usual, 2 workers": partial(train_speed.usual, start, device, order, 2),
        "in memory": in_memory,
        "in memory, foreach": partial(in_memory, foreach=True),
        "in memory, fused": partial(in_memory, fused=True),
        "ours": partial(train_speed.ours, start, mnist),
    }
    if device.type == "cuda":
        loops["in memory, fused, compiled"] = partial(in_memory, fused=True, compiled=True)
    for name, loop in loops.items():
        if not name.startswith("usual"):
            loop()  # libraries load, memory is claimed, graphs are recorded
    times = {name: [] for name in loops}
    for turn in range(max(repeats, usual_repeats)):
        for name, loop in loops.items():
            if turn < (usual_repeats if name.startswith("usual") else repeats):
                times[name].append(loop()[1])
    return {name: {"seconds": statistics.median(t), "runs": sorted(t)} for name, t in times.items()}


def epochs_to(accuracy, mnist, most=6):
    """How many epochs our loop needs to the test accuracy, with a cosine schedule; None if ``most`` are not enough."""
    for epochs in range(1, most + 1):
        schedule = schedules.cosine(epochs * -(-len(mnist.train_labels) // BATCH_SIZE))
        run = descent.train(
            rules.adam, NETWORK, mnist, epochs=epochs, batch_size=BATCH_SIZE, lr=SCHEDULED_LR, schedule=schedule
        )
        if run.test_accuracy[-1] >= accuracy:
            return epochs
    return None


def machine_rates(device, repeats=5):
    """What the machine can do: FLOP/s of a large product, bytes/s of a large copy, seconds to start one kernel."""
    size = 8192 if device.type == "cuda" else 2048
    a, b, c = (torch.randn(size, size, device=device) for _ in range(3))
    flops = 2 * size**3 / seconds_of(lambda: torch.mm(a, b, out=c), device, repeats)
    source = torch.empty(2**28 if device.type == "cuda" else 2**26, dtype=torch.uint8, device=device).fill_(1)
    target = torch.empty_like(source)
    bandwidth = 2 * len(source) / seconds_of(lambda: target.copy_(source), device, repeats)
    rates = {"flops": flops, "bytes": bandwidth}
    if device.type == "cuda":
        tiny = torch.zeros(1, device=device)
        replay = Graphs(device).record(lambda: [tiny.add_(1) for _ in range(1000)])
        rates["kernel"] = seconds_of(replay, device, repeats) / 1000
    return rates


def floor(network, batch_size, rates):
    """Seconds that a step takes at the least, at those rates, if nothing overlaps: a sum of two or three parts.

    FLOPs: two for each weight and example forward, as many for the weights' gradient, and as many for the inputs',
    which the first layer does not need. Bytes: Adam reads x, g, m, v and writes x, m, v; the gradient is written once.
    Kernels (on a GPU): three a layer forward, four back, five for loss and rule.
    """
    weights = [a * b for a, b in zip(network.sizes[:-1], network.sizes[1:], strict=True)]
    parts = {
        "flops": (6 * sum(weights) - 2 * weights[0]) * batch_size / rates["flops"],
        "bytes": 8 * 4 * network.n / rates["bytes"],
    }
    if "kernel" in rates:
        parts["kernels"] = (7 * len(weights) + 5) * rates["kernel"]
    return parts


def growth(mnist, device, cases, steps):
    """Milliseconds of a step, for each (batch size, width) of two hidden layers: in memory, fused, and ours."""
    rows = []
    for batch_size, width in cases:
        network = Network((width, width))
        used = slice(steps * batch_size)
        share = mnist._replace(train_images=mnist.train_images[used], train_labels=mnist.train_labels[used])
        start, order = network.initial(0), torch.arange(len(share.train_labels))
        in_memory = partial(train_speed.in_memory, start, share, order, network=network, batch_size=batch_size)
        loops = {
            "in memory": in_memory,
            "in memory, fused": partial(in_memory, fused=True),
            "ours": partial(train_speed.ours, start, share, network=network, batch_size=batch_size),
        }
        done = -(-len(order) // batch_size)
        row = {"batch_size": batch_size, "width": width, "parameters": network.n}
        times = {name: [] for name in loops}
        for _ in range(4):
            for name, loop in loops.items():
                times[name].append(1e3 * loop()[1] / done)
        rows.append(row | {name: statistics.median(t[1:]) for name, t in times.items()})
    return rows


def rule_steps(device, n=1_000_000):
    """Microseconds of Adam's step for a million parameters: fused by torch, in the plain loop, and in ours."""
    x, g = torch.randn(n, device=device), torch.randn(n, device=device)
    parameter = torch.nn.Parameter(x.clone())
    parameter.grad = g
    fused = torch.optim.Adam([parameter], fused=True)
    times = {"torch.optim, fused": seconds_of(fused.step, device, 30)}
    ours = fast.loop(rules.adam, device, fast.WORTH_COMPILING, plain=descent.iterate)
    for name, loop in {"rules.adam": descent.iterate, "rules.adam, in the loop we use": ours}.items():
        steps = loop(rules.adam, lambda x: g, x.clone(), repeat(()), lr=LR)
        for _ in range(3):  # compiles and records
            next(steps)
        times[name] = seconds_of(partial(next, steps), device, 30)
    return {name: 1e6 * seconds for name, seconds in times.items()}


def picture(table, file):
    """The epoch of each loop beside the floor, and how a step's cost grows."""
    plt.style.use(plots.STYLE)
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 5))
    names = [*table["epoch"], "floor"]
    seconds = [row["seconds"] for row in table["epoch"].values()] + [table["floor"]["seconds an epoch"]]
    left.barh(names, seconds, color=["#0072B2" if name == "ours" else "#999999" for name in names])
    for y, value in enumerate(seconds):
        left.text(value, y, f" {value:.2g} s", va="center", fontsize=11)
    left.set(xscale="log", xlabel="seconds an epoch, logarithmic", xlim=(min(seconds) / 2, max(seconds) * 5))
    left.xaxis.set_major_formatter("{x:g}")
    left.invert_yaxis()
    for ax, key, fixed, label in (
        (middle, "batch_size", ("width", 256), "batch size, width 256"),
        (right, "width", ("batch_size", 128), "width, batch size 128"),
    ):
        rows = [row for row in table["growth"] if row[fixed[0]] == fixed[1]]
        for loop, line, colour in (("in memory", "--", "#999999"), ("in memory, fused", ":", "#000000"),
                                   ("ours", "-", "#0072B2")):  # fmt: skip
            ax.loglog([r[key] for r in rows], [r[loop] for r in rows], line, marker="o", color=colour, label=loop)
        ax.set(xlabel=label, ylabel="milliseconds a step")
        ax.set_xticks([r[key] for r in rows], [r[key] for r in rows], fontsize=10)
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
    middle.legend()
    fig.suptitle(f"{table['machine']}, torch {table['torch']}", fontsize=12)
    fig.savefig(file, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each loop (default 5)")
    parser.add_argument("--usual-repeats", type=int, default=2, help="runs of the slow usual loops (default 2)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the training images in (0, 1] (default 1)")
    parser.add_argument("--steps", type=int, default=20, help="steps for each point of the growth curves (default 20)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for bench-<device>.json and .png")
    given = parser.parse_args()

    device = descent.device()
    if device.type == "cpu" and fast.can_compile("cpu"):
        os.environ.setdefault("COURSE_COMPILE", "1")  # train would not, for so few steps; they stand for long runs
    mnist = data.mnist(device, share=given.share)
    examples = len(mnist.train_labels)
    table = {
        "machine": train_speed.machine(device),
        "torch": torch.__version__,
        "threads": train_speed.threads(),
        "TF32": torch.backends.cuda.matmul.allow_tf32,
        "images": examples,
    }
    print("; ".join(f"{value:,}" if name == "images" else f"{name} {value}" for name, value in table.items()))

    table["epoch"] = epochs_table(mnist, device, given.repeats, given.usual_repeats)
    rates = machine_rates(device)
    parts = floor(NETWORK, BATCH_SIZE, rates)
    steps = -(-examples // BATCH_SIZE)
    table["floor"] = {"rates": rates, "parts of a step": parts, "seconds an epoch": steps * sum(parts.values())}
    table["epochs to 98 %"] = epochs_to(0.98, mnist)
    ours = table["epoch"]["ours"]["seconds"]
    print(f"\n{'an epoch':<28}{'seconds':>10}{'/ ours':>9}{'/ floor':>9}{'s to 98 %':>11}")
    for name, row in (table["epoch"] | {"floor": {"seconds": table["floor"]["seconds an epoch"]}}).items():
        row["to 98 %"] = row["seconds"] * table["epochs to 98 %"] if table["epochs to 98 %"] else None
        to_98 = f"{row['to 98 %']:>11.2f}" if row["to 98 %"] else f"{'–':>11}"
        against_floor = row["seconds"] / table["floor"]["seconds an epoch"]
        print(f"{name:<28}{row['seconds']:>10.3f}{row['seconds'] / ours:>9.2f}{against_floor:>9.1f}{to_98}")
    print(
        f"98 % test accuracy after {table['epochs to 98 %']} epochs of ours, lr from {SCHEDULED_LR} along a cosine; "
        "the loops train alike, so for all of them"
    )
    print("the floor of a step: " + ", ".join(f"{1e3 * part:.3f} ms for {name}" for name, part in parts.items()))
    print("measured rates: " + ", ".join(f"{name} {rate:.3g}" for name, rate in rates.items()))

    cases = [(batch_size, 256) for batch_size in (32, 128, 512, 2048, 4096)]
    cases += [(128, width) for width in (64, 512, 1024, 2048)]
    table["growth"] = sorted(growth(mnist, device, cases, given.steps), key=lambda r: (r["batch_size"], r["width"]))
    print(f"\n{'ms a step':<22}{'in memory':>12}{'fused':>10}{'ours':>10}")
    for r in table["growth"]:
        label = f"batch {r['batch_size']}, width {r['width']}"
        print(f"{label:<22}{r['in memory']:>12.3f}{r['in memory, fused']:>10.3f}{r['ours']:>10.3f}")

    table["rule, us for a million parameters"] = rule_steps(device)
    print("\nAdam's step for a million parameters:")
    for name, microseconds in table["rule, us for a million parameters"].items():
        print(f"{name:<36}{microseconds:>9.0f} us")

    stem = given.out / f"bench-{device.type}"
    stem.with_suffix(".json").write_text(json.dumps(table, indent=1) + "\n")
    picture(table, stem.with_suffix(".png"))
    print(f"\nsaved as {stem}.json and {stem}.png")


if __name__ == "__main__":
    main()
