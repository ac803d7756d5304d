"""How large what an alarm measures becomes by chance."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from tsrnn.panel import Panel

# About ten questions are asked of a forecaster: less than 5 in 100 healthy ones raise any alarm
# where each question raises one in 200.
LEVEL = 0.005


def largest_mean(values: np.ndarray, times: np.ndarray, n_together: int, level: float) -> float:
    """Mean that values whose expectation is 0 exceed with a probability of `level`.

    Values of one time are added up, as series move together; those of times that lie near each
    other are correlated, which the variance of Newey and West (1987), Econometrica 55(3), allows
    for. The degrees of freedom are those of a spectral estimate with Bartlett's window, 1.5 for
    each bandwidth of times: Priestley (1981), Spectral Analysis and Time Series.

    Parameters
    ----------
    values : ndarray of shape (n, ...)
        NaN counts for nothing.
    times : ndarray of shape (n,), int
    n_together : int
        Neighbouring times whose values share observations.
    level : float

    Examples
    --------
    >>> values = np.array([1.0, -1.0] * 50)
    >>> largest_mean(values, np.arange(100), 1, 0.025) < 0.2
    True
    """
    known = ~np.isnan(values)
    centred = np.where(known, values - np.nanmean(values), 0.0)
    sums = centred.reshape(len(values), -1).sum(axis=1)
    nth = np.unique(times, return_inverse=True)[1]
    of_times = np.bincount(nth, weights=sums)
    n = len(of_times)
    bandwidth = min(n, max(n_together, int(np.ceil(np.cbrt(n)))))
    covariances = [of_times[lag:] @ of_times[: n - lag] for lag in range(bandwidth)]
    weights = 1 - np.arange(bandwidth) / bandwidth
    variance = 2 * float(weights @ covariances) - covariances[0]
    error = float(np.sqrt(np.maximum(variance, 0.0))) / max(int(known.sum()), 1)
    return error * float(stdtrit(1.5 * n / bandwidth, 1 - level))


def largest_correlation(n: float, level: float = LEVEL) -> float:
    """Correlation that `n` independent pairs exceed with a probability of `level`.

    Examples
    --------
    >>> largest_correlation(27, 0.025).__round__(3)
    0.381
    """
    dof = max(n - 2, 1.0)
    quantile = float(stdtrit(dof, 1 - level))
    return quantile / float(np.sqrt(dof + quantile**2))


def steps_of(panel: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Step on the panel's time grid of each row."""
    return panel.starts[series] + rows - panel.offsets[series]
