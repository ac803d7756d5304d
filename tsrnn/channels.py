"""One series for each target of a series, so that one network forecasts every target alike.

Channel independence: Nie et al. (2023), A time series is worth 64 words, arXiv:2211.14730.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrnn.panel import Panel
from tsrnn.windows import Windows


def split_targets(panel: Panel) -> Panel:
    """Lay out each target as a panel of its own, with all covariates, one after the other.

    Series ``s`` of target ``k`` is series ``k * n_series + s`` of the result, which has one
    target and no labels.
    """
    n, k = panel.n_targets, np.arange(panel.n_targets)
    covariates = panel.values[:, n:]
    values = [np.column_stack([target, covariates]) for target in panel.targets.T]
    return replace(
        panel,
        values=np.concatenate(values),
        offsets=np.append(
            (panel.offsets[:-1] + len(panel.values) * k[:, None]).ravel(), n * len(panel.values)
        ),
        starts=np.tile(panel.starts, n),
        columns=replace(panel.columns, targets=panel.columns.targets[:1]),
        ids=None,
        order=None,
    )


def split_cutoffs(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Series and cutoffs in the result of `split_targets`, those of the first target first."""
    k = np.arange(panel.n_targets)[:, None]
    return (
        (series + panel.n_series * k).ravel(),
        (cutoffs + len(panel.values) * k).ravel(),
    )


def split_windows(windows: Windows) -> Windows:
    """Windows of one target each, those of the first target first."""
    series, cutoffs = split_cutoffs(windows.panel, windows.series, windows.cutoffs)
    return replace(windows, panel=split_targets(windows.panel), series=series, cutoffs=cutoffs)


def split_levels(levels: np.ndarray) -> np.ndarray:
    """From (n_cutoffs, n_steps, n_targets, n) to (n_targets * n_cutoffs, n_steps, 1, n)."""
    moved = np.moveaxis(levels, 2, 0)
    return moved.reshape(-1, *moved.shape[2:])[:, :, None]


def join_targets(forecasts: np.ndarray, n_targets: int) -> np.ndarray:
    """From (n_targets * n_cutoffs, n_steps, 1, ...) to (n_cutoffs, n_steps, n_targets, ...).

    Examples
    --------
    >>> join_targets(np.arange(4.0).reshape(4, 1, 1), 2)[:, 0]
    array([[0., 2.],
           [1., 3.]])
    """
    each = forecasts[:, :, 0]
    return np.moveaxis(each.reshape(n_targets, -1, *each.shape[1:]), 0, 2)
