"""The bugs of the debugging tasks: a pool for each exercise, of which each learner's variant gets two.

A bug is a line of the right code, what stands in its place, and the sentence for a learner in whose code it is left.
The sentence is found by behaviour, as in all parts: the right code with this bug in it is run on the part's cases.
Variant 0 has the bugs that stand in solutions/, with a text and hints of their own.
"""

import functools
import hashlib
import itertools
import re
import textwrap
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bug:
    """One bug: the line or lines ``right``, without their indent, and what is planted there."""

    right: str
    wrong: str
    sentence: str


@dataclass(frozen=True)
class Pool:
    """The debugging task of an exercise."""

    name: str  # of the part that asks it
    text: str  # the task, for all variants but 0
    code: str  # the right answer
    bugs: tuple
    names: dict  # a name in the code -> the names of which one is drawn
    before: str = ""  # what the code needs of the cells above it


COMMON = """\
There are **two** bugs in {place}, drawn for you from a pool; one may hide the other. Find them with small experiments
of your own, and mend {place} in its place."""
FIRST_HINT = """\
Take the smallest numbers for which you can work out by hand what should come out, and print what is remembered after
every step. Where do the two part first?"""


def drawn(exercise, variant):
    """The two bugs of this variant, in the order of its hints; none in variant 0."""
    if not variant:
        return ()
    pairs = [pair for pair in itertools.permutations(POOLS[exercise].bugs, 2) if not _lines(pair[0]) & _lines(pair[1])]
    return pairs[_number(f"{variant} planted") % len(pairs)]


def mistakes(exercise, name, variant, wrap):
    """Sentence -> function, as a part has them: one bug of this variant left, and both."""
    if not variant or exercise not in POOLS or POOLS[exercise].name != name:
        return {}
    first, second = drawn(exercise, variant)
    return {
        first.sentence: wrap(answer(exercise, first)),
        second.sentence: wrap(answer(exercise, second)),
        f"Both bugs are still there. Begin with this one: {first.sentence}": wrap(answer(exercise, first, second)),
    }


@functools.cache
def answer(exercise, *bugs):
    """The function that the task asks for, with these bugs in it."""
    pool, names = POOLS[exercise], {"np": np}
    code = pool.before + with_bugs(pool.code, bugs)
    exec(compile(code, __file__, "exec"), names)  # as ours, which does not answer while a learner's is asked
    return names[pool.name]


def with_bugs(code, bugs, both="{wrong}"):
    """The code with these bugs. both: how a place of it is written, of ``right`` and ``wrong``, indented alike."""
    for bug in bugs:
        (indent,) = re.findall(rf"^( *){re.escape(_first(bug.right))}$", code, re.MULTILINE)
        right, wrong = (textwrap.indent(part, indent) for part in (bug.right, bug.wrong))
        assert code.count(right + "\n") == 1, right
        marked = "\n".join(f"{indent}#: {line[len(indent) :]}" for line in wrong.split("\n"))
        code = code.replace(right + "\n", both.format(right=right, wrong=wrong, marked=marked, indent=indent) + "\n")
    return code


SOLVED = "{indent}### BEGIN SOLUTION\n{marked}\n{right}\n{indent}### END SOLUTION"


def cell(exercise, variant):
    """The solution's cell of this variant: its bugs planted, its names drawn."""
    pool = POOLS[exercise]
    return surface(exercise, variant, with_bugs(pool.code, drawn(exercise, variant), SOLVED).rstrip("\n"))


def surface(exercise, variant, text):
    """A text of the task with the names that this variant has."""
    for name, others in POOLS[exercise].names.items():
        text = re.sub(rf"\b{name}\b", others[_number(f"{variant} {name}") % len(others)], text)
    return text


def task(exercise, variant):
    """The task's text and its hints, both in Markdown."""
    pool = POOLS[exercise]
    place = f"`{re.match(r'(?:class|def) (.*?)[(:]', pool.code)[1]}`"
    hints = [FIRST_HINT, *(textwrap.fill(bug.sentence, 120) for bug in drawn(exercise, variant))]
    folded = [f"<details><summary>Hint {i}</summary>\n\n{hint}\n\n</details>" for i, hint in enumerate(hints, start=1)]
    return f"{pool.text.strip()}\n\n{COMMON.format(place=place)}", "\n".join(folded)


