"""How time and memory grow with the length of a series and the number of series."""

from __future__ import annotations

import time
from argparse import Namespace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from speed_measure import in_new_process, interleaved_processes, peak_mb, print_head, print_row

from tsrnn import LSTMForecaster

LENGTHS = (10**4, 10**5, 10**6)
COUNTS = (10**2, 10**3, 10**4, 10**5)
PANEL_LENGTH = 60
# So many that the least data are worth compiling for too.
EPOCHS = 4
# Batches as the defaults make them of a few thousand windows and more.
TRAINING = {"units": 32, "batch_size": 128, "early_stopping": False, "random_state": 0}


def scaling(options: Namespace) -> None:
    """Print medians of each size, of runs in processes of their own; compiling is not counted."""
    lengths, counts = (LENGTHS[:2], COUNTS[:2]) if options.quick else (LENGTHS, COUNTS)
    batch = TRAINING["batch_size"]
    print(f"{EPOCHS} epochs in batches of {batch}, without the time to compile.\n")
    print("One series, context 336 in segments of 24, horizon 24:\n")
    series = {f"{n:,}": partial(in_new_process, fit_series, length=n) for n in lengths}
    _print_sizes("points", interleaved_processes(series, options.repeats))
    print(f"\nSeries of {PANEL_LENGTH} points, context 24, horizon 6:\n")
    panels = {f"{n:,}": partial(in_new_process, fit_panel, n_series=n) for n in counts}
    _print_sizes("series", interleaved_processes(panels, options.repeats))


def _print_sizes(what: str, figures: dict[str, dict[str, float]]) -> None:
    print_head(
        what,
        "seconds of an epoch",
        "µs per time step",
        "predict seconds",
        "µs per series",
        "peak MB above the smallest",
    )
    smallest = next(iter(figures.values()))["peak_mb"]
    for size, figure in figures.items():
        epoch, predict = figure["fit"] / EPOCHS, figure["predict"]
        per_step = 1e6 * epoch / figure["n_steps"]
        per_series = 1e6 * predict / figure["n_series"]
        above = f"{figure['peak_mb'] - smallest:.0f}"
        print_row(size, epoch, per_step, predict, per_series, above)


def fit_series(length: int) -> dict[str, float]:
    """Fit and predict one series."""
    forecaster = LSTMForecaster(
        horizon=24, context_length=336, segment_length=24, reference="last", **TRAINING
    )
    values = _walk(length)
    return _fit(forecaster, values, values[:1100]) | {"n_steps": length, "n_series": 1}


def fit_panel(n_series: int) -> dict[str, float]:
    """Fit and predict a panel."""
    forecaster = LSTMForecaster(horizon=6, context_length=24, reference="last", **TRAINING)
    index = pd.MultiIndex.from_product(
        [range(n_series), range(PANEL_LENGTH)], names=["series", "time"]
    )
    panel = pd.DataFrame({"y": _walk(len(index))}, index)
    few = panel.iloc[: 20 * PANEL_LENGTH]
    return _fit(forecaster, panel, few) | {"n_steps": len(panel), "n_series": n_series}


def _fit(forecaster: LSTMForecaster, data: Any, few: Any) -> dict[str, float]:
    # Batches of this size are compiled here, as a long training of few windows.
    forecaster.set_params(max_epochs=20 * EPOCHS).fit(few).predict()
    forecaster.set_params(max_epochs=EPOCHS)
    start = time.perf_counter()
    forecaster.fit(data)
    fitted = time.perf_counter()
    forecaster.predict()
    done = time.perf_counter()
    assert forecaster.spec_.compiled
    return {"fit": fitted - start, "predict": done - fitted, "peak_mb": peak_mb()}


def _walk(length: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=length).cumsum()
