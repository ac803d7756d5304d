"""What every metric shares: arguments checked, errors averaged as scikit-learn averages them.

Observations and forecasts become arrays of shape (n_samples, n_outputs).
"""

from __future__ import annotations

from itertools import zip_longest
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

FILL = "fill them (y_train.interpolate()), or begin after them"
_LEAVE_OUT = "fill them, or leave the same rows out of y_true and of the forecasts"


def paired(y_true: Any, y_pred: Any, name: str = "y_pred") -> tuple[FloatArray, FloatArray]:
    """Check observations and forecasts, and return both as (n_samples, n_outputs)."""
    check_labels(y_true, y_pred, name, ("index", "columns"))
    observed, forecast = as_columns(y_true, "y_true"), as_columns(y_pred, name)
    if observed.shape != forecast.shape:
        raise ValueError(
            f"y_true has (rows, outputs) {observed.shape} but {name} has {forecast.shape}: "
            "give one forecast for every observation"
        )
    return observed, forecast


def as_columns(values: Any, name: str, remedy: str = _LEAVE_OUT) -> FloatArray:
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


def check_labels(y_true: Any, other: Any, name: str, axes: tuple[str, ...]) -> None:
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


def seasonal_differences(y_train: Any, season_length: int, y_true: Any) -> FloatArray:
    """Errors of the seasonal-naive forecast in the training data, (n_differences, n_outputs)."""
    check_whole(season_length, "season_length")
    if y_train is None:
        raise ValueError(
            "y_train is None, but MASE and RMSSE are scaled by the training data: pass them, "
            "or choose 'mae' or 'rmse'"
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
    check_labels(y_true, series, "y_train", ("columns",))
    history = as_columns(series, "y_train", FILL)
    n_outputs = 1 if np.ndim(y_true) == 1 else np.shape(y_true)[1]
    if history.shape[1] != n_outputs:
        raise ValueError(
            f"y_train has {history.shape[1]} columns but y_true has {n_outputs}: give the "
            "training data of the same outputs"
        )
    return history[season_length:] - history[:-season_length]


def check_whole(value: Any, name: str) -> None:
    """Raise ValueError unless `value` is a whole number >= 1."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number >= 1")


def ratio(numerator: Any, denominator: Any, zero_over_zero: float) -> FloatArray:
    """Divide; x / 0 is inf, and 0 / 0 is what the metric says it is.

    Examples
    --------
    >>> ratio([6, 1, 0], [3, 0, 0], zero_over_zero=1.0).tolist()
    [2.0, inf, 1.0]
    """
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    with np.errstate(all="ignore"):
        ratio = numerator / denominator
    return np.where((numerator == 0) & (denominator == 0), zero_over_zero, ratio)


def mean_over_rows(errors: FloatArray, sample_weight: ArrayLike | None) -> FloatArray:
    """Weighted mean over rows: (n_samples, n_outputs) to (n_outputs,)."""
    weights = sample_weight
    if weights is not None:
        weights = _weights(weights, len(errors), "sample_weight", "row")
    return np.average(errors, axis=0, weights=weights)


def mean_over_outputs(scores: FloatArray, multioutput: ArrayLike) -> float | FloatArray:
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
