"""Known mistakes in the questions that are compared, beside those that stand with each question in checks/parts.

``KNOWN`` maps an exercise's number and the question's name to pairs of a sentence and a function of the question's
arguments: what a learner who makes this mistake answers. checks/relations.py asks them before anything general.
"""

import numpy as np

from course_utils import rules

KNOWN = {}  # (exercise, name) -> pairs of a sentence and a function


def known(exercise, name, **mistakes):
    """Enter mistakes, each by a pair of a sentence and a function."""
    KNOWN.setdefault((exercise, name), []).extend(mistakes.values())


def _path(rule, gradients, **hyper):
    """Where a rule stands after each of the gradients, from 0."""
    state, x, points = (), np.zeros(gradients.shape[1]), []
    for g in gradients:
        update, *state = rule(g, *state, **hyper)
        x = x + update
        points.append(x)
    return np.array(points)


# ---- exercise 2


def _slopes(bias=lambda delta: delta.sum(0), last=lambda delta: delta.sum(0), slope=lambda Z: Z > 0):
    """The gradient of the small network of exercise 2, with other lines for the biases and for relu."""

    def gradient(x, images, labels):
        W1, b1, W2, b2 = np.split(x, [20, 25, 40])
        W1, W2 = W1.reshape(4, 5), W2.reshape(5, 3)
        Z = images @ W1 + b1
        H = np.maximum(Z, 0)
        S = H @ W2 + b2
        P = np.exp(S - S.max(1, keepdims=True))
        delta_S = (P / P.sum(1, keepdims=True) - np.eye(3)[labels]) / len(labels)
        delta_Z = delta_S @ W2.T * slope(Z)
        return np.concatenate([(images.T @ delta_Z).ravel(), bias(delta_Z), (H.T @ delta_S).ravel(), last(delta_S)])

    return gradient


def _mean(delta):
    return delta.mean(0)


known(
    2,
    "gradient",
    biases=(
        "The slopes of both biases are means over the batch, and delta has been divided by its size already: sum them.",
        _slopes(_mean, _mean),
    ),
    last=("Only b2 fails the check: it is a mean over the batch, where a sum belongs.", _slopes(last=_mean)),
    units=(
        "You multiply by what a unit puts out, and not by the slope of relu: how steep is it where a unit is active?",
        _slopes(slope=lambda Z: np.maximum(Z, 0)),
    ),
    open=("No unit is ever silent in your gradient: what is the slope of relu below 0?", _slopes(slope=lambda Z: 1)),
)


def _shares(counts):
    return np.asarray(counts) / sum(counts)


known(
    2,
    "final_loss",
    classes=(
        "This is a mean over the classes. The loss is one over the examples: how many has each class?",
        lambda counts: -np.log(_shares(counts)).mean(),
    ),
    classes_sum=("This is a sum over the classes: how many examples has each?", lambda c: -np.log(_shares(c)).sum()),
    largest=(
        "This is what an example of the largest class adds. What do the others add?",
        lambda counts: -np.log(_shares(counts).max()),
    ),
    errors=(
        "This is the share of errors. The cross-entropy is made of logarithms of probabilities.",
        lambda counts: 1 - _shares(counts).max(),
    ),
    share=("This is a probability. What does it add to the cross-entropy?", lambda counts: _shares(counts).max()),
    **{
        f"rounded_{n}": (
            f"You round the shares to {n} digits, and their logarithms with them.",
            lambda counts, n=n: -((p := np.round(_shares(counts), n)) * np.log(p)).sum(),
        )
        for n in (1,)
    },
    squares=("These are squares of probabilities, and no logarithms.", lambda counts: 1 - (_shares(counts) ** 2).sum()),
)

# ---- exercise 3


def _c(lr, batch_size, new, curvature):
    return lr / (2 - lr * curvature) * new / batch_size


