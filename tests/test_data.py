"""MNIST: the committed files are the canonical ones, and damaged files end in a repair or in one clear error.

The damage is done to a small copy with the same names: 30 training and 10 test images of noise, in a temporary folder.
"""

import errno
import functools
import gzip
import hashlib
import http.server
import os
import socket
import struct
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import transforms
from torchvision.datasets import MNIST

from course_utils import data

NAMES = [name for name, _ in MNIST.resources]


# ---- the real thing


@pytest.fixture(scope="module")
def mnist():
    return data.mnist("cpu")


@pytest.mark.parametrize(("name", "md5"), MNIST.resources, ids=NAMES)
def test_committed_files_are_the_canonical_ones(name, md5):
    assert hashlib.md5((data.ROOT / "MNIST" / "raw" / name).read_bytes()).hexdigest() == md5


def test_shapes_and_types(mnist):
    assert mnist.train_images.shape == (60_000, 784)
    assert mnist.test_images.shape == (10_000, 784)
    assert mnist.train_images.dtype == mnist.test_images.dtype == torch.float32
    assert mnist.train_labels.shape == (60_000,)
    assert mnist.test_labels.shape == (10_000,)
    assert mnist.train_labels.dtype == mnist.test_labels.dtype == torch.int64
    assert all(part.is_contiguous() for part in mnist)


def test_images_are_standardised(mnist):
    assert float(mnist.train_images.double().mean()) == pytest.approx(0, abs=1e-3)
    assert float(mnist.train_images.double().std()) == pytest.approx(1, abs=1e-3)
    assert float(mnist.train_images[0, 0]) == pytest.approx(-0.42, abs=0.005)  # blank paper


