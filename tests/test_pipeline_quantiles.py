"""Quantiles, intervals and paths of pipelines, in the units of the data."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal, assert_index_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import ForecastPipeline, LSTMForecaster, RollingOriginSplit, backtest
from tsrnn.baselines import Drift, Naive
from tsrnn.interval_frames import with_bounds
from tsrnn.preprocessing import Deseasonalizer, Differencer
from tsrnn.windows import SlidingWindow

LOG = FunctionTransformer(np.log, np.exp)
NETWORK = LSTMForecaster(
    horizon=2, distribution="gaussian", units=2, context_length=6, max_epochs=2, random_state=0
)


class Walks(Drift):
    """Draws paths whose changes are independent, so that their quantiles are known."""

    def sample(self, X=None, n_samples=100, random_state=None):
        points = self.predict(X)
        noise = np.random.default_rng(random_state).normal(size=(*points.shape, n_samples))
        return with_bounds(0 * points, noise, list(range(n_samples)))


def sales(n=60, columns=("a", "b"), seed=0):
    rng = np.random.default_rng(seed)
    values = 100 + rng.standard_normal((n, len(columns))).cumsum(0)
    return pd.DataFrame(
        values, pd.date_range("2020-01-31", periods=n, freq="ME"), columns=list(columns)
    )


def pipeline_of(*steps):
    return ForecastPipeline([(str(k), step) for k, step in enumerate(steps)])


def test_paths_are_turned_back_one_by_one():
    X = sales()
    pipeline = pipeline_of(LOG, Differencer(), Walks(4)).fit(X)
    paths = pipeline.sample(n_samples=3, random_state=0)
    changes = pipeline.steps[-1][1].sample(n_samples=3, random_state=0)
    expected = np.log(X.iloc[-1]).to_numpy()[:, None] + np.cumsum(
        changes.to_numpy().reshape(4, 2, 3), axis=0
    )
    assert_allclose(paths.to_numpy().reshape(4, 2, 3), np.exp(expected))
    assert paths.columns.to_list() == [(name, k) for name in "ab" for k in range(3)]


def test_quantiles_are_those_of_the_paths():
    X = sales()["a"]
    pipeline = pipeline_of(Differencer(), Walks(4)).fit(X)
    intervals = pipeline.predict_interval(coverage=0.9)
    # A walk of k steps has the deviation sqrt(k).
    widths = (intervals["upper"] - intervals["lower"]).to_numpy()
    assert_allclose(widths, 2 * 1.645 * np.sqrt([1, 2, 3, 4]), rtol=0.15)
    quantiles = pipeline.predict_quantiles(quantiles=[0.05, 0.95])
    assert_array_equal(quantiles, intervals)
    assert quantiles.columns.to_list() == [0.05, 0.95]
    with pytest.raises(ValueError, match="quantiles="):
        pipeline.predict_quantiles(quantiles=[0.5, 0.1])
    with pytest.raises(ValueError, match="coverage="):
        pipeline.predict_interval(coverage=90)


@pytest.mark.parametrize(
    "X",
    [
        sales(),
        sales().rename_axis(columns="product"),
        sales().set_axis(pd.MultiIndex.from_tuples([("x", 1), ("y", 2)]), axis=1),
        sales()["a"],
        sales()["a"].rename(None),
        sales().reset_index(drop=True),
        sales().to_numpy(),
        sales()["a"].to_numpy(),
        pd.concat({k: sales(seed=k) * (k + 1) for k in range(2)}, names=["shop"]),
    ],
    ids=["frame", "named", "levels", "series", "unnamed", "rows", "array", "1-D", "panel"],
)
@pytest.mark.parametrize("own_history", [False, True])
def test_they_come_as_those_of_the_forecaster(X, own_history):
    """And lie around its forecasts, after a history of the user's own too."""
    asked = (
        X[:40] + 50
        if own_history and not isinstance(getattr(X, "index", None), pd.MultiIndex)
        else None
    )
    pipeline = pipeline_of(StandardScaler(), NETWORK).fit(X)
    plain = LSTMForecaster(**NETWORK.get_params()).fit(X)
    answer, alike = (one.predict_interval(asked, coverage=0.999) for one in (pipeline, plain))
    points = np.asarray(pipeline.predict(asked)).reshape(len(answer), -1)
    bounds = np.asarray(answer).reshape(len(answer), -1, 2)
    assert (bounds[:, :, 0] < points).all()
    assert (points < bounds[:, :, 1]).all()
    assert type(answer) is type(alike)
    assert np.shape(answer) == np.shape(alike)
    if isinstance(answer, pd.DataFrame):
        assert_index_equal(answer.index, alike.index)
        assert getattr(answer.index, "freq", None) == getattr(alike.index, "freq", None)
        assert_index_equal(answer.columns, alike.columns)


