"""Known mistakes of Barzilai and Borwein's rates, of warm restarts and of delay compensation: see
course_utils/checks/papers.py for the right ones."""

import math

import numpy as np

from course_utils.checks.zoo.registry import mistake

# ---- Barzilai and Borwein: s.s / s.y


def measured(rate, first=lambda g, lr: lr, keep=lambda update, g: (update, g.copy())):
    """Barzilai and Borwein's rule with another line for the rate, made of s, y and lr."""

    def specimen(g, s, last, t, lr):
        chosen = first(g, lr) if t == 0 else rate(s, g - last, lr)
        update = -chosen * g
        return (update, *keep(update, g), t + 1)

    return specimen


def _guarded(numerator, denominator):
    """numerator / denominator of (s, y), with lr where s.y is not positive."""
    return lambda s, y, lr: numerator(s, y) / denominator(s, y) if (s * y).sum() > 0 else lr


mistake(
    "barzilai_borwein",
    "never_measures",
    "All your steps take lr: nothing is measured.",
    "Does the next call find the last update and the last gradient in the state that you return?",
    measured(lambda s, y, lr: lr),
)
mistake(
    "barzilai_borwein",
    "inverted",
    "Your rate is upside down.",
    "In a steep ravine s.y is large compared with s.s. Should the step be long or short there?",
    measured(_guarded(lambda s, y: (s * y).sum(), lambda s, y: (s * s).sum())),
)
mistake(
    "barzilai_borwein",
    "other_rate",
    "This is the second of the paper's two rates, s.y / y.y.",
    "Which two products does the formula in the task divide?",
    measured(_guarded(lambda s, y: (s * y).sum(), lambda s, y: (y * y).sum())),
)
mistake(
    "barzilai_borwein",
    "lengths",
    "You divide the length of s by the length of y. That is between the paper's two rates, and neither of them.",
    "Which two products does the formula in the task divide?",
    measured(lambda s, y, lr: (s @ s / (y @ y)) ** 0.5 if s @ y > 0 else lr),
    measured(lambda s, y, lr: (s @ s / (y @ y)) ** 0.5 if y @ y > 0 else lr),
)


def _from_old_gradient(g, s, last, t, lr):
    s = -lr * last
    along = (s * (g - last)).sum()
    update = -((s * s).sum() / along if t and along > 0 else lr) * g
    return update, update, g.copy(), t + 1


