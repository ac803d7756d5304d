"""What bad input gets: a clear error or a sensible forecast, never a NaN or a silent drop.

Each row of the table in section 7 of the design, for a network and for a baseline.
"""

import warnings

import keras
import numpy as np
import pandas as pd
import pytest

from tsrnn import LSTMForecaster
from tsrnn.baselines import SeasonalNaive

MONTHS = pd.date_range("2021-01-31", periods=40, freq="ME", name="month")
SALES = pd.Series(
    10 + np.sin(np.arange(40) / 2) + np.random.default_rng(0).normal(0, 0.3, 40),
    MONTHS,
    name="sales",
)
FRAME = pd.DataFrame({"a": SALES, "b": 50 - 3 * SALES})
COVARIATES = pd.DataFrame({"promo": np.arange(40) % 3.0}, MONTHS)
TINY = {
    "horizon": 2,
    "units": 2,
    "max_epochs": 1,
    "batch_size": 32,
    "context_length": 6,
    "random_state": 0,
}


def lstm(**params):
    return LSTMForecaster(**{**TINY, **params})


def naive(**params):
    return SeasonalNaive(**{"horizon": 2, **params})


@pytest.fixture(params=[lstm, naive], ids=["lstm", "naive"])
def make(request):
    return request.param


def panel_of(**series):
    return pd.concat(series, names=["shop", "month"])


def assert_says(error, *parts):
    """The message holds the parts in this order, and reads as a sentence."""
    text, at = str(error.value), 0
    for part in parts:
        assert part in text[at:], f"{part!r} is not in {text[at:]!r}"
        at = text.index(part, at) + len(part)
    for ugly in ("Timestamp(", "np.", "Period(", "array(", "00:00:00", "dtype("):
        assert ugly not in text


def changed(data, place, value):
    data = data.copy()
    data.iloc[place] = value
    return data


# Unsorted or duplicated timestamps, irregular steps, inf, object columns, unknown names.

ROWS = list(range(40))
BAD_ROWS = {
    "unsorted": (
        [0, 1, 2, 4, 3, *ROWS[5:]],
        ("time 2021-04-30 comes after 2021-05-31", "X.sort_index()"),
    ),
    "descending": (ROWS[::-1], ("time 2024-03-31 comes after 2024-04-30", "X.sort_index()")),
    "duplicated": (
        [*ROWS[:7], 6, *ROWS[7:]],
        ("time 2021-07-31 comes twice", "X[~X.index.duplicated()]"),
    ),
    "gap": (
        [*ROWS[:9], *ROWS[10:20], *ROWS[23:]],
        ("the timestamps are irregular", "2021-10-31 is missing", "'ME'", "X.asfreq('ME')", "NaN"),
    ),
}


