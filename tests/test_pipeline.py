import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
)

from tsrnn import (
    Deseasonalizer,
    Differencer,
    Drift,
    ForecastPipeline,
    LSTMForecaster,
    Naive,
    RollingOriginSplit,
    SeasonalNaive,
    SlidingWindow,
    make_forecast_pipeline,
)

TINY = {"units": 2, "max_epochs": 1, "batch_size": 32, "random_state": 0}
close = partial(assert_allclose, rtol=1e-9, atol=1e-9)
N_TRAIN = 72


def log():
    return FunctionTransformer(np.log, np.exp)


def sales(n=96, shift=0.0):
    t = np.arange(n)
    season = 8 * np.sin(2 * np.pi * t / 12)
    noise = np.random.default_rng(0).normal(0, 0.5, n).cumsum()
    values = {
        "north": 50 + 0.3 * t + season + noise + shift,
        "south": 900 + 10 * season - 20 * noise,
    }
    return pd.DataFrame(values, pd.date_range("2015-01", periods=n, freq="MS", name="month"))


def shops():
    parts = {shop: (i + 1) * sales(96 - 7 * i) for i, shop in enumerate("xyz")}
    return pd.concat(parts, names=["shop", "month"])


def promoted(n=96):
    """One target with a covariate that is known in the future."""
    promotion = np.arange(n) % 5 == 0
    frame = sales(n)[["north"]]
    return frame.assign(north=frame["north"] + 4 * promotion, promotion=promotion.astype(float))


def containers():
    frame = sales()
    panel = shops()
    return {
        "series": frame["north"],
        "unnamed series": frame["north"].rename(None),
        "one column": frame[["north"]],
        "frame": frame,
        "panel": panel,
        "panel in order of time": panel.sort_index(level="month", kind="stable"),
        "panel of one column": panel["north"],
        "1-D": frame["north"].to_numpy(),
        "2-D": frame.to_numpy(),
        "time zone": frame.set_axis(frame.index.tz_localize("Europe/Berlin")),
        "periods": frame.set_axis(frame.index.to_period("M")),
        "integers": frame.set_axis(pd.RangeIndex(10, 10 + 3 * len(frame), 3)),
        "rows counted from 0": frame.reset_index(drop=True),
    }


def first_rows(X, n=N_TRAIN):
    """Rows of the first `n` times; rows counted from 0 keep no labels."""
    if isinstance(getattr(X, "index", None), pd.MultiIndex):
        times = X.index.get_level_values(1)
        return X[times < times.unique().sort_values()[n]]
    return X[:n]


def rows_between(X, start, stop=None):
    if isinstance(getattr(X, "index", None), pd.MultiIndex):
        times = X.index.get_level_values(1)
        return X[times.isin(times.unique().sort_values()[start:stop])]
    rows = X[start:stop]
    counted = hasattr(X, "index") and X.index.equals(pd.RangeIndex(len(X)))
    return rows.reset_index(drop=True) if counted else rows


def assert_same(answer, expected, **options):
    """The same container, labels and, but for rounding, values."""
    options = {"rtol": 1e-9, "atol": 1e-9} | options
    assert type(answer) is type(expected)
    if isinstance(expected, pd.DataFrame):
        assert_frame_equal(answer, expected, check_freq=False, **options)
    elif isinstance(expected, pd.Series):
        assert_series_equal(answer, expected, check_freq=False, **options)
    else:
        assert_allclose(answer, expected, **options)


# A scaler in front of a rule changes nothing


