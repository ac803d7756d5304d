"""Any model of statsmodels as a forecaster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tsrnn.panel import Panel
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.history import interpolate
from tsrnn.statistical.per_series import PerSeriesForecaster


class StatsmodelsForecaster(PerSeriesForecaster):
    """Forecast with any statsmodels model whose results have ``forecast(steps)``.

    `factory` makes the model of one target of one series, which is then fitted on its own.
    Forecasts from later cutoffs, or of a new history, keep the parameters by the results'
    ``apply(endog)``; models without that can only forecast what follows the training data.

    Covariates that are known in the future are handed on as `exog`, and must then be known
    over the horizon. Missing values are handed on to state-space models (`MLEModel`) and are
    interpolated for others. Series with fewer than four values or a constant one repeat the
    last value.

    Parameters
    ----------
    factory : callable
        ``factory(endog, exog=None)`` returns an unfitted model; `endog` is an array of shape
        (n_rows,), `exog` one of shape (n_rows, n_covariates) or None. It has to be picklable
        (a function of a module, not a lambda) where the forecaster is to be.
    horizon : int, default 1
        Number of steps ahead.
    fit_options : dict, default None
        Keyword arguments of the model's ``fit``, such as ``{"disp": False}``.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season, for filling gaps and for `score`; the model's own season is up to
        `factory`.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles; they are accepted and ignored.
    n_jobs : int, default None
        Series fitted at the same time (joblib); None is one, -1 all cores.

    Attributes
    ----------
    models_ : dict of list of Fitted
        The parameters, and in ``options["results"]`` the statsmodels results, of each series
        and target.

    Examples
    --------
    >>> import numpy as np
    >>> def smoothing(endog, exog=None):
    ...     from statsmodels.tsa.api import SimpleExpSmoothing
    ...     return SimpleExpSmoothing(endog, initialization_method="estimated")
    >>> y = 5 + np.random.default_rng(0).normal(0, 0.01, 40)
    >>> StatsmodelsForecaster(smoothing, horizon=2).fit(y).predict().round(1)
    array([5., 5.])
    """

    _takes_missing = True
    _takes_covariates = True
    _rescales = False

    def __init__(
        self,
        factory: Callable[..., Any],
        horizon: int = 1,
        *,
        fit_options: dict[str, Any] | None = None,
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.factory = factory
        self.horizon = horizon
        self.fit_options = fit_options
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        if not callable(self.factory):
            raise TypeError(
                f"factory={self.factory!r} must be a function of (endog, exog=None) that returns "
                "an unfitted statsmodels model"
            )
        super()._fit(panel)

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        model = self.factory(y, exog=_exog(x))
        fills = np.isnan(y).any() and not _is_state_space(model)
        if fills:
            y = interpolate(y, season_length)
            model = self.factory(y, exog=_exog(x))
        results = model.fit(**(self.fit_options or {}))
        options = {"results": results, "endog": y, "season_length": season_length}
        return _flat(getattr(results, "params", ())), options

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        results = fitted.options["results"]
        if not _is_state_space(results.model):
            y = interpolate(y, fitted.options["season_length"])
        return np.stack([self._from(fitted, y[: c + 1], x[: c + 1 + n]) for c in cutoffs])

    def _from(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        results = fitted.options["results"]
        if not np.array_equal(y, fitted.options["endog"], equal_nan=True):
            if not hasattr(results, "apply"):
                raise TypeError(
                    f"{type(results).__name__} has no apply, so it forecasts only what follows "
                    "the training data; fit again on the new history"
                )
            past = {} if x.shape[1] == 0 else {"exog": x[: len(y)]}
            results = results.apply(y, **past)
        future = {} if x.shape[1] == 0 else {"exog": x[len(y) :]}
        return np.asarray(results.forecast(len(x) - len(y), **future))

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        return fitted.options["results"]


def _exog(x: np.ndarray) -> np.ndarray | None:
    return x if x.shape[1] else None


def _is_state_space(model: Any) -> bool:
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    return isinstance(model, MLEModel)


def _flat(params: Any) -> np.ndarray:
    """Parameters as a vector of numbers; Holt-Winters models have a dictionary of them."""
    values = params.values() if isinstance(params, dict) else [params]
    parts = [np.ravel(np.asarray(value, dtype=np.float64)) for value in values if value is not None]
    flat = np.concatenate(parts) if parts else np.empty(0)
    return flat[np.isfinite(flat)]
