"""Each alarm fires on what has its fault, and none on a healthy fit."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from tsrnn import (
    GRUForecaster,
    LSTMForecaster,
    Naive,
    RNNForecaster,
    SeasonalNaive,
    SimpleRNNForecaster,
    check,
    make_forecast_pipeline,
)
from tsrnn.alarms import CheckReport, _newest
from tsrnn.base import Forecaster
from tsrnn.leak_alarms import telling_covariate
from tsrnn.network_alarms import HeldOutLosses, diverging_loss, over_fitting
from tsrnn.network_inputs import held_out_cutoffs
from tsrnn.reading import read_panel

MONTHS = pd.date_range("2012-01", periods=108, freq="MS")
T = np.arange(108)
SEASON = pd.Series(30 + 8 * np.sin(2 * np.pi * T / 12), MONTHS, name="y")
SEASON += np.random.default_rng(0).normal(0, 0.5, 108)
WALK = pd.Series(np.random.default_rng(1).normal(size=300).cumsum())
N_TRAIN = 72


def autoregression(share, n, seed=0):
    """Values that keep a share of the one before."""
    shocks = np.random.default_rng(seed).normal(size=n)
    return pd.Series(lfilter([1], [1, -share], shocks))


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


def report(forecaster, X, n_train=N_TRAIN):
    return check(forecaster.fit(X[:n_train]), X[n_train:])


def fired(forecaster, X, n_train=N_TRAIN):
    return {alarm.name for alarm in report(forecaster, X, n_train).fired}


@pytest.fixture(scope="module")
def healthy():
    return GRUForecaster(3, units=8, max_epochs=30, random_state=0).fit(SEASON[:N_TRAIN])


def test_a_healthy_fit_raises_no_alarm(healthy):
    whole = check(healthy, SEASON)
    assert whole.fired == []
    assert list(whole.table.index) == [
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
    assert list(whole.table.columns) == ["fired", "value", "threshold", "remedy"]
    assert repr(whole).startswith("0 of 9 alarms fired\nok  shifted copy")
    following = check(healthy, SEASON[N_TRAIN:])
    assert following.table["value"].to_numpy() == pytest.approx(whole.table["value"].to_numpy())


def test_a_copy_of_the_last_value():
    assert "shifted copy" in fired(Naive(3), WALK, 200)
    of_season = report(Naive(3), SEASON)
    assert of_season.alarms[0].fired and "repeats that. Compare with Naive" in repr(of_season)


def test_a_copy_is_found_through_noise_and_half_a_copy_that_helps_is_none():
    noise = np.random.default_rng(2).normal(0, 0.3, 400)
    noisy = Stub(lambda v, c, r: (v[c] + noise[c][..., None])[..., 0] + 0.0 * r)
    assert "shifted copy" in fired(noisy, WALK, 200)
    returning = autoregression(0.5, 300)
    half = Stub(lambda v, c, r: v[c][..., 0] * 0.5 ** (r - c))
    assert fired(half, returning, 100) == set()


def test_a_smooth_series_that_goes_on_is_no_copy():
    smooth = pd.Series(np.sin(T / 8), MONTHS)
    going_on = Stub(lambda v, c, r: (v[c] + (r - c)[..., None] * (v[c] - v[c - 1]))[..., 0])
    assert "shifted copy" not in fired(going_on, smooth)


def test_worse_than_naive():
    assert "loses to naive" in fired(Stub(lambda v, c, r: 0 * r + 30.0), WALK, 200)
    assert "loses to naive" not in fired(Naive(3), WALK, 200)


def test_worse_than_naive_by_chance():
    returning = autoregression(0.5, 300)
    half = Stub(lambda v, c, r: v[c][..., 0] * 0.5 ** (r - c), horizon=1)
    parts = [report(half, returning[i : i + 20], 5).alarms[1] for i in range(0, 280, 10)]
    assert max(part.value for part in parts) > 1
    assert not any(part.fired for part in parts)


def test_nothing_to_lose():
    perfect = check(Naive(3).fit(0 * SEASON[:N_TRAIN] + 5), 0 * SEASON + 5)
    assert perfect.fired == []


def test_a_season_and_a_trend_in_the_residuals():
    names = fired(Stub(lambda v, c, r: 0 * r + 30.0), SEASON)
    assert "season in residuals" in names and "trend in residuals" not in names
    rising = SEASON + T**2 / 100
    names = fired(Stub(lambda v, c, r: before(v, c, r, 12)), rising)
    assert "trend in residuals" in names and "season in residuals" not in names


def test_a_season_that_the_forecaster_was_not_told():
    level = Stub(lambda v, c, r: 0 * r + 30.0, season_length=1)
    of_index = next(a for a in report(level, SEASON).alarms if a.name == "season in residuals")
    assert of_index.fired and "Give season_length=12" in of_index.remedy
    week = 30 + 4 * np.sin(2 * np.pi * np.arange(150) / 7)
    week += np.random.default_rng(0).normal(0, 1, 150)
    unlabelled = next(a for a in report(level, week).alarms if a.name == "season in residuals")
    assert unlabelled.fired and "Give season_length=7" in unlabelled.remedy


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_residuals_without_season_or_trend(share):
    constant = Stub(lambda v, c, r: 0.0 * r, horizon=1)
    draws = [autoregression(share, 108, seed).set_axis(MONTHS) for seed in range(15)]
    found = [fired(constant, months) - {"loses to naive"} for months in draws]
    assert sum(map(len, found)) <= 1


def test_series_that_move_together_count_as_fewer():
    shared = autoregression(0.0, 108, 3).set_axis(MONTHS)
    panel = pd.concat({i: shared + 0.01 * i for i in range(30)})
    constant = Stub(lambda v, c, r: 0.0 * r, horizon=1)
    constant.fit(panel.groupby(level=0).head(N_TRAIN))
    table = check(constant, panel).table
    alone = report(constant, shared).table
    names = ["season in residuals", "trend in residuals"]
    assert table.loc[names, "threshold"].to_numpy() == pytest.approx(
        alone.loc[names, "threshold"].to_numpy(), abs=0.02
    )


def test_missing_targets_keep_the_rhythm_of_residuals():
    gaps = SEASON.copy()
    gaps.iloc[N_TRAIN + 3 :: 5] = np.nan
    assert "season in residuals" in fired(Stub(lambda v, c, r: 0 * r + 30.0), gaps)


def test_a_reader_of_the_future():
    def smoothed(v, c, r):
        return (v[np.maximum(r - 1, 0)] + v[r] + v[np.minimum(r + 1, len(v) - 1)])[..., 0] / 3

    assert "leakage" in fired(Stub(smoothed), SEASON)
    assert "leakage" in fired(Stub(lambda v, c, r: v.mean() + 0.0 * r), SEASON)


def test_known_covariates_are_no_leak():
    rows = pd.DataFrame({"y": SEASON, "known": T % 5.0, "past": T % 7.0})
    f = GRUForecaster(2, target="y", past_covariates="past", units=4, max_epochs=2, random_state=0)
    table = check(f.fit(rows[:N_TRAIN]), rows).table
    assert table.loc["leakage", "value"] == 0 and table.loc["telling covariate", "value"] < 0.5
    by_y = GRUForecaster(2, units=4, max_epochs=2, random_state=0)
    by_y.fit(rows[["known"]][:N_TRAIN], rows["y"][:N_TRAIN])
    assert not check(by_y, rows[["known"]], rows["y"]).table.loc["leakage", "fired"]


@pytest.mark.parametrize(
    ("name", "covariate", "tells"),
    [
        ("the next value", lambda y: y.shift(-1), (True, True)),
        ("a value of later", lambda y: 5 - 2 * y.shift(-6), (True, True)),
        ("a mean around each", lambda y: y.rolling(5, center=True).mean(), (True, True)),
        ("a lag within the horizon", lambda y: y.shift(2), (True, False)),
        ("a mean of the past", lambda y: y.rolling(3).mean().shift(1), (True, False)),
        ("a lag beyond the horizon", lambda y: y.shift(4), (False, False)),
        ("the calendar", lambda y: np.sin(2 * np.pi * T / 12), (False, False)),
        ("a cause", lambda y: y + np.random.default_rng(5).normal(0, 0.5, 108), (False, False)),
    ],
)
def test_covariates_that_tell_the_target(name, covariate, tells):
    rows = pd.DataFrame({"y": SEASON, "x": covariate(SEASON)})[10:-10]
    for past, fires in zip([None, "x"], tells, strict=True):
        panel = read_panel(rows, None, target="y", past_covariates=past, static_covariates=None)
        alarm = telling_covariate(Naive(4).fit(SEASON), panel)
        assert alarm.fired == fires, name
    assert telling_covariate(Naive(4).fit(SEASON), read_panel(rows["y"], None)) is None


def test_a_covariate_from_the_future_is_named():
    rows = pd.DataFrame({"y": SEASON, "x": SEASON.rolling(3).mean().shift(1)})[3:]
    f = GRUForecaster(2, target="y", units=4, max_epochs=2, random_state=0)
    found = report(f, rows)
    assert "telling covariate" in {a.name for a in found.fired}
    assert "the covariate 'x'" in repr(found)
    mended = f.set_params(past_covariates="x")
    assert "telling covariate" not in fired(mended, rows)


def test_a_network_that_learned_noise_by_heart():
    noise = np.random.default_rng(0).normal(size=140)
    f = LSTMForecaster(
        2, units=24, context_length=12, max_epochs=150, learning_rate=0.01, random_state=0
    )
    assert "over-fitting" in fired(f, noise, 60)
    assert "over-fitting" not in fired(f.set_params(early_stopping=True), noise, 60)


def test_little_that_is_learned_by_heart_does_no_harm(healthy):
    losses = healthy.losses_
    read = HeldOutLosses(network=0.3, naive=1.0, untrained=1.0, luck=0.02)
    try:
        for trained, fires in [(0.2, False), (0.03, False), (0.01, True)]:
            healthy.losses_ = losses.assign(loss=trained)
            assert over_fitting(healthy, read).fired == fires
    finally:
        healthy.losses_ = losses


def test_units_of_a_simple_cell_that_are_driven_to_the_end():
    large = 5000 + 2000 * np.sin(2 * np.pi * np.arange(120) / 12)
    f = SimpleRNNForecaster(2, units=4, max_epochs=2, context_length=12, random_state=0)
    assert "dead units" not in fired(f, large, 80)
    assert "dead units" in fired(f.set_params(reference=None, scale=None), large, 80)


def test_a_loss_above_that_of_an_untrained_network():
    losses = pd.DataFrame({"member": 0, "epoch": range(4), "loss": [8.0, 7.0, 5.0, 4.0]})
    assert not diverging_loss(losses).fired
    assert not diverging_loss(losses, untrained=3.0).fired
    assert diverging_loss(losses, untrained=1.0).fired


def test_a_gradient_that_explodes():
    f = SimpleRNNForecaster(
        3, units=8, context_length=24, reference="mean", max_epochs=10, random_state=0
    )
    wild = {"optimizer": "sgd", "learning_rate": 3.0, "clipnorm": None}
    assert "diverging loss" not in fired(f, SEASON)
    assert "diverging loss" in fired(f.set_params(**wild), SEASON)


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


@pytest.mark.parametrize(
    ("values", "fires"),
    [
        ([1.0, 0.4, 0.3, 0.31], False),
        ([1.0, 0.4, 3.0, 0.3], True),
        ([1.0, 0.4, 0.9, 1.0], True),
        ([1.0, np.nan, 0.9, 0.8], True),
    ],
)
def test_a_loss_that_rises(values, fires):
    losses = pd.DataFrame({"member": 0, "epoch": range(4), "loss": values})
    assert diverging_loss(losses).fired == fires


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
