"""Metrics of forecasts that scikit-learn lacks, and scorers for its searches.

Every metric takes observations and forecasts row by row, as arrays, Series or DataFrames of
shape (n_samples,) or (n_samples, n_outputs), and treats `sample_weight` (of rows) and
`multioutput` ("raw_values", "uniform_average" or a weight for each output) as
`sklearn.metrics.mean_absolute_error` does. Forecasts are never aligned to observations:
pandas arguments whose labels differ are an error, and so are missing or infinite values.

Units: sMAPE runs from 0 to 200 percent, as the M competitions print it. WAPE is a fraction,
like scikit-learn's MAPE. MASE, RMSSE, OWA and the skill score are ratios; the bias is in the
units of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.competition import naive2, owa
from tsrnn.interval_metrics import (
    crps_from_quantiles,
    crps_from_samples,
    interval_coverage,
    msis,
    pinball_loss,
    weighted_quantile_loss,
)
from tsrnn.metric_arrays import (
    FloatArray,
    mean_over_outputs,
    mean_over_rows,
    paired,
    ratio,
    seasonal_differences,
)
from tsrnn.scorers import ForecastScorer, forecast_scorer

__all__ = [
    "METRICS",
    "ForecastScorer",
    "bias",
    "crps_from_quantiles",
    "crps_from_samples",
    "forecast_scorer",
    "interval_coverage",
    "mase",
    "msis",
    "naive2",
    "owa",
    "pinball_loss",
    "rmsse",
    "skill_score",
    "smape",
    "wape",
    "weighted_quantile_loss",
]


def smape(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Symmetric mean absolute percentage error: mean of 200 |y - f| / (|y| + |f|).

    In percent, from 0 (perfect) to 200. A row where both values are 0 counts 0. Source:
    Makridakis (1993), International Journal of Forecasting 9(4), in the form of the M3 and M4
    competitions.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Examples
    --------
    >>> smape([100, 50, 0, 20], [100, 150, 0, 20])
    25.0
    """
    observed, forecast = paired(y_true, y_pred)
    # The factor comes after the division: then rounding cannot carry a row beyond 200.
    errors = 200 * ratio(np.abs(observed - forecast), np.abs(observed) + np.abs(forecast), 0.0)
    return mean_over_outputs(mean_over_rows(errors, sample_weight), multioutput)


