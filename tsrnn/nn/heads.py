"""Heads: what a network makes of its last layer, to forecast a distribution, and its loss.

`tsrnn.distributions` knows the quantiles of the same parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops
from scipy.special import ndtri

from tsrnn.distributions import COUNTS, LEVELS
from tsrnn.nn.spec import NetworkSpec

# Smallest deviation, in parts of the window's; of a smaller one the likelihood has no end.
_LEAST_DEVIATION = 1e-3
# Deviation of an untrained network, in the same parts.
_FIRST_DEVIATION = 0.5
# Fewest degrees of freedom: with no more the variance is infinite.
_LEAST_FREEDOM = 2.0
# The mean of counts bends away from a straight line this near to 0, in parts of the scale.
_BEND = 0.2
_LEAST_MEAN = 1e-4
_LEAST_DISPERSION = 1e-3


def distribution_parameters(
    spec: NetworkSpec, location: Any, others: Any, inputs: dict[str, Any]
) -> Any:
    """Make parameters in their range of numbers of any size.

    Parameters
    ----------
    spec : NetworkSpec
    location : tensor of shape (..., horizon, n_targets, 1)
        Around the reference, in units of the scale.
    others : tensor of shape (..., horizon, n_targets, n_parameters - 1)
    inputs : dict of tensors
        Counts read ``reference``, in units of the scale, and ``scale``, both of shape
        (..., horizon, n_targets).

    Returns
    -------
    parameters : tensor of shape (..., horizon, n_targets, n_parameters)
        As `tsrnn.distributions` has them; of counts in the units of the data.
    """
    if spec.distribution in COUNTS:
        location = _mean_count(location, inputs)
    return _HEADS[spec.distribution](location, others)


def _mean_count(location: Any, inputs: dict[str, Any]) -> Any:
    """Mean above 0, which is reference + scale * location where that is."""
    level = inputs["reference"][..., None] + location
    return inputs["scale"][..., None] * _BEND * ops.softplus(level / _BEND) + _LEAST_MEAN


def _positive(x: Any, at_zero: float) -> Any:
    """Softplus that is `at_zero` at 0."""
    return ops.softplus(x + float(np.log(np.expm1(at_zero))))


def _gaussian(location: Any, others: Any) -> Any:
    deviation = _positive(others, _FIRST_DEVIATION) + _LEAST_DEVIATION
    return ops.concatenate([location, deviation], axis=-1)


def _student_t(location: Any, others: Any) -> Any:
    scale = _positive(others[..., :1], _FIRST_DEVIATION) + _LEAST_DEVIATION
    freedom = _positive(others[..., 1:], 4.0) + _LEAST_FREEDOM
    return ops.concatenate([location, scale, freedom], axis=-1)


def _quantiles(location: Any, others: Any) -> Any:
    """Go up and down from the median by steps above 0: quantiles never cross."""
    middle = len(LEVELS) // 2
    gaps = np.diff(ndtri(LEVELS)) * _FIRST_DEVIATION
    steps = ops.softplus(others + np.log(np.expm1(gaps)).astype(np.float32))
    down, up = ops.flip(steps[..., :middle], axis=-1), steps[..., middle:]
    lower = ops.flip(location - ops.cumsum(down, axis=-1), axis=-1)
    return ops.concatenate([lower, location, location + ops.cumsum(up, axis=-1)], axis=-1)


def _poisson(location: Any, others: Any) -> Any:
    return location


def _negative_binomial(location: Any, others: Any) -> Any:
    dispersion = _positive(others, _FIRST_DEVIATION) + _LEAST_DISPERSION
    return ops.concatenate([location, dispersion], axis=-1)


_HEADS: dict[str | None, Callable[[Any, Any], Any]] = {
    "quantiles": _quantiles,
    "gaussian": _gaussian,
    "student_t": _student_t,
    "log_normal": _gaussian,
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
}


def loss_of_distribution(spec: NetworkSpec) -> Callable[[Any, Any], Any]:
    """Make the loss of a distribution, for Keras: of (y_true, y_pred), averaged over targets.

    Mean pinball loss of the quantiles, twice, so that that of the median is the absolute error;
    else the negative logarithm of the likelihood.
    """
    each = _LOSSES[spec.distribution]

    def loss(y_true: Any, y_pred: Any) -> Any:
        shape = tf.concat([tf.shape(y_pred)[:-1], [spec.n_targets, spec.n_parameters]], axis=0)
        parameters = tf.reshape(y_pred, shape)
        return tf.reduce_mean(each(y_true, parameters), axis=-1)

    return loss


def _pinball(value: Any, quantiles: Any) -> Any:
    levels = tf.constant(LEVELS, tf.float32)
    error = value[..., None] - quantiles
    return 2 * tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-1)


def _gaussian_loss(value: Any, parameters: Any) -> Any:
    mean, deviation = tf.unstack(parameters, axis=-1)
    score = (value - mean) / deviation
    return 0.5 * (score**2 + np.log(2 * np.pi)) + tf.math.log(deviation)


def _student_t_loss(value: Any, parameters: Any) -> Any:
    location, scale, freedom = tf.unstack(parameters, axis=-1)
    score = (value - location) / scale
    whole = tf.math.lgamma((freedom + 1) / 2) - tf.math.lgamma(freedom / 2)
    tail = (freedom + 1) / 2 * tf.math.log1p(score**2 / freedom)
    return tail + tf.math.log(scale) + 0.5 * tf.math.log(np.pi * freedom) - whole


def _poisson_loss(value: Any, parameters: Any) -> Any:
    value, mean = _exact(value), _exact(parameters[..., 0])
    loss = mean - value * tf.math.log(mean) + tf.math.lgamma(value + 1)
    return tf.cast(loss, tf.float32)


def _negative_binomial_loss(value: Any, parameters: Any) -> Any:
    value, (mean, dispersion) = _exact(value), tf.unstack(_exact(parameters), axis=-1)
    successes = 1 / dispersion
    ways = tf.math.lgamma(value + successes) - tf.math.lgamma(successes)
    ways -= tf.math.lgamma(value + 1)
    loss = successes * tf.math.log1p(dispersion * mean) - ways
    return tf.cast(loss + value * tf.math.log1p(1 / (dispersion * mean)), tf.float32)


def _exact(values: Any) -> Any:
    """Numbers in float64: likelihoods of large counts are small differences of large numbers."""
    return tf.cast(values, tf.float64)


_LOSSES: dict[str | None, Callable[[Any, Any], Any]] = {
    "quantiles": _pinball,
    "gaussian": _gaussian_loss,
    "student_t": _student_t_loss,
    "log_normal": _gaussian_loss,
    "poisson": _poisson_loss,
    "negative_binomial": _negative_binomial_loss,
}
