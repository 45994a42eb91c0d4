"""What a learner's variant changes in the rule from a paper: the same rule with two lines more, drawn from a pool.

A number can be put into code that somebody else has written; a line must find its place in it. The task says the
change in words and as a formula. Each has two lines, before the rule's own or around them, and a number ``a``, so that
all variants have as many steps. The right forms, and so their mutants, have the lines in them; a known mistake of the
zoo is a black box, and gets them wrapped around it.
"""

import ast
import functools
import hashlib
import inspect
import re
import textwrap
from dataclasses import dataclass, replace

import numpy as np

from course_utils.checks import guidance, variants
from course_utils.checks.tasks import TASKS


@dataclass(frozen=True)
class Change:
    """One change. ``words`` are Markdown; ``before`` and ``after`` are lines; in all of them {a} is the number."""

    words: str
    before: tuple
    after: tuple
    numbers: tuple
    kept: str = "p"  # the name of what is added to a rule's state, 0.0 at first
    taken: str = "g"  # the name of what the rule takes for its gradient


SHARES = tuple((0.2 + 0.05 * np.arange(14)).round(2).tolist())
STEPS = (3, 4, 5, 6, 7)

LAST = """\
Let $p$ be the gradient of the step before, 0 at first: remember it as well, as a copy (`np.array(g)`), for the caller
may use its array again. {now}, wherever the formula has $g$"""
COUNT = """\
Count the steps as well: $p$ is 1 in the first one. {now}, wherever the formula has $\\eta$"""


def _last(now, line):
    return Change(LAST.format(now=now), ("old, raw = raw, 1.0 * g", line), (), SHARES, "raw", "changed")


def _counted(now, line, numbers):
    return Change(COUNT.format(now=now), ("p = p + 1", line), (), numbers)


# of a rule: its state holds one number or array more
OF_RULES = (
    _last("The rule looks ahead: it takes $g + {a}\\,(g - p)$", "changed = g + {a} * (g - old)"),
    _last("The rule looks back: it takes $(1 - {a})\\,g + {a}\\,p$", "changed = (1 - {a}) * g + {a} * old"),
    _last(
        "The rule distrusts what turns round: in each component in which $g\\,p < 0$ it takes ${a}\\,g$",
        "changed = np.where(g * old < 0, {a} * g, g)",
    ),
    Change(
        "The rule never sees $g$ itself, but a moving average, which is 0 at first and has to be remembered as well: "
        "$p \\leftarrow {a}\\,p + (1 - {a})\\,g$. It takes this new $p$ wherever the formula has $g$",
        ("p = {a} * p + (1 - {a}) * g", "changed = p"),
        (),
        SHARES,
        taken="changed",
    ),
    _counted("The rule warms up: it takes $\\eta\\,\\min(1, p/{a})$", "lr = lr * min(1, p / {a})", STEPS),
    _counted("The rule calms down: it takes $\\eta / (1 + {a}\\,p)$", "lr = lr / (1 + {a} * p)", SHARES),
)
POOLS = {
    "warm_restarts": (
        Change(
            "The first steps are smaller: at step $k$ the factor of the formula is multiplied by "
            "$\\min(1, (k + 1)/{a})$. This $k$ counts on through all restarts",
            ("k = step",),
            ("factor = factor * min(1, (k + 1) / {a})",),
            STEPS,
        ),
        Change(
            "Restarts rise less and less: at step $k$ the factor of the formula is divided by $1 + {a}\\,k$. This $k$ "
            "counts on through all restarts",
            ("k = step",),
            ("factor = factor / (1 + {a} * k)",),
            SHARES,
        ),
        Change(
            "Restarts fade out: at step $k$ the factor of the formula is multiplied by ${a}^k$. This $k$ counts on "
            "through all restarts",
            ("k = step",),
            ("factor = factor * {a}**k",),
            SHARES,
        ),
    ),
    "delay_compensated": (
        Change(
            "Taylor's term is trusted only nearby: no component of $x_{{\\text{{now}}}} - x_{{\\text{{read}}}}$ counts "
            "for more than ${a}$, or for less than $-{a}$",
            ("way = np.clip(now - read, -{a}, {a})", "read = now - way"),
            (),
            SHARES,
        ),
        Change(
            "Where gradients are large the correction is held back: $\\lambda$ is divided by ${a} + q$, with $q$ the "
            "mean of all components of $g \\odot g$",
            ("q = (g * g).mean()", "lam = lam / ({a} + q)"),
            (),
            SHARES,
        ),
        Change(
            "Late gradients step less far: $\\eta$ is divided by $1 + {a}\\,d$, with $d$ the largest size of a "
            "component of $x_{{\\text{{now}}}} - x_{{\\text{{read}}}}$",
            ("d = abs(now - read).max()", "lr = lr / (1 + {a} * d)"),
            (),
            SHARES,
        ),
    ),
}
AROUND = {  # around a black box with the same arguments; what else it takes is handed on
    "warm_restarts": """
def changed(step, **others):
    {before}
    factor = rule(step, **others)
    {after}
    return factor
""",
    "delay_compensated": """
def changed(g, now, read, lr, lam):
    {before}
    return rule(g, now, read, lr=lr, lam=lam)
""",
    None: """
def changed(g, state=((), 0.0), *, lr, **others):
    inner, {kept} = state
    {before}
    update, *inner = rule({taken}, *inner, lr=lr, **others)
    return update, (inner, {kept})
""",
}


