"""Each alarm fires on what has its fault, and none on a healthy fit."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import (
    GRUForecaster,
    LSTMForecaster,
    Naive,
    RNNForecaster,
    SeasonalNaive,
    check,
    make_forecast_pipeline,
)
from tsrnn.alarms import CheckReport, _newest
from tsrnn.base import Forecaster
from tsrnn.network_inputs import held_out_cutoffs

MONTHS = pd.date_range("2012-01", periods=108, freq="MS")
T = np.arange(108)
SEASON = pd.Series(30 + 8 * np.sin(2 * np.pi * T / 12), MONTHS, name="y")
SEASON += np.random.default_rng(0).normal(0, 0.5, 108)
WALK = pd.Series(np.random.default_rng(1).normal(size=300).cumsum())
N_TRAIN = 72


class Stub(Forecaster):
    """Forecasts with any rule of (panel, cutoffs, steps)."""

    def __init__(self, rule=None, horizon=3, season_length="auto"):
        self.rule = rule
        self.horizon = horizon
        self.season_length = season_length

    def _fit(self, panel):
        pass

    def _forecast(self, panel, series, cutoffs, n_steps):
        rows = np.minimum(cutoffs[:, None] + 1 + np.arange(n_steps), len(panel.values) - 1)
        return self.rule(panel.targets, cutoffs[:, None], rows)[..., None]


def before(values, cutoffs, rows, lag):
    """Values a lag before each row, never from after the cutoff."""
    return values[np.minimum(rows - lag, cutoffs), 0]


def fired(forecaster, X, n_train=N_TRAIN):
    return {alarm.name for alarm in check(forecaster.fit(X[:n_train]), X).fired}


@pytest.fixture(scope="module")
def healthy():
    return GRUForecaster(3, units=8, max_epochs=30, random_state=0).fit(SEASON[:N_TRAIN])


def test_a_healthy_fit_raises_no_alarm(healthy):
    report = check(healthy, SEASON)
    assert report.fired == []
    assert list(report.table.index) == [
        "shifted copy",
        "loses to naive",
        "season in residuals",
        "trend in residuals",
        "leakage",
        "diverging loss",
        "over-fitting",
        "saturated gates",
        "dead units",
    ]
    assert list(report.table.columns) == ["fired", "value", "threshold", "remedy"]
    assert repr(report).startswith("0 of 9 alarms fired\nok  shifted copy")
    following = check(healthy, SEASON[N_TRAIN:])
    assert following.table["value"].to_numpy() == pytest.approx(report.table["value"].to_numpy())


def test_a_copy_of_the_last_value():
    assert "shifted copy" in fired(Naive(3), WALK, 200)
    report = check(Naive(3).fit(SEASON[:N_TRAIN]), SEASON)
    assert report.alarms[0].fired and "repeats that. Compare with Naive" in repr(report)


def test_a_smooth_series_that_goes_on_is_no_copy():
    smooth = pd.Series(np.sin(T / 8), MONTHS)
    going_on = Stub(lambda v, c, r: (v[c] + (r - c)[..., None] * (v[c] - v[c - 1]))[..., 0])
    assert "shifted copy" not in fired(going_on, smooth)


def test_worse_than_naive():
    assert "loses to naive" in fired(Stub(lambda v, c, r: 0 * r + 30.0), WALK, 200)
    assert "loses to naive" not in fired(Naive(3), WALK, 200)
    perfect = check(Naive(3).fit(0 * SEASON[:N_TRAIN] + 5), 0 * SEASON + 5)
    assert perfect.fired == []


def test_a_season_and_a_trend_in_the_residuals():
    names = fired(Stub(lambda v, c, r: 0 * r + 30.0), SEASON)
    assert "season in residuals" in names and "trend in residuals" not in names
    rising = SEASON + T**2 / 100
    names = fired(Stub(lambda v, c, r: before(v, c, r, 12)), rising)
    assert "trend in residuals" in names and "season in residuals" not in names


def test_a_reader_of_the_future():
    def smoothed(v, c, r):
        return (v[np.maximum(r - 1, 0)] + v[r] + v[np.minimum(r + 1, len(v) - 1)])[..., 0] / 3

    assert "leakage" in fired(Stub(smoothed), SEASON)
    assert "leakage" in fired(Stub(lambda v, c, r: v.mean() + 0.0 * r), SEASON)


def test_known_covariates_are_no_leak():
    rows = pd.DataFrame({"y": SEASON, "known": T % 5.0, "past": T % 7.0})
    f = GRUForecaster(2, target="y", past_covariates="past", units=4, max_epochs=2, random_state=0)
    table = check(f.fit(rows[:N_TRAIN]), rows).table
    assert table.loc["leakage", "value"] == 0
    by_y = GRUForecaster(2, units=4, max_epochs=2, random_state=0)
    by_y.fit(rows[["known"]][:N_TRAIN], rows["y"][:N_TRAIN])
    assert not check(by_y, rows[["known"]], rows["y"]).table.loc["leakage", "fired"]


def test_a_network_that_learned_noise_by_heart():
    noise = pd.Series(np.random.default_rng(0).normal(size=90))
    f = LSTMForecaster(
        2, units=24, context_length=12, max_epochs=150, learning_rate=0.01, random_state=0
    )
    assert "over-fitting" in fired(f, noise, 60)


def lstm(weight):
    """Fit for a moment, then set all weights of the recurrent layer to one number."""
    f = LSTMForecaster(2, units=3, max_epochs=1, context_length=12, random_state=0)
    f.fit(SEASON[:N_TRAIN])
    kernel, recurrent, bias, *rest = f.weights_[0]
    f.weights_ = [[0 * kernel, 0 * recurrent, 0 * bias + weight, *rest]]
    return {alarm.name for alarm in check(f, SEASON).fired}


def test_gates_that_stay_open_and_units_that_stay_still():
    assert {"saturated gates"} == lstm(20.0) & {"saturated gates", "dead units"}
    assert {"saturated gates", "dead units"} <= lstm(-20.0)


def test_a_loss_that_rises(healthy):
    losses = healthy.losses_
    try:
        for values, fires in [
            ([1.0, 0.4, 0.3, 0.31], False),
            ([1.0, 0.4, 3.0, 0.3], True),
            ([1.0, 0.4, 0.9, 1.0], True),
            ([1.0, np.nan, 0.9, 0.8], True),
        ]:
            healthy.losses_ = pd.DataFrame({"member": 0, "epoch": range(4), "loss": values})
            healthy.best_epoch_, kept = 3, healthy.best_epoch_
            alarm = next(a for a in check(healthy, SEASON).alarms if a.name == "diverging loss")
            healthy.best_epoch_ = kept
            assert alarm.fired == fires
    finally:
        healthy.losses_ = losses


def test_of_each_forecaster_what_can_be_measured():
    n = len(check(SeasonalNaive(3).fit(SEASON[:N_TRAIN]), SEASON).alarms)
    assert n == 5
    simple = RNNForecaster("simple_rnn", 3, units=2, max_epochs=1).fit(SEASON[:N_TRAIN])
    assert "saturated gates" not in check(simple, SEASON).table.index
    launch = RNNForecaster("gru", 3, architecture="vec2seq", units=2, max_epochs=1)
    assert "dead units" not in check(launch.fit(SEASON[:N_TRAIN]), SEASON).table.index


def test_a_panel_is_followed_series_by_series(monkeypatch):
    panel = pd.concat({"a": SEASON, "b": 40 * SEASON})
    known = panel.groupby(level=0).head(N_TRAIN)
    f = GRUForecaster(3, units=8, max_epochs=30, random_state=0).fit(known)
    assert check(f, panel).fired == []
    cutoffs = held_out_cutoffs(f, panel, None)
    monkeypatch.setattr("tsrnn.alarms._MOST_CUTOFFS", 20)
    _, series, rows = _newest(cutoffs)
    assert np.bincount(series).tolist() == [10, 10]
    assert (rows[:10] == cutoffs[2][cutoffs[1] == 0][-10:]).all()


def test_what_cannot_be_checked(healthy):
    with pytest.raises(ValueError, match="no row of X follows the training data"):
        check(healthy, SEASON[:N_TRAIN])
    with pytest.raises(TypeError, match="give X as rows"):
        check(healthy, np.zeros((3, 4, 1)))
    with pytest.raises(TypeError, match="not a ForecastPipeline; of a pipeline give the last"):
        check(make_forecast_pipeline(healthy), SEASON)
    assert repr(CheckReport([])) == "0 of 0 alarms fired"