def _lines(bug):
    return set(bug.right.split("\n"))


def _first(text):
    return text.split("\n")[0]


def _number(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])


POOLS = {}

# ---- exercise 2

POOLS[2] = Pool(
    "gradient",
    """
Now the patient. A colleague has written backprop for one hidden layer. It runs, and the loss falls, but less than with
the true gradient. `unpack`, `forward` and `loss` are right. Here the network is small: 4 inputs, 5 hidden units and 3
classes, 43 parameters in one vector `x`.
""",
    '''\
def gradient(x, images, labels):
    """The gradient of loss with respect to x, of shape (43,)."""
    Z, H, P = forward(x, images)
    W2 = unpack(x)[2]
    delta_S = P.copy()
    delta_S[np.arange(len(labels)), labels] -= 1
    delta_S /= len(labels)
    delta_Z = delta_S @ W2.T
    delta_Z[H <= 0] = 0
    dW1 = images.T @ delta_Z
    dW2 = H.T @ delta_S
    db1 = delta_Z.sum(0)
    db2 = delta_S.sum(0)
    return np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])
''',
    (
        Bug(
            "delta_Z[H <= 0] = 0",
            "delta_Z[H < 0] = 0",
            "Units that were silent hand a gradient back. Which values can `H` have after relu, and how many entries "
            "does that comparison find?",
        ),
        Bug(
            "delta_Z[H <= 0] = 0",
            "delta_Z *= H",
            "Every hidden unit's gradient is multiplied by what the unit put out. What is the slope of relu where it "
            "puts out 3?",
        ),
        Bug(
            "db1 = delta_Z.sum(0)",
            "db1 = delta_Z.mean(0)",
            "Only `b1` fails the check. What is the ratio of its slopes to the quotients, and what is it for half as "
            "many examples?",
        ),
        Bug(
            "db2 = delta_S.sum(0)",
            "db2 = P.mean(0)",
            "Only `b2` fails the check, and its slopes are all positive. What does the loss hand back: probabilities "
            "alone?",
        ),
        Bug(
            "delta_S /= len(labels)",
            "delta_S /= P.shape[1]",
            "All slopes are too large or too small by one factor. Compare it with the number of examples and the "
            "number of classes: what is the loss a mean of?",
        ),
        Bug(
            "dW2 = H.T @ delta_S",
            "dW2 = Z.T @ delta_S",
            "Of all parameters `W2` alone fails the check. What are the numbers that `W2` multiplies on the way "
            "forward?",
        ),
    ),
    {"delta_S": ("delta_S", "error_S", "back_S"), "delta_Z": ("delta_Z", "error_Z", "back_Z")},
    """
def unpack(x):
    W1, b1, W2, b2 = np.split(x, [20, 25, 40])
    return W1.reshape(4, 5), b1, W2.reshape(5, 3), b2

def forward(x, images):
    W1, b1, W2, b2 = unpack(x)
    Z = images @ W1 + b1
    H = np.maximum(Z, 0)
    S = H @ W2 + b2
    P = np.exp(S - S.max(1, keepdims=True))
    return Z, H, P / P.sum(1, keepdims=True)

""",
)

# ---- exercise 3

