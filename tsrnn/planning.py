"""From the parameters of a forecaster and its data to what is built and how it is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrnn import auto
from tsrnn.nn.spec import NetworkSpec, TrainSpec
from tsrnn.panel import Panel
from tsrnn.parameters import is_auto, is_number
from tsrnn.season import resolve_season_lengths
from tsrnn.season_means import Spans
from tsrnn.training_windows import held_out
from tsrnn.windows import Windows

# Seconds, roughly, that compiling takes for an encoder, a decoder and a mix of seasons; that it
# saves of each gate in a recurrent step; and for each number of its state in a batch. Measured:
# benchmarks/README.md.
_COMPILING, _A_GATE, _A_NUMBER = 0.6, 2e-5, 2.5e-9
_GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
# Fits of a network, such as folds, after which compiling has paid off.
_FITS = 3


def plan_seasons(forecaster: Any, panel: Panel) -> tuple[int, ...]:
    """Choose the seasons, shortest first; a warm start keeps those that "auto" chose."""
    free = is_auto(forecaster.season_length)
    if free and _goes_on(forecaster):
        return forecaster.season_lengths_
    candidates = resolve_season_lengths(forecaster.season_length, panel.grid)
    return auto.seasons(candidates, panel) if free else candidates


def plan_lengths(
    forecaster: Any, panel: Panel, seasons: tuple[int, ...], given: int | None
) -> tuple[int, int]:
    """Choose the lengths of the context and of a segment; the one is a multiple of the other.

    Parameters
    ----------
    seasons : tuple of int
        Shortest first.
    given : int or None
        Context length of windows that the user made.
    """
    if forecaster.architecture == "vec2seq":
        chosen = forecaster.segment_length
        return 0, 1 if chosen == "auto" else chosen
    context, segment = forecaster.context_length, forecaster.segment_length
    if _goes_on(forecaster):  # with the network of the last fit
        context = (forecaster.spec_.context_length or context) if is_auto(context) else context
        segment = forecaster.spec_.segment_length if is_auto(segment) else segment
    if given is not None and context not in ("auto", given):
        raise ValueError(
            f"context_length={context}, but the windows show {given} steps; leave it 'auto'"
        )
    context = given or context
    free = context == "auto"
    if free:
        context = auto.context_length(forecaster.horizon, seasons, panel.lengths)
    if segment == "auto":
        segment = auto.segment_length(context, seasons[0])
        segment = segment if free or context % segment == 0 else 1
    if context % segment and not free:
        raise ValueError(
            f"context_length={context} must be a multiple of segment_length={segment}; "
            f"use {-(-context // segment) * segment}"
        )
    return -(-context // segment) * segment, segment


def plan_reference(
    forecaster: Any, windows: Windows, season_length: int, *, whole_series: bool
) -> tuple[str | None, str | None]:
    """Choose the reference and scale of each window; a warm start keeps what "auto" chose.

    Parameters
    ----------
    whole_series : bool
        False for windows that the user made, whose past is unknown.
    """
    reference, scale = forecaster.reference, forecaster.scale
    if _goes_on(forecaster):
        was = forecaster.encoding_
        reference = was.reference if is_auto(reference) else reference
        scale = was.scale if is_auto(scale) else scale
    if is_auto(reference):
        panel = windows.panel
        reads = forecaster.architecture != "vec2seq"
        smoothable = whole_series and panel.values.shape[1] == 1 and reads
        mixable = reads and forecaster.network is None
        n_seasons = windows.context_length // season_length if mixable else 1
        reference = auto.reference(
            season_length, panel.lengths, smoothable=smoothable, n_seasons=n_seasons
        )
    return reference, auto.scale(reference) if is_auto(scale) else scale


def shares_targets(forecaster: Any, panel: Panel) -> bool:
    """Whether each of several targets is forecast from its own past, by one network for all."""
    if panel.n_targets == 1:
        return False
    if is_auto(forecaster.share_targets):
        return auto.share_targets(
            forecaster.architecture, own_network=forecaster.network is not None
        )
    return bool(forecaster.share_targets)


def plan_network(
    forecaster: Any, windows: Windows, segment_length: int, n_seasons: int
) -> NetworkSpec:
    """Describe the network for these windows, and a mix of so many past seasons."""
    panel = windows.panel
    columns = panel.columns
    vec2seq = forecaster.architecture == "vec2seq"
    architecture = forecaster.architecture
    if is_auto(architecture):
        own = forecaster.network is not None
        architecture = auto.architecture(segment_length, own_network=own)
    units = forecaster.units
    if is_auto(units):
        known = _goes_on(forecaster)
        units = forecaster.spec_.units if known else auto.units(len(windows))
    return NetworkSpec(
        cell=forecaster.cell,
        architecture=architecture,
        context_length=windows.context_length,
        horizon=windows.horizon,
        n_targets=panel.n_targets,
        n_covariates=len(columns.all) - panel.n_targets,
        n_past=len(columns.past),
        n_future=len(columns.future),
        n_static=len(columns.static) + 3 if vec2seq else 0,
        n_seasons=0 if vec2seq else n_seasons,
        units=int(units),
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
        distribution=forecaster.distribution,
    )


def _goes_on(forecaster: Any) -> bool:
    """Whether a warm start keeps what "auto" chose in the last fit."""
    return forecaster.warm_start and hasattr(forecaster, "spec_")


def is_masked(windows: Windows) -> bool:
    """Whether any context step is padding, or might be missing."""
    short = windows.cutoffs + 1 - windows.first < windows.context_length
    return bool(short.any() or np.isnan(windows.panel.targets).all(axis=1).any())


def plan_training(
    forecaster: Any, n_windows: int, reference: str | None, seed: int, *, stops: bool
) -> TrainSpec:
    """Describe how the network is trained on so many windows, and whether it stops early."""
    batch, epochs = forecaster.batch_size, forecaster.max_epochs
    batch = auto.batch_size(n_windows) if batch == "auto" else int(batch)
    if epochs == "auto":
        spread = forecaster.distribution is not None
        epochs = auto.max_epochs(
            n_windows, batch, int(forecaster.horizon), reference, spread=spread
        )
    rate = _learning_rate(forecaster)
    folder = forecaster.checkpoint_dir
    return TrainSpec(
        loss=forecaster.loss,
        optimizer=forecaster.optimizer,
        learning_rate=rate,
        schedule=forecaster.schedule,
        batch_size=batch,
        max_epochs=int(epochs),
        clipnorm=forecaster.clipnorm,
        patience=int(forecaster.patience) if stops else None,
        seed=seed,
        callbacks=tuple(forecaster.callbacks or ()),
        progress=None if forecaster.verbose == "auto" else bool(forecaster.verbose),
        checkpoint_dir=None if folder is None else str(Path(folder).expanduser()),
    )


def pays_to_compile(spec: NetworkSpec, how: TrainSpec, n_windows: int) -> bool:
    """Whether training is long enough that compiling the network saves time over three fits.

    The plan decides, not how long training takes, what has been compiled before or how many
    members there are: the same training calculates the same each time.
    """
    if spec.network is not None:
        return False
    n_parts = 1 + (spec.architecture == "encoder_decoder") + (spec.n_seasons > 0)
    batch = min(how.batch_size, n_windows)
    n_batches = how.max_epochs * -(-n_windows // batch)
    saved = _GATES[spec.cell] * (_A_GATE + _A_NUMBER * batch * spec.units)
    return _FITS * n_batches * spec.n_recurrent_steps * saved > _COMPILING * n_parts


def plan_validation(forecaster: Any, windows: Windows) -> np.ndarray | None:
    """Part that each window plays in early stopping, as `held_out` says; None to learn from all.

    Raises
    ------
    ValueError
        If early stopping leaves no window to learn from.
    """
    if not forecaster.early_stopping:
        return None
    parts = held_out(windows, forecaster.validation_fraction)
    if not (parts == 0).any():
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
            return auto.learning_rate()
        rate = forecaster.optimizer.get_config()["learning_rate"]
        return float(rate) if is_number(rate) else None
    return float(rate) if is_number(rate) else rate


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


def starting_weights(forecaster: Any, spec: NetworkSpec, spans: Spans) -> list[Any]:
    """Weights that each member starts from: those of the last fit, or None for new ones.

    Parameters
    ----------
    spans : tuple of (int, int)
        Past seasons that the network mixes.

    Raises
    ------
    ValueError
        If `warm_start` asks for the weights of another network.
    """
    if not forecaster.warm_start or not hasattr(forecaster, "weights_"):
        return [None] * forecaster.n_members
    same = replace(forecaster.spec_, masked=spec.masked, compiled=spec.compiled) == spec
    same &= forecaster.encoding_.spans == spans
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
