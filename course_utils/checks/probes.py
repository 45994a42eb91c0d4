"""How a task is put to a candidate, and what its answers give away.

A *probe* is a generator function: it calls the candidate and yields ``(label, answer)`` pairs, each answer a float64
array. The right solution, the candidate and every known mistake of the zoo go through the same probes, so one
comparison of arrays tells whether the candidate is right and, if not, which mistake it behaves like.
The candidate is a black box: its first call gets no state, later calls get whatever state came out before.
"""

from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from course_utils.checks import variants  # noqa: F401, it watches the notebook, wherever a check is made
from course_utils.checks.guard import Caller, Stop, array

# Float32 inside is fine: 1 - 0.999 is off by 1e-5 there, and thirty steps add to it. The mistakes show far above this,
# because the probes exaggerate them.
TOLERANCE = 2e-4


@dataclass
class Behaviour:
    """How one candidate answered: label -> array. ``stop`` is set when it could not be examined to the end."""

    answers: dict = field(default_factory=dict)
    stop: Stop | None = None
    mutated: bool = False  # it changed one of its arguments
    spoils_state: bool = False  # it changed an array of the state that it was given


def observe(task, candidate):
    """The :class:`Behaviour` of ``candidate`` in the probes of ``task``. Raises nothing but what the guard raises."""
    behaviour = Behaviour()
    try:
        caller = Caller(task.name, candidate)
        for label, answer in task.probe(caller, task):
            behaviour.answers[label] = answer
            behaviour.mutated, behaviour.spoils_state = caller.mutated, caller.spoils_state
    except Stop as stop:
        behaviour.stop = stop
    return behaviour


def first(task, candidate):
    """What the candidate answers to the first probe alone; None if it cannot."""
    try:
        return next(iter(task.probe(Caller(task.name, candidate), task)))[1]
    except Stop:
        return None


def same(answer, expected):
    """Equal within the tolerance, a column at a time: a tiny component is judged by its own size."""
    if answer.shape != expected.shape:
        return False
    with np.errstate(invalid="ignore"):
        size = np.abs(np.where(np.isfinite(expected), expected, 0))
        size = size.max(axis=0, initial=0) if expected.ndim else size
        close = np.abs(answer - expected) <= TOLERANCE * size + 1e-13
    return bool((close | (answer == expected) | (np.isnan(answer) & np.isnan(expected))).all())


# ---- update rules

# the labels of their probes: verdict.py chooses its words by them
ORDINARILY = "ordinary gradients"
TINY_LR = "a tiny lr"
CHANGING_LR = "lr changed during the run"
EXTREMELY = "zero, tiny and huge components"
THIRTY_STEPS = "thirty steps"
SECOND_RUN = "a second run"
IN_TURN_FIRST = "two parameters in turn, the first"
IN_TURN_SECOND = "two parameters in turn, the second"
ONE_ARRAY = "one array for all gradients"
SEVEN_COMPONENTS = "seven components"
CONSTANT = "a gradient that stays the same for 400 steps: is every update finite?"


def alone(hyper):
    """The label of the probe in which only the hyperparameter of this name differs from the first probe."""
    return f"{hyper} alone changed"


STEPS = 8
SEED = None  # what the probes' numbers are drawn from; draw() sets it


def draw(seed=None):
    """Draw the numbers of all probes: the same for every learner, but anew from ``seed`` when grading.

    So a table of the answers to what a learner can see is worth nothing. seed: an int that a submission cannot know.
    """
    global SEED, ORDINARY, OTHER, EXTREME, LONG, SEVEN
    SEED = seed
    rng = generator(4)
    ORDINARY = rng.uniform(0.3, 2.0, (STEPS, 4)) * rng.choice([-1.0, 1.0], (STEPS, 4)) * [1.0, 0.3, 3.0, 1.0]
    OTHER = rng.uniform(0.3, 2.0, (5, 4)) * [-2.0, 1.0, 0.1, -1.0]
    # one component always zero, one tiny, one huge, one that sleeps every other step
    EXTREME = (
        rng.uniform(0.5, 2.0, (STEPS, 4)) * [0.0, 1e-7, 3e4, 1.0] * np.where(np.arange(STEPS) % 2, -1.0, 1.0)[:, None]
    )
    EXTREME[1::2, 3] = 0.0
    # a plateau after a slope, long enough for what changes slowly
    LONG = varied(np.where(np.arange(30)[:, None] < 12, [3.0, -0.5, 1.0, 0.7], [0.1, 0.2, -0.3, 0.1]), 5)
    SEVEN = varied(np.linspace(-2, 3, 21).reshape(3, 7), 6)


