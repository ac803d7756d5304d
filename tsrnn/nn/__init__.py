"""The inner world: recurrent networks in Keras; plain arrays come in and go out.

Nothing outside this folder imports Keras or TensorFlow, and this folder does so only when
a name in `_HOMES`, such as `train` or `predict`, is used.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from tsrnn.later import later
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

# TensorFlow's names of other versions and its profiler: 20 MB that no network here needs. What they
# register, such as how to count a graph's operations, comes with them.
_UNUSED = "tensorflow._api.v2.compat", "tensorflow._api.v2.profiler"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _load_tensorflow()
    return getattr(import_module(_HOMES[name]), name)


@cache
def _load_tensorflow() -> None:
    with silent_libraries(), later(*_UNUSED):
        _keep_to_threads(import_module("tensorflow").config.threading)


def _keep_to_threads(threads: Any) -> None:
    """Take as many threads as OMP_NUM_THREADS allows, unless the user tells TensorFlow otherwise.

    TensorFlow does not read it. joblib sets it in its workers, so that together they use each
    core once.
    """
    allowed = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    for kind in ("intra", "inter"):
        said = f"TF_NUM_{kind.upper()}OP_THREADS" in os.environ
        said |= getattr(threads, f"get_{kind}_op_parallelism_threads")() != 0
        if allowed.isdigit() and not said:
            # TensorFlow that is at work already cannot change its threads any more.
            with suppress(RuntimeError):
                getattr(threads, f"set_{kind}_op_parallelism_threads")(int(allowed))
