"""Forecasts of a backtest, and their errors by model, step ahead, cutoff and series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from tsrnn.archive import PathLike
from tsrnn.backtest_scores import scores_of
from tsrnn.backtest_tables import LOSSES

if TYPE_CHECKING:
    from tsrnn.alarms import CheckReport
    from tsrnn.model_comparison import DieboldMariano


@dataclass(eq=False, repr=False)
class BacktestResult:
    """What `backtest` returns: forecasts, truths, and methods that compare them.

    A metric is computed for each series and target over all cutoffs together, and then
    averaged over series and targets with equal weight. Rows whose truth is missing are left
    out. MASE and RMSSE divide by the mean seasonal difference in the training part of the
    first fold that tests the series: one scale at all cutoffs, so that their errors compare,
    and no test row in it. Where that part is no longer than a season they divide by the mean
    difference of neighbours; where even that is missing, the series is left out of their mean.

    Where quantiles were asked for there are more: wql (weighted quantile loss, pooled over the
    series of a target as is usual), crps, coverage_80 and the like for each pair of levels such
    as 0.1 and 0.9, and msis of the outermost pair, with the scale of MASE. They are NaN for a
    model without quantiles. Where some are named in `metrics`, the leaderboard has only those.

    Attributes
    ----------
    table : DataFrame
        One row per forecast: series (0 for a single one), cutoff, time, target, model, y_true
        and y_pred; and for each level of `quantiles` a column such as "q0.1".
    details : DataFrame
        Row by row of `table`: fold and step (numbers of the cutoff and of the steps from it),
        and seasonal_naive (that forecast).
    timings : DataFrame
        Seconds to fit and to predict, by model and cutoff. Cutoffs without a fit of their own
        took 0 to fit, and have an equal share of the call that served several.
    history : DataFrame
        Training part of the first fold of each series: series, time, target and y.
    metrics : dict of name to None or function
        The columns of the leaderboard; None stands for the metric of that name in
        `tsrnn.metrics.METRICS`, or of quantiles.
    season_length : int
        Season of the seasonal naive forecast, of MASE, RMSSE and MSIS.
    quantiles : tuple of float
        Levels that were asked for.
    losses : DataFrame
        Losses of each fit that keeps them: model, cutoff, member, epoch, kept (whether the
        weights of this epoch were kept), loss and maybe val_loss.

    Examples
    --------
    >>> from tsrnn.baselines import Naive
    >>> from tsrnn.model_selection import RollingOriginSplit, backtest
    >>> growth = pd.Series([1.0, 2, 4, 8, 16, 32], name="users")
    >>> result = backtest(Naive(), growth, cv=RollingOriginSplit(2, horizon=2))
    >>> result.by_horizon()["Naive"].to_dict()
    {1: 5.0, 2: 15.0}
    >>> result.by_cutoff("bias")["Naive"].to_dict()
    {1: -4.0, 3: -16.0}
    """

    table: pd.DataFrame
    details: pd.DataFrame
    timings: pd.DataFrame
    history: pd.DataFrame
    metrics: dict[str, Any]
    season_length: int
    quantiles: tuple[float, ...] = ()
    losses: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LOSSES))

    @property
    def models(self) -> list[str]:
        """Names of the models, in the order given."""
        return list(self.table["model"].unique())

    def leaderboard(self, sort: str | None = None) -> pd.DataFrame:
        """One row per model, best first.

        Parameters
        ----------
        sort : str, default None
            Column to sort by; None is the first metric. The greatest skill, the bias nearest
            to 0, the coverage nearest to what it is to be and the smallest of all else come
            first.

        Returns
        -------
        leaderboard : DataFrame
            The metrics, also of quantiles; skill, which is 1 - MAE / MAE of the seasonal naive
            forecast (1 is perfect, 0 as good, negative worse); seconds to fit and to predict in
            all.

        Raises
        ------
        ValueError
            If `sort` is no column.
        """
        scores = scores_of(self)
        board = pd.DataFrame({name: scores.by(name, ["model"]) for name in scores.names})
        board["skill"] = scores.skill()
        seconds = self.timings.groupby("model")[["fit_seconds", "predict_seconds"]].sum()
        board = board.reindex(self.models).join(seconds)
        sort = board.columns[0] if sort is None else sort
        if sort not in board.columns:
            raise ValueError(f"sort={sort!r} is not a column of it: {list(board.columns)}")
        order = scores.badness(board[sort], sort).sort_values(kind="stable").index
        return board.loc[order].rename_axis(None)

    def by_horizon(self, metric: str = "mae") -> pd.DataFrame:
        """Error by steps ahead of the cutoff, one column per model.

        Parameters
        ----------
        metric : str, default "mae"
            One of the `metrics`, of `tsrnn.metrics.METRICS`, or of those of quantiles.

        Returns
        -------
        errors : DataFrame

        Raises
        ------
        ValueError
            If the metric is unknown.
        """
        return self._by("step", metric)

    def by_cutoff(self, metric: str = "mae") -> pd.DataFrame:
        """Error by cutoff, one column per model.

        Series of a panel that have cutoffs of their own share a row, named by the latest.

        Parameters
        ----------
        metric : str, default "mae"
            As in `by_horizon`.

        Returns
        -------
        errors : DataFrame
        """
        errors = self._by("fold", metric)
        latest = self.table["cutoff"].groupby(self.details["fold"]).max()
        return errors.set_axis(pd.Index(latest.loc[errors.index], name="cutoff"))

    def by_series(self, metric: str = "mae") -> pd.DataFrame:
        """Error by series, one column per model.

        Parameters
        ----------
        metric : str, default "mae"
            As in `by_horizon`.

        Returns
        -------
        errors : DataFrame
        """
        return self._by("series", metric)

    def calibration(self) -> pd.DataFrame:
        """Share of observations that are not above each quantile, one column per model.

        Of a calibrated model it is the level of the quantile.

        Returns
        -------
        shares : DataFrame
            Indexed by the levels; NaN for a model without quantiles.

        Raises
        ------
        ValueError
            If the backtest was made without quantiles.
        """
        if not self.quantiles:
            raise ValueError(
                "the backtest was made without quantiles; ask for them with "
                "backtest(..., quantiles=[0.1, 0.5, 0.9])"
            )
        return (
            scores_of(self).calibration().T.reindex(columns=self.models).rename_axis(columns=None)
        )

    def diebold_mariano(self, first: str, second: str, **options: Any) -> DieboldMariano:
        """Test whether two models have the same expected loss.

        Parameters
        ----------
        first, second : str
            Names of models.
        **options
            Those of `tsrnn.model_selection.diebold_mariano`: loss and step.

        Returns
        -------
        test : DieboldMariano
            A named tuple (statistic, pvalue, mean_difference, n_cutoffs, n_lags).
        """
        from tsrnn.model_comparison import diebold_mariano

        return diebold_mariano(self, first, second, **options)

    def plot(
        self, kind: str = "errors", ax: Any = None, *, metric: str = "mae", **options: Any
    ) -> Any:
        """Plot errors by step and cutoff, or forecasts against the truth.

        Parameters
        ----------
        kind : {"errors", "horizon", "cutoff", "forecasts"}, default "errors"
            "errors" is both "horizon" and "cutoff".
        ax : Axes or sequence of Axes, default None
            One for each panel; None makes a figure.
        metric : str, default "mae"
            As in `by_horizon`.
        **options
            Those of `tsrnn.plotting.BacktestDisplay.plot`.

        Returns
        -------
        display : tsrnn.plotting.BacktestDisplay
        """
        from tsrnn.plotting import BacktestDisplay

        return BacktestDisplay.from_result(self, metric=metric).plot(kind, ax, **options)

    def to_html(
        self,
        path: PathLike,
        *,
        title: str | None = None,
        alarms: CheckReport | Mapping[str, CheckReport] | None = None,
    ) -> None:
        """Write a report: one page of HTML that holds all it needs, and opens anywhere.

        It shows the leaderboard, forecasts against the truth (with intervals, where there are
        quantiles), errors by step and by cutoff, calibration, the losses of fitted networks, and
        alarms. Of a large panel at most six series are drawn, chosen by their errors; the page
        says which and why.

        Parameters
        ----------
        path : path-like
            An older file is replaced at once; a leading ~ is the home folder.
        title : str, default None
            None is "Backtest".
        alarms : dict of name to CheckReport, or CheckReport, default None
            What `tsrnn.check` says of fitted forecasters, to be shown too; a single report where
            one model is a network.

        Raises
        ------
        OSError
            If the file cannot be written; an older one is then as it was.
        TypeError
            If a parameter is something else.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> from tsrnn import Naive, RollingOriginSplit, backtest
        >>> growth = pd.Series([1.0, 2, 4, 8, 16, 32], name="users")
        >>> result = backtest(Naive(), growth, cv=RollingOriginSplit(2, horizon=2))
        >>> with TemporaryDirectory() as folder:
        ...     result.to_html(f"{folder}/report.html", title="Users")
        """
        from tsrnn.report import write_report

        write_report(self, path, title=title, alarms=alarms)

    def __repr__(self) -> str:
        """Show the leaderboard."""
        return f"{self._title()}\n{self.leaderboard().round(4).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._title()}</p>{self.leaderboard().round(4).to_html()}"

    def _title(self) -> str:
        counts = {
            "model": len(self.models),
            "cutoff": self.details["fold"].nunique(),
            "series": self.table["series"].nunique(),
            "target": self.table["target"].nunique(),
        }
        plural = {word: "s" if n > 1 and word != "series" else "" for word, n in counts.items()}
        named = [f"{n} {word}{plural[word]}" for word, n in counts.items()]
        steps = self.details["step"]
        return f"BacktestResult: {', '.join(named)}, {steps.min()} to {steps.max()} steps ahead"

    def _by(self, key: str, metric: str) -> pd.DataFrame:
        scores = scores_of(self).by(metric, ["model", key])
        return scores.unstack("model").reindex(columns=self.models).rename_axis(columns=None)
