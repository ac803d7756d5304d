"""States and gradients of fitted networks, against Keras, slow loops and finite differences."""

import keras
import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from tsrnn import (
    GRUForecaster,
    LSTMForecaster,
    RNNForecaster,
    SeasonalNaive,
    SimpleRNNForecaster,
    gradient_by_lag,
    nn,
    trace_states,
)
from tsrnn.network_inputs import network_inputs, spread_cutoffs
from tsrnn.nn.gradients import losses_of, mean_gradients
from tsrnn.nn.inference import build_model
from tsrnn.nn.network import build
from tsrnn.nn.spec import NetworkSpec
from tsrnn.nn.traces import trace
from tsrnn.plotting_inspection import GradientByLagDisplay, StateTraceDisplay

CELLS = ("simple_rnn", "lstm", "gru")
STATES = {"simple_rnn": ("hidden",), "lstm": ("hidden", "cell"), "gru": ("hidden",)}
TINY = {"units": 3, "max_epochs": 1, "context_length": 8, "random_state": 0}


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def series(n_rows=48):
    t = np.arange(n_rows)
    values = 20 + 3 * np.sin(t) + np.random.default_rng(0).normal(0, 0.3, n_rows)
    return pd.Series(values, pd.period_range("2010-01", periods=n_rows, freq="M"), name="y")


def spec_of(cell, **options):
    sizes = {"context_length": 8, "horizon": 2, "n_targets": 1, "n_covariates": 1, "units": 3}
    return NetworkSpec(cell, **{"architecture": "seq2vec"} | sizes | options)


