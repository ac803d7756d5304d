import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from tsrnn.baselines import Naive
from tsrnn.preprocessing import Deseasonalizer, Differencer

MONTHS = pd.date_range("2020-01-01", periods=48, freq="MS")
close = partial(assert_allclose, rtol=1e-9, atol=1e-9)


def sales(n=48, columns=("a", "b"), missing=False):
    rng = np.random.default_rng(0)
    season = np.tile(np.sin(np.arange(12)), n // 12 + 1)[:n, None]
    values = 50 + rng.standard_normal((n, len(columns))).cumsum(0) + 5 * season
    if missing:
        values[[0, 7, 8, 21], 0] = np.nan
        values[12:26, -1] = np.nan
    index = pd.date_range("2020-01-01", periods=n, freq="MS")
    return pd.DataFrame(values, index, columns=list(columns))


def shops(lengths=(30, 41, 26), **options):
    return pd.concat(
        {name: sales(n, **options) for name, n in zip("xyz", lengths, strict=True)},
        names=["shop", "month"],
    )


def containers():
    frame = sales()
    periods = frame.set_axis(frame.index.to_period("M"))
    zoned = frame.set_axis(frame.index.tz_localize("Europe/Berlin"))
    numbered = frame.set_axis(pd.RangeIndex(10, 10 + 3 * len(frame), 3))
    mixed = shops().sort_index(level="month", kind="stable")
    return {
        "series": frame["a"],
        "unnamed": frame["a"].rename(None),
        "frame": frame,
        "1-D": frame["a"].to_numpy(),
        "2-D": frame.to_numpy(),
        "periods": periods,
        "time zone": zoned,
        "integers": numbered,
        "panel": shops(),
        "panel of one column": shops()["a"],
        "panel in order of time": mixed,
    }


def assert_like(answer, question):
    assert type(answer) is type(question)
    assert answer.shape == question.shape
    if hasattr(question, "index"):
        assert answer.index.equals(question.index)
        if answer.ndim == 1:
            assert answer.name == question.name
        else:
            assert list(answer.columns) == list(question.columns)


@pytest.mark.parametrize("kind", containers())
@pytest.mark.parametrize("transformer", [Differencer(1, 12), Deseasonalizer(12)], ids=str)
def test_answers_in_the_container_of_the_question_and_back(kind, transformer):
    X = containers()[kind]
    transformer = clone(transformer).fit(X)
    changed = transformer.transform(X)
    assert_like(changed, X)
    back = transformer.inverse_transform(changed)
    assert_like(back, X)
    close(back, X)


def test_differences_as_pandas_takes_them():
    X = sales()
    assert_frame_equal(Differencer().fit_transform(X), X.diff())
    assert_frame_equal(Differencer(2).fit_transform(X), X.diff().diff())
    assert_frame_equal(Differencer(0, 12).fit_transform(X), X.diff(12))
    assert_frame_equal(Differencer(0, "auto").fit_transform(X), X.diff(12))
    assert_frame_equal(Differencer(1, 12).fit_transform(X), X.diff(12).diff())
    assert_frame_equal(Differencer(0).fit_transform(X), X)


def test_differences_of_a_panel_stay_inside_each_series():
    X = shops()
    expected = pd.concat([part.diff(12).diff() for _, part in X.groupby(level=0)])
    assert_frame_equal(Differencer(1, 12).fit_transform(X), expected)


def test_a_missing_value_costs_no_other_row():
    X = np.array([1.0, np.nan, np.nan, 5.0, 6.0])
    transformer = Differencer().fit(X)
    assert_array_equal(transformer.transform(X), [np.nan, np.nan, np.nan, 4.0, 1.0])
    assert_array_equal(transformer.inverse_transform(transformer.transform(X)), X)


def test_missing_changes_stay_missing():
    X = sales()[["a"]]
    changes = X.diff()[30:36]
    changes.iloc[2] = np.nan
    back = Differencer().fit(X[:30]).inverse_transform(changes)
    assert_array_equal(back["a"].isna(), [False, False, True, False, False, False])
    close(back[:2], X[30:32])
    close(back.iloc[3:] - back.iloc[1], X.diff()[33:36].cumsum())


def test_the_history_keeps_missing_rows_at_its_end():
    X = np.array([1.0, 5.0, 2.0, 7.0, np.nan])
    assert_array_equal(Differencer(0, 2).fit(X).inverse_transform([1.0, 1.0], X), [8.0, 3.0])


def test_a_missing_season_is_bridged_too():
    X = np.array([1.0, 2.0, np.nan, 4.0, 7.0, 9.0])
    transformer = Differencer(0, 2).fit(X)
    assert_array_equal(transformer.transform(X), [np.nan, np.nan, np.nan, 2.0, 6.0, 5.0])
    assert_array_equal(transformer.inverse_transform(transformer.transform(X)), X)


def test_only_the_columns_named_change():
    X = sales()
    changed = Differencer(columns="a").fit_transform(X)
    assert_series_equal(changed["b"], X["b"])
    assert_series_equal(changed["a"], X["a"].diff())
    adjusted = Deseasonalizer(columns=["b"]).fit(X)
    assert_series_equal(adjusted.transform(X)["a"], X["a"])
    close(adjusted.inverse_transform(adjusted.transform(X)), X)


def test_rows_after_the_training_data_are_compared_with_it():
    X = sales()
    transformer = Differencer(1, 12).fit(X[:30])
    assert_frame_equal(transformer.transform(X[30:]), X.diff(12).diff()[30:])
    assert transformer.transform(X[32:])[:13].isna().all(axis=None)


def test_changes_after_the_training_data_become_levels():
    X = sales(missing=True)
    changes = Differencer(1, 12).fit_transform(X)
    transformer = Differencer(1, 12).fit(X[:30])
    close(transformer.inverse_transform(changes[30:]), X[30:])
    close(transformer.inverse_transform(changes), X)
    close(transformer.inverse_transform(changes[40:], history=X[:40]), X[40:])
    unlabelled = Differencer(1, 12).fit(X.to_numpy())
    close(unlabelled.inverse_transform(changes[40:].to_numpy(), X[:40].to_numpy()), X[40:])


def test_changes_of_a_panel_become_levels():
    X = shops(missing=True)
    head = X.groupby(level=0).head(20)
    tail = X.drop(head.index)[::-1].sort_index(level="month", kind="stable")
    changes = Differencer(2, 3).fit_transform(X)
    assert_frame_equal(
        Differencer(2, 3).fit(head).inverse_transform(changes.loc[tail.index]), tail, rtol=1e-9
    )
    some = changes.loc[["y"]][35:]
    back = Differencer(2, 3).fit(head).inverse_transform(some, history=X.loc[["y", "x"]][:-6])
    assert_frame_equal(back, X.loc[some.index], rtol=1e-9)


def test_levels_that_nothing_is_known_of():
    X = sales()
    transformer = Differencer().fit(X[:30])
    changes = X.diff()
    with pytest.raises(
        ValueError, match=r"starts at 2023-01-01.*from 2020-01-01 to 2022-06-01.*history="
    ):
        transformer.inverse_transform(changes[36:])
    with pytest.raises(ValueError, match=r"'a' at 2022-07-01.*need history=.*at least 13"):
        Differencer(1, 12).fit(X[:30]).inverse_transform(changes[30:], X[25:30])
    unlabelled = Differencer().fit(X[:30].to_numpy())
    with pytest.raises(ValueError, match=r"column 0 at 0 has no value before it.*history="):
        unlabelled.inverse_transform(changes[30:].to_numpy())


def test_messages_of_the_differencer():
    X = shops()
    with pytest.raises(ValueError, match=r"order=-1 must be a whole number >= 0"):
        Differencer(-1).fit(X)
    with pytest.raises(ValueError, match=r"season_length=0 must be"):
        Differencer(1, 0).fit(X)
    with pytest.raises(ValueError, match=r"columns='c' is not a column of X: \['a', 'b'\]"):
        Differencer(columns="c").fit(X)
    with pytest.raises(ValueError, match=r"series 'z': n_samples = 26 rows.*needs 30"):
        Differencer(0, 29).fit(X)
    fitted = Differencer().fit(X.loc[["x", "y"]])
    with pytest.raises(ValueError, match=r"series 'z': fit never saw this series"):
        fitted.inverse_transform(X.loc[["z"]])
    with pytest.raises(ValueError, match=r"Reshape your data"):
        Differencer().fit(sales()).transform(np.arange(5.0))


def test_fitting_again_on_other_data():
    transformer = Differencer().fit(sales())
    assert transformer.fit(np.arange(5.0)).n_features_in_ == 1
    assert_array_equal(transformer.transform(np.arange(3.0)), [np.nan, 1.0, 1.0])


values = st.floats(-1e6, 1e6, width=32) | st.just(np.nan)


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(st.tuples(values, values), min_size=12, max_size=40),
    order=st.integers(0, 2),
    season=st.sampled_from([None, 2, 5]),
    cut=st.integers(10, 12),
)
def test_differences_come_back_exactly(data, order, season, cut):
    X = np.array(data)
    transformer = Differencer(order, season).fit(X)
    close = partial(assert_allclose, rtol=1e-9, atol=1e-3)
    changes = transformer.transform(X)
    close(transformer.inverse_transform(changes), X)
    head = Differencer(order, season).fit(X[:cut])
    after = X[cut:]
    lacks = np.isnan(head.transform(X)) & ~np.isnan(X)
    lost = lacks[cut:].any()  # a phase that the history never saw has no level to start from
    if len(after) and not lost:
        close(head.inverse_transform(changes[cut:], history=X[:cut]), after)


