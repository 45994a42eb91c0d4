"""Jobs on all cores: each worker is a process, and what kills one costs that job alone.

``run`` is a map, and so the seam for more than one machine: ``one.grade`` and ``page.write`` take plain data and
return plain data, whoever carries it.
"""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from classroom import warm
from sandbox import Folder

WORKER = Path(__file__).with_name("worker.py")


@contextlib.contextmanager
def warmed(log):
    """What :func:`run` takes as ``settings``: all its runs fork their checkers from one process, which imports once."""
    held = Folder(f"class-{os.getpid()}")  # short, for a socket's path has at most 107 characters
    try:
        with warm.checkers(str(held.path), log) as path:
            yield {"JUPYTER_PATH": path}
    finally:
        held.remove()


def run(function, jobs, processes, log, settings=None):
    """``(job, result)`` for each of the jobs, as they are done. A result with the key "fault" is none.

    function: "one.grade" or "page.write". log: an open file for what workers print. settings: of :func:`warmed`.
    """
    if not jobs:
        return
    with contextlib.ExitStack() as stack:
        if function == "one.grade" and not settings:
            settings = stack.enter_context(warmed(log))
        held = Folder(f"class-{os.getpid()}")
        stack.callback(held.remove)
        workers = [Worker(str(held.path), number, log, settings or {}) for number in range(min(processes, len(jobs)))]
        yield from _run(function, jobs, workers)


def _run(function, jobs, workers):
    todo, done = queue.SimpleQueue(), queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    stop = threading.Event()

    def serve(worker):
        while not stop.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            done.put((job, worker.ask(function, job)))
        worker.close()

    threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            yield done.get()
    finally:
        stop.set()
        for worker in workers:
            worker.close()


class Worker:
    """A worker's process; started when it is first asked, and again if it died."""

    def __init__(self, folder, number, log, settings):
        self.folder = Path(folder, str(number))
        self.log = log
        self.settings = settings
        self.process = None

    def ask(self, function, job):
        try:
            if self.process is None or self.process.poll() is not None:
                self._start()
            process = self.process  # which close() takes away when the batch stops
            print(json.dumps([function, job]), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            if answer:
                return json.loads(answer)
            return {"fault": f"the grader's own process ended (code {process.wait()}); see the log"}
        except (OSError, ValueError) as error:
            return {"fault": f"the grader's own process cannot be used: {error}"}

    def _start(self):
        self.close()
        self.folder.mkdir()
        home = {
            name: str(self.folder) for name in ("HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR")
        }
        home |= {"JUPYTER_RUNTIME_DIR": f"{self.folder}/r", "JUPYTER_DATA_DIR": f"{self.folder}/d"}
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
            env={
                "OMP_NUM_THREADS": "1",
                "OMP_WAIT_POLICY": "PASSIVE",
                **os.environ,
                **home,
                **self.settings,
                "TQDM_DISABLE": "1",
            },
        )

    def close(self):
        process, self.process = self.process, None
        if process and process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
