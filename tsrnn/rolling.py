"""Forecasts from many cutoffs: where the cutoffs lie, and how good the forecasts are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tsrnn.history import follow, match_series
from tsrnn.naive import seasonal_naive
from tsrnn.panel import Panel, ranges


def roll(history: Panel, new: Panel, horizon: int) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Cutoffs that move through new rows behind a history, `horizon` rows at a time.

    Parameters
    ----------
    history, new : Panel
        Rows that `history` has already are left out of `new`.
    horizon : int
        Rows from one cutoff to the next.

    Returns
    -------
    panel : Panel
        The series of `new`, each with its history before it.
    series, cutoffs : ndarray of shape (n_cutoffs,)
        Series of each cutoff, and row of `panel` that is the last to be seen.

    Raises
    ------
    ValueError
        If no row of `new` follows `history`, saying where that ended.
    """
    panel, first = follow(history, new, drop_overlap=True)
    counts = -(-(panel.offsets[1:] - first) // horizon)
    if counts.sum() == 0:
        first_series = int(match_series(history, new)[0])
        last = history.time_of(int(history.last_observed()[first_series]), first_series)
        raise ValueError(
            f"{new.label(0)}no row of X follows the training data, which ended at {last}; give "
            "rows after that"
        )
    series = np.repeat(np.arange(panel.n_series), counts)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return panel, series, first[series] - 1 + nth * horizon


def compare(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray, forecasts: np.ndarray, season_length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, forecasts and seasonal naive forecasts of the rows whose targets are observed.

    Parameters
    ----------
    panel, series, cutoffs : as `roll` returns them
    forecasts : ndarray of shape (n_cutoffs, horizon, n_targets)
        Steps beyond the end of a series are left out.
    season_length : int
        Of the seasonal naive forecasts.

    Returns
    -------
    truth, forecasts, naive : ndarray of shape (n_rows, n_targets)
    """
    horizon = forecasts.shape[1]
    rows = cutoffs[:, None] + 1 + np.arange(horizon)
    inside = rows < panel.offsets[1:][series][:, None]
    truth = panel.targets[np.minimum(rows, len(panel.values) - 1)]
    observed = inside & ~np.isnan(truth).any(axis=-1)
    naive = seasonal_naive(panel, series, cutoffs, horizon, season_length)
    return truth[observed], forecasts[observed], naive[observed]


def skill(truth: np.ndarray, forecasts: np.ndarray, naive: np.ndarray) -> float:
    """Return ``1 - MAE / MAE of naive``: 0 where both are perfect, -inf where only `naive` is.

    Values without a naive forecast (NaN), for want of a history, do not count.

    Raises
    ------
    ValueError
        If there are no rows to compare.

    Examples
    --------
    >>> skill(np.array([1.0, 2.0]), np.array([1.0, 1.5]), np.array([0.0, 1.0]))
    0.75
    """
    known = ~np.isnan(naive)
    if not known.any():
        raise ValueError(
            "there is nothing to score: no row of X after the training data has all its targets, "
            "and a history, observed"
        )
    truth, forecasts, naive = truth[known], forecasts[known], naive[known]
    error, reference = np.abs(truth - forecasts).mean(), np.abs(truth - naive).mean()
    if reference == 0:
        return 0.0 if error == 0 else -np.inf
    return float(1 - error / reference)


def naive_errors(panel: Panel, season_length: int) -> np.ndarray:
    """Return the mean absolute seasonal difference of each series and target, MASE's divisor.

    Returns
    -------
    errors : ndarray of shape (n_series, n_targets)
        NaN where no two values lie a season apart.
    """
    change, first = _seasonal_changes(panel, season_length), panel.offsets[:-1]
    seen = ~np.isnan(change)
    total = np.add.reduceat(np.where(seen, change, 0), first, axis=0)
    count = np.add.reduceat(seen, first, axis=0, dtype=np.int64)
    return total / np.where(count > 0, count, np.nan)


def naive_errors_at(panel: Panel, season_length: int, cutoffs: np.ndarray) -> np.ndarray:
    """Return `naive_errors` of the history up to each cutoff.

    Parameters
    ----------
    panel : Panel
    season_length : int
    cutoffs : ndarray of shape (n_cutoffs,)
        Rows of `panel`; the last that count.

    Returns
    -------
    errors : ndarray of shape (n_cutoffs, n_targets)
        NaN where no two values lie a season apart.
    """
    change = pd.DataFrame(_seasonal_changes(panel, season_length))
    series = np.repeat(np.arange(panel.n_series), panel.lengths)
    # Each series is summed by itself, so that a large one takes no digits from a small one.
    total = change.fillna(0.0).groupby(series).cumsum().to_numpy()[cutoffs]
    count = change.notna().astype(np.int64).groupby(series).cumsum().to_numpy()[cutoffs]
    return total / np.where(count > 0, count, np.nan)


def _seasonal_changes(panel: Panel, season_length: int) -> np.ndarray:
    """Absolute differences from the season before, shape (n_rows, n_targets); NaN without one."""
    targets = panel.targets
    change = np.full_like(targets, np.nan)
    change[season_length:] = np.abs(targets[season_length:] - targets[:-season_length])
    # The first season of each series has none before it.
    first_season = np.minimum(panel.lengths, season_length)
    change[ranges(panel.offsets[:-1], first_season)[0]] = np.nan
    return change


def cutoff_frame(panel: Panel, cutoffs: np.ndarray, forecasts: np.ndarray) -> pd.DataFrame:
    """Index forecasts of shape (n_cutoffs, n_steps, n_targets) by (series,) cutoff and time."""
    series = panel.series_of(cutoffs)
    numbers = panel.starts[series] + cutoffs - panel.offsets[series]
    n_steps = forecasts.shape[1]
    times = panel.grid.times((numbers[:, None] + 1 + np.arange(n_steps)).ravel())
    levels = [panel.grid.times(numbers).repeat(n_steps), times]
    names = ["cutoff", "time"]
    if panel.ids is not None:
        levels, names = [panel.ids[series].repeat(n_steps), *levels], ["series", *names]
    index = pd.MultiIndex.from_arrays(levels, names=names)
    flat = forecasts.reshape(-1, forecasts.shape[-1])
    return pd.DataFrame(flat, index=index, columns=list(panel.columns.targets))


def cutoff_ranks(index: pd.MultiIndex, n_cutoffs: int) -> np.ndarray:
    """Count the cutoffs of the same series before that of each row of a `cutoff_frame`.

    Returns
    -------
    ranks : ndarray of shape (n_rows,)
        Rows of one rank hold at most one forecast of each series.
    """
    n_steps = len(index) // n_cutoffs
    if index.nlevels == 2:
        return np.repeat(np.arange(n_cutoffs), n_steps)
    series = pd.Series(index.get_level_values(0)[::n_steps])
    return np.repeat(series.groupby(series).cumcount().to_numpy(), n_steps)
