"""A fit that fails leaves estimators as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def all_or_nothing(*estimators: Any) -> Iterator[None]:
    """Undo what is set on estimators in this block, where it raises.

    So an estimator that was not fitted stays so, and says it; a fitted one goes on with its last
    fit, all of it. Attributes come back as the objects that they were: what a block changes inside
    of these stays changed.

    Examples
    --------
    >>> from tsrnn import Naive
    >>> forecaster = Naive(1).fit([1.0, 2.0])
    >>> forecaster.fit([3.0, float("inf")])
    Traceback (most recent call last):
    ValueError: column 0 is infinity at row 1; replace inf by NaN (missing) or by a number
    >>> forecaster.predict()
    array([2.])
    """
    before = [vars(estimator).copy() for estimator in estimators]
    try:
        yield
    except BaseException:
        for estimator, kept in zip(estimators, before, strict=True):
            now = vars(estimator)
            now.update(kept)
            for name in now.keys() - kept.keys():
                del now[name]
        raise
