"""Scaling of each window by its own past, so that forecasts follow level and scale.

A window is read as ``(context - location) / scale``, and its forecast is
``reference + scale * output``. All three come from the context alone, in float64.
"""

from __future__ import annotations

import warnings

import numpy as np

REFERENCES = (None, "last", "mean", "season", "seasons", "smoothing")
SCALES = (None, "deviation", "mean_absolute")

# A deviation this small against the values is rounding, not signal.
_ROUNDING = 1e-12


def location_of(context: np.ndarray, reference: str | None) -> np.ndarray:
    """Level that is subtracted from each context.

    Parameters
    ----------
    context : ndarray of shape (n_windows, n_steps, n_targets)
        NaN where missing.
    reference : {None, "last", "mean", "season", "seasons", "smoothing"}
        None is 0, "mean" and "season" the mean of the context, the others the last observed
        value.

    Returns
    -------
    location : ndarray of shape (n_windows, n_targets)
        0 where nothing is observed.
    """
    if reference is None:
        return np.zeros((len(context), context.shape[2]))
    if reference in ("last", "seasons", "smoothing"):
        seen = ~np.isnan(context)
        last = context.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
        return np.nan_to_num(np.take_along_axis(context, last[:, None], axis=1)[:, 0])
    return _mean(context)


def scale_of(context: np.ndarray, location: np.ndarray, scale: str | None) -> np.ndarray:
    """Size of the movements in each context, 0 for a constant or unseen one.

    Parameters
    ----------
    context : ndarray of shape (n_windows, n_steps, n_targets)
    location : ndarray of shape (n_windows, n_targets)
    scale : {None, "deviation", "mean_absolute"}
        None is 1, "deviation" the standard deviation, "mean_absolute" the mean distance from
        the location (from 0 without a reference, as in DeepAR, arXiv:1704.04110).

    Returns
    -------
    scale : ndarray of shape (n_windows, n_targets)
    """
    if scale is None:
        return (~np.isnan(context)).any(axis=1).astype(np.float64)
    if scale == "deviation":
        size = np.sqrt(_mean((context - _mean(context)[:, None]) ** 2))
    else:
        size = _mean(np.abs(context - location[:, None]))
    largest = np.fmax.reduce(np.abs(context), axis=1, initial=0.0)
    return np.where(size <= _ROUNDING * largest, 0.0, size)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the steps that are observed, 0 where none is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = values.mean(axis=1)
        gaps = np.isnan(mean).any(axis=1)
        mean[gaps] = np.nanmean(values[gaps], axis=1)
    return np.nan_to_num(mean)


def reference_rows(
    rows: np.ndarray, first: np.ndarray, horizon: int, reference: str | None, season_length: int
) -> np.ndarray | None:
    """Rows whose values each step of a forecast is measured from.

    Parameters
    ----------
    rows, first : ndarray of the same shape
        Row that a forecast follows, and first row of its series.
    horizon : int
    reference : {None, "last", "mean", "season", "seasons", "smoothing"}
    season_length : int
        A series shorter than its season falls back to its last value.

    Returns
    -------
    reference_rows : ndarray of shape (*rows.shape, horizon), or None
        None where the reference is not one row: 0, the mean of the context, smoothed, or a mix
        that the network makes of several seasons.
    """
    if reference in (None, "mean", "seasons", "smoothing"):
        return None
    ahead = np.arange(horizon)
    last = np.broadcast_to(rows[..., None], (*rows.shape, horizon))
    if reference == "last":
        return last
    seasonal = last + 1 - season_length + ahead % season_length
    return np.where(rows[..., None] + 1 - season_length >= first[..., None], seasonal, last)


def divisor(scale: np.ndarray) -> np.ndarray:
    """Scale to divide by: infinite where it is 0, so that what did not move is read as 0.

    Nothing tells the size of what follows there: a forecast is the reference, whatever the
    network says, and a target of 0 keeps the loss from being a matter of units.
    """
    return np.where(scale > 0, scale, np.inf)
