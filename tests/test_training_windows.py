"""Which windows are trained on and which are held out, against slow loops."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn import GRUForecaster, LSTMForecaster, auto
from tsrnn.planning import plan_validation
from tsrnn.reading import read_panel
from tsrnn.training_windows import choose_windows, held_out
from tsrnn.windows import training_windows

TINY = {"units": 2, "max_epochs": 1, "random_state": 0}


def months(n_rows):
    return pd.period_range("2010-01", periods=n_rows, freq="M", name="month")


def panel_of(lengths):
    parts = {i: pd.Series(np.sin(np.arange(n)), months(n)) for i, n in enumerate(lengths)}
    return read_panel(pd.concat(parts, names=["series", "month"]))


def held_out_slowly(windows, fraction):
    parts = np.zeros(len(windows), dtype=np.int64)
    for s in np.unique(windows.series):
        own = np.flatnonzero(windows.series == s)
        own = own[np.argsort(windows.cutoffs[own])]
        n = int(np.ceil(len(own) * fraction)) if len(own) > 1 else 0
        if n:
            border = windows.cutoffs[own[-n]] - windows.horizon
            parts[own] = np.where(windows.cutoffs[own] > border, 2, 0)
            parts[own[-n:]] = 1
    return parts


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(2, 20), min_size=1, max_size=5),
    context_length=st.integers(0, 4),
    horizon=st.integers(1, 4),
    stride=st.integers(1, 3),
    fraction=st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]),
    data=st.data(),
)
def test_what_is_held_out(lengths, context_length, horizon, stride, fraction, data):
    windows = training_windows(panel_of(lengths), context_length, horizon, stride)
    windows = windows[np.array(data.draw(st.permutations(range(len(windows)))), dtype=int)]
    parts = held_out(windows, fraction)
    assert parts.tolist() == held_out_slowly(windows, fraction).tolist()
    if fraction:
        assert ((parts == 1).any()) == bool((np.bincount(windows.series) > 1).any())


def test_all_is_learned_from_unless_early_stopping_is_asked_for():
    """800 series of three years hold 10,400 windows: those of validation overlap all others."""
    windows = training_windows(panel_of([36] * 800), 24, 12, min_context=12)
    assert len(windows) == 10_400
    assert np.bincount(held_out(windows, 0.1)).tolist() == [0, 1600, 8800]
    stopping = LSTMForecaster(12, early_stopping=True)
    with pytest.raises(ValueError, match=r"10400 windows 1600 are held out .* give 1 more rows"):
        plan_validation(stopping, windows)
    longer = training_windows(panel_of([84] * 800), 24, 12, min_context=12)
    assert (plan_validation(stopping, longer) == held_out(longer, 0.1)).all()
    assert plan_validation(LSTMForecaster(12), longer) is None


@pytest.mark.parametrize(("stride", "fraction"), [(1, 0.1), (1, 0.4), (3, 0.1), (5, 0.3)])
def test_the_rows_that_early_stopping_lacks(stride, fraction):
    forecaster = GRUForecaster(
        4, stride=stride, early_stopping=True, validation_fraction=fraction, context_length=6
    )

    def plan(n_rows):
        return plan_validation(forecaster, training_windows(panel_of([n_rows]), 6, 4, stride))

    n_rows = 6 + 4 + stride
    if (plan_or_message := message_of(plan, n_rows)) is not None:
        lacking = int(plan_or_message.split(": give ")[1].split()[0])
        assert message_of(plan, n_rows + lacking - stride) is not None
        n_rows += lacking
    assert (plan(n_rows) == 0).any()


def message_of(plan, n_rows):
    try:
        plan(n_rows)
    except ValueError as error:
        return str(error)
    return None


def test_early_stopping_that_leaves_nothing():
    wave = pd.Series(np.sin(np.arange(36)), months(36))
    forecaster = GRUForecaster(12, context_length=12, early_stopping=True, **TINY)
    with pytest.raises(ValueError, match="needs 14 windows, the longest has 13: give 1 m"):
        forecaster.fit(wave)
    forecaster.set_params(early_stopping=False).fit(wave)
    assert forecaster.train_spec_.patience is None
    assert "val_loss" not in forecaster.losses_


def test_no_window_is_left_says_which_horizon_would_work():
    values = np.sin(np.arange(40.0))
    values[4::5] = np.nan
    panel = read_panel(pd.Series(values, months(40)))

    def choose(horizon):
        return choose_windows(panel, 8, horizon, 1, padded=True, season_length=1)

    said = "8 of 40 rows miss a target, and the longest run of complete rows has 4; lower horizon"
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=said):
        choose(5)
    with pytest.warns(UserWarning):
        assert len(choose(4))
    # A run does not go on from one series to the next.
    one = pd.Series([1.0, np.nan, 2, 3], months(4))
    two = pd.Series([4.0, 5, 6, np.nan], months(4))
    panel = read_panel(pd.concat({"a": one, "b": two}, names=["series", "month"]))
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="complete rows has 3; lower"):
        choose(3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.data())
def test_the_first_series_without_a_target_is_named(lengths, data):
    n = sum(lengths)
    value = st.sampled_from([np.nan, np.nan, np.nan, 1.0])
    rows = data.draw(st.lists(st.tuples(value, value), min_size=n, max_size=n))
    index = [(f"s{s}", t) for s, length in enumerate(lengths) for t in range(length)]
    frame = pd.DataFrame(rows, pd.MultiIndex.from_tuples(index), ["a", "b"])
    empty = [
        f"series {series!r}: all values of the target {name!r} are missing; leave the series out"
        for series, own in frame.groupby(level=0)
        for name in frame
        if own[name].isna().all()
    ]
    panel = read_panel(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        said = message_of(lambda _: choose_windows(panel, 2, 1, 1, padded=True, season_length=1), 0)
    if empty:
        assert said.startswith(empty[0])
    else:
        assert said is None or "all values" not in said


@pytest.mark.parametrize(
    ("horizon", "season", "n_rows", "context"),
    [
        (12, 12, 200, 24),
        (12, 12, 5000, 336),
        (60, 1440, 50_000, 2048),
        (5000, 1, 50_000, 2048),
        (3, 1000, 50_000, 2048),
    ],
)
def test_an_automatic_context_is_not_endless(horizon, season, n_rows, context):
    assert auto.context_length(horizon, (season,), np.array([n_rows])) == context
