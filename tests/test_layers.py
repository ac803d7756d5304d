"""The fast recurrent layers against Keras's own: outputs, states and every gradient."""

import itertools
import json
import os
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsrnn import nn
from tsrnn.nn import layers

CELLS = ["SimpleRNN", "LSTM", "GRU"]
STEPS, UNITS = 7, 4


def pair(cell, features, **params):
    """Keras's layer and the fast one, with the same random weights."""
    params = {"return_state": True, "bias_initializer": "random_normal"} | params
    own, fast = (getattr(home, cell)(UNITS, **params) for home in (keras.layers, layers))
    for layer in (own, fast):
        layer.build((None, STEPS, features))
    fast.set_weights(own.get_weights())
    return own, fast


def draw(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def mask_of(kind, batch):
    """Masks as they occur: padding before, gaps, and a sample without any step."""
    if kind is None:
        return None
    if kind == "before":
        return tf.constant(np.arange(STEPS) >= np.arange(batch)[:, None])
    kept = np.random.default_rng(5).uniform(size=(batch, STEPS)) > 0.4
    kept[0] = False
    return tf.constant(kept)


def results(layer, x, states, mask, **call):
    """Outputs and states, then the gradients by input, states and weights."""
    weights = [v.value for v in layer.trainable_variables]
    watched = [x, *(states or ())]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = layer(x, initial_state=states, mask=mask, **call)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        loss = sum(tf.reduce_sum(o * draw(*o.shape, seed=9 + k)) for k, o in enumerate(outputs))
    return [*outputs, *tape.gradient(loss, [*watched, *weights])]


def assert_same(own, fast, x, states=None, mask=None, **call):
    expected, got = results(own, x, states, mask, **call), results(fast, x, states, mask, **call)
    for one, other in zip(expected, got, strict=True):
        scale = max(1.0, float(np.abs(one).max()))
        assert np.abs(one - other).max() <= 1e-5 * scale


def initial(cell, batch):
    return [draw(batch, UNITS, seed=k) for k in range(2 if cell == "LSTM" else 1)]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, "before", "gaps"])
@pytest.mark.parametrize("with_states", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_keras(cell, sequences, with_states, mask, backwards):
    own, fast = pair(cell, 3, return_sequences=sequences, go_backwards=backwards)
    states = initial(cell, 5) if with_states else None
    assert_same(own, fast, draw(5, STEPS, 3), states, mask_of(mask, 5))


def test_equals_keras_as_it_is_compiled_outside_of_tests():
    """Layers by themselves, and inside of whole steps of training and of forecasts."""
    whole = __file__.replace("layers", "parallel")
    layers_alone, steps = "test_equals_keras and True-True-gaps-True", "seq2vec-lstm"
    chosen = ["-k", f"({layers_alone}) or {steps} and not plain", "--numprocesses=0"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, whole, *chosen],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": ""},
    )
    assert "5 passed" in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize(("batch", "features"), list(itertools.product([1, 33], [1, 6])))
@pytest.mark.parametrize(("use_bias", "mask"), [(False, None), (True, "gaps")])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_keras_in_other_shapes(cell, use_bias, mask, batch, features):
    own, fast = pair(cell, features, use_bias=use_bias)
    assert_same(own, fast, 3 * draw(batch, STEPS, features), None, mask_of(mask, batch))


@pytest.mark.parametrize("cell", CELLS)
def test_equals_keras_over_one_step_and_over_many(cell):
    own, fast = pair(cell, 2)
    for steps in (1, 200):
        assert_same(own, fast, draw(4, steps, 2), initial(cell, 4))


@pytest.mark.parametrize("mask", [None, "gaps"])
@pytest.mark.parametrize("cell", CELLS)
def test_bidirectional_equals_keras(cell, mask):
    both = []
    for home in (keras.layers, layers):
        inner = getattr(home, cell)(UNITS, return_sequences=True)
        both.append(keras.layers.Bidirectional(inner))
        both[-1].build((None, STEPS, 3))
    both[1].set_weights(both[0].get_weights())
    assert_same(*both, draw(5, STEPS, 3), None, mask_of(mask, 5))


