"""What any rule can suffer from: a wrong sign, a constant factor, arrays changed or kept, state in the wrong place."""

import numpy as np

from course_utils import rules
from course_utils.checks.tasks import TASKS
from course_utils.checks.zoo import words
from course_utils.checks.zoo.adam import adam_but, moments
from course_utils.checks.zoo.registry import RULES, STATEFUL, habit, mistake
from course_utils.checks.zoo.scaled import BOTH, collected, scaled_but
from course_utils.checks.zoo.velocity import nesterov_but, velocity_but


@habit(
    "wrong_sign",
    "Your update points uphill: it has the wrong sign.",
    "The caller *adds* your update to the parameters. Which sign must it have?",
)
def _(rule):
    def wrong(*args, **hyper):
        update, state = rule(*args, **hyper)
        return -update, state

    return wrong


FACTOR = (
    "All your steps are right but for one constant factor.",
    "Where could a constant come in, or something be added a second time?",
)


@habit("constant_factor", *FACTOR)
def _(rule):
    def wrong(*args, **hyper):
        update, state = rule(*args, **hyper)
        return 2 * update, state

    return wrong


@habit("constant_factor", *FACTOR)
def _(rule):
    def wrong(*args, **hyper):
        update, state = rule(*args, **hyper)
        return 0.5 * update, state

    return wrong


@habit(
    "hyperparameters_exchanged",
    "lr and beta are in each other's place.",
    "Are the hyperparameters used by their names, and is the order right where you hand them on?",
    ("momentum", "nesterov", "rmsprop"),
)
def _(rule):
    return lambda *args, lr, beta, **hyper: rule(*args, lr=beta, beta=lr, **hyper)


@habit("lr_twice", *words.LR_TWICE, ("gradient_descent", "adagrad", "rmsprop", "adam"))
def _(rule):
    def wrong(*args, lr, **hyper):
        update, state = rule(*args, lr=lr, **hyper)
        return lr * update, state

    return wrong


@habit(
    "returns_parameters",
    "You seem to return new parameters, g plus the update, where only the update is wanted.",
    "The caller adds what you return to the parameters. What is left for you to compute?",
)
def _(rule):
    def wrong(g, *state, **hyper):
        update, state = rule(g, *state, **hyper)
        return g + update, state

    return wrong


@habit(
    "update_and_state_exchanged",
    "Update and state are returned in the wrong order.",
    "Which of the two does the signature of a rule put first?",
    ("momentum", "nesterov", "adagrad", "rmsprop"),
)
def _(rule):
    def wrong(g, state=0.0, **hyper):
        update, (v,) = rule(g, (state,), **hyper)
        return v, update

    return wrong


CLIPPED = (
    "Your steps have a limit: large gradients or updates are clipped.",
    "Does the formula have a limit? Does it need one?",
)


@habit("clipped", *CLIPPED)
def _(rule):
    return lambda g, *state, **hyper: rule(np.clip(g, -1, 1), *state, **hyper)


@habit("clipped", *CLIPPED)
def _(rule):
    return lambda g, *state, **hyper: rule(g / max(1.0, float(np.linalg.norm(g))), *state, **hyper)


@habit("clipped", *CLIPPED)
def _(rule):
    def wrong(*args, **hyper):
        update, state = rule(*args, **hyper)
        return np.clip(update, -1, 1), state

    return wrong


@habit("rounded", "Your updates are rounded, so small steps are lost.", "Where do you round, and why?")
def _(rule):
    def wrong(*args, **hyper):
        update, state = rule(*args, **hyper)
        return np.round(update, 6), state

    return wrong


INTEGER = (
    "Your state holds integers, so everything after the decimal point is cut off.",
    "Which dtype has the array that you start from?",
)


@habit("integer_state", *INTEGER, STATEFUL)
def _(rule):
    def wrong(*args, **hyper):
        update, state = rule(*args, **hyper)
        return update, tuple(np.asarray(part).astype(int) for part in state)

    return wrong


