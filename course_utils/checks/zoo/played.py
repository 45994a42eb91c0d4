"""Mistakes that turned up when answers were written for play: in the state's shape and order, in brackets, in loops."""

import math

import numpy as np

from course_utils import rules
from course_utils.checks.tasks import TASKS
from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import STATEFUL, ZOO, also, habit, mistake, register

# ---- any rule with a state

SINGLE = [name for name in STATEFUL if len(rules.initial_state(TASKS[name].answer)) == 1]
PAIRS = ("adadelta", "centred_rmsprop")


@habit(
    "state_without_tuple",
    "The state that you return is the array itself and no tuple with one entry: the next call takes its first number.",
    "What is the difference between `(v)` and `(v,)`?",
    SINGLE,
)
def _(rule):
    def wrong(g, state=(0.0,), **hyper):
        update, (kept,) = rule(g, (state[0],), **hyper)
        return update, kept

    return wrong


@habit(
    "state_in_another_order",
    "The two entries of your state change places from one step to the next.",
    "In which order does the next call unpack them?",
    PAIRS,
)
def _(rule):
    def wrong(g, state=(0.0, 0.0), **hyper):
        update, state = rule(g, state, **hyper)
        return update, state[::-1]

    return wrong


@habit(
    "summed_gradient",
    "You add up the components of the gradient in what you remember.",
    "What does every component remember of its own?",
    ("momentum", "nesterov", "quasi_hyperbolic"),
)
def _(rule):
    def wrong(g, state=(0.0,), *, lr, beta, **hyper):
        v = beta * state[0] + (lr if rule is not TASKS["quasi_hyperbolic"].answer else 1 - beta) * g.sum()
        if "nu" in hyper:
            return -lr * ((1 - hyper["nu"]) * g + hyper["nu"] * v), (v,)
        return (-(beta * v + lr * g) if rule is rules.nesterov else -v + 0 * g), (v,)

    return wrong


# ---- rules, one by one


def _keeps_rate(g, state=(0.0, 0.0, None), *, lr):
    s, last, rate = state
    rate = lr if rate is None else (s * s).sum() / (s * (g - last)).sum() if (s * (g - last)).sum() > 0 else rate
    return -rate * g, (-rate * g, g.copy(), rate)


register(
    "barzilai_borwein",
    "keeps_last_rate",
    "Where s.y is not positive, you go on with the last rate.",
    "Which rate does the task ask for in such a step?",
    lambda: _keeps_rate,
)
mistake(
    "restarted_nesterov",
    "restart_not_stored",
    "Your step restarts, and your state does not: the next step begins from the velocity that climbed.",
    "Which velocity is in the state that you return?",
    lambda g, v, lr, beta: (
        -(beta * (lr * g if (g * (beta * v + lr * g)).sum() < 0 else beta * v + lr * g) + lr * g),
        beta * v + lr * g,
    ),
)
also(
    "quasi_hyperbolic",
    "lr_on_one_part",
    *[
        lambda g, m, lr, beta, nu, sign=sign, nu_outside=outside: (
            lambda new: (-lr * (1 - nu) * g + sign * (nu * new if not nu_outside else new), new)
        )(beta * m + (1 - beta) * g)
        for sign in (1, -1)
        for outside in (False, True)
    ],
)
mistake(
    "adadelta",
    "steps_not_squared",
    ZOO["adadelta"]["steps_not_squared"].message,
    ZOO["adadelta"]["steps_not_squared"].hint,
    lambda g, r, d, lr, beta, eps: (
        lambda new: (lambda step: (-lr * step, new, beta * d + (1 - beta) * step))(
            np.sqrt(d + eps) / np.sqrt(new + eps) * g
        )
    )(beta * r + (1 - beta) * g**2),
)


def _keeps_variance(make):
    def specimen(g, r, m, lr, beta, eps):
        m = beta * m + (1 - beta) * g
        r = beta * r + (1 - beta) * g**2 - m**2
        return -lr * g / (np.sqrt(make(r)) + eps), r, m

    return specimen


