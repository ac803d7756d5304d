"""Whether one model of a backtest forecasts better than another, or was only lucky."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr

from tsrnn.backtest_result import BacktestResult
from tsrnn.backtest_tables import quantile_name

_PINBALL = "pinball"
_LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "absolute": lambda y_true, y_pred: np.abs(y_true - y_pred),
    "squared": lambda y_true, y_pred: (y_true - y_pred) ** 2,
}


class DieboldMariano(NamedTuple):
    """What `diebold_mariano` returns.

    Attributes
    ----------
    statistic : float
        Negative where the first model is better.
    pvalue : float
        Probability of a statistic so far from 0 on either side, if both are equally good.
    mean_difference : float
        Mean loss of the first model less that of the second.
    n_cutoffs : int
        Number of differences, one for each cutoff.
    n_lags : int
        Cutoffs before it that the forecasts of a cutoff overlap with.
    """

    statistic: float
    pvalue: float
    mean_difference: float
    n_cutoffs: int
    n_lags: int


def diebold_mariano(
    result: BacktestResult,
    first: str,
    second: str,
    *,
    loss: str | Callable[[Any, Any], Any] = "absolute",
    step: int | None = None,
) -> DieboldMariano:
    """Test whether two models of a backtest have the same expected loss.

    The losses of each cutoff are averaged over its steps, series and targets, which gives one
    difference between the models for each cutoff. Forecasts that overlap make neighbouring
    differences alike: their autocovariances enter the variance, up to the last cutoff that
    overlaps. The statistic has the correction for small samples of Harvey, Leybourne and
    Newbold, and a two-sided p value from Student's t with n - 1 degrees of freedom. Where the
    autocovariances would make the variance negative, they are weighted by Bartlett's kernel.
    Sources: Diebold and Mariano (1995), Journal of Business and Economic Statistics 13(3);
    Harvey, Leybourne and Newbold (1997), International Journal of Forecasting 13(2); Newey and
    West (1987), Econometrica 55(3), for the kernel.

    Parameters
    ----------
    result : BacktestResult
        With the forecasts of both models at some cutoffs.
    first, second : str
        Names of models in `result`.
    loss : {"absolute", "squared", "pinball"} or callable, default "absolute"
        "pinball" is that of the quantiles, averaged over their levels. A function of (y_true,
        y_pred), Series of the same length, gives a loss for each row.
        In a panel large series weigh more; a function may divide by their size.
    step : int, default None
        Steps ahead to compare at; None takes all.

    Returns
    -------
    test : DieboldMariano
        A named tuple (statistic, pvalue, mean_difference, n_cutoffs, n_lags). Two models with
        the same losses have the statistic 0 and the p value 1.

    Raises
    ------
    ValueError
        If a model, loss or step is unknown, or the cutoffs are too few.

    Examples
    --------
    >>> from tsrnn.baselines import HistoricAverage, Naive
    >>> from tsrnn.model_selection import RollingOriginSplit, backtest
    >>> walk = pd.Series(np.random.default_rng(0).normal(0, 1, 60).cumsum())
    >>> cv = RollingOriginSplit(30, horizon=2, step=1)
    >>> result = backtest([Naive(2), HistoricAverage(2)], walk, cv=cv)
    >>> test = diebold_mariano(result, "Naive", "HistoricAverage")
    >>> round(test.statistic, 2), round(test.pvalue, 4), test.n_cutoffs, test.n_lags
    (-3.96, 0.0004, 30, 1)
    """
    frame = _rows_of(result, step)
    losses = {name: _losses(frame, name, loss, result.quantiles) for name in (first, second)}
    differences = (losses[first] - losses[second]).to_numpy()
    n_lags = _n_overlapping(frame[frame["model"] == first])
    n = len(differences)
    if n < n_lags + 2:
        raise ValueError(
            f"{n} cutoffs are too few where each overlaps with {n_lags} before it: backtest with "
            f"n_splits >= {n_lags + 2}, or with a larger step between cutoffs"
        )
    mean = float(differences.mean())
    h = n_lags + 1
    correction = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    deviation = np.sqrt(_long_run_variance(differences, n_lags) / n)
    if deviation > 0:
        statistic = float(correction * mean / deviation)
    else:
        statistic = 0.0 if mean == 0 else float(np.copysign(np.inf, mean))
    pvalue = float(2 * stdtr(n - 1, -abs(statistic)))
    return DieboldMariano(statistic, pvalue, mean, n, n_lags)


def _rows_of(result: BacktestResult, step: int | None) -> pd.DataFrame:
    """Rows whose truth is observed, at the step asked for, with the number of their fold."""
    frame = pd.concat([result.table, result.details[["fold", "step"]]], axis=1)
    frame = frame[frame["y_true"].notna()]
    if step is None:
        return frame
    if step not in frame["step"].to_numpy():
        raise ValueError(f"step={step!r} was not forecast: {sorted(frame['step'].unique())}")
    return frame[frame["step"] == step]


def _losses(frame: pd.DataFrame, model: str, loss: Any, levels: tuple[float, ...]) -> pd.Series:
    """Mean loss of a model by fold."""
    rows = frame[frame["model"] == model]
    if rows.empty:
        raise ValueError(f"{model!r} is no model of result: {list(frame['model'].unique())}")
    known = [*_LOSSES, _PINBALL]
    if not callable(loss) and loss not in known:
        raise ValueError(f"loss={loss!r} must be one of {known} or a function")
    if not callable(loss) and loss == _PINBALL:
        values = _pinball(rows, model, levels)
    else:
        function = loss if callable(loss) else _LOSSES[loss]
        values = np.asarray(function(rows["y_true"], rows["y_pred"]))
    return pd.Series(values, index=rows.index).groupby(rows["fold"]).mean()


def _pinball(rows: pd.DataFrame, model: str, levels: tuple[float, ...]) -> np.ndarray:
    """Mean pinball loss of each row over its quantiles."""
    quantiles = rows[[quantile_name(level) for level in levels]].to_numpy()
    if not levels or np.isnan(quantiles).any():
        raise ValueError(
            f"loss={_PINBALL!r} needs quantiles, and {model!r} has none in the result: give "
            "backtest(..., quantiles=[0.1, 0.5, 0.9]) a model with predict_quantiles"
        )
    errors = rows["y_true"].to_numpy()[:, None] - quantiles
    losses: np.ndarray = np.maximum(np.array(levels) * errors, (np.array(levels) - 1) * errors)
    return np.asarray(losses.mean(axis=1))


def _n_overlapping(rows: pd.DataFrame) -> int:
    """Most later cutoffs, of the same series, that lie before the last time of a fold."""
    folds = rows.groupby(["series", "fold"], sort=True).agg(
        cutoff=("cutoff", "first"), end=("time", "max")
    )
    n_lags = 0
    for _, own in folds.groupby(level="series"):
        begins, ends = pd.Index(own["cutoff"]), pd.Index(own["end"])
        reached = np.asarray(begins.searchsorted(ends, side="left"))
        n_lags = max(n_lags, int((reached - np.arange(len(own)) - 1).max()))
    return n_lags


def _long_run_variance(differences: np.ndarray, n_lags: int) -> float:
    """Variance plus twice the autocovariances; weighted so that it is positive, if need be."""
    centred = differences - differences.mean()
    n = len(centred)
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(n_lags + 1)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:
        weights = 1 - np.arange(n_lags + 1) / (n_lags + 1)
        variance = 2 * (weights @ covariances) - covariances[0]
    # Rounding leaves a little of a constant difference.
    tiny = (np.finfo(float).eps * np.abs(differences).max()) ** 2
    return float(variance) if variance > tiny else 0.0
