"""Known mistakes of tasks around the stochastic gradient: minibatches, schedule, noise, staleness."""

import numpy as np

from course_utils.checks.zoo.registry import mistake

# ---- minibatches


def _deal(orders, batch_size):
    return [order[i : i + batch_size] for order in orders for i in range(0, len(order), batch_size)]


def _each_epoch(draw):
    """Batches of one epoch after the other, dealt out of the order ``draw(rng, n, batch_size)``."""

    def specimen(n, batch_size, epochs, seed):
        rng = np.random.default_rng(seed)
        return _deal([draw(rng, n, batch_size) for _ in range(epochs)], batch_size)

    return specimen


mistake(
    "minibatches",
    "not_shuffled",
    "Your batches are dealt out in the order of the data.",
    "What if the first half of the images shows only zeros?",
    _each_epoch(lambda rng, n, batch_size: np.arange(n)),
)
mistake(
    "minibatches",
    "rotated",
    "Your order is rotated, not shuffled: it begins somewhere, and goes on in the order of the data.",
    "How many orders of n examples can a rotation make, and who are the neighbours of example 5 in each of them?",
    _each_epoch(lambda rng, n, batch_size: np.roll(np.arange(n), rng.integers(n))),
    _each_epoch(lambda rng, n, batch_size: np.roll(np.arange(n), -rng.integers(n))),
    lambda n, batch_size, epochs, seed: _deal([np.roll(np.arange(n), e) for e in range(epochs)], batch_size),
    lambda n, batch_size, epochs, seed: _deal([np.roll(np.arange(n), e + 1) for e in range(epochs)], batch_size),
)
mistake(
    "minibatches",
    "same_order_every_epoch",
    "Every epoch deals out the same batches in the same order.",
    "How often do you shuffle: once, or once an epoch?",
    lambda n, batch_size, epochs, seed: _deal([np.random.default_rng(seed).permutation(n)] * epochs, batch_size),
)
mistake(
    "minibatches",
    "drops_last_batch",
    "The last batch of an epoch is missing.",
    "How many batches make an epoch when n is no multiple of batch_size? Round which way?",
    _each_epoch(lambda rng, n, batch_size: rng.permutation(n)[: n // batch_size * batch_size]),
    _each_epoch(lambda rng, n, batch_size: rng.permutation(n)[: (n - 1) // batch_size * batch_size]),
)
mistake(
    "minibatches",
    "wrong_end",
    "Your batches are one example too short, or overlap by one.",
    "Does a slice i:j hold the entry j? Where does the next batch begin?",
    lambda n, batch_size, epochs, seed: [
        batch[:-1] for batch in _each_epoch(lambda rng, n, b: rng.permutation(n))(n, batch_size, epochs, seed)
    ],
    lambda n, batch_size, epochs, seed: [
        order[i : i + batch_size + 1]
        for rng in [np.random.default_rng(seed)]
        for order in [rng.permutation(n) for _ in range(epochs)]
        for i in range(0, n, batch_size)
    ],
)
mistake(
    "minibatches",
    "with_replacement",
    "You draw with replacement: some examples come twice in an epoch, others not at all.",
    "How do you make sure that each example is used exactly once an epoch?",
    _each_epoch(lambda rng, n, batch_size: rng.integers(n, size=n)),
)
mistake(
    "minibatches",
    "batches_drawn_independently",
    "Within a batch no example repeats, but from batch to batch it does: each batch is drawn from all examples anew.",
    "What must the second batch know of the first?",
    _each_epoch(
        lambda rng, n, batch_size: np.concatenate(
            [rng.choice(n, min(batch_size, n - i), replace=False) for i in range(0, n, batch_size)]
        )
    ),
)


def _epochs_together(n, batch_size, epochs, seed):
    order = np.random.default_rng(seed).permutation(np.tile(np.arange(n), epochs))
    return _deal(np.split(order, epochs), batch_size)


mistake(
    "minibatches",
    "epochs_mixed",
    "Examples of different epochs are shuffled together, so one may come twice before another comes once.",
    "Shuffle first and repeat then, or repeat first and shuffle then?",
    _epochs_together,
)


def _across(n, batch_size, epochs, seed):
    rng = np.random.default_rng(seed)
    return _deal([np.concatenate([rng.permutation(n) for _ in range(epochs)])], batch_size)


mistake(
    "minibatches",
    "batches_across_epochs",
    "A batch may hold the end of one epoch and the beginning of the next.",
    "What should happen to the examples that are left over at the end of an epoch?",
    _across,
)


def _same_groups(shuffle_members, shuffle_groups, random_groups):
    def specimen(n, batch_size, epochs, seed):
        rng = np.random.default_rng(seed)
        groups = _deal([rng.permutation(n) if random_groups else np.arange(n)], batch_size)
        batches = []
        for _ in range(epochs):
            for k in rng.permutation(len(groups)) if shuffle_groups else range(len(groups)):
                batches.append(rng.permutation(groups[k]) if shuffle_members else groups[k])
        return batches

    return specimen


mistake(
    "minibatches",
    "same_groups",
    "The same examples meet in every epoch: you shuffle the batches, or inside the batches, but not the examples.",
    "When are the groups formed: before or after the shuffling?",
    _same_groups(shuffle_members=False, shuffle_groups=True, random_groups=False),
    _same_groups(shuffle_members=True, shuffle_groups=False, random_groups=False),
    _same_groups(shuffle_members=False, shuffle_groups=True, random_groups=True),
    _same_groups(shuffle_members=True, shuffle_groups=True, random_groups=True),
    _same_groups(shuffle_members=True, shuffle_groups=True, random_groups=False),
)
mistake(
    "minibatches",
    "seed_unused",
    "Another seed gives the same batches.",
    "Does your generator get the seed that is handed in?",
    lambda n, batch_size, epochs, seed: _each_epoch(lambda rng, n, b: rng.permutation(n))(n, batch_size, epochs, 0),
)
mistake(
    "minibatches",
    "not_reproducible",
    "The same seed gives other batches each time.",
    "Where do your random numbers come from, and does the seed reach them?",
    lambda n, batch_size, epochs, seed: _each_epoch(lambda rng, n, b: rng.permutation(n))(n, batch_size, epochs, None),
)
mistake(
    "minibatches",
    "one_epoch_only",
    "There is one epoch in your batches, whatever `epochs` says.",
    "What has to be done again for every epoch?",
    lambda n, batch_size, epochs, seed: _each_epoch(lambda rng, n, b: rng.permutation(n))(n, batch_size, 1, seed),
)
mistake(
    "minibatches",
    "last_batch_filled_up",
    "The last batch of an epoch is filled up to the full size, so some examples come twice.",
    "How large should the last batch be?",
    _each_epoch(lambda rng, n, batch_size: np.resize(rng.permutation(n), -(-n // batch_size) * batch_size)),
)
mistake(
    "minibatches",
    "counts_from_1",
    "Your indices count from 1.",
    "Which index has the first example, and which the last?",
    _each_epoch(lambda rng, n, batch_size: rng.permutation(n) + 1),
)
mistake(
    "minibatches",
    "batch_size_for_count",
    "You use batch_size as the number of batches.",
    "For n = 10 and batch_size = 4, how long should the first batch be?",
    lambda n, batch_size, epochs, seed: [
        part
        for rng in [np.random.default_rng(seed)]
        for _ in range(epochs)
        for part in np.array_split(rng.permutation(n), batch_size)
    ],
)
mistake(
    "minibatches",
    "equal_parts",
    "You cut the epoch into nearly equal parts instead of full batches and a smaller last one.",
    "For n = 10 and batch_size = 4, which sizes does the task ask for?",
    lambda n, batch_size, epochs, seed: [
        part
        for rng in [np.random.default_rng(seed)]
        for _ in range(epochs)
        for part in np.array_split(rng.permutation(n), -(-n // batch_size))
    ],
)

# ---- the schedule: factor^floor(step / every)

mistake(
    "step_decay",
    "off_by_one",
    "Your factor falls one step too early.",
    "Steps count from 0. Which steps are the first `every` ones?",
    lambda step, every, factor: factor ** ((step + 1) // every),
)
mistake(
    "step_decay",
    "falls_late",
    "Your factor falls one step too late.",
    "Steps count from 0. What is the factor at step `every` itself?",
    lambda step, every, factor: factor ** (max(step - 1, 0) // every),
    lambda step, every, factor: factor ** (step // (every + 1)),
)
mistake(
    "step_decay",
    "rounds_up",
    "You round the number of decays up, or count one too many.",
    "How many full intervals are over at step 1?",
    lambda step, every, factor: factor ** (-(-step // every)),
    lambda step, every, factor: factor ** round(step / every),
    lambda step, every, factor: factor ** (step // every + 1),
)
mistake(
    "step_decay",
    "smooth",
    "Your factor falls a little at every step: there are no steps in it.",
    "What does the floor in the formula do?",
    lambda step, every, factor: factor ** (step / every),
)
mistake(
    "step_decay",
    "multiplied",
    "You multiply by the number of decays instead of raising factor to that power.",
    "What is the factor before the first decay, and after two?",
    lambda step, every, factor: factor * (step // every),
    lambda step, every, factor: 1 - factor * (step // every),
    lambda step, every, factor: max(0.0, 1 - (1 - factor) * (step // every)),
)
mistake(
    "step_decay",
    "only_once",
    "Your factor falls only once.",
    "What happens after 2 * every steps?",
    lambda step, every, factor: factor if step >= every else 1.0,
    lambda step, every, factor: factor if step > every else 1.0,
)
mistake(
    "step_decay",
    "only_at_the_moment",
    "Your factor falls for one step and comes back.",
    "What is the factor in the steps after a decay?",
    lambda step, every, factor: factor if step and step % every == 0 else 1.0,
    lambda step, every, factor: factor if step % every == 0 else 1.0,
)
mistake(
    "step_decay",
    "remainder",
    "You use the remainder of the division.",
    "What does `%` give, and what `//`?",
    lambda step, every, factor: factor ** (step % every),
)
mistake(
    "step_decay",
    "grows",
    "Your factor grows.",
    "Should the rate fall or rise?",
    lambda step, every, factor: factor ** -(step // every),
)
mistake(
    "step_decay",
    "ignores_every",
    "Your factor falls at every step; `every` plays no part.",
    "For how many steps should it stay?",
    lambda step, every, factor: factor**step,
)
mistake(
    "step_decay",
    "base_and_exponent",
    "Base and exponent are exchanged.",
    "Which of the two is multiplied by itself?",
    lambda step, every, factor: (step // every) ** factor,
)
mistake(
    "step_decay",
    "divided",
    "You divide by the number of decays.",
    "Each decay multiplies. By what?",
    lambda step, every, factor: factor / (step // every + 1),
    lambda step, every, factor: 1 / (1 + step // every),
)
mistake(
    "step_decay",
    "ignores_factor",
    "Changing `factor` changes nothing.",
    "Does a number stand in its place?",
    lambda step, every, factor: 0.1 ** (step // every),
    lambda step, every, factor: 0.5 ** (step // every),
)

# ---- the noise of a minibatch: the mean of |g_i - g|^2, divided by the batch size


def _noise(square=lambda d: (d**2).sum(1).mean(), batch=lambda B: B, centre=lambda gradients: gradients.mean(0)):
    return lambda gradients, batch_size: square(gradients - centre(gradients)) / batch(batch_size)


NOISE = "minibatch_noise"

mistake(
    NOISE,
    "ignores_batch_size",
    "Your noise does not fall with the batch size.",
    "In the double sum over the batch, how many of the terms are left, and by what is their sum divided?",
    _noise(batch=lambda B: 1),
)
mistake(
    NOISE,
    "not_squared",
    "What you return is a length, or falls like one, with the root of the batch size; its square is asked for.",
    "What is the difference between E|g_B - g| and E|g_B - g|^2?",
    _noise(batch=lambda B: B**0.5),
    lambda gradients, batch_size: _noise()(gradients, batch_size) ** 0.5,
    _noise(lambda d: ((d**2).sum(1) ** 0.5).mean()),
    _noise(lambda d: (d**2).sum(1).mean() ** 0.5),
    _noise(lambda d: d.std(0).sum()),
)
mistake(
    NOISE,
    "divided_by_examples",
    "You divide by the number of all examples instead of the batch size.",
    "The larger the batch, the smaller the noise. Does your result change with the batch size?",
    _noise(lambda d: (d**2).sum(1).mean() / len(d), lambda B: 1),
)
mistake(
    NOISE,
    "batch_size_squared",
    "Your noise falls with the square of the batch size.",
    "The mean has a factor 1/B, its square 1/B^2. How many terms does the sum have?",
    _noise(batch=lambda B: B**2),
)
mistake(
    NOISE,
    "without_replacement",
    "Your formula is that of drawing without replacement: it has the finite-population correction.",
    "Here the draws are independent. What becomes of the mixed terms?",
    lambda gradients, B: _noise()(gradients, B) * (len(gradients) - B) / (len(gradients) - 1),
)
mistake(
    NOISE,
    "n_minus_1",
    "You divide by N - 1: that estimates a variance from a sample.",
    "Here the N gradients are all there are. By what is sigma^2 divided in the chapter?",
    _noise(lambda d: (d**2).sum() / (len(d) - 1)),
)
mistake(
    NOISE,
    "mean_not_subtracted",
    "You average the squared gradients themselves: their mean is not subtracted.",
    "If all examples had the same gradient, how large would the noise be?",
    _noise(centre=lambda gradients: 0.0),
)
mistake(
    NOISE,
    "averaged_over_parameters",
    "You average over the parameters; the squared length of a vector is a sum.",
    "What is |d|^2 for a vector d with n entries?",
    _noise(lambda d: (d**2).mean()),
)
mistake(
    NOISE,
    "examples_for_parameters",
    "You take a mean over all numbers, and multiply by how many examples there are.",
    "Of how many numbers is one squared length the sum?",
    _noise(lambda d: (d**2).mean() * len(d)),
    _noise(lambda d: (d**2).mean() * len(d), lambda B: 1),
)
mistake(
    NOISE,
    "summed_over_examples",
    "You sum over the examples where sigma^2 is a mean.",
    "How likely is it that a draw picks example i?",
    _noise(lambda d: (d**2).sum()),
)
mistake(
    NOISE,
    "wrong_axis",
    "You subtract a mean over the parameters, not one over the examples.",
    "Along which axis do the examples lie, and of what is g the mean?",
    _noise(centre=lambda gradients: gradients.mean(1, keepdims=True)),
    _noise(centre=lambda gradients: gradients.mean()),
)
mistake(
    NOISE,
    "multiplied",
    "Your noise grows with the batch size.",
    "Do more examples make more noise?",
    _noise(batch=lambda B: 1 / B),
)
mistake(
    NOISE,
    "absolute_values",
    "You add absolute values instead of squares.",
    "How is the length of a vector made of its entries?",
    _noise(lambda d: np.abs(d).sum(1).mean()),
    _noise(lambda d: (np.abs(d).sum(1) ** 2).mean()),
)

# ---- staleness: k minus the version read


def _versions(order, gain=1, first=lambda k: 0):
    """What each update's worker had read; ``gain``: how far past its own update it reads, ``first``: at the start."""
    read, versions = {}, []
    for k, worker in enumerate(np.asarray(order).tolist()):
        versions.append(read.get(worker, first(k)))
        read[worker] = k + gain
    return np.array(versions)


def _late(order, **how):
    return np.arange(len(order)) - _versions(order, **how)


def _in_between(count):
    """``count`` of the workers that returned since this one did."""

    def specimen(order):
        order, last, late = np.asarray(order).tolist(), {}, []
        for k, worker in enumerate(order):
            late.append(count(order[last.get(worker, 0) : k], order[:k], worker))
            last[worker] = k + 1
        return np.array(late, dtype=float)

    return specimen


mistake(
    "staleness",
    "one_too_many",
    "Your staleness is one too large everywhere.",
    "A worker alone is never late. Which staleness do you give it?",
    lambda order: _late(order) + 1,
)
mistake(
    "staleness",
    "one_too_few",
    "Your staleness is one too small.",
    "Between a worker's reading and its return one other worker has returned. How stale is its gradient?",
    lambda order: _late(order) - 1,
    lambda order: np.maximum(_late(order) - 1, 0),
)
mistake(
    "staleness",
    "reads_before_its_update",
    "Your worker reads the parameters from before its own update.",
    "Update k makes version k + 1. Which version does its worker take with it?",
    lambda order: _late(order, gain=0),
)
mistake(
    "staleness",
    "versions_returned",
    "You return the version that was read, not how old it is.",
    "How many updates lie between the reading and the use?",
    _versions,
)
mistake(
    "staleness",
    "wrong_sign",
    "Your staleness is negative.",
    "Which is larger: k, or the version read?",
    lambda order: -_late(order),
)
mistake(
    "staleness",
    "always_the_number_of_workers",
    "You give every update the same staleness, the number of workers or one less.",
    "A slow worker's gradient is older than a fast one's. What decides how old it is?",
    lambda order: np.full(len(order), np.max(order)),
    lambda order: np.full(len(order), np.max(order) + 1),
    lambda order: np.minimum(np.arange(len(order)), np.max(order)),
)
mistake(
    "staleness",
    "first_is_zero",
    "You call the first update of every worker fresh.",
    "All workers read version 0 at the start. How many updates were there before a worker's first return?",
    lambda order: _late(order, first=lambda k: k),
    lambda order: _late(order, first=lambda k: k, gain=0),
)
mistake(
    "staleness",
    "nobody_reads_again",
    "Your workers never read again: every update is as old as the run.",
    "What does a worker do right after its update?",
    lambda order: np.arange(len(order)),
)
mistake(
    "staleness",
    "all_read_together",
    "After an update all of your workers read the new version.",
    "Which worker reads after update k, and what do the others go on with?",
    lambda order: np.zeros(len(order)),
)
mistake(
    "staleness",
    "counts_its_own_updates",
    "You count a worker's own updates instead of the others'.",
    "Whose updates make a gradient stale?",
    _in_between(lambda between, before, worker: before.count(worker)),
)
mistake(
    "staleness",
    "counts_workers_not_updates",
    "You count which workers came in between, each of them once.",
    "A fast worker returned three times meanwhile. By how many versions did the parameters move on?",
    _in_between(lambda between, before, worker: len(set(between))),
)
mistake(
    "staleness",
    "averaged",
    "You average over the updates so far.",
    "The task asks for each update by itself. What is the staleness of the last one alone?",
    lambda order: np.cumsum(_late(order)) / np.arange(1, len(order) + 1),
)
