"""A backtest as one page of HTML that opens anywhere, without a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn.archive import replacing
from tsrnn.backtest_scores import Scores, scores_of
from tsrnn.plotting_backtest import BacktestDisplay, metric_name
from tsrnn.plotting_calibration import CalibrationDisplay
from tsrnn.plotting_training import TrainingDisplay
from tsrnn.report_alarms import alarm_section
from tsrnn.report_choice import MOST_LINES, MOST_MODELS, Line, choose_folds, choose_lines
from tsrnn.report_parts import (
    figure,
    models_key,
    page,
    paragraph,
    pictures,
    table,
)
from tsrnn.report_pictures import picture, shortened

if TYPE_CHECKING:
    from tsrnn.alarms import CheckReport
    from tsrnn.backtest_result import BacktestResult

_LEAST_HISTORY = 12
_SECONDS = ("fit_seconds", "predict_seconds")


def write_report(
    result: BacktestResult,
    path: str | PathLike[str],
    *,
    title: str | None = None,
    alarms: CheckReport | Mapping[str, CheckReport] | None = None,
) -> None:
    """Write a backtest as one page of HTML; see `BacktestResult.to_html`."""
    if not isinstance(title, str | None):
        raise TypeError(f"title={title!r} must be a str, or None for 'Backtest'")
    if not isinstance(path, str | PathLike):
        raise TypeError(f"path={path!r} must be a path, for example 'report.html'")
    warnings = alarm_section(result, alarms)
    board = result.leaderboard()
    sections = [
        ("leaderboard", "Leaderboard", _leaderboard(result, board)),
        ("forecasts", "Forecasts and truth", _forecasts(result, board.index.tolist())),
        ("horizon", "Errors by steps ahead", _errors(result, "horizon")),
        ("cutoff", "Errors by cutoff", _errors(result, "cutoff")),
        ("calibration", "Calibration", _calibration(result)),
        ("training", "Training", _training(result.losses)),
        ("alarms", "Alarms", warnings),
    ]
    content = page(
        "Backtest" if title is None else title,
        paragraph(_summary(result)),
        [section for section in sections if section[2]],
        f"Made with tsrnn {tsrnn.__version__}. This page loads nothing from elsewhere.",
    )
    with replacing(os.path.expanduser(path)) as part:
        part.write_bytes(content.encode("utf-8", errors="xmlcharrefreplace"))


def _summary(result: BacktestResult) -> str:
    table, steps = result.table, result.details["step"]
    first, last = table["cutoff"].min(), table["cutoff"].max()
    parts = [
        _count(len(result.models), "model"),
        f"{_count(result.details['fold'].nunique(), 'cutoff')} from {_written(first)} to "
        f"{_written(last)}",
        _count(table["series"].nunique(), "series", ""),
        _count(table["target"].nunique(), "target"),
        f"{steps.min()} to {steps.max()} steps ahead",
    ]
    return f"{', '.join(parts)}. At each cutoff a model has seen nothing of what it forecasts."


def _leaderboard(result: BacktestResult, board: pd.DataFrame) -> str:
    scores = scores_of(result)
    best = {name: _best(scores, board, name) for name in board.columns if name not in _SECONDS}
    notes = [
        f"Best is {_best_rule(scores)}. Skill is the share of the mean absolute error of the "
        f"seasonal naive forecast (season of {result.season_length}) that a model saves. The best "
        "of each column is marked. Scores are averaged over series and targets."
    ]
    if result.quantiles:
        levels = ", ".join(f"{level:g}" for level in result.quantiles)
        notes.append(
            f"wql and crps score the quantiles {levels}, msis the outermost interval. A coverage "
            "is the share of observations inside an interval. A dash stands where a model "
            "forecasts no quantiles."
        )
    marked = table(
        board, "model", "Leaderboard", mark=lambda model, name: model in best.get(name, ())
    )
    return "\n".join([marked, *(paragraph(note, note=True) for note in notes)])


def _best_rule(scores: Scores) -> str:
    """Say which value of a column is the best."""
    rules = ["the greatest skill"]
    if "bias" in scores.names and scores.metrics["bias"] is None:
        rules.append("the bias nearest to 0")
    if any(name in scores.shares for name in scores.names):
        rules.append("the coverage nearest to the percentage in its name")
    return f"{', '.join(rules)} and the smallest value of all else"


def _best(scores: Scores, board: pd.DataFrame, name: str) -> list[str]:
    """Models with the best finite value of a column; none, if it is the same for all."""
    bad = scores.badness(board[name], name).where(np.isfinite(board[name]))
    best = board.index[bad == bad.min()].tolist()
    return best if len(best) < len(board) else []


def _forecasts(result: BacktestResult, models: list[str]) -> str:
    """Pictures of some series, of the first of `models`, which come best first."""
    shown = [name for name in result.models if name in models[:MOST_MODELS]]
    rows = pd.concat([result.table, result.details], axis=1)
    metric = "mase"
    errors = _line_errors(result, models[0], metric)
    if not np.isfinite(errors).any():
        metric, errors = "mae", _line_errors(result, models[0], "mae")
    lines = choose_lines(errors)
    drawn = [_forecast_figure(result, rows, line, shown, i) for i, line in enumerate(lines)]
    notes = [_rule(len(errors), models, metric.upper()), _bands_note(result)]
    words = [paragraph(note) for note in notes if note]
    return "\n".join([*words, models_key(result.models, shown), pictures(drawn)])


def _line_errors(result: BacktestResult, model: str, metric: str) -> pd.Series:
    return scores_of(result).by(metric, ["model", "series", "target"])[model]


def _rule(n_lines: int, models: list[str], metric: str) -> str:
    text = "Each picture shows the last cutoffs whose forecasts do not overlap. "
    if len(models) > MOST_MODELS:
        text += f"The {MOST_MODELS} models that lead the leaderboard are drawn, of {len(models)}. "
    if n_lines > MOST_LINES:
        text += (
            f"Of {n_lines:,} series and targets at most {MOST_LINES} are drawn: the first, and "
            f"those where the error ({metric}) of {models[0]}, which leads the leaderboard, is the "
            "smallest, at the quartiles and the largest."
        )
    return text


def _bands_note(result: BacktestResult) -> str:
    held = [f"{100 * share:.6g}%" for share in scores_of(result).shares.values()]
    if not held:
        return ""
    shares = ", ".join(held)
    return f"Shaded bands are intervals that are to hold {shares} of the observations."


def _forecast_figure(
    result: BacktestResult, rows: pd.DataFrame, line: Line, models: list[str], i: int
) -> str:
    own = rows[(rows["series"] == line.series) & (rows["target"] == line.target)]
    folds = choose_folds(own[own["model"] == models[0]])
    drawn = own[own["fold"].isin(folds) & own["model"].isin(models)]
    by_model = pd.DataFrame(columns=result.models)
    display = BacktestDisplay(by_model, by_model, drawn, _truth_before(result, own, drawn))

    def draw(axes: Any) -> None:
        display.plot("forecasts", axes, models=models, series=line.series, target=line.target)
        for ax, name in zip(axes, models, strict=True):
            _settle(ax, name)
        for ax in axes[:-1]:
            ax.set_xlabel("")

    name = _line_name(result, line)
    n = result.details["fold"].nunique()
    which = "all cutoffs" if len(folds) == n else f"{len(folds)} of {_count(n, 'cutoff')}"
    caption = f"{name}: {which}" + (f". Drawn for {line.reason}." if line.reason else ".")
    alt = f"Lines of the observed values and the forecasts of {', '.join(models)}. {caption}"
    height = 2.6 if len(models) == 1 else 1.75
    svg = picture(draw, alt, f"forecasts-{i}", n_panels=len(models), height=height)
    return figure(svg, caption)


def _truth_before(result: BacktestResult, own: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Truth of a line from a while before its first drawn cutoff, other cutoffs included."""
    line = own.iloc[0]
    history = result.history
    before = history[(history["series"] == line["series"]) & (history["target"] == line["target"])]
    truth = own.drop_duplicates("time").rename(columns={"y_true": "y"})[before.columns]
    seen = pd.concat([before, truth]).drop_duplicates("time", keep="last").sort_values("time")
    n_before = int((seen["time"] <= drawn["cutoff"].min()).sum())
    return seen.iloc[max(0, n_before - max(_LEAST_HISTORY, 2 * int(own["step"].max()))) :]


