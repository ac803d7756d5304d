"""Alarms on the network of a forecaster and on its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn import nn
from tsrnn.alarm import Alarm, alarm
from tsrnn.chance import LEVEL, largest_mean, steps_of
from tsrnn.naive import seasonal_naive
from tsrnn.network_inputs import NetworkInputs, truth_after
from tsrnn.scaling import divisor

_OVER_FITTED = 2.0
# Part of the naive forecasts' loss below which learning by heart does no harm.
_OF_NAIVE = 0.25
# A gate this close to 0 or 1, in so much of all steps, no longer reacts to what is read.
_SATURATED = 0.02
_NEARLY_ALWAYS = 0.95
# Deviation of a state that does not move.
_DEAD = 1e-3
_MOST_UNITS = 0.25
_RISE = 0.5
# So many times harder may training windows be than those held out.
_HARDER = 2.0


@dataclass(frozen=True)
class HeldOutLosses:
    """Losses on held-out windows, as training measures them.

    Attributes
    ----------
    network, naive, untrained : float
        Of the network, of the better of the last value and season, and of forecasts that stay at
        what they are measured from, as an untrained network's do.
    luck : float
        What the network's may be above its expectation by chance.
    """

    network: float
    naive: float
    untrained: float
    luck: float


def held_out_losses(forecaster: Any, read: NetworkInputs) -> HeldOutLosses | None:
    """Measure the loss on held-out windows; None where no held-out horizon is whole."""
    windows = read.windows
    scale = divisor(read.scale)
    truth = truth_after((windows.panel, windows.series, windows.cutoffs), windows.horizon)
    known = ~np.isnan(truth).any(axis=(1, 2)) & np.isfinite(scale).all(axis=(1, 2))
    if not known.any():
        return None
    cutoffs = windows.panel, windows.series[known], windows.cutoffs[known]

    def losses(forecasts: np.ndarray) -> np.ndarray:
        apart = (forecasts - truth[known]) / scale[known]
        scaled = ((truth - read.reference) / scale)[known]
        return nn.losses_of(forecaster.loss, scaled, scaled + apart)

    inputs = {name: values[known] for name, values in read.inputs.items()}
    outputs = [nn.predict(inputs, read.spec, weights) for weights in forecaster.weights_]
    reference = np.broadcast_to(read.reference, truth.shape)[known]
    network = np.mean([losses(reference + scale[known] * output) for output in outputs], axis=0)
    naive = [
        losses(seasonal_naive(*cutoffs, windows.horizon, m)).mean()
        for m in (1, forecaster.season_length_)
    ]
    luck = largest_mean(network, steps_of(*cutoffs), windows.horizon, LEVEL)
    return HeldOutLosses(
        float(network.mean()), float(min(naive)), float(losses(reference).mean()), luck
    )


def over_fitting(forecaster: Any, held: HeldOutLosses) -> Alarm:
    """Whether the loss is much larger on held-out windows than it was in training.

    That is more than twice as large, by a part of the naive forecasts' loss and by more than
    chance makes of it.
    """
    trained = _training_loss(forecaster)
    unit = max(trained, 1e-300)
    return alarm(
        "over-fitting",
        held.network / unit,
        _OVER_FITTED + (_OF_NAIVE * held.naive + held.luck) / unit,
        f"loss on X ({held.network:.3g}) over that of training ({trained:.3g}): use "
        "early_stopping=True, fewer units or max_epochs, dropout or more data.",
    )


def _training_loss(forecaster: Any) -> float:
    """Mean over the members of the loss in the epoch that their weights come from."""
    losses = forecaster.losses_
    best = np.ravel(forecaster.best_epoch_)
    kept = losses["epoch"].to_numpy() == best[losses["member"].to_numpy()]
    return float(losses.loc[kept, "loss"].mean())


def saturated_gates(traced: dict[tuple[str, str], np.ndarray]) -> Alarm | None:
    """Whether many gates stay open or shut; None for cells without gates."""
    gates = ("input", "forget", "output", "update", "reset")
    shares = []
    for (_, name), values in traced.items():
        if name in gates:
            steps = values.reshape(-1, values.shape[-1])
            steps = steps[~np.isnan(steps).any(axis=1)]
            for stuck in (steps < _SATURATED, steps > 1 - _SATURATED):
                shares.append((stuck.mean(axis=0) >= _NEARLY_ALWAYS).mean())
    if not shares:
        return None
    return alarm(
        "saturated gates",
        2 * float(np.mean(shares)),
        _MOST_UNITS,
        "share of gates that stay below .02 or above .98 in 95 of 100 steps, and so no longer "
        "react: scale the data (scale='auto'), or lower learning_rate.",
    )


def dead_units(traced: dict[tuple[str, str], np.ndarray]) -> Alarm:
    """Whether many units hardly move at any step of any window."""
    hidden = [values for (_, name), values in traced.items() if name == "hidden"]
    deviations = np.concatenate([h.reshape(-1, h.shape[-1]).std(axis=0) for h in hidden])
    return alarm(
        "dead units",
        float((deviations < _DEAD).mean()),
        _MOST_UNITS,
        "share of units whose state is almost constant: lower learning_rate, or scale the data "
        "(scale='auto'), so that units do not saturate.",
    )


def diverging_loss(losses: Any, untrained: float = 0.0) -> Alarm:
    """Whether the training loss rose, or was not finite, in any member.

    Parameters
    ----------
    losses : DataFrame
        As `losses_` of a forecaster.
    untrained : float, default 0.0
        Loss of an untrained network: one that was several times as large in an epoch had risen
        before that ended. 0 is not known.
    """
    start = _HARDER * untrained if untrained > 0 else np.inf
    value = 0.0
    for _, part in losses.groupby("member"):
        loss = part["loss"].to_numpy(dtype=np.float64)
        if not np.isfinite(loss).all():
            value = np.inf
        elif loss[0] > 0:
            lowest = np.minimum(np.minimum.accumulate(loss), start)
            value = max(value, float((loss - lowest).max() / min(loss[0], start)))
    return alarm(
        "diverging loss",
        value,
        _RISE,
        "largest rise of the training loss above its lowest so far, in parts of the loss at the "
        "start: gradients explode. Lower learning_rate, give clipnorm (1, if need be 0.1), "
        "or use cell='lstm' or 'gru'.",
    )
