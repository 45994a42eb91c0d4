"""A process that does one job after another: a line of JSON in, a line of JSON out.

    python tools/classroom/worker.py

It ends when its standard input does, so no worker outlives the batch that started it, however that ended.
"""

import importlib
import json
import os
import queue
import sys
import threading
from pathlib import Path


def main():
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else writes to stdout goes to the log
    jobs = queue.SimpleQueue()

    def listen():
        for line in sys.stdin:
            jobs.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        name, job = json.loads(jobs.get())
        module, function = name.split(".")
        result = getattr(importlib.import_module(f"classroom.{module}"), function)(job)
        print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    main()
