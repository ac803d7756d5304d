"""From the rows that a forecaster is fitted on to what its network has learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn import nn, planning
from tsrnn.channels import split_windows
from tsrnn.dependence import dependence
from tsrnn.distributions import COUNTS
from tsrnn.encoding import Encoding, learn_encoding
from tsrnn.forecasting import Network, training_errors, training_scores
from tsrnn.nn.spec import NetworkSpec, TrainSpec
from tsrnn.panel import Panel
from tsrnn.ready_made import is_ready_made
from tsrnn.shrinkage import network_share
from tsrnn.target_units import as_read, check_targets
from tsrnn.training_data import training_data
from tsrnn.training_windows import choose_windows, given_windows, launch_windows, window_weights
from tsrnn.windows import Windows

if TYPE_CHECKING:
    from tsrnn.nn.loop import Trained  # which imports Keras

# Training windows that tell how much the network explains, or how steps move together.
_MOST_CHECKED = 2048


@dataclass(frozen=True, eq=False)
class Learned:
    """What a forecaster has learned, and how.

    Attributes
    ----------
    seasons : tuple of int
        Lengths, shortest first.
    shares_targets : bool
        Whether one network forecasts each target from its own past.
    encoding : Encoding
    n_windows : int
        Those held out count too.
    train_spec : TrainSpec
        Of the first member.
    spec : NetworkSpec
    trained : list of Trained
        Each member.
    dependence : ndarray or None
        How the steps of a forecast distribution move together (see `tsrnn.dependence`).
    """

    seasons: tuple[int, ...]
    shares_targets: bool
    encoding: Encoding
    n_windows: int
    train_spec: TrainSpec
    spec: NetworkSpec
    trained: list[Trained]
    dependence: np.ndarray | None


def learn(forecaster: Any, panel: Panel, X: Any, sample_weight: Any) -> Learned:
    """Train each member of a forecaster's network.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters and, for a warm start, what it learned in its last fit; not changed.
    panel : Panel
        The training rows, read from `X`.
    X : Windows, 3-D array or other data
        As given to fit: windows that the user made, or rows that windows are chosen from.
    sample_weight : array or None
        As given to fit.
    """
    windows, seasons, segment_length = _choose_windows(forecaster, panel, X)
    weights = window_weights(windows, sample_weight)
    check_targets(windows.panel, forecaster.distribution)
    windows = replace(windows, panel=as_read(windows.panel, forecaster.distribution))
    shares_targets = planning.shares_targets(forecaster, windows.panel)
    if shares_targets:
        weights = np.tile(weights, windows.panel.n_targets)
        windows = split_windows(windows)
    whole_series = not is_ready_made(X)
    encoding = _learn_encoding(forecaster, windows, seasons, whole_series=whole_series)
    spec = planning.plan_network(forecaster, windows, segment_length, encoding.n_seasons)
    starts = planning.starting_weights(forecaster, spec, encoding.spans)
    n_windows = len(windows)
    windows, weights, validation = _hold_out(forecaster, windows, weights)
    plans = _plan_members(forecaster, n_windows, encoding, stops=validation is not None)
    spec = replace(spec, compiled=planning.pays_to_compile(spec, plans[0], n_windows))
    arrays = nn.arrays_of(training_data(windows, encoding, spec, weights), spec)
    some = _some_learned_from(windows, weights, validation)
    # Of a million windows each array weighs 8 MB: those that training does not read go first.
    del windows, weights
    trained = nn.train_members(arrays, spec, plans, validation, starts)
    members = [one.weights for one in trained]
    encoding = _with_share((spec, encoding, members), forecaster.loss, some)
    return Learned(
        seasons=seasons,
        shares_targets=shares_targets,
        encoding=encoding,
        n_windows=n_windows,
        train_spec=plans[0],
        spec=spec,
        trained=trained,
        dependence=_dependence((spec, encoding, members), some),
    )


def _choose_windows(forecaster: Any, panel: Panel, X: Any) -> tuple[Windows, tuple[int, ...], int]:
    """Windows to train on, those that X is or chosen from its rows; seasons; segment length."""
    given = X.context_length if isinstance(X, Windows) else None
    given = X.shape[1] if is_ready_made(X) else given
    horizon, stride = forecaster.horizon, forecaster.stride
    seasons = planning.plan_seasons(forecaster, panel)
    context, segment = planning.plan_lengths(forecaster, panel, seasons, given)
    if forecaster.architecture == "vec2seq":
        return launch_windows(panel, horizon, stride), seasons, segment
    if isinstance(X, Windows):
        return given_windows(X, horizon), seasons, segment
    padded = forecaster.context_length == "auto" and given is None
    chosen = choose_windows(
        panel, context, horizon, stride, padded=padded, season_length=seasons[0]
    )
    return chosen, seasons, segment


def _learn_encoding(
    forecaster: Any, windows: Windows, seasons: tuple[int, ...], *, whole_series: bool
) -> Encoding:
    """Learn what forecasts are measured from, and scales, from the training rows."""
    reference, scale = planning.plan_reference(
        forecaster, windows, seasons[0], whole_series=whole_series
    )
    return learn_encoding(
        windows.panel,
        reference,
        scale,
        seasons,
        windows.context_length,
        least_scale=1.0 if forecaster.distribution in COUNTS else 0.0,
    )


def _hold_out(
    forecaster: Any, windows: Windows, weights: np.ndarray
) -> tuple[Windows, np.ndarray, np.ndarray | None]:
    """Leave out windows that reach into held-out ones; say which are held out, if any are."""
    parts = planning.plan_validation(forecaster, windows)
    if parts is None:
        return windows, weights, None
    kept = parts < 2
    return windows[kept], weights[kept], parts[kept] == 1


def _plan_members(
    forecaster: Any, n_windows: int, encoding: Encoding, *, stops: bool
) -> list[TrainSpec]:
    return [
        planning.plan_training(forecaster, n_windows, encoding.reference, seed, stops=stops)
        for seed in planning.seeds(forecaster.random_state, forecaster.n_members)
    ]


def _some_learned_from(
    windows: Windows, weights: np.ndarray, validation: np.ndarray | None
) -> Windows:
    """Take some windows, evenly spread, of those that count in the training loss."""
    counted = np.flatnonzero(weights > 0 if validation is None else (weights > 0) & ~validation)
    return windows[counted[:: max(1, -(-len(counted) // _MOST_CHECKED))]]


def _with_share(network: Network, loss: Any, some: Windows) -> Encoding:
    """Learn from some training windows how much of the network's correction to keep."""
    spec, encoding, _ = network
    smooths = encoding.reference == "smoothing" and spec.architecture != "vec2seq"
    absolute = loss in ("mae", "mean_absolute_error")  # what the share is measured by
    if not (smooths and absolute) or spec.distribution in COUNTS:
        return encoding
    return replace(encoding, share=network_share(*training_errors(network, some)))


def _dependence(network: Network, some: Windows) -> np.ndarray | None:
    """Learn from some training windows how the steps of a distribution move together."""
    spec = network[0]
    return None if spec.distribution is None else dependence(training_scores(network, some))
