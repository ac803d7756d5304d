"""Seasonal adjustment of series, and its way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.all_or_nothing import all_or_nothing
from tsrnn.naive import seasonal_fill
from tsrnn.panel import Panel
from tsrnn.reading import to_frame
from tsrnn.season import resolve_season_length
from tsrnn.time_transformer import TimeTransformer, like
from tsrnn.timegrid import OFF_GRID


class Deseasonalizer(TimeTransformer):
    """Take the seasonal cycle out of series (STL), and put it back into forecasts.

    The cycle of each series and column is learned from the training data, over which it may
    change slowly. Rows after it get the last cycle repeated, by their position in time: what
    `transform` does to a row after the training data depends on no other row.

    Parameters
    ----------
    season_length : int, list of int or "auto", default "auto"
        Steps in the cycle (the shortest of a list); "auto" follows from the time index (12
        for months, 1 for arrays). With 1 nothing changes.
    model : {"additive", "multiplicative"}, default "additive"
        Subtract the cycle, or divide by it (which needs positive values).
    robust : bool, default False
        Give outliers less weight in STL.
    columns : name or list of names, default None
        Columns to change; None is all. The others pass through.

    Attributes
    ----------
    seasonal_ : Panel
        The cycle in every training row, in the layout of the training data.
    season_length_ : int

    Notes
    -----
    Missing values stay missing; for STL they are filled from the season before or after, and
    then again from the line between their neighbours without the cycle.
    Rows without labels (arrays) count from the start of the training data.

    STL is from Cleveland, Cleveland, McRae and Terpenning (1990), Journal of Official
    Statistics 6, 3-73; here the one of statsmodels is used.

    Examples
    --------
    >>> import pandas as pd
    >>> sold = np.tile([1.0, 2.0, 6.0], 4) + np.arange(12)
    >>> plain = Deseasonalizer(season_length=3).fit_transform(sold)
    >>> plain.round(6).tolist()[:3]
    [3.0, 4.0, 5.0]
    """

    def __init__(
        self,
        season_length: Any = "auto",
        model: str = "additive",
        robust: bool = False,
        *,
        columns: Any = None,
    ) -> None:
        self.season_length = season_length
        self.model = model
        self.robust = robust
        self.columns = columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the cycle of every series and column.

        Parameters
        ----------
        X : Series, DataFrame, array or (series, time) panel
            Rows are time steps; each series has at least two seasons.
        y : object, default None
            Ignored.

        Raises
        ------
        ValueError
            If a parameter is out of range, a series is shorter than two seasons or all
            missing, or values are not positive in the multiplicative model.
        """
        if self.model not in ("additive", "multiplicative"):
            raise ValueError(f"model={self.model!r} must be 'additive' or 'multiplicative'")
        with all_or_nothing(self):
            panel = self._read_training(X)
            self.season_length_ = resolve_season_length(self.season_length, panel.grid)
            self.seasonal_ = replace(panel, values=self._cycles(panel))
        return self

    def transform(self, X: Any) -> Any:
        """X without its seasonal cycle.

        Parameters
        ----------
        X : as in fit
            Any rows of series that fit saw.

        Returns
        -------
        adjusted : same container and index as X

        Raises
        ------
        ValueError
            If fit never saw one of the series, or a time is off the grid of the training data.
        """
        return self._combine(X, np.subtract if self.model == "additive" else np.divide)

    def inverse_transform(self, X: Any) -> Any:
        """X with its seasonal cycle.

        Parameters
        ----------
        X : as in fit
            Any rows of series that fit saw, also with the same time more than once.

        Returns
        -------
        values : same container and index as X

        Raises
        ------
        ValueError
            As in `transform`.
        """
        return self._combine(X, np.add if self.model == "additive" else np.multiply)

    def _combine(self, X: Any, operation: np.ufunc) -> Any:
        check_is_fitted(self)
        self._check_columns(X)
        frame = to_frame(X)
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        return like(X, operation(values, self.seasonal_.values[self._rows(frame.index)]))

    def _rows(self, index: pd.Index) -> np.ndarray:
        """Row of `seasonal_` that holds the cycle at each time of an index."""
        fitted = self.seasonal_
        series, times = _series_and_times(fitted, index)
        grid = fitted.grid.checked(times)
        number = grid.step_numbers(times) if grid.labelled else np.arange(len(times))
        if (number == OFF_GRID).any():
            raise ValueError(
                f"time {times[int(np.argmax(number == OFF_GRID))]} does not lie on the steps "
                f"({grid.step_name}) that fit saw"
            )
        place = number - (fitted.starts[series] if grid.labelled else 0)
        length, season = fitted.lengths[series], self.season_length_
        last_cycle = length - season + (place - length) % season
        place = np.where(place < 0, place % season, np.where(place < length, place, last_cycle))
        return fitted.offsets[series] + place

    def _cycles(self, panel: Panel) -> np.ndarray:
        """Cycles of all series and columns, row by row."""
        neutral = 0.0 if self.model == "additive" else 1.0
        cycles = np.full_like(panel.values, neutral)
        if self.season_length_ > 1:
            for s in range(panel.n_series):
                rows = slice(panel.offsets[s], panel.offsets[s + 1])
                for column in self.columns_:
                    cycles[rows, column] = self._cycle(panel, s, int(column))
        return cycles

    def _cycle(self, panel: Panel, series: int, column: int) -> np.ndarray:
        """Seasonal part of one series, shape (n_rows,)."""
        first, last = panel.offsets[series : series + 2]
        values, season = panel.values[first:last, column], self.season_length_
        where = f"{panel.label(series)}column {panel.columns.all[column]!r}"
        if len(values) < 2 * season:
            raise ValueError(
                f"{where} has n_samples = {len(values)} rows, but season_length={season} needs "
                f"two seasons ({2 * season} rows); set a shorter one, or leave the series out"
            )
        if np.isnan(values).all():
            raise ValueError(f"{where} has no observed value; leave it out")
        if self.model == "additive":
            return _stl(values, season, self.robust)
        if (values <= 0).any():
            time = panel.time_of(int(first + np.argmax(values <= 0)))
            raise ValueError(
                f"{where} is not positive at {time}; model='multiplicative' needs values > 0, "
                "use model='additive'"
            )
        return np.exp(_stl(np.log(values), season, self.robust))


