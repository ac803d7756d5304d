"""The same data and seed give the same bits, whatever was fitted before and wherever."""

import copy
import pickle
import random
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import GRUForecaster, LSTMForecaster, RNNForecaster
from tsrnn.nn import inference, training

ARCHITECTURES = {
    "seq2vec": {"architecture": "seq2vec"},
    "seq2seq": {"architecture": "seq2seq"},
    "parallel": {"architecture": "encoder_decoder"},
    "autoregressive": {"architecture": "encoder_decoder", "decoder": "autoregressive"},
    "vec2seq": {"architecture": "vec2seq"},
}
TINY = {"horizon": 3, "units": 4, "max_epochs": 3, "batch_size": 16, "random_state": 0}


def wave(n_rows=60, period=7, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.3, n_rows)
    values = 20 + 3 * np.sin(2 * np.pi * np.arange(n_rows) / period) + noise
    return pd.Series(values, pd.period_range("2010-01", periods=n_rows, freq="M"), name="y")


def panel():
    parts = {name: wave(50 - 7 * i, seed=i) * (i + 1) for i, name in enumerate("pqr")}
    return pd.concat(parts, names=["series", "month"])


def bits(forecaster):
    """Forecasts, weights and losses as bytes."""
    weights = [w.tobytes() for member in forecaster.weights_ for w in member]
    return [forecaster.predict().to_numpy().tobytes(), *weights, forecaster.losses_.to_json()]


OPTIONS = {
    **ARCHITECTURES,
    "members": {"n_members": 2},
    "dropout": {"dropout": 0.3, "recurrent_dropout": 0.3, "n_members": 2},
    "early stopping": {"early_stopping": True, "patience": 1, "max_epochs": 6},
    "masked": {"context_length": 30},
}


@pytest.mark.parametrize("option", OPTIONS)
def test_two_fits_are_equal_bit_for_bit(option, compiled):
    data = panel() if option == "masked" else wave()
    options = OPTIONS[option] | ({"context_length": "auto"} if option == "masked" else {})
    forecaster = LSTMForecaster(**TINY | options)
    first = bits(forecaster.fit(data))
    between = clone(forecaster).set_params(random_state=7, learning_rate=0.05)
    assert bits(between.fit(wave(70, seed=3))) != first  # the same network
    assert bits(clone(forecaster).fit(data)) == first
    assert bits(forecaster.fit(data)) == first


def test_a_fit_does_not_depend_on_what_was_fitted_before(monkeypatch, compiled):
    forecaster = GRUForecaster(**TINY, dropout=0.2)
    first = bits(forecaster.fit(wave()))
    monkeypatch.setattr(training, "_trainers", type(training._trainers)())
    monkeypatch.setattr(inference, "_runners", type(inference._runners)())
    assert bits(forecaster.fit(wave())) == first


def test_random_state():
    fits = {
        state: bits(GRUForecaster(**TINY | {"random_state": state}).fit(wave())) for state in (0, 1)
    }
    assert fits[0] != fits[1]
    drawn = [GRUForecaster(**TINY | {"random_state": None}).fit(wave()) for _ in range(2)]
    assert bits(drawn[0]) != bits(drawn[1])
    state = np.random.RandomState(4)
    one, two = (bits(GRUForecaster(**TINY | {"random_state": state}).fit(wave())) for _ in range(2))
    assert one != two  # a generator goes on, as in scikit-learn
    again = GRUForecaster(**TINY | {"random_state": np.random.RandomState(4)}).fit(wave())
    assert bits(again) == one


