"""Errors of a backtest that intervals are calibrated on: from which cutoffs, and how scaled."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.conformal import needed_scores
from tsrnn.panel import Panel
from tsrnn.rolling import naive_errors, naive_errors_at

if TYPE_CHECKING:
    from tsrnn.backtest_result import BacktestResult

_MOST_CUTOFFS = 100
_FEWEST_CUTOFFS = {"split": 5, "adaptive": 30}  # a level needs times to adapt at
_ENOUGH_ERRORS = 2000  # of each step ahead, over all series


def choose_cutoffs(
    lengths: np.ndarray, horizon: int, coverage: float, n_splits: Any, step: Any, method: str
) -> tuple[int, int]:
    """Choose what is left to "auto" of the cutoffs of a backtest.

    Parameters
    ----------
    lengths : ndarray of shape (n_series,)
    horizon : int
    coverage : float
        For which there are to be enough errors.
    n_splits, step : int or "auto"
    method : {"split", "adaptive"}

    Returns
    -------
    n_splits, step : int

    Examples
    --------
    >>> choose_cutoffs(np.array([144]), 12, 0.9, "auto", "auto", "split")
    (37, 1)
    >>> choose_cutoffs(np.full(1000, 144), 12, 0.9, "auto", "auto", "split")
    (5, 9)
    """
    spare = int(np.median(lengths)) // 3 - horizon  # steps from the first to the last cutoff
    if n_splits == "auto":
        least = ceil(needed_scores(coverage) / len(lengths))
        wanted = max(ceil(_ENOUGH_ERRORS / len(lengths)), _FEWEST_CUTOFFS[method])
        n_splits = max(min(wanted, _MOST_CUTOFFS, spare + 1), least)
        longest = int(np.max(lengths))
        if n_splits + horizon > longest:
            raise ValueError(
                f"coverage={coverage:g} needs {needed_scores(coverage)} errors, a cutoff of the "
                f"backtest each, and so {n_splits + horizon} time steps; X has {longest}: ask for "
                "less coverage, or give a longer history or more series"
            )
    if step == "auto":
        step = max(1, spare // max(n_splits - 1, 1))
    return n_splits, step


def check_enough(residuals: np.ndarray, level: float) -> None:
    """Raise ValueError if there are too few residuals at a step ahead for this level."""
    counts = np.isfinite(residuals).sum(axis=(0, 1)).min(axis=1)
    step, needed = int(np.argmin(counts)), needed_scores(level)
    if counts[step] < needed:
        n_splits = len(residuals)
        more = n_splits + needed - counts[step]
        raise ValueError(
            f"coverage={level:g} needs {needed} errors at each step ahead, but the backtest with "
            f"n_splits={n_splits} gave {counts[step]} at step {step + 1}: set n_splits={more}, "
            "give a longer history or more series, or ask for less coverage"
        )


def error_scales(panel: Panel, season_length: int) -> np.ndarray:
    """Mean absolute seasonal difference of each series and target, failing that of neighbours.

    Returns
    -------
    scales : ndarray of shape (n_series, n_targets)
        0 where a series is constant, NaN where no two neighbours are observed.
    """
    seasonal, neighbours = naive_errors(panel, season_length), naive_errors(panel, 1)
    # A series that repeats itself exactly, or is shorter than its season, has none of the first.
    return np.where(seasonal > 0, seasonal, neighbours)


def error_scales_at(panel: Panel, season_length: int, cutoffs: np.ndarray) -> np.ndarray:
    """Return `error_scales` of what is known at each cutoff, shape (n_cutoffs, n_targets)."""
    seasonal = naive_errors_at(panel, season_length, cutoffs)
    return np.where(seasonal > 0, seasonal, naive_errors_at(panel, 1, cutoffs))


def scaled_residuals(
    result: BacktestResult, panel: Panel, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of a backtest, divided by the scale of their series and target.

    Returns
    -------
    residuals : ndarray, as from `residuals_of`
    unscaled : ndarray of bool, shape (n_targets,)
        Targets of which no series ever changes: their residuals are taken as they are.
    """
    scales = error_scales(panel, result.season_length)
    unscaled = np.logical_not((scales > 0).any(axis=0))
    divisors = np.where(scales > 0, scales, np.where(unscaled, 1.0, np.nan))
    return residuals_of(result, panel, horizon) / divisors[:, None], unscaled


def residuals_of(result: BacktestResult, panel: Panel, horizon: int) -> np.ndarray:
    """Truth less forecast of the one model of a backtest.

    Returns
    -------
    residuals : ndarray of shape (n_cutoffs, n_series, horizon, n_targets)
        NaN where nothing was tested, or observed.
    """
    table, folds, steps = result.table, result.details["fold"], result.details["step"]
    series: Any = 0 if panel.ids is None else panel.ids.get_indexer(pd.Index(table["series"]))
    target = np.arange(len(table)) % panel.n_targets  # the targets of a row follow each other
    residuals = np.full((folds.max() + 1, panel.n_series, horizon, panel.n_targets), np.nan)
    errors = table["y_true"] - table["y_pred"]
    residuals[folds.to_numpy(), series, steps.to_numpy() - 1, target] = errors.to_numpy()
    return residuals