POOLS[3] = Pool(
    "my_batches",
    """
To go faster, a group trains on several machines. In each step every worker takes the gradient of a batch of its own,
and the mean of all these gradients makes the step. For that the training set must be dealt out: in an epoch every
example is read by exactly one worker, in a new order in every epoch, and in another one with another seed. There is no
dealer: each worker calls `my_batches` with its own number and finds out by itself what is its own, because all of them
shuffle alike. Shares may differ by one example if the number of workers does not divide $n$, and the last batch of a
worker may be smaller than the others.

The functions below it are right. `reads` lets all workers read for some epochs and counts; `noise_of_workers` measures
the noise of the mean gradient in the first step, over many seeds.
""",
    '''\
def my_batches(worker, workers, n, batch_size, epoch, seed):
    """The batches that this worker, a number from 0 to workers - 1, reads in this epoch, a number from 0."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(n)  # the same for all workers
    mine = order[worker::workers]
    return [mine[i : i + batch_size] for i in range(0, len(mine), batch_size)]
''',
    (
        Bug(
            "rng = np.random.default_rng([seed, epoch])",
            "rng = np.random.default_rng(seed)",
            "Every epoch has the same batches in the same order. What would have to change from epoch to epoch?",
        ),
        Bug(
            "rng = np.random.default_rng([seed, epoch])",
            "rng = np.random.default_rng(epoch)",
            "Another seed gives the same batches. Where does `seed` enter?",
        ),
        Bug(
            "mine = order[worker::workers]",
            "mine = order[: n // workers]",
            "Within an epoch some examples are read by several workers and others by none. What makes the share of one "
            "worker differ from that of another?",
        ),
        Bug(
            "mine = order[worker::workers]",
            "mine = order[worker * (n // workers) : (worker + 1) * (n // workers)]",
            "No example is read twice, but some are read by nobody if the number of workers does not divide n. Who "
            "reads the rest?",
        ),
        Bug(
            "return [mine[i : i + batch_size] for i in range(0, len(mine), batch_size)]",
            "return [mine[i : i + batch_size] for i in range(0, len(mine) - batch_size + 1, batch_size)]",
            "Some examples of every worker are in none of its batches. What becomes of the last ones, if they do not "
            "fill a batch?",
        ),
        Bug(
            "return [mine[i : i + batch_size] for i in range(0, len(mine), batch_size)]",
            "return [mine[i : i + batch_size + 1] for i in range(0, len(mine), batch_size)]",
            "One example of every batch stands in the next one, too. Where does a slice of Python end?",
        ),
    ),
    {"mine": ("mine", "share", "own"), "order": ("order", "shuffled", "deck")},
)

# ---- exercise 4

POOLS[4] = Pool(
    "paths",
    """
A colleague has written momentum in the manner of `torch.optim`: an object that holds a list of parameter arrays, and a
method `step` that changes them in place. It runs, and losses go down, but the steps are not those of task 1.

The function `paths` below it is right. It gives the optimizer two parameters, hands it gradients and records where the
parameters are after every step.
""",
    '''\
class Momentum:
    """Momentum for a list of float arrays, which step() changes in place."""

    def __init__(self, parameters, lr, beta):
        self.parameters = parameters
        self.lr = lr
        self.beta = beta
        self.velocities = [np.zeros_like(x) for x in parameters]

    def step(self, gradients):
        for x, v, g in zip(self.parameters, self.velocities, gradients, strict=True):
            v *= self.beta
            v += self.lr * g
            x -= v


def paths(gradients, lr, beta):
    """gradients: shape (steps, 2), one for each of two parameters. Where they are after each step, the same shape."""
    parameters = [np.zeros(1), np.zeros(1)]
    optimizer = Momentum(parameters, lr, beta)
    points = []
    for first, second in gradients:
        optimizer.step([np.array([first]), np.array([second])])
        points.append(np.concatenate(parameters))
    return np.array(points)
''',
    (
        Bug(
            "self.velocities = [np.zeros_like(x) for x in parameters]",
            "self.velocities = [np.zeros_like(parameters[0])] * len(parameters)",
            "A parameter whose gradient is 0 moves. Whose velocity does it use: how many arrays are there? (`a is b` "
            "tells whether two names stand for one object.)",
        ),
        Bug(
            "v *= self.beta",
            "v = self.beta * v",
            "The steps are those of gradient descent: the velocity is forgotten after every step. Which line should "
            "change what the next step sees?",
        ),
        Bug(
            "v += self.lr * g",
            "v += (1 - self.beta) * self.lr * g",
            "Already the first step is too short, by the factor 1 - beta. Which of the conventions for momentum is "
            "this, and which one has task 1?",
        ),
        Bug(
            "x -= v",
            "x -= self.lr * v",
            "Every step is too short by the factor lr. How often does lr enter a step, and how often should it?",
        ),
        Bug(
            "x -= v",
            "x -= self.beta * v + self.lr * g",
            "The first step is too long by the factor 1 + beta. That is another rule's step; whose? How long is "
            "momentum's first step?",
        ),
    ),
    {"velocities": ("velocities", "speeds", "memory"), "points": ("points", "places", "trail")},
)

# ---- exercise 5

