"""Saved forecasters answer as before, in another process too."""

import dataclasses
import inspect
import os
import pickle
import subprocess
import sys
from datetime import timedelta, timezone

import keras
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

import tsrnn
from tsrnn import (
    ARIMA,
    ETS,
    VAR,
    AutoReg,
    ConformalForecaster,
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
    StatsmodelsForecaster,
    STLForecaster,
    Theta,
    UnobservedComponents,
    make_forecast_pipeline,
    planning,
)
from tsrnn.plain import Reader, Writer
from tsrnn.saving import _KINDS

TINY = {"units": 2, "max_epochs": 1, "batch_size": 32, "random_state": 0, "context_length": 12}
SHOP = {"target": "sales", "past_covariates": "promo"}


def same(one, other):
    """Whether two values are equal bit for bit, with their types and all that they hold."""
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseEstimator):
        return same(vars(one), vars(other))
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        equal = same(one.ravel().tolist(), other.ravel().tolist())
        return equal and one.dtype == other.dtype and one.shape == other.shape
    if isinstance(one, pd.DataFrame):
        assert_frame_equal(one, other, check_exact=True, check_freq=True)
    elif isinstance(one, pd.Series):
        assert_series_equal(one, other, check_exact=True)
    elif isinstance(one, pd.Index):
        assert_index_equal(one, other, exact=True)
        return getattr(one, "freq", None) == getattr(other, "freq", None)
    else:
        return one is other or one == other or (one != one and other != other)
    return True


def again(forecaster, tmp_path):
    path = tmp_path / "again.tsrnn"
    forecaster.save(path)
    return tsrnn.load(path)


def answers(forecaster, history, later):
    """What a forecaster says to each kind of question."""
    return [
        forecaster.predict(),
        forecaster.predict(history),
        forecaster.predict_at(history, [40, 60]),
        forecaster.score(later),
        forecaster.update(later).predict(),
        repr(forecaster),
        forecaster.sample(n_samples=2, random_state=0) if hasattr(forecaster, "sample") else None,
        forecaster.predict_interval() if hasattr(forecaster, "predict_interval") else None,
    ]


ELSEWHERE = (
    inspect.getsource(answers)
    + """
import pickle, sys
import tsrnn

with open(sys.argv[1], "rb") as file:
    questions = pickle.load(file)
given = {name: answers(tsrnn.load(path), *data) for name, (path, *data) in questions.items()}
with open(sys.argv[2], "wb") as file:
    pickle.dump(given, file)
"""
)


def forecasters():
    """Forecasters of every class, each with the data that it is for."""
    of_series = {
        "LSTM": LSTMForecaster(3, n_members=2, **TINY),
        "heavy tails": GRUForecaster(3, distribution="student_t", **TINY),
        "in windows": make_forecast_pipeline(
            StandardScaler(), SlidingWindow(12, 3), LSTMForecaster(3, **TINY)
        ),
        "Naive": Naive(3),
        "SeasonalNaive": SeasonalNaive(3, season_length=[12, 6]),
        "Drift": Drift(np.int64(3)),
        "HistoricAverage": HistoricAverage(3),
        "ETS": ETS(3),
        "Theta": Theta(3),
        "ARIMA": ARIMA(3, order=(1, 1, 0), seasonal_order=None),
        "AutoReg": AutoReg(3, lags=range(1, 3)),
        "UnobservedComponents": UnobservedComponents(3, level="local level", seasonal=None),
        "nested": make_forecast_pipeline(
            FunctionTransformer(np.log1p, np.expm1),
            Pipeline([("in", Pipeline([("max", MaxAbsScaler())])), ("robust", RobustScaler())]),
            "passthrough",
            Differencer(1, 12),
            STLForecaster(3, forecaster=Drift()),
        ),
        "output": make_forecast_pipeline(
            MinMaxScaler((0, 2)).set_output(transform="pandas"), Deseasonalizer(), Naive(3)
        ),
        "conformal": ConformalForecaster(LSTMForecaster(3, **TINY), method="adaptive"),
    }
    of_panel = {
        "GRU": GRUForecaster(3, architecture="encoder_decoder", **TINY, **SHOP),
        "SimpleRNN": SimpleRNNForecaster(3, architecture="seq2seq", **TINY, **SHOP),
        "RNN": RNNForecaster(
            "gru", 3, architecture="encoder_decoder", decoder="autoregressive", **TINY, **SHOP
        ),
        "quantiles": LSTMForecaster(3, distribution="quantiles", **TINY, **SHOP),
        "VAR": VAR(3),
        "STL": STLForecaster(3, **SHOP),
        "panel": ETS(3, error="add", seasonal=None, **SHOP),
        "bounded": ConformalForecaster(SeasonalNaive(3, **SHOP), coverage=0.8),
        "twice": ConformalForecaster(ConformalForecaster(Naive(3, **SHOP), 0.8), 0.8),
        "bounded pipeline": ConformalForecaster(make_forecast_pipeline(StandardScaler(), VAR(3))),
    }
    return of_series, of_panel


