"""Forecasts from a pool of exponential smoothers, mixed by the errors each has made so far.

Everything at a row follows from the rows up to it: no parameter is fitted to the whole of a
series, so that what comes later changes no forecast, and a new series needs no fit.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tsrnn.naive import forward_fill

# Smoothing of the level, of the trend with its damping, of the season; None is without it.
_LEVELS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
_TRENDS = ((0.05, 0.9), (0.2, 0.9), (0.5, 0.8))
_STEADY_TRENDS = ((0.05, 1.0), (0.2, 1.0))
_SEASONS = (0.0, 0.1, 0.4)
# What errors of older steps weigh, and how sharply the mix prefers small errors.
_MEMORY = 0.99
_SHARPNESS = 20.0
# Series that are stepped through at once, so that their states stay in the cache.
_CHUNK = 64


def smooth(
    values: np.ndarray, offsets: np.ndarray, season_length: int, horizon: int, rows: np.ndarray
) -> np.ndarray:
    """Forecast what follows some rows.

    The pool holds Holt and Holt-Winters smoothers [1]_ with damped and steady trends, and Theta's
    half slope [2]_, each without a season and with a slow and quick one; of seasonal and positive
    series also those of the logarithm. Forecasts are means with weights that fall exponentially
    with the errors at the first, the last and a middle step of the horizon.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_targets)
        NaN where missing; series end to end.
    offsets : ndarray of shape (n_series + 1,)
        First row of each series, and the number of rows.
    season_length : int
        1 where there is none.
    horizon : int
    rows : ndarray of shape (n_rows_asked,)
        Rows that forecasts follow.

    Returns
    -------
    forecasts : ndarray of shape (n_rows_asked, horizon, n_targets)
        NaN after rows before the second season is complete (the third row, without a season).

    References
    ----------
    .. [1] Gardner (2006), Exponential smoothing: the state of the art, part II, International
       Journal of Forecasting 22(4).
    .. [2] Hyndman and Billah (2003), Unmasking the Theta method, International Journal of
       Forecasting 19(2).

    Examples
    --------
    >>> ramp = np.arange(20.0)[:, None]
    >>> smooth(ramp, np.array([0, 20]), 1, 2, np.array([19])).round(6)[0, :, 0]
    array([20., 21.])
    """
    forecasts = np.full((len(rows), horizon, values.shape[1]), np.nan)
    series = np.searchsorted(offsets, rows, side="right") - 1
    for target, column in enumerate(values.T):
        seen = np.where(np.isnan(column), len(column), np.arange(len(column)))
        starts = np.minimum.reduceat(seen, offsets[:-1])
        for begin in range(0, len(starts), _CHUNK):
            own = (series >= begin) & (series < begin + _CHUNK)
            if own.any():
                chunk = slice(begin, begin + _CHUNK)
                aligned = _align(column, starts[chunk], offsets[1:][chunk])
                positions = rows[own] - starts[series[own]]
                forecasts[own, :, target] = _smooth_aligned(
                    aligned, season_length, horizon, series[own] - begin, positions
                )
    return forecasts


def _align(column: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Lay series out as rows that begin with the first observed value, (n_series, n_steps)."""
    aligned = np.full((len(starts), max(1, int((ends - starts).max()))), np.nan)
    for values, start, end in zip(aligned, starts, ends, strict=True):
        values[: max(0, end - start)] = column[start:end]
    return aligned


def _smooth_aligned(
    values: np.ndarray, season_length: int, horizon: int, series: np.ndarray, positions: np.ndarray
) -> np.ndarray:
    """Forecast after some (series, position), (n_asked, horizon)."""
    forecasts = np.full((len(series), horizon), np.nan)
    warm = 2 * season_length if season_length > 1 else 3
    if values.shape[1] < warm:
        return forecasts
    pool = _Pool(values[:, :warm], season_length, horizon)
    order = np.argsort(positions, kind="stable")
    bounds = np.searchsorted(positions[order], np.arange(warm - 1, values.shape[1] + 1))
    for position in range(warm - 1, values.shape[1]):
        if position >= warm:
            pool.observe(values[:, position])
        asked = order[slice(*bounds[position - warm + 1 : position - warm + 3])]
        if len(asked):
            forecasts[asked] = pool.forecast(series[asked])
    return forecasts


