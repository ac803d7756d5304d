"""Alarms on the forecasts of any forecaster: copies of the last value, and skill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.alarm import Alarm, alarm
from tsrnn.chance import largest_mean, steps_of
from tsrnn.naive import seasonal_naive
from tsrnn.network_inputs import Cutoffs, truth_after
from tsrnn.season import resolve_season_length

# A forecast that agrees with the last value so well is taken for a copy of it, unless it errs
# clearly less: then the series is smooth, and goes on much as it went before. One that agrees less
# closely may be a copy and the noise of a network, or half a copy that helps: it must err more.
_COPY, _CLOSE_COPY = 0.7, 0.9
_CLEARLY_LESS = 0.9
# Chance that what is just good enough is taken for worse; healthy forecasts are better than that.
_UNLUCKY = 0.025


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Forecasts from every row of the held-out data.

    Attributes
    ----------
    cutoffs : tuple of Panel, series and rows
        One behind the other within each series.
    seasons : tuple of int
        Those of the forecaster and of the time index, longer than 1.
    truth, forecasts : ndarray of shape (n_cutoffs, horizon, n_targets)
        Truth is missing beyond the end of a series.
    naive, seasonal : ndarray of the same shape
        Last value, and last season.
    """

    cutoffs: Cutoffs
    seasons: tuple[int, ...]
    truth: np.ndarray
    forecasts: np.ndarray
    naive: np.ndarray
    seasonal: np.ndarray


def forecast_held_out(forecaster: Any, cutoffs: Cutoffs) -> HeldOut:
    """Forecast from each cutoff, without refitting."""
    panel, series, rows = cutoffs
    horizon, season = forecaster.horizon_, forecaster.season_length_
    seasons = {season, *getattr(forecaster, "season_lengths_", ())}
    seasons.add(resolve_season_length("auto", panel.grid))
    return HeldOut(
        cutoffs=cutoffs,
        seasons=tuple(sorted(seasons - {1})),
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
    errors, of_naive = (np.abs(held.truth - f)[:, 0] for f in (held.forecasts, held.naive))
    more = errors - _CLEARLY_LESS * of_naive
    luck = largest_mean(more, steps_of(*held.cutoffs), 1, _UNLUCKY)
    no_avail = np.nanmean(more) >= (0.0 if copied > _CLOSE_COPY else luck)
    return alarm(
        "shifted copy",
        copied,
        max(_COPY, followed) if no_avail else 1.0,
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
    """Whether repeating the last value, or season, errs less, by more than chance makes of it."""
    errors, *naive = (
        np.abs(held.truth - forecasts) for forecasts in (held.forecasts, held.naive, held.seasonal)
    )
    better = min(naive, key=np.nanmean)
    error, best = float(np.nanmean(errors)), float(np.nanmean(better))
    value = error / best if best > 0 else (np.inf if error > 0 else 1.0)
    horizon = errors.shape[1]
    luck = largest_mean(errors - better, steps_of(*held.cutoffs), horizon, _UNLUCKY)
    return alarm(
        "loses to naive",
        value,
        1.0 + (luck / best if best > 0 else 0.0),
        "mean absolute error over that of the better of Naive and SeasonalNaive: use that, or "
        "train longer (max_epochs), at a lower learning_rate, on more data, or with another "
        "season_length or reference.",
    )
