"""What users give, checked and laid out; what is wrong with it, said plainly."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tsrnn.panel import Columns
from tsrnn.reading import check_covariates, read_panel

few = settings(max_examples=50, deadline=None)

DAYS = pd.date_range("2024-01-01", periods=6, freq="D", name="day")


def frame(**columns):
    return pd.DataFrame({"a": np.arange(6.0), "b": -np.arange(6.0), **columns}, DAYS)


def panel_of(**series):
    return pd.concat(series, names=["id", "day"])


NUMBERS = [2, 0, 1]


@pytest.mark.parametrize(
    "data",
    [
        *(pd.Series(NUMBERS, dtype=d) for d in ("int8", "uint64", "float32", "Int64", "Float32")),
        *(np.array(NUMBERS, dtype=d) for d in ("int32", "float16", "float64", "longdouble")),
        np.array(NUMBERS, dtype=object),
        NUMBERS,
        tuple(NUMBERS),
        pd.Series(NUMBERS, index=DAYS[:3]),
        pd.DataFrame({"a": NUMBERS}),
        [[n] for n in NUMBERS],
    ],
)
def test_numbers_of_every_kind(data):
    values = read_panel(data).values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [[2], [0], [1]])


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_booleans_are_numbers(dtype):
    assert read_panel(pd.Series([True, False], dtype=dtype)).values.tolist() == [[1], [0]]
    assert read_panel(np.array([[True], [False]])).values.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    "data",
    [
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([True, None, True], dtype="boolean") * 1,
        pd.Series([1.0, np.nan, 3.0]),
        np.array([1, None, 3], dtype=object),
        [1.0, None, 3.0],
    ],
)
def test_missing_values_of_every_kind(data):
    assert np.isnan(read_panel(data).values[:, 0]).tolist() == [False, True, False]


def test_columns_of_several_types():
    mixed = frame(c=pd.array([1, None] * 3, dtype="Int64"), d=[True, False] * 3)
    values = read_panel(mixed).values
    np.testing.assert_array_equal(values[:, 3], [1, 0] * 3)
    assert np.isnan(values[:, 2]).sum() == 3


@pytest.mark.parametrize(
    ("roles", "columns"),
    [
        ({}, Columns(("a", "b", "c"))),
        ({"target": "b"}, Columns(("b",), (), ("a", "c"))),
        ({"target": ["c", "a"]}, Columns(("c", "a"), (), ("b",))),
        ({"target": np.array(["c", "a"])}, Columns(("c", "a"), (), ("b",))),
        ({"target": pd.Index(["c"])}, Columns(("c",), (), ("a", "b"))),
        ({"past_covariates": "b"}, Columns(("a", "c"), ("b",))),
        ({"target": "a", "past_covariates": ["b"]}, Columns(("a",), ("b",), ("c",))),
        (
            {"target": ("a",), "past_covariates": "c", "static_covariates": "b"},
            Columns(("a",), ("c",), (), ("b",)),
        ),
    ],
)
def test_roles_of_columns(roles, columns):
    data = frame(c=5.0)
    panel = read_panel(data, **roles)
    assert panel.columns == columns
    np.testing.assert_array_equal(panel.values, data[list(columns.all)])


def test_columns_of_an_array_go_by_number():
    assert read_panel(frame().to_numpy(), target=1).columns == Columns((1,), (), (0,))


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"target": "c"}, r"^target='c' is not a column of X: \['a', 'b'\]$"),
        ({"target": ["a", "c"]}, "target='c' is not"),
        ({"past_covariates": "c"}, "past_covariates='c' is not"),
        ({"static_covariates": ["c"]}, "static_covariates='c' is not"),
        ({"target": "a", "past_covariates": "a"}, "'a' is named twice.* in past_covariates"),
        ({"target": ["a", "a"]}, "'a' is named twice.* in target"),
        ({"past_covariates": ["a", "b"]}, "no column is left as a target; name it with target="),
    ],
)
def test_names_that_do_not_fit(roles, message):
    with pytest.raises(ValueError, match=message):
        read_panel(frame(), **roles)


def test_of_many_columns_only_some_are_named():
    wide = pd.DataFrame(np.ones((2, 300))).add_prefix("c")
    with pytest.raises(ValueError, match=r"'c9', \.\.\.\] \(300 columns\)") as error:
        read_panel(wide, target="c")
    assert len(str(error.value)) < 150


def test_y_beside_its_covariates():
    panel = read_panel(frame()[["a"]], frame()["b"])
    assert panel.columns == Columns(("b",), (), ("a",))
    np.testing.assert_array_equal(panel.values, frame()[["b", "a"]])
    assert panel.container.one_dimensional
    assert not read_panel(frame()[["a"]], frame()[["b"]]).container.one_dimensional


@pytest.mark.parametrize("name", ["b", "y: b", 0])
def test_y_may_have_the_name_of_a_covariate(name):
    covariates = pd.DataFrame({name: np.arange(6.0)}, DAYS)
    panel = read_panel(covariates, pd.Series(5.0, DAYS, name=name), past_covariates=name)

    assert panel.columns == Columns((name,), (name,))
    assert panel.values.tolist() == [[5, i] for i in range(6)]


def test_target_and_y_are_one_too_many():
    with pytest.raises(ValueError, match="target='b' names a target.*y is given too; give one"):
        read_panel(frame(), frame()["a"], target="b")


@pytest.mark.parametrize(
    ("X", "y", "is_pandas", "one_dimensional", "unnamed"),
    [
        (frame()["a"], None, True, True, False),
        (frame()["a"].rename(None), None, True, True, True),
        (frame(), None, True, False, True),
        (np.ones(3), None, False, True, True),
        (np.ones((3, 1)), None, False, False, True),
        (frame(), frame()["a"], True, True, False),
        (frame(), np.ones(6), True, True, True),
        (np.ones((6, 1)), frame()["a"], True, True, False),
        (np.ones((6, 1)), np.ones((6, 2)), False, False, True),
    ],
)
def test_the_container_to_answer_in(X, y, is_pandas, one_dimensional, unnamed):
    container = read_panel(X, y).container
    assert (container.pandas, container.one_dimensional) == (is_pandas, one_dimensional)
    assert container.unnamed == unnamed or not one_dimensional


@few
@given(st.permutations(range(12)))
def test_rows_of_a_panel_in_any_order_of_series(order):
    """Only the times of each series must ascend."""
    long = pd.DataFrame({"a": np.arange(12.0), "id": np.repeat([*"xyz"], 4), "t": [*range(4)] * 3})
    mixed = long.iloc[order].sort_values("t", kind="stable").set_index(["id", "t"])
    panel = read_panel(mixed)
    for label, values in zip(panel.ids, panel.iter_series(), strict=True):
        np.testing.assert_array_equal(values[:, 0], long.loc[long["id"] == label, "a"])
    rows = np.arange(12) if panel.order is None else panel.order
    np.testing.assert_array_equal(panel.values[:, 0], mixed["a"].to_numpy()[rows])


def test_series_may_lie_far_apart():
    months = pd.date_range("2020-01-31", periods=60, freq="ME")
    values = pd.Series(1.0, months)
    panel = read_panel(panel_of(u=values[50:58], v=values[:5], w=values[59:], x=values[30:32]))
    assert panel.grid.step_name == "ME"
    assert (panel.starts - panel.starts[1]).tolist() == [50, 0, 59, 30]


def test_series_of_one_row_tell_the_step_together():
    rows = {label: pd.Series(1.0, DAYS[i : i + 1]) for i, label in enumerate("uvw")}
    assert read_panel(panel_of(**rows)).starts.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (DAYS[[0, 2, 1, 3]], "^time 2024-01-02 comes after 2024-01-03; use X.sort_index"),
        (DAYS[::-1], "^time 2024-01-05 comes after 2024-01-06; use X.sort_index"),
        (DAYS[[0, 1, 1, 2]], r"^time 2024-01-02 comes twice; drop one \(X\[~X.index.dup"),
        (DAYS[[0, 1, 3, 4, 5]], r"2024-01-03 is missing from a step of 'D'; .*X.asfreq\('D'\)"),
        (pd.DatetimeIndex([DAYS[0], None, DAYS[2]]), "the time is missing in row 1.*drop the row"),
        (pd.period_range("2024", periods=4, freq="M")[[0, 2, 1]], "2024-02 comes after 2024-03"),
        (pd.period_range("2024", periods=4, freq="M")[[0, 1, 3]], "2024-04 follows 2024-02.*M"),
        (pd.Index([3, 2, 1]), "time 2 comes after 3"),
        (pd.Index([3, 2, 1], dtype="uint8"), "time 2 comes after 3"),
        (pd.Index([3, 4, 4]), "time 4 comes twice"),
        (pd.Index([3, 4, 6, 7]), "6 follows 4, but the step is 1"),
        (pd.RangeIndex(5, 0, -1), "time 4 comes after 5"),
    ],
)
def test_times_that_do_not_run(index, message):
    series = pd.Series(1.0, index)
    with pytest.raises(ValueError, match=message):
        read_panel(series)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 2, 1, 3], "^series 3: time 2024-01-02 comes after 2024-01-03"),
        ([0, 1, 1, 2], "^series 3: time 2024-01-02 comes twice"),
        ([0, 1, 3], "^series 3: .* 2024-01-04 follows 2024-01-02, but the step is D; .*groupby"),
    ],
)
def test_times_of_a_series_that_do_not_run(rows, message):
    a = frame()["a"]
    with pytest.raises(ValueError, match=message):
        read_panel(pd.concat({np.int64(7): a, np.int64(3): a.iloc[rows]}))


def test_a_gap_in_the_longest_series_names_it():
    with pytest.raises(ValueError, match="^series 'u': the timestamps are irregular: 2024-01-03"):
        read_panel(panel_of(u=frame()["a"].drop(DAYS[2]), v=frame()["a"][:3]))


def test_a_series_beside_the_grid_of_the_others():
    weeks = pd.Series(1.0, pd.date_range("2024-01-06", periods=9, freq="W-SAT"))
    with pytest.raises(ValueError, match="^series 'v': 2024-01-07 does not lie on the time grid"):
        read_panel(panel_of(u=weeks, v=weeks[:5].shift(1, freq="D")))


def test_labels_that_are_missing():
    index = pd.MultiIndex.from_arrays([["a", None], DAYS[:2]])
    with pytest.raises(ValueError, match="series label is missing in row 1 .*drop the row"):
        read_panel(pd.Series(1.0, index))


def test_three_levels_are_one_too_many():
    with pytest.raises(ValueError, match=r"has 3 levels .*\(series, time\): tsrnn.from_long"):
        read_panel(pd.concat({"x": panel_of(u=frame())}))


@pytest.mark.parametrize(
    ("values", "dtype", "remedy"),
    [
        ([*"uvwxyz"], "str", "pd.to_numeric, or encode categories"),
        (pd.Categorical([*"uvwxyz"]), "category", "encode categories"),
        (np.arange(6).astype(object), "object", "pd.to_numeric"),
        (DAYS, r"datetime64\[us\]", "make it the index"),
        (DAYS.to_period("M"), r"period\[M\]", "make it the index"),
        (DAYS - DAYS[0], r"timedelta64\[us\]", "dt.total_seconds"),
        (np.arange(6) * 1j, "complex128", "real and imaginary part"),
    ],
)
def test_columns_that_are_no_numbers(values, dtype, remedy):
    with pytest.raises(TypeError, match=f"^column 'c' of X has dtype {dtype}; .*{remedy}"):
        read_panel(frame(c=values))
    with pytest.raises(TypeError, match=f"^column 'c' of y has dtype {dtype}; "):
        read_panel(frame(), frame(c=values)["c"])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (
            np.array([1, "x"], dtype=object),
            TypeError,
            "X holds objects that are not numbers: .*'x'",
        ),
        (np.array(["1", "2"]), TypeError, "column 0 of X has dtype"),
        (np.array([1j, 2]), ValueError, "Complex data not supported"),
        (np.zeros((2, 3, 4)), ValueError, r"X has 3 dimension.*one row per time step"),
        (5.0, ValueError, r"X has 0 dimension"),
        (None, ValueError, r"X has 0 dimension"),
        (sparse.eye_array(3), TypeError, r"Sparse data .*X.toarray\(\)"),
        (np.zeros(0), ValueError, "X has 0 sample.*give at least one row"),
        (np.zeros((3, 0)), ValueError, "X has 0 feature.*give at least one column"),
        (pd.DataFrame({"a": []}), ValueError, "X has 0 sample"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "more than one column named 'a'"),
    ],
)
def test_data_of_no_use(data, error, message):
    with pytest.raises(error, match=message):
        read_panel(data)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_located(value):
    bad = frame()
    bad.iloc[4, 1] = value
    remedy = "; replace inf by NaN"
    with pytest.raises(ValueError, match=f"^column 'b' is infinity at 2024-01-05{remedy}"):
        read_panel(bad)
    with pytest.raises(
        ValueError, match=f"^series 'v': column 'b' is infinity at 2024-01-05{remedy}"
    ):
        read_panel(panel_of(u=frame(), v=bad))
    with pytest.raises(ValueError, match=f"^column 1 is infinity at row 4{remedy}"):
        read_panel(bad.to_numpy())


def test_infinity_is_located_in_a_panel_ordered_by_time():
    bad = panel_of(u=frame(), v=frame(), w=frame())
    bad.loc[("v", DAYS[3]), "a"] = np.inf
    bad.loc[("w", DAYS[1]), "b"] = np.inf
    with pytest.raises(ValueError, match="^series 'v': column 'a' is infinity at 2024-01-04"):
        read_panel(bad.sort_index(level="day", sort_remaining=False))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(5), "X has 6 rows but y has 5; give one target per row"),
        (pd.Series(1.0, DAYS + DAYS.freq), "row 0 is 2024-01-01 in X and 2024-01-02 in y; align"),
        (pd.Series(1.0, DAYS[[0, 1, 2, 3, 5, 4]]), "row 4 is 2024-01-05 in X and 2024-01-06 in y"),
        (pd.Series(1.0, DAYS.tz_localize("UTC")), "row 0 is 2024-01-01 in X and 2024-01-01 00"),
        (panel_of(u=frame()["a"]), "row 0 is 2024-01-01 in X and 'u', 2024-01-01 in y"),
    ],
)
def test_y_that_does_not_lie_beside_x(y, message):
    with pytest.raises(ValueError, match=message):
        read_panel(frame(), y)


def test_y_without_labels_lies_beside_x():
    for y in (np.ones(6), [1.0] * 6, pd.Series(np.ones(6))):
        assert read_panel(frame(), y).grid.step_name == "D"


def test_a_row_of_covariates_is_ambiguous():
    with pytest.raises(ValueError, match=r"X is 1-D, but with y .*X.reshape\(-1, 1\)"):
        check_covariates(np.ones(3))
    check_covariates(pd.Series(np.ones(3)))
    check_covariates(np.ones((3, 1)))
