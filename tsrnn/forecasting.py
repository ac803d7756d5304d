"""Forecasts of a trained network, from its plain data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tsrnn import nn
from tsrnn.checks import future_covariates
from tsrnn.history import append_forecasts
from tsrnn.inputs import Encoding, prediction_inputs, smoothed
from tsrnn.naive import forward_fill
from tsrnn.nn.spec import NetworkSpec
from tsrnn.panel import Panel
from tsrnn.planning import is_masked
from tsrnn.scaling import divisor
from tsrnn.windows import Windows, in_chunks

# What it takes to run a network: its spec, how values become inputs, weights of each member.
Network = tuple[NetworkSpec, Encoding, list[list[np.ndarray]]]


def forecast(
    network: Network,
    panel: Panel,
    series: np.ndarray,
    cutoffs: np.ndarray,
    n_steps: int,
    memory: int,
) -> np.ndarray:
    """Forecast in blocks of the horizon; each block becomes history of the next.

    Parameters
    ----------
    network : tuple of NetworkSpec, Encoding and weights of each member
    panel : Panel
    series, cutoffs : ndarray of shape (n_cutoffs,)
    n_steps : int
        Steps ahead, possibly beyond the horizon.
    memory : int
        Rows of history that the network reads.

    Returns
    -------
    forecasts : ndarray of shape (n_cutoffs, n_steps, n_targets)

    Raises
    ------
    ValueError
        If past covariates would be needed beyond the horizon, or future ones are missing.
    """
    horizon = network[0].horizon
    _check_reach(panel, n_steps, horizon)
    n_blocks = -(-n_steps // horizon)
    future = np.zeros((len(cutoffs), n_blocks * horizon, 0))
    if network[0].n_future:
        future = future_covariates(panel, series, cutoffs, n_blocks * horizon)
    known = np.split(future, n_blocks, axis=1)
    blocks: list[np.ndarray] = []
    for i, ahead in enumerate(known):
        if blocks:
            panel, series, cutoffs = append_forecasts(
                panel, series, cutoffs, blocks[-1], known[i - 1], memory
            )
        blocks.append(_block(network, panel, series, cutoffs, ahead))
    return np.concatenate(blocks, axis=1)[:, :n_steps]


def _block(
    network: Network, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, future: np.ndarray
) -> np.ndarray:
    """Forecast a horizon after each cutoff; members are combined by their median."""
    reference, change = _parts(network, panel, series, cutoffs, future)
    return reference + change


def _parts(
    network: Network, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, future: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Run the network once per window: what its forecasts are measured from, and its changes."""
    spec, encoding, members = network
    windows = Windows(panel, series, cutoffs, spec.context_length, spec.horizon)
    spec = replace(spec, masked=is_masked(windows))
    filled = forward_fill(panel.values, panel.offsets)

    aligned = [future]
    if encoding.reference == "smoothing" and spec.architecture != "vec2seq":
        aligned.append(smoothed(panel, cutoffs, encoding, spec))

    def run(some: Windows, future: np.ndarray, *ahead: np.ndarray) -> Any:
        inputs, reference, scale = prediction_inputs(some, encoding, spec, future, filled, *ahead)
        outputs = [nn.predict(inputs, spec, weights) for weights in members]
        change = scale * np.median(outputs, axis=0)
        return np.broadcast_to(reference, change.shape), change

    n_forecasts = len(spec.loss_steps) if spec.architecture == "seq2seq" else 1
    of_seasons = n_forecasts * spec.horizon * spec.n_seasons * spec.n_targets
    n_values = max(spec.context_length * panel.values.shape[1], of_seasons, 1)
    rows = max(1, min(4096, 2**22 // n_values))
    references, changes = zip(*in_chunks(run, windows, *aligned, rows=rows), strict=True)
    return np.concatenate(references), np.concatenate(changes)


def training_errors(network: Network, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Absolute errors with the network and of its reference alone, in units of each window."""
    panel, series, cutoffs = windows.panel, windows.series, windows.cutoffs
    spec, encoding, _ = network
    future = np.zeros((len(cutoffs), spec.horizon, 0))
    if spec.n_future:
        future = future_covariates(panel, series, cutoffs, spec.horizon)
    scale = divisor(encoding.statistics(windows, spec)[1][:, None])
    reference, change = _parts(network, panel, series, cutoffs, future)
    error = windows.targets - reference
    return np.abs(error - change) / scale, np.abs(error) / scale


def _check_reach(panel: Panel, n_steps: int, horizon: int) -> None:
    if n_steps > horizon and panel.columns.past:
        raise ValueError(
            f"{n_steps} steps are asked for, but horizon={horizon} and the past covariates "
            f"{list(panel.columns.past)} are not known beyond it; fit with horizon={n_steps}"
        )
