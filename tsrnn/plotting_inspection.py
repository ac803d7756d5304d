"""Plots of what goes on in a recurrent network: its gates and states, its gradient by lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.lag_gradient import gradient_by_lag
from tsrnn.plotting_style import (
    COLOURS,
    FAINT,
    INK,
    axes_for,
    legend,
    positions,
    tidy,
    time_axis,
    time_name,
)

# Gates run from 0 to 1; candidates and states lie on both sides of 0.
_GATES = ("input", "forget", "output", "update", "reset")


class StateTraceDisplay:
    """The observations of a context, and below them each gate and state, unit by time.

    Make it with `from_estimator`, or with the `plot` of a `StateTrace`.

    Parameters
    ----------
    arrays : dict of ndarray of shape (n_segments, units)
        By layer and name of gate or state.
    times : Index of length n_segments
        Time of the last observation of each segment.
    context : DataFrame of shape (context_length, n_targets)
        Observations that were read.

    Attributes
    ----------
    ax_ : ndarray of Axes
        The observations first.
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> context = pd.DataFrame({"y": [1.0, 2.0, 3.0]})
    >>> arrays = {("gru_0", "update"): np.full((3, 2), 0.5)}
    >>> len(StateTraceDisplay(arrays, context.index, context).plot().ax_)
    2
    """

    def __init__(
        self, arrays: Mapping[tuple[str, str], np.ndarray], times: pd.Index, context: pd.DataFrame
    ) -> None:
        self.arrays = arrays
        self.times = times
        self.context = context

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, *, ax: Any = None, **options: Any
    ) -> Self:
        """Trace a fitted forecaster by `trace_states`, and plot that.

        Parameters
        ----------
        estimator : fitted RNNForecaster
        X : as in `trace_states`, default None
        ax : sequence of Axes, default None
        **options
            Of `trace_states`, and for `plot`: ``layer``, ``names`` and ``title``.

        Returns
        -------
        display : StateTraceDisplay
        """
        from tsrnn.state_trace import trace_states

        drawing = {k: options.pop(k) for k in ("layer", "names", "title") if k in options}
        trace = trace_states(estimator, X, **options)
        return cls(trace.arrays, trace.times, trace.context).plot(ax, **drawing)

    def plot(
        self,
        ax: Any = None,
        *,
        layer: str | None = None,
        names: Sequence[str] | None = None,
        title: str | None = None,
    ) -> Self:
        """Draw a heatmap for each gate and state of a layer.

        Parameters
        ----------
        ax : sequence of Axes, default None
            One more than gates and states; None makes a figure.
        layer : str, default None
            None is the last one.
        names : sequence of str, default None
            Gates and states to draw, in this order; None is all of them.
        title : str, default None
            None names the layer.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such layer or name.
        """
        layer = list(self.arrays)[-1][0] if layer is None else layer
        there = {name: a for (of, name), a in self.arrays.items() if of == layer}
        names = list(there) if names is None else list(names)
        if not there or not set(names) <= set(there):
            raise ValueError(
                f"layer={layer!r}, names={names}: choose among the layers and names "
                f"{sorted(self.arrays)}"
            )
        self.figure_, self.ax_ = axes_for(
            ax, len(names) + 1, n_cols=1, size=(8.0, 1.35), sharex=True
        )
        self._draw_context(self.ax_[0], layer if title is None else title)
        for one, name in zip(self.ax_[1:], names, strict=True):
            self._draw_part(one, name, there[name])
        time_axis(self.ax_[-1], self.context.index)
        self.ax_[-1].set_xlabel(time_name(self.context.index))
        return self

    def _draw_context(self, ax: Any, title: str) -> None:
        places = positions(self.context.index)
        for i, (name, values) in enumerate(self.context.items()):
            colour = INK if self.context.shape[1] == 1 else COLOURS[i % len(COLOURS)]
            ax.plot(places, values.to_numpy(), color=colour, label=str(name), linewidth=1.4)
        one = self.context.shape[1] == 1
        tidy(ax, title=title, y=str(self.context.columns[0]) if one else "value")
        if not one:
            ax.legend(frameon=False, fontsize="small", ncols=4)

    def _draw_part(self, ax: Any, name: str, values: np.ndarray) -> None:
        if name in _GATES:
            colours = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0}
        else:
            largest = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
            colours = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        edges = _edges(positions(self.context.index), len(values))
        units = np.arange(values.shape[1] + 1) - 0.5
        mesh = ax.pcolormesh(edges, units, np.ma.masked_invalid(values).T, **colours)
        ax.set_ylabel(f"{name}\nunit")
        ax.yaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.figure.colorbar(mesh, ax=ax, pad=0.01, aspect=8)


def _edges(places: np.ndarray, n_segments: int) -> np.ndarray:
    """Borders of the segments on the x axis, halfway between observations."""
    before = places[0] - (places[1] - places[0]) if len(places) > 1 else places[0] - 1.0
    after = places[-1] + (places[-1] - places[-2]) if len(places) > 1 else places[-1] + 1.0
    padded = np.concatenate([[before], places, [after]])
    middles = (padded[:-1] + padded[1:]) / 2
    return middles[:: len(places) // n_segments]


class GradientByLagDisplay:
    """How much forecasts depend on each observation, on a logarithmic axis.

    Solid lines are of trained networks, dashed ones of untrained ones. Make it with
    `from_forecasters`.

    Parameters
    ----------
    gradients : dict of Series
        By name of the forecaster, indexed by lag.
    untrained : dict of Series, default None
        Of fresh networks of the same shapes, under the same names.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> falling = pd.Series([1.0, 0.1, 0.01], pd.RangeIndex(1, 4, name="lag"))
    >>> GradientByLagDisplay({"LSTM": falling}).plot().ax_.get_yscale()
    'log'
    """

    def __init__(
        self, gradients: Mapping[str, pd.Series], untrained: Mapping[str, pd.Series] | None = None
    ) -> None:
        self.gradients = gradients
        self.untrained = untrained

    @classmethod
    def from_forecasters(
        cls,
        forecasters: Mapping[str, Any],
        X: Any = None,
        *,
        step: int | None = None,
        untrained: bool = True,
        random_state: Any = 0,
        ax: Any = None,
        title: str | None = None,
        **options: Any,
    ) -> Self:
        """Take the gradients of fitted forecasters by `gradient_by_lag`, and plot them.

        Parameters
        ----------
        forecasters : dict of fitted RNNForecaster
        X : as in `gradient_by_lag`, default None
        step : int, default None
            Step of the horizon; None averages over all.
        untrained : bool, default True
            Whether to draw fresh networks beside them.
        random_state : int, RandomState or None, default 0
            Of the fresh networks.
        ax : Axes, default None
        title : str, default None
        **options
            For `gradient_by_lag`: ``n_windows`` and ``y``.

        Returns
        -------
        display : GradientByLagDisplay
        """

        def of(forecaster: Any, **more: Any) -> pd.Series:
            gradients = gradient_by_lag(forecaster, X, step=step, **options, **more)
            return gradients.mean(axis=1) if step is None else gradients

        fresh = {"untrained": True, "random_state": random_state}
        trained = {name: of(forecaster) for name, forecaster in forecasters.items()}
        new = {name: of(one, **fresh) for name, one in forecasters.items()} if untrained else None
        return cls(trained, new).plot(ax, title=title)

    def plot(self, ax: Any = None, *, title: str | None = None) -> Self:
        """Draw a line for each network.

        Parameters
        ----------
        ax : Axes, default None
            None makes a figure.
        title : str, default None

        Returns
        -------
        self
        """
        self.figure_, (self.ax_,) = axes_for(ax, 1, n_cols=1, size=(7.0, 4.2))
        for i, (name, gradient) in enumerate(self.gradients.items()):
            colour = COLOURS[i % len(COLOURS)]
            self._line(gradient, color=colour, linewidth=1.8, label=name)
            if self.untrained is not None:
                self._line(self.untrained[name], color=colour, linewidth=1.3, linestyle="--")
        if self.untrained is not None:
            self.ax_.plot([], [], color=FAINT, linestyle="--", label="untrained")
        self.ax_.set_yscale("log")
        heading = "Gradient by lag" if title is None else title
        tidy(
            self.ax_,
            title=heading,
            x="lag (1 is the newest observation)",
            y="mean |d output / d input|",
        )
        legend(self.figure_, [self.ax_], own_figure=ax is None)
        return self

    def _line(self, gradient: pd.Series, **style: Any) -> None:
        # A gradient of exactly 0 has no place on a logarithmic axis.
        self.ax_.plot(gradient.index, gradient.where(gradient > 0), **style)
