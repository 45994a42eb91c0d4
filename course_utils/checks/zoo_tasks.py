"""The known mistakes of the tasks that are no update rules, in course order: more of :mod:`course_utils.checks.zoo`."""

import numpy as np

from course_utils.checks.zoo import ZOO, mistake

__all__ = ["ZOO"]

# ---- softmax and cross-entropy: (p - y) / B


def _softmax(logits, axis=1):
    shifted = np.exp(logits - logits.max(axis, keepdims=True))
    return shifted / shifted.sum(axis, keepdims=True)


def _one_hot(logits, labels):
    return np.eye(logits.shape[1])[labels % logits.shape[1]]


def _error(logits, labels):
    return _softmax(logits) - _one_hot(logits, labels)


softmax = "softmax_cross_entropy_gradient"

mistake(
    softmax,
    "not_divided_by_batch",
    "Your gradient is that of the sum of the losses, not of their mean.",
    "Twice the same batch: should the gradient double?",
    _error,
)
mistake(
    softmax,
    "labels_unused",
    "The true labels do not appear in your gradient: it is made of the probabilities alone.",
    "What should the gradient be when the network is certain and right?",
    lambda logits, labels: _softmax(logits) / len(labels),
    lambda logits, labels: _softmax(logits),
)
mistake(
    softmax,
    "wrong_sign",
    "Your gradient has the wrong sign.",
    "If the score of the true class rises, does the loss rise or fall?",
    lambda logits, labels: -_error(logits, labels) / len(labels),
    lambda logits, labels: -_error(logits, labels),
    lambda logits, labels: (_softmax(logits) + _one_hot(logits, labels)) / len(labels),
)


def _softmax_of_all(logits):
    e = np.exp(logits - logits.max())
    return e / e.sum()


mistake(
    softmax,
    "softmax_over_examples",
    "Your softmax runs over the examples of the batch, too, or instead of the classes.",
    "Which numbers must add up to 1: a row, a column, or all of the probabilities?",
    lambda logits, labels: (_softmax(logits, axis=0) - _one_hot(logits, labels)) / len(labels),
    lambda logits, labels: (_softmax_of_all(logits) - _one_hot(logits, labels)) / len(labels),
)
mistake(
    softmax,
    "no_softmax",
    "You subtract the labels from the scores themselves: the softmax is missing.",
    "What turns scores into probabilities?",
    lambda logits, labels: (logits - _one_hot(logits, labels)) / len(labels),
    lambda logits, labels: (1 / (1 + np.exp(-logits)) - _one_hot(logits, labels)) / len(labels),
)
mistake(
    softmax,
    "divided_by_classes",
    "You divide by the number of classes, or of all entries.",
    "Over what is the loss a mean?",
    lambda logits, labels: _error(logits, labels) / logits.shape[1],
    lambda logits, labels: _error(logits, labels) / logits.size,
)
mistake(
    softmax,
    "transposed",
    "Your gradient is transposed.",
    "The gradient has the shape of the logits: what is a row of it, an example or a class?",
    lambda logits, labels: _error(logits, labels).T / len(labels),
)


def _unshifted(logits, labels):
    e = np.exp(logits)
    return (e / e.sum(1, keepdims=True) - _one_hot(logits, labels)) / len(labels)


mistake(
    softmax,
    "overflows",
    "Large scores overflow: exp(1000) is infinite, and infinity over infinity is no number.",
    "What can be subtracted from all scores of an example without changing its probabilities?",
    _unshifted,
)
mistake(
    softmax,
    "softmax_slope_twice",
    "There is an extra factor p (1 - p) in your gradient.",
    "In the derivation of p - y, is the slope of the softmax already inside?",
    lambda logits, labels: _error(logits, labels) * _softmax(logits) * (1 - _softmax(logits)) / len(labels),
)
mistake(
    softmax,
    "one_in_every_class",
    "You subtract 1, or the number of the class, from every entry.",
    "In which column of its row has an example's y a 1, and what have the others?",
    lambda logits, labels: (_softmax(logits) - 1) / len(labels),
    lambda logits, labels: (_softmax(logits) - labels[:, None]) / len(labels),
)


def _whole_columns(logits, labels):
    p = _softmax(logits)
    p[:, labels] -= 1
    return p / len(labels)


mistake(
    softmax,
    "columns_of_labels",
    "You subtract the 1 from whole columns, not from one entry of each example.",
    "`p[:, labels]` picks many entries. Which single entry belongs to example b?",
    _whole_columns,
)


def _of_squared_error(logits, labels):
    p, e = _softmax(logits), _error(logits, labels)
    return p * (e - (p * e).sum(1, keepdims=True)) / len(labels)


