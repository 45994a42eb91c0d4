"""The verdict on how a candidate answered: right, a known mistake, or where it leaves the right path."""

import functools

import numpy as np

from course_utils import rules
from course_utils.checks import guard, mutants, probes
from course_utils.checks.zoo import ZOO


def judge(task, behaviour):
    """passed, slug of the mistake (None if it has none), message for the learner, score from 0 to 1.

    The first of these that applies: nothing could be asked; it answers as an accepted form does; it answers all as a
    known mistake does; a bad habit, whatever the formula; it stopped on the way; it answers all as a mutant of the
    right form does (mutants.py); it answers as a known mistake does, mostly; all its updates are one multiple of the
    right ones; two mistakes, of which one is the sign; and else a sentence on where it goes wrong first.
    """
    if behaviour.stop and not behaviour.answers:
        return False, behaviour.stop.slug, behaviour.stop.message, 0.0
    forms = _right_forms(task)
    for form, remark in forms:
        if _is(behaviour, form) and not behaviour.spoils_state:
            return True, None, f"Right. {remark}".strip(), 1.0
    expected, _ = forms[0]
    right = [label for label in expected.answers if _agree(behaviour, expected, label)]
    slug, message = _mistake(task, behaviour, expected, right)
    counted = [label for label in expected.answers if label != probes.CONSTANT]  # which most wrong rules meet, too
    share = sum(label in right for label in counted) / len(counted)
    return False, slug, message, 0.5 * share if slug != UNCHANGED else 0.0


def passes(task, candidate):
    """Whether the candidate is right, and no more: soon said of one that is wrong from the first probe on."""
    forms = _right_forms(task)
    first, label = probes.first(task, candidate), next(iter(forms[0][0].answers))
    if first is None or not any(probes.same(first, form.answers[label]) for form, _ in forms):
        return False
    behaviour = probes.observe(task, candidate)
    return any(_is(behaviour, form) for form, _ in forms)


def _is(behaviour, form):
    return _all_agree(behaviour, form) and not behaviour.mutated


def _mistake(task, behaviour, expected, right):
    """Slug and message for a candidate that answers only the probes ``right`` as ``expected``."""
    zoo = ZOO[task.name]
    if task.plain and any(_is(behaviour, form) for form, _ in _right_forms(task.plain)):
        return (
            UNCHANGED,
            "This is the rule as its paper has it. In your variant it is changed: see **Yours** in the task.",
        )
    exactly, mostly = _nearest(task, behaviour, expected, right)
    if exactly:
        return exactly, _words(zoo[exactly])
    habit = probes.habit(task, behaviour)
    habit = habit if habit in zoo and _is_sure(behaviour, habit) else None
    ignores = bool(habit) and habit.startswith("ignores_")  # true, but another mistake may be why
    if habit and not ignores:
        return habit, _words(zoo[habit])
    if not ignores and behaviour.stop:
        return behaviour.stop.slug, behaviour.stop.message
    if not behaviour.stop and (found := _mutant(task, behaviour, next(iter(expected.answers)), pairs=not ignores)):
        return LIKE_A_MUTANT, found
    if ignores:
        return habit, _words(zoo[habit])
    if mostly:
        return mostly, _words(zoo[mostly]) + " Mostly, that is: something else is different too."
    if task.is_rule and (factor := _multiple(behaviour, expected)):
        slug = "constant_factor" if factor > 0 else "wrong_sign"
        return slug, f"{_words(zoo[slug])} Your first ones are {factor:.4g} times the right ones."
    if task.is_rule and probes.ORDINARILY not in right and (slug := _opposite(task, behaviour)):
        return "wrong_sign", f"{zoo['wrong_sign'].message} And that is not all: {_words(zoo[slug])}"
    return _first_difference(task, behaviour, expected, right)


LIKE_A_MUTANT = "like_a_mutant"  # the slug of all of them
UNCHANGED = "unchanged"


