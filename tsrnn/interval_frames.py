"""What intervals read from the data, and bounds in the container of the forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.calibration import error_scales, error_scales_at
from tsrnn.panel import Panel
from tsrnn.reading import read_panel, to_frame
from tsrnn.timegrid import TimeGrid


def series_lengths(X: Any) -> np.ndarray:
    """Count the rows of each series, shape (n_series,)."""
    index = to_frame(X).index
    if not isinstance(index, pd.MultiIndex):
        return np.array([len(index)])
    return np.bincount(pd.factorize(index.droplevel(-1))[0])


def read_targets(X: Any, y: Any, columns: list[int], grid: TimeGrid | None = None) -> Panel:
    """Read the targets, in `columns` of y or else of X, as a panel."""
    frame = to_frame(X if y is None else y).iloc[:, columns]
    if y is not None and hasattr(X, "iloc"):
        frame = frame.set_axis(X.index)
    return read_panel(frame, grid=grid)


def series_and_steps(forecasts: Any, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Series in `panel` of each row of forecasts (-1 if unknown), and its steps ahead."""
    if panel.ids is None:
        series = np.zeros(len(forecasts), dtype=np.int64)
    else:
        series = panel.ids.get_indexer(forecasts.index.get_level_values(0))
    labels = pd.Series(series)
    return series, labels.groupby(labels).cumcount().to_numpy() + 1


def factors_of(
    panel: Panel, season_length: int, series: np.ndarray, unscaled: np.ndarray
) -> np.ndarray:
    """Return what the scaled errors of each forecast are multiplied by.

    Parameters
    ----------
    panel : Panel
        Observed targets.
    season_length : int
    series : ndarray of shape (n_forecasts,)
        Positions in `panel`.
    unscaled : ndarray of shape (n_targets,)
        Targets whose errors were not scaled.

    Returns
    -------
    factors : ndarray of shape (n_forecasts, n_targets)

    Raises
    ------
    ValueError
        If a series has no scale, naming it.
    """
    scales = error_scales(panel, season_length)
    known = np.where(series[:, None] >= 0, scales[series], np.nan)
    return _checked(known, panel, series, unscaled)


def factors_at(
    panel: Panel, season_length: int, cutoffs: np.ndarray, unscaled: np.ndarray
) -> np.ndarray:
    """Return what the scaled errors of the forecasts made at each cutoff are multiplied by.

    Parameters
    ----------
    panel : Panel
        Observed targets; those after a cutoff do not count.
    season_length : int
    cutoffs : ndarray of shape (n_cutoffs,)
        Rows of `panel`.
    unscaled : ndarray of shape (n_targets,)
        Targets whose errors were not scaled.

    Returns
    -------
    factors : ndarray of shape (n_cutoffs, n_targets)

    Raises
    ------
    ValueError
        If a series has no scale at a cutoff, naming it.
    """
    scales = error_scales_at(panel, season_length, cutoffs)
    return _checked(scales, panel, panel.series_of(cutoffs), unscaled)


def _checked(
    scales: np.ndarray, panel: Panel, series: np.ndarray, unscaled: np.ndarray
) -> np.ndarray:
    factors: np.ndarray = np.where(unscaled & (series[:, None] >= 0), 1.0, scales)
    if np.isnan(factors).any():
        row, column = np.argwhere(np.isnan(factors))[0]
        label = panel.label(int(series[row])) if series[row] >= 0 else "a new series: "
        raise ValueError(
            f"{label}target {panel.columns.targets[column]!r} has no two observed values side by "
            "side, so its intervals have no scale; give a longer history of it, or leave it out"
        )
    return factors


def with_bounds(forecasts: Any, errors: np.ndarray, labels: list[Any]) -> Any:
    """Add errors of shape (n_rows, n_targets, n_labels) to forecasts.

    Returns
    -------
    bounds : DataFrame, or ndarray of shape (n_rows, n_labels) or (n_rows, n_targets, n_labels)
        Columns `labels` for a Series; for a DataFrame below each of its columns.
    """
    points = np.asarray(forecasts, dtype=np.float64).reshape(len(forecasts), -1)
    values = points[..., None] + errors
    if not isinstance(forecasts, pd.Series | pd.DataFrame):
        return values[:, 0] if np.ndim(forecasts) == 1 else values
    flat = values.reshape(len(values), -1)
    if isinstance(forecasts, pd.Series):
        return pd.DataFrame(flat, index=forecasts.index, columns=labels)
    names = [name if isinstance(name, tuple) else (name,) for name in forecasts.columns]
    # Tuples may stand in a plain index, which has one name for all their parts.
    fitting = forecasts.columns.nlevels == len(names[0])
    columns = pd.MultiIndex.from_tuples(
        [(*name, label) for name in names for label in labels],
        names=[*forecasts.columns.names, None] if fitting else None,
    )
    return pd.DataFrame(flat, index=forecasts.index, columns=columns)
