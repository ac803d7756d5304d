"""How far back a fitted network looks, and what its context could be cut to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.lag_gradient import influence_beyond, lag_table
from tsrnn.network_inputs import (
    NetworkInputs,
    absolute_error,
    check_network,
    end_cutoffs,
    held_out_cutoffs,
    network_inputs,
    some_of,
)
from tsrnn.windows import check_count


@dataclass(frozen=True, eq=False)
class MemoryLength:
    """How far back a network looks.

    Attributes
    ----------
    lag : int
        Beyond it lies less than the threshold of the whole gradient.
    table : DataFrame
        Indexed by ``kept``, the newest observations that the network may read. ``beyond`` is the
        share of the gradient that lies farther back; with held-out data, ``mae`` is the mean
        absolute error, and ``relative`` that over the error with the whole context.
    context_length : int
        Suggestion for the parameter: the fewest observations, a whole number of segments, that
        cost at most the tolerance. Without held-out data it covers `lag`.
    """

    lag: int
    table: pd.DataFrame
    context_length: int


def memory_length(
    forecaster: Any,
    X: Any = None,
    *,
    y: Any = None,
    threshold: float = 0.01,
    tolerance: float = 0.01,
    n_windows: int = 256,
) -> MemoryLength:
    """Measure how far back a fitted network looks: by its gradient, and by what a cut costs.

    The gradient is that of `gradient_by_lag`. For the measured check nothing is refitted: all
    but the newest observations are masked, as those before the start of a short series are, so
    that the recurrent layers begin later, from their zero state. Location, scale, reference and
    past seasons stay those of the whole context: the error tells what the recurrent memory is
    worth, not what a shorter window would do to its scaling. The network has not been trained to
    begin there, so one that is fitted anew with the shorter context may do better, rarely worse.

    Parameters
    ----------
    forecaster : fitted RNNForecaster
    X, y : as in `score`, default None
        Data that include or follow the training data: forecasts from the rows after those are
        compared. Without X the gradient is that of the last windows of the training data, and
        no error is measured.
    threshold : float, default 0.01
        Share of the whole gradient that may lie beyond the lag.
    tolerance : float, default 0.01
        Growth of the error that the suggested context may cost.
    n_windows : int, default 256
        Most cutoffs, spread evenly over the rows.

    Returns
    -------
    memory : MemoryLength

    Raises
    ------
    TypeError, ValueError
        If the forecaster is no network that reads a context, `threshold` is not between 0 and
        1, `tolerance` is negative, or no row of X follows the training data.

    Examples
    --------
    >>> from tsrnn import GRUForecaster, memory_length
    >>> wave = np.sin(np.arange(60) / 3)
    >>> forecaster = GRUForecaster(units=4, max_epochs=1, random_state=0).fit(wave[:50])
    >>> memory_length(forecaster, wave[50:]).table.columns.to_list()
    ['beyond', 'mae', 'relative']
    """
    check_network(forecaster, "memory_length")
    check_count("n_windows", n_windows)
    _check_share("threshold", threshold, 1.0)
    _check_share("tolerance", tolerance, np.inf)
    if X is None:
        cutoffs = end_cutoffs(forecaster, X, y)
    else:
        cutoffs = held_out_cutoffs(forecaster, X, y)
    read = network_inputs(forecaster, some_of(cutoffs, n_windows))
    spec = read.spec
    beyond = influence_beyond(
        lag_table(read, forecaster.weights_, range(1, forecaster.horizon_ + 1))
    )
    lag = int(np.argmax(beyond <= threshold))
    covering = max(1, -(-lag // spec.segment_length)) * spec.segment_length
    kept = _lengths(spec.segment_length, spec.context_length, covering)
    table = pd.DataFrame({"beyond": beyond[kept]}, pd.Index(kept, name="kept"))
    if X is None:
        return MemoryLength(lag, table, covering)
    table["mae"] = [_error_with(read, forecaster.weights_, k) for k in kept]
    whole = table["mae"].iloc[-1]
    table["relative"] = table["mae"] / whole if whole > 0 else 1.0
    return MemoryLength(lag, table, _cheapest(table["relative"], 1 + tolerance))


def _check_share(name: str, value: Any, below: float) -> None:
    if not 0 <= value < below:
        limits = f">= 0 and < {below:g}" if np.isfinite(below) else ">= 0"
        raise ValueError(f"{name}={value!r} must be a number {limits}")


def _lengths(segment: int, context: int, covering: int) -> list[int]:
    """Whole segments, doubling up to the context, and those that cover the lag."""
    doubling = {segment * 2**k for k in range(int(np.log2(context // segment)) + 1)}
    return sorted(doubling | {covering, context})


def _error_with(read: NetworkInputs, members: list[Any], kept: int) -> float:
    """Error where the network reads only the `kept` newest observations."""
    n_cut = read.spec.context_length - kept
    context = read.inputs["context"].copy()
    context[:, :n_cut] = 0.0
    mask = read.inputs.get("mask", np.ones(context.shape[:2], dtype=bool)).copy()
    mask[:, :n_cut] = False
    return absolute_error(read, read.forecasts(members, context=context, mask=mask))


def _cheapest(relative: pd.Series, most: float) -> int:
    """Fewest observations from which on no length costs more than `most`."""
    costly = np.flatnonzero(relative.to_numpy() > most)
    return int(relative.index[costly[-1] + 1 if len(costly) else 0])
