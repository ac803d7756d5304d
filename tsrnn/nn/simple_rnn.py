"""The recurrent layer without gates over time, and its gradient; see `tsrnn.nn.recurrence`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tsrnn.nn.recurrence import differentiable, project, scan, states_before, weight_gradients


@tf.function(jit_compile=True, autograph=False)
def _forward(
    x: Any, states: Any, kernel: Any, recurrent: Any, bias: Any, mask: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    def step(t: Any, carried: Any, slots: Any) -> Any:
        (h,) = carried
        new_h = tf.tanh(slots[0] + tf.matmul(h, recurrent))
        if mask is not None:
            new_h = mask[t] * new_h + (1.0 - mask[t]) * h
        return (new_h,), (new_h,)

    last, (hs,) = scan(step, tuple(states), [project(x, kernel, bias)])
    return hs, last, ()


@tf.function(jit_compile=True, autograph=False)
def _backward(
    hs: Any,
    saved: tuple[Any, ...],
    x: Any,
    states: Any,
    kernel: Any,
    recurrent: Any,
    mask: Any,
    d_hs: Any,
    d_states: Any,
) -> tuple[Any, ...]:
    transposed = tf.transpose(recurrent)

    def step(t: Any, carried: Any, slots: Any) -> Any:
        (d_h,) = carried
        d_h = d_h if d_hs is None else d_h + d_hs[t]
        d_z = d_h * (1.0 - hs[t] * hs[t])
        if mask is None:
            return (tf.matmul(d_z, transposed),), (d_z,)
        d_z = mask[t] * d_z
        return (tf.matmul(d_z, transposed) + (1.0 - mask[t]) * d_h,), (d_z,)

    d_first, (d_z,) = scan(step, tuple(d_states), [tf.zeros_like(hs)], reverse=True)
    return (
        tf.tensordot(d_z, tf.transpose(kernel), 1),
        *d_first,
        *weight_gradients([x, states_before(states[0], hs)], d_z),
    )


def simple_rnn(
    x: Any,
    states: Sequence[Any],
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any = None,
    *,
    sequences: bool = True,
) -> tuple[Any, ...]:
    """Recurrent layer without gates (Elman 1990), with tanh.

    Parameters
    ----------
    x : tensor of shape (n_steps, batch, n_features)
    states : list of one tensor of shape (batch, units)
    kernel, recurrent, bias : tensors of shape (n_features, units), (units, units), (units,)
    mask, sequences
        As in `tsrnn.nn.lstm.lstm`.

    Returns
    -------
    outputs : tensor, where `sequences` asks for them
    h : tensor of shape (batch, units)
    """
    weights = kernel, recurrent, bias
    return differentiable(_forward, _backward, x, states, weights, mask, sequences)
