"""A fit that fails leaves an estimator as it was: unfitted, or with all of its last fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsrnn import LSTMForecaster, SlidingWindow
from tsrnn.baselines import ARIMA, Naive
from tsrnn.preprocessing import Deseasonalizer, Differencer

GOOD = pd.DataFrame({"a": np.arange(30.0) + 5 + np.arange(30) % 4}, pd.RangeIndex(30))
TWO = GOOD.assign(b=GOOD["a"] + 1)
INFINITE = TWO.replace(10.0, np.inf)
NEGATIVE = TWO - 100
NETWORK = LSTMForecaster(horizon=2, units=2, context_length=4, max_epochs=1, random_state=0)
# Each fails at another stage: reading, windows, training, the arithmetic behind reading.
FAILURES = {
    "network, values": (NETWORK, {}, INFINITE),
    "network, windows": (NETWORK, {"context_length": 50}, TWO),
    "network, training": (NETWORK, {"loss": "nonsense"}, TWO),
    "naive": (Naive(2), {}, INFINITE),
    "arima": (ARIMA(2), {"order": (1, 0, "a")}, TWO),
    "differences": (Differencer(), {"order": 40}, TWO),
    "seasons": (Deseasonalizer(4), {"model": "multiplicative"}, NEGATIVE),
    "windows": (SlidingWindow(4, 2), {}, INFINITE),
}


class Stopped(Naive):
    """Ctrl-C, after it has learned something."""

    def _fit(self, panel):
        self.learned_ = panel
        if panel.n_targets > 1:
            raise KeyboardInterrupt


def test_ctrl_c_leaves_the_last_fit_too():
    forecaster = Stopped(2).fit(GOOD)
    before = forecaster.predict(), vars(forecaster).copy()
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(TWO)
    assert forecaster.predict().equals(before[0])
    assert vars(forecaster).keys() == before[1].keys()


def answer(estimator):
    return estimator.predict() if hasattr(estimator, "predict") else estimator.transform(GOOD)


@pytest.mark.parametrize("failure", FAILURES)
def test_what_was_not_fitted_says_so(failure):
    estimator, wrong, rows = FAILURES[failure]
    estimator = clone(estimator).set_params(**wrong)
    with pytest.raises((ValueError, TypeError)):
        estimator.fit(rows)
    with pytest.raises(NotFittedError):
        answer(estimator)


@pytest.mark.parametrize("failure", FAILURES)
def test_the_last_fit_stays_whole(failure):
    estimator, wrong, rows = FAILURES[failure]
    estimator = clone(estimator).fit(GOOD)
    before = answer(estimator)
    kept = vars(estimator.set_params(**wrong)).copy()
    with pytest.raises((ValueError, TypeError)):
        estimator.fit(rows)
    assert vars(estimator).keys() == kept.keys()
    assert all(vars(estimator)[name] is value for name, value in kept.items())
    if not wrong:
        np.testing.assert_array_equal(np.asarray(before), np.asarray(answer(estimator)))
