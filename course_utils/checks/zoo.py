"""The known mistakes. To add one, write one small function that makes it and hand it to :func:`mistake`.

A mistake has a slug, a message that names it and a hint that does not give the answer away, followed by its
specimens: wrong solutions. A candidate is said to make the mistake when it answers all probes as a specimen does.
Two mistakes that no input can tell apart share one entry. Where specimens of two entries answer alike, the entry that
stands first is named.

A specimen of a rule is a function ``(g, *state, hyperparameters) -> (update, *state)``; :func:`mistake` packs the
state. Most differ from the right rule in one line. So each group of rules has a maker, :func:`_velocity`,
:func:`_scaled`, :func:`_adam`, that takes the line to be replaced and keeps the others.
"""

from dataclasses import dataclass

import numpy as np

from course_utils import rules


@dataclass(frozen=True)
class Mistake:
    """A known mistake of one task. Each of ``makers`` makes a fresh specimen of it, a wrong candidate."""

    slug: str
    message: str
    hint: str
    makers: list


ZOO = {}  # task name -> slug -> Mistake
STATEFUL = ("momentum", "nesterov", "adagrad", "rmsprop", "adam")
RULES = ("gradient_descent", *STATEFUL)


def _register(task, slug, message, hint, *makers):
    entries = ZOO.setdefault(task, {})
    if slug not in entries:
        entries[slug] = Mistake(slug, message, hint, [])
    entries[slug].makers.extend(makers)


def mistake(tasks, slug, message, hint, *specimens, start=None):
    """Enter a mistake of one task (or of several) with its specimens. A slug that is there already gets more of them.

    start: the initial state of a rule's specimens, if it is not that of the right rule.
    """
    for task in (tasks,) if isinstance(tasks, str) else tasks:
        for specimen in specimens:
            if task in RULES:
                first = rules.initial_state(getattr(rules, task)) if start is None else start
                _register(task, slug, message, hint, lambda s=specimen, first=first: _packed(s, first))
            else:
                _register(task, slug, message, hint, lambda s=specimen: s)


def _packed(specimen, start):
    def rule(g, state=start, **hyper):
        update, *state = specimen(g, *state, **hyper)
        return update, tuple(state)

    return rule


def habit(slug, message, hint, tasks=RULES):
    """Enter a mistake that any rule can suffer from: the decorated ``rule -> wrong rule`` makes its specimens."""

    def register(spoil):
        for task in tasks:
            _register(task, slug, message, hint, lambda task=task: spoil(getattr(rules, task)))
        return spoil

    return register


# ---- words that several tasks use

NO_LR = (
    "The learning rate does not appear in your update, or not in all of it.",
    "What scales the gradient before it is added to the parameters?",
)
LR_TWICE = (
    "The learning rate is applied twice: in what you remember and again in the update, or to the old velocity as well.",
    "Count the factors of lr on the newest gradient. How many does the formula have?",
)
LR_OUTSIDE = (
    "You keep lr outside the velocity, as PyTorch does: the same steps while lr is constant, but not once it changes.",
    "In this course's convention, which of the two terms of the new velocity does lr multiply?",
)
MOVING_AVERAGE = (
    "Your velocity is a moving average of gradients, 1 - beta times the talk's sum: "
    "a valid convention, but with the same lr its steps are shorter by that factor.",
    "What weight does the talk give to the newest gradient?",
)
VELOCITY_SIGN = (
    "The old velocity enters with the wrong sign, so each step fights the one before.",
    "Which sign has the velocity in your state, and which sign does the next call expect it to have?",
)
STALE_VELOCITY = (
    "You step with the old velocity, so every gradient acts one step late.",
    "What comes first: updating the velocity or using it?",
)
NO_DECAY = (
    "Your velocity never fades: it is the sum of all steps so far.",
    "What does `beta` do to the old velocity?",
)
FORGETS_VELOCITY = (
    "The velocity of the step before plays no part in your step.",
    "Is the new velocity in the state that you return, and does the next call read it from there?",
)
BETA_SWAPPED = (
    "beta and 1 - beta are in each other's place, so the old value is forgotten almost at once.",
    "For beta = 0.9, how much of the old value should survive a step?",
)
GRADIENT_TWICE = (
    "The newest gradient counts once too often.",
    "Is lr g not already part of the new velocity?",
)
WEIGHTS = "What do the weights of the old and the new have to add up to?"

# ---- gradient descent: -lr g

mistake("gradient_descent", "lr_missing", *NO_LR, lambda g, lr: (-g,))
mistake(
    "gradient_descent",
    "lr_divides",
    "You divide by the learning rate.",
    "Should a larger `lr` make the step longer or shorter?",
    lambda g, lr: (-g / lr,),
)
mistake(
    "gradient_descent",
    "normalised",
    "You divide the gradient by its norm, so all steps have the same length.",
    "How long should the step be where the slope is nearly 0?",
    lambda g, lr: (-lr * g / (np.linalg.norm(g) + 1e-12),),
)
mistake(
    "gradient_descent",
    "sign_only",
    "Your step uses only the sign of the gradient, so a gentle slope moves as far as a steep one.",
    "What does the boxed formula multiply `lr` by?",
    lambda g, lr: (-lr * np.sign(g),),
)
mistake(
    "gradient_descent",
    "accumulates",
    "Your update is made of earlier gradients as well as this one.",
    "Does gradient descent remember anything from one step to the next?",
    lambda g, total, lr: (-lr * (total + g), total + g),
    lambda g, v, lr: (-(0.9 * v + lr * g), 0.9 * v + lr * g),
    start=(0.0,),
)
mistake(
    "gradient_descent",
    "late",
    "You use the gradient of the step before.",
    "Which gradient does this call hand you?",
    lambda g, last, lr: (-lr * (last + 0 * g), g.copy()),
    start=(0.0,),
)
mistake(
    "gradient_descent",
    "decays_lr",
    "Your learning rate shrinks from step to step, though the caller hands in the same one.",
    "Whose business is a schedule: the rule's or the loop's?",
    lambda g, t, lr: (-lr / (t + 1) * g, t + 1),
    lambda g, t, lr: (-lr / (t + 1) ** 0.5 * g, t + 1),
    start=(0,),
)
mistake(
    "gradient_descent",
    "averaged_components",
    "Every component of your update is the same: you average or sum over the components.",
    "Which slope should a parameter follow, its own or everybody's?",
    lambda g, lr: (-lr * np.mean(g) * np.ones_like(g),),
    lambda g, lr: (-lr * np.sum(g) * np.ones_like(g),),
)
mistake(
    "gradient_descent",
    "divided_by_size",
    "You divide by the number of components.",
    "The loss is a mean over examples, and its gradient already too. Is there anything left to average over?",
    lambda g, lr: (-lr * g / len(g),),
)
mistake(
    "gradient_descent",
    "squares_g",
    "You multiply by the squared gradient.",
    "To which power does the gradient stand in the formula?",
    lambda g, lr: (-lr * g**2,),
    lambda g, lr: (-lr * g * np.abs(g),),
)
mistake(
    "gradient_descent",
    "absolute_values",
    "You take the absolute value of the gradient, so every parameter moves the same way.",
    "Which way should a parameter move where its slope is negative?",
    lambda g, lr: (-lr * np.abs(g),),
)


