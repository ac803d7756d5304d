"""Point metrics of forecasts that scikit-learn lacks, and scorers for its searches.

Every metric takes observations and forecasts row by row, as arrays, Series or DataFrames of
shape (n_samples,) or (n_samples, n_outputs), and treats `sample_weight` and `multioutput` as
`sklearn.metrics.mean_absolute_error` does. Forecasts are never aligned to observations:
pandas arguments whose labels differ are an error, and so are missing or infinite values.

Units: sMAPE runs from 0 to 200 percent, as the M competitions print it. WAPE is a fraction,
like scikit-learn's MAPE. MASE, RMSSE, OWA and the skill score are ratios; the bias is in the
units of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "METRICS",
    "bias",
    "forecast_scorer",
    "mase",
    "naive2",
    "owa",
    "rmsse",
    "skill_score",
    "smape",
    "wape",
]

FloatArray = NDArray[np.float64]
Metric = Callable[[Any, Any, Any, int], float]

_LEAVE_OUT = "fill them, or leave the same rows out of y_true and of the forecasts"
_FILL = "fill them (y_train.interpolate()), or begin after them"


def smape(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Symmetric mean absolute percentage error: mean of 200 * |y - f| / (|y| + |f|).

    In percent, from 0 (perfect) to 200. A row where both values are 0 counts 0.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, their mean, or their mean with these weights.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The lower the better.

    References
    ----------
    Makridakis (1993), "Accuracy measures: theoretical and practical concerns",
    International Journal of Forecasting 9(4), in the form used by the M3 and M4 competitions.

    Examples
    --------
    >>> smape([100, 50, 0, 20], [100, 150, 0, 20])
    25.0
    """
    observed, forecast = _pair(y_true, y_pred)
    # The factor comes after the division: then rounding cannot carry a row beyond 200.
    errors = _ratio(np.abs(observed - forecast), np.abs(observed) + np.abs(forecast), 0.0)
    return _combine(_mean(200 * errors, sample_weight), multioutput)


