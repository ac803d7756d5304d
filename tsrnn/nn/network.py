"""The four shapes of a recurrent network, as functional Keras models."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tsrnn.nn.heads import distribution_parameters
from tsrnn.nn.layers import GRU, LSTM, FeedbackCell, PositionEmbedding, SimpleRNN, has_gpu
from tsrnn.nn.parallel import ParallelModel
from tsrnn.nn.spec import NetworkSpec

_FAST = {"simple_rnn": SimpleRNN, "lstm": LSTM, "gru": GRU}
_KERASS = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
_CELLS = {"simple_rnn": layers.SimpleRNNCell, "lstm": layers.LSTMCell, "gru": layers.GRUCell}
_N_STATES = {"simple_rnn": 1, "lstm": 2, "gru": 1}

# Logarithm of the weight of the last value, in a mix with seasons that weigh 1 each.
_LAST_VALUE = 2.0

_seeding = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let Keras draw its default seeds from `seed`, and leave the global state as it was.

    Layers and initialisers without a seed of their own take one from Python's `random`, which
    all threads share: one at a time.
    """
    with _seeding:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


@contextmanager
def _single_precision() -> Iterator[None]:
    """Let Keras make layers of float32, whatever precision is set for those of the user."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def build(spec: NetworkSpec, seed: int = 0) -> keras.Model:
    """Build an untrained network, its weights drawn from `seed`.

    Inputs, by name and where the spec has them: ``context`` (batch, context_length,
    n_targets + n_covariates), ``mask`` (batch, context_length), ``future`` (batch, horizon,
    n_future), ``static`` (batch, n_static), ``seasons`` (batch, horizon, n_seasons, n_targets),
    and for counts ``reference`` and ``scale`` (batch, horizon, n_targets); the last three for
    seq2seq with n_loss_steps after batch. The output is (batch, horizon, n_outputs), for seq2seq
    (batch, n_loss_steps, horizon, n_outputs), in scaled units around the reference: forecasts of
    the targets, or the parameters of the distribution of each (see `tsrnn.nn.heads`).
    Where there are seasons, it is a mean of them, weighted by the softmax of a layer that reads
    the last state (attention to the same phase of the past), plus what the other layers add.

    Raises
    ------
    ValueError
        If the user's own builder returns a model whose inputs or output do not fit.
    """
    with seeded(seed):
        if spec.network is not None:
            return _checked(spec.network(spec), spec)
        # XLA draws random numbers slowly: with dropout only the recurrences are compiled.
        drops = spec.dropout or spec.recurrent_dropout
        kind = ParallelModel if spec.compiled and not (drops or has_gpu()) else keras.Model
        with _single_precision():
            inputs = model_inputs(spec)
            outputs = _ARCHITECTURES[spec.architecture](spec, inputs)
            return kind(inputs, outputs, name=f"{spec.cell}_{spec.architecture}")


def input_names(model: keras.Model) -> set[str]:
    """Names of the inputs that a network reads."""
    return {tensor.name for tensor in model.inputs}


def model_inputs(spec: NetworkSpec) -> dict[str, Any]:
    """Keras inputs of a network, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    if spec.architecture != "vec2seq":
        shapes["context"] = (spec.context_length, spec.n_targets + spec.n_covariates)
    else:
        shapes["static"] = (spec.n_static,)
    if spec.n_future:
        n_forecasts = len(spec.loss_steps) if spec.architecture == "seq2seq" else 1
        shapes["future"] = (n_forecasts * spec.horizon, spec.n_future)
    inputs = {
        name: keras.Input(shape, dtype="float32", name=name) for name, shape in shapes.items()
    }
    if spec.masked and spec.architecture != "vec2seq":
        inputs["mask"] = keras.Input((spec.context_length,), dtype="bool", name="mask")
    steps = (len(spec.loss_steps),) if spec.architecture == "seq2seq" else ()
    if spec.n_seasons:
        seasons = (spec.horizon, spec.n_seasons, spec.n_targets)
        inputs["seasons"] = keras.Input((*steps, *seasons), dtype="float32", name="seasons")
    if spec.counts:
        for name in ("reference", "scale"):
            shape = (*steps, spec.horizon, spec.n_targets)
            inputs[name] = keras.Input(shape, dtype="float32", name=name)
    return inputs


def _seq2vec(spec: NetworkSpec, inputs: dict[str, Any]) -> Any:
    """Last state -> all steps of the horizon at once."""
    summary, _ = _encode(spec, inputs, sequences=False)
    if spec.n_future:
        summary = _with_future(spec, summary, layers.Flatten()(inputs["future"]))
    flat = _head(spec.horizon * spec.n_outputs)(summary)
    change = layers.Reshape((spec.horizon, spec.n_outputs))(flat)
    return _answer(spec, change, summary, inputs)


