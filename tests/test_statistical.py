"""Baselines by statsmodels: equal to direct calls, causal, robust, plain scikit-learn."""

import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from statsmodels.tsa.api import VAR as DirectVAR
from statsmodels.tsa.api import AutoReg as DirectAutoReg
from statsmodels.tsa.api import STLForecast
from statsmodels.tsa.api import UnobservedComponents as DirectComponents
from statsmodels.tsa.arima.model import ARIMA as DirectARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel
from statsmodels.tsa.holtwinters import SimpleExpSmoothing
from statsmodels.tsa.stattools import kpss

from tsrnn.baselines import (
    ARIMA,
    ETS,
    VAR,
    AutoReg,
    Naive,
    StatsmodelsForecaster,
    STLForecaster,
    Theta,
    UnobservedComponents,
)
from tsrnn.datasets import load_airline
from tsrnn.statistical.arima_search import (
    Orders,
    Search,
    difference,
    kpss_statistic,
    n_differences,
    n_seasonal_differences,
)
from tsrnn.statistical.fitting import quiet
from tsrnn.statistical.history import interpolate

NAN = np.nan
FIXED_ETS = {"error": "add", "trend": "add", "damped_trend": False, "seasonal": "add"}
FIXED_ARIMA = {"order": (1, 1, 1), "seasonal_order": (0, 1, 1), "trend": "n"}


def local_level(endog, exog=None):
    return DirectComponents(endog, "local level", exog=exog)


def smoothing(endog, exog=None):
    return SimpleExpSmoothing(endog, initialization_method="estimated")


def autoregression(endog, exog=None):
    return DirectAutoReg(endog, 2, exog=exog)


# Quick ones, with everything fixed.
UNIVARIATE = [
    ETS(**FIXED_ETS),
    ETS(error="mul", trend="add", damped_trend=True, seasonal="mul"),
    Theta(),
    ARIMA(**FIXED_ARIMA),
    ARIMA(order=(1, 0, 1), seasonal_order=None, trend="ct"),
    AutoReg(lags=[1, 2, 12], trend="ct", seasonal=True),
    STLForecaster(),
    STLForecaster(forecaster=AutoReg(lags=2, seasonal=False)),
    UnobservedComponents(level="local level", seasonal="trigonometric"),
    StatsmodelsForecaster(local_level, fit_options={"disp": False}),
    StatsmodelsForecaster(autoregression),
]
EVERY = [*UNIVARIATE, VAR(lags=2, trend="ct")]


def name_of(value):
    return type(value).__name__ if hasattr(value, "get_params") else None


def wide(series):
    """Two targets where the forecaster needs them."""
    return pd.DataFrame(
        {"a": series, "b": series.shift(3).bfill() + np.sin(np.arange(len(series)))}
    )


def fitting(forecaster, series):
    """Return data that suits the forecaster: joint ones get two targets."""
    return wide(series) if isinstance(forecaster, VAR) else series


def numbers(forecast):
    return np.asarray(forecast, dtype=float).ravel()


def assert_same(ours, direct, tolerance=1e-8):
    assert numbers(ours) == pytest.approx(numbers(direct), rel=tolerance, abs=tolerance)


@pytest.fixture(scope="module")
def airline():
    return load_airline()


@pytest.fixture(scope="module")
def covariates(monthly):
    """Sales that depend on two covariates, and 6 rows more of these."""
    x = np.random.default_rng(3).normal(size=(102, 2)).cumsum(axis=0)
    index = pd.date_range("2015-01", periods=102, freq="MS")
    frame = pd.DataFrame({"sales": NAN, "price": x[:, 0], "rain": x[:, 1]}, index)
    frame.loc[monthly.index, "sales"] = monthly + x[:96] @ [2, -1]
    return frame