class Doubled(TransformerMixin, BaseEstimator):
    """Adds a column, which is no target of the user."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X.assign(twice=2 * X["a"])


@pytest.mark.parametrize("step", [Doubled(), SlidingWindow(6, 2), "passthrough"])
def test_where_nothing_is_turned_back_they_are_the_forecasters_own(step):
    X = sales()
    pipeline = pipeline_of(step, NETWORK).fit(X)
    own = pipeline.steps[-1][1].predict_quantiles()[["a", "b"]]
    assert_frame_equal(pipeline.predict_quantiles(), own)


def test_behind_a_scaler_they_are_scaled():
    X = sales()[["a"]]
    pipeline = pipeline_of(StandardScaler(), NETWORK).fit(X)
    scaler, fitted = (step for _, step in pipeline.steps)
    exact = fitted.predict_quantiles(quantiles=[0.1, 0.9]).to_numpy() * scaler.scale_
    sampled = pipeline.predict_quantiles(quantiles=[0.1, 0.9]).to_numpy() - scaler.mean_
    width = exact[:, 1] - exact[:, 0]
    assert (np.abs(sampled - exact) < 0.1 * width[:, None]).all()


def test_with_seasons_taken_away():
    X = sales()["a"] + 30 * np.sin(np.arange(60) * np.pi / 6)
    intervals = pipeline_of(Deseasonalizer(12), NETWORK).fit(X).predict_interval(coverage=0.99)
    assert intervals["upper"].iloc[1] - intervals["upper"].iloc[0] > 5  # as the season does


def test_with_y_the_forecaster_answers():
    X, y = sales(), sales(seed=1)["a"].rename("y")
    pipeline = pipeline_of(StandardScaler(), NETWORK).fit(X, y)
    scaler, fitted = (step for _, step in pipeline.steps)
    later = sales(62).iloc[60:]
    scaled = (later - scaler.mean_) / scaler.scale_
    assert_allclose(pipeline.predict_interval(later), fitted.predict_interval(scaled))
    assert_allclose(pipeline.predict_quantiles(later), fitted.predict_quantiles(scaled))
    how = {"n_samples": 3, "random_state": 0}
    assert_allclose(pipeline.sample(later, **how), fitted.sample(scaled, **how))


def test_a_backtest_asks_for_them():
    cv = RollingOriginSplit(n_splits=2, horizon=2)
    pipeline = pipeline_of(LOG, NETWORK)
    scores = backtest(pipeline, sales()["a"], cv=cv, quantiles=[0.1, 0.9], verbose=False)
    assert scores.leaderboard()["wql"].notna().all()


def test_without_a_distribution_there_are_none():
    assert not hasattr(pipeline_of(Naive(2)), "predict_quantiles")
    with pytest.raises(AttributeError, match="predict_interval"):
        pipeline_of(LSTMForecaster(horizon=2)).predict_interval()


class Arrays(Walks):
    def sample(self, X=None, n_samples=100, random_state=None):
        return super().sample(X, n_samples, random_state).to_numpy()


def test_paths_without_times_are_refused():
    with pytest.raises(TypeError, match="ndarray"):
        pipeline_of(LOG, Arrays(2)).fit(sales()).sample()
