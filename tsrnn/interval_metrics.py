"""Scores of intervals, quantiles and samples: how sharp a forecast is, and how well calibrated.

Quantile forecasts come as arrays of shape (n_samples, n_quantiles) for one output or
(n_samples, n_outputs, n_quantiles) for several, or as the DataFrame that `predict_quantiles`
returns: a column for each quantile, output after output. Samples come in the same shapes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.metric_arrays import (
    FloatArray,
    mean_over_outputs,
    mean_over_rows,
    ratio,
    seasonal_differences,
)
from tsrnn.quantile_arrays import bounds_of, check_share, quantile_arrays, with_draws

__all__ = [
    "crps_from_quantiles",
    "crps_from_samples",
    "interval_coverage",
    "msis",
    "pinball_loss",
    "weighted_quantile_loss",
]


def pinball_loss(
    y_true: ArrayLike,
    y_quantiles: ArrayLike,
    *,
    quantiles: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Pinball loss, averaged over quantiles: mean of max(q (y - f), (q - 1) (y - f)).

    In the units of the data, from 0 (perfect) without upper bound. For one quantile it is
    `sklearn.metrics.mean_pinball_loss`; for the median half the mean absolute error. Source:
    Koenker and Bassett (1978), Econometrica 46(1).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    y_quantiles : array-like of shape (n_samples, n_quantiles)
        Or (n_samples, n_outputs, n_quantiles), or a DataFrame of `predict_quantiles`.
    quantiles : array-like of shape (n_quantiles,), default None
        Levels in (0, 1). None reads them from the last level of the columns of `y_quantiles`.
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        If the shapes or labels do not fit together, a value is not finite or a quantile does
        not lie between 0 and 1.

    Examples
    --------
    >>> pinball_loss([10, 20], [[8, 11], [16, 19]], quantiles=[0.5, 0.9])
    1.0
    """
    observed, forecast, levels = quantile_arrays(y_true, y_quantiles, quantiles)
    losses = _pinball(observed, forecast, levels).mean(axis=-1)
    return mean_over_outputs(mean_over_rows(losses, sample_weight), multioutput)


