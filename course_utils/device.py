"""Which device the course computes on, and what it is called."""

import os

import torch


def device():
    """The device to compute on: CUDA, else MPS (Apple), else the CPU; the variable COURSE_DEVICE overrides.

    Raises ``ValueError`` when COURSE_DEVICE names no device of this machine.
    """
    wanted = os.environ.get("COURSE_DEVICE")
    if wanted:
        try:
            torch.empty(1, device=wanted)
            return torch.device(wanted)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"COURSE_DEVICE={wanted!r} cannot be used here ({reason}); try COURSE_DEVICE=cpu"
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe(device):
    """What ``device`` is, in words: the GPU's name, or the number of CPU threads that torch uses."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type.upper()
