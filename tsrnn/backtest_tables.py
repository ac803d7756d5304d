"""Tables of a backtest: what was observed, what was forecast, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.backtest_data import BacktestData, Fold
from tsrnn.backtest_tasks import Answer
from tsrnn.naive import seasonal_naive

TABLE = ["series", "cutoff", "time", "target", "model", "y_true", "y_pred"]
DETAILS = ["fold", "step", "seasonal_naive"]
LOSSES = ["model", "cutoff", "member", "epoch", "kept", "loss"]


def observed_rows(data: BacktestData, folds: Sequence[Fold], season_length: int) -> pd.DataFrame:
    """One row per fold, series, time and target: the truth and the seasonal naive forecast.

    Raises
    ------
    ValueError
        If no truth is observed.
    """
    truth = data.truth
    test = np.concatenate([fold.test for fold in folds])
    cutoffs = np.concatenate([fold.cutoffs[fold.at] for fold in folds])
    steps = np.concatenate([fold.steps for fold in folds])
    series = truth.series_of(test)
    naive = seasonal_naive(truth, series, cutoffs, int(steps.max()), season_length)
    rows = pd.DataFrame(
        {
            "series": _by_target(_series_labels(data, series), data),
            "cutoff": _by_target(data.times(cutoffs), data),
            "time": _by_target(data.times(test), data),
            "target": list(truth.columns.targets) * len(test),
            "fold": _by_target(
                np.repeat(np.arange(len(folds)), [len(f.test) for f in folds]), data
            ),
            "step": _by_target(steps, data),
            "y_true": truth.targets[test].ravel(),
            "seasonal_naive": naive[np.arange(len(test)), steps - 1].ravel(),
        }
    )
    if rows["y_true"].isna().all():
        raise ValueError("every target in the test rows of cv is missing; nothing can be scored")
    return rows


def forecast_table(
    rows: pd.DataFrame,
    models: Sequence[str],
    answers: Sequence[Answer],
    levels: Sequence[float],
) -> pd.DataFrame:
    """Put the forecasts of each model beside the test rows, one model below the other.

    Quantiles at `levels` follow in columns of their own, NaN for a model without.
    """
    n_blocks = len(answers) // len(models)
    parts = []
    for i, model in enumerate(models):
        own = answers[i * n_blocks : (i + 1) * n_blocks]
        y_pred = np.concatenate([answer.forecasts for answer in own]).ravel()
        parts.append(rows.assign(model=model, y_pred=y_pred, **_quantile_columns(own, levels)))
    return pd.concat(parts, ignore_index=True)[[*TABLE, *map(quantile_name, levels)]]


def quantile_name(level: float) -> str:
    """Name the column of a quantile.

    Examples
    --------
    >>> quantile_name(0.1)
    'q0.1'
    """
    return f"q{np.format_float_positional(level)}"


def quantile_levels(table: pd.DataFrame) -> dict[str, float]:
    """Levels of the columns of a table that hold quantiles, by name.

    Examples
    --------
    >>> quantile_levels(pd.DataFrame(columns=["y_pred", "q0.1", "q0.9"]))
    {'q0.1': 0.1, 'q0.9': 0.9}
    """
    names = [str(name) for name in table.columns if str(name).startswith("q0.")]
    return {name: float(name[1:]) for name in names}


def losses_table(
    data: BacktestData,
    models: Sequence[str],
    blocks: Sequence[Sequence[Fold]],
    answers: Sequence[Answer],
) -> pd.DataFrame:
    """Put the losses of all fits that keep them below each other, by model and cutoff."""
    parts = []
    for i, answer in enumerate(answers):
        if answer.losses is not None:
            model, block = models[i // len(blocks)], blocks[i % len(blocks)]
            parts.append(answer.losses.assign(model=model, cutoff=data.cutoff_of(block[0])))
    if not parts:
        return pd.DataFrame(columns=LOSSES)
    losses = pd.concat(parts, ignore_index=True)
    return losses[[name for name in [*LOSSES, "val_loss"] if name in losses.columns]]


def _quantile_columns(answers: Sequence[Answer], levels: Sequence[float]) -> dict[str, Any]:
    quantiles = [answer.quantiles for answer in answers if answer.quantiles is not None]
    if not quantiles:
        return {quantile_name(level): np.nan for level in levels}
    flat = np.concatenate([values.reshape(-1, len(levels)) for values in quantiles])
    return dict(zip(map(quantile_name, levels), flat.T, strict=True))


def timings_table(
    data: BacktestData,
    models: Sequence[str],
    blocks: Sequence[Sequence[Fold]],
    answers: Sequence[Answer],
) -> pd.DataFrame:
    """Seconds to fit and to predict, by model and cutoff."""
    records = []
    for i, answer in enumerate(answers):
        model, block = models[i // len(blocks)], blocks[i % len(blocks)]
        for nth, (fold, seconds) in enumerate(zip(block, answer.predict_seconds, strict=True)):
            fit_seconds = answer.fit_seconds if nth == 0 else 0.0
            records.append((model, data.cutoff_of(fold), fit_seconds, seconds))
    return pd.DataFrame(records, columns=["model", "cutoff", "fit_seconds", "predict_seconds"])


def first_training_rows(data: BacktestData, folds: Sequence[Fold]) -> pd.DataFrame:
    """Targets that each series trains on in the first fold that tests it."""
    truth, parts, seen = data.truth, [], np.zeros(data.truth.n_series, dtype=bool)
    for fold in folds:
        for s, start, cutoff in zip(fold.series, fold.starts, fold.cutoffs, strict=True):
            if not seen[s]:
                parts.append(np.arange(start, cutoff + 1))
        seen[fold.series] = True
    rows = np.concatenate(parts)
    return pd.DataFrame(
        {
            "series": _by_target(_series_labels(data, truth.series_of(rows)), data),
            "time": _by_target(data.times(rows), data),
            "target": list(truth.columns.targets) * len(rows),
            "y": truth.targets[rows].ravel(),
        }
    )


def _series_labels(data: BacktestData, series: np.ndarray) -> Any:
    return series if data.truth.ids is None else data.truth.ids[series]


def _by_target(values: Any, data: BacktestData) -> Any:
    return values.repeat(data.truth.n_targets)
