"""Networks: shapes, masks, decoders, own builders and saved models."""

import pickle
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from tsrnn import GRUForecaster, LSTMForecaster, RNNForecaster, SimpleRNNForecaster
from tsrnn.nn import inference, training
from tsrnn.nn.inference import build_model, predict
from tsrnn.nn.network import build, model_inputs
from tsrnn.nn.spec import NetworkSpec

ARCHITECTURES = {
    "seq2vec": {"architecture": "seq2vec"},
    "seq2seq": {"architecture": "seq2seq"},
    "parallel": {"architecture": "encoder_decoder"},
    "autoregressive": {"architecture": "encoder_decoder", "decoder": "autoregressive"},
    "vec2seq": {"architecture": "vec2seq"},
}
CELLS = ("lstm", "gru", "simple_rnn")
READING = [name for name in ARCHITECTURES if name != "vec2seq"]
OPTIONS = {
    "plain": {},
    "segments": {"segment_length": 4},
    "stacked": {"n_layers": 2, "residual": True, "layer_norm": True},
    "dropout": {"dropout": 0.3, "recurrent_dropout": 0.2},
    "bidirectional": {"bidirectional": True, "n_layers": 2, "residual": True},
    "segments, stacked, masked": {
        "segment_length": 4,
        "n_layers": 2,
        "residual": True,
        "masked": True,
    },
}


def both(architectures, options):
    """Pairs that make sense: seq2seq and vec2seq have no backward half, vec2seq no mask."""
    pairs = [(a, o) for a in architectures for o in options]
    one_way = [(a, o) for a, o in pairs if o != "bidirectional" or a not in ("seq2seq", "vec2seq")]
    return [(a, o) for a, o in one_way if "masked" not in o or a != "vec2seq"]


# Every cell in the plain networks, one after the other in those with options.
MASKABLE = [(*pair, cell) for pair in both(READING, ["plain"]) for cell in CELLS]
MASKABLE += [
    (*pair, CELLS[i % 3])
    for i, pair in enumerate(both(READING, ["segments", "stacked", "bidirectional"]))
]


def spec_of(architecture, cell="gru", **options):
    """Spec of a network of 12 steps of context, 6 of horizon, two targets and covariates."""
    sizes = {"context_length": 12, "n_static": 0}
    if architecture == "vec2seq":
        sizes = {"context_length": 0, "n_static": 4}
    known = {"horizon": 6, "n_targets": 2, "n_covariates": 3, "n_past": 1, "n_future": 2}
    return NetworkSpec(
        cell, **ARCHITECTURES[architecture], **known | sizes | {"units": 5} | options
    )


def inputs_of(spec, n_windows=4, seed=0):
    """Random values for every input of a network; nothing is masked."""
    rng = np.random.default_rng(seed)
    values = {}
    for name, tensor in model_inputs(spec).items():
        shape = (n_windows, *tensor.shape[1:])
        if name == "mask":
            values[name] = np.ones(shape, bool)
        else:
            values[name] = rng.normal(size=shape).astype(np.float32)
    return values


def random_weights(model, seed=0):
    """Weights of a trained network: those of a new one answer 0 to everything."""
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=0.4, size=w.shape).astype(np.float32) for w in model.get_weights()]


def answer(spec, inputs, training=False):
    """Outputs of a network with random weights."""
    model = build(spec)
    model.set_weights(random_weights(model))
    return keras.ops.convert_to_numpy(model(inputs, training=training))


def series(n_rows=60, level=20.0):
    t = np.arange(n_rows)
    values = level + 3 * np.sin(t) + np.random.default_rng(0).normal(0, 0.3, n_rows)
    return pd.Series(values, pd.period_range("2010-01", periods=n_rows, freq="M"), name="y")


TINY = {"horizon": 3, "context_length": 12, "units": 4, "max_epochs": 2, "random_state": 0}


def tiny(architecture, cell="gru", **options):
    settings = TINY | ARCHITECTURES[architecture] | options
    if architecture == "vec2seq":
        settings["context_length"] = "auto"
    return RNNForecaster(cell, **settings)