def random_weights(spec, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [w.shape for w in build(spec).get_weights()]
    return [rng.normal(scale=0.6, size=shape).astype(np.float32) for shape in shapes]


def random_inputs(spec, n_windows=3):
    rng = np.random.default_rng(1)
    context = rng.normal(size=(n_windows, spec.context_length, 2)).astype(np.float32)
    inputs = {"context": context}
    if spec.masked:
        inputs["mask"] = np.ones((n_windows, spec.context_length), bool)
        inputs["mask"][0, :4] = False
        inputs["mask"][1, [0, 3, 4, 5]] = False
    return inputs


def keras_states(spec, inputs, weights):
    """Outputs at all steps and last states of each Keras layer over the context."""
    model = build_model(spec, weights)
    names = [layer.name for layer in model.layers if "_" in layer.name]
    found = {}
    for name in (n for n in names if n.startswith((spec.cell, "bidirectional"))):
        layer = model.get_layer(name)
        source = keras.Model(
            model.inputs, layer.input[0] if isinstance(layer.input, list) else layer.input
        )
        read = keras.ops.convert_to_numpy(source(inputs))
        parts = [(name, layer)]
        if isinstance(layer, keras.layers.Bidirectional):
            own = name.removeprefix("bidirectional_")
            parts = [
                (f"{own} forward", layer.forward_layer),
                (f"{own} backward", layer.backward_layer),
            ]
        mask = None
        if spec.masked:
            shape = (len(read), spec.n_segments, spec.segment_length)
            mask = inputs["mask"].reshape(shape).any(axis=2)
        for part, one in parts:
            copied = type(one).from_config(one.get_config() | {"return_sequences": True})
            copied.build(read.shape)
            copied.set_weights(one.get_weights())
            found[part] = [keras.ops.convert_to_numpy(a) for a in copied(read, mask=mask)]
    return found


# --- states ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_layers": 2, "segment_length": 2, "layer_norm": True, "residual": True},
        {"segment_length": 4, "masked": True},
        {"n_layers": 2, "masked": True, "bidirectional": True},
        {
            "architecture": "encoder_decoder",
            "n_layers": 2,
            "segment_length": 2,
            "layer_norm": True,
        },
        {"architecture": "seq2seq", "segment_length": 2},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_states_are_those_of_keras_at_every_step(cell, options):
    spec = spec_of(cell, **options)
    weights, inputs = random_weights(spec), random_inputs(spec)
    traced = trace(inputs, spec, weights)
    expected = keras_states(spec, inputs, weights)
    assert {layer for layer, _ in traced} == set(expected)
    # Inside Bidirectional, Keras answers 0 at masked steps; the state is kept all the same.
    read = np.ones((3, spec.n_segments), bool)
    if spec.masked:
        read = inputs["mask"].reshape(3, spec.n_segments, -1).any(axis=2)
    for layer, (outputs, *last) in expected.items():
        hidden = traced[layer, "hidden"]
        backward = layer.endswith("backward")
        outputs = outputs[:, ::-1] if backward else outputs
        assert np.allclose(hidden[read], outputs[read], atol=1e-5), layer
        for name, state in zip(STATES[cell], last, strict=True):
            end = traced[layer, name][:, 0 if backward else -1]
            assert np.allclose(end, state, atol=1e-5), (layer, name)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step_slowly(cell, x, h, c, kernel, recurrent, bias):
    """Equations of one step for one window, unit by unit."""
    n = len(h)

    def part(k, states, own_bias):
        columns = range(k * n, (k + 1) * n)
        inputs = np.array([sum(x * kernel[:, j]) for j in columns])
        of_states = np.array([sum(states * recurrent[:, j]) for j in columns])
        return inputs, of_states, own_bias[..., k * n : (k + 1) * n]

    if cell == "simple_rnn":
        a, b, own = part(0, h, bias)
        return {"hidden": np.tanh(a + b + own)}
    parts = [part(k, h, bias) for k in range(4 if cell == "lstm" else 3)]
    if cell == "lstm":
        i, f, g, o = (a + b + own for a, b, own in parts)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        names = {"input": sigmoid(i), "forget": sigmoid(f), "candidate": np.tanh(g)}
        hidden = sigmoid(o) * np.tanh(new_c)
        return names | {"output": sigmoid(o), "cell": new_c, "hidden": hidden}
    z, r = (sigmoid(a + own[0] + b + own[1]) for a, b, own in parts[:2])
    a, b, own = parts[2]
    candidate = np.tanh(a + own[0] + r * (b + own[1]))
    hidden = z * h + (1 - z) * candidate
    return {"update": z, "reset": r, "candidate": candidate, "hidden": hidden}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("segment_length", [1, 2])
def test_gates_and_states_follow_from_the_equations(cell, n_layers, segment_length):
    spec = spec_of(cell, n_layers=n_layers, segment_length=segment_length)
    weights, inputs = random_weights(spec), random_inputs(spec)
    traced = trace(inputs, spec, weights)
    for w in range(3):
        x = inputs["context"][w].reshape(spec.n_segments, -1)
        for i in range(n_layers):
            h = c = np.zeros(3)
            outputs = []
            for t, read in enumerate(x):
                parts = step_slowly(cell, read, h, c, *weights[3 * i : 3 * i + 3])
                h, c = parts["hidden"], parts.get("cell")
                outputs.append(h)
                for name, value in parts.items():
                    assert np.allclose(traced[f"{cell}_{i}", name][w, t], value, atol=1e-5)
                assert len(parts) == sum(layer == f"{cell}_{i}" for layer, _ in traced)
            x = np.array(outputs)


def test_masked_steps_keep_their_state_and_have_no_gates():
    spec = spec_of("gru", masked=True)
    traced = trace(random_inputs(spec), spec, random_weights(spec))
    hidden, update = traced["gru_0", "hidden"], traced["gru_0", "update"]
    assert (hidden[0, :4] == 0).all() and np.isnan(update[0, :4]).all()
    assert (hidden[1, 3:6] == hidden[1, 2]).all() and not np.isnan(update[1, 6:]).any()


@pytest.fixture(scope="module")
def lstm():
    return LSTMForecaster(2, segment_length=2, **TINY).fit(series())


def test_the_trace_of_a_forecaster(lstm):
    y = series()
    traced = trace_states(lstm)
    assert list(traced.times) == list(y.index[-7::2])
    assert traced.context["y"].to_list() == y[-8:].to_list()
    table = traced.table
    assert list(table.columns) == ["layer", "time", "name", "unit", "value"]
    assert len(table) == 6 * 4 * 3
    row = table[(table["name"] == "forget") & (table["time"] == y.index[-3])]
    assert row["value"].to_numpy() == pytest.approx(traced.arrays["lstm_0", "forget"][2])
    at = trace_states(lstm, y, 47)
    assert all((at.arrays[key] == values).all() for key, values in traced.arrays.items())
    earlier = trace_states(lstm, y, 20)
    assert earlier.times[-1] == y.index[20]
    assert not np.allclose(earlier.arrays["lstm_0", "cell"], traced.arrays["lstm_0", "cell"])


def test_the_trace_of_a_short_history_is_padded(lstm):
    traced = trace_states(lstm, series(), 4)
    assert traced.context["y"].isna().to_list() == [True] * 3 + [False] * 5
    assert np.isnan(traced.arrays["lstm_0", "input"]).all(axis=1).tolist() == [True] + [False] * 3


def test_the_trace_of_a_series_and_a_target():
    panel = pd.concat(
        {s: pd.DataFrame({"a": series(), "b": -series() * k}) for k, s in enumerate("uvw", 1)}
    )
    f = GRUForecaster(1, **TINY).fit(panel)
    assert f.shares_targets_
    of_b = trace_states(f, series="w", target="b")
    assert of_b.context["b"].to_list() == (-3 * series()[-8:]).to_list()
    same = trace_states(f, panel, 3 * 48 - 1, target="b")
    assert (of_b.arrays["gru_0", "hidden"] == same.arrays["gru_0", "hidden"]).all()
    first = trace_states(f)
    assert first.context["a"].to_list() == series()[-8:].to_list()
    for wrong, message in [
        ({"series": "x"}, r"series='x' is not among the series: \['u', 'v', 'w'\]"),
        ({"target": "c"}, r"target='c' is not among the targets \['a', 'b'\]"),
        ({"member": 1}, "member=1, but the forecaster has 1"),
        ({"cutoff": 9}, "cutoff=9 is a row position in X"),
    ]:
        with pytest.raises(ValueError, match=message):
            trace_states(f, **wrong)


def test_only_networks_that_read_a_context_are_looked_into():
    y = series()
    with pytest.raises(TypeError, match="not into a SeasonalNaive"):
        trace_states(SeasonalNaive(2).fit(y))
    short = RNNForecaster("gru", 2, architecture="vec2seq", units=2, max_epochs=1).fit(y)
    with pytest.raises(ValueError, match="architecture='vec2seq' reads none"):
        gradient_by_lag(short)


# --- gradients ------------------------------------------------------------------------------


def finite_differences(spec, inputs, weights, step):
    eps, n = 1e-2, spec.context_length
    slopes = np.zeros(n)
    for t in range(n):
        for target in range(spec.n_targets):
            changed = [inputs["context"].copy() for _ in range(2)]
            changed[0][:, t, target] += eps
            changed[1][:, t, target] -= eps
            up, down = (nn.predict(inputs | {"context": c}, spec, weights) for c in changed)
            slopes[t] += np.abs((up - down)[:, step] / (2 * eps)).mean() / spec.n_targets
    return slopes


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("simple_rnn", {"n_layers": 2}),
        ("lstm", {"masked": True}),
        ("gru", {"architecture": "encoder_decoder", "segment_length": 2}),
        ("lstm", {"architecture": "seq2seq", "n_targets": 2, "n_covariates": 0}),
    ],
)
def test_gradients_are_those_of_finite_differences(cell, options):
    spec = spec_of(cell, **options)
    weights, inputs = random_weights(spec), random_inputs(spec)
    gradients = mean_gradients(inputs, spec, [weights], [0, 1])
    for step in range(2):
        slopes = finite_differences(spec, inputs, weights, step)
        assert gradients[step] == pytest.approx(slopes, rel=1e-2, abs=1e-4)


