import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from tsrnn.base import Forecaster
from tsrnn.baselines import ARIMA, Drift, Naive, SeasonalNaive
from tsrnn.checks import future_covariates
from tsrnn.naive import forward_fill
from tsrnn.pipeline import ForecastPipeline, make_forecast_pipeline
from tsrnn.preprocessing import Deseasonalizer, Differencer
from tsrnn.windows import SlidingWindow

LOG = FunctionTransformer(np.log, np.exp)


class LastPlusCovariate(Forecaster):
    """The last value plus the first covariate known in the future."""

    def __init__(self, horizon=1, *, season_length="auto", target=None, past_covariates=None):
        self.horizon = horizon
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates

    def _uses_future(self):
        return True

    def _fit(self, panel):
        pass

    def _forecast(self, panel, series, cutoffs, n_steps):
        last = forward_fill(panel.targets, panel.offsets)[cutoffs][:, None]
        return last + future_covariates(panel, series, cutoffs, n_steps)[:, :, :1]


def sales(n=60, columns=("a", "b"), seed=0):
    rng = np.random.default_rng(seed)
    season = np.tile(10 * np.sin(np.arange(12)), n // 12 + 1)[:n, None]
    values = 100 + rng.standard_normal((n, len(columns))).cumsum(0) + season
    return pd.DataFrame(
        values, pd.date_range("2020-01-31", periods=n, freq="ME"), columns=list(columns)
    )


def shops(lengths=(60, 50, 55)):
    parts = {name: sales(n, seed=n) for name, n in zip("xyz", lengths, strict=True)}
    return pd.concat(parts, names=["shop", "month"])


def containers():
    frame = sales()
    holes = frame.copy()
    holes.iloc[[3, 4, 30, 46], 0] = np.nan
    named = frame.rename_axis(columns="product")
    return {
        "series": frame["a"],
        "unnamed": frame["a"].rename(None),
        "frame": frame,
        "named columns": named,
        "1-D": frame["a"].to_numpy(),
        "2-D": frame.to_numpy(),
        "list": frame["a"].tolist(),
        "periods": frame.set_axis(frame.index.to_period("M")),
        "time zone": frame.set_axis(frame.index.tz_localize("Europe/Berlin")),
        "counted": frame.reset_index(drop=True),
        "integers": frame["a"].set_axis(pd.RangeIndex(10, 10 + 3 * len(frame), 3)),
        "missing": holes,
        "panel": shops(),
        "panel of one column": shops()["a"],
        "panel in order of time": shops().sort_index(level="month", kind="stable"),
    }


def split(X, n=12):
    if isinstance(getattr(X, "index", None), pd.MultiIndex):
        tail = X.groupby(level=0).tail(n)
        return X.drop(tail.index), tail
    return X[:-n], X[-n:]


def assert_same(answer, expected, **tolerance):
    assert type(answer) is type(expected)
    tolerance = {"rtol": 1e-9, "atol": 1e-9} | tolerance
    if isinstance(expected, pd.DataFrame):
        assert_frame_equal(answer, expected, **tolerance)
    elif isinstance(expected, pd.Series):
        assert_series_equal(answer, expected, **tolerance)
    else:
        assert_allclose(answer, expected, **tolerance)


@pytest.mark.parametrize("kind", containers())
@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [MinMaxScaler(), "passthrough", RobustScaler()],
        [Pipeline([("inside", Pipeline([("a", StandardScaler())])), ("b", RobustScaler())])],
        [StandardScaler().set_output(transform="pandas"), FunctionTransformer()],
    ],
    ids=["scaler", "two", "nested", "pandas"],
)
def test_scaling_changes_nothing_of_what_repeats_the_past(kind, steps):
    X = containers()[kind]
    train, test = split(X)
    alone = SeasonalNaive(5, season_length=12).fit(train)
    pipeline = make_forecast_pipeline(*steps, clone(alone)).fit(train)
    for question in ([], [train], [test], [X]):
        assert_same(pipeline.predict(*question), alone.predict(*question))
    cutoffs = [13, 30, len(X) - 1, 20]
    assert_same(pipeline.predict_at(X, cutoffs), alone.predict_at(X, cutoffs))
    assert_same(pipeline.predict_at(X, 20, n_steps=2), alone.predict_at(X, 20, n_steps=2))
    assert_same(pipeline.rolling_predict(test), alone.rolling_predict(test))
    assert pipeline.score(test) == pytest.approx(alone.score(test), abs=1e-9)
    assert_same(pipeline.naive_error_, alone.naive_error_)
    assert (pipeline.horizon, pipeline.season_length_) == (5, 12)
    assert_same(pipeline.update(test).predict(), alone.update(test).predict())


