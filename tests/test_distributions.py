"""Quantiles, probabilities and losses of the distributions that networks forecast."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tsrnn.dependence import dependence, dependent_levels
from tsrnn.distributions import (
    DISTRIBUTIONS,
    LEVELS,
    Outputs,
    normal_scores,
    quantile_forecasts,
)
from tsrnn.nn.spec import NetworkSpec

NAMES = list(DISTRIBUTIONS)

PARAMETERS = {
    "gaussian": [2.0, 0.5],
    "log_normal": [2.0, 0.5],
    "student_t": [2.0, 0.5, 3.0],
    "poisson": [3.5],
    "negative_binomial": [3.5, 0.8],
    "quantiles": stats.norm(2.0, 0.5).ppf(LEVELS),
}
# The same, as scipy has them.
SCIPY = {
    "gaussian": stats.norm(2.0, 0.5),
    "log_normal": stats.norm(2.0, 0.5),
    "student_t": stats.t(3.0, 2.0, 0.5),
    "poisson": stats.poisson(3.5),
    "negative_binomial": stats.nbinom(1 / 0.8, 1 / (1 + 0.8 * 3.5)),
    "quantiles": stats.norm(2.0, 0.5),
}


def spec_of(name, **changes):
    return NetworkSpec("gru", "seq2vec", 4, 2, 1, distribution=name, **changes)


def around_zero(values):
    """Outputs that are in the units of the data."""
    return Outputs(values, np.zeros((1, 1, 1)), np.ones((1, 1, 1)), 1.0)


@pytest.mark.parametrize("name", ["gaussian", "student_t", "quantiles"])
def test_a_share_moves_towards_the_reference_and_keeps_the_width(name):
    parameters = np.array(PARAMETERS[name]).reshape(1, 1, 1, -1)
    levels = np.array([0.1, 0.5, 0.9]).reshape(1, 1, 1, 3)
    reference, scale = np.full((1, 1, 1), 10.0), np.full((1, 1, 1), 3.0)
    whole, half = (
        quantile_forecasts(name, Outputs(parameters, reference, scale, share), levels)[0, 0, 0]
        for share in (1.0, 0.5)
    )
    assert whole[1] == pytest.approx(16.0)
    np.testing.assert_allclose(half, whole - 3.0)


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_and_probabilities_are_those_of_scipy(name):
    parameters = np.array(PARAMETERS[name])
    levels = np.array([0.001, 0.03, 0.25, 0.5, 0.77, 0.999])
    quantiles = DISTRIBUTIONS[name].quantile(parameters[None], levels)
    np.testing.assert_allclose(quantiles, SCIPY[name].ppf(levels), rtol=1e-10)
    values = np.array([0.0, 1.0, 2.0, 3.0, 7.0])
    of_each = np.broadcast_to(parameters, (5, len(parameters)))
    probabilities = DISTRIBUTIONS[name].probability(of_each, values)
    np.testing.assert_allclose(probabilities, SCIPY[name].cdf(values), rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_loss_is_that_of_scipy(name):
    from tsrnn.nn.heads import loss_of_distribution

    values = np.array([[[0.0], [2.0]], [[1.0], [5.0]]], np.float32)
    parameters = np.broadcast_to(PARAMETERS[name], (2, 2, len(PARAMETERS[name])))
    loss = loss_of_distribution(spec_of(name))(values, parameters.astype(np.float32)).numpy()
    if name == "quantiles":
        error = values - parameters
        levels = np.array(LEVELS)
        expected = 2 * np.where(error > 0, levels * error, (levels - 1) * error).mean(axis=-1)
    else:
        frozen = SCIPY[name]
        log = frozen.logpmf if name in ("poisson", "negative_binomial") else frozen.logpdf
        expected = -log(values[..., 0])
    np.testing.assert_allclose(loss, expected, rtol=2e-5)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([0.1, 3.0, 30.0]))
def test_parameters_of_any_output_give_ordered_quantiles(name, seed, size):
    from tsrnn.nn.heads import distribution_parameters

    spec = spec_of(name)
    raw = np.random.default_rng(seed).normal(0, size, (3, 2, 1, spec.n_parameters))
    raw = raw.astype(np.float32)
    inputs = {k: np.full((3, 2, 1), v, np.float32) for k, v in (("reference", 0.5), ("scale", 4.0))}
    parameters = np.array(distribution_parameters(spec, raw[..., :1], raw[..., 1:], inputs))
    levels = np.broadcast_to(np.linspace(0.001, 0.999, 41), (3, 2, 1, 41))
    outputs = parameters.reshape(1, 3, 2, -1).astype(np.float64)
    quantiles = quantile_forecasts(name, around_zero(outputs), levels)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_untrained_head_is_centred_on_its_reference(name):
    from tsrnn.nn.heads import distribution_parameters

    spec = spec_of(name)
    raw = np.zeros((1, 2, 1, spec.n_parameters), np.float32)
    inputs = {k: np.full((1, 2, 1), v, np.float32) for k, v in (("reference", 2.5), ("scale", 4.0))}
    parameters = np.array(distribution_parameters(spec, raw[..., :1], raw[..., 1:], inputs))
    centre = 10.0 if spec.counts else 0.0
    np.testing.assert_allclose(parameters[..., spec.location], centre, atol=1e-3)


def test_moving_parameters_moves_quantiles():
    levels = np.array([0.05, 0.5, 0.9])
    for name in ("gaussian", "student_t", "quantiles"):
        family, parameters = DISTRIBUTIONS[name], np.array(PARAMETERS[name])[None]
        moved = family.moved(parameters, np.array([10.0]), np.array([3.0]))
        expected = 10 + 3 * family.quantile(parameters, levels)
        np.testing.assert_allclose(family.quantile(moved, levels), expected)


def test_members_are_combined_by_their_mean_quantiles():
    outputs = np.array([[0.0, 1.0], [4.0, 3.0]]).reshape(2, 1, 1, 2)
    levels = np.array([0.1, 0.5, 0.9]).reshape(1, 1, 1, 3)
    combined = quantile_forecasts("gaussian", around_zero(outputs), levels)
    np.testing.assert_allclose(combined[0, 0, 0], stats.norm(2.0, 2.0).ppf([0.1, 0.5, 0.9]))


@pytest.mark.parametrize("name", NAMES)
def test_scores_of_draws_are_standard_normal(name):
    parameters = np.array(PARAMETERS[name])
    draws = SCIPY[name].rvs((4000, 1, 1), random_state=0).astype(np.float64)
    outputs = np.broadcast_to(parameters, (1, 4000, 1, len(parameters)))
    scores = normal_scores(name, around_zero(outputs), draws)
    assert abs(scores.mean()) < 0.06
    assert 0.85 < scores.std() < 1.05


class TestDependence:
    def test_recovers_the_correlation_of_an_autoregression(self):
        random = np.random.default_rng(0)
        true = 0.8 ** np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
        scores = random.multivariate_normal(np.zeros(5), true, 4000)[..., None]
        np.testing.assert_allclose(dependence(scores), true, atol=0.05)

    def test_levels_are_uniform_and_move_together(self):
        true = np.array([[1.0, 0.7], [0.7, 1.0]])
        levels = dependent_levels(true, (200, 100), np.random.default_rng(1)).reshape(-1, 2)
        assert stats.kstest(levels[:, 1], "uniform").pvalue > 0.01
        assert np.corrcoef(stats.norm.ppf(levels).T)[0, 1] == pytest.approx(0.7, abs=0.02)

    def test_one_step_or_window_has_none(self):
        np.testing.assert_array_equal(dependence(np.ones((9, 1, 1))), [[1.0]])
        np.testing.assert_array_equal(dependence(np.ones((1, 3, 1))), np.eye(3))

    def test_scores_that_are_not_finite_are_left_out(self):
        scores = np.random.default_rng(0).normal(size=(50, 3, 1))
        spoilt = np.concatenate([scores, [[[np.nan], [0.0], [0.0]]]])
        np.testing.assert_array_equal(dependence(spoilt), dependence(scores))
