"""Alarms on the forecasts of any forecaster: copies, skill, residuals and leakage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tsrnn.alarm import Alarm, alarm
from tsrnn.naive import forward_fill, seasonal_naive
from tsrnn.network_inputs import Cutoffs, some_of, truth_after
from tsrnn.panel import Panel

# A forecast that agrees with the last value so well is taken for a copy of it, unless it errs
# clearly less: then the series is smooth, and goes on much as it went before.
_COPY = 0.9
_CLEARLY_LESS = 0.9
# A correlation this large in residuals could be forecast; in few rows chance makes larger ones.
_CORRELATED = 0.3
_DEVIATIONS = 3.0
_MOST_LEAK_CUTOFFS = 5
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Forecasts from every row of the held-out data.

    Attributes
    ----------
    cutoffs : tuple of Panel, series and rows
        One behind the other within each series.
    season_length : int
    truth, forecasts : ndarray of shape (n_cutoffs, horizon, n_targets)
        Truth is missing beyond the end of a series.
    naive, seasonal : ndarray of the same shape
        Last value, and last season.
    """

    cutoffs: Cutoffs
    season_length: int
    truth: np.ndarray
    forecasts: np.ndarray
    naive: np.ndarray
    seasonal: np.ndarray


def forecast_held_out(forecaster: Any, cutoffs: Cutoffs) -> HeldOut:
    """Forecast from each cutoff, without refitting."""
    panel, series, rows = cutoffs
    horizon, season = forecaster.horizon_, forecaster.season_length_
    return HeldOut(
        cutoffs=cutoffs,
        season_length=season,
        truth=truth_after(cutoffs, horizon),
        forecasts=forecaster._forecast(panel, series, rows, horizon),
        naive=seasonal_naive(panel, series, rows, horizon, 1),
        seasonal=seasonal_naive(panel, series, rows, horizon, season),
    )


def shifted_copy(held: HeldOut) -> Alarm:
    """Whether one-step forecasts move as the series moved one step before, to no avail.

    The limit is 1, which nothing exceeds, where they err clearly less than the last value.
    """
    _, series, _ = held.cutoffs
    same = (np.diff(series) == 0)[:, None]
    moves = {
        name: np.where(same, np.diff(values[:, 0], axis=0), np.nan).ravel()
        for name, values in (("f", held.forecasts), ("y", held.truth), ("before", held.naive))
    }
    copied = _concordance(moves["f"], moves["before"])
    followed = _concordance(moves["f"], moves["y"])
    errors = (np.nanmean(np.abs(held.truth - f)[:, 0]) for f in (held.forecasts, held.naive))
    error, of_naive = (float(e) for e in errors)
    return alarm(
        "shifted copy",
        copied,
        max(_COPY, followed) if error >= _CLEARLY_LESS * of_naive else 1.0,
        "agreement (concordance correlation) of the changes of one-step forecasts with those of "
        f"the series one step before; with the changes they forecast it is {followed:.2f}, and the "
        "error that of the last value: the forecast repeats that. Compare with Naive; if nothing "
        "beats that, the series is a random walk, else give covariates, a longer context_length "
        "or season_length.",
    )


