"""Plots of a backtest: errors by step and by cutoff, and forecasts against the truth."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.backtest_scores import symmetric_pairs
from tsrnn.backtest_tables import quantile_levels
from tsrnn.plotting_style import (
    INK,
    MAX_PANELS,
    axes_for,
    legend,
    line_style,
    positions,
    tidy,
    time_axis,
    time_name,
)
from tsrnn.timegrid import TimeGrid

_UPPER = ("mae", "rmse", "mape", "wape", "mase", "rmsse", "crps", "msis")
_METRIC_NAMES = {name: name.upper() for name in _UPPER}
_METRIC_NAMES |= {"smape": "sMAPE", "wql": "wQL"}
_KINDS = ("errors", "horizon", "cutoff", "forecasts")


class BacktestDisplay:
    """Errors of several models by steps ahead and by cutoff, and their forecasts.

    Make it with `from_result`.

    Parameters
    ----------
    by_horizon : DataFrame
        Errors, one row per step ahead and one column per model.
    by_cutoff : DataFrame
        Errors, one row per cutoff and one column per model.
    table : DataFrame
        The columns series, cutoff, time, target, model, y_true and y_pred; of quantiles, columns
        such as "q0.1".
    history : DataFrame, default None
        What came before the first cutoff: the columns series, time, target and y.
    metric : str, default "mae"
        Name of the error.

    Attributes
    ----------
    ax_ : Axes, or ndarray of Axes
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from tsrnn.baselines import Drift, Naive
    >>> from tsrnn.model_selection import RollingOriginSplit, backtest
    >>> growth = pd.Series([1.0, 2, 4, 8, 16, 32], name="users")
    >>> result = backtest([Naive(), Drift()], growth, cv=RollingOriginSplit(2, horizon=2))
    >>> BacktestDisplay.from_result(result, metric="mase").plot("horizon").ax_.get_ylabel()
    'MASE'
    """

    def __init__(
        self,
        by_horizon: pd.DataFrame,
        by_cutoff: pd.DataFrame,
        table: pd.DataFrame,
        history: pd.DataFrame | None = None,
        *,
        metric: str = "mae",
    ) -> None:
        self.by_horizon = by_horizon
        self.by_cutoff = by_cutoff
        self.table = table
        self.history = history
        self.metric = metric

    @classmethod
    def from_result(cls, result: Any, *, metric: str = "mae") -> Self:
        """Take the errors of a backtest; `plot` draws them.

        Parameters
        ----------
        result : tsrnn.model_selection.BacktestResult
        metric : str, default "mae"
            One of the metrics of `result`, or of `tsrnn.metrics.METRICS`.

        Returns
        -------
        display : BacktestDisplay
        """
        errors = (result.by_horizon(metric), result.by_cutoff(metric))
        return cls(*errors, result.table, result.history, metric=metric)

    def plot(
        self,
        kind: str = "errors",
        ax: Any = None,
        *,
        models: Sequence[str] | None = None,
        series: Hashable | None = None,
        target: Hashable | None = None,
        title: str | None = None,
    ) -> Self:
        """Draw errors, or forecasts.

        Parameters
        ----------
        kind : {"errors", "horizon", "cutoff", "forecasts"}, default "errors"
            "errors" draws both "horizon" and "cutoff", side by side. "forecasts" draws one
            series, with a panel for each model (at most 12); a band lies between the quantiles of
            each pair of levels such as 0.1 and 0.9.
        ax : Axes or sequence of Axes, default None
            One for each panel; None makes a figure.
        models : list of str, default None
            None takes all.
        series, target : hashable, default None
            For "forecasts"; None takes the first.
        title : str, default None
            None says what is shown.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `kind`, `models`, `series` or `target` is none of those there are, or `ax`
            holds too few or many axes.
        """
        _check_choice("kind", kind, _KINDS)
        known = list(self.by_horizon.columns)
        names = known if models is None else [models] if isinstance(models, str) else list(models)
        for name in names:
            _check_choice("models", name, known)
        if kind == "forecasts":
            axes = self._plot_forecasts(ax, names[:MAX_PANELS], series, target, title)
        else:
            axes = self._plot_errors(kind, ax, names, title)
        legend(self.figure_, axes, own_figure=ax is None)
        self.ax_ = axes[0] if len(axes) == 1 else axes
        return self

    def _plot_errors(self, kind: str, ax: Any, names: list[str], title: str | None) -> np.ndarray:
        kinds = ["horizon", "cutoff"] if kind == "errors" else [kind]
        self.figure_, axes = axes_for(ax, len(kinds), n_cols=2, size=(5.4, 3.9))
        metric = metric_name(self.metric)
        for panel, each in zip(axes, kinds, strict=True):
            errors = self.by_horizon if each == "horizon" else self.by_cutoff
            _draw_errors(panel, errors[names], list(self.by_horizon.columns))
            what = "steps ahead" if each == "horizon" else time_name(errors.index, "cutoff")
            own = f"{metric} by {'steps ahead' if each == 'horizon' else 'cutoff'}"
            tidy(panel, title=own if title is None or len(kinds) > 1 else title, x=what, y=metric)
        if title is not None and len(kinds) > 1:
            self.figure_.suptitle(title)
        return axes

    def _plot_forecasts(
        self, ax: Any, names: list[str], series: Any, target: Any, title: str | None
    ) -> np.ndarray:
        table = self.table
        series = _choice("series", series, table["series"])
        target = _choice("target", target, table["target"])
        rows = table[(table["series"] == series) & (table["target"] == target)]
        options = {"sharex": True, "sharey": True} if ax is None else {}
        height = 3.9 if len(names) == 1 else 2.4
        size = (9.0, height)
        self.figure_, axes = axes_for(ax, len(names), n_cols=1, size=size, **options)
        observed = self._observed(rows, series, target)
        known = list(self.by_horizon.columns)
        for panel, name in zip(axes, names, strict=True):
            own = rows[rows["model"] == name]
            _draw_forecasts(panel, observed, own, known.index(name), named=len(names) == 1)
            what = time_name(observed.index) if panel is axes[-1] or ax is not None else ""
            colour = line_style(known.index(name))["color"]
            tidy(panel, title=name, x=what, y=_value_name(target), colour=colour)
        heading = f"Forecasts of {series}" if title is None and series != 0 else title
        if heading and ax is None:
            self.figure_.suptitle(heading)
        return axes

    def _observed(self, rows: pd.DataFrame, series: Any, target: Any) -> pd.Series:
        """Truth in the test parts, and as much of the history before them.

        Steps between that were not tested are missing, so that no line bridges them.
        """
        truth: pd.Series = rows.drop_duplicates("time").set_index("time")["y_true"]
        if self.history is None:
            return truth.sort_index()
        own = (self.history["series"] == series) & (self.history["target"] == target)
        before = self.history[own].set_index("time")["y"]
        seen = pd.concat([before[~before.index.isin(truth.index)], truth]).sort_index()
        if len(before) >= 3:  # fewer do not tell the step of time
            grid = TimeGrid.of(before.index)
            last = grid.step_numbers(seen.index)[-1]
            seen = seen.reindex(grid.times(np.arange(last + 1)))
        first = seen.index.get_loc(truth.index.min()) - max(len(truth), 24)
        shown: pd.Series = seen.iloc[max(0, first) :]
        return shown


def metric_name(metric: str) -> str:
    """Write a metric as people do.

    Examples
    --------
    >>> metric_name("smape"), metric_name("pinball")
    ('sMAPE', 'pinball')
    """
    return _METRIC_NAMES.get(metric, metric)


def _draw_errors(ax: Any, errors: pd.DataFrame, known: list[str]) -> None:
    x = positions(errors.index)
    for name in errors.columns:
        style = line_style(known.index(name))
        if len(x) > 36:
            style["marker"] = ""
        ax.plot(x, errors[name], markersize=5, linewidth=1.7, label=name, **style)
    time_axis(ax, errors.index, n_ticks=7)
    low, high = ax.get_ylim()
    if low > 0:
        ax.set_ylim(0, 1.04 * high)  # room above a line that is flat


def _draw_forecasts(
    ax: Any, observed: pd.Series, rows: pd.DataFrame, i: int, *, named: bool
) -> None:
    """Draw the truth, the forecasts from each cutoff, and the cutoffs."""
    x, dot = positions(observed.index), "." if observed.isna().any() else ""
    ax.plot(x, observed, color=INK, linewidth=1.2, marker=dot, markersize=3, label="observed")
    style = line_style(i)
    for nth, (cutoff, part) in enumerate(rows.groupby("cutoff", sort=False)):
        x = positions(pd.Index(part["time"]))
        label = str(part["model"].iloc[0]) if nth == 0 and named else None
        marker = style["marker"] if len(x) <= 24 else ""
        line = {"color": style["color"], "marker": marker, "markersize": 3, "linewidth": 1.8}
        ax.plot(x, part["y_pred"], label=label, **line)
        _draw_bands(ax, x, part, style["color"])
        mark = {"color": "#BBBBBB", "linewidth": 0.8, "zorder": 0}
        ax.axvline(positions(pd.Index([cutoff]))[0], label=None if nth else "cutoff", **mark)
    if named:
        _label_bands(ax, rows, style["color"])
    time_axis(ax, observed.index)


def _bands(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Columns of the lower and upper bounds of intervals, widest first, by name."""
    levels = quantile_levels(rows)
    names, values = list(levels), list(levels.values())
    known = [(i, j) for i, j in symmetric_pairs(values) if rows[names[i]].notna().any()]
    return {
        f"{100 * (values[j] - values[i]):.6g}% interval": (names[i], names[j]) for i, j in known
    }


def _draw_bands(ax: Any, x: np.ndarray, part: pd.DataFrame, colour: str) -> None:
    for lower, upper in _bands(part).values():
        # A single step has no width to fill.
        about = np.array([x[0] - 0.5, x[0] + 0.5]) if len(x) == 1 else x
        bounds = [np.broadcast_to(part[name].to_numpy(), about.shape) for name in (lower, upper)]
        ax.fill_between(about, *bounds, color=colour, alpha=0.18, linewidth=0)


def _label_bands(ax: Any, rows: pd.DataFrame, colour: str) -> None:
    for nth, name in enumerate(_bands(rows)):
        shade = 1 - 0.82 ** (nth + 1)  # inner bands lie on the outer ones
        ax.fill_between([], [], color=colour, alpha=shade, linewidth=0, label=name)


def _value_name(target: Any) -> str:
    return "value" if target == 0 else str(target)


def _choice(what: str, asked: Any, column: pd.Series) -> Any:
    known = column.unique().tolist()
    if asked is None:
        return known[0]
    _check_choice(what, asked, known)
    return asked


def _check_choice(what: str, asked: Any, known: Sequence[Any]) -> None:
    if asked not in known:
        raise ValueError(f"{what}={asked!r} is none of {list(known)[:20]}")
