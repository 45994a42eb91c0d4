"""What every test runs under: the settings of a small, quiet, repeatable run, for this process and its kernels."""

import os

import matplotlib
import pytest

# Kernels of notebook tests inherit these; a value that is set already stays: COURSE_BUDGET=1 make test.
os.environ.setdefault("COURSE_BUDGET", "0.02")  # the share of MNIST that the chapters use
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that fight over busy cores cost more than they bring
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("COURSE_PROGRESS", "0")  # tests are no learner

# Not through MPLBACKEND: kernels would inherit it, and need their own backend to show figures.
matplotlib.use("Agg")

from course_utils import rules  # noqa: E402, after the settings above


@pytest.fixture(params=rules.ALL, ids=lambda rule: rule.__name__)
def rule(request):
    """Every rule in turn: a test that takes ``rule`` runs for all of them, unless it is parametrized itself."""
    return request.param


def pytest_addoption(parser):
    parser.addoption("--hostile", action="store_true", help="also the hostile submissions that wait for limits")


# With two workers nobody waits for these at the end. Much of their time they wait: for a browser, a sandbox, a limit.
LONGEST = ("grade", "playground", "site", "variants", "exercises", "cluster", "hostile", "slides")


def pytest_collection_modifyitems(items):
    """The longest files first, then the chapters: what is short comes last, so that both workers end at one time."""
    items.sort(key=lambda item: (item.path.stem.removeprefix("test_") not in LONGEST, item.path.suffix == ".py"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """One line for all tests that want what this machine lacks: left out, or in CI failed; tests/needs.py decides."""

    def wanted(outcomes, mark):
        reports = [report.longrepr for outcome in outcomes for report in terminalreporter.stats.get(outcome, ())]
        texts = [str(text[2] if isinstance(text, tuple) else text) for text in reports]  # skipped: file, line, reason
        reasons = [text.split(mark, 1)[1].strip() for text in texts if mark in text]
        return len(reasons), " · ".join(f"{reasons.count(what)} for want of {what}" for what in sorted(set(reasons)))

    result = yield  # so that it comes last
    count, reasons = wanted(["skipped"], "left out: ")
    if count:
        terminalreporter.write_line(f"{count} tests were left out: {reasons}.", yellow=True)
    count, reasons = wanted(["error", "failed"], "CI is set, and the machine lacks ")
    if count:
        terminalreporter.write_line(f"{count} tests failed, since CI leaves nothing out: {reasons}.", red=True)
    return result
