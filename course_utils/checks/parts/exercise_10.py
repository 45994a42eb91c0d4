"""What exercise 10 compares its answers with, and the mistakes that it knows."""

import numpy as np

from course_utils.checks.parts import part

# ---- chosen


def tables(seed):
    """Two tables in which we know the answers, for we built them: each rate has a part to play."""
    random = np.random.default_rng(seed)
    rates = 10 ** (random.uniform(-4, -2) + 0.4 * np.arange(8))
    best, second, lucky, tested, diverged, middling, steady, worst = random.permutation(8)
    noise = random.normal(0, 0.003, size=(2, 8, 4))
    held_out, test = noise - noise.mean(axis=2, keepdims=True)  # the mean of a row is what we make it
    level = np.empty(8)
    level[[best, second, lucky, tested, diverged, worst]] = 0.95, 0.948, 0.94, 0.93, 0.97, 0.5
    level[[middling, steady]] = 0.944, 0.942
    held_out[lucky] = [0.06, -0.02, -0.02, -0.02]
    held_out[[best, second, middling]] = (
        [0.006, 0.006, 0.006, -0.018],
        [-0.03, 0.01, 0.01, 0.01],
        [0.035] * 3 + [-0.105],
    )
    held_out[steady] = 0
    test_level = random.uniform(0.90, 0.93, size=8)
    test_level[tested] = 0.96
    held_out, test = held_out + level[:, None], test + test_level[:, None]
    held_out[diverged, seed % 4] = test[diverged, seed % 4] = np.nan
    test[best, seed % 3] = np.nan  # the best rate diverges once where it is judged; that counts as guessing, too
    parts = {"best": best, "second": second, "lucky": lucky, "tested": tested, "middling": middling, "steady": steady}
    known[rates[0]] = {name: (rates[row], np.nan_to_num(test[row], nan=0.1).mean()) for name, row in parts.items()}
    known[rates[0]]["diverged"] = rates[diverged], np.nanmean(test[diverged])
    known[rates[0]]["forgotten"] = rates[best], np.nanmean(test[best])
    known[rates[0]]["nothing"] = rates[best], np.nan_to_num(test[best], nan=0.0).mean()
    known[rates[0]]["held out"] = rates[best], level[best]
    return rates, held_out, test


known = {}
cases = [tables(seed) for seed in (1, 2, 3)]


def leaves_tables(candidate):
    """The candidate; ``ValueError`` if it overwrites the tables that it gets, which others read after it."""

    def answer(rates, held_out, test):
        before = [table.copy() for table in (rates, held_out, test)]
        choice = candidate(rates, held_out, test)
        for name, table, was in zip(("rates", "held_out", "test"), (rates, held_out, test), before, strict=True):
            if not np.array_equal(table, was, equal_nan=True):
                raise ValueError(f"it overwrites `{name}`, which is the caller's: work on a copy, `{name}.copy()`")
        return choice

    return answer


part(
    10,
    "chosen",
    lambda rates, held_out, test: known[rates[0]]["best"],
    cases,
    wrap=leaves_tables,
    mistakes={
        "You choose by the test images. Then they cannot judge any more: of several tries one is lucky on them.": (
            lambda rates, held_out, test: known[rates[0]]["tested"]
        ),
        "This rate owes its place to a single lucky run. How good is it with an ordinary seed?": (
            lambda rates, held_out, test: known[rates[0]]["lucky"]
        ),
        "This rate has the second-best mean of the held-out images. In which order does your sorting leave them?": (
            lambda rates, held_out, test: known[rates[0]]["second"]
        ),
        "This rate has the best worst run. That is careful, but the task asks for what is best on average.": (
            lambda rates, held_out, test: known[rates[0]]["steady"]
        ),
        "This rate has the best median: what its worst runs get does not count in it. It counts in a mean.": (
            lambda rates, held_out, test: known[rates[0]]["middling"]
        ),
        "This rate is the best only if one forgets the run in which it diverged. What does that run count?": (
            lambda rates, held_out, test: known[rates[0]]["diverged"]
        ),
        "The rate is right. But one of its runs diverged on the test images, and you leave that run out.": (
            lambda rates, held_out, test: known[rates[0]]["forgotten"]
        ),
        "The rate is right. But a run that diverged counts as guessing, 0.1, and you count it as 0.": (
            lambda rates, held_out, test: known[rates[0]]["nothing"]
        ),
        "The rate is right. But the number that you report is the one by which you chose: it is too good on average.": (
            lambda rates, held_out, test: known[rates[0]]["held out"]
        ),
    },
)


# ---- paired


def results(seed, n):
    """Accuracies whose differences have a mean and a standard error that we choose."""
    random = np.random.default_rng(seed)
    z = random.normal(size=n)
    z = (z - z.mean()) / z.std(ddof=1)
    gap, error = random.uniform(0.1, 0.5), random.uniform(0.02, 0.2)
    kindness = 97 + random.normal(size=n)
    b = kindness + random.normal(0, 0.1, size=n)
    a = b + gap + error * n**0.5 * z
    known_error[a[0]] = gap, error
    return a, b


