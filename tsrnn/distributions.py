"""Distributions that a network can forecast: their parameters, quantiles and probabilities.

`tsrnn.nn.heads` holds what a network makes of its outputs, and its loss. Here arrays of parameters
have the shape (..., n_parameters), with the location first or, of quantiles, in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy  # which imports scipy.stats where it is used: that takes 0.3 s and 35 MB
from scipy.special import ndtr, ndtri

# Levels that the head "quantiles" writes; the median is in the middle.
LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
# Least width of a distribution: one around a series that does not move has none.
_TINY = 1e-300


class Distribution(Protocol):
    """What every distribution of `DISTRIBUTIONS` can do."""

    n_parameters: int
    location: int  # place of the location among the parameters

    def moved(self, parameters: np.ndarray, reference: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Parameters of ``reference + scale * variable``, these of the shape (...)."""

    def point(self, parameters: np.ndarray) -> np.ndarray:
        """Forecast in one number."""

    def quantile(self, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles at levels whose shape goes together with (...)."""

    def probability(self, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of no more than these values."""


class Gaussian:
    """Mean and standard deviation."""

    n_parameters, location = 2, 0

    def moved(self, parameters: np.ndarray, reference: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Move the mean, stretch the deviation."""
        mean = reference + scale * parameters[..., 0]
        return np.stack([mean, scale * parameters[..., 1]], axis=-1)

    def point(self, parameters: np.ndarray) -> np.ndarray:
        """Mean, which is the median."""
        return parameters[..., 0]

    def quantile(self, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles."""
        mean, deviation = np.moveaxis(parameters, -1, 0)
        return mean + deviation * ndtri(levels)

    def probability(self, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of no more than these values."""
        mean, deviation = np.moveaxis(parameters, -1, 0)
        return np.asarray(ndtr((values - mean) / np.maximum(deviation, _TINY)))


class StudentT:
    """Location, scale and degrees of freedom: tails heavier than a Gaussian's."""

    n_parameters, location = 3, 0

    def moved(self, parameters: np.ndarray, reference: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Move the location, stretch the scale."""
        location = reference + scale * parameters[..., 0]
        return np.stack([location, scale * parameters[..., 1], parameters[..., 2]], axis=-1)

    def point(self, parameters: np.ndarray) -> np.ndarray:
        """Location, which is mean and median."""
        return parameters[..., 0]

    def quantile(self, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles."""
        location, scale, freedom = np.moveaxis(parameters, -1, 0)
        return location + scale * scipy.stats.t.ppf(levels, freedom)

    def probability(self, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of no more than these values."""
        location, scale, freedom = np.moveaxis(parameters, -1, 0)
        return np.asarray(
            scipy.stats.t.cdf((values - location) / np.maximum(scale, _TINY), freedom)
        )


class Quantiles:
    """Quantiles at `LEVELS`, no shape assumed.

    In between and beyond them quantiles follow straight lines over the normal scores of their
    levels: between two of them a part of a Gaussian, beyond the last its tail.
    """

    n_parameters, location = len(LEVELS), len(LEVELS) // 2
    _scores = ndtri(LEVELS)

    def moved(self, parameters: np.ndarray, reference: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Move and stretch all of them."""
        return reference[..., None] + scale[..., None] * parameters

    def point(self, parameters: np.ndarray) -> np.ndarray:
        """Median."""
        return parameters[..., self.location]

    def quantile(self, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles on the lines."""
        score = ndtri(levels)
        shape = np.broadcast_shapes(parameters.shape[:-1], score.shape)
        left = np.searchsorted(self._scores[1:-1], np.broadcast_to(score, shape))
        low, high = _neighbours(np.broadcast_to(parameters, (*shape, self.n_parameters)), left)
        share = (score - self._scores[left]) / (self._scores[left + 1] - self._scores[left])
        return low + share * (high - low)

    def probability(self, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of no more than these values."""
        left = (values[..., None] > parameters[..., 1:-1]).sum(axis=-1)
        low, high = _neighbours(parameters, left)
        share = (values - low) / np.maximum(high - low, _TINY)
        score = self._scores[left] + share * (self._scores[left + 1] - self._scores[left])
        return np.asarray(ndtr(score))


def _neighbours(parameters: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parameters at a place and at the next one."""
    low = np.take_along_axis(parameters, left[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(parameters, left[..., None] + 1, axis=-1)[..., 0]
    return low, high


class _Counts:
    """Whole numbers from 0 on, whose mean is the point forecast: the median is often 0."""

    location = 0

    def moved(self, parameters: np.ndarray, reference: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Return them as they are: networks write them in the units of the data."""
        return parameters

    def point(self, parameters: np.ndarray) -> np.ndarray:
        """Mean."""
        return parameters[..., 0]


class Poisson(_Counts):
    """Mean, which is the variance too."""

    n_parameters = 1

    def quantile(self, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles, whole numbers."""
        mean = parameters[..., 0]
        # Of means so large that they and their deviation differ by rounding, scipy has none.
        gaussian = np.rint(mean + np.sqrt(mean) * ndtri(levels))
        return np.where(
            mean > 1e9, gaussian, scipy.stats.poisson.ppf(levels, np.minimum(mean, 1e9))
        )

    def probability(self, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of no more than these values."""
        return np.asarray(scipy.stats.poisson.cdf(values, parameters[..., 0]))


class NegativeBinomial(_Counts):
    """Mean and dispersion; the variance is ``mean + dispersion * mean ** 2``."""

    n_parameters = 2

    def quantile(self, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles, whole numbers."""
        return np.asarray(scipy.stats.nbinom.ppf(levels, *self._successes(parameters)))

    def probability(self, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of no more than these values."""
        return np.asarray(scipy.stats.nbinom.cdf(values, *self._successes(parameters)))

    def _successes(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Their number and probability, as scipy has it."""
        mean, dispersion = np.moveaxis(parameters, -1, 0)
        return 1 / dispersion, 1 / (1 + dispersion * mean)


DISTRIBUTIONS: dict[str, Distribution] = {
    "quantiles": Quantiles(),
    "gaussian": Gaussian(),
    "student_t": StudentT(),
    "log_normal": Gaussian(),  # of logarithms, which the network reads
    "poisson": Poisson(),
    "negative_binomial": NegativeBinomial(),
}
COUNTS = ("poisson", "negative_binomial")


@dataclass(frozen=True)
class Outputs:
    """What the members of a forecaster write for some windows, and how that becomes forecasts.

    Attributes
    ----------
    values : ndarray of shape (n_members, n_windows, horizon, n_outputs)
    reference, scale : ndarray
        As from `tsrnn.inputs.prediction_inputs`.
    share : float
        What forecasts keep of the distance from the reference (see `tsrnn.shrinkage`).
    """

    values: np.ndarray
    reference: np.ndarray
    scale: np.ndarray
    share: float

    def parameters(self, family: Distribution) -> np.ndarray:
        """Parameters in the units of the data, (n_members, n_windows, horizon, n_targets, n)."""
        values = self.values.reshape(*self.values.shape[:-1], -1, family.n_parameters)
        reference, scale = (
            np.broadcast_to(a, values.shape[:-1]) for a in (self.reference, self.scale)
        )
        left_out = (1 - self.share) * scale * values[..., family.location]
        return family.moved(values, reference - left_out, scale)


def point_forecasts(distribution: str | None, outputs: Outputs) -> np.ndarray:
    """Forecast in one number of the outputs of several members.

    Parameters
    ----------
    distribution : str or None
        None where outputs are forecasts; then their median counts.
    outputs : Outputs

    Returns
    -------
    forecasts : ndarray of shape (n_windows, horizon, n_targets)
    """
    if distribution is None:
        change = outputs.share * outputs.scale * np.median(outputs.values, axis=0)
        return outputs.reference + change
    family = DISTRIBUTIONS[distribution]
    return np.mean(family.point(outputs.parameters(family)), axis=0)


def quantile_forecasts(distribution: str, outputs: Outputs, levels: np.ndarray) -> np.ndarray:
    """Quantiles, the mean over members of theirs at each level; of counts to whole numbers.

    Averaging quantiles keeps the shape that members agree on. Source: Lichtendahl, Grushka-
    Cockayne and Winkler (2013), Is it better to average probabilities or quantiles?, Management
    Science 59(7).

    Parameters
    ----------
    distribution : str
    outputs : Outputs
    levels : ndarray of shape (n_windows, horizon, n_targets, n_levels)

    Returns
    -------
    quantiles : ndarray of the shape of `levels`
    """
    family = DISTRIBUTIONS[distribution]
    parameters = outputs.parameters(family)[..., None, :]
    quantiles = np.mean([family.quantile(member, levels) for member in parameters], axis=0)
    return np.rint(quantiles) if distribution in COUNTS else quantiles


def normal_scores(distribution: str, outputs: Outputs, values: np.ndarray) -> np.ndarray:
    """Turn the probabilities that forecasts gave to what came into normal scores.

    Of well calibrated forecasts they are standard normal. Counts, which have a probability of
    their own, are taken half way through it.

    Parameters
    ----------
    distribution : str
    outputs : Outputs
    values : ndarray of shape (n_windows, horizon, n_targets)

    Returns
    -------
    scores : ndarray of the shape of `values`
        Within 6 of 0; NaN where the scale is 0, as the window did not move.
    """
    family = DISTRIBUTIONS[distribution]
    parameters = outputs.parameters(family)
    probability = np.mean([family.probability(member, values) for member in parameters], axis=0)
    if distribution in COUNTS:
        below = [family.probability(member, values - 1) for member in parameters]
        probability = (probability + np.mean(below, axis=0)) / 2
    scores = np.clip(ndtri(probability), -6.0, 6.0)
    return np.where(outputs.scale > 0, scores, np.nan)
