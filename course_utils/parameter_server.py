"""Asynchronous SGD for real: a parameter server and its workers, each a process of its own, on Ray.

The server holds the parameters and applies an update rule to every gradient that is pushed, one after the other. A
worker pulls the parameters, computes the gradient of a minibatch from its own share of the images, and pushes it; what
it gets back are the parameters to go on from. Nobody waits for anybody, so gradients are as late as processes make
them: what :mod:`course_utils.asynchronous` simulates happens here.
"""

import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from course_utils import cluster, descent
from course_utils.rules import hyperparameters, initial_state


class Server:
    """The parameters, one flat vector, the rule that moves them, and a record of every update.

    A process that dies is started again by Ray and goes on from its file; each start is another *life*. A gradient
    counts only in the life whose parameters it was computed with: so none is applied twice, and none to parameters
    that were lost.
    """

    def __init__(self, rule, hyper, network, seed, steps, snapshot_every, file, save_every):
        torch.set_num_threads(1)
        self.rule, self.hyper, self.steps = rule, hyper, steps
        self.snapshot_every, self.file, self.save_every = snapshot_every, Path(file), save_every
        if self.file.exists():
            self.now = torch.load(self.file)
            self.now["life"] += 1
        else:
            self.now = {"life": 0, "x": network.initial(seed), "state": initial_state(rule), "read": [], "workers": []}
            self.now |= {"seconds": [], "snapshots": [], "processes": {}, "spent": 0.0}
            self.now["what"] = identity(rule, hyper, network, steps)
        self.began = time.perf_counter() - self.now["spent"]
        self.save()

    @property
    def version(self):
        return len(self.now["read"])

    def pull(self):
        """The parameters and what to push with their gradient, ``(life, version)``; None when all steps are done."""
        done = self.version >= self.steps
        return None if done else ((self.now["life"], self.version), self.now["x"].numpy())

    def push(self, worker, read, *gradients):
        """Make a step with the mean of ``gradients``, computed at version ``read``; then as :meth:`pull`."""
        life, version = read
        if life == self.now["life"] and self.version < self.steps:
            g = torch.from_numpy(np.mean(gradients, axis=0))
            update, self.now["state"] = self.rule(g, self.now["state"], **self.hyper)
            self.now["x"] += update
            self.now["read"].append(version)
            self.now["workers"].append(worker)
            self.now["seconds"].append(time.perf_counter() - self.began)
            if self.version % self.snapshot_every == 0 or self.version == self.steps:
                self.now["snapshots"].append((self.version, self.now["x"].clone()))
            if self.version % self.save_every == 0:
                self.save()
        return self.pull()

    def start_clock(self):
        self.began = time.perf_counter()

    def enter(self, worker, process):
        """A worker's process says that it is there."""
        self.now["processes"].setdefault(worker, []).append(process)

    def look(self):
        """How things stand: version, life, the server's process and the latest process of every worker."""
        processes = {worker: of_worker[-1] for worker, of_worker in self.now["processes"].items()}
        return {"version": self.version, "life": self.now["life"], "server": os.getpid(), "workers": processes}

    def save(self):
        """Keep everything in the file: written beside it first, so that there is never half a file."""
        self.now["spent"] = time.perf_counter() - self.began
        new = self.file.with_name(self.file.name + ".new")
        torch.save(self.now, new)
        new.replace(self.file)

    def result(self):
        return self.now


class Worker:
    """Computes gradients of minibatches from its own share of the images, for as long as the server wants some."""

    def __init__(self, number, workers, server, network, batch_size, seed, pause):
        torch.set_num_threads(1)
        self.number, self.workers, self.network = number, workers, network
        # by its name: Ray warns, in every run, of a handle among the arguments of what is to be started again
        self.server = cluster.start().get_actor(server)
        self.batch_size, self.pause = batch_size, pause
        # a process that replaces another one draws other minibatches
        self.rng = np.random.default_rng([seed, number, os.getpid()])
        cluster.start().get(self.server.enter.remote(number, os.getpid()))

    def ready(self, images, labels):
        """Returns when the process is up and the images are on its machine."""

    def gradient(self, x, images, labels):
        """Of one minibatch at ``x``, shape (n,), float32. With a pause, it takes that many seconds more on average."""
        if self.pause:
            time.sleep(self.rng.exponential(self.pause))
        images, labels = (cluster.tensor(part)[self.number :: self.workers] for part in (images, labels))
        batch = torch.from_numpy(self.rng.integers(len(labels), size=self.batch_size))
        return self.network.gradient(cluster.tensor(x), images[batch], labels[batch]).numpy()

    def work(self, images, labels):
        """Pull, compute, push, until all steps are done."""
        ray = cluster.start()
        answer = ray.get(self.server.pull.remote())
        while answer is not None:
            read, x = answer
            g = self.gradient(x, images, labels)
            answer = ray.get(self.server.push.remote(self.number, read, g))


@dataclass
class Run:
    """What a run left behind. Entry k of an array of shape (steps,) belongs to the update that makes version k + 1."""

    read: np.ndarray  # the version that its gradient was computed at, as asynchronous.versions_read gives it
    workers: np.ndarray  # who computed it; -1 where all did together
    seconds: np.ndarray  # when it was made, since the first worker set out
    versions: np.ndarray  # of the snapshots
    test_accuracy: np.ndarray  # of the snapshots, in [0, 1]
    parameters: torch.Tensor  # after the last step, shape (n,)
    server_deaths: int
    worker_deaths: int

    @property
    def staleness(self):
        """How many updates others made between reading and writing: shape (steps,)."""
        return np.arange(len(self.read)) - self.read


