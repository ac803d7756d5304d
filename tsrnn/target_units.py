"""Targets as a network of some distribution reads them, and its forecasts in their units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrnn.distributions import COUNTS
from tsrnn.panel import Panel


def check_targets(panel: Panel, distribution: str | None) -> None:
    """Check that targets can come from a distribution.

    Raises
    ------
    ValueError
        Naming series, target and time of the first value that cannot be, and the remedy.
    """
    if distribution in COUNTS:
        whole = (panel.targets >= 0) & (panel.targets == np.floor(panel.targets))
        remedy = "which are whole numbers from 0 on; use distribution='gaussian' or 'quantiles'"
        _check(panel, whole, f"distribution={distribution!r} is for counts, {remedy}")
    if distribution == "log_normal":
        remedy = "use distribution='gaussian' or 'quantiles'"
        message = f"distribution='log_normal' is for values above 0; {remedy}"
        _check(panel, panel.targets > 0, message)


def as_read(panel: Panel, distribution: str | None) -> Panel:
    """Targets that were checked, as a network reads them: of log-normal ones logarithms."""
    if distribution != "log_normal":
        return panel
    values = panel.values.copy()
    values[:, : panel.n_targets] = np.log(panel.targets)
    return replace(panel, values=values)


def in_units(forecasts: np.ndarray, distribution: str | None) -> np.ndarray:
    """Forecasts in the units of the data."""
    return np.exp(forecasts) if distribution == "log_normal" else forecasts


def _check(panel: Panel, possible: np.ndarray, message: str) -> None:
    wrong = ~possible & ~np.isnan(panel.targets)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        series = int(panel.series_of(np.array(row)))
        raise ValueError(
            f"{panel.label(series)}target {panel.columns.targets[column]!r} is "
            f"{panel.targets[row, column]:g} at {panel.time_of(int(row), series)}, but {message}"
        )
