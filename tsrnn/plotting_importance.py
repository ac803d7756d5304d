"""Plot of what forecasts lose when a part of what they read is shuffled."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.plotting_style import COLOURS, INK, axes_for, legend, tidy

_KINDS = {"covariate": ("covariates", COLOURS[0]), "lags": ("lags of the context", COLOURS[2])}


class PermutationImportanceDisplay:
    """A horizontal bar for each covariate and stretch of lags, with its deviation.

    Make it with `from_estimator`, or with the `plot` of a `PermutationImportance`.

    Parameters
    ----------
    table : DataFrame
        Indexed by kind and name, with the columns mean and std.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> index = pd.MultiIndex.from_tuples([("covariate", "price"), ("lags", "1")])
    >>> table = pd.DataFrame({"mean": [2.0, 1.0], "std": [0.1, 0.2]}, index)
    >>> len(PermutationImportanceDisplay(table).plot().ax_.patches)
    2
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        ax: Any = None,
        title: str | None = None,
        **options: Any,
    ) -> Self:
        """Measure by `permutation_importance`, and plot that.

        Parameters
        ----------
        estimator : fitted RNNForecaster
        X, y : as in `permutation_importance`
        ax : Axes, default None
        title : str, default None
        **options
            For `permutation_importance`.

        Returns
        -------
        display : PermutationImportanceDisplay
        """
        from tsrnn.permutation import permutation_importance

        return cls(permutation_importance(estimator, X, y, **options).table).plot(ax, title=title)

    def plot(self, ax: Any = None, *, title: str | None = None) -> Self:
        """Draw covariates, the most important first, and below them the lags in their order.

        Parameters
        ----------
        ax : Axes, default None
            None makes a figure.
        title : str, default None

        Returns
        -------
        self
        """
        table = self.table
        kinds = table.index.get_level_values(0)
        covariates = table[kinds == "covariate"].sort_values("mean", ascending=False)
        table = pd.concat([covariates, table[kinds == "lags"]])
        size = (7.0, 1.4 + 0.3 * len(table))
        self.figure_, (self.ax_,) = axes_for(ax, 1, n_cols=1, size=size)
        places, kinds = np.arange(len(table)), table.index.get_level_values(0)
        for kind, (label, colour) in _KINDS.items():
            at = places[kinds == kind]
            if len(at):
                means, stds = (table[column].to_numpy()[at] for column in ("mean", "std"))
                self.ax_.barh(at, means, xerr=stds, color=colour, ecolor=INK, label=label)
        self.ax_.set_yticks(places, [_label(*key) for key in table.index])
        self.ax_.invert_yaxis()
        heading = "Permutation importance" if title is None else title
        tidy(self.ax_, title=heading, x="growth of the mean absolute error")
        self.ax_.grid(visible=False, axis="y")
        self.ax_.grid(axis="x", color="#E3E3E3", linewidth=0.8)
        self.ax_.axvline(0.0, color=INK, linewidth=0.8)
        legend(self.figure_, [self.ax_], own_figure=ax is None)
        return self


def _label(kind: str, name: Any) -> str:
    if kind != "lags":
        return str(name)
    return f"lags {name}" if " to " in name else f"lag {name}"
