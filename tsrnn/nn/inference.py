"""Running a trained network: one compiled function per spec, for any number of windows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.nn.network import build, input_names
from tsrnn.nn.spec import NetworkSpec

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
        return runner(inputs).astype(np.float64)


def build_model(spec: NetworkSpec, weights: list[np.ndarray]) -> keras.Model:
    """Build a new Keras model with these weights, for summaries, export or surgery."""
    model = build(spec)
    model.set_weights(weights)
    return model


class _Runner:
    """A network and its forward pass, compiled once for any number of windows."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.lock = threading.Lock()
        self.model = build(spec)
        self.names = input_names(self.model)
        model, every_step = self.model, spec.architecture == "seq2seq" and spec.network is None
        shapes = {i.name: tf.TensorSpec(i.shape, i.dtype, i.name) for i in model.inputs}

        @tf.function(input_signature=[shapes], jit_compile=False)
        def forward(inputs: dict[str, Any]) -> Any:
            outputs = model(inputs, training=False)
            return outputs[:, -1] if every_step else outputs

        # Called directly, a function traced in each of many specs makes TensorFlow warn.
        self.forward = forward.get_concrete_function()

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return self.forward({name: tf.constant(inputs[name]) for name in self.names}).numpy()


_runners: OrderedDict[Any, _Runner] = OrderedDict()
_runners_lock = threading.Lock()


def _runner(spec: NetworkSpec) -> _Runner:
    # The runner keeps the builder alive, so that no other one gets its id.
    key = replace(spec, network=None), id(spec.network)
    with _runners_lock:
        if key not in _runners:
            _runners[key] = _Runner(spec)
            if len(_runners) > _MOST_CACHED:
                _runners.popitem(last=False)
        _runners.move_to_end(key)
        return _runners[key]


def forget(network: Any) -> None:
    """Build the networks of a user's builder anew: it may build others than before."""
    with _runners_lock:
        for key in [key for key in _runners if key[1] == id(network)]:
            del _runners[key]
