"""How often `check` raises alarms on healthy fits, and whether each finds its fault.

Run: python benchmarks/alarms.py [--healthy | --faults] [--seed 0] [--repeats 5]

Healthy fits have the default parameters, a third of them another architecture, of three cells on
simulated data and on those of the package. Whether one is healthy is measured on rows behind those
that `check` reads: over the whole horizon and at its first step, forecasts err at most 0.95 times
as much as the better of the last value and season. Faults are made by the data or the parameters;
then the fit is mended as the alarm says. Limits were chosen with seeds from 3000 on.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from alarm_cases import CASES, Case, Rows, part
from alarm_faults import FAULTS, Fault
from speed_measure import print_head, print_row

from tsrnn import Naive, RNNForecaster, SeasonalNaive, check

CELLS = ("lstm", "gru", "simple_rnn")
# Every third fit has one of them.
OTHERS: tuple[dict[str, Any], ...] = (
    {"architecture": "seq2seq"},
    {"n_layers": 2},
    {"early_stopping": True},
    {"dropout": 0.1},
    {"units": 12},
    {"architecture": "encoder_decoder"},
    {"n_members": 2},
)
HEALTHY = 0.95


@dataclass(frozen=True)
class Fit:
    """A fit that ought to be healthy.

    Attributes
    ----------
    case : str
    cell : str
    other : dict
        Parameters that are not the default.
    skill : float
        Larger of the errors relative to naive ones, over the horizon and at its first step, on
        rows that `check` does not see.
    alarms : DataFrame
        As from `check`.
    """

    case: str
    cell: str
    other: dict[str, Any]
    skill: float
    alarms: pd.DataFrame

    @property
    def fired(self) -> list[str]:
        """Names of the alarms."""
        return self.alarms.index[self.alarms["fired"]].to_list()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--healthy", action="store_true", help="healthy fits only")
    parser.add_argument("--faults", action="store_true", help="faults only")
    parser.add_argument("--seed", type=int, default=0, help="of the first fit")
    parser.add_argument("--repeats", type=int, default=5, help="seeds of each fault")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "__array__ implementation|.*missing")
    start = time.perf_counter()
    if not options.faults:
        print_healthy(options.seed)
    if not options.healthy:
        print_faults(options.seed, options.repeats)
    print(f"\n{time.perf_counter() - start:.0f} seconds")


def print_healthy(seed: int) -> None:
    """Fit each case with each cell, and print the alarms."""
    print("\n## Healthy fits\n")
    print_head("data", "cells", "error, relative to naive, on later rows", "healthy fits", "alarms")
    fits = []
    for i, case in enumerate(CASES):
        numbers = range(i * len(CELLS), (i + 1) * len(CELLS))
        of_case = [healthy_fit(case, cell, n, seed) for cell, n in zip(CELLS, numbers, strict=True)]
        fits += of_case
        healthy = [fit for fit in of_case if fit.skill <= HEALTHY]
        print_row(
            case.name,
            ", ".join(" ".join([fit.cell, *map(str, fit.other.values())]) for fit in of_case),
            ", ".join(f"{fit.skill:.2f}" for fit in of_case),
            len(healthy),
            "; ".join(f"{fit.cell}: {', '.join(fit.fired)}" for fit in of_case if fit.fired),
        )
    print_false_alarms([fit for fit in fits if fit.skill <= HEALTHY])


def healthy_fit(case: Case, cell: str, number: int, seed: int) -> Fit:
    """Fit a cell to a case, check it, and measure it on later rows."""
    rows = case.rows(seed + number)
    other = OTHERS[number // 3 % len(OTHERS)] if number % 3 == number // 3 % 3 else {}
    forecaster = RNNForecaster(
        cell, case.horizon, random_state=seed + number, **case.params, **other
    )
    forecaster.fit(part(rows, 0, case.n_train))
    report = check(forecaster, part(rows, case.n_train, case.n_train + case.n_held))
    return Fit(case.name, cell, other, skill_later(forecaster, case, rows), report.table)


def skill_later(forecaster: Any, case: Case, rows: Rows) -> float:
    """Larger of the relative errors over the horizon and at its first step, see `Fit`."""
    names = list(forecaster.columns_.targets)
    targets = rows if isinstance(rows, np.ndarray | pd.Series) else rows[names]
    values = np.asarray(targets, dtype=float).reshape(len(rows), -1)
    n = case.n_train + case.n_held + case.n_later
    ends = np.arange(n, len(values) + 1, n)
    first = case.n_train + case.n_held - 1
    cutoffs = np.concatenate([np.arange(e - n + first, e - case.horizon) for e in ends])
    truth = values[cutoffs[:, None] + np.arange(1, case.horizon + 1)]
    season = forecaster.season_length_
    naive = (Naive(case.horizon), SeasonalNaive(case.horizon, season_length=season))
    models = [(forecaster, rows)]
    models += [(m.fit(part(targets, 0, case.n_train)), targets) for m in naive]
    errors = [
        np.abs(model.predict_at(X, cutoffs).to_numpy().reshape(truth.shape) - truth)
        for model, X in models
    ]
    whole, *of_naive = (float(np.nanmean(e)) for e in errors)
    one, *one_of_naive = (float(np.nanmean(e[:, 0])) for e in errors)
    return max(whole / min(of_naive), one / min(one_of_naive))


def print_false_alarms(fits: list[Fit]) -> None:
    """Print how often each alarm was asked for, and how often it fired."""
    print("\n## False alarms\n")
    print_head("alarm", "fits asked", "fired", "share", "nearest to its limit, value / limit")
    tables = [fit.alarms for fit in fits]
    names = dict.fromkeys(name for table in tables for name in table.index)
    for name in names:
        asked = pd.DataFrame([table.loc[name] for table in tables if name in table.index])
        nearest = (asked["value"] / asked["threshold"]).max()
        n_fired = int(asked["fired"].sum())
        print_row(name, len(asked), n_fired, f"{n_fired / len(asked):.1%}", float(nearest))
    n_asked, n_fired = sum(map(len, tables)), sum(len(fit.fired) for fit in fits)
    print_row("all questions", n_asked, n_fired, f"{n_fired / n_asked:.1%}", "")
    n_any = sum(bool(fit.fired) for fit in fits)
    print_row("fits with any alarm", len(fits), n_any, f"{n_any / len(fits):.1%}", "")


def print_faults(seed: int, repeats: int) -> None:
    """Fit each fault with some seeds, and print how often it is found, and mended."""
    print("\n## Faults\n")
    print_head(
        "alarm", "fault", "found", "value (limit)", "remedy", "still fires", "value (limit) then"
    )
    for fault in FAULTS:
        seeds = range(seed, seed + repeats)
        found = summary([measured(fault, seed) for seed in seeds])
        after = ["", ""]
        if fault.mended is not None:
            after = summary([measured(fault, seed, mended=True) for seed in seeds])
        print_row(fault.alarm, fault.name, *found, fault.remedy, *after)


def measured(fault: Fault, seed: int, *, mended: bool = False) -> Any:
    """Measure the alarm of a fault on one fit; None where it is not asked for."""
    rows = fault.rows(seed, mended=mended)
    forecaster = (fault.mended if mended else fault.faulty)(seed)
    n = fault.n_train
    report = check(forecaster.fit(part(rows, 0, n)), part(rows, n, len(rows)))
    return next((alarm for alarm in report.alarms if alarm.name == fault.alarm), None)


def summary(alarms: list[Any]) -> list[str]:
    """How many fired, and the median value and limit."""
    asked = [alarm for alarm in alarms if alarm is not None]
    n_fired = f"{sum(alarm.fired for alarm in asked)} of {len(alarms)}"
    if not asked:
        return [n_fired, "not asked"]
    value, limit = np.median([[alarm.value, alarm.threshold] for alarm in asked], axis=0)
    return [n_fired, f"{value:.3g} ({limit:.3g})"]


if __name__ == "__main__":
    main()
