"""Mixes of past seasons as what forecasts are measured from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn import GRUForecaster, auto
from tsrnn.nn.network import build
from tsrnn.reading import read_panel
from tsrnn.season_means import season_means, season_spans, seasons_ahead

TINY = {"horizon": 5, "units": 4, "max_epochs": 2, "batch_size": 32, "random_state": 0}
few = settings(max_examples=50, deadline=None)
ARCHITECTURES = ["seq2vec", "seq2seq", "encoder_decoder"]


def workdays(n_days: int = 42) -> pd.Series:
    """Hourly load that is high in the daytime of workdays."""
    hours = pd.date_range("2024-01-01", periods=24 * n_days, freq="h")
    noise = np.random.default_rng(0).normal(0, 0.1, len(hours))
    return pd.Series(((hours.day_of_week < 5) & (hours.hour > 8)) * 5.0 + noise, hours)


def test_the_week_is_found_where_it_is():
    y = workdays()
    assert auto.seasons((24, 168), read_panel(y)) == (24, 168)
    assert auto.seasons((24, 168), read_panel(y[:300])) == (24,)
    every_day = pd.Series(np.tile(y[:24], 42), y.index)
    noise = np.random.default_rng(1).normal(size=len(y))
    assert auto.seasons((24, 168), read_panel(every_day + noise)) == (24,)
    assert auto.seasons((24, 168), read_panel(y * 0)) == (24,)


def test_half_of_the_series_decide():
    y = workdays()
    rng = np.random.default_rng(1)
    noise = {k: pd.Series(rng.normal(size=len(y)), y.index) for k in range(2)}
    panel = pd.concat({"work": y, **noise}, names=["series", "t"])
    assert auto.seasons((24, 168), read_panel(panel)) == (24,)
    both = pd.concat({"work": y, "too": y, 0: noise[0]}, names=["series", "t"])
    assert auto.seasons((24, 168), read_panel(both)) == (24, 168)


def test_a_trend_is_no_week():
    hours = np.arange(1200)
    noise = np.random.default_rng(0).normal(0, 0.3, 1200)
    y = pd.Series(0.05 * hours + np.sin(2 * np.pi * hours / 24) + noise, workdays(50).index)
    assert auto.seasons((24, 168), read_panel(y)) == (24,)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_columns_in_other_units_count_alike(unit):
    y = workdays()
    noise = pd.Series(np.random.default_rng(1).normal(0, unit, len(y)), y.index)
    assert auto.seasons((24, 168), read_panel(pd.DataFrame({0: y, 1: y, 2: noise}))) == (24, 168)
    assert auto.seasons((24, 168), read_panel(pd.DataFrame({0: y, 1: noise, 2: noise}))) == (24,)


def test_what_a_user_asks_for_is_believed():
    options = TINY | {"context_length": 24, "max_epochs": 1, "stride": 20}
    forecaster = GRUForecaster(**options, season_length=[12, 6], reference="seasons")
    forecaster.fit(workdays().to_numpy()[:200])
    assert forecaster.season_lengths_ == (6, 12)
    assert forecaster.season_length_ == 6
    assert forecaster.encoding_.spans == ((6, 1), (6, 2), (6, 4), (12, 1), (12, 2))


@few
@given(st.lists(st.integers(1, 30), min_size=1, max_size=3, unique=True), st.integers(1, 200))
def test_spans_halve_the_context(seasons, context_length):
    seasons = tuple(sorted(seasons))
    spans = season_spans(seasons, context_length)
    assert len(set(spans)) == len(spans)
    for season in seasons:
        numbers = [number for length, number in spans if length == season]
        most = context_length // season
        assert numbers == ([] if not most and season > seasons[0] else sorted(numbers))
        if numbers:
            assert numbers[0] == 1 and numbers[-1] == max(most, 1)
            assert all(a == (b + 1) // 2 for a, b in zip(numbers, numbers[1:], strict=False))


@few
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 30), st.integers(0, 9))
def test_means_are_of_what_is_seen_of_the_own_series(season, number, before, first):
    rng = np.random.default_rng(before)
    values = rng.normal(size=(first + before + 1, 2))
    values[rng.random(values.shape) < 0.2] = np.nan
    row = first + before
    means = season_means(values, np.full(len(values), first), ((season, number),))[row, 0]
    own = values[first:][::-1][: number * season : season]
    for mean, column in zip(means, own.T, strict=True):
        seen = column[~np.isnan(column)]
        np.testing.assert_allclose(mean, seen.mean() if len(seen) else np.nan)


@few
@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20))
def test_means_do_not_depend_on_how_many_rows_are_averaged_at_once(at_once, first, second):
    lengths = np.array([first, second])
    rng = np.random.default_rng(first)
    values = rng.normal(size=(lengths.sum(), 2))
    values[rng.random(values.shape) < 0.2] = np.nan
    firsts = np.repeat([0, first], lengths)
    spans = ((2, 1), (2, 3), (5, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsrnn.season_means._NUMBERS_AT_ONCE", at_once)
        some = season_means(values, firsts, spans)
    np.testing.assert_array_equal(some, season_means(values, firsts, spans))


@few
@given(st.integers(1, 6), st.integers(1, 12), st.integers(1, 30), st.integers(0, 9))
def test_steps_ahead_repeat_the_last_season(season, horizon, length, first):
    values = np.random.default_rng(length).normal(size=(first + length, 1))
    spans = ((season, 1), (season, 2), (2 * season, 1))
    cutoffs, firsts = np.array([first + length - 1]), np.array([first])
    ahead = seasons_ahead(values, values[-1:], cutoffs, firsts, horizon, spans)[0, ..., 0]
    means = season_means(values, np.full(len(values), first), spans)[..., 0]
    assert (ahead[:, 0] == values[-1, 0]).all()
    for step in range(horizon):
        for j, (period, _) in enumerate(spans):
            row = first + length - period + step % period
            expected = means[row, j] if row >= first else values[-1, 0]
            assert ahead[step, 1 + j] == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("share_targets", [True, False])
def test_an_untrained_network_mixes_the_last_value_and_past_seasons(architecture, share_targets):
    y = pd.DataFrame({"a": np.sin(np.arange(60.0)), "b": np.arange(60.0) % 7})
    options = TINY | {"learning_rate": 1e-12, "reference": "seasons", "context_length": 16}
    forecaster = GRUForecaster(
        **options, season_length=4, architecture=architecture, share_targets=share_targets
    ).fit(y)
    assert forecaster.encoding_.spans == ((4, 1), (4, 2), (4, 4))
    known = y.to_numpy()
    days = known[-16:].reshape(4, 4, 2)
    parts = [np.tile(known[-1], (4, 1)), days[-1], days[-2:].mean(axis=0), days.mean(axis=0)]
    weights = np.array([np.exp(2.0), 1, 1, 1])
    mix = np.einsum("jhk,j->hk", parts, weights / weights.sum())
    np.testing.assert_allclose(forecaster.predict(), mix[[0, 1, 2, 3, 0]], atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_and_prediction_read_the_same_seasons(architecture):
    """The loss of the trained network is the error of its forecasts, in units of the window."""
    y = pd.Series(np.sin(np.arange(30.0)) + np.arange(30) % 5)
    forecaster = GRUForecaster(
        **TINY | {"horizon": 4, "max_epochs": 1, "learning_rate": 1e-12},
        reference="seasons", scale=None, season_length=5, context_length=20,
        architecture=architecture,
    ).fit(y)  # fmt: skip
    assert forecaster.n_windows_ == 7
    cutoffs = np.arange(19, 26)
    forecasts = forecaster.predict_at(y, cutoffs).to_numpy().reshape(7, 4)
    truth = y.to_numpy()[cutoffs[:, None] + np.arange(1, 5)]
    error = np.abs(forecasts - truth).mean()
    if architecture != "seq2seq":  # whose loss is that of earlier steps too
        assert forecaster.losses_["loss"][0] == pytest.approx(error, rel=1e-4)


def test_the_network_learns_which_season_to_follow():
    """Every other week is another pattern: two weeks tell all, one week nothing."""
    rng = np.random.default_rng(0)
    week = rng.normal(size=14)
    y = np.tile(week, 30) + rng.normal(0, 0.01, 420)
    forecaster = GRUForecaster(
        7, season_length=[7, 14], context_length=14, reference="seasons", units=4, max_epochs=30,
        batch_size=32, learning_rate=0.02, random_state=0,
    ).fit(y[:406])  # fmt: skip
    error = np.abs(forecaster.predict() - y[406:413]).mean()
    naive = np.abs(y[399:406] - y[406:413]).mean()
    assert error < 0.1 * naive


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_dropout_changes_no_order_of_the_weights(architecture):
    """Forecasts run a network without dropout, with the weights of the one with it."""
    y = np.arange(60.0) % 7
    options = TINY | {"reference": "seasons", "season_length": 4, "context_length": 16}
    forecaster = GRUForecaster(**options, architecture=architecture, dropout=0.5).fit(y)
    names = [v.path for v in build(forecaster.spec_).weights]
    assert names == [v.path for v in build(replace(forecaster.spec_, dropout=0.0)).weights]
    assert np.isfinite(forecaster.predict()).all()


def test_missing_values_and_short_series_have_a_mix():
    y = pd.concat(
        {"long": pd.Series(np.arange(60.0) % 4), "short": pd.Series(np.arange(7.0) % 4)},
        names=["s", "t"],
    )
    y.iloc[[3, 20, 30, 58]] = np.nan
    options = TINY | {"horizon": 2, "reference": "seasons", "season_length": 4}
    with pytest.warns(UserWarning, match="missing target"):
        forecaster = GRUForecaster(**options).fit(y)
    assert np.isfinite(forecaster.predict()).all()


def test_the_model_is_a_keras_model_with_an_input_for_seasons():
    y = pd.Series(np.sin(np.arange(40.0)))
    forecaster = GRUForecaster(**TINY, reference="seasons", season_length=4).fit(y)
    spec = forecaster.spec_
    assert spec.n_seasons == 5  # the last value, means of 1, 2, 3 and all 5 seasons
    assert {t.name: t.shape[1:] for t in build(spec).inputs}["seasons"] == (5, 5, 1)
    assert forecaster.model_.get_layer("season_weights").units == 5


def test_a_warm_start_keeps_what_auto_chose_as_the_data_grow():
    y = np.arange(500.0) % 7
    options = TINY | {"reference": "seasons", "stride": 9}
    forecaster = GRUForecaster(**options, warm_start=True)
    days = pd.date_range("2024", periods=500)
    forecaster.fit(pd.Series(y[:330], days[:330]))
    context = forecaster.spec_.context_length
    forecaster.fit(pd.Series(y, days))
    assert forecaster.spec_.context_length == context
    assert GRUForecaster(**options).fit(pd.Series(y, days)).spec_.context_length > context


def test_a_warm_start_of_other_seasons_is_refused_and_changes_nothing():
    y = np.arange(80.0) % 7
    options = TINY | {"reference": "seasons", "context_length": 28, "stride": 9}
    forecaster = GRUForecaster(**options, season_length=[4, 14], warm_start=True).fit(y)
    forecast = forecaster.predict()
    forecaster.set_params(season_length=[4, 10])
    assert len(forecaster.encoding_.spans) == 6
    with pytest.raises(ValueError, match="the network of the last fit was another"):
        forecaster.fit(y)
    assert forecaster.season_lengths_ == (4, 14)
    assert np.array_equal(forecaster.predict(), forecast)


def test_means_skip_what_is_missing():
    """A missing value is not that of the row before, which has another phase."""
    values = np.array([[0.0], [10.0], [np.nan], [30.0], [4.0], [50.0]])
    filled_last = np.array([[50.0]])
    ahead = seasons_ahead(values, filled_last, np.array([5]), np.array([0]), 2, ((2, 1), (2, 3)))
    np.testing.assert_allclose(ahead[0, :, :, 0], [[50.0, 4.0, 2.0], [50.0, 50.0, 30.0]])