class TestEqualToDirectCalls:
    @pytest.mark.parametrize(
        "components",
        [
            ("add", None, False, None),
            ("add", "add", True, "add"),
            ("mul", "add", False, "mul"),
            ("mul", "mul", True, "mul"),
            ("add", None, False, "mul"),
        ],
    )
    def test_ets(self, airline, components):
        names = dict(zip(FIXED_ETS, components, strict=True))
        m = 12 if names["seasonal"] else None
        with quiet():
            direct = ETSModel(airline.to_numpy(), **names, seasonal_periods=m).fit(disp=False)
        ets = ETS(30, **names).fit(airline)
        assert_same(ets.predict(), direct.forecast(30))
        assert_same(ets.predict_at(airline, [70])[airline.name], direct.predict(71, 100, dynamic=0))
        assert ets.results().aicc == pytest.approx(direct.aicc)

    @pytest.mark.parametrize("order", [(2, 1, 1), (0, 0, 0)])
    @pytest.mark.parametrize(("seasonal_order", "trend"), [((0, 1, 1), "n"), (None, "t")])
    def test_arima(self, airline, order, seasonal_order, trend):
        y, seasonal = np.log(airline.to_numpy()), (*(seasonal_order or (0, 0, 0)), 12)
        with quiet():
            direct = DirectARIMA(y, order=order, seasonal_order=seasonal, trend=trend).fit()
            earlier = direct.apply(y[:90]).forecast(15)
        arima = ARIMA(15, order=order, seasonal_order=seasonal_order, trend=trend)
        arima.fit(np.log(airline))
        assert_same(arima.predict(), direct.forecast(15))
        assert_same(arima.predict_at(np.log(airline), [20, 89]).iloc[15:], earlier)
        assert_same(arima.results().params, direct.params)

    @pytest.mark.parametrize("method", ["auto", "add"])
    @pytest.mark.parametrize("theta", [1, 2, 4])
    def test_theta(self, airline, method, theta):
        direct = ThetaModel(airline.to_numpy(), period=12, method=method).fit()
        forecaster = Theta(30, theta=theta, method=method).fit(airline)
        assert_same(forecaster.predict(), direct.forecast(30, theta=theta))

    def test_theta_without_season(self, airline):
        direct = ThetaModel(airline.to_numpy(), deseasonalize=False).fit().forecast(5)
        assert_same(Theta(5, season_length=1).fit(airline).predict(), direct)

    @pytest.mark.parametrize("lags", [0, 3, [1, 12]])
    @pytest.mark.parametrize("trend", ["n", "c", "t", "ct"])
    @pytest.mark.parametrize("seasonal", [True, False])
    def test_autoreg(self, airline, lags, trend, seasonal):
        if lags == 0 and trend == "n" and not seasonal:
            return  # no model at all
        direct = DirectAutoReg(airline.to_numpy(), lags, trend, seasonal=seasonal, period=12).fit()
        ours = AutoReg(20, lags=lags, trend=trend, seasonal=seasonal).fit(airline)
        assert_same(ours.predict(), direct.forecast(20))

    @pytest.mark.parametrize("trend", ["n", "c", "ct"])
    def test_var(self, trend):
        y = np.random.default_rng(0).normal(size=(90, 3)).cumsum(axis=0)
        direct = DirectVAR(y).fit(3, trend=trend)
        ours = VAR(7, lags=3, trend=trend).fit(y)
        assert_same(ours.predict(), direct.forecast(y[-3:], 7))
        assert ours.results().k_ar == 3
        if trend != "ct":  # statsmodels counts the line on from the end of its own data
            earlier = ours.predict_at(y, [50, 60]).iloc[7:]
            assert_same(earlier, direct.forecast(y[58:61], 7))

    @pytest.mark.parametrize("kind", ["dummy", "trigonometric", None])
    def test_unobserved_components(self, monthly, kind):
        season = {"dummy": {"seasonal": 12}, None: {}}.get(
            kind, {"freq_seasonal": [{"period": 12, "harmonics": 6}]}
        )
        with quiet():
            direct = DirectComponents(monthly.to_numpy(), "smooth trend", **season)
            results = direct.fit(disp=False)
            earlier = results.apply(monthly.to_numpy()[:60]).forecast(9)
        ours = UnobservedComponents(9, level="smooth trend", seasonal=kind).fit(monthly)
        assert_same(ours.predict(), results.forecast(9))
        assert_same(ours.predict_at(monthly, [59]), earlier)

    def test_stl(self, airline):
        inner = ARIMA(order=(2, 1, 0), seasonal_order=None, trend="t")
        ours = STLForecaster(20, forecaster=inner, seasonal=11).fit(airline)
        options = {"order": (2, 1, 0), "trend": "t"}
        with quiet():
            direct = STLForecast(
                airline.to_numpy(), DirectARIMA, model_kwargs=options, period=12, seasonal=11
            )
            assert_same(ours.predict(), direct.fit().forecast(20))

    @pytest.mark.parametrize("factory", [local_level, smoothing, autoregression])
    def test_any_model(self, monthly, factory):
        options = {"disp": False} if factory is local_level else None
        ours = StatsmodelsForecaster(factory, 6, fit_options=options).fit(monthly)
        with quiet():
            direct = factory(monthly.to_numpy()).fit(**(options or {}))
        assert_same(ours.predict(), direct.forecast(6))
        if factory is smoothing:
            with pytest.raises(TypeError, match="has no apply.* fit again"):
                ours.predict_at(monthly, [50])
        else:
            earlier = direct.apply(monthly.to_numpy()[:51]).forecast(6)
            assert_same(ours.predict_at(monthly, [50]), earlier)


