"""Known mistakes of the backward pass: softmax with cross-entropy, linear layers, relu, and of the
numerical gradient."""

import numpy as np

from course_utils.checks.zoo import words
from course_utils.checks.zoo.registry import mistake

# ---- softmax and cross-entropy: (p - y) / B


def _softmax(logits, axis=1):
    shifted = np.exp(logits - logits.max(axis, keepdims=True))
    return shifted / shifted.sum(axis, keepdims=True)


def _one_hot(logits, labels):
    return np.eye(logits.shape[1])[labels % logits.shape[1]]


def _error(logits, labels):
    return _softmax(logits) - _one_hot(logits, labels)


SOFTMAX = "softmax_cross_entropy_gradient"

mistake(
    SOFTMAX,
    "not_divided_by_batch",
    "Your gradient is that of the sum of the losses, not of their mean.",
    "Twice the same batch: should the gradient double?",
    _error,
)
mistake(
    SOFTMAX,
    "labels_unused",
    "The true labels do not appear in your gradient: it is made of the probabilities alone.",
    "What should the gradient be when the network is certain and right?",
    lambda logits, labels: _softmax(logits) / len(labels),
    lambda logits, labels: _softmax(logits),
)
mistake(
    SOFTMAX,
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
    SOFTMAX,
    "softmax_over_examples",
    "Your softmax runs over the examples of the batch, too, or instead of the classes.",
    "Which numbers must add up to 1: a row, a column, or all of the probabilities?",
    lambda logits, labels: (_softmax(logits, axis=0) - _one_hot(logits, labels)) / len(labels),
    lambda logits, labels: (_softmax_of_all(logits) - _one_hot(logits, labels)) / len(labels),
)
mistake(
    SOFTMAX,
    "no_softmax",
    "You subtract the labels from the scores themselves: the softmax is missing.",
    "What turns scores into probabilities?",
    lambda logits, labels: (logits - _one_hot(logits, labels)) / len(labels),
)
mistake(
    SOFTMAX,
    "squashed_alone",
    "Each score is squashed alone, by a sigmoid: the probabilities of an example must add up to 1.",
    "On which scores does the probability of one class depend?",
    lambda logits, labels: (1 / (1 + np.exp(-logits)) - _one_hot(logits, labels)) / len(labels),
    lambda logits, labels: ((1 + np.tanh(logits / 2)) / 2 - _one_hot(logits, labels)) / len(labels),
)
mistake(
    SOFTMAX,
    "divided_by_a_number",
    "You divide by a number that is the same for every batch.",
    "How many examples has a batch, and where can your function read it?",
    *[lambda logits, labels, B=B: _error(logits, labels) / B for B in (2, 3, 5, 8, 10, 16, 32, 50, 64, 100, 128, 256)],
)
mistake(
    SOFTMAX,
    "divided_by_classes",
    "You divide by the number of classes, or of all entries.",
    "Over what is the loss a mean?",
    lambda logits, labels: _error(logits, labels) / logits.shape[1],
    lambda logits, labels: _error(logits, labels) / logits.size,
)
mistake(
    SOFTMAX,
    "transposed",
    "Your gradient is transposed.",
    "The gradient has the shape of the logits: what is a row of it, an example or a class?",
    lambda logits, labels: _error(logits, labels).T / len(labels),
)


def _unshifted(logits, labels):
    e = np.exp(logits)
    return (e / e.sum(1, keepdims=True) - _one_hot(logits, labels)) / len(labels)


mistake(
    SOFTMAX,
    "overflows",
    "Large scores overflow: exp(1000) is infinite, and infinity over infinity is no number.",
    "What can be subtracted from all scores of an example without changing its probabilities?",
    _unshifted,
)


def _shifted_by_mean(logits, labels):
    return _unshifted(logits - logits.mean(1, keepdims=True), labels)