known(
    3,
    "matching_lr",
    squared=(
        "You take the square of the ratio of the batches. Is the ball's variance in proportion to lr or to its square?",
        lambda lr, B, new, curvature: lr * (new / B) ** 2,
    ),
    sign=(
        "A sign is turned round where you collect the rate: eta = c (2 - eta curvature) has eta on both sides.",
        lambda lr, B, new, curvature: 2 * (c := _c(lr, B, new, curvature)) / (1 - c * curvature),
    ),
    lid=(
        "This is the rule of thumb under a lid. The formula of the ball bends towards the limit before it is reached.",
        lambda lr, B, new, curvature: min(lr * new / B, 2 / curvature),
    ),
    curvature=(
        "`curvature` is missing where you collect the rate: eta = c (2 - eta curvature).",
        lambda lr, B, new, curvature: 2 * (c := _c(lr, B, new, curvature)) / (1 + c),
    ),
    halfway=(
        "This is eta / (2 - eta curvature), and not yet eta: solve for it.",
        lambda lr, B, new, curvature: _c(lr, B, new, curvature),
    ),
    linear=(
        "You have left out eta curvature on the side of the new rate.",
        lambda lr, B, new, curvature: 2 * _c(lr, B, new, curvature),
    ),
    factor=(
        "The ball's denominator is 2 - lr curvature, and you have 1 - lr curvature.",
        lambda lr, B, new, curvature: (
            (c := lr / (1 - lr * curvature) * new / B if lr * curvature != 1 else np.inf) / (1 + c * curvature)
        ),
    ),
)

# ---- exercise 4


def _velocities(g, lr, beta, velocity, move=lambda v, new: new):
    x, v, points = np.zeros(2), np.zeros(2), []
    for row in g:
        new = velocity(v, lr * row, beta)
        x, v = x - move(v, new), new
        points.append(x)
    return np.array(points)


known(
    4,
    "top_speed",
    brackets=("Python divides before it subtracts: brackets round 1 - beta?", lambda g, lr, beta: g * lr / 1 - beta),
    **{
        f"after_{n}": (
            f"Your loop ends after {n} steps, and the velocity still grows then.",
            lambda g, lr, beta, n=n: lr * g * (1 - beta**n) / (1 - beta),
        )
        for n in (*range(2, 202), 300, 500, 1000)
    },
    first=("This is the velocity after the first step. What is it in the end?", lambda g, lr, beta: lr * g),
)
known(
    4,
    "steps_to",
    memory=(
        "1 / (1 - beta) says how long the memory is, about, and not when a share is reached: what is still missing "
        "at step t?",
        lambda share, beta: round(1 / (1 - beta)),
    ),
    share_of_memory=(
        "This is a share of 1 / (1 - beta) steps, but the velocity does not grow evenly: what is still missing at "
        "step t?",
        lambda share, beta: round(share / (1 - beta)),
    ),
    exchanged=(
        "`share` and `beta` stand in each other's place.",
        lambda share, beta: np.ceil(np.log(1 - beta) / np.log(share)),
    ),
    bases=(
        "You divide logarithms of different bases.",
        lambda share, beta: np.ceil(np.log10(1 - share) / np.log(beta)),
    ),
    one=(
        "It is 1 in every case. If a loop counts: the velocity grows to lr g / (1 - beta), and not to 1. If logarithms "
        "do: is their quotient upside down, and rounded up? beta^t = 1 - share.",
        lambda share, beta: 1.0,
    ),
    nearest=(
        "You round to the nearest step; the share is reached only from the next whole one on.",
        lambda share, beta: np.round(np.log(1 - share) / np.log(beta)),
    ),
)
known(
    4,
    "paths",
    nesterov=(
        "These are the steps of Nesterov momentum: the update looks one step ahead. Momentum moves by the velocity.",
        lambda g, lr, beta: _path(rules.nesterov, g, lr=lr, beta=beta),
    ),
    outside=(
        "The velocity is an average of the gradients here, with 1 - beta before the new one; momentum's is a sum.",
        lambda g, lr, beta: _path(rules.momentum, g, lr=(1 - beta) * lr, beta=beta),
    ),
    still=(
        "Nothing moves: is the parameter replaced by a new array, or does it share its array with the velocity?",
        lambda g, lr, beta: np.zeros((len(g), 2)),
    ),
    grows=(
        "Your velocity keeps all of itself and gets beta of itself on top: `v += beta * v + ...` is not `v = ...`.",
        lambda g, lr, beta: _velocities(g, lr, beta, lambda v, step, beta: v + beta * v + step),
    ),
    fades_not=(
        "Your velocity never fades: where does beta multiply it?",
        lambda g, lr, beta: _velocities(g, lr, beta, lambda v, step, beta: v + step),
    ),
    late=(
        "You move by the velocity of the step before: what comes first, the new velocity or the move?",
        lambda g, lr, beta: _velocities(g, lr, beta, lambda v, step, beta: beta * v + step, move=lambda v, new: v),
    ),
)

# ---- exercise 5


def _moments(times):
    return np.cumsum(times, axis=1).ravel()


def _by_next(times):
    left, order = [list(row) for row in times], []
    while any(left):
        worker = min((w for w in range(len(left)) if left[w]), key=lambda w: left[w][0])
        left[worker].pop(0)
        order.append(worker)
    return np.array(order)