POOLS[5] = Pool(
    "server_path",
    """
A colleague has written a server that keeps the parameters, and hands them to workers. It runs, and the loss falls, but
the path is not the one that the workers' order demands: each gradient is taken at the version that its worker has read,
and a worker reads again right after its own update.

The function `server_path` below it is right: it lets the workers return in a given order, on $f(x) = x^2/2$, and
records the parameters after every update.
""",
    '''\
class Server:
    """Keeps the parameters x, and what each worker has read of them."""

    def __init__(self, x, lr, workers):
        self.x = x
        self.lr = lr
        self.in_hand = [self.read() for _ in range(workers)]

    def read(self):
        return self.x.copy()

    def returns(self, worker, gradient):
        """A worker hands in its gradient, and starts again."""
        g = gradient(self.in_hand[worker])
        self.x -= self.lr * g
        self.in_hand[worker] = self.read()


def server_path(order, start, lr):
    server, points = Server(np.array([start]), lr, workers=max(order) + 1), []
    for worker in order:
        server.returns(worker, lambda x: x)  # the gradient of x^2 / 2
        points.append(server.x[0])
    return np.array(points)
''',
    (
        Bug(
            "return self.x.copy()",
            "return self.x",
            "No gradient is ever late: this is plain gradient descent. What does a worker hold in its hand while the "
            "server changes x?",
        ),
        Bug(
            "self.x -= self.lr * g\nself.in_hand[worker] = self.read()",
            "self.in_hand[worker] = self.read()\nself.x -= self.lr * g",
            "Gradients are later than they should be. Does a worker read before or after its own update?",
        ),
        Bug(
            "g = gradient(self.in_hand[worker])",
            "g = gradient(self.in_hand[0])",
            "All workers compute at the version that worker 0 has read. Whose version does a gradient belong to?",
        ),
        Bug(
            "self.in_hand[worker] = self.read()",
            "self.in_hand[0] = self.read()",
            "Only worker 0 ever reads again. Who should, once a gradient has been used?",
        ),
        Bug(
            "self.x -= self.lr * g",
            "self.x -= self.lr * g / len(self.in_hand)",
            "The updates are too short, by the number of workers. Does an update here wait for all workers?",
        ),
    ),
    {"in_hand": ("in_hand", "held", "copies"), "points": ("points", "places", "trail")},
)

# ---- exercise 6

POOLS[6] = Pool(
    "standing_path",
    """
A colleague does not trust the one-point form, and has programmed the two-point form of task 2 with a constant β: ask
for the gradient at the look-ahead point, and make the step from where you stand. It runs, and losses fall, but the path
is not Nesterov's.

A slope may show one bug and a bowl another. The function `standing_path` below it is right: it walks on
$f(x) = \\text{slope}\\cdot x + \\text{curvature}\\cdot x^2/2$ and records $x$ after every step.
""",
    '''\
class TwoPoint:
    """Nesterov momentum in the two-point form; x is where it stands after every step."""

    def __init__(self, x, lr, beta):
        self.x = x
        self.v = 0.0
        self.lr = lr
        self.beta = beta

    def step(self, gradient):
        ahead = self.x - self.beta * self.v
        g = gradient(ahead)
        self.v = self.beta * self.v + self.lr * g
        self.x -= self.v


def standing_path(start, slope, curvature, lr, beta, steps):
    optimizer, points = TwoPoint(start, lr, beta), []
    for _ in range(steps):
        optimizer.step(lambda x: slope + curvature * x)
        points.append(optimizer.x)
    return np.array(points)
''',
    (
        Bug(
            "ahead = self.x - self.beta * self.v",
            "ahead = self.x + self.beta * self.v",
            "The gradient is asked for on the wrong side. In this course the velocity has the sign of the gradient: "
            "where does the momentum step land?",
        ),
        Bug(
            "ahead = self.x - self.beta * self.v",
            "ahead = self.x - self.v",
            "The look-ahead point lies too far ahead. Which share of the old velocity does the next step keep?",
        ),
        Bug(
            "g = gradient(ahead)",
            "g = gradient(self.x)",
            "These are momentum's steps: the gradient is taken where x stands. Where should it be asked for?",
        ),
        Bug(
            "self.v = self.beta * self.v + self.lr * g",
            "self.v = self.beta * self.v + (1 - self.beta) * self.lr * g",
            "Already the first step is too short, by the factor 1 - beta. How much of the new gradient enters the "
            "velocity?",
        ),
        Bug(
            "self.x -= self.v",
            "self.x = ahead - self.v",
            "The step begins at the look-ahead point, so the old velocity is walked twice. Where does x stand?",
        ),
        Bug(
            "self.x -= self.v",
            "self.x -= self.beta * self.v + self.lr * g",
            "This is the step of the one-point form, which carries the look-ahead point. Which point is x here?",
        ),
    ),
    {"optimizer": ("optimizer", "walker", "method"), "points": ("points", "places", "trail")},
)

