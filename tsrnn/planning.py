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
from tsrnn.training_windows import held_out
from tsrnn.windows import Windows, check_count

_CHOICES: dict[str, tuple[Any, ...]] = {
    "cell": CELLS,
    "architecture": ARCHITECTURES,
    "decoder": DECODERS,
    "reference": ("auto", *REFERENCES),
    "scale": ("auto", *SCALES),
    "schedule": ("cosine", "constant"),
}
_FLAGS = ("bidirectional", "residual", "layer_norm", "warm_start")
_COUNTS = ("horizon", "stride", "units", "n_layers", "patience", "n_members")
_COUNTS_OR_AUTO = ("context_length", "segment_length", "batch_size", "max_epochs")


def check_params(forecaster: Any) -> None:
    """Check every parameter that has a stated range.

    Raises
    ------
    ValueError
        Naming the parameter, its value and what it may be.
    """
    _check_choices(forecaster)
    _check_numbers(forecaster)
    _check_objects(forecaster)
    _check_together(forecaster)


def _check_choices(forecaster: Any) -> None:
    for name, choices in _CHOICES.items():
        value = getattr(forecaster, name)
        if not any(value is choice or value == choice for choice in choices):
            raise ValueError(f"{name}={value!r} must be one of {list(choices)}")
    for name in _FLAGS:
        if not _is_flag(getattr(forecaster, name)):
            raise ValueError(f"{name}={getattr(forecaster, name)!r} must be True or False")
    stops, verbose = forecaster.early_stopping, forecaster.verbose
    if not _is_flag(stops) and not _is_auto(stops):
        raise ValueError(f"early_stopping={stops!r} must be one of ['auto', True, False]")
    if not _is_flag(verbose) and not _is_auto(verbose):
        whole = isinstance(verbose, int | np.integer)
        if not whole or verbose < 0:
            raise ValueError(
                f"verbose={verbose!r} must be 'auto', True, False or a whole number >= 0"
            )


def _check_numbers(forecaster: Any) -> None:
    for name in _COUNTS:
        check_count(name, getattr(forecaster, name))
    for name in _COUNTS_OR_AUTO:
        if getattr(forecaster, name) != "auto":
            check_count(name, getattr(forecaster, name))
    for name in ("dropout", "recurrent_dropout", "validation_fraction"):
        value = getattr(forecaster, name)
        if not _is_number(value) or not 0 <= value < 1:
            raise ValueError(f"{name}={value!r} must be a number, at least 0 and below 1")
    clipnorm = forecaster.clipnorm
    if clipnorm is not None and not (_is_number(clipnorm) and clipnorm > 0):
        raise ValueError(f"clipnorm={clipnorm!r} must be a number above 0, or None")


def _check_objects(forecaster: Any) -> None:
    for name in ("optimizer", "loss", "learning_rate"):
        value = getattr(forecaster, name)
        if isinstance(value, type):
            kind = value.__name__
            name_too = "" if name == "learning_rate" else ", or a name"
            raise ValueError(f"{name}={kind} is a class; give an instance, {kind}(){name_too}")
    loss, optimizer, network = forecaster.loss, forecaster.optimizer, forecaster.network
    if not isinstance(optimizer, str) and not hasattr(optimizer, "get_config"):
        raise ValueError(f"optimizer={optimizer!r} must be a name or a keras.optimizers object")
    if not isinstance(loss, str) and not callable(loss):
        raise ValueError(f"loss={loss!r} must be a name or a callable of (y_true, y_pred)")
    if network is not None and not callable(network):
        raise ValueError(f"network={network!r} must be None or a callable of a NetworkSpec")
    rate = forecaster.learning_rate
    if rate != "auto" and not callable(rate) and not (_is_number(rate) and rate > 0):
        raise ValueError(
            f"learning_rate={rate!r} must be 'auto', a number above 0 or a keras schedule"
        )
    if not isinstance(forecaster.callbacks, list | tuple | None):
        raise ValueError(f"callbacks={forecaster.callbacks!r} must be a list of keras callbacks")


def _check_together(forecaster: Any) -> None:
    if not _is_auto(forecaster.early_stopping) and forecaster.early_stopping:
        if not forecaster.validation_fraction:
            raise ValueError(
                f"early_stopping=True with validation_fraction={forecaster.validation_fraction}: "
                "there is no loss to watch; give a validation_fraction above 0"
            )
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


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


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


def plan_training(forecaster: Any, n_windows: int, seed: int, *, stops: bool) -> TrainSpec:
    """Describe how the network is trained on so many windows, and whether it stops early."""
    batch, epochs = forecaster.batch_size, forecaster.max_epochs
    batch = auto.batch_size(n_windows) if batch == "auto" else int(batch)
    epochs = auto.max_epochs(n_windows, batch) if epochs == "auto" else int(epochs)
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


def plan_validation(forecaster: Any, windows: Windows) -> np.ndarray | None:
    """Part that each window plays in early stopping, as `held_out` says; None to learn from all.

    Raises
    ------
    ValueError
        If early stopping is asked for, but leaves no window to learn from.
    """
    stops, fraction = forecaster.early_stopping, forecaster.validation_fraction
    free = _is_auto(stops)
    if not (auto.early_stopping(len(windows)) and fraction if free else stops):
        return None
    parts = held_out(windows, fraction)
    n_learned = int((parts == 0).sum())
    if free:
        return parts if auto.leaves_enough(n_learned, len(windows)) else None
    if not n_learned:
        raise ValueError(_nothing_left_message(windows, parts, forecaster))
    return parts


def _nothing_left_message(windows: Windows, parts: np.ndarray, forecaster: Any) -> str:
    overlapping = -(-windows.horizon // int(forecaster.stride))
    needed = max(2, int(np.ceil(overlapping / (1 - forecaster.validation_fraction))))
    longest = int(np.unique(windows.series, return_counts=True)[1].max())
    return (
        f"early_stopping=True leaves nothing to learn from: of {len(parts)} windows "
        f"{int((parts == 1).sum())} are held out (validation_fraction="
        f"{forecaster.validation_fraction}), and the horizons of all others, of "
        f"{windows.horizon} steps, overlap theirs; a series needs {needed} windows, the longest "
        f"has {longest}: give {(needed - longest) * int(forecaster.stride)} more rows, lower "
        "horizon or validation_fraction, or set early_stopping=False"
    )


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
