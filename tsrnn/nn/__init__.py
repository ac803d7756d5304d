"""The inner world: recurrent networks in Keras, trained and run on plain arrays.

Nothing outside this folder imports Keras or TensorFlow, and this folder does so only when
a name in `_HOMES`, such as `train` or `predict`, is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any

_HOMES = {
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
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules:
        _keep_to_threads()
        with _silent_libraries() if level != "0" else nullcontext():
            _load_tensorflow()
    return getattr(import_module(_HOMES[name]), name)


def _load_tensorflow() -> None:
    """Import TensorFlow and compile next to nothing: some releases tell of the first time."""
    tf = import_module("tensorflow")
    tf.function(lambda: tf.constant(0.0) + 1.0, jit_compile=True, autograph=False)()


def _keep_to_threads() -> None:
    """Tell TensorFlow how many threads this process may use; OMP_NUM_THREADS it does not read.

    joblib sets that in its workers, so that together they use each core once.
    """
    if "OMP_NUM_THREADS" in os.environ:
        for kind in ("INTRAOP", "INTEROP"):
            os.environ.setdefault(f"TF_NUM_{kind}_THREADS", os.environ["OMP_NUM_THREADS"])


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """Send what compiled libraries write to standard error nowhere.

    While TensorFlow starts it tells of missing GPU drivers before its log level counts.
    A user who has set that level to 0 keeps every word.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
