"""A name for a training: the same in every process, another for any other training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields
from itertools import chain
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.nn.keras_objects import described
from tsrnn.nn.spec import NetworkSpec, TrainSpec

# Of the training, what does not change its result.
_ASIDE = ("progress", "checkpoint_dir", "callbacks")


def fingerprint(
    arrays: dict[str, Any],
    spec: NetworkSpec,
    how: TrainSpec,
    validation: np.ndarray | None,
    start: Iterable[np.ndarray],
) -> str:
    """Hash all that decides how a network comes out of its training.

    Objects of Keras count by their configuration, callbacks by their class; code of the user is
    refused before (`tsrnn.nn.keras_objects`). Versions of tsrnn, Keras and TensorFlow count too,
    as they need not calculate alike.

    Parameters
    ----------
    arrays, spec, how, validation : as in `tsrnn.nn.training.train`
    start : iterable of ndarray
        Weights, states of random generators and variables of the optimizer at the start.

    Returns
    -------
    name : str
        32 hexadecimal digits, the first half of a SHA-256.
    """
    from tsrnn import __version__

    plan = [getattr(how, field.name) for field in fields(how) if field.name not in _ASIDE]
    parts = [__version__, keras.__version__, tf.__version__, repr(spec), *map(described, plan)]
    parts += [type(one).__qualname__ for one in how.callbacks]
    parts += sorted(arrays)
    sha = hashlib.sha256(json.dumps(parts, default=repr).encode())
    given = (arrays[name].numpy() for name in sorted(arrays))
    for array in chain(given, [] if validation is None else [validation], start):
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]
