"""Time as whole numbers: the regular grid that timestamps of a panel lie on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

# Tried in this order to tell a user which timestamp is missing from an irregular index.
_USUAL_STEPS = ("min", "15min", "30min", "h", "D", "B", "W", "MS", "ME", "QS", "QE", "YS", "YE")


@dataclass(frozen=True)
class TimeGrid:
    """A first time and a regular step, so that every row has a whole step number.

    Parameters
    ----------
    origin : Timestamp, Period or int
        The time whose step number is 0.
    step : DateOffset or int
        Distance of two neighbouring times.
    name : hashable, default None
        Name of the time index.
    labelled : bool, default True
        False where the user gave no time (arrays): such data are taken to follow
        whatever they are appended to.

    Examples
    --------
    >>> grid = TimeGrid.of(pd.date_range("2024-01-31", periods=3, freq="ME"))
    >>> grid.times(np.array([2, 3]))
    DatetimeIndex(['2024-03-31', '2024-04-30'], dtype='datetime64[us]', freq=None)
    """

    origin: Any
    step: Any
    name: Any = None
    labelled: bool = True

    @classmethod
    def of(cls, index: pd.Index, known: TimeGrid | None = None) -> TimeGrid:
        """Find the grid of an index; `known` is believed where the index is too short to tell.

        Raises
        ------
        TypeError
            If the index holds neither timestamps, periods nor integers.
        ValueError
            If its steps are irregular or cannot be told.
        """
        if known is not None:
            return known.checked(index)
        if isinstance(index, pd.RangeIndex):
            labelled = index.start != 0 or index.step != 1
            return cls(index.start, index.step, index.name, labelled)
        if isinstance(index, pd.PeriodIndex):
            return cls(index.min(), index.freq, index.name)
        if isinstance(index, pd.DatetimeIndex):
            return cls(index.min(), _datetime_step(index), index.name)
        if pd.api.types.is_integer_dtype(index.dtype):
            steps = np.diff(np.unique(index.to_numpy()))
            return cls(int(index.min()), int(np.gcd.reduce(steps)) if len(steps) else 1, index.name)
        raise TypeError(
            f"the time index has dtype {index.dtype}; give timestamps (pd.to_datetime), "
            "periods or integers"
        )

    def checked(self, index: pd.Index) -> TimeGrid:
        """Return this grid if `index` holds the same kind of time, else raise TypeError."""
        if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not (
            pd.api.types.is_integer_dtype(index.dtype)
        ):
            raise TypeError(f"the time index has dtype {index.dtype}; fit saw {self.kind}")
        given = TimeGrid(index[0], self.step).kind
        if given != self.kind:
            raise TypeError(f"the time index holds {given}, but fit saw {self.kind}")
        counted = isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
        return replace(self, name=index.name if counted else self.name, labelled=not counted)

    @property
    def kind(self) -> str:
        """What the times are: timestamps (with their time zone), periods or integers."""
        if isinstance(self.origin, pd.Timestamp):
            return f"timestamps ({self.origin.tz})" if self.origin.tz else "timestamps"
        return "periods" if isinstance(self.origin, pd.Period) else "integers"

    @property
    def step_name(self) -> str:
        """The step as pandas writes it ("MS", "h", ...), or the integer step."""
        return getattr(self.step, "freqstr", str(self.step))

    def step_numbers(self, index: pd.Index) -> np.ndarray:
        """Step number of each time of `index`, -1 below the smallest for times off the grid.

        Returns
        -------
        numbers : ndarray of shape (n_times,), int64
            Times that do not lie on the grid get the number `OFF_GRID`.
        """
        if isinstance(self.origin, pd.Timestamp):
            return self._datetime_numbers(pd.DatetimeIndex(index))
        if isinstance(self.origin, pd.Period):
            distance = pd.PeriodIndex(index).asi8 - self.origin.ordinal
            return _divide(distance, self.origin.freq.n)
        return _divide(index.to_numpy(dtype=np.int64) - self.origin, self.step)

    def _datetime_numbers(self, index: pd.DatetimeIndex) -> np.ndarray:
        first, last = index.min(), index.max()
        before = len(pd.date_range(first, self.origin, freq=self.step)) if first < self.origin else 0
        start = self.origin - before * self.step if before else self.origin
        full = pd.date_range(start, max(last, self.origin), freq=self.step)
        position = full.as_unit(index.unit).get_indexer(index)
        return np.where(position < 0, OFF_GRID, position - before)

    def times(self, numbers: np.ndarray) -> pd.Index:
        """Times of the step numbers `numbers`, as an index of the kind that fit saw."""
        numbers = np.asarray(numbers, dtype=np.int64)
        low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
        first = self.origin + low * self.step
        if isinstance(self.origin, pd.Timestamp):
            every: pd.Index = pd.date_range(
                first, periods=high - low + 1, freq=self.step, name=self.name
            )
        elif isinstance(self.origin, pd.Period):
            first = self.origin + low * self.origin.freq.n if low else self.origin
            every = pd.period_range(first, periods=high - low + 1, name=self.name)
        else:
            every = pd.RangeIndex(first, first + (high - low + 1) * self.step, self.step, self.name)
        if len(numbers) == len(every) and (np.diff(numbers) == 1).all():
            return every
        return every[numbers - low]


OFF_GRID = np.iinfo(np.int64).min


def _divide(distance: np.ndarray, step: int) -> np.ndarray:
    return np.where(distance % step == 0, distance // step, OFF_GRID)


def _datetime_step(index: pd.DatetimeIndex) -> Any:
    if index.freq is not None:
        return index.freq
    times = index.unique().sort_values()
    if len(times) < 2:
        raise ValueError(
            f"the step of the time index cannot be told from {len(times)} timestamp(s); "
            "set it, for example X.index.freq = 'D'"
        )
    if len(times) == 2:
        return to_offset(times[1] - times[0])
    step = _inferred(times)
    if step is None:
        raise ValueError(_irregular_message(times))
    return to_offset(step)


def _inferred(times: pd.DatetimeIndex) -> Any:
    with warnings.catch_warnings():
        # Newer pandas announces another return type; to_offset takes both.
        warnings.simplefilter("ignore")
        return pd.infer_freq(times)


def _irregular_message(times: pd.DatetimeIndex) -> str:
    """Say which timestamp breaks the regular step, and how to mend it."""
    span = times[-1] - times[0]
    for name in reversed(_USUAL_STEPS):
        if span / pd.Timedelta(minutes=1) > 5_000_000 and name == "min":
            break
        full = pd.date_range(times[0], times[-1], freq=name)
        if len(times.difference(full)) == 0 and len(full) < 3 * len(times):
            gap = full.difference(times)[0]
            return (
                f"the timestamps are irregular: {gap} is missing from a step of {name!r}; "
                f"fill the grid with X.asfreq({name!r}) and leave the new rows missing (NaN)"
            )
    steps = pd.Series(times[1:] - times[:-1])
    odd = int(np.flatnonzero(steps.to_numpy() != steps.mode().iloc[0])[0])
    return (
        f"the timestamps are irregular: {times[odd + 1]} follows {times[odd]}; "
        "bring the data to one step first, for example X.resample('D').mean()"
    )
