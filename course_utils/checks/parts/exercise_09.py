"""What exercise 9 compares its answers with, and the mistakes that it knows."""

from functools import cache

import numpy as np

from course_utils import rules
from course_utils.checks.parts import part

# ---- coast


def rolled(lr, beta1, beta2, steps=10_000):
    """Let it roll, and add up the steps. After so long a time the number of steps is as good as infinite."""
    way, state = 0.0, (1.0, 1.0, np.inf)
    for _ in range(steps):
        update, state = rules.adam(0.0, state, lr=lr, beta1=beta1, beta2=beta2, eps=0.0)
        way -= update
        if abs(update) < 1e-12 * way:
            break
    return way


part(
    9,
    "coast",
    rolled,
    [(0.001, 0.9, 0.999), (1.0, 0.5, 0.9), (0.01, 0.95, 0.99)],
    mistakes={
        "So far would it roll if only m faded. What becomes of v meanwhile, and what does that do to the steps?": (
            lambda lr, beta1, beta2: rolled(lr, beta1, 1 - 1e-12)
        ),
        "Nearly: v fades, but the step divides by something else than v itself.": (
            lambda lr, beta1, beta2: rolled(lr, beta1, beta2**2)
        ),
        "One step too many: the last step with a gradient is past.": (
            lambda lr, beta1, beta2: rolled(lr, beta1, beta2) + lr
        ),
        "This is the first step of the way. How long is the second?": (
            lambda lr, beta1, beta2: rolled(lr, beta1, beta2, steps=1)
        ),
        "The way is right, in units of lr. And in the units of x?": lambda lr, beta1, beta2: rolled(1.0, beta1, beta2),
        "It is a length, so it is positive.": lambda lr, beta1, beta2: -rolled(lr, beta1, beta2),
    },
)


# ---- lead


@cache  # a check asks for the same cases several times
def measured_lead(n, c, rule=rules.adam, **hyper):
    """200 rounds of each weight; the way of A divided by the way of B in the second hundred."""

    def way(gradient):
        x, state = 0.0, rules.initial_state(rule)  # plain numbers: many steps in little time
        for step in range(200 * n):
            if step == 100 * n:
                begin = x
            update, state = rule(gradient(step), state, lr=1.0, **hyper)
            x += update
        return x - begin

    return way(lambda step: 1.0) / way(lambda step: float(c) if step % n == n - 1 else 0.0)


part(
    9,
    "lead",
    lambda n, c: measured_lead(n, c, beta2=0.9999),
    [(4, 3.0), (25, 1.0), (50, 0.5)],
    tolerance=0.02,
    mistakes={
        "This is gradient descent's answer: there B's mean gradient is all that counts. By what does Adam divide it?": (
            lambda n, c: measured_lead(n, c, rules.gradient_descent)
        ),
        "This is how rare B's gradients are. It makes m smaller, but not m alone: what does it do to the root of v?": (
            lambda n, c: measured_lead(n, 1.0, rules.gradient_descent)
        ),
        "You divide by c somewhere. Multiply B's gradients by ten: what happens to m, to the root of v, to the step?": (
            lambda n, c: measured_lead(n, c, beta2=0.9999) / c
        ),
        "The right number upside down: who of the two gets further?": (
            lambda n, c: 1 / measured_lead(n, c, beta2=0.9999)
        ),
        "So it would be if every step of B had the full length lr. In how many steps does B have no gradient?": (
            lambda n, c: 1.0
        ),
    },
)


# ---- resumed


def through_crash(gradients, pause, lost, spoil=lambda now, later: now):
    """The path of the course's rule from `pause` on. spoil: what comes out of saving and loading its state."""
    states, points, x = [rules.initial_state(rules.adam)], [np.zeros(2)], np.zeros(2)
    for g in gradients:
        update, state = rules.adam(g, states[-1], lr=0.1, eps=0.0)
        states.append(state)
        points.append(points[-1] + update)
    x, state, after = points[pause], spoil(states[pause], states[pause + lost]), []
    for g in gradients[pause:]:
        update, state = rules.adam(g, state, lr=0.1, eps=0.0)
        x = x + update
        after.append(x)
    return np.array(after)


gradients = np.random.default_rng(1).normal(1, 1, size=(20, 2))


def spoilt(spoil):
    return lambda *case: through_crash(*case, spoil=spoil)


part(
    9,
    "resumed",
    through_crash,
    [(gradients, 10, 0), (gradients, 10, 5), (gradients, 4, 12)],
    tolerance=1e-5,
    mistakes={
        "Even where no step is lost, the first step after the restart has the wrong length. What else does a step "
        "depend on besides the gradient, m and v?": spoilt(lambda now, later: (*later[:2], 0)),
        "Here is the second bug: the path is right if the crash comes at once, and wrong if steps were made after "
        "saving. How can they change what has been saved?": spoilt(lambda now, later: (*later[:2], now[2])),
        "What has been saved stays as it is now. But the first step after the restart has the wrong length even if "
        "nothing was lost. What else does a step depend on?": spoilt(lambda now, later: (*now[:2], 0)),
        "After the restart t is one ahead: is it counted up where it is saved or loaded, too?": (
            spoilt(lambda now, later: (*now[:2], now[2] + 1))
        ),
        "After the restart t is one behind: what does your `save` keep, and what does your `load` make of it?": (
            spoilt(lambda now, later: (*now[:2], now[2] - 1))
        ),
        "After the restart v begins at 0 again, so the first steps are far too long. Does your `save` hand it on, and "
        "does your `load` take it?": spoilt(lambda now, later: (now[0], 0 * now[1], now[2])),
        "After the restart m begins at 0 again: the optimizer has forgotten where it was going. Does your `save` hand "
        "it on, and does your `load` take it?": spoilt(lambda now, later: (0 * now[0], *now[1:])),
        "After the restart m and v begin at 0 again, though t goes on. Does your `save` hand them on, and does your "
        "`load` take them?": spoilt(lambda now, later: (0 * now[0], 0 * now[1], now[2])),
        "After the restart nothing is remembered: m, v and t all begin anew. What has to be handed on through the "
        "crash?": spoilt(lambda now, later: (0 * now[0], 0 * now[1], 0)),
    },
)
