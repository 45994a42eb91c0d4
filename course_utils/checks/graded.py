"""What a graded cell of an exercise calls: the verdict in words, and the points for it.

nbgrader takes a graded cell's last value for its points, an error for 0, and anything on stderr for 0 too. These
functions return a float from 0 to ``points``, or raise ``AssertionError`` with the verdict where there are none.
"""

import contextlib
import inspect
import numbers
import os
import re

import numpy as np

from course_utils import progress
from course_utils.checks import CheckFailed, cells, changes, check, guard, guidance, mutants, parts, probes, variants
from course_utils.checks.relations import known, relation, relation_of_some, vague
from course_utils.checks.tasks import TASKS
from course_utils.checks.verdict import passes

EXACTLY, NEARLY = 1e-6, 1e-3  # how near to a mutant an answer must be; where a question lets estimates pass, nearly
GUESSING = 0.15  # below this share of ten digits right nothing has been learned
ELSEWHERE = 1 / 25  # of the guard's time, to ask an answer in one other variant, where its loops may never end
JUDGED = 10  # added to the seeds with which a learner tunes: settings are judged on others


def _filled(entry):
    """Batches of the right sizes, with ``entry()`` for every index."""

    def minibatches(n, batch_size, epochs, seed):
        sizes = [min(batch_size, n - begin) for begin in range(0, n, batch_size)] * epochs
        return [np.array([entry() for _ in range(size)], dtype=float) for size in sizes]

    return minibatches


# Answers without sense to tasks that ask for yes and no, or for zeros among others: what they get right counts nothing
SENSELESS = {
    "minibatches": [_filled(lambda: 0), _filled(np.random.default_rng(0).random)],
    "staleness": [lambda order: np.zeros(len(order))],
}


def graded(name, candidate, points):
    """The points for ``check(name, candidate)``: all, or part of them for a rule that is right in places."""
    exercise = guidance.exercise_of(name)
    _fresh(name, candidate)
    try:
        check(name, variants.asked(exercise, name, candidate))
    except CheckFailed as verdict:
        _add_recursion(exercise, name, candidate, verdict)
        if verdict.is_judged:
            _mine(exercise, name, candidate, lambda other: _passes(name, other))
        score = min(verdict.score, _sensible(name, variants.asked(exercise, name, candidate)) / 2)
        return _partly(exercise, name, verdict, score * points, points)
    return _all(exercise, name, points)


def _passes(name, candidate):
    with contextlib.suppress(guard.Stop):
        return guard.run(lambda: passes(changes.current(name), candidate), ELSEWHERE * guard.SECONDS)[0]
    return False


def compared(name, candidate, *, exercise, points):
    """The points for answering as the part ``name`` of the exercise does: all, or for some cases up to half of them.

    One and the same answer to every case is worth nothing, though it may be right in one.
    What it is compared with, and the mistakes that it knows, stand in course_utils/checks/parts.
    """
    _fresh(name, candidate)
    part = parts.find(exercise, name)
    drawn = len(part.cases) - part.exact
    cases = [_redrawn(case, number, part.right) for number, case in enumerate(part.cases[:drawn])] + part.cases[drawn:]
    asked = part.wrap(variants.asked(exercise, name, candidate)) if callable(candidate) else candidate
    try:
        answers = [_answer(name, asked, case) for case in cases]
    except CheckFailed as verdict:
        _add_recursion(exercise, name, candidate, verdict)
        raise
    rights = [np.asarray(part.right(*case), dtype=float) for case in cases]
    hits = [_same(answer, right, part.tolerance) for answer, right in zip(answers, rights, strict=True)]
    if all(hits):
        print(f"{name}: Right.")
        return _all(exercise, name, points)

    def is_right(other):
        return all(
            _same(_answer(name, part.wrap(other), case, ELSEWHERE * guard.SECONDS), right, part.tolerance)
            for case, right in zip(cases, rights, strict=True)
        )

    _mine(exercise, name, candidate, is_right)
    verdict = CheckFailed(f"{name}: {_sentence(exercise, name, part, cases, answers, rights, hits)}")
    verdict.is_judged = True
    _add_recursion(exercise, name, candidate, verdict)
    is_constant = _all_equal(answers) and not _all_equal(rights)
    return _partly(exercise, name, verdict, 0 if is_constant else points * sum(hits) / len(hits) / 2, points)


