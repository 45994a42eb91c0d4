"""Known mistakes of the rules that divide by a root of collected squares: Adagrad and RMSProp."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import also, mistake

# ---- Adagrad: r <- r + g^2, RMSProp: r <- beta r + (1 - beta) g^2, both: update -lr g / (sqrt(r) + eps)


def collected(r, new, beta):
    """The accumulator after one more square: Adagrad's if beta is None, else RMSProp's."""
    return r + new if beta is None else beta * r + (1 - beta) * new


def scaled_but(
    collect=lambda g, r, lr, beta: collected(r, g**2, beta), step=lambda g, r, lr, eps: -lr * g / (r**0.5 + eps)
):
    """Adagrad, or RMSProp, with another line for the accumulator or for the update made of the new one."""

    def specimen(g, r, lr, eps, beta=None):
        r = collect(g, r, lr, beta)
        return step(g, r, lr, eps), r

    return specimen


BOTH = ("adagrad", "rmsprop")

mistake(
    BOTH,
    "no_root",
    *words.NO_ROOT,
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r + eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / r),
)
mistake(
    BOTH,
    "eps_inside_root",
    *words.EPS_INSIDE,
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r + eps) ** 0.5),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r + eps**2) ** 0.5),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / ((r + eps) ** 0.5 + eps)),
)
mistake(
    BOTH,
    "eps_missing",
    *words.EPS_MISSING,
    scaled_but(step=lambda g, r, lr, eps: -lr * g / r**0.5),
    scaled_but(step=lambda g, r, lr, eps: np.where(r > 0, -lr * g / np.sqrt(r), 0.0)),
)
mistake(
    BOTH, "eps_as_floor", *words.EPS_FLOOR, scaled_but(step=lambda g, r, lr, eps: -lr * g / np.maximum(r**0.5, eps))
)
mistake(
    BOTH,
    "eps_multiplied",
    *words.EPS_FACTOR,
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r**0.5 * eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r**0.5 * (1 + eps))),
)
mistake(
    BOTH,
    "eps_outside_fraction",
    *words.EPS_OUTSIDE_FRACTION,
    scaled_but(step=lambda g, r, lr, eps: -lr * g / r**0.5 + eps),
    scaled_but(step=lambda g, r, lr, eps: -(lr * g / r**0.5 + eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * (g / r**0.5 + eps)),
)
mistake(
    BOTH,
    "eps_sign",
    "You subtract eps from the root.",
    "Which operation stands between the root and eps, and what happens where both are equal?",
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r**0.5 - eps)),
)
mistake(
    BOTH,
    "eps_collected",
    *words.EPS_COLLECTED,
    lambda g, r, lr, eps, beta=None: (lambda new: (-lr * g / new**0.5, new))(collected(r, g**2 + eps, beta)),
    lambda g, r, lr, eps, beta=None: (lambda new: (-lr * g / new**0.5, new))(collected(r, g**2, beta) + eps),
)
mistake(
    BOTH,
    "not_squared",
    *words.NOT_SQUARED,
    scaled_but(lambda g, r, lr, beta: collected(r, g, beta)),
    scaled_but(lambda g, r, lr, beta: collected(r, 2 * g, beta)),
    scaled_but(lambda g, r, lr, beta: collected(r, g, beta), lambda g, r, lr, eps: -lr * g / (r + eps)),
    scaled_but(lambda g, r, lr, beta: collected(r, g, beta), lambda g, r, lr, eps: -lr * g / (np.abs(r) ** 0.5 + eps)),
)
mistake(
    BOTH,
    "square_of_sum",
    "You square the collected gradients; the formula collects the squared gradients.",
    "Gradients 1 and -1: what is the square of their sum, and what the sum of their squares?",
    scaled_but(lambda g, r, lr, beta: collected(r, g, beta), lambda g, r, lr, eps: -lr * g / (np.abs(r) + eps)),
)
mistake(
    BOTH,
    "absolute_values",
    *words.ABSOLUTE,
    scaled_but(lambda g, r, lr, beta: collected(r, np.abs(g), beta)),
    scaled_but(lambda g, r, lr, beta: collected(r, np.abs(g), beta), lambda g, r, lr, eps: -lr * g / (r + eps)),
)
mistake(
    BOTH,
    "norm",
    *words.NORM,
    scaled_but(lambda g, r, lr, beta: collected(r, np.sum(g**2), beta)),
    scaled_but(lambda g, r, lr, beta: collected(r, np.mean(g**2), beta)),
    scaled_but(lambda g, r, lr, beta: collected(r, np.linalg.norm(g), beta)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (np.linalg.norm(r) ** 0.5 + eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (np.sum(r) ** 0.5 + eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (np.mean(r) ** 0.5 + eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (np.max(r) ** 0.5 + eps)),
)
mistake(
    BOTH,
    "stale_accumulator",
    *words.STALE_ACCUMULATOR,
    lambda g, r, lr, eps, beta=None: (-lr * g / (r**0.5 + eps), collected(r, g**2, beta)),
)
mistake(
    BOTH,
    "numerator_squared",
    *words.NUMERATOR_SQUARED,
    scaled_but(step=lambda g, r, lr, eps: -lr * g**2 / (r**0.5 + eps)),
)
mistake(
    BOTH,
    "sign_only",
    *words.SIGN_ONLY,
    lambda g, r, lr, eps, beta=None: (-lr * np.sign(g), r),
    scaled_but(step=lambda g, r, lr, eps: -lr * np.sign(g) / (r**0.5 + eps)),
)
mistake(
    BOTH,
    "gradient_missing",
    "The gradient is missing from your numerator.",
    "Without it, which way does the step go?",
    scaled_but(step=lambda g, r, lr, eps: -lr / (r**0.5 + eps)),
)
mistake(
    BOTH,
    "other_root",
    *words.OTHER_ROOT,
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r ** (1 / 3) + eps)),
    scaled_but(step=lambda g, r, lr, eps: -lr * g / (r**0.25 + eps)),
)
mistake(
    BOTH,
    "root_stored",
    *words.ROOT_STORED,
    scaled_but(lambda g, r, lr, beta: collected(r, g**2, beta) ** 0.5, lambda g, r, lr, eps: -lr * g / (r + eps)),
)
mistake(
    BOTH,
    "lr_in_accumulator",
    *words.LR_IN_ACCUMULATOR,
    scaled_but(lambda g, r, lr, beta: collected(r, (lr * g) ** 2, beta)),
)
mistake(
    BOTH,
    "no_denominator",
    "You do not divide by anything: this is gradient descent.",
    "What is the accumulator for?",
    lambda g, r, lr, eps, beta=None: (-lr * g, r),
)
mistake(BOTH, "multiplies", *words.MULTIPLIES, scaled_but(step=lambda g, r, lr, eps: -lr * g * (r**0.5 + eps)))
mistake(
    BOTH,
    "maximum",
    *words.MAXIMUM,
    scaled_but(lambda g, r, lr, beta: np.maximum(r if beta is None else beta * r, g**2)),
)
mistake(
    "rmsprop", "maximum", *words.MAXIMUM, scaled_but(lambda g, r, lr, beta: np.maximum(r, beta * r + (1 - beta) * g**2))
)
mistake(
    BOTH,
    "count_root",
    *words.COUNT_ROOT,
    lambda g, r, t, lr, eps, beta=None: (
        -lr / (t + 1) ** 0.5 * g / (collected(r, g**2, beta) ** 0.5 + eps),
        collected(r, g**2, beta),
        t + 1,
    ),
    start=(0.0, 0),
)
mistake(BOTH, "lr_missing", *words.NO_LR, scaled_but(step=lambda g, r, lr, eps: -g / (r**0.5 + eps)))
mistake(
    BOTH,
    "collects_steps",
    "You collect the squares of the scaled steps.",
    "What exactly is squared in the formula?",
    lambda g, r, lr, eps, beta=None: (-lr * g / (r**0.5 + eps), collected(r, (g / (r**0.5 + eps)) ** 2, beta)),
)
mistake(
    "adagrad",
    "averages",
    "Your accumulator is an average of the squares; Adagrad's is their sum.",
    "Under a constant gradient, how does Adagrad's k-th step compare with its first?",
    lambda g, r, t, lr, eps: (-lr * g / (((r + g**2) / (t + 1)) ** 0.5 + eps), r + g**2, t + 1),
    start=(0.0, 0),
)
also("adagrad", "averages", scaled_but(lambda g, r, lr, beta: (r + g**2) / 2))
mistake("adagrad", "overwrites", *words.OVERWRITES, scaled_but(lambda g, r, lr, beta: g**2))
mistake(
    "adagrad",
    "forgets",
    "Your accumulator fades: that is RMSProp, with a decay factor of your own.",
    "How long does Adagrad remember a steep slope?",
    scaled_but(lambda g, r, lr, beta: 0.9 * r + 0.1 * g**2),
    scaled_but(lambda g, r, lr, beta: 0.99 * r + 0.01 * g**2),
    scaled_but(lambda g, r, lr, beta: 0.9 * r + g**2),
)
mistake("adagrad", "starts_elsewhere", *words.STARTS_ELSEWHERE, scaled_but(), start=(1.0,))
mistake("adagrad", "starts_elsewhere", *words.STARTS_ELSEWHERE, scaled_but(), start=(0.1,))
mistake(
    "adagrad",
    "starts_elsewhere",
    *words.STARTS_ELSEWHERE,
    scaled_but(lambda g, r, lr, beta: (g**2 if r is None else r) + g**2),
    start=(None,),
)

# ---- RMSProp alone

mistake(
    "rmsprop",
    "starts_at_square",
    "Your average starts at the first squared gradient instead of 0.",
    "In the course's version, by how much is the first step longer than lr, and why?",
    scaled_but(lambda g, r, lr, beta: g**2 if r is None else beta * r + (1 - beta) * g**2),
    start=(None,),
)
mistake("rmsprop", "starts_elsewhere", *words.STARTS_ELSEWHERE, scaled_but(), start=(1.0,))
mistake(
    "rmsprop",
    "eps_collected",
    *words.EPS_COLLECTED,
    lambda g, r, lr, eps, beta: (lambda new: (-lr * g / new**0.5, new))(
        beta * (eps if r is None else r) + (1 - beta) * g**2
    ),
    start=(None,),
)
mistake(
    "rmsprop",
    "one_minus_beta_missing",
    "Under your root stands 1 / (1 - beta) times the average: the factor 1 - beta is missing on the new square, or "
    "something divides by it.",
    words.WEIGHTS,
    scaled_but(lambda g, r, lr, beta: beta * r + g**2),
)
mistake(
    "rmsprop",
    "one_minus_beta_squared",
    "The factor 1 - beta is squared together with the gradient.",
    "What is inside the square in the formula: g alone, or (1 - beta) g?",
    scaled_but(lambda g, r, lr, beta: beta * r + ((1 - beta) * g) ** 2),
)
mistake("rmsprop", "beta_swapped", *words.BETA_SWAPPED, scaled_but(lambda g, r, lr, beta: (1 - beta) * r + beta * g**2))
also("rmsprop", "beta_swapped", scaled_but(lambda g, r, lr, beta: (1 - beta) * r + g**2))
mistake(
    "rmsprop",
    "never_forgets",
    "Your average never forgets: old squares are kept in full, as in Adagrad.",
    "What does `beta` do to the old average?",
    scaled_but(lambda g, r, lr, beta: r + g**2),
    scaled_but(lambda g, r, lr, beta: r + (1 - beta) * g**2),
)
mistake(
    "rmsprop",
    "overwrites",
    *words.OVERWRITES,
    scaled_but(lambda g, r, lr, beta: g**2),
    scaled_but(lambda g, r, lr, beta: (1 - beta) * g**2),
)
mistake(
    "rmsprop",
    "one_factor_on_everything",
    "The same factor multiplies the old average and the new square.",
    words.WEIGHTS,
    scaled_but(lambda g, r, lr, beta: beta * (r + g**2)),
    scaled_but(lambda g, r, lr, beta: (1 - beta) * (r + g**2)),
)
mistake(
    "rmsprop",
    "bias_corrected",
    "You divide the average by 1 - beta^t: that correction belongs to Adam.",
    "How long is RMSProp's first step, and what would your correction make of it?",
    lambda g, r, t, lr, beta, eps: (
        -lr * g / (((beta * r + (1 - beta) * g**2) / (1 - beta ** (t + 1))) ** 0.5 + eps),
        beta * r + (1 - beta) * g**2,
        t + 1,
    ),
    start=(0.0, 0),
)


def _rmsprop_with_mean(step):
    def specimen(g, r, m, lr, beta, eps):
        r, m = beta * r + (1 - beta) * g**2, beta * m + (1 - beta) * g
        return step(g, r, m, lr, eps), r, m

    return specimen


mistake(
    "rmsprop",
    "centred",
    "You subtract the squared average gradient: this is the centred RMSProp.",
    "Is it the variance of the gradients in the denominator, or the average of their squares?",
    _rmsprop_with_mean(lambda g, r, m, lr, eps: -lr * g / (np.abs(r - m**2) ** 0.5 + eps)),
    start=(0.0, 0.0),
)
mistake(
    "rmsprop",
    "averages_the_gradient",
    "Your numerator is an average of gradients, as in Adam.",
    "Which gradient is above the fraction bar in RMSProp?",
    _rmsprop_with_mean(lambda g, r, m, lr, eps: -lr * m / (r**0.5 + eps)),
    start=(0.0, 0.0),
)
mistake(
    "rmsprop",
    "momentum_added",
    "You collect the scaled steps in a velocity: that is RMSProp combined with momentum.",
    "What does this task's signature say: is there a second decay factor?",
    lambda g, r, v, lr, beta, eps: (lambda new, u: (-(beta * v + u), new, beta * v + u))(
        beta * r + (1 - beta) * g**2, lr * g / ((beta * r + (1 - beta) * g**2) ** 0.5 + eps)
    ),
    start=(0.0, 0.0),
)
mistake(
    "rmsprop",
    "brackets_missing",
    "Brackets are missing around 1 - beta: Python multiplies before it subtracts.",
    "In what order does Python compute `1 - beta * g`?",
    scaled_but(lambda g, r, lr, beta: beta * r + 1 - beta * g**2),
)
