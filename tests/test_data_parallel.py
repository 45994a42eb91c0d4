"""Two processes that share every batch do what one process does with the whole batch."""

import os
import subprocess
import sys

import torch

from course_utils import data, descent
from course_utils.network import Network
from course_utils.rules import momentum


def test_two_processes_equal_one_with_the_whole_batch(tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    # 600 images in batches of 127: halves are never equal, and the last batch is smaller
    settings = "--share 0.01 --batch-size 127 --epochs 2 --lr 0.05 --double --save".split()
    done = subprocess.run(
        [*torchrun, "-m", "course_utils.data_parallel", *settings, str(tmp_path / "x.pt")],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 processes, gloo:")

    network, mnist = Network(), data.mnist("cpu", share=0.01)
    images, labels = mnist.train_images.double(), mnist.train_labels
    *_, whole = descent.iterate(
        momentum,
        lambda x, batch: network.gradient(x, images[batch], labels[batch]),
        network.initial(0, dtype=torch.float64),
        descent.shuffled(labels, 127, 2, seed=0),
        lr=0.05,
    )
    torch.testing.assert_close(torch.load(tmp_path / "x.pt"), whole, rtol=1e-9, atol=1e-12)