# ---- exercise 7

POOLS[7] = Pool(
    "tables",
    """
Networks that read have a table with one row of numbers for each word, and learn the table. A text touches only the few
rows whose words occur in it; all others have gradient 0. Adagrad is at home here: rare words keep their rate. And a row
without gradient stays as it is, so the optimizer may leave it alone.

A colleague has written it so. `words` says which row of the table stands at each place of the text, and `gradients`
holds the gradient of the loss for each *place*. It is right when the table always is where Adagrad would be that gets
the gradient of the loss for the whole table. The function `tables` is right: it makes a table of four words, all 0,
takes steps and records the table after each.
""",
    '''\
class TableAdagrad:
    """Adagrad for a table of floats, which step() changes in place: only the rows whose words occur."""

    def __init__(self, table, lr, eps=1e-7):
        self.table = table
        self.r = np.zeros_like(table)
        self.lr = lr
        self.eps = eps

    def step(self, words, gradients):
        """words: (n,) row numbers, one for each place of the text. gradients: (n, width), one for each place."""
        rows, row_of_place = np.unique(words, return_inverse=True)
        g = np.zeros((len(rows), gradients.shape[1]))
        np.add.at(g, row_of_place, gradients)
        self.r[rows] += g**2
        self.table[rows] -= self.lr * g / (np.sqrt(self.r[rows]) + self.eps)


def tables(words, gradients, lr):
    """words: (steps, n). gradients: (steps, n, width). The table after each step, shape (steps, 4, width)."""
    table = np.zeros((4, gradients.shape[2]))
    optimizer = TableAdagrad(table, lr)
    after = []
    for words_of_text, gradients_of_text in zip(words, gradients, strict=True):
        optimizer.step(words_of_text, gradients_of_text)
        after.append(table.copy())
    return np.array(after)
''',
    (
        Bug(
            "np.add.at(g, row_of_place, gradients)",
            "g[row_of_place] += gradients",
            "When a word occurs twice, the gradient of one of its places is lost. What does numpy do when a number "
            "comes twice in an index?",
        ),
        Bug(
            "self.r[rows] += g**2",
            "np.add.at(self.r, words, gradients**2)",
            "The gradient of every place is squared by itself. Whose gradient does Adagrad square: is $(a + b)^2$ the "
            "same as $a^2 + b^2$?",
        ),
        Bug(
            "self.r[rows] += g**2",
            "self.r[rows] = g**2",
            "A row's first step is right, and all later ones have the full length lr again. What should r remember?",
        ),
        Bug(
            "self.r[rows] += g**2",
            "self.r += (g**2).sum(0)",
            "The steps of a row depend on the gradients of other rows. Which row of r does a gradient belong to?",
        ),
        Bug(
            "self.table[rows] -= self.lr * g / (np.sqrt(self.r[rows]) + self.eps)",
            "self.table[rows] -= self.lr * g / (self.r[rows] + self.eps)",
            "A row with large gradients takes a short first step. How long is Adagrad's first step, whatever the "
            "gradient?",
        ),
        Bug(
            "self.table[rows] -= self.lr * g / (np.sqrt(self.r[rows]) + self.eps)",
            "self.table[words] -= self.lr * gradients / (np.sqrt(self.r[words]) + self.eps)",
            "When a word occurs twice, its row moves as if one place alone counted. How many steps should a row take "
            "for a text, and with which gradient?",
        ),
    ),
    {"row_of_place": ("row_of_place", "which", "index"), "words_of_text": ("words_of_text", "one_text", "line")},
)

# ---- exercise 8

