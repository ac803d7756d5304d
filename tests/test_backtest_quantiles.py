"""Quantiles in a backtest: asked at once or one by one, scored by hand, without leakage."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from tsrnn import (
    ConformalForecaster,
    LSTMForecaster,
    Naive,
    RollingOriginSplit,
    SeasonalNaive,
    backtest,
)
from tsrnn.backtest_result import BacktestResult
from tsrnn.backtest_scores import symmetric_pairs
from tsrnn.conformal import quantile_of_scores
from tsrnn.metrics import (
    crps_from_quantiles,
    interval_coverage,
    msis,
    weighted_quantile_loss,
)

LEVELS = [0.1, 0.5, 0.9]
COLUMNS = ["q0.1", "q0.5", "q0.9"]


def days(n, seed=0, name="y"):
    index = pd.date_range("2024-01-01", periods=n, freq="D", name="day")
    return pd.Series(np.random.default_rng(seed).normal(size=n).cumsum() + 20, index, name=name)


WALK = days(80)
CV = RollingOriginSplit(4, horizon=3)


def conformal(horizon=3, **options):
    return ConformalForecaster(Naive(horizon), 0.8, n_splits=20, step=1, **options)


class Band(BaseEstimator):
    """Foreign: the last value, and quantiles around it as wide as the sum of all it can see."""

    def __init__(self, horizon=3, labelled=True):
        self.horizon = horizon
        self.labelled = labelled

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        frame = self._ahead(X, [0.5])
        return frame[0.5] if self.labelled else frame.to_numpy()[:, 0]

    def predict_quantiles(self, X, quantiles=(0.1, 0.5, 0.9)):
        frame = self._ahead(X, list(quantiles))
        return frame if self.labelled else frame.to_numpy()

    def _ahead(self, X, levels):
        index = X.index[-1] + pd.to_timedelta(np.arange(1, self.horizon + 1), unit="D")
        bands = X.iloc[-1] + np.multiply(np.array(levels) - 0.5, np.nansum(X))
        return pd.DataFrame(np.tile(bands, (self.horizon, 1)), index, columns=levels)


class BandAt(Naive):
    """Quantiles a step apart, all at once, of one target or several; the levels crossed."""

    def predict_quantiles(self, X=None, quantiles=(0.1, 0.5, 0.9)):
        raise AssertionError("predict_quantiles_at is there to be asked")

    def predict_quantiles_at(self, X, cutoffs, y=None, *, quantiles=(0.1, 0.5, 0.9), n_steps=None):
        point = self.predict_at(X, cutoffs, y, n_steps=n_steps)
        parts = {(name, q): point[name] + 10 * (0.5 - q) for q in quantiles for name in point}
        return pd.DataFrame(parts)


# The quantiles of ConformalForecaster at many cutoffs


def panel(n=60):
    parts = {name: days(n, seed, "y") * 10.0**seed for seed, name in enumerate("abc")}
    return pd.concat(parts, names=["id"]).to_frame("y")


@pytest.mark.parametrize("method", ["split", "adaptive"])
@pytest.mark.parametrize("data", ["series", "panel", "targets"])
def test_quantiles_at_a_cutoff_are_those_of_the_history_up_to_it(data, method):
    X = {
        "series": WALK,
        "panel": panel().swaplevel().sort_index().swaplevel(),
        "targets": pd.DataFrame({"a": WALK, "b": WALK[::-1].to_numpy() ** 2}),
    }[data]
    times = X.index.get_level_values("day")
    model = conformal(method=method).fit(X[times < times.unique()[50]])
    cutoffs = np.flatnonzero(times == times.unique()[55])
    many = np.concatenate([np.flatnonzero(times == times.unique()[t]) for t in (57, 55)])
    answer = model.predict_quantiles_at(X, many, quantiles=LEVELS)
    again = model.predict_quantiles_at(X, cutoffs, quantiles=LEVELS)
    history = X[times <= times.unique()[55]]
    expected = model.predict_quantiles(history, quantiles=LEVELS)
    here = answer[answer.index.get_level_values("cutoff") == times.unique()[55]]
    np.testing.assert_array_equal(here, again)
    assert answer.columns.nlevels == 2
    np.testing.assert_allclose(again.to_numpy(), expected.to_numpy(), rtol=1e-12)
    assert list(again.index.get_level_values("time")) == list(expected.index.get_level_values(-1))


@pytest.mark.parametrize("changed", [50, 55, 60])
def test_quantiles_at_a_cutoff_know_nothing_after_it(changed):
    model = conformal().fit(WALK[:50])
    cutoffs = np.arange(49, 70)
    before, after = (
        model.predict_quantiles_at(X, cutoffs)
        for X in (WALK, WALK.where(WALK.index < WALK.index[changed], 1e6))
    )
    early = before.index.get_level_values("cutoff") < WALK.index[changed]
    pd.testing.assert_frame_equal(before[early], after[early])
    assert (before[~early] != after[~early]).all(axis=None)


def test_quantiles_of_a_tiny_series_beside_a_huge_one():
    X = pd.concat({"big": days(60) * 1e12, "small": days(60, 1) * 1e-9}).to_frame("y")
    model = conformal().fit(X)
    both = model.predict_quantiles_at(X, [119])
    expected = model.predict_quantiles(X.loc[["small"]])
    np.testing.assert_allclose(both.to_numpy(), expected.to_numpy(), rtol=1e-12)


def test_quantiles_beyond_the_horizon_are_refused():
    model = conformal().fit(WALK)
    with pytest.raises(ValueError, match="reach 4 steps ahead.*horizon=3"):
        model.predict_quantiles_at(WALK, [60], n_steps=4)
    with pytest.raises(ValueError, match="n_steps"):
        model.predict_quantiles_at(WALK, [60], n_steps=0)
    assert len(model.predict_quantiles_at(WALK, [60, 61], n_steps=2)) == 4
    assert not hasattr(conformal().set_params(forecaster=Band()), "predict_quantiles_at")


def test_quantiles_with_covariates():
    X = pd.DataFrame({"plan": np.zeros(80)}, WALK.index)
    model = conformal().fit(X[:60], WALK[:60])
    answer = model.predict_quantiles_at(X, [59], WALK)
    expected = model.predict_quantiles(X[60:63])
    np.testing.assert_allclose(answer.to_numpy(), expected.to_numpy())


def test_targets_with_several_levels_of_names():
    X = pd.DataFrame({("shop", "a"): WALK, ("shop", "b"): WALK**2})
    model = conformal().fit(X)
    answer = model.predict_quantiles_at(X, [79], quantiles=LEVELS)
    expected = model.predict_quantiles(quantiles=LEVELS)
    assert list(answer.columns) == list(expected.columns)
    np.testing.assert_allclose(answer.to_numpy(), expected.to_numpy())


# The table


@pytest.mark.parametrize("refit", [True, False, 3])
def test_quantiles_in_the_table(refit):
    models = {"band": conformal(), "bare": Naive(3)}
    result = backtest(models, WALK, cv=CV, quantiles=LEVELS, refit=refit)
    table = result.table
    assert table.columns[-3:].tolist() == COLUMNS
    assert result.quantiles == (0.1, 0.5, 0.9)
    for fold, (train, _) in enumerate(CV.split(WALK)):
        fitted = len(WALK) - 12 if refit is False else [68, 68, 68, 77][fold]
        fitted = len(train) if refit is True else fitted
        expected = conformal().fit(WALK[:fitted]).predict_quantiles(WALK[: len(train)])
        rows = (table["model"] == "band") & (result.details["fold"] == fold)
        np.testing.assert_allclose(table.loc[rows, COLUMNS], expected, rtol=1e-12)
    assert table.loc[table["model"] == "bare", COLUMNS].isna().all(axis=None)
    pd.testing.assert_frame_equal(
        table.drop(columns=COLUMNS), backtest(models, WALK, cv=CV, refit=refit).table
    )


@pytest.mark.parametrize("labelled", [True, False])
def test_a_foreign_forecaster_is_asked_at_each_cutoff(labelled):
    result = backtest(Band(labelled=labelled), WALK, cv=CV, quantiles=LEVELS, refit=False)
    for cutoff, rows in result.table.groupby("cutoff"):
        spread = 0.4 * WALK[:cutoff].sum()
        assert (rows["q0.9"] - rows["y_pred"]).tolist() == pytest.approx([spread] * 3)
        assert (rows["q0.1"] - rows["y_pred"]).tolist() == pytest.approx([-spread] * 3)


def test_points_at_once_and_quantiles_one_by_one():
    class Mixed(Band):
        def predict_at(self, X, cutoffs, y=None, *, n_steps=None):
            return pd.DataFrame({"y": np.zeros(len(cutoffs) * n_steps)})

    result = backtest(Mixed(), WALK, cv=CV, quantiles=[0.5], refit=False)
    assert (result.table["y_pred"] == 0).all()
    assert (result.table["q0.5"] == WALK[result.table["cutoff"]].to_numpy()).all()
    assert (result.timings["predict_seconds"] > 0).all()


def test_several_targets_and_crossing_quantiles():
    X = pd.DataFrame({"a": WALK, "b": -WALK})
    table = backtest(BandAt(3), X, cv=CV, quantiles=LEVELS).table
    for name in "ab":
        own = table[table["target"] == name]
        expected = own["y_pred"].to_numpy()[:, None] + [-4, 0, 4]  # sorted
        np.testing.assert_allclose(own[COLUMNS], expected)


def test_panel():
    result = backtest(conformal(), panel(), cv=CV, quantiles=LEVELS, refit=False)
    widths = result.table.groupby("series")[COLUMNS].mean().diff(axis=1)["q0.9"]
    assert widths["c"] > 20 * widths["a"]
    assert set(result.by_series("crps").index) == {"a", "b", "c"}


@settings(deadline=None, max_examples=10)
@given(changed=st.integers(68, 79), refit=st.sampled_from([True, False, 2]))
def test_what_comes_after_a_cutoff_changes_no_quantile(changed, refit):
    models = {"conformal": conformal(), "foreign": Band()}
    before, after = (
        backtest(models, X, cv=CV, quantiles=LEVELS, refit=refit).table
        for X in (WALK, WALK.where(WALK.index != WALK.index[changed], 1e6))
    )
    early = before["cutoff"] < WALK.index[changed]
    pd.testing.assert_frame_equal(before.loc[early, COLUMNS], after.loc[early, COLUMNS])


def test_columns_of_frames_are_taken_by_their_labels(monkeypatch):
    X = pd.DataFrame({"a": WALK, "b": -WALK})
    expected = backtest(BandAt(3), X, cv=CV, quantiles=LEVELS).table
    whole = BandAt.predict_quantiles_at
    monkeypatch.setattr(
        BandAt, "predict_quantiles_at", lambda *a, **k: whole(*a, **k).iloc[:, [5, 0, 3, 2, 4, 1]]
    )
    table = backtest(BandAt(3), X, cv=CV, quantiles=LEVELS).table
    pd.testing.assert_frame_equal(table, expected)
    # what it forecasts besides is not looked at
    pd.testing.assert_frame_equal(
        backtest([BandAt(3), Naive(3, target=["a"])], X, cv=CV, quantiles=LEVELS)
        .table.query("model == 'BandAt'")
        .reset_index(drop=True),
        expected.query("target == 'a'").reset_index(drop=True),
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_levels_are_rounded(dtype):
    result = backtest(conformal(), WALK, cv=CV, quantiles=np.arange(0.1, 1, 0.1).astype(dtype))
    assert result.table.columns[-9:].tolist() == [f"q0.{i}" for i in range(1, 10)]
    coverages = [name for name in result.leaderboard() if name.startswith("coverage")]
    assert coverages == ["coverage_80", "coverage_60", "coverage_40", "coverage_20"]
    assert symmetric_pairs(np.float32([0.1, 0.3, 0.7, 0.9])) == [(0, 3), (1, 2)]


def test_quantiles_that_are_hidden_are_said():
    hidden = {
        "pipe": Pipeline([("model", conformal())]),
        "search": GridSearchCV(conformal(), {"coverage": [0.5]}, cv=RollingOriginSplit(1)),
    }
    models = {"band": BandAt(3), "naive": Naive(3), **hidden}
    with pytest.warns(UserWarning, match=r"\['pipe', 'search'\] .*ConformalForecaster around it"):
        table = backtest(models, WALK, cv=CV, quantiles=LEVELS, refit=False).table
    assert set(table.loc[table["q0.5"].notna(), "model"]) == {"band"}
    for models in (Naive(3), hidden):
        with pytest.raises(ValueError, match="quantiles= asks .* none; put a ConformalForecaster"):
            backtest(models, WALK, cv=CV, quantiles=LEVELS)


# Scores


class Fixed(BandAt):
    """Quantiles 0, 1 and 3 of everything, whatever the data."""

    def predict_quantiles_at(self, X, cutoffs, y=None, *, quantiles=(0.1, 0.5, 0.9), n_steps=None):
        point = self.predict_at(X, cutoffs, y, n_steps=n_steps)
        q = {(t, level): v for t in point for level, v in zip(quantiles, (0, 1, 3), strict=True)}
        return pd.DataFrame(q, index=point.index)


def by_hand():
    X = pd.Series([1.0, 3, 2, 4, 2, 1, 5, 3], name="y")
    cv = RollingOriginSplit(2, horizon=2)
    return backtest({"fixed": Fixed(2), "bare": Naive(2)}, X, cv=cv, quantiles=LEVELS)


def test_scores_by_hand():
    board = by_hand().leaderboard()
    assert board.columns.tolist() == [
        *["mae", "rmse", "smape", "mase", "wql", "crps", "coverage_80", "msis"],
        *["skill", "fit_seconds", "predict_seconds"],
    ]
    # the truth is 2, 1, 5, 3; pinball losses at 0, 1 and 3
    losses = np.array([[0.2, 0.5, 0.1], [0.1, 0, 0.2], [0.5, 2, 1.8], [0.3, 1, 0]])
    fixed = board.loc["fixed"]
    assert fixed["wql"] == pytest.approx(2 * losses.mean() * 4 / 11)
    assert fixed["crps"] == pytest.approx((2 * losses @ [0.3, 0.4, 0.3]).mean())
    assert fixed["coverage_80"] == 0.75
    # one interval of width 3 misses by 2; training part 1, 3, 2, 4 differs by 2, 1, 2
    assert fixed["msis"] == pytest.approx((3 + 2 / 0.2 * 2 / 4) / (5 / 3))
    assert board.loc["bare", ["wql", "crps", "coverage_80", "msis"]].isna().all()


def test_scores_by_step_cutoff_and_series():
    result = by_hand()
    assert result.by_horizon("coverage_80")["fixed"].tolist() == [0.5, 1]
    assert result.by_cutoff("wql")["fixed"].tolist() == pytest.approx([2.2 / 9, 11.2 / 24])
    assert result.by_series("crps").loc[0, "fixed"] == result.leaderboard().loc["fixed", "crps"]
    assert result.by_horizon("wql")["bare"].isna().all()


def test_calibration_by_hand():
    shares = by_hand().calibration()
    assert shares["fixed"].to_dict() == {0.1: 0, 0.5: 0.25, 0.9: 0.75}
    assert shares["bare"].isna().all()
    assert shares.columns.tolist() == ["fixed", "bare"]
    with pytest.raises(ValueError, match="made without quantiles; ask for them"):
        backtest(Naive(3), WALK, cv=CV).calibration()


def test_scores_are_those_of_the_metrics():
    levels = [0.1, 0.25, 0.5, 0.75, 0.9]
    X = panel()
    result = backtest(conformal(), X, cv=CV, quantiles=levels, season_length=1)
    table, names = result.table, [f"q{level}" for level in levels]
    board = result.leaderboard().iloc[0]
    pooled = weighted_quantile_loss(table["y_true"], table[names].to_numpy(), quantiles=levels)
    assert board["wql"] == pytest.approx(pooled)
    alone = {"crps": [], "coverage_50": [], "msis": []}
    for series, own in table.groupby("series"):
        y = own["y_true"].to_numpy()
        alone["crps"].append(crps_from_quantiles(y, own[names].to_numpy(), quantiles=levels))
        alone["coverage_50"].append(interval_coverage(y, own["q0.25"], own["q0.75"].to_numpy()))
        train = X.loc[series, "y"].to_numpy()[:48]
        bounds = own["q0.1"].to_numpy(), own["q0.9"].to_numpy()
        alone["msis"].append(msis(y, *bounds, coverage=0.8, y_train=train))
    for name, scores in alone.items():
        assert board[name] == pytest.approx(np.mean(scores))


def test_pickle_after_scores_were_asked_for():
    result = by_hand()
    board = result.leaderboard()
    again = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(again.leaderboard(), board)


def test_sorting_by_coverage_puts_the_nearest_first():
    models = {"fixed": Fixed(2), "wide": BandAt(2), "bare": Naive(2)}
    X = pd.Series([1.0, 3, 2, 4, 2, 1, 5, 3], name="y")
    result = backtest(models, X, cv=RollingOriginSplit(2, horizon=2), quantiles=LEVELS)
    board = result.leaderboard("coverage_80")
    assert board["coverage_80"].tolist()[:2] == [0.75, 1.0]
    assert board.index[-1] == "bare"


def test_missing_truths_are_left_out():
    X = pd.Series([1.0, 3, 2, 4, 2, np.nan, 5, 3], name="y")
    result = backtest(Fixed(2), X, cv=RollingOriginSplit(2, horizon=2), quantiles=LEVELS)
    assert result.leaderboard()["coverage_80"].tolist() == [pytest.approx(2 / 3)]
    assert result.calibration()["Fixed"].tolist() == pytest.approx([0, 0, 2 / 3])


def test_levels_without_a_pair():
    result = backtest(conformal(), WALK, cv=CV, quantiles=[0.2, 0.9])
    scores = result.leaderboard().columns.tolist()
    assert scores[4:6] == ["wql", "crps"] and "msis" not in scores


def test_own_metric_of_the_same_name_goes_first():
    options = {"cv": CV, "quantiles": LEVELS, "metrics": {"crps": lambda y_true, y_pred: 7.0}}
    board = backtest(conformal(), WALK, **options).leaderboard()
    assert board["crps"].tolist() == [7.0] and board.columns.is_unique


def test_diebold_mariano_of_quantiles():
    cv = RollingOriginSplit(20, horizon=1)
    models = {"right": conformal(1), "wide": BandAt(1), "bare": Naive(1)}
    result = backtest(models, WALK, cv=cv, quantiles=LEVELS, refit=False)
    test = result.diebold_mariano("right", "wide", loss="pinball")
    assert test.statistic < 0 and test.n_cutoffs == 20
    losses = {}
    for name in ("right", "wide"):
        own = result.table[result.table["model"] == name]
        each = own["y_true"].to_numpy()[:, None] - own[COLUMNS].to_numpy()
        losses[name] = np.maximum(np.multiply(LEVELS, each), (np.array(LEVELS) - 1) * each).mean()
    assert test.mean_difference == pytest.approx(losses["right"] - losses["wide"])
    assert result.diebold_mariano("right", "bare").statistic == 0
    with pytest.raises(ValueError, match="needs quantiles, and 'bare' has none"):
        result.diebold_mariano("right", "bare", loss="pinball")


# Losses of networks


def test_losses_of_every_fit_are_kept():
    network = LSTMForecaster(
        3, units=2, max_epochs=2, context_length=6, n_members=2, random_state=0
    )
    models = {
        "plain": network,
        "wrapped": ConformalForecaster(network, 0.5, n_splits=5),
        "searched": GridSearchCV(
            LSTMForecaster(3, units=2, max_epochs=2, context_length=6, n_members=1),
            {"random_state": [0]},
            cv=RollingOriginSplit(1, horizon=3),
        ),
        "naive": Naive(3),
    }
    result = backtest(models, WALK, cv=RollingOriginSplit(2, horizon=3), refit=True)
    losses = result.losses
    assert losses.columns.tolist()[:6] == ["model", "cutoff", "member", "epoch", "kept", "loss"]
    sizes = losses.groupby(["model", "cutoff"], sort=False).size()
    assert sizes.groupby("model").size().to_dict() == {"plain": 2, "wrapped": 2, "searched": 2}
    assert set(losses.loc[losses["model"] == "plain", "member"]) == {0, 1}
    kept = losses[losses["kept"]].groupby(["model", "cutoff", "member"]).size()
    assert (kept == 1).all()
    assert backtest(Naive(3), WALK, cv=CV).losses.empty


def test_a_foreign_forecaster_may_have_steps_of_its_own():
    class Stepping(Band):
        steps = 3

    result = backtest(Stepping(), WALK, cv=CV)
    assert result.losses.empty and len(result.table) == 12


def test_metrics_of_quantiles_may_be_chosen():
    options = {"cv": CV, "quantiles": LEVELS}
    result = backtest(conformal(), WALK, **options, metrics=["mae", "wql"])
    board = result.leaderboard()
    assert board.columns.tolist()[:3] == ["mae", "wql", "skill"]
    whole = backtest(conformal(), WALK, **options)
    assert board["wql"].tolist() == whole.leaderboard()["wql"].tolist()
    pd.testing.assert_frame_equal(result.by_horizon("crps"), whole.by_horizon("crps"))
    first = backtest(conformal(), WALK, **options, metrics="coverage_80").leaderboard()
    assert first.columns[0] == "coverage_80"


def test_own_metrics_may_have_any_name():
    own = {"coverage_mine": lambda y_true, y_pred: 3.0, "coverage_80": lambda y_true, y_pred: 2.0}
    result = backtest([conformal(), BandAt(3)], WALK, cv=CV, quantiles=LEVELS, metrics=own)
    assert "coverage_mine" in repr(result)
    board = result.leaderboard("coverage_80")
    assert board["coverage_80"].tolist() == [2.0, 2.0]
    bias = {"bias": lambda y_true, y_pred: -abs(y_pred.mean() - 20)}
    models = [Naive(3), SeasonalNaive(3, season_length=7)]
    assert backtest(models, WALK, cv=CV, metrics=bias).leaderboard()["bias"].is_monotonic_increasing


def test_a_result_follows_its_table_and_is_no_larger_for_having_been_shown():
    result = by_hand()
    size = len(pickle.dumps(result))
    assert result.leaderboard().loc["fixed", "coverage_80"] == 0.75
    assert len(pickle.dumps(result)) == size
    result.table["q0.9"] = 9.0
    assert result.leaderboard().loc["fixed", "coverage_80"] == 1
    names = ("table", "details", "timings", "history", "metrics", "season_length")
    plain = BacktestResult(**{name: getattr(result, name) for name in names})
    assert plain.quantiles == () and plain.losses.empty
    assert "wql" not in plain.leaderboard()


# Errors


@pytest.mark.parametrize("metrics", [[3], {3: np.mean}, [np.mean]])
def test_names_of_metrics_are_strings(metrics):
    with pytest.raises(TypeError, match="metrics has the name .*, which is no str"):
        backtest(Naive(3), WALK, cv=CV, metrics=metrics)


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [
        ([0.5, 0.1], r"quantiles=\[0.5, 0.1\] must ascend"),
        ([10, 50, 90], "a level of quantiles=10 must lie between 0 and 1"),
        ([], r"quantiles=\[\] must ascend"),
        ("0.5", "a level of quantiles='0.5' must lie"),
    ],
)
def test_bad_levels(quantiles, message):
    with pytest.raises(ValueError, match=message):
        backtest(Naive(3), WALK, cv=CV, quantiles=quantiles)


def test_metrics_of_quantiles_that_were_not_asked_for():
    with pytest.raises(ValueError, match="metric 'wql' is one of quantiles"):
        backtest(Naive(3), WALK, cv=CV).by_horizon("wql")
    with pytest.raises(ValueError, match="metric 'coverage_95' is one of quantiles"):
        backtest(conformal(), WALK, cv=CV, quantiles=LEVELS).by_horizon("coverage_95")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda frame: frame.set_axis([0.05, 0.5, 0.95], axis=1),
            r"columns \[0.05, 0.5, 0.95\], n",
        ),
        (lambda frame: frame.set_axis(["a", "b", "c"], axis=1), r"columns \['a', 'b', 'c'\], not"),
        (lambda frame: frame.iloc[:, :2], r"columns \[0.1, 0.5\], not \['y'\], each with the quan"),
        (lambda frame: frame.iloc[:2], "predict_quantiles gave no forecast of 2024-03-11"),
        (lambda frame: frame.mul([1, np.nan, 1]), "the quantile 0.5 of the forecast of 2024-03-09"),
        (lambda frame: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_failing_forecaster_is_named(answer, message, monkeypatch):
    whole = Band.predict_quantiles
    monkeypatch.setattr(Band, "predict_quantiles", lambda *a, **k: answer(whole(*a, **k)))
    with pytest.raises(RuntimeError, match=f"'Band' failed at cutoff 2024-03-08.*{message}"):
        backtest(Band(), WALK, cv=CV, quantiles=LEVELS)


def test_too_few_errors_are_said():
    models = ConformalForecaster(SeasonalNaive(3), 0.5, n_splits=5)
    with pytest.raises(RuntimeError, match="coverage=0.9 needs 9 errors"):
        backtest(models, WALK, cv=CV, quantiles=LEVELS)
    assert quantile_of_scores(np.zeros((9, 1, 1, 1)), 0.9).shape == (1, 1)