def direct_with_covariates(forecaster, y, x):
    if isinstance(forecaster, ARIMA):
        return DirectARIMA(y, exog=x, order=(1, 1, 1), seasonal_order=(0, 1, 1, 12)).fit()
    if isinstance(forecaster, AutoReg):
        return DirectAutoReg(y, 2, exog=x).fit()
    if isinstance(forecaster, UnobservedComponents):
        return DirectComponents(y, "local level", exog=x).fit(disp=False)
    return local_level(y, x).fit(disp=False)


USING_COVARIATES = [
    ARIMA(6, **FIXED_ARIMA, target="sales"),
    AutoReg(6, lags=2, seasonal=False, target="sales"),
    UnobservedComponents(6, level="local level", seasonal=None, target="sales"),
    StatsmodelsForecaster(local_level, 6, fit_options={"disp": False}, target="sales"),
]


@pytest.mark.parametrize("forecaster", USING_COVARIATES, ids=name_of)
class TestCovariates:
    def test_equal_to_direct_calls(self, covariates, forecaster):
        fitted = clone(forecaster).fit(covariates)
        y = covariates["sales"].to_numpy()[:96]
        x = np.ascontiguousarray(covariates[["price", "rain"]])
        with quiet():
            direct = direct_with_covariates(forecaster, y, x[:96])
            assert_same(fitted.predict(covariates), direct.forecast(6, exog=x[96:]))
            earlier = direct.apply(y[:80], exog=x[:80]).forecast(6, exog=x[80:86])
        assert_same(fitted.predict_at(covariates, [50, 79])[6:], earlier)

    def test_must_be_known(self, covariates, forecaster):
        fitted = clone(forecaster).fit(covariates)
        with pytest.raises(ValueError, match="price.*must be known over the horizon"):
            fitted.predict(covariates[:98])
        hole = covariates.copy()
        hole.iloc[97, 2] = NAN
        with pytest.raises(ValueError, match="'rain' is missing"):
            fitted.predict(hole)

    def test_past_ones_are_not_needed(self, covariates, forecaster):
        fitted = clone(forecaster).set_params(past_covariates=["price", "rain"])
        alone = clone(forecaster).fit(covariates[["sales"]][:96])
        assert_same(fitted.fit(covariates[:96]).predict(), alone.predict())

    def test_row_by_row(self, covariates, forecaster):
        x, y = covariates[["price", "rain"]], covariates["sales"]
        fitted = clone(forecaster).set_params(target=None).fit(x[:96], y[:96])
        expected = clone(forecaster).fit(covariates).predict(covariates)
        assert_same(fitted.predict(x[96:]), expected)

    def test_one_that_never_changed_is_left_out(self, covariates, forecaster):
        constant = covariates.assign(open=1.0)
        fitted = clone(forecaster).fit(constant)
        assert_same(fitted.predict(constant), clone(forecaster).fit(covariates).predict(covariates))


