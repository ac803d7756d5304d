"""Changes of series, and values from their changes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.differences import differences, undo, undo_from_start
from tsrnn.history import follow, follows
from tsrnn.panel import Panel, ranges
from tsrnn.season import resolve_season_length
from tsrnn.time_transformer import TimeTransformer, known_series, like


class Differencer(TimeTransformer):
    """Replace values by their changes, from step to step, from season to season, or both.

    Rows keep their number: the first ones, which have nothing before them, become missing
    (NaN). After a missing value the change is measured from the last observed one, so that
    no other row is lost.

    Parameters
    ----------
    order : int, default 1
        How many times to take the change from one step to the next.
    season_length : int, "auto" or None, default None
        Before that, take the change from one season to the next (once); "auto" follows from
        the time index (12 for months). None and 1 take none.
    columns : name or list of names, default None
        Columns to difference; None is all. The others pass through.

    Attributes
    ----------
    history_ : Panel
        The training data: what later rows and forecasts follow.
    lags_ : tuple of int
        The differences taken, in this order.

    Notes
    -----
    See Box, Jenkins, Reinsel and Ljung (2015), Time Series Analysis, chapters 4 and 9.

    Examples
    --------
    >>> import pandas as pd
    >>> sold = pd.Series([1.0, 3, 6], index=pd.date_range("2024", periods=3, freq="YS"))
    >>> steps = Differencer().fit(sold)
    >>> steps.transform(sold).tolist()
    [nan, 2.0, 3.0]

    Changes that follow the training data become levels again:

    >>> ahead = pd.Series([4.0, 4.0], index=pd.date_range("2027", periods=2, freq="YS"))
    >>> steps.inverse_transform(ahead).tolist()
    [10.0, 14.0]
    """

    def __init__(
        self, order: int = 1, season_length: int | str | None = None, *, columns: Any = None
    ) -> None:
        self.order = order
        self.season_length = season_length
        self.columns = columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the training data.

        Parameters
        ----------
        X : Series, DataFrame, array or (series, time) panel
            Rows are time steps.
        y : object, default None
            Ignored.

        Raises
        ------
        ValueError
            If a parameter is out of range, or a series has too few rows for it.
        """
        if not isinstance(self.order, int | np.integer) or self.order < 0:
            raise ValueError(f"order={self.order!r} must be a whole number >= 0")
        panel = self._read_training(X)
        season = 1 if self.season_length is None else self.season_length
        season = resolve_season_length(season, panel.grid)
        self.lags_ = (season,) * (season > 1) + (1,) * int(self.order)
        _check_lengths(panel, sum(self.lags_) + 1, self)
        self.history_ = panel
        return self

    def transform(self, X: Any) -> Any:
        """Give the changes of X.

        Parameters
        ----------
        X : as in fit
            Labelled rows right after the training data are compared with it; other rows
            with each other only.

        Returns
        -------
        changes : same container and index as X
        """
        check_is_fitted(self)
        panel = whole = self._read(X, self.history_)
        first = panel.offsets[:-1]
        if follows(self.history_, panel):
            whole, first = follow(self.history_, panel)
        values = whole.values.copy()
        for begin, end in zip(whole.offsets[:-1], whole.offsets[1:], strict=True):
            part = values[begin:end, self.columns_]
            values[begin:end, self.columns_] = differences(part, self.lags_)[-1]
        rows, _ = ranges(first, whole.offsets[1:] - first)
        return like(X, values[rows], panel.order)

    def inverse_transform(self, X: Any, history: Any = None) -> Any:
        """Give the values whose changes are X.

        Parameters
        ----------
        X : as in fit
            Changes: of the training data from its start on, or of rows that follow `history`.
            Rows without labels (arrays) are taken to begin at the start of the training data,
            unless `history` is given.
        history : as in fit, default None
            Values in original units, up to the row before X. None is the training data.

        Returns
        -------
        values : same container and index as X

        Raises
        ------
        ValueError
            If X neither starts with the training data nor follows `history`, or if no value
            is known from which a change is measured.
        """
        check_is_fitted(self)
        panel = self._read(X, self.history_)
        past = self.history_ if history is None else self._read(history, self.history_)
        series = known_series(past, panel)
        labelled = panel.grid.labelled
        if history is None and (not labelled or (panel.starts == past.starts[series]).all()):
            parts = self._from_start(panel, past.take(series))
        else:
            _check_follows(past, panel, series)
            parts = self._after(*follow(past, panel))
        values = panel.values.copy()
        values[:, self.columns_] = np.concatenate(parts)
        _check_levels(values, panel, sum(self.lags_))
        return like(X, values, panel.order)

    def _from_start(self, panel: Panel, start: Panel) -> list[np.ndarray]:
        both = zip(panel.iter_series(), start.iter_series(), strict=True)
        columns = self.columns_
        return [undo_from_start(x[:, columns], self.lags_, k[:, columns]) for x, k in both]

    def _after(self, whole: Panel, first: np.ndarray) -> list[np.ndarray]:
        n_before = first - whole.offsets[:-1]
        parts = [values[:, self.columns_] for values in whole.iter_series()]
        return [undo(x[n:], self.lags_, x[:n]) for x, n in zip(parts, n_before, strict=True)]


def _check_lengths(panel: Panel, n_rows: int, transformer: Any) -> None:
    if (panel.lengths < n_rows).any():
        s = int(np.argmax(panel.lengths < n_rows))
        raise ValueError(
            f"{panel.label(s)}n_samples = {panel.lengths[s]} rows are too few for {transformer}, "
            f"which needs {n_rows}; leave the series out, or set a shorter season_length"
        )


def _check_follows(past: Panel, panel: Panel, series: np.ndarray) -> None:
    end = past.starts[series] + past.lengths[series]
    late = panel.starts != end
    if panel.grid.labelled and late.any() and not follows(past, panel):
        s = int(np.argmax(late))
        last = past.time_of(int(past.offsets[series[s] + 1]) - 1)
        raise ValueError(
            f"{panel.label(s)}X starts at {panel.time_of(int(panel.offsets[s]))}, but its history "
            f"ends at {last}; give history=, the values up to the row before X"
        )


def _check_levels(values: np.ndarray, panel: Panel, n_before: int) -> None:
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"{panel.label(int(panel.series_of(row)))}the change of column "
            f"{panel.columns.all[column]!r} at {panel.time_of(int(row))} has no value before it "
            "to start from; rows that do not begin where the training data did need history=, "
            f"the values before them (at least {n_before} rows)"
        )
