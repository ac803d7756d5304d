"""Alarms on the network of a forecaster and on its training."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn import nn
from tsrnn.alarm import Alarm, alarm
from tsrnn.network_inputs import NetworkInputs
from tsrnn.scaling import divisor

_OVER_FITTED = 2.0
# A gate this close to 0 or 1, in so much of all steps, no longer reacts to what is read.
_SATURATED = 0.02
_NEARLY_ALWAYS = 0.95
# Deviation of a state that does not move.
_DEAD = 1e-3
_MOST_UNITS = 0.25
_RISE = 0.5


def over_fitting(forecaster: Any, read: NetworkInputs) -> Alarm | None:
    """Whether the loss is much larger on held-out windows than it was in training.

    None where no held-out horizon is whole.
    """
    windows = read.windows
    whole = windows.cutoffs + windows.horizon < windows.panel.offsets[1:][windows.series]
    windows = windows[whole]
    if not len(windows):
        return None
    encoding, spec = forecaster.encoding_, read.spec
    truth = windows.targets
    reference, outputs_scale = read.reference[whole], read.scale[whole]
    # The share of the correction that forecasts keep is no part of the loss.
    scale = divisor(outputs_scale / encoding.share if encoding.share else outputs_scale)
    known = ~np.isnan(truth).any(axis=(1, 2)) & np.isfinite(scale).all(axis=(1, 2))
    if not known.any():
        return None
    scaled = ((truth - reference) / scale)[known]
    inputs = {name: values[whole][known] for name, values in read.inputs.items()}
    outputs = [nn.predict(inputs, spec, weights) for weights in forecaster.weights_]
    loss = np.mean([nn.loss_of(forecaster.loss, scaled, output) for output in outputs])
    trained = _training_loss(forecaster)
    return alarm(
        "over-fitting",
        float(loss) / trained if trained > 0 else (np.inf if loss > 0 else 1.0),
        _OVER_FITTED,
        f"loss on X ({loss:.3g}) over that of training ({trained:.3g}): use early_stopping=True, "
        "fewer units or max_epochs, dropout, several members or more data.",
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
        "react: scale the data, lower learning_rate or clipnorm, or train for fewer epochs.",
    )


def dead_units(traced: dict[tuple[str, str], np.ndarray]) -> Alarm:
    """Whether many units hardly move at any step of any window."""
    hidden = [values for (_, name), values in traced.items() if name == "hidden"]
    deviations = np.concatenate([h.reshape(-1, h.shape[-1]).std(axis=0) for h in hidden])
    return alarm(
        "dead units",
        float((deviations < _DEAD).mean()),
        _MOST_UNITS,
        "share of units whose state is almost constant: use fewer units, lower learning_rate, "
        "or scale the data, so that units do not saturate.",
    )


def diverging_loss(losses: Any) -> Alarm:
    """Whether the training loss rose again, or was not finite, in any member."""
    value = 0.0
    for _, part in losses.groupby("member"):
        loss = part["loss"].to_numpy(dtype=np.float64)
        if not np.isfinite(loss).all():
            value = np.inf
        elif loss[0] > 0:
            rise = (loss - np.minimum.accumulate(loss)).max() / loss[0]
            value = max(value, float(rise))
    return alarm(
        "diverging loss",
        value,
        _RISE,
        "largest rise of the training loss above its lowest so far, in parts of the first "
        "epoch's: gradients explode. Lower learning_rate or clipnorm, shorten context_length, "
        "or use cell='lstm' or 'gru'.",
    )