@pytest.mark.parametrize("cell", CELLS)
def test_stacked_layers_equal_keras(cell):
    def stack(home):
        inputs = keras.Input((STEPS, 2))
        x = getattr(home, cell)(UNITS, return_sequences=True)(inputs)
        return keras.Model(inputs, getattr(home, cell)(3)(x))

    own, fast = stack(keras.layers), stack(layers)
    fast.set_weights(own.get_weights())
    x, y = draw(40, STEPS, 2), draw(40, 3)
    for model in (own, fast):
        model.compile("sgd", "mse", jit_compile=False)
        model.fit(x, y, epochs=2, batch_size=20, shuffle=False, verbose=0)
    for one, other in zip(own.get_weights(), fast.get_weights(), strict=True):
        assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "params", "call"),
    [
        ("LSTM", {"activation": "relu"}, {}),
        ("LSTM", {"recurrent_activation": "hard_sigmoid"}, {}),
        ("GRU", {"reset_after": False}, {}),
        ("SimpleRNN", {"activation": "linear"}, {}),
        ("GRU", {"unroll": True}, {}),
        ("LSTM", {"zero_output_for_mask": True}, {}),
        ("LSTM", {"recurrent_dropout": 0.5, "seed": 3}, {"training": True}),
        ("GRU", {"dropout": 0.5, "seed": 3}, {"training": True}),
    ],
)
def test_what_is_not_standard_is_left_to_keras(cell, params, call):
    own, fast = pair(cell, 3, return_sequences=True, **params)
    assert_same(own, fast, draw(5, STEPS, 3), None, mask_of("gaps", 5), **call)


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_is_no_hindrance_outside_training(cell, monkeypatch):
    _, fast = pair(cell, 2, dropout=0.5)
    monkeypatch.setattr(keras.layers.RNN, "inner_loop", None)  # Keras's own would fail
    fast(draw(3, STEPS, 2), training=False)


