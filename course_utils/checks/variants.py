"""A variant of each exercise for each learner: the unit, or the offset, in which one argument of an answer comes.

(And the bugs that are to be found: planted.py.)

A variant is a number drawn from the learner's name, the exercise and the course's salt; 0 is the variant that everybody
may read, in exercises/. It gives each question of :data:`TWISTS` a number of its own, say 1.37 for ``lr``: the answer
is called with ``lr / 1.37`` and has to take ``1.37 * lr``. So every variant asks for one more operation, the same
one, and an answer handed on with its writer's number in it is wrong. Who writes the number anew gets the points: that
is as much as constants can do.
"""

import functools
import hashlib
import hmac
import time

import numpy as np

from course_utils.checks.alone import alone, watch

# Neighbouring numbers differ by more than any check tolerates: 3 percent here, and one there.
FACTORS = np.unique((1.05 * 1.03 ** np.arange(150)).round(2))
COUNTS = np.arange(1, 60)


def _below(value, k):
    """What, times ``k``, is ``value``; or a little less, where no float is: a number of steps comes out as whole."""
    near = np.nextafter(value / k, [0, value / k, np.inf])
    exact = [float(one) for one in near if k * one == value]
    return exact[0] if exact else value / k * (1 - 1e-9)


# kind -> what the learner has to do, the numbers that may be drawn, and how the argument comes
KINDS = {
    "scale": ("{k} * {name}", FACTORS, lambda value, k: value / k),
    "scale exactly": ("{k} * {name}", FACTORS, _below),
    "scale list": ("{k} * np.array({name})", FACTORS, lambda value, k: [v / k for v in value]),
    "shift": ("{name} - {k}", COUNTS, lambda value, k: value + k),
    "shift all": ("np.array({name}) - {k}", COUNTS, lambda value, k: tuple(v + k for v in value)),
    "drop": (
        "{name}[{k}:]",
        COUNTS,
        lambda value, k: np.concatenate([np.repeat(value[:1], k, axis=0), value]),
    ),
    "drop few": (
        "{name}[{k}:]",
        COUNTS,
        lambda value, k: np.concatenate([np.repeat(value[-1:], k, axis=0), value]),
    ),
    "drop columns": (
        "{name}[:, {k}:]",
        COUNTS,
        lambda value, k: np.hstack([np.repeat(value[:, :1], k, axis=1), value]),
    ),
}
WORDS = {
    "scale": "`{name}` comes in units of {k}: where the task says {name}, take {line}",
    "scale exactly": "`{name}` comes in units of {k}: where the task says {name}, take {line}",
    "scale list": "`{name}` comes in units of {k}: where the task says {name}, take {line}",
    "shift": "`{name}` comes {k} too large: where the task says {name}, take {line}",
    "shift all": "every entry of `{name}` comes {k} too large: where the task says {name}, take {line}",
    "drop": "the first {k} entries of `{name}` do not count: where the task says {name}, take {line}",
    "drop few": "the first {k} entries of `{name}` do not count: where the task says {name}, take {line}",
    "drop columns": "the first {k} columns of `{name}` do not count: where the task says {name}, take {line}",
}

# (exercise, question) -> argument, its position, kind
TWISTS = {
    (2, "gradient_descent"): ("lr", None, "scale"),
    (2, "softmax_cross_entropy_gradient"): ("logits", 0, "scale"),
    (2, "linear_layer_backward"): ("delta", 0, "scale"),
    (2, "relu_backward"): ("delta", 0, "scale"),
    (2, "numerical_gradient"): ("h", 2, "scale"),
    (2, "gradient"): ("images", 1, "scale"),
    (2, "final_loss"): ("counts", 0, "shift all"),
    (2, "barzilai_borwein"): ("lr", None, "scale"),
    (3, "minibatches"): ("n", 0, "shift"),
    (3, "minibatch_noise"): ("gradients", 0, "scale"),
    (3, "matching_lr"): ("lr", 0, "scale"),
    (3, "my_batches"): ("n", 2, "shift"),
    (3, "step_decay"): ("factor", 2, "scale"),
    (3, "warm_restarts"): ("period", 1, "shift"),
    (4, "momentum"): ("lr", None, "scale"),
    (4, "top_speed"): ("lr", 1, "scale"),
    (4, "steps_to"): ("share", 0, "scale exactly"),
    (4, "paths"): ("lr", 1, "scale"),
    (4, "quasi_hyperbolic"): ("lr", None, "scale"),
    (5, "who_returns"): ("times", 0, "drop columns"),
    (5, "versions_read"): ("order", 0, "drop"),
    (5, "staleness"): ("order", 0, "drop"),
    (5, "staler_than"): ("k", 0, "shift"),
    (5, "waiting"): ("workers", 0, "shift"),
    (5, "server_path"): ("start", 1, "scale"),
    (5, "delay_compensated"): ("lr", 3, "scale"),
    (6, "nesterov"): ("lr", None, "scale"),
    (6, "ahead_path"): ("curvature", 1, "scale"),
    (6, "without_overshoot"): ("curvature", 0, "scale"),
    (6, "standing_path"): ("lr", 3, "scale"),
    (6, "restarted_nesterov"): ("lr", None, "scale"),
    (7, "adagrad"): ("lr", None, "scale"),
    (7, "step_after"): ("lr", 2, "scale"),
    (7, "steps_to_recover"): ("bad", 0, "scale exactly"),
    (7, "tables"): ("lr", 2, "scale"),
    (7, "adadelta"): ("lr", None, "scale"),
    (8, "rmsprop"): ("lr", None, "scale"),
    (8, "waking_step"): ("lr", 1, "scale"),
    (8, "mean_step"): ("signal", 0, "scale"),
    (8, "paths"): ("lr", 1, "scale"),
    (8, "combined"): ("lr", 1, "scale"),
    (8, "centred_rmsprop"): ("lr", None, "scale"),
    (9, "adam"): ("lr", None, "scale"),
    (9, "coast"): ("lr", 0, "scale"),
    (9, "lead"): ("n", 0, "shift"),
    (9, "resumed"): ("gradients", 0, "drop few"),
    (9, "amsgrad"): ("lr", None, "scale"),
    (10, "chosen"): ("rates", 0, "scale"),
    (10, "paired"): ("a", 0, "scale"),
    (10, "width"): ("accuracy", 1, "scale"),
    (10, "race"): ("lrs", 0, "scale list"),
    (10, "schedule_free"): ("lr", None, "scale"),
}

