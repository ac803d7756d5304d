"""Estimators and dataclasses as JSON and arrays, and back: those that stand in two fixed tables.

A file says only the name of a class. It is looked up here, its attributes are checked against
what the class says of them, and no constructor or other code of the class runs.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from functools import cache
from importlib import import_module
from types import NoneType
from typing import Any, get_type_hints

import numpy as np
from sklearn.base import BaseEstimator

from tsrnn.archive import Refused
from tsrnn.plain import Kind, Reader, Writer, entries, unwritable
from tsrnn.plain_types import fits
from tsrnn.saved_attributes import check_fitted, check_parts

_ESTIMATORS = {
    "tsrnn.forecasters": (
        *("RNNForecaster", "LSTMForecaster", "GRUForecaster", "SimpleRNNForecaster"),
    ),
    "tsrnn.baselines": (
        *("Naive", "SeasonalNaive", "Drift", "HistoricAverage", "ETS", "Theta", "ARIMA"),
        *("AutoReg", "STLForecaster", "StatsmodelsForecaster", "UnobservedComponents", "VAR"),
    ),
    "tsrnn.pipeline": ("ForecastPipeline",),
    "tsrnn.intervals": ("ConformalForecaster",),
    "tsrnn.frame_step": ("FrameStep",),
    "tsrnn.windows": ("SlidingWindow",),
    "tsrnn.preprocessing": ("Deseasonalizer", "Differencer"),
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.preprocessing": (
        *("FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "RobustScaler", "StandardScaler"),
    ),
}
_DATACLASSES = {
    "tsrnn.panel": ("Columns", "Container", "Panel"),
    "tsrnn.timegrid": ("TimeGrid",),
    "tsrnn.encoding": ("Encoding",),
    "tsrnn.nn.spec": ("NetworkSpec", "TrainSpec"),
    "tsrnn.statistical.fitting": ("Fitted",),
    "tsrnn.steps": ("Chain",),
    "tsrnn.frame_history": ("FrameHistory",),
}
# Functions that a FunctionTransformer may have.
_FUNCTIONS = (
    *("log", "exp", "log1p", "expm1", "log2", "exp2", "log10", "sqrt", "square", "cbrt"),
    *("arcsinh", "sinh", "arctanh", "tanh", "negative", "reciprocal"),
)
# Of the training, a file keeps no live objects: what stands for them.
_LIVE = {"loss": None, "optimizer": None, "learning_rate": None, "callbacks": ()}
_ATTRIBUTE = re.compile(r"_?[A-Za-z][A-Za-z0-9_]*(?<!__)", re.ASCII)


@cache
def _home(name: str, table: str) -> type:
    """Look up a class by its name; the table says from which module it comes."""
    homes = {"estimator": _ESTIMATORS, "data": _DATACLASSES}[table]
    for home, names in homes.items():
        if name in names:
            return getattr(import_module(home), name)
    raise Refused(
        f"it has an object of the unknown class {name!r}",
        "update tsrnn if a newer one wrote the file; other classes are not loaded",
    )


def _is_known(of: type, table: str) -> bool:
    homes = {"estimator": _ESTIMATORS, "data": _DATACLASSES}[table]
    every = {name for names in homes.values() for name in names}
    return of.__name__ in every and _home(of.__name__, table) is of


def _write_data(value: Any, writer: Writer, where: str) -> Any:
    if not _is_known(type(value), "data"):
        raise unwritable(value, where)
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if type(value).__name__ == "TrainSpec":
        fields |= {n: none for n, none in _LIVE.items() if not _is_plain(fields[n])}
    plain = {name: writer.value(one, f"{where}.{name}") for name, one in fields.items()}
    return {"class": type(value).__name__, "fields": plain}


def _is_plain(value: Any) -> bool:
    return value == () or isinstance(value, str | int | float | NoneType)


def _read_data(payload: Any, reader: Reader) -> Any:
    name, plain = entries(payload, "class", "fields")
    of = _home(str(name), "data")
    values = {key: reader.value(one) for key, one in _named_entries(plain, name)}
    for key, hint in _hints(of).items():
        if key in values and not fits(values[key], hint):
            raise Refused(f"{name}.{key} is a {type(values[key]).__name__}, not {hint}")
    answer = of(**values)  # raises TypeError for a field that is missing or unknown
    check_parts(answer)
    return answer


def _named_entries(plain: Any, name: Any) -> list[tuple[str, Any]]:
    if not isinstance(plain, dict):
        raise Refused(f"{name} has no names of its parts")
    return list(plain.items())


@cache
def _hints(of: type) -> dict[str, Any]:
    hints = get_type_hints(of)
    return {field.name: hints[field.name] for field in dataclasses.fields(of)}


def _write_estimator(value: Any, writer: Writer, where: str) -> Any:
    if id(value) in writer.places:
        return {"as": writer.places[id(value)]}
    if not _is_known(type(value), "estimator"):
        raise unwritable(value, where or "the forecaster")
    inside = f"{where}." if where else ""
    plain = {}
    for name, one in vars(value).items():
        if name == "memory" and one is not None:
            raise unwritable(one, f"{inside}{name}")
        plain[name] = writer.value(one, f"{inside}{name}")
    writer.places[id(value)] = len(writer.places)
    return {"class": type(value).__name__, "attributes": plain}


def _read_estimator(payload: Any, reader: Reader) -> Any:
    if isinstance(payload, dict) and "as" in payload:
        place = reader.of(entries(payload, "as")[0], int)
        if not 0 <= place < len(reader.estimators):
            raise Refused(f"it refers to the estimator {place}, which it does not hold")
        return reader.estimators[place]
    name, plain = entries(payload, "class", "attributes")
    of = _home(str(name), "estimator")
    attributes = {key: reader.value(one) for key, one in _named_entries(plain, name)}
    estimator: Any = object.__new__(of)
    vars(estimator).update(_parameters(of, attributes) | attributes)
    check_fitted(estimator)
    reader.estimators.append(estimator)
    return estimator


def _parameters(of: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Check the names of attributes; return defaults of parameters that an older tsrnn lacked."""
    known = inspect.signature(of.__init__).parameters
    for name in attributes.keys() - known.keys():
        if not _ATTRIBUTE.fullmatch(name) or hasattr(of, name):
            raise Refused(f"a {of.__name__} has no attribute {name!r}")
    if attributes.get("memory") is not None:
        raise Refused(f"a {of.__name__} has a folder of pickles, memory={attributes['memory']!r}")
    rest = [p for name, p in known.items() if name not in {"self", *attributes}]
    missing = [p.name for p in rest if p.default is inspect.Parameter.empty]
    if missing:
        raise Refused(f"a {of.__name__} lacks its {missing}")
    return {p.name: p.default for p in rest}


def _write_function(value: Any, writer: Writer, where: str) -> str:
    name = value.__name__
    if name not in _FUNCTIONS or getattr(np, name) is not value:
        raise unwritable(value, where)
    return name


def _read_function(payload: Any, reader: Reader) -> Any:
    if payload not in _FUNCTIONS:
        raise Refused(f"it has the unknown function {payload!r}")
    return getattr(np, payload)


OBJECT_KINDS = [
    Kind("function", (np.ufunc,), _write_function, _read_function),
    Kind("estimator", (BaseEstimator,), _write_estimator, _read_estimator, subclasses=True),
    # What none of the other kinds takes is a known dataclass, or cannot be written.
    Kind("data", (object,), _write_data, _read_data, subclasses=True),
]
