"""Import scikit-learn without `scipy.stats`, which takes more than half of the time.

What all of its estimators need imports that for one or two functions, which are looked up as
``scipy.stats.mode`` when they are called; scipy imports its submodules when they are looked up.
Pipelines and model selection do need `scipy.stats`, and load it then.
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
    """Import scikit-learn's base, but `scipy.stats` only if something in it is asked for."""
    with later("scipy.stats"):
        import_module("sklearn.base")


@contextmanager
def later(name: str) -> Iterator[None]:
    """Let ``import name`` do nothing within the block; what is asked of the module loads it.

    A submodule must not be imported by its full name within: that would execute it twice.
    """
    placeholder = _Placeholder(name)
    sys.modules.setdefault(name, placeholder)
    try:
        yield
    finally:
        _remove(placeholder)


class _Placeholder(ModuleType):
    """Stands for a module that nobody has asked for anything yet."""

    def __getattr__(self, name: str) -> Any:
        _remove(self)
        return getattr(import_module(self.__name__), name)


def _remove(placeholder: ModuleType) -> None:
    if sys.modules.get(placeholder.__name__) is placeholder:
        del sys.modules[placeholder.__name__]
