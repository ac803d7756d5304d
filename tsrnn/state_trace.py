"""Gates and states of the recurrent layers of a fitted forecaster, on one context."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tsrnn import nn
from tsrnn.base import rows_of
from tsrnn.network_inputs import (
    Cutoffs,
    NetworkInputs,
    check_network,
    end_cutoffs,
    network_inputs,
)
from tsrnn.windows import check_count


@dataclass(frozen=True, eq=False)
class StateTrace:
    """What each unit of each recurrent layer computed, step by step.

    Attributes
    ----------
    arrays : dict of ndarray of shape (n_segments, units)
        By layer and name, such as ``("lstm_0", "forget")``. Names are input, forget, output,
        candidate, cell and hidden of an LSTM; update, reset, candidate and hidden of a GRU;
        hidden of a simple layer. Of bidirectional layers there are two, "lstm_0 forward" and
        "lstm_0 backward"; the latter has read the context from its end.
    times : Index of length n_segments
        Time of the last observation of each segment.
    context : DataFrame of shape (context_length, n_targets)
        Observations that were read, in their own units; missing where padded.

    Notes
    -----
    A segment without any observation is not read: its gates are missing, its states are those
    of the segment before.
    """

    arrays: dict[tuple[str, str], np.ndarray]
    times: pd.Index
    context: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """Tidy table with the columns layer, time, name, unit and value."""
        tables = []
        for (layer, name), values in self.arrays.items():
            n_steps, units = values.shape
            columns = {"layer": layer, "time": self.times.repeat(units), "name": name}
            columns |= {"unit": np.tile(np.arange(units), n_steps), "value": values.ravel()}
            tables.append(pd.DataFrame(columns))
        return pd.concat(tables, ignore_index=True)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw a `StateTraceDisplay`, with its options; returns it."""
        from tsrnn.plotting_inspection import StateTraceDisplay

        return StateTraceDisplay(self.arrays, self.times, self.context).plot(ax, **options)


def trace_states(
    forecaster: Any,
    X: Any = None,
    cutoff: int | None = None,
    *,
    y: Any = None,
    member: int = 0,
    series: Hashable = None,
    target: Hashable = None,
) -> StateTrace:
    """Recompute the gates and states of every recurrent layer over one context.

    They follow from the fitted weights by the equations of the cells, in float64, and equal
    those of the Keras layers to rounding in float32. Of an encoder_decoder the encoder is
    traced.

    Parameters
    ----------
    forecaster : fitted RNNForecaster
    X : as in `predict`, default None
        None traces the context after the training data. With a cutoff, X is the whole history,
        as in `predict_at`.
    cutoff : int, default None
        Row position in X of the last observation of the context; None is the last observed one.
    y : as in `predict_at`, default None
    member : int, default 0
        Which of several networks.
    series : label, default None
        Series of a panel; None is the first. A cutoff tells it already.
    target : name, default None
        Of several targets that each run through the network alone, the one to trace; None is
        the first.

    Returns
    -------
    trace : StateTrace

    Raises
    ------
    TypeError, ValueError
        If the forecaster is no network that reads a context, if its network is the user's own,
        or a parameter names nothing there is.

    Examples
    --------
    >>> from tsrnn import LSTMForecaster, trace_states
    >>> wave = np.sin(np.arange(60) / 3)
    >>> forecaster = LSTMForecaster(units=4, max_epochs=1, random_state=0).fit(wave)
    >>> trace = trace_states(forecaster)
    >>> trace.arrays["lstm_0", "forget"].shape
    (24, 4)
    """
    check_network(forecaster, "trace_states")
    weights = _weights_of(forecaster, member)
    panel, of_series, row = _one_cutoff(forecaster, X, y, cutoff, series)
    read = network_inputs(forecaster, (panel, of_series, row), reads_future=False)
    targets = forecaster.columns_.targets
    k = 0
    if forecaster.shares_targets_:
        k = _position_of(target, targets)
        targets = targets[k : k + 1]
    traced = nn.trace({name: a[k : k + 1] for name, a in read.inputs.items()}, read.spec, weights)
    numbers, context = _context_of(read, k)
    times = panel.grid.times(numbers)
    return StateTrace(
        arrays={key: values[0] for key, values in traced.items()},
        times=times[read.spec.segment_length - 1 :: read.spec.segment_length],
        context=pd.DataFrame(context, times, list(targets)),
    )


def _weights_of(forecaster: Any, member: int) -> list[np.ndarray]:
    if forecaster.spec_.network is not None:
        raise ValueError(
            "trace_states knows the layers that tsrnn builds, but network= is your own builder; "
            "look into model_"
        )
    check_count("member", member, at_least=0)
    if member >= len(forecaster.weights_):
        raise ValueError(
            f"member={member}, but the forecaster has {len(forecaster.weights_)}, counted from 0"
        )
    return forecaster.weights_[member]


def _one_cutoff(forecaster: Any, X: Any, y: Any, cutoff: int | None, series: Any) -> Cutoffs:
    """Cutoff to trace: the row that the user names, or the end of a series."""
    if cutoff is not None:
        if X is None or series is not None:
            raise ValueError(
                f"cutoff={cutoff} is a row position in X, which tells the series: give X, and "
                "leave series out"
            )
        panel = forecaster._read(X, y)
        row = rows_of(panel, cutoff)
        return panel, panel.series_of(row), row
    panel, of_series, rows = end_cutoffs(forecaster, X, y)
    s = 0
    if series is not None:
        s = -1 if panel.ids is None else int(panel.ids.get_indexer(pd.Index([series]))[0])
        if s < 0:
            known = "there is one without a label" if panel.ids is None else f"{list(panel.ids)}"
            raise ValueError(f"series={series!r} is not among the series: {known}")
    return panel, of_series[s : s + 1], rows[s : s + 1]


def _position_of(target: Hashable, targets: tuple[Hashable, ...]) -> int:
    if target is None:
        return 0
    if target not in targets:
        raise ValueError(f"target={target!r} is not among the targets {list(targets)}")
    return targets.index(target)


def _context_of(read: NetworkInputs, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Step numbers of the k-th window's context, and its observations, missing where padded."""
    windows = read.windows[k]
    panel = windows.panel
    context = windows.gather(panel.targets)[0]
    context[windows.padding[0]] = np.nan
    s = windows.series[0]
    first_row = windows.cutoffs[0] + 1 - windows.context_length
    first = panel.starts[s] + first_row - panel.offsets[s]
    return first + np.arange(windows.context_length), context
