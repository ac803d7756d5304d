"""Scorers: what they compare, for which estimators, and inside scikit-learn's searches."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    median_absolute_error,
    r2_score,
)
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import (
    Differencer,
    Drift,
    LSTMForecaster,
    Naive,
    RollingOriginSplit,
    SeasonalNaive,
    SlidingWindow,
    make_forecast_pipeline,
)
from tsrnn.metrics import METRICS, forecast_scorer, mase, smape

TINY = {"units": 2, "max_epochs": 1, "batch_size": 32, "random_state": 0}
NAMES = ["bias", "mae", "mape", "mase", "rmse", "smape", "wape"]
LOG = FunctionTransformer(np.log, np.exp)
FORECASTERS = {
    "rule": SeasonalNaive(6),
    "network": LSTMForecaster(6, **TINY),
    "forecast pipeline": make_forecast_pipeline(LOG, StandardScaler(), SeasonalNaive(6)),
    "pipeline with network": make_forecast_pipeline(StandardScaler(), LSTMForecaster(6, **TINY)),
    "windows": make_pipeline(SlidingWindow(24, 6), LSTMForecaster(6, **TINY)),
}
every_forecaster = pytest.mark.parametrize("forecaster", FORECASTERS.values(), ids=FORECASTERS)


class Shift(BaseEstimator):
    """The last value and a constant more: a forecaster reduced to what scorers ask for."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None):
        self.history_ = np.asarray(X, dtype=float)
        self.naive_error_ = np.array([[np.abs(np.diff(self.history_)).mean()]])
        return self

    def rolling_predict(self, X, y=None):
        y_true = np.asarray(X, dtype=float).reshape(-1, 1)
        return y_true, np.vstack([self.history_[-1:, None], y_true[:-1]]) + self.shift


class Repeat(RegressorMixin, BaseEstimator):
    """A foreign regressor."""

    def fit(self, X, y):
        self.last_ = np.asarray(y)[-1]
        return self

    def predict(self, X):
        return np.full(len(X), self.last_)


# Values


def test_scores_by_hand():
    forecaster = Shift().fit([1, 3, 4])
    assert forecast_scorer("mae")(forecaster, [6, 7]) == -1.5
    assert forecast_scorer("mase")(forecaster, [6, 7]) == -1
    assert forecast_scorer("mae", greater_is_better=True)(forecaster, [6, 7]) == 1.5
    assert forecast_scorer(median_absolute_error)(forecaster, [6, 7, 9]) == -2


def test_bias_is_best_at_none():
    scores = [forecast_scorer("bias")(Shift(s).fit([1, 2]), [2, 2]) for s in (-2, 0, 2)]
    assert scores == [-2, 0, -2]


@every_forecaster
def test_scores_are_metrics_of_the_rolled_forecasts(forecaster, monthly):
    train, test = monthly.iloc[:72], monthly.iloc[72:]
    forecaster.fit(train)
    if hasattr(forecaster, "rolling_predict"):
        y_true, y_pred = forecaster.rolling_predict(test)
    else:
        y_true, y_pred = forecaster[-1].rolling_predict(forecaster[:-1].transform(test))
    np.testing.assert_array_equal(y_true[:, 0], test)
    for name in NAMES:
        expected = METRICS[name](y_true[:, 0], y_pred[:, 0], train, 12)
        assert forecast_scorer(name)(forecaster, test) == pytest.approx(-abs(expected))
    expected = mean_absolute_percentage_error(y_true, y_pred)
    assert forecast_scorer(mean_absolute_percentage_error)(forecaster, test) == -expected


def test_mase_is_pooled_over_series_and_averaged_over_targets(panel):
    # The third series is too short for a difference, so it has no naive error of its own.
    two = panel.assign(promo=panel["promo"] + np.arange(len(panel)) % 3)
    times = two.index.get_level_values("month")
    short = (two.index.get_level_values("shop") == "c") & (times < "2020")
    train, test = two[(times < "2021") & ~short], two[times >= "2021"]
    forecaster = SeasonalNaive(6).fit(train)
    assert np.isnan(forecaster.naive_error_).tolist() == [[False] * 2, [False] * 2, [True] * 2]
    error = mean_absolute_error(*forecaster.rolling_predict(test), multioutput="raw_values")
    expected = (error / forecaster.naive_error_[:2].mean(axis=0)).mean()
    assert forecast_scorer("mase")(forecaster, test) == pytest.approx(-expected)


