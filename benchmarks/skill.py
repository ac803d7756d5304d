"""Skill of the default forecasters over seasonal naive on the bundled series.

Four cutoffs a horizon apart, three seeds each, every fit anew; beside the baselines of
statsmodels in the same run.

Run: python benchmarks/skill.py
"""

import numpy as np
import pandas as pd

from tsrnn import (
    ARIMA,
    ETS,
    GRUForecaster,
    LSTMForecaster,
    RollingOriginSplit,
    SimpleRNNForecaster,
    Theta,
    backtest,
)
from tsrnn.datasets import load_airline, load_co2, load_sunspots

RECURRENT = {"LSTM": LSTMForecaster, "GRU": GRUForecaster, "SimpleRNN": SimpleRNNForecaster}
BASELINES = {"ETS": ETS, "Theta": Theta, "ARIMA": ARIMA}
SEEDS = range(3)


def skills(series: pd.Series, horizon: int) -> dict[str, str]:
    """Skill of each model; of a recurrent one the mean and range over the seeds."""
    models = {
        f"{name} {seed}": make(horizon=horizon, random_state=seed)
        for name, make in RECURRENT.items()
        for seed in SEEDS
    }
    models |= {name: make(horizon=horizon) for name, make in BASELINES.items()}
    cv = RollingOriginSplit(n_splits=4, horizon=horizon)
    skill = backtest(models, series, cv=cv).leaderboard()["skill"]
    row = {}
    for name in RECURRENT:
        own = np.array([skill[f"{name} {seed}"] for seed in SEEDS])
        row[name] = f"{own.mean():.2f} ({own.min():.2f} to {own.max():.2f})"
    return row | {name: f"{skill[name]:.2f}" for name in BASELINES}


def main() -> None:
    """Print a markdown table."""
    data = {
        "airline passengers, 12 months": (load_airline(), 12),
        "sunspots, 10 years": (load_sunspots(), 10),
        "CO2, 12 months": (load_co2("monthly"), 12),
    }
    print("| series, horizon | " + " | ".join([*RECURRENT, *BASELINES]) + " |")
    print("|---" * (1 + len(RECURRENT) + len(BASELINES)) + "|")
    for name, (series, horizon) in data.items():
        print(f"| {name} | " + " | ".join(skills(series, horizon).values()) + " |", flush=True)


if __name__ == "__main__":
    main()
