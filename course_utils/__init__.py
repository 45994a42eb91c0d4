"""Tools of the course *Optimization in Deep Learning*: one module for each thing, read top to bottom."""

import os
import sys

# Threads that wait for each other should sleep, not spin: on a busy machine spinning makes a run ten times slower.
# torch reads this when it is loaded, so after that it is too late.
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
