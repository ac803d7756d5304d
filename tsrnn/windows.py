"""Windows of series: a stretch of context and the horizon that follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.all_or_nothing import all_or_nothing
from tsrnn.naive import forward_fill
from tsrnn.panel import Panel, ranges
from tsrnn.reading import read_panel, to_frame


@dataclass(frozen=True, eq=False)
class Windows:
    """Lazy, sliceable view of windows over all series of a panel.

    Only the cutoff of each window is kept; values are gathered when asked for.
    ``windows[i]``, ``windows[a:b]`` and ``windows[array]`` are windows again, and
    ``np.asarray(windows)`` is the 3-D array that other estimators take.

    Attributes
    ----------
    panel : Panel
        The data, which the windows do not copy.
    series, cutoffs : ndarray of shape (n_windows,)
        Series of each window, and row of the panel that holds its last context step.
    context_length, horizon : int
        Number of steps before and after the cutoff.
    """

    panel: Panel
    series: np.ndarray
    cutoffs: np.ndarray
    context_length: int
    horizon: int

    def __len__(self) -> int:
        return len(self.cutoffs)

    def __getitem__(self, key: Any) -> Windows:
        series, cutoffs = (np.atleast_1d(part[key]) for part in (self.series, self.cutoffs))
        return replace(self, series=series, cutoffs=cutoffs)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of ``np.asarray(windows)``: (n_windows, context_length, n_columns)."""
        return len(self), self.context_length, self.panel.values.shape[1]

    @property
    def ndim(self) -> int:
        """Number of dimensions of ``np.asarray(windows)``."""
        return 3

    @property
    def dtype(self) -> np.dtype:
        """Type of the values of ``np.asarray(windows)``."""
        return self.panel.values.dtype

    @property
    def first(self) -> np.ndarray:
        """First row of the series of each window, shape (n_windows,)."""
        return self.panel.offsets[self.series]

    @property
    def context_rows(self) -> np.ndarray:
        """Rows of the context, shape (n_windows, context_length), some before the series."""
        return self.cutoffs[:, None] + np.arange(1 - self.context_length, 1)

    @property
    def target_rows(self) -> np.ndarray:
        """Rows of the horizon, shape (n_windows, horizon)."""
        return self.cutoffs[:, None] + np.arange(1, self.horizon + 1)

    @property
    def mask(self) -> np.ndarray:
        """True where a context step has an observed target, shape (n_windows, context_length).

        False marks padding before a short history, and missing values.
        """
        return ~self.padding & ~np.isnan(self.gather(self.panel.targets)).all(axis=2)

    @property
    def padding(self) -> np.ndarray:
        """True for context steps before the series began, shape (n_windows, context_length)."""
        n_padding = self.context_length - (self.cutoffs + 1 - self.first)
        return np.arange(self.context_length) < n_padding[:, None]

    @property
    def targets(self) -> np.ndarray:
        """Target values over the horizon, shape (n_windows, horizon, n_targets)."""
        return self.panel.targets[self.target_rows]

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Context of per-row `values`; rows before the start of a series repeat its first."""
        rows = self.context_rows
        return values[np.maximum(rows, self.first[:, None], out=rows)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Contexts with missing values filled forward and padding 0."""
        filled = forward_fill(self.panel.values, self.panel.offsets)
        contexts = np.nan_to_num(self.gather(filled))
        contexts[self.padding] = 0.0
        return contexts if dtype is None else contexts.astype(dtype)


def training_windows(
    panel: Panel,
    context_length: int,
    horizon: int,
    stride: int = 1,
    min_context: int | None = None,
) -> Windows:
    """Every window of a panel whose targets are all observed, oldest first in each series.

    Parameters
    ----------
    panel : Panel
    context_length, horizon : int
        Steps before and after the cutoff.
    stride : int, default 1
        Steps between neighbouring cutoffs, counted back from the end of each series.
    min_context : int or None
        Shortest history of a window; what lacks to `context_length` is padding. None asks
        for the whole context.

    Returns
    -------
    windows : Windows
        Possibly none at all.
    """
    shortest = context_length if min_context is None else min(min_context, context_length)
    first = np.repeat(panel.offsets[:-1], panel.lengths)
    last = np.repeat(panel.offsets[1:], panel.lengths) - horizon
    target_row = np.arange(len(panel.values))
    chosen = complete_horizons(panel, horizon) & ((last - target_row) % stride == 0)
    chosen &= target_row - first >= shortest
    rows = np.flatnonzero(chosen)
    if shortest > 0:
        rows = rows[_any_observed(panel, rows, context_length)]
    return Windows(panel, panel.series_of(rows), rows - 1, context_length, horizon)


