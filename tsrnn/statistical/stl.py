"""Take the season out, forecast the rest with any forecaster, put the season back."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from tsrnn.base import Forecaster
from tsrnn.checks import check_observed
from tsrnn.naive import seasonal_fill
from tsrnn.panel import Columns, Panel, ranges
from tsrnn.season import season_length_of
from tsrnn.statistical.ets import ETS
from tsrnn.statistical.history import check_known, interpolate
from tsrnn.statistical.per_series import is_auto

# Histories that stand side by side in memory when forecasts follow many cutoffs.
_AT_ONCE = 64


class STLForecaster(Forecaster):
    """Seasonal decomposition by loess (STL), and any forecaster for what is left.

    The season of each target of each series is estimated by ``statsmodels`` `STL` and taken
    out; `forecaster` is fitted to the rest, all series together, and the last cycle of the
    season is added to its forecasts. Forecasts from later cutoffs, or of a new history,
    decompose the history up to the cutoff and keep what the forecaster has learnt.

    A history of less than two seasons (and one value) is taken as it is. For the
    decomposition gaps are interpolated; the forecaster sees them as gaps.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead; that of `forecaster` is set to it.
    forecaster : forecaster of tsrnn, default None
        Forecasts the deseasonalised series: a baseline, a network, another `STLForecaster`.
        None is ``ETS(season_length=1)``, which looks for no further season.
    seasonal : int, default 7
        Number of seasons that the estimate of a season is smoothed over; odd, at least 3.
    robust : bool, default False
        Whether outliers count less.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season; of a list the shortest. "auto" takes it from the time index: 12 for
        months, 4 for quarters, 7 for days, 24 for hours, 1 (no season) without one.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles; `forecaster` gets them as they are.
    n_jobs : int, default None
        Decompositions at the same time (joblib); None is one, -1 all cores. The forecaster
        has its own.

    Attributes
    ----------
    forecaster_ : forecaster
        Fitted to the deseasonalised series.

    References
    ----------
    Cleveland, Cleveland, McRae & Terpenning (1990), STL: a seasonal-trend decomposition
    procedure based on loess, Journal of Official Statistics 6, 3-73.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.baselines import Drift
    >>> y = np.arange(24.0) + np.tile([0.0, 5.0, 0.0, -5.0], 6)
    >>> STLForecaster(horizon=4, forecaster=Drift(), season_length=4).fit(y).predict().round()
    array([24., 30., 26., 22.])
    """

    def __init__(
        self,
        horizon: int = 1,
        *,
        forecaster: Any = None,
        seasonal: int = 7,
        robust: bool = False,
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.forecaster = forecaster
        self.seasonal = seasonal
        self.robust = robust
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        self._check_parameters()
        everyone = np.arange(panel.n_series)
        check_observed(panel, everyone, panel.offsets[1:] - 1)
        last = panel.last_observed()
        rest = _histories(panel, everyone, last, self._seasons(panel, everyone, last), 0)
        inner = ETS(season_length=1) if self.forecaster is None else clone(self.forecaster)
        if is_auto(inner.season_length):
            inner.set_params(season_length=season_length_of(panel.grid))
        self.forecaster_ = _told_roles(inner, panel.columns).set_params(horizon=self.horizon)
        self.forecaster_.fit(_frame(rest))

    def _check_parameters(self) -> None:
        if not isinstance(self.seasonal, int) or self.seasonal < 3 or self.seasonal % 2 == 0:
            raise ValueError(f"seasonal={self.seasonal!r} must be an odd number >= 3")
        if self.forecaster is not None and not isinstance(self.forecaster, Forecaster):
            raise TypeError(
                f"forecaster={self.forecaster!r} is no forecaster of tsrnn; use for example "
                "ETS(), or statsmodels models in a StatsmodelsForecaster"
            )

    def _forecast(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        check_observed(panel, series, cutoffs)
        check_known(self, panel, series, cutoffs, n_steps)
        parts = []
        for first in range(0, len(cutoffs), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            parts.append(self._forecast_some(panel, series[some], cutoffs[some], n_steps))
        return np.concatenate(parts)

    def _forecast_some(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        seasons = self._seasons(panel, series, cutoffs)
        rest = _histories(panel, series, cutoffs, seasons, n_steps)
        ends = rest.offsets[:-1] + cutoffs - panel.offsets[series]
        forecasts = self.forecaster_._forecast(rest, np.arange(len(series)), ends, n_steps)
        cycles = [_continued(season, self.season_length_, n_steps) for season in seasons]
        return forecasts + np.stack(cycles)

    def _uses_future(self) -> bool:
        return self.forecaster_._uses_future()

    def _seasons(self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray) -> list[np.ndarray]:
        """Season of each history up to its cutoff, shape (n_rows, n_targets)."""
        histories = [
            panel.targets[first : cutoff + 1]
            for first, cutoff in zip(panel.offsets[series], cutoffs, strict=True)
        ]
        return Parallel(n_jobs=self.n_jobs)(
            delayed(seasons_of)(y, self.season_length_, self.seasonal, self.robust)
            for y in histories
        )


def seasons_of(y: np.ndarray, season_length: int, seasonal: int, robust: bool) -> np.ndarray:
    """Season of each column at every row."""
    columns = [season_of(column, season_length, seasonal, robust) for column in y.T]
    return np.stack(columns, axis=1)


def season_of(y: np.ndarray, season_length: int, seasonal: int, robust: bool) -> np.ndarray:
    """Season at every row of y, zero where there is none or too little data to tell."""
    from statsmodels.tsa.seasonal import STL

    seen = np.flatnonzero(~np.isnan(y))
    first, last = seen[0], seen[-1] + 1
    season = np.zeros(len(y))
    if season_length == 1 or last - first <= 2 * season_length:
        return season
    whole = interpolate(y[first:last], season_length)
    season[first:last] = (
        STL(whole, period=season_length, seasonal=seasonal, robust=robust).fit().seasonal
    )
    season[:first] = season[last:] = np.nan
    both = np.array([0, len(y)])
    forward = seasonal_fill(season[:, None], both, season_length)
    return seasonal_fill(forward[::-1], both, season_length)[::-1, 0]


def _continued(season: np.ndarray, season_length: int, n_steps: int) -> np.ndarray:
    """Repeat the last cycle of a season; there is none where the history is shorter."""
    if len(season) < season_length:
        return np.zeros((n_steps, season.shape[1]))
    return season[np.arange(n_steps) % season_length - season_length]


def _histories(
    panel: Panel,
    series: np.ndarray,
    cutoffs: np.ndarray,
    seasons: list[np.ndarray],
    n_steps: int,
) -> Panel:
    """Histories without their seasons, each a series; rows behind cutoffs hold covariates only."""
    ends = np.minimum(panel.offsets[series + 1], cutoffs + 1 + n_steps)
    parts = []
    for first, end, season in zip(panel.offsets[series], ends, seasons, strict=True):
        rows = panel.values[first:end].copy()
        rows[: len(season), : panel.n_targets] -= season
        rows[len(season) :, : panel.n_targets] = np.nan
        parts.append(rows)
    return replace(
        panel,
        values=np.concatenate(parts),
        offsets=np.concatenate([[0], np.cumsum([len(rows) for rows in parts])]),
        starts=panel.starts[series],
        ids=None if panel.ids is None else panel.ids[series],
        order=None,
    )


def _frame(panel: Panel) -> pd.DataFrame:
    """Put a panel into a frame, with step numbers as time: those always have a regular step."""
    numbers, _ = ranges(panel.starts, panel.lengths)
    index = pd.Index(numbers, name="step")
    if panel.ids is not None:
        index = pd.MultiIndex.from_arrays([panel.ids.repeat(panel.lengths), index])
    return pd.DataFrame(panel.values, index=index, columns=_names(panel.columns))


def _told_roles(forecaster: Forecaster, columns: Columns) -> Forecaster:
    """Tell a forecaster which columns of the frame are what."""
    names, n_past = _names(columns), len(columns.targets) + len(columns.past)
    n_static = len(columns.static)
    return forecaster.set_params(
        target=names[: len(columns.targets)],
        past_covariates=names[len(columns.targets) : n_past],
        static_covariates=names[len(names) - n_static :],
    )


def _names(columns: Columns) -> list[Hashable]:
    """Names of the columns; their positions where y and X share a name."""
    names = list(columns.all)
    return names if len(set(names)) == len(names) else list(range(len(names)))
