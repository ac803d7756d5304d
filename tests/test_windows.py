"""Windows of panels, against slow loops."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import tsrnn
from tsrnn.panel import Columns, Container, Panel
from tsrnn.reading import read_panel
from tsrnn.timegrid import TimeGrid
from tsrnn.windows import (
    SlidingWindow,
    Windows,
    check_count,
    complete_horizons,
    in_chunks,
    training_windows,
)

few = settings(max_examples=50, deadline=None)


def panel_of(lengths, values):
    n = len(lengths)
    return Panel(
        values=np.asarray(values, dtype=float),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        starts=np.zeros(n, dtype=np.int64),
        grid=TimeGrid(0, 1),
        columns=Columns(("a", "b"), (), ("x",)),
        ids=pd.RangeIndex(n),
        container=Container(pandas=False, one_dimensional=False),
    )


@st.composite
def panels(draw):
    """Panels of one to four series, two targets (some missing) and a covariate."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    n = sum(lengths)
    values = np.arange(3.0 * n).reshape(n, 3) + 1
    missing = draw(st.lists(st.integers(0, 12 * n), max_size=n))
    values.ravel()[[i for i in missing if i < 3 * n]] = np.nan
    return panel_of(lengths, values)


LENGTHS = {
    "context_length": st.integers(0, 8),
    "horizon": st.integers(1, 4),
    "stride": st.integers(1, 4),
    "min_context": st.none() | st.integers(0, 9),
}


def cutoffs_slowly(panel, context_length, horizon, stride, min_context):
    shortest = context_length if min_context is None else min(min_context, context_length)
    targets, chosen = panel.values[:, :2], []
    for s, (first, end) in enumerate(pairwise(panel.offsets.tolist())):
        own = []
        for row in range(end - horizon, first - 1, -stride):
            context = targets[max(first, row - context_length) : row]
            seen = shortest == 0 or not np.isnan(context).all()
            if (
                row - first >= shortest
                and seen
                and not np.isnan(targets[row : row + horizon]).any()
            ):
                own.append((s, row - 1))
        chosen += own[::-1]
    return chosen


def context_slowly(panel, series, cutoff, context_length):
    """Rows before the series are 0, missing values those before them (0 at first)."""
    first, end = panel.offsets[series], panel.offsets[series + 1]
    filled = pd.DataFrame(panel.values[first:end]).ffill().fillna(0.0).to_numpy()
    rows = range(cutoff - context_length + 1, cutoff + 1)
    return [filled[row - first].tolist() if row >= first else [0.0] * 3 for row in rows]


@few
@given(panels(), st.fixed_dictionaries(LENGTHS))
def test_windows_are_those_of_loops(panel, lengths):
    windows = training_windows(panel, **lengths)
    expected = cutoffs_slowly(panel, **lengths)
    assert list(zip(windows.series, windows.cutoffs, strict=True)) == expected
    contexts = np.asarray(windows)
    assert contexts.shape == windows.shape
    assert windows.ndim == contexts.ndim
    for i, (series, cutoff) in enumerate(expected):
        ours = contexts[i].tolist()
        assert ours == context_slowly(panel, series, cutoff, lengths["context_length"])
        rows = slice(cutoff + 1, cutoff + 1 + lengths["horizon"])
        np.testing.assert_array_equal(windows.targets[i], panel.values[rows, :2])


@few
@given(panels(), st.fixed_dictionaries(LENGTHS))
def test_the_mask_shows_what_is_observed(panel, lengths):
    windows = training_windows(panel, **lengths)
    first = panel.offsets[windows.series]
    for i, row in enumerate(windows.cutoffs):
        for step in range(windows.context_length):
            at = row - windows.context_length + 1 + step
            seen = at >= first[i] and not np.isnan(panel.values[at, :2]).all()
            assert windows.mask[i, step] == seen


