"""Choice of ARIMA orders: differences by tests, the rest by a stepwise search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from tsrnn.statistical.history import interpolate
from tsrnn.statistical.per_series import aicc

# Longest polynomials that are tried: p, q and P, Q.
_MOST, _MOST_SEASONAL = 5, 2
# Seasonal orders of longer seasons take minutes per model: the state grows with the season.
LONGEST_SEASON = 53
# 5 % critical value of the KPSS test of a level.
_KPSS_CRITICAL = 0.463
# A season of this strength (1 is all, 0 nothing) is differenced.
_STRONG_SEASON = 0.64
# Roots of the polynomials must stay that far outside the unit circle.
_LEAST_ROOT = 1.01


class Orders(NamedTuple):
    """Orders of a model: AR and MA, seasonal AR and MA, and whether it has a constant."""

    p: int
    q: int
    P: int
    Q: int
    constant: bool


@dataclass
class Search:
    """A stepwise search for the orders with the lowest AICc.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        The series after differencing.
    x : ndarray of shape (n_rows, n_covariates)
        Covariates after differencing.
    season_length : int
    fixed : dict
        Fields of `Orders` that the user has set.
    seconds : float
        Time limit; the model at work is then given up. The first one is always finished.

    Attributes
    ----------
    tried : dict of Orders to float
        AICc, infinite for models that cannot be estimated or are close to a unit root.
    complete : bool
        Whether the search ended before the time was up.
    """

    y: np.ndarray
    x: np.ndarray
    season_length: int
    fixed: dict[str, Any]
    seconds: float
    tried: dict[Orders, float] = field(default_factory=dict)
    complete: bool = False

    def run(self) -> Orders:
        """Return the best orders that were found."""
        if len(self.fixed) == len(Orders._fields):
            return self._only()
        self.deadline = perf_counter() + self.seconds
        try:
            for orders in self._first_orders():
                self._try(orders)
            best, before = self.best, None
            while best != before:
                before = best
                for orders in _neighbours(best):
                    if self._try(orders):
                        break  # go on from the better model at once
                best = self.best
            self.complete = True
        except TimeUp:
            pass
        return self.best

    def _only(self) -> Orders:
        """Return the orders that leave nothing to search for."""
        only, self.complete = Orders(**self.fixed), True
        self.tried[only] = np.nan
        return only

    @property
    def best(self) -> Orders:
        """The orders with the lowest AICc so far, of equal ones those with fewer parameters."""
        return min(self.tried, key=lambda orders: (self.tried[orders], sum(orders)))

    def _first_orders(self) -> list[Orders]:
        seasonal = self.season_length > 1
        starts = [(0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1), (2, 2, 1, 1)]
        with_constant = [Orders(p, q, P * seasonal, Q * seasonal, True) for p, q, P, Q in starts]
        return [Orders(0, 0, 0, 0, False), *with_constant]

    def _try(self, orders: Orders) -> bool:
        """Estimate a model that is allowed and new; whether it is the best so far."""
        orders = orders._replace(**self.fixed)
        if orders in self.tried or not self._allowed(orders):
            return False
        first = not self.tried
        if not first and perf_counter() >= self.deadline:
            raise TimeUp
        lowest = min(self.tried.values(), default=np.inf)
        self.tried[orders] = self._aicc(orders, np.inf if first else self.deadline)
        return self.tried[orders] < lowest

    def _allowed(self, orders: Orders) -> bool:
        n_rows, m = len(self.y), self.season_length
        most = max(min(_MOST, n_rows // 3), self.fixed.get("p", 0), self.fixed.get("q", 0))
        most_seasonal = min(_MOST_SEASONAL, n_rows // (3 * m)) if m > 1 else 0
        most_seasonal = max(most_seasonal, self.fixed.get("P", 0), self.fixed.get("Q", 0))
        in_reach = all(0 <= order <= most for order in orders[:2])
        return in_reach and all(0 <= order <= most_seasonal for order in orders[2:4])

    def _aicc(self, orders: Orders, deadline: float) -> float:
        try:
            model = difference_model(self.y, self.x, self.season_length, orders)
            params = model.fit(
                disp=False,
                cov_type="none",
                return_params=True,
                maxiter=50,
                callback=_Watch(deadline),
            )
            likelihood = model.loglike(params)
        except (ValueError, IndexError, np.linalg.LinAlgError):
            return np.inf
        if _near_unit_root(orders, params):
            return np.inf
        return aicc(likelihood, int(np.isfinite(self.y).sum()), len(params))


class TimeUp(Exception):
    """The time limit of a search has passed."""


class _Watch:
    """Called by the optimizer in every iteration."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def __call__(self, *_: Any) -> None:
        if perf_counter() >= self.deadline:
            raise TimeUp


