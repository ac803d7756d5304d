"""Series end to end, and forecasts back into the container of the question."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tsrnn
from tsrnn.panel import Columns, Container, Panel, from_long, ranges
from tsrnn.reading import read_panel
from tsrnn.timegrid import TimeGrid

few = settings(max_examples=50, deadline=None)

MONTHS = pd.date_range("2023-11-30", periods=6, freq="ME", name="month")


@st.composite
def panels(draw):
    """Panels of one to four series of one to nine rows, two targets, with holes."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    n = sum(lengths)
    holes = draw(st.lists(st.booleans(), min_size=2 * n, max_size=2 * n))
    values = np.where(np.reshape(holes, (n, 2)), np.nan, np.arange(2.0 * n).reshape(n, 2))
    return Panel(
        values=np.column_stack([values, -np.arange(n)]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        starts=np.array(draw(st.lists(st.integers(-9, 9), min_size=len(lengths), max_size=4)))[
            : len(lengths)
        ],
        grid=TimeGrid(pd.Timestamp("2024-01-31"), pd.offsets.MonthEnd()),
        columns=Columns(("a", "b"), (), ("x",)),
        ids=pd.Index([f"s{i}" for i in range(len(lengths))]),
        container=Container(pandas=True, one_dimensional=False, series_level="shop"),
    )


def last_observed_slowly(panel):
    rows = []
    for first, end in pairwise(panel.offsets):
        seen = [r for r in range(first, end) if not np.isnan(panel.values[r, :2]).all()]
        rows.append(seen[-1] if seen else first - 1)
    return rows


@few
@given(panels())
def test_last_observed_rows(panel):
    assert panel.last_observed().tolist() == last_observed_slowly(panel)


@few
@given(panels())
def test_rows_know_their_series(panel):
    expected = [s for s, n in enumerate(panel.lengths) for _ in range(n)]
    assert panel.series_of(np.arange(len(panel.values))).tolist() == expected
    slices = [panel.values[a:b] for a, b in pairwise(panel.offsets)]
    for ours, theirs in zip(panel.iter_series(), slices, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@few
@given(panels(), st.data())
def test_parts_of_series(panel, data):
    first = [data.draw(st.integers(a, b)) for a, b in pairwise(panel.offsets)]
    last = [data.draw(st.integers(a, b)) for a, b in zip(first, panel.offsets[1:], strict=True)]
    part = panel.between(np.array(first), np.array(last))
    rows = [r for a, b in zip(first, last, strict=True) for r in range(a, b)]
    np.testing.assert_array_equal(part.values, panel.values[rows])
    assert part.lengths.tolist() == [b - a for a, b in zip(first, last, strict=True)]
    assert (part.starts - panel.starts).tolist() == (np.array(first) - panel.offsets[:-1]).tolist()


@few
@given(panels(), st.integers(1, 10))
def test_the_tail_fills_as_the_whole(panel, n_rows):
    """Whatever the rows kept lack is lacking in all the history, or filled from it."""
    tail, last = panel.tail(n_rows), panel.last_observed()
    for s in range(panel.n_series):
        whole = pd.DataFrame(panel.values[panel.offsets[s] : panel.offsets[s + 1]])
        kept = pd.DataFrame(tail.values[tail.offsets[s] : tail.offsets[s + 1]])
        wanted = panel.offsets[s + 1] - max(panel.offsets[s], last[s] + 1 - n_rows)
        assert len(kept) >= wanted
        assert tail.starts[s] == panel.starts[s] + len(whole) - len(kept)
        np.testing.assert_array_equal(whole[len(whole) - len(kept) :], kept)
        np.testing.assert_array_equal(
            whole.ffill()[len(whole) - wanted :], kept.ffill()[len(kept) - wanted :]
        )


@few
@given(panels(), st.data())
def test_series_in_another_order(panel, data):
    chosen = data.draw(st.permutations(range(panel.n_series)))
    taken = panel.take(chosen)
    np.testing.assert_array_equal(
        taken.values, np.concatenate([list(panel.iter_series())[s] for s in chosen])
    )
    assert taken.ids.tolist() == [panel.ids[s] for s in chosen]
    assert taken.starts.tolist() == [panel.starts[s] for s in chosen]


@few
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=8))
def test_ranges_end_to_end(pairs):
    first, lengths = np.array(pairs).T
    rows, offsets = ranges(first, lengths)
    assert rows.tolist() == [r for a, n in pairs for r in range(a, a + n)]
    assert offsets.tolist() == [0, *np.cumsum(lengths)]