def trend_and_season(n=60, season=12, model="additive"):
    cycle = np.sin(2 * np.pi * np.arange(n) / season)
    trend = 100 + 0.5 * np.arange(n)
    both = trend + 5 * cycle if model == "additive" else trend * (1 + 0.1 * cycle)
    index = pd.date_range("2020-01-01", periods=n, freq="MS")
    return pd.Series(both, index, name="sold"), pd.Series(trend, index, name="sold")


@pytest.mark.parametrize("model", ["additive", "multiplicative"])
@pytest.mark.parametrize("robust", [False, True])
def test_a_cycle_on_a_trend_is_taken_out(model, robust):
    X, trend = trend_and_season(model=model)
    transformer = Deseasonalizer(model=model, robust=robust).fit(X[:48])
    assert transformer.season_length_ == 12
    assert_allclose(transformer.transform(X), trend, rtol=0.01)
    assert_allclose(transformer.inverse_transform(trend), X, rtol=0.01)
    close(transformer.inverse_transform(transformer.transform(X)), X)


def test_the_cycle_is_that_of_statsmodels():
    from statsmodels.tsa.seasonal import STL

    X = sales()["a"]
    adjusted = Deseasonalizer(robust=True).fit_transform(X)
    assert_series_equal(X - adjusted, STL(X, robust=True).fit().seasonal, check_names=False)