def test_the_logarithm_and_differences_by_hand():
    X = sales()["a"]
    pipeline = make_forecast_pipeline(LOG, Differencer(1, 12), Naive(3)).fit(X)
    log = np.log(X.to_numpy())
    change = (log[-1] - log[-13]) - (log[-2] - log[-14])
    season = log[-1] - log[-13] + change * np.arange(1, 4)
    assert_allclose(pipeline.predict(), np.exp(log[-12:-9] + season))
    assert pipeline.predict().index[0] == pd.Timestamp("2025-01-31")


def test_the_last_difference_repeated_is_a_line_through_the_last_two_values():
    X = sales()
    pipeline = make_forecast_pipeline(Differencer(), Naive(3)).fit(X[:40])
    assert_allclose(
        pipeline.predict(), X.iloc[[39]].to_numpy() + np.outer([1, 2, 3], X.diff().iloc[39])
    )
    at = pipeline.predict_at(X, [20, 45, 44, 59])
    for cutoff in (20, 45, 44, 59):
        expected = X.iloc[[cutoff]].to_numpy() + np.outer([1, 2, 3], X.diff().iloc[cutoff])
        assert_allclose(at.loc[X.index[cutoff]], expected)


def test_mean_of_differences_is_drift():
    class MeanOfChanges(Naive):
        def _forecast(self, panel, series, cutoffs, n_steps):
            means = [np.nanmean(values, axis=0) for values in panel.iter_series()]
            return np.repeat(np.stack(means)[series][:, None], n_steps, axis=1)

    X = shops()
    pipeline = make_forecast_pipeline(Differencer(), MeanOfChanges(6)).fit(X)
    assert_same(pipeline.predict(), Drift(6).fit(X).predict())


def test_seasonal_adjustment_by_hand():
    X = shops()
    adjusted = Deseasonalizer().fit(X)
    last = Naive(14).fit(adjusted.transform(X)).predict()
    pipeline = make_forecast_pipeline(Deseasonalizer(), Naive(14)).fit(X)
    assert_same(pipeline.predict(), adjusted.inverse_transform(last))


@pytest.mark.parametrize("steps", [[Deseasonalizer()], [LOG, Deseasonalizer()]], ids=str)
def test_trend_and_season_are_forecast(steps):
    t = np.arange(72)
    signal = 100 + t + 8 * np.sin(2 * np.pi * t / 12)
    X = pd.Series(signal, pd.period_range("2020-01", periods=72, freq="M"))
    pipeline = make_forecast_pipeline(*steps, Drift(12)).fit(X[:60])
    assert_allclose(pipeline.predict(), X[60:], rtol=0.03)
    assert pipeline.score(X[60:]) > 0.8


@pytest.mark.parametrize("kind", ["frame", "time zone", "periods", "counted", "missing", "panel"])
@pytest.mark.parametrize(
    "steps",
    [
        [Differencer(1, 12)],
        [StandardScaler(), Differencer(2), MinMaxScaler()],
        [LOG, Deseasonalizer(12), Differencer()],
        [Pipeline([("log", LOG), ("differences", Differencer(1, 12))]), StandardScaler()],
    ],
    ids=["differences", "inside", "adjusted", "nested"],
)
def test_every_way_to_ask_gives_the_same_forecast(kind, steps):
    X = containers()[kind]
    if kind == "missing":
        steps = [clone(step).set_params(**_no_inverse_check(step)) for step in steps]
    train, test = split(X, 10)
    pipeline = make_forecast_pipeline(*steps, Naive(4)).fit(train)
    forecast = pipeline.predict()
    assert not forecast.isna().any(axis=None)
    assert_same(pipeline.predict(train), forecast, check_freq=False)
    if kind != "panel":
        at = pipeline.predict_at(X, [len(train) - 1])
        assert_same(at.droplevel(0).rename_axis(None), forecast, check_freq=False)
    after = pipeline.predict(test)
    assert_same(pipeline.predict(pd.concat([train, test]).sort_index()), after, check_freq=False)
    truth, rolled = pipeline.rolling_predict(test)
    assert len(truth) == len(test)
    first = forecast.loc[["x"]] if kind == "panel" else forecast
    assert_allclose(rolled[:4], first)
    assert_same(pipeline.update(test).predict(), after, check_freq=False)


