"""Ray, started or found: the same runs on all cores of this machine, or on every machine of a cluster.

A cluster that is there already is used: one that this process is connected to, or the one that the variable RAY_ADDRESS
names (docs/scaling.md says how to make one). Otherwise Ray is started here, for this process alone: it listens on
127.0.0.1 only, asks for a token, reports nothing to anybody, has no dashboard, and ends with the process. (If the
process is killed hard, two agents of Ray's own look for its head for another minute.)
"""

import importlib.util
import os
import secrets
import warnings
from dataclasses import replace

PRIVATE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's name for: listen on 127.0.0.1 only. It works on Linux, too
    "RAY_AUTH_MODE": "token",  # other users of this machine reach 127.0.0.1 as well
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray prints a tip otherwise
}


def is_there():
    """Whether Ray is installed."""
    return importlib.util.find_spec("ray") is not None


def settings():
    """Set the environment in which Ray is to be imported, without changing what is set already."""
    wanted = QUIET if os.environ.get("RAY_ADDRESS") else QUIET | PRIVATE
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def start():
    """The module ``ray``, connected to a cluster. A second call costs nothing.

    Ray that was started here ends with this process, or with ``ray.shutdown()``. Raises ``ImportError`` that says how
    to get Ray where it is not installed, and ``ConnectionError`` when nothing answers at RAY_ADDRESS.
    """
    if not is_there():
        raise ImportError("Ray is not installed. Get it with: pip install ray")
    settings()
    import ray

    if not ray.is_initialized():
        local = {} if os.environ.get("RAY_ADDRESS") else {"include_dashboard": False, "address": "local"}
        ray.init(log_to_driver=False, logging_level="ERROR", **local)
    return ray


def on_ray(job, chunks):
    """An engine for :func:`course_utils.sweep.sweep`: every chunk is a task of its own, wherever a core is free.

    A task takes one core, or one GPU if the data are on one. The data travel once to each machine. A task whose process
    or machine dies is done again, as often as it takes.
    """
    if not chunks:
        return
    ray = start()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    (setting, _), *_ = chunks[0]
    images = (job.common | setting)["data"].train_images
    resources = {"num_gpus": 1} if images.is_cuda else {"num_cpus": 1}
    stored = {}

    def sent(arguments):
        """Arguments of train, the data among them as a name for what lies in Ray's memory, once."""
        data = arguments.get("data")
        if data is None:
            return arguments
        if id(data) not in stored:
            # numpy arrays are read where they lie; torch's tensors would be copied for every task
            stored[id(data)] = ray.put(type(data)(*(part.cpu().numpy() for part in data)))
        return arguments | {"data": stored[id(data)]}

    shipped = ray.put(replace(job, common=sent(job.common)))
    tasks = [
        (shipped, images.device.type, ray.put([(sent(setting), seed) for setting, seed in runs])) for runs in chunks
    ]
    # on this machine, so that no other machine's death can end it
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    foreman = ray.remote(_Foreman).options(num_cpus=0, scheduling_strategy=here).remote(tasks, resources)
    try:
        for _ in chunks:
            yield ray.get(foreman.next.remote())
    finally:  # at the end, interrupted, or one of them failed
        ray.kill(foreman)


class _Foreman:
    """Gives out the tasks and waits for them, in a process of its own. When it is killed, Ray ends those that run.

    ``ray.cancel`` in the learner's process would be shorter, but it ends that process if the task has just ended by
    itself (Ray 2.60: "Tried to complete task that was not pending"; about 1 time in 50 when two fail together).
    """

    def __init__(self, tasks, resources):
        import ray

        task = ray.remote(_run).options(max_retries=-1, **resources)
        self.numbers = {task.remote(*arguments): number for number, arguments in enumerate(tasks)}

    def next(self):
        """The number and the answer of one that has ended; raises what it raised."""
        import ray

        (done, *_), _ = ray.wait(list(self.numbers))
        return self.numbers.pop(done), ray.get(done)


def _run(job, device, runs):
    """What a task does: the job, with its data as tensors on the device."""
    import ray

    def received(arguments):
        if arguments.get("data") is None:
            return arguments
        data = ray.get(arguments["data"])
        return arguments | {"data": type(data)(*(tensor(part).to(device) for part in data))}

    return replace(job, common=received(job.common))([(received(setting), seed) for setting, seed in runs])


def tensor(array):
    """A tensor on the memory of a numpy array. Nobody may write to it: Ray's memory is shared by processes."""
    import torch  # here, for the foreman needs none of it

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ", UserWarning)
        return torch.from_numpy(array)
