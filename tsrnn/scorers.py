"""Scorers, by which scikit-learn's searches compare forecasters with any metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.metric_arrays import paired, ratio

__all__ = ["ForecastScorer", "forecast_scorer"]

_NAMES = ("bias", "mae", "mape", "mase", "rmse", "smape", "wape")


def forecast_scorer(
    metric: str | Callable[[Any, Any], float], *, greater_is_better: bool = False
) -> ForecastScorer:
    """Make a scorer for `scoring=` in GridSearchCV, cross_validate and their like.

    Forecasters roll through the rows of X that follow their training data, as in their own
    `score`; other estimators are asked for ``predict(X)``, which is compared with y.

    Parameters
    ----------
    metric : {"bias", "mae", "mape", "mase", "rmse", "smape", "wape"} or callable
        A metric of `tsrnn.metrics` by its name, or a function of (y_true, y_pred) such as
        those of `sklearn.metrics`. "bias" is scored by its absolute value, because 0 is best.
        "mase" divides the MAE of each target by the `naive_error_` that the forecaster keeps
        of its training data, pooled: its mean over the series that have one.
    greater_is_better : bool, default False
        False turns the sign of the metric, since a search takes the greatest score.

    Returns
    -------
    scorer : ForecastScorer
        Called as ``scorer(estimator, X, y=None)``; it can be pickled.

    Raises
    ------
    ValueError
        If the name is none of these.

    Notes
    -----
    The last step of scikit-learn's own Pipeline is scored in the units that it is given;
    take a `ForecastPipeline` for the original ones.

    The divisor of "mase" follows from `season_length`. To search over that, score with
    another metric, so that all candidates have one yardstick.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
    >>> from tsrnn.baselines import SeasonalNaive
    >>> search = GridSearchCV(
    ...     SeasonalNaive(),
    ...     {"season_length": [1, 2, 3]},
    ...     scoring=forecast_scorer("mae"),
    ...     cv=TimeSeriesSplit(2),
    ... )
    >>> search.fit([1.0, 5.0, 9.0] * 4).best_params_
    {'season_length': 3}
    """
    if not callable(metric) and metric not in list(_NAMES):  # a list asks for no hash
        raise ValueError(
            f"metric={metric!r} names no scorer: give one of {list(_NAMES)}, or a function of "
            "(y_true, y_pred)"
        )
    return ForecastScorer(metric, greater_is_better)


@dataclass(frozen=True, repr=False)
class ForecastScorer:
    """What `forecast_scorer` returns, where its parameters are described."""

    metric: str | Callable[[Any, Any], float]
    greater_is_better: bool = False

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score the forecasts of a fitted estimator on the rows of X; greater is better.

        Raises
        ------
        ValueError
            If there is nothing to compare, or to scale "mase" by.
        """
        estimator, X = _forecaster_of(estimator, X)
        y_true, y_pred = _truth_and_forecasts(estimator, X, y)
        value = self._value(estimator, y_true, y_pred)
        return float(value if self.greater_is_better else -value)

    def _value(self, estimator: Any, y_true: Any, y_pred: Any) -> float:
        if not isinstance(self.metric, str):
            return self.metric(y_true, y_pred)
        if self.metric == "mase":
            return _pooled_mase(estimator, y_true, y_pred)
        from tsrnn.metrics import METRICS  # which offers the scorers too

        value = METRICS[self.metric](y_true, y_pred, None, 1)
        # Neither the most positive nor the most negative bias is the best one.
        return abs(value) if self.metric == "bias" else value

    def __repr__(self) -> str:
        """Return the call that makes this scorer."""
        shown = repr(self.metric) if isinstance(self.metric, str) else self.metric
        return (
            f"forecast_scorer({getattr(shown, '__name__', shown)}, "
            f"greater_is_better={self.greater_is_better})"
        )


def _forecaster_of(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return what forecasts in a search or in scikit-learn's Pipeline, and X as it is given it."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if hasattr(estimator, "rolling_predict") or not hasattr(estimator, "steps"):
        return estimator, X
    final = estimator.steps[-1][1]
    if not hasattr(final, "rolling_predict"):
        return estimator, X
    return final, estimator[:-1].transform(X) if len(estimator.steps) > 1 else X


def _truth_and_forecasts(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    if hasattr(estimator, "rolling_predict"):
        y_true, y_pred = estimator.rolling_predict(X, y)
        if not len(y_true):
            raise ValueError(
                "there is nothing to score: no row of X after the training data has all its "
                "targets observed; give more rows"
            )
        return y_true, y_pred
    if y is None:
        raise ValueError(
            f"y is None, and {type(estimator).__name__} has no rolling_predict to take the "
            "targets from X: pass y, or make it a forecaster (of a Pipeline, a ForecastPipeline)"
        )
    return y, estimator.predict(X)


def _pooled_mase(estimator: Any, y_true: Any, y_pred: Any) -> float:
    """MAE of each target over the mean naive error of all series."""
    naive_errors = getattr(estimator, "naive_error_", None)
    if naive_errors is None:
        raise ValueError(
            f"metric='mase' is scaled by naive_error_, which {type(estimator).__name__} does not "
            "keep of its training data: take a forecaster of tsrnn, or metric='mae'"
        )
    if np.isnan(naive_errors).all(axis=0).any():
        raise ValueError(
            "metric='mase' has no scale: in the training data no two values of a target lie a "
            f"season apart (season_length_={estimator.season_length_}); give a longer history or "
            "a shorter season_length, or take metric='mae'"
        )
    observed, forecast = paired(y_true, y_pred)
    error = np.abs(observed - forecast).mean(axis=0)
    return float(ratio(error, np.nanmean(naive_errors, axis=0), 0.0).mean())
