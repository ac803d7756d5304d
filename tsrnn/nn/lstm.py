"""Long short-term memory over time, and its gradient; see `tsrnn.nn.recurrence`."""

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
    h, c = states
    units = h.shape[-1]
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh serves all four gates. The derivative is
    # (1 - tanh^2) / 4 of a gate, and 1 - tanh^2 of the candidate, which is not halved.
    half = tf.repeat(tf.constant([0.5, 0.5, 1.0, 0.5]), units)
    recurrent, slope = recurrent * half, half * half

    def step(t: Any, carried: Any, slots: Any) -> Any:
        h, c = carried
        z = tf.tanh(slots[0] + tf.matmul(h, recurrent))
        i, f, g, o = parts(z, 4)
        i, f, o = (0.5 * gate + 0.5 for gate in (i, f, o))
        new_c = f * c + i * g
        squashed = tf.tanh(new_c)
        new_h = o * squashed
        of_gates = (slope - slope * z * z) * tf.concat([g, c, i, squashed], axis=1)
        of_c = o - new_h * squashed
        if mask is not None:
            m = mask[t]
            new_h, new_c = m * new_h + (1.0 - m) * h, m * new_c + (1.0 - m) * c
            of_gates, of_c, f = m * of_gates, m * of_c, m * f + (1.0 - m)
        return (new_h, new_c), (of_gates, tf.concat([of_c, f], axis=1), new_h)

    buffers = [project(x, kernel * half, bias * half), blank(x, 2 * units), blank(x, units)]
    last, (of_gates, of_c, hs) = scan(step, (h, c), buffers)
    return hs, last, (of_gates, of_c)


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
    of_gates, of_c = saved
    transposed = tf.transpose(recurrent)

    def step(t: Any, carried: Any, slots: Any) -> Any:
        d_h, d_c = carried
        to_c, f = parts(of_c[t], 2)
        d_h = d_h if d_hs is None else d_h + d_hs[t]
        d_c = d_c + d_h * to_c
        d_gates = slots[0] * tf.concat([d_c, d_c, d_c, d_h], axis=1)
        before = tf.matmul(d_gates, transposed)
        if mask is not None:
            before += (1.0 - mask[t]) * d_h
        return (before, d_c * f), (d_gates,)

    d_first, (d_gates,) = scan(step, tuple(d_states), [of_gates], reverse=True)
    return (
        tf.tensordot(d_gates, tf.transpose(kernel), 1),
        *d_first,
        *weight_gradients([x, states_before(states[0], hs)], d_gates),
    )


def lstm(
    x: Any,
    states: Sequence[Any],
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any = None,
    *,
    sequences: bool = True,
) -> tuple[Any, ...]:
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with forget gates).

    Gates lie in Keras's order: input, forget, candidate, output.

    Parameters
    ----------
    x : tensor of shape (n_steps, batch, n_features)
    states : pair of tensors of shape (batch, units)
        Output and cell state before the first step.
    kernel, recurrent, bias : tensors of shape (n_features, 4 units), (units, 4 units), (4 units,)
    mask : tensor of shape (n_steps, batch, 1) or None
    sequences : bool, default True
        Whether to return the outputs of all steps, (n_steps, batch, units).

    Returns
    -------
    outputs : tensor, where `sequences` asks for them
    h, c : tensors of shape (batch, units)
        After the last step.
    """
    weights = kernel, recurrent, bias
    return differentiable(_forward, _backward, x, states, weights, mask, sequences)