def test_mase_of_data_that_repeat_themselves():
    wave = np.tile([1.0, 2, 4], 4)
    forecaster = SeasonalNaive(3, season_length=3).fit(wave)
    assert forecast_scorer("mase")(forecaster, [1.0, 2, 4]) == 0
    assert forecast_scorer("mase")(forecaster, [1.0, 2, 5]) == -np.inf


# Kinds of estimators


def test_forecast_pipeline_keeps_the_naive_error_of_the_original_data(monthly):
    plain = SeasonalNaive(6).fit(monthly)
    pipeline = make_forecast_pipeline(LOG, Differencer(), StandardScaler(), Naive(6)).fit(monthly)
    np.testing.assert_array_equal(pipeline.naive_error_, plain.naive_error_)
    assert pipeline.season_length_ == plain.season_length_ == 12


def test_forecast_pipeline_of_covariates(monthly):
    X, y = np.arange(96.0).reshape(-1, 1), monthly.to_numpy()
    plain = SeasonalNaive(6, season_length=12).fit(X[:72], y[:72])
    pipeline = make_forecast_pipeline(StandardScaler(), SeasonalNaive(6, season_length=12))
    pipeline.fit(X[:72], y[:72])
    np.testing.assert_array_equal(pipeline.naive_error_, plain.naive_error_)
    for name in NAMES:
        scorer = forecast_scorer(name)
        assert scorer(pipeline, X[72:], y[72:]) == scorer(plain, X[72:], y[72:])


def test_sklearn_pipeline_is_scored_in_its_own_units(monthly):
    frame = monthly.to_frame()
    scaler = StandardScaler().fit(frame[:72])
    changed = scaler.transform(frame)[:, 0]
    plain = SeasonalNaive(6, season_length=12).fit(changed[:72])
    pipeline = make_pipeline(StandardScaler(), SeasonalNaive(6, season_length=12)).fit(frame[:72])
    for name in ("mae", "mase"):
        scorer = forecast_scorer(name)
        assert scorer(pipeline, frame[72:]) == pytest.approx(scorer(plain, changed[72:]))
    alone = make_pipeline(SeasonalNaive(6)).fit(monthly[:72])
    assert forecast_scorer("mae")(alone, monthly[72:]) == forecast_scorer("mae")(
        alone[-1], monthly[72:]
    )


def test_foreign_regressor():
    X, y = np.arange(6).reshape(-1, 1), pd.Series([1.0, 2, 3, 4, 5, 9])
    for regressor in (LinearRegression(), make_pipeline(StandardScaler(), LinearRegression())):
        regressor.fit(X[:5], y[:5])
        assert forecast_scorer("mae")(regressor, X[5:], y[5:]) == pytest.approx(-3)
        assert forecast_scorer(smape)(regressor, X[5:], y[5:]) == pytest.approx(-200 * 3 / 15)


def test_search_is_scored_by_its_best_estimator(monthly):
    search = GridSearchCV(Drift(3), {"season_length": [1, 12]}, cv=TimeSeriesSplit(2))
    search.fit(monthly[:72])
    scorer = forecast_scorer("mase")
    assert scorer(search, monthly[72:]) == scorer(search.best_estimator_, monthly[72:])


# Inside scikit-learn


def test_grid_search_finds_the_right_shift():
    search = GridSearchCV(
        Shift(),
        {"shift": [0.0, 1.0, 5.0]},
        scoring=forecast_scorer("mase"),
        cv=TimeSeriesSplit(3),
        error_score="raise",
    ).fit(np.cumsum(np.ones(20)))
    assert search.best_params_ == {"shift": 1.0}
    assert search.best_score_ == 0


def test_grid_search_over_networks(monthly):
    search = GridSearchCV(
        LSTMForecaster(6, **TINY),
        {"reference": ["season", "mean"]},
        scoring=forecast_scorer("mase"),
        cv=TimeSeriesSplit(2, test_size=12),
        error_score="raise",
    ).fit(monthly)
    assert search.best_params_ == {"reference": "season"}


def test_grid_search_over_season_lengths(monthly):
    """Each candidate's own skill over its own season is 0; a common yardstick tells them apart."""
    options = {"cv": TimeSeriesSplit(3), "error_score": "raise"}
    own = GridSearchCV(SeasonalNaive(6), {"season_length": [5, 12]}, **options).fit(monthly)
    np.testing.assert_array_equal(own.cv_results_["mean_test_score"], 0)
    scoring = forecast_scorer("mae")
    search = GridSearchCV(
        SeasonalNaive(6), {"season_length": [5, 12]}, scoring=scoring, **options
    ).fit(monthly)
    assert search.best_params_ == {"season_length": 12}


