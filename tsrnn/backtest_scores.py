"""Scores of the forecasts of a backtest, averaged over series and targets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.backtest_tables import quantile_name
from tsrnn.interval_metrics import (
    crps_from_quantiles,
    interval_coverage,
    msis,
    weighted_quantile_loss,
)
from tsrnn.metrics import METRICS

_SCALED = ("mase", "rmsse", "msis")  # need the training data
_POOLED = ("wql",)  # over the series of a target
_COVERAGE = "coverage_"
# Of observations, forecasts, training data and the length of the season.
Metric = Callable[[Any, Any, Any, int], float]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of the rows of a backtest, by model and whatever else.

    Attributes
    ----------
    frame : DataFrame
        The table and the details of a `BacktestResult`, where the truth is observed.
    history : DataFrame
        Training data of each series: series, time, target and y.
    metrics : dict of name to None or function
    season_length : int
    quantiles : tuple of float
    """

    frame: pd.DataFrame
    history: pd.DataFrame
    metrics: dict[str, Any]
    season_length: int
    quantiles: tuple[float, ...]

    @property
    def names(self) -> list[str]:
        """The metrics, and those of quantiles unless some of them are named among the metrics."""
        chosen = any(self._is_of_quantiles(name) for name in self.metrics)
        return list(dict.fromkeys([*self.metrics, *([] if chosen else self._of_quantiles)]))

    @property
    def shares(self) -> dict[str, float]:
        """What each coverage is to be, by its name, widest first."""
        levels = self.quantiles
        pairs = [(levels[i], levels[j]) for i, j in symmetric_pairs(levels)]
        shares = {_coverage_name(lower, upper): upper - lower for lower, upper in pairs}
        return {name: share for name, share in shares.items() if self._is_of_quantiles(name)}

    def badness(self, scores: pd.Series, metric: str) -> pd.Series:
        """Turn scores into what is smaller the better they are."""
        if metric == "skill":
            return -scores
        if metric in self.shares:
            return (scores - self.shares[metric]).abs()
        if metric == "bias" and self.metrics.get(metric) is None:
            return scores.abs()
        return scores

    def by(self, metric: str, keys: Sequence[str]) -> pd.Series:
        """Mean over series and targets of a metric, indexed by `keys`.

        Raises
        ------
        ValueError
            If the metric is unknown.
        """
        if metric not in self.names:
            check_metrics([metric], self.quantiles)
        of_quantiles = self._is_of_quantiles(metric)
        own = ["target"] if metric in _POOLED else ["series", "target"]
        names = [*keys, *(name for name in own if name not in keys)]
        line = [names.index(name) for name in own]
        groups: dict[Any, Any] = self.frame.groupby(names, sort=False).indices
        # Groups of one size are scored in one call, as the outputs of one forecast.
        alike: dict[Any, list[tuple[np.ndarray, Any]]] = defaultdict(list)
        for key, rows in groups.items():
            of = tuple(key[place] for place in line)
            n_differences = len(self._differences[of][0]) if metric in _SCALED else 1
            known = n_differences > 0 and not (of_quantiles and self._without_quantiles[rows[0]])
            alike[key[: len(keys)], len(rows), n_differences, known].append((rows, of))
        totals: dict[Any, Any] = defaultdict(lambda: np.zeros(2))
        for (shown, *_, known), members in alike.items():
            n = len(members) if known else 0  # without a scale, or quantiles, they are left out
            totals[shown] += n * self._score(metric, of_quantiles, members) if n else 0.0, n
        means = [total / n if n else np.nan for total, n in totals.values()]
        index: Any = pd.MultiIndex.from_tuples(list(totals), names=list(keys))
        return pd.Series(means, index=index if len(keys) > 1 else index.get_level_values(0))

    def skill(self) -> pd.Series:
        """Return 1 - MAE / MAE of the seasonal naive forecast, by model."""
        frame = self.frame.dropna(subset="seasonal_naive")
        errors = pd.DataFrame(
            {
                "own": (frame["y_true"] - frame["y_pred"]).abs(),
                "naive": (frame["y_true"] - frame["seasonal_naive"]).abs(),
            }
        )
        mae = _mean_by_model(errors, frame)
        ratio = mae["own"] / mae["naive"].where(mae["naive"] > 0)
        return (1 - ratio).where(mae["naive"] > 0, np.where(mae["own"] == 0, 0.0, -np.inf))

    def calibration(self) -> pd.DataFrame:
        """Share of observations not above each quantile, indexed by model."""
        names = [quantile_name(level) for level in self.quantiles]
        quantiles = self.frame[names]
        below = quantiles.ge(self.frame["y_true"], axis=0).where(quantiles.notna())
        shares = _mean_by_model(below.astype(np.float64), self.frame)
        return shares.set_axis(pd.Index(self.quantiles, name="quantile"), axis=1)

    def _score(self, metric: str, of_quantiles: bool, members: list[Any]) -> float:
        """Mean score of groups of rows of the same size."""
        own = self.metrics.get(metric)
        if own is not None:
            y_true, y_pred = self._arrays
            return float(np.mean([own(y_true[rows], y_pred[rows]) for rows, _ in members]))
        function = self._of_quantiles[metric] if of_quantiles else METRICS[metric]
        where = np.column_stack([rows for rows, _ in members])
        y_true, y_pred = self._arrays
        forecasts = self._quantile_values[where] if of_quantiles else y_pred[where]
        if metric not in _SCALED:
            return function(y_true[where], forecasts, None, 1)
        # Laid out so that the seasonal differences are exactly those between observations.
        pairs = [self._differences[line] for _, line in members]
        y_train = np.column_stack([np.concatenate(pair) for pair in pairs])
        return function(y_true[where], forecasts, y_train, len(pairs[0][0]))

    def _is_of_quantiles(self, metric: str) -> bool:
        return self.metrics.get(metric) is None and metric in self._of_quantiles

    @cached_property
    def _of_quantiles(self) -> dict[str, Metric]:
        return quantile_metrics(self.quantiles)

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return self.frame["y_true"].to_numpy(), self.frame["y_pred"].to_numpy()

    @cached_property
    def _quantile_values(self) -> np.ndarray:
        return self.frame[[quantile_name(level) for level in self.quantiles]].to_numpy()

    @cached_property
    def _without_quantiles(self) -> np.ndarray:
        return np.asarray(np.isnan(self._quantile_values).any(axis=1))

    @cached_property
    def _differences(self) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
        """Observations a season apart, of each series and target."""
        return {
            key: _pairs(y.to_numpy(), self.season_length)
            for key, y in self.history.groupby(["series", "target"], sort=False)["y"]
        }


