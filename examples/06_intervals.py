"""How far off may it be? Distributions, conformal intervals, and whether they keep their word."""

import numpy as np
import pandas as pd
from picture import save

from tsrnn import (
    ETS,
    BacktestDisplay,
    CalibrationDisplay,
    ConformalForecaster,
    GRUForecaster,
    RollingOriginSplit,
    backtest,
)
from tsrnn.datasets import load_airline

LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
gru = GRUForecaster(horizon=12, random_state=0)
models = {
    "GRU, quantiles": GRUForecaster(horizon=12, distribution="quantiles", random_state=0),
    "GRU, log-normal": GRUForecaster(horizon=12, distribution="log_normal", random_state=0),
    "GRU, conformal": ConformalForecaster(gru, n_splits=40),
    "ETS, conformal": ConformalForecaster(ETS(horizon=12), n_splits=40),
}


def orders(n_days: int) -> pd.Series:
    """Orders of a spare part: on most days none, in spring more."""
    random = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=n_days, name="day")
    mean = 0.6 * np.exp(np.sin(2 * np.pi * days.day_of_year / 365))
    return pd.Series(random.negative_binomial(2, 2 / (2 + mean)), days, name="orders")


if __name__ == "__main__":
    cv = RollingOriginSplit(n_splits=4, horizon=12)
    result = backtest(models, load_airline(), cv=cv, quantiles=LEVELS, refit=False)
    columns = ["mae", "wql", "crps", "coverage_80", "coverage_95", "msis", "fit_seconds"]
    print(result.leaderboard("wql")[columns].round(3).to_string())
    save(BacktestDisplay.from_result(result).plot("forecasts"), "06_intervals.png")
    save(CalibrationDisplay.from_result(result).plot(), "06_calibration.png")

    past, stock = orders(900), 14
    counts = GRUForecaster(horizon=14, distribution="negative_binomial", random_state=0)
    paths = counts.fit(past).sample(n_samples=2000, random_state=0)
    demand = paths.sum()  # of each path over the fortnight
    print(f"\norders expected in the next 14 days: {demand.mean():.1f}")
    print(f"{stock} parts in stock run out with a probability of {(demand > stock).mean():.0%}")
    print(f"enough in 19 of 20 fortnights: {demand.quantile(0.95):.0f} parts")
