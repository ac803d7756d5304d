"""Exponential smoothing in state-space form."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tsrnn.panel import Panel
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.history import History
from tsrnn.statistical.per_series import PerSeriesForecaster, aicc, check_choice
from tsrnn.statistical.smoothing import (
    N_BLOCKS,
    Components,
    block_of,
    components_of,
    ets_model,
    first_state,
    learnt_state,
    smoothing_forecast,
)


class ETS(PerSeriesForecaster):
    """Exponential smoothing (error, trend, season), with components chosen by AICc.

    Each target of each series is fitted on its own by ``statsmodels`` `ETSModel` (maximum
    likelihood, initial states estimated). Forecasts from later cutoffs, or of a new history,
    keep the parameters and smooth on. A history that does not begin where the training data
    did gets its initial states from its first seasons.

    Multiplicative components are tried where all values are positive. Of the combinations
    that "auto" leaves open, the numerically unstable ones (additive error with a
    multiplicative component, multiplicative trend with additive season) are left out, and so
    are those with more parameters than AICc can weigh against the number of values: a season
    needs two of them in the data, and very short series are left with a level. Series with
    fewer than four values or a constant one repeat the last value. Gaps are interpolated
    (with the season of the year before, where there is one). A season of hundreds of steps
    has as many initial states to estimate, which takes seconds per series.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    error : {"auto", "add", "mul"}, default "auto"
        Error component.
    trend : {"auto", "add", "mul", None}, default "auto"
        Trend component; "auto" chooses between none and additive.
    damped_trend : bool or "auto", default "auto"
        Whether the trend levels off.
    seasonal : {"auto", "add", "mul", None}, default "auto"
        Seasonal component.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season; of a list the shortest. "auto" takes it from the time index: 12 for
        months, 4 for quarters, 7 for days, 24 for hours, 1 (no season) without one.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles. Covariates of every kind are accepted and ignored.
    n_jobs : int, default None
        Series fitted at the same time (joblib); None is one, -1 all cores.

    Attributes
    ----------
    models_ : dict of list of Fitted
        Chosen components (``options``) and parameters of each series and target.

    References
    ----------
    Hyndman, Koehler, Snyder & Grose (2002), A state space framework for automatic forecasting
    using exponential smoothing methods, International Journal of Forecasting 18, 439-454.

    Examples
    --------
    >>> import numpy as np
    >>> y = 10 + np.tile([0.0, 3.0, -1.0], 20) + np.random.default_rng(0).normal(0, 0.1, 60)
    >>> ets = ETS(horizon=3, season_length=3).fit(y)
    >>> ets.predict().round()
    array([10., 13.,  9.])
    >>> ets.models_[None][0].options["seasonal"]
    'add'
    """

    def __init__(
        self,
        horizon: int = 1,
        *,
        error: str = "auto",
        trend: str | None = "auto",
        damped_trend: bool | str = "auto",
        seasonal: str | None = "auto",
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.error = error
        self.trend = trend
        self.damped_trend = damped_trend
        self.seasonal = seasonal
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        allowed = {"error": _ERRORS, "trend": _OTHERS, "seasonal": _OTHERS}
        for name, values in {**allowed, "damped_trend": ("auto", True, False)}.items():
            check_choice(name, getattr(self, name), values)
        if self.damped_trend is True and self.trend is None:
            raise ValueError("damped_trend=True needs a trend, but trend=None; use trend='add'")
        super()._fit(panel)

    def _check(self, history: History) -> None:
        lowest = np.nanmin(history.y)
        for name in ("error", "trend", "seasonal"):
            if getattr(self, name) == "mul" and lowest <= 0:
                raise ValueError(
                    f"{history.name}{name}='mul' needs positive values, but the lowest is "
                    f"{lowest:g}; use {name}='add' or 'auto'"
                )

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        has_season = season_length > 1 and len(y) >= 2 * season_length
        asked = Components(self.error, self.trend, self.damped_trend, self.seasonal)  # type: ignore[arg-type]
        simpler = asked._replace(seasonal=None)
        level = Components("auto" if asked.error == "auto" else asked.error, None, False, None)
        for wish in (asked, simpler, level) if has_season else (simpler, level):
            tried = [_estimated(y, c, season_length) for c in admissible(wish, y.min() > 0)]
            possible = [one for one in tried if one is not None and one[0] < np.inf]
            if possible:
                return _best(possible, y, season_length)
        simplest = _estimated(y, Components("add", None, False, None), season_length)
        if simplest is None:
            raise ValueError("not even a level could be estimated")
        return _best([simplest], y, season_length)

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        if shift == 0 and y[0] == fitted.options["first_value"]:
            return smoothing_forecast(fitted, y, learnt_state(fitted), cutoffs, n)
        forecasts = np.empty((len(cutoffs), n))
        n_first = N_BLOCKS * block_of(fitted)
        settled = cutoffs + 1 >= n_first
        for i in np.flatnonzero(~settled):
            part = y[: cutoffs[i] + 1]
            state = first_state(fitted, part)
            forecasts[i] = smoothing_forecast(fitted, part, state, cutoffs[i : i + 1], n)
        if settled.any():
            state = first_state(fitted, y[:n_first])
            forecasts[settled] = smoothing_forecast(fitted, y, state, cutoffs[settled], n)
        return forecasts

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        m = fitted.options["season_length"]
        return ets_model(y, components_of(fitted), m).smooth(fitted.params)


_ERRORS = ("auto", "add", "mul")
_OTHERS = ("auto", "add", "mul", None)


def admissible(asked: Components, positive: bool) -> list[Components]:
    """Return the combinations of components that the parameters leave open and the values allow.

    Examples
    --------
    >>> admissible(Components("auto", "auto", False, None), positive=False)
    ... # doctest: +NORMALIZE_WHITESPACE
    [Components(error='add', trend=None, damped_trend=False, seasonal=None),
     Components(error='add', trend='add', damped_trend=False, seasonal=None)]
    """
    either = ("add", "mul") if positive else ("add",)
    errors = either if asked.error == "auto" else (asked.error,)
    trends = (None, "add") if asked.trend == "auto" else (asked.trend,)
    damped = (False, True) if asked.damped_trend == "auto" else (asked.damped_trend,)
    seasons = (None, *either) if asked.seasonal == "auto" else (asked.seasonal,)
    every = [Components(*parts) for parts in product(errors, trends, damped, seasons)]
    every = [c for c in every if c.trend is not None or not c.damped_trend]
    return [c for c in every if not c.unstable] or every


def _best(tried: list[tuple], y: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
    aicc, _, components, params = min(tried, key=lambda one: one[:2])
    options = {**components._asdict(), "season_length": season_length, "aicc": float(aicc)}
    return params, options | {"first_value": float(y[0])}


def _estimated(y: np.ndarray, components: Components, season_length: int) -> tuple | None:
    """AICc, number of parameters, components, parameters; None if they cannot be estimated."""
    try:
        model = ets_model(y, components, season_length)
        params = model.fit(disp=False, return_params=True)
    except (ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return None
    n_free = model.k_params + 1
    if not np.isfinite(params).all():
        return None
    return aicc(model.loglike(params), len(y), n_free), n_free, components, params