mistake(
    SOFTMAX,
    "shifted_by_mean",
    "You take off the mean of the scores, and exp still overflows where one score lies far above the others.",
    "Which number has to be taken off so that no exponent is above 0?",
    _shifted_by_mean,
)
mistake(
    SOFTMAX,
    "softmax_slope_twice",
    "There is an extra factor p (1 - p) in your gradient.",
    "In the derivation of p - y, is the slope of the softmax already inside?",
    lambda logits, labels: _error(logits, labels) * _softmax(logits) * (1 - _softmax(logits)) / len(labels),
)
mistake(
    SOFTMAX,
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
    SOFTMAX,
    "columns_of_labels",
    "You subtract the 1 from whole columns, not from one entry of each example.",
    "`p[:, labels]` picks many entries. Which single entry belongs to example b?",
    _whole_columns,
)


def _of_squared_error(logits, labels):
    p, e = _softmax(logits), _error(logits, labels)
    return p * (e - (p * e).sum(1, keepdims=True)) / len(labels)


mistake(
    SOFTMAX,
    "other_loss",
    "This is the gradient of another loss, or with respect to the probabilities.",
    "Which function of p is the loss, and with respect to what is the gradient asked for?",
    lambda logits, labels: -_one_hot(logits, labels) / _softmax(logits) / len(labels),
    lambda logits, labels: 2 * _error(logits, labels) / len(labels),
    _of_squared_error,
)
mistake(
    SOFTMAX,
    "label_shifted",
    "The labels count from 1 in your one-hot rows, and from 0 in the data.",
    "Which column belongs to class 0?",
    lambda logits, labels: (_softmax(logits) - _one_hot(logits, labels - 1)) / len(labels),
    lambda logits, labels: (_softmax(logits) - _one_hot(logits, labels + 1)) / len(labels),
)


def _shifts_in_place(logits, labels):
    logits -= logits.max(1, keepdims=True)
    return _error(logits, labels) / len(labels)


mistake(SOFTMAX, "mutates_arguments", *words.IN_PLACE, _shifts_in_place)

# ---- a linear layer: dW = h' delta, db = column sums of delta, dh = delta W'

LINEAR = "linear_layer_backward"

