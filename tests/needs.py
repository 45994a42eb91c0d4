"""What a test needs of the machine: where it is missing the test is left out and counted, and in CI it fails."""

import os

import pytest

LEFT_OUT = "left out: "  # how such a reason begins; conftest.py counts them by it


def missing(what, remedy):
    """Leave this test out, since the machine has no ``what``; in CI, where everything must be there, fail instead."""
    reason = f"{what}; {remedy}"
    if os.environ.get("CI"):
        pytest.fail(f"CI is set, and the machine lacks {reason}", pytrace=False)
    pytest.skip(LEFT_OUT + reason)