# ---- momentum: v <- beta v + lr g, update -v


def _velocity(collect=lambda g, v, lr, beta: beta * v + lr * g, step=lambda g, v, lr, beta: -v):
    """Momentum, or Nesterov, with another line for the velocity or for the update made of the new one."""

    def specimen(g, v, lr, beta):
        v = collect(g, v, lr, beta)
        return step(g, v, lr, beta) + 0 * g, v

    return specimen


def _look_ahead(g, v, lr, beta):
    return -(beta * v + lr * g)


mistake(
    "momentum",
    "lr_outside_velocity",
    *LR_OUTSIDE,
    _velocity(lambda g, v, lr, beta: beta * v + g, lambda g, v, lr, beta: -lr * v),
)
mistake(
    "momentum",
    "moving_average",
    *MOVING_AVERAGE,
    _velocity(lambda g, v, lr, beta: beta * v + (1 - beta) * lr * g),
    _velocity(lambda g, v, lr, beta: beta * v + (1 - beta) * g, lambda g, v, lr, beta: -lr * v),
)
mistake("momentum", "forgets_velocity", *FORGETS_VELOCITY, _velocity(lambda g, v, lr, beta: lr * g))
mistake("momentum", "velocity_sign", *VELOCITY_SIGN, _velocity(lambda g, v, lr, beta: -beta * v + lr * g))
mistake("momentum", "stale_velocity", *STALE_VELOCITY, lambda g, v, lr, beta: (-v + 0 * g, beta * v + lr * g))
mistake("momentum", "no_decay", *NO_DECAY, _velocity(lambda g, v, lr, beta: v + lr * g))
mistake(
    "momentum",
    "beta_on_everything",
    "You multiply the new gradient by beta, too.",
    "Which of the two terms of the velocity has to fade: the old one, the new one, or both?",
    _velocity(lambda g, v, lr, beta: beta * (v + lr * g)),
    _velocity(lambda g, v, lr, beta: beta * (v + g), lambda g, v, lr, beta: -lr * v),
    _velocity(step=lambda g, v, lr, beta: -beta * v),
)
mistake(
    "momentum",
    "beta_swapped",
    *BETA_SWAPPED,
    _velocity(lambda g, v, lr, beta: (1 - beta) * v + lr * g),
    _velocity(lambda g, v, lr, beta: (1 - beta) * v + beta * lr * g),
    _velocity(lambda g, v, lr, beta: (1 - beta) * v + beta * g, lambda g, v, lr, beta: -lr * v),
)
mistake(
    "momentum",
    "lr_twice",
    *LR_TWICE,
    _velocity(step=lambda g, v, lr, beta: -lr * v),
    _velocity(lambda g, v, lr, beta: lr * (beta * v + g)),
    _velocity(lambda g, v, lr, beta: lr * beta * v + g, lambda g, v, lr, beta: -lr * v),
)
mistake("momentum", "lr_missing", *NO_LR, _velocity(lambda g, v, lr, beta: beta * v + g))
mistake(
    "momentum",
    "nesterov_instead",
    "This is Nesterov's momentum: your update looks one step ahead.",
    "Plain momentum moves by the new velocity itself. What have you added to it?",
    _velocity(step=_look_ahead),
)
mistake("momentum", "gradient_twice", *GRADIENT_TWICE, _velocity(step=lambda g, v, lr, beta: -(v + lr * g)))
mistake(
    "momentum",
    "dampening",
    "In the first step your gradient has its full weight, in the others only 1 - beta (PyTorch's dampening).",
    "Should the first step be weighted differently from the others?",
    lambda g, v, lr, beta: (lambda new: (-new, new))(lr * g if v is None else beta * v + (1 - beta) * lr * g),
    start=(None,),
)
mistake(
    "momentum",
    "starts_at_gradient",
    "Your velocity starts at the first gradient instead of 0.",
    "What is the velocity of a ball that is let go?",
    _velocity(lambda g, v, lr, beta: beta * (lr * g if v is None else v) + lr * g),
    _velocity(lambda g, v, lr, beta: beta * (g if v is None else v) + lr * g),
    start=(None,),
)
mistake(
    "momentum",
    "bias_corrected",
    "You divide by 1 - beta^t, as Adam does for its averages.",
    "The talk's velocity is a sum, not an average. Is there anything to correct?",
    lambda g, v, t, lr, beta: (-(beta * v + lr * g) / (1 - beta ** (t + 1)), beta * v + lr * g, t + 1),
    lambda g, m, t, lr, beta: (
        -lr * (beta * m + (1 - beta) * g) / (1 - beta ** (t + 1)),
        beta * m + (1 - beta) * g,
        t + 1,
    ),
    start=(0.0, 0),
)
mistake(
    "momentum",
    "beta_to_the_t",
    "The power of beta grows from step to step.",
    "The velocity is multiplied by beta once in each step. What does that make of a gradient t steps old?",
    lambda g, v, t, lr, beta: (-(beta ** (t + 1) * v + lr * g), beta ** (t + 1) * v + lr * g, t + 1),
    start=(0.0, 0),
)
mistake(
    "momentum",
    "only_last_step",
    "Your velocity reaches back one step only: you keep the last gradient instead of the last velocity.",
    "What should be in the state that you return?",
    lambda g, last, lr, beta: (-(beta * last + lr * g), lr * g),
)
mistake(
    "momentum",
    "component_average",
    "Your velocity mixes the components: there is a norm, a sum or a mean in it.",
    "Every parameter has its own velocity. Which operations are elementwise?",
    _velocity(lambda g, v, lr, beta: beta * v + lr * np.mean(g) * np.ones_like(g)),
    _velocity(lambda g, v, lr, beta: beta * v + lr * np.linalg.norm(g) * np.ones_like(g)),
    _velocity(lambda g, v, lr, beta: beta * v + lr * g / (np.linalg.norm(g) + 1e-12)),
)

# ---- Nesterov: v <- beta v + lr g, update -(beta v + lr g)


def _nesterov(collect=lambda g, v, lr, beta: beta * v + lr * g, step=_look_ahead):
    return _velocity(collect, step)


