"""Exponential smoothing in state-space form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from tsrnn.panel import Panel
from tsrnn.statistical.history import History
from tsrnn.statistical.per_series import Fitted, PerSeriesForecaster, check_choice


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


class ETS(PerSeriesForecaster):
    """Exponential smoothing (error, trend, season), with components chosen by AICc.

    Each target of each series is fitted on its own by ``statsmodels`` `ETSModel` (maximum
    likelihood, initial states estimated). Forecasts from later cutoffs, or of a new history,
    keep the parameters and smooth on. A history that begins later than the training data
    gets its initial states from its first seasons.

    Multiplicative components are tried where all values are positive. Of the combinations
    that "auto" leaves open, the numerically unstable ones (additive error with a
    multiplicative component, multiplicative trend with additive season) are left out, and so
    are those with more parameters than AICc can weigh against the number of values: a season
    needs two of them in the data, and very short series are left with a level. Series with
    fewer than four values or a constant one repeat the last value. Gaps are interpolated
    (with the season of the year before, where there is one).

    Parameters
    ----------
    horizon : int, default 1
        Number of steps ahead.
    error : {"auto", "add", "mul"}, default "auto"
        Error component.
    trend : {"auto", "add", "mul", None}, default "auto"
        Trend component; "auto" chooses between none and additive.
    damped_trend : bool or "auto", default "auto"
        Whether the trend levels off.
    seasonal : {"auto", "add", "mul", None}, default "auto"
        Seasonal component.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season; of a list the shortest. "auto" takes it from the time index: 12 for
        months, 4 for quarters, 7 for days, 24 for hours, 1 (no season) without one.
    target : name or list of names, default None
        Columns to forecast; None takes all that are no covariates.
    past_covariates, static_covariates : name or list of names, default None
        Columns in these roles. Covariates of every kind are accepted and ignored.
    n_jobs : int, default None
        Series fitted at the same time (joblib); None is one, -1 all cores.

    Attributes
    ----------
    models_ : dict of list of Fitted
        Chosen components (``options``) and parameters of each series and target.

    References
    ----------
    Hyndman, Koehler, Snyder & Grose (2002), A state space framework for automatic forecasting
    using exponential smoothing methods, International Journal of Forecasting 18, 439-454.

    Examples
    --------
    >>> import numpy as np
    >>> y = 10 + np.tile([0.0, 3.0, -1.0], 20) + np.random.default_rng(0).normal(0, 0.1, 60)
    >>> ets = ETS(horizon=3, season_length=3).fit(y)
    >>> ets.predict().round()
    array([10., 13.,  9.])
    >>> ets.models_[None][0].options["seasonal"]
    'add'
    """

    def __init__(
        self,
        horizon: int = 1,
        *,
        error: str = "auto",
        trend: str | None = "auto",
        damped_trend: bool | str = "auto",
        seasonal: str | None = "auto",
        season_length: Any = "auto",
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.error = error
        self.trend = trend
        self.damped_trend = damped_trend
        self.seasonal = seasonal
        self.season_length = season_length
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.n_jobs = n_jobs

    def _fit(self, panel: Panel) -> None:
        allowed = {"error": _ERRORS, "trend": _OTHERS, "seasonal": _OTHERS}
        for name, values in {**allowed, "damped_trend": ("auto", True, False)}.items():
            check_choice(name, getattr(self, name), values)
        if self.damped_trend is True and self.trend is None:
            raise ValueError("damped_trend=True needs a trend, but trend=None; use trend='add'")
        super()._fit(panel)

    def _check(self, history: History) -> None:
        lowest = np.nanmin(history.y)
        for name in ("error", "trend", "seasonal"):
            if getattr(self, name) == "mul" and lowest <= 0:
                raise ValueError(
                    f"{history.name}{name}='mul' needs positive values, but the lowest is "
                    f"{lowest:g}; use {name}='add' or 'auto'"
                )

    def _learn(self, y: np.ndarray, x: np.ndarray, season_length: int) -> tuple[np.ndarray, dict]:
        has_season = season_length > 1 and len(y) >= 2 * season_length
        asked = Components(self.error, self.trend, self.damped_trend, self.seasonal)  # type: ignore[arg-type]
        simpler = asked._replace(seasonal=None)
        level = Components("auto" if asked.error == "auto" else asked.error, None, False, None)
        for wish in (asked, simpler, level) if has_season else (simpler, level):
            tried = [_estimated(y, c, season_length) for c in admissible(wish, y.min() > 0)]
            possible = [one for one in tried if one is not None and one[0] < np.inf]
            if possible:
                return _best(possible, season_length)
        simplest = _estimated(y, Components("add", None, False, None), season_length)
        if simplest is None:
            raise ValueError("not even a level could be estimated")
        return _best([simplest], season_length)

    def _continue(
        self, fitted: Fitted, y: np.ndarray, x: np.ndarray, shift: int, cutoffs: np.ndarray, n: int
    ) -> np.ndarray:
        if shift == 0:
            return _forecast(fitted, y, _learnt_state(fitted), cutoffs, n)
        forecasts = np.empty((len(cutoffs), n))
        block = _block(fitted)
        settled = cutoffs + 1 >= 2 * block
        for i in np.flatnonzero(~settled):
            part = y[: cutoffs[i] + 1]
            forecasts[i] = _forecast(fitted, part, _first_state(fitted, part), cutoffs[i : i + 1], n)
        if settled.any():
            state = _first_state(fitted, y[: 2 * block])
            forecasts[settled] = _forecast(fitted, y, state, cutoffs[settled], n)
        return forecasts

    def _statsmodels_results(self, fitted: Fitted, y: np.ndarray, x: np.ndarray) -> Any:
        m = fitted.options["season_length"]
        return _model(y, _components(fitted), m).smooth(fitted.params)


_ERRORS = ("auto", "add", "mul")
_OTHERS = ("auto", "add", "mul", None)


class State(NamedTuple):
    """Level, trend and season (oldest first) before the first row."""

    level: float
    trend: float
    season: np.ndarray


def admissible(asked: Components, positive: bool) -> list[Components]:
    """Combinations of components that the parameters leave open and the values allow.

    Examples
    --------
    >>> admissible(Components("auto", "auto", False, None), positive=False)
    ... # doctest: +NORMALIZE_WHITESPACE
    [Components(error='add', trend=None, damped_trend=False, seasonal=None),
     Components(error='add', trend='add', damped_trend=False, seasonal=None)]
    """
    either = ("add", "mul") if positive else ("add",)
    errors = either if asked.error == "auto" else (asked.error,)
    trends = (None, "add") if asked.trend == "auto" else (asked.trend,)
    damped = (False, True) if asked.damped_trend == "auto" else (asked.damped_trend,)
    seasons = (None, *either) if asked.seasonal == "auto" else (asked.seasonal,)
    every = [Components(*parts) for parts in product(errors, trends, damped, seasons)]
    every = [c for c in every if c.trend is not None or not c.damped_trend]
    return [c for c in every if not c.unstable] or every


def _best(tried: list[tuple], season_length: int) -> tuple[np.ndarray, dict]:
    aicc, _, components, params = min(tried, key=lambda one: one[:2])
    options = {**components._asdict(), "season_length": season_length, "aicc": float(aicc)}
    return params, options


def _estimated(y: np.ndarray, components: Components, season_length: int) -> tuple | None:
    """AICc, number of parameters, components, parameters; None if they cannot be estimated."""
    from statsmodels.tools.eval_measures import aicc

    try:
        model = _model(y, components, season_length)
        params = model.fit(disp=False, return_params=True)
    except (ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return None
    n_free = model.k_params + 1
    criterion = aicc(model.loglike(params), len(y), n_free)
    if np.isnan(criterion) or not np.isfinite(params).all():
        return None
    return criterion, n_free, components, params


def _model(y: np.ndarray, components: Components, season_length: int, **initial: Any) -> Any:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    m = season_length if components.seasonal else None
    return ETSModel(y, **components._asdict(), seasonal_periods=m, **initial)


def _components(fitted: Fitted) -> Components:
    return Components(*(fitted.options[name] for name in Components._fields))


def _n_smoothing(components: Components) -> int:
    optional = (components.trend, components.seasonal, components.damped_trend)
    return 1 + sum(bool(component) for component in optional)


def _learnt_state(fitted: Fitted) -> State:
    components = _components(fitted)
    initial: Iterator[float] = iter(fitted.params[_n_smoothing(components) :])
    level = next(initial)
    trend = next(initial) if components.trend else 0.0
    return State(level, trend, np.array(list(initial))[::-1])


def _block(fitted: Fitted) -> int:
    return fitted.options["season_length"] if fitted.options["seasonal"] else 5


def _first_state(fitted: Fitted, y: np.ndarray) -> State:
    """Initial state of a history from its first rows, two blocks (seasons) if it has them."""
    components, block = _components(fitted), _block(fitted)
    first, second = y[:block], y[block : 2 * block]
    centre = (len(first) + 1) / 2
    if len(second) == block:
        begin, end, distance = first.mean(), second.mean(), block
    else:
        begin, end, distance = first[0], first[-1], max(len(first) - 1, 1)
    steps = np.arange(1, len(first) + 1)
    if components.trend == "mul":
        trend = (end / begin) ** (1 / distance)
        line = first.mean() * trend ** (steps - centre)
        level = line[0] / trend
    else:
        trend = (end - begin) / distance if components.trend else 0.0
        line = first.mean() + trend * (steps - centre)
        level = line[0] - trend
    multiplicative = components.seasonal == "mul"
    if len(first) < block:
        return State(level, trend, np.full(block, 1.0 if multiplicative else 0.0))
    return State(level, trend, first / line if multiplicative else first - line)


def _forecast(
    fitted: Fitted, y: np.ndarray, state: State, cutoffs: np.ndarray, n_steps: int
) -> np.ndarray:
    """Smooth through y once and forecast from the state at each cutoff."""
    components, m = _components(fitted), fitted.options["season_length"]
    n_smoothing = _n_smoothing(components)
    model = _model(
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
