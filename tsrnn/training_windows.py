"""Which windows a forecaster is trained on, and what each weighs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tsrnn.naive import forward_fill
from tsrnn.panel import Panel
from tsrnn.windows import Windows, training_windows


def choose_windows(
    panel: Panel,
    context_length: int,
    horizon: int,
    stride: int,
    *,
    padded: bool,
    season_length: int,
) -> Windows:
    """Windows to train on; warns of missing targets, and raises where none is left.

    Parameters
    ----------
    panel : Panel
    context_length, horizon, stride : int
    padded : bool
        Whether histories shorter than the context may be padded.
    season_length : int
        Padded windows show at least a season, where the data allow it.

    Raises
    ------
    ValueError
        If a series is too short for the whole context (`padded` is False), if no window is
        left, or if a series has no observed target, naming the series.
    """
    _check_observed(panel)
    if not padded:
        _check_lengths(panel, context_length, horizon)
    longest = int(panel.lengths.max()) - horizon
    # Where every series fills whole contexts, padding would only cost time.
    padded = padded and bool((panel.lengths < context_length + 2 * horizon).any())
    shortest = min(context_length, max(season_length, 2), max(longest, 1)) if padded else None
    windows = training_windows(panel, context_length, horizon, stride, shortest)
    _warn_missing(panel, windows)
    if not len(windows):
        raise ValueError(_no_window_message(panel, horizon))
    return windows


def given_windows(windows: Windows, horizon: int) -> Windows:
    """Check windows that the user made against the horizon of the forecaster."""
    if windows.horizon != horizon:
        raise ValueError(
            f"horizon={horizon}, but the windows have horizon={windows.horizon}; give both the same"
        )
    if not len(windows):
        raise ValueError(_no_window_message(windows.panel, horizon))
    return windows


def launch_windows(panel: Panel, horizon: int, stride: int) -> Windows:
    """Windows without context, from the first row of each series on (vec2seq)."""
    windows = training_windows(panel, 0, horizon, stride)
    if not len(windows):
        raise ValueError(_no_window_message(panel, horizon))
    return windows


def _check_observed(panel: Panel) -> None:
    empty = np.logical_and.reduceat(np.isnan(panel.targets), panel.offsets[:-1], axis=0)
    if empty.any():
        series, column = np.argwhere(empty)[0]
        what = "the column" if panel.ids is None else "the series"
        raise ValueError(
            f"{panel.label(series)}all values of the target {panel.columns.targets[column]!r} are "
            f"missing; leave {what} out, or use architecture='vec2seq', which forecasts without "
            "history"
        )


def _check_lengths(panel: Panel, context_length: int, horizon: int) -> None:
    short = panel.lengths < context_length + horizon
    if short.any():
        series = int(np.argmax(short))
        raise ValueError(
            f"{panel.label(series)}{panel.lengths[series]} rows are too few for "
            f"context_length={context_length} and horizon={horizon}, which need "
            f"{context_length + horizon}; give more rows, lower them, or use "
            "context_length='auto', which pads short histories"
        )


def _no_window_message(panel: Panel, horizon: int) -> str:
    longest = int(panel.lengths.max())
    if longest <= horizon:
        return (
            f"the longest series has n_samples={longest} rows, but horizon={horizon} needs at "
            f"least {horizon + 1}; give more rows or lower horizon"
        )
    missing = np.isnan(panel.targets).any(axis=1)
    return (
        f"no window is left to train on: in none are all {horizon} targets of the horizon "
        f"observed; {int(missing.sum())} of {len(missing)} rows miss a target, and the longest "
        f"run of complete rows has {_longest_run(panel, missing)}; lower horizon below that, or "
        "fill the missing values"
    )


def _longest_run(panel: Panel, missing: np.ndarray) -> int:
    """Most rows without a missing target that follow each other in a series."""
    row = np.arange(len(missing))
    before = np.repeat(panel.offsets[:-1], panel.lengths) - 1
    last_missing = np.maximum.accumulate(np.where(missing, row, -1))
    return int((row - np.maximum(last_missing, before)).max())


def _warn_missing(panel: Panel, windows: Windows) -> None:
    missing = np.isnan(panel.targets).any(axis=1)
    if not missing.any():
        return
    # Rows before the first observed target, and behind the last, are not gaps.
    last = np.repeat(panel.last_observed(), panel.lengths)
    begun = ~np.isnan(forward_fill(panel.targets, panel.offsets)).all(axis=1)
    inside = begun & (np.arange(len(missing)) <= last)
    missing &= inside
    if missing.any():
        row = int(np.argmax(missing))
        warnings.warn(
            f"{int(missing.sum())} of {int(inside.sum())} rows have a missing target (the first is "
            f"{panel.label(int(panel.series_of(np.array(row))))}{panel.time_of(row)}); windows "
            f"with a missing target are left out, {len(windows)} remain; missing inputs are masked",
            UserWarning,
            stacklevel=6,
        )


def held_out(windows: Windows, fraction: float) -> np.ndarray:
    """Windows for validation, and those too close to them to be learned from.

    Returns
    -------
    parts : ndarray of shape (n_windows,)
        0 to learn from; 1 the last in time of each series, for validation; 2 in between,
        whose horizon overlaps that of a validation window, for neither.
    """
    # The rows of a series stand together: in order of cutoffs, so do its windows.
    order = np.argsort(windows.cutoffs, kind="stable")
    cutoffs = windows.cutoffs[order]
    _, first, counts = np.unique(windows.series[order], return_index=True, return_counts=True)
    n_held = np.where(counts > 1, np.ceil(counts * fraction), 0).astype(np.int64)
    held_from = np.repeat(first + counts - n_held, counts)
    nearest = cutoffs[np.minimum(held_from, len(order) - 1)] - windows.horizon
    overlaps = (cutoffs > nearest) & (np.repeat(n_held, counts) > 0)
    held = np.arange(len(order)) >= held_from
    parts = np.zeros(len(order), dtype=np.int64)
    parts[order] = np.where(held, 1, np.where(overlaps, 2, 0))
    return parts


def window_weights(windows: Windows, sample_weight: Any) -> np.ndarray:
    """Weight of each window: its own, or the mean of those of its target rows.

    Parameters
    ----------
    windows : Windows
    sample_weight : array of shape (n_rows,) or (n_windows,), or None

    Raises
    ------
    ValueError
        If its length fits neither, or a weight is negative, missing or infinite.
    """
    if sample_weight is None:
        return np.ones(len(windows))
    weights = np.asarray(sample_weight, dtype=np.float64)
    n_rows = len(windows.panel.values)
    if weights.ndim != 1 or len(weights) not in (n_rows, len(windows)):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; give one weight per row ({n_rows}) or "
            f"per window ({len(windows)})"
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError(
            "sample_weight must be finite and not negative, and the weights not all zero"
        )
    if len(weights) == n_rows:
        ordered = weights if windows.panel.order is None else weights[windows.panel.order]
        return ordered[windows.target_rows].mean(axis=1)
    return weights
