"""A report of a backtest: one page of HTML with scores, forecasts, intervals and alarms."""

from pathlib import Path

from tsrnn import (
    ETS,
    ConformalForecaster,
    LSTMForecaster,
    RollingOriginSplit,
    SeasonalNaive,
    Theta,
    backtest,
    check,
)
from tsrnn.datasets import load_airline

REPORT = Path(__file__).parent / "output" / "08_report.html"
lstm = LSTMForecaster(horizon=12, random_state=0)
models = {
    "LSTM": ConformalForecaster(lstm, n_splits=40),
    "LSTM, quantiles": LSTMForecaster(horizon=12, distribution="quantiles", random_state=0),
    "ETS": ConformalForecaster(ETS(horizon=12), n_splits=40),
    "Seasonal naive": ConformalForecaster(SeasonalNaive(horizon=12), n_splits=40),
    "Theta": Theta(horizon=12),  # without quantiles: scored by its points alone
}

if __name__ == "__main__":
    passengers = load_airline()
    cv = RollingOriginSplit(n_splits=4, horizon=12)
    levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    result = backtest(models, passengers, cv=cv, quantiles=levels, refit=False)
    print(result.leaderboard("crps").round(3).to_string())
    print("\nobserved share below each quantile:")
    print(result.calibration().round(2).to_string())

    fitted = lstm.fit(passengers[:-24])
    REPORT.parent.mkdir(exist_ok=True)
    result.to_html(REPORT, title="Airline passengers", alarms={"LSTM": check(fitted, passengers)})
    print(f"report: examples/output/{REPORT.name}")