def test_columns_by_role():
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("xspy"))
    panel = read_panel(frame, target="y", past_covariates="p", static_covariates=["s"])
    assert panel.columns == Columns(("y",), ("p",), ("x",), ("s",))
    assert panel.columns.all == ("y", "p", "x", "s")
    np.testing.assert_array_equal(panel.targets[:, 0], frame["y"])
    np.testing.assert_array_equal(panel.future[:, 0], frame["x"])
    assert (panel.n_series, panel.n_targets, panel.lengths.tolist()) == (1, 1, [3])


def forecasts_after(data, n_steps=3):
    """Number the steps after the last row of each series, in the container of `data`."""
    panel = read_panel(data)
    steps = np.tile(np.arange(float(n_steps)), panel.n_series)
    values = np.repeat(steps[:, None], panel.n_targets, axis=1)
    return panel.wrap(values, np.full(panel.n_series, n_steps), panel.starts + panel.lengths)


@pytest.mark.parametrize(
    "freq", ["ME", "MS", "B", "W-SAT", "QS-OCT", "YE", "D", "h", "15min", "2MS"]
)
def test_a_series_goes_on_with_its_calendar(freq):
    whole = pd.date_range("2024-01-31", periods=9, freq=freq, name="t")
    forecasts = forecasts_after(pd.Series(range(6), whole[:6], name="sales"))
    expected = pd.Series([0.0, 1.0, 2.0], whole[6:], name="sales")
    pd.testing.assert_series_equal(forecasts, expected, check_freq=False)


@pytest.mark.parametrize("freq", ["h", "D"])
@pytest.mark.parametrize("day", ["2024-03-29", "2024-10-25"])
def test_the_future_where_the_clocks_change(freq, day):
    whole = pd.date_range(day, periods=60 if freq == "h" else 5, freq=freq, tz="Europe/Berlin")
    for cut in range(3, len(whole) - 1):
        index = forecasts_after(pd.Series(1.0, whole[:cut]), n_steps=len(whole) - cut).index
        assert index.equals(whole[cut:])


@pytest.mark.parametrize("freq", ["M", "2M", "Q-NOV", "D", "3h"])
def test_periods_in_periods_out(freq):
    whole = pd.period_range("2024-01", periods=9, freq=freq, name="t")
    forecasts = forecasts_after(pd.Series(1.0, whole[:6]))
    pd.testing.assert_index_equal(forecasts.index, whole[6:])


@pytest.mark.parametrize(
    ("index", "future"),
    [
        (pd.RangeIndex(4), pd.RangeIndex(4, 7)),
        (pd.RangeIndex(4, name="t"), pd.RangeIndex(4, 7, name="t")),
        (pd.RangeIndex(1, 9, 2), pd.RangeIndex(9, 15, 2)),
        (pd.Index([1990, 1995, 2000], name="year"), pd.Index([2005, 2010, 2015], name="year")),
    ],
)
def test_integers_in_integers_out(index, future):
    forecasts = forecasts_after(pd.DataFrame({"a": 1.0}, index))
    pd.testing.assert_index_equal(forecasts.index, future, exact="equiv")


@pytest.mark.parametrize("name", ["sales", None, 0, ("a", 1)])
def test_a_series_keeps_its_name(name):
    assert forecasts_after(pd.Series(1.0, MONTHS, name=name)).name == name


def test_a_frame_keeps_its_columns():
    forecasts = forecasts_after(pd.DataFrame({"b": 1.0, "a": 2.0}, MONTHS))
    assert isinstance(forecasts, pd.DataFrame)
    assert forecasts.columns.tolist() == ["b", "a"]
    assert forecasts.index.name == "month"


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index(["b", "a"], name="item"),
        pd.MultiIndex.from_tuples([("x", "a"), ("y", "a")], names=["kind", None]),
        pd.Index([3, 1], name="number"),
        pd.period_range("2024", periods=2, freq="M"),
    ],
)
def test_a_frame_keeps_what_its_columns_are_called(columns):
    data = pd.DataFrame(1.0, MONTHS, columns)
    assert forecasts_after(data).columns.equals(columns)
    assert forecasts_after(data).columns.names == columns.names


@pytest.mark.parametrize(
    ("data", "shape"),
    [(np.arange(5), (3,)), ([1, 2, 3], (3,)), (np.ones((5, 1)), (3, 1)), (np.ones((5, 2)), (3, 2))],
)
def test_arrays_in_arrays_out(data, shape):
    forecasts = forecasts_after(data)
    assert isinstance(forecasts, np.ndarray)
    assert forecasts.shape == shape


