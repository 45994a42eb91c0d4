"""MNIST as tensors on a device, from the four canonical files in ``data/MNIST/raw``; nothing is downloaded."""

import functools
import gzip
import os
import shutil
import tempfile
import zlib
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import torch
from torchvision.datasets import MNIST
from torchvision.datasets.utils import check_integrity, download_url

ROOT = Path(__file__).resolve().parent.parent / "data"
MEAN, STD = 0.1307, 0.3081  # of the pixels of the training images, on a scale from 0 to 1


class Data(NamedTuple):
    """Images (examples, 784) float32, standardised; labels (examples,) int64."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def mnist(device="cpu", *, share=1.0, root=ROOT):
    """MNIST on ``device``: 60,000 training and 10,000 test images, or the first ``share`` of each.

    A pixel is standardised with the mean and standard deviation of all training pixels: blank paper is -0.42.
    The tensors are cached for each device: a second call costs nothing, and nobody should change them in place.
    Raises ``ValueError`` for a share outside (0, 1], and ``RuntimeError`` naming the file when one of the four
    is missing or altered and cannot be downloaded either.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], not {share!r}")
    whole = _load(torch.device(device), Path(root))
    return whole if share == 1 else Data(*(part[: max(1, round(share * len(part)))] for part in whole))


@functools.cache
def _load(device, root):
    raw = root / "MNIST" / "raw"
    for name, md5 in MNIST.resources:
        _restore(raw / name, md5)
    for name, _ in MNIST.resources:
        _unpack(raw / name)
    parts = []
    for is_train in (True, False):
        dataset = MNIST(str(root), train=is_train, download=True)  # all files are there and whole: nothing is fetched
        images = dataset.data.to(device).flatten(1).float().div_(255).sub_(MEAN).div_(STD)
        parts += [images, dataset.targets.to(device)]
    return Data(*parts)


def _restore(packed, md5):
    """Download ``packed`` if it is not the canonical file: into a folder of its own, so nothing half-written stays."""
    if check_integrity(str(packed), md5):
        return
    state = "is damaged" if packed.exists() else "is missing"
    try:
        packed.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=packed.parent) as folder:
            for mirror in MNIST.mirrors:
                try:
                    download_url(mirror + packed.name, folder, md5=md5)
                    os.replace(Path(folder) / packed.name, packed)
                    return
                except (OSError, HTTPException, RuntimeError):
                    continue
    except OSError as error:
        raise RuntimeError(f"MNIST: {packed} {state} and cannot be replaced: {error}") from None
    raise RuntimeError(
        f"MNIST: {packed} {state}, and the download failed. Restore it with 'git checkout -- data/MNIST/raw', "
        f"or fetch it from {MNIST.mirrors[0]}{packed.name} into that folder (MD5 {md5})."
    )


def _unpack(packed):
    """Unpack ``packed`` beside itself, unless that has been done and the result is whole."""
    unpacked = packed.with_suffix("")
    # a gzip file ends with the checksum and the length of what it holds
    trailer = packed.read_bytes()[-8:]
    checksum, length = (int.from_bytes(trailer[i : i + 4], "little") for i in (0, 4))
    if unpacked.exists() and unpacked.stat().st_size == length and zlib.crc32(unpacked.read_bytes()) == checksum:
        return
    temporary = unpacked.with_suffix(f".{os.getpid()}")  # renamed when complete: another process never sees half a file
    try:
        with gzip.open(packed) as source, open(temporary, "wb") as target:
            shutil.copyfileobj(source, target)
        os.replace(temporary, unpacked)
    except OSError as error:
        raise RuntimeError(f"MNIST: {packed} cannot be unpacked beside itself: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)
