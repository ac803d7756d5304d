"""The gated recurrent unit over time, and its gradient; see `tsrnn.nn.recurrence`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tsrnn.nn.recurrence import (
    blank,
    differentiable,
    parts,
    project,
    scan,
    states_before,
    weight_gradients,
)


@tf.function(jit_compile=True, autograph=False)
def _forward(
    x: Any, states: Any, kernel: Any, recurrent: Any, bias: Any, mask: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    units = states[0].shape[-1]
    half = tf.repeat(tf.constant([0.5, 0.5, 1.0]), units)
    recurrent, recurrent_bias = recurrent * half, bias[1] * half

    def step(t: Any, carried: Any, slots: Any) -> Any:
        (h,) = carried
        outer, inner = slots[0], tf.matmul(h, recurrent) + recurrent_bias
        both = slice(0, 2 * units)
        z, r = parts(tf.tanh(outer[:, both] + inner[:, both]) * 0.5 + 0.5, 2)
        inner = inner[:, 2 * units :]
        candidate = tf.tanh(outer[:, 2 * units :] + r * inner)
        new_h = z * h + (1.0 - z) * candidate
        of_candidate = (1.0 - z) * (1.0 - candidate * candidate)
        of_gates = [
            (h - candidate) * z * (1.0 - z),
            of_candidate * inner * r * (1.0 - r),
            of_candidate,
        ]
        if mask is not None:
            m = mask[t]
            new_h = m * new_h + (1.0 - m) * h
            of_gates = [m * factor for factor in of_gates]
            z = m * z + (1.0 - m)
        return (new_h,), (tf.concat(of_gates, axis=1), tf.concat([z, r], axis=1), new_h)

    buffers = [project(x, kernel * half, bias[0] * half), blank(x, 2 * units), blank(x, units)]
    last, (of_gates, zr, hs) = scan(step, tuple(states), buffers)
    return hs, last, (of_gates, zr)


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
    of_gates, zr = saved
    units = hs.shape[-1]
    transposed = tf.transpose(recurrent)

    def step(t: Any, carried: Any, slots: Any) -> Any:
        (d_h,) = carried
        z, r = parts(zr[t], 2)
        d_h = d_h if d_hs is None else d_h + d_hs[t]
        d_inner = of_gates[t] * tf.concat([d_h, d_h, d_h * r], axis=1)
        return (d_h * z + tf.matmul(d_inner, transposed),), (d_h,)

    d_first, (d_h,) = scan(step, tuple(d_states), [blank(x, units)], reverse=True)
    d_outer = of_gates * tf.concat([d_h, d_h, d_h], axis=2)
    # The reset gate stands between the candidate and its recurrent product.
    d_inner = d_outer * tf.concat([tf.ones_like(zr), zr[:, :, units:]], axis=2)
    d_kernel, d_bias = weight_gradients([x], d_outer)
    d_recurrent, d_recurrent_bias = weight_gradients([states_before(states[0], hs)], d_inner)
    return (
        tf.tensordot(d_outer, tf.transpose(kernel), 1),
        *d_first,
        d_kernel,
        d_recurrent,
        tf.stack([d_bias, d_recurrent_bias]),
    )


def gru(
    x: Any,
    states: Sequence[Any],
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any = None,
    *,
    sequences: bool = True,
) -> tuple[Any, ...]:
    """Gated recurrent unit (Cho et al. 2014), the reset gate after the recurrent product.

    Gates lie in Keras's order: update, reset, candidate.

    Parameters
    ----------
    x : tensor of shape (n_steps, batch, n_features)
    states : list of one tensor of shape (batch, units)
    kernel, recurrent, bias : tensors of shape (n_features, 3 units), (units, 3 units), (2, 3 units)
        The two biases are of the input and of the recurrent product.
    mask, sequences
        As in `tsrnn.nn.lstm.lstm`.

    Returns
    -------
    outputs : tensor, where `sequences` asks for them
    h : tensor of shape (batch, units)
    """
    weights = kernel, recurrent, bias
    return differentiable(_forward, _backward, x, states, weights, mask, sequences)