mistake(
    LINEAR,
    "divided_by_batch",
    "You divide by the number of examples here; delta has been divided by it already.",
    "delta is the gradient of the *mean* loss. Where does the 1/B come in, and how often?",
    lambda delta, W, h: (h.T @ delta / len(h), delta.mean(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta / len(h), delta.sum(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta.mean(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta / len(h), delta.mean(0), delta @ W.T / len(h)),
)
mistake(
    LINEAR,
    "divided_by_outputs",
    "You divide by the number of outputs; no mean over them is asked for.",
    "Over which axis is delta summed to get db, and by what is the sum divided?",
    lambda delta, W, h: (h.T @ delta, delta.sum(0) / delta.shape[1], delta @ W.T),
    lambda delta, W, h: (h.T @ delta / delta.shape[1], delta.sum(0) / delta.shape[1], delta @ W.T),
)
mistake(
    LINEAR,
    "dW_transposed",
    "Your dW is transposed.",
    "dW has the shape of W. Which order of the two factors gives that shape for every layer?",
    lambda delta, W, h: (delta.T @ h, delta.sum(0), delta @ W.T),
)
mistake(
    LINEAR,
    "dW_without_transpose",
    "Your dW multiplies h and delta without transposing h.",
    "Over which index does dW sum: the examples, the inputs or the outputs?",
    lambda delta, W, h: (h @ delta, delta.sum(0), delta @ W.T),
)
mistake(
    LINEAR,
    "dh_without_transpose",
    "Your dh multiplies by W where its transpose belongs.",
    "delta has one column for each output, dh one for each input. Which matrix leads from the one to the other?",
    lambda delta, W, h: (h.T @ delta, delta.sum(0), delta @ W),
)
mistake(
    LINEAR,
    "dh_transposed",
    "Your dh is transposed, or its factors stand in the wrong order.",
    "dh has the shape of h: one row for each example.",
    lambda delta, W, h: (h.T @ delta, delta.sum(0), W @ delta.T),
    lambda delta, W, h: (h.T @ delta, delta.sum(0), W @ delta),
    lambda delta, W, h: (h.T @ delta, delta.sum(0), W.T @ delta),
)
mistake(
    LINEAR,
    "db_not_summed",
    "Your db still has a row for each example.",
    "One bias touches all examples of the batch. What happens to their slopes?",
    lambda delta, W, h: (h.T @ delta, delta, delta @ W.T),
)
mistake(
    LINEAR,
    "db_wrong_axis",
    "Your db sums over the outputs.",
    "What shape has b, and over which axis must delta be summed to get it?",
    lambda delta, W, h: (h.T @ delta, delta.sum(1), delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta.sum(), delta @ W.T),
)
mistake(
    LINEAR,
    "db_two_axes",
    "Your db has two axes.",
    "What shape has b? What does keepdims do?",
    lambda delta, W, h: (h.T @ delta, delta.sum(0, keepdims=True), delta @ W.T),
)
mistake(
    LINEAR,
    "order_of_results",
    "The three results are in another order than asked for.",
    "In which order does the task name them?",
    lambda delta, W, h: (delta @ W.T, h.T @ delta, delta.sum(0)),
    lambda delta, W, h: (delta @ W.T, delta.sum(0), h.T @ delta),
    lambda delta, W, h: (delta.sum(0), h.T @ delta, delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta @ W.T, delta.sum(0)),
)
mistake(
    LINEAR,
    "db_multiplied",
    "Your db has been multiplied by h or by the number of examples.",
    "With which slope does the output change when the bias changes?",
    lambda delta, W, h: (h.T @ delta, (h.sum(1)[:, None] * delta).sum(0), delta @ W.T),
    lambda delta, W, h: (h.T @ delta, delta.sum(0) * len(h), delta @ W.T),
)
mistake(
    LINEAR,
    "wrong_sign",
    "Your gradients have the wrong sign.",
    "Backward hands on slopes. Who takes the step against them?",
    lambda delta, W, h: (-h.T @ delta, -delta.sum(0), -delta @ W.T),
)


def _divides_in_place(delta, W, h):
    result = h.T @ delta, delta.sum(0), delta @ W.T
    delta /= len(h) + 1
    return result


mistake(LINEAR, "mutates_arguments", *words.IN_PLACE, _divides_in_place)

# ---- relu: delta where z > 0, else 0

RELU = "relu_backward"

mistake(
    RELU,
    "mask_of_delta",
    "You look at the sign of delta; it is the sign of z that decides.",
    "Which units let their input through in the forward pass?",
    lambda delta, z: delta * (delta > 0),
)
mistake(
    RELU,
    "no_mask",
    "delta passes through all units, if only in part: also through those that were silent.",
    "What is the slope of relu where z is negative?",
    lambda delta, z: delta * 1.0,
    lambda delta, z: np.where(z > 0, delta, 0.01 * delta),
)
mistake(
    RELU,
    "value_for_slope",
    "You multiply by the value of relu, or by z, instead of the slope.",
    "relu(z) is z for positive z. What is its slope there?",
    lambda delta, z: delta * np.maximum(z, 0),
    lambda delta, z: delta * z,
)
mistake(
    RELU,
    "mask_reversed",
    "Your mask is the wrong way round: it keeps the silent units.",
    "Which units let their input through?",
    lambda delta, z: delta * (z < 0),
    lambda delta, z: delta * (z <= 0),
)
mistake(
    RELU,
    "slope_at_zero",
    "Your slope at z = 0 is not 0.",
    "In the chapter's formula, does z = 0 count as open or as closed?",
    lambda delta, z: delta * (z >= 0),
    lambda delta, z: delta * np.heaviside(z, 0.5),
)
mistake(
    RELU,
    "mask_only",
    "You return the mask alone, without delta.",
    "What does the chain rule multiply the slope by?",
    lambda delta, z: 1.0 * (z > 0),
)
mistake(
    RELU,
    "sign_of_z",
    "You multiply by the sign of z, which is -1 for silent units.",
    "What is the slope of relu where z is negative?",
    lambda delta, z: delta * np.sign(z),
)
mistake(
    RELU,
    "relu_of_delta",
    "You apply relu once more, to delta.",
    "Backward is not forward again: which of the two arrays is cut?",
    lambda delta, z: np.maximum(delta * (z > 0), 0),
    lambda delta, z: np.maximum(z, 0),
)


def _cuts_in_place(delta, z):
    delta[z <= 0] = 0
    return delta


mistake(RELU, "mutates_arguments", *words.IN_PLACE, _cuts_in_place)

# ---- the numerical gradient: (f(x + h e_i) - f(x - h e_i)) / 2h

NUMERICAL = "numerical_gradient"


def _along(quotient):
    """Component by component: ``quotient(at, h)``, where at(s) is f moved by s along the component."""
    return lambda f, x, h: np.array([quotient(lambda s, u=u: f(x + s * u), h) for u in np.eye(len(x))])


def _central(at, h):
    return (at(h) - at(-h)) / (2 * h)


mistake(
    NUMERICAL,
    "one_sided",
    "Your quotient is one-sided: its error is of the order of h.",
    "Which two points does the *central* quotient compare?",
    _along(lambda at, h: (at(h) - at(0)) / h),
    _along(lambda at, h: (at(0) - at(-h)) / h),
)
mistake(
    NUMERICAL,
    "more_points",
    "Your quotient is more exact than the one that the task gives: it asks f at more than two points, or at two that "
    "lie nearer than `h`.",
    "Which two points does the task's formula ask f at?",
    _along(lambda at, h: (8 * (at(h) - at(-h)) - at(2 * h) + at(-2 * h)) / (12 * h)),
)
mistake(
    NUMERICAL,
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
    NUMERICAL,
    "half_step",
    "You move by h/2 to each side, not by h.",
    "In the formula, how far from x are the two points?",
    _along(lambda at, h: (at(h / 2) - at(-h / 2)) / h),
)
mistake(
    NUMERICAL,
    "wrong_sign",
    "Your gradient has the wrong sign.",
    "Which of the two values comes first?",
    _along(lambda at, h: -_central(at, h)),
)
mistake(
    NUMERICAL,
    "plus_for_minus",
    "You add the two values of f instead of comparing them.",
    "A slope is made of a difference. Of what?",
    _along(lambda at, h: (at(h) + at(-h)) / (2 * h)),
)
mistake(
    NUMERICAL,
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
    NUMERICAL,
    "not_restored",
    "You do not put a component back before you move the next one.",
    "At which point is f asked when the second component's turn comes?",
    _in_place(-2, 0, on_copy=True),
    _in_place(-2, 0, on_copy=False),
    _in_place(-2, -1, on_copy=True),
    _in_place(-1, 1, on_copy=True),
    lambda f, x, h: np.array([(f(x + e) - f(x - e)) / (2 * h) for e in h * np.tri(len(x))]),
)


def _leaves_x_elsewhere(f, x, h):
    slopes = _along(_central)(f, x, h)
    x -= h
    return slopes


mistake(
    NUMERICAL,
    "mutates_arguments",
    "Afterwards the caller's x is not what it was.",
    "You move x in place. Do you move it back, or work on a copy?",
    _leaves_x_elsewhere,
)
mistake(
    NUMERICAL,
    "ignores_h",
    "Your function takes `h`, but nothing changes when it changes.",
    "Does a number stand where h should?",
    _along(lambda at, h: _central(at, 1e-5)),
)
mistake(
    NUMERICAL,
    "h_overwritten",
    "You move by `h`, but you divide by another number than 2h.",
    "Is `h` set anew in your function, or does a number stand in its place?",
    *[_along(lambda at, h, other=other: (at(h) - at(-h)) / (2 * other)) for other in (1e-5, 1e-3, 1e-4, 1e-6)],
)