known(
    5,
    "who_returns",
    places=(
        "These are places in the table, counted through, and not workers. How long is the row of a worker?",
        lambda times: np.argsort(_moments(times)),
    ),
    gradients=(
        "These are the numbers of the gradients within a worker's row. Whose row is it?",
        lambda times: np.argsort(_moments(times)) % times.shape[1],
    ),
    remainders=(
        "You take the remainder of each place in the table. The row of a worker is what a division gives: which one?",
        lambda times: np.argsort(_moments(times)) % times.shape[0],
    ),
    rows=(
        "You divide by the number of workers. How long is the row of a worker in the table?",
        lambda times: np.argsort(_moments(times)) // times.shape[0],
    ),
    moments=("These are the moments of the returns. Who returns then?", lambda times: np.sort(_moments(times))),
    across=(
        "You add up over the workers. Which gradients follow one another: those in a row, or those in a column?",
        lambda times: np.argsort(np.cumsum(times, axis=0).ravel()) // times.shape[1],
    ),
    next=(
        "You ask who computes its next gradient fastest. Who is done first, by the clock that all share?",
        _by_next,
    ),
    begins=(
        "You sort by when a gradient is begun. When is it handed in?",
        lambda times: np.argsort((np.cumsum(times, axis=1) - times).ravel(), kind="stable") // times.shape[1],
    ),
)


def _held(order, first=0, keep=lambda k, held: k + 1):
    held, read = {}, []
    for k, worker in enumerate(order):
        read.append(held.get(worker, first))
        held[worker] = keep(k, held.get(worker, first))
    return np.array(read)


known(
    5,
    "versions_read",
    first=("What does a worker hold before its first return? All read version 0 at the start.", lambda o: _held(o, -1)),
    own=(
        "You count a worker's own updates. A version counts the updates of all.",
        lambda order: _held(order, keep=lambda k, held: held + 1),
    ),
    ahead=(
        "Your workers read a version that does not exist yet: update k makes version k + 1.",
        lambda order: _held(order, keep=lambda k, held: k + 2),
    ),
    newest=(
        "As if everybody read again after each update. Who reads after update k?",
        lambda order: np.maximum(np.arange(len(order)) - 1, 0),
    ),
    at_end=(
        "This is what each worker holds in the end. Asked for is what it held at each of the updates.",
        lambda order: [max(np.flatnonzero(order == w), default=-1) + 1 for w in range(max(order) + 1)],
    ),
    workers=("These are the workers themselves.", lambda order: order),
)
LIMIT = (
    "This is the limit for very many workers. With a few, no exponential is needed: what is the chance to be passed "
)
known(
    5,
    "staler_than",
    limit=(f"{LIMIT}over once?", lambda k, workers: np.exp(-k / (workers - 1)) if workers > 1 else np.nan),
    limit_of_more=(f"{LIMIT}over once?", lambda k, workers: np.exp(-(k + 1) / workers)),
    limit_of_k=(f"{LIMIT}over once?", lambda k, workers: np.exp(-k / workers)),
    chosen=(
        "1 / workers is the chance to be the one who returns. Which is the chance to be passed over?",
        lambda k, workers: (1 / workers) ** (k + 1),
    ),
    exchanged=(
        "`k` and `workers` stand in each other's place.",
        lambda k, workers: (1 - 1 / (k + 1)) ** workers,
    ),
    chosen_k=(
        "1 / workers is the chance to be the one who returns. Which is the chance to be passed over?",
        lambda k, workers: (1 / workers) ** k,
    ),
)
known(
    5,
    "waiting",
    shared=(
        "The length of a round is the sum 1 + 1/2 + ... + 1/workers itself. Why divide it by the number of workers?",
        lambda workers: sum(1 / m for m in range(1, workers + 1)) / workers,
    ),
    shared_rest=(
        "The length of a round is the sum 1 + 1/2 + ... + 1/workers itself. Why divide it by the number of workers?",
        lambda workers: 1 - sum(1 / m for m in range(1, workers + 1)) / workers,
    ),
    logarithm=(
        "The length of a round is a sum, 1 + 1/2 + ... + 1/workers; the logarithm is near it for very many only.",
        lambda workers: 1 - 1 / np.log(workers),
    ),
    binary=(
        "The length of a round is a sum, 1 + 1/2 + ... + 1/workers, and no logarithm.",
        lambda workers: 1 - 1 / np.log2(workers + 1),
    ),
    euler=(
        "Near, for many workers: the length of a round is the sum itself, 1 + 1/2 + ... + 1/workers.",
        lambda workers: 1 - 1 / (np.log(workers) + 0.5772156649),
    ),
)


