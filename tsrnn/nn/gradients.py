"""How the outputs of a network depend on what it reads, and its loss on given outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.nn.network import build, input_names
from tsrnn.nn.spec import NetworkSpec

# Windows whose gradient is taken at once.
_BLOCK = 64


def mean_gradients(
    inputs: dict[str, np.ndarray],
    spec: NetworkSpec,
    members: list[list[np.ndarray]],
    steps: Sequence[int],
) -> np.ndarray:
    """Mean absolute derivative of scaled outputs with respect to the targets in the context.

    Parameters
    ----------
    inputs : dict of ndarray of shape (n_windows, ...)
    spec : NetworkSpec
    members : list of list of ndarray
        Weights of networks; their gradients are averaged.
    steps : sequence of int
        Steps of the horizon, from 0.

    Returns
    -------
    gradients : ndarray of shape (len(steps), context_length)
        Averaged over windows, members, targets forecast and targets read; other inputs than
        the context are held as they are.
    """
    spec = replace(spec, dropout=0.0, recurrent_dropout=0.0)
    model = build(spec)
    names = input_names(model)
    gradient = _gradient_of(model, spec)
    total = np.zeros((len(steps), spec.context_length))
    for weights in members:
        model.set_weights(weights)
        for start in range(0, len(inputs["context"]), _BLOCK):
            part = {n: tf.constant(inputs[n][start : start + _BLOCK]) for n in names}
            for i, step in enumerate(steps):
                for target in range(spec.n_targets):
                    slope = gradient(part, tf.constant(step), tf.constant(target)).numpy()
                    total[i] += np.abs(slope[..., : spec.n_targets]).mean(axis=-1).sum(axis=0)
    return total / (len(members) * len(inputs["context"]) * spec.n_targets)


def _gradient_of(model: keras.Model, spec: NetworkSpec) -> Any:
    """Compile the gradient of one output of each window with respect to its context."""
    every_step = spec.architecture == "seq2seq" and spec.network is None

    def gradient(inputs: dict[str, Any], step: Any, target: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs["context"])
            outputs = model(inputs, training=False)
            outputs = outputs[:, -1] if every_step else outputs
            # Windows do not read each other: the gradient of the sum holds that of each.
            place = target * spec.n_parameters + spec.location
            chosen = tf.reduce_sum(outputs[:, step, place])
        return tape.gradient(chosen, inputs["context"], unconnected_gradients="zero")

    shapes = {i.name: tf.TensorSpec(i.shape, i.dtype, i.name) for i in model.inputs}
    whole = tf.TensorSpec((), tf.int32)
    function = tf.function(gradient, input_signature=[shapes, whole, whole], autograph=False)
    # Called directly, a function traced in each of many specs makes TensorFlow warn.
    return function.get_concrete_function()


def fresh_weights(spec: NetworkSpec, seed: int) -> list[np.ndarray]:
    """Weights of an untrained network, with the kernels that start at zero drawn too.

    Those are of the layers that write the output: with zeros there nothing read would count.
    They are drawn as Keras draws kernels; source: Glorot and Bengio (2010), Understanding the
    difficulty of training deep feedforward neural networks, AISTATS.
    """
    random = np.random.default_rng(seed)
    weights = []
    for variable in build(spec, seed).weights:
        values = np.array(variable)
        if variable.name == "kernel" and not values.any():
            limit = np.sqrt(6 / sum(values.shape))
            values = random.uniform(-limit, limit, values.shape).astype(values.dtype)
        weights.append(values)
    return weights


def losses_of(loss: Any, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Keras loss of each window, arrays of shape (n_windows, horizon, n_targets)."""
    compute = keras.losses.get(loss)
    truth, outputs = (tf.constant(a, tf.float32) for a in (y_true, y_pred))
    return np.asarray(compute(truth, outputs), np.float64).reshape(len(y_true), -1).mean(axis=1)
