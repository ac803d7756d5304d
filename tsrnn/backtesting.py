"""Fit forecasters on the past and compare their forecasts with what came after."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from tsrnn.backtest_data import BacktestData, Fold, Roles
from tsrnn.backtest_result import BacktestResult
from tsrnn.backtest_scores import check_metrics
from tsrnn.backtest_tables import (
    DETAILS,
    first_training_rows,
    forecast_table,
    losses_table,
    observed_rows,
    timings_table,
)
from tsrnn.backtest_tasks import Question, Task, run
from tsrnn.progress import progress_bar
from tsrnn.quantile_arrays import check_levels
from tsrnn.reading import to_frame
from tsrnn.season import resolve_season_length

_AROUND = (
    "put a ConformalForecaster around it (it needs a horizon: give it a ForecastPipeline in "
    "place of a Pipeline, and the best_estimator_ of a search)"
)


def backtest(
    forecasters: Any,
    X: Any,
    y: Any = None,
    *,
    cv: Any,
    refit: bool | int = True,
    metrics: Sequence[str] | Mapping[str, Any] = ("mae", "rmse", "smape", "mase"),
    season_length: int | str | Sequence[int] = "auto",
    quantiles: Sequence[float] | None = None,
    n_jobs: int | None = None,
    verbose: bool = True,
) -> BacktestResult:
    """Forecast from many cutoffs of a history and compare with what followed.

    At each cutoff a forecaster sees nothing later, but covariates that are known in the
    future. The seasonal naive forecast is always made too, for the skill over it.

    Parameters
    ----------
    forecasters : estimator, list of estimators, or dict of name to estimator
        Unfitted (they are cloned). Those of a list are named by their class, numbered where
        a name would come twice.
    X : Series, DataFrame, array or (series, time) panel
        The whole history, on a regular time grid.
    y : Series, DataFrame or array, default None
        The targets, row by row of X; then the columns of X are covariates.
    cv : splitter, or iterable of (train, test) row positions
        A `RollingOriginSplit`, or another with training rows before test rows, such as
        `sklearn.model_selection.TimeSeriesSplit` for a single series.
    refit : bool or int, default True
        True fits at every cutoff, False only at the first. A whole number k fits at every
        k-th. One call of ``predict_at`` makes all the forecasts of a fit; its forecasts read
        observations up to their own cutoffs, later than what the fit has seen.
    metrics : list of str, or dict, default ("mae", "rmse", "smape", "mase")
        Names in `tsrnn.metrics.METRICS`; in a dict also functions of (y_true, y_pred), lower
        being better. Metrics of `quantiles` ("wql", "crps", "msis", "coverage_80" and the like)
        are added to them; where some are named, only those.
    season_length : int, "auto" or list of int, default "auto"
        Season of the seasonal naive forecast and of the scale of MASE and RMSSE. "auto" takes
        the shortest above 1 that a forecaster names, else the natural one of the time step
        (12 for months).
    quantiles : list of float, default None
        Ascending levels between 0 and 1, for example [0.1, 0.5, 0.9], to forecast and score too;
        rounded to 6 digits. A forecaster without ``predict_quantiles`` is scored by its points
        alone (of a ``Pipeline`` or a search around one with it, a warning says so); a
        `ConformalForecaster` around it has quantiles.
    n_jobs : int, default None
        Workers of joblib, over forecasters and fits.
    verbose : bool, default True
        Show a progress bar, if in a terminal.

    Returns
    -------
    result : BacktestResult
        With the forecasts in `table`, and `leaderboard()`, `by_horizon()`, `by_cutoff()`,
        `by_series()`, `calibration()` and `plot()`.

    Raises
    ------
    ValueError, TypeError
        If a parameter, the data or the folds do not fit together, or quantiles are asked of
        forecasters that all have none.
    RuntimeError
        If a forecaster fails or forecasts a missing value, naming it and the cutoff.

    Notes
    -----
    Any estimator that scikit-learn can clone may take part. One without ``predict_at`` is
    asked once for every cutoff, and gets what a tsrnn forecaster would get:

    - With y, ``fit(X_train, y_train)`` and ``predict(X_rows)`` with the rows after the cutoff
      up to the end of the test part; it answers with one row for each.
    - Without y, ``fit(X_train)`` and ``predict(history)`` with the rows up to the cutoff. If
      its parameter ``target`` names some columns of X, the rows of the test part follow with
      the targets (and ``past_covariates``) missing. It answers with at least gap + horizon
      steps, labelled like X, or in an array, series after series.

    Quantiles are asked of ``predict_quantiles_at`` where there is one, else of
    ``predict_quantiles`` once for every cutoff, with the same data. Those of a forecaster that
    cross are sorted.

    A ``Pipeline`` of scikit-learn that transforms its targets answers in transformed units,
    so its errors mean nothing; ``ForecastPipeline`` answers in those of the data.

    Examples
    --------
    >>> from tsrnn.baselines import Naive, SeasonalNaive
    >>> from tsrnn.model_selection import RollingOriginSplit
    >>> months = pd.period_range("2020-01", periods=48, freq="M")
    >>> sales = pd.Series([10.0, 12, 15, 11] * 12, index=months, name="sales")
    >>> cv = RollingOriginSplit(3, horizon=4)
    >>> result = backtest([Naive(), SeasonalNaive(season_length=4)], sales, cv=cv)
    >>> result.leaderboard()[["mae", "skill"]]
                   mae  skill
    SeasonalNaive  0.0    0.0
    Naive          1.5   -inf
    """
    models = _named_models(forecasters)
    levels = _levels(quantiles)
    if levels:
        _check_quantiles(models)
    named_metrics = check_metrics(metrics, levels)
    columns = list(to_frame(X).columns)
    roles = {name: Roles.of(model, columns) for name, model in models.items()}
    data = BacktestData.read(X, y, _scored_targets(roles, columns) if y is None else None)
    folds = data.folds(_splits(cv, X, y))
    season = _season_length(season_length, models.values(), data)
    blocks = _blocks(folds, refit)
    tasks = _tasks(models, roles, data, blocks, levels)
    bar = progress_bar(
        None if verbose else False,
        iterable=tasks,
        total=len(models) * len(blocks),
        desc="backtest",
        unit="fit",
    )
    answers = Parallel(n_jobs=n_jobs)(delayed(run)(task) for task in bar)
    rows = observed_rows(data, folds, season)
    return BacktestResult(
        table=forecast_table(rows, list(models), answers, levels),
        details=pd.concat([rows[DETAILS]] * len(models), ignore_index=True),
        timings=timings_table(data, list(models), blocks, answers),
        history=first_training_rows(data, folds),
        metrics=named_metrics,
        season_length=season,
        quantiles=levels,
        losses=losses_table(data, list(models), blocks, answers),
    )


def _named_models(forecasters: Any) -> dict[str, Any]:
    if isinstance(forecasters, Mapping):
        models = {str(name): model for name, model in forecasters.items()}
    else:
        several = list(forecasters) if isinstance(forecasters, list | tuple) else [forecasters]
        models = dict(zip(_unique_names(several), several, strict=True))
    if not models:
        raise ValueError("forecasters is empty; give at least one")
    for name, model in models.items():
        if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "predict")):
            raise TypeError(
                f"forecasters: {name!r} is {model!r}, not an estimator with fit and predict; "
                "give an instance"
            )
    return models


def _levels(quantiles: Any) -> tuple[float, ...]:
    """Levels as they are written; 0.30000000000000004 and 0.3 in float32 are 0.3."""
    if quantiles is None:
        return ()
    return tuple(check_levels(np.round(check_levels(quantiles), 6)))


def _check_quantiles(models: dict[str, Any]) -> None:
    """Refuse models without quantiles, and warn of quantiles that what is around them hides."""
    without = [name for name, model in models.items() if not hasattr(model, "predict_quantiles")]
    if len(without) == len(models):
        raise ValueError(f"quantiles= asks for quantiles, but {without} have none; {_AROUND}")
    hidden = [name for name in without if _holds_quantiles(models[name])]
    if hidden:
        warnings.warn(
            f"{hidden} are scored by their points alone: each holds a forecaster with quantiles, "
            f"but has no predict_quantiles itself; {_AROUND}",
            UserWarning,
            stacklevel=3,
        )


def _holds_quantiles(model: Any) -> bool:
    return any(hasattr(part, "predict_quantiles") for part in model.get_params().values())


def _unique_names(models: list[Any]) -> list[str]:
    names = [type(model).__name__ for model in models]
    return [
        f"{name}-{names[: i + 1].count(name)}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def _scored_targets(roles: dict[str, Roles], columns: Sequence[Any]) -> list[Hashable]:
    """Columns that every forecaster forecasts; one that names no target forecasts all."""
    targets = {name: role.target or tuple(columns) for name, role in roles.items()}
    common = [column for column in columns if all(column in t for t in targets.values())]
    if not common:
        raise ValueError(
            f"the forecasters have no target in common to be compared by: {targets}; give them "
            "the same target="
        )
    return common


def _splits(cv: Any, X: Any, y: Any) -> Iterable[tuple[Any, Any]]:
    if hasattr(cv, "split"):
        return list(cv.split(X, y))
    if not isinstance(cv, Iterable) or isinstance(cv, str):
        raise TypeError(
            f"cv={cv!r} is neither a splitter nor an iterable of (train, test); give for example "
            "RollingOriginSplit(5, horizon=12)"
        )
    return cv


def _season_length(asked: Any, models: Iterable[Any], data: BacktestData) -> int:
    grid = data.truth.grid
    if not (isinstance(asked, str) and asked == "auto"):
        return resolve_season_length(asked, grid)
    named = [
        value
        for model in models
        for key, value in model.get_params(deep=True).items()
        if key.rpartition("__")[2] == "season_length" and not isinstance(value, str | None)
    ]
    lengths = [resolve_season_length(value, grid) for value in named]
    return min([m for m in lengths if m > 1], default=resolve_season_length("auto", grid))


def _blocks(folds: list[Fold], refit: Any) -> list[list[Fold]]:
    """Folds that share a fit."""
    number = isinstance(refit, Integral | np.bool_)
    if not number or refit < 0 or (refit == 0 and not isinstance(refit, bool | np.bool_)):
        raise ValueError(
            f"refit={refit!r} must be True (at every cutoff), False (at the first) or a whole "
            "number k >= 1 (at every k-th)"
        )
    size = int(refit) or len(folds)
    return [folds[i : i + size] for i in range(0, len(folds), size)]


def _tasks(
    models: dict[str, Any],
    roles: dict[str, Roles],
    data: BacktestData,
    blocks: list[list[Fold]],
    levels: tuple[float, ...],
) -> Iterator[Task]:
    """Give the tasks one by one, so that no more slices of the data exist than are at work."""
    targets = data.truth.columns.targets
    for name, model in models.items():
        for block in blocks:
            at_once = hasattr(model, "predict_at")
            questions = _questions(data, block, roles[name], at_once)
            more: tuple[Question, ...] = ()
            if levels and hasattr(model, "predict_quantiles"):
                same = hasattr(model, "predict_quantiles_at") == at_once
                more = questions if same else _questions(data, block, roles[name], not at_once)
            X, y = data.train(block[0])
            yield Task(name, clone(model), X, y, questions, targets, more, levels)


def _questions(
    data: BacktestData, block: list[Fold], roles: Roles, at_once: bool
) -> tuple[Question, ...]:
    """Ask for the forecasts of all folds of a fit at once, or of one after the other."""
    if at_once:
        return (data.question(block, roles),)
    return tuple(data.question_by_predict(fold, roles) for fold in block)