def scores_of(result: Any) -> Scores:
    """Scores of a `BacktestResult`, as it is now."""
    frame = pd.concat([result.table, result.details], axis=1)
    observed = frame[frame["y_true"].notna()]
    return Scores(observed, result.history, result.metrics, result.season_length, result.quantiles)


def check_metrics(
    metrics: Sequence[str] | Mapping[str, Any], levels: Sequence[float] = ()
) -> dict[str, Any]:
    """Return the metrics by name: None for one of `METRICS` or of quantiles, else a function.

    Raises
    ------
    ValueError
        If a name is unknown, or there is none.
    TypeError
        If a name is no str, or what a dict gives is no function.
    """
    if isinstance(metrics, str):
        metrics = [metrics]
    named = dict(metrics) if isinstance(metrics, Mapping) else dict.fromkeys(metrics)
    if not named:
        raise ValueError("metrics is empty; give for example ('mae', 'mase')")
    of_quantiles = quantile_metrics(levels)
    for name, metric in named.items():
        if not isinstance(name, str):
            raise TypeError(
                f"metrics has the name {name!r}, which is no str; give an own metric as "
                "{'name': function}"
            )
        if metric is None and name in of_quantiles:
            continue
        if metric is None and (name in ("wql", "crps", "msis") or name.startswith(_COVERAGE)):
            raise ValueError(
                f"metric {name!r} is one of quantiles, but backtest(..., quantiles="
                f"{list(levels) or None}) has {list(of_quantiles) or 'none'}; ask for the levels "
                "that it needs, such as 0.1 and 0.9 for coverage_80"
            )
        if metric is None and name not in METRICS:
            raise ValueError(
                f"metric {name!r} is unknown; give one of {sorted(METRICS)}, or a dict with a "
                "function of (y_true, y_pred)"
            )
        if metric is not None and not callable(metric):
            raise TypeError(f"metric {name!r} is {metric!r}, not a function of (y_true, y_pred)")
    return named


def quantile_metrics(levels: Sequence[float]) -> dict[str, Metric]:
    """Metrics of quantile forecasts at these ascending levels, by name.

    Each symmetric pair of levels is an interval, and has a coverage; MSIS is that of the
    outermost pair.

    Examples
    --------
    >>> list(quantile_metrics([0.1, 0.25, 0.5, 0.75, 0.9]))
    ['wql', 'crps', 'coverage_80', 'coverage_50', 'msis']
    """
    if not levels:
        return {}
    metrics: dict[str, Metric] = {
        "wql": partial(_without_training, weighted_quantile_loss, levels),
        "crps": partial(_without_training, crps_from_quantiles, levels),
    }
    pairs = symmetric_pairs(levels)
    for lower, upper in pairs:
        metrics[_coverage_name(levels[lower], levels[upper])] = partial(_coverage, lower, upper)
    if pairs:
        lower, upper = pairs[0]
        metrics["msis"] = partial(_msis, lower, upper, levels[upper] - levels[lower])
    return metrics


def symmetric_pairs(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Positions of the levels that lie as far below a half as others above, outermost first.

    Examples
    --------
    >>> symmetric_pairs([0.05, 0.1, 0.5, 0.9])
    [(1, 3)]
    """
    n = len(levels)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return [(i, j) for i, j in pairs if np.isclose(levels[i] + levels[j], 1.0, rtol=0, atol=1e-6)]


def _coverage_name(lower: float, upper: float) -> str:
    return f"{_COVERAGE}{100 * (upper - lower):.6g}"


def _without_training(
    function: Any, levels: Sequence[float], y_true: Any, y_quantiles: Any, *_: Any
) -> float:
    return float(function(y_true, y_quantiles, quantiles=levels))


def _coverage(lower: int, upper: int, y_true: Any, y_quantiles: Any, *_: Any) -> float:
    return float(interval_coverage(y_true, y_quantiles[..., lower], y_quantiles[..., upper]))


def _msis(
    lower: int,
    upper: int,
    coverage: float,
    y_true: Any,
    y_quantiles: Any,
    y_train: Any,
    season_length: int,
) -> float:
    bounds = y_quantiles[..., lower], y_quantiles[..., upper]
    options = {"coverage": coverage, "y_train": y_train, "season_length": season_length}
    return float(msis(y_true, *bounds, **options))


def _mean_by_model(values: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Mean by series and target, and then over those."""
    keys = [frame[key] for key in ("model", "series", "target")]
    return values.groupby(keys).mean().groupby(level="model").mean()


def _pairs(y: np.ndarray, season_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations a season apart; neighbours, where none are."""
    for lag in (season_length, 1):
        before, after = y[:-lag], y[lag:]
        seen = ~np.isnan(before) & ~np.isnan(after)
        if seen.any():
            break
    return before[seen], after[seen]
