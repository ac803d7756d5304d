"""How accurate the default forecasters are on the panels of the M competitions.

Run: python benchmarks/accuracy.py [panel ...] [--models LSTM ...] [--validation]

Panels, all without an argument: m3_yearly, m3_quarterly, m3_monthly, m3_other, m4_hourly. Prints
a markdown table of each; a figure of a recurrent network is the mean and range of three seeds.
Runs are kept in benchmarks/results/accuracy.csv, one row each, and not run again; --again does.
With --validation the last horizon of the training rows is forecast: what choices are made on.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from speed_measure import in_new_process, peak_mb, print_head, print_row

import tsrnn
from tsrnn.panel import from_long

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA = Path(os.environ.get("TSRNN_BENCH_DATA", BESIDE)).resolve()
RESULTS = Path(__file__).resolve().parent / "results" / "accuracy.csv"
# Horizon, season of the scores, step of time; the season a model uses it finds itself.
PANELS = {
    "m3_yearly": (6, 1, "YS"),
    "m3_quarterly": (8, 4, "QS"),
    "m3_monthly": (18, 12, "MS"),
    "m3_other": (8, 1, None),
    "m4_hourly": (48, 24, "h"),
}
NETWORKS = {"LSTM": {}, "GRU": {}, "SimpleRNN": {}, "LSTM x 5": {"n_members": 5}}
BASELINES = ("SeasonalNaive", "Theta", "ETS")
SEEDS = (0, 1, 2)
SCORES = ("smape", "mase", "seconds", "peak_mb")


def main() -> None:
    """Run what has not been run, and print a table of each panel."""
    options = parse()
    for panel in options.panels:
        rows = [figures(panel, model, seed, options) for model, seed in runs(options.models)]
        print(f"\n## {panel}{', validation' if options.validation else ''}\n")
        print_head("model", "sMAPE", "MASE", "fit and predict, seconds", "peak MB")
        for model, of_model in pd.DataFrame(rows).groupby("model", sort=False):
            print_row(model, *(summary(of_model[score]) for score in SCORES))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("panels", nargs="*", metavar="panel", default=list(PANELS))
    parser.add_argument("--models", nargs="+", choices=[*NETWORKS, *BASELINES], metavar="model")
    parser.add_argument("--validation", action="store_true", help="score the end of the training")
    parser.add_argument("--again", action="store_true", help="run again what was run")
    options = parser.parse_args()
    if unknown := set(options.panels) - set(PANELS):
        parser.error(f"no panel {', '.join(unknown)}; take some of {', '.join(PANELS)}")
    options.models = options.models or [*NETWORKS, *BASELINES]
    return options


def runs(models: list[str]) -> list[tuple[str, int]]:
    """Models with each of their seeds."""
    return [(m, seed) for m in models for seed in (SEEDS if m in NETWORKS else SEEDS[:1])]


def figures(panel: str, model: str, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """Scores of one run, from the table of those made or made now."""
    key = {"panel": panel, "model": model, "seed": seed, "validation": options.validation}
    done = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=[*key, *SCORES])
    same = np.logical_and.reduce([done[name] == value for name, value in key.items()])
    if same.any() and not options.again:
        return done[same].iloc[-1].to_dict()
    table = str(DATA / f"{panel}.csv.gz")
    run = in_new_process(run_model, table=table, **key)
    new = pd.DataFrame([key | {score: run[score] for score in SCORES}])
    RESULTS.parent.mkdir(exist_ok=True)
    done = done[~same]
    pd.concat([done, new] if len(done) else [new]).to_csv(RESULTS, index=False)
    return new.iloc[0].to_dict()


def run_model(table: str, panel: str, model: str, seed: int, validation: bool) -> dict[str, float]:
    """Fit one model with its defaults, forecast and score."""
    horizon, season, frequency = PANELS[panel]
    train, truth = read(table, horizon, frequency, validation)
    start = time.perf_counter()
    if model in NETWORKS:
        make = getattr(tsrnn, f"{model.split()[0]}Forecaster")
        forecaster = make(horizon=horizon, random_state=seed, **NETWORKS[model])
    else:
        forecaster = getattr(tsrnn, model)(horizon=horizon)
    forecast = forecaster.fit(train).predict()["y"]
    seconds = time.perf_counter() - start
    errors = (forecast - truth.loc[forecast.index]).abs()
    if len(forecast) != len(truth) or not np.isfinite(errors).all():
        raise ValueError(f"{model} forecast other rows than {panel} tests, or no numbers")
    sizes = forecast.abs() + truth.loc[forecast.index].abs() + 1e-12
    smape = (200 * errors / sizes).groupby(level=0).mean().mean()
    naive = train["y"].groupby(level=0).diff(season).abs().groupby(level=0).mean()
    mase = (errors.groupby(level=0).mean() / naive).replace(np.inf, np.nan).mean()
    return {"smape": smape, "mase": mase, "seconds": seconds, "peak_mb": peak_mb()}


def read(
    table: str, horizon: int, frequency: str | None, validation: bool
) -> tuple[pd.DataFrame, pd.Series]:
    """Training rows and what follows them, labelled with times of the panel's step."""
    rows = pd.read_csv(table)
    if validation:
        rows = rows[rows["split"] == "train"]
        ahead = rows.groupby("series").cumcount(ascending=False)
        rows = rows.assign(split=np.where(ahead < horizon, "test", "train"))
    if frequency is not None:
        times = pd.date_range("1900", periods=int(rows["t"].max()) + 1, freq=frequency)
        rows = rows.assign(t=times[rows["t"]])
    train, test = (
        rows.loc[rows["split"] == part, ["series", "t", "y"]] for part in ("train", "test")
    )
    return from_long(train, id="series", time="t"), test.set_index(["series", "t"])["y"]


def summary(values: pd.Series) -> str:
    """Mean and, of several, the range."""
    digits = 3 if values.mean() < 100 else 0
    mean = f"{values.mean():.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({values.min():.{digits}f} to {values.max():.{digits}f})"


if __name__ == "__main__":
    main()