def weighted_quantile_loss(
    y_true: ArrayLike,
    y_quantiles: ArrayLike,
    *,
    quantiles: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Weighted quantile loss (wQL): twice the sum of pinball losses over the sum of |y|.

    A fraction, averaged over quantiles, from 0 (perfect) without upper bound; for the median
    it is the WAPE. Series of a panel, one below the other in one column, are pooled, so that
    large ones weigh more. Where all observations are 0, it is 0 for a perfect forecast, else
    inf. Source: Salinas, Flunkert, Gasthaus and Januschowski (2020), International Journal of
    Forecasting 36(3), as the rho-risk of one quantile.

    Parameters
    ----------
    y_true, y_quantiles, quantiles : as in `pinball_loss`
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`
        The weights of the rows count in both sums.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        As `pinball_loss` does.

    Examples
    --------
    >>> weighted_quantile_loss([10, 30], [[8, 11], [26, 29]], quantiles=[0.5, 0.9])
    0.1
    """
    observed, forecast, levels = quantile_arrays(y_true, y_quantiles, quantiles)
    losses = 2 * _pinball(observed, forecast, levels).mean(axis=-1)
    size = mean_over_rows(np.abs(observed), sample_weight)
    return mean_over_outputs(ratio(mean_over_rows(losses, sample_weight), size, 0.0), multioutput)


def crps_from_quantiles(
    y_true: ArrayLike,
    y_quantiles: ArrayLike,
    *,
    quantiles: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Continuous ranked probability score, from quantiles of the forecast distribution.

    The CRPS is twice the pinball loss integrated over all levels from 0 to 1. Here each
    quantile stands for the levels nearest to it, so that levels need not be evenly spaced:
    the more of them, the closer to the integral. In the units of the data, from 0 (perfect)
    without upper bound; of a single quantile, the median, it is the mean absolute error.
    Source: Laio and Tamea (2007), Hydrology and Earth System Sciences 11(4).

    Parameters
    ----------
    y_true, y_quantiles, quantiles : as in `pinball_loss`
        The quantiles in ascending order.
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        As `pinball_loss` does; or if the quantiles do not ascend.

    Examples
    --------
    >>> crps_from_quantiles([10, 20], [[8, 12], [19, 23]], quantiles=[0.25, 0.75])
    1.0
    """
    observed, forecast, levels = quantile_arrays(y_true, y_quantiles, quantiles)
    if (np.diff(levels) <= 0).any():
        raise ValueError(f"quantiles={levels.tolist()} must ascend: sort them and the forecasts")
    bounds = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    losses = 2 * _pinball(observed, forecast, levels) @ np.diff(bounds)
    return mean_over_outputs(mean_over_rows(losses, sample_weight), multioutput)


def crps_from_samples(
    y_true: ArrayLike,
    y_samples: ArrayLike,
    *,
    fair: bool = True,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Continuous ranked probability score, from samples x of the forecast distribution.

    The energy form E|x - y| - E|x - x'| / 2, x and x' being two independent draws. The second
    mean is over all pairs of different samples (fair), m (m - 1) of them, which makes the
    score unbiased: its expectation does not depend on the number m of samples. Over all m^2
    pairs (not fair) it is the exact CRPS of the distribution that puts 1 / m on each sample.
    In the units of the data; 0 is perfect, and a fair score may fall below it by chance.
    Sources: Gneiting and Raftery (2007), Journal of the American Statistical Association
    102(477), for the energy form; Ferro (2014), Quarterly Journal of the Royal Meteorological
    Society 140(683), for the fair one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    y_samples : array-like of shape (n_samples, m) or (n_samples, n_outputs, m)
        m draws for each observation.
    fair : bool, default True
        Leave out the pairs of a draw with itself; needs two draws.
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        If the shapes or labels do not fit together, a value is not finite, or a fair score is
        asked of a single draw.

    Examples
    --------
    >>> crps_from_samples([10, 20], [[8, 12], [19, 23]])
    0.0
    >>> crps_from_samples([10, 20], [[8, 12], [19, 23]], fair=False)
    1.0
    """
    observed, samples = with_draws(y_true, y_samples, "y_samples")
    m = samples.shape[-1]
    if fair and m == 1:
        raise ValueError(
            "fair=True needs two draws, but y_samples has 1 for each observation: give more, or "
            "fair=False"
        )
    # Sum over all ordered pairs, from the ranks: no array of m x m.
    pairs = 2 * np.sort(samples, axis=-1) @ (2 * np.arange(m) + 1.0 - m)
    spread = pairs / (m * (m - 1) if fair else m * m)
    losses = np.abs(samples - observed[..., None]).mean(axis=-1) - spread / 2
    return mean_over_outputs(mean_over_rows(losses, sample_weight), multioutput)


def interval_coverage(
    y_true: ArrayLike,
    y_lower: ArrayLike,
    y_upper: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Share of observations inside their interval, the bounds included.

    From 0 to 1; best is the coverage that the intervals were made for, neither less nor more.

    Parameters
    ----------
    y_true, y_lower, y_upper : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    share : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        If the shapes or labels differ, a value is not finite or a lower bound lies above its
        upper one.

    Examples
    --------
    >>> interval_coverage([1, 2, 3, 4], [0, 0, 0, 0], [3, 3, 3, 3])
    0.75
    """
    observed, lower, upper = bounds_of(y_true, y_lower, y_upper)
    inside = ((lower <= observed) & (observed <= upper)).astype(np.float64)
    return mean_over_outputs(mean_over_rows(inside, sample_weight), multioutput)


def msis(
    y_true: ArrayLike,
    y_lower: ArrayLike,
    y_upper: ArrayLike,
    *,
    coverage: float,
    y_train: ArrayLike | list[Any],
    season_length: int = 1,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Mean scaled interval score: width and misses, over the seasonal-naive MAE in training.

    An interval from l to u costs u - l, and 2 / (1 - coverage) times the distance by which it
    misses y; the mean is divided as that of `mase` is. From 0 (perfect) without upper bound.
    M4 took 95% intervals. Sources: Gneiting and Raftery (2007), Journal of the American
    Statistical Association 102(477), for the interval score; Makridakis, Spiliotis and
    Assimakopoulos (2020), International Journal of Forecasting 36(1), for its scale.

    Parameters
    ----------
    y_true, y_lower, y_upper : array-like of shape (n_samples,) or (n_samples, n_outputs)
    coverage : float
        The coverage that the intervals were made for, between 0 and 1.
    y_train, season_length : as in `tsrnn.metrics.mase`
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        As `interval_coverage` does, or if `coverage` does not lie between 0 and 1.

    Examples
    --------
    >>> msis([6, 7], [5, 5], [7, 6], coverage=0.5, y_train=[1, 3, 2, 5])
    1.75
    """
    check_share(coverage, "coverage")
    observed, lower, upper = bounds_of(y_true, y_lower, y_upper)
    miss = np.maximum(lower - observed, 0) + np.maximum(observed - upper, 0)
    score = mean_over_rows(upper - lower + 2 / (1 - coverage) * miss, sample_weight)
    scale = np.abs(seasonal_differences(y_train, season_length, y_true)).mean(axis=0)
    return mean_over_outputs(ratio(score, scale, 0.0), multioutput)


def _pinball(observed: FloatArray, forecast: FloatArray, levels: FloatArray) -> FloatArray:
    """Losses of shape (n_samples, n_outputs, n_quantiles)."""
    error = observed[..., None] - forecast
    return np.maximum(levels * error, (levels - 1) * error)