@pytest.mark.parametrize("kind", ["series", "frame", "periods", "panel", "missing"])
@pytest.mark.parametrize("overlap", [0, 1, 7])
def test_rows_that_overlap_the_end_continue_the_history(kind, overlap):
    X = containers()[kind]
    train, test = split(X, 10)
    asked = split(X, 10 + overlap)[1]
    alone = SeasonalNaive(5, season_length=12).fit(train)
    scaled = make_forecast_pipeline(StandardScaler(), clone(alone)).fit(train)
    expected = alone.predict(pd.concat([train, test]))
    assert_same(alone.predict(asked), expected, check_freq=False)
    assert_same(scaled.predict(asked), expected, check_freq=False)
    changes = make_forecast_pipeline(LOG, Differencer(), Naive(4))
    if kind == "missing":
        changes = make_forecast_pipeline(Differencer(), Naive(4))
    changes.fit(train)
    whole = changes.predict(pd.concat([train, test]))
    assert_same(changes.predict(asked), whole, check_freq=False)


def test_the_horizon_set_after_fit_waits_for_the_next():
    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), Naive(4)).fit(X[:40])
    before = pipeline.score(X[40:])
    pipeline.set_params(naive__horizon=7)
    assert pipeline.score(X[40:]) == before
    assert len(pipeline.predict()) == 4


def _no_inverse_check(step):
    """scikit-learn's own check of functions calls missing values different from themselves."""
    return {key: False for key in step.get_params() if key.endswith("check_inverse")}


def test_update_does_not_refit_and_goes_on_from_the_new_rows():
    X = shops()
    train, test = split(X)
    pipeline = make_forecast_pipeline(StandardScaler(), Differencer(), Naive(2)).fit(train)
    mean = pipeline[0].mean_.copy()
    pipeline.update(test.loc[["y", "x"]])
    assert_array_equal(pipeline[0].mean_, mean)
    last = X.groupby(level=0).tail(1).droplevel(1)
    step = X.groupby(level=0).diff().groupby(level=0).tail(1).droplevel(1)
    now = pipeline.predict().groupby(level=0).head(1).droplevel(1)
    assert_frame_equal(now.loc[["x", "y"]], (last + step).loc[["x", "y"]])
    old = make_forecast_pipeline(Differencer(), Naive(2)).fit(train).predict()
    assert_frame_equal(pipeline.predict().loc[["z"]], old.loc[["z"]])


@pytest.mark.parametrize("kind", ["frame", "panel", "2-D"])
@pytest.mark.parametrize(
    "step", [StandardScaler(), Differencer(1, 12), Deseasonalizer(12), PowerTransformer()], ids=str
)
def test_nothing_after_a_cutoff_is_read(kind, step):
    X = containers()[kind]
    train, _ = split(X, 20)
    pipeline = make_forecast_pipeline(step, SeasonalNaive(3, season_length=12)).fit(train)
    cutoff = len(X) - 8
    changed = X.copy()
    (changed if kind == "2-D" else changed.iloc)[cutoff + 1 :] += 1000
    assert_same(pipeline.predict_at(changed, [cutoff]), pipeline.predict_at(X, [cutoff]))


def test_transformers_are_fitted_on_the_training_rows_only():
    X = sales()
    splits = TimeSeriesSplit(3, test_size=12)
    steps = [("scale", StandardScaler()), ("naive", SeasonalNaive(3))]
    fitted = cross_validate(ForecastPipeline(steps), X, cv=splits, return_estimator=True)
    for pipeline, (train, _) in zip(fitted["estimator"], splits.split(X), strict=True):
        assert_allclose(pipeline["scale"].mean_, X.iloc[train].mean())


def test_grid_search_reaches_into_steps_and_swaps_them():
    X = sales(72)
    search = GridSearchCV(
        make_forecast_pipeline(StandardScaler(), Differencer(0), Naive(6)),
        {"standardscaler": ["passthrough", MinMaxScaler()], "differencer__season_length": [1, 12]},
        cv=TimeSeriesSplit(3, test_size=6),
        error_score="raise",
    ).fit(X)
    assert search.best_params_["differencer__season_length"] == 12
    scores = search.cv_results_["mean_test_score"]
    assert_allclose(scores[::2], scores[1::2])
    assert len(search.best_estimator_.predict()) == 6
    assert len(cross_val_score(search.best_estimator_, X["a"], cv=TimeSeriesSplit(2))) == 2