def test_rows_after_the_training_data_get_its_last_cycle():
    X = sales(48)
    transformer = Deseasonalizer().fit(X[:30])
    last = (X[:30] - transformer.transform(X[:30]))[18:]
    cycle = X - transformer.transform(X)
    close(cycle[30:42], last)
    close(cycle[42:48], last[:6])
    single = transformer.transform(X.iloc[[45]])
    close(single, X.iloc[[45]] - cycle.iloc[[45]])
    twice = X.iloc[[45, 31, 45]]
    close(transformer.inverse_transform(twice), twice + cycle.iloc[[45, 31, 45]])


def test_rows_before_the_training_data_get_its_first_cycle():
    X = sales(48)
    transformer = Deseasonalizer().fit(X[15:])
    cycle = X - transformer.transform(X)
    close(cycle[3:15], cycle[15:27])
    close(cycle[:3], cycle[12:15])


def test_a_later_row_does_not_change_an_earlier_one():
    X = sales()
    transformer = Deseasonalizer().fit(X[:30])
    assert_frame_equal(transformer.transform(X)[:40], transformer.transform(X[:40]))


def test_every_series_of_a_panel_has_its_own_cycle():
    X = shops()
    transformer = Deseasonalizer().fit(X)
    for name in "xyz":
        own = Deseasonalizer().fit_transform(X.loc[name])
        close(transformer.transform(X).loc[name], own)
        close(transformer.transform(X.loc[[name]]).loc[name], own)
    mixed = X.sort_index(level="month", kind="stable")
    close(transformer.transform(mixed).loc["y"], transformer.transform(X).loc["y"])


