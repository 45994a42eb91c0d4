"""Synchronous data parallelism: every process computes the gradient of its part of a batch, and all apply the mean.

    torchrun --nproc-per-node 2 -m course_utils.data_parallel

torchrun starts the processes and tells each its rank; torch.distributed adds up their gradients: over gloo on CPUs,
over nccl where every process has a GPU. All processes hold the same parameters and take the same step, so nothing is
ever late, and the run is that of one process with the whole batch, up to the rounding of a sum in another order.
"""

import argparse
import time
from collections import deque

import torch
import torch.distributed as dist

from course_utils import data, descent
from course_utils.network import Network
from course_utils.rules import ALL


def averaged(network, images, labels):
    """``gradient(x, batch)``: of the whole ``batch``, of which this process computes every world-size-th example.

    Parts differ by one example where the batch cannot be shared evenly, so each counts with its size.
    """
    rank, world = dist.get_rank(), dist.get_world_size()

    def gradient(x, batch):
        mine = batch[rank::world]
        if len(mine):
            g = network.gradient(x, images[mine], labels[mine]) * (len(mine) / len(batch))
        else:
            g = torch.zeros_like(x)
        dist.all_reduce(g)  # in place: the sum over all processes
        return g

    return gradient


def main():
    parser = argparse.ArgumentParser(description="Train on MNIST with several processes; start it with torchrun.")
    parser.add_argument("--rule", choices=[rule.__name__ for rule in ALL], default="momentum")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=256, help="of all processes together")
    parser.add_argument("--share", type=float, default=1.0, help="of MNIST, in (0, 1]")
    parser.add_argument("--double", action="store_true", help="compute in float64")
    parser.add_argument("--save", help="file for the parameters after the last step")
    settings = parser.parse_args()

    backend = "nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend)
    device = torch.device("cuda", dist.get_node_local_rank()) if backend == "nccl" else torch.device("cpu")
    if backend == "nccl":
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)

    rule = next(rule for rule in ALL if rule.__name__ == settings.rule)
    network, mnist = Network(), data.mnist(device, share=settings.share)
    dtype = torch.float64 if settings.double else torch.float32
    images, labels = mnist.train_images.to(dtype), mnist.train_labels
    # one seed, so every process has the same start and deals out the same batches
    batches = descent.shuffled(labels, settings.batch_size, settings.epochs, seed=0)
    start = network.initial(0, device=device, dtype=dtype)
    began = time.perf_counter()
    steps = descent.iterate(rule, averaged(network, images, labels), start, batches, lr=settings.lr)
    x = deque(steps, maxlen=1).pop()  # the last parameters, without keeping those before
    if dist.get_rank() == 0:
        accuracy = float(network.accuracy(x, mnist.test_images.to(dtype), mnist.test_labels))
        seconds = time.perf_counter() - began
        print(f"{dist.get_world_size()} processes, {backend}: {seconds:.1f} s, test accuracy {accuracy:.2%}")
        if settings.save:
            torch.save(x.cpu(), settings.save)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
