"""How well intervals are calibrated, and how sharp, on panels of the M competitions.

Run: python benchmarks/intervals.py [data ...] [--models SeasonalNaive ...] [--seeds 3]

Data: m4_hourly, m3_monthly. Prints a markdown table of each: the share of the test rows inside
intervals of 80% and of 95%, MSIS of the latter (the mean over series, as M4 scores it), and the
weighted quantile loss of nine deciles, all series pooled. Intervals come from a distribution that
the network forecasts, from a ConformalForecaster around a model, or of ETS its own, from paths
that statsmodels simulates; those of networks are means over the seeds.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from accuracy_tasks import read_panel
from speed_measure import print_head, print_row

import tsrnn
from tsrnn.metrics import interval_coverage, weighted_quantile_loss

# Table, horizon, season that MSIS is scaled by, seasons of the models.
PANELS = {"m4_hourly": (48, 24, [24, 168]), "m3_monthly": (18, 12, 12)}
MODELS = ("SeasonalNaive", "Theta", "ETS", "LSTMForecaster")
DISTRIBUTIONS = ("quantiles", "gaussian", "student_t")
METHODS = ("split", "adaptive")
DECILES = np.arange(1, 10) / 10
N_PATHS = 2000
PUBLISHED = {"m4_hourly": ("ES-RNN, published in M4", 7.928)}


def main() -> None:
    """Print a table of each panel."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="*", metavar="data", default=list(PANELS))
    parser.add_argument("--models", nargs="+", metavar="model", default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3, help="fits of each network")
    options = parser.parse_args()
    if unknown := set(options.data) - set(PANELS):
        parser.error(f"no data {', '.join(unknown)}; take some of {', '.join(PANELS)}")
    for data in options.data:
        print(f"\n## {data}\n")
        print_head(
            "forecaster", "intervals", "inside 80%", "inside 95%", "MSIS (95%)", "wQL", "seconds"
        )
        for model in options.models:
            if model == "ETS":
                print_simulated(data)
            else:
                print_conformal(data, model, options.seeds)
            for distribution in DISTRIBUTIONS if model == "LSTMForecaster" else ():
                print_distribution(data, model, distribution, options.seeds)
        if data in PUBLISHED:
            name, score = PUBLISHED[data]
            print_row(name, "", "", "", score, "", "")


def print_conformal(data: str, model: str, n_seeds: int) -> None:
    """Fit and calibrate a model, and print its scores by both methods."""
    horizon, season, seasons = PANELS[data]
    # Steps are counted, not dated: each series is then calibrated up to its own end.
    train, truth = read_panel(data, horizon, None, validation=False)
    networks = [{"random_state": seed, "season_length": seasons} for seed in range(n_seeds)]
    found: dict[str, list[list[float]]] = {method: [] for method in METHODS}
    for params in networks if model == "LSTMForecaster" else [{"season_length": season}]:
        forecaster = getattr(tsrnn, model)(horizon=horizon, **params)
        start = time.perf_counter()
        conformal = tsrnn.ConformalForecaster(
            forecaster, 0.95, method="adaptive", season_length=season
        ).fit(train)
        seconds = time.perf_counter() - start
        for method in METHODS:  # which read the same errors, those of the cutoffs for "adaptive"
            conformal.set_params(method=method)
            found[method].append([*scores(conformal, train, truth, season), seconds])
    for method in METHODS:
        print_row(model, f"conformal, {method}", *np.mean(found[method], axis=0))


def print_distribution(data: str, model: str, distribution: str, n_seeds: int) -> None:
    """Fit a network that forecasts a distribution, and print its scores."""
    horizon, season, seasons = PANELS[data]
    train, truth = read_panel(data, horizon, None, validation=False)
    found = []
    for seed in range(n_seeds):
        start = time.perf_counter()
        forecaster = getattr(tsrnn, model)(
            horizon=horizon, season_length=seasons, distribution=distribution, random_state=seed
        ).fit(train)
        seconds = time.perf_counter() - start
        found.append([*scores(forecaster, train, truth, season), seconds])
    print_row(model, f"distribution {distribution!r}", *np.mean(found, axis=0))


def print_simulated(data: str) -> None:
    """Fit ETS, and print the scores of what statsmodels simulates with it."""
    horizon, season, _ = PANELS[data]
    train, truth = read_panel(data, horizon, None, validation=False)
    start = time.perf_counter()
    paths = SimulatedPaths(tsrnn.ETS(horizon, season_length=season, n_jobs=-1).fit(train))
    seconds = time.perf_counter() - start
    print_row("ETS", "simulated by statsmodels", *scores(paths, train, truth, season), seconds)


class SimulatedPaths:
    """Intervals and quantiles of paths that statsmodels simulates from the end of each series."""

    def __init__(self, ets: tsrnn.ETS) -> None:
        frame = ets.predict()
        paths = np.empty((len(frame), N_PATHS))
        for label, (fitted,) in ets.models_.items():
            own = frame.index.get_level_values(0) == label
            if fitted.fallback:  # a constant series
                paths[own] = frame[own].to_numpy()
                continue
            simulated = ets.results(label).simulate(
                ets.horizon, anchor="end", repetitions=N_PATHS, rng=np.random.default_rng(0)
            )
            paths[own] = np.reshape(simulated, (ets.horizon, N_PATHS)) * fitted.scale
        self.paths = pd.DataFrame(paths, frame.index)

    def predict_interval(self, coverage: float) -> pd.DataFrame:
        """Central intervals, under the name of the target."""
        bounds = self.paths.quantile([(1 - coverage) / 2, (1 + coverage) / 2], axis=1).T
        return pd.concat({"y": bounds.set_axis(["lower", "upper"], axis=1)}, axis=1)

    def predict_quantiles(self, quantiles: np.ndarray) -> pd.DataFrame:
        """Quantiles, under the name of the target."""
        return pd.concat({"y": self.paths.quantile(quantiles, axis=1).T}, axis=1)


def scores(forecaster: Any, train: pd.DataFrame, truth: pd.Series, season: int) -> list[float]:
    """Coverage of 80% and 95%, MSIS and wQL."""
    narrow, wide = (forecaster.predict_interval(coverage=share)["y"] for share in (0.8, 0.95))
    truth = truth.loc[wide.index]
    inside = [interval_coverage(truth, each["lower"], each["upper"]) for each in (narrow, wide)]
    quantiles = forecaster.predict_quantiles(quantiles=DECILES)["y"]
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
