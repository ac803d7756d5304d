"""Whether the parameters of a network forecaster are in range, and go together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tsrnn.distributions import DISTRIBUTIONS
from tsrnn.nn.spec import ARCHITECTURES, CELLS, DECODERS
from tsrnn.scaling import REFERENCES, SCALES
from tsrnn.windows import check_count

_CHOICES: dict[str, tuple[Any, ...]] = {
    "cell": CELLS,
    "architecture": ("auto", *ARCHITECTURES),
    "decoder": DECODERS,
    "reference": ("auto", *REFERENCES),
    "scale": ("auto", *SCALES),
    "distribution": (None, *DISTRIBUTIONS),
    "schedule": ("cosine", "constant"),
}
_FLAGS = ("bidirectional", "residual", "layer_norm", "early_stopping", "warm_start")
_COUNTS = ("horizon", "stride", "n_layers", "patience", "n_members")
_COUNTS_OR_AUTO = ("context_length", "segment_length", "units", "batch_size", "max_epochs")


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
    shared, verbose = forecaster.share_targets, forecaster.verbose
    if not _is_flag(shared) and not is_auto(shared):
        raise ValueError(f"share_targets={shared!r} must be one of ['auto', True, False]")
    if not _is_flag(verbose) and not is_auto(verbose):
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
        if not is_number(value) or not 0 <= value < 1:
            raise ValueError(f"{name}={value!r} must be a number, at least 0 and below 1")
    clipnorm = forecaster.clipnorm
    if clipnorm is not None and not (is_number(clipnorm) and clipnorm > 0):
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
    if rate != "auto" and not callable(rate) and not (is_number(rate) and rate > 0):
        raise ValueError(
            f"learning_rate={rate!r} must be 'auto', a number above 0 or a keras schedule"
        )
    if not isinstance(forecaster.callbacks, list | tuple | None):
        raise ValueError(f"callbacks={forecaster.callbacks!r} must be a list of keras callbacks")
    _check_checkpoints(forecaster.checkpoint_dir, forecaster.random_state)


def _check_checkpoints(folder: Any, random_state: Any) -> None:
    if folder is None:
        return
    if not isinstance(folder, str | os.PathLike):
        raise ValueError(f"checkpoint_dir={folder!r} must be the path of a folder, or None")
    path = Path(folder).expanduser()
    for one in (path, *path.parents):
        if one.exists() and not one.is_dir():
            raise ValueError(f"checkpoint_dir={folder!r}: {str(one)!r} is a file; name a folder")
    if not isinstance(random_state, int | np.integer):
        raise ValueError(
            f"checkpoint_dir={folder!r} with random_state={random_state!r}: another process would "
            "draw other seeds, and never go on; give a whole number, such as random_state=0"
        )


def _check_together(forecaster: Any) -> None:
    if forecaster.early_stopping and not forecaster.validation_fraction:
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
    if forecaster.share_targets is True and forecaster.architecture == "vec2seq":
        raise ValueError(
            "share_targets=True with architecture='vec2seq', which reads no past: all targets "
            "would get one forecast; leave it 'auto'"
        )
    if forecaster.distribution is not None and forecaster.network is not None:
        raise ValueError(
            f"network= with distribution={forecaster.distribution!r}: your own network forecasts "
            "one number; wrap the forecaster in a ConformalForecaster for quantiles"
        )
    if forecaster.distribution is not None and forecaster.loss != "mae":
        raise ValueError(
            f"loss={forecaster.loss!r} with distribution={forecaster.distribution!r}, which has a "
            "loss of its own; leave loss='mae'"
        )
    if forecaster.network is not None and forecaster.reference == "seasons":
        raise ValueError(
            "network= with reference='seasons': your own network makes no mix of seasons; use "
            "'season', 'last' or 'smoothing'"
        )
    if forecaster.network is not None and forecaster.architecture == "seq2seq":
        raise ValueError(
            "network= with architecture='seq2seq': your own network forecasts once, after the "
            "context; use 'seq2vec'"
        )


def is_auto(value: Any) -> bool:
    """Whether a parameter is left to the toolkit."""
    return isinstance(value, str) and value == "auto"


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def is_number(value: Any) -> bool:
    """Whether a value is a number, and no bool."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
