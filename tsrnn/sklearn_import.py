"""Import scikit-learn without `scipy.stats`, which takes more than half of the time.

What all of its estimators need imports that for one or two functions, which are looked up as
``scipy.stats.mode`` when they are called; scipy imports its submodules when they are looked up.
Pipelines and model selection do need `scipy.stats`, and load it then.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from tsrnn.later import later


@cache
def import_sklearn() -> None:
    """Import scikit-learn's base, but `scipy.stats` only if something in it is asked for."""
    with later("scipy.stats"):
        import_module("sklearn.base")
