"""Alarms on what one-step residuals still carry: a season or a trend."""

from __future__ import annotations

import numpy as np
from scipy.special import fdtri

from tsrnn.alarm import Alarm, alarm
from tsrnn.chance import LEVEL, largest_correlation, steps_of
from tsrnn.forecast_alarms import HeldOut

# A season that makes less of the variance would, if it were forecast too, make errors smaller by
# less than a sixth; a trend that correlates less, by less than a tenth.
_SEASONAL, _TRENDING = 0.3, 0.44
_FEWEST = 10
# Seasons that are looked for where none is known: values resemble those just before them without
# one, and a year of days is the longest that is common.
_SHORTEST_UNKNOWN, _LONGEST_UNKNOWN = 4, 366


def residual_season(held: HeldOut) -> Alarm | None:
    """Whether one-step residuals repeat after a season; None for too few of them.

    Asked are the seasons of the forecaster and of the time index. Where neither has any, every
    length that X shows three times is, of which the most telling counts.
    """
    residuals, unlike = _residuals(held), _unlike(held)
    longest = min(_LONGEST_UNKNOWN, max(map(len, residuals)) // 3)
    seasons = held.seasons or tuple(range(_SHORTEST_UNKNOWN, longest + 1))
    level = LEVEL / max(1, len(seasons))
    told = [(m, *found) for m in seasons if (found := _repeats(residuals, m, unlike, level))]
    if not told:
        return None
    season, value, limit = max(told, key=lambda one: one[1] - one[2])
    return alarm(
        "season in residuals",
        value,
        limit,
        f"share of the variance of one-step residuals that comes back every {season} steps: a "
        f"season is left in them. Give season_length={season}, context_length= of two seasons or "
        "more, or train longer.",
    )


def _repeats(
    residuals: list[np.ndarray], season: int, unlike: float, level: float
) -> tuple[float, float] | None:
    """Share of the variance that a season makes, and its limit; None for too few residuals.

    The share is the correlation of residuals in the same phase, from an analysis of variance
    between the phases of each series (Fisher, 1925, Statistical Methods for Research Workers).
    The mean over the season around each is taken away first, for trends and slow changes come
    back after a season too. Correlated residuals count as fewer, as in Bartlett (1946), JRSS
    Supplement 8(1).
    """
    flat = [_without_level(r, season) for r in residuals if len(r) > season]
    parts = [_phases(r, season) for r in flat]
    if not parts:
        return None
    between, whole, n_columns, n_means, n = np.sum(parts, axis=0)
    of_means, of_rest = n_means - n_columns, n - n_means
    if of_means < 1 or of_rest < max(season, _FEWEST):
        return None
    # What the season itself adds to neighbours has gone from differences over it.
    next_to = _lagged([r[season:] - r[:-season] for r in flat], 1) ** 2
    counts = unlike * (1 - next_to) / (1 + next_to)
    chance = fdtri(*np.maximum(counts * np.array([of_means, of_rest]), 1), 1 - level)
    rest = max((whole - between) / of_rest, 1e-300)
    shares = [(f - 1) / (f - 1 + n / n_means) for f in (between / of_means / rest, chance)]
    return float(shares[0]), max(_SEASONAL, float(shares[1]))


def _phases(values: np.ndarray, season: int) -> tuple[float, ...]:
    """Squares of the means of each phase, and of all values; numbers of columns, means, values."""
    centred = _centred(values)
    length, width = values.shape
    cycles = np.full((-(-length // season) * season, width), np.nan)
    cycles[:length] = centred
    cycles = cycles.reshape(-1, season, width)
    counts = (~np.isnan(cycles)).sum(axis=0)
    squares = np.nansum(cycles, axis=0) ** 2 / np.maximum(counts, 1)
    whole = float(np.nansum(centred**2))
    seen = counts > 0
    return squares.sum(), whole, seen.any(axis=0).sum(), seen.sum(), counts.sum()


def residual_trend(held: HeldOut) -> Alarm | None:
    """Whether one-step residuals rise or fall; None for too few of them.

    Residuals that resemble their neighbours tell as much as fewer that do not. How much they do
    is measured around a parabola, as trends seldom are straight; that comes out too small, see
    Kendall (1954), Note on bias in the estimation of autocorrelation, Biometrika 41: around a
    parabola by (3 + 8 r) / n in simulations. A line that is larger than what the last value errs
    by is no chance, though: forecasts that are better than that leave nothing so large.
    """
    residuals = [r for r in _residuals(held) if len(r) > 3]
    n = sum(map(_n_known, residuals))
    if n < _FEWEST:
        return None
    times = [_times(r) for r in residuals]
    value = abs(_correlation(np.concatenate(residuals), np.concatenate(times)))
    length = sum(map(len, residuals)) / len(residuals)
    next_to = _lagged([_without_curve(r) for r in residuals], 1)
    next_to = (length * next_to + 3) / max(length - 8, 4)
    next_to = min(max(0.0, next_to), 0.99)
    n_like = n * _unlike(held) * (1 - next_to) / (1 + next_to)
    limit = max(_TRENDING, largest_correlation(n_like, LEVEL / 2))
    return alarm(
        "trend in residuals",
        value,
        _TRENDING if value > _naive_errors(held) else limit,
        "correlation of one-step residuals with time: forecasts fall behind a trend. Use "
        "reference='last' or 'season', take differences first (Differencer), or fit again on "
        "newer data.",
    )


def _residuals(held: HeldOut) -> list[np.ndarray]:
    """One-step residuals of each series, centred and in units of its own, (n_cutoffs, n_targets).

    Missing where the truth is.
    """
    residuals = (held.truth - held.forecasts)[:, 0]
    return [_in_own_units(part) for part in np.split(residuals, _joints(held))]


def _naive_errors(held: HeldOut) -> float:
    """Size of the errors of the last value, in units of the residuals of each series."""
    errors = (held.truth - held.naive)[:, 0]
    residuals = (held.truth - held.forecasts)[:, 0]
    parts = [
        _centred(e) / max(_size(_centred(r)), 1e-300)
        for e, r in zip(*(np.split(a, _joints(held)) for a in (errors, residuals)), strict=True)
    ]
    return _size(np.concatenate(parts))


def _size(values: np.ndarray) -> float:
    """Root mean square of what is known."""
    return float(np.sqrt(np.nansum(values**2) / max(1, _n_known(values))))


def _joints(held: HeldOut) -> np.ndarray:
    return np.flatnonzero(np.diff(held.cutoffs[1])) + 1


def _in_own_units(values: np.ndarray) -> np.ndarray:
    centred = _centred(values)
    return centred / max(_size(centred), 1e-300)


def _unlike(held: HeldOut) -> float:
    """Share of the residuals that tell as much as all, where series and targets move together."""
    values = np.nan_to_num(np.concatenate(_residuals(held)))
    nth = np.unique(steps_of(*held.cutoffs), return_inverse=True)[1]
    of_times = np.bincount(nth, weights=values.sum(axis=1))
    apart, together = float((values**2).sum()), float((of_times**2).sum())
    return min(1.0, apart / together) if together > 0 else 1.0


def _without_level(values: np.ndarray, length: int) -> np.ndarray:
    """Take the mean of the `length` values around each away, of the nearest ones at the ends."""
    first = np.clip(np.arange(len(values)) - length // 2, 0, len(values) - length)
    sums, counts = (
        np.cumsum(np.vstack([np.zeros(values.shape[1]), part]), axis=0)
        for part in (np.nan_to_num(values), ~np.isnan(values))
    )
    n = np.maximum(counts[first + length] - counts[first], 1)
    return np.asarray(values - (sums[first + length] - sums[first]) / n)


def _times(values: np.ndarray) -> np.ndarray:
    """Numbers of the rows, centred over those that are known."""
    return _centred(np.arange(len(values))[:, None] + 0 * values)


def _without_curve(values: np.ndarray) -> np.ndarray:
    """Take a parabola away from each column, by least squares."""
    known = ~np.isnan(values)
    time = np.linspace(-1, 1, len(values))
    powers = np.column_stack([np.ones_like(time), time, time**2])
    left = values.copy()
    for column, seen in zip(left.T, known.T, strict=True):
        weights = np.linalg.lstsq(powers[seen], column[seen], rcond=None)[0]
        column -= powers @ weights
    return left


def _centred(values: np.ndarray) -> np.ndarray:
    n = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    return np.asarray(values - np.nansum(values, axis=0) / n)


def _n_known(values: np.ndarray) -> int:
    return int((~np.isnan(values)).sum())


def _lagged(parts: list[np.ndarray], lag: int) -> float:
    """Correlation with the values `lag` steps before."""
    now, before = ([r[lag:] for r in parts], [r[:-lag] for r in parts])
    return _correlation(np.concatenate(now), np.concatenate(before))


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    known = ~np.isnan(x) & ~np.isnan(y)
    if not known.any():
        return 0.0
    x, y = (values[known] - values[known].mean() for values in (x, y))
    size = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / size if size > 0 else 0.0
