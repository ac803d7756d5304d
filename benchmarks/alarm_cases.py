"""Data of `alarms.py` that a forecaster can learn, and where they are cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from alarm_series import (
    Rows,
    branches,
    business_days,
    cycle,
    days_with_gaps,
    growing_season,
    half_hours,
    hours_and_weeks,
    leading_indicator,
    machines,
    mean_reverting,
    moving_level,
    noise_around_line,
    promotions,
    season_and_trend,
    shops,
    threshold,
    tides,
    two_targets,
    weather,
)

from tsrnn.datasets import load_airline, load_co2, load_macro, load_sunspots


@dataclass(frozen=True)
class Case:
    """Data that a forecaster can learn: how they are made, and where they are cut.

    Attributes
    ----------
    name : str
    make : callable
        Takes a generator and a number of rows, returns so many (of each series).
    n_train, n_held : int
        Rows to fit on, and rows after those that `check` reads.
    horizon : int
    params : dict
        What the data ask the forecaster for: roles of columns, seasons that no index tells.
    n_later : int, default 400
        Rows after those, which alone say whether a fit is healthy.
    """

    name: str
    make: Callable[[np.random.Generator, int], Rows]
    n_train: int
    n_held: int
    horizon: int
    params: dict[str, Any] = field(default_factory=dict)
    n_later: int = 400

    def rows(self, seed: int) -> Rows:
        """All rows of one draw."""
        return self.make(np.random.default_rng(seed), self.n_train + self.n_held + self.n_later)


def part(rows: Rows, first: int, last: int) -> Rows:
    """Rows ``first:last`` (of each series)."""
    if isinstance(rows, np.ndarray) or rows.index.nlevels == 1:
        return rows[first:last]
    nth = rows.groupby(level=0).cumcount()
    return rows[(nth >= first) & (nth < last)]


def stored(load: Callable[[], Any], n_train: int, n_held: int, horizon: int, **params: Any) -> Case:
    """Make a case of a data set of the package: all rows behind count as later ones."""
    n_later = len(load()) - n_train - n_held
    name = load.__name__.removeprefix("load_")
    return Case(name, lambda rng, n: load()[:n], n_train, n_held, horizon, params, n_later)


def load_monthly_co2() -> Rows:
    """Carbon dioxide by months."""
    return load_co2("monthly")


def load_unemployment() -> Rows:
    """Unemployment by quarters."""
    return load_macro()["unemp"]


SIMULATED = (
    Case("season and trend", season_and_trend, 120, 36, 12),
    Case("short, season and trend", season_and_trend, 60, 18, 6),
    Case("growing season", growing_season, 144, 36, 12),
    Case("moving level", moving_level, 100, 24, 8),
    Case("noise around a line", noise_around_line, 80, 20, 4),
    Case("mean reverting", mean_reverting, 250, 60, 3),
    Case("cycle", cycle, 300, 100, 1),
    Case("threshold", threshold, 400, 80, 2),
    Case("hours and weeks", hours_and_weeks, 24 * 70, 24 * 7, 24),
    Case("days with gaps", days_with_gaps, 300, 56, 7),
    Case("promotions", promotions, 300, 60, 7, {"target": "y"}),
    Case("leading", leading_indicator, 200, 40, 1, {"target": "y", "past_covariates": "orders"}),
    Case("weather", weather, 730, 90, 7, {"target": "y"}, n_later=640),
    Case("two targets", two_targets, 150, 36, 6, {"share_targets": False}),
    Case("shops", shops, 72, 24, 12),
    Case("machines", machines, 80, 20, 3),
)
STORED = (
    stored(load_airline, 84, 24, 12),
    stored(load_sunspots, 180, 60, 10, season_length=11),
    stored(load_monthly_co2, 240, 60, 12),
    stored(load_unemployment, 120, 40, 2, season_length=1),
)
# Made after the limits were chosen.
FRESH = (
    Case("business days", business_days, 260, 40, 5),
    Case("half hours", half_hours, 48 * 30, 48 * 4, 24),
    Case("branches", branches, 80, 24, 4),
    Case("tides", tides, 250, 75, 10, {"season_length": 25}),
)
CASES = SIMULATED + STORED + FRESH
