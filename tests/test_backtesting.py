"""backtest and BacktestResult: folds, refits, leakage, scores by hand, foreign estimators."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import median_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut, TimeSeriesSplit

from tsrnn.baselines import Naive, SeasonalNaive
from tsrnn.metrics import mase
from tsrnn.model_selection import RollingOriginSplit, backtest
from tsrnn.naive import seasonal_naive

CALLS = []  # what the forecasters below were asked; each test starts with none


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


class Counting(SeasonalNaive):
    """Seasonal naive that remembers how it was called."""

    def fit(self, X, y=None):
        CALLS.append(("fit", len(X)))
        return super().fit(X, y)

    def predict_at(self, X, cutoffs, y=None, *, n_steps=None):
        CALLS.append(("predict_at", len(cutoffs), n_steps))
        return super().predict_at(X, cutoffs, y, n_steps=n_steps)


class Greedy(BaseEstimator):
    """Forecasts the sum of every number that it can see: any leak changes it."""

    def __init__(self, horizon=1, season_length=1, target=None, labelled=True):
        self.horizon = horizon
        self.season_length = season_length
        self.target = target
        self.labelled = labelled

    def fit(self, X, y=None):
        CALLS.append(("fit", X, y))
        self.sum_ = np.nansum(np.asarray(X, dtype=float))
        return self

    def predict(self, X):
        CALLS.append(("predict", X))
        value = self.sum_ + np.nansum(np.asarray(X, dtype=float))
        if not self.labelled:
            return np.full(self.horizon, value)
        ahead = X.index[-1] + np.arange(1, self.horizon + 1)
        return pd.Series(value, index=pd.Index(ahead))


class GreedyAt(Greedy):
    """The same, from many cutoffs."""

    def predict_at(self, X, cutoffs, y=None, *, n_steps=None):
        value = self.sum_ + np.nansum(np.asarray(X, dtype=float))
        return pd.DataFrame({"y": np.full(len(cutoffs) * n_steps, value)})


def months(values, name="y"):
    index = pd.period_range("2020-01", periods=len(values), freq="M", name="month")
    return pd.Series(np.asarray(values, dtype=float), index=index, name=name)


WAVE = months(np.random.default_rng(0).normal(size=40) + np.tile([0, 5, 9, 4], 10))
CV = RollingOriginSplit(4, horizon=3)


# Table


def test_table_by_hand():
    result = backtest(
        Naive(), months([1, 2, 3, 4, 5, 6, 7]), cv=RollingOriginSplit(2, horizon=2, gap=1)
    )
    table = result.table
    expected = ["series", "cutoff", "time", "target", "model", "y_true", "y_pred"]
    assert list(table.columns) == expected
    assert table["cutoff"].astype(str).tolist() == ["2020-02"] * 2 + ["2020-04"] * 2
    assert table["time"].astype(str).tolist() == ["2020-04", "2020-05", "2020-06", "2020-07"]
    assert table["y_true"].tolist() == [4, 5, 6, 7]
    assert table["y_pred"].tolist() == [2, 2, 4, 4]
    assert set(table["series"]) == {0} and set(table["target"]) == {"y"}
    assert set(table["model"]) == {"Naive"}
    assert result.details["step"].tolist() == [2, 3, 2, 3]
    assert result.details["fold"].tolist() == [0, 0, 1, 1]


INPUTS = {
    "series": WAVE,
    "frame": WAVE.to_frame(),
    "two targets": pd.DataFrame({"a": WAVE, "b": -WAVE}),
    "timestamps": WAVE.to_timestamp(),
    "integers": WAVE.set_axis(range(100, 140)),
    "every second integer": WAVE.set_axis(range(100, 180, 2)),
    "default index": WAVE.reset_index(drop=True),
    "1-D array": WAVE.to_numpy(),
    "2-D array": np.column_stack([WAVE, WAVE + 1]),
    "list": WAVE.tolist(),
}


@pytest.mark.parametrize("refit", [True, False, 2])
@pytest.mark.parametrize("name", INPUTS)
def test_forecasts_are_those_of_the_forecaster(name, refit):
    X = INPUTS[name]
    data = X if hasattr(X, "iloc") else np.asarray(X)
    cv = RollingOriginSplit(4, horizon=3, gap=1)
    result = backtest(SeasonalNaive(4, season_length=4), X, cv=cv, refit=refit)
    for (train, test), (_, part) in zip(
        cv.split(X), result.table.groupby(result.details["fold"]), strict=True
    ):
        history = data.iloc[train] if hasattr(data, "iloc") else data[train]
        forecast = np.asarray(SeasonalNaive(4, season_length=4).fit(history).predict())[1:]
        assert part["y_pred"].to_numpy() == pytest.approx(forecast.ravel())
        assert part["y_true"].to_numpy() == pytest.approx(np.asarray(data)[test].ravel())
    if hasattr(X, "index") and not isinstance(X, list):
        assert set(result.table["time"]) <= set(X.index)


def test_hours_over_a_change_of_the_clocks():
    hours = pd.date_range("2024-03-28", periods=120, freq="h", tz="Europe/Berlin")
    load = pd.Series(np.tile(np.arange(24.0), 5), index=hours, name="load")
    result = backtest(SeasonalNaive(), load, cv=RollingOriginSplit(4, horizon=12), refit=False)
    assert result.season_length == 24
    assert (result.table["y_true"] == result.table["y_pred"]).all()
    assert str(result.table["time"].dtype.tz) == "Europe/Berlin"
    assert result.table["time"].tolist() == hours[-48:].tolist()


def panel(order="series"):
    rng = np.random.default_rng(1)
    parts = {
        name: months(rng.normal(size=40))[first:last].to_frame()
        for name, first, last in [("a", 0, 40), ("b", 10, 40), ("c", 34, 40), ("d", 0, 20)]
    }
    X = pd.concat(parts, names=["id"])
    return X if order == "series" else X.sort_index(level="month", kind="stable")


@pytest.mark.parametrize("refit", [True, False, 3])
@pytest.mark.parametrize("order", ["series", "time"])
def test_panel(order, refit):
    result = backtest(SeasonalNaive(season_length=4), panel(order), cv=CV, refit=refit)
    table = result.table
    assert set(table["series"]) == {"a", "b", "c"}  # d ended before
    truth = panel()["y"]
    for row in table.itertuples():
        own = truth[row.series]
        assert row.y_true == own[row.time]
        season = 4 if (own.index <= row.cutoff).sum() >= 4 else 1
        steps = (row.time - row.cutoff).n
        assert row.y_pred == own[row.time - season * -(-steps // season)]
    folds = table.groupby("series")["cutoff"].nunique()
    assert folds.to_dict() == {"a": 4, "b": 4, "c": 1}


def test_panel_with_own_clocks():
    X = pd.concat(
        {"x": pd.Series(np.arange(20.0)), "y": pd.Series(np.arange(9.0), index=range(50, 59))}
    )
    result = backtest(Naive(), X.to_frame("v"), cv=RollingOriginSplit(3, horizon=2), refit=False)
    table = result.table[result.table["series"] == "y"]
    assert table["cutoff"].unique().tolist() == [52, 54, 56]
    assert table["y_pred"].tolist() == [2, 2, 4, 4, 6, 6]
    assert result.by_cutoff().index.tolist() == [52, 54, 56]
    assert (result.by_cutoff()["Naive"] == 1.5).all()


# Refit


@pytest.mark.parametrize(
    ("refit", "calls"),
    [
        (True, [("fit", 28), 1, ("fit", 31), 1, ("fit", 34), 1, ("fit", 37), 1]),
        (1, [("fit", 28), 1, ("fit", 31), 1, ("fit", 34), 1, ("fit", 37), 1]),
        (False, [("fit", 28), 4]),
        (3, [("fit", 28), 3, ("fit", 37), 1]),
        (9, [("fit", 28), 4]),
    ],
)
def test_refit(refit, calls):
    result = backtest(Counting(season_length=4), WAVE, cv=CV, refit=refit)
    expected = [c if isinstance(c, tuple) else ("predict_at", c, 3) for c in calls]
    assert CALLS == expected
    fitted = [c for c in calls if isinstance(c, tuple)]
    assert (result.timings["fit_seconds"] > 0).sum() == len(fitted)
    assert (result.timings["predict_seconds"] > 0).all()
    assert result.timings["cutoff"].astype(str).tolist() == [
        "2022-04",
        "2022-07",
        "2022-10",
        "2023-01",
    ]


def test_gap_is_reached_by_the_forecasts():
    backtest(Counting(season_length=4), WAVE, cv=RollingOriginSplit(2, horizon=3, gap=2))
    assert CALLS[1] == ("predict_at", 1, 5)


def test_max_train_size_holds_in_every_refit():
    cv = RollingOriginSplit(3, horizon=2, max_train_size=7)
    result = backtest(Counting(season_length=4), WAVE, cv=cv)
    assert [call for call in CALLS if call[0] == "fit"] == [("fit", 7)] * 3
    assert len(result.history) == 7
    seen = backtest(GreedyAt(), months(np.ones(40)), cv=cv).table["y_pred"]
    assert set(seen) == {14}  # 7 in fit, 7 in predict_at


@pytest.mark.parametrize("refit", [0, -1, 1.5, "yes", None])
def test_bad_refit(refit):
    with pytest.raises(ValueError, match=f"refit={refit!r} must be True"):
        backtest(Naive(), WAVE, cv=CV, refit=refit)


# Leakage


@settings(deadline=None, max_examples=30)
@given(
    changed=st.integers(28, 39),
    refit=st.sampled_from([True, False, 2]),
    gap=st.integers(0, 2),
)
def test_what_comes_after_a_cutoff_changes_no_forecast_made_at_it(changed, refit, gap):
    cv = RollingOriginSplit(4, horizon=3, gap=gap)
    models = {"naive": SeasonalNaive(season_length=4), "greedy": Greedy(3 + gap)}
    if refit is True:
        models["greedy at"] = GreedyAt()  # sees the later of several cutoffs
    before, after = (
        backtest(models, X, cv=cv, refit=refit).table
        for X in (WAVE, WAVE.where(WAVE.index != WAVE.index[changed], 1e6))
    )
    early = before["cutoff"] < WAVE.index[changed]
    assert (before["y_pred"][early] == after["y_pred"][early]).all()
    late = before["y_pred"][~early].to_numpy() != after["y_pred"][~early].to_numpy()
    assert late.any() or early.all() or set(before["model"]) == {"naive"}


@pytest.mark.parametrize("forecaster", [Greedy(2, target="y", labelled=False), Greedy(2)])
def test_targets_in_the_test_part_are_hidden(forecaster):
    X = pd.DataFrame({"y": np.arange(10), "known": np.arange(100, 110)})
    backtest(
        forecaster, X["y"] if forecaster.target is None else X, cv=RollingOriginSplit(1, horizon=2)
    )
    history = CALLS[1][1]
    if forecaster.target is None:
        assert history.tolist() == list(range(8))
        return
    assert history["y"].tolist()[:8] == list(range(8)) and history["y"][8:].isna().all()
    assert history["known"].tolist() == list(range(100, 110))
    assert X["y"].tolist() == list(range(10))  # the caller's data are as they were


class Covariates(SeasonalNaive):
    """Forecasts the future covariate; remembers what it was shown."""

    def predict_at(self, X, cutoffs, y=None, *, n_steps=None):
        CALLS.append((X, y))
        return super().predict_at(X, cutoffs, y, n_steps=n_steps)

    def _forecast(self, panel, series, cutoffs, n_steps):
        return panel.future[cutoffs[:, None] + 1 + np.arange(n_steps)]


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("refit", [True, False])
def test_known_covariates_reach_over_the_horizon(refit, as_array):
    n = 12
    X = pd.DataFrame({"y": np.arange(n), "plan": np.arange(n) + 0.5, "past": np.ones(n)})
    forecaster = Covariates(2, target="y", past_covariates="past")
    if as_array:
        X, forecaster = X.to_numpy(), forecaster.set_params(target=0, past_covariates=2)
    table = backtest(forecaster, X, cv=RollingOriginSplit(3, horizon=2), refit=refit).table
    assert (table["y_pred"] - table["y_true"]).tolist() == [0.5] * 6
    assert table["target"].unique().tolist() == [0 if as_array else "y"]
    shown = pd.DataFrame(CALLS[0][0])
    shown.columns = ["y", "plan", "past"]
    last = 6 if refit else 10
    assert shown["y"].isna().tolist() == shown["past"].isna().tolist()
    assert shown["y"].isna().tolist() == [False] * last + [True] * 2
    assert not shown["plan"].isna().any()


def test_covariates_and_y_apart():
    X = pd.DataFrame({"plan": WAVE + 1})
    result = backtest(Covariates(3), X, WAVE, cv=RollingOriginSplit(2, horizon=2, gap=1))
    assert result.by_horizon()["Covariates"].tolist() == pytest.approx([1, 1])
    _, y = CALLS[0]
    assert y.isna().tolist() == [False] * 35 + [True] * 3


def test_baseline_without_target_beside_a_model_with_covariates():
    X = pd.DataFrame({"plan": WAVE + 1, "y": WAVE})
    result = backtest([Covariates(3, target="y"), Naive()], X, cv=CV)
    assert result.table["target"].unique().tolist() == ["y"]
    assert set(result.models) == {"Covariates", "Naive"}
    with pytest.raises(ValueError, match=r"no target in common .*'p': \('plan',\)"):
        backtest({"y": Naive(target="y"), "p": Naive(target="plan")}, X, cv=CV)


# Foreign estimators


class Mean(RegressorMixin, BaseEstimator):
    """Neither Forecaster nor predict_at."""

    def __init__(self, horizon=1, answer="array"):
        self.horizon = horizon
        self.answer = answer

    def fit(self, X):
        return self

    def predict(self, X):
        if isinstance(X.index, pd.MultiIndex):
            ahead = {label: self._ahead(rows.droplevel(0)) for label, rows in X.groupby(level=0)}
            return pd.concat(dict(reversed(ahead.items())))  # labels tell which is which
        return self._ahead(X)

    def _ahead(self, X):
        values = np.repeat(X.to_numpy().mean(axis=0, keepdims=True), self.horizon, axis=0)
        if self.answer == "array":
            return values
        ahead = X.index[-1] + np.arange(1, self.horizon + 1)
        return pd.DataFrame(values[::-1], index=pd.Index(ahead)[::-1], columns=X.columns)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("answer", ["array", "frame"])
def test_foreign_forecaster(answer, refit):
    cv = RollingOriginSplit(3, horizon=2, gap=1)
    table = backtest(Mean(3, answer), WAVE.to_frame(), cv=cv, refit=refit).table
    for cutoff, part in table.groupby("cutoff"):
        assert part["y_pred"].tolist() == pytest.approx([WAVE[:cutoff].mean()] * 2)


def test_foreign_forecaster_of_a_panel():
    X = panel("time")
    table = backtest(Mean(3, "frame"), X, cv=CV).table
    for (label, cutoff), part in table.groupby(["series", "cutoff"]):
        own = X["y"].xs(label).sort_index()[:cutoff]
        assert part["y_pred"].tolist() == pytest.approx([own.mean()] * 3)


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("refit", [True, False])
def test_foreign_regressor(refit, gap):
    X = pd.DataFrame({"a": WAVE, "b": np.arange(40.0)})
    y = 3 * X["a"] - X["b"]
    cv = RollingOriginSplit(4, horizon=3, gap=gap)
    result = backtest([LinearRegression(), DummyRegressor()], X, y, cv=cv, refit=refit)
    board = result.leaderboard()
    assert board.index.tolist() == ["LinearRegression", "DummyRegressor"]
    assert board.loc["LinearRegression", "mae"] == pytest.approx(0)
    assert board.loc["LinearRegression", "skill"] == pytest.approx(1)
    arrays = backtest(
        [LinearRegression()], X.to_numpy(), y.to_numpy(), cv=cv, refit=refit, season_length=12
    )
    assert arrays.by_horizon("mae")["LinearRegression"].to_numpy() == pytest.approx(0)


def test_foreign_regressor_of_a_panel():
    y = panel("time")
    X = y.rename(columns={"y": "x"}) * 2
    result = backtest(LinearRegression(), X, y["y"], cv=CV, refit=False)
    assert result.table["y_pred"].to_numpy() == pytest.approx(result.table["y_true"].to_numpy())


def negative_error(forecaster, X, y=None):
    y_true, y_pred = forecaster.rolling_predict(X)
    return -np.abs(y_true - y_pred).mean()


def test_search_and_other_splitter():
    search = GridSearchCV(
        SeasonalNaive(3),
        {"season_length": [1, 4]},
        cv=RollingOriginSplit(2, horizon=3),
        scoring=negative_error,
    )
    cv = TimeSeriesSplit(3, test_size=3)
    result = backtest([search, SeasonalNaive(3, season_length=4)], WAVE, cv=cv)
    y_pred = result.table.groupby("model")["y_pred"].apply(list)
    assert y_pred["GridSearchCV"] == y_pred["SeasonalNaive"]
    same = backtest(SeasonalNaive(3, season_length=4), WAVE, cv=list(cv.split(WAVE)))
    assert same.table["y_pred"].tolist() == y_pred["SeasonalNaive"]


# Leaderboard


class Off(SeasonalNaive):
    """Wrong by a constant."""

    def __init__(self, by=1.0, horizon=1, *, season_length=1):
        self.by = by
        super().__init__(horizon, season_length=season_length)

    def _forecast(self, panel, series, cutoffs, n_steps):
        rows = cutoffs[:, None] + 1 + np.arange(n_steps)
        return TRUTH[rows] + self.by


TRUTH = np.array([[1.0, 100], [3, 100], [2, 140], [5, 100], [4, 160], [8, 120]])


def test_leaderboard_by_hand():
    X = pd.DataFrame(TRUTH, columns=["u", "v"])
    result = backtest({"one": Off(1), "half": Off(-0.5)}, X, cv=RollingOriginSplit(2))
    board = result.leaderboard()
    assert board.index.tolist() == ["half", "one"]
    columns = ["mae", "rmse", "smape", "mase", "skill", "fit_seconds", "predict_seconds"]
    assert board.columns.tolist() == columns
    assert board["mae"].tolist() == board["rmse"].tolist() == [0.5, 1]
    # scale of u up to the first cutoff: mean of 2, 1, 3; of v: mean of 0, 40, 40
    assert board.loc["one", "mase"] == pytest.approx((1 / 2 + 1 / (80 / 3)) / 2)
    # naive errors: u 1 and 4, v 60 and 40; mean of 2.5 and 50
    assert board.loc["one", "skill"] == pytest.approx(1 - 1 / 26.25)
    smape_u = (200 * 1 / 9 + 200 * 1 / 17) / 2
    smape_v = (200 * 1 / 321 + 200 * 1 / 241) / 2
    assert board.loc["one", "smape"] == pytest.approx((smape_u + smape_v) / 2)
    seconds = result.timings.groupby("model")[["fit_seconds", "predict_seconds"]].sum()
    assert board["fit_seconds"].to_dict() == seconds["fit_seconds"].to_dict()


def test_rmse_takes_the_cutoffs_together():
    X = months([0, 0, 0, 3, 1])
    result = backtest(Naive(), X, cv=RollingOriginSplit(2), metrics=["rmse", "mae"])
    assert result.leaderboard().loc["Naive", "rmse"] == pytest.approx(np.sqrt((9 + 4) / 2))
    assert result.by_cutoff("rmse")["Naive"].tolist() == [3, 2]


def test_sorting_the_leaderboard():
    X = pd.DataFrame(TRUTH[:, :1], columns=["u"])
    models = {"high": Off(2), "low": Off(-1.5), "exact": Off(0)}
    metrics = ["bias", "mae"]
    result = backtest(models, X.assign(v=TRUTH[:, 1]), cv=RollingOriginSplit(2), metrics=metrics)
    assert result.leaderboard()["bias"].to_dict() == {"exact": 0, "low": -1.5, "high": 2}
    assert result.leaderboard("bias").index.tolist() == ["exact", "low", "high"]
    assert result.leaderboard("skill").index.tolist() == ["exact", "low", "high"]
    assert result.leaderboard("mae")["mae"].is_monotonic_increasing
    with pytest.raises(ValueError, match=r"sort='r2' is not a column of it: \['bias', 'mae'"):
        result.leaderboard("r2")


def test_skill_of_the_seasonal_naive_is_zero():
    result = backtest([SeasonalNaive(season_length=4), Naive(season_length=4)], WAVE, cv=CV)
    assert result.season_length == 4
    assert result.leaderboard()["skill"]["SeasonalNaive"] == 0
    assert result.leaderboard()["skill"]["Naive"] < 0


@pytest.mark.parametrize(
    ("asked", "models", "expected"),
    [
        ("auto", [Naive(season_length="auto")], 12),
        ("auto", [SeasonalNaive(season_length=1), SeasonalNaive(season_length=[6, 4])], 4),
        ("auto", [LinearRegression()], 12),
        (3, [SeasonalNaive(season_length=4)], 3),
        (1, [SeasonalNaive(season_length=4)], 1),
    ],
)
def test_season_length(asked, models, expected):
    y = WAVE if isinstance(models[0], LinearRegression) else None
    X = WAVE.to_frame()
    result = backtest(models, X, y, cv=CV, season_length=asked)
    assert result.season_length == expected


def test_perfect_naive_forecast():
    X = months(np.tile([1.0, 2], 10))
    models = {"same": SeasonalNaive(season_length=2), "other": Naive()}
    skill = backtest(models, X, cv=RollingOriginSplit(2, horizon=2)).leaderboard()["skill"]
    assert skill.to_dict() == {"same": 0, "other": -np.inf}


def test_missing_truths_are_left_out():
    X = months([1, 2, 3, 4, 5, 6, 7, 8]).astype(float)
    X.iloc[[1, 5]] = np.nan
    result = backtest(Naive(), X, cv=RollingOriginSplit(2, horizon=2), season_length=1)
    assert result.table["y_true"].isna().tolist() == [False, True, False, False]
    # errors 1, (missing), 2 and 3: from 4 to 5; from 5, the last one seen, to 7 and 8
    assert result.leaderboard().loc["Naive", "mae"] == pytest.approx(2)
    # training part 1, missing, 3, 4: one difference is observed
    assert result.leaderboard().loc["Naive", "mase"] == pytest.approx(2)
    assert result.by_horizon()["Naive"].tolist() == [1.5, 3]
    X.iloc[4:] = np.nan
    with pytest.raises(ValueError, match="every target in the test rows of cv is missing"):
        backtest(Naive(), X, cv=RollingOriginSplit(2, horizon=2))


def test_mase_of_series_too_short_for_a_season():
    parts = {"long": months(np.arange(30.0)), "short": months(np.arange(30.0))[-4:]}
    parts["tiny"] = months(np.arange(30.0))[-3:]
    X = pd.concat(parts, names=["id"]).to_frame("y")
    result = backtest(Naive(season_length=12), X, cv=RollingOriginSplit(1, horizon=2))
    errors = result.by_series("mase")["Naive"]
    assert errors["long"] == pytest.approx(1.5 / 12)
    assert errors["short"] == pytest.approx(1.5)  # neighbours differ by 1
    assert np.isnan(errors["tiny"])  # trained on one row
    assert result.leaderboard().loc["Naive", "mase"] == pytest.approx((1.5 / 12 + 1.5) / 2)
    assert result.by_series("mae")["Naive"].tolist() == [1.5] * 3


def test_mase_agrees_with_the_metric():
    result = backtest(SeasonalNaive(season_length=4), WAVE, cv=CV)
    first = WAVE[:28].to_numpy()
    table = result.table
    expected = mase(
        table["y_true"], table["y_pred"].set_axis(table.index), y_train=first, season_length=4
    )
    assert result.leaderboard().loc["SeasonalNaive", "mase"] == pytest.approx(expected)


def test_tables_by_step_cutoff_and_series():
    models = {"naive": Naive(), "seasonal": SeasonalNaive(season_length=4)}
    result = backtest(models, panel(), cv=CV)
    table = result.table.assign(error=lambda t: (t["y_true"] - t["y_pred"]).abs())
    table["step"] = (table["time"] - table["cutoff"]).map(lambda offset: offset.n)
    for key, errors in (
        ("step", result.by_horizon()),
        ("cutoff", result.by_cutoff()),
        ("series", result.by_series()),
    ):
        assert errors.columns.tolist() == ["naive", "seasonal"]
        assert errors.index.name == key
        keys = list(dict.fromkeys(["model", key, "series"]))
        by_hand = table.groupby(keys)["error"].mean().groupby(level=["model", key]).mean()
        for model in models:
            assert errors[model].to_numpy() == pytest.approx(by_hand[model].to_numpy())


def test_own_metrics():
    metrics = {"mae": None, "median error": median_absolute_error}
    result = backtest(Naive(), WAVE, cv=CV, metrics=metrics)
    table = result.table
    expected = median_absolute_error(table["y_true"], table["y_pred"])
    assert result.leaderboard().loc["Naive", "median error"] == pytest.approx(expected)
    assert result.by_horizon("median error").shape == (3, 1)
    assert backtest(Naive(), WAVE, cv=CV, metrics="wape").leaderboard().columns[0] == "wape"


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        (["mae", "r2"], ValueError, r"metric 'r2' is unknown; give one of \['bias', 'mae'"),
        ([], ValueError, "metrics is empty"),
        ({"mine": 3}, TypeError, "metric 'mine' is 3, not a function"),
    ],
)
def test_bad_metrics(metrics, error, message):
    with pytest.raises(error, match=message):
        backtest(Naive(), WAVE, cv=CV, metrics=metrics)


def test_unknown_metric_of_a_table():
    with pytest.raises(ValueError, match="metric 'r2' is unknown"):
        backtest(Naive(), WAVE, cv=CV).by_horizon("r2")


def test_repr_shows_the_leaderboard():
    result = backtest([Naive(), SeasonalNaive(season_length=4)], panel(), cv=CV)
    text = repr(result)
    title = "BacktestResult: 2 models, 4 cutoffs, 3 series, 1 target, 1 to 3 steps ahead"
    assert text.startswith(title)
    assert "SeasonalNaive" in text and "skill" in text
    assert "<table" in result._repr_html_()


def test_pickle():
    result = backtest(Naive(), WAVE, cv=CV)
    assert repr(result) == repr(pickle.loads(pickle.dumps(result)))


# Names, workers, errors


def test_names():
    models = [Naive(), SeasonalNaive(season_length=4), Naive(2)]
    assert backtest(models, WAVE, cv=CV).models == ["Naive-1", "SeasonalNaive", "Naive-2"]
    assert backtest({"n": Naive(), 2: Naive()}, WAVE, cv=CV).models == ["n", "2"]


def test_forecasters_stay_unfitted():
    forecaster = Naive()
    backtest(forecaster, WAVE, cv=CV)
    assert not hasattr(forecaster, "history_")


def test_workers_give_the_same():
    models = [Naive(), SeasonalNaive(season_length=4), DummyRegressor()]
    X = pd.DataFrame({"a": WAVE})
    one, two = (backtest(models, X, WAVE, cv=CV, refit=2, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_progress_bar_is_off_outside_terminals(capsys):
    backtest(Naive(), WAVE, cv=CV)
    backtest(Naive(), WAVE, cv=CV, verbose=False)
    assert capsys.readouterr().err == ""


class Failing(SeasonalNaive):
    """Fails where told."""

    def __init__(self, where="fit"):
        self.where = where
        super().__init__(1, season_length=1)

    def _fit(self, panel):
        if self.where == "fit" and panel.lengths[0] > 30:
            raise KeyError("no such thing")

    def _forecast(self, panel, series, cutoffs, n_steps):
        if self.where == "predict":
            raise ZeroDivisionError("oh")
        forecasts = seasonal_naive(panel, series, cutoffs, n_steps, 1)
        if self.where == "nan":
            forecasts[:, 1:] = np.nan
        return forecasts


@pytest.mark.parametrize(
    ("where", "refit", "cause", "message"),
    [
        ("fit", True, KeyError, r"'Failing' failed at cutoff 2022-07: KeyError: 'no such thing'"),
        ("predict", True, ZeroDivisionError, r"failed at cutoff 2022-04: ZeroDivisionError: oh"),
        ("predict", False, ZeroDivisionError, r"failed at the cutoffs 2022-04 to 2023-01: Zero"),
        ("nan", True, ValueError, r"forecast of 2022-06, 2 steps ahead, of target 'y' is nan"),
    ],
)
def test_failing_forecaster_is_named(where, refit, cause, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        backtest([Naive(), Failing(where)], WAVE, cv=CV, refit=refit)
    assert isinstance(caught.value.__cause__, cause)


def test_failure_in_a_worker():
    with pytest.raises(RuntimeError, match="'bad' failed at cutoff 202.-..: KeyError"):
        backtest({"bad": Failing()}, WAVE, cv=CV, n_jobs=2)


@pytest.mark.parametrize(
    ("forecaster", "message"),
    [
        (Mean(2, "frame"), "predict gave no forecast of 2022-07; .* set its horizon=3"),
        (Mean(2), "predict gave 2 rows for 1 series; .* set its horizon=3"),
        (GreedyAt(), "GreedyAt"),
    ],
)
def test_forecasts_of_wrong_shape(forecaster, message, monkeypatch):
    monkeypatch.setattr(GreedyAt, "predict_at", lambda self, X, cutoffs, n_steps: np.ones(5))
    with pytest.raises(RuntimeError, match=message):
        backtest(forecaster, WAVE.to_frame(), cv=CV)


def test_forecasts_of_other_columns(monkeypatch):
    monkeypatch.setattr(Mean, "predict", lambda self, X: pd.DataFrame({"q": [1.0], "r": [2.0]}))
    with pytest.raises(RuntimeError, match=r"columns \['q', 'r'\], not \['y'\]"):
        backtest(Mean(), WAVE.to_frame(), cv=CV)


def test_regressor_with_rows_missing(monkeypatch):
    monkeypatch.setattr(LinearRegression, "predict", lambda self, X: np.ones(2))
    with pytest.raises(RuntimeError, match="predict gave 2 rows for 3 rows of X"):
        backtest(LinearRegression(), WAVE.to_frame(), WAVE, cv=CV)


@pytest.mark.parametrize(
    ("forecasters", "error", "message"),
    [
        ([], ValueError, "forecasters is empty"),
        (Naive, TypeError, "not an estimator with fit and predict; give an instance"),
        (["LSTM"], TypeError, "'str' is 'LSTM', not an estimator"),
    ],
)
def test_bad_forecasters(forecasters, error, message):
    with pytest.raises(error, match=message):
        backtest(forecasters, WAVE, cv=CV)


@pytest.mark.parametrize(
    ("cv", "error", "message"),
    [
        (5, TypeError, "cv=5 is neither a splitter nor an iterable"),
        ([], ValueError, "cv gave no fold"),
        ([(range(3), [])], ValueError, "a fold of 3 training and 0 test rows"),
        (KFold(3), ValueError, "cv trains on rows after the test row 2020-01"),
        (RollingOriginSplit(50), ValueError, "need 51 time steps, but X has 40"),
    ],
)
def test_bad_cv(cv, error, message):
    with pytest.raises(error, match=message):
        backtest(Naive(), WAVE, cv=cv)


def test_cv_that_leaves_a_series_untrained():
    X = panel()
    groups = X.index.get_level_values(0)
    splits = list(LeaveOneGroupOut().split(X, groups=groups))
    with pytest.raises(ValueError, match="series 'a': cv tests it, but gave no training row"):
        backtest(Naive(), X, cv=splits)


def test_bad_data():
    with pytest.raises(ValueError, match="X has 40 rows but y has 39"):
        backtest(LinearRegression(), WAVE.to_frame(), WAVE[1:], cv=CV)
    with pytest.raises(ValueError, match="comes twice"):
        backtest(Naive(), WAVE.iloc[[0, *range(39)]], cv=CV)
    with pytest.raises(ValueError, match="season_length=0 must be"):
        backtest(Naive(), WAVE, cv=CV, season_length=0)
