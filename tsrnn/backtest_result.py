"""Forecasts of a backtest, and their errors by model, step ahead, cutoff and series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.metrics import METRICS

_SCALED = ("mase", "rmsse")  # need the training data


@dataclass(eq=False, repr=False)
class BacktestResult:
    """What `backtest` returns: forecasts, truths, and methods that compare them.

    A metric is computed for each series and target over all cutoffs together, and then
    averaged over series and targets with equal weight. Rows whose truth is missing are left
    out. MASE and RMSSE divide by the mean seasonal difference in the training part of the
    first fold that tests the series: one scale at all cutoffs, so that their errors compare,
    and no test row in it. Where that part is no longer than a season they divide by the mean
    difference of neighbours; where even that is missing, the series is left out of their mean.

    Attributes
    ----------
    table : DataFrame
        One row per forecast: series (0 for a single one), cutoff, time, target, model, y_true
        and y_pred.
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
        `tsrnn.metrics.METRICS`.
    season_length : int
        Season of the seasonal naive forecast, of MASE and of RMSSE.

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
            to 0 and the smallest of all else come first.

        Returns
        -------
        leaderboard : DataFrame
            The metrics; skill, which is 1 - MAE / MAE of the seasonal naive forecast (1 is
            perfect, 0 as good, negative worse); seconds to fit and to predict in all.

        Raises
        ------
        ValueError
            If `sort` is no column.
        """
        board = pd.DataFrame({name: self._scores(name, ["model"]) for name in self.metrics})
        board["skill"] = self._skill()
        seconds = self.timings.groupby("model")[["fit_seconds", "predict_seconds"]].sum()
        board = board.reindex(self.models).join(seconds)
        sort = board.columns[0] if sort is None else sort
        if sort not in board.columns:
            raise ValueError(f"sort={sort!r} is not a column of it: {list(board.columns)}")
        keys = {"skill": lambda values: -values, "bias": abs}
        return board.sort_values(sort, key=keys.get(sort), kind="stable").rename_axis(None)

    def by_horizon(self, metric: str = "mae") -> pd.DataFrame:
        """Error by steps ahead of the cutoff, one column per model.

        Parameters
        ----------
        metric : str, default "mae"
            One of the `metrics`, or of `tsrnn.metrics.METRICS`.

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
        scores = self._scores(metric, ["model", key])
        return scores.unstack("model").reindex(columns=self.models).rename_axis(columns=None)

    def _scores(self, metric: str, by: list[str]) -> pd.Series:
        """Mean over series and targets of a metric, indexed by `by`."""
        if metric not in self.metrics:
            check_metrics([metric])
        frame = self._observed
        keys = [*(key for key in by if key != "series"), "series", "target"]
        groups: dict[Any, Any] = frame.groupby(keys, sort=False).indices
        # Groups of one size are scored in one call, as the outputs of one forecast.
        alike: dict[Any, list[tuple[np.ndarray, Any]]] = defaultdict(list)
        for key, rows in groups.items():
            n_differences = len(self._differences[key[-2:]][0]) if metric in _SCALED else 1
            alike[key[: len(by)], len(rows), n_differences].append((rows, key[-2:]))
        y_true, y_pred = frame["y_true"].to_numpy(), frame["y_pred"].to_numpy()
        totals: dict[Any, Any] = defaultdict(lambda: np.zeros(2))
        for (shown, _, n_differences), members in alike.items():
            n = len(members) if n_differences else 0  # without a scale they are left out
            score = self._score(metric, y_true, y_pred, members) if n else 0.0
            totals[shown] += n * score, n
        means = [total / n if n else np.nan for total, n in totals.values()]
        index: Any = pd.MultiIndex.from_tuples(list(totals), names=by)
        return pd.Series(means, index=index if len(by) > 1 else index.get_level_values(0))

    def _score(
        self, metric: str, y_true: np.ndarray, y_pred: np.ndarray, members: list[Any]
    ) -> float:
        """Mean score of groups of rows of the same size."""
        own = self.metrics.get(metric)
        if own is not None:
            return float(np.mean([own(y_true[rows], y_pred[rows]) for rows, _ in members]))
        where = np.column_stack([rows for rows, _ in members])
        if metric not in _SCALED:
            return METRICS[metric](y_true[where], y_pred[where], None, 1)
        # Laid out so that the seasonal differences are exactly those between observations.
        pairs = [self._differences[key] for _, key in members]
        y_train = np.column_stack([np.concatenate(pair) for pair in pairs])
        return METRICS[metric](y_true[where], y_pred[where], y_train, len(pairs[0][0]))

    def _skill(self) -> pd.Series:
        frame = self._observed.dropna(subset="seasonal_naive")
        errors = pd.DataFrame(
            {
                "own": (frame["y_true"] - frame["y_pred"]).abs(),
                "naive": (frame["y_true"] - frame["seasonal_naive"]).abs(),
            }
        )
        keys = [frame[key] for key in ("model", "series", "target")]
        mae = errors.groupby(keys).mean().groupby(level="model").mean()
        ratio = mae["own"] / mae["naive"].where(mae["naive"] > 0)
        return (1 - ratio).where(mae["naive"] > 0, np.where(mae["own"] == 0, 0.0, -np.inf))

    @cached_property
    def _observed(self) -> pd.DataFrame:
        frame = pd.concat([self.table, self.details], axis=1)
        return frame[frame["y_true"].notna()]

    @cached_property
    def _differences(self) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
        """Observations a season apart, of each series and target."""
        return {
            key: _pairs(y.to_numpy(), self.season_length)
            for key, y in self.history.groupby(["series", "target"], sort=False)["y"]
        }


def check_metrics(metrics: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics by name: None for one of `METRICS`, else a function.

    Raises
    ------
    ValueError
        If a name is unknown, or there is none.
    TypeError
        If what a dict gives is no function.
    """
    if isinstance(metrics, str):
        metrics = [metrics]
    named = dict(metrics) if isinstance(metrics, Mapping) else dict.fromkeys(metrics)
    if not named:
        raise ValueError("metrics is empty; give for example ('mae', 'mase')")
    for name, metric in named.items():
        if metric is None and name not in METRICS:
            raise ValueError(
                f"metric {name!r} is unknown; give one of {sorted(METRICS)}, or a dict with a "
                "function of (y_true, y_pred)"
            )
        if metric is not None and not callable(metric):
            raise TypeError(f"metric {name!r} is {metric!r}, not a function of (y_true, y_pred)")
    return named


def _pairs(y: np.ndarray, season_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations a season apart; neighbours, where none are."""
    for lag in (season_length, 1):
        before, after = y[:-lag], y[lag:]
        seen = ~np.isnan(before) & ~np.isnan(after)
        if seen.any():
            break
    return before[seen], after[seen]
