"""What a test needs of the machine: where it is missing the test is left out and counted, and in CI it fails."""

import os
import sys

import pytest

LEFT_OUT, LACKS = "left out: ", "CI is set, and the machine lacks "  # conftest.py counts by them


def missing(what, remedy, system=""):
    """Leave this test out, since the machine has no ``what``; in CI, where everything must be there, fail instead.

    ``system`` is the only one that can have it, as ``sys.platform`` says it: elsewhere CI does not fail either.
    """
    reason = f"{what}; {remedy}"
    if os.environ.get("CI") and sys.platform.startswith(system):
        pytest.fail(LACKS + reason, pytrace=False)
    pytest.skip(LEFT_OUT + reason)