def _served(order, start, lr, sign=1.0):
    x, held, points = start, {}, []
    for worker in order:
        x = x - sign * lr * held.get(worker, start)
        held[worker] = x
        points.append(x)
    return np.array(points)


known(
    5,
    "server_path",
    uphill=("The server steps uphill: which sign has an update?", lambda *case: _served(*case, sign=-1.0)),
    no_lr=("The learning rate is missing from the update.", lambda order, start, lr: _served(order, start, 1.0)),
)

# ---- exercise 6


def _ahead(step):
    def path(start, curvature, lr, betas):
        ahead, v, points = start, 0.0, [start]
        for beta, following in zip(betas[:-1], betas[1:], strict=True):
            update, v = step(curvature * ahead, v, lr, beta, following)
            ahead = ahead + update
            points.append(ahead)
        return np.array(points)

    return path


def _look(collect, update):
    """A step with its line for the new velocity and its line for the update."""

    def step(g, v, lr, beta, following):
        new = collect(g, v, lr, beta, following)
        return update(g, v, new, lr, beta, following), new

    return _ahead(step)


def _right(g, v, lr, beta, following):
    return beta * v + lr * g


known(
    6,
    "ahead_path",
    exchanged=(
        "beta and next_beta are in each other's place: which of them has the velocity of this step?",
        _look(lambda g, v, lr, b, n: n * v + lr * g, lambda g, v, new, lr, b, n: -(b * new + lr * g)),
    ),
    uphill=(
        "Your update has the wrong sign: it is added to the point.",
        _look(_right, lambda g, v, new, lr, b, n: n * new + lr * g),
    ),
    old=(
        "Your update looks ahead with the old velocity. Which one carries to the next point?",
        _look(_right, lambda g, v, new, lr, b, n: -(n * v + lr * g)),
    ),
    mean=(
        "You take the mean of the two beta. Each has a place of its own: one in the velocity, one in the look ahead.",
        _look(
            lambda g, v, lr, b, n: (b + n) / 2 * v + lr * g,
            lambda g, v, new, lr, b, n: -((b + n) / 2 * new + lr * g),
        ),
    ),
    whole=(
        "The whole velocity stands in your update where lr g does: coming back from the look-ahead point takes "
        "beta v away again.",
        _look(_right, lambda g, v, new, lr, b, n: -new - n * new),
    ),
    back=(
        "The way back from the look-ahead point has the wrong sign: the point lies at x minus beta v.",
        _look(_right, lambda g, v, new, lr, b, n: -new - n * new - b * v),
    ),
    momentum=("This is momentum's step: it does not look ahead.", _look(_right, lambda g, v, new, lr, b, n: -new)),
    turned=(
        "The two things that you return are in the wrong order: the update first, then the velocity.",
        _ahead(lambda g, v, lr, b, n: ((new := b * v + lr * g), -(n * new + lr * g))),
    ),
    turned_signs=(
        "The two things that you return are in the wrong order: the update first, then the velocity.",
        _ahead(lambda g, v, lr, b, n: ((new := b * v + lr * g), n * new + lr * g)),
    ),
)
known(
    6,
    "without_overshoot",
    roots=(
        "There are roots of beta in it, as in momentum's rate: what stands under the root has squares in it here.",
        lambda curvature, beta: ((1 - beta**0.5) / (1 + beta**0.5)) ** 2 / curvature,
    ),
    share=(
        "What fades in a step is a share of the velocity. At which rate do the roots turn complex?",
        lambda curvature, beta: (1 - beta) / curvature,
    ),
    inverted=(
        "The quotient is upside down: is the rate large or small?",
        lambda curvature, beta: ((1 + beta) / (1 - beta)) ** 2 / curvature,
    ),
    factor=(
        "This is the factor by which it exceeds momentum's rate. Asked for is the rate itself.",
        lambda curvature, beta: ((1 - beta) / (1 + beta)) ** 2 / (1 - beta**0.5) ** 2,
    ),
    above=(
        "Only what stands above the fraction bar is squared: the whole quotient is a square.",
        lambda curvature, beta: (1 - beta) ** 2 / (1 + beta) / curvature,
    ),
    rest=(
        "This is 1 minus the right number, over the curvature: the equation is solved for the other root.",
        lambda curvature, beta: 4 * beta / (1 + beta) ** 2 / curvature,
    ),
)


