"""Alarms on the future: forecasters that read it, and covariates that tell it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tsrnn.alarm import Alarm, alarm
from tsrnn.naive import forward_fill
from tsrnn.network_inputs import Cutoffs, some_of
from tsrnn.panel import Panel

_MOST_LEAK_CUTOFFS = 5
_ROUNDING = 1e-6
# Share of what is new in a target that a covariate tells: of causes it is less, of copies all.
_TOLD = 0.99
_MOST_OWN_LAGS = 32
_FARTHEST = 24
_FEWEST_ROWS = 30
_MOST_ROWS = 5000


def leakage(forecaster: Any, cutoffs: Cutoffs) -> Alarm:
    """Whether forecasts change when what follows their cutoff is replaced."""
    panel, series, rows = some_of(cutoffs, _MOST_LEAK_CUTOFFS)
    size = float(np.nanmean(np.abs(panel.targets))) or 1.0
    largest = 0.0
    for s, row in zip(series, rows, strict=True):
        one = np.array([s]), np.array([row])
        # A cutoff at a time, so that both forecasts are computed alike to the last bit.
        forecasts = [
            forecaster._forecast(some, *one, forecaster.horizon_)
            for some in (panel, _other_future(panel, int(s), int(row)))
        ]
        largest = max(largest, float(np.abs(forecasts[0] - forecasts[1]).max()) / size)
    return alarm(
        "leakage",
        largest,
        _ROUNDING,
        "largest change of a forecast, against the size of the data, when targets and past "
        "covariates after the cutoff are replaced: the forecaster reads the future. Look for "
        "scaling, filling or smoothing over all rows.",
    )


def _other_future(panel: Panel, s: int, row: int) -> Panel:
    """Panel whose targets and past covariates after a row of a series are others."""
    n = panel.n_targets + len(panel.columns.past)
    values = panel.values.copy()
    after = slice(row + 1, int(panel.offsets[s + 1]))
    seen = forward_fill(values[:, :n], panel.offsets)[row]
    # Whole numbers remain whole, and positive ones positive: some forecasters read no others.
    values[after, :n] = 1 + np.abs(3 * np.nan_to_num(seen) - 2 * values[after, :n])
    return replace(panel, values=values)


def telling_covariate(forecaster: Any, panel: Panel) -> Alarm | None:
    """Whether a covariate that forecasts read tells what is new in a target; None without any.

    What is new is what a line through the target's own past (and the time) leaves of the next
    value. It is compared with what the same line leaves of the covariate, at each row up to the
    cutoff and, if it is known ahead, over the horizon. None too where rows are few.
    """
    columns, n = panel.columns, panel.n_targets
    names = columns.past + columns.future
    told = [
        (_told(panel, target, n + i, ahead), name)
        for i, name in enumerate(names)
        for ahead in [forecaster.horizon_ if name in columns.future else 0]
        for target in range(n)
    ]
    known = [(share, name) for share, name in told if share is not None]
    if not known:
        return None
    share, name = max(known, key=lambda pair: pair[0])
    return alarm(
        "telling covariate",
        share,
        _TOLD,
        f"share of what is new in the target that the covariate {name!r} tells: it is made of the "
        "target itself, of later rows than forecasts may read. Is it a lag or a mean of the past, "
        "name it in past_covariates; else leave it out. (Is it a cause known ahead, all is well.)",
    )


def _told(panel: Panel, target: int, covariate: int, ahead: int) -> float | None:
    """Largest squared partial correlation of the next value with the covariate near it."""
    n_lags = min(_MOST_OWN_LAGS, len(panel.values) // panel.n_series // 6)
    shares = [
        _partial(panel, target, covariate, n_lags, step) for step in range(1 - _FARTHEST, ahead + 1)
    ]
    known = [share for share in shares if share is not None]
    return max(known, default=None)


def _partial(panel: Panel, target: int, covariate: int, n_lags: int, step: int) -> float | None:
    """Squared partial correlation of the next target with the covariate `step` rows ahead."""
    parts = []
    for rows in panel.iter_series():
        cutoffs = np.arange(max(n_lags - 1, -step), len(rows) - max(1, step))
        if not len(cutoffs):
            continue
        y = rows[:, target]
        past = y[cutoffs[:, None] - np.arange(n_lags)]
        part = np.column_stack([y[cutoffs + 1], rows[cutoffs + step, covariate], past, cutoffs])
        part = part[~np.isnan(part).any(axis=1)]
        if len(part):
            centred = part - part.mean(axis=0)
            parts.append(centred / max(float(centred[:, 0].std()), 1e-300))
    table = np.concatenate(parts)[-_MOST_ROWS:] if parts else np.empty((0, n_lags + 3))
    if len(table) - n_lags < _FEWEST_ROWS:
        return None
    both, past = table[:, :2], table[:, 2:]
    new = both - past @ np.linalg.lstsq(past, both, rcond=None)[0]
    left, whole = (new**2).sum(axis=0), (both**2).sum(axis=0)
    if (left <= 1e-9 * whole).any():  # the past tells all of it
        return 0.0
    return float((new[:, 0] @ new[:, 1]) ** 2 / (left[0] * left[1]))