class _Pool:
    """Smoothers of the values and of their logarithm, and the errors they have made."""

    def __init__(self, values: np.ndarray, season_length: int, horizon: int) -> None:
        values = forward_fill(values.T, np.array([0, values.shape[1]])).T
        self.ahead = np.arange(1, horizon + 1)
        self.spaces = [_Smoothers(values, season_length, _LEVELS, _TRENDS + _STEADY_TRENDS)]
        self.largest = np.max(values, axis=1)
        self.positive: np.ndarray = np.all(values > 0, axis=1)
        if season_length > 1:
            logarithms = np.log(np.where(values > 0, values, 1.0))
            self.spaces.append(_Smoothers(logarithms, season_length, _LEVELS, _TRENDS))
        # The forecasts of each watched lead that wait for their truth, and their errors.
        leads = sorted({1, max(1, horizon // 3), horizon})
        self.waiting = {lead: [self._at(np.array([lead]))[..., 0]] for lead in leads}
        self.errors = {lead: np.zeros_like(self.waiting[lead][0]) for lead in leads}

    def observe(self, value: np.ndarray) -> None:
        """Take in the next value of each series, (n_series,); NaN is a step unseen."""
        seen = ~np.isnan(value)
        for lead, waiting in self.waiting.items():
            if len(waiting) == lead:
                error = np.abs(waiting.pop(0) - value[:, None])
                errors = self.errors[lead]
                errors[seen] = _MEMORY * errors[seen] + error[seen]
        self.largest = np.fmax(self.largest, value)
        self.positive &= ~(value <= 0)
        self.spaces[0].observe(value)
        for space in self.spaces[1:]:
            space.observe(np.log(np.where(value > 0, value, np.where(seen, 1.0, np.nan))))
        for lead, waiting in self.waiting.items():
            waiting.append(self._at(np.array([lead]))[..., 0])

    def forecast(self, series: np.ndarray) -> np.ndarray:
        """Mix the forecasts of the smoothers, (n_chosen, horizon)."""
        return np.einsum("sk,skh->sh", self._weights(series), self._at(self.ahead, series))

    def _at(self, ahead: np.ndarray, series: Any = slice(None)) -> np.ndarray:
        """Forecasts of each smoother, (n_chosen, n_smoothers, n_ahead)."""
        parts = [self.spaces[0].forecast(ahead, series)]
        for space in self.spaces[1:]:
            # A logarithm that runs away stays within some times the largest value.
            ceiling = np.log(np.maximum(self.largest[series], 1e-300)) + 2.0
            logarithms = space.forecast(ahead, series)
            parts.append(np.exp(np.clip(logarithms, -700, ceiling[:, None, None])))
        return np.concatenate(parts, axis=1)

    def _weights(self, series: np.ndarray) -> np.ndarray:
        usable: np.ndarray = np.ones((len(series), self.errors[1].shape[1]), dtype=bool)
        usable[:, self.spaces[0].n_smoothers :] = self.positive[series, None]
        share = np.zeros(usable.shape)
        for lead, errors in self.errors.items():
            own = errors[series]
            mean = own.mean(axis=1, keepdims=True, where=usable)
            # The next step tells most, and is seen first.
            share += (2.0 if lead == 1 else 1.0) * own / np.where(mean > 0, mean, 1.0)
        best = share.min(axis=1, keepdims=True, where=usable, initial=np.inf)
        excess = np.where(best > 0, share / np.where(best > 0, best, 1.0) - 1.0, np.sign(share))
        weights = np.where(usable, np.exp(-_SHARPNESS * np.maximum(excess, 0.0)), 0.0)
        return weights / weights.sum(axis=1, keepdims=True)


class _Smoothers:
    """States of all smoothers of one pool on some series, (n_series, n_smoothers)."""

    def __init__(
        self,
        values: np.ndarray,
        season_length: int,
        levels: tuple[float, ...],
        trends: tuple[tuple[float, float], ...],
    ) -> None:
        seasons = (np.nan, *_SEASONS) if season_length > 1 else (np.nan,)
        # Without a trend, with Theta's, and with those that are smoothed.
        kinds = [(0.0, 0.0, False), (0.0, 0.0, True), *((*trend, False) for trend in trends)]
        grid = np.array([(a, *kind, g) for a, kind, g in product(levels, kinds, seasons)]).T
        self.of_level, self.of_trend, self.damping, theta, of_season = grid
        self.theta = theta.astype(bool)
        self.of_season = np.nan_to_num(of_season) * (1.0 - self.of_level)
        self.position, self.season_length = values.shape[1] - 1, season_length
        level, slope, season = _first_states(values, season_length)
        shape = len(values), self.n_smoothers
        seasonal = ~np.isnan(of_season)[:, None]
        self.level = np.tile(level[:, None], (1, shape[1]))
        self.trend = np.where(self.damping > 0, slope[:, None], 0.0)
        self.season = np.where(seasonal, season[:, None], 0.0)
        self.sums = np.zeros((5, *shape))
        for step in range(values.shape[1]):
            self._add_to_line(step, values[:, step, None] - self.season[..., step % season_length])
        self.slope = self._slope()

    @property
    def n_smoothers(self) -> int:
        return len(self.of_level)

    def observe(self, value: np.ndarray) -> None:
        """Take in the next value of each series."""
        self.position += 1
        phase = self.position % self.season_length
        trend = np.where(self.theta, self.slope / 2, self.damping * self.trend)
        base = self.level + trend
        season = self.season[..., phase]
        error = np.nan_to_num(value[:, None] - base - season)
        self.level = base + self.of_level * error
        self.trend = self.damping * self.trend + self.of_level * self.of_trend * error
        self.season[..., phase] = season + self.of_season * error
        self._add_to_line(self.position, value[:, None] - self.season[..., phase])
        self.slope = self._slope()

    def forecast(self, ahead: np.ndarray, series: Any) -> np.ndarray:
        """Forecast so many steps ahead, (n_chosen, n_smoothers, n_ahead)."""
        longest = np.arange(1, ahead.max() + 1)
        damped = np.cumsum(self.damping[:, None] ** longest, axis=1)[:, ahead - 1]
        trend = np.where(self.theta, self.slope / 2, 0.0)[series, :, None] * ahead
        trend += self.trend[series, :, None] * damped
        phases = (self.position + ahead) % self.season_length
        return self.level[series, :, None] + trend + self.season[series][..., phases]

    def _add_to_line(self, step: int, value: np.ndarray) -> None:
        seen = ~np.isnan(value)
        value = np.nan_to_num(value)
        self.sums += np.stack([seen, seen * step, seen * step**2, value, value * step])

    def _slope(self) -> np.ndarray:
        """Slope of the line through all values, without their season."""
        n, t, tt, y, ty = self.sums
        spread = n * tt - t * t
        return np.where(spread > 0, (n * ty - t * y) / np.where(spread > 0, spread, 1.0), 0.0)


def _first_states(values: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level after the first rows, slope and season: (n_series,), (n_series,), (n_series, m).

    The season is the mean of two, shrunk by how little they agree.
    """
    if m == 1:
        return values[:, -1], np.diff(values, axis=1).mean(axis=1), np.zeros((len(values), 1))
    two = values.reshape(-1, 2, m)
    slope = (two[:, 1] - two[:, 0]).mean(axis=1) / m
    flat = two - (slope[:, None] * (np.arange(2 * m) - m + 0.5)).reshape(-1, 2, m)
    shapes = flat - flat.mean(axis=2, keepdims=True)
    size = (shapes**2).sum(axis=(1, 2)) / 2
    agreement = (shapes[:, 0] * shapes[:, 1]).sum(axis=1) / np.where(size > 0, size, 1.0)
    season = shapes.mean(axis=1) * np.clip(agreement, 0.0, 1.0)[:, None]
    return flat.mean(axis=(1, 2)) + slope * (m - 0.5), slope, season
