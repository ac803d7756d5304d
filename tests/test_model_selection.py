"""RollingOriginSplit: its arithmetic, panels, and scikit-learn's searches with it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tsrnn import model_selection
from tsrnn.baselines import SeasonalNaive
from tsrnn.model_selection import RollingOriginSplit

PARAMETERS = {
    "n_splits": st.integers(1, 5),
    "horizon": st.integers(1, 4),
    "step": st.none() | st.integers(1, 5),
    "gap": st.integers(0, 3),
    "max_train_size": st.none() | st.integers(1, 8),
}
splitters = st.fixed_dictionaries(PARAMETERS)
# Of each series of a panel: first time and number of rows.
spans = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 30)), min_size=1, max_size=4)


def needed(n_splits, horizon, step, gap, max_train_size):
    return 1 + gap + horizon + (n_splits - 1) * (horizon if step is None else step)


def panel_of(spans, kind="month", order="series"):
    """One column that counts the rows."""
    parts = []
    for label, (first, length) in zip("abcd", spans, strict=False):
        numbers = np.arange(first, first + length)
        times = {
            "month": pd.period_range("2020-01", periods=42, freq="M"),
            "day": pd.date_range("2024-03-25", periods=42, tz="Europe/Berlin"),  # summer time
            "step": pd.RangeIndex(200),
        }[kind][numbers]
        parts.append(pd.DataFrame({"id": label, "time": times}))
    table = pd.concat(parts, ignore_index=True)
    if order == "time":
        table = table.sort_values("time", kind="stable")
    if order == "mixed":
        table = table.sample(frac=1, random_state=0)
    return pd.DataFrame({"y": np.arange(float(len(table)))}, index=pd.MultiIndex.from_frame(table))


# One series


@given(splitters, st.integers(0, 25))
def test_folds_of_one_series(parameters, extra):
    n_rows = needed(**parameters) + extra
    horizon, gap, size = (parameters[name] for name in ("horizon", "gap", "max_train_size"))
    cv = RollingOriginSplit(**parameters)
    folds = list(cv.split(np.zeros(n_rows)))
    assert len(folds) == cv.get_n_splits() == parameters["n_splits"]
    assert folds[-1][1][-1] == n_rows - 1
    ends = [test[-1] for _, test in folds]
    assert set(np.diff(ends)) <= {parameters["step"] or horizon}
    for train, test in folds:
        assert len(test) == horizon
        assert test[0] == train[-1] + gap + 1
        n_before = test[0] - gap
        assert len(train) == min(n_before, size or n_before)
        assert (np.diff(train) == 1).all() and (np.diff(test) == 1).all()


@given(splitters)
def test_one_row_less_than_needed_is_an_error(parameters):
    n_rows = needed(**parameters)
    cv = RollingOriginSplit(**parameters)
    assert len(next(cv.split(np.zeros(n_rows)))[0]) == 1
    with pytest.raises(ValueError, match=f"need {n_rows} time steps, but X has {n_rows - 1}"):
        list(cv.split(np.zeros(n_rows - 1)))


@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 3), st.integers(0, 20))
def test_equals_time_series_split(n_splits, horizon, gap, extra):
    n_rows = (n_splits + 1) * horizon + gap + extra + 1
    ours = RollingOriginSplit(n_splits, horizon=horizon, gap=gap).split(np.zeros(n_rows))
    theirs = TimeSeriesSplit(n_splits, test_size=horizon, gap=gap).split(np.zeros(n_rows))
    for (train, test), (their_train, their_test) in zip(ours, theirs, strict=True):
        assert train.tolist() == their_train.tolist()
        assert test.tolist() == their_test.tolist()


@pytest.mark.parametrize(
    "X", [list(range(20)), pd.Series(range(20)), pd.DataFrame({"a": range(20)}), np.zeros((20, 2))]
)
def test_containers(X):
    folds = list(RollingOriginSplit(3, horizon=2).split(X))
    assert [test.tolist() for _, test in folds] == [[14, 15], [16, 17], [18, 19]]


def test_too_short_says_how_many_splits_are_possible():
    with pytest.raises(ValueError, match=r"n_splits=9, horizon=2, step=3, gap=1 .*take n_splits=3"):
        list(RollingOriginSplit(9, horizon=2, step=3, gap=1).split(range(11)))
    assert len(list(RollingOriginSplit(3, horizon=2, step=3, gap=1).split(range(11)))) == 3
    with pytest.raises(ValueError, match="take a smaller horizon or gap"):
        list(RollingOriginSplit(horizon=12).split(range(11)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_splits": 0}, r"n_splits=0 must be a whole number >= 1"),
        ({"horizon": 1.5}, r"horizon=1.5 must be a whole number >= 1"),
        ({"step": 0}, r"step=0 must be None or a whole number >= 1"),
        ({"gap": -1}, r"gap=-1 must be a whole number >= 0"),
        ({"gap": None}, r"gap=None must be a whole number >= 0"),
        ({"max_train_size": True}, r"max_train_size=True must be None or a whole number >= 1"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        RollingOriginSplit(**parameters)


def test_repr_and_pickle():
    cv = RollingOriginSplit(2, horizon=3)
    assert "horizon=3" in repr(cv)
    assert repr(pickle.loads(pickle.dumps(cv))) == repr(cv)


def test_public_names():
    assert model_selection.__all__ == [
        "BacktestResult",
        "RollingOriginSplit",
        "backtest",
        "diebold_mariano",
    ]


# Panels


@given(splitters, spans, st.sampled_from(["month", "day", "step"]), st.data())
def test_folds_of_a_panel(parameters, spans, kind, data):
    X = panel_of(spans, kind, data.draw(st.sampled_from(["series", "time", "mixed"])))
    horizon, gap, size = (parameters[name] for name in ("horizon", "gap", "max_train_size"))
    try:
        folds = list(RollingOriginSplit(**parameters).split(X))
    except ValueError as error:
        event("too short")
        assert "n_splits=" in str(error)
        return
    ids, times = X.index.get_level_values(0), X.index.get_level_values(1)
    calendar = pd.Index(times.unique()).sort_values()
    for train, test in folds:
        assert len(test) > 0 and (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
        assert set(ids[test]) <= set(ids[train])
        for label in ids[test].unique():
            own = times[ids == label].sort_values()
            trained = own.get_indexer(times[train[ids[train] == label]])
            tested = np.sort(own.get_indexer(times[test[ids[test] == label]]))
            assert tested.tolist() == list(range(tested[0], tested[0] + horizon))
            assert trained.max() == tested[0] - gap - 1
            assert len(trained) <= (size or len(own))
            if kind == "step" and size is None:
                assert trained.min() == 0
        if kind != "step":  # one cutoff for all: no training row after any test series' cutoff
            first_test = calendar.get_indexer([times[test].min()])[0]
            assert calendar.get_indexer(times[train]).max() < first_test - gap
            assert times[test].nunique() == horizon


@pytest.mark.parametrize("kind", ["month", "step"])
def test_row_order_does_not_matter(kind):
    cv = RollingOriginSplit(3, horizon=2, gap=1, max_train_size=9)
    chosen = []
    for order in ("series", "time", "mixed"):
        X = panel_of([(0, 20), (3, 17), (0, 15)], kind, order)
        chosen.append([[set(X.index[rows]) for rows in fold] for fold in cv.split(X)])
    assert chosen[0] == chosen[1] == chosen[2]


def test_shared_calendar_counts_from_the_latest_time():
    X = panel_of([(0, 10), (0, 8), (6, 4)])  # b ends two months before; c opens late
    folds = list(RollingOriginSplit(3, horizon=2).split(X))
    tested = [sorted(set(X.index[test].get_level_values(0))) for _, test in folds]
    assert tested == [["a", "b"], ["a", "b"], ["a", "c"]]
    assert set(X.index[folds[2][0]].get_level_values(0)) == {"a", "b", "c"}  # b still trains


def test_integer_times_count_from_the_end_of_each_series():
    X = panel_of([(0, 10), (100, 5), (0, 2)], "step")
    folds = list(RollingOriginSplit(2, horizon=2).split(X))
    assert [test.tolist() for _, test in folds] == [[6, 7, 11, 12], [8, 9, 13, 14]]
    assert folds[1][0].tolist() == [*range(8), 10, 11, 12]


def test_series_that_never_overlap_a_cutoff():
    X = panel_of([(0, 10), (10, 3)])
    with pytest.raises(ValueError, match="in fold 2 no series has rows both up to the cutoff"):
        list(RollingOriginSplit(2, horizon=3).split(X))


def test_panel_too_short():
    with pytest.raises(ValueError, match="need 11 time steps, but the longest series of X has 6"):
        list(RollingOriginSplit(horizon=2).split(panel_of([(0, 6), (0, 4)], "step")))


def test_doubled_row_of_a_panel():
    X = panel_of([(0, 9)])
    with pytest.raises(ValueError, match=r"more than one row \('a', .*2020-09"):
        list(RollingOriginSplit(2).split(pd.concat([X, X[-1:]])))


# In scikit-learn


def season(n_rows=48):
    months = pd.period_range("2020-01", periods=n_rows, freq="M", name="month")
    wave = np.tile([1.0, 5, 2, 8], n_rows // 4)
    return pd.DataFrame({"a": wave, "b": 2 * wave + 1}, index=months)


DATA = {
    "frame": season(),
    "series": season()["a"],
    "timestamps": season().to_timestamp(),
    "2-D array": season().to_numpy(),
    "1-D array": season()["a"].to_numpy(),
    "panel": pd.concat({"x": season(), "y": season() + 3}, names=["id"]),
    "panel, time-major": pd.concat({"x": season(), "y": season()}).sort_index(level=1),
}


@pytest.mark.parametrize("name", DATA)
def test_grid_search_of_a_forecaster(name):
    search = GridSearchCV(
        SeasonalNaive(horizon=4),
        {"season_length": [1, 4]},
        cv=RollingOriginSplit(3, horizon=4),
        scoring=_negative_error,
        error_score="raise",
    ).fit(DATA[name])
    assert search.best_params_ == {"season_length": 4}
    assert search.cv_results_["std_test_score"][1] == 0


def _negative_error(forecaster, X, y=None):
    y_true, y_pred = forecaster.rolling_predict(X)
    return -np.abs(y_true - y_pred).mean()


@pytest.mark.parametrize("name", DATA)
def test_cross_validate_with_the_own_score(name):
    cv = RollingOriginSplit(3, horizon=4)
    scores = cross_validate(
        SeasonalNaive(4, season_length=4), DATA[name], cv=cv, error_score="raise"
    )
    assert scores["test_score"].tolist() == [0, 0, 0]  # as good as itself


def test_cross_validate_with_y():
    X, y = season()[["a"]], season()["b"]
    cv = RollingOriginSplit(4, horizon=3, gap=2)
    scores = cross_validate(
        make_pipeline(StandardScaler(), Ridge(1e-9)), X, y, cv=cv, error_score="raise"
    )
    assert scores["test_score"] == pytest.approx([1, 1, 1, 1])
    forecaster = SeasonalNaive(3, season_length=4)
    cv = RollingOriginSplit(4, horizon=3)
    scores = cross_validate(clone(forecaster), X, y, cv=cv, error_score="raise")
    assert len(scores["test_score"]) == 4
