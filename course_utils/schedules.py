"""Learning-rate schedules: each maker returns a function ``step -> factor``, by which the loop multiplies ``lr``.

``step`` counts updates from 0. A factor is a float, 1.0 meaning "the learning rate as given".
Every maker raises ``ValueError`` for a length, a factor or a decay that makes no schedule.
"""

import math


def constant():
    """Factor 1 at every step."""
    return lambda step: 1.0


def step_decay(every, factor=0.1):
    """Multiply by ``factor`` after each ``every`` steps: factor^floor(step / every)."""
    _need(every >= 1, "every", every, "at least 1 step")
    _need(0 < factor <= 1, "factor", factor, "in (0, 1]")
    return lambda step: factor ** (step // every)


def exponential(decay):
    """Multiply by ``decay`` after every step: decay^step."""
    _need(0 < decay <= 1, "decay", decay, "in (0, 1]")
    return lambda step: decay**step


def inverse_time(half_life):
    """1 / (1 + step / half_life): a half after ``half_life`` steps, a third after two. Robbins and Monro (1951)."""
    _need(half_life > 0, "half_life", half_life, "more than 0 steps")
    return lambda step: 1 / (1 + step / half_life)


def cosine(steps, floor=0.0):
    """From 1 to ``floor`` along half a cosine in ``steps`` steps. Loshchilov and Hutter (2017), eq. 5, no restarts."""
    _need(steps >= 1, "steps", steps, "at least 1 step")
    _need(0 <= floor <= 1, "floor", floor, "in [0, 1]")
    return lambda step: floor + (1 - floor) * (1 + math.cos(math.pi * min(step / steps, 1))) / 2


def warmup(steps, then=None):
    """1/steps, 2/steps, ..., 1, then the schedule ``then`` from its own step 0. Goyal et al. (2017), section 2.2."""
    _need(steps >= 1, "steps", steps, "at least 1 step")
    then = then or constant()
    return lambda step: (step + 1) / steps if step < steps else then(step - steps)


def _need(holds, name, value, wanted):
    if not holds:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
