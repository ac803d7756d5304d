"""Scores of intervals, quantiles and samples against direct formulas; the test of two models."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, t
from sklearn.metrics import mean_pinball_loss
from statsmodels.regression.linear_model import OLS

from tsrnn.baselines import Drift, HistoricAverage, Naive, SeasonalNaive
from tsrnn.metrics import (
    crps_from_quantiles,
    crps_from_samples,
    interval_coverage,
    mase,
    msis,
    pinball_loss,
    wape,
    weighted_quantile_loss,
)
from tsrnn.model_comparison import _long_run_variance
from tsrnn.model_selection import RollingOriginSplit, backtest, diebold_mariano

RNG = np.random.default_rng(0)
LEVELS = np.array([0.1, 0.3, 0.5, 0.9])
TRUE = RNG.normal(10, 3, (8, 3))
QUANTILES = np.sort(RNG.normal(10, 3, (8, 3, 4)), axis=-1)
WEIGHTS = RNG.uniform(0.5, 2, 8)
numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


def as_frames(labels=LEVELS):
    rows = pd.period_range("2024-01", periods=8, freq="M")
    columns = pd.MultiIndex.from_product([["a", "b", "c"], labels])
    return (
        pd.DataFrame(TRUE, rows, ["a", "b", "c"]),
        pd.DataFrame(QUANTILES.reshape(8, -1), rows, columns),
    )


# Against scikit-learn and direct formulas


def test_pinball_loss_is_the_mean_of_scikit_learns():
    expected = [
        np.mean(
            [
                mean_pinball_loss(TRUE[:, j], QUANTILES[:, j, k], alpha=q, sample_weight=WEIGHTS)
                for k, q in enumerate(LEVELS)
            ]
        )
        for j in range(3)
    ]
    how = {"quantiles": LEVELS, "sample_weight": WEIGHTS}
    scores = pinball_loss(TRUE, QUANTILES, multioutput="raw_values", **how)
    np.testing.assert_allclose(scores, expected)
    assert pinball_loss(TRUE, QUANTILES, **how) == pytest.approx(np.mean(expected))


def test_weighted_quantile_loss_by_loops():
    losses = [
        2
        * sum(max(q * (y - f), (q - 1) * (y - f)) for y, f in zip(TRUE[:, 0], column, strict=True))
        for q, column in zip(LEVELS, QUANTILES[:, 0].T, strict=True)
    ]
    expected = np.mean(losses) / np.abs(TRUE[:, 0]).sum()
    score = weighted_quantile_loss(TRUE[:, 0], QUANTILES[:, 0], quantiles=LEVELS)
    assert score == pytest.approx(expected)


def test_weighted_quantile_loss_of_the_median_is_the_wape():
    median = QUANTILES[..., [2]]
    score = weighted_quantile_loss(TRUE, median, quantiles=[0.5])
    assert score == pytest.approx(wape(TRUE, median[..., 0]))
    assert weighted_quantile_loss([0, 0], [[0], [1]], quantiles=[0.5]) == np.inf


def test_msis_by_loops():
    train = RNG.normal(10, 3, (30, 3))
    lower, upper = QUANTILES[..., 0], QUANTILES[..., -1]
    total = np.zeros(3)
    for y, low, high in zip(TRUE, lower, upper, strict=True):
        total += high - low + 2 / 0.05 * ((low - y) * (y < low) + (y - high) * (y > high))
    expected = total / 8 / np.abs(train[4:] - train[:-4]).mean(axis=0)
    how = {"coverage": 0.95, "y_train": train, "season_length": 4}
    scores = msis(TRUE, lower, upper, multioutput="raw_values", **how)
    np.testing.assert_allclose(scores, expected)


def test_msis_of_an_interval_without_width_is_a_mase():
    score = msis([6, 7], [5, 9], [5, 9], coverage=0.9, y_train=[1, 3, 2, 5])
    assert score == pytest.approx(20 * mase([6, 7], [5, 9], y_train=[1, 3, 2, 5]))


def test_coverage_counts_bounds_and_weights():
    assert interval_coverage([1, 2, 3], [1, 0, 0], [9, 2, 1]) == pytest.approx(2 / 3)
    assert interval_coverage([1, 3], [0, 0], [2, 2], sample_weight=[3, 1]) == 0.75


@settings(max_examples=50, deadline=None)
@given(arrays(float, st.integers(2, 9), elements=numbers), numbers)
def test_crps_from_samples_is_the_mean_over_pairs(draws, y):
    m = len(draws)
    spread = np.abs(draws[:, None] - draws).sum()
    for fair, n_pairs in ((True, m * (m - 1)), (False, m * m)):
        expected = np.abs(draws - y).mean() - spread / n_pairs / 2
        score = crps_from_samples([y], draws[None], fair=fair)
        assert score == pytest.approx(expected, abs=1e-6, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(arrays(float, st.integers(1, 9), elements=numbers), numbers)
def test_sorted_draws_are_quantiles_with_the_same_crps(draws, y):
    levels = (np.arange(len(draws)) + 0.5) / len(draws)
    from_quantiles = crps_from_quantiles([y], np.sort(draws)[None], quantiles=levels)
    from_samples = crps_from_samples([y], draws[None], fair=False)
    assert from_quantiles == pytest.approx(from_samples, abs=1e-6, rel=1e-9)


def test_crps_approaches_that_of_a_normal_distribution():
    y = np.array([-1.0, 0.2, 2.5])
    exact = (y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)).mean()
    levels = np.concatenate([np.linspace(0.001, 0.2, 400), np.linspace(0.2, 0.999, 400)[1:]])
    quantiles = np.tile(norm.ppf(levels), (3, 1))
    assert crps_from_quantiles(y, quantiles, quantiles=levels) == pytest.approx(exact, abs=1e-3)
    draws = np.random.default_rng(0).normal(size=(3, 20_000))
    assert crps_from_samples(y, draws) == pytest.approx(exact, abs=0.02)


def test_a_fair_score_does_not_depend_on_the_number_of_draws():
    rng = np.random.default_rng(0)
    y = rng.normal(size=40_000)
    fair = [crps_from_samples(y, rng.normal(size=(len(y), m))) for m in (2, 20)]
    unfair = [crps_from_samples(y, rng.normal(size=(len(y), m)), fair=False) for m in (2, 20)]
    assert fair[0] == pytest.approx(fair[1], abs=0.02)
    assert unfair[0] > unfair[1] + 0.2


# Containers and errors


@pytest.mark.parametrize("score", [pinball_loss, weighted_quantile_loss, crps_from_quantiles])
def test_frames_bring_their_levels(score):
    y, quantiles = as_frames()
    assert score(y, quantiles) == pytest.approx(score(TRUE, QUANTILES, quantiles=LEVELS))
    one = quantiles["b"]
    raw = score(y, quantiles, multioutput="raw_values")
    assert score(y["b"], one) == pytest.approx(raw[1])


def test_frames_of_other_rows_or_outputs_are_refused():
    y, quantiles = as_frames()
    with pytest.raises(ValueError, match="differ in index"):
        pinball_loss(y, quantiles.shift(1, freq="M"))
    with pytest.raises(ValueError, match=r"in the same order"):
        pinball_loss(y[["b", "a", "c"]], quantiles)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pinball_loss([1, 2], [[1], [2]]), "quantiles is None"),
        (lambda: pinball_loss([1, 2], [[1], [2]], quantiles=[1.0]), "between 0 and 1"),
        (lambda: pinball_loss([1, 2], [[1], [2]], quantiles=[0.1, 0.2]), "one level for each"),
        (lambda: pinball_loss([1, 2], [[1, 1]], quantiles=[0.1, 0.2]), "y_quantiles has shape"),
        (lambda: pinball_loss([1], [[np.nan]], quantiles=[0.1]), "y_quantiles is nan"),
        (lambda: pinball_loss(TRUE, QUANTILES[:, :2], quantiles=LEVELS), r"\(rows, outputs\)"),
        (lambda: crps_from_quantiles([1], [[1, 2]], quantiles=[0.9, 0.1]), "must ascend"),
        (lambda: crps_from_samples([1], [[1]]), "fair=True needs two draws"),
        (lambda: interval_coverage([1], [2], [1]), "y_lower is 2.0, above y_upper 1.0"),
        (lambda: msis([1], [0], [2], coverage=95, y_train=[1, 2]), "coverage=95"),
        (lambda: msis([1], [0], [2], coverage=0.9, y_train=[1]), "no more than season_length"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The Diebold-Mariano test


@pytest.fixture(scope="module")
def walk():
    times = pd.date_range("2020", periods=120, freq="D")
    values = np.random.default_rng(1).normal(size=(120, 2)).cumsum(axis=0)
    return pd.DataFrame(values, times, ["a", "b"])


def differences_of(result, first, second, power):
    """Mean loss by cutoff of one model less that of the other, by a plain loop."""
    table, folds = result.table, result.details["fold"]
    by_fold = []
    for fold in sorted(folds.unique()):
        rows = table[folds == fold]
        error = (rows["y_true"] - rows["y_pred"]).abs() ** power
        by_fold.append(error[rows["model"] == first].mean() - error[rows["model"] == second].mean())
    return np.array(by_fold)


@pytest.mark.parametrize(("loss", "power"), [("absolute", 1), ("squared", 2)])
@pytest.mark.parametrize(("step", "n_lags"), [(1, 3), (2, 1), (4, 0), (7, 0)])
def test_the_statistic_is_that_of_statsmodels_with_the_small_sample_factor(
    walk, step, n_lags, loss, power
):
    cv = RollingOriginSplit(12, horizon=4, step=step)
    result = backtest([Naive(4), HistoricAverage(4)], walk, cv=cv, refit=False)
    test = diebold_mariano(result, "Naive", "HistoricAverage", loss=loss)
    differences = differences_of(result, "Naive", "HistoricAverage", power)
    assert (test.n_cutoffs, test.n_lags) == (12, n_lags)
    robust = {"maxlags": n_lags, "kernel": "uniform"}
    fit = OLS(differences, np.ones(12)).fit(cov_type="HAC", cov_kwds=robust)
    h = n_lags + 1
    factor = np.sqrt((12 + 1 - 2 * h + h * (h - 1) / 12) / 12)
    assert test.mean_difference == pytest.approx(differences.mean())
    assert test.statistic == pytest.approx(factor * fit.tvalues[0])
    assert test.pvalue == pytest.approx(2 * t.sf(abs(test.statistic), 11))


def test_negative_variances_are_weighted():
    alternating = np.tile([1.0, -1.0], 5)  # autocovariances 1 and -0.9
    assert _long_run_variance(alternating, 1) == pytest.approx(1 - 2 * 0.9 / 2)
    assert _long_run_variance(alternating, 2) == pytest.approx(1 - 2 * 0.9 + 2 * 0.8)


def test_exchanged_models_change_the_sign_only(walk):
    result = backtest([Naive(), HistoricAverage()], walk, cv=RollingOriginSplit(20))
    there = diebold_mariano(result, "Naive", "HistoricAverage")
    back = diebold_mariano(result, "HistoricAverage", "Naive")
    assert (there.statistic, there.pvalue) == pytest.approx((-back.statistic, back.pvalue))
    assert there.statistic < 0
    assert there.pvalue < 0.05


def test_equal_models_and_constant_differences(walk):
    same = {"one": Naive(), "two": Naive()}
    result = backtest(same, walk, cv=RollingOriginSplit(5))
    assert diebold_mariano(result, "one", "two")[:2] == (0, 1)
    line = pd.Series(np.arange(20.0))
    result = backtest([Drift(), Naive()], line, cv=RollingOriginSplit(5))
    assert diebold_mariano(result, "Drift", "Naive")[:2] == (-np.inf, 0)


def test_equally_good_models_are_rejected_as_rarely_as_promised():
    rng = np.random.default_rng(0)
    n_rejected = 0
    for _ in range(100):
        noise = pd.Series(rng.normal(size=40))
        cv = RollingOriginSplit(20)
        models = {"last": Naive(), "before": SeasonalNaive(season_length=2)}
        result = backtest(models, noise, cv=cv, refit=False, season_length=1)
        n_rejected += diebold_mariano(result, "last", "before", loss="squared").pvalue < 0.1
    assert 3 <= n_rejected <= 20


def test_a_panel_counts_one_difference_a_cutoff(walk):
    panel = pd.concat({"x": walk[["a"]], "y": walk[["a"]] * 2 + 1}, names=["id", "day"])
    cv = RollingOriginSplit(6, horizon=3)
    models = [Naive(3), HistoricAverage(3)]
    one, two = (backtest(models, X, cv=cv, refit=False) for X in (walk[["a"]], panel))
    single, both = (diebold_mariano(r, "Naive", "HistoricAverage") for r in (one, two))
    assert both.n_cutoffs == 6
    assert both.mean_difference == pytest.approx(1.5 * single.mean_difference)
    assert both.pvalue == pytest.approx(single.pvalue)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"second": "ETS"}, "'ETS' is no model"),
        ({"loss": "cubic"}, "loss='cubic'"),
        ({"step": 5}, "step=5 was not forecast"),
    ],
)
def test_unknown_names_are_errors(walk, change, message):
    result = backtest([Naive(2), Drift(2)], walk, cv=RollingOriginSplit(3, horizon=2))
    arguments = {"first": "Naive", "second": "Drift"} | change
    with pytest.raises(ValueError, match=message):
        diebold_mariano(result, **arguments)


def test_too_few_cutoffs_are_an_error(walk):
    cv = RollingOriginSplit(3, horizon=4, step=1)
    result = backtest([Naive(4), Drift(4)], walk, cv=cv)
    with pytest.raises(ValueError, match="n_splits >= 4"):
        diebold_mariano(result, "Naive", "Drift")
