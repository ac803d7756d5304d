"""Forecasters that fit a statsmodels model to every series on its own."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from tsrnn.base import Forecaster, future_covariates
from tsrnn.panel import Panel
from tsrnn.statistical.history import (
    History,
    check_observed,
    history_of,
    interpolate,
    last_observed_rows,
    usual_scale,
)

# A series with fewer values, or one that never changes, is forecast by its last value.
LEAST_VALUES = 4
# What statsmodels raises where a model cannot be fitted to the values at hand.
_FAILURES = (ValueError, IndexError, ZeroDivisionError, OverflowError, np.linalg.LinAlgError)


@dataclass(frozen=True)
class Fitted:
    """What was learnt from one series, as plain data.

    Attributes
    ----------
    params : ndarray
        Parameters in the order of the statsmodels model.
    options : dict
        Components, orders and the like that were chosen.
    start, n_rows : int
        Step number of the first row that was learnt from, and the number of rows.
    scale, x_scale : ndarray
        Divisors of the values and covariates, powers of two; 1 for usual magnitudes.
    x_used : ndarray of bool
        Covariates that vary in the training data; the model reads no others.
    fallback : str
        Why the series is forecast by its last value; empty if a model was fitted.
    failed : bool
        Whether that reason is a failure of the model rather than too little data.
    """

    params: np.ndarray = field(default_factory=lambda: np.empty(0))
    options: dict[str, Any] = field(default_factory=dict)
    start: int = 0
    n_rows: int = 0
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))
    x_scale: np.ndarray = field(default_factory=lambda: np.empty(0))
    x_used: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    fallback: str = ""
    failed: bool = False


class PerSeriesForecaster(Forecaster):
    """Fit each target of each series on its own, in parallel; forecast from any cutoff.

    A subclass learns parameters from one history in ``_learn`` and forecasts from cutoffs of
    a history in ``_continue``; both get arrays without leading gaps, and none at all unless
    `_takes_missing`. Models of several targets set `_joint` and get (n_rows, n_targets).
    """

    n_jobs: int | None = None
    models_: dict[Hashable, list[Fitted]]
    _joint = False
    _takes_missing = False
    _takes_covariates = False
    _rescales = True

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        """Return parameters and options."""
        raise NotImplementedError

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        """Forecast n steps from cutoffs of a history that begins `shift` rows after training."""
        raise NotImplementedError

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        raise NotImplementedError

    def _check(self, history: History) -> None:
        """Raise ValueError if the parameters do not suit the values of a series."""

    def results(self, series: Hashable = None, target: Hashable = None) -> Any:
        """Rebuild the statsmodels results of one series from the parameters learnt in fit.

        Parameters
        ----------
        series : hashable, default None
            Label of the series; not needed if there is one.
        target : hashable, default None
            Name of the target; not needed if there is one (or the model is joint).

        Returns
        -------
        results : statsmodels results
            Of the training data, divided by ``models_[series][i].scale`` and with gaps
            filled if the model does not take them.

        Raises
        ------
        ValueError
            If there is no such series or target, or its forecast repeats the last value.
        """
        s = _find(series, list(self.models_), "series")
        targets = list(self.columns_.targets)
        i = 0 if self._joint else _find(target, targets, "target")
        label = list(self.models_)[s]
        fitted = self.models_[label][i]
        if fitted.fallback:
            raise ValueError(f"series={label!r} has no model: {fitted.fallback}")
        panel = self.history_
        row = 0 if panel.ids is None else panel.ids.get_loc(label)
        history = self._history(panel, row, self._jobs(panel)[i], panel.offsets[row + 1] - 1, 0)
        first = fitted.start - history.start
        history = history.rows(first, first + fitted.n_rows)
        y, x = _prepared(self, fitted, history)
        with quiet():
            return self._statsmodels_results(fitted, y, x[: len(y)])

    def _fit(self, panel: Panel) -> None:
        everyone = np.arange(panel.n_series)
        check_observed(panel, everyone, panel.offsets[1:] - 1)
        worker, jobs = clone(self), self._jobs(panel)
        learnt = Parallel(n_jobs=self.n_jobs)(
            delayed(learn)(worker, self._history(panel, s, columns, panel.offsets[s + 1] - 1, 0))
            for s in everyone
            for columns in jobs
        )
        fitted, names = zip(*learnt, strict=True)
        for one, name in zip(fitted, names, strict=True):
            if one.failed:
                _warn(f"{name}{type(self).__name__} could not be fitted ({one.fallback})")
        groups = [list(fitted[s * len(jobs) : (s + 1) * len(jobs)]) for s in everyone]
        self.models_ = dict(zip(_labels(panel), groups, strict=True))

    def _forecast(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        check_observed(panel, series, cutoffs)
        if self._uses_future():
            future_covariates(panel, series, cutoffs, n_steps)  # raises where one is missing
        worker, labels = clone(self), _labels(panel)
        places = [
            (s, np.flatnonzero(series == s), i, columns)
            for s in np.unique(series)
            for i, columns in enumerate(self._jobs(panel))
        ]
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(proceed)(
                worker,
                self.models_[labels[s]][i] if labels[s] in self.models_ else None,
                self._history(panel, s, columns, cutoffs[own].max(), n_steps),
                cutoffs[own] - panel.offsets[s],
                n_steps,
            )
            for s, own, i, columns in places
        )
        forecasts = np.empty((len(cutoffs), n_steps, panel.n_targets))
        for (_, own, _, columns), (part, problem) in zip(places, parts, strict=True):
            forecasts[np.ix_(own, np.arange(n_steps), columns)] = part
            if problem:
                _warn(problem)
        return forecasts

    def _uses_future(self) -> bool:
        return self._takes_covariates and bool(self.columns_.future)

    def _jobs(self, panel: Panel) -> list[list[int]]:
        """Columns of the targets that each model forecasts."""
        everything = list(range(panel.n_targets))
        return [everything] if self._joint else [[column] for column in everything]

    def _history(self, panel: Panel, s: int, columns: list[int], last: int, n: int) -> History:
        return history_of(panel, int(s), columns, self.season_length_, int(last), n)


def learn(model: PerSeriesForecaster, history: History) -> tuple[Fitted, str]:
    """Fit one history; one that no model can be fitted to gets a `Fitted.fallback`.

    Returns
    -------
    fitted : Fitted
    name : str
        Name of the history, for messages.
    """
    rows = history.observed
    part = history.rows(rows.start, rows.stop)
    start, n_rows = int(part.start), len(part.y)
    values = part.y[~np.isnan(part.y)]
    if n_rows < LEAST_VALUES or len(values) < LEAST_VALUES:
        return Fitted(start=start, fallback=f"fewer than {LEAST_VALUES} values"), history.name
    if (values == values[0]).all():
        return Fitted(start=start, fallback="all values are the same"), history.name
    model._check(part)
    x = part.x[:n_rows]
    scales = (usual_scale(part.y), usual_scale(x)) if model._rescales else (1.0, 1.0)
    place = {
        "start": start,
        "n_rows": n_rows,
        "scale": np.broadcast_to(scales[0], part.y.shape[1]).copy(),
        "x_scale": np.broadcast_to(scales[1], x.shape[1]).copy(),
        "x_used": np.ptp(x, axis=0) > 0,
    }
    y, x = _prepared(model, Fitted(**place), part)
    try:
        with quiet():
            params, options = model._learn(y, x[:n_rows], history.season_length)
    except _FAILURES as error:
        return Fitted(**place, fallback=str(error), failed=True), history.name
    if not np.isfinite(params).all():
        reason = "its parameters are not finite"
        return Fitted(**place, fallback=reason, failed=True), history.name
    return Fitted(params, options, **place), history.name


def proceed(
    model: PerSeriesForecaster,
    fitted: Fitted | None,
    history: History,
    cutoffs: np.ndarray,
    n_steps: int,
) -> tuple[np.ndarray, str]:
    """Forecast from cutoffs of one history, with the parameters of `fitted`.

    Without `fitted`, a series that fit has not seen, the model is fitted to the history up to
    each cutoff. Where the model has no finite forecast, the last value is repeated.

    Returns
    -------
    forecasts : ndarray of shape (n_cutoffs, n_steps, n_columns)
    problem : str
        What to warn of; empty if nothing.
    """
    last = np.stack([last_observed_rows(column, cutoffs) for column in history.y.T], axis=1)
    naive = np.repeat(np.take_along_axis(history.y, last, axis=0)[:, None], n_steps, axis=1)
    if fitted is None:
        return _learn_and_proceed(model, history, cutoffs, n_steps)
    if fitted.fallback:
        return naive, ""
    forecasts = np.full(naive.shape, np.nan)
    begun = cutoffs >= max(fitted.start - history.start, 0)
    for own, first in ((begun, max(fitted.start - history.start, 0)), (~begun, 0)):
        if own.any():
            part = history.rows(first)
            forecasts[own] = _batch(model, fitted, part, cutoffs[own] - first, n_steps)
    finite = np.isfinite(forecasts).all(axis=(1, 2))
    problem = "" if finite.all() else f"{history.name}{type(model).__name__} has no finite forecast"
    return np.where(finite[:, None, None], forecasts, naive), problem


def _learn_and_proceed(
    model: PerSeriesForecaster, history: History, cutoffs: np.ndarray, n_steps: int
) -> tuple[np.ndarray, str]:
    parts, problem = [], ""
    for cutoff in cutoffs:
        part = History(
            history.y[: cutoff + 1],
            history.x[: cutoff + 1 + n_steps],
            history.start,
            history.season_length,
            history.name,
        )
        fitted, _ = learn(model, part)
        forecast, trouble = proceed(model, fitted, part, np.array([cutoff]), n_steps)
        reason = f"{history.name}{type(model).__name__} could not be fitted ({fitted.fallback})"
        parts.append(forecast)
        problem = trouble or (reason if fitted.failed else problem)
    return np.concatenate(parts), problem


def _batch(
    model: PerSeriesForecaster, fitted: Fitted, history: History, cutoffs: np.ndarray, n: int
) -> np.ndarray:
    """Forecast from all cutoffs at once; if that fails, from each on its own."""
    forecasts = np.full((len(cutoffs), n, history.y.shape[1]), np.nan)
    try:
        with quiet():
            return _run(model, fitted, history, cutoffs, n)
    except _FAILURES:
        if len(cutoffs) > 1:  # a value behind one cutoff must not spoil the forecasts before it
            for i, cutoff in enumerate(cutoffs):
                forecasts[i] = _batch(model, fitted, history, np.array([cutoff]), n)[0]
    return forecasts


def _run(
    model: PerSeriesForecaster, fitted: Fitted, history: History, cutoffs: np.ndarray, n: int
) -> np.ndarray:
    """Forecast with the model from the last observed value up to each cutoff."""
    history = history.rows(0, cutoffs.max() + 1)
    first = history.observed.start
    if (cutoffs < first).any() or first == history.observed.stop:
        raise ValueError("no value is observed")
    history, cutoffs = history.rows(first), cutoffs - first
    seen = cutoffs if model._joint else last_observed_rows(history.y[:, 0], cutoffs)
    history = history.rows(0, seen.max() + 1)
    behind = cutoffs - seen
    n_ahead = n + int(behind.max())
    y, x = _prepared(model, fitted, history)
    x = np.pad(x, ((0, max(seen.max() + 1 + n_ahead - len(x), 0)), (0, 0)), mode="edge")
    shift = history.start - fitted.start
    ahead = model._continue(fitted, y, x, shift, seen, n_ahead)
    ahead = ahead.reshape(len(cutoffs), n_ahead, -1)
    steps = behind[:, None] + np.arange(n)
    return np.take_along_axis(ahead, steps[:, :, None], axis=1) * fitted.scale


def _prepared(
    model: PerSeriesForecaster, fitted: Fitted, history: History
) -> tuple[np.ndarray, np.ndarray]:
    """Values and covariates as the model reads them: scaled, gaps filled where it needs that."""
    y = history.y / fitted.scale
    if not model._joint:
        y = y[:, 0] if model._takes_missing else interpolate(y[:, 0], history.season_length)
    used = fitted.x_used if model._takes_covariates else np.zeros(len(fitted.x_used), dtype=bool)
    return y, (history.x / fitted.x_scale)[:, used]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to ourselves what statsmodels says of start values and convergence."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def check_choice(name: str, value: Any, choices: tuple) -> None:
    """Raise ValueError unless the value of a parameter is one of its choices."""
    if value not in choices:
        raise ValueError(f"{name}={value!r} must be one of {choices}")


def _labels(panel: Panel) -> list[Hashable]:
    return [None] * panel.n_series if panel.ids is None else list(panel.ids)


def _find(name: Hashable, names: list[Hashable], what: str) -> int:
    if name in names:
        return names.index(name)
    if name is None and len(names) == 1:
        return 0
    raise ValueError(f"{what}={name!r} is not one of {names}; name one of them")


def _warn(problem: str) -> None:
    message = f"{problem}; the forecast repeats the last value"
    warnings.warn(message, FitFailedWarning, stacklevel=2)
