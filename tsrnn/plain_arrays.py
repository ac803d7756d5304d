"""Arrays of numbers, flags, texts and times, in JSON or in numpy's own format."""

from __future__ import annotations

import io
import math
import re
import sys
from typing import Any

import numpy as np
from numpy.lib import format as npy

from tsrnn.archive import Refused

# Arrays of at most so many elements stand in the JSON itself.
_FEW = 32
_WIDEST_TEXT = 4096
_KINDS = "biufUMm"
_INLINE = re.compile(r"[<>|=][biufU][0-9]{1,4}", re.ASCII)
_PLAIN_TYPES: dict[str, tuple[type, ...]] = {
    "b": (bool,),
    "i": (int,),
    "u": (int,),
    "f": (float, int),
    "U": (str,),
}


def is_plain(array: np.ndarray) -> bool:
    """Whether an array holds numbers, flags, texts or times that other machines know too."""
    widest = 8 if array.dtype.kind == "f" else np.inf  # not the long double of a machine
    return array.dtype.kind in _KINDS and array.dtype.itemsize <= widest


def is_small(array: np.ndarray) -> bool:
    """Whether JSON holds the array as exactly and about as briefly as a file of its own."""
    dtype = array.dtype
    return (
        array.size <= _FEW
        and array.flags.c_contiguous
        and dtype.kind in _PLAIN_TYPES
        and dtype.itemsize <= _WIDEST_TEXT
        and (dtype.kind != "f" or bool(np.isfinite(array).all()))
    )


def to_json(array: np.ndarray) -> dict[str, Any]:
    """Write a small array as JSON."""
    return {
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "values": array.ravel().tolist(),
    }


def from_json(dtype: str, shape: list[Any], values: list[Any]) -> np.ndarray:
    """Read a small array.

    Raises
    ------
    Refused
        If the values are not those of such an array.
    """
    if not _INLINE.fullmatch(dtype) or len(values) > _FEW:
        raise Refused(f"it has an array of type {dtype!r} with {len(values)} values")
    wanted = np.dtype(dtype)
    check_shape(shape, len(values))
    if any(type(value) not in _PLAIN_TYPES[wanted.kind] for value in values):
        raise Refused(f"an array of type {dtype!r} has values of another")
    if wanted.itemsize > _WIDEST_TEXT:
        raise Refused(f"it has an array of type {dtype!r}, which is too wide")
    return np.array(values, dtype=wanted).reshape(shape)


def check_shape(shape: Any, n_values: int) -> None:
    """Refuse a shape that does not hold this number of values."""
    whole = isinstance(shape, list | tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not whole or len(shape) > 32 or math.prod(shape) != n_values:
        raise Refused(f"an array of {n_values} values is said to have the shape {shape!r}")


def to_npy(array: np.ndarray) -> bytes:
    """Write an array in numpy's format, without pickle."""
    buffer = io.BytesIO()
    npy.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def from_npy(content: bytes, name: str) -> np.ndarray:
    """Read an array from numpy's format; its header is believed only as far as there are bytes.

    Raises
    ------
    Refused
        If it is no such array, or holds anything else than numbers, flags, texts and times.
    """
    buffer = io.BytesIO(content)
    try:
        version = npy.read_magic(buffer)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(buffer)
    except Exception as error:  # it parses a Python literal, which fails in many ways
        raise Refused(f"its member {name!r} is no array ({error})") from error
    body = memoryview(content)[buffer.tell() :]
    if dtype.kind not in _KINDS:
        raise Refused(f"its member {name!r} holds {dtype}; only plain numbers are read")
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes != len(body) or len(shape) > 32:
        raise Refused(
            f"its member {name!r} is said to hold {n_bytes} bytes, but has {len(body)}: shape "
            f"{shape}, type {dtype}"
        )
    return _laid_out(body, shape, fortran, dtype)


def _laid_out(body: memoryview, shape: tuple[int, ...], fortran: bool, dtype: Any) -> np.ndarray:
    if not len(body):
        return np.empty(shape, dtype, order="F" if fortran else "C")
    flat = np.frombuffer(body, np.uint8)
    if dtype.kind == "b" and flat.max() > 1:
        raise Refused("an array of flags has others than 0 and 1")
    values = flat.view(dtype)
    # numpy itself would make texts of numbers that are no characters.
    if dtype.kind == "U" and flat.view(f"{dtype.byteorder}u4").max() > sys.maxunicode:
        raise Refused("an array of texts has others than characters")
    ordered = values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
    return ordered.copy(order="K")