@few
@given(panels(), st.fixed_dictionaries(LENGTHS), st.data())
def test_slices_are_windows_again(panel, lengths, data):
    windows = training_windows(panel, **lengths)
    n = len(windows)
    keys = [slice(None), slice(1, None, 2), slice(None, None, -1), slice(n, None)]
    keys.append(np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool))
    if n:
        rows = data.draw(st.lists(st.integers(-n, n - 1)))
        keys += [np.array(rows, dtype=int), rows, data.draw(st.integers(-n, n - 1))]
    for key in keys:
        key = np.array(key, dtype=int) if isinstance(key, list) else key
        part, expected = windows[key], np.asarray(windows)[key]
        assert isinstance(part, Windows)
        np.testing.assert_array_equal(np.asarray(part), expected.reshape(part.shape))
        np.testing.assert_array_equal(
            part.targets, windows.targets[key].reshape(part.targets.shape)
        )


@few
@given(panels(), st.integers(1, 5))
def test_complete_horizons_are_those_of_loops(panel, horizon):
    expected = [
        row + horizon <= end and not np.isnan(panel.targets[row : row + horizon]).any()
        for first, end in pairwise(panel.offsets)
        for row in range(first, end)
    ]
    assert complete_horizons(panel, horizon).tolist() == expected


@few
@given(panels(), st.fixed_dictionaries(LENGTHS))
def test_no_window_reads_what_follows_it(panel, lengths):
    for i in range(len(training_windows(panel, **lengths))):
        window = training_windows(panel, **lengths)[i]
        before = np.asarray(window), window.mask
        changed = panel_of(panel.lengths, panel.values)
        changed.values[window.cutoffs[0] + 1 :] = 99.0
        same = Windows(changed, *window_numbers(window), window.context_length, window.horizon)
        np.testing.assert_array_equal(np.asarray(same), before[0])
        np.testing.assert_array_equal(same.mask, before[1])


def window_numbers(windows):
    return windows.series, windows.cutoffs


