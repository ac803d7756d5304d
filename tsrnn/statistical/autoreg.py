"""Autoregression: a series explained by its own past."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn.panel import Panel
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.per_series import PerSeriesForecaster, check_choice, is_auto

# Seasons of more steps have no dummies unless asked for.
LONGEST_DUMMY_SEASON = 24


class AutoReg(PerSeriesForecaster):
    """Linear regression of a series on its own lags, seasonal dummies and covariates.

    Each target of each series is fitted on its own by ``statsmodels`` `AutoReg` (least
    squares). Covariates that are known in the future enter as regressors. Forecasts from
    later cutoffs, or of a new history, keep the coefficients.

    Series with fewer than four values or a constant one, and forecasts from a history shorter
    than the longest lag, repeat the last value. Gaps are interpolated (with the season of
    the year before, where there is one).

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    lags : int, list of int or "auto", default "auto"
        Lags 1 to that number, or these lags. "auto" chooses their number by `criterion`, up
        to a season and a step or ``10 log10(n)``, whichever is more, and to a quarter of the
        values.
    trend : {"n", "c", "t", "ct"}, default "c"
        Nothing, a constant, a line through 0, or both.
    seasonal : bool or "auto", default "auto"
        Whether each step of the season has its own constant; "auto" chooses by `criterion`
        where there are three seasons of at most 24 steps.
    criterion : {"bic", "aic", "hqic"}, default "bic"
        Information criterion of "auto".
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
        Coefficients, and chosen lags and season (``options``), of each series and target.

    References
    ----------
    Luetkepohl (2005), New introduction to multiple time series analysis, Springer.

    Examples
    --------
    >>> import numpy as np
    >>> y = [1.0, 0.0]
    >>> for _ in range(40):
    ...     y.append(1.2 * y[-1] - 0.8 * y[-2])
    >>> forecast = AutoReg(horizon=1, lags=2).fit(y).predict()
    >>> bool(np.isclose(forecast[0], 1.2 * y[-1] - 0.8 * y[-2]))
    True
    """

    _takes_covariates = True

    def __init__(
        self,
        horizon: int = 1,
        *,
        lags: Any = "auto",
        trend: str = "c",
        seasonal: bool | str = "auto",
        criterion: str = "bic",
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.lags = lags
        self.trend = trend
        self.seasonal = seasonal
        self.criterion = criterion
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        check_choice("trend", self.trend, ("n", "c", "t", "ct"))
        check_choice("seasonal", self.seasonal, ("auto", True, False))
        check_choice("criterion", self.criterion, ("bic", "aic", "hqic"))
        _check_lags(self.lags)
        super()._fit(panel)

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        seasons = self._seasons(y, season_length)
        n_free = len(y) - x.shape[1] - season_length * any(seasons)
        most = max(1, min(max(int(10 * np.log10(len(y))), season_length + 1), n_free // 4))
        tried = [self._selected(y, x, season_length, seasonal, most) for seasonal in seasons]
        _, options = min(tried, key=lambda one: one[0])
        return np.asarray(_model(y, x, options).fit().params), options

    def _seasons(self, y: np.ndarray, season_length: int) -> list[bool]:
        """Return whether to try without and with seasonal dummies."""
        if season_length == 1 or self.seasonal is False or len(y) < 2 * season_length:
            return [False]
        if self.seasonal is True:
            return [True]
        enough = season_length <= LONGEST_DUMMY_SEASON and len(y) >= 3 * season_length
        return [False, True] if enough else [False]

    def _selected(
        self, y: np.ndarray, x: np.ndarray, season_length: int, seasonal: bool, most: int
    ) -> tuple[float, dict]:
        """Criterion of the best lags, and the options of that model."""
        from statsmodels.tsa.ar_model import ar_select_order

        options = {"trend": self.trend, "seasonal": seasonal, "period": season_length}
        if not is_auto(self.lags):
            options["lags"] = _lag_list(self.lags)
            return getattr(_model(y, x, options).fit(), self.criterion), options
        selected = ar_select_order(
            y,
            most,
            ic=self.criterion,
            trend=self.trend,
            seasonal=seasonal,
            period=season_length if seasonal else None,
            exog=x if x.shape[1] else None,
        )
        options["lags"] = [int(lag) for lag in selected.ar_lags or []]
        return min(getattr(selected, self.criterion).values()), options

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        lags = fitted.options["lags"]
        memory = max(lags, default=0)
        params = fitted.params
        n_fixed = len(params) - len(lags) - x.shape[1]
        rows = cutoffs[:, None] + np.arange(1, n + 1)
        fixed = _deterministic(fitted.options, shift + rows) @ params[:n_fixed]
        fixed = fixed + x[rows] @ params[n_fixed + len(lags) :]
        weights = params[n_fixed : n_fixed + len(lags)]
        path = np.full((len(cutoffs), memory + n), np.nan)
        past = cutoffs[:, None] + 1 + np.arange(-memory, 0)
        path[:, :memory] = np.where(past >= 0, y[np.maximum(past, 0)], np.nan)
        for step in range(n):
            path[:, memory + step] = fixed[:, step]
            for weight, lag in zip(weights, lags, strict=True):
                path[:, memory + step] += weight * path[:, memory + step - lag]
        return path[:, memory:]

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        return _model(y, x, fitted.options).fit()


def _check_lags(lags: Any) -> None:
    if is_auto(lags) or (isinstance(lags, int | np.integer) and lags >= 0):
        return
    is_list = isinstance(lags, list | tuple | range | np.ndarray) and len(lags) > 0
    if not (is_list and all(isinstance(lag, int | np.integer) and lag >= 1 for lag in lags)):
        raise ValueError(
            f"lags={lags!r} must be 'auto', a whole number >= 0 or a list of lags >= 1"
        )


def _lag_list(lags: Any) -> list[int]:
    return (
        list(range(1, lags + 1))
        if isinstance(lags, int | np.integer)
        else sorted(map(int, set(lags)))
    )


def _model(y: np.ndarray, x: np.ndarray, options: dict[str, Any]) -> Any:
    from statsmodels.tsa.ar_model import AutoReg as Model

    return Model(
        y,
        options["lags"] or 0,
        trend=options["trend"],
        seasonal=options["seasonal"],
        period=options["period"] if options["seasonal"] else None,
        exog=x if x.shape[1] else None,
    )


def _deterministic(options: dict[str, Any], rows: np.ndarray) -> np.ndarray:
    """Constant, line and seasonal dummies at rows counted from the first of the training."""
    columns = []
    if "c" in options["trend"]:
        columns.append(np.ones(rows.shape))
    if "t" in options["trend"]:
        columns.append(rows + 1.0)
    if options["seasonal"]:
        # A constant stands for the first step of the season.
        first = 1 if "c" in options["trend"] else 0
        columns += [rows % options["period"] == step for step in range(first, options["period"])]
    return np.stack(columns, axis=-1) if columns else np.empty((*rows.shape, 0))
