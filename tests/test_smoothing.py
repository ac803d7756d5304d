"""The pool of exponential smoothers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from tsrnn import GRUForecaster, LSTMForecaster
from tsrnn.shrinkage import network_share
from tsrnn.smoothing import _SEASONS, _first_states, _Smoothers, smooth

TINY = {"horizon": 3, "units": 2, "max_epochs": 1, "batch_size": 16, "random_state": 0}
few = settings(max_examples=40, deadline=None)


def after_all(values, season, horizon):
    """Forecasts that follow one series."""
    offsets = np.array([0, len(values)])
    values = np.asarray(values, float)[:, None]
    return smooth(values, offsets, season, horizon, offsets[1:] - 1)[0, :, 0]


def seasonal(n, noise=0.0, seed=0):
    t = np.arange(n)
    return (
        50 + 0.5 * t + 6 * np.sin(t * np.pi / 2) + np.random.default_rng(seed).normal(0, noise, n)
    )


@pytest.mark.parametrize(("slope", "season"), [(0.0, 1), (2.0, 1), (-0.5, 1), (0.0, 4), (1.5, 4)])
def test_continues_a_line(slope, season):
    values = 100 + slope * np.arange(40)
    assert np.allclose(after_all(values, season, 6), 100 + slope * np.arange(40, 46), rtol=1e-4)


def test_continues_a_trend_with_a_season():
    assert np.allclose(after_all(seasonal(44)[:40], 4, 4), seasonal(44)[40:], rtol=1e-3)


def test_a_season_that_grows_with_the_level_is_better_read_as_a_logarithm():
    t = np.arange(66)
    values = np.exp(0.03 * t + 0.6 * np.sin(t * np.pi / 3))
    truth, forecast = values[60:], after_all(values[:60], 6, 6)
    below_zero = after_all(values[:60] - 100, 6, 6) + 100  # has no logarithm
    assert np.abs(forecast - truth).mean() < 0.5 * np.abs(below_zero - truth).mean()


@pytest.mark.parametrize("season", [1, 4])
def test_each_smoother_is_that_of_statsmodels(season):
    values = seasonal(40, noise=2.0)
    warm = 2 * season if season > 1 else 3
    smoothers = _Smoothers(values[None, :warm], season, (0.3,), ((0.2, 0.9),))
    for value in values[warm:]:
        smoothers.observe(np.array([value]))
    forecasts = smoothers.forecast(np.arange(1, 6), slice(None))[0]
    level, slope, shape = (state[0] for state in _first_states(values[None, :warm], season))
    shape = np.roll(shape, -(warm % season))
    gammas = [0.0] if season == 1 else [0.0, *_SEASONS]
    for k, gamma in enumerate(gammas):
        unseasonal = season == 1 or k == 0
        model = ETSModel(
            values[warm:],
            trend="add",
            damped_trend=True,
            seasonal=None if unseasonal else "add",
            seasonal_periods=None if unseasonal else season,
            initialization_method="known",
            initial_level=level,
            initial_trend=slope,
            initial_seasonal=None if unseasonal else shape,
        )
        own = [0.3, 0.06, 0.9] if unseasonal else [0.3, 0.06, gamma * 0.7, 0.9]
        first = [] if unseasonal else list(shape[::-1])
        expected = model.smooth([*own, level, slope, *first]).forecast(5)
        damped_holt = len(gammas) * 2 + k
        assert np.allclose(forecasts[damped_holt], expected)


@few
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 59), st.integers(0, 10**6))
def test_nothing_after_a_row_changes_its_forecast(season, horizon, row, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(20, 5, (60, 2))
    values[rng.random((60, 2)) < 0.1] = np.nan
    offsets = np.array([0, 60])
    before = smooth(values, offsets, season, horizon, np.array([row]))
    values[row + 1 :] = rng.choice([np.nan, -1e6, 1e6], (59 - row, 2))
    assert np.array_equal(
        smooth(values, offsets, season, horizon, np.array([row])), before, equal_nan=True
    )


@few
@given(st.lists(st.integers(1, 25), min_size=1, max_size=5), st.integers(1, 4))
def test_series_are_smoothed_each_by_itself(lengths, season):
    values = np.random.default_rng(sum(lengths)).normal(5, 2, (sum(lengths), 1))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.random.default_rng(0).permutation(len(values))
    together = smooth(values, offsets, season, 2, rows)
    for row, forecast in zip(rows, together, strict=True):
        first = offsets[np.searchsorted(offsets, row, side="right") - 1]
        length = row + 1 - first
        alone = smooth(
            values[first : row + 1], np.array([0, length]), season, 2, np.array([length - 1])
        )
        assert np.allclose(alone[0], forecast, equal_nan=True)
        warm = 2 * season if season > 1 else 3
        assert np.isnan(forecast).all() == (length < warm)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e6, 1e12])
def test_forecasts_follow_units(factor):
    values = seasonal(40, noise=2.0)
    assert np.allclose(after_all(values * factor, 4, 5), after_all(values, 4, 5) * factor)


@pytest.mark.parametrize("value", [0.0, 7.0, -5.0, 1e-9, -1e12])
@pytest.mark.parametrize("n", [8, 9, 20])
def test_constant_series_forecast_themselves(value, n):
    assert np.allclose(after_all(np.full(n, value), 4, 3), value, rtol=1e-12)


def test_missing_values_are_stepped_over():
    values = seasonal(60, noise=0.5)
    values[[0, 1, 20, 21, 35, 59]] = np.nan
    forecast = after_all(values, 4, 4)
    assert np.allclose(forecast, seasonal(64)[60:], atol=2.0)


def test_a_value_that_has_no_logarithm_is_no_trouble():
    values = np.exp(seasonal(60, noise=0.5) / 10)
    values[[30, 45]] = 0.0, -3.0
    assert np.isfinite(after_all(values, 4, 4)).all()


def test_a_forecast_after_an_outlier_stays_in_bounds():
    values = np.r_[np.full(20, 1e-6), 1e6, np.full(5, 1.0)]
    assert np.abs(after_all(values, 4, 12)).max() < 1e8


# --- in a forecaster -------------------------------------------------------------------------


def shops(n_shops, n_rows=40):
    parts = {s: pd.Series(seasonal(n_rows, 1.0, seed=s)) for s in range(n_shops)}
    return pd.concat(parts, names=["shop", "t"])


def test_an_untrained_network_forecasts_what_is_smoothed():
    y = shops(3)
    still = GRUForecaster(**TINY | {"learning_rate": 1e-30}, reference="smoothing", season_length=4)
    forecasts = still.fit(y).predict().to_numpy().reshape(3, 3)
    offsets = np.arange(4) * 40
    expected = smooth(y.to_numpy()[:, None], offsets, 4, 3, offsets[1:] - 1)[..., 0]
    assert np.allclose(forecasts, expected)


def test_histories_too_short_to_smooth_forecast_their_last_value():
    forecaster = GRUForecaster(**TINY, reference="smoothing", season_length=4, scale=None)
    forecaster.fit(shops(3))
    forecaster.encoding_ = type(forecaster.encoding_)(**vars(forecaster.encoding_) | {"share": 0.0})
    new = pd.concat({"new": pd.Series([3.0, 5.0])}, names=["shop", "t"])
    assert np.array_equal(forecaster.predict(new), [5.0, 5.0, 5.0])


def test_the_whole_past_is_remembered():
    y = shops(2, 200)
    forecaster = GRUForecaster(**TINY, context_length=4, reference="smoothing", season_length=4)
    forecaster.fit(y.groupby(level=0).head(150))
    forecaster.update(y.groupby(level=0).tail(50))
    assert np.array_equal(forecaster.predict(), forecaster.predict(y))


def test_what_the_network_explains_decides_its_share():
    """Smoothing cannot see why values alternate in runs; here nothing is left to learn."""
    y = shops(3)
    plain = LSTMForecaster(**TINY, reference="smoothing", season_length=4).fit(y)
    assert plain.encoding_.share < 0.6
    signs = np.sign(np.sin(np.arange(300.0) ** 1.02 * 2.1))
    learnt = LSTMForecaster(
        **TINY | {"max_epochs": 60, "units": 8, "horizon": 1},
        reference="smoothing",
        context_length=8,
    ).fit(10 + signs)
    assert learnt.encoding_.share > 0.8


def test_what_weighs_nothing_does_not_decide_the_share():
    y = shops(3)
    spoilt, weight = y.copy(), np.ones(len(y))
    spoilt.iloc[20:30] = np.random.default_rng(0).normal(0, 1e4, 10)
    weight[10:40] = 0
    forecaster = GRUForecaster(**TINY | {"max_epochs": 20}, reference="smoothing", season_length=4)
    share = forecaster.fit(spoilt, sample_weight=weight).encoding_.share
    assert share == pytest.approx(forecaster.fit(y[40:]).encoding_.share, abs=0.25)


def test_two_targets_members_and_steps_beyond_the_horizon():
    y = shops(2).to_frame("a").assign(b=lambda table: 3 * table["a"] + 7)
    still = GRUForecaster(
        **TINY | {"learning_rate": 1e-30}, reference="smoothing", season_length=4, n_members=2
    ).fit(y)
    rows = y.groupby(level=0).tail(1).index
    ahead = pd.MultiIndex.from_tuples([(s, t + k) for s, t in rows for k in range(1, 6)])
    longer = pd.concat([y, pd.DataFrame(np.nan, ahead.set_names(y.index.names), y.columns)])
    forecasts = still.predict(longer.sort_index())
    assert forecasts.shape == (10, 2)
    assert np.isfinite(forecasts).all().all()
    offsets = np.array([0, 40, 80])
    expected = smooth(y.to_numpy(), offsets, 4, 3, offsets[1:] - 1)
    assert np.allclose(forecasts.to_numpy().reshape(2, 5, 2)[:, :3], expected)


def test_a_warm_start_keeps_what_auto_chose():
    many = GRUForecaster(**TINY, season_length=4, context_length=4, warm_start=True)
    many.fit(shops(30, 20))
    assert many.encoding_.reference == "smoothing"
    many.fit(shops(5, 20))
    assert (many.encoding_.reference, many.encoding_.scale) == ("smoothing", "mean_absolute")


def test_windows_that_are_no_series_are_not_smoothed():
    X = np.random.default_rng(0).normal(size=(40, 8, 1))
    y = np.random.default_rng(1).normal(size=(40, 3))
    assert GRUForecaster(**TINY).fit(X, y).encoding_.reference == "last"


@pytest.mark.parametrize(
    ("without", "explained", "share"),
    [(1.0, 0.0, 0.0), (1.0, -0.5, 0.0), (2.0, 0.05, 0.51), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)],
)
def test_shares(without, explained, share):
    errors = np.full(5, without * (1 - explained))
    assert network_share(errors, np.full(5, without)) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("n_series", "n_rows", "columns", "reference"),
    [
        (30, 20, 1, "smoothing"),
        (1, 40, 1, "smoothing"),
        (30, 20, 2, "smoothing"),
        (1, 1100, 1, "season"),
        (250, 900, 1, "season"),
    ],
)
def test_short_series_are_smoothed_by_default(n_series, n_rows, columns, reference):
    index = pd.MultiIndex.from_product([range(n_series), range(n_rows)], names=["s", "t"])
    values = np.random.default_rng(0).normal(size=(len(index), columns))
    table = pd.DataFrame(values, index, [f"y{k}" for k in range(columns)])
    settings = TINY | {"horizon": 1, "batch_size": 512, "context_length": 4, "stride": 5}
    forecaster = GRUForecaster(**settings, season_length=4).fit(table)
    assert forecaster.encoding_.reference == reference