def _points(start, slope, curvature, lr, beta, steps, move):
    x, v, points = start, 0.0, []
    for _ in range(int(steps)):
        x, v = move(x, v, lambda at: slope + curvature * at, lr, beta)
        points.append(x)
    return np.array(points)


def _carries(x, v, gradient, lr, beta):
    g = gradient(x)
    v = beta * v + lr * g
    return x - beta * v - lr * g, v


def _lr_outside(start, slope, curvature, lr, beta, steps):
    x, v, points = start, 0.0, []
    for _ in range(steps):
        v = beta * v + slope + curvature * (x - beta * v)
        x = x - lr * v
        points.append(x)
    return np.array(points)


known(
    6,
    "standing_path",
    units=(
        "Your velocity is without lr, and the look-ahead goes by it: that is 1 / lr times too far ahead.",
        _lr_outside,
    ),
    carried=(
        "This is the path of the look-ahead point. Asked for is where the parameters stand after each step.",
        lambda *case: _points(*case, _carries),
    ),
)

# ---- exercise 7

known(
    7,
    "step_after",
    roots=("The root of a sum is not the sum of the roots.", lambda k, bad, lr: lr / (bad + np.sqrt(k))),
    product=("r is a sum of squares, and no product.", lambda k, bad, lr: lr / (bad * np.sqrt(k))),
)
known(
    7,
    "steps_to_recover",
    inverse=(
        "The quotient is upside down: does a larger share take more steps, or fewer?",
        lambda bad, share: np.ceil((1 - share**2) * bad**2 / share**2),
    ),
    root=(
        "This is the root of the number of steps: solve for k itself.",
        lambda bad, share: np.ceil(share * bad / np.sqrt(1 - share**2)),
    ),
    without_k=(
        "The new gradients are in r as well: k stands on both sides of the inequality.",
        lambda bad, share: np.ceil(share**2 * bad**2),
    ),
)


def _tables(move):
    def after(words, gradients, lr):
        table = np.zeros((4, gradients.shape[2]))
        r, points = np.zeros_like(table), []
        for word, gradient in zip(words, gradients, strict=True):
            rows = [(row, gradient[word == row]) for row in np.unique(word)]
            for row, places in rows:
                move(table, r, row, places, lr)
            points.append(table.copy())
        return np.array(points)

    return after


def _mean_moves(table, r, row, places, lr):
    g = places.mean(0)
    r[row] += g**2
    table[row] -= lr * g / (np.sqrt(r[row]) + 1e-7)


def _moves_again(table, r, row, places, lr):
    g = places.sum(0)
    r[row] += g**2
    table[row] -= len(places) * lr * g / (np.sqrt(r[row]) + 1e-7)


known(
    7,
    "tables",
    mean=("A row's gradient is the sum over its places, and you take the mean.", _tables(_mean_moves)),
    again=(
        "A row takes its step once for each of its places. A text is one minibatch: how many steps has a row?",
        _tables(_moves_again),
    ),
)

# ---- exercise 8

known(
    8,
    "waking_step",
    weight=(
        "A new square enters r with the weight 1 - beta, and it is not in yours.",
        lambda every, lr, beta: lr / np.sqrt(1 - beta**every),
    ),
    times=(
        "In a sleep r fades by beta in every step: a power of beta, and no product with `every`.",
        lambda every, lr, beta: lr * np.sqrt((1 - beta * every) / (1 - beta)),
    ),
    late=(
        "You count one step of sleep too many.",
        lambda every, lr, beta: lr * np.sqrt((1 - beta ** (every + 1)) / (1 - beta)),
    ),
)
known(
    8,
    "mean_step",
    each=(
        "You divide each gradient by its own size, so that the signs alone are averaged. Here r is an average over "
        "both.",
        lambda s, n, B, lr: lr * (np.sign(s + n / np.sqrt(B)) + np.sign(s - n / np.sqrt(B))) / 2,
    ),
    root=(
        "The root of a sum of squares is not the sum of their roots.",
        lambda s, n, B, lr: lr * s / (s + n / np.sqrt(B)),
    ),
    difference=(
        "The squares of both parts are added: r is a mean square, and no variance.",
        lambda s, n, B, lr: lr * s / np.sqrt(n**2 / B - s**2),
    ),
    times=(
        "The noise of a mean shrinks with the batch: n over the root of B.",
        lambda s, n, B, lr: lr * s / np.sqrt(s**2 + n**2 * B),
    ),
)


def _rms(gradients, lr, beta, keep):
    x, r, points = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1]), []
    for g in gradients:
        r = keep(r, g, beta)
        x = x - lr * g / (np.sqrt(r) + 1e-8)
        points.append(x)
    return np.array(points)