def test_missing_values_stay_missing_and_do_not_spread():
    X, trend = trend_and_season()
    holes = X.copy()
    holes.iloc[[0, 1, 17, 18, 19, 59]] = np.nan
    adjusted = Deseasonalizer().fit_transform(holes)
    assert_array_equal(adjusted.isna(), holes.isna())
    assert_allclose(adjusted.dropna(), trend[holes.notna()], rtol=0.02)


def test_without_a_season_nothing_changes():
    X = np.arange(5.0)
    assert_array_equal(Deseasonalizer().fit_transform(X), X)
    assert_array_equal(Deseasonalizer(1, "multiplicative").fit_transform(X - 2), X - 2)


def test_messages_of_the_deseasonalizer():
    X = shops()
    with pytest.raises(ValueError, match=r"model='both' must be 'additive' or 'multiplicative'"):
        Deseasonalizer(model="both").fit(X)
    with pytest.raises(ValueError, match=r"season_length='year' must be 'auto'"):
        Deseasonalizer("year").fit(X)
    with pytest.raises(ValueError, match=r"series 'z': column 'a'.*26 rows.*needs two seasons"):
        Deseasonalizer(15).fit(X)
    zero, hole = X.copy(), X.copy()
    zero.loc[("y", pd.Timestamp("2020-02-01")), "a"] = 0
    with pytest.raises(
        ValueError, match=r"'y': column 'a' is not positive at 2020-02-01.*additive"
    ):
        Deseasonalizer(model="multiplicative").fit(zero)
    hole.loc["y", "b"] = np.nan
    with pytest.raises(ValueError, match=r"series 'y': column 'b' has no observed value"):
        Deseasonalizer().fit(hole)
    fitted = Deseasonalizer().fit(X.loc[["x", "y"]])
    with pytest.raises(ValueError, match=r"series 'z': fit never saw this series"):
        fitted.transform(X)
    with pytest.raises(ValueError, match=r"fit saw a panel"):
        fitted.transform(X.loc["x"])
    with pytest.raises(ValueError, match=r"fit saw a single series"):
        Deseasonalizer().fit(sales()).transform(X)
    with pytest.raises(ValueError, match=r"2021-01-05.*does not lie on the steps \(MS\)"):
        Deseasonalizer().fit(sales()).transform(
            sales(2).set_axis(pd.DatetimeIndex(["2021-01-01", "2021-01-05"]))
        )
    with pytest.raises(TypeError, match=r"holds rows counted from 0, but fit saw timestamps"):
        Deseasonalizer().fit(sales()).transform(sales().reset_index(drop=True))


@settings(max_examples=30, deadline=None)
@given(
    data=st.lists(st.floats(-1e3, 1e3, width=32), min_size=8, max_size=30),
    season=st.integers(1, 4),
    model=st.sampled_from(["additive", "multiplicative"]),
    first=st.integers(-20, 40),
)
def test_seasonal_adjustment_comes_back_exactly(data, season, model, first):
    X = np.array(data) if model == "additive" else np.exp(np.array(data) / 200)
    transformer = Deseasonalizer(season, model).fit(pd.Series(X, pd.RangeIndex(1, len(X) + 1)))
    elsewhere = pd.Series(X, pd.RangeIndex(first, first + len(X)))
    back = transformer.inverse_transform(transformer.transform(elsewhere))
    assert_allclose(back, elsewhere, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("transformer", [Differencer(1, 12, columns="a"), Deseasonalizer()])
def test_clone_pickle_and_pandas_output(transformer):
    X = sales()
    fitted = clone(transformer).fit(X[:30])
    again = pickle.loads(pickle.dumps(fitted))
    assert_frame_equal(again.transform(X), fitted.transform(X))
    assert list(fitted.get_feature_names_out()) == ["a", "b"]
    pandas = clone(transformer).set_params(columns=None).set_output(transform="pandas")
    assert isinstance(pandas.fit_transform(X.to_numpy()), pd.DataFrame)


def test_in_a_pipeline_of_scikit_learn_forecasts_stay_changes():
    X = sales()[["a"]]
    pipeline = make_pipeline(Differencer(), Naive(2)).fit(X)
    close(pipeline[-1].predict(), np.repeat(X.diff()[-1:], 2, axis=0))
    assert pipeline[:-1].transform(X[:3]).shape == (3, 1)