mistake(
    "nesterov",
    "lr_outside_velocity",
    *LR_OUTSIDE,
    _nesterov(lambda g, v, lr, beta: beta * v + g, lambda g, v, lr, beta: -lr * (beta * v + g)),
)
mistake(
    "nesterov",
    "moving_average",
    *MOVING_AVERAGE,
    _nesterov(lambda g, v, lr, beta: beta * v + (1 - beta) * lr * g),
    _nesterov(
        lambda g, v, lr, beta: beta * v + (1 - beta) * lr * g, lambda g, v, lr, beta: -(beta * v + (1 - beta) * lr * g)
    ),
    _nesterov(lambda g, v, lr, beta: beta * v + (1 - beta) * g, lambda g, v, lr, beta: -lr * (beta * v + g)),
    _nesterov(
        lambda g, v, lr, beta: beta * v + (1 - beta) * g, lambda g, v, lr, beta: -lr * (beta * v + (1 - beta) * g)
    ),
)
mistake(
    "nesterov",
    "no_look_ahead",
    "This is plain momentum: your step does not look ahead, or looks ahead with the old velocity, which is the same.",
    "Which velocity carries the point to where the *next* gradient is asked for: the old or the new one?",
    _nesterov(step=lambda g, v, lr, beta: -v),
)
mistake(
    "nesterov",
    "look_ahead_sign",
    "Your look-ahead has the wrong sign: it looks back to where the velocity came from.",
    "In which direction will the momentum carry the point?",
    _nesterov(step=lambda g, v, lr, beta: beta * v - lr * g),
    _nesterov(step=lambda g, v, lr, beta: -v + beta * v),
)
mistake(
    "nesterov",
    "look_ahead_without_beta",
    "The velocity in your update is not multiplied by beta.",
    "By how much will the velocity have faded when the next step uses it?",
    _nesterov(step=lambda g, v, lr, beta: -(v + lr * g)),
)
mistake(
    "nesterov",
    "one_plus_beta",
    "You multiply the whole velocity by 1 + beta, the old gradients in it included.",
    "Written with the new velocity, what has to be subtracted so that the old one is not counted twice?",
    _nesterov(step=lambda g, v, lr, beta: -(1 + beta) * v),
)
mistake(
    "nesterov",
    "old_velocity_sign",
    "The old velocity enters your update with the wrong sign.",
    "The step takes back the old look-ahead and makes the new one. Which of them is subtracted?",
    lambda g, v, lr, beta: (-(beta * v + (1 + beta) * (beta * v + lr * g)), beta * v + lr * g),
)
mistake(
    "nesterov",
    "beta_twice",
    "There is one beta too many in your look-ahead.",
    "How many steps ahead does Nesterov look?",
    _nesterov(step=lambda g, v, lr, beta: -(beta**2 * v + lr * g)),
    _nesterov(step=lambda g, v, lr, beta: -beta * (v + lr * g)),
    lambda g, v, lr, beta: (-(beta**2 * v + lr * g), beta * v + lr * g),
)
mistake(
    "nesterov",
    "gradient_missing",
    "The newest gradient is missing from your look-ahead: only the faded velocity is there.",
    "The next step is the faded velocity and one more term. Which?",
    _nesterov(step=lambda g, v, lr, beta: -beta * v),
)
mistake("nesterov", "stale_velocity", *STALE_VELOCITY, lambda g, v, lr, beta: (-v + 0 * g, beta * v + lr * g))
mistake(
    "nesterov",
    "old_buffer",
    "Your update mixes the old velocity with the new one where only the new one belongs.",
    "Which velocity is in the formula's update: the one before or the one after this gradient?",
    lambda g, v, lr, beta: (-(beta * v + lr * g + beta * v), beta * v + lr * g),
    lambda g, v, lr, beta: (-(v + lr * g), beta * v + lr * g),
    lambda g, v, lr, beta: (-((1 + beta) * (beta * v + lr * g) - v), beta * v + lr * g),
)
mistake(
    "nesterov",
    "stores_the_look_ahead",
    "You keep the look-ahead step as the velocity, so it is looked ahead again and again.",
    "The update and the velocity are two different things here. Which of them belongs in the state?",
    _velocity(lambda g, v, lr, beta: beta * (beta * v + lr * g) + lr * g),
)
mistake(
    "nesterov",
    "velocity_sign",
    *VELOCITY_SIGN,
    _nesterov(lambda g, v, lr, beta: -beta * v + lr * g),
    _nesterov(lambda g, v, lr, beta: -beta * v + lr * g, lambda g, v, lr, beta: -(-beta * v + lr * g)),
)
mistake(
    "nesterov",
    "no_decay",
    *NO_DECAY,
    _nesterov(lambda g, v, lr, beta: v + lr * g),
    _nesterov(lambda g, v, lr, beta: v + lr * g, lambda g, v, lr, beta: -(v + lr * g)),
)
mistake(
    "nesterov",
    "forgets_velocity",
    *FORGETS_VELOCITY,
    _nesterov(lambda g, v, lr, beta: lr * g),
    lambda g, v, lr, beta: (-lr * g, 0.0),
)
mistake(
    "nesterov",
    "lr_missing",
    *NO_LR,
    _nesterov(lambda g, v, lr, beta: beta * v + g, lambda g, v, lr, beta: -(beta * v + g)),
    _nesterov(step=lambda g, v, lr, beta: -(beta * v + g)),
)
mistake(
    "nesterov",
    "lr_twice",
    *LR_TWICE,
    _nesterov(step=lambda g, v, lr, beta: -lr * (beta * v + g)),
    _nesterov(step=lambda g, v, lr, beta: -lr * (beta * v + lr * g)),
)
mistake(
    "nesterov",
    "beta_swapped",
    *BETA_SWAPPED,
    _nesterov(lambda g, v, lr, beta: (1 - beta) * v + lr * g),
    _nesterov(lambda g, v, lr, beta: (1 - beta) * v + lr * g, lambda g, v, lr, beta: -((1 - beta) * v + lr * g)),
    _nesterov(step=lambda g, v, lr, beta: -((1 - beta) * v + lr * g)),
)
mistake("nesterov", "gradient_twice", *GRADIENT_TWICE, _nesterov(step=lambda g, v, lr, beta: -(v + beta * v + lr * g)))
mistake(
    "nesterov",
    "only_last_step",
    "Your velocity reaches back one step only: you keep the last gradient instead of the last velocity.",
    "What should be in the state that you return?",
    lambda g, last, lr, beta: (-(beta * (beta * last + lr * g) + lr * g), lr * g),
)

