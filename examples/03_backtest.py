"""Recurrent networks against statsmodels: airline passengers, 4 cutoffs of 12 months."""

from picture import save

from tsrnn import (
    ARIMA,
    ETS,
    BacktestDisplay,
    GRUForecaster,
    LSTMForecaster,
    RollingOriginSplit,
    SeasonalNaive,
    SimpleRNNForecaster,
    Theta,
    backtest,
)
from tsrnn.datasets import load_airline

models = {
    "LSTM": LSTMForecaster(horizon=12, random_state=0),
    "GRU": GRUForecaster(horizon=12, random_state=0),
    "SimpleRNN": SimpleRNNForecaster(horizon=12, random_state=0),
    "SeasonalNaive": SeasonalNaive(horizon=12),
    "ETS": ETS(horizon=12),
    "Theta": Theta(horizon=12),
    "ARIMA": ARIMA(horizon=12),
}

if __name__ == "__main__":
    result = backtest(models, load_airline(), cv=RollingOriginSplit(n_splits=4, horizon=12))
    print(result.leaderboard().round(3).to_string())
    print("\nmean absolute error by months ahead:")
    print(result.by_horizon().loc[[1, 3, 6, 12]].round(1).to_string())
    save(BacktestDisplay.from_result(result).plot(), "03_backtest.png")