def complete_horizons(panel: Panel, horizon: int) -> np.ndarray:
    """Whether the `horizon` rows from each row on exist and are observed, shape (n_rows,)."""
    missing = np.isnan(panel.targets).any(axis=1)
    count = np.concatenate([[0], np.cumsum(missing)])
    observed = count[horizon:] == count[:-horizon]
    complete = np.zeros(len(missing), dtype=bool)
    complete[: len(observed)] = observed
    # The last horizon - 1 rows of each series have no whole horizon after them.
    n_short = np.minimum(panel.lengths, horizon - 1)
    complete[ranges(panel.offsets[1:] - n_short, n_short)[0]] = False
    return complete


def _any_observed(panel: Panel, rows: np.ndarray, context_length: int) -> np.ndarray:
    """Whether a target is observed in the context before each of these rows."""
    observed = ~np.isnan(panel.targets).all(axis=1)
    count = np.concatenate([[0], np.cumsum(observed)])
    first = panel.offsets[panel.series_of(rows)]
    return count[rows] > count[np.maximum(first, rows - context_length)]


class SlidingWindow(TransformerMixin, BaseEstimator):
    """Cut series into windows, as an explicit step of a Pipeline.

    Parameters
    ----------
    context_length : int, default 24
        Steps that a window shows to the estimator.
    horizon : int, default 1
        Steps after it that are the target.
    stride : int, default 1
        Steps between neighbouring windows, counted back from the end of each series.
    target, past_covariates, static_covariates : name or list of names, default None
        Roles of the columns, as in the forecasters.

    Examples
    --------
    >>> windows = SlidingWindow(context_length=3, horizon=2).fit_transform(np.arange(6.0))
    >>> np.asarray(windows)[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> windows.targets[:, :, 0]
    array([[3., 4.],
           [4., 5.]])
    """

    changes_units = False

    def __init__(
        self,
        context_length: int = 24,
        horizon: int = 1,
        stride: int = 1,
        *,
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
    ) -> None:
        self.context_length = context_length
        self.horizon = horizon
        self.stride = stride
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and remember the columns and time grid of X.

        Raises
        ------
        ValueError
            If a length is not a whole number >= 1.
        """
        for name in ("context_length", "horizon", "stride"):
            check_count(name, getattr(self, name))
        with all_or_nothing(self):
            validate_data(self, to_frame(X), skip_check_array=True)
            self.grid_ = self._read(X).grid
        return self

    def transform(self, X: Any) -> Windows:
        """View the windows of X whose targets are all observed.

        Returns
        -------
        windows : Windows
            Their `panel` holds all of X, so that a forecaster can also predict what follows.
        """
        check_is_fitted(self)
        validate_data(self, to_frame(X), reset=False, skip_check_array=True)
        panel = self._read(X, grid=self.grid_)
        return training_windows(panel, self.context_length, self.horizon, self.stride)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _read(self, X: Any, **known: Any) -> Panel:
        return read_panel(
            X,
            target=self.target,
            past_covariates=self.past_covariates,
            static_covariates=self.static_covariates,
            **known,
        )


def check_count(name: str, value: Any, at_least: int = 1) -> None:
    """Raise ValueError unless a parameter is a whole number >= `at_least`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < at_least:
        raise ValueError(f"{name}={value!r} must be a whole number >= {at_least}")


def in_chunks(
    compute: Callable[..., Any], windows: Windows, *aligned: Any, rows: int | None = None
) -> list[Any]:
    """Apply `compute` to some windows (and what belongs to them) at a time.

    So the contexts, which are gathered, stay small: `rows` windows or, if it is None, at most
    4096 windows and four million values.
    """
    if rows is None:
        n_values = windows.context_length * windows.panel.values.shape[1]
        rows = max(1, min(4096, 2**22 // max(1, n_values)))
    parts = (windows, *aligned)
    starts = range(0, len(windows), rows)
    return [compute(*(part[i : i + rows] for part in parts)) for i in starts]