# ---- Adagrad: r <- r + g^2, RMSProp: r <- beta r + (1 - beta) g^2, both: update -lr g / (sqrt(r) + eps)

NO_ROOT = (
    "You divide without taking the square root.",
    "If all gradients were ten times as large, should the step change? With what you divide by, does it?",
)
EPS_INSIDE = (
    "Your eps stands inside the root.",
    "For a component whose gradients are all 1e-7, which is larger: sqrt(r + eps) or sqrt(r) + eps? "
    "Where does the formula put it?",
)
EPS_MISSING = (
    "There is no eps in your denominator.",
    "What happens to a parameter whose gradient has always been 0, and what if the caller asks for a large eps?",
)
NOT_SQUARED = (
    "You collect the gradients themselves, not their squares.",
    "What becomes of a sum when a gradient changes its sign?",
)
ABSOLUTE = (
    "You collect absolute values instead of squares.",
    "The denominator is a root. A root of what?",
)
NORM = (
    "All components share one denominator: you use a norm or a sum over components.",
    "A steep and a gentle direction: should they get the same rate?",
)
STALE_ACCUMULATOR = (
    "You divide by the old accumulator, which has not seen this gradient yet.",
    "What comes first: updating the accumulator or using it?",
)
NUMERATOR_SQUARED = (
    "The gradient in your numerator is squared as well.",
    "What would that do to the sign of the step?",
)
SIGN_ONLY = (
    "Your step uses only the sign of the gradient, every step as long as the other.",
    "What is above the fraction bar in the formula?",
)
OTHER_ROOT = (
    "The root in your denominator is not a square root.",
    "The step should not depend on the scale of the gradient. Which root of a squared gradient cancels the numerator?",
)
ROOT_STORED = (
    "You store the root back in the accumulator, so the next step squares on top of it.",
    "What should the state hold: the sum of squares or its root?",
)
LR_IN_ACCUMULATOR = (
    "The learning rate is inside your accumulator, so it cancels, or counts twice.",
    "Of what does the accumulator collect the squares?",
)
OVERWRITES = (
    "Only the newest gradient is in your denominator: what was collected before is lost.",
    "Does your assignment use the old accumulator, and is the new one in the state that you return?",
)
EPS_COLLECTED = (
    "You add eps to what is remembered, so it is collected along with the squares.",
    "Does eps belong in what is remembered, or only in the division?",
)
EPS_FLOOR = (
    "You use eps as a floor of the denominator (a maximum) instead of adding it.",
    "Which operation stands between the root and eps?",
)
EPS_FACTOR = ("You multiply the root by eps, or 1 + eps.", "Which operation stands between the root and eps?")
EPS_OUTSIDE_FRACTION = (
    "eps is not in the denominator: it is added to the fraction.",
    "What is eps to protect from? Do you need brackets?",
)
COUNT_ROOT = (
    "You divide by the root of the number of steps as well.",
    "Does the number of steps stand anywhere in the formula's rate?",
)
MAXIMUM = (
    "You keep the largest squared gradient so far.",
    "Which operation joins the old accumulator and the new square?",
)
MULTIPLIES = (
    "You multiply by the root instead of dividing.",
    "Should a steep direction get a larger or a smaller rate?",
)
STARTS_ELSEWHERE = (
    "What you remember does not start at 0.",
    "What has been collected before the first gradient?",
)


def _collect(r, new, beta):
    """The accumulator after one more square: Adagrad's if beta is None, else RMSProp's."""
    return r + new if beta is None else beta * r + (1 - beta) * new


def _scaled(
    collect=lambda g, r, lr, beta: _collect(r, g**2, beta), step=lambda g, r, lr, eps: -lr * g / (r**0.5 + eps)
):
    """Adagrad, or RMSProp, with another line for the accumulator or for the update made of the new one."""

    def specimen(g, r, lr, eps, beta=None):
        r = collect(g, r, lr, beta)
        return step(g, r, lr, eps), r

    return specimen


both = ("adagrad", "rmsprop")

