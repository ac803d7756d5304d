"""Time-series forecasting with recurrent networks, in plain scikit-learn.

Every public name is imported when it is first used, so that ``import tsrnn`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tsrnn.sklearn_import import import_sklearn

__version__ = "0.1.0"

_HOMES = {
    "tsrnn.baselines": (
        "ARIMA",
        "AutoReg",
        "Drift",
        "ETS",
        "HistoricAverage",
        "Naive",
        "STLForecaster",
        "SeasonalNaive",
        "StatsmodelsForecaster",
        "Theta",
        "UnobservedComponents",
        "VAR",
    ),
    "tsrnn.forecasters": (
        "GRUForecaster",
        "LSTMForecaster",
        "RNNForecaster",
        "SimpleRNNForecaster",
    ),
    "tsrnn.inspection": (
        "Alarm",
        "CheckReport",
        "GradientByLagDisplay",
        "MemoryLength",
        "PermutationImportance",
        "PermutationImportanceDisplay",
        "StateTrace",
        "StateTraceDisplay",
        "check",
        "gradient_by_lag",
        "memory_length",
        "permutation_importance",
        "trace_states",
    ),
    "tsrnn.intervals": ("ConformalForecaster",),
    "tsrnn.model_selection": (
        "BacktestResult",
        "RollingOriginSplit",
        "backtest",
        "diebold_mariano",
    ),
    "tsrnn.panel": ("from_long",),
    "tsrnn.pipeline": ("ForecastPipeline", "make_forecast_pipeline"),
    "tsrnn.plotting": (
        "BacktestDisplay",
        "CalibrationDisplay",
        "ForecastDisplay",
        "TrainingDisplay",
    ),
    "tsrnn.preprocessing": ("Deseasonalizer", "Differencer"),
    "tsrnn.saving": ("load",),
    "tsrnn.windows": ("SlidingWindow", "Windows"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted([*_HOME_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_sklearn()
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
