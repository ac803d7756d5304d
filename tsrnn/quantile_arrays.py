"""What scores of intervals and quantiles share: their arguments, checked and laid out.

Observations have shape (n_samples, n_outputs); quantiles, or draws, have an axis more.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.metric_arrays import FloatArray, as_columns, check_labels, paired


def check_share(value: Any, name: str) -> None:
    """Raise ValueError unless `value` is a number between 0 and 1, both excluded."""
    if not isinstance(value, Real) or not 0 < float(value) < 1:
        raise ValueError(f"{name}={value!r} must lie between 0 and 1, for example 0.9")


def central_levels(coverage: Any) -> list[float]:
    """Return the levels of the bounds of a central interval.

    Raises
    ------
    ValueError
        Unless the coverage lies between 0 and 1.
    """
    check_share(coverage, "coverage")
    return [(1 - coverage) / 2, (1 + coverage) / 2]


def check_levels(quantiles: Any) -> list[float]:
    """Return the levels of quantiles as numbers.

    Raises
    ------
    ValueError
        Unless they lie between 0 and 1, ascend, and there is one.
    """
    levels = list(quantiles) if np.ndim(quantiles) == 1 else [quantiles]
    for level in levels:
        check_share(level, "a level of quantiles")
    levels = [float(level) for level in levels]
    if not levels or (np.diff(levels) <= 0).any():
        raise ValueError(f"quantiles={quantiles!r} must ascend, for example (0.1, 0.5, 0.9)")
    return levels


def bounds_of(y_true: Any, y_lower: Any, y_upper: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Check intervals, and return observations, lower and upper bounds."""
    observed, lower = paired(y_true, y_lower, "y_lower")
    _, upper = paired(y_true, y_upper, "y_upper")
    if (lower > upper).any():
        row, column = np.argwhere(lower > upper)[0]
        raise ValueError(
            f"y_lower is {lower[row, column]}, above y_upper {upper[row, column]}, at position "
            f"{row}: exchange them"
        )
    return observed, lower, upper


def quantile_arrays(
    y_true: Any, y_quantiles: Any, quantiles: Any
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Check quantile forecasts, and return observations, forecasts and levels.

    Returns
    -------
    observed : ndarray of shape (n_samples, n_outputs)
    forecast : ndarray of shape (n_samples, n_outputs, n_quantiles)
    levels : ndarray of shape (n_quantiles,)
    """
    observed, forecast = with_draws(y_true, y_quantiles, "y_quantiles")
    if quantiles is None:
        quantiles = _levels_of(y_quantiles, forecast.shape[-1])
    levels = np.asarray(quantiles, dtype=np.float64).reshape(-1)
    if len(levels) != forecast.shape[-1]:
        raise ValueError(
            f"quantiles={levels.tolist()} are {len(levels)}, but y_quantiles has "
            f"{forecast.shape[-1]} columns for each output: give one level for each"
        )
    for level in levels:
        check_share(level, "a level of quantiles")
    return observed, forecast, levels


def _levels_of(y_quantiles: Any, n_quantiles: int) -> Sequence[Any]:
    if not isinstance(y_quantiles, pd.DataFrame):
        raise ValueError("quantiles is None, but y_quantiles has no columns to read them from")
    return y_quantiles.columns.get_level_values(-1)[:n_quantiles].tolist()


def with_draws(y_true: Any, forecasts: Any, name: str) -> tuple[FloatArray, FloatArray]:
    """Check forecasts with several values for each observation, and lay both out."""
    observed = as_columns(y_true, "y_true")
    check_labels(y_true, forecasts, name, ("index",))
    flat = forecasts
    if np.ndim(flat) == 3:
        flat = np.asarray(flat).reshape(len(flat), -1)
    values = as_columns(flat, name)
    n_each, rest = divmod(values.shape[1], observed.shape[1])
    outputs = np.shape(forecasts)[1] if np.ndim(forecasts) == 3 else observed.shape[1]
    if rest or len(values) != len(observed) or outputs != observed.shape[1]:
        raise ValueError(
            f"y_true has (rows, outputs) {observed.shape} but {name} has shape "
            f"{np.shape(forecasts)}: give (rows, outputs, as many as there are for each)"
        )
    _check_outputs(y_true, forecasts, name, n_each)
    return observed, values.reshape(*observed.shape, n_each)


def _check_outputs(y_true: Any, forecasts: Any, name: str, n_each: int) -> None:
    """Refuse frames whose outputs are named differently, or come in another order."""
    both = isinstance(y_true, pd.DataFrame) and isinstance(forecasts, pd.DataFrame)
    if not both or forecasts.columns.nlevels == 1:
        return
    expected, given = y_true.columns.repeat(n_each), forecasts.columns.droplevel(-1)
    if not expected.equals(given):
        raise ValueError(
            f"the columns of {name} are of {list(given.unique())} and those of y_true "
            f"{list(y_true.columns)}: select y_true[...] in the same order"
        )
