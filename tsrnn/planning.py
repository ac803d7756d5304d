"""From the parameters of a forecaster and its data to what is built and how it is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn import auto
from tsrnn.nn.spec import ARCHITECTURES, CELLS, DECODERS, NetworkSpec, TrainSpec
from tsrnn.panel import Panel
from tsrnn.scaling import REFERENCES, SCALES
from tsrnn.windows import Windows, check_count

_CHOICES: dict[str, tuple[Any, ...]] = {
    "cell": CELLS,
    "architecture": ARCHITECTURES,
    "decoder": DECODERS,
    "reference": ("auto", *REFERENCES),
    "scale": ("auto", *SCALES),
    "schedule": ("cosine", "constant"),
    "early_stopping": ("auto", True, False),
    "verbose": ("auto", True, False, 0, 1),
}
_COUNTS = ("horizon", "stride", "units", "n_layers", "patience", "n_members")
_COUNTS_OR_AUTO = ("context_length", "segment_length", "batch_size", "max_epochs")


def check_params(forecaster: Any) -> None:
    """Check every parameter that has a stated range.

    Raises
    ------
    ValueError
        Naming the parameter, its value and what it may be.
    """
    for name, choices in _CHOICES.items():
        value = getattr(forecaster, name)
        if not any(value is choice or value == choice for choice in choices):
            raise ValueError(f"{name}={value!r} must be one of {list(choices)}")
    for name in _COUNTS:
        check_count(name, getattr(forecaster, name))
    for name in _COUNTS_OR_AUTO:
        if getattr(forecaster, name) != "auto":
            check_count(name, getattr(forecaster, name))
    for name in ("dropout", "recurrent_dropout", "validation_fraction"):
        value = getattr(forecaster, name)
        if not _is_number(value) or not 0 <= value < 1:
            raise ValueError(f"{name}={value!r} must be a number, at least 0 and below 1")
    clipnorm, rate = forecaster.clipnorm, forecaster.learning_rate
    if clipnorm is not None and not (_is_number(clipnorm) and clipnorm > 0):
        raise ValueError(f"clipnorm={clipnorm!r} must be a number above 0, or None")
    if rate != "auto" and not callable(rate) and not (_is_number(rate) and rate > 0):
        raise ValueError(
            f"learning_rate={rate!r} must be 'auto', a number above 0 or a keras schedule"
        )
    if not isinstance(forecaster.callbacks, list | tuple | None):
        raise ValueError(f"callbacks={forecaster.callbacks!r} must be a list of keras callbacks")
    if forecaster.bidirectional and forecaster.architecture in ("seq2seq", "vec2seq"):
        raise ValueError(
            f"bidirectional=True with architecture={forecaster.architecture!r}: seq2seq forecasts "
            "at steps inside the context, whose future the backward half would see, and vec2seq "
            "reads no context; use 'seq2vec' or 'encoder_decoder'"
        )
    if forecaster.network is not None and forecaster.architecture == "seq2seq":
        raise ValueError(
            "network= with architecture='seq2seq': your own network forecasts once, after the "
            "context; use 'seq2vec'"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def plan_lengths(
    forecaster: Any, panel: Panel, season_length: int, given: int | None
) -> tuple[int, int]:
    """Choose the lengths of the context and of a segment; the one is a multiple of the other.

    Parameters
    ----------
    given : int or None
        Context length of windows that the user made.
    """
    if forecaster.architecture == "vec2seq":
        chosen = forecaster.segment_length
        return 0, 1 if chosen == "auto" else chosen
    context, segment = forecaster.context_length, forecaster.segment_length
    if given is not None and context not in ("auto", given):
        raise ValueError(
            f"context_length={context}, but the windows show {given} steps; leave it 'auto'"
        )
    context = given or context
    free = context == "auto"
    if free:
        context = auto.context_length(forecaster.horizon, season_length, panel.lengths)
    if segment == "auto":
        segment = auto.segment_length(context, season_length)
        segment = segment if free or context % segment == 0 else 1
    if context % segment and not free:
        raise ValueError(
            f"context_length={context} must be a multiple of segment_length={segment}; "
            f"use {-(-context // segment) * segment}"
        )
    return -(-context // segment) * segment, segment


def plan_reference(forecaster: Any, season_length: int) -> tuple[str | None, str | None]:
    """Choose the reference and scale of each window."""
    reference, scale = forecaster.reference, forecaster.scale
    if reference == "auto":
        reference = auto.reference(season_length)
    return reference, "deviation" if scale == "auto" else scale


def plan_network(forecaster: Any, windows: Windows, segment_length: int) -> NetworkSpec:
    """Describe the network for these windows."""
    panel = windows.panel
    columns = panel.columns
    vec2seq = forecaster.architecture == "vec2seq"
    return NetworkSpec(
        cell=forecaster.cell,
        architecture=forecaster.architecture,
        context_length=windows.context_length,
        horizon=windows.horizon,
        n_targets=panel.n_targets,
        n_covariates=len(columns.all) - panel.n_targets,
        n_past=len(columns.past),
        n_future=len(columns.future),
        n_static=len(columns.static) + 3 if vec2seq else 0,
        units=int(forecaster.units),
        n_layers=int(forecaster.n_layers),
        segment_length=segment_length,
        decoder=forecaster.decoder,
        bidirectional=bool(forecaster.bidirectional),
        residual=bool(forecaster.residual),
        layer_norm=bool(forecaster.layer_norm),
        dropout=float(forecaster.dropout),
        recurrent_dropout=float(forecaster.recurrent_dropout),
        masked=is_masked(windows),
        network=forecaster.network,
    )


def is_masked(windows: Windows) -> bool:
    """Whether any context step is padding, or might be missing."""
    short = windows.cutoffs + 1 - windows.first < windows.context_length
    return bool(short.any() or np.isnan(windows.panel.targets).all(axis=1).any())


def plan_training(forecaster: Any, n_windows: int, seed: int) -> TrainSpec:
    """Describe how the network is trained on so many windows."""
    batch, epochs = forecaster.batch_size, forecaster.max_epochs
    batch = auto.batch_size(n_windows) if batch == "auto" else int(batch)
    epochs = auto.max_epochs(n_windows, batch) if epochs == "auto" else int(epochs)
    stops = forecaster.early_stopping
    stops = auto.early_stopping(n_windows) if stops == "auto" else stops
    rate = _learning_rate(forecaster)
    return TrainSpec(
        loss=forecaster.loss,
        optimizer=forecaster.optimizer,
        learning_rate=rate,
        schedule=forecaster.schedule,
        batch_size=batch,
        max_epochs=epochs,
        clipnorm=forecaster.clipnorm,
        patience=int(forecaster.patience) if stops else None,
        seed=seed,
        callbacks=tuple(forecaster.callbacks or ()),
        progress=None if forecaster.verbose == "auto" else bool(forecaster.verbose),
    )


def held_out(windows: Windows, fraction: float) -> np.ndarray:
    """Windows for validation, and those too close to them to be learned from.

    Returns
    -------
    parts : ndarray of shape (n_windows,)
        0 to learn from; 1 the last in time of each series, for validation; 2 in between,
        whose horizon overlaps that of a validation window, for neither.
    """
    parts = np.zeros(len(windows), dtype=np.int64)
    for s in np.unique(windows.series):
        own = np.flatnonzero(windows.series == s)
        n = int(np.ceil(len(own) * fraction)) if len(own) > 1 else 0
        if n:
            border = windows.cutoffs[own[-n]] - windows.horizon
            parts[own] = np.where(windows.cutoffs[own] > border, 2, 0)
            parts[own[-n:]] = 1
    return parts


def _learning_rate(forecaster: Any) -> Any:
    """Resolve "auto"; None leaves an optimizer object its own schedule."""
    rate = forecaster.learning_rate
    if isinstance(rate, str):
        if isinstance(forecaster.optimizer, str):
            return auto.LEARNING_RATE
        rate = forecaster.optimizer.get_config()["learning_rate"]
        return float(rate) if _is_number(rate) else None
    return float(rate) if _is_number(rate) else rate


def seeds(random_state: Any, n: int) -> list[int]:
    """Draw seeds from an int, a generator, or nothing; the global state is not touched."""
    if isinstance(random_state, np.random.RandomState):
        return [int(seed) for seed in random_state.randint(2**31 - 1, size=n)]
    try:
        generator = np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"random_state={random_state!r} must be a whole number >= 0, a RandomState, a "
            "Generator or None"
        ) from error
    return [int(seed) for seed in generator.integers(2**31 - 1, size=n)]


def starting_weights(forecaster: Any, spec: NetworkSpec) -> list[Any]:
    """Weights that each member starts from: those of the last fit, or None for new ones.

    Raises
    ------
    ValueError
        If `warm_start` asks for the weights of another network.
    """
    if not forecaster.warm_start or not hasattr(forecaster, "weights_"):
        return [None] * forecaster.n_members
    same = replace(forecaster.spec_, masked=spec.masked) == spec
    if not same or len(forecaster.weights_) != forecaster.n_members:
        raise ValueError(
            "warm_start=True, but the network of the last fit was another; set "
            "warm_start=False, or keep the parameters and columns that shape the network"
        )
    return forecaster.weights_


def losses_table(histories: list[dict[str, list[float]]]) -> pd.DataFrame:
    """Tidy table of the losses of each member and epoch."""
    tables = [
        pd.DataFrame({"member": member, "epoch": range(len(history["loss"])), **history})
        for member, history in enumerate(histories)
    ]
    return pd.concat(tables, ignore_index=True)
