"""Season lengths that follow from the step of time."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import pandas as pd

from tsrnn.timegrid import TimeGrid

_DAY = pd.Timedelta(days=1)
# Steps in the natural season of calendar steps: rule code without anchor -> length.
_CALENDAR = {"Y": 1, "A": 1, "Q": 4, "M": 12, "W": 52, "D": 7, "B": 5}


def season_length_of(grid: TimeGrid) -> int:
    """Return the length of the natural season of a time step, 1 where there is none.

    A day for steps shorter than a day (24 for hours, 48 for half hours), a week for days
    (5 for business days), a year for weeks (52), months (12) and quarters (4).

    Examples
    --------
    >>> season_length_of(TimeGrid.of(pd.date_range("2024", periods=9, freq="MS")))
    12
    """
    if isinstance(grid.step, int):
        return 1
    try:
        step = pd.Timedelta(grid.step)
    except ValueError:  # a calendar step has no fixed length in hours
        return _calendar_season(grid.step)
    if step == _DAY:
        return _CALENDAR["D"]
    if step % (7 * _DAY) == pd.Timedelta(0):
        return _per(_CALENDAR["W"], step // (7 * _DAY))
    length = _DAY / step
    return int(length) if length > 1 and length == int(length) else 1


def seasons_of(grid: TimeGrid) -> tuple[int, ...]:
    """Return the natural seasons of a time step, shortest first.

    Of steps shorter than a day these are the day and the week, else the one season.

    Examples
    --------
    >>> seasons_of(TimeGrid.of(pd.date_range("2024", periods=9, freq="h")))
    (24, 168)
    """
    shortest = season_length_of(grid)
    parts_of_day = isinstance(grid.step, pd.offsets.Tick) and pd.Timedelta(grid.step) < _DAY
    return (shortest, 7 * shortest) if shortest > 1 and parts_of_day else (shortest,)


def _calendar_season(step: pd.DateOffset) -> int:
    if type(step) is pd.DateOffset:  # "every 5 months" has no name
        return 1
    code = step.rule_code.split("-")[0]
    if code in ("WOM", "LWOM"):  # the third Friday of each month, say
        code = "M"
    letter = code if code in _CALENDAR else code.removeprefix("B")[0]
    return _per(_CALENDAR.get(letter, 1), step.n)


def _per(length: int, n: int) -> int:
    """Length of a season in steps of `n`, 1 where that is no whole number."""
    return length // n if length % n == 0 else 1


def resolve_season_length(season_length: int | str | Sequence[int], grid: TimeGrid) -> int:
    """Return the shortest season asked for, or that of the time step for "auto".

    Raises
    ------
    ValueError
        If `season_length` is neither "auto" nor positive whole numbers.
    """
    return resolve_season_lengths(season_length, grid)[0]


def resolve_season_lengths(
    season_length: int | str | Sequence[int], grid: TimeGrid
) -> tuple[int, ...]:
    """Return all seasons asked for, or those of the time step for "auto", shortest first.

    Raises
    ------
    ValueError
        If `season_length` is neither "auto" nor positive whole numbers.
    """
    if isinstance(season_length, str) and season_length == "auto":
        return seasons_of(grid)
    lengths: list[Any] = [season_length]
    if isinstance(season_length, Sequence):
        lengths = list(season_length)
    if not lengths or not all(_is_count(m) for m in lengths):
        raise ValueError(
            f"season_length={season_length!r} must be 'auto', a whole number >= 1 or a list of them"
        )
    return tuple(sorted({int(length) for length in lengths}))


def _is_count(length: Any) -> bool:
    return isinstance(length, Integral) and not isinstance(length, bool) and int(length) >= 1