def test_clone_pickle_set_params_and_slices():
    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), Differencer(), SeasonalNaive(2)).fit(X)
    expected = pipeline.predict()
    assert_same(pickle.loads(pickle.dumps(pipeline)).predict(), expected)
    assert isinstance(pipeline[0], StandardScaler)
    assert pipeline[:1].transform(X).shape == X.shape
    assert list(pipeline.feature_names_in_) == ["a", "b"]
    with pytest.raises(NotFittedError):
        clone(pipeline).predict()
    changed = clone(pipeline).set_params(seasonalnaive__horizon=4, standardscaler=None)
    assert_same(changed.fit(X).predict()[:2], expected)
    assert "ForecastPipeline" in repr(pipeline)
    assert pipeline._repr_html_()


def test_in_parallel_processes():
    X = sales()
    pipelines = [make_forecast_pipeline(step, Naive(2)) for step in (LOG, Differencer())]
    fitted = joblib.Parallel(2)(joblib.delayed(p.fit)(X) for p in pipelines)
    assert_same([p.predict() for p in fitted][0], pipelines[0].fit(X).predict())


def test_memory_verbose_and_parameters_of_fit(tmp_path, capsys):
    X = sales()
    steps = [("scale", StandardScaler()), ("change", Differencer()), ("naive", Naive(2))]
    expected = ForecastPipeline(steps).fit(X).predict()
    for _ in range(2):
        cached = ForecastPipeline(clone_steps(steps), memory=str(tmp_path), verbose=True).fit(X)
        assert_same(cached.predict(), expected)
        assert isinstance(cached["scale"], StandardScaler)
    assert "Processing naive" in capsys.readouterr().out
    weights = np.r_[np.zeros(30), np.ones(30)]
    weighted = ForecastPipeline(clone_steps(steps)).fit(X, scale__sample_weight=weights)
    assert_allclose(weighted["scale"].mean_, X[30:].mean())


def clone_steps(steps):
    return [(name, clone(step)) for name, step in steps]


def test_forecasts_hold_the_targets_in_the_order_they_were_named():
    X = sales(columns=["a", "b", "c"])
    naive = Naive(2, target=["c", "a"], past_covariates="b")
    pipeline = make_forecast_pipeline(StandardScaler(), Differencer(), naive).fit(X[:50])
    expected = make_forecast_pipeline(Differencer(), Naive(2)).fit(X[:50][["c", "a"]])
    assert_same(pipeline.predict(), expected.predict())
    assert_same(pipeline.predict_at(X, [30, 55]), expected.predict_at(X[["c", "a"]], [30, 55]))
    assert pipeline.score(X[50:]) == pytest.approx(expected.score(X[50:][["c", "a"]]))


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), QuantileTransformer(n_quantiles=20), PowerTransformer()], ids=str
)
def test_targets_are_turned_back_without_the_covariates(scaler):
    X = sales(columns=["a", "b", "c"])
    pipeline = make_forecast_pipeline(scaler, Naive(2, target="b", past_covariates=["a", "c"]))
    assert_allclose(pipeline.fit(X).predict()["b"], X["b"].iloc[-1])


def test_covariates_known_in_the_future_follow_the_history():
    X = sales(columns=["a", "b"])
    promo = X.assign(b=np.arange(60.0) % 4)
    future = promo[50:53].assign(a=np.nan)
    pipeline = make_forecast_pipeline(Differencer(columns="a"), LastPlusCovariate(2, target="a"))
    pipeline.fit(promo[:50])
    change = X["a"].diff().iloc[49] + promo["b"][50:53].to_numpy()
    # LastPlusCovariate adds the covariate to the last change.
    expected = X["a"].iloc[49] + change.cumsum()
    assert_allclose(pipeline.predict(future)["a"], expected)
    whole = pd.concat([promo[:50], future])
    assert_allclose(pipeline.predict(whole)["a"], expected)
    with pytest.raises(ValueError, match=r"covariates \['b'\] must be known"):
        pipeline.predict()
    assert np.isfinite(pipeline.score(promo[50:]))