known_error = {}


part(
    10,
    "paired",
    lambda a, b: known_error[a[0]],
    [results(1, 3), results(2, 5), results(3, 10)],
    mistakes={
        "Your standard error is that of two rules with seeds of their own. Here the kindness of a seed cancels: of "
        "what should you take the standard deviation?": lambda a, b: (
            known_error[a[0]][0],
            np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)),
        ),
        "This is the scatter of a single difference. A mean of n of them scatters less.": lambda a, b: (
            known_error[a[0]][0],
            known_error[a[0]][1] * len(a) ** 0.5,
        ),
        "A mean of n scatters less than one alone, but not n times less.": lambda a, b: (
            known_error[a[0]][0],
            known_error[a[0]][1] / len(a) ** 0.5,
        ),
        "Your standard deviation has n in the denominator. That is too small: the mean was taken from the same data.": (
            lambda a, b: (known_error[a[0]][0], known_error[a[0]][1] * (1 - 1 / len(a)) ** 0.5)
        ),
        "The sign is turned round: positive means that a is better.": lambda a, b: (
            -known_error[a[0]][0],
            known_error[a[0]][1],
        ),
    },
)


# ---- width


def hill(lowest, spacing, left, right):
    """Seven rates; the line of one point below the top is crossed where we want it: at shares of a gap."""
    accuracy = 0.97 - np.array([0.3, 0.1, 0.004 + 0.006 / left, 0.004, 0, 0.003, 0.003 + 0.007 / right])
    rates = lowest * 10 ** (spacing * np.arange(7))
    known_width[lowest] = spacing * (2 + left + right)
    return rates, accuracy


def straight(rates, accuracy):
    """The upper and the lower edge of these hills, if rates are taken as they are."""
    return [
        rates[i] + (rates[k] - rates[i]) * (accuracy[i] - 0.96) / (accuracy[i] - accuracy[k])
        for i, k in ((5, 6), (3, 2))
    ]


known_width = {}


part(
    10,
    "width",
    lambda rates, accuracy: known_width[rates[0]],
    [hill(0.001, 0.5, 0.5, 0.95), hill(0.0002, 0.4, 0.6, 0.9), hill(0.03, 0.5, 0.1, 0.4)],
    tolerance=0.01,
    mistakes={
        "This is the range of the rates that were tried. How much further do the lines between them stay above?": (
            lambda rates, accuracy: np.log10(rates[5] / rates[3])
        ),
        "You count rates tried. How far apart are they, and where between them is the line crossed?": (
            lambda rates, accuracy: 3.0
        ),
        "This is a factor between two rates. How many decades is it?": (
            lambda rates, accuracy: 10 ** known_width[rates[0]]
        ),
        "This is measured with the natural logarithm. A decade is a factor of ten.": (
            lambda rates, accuracy: known_width[rates[0]] * np.log(10)
        ),
        "This is a difference of rates. On that scale the hill is nearly all right flank: use their logarithm.": (
            lambda rates, accuracy: np.subtract(*straight(rates, accuracy))
        ),
        "You interpolate over the rates, not over their logarithms: the edges come out too far on the right.": (
            lambda rates, accuracy: np.log10(np.divide(*straight(rates, accuracy)))
        ),
    },
)


# ---- race


def raced(lrs, seeds, one_start=True, one_noise=True, steps=30):
    """All rates at once; row 0 is always right. The two switches are what the others may get wrong."""
    table = []
    for seed in seeds:
        random = np.random.default_rng(seed)
        where, errors = random.normal(size=2), random.normal(size=(len(lrs), steps, 2))
        column = []
        for k, lr in enumerate(lrs):
            path = [where]
            for error in errors[0 if one_noise else k]:
                path.append(path[-1] - lr * (np.array([1.0, 20.0]) * path[-1] + error))
            where = where if one_start else path[-1]
            column.append((np.array([1.0, 20.0]) * path[-1] ** 2).sum() / 2)
        table.append(column)
    return np.transpose(table)


part(
    10,
    "race",
    raced,
    [([0.01, 0.01], [0, 1, 2]), ([0.005, 0.02, 0.01], [3, 4])],
    mistakes={
        "Every rate but the first starts where the one before it ended. Which line moves the start?": (
            lambda lrs, seeds: raced(lrs, seeds, one_start=False, one_noise=False)
        ),
        "All start alike now, and here is the second bug: a rate that races against itself still gets two losses. What "
        "else should a seed fix?": lambda lrs, seeds: raced(lrs, seeds, one_noise=False),
        "The noise is the same for all rates now. But every rate but the first starts where the one before it ended.": (
            lambda lrs, seeds: raced(lrs, seeds, one_start=False)
        ),
    },
)
