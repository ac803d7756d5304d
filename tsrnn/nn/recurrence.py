"""Recurrences over time with their gradients, as loops that XLA compiles to fused kernels.

Each recurrence is three things: a loop forward, which besides the states keeps the factors that
its gradient will multiply with; a loop backward, one matrix product and a few multiplications a
step; and what needs no loop, as single large matrix products over all steps (the projection of
the input, the gradients of all weights).

All arrays are time-major: ``(n_steps, batch, width)``. Weights are laid out as Keras lays them
out. A mask is a float array of ones and zeros, ``(n_steps, batch, 1)``, or None; a masked step
keeps the state as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def _scan(
    step: Callable[..., tuple[tuple[Any, ...], tuple[Any, ...]]],
    carried: tuple[Any, ...],
    buffers: Sequence[Any],
    *,
    reverse: bool = False,
) -> tuple[tuple[Any, ...], list[Any]]:
    """Step through time; each step reads its slot of every buffer and writes what it returns.

    `step` is called as ``step(t, carried, slots)`` and returns the new ones. Reading and writing
    in place saves a pass through memory for each buffer.
    """
    n_steps = tf.shape(buffers[0])[0]
    n_carried = len(carried)
    arrays = [tf.TensorArray(b.dtype, n_steps).unstack(b) for b in buffers]

    def body(k: Any, *state: Any) -> tuple[Any, ...]:
        t = n_steps - 1 - k if reverse else k
        held, slots = state[:n_carried], state[n_carried:]
        held, written = step(t, held, tuple(a.read(t) for a in slots))
        new = (a.write(t, value) for a, value in zip(slots, written, strict=True))
        return k + 1, *held, *new

    _, *state = tf.while_loop(
        lambda k, *_: k < n_steps, body, (0, *carried, *arrays), maximum_iterations=n_steps
    )
    return tuple(state[:n_carried]), [a.stack() for a in state[n_carried:]]


def _blank(like: Any, width: int) -> Any:
    """Make a buffer to be written: (n_steps, batch, width)."""
    shape = tf.shape(like)
    return tf.zeros(tf.stack([shape[0], shape[1], width]), like.dtype)


def _project(x: Any, kernel: Any, bias: Any) -> Any:
    """Project the inputs of all steps at once."""
    return tf.tensordot(x, kernel, 1) + bias


def _weight_gradients(read: Sequence[Any], d: Any) -> list[Any]:
    """Gradients of kernels that read `read`, and of the bias: one product for all of them.

    One for each takes XLA several times as long where a single feature is read.
    """
    joined = tf.concat([*read, tf.ones_like(d[:, :, :1])], axis=2)
    flat = [tf.reshape(a, (-1, a.shape[-1])) for a in (joined, d)]
    *kernels, bias = tf.split(tf.matmul(*flat, transpose_a=True), [*(a.shape[-1] for a in read), 1])
    return [*kernels, bias[0]]


def _before(first: Any, sequence: Any) -> Any:
    """State before each step, from that after each."""
    return tf.concat([first[None], sequence[:-1]], axis=0)


def _parts(x: Any, n: int) -> list[Any]:
    width = x.shape[-1] // n
    return [x[:, k * width : (k + 1) * width] for k in range(n)]


def _differentiable(
    forward: Callable[..., tuple[Any, tuple[Any, ...], tuple[Any, ...]]],
    backward: Callable[..., tuple[Any, ...]],
    x: Any,
    states: Sequence[Any],
    weights: Sequence[Any],
    mask: Any,
    sequences: bool,
) -> tuple[Any, ...]:
    """Run `forward`, and `backward` for its gradient; returns the outputs and the last states."""
    n = len(states)

    @tf.custom_gradient
    def run(*arguments: Any) -> Any:
        # Without this a tape would look for the gradient inside the compiled loop.
        x, *rest = (tf.stop_gradient(a) for a in arguments)
        states, weights = rest[:n], rest[n:]
        outputs, last, saved = forward(x, states, *weights, mask)

        def gradient(*d: Any) -> Any:
            d_outputs, d_last = (d[0], d[1:]) if sequences else (None, d)
            kernel, recurrent, _ = weights
            return backward(outputs, saved, x, states, kernel, recurrent, mask, d_outputs, d_last)

        return (outputs, *last) if sequences else last, gradient

    return run(x, *states, *weights)


@tf.function(jit_compile=True, autograph=False)
def _lstm_forward(
    x: Any, states: Any, kernel: Any, recurrent: Any, bias: Any, mask: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    h, c = states
    units = h.shape[-1]
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh serves all four gates.
    half = tf.repeat(tf.constant([0.5, 0.5, 1.0, 0.5]), units)
    recurrent = recurrent * half

    def step(t: Any, carried: Any, slots: Any) -> Any:
        h, c = carried
        gates = tf.tanh(slots[0] + tf.matmul(h, recurrent)) * half + (1.0 - half)
        i, f, g, o = _parts(gates, 4)
        new_c = f * c + i * g
        squashed = tf.tanh(new_c)
        new_h = o * squashed
        of_gates = [g * i * (1.0 - i), c * f * (1.0 - f), i * (1.0 - g * g), squashed * o * (1 - o)]
        of_c = o * (1.0 - squashed * squashed)
        if mask is not None:
            m = mask[t]
            new_h, new_c = m * new_h + (1.0 - m) * h, m * new_c + (1.0 - m) * c
            of_gates = [m * factor for factor in of_gates]
            of_c, f = m * of_c, m * f + (1.0 - m)
        factors = tf.concat(of_gates, axis=1), tf.concat([of_c, f], axis=1)
        return (new_h, new_c), (*factors, new_h)

    buffers = [_project(x, kernel * half, bias * half), _blank(x, 2 * units), _blank(x, units)]
    last, (of_gates, of_c, hs) = _scan(step, (h, c), buffers)
    return hs, last, (of_gates, of_c)


@tf.function(jit_compile=True, autograph=False)
def _lstm_backward(
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
    units = hs.shape[-1]
    transposed = tf.transpose(recurrent)

    def step(t: Any, carried: Any, slots: Any) -> Any:
        d_h, d_c = carried
        to_c, f = _parts(of_c[t], 2)
        d_h = d_h if d_hs is None else d_h + d_hs[t]
        d_c = d_c + d_h * to_c
        d_gates = of_gates[t] * tf.concat([d_c, d_c, d_c, d_h], axis=1)
        before = tf.matmul(d_gates, transposed)
        if mask is not None:
            before += (1.0 - mask[t]) * d_h
        return (before, d_c * f), (d_gates,)

    d_first, (d_gates,) = _scan(step, tuple(d_states), [_blank(x, 4 * units)], reverse=True)
    return (
        tf.tensordot(d_gates, tf.transpose(kernel), 1),
        *d_first,
        *_weight_gradients([x, _before(states[0], hs)], d_gates),
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
    return _differentiable(_lstm_forward, _lstm_backward, x, states, weights, mask, sequences)


@tf.function(jit_compile=True, autograph=False)
def _gru_forward(
    x: Any, states: Any, kernel: Any, recurrent: Any, bias: Any, mask: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    units = states[0].shape[-1]
    half = tf.repeat(tf.constant([0.5, 0.5, 1.0]), units)
    recurrent, recurrent_bias = recurrent * half, bias[1] * half

    def step(t: Any, carried: Any, slots: Any) -> Any:
        (h,) = carried
        outer, inner = slots[0], tf.matmul(h, recurrent) + recurrent_bias
        both = slice(0, 2 * units)
        z, r = _parts(tf.tanh(outer[:, both] + inner[:, both]) * 0.5 + 0.5, 2)
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

    buffers = [_project(x, kernel * half, bias[0] * half), _blank(x, 2 * units), _blank(x, units)]
    last, (of_gates, zr, hs) = _scan(step, tuple(states), buffers)
    return hs, last, (of_gates, zr)


@tf.function(jit_compile=True, autograph=False)
def _gru_backward(
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
        z, r = _parts(zr[t], 2)
        d_h = d_h if d_hs is None else d_h + d_hs[t]
        d_inner = of_gates[t] * tf.concat([d_h, d_h, d_h * r], axis=1)
        return (d_h * z + tf.matmul(d_inner, transposed),), (d_h,)

    d_first, (d_h,) = _scan(step, tuple(d_states), [_blank(x, units)], reverse=True)
    d_outer = of_gates * tf.concat([d_h, d_h, d_h], axis=2)
    # The reset gate stands between the candidate and its recurrent product.
    d_inner = d_outer * tf.concat([tf.ones_like(zr), zr[:, :, units:]], axis=2)
    d_kernel, d_bias = _weight_gradients([x], d_outer)
    d_recurrent, d_recurrent_bias = _weight_gradients([_before(states[0], hs)], d_inner)
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
        As in `lstm`.

    Returns
    -------
    outputs : tensor, where `sequences` asks for them
    h : tensor of shape (batch, units)
    """
    weights = kernel, recurrent, bias
    return _differentiable(_gru_forward, _gru_backward, x, states, weights, mask, sequences)


