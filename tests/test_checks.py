"""diagnose and check themselves: names, words, points, and what a notebook shows."""

import subprocess
import sys

import pytest

from course_utils import rules
from course_utils.checks import check, diagnose
from course_utils.checks.zoo import ZOO


def test_unknown_names():
    with pytest.raises(ValueError, match="no check named 'adm'; did you mean 'adam'"):
        diagnose("adm", rules.adam)
    with pytest.raises(AssertionError, match="no check named 'xyz'; use gradient_descent, momentum"):
        check("xyz", rules.adam)


def test_check_says_that_it_is_right(capsys):
    assert check("momentum", rules.momentum) is None
    assert capsys.readouterr().out == "momentum: Right.\n"


def test_check_shows_what_the_function_printed(capsys):
    def talks(g, state=None, *, lr):
        print("g is", g[0])
        return -lr * g, state

    check("gradient_descent", talks)
    shown = capsys.readouterr().out
    assert shown.startswith("Your function printed:\ng is ")
    assert shown.endswith(" ...\ngradient_descent: Right.\n")
    assert len(shown) < 600


def test_other_defaults_are_remarked_on_and_cost_nothing():
    def momentum(g, state=(0.0,), *, lr=0.01, beta=0.99):
        return rules.momentum(g, state, lr=lr, beta=beta)

    verdict = diagnose("momentum", momentum)
    assert (verdict.passed, verdict.score) == (True, 1.0)
    assert verdict.message == "Right. (By default your `beta` is 0.99; in the task it is 0.9.)"
    assert diagnose("momentum", lambda g, state=(0.0,), **hyper: rules.momentum(g, state, **hyper)).message == "Right."


def test_partial_credit_grows_with_what_is_right():
    nothing = diagnose("adam", lambda g, state=None, **hyper: (0 * g + 1, None)).score
    first = diagnose("adam", ZOO["adam"]["no_correction"].makers[0]()).score
    eps = diagnose("adam", ZOO["adam"]["eps_inside_root"].makers[0]()).score
    assert 0 == nothing <= first < eps < 0.5


def test_two_mistakes_at_once_name_one_of_them():
    def candidate(g, state=(0.0, 0.0), *, lr, beta1, beta2, eps):
        m, v = beta1 * state[0] + (1 - beta1) * g, beta2 * state[1] + (1 - beta2) * g**2
        return -lr * m / (v**0.5 + 10 * eps), (m, v)  # no correction, and another eps

    verdict = diagnose("adam", candidate)
    assert verdict.mistake == "no_correction"
    assert "something else" in verdict.message


NOTEBOOK = """
from unittest.mock import patch
import matplotlib
matplotlib.use("Agg")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
with patch("course_utils.plots.show") as show:
    shell.run_cell('''
from course_utils.checks import check
def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    (v,) = state
    v = -beta * v + lr * g
    return -v, (v,)
check("momentum", momentum)
''')
print("pictures:", show.call_count, show.call_args.kwargs["alt"])
"""


def test_in_a_notebook_a_picture_and_no_traceback():
    done = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=60)
    assert "momentum: The old velocity enters with the wrong sign" in done.stdout
    assert "Traceback" not in done.stdout
    assert "check(" not in done.stdout
    assert "pictures: 1 Two descents in a ravine" in done.stdout
    assert done.stderr == ""