def _line_name(result: BacktestResult, line: Line) -> str:
    parts = []
    if result.table["series"].nunique() > 1:
        parts.append(str(line.series))
    if result.table["target"].nunique() > 1 or not parts:
        parts.append("the series" if line.target == 0 else str(line.target))
    return ", ".join(parts)


def _errors(result: BacktestResult, by: str) -> str:
    """Pictures of the errors by "horizon" or "cutoff", in the first metric and of quantiles."""
    several = len(result.table[["series", "target"]].drop_duplicates()) > 1
    # Of a single series MASE is the MAE in other units.
    names = [next(iter(result.metrics)), *(["mase"] if several else []), "wql"]
    known = scores_of(result).names
    names = [name for name in dict.fromkeys(names) if name in known]
    drawn = []
    for i, metric in enumerate(names):
        errors = result.by_horizon(metric) if by == "horizon" else result.by_cutoff(metric)
        finite = errors.where(np.isfinite(errors))
        if finite.notna().any(axis=None):
            drawn.append(_error_figure(finite, by, metric, f"{by}-{i}"))
    note = paragraph("Averaged over series and targets.") if several else ""
    return "\n".join([note, models_key(result.models, result.models), pictures(drawn)])


def _error_figure(errors: pd.DataFrame, by: str, metric: str, key: str) -> str:
    display = BacktestDisplay(errors, errors, pd.DataFrame(), metric=metric)
    where = "steps ahead" if by == "horizon" else "cutoff"
    caption = f"{metric_name(metric)} by {where}"

    def draw(axes: Any) -> None:
        display.plot(by, axes)
        _settle(axes[0], "")

    alt = f"A line for each of {', '.join(errors.columns)}: {caption}"
    return figure(picture(draw, alt, key), caption)


