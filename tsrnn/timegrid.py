"""Time as whole numbers: the regular grid that timestamps of a panel lie on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

# Tried in this order to tell a user which timestamp is missing from an irregular index.
_USUAL_STEPS = ("YE-{0}", "YS-{0}", "QE-{0}", "QS-{0}", "ME", "MS", "W-{1}", "B", "D")


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
    DatetimeIndex(['2024-03-31', '2024-04-30'], dtype='datetime64[us]', freq='ME')
    """

    origin: Any
    step: Any
    name: Any = None
    labelled: bool = True

    @classmethod
    def of(
        cls, index: pd.Index, known: TimeGrid | None = None, *, in_panel: bool = False
    ) -> TimeGrid:
        """Find the grid of an index; `known` is believed where the index is too short to tell.

        `in_panel` says that the index is that of one series of a panel, for the messages.

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
            return cls(index.min(), _datetime_step(index, in_panel), index.name)
        if pd.api.types.is_integer_dtype(index.dtype):
            steps = np.diff(np.unique(index.to_numpy(dtype=np.int64)))
            return cls(int(index.min()), int(np.gcd.reduce(steps)) if len(steps) else 1, index.name)
        raise TypeError(
            f"the time index has dtype {index.dtype}; give timestamps (pd.to_datetime), "
            "periods or integers" + (" in the second level: (series, time)" if in_panel else "")
        )

    def checked(self, index: pd.Index) -> TimeGrid:
        """Return this grid if `index` holds the same kind of time, else raise TypeError."""
        if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not (
            pd.api.types.is_integer_dtype(index.dtype)
        ):
            raise TypeError(f"the time index has dtype {index.dtype}, but fit saw {self.kind}")
        counted = isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
        given = TimeGrid(index[0], self.step).kind
        if given != self.kind:
            given = "rows counted from 0" if counted else given
            raise TypeError(
                f"the time index holds {given}, but fit saw {self.kind}; give the kind of index "
                "that fit was given"
            )
        if counted:  # no times were given: rows have their own numbers, wherever fit began
            return TimeGrid(0, 1, index.name, labelled=False)
        return replace(self, labelled=True)

    @property
    def kind(self) -> str:
        """What the times are: timestamps (of a time zone), periods (of a length) or integers."""
        if isinstance(self.origin, pd.Timestamp):
            return f"timestamps ({self.origin.tz})" if self.origin.tz else "timestamps"
        if isinstance(self.origin, pd.Period):
            return f"periods ({self.origin.freqstr})"
        return "integers"

    @property
    def step_name(self) -> str:
        """The step as pandas writes it ("MS", "h", ...), or the integer step."""
        return getattr(self.step, "freqstr", str(self.step))

    def filling(self, *, in_panel: bool) -> str:
        """Say how to put missing rows into data on this grid."""
        if isinstance(self.origin, pd.Timestamp):
            return filling(f"asfreq({self.step_name!r})", in_panel=in_panel)
        if isinstance(self.origin, pd.Period):
            every = f"pd.period_range(first, last, freq={self.origin.freqstr!r})"
        else:
            every = f"range(first, last + 1, {self.step})"
        return filling(f"reindex({every})", in_panel=in_panel)

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
        earlier = pd.date_range(min(first, self.origin), self.origin, freq=self.step)
        before = len(earlier) if first < self.origin else 0
        start = self.origin - before * self.step if before else self.origin
        full = pd.date_range(start, max(last, self.origin), freq=self.step)
        position = full.as_unit(index.unit).get_indexer(index)
        return np.where(position < 0, OFF_GRID, position - before)

    def times(self, numbers: np.ndarray) -> pd.Index:
        """Turn step numbers into times, as an index of the kind that fit saw."""
        numbers = np.asarray(numbers, dtype=np.int64)
        low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
        first = self.origin + low * self.step
        if isinstance(self.origin, pd.Timestamp):
            every: pd.Index = pd.date_range(
                first, periods=high - low + 1, freq=self.step, name=self.name
            )
        elif isinstance(self.origin, pd.Period):
            every = pd.period_range(first, periods=high - low + 1, name=self.name)
        else:
            end = first + (high - low + 1) * self.step
            every = pd.RangeIndex(first, end, self.step, name=self.name)
        if len(numbers) == len(every) and (np.diff(numbers) == 1).all():
            return every
        return every[numbers - low]


OFF_GRID = np.iinfo(np.int64).min


def _divide(distance: np.ndarray, step: int) -> np.ndarray:
    return np.where(distance % step == 0, distance // step, OFF_GRID)


def written(value: Any) -> str:
    """Write a time or a name as people do: no midnight, no type of pandas or numpy.

    Examples
    --------
    >>> written(pd.Timestamp("2024-01-31")), written(np.int64(3)), written("a")
    ('2024-01-31', '3', "'a'")
    """
    if isinstance(value, date | pd.Period):
        return str(value).removesuffix(" 00:00:00")
    return repr(value.item() if isinstance(value, np.generic) else value)


def filling(code: str, *, in_panel: bool) -> str:
    """Say that this method of frames puts in missing rows, in a panel series by series."""
    if in_panel:
        code = f"groupby(level=0).apply(lambda one: one.droplevel(0).{code})"
    return f"fill the grid with X.{code} and leave the new rows missing (NaN)"


def _datetime_step(index: pd.DatetimeIndex, in_panel: bool) -> Any:
    if index.freq is not None:
        return index.freq
    times = index.unique().sort_values()
    if len(times) < 2:
        raise ValueError(
            "the step of time cannot be told from a single timestamp; give more rows"
            + ("" if in_panel else ", or set it, for example X.index.freq = 'D'")
        )
    if len(times) == 2:
        return _step_between(*times)
    step = _inferred(times)
    if step is None:
        raise ValueError(_irregular_message(times, in_panel))
    return to_offset(step)


def _step_between(first: pd.Timestamp, second: pd.Timestamp) -> Any:
    """Step of two timestamps: months where both begin or end one, else days, else a duration."""
    months = 12 * (second.year - first.year) + second.month - first.month
    for month in (pd.offsets.MonthBegin(), pd.offsets.MonthEnd()):
        if months and month.is_on_offset(first) and first + months * month == second:
            return months * month
    # By the wall clock: a day has 23 or 25 hours where the clocks change.
    walls = second.tz_localize(None) - first.tz_localize(None)
    return _offset_of(second - first if walls % pd.Timedelta(days=1) else walls)


def _offset_of(step: pd.Timedelta) -> Any:
    """Offset of a duration, in days where it is whole days."""
    return to_offset(step) if step % pd.Timedelta(days=1) else pd.offsets.Day(step.days)


def _inferred(times: pd.DatetimeIndex) -> Any:
    with warnings.catch_warnings():
        # Newer pandas announces another return type; to_offset takes both.
        warnings.simplefilter("ignore")
        return pd.infer_freq(times)


def _irregular_message(times: pd.DatetimeIndex, in_panel: bool) -> str:
    """Say which timestamp breaks the regular step, and how to mend it."""
    steps = pd.Series(times[1:] - times[:-1])
    usual = steps.mode().iloc[0]
    anchor = times[0].month_name()[:3].upper(), times[0].day_name()[:3].upper()
    for name in (*(step.format(*anchor) for step in _USUAL_STEPS), _offset_of(usual).freqstr):
        gap = _first_gap(times, name)
        if gap is not None:
            code = f"asfreq({name!r})"
            return (
                f"the timestamps are irregular: {written(gap)} is missing from a step of "
                f"{name!r}; {filling(code, in_panel=in_panel)}"
            )
    odd = int(np.flatnonzero(steps.to_numpy() != usual.to_numpy())[0])
    return (
        f"the timestamps are irregular: {written(times[odd + 1])} follows {written(times[odd])}; "
        f"bring the data to one step first, for example X.resample({_offset_of(usual).freqstr!r})"
        ".mean()"
    )


def _first_gap(times: pd.DatetimeIndex, step: str) -> Any:
    """First time that is missing if the step is this one; None if it cannot be."""
    span, n_likely = times[-1] - times[0], 3 * len(times)
    offset = to_offset(step)
    if isinstance(offset, pd.offsets.Tick) and span > n_likely * pd.Timedelta(offset):
        return None
    full = pd.date_range(times[0], times[-1], freq=offset)
    gaps = full.difference(times)
    if len(full) >= n_likely or len(times.difference(full)) or not len(gaps):
        return None
    return gaps[0]