def linear(w, horizon=1, context_length=20):
    """Forecaster whose state is w times the last state plus a small input: almost linear."""
    t = np.arange(60.0)
    f = SimpleRNNForecaster(
        horizon,
        units=1,
        max_epochs=1,
        context_length=context_length,
        reference="last",
        scale=None,
        random_state=0,
    ).fit(np.sin(t))
    kernel, bias = np.full((1, 1), 1e-3, np.float32), np.zeros(1, np.float32)
    head = np.full((1, horizon), 1e3, np.float32)
    f.weights_ = [[kernel, np.full((1, 1), w, np.float32), bias, head, np.zeros(horizon, "f4")]]
    return f


def test_the_influence_of_a_linear_network_decays_by_its_weight():
    f = linear(0.7, horizon=2)
    gradients = gradient_by_lag(f, np.sin(np.arange(60.0)), n_windows=5)
    assert gradients.index.name == "lag" and list(gradients.columns) == [1, 2]
    expected = 0.7 ** (gradients.index.to_numpy() - 1)
    for step in (1, 2):
        assert gradients[step].to_numpy() == pytest.approx(expected, rel=1e-3)
        one = gradient_by_lag(f, np.sin(np.arange(60.0)), n_windows=5, step=step)
        assert one.to_numpy() == pytest.approx(gradients[step].to_numpy(), rel=1e-6)
    assert gradient_by_lag(f).to_numpy() == pytest.approx(gradients.to_numpy(), rel=1e-3)


