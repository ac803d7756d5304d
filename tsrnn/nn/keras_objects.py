"""Losses, optimizers and rates: whose code they are, and what they were made with."""

from __future__ import annotations

import inspect
import json
from typing import Any

import keras

from tsrnn.nn.spec import NetworkSpec, TrainSpec

_REMEDIES = {
    "network": "leave network=None",
    "loss": "use a loss of Keras by name or object",
    "optimizer": "use an optimizer of Keras by name or object, with a rate of Keras",
    "learning_rate": "use a number or a schedule of Keras",
}


def is_kerass_own(part: Any) -> bool:
    """Whether a loss, optimizer or rate is a name, a number, or an object of Keras itself.

    An object of Keras that holds one of the user, as an optimizer its rate, is not.
    """
    if part is None or isinstance(part, str | float):
        return True
    is_function = inspect.isfunction(part)
    home = part.__module__ if is_function else type(part).__module__
    if home.split(".")[0] != "keras":
        return False
    return is_function or _holds_only_keras(keras.saving.serialize_keras_object(part))


def _holds_only_keras(config: Any) -> bool:
    if isinstance(config, list | tuple):
        return all(map(_holds_only_keras, config))
    if not isinstance(config, dict):
        return True
    is_own = "class_name" in config and not str(config.get("module")).startswith("keras")
    return not is_own and all(map(_holds_only_keras, config.values()))


def described(part: Any) -> str:
    """Describe what `is_kerass_own`, alike in every process.

    Returns
    -------
    text : str
        JSON; the same for two objects of one configuration.
    """
    # Huber leaves its delta out of its configuration.
    whole = [keras.saving.serialize_keras_object(part), getattr(part, "_fn_kwargs", None)]
    return json.dumps(_nameless(whole), sort_keys=True, default=str)


def _nameless(config: Any) -> Any:
    """Leave out names, which Keras numbers as they come: adam, adam_1."""
    if isinstance(config, list | tuple):
        return [_nameless(one) for one in config]
    if isinstance(config, dict):
        return {key: _nameless(one) for key, one in config.items() if key != "name"}
    return config


def refuse_own_code(spec: NetworkSpec, how: TrainSpec) -> None:
    """Refuse checkpoints of a training that runs code of the user.

    Raises
    ------
    ValueError
        Naming the parameter and the remedy.
    """
    if how.checkpoint_dir is None:
        return
    for name, remedy in _REMEDIES.items():
        part = getattr(spec if name == "network" else how, name)
        if not is_kerass_own(part):
            raise ValueError(
                f"{name}={part!r} with checkpoint_dir={how.checkpoint_dir!r}: its code may change "
                f"unseen between two processes; {remedy}, or set checkpoint_dir=None"
            )
