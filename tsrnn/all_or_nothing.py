"""A fit that fails leaves the estimator as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Undo what is set on an estimator in this block, where it raises.

    So an estimator that was not fitted stays so, and says it; a fitted one goes on with its last
    fit, all of it.

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
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
