"""Fit a model to one history, and forecast from its cutoffs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from tsrnn.statistical.history import History, interpolate, last_observed_rows, usual_scale

if TYPE_CHECKING:
    from tsrnn.statistical.per_series import PerSeriesForecaster

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
    y, x = prepared(model, Fitted(**place), part)
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
    y, x = prepared(model, fitted, history)
    x = np.pad(x, ((0, max(seen.max() + 1 + n_ahead - len(x), 0)), (0, 0)), mode="edge")
    shift = history.start - fitted.start
    ahead = model._continue(fitted, y, x, shift, seen, n_ahead)
    ahead = ahead.reshape(len(cutoffs), n_ahead, -1)
    steps = behind[:, None] + np.arange(n)
    return np.take_along_axis(ahead, steps[:, :, None], axis=1) * fitted.scale


def prepared(
    model: PerSeriesForecaster, fitted: Fitted, history: History
) -> tuple[np.ndarray, np.ndarray]:
    """Values and covariates as the model reads them: scaled, gaps filled where it needs that."""
    y = history.y / fitted.scale
    if not model._joint:
        y = y[:, 0] if model._takes_missing else interpolate(y[:, 0], history.season_length)
    used = fitted.x_used if model._takes_covariates else np.zeros(len(fitted.x_used), dtype=bool)
    return y, np.ascontiguousarray((history.x / fitted.x_scale)[:, used])


@contextmanager
def quiet() -> Iterator[None]:
    """Run statsmodels without its remarks on start values and convergence, on one core.

    Its matrices are so small that a BLAS with several threads spends its time on waiting.
    """
    controller = _blas()  # imports statsmodels, which sets warning filters of its own
    with warnings.catch_warnings(), np.errstate(all="ignore"), controller.limit(limits=1):
        warnings.simplefilter("ignore")
        yield


@cache
def _blas() -> ThreadpoolController:
    import statsmodels.tsa.api  # noqa: F401 - loads the BLAS that it uses

    return ThreadpoolController().select(user_api="blas")
