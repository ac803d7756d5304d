"""Running a trained network: one function per spec, for any number of windows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.nn.layers import has_gpu
from tsrnn.nn.network import build, input_names
from tsrnn.nn.parallel import n_lanes
from tsrnn.nn.spec import NetworkSpec

_MOST_CACHED = 32
# Windows that are run at once on a core. What is not compiled takes longer to start each step.
_COMPILED_BLOCK, _BLOCK = 32, 64


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
    outputs : ndarray of shape (n_windows, horizon, n_outputs), float64
        In scaled units; for seq2seq those of the last step.
    """
    runner = _runner(spec)
    with runner.lock:
        runner.model.set_weights(weights)
        return runner(inputs).astype(np.float64)


def build_model(spec: NetworkSpec, weights: list[np.ndarray]) -> keras.Model:
    """Build a new Keras model with these weights, for summaries, export or surgery."""
    model = build(replace(spec, compiled=False))
    model.set_weights(weights)
    return model


class _Runner:
    """A network and its forward pass, traced once for any number of windows."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.lock = threading.Lock()
        self.block = _COMPILED_BLOCK if spec.compiled else _BLOCK
        self.model = build(spec)
        self.names = input_names(self.model)
        shapes = {i.name: tf.TensorSpec(i.shape, i.dtype, i.name) for i in self.model.inputs}
        self._of_block = tf.function(self._forward, jit_compile=spec.compiled, autograph=False)
        whole = spec.network is not None or has_gpu()
        forward = self._forward if whole else self._in_blocks
        function = tf.function(forward, input_signature=[shapes], autograph=False)
        # Called directly, a function traced in each of many specs makes TensorFlow warn.
        self.forward = function.get_concrete_function()

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return self.forward({name: tf.constant(inputs[name]) for name in self.names}).numpy()

    def _forward(self, inputs: dict[str, Any]) -> Any:
        outputs = self.model(inputs, training=False)
        every_step = self.spec.architecture == "seq2seq" and self.spec.network is None
        return outputs[:, -1] if every_step else outputs

    def _in_blocks(self, inputs: dict[str, Any]) -> Any:
        """Run blocks of one size, so that each window is answered the same in any company.

        XLA compiles once for all of them; each core has its share.
        """
        n = tf.shape(next(iter(inputs.values())))[0]
        blocks = {name: _in_equal_blocks(v, n, self.block) for name, v in inputs.items()}
        share = -(-n // (self.block * n_lanes()))
        outputs = [
            self._map({name: b[lane * share : (lane + 1) * share] for name, b in blocks.items()})
            for lane in range(n_lanes())
        ]
        return tf.reshape(tf.concat(outputs, 0), (-1, self.spec.horizon, self.spec.n_outputs))[:n]

    def _map(self, blocks: dict[str, Any]) -> Any:
        """Run one block after the other; loops that do not wait for each other run at once."""
        return tf.map_fn(
            self._of_block,
            blocks,
            fn_output_signature=tf.TensorSpec(
                (self.block, self.spec.horizon, self.spec.n_outputs), tf.float32
            ),
        )


def _in_equal_blocks(values: Any, n: Any, size: int) -> Any:
    """Cut into (n_blocks, size, ...), the last block filled up with zeros."""
    filling = [[0, -n % size]] + [[0, 0]] * (len(values.shape) - 1)
    return tf.reshape(tf.pad(values, filling), (-1, size, *values.shape[1:]))


_runners: OrderedDict[Any, _Runner] = OrderedDict()
_runners_lock = threading.Lock()


def _runner(spec: NetworkSpec) -> _Runner:
    if spec.network is None:  # a forecast drops nothing
        spec = replace(spec, dropout=0.0, recurrent_dropout=0.0)
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
