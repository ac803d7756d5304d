"""Batches in parts, compiled: the same training and the same answers as Keras gives."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from test_network import ARCHITECTURES, CELLS, inputs_of, random_weights, spec_of

from tsrnn.nn import inference, layers
from tsrnn.nn.inference import build_model, predict
from tsrnn.nn.network import build
from tsrnn.nn.parallel import ParallelModel, part_sizes

both_ways = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
CASES = [(a, CELLS[i % 3], a != "vec2seq") for i, a in enumerate(ARCHITECTURES)]


@given(st.integers(1, 5000), st.integers(1, 64))
def test_parts_make_up_the_batch(batch, cores):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: cores)
        sizes = part_sizes(batch)
    assert sum(sizes) == batch
    assert len(sizes) <= cores
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == 1 or min(sizes) >= 16


def trained(model, batches):
    model.compile(keras.optimizers.Adam(0.01), "mae", jit_compile=False)
    dataset = tf.data.Dataset.from_tensors(batches[0]).concatenate(
        tf.data.Dataset.from_tensors(batches[1])
    )
    history = model.fit(dataset, epochs=2, verbose=0, validation_data=dataset, shuffle=False)
    return history.history, model.get_weights()


@pytest.mark.parametrize(("architecture", "cell", "masked"), CASES)
def test_parts_learn_as_the_whole_does(architecture, cell, masked):
    spec = spec_of(architecture, cell, masked=masked, n_layers=2)
    parts = build(spec)
    parts.set_weights(random_weights(parts))
    whole = build_model(spec, parts.get_weights())
    assert isinstance(parts, ParallelModel)
    assert not isinstance(whole, ParallelModel)
    rng = np.random.default_rng(1)
    batches = []
    for seed in range(2):
        inputs = inputs_of(spec, 37, seed)
        if masked:
            inputs["mask"] = rng.uniform(size=inputs["mask"].shape) > 0.3
        target = rng.normal(size=(37, *parts.output_shape[1:])).astype("float32")
        weight = rng.uniform(size=(37, *[1] * (target.ndim - 2))).astype("float32")
        batches.append((inputs, target, weight))
    (losses, weights), (losses_of_whole, weights_of_whole) = (
        trained(model, batches) for model in (parts, whole)
    )
    for name in ("loss", "val_loss"):
        assert losses[name] == pytest.approx(losses_of_whole[name], rel=1e-4)
    for one, other in zip(weights, weights_of_whole, strict=True):
        assert np.allclose(one, other, atol=2e-4)


@both_ways
@pytest.mark.parametrize(("architecture", "cell", "masked"), CASES)
def test_any_number_of_windows_is_answered_as_by_keras(architecture, cell, masked, compiled):
    spec = spec_of(architecture, cell, masked=masked, compiled=compiled)
    weights = random_weights(build(spec))
    model = build_model(spec, weights)
    for n in (1, 31, 32, 33, 100):
        inputs = inputs_of(spec, n, seed=n)
        expected = model(inputs)
        expected = expected[:, -1] if architecture == "seq2seq" else expected
        assert np.allclose(predict(inputs, spec, weights), expected, atol=1e-5)


@both_ways
def test_another_number_of_windows_traces_nothing(compiled, monkeypatch):
    monkeypatch.setattr(inference, "_runners", type(inference._runners)())
    traced = []
    forward = inference._Runner._forward
    monkeypatch.setattr(
        inference._Runner,
        "_forward",
        lambda self, inputs: traced.append(1) or forward(self, inputs),
    )
    spec = spec_of("seq2vec", "lstm", compiled=compiled)
    weights = random_weights(build(spec))
    for n in (1, 32, 33, 500):
        predict(inputs_of(spec, n), spec, weights)
    assert len(traced) == 1


@both_ways
def test_a_window_is_answered_the_same_in_any_company(compiled):
    spec = spec_of("seq2vec", "gru", masked=True, compiled=compiled)
    weights = random_weights(build(spec))
    inputs = inputs_of(spec, 140)
    together = predict(inputs, spec, weights)
    for rows in (slice(0, 1), slice(31, 34), slice(60, 69), slice(139, 140)):
        alone = predict({name: values[rows] for name, values in inputs.items()}, spec, weights)
        assert np.array_equal(alone, together[rows])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_networks_that_are_not_compiled_are_of_kerass_own_layers(architecture):
    spec = spec_of(architecture, "gru", bidirectional=True, compiled=False)
    model = build(spec)
    assert type(model) is not ParallelModel
    fast = (layers.LSTM, layers.GRU, layers.SimpleRNN)
    every = list(model._flatten_layers())
    assert any(isinstance(layer, keras.layers.GRU | keras.layers.RNN) for layer in every)
    assert not any(isinstance(layer, fast) for layer in every)
    compiled = build(replace(spec, compiled=True))
    for weight, other in zip(model.weights, compiled.weights, strict=True):
        assert weight.name == other.name
        assert np.array_equal(weight, other)


@pytest.mark.parametrize("dropout", ["dropout", "recurrent_dropout"])
def test_networks_with_dropout_learn_step_by_step_and_forecast_like_those_without(dropout):
    spec = spec_of("seq2vec", "lstm", n_layers=2)
    dropping = spec_of("seq2vec", "lstm", n_layers=2, **{dropout: 0.5})
    model = build(dropping)
    assert not isinstance(model, ParallelModel)
    weights = random_weights(build(spec))
    assert [w.shape for w in model.get_weights()] == [w.shape for w in weights]
    inputs = inputs_of(spec, 5, 0)
    assert np.array_equal(predict(inputs, spec, weights), predict(inputs, dropping, weights))
    assert inference._runner(spec) is inference._runner(dropping)
