"""Intervals and quantiles around the forecasts of any forecaster, from its errors in a backtest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from tsrnn.archive import PathLike
from tsrnn.backtest_result import BacktestResult
from tsrnn.backtesting import backtest
from tsrnn.base import rows_of
from tsrnn.calibration import check_enough, choose_cutoffs, scaled_residuals
from tsrnn.conformal import quantile_of_scores
from tsrnn.history import extend, resume
from tsrnn.interval_frames import (
    factors_at,
    factors_of,
    read_targets,
    series_and_steps,
    series_lengths,
    with_bounds,
)
from tsrnn.panel import Panel
from tsrnn.quantile_arrays import check_levels, check_share
from tsrnn.reading import to_frame
from tsrnn.splitting import RollingOriginSplit
from tsrnn.windows import check_count

_METHODS = ("split", "adaptive")


def _wrapped_has(method: str) -> Callable[[Any], bool]:
    return lambda conformal: hasattr(conformal.forecaster, method)


class ConformalForecaster(BaseEstimator):  # type: ignore[misc]
    """A forecaster whose forecasts have intervals that cover what comes as often as promised.

    The forecaster is backtested on the training data, and intervals are as wide as its errors
    were, at each step ahead. No distribution is assumed: if the next error is exchangeable with
    those of the backtest, the interval covers it with probability `coverage` or more. Errors of
    a time series are only nearly so; where they drift, ``method="adaptive"`` follows.

    Parameters
    ----------
    forecaster : estimator
        With a `horizon`, `fit` and `predict`: any of tsrnn, a `ForecastPipeline`, or another
        that takes part in `backtest`. It is cloned.
    coverage : float, default 0.9
        Share of the observations that intervals are to hold, between 0 and 1.
    n_splits : int or "auto", default "auto"
        Cutoffs of the backtest. "auto" takes what one third of the training data allows, at
        most 100; where a panel has many series, those that give 2,000 errors at each step, but
        5 or more ("adaptive" 30); and never fewer than `coverage` needs.
    step : int or "auto", default "auto"
        Time steps from one cutoff to the next. "auto" spreads them over that third.
    refit : bool or int, default False
        As in `backtest`. False fits once before the first cutoff, and once to all data.
    method : {"split", "adaptive"}, default "split"
        "split" treats all errors alike. "adaptive" raises the level of a step ahead where its
        latest errors were missed too often, and lowers it where they were held too often.
    gamma : float, default 0.05
        Step size of "adaptive": the greater, the faster it follows, and the less steady.
    season_length : int, "auto" or list of int, default "auto"
        Season of the scales of the series, as in `backtest`.
    n_jobs : int, default None
        Workers of joblib, over the fits of the backtest.

    Attributes
    ----------
    forecaster_ : estimator
        Fitted to all training data.
    residuals_ : ndarray of shape (n_splits, n_series, horizon, n_targets)
        Truth less forecast in the backtest, cutoffs in the order of time, divided by the scale
        of the series; NaN where a series was not tested or the truth is missing.
    horizon_, n_splits_, step_, season_length_ : int
        As they were used.

    Raises
    ------
    TypeError, ValueError
        In `fit`, if a parameter is out of range, the forecaster has no horizon or the errors
        are too few for `coverage`; in `predict_interval` and `predict_quantiles`, if they are
        too few for what is asked there, or forecasts reach beyond the horizon.

    Notes
    -----
    Errors of all series are pooled. Each is divided by the scale of its series, the mean
    absolute seasonal difference that MASE divides by, and intervals are multiplied by it; so a
    single series is calibrated on its own errors, and a panel of thousands on a few cutoffs.
    The scale of a history given to predict is its own. A constant series in a panel of others
    takes no part, and its intervals have no width.

    Intervals are symmetric, from absolute errors; quantiles come from signed errors and need
    not be. Intervals of "split" are nested: the greater coverage holds the smaller.

    Sources: Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World; Lei et
    al. (2018), Distribution-free predictive inference for regression, Journal of the American
    Statistical Association 113(523); Gibbs and Candès (2021), Adaptive conformal inference
    under distribution shift, NeurIPS 34.

    Examples
    --------
    >>> from tsrnn.baselines import SeasonalNaive
    >>> from tsrnn.datasets import load_airline
    >>> conformal = ConformalForecaster(SeasonalNaive(horizon=3), coverage=0.8)
    >>> conformal.fit(load_airline()).predict_interval().round()
                lower  upper
    time
    1961-01-01  360.0  474.0
    1961-02-01  334.0  448.0
    1961-03-01  362.0  476.0
    """

    residuals_: np.ndarray
    _history: Panel
    _unscaled: Any

    def __init__(
        self,
        forecaster: Any,
        coverage: float = 0.9,
        *,
        n_splits: int | str = "auto",
        step: int | str = "auto",
        refit: bool | int = False,
        method: str = "split",
        gamma: float = 0.05,
        season_length: Any = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.forecaster = forecaster
        self.coverage = coverage
        self.n_splits = n_splits
        self.step = step
        self.refit = refit
        self.method = method
        self.gamma = gamma
        self.season_length = season_length
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the forecaster to the history in X, and backtest it there.

        Parameters
        ----------
        X, y : as the forecaster takes them

        Returns
        -------
        self
        """
        self._check_parameters()
        # Before the backtest, so that what is wrong with the data is said in the usual words.
        fitted, horizon = clone(self.forecaster), int(self.horizon)
        fitted = fitted.fit(X) if y is None else fitted.fit(X, y)
        n_splits, step = choose_cutoffs(
            series_lengths(X), horizon, self.coverage, self.n_splits, self.step, self.method
        )
        result = backtest(
            self.forecaster,
            X,
            y,
            cv=RollingOriginSplit(n_splits, horizon=horizon, step=step),
            refit=self.refit,
            season_length=self.season_length,
            n_jobs=self.n_jobs,
            verbose=False,
        )
        positions = _positions_of_targets(X if y is None else y, result)
        history = read_targets(X, y, positions)
        residuals, unscaled = scaled_residuals(result, history, horizon)
        check_enough(residuals, self.coverage)
        # Only now: until here, all is that of the last fit.
        self.forecaster_, self.horizon_ = fitted, horizon
        self.n_splits_, self.step_ = n_splits, step
        self.season_length_, self.fitted_with_y_ = result.season_length, y is not None
        self.residuals_, self._unscaled = residuals, unscaled
        self._positions, self._history = positions, history
        return self

    def predict(self, X: Any = None) -> Any:
        """Forecast as the forecaster does.

        Parameters
        ----------
        X : as the forecaster takes it, default None

        Returns
        -------
        forecasts : same container as X (as in fit, if X is None)
        """
        check_is_fitted(self)
        return self.forecaster_.predict(*([] if X is None else [X]))

    def predict_interval(self, X: Any = None, coverage: float | None = None) -> Any:
        """Forecast intervals; the forecast of `predict` lies in their middle.

        Parameters
        ----------
        X : as in `predict`
        coverage : float, default None
            None is the `coverage` of fit.

        Returns
        -------
        intervals : DataFrame, or ndarray of shape (n_rows, 2) or (n_rows, n_targets, 2)
            Of a Series the columns "lower" and "upper", of a DataFrame both for each target, in
            a second level of the columns; of an array both along the last axis.
        """
        check_is_fitted(self)
        coverage = self.coverage if coverage is None else coverage
        check_share(coverage, "coverage")
        check_enough(self.residuals_, coverage)
        radius = self._quantile(np.abs(self.residuals_), coverage)
        return self._around(X, np.stack([-radius, radius], axis=-1), ["lower", "upper"])

    def predict_quantiles(self, X: Any = None, quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> Any:
        """Forecast quantiles, which never cross.

        Parameters
        ----------
        X : as in `predict`
        quantiles : sequence of float, default (0.1, 0.5, 0.9)
            Ascending, between 0 and 1.

        Returns
        -------
        quantiles : as from `predict_interval`
            With the levels in place of "lower" and "upper".
        """
        check_is_fitted(self)
        levels = check_levels(quantiles)
        return self._around(X, self._errors_at(levels), levels)

    @available_if(_wrapped_has("predict_at"))
    def predict_quantiles_at(
        self,
        X: Any,
        cutoffs: Any,
        y: Any = None,
        *,
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        n_steps: int | None = None,
    ) -> pd.DataFrame:
        """Forecast quantiles from many cutoffs of one history at once, without refitting.

        The errors of fit are scaled by the history in X up to each cutoff; nothing after it
        counts.

        Parameters
        ----------
        X, cutoffs, y : as in `predict_at`
        quantiles : sequence of float, default (0.1, 0.5, 0.9)
            Ascending, between 0 and 1.
        n_steps : int, default None
            Steps ahead, at most the horizon, which None takes.

        Returns
        -------
        quantiles : DataFrame
            A column for each target and level, indexed by (series,) cutoff and time.
        """
        check_is_fitted(self)
        levels = check_levels(quantiles)
        errors = self._errors_at(levels)
        n_steps = self.horizon_ if n_steps is None else n_steps
        check_count("n_steps", n_steps)
        self._check_reach(n_steps)
        forecasts = self.predict_at(X, cutoffs, y, n_steps=n_steps)
        panel = read_targets(X, y, self._positions, self._history.grid)
        rows = rows_of(panel, cutoffs)
        factors = factors_at(panel, self.season_length_, rows, self._unscaled)
        scaled = factors[:, None, :, None] * errors[:n_steps]
        return with_bounds(forecasts, scaled.reshape(-1, *scaled.shape[2:]), levels)

    @available_if(_wrapped_has("predict_at"))
    def predict_at(
        self, X: Any, cutoffs: Any, y: Any = None, *, n_steps: int | None = None
    ) -> pd.DataFrame:
        """Forecast from many cutoffs as the forecaster does, without intervals.

        Parameters
        ----------
        X, cutoffs, y, n_steps : as the forecaster takes them

        Returns
        -------
        forecasts : DataFrame
            One column per target, indexed by (series,) cutoff and time.
        """
        check_is_fitted(self)
        known = {} if y is None else {"y": y}
        return self.forecaster_.predict_at(X, cutoffs, n_steps=n_steps, **known)

    @available_if(_wrapped_has("score"))
    def score(self, X: Any, y: Any = None) -> float:
        """Score as the forecaster does: skill of the forecasts, whatever the intervals.

        Returns
        -------
        score : float
        """
        check_is_fitted(self)
        return self.forecaster_.score(X, y)

    @available_if(_wrapped_has("update"))
    def update(self, X: Any, y: Any = None) -> Self:
        """Append new observations to the history, without refitting or calibrating anew.

        Parameters
        ----------
        X, y : as in fit
            Rows right after the training data (or after the last update).

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self.forecaster_.update(X, y)
        new = read_targets(X, y, self._positions, self._history.grid)
        self._history = extend(self._history, new)
        return self

    def save(self, path: PathLike) -> None:
        """Write forecaster and calibration to a file, which `tsrnn.load` reads.

        Parameters
        ----------
        path : path-like
            As of the forecasters' `save`.

        Raises
        ------
        TypeError
            If the forecaster is none of tsrnn, or a parameter cannot be written, naming it.
        NotFittedError
            If it is not fitted.
        OSError
            If the file cannot be written.
        """
        from tsrnn.saving import save  # which knows all forecasters

        save(self, path)

    @property
    def horizon(self) -> int:
        """Steps that the forecaster looks ahead."""
        return self.forecaster.horizon

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X in fit."""
        return self.forecaster_.n_features_in_

    @property
    def feature_names_in_(self) -> Any:
        """Names of the columns of X in fit."""
        return self.forecaster_.feature_names_in_

    def _check_parameters(self) -> None:
        if not hasattr(self.forecaster, "horizon"):
            raise TypeError(
                f"forecaster={self.forecaster!r} has no horizon, which says how far its errors "
                "are looked at; give one of tsrnn, or an estimator with fit, predict and horizon"
            )
        check_count("horizon", self.horizon)
        check_share(self.coverage, "coverage")
        if self.method not in _METHODS:
            raise ValueError(f"method={self.method!r} must be one of {list(_METHODS)}")
        if not isinstance(self.gamma, Real) or not 0 <= float(self.gamma) <= 1:
            raise ValueError(f"gamma={self.gamma!r} must be a number from 0 to 1")
        for name in ("n_splits", "step"):
            if getattr(self, name) != "auto":
                check_count(name, getattr(self, name))

    def _quantile(self, scores: np.ndarray, level: float) -> np.ndarray:
        gamma = float(self.gamma) if self.method == "adaptive" else 0.0
        return quantile_of_scores(scores, level, gamma=gamma, spacing=self.step_)

    def _errors_at(self, levels: list[float]) -> np.ndarray:
        """Quantiles of the scaled errors, shape (horizon, n_targets, n_levels)."""
        for level in levels:
            check_enough(self.residuals_, max(level, 1 - level))
        errors = np.stack([self._quantile(self.residuals_, level) for level in levels], axis=-1)
        # Levels that adapt each by itself may exchange their places.
        return np.sort(errors, axis=-1)

    def _check_reach(self, n_steps: int) -> None:
        if n_steps > self.horizon_:
            raise ValueError(
                f"the forecasts reach {n_steps} steps ahead, but intervals are known for "
                f"horizon={self.horizon_}: set the horizon of the forecaster to {n_steps}, or "
                "ask for fewer rows"
            )

    def _around(self, X: Any, errors: np.ndarray, labels: list[Any]) -> Any:
        """Forecasts plus `errors`, shape (horizon, n_targets, n_labels), scaled by series."""
        forecasts = self.predict(X)
        panel = self._panel_of(X)
        series, steps = series_and_steps(forecasts, panel)
        self._check_reach(int(steps.max()))
        factors = factors_of(panel, self.season_length_, series, self._unscaled)
        return with_bounds(forecasts, factors[..., None] * errors[steps - 1], labels)

    def _panel_of(self, X: Any) -> Panel:
        """Observed targets that the forecasts follow."""
        if X is None or self.fitted_with_y_:
            return self._history
        new = read_targets(X, None, self._positions, self._history.grid)
        return resume(self._history, new)[0]


def _positions_of_targets(X: Any, result: BacktestResult) -> list[int]:
    """Columns of the data that a backtest forecast."""
    columns = list(to_frame(X).columns)
    return [columns.index(name) for name in result.table["target"].drop_duplicates()]
