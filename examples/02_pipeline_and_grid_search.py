"""A pipeline that answers in passengers, and a grid search over cells and sizes."""

import numpy as np
import pandas as pd
from picture import save
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer

from tsrnn import ForecastDisplay, RNNForecaster, RollingOriginSplit, make_forecast_pipeline
from tsrnn.datasets import load_airline
from tsrnn.metrics import forecast_scorer

passengers = load_airline().to_frame()

# Seasonal swings grow with the level: on the logarithm they are all of one size.
pipeline = make_forecast_pipeline(
    FunctionTransformer(np.log, np.exp),
    RNNForecaster(horizon=12, max_epochs=60, random_state=0),
)
search = GridSearchCV(
    pipeline,
    {"rnnforecaster__cell": ["simple_rnn", "gru", "lstm"], "rnnforecaster__units": [8, 32]},
    cv=RollingOriginSplit(n_splits=3, horizon=12),
    scoring=forecast_scorer("mae"),
    n_jobs=2,
)
search.fit(passengers)

table = pd.DataFrame(search.cv_results_)
table["mean absolute error"] = -table["mean_test_score"]
columns = ["param_rnnforecaster__cell", "param_rnnforecaster__units", "mean absolute error"]
print(table.sort_values("rank_test_score")[columns].round(1).to_string(index=False))
print(f"\nbest: {search.best_params_}, {-search.best_score_:.1f} thousand passengers off a month")
print(search.best_estimator_.predict().round(0).head(3))

display = ForecastDisplay.from_predictions(passengers, search.best_estimator_.predict())
save(display, "02_pipeline.png")