# --- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("architecture", "options"), both(ARCHITECTURES, OPTIONS))
def test_output_shape(architecture, options):
    for cell in CELLS:
        spec = spec_of(architecture, cell, **OPTIONS[options])
        outputs = answer(spec, inputs_of(spec))
        steps = (len(spec.loss_steps),) if architecture == "seq2seq" else ()
        assert outputs.shape == (4, *steps, 6, 2)
        assert np.isfinite(outputs).all()
        assert np.ptp(outputs, axis=0).min() > 0  # reads its inputs


def test_seq2seq_forecasts_after_the_segments_of_the_second_half():
    assert spec_of("seq2seq").loss_steps == (6, 7, 8, 9, 10, 11)
    assert spec_of("seq2seq", segment_length=4).loss_steps == (7, 11)
    assert spec_of("seq2seq", context_length=1).loss_steps == (0,)


def test_a_seq2seq_step_reads_nothing_after_it():
    spec = spec_of("seq2seq", segment_length=2)
    inputs = inputs_of(spec)
    changed = dict(inputs, context=inputs["context"].copy())
    changed["context"][:, 8:] += 1
    before, after = answer(spec, inputs), answer(spec, changed)
    seen = [step < 8 for step in spec.loss_steps]
    assert 0 < sum(seen) < len(seen)
    for i, same in enumerate(seen):
        assert np.array_equal(before[:, i], after[:, i]) == same


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_covariates_of_the_future_are_read(architecture):
    spec = spec_of(architecture)
    inputs = inputs_of(spec)
    outputs = answer(spec, inputs)
    assert not np.allclose(outputs, answer(spec, inputs | {"future": inputs["future"] + 1}))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_dropout_is_for_training_only(architecture):
    spec = spec_of(architecture, dropout=0.5, recurrent_dropout=0.5)
    inputs = inputs_of(spec)
    outputs = answer(spec, inputs)
    assert np.array_equal(outputs, answer(spec, inputs))
    assert np.array_equal(
        outputs, answer(replace(spec, dropout=0.0, recurrent_dropout=0.0), inputs)
    )
    assert not np.allclose(outputs, answer(spec, inputs, training=True))


def test_bidirectional_is_refused_where_it_would_see_the_future():
    for architecture in ("seq2seq", "vec2seq"):
        with pytest.raises(ValueError, match=r"bidirectional=True with architecture=.*seq2vec"):
            tiny(architecture, bidirectional=True).fit(series())


# --- masks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("architecture", "options", "cell"), MASKABLE)
def test_a_mask_changes_neither_weights_nor_answers_where_nothing_is_masked(
    architecture, options, cell
):
    spec = spec_of(architecture, cell, **OPTIONS[options])
    masked = replace(spec, masked=True)
    for one, other in zip(build(spec, 3).weights, build(masked, 3).weights, strict=True):
        assert np.array_equal(one, other)
    outputs = answer(masked, inputs_of(masked))
    assert np.allclose(answer(spec, inputs_of(spec)), outputs, atol=1e-6)


@pytest.mark.parametrize(("architecture", "options", "cell"), MASKABLE)
def test_padding_behind_a_mask_is_as_no_padding(architecture, options, cell):
    short = spec_of(architecture, cell, context_length=8, **OPTIONS[options])
    padded = replace(short, context_length=12, masked=True)
    inputs = inputs_of(short)
    # seq2seq, and only it, reads the future after each step; the last one is compared.
    n_steps = len(padded.loss_steps) if architecture == "seq2seq" else 1
    behind = {
        "context": np.pad(inputs["context"], [(0, 0), (4, 0), (0, 0)]),
        "mask": np.repeat([[False] * 4 + [True] * 8], 4, axis=0),
        "future": np.tile(inputs["future"][:, -6:], (1, n_steps, 1)),
    }
    outputs, expected = answer(padded, behind), answer(short, inputs)
    if architecture == "seq2seq":
        outputs, expected = outputs[:, -1], expected[:, -1]
    assert np.allclose(outputs, expected, atol=1e-6)


