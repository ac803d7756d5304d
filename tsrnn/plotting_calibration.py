"""Plot of how often quantiles of a backtest held."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd

from tsrnn.plotting_style import FAINT, axes_for, legend, line_style, tidy


class CalibrationDisplay:
    """Share of observations not above each quantile, against its level.

    Make it with `from_result`. The curve of a calibrated model lies on the diagonal. One that
    rises less steeply has intervals that are too narrow, one that rises more steeply too wide.

    Parameters
    ----------
    shares : DataFrame
        Observed shares, one row per level and one column per model; a column of NaN is left out.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> shares = pd.DataFrame({"LSTM": [0.12, 0.5, 0.83]}, index=[0.1, 0.5, 0.9])
    >>> CalibrationDisplay(shares).plot().ax_.get_xlabel()
    'level of the quantile'
    """

    def __init__(self, shares: pd.DataFrame) -> None:
        self.shares = shares

    @classmethod
    def from_result(cls, result: Any) -> Self:
        """Take the calibration of a backtest with quantiles; `plot` draws it.

        Parameters
        ----------
        result : tsrnn.model_selection.BacktestResult

        Returns
        -------
        display : CalibrationDisplay
        """
        return cls(result.calibration())

    def plot(self, ax: Any = None, *, title: str | None = None) -> Self:
        """Draw a curve for each model, and the diagonal.

        Parameters
        ----------
        ax : Axes, default None
            None makes a figure.
        title : str, default None
            None says what is shown.

        Returns
        -------
        self
        """
        self.figure_, (self.ax_,) = axes_for(ax, 1, n_cols=1, size=(5.4, 4.8))
        diagonal = {"color": FAINT, "linewidth": 1.2, "label": "calibrated"}
        self.ax_.plot([0, 1], [0, 1], **diagonal)
        for i, name in enumerate(self.shares.columns):
            shares = self.shares[name].dropna()
            if len(shares):
                self.ax_.plot(shares.index, shares, label=name, linewidth=1.7, **line_style(i))
        self.ax_.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        heading = "Calibration of the quantiles" if title is None else title
        tidy(self.ax_, title=heading, x="level of the quantile", y="observed share below")
        legend(self.figure_, [self.ax_], own_figure=ax is None)
        return self
