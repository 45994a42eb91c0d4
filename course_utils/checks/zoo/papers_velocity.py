"""Known mistakes of quasi-hyperbolic momentum, of Nesterov with restart and of Schedule-Free SGD: see
course_utils/checks/papers.py for the right ones."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import mistake

# ---- quasi-hyperbolic momentum


def mixed(
    collect=lambda g, m, lr, beta: beta * m + (1 - beta) * g,
    step=lambda g, m, lr, beta, nu: -lr * ((1 - nu) * g + nu * m),
):
    """Quasi-hyperbolic momentum with another line for the memory or for the step."""

    def specimen(g, m, lr, beta, nu):
        new = collect(g, m, lr, beta)
        return step(g, new, lr, beta, nu) + 0 * g, new

    return specimen


mistake(
    "quasi_hyperbolic",
    "nu_swapped",
    "nu and 1 - nu are in each other's place.",
    "Which of the two, the gradient or the memory, does nu weigh?",
    mixed(step=lambda g, m, lr, beta, nu: -lr * (nu * g + (1 - nu) * m)),
)
mistake(
    "quasi_hyperbolic", "beta_swapped", *words.BETA_SWAPPED, mixed(lambda g, m, lr, beta: (1 - beta) * m + beta * g)
)
mistake(
    "quasi_hyperbolic",
    "sum_for_average",
    "What your step takes is momentum's sum, 1 / (1 - beta) times the average that the formula has.",
    words.WEIGHTS,
    mixed(lambda g, m, lr, beta: beta * m + g),
)
mistake(
    "quasi_hyperbolic",
    "memory_alone",
    "Your step uses the memory alone.",
    "What does the formula do with the other 1 - nu?",
    mixed(step=lambda g, m, lr, beta, nu: -lr * m),
    mixed(step=lambda g, m, lr, beta, nu: -lr * nu * m),
)
mistake(
    "quasi_hyperbolic",
    "gradient_alone",
    "Your step uses the gradient alone.",
    "Where does the memory enter the step?",
    mixed(step=lambda g, m, lr, beta, nu: -lr * g),
    mixed(step=lambda g, m, lr, beta, nu: -lr * (1 - nu) * g),
)
mistake(
    "quasi_hyperbolic",
    "weights_exceed_one",
    "Your two weights do not add up to 1.",
    "What does the formula put before the gradient, if nu stands before the memory?",
    mixed(step=lambda g, m, lr, beta, nu: -lr * (g + nu * m)),
    mixed(step=lambda g, m, lr, beta, nu: -lr * ((1 - nu) * g + m)),
)
mistake(
    "quasi_hyperbolic",
    "stale_memory",
    "You step with the old memory, which has not seen this gradient yet.",
    "What comes first: updating the memory or using it?",
    lambda g, m, lr, beta, nu: (-lr * ((1 - nu) * g + nu * m), beta * m + (1 - beta) * g),
)
mistake(
    "quasi_hyperbolic",
    "lr_in_memory",
    "The learning rate is inside your memory, so a change of lr comes late.",
    "In this formula, where does lr stand: before the whole step, or before the new gradient?",
    mixed(
        lambda g, m, lr, beta: beta * m + (1 - beta) * lr * g,
        lambda g, m, lr, beta, nu: -((1 - nu) * lr * g + nu * m),
    ),
)
mistake("quasi_hyperbolic", "lr_missing", *words.NO_LR, mixed(step=lambda g, m, lr, beta, nu: -((1 - nu) * g + nu * m)))
mistake(
    "quasi_hyperbolic",
    "lr_on_one_part",
    "The learning rate multiplies only one of the two parts.",
    "Where do the brackets stand in the formula?",
    mixed(step=lambda g, m, lr, beta, nu: -((1 - nu) * lr * g + nu * m)),
    mixed(step=lambda g, m, lr, beta, nu: -((1 - nu) * g + lr * nu * m)),
)
mistake(
    "quasi_hyperbolic",
    "nu_in_memory",
    "nu enters the memory; it belongs into the step alone.",
    "Which of the two lines of the formula has a nu?",
    lambda g, m, lr, beta, nu: (lambda new: (-lr * new, new))(beta * nu * m + (1 - beta * nu) * g),
    lambda g, m, lr, beta, nu: (lambda new: (-lr * new, new))((1 - nu) * g + nu * (beta * m + (1 - beta) * g)),
)
mistake(
    "quasi_hyperbolic",
    "starts_with_gradient",
    "Your memory starts with the first gradient; the paper's starts at 0.",
    "What is remembered before the first step?",
    lambda g, m, t, lr, beta, nu: (lambda new: (-lr * ((1 - nu) * g + nu * new), new, t + 1))(
        beta * m + (1 - beta) * g if t else 1.0 * g
    ),
    start=(0.0, 0),
)
mistake(
    "quasi_hyperbolic",
    "corrected",
    "You divide the memory by 1 - beta^t, as Adam does.",
    "Does this formula correct for the start?",
    lambda g, m, t, lr, beta, nu: (lambda new: (-lr * ((1 - nu) * g + nu * new / (1 - beta ** (t + 1))), new, t + 1))(
        beta * m + (1 - beta) * g
    ),
    start=(0.0, 0),
)

# ---- Nesterov with restart


def restarted(
    restart=lambda g, v, lr, beta: (g * v).sum() < 0,
    after=lambda g, v, lr, beta: lr * g,
    step=lambda g, v, lr, beta: -(beta * v + lr * g),
    collect=lambda g, v, lr, beta: beta * v + lr * g,
):
    """Nesterov with another condition, another velocity after it, another step or another velocity."""

    def specimen(g, v, lr, beta):
        new = collect(g, v, lr, beta)
        if restart(g, new, lr, beta):
            new = after(g, new, lr, beta)
        return step(g, new, lr, beta) + 0 * g, new

    return specimen


mistake(
    "restarted_nesterov",
    "never_restarts",
    "You never restart: this is Nesterov momentum as it was.",
    "What do you compare with 0, and what happens then?",
    restarted(lambda g, v, lr, beta: False),
)
mistake(
    "restarted_nesterov",
    "always_restarts",
    "You restart in every step, so nothing is remembered.",
    "In which case does the velocity point uphill, and in which downhill?",
    restarted(lambda g, v, lr, beta: True),
)
mistake(
    "restarted_nesterov",
    "wrong_condition",
    "You restart exactly when the velocity points downhill.",
    "The step is *minus* the velocity. What does g.v > 0 say about the step?",
    restarted(lambda g, v, lr, beta: (g * v).sum() > 0),
)
mistake(
    "restarted_nesterov",
    "for_each_component",
    "You restart component by component.",
    "g.v is one number for the whole vector. What does its sign decide?",
    lambda g, v, lr, beta: (lambda new: (-(beta * new + lr * g), new))(
        np.where(g * (beta * v + lr * g) < 0, lr * g, beta * v + lr * g)
    ),
)
mistake(
    "restarted_nesterov",
    "any_component",
    "You restart as soon as one component points uphill.",
    "g.v is a sum over components. What does its sign decide?",
    restarted(lambda g, v, lr, beta: (g * v < 0).any()),
)
mistake(
    "restarted_nesterov",
    "old_velocity_tested",
    "You test the old velocity, which has not got this gradient yet.",
    "Which velocity is it that the step would follow?",
    lambda g, v, lr, beta: (lambda new: (-(beta * new + lr * g) + 0 * g, new))(
        lr * g if (g * v).sum() < 0 else beta * v + lr * g
    ),
)
mistake(
    "restarted_nesterov",
    "restarts_at_zero",
    "After a restart your velocity is 0; it should hold this gradient already.",
    "What is the velocity after the very first step?",
    restarted(after=lambda g, v, lr, beta: 0 * g),
)
mistake(
    "restarted_nesterov",
    "velocity_reversed",
    "You turn the velocity round instead of forgetting it.",
    "What should be left of the past after a restart?",
    restarted(after=lambda g, v, lr, beta: -v),
)
mistake(
    "restarted_nesterov",
    "lr_missing_after_restart",
    "After a restart your velocity is the gradient without the learning rate.",
    "What is the velocity after the very first step?",
    restarted(after=lambda g, v, lr, beta: 1.0 * g),
)


def restarted_by_old_gradient(g, v, last, *, lr, beta):
    """Asks whether the gradient of the step before, not this one, goes against the velocity."""
    v = beta * v + lr * g
    v = lr * g if float((last * v).sum()) < 0 else v
    return -(beta * v + lr * g), v, 1.0 * g


mistake(
    "restarted_nesterov",
    "old_gradient",
    "You test with the gradient of the step before.",
    "Which gradient says whether this step would lead uphill?",
    restarted_by_old_gradient,
    start=(0.0, 0.0),
)
mistake(
    "restarted_nesterov",
    "step_before_restart",
    "You restart only after the step: the step itself still follows the old velocity.",
    "What comes first, the test or the step?",
    lambda g, v, lr, beta: (lambda new: (-(beta * new + lr * g) + 0 * g, lr * g if (g * new).sum() < 0 else new))(
        beta * v + lr * g
    ),
)
mistake(
    "restarted_nesterov",
    "no_look_ahead",
    "Your update is minus the velocity, which is plain momentum's.",
    "What is Nesterov's update, in the form of chapter 6?",
    restarted(step=lambda g, v, lr, beta: -v),
)
mistake(
    "restarted_nesterov",
    "momentum_dropped_from_step",
    "After a restart your step leaves the look-ahead out.",
    "Does the formula of the update change after a restart, or only the velocity in it?",
    lambda g, v, lr, beta: (
        lambda new: (-lr * g, lr * g) if (g * new).sum() < 0 else (-(beta * new + lr * g) + 0 * g, new)
    )(beta * v + lr * g),
)
mistake(
    "restarted_nesterov",
    "lr_outside_velocity",
    *words.LR_OUTSIDE,
    restarted(
        collect=lambda g, v, lr, beta: beta * v + g,
        after=lambda g, v, lr, beta: 1.0 * g,
        step=lambda g, v, lr, beta: -lr * (beta * v + g),
    ),
)

# ---- Schedule-Free SGD, in the points relative to y: z, x


def free(
    fast=lambda g, z, lr: z - lr * g,
    mean=lambda z, x, t: x + (z - x) / (t + 1),
    mix=lambda z, x, beta: (1 - beta) * z + beta * x,
):
    """Schedule-Free SGD with another line for the fast point, for the mean or for the point between them."""

    def specimen(g, z, x, t, lr, beta):
        t = t + 1
        z = fast(g, z, lr)
        x = mean(z, x, t)
        update = mix(z, x, beta)
        return update + 0 * g, z - update, x - update, t

    return specimen


mistake(
    "schedule_free",
    "beta_swapped",
    "beta and 1 - beta are in each other's place.",
    "With beta near 1, should y lie near the mean or near the fast point?",
    free(mix=lambda z, x, beta: beta * z + (1 - beta) * x),
)
mistake(
    "schedule_free",
    "c_one_ahead",
    "Your mean weighs the newest point with 1 / t: after the first step it has forgotten the start.",
    "How many points are in the mean after the first step, with the start among them?",
    free(mean=lambda z, x, t: x + (z - x) / t),
)
mistake(
    "schedule_free",
    "c_one_late",
    "Your mean weighs the newest point with 1 / (t + 2).",
    "How many points are in the mean after the first step, with the start among them?",
    free(mean=lambda z, x, t: x + (z - x) / (t + 2)),
)
mistake(
    "schedule_free",
    "t_not_counted",
    "Your steps are not counted: the mean always weighs alike.",
    "Is t + 1 in the state that you return?",
    lambda g, z, x, t, lr, beta: (lambda z, x: (lambda u: (u + 0 * g, z - u, x - u, t))((1 - beta) * z + beta * x))(
        z - lr * g, x + (z - lr * g - x) / (t + 2)
    ),
)
mistake(
    "schedule_free",
    "c_constant",
    "Your mean weighs the newest point always alike, so it forgets.",
    "In a mean of t + 1 points, what does each of them weigh?",
    free(mean=lambda z, x, t: x + 0.1 * (z - x)),
)
mistake(
    "schedule_free",
    "old_and_new_exchanged",
    "c and 1 - c are in each other's place.",
    "After many steps, how much should one more point change the mean?",
    free(mean=lambda z, x, t: z + (x - z) / (t + 1)),
)
mistake(
    "schedule_free",
    "returns_fast_step",
    "Your update is the fast point's; the gradient is asked for at y, so y must move.",
    "The caller adds your update to y. By how much does y change?",
    lambda g, z, x, t, lr, beta: (-lr * g, z, x, t + 1),
)
mistake(
    "schedule_free",
    "returns_mean",
    "Your update is the mean's change, not y's.",
    "The gradient is asked for at y. By how much does y change?",
    free(mix=lambda z, x, beta: x),
)
mistake(
    "schedule_free",
    "not_moved_along",
    "You keep z and x relative to the old y, though y has moved by your update.",
    "After the update, how far is z from the *new* y?",
    lambda g, z, x, t, lr, beta: (lambda z, x, t: ((1 - beta) * z + beta * x, z, x, t))(
        z - lr * g, x + (z - lr * g - x) / (t + 2), t + 1
    ),
)
mistake(
    "schedule_free",
    "mean_of_old_point",
    "Your mean takes in the fast point before its step.",
    "What comes first: the step of z, or its entry into the mean?",
    lambda g, z, x, t, lr, beta: (
        lambda new, x, t: (lambda u: (u + 0 * g, new - u, x - u, t))((1 - beta) * new + beta * x)
    )(z - lr * g, x + (z - x) / (t + 2), t + 1),
)
mistake(
    "schedule_free",
    "sum_for_mean",
    "You add the points up; x is their mean.",
    "What do 1 - c and c add up to?",
    free(mean=lambda z, x, t: x + z / (t + 1)),
)
mistake("schedule_free", "lr_missing", *words.NO_LR, free(fast=lambda g, z, lr: z - g))
mistake(
    "schedule_free",
    "lr_decays",
    "Your learning rate falls with the steps; this rule does without a schedule.",
    "What does lr multiply, and what else stands there?",
    lambda g, z, x, t, lr, beta: (lambda z, x, t: (lambda u: (u + 0 * g, z - u, x - u, t))((1 - beta) * z + beta * x))(
        z - lr / (t + 1) * g, x + (z - lr / (t + 1) * g - x) / (t + 2), t + 1
    ),
)
