"""What a worker of a backtest does: fit one forecaster once, and forecast from its cutoffs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline


@dataclass(frozen=True, eq=False)
class Question:
    """One call for forecasts.

    Attributes
    ----------
    X, y : data of the caller's kind, or None
        What the forecaster may see.
    cutoffs : ndarray of shape (n_cutoffs,) or None
        Rows of X; None asks through ``predict(X)``, with one cutoff per series of X.
    n_cutoffs, n_steps : int
        Number of forecasts, and steps that each must reach.
    at, steps : ndarray of shape (n_test,)
        Which of the cutoffs each test row belongs to, and how many steps it lies ahead.
    rows : ndarray of shape (n_test,) or None
        Row of X of each test row, where predict answers row by row.
    labels : Index or None
        Labels of the test rows, where the data have any.
    first, last : time
        The cutoffs, for messages.
    n_folds : int
        Number of folds that the call serves.
    """

    X: Any
    y: Any
    cutoffs: np.ndarray | None
    n_cutoffs: int
    n_steps: int
    at: np.ndarray
    steps: np.ndarray
    rows: np.ndarray | None
    labels: pd.Index | None
    first: Any
    last: Any
    n_folds: int


@dataclass(frozen=True, eq=False)
class Task:
    """One fit, and the questions put to it: plain data that any worker can take.

    `quantile_questions` are put for quantiles at these `levels`; there are none for a forecaster
    without quantiles.
    """

    name: str
    forecaster: Any
    X: Any
    y: Any
    questions: tuple[Question, ...]
    targets: tuple[Hashable, ...]
    quantile_questions: tuple[Question, ...] = ()
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of a task.

    Attributes
    ----------
    forecasts : ndarray of shape (n_test, n_targets)
    quantiles : ndarray of shape (n_test, n_targets, n_levels) or None
        Ascending; None of a forecaster without quantiles.
    fit_seconds : float
    predict_seconds : ndarray of shape (n_folds,)
    losses : DataFrame or None
        Losses of the fit; None of a forecaster that keeps none.
    """

    forecasts: np.ndarray
    quantiles: np.ndarray | None
    fit_seconds: float
    predict_seconds: np.ndarray
    losses: pd.DataFrame | None


def run(task: Task) -> Answer:
    """Fit the forecaster of a task and put its questions.

    Raises
    ------
    RuntimeError
        If the forecaster fails, naming it and the cutoff; the cause is its own error.
    """
    forecaster = task.forecaster
    first = task.questions[0].first
    start = perf_counter()
    with _named(task.name, first, first):
        _ = forecaster.fit(task.X) if task.y is None else forecaster.fit(task.X, task.y)
    fit_seconds = perf_counter() - start
    forecasts, seconds = _ask_all(task, task.questions, ())
    quantiles = None
    if task.quantile_questions:
        flat, more = _ask_all(task, task.quantile_questions, task.levels)
        # Sorted quantiles fit no worse, whatever the truth, than those that cross.
        quantiles = np.sort(flat.reshape(*forecasts.shape, len(task.levels)), axis=-1)
        seconds = seconds + more
    return Answer(forecasts, quantiles, fit_seconds, seconds, losses_of(forecaster))


def losses_of(forecaster: Any) -> pd.DataFrame | None:
    """Losses that a fitted forecaster keeps, or else the one that it wraps.

    Returns
    -------
    losses : DataFrame or None
        Those of ``losses_``, and whether the weights of the epoch were kept.
    """
    losses = getattr(forecaster, "losses_", None)
    if isinstance(losses, pd.DataFrame) and {"member", "epoch", "loss"} <= set(losses.columns):
        best = np.ravel(getattr(forecaster, "best_epoch_", -1))
        kept = best[losses["member"].to_numpy() % len(best)]
        return losses.assign(kept=losses["epoch"].to_numpy() == kept)
    inner = [getattr(forecaster, name, None) for name in ("forecaster_", "best_estimator_")]
    inner += [forecaster.steps[-1][1]] if isinstance(forecaster, Pipeline) else []
    found = [losses_of(one) for one in inner if one is not None]
    return next((losses for losses in found if losses is not None), None)