class TestAutomaticETS:
    @pytest.mark.parametrize("seed", range(2))
    def test_lowest_aicc_by_brute_force(self, seed, airline):
        noise = np.random.default_rng(seed).normal(0, 3, 60)
        y = airline.to_numpy()[:60] + noise if seed else airline.to_numpy()
        scores = {}
        for error in ("add", "mul"):
            for trend, damped in ((None, False), ("add", False), ("add", True)):
                for seasonal in (None, "add", "mul"):
                    if error == "add" and seasonal == "mul":
                        continue  # unstable
                    names = error, trend, damped, seasonal
                    m = 12 if seasonal else None
                    with quiet():
                        model = ETSModel(y, *names, seasonal_periods=m)
                        scores[names] = model.fit(disp=False).aicc
        chosen = ETS(season_length=12).fit(y).models_[None][0].options
        assert tuple(chosen[name] for name in FIXED_ETS) == min(scores, key=scores.get)
        assert chosen["aicc"] == pytest.approx(min(scores.values()))

    def test_values_below_zero_get_additive_components(self, monthly):
        chosen = ETS().fit(monthly - 60).models_[None][0].options
        assert "mul" not in chosen.values()

    def test_what_is_fixed_stays_fixed(self, monthly):
        for name, value in [("trend", None), ("seasonal", "mul"), ("damped_trend", True)]:
            chosen = ETS(**{name: value}).fit(monthly).models_[None][0].options
            assert chosen[name] == value

    def test_airline_beats_seasonal_naive(self, airline):
        assert ETS(12).fit(airline[:120]).score(airline[120:]) > 0.3

    def test_multiplicative_needs_positive_values(self, monthly):
        with pytest.raises(ValueError, match="seasonal='mul' needs positive .* lowest is -"):
            ETS(seasonal="mul").fit(monthly - 60)

    def test_new_history_begins_with_its_own_states(self, airline):
        fitted = ETS(12).fit(airline[:100])
        expected = numbers(ETS(12).fit(airline[:130]).predict())
        array = fitted.__class__(12, season_length=12).fit(airline.to_numpy()[:100])
        late = numbers(array.predict(airline.to_numpy()[50:130]))
        assert late == pytest.approx(expected, rel=0.1)
        inside = fitted.predict(airline[20:90])
        assert_same(array.predict(airline.to_numpy()[20:90]), inside)
        # With labels, rows that overlap the end of the training data continue it.
        assert_same(fitted.predict(airline[50:130]), fitted.predict(airline[:130]))


class TestAutomaticARIMA:
    def test_second_order_autoregression(self):
        y, noise = np.zeros(300), np.random.default_rng(1).normal(size=300)
        for t in range(2, 300):
            y[t] = 1.2 * y[t - 1] - 0.6 * y[t - 2] + noise[t]
        arima = ARIMA().fit(y + 10)
        assert arima.search_.loc[0, "order"][:2] == (2, 0)
        assert arima.search_.loc[0, "trend"] == "c"
        assert arima.search_.loc[0, "complete"]

    def test_airline_model(self, airline):
        found = ARIMA().fit(np.log(airline)).search_.iloc[0]
        assert found["order"] == (0, 1, 1)
        assert found["seasonal_order"] == (0, 1, 1, 12)
        assert 8 < found["n_models"] < 60

    def test_random_walk_with_drift(self):
        y = np.random.default_rng(2).normal(1, 0.5, 200).cumsum()
        found = ARIMA().fit(y).search_.iloc[0]
        assert (found["order"][1], found["trend"]) == (1, "t")

    def test_time_limit(self, airline):
        y = pd.concat([airline] * 4, ignore_index=True)
        arima = ARIMA(season_length=12, search_seconds=0.3)
        arima.fit(y[:20])  # imports
        began = time.perf_counter()
        found = arima.fit(y).search_.iloc[0]
        assert not found["complete"]
        assert found["seconds"] < 5  # the limit is 0.3; the rest is for a busy machine
        assert time.perf_counter() - began < 30
        assert np.isfinite(arima.predict()).all()

    def test_no_time_at_all(self, airline):
        found = ARIMA(search_seconds=0).fit(airline).search_.iloc[0]
        assert found["n_models"] == 1
        assert not found["complete"]

    def test_search_finds_what_trying_all_finds(self):
        y, noise = np.zeros(200), np.random.default_rng(8).normal(size=201)
        for t in range(1, 200):
            y[t] = 0.7 * y[t - 1] + noise[t] + 0.4 * noise[t - 1]
        with quiet():
            search = Search(y, np.empty((200, 0)), 1, {"P": 0, "Q": 0, "constant": False}, 60)
            best = search.run()
            every = {
                (p, q): DirectARIMA(y, order=(p, 0, q), trend="n").fit(cov_type="none").aicc
                for p in range(3)
                for q in range(3)
            }
        assert best == Orders(*min(every, key=every.get), 0, 0, False)
        assert search.tried[best] == pytest.approx(min(every.values()), abs=0.01)

    def test_fixed_parts_are_kept(self, airline):
        found = ARIMA(order=(1, 1, 0), trend="n").fit(np.log(airline)).search_.iloc[0]
        assert found["order"] == (1, 1, 0)
        assert found["trend"] == "n"
        found = ARIMA(seasonal_order=(1, 0, 0), trend="t").fit(np.log(airline)).search_.iloc[0]
        assert found["seasonal_order"] == (1, 0, 0, 12)

    def test_differences(self, airline, monthly):
        noise = np.random.default_rng(0).normal(size=300)
        walk = noise.cumsum()
        assert [n_differences(y) for y in (noise, walk, walk.cumsum())] == [0, 1, 2]
        assert n_seasonal_differences(monthly.to_numpy(), 12) == 1
        assert n_seasonal_differences(noise, 12) == 0
        assert (difference(airline.to_numpy(), 0, 1, 12) == airline.diff(12)[12:]).all()

    def test_kpss_statistic(self):
        for n in (30, 200):
            y = np.random.default_rng(n).normal(size=n).cumsum()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = kpss(y, regression="c", nlags=int(3 * np.sqrt(n) / 13))[0]
            assert kpss_statistic(y) == pytest.approx(expected)

    def test_long_season_is_left_alone(self):
        y = np.random.default_rng(0).normal(size=400)
        found = ARIMA(season_length=100).fit(y).search_.iloc[0]
        assert found["seasonal_order"] == (0, 0, 0, 0)


