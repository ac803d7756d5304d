"""Forecasters that fit a statsmodels model to every series on its own."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from tsrnn.base import Forecaster
from tsrnn.checks import check_observed
from tsrnn.panel import Panel
from tsrnn.statistical.fitting import Fitted, learn, prepared, proceed, quiet
from tsrnn.statistical.history import History, check_known, history_of


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
        row = _labels(panel).index(label)
        history = self._history(panel, row, self._jobs(panel)[i], panel.offsets[row + 1] - 1)
        first = fitted.start - history.start
        history = history.rows(first, first + fitted.n_rows)
        y, x = prepared(self, fitted, history)
        with quiet():
            return self._statsmodels_results(fitted, y, x[: len(y)])

    def _fit(self, panel: Panel) -> None:
        everyone = range(panel.n_series)
        check_observed(panel, np.array(everyone), panel.offsets[1:] - 1)
        worker, jobs = clone(self), self._jobs(panel)
        learnt = Parallel(n_jobs=self.n_jobs)(
            delayed(learn)(worker, self._history(panel, s, columns, panel.offsets[s + 1] - 1))
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
        check_known(self, panel, series, cutoffs, n_steps)
        worker, labels = clone(self), _labels(panel)
        places = [
            (s, np.flatnonzero(series == s), i, columns)
            for s in np.unique(series).tolist()
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
            forecasts[own[:, None], :, columns] = part.swapaxes(1, 2)
            if problem:
                _warn(problem)
        return forecasts

    def _uses_future(self) -> bool:
        return self._takes_covariates and bool(self.columns_.future)

    def _jobs(self, panel: Panel) -> list[list[int]]:
        """Columns of the targets that each model forecasts."""
        everything = list(range(panel.n_targets))
        return [everything] if self._joint else [[column] for column in everything]

    def _history(
        self, panel: Panel, series: int, columns: list[int], last: int, n_steps: int = 0
    ) -> History:
        return history_of(panel, series, columns, self.season_length_, int(last), n_steps)


def check_choice(name: str, value: Any, choices: tuple) -> None:
    """Raise ValueError unless the value of a parameter is one of its choices."""
    if value not in choices:
        raise ValueError(f"{name}={value!r} must be one of {choices}")


def is_auto(value: Any) -> bool:
    """Whether a parameter is left to the toolkit."""
    return isinstance(value, str) and value == "auto"


def aicc(likelihood: float, n_values: int, n_params: int) -> float:
    """Akaike's criterion, corrected for few values; infinite where they are too few."""
    if n_values <= n_params + 1 or np.isnan(likelihood):
        return np.inf
    return float(2 * n_params * n_values / (n_values - n_params - 1) - 2 * likelihood)


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
