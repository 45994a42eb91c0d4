"""Comparing: known answers for the statistics, one real comparison for the way through."""

import numpy as np
import pytest

from course_utils import compare, data, descent, rules
from course_utils.network import Network


def judged(scores, share=None):
    """Judged from scores of shape (rates, seeds)."""
    scores = np.array(scores, dtype=float)
    share = np.ones(len(scores)) / len(scores) if share is None else np.array(share)
    return compare.Judged(np.geomspace(0.1, 1, len(scores)), share, scores, 0, [])


def tuned(scores, rates):
    return compare._tuned(dict(zip(rates, np.array(scores, dtype=float), strict=True)))


def test_a_comparison_from_end_to_end():
    mnist = data.mnist("cpu", share=0.02)
    rates = {rules.gradient_descent: compare.prior(1e-3, 1, 3), rules.adam: compare.prior(1e-3, 1, 3)}
    held = compare.hold_out(mnist)
    assert len(held.train_labels) == 1000
    assert len(held.test_labels) == 200
    assert (held.test_labels == mnist.train_labels[1000:]).all()
    found = compare.tune(rates, Network((8,)), held, seeds=range(2), epochs=1, bisect=1)
    alone = descent.train(rules.adam, Network((8,)), held, epochs=1, seed=1, lr=float(found[rules.adam].best))
    at = np.flatnonzero(found[rules.adam].rates == found[rules.adam].best)[0]
    assert found[rules.adam].scores[at, 1] == pytest.approx(100 * alone.test_accuracy[-1])
    assert found[rules.gradient_descent].rates.max() > 0.011  # its best was on the edge, so one more beyond it
    end = compare.judge(found, Network((8,)), mnist, seeds=range(10, 14), epochs=1)
    result = compare.differences(end, against=rules.gradient_descent)
    assert result.pairs == [(rules.adam, rules.gradient_descent)]
    heading, line = str(result).splitlines()
    assert line.startswith("Adam minus gradient descent")
    assert len(heading) == len(line) + len("told apart?") - len(line.split()[-1])
    assert result.where(~result.apart | result.apart).pairs == result.pairs
    assert result.where(result.mean > 100).pairs == []
    assert end[rules.adam].share.sum() == pytest.approx(1)


def test_bisection_halves_the_gaps_and_goes_beyond_an_edge():
    assert compare._next_rates({0.01: np.array([1]), 0.1: np.array([3]), 1.0: np.array([2])}) == pytest.approx(
        [0.01**0.5 * 0.1**0.5, 0.1**0.5]
    )
    assert compare._next_rates({0.01: np.array([3]), 0.1: np.array([1])}) == pytest.approx([0.001, 0.1**1.5])


@pytest.mark.parametrize(("count", "seeds"), [(8, 8), (5, 10), (4, 6), (3, 6), (2, 4)])
@pytest.mark.parametrize("against", [None, rules.ALL[0]], ids=["all pairs", "against one"])
def test_equal_rules_are_told_apart_in_one_experiment_of_twenty(count, seeds, against):
    chance, wrong, experiments = np.random.default_rng(0), 0, 300
    for _ in range(experiments):
        kind = chance.normal(0, 1, seeds)  # kind and unkind seeds: pairing removes them
        table = {rule: judged([kind + chance.normal(0, 0.2, seeds)]) for rule in rules.ALL[:count]}
        wrong += compare.differences(table, against, draws=400).apart.any()
    assert 0.02 <= wrong / experiments <= 0.08


def test_equal_rules_of_unequal_spread_are_not_told_apart_more_often():
    chance, wrong, experiments = np.random.default_rng(1), 0, 300
    spread = np.geomspace(0.1, 1, 6)
    for _ in range(experiments):
        table = {rule: judged([chance.normal(0, one, 8)]) for rule, one in zip(rules.ALL, spread, strict=False)}
        wrong += compare.differences(table, draws=400).apart.any()
    assert wrong / experiments <= 0.08


def test_the_limits_of_one_pair_are_students():
    assert compare._farthest(((0, 1),), 5, 0.95) == pytest.approx(2.776, rel=0.03)  # t(4), two-sided
    assert compare._farthest(((0, 1),), 300, 0.95) == pytest.approx(1.968, rel=0.03)


