"""Means of past seasons, which a network mixes to what its forecasts are measured from."""

from __future__ import annotations

import numpy as np

# Seasons as pairs of a length and of how many of them are averaged.
Spans = tuple[tuple[int, int], ...]


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
    values : ndarray of shape (n_rows, n_targets)
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
    rows = np.arange(len(values))
    return np.concatenate([_means(values, rows, first, *one) for one in _by_season(spans)], axis=1)


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
    last = np.repeat(last[:, None, None], horizon, axis=1)
    ahead = [last]
    for season, numbers in _by_season(spans):
        rows = cutoffs[:, None] + 1 - season + steps[:season]
        means = _means(values, rows, first[:, None], season, numbers)[:, steps % season]
        ahead.append(np.where(np.isnan(means), last, means))
    return np.concatenate(ahead, axis=2)


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
) -> np.ndarray:
    """Means over so many rows a season apart, (*rows.shape, len(numbers), n_targets)."""
    means = []
    total = np.zeros((*rows.shape, values.shape[1]))
    count = np.zeros(total.shape, dtype=np.int64)
    for back in range(numbers[-1]):
        at = rows - back * season
        past = values[np.maximum(at, first)]
        seen = (at >= first)[..., None] & ~np.isnan(past)
        total += np.where(seen, past, 0.0)
        count += seen
        if back + 1 in numbers:
            means.append(np.where(count > 0, total, np.nan) / np.maximum(count, 1))
    return np.stack(means, axis=-2)
