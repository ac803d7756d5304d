"""Plots of forecasts, backtests and training, as scikit-learn displays.

A display holds data; `plot` draws them, and only then is matplotlib imported.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.plotting_backtest import BacktestDisplay
from tsrnn.plotting_calibration import CalibrationDisplay
from tsrnn.plotting_style import (
    COLOURS,
    INK,
    MAX_PANELS,
    axes_for,
    legend,
    positions,
    tidy,
    time_axis,
    time_name,
)
from tsrnn.plotting_training import TrainingDisplay
from tsrnn.timegrid import TimeGrid

__all__ = ["BacktestDisplay", "CalibrationDisplay", "ForecastDisplay", "TrainingDisplay"]

_Key = tuple[Hashable, Hashable]


class ForecastDisplay:
    """Histories, the forecasts that follow them and, if known, what then came.

    Make it with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    history, forecast : Series, DataFrame, array or (series, time) panel
        Columns are targets. An array of forecasts follows the history.
    truth : same kinds, default None
        What was observed where the forecasts are.
    name : str, default None
        Name of the forecaster.

    Attributes
    ----------
    ax_ : Axes, or ndarray of Axes
        One for each series and target.
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> months = pd.period_range("2024-01", periods=6, freq="M")
    >>> sales = pd.Series([3.0, 5, 4, 6, 5, 7], index=months, name="sales")
    >>> display = ForecastDisplay.from_predictions(sales[:4], sales[2:4].to_numpy())
    >>> display.plot().ax_.get_ylabel()
    'sales'
    """

    def __init__(self, history: Any, forecast: Any, truth: Any = None, *, name: str | None = None):
        self.history = history
        self.forecast = forecast
        self.truth = truth
        self.name = name

    @classmethod
    def from_predictions(
        cls,
        history: Any,
        forecast: Any,
        truth: Any = None,
        *,
        name: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Plot forecasts that were made before.

        Parameters
        ----------
        history, forecast, truth, name : as in the class
        ax : Axes or sequence of Axes, default None
        **options
            For `plot`.

        Returns
        -------
        display : ForecastDisplay
        """
        return cls(history, forecast, truth, name=name).plot(ax, **options)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        truth: Any = None,
        name: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Forecast with a fitted estimator, and plot.

        Parameters
        ----------
        estimator : fitted forecaster
            Asked for ``predict(X)``.
        X : history, default None
            None takes the history that the forecaster keeps from fit.
        truth : as in the class, default None
        name : str, default None
            None is the name of the estimator's class.
        ax : Axes or sequence of Axes, default None
        **options
            For `plot`.

        Returns
        -------
        display : ForecastDisplay

        Raises
        ------
        ValueError
            If X is None and the estimator keeps no history.
        """
        name = type(estimator).__name__ if name is None else name
        if X is not None:
            return cls(X, estimator.predict(X), truth, name=name).plot(ax, **options)
        panel: Any = getattr(estimator, "history_", None)
        if not hasattr(panel, "wrap"):
            raise ValueError(f"X is None, but {name} keeps no history_; give the history as X")
        history = panel.wrap(panel.targets, panel.lengths, panel.starts)
        return cls(history, estimator.predict(), truth, name=name).plot(ax, **options)

    def plot(
        self,
        ax: Any = None,
        *,
        series: Sequence[Hashable] | Hashable | None = None,
        n_history: int | str | None = "auto",
        max_panels: int = MAX_PANELS,
        title: str | None = None,
    ) -> Self:
        """Draw one panel for each series and target.

        Parameters
        ----------
        ax : Axes or sequence of Axes, default None
            One for each panel; None makes a figure.
        series : label or list of labels, default None
            Series of a panel; None takes the first ones.
        n_history : int, "auto" or None, default "auto"
            Steps of the history shown; "auto" is 6 times the steps forecast, at least 36, and
            None all.
        max_panels : int, default 12
            At most so many panels; the title says how many there would be.
        title : str, default None
            None names the forecaster.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `series` names one without a forecast, or `ax` holds too few or many axes.
        """
        lines = self._lines(series)
        shown = dict(list(lines.items())[:max_panels])
        alone = len(lines) == 1
        heading = self._heading(len(shown), len(lines)) if title is None else title
        n_cols, size = _layout(len(shown))
        self.figure_, axes = axes_for(ax, len(shown), n_cols=n_cols, size=size)
        for i, (panel, (key, parts)) in enumerate(zip(axes, shown.items(), strict=True)):
            _draw(panel, parts, n_history, max_markers=24 if len(shown) <= 2 else 12)
            time_axis(panel, pd.Index(parts[1].index).append(parts[0].index), n_ticks=_ticks(shown))
            bottom = ax is not None or i + n_cols >= len(shown)
            own_title = heading if alone else "" if key[0] is None else str(key[0])
            x = time_name(parts[1].index) if bottom else ""
            tidy(panel, title=own_title, x=x, y="value" if key == (None, 0) else str(key[1]))
        if not alone and ax is None:
            self.figure_.suptitle(heading)
        legend(self.figure_, axes, own_figure=ax is None)
        self.ax_ = axes[0] if len(axes) == 1 else axes
        return self

    def _heading(self, n_shown: int, n_lines: int) -> str:
        heading = "Forecast" if self.name is None else f"Forecast of {self.name}"
        return heading if n_shown == n_lines else f"{heading} ({n_shown} of {n_lines} panels)"

    def _lines(self, series: Any) -> dict[_Key, tuple[pd.Series, ...]]:
        """History, forecast and truth of each series and target."""
        history = _columns(self.history)
        forecast = _columns(self.forecast, history)
        truth = {} if self.truth is None else _columns(self.truth, history)
        wanted = None if series is None else [series] if np.isscalar(series) else list(series)
        known = list(dict.fromkeys(label for label, _ in forecast))
        for label in wanted or ():
            if label not in known:
                raise ValueError(f"series={label!r} has no forecast; there are {known[:10]}")
        empty = pd.Series(dtype=np.float64)
        return {
            key: (history.get(key, empty), values, truth.get(key, empty))
            for key, values in forecast.items()
            if wanted is None or key[0] in wanted
        }


def _columns(data: Any, before: dict[_Key, pd.Series] | None = None) -> dict[_Key, pd.Series]:
    """Split data into one Series per series and target; arrays follow those of `before`."""
    if isinstance(data, pd.Series):
        data = data.to_frame(name=0 if data.name is None else data.name)
    if not isinstance(data, pd.DataFrame):
        values = np.asarray(data, dtype=np.float64)
        values = values.reshape(len(values), -1)
        if before is None:
            return {(None, j): pd.Series(column) for j, column in enumerate(values.T)}
        return _after(values, before)
    if not isinstance(data.index, pd.MultiIndex):
        return {(None, name): data[name] for name in data.columns}
    groups = data.groupby(level=0, sort=False)
    return {(s, name): rows.droplevel(0)[name] for s, rows in groups for name in data.columns}


def _after(values: np.ndarray, before: dict[_Key, pd.Series]) -> dict[_Key, pd.Series]:
    if values.shape[1] != len(before):
        raise ValueError(
            f"the array has {values.shape[1]} columns, but the history {len(before)} series and "
            "targets; give forecasts with the labels of the history"
        )
    placed = {}
    for (key, history), column in zip(before.items(), values.T, strict=True):
        grid = TimeGrid.of(history.index)
        placed[key] = pd.Series(column, index=grid.times(len(history) + np.arange(len(column))))
    return placed


def _layout(n_panels: int) -> tuple[int, tuple[float, float]]:
    """Return how many panels stand side by side, and the size of one."""
    if n_panels == 1:
        return 1, (9.0, 4.2)
    return (2, (5.2, 3.2)) if n_panels <= 4 else (3, (4.3, 2.6))


def _ticks(panels: Sequence[Any] | dict[_Key, Any]) -> int:
    return 8 if len(panels) == 1 else 5


def _draw(
    ax: Any, parts: tuple[pd.Series, ...], n_history: int | str | None, *, max_markers: int
) -> None:
    history, forecast, truth = parts
    history = history.loc[: history.last_valid_index()] if history.notna().any() else history[:0]
    if n_history is not None:
        n_rows = max(6 * len(forecast), 36) if n_history == "auto" else int(n_history)
        history = history[-n_rows:]
    single = {"marker": "o", "markersize": 3.5} if len(history) == 1 else {}
    x = positions(history.index)
    ax.plot(x, history, color=INK, linewidth=1.3, label="observed", **single)
    if len(x):
        ax.axvline(x[-1], color="#BBBBBB", linewidth=1.0, zorder=0)
    later = {"color": INK, "linestyle": ":", "linewidth": 1.6, "label": "observed later"}
    ahead = {"color": COLOURS[0], "linewidth": 2.0, "label": "forecast"}
    for line, style in ((forecast, ahead), (truth, later)):  # dots stay visible on a line
        if len(line):
            _draw_after(ax, history[-1:], line, len(line) <= max_markers, style)


def _draw_after(
    ax: Any, last: pd.Series, line: pd.Series, with_markers: bool, style: dict[str, Any]
) -> None:
    """Draw a line that goes on from the last observation; markers are its own points."""
    x = np.append(positions(last.index), positions(line.index))
    y = np.append(last, line)
    places = list(range(len(last), len(x)))
    marker = "o" if with_markers else ""
    ax.plot(x, y, marker=marker, markersize=3.5, markevery=places, **style)
