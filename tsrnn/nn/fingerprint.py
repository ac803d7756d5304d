"""A name for a training: the same in every process, another for any other training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields

import keras
import numpy as np
import tensorflow as tf

from tsrnn.inputs import TrainingData
from tsrnn.nn.keras_objects import described
from tsrnn.nn.spec import NetworkSpec, TrainSpec

# Of the training, what does not change its result.
_ASIDE = ("progress", "checkpoint_dir", "callbacks")


def fingerprint(
    data: TrainingData,
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
    data, spec, how, validation : as in `tsrnn.nn.training.train`
    start : iterable of ndarray
        Weights, states of random generators and variables of the optimizer at the start.

    Returns
    -------
    name : str
        32 hexadecimal digits, the first half of a SHA-256.
    """
    from tsrnn import __version__

    given = [getattr(data, field.name) for field in fields(data)]
    plan = [getattr(how, field.name) for field in fields(how) if field.name not in _ASIDE]
    parts = [__version__, keras.__version__, tf.__version__, repr(spec), *map(described, plan)]
    parts += [type(one).__qualname__ for one in how.callbacks]
    parts += [one for one in given if not isinstance(one, np.ndarray)]
    sha = hashlib.sha256(json.dumps(parts, default=repr).encode())
    arrays = [one for one in given if isinstance(one, np.ndarray)]
    for array in [*arrays, *([] if validation is None else [validation]), *start]:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]
