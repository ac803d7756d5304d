"""Whether values are of the types that annotations promise."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from numbers import Integral
from types import UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pandas as pd

_TIMES = (pd.Timestamp, pd.Timedelta, pd.Period, type(pd.NaT), type(pd.NA))
_LABELS = (bool, int, float, str, np.generic, *_TIMES)


def is_label(value: Any) -> bool:
    """Whether a value can be the name of a column or series: it is hashed at once."""
    if isinstance(value, tuple):
        return all(map(is_label, value))
    return value is None or isinstance(value, _LABELS)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, all the way down.

    Examples
    --------
    >>> fits((1, 2), tuple[int, ...]), fits((1, "a"), tuple[int, ...]), fits(None, int | None)
    (True, False, True)
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in args)
    if origin is tuple:
        return type(value) is tuple and all(fits(one, args[0]) for one in value)
    if origin is list:
        return type(value) is list and all(fits(one, args[0]) for one in value)
    if origin is dict:
        return type(value) is dict and all(
            fits(key, args[0]) and fits(one, args[1]) for key, one in value.items()
        )
    return _is_of(value, hint if origin is None else origin)


def _is_of(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint is Callable:  # a file holds none
        return False
    if hint is Hashable:
        return is_label(value)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if hint is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, float | np.floating | Integral) and not isinstance(value, bool)
    return isinstance(value, hint)