mistake(
    "barzilai_borwein",
    "step_by_lr",
    "Your s is lr times the last gradient; the last update had the measured rate, not lr.",
    "What does the rule have to remember to know how far it went?",
    _from_old_gradient,
)
mistake(
    "barzilai_borwein",
    "rate_for_each_component",
    "You divide component by component, so every parameter gets a rate of its own.",
    "s.s and s.y are products of whole vectors: how many numbers is each of them?",
    measured(lambda s, y, lr: np.where(s * y > 0, s * s / np.where(s * y == 0, 1, s * y), lr)),
)
mistake(
    "barzilai_borwein",
    "no_guard",
    "Where s.y is not positive, your rate is negative, or a division by 0.",
    "What does the task say about that case?",
    measured(lambda s, y, lr: (s * s).sum() / (s * y).sum()),
    measured(lambda s, y, lr: (s * s).sum() / ((s * y).sum() + 1e-12)),
)
mistake(
    "barzilai_borwein",
    "absolute_value",
    "You take the absolute value of s.y, so a step along negative curvature gets a rate as well.",
    "What does the task ask for where s.y is not positive?",
    measured(lambda s, y, lr: (s * s).sum() / abs((s * y).sum()) if (s * y).sum() else lr),
)
mistake(
    "barzilai_borwein",
    "lr_multiplies",
    "Your measured rate is multiplied by lr as well.",
    "What is lr for, once the rule can measure?",
    measured(lambda s, y, lr: lr * (s * s).sum() / (s * y).sum() if (s * y).sum() > 0 else lr),
)
mistake(
    "barzilai_borwein",
    "gradient_for_y",
    "You use the gradient itself where its *change* belongs.",
    "y is the difference of two gradients. Which two?",
    lambda g, s, last, t, lr: (lambda rate: (-rate * g, -rate * g, g.copy(), t + 1))(
        (s * s).sum() / (s * g).sum() if t and (s * g).sum() > 0 else lr
    ),
)
mistake(
    "barzilai_borwein",
    "gradient_for_s",
    "You use the last gradient where the last *update* belongs.",
    "s is what was added to the parameters in the step before. Is that the gradient?",
    lambda g, s, last, t, lr: (lambda rate: (-rate * g, s, g.copy(), t + 1))(
        (last * last).sum() / (last * (g - last)).sum() if t and (last * (g - last)).sum() > 0 else lr
    ),
)
mistake(
    "barzilai_borwein",
    "y_reversed",
    "s.y has the wrong sign: your s is minus the last update, or your y the old gradient minus the new one.",
    "On a bowl, a step downhill makes the gradient change which way?",
    measured(lambda s, y, lr: -(s * s).sum() / (s * y).sum() if (s * y).sum() < 0 else lr),
)
mistake(
    "barzilai_borwein",
    "always_first",
    "The last update and gradient are not kept: you measure with those of the first step.",
    "What must be new in the state after every step?",
    lambda g, s, last, t, lr: (lambda rate: (-rate * g, *((-rate * g, g.copy()) if t == 0 else (s, last)), t + 1))(
        (s * s).sum() / (s * (g - last)).sum() if t and (s * (g - last)).sum() > 0 else lr
    ),
)
mistake(
    "barzilai_borwein",
    "root",
    "You take a square root.",
    "Is s.s the square of a length, or the length? What does the formula ask for?",
    measured(_guarded(lambda s, y: (s * s).sum() ** 0.5, lambda s, y: (s * y).sum())),
    measured(lambda s, y, lr: ((s * s).sum() / (s * y).sum()) ** 0.5 if (s * y).sum() > 0 else lr),
)

# ---- warm restarts


def restarts(
    shape=lambda t, period, lowest: lowest + (1 - lowest) * (1 + math.cos(math.pi * t / period)) / 2, **change
):
    """The schedule with another curve within a period, or another way to count periods."""
    grow = change.get("grow", lambda period, growth: period * growth)
    over = change.get("over", lambda step, period: step >= period)
    less = change.get("less", lambda step, period: step - period)

    def specimen(step, period, growth, lowest):
        for _ in range(200):
            if not over(step, period):
                break
            step, period = less(step, period), grow(period, growth)
        return shape(step, period, lowest)

    return specimen


def _cosine(turn):
    return lambda t, period, lowest: lowest + (1 - lowest) * (1 + math.cos(turn * t / period)) / 2


def _within(step, period, growth):
    """The step within its period."""
    while step >= period:
        step, period = step - period, period * growth
    return step


