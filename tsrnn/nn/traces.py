"""What the recurrent layers over a context compute at each step, from their equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit

from tsrnn.nn.network import build
from tsrnn.nn.spec import NetworkSpec

# Arrays by name of a gate or state.
Parts = dict[str, np.ndarray]


def trace(
    inputs: dict[str, np.ndarray], spec: NetworkSpec, weights: list[np.ndarray]
) -> dict[tuple[str, str], np.ndarray]:
    """Recompute gates and states of each recurrent layer over the context, in float64.

    Parameters
    ----------
    inputs : dict of ndarray of shape (n_windows, ...)
        ``context`` and, if the spec is masked, ``mask``.
    spec : NetworkSpec
    weights : list of ndarray

    Returns
    -------
    traced : dict of ndarray of shape (n_windows, n_segments, units)
        By layer ("lstm_0", or "lstm_0 forward" and "lstm_0 backward") and name of the gate or
        state. A masked step keeps its states; its gates are NaN. A backward layer has read the
        segments from the last one on.
    """
    model = build(replace(spec, dropout=0.0, recurrent_dropout=0.0))
    model.set_weights(weights)
    n_windows = len(inputs["context"])
    x = inputs["context"].astype(np.float64).reshape(n_windows, spec.n_segments, -1)
    mask: np.ndarray | None = None
    if spec.masked:
        of_segments = inputs["mask"].reshape(n_windows, spec.n_segments, spec.segment_length)
        mask = np.asarray(of_segments.any(axis=-1))
    traced: dict[tuple[str, str], np.ndarray] = {}
    for i in range(spec.n_layers):
        runs = {
            name: _run(spec.cell, layer.get_weights(), x, mask, reverse=reverse)
            for name, layer, reverse in _directions(model, spec, f"{spec.cell}_{i}")
        }
        traced |= {(name, part): a for name, run in runs.items() for part, a in run.items()}
        out = np.concatenate([run["hidden"] for run in runs.values()], axis=-1)
        out = out + x if spec.residual and i > 0 else out
        # What an encoder's top layer puts out nobody reads: there is no norm in the model.
        between = spec.layer_norm and i < spec.n_layers - 1
        x = _normalised(model.get_layer(f"norm_{i}"), out) if between else out
    return traced


def _directions(model: Any, spec: NetworkSpec, name: str) -> list[tuple[str, Any, bool]]:
    """Name, layer and whether it reads backwards, of the one or two layers of a level."""
    if not spec.bidirectional:
        return [(name, model.get_layer(name), False)]
    both = model.get_layer(f"bidirectional_{name}")
    return [
        (f"{name} forward", both.forward_layer, False),
        (f"{name} backward", both.backward_layer, True),
    ]


def _run(
    cell: str, weights: list[np.ndarray], x: np.ndarray, mask: np.ndarray | None, *, reverse: bool
) -> Parts:
    """Step a cell through time; arrays of shape (n_windows, n_steps, units) by name."""
    kernel, recurrent, bias = (w.astype(np.float64) for w in weights)
    step, names = _CELLS[cell]
    states = {name: np.zeros((len(x), len(recurrent))) for name in names}
    order = range(x.shape[1])
    steps: dict[int, Parts] = {}
    for t in reversed(order) if reverse else order:
        gates, new = step(x[:, t] @ kernel, states["hidden"] @ recurrent, bias, states)
        if mask is not None:
            read = mask[:, t, None]
            gates = {name: np.where(read, gate, np.nan) for name, gate in gates.items()}
            new = {name: np.where(read, state, states[name]) for name, state in new.items()}
        states = new
        steps[t] = gates | states
    return {name: np.stack([steps[t][name] for t in order], axis=1) for name in steps[0]}


def _simple_rnn(
    outer: np.ndarray, inner: np.ndarray, bias: np.ndarray, states: Parts
) -> tuple[Parts, Parts]:
    return {}, {"hidden": np.tanh(outer + inner + bias)}


def _lstm(
    outer: np.ndarray, inner: np.ndarray, bias: np.ndarray, states: Parts
) -> tuple[Parts, Parts]:
    i, f, g, o = np.split(outer + inner + bias, 4, axis=-1)
    gates = {"input": expit(i), "forget": expit(f), "output": expit(o), "candidate": np.tanh(g)}
    cell = gates["forget"] * states["cell"] + gates["input"] * gates["candidate"]
    return gates, {"cell": cell, "hidden": gates["output"] * np.tanh(cell)}


def _gru(
    outer: np.ndarray, inner: np.ndarray, bias: np.ndarray, states: Parts
) -> tuple[Parts, Parts]:
    of_input = np.split(outer + bias[0], 3, axis=-1)
    of_state = np.split(inner + bias[1], 3, axis=-1)
    update, reset = (expit(of_input[k] + of_state[k]) for k in range(2))
    candidate = np.tanh(of_input[2] + reset * of_state[2])
    hidden = update * states["hidden"] + (1 - update) * candidate
    return {"update": update, "reset": reset, "candidate": candidate}, {"hidden": hidden}


# The equations of each cell, in Keras's layout of weights, and the names of its states.
_CELLS: dict[str, tuple[Callable[..., tuple[Parts, Parts]], tuple[str, ...]]] = {
    "simple_rnn": (_simple_rnn, ("hidden",)),
    "lstm": (_lstm, ("hidden", "cell")),
    "gru": (_gru, ("hidden",)),
}


def _normalised(layer: Any, x: np.ndarray) -> np.ndarray:
    """Answer of a ``keras.layers.LayerNormalization``."""
    gamma, beta = layer.get_weights()
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + layer.epsilon)
    return gamma * centred / deviation + beta
