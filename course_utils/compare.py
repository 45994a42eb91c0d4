"""One way to compare rules: each tuned alike on held-out images, then judged on others, with what chance can do.

Three steps. :func:`hold_out` takes images for tuning from the training images. :func:`tune` gives every rule the same
number of rates and finds its best. :func:`judge` trains with fresh seeds, at every rate that the tuning could as well
have chosen. What comes out goes to :func:`differences`, which says which of the rules can be told apart.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from course_utils import descent, plots, rules
from course_utils.data import Data
from course_utils.sweep import sweep

DRAWS = 4000  # of a bootstrap: its 95 % limits then move by about 2 % of themselves from one set of draws to another


@dataclass
class Tuned:
    """What tuning found out about one rule."""

    rates: np.ndarray  # that were tried, ascending
    scores: np.ndarray  # held-out accuracy in %, shape (rates, seeds); 10, as good as guessing, where a run diverged
    best: float  # the rate with the highest mean
    inside: bool  # the best is neither the lowest nor the highest rate that was tried

    def chosen(self, draws=DRAWS, seed=0):
        """The index of the best rate when the tuning seeds are drawn anew, with replacement: shape (draws,)."""
        places = np.random.default_rng(seed).integers(self.scores.shape[1], size=(draws, self.scores.shape[1]))
        return self.scores[:, places].mean(-1).argmax(0)


def hold_out(data, share=1 / 6):
    """``data`` with the last ``share`` of its training images in the place of the test images, to choose rates by."""
    n = round(len(data.train_labels) * (1 - share))
    return Data(data.train_images[:n], data.train_labels[:n], data.train_images[n:], data.train_labels[n:])


def prior(middle, decades=1.5, tries=7):
    """``tries`` rates, evenly spaced in the logarithm, as many decades below ``middle`` as above.

    A common prior: the same width and number for every rule, around a rate that was known before (a default from the
    rule's paper, say), not around the best one that this comparison finds.
    """
    return middle * 10 ** np.linspace(-decades, decades, tries)


def tune(rates, network, data, *, seeds=range(3), epochs, bisect=0, **settings):
    """Try every rule at its rates; return rule -> :class:`Tuned`.

    rates: rule -> its learning rates, such as ``{rules.adam: prior(0.001)}``. data: from :func:`hold_out`. epochs and
    settings (batch_size, schedule ...): those of :func:`course_utils.sweep.sweep`, *the same as in the judgement*.
    bisect: how many times to go on: with the middles of the gaps on both sides of the best rate, or, where that is
    on an edge, with a rate beyond it. All runs of a round share the cores.
    """
    seeds = list(seeds)
    found = {rule: {} for rule in rates}  # rule -> rate -> scores of the seeds
    todo = {rule: [float(lr) for lr in lrs] for rule, lrs in rates.items()}
    for _ in range(1 + bisect):
        settings_list = [{"rule": rule, "lr": lr} for rule, lrs in todo.items() for lr in lrs if lr not in found[rule]]
        if not settings_list:
            break
        swept = sweep(None, network, data, settings_list, seeds=seeds, epochs=epochs, **settings)
        for setting, score in zip(settings_list, _percent(swept.accuracy[:, :, -1]), strict=True):
            found[setting["rule"]][setting["lr"]] = score
        todo = {rule: _next_rates(scores) for rule, scores in found.items()}
    return {rule: _tuned(scores) for rule, scores in found.items()}


def _percent(accuracy):
    return 100 * np.nan_to_num(accuracy, nan=0.1)  # a run that diverged is as good as guessing


def _next_rates(scores):
    """Where to look next: on both sides of the best rate, half way to its neighbours; beyond an edge as far again."""
    lrs = sorted(scores)
    if len(lrs) < 2:
        return []
    at = int(np.argmax([scores[lr].mean() for lr in lrs]))
    below = (lrs[at - 1] * lrs[at]) ** 0.5 if at else lrs[0] ** 2 / lrs[1]
    above = (lrs[at] * lrs[at + 1]) ** 0.5 if at < len(lrs) - 1 else lrs[-1] ** 2 / lrs[-2]
    return [below, above]


def _tuned(scores):
    lrs = np.array(sorted(scores))
    table = np.array([scores[lr] for lr in lrs])
    at = int(table.mean(1).argmax())
    return Tuned(lrs, table, float(lrs[at]), 0 < at < len(lrs) - 1)


@dataclass
class Judged:
    """Runs with fresh seeds. ``share[i]`` is how often a repeated tuning would have chosen ``rates[i]``."""

    rates: np.ndarray
    share: np.ndarray  # adds up to 1
    scores: np.ndarray  # test accuracy in %, shape (rates, seeds)
    best: int  # the index of the rate that the tuning did choose
    runs: list  # runs[i][j]: the History of rate i and seed j


def judge(tuned, network, data, *, seeds, epochs, least=0.1, **settings):
    """Train with fresh ``seeds`` on all of ``data``; return rule -> :class:`Judged`.

    tuned: from :func:`tune`. least: rates that a repeated tuning would choose less often than this are left out.
    epochs, settings: as in :func:`tune`.
    """
    places = {}
    for rule, one in tuned.items():
        share = np.bincount(one.chosen(), minlength=len(one.rates)) / DRAWS
        best = int(np.flatnonzero(one.rates == one.best)[0])
        places[rule] = [i for i in range(len(share)) if share[i] >= least or i == best], share, best
    settings_list = [{"rule": rule, "lr": tuned[rule].rates[i]} for rule, (keep, _, _) in places.items() for i in keep]
    swept = sweep(None, network, data, settings_list, seeds=seeds, epochs=epochs, **settings)
    judged, begin = {}, 0
    for rule, (keep, share, best) in places.items():
        part = slice(begin, begin + len(keep))
        begin += len(keep)
        weight = np.maximum(share[keep], 1 / DRAWS)
        scores = _percent(swept.accuracy[part, :, -1])
        judged[rule] = Judged(
            tuned[rule].rates[keep], weight / weight.sum(), scores, keep.index(best), swept.runs[part]
        )
    return judged


@dataclass
class Differences:
    """Mean paired differences in points, with limits that hold for all pairs at once, 95 times of 100."""

    pairs: list  # of (rule, other)
    mean: np.ndarray  # rule minus other, shape (pairs,)
    low: np.ndarray
    high: np.ndarray

    @property
    def apart(self):
        """Which of the pairs can be told apart: bool, shape (pairs,)."""
        return (self.low > 0) | (self.high < 0)

    def where(self, which):
        """The pairs that ``which`` picks, a bool for each."""
        return Differences(
            [p for p, take in zip(self.pairs, which, strict=True) if take],
            *(a[which] for a in (self.mean, self.low, self.high)),
        )

    def __str__(self):
        """A table: a heading, then a line a pair."""
        told = [f"{name(one)} minus {name(other)}" for one, other in self.pairs]
        wide = max(map(len, told))
        rows = zip(told, self.mean, self.low, self.high, self.apart, strict=True)
        return "\n".join(
            [f"{'test accuracy, points':<{wide}}  difference        95 % limits  told apart?"]
            + [
                f"{pair:<{wide}}  {mean:+10.2f}  {f'{low:+.2f} to {high:+.2f}':>17}  {'yes' if apart else 'no'}"
                for pair, mean, low, high, apart in rows
            ]
        )


def name(rule):
    """What prose calls the rule, in words; a rule of the reader's own by its function's name."""
    given = getattr(rule, "__name__", str(rule))
    return plots.look(given)["label"] if given in plots.COLOURS else given.replace("_", " ")


def differences(judged, against=None, *, images=None, level=0.95, draws=DRAWS, seed=0):
    """Paired differences of the rules' mean scores, as :class:`Differences`: of all pairs, or of each to ``against``.

    judged: from :func:`judge`. A bootstrap finds each pair's standard deviation: every draw chooses the judging seeds
    anew, the *same* ones for all rules, and each rule's rate as often as a repeated tuning would. The limits are as
    many deviations away as chance alone gets, among equal rules with so few seeds, in 1 - ``level`` of the
    experiments and any of the pairs (:func:`_farthest`). They are about these test images, unless ``images`` says for
    every rule how often, in %, its seeds get each image right, shape (images,): then they allow for others, too.
    Errors: ``ValueError`` with fewer than 3 seeds.
    """
    chance = np.random.default_rng(seed)
    n = next(iter(judged.values())).scores.shape[1]
    if n < 3:
        raise ValueError(f"judged has {n} seed(s): a bootstrap needs at least 3, and better 10")
    seeds = chance.integers(n, size=(draws, n))
    means = {}
    for rule, one in judged.items():
        rate = chance.choice(len(one.rates), size=draws, p=one.share)
        means[rule] = one.scores[rate[:, None], seeds].mean(1)
    names = list(judged)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if against is not None:
        pairs = [(rule, against) for rule in names if rule is not against]
    drawn = np.array([means[a] - means[b] for a, b in pairs])
    own = {rule: one.scores[one.best].mean() for rule, one in judged.items()}
    mean = np.array([own[a] - own[b] for a, b in pairs])
    deviation = np.maximum(drawn.std(1) * (n / (n - 1)) ** 0.5, 1e-12)  # a bootstrap alone knows n - 1 of n parts
    if images is not None:
        gaps = np.array([images[a] - images[b] for a, b in pairs])
        deviation = np.sqrt(deviation**2 + gaps.var(1, ddof=1) / gaps.shape[1])
    reach = deviation * _farthest(tuple((names.index(a), names.index(b)) for a, b in pairs), n, level)
    return Differences(pairs, mean, mean - reach, mean + reach)


@cache
def _farthest(pairs, n, level, experiments=10_000):
    """How many standard deviations the farthest of all ``pairs`` lies from 0, at most, in ``level`` of experiments.

    The experiments are played: the pairs' members are equal, each has n normal scores, and a pair's deviation is
    estimated from its own n differences, as in :func:`differences`. That is the maximum of |t| (Student, 1908) over
    pairs that share members. With 8 members and 8 seeds it is 4.8; with one pair and many seeds 2.0.
    """
    scores = np.random.default_rng(0).normal(size=(experiments, np.max(pairs) + 1, n))
    farthest = np.zeros(experiments)
    for one, other in pairs:
        off = scores[:, one] - scores[:, other]
        farthest = np.maximum(farthest, np.abs(off.mean(1)) / (off.std(1, ddof=1) / n**0.5))
    return np.quantile(farthest, level)


def widths(tuned, drop=1.0):
    """Both widths of the usable range: rule -> (own, common), decades of rates with one entry a tuning seed.

    own: within ``drop`` points of the rule's own best mean; common: within ``drop`` of the best mean of all the rules.
    (A seed's own highest score would be too high a floor: it is the luckiest of several.) Between the rates that were
    tried, accuracy is interpolated; what lies outside does not count.
    """
    tops = {rule: one.scores.mean(1).max() for rule, one in tuned.items()}
    out = {}
    for rule, one in tuned.items():
        at = np.log10(one.rates)
        fine = np.linspace(at[0], at[-1], 4001)
        curves = np.array([np.interp(fine, at, seed) for seed in one.scores.T])
        floors = tops[rule] - drop, max(tops.values()) - drop
        out[rule] = tuple((curves >= floor).mean(1) * (at[-1] - at[0]) for floor in floors)
    return out


def steps_to(history, target, window=50):
    """The first step after which the mean training loss of the last ``window`` steps is at most ``target``; or inf."""
    return descent.steps_to(history.losses, target, window)


def seconds_to(history, target, window=50):
    """Seconds of training until :func:`steps_to`'s step, by the run's own mean time a step; or inf."""
    steps = steps_to(history, target, window)
    return steps * sum(history.seconds) / len(history.losses) if np.isfinite(steps) else np.inf


def stored(rule):
    """How many numbers the rule keeps for every weight, beside the weight: 0 for plain descent, 2 for Adam."""
    return sum(isinstance(part, float) for part in rules.initial_state(rule))


def profile(costs):
    """Performance profile: rule -> (ratios, shares), after Dolan and More (2002), as AlgoPerf uses it.

    costs: rule -> steps (or seconds) to the target, one entry a workload, inf where it was not reached. A rule's ratio
    on a workload is its cost over the lowest of any rule; ``shares[i]`` of the workloads have at most ``ratios[i]``.
    """
    table = np.array(list(costs.values()), dtype=float)  # (rules, workloads)
    with np.errstate(invalid="ignore"):
        ratio = np.where(np.isfinite(table), table / table.min(0), np.inf)
    shares = np.arange(1, table.shape[1] + 1) / table.shape[1]
    return {rule: (np.sort(row), shares) for rule, row in zip(costs, ratio, strict=True)}