mistake(
    both,
    "no_root",
    *NO_ROOT,
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r + eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / r),
)
mistake(
    both,
    "eps_inside_root",
    *EPS_INSIDE,
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r + eps) ** 0.5),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r + eps**2) ** 0.5),
    _scaled(step=lambda g, r, lr, eps: -lr * g / ((r + eps) ** 0.5 + eps)),
)
mistake(
    both,
    "eps_missing",
    *EPS_MISSING,
    _scaled(step=lambda g, r, lr, eps: -lr * g / r**0.5),
    _scaled(step=lambda g, r, lr, eps: np.where(r > 0, -lr * g / np.sqrt(r), 0.0)),
)
mistake(both, "eps_as_floor", *EPS_FLOOR, _scaled(step=lambda g, r, lr, eps: -lr * g / np.maximum(r**0.5, eps)))
mistake(
    both,
    "eps_multiplied",
    *EPS_FACTOR,
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r**0.5 * eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r**0.5 * (1 + eps))),
)
mistake(
    both,
    "eps_outside_fraction",
    *EPS_OUTSIDE_FRACTION,
    _scaled(step=lambda g, r, lr, eps: -lr * g / r**0.5 + eps),
    _scaled(step=lambda g, r, lr, eps: -(lr * g / r**0.5 + eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * (g / r**0.5 + eps)),
)
mistake(
    both,
    "eps_sign",
    "You subtract eps from the root.",
    "Which operation stands between the root and eps, and what happens where both are equal?",
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r**0.5 - eps)),
)
mistake(
    both,
    "eps_collected",
    *EPS_COLLECTED,
    lambda g, r, lr, eps, beta=None: (lambda new: (-lr * g / new**0.5, new))(_collect(r, g**2 + eps, beta)),
    lambda g, r, lr, eps, beta=None: (lambda new: (-lr * g / new**0.5, new))(_collect(r, g**2, beta) + eps),
)
mistake(
    both,
    "not_squared",
    *NOT_SQUARED,
    _scaled(lambda g, r, lr, beta: _collect(r, g, beta)),
    _scaled(lambda g, r, lr, beta: _collect(r, 2 * g, beta)),
    _scaled(lambda g, r, lr, beta: _collect(r, g, beta), lambda g, r, lr, eps: -lr * g / (r + eps)),
    _scaled(lambda g, r, lr, beta: _collect(r, g, beta), lambda g, r, lr, eps: -lr * g / (np.abs(r) ** 0.5 + eps)),
)
mistake(
    both,
    "square_of_sum",
    "You square the collected gradients; the formula collects the squared gradients.",
    "Gradients 1 and -1: what is the square of their sum, and what the sum of their squares?",
    _scaled(lambda g, r, lr, beta: _collect(r, g, beta), lambda g, r, lr, eps: -lr * g / (np.abs(r) + eps)),
)
mistake(
    both,
    "absolute_values",
    *ABSOLUTE,
    _scaled(lambda g, r, lr, beta: _collect(r, np.abs(g), beta)),
    _scaled(lambda g, r, lr, beta: _collect(r, np.abs(g), beta), lambda g, r, lr, eps: -lr * g / (r + eps)),
)
mistake(
    both,
    "norm",
    *NORM,
    _scaled(lambda g, r, lr, beta: _collect(r, np.sum(g**2), beta)),
    _scaled(lambda g, r, lr, beta: _collect(r, np.mean(g**2), beta)),
    _scaled(lambda g, r, lr, beta: _collect(r, np.linalg.norm(g), beta)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (np.linalg.norm(r) ** 0.5 + eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (np.sum(r) ** 0.5 + eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (np.mean(r) ** 0.5 + eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (np.max(r) ** 0.5 + eps)),
)
mistake(
    both,
    "stale_accumulator",
    *STALE_ACCUMULATOR,
    lambda g, r, lr, eps, beta=None: (-lr * g / (r**0.5 + eps), _collect(r, g**2, beta)),
)
mistake(both, "numerator_squared", *NUMERATOR_SQUARED, _scaled(step=lambda g, r, lr, eps: -lr * g**2 / (r**0.5 + eps)))
mistake(
    both,
    "sign_only",
    *SIGN_ONLY,
    lambda g, r, lr, eps, beta=None: (-lr * np.sign(g), r),
    _scaled(step=lambda g, r, lr, eps: -lr * np.sign(g) / (r**0.5 + eps)),
)
mistake(
    both,
    "gradient_missing",
    "The gradient is missing from your numerator.",
    "Without it, which way does the step go?",
    _scaled(step=lambda g, r, lr, eps: -lr / (r**0.5 + eps)),
)
mistake(
    both,
    "other_root",
    *OTHER_ROOT,
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r ** (1 / 3) + eps)),
    _scaled(step=lambda g, r, lr, eps: -lr * g / (r**0.25 + eps)),
)
mistake(
    both,
    "root_stored",
    *ROOT_STORED,
    _scaled(lambda g, r, lr, beta: _collect(r, g**2, beta) ** 0.5, lambda g, r, lr, eps: -lr * g / (r + eps)),
)
mistake(both, "lr_in_accumulator", *LR_IN_ACCUMULATOR, _scaled(lambda g, r, lr, beta: _collect(r, (lr * g) ** 2, beta)))
mistake(
    both,
    "no_denominator",
    "You do not divide by anything: this is gradient descent.",
    "What is the accumulator for?",
    lambda g, r, lr, eps, beta=None: (-lr * g, r),
)
mistake(both, "multiplies", *MULTIPLIES, _scaled(step=lambda g, r, lr, eps: -lr * g * (r**0.5 + eps)))
mistake(
    both,
    "maximum",
    *MAXIMUM,
    _scaled(lambda g, r, lr, beta: np.maximum(r if beta is None else beta * r, g**2)),
)
mistake("rmsprop", "maximum", *MAXIMUM, _scaled(lambda g, r, lr, beta: np.maximum(r, beta * r + (1 - beta) * g**2)))
mistake(
    both,
    "count_root",
    *COUNT_ROOT,
    lambda g, r, t, lr, eps, beta=None: (
        -lr / (t + 1) ** 0.5 * g / (_collect(r, g**2, beta) ** 0.5 + eps),
        _collect(r, g**2, beta),
        t + 1,
    ),
    start=(0.0, 0),
)
mistake(both, "lr_missing", *NO_LR, _scaled(step=lambda g, r, lr, eps: -g / (r**0.5 + eps)))
mistake(
    both,
    "collects_steps",
    "You collect the squares of the scaled steps.",
    "What exactly is squared in the formula?",
    lambda g, r, lr, eps, beta=None: (-lr * g / (r**0.5 + eps), _collect(r, (g / (r**0.5 + eps)) ** 2, beta)),
)
mistake(
    "adagrad",
    "averages",
    "Your accumulator is an average of the squares; Adagrad's is their sum.",
    "Under a constant gradient, how does Adagrad's k-th step compare with its first?",
    lambda g, r, t, lr, eps: (-lr * g / (((r + g**2) / (t + 1)) ** 0.5 + eps), r + g**2, t + 1),
    start=(0.0, 0),
)
mistake("adagrad", "averages", "", "", _scaled(lambda g, r, lr, beta: (r + g**2) / 2))
mistake("adagrad", "overwrites", *OVERWRITES, _scaled(lambda g, r, lr, beta: g**2))
mistake(
    "adagrad",
    "forgets",
    "Your accumulator fades: that is RMSProp, with a decay factor of your own.",
    "How long does Adagrad remember a steep slope?",
    _scaled(lambda g, r, lr, beta: 0.9 * r + 0.1 * g**2),
    _scaled(lambda g, r, lr, beta: 0.99 * r + 0.01 * g**2),
    _scaled(lambda g, r, lr, beta: 0.9 * r + g**2),
)
mistake("adagrad", "starts_elsewhere", *STARTS_ELSEWHERE, _scaled(), start=(1.0,))
mistake("adagrad", "starts_elsewhere", *STARTS_ELSEWHERE, _scaled(), start=(0.1,))
mistake(
    "adagrad",
    "starts_elsewhere",
    *STARTS_ELSEWHERE,
    _scaled(lambda g, r, lr, beta: (g**2 if r is None else r) + g**2),
    start=(None,),
)

# ---- RMSProp alone

mistake(
    "rmsprop",
    "starts_at_square",
    "Your average starts at the first squared gradient instead of 0.",
    "In the course's version, by how much is the first step longer than lr, and why?",
    _scaled(lambda g, r, lr, beta: g**2 if r is None else beta * r + (1 - beta) * g**2),
    start=(None,),
)
mistake("rmsprop", "starts_elsewhere", *STARTS_ELSEWHERE, _scaled(), start=(1.0,))
mistake(
    "rmsprop",
    "eps_collected",
    *EPS_COLLECTED,
    lambda g, r, lr, eps, beta: (lambda new: (-lr * g / new**0.5, new))(
        beta * (eps if r is None else r) + (1 - beta) * g**2
    ),
    start=(None,),
)
mistake(
    "rmsprop",
    "one_minus_beta_missing",
    "The factor 1 - beta is missing on the new square, so this is no average.",
    WEIGHTS,
    _scaled(lambda g, r, lr, beta: beta * r + g**2),
)
mistake(
    "rmsprop",
    "one_minus_beta_squared",
    "The factor 1 - beta is squared together with the gradient.",
    "What is inside the square in the formula: g alone, or (1 - beta) g?",
    _scaled(lambda g, r, lr, beta: beta * r + ((1 - beta) * g) ** 2),
)
mistake("rmsprop", "beta_swapped", *BETA_SWAPPED, _scaled(lambda g, r, lr, beta: (1 - beta) * r + beta * g**2))
mistake("rmsprop", "beta_swapped", "", "", _scaled(lambda g, r, lr, beta: (1 - beta) * r + g**2))
mistake(
    "rmsprop",
    "never_forgets",
    "Your average never forgets: old squares are kept in full, as in Adagrad.",
    "What does `beta` do to the old average?",
    _scaled(lambda g, r, lr, beta: r + g**2),
    _scaled(lambda g, r, lr, beta: r + (1 - beta) * g**2),
)
mistake(
    "rmsprop",
    "overwrites",
    *OVERWRITES,
    _scaled(lambda g, r, lr, beta: g**2),
    _scaled(lambda g, r, lr, beta: (1 - beta) * g**2),
)
mistake(
    "rmsprop",
    "one_factor_on_everything",
    "The same factor multiplies the old average and the new square.",
    WEIGHTS,
    _scaled(lambda g, r, lr, beta: beta * (r + g**2)),
    _scaled(lambda g, r, lr, beta: (1 - beta) * (r + g**2)),
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

# ---- Adam: Kingma and Ba's Algorithm 1


def _moments(g, m, v, b1, b2):
    return b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2


def _corrected(m, v, t, b1, b2):
    return m / np.float64(1 - b1**t), v / np.float64(1 - b2**t)  # np.float64: 0 / 0 is nan and no exception


def _quotient(m_hat, v_hat, lr, eps):
    return -lr * m_hat / (v_hat**0.5 + eps)


def _adam(
    moments=_moments,
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
        m, v = _moments(g, m, v, beta1, beta2)
        return step(g, m, v, t + 1, lr, beta1, beta2, eps), m, v, t + 1

    return specimen


mistake(
    "adam",
    "t_starts_at_0",
    "Your step counter t is still 0 when the first correction uses it: "
    "the first step divides 0 by 0, or all corrections lag one step behind.",
    "What is 1 - beta^0? When must t be counted up?",
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, t - 1, b1, b2)),
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, max(t - 1, 1), b1, b2)),
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, t - 1, b1, b2) if t > 1 else (m, v)),
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v / (1 - b2 ** max(t - 1, 1)))),
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1 ** max(t - 1, 1)), v / (1 - b2**t))),
)
mistake(
    "adam",
    "t_one_ahead",
    "Your step counter t is one ahead: the first step is corrected as if it were the second.",
    "Which value has t in the first step? Is it counted up twice, or does it start at 1 and is then counted up?",
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, t + 1, b1, b2)),
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v / (1 - b2 ** (t + 1)))),
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1 ** (t + 1)), v / (1 - b2**t))),
)
mistake(
    "adam",
    "t_counts_double",
    "Your step counter grows by 2 in each step.",
    "In how many places is t counted up?",
    _adam(count=lambda t, g: t + 2),
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, 2 * t - 1, b1, b2)),
)
mistake(
    "adam",
    "t_not_stored",
    "Your t is 1 in every step: it is not stored, or set anew in each call, "
    "or 1 - beta stands where 1 - beta^t should.",
    "Which of the things that change does the next call need? Are they all in the state that you return?",
    _adam(count=lambda t, g: 1),
)
mistake(
    "adam",
    "t_counts_components",
    "Your step counter grows by the number of components, not by 1 a step.",
    "How often does t change in one step, whatever the number of parameters?",
    _adam(count=lambda t, g: t + len(g)),
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1 + np.arange(len(g)), beta1, beta2), lr, eps), m, v, t + len(g))
    )(*_moments(g, m, v, beta1, beta2)),
)
mistake(
    "adam",
    "t_reset",
    "Your step counter starts over again during the run.",
    "Under what condition does your code set t back?",
    _adam(count=lambda t, g: t % 10 + 1),
)


