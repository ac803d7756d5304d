"""What recurrences over time and their gradients share: loops that XLA compiles to fused kernels.

Each recurrence (`tsrnn.nn.lstm`, `gru`, `simple_rnn`) is three things: a loop forward, which
besides the states keeps the factors that its gradient will multiply with; a loop backward, one
matrix product and a few multiplications a step; and what needs no loop, as single large matrix
products over all steps (the projection of the input, the gradients of all weights).

All arrays are time-major: ``(n_steps, batch, width)``. Weights are laid out as Keras lays them
out. A mask is a float array of ones and zeros, ``(n_steps, batch, 1)``, or None; a masked step
keeps the state as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def scan(
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


def blank(like: Any, width: int) -> Any:
    """Make a buffer to be written: (n_steps, batch, width)."""
    shape = tf.shape(like)
    return tf.zeros(tf.stack([shape[0], shape[1], width]), like.dtype)


def project(x: Any, kernel: Any, bias: Any) -> Any:
    """Project the inputs of all steps at once."""
    return tf.tensordot(x, kernel, 1) + bias


def weight_gradients(read: Sequence[Any], d: Any) -> list[Any]:
    """Gradients of kernels that read `read`, and of the bias: one product for all of them.

    Separate products take XLA three times as long where a single feature is read.
    """
    joined = tf.concat([*read, tf.ones_like(d[:, :, :1])], axis=2)
    flat = [tf.reshape(a, (-1, a.shape[-1])) for a in (joined, d)]
    *kernels, bias = tf.split(tf.matmul(*flat, transpose_a=True), [*(a.shape[-1] for a in read), 1])
    return [*kernels, bias[0]]


def states_before(first: Any, sequence: Any) -> Any:
    """State before each step, from that after each."""
    return tf.concat([first[None], sequence[:-1]], axis=0)


def parts(x: Any, n: int) -> list[Any]:
    """Split an array of shape (batch, n * width) into n of equal width."""
    width = x.shape[-1] // n
    return [x[:, k * width : (k + 1) * width] for k in range(n)]


def differentiable(
    forward: Callable[..., tuple[Any, tuple[Any, ...], tuple[Any, ...]]],
    backward: Callable[..., tuple[Any, ...]],
    x: Any,
    states: Sequence[Any],
    weights: Sequence[Any],
    mask: Any,
    sequences: bool,
) -> tuple[Any, ...]:
    """Run `forward`, and `backward` for its gradient; returns the outputs and the last states.

    Raises
    ------
    NotImplementedError
        Where a gradient is differentiated again.
    """
    n = len(states)

    @tf.custom_gradient
    def run(*arguments: Any) -> Any:
        # Without these a tape, or a second one, would look for gradients inside the compiled loop.
        x, *rest = (tf.stop_gradient(a) for a in arguments)
        states, weights = rest[:n], rest[n:]
        computed = forward(x, states, *weights, mask)
        outputs, last, saved = tf.nest.map_structure(tf.stop_gradient, computed)

        def gradient(*d: Any) -> Any:
            # The arguments are named too, for a second gradient by any of them to end in an error.
            return first_gradient(*d, *arguments)

        @tf.custom_gradient
        def first_gradient(*d_and_arguments: Any) -> Any:
            d = [tf.stop_gradient(a) for a in d_and_arguments[: -len(arguments)]]
            d_outputs, d_last = (d[0], d[1:]) if sequences else (None, d)
            kernel, recurrent, _ = weights
            return backward(
                outputs, saved, x, states, kernel, recurrent, mask, d_outputs, d_last
            ), _no_second_gradient

        return (outputs, *last) if sequences else last, gradient

    return run(x, *states, *weights)


def _no_second_gradient(*d: Any) -> Any:
    raise NotImplementedError(
        "the recurrent layers of tsrnn.nn.layers have no second derivatives: use the layer of the "
        "same name in keras.layers, which has the same weights, to differentiate a gradient"
    )
