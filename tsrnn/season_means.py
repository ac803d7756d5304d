"""Means of past seasons, which a network mixes to what its forecasts are measured from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

# Seasons as pairs of a length and of how many of them are averaged.
Spans = tuple[tuple[int, int], ...]

# Numbers averaged at once: half a megabyte for each of the arrays that this takes.
_NUMBERS_AT_ONCE = 2**16


def season_spans(seasons: tuple[int, ...], context_length: int) -> Spans:
    """Past seasons whose mean a forecast may be made of, as pairs of a length and a number.

    Of each length all seasons that the context holds, the later half of them, a quarter and so
    on down to the last one. The mean of many tells the season from noise, the last one follows
    what changes. Of the shortest season at least one, of the others those that fit.

    Examples
    --------
    >>> season_spans((24, 168), 336)
    ((24, 1), (24, 2), (24, 4), (24, 7), (24, 14), (168, 1), (168, 2))
    """
    held = {season: context_length // season for season in seasons}
    held[seasons[0]] = max(1, held[seasons[0]])
    return tuple((season, n) for season in seasons for n in _halvings(held[season]))


def _halvings(number: int) -> list[int]:
    """Halve, rounding up, until 1 is left; in rising order, nothing for 0."""
    return [*_halvings(-(-number // 2)), number] if number > 1 else [1] * number


def season_means(values: np.ndarray, first: np.ndarray, spans: Spans) -> np.ndarray:
    """Average, for every row, the rows of the same phase in its season and those before.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_targets), float64
        NaN where missing.
    first : ndarray of shape (n_rows,)
        First rows of their series.
    spans : tuple of (int, int)
        As from `season_spans`. Where the series is shorter, what there is counts.

    Returns
    -------
    means : ndarray of shape (n_rows, len(spans), n_targets)
        NaN where nothing is seen.

    Examples
    --------
    >>> values = np.array([[1.0], [20.0], [3.0], [40.0]])
    >>> season_means(values, np.zeros(4, int), ((2, 1), (2, 2)))[..., 0].T
    array([[ 1., 20.,  3., 40.],
           [ 1., 20.,  2., 30.]])
    """
    means = np.full((len(values), len(spans), values.shape[1]), np.nan)
    at_once = max(1, _NUMBERS_AT_ONCE // values.shape[1])
    for start in range(0, len(values), at_once):
        some = slice(start, start + at_once)
        rows = np.arange(*some.indices(len(values)))
        of_spans = (_means(values, rows, first[some], *one) for one in _by_season(spans))
        for k, mean in enumerate(chain.from_iterable(of_spans)):
            means[some, k] = mean
    return means


def seasons_ahead(
    values: np.ndarray,
    last: np.ndarray,
    cutoffs: np.ndarray,
    first: np.ndarray,
    horizon: int,
    spans: Spans,
) -> np.ndarray:
    """Last value and means of past seasons at the phase of each step ahead.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_targets)
        NaN where missing.
    last : ndarray of shape (n_windows, n_targets)
        Last observed values.
    cutoffs, first : ndarray of shape (n_windows,)
        Rows that forecasts follow, and first rows of their series.
    horizon : int
    spans : tuple of (int, int)
        As from `season_spans`.

    Returns
    -------
    ahead : ndarray of shape (n_windows, horizon, 1 + len(spans), n_targets)
        The last value stands for means where nothing is seen.
    """
    steps = np.arange(horizon)
    last = np.repeat(last[:, None], horizon, axis=1)
    ahead = [last]
    for season, numbers in _by_season(spans):
        rows = cutoffs[:, None] + 1 - season + steps[:season]
        for mean in _means(values, rows, first[:, None], season, numbers):
            repeated = mean[:, steps % season]
            ahead.append(np.where(np.isnan(repeated), last, repeated))
    return np.stack(ahead, axis=2)


def season_offsets(horizon: int, spans: Spans) -> np.ndarray:
    """Rows from the cutoff to the phase of each step in the last season, (horizon, n_spans)."""
    seasons = np.array([season for season, _ in spans])
    return 1 - seasons + np.arange(horizon)[:, None] % seasons


def _by_season(spans: Spans) -> list[tuple[int, list[int]]]:
    """Each length with its numbers, in the order of the spans."""
    lengths = dict.fromkeys(season for season, _ in spans)
    return [(length, [n for season, n in spans if season == length]) for length in lengths]


def _means(
    values: np.ndarray, rows: np.ndarray, first: np.ndarray, season: int, numbers: list[int]
) -> Iterator[np.ndarray]:
    """Means over so many rows a season apart, one after the other: (*rows.shape, n_targets)."""
    total = np.zeros((*rows.shape, values.shape[1]))
    count = np.zeros(total.shape, dtype=np.int32)
    for back in range(numbers[-1]):
        at = rows - back * season
        past = values[np.maximum(at, first)]
        past[at < first] = np.nan
        seen = ~np.isnan(past)
        np.add(total, past, out=total, where=seen)
        count += seen
        if back + 1 in numbers:
            yield np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