@pytest.mark.parametrize("kind", containers())
def test_scaled_seasonal_naive_is_seasonal_naive(kind):
    X = containers()[kind]
    train, test = first_rows(X), rows_between(X, N_TRAIN)
    plain = SeasonalNaive(6, season_length=12).fit(train)
    scaled = ForecastPipeline([("scale", StandardScaler()), ("naive", clone(plain))]).fit(train)
    assert_same(scaled.predict(), plain.predict())
    assert_same(scaled.predict(train), plain.predict(train))
    assert_same(scaled.predict(first_rows(X, 60)), plain.predict(first_rows(X, 60)))
    assert_same(scaled.predict_at(X, [40, 70]), plain.predict_at(X, [40, 70]))
    assert_same(scaled.predict_at(X, [40, 70], n_steps=3), plain.predict_at(X, [40, 70], n_steps=3))
    for ours, theirs in zip(scaled.rolling_predict(test), plain.rolling_predict(test), strict=True):
        close(ours, theirs)
    close(scaled.score(test), plain.score(test), atol=1e-9)
    close(scaled.naive_error_, plain.naive_error_)
    later = rows_between(X, N_TRAIN, 80)
    assert scaled.update(later) is scaled
    assert_same(scaled.predict(), plain.update(later).predict())
    rest = rows_between(X, 80)
    close(scaled.score(rest), plain.score(rest), atol=1e-9)


def test_some_series_of_a_panel():
    X = shops()
    train = X.groupby(level=0).head(60)
    plain = SeasonalNaive(6).fit(train)
    scaled = make_forecast_pipeline(StandardScaler(), SeasonalNaive(6)).fit(train)
    for some in (
        X.loc[["y"]],
        X.loc[["z", "x"]],
        pd.concat({"new": sales(30)}, names=["shop", "month"]),
    ):
        assert_same(scaled.predict(some), plain.predict(some))


# The steps by hand


def test_network_behind_a_scaler():
    """scikit-learn's Pipeline answers in scaled units, ForecastPipeline in those of the data."""
    X = sales()[["north"]]
    steps = [
        ("scale", StandardScaler().set_output(transform="pandas")),
        ("lstm", LSTMForecaster(horizon=12, **TINY)),
    ]
    scaler = clone(steps[0][1]).fit(X)
    by_hand = clone(steps[1][1]).fit(scaler.transform(X)).predict()
    plain = Pipeline(clone(steps, safe=False)).fit(X).predict(X)
    assert_frame_equal(plain, by_hand)
    pipeline = ForecastPipeline(clone(steps, safe=False)).fit(X)
    expected = pd.DataFrame(scaler.inverse_transform(by_hand), by_hand.index, ["north"])
    for forecast in (pipeline.predict(), pipeline.predict(X)):
        assert_frame_equal(forecast, expected)
    assert forecast.index[0] == pd.Timestamp("2023-01-01")
    assert forecast["north"].between(40, 110).all()
    assert pipeline.horizon == 12


def test_differences_go_on_from_the_last_value():
    X = sales()
    last, change = X.iloc[-1], X.diff().iloc[-1]
    forecast = make_forecast_pipeline(Differencer(), Naive(4)).fit(X).predict()
    close(forecast, last.to_numpy() + np.outer(np.arange(1, 5), change))
    change = X.diff(12).iloc[-1]
    forecast = make_forecast_pipeline(Differencer(0, 12), Naive(4)).fit(X).predict()
    close(forecast, X[-12:-8] + change.to_numpy())


def test_differences_follow_each_series_of_a_panel():
    X = shops()
    forecast = make_forecast_pipeline(Differencer(1, 12), Naive(14)).fit(X).predict()
    for shop in "xyz":
        alone = make_forecast_pipeline(Differencer(1, 12), Naive(14)).fit(X.loc[shop]).predict()
        close(forecast.loc[shop], alone)


def test_cycle_returns_to_forecasts():
    X = sales()
    step = Deseasonalizer().fit(X)
    expected = step.inverse_transform(Drift(14).fit(step.transform(X)).predict())
    assert_same(make_forecast_pipeline(Deseasonalizer(), Drift(14)).fit(X).predict(), expected)


@pytest.mark.parametrize("kind", [kind for kind in containers() if "panel" not in kind])
def test_differences_in_every_container(kind):
    X, frame = containers()[kind], sales()
    chain = make_forecast_pipeline(
        log(), Differencer(1, 12), Deseasonalizer(12), StandardScaler(), Drift(6)
    )
    expected = clone(chain).fit(frame[:72])
    pipeline = clone(chain).fit(X[:72])

    def check(answer, forecast):
        assert type(answer) is type(X)
        values = np.asarray(answer).reshape(len(forecast), -1)
        close(values, forecast.iloc[:, : values.shape[1]])

    check(pipeline.predict(), expected.predict())
    check(pipeline.predict(X[:60]), expected.predict(frame[:60]))
    at = expected.predict_at(frame, [50, 80])
    answer = pipeline.predict_at(X, [50, 80])
    close(answer, at.iloc[:, : answer.shape[1]])
    check(
        pipeline.update(rows_between(X, 72, 80)).predict(), expected.update(frame[72:80]).predict()
    )