class TestOtherChoices:
    def test_lags_by_criterion(self):
        y, noise = np.zeros(300), np.random.default_rng(1).normal(size=300)
        for t in range(3, 300):
            y[t] = 0.5 * y[t - 1] + 0.4 * y[t - 3] + noise[t]
        assert AutoReg().fit(y).models_[None][0].options["lags"] == [1, 2, 3]

    def test_seasonal_dummies_by_criterion(self, monthly):
        options = AutoReg().fit(monthly).models_[None][0].options
        assert options["seasonal"]
        noise = pd.Series(np.random.default_rng(0).normal(size=96), monthly.index)
        assert not AutoReg().fit(noise).models_[None][0].options["seasonal"]

    def test_var_lags_by_criterion(self):
        y = np.random.default_rng(0).normal(size=(200, 2))
        for t in range(2, 200):
            y[t, 0] += 0.8 * y[t - 2, 1]
        assert VAR().fit(y).models_[None][0].options["lags"] == 2

    @pytest.mark.parametrize("data", ["walk", "trend", "airline"])
    def test_level_by_criterion(self, data, airline, monthly):
        noise = np.random.default_rng(0).normal(size=96)
        y = {"walk": noise.cumsum(), "trend": monthly.to_numpy(), "airline": airline.to_numpy()}[
            data
        ]
        chosen = UnobservedComponents(seasonal=None).fit(y).models_[None][0]
        scores = {}
        for level in ("local level", "random walk with drift", "local linear trend"):
            with quiet():
                model = DirectComponents(y, level)
                params = model.fit(disp=False).params
                likelihood = model.loglikeobs(params)[2:].sum()
            n, k = len(y) - 2, len(params)
            scores[level] = 2 * k - 2 * likelihood + 2 * k * (k + 1) / (n - k - 1)
        assert chosen.options["level"] == min(scores, key=scores.get)

    def test_constant_target_takes_no_part_in_var(self):
        y = np.random.default_rng(0).normal(size=(60, 3))
        y[:, 1] = 4
        forecast = VAR(3, lags=1).fit(y).predict()
        assert_same(forecast[:, [0, 2]], VAR(3, lags=1).fit(y[:, [0, 2]]).predict())
        assert (forecast[:, 1] == 4).all()

    def test_stl_leaves_the_rest_to_any_forecaster(self, monthly):
        season = 5 * np.sin(2 * np.pi * np.arange(108) / 12)
        y = pd.Series(20 + season[:96], monthly.index)
        forecast = STLForecaster(12, forecaster=Naive()).fit(y).predict()
        assert numbers(forecast) == pytest.approx(20 + season[96:], abs=0.01)
        nested = STLForecaster(12, forecaster=STLForecaster(forecaster=Naive()))
        assert numbers(nested.fit(y).predict()) == pytest.approx(20 + season[96:], abs=0.01)

    def test_grid_search_over_what_is_wrapped(self, monthly):
        stl = STLForecaster(6, forecaster=AutoReg(season_length=1))
        grid = GridSearchCV(stl, {"forecaster__lags": [1, 3]}, cv=TimeSeriesSplit(2, test_size=12))
        assert grid.fit(monthly).best_params_["forecaster__lags"] in (1, 3)


