"""All attacks in one table, and which of them wait for a limit."""

from hostile import escapes, limits, messages, stock  # noqa: F401, each fills the table
from hostile.making import ATTACKS

# each of these has a relative above, or below the limits, that the short run keeps
for _name in (
    "equals everything",
    "input transformers",
    "forged points and marks",
    "everything doubled",
    "parts of its own with points",
    "another kernelspec",
    "a check that claims to be the answer",
    "os._exit in every call",
    "a crash when called",
    "a crash in a cell of its own",
    "kills its parents",
    "kills itself later",
    "sys.exit and exit",
    "raises everything",
    "threads print for ever",
    "a function that calls itself",
    "a flood of lines",
    "fills /dev/shm",
    "opens everything",
    "its connection file is a pipe",
    "its connection file leads to /dev/zero",
    "an empty reply",
    "a reply that is no base64",
    "kept objects that nobody kept",
    "an error that is code",
    "the verdict as an error",
    "idle too soon",
    "states that are none",
    "a flood of comms",
    "a flood of outputs",
    "deep messages",
    "a reply of its own to everything",
    "magics",
    "a shell",
    "half characters in a written answer",
    "marks that are none",
    "a cell of three million characters",
    "attachments",
    "3,000 cells",
):
    ATTACKS[_name].is_slow = True
