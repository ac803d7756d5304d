"""How accurate the default forecasters are, beside statsmodels and published figures.

Run: python benchmarks/accuracy.py [data ...] [--models LSTM ...] [--validation | --ablation]

Data, all without an argument: m3_yearly, m3_quarterly, m3_monthly, m3_other, m4_hourly (panels of
the M competitions); etth1_96, etth1_336 (seven columns, so many hours ahead); airline, co2,
sunspots, h2o, victoria (one series, 12 cutoffs, fitted anew at each). Prints a markdown table of
each; a figure of a recurrent network is the mean and range of three seeds. Runs are kept in
benchmarks/results/accuracy.csv, one row each, and not run again; --again does. With --validation
the end of the training rows is forecast: what choices are made on. --ablation leaves out, or
exchanges, one part of the default network at a time, in validation, with one seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from accuracy_tasks import NETWORKS, TASKS, VARIANTS, run_task
from speed_measure import in_new_process, print_head, print_row

RESULTS = Path(__file__).resolve().parent / "results" / "accuracy.csv"
BASELINES = ("SeasonalNaive", "Theta", "ETS", "ARIMA")
# What has not been run here takes hours, or is not made for it.
TOO_LONG = {
    "m3_monthly": ("ARIMA",),
    "m4_hourly": ("ETS", "ARIMA"),
    "etth1_96": ("Theta", "ETS", "ARIMA"),
    "etth1_336": ("Theta", "ETS", "ARIMA"),
}
SINGLE = ("airline", "co2", "sunspots", "h2o", "victoria")
SEEDS = (0, 1, 2)
SCORES = {
    "smape": "sMAPE",
    "mase": "MASE",
    "owa": "OWA",
    "mse": "MSE",
    "mae": "MAE",
    "seconds": "fit and predict, seconds",
    "peak_mb": "peak MB",
}


def main() -> None:
    """Run what has not been run, and print a table of each data set."""
    options = parse()
    tables = {}
    for data in options.data:
        wanted = [run for run in runs(options) if run[0] not in TOO_LONG.get(data, ())]
        if not wanted:
            continue
        rows = pd.DataFrame([figures(data, model, seed, options) for model, seed in wanted])
        tables[data] = rows
        print_table(data, rows, options.validation)
    if set(SINGLE) <= set(tables) and "ETS" in set(tables["airline"]["model"]):
        print_relative(tables)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    models = [*NETWORKS, *VARIANTS, *BASELINES]
    parser.add_argument("data", nargs="*", metavar="data", default=list(TASKS))
    parser.add_argument("--models", nargs="+", choices=models, metavar="model")
    parser.add_argument("--validation", action="store_true", help="score the end of the training")
    parser.add_argument("--ablation", action="store_true", help="exchange parts of the default")
    parser.add_argument("--again", action="store_true", help="run again what was run")
    options = parser.parse_args()
    if unknown := set(options.data) - set(TASKS):
        parser.error(f"no data {', '.join(unknown)}; take some of {', '.join(TASKS)}")
    options.validation |= options.ablation
    if options.models is None:
        options.models = [*VARIANTS] if options.ablation else [*NETWORKS, *BASELINES]
    return options


def runs(options: argparse.Namespace) -> list[tuple[str, int]]:
    """Models with each of their seeds."""
    return [(m, seed) for m in options.models for seed in (SEEDS if m in NETWORKS else SEEDS[:1])]


def figures(data: str, model: str, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """Scores of one run, from the table of those made or made now."""
    key = {"data": data, "model": model, "seed": seed, "validation": options.validation}
    done = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=[*key, *SCORES])
    same = np.logical_and.reduce([done[name] == value for name, value in key.items()])
    if same.any() and not options.again:
        return done[same].iloc[-1].to_dict()
    run = in_new_process(run_task, **key)
    new = pd.DataFrame([key | {score: run.get(score, np.nan) for score in SCORES}])
    RESULTS.parent.mkdir(exist_ok=True)
    done = done[~same]
    pd.concat([done, new] if len(done) else [new]).to_csv(RESULTS, index=False)
    return new.iloc[0].to_dict()


def print_table(data: str, rows: pd.DataFrame, validation: bool) -> None:
    """Print the scores that this data has, and those that others published."""
    scores = [score for score in SCORES if rows[score].notna().any()]
    print(f"\n## {data}{', validation' if validation else ''}\n")
    print_head("model", *(SCORES[score] for score in scores))
    for model, of_model in rows.groupby("model", sort=False):
        print_row(model, *(summary(of_model[score]) for score in scores))
    for model, published in TASKS[data].published.items() if not validation else ():
        print_row(f"{model} (published)", *(published.get(score, "") for score in scores))


def print_relative(tables: dict[str, pd.DataFrame]) -> None:
    """Print the mean MASE of each model relative to ETS: geometric mean over single series."""
    means = pd.DataFrame({n: tables[n].groupby("model", sort=False)["mase"].mean() for n in SINGLE})
    relative = means / means.loc["ETS"]
    print("\n## MASE relative to ETS\n")
    print_head("model", *SINGLE, "geometric mean")
    for model, row in relative.iterrows():
        print_row(model, *(f"{v:.3f}" for v in row), f"{np.exp(np.log(row).mean()):.3f}")


def summary(values: pd.Series) -> str:
    """Mean and, of several, the range."""
    digits = 3 if values.mean() < 100 else 0
    mean = f"{values.mean():.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({values.min():.{digits}f} to {values.max():.{digits}f})"


if __name__ == "__main__":
    main()