def test_pairing_finds_a_difference_much_smaller_than_the_spread_of_seeds():
    chance = np.random.default_rng(1)
    seeds = chance.normal(90, 2, 10)
    pair = {rules.adam: judged([seeds + 0.2]), rules.momentum: judged([seeds + chance.normal(0, 0.05, 10)])}
    result = compare.differences(pair)
    assert result.apart.all()
    assert result.mean[0] == pytest.approx(0.2, abs=0.06)


def test_doubt_about_the_rate_widens_the_interval():
    good, poor = np.linspace(90, 90.2, 10), np.linspace(89, 89.2, 10)
    sure = {rules.adam: judged([good, poor], [1, 0]), rules.momentum: judged([good[::-1] - 0.5])}
    unsure = sure | {rules.adam: judged([good, poor])}
    one, two = (compare.differences(table) for table in (sure, unsure))
    assert two.high - two.low > 2 * (one.high - one.low)
    assert one.apart.all()
    assert not two.apart.any()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_other_images_widen_the_limits_as_a_sample_of_them_would(share):
    chance = np.random.default_rng(2)
    pair = {rules.adam: judged([chance.normal(90, 0.1, 10)]), rules.momentum: judged([chance.normal(89, 0.1, 10)])}
    right = np.zeros(10_000)
    other = np.where(np.arange(10_000) < 10_000 * share, 100.0, 0.0)  # right on so many images more
    given, drawn = (
        compare.differences(pair, images=images) for images in (None, {rules.adam: other, rules.momentum: right})
    )
    reach, wider = (found.high - found.mean for found in (given, drawn))
    farthest = compare._farthest(((0, 1),), 10, 0.95)
    assert wider**2 - reach**2 == pytest.approx((farthest * 100) ** 2 * share * (1 - share) / 9999, abs=1e-9)


def test_two_seeds_are_too_few():
    with pytest.raises(ValueError, match="2 seed"):
        compare.differences({rules.adam: judged([[1, 2]]), rules.momentum: judged([[1, 2]])})


def test_a_repeated_tuning_chooses_the_better_rate_always_and_equal_rates_alike():
    clear = tuned([[90, 91], [95, 96]], [0.1, 1.0])
    assert (clear.chosen() == 1).all()
    assert clear.best == 1.0
    assert not clear.inside
    close = tuned([[90, 96], [96, 90]], [0.1, 1.0])
    assert 0.2 < close.chosen().mean() < 0.3  # a tie goes to the lower rate: 1 of 4 draws has the second seed order


def test_both_widths():
    hill = tuned([[94], [96], [94]], [0.01, 0.1, 1.0])  # within a point of 96: half a decade on both sides
    low = tuned([[93], [95.5], [93]], [0.01, 0.1, 1.0])
    own, common = compare.widths({rules.adam: hill, rules.adagrad: low})[rules.adagrad]
    assert own == pytest.approx(0.8, abs=0.01)
    assert common == pytest.approx(0.4, abs=0.01)


def test_a_lucky_seed_does_not_raise_its_own_floor():
    lucky = tuned([[94, 96], [96, 94]], [0.1, 1.0])  # both rates 95 on average: within a point of it everywhere
    own, _ = compare.widths({rules.adam: lucky})[rules.adam]
    assert own == pytest.approx([1.0, 1.0])


def test_cost_of_a_target():
    history = descent.History("adam", {}, 128, losses=np.r_[np.full(100, 2.0), np.full(100, 1.0)], seconds=[4.0])
    assert compare.steps_to(history, 1.0, window=50) == 150
    assert compare.seconds_to(history, 1.0, window=50) == pytest.approx(3.0)
    assert compare.steps_to(history, 0.5) == np.inf
    assert [compare.stored(rule) for rule in rules.ALL] == [0, 1, 1, 1, 1, 2, 2, 2]


def test_profile():
    ratios, shares = compare.profile({rules.adam: [10, 20, np.inf], rules.momentum: [20, 10, 5]})[rules.adam]
    assert ratios.tolist() == [1, 2, np.inf]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
