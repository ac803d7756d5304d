"""A Pipeline whose forecasts come back in the units of the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from tsrnn.all_or_nothing import all_or_nothing
from tsrnn.archive import PathLike
from tsrnn.frame_history import FrameHistory, container_of, rows_of, take, unwrapped
from tsrnn.pipeline_quantiles import PipelineQuantiles
from tsrnn.rolling import compare, cutoff_ranks, naive_errors, skill
from tsrnn.season import resolve_season_length
from tsrnn.steps import Chain, every_estimator, targets_of, unwrap, wrap


def _final_has(method: str) -> Callable[[Any], bool]:
    return lambda pipeline: hasattr(pipeline.steps[-1][1], method)


class ForecastPipeline(PipelineQuantiles, Pipeline):  # type: ignore[misc]
    """Transformers and a forecaster whose answers are in the original units.

    scikit-learn's Pipeline answers in the units that its last step is given; this one turns
    forecasts back through the steps. Transformers see frames, so that rows keep their times
    and columns their names whatever a transformer makes of them.

    Parameters
    ----------
    steps : list of (name, estimator)
        Transformers and, at last, a forecaster. A transformer that changes the targets needs
        an `inverse_transform`; one that does not (imputes, adds covariates, or says
        ``changes_units = False``) needs none. If its `inverse_transform` has a parameter
        `history`, it is given the rows up to the cutoff, as `Differencer` needs. Steps may be
        "passthrough" and Pipelines; for a Pipeline as last step take a `ForecastPipeline`.
    transform_input : list of str, default None
        As in scikit-learn's Pipeline, like the following two.
    memory : str or object with the joblib.Memory interface, default None
        Cache of fitted transformers.
    verbose : bool, default False
        Print the time of each step.

    Attributes
    ----------
    season_length_ : int
        Season of the naive forecast in `score`.
    naive_error_ : ndarray of shape (n_series, n_targets)
        Mean absolute seasonal difference of the training data, in original units.
    fitted_with_y_ : bool

    Notes
    -----
    ``fit(X)`` transforms all columns, targets and covariates, and turns forecasts back.
    After ``fit(X, y)`` the transformers see only X, the covariates, as everywhere in
    scikit-learn: y keeps its units, and there is nothing to turn back. To transform the
    target too, make it a column of X, name it in the forecaster's `target`, and ``fit(X)``.

    Transformers are fitted on the training rows only. Later rows are transformed together
    with the history before them, so that a step may look back, but never ahead: a
    transformer has to work row by row or from the past only. A panel is one long frame to
    scikit-learn's transformers: `StandardScaler` has one scale for all series.

    Examples
    --------
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from tsrnn.baselines import Naive
    >>> from tsrnn.preprocessing import Differencer
    >>> growth = pd.Series([1.0, 2, 4, 8], index=pd.period_range("2021", periods=4, freq="Y"))
    >>> log = FunctionTransformer(np.log, np.exp)
    >>> ForecastPipeline([("log", log), ("change", Differencer()), ("same", Naive(2))]).fit(
    ...     growth
    ... ).predict().round(6).tolist()
    [16.0, 32.0]
    """

    steps: list[tuple[str, Any]]
    _history: FrameHistory

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit the transformers and the forecaster.

        Parameters
        ----------
        X : Series, DataFrame, array or (series, time) panel
            Rows are time steps. Without y its columns are targets and covariates.
        y : Series, DataFrame or array, default None
            Targets, row by row of X; they are not transformed.
        **params : object
            For the `fit` of a step, as ``step__parameter``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a step changes the targets and cannot turn them back, naming the step; or as
            the forecaster raises it.
        """
        if not self.steps:
            raise ValueError("steps=[] is empty; give at least a forecaster")
        rows = rows_of(X, as_frame=y is None)
        targets = targets_of(self.steps, rows.columns) if y is None else []
        with all_or_nothing(self, *every_estimator(self.steps)):
            wrapped = [(name, wrap(step, name, targets)) for name, step in self.steps[:-1]]
            self.steps = [*wrapped, self.steps[-1]]
            super().fit(rows, y, **params)
            self._chain = Chain.of(self.steps[:-1], targets)
            self.steps = [(name, unwrap(step)) for name, step in self.steps]
            self.fitted_with_y_ = y is not None
            self._container = container_of(X)
            self._remember(FrameHistory(rows.copy(), tuple(targets)))
        return self

    def predict(self, X: Any = None) -> Any:
        """Forecast what follows the data, in original units.

        Parameters
        ----------
        X : as in fit, default None
            None forecasts the `horizon` steps after the training data. After ``fit(X)`` it is
            a history, with rows of known future covariates behind it; after ``fit(X, y)``
            the covariates of the rows to forecast.

        Returns
        -------
        forecasts : same container as X (as in fit, if X is None)
            With the future timestamps.

        Raises
        ------
        ValueError
            As the forecaster raises it; or if a step turns a forecast back into NaN.
        """
        final = self._check_fitted()
        if self.fitted_with_y_:
            return final.predict() if X is None else final.predict(self._covariates(X))
        changed, inputs = self._transformed(X)
        forecasts = final.predict() if X is None else final.predict(changed)
        answer = self._chain.turn_back(forecasts, inputs, np.zeros(len(forecasts), dtype=np.int64))
        return unwrapped(answer, self._container if X is None else container_of(X))

    @available_if(_final_has("predict_at"))
    def predict_at(
        self, X: Any, cutoffs: Any, y: Any = None, *, n_steps: int | None = None
    ) -> pd.DataFrame:
        """Forecast from many cutoffs of one history at once, in original units.

        Parameters
        ----------
        X, y : as in fit
            The whole history; each forecast reads targets only up to its cutoff.
        cutoffs : array of int
            Row positions in X of the last observation that each forecast may see.
        n_steps : int, default None
            Steps ahead; None is the horizon of the forecaster.

        Returns
        -------
        forecasts : DataFrame
            One column per target, indexed by (series,) cutoff and time.
        """
        final = self._check_fitted(y)
        inputs = self._chain.inputs(self._history.like(X))
        if self.fitted_with_y_:
            return final.predict_at(inputs[-1], cutoffs, y, n_steps=n_steps)
        forecasts = final.predict_at(self._chain.windows(inputs[-1]), cutoffs, n_steps=n_steps)
        rank = cutoff_ranks(forecasts.index, np.size(cutoffs))
        answer = self._chain.turn_back(forecasts.droplevel("cutoff"), inputs, rank)
        return answer.set_axis(forecasts.index).rename_axis(forecasts.columns.names, axis=1)

    @available_if(_final_has("predict_at"))
    def rolling_predict(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Forecast the rows of X that follow the training data, `horizon` rows at a time.

        Returns
        -------
        y_true, y_pred : ndarray of shape (n_rows, n_targets)
            The rows whose targets are all observed, in original units.

        Raises
        ------
        ValueError
            If X does not follow the training data, saying where that ended.
        """
        final = self._check_fitted(y)
        if self.fitted_with_y_:
            return final.rolling_predict(self._covariates(X), y)
        return self._roll(X)[:2]

    @available_if(_final_has("score"))
    def score(self, X: Any, y: Any = None) -> float:
        """Skill over the seasonal naive forecast: ``1 - MAE / MAE of seasonal naive``.

        In original units, rolling through the rows of X that follow the training data.

        Returns
        -------
        skill : float
            1 is perfect, 0 no better than repeating the last season, negative is worse.

        Raises
        ------
        ValueError
            If X does not follow the training data, saying where that ended.
        """
        final = self._check_fitted(y)
        if self.fitted_with_y_:
            return final.score(self._covariates(X), y)
        return skill(*self._roll(X))

    @available_if(_final_has("update"))
    def update(self, X: Any, y: Any = None) -> Self:
        """Append new observations to the history, without refitting any step.

        Parameters
        ----------
        X, y : as in fit
            Rows right after the training data (or after the last update).

        Returns
        -------
        self
        """
        final, rows = self._check_fitted(y), self._history.like(X)
        whole, places = self._history.followed_by(rows)
        changed = self._chain.windows(take(self._chain.inputs(whole)[-1], places))
        final.update(changed, y)
        self._history = self._history.extended(rows)
        return self

    def save(self, path: PathLike) -> None:
        """Write the fitted pipeline to a file, which `tsrnn.load` reads.

        The file holds plain data only, no pickle, so the steps have to be of tsrnn, or one of
        scikit-learn's StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Pipeline and
        FunctionTransformer (with functions of numpy such as ``np.log1p``, or none).

        Parameters
        ----------
        path : path-like
            As of the forecasters' `save`.

        Raises
        ------
        TypeError
            If a step or a parameter cannot be written, naming it and the remedy.
        """
        from tsrnn.saving import save  # which knows all forecasters

        self._check_fitted()
        save(self, path)

    @property
    def horizon(self) -> int:
        """Steps that the forecaster looks ahead."""
        return self.steps[-1][1].horizon

    def _check_fitted(self, y: Any = None) -> Any:
        """Return the forecaster; an error before fit, or if y is given but fit saw none."""
        check_is_fitted(self, "_history")
        if y is not None and not self.fitted_with_y_:
            raise ValueError("y is given, but fit saw none: there X held the targets; leave y out")
        return self.steps[-1][1]

    def _remember(self, history: FrameHistory) -> None:
        panel = history.panel
        self._history = FrameHistory(history.rows, history.targets, panel.grid)
        final = self.steps[-1][1]
        season = getattr(final, "season_length_", getattr(final, "season_length", "auto"))
        self.season_length_ = resolve_season_length(season, panel.grid)
        if self.fitted_with_y_:  # y is given to the forecaster as it is
            self.naive_error_ = getattr(final, "naive_error_", None)
        else:
            self.naive_error_ = naive_errors(panel, self.season_length_)

    def _transformed(self, X: Any) -> tuple[Any, list[Any]]:
        """X as the forecaster reads it (None stays None), and what each step was given."""
        if X is None:
            return None, self._chain.inputs(self._history.rows)
        rows, places = self._history.context_of(self._history.like(X), own=True)
        inputs = self._chain.inputs(rows)
        return self._chain.windows(inputs[-1].iloc[places]), inputs

    def _covariates(self, X: Any) -> Any:
        """Covariates of the rows of X, transformed with the history before them."""
        if X is None:
            return None
        rows, places = self._history.context_of(self._history.like(X), own=False)
        return take(self._chain.inputs(rows)[-1], places)

    def _roll(self, X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = self._history.like(X)
        horizon = getattr(self.steps[-1][1], "horizon_", self.horizon)
        whole, panel, series, cutoffs = self._history.roll(rows, horizon)
        forecasts = self.predict_at(whole, cutoffs, n_steps=horizon).to_numpy()
        forecasts = forecasts.reshape(len(cutoffs), horizon, -1)
        return compare(panel, series, cutoffs, forecasts, self.season_length_)


def make_forecast_pipeline(
    *steps: Any, memory: Any = None, verbose: bool = False
) -> ForecastPipeline:
    """Make a `ForecastPipeline` whose steps are named after their classes, in lower case.

    Parameters
    ----------
    *steps : estimator
        Transformers and, at last, a forecaster.
    memory : str or object with the joblib.Memory interface, default None
        Cache of fitted transformers.
    verbose : bool, default False
        Print the time of each step.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from tsrnn.baselines import Drift
    >>> list(make_forecast_pipeline(StandardScaler(), Drift(2)).named_steps)
    ['standardscaler', 'drift']
    """
    return ForecastPipeline(make_pipeline(*steps).steps, memory=memory, verbose=verbose)