PLAIN = (
    "(What the text above, the hints and the check's last words say of the rule, numbers and all, is said of the "
    "paper's, without this change.)"
)


def drawn(exercise, name, variant):
    """This variant's change of the rule, with its number in it; None if there is none."""
    task = TASKS.get(name)
    if not variant or task is None or not task.answer.__module__.endswith(".papers"):
        return None
    pool = POOLS.get(name, OF_RULES)
    number = int.from_bytes(hashlib.sha256(f"{variant} change of {name}".encode()).digest()[:6])
    change = pool[number % len(pool)]
    a = change.numbers[number // len(pool) % len(change.numbers)]
    lines = [tuple(line.format(a=a) for line in part) for part in (change.before, change.after)]
    return replace(change, words=change.words.format(a=a), before=lines[0], after=lines[1], numbers=(a,))


def task(exercise, name, variant):
    """The paragraph that tells a learner of the change; "" if there is none."""
    if not (change := drawn(exercise, name, variant)):
        return ""
    words = f"**Yours.** {change.words}. All else stays as it is. {PLAIN}"
    return textwrap.fill(words, 120, break_long_words=False)


def written(source, change):
    """The source of the rule, which may have nbgrader's marks in it, with the lines of the change."""
    lines = source.rstrip("\n").split("\n")
    returned = max(i for i, line in enumerate(lines) if line.startswith("    return "))
    unpacked = [i for i, line in enumerate(lines) if re.search(r" = state( or \(.*\))?$", line)]
    if unpacked:
        (first,) = unpacked
        lines[returned] = re.sub(r",?\)$", f", {change.kept})", lines[returned])
        lines[first] = re.sub(r"^    \(?([^()]*?),?\)? = state", rf"    \1, {change.kept} = state", lines[first])
        lines[first] = re.sub(r"( or \(.*)\)$", r"\1, 0.0)", lines[first])
        lines = [re.sub(r"(state=\([^()]+?),?\)", r"\1, 0.0)", line) for line in lines]
    else:
        node = ast.parse(source).body[0]
        first = max([node.body[0].end_lineno - 1, *(i for i, line in enumerate(lines) if "BEGIN SOLUTION" in line)])
    if change.after:
        value = lines[returned].removeprefix("    return ")
        lines[returned : returned + 1] = [
            f"    {line}" for line in (f"factor = {value}", *change.after, "return factor")
        ]
    lines[first + 1 :] = [re.sub(r"\bg\b", change.taken, line) for line in lines[first + 1 :]]
    lines[first + 1 : first + 1] = [f"    {line}" for line in change.before]
    return "\n".join(lines) + "\n"


def around(name, change, rule):
    """``rule``, a black box, with the lines of the change around it."""
    before, after = ("\n    ".join(part) for part in (change.before, change.after))
    names = {"np": np, "rule": rule}
    source = AROUND[name if name in POOLS else None].format(
        before=before, after=after, kept=change.kept, taken=change.taken
    )
    exec(compile(source, __file__, "exec"), names)
    return names["changed"]


def current(name):
    """The task of this name as the variant in use asks it."""
    exercise = guidance.exercise_of(name)
    return _changed(exercise, name, variants.in_use(exercise))


@functools.lru_cache(64)  # the same object for the same variant: the verdict keeps what it has observed of it
def _changed(exercise, name, variant):
    if not (change := drawn(exercise, name, variant)):
        return TASKS[name]
    plain = TASKS[name]
    names = dict(plain.answer.__globals__)
    source = written(inspect.getsource(plain.answer), change)
    exec(compile(source, __file__, "exec"), names)  # as ours, which does not answer while a learner's is asked
    names[name].source = source
    return replace(plain, right={names[name]: ""}, plain=plain, change=functools.partial(around, name, change))