mistake(
    "centred_rmsprop",
    "variance_stored",
    "You store the variance in place of the mean square, so the mean is subtracted again in every step.",
    "Which two averages does the next step go on with?",
    _keeps_variance(np.abs),
    _keeps_variance(lambda r: np.maximum(r, 0)),
    _keeps_variance(lambda r: r),
)


def _stale_largest(g, m, v, w, lr, beta1, beta2, eps):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return -lr * m / (w**0.5 + eps), m, v, np.maximum(w, v)


mistake(
    "amsgrad",
    "stale_largest",
    "You divide by the largest v of the steps before: this step's v is not in it yet.",
    "What comes first: taking the larger of the two, or using it?",
    _stale_largest,
    lambda g, m, v, old, lr, beta1, beta2, eps: (
        lambda m, v: (-lr * m / (np.where(old > 0, old, v) ** 0.5 + eps), m, v, np.maximum(old, v))
    )(beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2),
)


def _free(update=lambda z, x, y: y, keep=lambda z, x, y: (z - y, x - y)):
    def specimen(g, z, x, t, lr, beta):
        t = t + 1
        z = z - lr * g
        x = x + (z - x) / (t + 1)
        y = (1 - beta) * z + beta * x
        return update(z, x, y), *keep(z, x, y), t

    return specimen


mistake(
    "schedule_free",
    "another_point",
    "Your update is the move of the fast point, or of the mean, and not that of y between them.",
    "At which of the three points does the loop ask for the gradient?",
    _free(update=lambda z, x, y: z),
    _free(update=lambda z, x, y: x),
)
mistake(
    "schedule_free",
    "one_origin_moved",
    "Of the two points only one is kept relative to the new y.",
    "After the update, how far is each of them from the *new* y?",
    _free(keep=lambda z, x, y: (z, x - y)),
    _free(keep=lambda z, x, y: (z - y, x)),
)
mistake(
    "schedule_free",
    "relative_sign",
    "You keep y minus the points where the points minus y belong.",
    "Which sign has z - y if z is ahead?",
    _free(keep=lambda z, x, y: (y - z, y - x)),
)


def _speeds_up(g, z, x, t, lr, beta):
    t = t + 1
    z = z - lr * t * g
    x = x + (z - x) / (t + 1)
    y = (1 - beta) * z + beta * x
    return y, z - y, x - y, t


mistake(
    "schedule_free",
    "step_weighs_more",
    "The fast point's steps grow with the number of steps.",
    "Where does t stand in the three formulas?",
    _speeds_up,
)
mistake(
    "rmsprop",
    "lr_for_one_minus_beta",
    "The new square enters your average with the weight lr; its weight is 1 - beta.",
    "What do the weights of the old and the new have to add up to?",
    lambda g, r, lr, beta, eps: (lambda new: (-lr * g / (new**0.5 + eps), new))(beta * r + lr * g**2),
)
mistake(
    "centred_rmsprop",
    "mean_of_sizes",
    "Your mean is one of absolute values, which never cancel.",
    "Gradients 1 and -1 in turn: how large should the mean be, and how large the deviation?",
    lambda g, r, m, lr, beta, eps: (lambda r, m: (-lr * g / (np.sqrt(np.maximum(r - m**2, 0)) + eps), r, m))(
        beta * r + (1 - beta) * g**2, beta * m + (1 - beta) * np.abs(g)
    ),
)
mistake(
    "quasi_hyperbolic",
    "mix_reversed",
    "Your mix leads away from the memory: nu times (g - m) is added, where it is taken away.",
    "(1 - nu) g + nu m, written with g - m: which sign has it?",
    lambda g, m, lr, beta, nu: (lambda new: (-lr * (g + nu * (g - new)), new))(beta * m + (1 - beta) * g),
)


def _change_of_update(g, state=None, *, lr):
    if state is None:
        return -lr * g, (-lr * g, g.copy(), 0 * g)
    last, old, before = state
    s, y = last - before, g - old
    rate = (s * s).sum() / (s * y).sum() if (s * y).sum() > 0 else lr
    return -rate * g, (-rate * g, g.copy(), last)