def _averaged(g, state=(0.0, 0.0), *, lr, beta):
    r, m = state
    r, m = beta * r + (1 - beta) * g**2, beta * m + (1 - beta) * g
    return -lr * m / (r**0.5 + 1e-8), (r, m)


known(
    8,
    "paths",
    averaged=(
        "Your step has an average of gradients above the fraction bar, as Adam's; RMSProp divides the gradient itself.",
        lambda g, lr, beta: _path(_averaged, g, lr=lr, beta=beta),
    ),
    twice=(
        "r fades twice in a step with a gradient: once for all weights, and once more for those that are awake.",
        lambda g, lr, beta: _rms(g, lr, beta, lambda r, g, b: np.where(g != 0, b * b * r + (1 - b) * g**2, b * r)),
    ),
    sums=("r only grows: where does it fade?", lambda g, lr, beta: _rms(g, lr, beta, lambda r, g, b: r + g**2)),
)


def _combined(move, fresh=False):
    def updates(gradients, lr, beta, mu):
        r, v, made = 0.0, 0.0, []
        for g in gradients:
            r = beta * r * (not fresh) + (1 - beta) * g**2
            update, v = move(lr * g / (np.sqrt(r) + 1e-8), v, mu)
            made.append(update)
        return np.array(made)

    return updates


known(
    8,
    "combined",
    plain=(
        "The velocity in your step is not multiplied by mu: how far does it carry to the next look?",
        _combined(lambda s, v, mu: (-(mu * v + s + s), mu * v + s)),
    ),
    average=(
        "Your velocity is an average, with 1 - mu before the new step; momentum's is a sum.",
        _combined(lambda s, v, mu: (-(mu * (mu * v + (1 - mu) * s) + s), mu * v + (1 - mu) * s)),
    ),
    averages=(
        "Your velocity is an average, with 1 - mu before the new step; momentum's is a sum.",
        _combined(lambda s, v, mu: (-(mu * (mu * v + (1 - mu) * s) + (1 - mu) * s), mu * v + (1 - mu) * s)),
    ),
    old=(
        "Your step looks ahead with the old velocity, which is plain momentum.",
        _combined(lambda s, v, mu: (-(mu * v + s), mu * v + s)),
    ),
    sums=(
        "These are where the parameters are after each step. Asked for are the steps themselves.",
        lambda *case: np.cumsum(_combined(lambda s, v, mu: (-(mu * (mu * v + s) + s), mu * v + s))(*case), axis=0),
    ),
    betas=(
        "`beta` and `mu` are in each other's place: which of them belongs to RMSProp?",
        lambda g, lr, beta, mu: _combined(lambda s, v, m: (-(m * (m * v + s) + s), m * v + s))(g, lr, mu, beta),
    ),
    reset=(
        "RMSProp begins anew in every step: its state has to be handed from one call to the next.",
        lambda g, lr, beta, mu: _combined(lambda s, v, m: (-(m * (m * v + s) + s), m * v + s), fresh=True)(
            g, lr, beta, mu
        ),
    ),
    **{
        f"lr_{lr}": (
            "RMSProp runs with its default rate: `lr` is not handed on.",
            lambda g, _, beta, mu, lr=lr: _combined(lambda s, v, m: (-(m * (m * v + s) + s), m * v + s))(
                g, lr, beta, mu
            ),
        )
        for lr in (0.001, 0.01)
    },
    last=(
        "This is the last update alone; the task asks for that of every step.",
        lambda *case: _combined(lambda s, v, mu: (-(mu * (mu * v + s) + s), mu * v + s))(*case)[-1],
    ),
)

# ---- exercise 9

known(
    9,
    "coast",
    product=(
        "v stands below the fraction bar: as it fades, does a step become longer or shorter?",
        lambda lr, b1, b2: lr * (q := b1 * np.sqrt(b2)) / (1 - q),
    ),
    squared=(
        "This is the square of the factor from one step to the next: which root does Adam take?",
        lambda lr, b1, b2: lr * (q := b1**2 / b2) / (1 - q),
    ),
    inverted=(
        "The factor from one step to the next is upside down: which of the two averages fades faster?",
        lambda lr, b1, b2: lr * (q := np.sqrt(b2) / b1) / (1 - q),
    ),
    **{
        f"after_{n}": (
            f"Your sum ends after {n} steps, and the way goes on.",
            lambda lr, b1, b2, n=n: lr * (q := b1 / np.sqrt(b2)) * (1 - q**n) / (1 - q),
        )
        for n in range(1, 102)
    },
    still=("It does not stop at once: is m 0 when the gradient is?", lambda lr, b1, b2: 0.0),
)