def test_a_series_that_fit_never_saw():
    X = shops()
    new = pd.concat({"new": sales(50)}, names=["shop", "month"])
    pipeline = make_forecast_pipeline(log(), Differencer(1, 12), SeasonalNaive(6, season_length=12))
    alone = clone(pipeline).fit(sales(50)).predict()
    close(pipeline.fit(X).predict(new), alone)
    close(pipeline.update(new).predict().loc["new"], alone)
    assert len(pipeline.predict()) == 4 * 6


def test_logarithm():
    X = sales()["north"]
    forecast = make_forecast_pipeline(log(), Drift(5)).fit(X).predict()
    assert_same(forecast, np.exp(Drift(5).fit(np.log(X)).predict()))


def test_a_chain_is_turned_back_in_reverse_order():
    X = sales()
    difference, scale = Differencer(1, 12), StandardScaler().set_output(transform="pandas")
    changes = scale.fit_transform(difference.fit_transform(np.log(X)))
    back = scale.inverse_transform(Drift(15).fit(changes).predict())
    index = pd.date_range("2023-01", periods=15, freq="MS", name="month")
    expected = np.exp(difference.inverse_transform(pd.DataFrame(back, index, X.columns)))
    pipeline = make_forecast_pipeline(log(), Differencer(1, 12), StandardScaler(), Drift(15))
    assert_same(pipeline.fit(X).predict(), expected)


@pytest.mark.parametrize(
    "step", [MinMaxScaler(), PowerTransformer(), make_pipeline(log(), StandardScaler())], ids=str
)
def test_other_transformers_with_an_inverse(step):
    X = sales()
    assert_same(make_forecast_pipeline(step, Naive(2)).fit(X).predict(), Naive(2).fit(X).predict())


def test_windows_as_a_step():
    X = sales()
    alone = LSTMForecaster(6, context_length=24, **TINY).fit(X[:80])
    pipeline = ForecastPipeline(
        [("windows", SlidingWindow(24, 6)), ("lstm", LSTMForecaster(6, **TINY))]
    ).fit(X[:80])
    assert_same(pipeline.predict(), alone.predict())
    assert_same(pipeline.predict(X[:60]), alone.predict(X[:60]))
    assert_same(pipeline.predict_at(X, [50, 90]), alone.predict_at(X, [50, 90]))
    assert pipeline.score(X[80:]) == pytest.approx(alone.score(X[80:]))
    assert_same(pipeline.update(X[80:83]).predict(), alone.update(X[80:83]).predict())


def test_windows_behind_a_scaler():
    X = sales()
    windows = make_forecast_pipeline(
        StandardScaler(), SlidingWindow(24, 6), LSTMForecaster(6, **TINY)
    ).fit(X)
    alone = make_forecast_pipeline(
        StandardScaler(), LSTMForecaster(6, context_length=24, **TINY)
    ).fit(X)
    assert_same(windows.predict(), alone.predict())
    assert_same(windows.predict(X[:50]), alone.predict(X[:50]))


# Covariates


def with_future(X, cutoff, n=6):
    """History up to a cutoff, and rows of known covariates behind it."""
    return X[: cutoff + n].assign(north=X["north"].where(np.arange(len(X)) < cutoff))


