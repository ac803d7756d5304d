"""Memory and importance, on networks and data whose memory and causes are known."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from tsrnn import (
    GRUForecaster,
    SimpleRNNForecaster,
    check,
    gradient_by_lag,
    memory_length,
    permutation_importance,
)
from tsrnn.lag_gradient import influence_beyond
from tsrnn.permutation import _groups
from tsrnn.plotting_importance import PermutationImportanceDisplay

CONTEXT = 20
GAIN = 0.48


def decaying_data():
    """Each value is GAIN times the sum of 0.5**(lag - 1) times the past, and some noise."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=220)
    for t in range(CONTEXT, len(y)):
        y[t] = said(y, t, CONTEXT) + 0.1 * rng.normal()
    return y


def said(y, t, kept):
    return GAIN * sum(0.5**lag * value for lag, value in enumerate(y[t - kept : t][::-1]))


@pytest.fixture(scope="module")
def decaying():
    """Forecaster that knows how those data are made; so near 0 its tanh is a straight line."""
    f = SimpleRNNForecaster(
        units=1, max_epochs=1, context_length=CONTEXT, reference=None, scale=None, random_state=0
    ).fit(decaying_data()[:150])
    weights = [[[1e-3]], [[0.5]], [0.0], [[GAIN * 1e3]], [0.0]]
    f.weights_ = [[np.array(w, np.float32) for w in weights]]
    return f


def test_the_lag_of_a_network_that_decays(decaying):
    y = decaying_data()
    memory = memory_length(decaying, y[150:])
    shares = 0.5 ** np.arange(CONTEXT)
    beyond = 1 - np.cumsum(shares) / shares.sum()
    assert memory.lag == np.argmax(beyond < 0.01) + 1 == 7
    assert memory.table.index.to_list() == [1, 2, 4, 7, 8, 16, 20]
    expected = beyond[memory.table.index - 1]
    assert memory.table["beyond"].to_numpy() == pytest.approx(expected, rel=1e-2, abs=1e-6)
    assert memory_length(decaying, y[150:], threshold=0.3).lag == 2


def test_the_error_of_a_cut_context_is_measured(decaying):
    y = decaying_data()
    memory = memory_length(decaying, y[150:])
    for kept, row in memory.table.iterrows():
        expected = np.mean([abs(y[t] - said(y, t, kept)) for t in range(150, 220)])
        assert row["mae"] == pytest.approx(expected, rel=1e-3)
    relative = memory.table["relative"]
    assert relative.iloc[0] > 1.1 and relative.iloc[-1] == 1
    assert memory.context_length in (4, 7, 8)
    assert (relative[relative.index >= memory.context_length] <= 1.01).all()
    assert memory_length(decaying, y[150:], tolerance=9.0).context_length == 1


def test_without_held_out_data_the_gradient_alone_tells(decaying):
    memory = memory_length(decaying)
    assert list(memory.table.columns) == ["beyond"]
    assert memory.lag == memory.context_length == 7


def test_a_network_that_learned_to_answer_the_third_last_value():
    X = np.random.default_rng(0).normal(size=(700, 12, 1))
    y = X[:, -3]
    f = GRUForecaster(
        units=8,
        max_epochs=40,
        batch_size=32,
        learning_rate=0.02,
        reference=None,
        scale=None,
        segment_length=1,
        random_state=0,
    ).fit(X[:500], y[:500])
    memory = memory_length(f, X[500:], y=y[500:], threshold=0.2, tolerance=0.5)
    assert memory.lag == 3 and memory.context_length in (3, 4)
    relative = memory.table["relative"]
    assert relative[2] > 4 and relative[4] < 1.5
    gradients = gradient_by_lag(f, X[500:])[1]
    assert gradients.idxmax() == 3 and gradients[3] == pytest.approx(1, abs=0.2)
    groups = [(1, 2), (3, 3), (4, 12)]
    importance = permutation_importance(
        f, X[500:], y[500:], lag_groups=groups, n_repeats=2, random_state=0
    )
    assert importance.table["mean"].idxmax() == ("lags", "3")


def test_nothing_read_is_no_memory(decaying):
    zero = pd.DataFrame({1: np.zeros(4)})
    assert influence_beyond(zero).tolist() == [0] * 5
    old, decaying.weights_ = decaying.weights_, [[0 * w for w in decaying.weights_[0]]]
    memory = memory_length(decaying, decaying_data()[150:])
    decaying.weights_ = old
    assert memory.lag == 0 and memory.context_length == 1
    assert (memory.table["relative"] == 1).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": 1.0}, "threshold=1.0 must be a number >= 0 and < 1"),
        ({"tolerance": -1}, "tolerance=-1 must be a number >= 0"),
        ({"n_windows": 0}, "n_windows=0 must be a whole number >= 1"),
    ],
)
def test_parameters_of_memory_length(decaying, wrong, message):
    with pytest.raises(ValueError, match=message):
        memory_length(decaying, **wrong)


