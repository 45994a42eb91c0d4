"""What ends, does not end, or fills something."""

from hostile.making import ALL, answer, empty, own

# ---- the end of processes

answer("os._exit in an answer", ALL - 4, top_speed="import os\nos._exit(0)")
answer("os._exit when called", ALL - 2, momentum="import os\ndef momentum(*a, **k):\n    os._exit(0)")
answer(
    "os._exit in every call",
    0.0,
    base=empty,
    momentum="import os\ndef momentum(*a, **k):\n    os._exit(0)\n"
    "top_speed = steps_to = paths = quasi_hyperbolic = settings = momentum",
)
answer("a crash when called", ALL - 4, debug="import ctypes\ndef paths(*a, **k):\n    ctypes.string_at(0)")
own("os._exit in a cell of its own", "import os\nos._exit(1)")
own("a crash in a cell of its own", "import ctypes\nctypes.string_at(0)")
own("kills its parents", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(1, signal.SIGKILL)")
own("kills everything", "import os\nos.kill(-1, 9)")
own(
    "kills itself later",
    "import os, threading, time\n"
    "def end():\n    time.sleep(0.4)\n    os._exit(3)\nthreading.Thread(target=end).start()",
)
own("quit()", "quit()")
own("sys.exit and exit", "import sys\nexit()\nsys.exit(3)")
own("stops the kernel's loop", "k = get_ipython().kernel\nk.do_shutdown(False)\nk.io_loop.stop()")
own(
    "kernel without replies", "get_ipython().kernel.execute_request = None\nget_ipython().run_cell = None", is_slow=True
)
own("raises everything", "raise BaseException('\\x00 no')")

# ---- what does not end

own(
    "forks stay",
    "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        time.sleep(98765)\n",
)
own(
    "a fork bomb",
    "import os\ntry:\n    while True:\n        os.fork()\nexcept OSError:\n    import time\n    time.sleep(1)",
    is_slow=True,
)
own(
    "threads print for ever",
    "import threading\ndef f():\n    while True: print('x' * 99)\nthreading.Thread(target=f).start()",
)
own("never ends", "while True: pass", is_slow=True)
own(
    "ignores interrupts",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    is_slow=True,
)
answer(
    "a function that ignores interrupts",
    ALL - 2,
    momentum="import signal\ndef momentum(*a, **k):\n    while True:\n        try:\n            while True: pass\n"
    "        except BaseException: pass",
    is_slow=True,
)
answer("a function that calls itself", ALL - 2, momentum="def momentum(*a, **k):\n    return momentum(*a, **k)")
own("asks for input", "input('password? ')")
own("closes its outputs", "import os, sys\nsys.stdout = sys.stderr = None\nos.close(1)\nos.close(2)", is_slow=True)
own("a gigabyte of output", "print('x' * 10**9)", is_slow=True)
own("a flood of lines", "for i in range(200000): print(i)")
own("900 MB in one message", "import os\nos.write(1, b'y' * 900_000_000)", is_slow=True)

# parts of one message of ZeroMQ's, written to the open connection behind its back; the last part never comes
ENDLESS = """
import os, socket, threading
def flood(one):
    frame = b"\\x03" + (10_000_000).to_bytes(8, "big") + bytes(10_000_000)
    while True:
        one.sendall(frame)
def connection(name):
    for number in range(3, 99):
        try:
            one = socket.socket(fileno=os.dup(number))
            if not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and one.getsockname().endswith(name):
                found = one
        except (OSError, AttributeError):
            pass
    found.setblocking(True)
    return found
"""
own(
    "a message without end",
    ENDLESS + "threading.Thread(target=flood, args=(connection('k-2'),), daemon=True).start()",
    is_slow=True,
)
answer(
    "a reply without end",
    ALL - 2,
    momentum=ENDLESS + "def momentum(*a, **k):\n    flood(connection('k-1'))",
    is_slow=True,
)
answer(
    "ninety busy processes",
    ALL - 2,
    momentum="import os\nfor _ in range(90):\n    if os.fork() == 0:\n        break\n"
    "try:\n    os.setsid()\nexcept OSError:\n    pass\nwhile True: pass",
    is_slow=True,
)
answer(
    "stops itself when called",
    ALL - 2,
    momentum="import os, signal\ndef momentum(*a, **k):\n    os.kill(os.getpid(), signal.SIGSTOP)",
    is_slow=True,
)

# ---- memory and disks

own("fills /tmp", "for i in range(99):\n    open(f'/tmp/{i}', 'wb').write(b'x' * 90_000_000)")
own("fills /dev/shm", "for i in range(99):\n    open(f'/dev/shm/{i}', 'wb').write(b'x' * 90_000_000)")
own("fills the memory", "kept = []\nwhile True: kept.append(bytearray(200_000_000))", is_slow=True)
own(
    "3,000 nested folders",
    "import os\nos.chdir('/tmp')\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\n",
)
own("all descriptors closed", "import os\nos.closerange(3, 512)")
own("opens everything", "import os\nkept = [open('/dev/null') for _ in range(2000)]")
