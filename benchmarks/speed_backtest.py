"""Forecasts from many cutoffs without refit: one call against one call per cutoff."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from speed_measure import interleaved, print_head, print_row, seconds

from tsrnn import LSTMForecaster, RollingOriginSplit
from tsrnn import backtest as run_backtest

HORIZON = 12


def backtest(options: Namespace) -> None:
    """Print seconds of each way, and how far its forecasts are from those of single calls."""
    n_cutoffs = 100 if options.quick else 1000
    series = _wave(1500 + n_cutoffs)
    cutoffs = np.arange(n_cutoffs) + len(series) - HORIZON - n_cutoffs
    train = series[: cutoffs[0] + 1]
    forecaster = LSTMForecaster(horizon=HORIZON, season_length=24, max_epochs=2, random_state=0)
    fitted = forecaster.fit(train)
    cv = RollingOriginSplit(n_cutoffs, horizon=HORIZON, step=1)

    def whole() -> np.ndarray:
        result = run_backtest(forecaster, series, cv=cv, refit=False, verbose=False)
        table = result.table[result.table["model"] == "LSTMForecaster"]
        return table["y_pred"].to_numpy()

    ways = {
        "one `predict` per cutoff": lambda: np.concatenate(
            [fitted.predict(series[: cutoff + 1]) for cutoff in cutoffs]
        ),
        "one `predict_at`": lambda: fitted.predict_at(series, cutoffs).to_numpy().ravel(),
        "`backtest(refit=False)`, with its one fit": whole,
    }
    forecasts = {name: way() for name, way in ways.items()}
    times = interleaved(
        {name: lambda w=way: seconds(w) for name, way in ways.items()}, options.repeats
    )
    print(f"{n_cutoffs:,} cutoffs. Differences are from single predictions, in deviations.\n")
    print_head("way", "seconds", "times faster", "largest difference")
    single = next(iter(ways))
    for name, time in times.items():
        difference = np.abs(forecasts[name] - forecasts[single]).max() / series.std()
        print_row(name, time, times[single] / time, f"{difference:.1e}")


def _wave(length: int) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.2, length)
    return 10 + np.sin(2 * np.pi * np.arange(length) / 24) + noise