def wape(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Weighted absolute percentage error: sum of |y - f| over sum of |y|.

    A fraction, from 0 (perfect) without upper bound. Unlike the MAPE it is at ease with zeros
    among the observations. Where all of them are 0, it is 0 for a perfect forecast, else inf.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row, in both sums.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, their mean, or their mean with these weights.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The lower the better.

    References
    ----------
    Kolassa and Schütz (2007), "Advantages of the MAD/MEAN ratio over the MAPE", Foresight 6.
    Also known as normalised deviation (ND).

    Examples
    --------
    >>> wape([100, 50, 0], [90, 60, 10])
    0.2
    """
    observed, forecast = _pair(y_true, y_pred)
    error = _mean(np.abs(observed - forecast), sample_weight)
    return _combine(_ratio(error, _mean(np.abs(observed), sample_weight), 0.0), multioutput)


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

    mean |y - f| / mean |y_train[t] - y_train[t - season_length]|: a ratio without unit, from 0
    (perfect) without upper bound; below 1 is better than the naive forecast one season ahead
    did in training. Where the training data repeat themselves exactly, it is 0 for a perfect
    forecast, else inf.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    y_train : array-like of shape (n_train,) or (n_train, n_outputs), or list of them
        The observations before the first forecast. A list of arrays or pandas objects is
        taken as the series of a panel: their naive errors are pooled.
    season_length : int, default 1
        Length of the season in rows; 1 compares with the last value.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row of `y_true`.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, their mean, or their mean with these weights.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The lower the better.

    References
    ----------
    Hyndman and Koehler (2006), "Another look at measures of forecast accuracy",
    International Journal of Forecasting 22(4).

    Examples
    --------
    >>> mase([6, 7], [5, 9], y_train=[1, 3, 2, 5])
    0.75
    >>> mase([6, 7], [5, 9], y_train=[1, 3, 2, 5], season_length=2)
    1.0
    """
    observed, forecast = _pair(y_true, y_pred)
    error = _mean(np.abs(observed - forecast), sample_weight)
    scale = np.abs(_seasonal_differences(y_train, season_length, y_true)).mean(axis=0)
    return _combine(_ratio(error, scale, 0.0), multioutput)


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

    sqrt(mean (y - f)^2 / mean (y_train[t] - y_train[t - season_length])^2): a ratio without
    unit, from 0 (perfect) without upper bound. Where the training data repeat themselves
    exactly, it is 0 for a perfect forecast, else inf. The M5 competition used season length 1
    and began the training data of each series at its first sale.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    y_train : array-like of shape (n_train,) or (n_train, n_outputs), or list of them
        The observations before the first forecast, as in `mase`.
    season_length : int, default 1
        Length of the season in rows; 1 compares with the last value.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row of `y_true`.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, their mean, or their mean with these weights.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The lower the better.

    References
    ----------
    Hyndman and Koehler (2006), as for `mase`; Makridakis, Spiliotis and Assimakopoulos (2022),
    "M5 accuracy competition", International Journal of Forecasting 38(4).

    Examples
    --------
    >>> rmsse([6, 7], [5, 8], y_train=[0, 2, 4, 6])
    0.5
    """
    observed, forecast = _pair(y_true, y_pred)
    error = _mean((observed - forecast) ** 2, sample_weight)
    scale = (_seasonal_differences(y_train, season_length, y_true) ** 2).mean(axis=0)
    return _combine(np.sqrt(_ratio(error, scale, 0.0)), multioutput)


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

    (sMAPE / sMAPE of Naive2 + MASE / MASE of Naive2) / 2: a ratio without unit, from 0
    (perfect) without upper bound; 1 is as good as Naive2. As in M4, sMAPE and MASE are first
    averaged over the outputs (the series) and then divided. Where both parts of a ratio are 0
    it counts 1.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    y_train : array-like of shape (n_train,) or (n_train, n_outputs), or list of them
        The observations before the first forecast, as in `mase`.
    season_length : int
        Length of the season in rows.
    naive2 : array-like of the shape of `y_true`
        Forecasts of the Naive2 method, for example those of the function `naive2`.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row of `y_true`.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, or the OWA of the averages over outputs, with equal weights or
        with these.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The lower the better.

    References
    ----------
    Makridakis, Spiliotis and Assimakopoulos (2020), "The M4 Competition: 100,000 time series
    and 61 forecasting methods", International Journal of Forecasting 36(1).

    Examples
    --------
    >>> forecasts = naive2([10, 11, 12], horizon=2, season_length=1)
    >>> score = owa([14, 14], [13, 13], y_train=[10, 11, 12], season_length=1, naive2=forecasts)
    >>> round(score, 3)
    0.491
    """
    _pair(y_true, naive2, "naive2")  # so that an error names naive2, not y_pred
    how: dict[str, Any] = {"sample_weight": sample_weight, "multioutput": multioutput}
    history: dict[str, Any] = {"y_train": y_train, "season_length": season_length}
    scaled = mase(y_true, naive2, **history, **how)
    if not np.all(np.isfinite(scaled)):
        raise ValueError(
            f"y_train repeats itself every season_length={season_length} rows, which leaves MASE "
            "and so OWA without a scale: leave this series out"
        )
    relative_smape = _ratio(smape(y_true, y_pred, **how), smape(y_true, naive2, **how), 1.0)
    relative_mase = _ratio(mase(y_true, y_pred, **history, **how), scaled, 1.0)
    score = (relative_smape + relative_mase) / 2
    return score if score.ndim else float(score)


def skill_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_reference: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Skill over reference forecasts: 1 - MAE / MAE of the reference.

    A ratio without unit, from -inf to 1: 1 is perfect, 0 as good as the reference, negative
    worse. Where the reference is perfect, it is 0 for a perfect forecast, else -inf.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    y_reference : array-like of the shape of `y_true`
        The forecasts to beat, for example the seasonal-naive ones.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, their mean, or their mean with these weights.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The higher the better.

    References
    ----------
    Murphy (1988), "Skill scores based on the mean square error and their relationships to the
    correlation coefficient", Monthly Weather Review 116(12), here with absolute errors.

    Examples
    --------
    >>> skill_score([3, 5], [3, 4], y_reference=[1, 3])
    0.75
    """
    observed, forecast = _pair(y_true, y_pred)
    _, reference = _pair(y_true, y_reference, "y_reference")
    error = _mean(np.abs(observed - forecast), sample_weight)
    reference_error = _mean(np.abs(observed - reference), sample_weight)
    return _combine(1 - _ratio(error, reference_error, 1.0), multioutput)


def bias(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: ArrayLike = "uniform_average",
) -> float | FloatArray:
    """Mean error: mean of f - y, positive where the forecasts are too high.

    In the units of the data, without bounds; 0 is unbiased. Beware that R's `forecast` prints
    the mean error with the opposite sign (y - f).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observations and their forecasts.
    sample_weight : array-like of shape (n_samples,), default None
        Weight of each row.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,)
        One value per output, their mean, or their mean with these weights.

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,) for "raw_values"
        The closer to 0 the better.

    References
    ----------
    Hyndman and Athanasopoulos (2021), "Forecasting: principles and practice", section 5.8.

    Examples
    --------
    >>> bias([3, 5], [4, 6])
    1.0
    """
    observed, forecast = _pair(y_true, y_pred)
    return _combine(_mean(forecast - observed, sample_weight), multioutput)


def naive2(y_train: ArrayLike, horizon: int, season_length: int) -> FloatArray:
    """Forecasts of Naive2, the benchmark of the M4 competition.

    The last value of the seasonally adjusted series, with the season put back. The season is
    that of the classical multiplicative decomposition, and is left out where the series is
    shorter than three seasons or the autocorrelation at the season is not significant at 90%.

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

    References
    ----------
    Makridakis, Spiliotis and Assimakopoulos (2020), as for `owa`.

    Examples
    --------
    >>> naive2([10, 20, 30] * 4, horizon=4, season_length=3).round(6)
    array([10., 20., 30., 10.])
    >>> naive2([10, 30, 20, 25], horizon=2, season_length=1)
    array([25., 25.])
    """
    columns = _columns(y_train, "y_train", _FILL)
    _check_whole(horizon, "horizon")
    _check_whole(season_length, "season_length")
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


def _mae(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(*_pair(y_true, y_pred)))


def _rmse(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(*_pair(y_true, y_pred)))


def _mape(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    from sklearn.metrics import mean_absolute_percentage_error

    return float(mean_absolute_percentage_error(*_pair(y_true, y_pred)))


def _smape(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(smape(y_true, y_pred))


def _wape(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(wape(y_true, y_pred))


def _mase(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(mase(y_true, y_pred, y_train=y_train, season_length=season_length))


def _rmsse(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(rmsse(y_true, y_pred, y_train=y_train, season_length=season_length))


def _bias(y_true: Any, y_pred: Any, y_train: Any, season_length: int) -> float:
    return float(bias(y_true, y_pred))


# Functions of (y_true, y_pred, y_train, season_length), so that a caller need not know which
# metric uses the training data; only mase and rmsse do. Named functions, not lambdas: they
# travel to the processes of joblib by pickle.
METRICS: Mapping[str, Metric] = {
    "mae": _mae,
    "rmse": _rmse,
    "mape": _mape,
    "smape": _smape,
    "wape": _wape,
    "mase": _mase,
    "rmsse": _rmsse,
    "bias": _bias,
}


def forecast_scorer(
    metric: str | Callable[[Any, Any], float], *, greater_is_better: bool = False
) -> ForecastScorer:
    """Make a scorer for `scoring=` in GridSearchCV, cross_validate and their like.

    Parameters
    ----------
    metric : str or callable
        A name in `METRICS`, or a function of (y_true, y_pred) such as those of
        `sklearn.metrics`. "mase" and "rmsse" take the training data and the season from the
        forecaster; "bias" is scored by its absolute value, because 0 is best.
    greater_is_better : bool, default False
        False turns the sign of the metric, since a search takes the greatest score.

    Returns
    -------
    scorer : callable
        Called as ``scorer(estimator, X, y=None)``; it can be pickled.

    Examples
    --------
    >>> forecast_scorer("mase")
    forecast_scorer('mase', greater_is_better=False)
    """
    if not callable(metric) and metric not in list(METRICS):  # a list asks for no hash
        raise ValueError(
            f"metric={metric!r} is unknown: give one of {sorted(METRICS)} or a function of "
            "(y_true, y_pred)"
        )
    return ForecastScorer(metric, greater_is_better)


@dataclass(frozen=True, repr=False)
class ForecastScorer:
    """What `forecast_scorer` returns, where its parameters are described."""

    metric: str | Callable[[Any, Any], float]
    greater_is_better: bool = False

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score the forecasts of a fitted estimator on the rows of X; greater is better."""
        y_true, y_pred, y_train, season_length = _forecasts(estimator, X, y)
        if isinstance(self.metric, str):
            value = METRICS[self.metric](y_true, y_pred, y_train, season_length)
        else:
            value = self.metric(y_true, y_pred)
        # Neither the most positive nor the most negative bias is the best one.
        value = abs(value) if self.metric == "bias" else value
        return float(value if self.greater_is_better else -value)

    def __repr__(self) -> str:
        """Return the call that makes this scorer."""
        shown = repr(self.metric) if isinstance(self.metric, str) else self.metric
        return (
            f"forecast_scorer({getattr(shown, '__name__', shown)}, "
            f"greater_is_better={self.greater_is_better})"
        )


