"""What a worker of a backtest does: fit one forecaster once, and forecast from its cutoffs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd


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
    """One fit, and the questions put to it: plain data that any worker can take."""

    name: str
    forecaster: Any
    X: Any
    y: Any
    questions: tuple[Question, ...]
    targets: tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """Forecasts of a task, shape (n_test, n_targets), and seconds; those of predict by fold."""

    forecasts: np.ndarray
    fit_seconds: float
    predict_seconds: list[float]


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
    forecasts, seconds = [], []
    for question in task.questions:
        start = perf_counter()
        with _named(task.name, question.first, question.last):
            forecasts.append(_ask(forecaster, question, task.targets))
        seconds += [(perf_counter() - start) / question.n_folds] * question.n_folds
    return Answer(np.concatenate(forecasts), fit_seconds, seconds)


@contextmanager
def _named(name: str, first: Any, last: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        when = f"cutoff {first}" if first == last else f"the cutoffs {first} to {last}"
        cause = f"{type(error).__name__}: {error}"
        raise RuntimeError(f"forecaster {name!r} failed at {when}: {cause}") from error


def _ask(forecaster: Any, question: Question, targets: tuple[Hashable, ...]) -> np.ndarray:
    if question.cutoffs is None:
        forecasts = _by_predict(forecaster.predict(question.X), question, targets)
    else:
        forecasts = _by_predict_at(forecaster, question, targets)
    if not np.isfinite(forecasts).all():
        row, column = np.argwhere(~np.isfinite(forecasts))[0]
        label = "" if question.labels is None else f" of {question.labels[row]}"
        raise ValueError(
            f"the forecast{label}, {question.steps[row]} steps ahead, of target "
            f"{targets[column]!r} is {forecasts[row, column]}; a forecast must be a number"
        )
    return forecasts


def _by_predict_at(
    forecaster: Any, question: Question, targets: tuple[Hashable, ...]
) -> np.ndarray:
    known = {} if question.y is None else {"y": question.y}
    n_steps = question.n_steps
    answer = forecaster.predict_at(question.X, question.cutoffs, n_steps=n_steps, **known)
    values = _values(answer, targets)
    if len(values) != question.n_cutoffs * n_steps:
        raise ValueError(
            f"predict_at gave {len(values)} rows for {question.n_cutoffs} cutoffs and "
            f"n_steps={n_steps}; it must give one for each step of each cutoff, in their order"
        )
    return _test_steps(values, question)


def _by_predict(answer: Any, question: Question, targets: tuple[Hashable, ...]) -> np.ndarray:
    values = _values(answer, targets)
    if question.rows is not None:
        if len(values) != len(question.X):
            raise ValueError(f"predict gave {len(values)} rows for {len(question.X)} rows of X")
        return np.asarray(values[question.rows])
    index = getattr(answer, "index", None)
    if question.labels is not None and isinstance(index, pd.Index):
        found = index.get_indexer(question.labels)
        if (found >= 0).all():
            return np.asarray(values[found])
        if not _is_unlabelled(index):
            missing = question.labels[int(np.argmin(found))]
            raise ValueError(f"predict gave no forecast of {missing}; {_reach(question)}")
    n_steps, rest = divmod(len(values), question.n_cutoffs)
    if rest or n_steps < question.n_steps:
        raise ValueError(
            f"predict gave {len(values)} rows for {question.n_cutoffs} series; {_reach(question)}"
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


def _values(answer: Any, targets: tuple[Hashable, ...]) -> np.ndarray:
    """Return the forecasts of the targets, shape (n_rows, n_targets)."""
    if isinstance(answer, pd.DataFrame) and set(targets) <= set(answer.columns):
        answer = answer[list(targets)]
    values: np.ndarray = np.asarray(answer, dtype=np.float64)
    values = values.reshape(len(values), -1)
    if values.shape[1] != len(targets):
        columns = list(getattr(answer, "columns", range(values.shape[1])))
        raise ValueError(f"the forecasts have the columns {columns}, not {list(targets)}")
    return values
