"""Transformers that know about time, and whose forecasts can be turned back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.differencing import differences, undo, undo_from_start
from tsrnn.history import follow, follows, match_series
from tsrnn.naive import seasonal_fill
from tsrnn.panel import Panel, ranges
from tsrnn.reading import read_panel, to_frame
from tsrnn.season import resolve_season_length
from tsrnn.timegrid import OFF_GRID


class _TimeTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Reading of series, and answers in the container of the question."""

    columns: Any = None

    def _read(self, X: Any, *, reset: bool = False) -> Panel:
        named = isinstance(X, pd.Series | pd.DataFrame)
        validate_data(self, to_frame(X) if named else X, reset=reset, skip_check_array=True)
        if reset:
            panel = read_panel(X)
            self.columns_ = _positions(self.columns, panel.columns.targets)
            return panel
        return read_panel(X, grid=self.history_.grid)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _positions(columns: Any, names: tuple[Any, ...]) -> np.ndarray:
    if columns is None:
        return np.arange(len(names))
    wanted = list(columns) if isinstance(columns, list | tuple | pd.Index) else [columns]
    for name in wanted:
        if name not in names:
            raise ValueError(f"columns={name!r} is not a column of X: {list(names)}")
    return np.array([names.index(name) for name in wanted], dtype=np.int64)


def _like(values: np.ndarray, X: Any, order: np.ndarray | None = None) -> Any:
    """Rows of a panel in the order and container of X."""
    if order is not None:
        values = values[np.argsort(order)]
    if isinstance(X, pd.Series):
        return pd.Series(values[:, 0], index=X.index, name=X.name)
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame(values, index=X.index, columns=X.columns)
    return values[:, 0] if np.ndim(X) == 1 else values


class Differencer(_TimeTransformer):
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
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    See Box, Jenkins, Reinsel and Ljung (2015), Time Series Analysis, chapters 4 and 9.

    Examples
    --------
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
        y : object, default None
            Ignored.

        Raises
        ------
        ValueError
            If a parameter is out of range, or a series has too few rows for it.
        """
        if not isinstance(self.order, int | np.integer) or self.order < 0:
            raise ValueError(f"order={self.order!r} must be a whole number >= 0")
        panel = self._read(X, reset=True)
        season = 1 if self.season_length is None else self.season_length
        season = resolve_season_length(season, panel.grid)
        self.lags_ = (season,) * (season > 1) + (1,) * int(self.order)
        _check_long_enough(panel, sum(self.lags_) + 1, self)
        self.history_ = panel
        return self

    def transform(self, X: Any) -> Any:
        """Changes of X.

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
        panel = whole = self._read(X)
        first = panel.offsets[:-1]
        if follows(self.history_, panel):
            whole, first = follow(self.history_, panel)
        values = whole.values.copy()
        for begin, end in zip(whole.offsets[:-1], whole.offsets[1:], strict=True):
            part = values[begin:end, self.columns_]
            values[begin:end, self.columns_] = differences(part, self.lags_)[-1]
        rows, _ = ranges(first, whole.offsets[1:] - first)
        return _like(values[rows], X, panel.order)

    def inverse_transform(self, X: Any, history: Any = None) -> Any:
        """Values whose changes are X.

        Parameters
        ----------
        X : as in fit
            Changes, of the training data from its start, or of rows that follow `history`.
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
            If X neither starts where the training data (or `history`) start nor follows them,
            or if no value is known from which a change is measured.
        """
        check_is_fitted(self)
        panel = self._read(X)
        past = self.history_ if history is None else self._read(history)
        series = _known_series(past, panel)
        at_start = not panel.grid.labelled or (panel.starts == past.starts[series]).all()
        if history is None and at_start:
            values = self._from_start(panel, past.take(series))
        else:
            values = self._after(panel, *follow(past, panel))
        _check_levels(values, panel, sum(self.lags_))
        return _like(values, X, panel.order)

    def _from_start(self, panel: Panel, start: Panel) -> np.ndarray:
        values = panel.values.copy()
        for s, known in enumerate(start.iter_series()):
            rows = slice(panel.offsets[s], panel.offsets[s + 1])
            part, known = values[rows, self.columns_], known[:, self.columns_]
            values[rows, self.columns_] = undo_from_start(part, self.lags_, known)
        return values

    def _after(self, panel: Panel, whole: Panel, first: np.ndarray) -> np.ndarray:
        values = panel.values.copy()
        for s, both in enumerate(whole.iter_series()):
            n_before = first[s] - whole.offsets[s]
            before, changes = both[:n_before, self.columns_], both[n_before:, self.columns_]
            rows = slice(panel.offsets[s], panel.offsets[s + 1])
            values[rows, self.columns_] = undo(changes, self.lags_, before)
        return values


def _check_long_enough(panel: Panel, n_rows: int, transformer: Any) -> None:
    if (panel.lengths < n_rows).any():
        s = int(np.argmax(panel.lengths < n_rows))
        raise ValueError(
            f"{panel.label(s)}{panel.lengths[s]} rows are too few for {transformer!r}, which "
            f"needs {n_rows}; leave the series out, or set a shorter season_length"
        )


def _known_series(past: Panel, panel: Panel) -> np.ndarray:
    """Position of each series in `past`, an error if it is not there."""
    series = match_series(past, panel)
    if (series < 0).any():
        new = int(np.argmax(series < 0))
        raise ValueError(
            f"{panel.label(new)}nothing is known of this series; fit on data that hold it"
        )
    return series


def _check_levels(values: np.ndarray, panel: Panel, n_before: int) -> None:
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"{panel.label(int(panel.series_of(row)))}the change of column "
            f"{panel.columns.all[column]!r} at {panel.time_of(int(row))} has no value before it "
            "to start from; rows that do not begin where the training data did need history=, "
            f"the values before them (at least {n_before} observed)"
        )
