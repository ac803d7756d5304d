"""Keras layers: fast recurrent ones, positions of a horizon, and a cell fed its own output.

In a model of your own the fast layers are compiled anew for each batch size and length that they
meet, a fraction of a second each: keep them few (``drop_remainder=True``, padding to one length).
Gradients of gradients need Keras's own layers, which load the same weights. A model saved whole
loads where ``tsrnn.nn.layers`` has been imported.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tsrnn.nn.gru import gru
from tsrnn.nn.lstm import lstm
from tsrnn.nn.silence import silent_libraries
from tsrnn.nn.simple_rnn import simple_rnn


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU, where cuDNN is faster than anything here."""
    return bool(tf.config.list_physical_devices("GPU"))


@cache
def _start_compiler() -> None:
    """Compile next to nothing, silently: some releases tell of the first program they compile."""
    with silent_libraries():
        tf.function(lambda: tf.constant(0.0) + 1.0, jit_compile=True, autograph=False)()


class _Recurrent:
    """Runs the loop of a Keras layer as one compiled recurrence, where the result is the same.

    Elsewhere Keras runs its own loop: on a GPU and on other Keras backends, with dropout inside
    the layer, activations other than tanh and sigmoid, other dtypes than float32, and unrolled.
    Before the layer's own class in the bases; weights and configuration are those of Keras.
    """

    cell: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.supports_jit = not has_gpu()  # Keras denies it to layers that cuDNN might run
        if self.supports_jit:
            _start_compiler()

    def _recur(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, ...]:
        """Run time-major: outputs of all steps if the layer returns them, then the states."""
        raise NotImplementedError

    def _is_standard(self, training: bool) -> bool:
        """Whether the recurrence computes what this layer is configured to."""
        cell = self.cell
        gates = getattr(cell, "recurrent_activation", keras.activations.sigmoid)
        return (
            keras.backend.backend() == "tensorflow"
            and cell.activation is keras.activations.tanh
            and gates is keras.activations.sigmoid
            and getattr(cell, "reset_after", True)
            and not (training and (cell.dropout or cell.recurrent_dropout))
            and not (self.unroll or self.zero_output_for_mask)  # type: ignore[attr-defined]
            and cell.compute_dtype == "float32"
            and not has_gpu()
        )

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, Any]:
        """Run over time; returns the last output, all outputs and the last states, as Keras."""
        if not self._is_standard(training):
            return super().inner_loop(  # type: ignore[misc]
                sequences, initial_state, mask=mask, training=training
            )
        x = tf.transpose(sequences, (1, 0, 2))
        if mask is not None:
            mask = tf.cast(keras.tree.flatten(mask)[0], tf.bool)
            mask = tf.transpose(mask[..., 0] if mask.shape.rank == 3 else mask)
            x = tf.where(mask[..., None], x, 0.0)  # what is masked may be NaN
        if self.go_backwards:  # type: ignore[attr-defined]
            x = x[::-1]
            mask = None if mask is None else mask[::-1]
        steps = None if mask is None else tf.cast(mask, x.dtype)[..., None]
        outputs, states = self._split(self._recur(x, keras.tree.flatten(initial_state), steps))
        if steps is not None:
            # Keras answers 0 until the first step that is not masked.
            outputs = outputs * tf.minimum(tf.cumsum(steps), 1.0)
        return outputs[-1], tf.transpose(outputs, (1, 0, 2)), states

    def _split(self, results: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        """Part the outputs of all steps, or of the last alone as one step, from the states."""
        if self.return_sequences:  # type: ignore[attr-defined]
            return results[0], list(results[1:])
        return results[0][None], list(results)

    def _bias(self, *shape: int) -> Any:
        cell = self.cell
        return cell.bias.value if cell.use_bias else tf.zeros(shape)


@keras.saving.register_keras_serializable(package="tsrnn")
class LSTM(_Recurrent, keras.layers.LSTM):
    """`keras.layers.LSTM`, as one compiled recurrence on a CPU.

    Parameters, weights and results are those of ``keras.layers.LSTM``.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn.layers import LSTM
    >>> LSTM(8)(np.zeros((2, 24, 1), "float32")).shape
    TensorShape([2, 8])
    """

    def _recur(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, ...]:
        cell = self.cell
        weights = cell.kernel.value, cell.recurrent_kernel.value, self._bias(4 * cell.units)
        return lstm(x, states, *weights, mask, sequences=self.return_sequences)


@keras.saving.register_keras_serializable(package="tsrnn")
class GRU(_Recurrent, keras.layers.GRU):
    """`keras.layers.GRU`, as one compiled recurrence on a CPU.

    Parameters, weights and results are those of ``keras.layers.GRU``; with
    ``reset_after=False`` Keras runs its own loop.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn.layers import GRU
    >>> GRU(8)(np.zeros((2, 24, 1), "float32")).shape
    TensorShape([2, 8])
    """

    def _recur(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, ...]:
        cell = self.cell
        weights = cell.kernel.value, cell.recurrent_kernel.value, self._bias(2, 3 * cell.units)
        return gru(x, states, *weights, mask, sequences=self.return_sequences)


@keras.saving.register_keras_serializable(package="tsrnn")
class SimpleRNN(_Recurrent, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN`, as one compiled recurrence on a CPU.

    Parameters, weights and results are those of ``keras.layers.SimpleRNN``.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn.layers import SimpleRNN
    >>> SimpleRNN(8)(np.zeros((2, 24, 1), "float32")).shape
    TensorShape([2, 8])
    """

    def _recur(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, ...]:
        cell = self.cell
        weights = cell.kernel.value, cell.recurrent_kernel.value, self._bias(cell.units)
        return simple_rnn(x, states, *weights, mask, sequences=self.return_sequences)


@keras.saving.register_keras_serializable(package="tsrnn")
class PositionEmbedding(keras.layers.Layer):
    """A learned vector for each of `length` positions, the same for every sample.

    Called on any tensor of shape (batch, ...); returns (batch, length, dim).
    """

    def __init__(self, length: int, dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = length
        self.dim = dim

    def build(self, input_shape: Any) -> None:
        """Make the table of vectors."""
        self.embedding = self.add_weight(
            shape=(self.length, self.dim), initializer="glorot_uniform", name="embedding"
        )

    def call(self, inputs: Any) -> Any:
        """Repeat the table for each sample."""
        return ops.broadcast_to(self.embedding, (ops.shape(inputs)[0], self.length, self.dim))

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, int, int]:
        """Shape (batch, length, dim)."""
        return (input_shape[0], self.length, self.dim)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "length": self.length, "dim": self.dim}


@keras.saving.register_keras_serializable(package="tsrnn")
class FeedbackCell(keras.layers.Layer):
    """Stacked recurrent cells whose output is read again at the next step.

    For ``keras.layers.RNN``. The state is that of the cells and, last, the previous output.
    The output is a dense layer on the top cell; its zeros make an untrained decoder answer 0.

    Parameters
    ----------
    cells : list of keras cells
    output_size : int
        Values written at each step.
    """

    def __init__(self, cells: list[Any], output_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = cells
        self.output_size = output_size
        self.head = keras.layers.Dense(output_size, kernel_initializer="zeros", name="head")
        sizes = [keras.tree.flatten(cell.state_size) for cell in cells]
        self.state_size = [size for cell_sizes in sizes for size in cell_sizes] + [output_size]

    def build(self, input_shape: Any) -> None:
        """Build the cells on inputs joined with the previous output."""
        width = input_shape[-1] + self.output_size
        for cell in self.cells:
            if not cell.built:  # those of a loaded model are
                cell.build((input_shape[0], width))
            width = cell.units
        self.head.build((input_shape[0], width))

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> Any:
        """Take one step; returns the output and the new states."""
        *memory, previous = states
        x = ops.concatenate([inputs, previous], axis=-1)
        new_states: list[Any] = []
        for cell in self.cells:
            n = len(keras.tree.flatten(cell.state_size))
            own, memory = memory[:n], memory[n:]
            x, own = cell(x, own if n > 1 else own[0], training=training)
            new_states += keras.tree.flatten(own)
        output = self.head(x)
        return output, [*new_states, output]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        cells = [keras.saving.serialize_keras_object(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells, "output_size": self.output_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FeedbackCell:
        """Rebuild the cells, then the layer."""
        cells = [keras.saving.deserialize_keras_object(cell) for cell in config.pop("cells")]
        return cls(cells, **config)
