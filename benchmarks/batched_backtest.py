"""Backtest without refit: 500 cutoffs in one call against 500 single predictions.

Run: python benchmarks/batched_backtest.py
"""

import time

import numpy as np

from tsrnn import LSTMForecaster, RollingOriginSplit, backtest


def main(n_cutoffs: int = 500) -> None:
    """Print seconds of both ways, and the largest difference of their forecasts."""
    t = np.arange(2000)
    noise = np.random.default_rng(0).normal(0, 0.2, len(t))
    series = 10 + np.sin(2 * np.pi * t / 24) + noise
    first = len(series) - n_cutoffs - 11
    forecaster = LSTMForecaster(horizon=12, season_length=24, max_epochs=2, random_state=0)
    fitted = forecaster.fit(series[:first])
    cutoffs = np.arange(first, first + n_cutoffs) - 1
    fitted.predict_at(series, cutoffs[:2])

    start = time.perf_counter()
    together = fitted.predict_at(series, cutoffs).to_numpy().reshape(n_cutoffs, 12)
    batched = time.perf_counter() - start
    start = time.perf_counter()
    single = np.stack([fitted.predict(series[: cutoff + 1]) for cutoff in cutoffs])
    looped = time.perf_counter() - start
    difference = np.abs(together - single).max() / series.std()

    cv = RollingOriginSplit(n_splits=n_cutoffs, horizon=12, step=1)
    start = time.perf_counter()
    backtest(forecaster, series, cv=cv, refit=False, verbose=False)
    whole = time.perf_counter() - start
    print("| what | seconds |")
    print("|---|---|")
    print(f"| {n_cutoffs} cutoffs in one predict_at | {batched:.3f} |")
    print(f"| {n_cutoffs} calls of predict | {looped:.3f} |")
    print(f"| backtest(refit=False) with its one fit | {whole:.3f} |")
    print(f"\nratio {looped / batched:.0f}, largest difference {difference:.1e} deviations")


if __name__ == "__main__":
    main()