@pytest.mark.parametrize(("rows", "parts"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_times_of_a_series(make, rows, parts):
    for data in (SALES, FRAME):
        with pytest.raises(ValueError) as error:
            make().fit(data.iloc[rows])
        assert_says(error, *parts)


@pytest.mark.parametrize(("rows", "parts"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_times_of_a_panel(make, rows, parts):
    """The same in the second of two series, whatever its labels are."""
    for first, second, label in (("u", "v", "'v'"), (1, 2, "2")):
        data = pd.concat({first: FRAME, second: FRAME.iloc[rows]}, names=["shop", "month"])
        with pytest.raises(ValueError) as error:
            make().fit(data)
        parts = ("2021-11-30 follows 2021-09-30",) if "irregular" in parts[0] else parts
        assert_says(error, f"series {label}: ", *parts)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity(make, value):
    bad = changed(FRAME, (12, 1), value)
    with pytest.raises(ValueError) as error:
        make().fit(bad)
    assert_says(error, "column 'b' is infinity at 2022-01-31", "replace inf by NaN")
    with pytest.raises(ValueError) as error:
        make().fit(panel_of(u=FRAME, v=bad))
    assert_says(error, "series 'v': column 'b' is infinity at 2022-01-31", "replace inf")
    fitted = naive().fit(FRAME)
    for answer in (fitted.predict, fitted.score, fitted.update):
        with pytest.raises(ValueError, match="column 'b' is infinity at 2022-01-31"):
            answer(bad)


@pytest.mark.parametrize(
    ("values", "dtype", "remedy"),
    [
        (["red", "blue"] * 20, "str", "encode categories"),
        (pd.Categorical(["red", "blue"] * 20), "category", "encode categories"),
        (np.array([1, 2] * 20, dtype=object), "object", "pd.to_numeric"),
        (MONTHS, "datetime64[us]", "set_index"),
        (MONTHS - MONTHS[0], "timedelta64[us]", "total_seconds"),
    ],
)
def test_columns_that_are_no_numbers(make, values, dtype, remedy):
    bad = FRAME.assign(c=values)
    for data in (bad, panel_of(u=bad, v=bad)):
        with pytest.raises(TypeError) as error:
            make().fit(data)
        assert_says(error, "column 'c' of X has dtype", dtype, remedy)


@pytest.mark.parametrize("role", ["target", "past_covariates", "static_covariates"])
def test_names_that_are_unknown(make, role):
    with pytest.raises(ValueError) as error:
        make(**{role: "price"}).fit(FRAME)
    assert_says(error, f"{role}='price' is not a column of X: ['a', 'b']")
    with pytest.raises(ValueError, match=rf"{role}='a' is not a column of X: \[0, 1\]"):
        make(**{role: "a"}).fit(FRAME.to_numpy())


def test_names_given_twice(make):
    with pytest.raises(ValueError, match="more than one column named 'a'; rename them"):
        make().fit(pd.concat([FRAME, FRAME], axis=1))
    with pytest.raises(ValueError, match="column 'a' is named twice"):
        make(target="a", past_covariates="a").fit(FRAME)


@pytest.mark.parametrize(
    ("index", "parts"),
    [
        (MONTHS.astype(str), ("time index has dtype str", "give timestamps (pd.to_datetime)")),
        (np.arange(40) / 2, ("time index has dtype float64", "give timestamps")),
    ],
)
def test_an_index_that_is_no_time(make, index, parts):
    with pytest.raises(TypeError) as error:
        make().fit(pd.Series(SALES.to_numpy(), index))
    assert_says(error, *parts)


@pytest.mark.parametrize("data", [3.0, None, np.zeros((2, 3, 4, 5)), [], np.zeros((3, 0))])
def test_data_that_is_none(make, data):
    with pytest.raises(ValueError, match="^X has 0 |^X has 4 dim"):
        make().fit(data)


def test_levels_of_a_panel_in_the_wrong_order(make):
    with pytest.raises(TypeError, match=r"has dtype str; .*second level: \(series, time\)"):
        make().fit(panel_of(u=FRAME, v=FRAME).swaplevel())


# Missing targets inside the history.


@pytest.fixture(scope="module")
def gaps():
    """A gap of two months and a late start."""
    values = SALES.to_numpy().copy()
    values[[0, 1, 2, 20, 21]] = np.nan
    return pd.Series(values, MONTHS, name="sales")


def test_one_warning_counts_missing_targets(gaps):
    with pytest.warns(UserWarning) as caught:
        forecaster = lstm().fit(gaps)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("2 of 37 rows have a missing target (the first is 2022-09-30);")
    assert f"{forecaster.n_windows_} remain" in message
    assert caught[0].filename == __file__
    # The first window ends in row 9 (2 missing, 6 + 2 rows); 3 hold row 20 or 21 as a target.
    assert forecaster.n_windows_ == 40 - 6 - 2 + 1 - 3
    assert np.isfinite(forecaster.predict()).all()


def test_the_warning_names_the_series(gaps):
    with pytest.warns(UserWarning, match=r"2 of 77 rows .*\(the first is series 'v': 2022-09-30\)"):
        lstm().fit(panel_of(u=SALES, v=gaps))


def test_missing_targets_do_not_disturb_a_baseline(gaps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecasts = naive(season_length=3).fit(gaps).predict()
    assert forecasts.tolist() == SALES.iloc[[37, 38]].tolist()


def test_missing_inputs_are_masked(gaps):
    """Rows in which nothing is observed, at the start or inside, change nothing."""
    with pytest.warns(UserWarning, match="missing target"):
        forecaster = lstm().fit(gaps)
    near = changed(SALES, [33, 36, 37], np.nan)
    assert np.isfinite(forecaster.predict(near)).all()
    after = forecaster.predict(gaps.iloc[:25])
    pd.testing.assert_series_equal(after, forecaster.predict(gaps.iloc[3:25]), check_freq=False)


def test_rows_at_the_end_ask_for_forecasts(make):
    """Trailing missing targets are what is forecast, as is the horizon."""
    forecasts = make().fit(SALES[:30]).predict(changed(SALES, slice(35, None), np.nan))
    assert forecasts.index.equals(MONTHS[35:])
    assert np.isfinite(forecasts).all()


EMPTY = {
    "series": (SALES * np.nan, ("target 'sales'",)),
    "column": (FRAME.assign(b=np.nan), ("target 'b'",)),
    "array": (np.full(20, np.nan), ("target 0",)),
    "one series of a panel": (panel_of(u=FRAME, v=FRAME * np.nan), ("series 'v': ", "target 'a'")),
    "one column of a series": (
        panel_of(u=FRAME, v=FRAME.assign(b=np.nan)),
        ("series 'v': ", "target 'b'"),
    ),
}


@pytest.mark.parametrize(("data", "parts"), EMPTY.values(), ids=EMPTY)
def test_all_targets_missing_in_fit(make, data, parts):
    with pytest.raises(ValueError) as error:
        make().fit(data)
    assert_says(error, *parts, "leave")


def test_all_targets_missing_in_predict(make):
    forecaster = make().fit(FRAME)
    with pytest.raises(ValueError) as error:
        forecaster.predict(FRAME[20:30] * np.nan)
    assert_says(error, "no target is observed", "leave the series out")
    with pytest.raises(ValueError) as error:
        forecaster.predict(FRAME[20:30].assign(b=np.nan))
    assert_says(error, "target 'b' has no observed value up to 2023-06-30", "leave it out")
    with pytest.raises(ValueError, match="target 'a' has no observed value up to 2021-03-31"):
        forecaster.predict_at(changed(FRAME, slice(0, 4), np.nan), [9, 2])


# A series too short.


def test_too_short_for_the_context_asked_for():
    with pytest.raises(ValueError) as error:
        lstm().fit(SALES[:7])
    assert_says(
        error, "7 rows are too few for context_length=6 and horizon=2, which need 8", "auto"
    )
    with pytest.raises(ValueError) as error:
        lstm().fit(panel_of(u=SALES, v=SALES[:3]))
    assert_says(error, "series 'v': 3 rows are too few", "need 8", "context_length='auto'")


def test_a_short_series_is_padded():
    forecasts = lstm(context_length="auto").fit(SALES[:5]).predict()
    assert np.isfinite(forecasts).all()
    with pytest.raises(
        ValueError, match="longest series has n_samples=2 rows, but horizon=2 needs"
    ):
        lstm(context_length="auto").fit(SALES[:2])


def test_a_series_of_one_row_in_a_panel(make):
    forecaster = make(**{"context_length": "auto"} if make is lstm else {})
    forecasts = forecaster.fit(panel_of(u=SALES, v=SALES[:1], w=SALES[25:26])).predict()
    assert forecasts.loc["v"].tolist() == [SALES.iloc[0]] * 2
    assert forecasts.loc["w"].index.equals(MONTHS[26:28])


def test_a_history_of_one_row(make):
    forecasts = make().fit(SALES).predict(SALES[10:11])
    np.testing.assert_allclose(forecasts, SALES.iloc[10])
    assert forecasts.index.equals(MONTHS[11:13])


def test_one_timestamp_in_fit(make):
    with pytest.raises(ValueError, match="step of time cannot be told from a single timestamp"):
        make().fit(pd.Series([1.0], pd.DatetimeIndex(["2024-01-31"])))


# Constant series, scales, negative values, integers, booleans: a finite, sensible forecast.


@pytest.fixture(scope="module")
def trained():
    """Trained for long enough to differ from the reference."""

    def fit(data, **params):
        return lstm(max_epochs=8, learning_rate=0.05, **params).fit(data)

    return fit


@pytest.mark.parametrize("level", [0.0, 5.0, -7.0, 1e-9, 1e12, -3e12 / 7])
def test_constant_series(make, level):
    np.testing.assert_allclose(make().fit(SALES * 0 + level).predict(), level, rtol=1e-12)


def test_a_constant_column_and_series(make):
    forecasts = make().fit(FRAME.assign(b=3.0)).predict()
    np.testing.assert_allclose(forecasts["b"], 3.0, rtol=1e-12)
    assert np.isfinite(forecasts["a"]).all()
    forecasts = make().fit(panel_of(u=SALES, v=SALES * 0 + 3)).predict()
    np.testing.assert_allclose(forecasts.loc["v"], 3.0, rtol=1e-12)


@pytest.mark.parametrize("reference", ["season", "seasons", "last", "mean"])
@pytest.mark.parametrize(("a", "b"), [(1e-6, 0), (1e-6, 1e-3), (1.0, 1000.0), (1e6, 0), (1e6, 1e9)])
def test_forecasts_follow_level_and_size(trained, reference, a, b):
    usual = trained(SALES, reference=reference).predict()
    moved = trained(a * SALES + b, reference=reference).predict()
    if reference == "season":  # the network has its say
        assert (usual - naive().fit(SALES).predict()).abs().min() > 0.01 * SALES.std()
    np.testing.assert_allclose(moved, a * usual + b, rtol=1e-9, atol=1e-3 * a * SALES.std())


@pytest.mark.parametrize("scale", [1e-9, 1e12, -1e12])
def test_extreme_and_negative_scales(trained, scale):
    forecasts = trained(scale * SALES).predict() / scale
    assert forecasts.between(SALES.min() - 1, SALES.max() + 1).all()


@pytest.mark.parametrize("kind", ["usual", "sparse", "late"])
@pytest.mark.filterwarnings("ignore:15 of 40 rows have a missing target")
def test_columns_of_different_scales(trained, kind):
    """Each target is scaled by itself, and what moves little or late disturbs no other."""
    row = np.arange(40)
    other = {"usual": FRAME["b"], "sparse": (row % 13 == 0) * 1.0, "late": FRAME["b"][15:]}
    data = FRAME.assign(b=other[kind])
    usual = trained(data, reference="seasons").predict()
    moved = trained(data * [1e-6, 1e6] + [0, 1e9], reference="seasons").predict()
    np.testing.assert_allclose((moved - [0, 1e9]) / [1e-6, 1e6], usual, atol=1e-3)
    assert np.isfinite(usual).all(axis=None)


@pytest.mark.parametrize("dtype", ["int8", "int64", "Int64", "Float32", "float32", "float64"])
def test_numbers_of_every_type(make, dtype):
    whole = SALES.round()
    expected = make().fit(whole).predict()
    forecasts = make().fit(whole.astype(dtype)).predict()
    pd.testing.assert_series_equal(forecasts, expected)
    assert forecasts.dtype == np.float64


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_booleans_are_0_and_1(make, dtype):
    forecasts = make().fit((SALES > 10).astype(dtype)).predict()
    assert forecasts.between(-0.5, 1.5).all()


def test_nullable_integers_may_lack_values():
    with pytest.warns(UserWarning, match="1 of 40 rows have a missing target"):
        forecasts = lstm().fit(changed(SALES.round().astype("Int64"), 15, pd.NA)).predict()
    assert np.isfinite(forecasts).all()


# Future covariates missing or misaligned.


@pytest.fixture(scope="module")
def row_by_row():
    return lstm().fit(COVARIATES[:30], SALES[:30])


@pytest.fixture(scope="module")
def with_future():
    return lstm(target="sales").fit(COVARIATES[:30].assign(sales=SALES))


def test_covariates_missing_in_fit(make):
    bad = changed(COVARIATES, (4, 0), np.nan)
    with pytest.raises(ValueError) as error:
        make().fit(bad, SALES)
    assert_says(error, "covariate 'promo' is missing (NaN) at 2021-05-31", "past_covariates")
    with pytest.raises(ValueError) as error:
        make(target="a").fit(panel_of(u=FRAME, v=changed(FRAME, (4, 1), np.nan)))
    assert_says(error, "series 'v': covariate 'b' is missing (NaN) at 2021-05-31", "fill it")


def test_covariates_missing_in_predict(row_by_row, with_future):
    bad = changed(COVARIATES[30:35], (3, 0), np.nan)
    with pytest.raises(ValueError) as error:
        row_by_row.predict(bad)
    assert_says(error, "covariate 'promo' is missing (NaN) at 2023-10-31", "fill it")
    history = COVARIATES.assign(sales=SALES[:38])
    with pytest.raises(ValueError, match="'promo' is missing .* at 2024-04-30, inside the horizon"):
        with_future.predict(changed(history, (39, 0), np.nan))


def test_covariates_not_known_over_the_horizon(row_by_row, with_future):
    with pytest.raises(ValueError) as error:
        row_by_row.predict()
    says = ("the covariates ['promo'] must be known over the horizon", "0 rows follow")
    assert_says(error, *says, "(2023-06-30), but horizon=2", "give predict the X of the rows")
    with pytest.raises(ValueError) as error:
        with_future.predict()
    assert_says(error, *says, "(2023-06-30), but horizon=2", "ends in rows with them")
    with pytest.raises(ValueError, match=r"1 rows follow .* \(2024-03-31\), but horizon=2"):
        with_future.predict(COVARIATES.assign(sales=SALES[:39]))


def test_past_covariates_are_not_known_beyond_the_horizon():
    data = COVARIATES.assign(sales=SALES)
    forecaster = lstm(target="sales", past_covariates="promo").fit(data)
    assert np.isfinite(forecaster.predict()).all(axis=None)
    with pytest.raises(ValueError) as error:
        forecaster.predict(changed(data, (slice(35, None), 1), np.nan))
    assert_says(
        error, "5 steps", "horizon=2", "['promo'] are not known beyond", "fit with horizon=5"
    )


@pytest.mark.parametrize(
    ("rows", "remedy"),
    [
        (
            slice(31, 35),
            "X starts at 2023-08-31, but the training data ended at 2023-06-30; give the",
        ),
        (
            slice(29, 35),
            "X starts at 2023-06-30, but the training data ended at 2023-06-30; give only",
        ),
        (
            slice(0, 5),
            "X starts at 2021-01-31, but the training data ended at 2023-06-30; give only",
        ),
    ],
)
def test_covariates_of_other_rows(row_by_row, rows, remedy):
    with pytest.raises(ValueError) as error:
        row_by_row.predict(COVARIATES[rows])
    assert_says(error, remedy, "rows")


def test_covariates_beside_another_y(make):
    with pytest.raises(ValueError, match="X has 40 rows but y has 39; give one target per row"):
        make().fit(COVARIATES, SALES[1:])
    with pytest.raises(ValueError) as error:
        make().fit(COVARIATES, SALES.shift(1, freq="ME"))
    assert_says(error, "row 0 is 2021-01-31 in X and 2021-02-28 in y", "y.reindex(X.index)")


def test_y_where_there_was_none(make):
    without, with_y = make().fit(SALES[:30]), make().fit(COVARIATES[:30], SALES[:30])
    for method in ("score", "update", "rolling_predict"):
        with pytest.raises(ValueError, match="y is given, but fit saw none.*leave y out"):
            getattr(without, method)(SALES[30:], SALES[30:])
        with pytest.raises(ValueError, match="y is missing: as fit, this takes X and y"):
            getattr(with_y, method)(COVARIATES[30:])
    with pytest.raises(ValueError, match="target='b' .* y is given too"):
        make(target="b").fit(FRAME, SALES)


# X that does not follow the training data in score.


@pytest.mark.parametrize("method", ["score", "rolling_predict", "update"])
def test_rows_that_leave_a_gap(make, method):
    forecaster = make().fit(SALES[:30])
    with pytest.raises(ValueError) as error:
        getattr(forecaster, method)(SALES[32:])
    assert_says(error, "X starts at 2023-09-30", "training data ended at 2023-06-30", "update")
    forecaster = make().fit(panel_of(u=SALES[:30], v=SALES[:20]))
    with pytest.raises(ValueError) as error:
        getattr(forecaster, method)(panel_of(u=SALES[30:], v=SALES[30:]))
    assert_says(error, "series 'v': X starts at 2023-07-31", "ended at 2022-08-31", "update")


def test_rows_that_end_before_the_training_data(make):
    for rows in (slice(0, 5), slice(25, 30), slice(0, 30)):
        with pytest.raises(ValueError) as error:
            make().fit(SALES[:30]).score(SALES[rows])
        assert_says(error, "no row of X follows the training data, which ended at 2023-06-30; give")
    with pytest.raises(ValueError, match="^series 'v': no row .* ended at 2022-08-31"):
        make().fit(panel_of(u=SALES[:30], v=SALES[:20])).score(panel_of(v=SALES[:20]))


def test_score_of_a_series_without_history(make):
    with pytest.raises(ValueError) as error:
        make().fit(panel_of(u=SALES[:30])).score(panel_of(u=SALES[30:], z=SALES[30:]))
    assert_says(error, "series 'z': target 'sales' has no observed value", "leave it out")


def test_score_of_nothing_observed(make):
    with pytest.raises(ValueError, match="nothing to score: no row of X after the training data"):
        make().fit(SALES[:30]).score(SALES[30:] * np.nan)


def test_score_drops_the_rows_known_already(make):
    forecaster = make().fit(SALES[:30])
    assert forecaster.score(SALES) == forecaster.score(SALES[30:]) == forecaster.score(SALES[12:])


@pytest.mark.parametrize(
    ("cutoffs", "message"),
    [
        ([5, 40], "cutoffs has 40, but must be row positions in X: whole numbers from 0 to 39"),
        ([-1], "cutoffs has -1, but must be row positions"),
        ([1.5], r"cutoffs=\[1.5\] must be row positions"),
        ([], r"cutoffs=\[\] must be row positions"),
    ],
)
def test_cutoffs_that_are_no_rows(make, cutoffs, message):
    with pytest.raises(ValueError, match=message):
        make().fit(SALES).predict_at(SALES, cutoffs)
    with pytest.raises(ValueError, match="n_steps=0 must be a whole number >= 1"):
        make().fit(SALES).predict_at(SALES, [5], n_steps=0)


# Columns, and kinds of index, at predict that differ from fit.


def test_other_columns(make):
    forecaster = make().fit(FRAME)
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        forecaster.predict(FRAME[["b", "a"]])
    with pytest.raises(ValueError, match="Feature names seen at fit time, yet now missing:\n- b"):
        forecaster.predict(FRAME[["a"]])
    with pytest.raises(ValueError, match="Feature names unseen at fit time:\n- c"):
        forecaster.predict(FRAME.rename(columns={"b": "c"}))
    with pytest.raises(ValueError, match="X has 1 features, but .* is expecting 2 features"):
        make().fit(FRAME.to_numpy()).predict(FRAME.to_numpy()[:, :1])
    with pytest.raises(ValueError, match="Feature names unseen at fit time:\n- price"):
        make().fit(SALES).predict(SALES.rename("price"))


@pytest.mark.parametrize(
    ("data", "error", "parts"),
    [
        (SALES.tz_localize("UTC"), TypeError, ("holds timestamps (UTC), but fit saw timestamps",)),
        (SALES.to_period("M"), TypeError, ("holds periods (M), but fit saw timestamps", "give")),
        (SALES.reset_index(drop=True), TypeError, ("holds rows counted from 0, but fit saw",)),
        (panel_of(u=SALES), ValueError, ("fit saw a single series, but X is a (series, time)",)),
        (
            SALES.set_axis(pd.date_range("2021", periods=40, freq="D")),
            ValueError,
            ("2021-01-01 does not lie on the time grid", "2021-01-31 in steps of ME", "bring"),
        ),
    ],
)
def test_other_times(make, data, error, parts):
    forecaster = make().fit(SALES)
    with pytest.raises(error) as caught:
        forecaster.predict(data)
    assert_says(caught, *parts)


def test_daily_periods_after_monthly_ones(make):
    daily = pd.Series(1.0, pd.period_range("2021", periods=9, freq="D"), name="sales")
    with pytest.raises(TypeError, match=r"holds periods \(D\), but fit saw periods \(M\)"):
        make().fit(SALES.to_period("M")).predict(daily)


# Parameters.

WRONG = {
    "horizon": [0, -1, 1.5, "a", None, True],
    "context_length": [0, 1.5, None, "long", True],
    "units": [0, 2.5],
    "batch_size": [0, None],
    "max_epochs": [0, "many"],
    "stride": [0],
    "n_members": [0],
    "patience": [0],
    "segment_length": [0, "x"],
    "architecture": ["seq", None],
    "reference": ["first", 3],
    "scale": ["max", 1],
    "schedule": ["linear"],
    "decoder": ["x"],
    "early_stopping": ["auto", 3, 1, 0, None],
    "share_targets": ["yes", 1, None],
    "verbose": ["loud", -1, 1.5, None],
    "bidirectional": ["no", 1, None],
    "residual": ["no", 0],
    "layer_norm": ["batch"],
    "warm_start": ["no", 1],
    "dropout": [1.0, -0.1, "a", None, True],
    "recurrent_dropout": [1.0],
    "validation_fraction": [1.5, -0.1],
    "learning_rate": [0, -1, None, "fast", True],
    "clipnorm": [0, -1.0, "a"],
    "season_length": [0, 2.5, "monthly", [], None, True],
    "loss": ["no_such_loss", None, 3],
    "optimizer": ["no_such_optimizer", None, 3],
    "network": ["lstm", 3],
    "random_state": ["a", -1, 1.5],
    "callbacks": [3],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_parameters_out_of_range(name, value):
    with pytest.raises(ValueError) as error:
        lstm(**{name: value}).fit(SALES)
    assert_says(error, f"{name}={value!r} ", *(() if "no_such" in str(value) else ("must be",)))


@pytest.mark.parametrize("name", ["horizon", "season_length"])
def test_parameters_of_a_baseline(name):
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=f"^{name}=.* must be "):
            naive(**{name: value}).fit(SALES)


def test_parameters_that_do_not_go_together():
    with pytest.raises(ValueError, match="context_length=6 must be a multiple .*=4; use 8"):
        lstm(segment_length=4).fit(SALES)
    with pytest.raises(ValueError, match="bidirectional=True with architecture='seq2seq'"):
        lstm(bidirectional=True, architecture="seq2seq").fit(SALES)
    with pytest.raises(ValueError, match="early_stopping=True with validation_fraction=0.*above 0"):
        lstm(early_stopping=True, validation_fraction=0.0).fit(SALES)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("optimizer", keras.optimizers.Adam),
        ("loss", keras.losses.Huber),
        ("learning_rate", keras.optimizers.schedules.ExponentialDecay),
    ],
)
def test_classes_instead_of_instances(name, kind):
    with pytest.raises(ValueError) as error:
        lstm(**{name: kind}).fit(SALES)
    assert_says(error, f"{name}={kind.__name__} is a class; give an instance, {kind.__name__}()")


def test_flags_of_numpy():
    forecaster = lstm(residual=np.False_, early_stopping=np.True_, verbose=np.int64(0)).fit(SALES)
    assert forecaster.train_spec_.patience == 10
    assert forecaster.spec_.residual is False


@pytest.mark.parametrize(
    ("X", "y", "parts"),
    [
        (np.zeros((5, 6, 1)), None, ("X has shape (5, 6, 1)", "need y", "of shape (5, 2)")),
        (np.zeros((5, 6, 1)), np.zeros((5, 3)), ("y has shape (5, 3)", "must be (5, 2)")),
        (np.zeros((5, 6, 1)), np.zeros((4, 2)), ("y has shape (4, 2)", "must be (5, 2)")),
        (np.zeros((5, 6, 1)), np.zeros((5, 2, 3)), ("3 targets, but X only 1 features", "first")),
        (np.full((5, 6, 1), np.nan), np.zeros((5, 2)), ("X[0, 0, 0] is missing", "window 0")),
        (np.zeros((5, 6, 1)), np.full((5, 2), np.inf), ("y[0, 0, 0] is missing", "infinite")),
        (np.zeros((5, 7, 1)), np.zeros((5, 2)), ("context_length=6, but the windows show 7",)),
    ],
)
def test_ready_made_windows(X, y, parts):
    with pytest.raises(ValueError) as error:
        lstm().fit(X, y)
    assert_says(error, *parts)


@pytest.mark.parametrize(
    "weights", [[1.0], np.ones((40, 1)), -np.ones(40), np.zeros(40), [np.nan] * 40]
)
def test_weights(weights):
    with pytest.raises(ValueError, match="^sample_weight .*(one weight per row|must be finite)"):
        lstm().fit(SALES, sample_weight=weights)


# Rows that follow, in every container: the same forecasts whichever way they come.


def test_updated_or_continued(make):
    new = SALES[30:31]
    continued = make().fit(SALES[:30]).predict(new)
    updated = make().fit(SALES[:30]).update(new)
    whole = make().fit(SALES[:30]).predict(SALES[:31])
    pd.testing.assert_series_equal(continued, whole, rtol=1e-5)
    pd.testing.assert_series_equal(updated.predict(), whole, rtol=1e-5)
    assert whole.index.equals(MONTHS[31:33])
    updated.update(SALES[31:33])
    assert updated.predict().index.equals(MONTHS[33:35])


def test_rows_that_are_a_history_of_their_own(make):
    forecaster = make().fit(SALES[:30])
    for rows in (slice(0, 20), slice(10, 20), slice(20, 36)):
        forecasts = forecaster.predict(SALES[rows])
        first = rows.stop
        assert forecasts.index.equals(MONTHS[first : first + 2])
    moved = forecaster.predict(SALES[10:20] + 1000)
    np.testing.assert_allclose(moved, forecaster.predict(SALES[10:20]) + 1000, atol=1e-3)


@pytest.mark.parametrize("first", [26, 28, 29, 30])
def test_rows_that_overlap_the_end_continue_the_history(make, first):
    """Rows before them are remembered, but where they say something else they are believed."""
    forecaster = make().fit(SALES[:30])
    for revised in (SALES[:33], SALES[:33].where(MONTHS[:33] < MONTHS[first], SALES[:33] + 5)):
        expected = forecaster.predict(revised)
        pd.testing.assert_series_equal(forecaster.predict(revised[first:]), expected, rtol=1e-5)
    # In a panel each series by itself.
    forecaster = make().fit(panel_of(u=SALES[:30], v=SALES[:30] * 2, w=SALES[:30]))
    asked = panel_of(z=SALES[:9], v=2 * SALES[first:33], w=SALES[32:36], u=SALES[first:31])
    expected = panel_of(z=SALES[:9], v=2 * SALES[:33], w=SALES[32:36], u=SALES[:31])
    answer = forecaster.predict(asked)
    pd.testing.assert_series_equal(answer, forecaster.predict(expected), rtol=1e-5)


def test_arrays_are_a_history_of_their_own(make):
    values = SALES.to_numpy()
    forecaster = make(season_length=12).fit(values[:30])
    whole = make(season_length=12).fit(SALES[:30])
    alone = whole.predict(SALES[32:35])  # after a gap
    np.testing.assert_allclose(forecaster.predict(values[32:35]), alone, rtol=1e-5)


def test_update_of_some_series_keeps_their_order(make):
    forecaster = make().fit(panel_of(u=SALES[:30], v=SALES[:20] * 2, w=SALES[:25]))
    before = forecaster.predict()
    after = forecaster.update(panel_of(z=SALES[:9], v=2 * SALES[20:22])).predict()
    assert after.index.unique("shop").tolist() == ["u", "v", "w", "z"]
    pd.testing.assert_series_equal(after.loc[["u", "w"]], before.loc[["u", "w"]], rtol=1e-5)
    assert after.loc["v"].index.equals(MONTHS[22:24])


def test_series_that_go_on_beside_new_ones(make):
    forecaster = make().fit(panel_of(u=SALES[:30], v=SALES[:20] * 2))
    answer = forecaster.predict(panel_of(z=SALES[:9], v=2 * SALES[20:21]))
    assert answer.index.unique("shop").tolist() == ["z", "v"]
    alone = forecaster.predict(panel_of(v=2 * SALES[:21]))
    pd.testing.assert_series_equal(answer.loc[["v"]], alone, rtol=1e-5, check_freq=False)


def test_the_order_of_series_and_rows_does_not_matter(trained):
    """All windows make one batch here, so that the order of batches is no matter either."""
    data = panel_of(u=SALES, v=SALES[5:35] * 3, w=SALES[::-1].set_axis(MONTHS) - 20)
    usual = trained(data, batch_size=256).predict()
    by_time = data.sort_index(level="month", sort_remaining=False)
    turned = data.loc[["w", "u", "v"]]
    assert trained(turned).predict().index.unique("shop").tolist() == ["w", "u", "v"]
    for other in (by_time, turned):
        forecaster = trained(other, batch_size=256)
        for forecasts in (forecaster.predict(), forecaster.predict(data)):
            same = forecasts.loc[["u", "v", "w"]]
            pd.testing.assert_series_equal(same, usual, rtol=1e-3, check_freq=False)


def test_rows_of_a_panel_answered_in_their_order(make):
    X = panel_of(u=COVARIATES, v=COVARIATES)
    y = panel_of(u=SALES, v=SALES * 2)
    times = X.index.get_level_values("month")
    forecaster = make().fit(X[times < MONTHS[30]], y[times < MONTHS[30]])
    asked = X[times >= MONTHS[30]]
    mixed = asked.sort_index(level="month", sort_remaining=False)
    answer = forecaster.predict(mixed)
    assert answer.index.equals(mixed.index)
    pd.testing.assert_series_equal(answer.sort_index(), forecaster.predict(asked), check_freq=False)


def test_cutoffs_are_rows_of_x(make):
    data = panel_of(u=SALES, v=SALES * 2)
    by_time = data.sort_index(level="month", sort_remaining=False)
    forecaster = make().fit(data)
    usual = forecaster.predict_at(data, [7, 39, 50])
    keys = data.index[[7, 39, 50]]
    mixed = forecaster.predict_at(by_time, by_time.index.get_indexer(keys))
    pd.testing.assert_frame_equal(usual, mixed, check_freq=False)
    assert usual.droplevel("time").index.unique().tolist() == keys.tolist()
    alone = forecaster.predict(data.loc[["v"]][:11])
    np.testing.assert_allclose(usual.loc["v"]["sales"], alone, rtol=1e-5)


def test_rows_counted_from_0_follow_the_training_data(make):
    X, y = COVARIATES.reset_index(drop=True), SALES.reset_index(drop=True)
    forecaster = make().fit(X[:30], y[:30])
    expected = forecaster.predict(X[30:35])
    assert expected.index.tolist() == [30, 31, 32, 33, 34]
    again = forecaster.predict(X[30:35].reset_index(drop=True))
    pd.testing.assert_series_equal(again, expected.reset_index(drop=True))


@pytest.mark.parametrize(
    "data",
    [
        SALES,
        SALES.rename(None),
        FRAME,
        FRAME["a"].to_numpy(),
        FRAME.to_numpy(),
        SALES.to_period("M"),
        SALES.tz_localize("Europe/Berlin"),
        SALES.set_axis(pd.Index(range(1980, 2020), name="year")),
        panel_of(u=SALES, v=SALES),
        panel_of(u=FRAME, v=FRAME),
        panel_of(u=SALES.to_period("M"), v=SALES.to_period("M")).rename_axis([None, "t"]),
        pd.concat({1: SALES, "v": SALES}),
    ],
)
def test_what_comes_in_goes_out(make, data):
    forecasts = make().fit(data).predict()
    assert type(forecasts) is type(data)
    assert np.isfinite(forecasts).all(axis=None)
    if isinstance(data, np.ndarray):
        assert forecasts.shape == (2, *data.shape[1:])
        return
    assert forecasts.index.names == data.index.names
    assert type(forecasts.index) is type(data.index) or data.index.dtype == np.int64
    assert forecasts.index.dtype == data.index.dtype
    if isinstance(data, pd.Series):
        assert forecasts.name == data.name
    else:
        pd.testing.assert_index_equal(forecasts.columns, data.columns)


@pytest.mark.parametrize("day", ["2024-03-28", "2024-10-24"])
def test_hours_go_on_where_the_clocks_change(make, day):
    hours = pd.date_range(day, periods=100, freq="h", tz="Europe/Berlin")
    values = pd.Series(np.arange(100.0) % 24, hours)
    for cut in (68, 69, 70):
        forecasts = make(season_length=24).fit(values[:cut]).predict()
        assert forecasts.index.equals(hours[cut : cut + 2])