def test_covariates_may_be_anything_that_a_step_makes_numbers_of():
    X = sales()[["a"]].assign(weekday=list("mtwtfs") * 10)
    encode = ColumnTransformer(
        [("day", OneHotEncoder(sparse_output=False), ["weekday"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    calendar = FunctionTransformer(lambda frame: frame.assign(month=frame.index.month))
    pipeline = make_forecast_pipeline(calendar, encode, SeasonalNaive(3, target="a")).fit(X[:50])
    alone = SeasonalNaive(3).fit(X[:50][["a"]])
    assert_same(pipeline.predict(), alone.predict())
    assert_same(pipeline.predict(X[50:]), alone.predict(X[50:][["a"]]))
    assert pipeline.score(X[50:]) == pytest.approx(alone.score(X[50:][["a"]]))
    assert_same(pipeline.update(X[50:]).predict(), alone.update(X[50:][["a"]]).predict())


def test_columns_that_a_step_adds_are_no_forecasts():
    X = sales()
    add = FunctionTransformer(lambda frame: frame.assign(sum=frame.sum(axis=1)))
    pipeline = make_forecast_pipeline(add, StandardScaler(), Naive(2)).fit(X)
    assert_same(pipeline.predict(), Naive(2).fit(X).predict())


def test_components_are_forecast_and_turned_back():
    X = sales(columns=["a", "b", "c"])
    pipeline = make_forecast_pipeline(StandardScaler(), PCA(3), Naive(2)).fit(X)
    assert_same(pipeline.predict(), Naive(2).fit(X).predict())
    one = make_forecast_pipeline(PCA(1), Naive(2)).fit(X)
    assert_allclose(one.predict()[:1], one[0].inverse_transform(one[0].transform(X[-1:])))


def test_imputed_targets_keep_their_units():
    X = sales()
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.2)
    imputer = SimpleImputer().set_output(transform="pandas")
    pipeline = make_forecast_pipeline(imputer, Naive(2)).fit(holes)
    assert_same(pipeline.predict(), Naive(2).fit(imputer.fit_transform(holes)).predict())


@pytest.mark.parametrize("kind", ["series", "frame", "panel", "1-D"])
def test_missing_values_go_through(kind):
    X = containers()[kind]
    holes = np.array(X) if kind == "1-D" else X.copy()
    (holes if kind == "1-D" else holes.iloc)[[5, 6, 40, 41]] = np.nan
    if kind != "1-D":
        holes.iloc[-2:] = np.nan
    alone = SeasonalNaive(3, season_length=12).fit(holes)
    for step in (StandardScaler(), MinMaxScaler()):
        pipeline = make_forecast_pipeline(step, clone(alone)).fit(holes)
        assert_same(pipeline.predict(), alone.predict())
    differences = make_forecast_pipeline(Differencer(), Naive(3)).fit(holes)
    answer = differences.predict()
    assert not np.isnan(np.asarray(answer)).any()
    if kind != "1-D":
        assert answer.index.equals(alone.predict().index)


def test_windows_are_a_step_that_keeps_units():
    X = sales()
    window = SlidingWindow(12, 3, target="a", past_covariates="b")
    steps = [("scale", StandardScaler()), ("window", window), ("last", OnPanels(3))]
    pipeline = ForecastPipeline(steps).fit(X[:50])
    assert_allclose(pipeline.predict(), np.repeat(X["a"].iloc[[49]], 3).to_numpy()[:, None])
    assert_allclose(pipeline.predict(X[50:])["a"], X["a"].iloc[59])
    at = pipeline.predict_at(X, [30, 55])["a"].unstack("cutoff")
    assert_allclose(at.to_numpy()[[0, -1], [0, 1]], X["a"].iloc[[30, 55]])
    assert np.isfinite(pipeline.score(X[50:]))


class OnPanels(Naive):
    """Naive on the panel of windows, as the recurrent forecasters read them."""

    def _check_features(self, X, *, reset):
        pass

    def _parse(self, X, y, **known):
        return X.panel


def test_a_forecaster_that_knows_no_more_than_fit_and_predict():
    class Last(BaseEstimator):
        horizon = 2

        def fit(self, X, y=None):
            self.last_ = X.iloc[[-1]]
            return self

        def predict(self, X=None):
            last = self.last_ if X is None else X.iloc[[-1]]
            times = pd.date_range(last.index[0], periods=3, freq="ME")[1:]
            return pd.concat([last, last]).set_axis(times)

    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), Last()).fit(X[:50])
    assert_same(pipeline.predict(), Naive(2).fit(X[:50]).predict())
    assert_same(pipeline.predict(X[50:]), Naive(2).fit(X).predict())
    for method in ("predict_at", "rolling_predict", "score", "update"):
        assert not hasattr(pipeline, method)


class OnlyForward(TransformerMixin, BaseEstimator):
    def __init__(self, add=1):
        self.add = add

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X) + self.add


