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
        with silent_libraries():
            _share_threads(import_module("tensorflow"))
    return getattr(import_module(_HOMES[name]), name)


def _share_threads(tf: Any) -> None:
    """Let operations run side by side, each on one thread.

    The parts of a batch keep all cores busy; threads that share an operation besides wait for
    each other, and their sums have another order. joblib says in OMP_NUM_THREADS how many threads
    each of its workers may use, which TensorFlow does not read. What the user says comes first.
    """
    if "TF_NUM_INTRAOP_THREADS" not in os.environ:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    if "TF_NUM_INTEROP_THREADS" not in os.environ and "OMP_NUM_THREADS" in os.environ:
        n_threads = int(os.environ["OMP_NUM_THREADS"].split(",")[0])
        tf.config.threading.set_inter_op_parallelism_threads(n_threads)
