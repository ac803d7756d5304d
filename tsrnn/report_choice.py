"""What a report draws of a backtest that is too large to be drawn whole."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

MOST_LINES = 6
MOST_MODELS = 4
MOST_CUTOFFS = 8
_MOST_STEPS = 400  # of all cutoffs of a line together
_RANKS = {
    0.0: "the smallest error",
    0.25: "an error that a quarter of the series stay below",
    0.5: "the median error",
    0.75: "an error that a quarter of the series exceed",
    1.0: "the largest error",
}


@dataclass(frozen=True)
class Line:
    """A target of a series, and why it is drawn ("" if all are)."""

    series: Hashable
    target: Hashable
    reason: str


def choose_lines(errors: pd.Series) -> list[Line]:
    """Choose at most 6 series and targets by the error of the leading model.

    Parameters
    ----------
    errors : Series
        Indexed by series and target, in their order; NaN where there is no scale.

    Returns
    -------
    lines : list of Line
        All, if they are few. Else the first, and those whose errors are the smallest, at the
        quartiles and the largest; one that is two of these is drawn once.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b", "c", "d", "e", "f", "g"], ["y"]])
    >>> chosen = choose_lines(pd.Series([4.0, 2, 7, 1, 6, 3, 5], index))
    >>> [line.series for line in chosen], chosen[-1].reason
    (['a', 'd', 'f', 'g', 'c'], 'the largest error')
    """
    lines = list(errors.index)
    if len(lines) <= MOST_LINES:
        return [Line(series, target, "") for series, target in lines]
    reasons = {lines[0]: ["the first of all"]}
    ranked = list(errors[np.isfinite(errors)].sort_values(kind="stable").index)
    for share, reason in _RANKS.items() if ranked else ():
        key = ranked[round(share * (len(ranked) - 1))]
        reasons.setdefault(key, []).append(reason)
    return [Line(series, target, " and ".join(why)) for (series, target), why in reasons.items()]


def choose_folds(rows: pd.DataFrame) -> list[int]:
    """Choose the last cutoffs of a line whose forecasts do not overlap.

    Parameters
    ----------
    rows : DataFrame
        Of one model: fold, time and cutoff.

    Returns
    -------
    folds : list of int
        In the order of time, at most 8, and fewer where each has many steps.
    """
    folds = rows.groupby("fold").agg(
        first=("time", "min"), last=("time", "max"), n=("time", "size")
    )
    most = max(1, min(MOST_CUTOFFS, _MOST_STEPS // int(folds["n"].max())))
    chosen: list[Any] = []
    for fold in folds.index[::-1]:
        if not chosen or folds["last"][fold] < folds["first"][chosen[-1]]:
            chosen.append(fold)
    return sorted(chosen[:most])