def test_members_do_not_depend_on_each_other(compiled):
    two = GRUForecaster(**TINY, n_members=2).fit(wave())
    three = GRUForecaster(**TINY, n_members=3).fit(wave())
    for one, other in zip(two.weights_, three.weights_[:2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# --- copies, other processes ----------------------------------------------------------------


def test_copies_forecast_the_same():
    forecaster = LSTMForecaster(**TINY).fit(wave())
    first = bits(forecaster)
    assert bits(copy.deepcopy(forecaster)) == first
    assert bits(pickle.loads(pickle.dumps(forecaster))) == first
    assert not hasattr(clone(forecaster), "weights_")


LOAD = """
import pickle, sys
with open(sys.argv[1] + "/fitted.pickle", "rb") as file:
    fitted = pickle.load(file)
answers = {name: one.predict() for name, one in fitted.items()}
fresh = {name: fitted[name].fit(fitted[name].data).predict() for name in ("seq2vec", "vec2seq")}
with open(sys.argv[1] + "/answers.pickle", "wb") as file:
    pickle.dump((answers, fresh), file)
"""


def test_pickles_forecast_the_same_in_another_process(tmp_path):
    fitted = {}
    for name, options in ARCHITECTURES.items():
        data = panel() if name == "seq2vec" else wave()
        fitted[name] = GRUForecaster(**TINY | options).fit(data)
        fitted[name].data = data
    (tmp_path / "fitted.pickle").write_bytes(pickle.dumps(fitted))
    subprocess.run([sys.executable, "-W", "ignore", "-c", LOAD, str(tmp_path)], check=True)
    answers, fresh = pickle.loads((tmp_path / "answers.pickle").read_bytes())
    for name, forecaster in fitted.items():
        pd.testing.assert_series_equal(answers[name], forecaster.predict(), check_exact=True)
    for name, forecasts in fresh.items():
        pd.testing.assert_series_equal(forecasts, fitted[name].predict(), check_exact=True)


@pytest.mark.parametrize(
    "params", [{"dropout": 0.2}, {"max_epochs": 100}], ids=["plain", "compiled"]
)
def test_grid_search_with_two_workers_equals_one(params):
    def search(n_jobs):
        grid = {"cell": ["gru", "lstm"], "units": [3, 5]}
        cv = TimeSeriesSplit(2, test_size=6)
        estimator = RNNForecaster(**TINY | params)
        return GridSearchCV(estimator, grid, cv=cv, n_jobs=n_jobs).fit(wave())

    with joblib.parallel_config(backend="loky"):
        two = search(2)
    one = search(1)
    scores = [found.cv_results_["mean_test_score"] for found in (one, two)]
    assert np.array_equal(*scores)
    assert len(set(scores[0])) == 4
    assert one.best_params_ == two.best_params_
    assert bits(one.best_estimator_) == bits(two.best_estimator_)
    assert one.best_estimator_.spec_.compiled == ("max_epochs" in params)


def test_threads_equal_one_after_the_other(compiled):
    forecasters = [
        GRUForecaster(**TINY | {"units": units, "random_state": state, "dropout": 0.1})
        for units in (2, 3)
        for state in (0, 1, 2)
    ]
    alone = [bits(forecaster.fit(wave())) for forecaster in forecasters]
    state = random.getstate()
    with joblib.parallel_config(backend="threading"):
        for _ in range(2):
            fits = joblib.Parallel(n_jobs=3)(
                joblib.delayed(clone(forecaster).fit)(wave()) for forecaster in forecasters
            )
            assert [bits(fit) for fit in fits] == alone
    assert random.getstate() == state


# --- what must not matter -------------------------------------------------------------------


def in_order(rows, names):
    return pd.concat({name: rows.loc[name] for name in names}, names=["series", "month"])


def test_the_order_of_series_does_not_matter_to_forecasts(compiled):
    forecaster = GRUForecaster(**TINY).fit(panel())
    expected = forecaster.predict(panel())
    other = forecaster.predict(in_order(panel(), "rpq"))
    assert other.index.get_level_values(0).unique().tolist() == ["r", "p", "q"]
    assert np.allclose(other[expected.index], expected, rtol=1e-6)
    alone = forecaster.predict(in_order(panel(), "q"))
    assert np.allclose(alone, expected.loc[["q"]], rtol=1e-6)


def test_the_order_of_series_matters_to_training_only_by_the_order_of_batches():
    """In one batch the whole gradient is the same, but for the order of its sum."""
    settings = TINY | {"batch_size": 1000, "max_epochs": 10}
    forecasts = [
        GRUForecaster(**settings).fit(in_order(panel(), names)).predict()
        for names in ("pqr", "rpq")
    ]
    assert np.allclose(forecasts[0], forecasts[1][forecasts[0].index], rtol=1e-3)


def test_interleaved_rows_are_the_same_panel():
    by_time = panel().sort_index(level=["month", "series"])
    assert not by_time.index.equals(panel().index)
    fits = [GRUForecaster(**TINY).fit(data) for data in (panel(), in_order(by_time, "pqr"))]
    assert bits(fits[0]) == bits(fits[1])
    mixed = GRUForecaster(**TINY).fit(by_time).predict()
    assert np.allclose(mixed[fits[0].predict().index], fits[0].predict(), rtol=0.05)


@pytest.mark.parametrize("reference", ["season", "last", "mean"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_forecasts_follow_units(architecture, reference):
    y = wave()
    forecaster = GRUForecaster(**TINY | ARCHITECTURES[architecture], reference=reference)
    forecasts = forecaster.fit(y).predict()
    doubled = forecaster.fit(2 * y).predict()
    assert np.array_equal(doubled, 2 * forecasts)  # a power of two is exact
    for a, b in ((1e-4, 0.0), (3.0, 1e5)):
        changed = forecaster.fit(a * y + b).predict()
        assert np.allclose((changed - b) / a, forecasts, atol=1e-3)


def test_forecasts_of_a_fitted_network_follow_units(compiled):
    y = wave()
    forecaster = GRUForecaster(**TINY, reference="mean").fit(y)
    forecasts = forecaster.predict(y)
    new = forecaster.predict(1e6 * y - 3e8)
    assert np.allclose((new + 3e8) / 1e6, forecasts, rtol=1e-5)
