"""Seconds for an epoch of MNIST, 784-256-256-10, batches of 128, Adam: the usual loop, two in memory, and ours.

All loops run in one process, in turns, on one device. Every timed run is a whole epoch from the same start, so its
losses say whether it really trained. Only the steps are timed: no evaluation, no building of networks.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads sleep, they do not spin: must come before torch
os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from course_utils import data, descent, rules
from course_utils.network import Network

BATCH_SIZE, LR = 128, 0.001
NETWORK = Network((256, 256))


def sequential(start, device):
    """The network as the usual loop writes it, with the weights of ``start``."""
    layers = [torch.nn.Linear(784, 256), torch.nn.Linear(256, 256), torch.nn.Linear(256, 10)]
    with torch.no_grad():
        for layer, (W, b) in zip(layers, NETWORK.layers(start), strict=True):
            layer.weight.copy_(W.T)
            layer.bias.copy_(b)
    first, second, last = layers
    relu = torch.nn.ReLU()
    return torch.nn.Sequential(torch.nn.Flatten(), first, relu, second, relu, last).to(device)


def epoch_of(batches, model, optimizer):
    """The usual epoch over pairs of images and labels: the loss of each step, and the seconds."""
    losses = []
    began = time.perf_counter()
    for images, labels in batches:
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    losses = torch.stack(losses).cpu().numpy()  # waits for the device
    return losses, time.perf_counter() - began


def usual(start, device, examples, workers):
    """DataLoader over torchvision's MNIST; every image goes through PIL, ToTensor and Normalize."""
    standardise = transforms.Compose([transforms.ToTensor(), transforms.Normalize((data.MEAN,), (data.STD,))])
    dataset = Subset(MNIST(str(data.ROOT), train=True, transform=standardise), range(examples))
    loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, num_workers=workers)
    model = sequential(start, device)
    batches = ((images.to(device), labels.to(device)) for images, labels in loader)
    return epoch_of(batches, model, torch.optim.Adam(model.parameters(), lr=LR))


def in_memory(start, mnist, **options):
    """The same steps on tensors that are already there, in the order in which ours takes them."""
    images, labels = mnist.train_images, mnist.train_labels
    model = sequential(start, images.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, **options)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).to(images.device)
    return epoch_of(((images[i], labels[i]) for i in order.split(BATCH_SIZE)), model, optimizer)


def ours(start, mnist):
    """course_utils.descent.train with the rule of chapter 09."""
    start = start.to(mnist.train_images.device)
    history = descent.train(rules.adam, NETWORK, mnist, epochs=1, batch_size=BATCH_SIZE, lr=LR, start=start, seed=0)
    return history.losses, history.seconds[0]


def measure(loops, repeats):
    """Run every loop in turn, ``repeats[name]`` times: a row of numbers for each."""
    runs = {name: [] for name in loops}
    for turn in range(max(repeats.values())):
        for name, loop in loops.items():
            if turn < repeats[name]:
                runs[name].append(loop())
    rows = {}
    for name, results in runs.items():
        seconds = [took for _, took in results]
        losses = results[-1][0]
        rows[name] = {"seconds": float(np.median(seconds)), "fastest": min(seconds), "slowest": max(seconds)}
        rows[name] |= {"runs": len(seconds), "first_loss": float(losses[0])}
        rows[name] |= {"final_loss": float(np.mean(losses[-(len(losses) + 3) // 4 :]))}  # the epoch's last quarter
    return rows


def processor():
    """The name of the processor, as Linux gives it, else what Python knows."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each loop (default 5)")
    parser.add_argument("--usual-repeats", type=int, default=2, help="runs of the slow usual loop (default 2)")
    parser.add_argument("--workers", type=int, default=0, help="worker processes of the DataLoader (default 0)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the training images in (0, 1] (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the table")
    options = parser.parse_args()
    if min(options.repeats, options.usual_repeats) < 1:
        parser.error("--repeats and --usual-repeats must be at least 1")

    device = descent.device()
    mnist = data.mnist(device, share=options.share)
    examples, start = len(mnist.train_labels), NETWORK.initial(0)
    loops = {
        "usual": lambda: usual(start, device, examples, options.workers),
        "in memory": lambda: in_memory(start, mnist),
        "in memory, fused": lambda: in_memory(start, mnist, fused=True),
        "ours": lambda: ours(start, mnist),
    }
    in_memory(start, mnist)  # unmeasured: libraries load, memory is claimed
    rows = measure(loops, {name: options.usual_repeats if name == "usual" else options.repeats for name in loops})
    usual_ours = rows["usual"]["seconds"] / rows["ours"]["seconds"]
    ours_memory = rows["ours"]["seconds"] / rows["in memory"]["seconds"]
    final = [row["final_loss"] for row in rows.values()]
    trained = max(final) < 1.25 * min(final) and all(row["final_loss"] < row["first_loss"] for row in rows.values())

    machine = f"{processor()}, {os.cpu_count()} logical processors; run on {descent.describe(device)}"
    threads = f"{torch.get_num_threads()} threads, OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}"
    print(f"{machine}\ntorch {torch.__version__}, {threads}")
    print(f"{examples:,} images an epoch; {options.workers} workers in the usual loop\n")
    print(f"{'one epoch':<18}{'median s':>10}{'fastest':>10}{'slowest':>10}{'runs':>6}{'final loss':>12}")
    for name, r in rows.items():
        print(f"{name:<18}{r['seconds']:>10.3f}{r['fastest']:>10.3f}{r['slowest']:>10.3f}{r['runs']:>6}", end="")
        print(f"{r['final_loss']:>12.4f}")
    print(f"\nusual / ours: {usual_ours:.1f}\nours / in memory: {ours_memory:.2f}")
    if not trained:
        print("The losses disagree: some loop did not train as the others did.")
    if options.json:
        table = {"machine": machine, "torch": torch.__version__, "threads": threads, "examples": examples}
        table |= {"loops": rows, "usual / ours": usual_ours, "ours / in memory": ours_memory, "trained": trained}
        options.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