# ---- exercise 10


def _guessed(table):
    return np.where(np.isnan(table), 0.1, table)


def _best(rates, held_out, test):
    i = held_out.mean(1).argmax()
    return rates[i], test[i].mean()


def _best_seed(rates, held_out, test):
    i, j = np.unravel_index(_guessed(held_out).argmax(), held_out.shape)
    return rates[i], _guessed(test)[i, j]


def _lucky(rates, held_out, test):
    i = _guessed(held_out).max(1).argmax()
    return rates[i], _guessed(test)[i].mean()


def _column(rates, held_out, test):
    i = _guessed(held_out).mean(0).argmax()
    return rates[i], _guessed(test).mean(0)[i]


def _nan_wins(rates, held_out, test):
    i = held_out.mean(1).argmax()
    return rates[i], test.mean(1)[i]


def _median(rates, held_out, test):
    i = np.median(_guessed(held_out), axis=1).argmax()
    return rates[i], np.median(_guessed(test)[i])


def _best_test(rates, held_out, test):
    return rates[_guessed(held_out).mean(1).argmax()], _guessed(test).mean(1).max()


def _without_nan(rates, held_out, test):
    i = np.where(np.isnan(held_out).any(axis=1), 0, held_out.mean(1)).argmax()
    return rates[i], test.mean(1)[i]


known(
    9,
    "lead",
    logarithm=("No logarithm: both averages are means over a round.", lambda n, c: np.log(n)),
    squared=("Adam divides by the root of v, and you by v itself.", lambda n, c: 1 / c),
    twice=(
        "So much, n squared, would it be if m were as rare as 1 / n squared. How often is B's gradient added to m, how "
        "often its square to v, and which of the two does Adam take the root of?",
        lambda n, c: n**2,
    ),
)
known(
    10,
    "chosen",
    left_out=(
        "You leave a run that diverged out, or its NaN in. It counts as guessing, 0.1, in both tables.",
        _without_nan,
    ),
    seed=("You choose the single best run: one lucky seed decides.", _best_seed),
    lucky=("You compare the best run of each rate: one lucky seed decides. What is the mean over the seeds?", _lucky),
    axis=("You average over the rates, not over the seeds. Which axis holds the seeds?", _column),
    nan=("`argmax` takes a NaN for the largest number. What does a run that diverged count?", _nan_wins),
    median=("A median forgets the runs that went badly. The mean over the seeds counts them.", _median),
    percent=(
        "A run that diverged counts as guessing, and all accuracies here are shares: guessing is 0.1, and not 10.",
        lambda rates, held, test: _best(rates, np.nan_to_num(held, nan=10.0), np.nan_to_num(test, nan=10.0)),
    ),
    percent_of_test=(
        "The rate is right. But accuracies are shares here: a run that diverged counts 0.1, and not 10.",
        lambda rates, held, test: _best(rates, _guessed(held), np.nan_to_num(test, nan=10.0)),
    ),
    everywhere=(
        "The rate is right. But you report a mean over all rates, and not that of the rate that you chose.",
        lambda rates, held, test: (rates[_guessed(held).mean(1).argmax()], _guessed(test).mean()),
    ),
    best=("The rate is right. But you report the best mean of the test images, of whichever rate.", _best_test),
    index=(
        "The score is right. But this is the row of the rate, and not the rate.",
        lambda rates, held, test: ((i := _guessed(held).mean(1).argmax()), _guessed(test).mean(1)[i]),
    ),
)


def _paired(error):
    return lambda a, b: ((a - b).mean(), error(a, b, a - b, len(a)))


known(
    10,
    "paired",
    ratio=(
        "The mean is right, and number 2 is the mean divided by its standard error: the standard error is asked for.",
        _paired(lambda a, b, d, n: d.mean() / (d.std(ddof=1) / np.sqrt(n))),
    ),
    one=(
        "The mean is right, and number 2 is the standard error of one rule's results. Take that of the differences.",
        _paired(lambda a, b, d, n: a.std(ddof=1) / np.sqrt(n)),
    ),
    other=(
        "The mean is right, and number 2 is the standard error of one rule's results. Take that of the differences.",
        _paired(lambda a, b, d, n: b.std(ddof=1) / np.sqrt(n)),
    ),
    twice=(
        "n - 1 belongs under the standard deviation alone; the mean of n differences is divided by the root of n.",
        _paired(lambda a, b, d, n: d.std(ddof=1) / np.sqrt(n - 1)),
    ),
    relative=(
        "You divide the differences by the results of one rule. The task takes them as they are.",
        lambda a, b: ((d := (a - b) / b).mean(), d.std(ddof=1) / np.sqrt(len(d))),
    ),
    of_each=(
        "You subtract two standard deviations. Subtract the results first, seed by seed.",
        _paired(lambda a, b, d, n: (a.std(ddof=1) - b.std(ddof=1)) / np.sqrt(n)),
    ),
    size=(
        "You take the sizes of the differences, so that no seed ever speaks for b.",
        lambda a, b: ((d := abs(a - b)).mean(), d.std(ddof=1) / np.sqrt(len(d))),
    ),
)


