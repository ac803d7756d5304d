"""Fits of `alarms.py` that are made to have a fault, and the same mended as the alarm says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from alarm_series import (
    Rows,
    driven_walk,
    large,
    noise,
    random_walk,
    season_and_trend,
    season_of_months,
    season_of_seven,
    steep_line,
    with_next_value,
    with_rolling_mean,
)

from tsrnn import GRUForecaster, LSTMForecaster, SimpleRNNForecaster
from tsrnn.base import Forecaster


@dataclass(frozen=True)
class Fault:
    """A fit that has a fault, and what mends it.

    Attributes
    ----------
    alarm : str
        The alarm that has to fire.
    name : str
    make : callable
        Takes a generator and a number of rows, returns so many.
    n_train, n_held : int
    faulty, mended : callable
        Take a seed, return an unfitted forecaster; `mended` is None where nothing helps.
    remedy : str
        What `mended` changes.
    left_out : list of str
        Columns that the mended fit is not given.
    """

    alarm: str
    name: str
    make: Callable[[np.random.Generator, int], Rows]
    n_train: int
    n_held: int
    faulty: Callable[[int], Any]
    mended: Callable[[int], Any] | None
    remedy: str
    left_out: tuple[str, ...] = ()

    def rows(self, seed: int, *, mended: bool = False) -> Rows:
        """All rows of one draw."""
        rows = self.make(np.random.default_rng(seed), self.n_train + self.n_held)
        return rows.drop(columns=list(self.left_out)) if mended and self.left_out else rows


class Smoother(Forecaster):
    """Last value of a series that was smoothed before it was cut: a leak by its making.

    Parameters
    ----------
    reach : int
        Rows after each that its smoothed value reads.
    """

    def __init__(self, reach: int, horizon: int = 1, season_length: Any = "auto") -> None:
        self.reach = reach
        self.horizon = horizon
        self.season_length = season_length

    def _fit(self, panel: Any) -> None:
        pass

    def _forecast(self, panel: Any, series: Any, cutoffs: Any, n_steps: int) -> np.ndarray:
        around = cutoffs[:, None] + np.arange(-3, self.reach + 1)
        ends = panel.offsets[1:][series][:, None] - 1
        smoothed = panel.targets[np.minimum(around, ends)].mean(axis=1)
        return np.repeat(smoothed[:, None], n_steps, axis=1)


def network(kind: Any, horizon: int = 3, **params: Any) -> Callable[[int], Any]:
    """Make a function of the seed that makes a forecaster."""
    return lambda seed: kind(horizon=horizon, random_state=seed, **params)


LSTM, GRU = partial(network, LSTMForecaster), partial(network, GRUForecaster)
SIMPLE = partial(network, SimpleRNNForecaster)
RAW = {"reference": None, "scale": None}
LONG = {"context_length": 60, "reference": "mean"}
LARGE_NET = {"units": 64, "context_length": 16, "max_epochs": 300, "reference": "mean"}

FAULTS = (
    Fault(
        "shifted copy",
        "random walk",
        random_walk,
        200,
        80,
        LSTM(),
        None,
        "none: Naive is the best forecast",
    ),
    Fault(
        "shifted copy",
        "a walk whose plan is left out",
        driven_walk,
        200,
        80,
        LSTM(target="level", past_covariates="plan"),
        LSTM(target="level"),
        "give covariates",
    ),
    Fault(
        "loses to naive",
        "learning_rate=3",
        season_of_months,
        120,
        36,
        LSTM(12, learning_rate=3.0, clipnorm=None, reference="mean"),
        LSTM(12, reference="mean"),
        "learning_rate='auto'",
    ),
    Fault(
        "loses to naive",
        "one epoch, reference=None",
        season_and_trend,
        120,
        36,
        GRU(12, max_epochs=1, reference=None),
        GRU(12),
        "max_epochs and reference 'auto'",
    ),
    Fault(
        "over-fitting",
        "64 units, 300 epochs on 80 rows of noise",
        noise,
        80,
        60,
        LSTM(2, **LARGE_NET),
        LSTM(2, **LARGE_NET, early_stopping=True),
        "early_stopping=True",
    ),
    Fault(
        "over-fitting",
        "the same, a season of months in noise",
        season_of_months,
        80,
        48,
        GRU(2, **LARGE_NET, learning_rate=0.01),
        GRU(2),
        "defaults: fewer units and epochs",
    ),
    Fault(
        "saturated gates",
        "values in thousands, not scaled",
        large,
        200,
        60,
        LSTM(**RAW),
        LSTM(),
        "scale='auto'",
    ),
    Fault("saturated gates", "the same, GRU", large, 200, 60, GRU(**RAW), GRU(), "scale='auto'"),
    Fault(
        "dead units",
        "values in thousands, not scaled",
        large,
        200,
        60,
        SIMPLE(**RAW),
        SIMPLE(),
        "scale='auto'",
    ),
    Fault(
        "dead units",
        "learning_rate=1",
        season_of_months,
        120,
        36,
        GRU(learning_rate=1.0),
        GRU(),
        "learning_rate='auto'",
    ),
    Fault(
        "diverging loss",
        "SGD at a rate of 2, clipnorm=None",
        season_of_months,
        300,
        60,
        SIMPLE(optimizer="sgd", learning_rate=2.0, clipnorm=None, **LONG),
        SIMPLE(**LONG),
        "clipnorm, learning_rate",
    ),
    Fault(
        "diverging loss",
        "Adam at a rate of 1, clipnorm=None",
        season_of_months,
        300,
        60,
        SIMPLE(learning_rate=1.0, clipnorm=None, **LONG),
        SIMPLE(**LONG),
        "clipnorm, learning_rate",
    ),
    Fault(
        "trend in residuals",
        "a steep line, reference=None",
        steep_line,
        120,
        40,
        LSTM(reference=None),
        LSTM(reference="last"),
        "reference='last'",
    ),
    Fault(
        "trend in residuals",
        "the same, simple cells",
        steep_line,
        120,
        40,
        SIMPLE(reference=None),
        SIMPLE(),
        "reference='auto'",
    ),
    Fault(
        "season in residuals",
        "context of 2 months, reference='mean'",
        season_of_months,
        120,
        60,
        LSTM(context_length=2, reference="mean", units=2),
        LSTM(),
        "context_length='auto'",
    ),
    Fault(
        "season in residuals",
        "season_length=1 for months",
        season_of_months,
        120,
        60,
        GRU(season_length=1, context_length=3, reference="last"),
        GRU(),
        "season_length=12",
    ),
    Fault(
        "season in residuals",
        "an array, whose season of 7 nobody told",
        season_of_seven,
        200,
        80,
        LSTM(context_length=3, reference="last"),
        LSTM(season_length=7),
        "season_length=7",
    ),
    Fault(
        "leakage",
        "a series smoothed before it is cut",
        season_and_trend,
        120,
        40,
        lambda seed: Smoother(3),
        lambda seed: Smoother(0),
        "smooth up to the cutoff",
    ),
    Fault(
        "telling covariate",
        "next value as a covariate",
        with_next_value,
        120,
        40,
        LSTM(target="y", past_covariates="x"),
        LSTM(),
        "leave it out",
        ("x",),
    ),
    Fault(
        "telling covariate",
        "rolling mean, as if known ahead",
        with_rolling_mean,
        120,
        40,
        LSTM(6, target="y"),
        LSTM(6, target="y", past_covariates="x"),
        "past_covariates=",
    ),
)