def _seq2seq(spec: NetworkSpec, inputs: dict[str, Any]) -> Any:
    """Forecast the whole horizon at every segment end in the second half."""
    sequence, _ = _encode(spec, inputs, sequences=True)
    n_steps = len(spec.loss_steps)
    sequence = sequence[:, -n_steps:]
    if spec.n_future:
        # future: (batch, n_loss_steps * horizon, n_future), the horizon after each loss step
        future = layers.Reshape((n_steps, spec.horizon * spec.n_future))(inputs["future"])
        sequence = _with_future(spec, sequence, future)
    flat = _head(spec.horizon * spec.n_outputs)(sequence)
    change = layers.Reshape((n_steps, spec.horizon, spec.n_outputs))(flat)
    return _answer(spec, change, sequence, inputs)


def _encoder_decoder(spec: NetworkSpec, inputs: dict[str, Any]) -> Any:
    """Context -> state -> decoder over the horizon."""
    _, states = _encode(spec, inputs, sequences=False)
    decode = _decode_feedback if spec.decoder == "autoregressive" else _decode_parallel
    return _answer(spec, decode(spec, inputs, states), states[-1][0], inputs)


def _vec2seq(spec: NetworkSpec, inputs: dict[str, Any]) -> Any:
    """Vector -> initial state -> sequence over the horizon."""
    n_states = _N_STATES[spec.cell]
    steps = _decoder_inputs(spec, inputs, inputs["static"])
    for i in range(spec.n_layers):
        states = [
            layers.Dense(spec.units, activation="tanh", name=f"state_{i}_{k}")(inputs["static"])
            for k in range(n_states)
        ]
        layer = _decoder_layer(spec, spec.units, i, return_sequences=True)
        steps = layer(steps, initial_state=states)
    return _answer(spec, _write_segments(spec, steps), inputs["static"], inputs)


_ARCHITECTURES = {
    "seq2vec": _seq2vec,
    "seq2seq": _seq2seq,
    "encoder_decoder": _encoder_decoder,
    "vec2seq": _vec2seq,
}


def _encode(spec: NetworkSpec, inputs: dict[str, Any], sequences: bool) -> tuple[Any, list[Any]]:
    """Stack the recurrent layers over the segments of the context.

    Returns the top layer's output, (batch, size) or (batch, n_segments, size), and the final
    states of each layer.
    """
    x, mask = inputs["context"], inputs.get("mask")
    x = layers.Reshape((spec.n_segments, -1), name="segments")(x) if spec.segment_length > 1 else x
    if mask is not None:
        mask = ops.any(layers.Reshape((spec.n_segments, spec.segment_length))(mask), axis=-1)
    states = []
    for i in range(spec.n_layers):
        top = i == spec.n_layers - 1
        out, state = _recurrent(spec, x, mask, sequences or not top, name=f"{spec.cell}_{i}")
        if spec.residual and i > 0:
            out = out + (x if sequences or not top else x[:, -1])
        x = _regularised(spec, out, name=str(i))
        states.append(state)
    return x, states


def _layer(spec: NetworkSpec) -> Any:
    return (_FAST if spec.compiled else _KERASS)[spec.cell]


def _recurrent(spec: NetworkSpec, x: Any, mask: Any, sequences: bool, name: str) -> Any:
    layer = _layer(spec)(
        spec.units,
        return_sequences=sequences,
        return_state=True,
        recurrent_dropout=spec.recurrent_dropout,
        name=name,
    )
    if not spec.bidirectional:
        out, *state = layer(x, mask=mask)
        return out, state
    out, *both = layers.Bidirectional(layer, name=f"bidirectional_{name}")(x, mask=mask)
    n = _N_STATES[spec.cell]
    state = [layers.Concatenate()([both[k], both[n + k]]) for k in range(n)]
    return out, state


def _regularised(spec: NetworkSpec, x: Any, name: str) -> Any:
    if spec.layer_norm:
        x = layers.LayerNormalization(name=f"norm_{name}")(x)
    # One of 0 too: so weights have the same order with dropout and, in forecasts, without.
    return layers.Dropout(spec.dropout, name=f"dropout_{name}")(x)


def _with_future(spec: NetworkSpec, summary: Any, future: Any) -> Any:
    """Mix a summary with future covariates; a hidden layer lets the two interact."""
    joined = layers.Concatenate()([summary, future])
    return layers.Dense(2 * spec.units, activation="relu", name="mix")(joined)


def _answer(spec: NetworkSpec, change: Any, summary: Any, inputs: dict[str, Any]) -> Any:
    """Forecast from what the last layer writes, which changes a mix of seasons if there is one."""
    mix = _mix_seasons(spec, summary, inputs) if spec.n_seasons else None
    if spec.distribution is None:
        return change if mix is None else change + mix
    shape = (*change.shape[1:-1], spec.n_targets, spec.n_parameters)
    raw = layers.Reshape(shape)(change)
    location = raw[..., :1] if mix is None else raw[..., :1] + mix[..., None]
    parameters = distribution_parameters(spec, location, raw[..., 1:], inputs)
    return layers.Reshape(change.shape[1:])(parameters)


