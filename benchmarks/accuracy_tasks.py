"""The data, models and scores of `accuracy.py`: one function for each kind of data."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from speed_measure import peak_mb

import tsrnn
from tsrnn.datasets import load_airline, load_co2, load_sunspots
from tsrnn.panel import from_long

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA = Path(os.environ.get("TSRNN_BENCH_DATA", BESIDE)).resolve()
NETWORKS = {"LSTM": {}, "GRU": {}, "SimpleRNN": {}, "LSTM x 5": {"n_members": 5}}
# The default LSTM with one part exchanged.
VARIANTS = {
    "default": {},
    "measured from the last season": {"reference": "season"},
    "measured from the last value": {"reference": "last"},
    "measured from a mix of seasons": {"reference": "seasons"},
    "only the shortest season known": {"season_length": "shortest"},
    "windows scaled by their deviation": {"scale": "deviation"},
    "windows scaled by their mean distance": {"scale": "mean_absolute"},
    "one observation a step": {"segment_length": 1},
    "half the units": {"units": 0.5},
    "twice the units": {"units": 2},
    "two layers": {"n_layers": 2},
    "answer from the last state": {"architecture": "seq2vec"},
    "encoder and decoder": {"architecture": "encoder_decoder"},
    "loss at every step": {"architecture": "seq2seq"},
    "squared loss": {"loss": "mse"},
    "half the passes": {"max_epochs": 0.5},
    "twice the passes": {"max_epochs": 2},
    "constant learning rate": {"schedule": "constant"},
    "a third of the learning rate": {"learning_rate": 0.001},
    "gradient not clipped": {"clipnorm": None},
    "dropout of 0.1": {"dropout": 0.1},
    "early stopping": {"early_stopping": True},
    "five members": {"n_members": 5},
}
# sMAPE and MASE of Naive2 on the test rows, which OWA is relative to.
NAIVE2_M4_HOURLY = (18.383, 2.395)


@dataclass(frozen=True)
class Task:
    """What is forecast, and what others published of it."""

    run: Callable[[str, int, bool], dict[str, float]]
    published: dict[str, dict[str, float]] = field(default_factory=dict)


def run_task(data: str, model: str, seed: int, validation: bool) -> dict[str, float]:
    """Fit one model with its defaults, forecast and score."""
    return TASKS[data].run(model, seed, validation) | {"peak_mb": peak_mb()}


def make(model: str, horizon: int, seed: int, season: int, train: Any = None) -> Any:
    """Make a forecaster; `train` tells a variant the default that it halves or doubles."""
    if model in VARIANTS:
        params = dict(VARIANTS[model])
        for name, value in params.items():
            if value == "shortest":
                params[name] = season
            elif name in ("units", "max_epochs"):
                params[name] = max(1, round(value * _default(name, horizon, train)))
        return tsrnn.LSTMForecaster(horizon=horizon, random_state=seed, **params)
    if model not in NETWORKS:
        return getattr(tsrnn, model)(horizon=horizon)
    cell = getattr(tsrnn, f"{model.split()[0]}Forecaster")
    return cell(horizon=horizon, random_state=seed, **NETWORKS[model])


def _default(name: str, horizon: int, train: Any) -> int:
    usual = tsrnn.LSTMForecaster(horizon=horizon, random_state=0).fit(train)
    return getattr(usual.spec_ if name == "units" else usual.train_spec_, name)


def of_panel(
    table: str,
    horizon: int,
    season: int,
    frequency: str | None,
    naive2: tuple[float, float] | None,
    model: str,
    seed: int,
    validation: bool,
) -> dict[str, float]:
    """Scores after the end of each series of a panel."""
    train, truth = read_panel(table, horizon, frequency, validation)
    forecaster = make(model, horizon, seed, season, train)
    start = time.perf_counter()
    forecast = forecaster.fit(train).predict()["y"]
    seconds = time.perf_counter() - start
    errors = (forecast - truth.loc[forecast.index]).abs()
    if len(forecast) != len(truth) or not np.isfinite(errors).all():
        raise ValueError(f"{model} forecast other rows than {table} tests, or no numbers")
    sizes = forecast.abs() + truth.loc[forecast.index].abs() + 1e-12
    smape = (200 * errors / sizes).groupby(level=0).mean().mean()
    naive = train["y"].groupby(level=0).diff(season).abs().groupby(level=0).mean()
    mase = (errors.groupby(level=0).mean() / naive).replace(np.inf, np.nan).mean()
    scores = {"smape": smape, "mase": mase, "seconds": seconds}
    if naive2 is not None and not validation:
        scores["owa"] = (smape / naive2[0] + mase / naive2[1]) / 2
    return scores


def read_panel(
    table: str, horizon: int, frequency: str | None, validation: bool
) -> tuple[pd.DataFrame, pd.Series]:
    """Training rows and what follows them, labelled with times of the panel's step."""
    rows = pd.read_csv(DATA / f"{table}.csv.gz")
    if validation:
        rows = rows[rows["split"] == "train"]
        ahead = rows.groupby("series").cumcount(ascending=False)
        rows = rows.assign(split=np.where(ahead < horizon, "test", "train"))
    if frequency is not None:
        times = pd.date_range("1900", periods=int(rows["t"].max()) + 1, freq=frequency)
        rows = rows.assign(t=times[rows["t"]])
    train, test = (
        rows.loc[rows["split"] == part, ["series", "t", "y"]] for part in ("train", "test")
    )
    return from_long(train, id="series", time="t"), test.set_index(["series", "t"])["y"]


