"""The contract that every forecaster keeps: fit, predict, score, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.history import extend, follow, follows
from tsrnn.naive import seasonal_naive
from tsrnn.panel import Panel
from tsrnn.reading import read_panel, to_frame
from tsrnn.season import resolve_season_length


class Forecaster(BaseEstimator):
    """Reading of data and the public methods that forecasters and baselines share.

    A subclass has the parameters `horizon` and `season_length` (and `target`,
    `past_covariates`, `static_covariates` if it uses covariates) and two methods:
    ``_fit(panel)`` learns from a panel, and ``_forecast(panel, series, cutoffs, n_steps)``
    returns forecasts of shape (n_cutoffs, n_steps, n_targets): forecast ``i`` follows row
    ``cutoffs[i]`` of the panel, in series ``series[i]``, and reads no target after that row.
    """

    horizon: int
    season_length: Any
    target: Any = None
    past_covariates: Any = None
    static_covariates: Any = None

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
            many forecasts). After ``fit(X, y)`` it holds the covariates of the rows to
            forecast, right after the training data: one forecast per row.

        Returns
        -------
        forecasts : same container as X (as in fit, if X is None)
            With the future timestamps.
        """
        check_is_fitted(self)
        panel = self._panel_to_forecast(X)
        cutoffs = self._checked_cutoffs(panel)
        n_ahead = panel.offsets[1:] - 1 - cutoffs
        n_steps = n_ahead if self.fitted_with_y_ and X is not None else self._history_steps(n_ahead)
        forecasts = self._forecast(panel, np.arange(panel.n_series), cutoffs, int(n_steps.max()))
        first = panel.starts + cutoffs + 1 - panel.offsets[:-1]
        parts = [forecast[:n] for forecast, n in zip(forecasts, n_steps, strict=True)]
        return _in_given_order(panel.wrap(parts, first), X, self.fitted_with_y_)

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
        rows = np.asarray(cutoffs, dtype=np.int64)
        if panel.order is not None:
            rows = np.argsort(panel.order)[rows]
        steps = self.horizon if n_steps is None else n_steps
        forecasts = self._forecast(panel, panel.series_of(rows), rows, steps)
        return _cutoff_frame(panel, rows, forecasts)

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
        truth, forecasts, _ = self._roll(X, y)
        return truth, forecasts

    def score(self, X: Any, y: Any = None) -> float:
        """Skill over the seasonal naive forecast: ``1 - MAE / MAE of seasonal naive``.

        1 is perfect, 0 no better than repeating the last season, negative is worse. X (and y)
        are rows that follow the training data; the forecasts roll through them as in
        `rolling_predict`, and so do the naive ones.

        Returns
        -------
        skill : float
            Where both are perfect 0, where only the naive one is -inf.
        """
        check_is_fitted(self)
        truth, forecasts, naive = self._roll(X, y)
        error, reference = np.abs(truth - forecasts).mean(), np.abs(truth - naive).mean()
        if reference == 0:
            return 0.0 if error == 0 else -np.inf
        return float(1 - error / reference)

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
        longer = extend(self.history_, self._read(X, y))
        self.history_ = longer.tail(self._memory(longer))
        return self

    def _read_training(self, X: Any, y: Any) -> Panel:
        if not isinstance(self.horizon, int | np.integer) or self.horizon < 1:
            raise ValueError(f"horizon={self.horizon!r} must be a whole number of steps >= 1")
        validate_data(self, to_frame(X) if _is_named(X) else X, skip_check_array=True)
        panel = self._parse(X, y)
        self.fitted_with_y_ = y is not None
        self.columns_ = panel.columns
        self.season_length_ = resolve_season_length(self.season_length, panel.grid)
        return panel

    def _remember(self, panel: Panel) -> None:
        self.naive_error_ = _naive_errors(panel, self.season_length_)
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
        validate_data(self, to_frame(X) if _is_named(X) else X, reset=False, skip_check_array=True)
        known: dict[str, Any] = {"grid": self.history_.grid}
        if self.fitted_with_y_ and y is None:
            y = np.full((len(X), len(self.columns_.targets)), np.nan)
            known["one_dimensional"] = self.history_.container.one_dimensional
        panel = self._parse(X, y, **known)
        return _renamed(panel, self.columns_)

    def _panel_to_forecast(self, X: Any) -> Panel:
        if X is None:
            return self.history_
        new = self._read(X)
        if self.fitted_with_y_ or follows(self.history_, new):
            return follow(self.history_, new)[0]
        return new

    def _history_steps(self, n_ahead: np.ndarray) -> np.ndarray:
        if self._uses_future() and (n_ahead < self.horizon).any():
            raise ValueError(
                f"the covariates {list(self.columns_.future)} must be known over the horizon: "
                f"X has {int(n_ahead.min())} rows after its last observed target, but "
                f"horizon={self.horizon}; append rows with them and the target missing (NaN), "
                "or name them in past_covariates"
            )
        return np.maximum(n_ahead, self.horizon)

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
        panel, first = follow(self.history_, self._read(X, y), drop_overlap=True)
        counts = -(-(panel.offsets[1:] - first) // self.horizon)
        if counts.sum() == 0:
            last = self.history_.time_of(int(self.history_.last_observed()[0]))
            raise ValueError(
                f"no row of X follows the training data, which ended at {last}; score rows after it"
            )
        series = np.repeat(np.arange(panel.n_series), counts)
        nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        cutoffs = first[series] - 1 + nth * self.horizon
        rows = cutoffs[:, None] + 1 + np.arange(self.horizon)
        inside = rows < panel.offsets[1:][series][:, None]
        truth = panel.targets[np.minimum(rows, len(panel.values) - 1)]
        observed = inside & ~np.isnan(truth).any(axis=-1)
        forecasts = self._forecast(panel, series, cutoffs, self.horizon)
        naive = seasonal_naive(panel, series, cutoffs, self.horizon, self.season_length_)
        return truth[observed], forecasts[observed], naive[observed]

    def _fit(self, panel: Panel) -> None:
        raise NotImplementedError

    def _forecast(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        raise NotImplementedError


def future_covariates(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
) -> np.ndarray:
    """Covariates known over the steps after each cutoff.

    Steps beyond the last row of a series repeat that row: they belong to forecasts that
    nobody asked for.

    Returns
    -------
    future : ndarray of shape (n_cutoffs, n_steps, n_future)

    Raises
    ------
    ValueError
        If a value is missing, or no row follows the cutoff, naming column, series and time.
    """
    ends = panel.offsets[1:][series]
    if (cutoffs + 1 >= ends).any():
        s = int(series[np.argmax(cutoffs + 1 >= ends)])
        raise ValueError(
            f"{panel.label(s)}the covariates {list(panel.columns.future)} are not known after "
            f"the last observed target; append rows with them and the target missing (NaN)"
        )
    rows = cutoffs[:, None] + 1 + np.arange(n_steps)
    rows = np.minimum(rows, ends[:, None] - 1)
    values = panel.future[rows]
    if np.isnan(values).any():
        window, step, column = np.argwhere(np.isnan(values))[0]
        row = int(rows[window, step])
        raise ValueError(
            f"{panel.label(int(series[window]))}covariate {panel.columns.future[column]!r} is "
            f"missing at {panel.time_of(row)}, inside the horizon; fill it, or name it in "
            "past_covariates"
        )
    return values


def _is_named(X: Any) -> bool:
    return isinstance(X, pd.Series | pd.DataFrame)


def _renamed(panel: Panel, columns: Any) -> Panel:
    return replace(panel, columns=columns)


def _naive_errors(panel: Panel, season_length: int) -> np.ndarray:
    """Mean absolute seasonal difference of each series and target: what MASE divides by."""
    errors = np.full((panel.n_series, panel.n_targets), np.nan)
    for s, values in enumerate(panel.iter_series()):
        targets = values[:, : panel.n_targets]
        change = np.abs(targets[season_length:] - targets[:-season_length])
        seen = ~np.isnan(change)
        total = np.where(seen, change, 0).sum(axis=0)
        errors[s] = total / np.where(seen.any(axis=0), seen.sum(axis=0), np.nan)
    return errors


def _in_given_order(forecasts: Any, X: Any, row_by_row: bool) -> Any:
    """Forecasts of a panel whose rows were mixed come in the rows' own order."""
    if row_by_row and isinstance(forecasts, pd.Series | pd.DataFrame) and hasattr(X, "index"):
        return forecasts if forecasts.index.equals(X.index) else forecasts.reindex(X.index)
    return forecasts


def _cutoff_frame(panel: Panel, cutoffs: np.ndarray, forecasts: np.ndarray) -> pd.DataFrame:
    series = panel.series_of(cutoffs)
    numbers = panel.starts[series] + cutoffs - panel.offsets[series]
    n_steps = forecasts.shape[1]
    times = panel.grid.times((numbers[:, None] + 1 + np.arange(n_steps)).ravel())
    levels = [panel.grid.times(numbers).repeat(n_steps), times]
    names = ["cutoff", "time"]
    if panel.ids is not None:
        levels, names = [panel.ids[series].repeat(n_steps), *levels], ["series", *names]
    index = pd.MultiIndex.from_arrays(levels, names=names)
    flat = forecasts.reshape(-1, forecasts.shape[-1])
    return pd.DataFrame(flat, index=index, columns=list(panel.columns.targets))
