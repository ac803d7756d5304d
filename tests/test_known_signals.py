"""Every cell in every architecture learns signals that naive forecasts miss."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.baselines import Naive, SeasonalNaive

HORIZON = 6
N_TRAIN, N_ROWS = 160, 184
CELLS = ("lstm", "gru", "simple_rnn")
ARCHITECTURES = {
    "seq2vec": {"architecture": "seq2vec"},
    "seq2seq": {"architecture": "seq2seq"},
    "parallel": {"architecture": "encoder_decoder"},
    "autoregressive": {"architecture": "encoder_decoder", "decoder": "autoregressive"},
    "vec2seq": {"architecture": "vec2seq"},
}
DATA = ("univariate", "multivariate", "panel", "covariates")
SETTINGS = {
    "horizon": HORIZON,
    "units": 16,
    "max_epochs": 40,
    "batch_size": 32,
    "learning_rate": 0.01,
    "reference": "mean",
    "random_state": 0,
}


def sine(t):
    """A wave of 17 steps, whatever season monthly data suggest."""
    return 10 + 3 * np.sin(2 * np.pi * t / 17)


def second_order(t):
    """AR(2): a cycle of about nine steps whose height and phase drift."""
    noise = np.random.default_rng(max(t[0], 0)).normal(0, 0.15, len(t) + 100)
    x = np.zeros(len(noise))
    for i in range(2, len(x)):
        x[i] = 1.53 * x[i - 1] - 0.995 * x[i - 2] + noise[i]
    return 20 + x[100:]


def trend_and_season(t):
    return 20 + 0.25 * t + 4 * np.sin(2 * np.pi * t / 12) + 2 * (t % 12 == 5)


SIGNALS = {"sine": sine, "ar2": second_order, "trend_season": trend_and_season}
# Mean absolute errors that the networks stay below, and naive forecasts do not.
BOUNDS = {"sine": 1.5, "ar2": 1.1, "trend_season": 2.5, "doubled": 3.0}


def monthly(values):
    return pd.Series(values, pd.period_range("2000-01", periods=len(values), freq="M"), name="y")


def split(rows):
    return rows.iloc[:N_TRAIN], rows.iloc[N_TRAIN:]


def univariate(signal):
    return split(monthly(SIGNALS[signal](np.arange(N_ROWS))))


def multivariate(signal):
    """A series, and itself three steps later."""
    longer = SIGNALS[signal](np.arange(-3, N_ROWS))
    return split(pd.DataFrame({"a": monthly(longer[3:]), "b": monthly(longer[:-3])}))


def panel(signal):
    """Three series of other phases and levels."""
    parts = {i: monthly(SIGNALS[signal](np.arange(N_ROWS) + 4 * i) + 30 * i) for i in range(3)}
    rows = pd.concat(parts, names=["series", "month"])
    by_series = rows.groupby(level=0)
    return by_series.head(N_TRAIN), by_series.tail(N_ROWS - N_TRAIN)


def doubled():
    """A wave that doubles in months whose dummy is 1, which is known in the future."""
    promo = (np.random.default_rng(0).random(N_ROWS) < 0.3) * 1.0
    return split(
        pd.DataFrame({"y": monthly(sine(np.arange(N_ROWS)) * (1 + promo)), "promo": promo})
    )


def response(shock, n_rows):
    """AR(2) after one shock, without noise: a swing that fades."""
    x = np.zeros(n_rows)
    x[0], x[1] = shock, 1.87 * shock
    for i in range(2, n_rows):
        x[i] = 1.87 * x[i - 1] - 0.94 * x[i - 2]
    return x


def launches():
    """Series that began one after the other, each by a shock that a static column names."""
    parts = {}
    for i, shock in enumerate((2.0, 1.0, 3.0, 1.5, 2.5, 1.2, 2.8, 2.2)):
        values = monthly(response(shock, 64 - 4 * i))
        values.index += 4 * i
        parts[f"launch {i}"] = pd.DataFrame({"y": values, "shock": shock})
    rows = pd.concat(parts, names=["series", "month"])
    later = rows.index.get_level_values("month") >= pd.Period("2004-05", "M")
    # The age of the oldest has no example.
    tested = later & (rows.index.get_level_values("series") > "launch 2")
    return rows[~tested], rows[tested]


def signal_of(cell, architecture, data):
    """Spread the signals so that each architecture meets all of them."""
    if data == "covariates":
        return "doubled"
    turn = CELLS.index(cell) + DATA.index(data)
    if architecture != "vec2seq":
        return list(SIGNALS)[turn % 3]
    # Without a history nobody can know the noise of an AR(2), only how it answers a shock.
    return "ar2" if data == "panel" else ("sine", "trend_season")[turn % 2]


def case(cell, architecture, data):
    """Training rows, test rows and settings."""
    signal = signal_of(cell, architecture, data)
    settings = SETTINGS | ARCHITECTURES[architecture]
    if data == "covariates":
        train, test = doubled()
        settings["target"] = "y"
    elif (architecture, data) == ("vec2seq", "panel"):
        train, test = launches()
        settings |= {"target": "y", "static_covariates": "shock", "loss": "mse"}
    else:
        train, test = {"univariate": univariate, "multivariate": multivariate, "panel": panel}[
            data
        ](signal)
    if architecture == "vec2seq":
        season = {"trend_season": 12, "ar2": 1}.get(signal, 17)
        settings |= {"season_length": season, "max_epochs": 150}
    else:
        settings["context_length"] = 24
    return train, test, settings


def error(forecaster, train, test):
    truth, forecasts = forecaster.fit(train).rolling_predict(test)
    return np.abs(truth - forecasts).mean()


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_learns_what_naive_forecasts_miss(architecture, cell, data):
    train, test, settings = case(cell, architecture, data)
    bound = BOUNDS[signal_of(cell, architecture, data)]
    roles = {name: settings[name] for name in settings.keys() & {"target", "static_covariates"}}
    naive = error(Naive(HORIZON, **roles), train, test)
    seasonal = error(SeasonalNaive(HORIZON, **roles), train, test)
    network = error(RNNForecaster(cell, **settings), train, test)
    assert network < bound < min(naive, seasonal)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_meets_every_signal(architecture):
    met = {signal_of(cell, architecture, data) for cell in CELLS for data in DATA}
    assert met == set(BOUNDS)


@pytest.mark.parametrize("cell", CELLS)
def test_vec2seq_forecasts_a_series_without_history(cell):
    train, _, settings = case(cell, "vec2seq", "panel")
    train = train.groupby(level=0).head(24)
    forecaster = RNNForecaster(cell, **settings | {"max_epochs": 400}).fit(train)
    months = pd.period_range("2006-01", periods=12, freq="M")
    index = pd.MultiIndex.from_product([["new"], months], names=["series", "month"])
    unseen = pd.DataFrame({"y": np.nan, "shock": 2.6}, index)
    forecasts = forecaster.predict(unseen)
    assert forecasts.index.equals(index)
    truth = response(2.6, 12)
    average = train["y"].groupby(level=0).head(12).to_numpy().reshape(8, 12).mean(axis=0)
    errors = [np.abs(truth - f).mean() for f in (forecasts["y"].to_numpy(), average)]
    assert errors[0] < 0.5 < errors[1]
