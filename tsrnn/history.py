"""Put new rows behind the history that a forecaster keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrnn.naive import forward_fill
from tsrnn.panel import Panel, ranges


def follow(history: Panel, new: Panel, *, drop_overlap: bool = False) -> tuple[Panel, np.ndarray]:
    """Put the rows of `new` behind those of the same series in `history`.

    Parameters
    ----------
    history, new : Panel
        With the same columns. Unlabelled rows (arrays) follow whatever stands before them.
    drop_overlap : bool, default False
        Leave out rows of `new` that `history` has already, instead of raising.

    Returns
    -------
    panel : Panel
        The series of `new`, each with its history before it (none, if it has none).
    first : ndarray of shape (n_series,)
        Row of `panel` where the new rows of each series begin.

    Raises
    ------
    ValueError
        If rows of `new` do not start right after the history, naming where that ended.
    """
    series = match_series(history, new)
    skipped, kept = _joints(history, new, series, drop_overlap)
    return _joined(history, new, series, skipped, kept, series >= 0)


def resume(history: Panel, new: Panel) -> tuple[Panel, np.ndarray]:
    """Put rows of `history` before each series of `new` that continues it.

    That is a labelled series that starts right after the history, or inside it and reaches
    its last observed row: the rows before that start are known. Any other series stays a
    history of its own.

    Parameters
    ----------
    history, new : Panel
        With the same columns.

    Returns
    -------
    panel, first : as from `follow`
    """
    series = match_series(history, new)
    at = new.starts - history.starts[series]
    observed = (history.last_observed() + 1 - history.offsets[:-1])[series]
    inside = (at > 0) & (at <= history.lengths[series]) & (at + new.lengths >= observed)
    goes_on = (series >= 0) & inside & new.grid.labelled
    if not goes_on.any():
        return new, new.offsets[:-1]
    kept = np.where(goes_on, at, 0)
    return _joined(history, new, series, np.zeros_like(kept), kept, goes_on)


def _joined(
    history: Panel,
    new: Panel,
    series: np.ndarray,
    skipped: np.ndarray,
    kept: np.ndarray,
    known: np.ndarray,
) -> tuple[Panel, np.ndarray]:
    """First `kept` rows of the history of each `known` series, and `new` after `skipped` rows."""
    old_first = history.offsets[series]
    new_first = new.offsets[:-1] + skipped
    new_length = new.lengths - skipped
    source = np.concatenate([history.values, new.values])
    first = np.column_stack([old_first, len(history.values) + new_first]).ravel()
    rows, bounds = ranges(first, np.column_stack([kept, new_length]).ravel())
    starts = np.where(known, history.starts[series], new.starts)
    panel = replace(
        new, values=source[rows], offsets=bounds[::2], starts=starts, grid=history.grid, order=None
    )
    return panel, bounds[1::2]


def extend(history: Panel, new: Panel) -> Panel:
    """Return `history` with the rows of `new` behind it, and series that are new at the end."""
    longer, _ = follow(history, new)
    if history.ids is None or longer.ids is None:
        return replace(longer, container=history.container)
    rest = history.take(np.flatnonzero(match_series(longer, history) < 0))
    ids = longer.ids.append(history.ids[~history.ids.isin(longer.ids)])
    joined = replace(
        history,
        values=np.concatenate([longer.values, rest.values]),
        offsets=np.concatenate([longer.offsets, longer.offsets[-1] + rest.offsets[1:]]),
        starts=np.concatenate([longer.starts, rest.starts]),
        ids=ids,
    )
    added = longer.ids[~longer.ids.isin(history.ids)]
    return joined.take(ids.get_indexer(history.ids.append(added)))


def follows(history: Panel, new: Panel) -> bool:
    """Whether `new` is labelled and every series of it with a history starts right after that.

    At least one has; the others stand on their own.
    """
    series = match_series(history, new)
    if not new.grid.labelled or (series < 0).all():
        return False
    end = history.starts[series] + history.lengths[series]
    observed = end - (history.offsets[1:] - 1 - history.last_observed())[series]
    return bool(((series < 0) | ((new.starts >= observed) & (new.starts <= end))).all())


def match_series(history: Panel, new: Panel) -> np.ndarray:
    """Position in `history` of each series of `new`, -1 where it has none."""
    if history.ids is None and new.ids is None:
        return np.zeros(1, dtype=np.int64)
    if history.ids is None or new.ids is None:
        kinds = ["a single series", "a (series, time) panel"]
        was, now = kinds if history.ids is None else kinds[::-1]
        raise ValueError(f"fit saw {was}, but X is {now}; give the container that fit was given")
    return history.ids.get_indexer(new.ids)


def _joints(
    history: Panel, new: Panel, series: np.ndarray, drop_overlap: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to skip of each new series, and rows to keep of its history."""
    known = series >= 0
    observed = (history.last_observed() + 1 - history.offsets[:-1])[series]
    if not new.grid.labelled:
        return np.zeros(new.n_series, dtype=np.int64), np.where(known, observed, 0)
    at = new.starts - history.starts[series]
    gap = known & (at > history.lengths[series])
    overlap = np.where(known, np.maximum(observed - at, 0), 0)
    wrong = gap if drop_overlap else gap | (overlap > 0)
    if wrong.any():
        first = int(np.argmax(wrong))
        _raise_apart(history, new, series, first, "leave out" if overlap[first] else "add")
    skipped = np.minimum(overlap, new.lengths)
    return skipped, np.where(known, np.maximum(at + skipped, 0), 0)


