"""Running a trained network: one compiled function per spec, a few batch sizes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.nn.network import build, input_names
from tsrnn.nn.spec import NetworkSpec

# Batches are padded to these sizes, so that another number of rows needs no new graph.
_BATCH_SIZES = (1, 16, 128, 1024)
_MOST_CACHED = 32


def predict(
    inputs: dict[str, np.ndarray], spec: NetworkSpec, weights: list[np.ndarray]
) -> np.ndarray:
    """Run a network on any number of windows.

    Parameters
    ----------
    inputs : dict of ndarray of shape (n_windows, ...)
    spec : NetworkSpec
    weights : list of ndarray

    Returns
    -------
    outputs : ndarray of shape (n_windows, horizon, n_targets), float64
        In scaled units; for seq2seq those of the last step.
    """
    runner = _runner(spec)
    with runner.lock:
        runner.model.set_weights(weights)
        n = len(next(iter(inputs.values())))
        parts = [
            runner(_slice(inputs, i, _BATCH_SIZES[-1])) for i in range(0, n, _BATCH_SIZES[-1])
        ]
    return np.concatenate(parts).astype(np.float64)


def build_model(spec: NetworkSpec, weights: list[np.ndarray]) -> keras.Model:
    """Build a new Keras model with these weights, for summaries, export or surgery."""
    model = build(spec)
    model.set_weights(weights)
    return model


def _slice(inputs: dict[str, np.ndarray], first: int, rows: int) -> dict[str, np.ndarray]:
    return {name: values[first : first + rows] for name, values in inputs.items()}


class _Runner:
    """A network and its compiled forward pass."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.lock = threading.Lock()
        self.model = build(spec)
        self.names = input_names(self.model)
        seq2seq = spec.architecture == "seq2seq" and spec.network is None

        @tf.function(reduce_retracing=False, jit_compile=False)
        def forward(inputs: dict[str, Any]) -> Any:
            out = self.model(inputs, training=False)
            return out[:, -1] if seq2seq else out

        self.forward = forward

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        wanted = {name: values for name, values in inputs.items() if name in self.names}
        n = len(next(iter(wanted.values())))
        size = next(size for size in _BATCH_SIZES if size >= n)
        padded = {name: tf.constant(_pad(values, size)) for name, values in wanted.items()}
        return self.forward(padded).numpy()[:n]


def _pad(values: np.ndarray, size: int) -> np.ndarray:
    lacking = size - len(values)
    return values if not lacking else np.concatenate([values, np.repeat(values[:1], lacking, 0)])


_runners: OrderedDict[NetworkSpec, _Runner] = OrderedDict()
_runners_lock = threading.Lock()


def _runner(spec: NetworkSpec) -> _Runner:
    with _runners_lock:
        if spec not in _runners:
            _runners[spec] = _Runner(spec)
            if len(_runners) > _MOST_CACHED:
                _runners.popitem(last=False)
        _runners.move_to_end(spec)
        return _runners[spec]