@pytest.fixture(scope="module")
def fitted(monthly, panel, tmp_path_factory):
    """Fitted forecasters by name: with the file of each, a history and what came later."""
    folder = tmp_path_factory.mktemp("fitted")
    later = panel.groupby(level=0).tail(6)
    parts = [(monthly[:-6], monthly[-6:]), (panel.drop(later.index), later)]
    every = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "pays_to_compile", lambda spec, *_: spec.cell == "gru")
        for group, (history, future) in zip(forecasters(), parts, strict=True):
            for name, forecaster in group.items():
                forecaster.fit(history).save(folder / f"{name}.tsrnn")
                every[name] = (forecaster, folder / f"{name}.tsrnn", history, future)
    return every


def test_answers_in_another_process_are_the_same_bit_for_bit(fitted, tmp_path):
    questions, given = tmp_path / "questions.pkl", tmp_path / "answers.pkl"
    with questions.open("wb") as file:
        pickle.dump({name: parts[1:] for name, parts in fitted.items()}, file)
    command = [sys.executable, "-W", "error::FutureWarning", "-c", ELSEWHERE]
    subprocess.run([*command, str(questions), str(given)], check=True)
    with given.open("rb") as file:
        elsewhere = pickle.load(file)
    different = []
    for name, (forecaster, _, *data) in fitted.items():
        copy = pickle.loads(pickle.dumps(forecaster))  # as an update changes the history
        if not all(map(same, answers(copy, *data), elsewhere[name])):
            different.append(name)
    assert different == []


def test_fitted_attributes_and_parameters_are_the_same(fitted):
    for name, (forecaster, path, *_) in fitted.items():
        loaded = tsrnn.load(path)
        assert type(loaded) is type(forecaster)
        assert same(loaded, forecaster), name
        assert same(clone(loaded), clone(forecaster)), name


def test_a_step_that_occurs_twice_is_one_object(fitted):
    loaded = tsrnn.load(fitted["nested"][1])
    inner = loaded.steps[1][1].steps[0][1].steps[0][1]
    assert loaded._chain.steps[1].transformer is inner


def test_loaded_forecasters_can_be_fitted_and_saved_again(fitted, tmp_path):
    for name in ("LSTM", "nested", "VAR"):
        _, path, history, _ = fitted[name]
        loaded = tsrnn.load(path)
        assert same(again(loaded, tmp_path), loaded)
        assert same(loaded.fit(history).predict(), fitted[name][0].predict())


def test_loading_a_baseline_loads_neither_keras_nor_statsmodels(fitted):
    code = f"import sys, tsrnn; tsrnn.load({str(fitted['panel'][1])!r}); "
    code += "assert not {'keras', 'tensorflow', 'statsmodels'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- containers -----------------------------------------------------------------------------

VALUES = np.random.default_rng(0).normal(10, 1, 40)
ZONES = {
    "UTC": "UTC",
    "Berlin": "Europe/Berlin",
    "offset": timezone(timedelta(hours=5, minutes=30)),
}


