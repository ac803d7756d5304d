"""Import a module when something in it is asked for, if ever.

`importlib.util.LazyLoader` leaves the module in `sys.modules`, where whatever looks through all
modules loads it (`inspect.getmodule` does), and in Python 3.11 it fails when threads ask at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


@contextmanager
def later(*names: str) -> Iterator[None]:
    """Let imports of these modules do nothing within the block; what is asked of one loads it.

    A module that is imported already stays as it is. A submodule of one must not be imported
    by its full name within: that would execute it twice.
    """
    placeholders = [_Placeholder(name) for name in names]
    for each in placeholders:
        sys.modules.setdefault(each.__name__, each)
    try:
        yield
    finally:
        for each in placeholders:
            _remove(each)


class _Placeholder(ModuleType):
    """Stands for a module that nobody has asked for anything yet, and then holds its names."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module(), name)

    def __dir__(self) -> list[str]:
        return dir(self._module())

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)

    def _module(self) -> ModuleType:
        _remove(self)
        module = import_module(self.__name__)
        vars(self).update(vars(module))
        return module


def _remove(placeholder: ModuleType) -> None:
    if sys.modules.get(placeholder.__name__) is placeholder:
        sys.modules.pop(placeholder.__name__, None)
