"""Answers on their own: while a learner's function is asked, the course's package does not answer it.

A rule, a measuring function, a right form: called inside an answer, each raises, with a sentence that says so. So what
is graded is what the learner has written. It is no lock: who copies the text of a function gets past it.
"""

import sys

from course_utils.checks.remote import Remote, apart


def alone(answer):
    """``answer``, a callable, during whose calls the course's functions refuse, but for those handed in.

    The refusal is a ``RuntimeError``; it is raised at the end once more, should the answer have caught it.
    """
    if isinstance(answer, Remote):
        return answer.alone()
    if isinstance(answer, type) or not callable(answer) or _is_ours(type(answer)) or hasattr(answer, "is_alone"):
        return answer

    return apart(answer)


_separate = None  # what is called after every cell, if anything


def watch(names):
    """From now on every function of one of these names that a cell of this notebook defines is :func:`alone`.

    Called again, it watches the new names in place of the old.
    """
    global _separate
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return

    def separate(*_):
        for name in names & shell.user_ns.keys():
            shell.user_ns[name] = alone(shell.user_ns[name])

    separate()
    if _separate in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", _separate)
    shell.events.register("post_run_cell", separate)
    _separate = separate


def _is_ours(kind):
    return kind.__module__.startswith("course_utils.")