def containers():
    def dated(freq, **options):
        return pd.Series(VALUES, pd.date_range("2021-01-04", periods=40, freq=freq, **options))

    months = pd.period_range("2020", periods=20, freq="M", name="month")
    labels = {
        "texts": ["a", "b"],
        "whole": [2, 1],
        "numbers": [2.5, np.inf],
        "mixed": ["x", 7],
        "tuples": [("u", 1), ("v", 2)],
        "times": pd.to_datetime(["2024", "2020"]),
        "durations": pd.to_timedelta(["1h", "2h"]),
        "flags": [True, False],
        "categories": pd.CategoricalIndex(["p", "q"], ["q", "p", "r"], ordered=True),
        "masked": pd.Index([1, 2], dtype="Int64"),
    }
    panels = {
        name: pd.Series(
            VALUES,
            pd.MultiIndex.from_arrays(
                [pd.Index(ids, tupleize_cols=False).repeat(20), months.append([months])],
                names=["shop", None],
            ),
        )
        for name, ids in labels.items()
    }
    steps = ["MS", "2ME", "QS-OCT", "W-WED", "B", "D", "15min", "h", "YE-JUN", "2D"]
    frame = dated("D").to_frame("a").assign(b=VALUES)
    return {
        **panels,
        **{step: dated(step) for step in steps},
        **{f"zone {name}": dated("h", tz=zone) for name, zone in ZONES.items()},
        "nanoseconds": dated("h", unit="ns"),
        "no step": pd.Series(VALUES, pd.DatetimeIndex(list(dated("D").index))),
        "periods": pd.Series(VALUES, pd.period_range("2020Q3", periods=40, freq="2Q-NOV")),
        "counted": pd.Series(VALUES, name=("a", 1)),
        "whole": pd.Series(VALUES, pd.RangeIndex(10, 130, 3, name=7)),
        "int index": pd.Series(VALUES, pd.Index(np.arange(40, dtype=np.int32) * 2)),
        "frame": frame.rename_axis(columns="product"),
        "levels": frame.set_axis(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), axis=1),
        "numbered columns": frame.set_axis([1.5, pd.Timestamp("2024")], axis=1),
        "missing": frame.mask(frame > 11),
        "1-D": VALUES,
        "2-D": np.asfortranarray(VALUES.reshape(20, 2)),
        "list": VALUES.tolist(),
    }


@pytest.mark.parametrize("kind", containers())
def test_forecasts_come_in_the_container_of_the_data(kind, tmp_path):
    X = containers()[kind]
    for forecaster in (Drift(4), make_forecast_pipeline(StandardScaler(), Drift(4))):
        loaded = again(forecaster.fit(X), tmp_path)
        assert same(loaded, forecaster)
        assert same(loaded.predict(), forecaster.predict())


def test_covariates_given_with_y(monthly, tmp_path):
    X = pd.DataFrame({"t": np.arange(96.0)}, monthly.index)
    for forecaster in (AutoReg(3), make_forecast_pipeline(StandardScaler(), AutoReg(3))):
        loaded = again(forecaster.fit(X[:-6], monthly[:-6]), tmp_path)
        assert same(loaded.predict(X[-6:]), forecaster.predict(X[-6:]))
        assert loaded.score(X[-6:], monthly[-6:]) == forecaster.score(X[-6:], monthly[-6:])


