"""Simulated series of `alarms.py`: what a forecaster can learn, and what it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd

Rows = pd.Series | pd.DataFrame | np.ndarray


def autoregression(
    rng: np.random.Generator, n: int, *coefficients: float, size: float = 1.0
) -> np.ndarray:
    """Deviations that a linear recursion of normal shocks makes, without its first 100 steps."""
    y = np.zeros(n + 100)
    shocks = rng.normal(0, size, n + 100)
    for t in range(len(coefficients), n + 100):
        y[t] = shocks[t] + sum(c * y[t - 1 - i] for i, c in enumerate(coefficients))
    return y[100:]


def wave(t: np.ndarray, length: float, phase: float) -> np.ndarray:
    """Make a season that is no pure sine."""
    angle = 2 * np.pi * t / length + phase
    return np.sin(angle) + 0.4 * np.sin(2 * angle + 1)


def months(n: int) -> pd.DatetimeIndex:
    """Labels of so many months."""
    return pd.date_range("1700-01", periods=n, freq="MS")


def season_and_trend(rng: np.random.Generator, n: int) -> Rows:
    """Months with a season, a line and noise."""
    t = np.arange(n)
    y = 50 + rng.uniform(0, 0.3) * t + 8 * wave(t, 12, rng.uniform(0, 6)) + rng.normal(0, 1.5, n)
    return pd.Series(y, months(n), name="sales")


def growing_season(rng: np.random.Generator, n: int) -> Rows:
    """Months whose season and noise grow with their level."""
    t = np.arange(n)
    log = 4 + 0.004 * t + 0.2 * wave(t, 12, rng.uniform(0, 6)) + rng.normal(0, 0.04, n)
    return pd.Series(np.exp(log), months(n), name="sales")


def moving_level(rng: np.random.Generator, n: int) -> Rows:
    """Quarters with a season around a level that wanders back to its mean."""
    y = 100 + 10 * wave(np.arange(n), 4, rng.uniform(0, 6)) + autoregression(rng, n, 0.7, size=3)
    return pd.Series(y, pd.date_range("1700", periods=n, freq="QS"), name="output")


def noise_around_line(rng: np.random.Generator, n: int) -> Rows:
    """Years around a line."""
    y = 20 + rng.uniform(0.1, 0.3) * np.arange(n) + autoregression(rng, n, 0.3)
    return pd.Series(y, pd.period_range("1000", periods=n, freq="Y"), name="yield")


def mean_reverting(rng: np.random.Generator, n: int) -> Rows:
    """Rows of an array that return to their mean, without a season."""
    return autoregression(rng, n, 0.5)


def cycle(rng: np.random.Generator, n: int) -> Rows:
    """Rows of an array that swing about every nine steps, never twice alike."""
    return autoregression(rng, n, 1.4, -0.85)


def threshold(rng: np.random.Generator, n: int) -> Rows:
    """Rows of an array that fall faster than they rise: no linear recursion."""
    y = np.zeros(n + 100)
    shocks = rng.normal(0, 0.5, n + 100)
    for t in range(1, n + 100):
        y[t] = (0.9 * y[t - 1] + 0.6 if y[t - 1] < 1 else -0.6 * y[t - 1]) + shocks[t]
    return y[100:]


def hours_and_weeks(rng: np.random.Generator, n: int) -> Rows:
    """Hours with the seasons of a day and of a week."""
    t = np.arange(n)
    day, week = wave(t, 24, rng.uniform(0, 6)), wave(t, 168, rng.uniform(0, 6))
    y = 200 + 40 * day * (1 + 0.3 * week) + 15 * week + autoregression(rng, n, 0.6, size=5)
    return pd.Series(y, pd.date_range("2020", periods=n, freq="h"), name="load")


def days_with_gaps(rng: np.random.Generator, n: int) -> Rows:
    """Days with the season of a week, of which some are missing."""
    y = 30 + 6 * wave(np.arange(n), 7, rng.uniform(0, 6)) + autoregression(rng, n, 0.3, size=2)
    y[rng.random(n) < 0.03] = np.nan
    return pd.Series(y, pd.date_range("2020", periods=n, freq="D"), name="visits")


def promotions(rng: np.random.Generator, n: int) -> Rows:
    """Days with a week, and with promotions known in advance."""
    promotion = (rng.random(n) < 0.15) * 1.0
    y = 30 + 6 * wave(np.arange(n), 7, rng.uniform(0, 6)) + 12 * promotion + rng.normal(0, 2, n)
    index = pd.date_range("2020", periods=n, freq="D")
    return pd.DataFrame({"y": y, "promotion": promotion}, index)


def leading_indicator(rng: np.random.Generator, n: int) -> Rows:
    """Months that follow orders of the two months before, known up to the cutoff only."""
    orders = autoregression(rng, n, 0.6)
    y = 10 + 2 * np.roll(orders, 1) + np.roll(orders, 2) + rng.normal(0, 0.6, n)
    return pd.DataFrame({"y": y, "orders": orders}, months(n))


def weather(rng: np.random.Generator, n: int) -> Rows:
    """Days whose demand follows a temperature that is forecast well."""
    t = np.arange(n)
    temperature = 12 + 9 * np.sin(2 * np.pi * t / 365) + autoregression(rng, n, 0.8, size=2)
    y = 80 + 0.8 * np.abs(temperature - 17) ** 1.2 + 5 * wave(t, 7, 1) + rng.normal(0, 1, n)
    index = pd.date_range("2016", periods=n, freq="D")
    return pd.DataFrame({"y": y, "temperature": temperature}, index)


def two_targets(rng: np.random.Generator, n: int) -> Rows:
    """Months of two columns with seasons, the second of which leads the first."""
    t = np.arange(n)
    leads = autoregression(rng, n, 0.5)
    a = 5 * wave(t, 12, 1) + 1.5 * np.roll(leads, 1) + rng.normal(0, 0.8, n)
    return pd.DataFrame({"a": 40 + a, "b": 10 + 3 * wave(t, 12, 3) + leads}, months(n))


def shops(rng: np.random.Generator, n: int) -> Rows:
    """Eight series of months: seasons alike, sizes between 1 and 1,000."""
    t = np.arange(n)
    phase, sizes = rng.uniform(0, 6), 10 ** rng.uniform(0, 3, 8)
    series = {
        f"shop {i}": pd.DataFrame(
            {"y": size * (6 + wave(t, 12, phase + 0.1 * i) + rng.normal(0, 0.4, n))}, months(n)
        )
        for i, size in enumerate(sizes)
    }
    return pd.concat(series, names=["shop"])


def machines(rng: np.random.Generator, n: int) -> Rows:
    """Twenty series without a season, which return to levels of their own."""
    levels = rng.normal(0, 5, 20)
    series = {
        i: pd.DataFrame({"y": level + autoregression(rng, n, 0.4)}, pd.RangeIndex(n))
        for i, level in enumerate(levels)
    }
    return pd.concat(series, names=["machine"])


def business_days(rng: np.random.Generator, n: int) -> Rows:
    """Make business days with a week around a level that wanders back to its mean."""
    y = 500 + 20 * wave(np.arange(n), 5, rng.uniform(0, 6)) + autoregression(rng, n, 0.8, size=8)
    return pd.Series(y, pd.bdate_range("2010", periods=n), name="calls")


def half_hours(rng: np.random.Generator, n: int) -> Rows:
    """Half hours of a positive value that is near nothing at night."""
    t = np.arange(n)
    y = np.exp(1.5 * np.sin(2 * np.pi * t / 48) + autoregression(rng, n, 0.8, size=0.15))
    return pd.Series(20 * y, pd.date_range("2021", periods=n, freq="30min"), name="power")


def branches(rng: np.random.Generator, n: int) -> Rows:
    """Five series of quarters with seasons of their own, and shocks that all of them feel."""
    t, shared = np.arange(n), autoregression(rng, n, 0.4)
    index = pd.date_range("1800", periods=n, freq="QS")
    return pd.concat(
        {
            name: pd.DataFrame(
                {"y": 60 + 0.1 * t + 4 * wave(t, 4, phase) + shared + rng.normal(0, 1, n)}, index
            )
            for name, phase in zip("abcde", rng.uniform(0, 6, 5), strict=True)
        },
        names=["branch"],
    )


def tides(rng: np.random.Generator, n: int) -> Rows:
    """Rows of an array with a season that the user gives, and little noise."""
    return 2 + wave(np.arange(n), 25, rng.uniform(0, 6)) + rng.normal(0, 0.1, n)


def random_walk(rng: np.random.Generator, n: int) -> Rows:
    """Make a series of which nothing but the last value helps."""
    return rng.normal(size=n).cumsum()


def driven_walk(rng: np.random.Generator, n: int) -> Rows:
    """Make a level that moves as a plan says, and a little by itself."""
    plan = rng.normal(size=n)
    level = np.cumsum(2 * plan + rng.normal(0, 0.4, n))
    return pd.DataFrame({"level": level, "plan": plan}, months(n))


def noise(rng: np.random.Generator, n: int) -> Rows:
    """Values that say nothing of each other."""
    return rng.normal(size=n)


def large(rng: np.random.Generator, n: int) -> Rows:
    """Waves of sizes in the thousands."""
    return 5000 + 2000 * wave(np.arange(n), 12, rng.uniform(0, 6)) + rng.normal(0, 200, n)


def steep_line(rng: np.random.Generator, n: int) -> Rows:
    """Make a line, which climbs far above the training rows."""
    return pd.Series(np.arange(n) + rng.normal(0, 2, n), months(n))


def season_of_seven(rng: np.random.Generator, n: int) -> Rows:
    """Make a season that no index tells of, around a level that moves."""
    level = autoregression(rng, n, 0.95, size=0.5)
    return 30 + 4 * wave(np.arange(n), 7, rng.uniform(0, 6)) + level


def season_of_months(rng: np.random.Generator, n: int) -> Rows:
    """Months with a season and noise."""
    t = np.arange(n)
    y = 50 + 8 * wave(t, 12, rng.uniform(0, 6)) + rng.normal(0, 1.5, n)
    return pd.Series(y, months(n))


def with_next_value(rng: np.random.Generator, n: int) -> Rows:
    """Months, and a column that holds the value of the month after."""
    y = season_and_trend(rng, n + 1)
    return pd.DataFrame({"y": y[:-1], "x": y.shift(-1)[:-1]})


def with_rolling_mean(rng: np.random.Generator, n: int) -> Rows:
    """Months, and the mean of the three before each, which nobody knows a year ahead."""
    y = season_and_trend(rng, n + 3)
    return pd.DataFrame({"y": y, "x": y.rolling(3).mean().shift(1)})[3:]