@pytest.mark.parametrize("name", ["rule", "network", "forecast pipeline"])
def test_cross_validate_with_several_scorers(name, monthly):
    scoring = {name: forecast_scorer(name) for name in NAMES}
    scoring["mape, theirs"] = forecast_scorer(mean_absolute_percentage_error)
    cv = TimeSeriesSplit(2, test_size=12)
    forecaster = FORECASTERS[name]
    scores = cross_validate(forecaster, monthly, scoring=scoring, cv=cv, error_score="raise")
    assert all((scores[f"test_{name}"] < 0).all() for name in scoring)
    np.testing.assert_array_equal(scores["test_mape, theirs"], scores["test_mape"])
    (train, test), *_ = cv.split(monthly)
    expected = mase(
        monthly.iloc[test],
        forecaster.fit(monthly.iloc[train]).rolling_predict(monthly.iloc[test])[1],
        y_train=monthly.iloc[train],
        season_length=12,
    )
    assert scores["test_mase"][0] == pytest.approx(-expected)


def test_cross_validate_a_panel(panel):
    cv = RollingOriginSplit(2, horizon=6)
    scoring = {name: forecast_scorer(name) for name in ("mase", "smape")}
    model = SeasonalNaive(6, target="sales")
    scores = cross_validate(model, panel, scoring=scoring, cv=cv, error_score="raise")
    assert np.isfinite(scores["test_mase"]).all() and (scores["test_smape"] < 0).all()


def test_cross_validate_a_foreign_regressor_in_processes(monthly):
    X = np.arange(len(monthly)).reshape(-1, 1)
    scoring = {name: forecast_scorer(name) for name in NAMES if name != "mase"}
    options = {"cv": TimeSeriesSplit(3), "error_score": "raise"}
    scores = cross_validate(Repeat(), X, monthly, scoring=scoring, n_jobs=2, **options)
    expected = cross_validate(Repeat(), X, monthly, scoring="neg_mean_absolute_error", **options)
    np.testing.assert_allclose(scores["test_mae"], expected["test_score"])


# The scorer itself


@pytest.mark.parametrize("metric", ["mase", smape])
def test_scorers_can_be_pickled(metric):
    scorer = forecast_scorer(metric, greater_is_better=True)
    again = pickle.loads(pickle.dumps(scorer))
    assert again == scorer and again is not scorer
    assert repr(again) == repr(scorer)


def test_repr():
    assert repr(forecast_scorer("mase")) == "forecast_scorer('mase', greater_is_better=False)"
    expected = "forecast_scorer(r2_score, greater_is_better=True)"
    assert repr(forecast_scorer(r2_score, greater_is_better=True)) == expected


# Errors


@pytest.mark.parametrize("metric", ["mea", "rmsse", None, ["mae"]])
def test_unknown_metric(metric):
    choices = r"give one of \['bias', 'mae', 'mape', 'mase', 'rmse', 'smape', 'wape'\], or a func"
    with pytest.raises(ValueError, match=rf"metric=.* names no scorer: {choices}"):
        forecast_scorer(metric)


def test_foreign_regressor_without_y_or_scale():
    X, y = np.arange(6).reshape(-1, 1), np.arange(6.0)
    regressor = LinearRegression().fit(X, y)
    with pytest.raises(ValueError, match="y is None, and LinearRegression has no rolling_predict"):
        forecast_scorer("mae")(regressor, X)
    with pytest.raises(ValueError, match="LinearRegression does not keep.*metric='mae'"):
        forecast_scorer("mase")(regressor, X, y)


def test_forecaster_too_deep_inside_pipelines(monthly):
    inner = make_pipeline(StandardScaler(), Naive(3))
    nested = make_pipeline(StandardScaler(), inner).fit(monthly.to_frame())
    with pytest.raises(ValueError, match="y is None.*a ForecastPipeline"):
        forecast_scorer("mae")(nested, monthly.to_frame())


def test_history_shorter_than_a_season(monthly):
    forecaster = Naive(3).fit(monthly.iloc[:12])
    with pytest.raises(ValueError, match=r"no two values.*season_length_=12\).*metric='mae'"):
        forecast_scorer("mase")(forecaster, monthly.iloc[12:15])
    assert forecast_scorer("mae")(forecaster, monthly.iloc[12:15]) < 0


def test_nothing_to_score(monthly):
    forecaster = Naive(3).fit(monthly.iloc[:90])
    with pytest.raises(ValueError, match=r"nothing to score.*give more rows"):
        forecast_scorer("mae")(forecaster, monthly.iloc[90:] * np.nan)
    with pytest.raises(ValueError, match="no row of X follows the training data, which ended at"):
        forecast_scorer("mae")(forecaster, monthly.iloc[:90])