@pytest.mark.parametrize(
    "value",
    [
        *(float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 0.1, 10**30, "\ud800é", ""),
        *((), [], {}, (1, (2,)), {(1, "a"): [None], None: {}, 1.5: True}, range(1, 9, 2)),
        *(np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("a"), np.datetime64("2024", "D")),
        *(np.float64("nan"), np.timedelta64(3, "s"), np.ones((2, 3)).T, np.empty((0, 3))),
        *(np.array(["a", "bcd"]), np.array([[None, "a"], [(1,), [2, 3]]], dtype=object)),
        *(np.arange(100, dtype=">i2"), np.array(3.5), np.array([np.nan, 1]), np.ones(50, bool)),
        *(pd.Timestamp("2024-03-31 02:30", tz="UTC"), pd.Timestamp("2024-10-27", tz="Asia/Tokyo")),
        *(pd.Timestamp(5, unit="ns"), pd.Period("2024Q1"), pd.Period("2024-05-05", "W-TUE")),
        *(pd.Timedelta("3h"), pd.Timedelta(7, unit="ns"), pd.NaT, pd.NA),
        *(pd.offsets.WeekOfMonth(week=1, weekday=2), pd.DateOffset(months=2, normalize=True)),
        *(pd.Index([]), pd.Index(["a", None]), pd.Index(["a"], dtype=object), pd.Index([1.5, 2])),
        *(pd.Index([True, None], dtype="boolean"), pd.Index([1, None], dtype="UInt8", name="n")),
        *(pd.Index(["a", pd.NA], dtype="string"), pd.Index([0.5, None], dtype="Float32")),
        *(pd.DatetimeIndex(["2024", None]), pd.PeriodIndex(["2024", None], freq="M")),
        pd.MultiIndex.from_tuples([("a", 1), ("b", None)], names=["x", ("y", 2)]),
        pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, 2], 3: pd.Categorical([0, None])}),
        pd.DataFrame({"t": pd.to_datetime(["2024", None]), "o": pd.Series([1, "a"], dtype=object)}),
        *(pd.DataFrame(), pd.DataFrame(index=range(3)), pd.DataFrame(columns=["a"])),
        *(pd.Series([1, 2], name="s"), pd.Series(["a"], ["i"]), np.log1p),
    ],
    ids=repr,
)  # fmt: skip
def test_values_of_every_kind_come_back_as_they_were(value):
    writer = Writer(_KINDS)
    plain = writer.value([value], "it")
    (back,) = Reader(_KINDS, writer.members).value(plain)
    assert same(back, value)
    if isinstance(value, np.ndarray):
        assert back.flags.writeable and back.flags.c_contiguous == value.flags.c_contiguous


def test_negative_zero_keeps_its_sign():
    back = Reader(_KINDS, {}).value(Writer(_KINDS).value([-0.0], "it"))
    assert np.signbit(back[0])


# --- what cannot be saved -------------------------------------------------------------------


def a_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=(1, 2))