SHARED = {
    (5, "staleness"): "versions_read",
    (8, "combined"): "rmsprop",
}  # a question that is answered by calling the answer to another one
WRAPPED = {(3, "my_batches")}  # what is measured of the answer has other arguments than the answer

_now = (None, 0)  # exercise, variant
_is_fixed = False


def number(student, exercise, salt):
    """The variant, a whole number from 1 on, of this learner's exercise; all three are texts."""
    drawn = hmac.digest(salt.encode(), f"{exercise}\0{student}".encode(), hashlib.sha256)
    return int.from_bytes(drawn[:6]) + 1


def use(exercise, variant, *, fixed=False):
    """From now on the checks ask for this variant of the exercise (its number). fixed: whatever is said later."""
    global _now, _is_fixed
    if fixed or not _is_fixed:
        _now, _is_fixed = (exercise, variant), fixed
    if variant:  # who studies alone may call what there is
        watch({name for number, name in TWISTS if number == exercise})


def in_use(exercise):
    """The variant of the exercise that the checks ask for now."""
    return _now[1] if _now[0] == exercise else 0


def constant(exercise, name, variant):
    """The number that belongs to this question in this variant; None if the question is the same for everybody."""
    if not variant or (exercise, name) not in TWISTS:
        return None
    numbers = KINDS[TWISTS[exercise, name][2]][1]
    drawn = hashlib.sha256(f"{variant} {SHARED.get((exercise, name), name)}".encode()).digest()
    return numbers[int.from_bytes(drawn[:6]) % len(numbers)].item()


def task(exercise, name, variant):
    """What a learner has to do with this variant's number: a line of Python ("" for none) and a sentence; or None."""
    k = constant(exercise, name, variant)
    if k is None:
        return None
    argument, _, kind = TWISTS[exercise, name]
    if other := SHARED.get((exercise, name)):
        return "", f"`{argument}` comes as it does for `{other}`, which sees to it when you call it"
    line = KINDS[kind][0].format(k=k, name=argument)
    return f"{argument} = {line}", WORDS[kind].format(k=k, name=argument, line=line)


def rate(exercise, name, variant=None):
    """The unit in which a learner hands in a learning rate that was chosen: 1 in variant 0.

    It is one of 121 powers of ten, so that a neighbour's rate is hopeless, or diverges, but for one pair in 121.
    variant: the one in use, if it is not given.
    """
    variant = in_use(exercise) if variant is None else variant
    if not variant:
        return 1.0
    drawn = hashlib.sha256(f"{variant} rate of {name}".encode()).digest()
    return float(f"1e{int.from_bytes(drawn[:6]) % 121 - 60}")


def given(exercise, name, case):
    """The arguments of a case as the answer is called with them: as they come in the variant in use."""
    k = _constant(exercise, name)
    if k is None or (exercise, name) in WRAPPED:
        return case
    _, place, kind = TWISTS[exercise, name]
    return tuple(KINDS[kind][2](value, k) if i == place else value for i, value in enumerate(case))


def asked(exercise, name, candidate):
    """The candidate, called with its arguments as they come in the variant in use; in a variant, on its own."""
    k = _constant(exercise, name)
    candidate = alone(candidate) if in_use(exercise) else candidate
    return candidate if k is None or not callable(candidate) else _turned(exercise, name, candidate, k)


def of_another(exercise, name, candidate, is_right, seconds=0.5):
    """Whether the candidate is right in another variant, as far as this can be seen in so short a time.

    is_right: says of a candidate whether it is right as the course itself asks.
    """
    mine = _constant(exercise, name)
    if mine is None or not callable(candidate):
        return False
    end = time.monotonic() + seconds
    if is_right(candidate):
        return True
    for k in KINDS[TWISTS[exercise, name][2]][1]:
        if time.monotonic() > end:
            return False
        if k != mine and is_right(_turned(exercise, name, candidate, k.item())):
            return True
    return False


def _constant(exercise, name):
    return constant(exercise, name, in_use(exercise))


def _turned(exercise, name, candidate, k):
    argument, place, kind = TWISTS[exercise, name]
    turn = KINDS[kind][2]

    @functools.wraps(candidate)
    def turned(*args, **kwargs):
        if argument in kwargs:
            return candidate(*args, **kwargs | {argument: turn(kwargs[argument], k)})
        if place is None or place >= len(args):  # left at its default
            return candidate(*args, **kwargs)
        came = turn(args[place], k)
        before = came.copy() if isinstance(came, np.ndarray) else came
        result = candidate(*args[:place], came, *args[place + 1 :], **kwargs)
        if isinstance(before, np.ndarray) and not np.array_equal(before, came):
            args[place][...] += 1  # it changes its argument: that has to show
        return result

    return turned
