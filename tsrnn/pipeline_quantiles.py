"""Quantiles, intervals and sample paths of a `ForecastPipeline`, in the units of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if

from tsrnn.frame_history import container_of, unwrapped
from tsrnn.interval_frames import with_bounds
from tsrnn.quantile_arrays import central_levels, check_levels
from tsrnn.steps import Chain

# Whose quantiles are forecast: 25 lie outside of each end of an interval of 90%.
_N_PATHS = 500


def _final_samples(pipeline: Any) -> bool:
    return callable(pipeline.steps[-1][1].sample)


class PipelineQuantiles:
    """What a `ForecastPipeline` can do besides, whose forecaster has a `distribution`."""

    steps: list[tuple[str, Any]]
    fitted_with_y_: bool
    _chain: Chain
    _container: Any
    _check_fitted: Any
    _covariates: Any
    _transformed: Any

    @available_if(_final_samples)
    def sample(self, X: Any = None, n_samples: int = 100, random_state: Any = None) -> Any:
        """Draw paths over the horizon, each turned back into original units.

        Parameters
        ----------
        X : as in `predict`, default None
        n_samples, random_state : as the forecaster takes them

        Returns
        -------
        paths : DataFrame, or ndarray of shape (n_rows[, n_targets], n_samples)
            Of a Series a column for each path, numbered from 0; of a DataFrame for each target
            and, in a second level of the columns, each path.

        Raises
        ------
        ValueError
            As the forecaster raises it; or if a step turns a path back into NaN.
        """
        final = self._check_fitted()
        how = {"n_samples": n_samples, "random_state": random_state}
        if self.fitted_with_y_:
            return final.sample(self._covariates(X), **how)
        changed, inputs = self._transformed(X)
        first, values = self._chain.turn_back_paths(final.sample(changed, **how), inputs)
        return self._contained(X, first, values, list(range(n_samples)))

    @available_if(_final_samples)
    def predict_quantiles(self, X: Any = None, quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> Any:
        """Forecast quantiles in original units, which never cross.

        Where steps turn forecasts back, they are the quantiles of 500 paths, the same at each
        call: what `Differencer` adds up over the horizon has other quantiles than its parts.
        Their error is that of a sample: 5% are meant to lie below a level of 0.05, and of most
        samples 3% to 7% do. Elsewhere they are the forecaster's own.

        Parameters
        ----------
        X : as in `predict`, default None
        quantiles : sequence of float, default (0.1, 0.5, 0.9)
            Ascending levels, between 0 and 1.

        Returns
        -------
        quantiles : as from `sample`
            With the levels in place of numbers.

        Raises
        ------
        ValueError
            If levels are out of range, or as `sample` raises it.

        Examples
        --------
        >>> from tsrnn import Differencer, ForecastPipeline, GRUForecaster
        >>> walk = pd.Series(np.cumsum(np.random.default_rng(0).normal(size=60)))
        >>> gru = GRUForecaster(
        ...     horizon=3, distribution="gaussian", units=4, max_epochs=1, random_state=0
        ... )
        >>> pipeline = ForecastPipeline([("change", Differencer()), ("gru", gru)]).fit(walk)
        >>> quantiles = pipeline.predict_quantiles(quantiles=[0.05, 0.95])
        >>> (quantiles[0.95] - quantiles[0.05]).is_monotonic_increasing
        True
        """
        levels = check_levels(quantiles)
        final = self._check_fitted()
        if self.fitted_with_y_:
            return final.predict_quantiles(self._covariates(X), levels)
        return self._quantiles(X, levels, levels)

    @available_if(_final_samples)
    def predict_interval(self, X: Any = None, coverage: float = 0.9) -> Any:
        """Forecast central intervals in original units: as much may lie below as above.

        Parameters
        ----------
        X : as in `predict`, default None
        coverage : float, default 0.9
            Probability that a value lies inside, between 0 and 1.

        Returns
        -------
        intervals : as from `predict_quantiles`
            With "lower" and "upper" in place of the levels.

        Raises
        ------
        ValueError
            If `coverage` is out of range, or as `sample` raises it.
        """
        levels = central_levels(coverage)
        final = self._check_fitted()
        if self.fitted_with_y_:
            return final.predict_interval(self._covariates(X), coverage)
        return self._quantiles(X, levels, ["lower", "upper"])

    def _quantiles(self, X: Any, levels: list[float], labels: list[Any]) -> Any:
        final = self.steps[-1][1]
        changed, inputs = self._transformed(X)
        if not self._chain.inverts:
            own = final.predict_quantiles(changed, levels)
            return self._contained(X, *self._chain.turn_back_paths(own, inputs), labels)
        paths = final.sample(changed, n_samples=_N_PATHS, random_state=0)
        first, values = self._chain.turn_back_paths(paths, inputs)
        quantiles = np.moveaxis(np.quantile(values, levels, axis=-1), 0, -1)
        return self._contained(X, first, quantiles, labels)

    def _contained(self, X: Any, like: pd.DataFrame, values: np.ndarray, labels: list[Any]) -> Any:
        """Put values of shape (n_rows, n_targets, n_labels) into the container of forecasts."""
        zeros = pd.DataFrame(0.0, like.index, like.columns)
        container = self._container if X is None else container_of(X)
        return with_bounds(unwrapped(zeros, container), values, labels)