@pytest.mark.parametrize("architecture", READING)
def test_masked_steps_are_not_read(architecture):
    spec = spec_of(architecture, masked=True)
    inputs = inputs_of(spec)
    inputs["mask"][:, [0, 3, 4, 7]] = False
    changed = inputs["context"].copy()
    changed[:, [0, 3, 4, 7]] = 99
    after = answer(spec, inputs | {"context": changed})
    assert np.array_equal(answer(spec, inputs), after)


# --- equations ------------------------------------------------------------------------------


@pytest.mark.parametrize("segment_length", [1, 2, 4])
def test_the_autoregressive_decoder_reads_what_it_wrote(segment_length):
    spec = spec_of("autoregressive", "simple_rnn", segment_length=segment_length)
    inputs = inputs_of(spec)
    model = build(spec)
    model.set_weights(random_weights(model))
    outputs = keras.ops.convert_to_numpy(model(inputs))

    kernel, recurrent, bias = model.get_layer("simple_rnn_0").get_weights()
    state = np.zeros((4, 5))
    for step in inputs["context"].reshape(4, spec.n_segments, -1).swapaxes(0, 1):
        state = np.tanh(step @ kernel + state @ recurrent + bias)

    n = spec.n_output_segments
    (positions,) = model.get_layer("position").get_weights()
    future = np.pad(inputs["future"], [(0, 0), (0, n * segment_length - 6), (0, 0)])
    future = future.reshape(4, n, -1)
    feedback = model.get_layer("decoder").cell
    kernel, recurrent, bias = feedback.cells[0].get_weights()
    head, shift = feedback.head.get_weights()
    written, output = [], np.zeros((4, 2 * segment_length))
    for k in range(n):
        step = np.concatenate([np.tile(positions[k], (4, 1)), future[:, k], output], axis=1)
        state = np.tanh(step @ kernel + state @ recurrent + bias)
        output = state @ head + shift
        written.append(output.reshape(4, segment_length, 2))
    assert np.allclose(outputs, np.concatenate(written, axis=1)[:, :6], atol=1e-5)


def test_seq2vec_is_a_dense_layer_on_the_last_state():
    spec = replace(spec_of("seq2vec", "simple_rnn"), n_future=0)
    inputs = inputs_of(spec)
    model = build(spec)
    model.set_weights(random_weights(model))
    kernel, recurrent, bias, head, shift = model.get_weights()
    state = np.zeros((4, 5))
    for step in inputs["context"].swapaxes(0, 1):
        state = np.tanh(step @ kernel + state @ recurrent + bias)
    expected = (state @ head + shift).reshape(4, 6, 2)
    assert np.allclose(model(inputs), expected, atol=1e-5)


# --- untrained networks answer the reference ------------------------------------------------


def untrained(forecaster, data):
    """Fit, then put the weights back to where training began."""
    forecaster.fit(data)
    fresh = build(forecaster.spec_, forecaster.train_spec_.seed)
    forecaster.weights_ = [fresh.get_weights()]
    return forecaster


@pytest.mark.parametrize("architecture", READING)
def test_an_untrained_network_forecasts_its_reference(architecture):
    y = series()
    values = y.to_numpy()
    expected = {
        "season": values[-12:-9],
        "last": values[[-1, -1, -1]],
        # seq2seq knows the first half of the context, up to the first forecast.
        "mean": np.repeat(values[-12:][: 7 if architecture == "seq2seq" else 12].mean(), 3),
        None: np.zeros(3),
    }
    for reference, forecasts in expected.items():
        forecaster = untrained(tiny(architecture, reference=reference), y)
        assert forecaster.predict().to_numpy() == pytest.approx(forecasts, rel=1e-15, abs=0)


