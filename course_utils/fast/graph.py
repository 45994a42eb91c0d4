"""CUDA graphs: what a step starts on the GPU is recorded once and then replayed, all its kernels at once.

Python would start the kernels one by one, and the GPU would wait for it. A graph reads and writes fixed addresses, so
each step's inputs are copied to where the recorded step reads them.
"""

import warnings
from collections import Counter
from functools import partial

import torch


class Graphs:
    """Runs steps on one CUDA device: twice as they are, for each shape of their inputs, and from then on replayed.

    Those first runs compile and claim memory, which must not happen while recording. They and the recording use one
    side stream, as CUDA asks; all recordings share one pool of memory, for only one of them runs at a time.
    """

    AS_IT_IS = 2  # runs before a step is recorded: in the second, nothing is new any more

    def __init__(self, device):
        self.device = torch.device(device)
        self.seen, self.replays = Counter(), {}
        self.stream = self.pool = None  # made when first needed, so that a machine without CUDA can stand in for them

    def run(self, step, inputs, key=None):
        """Run ``step(*inputs)``. inputs: tensors on this device or the CPU. key: tells steps apart that do other work.

        A step must do its work on the device alone, and leave its results in tensors that it fills in place.
        """
        key = key, *(part.shape for part in inputs)
        self.seen[key] += 1
        if key in self.replays:
            fixed, replay = self.replays[key]
            fill(fixed, inputs)
            replay()
            return
        fixed = [torch.empty_like(part, device=self.device) for part in inputs]
        fill(fixed, inputs)
        if self.seen[key] <= self.AS_IT_IS:
            self.warm_up(partial(step, *fixed))
            return
        self.replays[key] = fixed, self.record(partial(step, *fixed))
        self.replays[key][1]()

    def _start(self):
        if self.stream is None:
            self.stream, self.pool = torch.cuda.Stream(self.device), torch.cuda.graph_pool_handle()

    def warm_up(self, step):
        """Run ``step()`` on the side stream."""
        self._start()
        now = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(now)
        with torch.cuda.device(self.device), torch.cuda.stream(self.stream):
            step()
        now.wait_stream(self.stream)

    def record(self, step):
        """Record ``step()`` without running it; return what runs it: a replay, or the step as it is if that fails."""
        self._start()
        graph = torch.cuda.CUDAGraph()
        try:
            # without the device, the stream would be one of the current device, and a step on another would be lost
            with torch.cuda.device(self.device), torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
                step()
        except RuntimeError as error:  # nothing has run yet, so nothing is lost
            warnings.warn(f"this step cannot be recorded on the GPU and runs as it is: {error}", stacklevel=2)
            return step
        return graph.replay


def fill(fixed, inputs):
    """Copy ``inputs`` to their fixed places. Without waiting: a few numbers from the CPU are taken along at once."""
    for place, part in zip(fixed, inputs, strict=True):
        place.copy_(part, non_blocking=True)
