"""Splitting, backtesting and comparing forecasters.

`RollingOriginSplit` is a splitter for `backtest` and for scikit-learn's searches; `backtest`
returns a `BacktestResult`. `diebold_mariano` tests whether two models of it differ.
"""

from __future__ import annotations

from tsrnn.backtest_result import BacktestResult
from tsrnn.backtesting import backtest
from tsrnn.model_comparison import diebold_mariano
from tsrnn.splitting import RollingOriginSplit

__all__ = ["BacktestResult", "RollingOriginSplit", "backtest", "diebold_mariano"]