def test_an_untrained_network_is_the_same_for_the_same_seed(lstm):
    fresh = [
        gradient_by_lag(lstm, series(), untrained=True, random_state=seed) for seed in (0, 0, 1)
    ]
    assert (fresh[0] == fresh[1]).all(axis=None) and (fresh[0] > 0).all(axis=None)
    assert not np.allclose(fresh[0], fresh[2])
    assert not np.allclose(fresh[0], gradient_by_lag(lstm, series()))


def test_windows_are_spread_over_the_history(lstm):
    _, _, rows = spread_cutoffs(lstm, series(), None, 5)
    assert rows.tolist() == [7, 17, 27, 37, 47]
    _, _, rows = spread_cutoffs(lstm, series(6), None, 5)
    assert rows.tolist() == [5]
    read = network_inputs(lstm, spread_cutoffs(lstm, series(6), None, 5))
    assert read.spec.masked and read.inputs["mask"].tolist() == [[False] * 2 + [True] * 6]


def test_covariates_are_known_over_the_horizon():
    rows = pd.DataFrame({"y": series(), "known": np.cos(np.arange(48))})
    f = GRUForecaster(2, target="y", **TINY).fit(rows)
    assert gradient_by_lag(f, rows).shape == (8, 2)
    assert trace_states(f).times[-1] == rows.index[-1]
    with pytest.raises(ValueError, match="not known after"):
        gradient_by_lag(f)
    by_y = GRUForecaster(2, **TINY).fit(rows[["known"]], rows["y"])
    gradients = gradient_by_lag(by_y, rows[["known"]], y=rows["y"])
    assert gradients.to_numpy() == pytest.approx(gradient_by_lag(f, rows).to_numpy(), rel=1e-4)


def test_a_step_beyond_the_horizon(lstm):
    with pytest.raises(ValueError, match="step=3 is beyond the horizon of 2"):
        gradient_by_lag(lstm, step=3)


def test_the_loss_of_given_outputs():
    y = np.array([[[1.0], [2.0]], [[3.0], [5.0]]])
    assert losses_of("mae", y, y + 0.5).mean() == pytest.approx(0.5)
    assert losses_of("mse", y, y - 0.5).mean() == pytest.approx(0.25)


# --- plots ----------------------------------------------------------------------------------


def test_a_trace_is_drawn_as_heatmaps_below_the_series(lstm):
    display = trace_states(lstm).plot()
    display.figure_.canvas.draw()
    labels = [ax.get_ylabel().split("\n")[0] for ax in display.ax_]
    assert labels == ["y", "input", "forget", "output", "candidate", "cell", "hidden"]
    (mesh,) = display.ax_[2].collections
    forget = trace_states(lstm).arrays["lstm_0", "forget"]
    assert np.allclose(mesh.get_array().reshape(3, 4), forget.T)
    some = StateTraceDisplay.from_estimator(lstm, series(), cutoff=4, names=["cell"], title="a")
    some.figure_.canvas.draw()
    assert len(some.ax_) == 2 and some.ax_[0].get_title(loc="left") == "a"
    with pytest.raises(ValueError, match="choose among the layers"):
        trace_states(lstm).plot(layer="gru_0")


def test_gradients_are_drawn_trained_and_untrained(lstm):
    display = GradientByLagDisplay.from_forecasters({"LSTM": lstm}, series(), n_windows=4)
    display.figure_.canvas.draw()
    solid, dashed, _ = display.ax_.get_lines()
    trained = gradient_by_lag(lstm, series(), n_windows=4).mean(axis=1)
    assert solid.get_ydata() == pytest.approx(trained.to_numpy())
    assert dashed.get_linestyle() == "--" and display.ax_.get_yscale() == "log"
