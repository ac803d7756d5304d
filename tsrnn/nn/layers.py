"""Keras layers that Keras lacks: positions of a horizon, and a cell fed its own output."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


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