@pytest.mark.parametrize("forecaster", EVERY, ids=name_of)
class TestEveryForecaster:
    def test_no_bit_depends_on_what_follows_the_cutoff(self, forecaster, monthly):
        data = fitting(forecaster, monthly)
        fitted = clone(forecaster).set_params(horizon=4).fit(data)

        @settings(max_examples=8, deadline=None)
        @given(st.integers(30, 94), st.lists(st.floats(-1e6, 1e6) | st.just(NAN), min_size=3))
        def check(cutoff, values):
            cutoffs = [cutoff - 7, cutoff]
            before = fitted.predict_at(data, cutoffs).to_numpy()
            other = data.copy()
            behind = np.resize(values, other.iloc[cutoff + 1 :].shape)
            other.iloc[cutoff + 1 :] = behind
            other.iloc[cutoff - 4] = NAN  # seen by the second cutoff only
            after = fitted.predict_at(other, [cutoff - 7, cutoff, 95]).to_numpy()
            assert (before[:4] == after[:4]).all()
            assert np.isfinite(after).all()
            again = other.copy()
            again.iloc[cutoff + 1 :] = 7.0
            assert (fitted.predict_at(again, cutoffs).to_numpy()[4:] == after[4:8]).all()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitFailedWarning)
            check()

    def test_many_cutoffs_equal_one_by_one(self, forecaster, monthly):
        data = fitting(forecaster, monthly)
        fitted = clone(forecaster).set_params(horizon=3).fit(data[:80])
        together = fitted.predict_at(data, [40, 79, 60]).to_numpy()
        for i, cutoff in enumerate([40, 79, 60]):
            alone = fitted.predict_at(data[: cutoff + 1], [cutoff])
            assert_same(together[3 * i : 3 * i + 3], alone, 1e-9)
        assert_same(together[3:6], fitted.predict(), 1e-9)

    def test_history_moves_on_without_refit(self, forecaster, monthly):
        data = fitting(forecaster, monthly)
        fitted = clone(forecaster).set_params(horizon=3).fit(data[:80])
        params = [one.params for one in _models(fitted)]
        expected = fitted.predict_at(data, [95])
        assert_same(fitted.predict(data), expected)
        assert_same(fitted.predict(data[80:]), expected)
        assert_same(fitted.update(data[80:90]).update(data[90:]).predict(), expected)
        for before, one in zip(params, _models(fitted), strict=True):
            assert (before == one.params).all()

    def test_gaps(self, forecaster, monthly):
        holes = monthly.copy()
        holes.iloc[[0, 1, 20, 41, 42, 43, 70, 95]] = NAN
        data = fitting(forecaster, monthly)
        full = clone(forecaster).set_params(horizon=5).fit(data).predict()
        data = fitting(forecaster, holes).mask(holes.isna(), axis=0)
        fitted = clone(forecaster).set_params(horizon=6).fit(data)
        forecast = fitted.predict_at(data, [94, 95], n_steps=6).to_numpy()
        assert_same(forecast[1:6], forecast[6:11])  # the last row is missing
        assert forecast[7:12] == pytest.approx(np.reshape(full, forecast[7:12].shape), rel=0.15)

    @pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5, 9, 14, 23])
    def test_short_series(self, forecaster, monthly, n_rows):
        data = fitting(forecaster, monthly)[:n_rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitFailedWarning)
            forecast = numbers(clone(forecaster).set_params(horizon=13).fit(data).predict())
        assert np.isfinite(forecast).all()
        if n_rows < 4:
            assert_same(forecast, Naive(13).fit(data).predict())

    def test_constant_series(self, forecaster, monthly):
        data = fitting(forecaster, monthly) * 0 + 7
        forecast = clone(forecaster).set_params(horizon=3).fit(data).predict()
        assert numbers(forecast) == pytest.approx(7)

    @pytest.mark.parametrize("scale", [1e-9, 1e12])
    def test_extreme_scales(self, forecaster, monthly, scale):
        data = fitting(forecaster, monthly)
        forecast = clone(forecaster).set_params(horizon=12).fit(data).predict()
        scaled = clone(forecaster).set_params(horizon=12).fit(data * scale).predict()
        if type(forecaster) is StatsmodelsForecaster:  # hands values on as they are
            assert np.isfinite(scaled).all(axis=None)
        else:
            assert numbers(scaled) / scale == pytest.approx(numbers(forecast), rel=0.05)

    def test_plain_data(self, forecaster, monthly):
        data = fitting(forecaster, monthly)
        fitted = clone(forecaster).set_params(horizon=2).fit(data)
        assert_same(pickle.loads(pickle.dumps(fitted)).predict(), fitted.predict(), 0)
        if type(forecaster) is not StatsmodelsForecaster:
            assert len(pickle.dumps(fitted)) < 20_000
        copy = clone(fitted)
        assert not hasattr(copy, "history_")
        assert_same(copy.fit(data).predict(), fitted.predict(), 1e-12)

    def test_series_that_fit_has_not_seen(self, forecaster, monthly):
        data = fitting(forecaster, monthly)
        old = pd.concat({"old": data}, names=["series", "time"])
        new = pd.concat({"new": data[:60] * 2}, names=["series", "time"])
        forecast = clone(forecaster).set_params(horizon=3).fit(old).predict(new)
        expected = clone(forecaster).set_params(horizon=3).fit(data[:60] * 2).predict()
        assert_same(forecast, expected)


