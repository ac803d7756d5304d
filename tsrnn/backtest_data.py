"""The rows that a backtest shows to forecasters: training parts, histories and test parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.backtest_tasks import Question
from tsrnn.panel import Panel, ranges
from tsrnn.reading import read_panel, to_frame


@dataclass(frozen=True, eq=False)
class Fold:
    """A training and a test part.

    Attributes
    ----------
    train : ndarray of shape (n_train,)
        Rows of X.
    test : ndarray of shape (n_test,)
        Rows of the panel, series after series.
    series, starts, cutoffs : ndarray of shape (n_tested,)
        The series that are tested, and the panel rows where their training parts begin and end.
    at, steps : ndarray of shape (n_test,)
        Position in `series` of each test row, and steps from its cutoff.
    """

    train: np.ndarray
    test: np.ndarray
    series: np.ndarray
    starts: np.ndarray
    cutoffs: np.ndarray
    at: np.ndarray
    steps: np.ndarray

    @property
    def n_steps(self) -> int:
        """Steps that a forecast must reach: gap and horizon."""
        return int(self.steps.max())


@dataclass(frozen=True)
class Roles:
    """Columns by their role, as the parameters of a forecaster name them."""

    target: tuple[Hashable, ...] = ()
    past_covariates: tuple[Hashable, ...] = ()
    static_covariates: tuple[Hashable, ...] = ()

    @classmethod
    def of(cls, forecaster: Any, columns: Sequence[Hashable]) -> Roles:
        """Read the parameters, also those of the steps of a pipeline or of a wrapped estimator."""
        params = forecaster.get_params(deep=True)
        return cls(*(_named(params, role, columns) for role in cls.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class BacktestData:
    """What the user gave, and the truth in it as a panel."""

    X: Any
    y: Any
    truth: Panel

    @classmethod
    def read(cls, X: Any, y: Any, targets: Sequence[Hashable] | None) -> BacktestData:
        """Read the truth from y, or else from the columns `targets` (None: all) of X."""
        frame = to_frame(X)
        if y is not None:
            if len(y) != len(X):
                raise ValueError(f"X has {len(X)} rows but y has {len(y)}; give one per row of X")
            truth = to_frame(y, "y")
            truth = truth.set_axis(frame.index) if hasattr(X, "iloc") else truth
        else:
            truth = frame if targets is None else frame[list(targets)]
        data = (X if hasattr(X, "iloc") else np.asarray(X), y)
        return cls(*data, truth=read_panel(truth))

    def folds(self, splits: Iterable[tuple[Any, Any]]) -> list[Fold]:
        """Find the cutoffs of the series in each pair of training and test rows."""
        folds = [self._fold(train, test) for train, test in splits]
        if not folds:
            raise ValueError("cv gave no fold; give for example RollingOriginSplit(5, horizon=12)")
        return folds

    def train(self, fold: Fold) -> tuple[Any, Any]:
        """Return X and y of the training part."""
        return _take(self.X, fold.train), _take(self.y, fold.train)

    def question(self, folds: Sequence[Fold], roles: Roles) -> Question:
        """Ask ``predict_at`` for the forecasts of all `folds` at once."""
        rows, hidden = self._history(folds, roles)
        X, y = self._show(rows, hidden, roles)
        sizes = [len(fold.cutoffs) for fold in folds]
        shift = np.repeat(np.cumsum([0, *sizes[:-1]]), [len(fold.at) for fold in folds])
        cutoffs = np.concatenate([fold.cutoffs for fold in folds])
        test = np.concatenate([fold.test for fold in folds])
        return Question(
            X,
            y,
            cutoffs=np.searchsorted(rows, self._user_rows(cutoffs)),
            n_cutoffs=len(cutoffs),
            n_steps=max(fold.n_steps for fold in folds),
            at=np.concatenate([fold.at for fold in folds]) + shift,
            steps=np.concatenate([fold.steps for fold in folds]),
            rows=None,
            labels=self._labels(test),
            first=self.cutoff_of(folds[0]),
            last=self.cutoff_of(folds[-1]),
            n_folds=len(folds),
        )

    def question_by_predict(self, fold: Fold, roles: Roles) -> Question:
        """Ask ``predict`` for the forecasts of one fold."""
        rows, hidden = self._history([fold], roles)
        places = None
        if self.y is not None:  # the question is then the rows to forecast, without their history
            after = self._after(rows, fold)
            rows, hidden = rows[after], hidden[after]
            places = np.searchsorted(rows, self._user_rows(fold.test))
        return Question(
            self._show(rows, hidden, roles)[0],
            None,
            cutoffs=None,
            n_cutoffs=len(fold.cutoffs),
            n_steps=fold.n_steps,
            at=fold.at,
            steps=fold.steps,
            rows=places,
            labels=self._labels(fold.test),
            first=self.cutoff_of(fold),
            last=self.cutoff_of(fold),
            n_folds=1,
        )

    def cutoff_of(self, fold: Fold) -> Any:
        """Latest time that the fold trains on."""
        return self.times(fold.cutoffs).max()

    def times(self, rows: np.ndarray) -> pd.Index:
        """Return the times of panel rows."""
        series = self.truth.series_of(rows)
        return self.truth.grid.times(self.truth.starts[series] + rows - self.truth.offsets[series])

    def _fold(self, train: Any, test: Any) -> Fold:
        train, test = np.sort(np.asarray(train)), np.asarray(test)
        if len(train) == 0 or len(test) == 0:
            raise ValueError(f"cv gave a fold of {len(train)} training and {len(test)} test rows")
        train_rows, test_rows = (np.sort(self._panel_rows(rows)) for rows in (train, test))
        trained, first = np.unique(self.truth.series_of(train_rows), return_index=True)
        last = np.append(first[1:], len(train_rows)) - 1
        test_series = self.truth.series_of(test_rows)
        tested, at = np.unique(test_series, return_inverse=True)
        where = np.searchsorted(trained, tested).clip(max=len(trained) - 1)
        if (trained[where] != tested).any():
            label = self.truth.label(int(tested[np.argmax(trained[where] != tested)]))
            raise ValueError(f"{label}cv tests it, but gave no training row of it; {_REMEDY}")
        cutoffs = train_rows[last[where]]
        steps = test_rows - cutoffs[at]
        if (steps < 1).any():
            row = int(test_rows[np.argmax(steps < 1)])
            label, time = (
                self.truth.label(int(test_series[np.argmax(steps < 1)])),
                self.truth.time_of(row),
            )
            raise ValueError(f"{label}cv trains on rows after the test row {time}; {_REMEDY}")
        return Fold(train, test_rows, tested, train_rows[first[where]], cutoffs, at, steps)

    def _history(self, folds: Sequence[Fold], roles: Roles) -> tuple[np.ndarray, np.ndarray]:
        """Rows of X that may be seen, and which of them lie after the last cutoff."""
        n_series = self.truth.n_series
        starts, cutoffs, ends = (np.full(n_series, -1) for _ in range(3))
        for fold in folds:
            new = starts[fold.series] < 0
            starts[fold.series[new]] = fold.starts[new]
            cutoffs[fold.series] = np.maximum(cutoffs[fold.series], fold.cutoffs)
            np.maximum.at(ends, fold.series[fold.at], fold.test)
        if not self._future_is_known(roles):
            ends = cutoffs
        seen = np.flatnonzero(starts >= 0)
        rows, _ = ranges(starts[seen], ends[seen] + 1 - starts[seen])
        hidden = rows > cutoffs[self.truth.series_of(rows)]
        user_rows = self._user_rows(rows)
        order = np.argsort(user_rows)
        return user_rows[order], hidden[order]

    def _future_is_known(self, roles: Roles) -> bool:
        if self.y is not None:
            return True
        columns: Sequence[Hashable] = list(to_frame(self.X).columns) if roles.target else []
        named = (*roles.target, *roles.past_covariates, *roles.static_covariates)
        return bool(set(columns) - set(named))

    def _after(self, rows: np.ndarray, fold: Fold) -> np.ndarray:
        cutoffs = np.zeros(self.truth.n_series, dtype=np.int64)
        cutoffs[fold.series] = fold.cutoffs
        panel_rows = self._panel_rows(rows)
        after: np.ndarray = panel_rows > cutoffs[self.truth.series_of(panel_rows)]
        return after

    def _show(self, rows: np.ndarray, hidden: np.ndarray, roles: Roles) -> tuple[Any, Any]:
        """X and y of these rows, with what is not known after the last cutoff missing."""
        X = _hide(_take(self.X, rows), hidden, (*roles.target, *roles.past_covariates))
        y = _take(self.y, rows)
        return X, y if y is None else _hide(y, hidden, tuple(to_frame(y).columns))

    def _user_rows(self, panel_rows: np.ndarray) -> np.ndarray:
        return panel_rows if self.truth.order is None else self.truth.order[panel_rows]

    def _panel_rows(self, user_rows: np.ndarray) -> np.ndarray:
        if self.truth.order is None:
            return user_rows
        panel_rows: np.ndarray = np.argsort(self.truth.order)[user_rows]
        return panel_rows

    def _labels(self, panel_rows: np.ndarray) -> pd.Index | None:
        index = getattr(self.X, "index", None)
        return index[self._user_rows(panel_rows)] if isinstance(index, pd.Index) else None


_REMEDY = "a backtest wants training rows before test rows, as RollingOriginSplit gives them"


def _named(params: dict[str, Any], role: str, columns: Sequence[Hashable]) -> tuple[Hashable, ...]:
    for key, value in params.items():
        if value is None or key.rpartition("__")[2] != role:
            continue
        names = tuple(value) if isinstance(value, list | tuple | pd.Index) else (value,)
        if all(isinstance(name, Hashable) and name in columns for name in names):
            return names
    return ()


def _take(data: Any, rows: np.ndarray) -> Any:
    """Rows of the data; a slice where it can be, which keeps the frequency of an index."""
    if data is None:
        return None
    where: Any = rows
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        where = slice(int(rows[0]), int(rows[-1]) + 1)
    return data.iloc[where] if hasattr(data, "iloc") else np.asarray(data)[where]


def _hide(data: Any, rows: np.ndarray, columns: tuple[Hashable, ...]) -> Any:
    """Put NaN into `rows` of `columns`, in a copy."""
    if not columns or not rows.any():
        return data
    if isinstance(data, pd.Series):
        return data.astype(np.float64).mask(rows)
    if isinstance(data, pd.DataFrame):
        copy = data.copy()
        for name in columns:
            copy[name] = data[name].astype(np.float64).mask(rows)
        return copy
    array = np.array(data, dtype=np.float64)
    array.reshape(len(array), -1)[np.ix_(rows, np.array(columns, dtype=np.int64))] = np.nan
    return array