mistake("momentum", "integer_state", *INTEGER, velocity_but(lambda g, v, lr, beta: (beta * v + lr * g).astype(int)))
mistake("nesterov", "integer_state", *INTEGER, nesterov_but(lambda g, v, lr, beta: (beta * v + lr * g).astype(int)))
mistake(BOTH, "integer_state", *INTEGER, scaled_but(lambda g, r, lr, beta: collected(r, g**2, beta).astype(int)))
mistake(
    "adam",
    "integer_state",
    *INTEGER,
    adam_but(lambda g, m, v, b1, b2: tuple(moment.astype(int) for moment in moments(g, m, v, b1, b2))),
)


@habit(
    "mutates_arguments",
    "You change the array `g` that the caller handed in.",
    "Which of your operations work in place (`*=`, `+=`, `out=`, `[:] =`)? The caller may still need its gradient.",
)
def _(rule):
    def wrong(g, *state, lr, **hyper):
        update, state = rule(g.copy(), *state, lr=lr, **hyper)
        g *= lr
        return update, state

    return wrong


@habit(
    "changes_the_state",
    "It changes the state that it was given in place.",
    "Who kept that state, to go back to it, finds another one. Which of your operations work in place (`*=`, `+=`, "
    "`out=`, `[:] =`)? `v = v * beta` makes a new array, and `v *= beta` does not.",
    STATEFUL,
)
def _(rule):
    def wrong(g, *state, **hyper):
        update, new = rule(g, *state, **hyper)
        for old, part in zip(*state, new, strict=True) if state else ():
            if isinstance(old, np.ndarray):
                old[...] = part
        return update, new

    return wrong


@habit(
    "keeps_the_gradient",
    "You keep the caller's array `g` in your state, and it changes when the caller reuses it for the next gradient.",
    "Is what you store an array of your own, or the same memory under a second name?",
    STATEFUL,
)
def _(rule):
    def wrong(g, state=(), **hyper):
        seen, inner = (*state, (g, hyper)), ()  # g itself, no copy
        for past, past_hyper in seen:  # everything is computed again from what it holds by now
            update, *inner = rule(past, *inner, **past_hyper)
        return update, seen

    return wrong


SHARED = (
    "The same gradients from a fresh start give other updates than before: "
    "something is remembered outside the state that you return, or drawn at random.",
    "Is there a global, an attribute of an object, or a list as the default of `state` that you change in place?",
)


@habit("state_shared_between_runs", *SHARED, STATEFUL)
def _(rule):
    remembered = []

    def wrong(g, state=None, **hyper):
        update, *remembered[:] = rule(g, *remembered, **hyper)
        return update, None

    return wrong


@habit("state_shared_between_runs", *SHARED, ("gradient_descent",))
def _(rule):
    calls = []

    def wrong(g, state=None, *, lr):
        calls.append(g)
        return -lr / len(calls) ** 0.5 * g, None

    return wrong


@habit(
    "state_shared_between_parameters",
    "Two parameters that take turns disturb each other: their state is in one place instead of in what you return.",
    "Where does your function keep what it remembers, and how many parameters can it serve at once?",
    STATEFUL,
)
def _(rule):
    remembered = []

    def wrong(g, state=None, **hyper):
        update, *remembered[:] = rule(g, *([] if state is None else remembered), **hyper)
        return update, "somewhere else"

    return wrong


for _name in ("lr", "beta", "beta1", "beta2", "eps", "nu"):

    @habit(
        f"ignores_{_name}",
        f"Your function takes `{_name}`, but nothing changes when it changes.",
        f"Is `{_name}` used at all, or does a number, or another name, stand in its place?",
        tuple(rule for rule in RULES if _name in TASKS[rule].hyper),
    )
    def _(rule, name=_name):
        fixed = 0.05 if name == "lr" else rules.hyperparameters(rule)[name]
        return lambda *args, **hyper: rule(*args, **(hyper | {name: fixed}))
