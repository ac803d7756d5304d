"""Quantiles, intervals and sample paths of forecasters with a distribution."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import tsrnn
from tsrnn import ConformalForecaster, GRUForecaster, LSTMForecaster, RNNForecaster
from tsrnn.distributions import DISTRIBUTIONS
from tsrnn.metrics import interval_coverage

TINY = {"units": 4, "max_epochs": 2, "random_state": 0, "context_length": 8, "reference": "last"}


def noise_with_covariate(draw, n=1500):
    """Independent draws whose distribution depends on a covariate of two values."""
    random = np.random.default_rng(3)
    x = random.integers(0, 2, n + 1)
    y = np.array([draw(random, value) for value in x], dtype=float)
    return pd.DataFrame({"y": y, "x": x.astype(float)}, pd.date_range("2020", periods=n + 1))


def quantiles_by_covariate(distribution, draw, levels, **params):
    """Mean predicted quantiles at each value of the covariate, (2, n_levels)."""
    data = noise_with_covariate(draw)
    own = {"units": 8, "max_epochs": 12, "context_length": 2, "batch_size": 32, "reference": None}
    forecaster = GRUForecaster(
        1, target="y", distribution=distribution, random_state=0, **(own | params)
    ).fit(data[:-1])
    cutoffs = np.arange(1000, 1400)
    predicted = forecaster.predict_quantiles_at(data, cutoffs, quantiles=levels)
    x = data["x"].to_numpy()[cutoffs + 1]
    return np.array([predicted.to_numpy()[x == value].mean(axis=0) for value in (0, 1)])


class TestTrueQuantiles:
    """Quantiles of known distributions are found, where the data change their spread."""

    levels = [0.05, 0.25, 0.5, 0.75, 0.95]

    @pytest.mark.parametrize("distribution", ["gaussian", "quantiles"])
    def test_heteroscedastic(self, distribution):
        scales = (1.0, 4.0)
        found = quantiles_by_covariate(
            distribution, lambda random, x: random.normal(0, scales[x]), self.levels, scale=None
        )
        for row, scale in zip(found, scales, strict=True):
            true = stats.norm(0, scale).ppf(self.levels)
            np.testing.assert_allclose(row, true, atol=0.3 * scale)

    def test_heavy_tails(self):
        found = quantiles_by_covariate(
            "student_t",
            lambda random, x: (1 + x) * random.standard_t(3),
            [0.05, 0.5, 0.95, 0.995],
            scale=None,
        )
        for row, scale in zip(found, (1.0, 2.0), strict=True):
            true = stats.t(3, 0, scale).ppf([0.05, 0.5, 0.95, 0.995])
            np.testing.assert_allclose(row[:3], true[:3], atol=0.35 * scale)
            gaussian = stats.norm(0, scale * np.sqrt(3)).ppf(0.995)  # of the same variance
            assert row[3] > 1.05 * gaussian

    @pytest.mark.parametrize("distribution", ["poisson", "negative_binomial"])
    def test_counts(self, distribution):
        means = (2.0, 9.0)
        families = {
            "poisson": stats.poisson,
            "negative_binomial": lambda mean: stats.nbinom(2, 2 / (2 + mean)),
        }
        family = families[distribution]
        found = quantiles_by_covariate(
            distribution,
            lambda random, x: family(means[x]).rvs(random_state=random),
            self.levels,
            scale=None,
        )
        for row, mean in zip(found, means, strict=True):
            true = family(mean).ppf(self.levels)
            np.testing.assert_allclose(row, true, atol=0.8 + 0.15 * mean)

    def test_log_normal(self):
        found = quantiles_by_covariate(
            "log_normal", lambda random, x: np.exp(random.normal(x, 0.5)), self.levels, scale=None
        )
        for row, mean in zip(found, (0.0, 1.0), strict=True):
            true = stats.lognorm(0.5, scale=np.exp(mean)).ppf(self.levels)
            np.testing.assert_allclose(row, true, rtol=0.2)


@pytest.fixture(scope="module")
def counts():
    """A panel of counts of three shops."""
    random = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [["a", "b", "c"], pd.date_range("2024", periods=60)], names=["shop", "day"]
    )
    return pd.DataFrame({"sold": random.poisson(3, 180), "spoilt": random.poisson(1, 180)}, index)


@pytest.fixture(scope="module", params=list(DISTRIBUTIONS))
def fitted(request, counts):
    data = counts + 1 if request.param == "log_normal" else counts
    return RNNForecaster("gru", 3, distribution=request.param, **TINY).fit(data), data


class TestContainers:
    def test_of_a_panel(self, fitted):
        forecaster, _ = fitted
        quantiles = forecaster.predict_quantiles(quantiles=[0.1, 0.9])
        point = forecaster.predict()
        assert quantiles.index.equals(point.index)
        assert quantiles.columns.tolist() == [
            ("sold", 0.1),
            ("sold", 0.9),
            ("spoilt", 0.1),
            ("spoilt", 0.9),
        ]
        assert np.isfinite(quantiles.to_numpy()).all()
        assert (quantiles["sold", 0.1] <= quantiles["sold", 0.9]).all()

    def test_interval_is_two_quantiles(self, fitted):
        forecaster, _ = fitted
        interval = forecaster.predict_interval(coverage=0.8)
        quantiles = forecaster.predict_quantiles(quantiles=[0.1, 0.9])
        assert interval.columns.tolist() == [
            (name, side) for name in ("sold", "spoilt") for side in ("lower", "upper")
        ]
        np.testing.assert_allclose(interval.to_numpy(), quantiles.to_numpy())

    def test_median_is_the_forecast_but_of_counts(self, fitted):
        forecaster, _ = fitted
        median = forecaster.predict_quantiles(quantiles=[0.5]).droplevel(1, axis=1)
        if forecaster.distribution not in ("poisson", "negative_binomial"):
            np.testing.assert_allclose(median, forecaster.predict(), rtol=1e-5)

    def test_cutoffs_are_those_of_predict_at(self, fitted):
        forecaster, data = fitted
        cutoffs = [30, 59, 119, 150]
        quantiles = forecaster.predict_quantiles_at(data, cutoffs, quantiles=[0.2, 0.8])
        assert quantiles.index.equals(forecaster.predict_at(data, cutoffs).index)
        last = forecaster.predict_quantiles(quantiles=[0.2, 0.8]).loc["a"]
        at_end = quantiles.loc["a"].xs(pd.Timestamp("2024-02-29"), level="cutoff")
        np.testing.assert_allclose(at_end, last, rtol=1e-5, atol=1e-5)
        fewer = forecaster.predict_quantiles_at(data, [59], quantiles=[0.2, 0.8], n_steps=2)
        np.testing.assert_allclose(fewer, at_end[:2], rtol=1e-5, atol=1e-5)

    def test_the_future_changes_nothing(self, fitted):
        forecaster, data = fitted
        changed = data.copy()
        changed.iloc[31:60] += 50
        was, now = (forecaster.predict_quantiles_at(d, [30]) for d in (data, changed))
        pd.testing.assert_frame_equal(was, now)

    def test_paths(self, fitted):
        forecaster, _ = fitted
        paths = forecaster.sample(n_samples=4, random_state=1)
        assert paths.columns.tolist() == [(n, i) for n in ("sold", "spoilt") for i in range(4)]
        assert np.isfinite(paths.to_numpy()).all()
        pd.testing.assert_frame_equal(paths, forecaster.sample(n_samples=4, random_state=1))
        assert not paths.equals(forecaster.sample(n_samples=4, random_state=2))
        if forecaster.distribution in ("poisson", "negative_binomial"):
            assert (paths == paths.round()).all(axis=None)
            assert (paths >= 0).all(axis=None)
        if forecaster.distribution == "log_normal":
            assert (paths > 0).all(axis=None)

    def test_saved_and_read_again(self, fitted, tmp_path):
        forecaster, _ = fitted
        forecaster.save(tmp_path / "one.tsrnn")
        again = tsrnn.load(tmp_path / "one.tsrnn")
        was, now = (one.sample(n_samples=3, random_state=0) for one in (forecaster, again))
        pd.testing.assert_frame_equal(was, now)


@pytest.fixture(scope="module")
def gaussian():
    """A Gaussian head on an autoregression, whose steps move together."""
    random = np.random.default_rng(0)
    values = np.zeros(1200)
    for t in range(1, 1200):
        values[t] = 0.9 * values[t - 1] + random.normal()
    forecaster = GRUForecaster(
        6, distribution="gaussian", context_length=6, scale=None, max_epochs=10, random_state=0
    )
    return forecaster.fit(values), values


class TestPaths:
    def test_steps_move_together_as_they_should(self, gaussian):
        forecaster, _ = gaussian
        paths = forecaster.sample(n_samples=4000, random_state=0)
        assert paths.shape == (6, 4000)
        found = np.corrcoef(paths)
        # Of an autoregression of 0.9, given its past.
        steps = np.arange(1, 7)
        covariance = np.array(
            [
                [sum(0.9 ** (i + j - 2 * k) for k in range(1, min(i, j) + 1)) for j in steps]
                for i in steps
            ]
        )
        deviation = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(found, covariance / np.outer(deviation, deviation), atol=0.1)
        np.testing.assert_allclose(paths.std(axis=1), deviation, rtol=0.2)

    def test_their_quantiles_are_those_forecast(self, gaussian):
        forecaster, _ = gaussian
        paths = forecaster.sample(n_samples=4000, random_state=0)
        quantiles = forecaster.predict_quantiles(quantiles=[0.1, 0.5, 0.9])
        np.testing.assert_allclose(
            np.quantile(paths, [0.1, 0.5, 0.9], axis=1).T, quantiles, atol=0.15
        )

    @settings(max_examples=20, deadline=None)
    @given(levels=st.lists(st.floats(0.001, 0.999), min_size=2, max_size=6, unique=True))
    def test_quantiles_never_cross(self, gaussian, levels):
        forecaster, _ = gaussian
        quantiles = forecaster.predict_quantiles(quantiles=sorted(levels))
        assert (np.diff(quantiles, axis=1) >= 0).all()

    @settings(max_examples=20, deadline=None)
    @given(coverages=st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)))
    def test_the_greater_coverage_holds_the_smaller(self, gaussian, coverages):
        forecaster, _ = gaussian
        small, great = (forecaster.predict_interval(coverage=c) for c in sorted(coverages))
        assert (great[:, 0] <= small[:, 0] + 1e-9).all()
        assert (great[:, 1] >= small[:, 1] - 1e-9).all()

    def test_coverage_on_new_data(self, gaussian):
        forecaster, _ = gaussian
        random = np.random.default_rng(9)
        new = np.zeros(800)
        for t in range(1, 800):
            new[t] = 0.9 * new[t - 1] + random.normal()
        cutoffs = np.arange(20, 790, 6)
        found = forecaster.predict_quantiles_at(new, cutoffs, quantiles=[0.1, 0.9]).to_numpy()
        truth = np.concatenate([new[c + 1 : c + 7] for c in cutoffs])
        assert interval_coverage(truth, found[:, 0], found[:, 1]) == pytest.approx(0.8, abs=0.07)


class TestArchitectures:
    @pytest.mark.parametrize(
        ("architecture", "distribution"),
        [
            ("seq2seq", "negative_binomial"),
            ("encoder_decoder", "quantiles"),
            ("vec2seq", "negative_binomial"),
        ],
    )
    def test_each_forecasts_a_distribution(self, counts, architecture, distribution):
        forecaster = LSTMForecaster(
            3,
            architecture=architecture,
            distribution=distribution,
            target="sold",
            past_covariates="spoilt" if architecture != "vec2seq" else None,
            **TINY,
        )
        data = counts if architecture != "vec2seq" else counts[["sold"]]
        quantiles = forecaster.fit(data).predict_quantiles()
        assert quantiles.shape == (9, 3)
        assert (np.diff(quantiles, axis=1) >= 0).all()

    def test_decoder_that_reads_its_output(self, counts):
        forecaster = LSTMForecaster(
            3,
            architecture="encoder_decoder",
            decoder="autoregressive",
            distribution="gaussian",
            **TINY,
        )
        assert forecaster.fit(counts).predict_quantiles().shape == (9, 6)

    @pytest.mark.parametrize("distribution", ["quantiles", "poisson"])
    def test_seasons_are_mixed(self, counts, distribution):
        forecaster = LSTMForecaster(
            3,
            distribution=distribution,
            season_length=7,
            **(TINY | {"reference": "seasons", "context_length": 21}),
        ).fit(counts)
        assert forecaster.spec_.n_seasons == 4
        assert (
            np.diff(forecaster.predict_quantiles(quantiles=[0.1, 0.9])["sold"], axis=1) >= 0
        ).all()

    def test_rows_of_covariates(self, counts):
        days = counts.index.get_level_values("day")
        X, y = counts[["spoilt"]], counts["sold"]
        past, ahead = days < "2024-02-20", (days >= "2024-02-20") & (days < "2024-02-23")
        forecaster = LSTMForecaster(3, distribution="poisson", **TINY).fit(X[past], y[past])
        rows = X[ahead]
        by_day = rows.iloc[np.argsort(days[ahead], kind="stable")]
        quantiles = forecaster.predict_quantiles(by_day)
        assert quantiles.index.equals(by_day.index)
        in_order = forecaster.predict_quantiles(rows)
        pd.testing.assert_frame_equal(quantiles.loc[rows.index], in_order)

    def test_ready_made_windows(self):
        random = np.random.default_rng(0)
        X, y = random.normal(size=(40, 8, 1)), random.normal(size=(40, 3))
        forecaster = LSTMForecaster(3, distribution="gaussian", **TINY).fit(X, y)
        assert forecaster.predict_quantiles(X[:5]).shape == (5, 3, 3)

    def test_members_are_combined(self, counts):
        one = counts.loc["a", "sold"]
        both = LSTMForecaster(2, distribution="gaussian", n_members=2, **TINY).fit(one)
        alone = []
        for weights in both.weights_:
            single = LSTMForecaster(2, distribution="gaussian", **TINY).fit(one)
            single.weights_ = [weights]
            alone.append(single.predict_quantiles().to_numpy())
        np.testing.assert_allclose(both.predict_quantiles(), np.mean(alone, axis=0), rtol=1e-5)


class TestScales:
    def test_a_change_of_units_changes_the_units(self):
        wave = np.sin(np.arange(80.0)) + np.random.default_rng(0).normal(0, 0.1, 80)
        for distribution in ("student_t", "quantiles"):
            forecaster = GRUForecaster(2, distribution=distribution, **TINY)
            was, now = (
                forecaster.fit(data).predict_quantiles() for data in (wave, 1000 * wave + 5000)
            )
            np.testing.assert_allclose(now, 1000 * was + 5000, rtol=1e-4)

    def test_a_constant_series_has_no_width(self):
        forecaster = GRUForecaster(2, distribution="gaussian", **TINY).fit(np.full(40, 7.0))
        np.testing.assert_allclose(forecaster.predict_quantiles(), 7.0)

    def test_no_sales_at_all(self):
        forecaster = GRUForecaster(2, distribution="poisson", **TINY | {"max_epochs": 60})
        quantiles = forecaster.fit(np.zeros(60)).predict_quantiles()
        np.testing.assert_array_equal(quantiles, 0.0)


class TestHardData:
    def test_counts_of_a_target_that_starts_late(self):
        """Windows that saw nothing of it are not learned from, and spoil nothing."""
        random = np.random.default_rng(0)
        data = pd.DataFrame(random.poisson(1000, (200, 2)).astype(float), columns=["a", "b"])
        data.iloc[:80, 1] = np.nan
        with pytest.warns(UserWarning, match="missing"):
            forecaster = GRUForecaster(2, distribution="poisson", **TINY).fit(data)
        assert forecaster.losses_["loss"].max() < 100

    def test_flat_series_tell_nothing_of_how_steps_move_together(self):
        random = np.random.default_rng(0)
        index = pd.MultiIndex.from_product([range(8), range(60)], names=["series", "t"])
        noise = pd.DataFrame({"y": random.normal(size=480)}, index)
        mixed = noise.copy()
        mixed.loc[4:] = 5.0
        found = [
            GRUForecaster(3, distribution="quantiles", **TINY).fit(data).dependence_
            for data in (noise.loc[:3], mixed)
        ]
        np.testing.assert_allclose(found[0], found[1], atol=0.15)

    @pytest.mark.parametrize("distribution", ["poisson", "negative_binomial"])
    def test_large_counts(self, distribution):
        counts = np.random.default_rng(0).poisson(1e8, 60).astype(float) * 1000
        forecaster = GRUForecaster(2, distribution=distribution, **TINY).fit(counts)
        quantiles = forecaster.predict_quantiles()
        assert np.isfinite(quantiles).all()
        np.testing.assert_allclose(quantiles[:, 1], 1e11, rtol=0.5)

    def test_new_rows_that_cannot_be_are_refused_before_they_are_kept(self):
        forecaster = GRUForecaster(2, distribution="log_normal", **TINY)
        forecaster.fit(np.exp(np.sin(np.arange(40.0))))
        was = forecaster.predict()
        with pytest.raises(ValueError, match="above 0"):
            forecaster.update([0.0])
        np.testing.assert_array_equal(forecaster.predict(), was)

    def test_answers_follow_what_was_fitted(self, gaussian):
        forecaster, _ = gaussian
        was = forecaster.predict_quantiles()
        forecaster.set_params(distribution="log_normal")
        np.testing.assert_array_equal(forecaster.predict_quantiles(), was)
        forecaster.set_params(distribution="gaussian")
        plain = GRUForecaster(2, **TINY).fit(np.sin(np.arange(40.0)))
        assert not hasattr(plain.set_params(distribution="gaussian"), "sample")

    def test_a_level_alone(self, gaussian):
        forecaster, values = gaussian
        one = forecaster.predict_quantiles_at(values, [500], quantiles=[0.5])
        pd.testing.assert_frame_equal(
            forecaster.predict_quantiles_at(values, [500], quantiles=0.5), one
        )


class TestErrors:
    def test_methods_are_there_with_a_distribution_only(self):
        assert not hasattr(LSTMForecaster(), "predict_quantiles")
        assert hasattr(LSTMForecaster(distribution="gaussian"), "sample")
        with pytest.raises(AttributeError, match="predict_interval") as caught:
            LSTMForecaster().predict_interval()
        assert "ConformalForecaster" in str(caught.value.__cause__)

    def test_values_that_cannot_be(self, counts):
        for distribution, value, word in [
            ("poisson", 2.5, "counts"),
            ("negative_binomial", -1.0, "counts"),
            ("log_normal", 0.0, "above 0"),
        ]:
            data = counts.astype(float) + 1
            data.iloc[65, 0] = value
            message = rf"series 'b': target 'sold' is {value:g} at 2024-01-06.*{word}"
            with pytest.raises(ValueError, match=message):
                LSTMForecaster(2, distribution=distribution, **TINY).fit(data)

    def test_beyond_the_horizon(self, fitted):
        forecaster, data = fitted
        with pytest.raises(ValueError, match="fit with horizon=5"):
            forecaster.predict_quantiles_at(data, [59], n_steps=5)

    @pytest.mark.parametrize("quantiles", [[0.9, 0.1], [0.0, 0.5], []])
    def test_levels(self, gaussian, quantiles):
        with pytest.raises(ValueError, match="quantiles"):
            gaussian[0].predict_quantiles(quantiles=quantiles)

    def test_parameters_that_do_not_go_together(self):
        with pytest.raises(ValueError, match="distribution='normal' must be one of"):
            LSTMForecaster(distribution="normal").fit(np.arange(40.0))
        with pytest.raises(ValueError, match="leave loss='mae'"):
            LSTMForecaster(distribution="gaussian", loss="mse").fit(np.arange(40.0))
        with pytest.raises(ValueError, match="your own network forecasts one number"):
            LSTMForecaster(distribution="gaussian", network=lambda spec: None).fit(np.arange(40.0))


def test_conformal_takes_a_forecaster_with_a_distribution(gaussian):
    _, values = gaussian
    forecaster = GRUForecaster(2, distribution="gaussian", **TINY)
    conformal = ConformalForecaster(forecaster, 0.5, n_splits=4).fit(values[:200])
    assert conformal.predict_interval().shape == (2, 2)


def test_inspection_reads_what_the_network_reads():
    """Targets as logarithms, the median of the quantiles, alarms that can be measured."""
    random = np.random.default_rng(0)
    months = pd.date_range("2015", periods=90, freq="MS")
    wave = np.exp(np.sin(np.arange(90) * np.pi / 6) + random.normal(0, 0.1, 90))
    sales = pd.Series(wave, months)
    for distribution in ("log_normal", "quantiles"):
        forecaster = GRUForecaster(2, distribution=distribution, **TINY).fit(sales[:70])
        report = tsrnn.check(forecaster, sales)
        assert "saturated gates" in report.table.index
        assert "over-fitting" not in report.table.index
        gradients = tsrnn.gradient_by_lag(forecaster, sales[:70])
        assert np.isfinite(gradients.to_numpy()).all()
        cutoffs = np.arange(40, 88)
        points = forecaster.predict_at(sales, cutoffs).to_numpy().reshape(-1, 2)
        truth = sales.to_numpy()[cutoffs[:, None] + [1, 2]]
        importance = tsrnn.permutation_importance(forecaster, sales)
        assert importance.error == pytest.approx(np.abs(points - truth).mean(), rel=0.3)