def _raise_apart(history: Panel, new: Panel, series: np.ndarray, wrong: int, how: str) -> None:
    last = int(history.last_observed()[series[wrong]])
    end = history.time_of(last, int(series[wrong]))
    remedies = {
        "leave out": "give only the rows after that",
        "add": "give the rows right after that, or first those in between to update",
    }
    raise ValueError(
        f"{new.label(wrong)}X starts at {new.time_of(int(new.offsets[wrong]))}, but the training "
        f"data ended at {end}; {remedies[how]}"
    )


def append_forecasts(
    panel: Panel,
    series: np.ndarray,
    cutoffs: np.ndarray,
    forecasts: np.ndarray,
    future: np.ndarray,
    n_rows: int,
) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Make a panel with one series per cutoff, which ends in the forecasts made there.

    Parameters
    ----------
    panel : Panel
        Without past covariates.
    series, cutoffs : ndarray of shape (n_cutoffs,)
    forecasts : ndarray of shape (n_cutoffs, n_steps, n_targets)
    future : ndarray of shape (n_cutoffs, n_steps, n_future)
        Covariates known over those steps.
    n_rows : int
        Rows of history to keep before each cutoff, more than the next forecast reads.

    Returns
    -------
    panel : Panel
    series, cutoffs : ndarray of shape (n_cutoffs,)
    """
    first = np.maximum(panel.offsets[series], cutoffs + 1 - n_rows)
    n_kept, n_steps = cutoffs + 1 - first, forecasts.shape[1]
    # Static covariates are those of any row of the series.
    static = panel.values[panel.offsets[series]][:, panel.n_targets + future.shape[2] :]
    repeated = np.repeat(static[:, None], n_steps, axis=1)
    new = np.concatenate([forecasts, future, repeated], axis=2)
    source = np.concatenate([panel.values, new.reshape(-1, panel.values.shape[1])])
    begins = np.column_stack([first, len(panel.values) + n_steps * np.arange(len(series))])
    lengths = np.column_stack([n_kept, np.full(len(series), n_steps)])
    rows, bounds = ranges(begins.ravel(), lengths.ravel())
    values = source[rows]
    # What was last observed before the rows that are kept is still to be known.
    begun = n_kept > 0
    values[bounds[:-1:2][begun]] = forward_fill(panel.values, panel.offsets)[first[begun]]
    longer = replace(
        panel,
        values=values,
        offsets=bounds[::2],
        starts=panel.starts[series] + first - panel.offsets[series],
        ids=None if panel.ids is None else panel.ids[series],
        order=None,
    )
    return longer, np.arange(len(series)), bounds[2::2] - 1
