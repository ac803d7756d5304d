"""What one series offers a statistical model: its values, covariates and place in time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.base import Forecaster
from tsrnn.checks import future_covariates
from tsrnn.naive import forward_fill
from tsrnn.panel import Panel

# Outside these magnitudes the fixed step sizes and priors of statsmodels no longer fit.
_SMALLEST, _LARGEST = 1e-3, 1e5


@dataclass(frozen=True)
class History:
    """Observations of one series up to a row, and covariates up to some steps beyond.

    Attributes
    ----------
    y : ndarray of shape (n_rows, n_columns)
        The targets that one model forecasts; NaN where missing.
    x : ndarray of shape (n_rows + n_steps, n_covariates)
        Covariates known in the future, without gaps.
    start : int
        Step number of the first row on the grid of time.
    season_length : int
        Steps in a season.
    name : str
        How messages name the series and target: "series 'a', target 'sales': ".
    """

    y: np.ndarray
    x: np.ndarray
    start: int
    season_length: int
    name: str

    def rows(self, first: int, last: int | None = None) -> History:
        """Rows ``first:last``; the covariates go on to the end."""
        return replace(self, y=self.y[first:last], x=self.x[first:], start=self.start + first)

    @property
    def observed(self) -> slice:
        """Rows from where every column is observed for the first time to the last of any."""
        seen = ~np.isnan(self.y)
        if not seen.any(axis=0).all():
            return slice(0, 0)
        return slice(seen.argmax(axis=0).max(), len(seen) - seen[::-1].argmax(axis=0).min())


def history_of(
    panel: Panel, series: int, columns: list[int], season_length: int, last: int, n_steps: int
) -> History:
    """Cut the history of one series up to row `last` of the panel."""
    first, end = panel.offsets[series], panel.offsets[series + 1]
    names = ", ".join(repr(panel.columns.targets[c]) for c in columns)
    target = f"target {names}: " if panel.n_targets > 1 else ""
    covariates = filled_covariates(panel.future[first:end])
    known = np.minimum(np.arange(last + 1 + n_steps - first), end - 1 - first)
    return History(
        y=panel.targets[first : last + 1, columns],
        x=covariates[known],
        start=int(panel.starts[series]),
        season_length=season_length,
        name=panel.label(series) + target,
    )


def check_known(
    forecaster: Forecaster, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
) -> None:
    """Raise ValueError where the covariates of the steps ahead are missing.

    A forecaster that ignores them minds only the rows that it was given to forecast.
    """
    if not forecaster._uses_future():
        if not forecaster.fitted_with_y_:
            return
        given = cutoffs + 1 < panel.offsets[series + 1]
        series, cutoffs = series[given], cutoffs[given]
    future_covariates(panel, series, cutoffs, n_steps)


def filled_covariates(values: np.ndarray) -> np.ndarray:
    """Fill gaps with the last known value, at the start with the first one (or 0)."""
    offsets = np.array([0, len(values)])
    forward = forward_fill(values, offsets)
    return np.nan_to_num(forward_fill(forward[::-1], offsets)[::-1])


def usual_scale(values: np.ndarray) -> np.ndarray:
    """Divisors that bring columns to about 100, powers of two; 1 at a usual magnitude.

    Examples
    --------
    >>> 2.0**40 / usual_scale(np.array([[3.0, 1.0], [4.0, 2.0**40]]))
    array([1.09951163e+12, 6.40000000e+01])
    """
    peak = np.nanmax(np.abs(values), axis=0, initial=0)
    odd = (peak > 0) & ((peak < _SMALLEST) | (peak > _LARGEST))
    return np.where(odd, np.exp2(np.floor(np.log2(np.where(odd, peak, 1))) - 6), 1.0)


def last_observed_rows(y: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Row of the last observed value up to each cutoff; -1 if there is none."""
    rows = np.where(np.isnan(y), -1, np.arange(len(y)))
    return np.maximum.accumulate(rows)[cutoffs]


def interpolate(y: np.ndarray, season_length: int) -> np.ndarray:
    """Fill gaps between observed values, each from the values before it and the first behind.

    A gap shorter than a season takes the values of the season before plus the change since
    then, which is drawn as a line across the gap. Longer gaps and those of the first season
    are bridged by a line. Values behind the last observed one repeat it.

    Examples
    --------
    >>> interpolate(np.array([1.0, 5.0, 2.0, np.nan, 3.0]), 1)
    array([1. , 5. , 2. , 2.5, 3. ])
    >>> interpolate(np.array([1.0, 5.0, 2.0, np.nan, 3.0]), 2)
    array([1., 5., 2., 6., 3.])
    """
    missing = np.isnan(y)
    if not missing.any():
        return y
    seen = np.flatnonzero(~missing)
    filled = y.copy()
    filled[missing] = np.interp(np.flatnonzero(missing), seen, y[seen])
    for before, behind in zip(seen[:-1], seen[1:], strict=True):
        gap = np.arange(before + 1, behind)
        if len(gap) and len(gap) < season_length <= before:
            edges = np.array([before, behind])
            change = filled[edges] - filled[edges - season_length]
            filled[gap] = filled[gap - season_length] + np.interp(gap, edges, change)
    return filled