mistake(
    softmax,
    "other_loss",
    "This is the gradient of another loss, or with respect to the probabilities.",
    "Which function of p is the loss, and with respect to what is the gradient asked for?",
    lambda logits, labels: -_one_hot(logits, labels) / _softmax(logits) / len(labels),
    lambda logits, labels: 2 * _error(logits, labels) / len(labels),
    _of_squared_error,
)
mistake(
    softmax,
    "label_shifted",
    "The labels count from 1 in your one-hot rows, and from 0 in the data.",
    "Which column belongs to class 0?",
    lambda logits, labels: (_softmax(logits) - _one_hot(logits, labels - 1)) / len(labels),
    lambda logits, labels: (_softmax(logits) - _one_hot(logits, labels + 1)) / len(labels),
)


def _shifts_in_place(logits, labels):
    logits -= logits.max(1, keepdims=True)
    return _error(logits, labels) / len(labels)


IN_PLACE = (
    "You change an array that the caller handed in.",
    "Which of your operations work in place (`-=`, `*=`, `out=`, `[...] =`)? The caller may still need it.",
)
mistake(softmax, "mutates_arguments", *IN_PLACE, _shifts_in_place)

# ---- a linear layer: dW = h' delta, db = column sums of delta, dh = delta W'

linear = "linear_layer_backward"

