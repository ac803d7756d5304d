"""The inner world: recurrent networks in Keras, trained and run on plain arrays.

Nothing outside this folder imports Keras or TensorFlow, and this folder does so only when
`train`, `predict` or `build_model` is called.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

# Silence TensorFlow's start-up notices unless the user has asked for them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

_HOMES = {
    "train": "tsrnn.nn.training",
    "predict": "tsrnn.nn.inference",
    "build_model": "tsrnn.nn.inference",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