def _mutant(task, behaviour, first, pairs=True):
    """What the candidate behaves like, as a mutant of a right form says it; None if none answers as it does."""
    mine = behaviour.answers[first]
    if np.isfinite(mine).mean() < 0.25:
        return None

    def begins_so(function):
        if not task.is_rule:
            answer = probes.first(task, function)
            return answer is not None and probes.same(mine, answer)
        state, near = (), 3 * probes.TOLERANCE * np.abs(np.nan_to_num(mine)).max(axis=0)
        for g, update in zip(probes.ORDINARY, mine, strict=True):  # without a guard: there may be thousands
            step, *state = function(g.copy(), *state, **task.hyper)
            if not ((np.abs(step - update) <= near) | (np.isnan(step) & np.isnan(update))).all():
                return False
        return True

    def is_it(function):
        return _all_agree(behaviour, probes.observe(task, function))

    try:
        found, *_ = guard.run(lambda: mutants.likeness(mutants.of_task(task), begins_so, is_it, pairs))
        return found
    except Exception:  # too late, or the source of a course that was updated meanwhile: nothing is told
        return None


def _is_sure(behaviour, habit):
    """Whether a hyperparameter that seems to play no part plays none at all: huge updates may hide what it does."""
    if not habit.startswith("ignores_"):
        return True
    changed = behaviour.answers[probes.alone(habit.removeprefix("ignores_"))]
    return np.allclose(changed, behaviour.answers[probes.ORDINARILY][: len(changed)], rtol=1e-12, atol=0)