def _concordance(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation that is 1 for equal values only.

    Source: Lin (1989), A concordance correlation coefficient to evaluate reproducibility,
    Biometrics 45(1).
    """
    known = ~np.isnan(x) & ~np.isnan(y)
    if known.sum() < 3:
        return 0.0
    x, y = x[known], y[known]
    apart = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    together = ((x - x.mean()) * (y - y.mean())).mean()
    return min(1.0, float(2 * together / apart)) if apart > 0 else 0.0


def loses_to_naive(held: HeldOut) -> Alarm:
    """Whether repeating the last value, or season, errs less."""
    error, *naive = (
        float(np.nanmean(np.abs(held.truth - forecasts)))
        for forecasts in (held.forecasts, held.naive, held.seasonal)
    )
    best = min(naive)
    value = error / best if best > 0 else (np.inf if error > 0 else 1.0)
    return alarm(
        "loses to naive",
        value,
        1.0,
        "mean absolute error over that of the better of Naive and SeasonalNaive: use that, or "
        "train longer (max_epochs), on more data, or with another season_length or reference.",
    )


def residual_season(held: HeldOut) -> Alarm | None:
    """Whether one-step residuals repeat after a season; None without one, or too few of them.

    A trend in them, which has an alarm of its own, is taken away first.
    """
    season = held.season_length
    residuals = [_without_trend(r) for r in _residuals(held)]
    n_pairs = sum(max(0, len(r) - season) for r in residuals)
    if season < 2 or n_pairs < season:
        return None
    pairs = [(r[season:], r[:-season]) for r in residuals if len(r) > season]
    now, before = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return alarm(
        "season in residuals",
        _correlation(now, before),
        _limit(n_pairs),
        f"correlation of one-step residuals with those {season} steps before: a season is left "
        "in them. Give season_length=, context_length= of two seasons or more, or deseasonalize "
        "first (Deseasonalizer).",
    )


def residual_trend(held: HeldOut) -> Alarm | None:
    """Whether one-step residuals rise or fall; None for too few of them."""
    residuals = [r for r in _residuals(held) if len(r) > 2]
    n = sum(map(len, residuals))
    if n < 10:
        return None
    time = np.concatenate([np.arange(len(r)) - (len(r) - 1) / 2 for r in residuals])
    centred = np.concatenate([r - r.mean(axis=0) for r in residuals])
    time = np.broadcast_to(time[:, None], centred.shape)
    return alarm(
        "trend in residuals",
        abs(_correlation(centred, time)),
        _limit(n),
        "correlation of one-step residuals with time: forecasts fall behind a trend. Use "
        "reference='last' or 'season', take differences first (Differencer), or fit again on "
        "newer data.",
    )


def _residuals(held: HeldOut) -> list[np.ndarray]:
    """One-step residuals of each series in units of its own, (n_cutoffs, n_targets)."""
    residuals = (held.truth - held.forecasts)[:, 0]
    _, series, _ = held.cutoffs
    parts = np.split(residuals, np.flatnonzero(np.diff(series)) + 1)
    parts = [part / max(float(np.nanstd(part)), 1e-300) for part in parts if len(part)]
    return [part[~np.isnan(part).any(axis=1)] for part in parts]


def _without_trend(residuals: np.ndarray) -> np.ndarray:
    time = np.arange(len(residuals)) - (len(residuals) - 1) / 2
    slope = time @ residuals / max(time @ time, 1.0)
    return residuals - residuals.mean(axis=0) - time[:, None] * slope


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    size = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / size if size > 0 else 0.0


def _limit(n: int) -> float:
    """Correlation that is both worth forecasting and no chance in `n` rows."""
    return max(_CORRELATED, _DEVIATIONS / np.sqrt(n))


def leakage(forecaster: Any, cutoffs: Cutoffs) -> Alarm:
    """Whether forecasts change when what follows their cutoff is replaced."""
    panel, series, rows = some_of(cutoffs, _MOST_LEAK_CUTOFFS)
    size = float(np.nanmean(np.abs(panel.targets))) or 1.0
    largest = 0.0
    for s, row in zip(series, rows, strict=True):
        one = np.array([s]), np.array([row])
        # A cutoff at a time, so that both forecasts are computed alike to the last bit.
        forecasts = [
            forecaster._forecast(some, *one, forecaster.horizon_)
            for some in (panel, _other_future(panel, int(s), int(row)))
        ]
        largest = max(largest, float(np.abs(forecasts[0] - forecasts[1]).max()) / size)
    return alarm(
        "leakage",
        largest,
        _ROUNDING,
        "largest change of a forecast, against the size of the data, when targets and past "
        "covariates after the cutoff are replaced: the forecaster reads the future. Look for "
        "scaling, filling or smoothing over all rows.",
    )


def _other_future(panel: Panel, s: int, row: int) -> Panel:
    """Panel whose targets and past covariates after a row of a series are others."""
    n = panel.n_targets + len(panel.columns.past)
    values = panel.values.copy()
    after = slice(row + 1, int(panel.offsets[s + 1]))
    seen = forward_fill(values[:, :n], panel.offsets)[row]
    values[after, :n] = 3 * np.nan_to_num(seen) - 2 * values[after, :n] + 1
    return replace(panel, values=values)
