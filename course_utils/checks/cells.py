"""What a notebook's cells did not do: a graded cell that is run before, or in spite of, the cell above it says so.

A function may be missing because its cell was never run, has another name or is no Python yet; or an older version of
it is still there because the newer one is no Python. Outside a notebook nothing is watched.
"""

import difflib
import re
import sys
import textwrap
import traceback

CALL = re.compile(r"\b(?:graded|compared|reached)\(")

broken = {}  # name of a function whose cell, when last run, was no Python -> (line number, the line, Python's words)


def watch():
    """Begin to watch the cells of this notebook, if there is one."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and note not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", note)
        shell.set_custom_exc((NameError,), tell)


def note(result):
    """After each cell: which functions it should have defined, and could not."""
    source = getattr(result.info, "raw_cell", None) or ""
    error = result.error_before_exec
    for name in re.findall(r"^(?:def|class) +(\w+)", source, re.MULTILINE):
        broken.pop(name, None)
        if isinstance(error, SyntaxError):
            broken[name] = error.lineno, (error.text or "").strip(), error.msg


def stale(name):
    """A sentence if the cell that should define ``name`` is no Python, else None."""
    if name not in broken:
        return None
    line, text, words = broken[name]
    return (
        f"the cell with `{name}` has not run, since its line {line} is not Python: `{text}` ({words}). "
        "Mend that line, run its cell, then this one."
    )


def missing(name, there):
    """A sentence on a name that a graded cell does not find among the names ``there``."""
    close = difflib.get_close_matches(name, [other for other in there if other != name], 1, 0.75)
    hint = f" There is a `{close[0]}`: if it is meant, give it the name that the task asks for." if close else ""
    if text := stale(name):
        return text[0].upper() + text[1:] + hint
    return f"There is no `{name}` yet: run its cell above (Shift+Enter), then this one.{hint}"


def tell(shell, kind, error, trace, tb_offset=None):
    """IPython calls this for a NameError: a sentence if a graded cell caused it, else the usual traceback."""
    last = traceback.extract_tb(trace)[-1]
    if last.name == "<module>" and CALL.search(last.line or "") and getattr(error, "name", None):
        there = [name for name, value in shell.user_ns.items() if callable(value) and not name.startswith("_")]
        shell._showtraceback(kind, error, textwrap.wrap(missing(error.name, there), 88))
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
