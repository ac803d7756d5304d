"""Forecasts of a trained network, from its plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tsrnn import nn
from tsrnn.checks import future_covariates
from tsrnn.distributions import Outputs, normal_scores, point_forecasts, quantile_forecasts
from tsrnn.encoding import Encoding
from tsrnn.history import append_forecasts
from tsrnn.inputs import prediction_inputs, smoothed
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
    future = _known_future(panel, series, cutoffs, network[0], n_blocks * horizon)
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
    """Forecast a horizon after each cutoff."""
    answer = partial(point_forecasts, network[0].distribution)
    return _run(network, panel, series, cutoffs, future, answer)


def forecast_quantiles(
    network: Network, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """Forecast quantiles over the horizon.

    Parameters
    ----------
    network, panel, series, cutoffs : as in `forecast`
    levels : ndarray of shape (n_cutoffs, horizon, n_targets, n_levels)

    Returns
    -------
    quantiles : ndarray of the shape of `levels`
    """
    spec = network[0]
    assert spec.distribution is not None
    future = _known_future(panel, series, cutoffs, spec, spec.horizon)
    answer = partial(quantile_forecasts, spec.distribution)
    return _run(network, panel, series, cutoffs, future, answer, levels)


def training_scores(network: Network, windows: Windows) -> np.ndarray:
    """Return normal scores of the targets of windows, `tsrnn.distributions.normal_scores`."""
    panel, series, cutoffs = windows.panel, windows.series, windows.cutoffs
    spec = network[0]
    assert spec.distribution is not None
    future = _known_future(panel, series, cutoffs, spec, spec.horizon)
    answer = partial(normal_scores, spec.distribution)
    return _run(network, panel, series, cutoffs, future, answer, windows.targets)


def _run(
    network: Network,
    panel: Panel,
    series: np.ndarray,
    cutoffs: np.ndarray,
    future: np.ndarray,
    answer: Callable[..., np.ndarray],
    *given: np.ndarray,
) -> np.ndarray:
    """Run the network once per window.

    Parameters
    ----------
    answer : callable
        Takes `tsrnn.distributions.Outputs` and, of each array in `given`, which has a row for
        each cutoff, those of the same windows.
    """
    spec, encoding, members = network
    windows = Windows(panel, series, cutoffs, spec.context_length, spec.horizon)
    spec = replace(spec, masked=is_masked(windows))
    filled = forward_fill(panel.values, panel.offsets)

    smooths = encoding.reference == "smoothing" and spec.architecture != "vec2seq"
    ahead = [smoothed(panel, cutoffs, encoding, spec)] if smooths else []

    def run(some: Windows, future: np.ndarray, *rest: np.ndarray) -> Any:
        of_inputs, of_answer = rest[: len(ahead)], rest[len(ahead) :]
        inputs, reference, scale = prediction_inputs(
            some, encoding, spec, future, filled, *of_inputs
        )
        values = np.stack([nn.predict(inputs, spec, weights) for weights in members])
        return answer(Outputs(values, reference, scale, encoding.share), *of_answer)

    n_forecasts = len(spec.loss_steps) if spec.architecture == "seq2seq" else 1
    of_seasons = n_forecasts * spec.horizon * spec.n_seasons * spec.n_targets
    of_outputs = len(members) * spec.horizon * spec.n_outputs
    of_answers = len(members) * max((array[:1].size for array in given), default=0)
    n_values = max(
        spec.context_length * panel.values.shape[1], of_seasons, of_outputs, of_answers, 1
    )
    rows = max(1, min(4096, 2**22 // n_values))
    return np.concatenate(list(in_chunks(run, windows, future, *ahead, *given, rows=rows)))


def training_errors(network: Network, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Absolute errors with the network and of its reference alone, in units of each window."""
    panel, series, cutoffs = windows.panel, windows.series, windows.cutoffs
    spec, encoding, _ = network
    future = _known_future(panel, series, cutoffs, spec, spec.horizon)
    scale = divisor(encoding.statistics(windows, spec)[1][:, None])
    answer = partial(_with_reference, spec.distribution)
    both = _run(network, panel, series, cutoffs, future, answer)
    error = windows.targets[:, None] - both
    with_network, without = np.moveaxis(np.abs(error) / scale[:, None], 1, 0)
    return with_network, without


def _with_reference(distribution: str | None, outputs: Outputs) -> np.ndarray:
    """Forecasts and what they are measured from, (n_windows, 2, horizon, n_targets)."""
    forecasts = point_forecasts(distribution, outputs)
    return np.stack([forecasts, np.broadcast_to(outputs.reference, forecasts.shape)], axis=1)


def _known_future(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray, spec: NetworkSpec, n_steps: int
) -> np.ndarray:
    """Covariates known over the steps after each cutoff."""
    if not spec.n_future:
        return np.zeros((len(cutoffs), n_steps, 0))
    return future_covariates(panel, series, cutoffs, n_steps)


def _check_reach(panel: Panel, n_steps: int, horizon: int) -> None:
    if n_steps > horizon and panel.columns.past:
        raise ValueError(
            f"{n_steps} steps are asked for, but horizon={horizon} and the past covariates "
            f"{list(panel.columns.past)} are not known beyond it; fit with horizon={n_steps}"
        )