def _calibration(result: BacktestResult) -> str:
    shares = result.calibration() if result.quantiles else pd.DataFrame()
    shown = [name for name in shares.columns if shares[name].notna().any()]
    if not shown:
        return ""
    note = (
        "How many observations were not above each quantile. Of a calibrated model it is the level "
        "of the quantile: the line lies on the diagonal. One that rises less steeply has intervals "
        "that are too narrow, one that rises more steeply too wide."
    )

    def draw(axes: Any) -> None:
        CalibrationDisplay(shares).plot(axes[0])
        _settle(axes[0], "")

    caption = "Observed share below each quantile; grey is the diagonal."
    alt = f"A line for each of {', '.join(shown)}. {caption}"
    drawn = figure(picture(draw, alt, "calibration", height=3.6), caption)
    numbers = table(shares[shown].T, "quantile", "Observed share below each quantile")
    key = models_key(result.models, shown)
    return "\n".join([paragraph(note), key, pictures([drawn]), numbers])


def _training(losses: pd.DataFrame) -> str:
    """Pictures of the losses of the last fit of each model."""
    last = {
        str(model): own[own["cutoff"] == own["cutoff"].iloc[-1]]
        for model, own in losses.groupby("model", sort=False)
    }
    drawn = [_training_figure(name, own, i) for i, (name, own) in enumerate(last.items())]
    return pictures(drawn) if drawn else ""


def _training_figure(name: str, losses: pd.DataFrame, i: int) -> str:
    kept = losses.loc[losses["kept"], "epoch"].tolist()
    best = kept if len(kept) == losses["member"].nunique() else None
    display = TrainingDisplay(losses.drop(columns=["model", "cutoff", "kept"]), best)

    def draw(axes: Any) -> None:
        display.plot(axes[0], title=shortened(name))

    members = losses["member"].nunique()
    of = "" if members == 1 else f" of its {members} networks"
    caption = f"{name}: losses{of} by epoch, in the fit up to {_written(losses['cutoff'].iloc[0])}."
    return figure(picture(draw, caption, f"training-{i}"), caption)


def _settle(ax: Any, title: str) -> None:
    """Take the legend, which stands in the page, and shorten and thin what does not fit."""
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    ax.set_title(shortened(title), loc="left", fontsize="medium", pad=6)
    ax.set_ylabel(shortened(ax.get_ylabel()))
    for line in ax.lines:
        line.set(linewidth=min(line.get_linewidth(), 1.3), markersize=min(line.get_markersize(), 4))


def _count(n: int, word: str, plural: str = "s") -> str:
    return f"{n:,} {word}{plural if n > 1 else ''}"


def _written(time: Any) -> str:
    """Write a time without a midnight."""
    return str(time).removesuffix(" 00:00:00")
