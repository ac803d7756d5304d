"""The four shapes of a recurrent network on the same monthly series."""

import pandas as pd
from picture import save

from tsrnn import BacktestDisplay, GRUForecaster, RollingOriginSplit, backtest
from tsrnn.datasets import load_co2

co2 = load_co2("monthly")["1985":]
common = {"horizon": 12, "random_state": 0, "max_epochs": 40}

models = {
    "seq2vec": GRUForecaster(architecture="seq2vec", **common),
    "seq2seq": GRUForecaster(architecture="seq2seq", **common),
    "encoder-decoder, parallel": GRUForecaster(architecture="encoder_decoder", **common),
    "encoder-decoder, fed back": GRUForecaster(
        architecture="encoder_decoder", decoder="autoregressive", **common
    ),
    "vec2seq": GRUForecaster(architecture="vec2seq", **common),
}

if __name__ == "__main__":
    result = backtest(models, co2, cv=RollingOriginSplit(n_splits=4, horizon=12), refit=False)
    print(result.leaderboard().round(3).to_string())

    weights = {name: model.fit(co2).model_.count_params() for name, model in models.items()}
    print("\nweights of each network:")
    print(pd.Series(weights).to_string())
    save(BacktestDisplay.from_result(result).plot(), "05_architectures.png")
