"""Lay rows out series by series, each in regular steps of time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.panel import Columns, Container, Panel
from tsrnn.timegrid import OFF_GRID, TimeGrid, written


def lay_out(
    values: np.ndarray,
    index: pd.Index,
    columns: Columns,
    container: Container,
    known: TimeGrid | None,
) -> Panel:
    """Sort rows by series and check that each series runs in regular steps.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    index : Index of length n_rows
        Times, or pairs of series and time.
    columns, container
        As the panel has them, but for the name of the index level of series.
    known : TimeGrid or None
        The grid seen in fit, believed where the index is too short to tell its step.

    Raises
    ------
    ValueError
        Naming the series and first timestamp at fault.
    """
    codes, ids, times = _split_index(index)
    level = index.names[0] if ids is not None else None
    order = None
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        values, codes, times = values[order], codes[order], times[order]
    offsets = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]])
    grid, numbers = _grid_and_numbers(times, codes, ids, known)
    container = replace(container, series_level=level)
    starts = numbers[offsets[:-1]]
    return Panel(values, offsets, starts, grid, columns, ids, container, order)


def _split_index(index: pd.Index) -> tuple[np.ndarray, pd.Index | None, pd.Index]:
    if not isinstance(index, pd.MultiIndex):
        return np.zeros(len(index), dtype=np.int64), None, index
    if index.nlevels != 2:
        raise ValueError(
            f"the index has {index.nlevels} levels {list(index.names)}; a panel has two, "
            "(series, time): tsrnn.from_long makes one"
        )
    if (index.codes[0] < 0).any():
        raise ValueError(
            f"the series label is missing in row {int(np.argmin(index.codes[0]))} of the index; "
            "fill it, or drop the row"
        )
    # In the order in which they come, and without labels of rows that were cut away.
    codes, labels = pd.factorize(index.codes[0])
    return codes, index.levels[0].take(labels).rename(None), index.get_level_values(1)


def _grid_and_numbers(
    times: pd.Index, codes: np.ndarray, ids: pd.Index | None, known: TimeGrid | None
) -> tuple[TimeGrid, np.ndarray]:
    _check_ascending(times, codes, ids)
    grid = TimeGrid.of(times, known) if ids is None or known else _panel_grid(times, codes, ids)
    # Unlabelled rows carry no time of their own: they are numbered from the origin.
    numbers = np.arange(len(times)) if not grid.labelled else grid.step_numbers(times)
    same_series = codes[1:] == codes[:-1]
    wrong = np.concatenate([[False], same_series & (np.diff(numbers) != 1)]) | (numbers == OFF_GRID)
    if wrong.any():
        row = int(np.argmax(wrong))
        what = _off_grid(times[row], grid)
        if numbers[row] != OFF_GRID:
            what = (
                f"the time steps are irregular: {written(times[row])} follows "
                f"{written(times[row - 1])}, but the step is {grid.step_name}; "
                f"{grid.filling(in_panel=ids is not None)}"
            )
        raise ValueError(f"{_name(ids, codes[row])}{what}")
    return grid, numbers


def _off_grid(time: Any, grid: TimeGrid) -> str:
    return (
        f"{written(time)} does not lie on the time grid, which runs through "
        f"{written(grid.origin)} in steps of {grid.step_name}; bring the data to that grid first"
    )


def _panel_grid(times: pd.Index, codes: np.ndarray, ids: pd.Index) -> TimeGrid:
    """Grid of the longest series, since series may lie apart; of all times, if it is one row."""
    counts = np.bincount(codes)
    longest = int(np.argmax(counts))
    if counts[longest] == 1:
        return TimeGrid.of(times, in_panel=True)
    try:
        return TimeGrid.of(times[codes == longest], in_panel=True)
    except ValueError as error:
        raise ValueError(f"{_name(ids, longest)}{error}") from None


def _check_ascending(times: pd.Index, codes: np.ndarray, ids: pd.Index | None) -> None:
    if isinstance(times, pd.RangeIndex) and times.step > 0:
        return
    if times.hasnans:
        row = int(np.argmax(times.isna()))
        raise ValueError(
            f"{_name(ids, codes[row])}the time is missing in row {row} of the index; fill it, or "
            "drop the row"
        )
    if len(times) < 2:
        return
    if not isinstance(times, pd.DatetimeIndex | pd.PeriodIndex) and times.dtype.kind not in "iu":
        return  # TimeGrid.of names the wrong kind
    ticks = times.asi8 if hasattr(times, "asi8") else times.to_numpy(dtype=np.int64)
    back = (np.diff(ticks) <= 0) & (codes[1:] == codes[:-1])
    if back.any():
        row = int(np.argmax(back)) + 1
        what = "twice" if ticks[row] == ticks[row - 1] else f"after {written(times[row - 1])}"
        remedy = "drop one (X[~X.index.duplicated()])" if what == "twice" else "use X.sort_index()"
        time = written(times[row])
        raise ValueError(f"{_name(ids, codes[row])}time {time} comes {what}; {remedy}")


def _name(ids: pd.Index | None, code: int) -> str:
    return "" if ids is None else f"series {written(ids[code])}: "