def shops(names=("shop", "month")):
    series = {"b": pd.Series(1.0, MONTHS), "a": pd.Series(2.0, MONTHS[2:4])}
    return pd.concat(series, names=names).rename("sales")


def test_a_panel_comes_back_as_one():
    ends = pd.date_range("2024-03-31", periods=5, freq="ME", name="month")
    index = pd.MultiIndex.from_tuples(
        [*(("b", t) for t in ends[2:]), *(("a", t) for t in ends[:3])], names=["shop", "month"]
    )
    expected = pd.Series([0.0, 1, 2, 0, 1, 2], index, name="sales")
    pd.testing.assert_series_equal(forecasts_after(shops()), expected, check_freq=False)
    forecasts = forecasts_after(shops().to_frame())
    pd.testing.assert_frame_equal(forecasts, expected.to_frame(), check_freq=False)


def test_the_order_of_rows_does_not_matter():
    whole = forecasts_after(shops())
    by_time = forecasts_after(shops().sort_index(level="month", sort_remaining=False))
    pd.testing.assert_series_equal(whole, by_time)


@pytest.mark.parametrize("names", [("shop", "month"), (None, None), (None, "t"), (0, 1)])
def test_names_of_levels_are_kept(names):
    assert forecasts_after(shops(names)).index.names == list(names)


@pytest.mark.parametrize(
    "ids",
    [
        [2, 1],
        [2.5, 1.0],
        ["x", 7],
        [("u", 1), ("v", 2)],
        pd.to_datetime(["2024", "2020"]),
        [True, False],
    ],
)
def test_labels_of_any_kind(ids):
    series = [pd.Series(float(i), MONTHS) for i in range(2)]
    index = pd.MultiIndex.from_arrays(
        [pd.Index(list(ids), tupleize_cols=False).repeat(6), MONTHS.append([MONTHS])]
    )
    forecasts = forecasts_after(pd.Series(np.concatenate(series), index))
    assert forecasts.index.get_level_values(0).unique().tolist() == list(ids)


def test_categorical_labels_stay_categorical():
    data = shops().reset_index().astype({"shop": "category"}).set_index(["shop", "month"])
    assert forecasts_after(data).index.levels[0].dtype == "category"


def test_forecasts_of_several_lengths():
    panel = read_panel(shops())
    forecasts = panel.wrap(np.ones((3, 1)), np.array([1, 2]), np.array([6, 4]))
    times = forecasts.index.get_level_values("month").strftime("%Y-%m").tolist()
    assert times == ["2024-05", "2024-03", "2024-04"]


def test_how_messages_name_series_and_times():
    panel = read_panel(shops().rename(index={"a": 3, "b": 4}, level=0))
    assert (panel.label(0), panel.label(1)) == ("series 4: ", "series 3: ")
    assert (panel.time_of(0), panel.time_of(6), panel.time_of(7)) == (
        *("2023-11-30", "2024-01-31", "2024-02-29"),
    )
    assert panel.time_of(6, series=0) == "2024-05-31"
    assert read_panel(np.arange(3)).label(0) == ""


def test_a_long_table_becomes_a_panel():
    long = pd.DataFrame({"shop": list("bab"), "day": [1, 1, 2], "sold": [3, 4, 5], "price": 1.0})
    panel = tsrnn.from_long(long.sample(frac=1, random_state=0), id="shop", time="day")
    assert panel.index.tolist() == [("a", 1), ("b", 1), ("b", 2)]
    assert panel["sold"].tolist() == [4, 3, 5]
    assert panel.index.names == ["shop", "day"]
    assert forecasts_after(panel["sold"], 1).index.tolist() == [("a", 2), ("b", 3)]


def test_labels_of_a_long_table_may_be_mixed():
    long = pd.DataFrame({"id": ["b", 1, "a", 1], "t": [1, 2, 1, 1], "y": 1.0})
    assert len(read_panel(from_long(long, id="id", time="t")).ids) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"id": "c", "time": "b"}, r"id='c' is not a column of the table: \['a', 'b'\]"),
        ({"id": "a", "time": "c"}, "time='c' is not a column"),
        ({"id": "a", "time": "a"}, "id and time are both 'a'; name two columns"),
    ],
)
def test_messages_of_from_long(names, message):
    with pytest.raises(ValueError, match=message):
        from_long(pd.DataFrame({"a": [1], "b": [2]}), **names)
    with pytest.raises(TypeError, match="table is a Series; give a long DataFrame"):
        from_long(pd.Series([1.0]), id="a", time="b")