def test_an_untrained_vec2seq_forecasts_the_mean_of_all_training_rows():
    y = series()
    forecaster = untrained(tiny("vec2seq"), y)
    assert forecaster.predict().to_numpy() == pytest.approx(np.repeat(y.mean(), 3), rel=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_tiny_learning_rate_stays_with_the_reference(architecture):
    y = series()
    forecaster = tiny(architecture, learning_rate=1e-12, reference="season").fit(y)
    season = y.to_numpy()[-12:-9] if architecture != "vec2seq" else y.mean()
    assert np.abs(forecaster.predict().to_numpy() - season).max() < 1e-6


# --- gradients ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "cell"), list(zip(ARCHITECTURES, CELLS * 2, strict=False))
)
def test_every_weight_is_trained(architecture, cell):
    y = series()
    rows = pd.DataFrame({"y": y, "known": np.cos(np.arange(60))})
    options = {"n_layers": 2, "layer_norm": architecture != "vec2seq", "segment_length": 2}
    forecaster = tiny(architecture, cell, target="y", **options).fit(rows)
    before = build(forecaster.spec_, forecaster.train_spec_.seed)
    for variable, after in zip(before.weights, forecaster.weights_[0], strict=True):
        assert variable.shape == after.shape
        assert not np.array_equal(variable, after), variable.path


# --- own networks ---------------------------------------------------------------------------


def own_network(spec):
    """Convolution instead of recurrence, with everything there is to read."""
    context = keras.Input((spec.context_length, spec.n_targets + spec.n_covariates), name="context")
    x = keras.layers.Conv1D(4, 3, activation="relu")(context)
    x = keras.layers.Flatten()(x)
    inputs = [context]
    if spec.n_future:
        future = keras.Input((spec.horizon, spec.n_future), name="future")
        inputs.append(future)
        x = keras.layers.Concatenate()([x, keras.layers.Flatten()(future)])
    x = keras.layers.Dense(spec.horizon * spec.n_targets)(x)
    return keras.Model(inputs, keras.layers.Reshape((spec.horizon, spec.n_targets))(x))


def test_own_network():
    y = series()
    settings = TINY | {"reference": "season"}
    forecaster = LSTMForecaster(**settings, network=own_network).fit(y)
    assert [type(layer).__name__ for layer in forecaster.model_.layers][1] == "Conv1D"
    forecasts = forecaster.predict()
    assert np.isfinite(forecasts).all()
    again = pickle.loads(pickle.dumps(forecaster))
    assert np.array_equal(again.predict(), forecasts)
    twice = LSTMForecaster(**settings, network=own_network).fit(y).predict()
    assert np.array_equal(twice, forecasts)
    other = LSTMForecaster(**settings | {"random_state": 1}, network=own_network).fit(y).predict()
    assert not np.array_equal(other, forecasts)


def test_own_network_with_covariates():
    rows = pd.DataFrame({"y": series(), "known": np.arange(60) % 2.0})
    ahead = pd.DataFrame(
        {"known": [0.0, 1.0, 0.0]}, pd.period_range("2015-01", periods=3, freq="M")
    )
    forecaster = LSTMForecaster(**TINY, network=own_network).fit(rows[["known"]], rows["y"])
    assert not np.array_equal(forecaster.predict(ahead), forecaster.predict(1 - ahead))


def test_own_network_is_no_seq2seq():
    with pytest.raises(ValueError, match=r"architecture='seq2seq'.*use 'seq2vec'"):
        tiny("seq2seq", network=own_network).fit(series())


def dense_of(shape, names=("context",)):
    """Make a builder of networks that answer with some shape."""

    def network(spec):
        inputs = [
            keras.Input((spec.context_length, spec.n_targets + spec.n_covariates), name=name)
            for name in names
        ]
        flat = keras.layers.Flatten()(inputs[0])
        flat = keras.layers.Dense(int(np.prod(shape)))(flat)
        return keras.Model(inputs, keras.layers.Reshape(shape)(flat))

    return network


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda spec: "a network", r"network= must return a keras.Model, not str"),
        (dense_of((3, 2)), r"output shape \(None, 3, 2\); it must be .* = \(None, 3, 1\)"),
        (dense_of((1, 3)), r"output shape \(None, 1, 3\)"),
        (
            dense_of((3, 1), ["context", "history"]),
            r"inputs \['context', 'history'\]; they must be named among \['context', 'mask'\]",
        ),
        (dense_of((3, 1), ["x"]), r"inputs \['x'\]"),
    ],
)
def test_own_network_of_a_wrong_shape(network, message):
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(**TINY, network=network).fit(series())


