"""Vector autoregression: several targets explained by each other's past."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn.naive import seasonal_fill
from tsrnn.panel import Panel
from tsrnn.statistical.fitting import Fitted
from tsrnn.statistical.history import interpolate, last_observed_rows
from tsrnn.statistical.per_series import PerSeriesForecaster, check_choice, is_auto


class VAR(PerSeriesForecaster):
    """Vector autoregression: every target on the lags of all targets.

    Each series is fitted on its own by ``statsmodels`` `VAR` (least squares), all its targets
    jointly. Forecasts from later cutoffs, or of a new history, keep the coefficients.

    Targets that are constant in the training data repeat their last value and take no part.
    Series too short for a lag repeat their last values, and so do forecasts from a history
    shorter than the longest lag. Gaps are interpolated (with the season of the year before,
    where there is one); rows that lack targets before the cutoff are completed by the model.

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    lags : int or "auto", default "auto"
        Lags 1 to that number. "auto" chooses by `criterion`, up to
        ``12 (n / 100) ** (1 / 4)`` and a third of what the data could bear.
    trend : {"n", "c", "ct"}, default "c"
        Nothing, a constant, or a constant and a line.
    criterion : {"aic", "bic", "hqic", "fpe"}, default "aic"
        Information criterion of "auto".
    season_length : int, list of int or "auto", default "auto"
        Steps in a season, for filling gaps and for `score`; the model itself has no season.
        Wrap it in `STLForecaster` for seasonal data.
    target : name or list of names, default None
        Columns to forecast, at least two; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles. Covariates of every kind are accepted and ignored.
    n_jobs : int, default None
        Series fitted at the same time (joblib); None is one, -1 all cores.

    Attributes
    ----------
    models_ : dict of list of Fitted
        Coefficients, one model per series.

    References
    ----------
    Sims (1980), Macroeconomics and reality, Econometrica 48, 1-48.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.column_stack([noise[:, 0], np.roll(noise[:, 0], 1) + 0.01 * noise[:, 1]])
    >>> forecast = VAR(horizon=1, lags=1).fit(y).predict()
    >>> bool(abs(forecast[0, 1] - y[-1, 0]) < 0.05)
    True
    """

    _joint = True

    def __init__(
        self,
        horizon: int = 1,
        *,
        lags: int | str = "auto",
        trend: str = "c",
        criterion: str = "aic",
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.lags = lags
        self.trend = trend
        self.criterion = criterion
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        check_choice("trend", self.trend, ("n", "c", "ct"))
        check_choice("criterion", self.criterion, ("aic", "bic", "hqic", "fpe"))
        if not is_auto(self.lags) and not (
            isinstance(self.lags, int | np.integer) and self.lags >= 1
        ):
            raise ValueError(f"lags={self.lags!r} must be 'auto' or a whole number >= 1")
        if panel.n_targets < 2:
            raise ValueError(
                f"VAR needs two targets or more, but target={panel.columns.targets[0]!r} is the "
                "only one; use AutoReg"
            )
        super()._fit(panel)

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        y = _complete(y, season_length)
        moving = np.ptp(y, axis=0) > 0
        options = {"moving": moving, "season_length": season_length}
        model = _model(y, options)
        options["lags"] = self._chosen_lags(model, *y[:, moving].shape)
        params = np.asarray(model.fit(options["lags"], trend=self.trend).params)
        return params, options

    def _chosen_lags(self, model: Any, n_rows: int, n_targets: int) -> int:
        if not isinstance(self.lags, str):
            return int(self.lags)
        bearable = (n_rows - n_targets - len(self.trend)) // (1 + n_targets)
        most = max(1, min(round(12 * (n_rows / 100) ** 0.25), bearable // 3))
        return int(getattr(model.select_order(most, trend=self.trend), self.criterion))

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        moving, lags = fitted.options["moving"], fitted.options["lags"]
        last = np.stack([last_observed_rows(column, cutoffs) for column in y.T], axis=1)
        forecasts = np.full((len(cutoffs), n, y.shape[1]), np.nan)
        for i, cutoff in enumerate(cutoffs):
            n_past = last[i, moving].min() + 1
            if n_past >= lags:
                past = _complete(y[: cutoff + 1], fitted.options["season_length"])
                # Behind the last complete row, what is not observed is forecast.
                behind = np.concatenate([y[n_past : cutoff + 1], np.full((n, y.shape[1]), np.nan)])
                path = self._path(fitted, past[:n_past, moving], behind[:, moving], shift)
                forecasts[i] = past[-1]
                forecasts[i][:, moving] = path[-n:]
        return forecasts

    def _path(self, fitted: Fitted, past: np.ndarray, behind: np.ndarray, shift: int) -> np.ndarray:
        """Fill the rows behind the past, one after the other."""
        lags, n_fixed = fitted.options["lags"], {"n": 0, "c": 1, "ct": 2}[self.trend]
        path = np.concatenate([past, behind])
        for row in range(len(past), len(path)):
            recent = path[row - lags : row][::-1].ravel()
            fixed = np.array([1.0, shift + row + 1.0])[:n_fixed]
            step = np.concatenate([fixed, recent]) @ fitted.params
            path[row] = np.where(np.isnan(path[row]), step, path[row])
        return path

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        complete = _complete(y, fitted.options["season_length"])
        return _model(complete, fitted.options).fit(fitted.options["lags"], trend=self.trend)


def _complete(y: np.ndarray, season_length: int) -> np.ndarray:
    """Fill gaps inside each column, and behind its last value with its last season."""
    if not np.isnan(y).any():
        return y
    inside = np.full(y.shape, np.nan)
    for column, (values, seen) in enumerate(zip(y.T, ~np.isnan(y.T), strict=True)):
        end = len(seen) - seen[::-1].argmax()
        inside[:end, column] = interpolate(values[:end], season_length)
    return seasonal_fill(inside, np.array([0, len(y)]), season_length)


def _model(y: np.ndarray, options: dict[str, Any]) -> Any:
    from statsmodels.tsa.api import VAR as Model

    return Model(y[:, options["moving"]])
