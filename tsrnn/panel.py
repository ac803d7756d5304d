"""What the user gave, as flat arrays; and forecasts back into the container of the question.

All series lie end to end in one array, so that a window is an offset into it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.timegrid import TimeGrid, written


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a panel, by their role and in this order.

    `targets` are forecast; `past` covariates are known up to the cutoff, `future` ones over
    the horizon too; `static` ones are constant within a series.
    """

    targets: tuple[Hashable, ...]
    past: tuple[Hashable, ...] = ()
    future: tuple[Hashable, ...] = ()
    static: tuple[Hashable, ...] = ()

    @property
    def all(self) -> tuple[Hashable, ...]:
        """Every name, in the order of the columns of `Panel.values`."""
        return self.targets + self.past + self.future + self.static


@dataclass(frozen=True)
class Container:
    """The container that answers are given in: pandas or numpy, with one dimension or two.

    `series_level` is the name of the first level of a panel's index, `column_names` are those
    of the levels of its columns; `unnamed` says that a Series has no name.
    """

    pandas: bool
    one_dimensional: bool
    series_level: Hashable = None
    unnamed: bool = False
    column_names: tuple[Hashable, ...] = (None,)


@dataclass(frozen=True, eq=False)
class Panel:
    """One or many series on one time grid, end to end in one array.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        Targets, past, future and static columns; NaN where missing.
    offsets : ndarray of shape (n_series + 1,), int64
        Series ``s`` holds the rows ``offsets[s]:offsets[s + 1]``.
    starts : ndarray of shape (n_series,), int64
        Step number on `grid` of the first row of each series.
    grid : TimeGrid
        Turns step numbers into times.
    columns : Columns
        Names of the columns, by role.
    ids : Index or None
        Labels of the series; None for a single series that has none.
    container : Container
        What the data came in, and forecasts go out in.
    order : ndarray of shape (n_rows,) or None
        Row of the user's data that each row came from; None if they are the same, and in
        panels cut from another.
    """

    values: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    grid: TimeGrid
    columns: Columns
    ids: pd.Index | None
    container: Container
    order: np.ndarray | None = None

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.offsets) - 1

    @property
    def n_targets(self) -> int:
        """Number of target columns."""
        return len(self.columns.targets)

    @property
    def lengths(self) -> np.ndarray:
        """Number of rows of each series, shape (n_series,)."""
        return np.diff(self.offsets)

    @property
    def targets(self) -> np.ndarray:
        """View of the target columns, shape (n_rows, n_targets)."""
        return self.values[:, : self.n_targets]

    @property
    def future(self) -> np.ndarray:
        """View of the covariates known in the future, shape (n_rows, n_future)."""
        first = self.n_targets + len(self.columns.past)
        return self.values[:, first : first + len(self.columns.future)]

    def series_of(self, rows: np.ndarray) -> np.ndarray:
        """Series that each row belongs to; a row -1 before a series' first is not its own."""
        return np.searchsorted(self.offsets, rows, side="right") - 1

    def last_observed(self) -> np.ndarray:
        """Row of the last observed target of each series, the row before its first if none."""
        observed = np.flatnonzero(~np.isnan(self.targets).all(axis=1))
        before = np.searchsorted(observed, self.offsets[1:]) - 1
        last = observed[np.maximum(before, 0)] if len(observed) else np.full(self.n_series, -1)
        none = (before < 0) | (last < self.offsets[:-1])
        return np.where(none, self.offsets[:-1] - 1, last)

    def label(self, series: int) -> str:
        """Write how messages name a series: "series 'a': ", or nothing for a single one."""
        return "" if self.ids is None else f"series {written(self.ids[series])}: "

    def time_of(self, row: int, series: int | None = None) -> str:
        """Write the time of a row (one past the end of the series too, if `series` is given)."""
        s = int(self.series_of(np.array(row))) if series is None else series
        time = self.grid.times(np.array([self.starts[s] + row - self.offsets[s]]))[0]
        return written(time)

    def iter_series(self) -> Iterator[np.ndarray]:
        """Rows of each series in turn, shape (n_rows_of_series, n_columns)."""
        for first, last in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            yield self.values[first:last]

    def between(self, first: np.ndarray, last: np.ndarray) -> Panel:
        """Rows ``first[s]:last[s]`` of each series, as a panel of the same series."""
        rows, offsets = ranges(first, last - first)
        starts = self.starts + first - self.offsets[:-1]
        return replace(self, values=self.values[rows], offsets=offsets, starts=starts, order=None)

    def tail(self, n_rows: int) -> Panel:
        """Keep the last `n_rows` rows of each series up to its last observed target, and all after.

        Where the first of them lacks a value, also the rows since that was last observed.
        """
        first = np.maximum(self.offsets[:-1], self.last_observed() + 1 - n_rows)
        missing = np.isnan(self.values)
        if missing.any():
            row = np.arange(len(missing))[:, None]
            seen = np.maximum.accumulate(np.where(missing, -1, row), axis=0)[first]
            known = seen >= self.offsets[:-1, None]
            first = np.where(known, seen, first[:, None]).min(axis=1)
        return self.between(first, self.offsets[1:])

    def take(self, series: Sequence[int] | np.ndarray) -> Panel:
        """Make a panel of the series at these positions, in this order."""
        series = np.asarray(series)
        rows, offsets = ranges(self.offsets[series], self.lengths[series])
        ids = None if self.ids is None else self.ids[series]
        starts = self.starts[series]
        return replace(
            self, values=self.values[rows], offsets=offsets, starts=starts, ids=ids, order=None
        )

    def wrap(self, values: np.ndarray, lengths: np.ndarray, starts: np.ndarray) -> Any:
        """Put forecasts into the container that the data came in.

        Parameters
        ----------
        values : ndarray of shape (n_forecasts, n_targets)
            Forecasts of all series, end to end.
        lengths, starts : ndarray of shape (n_series,)
            Number of forecasts of each series, and step number of the first.
        """
        if not self.container.pandas:
            return values[:, 0] if self.container.one_dimensional else values
        index = self._index(lengths, starts)
        if self.container.one_dimensional:
            name = None if self.container.unnamed else self.columns.targets[0]
            return pd.Series(values[:, 0], index=index, name=name)
        columns = pd.Index(list(self.columns.targets))
        if columns.nlevels == len(self.container.column_names):
            columns = columns.set_names(list(self.container.column_names))
        return pd.DataFrame(values, index=index, columns=columns)

    def _index(self, lengths: np.ndarray, starts: np.ndarray) -> pd.Index:
        times = self.grid.times(ranges(starts, lengths)[0])
        if self.ids is None:
            return times
        return pd.MultiIndex.from_arrays(
            [self.ids.repeat(lengths), times], names=[self.container.series_level, self.grid.name]
        )