def _nearest(task, behaviour, expected, right):
    """Slug of the mistake that answers everything as the candidate does, else of that which agrees with it most.

    Both None if there is none; the second counts only if it agrees in more than half of all probes, and in more than
    half of those that are not ``right``: there is nothing to explain in the others.
    """
    first = next(iter(expected.answers))
    wrong = expected.answers.keys() - set(right)
    best, most = None, max(len(right), len(expected.answers) // 2)
    if not np.isfinite(behaviour.answers[first]).any():
        return None, None  # nothing that could tell which
    for slug, known in _specimens(task):
        if known.first is None or not probes.same(behaviour.answers[first], known.first):
            continue  # another mistake
        specimen = known.behaviour
        if _all_agree(behaviour, specimen) and behaviour.mutated == specimen.mutated:
            return slug, None
        agreed = {label for label in behaviour.answers if _agree(behaviour, specimen, label)}
        if len(agreed) > most and len(agreed & wrong) > len(wrong) / 2:
            best, most = slug, len(agreed)
    return None, best


def _right_forms(task):
    """(behaviour, remark) of every accepted form of the task, the expected one first."""
    return _observed_forms(task, probes.SEED)


@functools.lru_cache(64)
def _observed_forms(task, seed):
    return [(probes.observe(task, form), remark) for form, remark in task.right.items()]


class _Specimen:
    """A specimen of a known mistake, which is asked only what is needed."""

    def __init__(self, task, make):
        self.task, self.make = task, make

    @functools.cached_property
    def first(self):
        """Its answer to the first probe; None if it has none."""
        return probes.first(self.task, self.task.change(self.make()))

    @functools.cached_property
    def behaviour(self):
        return probes.observe(self.task, self.task.change(self.make()))


def _specimens(task):
    """(slug, specimen) of all that the zoo has of the task."""
    return _all_specimens(task, probes.SEED)


@functools.lru_cache(64)
def _all_specimens(task, seed):
    return [(entry.slug, _Specimen(task, make)) for entry in ZOO[task.name].values() for make in entry.makers]


def _agree(behaviour, other, label):
    """Do both answer the probe ``label`` alike?"""
    a, b = behaviour.answers.get(label), other.answers.get(label)
    return a is not None and b is not None and probes.same(a, b)


def _all_agree(behaviour, other):
    """Do both answer everything alike, up to where they stop for the same reason?"""
    if list(behaviour.answers) != list(other.answers):
        return False
    if (behaviour.stop and behaviour.stop.slug) != (other.stop and other.stop.slug):
        return False
    return all(_agree(behaviour, other, label) for label in behaviour.answers)


def _multiple(behaviour, expected):
    """By which factor the ordinary updates differ from the right ones, if it is the same in all of them; else None."""
    mine, its = (side.answers[probes.ORDINARILY] for side in (behaviour, expected))
    factor = float((mine / its).flat[0])
    is_multiple = np.isfinite(mine).all() and factor and abs(factor - 1) > 1e-3 and probes.same(mine, factor * its)
    return factor if is_multiple else None


def _opposite(task, behaviour):
    """The slug of a mistake with which the candidate would agree at first if its sign were right."""
    for slug, specimen in _specimens(task):
        answer = specimen.first
        if answer is not None and np.isfinite(answer).all():
            if probes.same(-behaviour.answers[probes.ORDINARILY], answer):
                return slug
    return None


def _words(entry):
    return f"{entry.message} {entry.hint}"


def _first_difference(task, behaviour, expected, right):
    """Slug (or None) and a sentence on where a candidate leaves the right path, for mistakes without a name."""
    label = next(label for label in expected.answers if label not in right)
    given, wanted = behaviour.answers[label], expected.answers[label]
    if given.shape != wanted.shape:
        shapes = f"your result has shape {given.shape}, and it should have {wanted.shape}"
        return "wrong_shape", f"With {label}: {shapes}. Which axis is too many, missing, or in another's place?"
    if label.endswith("?"):  # minibatch_probe asks so
        return None, f"With {label} Yours: {'yes' if given else 'no'}. Right: {'yes' if wanted else 'no'}."
    size = np.abs(np.where(np.isfinite(wanted), wanted, 0)).max(axis=0, initial=0) if wanted.ndim else np.abs(wanted)
    wrong = ~(np.abs(given - wanted) <= probes.TOLERANCE * size + 1e-13)
    wrong = wrong & ~np.isfinite(given) if not np.isfinite(given).all() else wrong
    where = tuple(int(i) for i in np.argwhere(wrong)[0]) if wanted.ndim else ()
    mine, its = float(given[where]), float(wanted[where])
    ratio = f" ({mine / its:.4g} times as much)" if np.isfinite(mine) and mine and its else ""
    numbers = f"yours is {mine:.6g}, it should be {its:.6g}{ratio}"
    slug = None if np.isfinite(mine) else "not_finite"
    if task.is_rule:
        return slug, _in_a_run(label, where, mine, numbers, bool(rules.initial_state(task.answer)))
    position = f" at position {list(where)}" if where else ""
    if np.isfinite(given).all() and np.abs(given - wanted).max() <= 0.1 * np.abs(wanted).max():
        return slug, f"With {label}{position}: {numbers}. It is near: is it an estimate, or is a small term missing?"
    return slug, f"With {label}{position}: {numbers}. Can you follow this one entry through your code by hand?"


def _in_a_run(label, where, mine, numbers, remembers):
    """A sentence for a rule that is first wrong at ``where``, (step, component), of the probe ``label``.

    remembers: whether the rule has a state at all.
    """
    step, component = where[0] + 1, where[1] + 1
    place = f"step {step}, component {component}"
    ordinary = label == probes.ORDINARILY
    if not np.isfinite(mine):
        gradient = {probes.ORDINARILY: probes.ORDINARY, probes.EXTREMELY: probes.EXTREME}.get(label)
        shown = "" if gradient is None else f", where the gradient is {gradient[where]:.3g}"
        return f"Your update is not finite at {place}{shown}. Which division or root goes wrong there?"
    if ordinary and step == 1:
        first = "when everything remembered is 0" if remembers else "as it stands in the task"
        hint = f"What does the formula give for the very first step, {first}?"
        return f"Already the first step is off: at component {component} {numbers}. {hint}"
    if ordinary:
        hint = "The steps before are right: is it what you carry from one step to the next, or when you use it?"
        return f"The first wrong step is {place}: {numbers}. {hint}"
    if hyper := next((name for name in probes.ALONE if label == probes.alone(name)), None):
        return (
            f"With the usual hyperparameters you are right; with {hyper} = {probes.ALONE[hyper]} you are not: "
            f"at {place} {numbers}. Where does `{hyper}` stand in the formula, and where in your code?"
        )
    if label == probes.CHANGING_LR:
        return (
            f"While lr is constant you are right; once it changes you are not: at {place} {numbers}. "
            "Which of the steps that you remember should still carry the old lr?"
        )
    if label == probes.EXTREMELY:
        return (
            f"With ordinary gradients you are right, but not with this one ({probes.EXTREME[where]:.3g}): at {place} "
            f"{numbers}. What do eps, a limit or a special case do to it?"
        )
    return f"You are right at first, but not with {label}: at {place} {numbers}. What is different there?"
