"""A name for a training: the same in every process, another for any other training."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Iterable
from dataclasses import fields, replace
from types import CodeType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.inputs import TrainingData
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

    Functions count by their name and code, objects of Keras by their configuration, other objects
    by their class and the numbers, texts and functions that they hold. So do versions of tsrnn,
    Keras and TensorFlow, which need not calculate alike.

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
    parts: list[Any] = [__version__, keras.__version__, tf.__version__]
    parts += [repr(replace(spec, network=None)), _described(spec.network)]
    parts += map(_described, plan)
    parts += [[type(one).__qualname__, *_functions(one)] for one in how.callbacks]
    parts += [one for one in given if not isinstance(one, np.ndarray)]
    sha = hashlib.sha256(json.dumps(parts, default=repr).encode())
    arrays = [one for one in given if isinstance(one, np.ndarray)]
    for array in [*arrays, *([] if validation is None else [validation]), *start]:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]


def _described(part: Any) -> Any:
    """Describe a part of the training in JSON that is the same in every process."""
    if part is None or isinstance(part, str | int | float | np.number):
        return repr(part)
    if isinstance(part, list | tuple):
        return [_described(one) for one in part]
    if isinstance(part, dict):  # Keras numbers its names: adam, adam_1
        return {repr(key): _described(one) for key, one in part.items() if key != "name"}
    if isinstance(part, functools.partial):
        return [_described(one) for one in (part.func, part.args, part.keywords)]
    if inspect.isfunction(part):
        return _function(part)
    if inspect.ismethod(part):
        return [_function(part.__func__), _described(part.__self__)]
    name = getattr(part, "__qualname__", type(part).__qualname__)
    config = part.get_config() if hasattr(part, "get_config") else {}
    config |= getattr(part, "_fn_kwargs", {})  # Huber leaves its delta out
    plain = {key: one for key, one in _held(part) if _is_plain(one)}
    return [name, _described(config), _described(plain), *_functions(part)]


def _functions(part: Any) -> list[Any]:
    return [_function(one) for _, one in _held(part) if inspect.isfunction(one)]


def _held(part: Any) -> list[tuple[str, Any]]:
    return sorted(getattr(part, "__dict__", {}).items())


def _function(function: Any) -> list[Any]:
    """Name and code of a function, and the plain values that it was made with."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    given = [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    values = [repr(one) if _is_plain(one) else type(one).__qualname__ for one in given]
    return [function.__qualname__, _code(function.__code__), values]


def _code(code: CodeType) -> list[Any]:
    """Bytecode with its names and constants, wherever it stands in a file."""
    constants = [
        _code(one) if isinstance(one, CodeType) else repr(one)
        for one in code.co_consts
        if not isinstance(one, frozenset)  # their order changes from process to process
    ]
    return [code.co_code.hex(), code.co_names, constants]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | np.number)
