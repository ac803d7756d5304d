"""Values as JSON and arrays, and back: each kind of value that a file may hold stands in a table.

What JSON has itself (None, flags, whole and finite numbers, texts, lists) stays as it is. Any
other value becomes an object of one entry, its kind: ``{"tuple": [1, 2]}``. Reading looks the kind
up among those it is given, so a file can make no values but of these.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from tsrnn import plain_arrays
from tsrnn.archive import Refused
from tsrnn.plain_types import is_label

_MEMBER = "arrays/{}.npy"
# What to do about values that a file cannot hold, by the name of the parameter.
_REMEDIES = {
    "network": "keep the network itself: export_keras(path)",
    "loss": "set it to the name of a Keras loss, or keep the network itself: export_keras(path)",
    "optimizer": "set it to a name, such as 'adam', or keep the network itself: export_keras(path)",
    "learning_rate": "set it to a number or 'auto'",
    "callbacks": "set it to None",
    "random_state": "set it to a whole number or None",
    "memory": "set it to None: a file does not say which folder of pickles to trust",
    "func": "use a function that numpy has, such as np.log1p, or a transformer of scikit-learn",
    "inverse_func": "use a function that numpy has, such as np.expm1",
    "factory": "StatsmodelsForecaster can be kept by pickle or joblib.dump only",
}
_OTHERWISE = "give it as plain numbers and names, or keep the forecaster by joblib.dump"


@dataclass(frozen=True)
class Kind:
    """One kind of value: its name in files, its types, and the way there and back.

    ``write(value, writer, where)`` returns JSON; ``read(payload, reader)`` the value. Values of
    subclasses are of the kind only if `subclasses` says so.
    """

    name: str
    types: tuple[type, ...]
    write: Callable[[Any, Writer, str], Any]
    read: Callable[[Any, Reader], Any]
    subclasses: bool = False


class Writer:
    """Turns values into JSON, and keeps their arrays as members of a file.

    Attributes
    ----------
    members : dict of str to bytes
        The arrays so far.
    places : dict of int to int
        Order in which estimators were written, by their id: one that occurs twice is one.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._exact = {of: kind for kind in kinds if not kind.subclasses for of in kind.types}
        self._families = [kind for kind in kinds if kind.subclasses]
        self.members: dict[str, bytes] = {}
        self.places: dict[int, int] = {}

    def value(self, value: Any, where: str) -> Any:
        """Write a value; `where` is what messages call it.

        Raises
        ------
        TypeError
            If it is of no kind that a file may hold, naming it and the remedy.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) is list:
            return [self.value(one, f"{where}[{i}]") for i, one in enumerate(value)]
        kind = self._kind_of(value)
        if kind is None:
            raise unwritable(value, where)
        return {kind.name: kind.write(value, self, where)}

    def member(self, array: np.ndarray) -> str:
        """Keep an array as a member of its own; return its name."""
        name = _MEMBER.format(len(self.members))
        self.members[name] = plain_arrays.to_npy(array)
        return name

    def _kind_of(self, value: Any) -> Kind | None:
        exact = self._exact.get(type(value))
        among = (kind for kind in self._families if isinstance(value, kind.types))
        return next(among, None) if exact is None else exact


class Reader:
    """Turns JSON and the arrays of a file back into values.

    Attributes
    ----------
    estimators : list
        Those that are complete, in the order in which they were written.
    """

    def __init__(self, kinds: Sequence[Kind], members: Mapping[str, bytes]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._members = members
        self.estimators: list[Any] = []

    def value(self, plain: Any) -> Any:
        """Read a value.

        Raises
        ------
        Refused
            If it is of an unknown kind, or not what its kind says. Constructors of pandas and
            numpy raise errors of their own for impossible values.
        """
        if isinstance(plain, list):
            return [self.value(one) for one in plain]
        if not isinstance(plain, dict):
            return plain
        if len(plain) != 1:
            raise Refused(f"a value has the entries {reprlib.repr(list(plain))} instead of a kind")
        ((name, payload),) = plain.items()
        if name not in self._kinds:
            raise Refused(f"it has a value of the unknown kind {name!r}")
        return self._kinds[name].read(payload, self)

    def of(self, plain: Any, wanted: Any) -> Any:
        """Read a value that has to be of a type (or one of several)."""
        value = self.value(plain)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise Refused(f"it has a {type(value).__name__} where {wanted} belongs")
        return value

    def member(self, name: Any) -> np.ndarray:
        """Read the array that a member holds."""
        if not isinstance(name, str) or not name.endswith(".npy") or name not in self._members:
            raise Refused(f"its array {name!r} is missing")
        return plain_arrays.from_npy(self._members[name], name)


def unwritable(value: Any, where: str) -> TypeError:
    """Say that a value cannot be written, and what to do about it."""
    name = where.rpartition(".")[2].partition("[")[0]
    shown = reprlib.repr(value)
    return TypeError(
        f"{where}={shown} cannot be written to a file (it is a {type(value).__name__}); "
        f"{_REMEDIES.get(name, _OTHERWISE)}"
    )


def entries(payload: Any, *names: str) -> tuple[Any, ...]:
    """Entries of a JSON object that has these and no others.

    Raises
    ------
    Refused
        If it is no such object.
    """
    if not isinstance(payload, dict) or set(payload) != set(names):
        raise Refused(f"it lacks one of the entries {list(names)}, or has another")
    return tuple(payload[name] for name in names)


def listed(payload: Any) -> list[Any]:
    """Return a JSON list; anything else is refused."""
    if not isinstance(payload, list):
        raise Refused(f"it has a {type(payload).__name__} where a list belongs")
    return payload


def _write_dict(value: dict, writer: Writer, where: str) -> Any:
    pairs = []
    for key, one in value.items():
        if not is_label(key):
            raise unwritable(key, f"a key of {where}")
        name = f"{where}[{key!r}]"
        pairs.append([writer.value(key, name), writer.value(one, name)])
    return pairs


def _read_dict(payload: Any, reader: Reader) -> dict:
    answer = {}
    for pair in listed(payload):
        key, value = map(reader.value, listed(pair))
        if not is_label(key) or key in answer:
            raise Refused(f"a dictionary has the key {reprlib.repr(key)}, or has it twice")
        answer[key] = value
    return answer


def _write_array(array: np.ndarray, writer: Writer, where: str) -> Any:
    if array.dtype == object:
        objects = [writer.value(one, where) for one in array.ravel()]
        return {"objects": objects, "shape": list(array.shape)}
    if not plain_arrays.is_plain(array):
        raise unwritable(array, where)
    if plain_arrays.is_small(array):
        return plain_arrays.to_json(array)
    return writer.member(array)


def _read_array(payload: Any, reader: Reader) -> np.ndarray:
    if isinstance(payload, str):
        return reader.member(payload)
    if isinstance(payload, dict) and "objects" in payload:
        objects, shape = entries(payload, "objects", "shape")
        return _read_objects(objects, shape, reader)
    dtype, shape, values = entries(payload, "dtype", "shape", "values")
    return plain_arrays.from_json(str(dtype), listed(shape), listed(values))


def _read_objects(objects: Any, shape: Any, reader: Reader) -> np.ndarray:
    values = [reader.value(one) for one in listed(objects)]
    plain_arrays.check_shape(shape, len(values))
    flat = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # values may be lists, which one assignment would unpack
        flat[i] = value
    return flat.reshape(shape)


def _read_scalar(payload: Any, reader: Reader) -> Any:
    array = _read_array(payload, reader)
    if array.shape != () or array.dtype == object:
        raise Refused("a number has more than one value")
    return array[()]


def _read_float(payload: Any, reader: Reader) -> float:
    if payload not in ("nan", "inf", "-inf"):
        raise Refused(f"it has the number {payload!r}")
    return float(payload)


def _read_range(payload: Any, reader: Reader) -> range:
    bounds = listed(payload)
    return range(*(reader.of(bound, int) for bound in bounds))


def _read_path(payload: Any, reader: Reader) -> Path:
    if not isinstance(payload, str):
        raise Refused("it has a path that is no text")
    return Path(payload)


BASIC_KINDS = [
    Kind("float", (float,), lambda value, *_: repr(value), _read_float),
    Kind(
        "tuple",
        (tuple,),
        lambda value, writer, where: writer.value(list(value), where),
        lambda payload, reader: tuple(map(reader.value, listed(payload))),
    ),
    Kind("dict", (dict,), _write_dict, _read_dict),
    Kind("range", (range,), lambda v, *_: [v.start, v.stop, v.step], _read_range),
    Kind("array", (np.ndarray,), _write_array, _read_array),
    Kind(
        "scalar",
        (np.generic,),
        lambda value, writer, where: _write_array(np.asarray(value), writer, where),
        _read_scalar,
        subclasses=True,
    ),
    Kind("path", (PurePath,), lambda v, *_: str(v), _read_path, subclasses=True),
]