def reached(name, candidate, run, *, names, floor, target, points, exercise=None):
    """The points for settings with which ``run`` reaches ``target``: none up to ``floor``, in between in proportion.

    candidate: a function without arguments that returns the settings, a dict with none but the keys ``names``.
    run: called as ``run(**settings)``; where it takes ``seeds``, with others than those that it has by itself, on
    which the learner has tuned. exercise: its number, for hints and progress.
    """
    _fresh(name, candidate)
    settings = _call(name, candidate, (), lambda result: result)
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise CheckFailed(f"{name}: return a dict of settings, such as {{'lr': 0.1}}, not {settings!r:.80}.")
    offered = ", ".join(map(repr, names))
    for key, setting in settings.items():
        if key not in names:
            raise CheckFailed(f"{name}: {key!r} is not yours to set here; the task offers {offered}.")
        if isinstance(setting, float) and not np.isfinite(setting):
            raise CheckFailed(f"{name}: {key!r} is {setting!r}, which is not a number to train with.")
    given, unit = dict(settings), ""
    try:
        rate = variants.rate(exercise, name)
        if rate != 1 and isinstance(given.get("lr"), numbers.Real):  # one of numpy's, too
            given["lr"] = float(given["lr"]) * rate
            unit = "Is your `lr` handed in in your unit (the line `# Yours`)? "
        value = float(run(**given, **_other_seeds(run)))
    except Exception as error:  # it diverged; a value of the wrong kind; a setting that is missing
        unit = unit if isinstance(error, ArithmeticError) else ""
        raise CheckFailed(f"{name}: {unit}{_why(error, settings)} (The task offers {offered}.)") from None
    if not np.isfinite(value):
        raise CheckFailed(f"{name}: {unit}The accuracy is not a number with these settings.")
    if value >= target:
        print(f"{name}: {value:.2%} on average, and {target:.2%} was the target. Right.")
        return _all(exercise, name, points)
    text = f"{name}: {value:.2%} on average; the target is {target:.2%}, and points begin at {floor:.2%}."
    if "lr" in names and "lr" not in settings:
        text += " Your dict leaves 'lr' out, so it trains at the default rate."
    elif value < GUESSING:
        text += " That is guessing: with these settings it diverges, or it does not learn at all."
        text = text.replace(": ", f": {unit}", 1)
    verdict = CheckFailed(text)
    verdict.is_judged = True
    return _partly(exercise, name, verdict, points * (value - floor) / (target - floor), points, mistake="below")


def path_along(rule, gradients, **hyper):
    """Where ``rule`` stands after each of the ``gradients``, from 0: what a learner's loop should do; same shape."""
    x, state, points = 0.0, (), []
    for g in gradients:
        update, *state = rule(g, *state, **hyper)
        x = x + update
        points.append(x)
    return np.array(points)


def _why(error, settings):
    """What an exception says of the settings with which ``run`` raised it."""
    text = f"with {{{', '.join(f'{key!r}: {setting!r:.40}' for key, setting in settings.items())}}}: {error}".rstrip(
        "."
    )
    if "required positional argument" in text or "required keyword-only argument" in text:
        return f"{text}: your dict leaves it out."
    if "is not iterable" in text:
        return f"{text}: one of them should be a tuple, such as (64,), with a comma even if it holds one number."
    if not isinstance(error, (ValueError, ArithmeticError)):  # no sentence of the course's
        kinds = ", ".join(f"{key!r} is {_kind(setting)}" for key, setting in settings.items())
        return f"{text}. Is each of the kind that the task shows? Here {kinds}."
    meant = [key for key, setting in settings.items() if f"not {setting!r}" in text and f"{key} must" not in text]
    return f"{text} (that is your {meant[0]!r})." if len(meant) == 1 else f"{text}."


def _kind(setting):
    kinds = {str: "text", int: "a whole number", float: "a number", tuple: "a tuple", type(None): "None"}
    return kinds.get(type(setting), f"of type {type(setting).__name__}")


def _other_seeds(run):
    """The argument ``seeds`` for ``run``: not the seeds that it takes by itself; {} if it takes none."""
    own = inspect.signature(run).parameters.get("seeds")
    return {} if own is None else {"seeds": [seed + JUDGED for seed in own.default]}


def _mine(exercise, name, candidate, is_right):
    """Raise if this is the right answer to another learner's variant."""

    def is_right_there(other):
        with contextlib.suppress(CheckFailed):
            return is_right(other)
        return False

    if variants.of_another(exercise, name, candidate, is_right_there):
        raise CheckFailed(
            f"{name}: This answers another variant: all is right but the number that is yours. "
            "Which one stands in your notebook, in the line that begins with `# Yours`?"
        ) from None


def _add_recursion(exercise, name, candidate, verdict):
    """In a variant, say first of a function that calls itself what its inner call may have got wrong."""
    if not variants.task(exercise, name, variants.in_use(exercise)):
        return
    with contextlib.suppress(Exception):  # what has no code: it lives in another kernel
        code = inspect.unwrap(candidate).__code__
        if any(code.co_name in part.co_names + part.co_freevars for part in guard.codes(code)):
            told = "Your function calls itself: does the inner call get its arguments in your units, too?"
            verdict.args = (str(verdict).replace(f"{name}: ", f"{name}: {told} ", 1),)


