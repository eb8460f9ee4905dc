"""Estimates: values, intervals that cover, and what happens where there is nothing to measure."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from hullspace.comparison import Bootstrap
from hullspace.comparison.statistics import formatted

MAKE = Bootstrap(n_resamples=300)


def test_share_of_hits():
    found = MAKE.share("hits", "pixels", [True] * 30 + [False] * 70, "{value} of {n}", "proven")
    assert (found.value, found.n, found.unit, found.kind) == (0.3, 100, "share", "proven")
    assert 0.18 < found.low < 0.3 < found.high < 0.42
    assert found.sentence == "30.0 % of 100"
    assert str(found).startswith("30.0 % of 100 [2")


@pytest.mark.parametrize("hits", [np.zeros(20, bool), np.ones(20, bool)])
def test_share_of_all_or_none_has_the_exact_binomial_interval(hits):
    found = MAKE.share("hits", "pixels", hits, "{value}", "proven")
    width = 1 - 0.025 ** (1 / 20)
    expected = (1 - width, 1.0) if hits.all() else (0.0, width)
    assert (found.low, found.high) == pytest.approx(expected)


def test_medians_and_means_leave_out_what_is_not_finite():
    values = [1.0, 2.0, 6.0, np.nan, np.inf]
    median = MAKE.median("m", "pixels", values, "ratio", "{value}", "measured")
    assert (median.value, median.n, median.low, median.high) == (2.0, 3, 1.0, 6.0)
    assert MAKE.mean("m", "pixels", values, "ratio", "{value}", "measured").value == 3.0


def test_correlation_of_ranks_is_spearmans():
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    y = np.round(x + rng.normal(size=80), 1)
    found = MAKE.correlation("c", "pixels", x, y, "{value}", "measured")
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.low < found.value < found.high
    assert MAKE.correlation("c", "p", x, x**3, "{value}", "measured").value == pytest.approx(1.0)
    x[:10] = np.nan
    assert MAKE.correlation("c", "p", x, y, "{value}", "measured").n == 70


def test_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    errors = rng.random(200) < 0.2
    scores = np.round(rng.normal(size=200) + errors, 1)
    found = MAKE.area("a", "features", scores, errors, "{value}", "measured")
    assert found.value == pytest.approx(roc_auc_score(errors, scores))
    assert found.low < found.value < found.high
    assert found.n == 200


def test_area_of_perfect_and_of_constant_scores():
    errors = np.arange(10) < 3
    perfect = MAKE.area("a", "p", errors.astype(float), errors, "{value}", "measured")
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)
    assert MAKE.area("a", "p", np.full(10, 2.0), errors, "{value}", "measured").value == 0.5
    infinite = np.where(errors, np.inf, -np.inf)
    assert MAKE.area("a", "p", infinite, errors, "{value}", "measured").value == 1.0


@pytest.mark.parametrize(
    "found",
    [
        MAKE.share("some_share", "pixels", [], "{value}", "proven"),
        MAKE.median("m", "pixels", [np.nan], "ratio", "{value}", "proven"),
        MAKE.area("a", "pixels", np.ones(3), np.zeros(3, bool), "{value}", "proven"),
        MAKE.correlation("c", "pixels", np.ones(3), np.arange(3.0), "{value}", "proven"),
        MAKE.inverse_mean("d", "pixels", np.zeros(4), "dimensions", "{value}", "proven"),
    ],
    ids=lambda estimate: estimate.unit,
)
def test_nothing_to_measure(found):
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.sentence.endswith("(pixels): nothing to measure it on.")
    assert str(found) == found.sentence


def test_one_observation_has_no_interval():
    found = MAKE.mean("m", "pixels", [2.0], "ratio", "{value}", "measured")
    assert found.value == 2.0
    assert np.isnan([found.low, found.high]).all()
    assert "unknown" in str(found)


def test_intervals_cover():
    rng = np.random.default_rng(1)
    make = Bootstrap(n_resamples=200)
    covered = [
        found.low <= 1.0 <= found.high
        for _ in range(200)
        for found in [make.mean("m", "p", 1.0 + rng.normal(size=50), "ratio", "", "measured")]
    ]
    assert np.mean(covered) > 0.88


def test_the_seed_and_the_name_decide_the_resamples():
    values = np.random.default_rng(0).normal(size=30)

    def interval(seed, name):
        found = Bootstrap(50, seed).mean(name, "pixels", values, "ratio", "", "measured")
        return found.low, found.high

    assert interval(0, "a") == interval(0, "a")
    assert interval(0, "a") != interval(1, "a")
    assert interval(0, "a") != interval(0, "b")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 0), ValueError, "n_bootstrap must be at least 1"),
        ((2.5, 0), TypeError, "n_bootstrap must be an integer"),
        ((10, -1), ValueError, "random_state must be at least 0"),
        ((10, None), TypeError, "random_state must be an integer"),
    ],
)
def test_bad_settings(arguments, error, message):
    with pytest.raises(error, match=message):
        Bootstrap(*arguments)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.0, "share", "100.0 %"),
        (0.9999, "share", "more than 99.9 %"),
        (0.0001, "share", "less than 0.1 %"),
        (-0.031, "points", "-3.1 percentage points"),
        (62.25, "degrees", "62.2 degrees"),
        (0.8549, "area", "0.85"),
        (123.4, "ratio", "123"),
        (1234.5, "dimensions", "1,234"),
    ],
)
def test_values_as_they_are_read(value, unit, text):
    assert formatted(value, unit) == text
