"""Training and test rows from a rolling origin, for one series or a panel of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.validation import _num_samples


class RollingOriginSplit(BaseCrossValidator):  # type: ignore[misc]
    """Split time series at cutoffs that move forward: training before, test after.

    The last test part ends with the data, and every earlier one `step` rows before the next.
    Whatever the parameters, all training rows come before all test rows of their fold.

    A frame with a (series, time) MultiIndex is a panel, whose folds hold many series:

    - Timestamps and periods are a calendar that the series share. All series are cut at the
      same cutoff times, counted back from the latest time of the panel. So a global model
      never learns from a row after the cutoff at which another series is tested. Series that
      ended before still train; only series with rows up to the cutoff and over the whole test
      part are tested.
    - Integers count the steps of each series by themselves, as in the M competitions. Cutoffs
      are counted back from each series' own end. If integers are calendar times (years, days)
      and the series end apart, make them periods first, for example
      ``pd.PeriodIndex(years, freq="Y")``; else one series may train on what comes after the
      cutoff of another.

    A series too short for a fold is left out of that fold. The rows may come in any order of
    the series (series after series, or time after time).

    Parameters
    ----------
    n_splits : int, default 5
        Number of cutoffs.
    horizon : int, default 1
        Time steps in each test part.
    step : int, default None
        Time steps from one cutoff to the next; None is `horizon`, so that test parts do not
        overlap.
    gap : int, default 0
        Time steps left out between training and test, for forecasts that are made ahead of
        their use. `backtest` forecasts across the gap; `score` of a forecaster, and so a grid
        search, wants rows right after the training data.
    max_train_size : int, default None
        Most time steps that a series trains on, the latest ones; None trains on all.

    Raises
    ------
    ValueError
        If a parameter is not a whole number in its range; in `split`, if no series is long
        enough, naming the length needed.

    Examples
    --------
    >>> cv = RollingOriginSplit(2, horizon=3, gap=1)
    >>> for train, test in cv.split(range(10)):
    ...     print(train, test)
    [0 1 2] [4 5 6]
    [0 1 2 3 4 5] [7 8 9]

    Two shops, of which the second opened late, cut at the same days:

    >>> days = pd.date_range("2024-01-01", periods=6)
    >>> index = [("a", day) for day in days] + [("b", day) for day in days[4:]]
    >>> panel = pd.DataFrame({"sold": range(8)}, index=pd.MultiIndex.from_tuples(index))
    >>> for train, test in RollingOriginSplit(2).split(panel):
    ...     print(train, test)
    [0 1 2 3] [4]
    [0 1 2 3 4 6] [5 7]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        horizon: int = 1,
        step: int | None = None,
        gap: int = 0,
        max_train_size: int | None = None,
    ) -> None:
        for name, value, least in (
            ("n_splits", n_splits, 1),
            ("horizon", horizon, 1),
            ("step", step, 1),
            ("gap", gap, 0),
            ("max_train_size", max_train_size, 1),
        ):
            optional = name in ("step", "max_train_size")
            _check_whole(name, value, least, optional=optional)
        self.n_splits = n_splits
        self.horizon = horizon
        self.step = step
        self.gap = gap
        self.max_train_size = max_train_size

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of cutoffs, `n_splits`.

        Parameters
        ----------
        X, y, groups : object, default None
            Ignored.
        """
        return int(self.n_splits)

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the training and test rows of each fold, earliest cutoff first.

        Parameters
        ----------
        X : Series, DataFrame, array or (series, time) panel
            Rows in time order (within each series of a panel, whatever order they stand in).
        y, groups : object, default None
            Ignored.

        Yields
        ------
        train, test : ndarray of int
            Row positions in X, ascending.

        Raises
        ------
        ValueError
            If no series is long enough for a fold, or a panel has a row twice.
        """
        rows = _rows_of(X)
        for fold in range(self.n_splits):
            yield self._cut(rows, fold)

    def _cut(self, rows: _Rows, fold: int) -> tuple[np.ndarray, np.ndarray]:
        step = self.horizon if self.step is None else self.step
        test_end = -(self.n_splits - 1 - fold) * step
        cutoff = test_end - self.horizon - self.gap
        in_test = (rows.numbers >= test_end - self.horizon) & (rows.numbers < test_end)
        in_train = rows.numbers < cutoff
        if self.max_train_size is not None:
            in_train &= rows.numbers >= cutoff - self.max_train_size
        n_test = np.bincount(rows.series[in_test], minlength=rows.n_series)
        n_train = np.bincount(rows.series[in_train], minlength=rows.n_series)
        tested = (n_test == self.horizon) & (n_train > 0)
        if not tested.any():
            raise ValueError(self._too_short(rows, step, fold, cutoff))
        return np.flatnonzero(in_train), np.flatnonzero(in_test & tested[rows.series])

    def _too_short(self, rows: _Rows, step: int, fold: int, cutoff: int) -> str:
        needed = 1 + self.gap + self.horizon + (self.n_splits - 1) * step
        asked = f"n_splits={self.n_splits}, horizon={self.horizon}, step={step}, gap={self.gap}"
        if rows.n_steps >= needed:
            return (
                f"{asked}: in fold {fold + 1} no series has rows both up to the cutoff "
                f"({-cutoff} steps before the end of the panel) and over the whole test part; "
                "reduce them, or leave out the series that end later than the others"
            )
        possible = (rows.n_steps - 1 - self.gap - self.horizon) // step + 1
        remedy = f"n_splits={possible}" if possible > 0 else "a smaller horizon or gap"
        what = "the longest series of X" if rows.is_panel else "X"
        return f"{asked} need {needed} time steps, but {what} has {rows.n_steps}; take {remedy}"


@dataclass(frozen=True)
class _Rows:
    """Series of each row, and its time step counted back from the end: the last is -1."""

    series: np.ndarray
    numbers: np.ndarray
    is_panel: bool = False

    @property
    def n_series(self) -> int:
        return int(self.series.max(initial=-1)) + 1

    @property
    def n_steps(self) -> int:
        """Length of the calendar, or of the longest series where each counts by itself."""
        return -int(self.numbers.min(initial=0))


def _rows_of(X: Any) -> _Rows:
    index = getattr(X, "index", None)
    if not isinstance(index, pd.MultiIndex):
        n_rows = _num_samples(X)
        return _Rows(np.zeros(n_rows, dtype=np.int64), np.arange(n_rows) - n_rows)
    if not index.is_unique:
        double = index[index.duplicated()][0]
        raise ValueError(f"X has more than one row {double}; drop all but one")
    series = pd.factorize(index.droplevel(-1))[0]
    times = index.get_level_values(-1)
    return _Rows(series, _numbers_from_end(series, times), is_panel=True)


def _numbers_from_end(series: np.ndarray, times: pd.Index) -> np.ndarray:
    if times.dtype.kind not in "iu":
        ranks, calendar = pd.factorize(times, sort=True)
        return ranks - len(calendar)
    latest_first = np.lexsort((times.to_numpy(), series))[::-1]
    lengths = np.bincount(series)[::-1]
    numbers = np.empty(len(series), dtype=np.int64)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    numbers[latest_first] = -1 - (np.arange(len(series)) - starts)
    return numbers


def _check_whole(name: str, value: Any, least: int, *, optional: bool) -> None:
    if optional and value is None:
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        choice = f"None or a whole number >= {least}" if optional else f"a whole number >= {least}"
        raise ValueError(f"{name}={value!r} must be {choice}")