def test_covariates_in_columns():
    X = promoted()
    pipeline = make_forecast_pipeline(
        StandardScaler(), LSTMForecaster(6, target="north", **TINY)
    ).fit(X[:80])
    scaler = StandardScaler().set_output(transform="pandas").fit(X[:80])
    network = LSTMForecaster(6, target="north", **TINY).fit(scaler.transform(X[:80]))
    for cutoff in (80, 70):
        rows = with_future(X, cutoff)
        scaled = network.predict(scaler.transform(rows))
        forecast = pipeline.predict(rows)
        assert list(forecast.columns) == ["north"]
        assert forecast.index.equals(X.index[cutoff : cutoff + 6])
        close(forecast, scaled * scaler.scale_[0] + scaler.mean_[0])
    expected = [pipeline.predict(with_future(X, c))["north"] for c in (80, 86)]
    assert_same(pipeline.predict_at(X, [79, 85])["north"].to_numpy(), np.concatenate(expected))
    assert_allclose(pipeline.rolling_predict(X[80:92])[1][:, 0], np.concatenate(expected))
    new = X[80:86].assign(north=np.nan)
    assert_same(pipeline.predict(new), pipeline.predict(with_future(X, 80)))


def test_a_step_may_change_covariates_only():
    X = promoted().assign(promotion=np.where(promoted()["promotion"] == 1, "yes", "no"))
    encode = ColumnTransformer(
        [("encode", OrdinalEncoder(), ["promotion"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    naive = SeasonalNaive(6, target="north")
    pipeline = make_forecast_pipeline(encode, naive).fit(X[:80])
    expected = SeasonalNaive(6, target="north").fit(promoted()[:80])
    assert_same(pipeline.predict(with_future(X, 80)), expected.predict(with_future(promoted(), 80)))


def test_covariates_apart_from_targets():
    data = promoted().assign(trend=np.arange(96.0))
    X, y = data[["promotion", "trend"]], data["north"]
    pipeline = make_forecast_pipeline(StandardScaler(), LSTMForecaster(6, **TINY))
    pipeline.fit(X[:72], y[:72])
    scaler = StandardScaler().set_output(transform="pandas").fit(X[:72])
    Z = scaler.transform(X)
    network = LSTMForecaster(6, **TINY).fit(Z[:72], y[:72])
    assert_same(pipeline.predict(X[72:82]), network.predict(Z[72:82]))
    assert_same(pipeline.predict_at(X, [60, 80], y), network.predict_at(Z, [60, 80], y))
    assert pipeline.score(X[72:], y[72:]) == network.score(Z[72:], y[72:])
    ours, theirs = (p.rolling_predict(x[72:], y[72:]) for p, x in ((pipeline, X), (network, Z)))
    assert_array_equal(ours, theirs)
    pipeline.update(X[72:80], y[72:80])
    network.update(Z[72:80], y[72:80])
    assert_same(pipeline.predict(X[80:84]), network.predict(Z[80:84]))
    assert pipeline.score(X[80:], y[80:]) == network.score(Z[80:], y[80:])


@pytest.mark.parametrize("kind", ["arrays", "frames", "periods", "panel", "panel by time"])
def test_covariates_and_targets_in_every_container(kind):
    data = promoted()
    if kind == "arrays":
        X, y = data[["promotion"]].to_numpy(), data["north"].to_numpy()
    else:
        if kind == "periods":
            data = data.set_axis(data.index.to_period("M"))
        if kind.startswith("panel"):
            data = pd.concat({"x": data, "y": 2 * data}, names=["shop", "month"])
        if kind == "panel by time":
            data = data.sort_index(level="month", kind="stable")
        X, y = data[["promotion"]], data["north"]
    plain = SeasonalNaive(6, season_length=12).fit(first_rows(X), first_rows(y))
    pipeline = make_forecast_pipeline(StandardScaler(), clone(plain))
    pipeline.fit(first_rows(X), first_rows(y))
    later, y_later = rows_between(X, 72, 80), rows_between(y, 72, 80)
    assert_same(pipeline.predict(), plain.predict())
    assert_same(pipeline.predict(later), plain.predict(later))
    assert pipeline.score(later, y_later) == plain.score(later, y_later)
    pipeline.update(later, y_later)
    plain.update(later, y_later)
    rest = rows_between(X, 80, 84)
    assert_same(pipeline.predict(rest), plain.predict(rest))


def test_a_step_that_looks_back_sees_the_training_rows_of_covariates():
    class Rows(BaseEstimator):
        """Remember what the forecaster is given."""

        horizon, season_length = 1, 1

        def fit(self, X, y):
            return self

        def predict(self, X):
            self.seen = X
            return X

    X = sales()
    for step in (Differencer(), FunctionTransformer(lambda X: X.diff())):
        pipeline = make_forecast_pipeline(step, Rows()).fit(X[:72], X["north"][:72])
        pipeline.predict(X[72:80])
        assert_frame_equal(pipeline[-1].seen, X.diff()[72:80], check_freq=False)


# Many cutoffs, and nothing from after them

PIPELINES = {
    "differences": make_forecast_pipeline(
        log(), Differencer(1, 12), StandardScaler(), SeasonalNaive(6, season_length=12)
    ),
    "cycle": make_forecast_pipeline(Deseasonalizer(), Drift(6)),
    "network": make_forecast_pipeline(Differencer(), StandardScaler(), LSTMForecaster(6, **TINY)),
}
every_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


@every_pipeline
def test_many_cutoffs_at_once(pipeline):
    X = sales()
    pipeline = clone(pipeline).fit(X[:72])
    cutoffs = [71, 40, 85, 90]
    together = pipeline.predict_at(X, cutoffs)
    assert together.index.names == ["cutoff", "time"]
    for cutoff in cutoffs:
        alone = pipeline.predict(X[: cutoff + 1])
        own = together.loc[X.index[cutoff]]
        assert own.index.equals(alone.index)
        assert_allclose(own, alone, rtol=1e-5)


def test_many_cutoffs_in_a_panel():
    X = shops()
    for rows in (X, X.sort_index(level="month", kind="stable")):
        pipeline = clone(PIPELINES["differences"]).fit(first_rows(rows))
        keys = [("y", "2020-03-01"), ("x", "2019-05-01"), ("x", "2021-06-01"), ("y", "2019-01-01")]
        cutoffs = rows.index.get_indexer([(shop, pd.Timestamp(time)) for shop, time in keys])
        together = pipeline.predict_at(rows, cutoffs)
        for shop, time in keys:
            alone = pipeline.predict(X.loc[[shop]][X.loc[[shop]].index.get_level_values(1) <= time])
            close(together.sort_index().loc[(shop, pd.Timestamp(time))], alone.loc[shop])


@every_pipeline
@pytest.mark.parametrize("make", [sales, shops])
def test_values_after_a_cutoff_change_nothing(pipeline, make):
    X = make()
    times = X.index.get_level_values(-1)
    pipeline = clone(pipeline).fit(X[times < "2021"])
    cutoffs = np.flatnonzero(times == "2021-04-01")
    forecast = pipeline.predict_at(X, cutoffs)
    changed = X.copy()
    changed[times > "2021-04-01"] = 7.0 + np.arange(2)
    assert_frame_equal(pipeline.predict_at(changed, cutoffs), forecast, check_exact=True)
    changed[times > "2021-04-01"] = np.nan
    assert_frame_equal(pipeline.predict_at(changed, cutoffs), forecast, check_exact=True)


@every_pipeline
def test_rolling_forecasts_and_score_by_hand(pipeline):
    X = sales()
    pipeline = clone(pipeline).fit(X[:72])
    truth, forecasts = pipeline.rolling_predict(X[72:])
    assert_array_equal(truth, X[72:])
    by_hand = np.concatenate([pipeline.predict(X[:cutoff]) for cutoff in range(72, 96, 6)])
    assert_allclose(forecasts, by_hand, rtol=1e-5)
    naive = SeasonalNaive(6).fit(X[:72]).rolling_predict(X[72:])[1]
    skill = 1 - np.abs(truth - forecasts).mean() / np.abs(truth - naive).mean()
    assert pipeline.score(X[72:]) == pytest.approx(skill)
    assert pipeline.score(X) == pytest.approx(skill)


@every_pipeline
def test_new_observations_without_refitting(pipeline):
    X = sales()
    pipeline = clone(pipeline).fit(X[:72])
    expected = pipeline.predict(X[:80])
    assert_same(pipeline.update(X[72:75]).update(X[75:80]).predict(), expected, rtol=1e-5)
    assert_same(pipeline.predict(X[80:82]), pipeline.predict(X[:82]), rtol=1e-5)
    with pytest.raises(ValueError, match=r"starts at 2022-01-01.*ended at 2021-08-01"):
        pipeline.update(X[84:])


class Ratio(TransformerMixin, BaseEstimator):
    """Ratio to the last value, and a record of the last times that the way back was shown."""

    def fit(self, X, y=None):
        self.ends = []
        return self

    def transform(self, X):
        return X / X.groupby(X.index.get_level_values(0)).shift()

    def inverse_transform(self, X, history):
        times = history.reset_index("month")["month"].groupby(level="shop").max()
        self.ends.append(times.to_dict())
        last = history.groupby(level="shop").last().loc[X.index.get_level_values(0)]
        return X.groupby(level=0).cumprod() * last.to_numpy()


@pytest.mark.parametrize("by_time", [False, True])
def test_the_way_back_is_shown_rows_up_to_the_cutoff(by_time):
    X = shops()
    if by_time:
        X = X.sort_index(level="month", kind="stable")
    pipeline = make_forecast_pipeline(Ratio(), Naive(2)).fit(first_rows(X))
    keys = [("y", pd.Timestamp("2020-03-01")), ("x", pd.Timestamp("2022-05-01"))]
    keys.append(("y", pd.Timestamp("2019-03-01")))
    answer = pipeline.predict_at(X, X.index.get_indexer(keys)).sort_index()
    assert pipeline[0].ends == [dict(keys[:2]), dict(keys[2:])]
    for shop, time in keys:
        now, before = X.loc[(shop, time)], X.loc[(shop, time - pd.DateOffset(months=1))]
        close(
            answer.loc[(shop, time)],
            np.outer([1, 1], now) * np.vstack([now / before] * 2) ** [[1], [2]],
        )


# Missing values


def test_missing_values_reach_the_forecaster():
    X = sales()
    X.iloc[[3, 50, 94], 0] = np.nan
    X.iloc[90:, 1] = np.nan
    pipeline = make_forecast_pipeline(StandardScaler(), SeasonalNaive(6)).fit(X)
    assert_same(pipeline.predict(), SeasonalNaive(6).fit(X).predict())
    X["north"] = X["north"].interpolate()
    changes = make_forecast_pipeline(Differencer(), Naive(6)).fit(X).predict()
    last, change = X["south"].iloc[89], X["south"].diff().iloc[89]
    assert changes["south"].iloc[0] == pytest.approx(last + change)


def test_an_imputer_keeps_the_units():
    X = sales()
    X.iloc[[20, 50], 0] = np.nan
    filled = X.fillna(X.median())
    pipeline = make_forecast_pipeline(SimpleImputer(strategy="median"), Drift(3)).fit(X)
    assert_same(pipeline.predict(), Drift(3).fit(filled).predict())


# One more estimator of scikit-learn


def small_network(horizon=6):
    return ForecastPipeline(
        [("scale", StandardScaler()), ("lstm", LSTMForecaster(horizon, **TINY))]
    )


@pytest.mark.parametrize(
    "cv", [RollingOriginSplit(2, horizon=6), TimeSeriesSplit(2, test_size=6)], ids=["rolling", "k"]
)
def test_grid_search(cv):
    X = sales()[["north"]]
    search = GridSearchCV(
        small_network(), {"lstm__units": [2, 3]}, cv=cv, n_jobs=2, error_score="raise"
    ).fit(X)
    for fold, (train, test) in enumerate(cv.split(X)):
        expected = small_network().fit(X.iloc[train]).score(X.iloc[test])
        assert search.cv_results_[f"split{fold}_test_score"][0] == pytest.approx(expected)
    assert search.predict(X).index[0] == pd.Timestamp("2023-01-01")
    assert search.best_estimator_["lstm"].units == search.best_params_["lstm__units"]


def test_cross_validation_of_covariates():
    data = promoted()
    X, y = data[["promotion"]], data["north"]
    pipeline = make_forecast_pipeline(StandardScaler(), Drift(6))
    cv = TimeSeriesSplit(3, test_size=6)
    options = {"cv": cv, "error_score": "raise", "scoring": ("neg_mean_absolute_error", "r2")}
    scores = cross_validate(pipeline, X, y, **options)["test_neg_mean_absolute_error"]
    for score, (train, test) in zip(scores, cv.split(X), strict=True):
        forecast = Drift(6).fit(y.iloc[train]).predict()
        assert score == pytest.approx(-np.abs(forecast - y.iloc[test]).mean())
    plain = cross_validate(Drift(6), X, y, cv=cv)["test_score"]
    close(cross_validate(pipeline, X, y, cv=cv)["test_score"], plain)


def test_clone_and_pickle():
    X = sales()
    pipeline = clone(PIPELINES["differences"]).fit(X)
    again = pickle.loads(pickle.dumps(pipeline))
    assert_frame_equal(again.predict(), pipeline.predict())
    assert_frame_equal(again.predict(X[:60]), pipeline.predict(X[:60]))
    fresh = clone(pipeline)
    with pytest.raises(NotFittedError):
        fresh.predict()
    assert_frame_equal(fresh.fit(X).predict(), pipeline.predict())


def test_fit_leaves_the_steps_as_they_were_given():
    X = sales()
    scale, naive = StandardScaler(), Naive(2)
    pipeline = ForecastPipeline([("scale", scale), ("naive", naive)]).fit(X)
    assert pipeline["scale"] is scale and pipeline["naive"] is naive
    close(scale.mean_, X.mean())
    with pytest.raises(ValueError, match="infinity"):
        pipeline.fit(X.replace(X.iloc[5, 0], np.inf))
    assert pipeline["scale"] is scale


def test_parameters_of_steps():
    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), SeasonalNaive(2))
    pipeline.set_params(seasonalnaive__horizon=5, standardscaler="passthrough").fit(X)
    assert_same(pipeline.predict(), SeasonalNaive(5).fit(X).predict())
    pipeline.set_params(standardscaler=Differencer(), seasonalnaive=Naive(3)).fit(X)
    assert len(pipeline.predict()) == pipeline.horizon == 3
    assert_same(make_forecast_pipeline(Naive(3)).fit(X).predict(), Naive(3).fit(X).predict())
    assert_same(
        ForecastPipeline([("none", None), ("naive", Naive(3))]).fit(X).predict(),
        Naive(3).fit(X).predict(),
    )


def test_pipelines_in_pipelines():
    X = sales()
    flat = make_forecast_pipeline(log(), Differencer(1, 12), StandardScaler(), Drift(4)).fit(X[:72])
    inner = make_forecast_pipeline(StandardScaler(), Drift(4))
    nested = make_forecast_pipeline(make_pipeline(log(), Differencer(1, 12)), inner).fit(X[:72])
    assert_same(nested.predict(), flat.predict())
    assert_same(nested.predict_at(X, [50, 60]), flat.predict_at(X, [50, 60]))
    assert nested.score(X[72:]) == pytest.approx(flat.score(X[72:]))
    assert isinstance(nested[0], Pipeline) and isinstance(nested[0][1], Differencer)


def test_the_transformers_alone():
    X = sales()
    pipeline = make_forecast_pipeline(Differencer(), StandardScaler(), Naive(2)).fit(X)
    close(pipeline[:-1].transform(X)[1:], StandardScaler().fit_transform(X.diff()[1:]))


def test_parameters_of_fit_reach_the_step():
    X, weights = sales(), np.linspace(0, 1, 96)
    pipeline = small_network().fit(X, lstm__sample_weight=weights)
    scale = StandardScaler().set_output(transform="pandas").fit(X)
    network = LSTMForecaster(6, **TINY).fit(scale.transform(X), sample_weight=weights)
    close(pipeline.predict(), scale.inverse_transform(network.predict()))


def test_a_regressor_of_scikit_learn_as_last_step():
    data = promoted()
    X, y = data[["promotion"]], data["north"]
    pipeline = make_forecast_pipeline(StandardScaler(), LinearRegression()).fit(X[:72], y[:72])
    expected = make_pipeline(StandardScaler(), LinearRegression()).fit(X[:72], y[:72])
    close(pipeline.predict(X[72:]), expected.predict(X[72:]))
    assert pipeline.score(X[72:], y[72:]) == pytest.approx(expected.score(X[72:], y[72:]))
    assert not hasattr(pipeline, "predict_at")


def test_memory_keeps_fitted_steps(tmp_path):
    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), Naive(2), memory=str(tmp_path))
    assert_same(pipeline.fit(X).predict(), Naive(2).fit(X).predict())
    assert_same(clone(pipeline).fit(X).predict(), Naive(2).fit(X).predict())