def of_etth1(horizon: int, model: str, seed: int, validation: bool) -> dict[str, float]:
    """Errors after every hour of the test months, of columns standardised on the first 12.

    Months are 30 days, split 12/4/4 as in the literature (Informer, arXiv:2012.07436).
    """
    hours = pd.read_csv(DATA / "etth1.csv.gz", index_col="date", parse_dates=True).asfreq("h")
    train_end, validation_end, test_end = (30 * 24 * months for months in (12, 16, 20))
    first, end = (train_end, validation_end) if validation else (validation_end, test_end)
    learned = hours[:train_end]
    hours = (hours - learned.mean()) / learned.std(ddof=0)
    forecaster = make(model, horizon, seed, 24, hours[:train_end])
    start = time.perf_counter()
    forecaster.fit(hours[:train_end])
    cutoffs = np.arange(first - 1, end - horizon)
    squares, distances = [], []
    for some in np.array_split(cutoffs, 12):
        forecasts = forecaster.predict_at(hours[:end], some).to_numpy()
        truth = hours.to_numpy()[(some[:, None] + np.arange(1, horizon + 1)).ravel()]
        squares.append((forecasts - truth) ** 2)
        distances.append(np.abs(forecasts - truth))
    seconds = time.perf_counter() - start
    mse, mae = (float(np.concatenate(parts).mean()) for parts in (squares, distances))
    return {"mse": mse, "mae": mae, "seconds": seconds}


def of_single(
    load: Callable[[], pd.Series],
    horizon: int,
    season: int,
    model: str,
    seed: int,
    validation: bool,
) -> dict[str, float]:
    """Mean MASE after 12 cutoffs, half a horizon apart, fitted anew at each."""
    y = load()
    last = len(y) - horizon
    step = max(1, horizon // 2)
    if validation:  # what lies before the tested rows
        last -= 12 * step
    cutoffs = last - step * np.arange(12)
    errors, start = [], time.perf_counter()
    for cutoff in cutoffs:
        train, truth = y[:cutoff], y[cutoff : cutoff + horizon].to_numpy()
        forecast = make(model, horizon, seed, season, train).fit(train).predict().to_numpy()
        naive = np.abs(train.to_numpy()[season:] - train.to_numpy()[:-season]).mean()
        errors.append(np.abs(forecast - truth).mean() / naive)
    return {"mase": float(np.mean(errors)), "seconds": (time.perf_counter() - start) / 12}


def load_h2o() -> pd.Series:
    """Monthly drug expenditure."""
    table = pd.read_csv(DATA / "h2o_exog.csv.gz", index_col="fecha", parse_dates=True)
    return table["y"].asfreq("MS")


def load_victoria() -> pd.Series:
    """Daily mean of the half-hourly electricity demand of Victoria."""
    table = pd.read_csv(DATA / "vic_electricity.csv.gz", parse_dates=["Date"])
    return table.groupby("Date")["Demand"].mean().asfreq("D")


def m3(*published: tuple[str, float]) -> dict[str, dict[str, float]]:
    """Name the MASE published for a panel of M3 (Monash archive, arXiv:2105.06643)."""
    return {model: {"mase": mase} for model, mase in published}


ES_RNN = {"smape": 9.328, "mase": 0.893, "owa": 0.440}
BEST_ENTRY = {"smape": 8.913, "mase": 0.801, "owa": 0.410}
TASKS = {
    "m3_yearly": Task(
        partial(of_panel, "m3_yearly", 6, 1, "YS", None), m3(("Theta", 2.774), ("N-BEATS", 2.961))
    ),
    "m3_quarterly": Task(
        partial(of_panel, "m3_quarterly", 8, 4, "QS", None), m3(("Theta", 1.117), ("DeepAR", 1.310))
    ),
    "m3_monthly": Task(
        partial(of_panel, "m3_monthly", 18, 12, "MS", None),
        m3(("ETS", 0.865), ("TBATS", 0.861), ("N-BEATS", 0.934), ("DeepAR", 1.167)),
    ),
    "m3_other": Task(partial(of_panel, "m3_other", 8, 1, None, None), m3(("ETS", 1.814))),
    "m4_hourly": Task(
        partial(of_panel, "m4_hourly", 48, 24, "h", NAIVE2_M4_HOURLY),
        {"ES-RNN, ensemble": ES_RNN, "best entry of M4": BEST_ENTRY},
    ),
    "etth1_96": Task(
        partial(of_etth1, 96),
        {"SegRNN": {"mse": 0.351}, "PatchTST": {"mse": 0.375}, "plain GRU": {"mse": 1.135}},
    ),
    "etth1_336": Task(
        partial(of_etth1, 336),
        {"SegRNN": {"mse": 0.423}, "PatchTST": {"mse": 0.462}, "plain GRU": {"mse": 1.080}},
    ),
    "airline": Task(partial(of_single, load_airline, 12, 12)),
    "co2": Task(partial(of_single, partial(load_co2, "monthly"), 12, 12)),
    "sunspots": Task(partial(of_single, load_sunspots, 10, 1)),
    "h2o": Task(partial(of_single, load_h2o, 12, 12)),
    "victoria": Task(partial(of_single, load_victoria, 7, 7)),
}
