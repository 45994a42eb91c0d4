"""Known mistakes of Adadelta and of centred RMSProp: see course_utils/checks/papers.py for the right ones."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import mistake

# ---- Adadelta


def adadelta_but(
    collect=lambda g, r, beta: beta * r + (1 - beta) * g**2,
    scale=lambda g, r, d, eps: (d + eps) ** 0.5 / (r + eps) ** 0.5 * g,
    remember=lambda step, d, beta, lr: beta * d + (1 - beta) * step**2,
):
    """Adadelta with another line for the squares, for the step or for the squares of the steps."""

    def specimen(g, r, d, lr, beta, eps):
        r = collect(g, r, beta)
        step = scale(g, r, d, eps)
        return -lr * step, r, remember(step, d, beta, lr)

    return specimen


mistake(
    "adadelta",
    "no_numerator",
    "Your step has no numerator made of earlier steps: this is RMSProp.",
    "What stands above the fraction bar in the formula?",
    adadelta_but(scale=lambda g, r, d, eps: g / (r + eps) ** 0.5),
    adadelta_but(scale=lambda g, r, d, eps: g / (r**0.5 + eps)),
)
mistake(
    "adadelta",
    "eps_outside",
    "Your eps stands outside the roots; in this paper it stands inside.",
    "RMS[x] is the root of E[x^2] + eps. Where does that put eps?",
    adadelta_but(scale=lambda g, r, d, eps: (d**0.5 + eps) / (r**0.5 + eps) * g),
)
mistake(
    "adadelta",
    "eps_missing_above",
    "There is no eps above the fraction bar, so the first step is 0 and nothing ever moves.",
    "What is remembered of earlier steps before the first one?",
    adadelta_but(scale=lambda g, r, d, eps: d**0.5 / (r + eps) ** 0.5 * g),
)
mistake(
    "adadelta",
    "eps_missing_below",
    "There is no eps below the fraction bar.",
    "What happens to a parameter whose gradient has always been 0?",
    adadelta_but(scale=lambda g, r, d, eps: (d + eps) ** 0.5 / r**0.5 * g),
)
mistake(
    "adadelta",
    "upside_down",
    "Your fraction is upside down.",
    "Where gradients are large, should the step be short or long?",
    adadelta_but(scale=lambda g, r, d, eps: (r + eps) ** 0.5 / (d + eps) ** 0.5 * g),
)
mistake(
    "adadelta",
    "no_roots",
    words.NO_ROOT[0],
    "Which units has the step, if gradients are counted in some unit? Which should it have?",
    adadelta_but(scale=lambda g, r, d, eps: (d + eps) / (r + eps) * g),
)
mistake(
    "adadelta",
    "steps_not_squared",
    "You collect the steps themselves, not their squares.",
    "What becomes of an average of steps when their signs change?",
    adadelta_but(remember=lambda step, d, beta, lr: np.abs(beta * d + (1 - beta) * step)),
    adadelta_but(remember=lambda step, d, beta, lr: beta * d + (1 - beta) * np.abs(step)),
)
mistake(
    "adadelta",
    "gradients_in_both",
    "Both averages collect squared gradients.",
    "Of what does the second average collect the squares?",
    lambda g, r, d, lr, beta, eps: (
        lambda new: (-lr * (d + eps) ** 0.5 / (new + eps) ** 0.5 * g, new, beta * d + (1 - beta) * g**2)
    )(beta * r + (1 - beta) * g**2),
)
mistake(
    "adadelta",
    "new_steps_used",
    "The root in your numerator has seen this very step already: its average takes the step in before it is made.",
    "Which steps can the numerator know before this one is made?",
    lambda g, r, d, lr, beta, eps: (
        lambda new, later: (-lr * (later + eps) ** 0.5 / (new + eps) ** 0.5 * g, new, later)
    )(
        beta * r + (1 - beta) * g**2,
        beta * d + (1 - beta) * ((d + eps) ** 0.5 / (beta * r + (1 - beta) * g**2 + eps) ** 0.5 * g) ** 2,
    ),
)
mistake(
    "adadelta",
    "lr_in_memory",
    "The learning rate is inside the average of squared steps.",
    "Which step does the average collect: the one before, or the one after lr?",
    adadelta_but(remember=lambda step, d, beta, lr: beta * d + (1 - beta) * (lr * step) ** 2),
)
mistake(
    "adadelta",
    "stale_accumulator",
    *words.STALE_ACCUMULATOR,
    lambda g, r, d, lr, beta, eps: (
        lambda step: (-lr * step, beta * r + (1 - beta) * g**2, beta * d + (1 - beta) * step**2)
    )((d + eps) ** 0.5 / (r + eps) ** 0.5 * g),
)
mistake(
    "adadelta",
    "sums",
    "You add squares up; both memories are averages that fade.",
    "What do beta and 1 - beta stand before?",
    adadelta_but(lambda g, r, beta: r + g**2),
    adadelta_but(remember=lambda step, d, beta, lr: d + step**2),
    adadelta_but(lambda g, r, beta: r + g**2, remember=lambda step, d, beta, lr: d + step**2),
)
mistake(
    "adadelta",
    "beta_swapped",
    *words.BETA_SWAPPED,
    adadelta_but(
        lambda g, r, beta: (1 - beta) * r + beta * g**2,
        remember=lambda step, d, beta, lr: (1 - beta) * d + beta * step**2,
    ),
)

# ---- centred RMSProp


def centred_but(
    squares=lambda g, r, beta: beta * r + (1 - beta) * g**2,
    means=lambda g, m, beta: beta * m + (1 - beta) * g,
    step=lambda g, r, m, lr, eps: -lr * g / (np.maximum(r - m**2, 0) ** 0.5 + eps),
):
    """Centred RMSProp with another line for the squares, for the mean or for the step."""

    def specimen(g, r, m, lr, beta, eps):
        r, m = squares(g, r, beta), means(g, m, beta)
        return step(g, r, m, lr, eps), r, m

    return specimen


mistake(
    "centred_rmsprop",
    "not_centred",
    "You do not subtract the square of the mean: this is RMSProp.",
    "A variance is the mean of squares less what?",
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (r**0.5 + eps)),
)
mistake(
    "centred_rmsprop",
    "mean_not_squared",
    "You subtract the mean itself, not its square.",
    "In which units is r, and in which is the mean?",
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (np.maximum(r - m, 0) ** 0.5 + eps)),
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (np.abs(r - m) ** 0.5 + eps)),
)
mistake(
    "centred_rmsprop",
    "added",
    "You add the square of the mean.",
    "A variance is the mean of squares *less* the square of the mean.",
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / ((r + m**2) ** 0.5 + eps)),
)
mistake(
    "centred_rmsprop",
    "gradient_for_mean",
    "You subtract the square of this gradient, not of the mean of gradients.",
    "Which average has to be kept beside r?",
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (np.maximum(r - g**2, 0) ** 0.5 + eps)),
)
mistake(
    "centred_rmsprop",
    "outside_root",
    "You subtract after the root.",
    "The variance is formed first. What is the standard deviation then?",
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (r**0.5 - np.abs(m) + eps)),
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (r**0.5 - m + eps)),
)
mistake(
    "centred_rmsprop",
    "mean_in_numerator",
    "Your step has the mean where the gradient belongs.",
    "What is divided by the deviation: this gradient, or the mean of all?",
    centred_but(step=lambda g, r, m, lr, eps: -lr * m / (np.maximum(r - m**2, 0) ** 0.5 + eps)),
)
mistake(
    "centred_rmsprop",
    "gradient_centred",
    "You subtract the mean from the gradient in the step as well.",
    "Which of the two is centred: the step, or what it is divided by?",
    centred_but(step=lambda g, r, m, lr, eps: -lr * (g - m) / (np.maximum(r - m**2, 0) ** 0.5 + eps)),
)
mistake(
    "centred_rmsprop",
    "eps_inside_root",
    *words.EPS_INSIDE,
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (np.maximum(r - m**2, 0) + eps) ** 0.5),
)
mistake(
    "centred_rmsprop",
    "eps_missing",
    *words.EPS_MISSING,
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / np.maximum(r - m**2, 0) ** 0.5),
)
mistake(
    "centred_rmsprop",
    "no_root",
    *words.NO_ROOT,
    centred_but(step=lambda g, r, m, lr, eps: -lr * g / (np.maximum(r - m**2, 0) + eps)),
)
mistake(
    "centred_rmsprop",
    "squares_centred_twice",
    "You collect the squared distance from the mean, and subtract the mean's square again, or in its place.",
    "r is the average of squared *gradients*. Where is the mean subtracted?",
    lambda g, r, m, lr, beta, eps: (
        lambda mean: (lambda new: (-lr * g / (np.maximum(new, 0) ** 0.5 + eps), new, mean))(
            beta * r + (1 - beta) * (g - mean) ** 2
        )
    )(beta * m + (1 - beta) * g),
    lambda g, r, m, lr, beta, eps: (
        lambda new: (-lr * g / (np.maximum(new, 0) ** 0.5 + eps), new, beta * m + (1 - beta) * g)
    )(beta * r + (1 - beta) * (g - m) ** 2),
)
mistake(
    "centred_rmsprop",
    "negative_variance",
    "While a gradient stays the same its variance is 0, and rounding makes yours a little negative: its root is NaN.",
    "How can a number be kept from falling below 0 before its root is taken?",
    lambda g, r, m, lr, beta, eps: (lambda r, m: (-lr * g / ((r - m**2) ** 0.5 + eps), r, m))(
        beta * r + (1 - beta) * g**2, beta * m + (1 - beta) * g
    ),
)
mistake(
    "centred_rmsprop",
    "old_mean",
    "You subtract the old mean, which has not seen this gradient yet.",
    "What comes first: updating both averages or using them?",
    lambda g, r, m, lr, beta, eps: (
        lambda new: (-lr * g / (np.maximum(new - m**2, 0) ** 0.5 + eps), new, beta * m + (1 - beta) * g)
    )(beta * r + (1 - beta) * g**2),
)
mistake(
    "centred_rmsprop",
    "sums",
    "You add up; both memories are averages that fade.",
    "What do beta and 1 - beta stand before?",
    centred_but(means=lambda g, m, beta: beta * m + g),
    centred_but(squares=lambda g, r, beta: beta * r + g**2),
    centred_but(squares=lambda g, r, beta: r + g**2),
)
mistake(
    "centred_rmsprop",
    "beta_swapped",
    *words.BETA_SWAPPED,
    centred_but(lambda g, r, beta: (1 - beta) * r + beta * g**2, lambda g, m, beta: (1 - beta) * m + beta * g),
)
