"""ARIMA with seasonal orders and covariates."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.panel import Panel
from tsrnn.statistical.arima_search import (
    LONGEST_SEASON,
    Search,
    difference,
    n_differences,
    n_seasonal_differences,
)
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.history import interpolate
from tsrnn.statistical.per_series import PerSeriesForecaster, check_choice, is_auto
from tsrnn.statistical.state_space import forecast_from_filter, padded


class ARIMA(PerSeriesForecaster):
    """Autoregressive integrated moving average, with an automatic choice of its orders.

    Each target of each series is fitted on its own by ``statsmodels`` `ARIMA` (maximum
    likelihood). Covariates that are known in the future enter as regressors with ARIMA
    errors. Forecasts from later cutoffs, or of a new history, keep the parameters and filter
    on.

    Orders left to "auto" are found as Hyndman and Khandakar describe: a seasonal difference
    if the season is strong, differences until the KPSS test accepts a constant level, then a
    stepwise search for the lowest AICc, with p and q up to 5, P and Q up to 2. The search
    estimates ARMA models of the differenced series; the chosen one is then fitted to the
    series itself. Seasons longer than 53 steps get no seasonal orders unless they are given:
    take such a season out with `STLForecaster`.

    Missing values are left out by the filter. Series with fewer than four values or a
    constant one repeat the last value.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    order : (p, d, q) or "auto", default "auto"
        Orders of autoregression, differencing and moving average.
    seasonal_order : (P, D, Q), None or "auto", default "auto"
        The same by the season; None is (0, 0, 0).
    trend : {"auto", "n", "c", "t", "ct"}, default "auto"
        Nothing, a constant, a line, or both. "auto" compares nothing with a constant (without
        differences) or a line (with one), and takes nothing with two.
    search_seconds : float or None, default 30
        Time limit of the search for each series and target, beside the fit of the chosen
        model. When it ends a search, the best model so far is taken and ``search_`` says so;
        which one that is depends on the speed of the machine. None sets no limit.
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
        Parameters and orders (``options``) of each series and target.
    search_ : DataFrame
        One row per series and target: the orders, their AICc, how many models were tried in
        how many seconds, and whether the search was complete.

    References
    ----------
    Hyndman & Khandakar (2008), Automatic time series forecasting: the forecast package for R,
    Journal of Statistical Software 27(3).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.cumsum(np.random.default_rng(0).normal(1, 0.1, 60))
    >>> arima = ARIMA(horizon=3, order=(0, 1, 0), trend="t").fit(y)
    >>> (arima.predict() - y[-1]).round()
    array([1., 2., 3.])
    """

    _takes_missing = True
    _takes_covariates = True

    def __init__(
        self,
        horizon: int = 1,
        *,
        order: Any = "auto",
        seasonal_order: Any = "auto",
        trend: str = "auto",
        search_seconds: float | None = 30,
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.order = order
        self.seasonal_order = seasonal_order
        self.trend = trend
        self.search_seconds = search_seconds
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    @property
    def search_(self) -> pd.DataFrame:
        """How the orders of each series and target were found."""
        rows = {
            (label, target): fitted.options
            for label, models in self.models_.items()
            for target, fitted in zip(self.columns_.targets, models, strict=True)
        }
        every = pd.MultiIndex.from_tuples(rows, names=["series", "target"])
        index = every.droplevel("series") if None in self.models_ else every
        columns = ["order", "seasonal_order", "trend", "aicc", "n_models", "seconds", "complete"]
        return pd.DataFrame(list(rows.values()), index=index, columns=columns)

    def _fit(self, panel: Panel) -> None:
        _check_order("order", self.order)
        if self.seasonal_order is not None:
            _check_order("seasonal_order", self.seasonal_order)
        check_choice("trend", self.trend, ("auto", "n", "c", "t", "ct"))
        limit = self.search_seconds
        if limit is not None and not (isinstance(limit, int | float) and limit >= 0):
            raise ValueError(f"search_seconds={limit!r} must be a number >= 0, or None")
        self._check_trend()
        super()._fit(panel)

    def _check_trend(self) -> None:
        if self.trend not in ("c", "t", "ct") or is_auto(self.order):
            return
        seasonal = (0, 0, 0) if self.seasonal_order is None else self.seasonal_order
        n_differences = self.order[1] + (0 if is_auto(seasonal) else seasonal[1])
        if n_differences > (1 if self.trend == "t" else 0):
            raise ValueError(
                f"trend={self.trend!r} vanishes in {n_differences} difference(s); use trend='n', "
                "or 't' with one difference"
            )

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        options = self._chosen(y, x, season_length)
        return _model(y, x, options).fit(cov_type="none").params, options

    def _chosen(self, y: np.ndarray, x: np.ndarray, season_length: int) -> dict[str, Any]:
        """Orders that are given, or found by a search."""
        began = perf_counter()
        m = self._modelled_season(len(y), season_length)
        D = self._seasonal_differences(y, x, m)
        d = self._differences(y, x, D, m)
        fixed = self._fixed(d + D, m)
        seconds = np.inf if self.search_seconds is None else float(self.search_seconds)
        z = np.column_stack([x, *_lines(self.trend, np.arange(1.0, len(y) + 1))])
        search = Search(difference(y, d, D, m), difference(z, d, D, m), m, fixed, seconds)
        best = search.run()
        return {
            "order": (best.p, d, best.q),
            "seasonal_order": (best.P, D, best.Q, m if best.P + D + best.Q else 0),
            "trend": self._trend_of(best.constant, d + D),
            "aicc": search.tried[best],
            "n_models": len(search.tried),
            "seconds": perf_counter() - began,
            "complete": search.complete,
        }

    def _modelled_season(self, n_rows: int, season_length: int) -> int:
        if self.seasonal_order is None:
            return 1
        if not is_auto(self.seasonal_order):
            return season_length
        return season_length if season_length <= min(LONGEST_SEASON, n_rows / 3) else 1

    def _seasonal_differences(self, y: np.ndarray, x: np.ndarray, m: int) -> int:
        if m > 1 and not is_auto(self.seasonal_order):
            return int(self.seasonal_order[1])
        return n_seasonal_differences(_without(x, y, m), m)

    def _differences(self, y: np.ndarray, x: np.ndarray, D: int, m: int) -> int:
        if not is_auto(self.order):
            return int(self.order[1])
        rest = difference(_without(x, y, m), 0, D, m)
        return n_differences(rest, most={"c": 0, "ct": 0, "t": 1 - D}.get(self.trend, 2 - D))

    def _fixed(self, n_differences: int, m: int) -> dict[str, Any]:
        """Fields of `Orders` that leave nothing to search for."""
        fixed: dict[str, Any] = {}
        if not is_auto(self.order):
            fixed |= {"p": self.order[0], "q": self.order[2]}
        if m == 1:
            fixed |= {"P": 0, "Q": 0}
        elif not is_auto(self.seasonal_order):
            fixed |= {"P": self.seasonal_order[0], "Q": self.seasonal_order[2]}
        if self.trend != "auto" or n_differences > 1:
            fixed["constant"] = False  # a trend that is given is among the covariates
        return fixed

    def _trend_of(self, constant: bool, n_differences: int) -> str:
        if self.trend != "auto":
            return self.trend
        return ("c" if n_differences == 0 else "t") if constant else "n"

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        n_rows = int(cutoffs.max()) + 1 + n
        time = shift + np.arange(1.0, n_rows + 1)
        regressors = np.column_stack([*_lines(fitted.options["trend"], time), x[:n_rows]])
        model = SARIMAX(
            padded(y, n_rows),
            exog=regressors if regressors.shape[1] else None,
            order=fitted.options["order"],
            seasonal_order=fitted.options["seasonal_order"],
        )
        return forecast_from_filter(model, fitted.params, cutoffs, n)

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        return _model(y, x, fitted.options).smooth(fitted.params)


def _model(y: np.ndarray, x: np.ndarray, options: dict[str, Any]) -> Any:
    from statsmodels.tsa.arima.model import ARIMA as Model

    return Model(
        y,
        exog=x if x.shape[1] else None,
        order=options["order"],
        seasonal_order=options["seasonal_order"],
        trend=options["trend"],
    )


def _lines(trend: str, time: np.ndarray) -> list[np.ndarray]:
    """Constant and line of a trend; neither for "n" and "auto"."""
    return {"c": [time**0], "t": [time], "ct": [time**0, time]}.get(trend, [])


def _without(x: np.ndarray, y: np.ndarray, season_length: int) -> np.ndarray:
    """Return what a regression on covariates leaves of y, for the tests for differences."""
    if not x.shape[1]:
        return y
    whole = interpolate(y, season_length)
    regressors = np.column_stack([np.ones(len(x)), x])
    return whole - regressors @ np.linalg.lstsq(regressors, whole, rcond=None)[0]


def _check_order(name: str, order: Any) -> None:
    if is_auto(order):
        return
    is_three = isinstance(order, tuple | list) and len(order) == 3
    if not (is_three and all(isinstance(n, int | np.integer) and n >= 0 for n in order)):
        season = "; the season goes into season_length" if name == "seasonal_order" else ""
        raise ValueError(
            f"{name}={order!r} must be 'auto' or three whole numbers >= 0, as (1, 0, 1){season}"
        )