def _stl(values: np.ndarray, season_length: int, robust: bool) -> np.ndarray:
    """Seasonal part of values, some of which may be missing."""
    from statsmodels.tsa.seasonal import STL

    bounds, row = np.array([0, len(values)]), np.arange(len(values))
    filled = seasonal_fill(values[:, None], bounds, season_length)
    filled = seasonal_fill(filled[::-1], bounds, season_length)[::-1, 0]
    seasonal = STL(filled.copy(), period=season_length, robust=robust).fit().seasonal
    seen = ~np.isnan(values)
    for _ in range(0 if seen.all() else 2):  # values of another season have another trend
        trend = np.interp(row, row[seen], (values - seasonal)[seen])
        filled = np.where(seen, values, trend + seasonal)
        seasonal = STL(filled, period=season_length, robust=robust).fit().seasonal
    return seasonal


def _series_and_times(fitted: Panel, index: pd.Index) -> tuple[np.ndarray, pd.Index]:
    if not isinstance(index, pd.MultiIndex) or index.nlevels != 2:
        if fitted.ids is not None:
            raise ValueError("fit saw a panel; give X a (series, time) index")
        return np.zeros(len(index), dtype=np.int64), index
    if fitted.ids is None:
        raise ValueError("fit saw a single series, but X is a panel; fit on a panel")
    labels = index.get_level_values(0)
    series = fitted.ids.get_indexer(labels)
    if (series < 0).any():
        new = labels[int(np.argmax(series < 0))]
        raise ValueError(
            f"series {new!r}: fit never saw this series; fit on data that hold it, or leave it out"
        )
    return series, index.get_level_values(1)
