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
    _load_tensorflow()
    return getattr(import_module(_HOMES[name]), name)


@cache
def _load_tensorflow() -> None:
    with silent_libraries():
        _share_threads(import_module("tensorflow").config.threading)


def _share_threads(threads: Any) -> None:
    """Let operations run side by side, each on one thread, unless the user says otherwise.

    The parts of a batch keep all cores busy. If threads share the operations of each part too,
    parts wait for each other, and sums have another order. joblib says in OMP_NUM_THREADS how
    many threads each of its workers may use, which TensorFlow does not read.
    """
    side_by_side = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    for kind, number in (("intra", "1"), ("inter", side_by_side)):
        said = f"TF_NUM_{kind.upper()}OP_THREADS" in os.environ
        said |= getattr(threads, f"get_{kind}_op_parallelism_threads")() != 0
        if number.isdigit() and not said:
            # TensorFlow that is at work already cannot change its threads any more.
            with suppress(RuntimeError):
                getattr(threads, f"set_{kind}_op_parallelism_threads")(int(number))