POOLS[8] = Pool(
    "paths",
    """
A colleague has made RMSProp fast: no step makes an array that it can do without. It runs, and losses go down, but the
parameters are not where the rule of task 1 would take them.

The function `paths` is right: it hands the optimizer one gradient after the other and records where the parameters are.
""",
    '''\
class RMSProp:
    """RMSProp for an array of floats, which step() changes in place."""

    def __init__(self, x, lr, beta, eps=1e-8):
        self.x = x
        self.r = np.zeros_like(x)
        self.lr = lr
        self.beta = beta
        self.eps = eps

    def step(self, g):
        self.r *= self.beta
        self.r += (1 - self.beta) * g**2
        self.x -= self.lr * g / (np.sqrt(self.r) + self.eps)


def paths(gradients, lr, beta):
    """gradients: (steps, n). Where the n parameters are after each step, from 0: the same shape."""
    x = np.zeros(gradients.shape[1])
    optimizer = RMSProp(x, lr, beta)
    points = []
    for g in gradients:
        optimizer.step(g)
        points.append(x.copy())
    return np.array(points)
''',
    (
        Bug(
            "self.r *= self.beta",
            "self.r[g != 0] *= self.beta",
            "Weights with rare gradients take steps that are too short. What should happen to r in a step without a "
            "gradient?",
        ),
        Bug(
            "self.r += (1 - self.beta) * g**2",
            "self.r += g**2",
            "Every step is too short by one factor, the root of 1 - beta. Is r an average of squares, or a sum?",
        ),
        Bug(
            "self.r += (1 - self.beta) * g**2",
            "self.r += (1 - self.beta) * np.abs(g)",
            "The steps depend on the scale of the loss. What does r take in of a gradient, so that its root has the "
            "gradient's unit?",
        ),
        Bug(
            "self.x -= self.lr * g / (np.sqrt(self.r) + self.eps)",
            "self.x -= self.lr * g / (np.sqrt(self.r, out=self.r) + self.eps)",
            "The first step is right, the later ones depend on the scale of the loss. What is in r after a step: what "
            "does `out=` do?",
        ),
        Bug(
            "self.x -= self.lr * g / (np.sqrt(self.r) + self.eps)",
            "self.x -= self.lr * g / (np.sqrt(self.r).max() + self.eps)",
            "The weight with the largest gradients moves as it should, and all others too little. Whose r is a "
            "weight's gradient divided by?",
        ),
    ),
    {"points": ("points", "places", "trail"), "optimizer": ("optimizer", "fast", "method")},
)

# ---- exercise 9

POOLS[9] = Pool(
    "resumed",
    """
Long runs are saved from time to time, so that a crash costs little. Your colleague's Adam has methods `save` and `load`
for that. (It is Kingma and Ba's faster form, with both corrections in the rate.) It trains as it should, but after a
restart it does not come back on the path it would have taken.

The bugs are in what is saved and loaded; `__init__` and `step` are right. So is `resumed`: it trains for `pause` steps
and saves, trains for `lost` more, crashes, and goes on in a new optimizer from what was saved, with the same gradients.
What it returns should not depend on whether, when and how late the crash was.
""",
    '''\
class Adam:
    """Adam for a list of float arrays, which step() changes in place."""

    def __init__(self, parameters, lr, beta1=0.9, beta2=0.999, eps=1e-12):
        self.parameters = parameters
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t = 0
        self.m = [np.zeros_like(x) for x in parameters]
        self.v = [np.zeros_like(x) for x in parameters]

    def step(self, gradients):
        self.t += 1
        rate = self.lr * (1 - self.beta2**self.t) ** 0.5 / (1 - self.beta1**self.t)
        for x, m, v, g in zip(self.parameters, self.m, self.v, gradients, strict=True):
            m += (1 - self.beta1) * (g - m)
            v += (1 - self.beta2) * (g**2 - v)
            x -= rate * m / (v**0.5 + self.eps)

    def save(self):
        """All that load() needs, as a dict."""
        saved = {"t": self.t}
        saved["m"] = [m.copy() for m in self.m]
        saved["v"] = [v.copy() for v in self.v]
        return saved

    def load(self, saved):
        """Go on from what save() returned."""
        self.t = saved["t"]
        self.m = [m.copy() for m in saved["m"]]  # copies: the next steps will change them
        self.v = [v.copy() for v in saved["v"]]


def resumed(gradients, pause, lost, lr=0.1):
    """gradients: shape (steps, 2). Where two parameters are after each step from `pause` on, through the crash."""
    parameters = [np.zeros(1), np.zeros(1)]
    optimizer = Adam(parameters, lr)
    for first, second in gradients[:pause]:
        optimizer.step([np.array([first]), np.array([second])])
    saved, saved_parameters = optimizer.save(), [x.copy() for x in parameters]
    for first, second in gradients[pause : pause + lost]:
        optimizer.step([np.array([first]), np.array([second])])

    # the crash: all is lost but what was saved
    optimizer = Adam(saved_parameters, lr)
    optimizer.load(saved)
    points = []
    for first, second in gradients[pause:]:
        optimizer.step([np.array([first]), np.array([second])])
        points.append(np.concatenate(saved_parameters))
    return np.array(points)


def drift(pause, lost):
    """How far a run that comes back from a crash is from one without, after each step."""
    gradients = np.random.default_rng(0).normal(1, 1, size=(100, 2))
    return resumed(gradients, pause, lost) - resumed(gradients, 0, 0)[pause:]
''',
    (
        Bug(
            'saved["m"] = [m.copy() for m in self.m]',
            'saved["m"] = self.m',
            "The path is right if the crash comes at once, and wrong if steps were made after saving. How can they "
            "change what has been saved?",
        ),
        Bug(
            'saved = {"t": self.t}',
            'saved = {"t": len(self.m)}',
            "The first step after the restart has the wrong length, and it is the same whenever the crash was. Which "
            "number is saved as t?",
        ),
        Bug(
            'self.t = saved["t"]',
            "self.t = 0",
            "The first step after the restart has the wrong length even if nothing was lost: its corrections are those "
            "of a beginning. What else does a step depend on besides m and v?",
        ),
        Bug(
            'self.v = [v.copy() for v in saved["v"]]',
            'self.v = [np.zeros_like(v) for v in saved["v"]]',
            "The first steps after the restart are far too long. What do they divide by, and what is left of it?",
        ),
        Bug(
            'self.m = [m.copy() for m in saved["m"]]  # copies: the next steps will change them',
            'self.m = [saved["m"][0].copy() for m in saved["m"]]  # copies: the next steps will change them',
            "The first parameter comes back on its path, the second does not. Whose m does it go on with?",
        ),
    ),
    {"saved_parameters": ("saved_parameters", "kept_parameters", "old_parameters"), "points": ("points", "places")},
)

