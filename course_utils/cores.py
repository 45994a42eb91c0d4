"""All cores: runs that know nothing of each other, spread over processes of one thread each.

Small matrices keep two threads badly busy; two processes do twice the work of one. The processes are loky's: started
anew, never forked, so they work on every system, beside CUDA, and for functions written in a notebook's cell. They stay
for the next call, share large tensors through files that are mapped into memory, and end with this process.
"""

import atexit
import os
import shutil
import signal
import tempfile
import threading
import time
import warnings
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from functools import cache
from pathlib import Path

import loky
import torch
from loky.backend import resource_tracker
from torch.utils.weak import TensorWeakRef

from course_utils import descent, fast
from course_utils.device import device

# loky renews a process whose memory grew, which torch's does at first; nothing is lost, and a learner need not know
warnings.filterwarnings("ignore", "A worker was restarted while some jobs were given", UserWarning)

START = 3.0  # seconds that a call must save before processes are started for it: about what their start costs
IDLE = 300  # seconds without work after which a process ends
LARGE = 2**20  # bytes from which a tensor is shared and not copied

_pools = []  # one executor of one process for each core: so a process that dies takes no other one's work with it


def starmap(function, calls, *, what="runs"):
    """``[function(*arguments) for arguments in calls]``, on all cores; the results are in the order of the calls.

    calls: a list of tuples. function: any, also one from a notebook's cell. What it leaves behind is what it returns:
    a list that it appends to grows in another process. While it runs, torch has one thread; the results are bit for
    bit the same on one core or many. Short calls stay in this process: unless others are up already, the first call is
    done here, and its seconds decide. On a GPU, and inside another such call, all are done here, in turn.

    Interrupted, all processes stop. One that dies loses its call, which is done again. Raises what ``function`` raises,
    and ``RuntimeError`` when one call's process dies three times.
    """
    calls = list(calls)
    results = [None] * len(calls)
    with descent.progress(total=len(calls), desc=what, unit="run") as bar:
        for number, result in each(function, calls):
            results[number] = result
            bar.update()
    return results


def each(function, calls, *, seconds=None):
    """As :func:`starmap`; yields ``(number, result)`` in the order in which they finish.

    seconds: what all calls together will take on one core, if that can be told beforehand.
    """
    left = list(range(len(calls)))
    in_turn = device().type != "cpu" or count() == 1
    while left and (in_turn or not _is_worth(len(left), seconds)):
        began = time.perf_counter()
        number = left.pop(0)
        with fast.one_thread():  # as the processes have: with more, sums would be added up in another order
            result = function(*calls[number])
        seconds = (time.perf_counter() - began) * len(left)
        yield number, result
    if left:
        yield from _spread(function, calls, left)


def count():
    """How many processes: the cores that this process may use. The variable LOKY_MAX_CPU_COUNT sets a lower limit."""
    return 1 if os.environ.get("COURSE_ENGINE") == "one" else loky.cpu_count()


def _is_worth(calls, seconds):
    """Whether processes would finish so many calls sooner, which take so many seconds one after the other."""
    if calls < 2:
        return False
    if _pools:
        return True
    return seconds is not None and seconds * (1 - 1 / min(calls, count())) > START


def _spread(function, calls, left):
    """Every call to a process that is free; yields as :func:`each` does."""
    while len(_pools) < min(len(left), count()):
        _pools.append(_pool())
    free, running, deaths = list(range(len(_pools))), {}, {}
    try:
        while left or running:
            while left and free:
                place, number = free.pop(), left.pop(0)
                running[_pools[place].submit(function, *calls[number])] = place, number
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place, number = running.pop(future)
                free.append(place)
                try:
                    result = future.result()
                except BrokenExecutor:
                    deaths[number] = deaths.get(number, 0) + 1
                    _mourn(place, number, deaths[number])
                    left.insert(0, number)
                    continue
                yield number, result
    finally:
        if running:  # interrupted, or a call has failed
            stop()


def _mourn(place, number, deaths):
    """Start another process in the place of one that died."""
    _pools[place].shutdown(wait=True, kill_workers=True)
    _pools[place] = _pool()
    if deaths == 3:
        raise RuntimeError(
            f"call {number} lost its process three times: killed from outside, or short of memory? "
            f"LOKY_MAX_CPU_COUNT=1 lets all runs be done in one process"
        )
    warnings.warn(f"a process died while it did call {number}: that one is done again", stacklevel=2)


def stop():
    """End all processes, also in the middle of their work. The next call starts new ones."""
    while _pools:
        _pools.pop().shutdown(wait=True, kill_workers=True)


# ---- a process, and what it shares


def _pool():
    quiet = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "COURSE_ENGINE": "one", "TQDM_DISABLE": "1"}
    return loky.ProcessPoolExecutor(
        1, job_reducers={torch.Tensor: _shared}, result_reducers={}, timeout=IDLE, initializer=_begin, env=quiet
    )


def _begin():
    """What a process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a notebook's stop button reaches all processes: one is to decide
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()


def _end_with(parent):
    """End this process when its parent was killed and could not say so. Windows does not tell: there IDLE ends it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


_files = {}  # id of a tensor -> (a weak reference to it, its version, its file)
_writing = threading.Lock()


def _shared(tensor):
    """How a tensor travels to another process: a large one as the name of a file, which is written once."""
    whole = tensor if tensor._base is None else tensor._base  # a part of MNIST needs no file of its own
    if whole.nbytes < LARGE or not whole.is_contiguous() or tensor.device.type != "cpu" or tensor.requires_grad:
        return tensor.__reduce_ex__(4)
    with _writing:
        for key in [key for key, (alive, _, _) in _files.items() if alive() is None]:
            _remove(_files.pop(key)[2])
        _, version, file = _files.get(id(whole), (None, None, None))
        if version != whole._version:
            file = str(Path(_folder(os.getpid())) / str(time.time_ns()))
            whole.numpy().tofile(file)
            _files[id(whole)] = TensorWeakRef(whole), whole._version, file
    place = tuple(tensor.shape), tensor.stride(), tensor.storage_offset() - whole.storage_offset()
    return _mapped, (file, whole.numel(), whole.dtype, *place)


@cache
def _folder(process):
    """For the files of this process. loky's tracker removes it, even if this process is killed."""
    folder = tempfile.mkdtemp(prefix="course-")
    resource_tracker.register(folder, "folder")
    atexit.register(_clear, folder)
    return folder


def _clear(folder):
    stop()  # on Windows, a file that is in use stays
    shutil.rmtree(folder, ignore_errors=True)
    resource_tracker.unregister(folder, "folder")


def _remove(file):
    try:
        os.unlink(file)
    except OSError:  # Windows, while another process reads it: the folder is removed at the end
        pass


def _mapped(file, numel, dtype, shape, stride, offset):
    return torch.as_strided(_map(file, numel, dtype), shape, stride, offset)


@cache
def _map(file, numel, dtype):
    """The file as a tensor of shape (numel,). Processes share its memory; what one writes, it alone sees."""
    return torch.from_file(file, shared=False, size=numel, dtype=dtype)
