"""Baselines that statsmodels fits, one file per model; statsmodels is imported when one is used."""

from tsrnn.statistical.arima import ARIMA
from tsrnn.statistical.autoreg import AutoReg
from tsrnn.statistical.custom import StatsmodelsForecaster
from tsrnn.statistical.ets import ETS
from tsrnn.statistical.stl import STLForecaster
from tsrnn.statistical.structural import UnobservedComponents
from tsrnn.statistical.theta import Theta
from tsrnn.statistical.var import VAR

__all__ = [
    "ARIMA",
    "ETS",
    "VAR",
    "AutoReg",
    "STLForecaster",
    "StatsmodelsForecaster",
    "Theta",
    "UnobservedComponents",
]
