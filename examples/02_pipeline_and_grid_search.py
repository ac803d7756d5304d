"""A pipeline that answers in passengers, and a grid search over cells and sizes."""

import numpy as np
import pandas as pd
from picture import save
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer

from tsrnn import (
    Differencer,
    ForecastDisplay,
    RNNForecaster,
    RollingOriginSplit,
    make_forecast_pipeline,
)
from tsrnn.datasets import load_airline

passengers = load_airline().to_frame()

# Log, then the change from the same month of last year: the network learns what is left.
pipeline = make_forecast_pipeline(
    FunctionTransformer(np.log, np.exp),
    Differencer(season_length=12, order=0),
    RNNForecaster(horizon=12, reference="last", max_epochs=40, random_state=0),
)
search = GridSearchCV(
    pipeline,
    {"rnnforecaster__cell": ["simple_rnn", "gru", "lstm"], "rnnforecaster__units": [8, 32]},
    cv=RollingOriginSplit(n_splits=3, horizon=12),
    n_jobs=2,
)
search.fit(passengers)

table = pd.DataFrame(search.cv_results_)
columns = ["param_rnnforecaster__cell", "param_rnnforecaster__units", "mean_test_score"]
print(table.sort_values("rank_test_score")[columns].round(3).to_string(index=False))
print(f"\nbest skill over seasonal naive: {search.best_score_:.2f} with {search.best_params_}")
print(search.best_estimator_.predict().round(0).head(3))

display = ForecastDisplay.from_predictions(passengers, search.best_estimator_.predict())
save(display, "02_pipeline.png")