mistake(
    "warm_restarts",
    "never_restarts",
    "Your rate does not jump back to 1 when a period is over.",
    "What is the step *within* the period after a restart?",
    lambda step, period, growth, lowest: _cosine(math.pi)(min(step, period), period, lowest),
    lambda step, period, growth, lowest: _cosine(math.pi)(step, period, lowest),
)
mistake(
    "warm_restarts",
    "one_restart",
    "Only your first restart is right: you take one period away, and not one after the other.",
    "How many periods may be over before a step, and how often does an `if` act?",
    lambda step, period, growth, lowest: _cosine(math.pi)(
        *((step, period) if step < period else (step - period, period * growth)), lowest
    ),
)
mistake(
    "warm_restarts",
    "periods_do_not_grow",
    "All your periods are equally long.",
    "What happens to the length of the next period at each restart?",
    restarts(grow=lambda period, growth: period),
)
mistake(
    "warm_restarts",
    "grows_by_addition",
    "Your periods grow by addition.",
    "If the first is 3 and the growth 2, how long are the second and the third?",
    restarts(grow=lambda period, growth: period + growth),
)
mistake(
    "warm_restarts",
    "one_step_late",
    "Your restart comes one step late: the lowest value stands at the end of every period.",
    "With a period of 3, steps 0, 1 and 2 belong to it. What belongs to step 3?",
    restarts(over=lambda step, period: step > period),
)
mistake(
    "warm_restarts",
    "lowest_multiplies",
    "Your whole curve is multiplied by the lowest value; it should begin at 1.",
    "What is your factor in step 0?",
    restarts(lambda t, period, lowest: lowest * _cosine(math.pi)(t, period, 0.0)),
)
mistake(
    "warm_restarts",
    "divides_by_the_first_period",
    "Your restarts come at the right steps, but in the longer periods you still divide by the length of the first.",
    "At half of a period of 6, what should the cosine's angle be, and what is it in yours?",
    lambda step, period, growth, lowest: _cosine(math.pi)(_within(step, period, growth), period, lowest),
)
mistake(
    "warm_restarts",
    "period_minus_one",
    "You reach the lowest value in the last step of a period; the formula reaches it only when the next one begins.",
    "By what is the step within the period divided?",
    restarts(lambda t, period, lowest: _cosine(math.pi)(t, max(period - 1, 1), lowest)),
)
mistake(
    "warm_restarts",
    "wrong_turn",
    "Your cosine turns too far, or not far enough.",
    "Over a whole period, from which angle to which must it run to fall from 1 to -1?",
    restarts(_cosine(2 * math.pi)),
    restarts(_cosine(math.pi / 2)),
)
mistake(
    "warm_restarts",
    "degrees",
    "Your cosine takes its angle in degrees.",
    "Which unit does `cos` expect?",
    restarts(_cosine(180.0)),
)
mistake(
    "warm_restarts",
    "half_missing",
    "A half is missing: your factor begins at 2.",
    "1 + cos runs from 2 to 0. What makes it run from 1 to 0?",
    restarts(lambda t, period, lowest: lowest + (1 - lowest) * (1 + math.cos(math.pi * t / period))),
)
mistake(
    "warm_restarts",
    "no_lowest",
    "Your factor falls to 0, not to the lowest value.",
    "What should be left at the end of a period?",
    restarts(lambda t, period, lowest: (1 + math.cos(math.pi * t / period)) / 2),
)
mistake(
    "warm_restarts",
    "lowest_as_floor",
    "You cut the curve off at the lowest value; the formula squeezes it in between.",
    "At half a period, where between the lowest value and 1 should the factor stand?",
    restarts(lambda t, period, lowest: max(lowest, (1 + math.cos(math.pi * t / period)) / 2)),
)
mistake(
    "warm_restarts",
    "lowest_added",
    "You add the lowest value to a curve that begins at 1 already.",
    "What is your factor in step 0?",
    restarts(lambda t, period, lowest: lowest + (1 + math.cos(math.pi * t / period)) / 2),
)
mistake(
    "warm_restarts",
    "rises",
    "Your factor rises within a period.",
    "Which sign has the cosine in the formula?",
    restarts(lambda t, period, lowest: lowest + (1 - lowest) * (1 - math.cos(math.pi * t / period)) / 2),
)
mistake(
    "warm_restarts",
    "linear",
    "Your factor falls along a straight line.",
    "Where is the cosine?",
    restarts(lambda t, period, lowest: 1 - (1 - lowest) * t / period),
)
mistake(
    "warm_restarts",
    "decays_at_restart",
    "Your restarts begin lower each time.",
    "To which value does the formula jump back?",
    lambda step, period, growth, lowest: (
        lambda within, length, number: 0.5**number * _cosine(math.pi)(within, length, lowest)
    )(*_place(step, period, growth)),
)


def _place(step, period, growth):
    number = 0
    while step >= period:
        step, period, number = step - period, period * growth, number + 1
    return step, period, number


# ---- delay compensation


