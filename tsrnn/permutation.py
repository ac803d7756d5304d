"""What forecasts lose when a covariate, or a stretch of the context, no longer tells anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn import planning
from tsrnn.network_inputs import (
    Cutoffs,
    NetworkInputs,
    absolute_error,
    check_network,
    held_out_cutoffs,
    network_inputs,
    some_of,
)
from tsrnn.panel import Panel
from tsrnn.windows import check_count


@dataclass(frozen=True, eq=False)
class PermutationImportance:
    """Growth of the error when a part of what a network reads is shuffled.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``kind`` ("covariate" or "lags") and ``name``: ``mean`` and ``std`` of the
        growth of the mean absolute error over the repeats, and ``relative``, the mean over the
        error.
    error : float
        Mean absolute error with nothing shuffled.
    """

    table: pd.DataFrame
    error: float

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw a `PermutationImportanceDisplay`, with its options; returns it."""
        from tsrnn.plotting_importance import PermutationImportanceDisplay

        return PermutationImportanceDisplay(self.table).plot(ax, **options)


def permutation_importance(
    forecaster: Any,
    X: Any,
    y: Any = None,
    *,
    lag_groups: Sequence[tuple[int, int]] | None = None,
    block_length: int | None = None,
    n_repeats: int = 5,
    n_windows: int = 256,
    random_state: Any = None,
) -> PermutationImportance:
    """Measure the importance of covariates and of stretches of the context.

    Forecasts follow the held-out rows of X, without refitting. A covariate is shuffled in blocks
    of time within each series, in the context and over the horizon alike, so that it keeps its
    distribution and most of its course; a static one is shuffled among series. A stretch of the
    context is shuffled among windows, all columns together. Only the recurrent network reads the
    shuffled values: reference, scale and past seasons stay, so that lags count for what they
    tell it besides those. Source: Fisher, Rudin and Dominici (2019), All models are wrong, but
    many are useful, Journal of Machine Learning Research 20(177).

    Parameters
    ----------
    forecaster : fitted RNNForecaster
    X, y : as in `score`
        Data that include or follow the training data; the rows after those count.
    lag_groups : list of (first, last), default None
        Stretches of lags, both ends included; 1 is the newest observation. None doubles their
        length: 1, 2 to 3, 4 to 7 and so on.
    block_length : int, default None
        Rows of a block; None is the season, or the horizon if that is longer.
    n_repeats : int, default 5
    n_windows : int, default 256
        Most cutoffs, spread evenly over the rows.
    random_state : int, RandomState or None, default None

    Returns
    -------
    importance : PermutationImportance

    Raises
    ------
    TypeError, ValueError
        If the forecaster is no network that reads a context, a group of lags lies outside it, a
        count is no whole number, or no row of X follows the training data.

    Examples
    --------
    >>> from tsrnn import GRUForecaster, permutation_importance
    >>> wave = np.sin(np.arange(60) / 3)
    >>> forecaster = GRUForecaster(units=4, max_epochs=1, random_state=0).fit(wave[:50])
    >>> importance = permutation_importance(forecaster, wave[50:], random_state=0)
    >>> importance.table.loc["lags"].index.to_list()
    ['1', '2 to 3', '4 to 7', '8 to 24']
    """
    check_network(forecaster, "permutation_importance")
    groups = _groups(lag_groups, forecaster.spec_.context_length)
    block = max(forecaster.season_length_, forecaster.horizon_)
    block = block if block_length is None else block_length
    counts = {"block_length": block, "n_repeats": n_repeats, "n_windows": n_windows}
    for name, value in counts.items():
        check_count(name, value)
    random = np.random.default_rng(planning.seeds(random_state, 1)[0])
    cutoffs = some_of(held_out_cutoffs(forecaster, X, y), n_windows)
    read, members = network_inputs(forecaster, cutoffs), forecaster.weights_
    errors = {
        ("lags", _name(group)): [
            absolute_error(read, read.forecasts(members, **_shuffled_lags(read, group, random)))
            for _ in range(n_repeats)
        ]
        for group in groups
    }
    names = cutoffs[0].columns.all[cutoffs[0].n_targets :]
    of_covariates = {
        ("covariate", name): [
            _error_without(forecaster, read, cutoffs, cutoffs[0].n_targets + i, block, random)
            for _ in range(n_repeats)
        ]
        for i, name in enumerate(names)
    }
    return _summary(of_covariates | errors, absolute_error(read, read.forecasts(members)))


def _summary(errors: dict[tuple[str, Any], list[float]], whole: float) -> PermutationImportance:
    index = pd.MultiIndex.from_tuples(errors, names=["kind", "name"])
    growth = np.array(list(errors.values())) - whole
    mean = growth.mean(axis=1)
    columns = {"mean": mean, "std": growth.std(axis=1)}
    columns |= {"relative": mean / whole if whole > 0 else np.where(mean > 0, np.inf, 0.0)}
    return PermutationImportance(pd.DataFrame(columns, index), whole)


def _groups(groups: Sequence[tuple[int, int]] | None, context: int) -> list[tuple[int, int]]:
    if groups is None:
        starts = [2**k for k in range(int(np.log2(context)) + 1)]
        starts = starts[:-1] if len(starts) > 1 and context < 2 * starts[-1] - 1 else starts
        return list(zip(starts, [start - 1 for start in starts[1:]] + [context], strict=True))
    for group in groups:
        first, last = group
        if not 1 <= first <= last <= context:
            raise ValueError(
                f"lag_groups has {group}: give (first, last) with 1 <= first <= last <= "
                f"context_length={context}"
            )
    return [(first, last) for first, last in groups]


def _name(group: tuple[int, int]) -> str:
    first, last = group
    return f"{first}" if first == last else f"{first} to {last}"


def _shuffled_lags(
    read: NetworkInputs, group: tuple[int, int], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Context, and mask, with some lags taken from other windows."""
    first, last = group
    length = read.spec.context_length
    steps = slice(length - last, length - first + 1)
    order = random.permutation(len(read.windows))
    changed: dict[str, np.ndarray] = {}
    for name in ("context", "mask"):
        if name in read.inputs:
            changed[name] = read.inputs[name].copy()
            changed[name][:, steps] = read.inputs[name][order][:, steps]
    return changed


def _error_without(
    forecaster: Any,
    read: NetworkInputs,
    cutoffs: Cutoffs,
    column: int,
    block: int,
    random: np.random.Generator,
) -> float:
    """Error where one covariate is shuffled."""
    panel, series, rows = cutoffs
    values = panel.values.copy()
    if column >= values.shape[1] - len(panel.columns.static):
        values[:, column] = _among_series(panel, column, random)
    else:
        values[:, column] = _in_blocks(panel, column, block, random)
    other = network_inputs(forecaster, (replace(panel, values=values), series, rows))
    return absolute_error(read, other.forecasts(forecaster.weights_))


def _in_blocks(panel: Panel, column: int, block: int, random: np.random.Generator) -> np.ndarray:
    """Values of a column in blocks of rows that change places within each series."""
    shuffled = []
    for rows in panel.iter_series():
        blocks = np.split(rows[:, column], np.arange(block, len(rows), block))
        shuffled += [blocks[i] for i in random.permutation(len(blocks))]
    return np.concatenate(shuffled)


def _among_series(panel: Panel, column: int, random: np.random.Generator) -> np.ndarray:
    """Values of a static column, each series with that of another."""
    own = panel.values[panel.offsets[:-1], column]
    return np.repeat(own[random.permutation(panel.n_series)], panel.lengths)
