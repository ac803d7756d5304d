"""The inner world: recurrent networks in Keras, trained and run on plain arrays.

Nothing outside this folder imports Keras or TensorFlow, and this folder does so only when
a name in `_HOMES`, such as `train` or `predict`, is used.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from tsrnn.nn.silence import silent_libraries

_HOMES = {
    "arrays_of": "tsrnn.nn.data",
    "train": "tsrnn.nn.training",
    "train_members": "tsrnn.nn.members",
    "predict": "tsrnn.nn.inference",
    "build_model": "tsrnn.nn.inference",
    "trace": "tsrnn.nn.traces",
    "mean_gradients": "tsrnn.nn.gradients",
    "fresh_weights": "tsrnn.nn.gradients",
    "losses_of": "tsrnn.nn.gradients",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if "tensorflow" not in sys.modules:
        _keep_to_threads()
        with silent_libraries():
            import_module("tensorflow")
    return getattr(import_module(_HOMES[name]), name)


def _keep_to_threads() -> None:
    """Tell TensorFlow how many threads this process may use; OMP_NUM_THREADS it does not read.

    joblib sets that in its workers, so that together they use each core once.
    """
    if "OMP_NUM_THREADS" in os.environ:
        for kind in ("INTRAOP", "INTEROP"):
            os.environ.setdefault(f"TF_NUM_{kind}_THREADS", os.environ["OMP_NUM_THREADS"])
