"""The average of the M4 competition by hand, and its benchmark against statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.seasonal import seasonal_decompose
from statsmodels.tsa.stattools import acf

from tsrnn.metrics import mase, naive2, owa, smape

RNG = np.random.default_rng(0)
TRAIN = RNG.normal(10, 3, (30, 3))
TRUE = RNG.normal(10, 3, (8, 3))
PRED = TRUE + RNG.normal(0, 1, (8, 3))
HISTORY = {"y_train": TRAIN, "season_length": 4}
REFERENCE = naive2(TRAIN, 8, 4)


def test_owa_by_hand():
    # sMAPE: 40 against 200 * 2/4 = 100; MASE: 1/1 against 2/1
    score = owa([3], [2], y_train=[1, 2], season_length=1, naive2=[1])
    assert score == pytest.approx((40 / 100 + 1 / 2) / 2)


def test_owa_divides_averages_as_m4_did():
    expected = (
        smape(TRUE, PRED) / smape(TRUE, REFERENCE)
        + mase(TRUE, PRED, **HISTORY) / mase(TRUE, REFERENCE, **HISTORY)
    ) / 2
    assert owa(TRUE, PRED, **HISTORY, naive2=REFERENCE) == pytest.approx(expected)
    assert owa(TRUE, REFERENCE, **HISTORY, naive2=REFERENCE) == 1


def test_owa_raw_values_are_those_of_the_columns():
    expected = [
        owa(TRUE[:, i], PRED[:, i], y_train=TRAIN[:, i], season_length=4, naive2=REFERENCE[:, i])
        for i in range(3)
    ]
    np.testing.assert_allclose(
        owa(TRUE, PRED, **HISTORY, naive2=REFERENCE, multioutput="raw_values"), expected
    )


def test_owa_of_two_perfect_forecasts_is_one():
    assert owa([2, 2], [2, 2], y_train=[1, 2], season_length=1, naive2=[2, 2]) == 1


def test_owa_without_scale_is_an_error():
    with pytest.raises(ValueError, match="y_train repeats itself.*season_length=2.*leave"):
        owa([1], [2], y_train=[1, 2, 1, 2], season_length=2, naive2=[2])


def statsmodels_naive2(y, horizon, m):
    correlation = acf(y, nlags=m, fft=False)[1:]
    limit = 1.645 * np.sqrt((1 + 2 * np.sum(correlation[:-1] ** 2)) / len(y))
    if m == 1 or len(y) < 3 * m or abs(correlation[-1]) <= limit:
        return np.repeat(y[-1], horizon)
    season = seasonal_decompose(y, model="multiplicative", period=m).seasonal
    return (y / season)[-1] * np.resize(season[-m:], horizon)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 12])
@pytest.mark.parametrize("strength", [0, 0.1, 0.5])
def test_naive2_against_statsmodels(m, strength):
    rng = np.random.default_rng(m)
    for n_rows in (3 * m - 1, 3 * m, 3 * m + 1, 5 * m + 2, 61):
        rows = np.arange(max(n_rows, 2))
        season = 1 + strength * np.sin(2 * np.pi * rows / m)
        y = (20 + 0.1 * rows) * season * rng.uniform(0.9, 1.1, len(rows))
        np.testing.assert_allclose(naive2(y, 2 * m + 1, m), statsmodels_naive2(y, 2 * m + 1, m))


def test_naive2_of_noise_is_the_last_value():
    y = np.random.default_rng(0).uniform(1, 2, 40)
    assert naive2(y, 3, 12).tolist() == [y[-1]] * 3


def test_naive2_of_a_constant_series():
    np.testing.assert_array_equal(naive2(np.full(30, -0.1), 3, 7), [-0.1] * 3)


def test_naive2_takes_columns_one_by_one():
    y = pd.DataFrame({"a": np.tile([1.0, 2, 3], 6), "b": np.arange(18.0)})
    forecasts = naive2(y, 4, 3)
    assert forecasts.shape == (4, 2)
    np.testing.assert_allclose(forecasts, np.column_stack([naive2(y[c], 4, 3) for c in y]))


def test_naive2_needs_positive_values_for_a_season():
    with pytest.raises(ValueError, match=r"y_train is -2\.0 at position 1.*season_length=1"):
        naive2(np.tile([1, -2, 3], 6), 2, 3)
    assert naive2(np.tile([1, -2, 3], 6), 2, 1).tolist() == [3, 3]


@pytest.mark.parametrize("arguments", [(0, 1), (2, 0), (1.5, 1), (2, "auto")])
def test_naive2_wants_whole_numbers(arguments):
    with pytest.raises(ValueError, match=r"(horizon|season_length)=.* must be a whole number >= 1"):
        naive2([1, 2, 3], *arguments)