def _forecasts(estimator: Any, X: Any, y: Any) -> tuple[Any, Any, Any, int]:
    """Return y_true, y_pred, y_train and season_length: all that scorers ask of forecasters."""
    if hasattr(estimator, "rolling_predict"):
        y_true, y_pred = estimator.rolling_predict(X, y)
        return y_true, y_pred, estimator.history_targets(), estimator.season_length_
    if y is None:
        raise ValueError(
            f"y is None, and {type(estimator).__name__} has no rolling_predict to take the "
            "targets from X: pass y"
        )
    return y, estimator.predict(X), None, 1


def _pair(y_true: Any, y_pred: Any, name: str = "y_pred") -> tuple[FloatArray, FloatArray]:
    """Check observations and forecasts, and return both as (n_samples, n_outputs)."""
    _check_labels(y_true, y_pred, name, ("index", "columns"))
    observed, forecast = _columns(y_true, "y_true"), _columns(y_pred, name)
    if observed.shape != forecast.shape:
        raise ValueError(
            f"y_true has (rows, outputs) {observed.shape} but {name} has {forecast.shape}: "
            "give one forecast for every observation"
        )
    return observed, forecast


def _columns(values: Any, name: str, remedy: str = _LEAVE_OUT) -> FloatArray:
    """Return finite values as floats of shape (n_samples, n_outputs)."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must hold numbers in 1 or 2 dimensions: {error}") from error
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: give (n_samples,) or (n_samples, n_outputs) with "
            "at least one value"
        )
    array = array.reshape(len(array), -1)
    _check_finite(array, values, name, remedy)
    return array


def _check_finite(array: FloatArray, source: Any, name: str, remedy: str) -> None:
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    where = f"position {row}"
    if isinstance(source, pd.Series | pd.DataFrame):
        where += f" (label {source.index[[row]].tolist()[0]!r})"
    if array.shape[1] > 1:
        where += f" of column {source.columns[column] if hasattr(source, 'columns') else column}"
    raise ValueError(
        f"{name} is {array[row, column]} at {where}; {bad.sum()} values are not finite: {remedy}"
    )


def _check_labels(y_true: Any, other: Any, name: str, axes: tuple[str, ...]) -> None:
    """Refuse pandas labels that differ: aligning them would hide rows, ignoring them, errors."""
    for axis in axes:
        left, right = getattr(y_true, axis, None), getattr(other, axis, None)
        if not (isinstance(left, pd.Index) and isinstance(right, pd.Index)) or left.equals(right):
            continue
        for position, (expected, given) in enumerate(zip_longest(left, right, fillvalue="nothing")):
            if expected != given:
                raise ValueError(
                    f"y_true and {name} differ in {axis}, first at position {position}: "
                    f"{expected!r} against {given!r}; use {name}.reindex({axis}=y_true.{axis}), "
                    f"or {name}.to_numpy() if they correspond by position"
                )


def _seasonal_differences(y_train: Any, season_length: int, y_true: Any) -> FloatArray:
    """Errors of the seasonal-naive forecast in the training data, (n_differences, n_outputs)."""
    _check_whole(season_length, "season_length")
    if y_train is None:
        raise ValueError(
            "y_train is None, but MASE and RMSSE are scaled by the training data: pass them "
            "(a scorer finds them on tsrnn forecasters only), or choose 'mae' or 'rmse'"
        )
    differences = [_lagged(series, season_length, y_true) for series in _series_of(y_train)]
    if not sum(map(len, differences)):
        raise ValueError(
            f"y_train has no more than season_length={season_length} rows, which leaves no "
            "seasonal difference: give a longer history or a shorter season"
        )
    return np.concatenate(differences)


def _series_of(y_train: Any) -> list[Any]:
    panel = isinstance(y_train, list) and all(
        isinstance(series, np.ndarray | pd.Series | pd.DataFrame) for series in y_train
    )
    return y_train if panel else [y_train]


def _lagged(series: Any, season_length: int, y_true: Any) -> FloatArray:
    _check_labels(y_true, series, "y_train", ("columns",))
    history = _columns(series, "y_train", _FILL)
    n_outputs = 1 if np.ndim(y_true) == 1 else np.shape(y_true)[1]
    if history.shape[1] != n_outputs:
        raise ValueError(
            f"y_train has {history.shape[1]} columns but y_true has {n_outputs}: give the "
            "training data of the same outputs"
        )
    return history[season_length:] - history[:-season_length]


def _check_whole(value: Any, name: str) -> None:
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number >= 1")


def _ratio(numerator: Any, denominator: Any, zero_over_zero: float) -> FloatArray:
    """Divide; x / 0 is inf, and 0 / 0 is what the metric says it is."""
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    with np.errstate(all="ignore"):
        ratio = numerator / denominator
    return np.where((numerator == 0) & (denominator == 0), zero_over_zero, ratio)


def _mean(errors: FloatArray, sample_weight: ArrayLike | None) -> FloatArray:
    """Weighted mean over rows: (n_samples, n_outputs) to (n_outputs,)."""
    weights = sample_weight
    if weights is not None:
        weights = _weights(weights, len(errors), "sample_weight", "row")
    return np.average(errors, axis=0, weights=weights)


def _combine(scores: FloatArray, multioutput: ArrayLike) -> float | FloatArray:
    """Weighted mean over outputs, with scikit-learn's meaning of `multioutput`."""
    if isinstance(multioutput, str):
        if multioutput not in ("raw_values", "uniform_average"):
            raise ValueError(
                f"multioutput={multioutput!r} must be 'raw_values', 'uniform_average' or "
                "weights, one for each output"
            )
        return scores if multioutput == "raw_values" else float(scores.mean())
    if len(scores) == 1:
        raise ValueError(
            f"multioutput={multioutput!r} gives weights to one output, where they mean nothing: "
            "leave multioutput='uniform_average'"
        )
    weights = _weights(multioutput, len(scores), "multioutput")
    used = weights != 0  # an infinite score of an output without weight would make the mean nan
    return float(np.average(scores[used], weights=weights[used]))


def _weights(values: ArrayLike, n: int, name: str, each: str = "output") -> FloatArray:
    weights = np.asarray(values, dtype=np.float64)
    if weights.shape != (n,) or not np.isfinite(weights).all() or weights.sum() == 0:
        raise ValueError(
            f"{name} has shape {weights.shape} and sum {weights.sum()}: give one finite number "
            f"for each {each}, shape ({n},), with a sum other than 0"
        )
    return weights
