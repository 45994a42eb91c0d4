"""Seconds for an epoch of MNIST, 784-256-256-10, batches of 128, Adam: the usual loop, two in memory, and ours.

All loops run in one process, in turns, on one device. Every timed run is a whole epoch from the same start over the
same batches, so their losses must agree. Only the steps are timed: no evaluation, no building of networks.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

# Before torch: threads that wait spin for a moment, then sleep. Sleeping at once (PASSIVE) costs every small operation
# a wake-up; spinning on (the default) makes a run on a busy machine many times slower.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from course_utils import data, descent, rules
from course_utils.network import Network

BATCH_SIZE, LR = 128, 0.001
NETWORK = Network((256, 256))


def sequential(start, device, network=NETWORK):
    """The network as the usual loop writes it, with the weights of ``start``."""
    layers = [torch.nn.Flatten()]
    for W, b in network.layers(start):
        layer = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            layer.weight.copy_(W.T)
            layer.bias.copy_(b)
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(device)


def epoch(batches, model, optimizer):
    """The usual steps over pairs of images and labels: the loss of each, and the seconds of all."""
    began = time.perf_counter()
    losses = []
    for images, labels in batches:
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    losses = torch.stack(losses).cpu().numpy()  # waits for the device
    return losses, time.perf_counter() - began


def usual(start, device, order, workers):
    """DataLoader over torchvision's MNIST: every image goes through PIL, ToTensor and Normalize."""
    standardise = transforms.Compose([transforms.ToTensor(), transforms.Normalize((data.MEAN,), (data.STD,))])
    dataset = MNIST(str(data.ROOT), train=True, transform=standardise)
    loader = DataLoader(dataset, BATCH_SIZE, sampler=order.tolist(), num_workers=workers)
    model = sequential(start, device)
    batches = ((images.to(device), labels.to(device)) for images, labels in loader)
    return epoch(batches, model, torch.optim.Adam(model.parameters(), lr=LR))


def in_memory(start, mnist, order, network=NETWORK, batch_size=BATCH_SIZE, compiled=False, **options):
    """The same steps on tensors that are already on the device."""
    images, labels = mnist.train_images, mnist.train_labels
    model = sequential(start, images.device, network)
    batches = ((images[batch], labels[batch]) for batch in order.to(images.device).split(batch_size))
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, **options)
    return epoch(batches, torch.compile(model) if compiled else model, optimizer)


def ours(start, mnist, network=NETWORK, batch_size=BATCH_SIZE):
    """The course's loop with the course's rule."""
    start = start.to(mnist.train_images.device)
    history = descent.train(rules.adam, network, mnist, epochs=1, batch_size=batch_size, lr=LR, start=start, seed=0)
    return history.losses, history.seconds[0]


def processor():
    """The name of the processor, as Linux gives it, else what Python knows."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def machine(device):
    return f"{processor()}, {os.cpu_count()} logical processors; run on {descent.describe(device)}"


def threads():
    """How many threads torch uses on the CPU, and how they wait for each other."""
    waiting = [f"{name}={os.environ[name]}" for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT") if name in os.environ]
    return f"{torch.get_num_threads()} threads, {', '.join(waiting)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each loop (default 5)")
    parser.add_argument("--usual-repeats", type=int, default=2, help="runs of the slow usual loop (default 2)")
    parser.add_argument("--workers", type=int, default=0, help="worker processes of the DataLoader (default 0)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the training images in (0, 1] (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the table")
    given = parser.parse_args()
    if min(given.repeats, given.usual_repeats) < 1:
        parser.error("--repeats and --usual-repeats must be at least 1")

    device = descent.device()
    mnist = data.mnist(device, share=given.share)
    start = NETWORK.initial(0)
    order = torch.randperm(len(mnist.train_labels), generator=torch.Generator().manual_seed(0))  # as train draws it
    loops = {
        "usual": lambda: usual(start, device, order, given.workers),
        "in memory": lambda: in_memory(start, mnist, order),
        "in memory, fused": lambda: in_memory(start, mnist, order, fused=True),
        "ours": lambda: ours(start, mnist),
    }
    in_memory(start, mnist, order)  # not timed: libraries load, memory is claimed
    ours(start, mnist)  # nor this: the rule is compiled, if it is to be
    runs = {name: [] for name in loops}
    for turn in range(max(given.repeats, given.usual_repeats)):
        for name, loop in loops.items():
            if turn < (given.usual_repeats if name == "usual" else given.repeats):
                losses, seconds = loop()
                runs[name].append((seconds, float(np.mean(losses[-(len(losses) // 4 + 1) :]))))  # the last quarter

    about = {"machine": machine(device), "torch": torch.__version__, "threads": threads()}
    table = {**about, "images": len(order), "loops": {}}
    print(f"{'; '.join(about.values())}; {len(order):,} images; {given.workers} workers")
    print(f"{'one epoch':<18}{'median s':>10}{'fastest':>10}{'slowest':>10}{'runs':>6}{'final loss':>12}")
    for name, results in runs.items():
        seconds, (*_, loss) = zip(*results, strict=True)
        median, fastest, slowest = float(np.median(seconds)), min(seconds), max(seconds)
        table["loops"][name] = dict(median=median, fastest=fastest, slowest=slowest, runs=len(seconds), loss=loss)
        print(f"{name:<18}{median:>10.3f}{fastest:>10.3f}{slowest:>10.3f}{len(seconds):>6}{loss:>12.4f}")
    for one, other in (("usual", "ours"), ("ours", "in memory")):
        table[f"{one} / {other}"] = table["loops"][one]["median"] / table["loops"][other]["median"]
        print(f"{one} / {other}: {table[f'{one} / {other}']:.2f}")
    final = [row["loss"] for row in table["loops"].values()]
    table["same training"] = max(final) < 1.1 * min(final)
    if not table["same training"]:
        print("The final losses lie more than a tenth apart: these loops did not do the same work.")
    if given.json:
        given.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