mistake(
    linear,
    "divided_by_batch",
    "You divide by the number of examples here; delta has been divided by it already.",
    "delta is the gradient of the *mean* loss. Where does the 1/B come in, and how often?",
    lambda delta, W, h: (h.T @ delta / len(h), delta.mean(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta / len(h), delta.sum(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta.mean(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta / len(h), delta.mean(0), delta @ W.T / len(h)),
)
mistake(
    linear,
    "dW_transposed",
    "Your dW is transposed.",
    "dW has the shape of W. Which order of the two factors gives that shape for every layer?",
    lambda delta, W, h: (delta.T @ h, delta.sum(0), delta @ W.T),
)
mistake(
    linear,
    "dW_without_transpose",
    "Your dW multiplies h and delta without transposing h.",
    "Over which index does dW sum: the examples, the inputs or the outputs?",
    lambda delta, W, h: (h @ delta, delta.sum(0), delta @ W.T),
)
mistake(
    linear,
    "dh_without_transpose",
    "Your dh multiplies by W where its transpose belongs.",
    "delta has one column for each output, dh one for each input. Which matrix leads from the one to the other?",
    lambda delta, W, h: (h.T @ delta, delta.sum(0), delta @ W),
)
mistake(
    linear,
    "dh_transposed",
    "Your dh is transposed, or its factors stand in the wrong order.",
    "dh has the shape of h: one row for each example.",
    lambda delta, W, h: (h.T @ delta, delta.sum(0), W @ delta.T),
    lambda delta, W, h: (h.T @ delta, delta.sum(0), W @ delta),
    lambda delta, W, h: (h.T @ delta, delta.sum(0), W.T @ delta),
)
mistake(
    linear,
    "db_not_summed",
    "Your db still has a row for each example.",
    "One bias touches all examples of the batch. What happens to their slopes?",
    lambda delta, W, h: (h.T @ delta, delta, delta @ W.T),
)
mistake(
    linear,
    "db_wrong_axis",
    "Your db sums over the outputs.",
    "What shape has b, and over which axis must delta be summed to get it?",
    lambda delta, W, h: (h.T @ delta, delta.sum(1), delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta.sum(), delta @ W.T),
)
mistake(
    linear,
    "db_two_axes",
    "Your db has two axes.",
    "What shape has b? What does keepdims do?",
    lambda delta, W, h: (h.T @ delta, delta.sum(0, keepdims=True), delta @ W.T),
)
mistake(
    linear,
    "order_of_results",
    "The three results are in another order than asked for.",
    "In which order does the task name them?",
    lambda delta, W, h: (delta @ W.T, h.T @ delta, delta.sum(0)),
    lambda delta, W, h: (delta @ W.T, delta.sum(0), h.T @ delta),
    lambda delta, W, h: (delta.sum(0), h.T @ delta, delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta @ W.T, delta.sum(0)),
)
mistake(
    linear,
    "db_multiplied",
    "Your db has been multiplied by h or by the number of examples.",
    "With which slope does the output change when the bias changes?",
    lambda delta, W, h: (h.T @ delta, (h.sum(1)[:, None] * delta).sum(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta.sum(0) * len(h), delta @ W.T),
)
mistake(
    linear,
    "wrong_sign",
    "Your gradients have the wrong sign.",
    "Backward hands on slopes. Who takes the step against them?",
    lambda delta, W, h: (-h.T @ delta, -delta.sum(0), -delta @ W.T),
)


def _divides_in_place(delta, W, h):
    result = h.T @ delta, delta.sum(0), delta @ W.T
    delta /= len(h) + 1
    return result


mistake(linear, "mutates_arguments", *IN_PLACE, _divides_in_place)

# ---- relu: delta where z > 0, else 0

relu = "relu_backward"

mistake(
    relu,
    "mask_of_delta",
    "You look at the sign of delta; it is the sign of z that decides.",
    "Which units let their input through in the forward pass?",
    lambda delta, z: delta * (delta > 0),
)
mistake(
    relu,
    "no_mask",
    "delta passes through all units, if only in part: also through those that were silent.",
    "What is the slope of relu where z is negative?",
    lambda delta, z: delta * 1.0,
    lambda delta, z: np.where(z > 0, delta, 0.01 * delta),
)
mistake(
    relu,
    "value_for_slope",
    "You multiply by the value of relu, or by z, instead of the slope.",
    "relu(z) is z for positive z. What is its slope there?",
    lambda delta, z: delta * np.maximum(z, 0),
    lambda delta, z: delta * z,
)
mistake(
    relu,
    "mask_reversed",
    "Your mask is the wrong way round: it keeps the silent units.",
    "Which units let their input through?",
    lambda delta, z: delta * (z < 0),
    lambda delta, z: delta * (z <= 0),
)
mistake(
    relu,
    "slope_at_zero",
    "Your slope at z = 0 is not 0.",
    "In the chapter's formula, does z = 0 count as open or as closed?",
    lambda delta, z: delta * (z >= 0),
    lambda delta, z: delta * np.heaviside(z, 0.5),
)
mistake(
    relu,
    "mask_only",
    "You return the mask alone, without delta.",
    "What does the chain rule multiply the slope by?",
    lambda delta, z: 1.0 * (z > 0),
)
mistake(
    relu,
    "sign_of_z",
    "You multiply by the sign of z, which is -1 for silent units.",
    "What is the slope of relu where z is negative?",
    lambda delta, z: delta * np.sign(z),
)
mistake(
    relu,
    "relu_of_delta",
    "You apply relu once more, to delta.",
    "Backward is not forward again: which of the two arrays is cut?",
    lambda delta, z: np.maximum(delta * (z > 0), 0),
    lambda delta, z: np.maximum(z, 0),
)


def _cuts_in_place(delta, z):
    delta[z <= 0] = 0
    return delta


mistake(relu, "mutates_arguments", *IN_PLACE, _cuts_in_place)

# ---- the numerical gradient: (f(x + h e_i) - f(x - h e_i)) / 2h

numerical = "numerical_gradient"


def _along(quotient):
    """Component by component: ``quotient(at, h)``, where at(s) is f moved by s along the component."""
    return lambda f, x, h: np.array([quotient(lambda s, u=u: f(x + s * u), h) for u in np.eye(len(x))])


def _central(at, h):
    return (at(h) - at(-h)) / (2 * h)


mistake(
    numerical,
    "one_sided",
    "Your quotient is one-sided: its error is of the order of h.",
    "Which two points does the *central* quotient compare?",
    _along(lambda at, h: (at(h) - at(0)) / h),
    _along(lambda at, h: (at(0) - at(-h)) / h),
)
mistake(
    numerical,
    "distance_wrong",
    "You divide by the wrong distance.",
    "How far apart are the two points at which you ask for f?",
    _along(lambda at, h: (at(h) - at(-h)) / h),
    _along(lambda at, h: (at(h) - at(0)) / (2 * h)),
    _along(lambda at, h: (at(h) - at(-h)) / 2),
    _along(lambda at, h: at(h) - at(-h)),
    _along(lambda at, h: (at(h) - at(-h)) / 2 * h),
    _along(lambda at, h: (at(h / 2) - at(-h / 2)) / (2 * h)),
)
mistake(
    numerical,
    "half_step",
    "You move by h/2 to each side, not by h.",
    "In the formula, how far from x are the two points?",
    _along(lambda at, h: (at(h / 2) - at(-h / 2)) / h),
)
mistake(
    numerical,
    "wrong_sign",
    "Your gradient has the wrong sign.",
    "Which of the two values comes first?",
    _along(lambda at, h: -_central(at, h)),
)
mistake(
    numerical,
    "plus_for_minus",
    "You add the two values of f instead of comparing them.",
    "A slope is made of a difference. Of what?",
    _along(lambda at, h: (at(h) + at(-h)) / (2 * h)),
)
mistake(
    numerical,
    "all_at_once",
    "You move all components at once.",
    "For the slope along one parameter, what must the others do?",
    lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h) * np.ones_like(x),
    lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h),
)


def _in_place(second_move, restore, on_copy):
    """Moves x itself: up by h, then by ``second_move`` h, and back by ``restore`` h."""

    def specimen(f, x, h):
        x, slopes = x.copy() if on_copy else x, []
        for i in range(len(x)):
            x[i] += h
            up = f(x)
            x[i] += second_move * h
            slopes.append((up - f(x)) / (2 * h))
            x[i] += restore * h
        return np.array(slopes)

    return specimen


mistake(
    numerical,
    "not_restored",
    "You do not put a component back before you move the next one.",
    "At which point is f asked when the second component's turn comes?",
    _in_place(-2, 0, on_copy=True),
    _in_place(-2, 0, on_copy=False),
    _in_place(-2, -1, on_copy=True),
    _in_place(-1, 1, on_copy=True),
)


def _leaves_x_elsewhere(f, x, h):
    slopes = _along(_central)(f, x, h)
    x -= h
    return slopes


mistake(
    numerical,
    "mutates_arguments",
    "Afterwards the caller's x is not what it was.",
    "You move x in place. Do you move it back, or work on a copy?",
    _leaves_x_elsewhere,
)
mistake(
    numerical,
    "ignores_h",
    "Your function takes `h`, but nothing changes when it changes.",
    "Does a number stand where h should?",
    _along(lambda at, h: _central(at, 1e-5)),
)

# ---- minibatches


def _deal(orders, batch_size):
    return [order[i : i + batch_size] for order in orders for i in range(0, len(order), batch_size)]


def _each_epoch(draw):
    """Batches of one epoch after the other, dealt out of the order ``draw(rng, n, batch_size)``."""

    def specimen(n, batch_size, epochs, seed):
        rng = np.random.default_rng(seed)
        return _deal([draw(rng, n, batch_size) for _ in range(epochs)], batch_size)

    return specimen


def _groups(n, batch_size):
    return _deal([np.arange(n)], batch_size)


mistake(
    "minibatches",
    "not_shuffled",
    "Your batches are dealt out in the order of the data.",
    "What if the first half of the images shows only zeros?",
    _each_epoch(lambda rng, n, batch_size: np.arange(n)),
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


noise = "minibatch_noise"

mistake(
    noise,
    "ignores_batch_size",
    "Your noise does not fall with the batch size.",
    "In the double sum over the batch, how many of the terms are left, and by what is their sum divided?",
    _noise(batch=lambda B: 1),
)
mistake(
    noise,
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
    noise,
    "divided_by_examples",
    "You divide by the number of all examples instead of the batch size.",
    "The larger the batch, the smaller the noise. Does your result change with the batch size?",
    _noise(lambda d: (d**2).sum(1).mean() / len(d), lambda B: 1),
)
mistake(
    noise,
    "batch_size_squared",
    "Your noise falls with the square of the batch size.",
    "The mean has a factor 1/B, its square 1/B^2. How many terms does the sum have?",
    _noise(batch=lambda B: B**2),
)
mistake(
    noise,
    "without_replacement",
    "Your formula is that of drawing without replacement: it has the finite-population correction.",
    "Here the draws are independent. What becomes of the mixed terms?",
    lambda gradients, B: _noise()(gradients, B) * (len(gradients) - B) / (len(gradients) - 1),
)
mistake(
    noise,
    "n_minus_1",
    "You divide by N - 1: that estimates a variance from a sample.",
    "Here the N gradients are all there are. By what is sigma^2 divided in the chapter?",
    _noise(lambda d: (d**2).sum() / (len(d) - 1)),
)
mistake(
    noise,
    "mean_not_subtracted",
    "You average the squared gradients themselves: their mean is not subtracted.",
    "If all examples had the same gradient, how large would the noise be?",
    _noise(centre=lambda gradients: 0.0),
)
mistake(
    noise,
    "averaged_over_parameters",
    "You average over the parameters; the squared length of a vector is a sum.",
    "What is |d|^2 for a vector d with n entries?",
    _noise(lambda d: (d**2).mean()),
)
mistake(
    noise,
    "summed_over_examples",
    "You sum over the examples where sigma^2 is a mean.",
    "How likely is it that a draw picks example i?",
    _noise(lambda d: (d**2).sum()),
)
mistake(
    noise,
    "wrong_axis",
    "You subtract a mean over the parameters, not one over the examples.",
    "Along which axis do the examples lie, and of what is g the mean?",
    _noise(centre=lambda gradients: gradients.mean(1, keepdims=True)),
    _noise(centre=lambda gradients: gradients.mean()),
)
mistake(
    noise,
    "multiplied",
    "Your noise grows with the batch size.",
    "Do more examples make more noise?",
    _noise(batch=lambda B: 1 / B),
)
mistake(
    noise,
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
