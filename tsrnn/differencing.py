"""Changes of series, and values from their changes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.all_or_nothing import all_or_nothing
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
        Columns to difference; None is all. The others pass through, as covariates known in the
        future have to: forecasters take no missing values there, and a first row would be one.

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
        with all_or_nothing(self):
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
            Changes. Rows without labels (arrays) follow `history` or, if there is none, are
            taken to begin where the training data begin.
        history : as in fit, default None
            Values in original units, up to the row before X; later ones are not read. None is
            the training data, whose first values are known even if X begins with them.

        Returns
        -------
        values : same container and index as X

        Raises
        ------
        ValueError
            If there is a gap between `history` and X, or if no value is known from which a
            change is measured.
        """
        check_is_fitted(self)
        panel = self._read(X, self.history_)
        past = self.history_ if history is None else self._read(history, self.history_)
        past = past.take(known_series(past, panel))
        n_before = _rows_before(past, panel, unlabelled=0 if history is None else None)
        parts = []
        for changes, known, n in zip(
            panel.iter_series(), past.iter_series(), n_before, strict=True
        ):
            changes, known = changes[:, self.columns_], known[:, self.columns_]
            at_start = history is None and n == 0
            back = undo_from_start if at_start else undo
            parts.append(back(changes, self.lags_, known if at_start else known[:n]))
        values = panel.values.copy()
        values[:, self.columns_] = np.concatenate(parts)
        _check_levels(values, panel, sum(self.lags_))
        return like(X, values, panel.order)


def _check_lengths(panel: Panel, n_rows: int, transformer: Any) -> None:
    if (panel.lengths < n_rows).any():
        s = int(np.argmax(panel.lengths < n_rows))
        raise ValueError(
            f"{panel.label(s)}n_samples = {panel.lengths[s]} rows are too few for {transformer}, "
            f"which needs {n_rows}; leave the series out, or set a shorter season_length"
        )


def _rows_before(past: Panel, panel: Panel, unlabelled: int | None) -> np.ndarray:
    """How many rows of `past` come before the same series in `panel`, shape (n_series,).

    Where there are no labels to tell, it is `unlabelled` (None for all).
    """
    if not panel.grid.labelled:
        return past.lengths if unlabelled is None else np.full(panel.n_series, unlabelled)
    n_before = panel.starts - past.starts
    wrong = (n_before < 0) | (n_before > past.lengths)
    if wrong.any():
        s = int(np.argmax(wrong))
        start, end = past.time_of(int(past.offsets[s])), past.time_of(int(past.offsets[s + 1]) - 1)
        raise ValueError(
            f"{panel.label(s)}X starts at {panel.time_of(int(panel.offsets[s]))}, but its history "
            f"reaches from {start} to {end}; give history=, the values up to the row before X"
        )
    return n_before


def _check_levels(values: np.ndarray, panel: Panel, n_before: int) -> None:
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"{panel.label(int(panel.series_of(row)))}the change of column "
            f"{panel.columns.all[column]!r} at {panel.time_of(int(row))} has no value before it "
            "to start from; rows that do not begin where the training data did need history=, "
            f"the values before them (at least {n_before} rows)"
        )