@pytest.mark.parametrize(
    ("params", "remedy"),
    [
        ({"loss": a_loss}, "name of a Keras loss"),
        ({"network": a_loss}, "export_keras"),
        ({"optimizer": keras.optimizers.Adam()}, "'adam'"),
        ({"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 9)}, "number or 'auto'"),
        ({"callbacks": [keras.callbacks.TerminateOnNaN()]}, "set it to None"),
        ({"random_state": np.random.default_rng(0)}, "whole number"),
        ({"random_state": np.random.RandomState(0)}, "whole number"),
    ],
)
def test_parameters_that_cannot_be_written_are_named(params, remedy, fitted, tmp_path):
    forecaster = pickle.loads(pickle.dumps(fitted["LSTM"][0])).set_params(**params)
    (name,) = params
    with pytest.raises(TypeError, match=rf"^{name}.*cannot be written.*{remedy}"):
        forecaster.save(tmp_path / "a.tsrnn")
    assert os.listdir(tmp_path) == []


def test_the_remedy_for_objects_of_training_needs_no_new_fit(monthly, tmp_path):
    objects = {
        "optimizer": keras.optimizers.Adam(0.01),
        "callbacks": [keras.callbacks.TerminateOnNaN()],
    }
    forecaster = LSTMForecaster(3, **TINY, **objects).fit(monthly)
    expected = forecaster.predict()
    loaded = again(forecaster.set_params(optimizer="adam", callbacks=None), tmp_path)
    assert same(loaded.predict(), expected)
    assert (loaded.train_spec_.optimizer, loaded.train_spec_.callbacks) == (None, ())


def a_model(endog, exog=None):
    from statsmodels.tsa.api import SimpleExpSmoothing

    return SimpleExpSmoothing(endog, initialization_method="estimated")


class MyNaive(Naive):
    """A class of the user's own."""


@pytest.mark.parametrize(
    ("forecaster", "message"),
    [
        (StatsmodelsForecaster(a_model), "factory=.*StatsmodelsForecaster can be kept by pickle"),
        (STLForecaster(forecaster=StatsmodelsForecaster(a_model)), r"forecaster\.factory="),
        (MyNaive(), "the forecaster=MyNaive.*joblib.dump"),
        (make_forecast_pipeline(PowerTransformer(), Naive()), r"steps\[0\]\[1\]=PowerTransformer"),
        (make_forecast_pipeline(StandardScaler(), MyNaive()), r"steps\[1\]\[1\]=MyNaive"),
        (
            make_forecast_pipeline(FunctionTransformer(np.copy, np.copy), Naive()),
            r"steps\[0\]\[1\]\.func=.*np\.log1p",
        ),
        (make_forecast_pipeline(Naive(), memory="folder"), "memory='folder'.*pickles"),
    ],
)
def test_classes_and_functions_that_cannot_be_written_are_named(
    forecaster, message, tmp_path, monthly, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # where memory="folder" writes
    with pytest.raises(TypeError, match=f"^{message}"):
        forecaster.fit(monthly).save(tmp_path / "a.tsrnn")
    assert "a.tsrnn" not in os.listdir(tmp_path)


def test_a_step_of_time_with_own_holidays_is_named(tmp_path):
    days = pd.offsets.CustomBusinessDay(holidays=["2024-01-03"])
    series = pd.Series(VALUES, pd.date_range("2024", periods=40, freq=days))
    with pytest.raises(TypeError, match=r"^history_\.grid\.step=.*CustomBusinessDay"):
        Naive().fit(series).save(tmp_path / "a.tsrnn")


@pytest.mark.parametrize("forecaster", [Naive(), LSTMForecaster(), make_forecast_pipeline(Naive())])
def test_a_forecaster_that_is_not_fitted_is_not_saved(forecaster, tmp_path):
    with pytest.raises(NotFittedError):
        forecaster.save(tmp_path / "a.tsrnn")


# --- export to Keras ------------------------------------------------------------------------

STOCK = """
import sys
import keras, numpy as np

for path in sys.argv[1:]:
    model = keras.models.load_model(path)
    np.save(path + ".npy", model.predict(dict(np.load(path + ".npz")), verbose=0))
assert "tsrnn" not in sys.modules
"""


def inputs_of(model):
    rng = np.random.default_rng(0)
    inputs = {i.name: rng.normal(size=(5, *i.shape[1:])).astype("float32") for i in model.inputs}
    return {name: x > 0 if name == "mask" else x for name, x in inputs.items()}


def test_exported_networks_give_the_same_in_keras_alone(fitted, tmp_path):
    lstm, rnn = fitted["LSTM"][0], fitted["SimpleRNN"][0]
    paths = [*lstm.export_keras(tmp_path / "lstm.keras"), *rnn.export_keras(tmp_path / "r.keras")]
    assert [path.name for path in paths] == ["lstm_0.keras", "lstm_1.keras", "r.keras"]
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in paths)
    models = [*lstm.model_, rnn.model_]
    for path, model in zip(paths, models, strict=True):
        np.savez(f"{path}.npz", **inputs_of(model))
    subprocess.run([sys.executable, "-c", STOCK, *map(str, paths)], check=True)
    for path, model in zip(paths, models, strict=True):
        expected = model.predict(inputs_of(model), verbose=0)
        np.testing.assert_array_equal(np.load(f"{path}.npy"), expected)


@pytest.mark.parametrize("name", ["GRU", "RNN"])
def test_exported_networks_of_other_architectures_load_beside_tsrnn(name, fitted, tmp_path):
    forecaster = fitted[name][0]
    (path,) = forecaster.export_keras(tmp_path / "model.keras")
    loaded, inputs = keras.models.load_model(path), inputs_of(forecaster.model_)
    expected = forecaster.model_.predict(inputs, verbose=0)
    np.testing.assert_array_equal(loaded.predict(inputs, verbose=0), expected)


def test_export_needs_the_ending_of_keras(fitted, tmp_path):
    with pytest.raises(ValueError, match="must end in '.keras'"):
        fitted["LSTM"][0].export_keras(tmp_path / "model.h5")
    with pytest.raises(NotFittedError):
        LSTMForecaster().export_keras(tmp_path / "model.keras")