def ranges(first: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers ``first[i], ..., first[i] + lengths[i] - 1`` end to end, and their offsets.

    Examples
    --------
    >>> ranges(np.array([5, 0]), np.array([2, 3]))
    (array([5, 6, 0, 1, 2]), array([0, 2, 5]))
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], lengths), offsets


def from_long(table: pd.DataFrame, *, id: Hashable, time: Hashable) -> pd.DataFrame:
    """Make a (series, time) panel of a long table with one row per series and time.

    Parameters
    ----------
    table : DataFrame
        Long table in any row order.
    id, time : hashable
        Columns that hold the series label and the time.

    Returns
    -------
    panel : DataFrame
        The other columns, indexed by (id, time), sorted.

    Raises
    ------
    TypeError, ValueError
        If `table` is no DataFrame, or has no such columns.

    Examples
    --------
    >>> long = pd.DataFrame({"shop": ["b", "a", "a"], "year": [1, 2, 1], "sold": [5, 7, 6]})
    >>> from_long(long, id="shop", time="year")
               sold
    shop year
    a    1        6
         2        7
    b    1        5
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table is a {type(table).__name__}; give a long DataFrame")
    for role, name in (("id", id), ("time", time)):
        if name not in table.columns:
            raise ValueError(f"{role}={name!r} is not a column of the table: {list(table.columns)}")
    if id == time:
        raise ValueError(f"id and time are both {id!r}; name two columns")
    return table.set_index([id, time]).sort_index()