def test_methods_that_the_forecaster_lacks():
    class Plain(BaseEstimator):
        def fit(self, X, y=None):
            return self

        def predict(self, X=None):
            return np.zeros(3)

    pipeline = make_forecast_pipeline(StandardScaler(), Plain()).fit(sales())
    for method in ("predict_at", "rolling_predict", "score", "update"):
        assert not hasattr(pipeline, method)
    with pytest.raises(TypeError, match="answers a frame with ndarray"):
        pipeline.predict()


# What is wrong is said


class Trim(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.to_numpy()[1:]


def test_messages_of_fit():
    X = sales()
    with pytest.raises(ValueError, match=r"steps=\[\] is empty; give at least a forecaster"):
        ForecastPipeline([]).fit(X)
    no_way_back = (
        r"step 'log' \(FunctionTransformer\) changes the target 'north', but has no inverse.*"
        r"inverse_transform"
    )
    with pytest.raises(ValueError, match=no_way_back):
        ForecastPipeline([("log", FunctionTransformer(np.log)), ("naive", Naive())]).fit(X)
    with pytest.raises(ValueError, match=r"step 'outer__log' \(FunctionTransformer\)"):
        inner = Pipeline([("log", FunctionTransformer(np.log))])
        ForecastPipeline([("outer", inner), ("naive", Naive())]).fit(X)
    with pytest.raises(ValueError, match=r"last step 'pipeline' is a Pipeline.*ForecastPipeline"):
        make_forecast_pipeline(log(), make_pipeline(StandardScaler(), Naive())).fit(X)
    with pytest.raises(ValueError, match=r"step 'trim' gives 95 rows for 96; .*keeps every row"):
        make_forecast_pipeline(Trim(), Naive()).fit(X)
    with pytest.raises(TypeError, match=r"should be transformers"):
        make_forecast_pipeline(LinearRegression(), Naive()).fit(X)
    with pytest.raises(ValueError, match=r"2015-02-01 comes twice"):
        make_forecast_pipeline(StandardScaler(), Naive()).fit(X.iloc[[0, 1, 1, 2]])


def test_messages_after_fit():
    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), Naive(3))
    for call in (pipeline.predict, partial(pipeline.score, X), partial(pipeline.update, X)):
        with pytest.raises(NotFittedError):
            call()
    pipeline.fit(X[:72])
    with pytest.raises(ValueError, match=r"missing \['south'\], unexpected \['east'\]; feature"):
        pipeline.predict(X.rename(columns={"south": "east"}))
    with pytest.raises(ValueError, match=r"starts at 2021-05-01.*ended at 2020-12-01"):
        pipeline.score(X[76:])
    with pytest.raises(ValueError, match=r"no row of X follows the training data.*2020-12-01"):
        pipeline.score(X[:72])
    with pytest.raises(ValueError, match=r"y is given, but fit saw none"):
        pipeline.score(X[72:], X["north"][72:])
    with pytest.raises(ValueError, match=r"2 rows are too few for step 'differencer'"):
        make_forecast_pipeline(Differencer(1, 12), Naive()).fit(X).predict(X[:2])


def test_a_forecast_without_an_inverse():
    X = pd.DataFrame({"sold": np.exp(-np.arange(1.0, 21))}, pd.RangeIndex(1, 21))
    root = FunctionTransformer(np.sqrt, lambda z: np.where(z < 0, np.nan, z**2))
    with pytest.raises(
        ValueError, match=r"inverse of step 'functiontransformer' gives NaN.*'sold'"
    ):
        make_forecast_pipeline(root, Drift(5)).fit(X).predict()