def _shared_counter(resets):
    """t in one place for everything; ``resets``: a call without state starts it again."""
    t = 0

    def rule(g, state=None, *, lr, beta1, beta2, eps):
        nonlocal t
        t = 1 if state is None and resets else t + 1
        m, v = _moments(g, *(state or (0.0, 0.0)), beta1, beta2)
        return _quotient(*_corrected(m, v, t, beta1, beta2), lr, eps), (m, v)

    return rule


_register(
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
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1 * t), v / (1 - b2 * t))),
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1 * t), np.abs(v / (1 - b2 * t)))),
)
mistake(
    "adam",
    "one_minus_beta_to_the_t",
    "You raise 1 - beta to the power t.",
    "Which weight does the start value 0 still have after t steps, and how much weight do the gradients have then?",
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1) ** t, v / (1 - b2) ** t)),
)
mistake(
    "adam",
    "correction_without_one_minus",
    "You divide by beta^t, not by what it lacks to 1.",
    "How much weight do t gradients have together in the average?",
    _adam(correct=lambda m, v, t, b1, b2: (m / b1**t, v / b2**t)),
)
mistake(
    "adam",
    "correction_sign",
    "The sign in your correction is wrong: you divide by 1 + beta^t.",
    "In the first step m is (1 - beta1) g. By what must it be divided to give g?",
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 + b1**t), v / (1 + b2**t))),
)
mistake(
    "adam",
    "no_correction",
    "There is no bias correction: your first step is too long by the factor (1 - beta1) / sqrt(1 - beta2), "
    "3.16 with the defaults.",
    "Both averages start at 0. How large are they after the first gradient, and how large should they be?",
    _adam(correct=lambda m, v, t, b1, b2: (m, v)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * m / (v + eps) ** 0.5),
)
mistake(
    "adam",
    "brackets_missing",
    "Brackets are missing around a 1 - beta: Python multiplies and divides before it subtracts.",
    "In what order does Python compute `m / 1 - beta`, and in what order `1 - beta * g`?",
    _adam(correct=lambda m, v, t, b1, b2: (m / 1 - b1**t, v / (1 - b2**t))),
    _adam(lambda g, m, v, b1, b2: (b1 * m + 1 - b1 * g, b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + 1 - b2 * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + 1 - b1 * g, b2 * v + 1 - b2 * g**2)),
)
mistake(
    "rmsprop",
    "brackets_missing",
    "Brackets are missing around 1 - beta: Python multiplies before it subtracts.",
    "In what order does Python compute `1 - beta * g`?",
    _scaled(lambda g, r, lr, beta: beta * r + 1 - beta * g**2),
)
mistake(
    "adam",
    "only_m_corrected",
    "Only the first moment m is corrected, so your first steps are far too long.",
    "Which of the two averages starts at 0?",
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v)),
)
mistake(
    "adam",
    "only_v_corrected",
    "Only the second moment v is corrected, so your first step is too short by the factor 1 - beta1.",
    "Which of the two averages starts at 0?",
    _adam(correct=lambda m, v, t, b1, b2: (m, v / (1 - b2**t))),
)
mistake(
    "adam",
    "correction_multiplies",
    "You multiply by 1 - beta^t instead of dividing.",
    "The averages are too small at first. Which operation makes them larger?",
    _adam(correct=lambda m, v, t, b1, b2: (m * (1 - b1**t), v * (1 - b2**t))),
    _adam(correct=lambda m, v, t, b1, b2: (m * (1 - b1**t), v / (1 - b2**t))),
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v * (1 - b2**t))),
)
mistake(
    "adam",
    "corrected_stored",
    "You store a corrected moment back in the state, so it is corrected again in the next step.",
    "Which averages does the next step go on with: the raw or the corrected ones?",
    _adam(keep=lambda m, v, m_hat, v_hat: (m_hat, v_hat)),
    _adam(keep=lambda m, v, m_hat, v_hat: (m_hat, v)),
    _adam(keep=lambda m, v, m_hat, v_hat: (m, v_hat)),
)
mistake(
    "adam",
    "corrections_swapped",
    "The corrections do not use their own decay factors: m is corrected with beta2, or v with beta1.",
    "Which beta made which average?",
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b1)),
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, t, b1, b1)),
    _adam(correct=lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b2)),
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
    _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t) ** 0.5, v / (1 - b2**t))),
)
mistake(
    "adam",
    "eps_inside_root",
    *EPS_INSIDE,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps) ** 0.5),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps**2) ** 0.5),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / ((v_hat + eps) ** 0.5 + eps)),
    _adam_of_g(
        lambda g, m, v, t, lr, b1, b2, eps: -lr * (1 - b2**t) ** 0.5 / (1 - b1**t) * m / (v + eps) ** 0.5,
    ),
)
mistake(
    "adam",
    "eps_missing",
    *EPS_MISSING,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / v_hat**0.5),
    _adam(step=lambda m_hat, v_hat, lr, eps: np.where(v_hat > 0, -lr * m_hat / np.sqrt(v_hat), 0.0)),
)
mistake(
    "adam",
    "eps_as_floor",
    *EPS_FLOOR,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / np.maximum(v_hat**0.5, eps)),
)
mistake(
    "adam",
    "eps_multiplied",
    *EPS_FACTOR,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.5 * eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.5 * (1 + eps))),
)
mistake(
    "adam",
    "eps_outside_fraction",
    *EPS_OUTSIDE_FRACTION,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / v_hat**0.5 + eps),
    _adam(step=lambda m_hat, v_hat, lr, eps: -(lr * m_hat / v_hat**0.5 + eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * (m_hat / v_hat**0.5 + eps)),
)
mistake(
    "adam",
    "eps_sign",
    "You subtract eps from the root.",
    "Which operation stands between the root and eps, and what happens where both are equal?",
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.5 - eps)),
)
mistake(
    "adam",
    "eps_collected",
    *EPS_COLLECTED,
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), lr, 0.0), m, v, t + 1)
    )(*_moments(g, m, v + eps / beta2, beta1, beta2)),
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), lr, eps), m, v, t + 1)
    )(*_moments(g, m, v + eps / beta2, beta1, beta2)),
)
mistake(
    "adam",
    "betas_swapped",
    "beta1 and beta2 are in each other's place.",
    "Which of the two averages should have the longer memory?",
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b2, b1), lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b1)),
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b2, b1)),
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b2, b1), lambda m, v, t, b1, b2: (m, v)),
)
mistake(
    "adam",
    "one_beta_for_both",
    "Both of your averages use the same beta.",
    "Which beta belongs to which moment?",
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b1, b1), lambda m, v, t, b1, b2: _corrected(m, v, t, b1, b1)),
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b2, b2), lambda m, v, t, b1, b2: _corrected(m, v, t, b2, b2)),
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b1, b1)),
    _adam(lambda g, m, v, b1, b2: _moments(g, m, v, b2, b2)),
)
mistake(
    "adam",
    "not_squared",
    *NOT_SQUARED,
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * 2)),
    _adam(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g),
        step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.abs(v_hat) ** 0.5 + eps),
    ),
)
mistake(
    "adam",
    "absolute_values",
    *ABSOLUTE,
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.abs(g))),
    _adam(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.abs(g)),
        step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps),
    ),
)
mistake(
    "adam",
    "no_root",
    *NO_ROOT,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / v_hat),
    _adam(correct=lambda m, v, t, b1, b2: (m, v), step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps)),
)
mistake(
    "adam",
    "other_root",
    *OTHER_ROOT,
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat ** (1 / 3) + eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat**0.25 + eps)),
)
mistake("adam", "root_stored", *ROOT_STORED, _adam(keep=lambda m, v, m_hat, v_hat: (m, v**0.5)))
mistake(
    "adam",
    "norm",
    *NORM,
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.sum(g**2))),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.mean(g**2))),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * np.linalg.norm(g))),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.linalg.norm(v_hat) ** 0.5 + eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.mean(v_hat) ** 0.5 + eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.max(v_hat) ** 0.5 + eps)),
)
mistake(
    "adam",
    "one_minus_beta_missing",
    "The factor 1 - beta is missing on the newest gradient or its square: one of the moments is a sum, no average.",
    WEIGHTS,
    _adam(lambda g, m, v, b1, b2: (b1 * m + g, b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + g, b2 * v + g**2)),
)
mistake(
    "adam",
    "one_minus_beta_extra",
    "There is a factor 1 - beta too many: on the moment as a whole, or twice on the newest gradient or its square.",
    WEIGHTS,
    _adam(lambda g, m, v, b1, b2: ((1 - b1) * (m + g), b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, (1 - b2) * (v + g**2))),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) ** 2 * g, b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + ((1 - b2) * g) ** 2)),
)
mistake(
    "adam",
    "one_minus_beta_mixed_up",
    "The weight of the newest gradient or of its square is not 1 minus the beta of its own moment.",
    "Which beta stands in which line, and are the places of beta and 1 - beta right in both?",
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b1) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b2) * g, b2 * v + (1 - b1) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b2) * g, b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: ((1 - b1) * m + b1 * g, (1 - b2) * v + b2 * g**2)),
    _adam(lambda g, m, v, b1, b2: ((1 - b1) * m + b1 * g, b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, (1 - b2) * v + b2 * g**2)),
)
mistake(
    "adam",
    "square_of_m",
    "The second moment collects the square of m, not of the gradient.",
    "Of what is v the average?",
    _adam(
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
        new_m, new_v = _moments(g, m, v, beta1, beta2)
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
    _adam(keep=lambda m, v, m_hat, v_hat: (v, m)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * v_hat / (m_hat**0.5 + eps)),
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * v_hat / (np.abs(m_hat) ** 0.5 + eps)),
)
mistake(
    "adam",
    "forgets_a_moment",
    "One of the moments, or both, is forgotten from step to step: it holds this gradient only.",
    "Are all moments in the state that you return, and does each assignment use the old value?",
    _adam(lambda g, m, v, b1, b2: _moments(g, 0.0, v, b1, b2)),
    _adam(lambda g, m, v, b1, b2: _moments(g, m, 0.0, b1, b2)),
    _adam(lambda g, m, v, b1, b2: _moments(g, 0.0, 0.0, b1, b2)),
)
mistake(
    "adam",
    "state_not_used",
    "Every step of yours is a first step: nothing is remembered.",
    "Is the new state what you return, and does the next call read it?",
    _adam(lambda g, m, v, b1, b2: _moments(g, 0.0, 0.0, b1, b2), count=lambda t, g: 1),
)
mistake(
    "adam",
    "never_forgets",
    "A moment never forgets: its old value is kept in full, as in Adagrad.",
    "What do beta1 and beta2 do to the old averages?",
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, v + g**2)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, v + g**2), lambda m, v, t, b1, b2: (m / (1 - b1**t), v)),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (m + (1 - b1) * g, b2 * v + (1 - b2) * g**2)),
    _adam(lambda g, m, v, b1, b2: (m + (1 - b1) * g, v + (1 - b2) * g**2)),
)


