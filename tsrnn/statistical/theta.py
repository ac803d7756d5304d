"""The Theta method."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn.panel import Panel
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.per_series import PerSeriesForecaster, check_choice


class Theta(PerSeriesForecaster):
    """The Theta method: exponential smoothing with half the slope of the trend line.

    Each target of each series is fitted on its own by ``statsmodels`` `ThetaModel`, which
    takes the season out first where a test finds one. Forecasts from later cutoffs, or of a
    new history, keep the smoothing parameter, the slope and the season, and smooth on.

    A series with less than two seasons is not deseasonalised. Series with fewer than four
    values or a constant one repeat the last value. Gaps are interpolated (with the season of
    the year before, where there is one).

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    theta : float, default 2
        Curvature of the second Theta line, at least 1: ``(theta - 1) / theta`` of the slope
        is forecast. 1 is exponential smoothing without a trend.
    deseasonalize : bool, default True
        Whether a season is taken out.
    use_test : bool, default True
        Whether that depends on a test of the autocorrelation at the season.
    method : {"auto", "add", "mul"}, default "auto"
        How the season acts; "auto" is multiplicative where all values are positive.
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
        Slope and smoothing parameter (``params``) and season (``options``) of each series
        and target.

    References
    ----------
    Assimakopoulos & Nikolopoulos (2000), The theta model: a decomposition approach to
    forecasting, International Journal of Forecasting 16, 521-530.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(30.0) + np.random.default_rng(0).normal(0, 0.5, 30)
    >>> Theta(horizon=3).fit(y).predict().round(1)
    array([29.6, 30.1, 30.6])
    """

    def __init__(
        self,
        horizon: int = 1,
        *,
        theta: float = 2,
        deseasonalize: bool = True,
        use_test: bool = True,
        method: str = "auto",
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.theta = theta
        self.deseasonalize = deseasonalize
        self.use_test = use_test
        self.method = method
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        if not self.theta >= 1:
            raise ValueError(f"theta={self.theta!r} must be a number >= 1")
        check_choice("method", self.method, ("auto", "add", "mul"))
        super()._fit(panel)

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        model = self._model(y, season_length)
        results = model.fit()
        components = results.forecast_components(season_length)
        # The forecast season starts behind the data; turn it back to start with the first row.
        season = np.roll(np.asarray(components["seasonal"]), len(y) % season_length)
        options = {"season": season, "method": model.method[:3], "season_length": season_length}
        return np.asarray(results.params, dtype=np.float64), options

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        from scipy.signal import lfilter

        slope, alpha = fitted.params
        season, multiplies = fitted.options["season"], fitted.options["method"] == "mul"
        own = season[(shift + np.arange(len(y))) % len(season)]
        plain = y / own if multiplies else y - own
        level, _ = lfilter([alpha], [1, alpha - 1], plain, zi=[(1 - alpha) * plain[0]])
        steps = np.arange(n, dtype=np.float64)
        n_rows = cutoffs[:, None] + 1
        reach = steps + ((1 - (1 - alpha) ** n_rows) / alpha if alpha > 0 else 0)
        forecasts = level[cutoffs][:, None] + (self.theta - 1) / self.theta * slope * reach
        ahead = season[(shift + n_rows + np.arange(n)) % len(season)]
        return forecasts * ahead if multiplies else forecasts + ahead

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        return self._model(y, fitted.options["season_length"]).fit()

    def _model(self, y: np.ndarray, season_length: int) -> Any:
        from statsmodels.tsa.forecasting.theta import ThetaModel

        seasonal = self.deseasonalize and season_length > 1 and len(y) >= 2 * season_length
        return ThetaModel(
            y,
            period=season_length if seasonal else None,
            deseasonalize=seasonal,
            use_test=self.use_test,
            method=self.method,
        )
