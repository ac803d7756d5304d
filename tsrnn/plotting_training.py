"""Plot of the losses of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.plotting_style import COLOURS, axes_for, legend, tidy, time_axis

_LINES = {"loss": ("training", COLOURS[0]), "val_loss": ("validation", COLOURS[1])}


class TrainingDisplay:
    """Losses by epoch, and the epoch that the weights come from.

    Make it with `from_estimator`.

    Parameters
    ----------
    losses : DataFrame or dict, or list of them
        ``loss`` and, if there is a validation part, ``val_loss`` by epoch. A list holds the
        members of an ensemble.
    best_epoch : int or list of int, default None
        Epoch whose weights were kept, counted from 0, of each member.
    name : str, default None
        Name of the estimator.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> losses = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.2, 2.9, 3.0]}
    >>> TrainingDisplay(losses, best_epoch=1).plot().ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, losses: Any, best_epoch: Any = None, *, name: str | None = None) -> None:
        self.losses = losses
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Any = None, **options: Any
    ) -> Self:
        """Plot the losses that a fitted forecaster keeps.

        Parameters
        ----------
        estimator : fitted forecaster
            With ``losses_``, or else ``history_``, as `losses` of the class (a column
            ``member`` tells the members of an ensemble apart), and maybe ``best_epoch_``.
        name : str, default None
            None is the name of the estimator's class.
        ax : Axes, default None
        **options
            For `plot`.

        Returns
        -------
        display : TrainingDisplay

        Raises
        ------
        ValueError
            If the estimator keeps no losses.
        """
        name = type(estimator).__name__ if name is None else name
        for attribute in ("losses_", "history_"):
            losses = getattr(estimator, attribute, None)
            if isinstance(losses, pd.DataFrame | Mapping | list):
                best = getattr(estimator, "best_epoch_", None)
                return cls(losses, best, name=name).plot(ax, **options)
        raise ValueError(f"{name} keeps no losses_ of its training; fit a network first")

    def plot(self, ax: Any = None, *, log_scale: bool = False, title: str | None = None) -> Self:
        """Draw the losses of every member.

        Parameters
        ----------
        ax : Axes, default None
            None makes a figure.
        log_scale : bool, default False
            Draw the losses on a logarithmic axis.
        title : str, default None
            None names the estimator.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no ``loss``, or not one best epoch for each member.
        """
        members = _members(self.losses)
        best = [None] * len(members) if self.best_epoch is None else list(np.ravel(self.best_epoch))
        if len(best) != len(members):
            raise ValueError(f"best_epoch has {len(best)} entries for {len(members)} members")
        self.figure_, (self.ax_,) = axes_for(ax, 1, n_cols=1, size=(7.0, 4.2))
        for member, epoch in zip(members, best, strict=True):
            _draw_member(self.ax_, member, epoch, several=len(members) > 1)
        if log_scale:
            self.ax_.set_yscale("log")
        time_axis(self.ax_, members[0].index)
        heading = f"Training of {self.name}" if self.name else "Training"
        tidy(self.ax_, title=heading if title is None else title, x="epoch", y="loss")
        legend(self.figure_, [self.ax_], own_figure=ax is None)
        return self


def _members(losses: Any) -> list[pd.DataFrame]:
    """One frame per member, indexed by the epoch."""
    several: Sequence[Any] = losses if isinstance(losses, list | tuple) else [losses]
    frames = [pd.DataFrame(one) for one in several]
    if len(frames) == 1 and "member" in frames[0].columns:
        frames = [part for _, part in frames[0].groupby("member", sort=False)]
    for frame in frames:
        if "loss" not in frame.columns or len(frame) == 0:
            raise ValueError(f"losses has the columns {list(frame.columns)}; it needs 'loss'")
    return [
        frame.set_index("epoch") if "epoch" in frame.columns else frame.reset_index(drop=True)
        for frame in frames
    ]


def _draw_member(ax: Any, losses: pd.DataFrame, best: Any, *, several: bool) -> None:
    marker = "o" if len(losses) == 1 else ""
    for column, (label, colour) in _LINES.items():
        if column in losses.columns and losses[column].notna().any():
            style = {"linewidth": 1.1 if several else 1.9, "alpha": 0.65 if several else 1.0}
            ax.plot(losses.index, losses[column], color=colour, label=label, marker=marker, **style)
    if best is None or best not in losses.index:
        return
    kept = losses["val_loss"] if "val_loss" in losses.columns else losses["loss"]
    label = "best epoch" if several else f"best epoch ({best})"
    dot = {"color": "white", "markeredgecolor": "black", "markersize": 6, "zorder": 3}
    ax.plot([best], [kept.loc[best]], "o", label=label, **dot)
    if not several:
        ax.axvline(best, color="#BBBBBB", linewidth=1.0, zorder=0)
