"""What runs first inside the sandbox: limits for whatever follows, then a Jupyter kernel.

    python inside.py CONNECTION_FILE DESCRIPTOR...

The descriptors are the kernel's five sockets. They are open already, so the kernel needs no folder that it may write.
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys

LIMITS = {
    "AS": 8 << 30,  # bytes of memory a process, most of which torch reserves and never uses
    "NPROC": 100,  # processes and threads of this sandbox
    "FSIZE": 100 << 20,  # bytes of a file
    "NOFILE": 512,
    "CORE": 0,
}

# Calls of the system that no exercise needs: memory that no limit counts, the grader's keys, other processes' insides,
# the log of the system, parts of Linux where flaws were found again and again, and sessions of its own, since Linux
# shares its processors among sessions. Numbers on x86-64 and on arm64.
REFUSED = {
    "setsid": (112, 157),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "syslog": (103, 116),
}
# Of two more calls a part. A network namespace cuts off the internet, but not other families of sockets: AF_VSOCK leads
# out of a virtual machine to its host. And with a lease on a file that it may only read, whoever owns that file, as a
# grader who is not root does, lets everybody else wait for up to a minute who wants to open it.
SOCKET, FAMILIES = (41, 198), (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
FCNTL, SETLEASE = (72, 25), 1024


def refuse():
    """Let Linux answer the REFUSED calls with EPERM, here and in whatever is started (a seccomp filter)."""
    machines = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
    if sys.platform != "linux" or platform.machine() not in machines:
        return
    architecture, column = machines[platform.machine()]
    load, equal, at_least = 0x20, 0x15, 0x35  # of the filter's language
    allow, deny = (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | errno.EPERM)
    # Two numbers say how many lines are left out: if it is so, and if not. What is loaded is the machine, at 4, the
    # call's number, at 0, or its arguments, at 16, 24, ...; calls of another machine, and x32's on x86-64, are denied.
    lines = [(load, 0, 0, 4), (equal, 1, 0, architecture), deny, (load, 0, 0, 0), (at_least, 0, 1, 0x40000000), deny]
    for row in REFUSED.values():
        lines += [(equal, 0, 1, row[column]), deny]
    rest = len(FAMILIES)
    lines += [(equal, 0, rest + 3, SOCKET[column]), (load, 0, 0, 16)]
    lines += [(equal, rest - i, 0, family) for i, family in enumerate(FAMILIES)] + [deny, allow]
    lines += [(equal, 0, 3, FCNTL[column]), (load, 0, 0, 24), (equal, 0, 1, SETLEASE), deny, allow]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    about = struct.pack("HP", len(lines), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, about, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "the filter of system calls is refused")


def main(connection_file, *descriptors):
    for name, value in LIMITS.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory ends, this ends first, not the grader
    os.nice(5)  # and where processors are few, the grader's own work comes first
    refuse()
    # a copy of the kernel must not look as if the kernel were there: it would be waited for
    os.register_at_fork(after_in_child=lambda: [os.close(int(number)) for number in descriptors])
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    bind = zmq.Socket.bind

    def bind_open(socket, address):
        """Bind to the socket that is open for this address, whose last part is a number from 1."""
        if address.startswith("ipc://"):
            socket.setsockopt(zmq.USE_FD, int(descriptors[int(address.rpartition("-")[2]) - 1]))
        return bind(socket, address)

    zmq.Socket.bind = bind_open
    sys.path.insert(0, "")
    options = ["--HistoryManager.enabled=False", "--HistoryManager.hist_file=:memory:"]
    IPKernelApp.launch_instance(argv=["-f", connection_file, *options])


if __name__ == "__main__":
    main(*sys.argv[1:])
