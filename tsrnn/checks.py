"""Whether a panel has what training and forecasts need; if not, which value is missing."""

from __future__ import annotations

import numpy as np

from tsrnn.naive import forward_fill
from tsrnn.panel import Panel


def check_complete_covariates(panel: Panel) -> None:
    """Raise ValueError where a covariate known in the future is missing."""
    missing = np.isnan(panel.future)
    if missing.any():
        row, column = (int(i) for i in np.argwhere(missing)[0])
        raise ValueError(
            f"{panel.label(int(panel.series_of(np.array(row))))}covariate "
            f"{panel.columns.future[column]!r} is missing (NaN) at {panel.time_of(row)}; fill it, "
            "or name it in past_covariates, where missing values are allowed"
        )


def check_observed(panel: Panel, series: np.ndarray, cutoffs: np.ndarray) -> None:
    """Raise ValueError where a target has no observed value up to a cutoff."""
    filled = forward_fill(panel.targets, panel.offsets)
    inside = cutoffs >= panel.offsets[series]
    blind = np.isnan(filled[cutoffs]) | ~inside[:, None]
    if blind.any():
        row, column = np.argwhere(blind)[0]
        s, cutoff = int(series[row]), int(cutoffs[row])
        raise ValueError(
            f"{panel.label(s)}target {panel.columns.targets[column]!r} has no observed value up "
            f"to {panel.time_of(cutoff, s)}, so there is nothing to forecast from; leave it out, "
            "or forecast from a later cutoff"
        )


def future_covariates(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
) -> np.ndarray:
    """Covariates known over the steps after each cutoff.

    Steps beyond the last row of a series repeat that row: they belong to forecasts that
    nobody asked for.

    Returns
    -------
    future : ndarray of shape (n_cutoffs, n_steps, n_future)

    Raises
    ------
    ValueError
        If a value is missing, or no row follows the cutoff, naming column, series and time.
    """
    ends = panel.offsets[1:][series]
    if (cutoffs + 1 >= ends).any():
        s = int(series[np.argmax(cutoffs + 1 >= ends)])
        raise ValueError(
            f"{panel.label(s)}the covariates {list(panel.columns.future)} are not known after "
            f"the last observed target; append rows with them and the target missing (NaN)"
        )
    rows = cutoffs[:, None] + 1 + np.arange(n_steps)
    rows = np.minimum(rows, ends[:, None] - 1)
    values = panel.future[rows]
    if np.isnan(values).any():
        window, step, column = np.argwhere(np.isnan(values))[0]
        row = int(rows[window, step])
        raise ValueError(
            f"{panel.label(int(series[window]))}covariate {panel.columns.future[column]!r} is "
            f"missing (NaN) at {panel.time_of(row)}, inside the horizon; fill it, or name it in "
            "past_covariates"
        )
    return values
