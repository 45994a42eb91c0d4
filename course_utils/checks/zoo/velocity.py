"""Known mistakes of gradient descent, momentum and Nesterov."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import mistake

# ---- gradient descent: -lr g

mistake("gradient_descent", "lr_missing", *words.NO_LR, lambda g, lr: (-g,))
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


def velocity_but(collect=lambda g, v, lr, beta: beta * v + lr * g, step=lambda g, v, lr, beta: -v):
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
    *words.LR_OUTSIDE,
    velocity_but(lambda g, v, lr, beta: beta * v + g, lambda g, v, lr, beta: -lr * v),
)
mistake(
    "momentum",
    "moving_average",
    *words.MOVING_AVERAGE,
    velocity_but(lambda g, v, lr, beta: beta * v + (1 - beta) * lr * g),
    velocity_but(lambda g, v, lr, beta: beta * v + (1 - beta) * g, lambda g, v, lr, beta: -lr * v),
)
mistake("momentum", "forgets_velocity", *words.FORGETS_VELOCITY, velocity_but(lambda g, v, lr, beta: lr * g))
mistake("momentum", "velocity_sign", *words.VELOCITY_SIGN, velocity_but(lambda g, v, lr, beta: -beta * v + lr * g))
mistake("momentum", "stale_velocity", *words.STALE_VELOCITY, lambda g, v, lr, beta: (-v + 0 * g, beta * v + lr * g))
mistake("momentum", "no_decay", *words.NO_DECAY, velocity_but(lambda g, v, lr, beta: v + lr * g))
mistake(
    "momentum",
    "beta_on_everything",
    "You multiply the new gradient by beta, too.",
    "Which of the two terms of the velocity has to fade: the old one, the new one, or both?",
    velocity_but(lambda g, v, lr, beta: beta * (v + lr * g)),
    velocity_but(lambda g, v, lr, beta: beta * (v + g), lambda g, v, lr, beta: -lr * v),
    velocity_but(step=lambda g, v, lr, beta: -beta * v),
)
mistake(
    "momentum",
    "beta_swapped",
    *words.BETA_SWAPPED,
    velocity_but(lambda g, v, lr, beta: (1 - beta) * v + lr * g),
    velocity_but(lambda g, v, lr, beta: (1 - beta) * v + beta * lr * g),
    velocity_but(lambda g, v, lr, beta: (1 - beta) * v + beta * g, lambda g, v, lr, beta: -lr * v),
)
mistake(
    "momentum",
    "lr_twice",
    *words.LR_TWICE,
    velocity_but(step=lambda g, v, lr, beta: -lr * v),
    velocity_but(lambda g, v, lr, beta: lr * (beta * v + g)),
    velocity_but(lambda g, v, lr, beta: lr * beta * v + g, lambda g, v, lr, beta: -lr * v),
)
mistake("momentum", "lr_missing", *words.NO_LR, velocity_but(lambda g, v, lr, beta: beta * v + g))
mistake(
    "momentum",
    "nesterov_instead",
    "This is Nesterov's momentum: your update looks one step ahead.",
    "Plain momentum moves by the new velocity itself. What have you added to it?",
    velocity_but(step=_look_ahead),
)
mistake("momentum", "gradient_twice", *words.GRADIENT_TWICE, velocity_but(step=lambda g, v, lr, beta: -(v + lr * g)))
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
    velocity_but(lambda g, v, lr, beta: beta * (lr * g if v is None else v) + lr * g),
    velocity_but(lambda g, v, lr, beta: beta * (g if v is None else v) + lr * g),
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
    velocity_but(lambda g, v, lr, beta: beta * v + lr * np.mean(g) * np.ones_like(g)),
    velocity_but(lambda g, v, lr, beta: beta * v + lr * np.linalg.norm(g) * np.ones_like(g)),
    velocity_but(lambda g, v, lr, beta: beta * v + lr * g / (np.linalg.norm(g) + 1e-12)),
)

# ---- Nesterov: v <- beta v + lr g, update -(beta v + lr g)


def nesterov_but(collect=lambda g, v, lr, beta: beta * v + lr * g, step=_look_ahead):
    return velocity_but(collect, step)


mistake(
    "nesterov",
    "lr_outside_velocity",
    *words.LR_OUTSIDE,
    nesterov_but(lambda g, v, lr, beta: beta * v + g, lambda g, v, lr, beta: -lr * (beta * v + g)),
)
mistake(
    "nesterov",
    "moving_average",
    *words.MOVING_AVERAGE,
    nesterov_but(lambda g, v, lr, beta: beta * v + (1 - beta) * lr * g),
    nesterov_but(
        lambda g, v, lr, beta: beta * v + (1 - beta) * lr * g, lambda g, v, lr, beta: -(beta * v + (1 - beta) * lr * g)
    ),
    nesterov_but(lambda g, v, lr, beta: beta * v + (1 - beta) * g, lambda g, v, lr, beta: -lr * (beta * v + g)),
    nesterov_but(
        lambda g, v, lr, beta: beta * v + (1 - beta) * g, lambda g, v, lr, beta: -lr * (beta * v + (1 - beta) * g)
    ),
)
mistake(
    "nesterov",
    "no_look_ahead",
    "This is plain momentum: your step does not look ahead, or looks ahead with the old velocity, which is the same.",
    "Which velocity carries the point to where the *next* gradient is asked for: the old or the new one?",
    nesterov_but(step=lambda g, v, lr, beta: -v),
)
mistake(
    "nesterov",
    "look_ahead_sign",
    "Your look-ahead has the wrong sign: it looks back to where the velocity came from.",
    "In which direction will the momentum carry the point?",
    nesterov_but(step=lambda g, v, lr, beta: beta * v - lr * g),
    nesterov_but(step=lambda g, v, lr, beta: -v + beta * v),
)
mistake(
    "nesterov",
    "look_ahead_without_beta",
    "The velocity in your update is not multiplied by beta.",
    "By how much will the velocity have faded when the next step uses it?",
    nesterov_but(step=lambda g, v, lr, beta: -(v + lr * g)),
)
mistake(
    "nesterov",
    "one_plus_beta",
    "You multiply the whole velocity by 1 + beta, the old gradients in it included.",
    "Written with the new velocity, what has to be subtracted so that the old one is not counted twice?",
    nesterov_but(step=lambda g, v, lr, beta: -(1 + beta) * v),
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
    nesterov_but(step=lambda g, v, lr, beta: -(beta**2 * v + lr * g)),
    nesterov_but(step=lambda g, v, lr, beta: -beta * (v + lr * g)),
    lambda g, v, lr, beta: (-(beta**2 * v + lr * g), beta * v + lr * g),
)
mistake(
    "nesterov",
    "gradient_missing",
    "The newest gradient is missing from your look-ahead: only the faded velocity is there.",
    "The next step is the faded velocity and one more term. Which?",
    nesterov_but(step=lambda g, v, lr, beta: -beta * v),
)
mistake("nesterov", "stale_velocity", *words.STALE_VELOCITY, lambda g, v, lr, beta: (-v + 0 * g, beta * v + lr * g))
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
    velocity_but(lambda g, v, lr, beta: beta * (beta * v + lr * g) + lr * g),
)
mistake(
    "nesterov",
    "velocity_sign",
    *words.VELOCITY_SIGN,
    nesterov_but(lambda g, v, lr, beta: -beta * v + lr * g),
    nesterov_but(lambda g, v, lr, beta: -beta * v + lr * g, lambda g, v, lr, beta: -(-beta * v + lr * g)),
)
mistake(
    "nesterov",
    "no_decay",
    *words.NO_DECAY,
    nesterov_but(lambda g, v, lr, beta: v + lr * g),
    nesterov_but(lambda g, v, lr, beta: v + lr * g, lambda g, v, lr, beta: -(v + lr * g)),
)
mistake(
    "nesterov",
    "forgets_velocity",
    *words.FORGETS_VELOCITY,
    nesterov_but(lambda g, v, lr, beta: lr * g),
    lambda g, v, lr, beta: (-lr * g, 0.0),
)
mistake(
    "nesterov",
    "lr_missing",
    *words.NO_LR,
    nesterov_but(lambda g, v, lr, beta: beta * v + g, lambda g, v, lr, beta: -(beta * v + g)),
    nesterov_but(step=lambda g, v, lr, beta: -(beta * v + g)),
)
mistake(
    "nesterov",
    "lr_twice",
    *words.LR_TWICE,
    nesterov_but(step=lambda g, v, lr, beta: -lr * (beta * v + g)),
    nesterov_but(step=lambda g, v, lr, beta: -lr * (beta * v + lr * g)),
)
mistake(
    "nesterov",
    "beta_swapped",
    *words.BETA_SWAPPED,
    nesterov_but(lambda g, v, lr, beta: (1 - beta) * v + lr * g),
    nesterov_but(lambda g, v, lr, beta: (1 - beta) * v + lr * g, lambda g, v, lr, beta: -((1 - beta) * v + lr * g)),
    nesterov_but(step=lambda g, v, lr, beta: -((1 - beta) * v + lr * g)),
)
mistake(
    "nesterov",
    "gradient_twice",
    *words.GRADIENT_TWICE,
    nesterov_but(step=lambda g, v, lr, beta: -(v + beta * v + lr * g)),
)
mistake(
    "nesterov",
    "only_last_step",
    "Your velocity reaches back one step only: you keep the last gradient instead of the last velocity.",
    "What should be in the state that you return?",
    lambda g, last, lr, beta: (-(beta * (beta * last + lr * g) + lr * g), lr * g),
)