def _edges(rates, accuracy, points=100_001, level=lambda best: best - 0.01):
    x = np.linspace(np.log10(rates[0]), np.log10(rates[-1]), points)
    return x[np.interp(x, np.log10(rates), accuracy) >= level(accuracy.max())][[0, -1]]


def _grid(*how):
    return lambda rates, accuracy: np.ptp(_edges(rates, accuracy, *how))


FEW = "Too few points in between: the edges are as coarse as their distance."
known(
    10,
    "width",
    tenth=("A point is 0.01, and you take 0.1.", _grid(100_001, lambda best: best - 0.1)),
    relative=("0.01 below the best, not one percent of it.", _grid(100_001, lambda best: 0.99 * best)),
    whole=("This is the range of all rates that were tried.", lambda rates, accuracy: np.log10(rates[-1] / rates[0])),
    ratio=(
        "This is how many times the largest of these rates is the smallest. How many decades is a factor of 100?",
        lambda rates, accuracy: (r := rates[accuracy >= accuracy.max() - 0.01]).max() / r.min(),
    ),
    rates=(
        "This is a difference of rates. A decade is a factor of ten.",
        lambda rates, accuracy: np.ptp(rates[accuracy >= accuracy.max() - 0.01]),
    ),
    between=(
        "This is the difference of the rates at the two edges, which are right. How many decades lie between them?",
        lambda rates, accuracy: np.ptp(10.0 ** _edges(rates, accuracy)),
    ),
    half=(
        "This is half of it. Do you measure from the best rate to one edge, or divide by 2?",
        lambda rates, accuracy: np.ptp(_edges(rates, accuracy)) / 2,
    ),
    **{f"coarse_{n}": (FEW, _grid(n)) for n in (10, 11, 20, 21, 30, 50, 51, 100, 101)},
)


def _drawn(generator, noise_first=False):
    if noise_first:
        noise = generator.normal(size=(30, 2))
        return generator.normal(size=2), noise
    return generator.normal(size=2), generator.normal(size=(30, 2))


def _raced(lrs, seeds, first):
    losses, curvature = np.zeros((len(lrs), len(seeds))), np.array([1.0, 20.0])
    for j, seed in enumerate(seeds):
        for i, lr in enumerate(lrs):
            x, noise = first(seed, i)
            for error in noise:
                x = x - lr * (curvature * x + error)
            losses[i, j] = (curvature * x**2).sum() / 2
    return losses


known(
    10,
    "race",
    of_rate=(
        "Start and noise depend on the rate's place in the list. What may they depend on?",
        lambda lrs, seeds: _raced(lrs, seeds, lambda seed, i: _drawn(np.random.default_rng([seed, i]))),
    ),
    of_sum=(
        "Start and noise depend on the rate's place in the list. What may they depend on?",
        lambda lrs, seeds: _raced(lrs, seeds, lambda seed, i: _drawn(np.random.default_rng(seed + i))),
    ),
    noise_first=(
        "You draw the noise before the start. In which order does the task's code draw them?",
        lambda lrs, seeds: _raced(lrs, seeds, lambda seed, i: _drawn(np.random.default_rng(seed), True)),
    ),
    one_seed=(
        "All columns are alike: the noise and the start come from seed 0, whichever seed is asked for.",
        lambda lrs, seeds: _raced(lrs, seeds, lambda seed, i: _drawn(np.random.default_rng(0))),
    ),
    alike=(
        "The start is drawn from the same numbers as the first noise. One generator, started once for a seed, gives "
        "both, one after the other.",
        lambda lrs, seeds: _raced(
            lrs,
            seeds,
            lambda seed, i: (
                np.random.default_rng(seed).normal(size=2),
                np.random.default_rng(seed).normal(size=(30, 2)),
            ),
        ),
    ),
)