register(
    "barzilai_borwein",
    "change_of_update",
    "Your s is the change of the update; it is the update itself, which is the change of the parameters.",
    "How far did the parameters move while the gradient changed by y?",
    lambda: _change_of_update,
)

# ---- backprop and schedules

SOFTMAX, NUMERICAL = "softmax_cross_entropy_gradient", "numerical_gradient"


def _p(logits, top):
    e = np.exp(logits - top)
    return e / e.sum(1, keepdims=True)


mistake(
    SOFTMAX,
    "largest_of_each_class",
    "You subtract the largest score of each class, another number in each column: that changes the probabilities.",
    "The number that you subtract must be the same for all scores of an example. Along which axis is the maximum?",
    lambda logits, labels: (_p(logits, logits.max(0)) - np.eye(logits.shape[1])[labels]) / len(labels),
)
mistake(
    SOFTMAX,
    "loss",
    "You return the loss, one number; its gradient is asked for.",
    "How many scores are there, and how does the loss change with each of them?",
    *[
        lambda logits, labels, sign=sign: (
            sign * np.log(_p(logits, logits.max(1, keepdims=True))[np.arange(len(labels)), labels]).mean()
        )
        for sign in (-1, 1)
    ],
)


mistake(
    SOFTMAX,
    "logarithms",
    "You take the logarithms of the probabilities; the gradient is made of the probabilities themselves.",
    "Where does the derivative of the logarithm leave a logarithm?",
    lambda logits, labels: (
        (np.log(_p(logits, logits.max(1, keepdims=True))) - np.eye(logits.shape[1])[labels]) / len(labels)
    ),
)


def _central(f, x, h, i):
    move = np.zeros(len(x))
    move[i] = h
    return (f(x + move) - f(x - move)) / (2 * h)