def _models(fitted):
    inner = fitted.forecaster_ if isinstance(fitted, STLForecaster) else fitted
    return [one for models in inner.models_.values() for one in models]


@pytest.mark.parametrize(
    "forecaster",
    [ETS(**FIXED_ETS), ARIMA(order=(1, 1, 0), seasonal_order=None), AutoReg(), STLForecaster()],
    ids=name_of,
)
class TestPanels:
    def test_series_are_fitted_on_their_own(self, forecaster, panel):
        data = panel[["sales"]]
        together = clone(forecaster).set_params(horizon=4).fit(data).predict()
        for shop in "abc":
            alone = clone(forecaster).set_params(horizon=4).fit(data.loc[shop]).predict()
            assert_same(together.loc[shop], alone, 1e-6)

    def test_two_workers_equal_one(self, forecaster, panel):
        data = panel[["sales"]]
        one = clone(forecaster).set_params(horizon=4, n_jobs=1).fit(data)
        two = clone(forecaster).set_params(horizon=4, n_jobs=2).fit(data)
        assert_same(one.predict(), two.predict(), 1e-12)
        rows = [50, 60, 150, 270]
        assert_same(one.predict_at(data, rows), two.predict_at(data, rows), 1e-12)

    def test_targets_are_fitted_on_their_own(self, forecaster, monthly):
        frame = pd.DataFrame({"a": monthly, "b": monthly.to_numpy()[::-1] * 3})
        both = clone(forecaster).set_params(horizon=3).fit(frame).predict()
        for name in frame:
            alone = clone(forecaster).set_params(horizon=3).fit(frame[name]).predict()
            assert_same(both[name], alone)


def test_results_name_series_and_target(panel, monthly):
    ets = ETS(**FIXED_ETS, target="sales").fit(panel)
    assert ets.results("b").nobs == len(panel.loc["b"])
    with pytest.raises(ValueError, match=r"series=None is not one of \['a', 'b', 'c'\]"):
        ets.results()
    both = AutoReg(lags=1).fit(pd.DataFrame({"a": monthly, "b": monthly**2}))
    assert both.results(target="b").params[1] == both.models_[None][1].params[1]
    with pytest.raises(ValueError, match="has no model: all values are the same"):
        ETS().fit([1.0] * 9).results()


def test_a_model_that_fails_is_reported():
    with pytest.warns(FitFailedWarning, match="AutoReg could not be fitted .*last value"):
        forecaster = AutoReg(2, lags=9).fit([1.0, 3.0, 2.0, 5.0, 4.0])
    assert list(forecaster.predict()) == [4, 4]


def test_a_history_that_does_not_suit_the_model_is_reported(monthly):
    fitted = ETS(2, error="mul").fit(monthly)
    below = monthly.copy()
    below.iloc[50] = -1
    with pytest.warns(FitFailedWarning, match="ETS has no finite forecast"):
        forecast = fitted.predict_at(below, [40, 60]).to_numpy()
    assert_same(forecast[:2], fitted.predict_at(monthly, [40]))
    assert (forecast[2:] == monthly.iloc[60]).all()


