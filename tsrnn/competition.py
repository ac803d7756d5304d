"""How the M4 competition judged: its benchmark Naive2, and the average relative to that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.metric_arrays import FILL, FloatArray, as_columns, check_whole, paired, ratio

__all__ = ["naive2", "owa"]


def owa(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    y_train: ArrayLike | list[Any],
    season_length: int,
    naive2: ArrayLike,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Overall weighted average of the M4 competition, relative to Naive2.

    (sMAPE / sMAPE of Naive2 + MASE / MASE of Naive2) / 2: from 0 (perfect) without upper
    bound; 1 is as good as Naive2. As in M4, sMAPE and MASE are first averaged over the outputs
    (the series) and then divided. Where both parts of a ratio are 0 it counts 1. Source:
    Makridakis, Spiliotis and Assimakopoulos (2020), International Journal of Forecasting 36(1).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
    y_train : array-like of shape (n_train,) or (n_train, n_outputs), or list of them
        The observations before the first forecast, as in `tsrnn.metrics.mase`.
    season_length : int
        Length of the season in rows.
    naive2 : array-like of the shape of `y_true`
        Forecasts of the Naive2 method, for example those of the function `naive2`.
    sample_weight, multioutput : as in `sklearn.metrics.mean_absolute_error`
        The weights of the outputs make the averages that are divided.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"

    Raises
    ------
    ValueError
        If the training data repeat themselves exactly, which leaves MASE without a scale.

    Examples
    --------
    >>> forecasts = naive2([10, 11, 12], horizon=2, season_length=1)
    >>> score = owa([14, 14], [13, 13], y_train=[10, 11, 12], season_length=1, naive2=forecasts)
    >>> round(score, 3)
    0.491
    """
    from tsrnn.metrics import mase, smape  # which offers this function too

    paired(y_true, naive2, "naive2")  # so that an error names naive2, not y_pred
    how: dict[str, Any] = {"sample_weight": sample_weight, "multioutput": multioutput}
    history: dict[str, Any] = {"y_train": y_train, "season_length": season_length}
    scaled = mase(y_true, naive2, **history, **how)
    if not np.all(np.isfinite(scaled)):
        raise ValueError(
            f"y_train repeats itself every season_length={season_length} rows, which leaves MASE "
            "and so OWA without a scale: leave this series out"
        )
    relative_smape = ratio(smape(y_true, y_pred, **how), smape(y_true, naive2, **how), 1.0)
    relative_mase = ratio(mase(y_true, y_pred, **history, **how), scaled, 1.0)
    score = (relative_smape + relative_mase) / 2
    return score if score.ndim else float(score)


def naive2(y_train: ArrayLike, horizon: int, season_length: int) -> FloatArray:
    """Forecasts of Naive2, the benchmark of the M4 competition.

    The last value of the seasonally adjusted series, with the season put back. The season is
    that of the classical multiplicative decomposition, and is left out where the series is
    shorter than three seasons or the autocorrelation at the season is not significant at 90%.
    Source: as for `owa`.

    Parameters
    ----------
    y_train : array-like of shape (n_train,) or (n_train, n_outputs)
        The training data; every column is forecast by itself.
    horizon : int
        Number of steps to forecast.
    season_length : int
        Length of the season in rows; 1 means no season.

    Returns
    -------
    y_pred : ndarray of shape (horizon,) or (horizon, n_outputs)
        The steps that follow `y_train`.

    Examples
    --------
    >>> naive2([10, 20, 30] * 4, horizon=4, season_length=3).round(6)
    array([10., 20., 30., 10.])
    >>> naive2([10, 30, 20, 25], horizon=2, season_length=1)
    array([25., 25.])
    """
    columns = as_columns(y_train, "y_train", FILL)
    check_whole(horizon, "horizon")
    check_whole(season_length, "season_length")
    forecasts = [_naive2_column(column, horizon, season_length) for column in columns.T]
    return forecasts[0] if np.ndim(y_train) == 1 else np.column_stack(forecasts)


def _naive2_column(y: FloatArray, horizon: int, season_length: int) -> FloatArray:
    if not _is_seasonal(y, season_length):
        return np.full(horizon, y[-1])
    if (y <= 0).any():
        first = int(np.flatnonzero(y <= 0)[0])
        raise ValueError(
            f"y_train is {y[first]} at position {first}, but the multiplicative season of Naive2 "
            "needs positive values: add a constant to the data, or set season_length=1"
        )
    season = _seasonal_indices(y, season_length)
    level = y[-1] / season[(len(y) - 1) % season_length]
    forecasts: FloatArray = level * season[(len(y) + np.arange(horizon)) % season_length]
    return forecasts


def _is_seasonal(y: FloatArray, season_length: int) -> bool:
    """Test the autocorrelation at the season against Bartlett's limit, two-sided at 90%."""
    if season_length == 1 or len(y) < 3 * season_length or np.ptp(y) == 0:
        return False
    deviation = y - y.mean()
    lags = range(1, season_length + 1)
    acf = np.array([deviation[lag:] @ deviation[:-lag] for lag in lags]) / (deviation @ deviation)
    limit = 1.645 * np.sqrt((1 + 2 * (acf[:-1] ** 2).sum()) / len(y))
    return bool(abs(acf[-1]) > limit)


def _seasonal_indices(y: FloatArray, season_length: int) -> FloatArray:
    """Mean ratio of `y` to its centred moving average, by position in the season."""
    # An even season has no middle row: its window gets one row more and half weights outside.
    half_weight = [0.5] if season_length % 2 == 0 else [1.0]
    window = np.array([*half_weight, *[1.0] * (2 * (season_length // 2) - 1), *half_weight])
    trend = np.convolve(y, window / season_length, mode="valid")
    rows = np.arange(season_length // 2, len(y) - season_length // 2)
    sums = np.bincount(rows % season_length, weights=y[rows] / trend)
    indices: FloatArray = sums / np.bincount(rows % season_length)
    indices /= indices.mean()
    return indices