# ---- exercise 10

POOLS[10] = Pool(
    "race",
    """
A colleague compares learning rates on a noisy ravine. "Each seed gives a start and the noise of all steps, the same for
all rates", they say, "so the runs are paired." It runs, and the losses are sensible.

The start is drawn before the noise. What an entry of the table is must depend on its rate and its seed, and neither on
which other rates are in the list nor on the place of the seed.
""",
    '''\
def race(lrs, seeds, steps=30):
    """Gradient descent with every rate and every seed: the last losses, shape (rates, seeds)."""
    curvature = np.array([1.0, 20.0])
    losses = np.zeros((len(lrs), len(seeds)))
    for j, seed in enumerate(seeds):
        generator = np.random.default_rng(seed)
        start, noise = generator.normal(size=2), generator.normal(size=(steps, 2))
        for i, lr in enumerate(lrs):
            x = start.copy()
            for error in noise:
                x -= lr * (curvature * x + error)
            losses[i, j] = (curvature * x**2).sum() / 2
    return losses
''',
    (
        Bug(
            "x = start.copy()",
            "x = start",
            "Every rate but the first starts where the one before it ended. Which line moves the start?",
        ),
        Bug(
            "x = start.copy()",
            "x, noise = start.copy(), generator.normal(size=(steps, 2))",
            "A rate that races against itself gets two losses. What else should a seed fix, besides the start?",
        ),
        Bug(
            "generator = np.random.default_rng(seed)",
            "generator = np.random.default_rng(j + 1)",
            "The losses do not depend on the seeds, only on how many there are. What is the source of random numbers "
            "made from?",
        ),
        Bug(
            "for error in noise:",
            "for error in noise[: 10 * len(lrs)]:",
            "A rate's loss changes with the number of rates in the list. How many steps does every rate take?",
        ),
        Bug(
            "losses[i, j] = (curvature * x**2).sum() / 2",
            "losses[i, j] = (x**2).sum() / 2",
            "The paths are right, but the last losses are not those of the ravine, whose gradient is curvature * x. "
            "Which function has this gradient?",
        ),
    ),
    {"error": ("error", "kick", "push"), "generator": ("generator", "chance", "source")},
)
