"""Training of many kinds of networks, with TensorFlow's threads as they come and with one.

A setting that makes one kind faster may slow the others: what changes how networks run is to be
looked at here. Everything is compiled, as in long trainings.
"""

from __future__ import annotations

import os
import statistics
from argparse import Namespace
from typing import Any

import numpy as np
import pandas as pd
from speed_measure import in_new_process, print_head, print_row, seconds

HORIZON, BATCHES, COVARIATES = 24, 16, 8
SIZES = ((64, 64, 48), (128, 128, 96))
KINDS: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "GRU": {"cell": "gru"},
    "SimpleRNN": {"cell": "simple_rnn"},
    "LSTM, two layers": {"n_layers": 2},
    "GRU, two layers": {"cell": "gru", "n_layers": 2},
    "LSTM, three, residual, normalised": {"n_layers": 3, "residual": True, "layer_norm": True},
    "LSTM, bidirectional": {"bidirectional": True},
    "LSTM, seq2seq": {"architecture": "seq2seq"},
    "LSTM, encoder and parallel decoder": {"architecture": "encoder_decoder"},
    "LSTM, encoder and autoregressive decoder": {
        "architecture": "encoder_decoder",
        "decoder": "autoregressive",
    },
    "LSTM, vec2seq": {"architecture": "vec2seq"},
    "LSTM, quantiles": {"distribution": "quantiles"},
    "LSTM, 8 covariates": {"target": "y"},
    "LSTM, dropout": {"dropout": 0.2},
}


def kinds(options: Namespace) -> None:
    """Print milliseconds a batch of each kind."""
    print("All fits of one setting, then those of the other: not by turns.\n")
    for units, batch, context in SIZES[:1] if options.quick else SIZES:
        print(f"{units} units, {batch} windows of {context} steps, milliseconds a batch:\n")
        sizes = {"units": units, "batch": batch, "context": context, "repeats": options.repeats}
        as_they_come, one = (in_new_process(times, **sizes, threads=n) for n in ("", "1"))
        print_head("network", "a thread for each core", "one thread")
        for kind in KINDS:
            print_row(kind, as_they_come[kind], one[kind])
        print()


def times(units: int, batch: int, context: int, repeats: int, threads: str) -> dict[str, float]:
    """Milliseconds a batch of each kind; `threads` is said to TensorFlow unless it is empty."""
    if threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = threads
    from tsrnn import RNNForecaster, planning

    planning.pays_to_compile = lambda *plan: True
    n_rows = BATCHES * batch + context + HORIZON - 1
    values = np.random.default_rng(0).standard_normal((n_rows, 1 + COVARIATES))
    table = pd.DataFrame(values, columns=["y", *(f"x{i}" for i in range(COVARIATES))])
    figures = {}
    for kind, change in KINDS.items():
        data = table if "target" in change else table["y"].to_numpy()
        settings = {"units": units, "context_length": context, "batch_size": batch, **change}
        forecaster = RNNForecaster(
            horizon=HORIZON, segment_length=1, max_epochs=1, random_state=0, **settings
        )
        forecaster.fit(data)  # compiles
        fits = [seconds(lambda one=forecaster, X=data: one.fit(X)) for _ in range(repeats)]
        figures[kind] = 1000 * statistics.median(fits) / BATCHES
    return figures