def test_own_network_takes_the_mask_or_leaves_it():
    y = series()
    y.iloc[20] = np.nan
    with pytest.warns(UserWarning, match="missing target"):
        forecaster = LSTMForecaster(**TINY, network=own_network).fit(y)
    assert forecaster.spec_.masked
    assert np.isfinite(forecaster.predict()).all()


# --- models for the user --------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_saved_model_answers_the_same(architecture, masked, tmp_path):
    if masked and architecture == "vec2seq":
        pytest.skip("reads no context")
    spec = spec_of(architecture, "lstm", n_layers=2, segment_length=2, masked=masked)
    model = build_model(spec, random_weights(build(spec)))
    inputs = inputs_of(spec)
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert np.array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize(
    ("architecture", "needs"), [("seq2vec", ""), ("autoregressive", ", tsrnn.nn.layers")]
)
def test_a_saved_model_loads_in_another_process(architecture, needs, tmp_path):
    spec = spec_of(architecture, bidirectional=True)
    model = build_model(spec, random_weights(build(spec)))
    inputs = inputs_of(spec)
    model.save(tmp_path / "network.keras")
    np.savez(tmp_path / "inputs.npz", **inputs)
    code = (
        f"import sys, numpy as np, keras{needs}\n"
        "model = keras.models.load_model(sys.argv[1] + '/network.keras')\n"
        "outputs = model(dict(np.load(sys.argv[1] + '/inputs.npz')))\n"
        "np.save(sys.argv[1] + '/outputs.npy', outputs)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert np.allclose(np.load(tmp_path / "outputs.npy"), model(inputs), atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_model_is_the_network_that_forecasts(architecture):
    forecaster = tiny(architecture).fit(series())
    spec = forecaster.spec_
    inputs = inputs_of(spec)
    outputs = predict(inputs, spec, forecaster.weights_[0])
    direct = keras.ops.convert_to_numpy(forecaster.model_(inputs))
    if architecture == "seq2seq":
        direct = direct[:, -1]
    assert np.allclose(outputs, direct, atol=1e-6)


@pytest.fixture
def keras_precision():
    """The user's precision, as it was after the test."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "float64"])
def test_networks_are_of_single_precision(precision, compiled, keras_precision, monkeypatch):
    monkeypatch.setattr("tsrnn.planning.pays_to_compile", lambda *plan: compiled)
    values = np.sin(np.arange(60.0))

    def fitted():
        return LSTMForecaster(horizon=3, units=3, max_epochs=1, random_state=0).fit(values)

    expected = fitted()
    keras.config.set_dtype_policy(precision)
    if precision == "float64":
        keras.config.set_floatx(precision)
    for cache in (training._trainers, inference._runners):
        cache.clear()
    forecaster = fitted()
    assert forecaster.spec_.compiled == compiled
    assert {w.dtype for w in forecaster.model_.weights} == {"float32"}
    assert np.allclose(forecaster.predict(), expected.predict(), rtol=1e-6)
    assert keras.config.dtype_policy().name == precision


def test_model_is_a_copy():
    forecaster = GRUForecaster(**TINY).fit(series())
    forecasts = forecaster.predict()
    model = forecaster.model_
    model.set_weights([w + 1 for w in model.get_weights()])
    assert np.array_equal(forecaster.predict(), forecasts)
    assert not np.array_equal(model.get_weights()[0], forecaster.weights_[0][0])


def test_models_of_several_members():
    forecaster = SimpleRNNForecaster(**TINY, n_members=2).fit(series())
    assert [type(model).__name__ for model in forecaster.model_] == ["Functional", "Functional"]


def test_no_keras_object_is_kept():
    forecaster = GRUForecaster(**TINY).fit(series())
    for name, value in vars(forecaster).items():
        assert not type(value).__module__.startswith(("keras", "tensorflow")), name
    assert len(training._trainers) > 0  # the live models are in the caches, not in estimators
