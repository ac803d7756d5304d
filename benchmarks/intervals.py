"""How well conformal intervals are calibrated, and how sharp, on panels of the M competitions.

Run: python benchmarks/intervals.py [data ...] [--models SeasonalNaive ...]

Data: m4_hourly, m3_monthly. Prints a markdown table of each: the share of the test rows inside
intervals of 80% and of 95%, MSIS of the latter (the mean over series, as M4 scores it), and the
weighted quantile loss of nine deciles, all series pooled.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from accuracy_tasks import read_panel
from speed_measure import print_head, print_row

import tsrnn
from tsrnn.metrics import interval_coverage, weighted_quantile_loss

# Table, horizon, season that MSIS is scaled by, seasons of the models.
PANELS = {"m4_hourly": (48, 24, [24, 168]), "m3_monthly": (18, 12, 12)}
MODELS = {
    "m4_hourly": ("SeasonalNaive", "LSTMForecaster"),
    "m3_monthly": ("SeasonalNaive", "Theta", "LSTMForecaster"),
}
METHODS = ("split", "adaptive")
DECILES = np.arange(1, 10) / 10
PUBLISHED = {"m4_hourly": ("ES-RNN, published in M4", 7.928)}


def main() -> None:
    """Print a table of each panel."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="*", metavar="data", default=list(PANELS))
    parser.add_argument("--models", nargs="+", metavar="model")
    options = parser.parse_args()
    if unknown := set(options.data) - set(PANELS):
        parser.error(f"no data {', '.join(unknown)}; take some of {', '.join(PANELS)}")
    for data in options.data:
        print(f"\n## {data}\n")
        print_head(
            "forecaster", "method", "inside 80%", "inside 95%", "MSIS (95%)", "wQL", "seconds"
        )
        for model in MODELS[data]:
            if options.models is None or model in options.models:
                print_model(data, model)
        if data in PUBLISHED:
            name, score = PUBLISHED[data]
            print_row(name, "", "", "", score, "", "")


def print_model(data: str, model: str) -> None:
    """Fit and calibrate a model, and print its scores by both methods."""
    horizon, season, seasons = PANELS[data]
    # Steps are counted, not dated: each series is then calibrated up to its own end.
    train, truth = read_panel(data, horizon, None, validation=False)
    if model == "SeasonalNaive":
        seasons = season
    chance = {"random_state": 0} if model == "LSTMForecaster" else {}
    forecaster = getattr(tsrnn, model)(horizon=horizon, season_length=seasons, **chance)
    start = time.perf_counter()
    conformal = tsrnn.ConformalForecaster(forecaster, 0.95, method="adaptive", season_length=season)
    conformal.fit(train)
    seconds = time.perf_counter() - start
    for method in METHODS:  # which read the same errors, those of the cutoffs for "adaptive"
        conformal.set_params(method=method)
        print_row(model, method, *scores(conformal, train, truth, season), seconds)


def scores(
    conformal: tsrnn.ConformalForecaster, train: pd.DataFrame, truth: pd.Series, season: int
) -> list[float]:
    """Coverage of 80% and 95%, MSIS and wQL."""
    narrow, wide = (conformal.predict_interval(coverage=share)["y"] for share in (0.8, 0.95))
    truth = truth.loc[wide.index]
    inside = [interval_coverage(truth, each["lower"], each["upper"]) for each in (narrow, wide)]
    quantiles = conformal.predict_quantiles(quantiles=DECILES)["y"]
    msis = mean_msis(truth, wide, train["y"], season)
    return [*inside, msis, weighted_quantile_loss(truth, quantiles)]


def mean_msis(truth: pd.Series, interval: pd.DataFrame, train: pd.Series, season: int) -> float:
    """Mean of `tsrnn.metrics.msis` over series, those without a scale left out."""
    by_series = {}
    history = dict(list(train.groupby(level=0)))
    for label, bounds in interval.groupby(level=0):
        by_series[label] = tsrnn.metrics.msis(
            truth.loc[bounds.index],
            bounds["lower"],
            bounds["upper"],
            coverage=0.95,
            y_train=history[label].to_numpy(),
            season_length=season,
        )
    return float(pd.Series(by_series).replace(np.inf, np.nan).mean())


if __name__ == "__main__":
    main()
