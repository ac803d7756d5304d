"""The contract that every forecaster keeps: fit, predict, score, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.all_or_nothing import all_or_nothing
from tsrnn.archive import PathLike
from tsrnn.checks import check_complete_covariates
from tsrnn.history import extend, follow, resume
from tsrnn.panel import Panel
from tsrnn.reading import check_covariates, read_panel, to_frame
from tsrnn.rolling import compare, cutoff_frame, naive_errors, roll, skill
from tsrnn.season import resolve_season_length
from tsrnn.windows import check_count


class Forecaster(BaseEstimator):
    """Reading of data and the public methods that forecasters and baselines share.

    A subclass has the parameters `horizon` and `season_length` (and `target`,
    `past_covariates`, `static_covariates` if it uses covariates) and two methods:
    ``_fit(panel)`` learns from a panel, and ``_forecast(panel, series, cutoffs, n_steps)``
    returns forecasts of shape (n_cutoffs, n_steps, n_targets): forecast ``i`` follows row
    ``cutoffs[i]`` of the panel, in series ``series[i]``, and reads no target after that row.

    Attributes
    ----------
    horizon_ : int
        Steps ahead, as `horizon` was in fit.
    naive_error_ : ndarray of shape (n_series, n_targets)
        Mean absolute seasonal difference of the training data, the divisor of MASE; NaN where
        no two values lie a season apart.
    """

    horizon: int
    season_length: Any
    target: Any = None
    past_covariates: Any = None
    static_covariates: Any = None
    history_: Panel

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the history in X.

        Parameters
        ----------
        X : Series, DataFrame, array or (series, time) panel
            Rows are time steps. Without y, the columns are targets (or `target` names them).
        y : Series, DataFrame or array, default None
            The targets, row by row of X; then the columns of X are covariates that will be
            known in the future.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If the data are not numbers on a regular time grid; the message names the series,
            column and first timestamp at fault, and the remedy.
        """
        with all_or_nothing(self):
            panel = self._read_training(X, y)
            self._fit(panel)
            self._remember(panel)
        return self

    def predict(self, X: Any = None) -> Any:
        """Forecast what follows the data.

        Parameters
        ----------
        X : Series, DataFrame, array or panel, default None
            None forecasts the `horizon` steps after the training data. After ``fit(X)`` it
            is a history: forecasts follow its last observed target, and rows behind that
            carry covariates known in the future (more than `horizon` of them ask for that
            many forecasts). A series whose labelled rows follow the training data directly, or
            overlap their end, continues them: the rows before it are remembered, its own are
            read as given. Any other (also an array) is a history of its own. After
            ``fit(X, y)`` it holds the covariates of the rows to forecast, right after the
            training data: one forecast per row.

        Returns
        -------
        forecasts : same container as X (as in fit, if X is None)
            With the future timestamps.
        """
        check_is_fitted(self)
        panel, cutoffs, n_steps = self._asked(X)
        forecasts = self._forecast(panel, np.arange(panel.n_series), cutoffs, int(n_steps.max()))
        return self._answer(X, panel, cutoffs, n_steps, forecasts)

    def predict_at(
        self, X: Any, cutoffs: Any, y: Any = None, *, n_steps: int | None = None
    ) -> pd.DataFrame:
        """Forecast from many cutoffs of one history at once, without refitting.

        Parameters
        ----------
        X, y : as in fit
            The whole history; each forecast reads targets only up to its cutoff.
        cutoffs : array of int
            Row positions in X of the last observation that each forecast may see.
        n_steps : int, default None
            Steps ahead; None is `horizon`.

        Returns
        -------
        forecasts : DataFrame
            One column per target, indexed by (series,) cutoff and time.
        """
        check_is_fitted(self)
        panel = self._read(X, y)
        rows = rows_of(panel, cutoffs)
        steps = self.horizon_ if n_steps is None else n_steps
        check_count("n_steps", steps)
        forecasts = self._forecast(panel, panel.series_of(rows), rows, steps)
        return cutoff_frame(panel, rows, forecasts)

    def rolling_predict(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Forecast the rows of X that follow the training data, `horizon` rows at a time.

        Every `horizon` rows the cutoff moves on and the observed values so far become
        history; nothing is refitted.

        Returns
        -------
        y_true, y_pred : ndarray of shape (n_rows, n_targets)
            The rows whose targets are all observed.

        Raises
        ------
        ValueError
            If X does not follow the training data, saying where that ended.
        """
        check_is_fitted(self)
        return self._roll(X, y)[:2]

    def score(self, X: Any, y: Any = None) -> float:
        """Skill over the seasonal naive forecast: ``1 - MAE / MAE of seasonal naive``.

        1 is perfect, 0 no better than repeating the last season, negative is worse. X (and y)
        are rows that follow the training data; the forecasts roll through them as in
        `rolling_predict`, and so do the naive ones.

        The yardstick repeats the season of the forecaster's own `season_length`, so a search
        over that parameter needs ``scoring=forecast_scorer("mae")`` (`tsrnn.metrics`) or the
        like.

        Returns
        -------
        skill : float
            Where both are perfect 0, where only the naive one is -inf.
        """
        check_is_fitted(self)
        return skill(*self._roll(X, y))

    def update(self, X: Any, y: Any = None) -> Self:
        """Append new observations to the history, without refitting.

        Parameters
        ----------
        X, y : as in fit
            Rows right after the training data (or after the last update).

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self._check_y(y)
        longer = extend(self.history_, self._read(X, y))
        self.history_ = longer.tail(self._memory(longer))
        return self

    def save(self, path: PathLike) -> None:
        """Write the fitted forecaster to a file, which `tsrnn.load` reads.

        The file holds plain data only, no pickle: parameters, fitted attributes and arrays, each
        with a checksum.

        Parameters
        ----------
        path : path-like
            By custom with the ending ``.tsrnn``. An older file is replaced at once: at any moment
            it is either the old one or the new one.

        Raises
        ------
        TypeError
            If a parameter cannot be written, as functions and objects of Keras, naming it and
            the remedy.
        """
        from tsrnn.saving import save  # which knows all forecasters

        save(self, path)

    def _read_training(self, X: Any, y: Any) -> Panel:
        check_count("horizon", self.horizon)
        if y is not None:
            check_covariates(X)
        self._check_features(X, reset=True)
        panel = self._parse(X, y)
        check_complete_covariates(panel)
        self.horizon_ = int(self.horizon)
        self.fitted_with_y_ = self._is_covariate_fit(X, y)
        self.columns_ = panel.columns
        self.season_length_ = resolve_season_length(self.season_length, panel.grid)
        return panel

    def _check_features(self, X: Any, *, reset: bool) -> None:
        """Remember, or compare, the number and names of the columns."""
        frame: Any = to_frame(X)
        if not isinstance(X, pd.Series | pd.DataFrame):
            frame = frame.to_numpy()
        validate_data(self, frame, reset=reset, skip_check_array=True)

    def _is_covariate_fit(self, X: Any, y: Any) -> bool:
        """Whether predict will be asked row by row, with covariates."""
        return y is not None

    def _remember(self, panel: Panel) -> None:
        self.naive_error_ = naive_errors(panel, self.season_length_)
        self.history_ = panel.tail(self._memory(panel))

    def _parse(self, X: Any, y: Any, **known: Any) -> Panel:
        return read_panel(
            X,
            y,
            target=self.target,
            past_covariates=self.past_covariates,
            static_covariates=self.static_covariates,
            **known,
        )

    def _read(self, X: Any, y: Any = None) -> Panel:
        """Read data given after fit, with the columns that fit saw."""
        if self.fitted_with_y_:
            check_covariates(X)
        self._check_features(X, reset=False)
        if y is not None and not self.fitted_with_y_ and self._is_covariate_fit(X, y):
            raise ValueError("y is given, but fit saw none: there X held the targets; leave y out")
        covariates_only = self.fitted_with_y_ and y is None
        if covariates_only:
            y = np.full((len(X), len(self.columns_.targets)), np.nan)
        panel = self._parse(X, y, grid=self.history_.grid)
        container = panel.container
        if covariates_only:
            was = self.history_.container
            container = replace(was, pandas=container.pandas, series_level=container.series_level)
        return replace(panel, columns=self.columns_, container=container)

    def _check_y(self, y: Any) -> None:
        if y is None and self.fitted_with_y_:
            raise ValueError("y is missing: as fit, this takes X and y, the covariates and targets")

    def _panel_to_forecast(self, X: Any) -> Panel:
        if X is None:
            return self.history_
        new = self._read(X)
        return (follow if self.fitted_with_y_ else resume)(self.history_, new)[0]

    def _asked(self, X: Any) -> tuple[Panel, np.ndarray, np.ndarray]:
        """Panel to forecast, and cutoff and number of steps of each of its series."""
        panel = self._panel_to_forecast(X)
        cutoffs = self._checked_cutoffs(panel)
        row_by_row = self.fitted_with_y_ and X is not None
        n_ahead = panel.offsets[1:] - 1 - cutoffs
        return panel, cutoffs, n_ahead if row_by_row else self._history_steps(panel, cutoffs)

    def _answer(
        self, X: Any, panel: Panel, cutoffs: np.ndarray, n_steps: np.ndarray, forecasts: np.ndarray
    ) -> Any:
        """Forecasts of shape (n_series, n_steps, n_targets), in the container of X."""
        first = panel.starts + cutoffs + 1 - panel.offsets[:-1]
        asked = forecasts[np.arange(forecasts.shape[1]) < n_steps[:, None]]
        return _in_given_order(panel.wrap(asked, n_steps, first), X, self.fitted_with_y_)

    def _history_steps(self, panel: Panel, cutoffs: np.ndarray) -> np.ndarray:
        n_ahead = panel.offsets[1:] - 1 - cutoffs
        if self._uses_future() and (n_ahead < self.horizon_).any():
            s = int(np.argmin(n_ahead))
            remedy = (
                "give predict the X of the rows to forecast"
                if self.fitted_with_y_
                else "give predict an X that ends in rows with them and the target missing (NaN), "
                "or name them in past_covariates"
            )
            raise ValueError(
                f"{panel.label(s)}the covariates {list(self.columns_.future)} must be known over "
                f"the horizon: {n_ahead[s]} rows follow the last observed target "
                f"({panel.time_of(int(cutoffs[s]), s)}), but horizon={self.horizon_}; {remedy}"
            )
        return np.maximum(n_ahead, self.horizon_)

    def _uses_future(self) -> bool:
        return False

    def _checked_cutoffs(self, panel: Panel) -> np.ndarray:
        cutoffs = panel.last_observed()
        empty = cutoffs < panel.offsets[:-1]
        if empty.any() and not self._forecasts_without_history():
            series = int(np.argmax(empty))
            raise ValueError(
                f"{panel.label(series)}no target is observed, so there is nothing to forecast "
                "from; leave the series out, or use architecture='vec2seq'"
            )
        return cutoffs

    def _forecasts_without_history(self) -> bool:
        return False

    def _memory(self, panel: Panel) -> int:
        """Rows of history to keep of each series."""
        return int(panel.lengths.max())

    def _roll(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._check_y(y)
        panel, series, cutoffs = roll(self.history_, self._read(X, y), self.horizon_)
        forecasts = self._forecast(panel, series, cutoffs, self.horizon_)
        return compare(panel, series, cutoffs, forecasts, self.season_length_)

    def _fit(self, panel: Panel) -> None:
        raise NotImplementedError

    def _forecast(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        raise NotImplementedError


def rows_of(panel: Panel, cutoffs: Any) -> np.ndarray:
    """Rows of a panel at these positions in the user's data.

    Raises
    ------
    ValueError
        If they are no row positions.
    """
    n_rows = len(panel.values)
    rows = np.atleast_1d(np.asarray(cutoffs))
    whole = rows.ndim == 1 and len(rows) > 0 and rows.dtype.kind in "iu"
    wrong = rows[(rows < 0) | (rows >= n_rows)] if whole else rows
    if not whole or len(wrong):
        what = f"cutoffs has {wrong[0]}, but" if whole else f"cutoffs={cutoffs!r}"
        raise ValueError(f"{what} must be row positions in X: whole numbers from 0 to {n_rows - 1}")
    rows = rows.astype(np.int64)
    return rows if panel.order is None else np.argsort(panel.order)[rows]


def _in_given_order(forecasts: Any, X: Any, row_by_row: bool) -> Any:
    """Forecasts of the rows of X, in their order and with their labels."""
    if X is None or not row_by_row:
        return forecasts
    if not isinstance(X, pd.Series | pd.DataFrame):
        return forecasts[-len(X) :]
    if forecasts.index.equals(X.index):
        return forecasts
    if isinstance(X.index, pd.RangeIndex):  # rows counted from 0 follow the training data
        return forecasts.iloc[-len(X) :].set_axis(X.index)
    return forecasts.reindex(X.index)
