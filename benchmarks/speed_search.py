"""A grid search over the three cells, beside the same search in plain Keras."""

from __future__ import annotations

import time
from argparse import Namespace
from functools import partial

import numpy as np
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from speed_measure import (
    in_new_process,
    interleaved_processes,
    load_tensorflow,
    print_head,
    print_row,
)

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline

HORIZON, CONTEXT, UNITS, BATCH, N_FOLDS = 12, 24, 32, 16, 5
CELLS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}


def search(options: Namespace) -> None:
    """Print seconds of both searches, each in a process of its own."""
    epochs = 2 if options.quick else 40
    runs = {
        "tsrnn in GridSearchCV": partial(in_new_process, search_tsrnn, epochs=epochs),
        "plain Keras": partial(in_new_process, search_keras, epochs=epochs),
    }
    print(
        f"Airline passengers, 3 cells x {N_FOLDS} folds, {epochs} epochs each, in a new process.\n"
    )
    print_head("search", "seconds", "with start and imports", "skill of the best")
    for name, figures in interleaved_processes(runs, options.repeats).items():
        print_row(name, figures["seconds"], figures["process"], f"{figures['skill']:.2f}")


def search_tsrnn(epochs: int) -> dict[str, float]:
    """Search with scikit-learn."""
    load_tensorflow()
    start = time.perf_counter()
    forecaster = RNNForecaster(
        horizon=HORIZON,
        context_length=CONTEXT,
        units=UNITS,
        batch_size=BATCH,
        max_epochs=epochs,
        random_state=0,
    )
    folds = TimeSeriesSplit(N_FOLDS, test_size=HORIZON)
    grid = GridSearchCV(forecaster, {"cell": list(CELLS)}, cv=folds, refit=False)
    grid.fit(load_airline())
    return {"seconds": time.perf_counter() - start, "skill": float(grid.best_score_)}


def search_keras(epochs: int) -> dict[str, float]:
    """Search with loops, and a new model for each fold."""
    load_tensorflow()
    start = time.perf_counter()
    values = load_airline().to_numpy(np.float64)
    skills = {cell: [] for cell in CELLS}
    for cell in CELLS:
        for train, test in TimeSeriesSplit(N_FOLDS, test_size=HORIZON).split(values):
            forecast = fit_and_forecast(cell, values[train], epochs)
            error = np.abs(values[test] - forecast).mean()
            naive = np.abs(values[test] - values[train][-HORIZON:]).mean()
            skills[cell].append(1 - error / naive)
    best = max(float(np.mean(skill)) for skill in skills.values())
    return {"seconds": time.perf_counter() - start, "skill": best}


def fit_and_forecast(cell: str, train: np.ndarray, epochs: int) -> np.ndarray:
    """Forecast what follows the training values, as a user of Keras would write it."""
    import keras

    mean, deviation = train.mean(), train.std()
    scaled = ((train - mean) / deviation).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, CONTEXT + HORIZON)
    model = keras.Sequential(
        [
            keras.Input((CONTEXT, 1)),
            getattr(keras.layers, CELLS[cell])(UNITS),
            keras.layers.Dense(HORIZON),
        ]
    )
    model.compile(optimizer="adam", loss="mae")
    context, target = windows[:, :CONTEXT, None], windows[:, CONTEXT:]
    model.fit(context, target, batch_size=BATCH, epochs=epochs, verbose=0)
    return model.predict(scaled[None, -CONTEXT:, None], verbose=0)[0] * deviation + mean
