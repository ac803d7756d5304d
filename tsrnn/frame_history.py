"""Rows that an estimator was fitted on, as the user gave them, and the rows that follow them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.history import extend, follow, follows, match_series, resume
from tsrnn.panel import Columns, Container, Panel
from tsrnn.reading import read_panel, to_frame
from tsrnn.rolling import roll
from tsrnn.timegrid import TimeGrid


@dataclass(frozen=True, eq=False)
class FrameHistory:
    """Rows of any columns (categories, texts) in their order of time.

    Only the targets are read as numbers; a panel of them and of the number of each row says
    what follows what, and then the rows themselves are put together.

    Attributes
    ----------
    rows : DataFrame or ndarray of shape (n_rows, n_columns)
    targets : tuple of names
        Columns that say how far a series is observed; without any, every row counts.
    grid : TimeGrid or None
        None finds it in `rows`.
    """

    rows: Any
    targets: tuple[Hashable, ...]
    grid: TimeGrid | None = None

    @property
    def panel(self) -> Panel:
        """Targets of the rows, and their numbers in a last column."""
        return self._numbered(self.rows, 0)

    def like(self, X: Any) -> Any:
        """X with rows of the kind and columns that these have.

        Raises
        ------
        ValueError
            If X has other columns, naming them.
        """
        if not isinstance(self.rows, pd.DataFrame):
            return _array(X)
        frame = to_frame(X)
        columns = self.rows.columns
        if not hasattr(X, "iloc") and frame.shape[1] == len(columns):
            return frame.set_axis(columns, axis=1)
        if list(frame.columns) != list(columns):
            lacks = [c for c in columns if c not in frame.columns]
            more = [c for c in frame.columns if c not in columns]
            raise ValueError(
                f"X has other columns than in fit: missing {lacks}, unexpected {more}; feature "
                f"names should match those passed during fit, in their order: {list(columns)}"
            )
        return frame

    def followed_by(self, rows: Any) -> tuple[Any, np.ndarray]:
        """All rows together, and where `rows` stand in them.

        Raises
        ------
        ValueError
            If `rows` do not follow, saying where these end.
        """
        joined, _ = follow(self.panel, self._numbered(rows))
        return self._together(rows, joined)

    def context_of(self, rows: Any, *, own: bool) -> tuple[Any, np.ndarray]:
        """`rows` with those before them, and where they stand in them.

        Parameters
        ----------
        rows : as `self.rows`
        own : bool
            Whether rows that do not continue these, as in `tsrnn.history.resume`, are a
            history of their own. Otherwise they may repeat some of these.
        """
        new, past = self._numbered(rows), self.panel
        if own:
            joined, first = resume(past, new)
            if (first == joined.offsets[:-1]).all():
                return rows, np.arange(len(rows))
            return self._together(rows, joined)
        past = _until(past, new)
        if new.grid.labelled and not follows(past, new):
            return rows, np.arange(len(rows))
        return self._together(rows, follow(past, new)[0])

    def extended(self, rows: Any) -> FrameHistory:
        """Return these rows with `rows` behind; raises as `followed_by`."""
        longer = extend(self.panel, self._numbered(rows))
        return replace(self, rows=self._together(rows, longer)[0])

    def roll(self, rows: Any, horizon: int) -> tuple[Any, Panel, np.ndarray, np.ndarray]:
        """All rows together, and `tsrnn.rolling.roll` through `rows`."""
        panel, series, cutoffs = roll(self.panel, self._numbered(rows), horizon)
        return self._together(rows, panel)[0], panel, series, cutoffs

    def _numbered(self, rows: Any, first: int | None = None) -> Panel:
        first = len(self.rows) if first is None else first
        if self.targets:
            panel = read_panel(rows[list(self.targets)], grid=self.grid)
        else:
            index = rows.index if isinstance(rows, pd.DataFrame) else None
            counted = pd.DataFrame({"row": np.arange(len(rows))}, index=index)
            panel = read_panel(counted, grid=self.grid)
        numbers = np.arange(len(rows)) if panel.order is None else panel.order
        values = np.column_stack([panel.values, first + numbers])
        return replace(panel, values=values, columns=Columns(panel.columns.targets, ("row",)))

    def _together(self, rows: Any, joined: Panel) -> tuple[Any, np.ndarray]:
        numbers = joined.values[:, -1].astype(np.int64)
        is_new = numbers >= len(self.rows)
        places = np.zeros(len(rows), dtype=np.int64)
        places[numbers[is_new] - len(self.rows)] = np.flatnonzero(is_new)
        if not isinstance(self.rows, pd.DataFrame):
            return np.concatenate([self.rows, rows])[numbers], places
        whole = pd.concat([self.rows, rows]).iloc[numbers]
        if joined.ids is None:  # rows without labels get those that follow the history
            whole.index = joined.grid.times(joined.starts[0] + np.arange(len(whole)))
        return whole, places


def rows_of(X: Any, *, as_frame: bool) -> Any:
    """X as a frame, or as an array where it is none and `as_frame` does not ask for one."""
    return to_frame(X) if as_frame or hasattr(X, "iloc") else _array(X)


def take(rows: Any, places: np.ndarray) -> Any:
    """Rows at some places of a frame or array."""
    return rows.iloc[places] if isinstance(rows, pd.DataFrame) else rows[places]


def container_of(X: Any) -> Container:
    """Say what answers to X come in."""
    unnamed = isinstance(X, pd.Series) and X.name is None
    return Container(hasattr(X, "iloc"), np.ndim(X) == 1, unnamed=unnamed)


def unwrapped(forecasts: pd.DataFrame, container: Container) -> Any:
    """Forecasts as Series or array, where the question came as one."""
    answer: Any = forecasts
    if container.one_dimensional:
        answer = forecasts.iloc[:, 0]
        answer = answer.rename(None) if container.unnamed else answer
    return answer if container.pandas else answer.to_numpy()


def _array(X: Any) -> np.ndarray:
    array = np.asarray(X)
    return array[:, None] if array.ndim == 1 else array


def _until(history: Panel, new: Panel) -> Panel:
    """Rows of `history` before those of the same series in `new`."""
    if not new.grid.labelled:
        return history
    series = match_series(history, new)
    known = series >= 0
    kept = history.lengths
    begin = new.starts - history.starts[series]
    kept[series[known]] = np.clip(begin[known], 0, kept[series[known]])
    return history.between(history.offsets[:-1], history.offsets[:-1] + kept)
