"""A fit that fails leaves the estimator as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

Estimator = TypeVar("Estimator")
P = ParamSpec("P")


def all_or_nothing(
    fit: Callable[Concatenate[Estimator, P], Estimator],
) -> Callable[Concatenate[Estimator, P], Estimator]:
    """Undo what a `fit` has set on its estimator, where it raises.

    An estimator that was not fitted stays so, and says it; a fitted one goes on with its last fit,
    all of it.

    Examples
    --------
    >>> from tsrnn import Naive
    >>> forecaster = Naive(1).fit([1.0, 2.0])
    >>> forecaster.fit([3.0, float("inf")])
    Traceback (most recent call last):
        ...
    ValueError: column 0 is infinity at row 1; replace inf by NaN (missing) or by a number
    >>> forecaster.predict()
    array([2.])
    """

    @wraps(fit)
    def fit_or_undo(self: Estimator, /, *args: P.args, **kwargs: P.kwargs) -> Estimator:
        before = vars(self).copy()
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return fit_or_undo