@pytest.mark.parametrize(
    "step",
    [
        OnlyForward(),
        FunctionTransformer(np.log),
        ColumnTransformer([("scale", StandardScaler(), ["a"])], remainder="passthrough"),
    ],
    ids=["own", "function", "columns"],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_step_without_a_way_back_is_an_error_in_fit(step, nested):
    inside = Pipeline([("inside", step)]) if nested else step
    name = "'odd__inside'" if nested else "'odd'"
    pipeline = ForecastPipeline([("odd", inside), ("naive", Naive(2))])
    message = rf"step {name} \({type(step).__name__}\) changes the target 'a'.*inverse_transform"
    with pytest.raises(ValueError, match=message):
        pipeline.fit(sales())
    assert pipeline.steps[0][1] is inside or nested


def test_a_step_may_say_that_it_keeps_the_units():
    class Clipped(OnlyForward):
        changes_units = False

        def transform(self, X):
            return np.clip(X, 0, 100)

    X = sales()
    pipeline = make_forecast_pipeline(Clipped(), Naive(2)).fit(X)
    assert_allclose(pipeline.predict(), np.repeat(np.clip(X[-1:], 0, 100), 2, axis=0))


def test_messages_of_the_pipeline():
    X = sales()
    pipeline = make_forecast_pipeline(StandardScaler(), Naive(2)).fit(X[:40])
    with pytest.raises(ValueError, match=r"steps=\[\] is empty"):
        ForecastPipeline([]).fit(X)
    with pytest.raises(TypeError, match="All intermediate steps should be transformers"):
        make_forecast_pipeline(Naive(), Naive()).fit(X)
    with pytest.raises(ValueError, match=r"last step 'inner' is a Pipeline.*ForecastPipeline"):
        ForecastPipeline([("inner", make_pipeline(StandardScaler(), Naive()))]).fit(X)
    with pytest.raises(ValueError, match=r"missing \['b'\], unexpected \['z'\]"):
        pipeline.predict(X.rename(columns={"b": "z"}))
    with pytest.raises(ValueError, match=r"training data ended at 2023-04-30"):
        pipeline.score(X[45:])
    with pytest.raises(ValueError, match=r"no row of X follows the training data"):
        pipeline.score(X[:30])
    with pytest.raises(ValueError, match=r"X starts at 2022-07-31.*ended at 2023-04-30"):
        pipeline.update(X[30:])
    with pytest.raises(ValueError, match="y is given, but fit saw none"):
        pipeline.score(X[40:], X[40:])
    with pytest.raises(ValueError, match=r"'a' is infinity at 2020-03-31"):
        make_forecast_pipeline(Differencer(), Naive(2)).fit(X.replace(X.iloc[2, 0], np.inf))
    with pytest.raises(ValueError, match=r"3 rows are too few for step 'differencer'"):
        make_forecast_pipeline(Differencer(1, 12), Naive()).fit(X).predict(X[:3])
    array = make_forecast_pipeline(StandardScaler(), ArrayForecaster()).fit(X)
    with pytest.raises(TypeError, match=r"answers a frame with ndarray"):
        array.predict()


class ArrayForecaster(BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X=None):
        return np.zeros(3)


def test_a_forecast_out_of_the_range_of_an_inverse():
    line = pd.Series(np.arange(30.0, 0, -1), name="a")
    root = FunctionTransformer(np.square, lambda x: np.sqrt(np.where(x < 0, np.nan, x)))
    pipeline = make_forecast_pipeline(root, Drift(40)).fit(line)
    with pytest.raises(ValueError, match=r"inverse of step 'functiontransformer' gives NaN.*'a'"):
        pipeline.predict()


def test_a_step_that_mixes_targets_with_covariates():
    X = sales()
    mix = FunctionTransformer(
        lambda f: pd.DataFrame({"a": f["a"] - f["b"], "b": f["b"]}),
        lambda f: pd.DataFrame({"a": f["a"] + f["b"], "b": f["b"]}),
    )
    both = make_forecast_pipeline(mix, Naive(2)).fit(X)
    assert_same(both.predict(), Naive(2).fit(X).predict())
    with pytest.raises(ValueError, match=r"mixes the target with columns that are not forecast"):
        make_forecast_pipeline(mix, Naive(2, target="a")).fit(X).predict()


def test_a_failed_fit_leaves_the_steps_as_they_were():
    scaler = StandardScaler()
    pipeline = ForecastPipeline([("scale", scaler), ("odd", OnlyForward()), ("naive", Naive())])
    with pytest.raises(ValueError, match="step 'odd'"):
        pipeline.fit(sales())
    assert pipeline.steps[0] == ("scale", scaler)
    assert isinstance(pipeline.steps[1][1], OnlyForward)


@pytest.mark.parametrize("inside", [False, True])
def test_a_failed_second_fit_leaves_the_first_one_whole(inside):
    scale = make_pipeline(StandardScaler()) if inside else StandardScaler()
    pipeline = ForecastPipeline([("scale", scale), ("arima", ARIMA(2, order=(1, 0, 0)))])
    before = pipeline.fit(sales()).predict()
    pipeline.set_params(arima__order=(1, 0, "a"))
    with pytest.raises(ValueError, match="order"):
        pipeline.fit(1000 * sales(seed=3))
    assert_frame_equal(pipeline.predict(), before)


@pytest.mark.parametrize("arrays", [False, True])
def test_with_y_only_covariates_are_transformed(arrays):
    X, y = sales(columns=["b"]), sales(seed=1)["a"]
    given = (lambda data: data.to_numpy()) if arrays else (lambda data: data)
    train, test = slice(0, 50), slice(50, 60)
    pipeline = make_forecast_pipeline(StandardScaler(), LastPlusCovariate(3))
    pipeline.fit(given(X[train]), given(y[train]))
    scaler = StandardScaler().set_output(transform="pandas").fit(X[train])
    scaled = scaler.transform(X)
    alone = LastPlusCovariate(3).fit(given(scaled[train]), given(y[train]))
    assert_same(pipeline.predict(given(X[test])), alone.predict(given(scaled[test])))
    assert pipeline.score(given(X[test]), given(y[test])) == pytest.approx(
        alone.score(given(scaled[test]), given(y[test]))
    )
    if not arrays:
        assert_same(
            pipeline.predict_at(X, [20, 40], y, n_steps=2),
            alone.predict_at(scaled, [20, 40], y, n_steps=2),
        )
        rolled, expected = (
            p.rolling_predict(s[test], y[test]) for p, s in ((pipeline, X), (alone, scaled))
        )
        assert_same(rolled, expected)
    pipeline.update(given(X[test][:5]), given(y[test][:5]))
    alone.update(given(scaled[test][:5]), given(y[test][:5]))
    assert_same(pipeline.predict(given(X[test][5:])), alone.predict(given(scaled[test][5:])))


@pytest.mark.parametrize("arrays", [False, True])
def test_with_y_covariates_are_differenced_against_the_rows_before(arrays):
    X, y = sales(columns=["b"]), sales(seed=1)["a"]
    change = X.diff().fillna(0)
    if arrays:
        X, y, change = X.to_numpy(), y.to_numpy(), change.to_numpy()
    filled = FunctionTransformer(lambda x: np.nan_to_num(x))
    pipeline = make_forecast_pipeline(Differencer(), filled, LastPlusCovariate(3))
    pipeline.fit(X[:50], y[:50])
    alone = LastPlusCovariate(3).fit(change[:50], y[:50])
    assert_same(pipeline.predict(X[50:]), alone.predict(change[50:]))
    pipeline.update(X[50:55], y[50:55])
    alone.update(change[50:55], y[50:55])
    assert_same(pipeline.predict(X[55:]), alone.predict(change[55:]))
    if not arrays:
        with pytest.raises(ValueError, match="ended at"):
            pipeline.predict(X[57:])
    scores = cross_val_score(pipeline, X, y, cv=TimeSeriesSplit(2), error_score="raise")
    assert len(scores) == 2


def test_with_y_in_a_panel_of_mixed_rows():
    X = shops().sort_index(level="month", kind="stable")
    X, y = X[["b"]], X["a"]
    tail = X.groupby(level=0).tail(5).index
    head = X.index.difference(tail, sort=False)
    pipeline = make_forecast_pipeline(StandardScaler(), LastPlusCovariate(3))
    pipeline.fit(X.loc[head], y.loc[head])
    scaled = X.sub(X.loc[head].mean()).div(X.loc[head].std(ddof=0))
    alone = LastPlusCovariate(3).fit(scaled.loc[head], y.loc[head])
    assert_same(pipeline.predict(X.loc[tail]), alone.predict(scaled.loc[tail]))


@pytest.mark.parametrize("kind", ["series", "frame", "1-D", "panel"])
def test_a_pipeline_inside_as_forecaster(kind):
    X = containers()[kind]
    train, test = split(X)
    inner = make_forecast_pipeline(Differencer(), Naive(4))
    outer = ForecastPipeline([("log", LOG), ("model", inner)]).fit(train)
    flat = make_forecast_pipeline(LOG, Differencer(), Naive(4)).fit(train)
    assert_same(outer.predict(), flat.predict())
    assert_same(outer.predict(X), flat.predict(X))
    assert_same(outer.predict_at(X, [20, 50]), flat.predict_at(X, [20, 50]))
    assert outer.score(test) == pytest.approx(flat.score(test))
    assert outer.horizon == 4
    assert_same(outer.update(test).predict(), flat.update(test).predict())


@pytest.mark.parametrize("kind", ["series", "frame", "panel"])
def test_the_pipeline_of_scikit_learn_answers_in_transformed_units(kind):
    X = containers()[kind]
    train, test = split(X)
    if kind == "series":
        train, test = train.to_frame(), test.to_frame()
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, SeasonalNaive(12)).fit(train)
    scaled = pipeline[0].transform(test)
    answer = pipeline.predict(train)
    assert answer.index.equals(SeasonalNaive(12).fit(train).predict().index)
    assert_allclose(pipeline[0].inverse_transform(answer), SeasonalNaive(12).fit(train).predict())
    assert pipeline.score(test) == pipeline[-1].score(scaled)