@few
@given(panels(), st.fixed_dictionaries(LENGTHS), st.integers(1, 5))
def test_chunks_are_the_whole(panel, lengths, rows):
    windows = training_windows(panel, **lengths)
    parts = in_chunks(np.asarray, windows, rows=rows)
    assert len(parts) == -(-len(windows) // rows)
    if parts:
        np.testing.assert_array_equal(np.concatenate(parts), np.asarray(windows))


@pytest.mark.parametrize(
    ("context_length", "sizes"),
    [(0, [4096, 904]), (24, [4096, 904]), (2048, [2048, 2048, 904]), (2**23, [1] * 5000)],
)
def test_chunks_are_small_whatever_the_context(context_length, sizes):
    panel = read_panel(np.arange(5001.0))
    series, cutoffs = np.zeros(5000, dtype=np.int64), np.arange(5000)
    windows = Windows(panel, series, cutoffs, context_length, 1)
    parts = in_chunks(lambda some, row: (len(some), row[0]), windows, cutoffs)
    assert [size for size, _ in parts] == sizes
    assert [first for _, first in parts] == [0, *np.cumsum(sizes)[:-1]]


def test_chunks_of_many_columns_are_smaller():
    panel = read_panel(np.zeros((5001, 16)))
    windows = Windows(panel, np.zeros(5000, dtype=np.int64), np.arange(5000), 2**10, 1)
    assert in_chunks(len, windows) == [256] * 19 + [136]


@pytest.mark.parametrize("dtype", [None, np.float32, "int64"])
def test_the_array_has_the_type_asked_for(dtype):
    windows = training_windows(read_panel(np.arange(6.0)), 2, 1)
    assert np.asarray(windows, dtype=dtype).dtype == np.dtype(dtype or float)


def test_windows_are_iterable_and_no_copies():
    windows = training_windows(read_panel(np.arange(6.0)), 2, 1)
    assert [np.asarray(window)[0, :, 0].tolist() for window in windows] == [
        *([0, 1], [1, 2], [2, 3], [3, 4]),
    ]
    assert windows[1:].panel is windows.panel
    with pytest.raises(IndexError):
        windows[4]


def test_a_panel_too_short_has_no_windows():
    windows = training_windows(read_panel(np.arange(3.0)), 3, 1)
    assert (len(windows), windows.shape, np.asarray(windows).shape) == (0, (0, 3, 1), (0, 3, 1))
    assert windows.targets.shape == (0, 1, 1)


DAYS = pd.date_range("2024-01-01", periods=9, freq="D")


@pytest.mark.parametrize(
    "data",
    [
        np.arange(9.0),
        list(range(9)),
        pd.Series(np.arange(9.0), DAYS),
        pd.DataFrame({"a": np.arange(9.0), "b": 1.0}, DAYS),
        pd.concat({"u": pd.Series(range(9), DAYS), "v": pd.Series(range(5), DAYS[:5])}),
    ],
)
def test_sliding_window_takes_what_forecasters_take(data):
    windows = SlidingWindow(3, 2, 2).fit_transform(data)
    expected = training_windows(read_panel(data), 3, 2, 2)
    np.testing.assert_array_equal(np.asarray(windows), np.asarray(expected))
    np.testing.assert_array_equal(windows.targets, expected.targets)


def test_sliding_window_with_covariates():
    data = pd.DataFrame(np.arange(36.0).reshape(9, 4), DAYS, list("xyps"))
    window = SlidingWindow(3, 2, target="y", past_covariates="p", static_covariates=["s"])
    windows = window.fit_transform(data)
    assert windows.panel.columns == Columns(("y",), ("p",), ("x",), ("s",))
    np.testing.assert_array_equal(np.asarray(windows)[0], data[[*"ypxs"]][:3])
    np.testing.assert_array_equal(windows.targets[0], data[["y"]][3:5])


def test_sliding_window_knows_the_step_of_fit():
    window = SlidingWindow(1, 1).fit(pd.Series(1.0, DAYS))
    assert window.transform(pd.Series(1.0, DAYS[:1])).panel.grid.step_name == "D"
    with pytest.raises(TypeError, match="holds integers, but fit saw timestamps"):
        window.transform(pd.Series(1.0, pd.RangeIndex(3, 6)))


def test_sliding_window_is_a_transformer():
    window = SlidingWindow(3, horizon=2, target="a").fit(pd.DataFrame({"a": DAYS.day}, DAYS))
    assert clone(window).get_params() == window.get_params()
    assert window.feature_names_in_.tolist() == ["a"]
    again = pickle.loads(pickle.dumps(window)).transform(pd.DataFrame({"a": DAYS.day}, DAYS))
    assert len(again) == 5
    assert tsrnn.SlidingWindow is SlidingWindow


@pytest.mark.parametrize("name", ["context_length", "horizon", "stride"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "a", None, True])
def test_lengths_are_whole_numbers(name, value):
    with pytest.raises(ValueError, match=f"^{name}={value!r} must be a whole number >= 1$"):
        SlidingWindow(**{name: value}).fit(np.arange(9.0))


def test_counts():
    check_count("n", np.int64(1))
    check_count("n", 0, at_least=0)
    with pytest.raises(ValueError, match="n=0 must be a whole number >= 1"):
        check_count("n", 0)


def test_messages_of_sliding_window():
    window = SlidingWindow(2, target="a")
    data = pd.DataFrame({"a": 1.0, "b": 2.0}, DAYS)
    with pytest.raises(NotFittedError):
        window.transform(data)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        window.fit(data).transform(data[["b", "a"]])
    with pytest.raises(ValueError, match="target='a' is not a column of X"):
        window.fit(data[["b"]])
    with pytest.raises(ValueError, match="2024-01-03 is missing from a step of 'D'"):
        window.fit(data.drop(DAYS[2]))
