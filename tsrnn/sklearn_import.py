"""Import scikit-learn without `scipy.stats`, which takes two thirds of the time.

scikit-learn imports it for one function, ``mode``, which it looks up as ``scipy.stats.mode`` when
it is called; scipy imports its submodules when they are looked up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


@cache
def import_sklearn() -> None:
    """Import scikit-learn, but `scipy.stats` only if something in it is asked for."""
    with later("scipy.stats"):
        import_module("sklearn.base")


@contextmanager
def later(name: str) -> Iterator[None]:
    """Let ``import name`` do nothing within the block; what is asked of the module loads it."""
    if name in sys.modules:
        yield
        return
    place = sys.modules[name] = _Placeholder(name)
    try:
        yield
    finally:
        _give_up(place)


class _Placeholder(ModuleType):
    """Stands for a module that nobody has asked for anything yet."""

    def __getattr__(self, name: str) -> Any:
        _give_up(self)
        return getattr(import_module(self.__name__), name)


def _give_up(place: ModuleType) -> None:
    if sys.modules.get(place.__name__) is place:
        del sys.modules[place.__name__]