@pytest.mark.parametrize(
    ("forecaster", "message"),
    [
        (ETS(error="both"), "error='both' must be one of"),
        (ETS(trend=None, damped_trend=True), "damped_trend=True needs a trend"),
        (Theta(theta=0.5), "theta=0.5 must be a number >= 1"),
        (Theta(method="both"), "method='both' must be one of"),
        (ARIMA(order=(1, 1)), r"order=\(1, 1\) must be 'auto' or three"),
        (ARIMA(seasonal_order=(1, 0, 1, 12)), "season goes into season_length"),
        (ARIMA(order=(1, 1, 1), trend="c"), "trend='c' vanishes in 1 difference"),
        (ARIMA(search_seconds=-1), "search_seconds=-1 must be a number >= 0"),
        (AutoReg(lags=-1), "lags=-1 must be 'auto'"),
        (AutoReg(lags=[0, 1]), "lags=.* list of lags >= 1"),
        (AutoReg(trend="x"), "trend='x' must be one of"),
        (VAR(), "VAR needs two targets or more.*use AutoReg"),
        (VAR(lags=0), "lags=0 must be"),
        (STLForecaster(seasonal=4), "seasonal=4 must be an odd number"),
        (UnobservedComponents(level="hill"), "level='hill' is no level"),
        (UnobservedComponents(seasonal="x"), "seasonal='x' must be one of"),
        (ETS(season_length=0), "season_length=0 must be"),
        (ETS(0), "horizon=0 must be"),
    ],
)
def test_wrong_parameters(forecaster, message, monthly):
    with pytest.raises(ValueError, match=message):
        forecaster.fit(monthly)


@pytest.mark.parametrize(
    ("forecaster", "message"),
    [
        (STLForecaster(forecaster=3), "forecaster=3 is no forecaster"),
        (StatsmodelsForecaster("ets"), "factory='ets' must be a function"),
    ],
)
def test_wrong_types(forecaster, message, monthly):
    with pytest.raises(TypeError, match=message):
        forecaster.fit(monthly)


def test_gaps_keep_the_season():
    season = np.tile([0.0, 5.0, 1.0, -4.0], 6)
    y = np.arange(24.0) + season
    holes = y.copy()
    holes[[9, 10, 15]] = NAN
    assert interpolate(holes, 4) == pytest.approx(y)
    # What is filled depends on nothing behind the first value after the gap.
    assert interpolate(holes[:12], 4)[9:11] == pytest.approx(y[9:11])
    holes[5:14] = NAN
    assert interpolate(holes, 4)[5:14] == pytest.approx(np.linspace(y[4], y[14], 11)[1:-1])


class TestDecomposition:
    def test_covariates_reach_the_forecaster(self, covariates):
        inner = AutoReg(lags=1, seasonal=False)
        stl = STLForecaster(6, forecaster=inner, target="sales").fit(covariates)
        assert stl.forecaster_.models_[None][0].x_used.all()
        forecast = stl.predict(covariates)
        moved = covariates.copy()
        moved.iloc[96:, 1] += 5
        assert (numbers(stl.predict(moved)) > numbers(forecast) + 1).all()
        with pytest.raises(ValueError, match="must be known over the horizon"):
            stl.predict(covariates[:96])

    def test_row_by_row_with_one_name_for_target_and_covariate(self, monthly):
        x = pd.DataFrame(
            {"sales": np.arange(100.0)}, pd.date_range("2015-01", periods=100, freq="MS")
        )
        stl = STLForecaster(2, forecaster=AutoReg(lags=1)).fit(x[:96], monthly)
        assert stl.predict(x[96:]).shape == (4,)

    def test_panel_is_one_fit_of_the_forecaster(self, panel):
        stl = STLForecaster(5, forecaster=Theta(season_length=1), target="sales")
        together = stl.fit(panel).predict()
        assert list(stl.forecaster_.models_) == ["a", "b", "c"]
        for shop in "abc":
            assert_same(together.loc[shop], clone(stl).fit(panel.loc[shop]).predict())

    def test_two_rows_of_a_panel(self):
        index = pd.MultiIndex.from_product(
            [["a", "b"], pd.period_range("2020", periods=2, freq="M")]
        )
        forecast = STLForecaster(2).fit(pd.DataFrame({"y": [1.0, 2, 3, 4]}, index)).predict()
        assert list(forecast["y"]) == [2, 2, 4, 4]

    def test_season_of_the_inner_forecaster(self, monthly):
        stl = STLForecaster(forecaster=AutoReg()).fit(monthly)
        assert stl.forecaster_.season_length == 12
        assert STLForecaster().fit(monthly).forecaster_.season_length == 1
