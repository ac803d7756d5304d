"""How often `check` raises alarms on healthy fits, and whether each finds its fault.

Run: python benchmarks/alarms.py [--healthy | --faults] [--seed 30000] [--repeats 5]

Healthy fits have the default parameters, a third of them another architecture, of three cells on
simulated data and on those of the package. Which are healthy is measured on rows behind those that
`check` reads: over the whole horizon, and at its first step, forecasts err at most 0.95 times as
much as the better of the last value and season; the same fit with early stopping errs at least 0.9
times as much; and residuals correlate by less than 0.3 with those a season before. Faults are made
by the data or the parameters; then the fit is mended as the alarm says. Limits were chosen with
seeds below 30,000, without the last four kinds of data.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from alarm_cases import CASES, Case, part
from alarm_faults import FAULTS, Fault
from alarm_series import Rows
from sklearn.base import clone
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
# What later rows have to say of a healthy fit.
MOST_ERROR, LEAST_GAIN, MOST_SEASON = 0.95, 0.9, 0.3


@dataclass(frozen=True)
class Fit:
    """A fit that ought to be healthy.

    Attributes
    ----------
    case : str
    cell : str
    other : dict
        Parameters that are not the default.
    error : float
        Larger of the errors relative to naive ones, over the horizon and at its first step, on
        rows that `check` does not see.
    stopped : float
        The error, divided into that of the same fit with early stopping.
    season : float
        Correlation of one-step residuals with those a season before, on the same rows.
    alarms : DataFrame
        As from `check`.
    """

    case: str
    cell: str
    other: dict[str, Any]
    error: float
    stopped: float
    season: float
    alarms: pd.DataFrame

    @property
    def fired(self) -> list[str]:
        """Names of the alarms."""
        return self.alarms.index[self.alarms["fired"]].to_list()

    @property
    def is_healthy(self) -> bool:
        """Whether later rows say so."""
        learned = self.error <= MOST_ERROR and self.stopped >= LEAST_GAIN
        return learned and self.season < MOST_SEASON


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--healthy", action="store_true", help="healthy fits only")
    parser.add_argument("--faults", action="store_true", help="faults only")
    parser.add_argument("--seed", type=int, default=30_000, help="of the first fit")
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
    print("\n## Fits that ought to be healthy\n")
    print_head(
        "data",
        "cell",
        "not the default",
        "error relative to naive",
        "with early stopping relative to without",
        "season in residuals",
        "healthy",
        "alarms",
    )
    fits = []
    for number, (case, cell) in enumerate((case, cell) for case in CASES for cell in CELLS):
        fit = one_fit(case, cell, number, seed)
        fits.append(fit)
        other = ", ".join(f"{name}={value!r}" for name, value in fit.other.items())
        measured = fit.error, fit.stopped, fit.season
        verdict = "yes" if fit.is_healthy else "no"
        print_row(case.name, cell, other, *measured, verdict, ", ".join(fit.fired))
    healthy = [fit for fit in fits if fit.is_healthy]
    print_false_alarms(healthy)
    n_others = len(fits) - len(healthy)
    n_fired = sum(bool(fit.fired) for fit in fits if not fit.is_healthy)
    print(f"\nOf the {n_others} other fits {n_fired} have an alarm.")


def one_fit(case: Case, cell: str, number: int, seed: int) -> Fit:
    """Fit a cell to a case, check it, and measure it on later rows."""
    rows = case.rows(seed + number)
    other = OTHERS[number // 3 % len(OTHERS)] if number % 3 == number // 3 % 3 else {}
    forecaster = RNNForecaster(
        cell, case.horizon, random_state=seed + number, **case.params, **other
    )
    train = part(rows, 0, case.n_train)
    stopped = clone(forecaster).set_params(early_stopping=True).fit(train)
    report = check(forecaster.fit(train), part(rows, case.n_train, case.n_train + case.n_held))
    error, season = later(forecaster, case, rows)
    return Fit(
        case.name, cell, other, error, later(stopped, case, rows)[0] / error, season, report.table
    )


def later(forecaster: Any, case: Case, rows: Rows) -> tuple[float, float]:
    """Error relative to naive ones, and season of the residuals, on later rows, see `Fit`."""
    names = list(forecaster.columns_.targets)
    targets = rows if isinstance(rows, np.ndarray | pd.Series) else rows[names]
    values = np.asarray(targets, dtype=float).reshape(len(rows), -1)
    n = case.n_train + case.n_held + case.n_later
    first = case.n_train + case.n_held - 1
    starts = np.arange(0, len(values), n)
    cutoffs = (starts[:, None] + np.arange(first, n - case.horizon)).ravel()
    truth = values[cutoffs[:, None] + np.arange(1, case.horizon + 1)]
    season = forecaster.season_length_
    naive = (Naive(case.horizon), SeasonalNaive(case.horizon, season_length=season))
    models = [(forecaster, rows)]
    models += [(m.fit(part(targets, 0, case.n_train)), targets) for m in naive]
    errors = [
        model.predict_at(X, cutoffs).to_numpy().reshape(truth.shape) - truth for model, X in models
    ]
    whole, *of_naive = (float(np.nanmean(np.abs(e))) for e in errors)
    one, *one_of_naive = (float(np.nanmean(np.abs(e[:, 0]))) for e in errors)
    residuals = errors[0][:, 0].reshape(len(starts), -1, len(names))
    return max(whole / min(of_naive), one / min(one_of_naive)), lagged(residuals, season)


def lagged(residuals: np.ndarray, season: int) -> float:
    """Mean correlation of each series and target with itself a season before."""
    if season == 1:
        return 0.0
    columns = residuals.transpose(0, 2, 1).reshape(-1, residuals.shape[1])
    return float(np.mean([pd.Series(column).autocorr(season) for column in columns]))


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