@tf.function(jit_compile=True, autograph=False)
def _simple_rnn_forward(
    x: Any, states: Any, kernel: Any, recurrent: Any, bias: Any, mask: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    def step(t: Any, carried: Any, slots: Any) -> Any:
        (h,) = carried
        new_h = tf.tanh(slots[0] + tf.matmul(h, recurrent))
        if mask is not None:
            new_h = mask[t] * new_h + (1.0 - mask[t]) * h
        return (new_h,), (new_h,)

    last, (hs,) = _scan(step, tuple(states), [_project(x, kernel, bias)])
    return hs, last, ()


@tf.function(jit_compile=True, autograph=False)
def _simple_rnn_backward(
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

    d_first, (d_z,) = _scan(step, tuple(d_states), [tf.zeros_like(hs)], reverse=True)
    return (
        tf.tensordot(d_z, tf.transpose(kernel), 1),
        *d_first,
        *_weight_gradients([x, _before(states[0], hs)], d_z),
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
        As in `lstm`.

    Returns
    -------
    outputs : tensor, where `sequences` asks for them
    h : tensor of shape (batch, units)
    """
    weights = kernel, recurrent, bias
    run = _simple_rnn_forward, _simple_rnn_backward
    return _differentiable(*run, x, states, weights, mask, sequences)
