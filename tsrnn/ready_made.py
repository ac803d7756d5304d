"""Ready-made windows, 3-D arrays, read as a panel with one series per window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.panel import Columns, Container, Panel
from tsrnn.timegrid import TimeGrid


def is_ready_made(X: Any) -> bool:
    """Whether X is a 3-D array of windows."""
    return getattr(X, "ndim", 0) == 3 and not hasattr(X, "panel")


def ready_made_panel(X: Any, y: Any, horizon: int, like: Panel | None = None) -> Panel:
    """Read windows as a panel; the first features of X are the past of the targets.

    Parameters
    ----------
    X : array of shape (n_windows, context_length, n_features)
    y : array of shape (n_windows, horizon) or (n_windows, horizon, n_targets), or None
    horizon : int
    like : Panel or None
        What fit saw: the number of targets, and of dimensions of the answer, where y is None.
        None in fit, which needs y.

    Raises
    ------
    ValueError
        If the shapes do not fit, naming both.
    """
    X = np.asarray(X, dtype=np.float64)
    flat = np.ndim(y) == 2
    if y is None:
        if like is None:
            raise ValueError(
                f"X has shape {X.shape}: ready-made windows need y, their horizons, of shape "
                f"({len(X)}, {horizon}) or ({len(X)}, {horizon}, n_targets)"
            )
        future = np.full((len(X), 0, like.n_targets), np.nan)
        flat = like.container.one_dimensional
    else:
        future = np.asarray(y, dtype=np.float64)
        future = future[:, :, None] if future.ndim == 2 else future
        if future.ndim != 3 or len(future) != len(X) or future.shape[1] != horizon:
            raise ValueError(
                f"y has shape {np.shape(y)}; with X of shape {X.shape} and horizon={horizon} it "
                f"must be ({len(X)}, {horizon}) or ({len(X)}, {horizon}, n_targets)"
            )
    n_past = X.shape[2] - future.shape[2]
    if n_past < 0:
        raise ValueError(
            f"y has {future.shape[2]} targets, but X only {X.shape[2]} features; the first "
            "features of X must be the past of the targets"
        )
    for name, array in (("X", X), ("y", future)):
        if not np.isfinite(array).all():
            at = ", ".join(str(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(
                f"{name}[{at}] is missing (NaN) or infinite, which ready-made windows may not be; "
                f"leave out window {at.split(',')[0]}, or fill it"
            )
    unknown = np.full((*future.shape[:2], n_past), np.nan)
    rows = np.concatenate([X, np.concatenate([future, unknown], axis=2)], axis=1)
    names = tuple(range(X.shape[2]))
    columns = Columns(names[: future.shape[2]], names[future.shape[2] :])
    return Panel(
        values=rows.reshape(-1, X.shape[2]),
        offsets=np.arange(len(X) + 1) * rows.shape[1],
        starts=np.zeros(len(X), dtype=np.int64),
        grid=TimeGrid(0, 1, labelled=False),
        columns=columns,
        ids=pd.RangeIndex(len(X)),
        container=Container(pandas=False, one_dimensional=flat),
    )