def _amsgrad(g, m, v, t, top, lr, beta1, beta2, eps, corrected_first=False):
    m, v = _moments(g, m, v, beta1, beta2)
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
    _adam(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, np.maximum(b2 * v, np.abs(g))),
        lambda m, v, t, b1, b2: (m / (1 - b1**t), v),
        lambda m_hat, v_hat, lr, eps: -lr * m_hat / (v_hat + eps),
    ),
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, np.maximum(b2 * v, (1 - b2) * g**2))),
    _adam(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, np.maximum(v, g**2)),
        lambda m, v, t, b1, b2: (m / (1 - b1**t), v),
    ),
)
mistake(
    "adam",
    "variance",
    "Your second moment is a variance: a mean is subtracted from g, or from the average of its squares.",
    "Of what is v the average?",
    _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat / (np.maximum(v_hat - m_hat**2, 0) ** 0.5 + eps)),
    _adam(
        lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * (g - (b1 * m + (1 - b1) * g)) ** 2),
    ),
)
mistake("adam", "lr_missing", *NO_LR, _adam(step=lambda m_hat, v_hat, lr, eps: _quotient(m_hat, v_hat, 1.0, eps)))
mistake(
    "adam",
    "sign_only",
    *SIGN_ONLY,
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * np.sign(g)),
    _adam_of_g(lambda g, m, v, t, lr, b1, b2, eps: -lr * np.sign(m)),
)
mistake(
    "adam",
    "numerator_squared",
    *NUMERATOR_SQUARED,
    _adam(lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g**2, b2 * v + (1 - b2) * g**2)),
    _adam(step=lambda m_hat, v_hat, lr, eps: _quotient(m_hat**2, v_hat, lr, eps)),
)
mistake(
    "adam",
    "lr_in_moments",
    *LR_IN_ACCUMULATOR,
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), 1.0, eps), m, v, t + 1)
    )(*_moments(lr * g, m, v, beta1, beta2)),
    lambda g, m, v, t, lr, beta1, beta2, eps: (
        lambda m, v: (_quotient(*_corrected(m, v, t + 1, beta1, beta2), 1.0, eps), m, v, t + 1)
    )(beta1 * m + (1 - beta1) * lr * g, beta2 * v + (1 - beta2) * g**2),
)
mistake("adam", "multiplies", *MULTIPLIES, _adam(step=lambda m_hat, v_hat, lr, eps: -lr * m_hat * (v_hat**0.5 + eps)))
mistake(
    "adam",
    "count_root",
    *COUNT_ROOT,
    _adam_of_g(
        lambda g, m, v, t, lr, b1, b2, eps: _quotient(*_corrected(m, v, t, b1, b2), lr / t**0.5, eps),
    ),
)
mistake("adam", "starts_elsewhere", *STARTS_ELSEWHERE, _adam(), start=(1.0, 1.0, 0))
mistake("adam", "starts_elsewhere", *STARTS_ELSEWHERE, _adam(), start=(0.0, 1.0, 0))
mistake(
    "adam",
    "starts_elsewhere",
    *STARTS_ELSEWHERE,
    _adam(lambda g, m, v, b1, b2: _moments(g, *((g, g**2) if m is None else (m, v)), b1, b2)),
    _adam(
        lambda g, m, v, b1, b2: _moments(g, *((g, g**2) if m is None else (m, v)), b1, b2),
        lambda m, v, t, b1, b2: (m, v),
    ),
    start=(None, None, 0),
)