def _mix_seasons(spec: NetworkSpec, summary: Any, inputs: dict[str, Any]) -> Any:
    """Mean of the last value and past seasons, by weights that a summary asks for."""
    # An untrained network gives the last value most of the weight.
    prior = np.zeros((1, spec.n_seasons, spec.n_targets), dtype=np.float32)
    prior[:, 0] = _LAST_VALUE
    size = spec.n_seasons * spec.n_targets
    weigh = layers.Dense(size, kernel_initializer="zeros", name="season_weights")
    asked = layers.Reshape((*summary.shape[1:-1], *prior.shape))(weigh(summary))
    weights = ops.softmax(asked + prior, axis=-2)
    return ops.sum(weights * inputs["seasons"], axis=-2)


def _head(size: int) -> Any:
    """Last layer; its zeros make an untrained network answer with the reference."""
    return layers.Dense(size, kernel_initializer="zeros", name="head")


def _decoder_inputs(spec: NetworkSpec, inputs: dict[str, Any], like: Any) -> Any:
    """Position and future covariates of each output segment: (batch, n_segments, dim)."""
    n = spec.n_output_segments
    steps = PositionEmbedding(n, spec.units, name="position")(like)
    if not spec.n_future:
        return steps
    lacking = n * spec.segment_length - spec.horizon
    future = inputs["future"]
    if lacking:
        future = layers.ZeroPadding1D((0, lacking))(future)
    future = layers.Reshape((n, spec.segment_length * spec.n_future))(future)
    return layers.Concatenate()([steps, future])


def _decoder_layer(
    spec: NetworkSpec, units: int, nth: int, return_sequences: bool, unroll: bool = False
) -> Any:
    return _layer(spec)(
        units,
        return_sequences=return_sequences,
        recurrent_dropout=spec.recurrent_dropout,
        unroll=unroll,
        name=f"decoder_{spec.cell}_{nth}",
    )


def _decode_parallel(spec: NetworkSpec, inputs: dict[str, Any], states: list[Any]) -> Any:
    """One step per output segment from the final state, all at once (SegRNN, 2308.11200)."""
    steps = _decoder_inputs(spec, inputs, inputs["context"])
    n = spec.n_output_segments
    x = ops.reshape(steps, (-1, 1, steps.shape[-1]))
    for i, state in enumerate(states):
        units = state[0].shape[-1]
        repeated = [ops.reshape(ops.tile(s, (1, n)), (-1, units)) for s in state]
        # A single step is no loop: Keras's own step runs as fast, and takes less to build.
        layer = _decoder_layer(spec, units, i, return_sequences=i < len(states) - 1, unroll=True)
        x = layer(x, initial_state=repeated)
    return _write_segments(spec, ops.reshape(x, (-1, n, x.shape[-1])))


def _decode_feedback(spec: NetworkSpec, inputs: dict[str, Any], states: list[Any]) -> Any:
    """Segments one after the other, each reading the one before; the first reads the reference."""
    steps = _decoder_inputs(spec, inputs, inputs["context"])
    make = _CELLS[spec.cell]
    cell = FeedbackCell(
        [make(s[0].shape[-1]) for s in states], spec.segment_length * spec.n_outputs
    )
    start = ops.zeros_like(ops.repeat(states[0][0][:, :1], cell.output_size, axis=1))
    memory = [s for state in states for s in state]
    decoder = layers.RNN(cell, return_sequences=True, name="decoder")
    return _cut(spec, decoder(steps, initial_state=[*memory, start]))


def _write_segments(spec: NetworkSpec, steps: Any) -> Any:
    steps = _regularised(spec, steps, name="decoder")
    return _cut(spec, _head(spec.segment_length * spec.n_outputs)(steps))


def _cut(spec: NetworkSpec, segments: Any) -> Any:
    """Lay output segments end to end and cut them at the horizon."""
    length = spec.n_output_segments * spec.segment_length
    return layers.Reshape((length, spec.n_outputs))(segments)[:, : spec.horizon]


def _checked(model: Any, spec: NetworkSpec) -> Any:
    """Check the user's own model against the inputs and the output that it must have."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"network= must return a keras.Model, not {type(model).__name__}")
    known = set(model_inputs(spec)) | {"mask"}
    names = input_names(model)
    if not names <= known:
        raise ValueError(
            f"network= returned a model with inputs {sorted(names)}; they must be named among "
            f"{sorted(known)}"
        )
    wanted = (None, spec.horizon, spec.n_targets)
    if tuple(model.output_shape) != wanted:
        raise ValueError(
            f"network= returned a model with output shape {model.output_shape}; it must be "
            f"(batch, horizon, n_targets) = {wanted}"
        )
    return keras.Model({tensor.name: tensor for tensor in model.inputs}, model.output)