def wape(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Weighted absolute percentage error: sum of |y - f| over sum of |y|.

    A fraction, from 0 (perfect) without upper bound. Unlike the MAPE it is at ease with zeros
    among the observations; where all of them are 0, it is 0 for a perfect forecast, else inf.
    Source: Kolassa and Schütz (2007), Foresight 6; also known as normalised deviation (ND).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`
        The weights of the rows count in both sums.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Examples
    --------
    >>> wape([100, 50, 0], [90, 60, 10])
    0.2
    """
    observed, forecast = paired(y_true, y_pred)
    error = mean_over_rows(np.abs(observed - forecast), sample_weight)
    size = mean_over_rows(np.abs(observed), sample_weight)
    return mean_over_outputs(ratio(error, size, 0.0), multioutput)


def mase(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    y_train: ArrayLike | list[Any],
    season_length: int = 1,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Mean absolute scaled error: MAE over the seasonal-naive MAE within the training data.

    mean |y - f| / mean |y_train[t] - y_train[t - season_length]|: from 0 (perfect) without
    upper bound; below 1 is better than the naive forecast one season ahead did in training.
    Where the training data repeat themselves exactly, it is 0 for a perfect forecast, else
    inf. Source: Hyndman and Koehler (2006), International Journal of Forecasting 22(4).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    y_train : array-like of shape (n_train,) or (n_train, n_outputs), or list of them
        The observations before the first forecast. A list of arrays or pandas objects is
        taken as the series of a panel: their naive errors are pooled.
    season_length : int, default 1
        Length of the season in rows; 1 compares with the last value.
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Examples
    --------
    >>> mase([6, 7], [5, 9], y_train=[1, 3, 2, 5])
    0.75
    >>> mase([6, 7], [5, 9], y_train=[1, 3, 2, 5], season_length=2)
    1.0
    """
    observed, forecast = paired(y_true, y_pred)
    error = mean_over_rows(np.abs(observed - forecast), sample_weight)
    scale = np.abs(seasonal_differences(y_train, season_length, y_true)).mean(axis=0)
    return mean_over_outputs(ratio(error, scale, 0.0), multioutput)


def rmsse(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    y_train: ArrayLike | list[Any],
    season_length: int = 1,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Root mean squared scaled error: RMSE over the seasonal-naive RMSE in the training data.

    sqrt(mean (y - f)^2 / mean (y_train[t] - y_train[t - season_length])^2): from 0 (perfect)
    without upper bound. Where the training data repeat themselves exactly, it is 0 for a
    perfect forecast, else inf. The M5 competition used season length 1 and began the training
    data of each series at its first sale. Source: Hyndman and Koehler (2006), as for `mase`.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    y_train, season_length : as in `mase`
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Examples
    --------
    >>> rmsse([6, 7], [5, 8], y_train=[0, 2, 4, 6])
    0.5
    """
    observed, forecast = paired(y_true, y_pred)
    error = mean_over_rows((observed - forecast) ** 2, sample_weight)
    scale = (seasonal_differences(y_train, season_length, y_true) ** 2).mean(axis=0)
    return mean_over_outputs(np.sqrt(ratio(error, scale, 0.0)), multioutput)


def skill_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_reference: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Skill over reference forecasts: 1 - MAE / MAE of the reference; the higher the better.

    From -inf to 1: 1 is perfect, 0 as good as the reference, negative worse. Where the
    reference is perfect, it is 0 for a perfect forecast, else -inf. Source: Murphy (1988),
    Monthly Weather Review 116(12), here with absolute errors.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    y_reference : array-like of the shape of `y_true`
        The forecasts to beat, for example the seasonal-naive ones.
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Examples
    --------
    >>> skill_score([3, 5], [3, 4], y_reference=[1, 3])
    0.75
    """
    observed, forecast = paired(y_true, y_pred)
    _, reference = paired(y_true, y_reference, "y_reference")
    error = mean_over_rows(np.abs(observed - forecast), sample_weight)
    reference_error = mean_over_rows(np.abs(observed - reference), sample_weight)
    return mean_over_outputs(1 - ratio(error, reference_error, 1.0), multioutput)


def bias(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Mean error: mean of f - y, positive where the forecasts are too high.

    In the units of the data, without bounds; 0 is unbiased. Beware that R's `forecast` prints
    it with the opposite sign. Source: Hyndman and Athanasopoulos (2021), Forecasting:
    principles and practice, section 5.8.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Examples
    --------
    >>> bias([3, 5], [4, 6])
    1.0
    """
    observed, forecast = paired(y_true, y_pred)
    return mean_over_outputs(mean_over_rows(forecast - observed, sample_weight), multioutput)


def _from_sklearn(name: str, y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    import sklearn.metrics

    return float(getattr(sklearn.metrics, name)(*paired(y_true, y_pred)))


def _unscaled(metric: Any, y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(metric(y_true, y_pred))


def _scaled(metric: Any, y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(metric(y_true, y_pred, y_train=y_train, season_length=season_length))


# Functions of (y_true, y_pred, y_train, season_length), so that a caller need not know which
# metric uses the training data. Partials, not lambdas: they travel to other processes.
METRICS: Mapping[str, Callable[[Any, Any, Any, int], float]] = {
    "mae": partial(_from_sklearn, "mean_absolute_error"),
    "rmse": partial(_from_sklearn, "root_mean_squared_error"),
    "mape": partial(_from_sklearn, "mean_absolute_percentage_error"),
    "smape": partial(_unscaled, smape),
    "wape": partial(_unscaled, wape),
    "mase": partial(_scaled, mase),
    "rmsse": partial(_scaled, rmsse),
    "bias": partial(_unscaled, bias),
}
