"""Baselines that follow from a rule: values by hand, panels, gaps, no leakage."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone

from tsrnn import baselines
from tsrnn.baselines import Drift, HistoricAverage, Naive, SeasonalNaive

RULES = [Naive, SeasonalNaive, Drift, HistoricAverage]
NAN = np.nan


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Naive(3), [8, 8, 8]),
        (SeasonalNaive(5, season_length=3), [6, 2, 8, 6, 2]),
        (SeasonalNaive(2, season_length=[4, 3]), [6, 2]),
        (SeasonalNaive(2, season_length=7), [8, 8]),  # shorter than a season
        (Drift(3), [9.25, 10.5, 11.75]),
        (HistoricAverage(2), [5, 5]),
    ],
)
def test_values_by_hand(rule, expected):
    assert rule.fit([3.0, 6.0, 6.0, 2.0, 8.0]).predict() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Naive(2), [7, 7]),
        (SeasonalNaive(4, season_length=4), [1, 5, 7, 4]),
        (Drift(2), [9, 10]),
        (HistoricAverage(2), [4.5, 4.5]),
    ],
)
def test_gaps_are_passed_over(rule, expected):
    # Drift: from 1 at step 0 to 7 at step 6; the first forecast is for step 8.
    y = np.array([1, 2, 8, 4, NAN, 5, 7, NAN])
    forecast = rule.fit(y).predict_at(y, [7], n_steps=len(expected))
    assert forecast[0].to_numpy() == pytest.approx(expected)


def test_season_follows_from_the_time_index(monthly):
    forecast = SeasonalNaive(24).fit(monthly).predict()
    assert list(forecast[:12]) == list(monthly[-12:]) == list(forecast[12:])
    assert forecast.index[0] == monthly.index[-1] + pd.offsets.MonthBegin()


@pytest.mark.parametrize("rule", RULES)
def test_panel_equals_its_series(rule, panel):
    together = rule(6, target="sales").fit(panel).predict()
    for shop in "abc":
        alone = rule(6, target="sales").fit(panel.loc[shop]).predict()
        assert together.loc[shop]["sales"].to_numpy() == pytest.approx(alone["sales"].to_numpy())


@pytest.mark.parametrize("rule", RULES)
def test_targets_are_forecast_side_by_side(rule, monthly):
    frame = pd.DataFrame({"a": monthly, "b": monthly**2})
    both = rule(4).fit(frame).predict()
    for name in frame:
        assert both[name].to_numpy() == pytest.approx(rule(4).fit(frame[name]).predict().to_numpy())


@pytest.mark.parametrize("rule", RULES)
def test_many_cutoffs_equal_many_fits(rule, panel):
    fitted = rule(3, target="sales").fit(panel)
    cutoffs = np.array([4, 30, 90, 100, 150, 260])
    at_once = fitted.predict_at(panel, cutoffs)["sales"].to_numpy().reshape(-1, 3)
    series = pd.factorize(panel.index.get_level_values(0))[0][cutoffs]
    first = np.array([0, 96, 187])[series]
    for row, begin, cutoff in zip(at_once, first, cutoffs, strict=True):
        history = panel["sales"].iloc[begin : cutoff + 1].droplevel(0)
        history.index.freq = "MS"
        assert row == pytest.approx(rule(3).fit(history).predict().to_numpy())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    arrays(float, 36, elements=st.floats(-1e9, 1e9) | st.just(np.nan)),
)
def test_rules_in_panels_are_those_of_loops(lengths, values):
    starts = np.cumsum(lengths) - lengths
    values = values[: sum(lengths)]
    values[starts] = np.nan_to_num(values[starts])
    index = [(s, t) for s, length in enumerate(lengths) for t in range(length)]
    data = pd.Series(values, pd.MultiIndex.from_tuples(index))
    ends = np.cumsum(lengths) - 1
    mean, last = (
        rule(1).fit(data).predict_at(data, ends).to_numpy()[:, 0]
        for rule in (HistoricAverage, Drift)
    )
    for s, own in data.groupby(level=0):
        own = own.droplevel(0)
        assert mean[s] == pytest.approx(own.mean(), abs=1e-6)
        seen = own.dropna()
        slope = (seen.iloc[-1] - seen.iloc[0]) / max(seen.index[-1] - seen.index[0], 1)
        expected = seen.iloc[-1] + slope * (len(own) - seen.index[-1])
        assert last[s] == pytest.approx(expected, rel=1e-9, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    arrays(float, 30, elements=st.floats(-1e9, 1e9) | st.just(np.nan)),
    st.integers(1, 28),
    st.data(),
)
def test_no_bit_depends_on_what_follows_the_cutoff(values, cutoff, data):
    values[0] = 1.0
    other = values.copy()
    behind = arrays(float, 29 - cutoff, elements=st.floats(-1e9, 1e9) | st.just(np.nan))
    other[cutoff + 1 :] = data.draw(behind)
    for rule in RULES:
        fitted = rule(3, season_length=4).fit(np.arange(30.0))
        before = fitted.predict_at(values, [0, cutoff]).to_numpy()
        assert np.isfinite(before).all()
        assert (before == fitted.predict_at(other, [0, cutoff]).to_numpy()).all()


@pytest.mark.parametrize("rule", RULES)
def test_history_moves_on_without_refit(rule, monthly):
    whole = rule(4).fit(monthly).predict()
    fitted = rule(4).fit(monthly[:-9])
    assert fitted.predict(monthly).to_numpy() == pytest.approx(whole.to_numpy())
    assert fitted.update(monthly[-9:]).predict().to_numpy() == pytest.approx(whole.to_numpy())


@pytest.mark.parametrize("rule", RULES)
def test_covariates_are_accepted_and_ignored(rule, monthly):
    x = np.arange(100.0)[:, None]
    rows = rule(2).fit(x[:96], monthly.to_numpy()).predict(x[96:])
    assert rows == pytest.approx(rule(4).fit(monthly.to_numpy()).predict())


def test_score_of_the_yardstick_is_zero(monthly):
    assert SeasonalNaive(12).fit(monthly[:72]).score(monthly[72:]) == 0
    assert Naive(12).fit(monthly[:72]).score(monthly[72:]) < 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e12, 1e307])
def test_extreme_scales(rule, scale):
    y = np.array([1.0, -2.0, 3.0, 0.5, 7.0])
    assert rule(3).fit(y * scale).predict() / scale == pytest.approx(rule(3).fit(y).predict())


@pytest.mark.parametrize("rule", RULES)
def test_one_value_is_enough(rule):
    assert rule(2, season_length=12).fit([5.0]).predict() == pytest.approx([5, 5])


@pytest.mark.parametrize("rule", RULES)
def test_no_value_is_an_error_that_says_where(rule, panel):
    empty = panel.copy()
    empty.loc["b", "sales"] = np.nan
    with pytest.raises(ValueError, match="series 'b': target 'sales' has no observed value"):
        rule(target="sales").fit(empty)
    late = panel.copy()
    late.iloc[:10, 0] = np.nan
    with pytest.raises(ValueError, match="series 'a': .* up to 2015-04-01"):
        rule(target="sales").fit(panel).predict_at(late, [3])


@pytest.mark.parametrize("rule", RULES)
def test_plain_scikit_learn(rule, monthly):
    fitted = rule(horizon=5, season_length=6).fit(monthly)
    assert clone(fitted).get_params() == fitted.get_params()
    again = pickle.loads(pickle.dumps(fitted)).predict()
    pd.testing.assert_series_equal(again, fitted.predict())


def test_statsmodels_is_imported_by_those_who_use_it():
    code = (
        "import sys; from tsrnn.baselines import ETS, SeasonalNaive\n"
        "SeasonalNaive().fit([1.0, 2.0]).predict()\n"
        "assert not any(name.startswith('statsmodels') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    assert set(baselines.__all__) <= set(dir(baselines))
