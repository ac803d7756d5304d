"""Differences of series and their way back, on arrays of shape (n_rows, n_columns).

A difference at lag ``m`` is the first difference of every ``m``-th row. Missing values are
passed over: what follows them is compared with the last observed value ``m``, ``2 m``, ...
rows before. So a row is missing in the differences only where it was missing itself, or where
it is the first of its phase, and nothing else is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsrnn.naive import forward_fill


def difference(values: np.ndarray, lag: int) -> np.ndarray:
    """Change from the last observed value `lag` rows (or 2, 3, ... times that) before.

    Examples
    --------
    >>> difference(np.array([[1.0], [4.0], [np.nan], [5.0]]), 1).ravel()
    array([nan,  3., nan,  1.])
    """
    cycles = _fold(values, lag)
    change = np.full_like(cycles, np.nan)
    change[1:] = cycles[1:] - _filled(cycles)[:-1]
    return change.reshape(-1, values.shape[1])[change.size // values.shape[1] - len(values) :]


def differences(values: np.ndarray, lags: Sequence[int]) -> list[np.ndarray]:
    """`values`, and the differences at each of `lags` in turn: ``len(lags) + 1`` arrays."""
    stages = [values]
    for lag in lags:
        stages.append(difference(stages[-1], lag))
    return stages


def undo(changes: np.ndarray, lags: Sequence[int], before: np.ndarray) -> np.ndarray:
    """Values whose differences are `changes`, in the rows right after `before`.

    Parameters
    ----------
    changes : ndarray of shape (n_rows, n_columns)
    lags : sequence of int
        In the order in which `differences` took them.
    before : ndarray of shape (n_rows_before, n_columns)
        Values that the changes start from.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns)
        inf where a change has no observed value before it.

    Examples
    --------
    >>> undo(np.array([[1.0], [2.0]]), [1], before=np.array([[10.0]])).ravel()
    array([11., 13.])
    """
    unknown = np.full_like(changes, np.nan)
    for lag, past in zip(reversed(lags), differences(before, lags)[-2::-1], strict=True):
        padding = np.full((lag, past.shape[1]), np.nan)
        last = _filled(_fold(np.concatenate([padding, past]), lag))[-1]
        changes = _accumulate(changes, lag, last, unknown)
    return changes


def undo_from_start(changes: np.ndarray, lags: Sequence[int], start: np.ndarray) -> np.ndarray:
    """Values whose differences are `changes`, where `start` holds the first of them.

    Parameters
    ----------
    changes : ndarray of shape (n_rows, n_columns)
    lags : sequence of int
    start : ndarray of shape (n_rows_known, n_columns)
        Values from the same row on, of which only the first of each phase is read.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns)
        inf where a change has no observed value before it.
    """
    stages = differences(start, lags)
    n = min(len(changes), len(start))
    for i in reversed(range(len(lags))):
        first = np.full_like(changes, np.nan)
        first[:n] = np.where(np.isnan(stages[i + 1]), stages[i], np.nan)[:n]
        nowhere = np.full(lags[i] * changes.shape[1], np.nan)
        clash = ~np.isnan(first) & ~np.isnan(changes)
        changes = np.where(clash, np.inf, _accumulate(changes, lags[i], nowhere, first))
    return changes


def _accumulate(changes: np.ndarray, lag: int, last: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Add changes up to levels, from `last` (one cycle before them) or from those in `first`."""
    known = _fold(first, lag, at_end=True)
    steps = np.where(np.isnan(known), _fold(changes, lag, at_end=True), known)
    steps = np.concatenate([last[None], steps])
    has_level = np.logical_or.accumulate(~np.isnan(np.concatenate([last[None], known])))
    levels = np.where(has_level, np.nancumsum(steps, axis=0), np.inf)
    levels = np.where(np.isnan(steps), np.nan, levels)[1:]
    return levels.reshape(-1, changes.shape[1])[: len(changes)]


def _fold(values: np.ndarray, lag: int, *, at_end: bool = False) -> np.ndarray:
    """Rows as cycles of shape (n_cycles, lag * n_columns), padded before (or behind) the rows."""
    padding = np.full((-len(values) % lag, values.shape[1]), np.nan)
    parts = [values, padding] if at_end else [padding, values]
    return np.concatenate(parts).reshape(-1, lag * values.shape[1])


def _filled(cycles: np.ndarray) -> np.ndarray:
    return forward_fill(cycles, np.array([0, len(cycles)]))
