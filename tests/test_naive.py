"""Forecasts that repeat the past, against pandas and slow loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.naive import forward_fill, seasonal_fill, seasonal_naive
from tsrnn.reading import read_panel
from tsrnn.rolling import naive_errors

few = settings(max_examples=50, deadline=None)


@st.composite
def panels(draw, max_series=3):
    """Panels of a few short series with two targets, a third of them missing."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=max_series))
    value = st.sampled_from([np.nan, np.nan, 1.0, 2.0, -3.0, 4.5])
    rows = draw(st.lists(st.tuples(value, value), min_size=sum(lengths), max_size=sum(lengths)))
    index = [(f"s{s}", t) for s, n in enumerate(lengths) for t in range(n)]
    return read_panel(pd.DataFrame(rows, pd.MultiIndex.from_tuples(index), ["a", "b"]))


def groups(panel):
    series = np.repeat(np.arange(panel.n_series), panel.lengths)
    return pd.DataFrame(panel.values).groupby(series)


def repeat_slowly(history, n_steps, season_length):
    """Forecast one column, a list of values up to the cutoff."""
    filled = []
    for t, value in enumerate(history):
        season_ago = filled[t - season_length] if t >= season_length else np.nan
        filled.append(season_ago if np.isnan(value) else value)
    seen = [value for value in history if not np.isnan(value)]
    last = seen[-1] if seen else np.nan
    filled = pd.Series(filled, dtype=float).ffill().tolist()
    season = season_length if len(history) >= season_length else 1
    forecasts = [filled[len(filled) - season + step % season] for step in range(n_steps)]
    return [last if np.isnan(value) else value for value in forecasts]


@few
@given(panels())
def test_forward_fill_is_that_of_pandas(panel):
    filled = forward_fill(panel.values, panel.offsets)
    np.testing.assert_array_equal(filled, groups(panel).ffill())


def test_nothing_missing_is_not_copied():
    values = np.ones((3, 1))
    assert forward_fill(values, np.array([0, 3])) is values


@few
@given(panels(), st.integers(1, 5))
def test_seasonal_fill_takes_the_last_season(panel, season_length):
    filled = seasonal_fill(panel.values, panel.offsets, season_length)
    for first, end in zip(panel.offsets[:-1], panel.offsets[1:], strict=True):
        expected = pd.DataFrame(panel.values[first:end])
        for t in range(season_length, len(expected)):
            expected.iloc[t] = expected.iloc[t].fillna(expected.iloc[t - season_length])
        np.testing.assert_array_equal(filled[first:end], expected.ffill())


@few
@given(panels(), st.integers(1, 15))
def test_naive_errors_are_those_of_each_series(panel, season_length):
    errors = naive_errors(panel, season_length)
    changes = groups(panel).diff(season_length).abs()
    expected = changes.groupby(np.repeat(np.arange(panel.n_series), panel.lengths)).mean()
    np.testing.assert_allclose(errors, expected)


@few
@given(panels(), st.integers(1, 5), st.integers(1, 12))
def test_seasonal_naive_is_that_of_loops(panel, season_length, n_steps):
    cutoffs = np.arange(len(panel.values))
    series = panel.series_of(cutoffs)
    forecasts = seasonal_naive(panel, series, cutoffs, n_steps, season_length)
    assert forecasts.shape == (len(cutoffs), n_steps, 2)
    for cutoff, s in zip(cutoffs, series, strict=True):
        for column in range(2):
            history = panel.values[panel.offsets[s] : cutoff + 1, column].tolist()
            expected = repeat_slowly(history, n_steps, season_length)
            np.testing.assert_array_equal(forecasts[cutoff, :, column], expected)


@few
@given(panels(), st.integers(1, 5), st.data())
def test_nothing_after_the_cutoff_is_read(panel, season_length, data):
    cutoff = data.draw(st.integers(0, len(panel.values) - 1))
    where = panel.series_of(np.array([cutoff])), np.array([cutoff])
    before = seasonal_naive(panel, *where, 7, season_length)
    panel.values[cutoff + 1 :] = 1e9
    np.testing.assert_array_equal(seasonal_naive(panel, *where, 7, season_length), before)


@few
@given(panels(), st.integers(1, 5))
def test_nothing_of_another_series_is_read(panel, season_length):
    cutoffs = panel.offsets[1:] - 1
    together = seasonal_naive(panel, np.arange(panel.n_series), cutoffs, 7, season_length)
    for s in range(panel.n_series):
        alone = panel.take([s])
        last = alone.offsets[1:] - 1
        forecasts = seasonal_naive(alone, np.array([0]), last, 7, season_length)
        np.testing.assert_array_equal(forecasts[0], together[s])


@pytest.mark.parametrize("season_length", [1, 3])
def test_a_cutoff_before_the_series_knows_nothing(season_length):
    index = pd.MultiIndex.from_product([["a", "b"], range(5)])
    panel = read_panel(pd.Series(range(10), index))
    forecasts = seasonal_naive(panel, np.array([0, 1]), np.array([-1, 4]), 2, season_length)
    assert np.isnan(forecasts).all()


def test_a_gap_longer_than_a_season():
    panel = read_panel([1.0, 2.0, 3.0, 4.0] + [np.nan] * 7)
    forecasts = seasonal_naive(panel, np.array([0]), np.array([10]), 5, 4)
    assert forecasts[0, :, 0].tolist() == [4, 1, 2, 3, 4]
