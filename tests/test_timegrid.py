"""Times to whole numbers and back, over every kind of step that pandas knows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.baselines import Naive
from tsrnn.timegrid import OFF_GRID, TimeGrid, written

few = settings(max_examples=100, deadline=None)

FREQUENCIES = [
    *("ME", "MS", "BME", "2MS", "QS-OCT", "QE-NOV", "BQE", "YS", "YE-JUN", "10YS"),
    *("W-SAT", "2W-MON", "WOM-3FRI", "B", "D", "7D", "h", "2h", "15min", "90min", "s", "bh"),
]
PERIODS = ["M", "2M", "Q-NOV", "2Q", "Y", "2Y", "W-WED", "D", "h", "3h", "15min"]
# Weeks in which the clocks change.
CHANGES = [("Europe/Berlin", "2024-03-30"), ("America/New_York", "2024-11-02")]


def unknown(index: pd.Index) -> pd.Index:
    """The same times, without the step that pandas keeps beside timestamps."""
    return pd.DatetimeIndex(index, freq=None) if isinstance(index, pd.DatetimeIndex) else index


def assert_same(left, right):
    pd.testing.assert_index_equal(unknown(left), unknown(right), exact="equiv")


def assert_round_trip(index, whole):
    """`index` is a slice of `whole`, whose number 0 is the first of `index`."""
    grid = TimeGrid.of(index)
    first = whole.get_loc(index[0])
    np.testing.assert_array_equal(grid.step_numbers(whole), np.arange(len(whole)) - first)
    assert_same(grid.times(np.arange(len(whole)) - first), whole)
    picked = np.array([3, -2, 9, 0])
    assert_same(grid.times(picked), whole[first + picked])


@pytest.mark.parametrize("freq", FREQUENCIES)
@pytest.mark.parametrize("told", [True, False])
def test_timestamps_round_trip(freq, told):
    whole = pd.date_range("2019-02-27", periods=30, freq=freq, name="t")
    index = whole[10:20] if told else unknown(whole[10:20])
    assert_round_trip(index, whole)


@pytest.mark.parametrize("freq", ["SME", "SMS", "2B"])
def test_steps_that_only_the_index_can_tell(freq):
    whole = pd.date_range("2020-01-15", periods=30, freq=freq)
    assert_round_trip(whole[10:20], whole)


@pytest.mark.parametrize("freq", PERIODS)
def test_periods_round_trip(freq):
    whole = pd.period_range("2019-03-01", periods=30, freq=freq, name="t")
    assert_round_trip(whole[10:20], whole)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("freq", ["h", "D", "15min", "B", "6h"])
def test_the_clocks_change(zone, day, freq):
    whole = pd.date_range(day, periods=30, freq=freq, tz=zone, name="t")
    assert_round_trip(whole[10:20], whole)
    assert_round_trip(unknown(whole[2:]), unknown(whole))
    assert TimeGrid.of(whole).times(np.array([3])).tz == whole.tz


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_resolution_of_timestamps_is_kept(unit):
    index = pd.date_range("2024-01-01", periods=5, freq="D").as_unit(unit)
    assert TimeGrid.of(index).times(np.array([7])).dtype == index.dtype


@pytest.mark.parametrize(
    ("index", "step", "labelled"),
    [
        (pd.RangeIndex(5), 1, False),
        (pd.RangeIndex(3, 9, name="t"), 1, True),
        (pd.RangeIndex(0, 10, 2, name="t"), 2, True),
        (pd.Index([1990, 1995, 2000], name="year"), 5, True),
        (pd.Index([7, 8, 9], dtype="uint8", name="t"), 1, True),
        (pd.Index([7, 9, 11], dtype="int32"), 2, True),
        (pd.Index(pd.array([7, 9, 11], dtype="Int64")), 2, True),
        (pd.Index([2024]), 1, True),
    ],
)
def test_integers(index, step, labelled):
    grid = TimeGrid.of(index)
    assert (grid.step, grid.labelled, grid.name) == (step, labelled, index.name)
    assert grid.step_numbers(index).tolist() == list(range(len(index)))
    times = grid.times(np.arange(-1, len(index) + 1))
    assert times.tolist() == [index[0] - step, *index.tolist(), index[-1] + step]
    assert times.name == index.name


@few
@given(
    # pandas steps back from an opening hour to a closing one, which is not on its own grid.
    freq=st.sampled_from([freq for freq in FREQUENCIES if freq != "bh"]),
    start=st.datetimes(pd.Timestamp("1971").to_pydatetime(), pd.Timestamp("2040").to_pydatetime()),
    n=st.integers(3, 40),
    numbers=st.lists(st.integers(-60, 60), min_size=1, max_size=8),
)
def test_numbers_come_back(freq, start, n, numbers):
    index = pd.date_range(start.replace(second=0, microsecond=0), periods=n, freq=freq)
    grid, numbers = TimeGrid.of(index), np.array(numbers)
    np.testing.assert_array_equal(grid.step_numbers(grid.times(numbers)), numbers)


@few
@given(
    freq=st.sampled_from(PERIODS),
    start=st.dates(pd.Timestamp("1971").date(), pd.Timestamp("2040").date()),
    numbers=st.lists(st.integers(-60, 60), min_size=1, max_size=8),
)
def test_numbers_come_back_from_periods(freq, start, numbers):
    grid = TimeGrid.of(pd.period_range(start, periods=3, freq=freq))
    np.testing.assert_array_equal(grid.step_numbers(grid.times(np.array(numbers))), numbers)


@few
@given(
    origin=st.integers(-(10**6), 10**6),
    step=st.integers(1, 10**4),
    numbers=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=8),
)
def test_numbers_come_back_from_integers(origin, step, numbers):
    grid = TimeGrid(origin, step)
    picked = pd.Index([origin + step * number for number in numbers])
    np.testing.assert_array_equal(grid.step_numbers(picked), numbers)


@pytest.mark.parametrize(
    ("index", "off"),
    [
        (pd.date_range("2024-01-31", periods=4, freq="ME"), pd.Timestamp("2024-05-30")),
        (pd.date_range("2024-01-01", periods=4, freq="h"), pd.Timestamp("2023-12-31 22:30")),
        (pd.date_range("2024-01-05", periods=4, freq="B"), pd.Timestamp("2024-01-06")),
        (pd.period_range("2024-01", periods=4, freq="2M"), pd.Period("2024-02", "2M")),
        (pd.RangeIndex(1, 9, 2), 4),
    ],
)
def test_times_off_the_grid(index, off):
    grid = TimeGrid.of(index)
    numbers = grid.step_numbers(index.append(pd.Index([off], dtype=index.dtype)))
    assert numbers.tolist() == [0, 1, 2, 3, OFF_GRID]


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        ("2024-01-31", "2024-02-29", "2024-03-31"),
        ("2024-02-01", "2024-03-01", "2024-04-01"),
        ("2023-02-01", "2023-05-01", "2023-08-01"),
        ("2023-12-31", "2024-12-31", "2025-12-31"),
        ("2023-12-31", "2024-01-01", "2024-01-02"),
        ("2024-01-06", "2024-01-13", "2024-01-20"),
        ("2024-01-06 05:00", "2024-01-06 05:20", "2024-01-06 05:40"),
        ("2024-03-30 00:00+01:00", "2024-03-31 00:00+01:00", "2024-04-01 00:00+02:00"),
        ("2024-03-31 00:00+01:00", "2024-04-01 00:00+02:00", "2024-04-02 00:00+02:00"),
    ],
)
def test_two_timestamps_tell_the_step(first, second, third):
    index = pd.to_datetime([first, second, third], utc="+" in first)
    index = index.tz_convert("Europe/Berlin") if "+" in first else index
    assert TimeGrid.of(index[:2]).times(np.array([2]))[0] == index[2]


def test_a_known_grid_is_believed():
    grid = TimeGrid.of(pd.date_range("2024-01-01", periods=9, freq="MS", name="month"))
    one = TimeGrid.of(pd.DatetimeIndex(["2025-01-01"]), grid)
    assert one.step_numbers(pd.DatetimeIndex(["2025-01-01"])).tolist() == [12]
    assert (one.step_name, one.name, one.labelled) == ("MS", "month", True)


def test_rows_counted_from_0_carry_no_time():
    known = TimeGrid.of(pd.RangeIndex(10))
    assert not TimeGrid.of(pd.RangeIndex(3), known).labelled
    assert TimeGrid.of(pd.RangeIndex(10, 12), known).labelled


@pytest.mark.parametrize("index", [pd.RangeIndex(50, 60), pd.RangeIndex(1990, 2010, 2)])
def test_rows_counted_from_0_keep_their_numbers_wherever_fit_began(index):
    forecaster = Naive(2).fit(pd.Series(np.arange(10.0), index))
    counted = pd.Series(np.arange(5.0))
    at = forecaster.predict_at(counted, [1, 3])
    assert at.index.tolist() == [(1, 2), (1, 3), (3, 4), (3, 5)]
    assert at[0].tolist() == [1, 1, 3, 3]
    assert forecaster.predict(counted).to_dict() == {5: 4.0, 6: 4.0}
    # As rows behind the training data they go on counting from there.
    end = index[-1] + 6 * index.step
    assert forecaster.update(counted).predict().index.tolist() == [end, end + index.step]


TIMES = {
    "timestamps": pd.date_range("2024-01-01", periods=4, freq="D"),
    "timestamps (UTC)": pd.date_range("2024-01-01", periods=4, freq="D", tz="UTC"),
    "timestamps (Europe/Paris)": pd.date_range("2024", periods=4, freq="D", tz="Europe/Paris"),
    "periods (M)": pd.period_range("2024-01", periods=4, freq="M"),
    "periods (D)": pd.period_range("2024-01", periods=4, freq="D"),
    "integers": pd.Index([4, 5, 6, 7]),
}


@pytest.mark.parametrize("was", TIMES)
@pytest.mark.parametrize("now", TIMES)
def test_another_kind_of_time(was, now):
    known = TimeGrid.of(TIMES[was])
    if was == now:
        assert TimeGrid.of(TIMES[now], known) == known
    else:
        with pytest.raises(TypeError) as error:
            TimeGrid.of(TIMES[now], known)
        assert f"holds {now}, but fit saw {was}; give the kind" in str(error.value)


def test_missing_times_named_as_such():
    with pytest.raises(TypeError, match="holds rows counted from 0, but fit saw timestamps"):
        TimeGrid.of(pd.RangeIndex(3), TimeGrid.of(TIMES["timestamps"]))


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["2024-01-01", "2024-01-02"]),
        pd.Index([1.0, 2.0]),
        pd.Index([pd.Timestamp("2024").date()], dtype=object),
        pd.timedelta_range("1D", periods=3),
    ],
)
def test_an_index_that_is_no_time(index):
    with pytest.raises(TypeError, match=r"has dtype .*; give timestamps \(pd.to_datetime\)"):
        TimeGrid.of(index)
    with pytest.raises(TypeError, match=r"second level: \(series, time\)"):
        TimeGrid.of(index, in_panel=True)
    with pytest.raises(TypeError, match=r"has dtype .*, but fit saw timestamps"):
        TimeGrid.of(index, TimeGrid.of(TIMES["timestamps"]))


@pytest.mark.parametrize(
    ("freq", "name"),
    [
        *(("D", "D"), ("B", "B"), ("h", "h"), ("10s", "10s"), ("20min", "20min"), ("ME", "ME")),
        *(("MS", "MS"), ("W-SAT", "W-SAT"), ("QS-FEB", "QS-FEB"), ("QE-MAR", "QE-MAR")),
        *(("YE-JUN", "YE-JUN"), ("YS", "YS-JAN")),
    ],
)
def test_a_missing_row_is_named(freq, name):
    index = pd.date_range("2024-02-01", periods=20, freq=freq)
    with pytest.raises(ValueError, match="timestamps are irregular") as error:
        TimeGrid.of(index.delete(7))
    assert f"{written(index[7])} is missing from a step of {name!r}; " in str(error.value)
    assert f"fill the grid with X.asfreq({name!r})" in str(error.value)
    mended = pd.Series(1.0, index.delete(7)).asfreq(name)
    assert_same(mended.index, index)


def test_timestamps_on_no_usual_step():
    index = pd.to_datetime(["2024-01-01", "2024-01-05", "2024-02-07", "2024-02-11"])
    with pytest.raises(ValueError, match=r"2024-02-07 follows 2024-01-05; .*X.resample\('4D'\)"):
        TimeGrid.of(index)


@pytest.mark.parametrize("in_panel", [False, True])
def test_one_timestamp_tells_no_step(in_panel):
    with pytest.raises(ValueError, match="cannot be told from a single timestamp") as error:
        TimeGrid.of(pd.DatetimeIndex(["2024-01-01"]), in_panel=in_panel)
    assert ("X.index.freq = 'D'" in str(error.value)) is not in_panel


@pytest.mark.parametrize(
    ("index", "code"),
    [
        (TIMES["timestamps"], "X.asfreq('D')"),
        (TIMES["periods (M)"], "X.reindex(pd.period_range(first, last, freq='M'))"),
        (pd.RangeIndex(0, 9, 3), "X.reindex(range(first, last + 1, 3))"),
    ],
)
def test_how_to_fill_the_grid(index, code):
    grid = TimeGrid.of(index)
    assert code in grid.filling(in_panel=False)
    assert f"one.droplevel(0).{code[2:]})" in grid.filling(in_panel=True)


def test_filling_a_panel_as_told():
    gaps = pd.Series([1.0, 2.0], pd.DatetimeIndex(["2024-01-01", "2024-01-03"], name="t"))
    X = pd.concat({"a": gaps, "b": gaps.shift(2, freq="D")}, names=["id"])
    code = TimeGrid.of(TIMES["timestamps"]).filling(in_panel=True).split(" with ")[1]
    filled = eval(code.removesuffix(" and leave the new rows missing (NaN)"), {"X": X})
    assert filled.isna().sum() == 2
    assert filled.index.names == ["id", "t"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.Timestamp("2024-01-31"), "2024-01-31"),
        (pd.Timestamp("2024-01-31 05:00"), "2024-01-31 05:00:00"),
        (pd.Timestamp("2024-01-31", tz="UTC"), "2024-01-31 00:00:00+00:00"),
        (pd.Timestamp("2024-01-31").date(), "2024-01-31"),
        (pd.Period("2024-01", "M"), "2024-01"),
        (np.int64(3), "3"),
        (3, "3"),
        ("a", "'a'"),
        (np.str_("a"), "'a'"),
        (("a", 1), "('a', 1)"),
    ],
)
def test_values_are_written_as_people_do(value, text):
    assert written(value) == text
