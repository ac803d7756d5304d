"""Structural time series: level, trend and season as unobserved states."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn.panel import Panel
from tsrnn.statistical.autoreg import LONGEST_DUMMY_SEASON
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.per_series import PerSeriesForecaster, aicc, check_choice, is_auto
from tsrnn.statistical.state_space import forecast_from_filter, padded

LEVELS = ("local level", "random walk with drift", "local linear trend")
_N_HARMONICS = 6
_LEAST_FOR_TREND = 10


class UnobservedComponents(PerSeriesForecaster):
    """Structural model of level, trend, season and covariates, by the Kalman filter.

    Each target of each series is fitted on its own by ``statsmodels`` `UnobservedComponents`
    (maximum likelihood). Covariates that are known in the future enter as regressors.
    Forecasts from later cutoffs, or of a new history, keep the parameters and filter on.

    Missing values are left out by the filter. A series with fewer than two seasons is fitted
    without one, a series with fewer than ten values with a level only; fewer than four
    values, or a constant series, repeat the last value.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    level : str, default "auto"
        Level and trend, by the names that statsmodels has for them ("local level",
        "smooth trend", ...). "auto" chooses "local level", "random walk with drift" or
        "local linear trend" by AICc.
    seasonal : {"auto", "dummy", "trigonometric", None}, default "auto"
        Seasonal states: one per step, or six sines and cosines. "auto" takes the first up to
        a season of 24 steps, the second for longer ones.
    cycle : bool, default False
        Whether there is a (damped, stochastic) cycle beside trend and season.
    autoregressive : int, default None
        Order of an autoregressive component.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season; of a list the shortest. "auto" takes it from the time index: 12 for
        months, 4 for quarters, 7 for days, 24 for hours, 1 (no season) without one.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles; they are accepted and ignored.
    n_jobs : int, default None
        Series fitted at the same time (joblib); None is one, -1 all cores.

    Attributes
    ----------
    models_ : dict of list of Fitted
        Parameters (variances first) and components (``options``) of each series and target.

    References
    ----------
    Harvey (1989), Forecasting, structural time series models and the Kalman filter, Cambridge
    University Press.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(40.0) + np.random.default_rng(0).normal(0, 0.1, 40)
    >>> UnobservedComponents(horizon=2).fit(y).predict().round()
    array([40., 41.])
    """

    _takes_missing = True
    _takes_covariates = True

    def __init__(
        self,
        horizon: int = 1,
        *,
        level: str = "auto",
        seasonal: str | None = "auto",
        cycle: bool = False,
        autoregressive: int | None = None,
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.level = level
        self.seasonal = seasonal
        self.cycle = cycle
        self.autoregressive = autoregressive
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        check_choice("seasonal", self.seasonal, ("auto", "dummy", "trigonometric", None))
        try:
            _model(np.arange(20.0), np.empty((20, 0)), {"level": self._levels()[0]})
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"level={self.level!r} is no level or trend that statsmodels knows; use for "
                "example 'local level' or 'local linear trend'"
            ) from error
        super()._fit(panel)

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        n_values = int(np.isfinite(y).sum())
        rest = self._components(n_values, season_length)
        levels = self._levels() if n_values >= _LEAST_FOR_TREND else ("local level",)
        models = [_model(y, x, {"level": level, **rest}) for level in levels]
        # Likelihoods are compared on the same rows: behind the start of the longest state.
        first = max(model.loglikelihood_burn for model in models)
        tried = []
        for level, model in zip(levels, models, strict=True):
            params = model.fit(disp=False, cov_type="none", return_params=True)
            likelihood = model.loglikeobs(params)[first:].sum()
            criterion = aicc(likelihood, int(np.isfinite(y[first:]).sum()), len(params))
            tried.append((criterion, len(params), params, {"level": level, **rest}))
        _, _, params, options = min(tried, key=lambda one: one[:2])
        return params, options

    def _levels(self) -> tuple[str, ...]:
        return LEVELS if is_auto(self.level) else (self.level,)

    def _components(self, n_values: int, season_length: int) -> dict[str, Any]:
        if n_values < _LEAST_FOR_TREND:
            return {}
        options: dict[str, Any] = {"autoregressive": self.autoregressive}
        if self.cycle:
            options |= {"cycle": True, "damped_cycle": True, "stochastic_cycle": True}
        if season_length == 1 or n_values < 2 * season_length or self.seasonal is None:
            return options
        if self.seasonal == "dummy" or (
            self.seasonal == "auto" and season_length <= LONGEST_DUMMY_SEASON
        ):
            return options | {"seasonal": season_length}
        harmonics = min(season_length // 2, _N_HARMONICS)
        return options | {"freq_seasonal": [{"period": season_length, "harmonics": harmonics}]}

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        n_rows = int(cutoffs.max()) + 1 + n
        model = _model(padded(y, n_rows), x[:n_rows], fitted.options)
        return forecast_from_filter(model, fitted.params, cutoffs, n)

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        return _model(y, x, fitted.options).smooth(fitted.params)


def _model(y: np.ndarray, x: np.ndarray, options: dict[str, Any]) -> Any:
    from statsmodels.tsa.statespace.structural import UnobservedComponents as Model

    return Model(y, exog=x if x.shape[1] else None, **options)
