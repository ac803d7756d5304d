"""M4 Hourly end to end, beside neuralforecast: time, memory and accuracy.

Both see the same number of windows. A step of neuralforecast's LSTM takes the windows of
``batch_size`` series and samples ``windows_batch_size`` of them, 128 by default (``training_step``
in ``neuralforecast/common/_base_model.py``): however many series a batch has, it learns from 128
windows. tsrnn's passes are cut to batches of 128 too, and neuralforecast makes as many steps.

Memory at the peak is what the process has in memory, the pages of its libraries among it, which
the system shares and drops as it likes; private memory is without these. Of libraries that were
just installed Linux may count more than of the same read from the disk: of TensorFlow 40 MB. The
peak is that of fit and predict; private memory is watched until the forecasts are written too.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from functools import partial
from pathlib import Path

import pandas as pd
from speed_measure import (
    in_new_process,
    interleaved_processes,
    load_tensorflow,
    peak_mb,
    print_head,
    print_row,
)

HORIZON, SEASON, BATCH = 48, 24, 128


def panel(options: Namespace) -> None:
    """Print seconds, peak memory and errors of both."""
    table = options.data / "m4_hourly.csv.gz"
    if not table.exists():
        print(f"Left out: no {table}; name the folder that holds it with --data.")
        return
    # One pass over every twelfth window is some 200 steps: a run of neuralforecast lasts minutes.
    passes = {"stride": 48 if options.quick else 12, "epochs": 1}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: str(Path(folder, f"{name}.csv")) for name in ("tsrnn", "neuralforecast")}
        common = {"table": str(table)}
        ours = partial(in_new_process, run_tsrnn, **common, **passes, forecasts=files["tsrnn"])
        n_steps = int(ours()["steps"])
        theirs = partial(
            in_new_process,
            run_neuralforecast,
            **common,
            n_steps=n_steps,
            forecasts=files["neuralforecast"],
        )
        figures = interleaved_processes({"tsrnn": ours, "neuralforecast": theirs}, options.repeats)
        errors = {name: _errors(table, file) for name, file in files.items()}
    print(f"M4 Hourly, {n_steps:,} steps of {BATCH} windows each, fit and predict.\n")
    memory = "peak MB", "peak of private MB"
    print_head("LSTM of", "seconds", "with start and imports", *memory, "errors")
    for name, figure in figures.items():
        columns = (figure[key] for key in ("seconds", "process", "peak_mb", "private_mb"))
        print_row(name, *columns, errors[name])


def run_tsrnn(table: str, stride: int, epochs: int, forecasts: str) -> dict[str, float]:
    """Fit and predict with tsrnn; its defaults, but for the season of a week."""
    from tsrnn import LSTMForecaster
    from tsrnn.panel import from_long

    load_tensorflow()
    train = _training_rows(table)
    start = time.perf_counter()
    forecaster = LSTMForecaster(
        horizon=HORIZON,
        season_length=7 * SEASON,
        stride=stride,
        batch_size=BATCH,
        max_epochs=epochs,
        early_stopping=False,
        random_state=0,
    ).fit(from_long(train, id="series", time="t"))
    answer = forecaster.predict()
    figures = {"seconds": time.perf_counter() - start, "peak_mb": peak_mb()}
    answer.rename(columns={"y": "y_pred"}).rename_axis(["series", "t"]).to_csv(forecasts)
    return figures | {"steps": epochs * -(-forecaster.n_windows_ // BATCH)}


def run_neuralforecast(table: str, n_steps: int, forecasts: str) -> dict[str, float]:
    """Fit and predict with neuralforecast; its defaults, but for the number of steps."""
    import torch
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    torch.set_flush_denormal(True)  # as TensorFlow does
    names = {"series": "unique_id", "t": "ds"}
    train = _training_rows(table).rename(columns=names)
    start = time.perf_counter()
    silent = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    network = LSTM(h=HORIZON, max_steps=n_steps, windows_batch_size=BATCH, **silent)
    forecaster = NeuralForecast(models=[network], freq=1)
    forecaster.fit(train)
    answer = forecaster.predict()
    figures = {"seconds": time.perf_counter() - start, "peak_mb": peak_mb()}
    back = {new: old for old, new in names.items()} | {"LSTM": "y_pred"}
    answer.rename(columns=back).to_csv(forecasts, index=False)
    return figures


def _training_rows(table: str) -> pd.DataFrame:
    rows = pd.read_csv(table)
    return rows.loc[rows["split"] == "train", ["series", "t", "y"]]


def _errors(table: Path, forecasts: str) -> str:
    """Score with the script that comes with the data."""
    command = [sys.executable, str(table.parent / "score_panel.py")]
    command += [str(table), forecasts, str(SEASON)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
