"""A Keras model whose steps are compiled whole, and run a part of the batch on each core."""

from __future__ import annotations

import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Smaller parts of a batch, or more of them, cost more to hand out than they gain.
_SMALLEST_PART = 16
_MOST_PARTS = 8


def n_lanes() -> int:
    """Parts that are run at once: one for each core of the machine, 8 at most.

    It follows the cores, not the threads that a process may use, so that workers come to the
    same result as their parent, but for rounding: for other threads XLA adds up in another order.
    """
    return min(os.cpu_count() or 1, _MOST_PARTS)


@keras.saving.register_keras_serializable(package="tsrnn")
class ParallelModel(keras.Model):
    """A model that learns from a batch in parts, on all cores at once.

    Forward pass, loss and gradient of a part are one XLA program. The gradient of the batch is
    the mean over its parts; the optimizer takes one step a batch, as always. XLA compiles anew
    for another size of batch: give every batch the same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gradient_of = tf.function(self._gradient, jit_compile=True, autograph=False)
        self._loss_of = tf.function(self._loss, jit_compile=True, autograph=False)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Learn from one batch of (inputs, target, weight); returns the mean loss so far."""
        sizes = part_sizes(data[1].shape[0])
        parts = [tf.split(array, sizes) for array in keras.tree.flatten(data)]
        results = [
            self._gradient_of(*keras.tree.pack_sequence_as(data, part))
            for part in zip(*parts, strict=True)
        ]
        shares = [size / sum(sizes) for size in sizes]
        loss, *gradient = (
            _weighted_sum(shares, of_parts) for of_parts in zip(*results, strict=True)
        )
        self.optimizer.apply(gradient, self.trainable_variables)
        return self._report(loss, sum(sizes))

    def test_step(self, data: Any) -> dict[str, Any]:
        """Add one batch of (inputs, target, weight) to the mean loss."""
        return self._report(self._loss_of(*data, training=False), tf.shape(data[1])[0])

    def _gradient(self, inputs: Any, target: Any, weight: Any) -> list[Any]:
        """Loss of a part, and its gradient for each variable."""
        with tf.GradientTape() as tape:
            loss = self._loss(inputs, target, weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        variables = [variable.value for variable in self.trainable_variables]
        return [loss, *tape.gradient(scaled, variables, unconnected_gradients="zero")]

    def _loss(self, inputs: Any, target: Any, weight: Any, training: bool) -> Any:
        outputs = self(inputs, training=training)
        return self.compute_loss(inputs, target, outputs, weight, training=training)

    def _report(self, loss: Any, size: Any) -> dict[str, Any]:
        for metric in self.metrics:
            metric.update_state(loss, sample_weight=size)
        return self.get_metrics_result()


def part_sizes(batch_size: int) -> list[int]:
    """Sizes of the parts that a batch is split into, of 16 rows at least."""
    n = max(1, min(n_lanes(), batch_size // _SMALLEST_PART))
    return [len(rows) for rows in np.array_split(np.arange(batch_size), n)]


def _weighted_sum(shares: list[float], values: Any) -> Any:
    return tf.add_n([share * value for share, value in zip(shares, values, strict=True)])
