"""ConformalForecaster: coverage, order, containers, drift, and what it refuses."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import (
    ConformalForecaster,
    Drift,
    GRUForecaster,
    Naive,
    RollingOriginSplit,
    SeasonalNaive,
    backtest,
    make_forecast_pipeline,
)
from tsrnn.conformal import adapted_level, conformal_quantile, needed_scores, quantile_of_scores
from tsrnn.metrics import interval_coverage, msis, pinball_loss

DAYS = pd.date_range("2024-01-01", periods=200, freq="D", name="day")


@parametrize_with_checks(
    [ConformalForecaster(Naive(), coverage=0.5, n_splits=2)],
    expected_failed_checks=lambda _: {"check_fit2d_1sample": "one row leaves none to backtest on"},
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def walks(n_series, n_rows, seed=0):
    """Random walks of very different sizes, as a (series, time) panel."""
    rng = np.random.default_rng(seed)
    values = (
        rng.normal(size=(n_series, n_rows)).cumsum(axis=1) * np.logspace(-3, 3, n_series)[:, None]
    )
    index = pd.MultiIndex.from_product([range(n_series), range(n_rows)], names=["id", "t"])
    return pd.DataFrame({"y": values.ravel()}, index)


def split_off(panel, n_rows):
    """Last rows of each series, and those before."""
    test = panel.groupby(level=0).tail(n_rows)
    return panel.drop(test.index), test


@pytest.fixture(scope="module")
def walk():
    return pd.Series(np.random.default_rng(0).normal(size=200).cumsum(), DAYS, name="y")


@pytest.fixture(scope="module")
def fitted(walk):
    return ConformalForecaster(Naive(3), n_splits=40, step=1).fit(walk)


# The quantile


@pytest.mark.parametrize("n", [1, 9, 10, 19, 99, 100])
@pytest.mark.parametrize("level", [0.07, 0.5, 0.8, 0.9, 0.95])
def test_the_quantile_is_the_kth_smallest(n, level):
    scores = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    k = -(-(n + 1) * round(level * 100) // 100)  # the ceiling, in whole numbers
    assert conformal_quantile(scores, level) == min(k, n)
    assert (k <= n) == (n >= needed_scores(level))


def test_missing_scores_do_not_count():
    scores = np.array([[1.0, np.nan], [3.0, 5.0], [2.0, np.nan]])
    np.testing.assert_array_equal(conformal_quantile(scores, 0.5), [2.0, 5.0])


def test_lower_quantiles_mirror_upper_ones():
    scores = np.random.default_rng(0).normal(size=(30, 2, 3, 1))
    low, high = quantile_of_scores(scores, 0.1), quantile_of_scores(-scores, 0.9)
    np.testing.assert_array_equal(low, -high)


def test_the_level_adapts_as_in_the_paper_by_a_plain_loop():
    scores = np.abs(np.random.default_rng(0).normal(size=50)) * np.repeat([1, 3], 25)
    level = 0.8
    for now in range(50):
        known = np.sort(scores[:now])
        if len(known) < 4:
            continue
        k = int(np.ceil((len(known) + 1) * level - 1e-9))
        missed = level <= 0 or (level < 1 and scores[now] > known[np.clip(k, 1, len(known)) - 1])
        level += 0.05 * (missed - 0.2)
    assert adapted_level(scores[:, None], 0.8, 0.05, 1) == pytest.approx(level)


def test_a_step_size_of_zero_adapts_nothing(walk):
    split, still = (
        ConformalForecaster(Naive(3), n_splits=30, method=method, gamma=0.0).fit(walk)
        for method in ("split", "adaptive")
    )
    pd.testing.assert_frame_equal(split.predict_interval(), still.predict_interval())


def test_intervals_are_the_quantiles_of_a_backtest(walk, fitted):
    cv = RollingOriginSplit(40, horizon=3, step=1)
    result = backtest(Naive(3), walk, cv=cv, refit=False)
    errors = (result.table["y_true"] - result.table["y_pred"]).abs()
    expected = [np.sort(own)[36] for _, own in errors.groupby(result.details["step"])]  # 41 * 0.9
    interval, point = fitted.predict_interval(), fitted.predict()
    np.testing.assert_allclose(interval["upper"] - point, expected)
    np.testing.assert_allclose(point - interval["lower"], expected)


# Coverage


@pytest.mark.parametrize("method", ["split", "adaptive"])
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_coverage_is_near_nominal_for_series_of_all_sizes(coverage, method):
    train, test = split_off(walks(600, 60), 6)
    model = ConformalForecaster(Naive(6), coverage, method=method).fit(train)
    interval = model.predict_interval()["y"]
    assert interval_coverage(test["y"], interval["lower"], interval["upper"]) == pytest.approx(
        coverage, abs=0.03
    )
    halves = test.index.get_level_values("id") < 300
    for half in (halves, ~halves):
        bounds = interval[half]
        share = interval_coverage(test["y"][half], bounds["lower"], bounds["upper"])
        assert share == pytest.approx(coverage, abs=0.05)


def test_quantiles_are_calibrated_for_skewed_errors():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(400), range(40)])
    steps = rng.exponential(size=(400, 40)) - 1
    train, test = split_off(pd.DataFrame({"y": steps.cumsum(axis=1).ravel()}, index), 1)
    quantiles = ConformalForecaster(Naive(), 0.8).fit(train).predict_quantiles()["y"]
    below = [(test["y"] <= quantiles[q]).mean() for q in (0.1, 0.5, 0.9)]
    np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.05)
    point = train["y"].groupby(level=0).last().to_numpy()
    widths = (quantiles.to_numpy() - point[:, None]).mean(axis=0)
    np.testing.assert_allclose(widths, -np.log([0.9, 0.5, 0.1]) - 1, atol=0.12)


def test_one_series_is_covered_on_average():
    inside = []
    for seed in range(60):
        y = pd.Series(np.random.default_rng(seed).normal(size=90).cumsum())
        interval = ConformalForecaster(Naive(2), 0.8, n_splits=60, step=1).fit(y[:88])
        bounds = interval.predict_interval()
        inside.append(interval_coverage(y[88:], bounds["lower"], bounds["upper"]))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.08)


def test_adaptive_intervals_regain_the_coverage_that_a_new_variance_took():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(100), range(100)])
    spread = np.where(np.arange(100) < 75, 1.0, 4.0)
    panel = pd.DataFrame({"y": (rng.normal(size=(100, 100)) * spread).ravel()}, index)
    train, test = split_off(panel, 2)
    share = {}
    for method in ("split", "adaptive"):
        model = ConformalForecaster(SeasonalNaive(2), 0.8, n_splits=60, step=1, method=method)
        bounds = model.fit(train).predict_interval()["y"]
        share[method] = interval_coverage(test["y"], bounds["lower"], bounds["upper"])
    assert share["split"] < 0.72
    assert 0.77 < share["adaptive"] < 0.9


# Order


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.floats(0.05, 0.95), min_size=2, max_size=5, unique=True).map(sorted),
    st.sampled_from(["split", "adaptive"]),
)
def test_bounds_are_ordered_and_nested(seed, levels, method):
    y = np.random.default_rng(seed).standard_t(2, size=60)
    model = ConformalForecaster(Drift(2), 0.5, n_splits=25, step=1, method=method).fit(y)
    point = model.predict()
    quantiles = model.predict_quantiles(quantiles=levels)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    intervals = [model.predict_interval(coverage=level) for level in levels]
    for interval in intervals:
        assert (interval[:, 0] <= point).all()
        assert (point <= interval[:, 1]).all()
    if method == "split":
        for small, large in zip(intervals[:-1], intervals[1:], strict=True):
            assert (large[:, 0] <= small[:, 0]).all()
            assert (small[:, 1] <= large[:, 1]).all()


@pytest.mark.parametrize("method", ["split", "adaptive"])
def test_intervals_follow_units(walk, method):
    model = ConformalForecaster(Drift(3), n_splits=30, method=method)
    small, large = (clone(model).fit(y).predict_interval() for y in (walk, 1e6 * walk - 5))
    np.testing.assert_allclose(large, 1e6 * small - 5)


def test_nothing_after_the_training_data_changes_an_interval(walk):
    changed = walk.copy()
    changed[150:] += 1000
    ahead = [ConformalForecaster(Drift(3)).fit(y[:150]).predict_interval() for y in (walk, changed)]
    pd.testing.assert_frame_equal(*ahead)


def test_a_level_of_a_cutoff_reads_only_what_was_known_there():
    scores = np.abs(np.random.default_rng(0).normal(size=(30, 4)))
    longer = np.concatenate([scores, 100 * scores[:1]])
    for delay in (1, 3):
        # The last score changes the level through its own miss, and no level before it.
        change = adapted_level(longer, 0.8, 0.1, delay) - adapted_level(scores, 0.8, 0.1, delay)
        assert change == pytest.approx(0.1 * 0.8)


# Containers


@pytest.mark.parametrize("name", ["y", None])
def test_series_become_frames_of_two_columns(walk, name):
    model = ConformalForecaster(Naive(3), n_splits=30).fit(walk.rename(name))
    interval, quantiles = model.predict_interval(), model.predict_quantiles(quantiles=[0.2, 0.7])
    assert interval.columns.tolist() == ["lower", "upper"]
    assert quantiles.columns.tolist() == [0.2, 0.7]
    assert interval.index.equals(model.predict().index)


def test_frames_have_both_bounds_of_each_target(walk, fitted):
    frame = pd.DataFrame({"a": walk, "b": 3 * walk + 1})
    frame.columns.name = "shop"
    model = clone(fitted).fit(frame)
    interval = model.predict_interval()
    assert interval.columns.tolist() == [(s, side) for s in "ab" for side in ("lower", "upper")]
    assert interval.columns.names == ["shop", None]
    pd.testing.assert_frame_equal(interval["a"], fitted.predict_interval())
    np.testing.assert_allclose(interval["b"], 3 * interval["a"] + 1)


def test_arrays_have_an_axis_more(walk, fitted):
    one = clone(fitted).fit(walk.to_numpy())
    two = clone(fitted).fit(np.column_stack([walk, -walk]))
    np.testing.assert_allclose(one.predict_interval(), fitted.predict_interval())
    assert two.predict_interval().shape == (3, 2, 2)
    assert two.predict_quantiles().shape == (3, 2, 3)
    np.testing.assert_allclose(two.predict_interval()[:, 0], one.predict_interval())


def test_panels_keep_their_labels_and_order():
    panel = walks(4, 50).rename(index={0: "d", 1: "c", 2: "b", 3: "a"}, level="id")
    model = ConformalForecaster(Naive(2), n_splits=10).fit(panel)
    interval = model.predict_interval()
    assert interval.index.equals(model.predict().index)
    by_time = panel.sort_index(level="t", sort_remaining=False)
    other = clone(model).fit(by_time).predict_interval()
    pd.testing.assert_frame_equal(other.loc[interval.index], interval)


def test_scores_take_what_it_predicts(walk):
    frame = pd.DataFrame({"a": walk, "b": 3 * walk})
    model = ConformalForecaster(Naive(3), 0.8).fit(frame[:-3])
    interval, truth = model.predict_interval(), frame[-3:]
    low, high = (interval.xs(side, axis=1, level=-1) for side in ("lower", "upper"))
    assert msis(truth, low, high, coverage=0.8, y_train=frame[:-3]) > 0
    assert pinball_loss(truth, model.predict_quantiles()) > 0


# Histories


def test_a_history_of_another_size_has_intervals_of_its_size(walk, fitted):
    large = fitted.predict_interval((1000 * walk).set_axis(DAYS + pd.Timedelta(days=5000)))
    np.testing.assert_allclose(large, 1000 * fitted.predict_interval())


def test_a_history_that_goes_on_is_joined_as_update_joins_it(walk):
    model = ConformalForecaster(Naive(3), n_splits=30).fit(walk[:190])
    asked = model.predict_interval(walk[190:])
    pd.testing.assert_frame_equal(model.update(walk[190:]).predict_interval(), asked)
    assert asked.index[0] == DAYS[-1] + pd.Timedelta(days=1)


def test_covariates_given_as_x():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"promotion": rng.integers(0, 2, 120)}, DAYS[:120])
    y = pd.Series(rng.normal(size=120).cumsum(), DAYS[:120], name="sales")
    model = ConformalForecaster(Naive(4), n_splits=20).fit(X[:110], y[:110])
    interval = model.predict_interval(X[110:113])
    assert interval.index.equals(DAYS[110:113])
    assert (interval["lower"] < interval["upper"]).all()
    with pytest.raises(ValueError, match="reach 5 steps ahead.*horizon=4"):
        model.predict_interval(X[110:115])
    later = model.update(X[110:114], y[110:114]).predict_interval(X[114:116])
    assert later.index.equals(DAYS[114:116])


def test_covariates_among_the_columns(walk):
    frame = pd.DataFrame({"promotion": 0.0, "y": walk})
    model = ConformalForecaster(Naive(3, target="y"), n_splits=40, step=1)
    rows = frame.copy()
    rows.loc[DAYS[-3:], "y"] = np.nan
    interval = model.fit(frame[:-3]).predict_interval(rows)
    assert interval.columns.get_level_values(0).unique().tolist() == ["y"]
    assert interval.index.equals(DAYS[-3:])


def test_constant_series_take_no_part():
    panel = walks(3, 60)
    alone = ConformalForecaster(Naive(2), n_splits=20).fit(panel).predict_interval()
    flat = pd.concat([panel, walks(1, 60).rename(index={0: 9}, level="id") * 0 + 7])
    both = ConformalForecaster(Naive(2), n_splits=20).fit(flat).predict_interval()
    pd.testing.assert_frame_equal(both.drop(9, level=0), alone)
    assert (both.loc[9] == 7).all(axis=None)
    only = ConformalForecaster(Naive(2), n_splits=20).fit(np.full(60, 7.0))
    np.testing.assert_array_equal(only.predict_interval(), 7)


def test_missing_values_are_left_out(walk):
    holes = walk.copy()
    holes.iloc[[20, 180, 170]] = np.nan
    model = ConformalForecaster(Naive(3), n_splits=40, step=1).fit(holes)
    assert np.isnan(model.residuals_).sum() == 6
    assert np.isfinite(model.predict_interval()).all(axis=None)


# Composition


def test_parameters_reach_the_forecaster():
    model = ConformalForecaster(GRUForecaster(2, units=3), coverage=0.8)
    copy = clone(model.set_params(forecaster__units=4, gamma=0.1))
    assert copy.get_params()["forecaster__units"] == 4
    assert copy.forecaster is not model.forecaster


def test_a_network_is_fitted_on_all_data_and_pickled(walk):
    network = GRUForecaster(2, units=2, max_epochs=1, context_length=6, random_state=0)
    model = ConformalForecaster(network, 0.8).fit(walk)
    pd.testing.assert_series_equal(model.predict(), clone(network).fit(walk).predict())
    copy = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(copy.predict_interval(), model.predict_interval())
    assert not hasattr(network, "spec_")


def test_a_pipeline_answers_in_original_units(walk):
    levels = np.exp(walk / 10).to_frame()
    log = FunctionTransformer(np.log, np.exp)
    pipeline = make_forecast_pipeline(log, Naive(3))
    interval = ConformalForecaster(pipeline, n_splits=40, step=1).fit(levels).predict_interval()
    plain = ConformalForecaster(Naive(3), n_splits=40, step=1).fit(levels).predict_interval()
    np.testing.assert_allclose(interval, plain)  # the last value is the same in any units


def test_it_takes_part_in_a_backtest(walk):
    cv = RollingOriginSplit(2, horizon=3)
    models = {"plain": Naive(3), "conformal": ConformalForecaster(Naive(3), n_splits=20)}
    result = backtest(models, walk, cv=cv)
    assert result.leaderboard()["mae"].nunique() == 1
    assert models["conformal"].fit(walk[:-9]).score(walk[-9:]) == Naive(3).fit(walk[:-9]).score(
        walk[-9:]
    )


class Foreign(BaseEstimator):
    """Knows fit, predict and horizon only."""

    def __init__(self, horizon=1):
        self.horizon = horizon

    def fit(self, X, y=None):
        self.last_ = X
        return self

    def predict(self, X=None):
        X = self.last_ if X is None else X
        index = pd.date_range(X.index[-1], periods=self.horizon + 1, freq="D")[1:]
        return pd.Series(X.iloc[-1], index, name=X.name)


def test_a_foreign_forecaster_has_intervals_too(walk, fitted):
    foreign = clone(fitted).set_params(forecaster=Foreign(3)).fit(walk)
    pd.testing.assert_frame_equal(
        foreign.predict_interval(), fitted.predict_interval(), check_names=False, check_freq=False
    )
    assert not hasattr(foreign, "update")


# Errors


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"coverage": 0.99, "n_splits": 98}, "needs 99 errors.*gave 98 at step 1: set n_splits=99"),
        ({"coverage": 1.0}, "coverage=1.0 must lie between 0 and 1"),
        ({"method": "jackknife"}, "method='jackknife'"),
        ({"gamma": -1}, "gamma=-1"),
        ({"n_splits": 0}, "n_splits=0"),
        ({"step": 1.5}, "step=1.5"),
        ({"forecaster__horizon": 0}, "horizon=0"),
        ({"n_splits": 300}, "n_splits=300.*take n_splits="),
    ],
)
def test_bad_parameters_are_named(walk, params, message):
    with pytest.raises(ValueError, match=message):
        ConformalForecaster(Naive()).set_params(**params).fit(walk)


def test_a_forecaster_without_a_horizon_is_refused(walk):
    with pytest.raises(TypeError, match="has no horizon"):
        ConformalForecaster(FunctionTransformer()).fit(walk)


def test_a_fit_that_fails_leaves_the_last_one(walk):
    model = ConformalForecaster(Naive(2)).fit(walk)
    before = model.predict_interval()
    with pytest.raises(ValueError, match="needs 99 errors"):
        model.set_params(coverage=0.99, n_splits=20).fit(walk[:60])
    pd.testing.assert_frame_equal(model.predict_interval(coverage=0.9), before)


def test_too_much_is_asked_of_a_fitted_one(fitted):
    with pytest.raises(ValueError, match=r"coverage=0.99 needs 99 errors"):
        fitted.predict_interval(coverage=0.99)
    with pytest.raises(ValueError, match=r"needs 99 errors"):
        fitted.predict_quantiles(quantiles=[0.01, 0.5])
    with pytest.raises(ValueError, match="must ascend"):
        fitted.predict_quantiles(quantiles=[0.5, 0.2])
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        fitted.predict_quantiles(quantiles=[0.5, 95])


def test_a_series_without_a_scale_is_named():
    panel = walks(3, 40)
    model = ConformalForecaster(Naive(2)).fit(panel)
    short = panel.loc[[0]].tail(1).rename(index={0: "new"}, level="id")
    with pytest.raises(ValueError, match="series 'new': target 'y' has no two observed values"):
        model.predict_interval(short)