def _fresh(name, candidate):
    """Raise if what would be examined is an older version: the cell of the newer one is no Python."""
    if text := cells.stale(getattr(candidate, "__name__", name)):
        raise CheckFailed(f"{name}: {text}")


# ---- what follows a verdict


tried = {}  # (exercise, name) -> the mistake of the last try, and how many tries in a row have made it


def _remembers():
    """Whether tries and points are kept: not when grading, nor where a learner has turned it off."""
    return os.environ.get("COURSE_PROGRESS", "1") != "0"


def _all(exercise, name, points):
    """All points, a sentence that ties the question to its chapter, and a question to go on with."""
    tried.pop((exercise, name), None)
    if about := guidance.guide(exercise, name):
        if changes.drawn(exercise, name, variants.in_use(exercise)):
            print("And of the paper's rule, without your change:")
        print(f"{about.tie} (Chapter {exercise}, \u201c{about.section}\u201d.)\nTo go on: {about.onward}")
    return _kept(exercise, name, float(points))


def _partly(exercise, name, verdict, score, points, mistake=None):
    """Part of the points, shown with the verdict; the verdict raised where there are none.

    mistake: what makes two verdicts the same; their text, if it is not given.
    """
    score = _kept(exercise, name, max(round(float(score), 2), 0.0))
    shown = CheckFailed(_again(exercise, name, verdict, mistake))
    if not score > 0:
        raise shown from None
    print(f"{shown}\n{score:g} of {points} points.")
    return score


def _kept(exercise, name, points):
    if exercise is not None and progress.is_kept():
        progress.keep(exercise, name, points)
    return points


def _again(exercise, name, verdict, mistake):
    """The verdict's text; where the last try made the same mistake, its first sentence and the next hint."""
    text, about = str(verdict), guidance.guide(exercise, name)
    if not (about and verdict.is_judged and _remembers()):
        return text
    mistake = mistake or text
    last, times = tried.get((exercise, name), (None, 0))
    times = times + 1 if last == mistake else 0
    tried[exercise, name] = mistake, times
    if not times:
        return text
    first = re.match(r".*?[.?!](?=\s|$)", text, re.DOTALL)[0] if mistake == text else text
    if times <= len(about.hints):
        return f"{first} As before; so try this. {about.hints[times - 1]}"
    return (
        f"{text} As before. Read \u201c{about.section}\u201d in chapter {exercise} beside your code, and open the "
        "folded hints above."
    )


# ---- comparing


def _redrawn(case, number, right):
    """The case as it is; when grading, another one of its kind, if that can be asked."""
    other = probes.redrawn(case, number)
    with contextlib.suppress(Exception):  # such as a case that was built, and whose answer is known by its numbers
        right(*other)
        return other
    return case


def _answer(name, candidate, case, seconds=None):
    return _call(name, candidate, case, lambda result: guard.array(result, f"What {name} returns"), seconds)


def _call(name, candidate, case, read, seconds=None):
    """``read`` of what the candidate returns; whatever goes wrong becomes a sentence."""
    try:
        return guard.run(lambda: read(guard.Caller(name, candidate)(*_own(case))), seconds)[0]
    except guard.Stop as stop:
        raise CheckFailed(f"{name}: {stop.message}") from None


def _own(case):
    """The arguments of a case, arrays copied."""
    return [np.array(value) if isinstance(value, np.ndarray) else value for value in case]


def _all_equal(arrays):
    return all(np.array_equal(arrays[0], other) for other in arrays)


def _sensible(name, candidate):
    """The share of the probes of a task that the candidate answers right, without those that nonsense does, too."""
    if name not in SENSELESS:
        return 1.0
    task = TASKS[name]
    right = probes.observe(task, task.answer).answers
    for senseless in SENSELESS[name]:
        answers = probes.observe(task, senseless).answers
        right = {label: answer for label, answer in right.items() if not probes.same(answers[label], answer)}
    with contextlib.suppress(guard.Stop):
        mine = guard.run(lambda: probes.observe(task, candidate))[0].answers
        return sum(label in mine and probes.same(mine[label], right[label]) for label in right) / len(right)
    return 0.0


def _same(answer, expected, tolerance):
    expected = np.asarray(expected, dtype=float)
    size = np.abs(expected).max(initial=0)
    return answer.shape == expected.shape and bool((np.abs(answer - expected) <= tolerance * size).all())