def generator(number):
    """A source of random numbers for the probe ``number``."""
    return np.random.default_rng(number if SEED is None else [number, SEED])


def varied(values, number):
    """``values``, a number or an array; when grading, times one factor between 0.9 and 1: signs and order stay."""
    return values if SEED is None else values * generator(number).uniform(0.9, 1)


def more(number, most):
    """0; when grading, a whole number up to ``most``."""
    return 0 if SEED is None else int(generator(number).integers(most + 1))


def redrawn(case, number):
    """The arguments ``case`` of one call; when grading, others of the same kind.

    Floats between 0 and 1 stay there, other floats and arrays of floats shrink by at most a tenth, with the signs and
    the order they have; whole numbers from 4 on grow by at most an eighth, and by 1 at least half of the time.
    """
    if SEED is None:
        return case
    rng = generator(1000 + number)

    def other(value):
        if isinstance(value, (float, np.floating)) and 0 < value < 1:
            return float(1 / (1 + (1 / value - 1) * np.exp(rng.uniform(-0.2, 0.2))))
        if isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
            return value * rng.uniform(0.9, 1)
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 4:
            return int(value + rng.integers(max(1, value // 8) + 1))
        if isinstance(value, list) and value and all(isinstance(entry, float) for entry in value):
            factor = rng.uniform(0.9, 1)
            return [entry * factor for entry in value]
        return value

    return tuple(other(value) for value in case)


draw()
LR_CHANGED = np.where(np.arange(STEPS) < 4, 1.0, 0.2)

ALONE = {"lr": 3.7, "beta": 0.6, "beta1": 0.7, "beta2": 0.9, "eps": 1.0, "nu": 0.4}  # each of them varied alone


def updates(call, gradients, lr=None, *, reuse=False, **hyper):
    """One run: the updates for one gradient after the other, shape (steps, n). ``lr``: one for each step, or one."""
    buffer, state, run = np.empty(gradients.shape[1]), (), []
    lrs = np.broadcast_to(lr, len(gradients))
    for k, g in enumerate(gradients):
        if reuse:
            buffer[...] = g
        else:
            buffer = g.copy()
        update, *state = one_update(call, buffer, state, k, lr=float(lrs[k]), **hyper)
        run.append(update)
        if reuse:
            buffer[...] = 12345.0
    return np.array(run)


def one_update(call, g, state, k, **hyper):
    """One call with what came out of the last one; the update as an array of its own, and the state as it came."""
    result = call(g, *state, watch=[0], **hyper)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        if result is None:
            raise Stop("returns_none", f"{call.name} returns None. Is the return missing, or not reached?")
        got = f"{len(result)} things" if isinstance(result, (tuple, list)) else f"one thing ({type(result).__name__})"
        raise Stop(
            "not_a_pair", f"{call.name} should return two things, the update and the new state; it returns {got}."
        )
    update, state = result
    if isinstance(update, (tuple, list, dict)) and not np.shape(g) == _shape(update):
        raise Stop(
            "swapped_return",
            f"The first of the two things that {call.name} returns is a {type(update).__name__}, not an update. "
            "Are update and state returned in the right order?",
        )
    what = f"The update of step {k + 1}"
    update = array(update, what)
    if update.shape != g.shape:
        shown = f"has shape {update.shape}" if update.ndim else "is a single number"
        if update.shape == (1, *g.shape):
            hint = "Is an entry of the state used with the tuple still around it? `(v,) = state` takes it out."
            raise Stop("wrong_shape", f"{what} {shown}, and the gradient has shape {g.shape}. {hint}")
        raise Stop(
            "wrong_shape",
            f"{what} {shown}, and the gradient has shape {g.shape}. "
            "Every component needs its own step: is there a sum, a norm or a product too many?",
        )
    return update, state


def _shape(value):
    try:
        return np.shape(value)
    except Exception:
        return None


def rule_probe(call, task):
    """The probes of every update rule, about a hundred calls. The first one is the gentlest."""
    hyper = task.hyper
    yield ORDINARILY, updates(call, ORDINARY, **hyper)
    for name in hyper:
        yield alone(name), updates(call, ORDINARY[:5], **(hyper | {name: ALONE[name]}))
    yield TINY_LR, updates(call, ORDINARY[:3], **(hyper | {"lr": 1e-6}))
    yield CHANGING_LR, updates(call, ORDINARY, **(hyper | {"lr": hyper["lr"] * LR_CHANGED}))
    yield EXTREMELY, updates(call, EXTREME, **hyper)
    yield THIRTY_STEPS, updates(call, LONG, **hyper)
    yield SECOND_RUN, updates(call, ORDINARY[:5], **hyper)

    both, states = ([], []), [(), ()]
    for k in range(5):
        for i, gradients in enumerate((ORDINARY, OTHER)):
            update, *states[i] = one_update(call, gradients[k].copy(), states[i], k, **hyper)
            both[i].append(update)
    yield IN_TURN_FIRST, np.array(both[0])
    yield IN_TURN_SECOND, np.array(both[1])

    yield ONE_ARRAY, updates(call, ORDINARY[:5], reuse=True, **hyper)
    yield SEVEN_COMPONENTS, updates(call, SEVEN, **hyper)
    if task.name == "centred_rmsprop":  # its variance becomes 0, but for rounding: how large it is cannot be compared
        steady = updates(call, np.tile([3.3, -0.7, 1.9, 0.1, 5.7, -2.3, 0.6, 7.1], (400, 1)), **(hyper | {"beta": 0.9}))
        yield CONSTANT, np.array(float(np.isfinite(steady).all()))


def habit(task, behaviour):
    """The slug of a bad habit that shows whatever the formula: found by comparing the candidate with itself."""
    answers = behaviour.answers
    if behaviour.mutated:
        return "mutates_arguments"
    if not task.is_rule or ONE_ARRAY not in answers:
        return None
    run = answers[ORDINARILY][:5]
    if not same(answers[SECOND_RUN], run):
        return "state_shared_between_runs"
    if not same(answers[IN_TURN_FIRST], run):
        return "state_shared_between_parameters"
    if not same(answers[ONE_ARRAY], run):
        return "keeps_the_gradient"
    for name in task.hyper:
        if same(answers[alone(name)], run) and np.isfinite(run).all():
            return f"ignores_{name}"
    return None


# ---- backprop


def softmax_probe(call, task):
    rng = generator(1)
    for examples, classes in ((4, 4), (6, 3), (1, 5)):
        logits, labels = rng.normal(size=(examples, classes)), rng.permutation(examples) % classes
        yield (
            f"{examples} examples of {classes} classes",
            array(call(logits, labels, watch=[0, 1]), "The gradient"),
        )
    # in the last row a score is far above the mean of its row, too
    logits = np.array([[1000.0, 1001.0, 998.0, 999.0], [-1000.0, -1000.5, -1001.0, -1002.0], [1100.0, 0.0, 0.0, 0.0]])
    answer = call(varied(logits, 7), np.array([2, 0, 1]), watch=[0])
    yield "logits of 1000 and of -1000", array(answer, "The gradient")


def linear_probe(call, task):
    rng = generator(2)
    for shape in ((3, 3, 3), (5, 4, 2), (1, 2, 3)):
        examples, inputs, outputs = shape
        delta, W, h = (rng.normal(size=s) for s in ((examples, outputs), (inputs, outputs), (examples, inputs)))
        result = call(delta, W, h, watch=[0, 1, 2])
        if not isinstance(result, (tuple, list)) or len(result) != 3:
            raise Stop("not_three", f"{call.name} should return three things, in this order: dW, db, dh.")
        for name, part in zip(("dW", "db", "dh"), result, strict=True):
            label = f"{name} for {examples} examples, {inputs} inputs and {outputs} outputs"
            yield label, array(part, name)


def relu_probe(call, task):
    delta = varied(np.array([[1.5, -2.0, 0.5, -1.0, 3.0, -0.7]]), 8)
    z = varied(np.array([[0.3, 2.0, -0.5, -3.0, 0.0, 0.0]]), 9)
    yield "delta and z of both signs, and z = 0", array(call(delta, z, watch=[0, 1]), "The gradient")
    # a second time with delta scaled: backprop is linear in it
    yield (
        "ten times that delta, two rows",
        array(call(np.vstack([10 * delta, delta]), np.vstack([z, z[:, ::-1]]), watch=[0, 1]), "The gradient"),
    )


def numerical_probe(call, task):
    def cubic(x):
        x = np.asarray(x, dtype=float)
        return float((x**3).sum() + 2 * x[0] * x[-1])

    x = varied(np.array([1.0, -0.5, 2.0, 0.3]), 10)
    for h in (0.1, 0.02):
        yield f"x^3 with h = {h}", array(call(cubic, x.copy(), h=h, watch=[1]), "The gradient")
    yield (
        "exp, h = 1e-5",
        array(call(lambda x: float(np.exp(np.asarray(x) / 2).sum()), x.copy(), h=1e-5, watch=[1]), "The gradient"),
    )


# ---- minibatches, schedules, noise, staleness


def minibatch_probe(call, task):
    def batches(n, batch_size, epochs, seed):
        result = call(n, batch_size, epochs=epochs, seed=seed)
        if result is None:
            raise Stop("returns_none", f"{call.name} returns None, where a list of index arrays is needed.")
        limit = 10 * epochs * (n // batch_size + 2)
        try:
            result = list(islice(iter(result), limit + 1))
        except Exception as error:  # it may be a generator, which fails only now
            raise Stop("raises", f"Your batches cannot be read: {type(error).__name__}: {error}.") from None
        if len(result) > limit:
            raise Stop("too_many_batches", f"There are more than {limit} batches for n = {n}. What ends the epochs?")
        return [np.atleast_1d(array(batch, f"Batch {i + 1}")).ravel() for i, batch in enumerate(result)]

    tenth, seed = 10 + more(11, 5), more(12, 1000)
    for n, batch_size, epochs in ((10 * tenth, tenth, 3), (10, 4, 2), (5 + more(14, 2), 8, 2)):
        drawn = batches(n, batch_size, epochs, seed=seed)
        flat = np.concatenate([*drawn, np.empty(0)])
        label = f"n = {n}, batch_size = {batch_size}, epochs = {epochs}: "
        yield label + "the sizes of the batches", np.array([len(batch) for batch in drawn], dtype=float)
        valid = (flat >= 0) & (flat < n) & (flat == flat.round())
        yield label + "is every index a whole number from 0 to n - 1?", np.array(float(valid.all()))
        whole = len(flat) == n * epochs and valid.all()
        by_epoch = flat.reshape(epochs, n) if whole else np.empty((0, n))
        once = whole and all(len(set(order)) == n for order in by_epoch)
        yield label + "is each example used exactly once in every epoch?", np.array(float(once))
        if batch_size == tenth:
            overall = whole and (np.bincount(flat.astype(int), minlength=n) == epochs).all()
            yield label + "is each example used equally often in all epochs together?", np.array(float(overall))
            in_order = (flat[:n] == np.arange(len(flat[:n]))).all()
            yield label + "are the examples dealt out in their order?", np.array(float(in_order))
            steady = any(len(set(np.diff(order) % n)) == 1 for order in by_epoch)
            yield label + "is every epoch shuffled, and more than rotated?", np.array(float(not steady))
            runs = all(len(batch) > 1 and (np.diff(batch) == 1).all() for batch in drawn)
            yield label + "is every batch a run of neighbours?", np.array(float(runs))
            increasing = all((np.diff(batch) > 0).all() for batch in drawn)
            yield label + "is every batch in increasing order?", np.array(float(increasing))
            groups = [{frozenset(batch) for batch in drawn[e * 10 : e * 10 + 10]} for e in range(epochs)]
            same_groups = epochs * 10 == len(drawn) and all(group == groups[0] for group in groups)
            yield label + "do the same examples meet in a batch in every epoch?", np.array(float(same_groups))
            same_order = once and all((order == by_epoch[0]).all() for order in by_epoch)
            yield label + "is the order the same in every epoch?", np.array(float(same_order))
            for other, question in (
                (seed, "does the same seed give the same batches?"),
                (seed + 1, "does another seed?"),
            ):
                again = np.concatenate([*batches(n, batch_size, epochs, seed=other), np.empty(0)])
                yield label + question, np.array(float(np.array_equal(flat, again)))


def step_decay_probe(call, task):
    for every, factor in ((3, varied(0.5, 15)), (4, varied(0.1, 16)), (1, varied(0.9, 17))):
        factors = [array(call(k, every=every, factor=factor), f"The factor of step {k}") for k in range(11)]
        if any(f.size != 1 for f in factors):
            raise Stop("wrong_shape", "The factor of one step should be one number.")
        yield f"steps 0 to 10 with every = {every}, factor = {factor:.3g}", np.array([float(f.item()) for f in factors])


def warm_restarts_probe(call, task):
    for period, growth, lowest in (
        (3, 2, varied(0.1, 21)),
        (4, 1, varied(0.02, 22)),
        (2, 3, 0.0),
        (6, 2, varied(0.5, 23)),
    ):
        factors = [
            array(call(k, period=period, growth=growth, lowest=lowest), f"The factor of step {k}") for k in range(24)
        ]
        if any(f.size != 1 for f in factors):
            raise Stop("wrong_shape", "The factor of one step should be one number.")
        label = f"steps 0 to 23 with period = {period}, growth = {growth}, lowest = {lowest:.3g}"
        yield label, np.array([float(f.item()) for f in factors])


def delay_compensated_probe(call, task):
    rng = generator(24)
    for size, lr, lam in ((4, 0.1, 0.5), (4, 0.02, 2.0), (7, 0.5, 0.1)):
        g, now, read = rng.normal(size=(3, size))
        update = array(call(g, now, read, lr=lr, lam=lam, watch=[0, 1, 2]), "The update")
        if update.shape != g.shape:
            raise Stop("wrong_shape", f"The update has shape {update.shape}, and the gradient has shape {g.shape}.")
        yield f"{size} parameters, lr = {lr}, lam = {lam}", update
    yield "no delay: both points are one", array(call(g, now, now.copy(), lr=lr, lam=lam), "The update")


def noise_probe(call, task):
    rng = generator(3)
    for examples, parameters, batch_size in ((6, 3, 1), (6, 3, 2), (6, 3, 4), (5, 1, 3), (8, 8, 8)):
        gradients = rng.normal(size=(examples, parameters)) + rng.normal(size=parameters)
        noise = array(call(gradients, batch_size, watch=[0]), "The noise")
        if noise.size != 1:
            raise Stop(
                "wrong_shape",
                f"The noise has shape {noise.shape}; it should be one number, the expected square of a "
                "length. Over which axis is there still to be summed, over which to be averaged?",
            )
        label = f"{examples} gradients of {parameters} parameters, batch_size = {batch_size}"
        yield label, noise.reshape(())


def staleness_probe(call, task):
    rng = generator(5)
    orders = {
        "three workers in turn": np.arange(9 + more(18, 3)) % 3,
        "one worker": np.zeros(5 + more(19, 3), dtype=int),
        "four workers at random": rng.integers(4, size=20),
        "a fast and a slow worker": np.array([0, 0, 0, 1, 0, 0, 1, 1, 0] + [0] * more(20, 3)),
    }
    for label, order in orders.items():
        late = array(call(order.copy(), watch=[0]), "The staleness")
        if late.shape != order.shape:
            raise Stop(
                "wrong_shape",
                f"The staleness has shape {late.shape} for an order of {len(order)} updates: "
                "it should hold one number for each update.",
            )
        yield f"{label}, order {order.tolist()}", late
