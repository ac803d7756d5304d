"""What the displays share: axes, colours, time on the x axis, and legends beside the data."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

# The palette of Okabe and Ito, distinct to colour-blind eyes, without its yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#333333"
FAINT = "#9A9A9A"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MAX_PANELS = 12
_ALL_TICKS = 12


def line_style(i: int) -> dict[str, Any]:
    """Colour and marker of the i-th model; dashes, once the colours are used up."""
    dashes = ("-", "--", ":")[i // len(COLOURS) % 3]
    marker = MARKERS[i % len(MARKERS)]
    return {"color": COLOURS[i % len(COLOURS)], "marker": marker, "linestyle": dashes}


def axes_for(
    ax: Any, n: int, *, n_cols: int, size: tuple[float, float], **options: Any
) -> tuple[Any, np.ndarray]:
    """Take the caller's axes, or make a figure with `n` of them.

    Parameters
    ----------
    ax : Axes, sequence of Axes, or None
        None makes a figure with constrained layout.
    n, n_cols : int
        Number of axes, and how many stand side by side.
    size : tuple of float
        Width and height of one, in inches.
    **options
        For ``subplots``.

    Returns
    -------
    figure : Figure
    axes : ndarray of shape (n,)

    Raises
    ------
    ValueError
        If `ax` holds another number of axes.
    """
    if ax is not None:
        axes = np.array(ax, dtype=object).ravel()
        if len(axes) != n:
            raise ValueError(f"ax holds {len(axes)} axes, but the plot has {n} panels; give {n}")
        return axes[0].figure, axes
    import matplotlib.pyplot as plt

    n_cols = min(n, n_cols)
    n_rows = -(-n // n_cols)
    figure, grid = plt.subplots(
        n_rows,
        n_cols,
        figsize=(size[0] * n_cols, size[1] * n_rows),
        layout="constrained",
        squeeze=False,
        **options,
    )
    for unused in grid.ravel()[n:]:
        unused.remove()
    return figure, grid.ravel()[:n]


def positions(index: pd.Index) -> np.ndarray:
    """Places on the x axis: numbers as they are, times in the days of matplotlib."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        return np.asarray(index, dtype=np.float64)
    dates: Any = import_module("matplotlib.dates")
    naive = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return np.asarray(dates.date2num(naive.to_numpy()), dtype=np.float64)


def time_axis(ax: Any, index: pd.Index, *, n_ticks: int = 8) -> None:
    """Label the x axis with dates (in the time zone of `index`) or whole numbers."""
    from matplotlib.ticker import MaxNLocator

    dates: Any = import_module("matplotlib.dates")
    if isinstance(index, pd.PeriodIndex | pd.DatetimeIndex):
        zone = getattr(index, "tz", None)
        locator = dates.AutoDateLocator(tz=zone, minticks=3, maxticks=n_ticks)
        # Without every fourth day: the 29th is so close to the next month that labels overlap.
        locator.intervald[dates.DAILY] = [1, 2, 7, 14, 21]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))
    elif len(index) <= _ALL_TICKS and index.is_unique:
        ax.set_xticks(positions(index))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(n_ticks, integer=True))


def tidy(ax: Any, *, title: str = "", x: str = "", y: str = "", colour: str = "black") -> None:
    """Take away the frame, draw a faint grid, and set the labels."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#E3E3E3", linewidth=0.8)
    ax.set_axisbelow(True)
    if title:
        ax.set_title(title, loc="left", fontsize="medium", color=colour)
    ax.set_xlabel(x)
    ax.set_ylabel(y)


def legend(figure: Any, axes: Iterable[Any], *, own_figure: bool) -> None:
    """Put one legend outside the data: below our own figure, above the axes of a caller."""
    axes = list(axes)
    entries: dict[str, Any] = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        entries.update(zip(labels, handles, strict=True))
    if not entries:
        return
    # About twelve letters fit into an inch; the line before a label is as wide as six.
    fitting = int(12 * figure.get_figwidth() / (max(map(len, map(str, entries))) + 6))
    options = {"ncols": max(1, min(len(entries), 4, fitting)), "frameon": False}
    if own_figure:
        where = "outside lower center"
        figure.legend(list(entries.values()), list(entries), loc=where, **options)
        return
    ax = axes[0]
    title = ax.get_title(loc="left")
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    rows = -(-len(entries) // options["ncols"])
    ax.legend(list(entries.values()), list(entries), **above, **options)
    ax.set_title(title, loc="left", fontsize="medium", pad=6 + 18 * rows)


def time_name(index: pd.Index, default: str = "time") -> str:
    """Name of a time axis, with its time zone."""
    name = str(index.name) if index.name is not None else default
    zone = getattr(index, "tz", None)
    return f"{name} ({zone})" if zone is not None else name
