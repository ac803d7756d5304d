"""Forecasts that repeat the past: the yardstick of every other forecast."""

from __future__ import annotations

import numpy as np

from tsrnn.panel import Panel


def forward_fill(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Fill missing values with the last observed one of the same series and column.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    offsets : ndarray of shape (n_series + 1,)

    Returns
    -------
    filled : ndarray of shape (n_rows, n_columns)
        NaN is left only before the first observation of a series.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    row = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, row), axis=0)
    first = np.repeat(offsets[:-1], np.diff(offsets))[:, None]
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= first, filled, np.nan)


def seasonal_fill(values: np.ndarray, offsets: np.ndarray, season_length: int) -> np.ndarray:
    """Fill missing values with the value of the last season, failing that the last value."""
    if not np.isnan(values).any():
        return values
    # Rows of the same series and phase follow each other, so that the last season is next door.
    series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    phase = (np.arange(len(values)) - offsets[series]) % season_length
    chain = series * season_length + phase
    order = np.argsort(chain, kind="stable")
    bounds = np.flatnonzero(np.diff(chain[order], prepend=-1, append=-1))
    filled = np.empty_like(values)
    filled[order] = forward_fill(values[order], bounds)
    return forward_fill(filled, offsets)


def seasonal_naive(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int, season_length: int
) -> np.ndarray:
    """Repeat the last season before each cutoff.

    Parameters
    ----------
    panel : Panel
    series, cutoffs : ndarray of shape (n_cutoffs,)
        Series of each forecast, and row of the last observation that it may see.
    n_steps : int
        Number of steps ahead.
    season_length : int
        1 repeats the last value; so does a series that is shorter than its season.

    Returns
    -------
    forecasts : ndarray of shape (n_cutoffs, n_steps, n_targets)
        NaN where nothing is observed up to the cutoff.
    """
    filled = seasonal_fill(panel.targets, panel.offsets, season_length)
    first = panel.offsets[series]
    season = np.where(cutoffs + 1 - first >= season_length, season_length, 1)[:, None]
    rows = cutoffs[:, None] + 1 - season + np.arange(n_steps) % season
    last = forward_fill(panel.targets, panel.offsets)[cutoffs][:, None]
    forecasts = np.where(np.isnan(filled[rows]), last, filled[rows])
    # A cutoff before the first row of its series must not read the series before.
    forecasts[cutoffs < first] = np.nan
    return forecasts