def difference_model(y: np.ndarray, x: np.ndarray, season_length: int, orders: Orders) -> Any:
    """ARMA model of a differenced series: quicker than one that differences in its state."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    constant = np.ones((len(y), int(orders.constant)))
    regressors = np.column_stack([constant, x])
    return SARIMAX(
        y,
        exog=regressors if regressors.shape[1] else None,
        order=(orders.p, 0, orders.q),
        seasonal_order=(orders.P, 0, orders.Q, season_length if orders.P + orders.Q else 0),
    )


def _near_unit_root(orders: Orders, params: np.ndarray) -> bool:
    """Whether a root of one of the four polynomials lies on the unit circle, nearly."""
    ends = len(params) - 1 - np.cumsum((orders.Q, orders.P, orders.q, orders.p))[::-1]
    _, ar, ma, seasonal_ar, seasonal_ma = np.split(params[:-1], ends)
    tails = (-ar, ma, -seasonal_ar, seasonal_ma)
    # The roots of the reversed polynomial are the inverse ones.
    return any(np.abs(np.roots([1, *tail])).max(initial=0) > 1 / _LEAST_ROOT for tail in tails)


def _neighbours(orders: Orders) -> Iterator[Orders]:
    """Orders that differ by one: in one polynomial, in both of a kind, or in the constant."""
    p, q, P, Q, constant = orders
    for step in (-1, 1):  # smaller models first
        for a, b in ((1, 0), (0, 1), (1, 1), (1, -1)):
            yield Orders(p, q, P + step * a, Q + step * b, constant)
        for a, b in ((1, 0), (0, 1), (1, 1), (1, -1)):
            yield Orders(p + step * a, q + step * b, P, Q, constant)
    yield Orders(p, q, P, Q, not constant)


def difference(values: np.ndarray, d: int, D: int, season_length: int) -> np.ndarray:
    """Difference d times by one step and D times by a season, along the first axis."""
    for _ in range(D):
        values = values[season_length:] - values[:-season_length]
    return np.diff(values, n=d, axis=0)


def n_seasonal_differences(y: np.ndarray, season_length: int) -> int:
    """Return 1 where the season is strong, measured in a decomposition by STL.

    References
    ----------
    Wang, Smith & Hyndman (2006), Characteristic-based clustering for time series data, Data
    Mining and Knowledge Discovery 13, 335-364.
    """
    from statsmodels.tsa.seasonal import STL

    y = interpolate(y, season_length)
    if season_length == 1 or len(y) < 2 * season_length + 1 or np.ptp(y) == 0:
        return 0
    parts = STL(y, period=season_length, seasonal=_odd(10 * len(y))).fit()
    spread = np.var(parts.seasonal + parts.resid)
    return int(spread > 0 and 1 - np.var(parts.resid) / spread > _STRONG_SEASON)


def n_differences(y: np.ndarray, most: int = 2) -> int:
    """Return how often to difference until the KPSS test no longer rejects a constant level."""
    y = interpolate(y, 1)
    for d in range(most):
        if len(y) < 4 or np.ptp(y) == 0 or kpss_statistic(y) <= _KPSS_CRITICAL:
            return d
        y = np.diff(y)
    return most


def kpss_statistic(y: np.ndarray) -> float:
    """Statistic of the test that a series is stationary around a constant level.

    References
    ----------
    Kwiatkowski, Phillips, Schmidt & Shin (1992), Testing the null hypothesis of stationarity
    against the alternative of a unit root, Journal of Econometrics 54, 159-178.
    """
    n = len(y)
    residual = y - y.mean()
    n_lags = int(3 * np.sqrt(n) / 13)
    variance = residual @ residual
    for lag in range(1, n_lags + 1):
        variance += 2 * (1 - lag / (n_lags + 1)) * (residual[lag:] @ residual[:-lag])
    return float((residual.cumsum() ** 2).sum() / (n * variance)) if variance > 0 else 0.0


def _odd(number: int) -> int:
    return number + 1 - number % 2