def _sentence(exercise, name, part, cases, answers, rights, hits):
    """What to tell a learner whose answers are not all right: a known mistake, a relation, or where it goes wrong."""

    def same(answer, expected):
        return _same(answer, expected, part.tolerance)

    for sentence, mistake in part.mistakes.items():
        with contextlib.suppress(Exception):  # what a mistake cannot answer is another mistake
            if all(same(answer, mistake(*case)) for answer, case in zip(answers, cases, strict=True)):
                return sentence
    if part.estimate and all(_same(*both, NEARLY) for both in zip(answers, rights, strict=True)):
        return part.estimate
    first = hits.index(False)
    if part.questions:
        return _question(exercise, name, part, cases[first], answers[first], rights[first])
    where = _difference(exercise, name, cases[first], answers[first], rights[first], part.tolerance)
    if any(hits):
        where = f"{_call_of(exercise, name, cases[hits.index(True)])} is right, but {where}"
    if not known(answers, cases, part.right, same):
        if found := _mutant(exercise, name, cases, answers, pairs=False):
            return f"{found} {where}"
    if any(hits):
        found = relation_of_some(answers, rights, cases, hits, part.right, same)
        found = found or _mutant(exercise, name, cases, answers)
        return f"{where} {found}" if found else where
    found = relation(answers, rights, cases, part.right, same, is_vague=False)
    found = found or _mutant(exercise, name, cases, answers) or vague(answers, rights, cases, part.right, same)
    return f"{found} {where}" if found else where


def _mutant(exercise, name, cases, answers, pairs=True):
    """What the answers behave like, as a mutant of the right form says it; None if none answers so in all cases."""
    near = EXACTLY if pairs or parts.find(exercise, name).tolerance < NEARLY else NEARLY

    def is_so(function, case, answer):
        mine = np.asarray(function(*_own(case)), dtype=float)
        return bool(np.isfinite(mine).all()) and _same(answer, mine, near)

    def begins_so(function):
        return is_so(function, cases[0], answers[0])

    def is_it(function):
        return all(is_so(function, case, answer) for case, answer in zip(cases, answers, strict=True))

    if not all(np.isfinite(answer).all() for answer in answers):
        return None
    with contextlib.suppress(Exception):  # such as the source of a course that was updated meanwhile: nothing is told
        forms = mutants.of_part(exercise, name)
        return guard.run(lambda: mutants.likeness(forms, begins_so, is_it, pairs, mutants.SECONDS / 2))[0]
    return None


def _call_of(exercise, name, case):
    """The call as a learner would type it; long arrays as dots."""

    def shown(value):
        if np.ndim(value) == 0:
            return f"{value:.6g}" if isinstance(value, (float, np.floating)) else f"{value!r}"
        if np.size(value) > 12:
            return "..."
        return _short(value.tolist()) if isinstance(value, np.ndarray) else repr(value)

    return f"{name}({', '.join(map(shown, variants.given(exercise, name, case)))})"


def _short(value):
    """Numbers in lists, to six digits."""
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return repr(float(f"{value:.6g}")) if isinstance(value, float) else repr(value)


def _difference(exercise, name, case, answer, expected, tolerance):
    call = _call_of(exercise, name, case)
    if answer.shape != expected.shape:
        return f"{call} has shape {answer.shape}; it should have {expected.shape}."
    wrong = ~(np.abs(answer - expected) <= tolerance * np.abs(expected).max(initial=0))
    where = np.unravel_index(np.argmax(wrong), answer.shape)
    place = f", at {[int(i) for i in where]}," if where else ""
    return f"{call}{place} gives {answer[where]:.6g}; it should be {expected[where]:.6g}{_extent(wrong)}."


def _extent(wrong):
    """How far an array is right, in brackets; wrong: true where it is not."""
    if wrong.size < 2 or wrong.all():
        return ""
    rows = wrong.reshape(len(wrong), -1)
    first = int(rows.any(axis=1).argmax())
    if wrong.ndim == 2 and (fine := [i for i in range(wrong.shape[1]) if not wrong[:, i].any()]):
        return (
            f" (column {fine[0]} is right throughout)" if len(fine) == 1 else f" (columns {fine} are right throughout)"
        )
    if first:
        return f" (what stands before it, {first} of {len(wrong)}, is right)"
    return f" ({int((~wrong).sum())} of its {wrong.size} numbers are right)"


def _question(exercise, name, part, case, answer, expected):
    """For a part that asks yes or no, a row for each epoch: the first question that is answered otherwise."""
    if answer.shape != expected.shape:
        shapes = f"the answers have shape {answer.shape}, not {expected.shape}"
        return f"{_call_of(exercise, name, case)} cannot be read: {shapes}."
    row, column = np.argwhere(answer != expected)[0]
    yes = {1.0: "yes", 0.0: "no"}
    given, wanted = yes.get(float(answer[row, column])), yes[float(expected[row, column])]
    arguments = ", ".join(f"{label} = {value}" for label, value in zip(part.labels, case, strict=True))
    return f"With {arguments}, in epoch {row}: {part.questions[column]} Yours: {given}. It should be {wanted}."


cells.watch()
