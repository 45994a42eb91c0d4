"""Known mistakes of Adam."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import mistake, register

# ---- Adam: Kingma and Ba's Algorithm 1


def moments(g, m, v, b1, b2):
    return b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2


def _corrected(m, v, t, b1, b2):
    return m / np.float64(1 - b1**t), v / np.float64(1 - b2**t)  # np.float64: 0 / 0 is nan and no exception


def _quotient(m_hat, v_hat, lr, eps):
    return -lr * m_hat / (v_hat**0.5 + eps)


def adam_but(
    moments=moments,
    correct=_corrected,
    step=_quotient,
    keep=lambda m, v, m_hat, v_hat: (m, v),
    count=lambda t, g: t + 1,
):
    """Adam with another line for the moments, the corrections, the update, what is kept of them, or the counting."""

    def specimen(g, m, v, t, lr, beta1, beta2, eps):
        t = count(t, g)
        m, v = moments(g, m, v, beta1, beta2)
        m_hat, v_hat = correct(m, v, t, beta1, beta2)
        return step(m_hat, v_hat, lr, eps), *keep(m, v, m_hat, v_hat), t

    return specimen


def _adam_of_g(step):
    """Adam with an update that is made of the gradient and the raw moments, too."""

    def specimen(g, m, v, t, lr, beta1, beta2, eps):
        m, v = moments(g, m, v, beta1, beta2)
        return step(g, m, v, t + 1, lr, beta1, beta2, eps), m, v, t + 1

    return specimen


mistake(
    "adam",
    "t_starts_at_0",
    "Your step counter t is still 0 when the first correction uses it: "
    "the first step divides 0 by 0, or all corrections lag one step behind.",
    "What is 1 - beta^0? When must t be counted up?",
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, t - 1, b1, b2)),
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, max(t - 1, 1), b1, b2)),
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, t - 1, b1, b2) if t > 1 else (m, v)),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v / (1 - b2 ** max(t - 1, 1)))),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1 ** max(t - 1, 1)), v / (1 - b2**t))),
)
mistake(
    "adam",
    "t_one_ahead",
    "Your step counter t is one ahead: the first step is corrected as if it were the second.",
    "Which value has t in the first step? Is it counted up twice, or does it start at 1 and is then counted up?",
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, t + 1, b1, b2)),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v / (1 - b2 ** (t + 1)))),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1 ** (t + 1)), v / (1 - b2**t))),
)
mistake(
    "adam",
    "t_counts_double",
    "Your step counter grows by 2 in each step.",
    "In how many places is t counted up?",
    adam_but(count=lambda t, g: t + 2),
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, 2 * t - 1, b1, b2)),
)
mistake(
    "adam",
    "t_not_stored",
    "Your t is 1 in every step: it is not stored, or set anew in each call, "
    "or 1 - beta stands where 1 - beta^t should.",
    "Which of the things that change does the next call need? Are they all in the state that you return?",
    adam_but(count=lambda t, g: 1),
)
mistake(
    "adam",
    "t_counts_components",
    "Your step counter grows by the number of components, not by 1 a step.",
    "How often does t change in one step, whatever the number of parameters?",
    adam_but(count=lambda t, g: t + len(g)),
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1 + np.arange(len(g)), beta1, beta2), lr, eps), m, v, t + len(g))
    )(*moments(g, m, v, beta1, beta2)),
)
mistake(
    "adam",
    "t_reset",
    "Your step counter starts over again during the run.",
    "Under what condition does your code set t back?",
    adam_but(count=lambda t, g: t % 10 + 1),
)


def _shared_counter(resets):
    """t in one place for everything; ``resets``: a call without state starts it again."""
    t = 0

    def rule(g, state=None, *, lr, beta1, beta2, eps):
        nonlocal t
        t = 1 if state is None and resets else t + 1
        m, v = moments(g, *(state or (0.0, 0.0)), beta1, beta2)
        return _quotient(*_corrected(m, v, t, beta1, beta2), lr, eps), (m, v)

    return rule


register(
    "adam",
    "t_shared",
    "Your step counter t is shared by everything you train: it is not part of the state.",
    "Two parameters take turns. What is t in the first step of the second one?",
    lambda: _shared_counter(False),
    lambda: _shared_counter(True),
)
mistake(
    "adam",
    "beta_times_t",
    "You multiply beta by t instead of raising it to the power t.",
    "By what has the start value been multiplied after t steps?",
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1 * t), v / (1 - b2 * t))),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1 * t), np.abs(v / (1 - b2 * t)))),
)
mistake(
    "adam",
    "one_minus_beta_to_the_t",
    "You raise 1 - beta to the power t.",
    "Which weight does the start value 0 still have after t steps, and how much weight do the gradients have then?",
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1) ** t, v / (1 - b2) ** t)),
)
mistake(
    "adam",
    "correction_without_one_minus",
    "You divide by beta^t, not by what it lacks to 1.",
    "How much weight do t gradients have together in the average?",
    adam_but(correct=lambda m, v, t, b1, b2: (m / b1**t, v / b2**t)),
)
mistake(
    "adam",
    "correction_sign",
    "The sign in your correction is wrong: you divide by 1 + beta^t.",
    "In the first step m is (1 - beta1) g. By what must it be divided to give g?",
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 + b1**t), v / (1 + b2**t))),
)
mistake(
    "adam",
    "no_correction",
    "There is no bias correction: your first step is too long by the factor (1 - beta1) / sqrt(1 - beta2), "
    "3.16 with the defaults.",
    "Both averages start at 0. How large are they after the first gradient, and how large should they be?",
    adam_but(correct=lambda m, v, t, b1, b2: (m, v)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * m / (v + eps) ** 0.5),
)
mistake(
    "adam",
    "brackets_missing",
    "Brackets are missing around a 1 - beta: Python multiplies and divides before it subtracts.",
    "In what order does Python compute `m / 1 - beta`, and in what order `1 - beta * g`?",
    adam_but(correct=lambda m, v, t, b1, b2: (m / 1 - b1**t, v / (1 - b2**t))),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + 1 - b1 * g, b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + 1 - b2 * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + 1 - b1 * g, b2 * v + 1 - b2 * g**2)),
)
mistake(
    "adam",
    "only_m_corrected",
    "Only the first moment m is corrected, so your first steps are far too long.",
    "Which of the two averages starts at 0?",
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v)),
)
mistake(
    "adam",
    "only_v_corrected",
    "Only the second moment v is corrected, so your first step is too short by the factor 1 - beta1.",
    "Which of the two averages starts at 0?",
    adam_but(correct=lambda m, v, t, b1, b2: (m, v / (1 - b2**t))),
)
mistake(
    "adam",
    "correction_multiplies",
    "You multiply by 1 - beta^t instead of dividing.",
    "The averages are too small at first. Which operation makes them larger?",
    adam_but(correct=lambda m, v, t, b1, b2: (m * (1 - b1**t), v * (1 - b2**t))),
    adam_but(correct=lambda m, v, t, b1, b2: (m * (1 - b1**t), v / (1 - b2**t))),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v * (1 - b2**t))),
)
mistake(
    "adam",
    "corrected_stored",
    "You store a corrected moment back in the state, so it is corrected again in the next step.",
    "Which averages does the next step go on with: the raw or the corrected ones?",
    adam_but(keep=lambda m, v, m_hat, v_hat: (m_hat, v_hat)),
    adam_but(keep=lambda m, v, m_hat, v_hat: (m_hat, v)),
    adam_but(keep=lambda m, v, m_hat, v_hat: (m, v_hat)),
)
mistake(
    "adam",
    "corrections_swapped",
    "The corrections do not use their own decay factors: m is corrected with beta2, or v with beta1.",
    "Which beta made which average?",
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b1)),
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, t, b1, b1)),
    adam_but(correct=lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b2)),
)
mistake(
    "adam",
    "correction_outside_root",
    "The correction of v stands outside the root.",
    "Is it v that is corrected, or its root? What comes first?",
    _adam_of_g(
        lambda g, m, v, t, lr, b1, b2, eps: -lr * m / (1 - b1**t) / (v**0.5 / (1 - b2**t) + eps),
    ),
)
mistake(
    "adam",
    "correction_root_of_m",
    "There is a root in the correction of m, or one missing in the efficient form's rate.",
    "Which of the two corrections belongs under a root, if any?",
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * (1 - b2**t) / (1 - b1**t) * m / (v**0.5 + eps)),
    adam_but(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t) ** 0.5, v / (1 - b2**t))),
)
mistake(
    "adam",
    "eps_inside_root",
    *words.EPS_INSIDE,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps) ** 0.5),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps**2) ** 0.5),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / ((v_hat + eps) ** 0.5 + eps)),
    _adam_of_g(
        lambda g, m, v, t, lr, b1, b2, eps: -lr * (1 - b2**t) ** 0.5 / (1 - b1**t) * m / (v + eps) ** 0.5,
    ),
)
mistake(
    "adam",
    "eps_missing",
    *words.EPS_MISSING,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / v_hat**0.5),
    adam_but(step=lambda m_hat, v_hat, lr, eps: np.where(v_hat > 0, -lr * m_hat / np.sqrt(v_hat), 0.0)),
)
mistake(
    "adam",
    "eps_as_floor",
    *words.EPS_FLOOR,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / np.maximum(v_hat**0.5, eps)),
)
mistake(
    "adam",
    "eps_multiplied",
    *words.EPS_FACTOR,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.5 * eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.5 * (1 + eps))),
)
mistake(
    "adam",
    "eps_outside_fraction",
    *words.EPS_OUTSIDE_FRACTION,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / v_hat**0.5 + eps),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -(lr * m_hat / v_hat**0.5 + eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * (m_hat / v_hat**0.5 + eps)),
)
mistake(
    "adam",
    "eps_sign",
    "You subtract eps from the root.",
    "Which operation stands between the root and eps, and what happens where both are equal?",
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.5 - eps)),
)
mistake(
    "adam",
    "eps_collected",
    *words.EPS_COLLECTED,
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), lr, 0.0), m, v, t + 1)
    )(*moments(g, m, v + eps / beta2, beta1, beta2)),
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), lr, eps), m, v, t + 1)
    )(*moments(g, m, v + eps / beta2, beta1, beta2)),
)
mistake(
    "adam",
    "betas_swapped",
    "beta1 and beta2 are in each other's place.",
    "Which of the two averages should have the longer memory?",
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b2, b1), lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b1)),
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b2, b1)),
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b2, b1), lambda m, v, t, b1, b2: (m, v)),
)
mistake(
    "adam",
    "one_beta_for_both",
    "Both of your averages use the same beta.",
    "Which beta belongs to which moment?",
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b1, b1), lambda m, v, t, b1, b2: _corrected(m, v, t, b1, b1)),
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b2, b2), lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b2)),
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b1, b1)),
    adam_but(lambda g, m, v, b1, b2: moments(g, m, v, b2, b2)),
)
mistake(
    "adam",
    "not_squared",
    *words.NOT_SQUARED,
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * 2)),
    adam_but(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g),
        step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.abs(v_hat) ** 0.5 + eps),
    ),
)
mistake(
    "adam",
    "absolute_values",
    *words.ABSOLUTE,
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.abs(g))),
    adam_but(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.abs(g)),
        step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps),
    ),
)
mistake(
    "adam",
    "no_root",
    *words.NO_ROOT,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / v_hat),
    adam_but(correct=lambda m, v, t, b1, b2: (m, v), step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps)),
)
mistake(
    "adam",
    "other_root",
    *words.OTHER_ROOT,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat ** (1 / 3) + eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.25 + eps)),
)
mistake("adam", "root_stored", *words.ROOT_STORED, adam_but(keep=lambda m, v, m_hat, v_hat: (m, v**0.5)))
mistake(
    "adam",
    "norm",
    *words.NORM,
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.sum(g**2))),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.mean(g**2))),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.linalg.norm(g))),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.linalg.norm(v_hat) ** 0.5 + eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.mean(v_hat) ** 0.5 + eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.max(v_hat) ** 0.5 + eps)),
)
mistake(
    "adam",
    "one_minus_beta_missing",
    "The factor 1 - beta is missing on the newest gradient or its square: one of the moments is a sum, no average.",
    words.WEIGHTS,
    adam_but(lambda g, m, v, b1, b2: (b1 * m + g, b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + g, b2 * v + g**2)),
)
mistake(
    "adam",
    "one_minus_beta_extra",
    "There is a factor 1 - beta too many: on the moment as a whole, or twice on the newest gradient or its square.",
    words.WEIGHTS,
    adam_but(lambda g, m, v, b1, b2: ((1 - b1) * (m + g), b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, (1 - b2) * (v + g**2))),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) ** 2 * g, b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + ((1 - b2) * g) ** 2)),
)
mistake(
    "adam",
    "one_minus_beta_mixed_up",
    "The weight of the newest gradient or of its square is not 1 minus the beta of its own moment.",
    "Which beta stands in which line, and are the places of beta and 1 - beta right in both?",
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b1) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b2) * g, b2 * v + (1 - b1) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b2) * g, b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: ((1 - b1) * m + b1 * g, (1 - b2) * v + b2 * g**2)),
    adam_but(lambda g, m, v, b1, b2: ((1 - b1) * m + b1 * g, b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, (1 - b2) * v + b2 * g**2)),
)
mistake(
    "adam",
    "square_of_m",
    "The second moment collects the square of m, not of the gradient.",
    "Of what is v the average?",
    adam_but(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * (b1 * m + (1 - b1) * g) ** 2),
    ),
)
mistake(
    "adam",
    "no_first_moment",
    "The first moment plays no part: your numerator is the gradient itself, as in RMSProp.",
    "What has Adam above the fraction bar?",
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: _quotient(g, v / (1 - b2**t), lr, eps)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: _quotient(g, v, lr, eps)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: _quotient(g / (1 - b1**t), v / (1 - b2**t), lr, eps)),
)
mistake(
    "adam",
    "no_second_moment",
    "The second moment plays no part: you do not divide by its root.",
    "What has Adam below the fraction bar?",
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * m / (1 - b1**t)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * m),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * g),
    lambda g, m, v, t, lr, beta1, beta2, eps: (-(beta1 * m + lr * g), beta1 * m + lr * g, v, t),
)


def _stale(late_m, late_v):
    def specimen(g, m, v, t, lr, beta1, beta2, eps):
        new_m, new_v = moments(g, m, v, beta1, beta2)
        used = (m + 0 * g if late_m else new_m), (v + 0 * g if late_v else new_v)
        return _quotient(*_corrected(*used, t + 1, beta1, beta2), lr, eps), new_m, new_v, t + 1

    return specimen


mistake(
    "adam",
    "stale_moment",
    "You use a moment from before this gradient: m, v or both are updated too late.",
    "What comes first: updating the averages or using them?",
    _stale(True, False),
    _stale(False, True),
    _stale(True, True),
)
mistake(
    "adam",
    "moments_exchanged",
    "m and v are in each other's place: in the state that you return, or in the fraction.",
    "In which order does the next call unpack the state?",
    adam_but(keep=lambda m, v, m_hat, v_hat: (v, m)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * v_hat / (m_hat**0.5 + eps)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * v_hat / (np.abs(m_hat) ** 0.5 + eps)),
)
mistake(
    "adam",
    "forgets_a_moment",
    "One of the moments, or both, is forgotten from step to step: it holds this gradient only.",
    "Are all moments in the state that you return, and does each assignment use the old value?",
    adam_but(lambda g, m, v, b1, b2: moments(g, 0.0, v, b1, b2)),
    adam_but(lambda g, m, v, b1, b2: moments(g, m, 0.0, b1, b2)),
    adam_but(lambda g, m, v, b1, b2: moments(g, 0.0, 0.0, b1, b2)),
)
mistake(
    "adam",
    "state_not_used",
    "Every step of yours is a first step: nothing is remembered.",
    "Is the new state what you return, and does the next call read it?",
    adam_but(lambda g, m, v, b1, b2: moments(g, 0.0, 0.0, b1, b2), count=lambda t, g: 1),
)
mistake(
    "adam",
    "never_forgets",
    "A moment never forgets: its old value is kept in full, as in Adagrad.",
    "What do beta1 and beta2 do to the old averages?",
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, v + g**2)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, v + g**2), lambda m, v, t, b1, b2: (m / (1 - b1**t), v)),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (m + (1 - b1) * g, b2 * v + (1 - b2) * g**2)),
    adam_but(lambda g, m, v, b1, b2: (m + (1 - b1) * g, v + (1 - b2) * g**2)),
)


def _amsgrad(g, m, v, t, top, lr, beta1, beta2, eps, corrected_first=False):
    m, v = moments(g, m, v, beta1, beta2)
    m_hat, v_hat = _corrected(m, v, t + 1, beta1, beta2)
    top = np.maximum(top, v_hat if corrected_first else v)
    return _quotient(m_hat, top if corrected_first else top / (1 - beta2 ** (t + 1)), lr, eps), m, v, t + 1, top


mistake(
    "adam",
    "amsgrad",
    "You keep the largest second moment so far: this is AMSGrad.",
    "May Adam's rate rise again when the gradients become smaller?",
    _amsgrad,
    lambda *args, **hyper: _amsgrad(*args, **hyper, corrected_first=True),
    start=(0.0, 0.0, 0, 0.0),
)
mistake(
    "adam",
    "nadam",
    "Your numerator looks one step ahead: this is NAdam.",
    "Which gradients are above the fraction bar in Algorithm 1, and with which weights?",
    _adam_of_g(
        lambda g, m, v, t, lr, b1, b2, eps: _quotient((b1 * m + (1 - b1) * g) / (1 - b1**t), v / (1 - b2**t), lr, eps)
    ),
)
mistake(
    "adam",
    "maximum",
    "Your v is a maximum (as in AdaMax), not an average.",
    "Which operation joins the old v and the new square?",
    adam_but(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, np.maximum(b2 * v, np.abs(g))),
        lambda m, v, t, b1, b2: (m / (1 - b1**t), v),
        lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps),
    ),
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, np.maximum(b2 * v, (1 - b2) * g**2))),
    adam_but(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, np.maximum(v, g**2)),
        lambda m, v, t, b1, b2: (m / (1 - b1**t), v),
    ),
)
mistake(
    "adam",
    "variance",
    "Your second moment is a variance: a mean is subtracted from g, or from the average of its squares.",
    "Of what is v the average?",
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.maximum(v_hat - m_hat**2, 0) ** 0.5 + eps)),
    adam_but(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * (g - (b1 * m + (1 - b1) * g)) ** 2),
    ),
)
mistake(
    "adam", "lr_missing", *words.NO_LR, adam_but(step=lambda m_hat, v_hat, lr, eps: _quotient(m_hat, v_hat, 1.0, eps))
)
mistake(
    "adam",
    "sign_only",
    *words.SIGN_ONLY,
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * np.sign(g)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * np.sign(m)),
)
mistake(
    "adam",
    "numerator_squared",
    *words.NUMERATOR_SQUARED,
    adam_but(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g**2, b2 * v + (1 - b2) * g**2)),
    adam_but(step=lambda m_hat, v_hat, lr, eps: _quotient(m_hat**2, v_hat, lr, eps)),
)
mistake(
    "adam",
    "lr_in_moments",
    *words.LR_IN_ACCUMULATOR,
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), 1.0, eps), m, v, t + 1)
    )(*moments(lr * g, m, v, beta1, beta2)),
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), 1.0, eps), m, v, t + 1)
    )(beta1 * m + (1 - beta1) * lr * g, beta2 * v + (1 - beta2) * g**2),
)
mistake(
    "adam",
    "multiplies",
    *words.MULTIPLIES,
    adam_but(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat * (v_hat**0.5 + eps)),
)
mistake(
    "adam",
    "count_root",
    *words.COUNT_ROOT,
    _adam_of_g(
        lambda g, m, v, t, lr, b1, b2, eps: _quotient(*_corrected(m, v, t, b1, b2), lr / t**0.5, eps),
    ),
)
mistake("adam", "starts_elsewhere", *words.STARTS_ELSEWHERE, adam_but(), start=(1.0, 1.0, 0))
mistake("adam", "starts_elsewhere", *words.STARTS_ELSEWHERE, adam_but(), start=(0.0, 1.0, 0))
mistake(
    "adam",
    "starts_elsewhere",
    *words.STARTS_ELSEWHERE,
    adam_but(lambda g, m, v, b1, b2: moments(g, *((g, g**2) if m is None else (m, v)), b1, b2)),
    adam_but(
        lambda g, m, v, b1, b2: moments(g, *((g, g**2) if m is None else (m, v)), b1, b2),
        lambda m, v, t, b1, b2: (m, v),
    ),
    start=(None, None, 0),
)
