"""Quantiles, intervals and sample paths of networks that forecast a distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from tsrnn.base import Forecaster, rows_of
from tsrnn.dependence import dependent_levels
from tsrnn.interval_frames import with_bounds
from tsrnn.panel import Panel
from tsrnn.planning import seeds
from tsrnn.quantile_arrays import central_levels, check_levels
from tsrnn.ready_made import is_ready_made
from tsrnn.rolling import cutoff_frame
from tsrnn.windows import check_count

# Makes levels of shape (n_cutoffs, horizon, n_targets, n_levels) of the first three sizes.
Levels = Callable[[int, int, int], np.ndarray]


def _forecasts_distribution(forecaster: Any) -> bool:
    fitted = getattr(forecaster, "spec_", forecaster)
    if fitted.distribution is None:
        raise AttributeError(
            "distribution=None forecasts one number: set distribution='quantiles' or another, or "
            "wrap the forecaster in a ConformalForecaster"
        )
    return True


class ProbabilisticForecasts(Forecaster):
    """What a forecaster with a `distribution` can do besides; see `RNNForecaster`.

    A subclass has ``_forecast_quantiles(panel, series, cutoffs, levels)``, whose answer has the
    shape of the levels, (n_cutoffs, horizon, n_targets, n_levels).
    """

    distribution: str | None
    dependence_: Any  # ndarray of shape (horizon, horizon) or None

    @available_if(_forecasts_distribution)
    def predict_quantiles(self, X: Any = None, quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> Any:
        """Forecast quantiles, which never cross.

        Parameters
        ----------
        X : as in `predict`, default None
        quantiles : sequence of float, default (0.1, 0.5, 0.9)
            Ascending levels, between 0 and 1.

        Returns
        -------
        quantiles : DataFrame, or ndarray of shape (n_rows[, n_targets], n_levels)
            Of a Series a column for each level, of a DataFrame for each target and, in a second
            level of the columns, each level; of an array along the last axis. Of several
            members each level is the mean of theirs (of logarithms, with "log_normal"); those of
            counts are whole numbers.

        Raises
        ------
        ValueError
            If levels are out of range, or the forecasts reach beyond `horizon`.

        Examples
        --------
        >>> from tsrnn import GRUForecaster
        >>> wave = np.sin(np.arange(60) / 3)
        >>> gru = GRUForecaster(horizon=2, distribution="gaussian", units=4, max_epochs=1)
        >>> gru.fit(wave).predict_quantiles(quantiles=[0.05, 0.95]).shape
        (2, 2)
        """
        levels = check_levels(quantiles)
        return self._answer_with(X, _constant(levels), levels)

    @available_if(_forecasts_distribution)
    def predict_interval(self, X: Any = None, coverage: float = 0.9) -> Any:
        """Forecast central intervals: as much may lie below them as above.

        Parameters
        ----------
        X : as in `predict`, default None
        coverage : float, default 0.9
            Probability that a value lies inside, between 0 and 1.

        Returns
        -------
        intervals : as from `predict_quantiles`
            With "lower" and "upper" in place of the levels.
        """
        return self._answer_with(X, _constant(central_levels(coverage)), ["lower", "upper"])

    @available_if(_forecasts_distribution)
    def sample(self, X: Any = None, n_samples: int = 100, random_state: Any = None) -> Any:
        """Draw paths over the horizon, whose steps move together as they did in training.

        Each step has the distribution of `predict_quantiles`; a Gaussian copula with the
        correlations in `dependence_` ties the steps. Series and targets are drawn independently
        of each other.

        Parameters
        ----------
        X : as in `predict`, default None
        n_samples : int, default 100
        random_state : int, Generator, RandomState or None, default None
            An int draws the same paths each time.

        Returns
        -------
        paths : as from `predict_quantiles`
            With numbers from 0 in place of the levels.

        Raises
        ------
        ValueError
            If the forecasts reach beyond `horizon`.
        """
        check_count("n_samples", n_samples)
        check_is_fitted(self)
        random = np.random.default_rng(seeds(random_state, 1)[0])
        correlation = self.dependence_

        def draw(n_cutoffs: int, horizon: int, n_targets: int) -> np.ndarray:
            shape = (n_cutoffs, n_targets, n_samples)
            return np.moveaxis(dependent_levels(correlation, shape, random), -1, 1)

        return self._answer_with(X, draw, list(range(n_samples)))

    @available_if(_forecasts_distribution)
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

        Parameters
        ----------
        X, cutoffs, y, n_steps : as in `predict_at`
        quantiles : as in `predict_quantiles`

        Returns
        -------
        quantiles : DataFrame
            A column for each target and level, indexed by (series,) cutoff and time.
        """
        check_is_fitted(self)
        levels = check_levels(quantiles)
        panel = self._read(X, y)
        rows = rows_of(panel, cutoffs)
        steps = self.horizon_ if n_steps is None else n_steps
        check_count("n_steps", steps)
        series = panel.series_of(rows)
        values = self._quantiles(panel, series, rows, steps, _constant(levels))
        points = cutoff_frame(panel, rows, np.zeros(values.shape[:-1]))
        return with_bounds(points, values.reshape(len(points), -1, values.shape[-1]), levels)

    def _answer_with(self, X: Any, levels_of: Levels, labels: list[Any]) -> Any:
        """Quantiles at the levels of each step, in the container of a forecast, with labels."""
        check_is_fitted(self)
        panel, cutoffs, n_steps = self._asked(X)
        series = np.arange(panel.n_series)
        values = self._quantiles(panel, series, cutoffs, int(n_steps.max()), levels_of)
        # Forecasts of where their quantiles stand, so that these come in the same order.
        places = np.arange(values[..., 0].size, dtype=np.float64).reshape(values.shape[:-1])
        places = self._answer(X, panel, cutoffs, n_steps, places)
        flat = values.reshape(-1, values.shape[-1])
        chosen = flat[np.asarray(places, dtype=np.int64)].reshape(len(places), -1, len(labels))
        answer = with_bounds(0 * places, chosen, labels)
        if is_ready_made(X):
            return answer.reshape(len(X), self.horizon_, *answer.shape[1:])
        return answer

    def _quantiles(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int, levels_of: Levels
    ) -> np.ndarray:
        """Quantiles of shape (n_cutoffs, n_steps, n_targets, n_levels)."""
        if n_steps > self.horizon_:
            raise ValueError(
                f"{n_steps} steps are asked for, but distributions are forecast for "
                f"horizon={self.horizon_}; fit with horizon={n_steps}"
            )
        levels = levels_of(len(cutoffs), self.horizon_, panel.n_targets)
        return self._forecast_quantiles(panel, series, cutoffs, levels)[:, :n_steps]

    def _forecast_quantiles(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, levels: np.ndarray
    ) -> np.ndarray:
        raise NotImplementedError


def _constant(levels: Sequence[float]) -> Levels:
    """Make the same levels for each cutoff, step and target."""
    row = np.asarray(levels, dtype=np.float64)
    return lambda *shape: np.broadcast_to(row, (*shape, len(row)))