def test_images_are_those_of_the_usual_transforms(mnist):
    usual = transforms.Compose([transforms.ToTensor(), transforms.Normalize((data.MEAN,), (data.STD,))])
    for is_train, images, labels in ((True, *mnist[:2]), (False, *mnist[2:])):
        dataset = MNIST(str(data.ROOT), train=is_train, transform=usual)
        for i in (0, 1, len(dataset) // 2, len(dataset) - 1):
            image, label = dataset[i]
            torch.testing.assert_close(images[i], image.flatten(), rtol=1e-5, atol=1e-6)
            assert labels[i] == label


def test_labels(mnist):
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.train_labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.test_labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_second_call_returns_the_same_tensors(mnist):
    for again in (data.mnist("cpu"), data.mnist(torch.device("cpu")), data.mnist()):
        assert all(part is part_again for part, part_again in zip(mnist, again, strict=True))


def test_share_is_the_first_part_without_a_copy(mnist):
    part = data.mnist(share=0.01)
    assert [len(p) for p in part] == [600, 600, 100, 100]
    assert torch.equal(part.train_images, mnist.train_images[:600])
    assert part.train_images.data_ptr() == mnist.train_images.data_ptr()
    assert [len(p) for p in data.mnist(share=1e-9)] == [1, 1, 1, 1]


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan")])
def test_bad_share_is_named(share):
    with pytest.raises(ValueError, match=rf"share must be in \(0, 1\], not {share}"):
        data.mnist(share=share)


# ---- missing and damaged files


@pytest.fixture
def root(monkeypatch):
    """A folder with a small MNIST in it, which torchvision and the course take for the canonical one; no mirror."""
    temporary = tempfile.TemporaryDirectory()
    root = Path(temporary.name)
    root.chmod(0o755)
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    resources = []
    for name in NAMES:
        n = 30 if name.startswith("train") else 10
        if "images" in name:
            content = (
                struct.pack(">IIII", 2051, n, 28, 28) + random.integers(256, size=n * 784, dtype=np.uint8).tobytes()
            )
        else:
            content = struct.pack(">II", 2049, n) + random.integers(10, size=n, dtype=np.uint8).tobytes()
        packed = gzip.compress(content)
        (raw / name).write_bytes(packed)
        resources.append((name, hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(MNIST, "resources", resources)
    with socket.socket() as closed:  # a port where nobody listens, once it is closed
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/second/"])
    monkeypatch.setenv("no_proxy", "*")
    yield root
    temporary.cleanup()


@pytest.fixture
def serve(monkeypatch):
    """serve(handler): make a local web server the only mirror."""
    servers = []

    def start(handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def content(root):
    return {path.relative_to(root): path.is_file() and path.read_bytes() for path in root.rglob("*")}


def remove(file):
    file.unlink()


def truncate(file):
    file.write_bytes(file.read_bytes()[:-20])


def alter(file):
    packed = bytearray(file.read_bytes())
    packed[len(packed) // 2] ^= 1
    file.write_bytes(packed)


def empty(file):
    file.write_bytes(b"")


damages = pytest.mark.parametrize("damage", [remove, truncate, alter, empty])


def test_loads_and_unpacks_without_a_network(root, monkeypatch):
    def no_network(*args):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    small = data.mnist(root=root)
    assert [tuple(part.shape) for part in small] == [(30, 784), (30,), (10, 784), (10,)]
    raw = root / "MNIST" / "raw"
    assert sorted(path.name for path in raw.iterdir()) == sorted(NAMES + [name.removesuffix(".gz") for name in NAMES])


@damages
@pytest.mark.parametrize("name", NAMES)
def test_bad_file_without_a_mirror_is_one_clear_error(root, name, damage):
    file = root / "MNIST" / "raw" / name
    damage(file)
    before = content(root)
    with pytest.raises(RuntimeError) as caught:
        data.mnist(root=root)
    message = str(caught.value)
    assert str(file) in message
    assert ("is missing" if damage is remove else "is damaged") in message
    assert "git checkout -- data/MNIST/raw" in message
    assert MNIST.mirrors[0] + name in message
    assert "\n" not in message
    assert content(root) == before


@damages
@pytest.mark.parametrize("name", NAMES)
def test_bad_file_is_restored_from_a_mirror(root, serve, tmp_path, name, damage):
    whole = data.mnist(root=root)
    expected = content(root)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    file = root / "MNIST" / "raw" / name
    (mirror / name).write_bytes(file.read_bytes())
    damage(file)
    serve(functools.partial(Quiet, directory=str(mirror)))
    data._load.cache_clear()
    again = data.mnist(root=root)
    assert all(torch.equal(part, part_again) for part, part_again in zip(whole, again, strict=True))
    assert content(root) == expected


class WrongFile(Quiet):
    def do_GET(self):
        body = b"another file"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET


class BreaksOff(Quiet):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"the first bytes")


class NoHTTP(Quiet):
    def do_GET(self):
        self.wfile.write(b"who is there?\r\n")

    do_HEAD = do_GET


@pytest.mark.parametrize("handler", [WrongFile, BreaksOff, NoHTTP])
def test_bad_download_leaves_the_folder_as_it_was(root, serve, handler):
    file = root / "MNIST" / "raw" / NAMES[0]
    file.unlink()
    before = content(root)
    serve(handler)
    with pytest.raises(RuntimeError, match="is missing, and the download failed"):
        data.mnist(root=root)
    assert content(root) == before


@damages
@pytest.mark.parametrize("name", NAMES)
def test_damaged_unpacked_file_is_unpacked_again(root, name, damage):
    whole = data.mnist(root=root)
    expected = content(root)
    damage(root / "MNIST" / "raw" / name.removesuffix(".gz"))
    data._load.cache_clear()
    again = data.mnist(root=root)
    assert all(torch.equal(part, part_again) for part, part_again in zip(whole, again, strict=True))
    assert content(root) == expected


def test_full_disk_while_unpacking_leaves_no_half_file(root, monkeypatch):
    def run_out_of_space(source, target):
        target.write(source.read(10))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(data.shutil, "copyfileobj", run_out_of_space)
    before = content(root)
    with pytest.raises(RuntimeError, match="cannot be unpacked beside itself: .*No space left on device"):
        data.mnist(root=root)
    assert content(root) == before


def test_folder_that_does_not_exist(tmp_path, root):
    with pytest.raises(RuntimeError, match="train-images-idx3-ubyte.gz is missing"):
        data.mnist(root=tmp_path / "nowhere")


@pytest.fixture
def lock(root):
    """lock(folder): nobody may write in it any more, not even root: then the test goes on as another user."""
    locked = []

    def make_read_only(folder):
        locked.append(folder)
        folder.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)

    yield make_read_only
    os.seteuid(os.getuid())
    for folder in locked:
        folder.chmod(0o755)


@pytest.mark.parametrize("missing", [True, False], ids=["to download", "to unpack"])
def test_read_only_folder_is_one_clear_error(root, lock, missing):
    file = root / "MNIST" / "raw" / NAMES[0]
    if missing:
        file.unlink()
    before = content(root)
    lock(file.parent)
    with pytest.raises(RuntimeError, match=rf"{file} .*cannot be (replaced|unpacked).*: .*Permission denied"):
        data.mnist(root=root)
    assert content(root) == before


def test_read_only_folder_is_enough_once_unpacked(root, lock):
    whole = data.mnist(root=root)
    data._load.cache_clear()
    lock(root / "MNIST" / "raw")
    again = data.mnist(root=root)
    assert all(torch.equal(part, part_again) for part, part_again in zip(whole, again, strict=True))