@pytest.mark.parametrize("cell", CELLS)
def test_half_precision_is_left_to_keras(cell):
    own, fast = pair(cell, 2, dtype="mixed_float16")
    x = draw(3, STEPS, 2)
    for one, other in zip(own(x), fast(x), strict=True):
        assert one.dtype == other.dtype == tf.float16
        assert np.array_equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_masked_steps_may_be_anything(cell):
    own, fast = pair(cell, 2)
    x, mask = draw(3, STEPS, 2), mask_of("gaps", 3)[..., None]  # as Keras takes it too
    unknown = tf.where(mask, x, np.nan)
    for one, other in zip(own(x, mask=mask), fast(unknown, mask=mask), strict=True):
        assert np.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("traced", ["nothing", "layer", "gradient"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_second_derivative_is_refused(cell, traced):
    _, fast = pair(cell, 2)
    layer = tf.function(fast) if traced == "layer" else fast

    def penalty_gradient(x):
        with tf.GradientTape() as second:
            with tf.GradientTape() as first:
                first.watch(x)
                answer = layer(x)[0]
            slope = tf.reduce_sum(first.gradient(answer, x) ** 2)
        return second.gradient(slope, [v.value for v in fast.trainable_variables])

    with pytest.raises(NotImplementedError, match="no second derivatives: use .* keras.layers"):
        (tf.function(penalty_gradient) if traced == "gradient" else penalty_gradient)(
            draw(3, STEPS, 2)
        )


@pytest.mark.parametrize("cell", CELLS)
def test_a_tape_that_is_kept_reads_gradients_of_a_traced_layer(cell):
    own, fast = pair(cell, 2)
    x = draw(3, STEPS, 2)
    slopes = []
    for layer in (own, tf.function(fast)):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            answer = layer(x)[0]
        slopes.append(tape.gradient(answer, x))
    assert np.allclose(*slopes, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_mask_may_be_one_for_all_samples(cell):
    own, fast = pair(cell, 2)
    x, mask = draw(3, STEPS, 2), mask_of("before", 3)[2:]
    for one, other in zip(own(x, mask=mask), fast(x, mask=mask), strict=True):
        assert np.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_stateful_layers_go_on_where_they_stopped(cell):
    whole = getattr(layers, cell)(UNITS)
    parts = getattr(layers, cell)(UNITS, stateful=True)
    x = draw(3, STEPS, 2)
    whole.build(x.shape)
    parts.build(x.shape)
    parts.set_weights([*whole.get_weights(), *parts.get_weights()[len(whole.get_weights()) :]])
    parts(x[:, :4])
    assert np.allclose(parts(x[:, 4:]), whole(x), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_configuration_and_weights_are_those_of_keras(cell):
    own, fast = pair(cell, 2)
    config = fast.get_config() | {"name": own.name}
    assert config == own.get_config()
    assert [w.path.split("/")[-1] for w in fast.weights] == [
        w.path.split("/")[-1] for w in own.weights
    ]
    own.set_weights(fast.get_weights())


def printed(code, **said):
    """What a fresh Python prints, with nothing said of threads but this, and XLA as it comes."""
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "XLA_FLAGS")
    env = {name: value for name, value in os.environ.items() if name not in names} | said
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


class Threads:
    """What `tf.config.threading` answers; TensorFlow that is at work refuses."""

    def __init__(self, intra, at_work):
        self.numbers, self.at_work = {"intra": intra, "inter": 0}, at_work
        for kind in self.numbers:
            setattr(self, f"get_{kind}_op_parallelism_threads", partial(self.numbers.get, kind))
            setattr(self, f"set_{kind}_op_parallelism_threads", partial(self.set, kind))

    def set(self, kind, number):
        if self.at_work:
            raise RuntimeError("cannot be modified after initialization")
        self.numbers[kind] = number


@pytest.mark.parametrize(
    ("said", "intra", "at_work", "expected"),
    [
        ({}, 0, False, (0, 0)),  # 0 leaves it to TensorFlow: one for each core
        ({"OMP_NUM_THREADS": "2"}, 0, False, (2, 2)),
        ({"OMP_NUM_THREADS": "3,1"}, 0, False, (3, 3)),
        ({"OMP_NUM_THREADS": "many"}, 0, False, (0, 0)),
        ({"OMP_NUM_THREADS": "2", "TF_NUM_INTEROP_THREADS": "4"}, 0, False, (2, 0)),
        ({"OMP_NUM_THREADS": "2"}, 5, False, (5, 2)),
        ({"OMP_NUM_THREADS": "2"}, 0, True, (0, 0)),
    ],
)
def test_what_the_user_says_of_threads_comes_first(said, intra, at_work, expected, monkeypatch):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    threads = Threads(intra, at_work)
    nn._keep_to_threads(threads)
    assert (threads.numbers["intra"], threads.numbers["inter"]) == expected


@pytest.mark.parametrize(
    ("first", "threads"),
    [("import keras", "2 2"), ("import tensorflow as tf; tf.constant(1) + 1", "0 0")],
)
def test_workers_keep_to_their_threads(first, threads):
    code = (
        f"{first}\n"
        "from tsrnn import nn\n"
        "nn.train\n"
        "import tensorflow as tf\n"
        "of = tf.config.threading\n"
        "print(of.get_intra_op_parallelism_threads(), of.get_inter_op_parallelism_threads())\n"
    )
    assert printed(code, OMP_NUM_THREADS="2").split() == threads.split()


@pytest.mark.parametrize(("compiled", "tolerance"), [(True, 1e-5), (False, 0)])
def test_workers_with_fewer_threads_come_to_the_same_weights(compiled, tolerance):
    """XLA adds up in another order for another number of threads; Keras's own layers do not."""
    code = (
        "import numpy as np\n"
        "from tsrnn import LSTMForecaster, planning\n"
        f"planning.pays_to_compile = lambda *plan: {compiled}\n"
        "how = dict(units=64, context_length=24, max_epochs=1, batch_size=64, random_state=0)\n"
        "fitted = LSTMForecaster(horizon=4, **how).fit(np.sin(np.arange(150.0)))\n"
        "print(np.concatenate([weight.ravel() for weight in fitted.weights_[0]]).tolist())\n"
    )
    alone, in_worker = json.loads(printed(code)), json.loads(printed(code, OMP_NUM_THREADS="1"))
    assert len(alone) > 64 * 4 * 64
    np.testing.assert_allclose(in_worker, alone, rtol=0, atol=tolerance)
