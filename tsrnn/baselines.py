"""Forecasts to beat: four that need no estimation here, and those that statsmodels fits.

>>> import pandas as pd
>>> sales = pd.Series([3.0, 5.0, 4.0, 6.0], pd.period_range("2024Q1", periods=4, freq="Q"))
>>> Drift(horizon=2).fit(sales).predict()
2025Q1    7.0
2025Q2    8.0
Freq: Q-DEC, dtype: float64
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.base import Forecaster
from tsrnn.checks import check_observed
from tsrnn.naive import forward_fill, seasonal_naive
from tsrnn.panel import Panel
from tsrnn.statistical import (
    ARIMA,
    ETS,
    VAR,
    AutoReg,
    StatsmodelsForecaster,
    STLForecaster,
    Theta,
    UnobservedComponents,
)
from tsrnn.statistical.history import check_known

__all__ = [
    "ARIMA",
    "ETS",
    "VAR",
    "AutoReg",
    "Drift",
    "HistoricAverage",
    "Naive",
    "STLForecaster",
    "SeasonalNaive",
    "StatsmodelsForecaster",
    "Theta",
    "UnobservedComponents",
]


class _RuleForecaster(Forecaster):
    """A forecast that follows from the history by a rule: fit has nothing to estimate."""

    def __init__(
        self,
        horizon: int = 1,
        *,
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
    ) -> None:
        self.horizon = horizon
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates

    def _fit(self, panel: Panel) -> None:
        check_observed(panel, np.arange(panel.n_series), panel.offsets[1:] - 1)

    def _forecast(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        check_observed(panel, series, cutoffs)
        check_known(self, panel, series, cutoffs, n_steps)
        return self._rule(panel, series, cutoffs, n_steps)

    def _rule(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        raise NotImplementedError


class Naive(_RuleForecaster):
    """Repeat the last observed value: the best forecast of a random walk.

    Missing values are passed over. Covariates are accepted and ignored.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    season_length : int, list of int or "auto", default "auto"
        Length of the season that `score` compares with; the forecast itself does not use it.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles, so that they are not taken for targets.

    Examples
    --------
    >>> Naive(horizon=3).fit([4.0, 7.0, 5.0]).predict()
    array([5., 5., 5.])
    """

    def _rule(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        return seasonal_naive(panel, series, cutoffs, n_steps, 1)


class SeasonalNaive(_RuleForecaster):
    """Repeat the last season; the yardstick of `score`.

    A missing value of the last season is replaced by that of the season before, failing that
    by the last observed value. A series shorter than a season repeats its last value.
    Covariates are accepted and ignored.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season; of a list the shortest. "auto" takes it from the time index: 12 for
        months, 4 for quarters, 7 for days, 24 for hours, and 1 (the last value) without one.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles, so that they are not taken for targets.

    Examples
    --------
    >>> SeasonalNaive(horizon=4, season_length=3).fit([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).predict()
    array([4., 5., 6., 4.])
    """

    def _rule(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        return seasonal_naive(panel, series, cutoffs, n_steps, self.season_length_)


class Drift(_RuleForecaster):
    """Draw the line from the first observed value through the last one.

    A series with one observed value repeats it. Covariates are accepted and ignored.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    season_length : int, list of int or "auto", default "auto"
        Length of the season that `score` compares with; the forecast itself does not use it.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles, so that they are not taken for targets.

    Examples
    --------
    >>> Drift(horizon=2).fit([1.0, 9.0, 5.0]).predict()
    array([7., 9.])
    """

    def _rule(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        first_row, last_row = _first_observed(panel)[series], _last_observed(panel)[cutoffs]
        first = np.take_along_axis(panel.targets, first_row, axis=0)
        last = np.take_along_axis(panel.targets, last_row, axis=0)
        # Halves, so that the span of values near the largest float does not overflow.
        slope = 2 * ((last / 2 - first / 2) / np.maximum(last_row - first_row, 1))
        steps = np.arange(1, n_steps + 1)[:, None] + (cutoffs[:, None] - last_row)[:, None]
        return last[:, None] + steps * slope[:, None]


class HistoricAverage(_RuleForecaster):
    """Repeat the mean of every value observed so far: the best forecast of white noise.

    Missing values are passed over. Covariates are accepted and ignored.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    season_length : int, list of int or "auto", default "auto"
        Length of the season that `score` compares with; the forecast itself does not use it.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles, so that they are not taken for targets.

    Examples
    --------
    >>> HistoricAverage(horizon=2).fit([1.0, 2.0, 6.0]).predict()
    array([3., 3.])
    """

    def _rule(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        seen = ~np.isnan(panel.targets)
        count, total = (
            # Each series on its own: a sum through them all would carry rounding errors across.
            pd.DataFrame(values).groupby(panel.series_of(np.arange(len(seen)))).cumsum().to_numpy()
            for values in (seen, np.where(seen, panel.targets, 0.0))
        )
        means = total[cutoffs] / count[cutoffs]
        return np.repeat(means[:, None], n_steps, axis=1)


def _first_observed(panel: Panel) -> np.ndarray:
    """Row of the first observed value of each series and target, (n_series, n_targets)."""
    seen = ~np.isnan(panel.targets)
    rows = np.where(seen, np.arange(len(seen))[:, None], len(seen))
    return np.minimum.reduceat(rows, panel.offsets[:-1], axis=0)


def _last_observed(panel: Panel) -> np.ndarray:
    """Row of the last observed value of each target up to every row, (n_rows, n_targets)."""
    row = np.where(np.isnan(panel.targets), np.nan, np.arange(len(panel.values))[:, None])
    return np.nan_to_num(forward_fill(row, panel.offsets), nan=-1).astype(np.int64)