# ---- what any rule can suffer from


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


@habit("lr_twice", *LR_TWICE, ("gradient_descent", "adagrad", "rmsprop", "adam"))
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


mistake("momentum", "integer_state", *INTEGER, _velocity(lambda g, v, lr, beta: (beta * v + lr * g).astype(int)))
mistake("nesterov", "integer_state", *INTEGER, _nesterov(lambda g, v, lr, beta: (beta * v + lr * g).astype(int)))
mistake(both, "integer_state", *INTEGER, _scaled(lambda g, r, lr, beta: _collect(r, g**2, beta).astype(int)))
mistake(
    "adam",
    "integer_state",
    *INTEGER,
    _adam(lambda g, m, v, b1, b2: tuple(moment.astype(int) for moment in _moments(g, m, v, b1, b2))),
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


for _name in ("lr", "beta", "beta1", "beta2", "eps"):

    @habit(
        f"ignores_{_name}",
        f"Your function takes `{_name}`, but nothing changes when it changes.",
        f"Is `{_name}` used at all, or does a number, or another name, stand in its place?",
        tuple(rule for rule in RULES if _name in rules.hyperparameters(getattr(rules, rule))),
    )
    def _(rule, name=_name):
        fixed = 0.05 if name == "lr" else rules.hyperparameters(rule)[name]
        return lambda *args, **hyper: rule(*args, **(hyper | {name: fixed}))
