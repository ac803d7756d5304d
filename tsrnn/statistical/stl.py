"""Take the season out, forecast the rest with any forecaster, put the season back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from tsrnn.base import Forecaster, future_covariates
from tsrnn.naive import seasonal_fill
from tsrnn.panel import Panel
from tsrnn.statistical.ets import ETS
from tsrnn.statistical.history import check_observed, interpolate

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
        last = panel.last_observed()
        check_observed(panel, everyone, panel.offsets[1:] - 1)
        rest, _ = self._deseasonalised(panel, everyone, last, 0)
        inner = ETS(season_length=1) if self.forecaster is None else clone(self.forecaster)
        self.forecaster_ = inner.set_params(horizon=self.horizon)
        # The panel is read and checked: what `fit` of the forecaster would find in it.
        inner.fitted_with_y_, inner.columns_ = self.fitted_with_y_, panel.columns
        inner.season_length_ = _season_of(inner, rest)
        inner._fit(rest)
        inner._remember(rest)

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
        if self._uses_future():
            future_covariates(panel, series, cutoffs, n_steps)  # raises where one is missing
        parts = []
        for first in range(0, len(cutoffs), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            rest, season = self._deseasonalised(panel, series[some], cutoffs[some], n_steps)
            ends = rest.offsets[1:] - 1 - _n_ahead(panel, series[some], cutoffs[some], n_steps)
            every = np.arange(rest.n_series)
            parts.append(self.forecaster_._forecast(rest, every, ends, n_steps) + season)
        return np.concatenate(parts)

    def _uses_future(self) -> bool:
        return self.forecaster_._uses_future()

    def _deseasonalised(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> tuple[Panel, np.ndarray]:
        """Histories up to each cutoff as series of a panel, and the seasons that follow them.

        Returns
        -------
        rest : Panel
            Without the season; rows behind the cutoff carry covariates only.
        season : ndarray of shape (n_cutoffs, n_steps, n_targets)
        """
        m = self.season_length_
        first = panel.offsets[series]
        columns = [
            panel.targets[begin : cutoff + 1, target]
            for begin, cutoff in zip(first, cutoffs, strict=True)
            for target in range(panel.n_targets)
        ]
        seasons = Parallel(n_jobs=self.n_jobs)(
            delayed(season_of)(y, m, self.seasonal, self.robust) for y in columns
        )
        n_ahead = _n_ahead(panel, series, cutoffs, n_steps)
        ahead = np.empty((len(cutoffs), n_steps, panel.n_targets))
        blocks = []
        for i, (begin, cutoff) in enumerate(zip(first, cutoffs, strict=True)):
            season = np.stack(seasons[i * panel.n_targets : (i + 1) * panel.n_targets], axis=1)
            rows = panel.values[begin : cutoff + 1 + n_ahead[i]].copy()
            n_past = cutoff + 1 - begin
            rows[n_past:, : panel.n_targets] = np.nan
            rows[:n_past, : panel.n_targets] -= season
            cycle = np.arange(n_steps) % m - m if n_past >= m else np.full(n_steps, -1)
            ahead[i] = season[cycle]
            blocks.append(rows)
        rest = replace(
            panel,
            values=np.concatenate(blocks),
            offsets=np.concatenate([[0], np.cumsum([len(rows) for rows in blocks])]),
            starts=panel.starts[series],
            ids=None if panel.ids is None else panel.ids[series],
            order=None,
        )
        return rest, ahead


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


def _n_ahead(panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int) -> np.ndarray:
    """Rows behind each cutoff that the panel has, at most `n_steps`."""
    return np.minimum(panel.offsets[series + 1] - 1 - cutoffs, n_steps)


def _season_of(forecaster: Forecaster, panel: Panel) -> int:
    from tsrnn.season import resolve_season_length

    return resolve_season_length(forecaster.season_length, panel.grid)