def _ask_all(
    task: Task, questions: Sequence[Question], levels: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Answers to questions, one below the other, and the seconds of each fold."""
    answers, seconds = [], []
    for question in questions:
        start = perf_counter()
        with _named(task.name, question.first, question.last):
            answers.append(_ask(task.forecaster, question, task.targets, levels))
        seconds += [(perf_counter() - start) / question.n_folds] * question.n_folds
    return np.concatenate(answers), np.array(seconds)


@contextmanager
def _named(name: str, first: Any, last: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        when = f"cutoff {first}" if first == last else f"the cutoffs {first} to {last}"
        cause = f"{type(error).__name__}: {error}"
        raise RuntimeError(f"forecaster {name!r} failed at {when}: {cause}") from error


def _ask(
    forecaster: Any, question: Question, targets: tuple[Hashable, ...], levels: tuple[float, ...]
) -> np.ndarray:
    """Forecasts, or quantiles at `levels`, of the test rows: (n_test, n_targets [* n_levels])."""
    if question.cutoffs is None:
        forecasts = _by_predict(forecaster, question, targets, levels)
    else:
        forecasts = _by_predict_at(forecaster, question, targets, levels)
    if not np.isfinite(forecasts).all():
        row, column = np.argwhere(~np.isfinite(forecasts))[0]
        target = targets[column // max(len(levels), 1)]
        level = f"quantile {levels[column % len(levels)]:g} of the " if levels else ""
        label = "" if question.labels is None else f" of {question.labels[row]}"
        raise ValueError(
            f"the {level}forecast{label}, {question.steps[row]} steps ahead, of target "
            f"{target!r} is {forecasts[row, column]}; a forecast must be a number"
        )
    return forecasts


def _by_predict_at(
    forecaster: Any, question: Question, targets: tuple[Hashable, ...], levels: tuple[float, ...]
) -> np.ndarray:
    name = "predict_quantiles_at" if levels else "predict_at"
    options: dict[str, Any] = {} if question.y is None else {"y": question.y}
    if levels:
        options["quantiles"] = levels
    n_steps = question.n_steps
    answer = getattr(forecaster, name)(question.X, question.cutoffs, n_steps=n_steps, **options)
    values = _values(answer, targets, levels)
    if len(values) != question.n_cutoffs * n_steps:
        raise ValueError(
            f"{name} gave {len(values)} rows for {question.n_cutoffs} cutoffs and "
            f"n_steps={n_steps}; it must give one for each step of each cutoff, in their order"
        )
    return _test_steps(values, question)


def _by_predict(
    forecaster: Any, question: Question, targets: tuple[Hashable, ...], levels: tuple[float, ...]
) -> np.ndarray:
    name = "predict_quantiles" if levels else "predict"
    options = {"quantiles": levels} if levels else {}
    answer = getattr(forecaster, name)(question.X, **options)
    values = _values(answer, targets, levels)
    if question.rows is not None:
        if len(values) != len(question.X):
            raise ValueError(f"{name} gave {len(values)} rows for {len(question.X)} rows of X")
        return np.asarray(values[question.rows])
    index = getattr(answer, "index", None)
    if question.labels is not None and isinstance(index, pd.Index):
        found = index.get_indexer(question.labels)
        if (found >= 0).all():
            return np.asarray(values[found])
        if not _is_unlabelled(index):
            missing = question.labels[int(np.argmin(found))]
            raise ValueError(f"{name} gave no forecast of {missing}; {_reach(question)}")
    n_steps, rest = divmod(len(values), question.n_cutoffs)
    if rest or n_steps < question.n_steps:
        raise ValueError(
            f"{name} gave {len(values)} rows for {question.n_cutoffs} series; {_reach(question)}"
        )
    return _test_steps(values, question)


def _test_steps(values: np.ndarray, question: Question) -> np.ndarray:
    """Pick the test rows from forecasts of all steps, cutoff after cutoff."""
    by_cutoff = values.reshape(question.n_cutoffs, -1, values.shape[1])
    picked: np.ndarray = by_cutoff[question.at, question.steps - 1]
    return picked


def _reach(question: Question) -> str:
    steps = question.n_steps
    return f"gap and horizon of cv ask for {steps} steps after the cutoff: set its horizon={steps}"


def _is_unlabelled(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _values(answer: Any, targets: tuple[Hashable, ...], levels: tuple[float, ...]) -> np.ndarray:
    """Return what was forecast of the targets, shape (n_rows, n_targets [* n_levels])."""
    columns = getattr(answer, "columns", None)
    if columns is not None and levels:
        answer = answer.iloc[:, _quantile_places(columns, targets, levels)]
    elif columns is not None and set(targets) <= set(columns):
        places = [i for target in targets for i, name in enumerate(columns) if name == target]
        answer = answer.iloc[:, places]
    values: np.ndarray = np.asarray(answer, dtype=np.float64)
    values = values.reshape(len(values), -1)
    if values.shape[1] != len(targets) * max(len(levels), 1):
        given = range(values.shape[1]) if columns is None else columns
        raise _wrong_columns(given, targets, levels)
    return values


def _quantile_places(
    columns: Any, targets: tuple[Hashable, ...], levels: tuple[float, ...]
) -> list[int]:
    """Places of the columns with the labels of each target and level, in their order."""
    names = columns.droplevel(-1) if columns.nlevels > 1 else [targets[0]] * len(columns)
    given = columns.get_level_values(-1)
    places: list[int] = []
    for target in targets:
        own = [i for i, name in enumerate(names) if name == target]
        found = [i for level in levels for i in own if _is_level(given[i], level)]
        if len(own) != len(levels) or sorted(found) != own:
            raise _wrong_columns(columns, targets, levels)
        places += found
    return places


def _is_level(label: Any, level: float) -> bool:
    return isinstance(label, Real) and abs(float(label) - level) < 1e-9


def _wrong_columns(
    given: Iterable[Any], targets: tuple[Hashable, ...], levels: tuple[float, ...]
) -> ValueError:
    each = f", each with the quantiles {list(levels)}" if levels else ""
    return ValueError(f"the forecasts have the columns {list(given)}, not {list(targets)}{each}")