def train(
    rule,
    network,
    data,
    *,
    workers,
    steps,
    batch_size=64,
    seed=0,
    pause=0.0,
    waits=False,
    snapshots=40,
    file=None,
    save_every=100,
    watch=None,
    **hyper,
):
    """Train ``network`` with ``workers`` processes and a parameter server on Ray; return a :class:`Run`.

    data: :func:`course_utils.data.mnist` on the CPU; worker i takes every workers-th image from the i-th on. steps: the
    number of updates. batch_size: images a gradient. seed: of the start and the minibatches; who returns when is up to
    the processes, so two runs are never the same. pause: seconds that a worker sleeps before each gradient, on average;
    exponentially distributed, which makes it a slow machine as the simulation has it. waits: True is synchronous SGD:
    an update uses the mean of one gradient from each worker. snapshots: how often to measure the accuracy; that is done
    after the run. file: where the server keeps its state after every ``save_every`` updates, on storage that all
    machines see; the same call goes on from there. By default a temporary file, for a server on this machine. watch:
    called several times a second with what :meth:`Server.look` returns. hyper: the rule's hyperparameters.

    A worker that dies is replaced, a server that dies goes on from its file, as often as it takes. Raises
    ``ValueError`` for bad settings and for a file of another run, and ``ImportError`` where Ray is not installed.
    """
    for name, value, least in (("workers", workers, 1), ("steps", steps, 1), ("batch_size", batch_size, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number, at least {least}, not {value!r}")
    if workers > len(data.train_labels):
        raise ValueError(f"workers: {workers} cannot share {len(data.train_labels)} images")
    hyper = hyperparameters(rule, **hyper)
    ray = cluster.start()
    images = [ray.put(part.cpu().numpy()) for part in (data.train_images, data.train_labels)]  # and labels
    folder = tempfile.TemporaryDirectory(prefix="parameter-server-")
    file = check(Path(file or Path(folder.name) / "server.pt").absolute(), rule, hyper, network, steps)
    for_ever = {"max_restarts": -1, "max_task_retries": -1}
    # every worker has a core to itself if there are enough; else they share them
    cores = min(1.0, ray.cluster_resources().get("CPU", 1) / workers)
    name = f"server-{secrets.token_hex(8)}"
    serving = ray.remote(Server).options(name=name, num_cpus=0, **for_ever)
    server = serving.remote(rule, hyper, network, seed, steps, max(1, steps // snapshots), file, save_every)
    working = ray.remote(Worker).options(num_cpus=cores, scheduling_strategy="SPREAD", **for_ever)
    settings = (workers, name, network, batch_size, seed, pause)
    crew = [working.remote(number, *settings) for number in range(workers)]
    watch = watch or (lambda look: None)
    try:
        ray.get([worker.ready.remote(*images) for worker in crew])
        ray.get(server.start_clock.remote())
        with descent.progress(total=steps, desc=f"{workers} workers", unit="step") as bar:
            for look in (_together if waits else _each_for_itself)(ray, server, crew, images):
                bar.update(look["version"] - bar.n)
                watch(look)
        now = ray.get(server.result.remote())
    finally:
        for process in (*crew, server):
            ray.kill(process)
        folder.cleanup()
    versions, parameters = zip(*now["snapshots"], strict=True)
    accuracy = [float(network.accuracy(x, data.test_images.cpu(), data.test_labels.cpu())) for x in parameters]
    arrays = [np.array(now[name]) for name in ("read", "workers", "seconds")]
    deaths = sum(len(of_worker) - 1 for of_worker in now["processes"].values())
    return Run(*arrays, np.array(versions), np.array(accuracy), now["x"], now["life"], deaths)


def identity(rule, hyper, network, steps):
    """What must be the same for a run to go on from a file."""
    return {"rule": rule.__name__, "hyper": hyper, "network": repr(network), "steps": steps}


def check(file, rule, hyper, network, steps):
    """The file, if it is not there yet or holds this run."""
    if file.exists():
        try:
            what = torch.load(file)["what"]
        except Exception as error:  # torch.load raises what it likes
            raise ValueError(f"{file} is not a server's file ({error}); delete it, or name another file") from None
        if what != identity(rule, hyper, network, steps):
            raise ValueError(f"{file} holds another run ({what}); name another file")
    return file


def _each_for_itself(ray, server, crew, images):
    """Asynchronous: all work until the server has had enough; yields how things stand, about ten times a second."""
    working = [worker.work.remote(*images) for worker in crew]
    while working:
        done, working = ray.wait(working, timeout=0.1)
        ray.get(done)  # raises what a worker raised
        yield ray.get(server.look.remote())


def _together(ray, server, crew, images):
    """Synchronous: one gradient from everybody, then one step with their mean; yields how things stand, every step."""
    answer = ray.get(server.pull.remote())
    while answer is not None:
        read, x = answer
        x = ray.put(x)  # travels to each machine once
        answer = ray.get(server.push.remote(-1, read, *[worker.gradient.remote(x, *images) for worker in crew]))
        yield ray.get(server.look.remote())