def test_the_training_data_are_copied():
    X = sales()
    pipeline = make_forecast_pipeline(Differencer(), Naive(2)).fit(X)
    expected = pipeline.predict()
    X.iloc[:] = 0.0
    assert_same(pipeline.predict(), expected)


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(1, 1e4, width=32), min_size=14, max_size=40),
    scale=st.floats(1e-3, 1e3),
    order=st.integers(0, 2),
    season=st.sampled_from([None, 4]),
    model=st.sampled_from(["additive", "multiplicative"]),
)
def test_forecasts_grow_with_the_data(values, scale, order, season, model):
    X = pd.Series(values, pd.date_range("2024", periods=len(values), freq="D"))

    def forecast(data):
        steps = [LOG, Deseasonalizer(model="additive"), Differencer(order, season)]
        if model == "multiplicative":
            steps = [Deseasonalizer(model=model), StandardScaler(), Differencer(order, season)]
        return make_forecast_pipeline(*steps, Naive(5)).fit(data).predict()

    one, other = forecast(X), forecast(scale * X)
    size = np.abs(one).max()
    assert_allclose(other / scale, one, rtol=1e-6, atol=1e-6 * size)


def test_recurrent_networks_in_a_search_and_behind_explicit_windows():
    from tsrnn.forecasters import GRUForecaster

    X = sales()
    train, test = split(X)
    network = GRUForecaster(
        3, reference="season", units=2, context_length=12, max_epochs=1, random_state=0
    )
    steps = [("scale", StandardScaler()), ("rnn", network)]
    pipeline = ForecastPipeline(steps).fit(train)
    alone = clone(network).fit(train)
    assert_same(pipeline.predict(), alone.predict(), rtol=1e-4)
    windows = [steps[0], ("window", SlidingWindow(12, 3)), steps[1]]
    explicit = clone(ForecastPipeline(windows)).fit(train)
    assert_same(explicit.predict(), pipeline.predict())
    assert explicit.score(test) == pytest.approx(pipeline.score(test))
    grid = {"rnn__units": [2, 3]}
    search = GridSearchCV(ForecastPipeline(steps), grid, cv=TimeSeriesSplit(2, test_size=6)).fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_metadata_routing():
    X = sales()
    weights = np.r_[np.zeros(30), np.ones(30)]
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        pipeline = make_forecast_pipeline(scaler, Naive(2)).fit(X, sample_weight=weights)
    assert_allclose(pipeline[0].mean_, X[30:].mean())
