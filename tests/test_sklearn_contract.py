"""scikit-learn's own checks on every public estimator."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import (
    ARIMA,
    ETS,
    AutoReg,
    Deseasonalizer,
    Differencer,
    Drift,
    GRUForecaster,
    HistoricAverage,
    LSTMForecaster,
    Naive,
    RNNForecaster,
    SeasonalNaive,
    SimpleRNNForecaster,
    SlidingWindow,
    STLForecaster,
    Theta,
    UnobservedComponents,
)

TINY = {"units": 2, "max_epochs": 1, "batch_size": 32, "random_state": 0}

# What scikit-learn assumes of rows that are drawn independently, and rows in time are not.
ORDER = {
    "check_methods_sample_order_invariance": "the order of rows is time: forecasts depend on it",
    "check_methods_subset_invariance": "rows are consecutive times: a subset is another question",
}
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "dropping or repeating rows changes the series that windows are cut from"
    ),
}
ONE_SERIES = {"check_fit1d": "a 1-D array is one series"}
WINDOWS = {
    "check_transformer_general": "windows are fewer than rows",
    "check_transformer_data_not_an_array": "windows are fewer than rows",
    "check_fit2d_predict1d": "a 1-D array is one series",
}

RECURRENT = [
    RNNForecaster("gru", **TINY),
    LSTMForecaster(**TINY),
    GRUForecaster(**TINY),
    SimpleRNNForecaster(**TINY),
]
BASELINES = [
    Naive(),
    SeasonalNaive(),
    Drift(),
    HistoricAverage(),
    ETS(),
    Theta(),
    ARIMA(order=(1, 0, 0), seasonal_order=None),
    AutoReg(lags=1),
    STLForecaster(forecaster=Naive()),
    UnobservedComponents(),
]
TRANSFORMERS = [SlidingWindow(context_length=3), Differencer(), Deseasonalizer()]


def expected_failures(estimator):
    """Checks that an estimator fails, each with its reason."""
    if isinstance(estimator, RNNForecaster):
        return ORDER | WEIGHTS
    if isinstance(estimator, SlidingWindow):
        return ORDER | WINDOWS | ONE_SERIES
    if isinstance(estimator, Differencer | Deseasonalizer):
        return ORDER | ONE_SERIES
    return ORDER if isinstance(estimator, Drift | Theta | ARIMA | AutoReg) else {}


@parametrize_with_checks(
    [*RECURRENT, *BASELINES, *TRANSFORMERS],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_fewer_than_ten_kinds_of_failure_are_expected():
    assert len(ORDER | WEIGHTS | WINDOWS | ONE_SERIES) < 10