def compensated(correction, step=lambda g, extra, lr: -lr * (g + extra)):
    """The update with another correction, made of g, now, read and lam."""
    return lambda g, now, read, lr, lam: step(g, correction(g, now, read, lam), lr)


mistake(
    "delay_compensated",
    "no_correction",
    "Your update is the late gradient's, without a correction.",
    "How does the gradient change between the point where it was computed and the present one?",
    compensated(lambda g, now, read, lam: 0.0),
)
mistake(
    "delay_compensated",
    "wrong_way",
    "You correct the wrong way: from the present point back to the old one.",
    "The gradient was computed at `read` and is needed at `now`. Which difference leads there?",
    compensated(lambda g, now, read, lam: lam * g * g * (read - now)),
)
mistake(
    "delay_compensated",
    "half_or_twice",
    "Your correction is half of the formula's, or twice as large.",
    "It is a first-order term of the gradient: does a 1/2 stand before it?",
    compensated(lambda g, now, read, lam: lam * g * g * (now - read) / 2),
    compensated(lambda g, now, read, lam: 2 * lam * g * g * (now - read)),
)
mistake(
    "delay_compensated",
    "g_not_squared",
    "The correction has g once where the formula has it twice.",
    "What stands in for the curvature along an axis?",
    compensated(lambda g, now, read, lam: lam * g * (now - read)),
)
mistake(
    "delay_compensated",
    "size_of_g",
    "The correction has the absolute value of g where the formula has its square.",
    "What stands in for the curvature along an axis?",
    compensated(lambda g, now, read, lam: lam * np.abs(g) * (now - read)),
)
mistake(
    "delay_compensated",
    "lam_missing",
    "`lam` does not appear in your correction.",
    "How does a caller say how much to trust the correction?",
    compensated(lambda g, now, read, lam: g * g * (now - read)),
)
mistake(
    "delay_compensated",
    "inner_product",
    "You sum over the components: every parameter gets the same correction, or one that others decide.",
    "The formula multiplies component by component. What shape has the correction?",
    compensated(lambda g, now, read, lam: lam * g * (g @ (now - read))),
    compensated(lambda g, now, read, lam: lam * (g @ g) * (now - read)),
)
mistake(
    "delay_compensated",
    "replaces",
    "Your update is the correction alone: the gradient itself is lost.",
    "What is corrected?",
    compensated(lambda g, now, read, lam: lam * g * g * (now - read), lambda g, extra, lr: -lr * extra),
)
mistake(
    "delay_compensated",
    "lr_on_one_part",
    "The learning rate multiplies only one of the two parts.",
    "Where do the brackets stand in the formula?",
    compensated(lambda g, now, read, lam: lam * g * g * (now - read), lambda g, extra, lr: -lr * g - extra),
    compensated(lambda g, now, read, lam: lam * g * g * (now - read), lambda g, extra, lr: -g - lr * extra),
)
mistake(
    "delay_compensated",
    "sum_of_points",
    "You add the two points; the formula takes their difference.",
    "How far have the parameters moved while the gradient was under way?",
    compensated(lambda g, now, read, lam: lam * g * g * (now + read)),
)
mistake(
    "delay_compensated",
    "one_point",
    "Only one of the two points is in your correction.",
    "How far have the parameters moved while the gradient was under way?",
    compensated(lambda g, now, read, lam: lam * g * g * now),
    compensated(lambda g, now, read, lam: -lam * g * g * read),
)
mistake(
    "delay_compensated",
    "uphill",
    "Your update points uphill: it has the wrong sign.",
    "The caller *adds* your update to the parameters. Which sign must it have?",
    compensated(lambda g, now, read, lam: lam * g * g * (now - read), lambda g, extra, lr: lr * (g + extra)),
)
mistake(
    "delay_compensated",
    "new_point",
    "You return where the parameters are afterwards; the task asks for the update.",
    "Who adds the update to the parameters?",
    lambda g, now, read, lr, lam: now - lr * (g + lam * g * g * (now - read)),
)