# --- importance -----------------------------------------------------------------------------


def driven():
    """Targets made of the known covariate and of their own last value; `idle` does nothing."""
    rng = np.random.default_rng(0)
    known, idle = rng.normal(size=(2, 160))
    y = np.zeros(160)
    for t in range(1, 160):
        y[t] = 0.6 * y[t - 1] + known[t] + 0.05 * rng.normal()
    days = pd.date_range("2024", periods=160, freq="D")
    return pd.DataFrame({"y": y, "known": known, "idle": idle}, days)


@pytest.fixture(scope="module")
def fitted():
    return GRUForecaster(
        target="y",
        units=6,
        context_length=8,
        max_epochs=25,
        batch_size=16,
        reference=None,
        scale=None,
        random_state=0,
    ).fit(driven()[:120])


def test_what_drives_the_forecasts_is_important(fitted):
    importance = permutation_importance(fitted, driven(), n_repeats=3, random_state=0)
    table = importance.table
    assert list(table.columns) == ["mean", "std", "relative"]
    assert table.index.to_list() == [
        ("covariate", "known"),
        ("covariate", "idle"),
        ("lags", "1"),
        ("lags", "2 to 3"),
        ("lags", "4 to 8"),
    ]
    mean = table["mean"]
    assert mean["covariate", "known"] > 3 * abs(mean["covariate", "idle"])
    assert mean["lags", "1"] > 3 * abs(mean["lags", "4 to 8"])
    assert table["relative"].to_numpy() == pytest.approx(mean.to_numpy() / importance.error)


def test_the_error_is_that_of_predict_at(fitted):
    rows = driven()
    importance = permutation_importance(fitted, rows, n_repeats=1, random_state=0)
    forecasts = fitted.predict_at(rows, np.arange(119, 159))
    expected = np.abs(forecasts["y"].to_numpy() - rows["y"].to_numpy()[120:]).mean()
    assert importance.error == pytest.approx(expected, rel=1e-6)


def test_the_seed_decides(fitted):
    tables = [
        permutation_importance(fitted, driven(), n_repeats=2, random_state=seed).table
        for seed in (0, 0, 1)
    ]
    assert tables[0].equals(tables[1]) and not tables[0].equals(tables[2])


def test_static_covariates_change_places_among_series():
    frames = {}
    for i, shop in enumerate("abc"):
        frames[shop] = driven()[["y"]].assign(size=float(i))
    panel = pd.concat(frames)
    f = GRUForecaster(target="y", static_covariates="size", units=2, max_epochs=1, random_state=0)
    f.fit(panel.groupby(level=0).head(120))
    table = permutation_importance(f, panel, n_repeats=2, lag_groups=[(1, 2)]).table
    assert table.index.to_list() == [("covariate", "size"), ("lags", "1 to 2")]


@pytest.mark.parametrize(
    ("context", "groups"),
    [
        (1, [(1, 1)]),
        (2, [(1, 2)]),
        (3, [(1, 1), (2, 3)]),
        (8, [(1, 1), (2, 3), (4, 8)]),
        (15, [(1, 1), (2, 3), (4, 7), (8, 15)]),
    ],
)
def test_groups_of_lags(context, groups):
    assert _groups(None, context) == groups


def test_parameters_of_permutation_importance(fitted):
    for wrong, message in [
        ({"lag_groups": [(1, 9)]}, r"lag_groups has \(1, 9\): give .* <= context_length=8"),
        ({"n_repeats": 0}, "n_repeats=0 must be a whole number >= 1"),
        ({"block_length": 0}, "block_length=0 must be a whole number >= 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            permutation_importance(fitted, driven(), **wrong)


def test_importance_is_drawn_as_bars(fitted):
    display = PermutationImportanceDisplay.from_estimator(
        fitted, driven(), n_repeats=2, random_state=0
    )
    display.figure_.canvas.draw()
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["known", "idle", "lag 1", "lags 2 to 3", "lags 4 to 8"]
    importance = permutation_importance(fitted, driven(), n_repeats=2, random_state=0)
    drawn = importance.plot(title="a").ax_
    widths = [bar.get_width() for bar in drawn.patches]
    assert widths == pytest.approx(importance.table["mean"].to_list())
    plt.close("all")


@pytest.mark.parametrize("look", [check, memory_length, permutation_importance])
def test_rows_without_targets_cannot_be_compared_with(look):
    """Also where X begins with the training data, whose targets are known."""
    y = pd.Series(np.sin(np.arange(40.0)), pd.period_range("2020", periods=40, freq="Y"))
    options = {"reference": "last", "context_length": 8, "units": 2, "max_epochs": 1}
    forecaster = GRUForecaster(**options, random_state=0).fit(y[:30])
    y[30:] = np.nan
    with pytest.raises(ValueError, match="nothing to compare with"):
        look(forecaster, y)
