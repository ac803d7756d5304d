"""Exponential smoothing with known parameters: states, and forecasts from many cutoffs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tsrnn.statistical.fitting import Fitted

# Seasons (or blocks of five rows) at the beginning of a history that tell its first state.
N_BLOCKS = 5


class Components(NamedTuple):
    """Components of an exponential smoothing model; None leaves one out."""

    error: str
    trend: str | None
    damped_trend: bool
    seasonal: str | None

    @property
    def unstable(self) -> bool:
        """Whether forecasts of this combination are numerically unstable."""
        additive_error = self.error == "add" and "mul" in (self.trend, self.seasonal)
        return additive_error or (self.trend == "mul" and self.seasonal == "add")


class State(NamedTuple):
    """Level, trend and season (oldest first) before the first row."""

    level: float
    trend: float
    season: np.ndarray


def ets_model(y: np.ndarray, components: Components, season_length: int, **initial: Any) -> Any:
    """Make the statsmodels model; without `initial` states it estimates them."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    m = season_length if components.seasonal else None
    return ETSModel(y, **components._asdict(), seasonal_periods=m, **initial)


def components_of(fitted: Fitted) -> Components:
    """Return the components that were chosen in fit."""
    return Components(*(fitted.options[name] for name in Components._fields))


def _n_smoothing(components: Components) -> int:
    optional = (components.trend, components.seasonal, components.damped_trend)
    return 1 + sum(bool(component) for component in optional)


def learnt_state(fitted: Fitted) -> State:
    """Return the state before the training data."""
    components = components_of(fitted)
    initial: Iterator[float] = iter(fitted.params[_n_smoothing(components) :])
    level = next(initial)
    trend = next(initial) if components.trend else 0.0
    return State(level, trend, np.array(list(initial))[::-1])


def block_of(fitted: Fitted) -> int:
    """Return the number of rows whose mean tells the level: a season."""
    return fitted.options["season_length"] if fitted.options["seasonal"] else 5


def first_state(fitted: Fitted, y: np.ndarray) -> State:
    """Return the state before a history, judged by its first blocks (or what it has of one)."""
    components, m = components_of(fitted), block_of(fitted)
    n_blocks = min(len(y) // m, N_BLOCKS)
    blocks = y[: n_blocks * m].reshape(n_blocks, m) if n_blocks else y[None]
    means, n_steps = blocks.mean(axis=1), blocks.shape[1]
    begin, end, distance = means[0], means[-1], (len(means) - 1) * m
    if len(means) == 1:
        begin, end, distance = y[0], y[n_steps - 1], max(n_steps - 1, 1)
    # Steps of each row of a block from its middle, and of the row before the first block.
    steps, before = np.arange(n_steps) - (n_steps - 1) / 2, -(n_steps + 1) / 2
    if components.trend == "mul":
        trend = (end / begin) ** (1 / distance)
        level, lines = means[0] * trend**before, means[:, None] * trend**steps
    else:
        trend = (end - begin) / distance if components.trend else 0.0
        level, lines = means[0] + trend * before, means[:, None] + trend * steps
    multiplicative = components.seasonal == "mul"
    if not n_blocks:
        return State(level, trend, np.full(m, 1.0 if multiplicative else 0.0))
    season = (blocks / lines if multiplicative else blocks - lines).mean(axis=0)
    return State(level, trend, season)


def smoothing_forecast(
    fitted: Fitted, y: np.ndarray, state: State, cutoffs: np.ndarray, n_steps: int
) -> np.ndarray:
    """Smooth through y once and forecast from the state at each cutoff."""
    components, m = components_of(fitted), fitted.options["season_length"]
    n_smoothing = _n_smoothing(components)
    model = ets_model(
        y,
        components,
        m,
        initialization_method="known",
        initial_level=state.level,
        initial_trend=state.trend,
        initial_seasonal=state.season,
    )
    _, states = model.smooth(fitted.params[:n_smoothing], return_raw=True)
    damping = fitted.params[n_smoothing - 1] if components.damped_trend else 1.0
    season = np.concatenate([state.season, states[:, -1]]) if components.seasonal else None
    return _extrapolated(components, states[cutoffs], season, cutoffs, damping, m, n_steps)


def _extrapolated(
    components: Components,
    states: np.ndarray,
    season: np.ndarray | None,
    cutoffs: np.ndarray,
    damping: float,
    season_length: int,
    n_steps: int,
) -> np.ndarray:
    steps = np.arange(n_steps)
    reach = np.cumsum(damping ** (steps + 1))
    forecasts = np.repeat(states[:, :1], n_steps, axis=1)
    if components.trend == "add":
        forecasts = forecasts + states[:, 1:2] * reach
    elif components.trend == "mul":
        forecasts = forecasts * states[:, 1:2] ** reach
    if season is None:
        return forecasts
    cycle = season[cutoffs[:, None] + 1 + steps % season_length]
    return forecasts * cycle if components.seasonal == "mul" else forecasts + cycle
