"""Known mistakes of AMSGrad and NAdam: see course_utils/checks/papers.py for the right ones."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import mistake

# ---- AMSGrad


def amsgrad_but(
    most=lambda v, old, g: np.maximum(old, v),
    step=lambda g, m, v, most, lr, eps: -lr * m / (most**0.5 + eps),
    moments=lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2),
):
    """AMSGrad with another line for the largest v, for the step or for the averages."""

    def specimen(g, m, v, old, lr, beta1, beta2, eps):
        m, v = moments(g, m, v, beta1, beta2)
        new = most(v, old, g)
        return step(g, m, v, new, lr, eps), m, v, new

    return specimen


mistake(
    "amsgrad",
    "no_maximum",
    "You divide by the root of v itself: nothing keeps the largest one.",
    "What may the denominator never do, and what must be remembered for that?",
    amsgrad_but(step=lambda g, m, v, most, lr, eps: -lr * m / (v**0.5 + eps)),
)
mistake(
    "amsgrad",
    "maximum_fed_back",
    "You average on from the largest v, instead of from v.",
    "v and the largest v so far: which of them enters the next average?",
    lambda g, m, v, old, lr, beta1, beta2, eps: (
        lambda m, v: (-lr * m / (np.maximum(old, v) ** 0.5 + eps), m, np.maximum(old, v), np.maximum(old, v))
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2),
)
mistake(
    "amsgrad",
    "maximum_of_squares",
    "You keep the largest squared gradient, not the largest average of squares.",
    "Of which quantity is the largest so far asked for?",
    amsgrad_but(lambda v, old, g: np.maximum(old, g**2)),
)
mistake(
    "amsgrad",
    "minimum",
    "You keep the smallest v.",
    "Should a rate be allowed to rise again, or never?",
    amsgrad_but(lambda v, old, g: np.where(old == 0, v, np.minimum(old, v))),
    amsgrad_but(lambda v, old, g: np.minimum(old, v)),
)
mistake(
    "amsgrad",
    "maximum_not_stored",
    "The largest v is compared with the last one only: what was larger before is lost.",
    "Which number must the next call find in the state?",
    lambda g, m, v, old, lr, beta1, beta2, eps: (
        lambda m, new: (-lr * m / (np.maximum(v, new) ** 0.5 + eps), m, new, new)
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2),
)
mistake(
    "amsgrad",
    "one_maximum_for_all",
    "All components share one largest v.",
    "Which function takes the larger of two arrays, component by component?",
    amsgrad_but(lambda v, old, g: np.max(np.maximum(old, v)) + 0 * v),
)
mistake(
    "amsgrad",
    "sum_of_averages",
    "You add up the averages v; the largest of them is asked for.",
    "If v stays the same for a thousand steps, what is the largest v so far, and what is your sum?",
    amsgrad_but(lambda v, old, g: old + v),
)
mistake(
    "amsgrad",
    "adamax",
    "This is AdaMax: you keep a largest absolute gradient that fades. Here the largest of the averages v is kept.",
    "Which quantity is an average in the formula, and of which is the largest so far kept?",
    lambda g, m, v, old, lr, beta1, beta2, eps: (lambda m, u: (-lr * m / (u + eps), m, u, u))(
        beta1 * m + (1 - beta1) * g, np.maximum(beta2 * v, np.abs(g))
    ),
)
mistake(
    "amsgrad",
    "corrected",
    "You correct for the start, as Adam does; the paper's algorithm 2 does not.",
    "Is there a power of t anywhere in the formula?",
    lambda g, m, v, old, t, lr, beta1, beta2, eps: (
        lambda m, v, t: (
            -lr * m / (1 - beta1**t) / (np.maximum(old, v / (1 - beta2**t)) ** 0.5 + eps),
            m,
            v,
            np.maximum(old, v / (1 - beta2**t)),
            t,
        )
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + 1),
    lambda g, m, v, old, t, lr, beta1, beta2, eps: (
        lambda m, v, t: (
            -lr * m / (1 - beta1**t) / ((np.maximum(old, v) / (1 - beta2**t)) ** 0.5 + eps),
            m,
            v,
            np.maximum(old, v),
            t,
        )
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + 1),
    lambda g, m, v, old, t, lr, beta1, beta2, eps: (
        lambda m, v, t: (-lr * m / (1 - beta1**t) / (np.maximum(old, v) ** 0.5 + eps), m, v, np.maximum(old, v), t)
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + 1),
    start=(0.0, 0.0, 0.0, 0),
)
mistake("amsgrad", "no_root", *words.NO_ROOT, amsgrad_but(step=lambda g, m, v, most, lr, eps: -lr * m / (most + eps)))
mistake(
    "amsgrad",
    "gradient_in_numerator",
    "Your step has the gradient where its average belongs.",
    "What is m for?",
    amsgrad_but(step=lambda g, m, v, most, lr, eps: -lr * g / (most**0.5 + eps)),
)
mistake(
    "amsgrad",
    "betas_swapped",
    "beta1 and beta2 are in each other's place.",
    "Which of the two averages has the longer memory?",
    amsgrad_but(moments=lambda g, m, v, b1, b2: (b2 * m + (1 - b2) * g, b1 * v + (1 - b1) * g**2)),
)
mistake(
    "amsgrad",
    "not_squared",
    *words.NOT_SQUARED,
    amsgrad_but(moments=lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g)),
)
mistake(
    "amsgrad",
    "eps_inside_root",
    *words.EPS_INSIDE,
    amsgrad_but(step=lambda g, m, v, most, lr, eps: -lr * m / (most + eps) ** 0.5),
)
mistake(
    "amsgrad", "eps_missing", *words.EPS_MISSING, amsgrad_but(step=lambda g, m, v, most, lr, eps: -lr * m / most**0.5)
)
mistake(
    "amsgrad",
    "one_minus_beta_missing",
    "1 - beta is missing before what is new in an average.",
    words.WEIGHTS,
    amsgrad_but(moments=lambda g, m, v, b1, b2: (b1 * m + g, b2 * v + (1 - b2) * g**2)),
    amsgrad_but(moments=lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + g**2)),
)

# ---- NAdam


def nadam_but(
    ahead=lambda g, m, b1, t: b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t),
    size=lambda v, b2, t: v / (1 - b2**t),
    step=lambda top, root, lr, eps: -lr * top / (root + eps),
):
    """NAdam with another line for what is above the fraction bar, for what is below it or for the step."""

    def specimen(g, m, v, t, lr, beta1, beta2, eps):
        t = t + 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        return step(ahead(g, m, beta1, t), size(v, beta2, t) ** 0.5, lr, eps), m, v, t

    return specimen


mistake(
    "nadam",
    "no_look_ahead",
    "You do not look ahead: this is Adam.",
    "Which two parts does m-hat have in the formula?",
    nadam_but(lambda g, m, b1, t: m / (1 - b1**t)),
)
mistake(
    "nadam",
    "same_correction",
    "Both parts are divided by 1 - beta1^t; the memory belongs to the next step.",
    "With which power of beta1 is each of the two parts corrected?",
    nadam_but(lambda g, m, b1, t: (b1 * m + (1 - b1) * g) / (1 - b1**t)),
)
mistake(
    "nadam",
    "next_correction_for_both",
    "Both parts are divided by 1 - beta1^(t + 1); the gradient belongs to this step.",
    "With which power of beta1 is each of the two parts corrected?",
    nadam_but(lambda g, m, b1, t: (b1 * m + (1 - b1) * g) / (1 - b1 ** (t + 1))),
)
mistake(
    "nadam",
    "corrections_exchanged",
    "The two corrections are in each other's place.",
    "Which of the two parts belongs to the next step?",
    nadam_but(lambda g, m, b1, t: b1 * m / (1 - b1**t) + (1 - b1) * g / (1 - b1 ** (t + 1))),
)
mistake(
    "nadam",
    "no_correction",
    "You do not correct the part above the fraction bar.",
    "How large is m after the first step, compared with the gradient?",
    nadam_but(lambda g, m, b1, t: b1 * m + (1 - b1) * g),
)
mistake(
    "nadam",
    "v_not_corrected",
    "You do not correct v.",
    "How large is v after the first step, compared with the squared gradient?",
    nadam_but(size=lambda v, b2, t: v),
)
mistake(
    "nadam",
    "v_ahead",
    "You correct v with the power of the next step.",
    "Does the look-ahead concern v?",
    nadam_but(size=lambda v, b2, t: v / (1 - b2 ** (t + 1))),
)
mistake(
    "nadam",
    "old_memory",
    "You look ahead from the old memory, which has not seen this gradient yet.",
    "What comes first: updating m or using it?",
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda new, v, t: (
            -lr
            * (beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t))
            / ((v / (1 - beta2**t)) ** 0.5 + eps),
            new,
            v,
            t,
        )
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + 1),
)
mistake(
    "nadam",
    "beta_missing",
    "beta1 is missing before the memory.",
    "If the next gradient is not known yet, what is left of m in the next step?",
    nadam_but(lambda g, m, b1, t: m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)),
)
mistake(
    "nadam",
    "whole_gradient",
    "The gradient enters whole, without 1 - beta1.",
    "What do the weights of the two parts have to add up to?",
    nadam_but(lambda g, m, b1, t: b1 * m / (1 - b1 ** (t + 1)) + g / (1 - b1**t)),
    nadam_but(lambda g, m, b1, t: b1 * m / (1 - b1 ** (t + 1)) + g),
)
mistake(
    "nadam",
    "weights_exchanged",
    "beta1 and 1 - beta1 are in each other's place.",
    "Which of the two parts should weigh more?",
    nadam_but(lambda g, m, b1, t: (1 - b1) * m / (1 - b1 ** (t + 1)) + b1 * g / (1 - b1**t)),
)
mistake("nadam", "no_root", *words.NO_ROOT, nadam_but(step=lambda top, root, lr, eps: -lr * top / (root**2 + eps)))
mistake(
    "nadam",
    "eps_inside_root",
    *words.EPS_INSIDE,
    nadam_but(step=lambda top, root, lr, eps: -lr * top / (root**2 + eps) ** 0.5),
)
mistake("nadam", "eps_missing", *words.EPS_MISSING, nadam_but(step=lambda top, root, lr, eps: -lr * top / root))