mistake(
    NUMERICAL,
    "integer_result",
    "Your slopes are whole numbers: everything after the decimal point is cut off.",
    "Which dtype has the array into which you write them?",
    lambda f, x, h: np.array([_central(f, x, h, i) for i in range(len(x))]).astype(int),
)
mistake(
    NUMERICAL,
    "first_only",
    "Only the first slope is there: the rest stayed as it was.",
    "Where does your `return` stand: inside the loop, or after it?",
    lambda f, x, h: np.array([_central(f, x, h, 0)] + [0.0] * (len(x) - 1)),
)
mistake(
    NUMERICAL,
    "one_array",
    "Both points are one and the same, so every difference is 0.",
    "`up = x` is a second name for the array and no copy. How do you get two arrays?",
    lambda f, x, h: np.zeros(len(x)),
)
mistake(
    "step_decay",
    "one_minus_factor",
    "You multiply by 1 - factor, and the task multiplies by factor.",
    "What is left after one decay by 0.1?",
    lambda step, every, factor: (1 - factor) ** (step // every),
)
mistake(
    "step_decay",
    "waits_longer",
    "Your factor waits twice as long as it should, or half as long.",
    "At which step does it fall for the first time?",
    lambda step, every, factor: factor ** (step // (2 * every)),
    lambda step, every, factor: factor ** (2 * step // every),
)
mistake(
    "step_decay",
    "times_the_count",
    "You multiply the factor by the number of decays; each decay multiplies what the one before has left.",
    "After two decays by 0.5, how much is left: twice the factor, or its square?",
    lambda step, every, factor: factor * (step // every) if step >= every else 1.0,
    lambda step, every, factor: factor * (step // every),
    lambda step, every, factor: factor * (step // every + 1),
)
mistake(
    "step_decay",
    "in_a_line",
    "Your factor falls by the same amount each time; each decay should multiply what the one before has left.",
    "After two decays by 0.5, how much is left?",
    lambda step, every, factor: 1 - (1 - factor) * (step // every),
    lambda step, every, factor: max(1 - (1 - factor) * (step // every), 0.0),
    lambda step, every, factor: 1 - factor * (step // every),
    lambda step, every, factor: 1 / (1 + factor * (step // every)),
)
mistake(
    "step_decay",
    "cut_off",
    "Your factor is cut to a whole number.",
    "Which part should be a whole number: the factor, or how often it has fallen?",
    lambda step, every, factor: int(factor ** (step / every)),
    lambda step, every, factor: int(factor ** (step // every)),
)


def _within(step, period, growth, first=False):
    for _ in range(200):
        if step < period:
            break
        if first:
            period *= growth
            step -= period
        else:
            step -= period
            period *= growth
    return step, period


def _curve(t, period, lowest, turn=math.pi):
    return lowest + (1 - lowest) * (1 + math.cos(turn * t / period)) / 2


mistake(
    "warm_restarts",
    "grows_too_early",
    "You make the period longer before the one that is over has been taken away.",
    "With a period of 3 and a growth of 2, how many steps are over when step 3 begins?",
    lambda step, period, growth, lowest: _curve(*_within(step, period, growth, first=True), lowest),
)
mistake(
    "warm_restarts",
    "step_in_cosine",
    "The period is right, but the cosine takes the step of the whole run.",
    "From where is t counted?",
    lambda step, period, growth, lowest: _curve(step, _within(step, period, growth)[1], lowest),
)
mistake(
    "warm_restarts",
    "quarter",
    "You take a quarter of a cosine, from 1 to 0, without its square.",
    "(1 + cos a) / 2 is the square of which cosine?",
    lambda step, period, growth, lowest: (lambda t, T: lowest + (1 - lowest) * math.cos(math.pi * t / T / 2))(
        *_within(step, period, growth)
    ),
)
also(
    "warm_restarts",
    "wrong_turn",
    lambda step, period, growth, lowest: _curve(*_within(step, period, growth), lowest, turn=1.0),
)
mistake(
    "delay_compensated",
    "mutates_arguments",
    *words.IN_PLACE,
    *[lambda g, now, read, lr, lam, at=at: _in_place(g, now, read, lr, lam, at) for at in range(3)],
)
also(
    "delay_compensated",
    "lr_on_one_part",
    lambda g, now, read, lr, lam: -lr * g + lam * g * g * (now - read),
)
mistake(
    "delay_compensated",
    "lam_on_everything",
    "`lam` multiplies the gradient, too.",
    "With lam = 0, what should be left of the update?",
    lambda g, now, read, lr, lam: -lr * lam * (g + g * g * (now - read)),
)
mistake(
    "delay_compensated",
    "lr_twice",
    "The learning rate multiplies the correction twice.",
    "How often does it stand in the formula, and where?",
    lambda g, now, read, lr, lam: -lr * (g + lr * lam * g * g * (now - read)),
    lambda g, now, read, lr, lam: -lr * (g - lr * lam * g * g * (now - read)),
)


def _in_place(g, now, read, lr, lam, at):
    update = -lr * (g + lam * g * g * (now - read))
    (g, now, read)[at][...] += 1.0
    return update


def _one_epoch_more(n, batch_size, epochs, seed):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for _ in range(epochs + 1)]
    return [order[i : i + batch_size] for order in orders for i in range(0, n, batch_size)]


mistake(
    "minibatches",
    "one_epoch_more",
    "There is one epoch too many.",
    "How many numbers does your `range` give?",
    _one_epoch_more,
)
mistake(
    "minibatch_noise",
    "largest_of_the_parameters",
    "You take the largest of the parameters' variances; the square of a length adds all of them up.",
    "What is |d|^2 for a vector d with n entries?",
    lambda gradients, batch_size: gradients.var(0).max() / batch_size,
)
mistake(
    "minibatch_noise",
    "divides_by_examples_twice",
    "You divide by the number of examples twice.",
    "The mean over the examples divides by it once. What else does the batch divide by?",
    lambda gradients, batch_size: gradients.var(0).sum() / len(gradients) / batch_size,
)


def _by_worker(order):
    last, late = [0] * len(set(order.tolist())), []
    for k in order:
        late.append(k - last[k])
        last[k] = k + 1
    return np.array(late)


mistake(
    "staleness",
    "worker_for_update",
    "You count with the worker's number where the update's number belongs.",
    "Which of the two does `for ... in order` give you, and which does `enumerate` give as well?",
    _by_worker,
)
