"""Training: the batches, the loss, the learning rate, when it stops, and what it leaves alone."""

import gc
import random
import sys
from collections import OrderedDict
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import GRUForecaster, RNNForecaster, SimpleRNNForecaster, planning
from tsrnn.checks import future_covariates
from tsrnn.inputs import prediction_inputs, smoothed
from tsrnn.naive import forward_fill
from tsrnn.nn import data, inference, training
from tsrnn.nn.data import full_batches, gather, n_at_once
from tsrnn.nn.network import build, input_names
from tsrnn.nn.spec import NetworkSpec, TrainSpec
from tsrnn.planning import held_out, seeds
from tsrnn.smoothing import smooth
from tsrnn.windows import Windows, training_windows

ARCHITECTURES = {
    "seq2vec": {"architecture": "seq2vec"},
    "seq2seq": {"architecture": "seq2seq"},
    "encoder_decoder": {"architecture": "encoder_decoder"},
    "vec2seq": {"architecture": "vec2seq"},
}
SEASON, HORIZON = 4, 3


def wave(n_rows=60, period=7, level=20.0, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.3, n_rows)
    return pd.Series(level + 3 * np.sin(2 * np.pi * np.arange(n_rows) / period) + noise, name="y")


TINY = {"horizon": HORIZON, "context_length": 8, "units": 4, "max_epochs": 3, "random_state": 0}


# --- what training reads: against windows cut by hand ---------------------------------------


@pytest.fixture(scope="module")
def panel():
    """Three series with two targets that lack values, and covariates of every role."""
    rng = np.random.default_rng(5)
    parts = {}
    for i, n_rows in enumerate((30, 17, 9)):
        values = rng.normal(50 + 10 * i, 2, (n_rows, 5))
        values[:, 4] = i
        part = pd.DataFrame(values, columns=["a", "b", "past", "known", "static"])
        parts["rst"[i]] = part.set_index(pd.RangeIndex(3 + i, 3 + i + n_rows))
    rows = pd.concat(parts, names=["series", "step"])
    r = rows.loc["r"].index
    rows.loc[("r", r[:5]), "b"] = np.nan  # begins later
    rows.loc[("r", r[14]), "a"] = np.nan
    rows.loc[("r", r[15]), ["a", "b"]] = np.nan
    rows.loc[("s", rows.loc["s"].index[4]), "past"] = np.nan
    return rows


@pytest.fixture
def caught(monkeypatch):
    """Fit without training: the arguments that training would have had."""

    def fit(forecaster, *data, **more):
        calls = []

        def train(arrays, spec, how, validation=None, weights=None):
            calls.append((arrays, spec, how, validation))
            fresh = build(spec, how.seed).get_weights()
            return training.Trained(fresh, {"loss": [0.0]}, 0)

        with monkeypatch.context() as patch:
            patch.setattr(training, "train", train)
            forecaster.fit(*data, **more)
        return calls[0]

    return fit


def whole_batch(arrays, spec):
    """Every window in one batch, as numpy arrays."""
    windows = tf.range(len(arrays["cutoffs"]))
    factors = tf.ones(len(arrays["cutoffs"]))
    batch = gather(arrays, windows, factors, spec, input_names(build(spec)))
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), batch)


def by_hand(rows, cutoff, spec, reference, scale, covariates):
    """One window of one series, in plain loops.

    rows are the values of the series, (n_rows, n_columns); covariates the mean and deviation
    of each. Returns the context, the mask, location, scale, and for each loss step the target,
    the weight and the future.
    """
    n, length = spec.n_targets, spec.context_length
    filled = pd.DataFrame(rows).ffill().to_numpy()
    standard = np.nan_to_num((filled[:, n:] - covariates[0]) / covariates[1])
    begin = cutoff - length + 1
    seq2seq = spec.architecture == "seq2seq"
    seen = rows[max(begin, 0) : max(begin + spec.statistics_length, 0), :n]
    location, size = np.zeros(n), np.ones(n)
    for k in range(n):
        values = seen[~np.isnan(seen[:, k]), k]
        if not len(values):
            size[k] = 0
            continue
        if reference is not None:
            last = reference in ("last", "smoothing") and not seq2seq
            location[k] = values[-1] if last else values.mean()
        if scale == "deviation":
            size[k] = values.std()
        elif scale == "mean_absolute":
            size[k] = np.abs(values - location[k]).mean()
    divisor = np.where(size > 0, size, np.inf)
    context, mask = np.zeros((length, rows.shape[1])), np.zeros(length, bool)
    for i, row in enumerate(range(begin, cutoff + 1)):
        if row >= 0:
            context[i, :n] = np.nan_to_num((filled[row, :n] - location) / divisor)
            context[i, n:] = standard[row]
            mask[i] = not np.isnan(rows[row, :n]).all()
    steps = [begin + i for i in spec.loss_steps] if seq2seq else [cutoff]
    targets, weights, futures = [], [], []
    for step in steps:
        ahead = np.arange(step + 1, step + 1 + spec.horizon)
        if step < 0 or ahead[-1] >= len(rows) or np.isnan(rows[ahead, :n]).any():
            targets.append(np.full((spec.horizon, n), np.nan))
            futures.append(np.full((spec.horizon, spec.n_future), np.nan))
            weights.append(0.0)
            continue
        around = np.tile(location, (spec.horizon, 1))
        if reference == "smoothing":
            past, end = rows[: step + 1, :n], np.array([step])
            ahead_of_past = smooth(past, np.array([0, step + 1]), SEASON, spec.horizon, end)[0]
            around = np.where(np.isnan(ahead_of_past), location, ahead_of_past)
        if reference in ("last", "season"):
            for j, row in enumerate(ahead):
                long_enough = step + 1 >= SEASON
                back = step
                if reference == "season" and long_enough:
                    back = row - SEASON * (1 + j // SEASON)
                around[j] = np.where(np.isnan(filled[back, :n]), location, filled[back, :n])
        targets.append((rows[ahead, :n] - around) / divisor)
        futures.append(standard[ahead, spec.n_past : spec.n_past + spec.n_future])
        weights.append(1.0 if (size > 0).any() else 0.0)
    return context, mask, np.array(targets), np.array(weights), np.array(futures)


def settings(architecture):
    return {
        "horizon": HORIZON,
        "season_length": SEASON,
        "units": 3,
        "random_state": 0,
        "target": ["a", "b"],
        "share_targets": False,
        "past_covariates": "past",
        "static_covariates": "static",
    } | ARCHITECTURES[architecture]


SCALINGS = [
    ("season", "deviation"),
    ("last", "mean_absolute"),
    ("smoothing", "mean_absolute"),
    ("mean", "deviation"),
    ("mean", None),
    (None, "mean_absolute"),
]


@pytest.mark.filterwarnings("ignore:.*missing target")
@pytest.mark.parametrize(("reference", "scale"), SCALINGS)
@pytest.mark.parametrize("architecture", ["seq2vec", "seq2seq", "encoder_decoder"])
def test_batches_are_windows_cut_by_hand(architecture, reference, scale, panel, caught):
    forecaster = RNNForecaster("gru", reference=reference, scale=scale, **settings(architecture))
    arrays, spec, _, _ = caught(forecaster, panel)
    inputs, targets, weights = whole_batch(arrays, spec)
    assert spec.masked
    columns = panel[["past", "known", "static"]]
    covariates = columns.mean().to_numpy(), columns.std(ddof=0).to_numpy()
    lengths = panel.groupby(level=0, sort=False).size().to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    short = 0
    for i, cutoff in enumerate(arrays["cutoffs"].numpy()):
        s = np.searchsorted(offsets, cutoff, side="right") - 1
        rows = panel.to_numpy()[offsets[s] : offsets[s + 1]]
        context, mask, target, weight, future = by_hand(
            rows, cutoff - offsets[s], spec, reference, scale, covariates
        )
        short += not mask[0]
        assert np.array_equal(inputs["mask"][i], mask)
        assert np.allclose(inputs["context"][i], context, atol=1e-5)
        factor = arrays["weights"].numpy()[i]
        assert (factor > 0) or not weight.any()
        if architecture == "seq2seq":
            assert np.allclose(weights[i, :, 0], weight * factor)
            futures = inputs["future"][i].reshape(len(weight), HORIZON, 1)
        else:
            assert np.allclose(weights[i], weight * factor)
            targets_i, futures = targets[i][None], inputs["future"][i][None]
        targets_i = targets[i] if architecture == "seq2seq" else targets[i][None]
        used = weight > 0
        assert np.isfinite(targets_i).all()
        assert np.allclose(targets_i[used], target[used], atol=1e-5)
        assert np.allclose(futures[used], future[used], atol=1e-5)
    assert short > 5  # the data hold padded windows
    assert arrays["weights"].numpy().mean() == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:.*missing target")
@pytest.mark.parametrize(("reference", "scale"), SCALINGS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_prediction_reads_what_training_read(architecture, reference, scale, panel, caught):
    forecaster = RNNForecaster("gru", reference=reference, scale=scale, **settings(architecture))
    arrays, spec, _, _ = caught(forecaster, panel)
    inputs, targets, _ = whole_batch(arrays, spec)
    cutoffs = arrays["cutoffs"].numpy()
    rows = forecaster._read(panel)
    series = rows.series_of(cutoffs + 1)
    windows = Windows(rows, series, cutoffs, spec.context_length, HORIZON)
    future = future_covariates(rows, series, cutoffs, HORIZON)
    filled = forward_fill(rows.values, rows.offsets)
    encoding, ahead = replace(forecaster.encoding_, share=1.0), None
    if reference == "smoothing":
        ahead = smoothed(rows, cutoffs, encoding, spec)
    again, around, size = prediction_inputs(windows, encoding, spec, future, filled, ahead)
    used = arrays["weights"].numpy() > 0
    assert used.sum() > 20
    assert again.keys() == inputs.keys()
    for name, values in inputs.items():
        kept = slice(-HORIZON, None) if name == "future" else slice(None)
        assert again[name].dtype == values.dtype
        assert np.allclose(again[name][used][:, kept], values[used][:, kept], atol=2e-5), name
    # What training aims at turns back into the observed values.
    aims = targets[:, -1] if architecture == "seq2seq" else targets
    moving = used[:, None, None] & (size > 0)
    moving = np.broadcast_to(moving, aims.shape)
    assert np.allclose((around + size * aims)[moving], windows.targets[moving], atol=1e-4)
    assert (aims[used][~moving[used]] == 0).all()


def test_vec2seq_reads_age_season_and_static_covariates(panel, caught):
    rows = panel.fillna(50.0)
    arrays, spec, _, _ = caught(RNNForecaster(**settings("vec2seq")), rows)
    inputs, targets, _ = whole_batch(arrays, spec)
    lengths, starts = (30, 17, 9), (0, 1, 2)  # steps of the first rows on the common grid
    expected = []
    for s, (length, start) in enumerate(zip(lengths, starts, strict=True)):
        for first in range(length - HORIZON + 1):  # from no history at all on
            phase = 2 * np.pi * (start + first) / SEASON
            own = (s - rows["static"].mean()) / rows["static"].std(ddof=0)
            expected.append([own, first / 30, np.sin(phase), np.cos(phase)])
    assert np.allclose(inputs["static"], expected, atol=1e-5)
    two = rows[["a", "b"]]
    first = (two.to_numpy()[:HORIZON] - two.mean().to_numpy()) / two.std(ddof=0).to_numpy()
    assert np.allclose(targets[0], first, atol=1e-5)


def test_windows_are_all_that_have_their_targets(panel, caught):
    with pytest.warns(UserWarning, match="missing target"):
        arrays, spec, _, _ = caught(RNNForecaster(**settings("seq2vec")), panel)
    expected = []
    row = 0
    for _, part in panel.groupby(level=0, sort=False):
        complete = part[["a", "b"]].notna().all(axis=1).to_numpy()
        for cutoff in range(len(part) - HORIZON):
            if cutoff + 1 >= SEASON and complete[cutoff + 1 : cutoff + 1 + HORIZON].all():
                expected.append(row + cutoff)
        row += len(part)
    assert arrays["cutoffs"].numpy().tolist() == expected
    assert spec.context_length == 15


def test_stride_counts_back_from_the_end(caught):
    arrays, *_ = caught(GRUForecaster(**TINY, stride=5), wave(40))
    assert arrays["cutoffs"].numpy().tolist() == [11, 16, 21, 26, 31, 36]


@pytest.mark.parametrize("weighted", ["rows", "windows"])
def test_weights_of_rows_and_windows(weighted, caught):
    y = wave(30)
    weight = np.arange(1.0, 31.0)
    if weighted == "windows":
        weight = np.arange(1.0, 21.0)
    arrays, spec, _, _ = caught(GRUForecaster(**TINY), y, sample_weight=weight)
    rows = arrays["cutoffs"].numpy() + 2  # mean of three rows
    expected = weight if weighted == "windows" else weight[rows]
    assert np.allclose(arrays["weights"].numpy(), expected / expected.mean())
    assert np.allclose(whole_batch(arrays, spec)[2][:, 0], arrays["weights"].numpy())


@given(st.integers(1, 60), st.integers(1, 20))
def test_batches_of_one_size_hold_every_window_once(n, batch_size):
    order = tf.random.shuffle(tf.range(100, 100 + n, dtype=tf.int64), seed=n)
    windows, factors = (a.numpy() for a in full_batches(order, batch_size))
    assert windows.shape == factors.shape == (-(-n // batch_size), batch_size)
    assert np.array_equal(windows.ravel()[:n], order)
    assert (factors.ravel()[n:] == 0).all()
    assert len(set(factors.ravel()[:n])) == 1
    assert factors.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("change", [*ARCHITECTURES.values(), {"dropout": 0.3}])
def test_batches_gathered_at_once_are_those_gathered_one_by_one(change, monkeypatch):
    fitted = []
    for at_once in (1, 4):
        monkeypatch.setattr(data, "_MOST_BATCHES", at_once)
        monkeypatch.setattr(training, "_trainers", OrderedDict())
        settings = TINY | change | {"batch_size": 5, "early_stopping": True}
        fitted.append(GRUForecaster(**settings, validation_fraction=0.3).fit(wave(52)))
    one_by_one, at_once = fitted
    assert one_by_one.losses_.equals(at_once.losses_)
    for one, other in zip(one_by_one.weights_[0], at_once.weights_[0], strict=True):
        assert np.array_equal(one, other)


@given(st.integers(1, 4096), st.integers(1, 4096), st.integers(1, 500), st.integers(1, 30))
def test_batches_gathered_at_once_take_a_few_megabytes(batch_size, context, horizon, n_channels):
    spec = NetworkSpec("lstm", "seq2vec", context, horizon, n_channels)
    n = n_at_once({"values": np.empty((0, n_channels))}, spec, batch_size)
    assert 1 <= n <= 16
    assert n == 1 or n * batch_size * (context + horizon) * n_channels <= 2**18


def test_the_loss_of_a_pass_is_the_mean_over_its_windows(caught):
    """The last of three batches is not full."""
    settings = ONE_BATCH | {"batch_size": 10, "learning_rate": 1e-12, "max_epochs": 3}
    arrays, spec, how, _ = caught(GRUForecaster(**settings), wave(37))
    assert len(arrays["cutoffs"]) % 10
    trained = training.train(arrays, spec, how)
    _, targets, _ = whole_batch(arrays, spec)  # a new network forecasts 0
    assert trained.history["loss"] == pytest.approx([np.abs(targets).mean()] * 3, rel=1e-4)


def test_windows_come_in_another_order_every_pass(caught):
    arrays, spec, how, _ = caught(GRUForecaster(**TINY), wave(40))
    orders = []
    trainer = training._trainer(spec, how)
    trainer._run = lambda arrays, order, *how, **which: orders.append(order.numpy())
    for epoch in (0, 1, 0):
        trainer.learn({}, np.arange(30), how, epoch)
    trainer.learn({}, np.arange(30), replace(how, seed=how.seed + 1), 0)
    del trainer._run
    assert np.array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[3])
    assert all(np.array_equal(np.sort(order), np.arange(30)) for order in orders)


# --- losses, optimizers, learning rate ------------------------------------------------------


class Log(keras.callbacks.Callback):
    """Weights, learning rate and losses as training goes."""

    def __init__(self):
        super().__init__()
        self.events, self.rates, self.weights, self.losses = [], [], [], []

    def on_train_begin(self, logs=None):
        self.events.append("begin")
        self.weights.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(epoch)
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.weights.append(self.model.get_weights())
        self.losses.append(logs["loss"])

    def on_train_end(self, logs=None):
        self.events.append("end")


def steps_of(log):
    """Length of the way that the weights went in each epoch."""
    flat = [np.concatenate([w.ravel() for w in weights]) for weights in log.weights]
    return np.linalg.norm(np.diff(flat, axis=0), axis=1)


ONE_BATCH = TINY | {"batch_size": 1000, "optimizer": "sgd", "schedule": "constant"}


def half_squared(y_true, y_pred):
    return 0.5 * (y_true - y_pred) ** 2


@pytest.mark.parametrize(
    ("loss", "by_numpy"),
    [
        ("mae", np.abs),
        ("mean_absolute_error", np.abs),
        ("mse", np.square),
        ("huber", lambda e: np.where(np.abs(e) < 1, e**2 / 2, np.abs(e) - 0.5)),
        (keras.losses.LogCosh(), lambda e: np.log(np.cosh(e))),
        (half_squared, lambda e: e**2 / 2),
    ],
)
def test_loss_of_an_untrained_network(loss, by_numpy, caught):
    y = wave()
    arrays, spec, how, _ = caught(GRUForecaster(**ONE_BATCH, loss=loss), y)
    _, targets, _ = whole_batch(arrays, spec)
    trained = training.train(arrays, spec, how)
    assert trained.history["loss"][0] == pytest.approx(by_numpy(targets).mean(), rel=1e-4)
    assert trained.history["loss"][-1] < trained.history["loss"][0]


def test_losses_of_one_class_that_differ_in_a_number(caught):
    """Keras leaves the delta out of their configuration, by which networks are compiled once."""
    y = wave()
    for delta in (0.5, 0.05):
        arrays, spec, how, _ = caught(GRUForecaster(**ONE_BATCH, loss=keras.losses.Huber(delta)), y)
        error = np.abs(whole_batch(arrays, spec)[1])
        expected = np.where(error < delta, error**2 / 2, delta * (error - delta / 2)).mean()
        assert training.train(arrays, spec, how).history["loss"][0] == pytest.approx(expected)


def test_loss_counts_the_weights_of_windows(caught):
    y = wave()
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    arrays, spec, how, _ = caught(GRUForecaster(**ONE_BATCH), y, sample_weight=weight)
    _, targets, weights = whole_batch(arrays, spec)
    trained = training.train(arrays, spec, how)
    expected = (np.abs(targets).mean(axis=(1, 2)) * weights[:, 0]).mean()
    assert trained.history["loss"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adamw", keras.optimizers.Nadam()])
def test_optimizers(optimizer):
    forecaster = GRUForecaster(**TINY | {"max_epochs": 5}, optimizer=optimizer).fit(wave())
    losses = forecaster.losses_["loss"]
    assert losses.iloc[-1] < losses.iloc[0]
    assert optimizer == forecaster.optimizer


def test_an_optimizer_object_is_used_with_its_settings_and_left_as_it_was():
    own = keras.optimizers.SGD(momentum=0.9)
    logs = {}
    for name, optimizer in (("momentum", own), ("plain", "sgd")):
        logs[name] = Log()
        params = ONE_BATCH | {"optimizer": optimizer, "learning_rate": 0.003}
        GRUForecaster(**params, callbacks=[logs[name]]).fit(wave())
    assert steps_of(logs["momentum"])[0] == pytest.approx(steps_of(logs["plain"])[0], rel=1e-5)
    assert steps_of(logs["momentum"])[2] > 1.5 * steps_of(logs["plain"])[2]
    assert not own.built


def test_an_optimizer_object_that_clips_does_so_in_its_own_way():
    log = Log()
    own = keras.optimizers.SGD(clipvalue=1e-4)
    GRUForecaster(**ONE_BATCH | {"optimizer": own}, learning_rate=1.0, callbacks=[log]).fit(wave())
    assert np.abs(log.weights[1][-1] - log.weights[0][-1]).max() == pytest.approx(1e-4, rel=1e-4)


@pytest.mark.parametrize(("name", "value"), [("loss", "mea"), ("optimizer", "adm")])
def test_unknown_names(name, value):
    with pytest.raises(ValueError, match=rf"{name}='{value}' is not a Keras {name}; use '"):
        GRUForecaster(**TINY, **{name: value}).fit(wave())


def test_learning_rate_falls_along_a_cosine():
    log = Log()
    settings = TINY | {"max_epochs": 8, "learning_rate": 0.02}
    GRUForecaster(**settings, callbacks=[log]).fit(wave())
    done = np.arange(1, 9) / 8
    assert np.allclose(log.rates, 0.02 * 0.5 * (1 + np.cos(np.pi * done)), atol=1e-7)


def test_learning_rate_stays_where_the_schedule_is_constant():
    log = Log()
    GRUForecaster(**ONE_BATCH, learning_rate=0.02, callbacks=[log]).fit(wave())
    assert np.allclose(log.rates, 0.02)


def test_learning_rate_by_a_keras_schedule():
    log = Log()
    decay = keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=1, decay_rate=0.5)
    settings = ONE_BATCH | {"learning_rate": decay}
    GRUForecaster(**settings, callbacks=[log]).fit(wave())  # one step an epoch
    assert np.allclose(log.rates, [0.01, 0.005, 0.0025])
    # It is in force, not only on display: another decay goes another way.
    other = Log()
    decay = keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=1, decay_rate=0.25)
    GRUForecaster(**ONE_BATCH | {"learning_rate": decay}, callbacks=[other]).fit(wave())
    assert steps_of(other)[0] == pytest.approx(steps_of(log)[0], rel=1e-6)
    assert steps_of(other)[1] == pytest.approx(steps_of(log)[1] / 2, rel=0.05)


def test_the_learning_rate_is_in_force_and_not_kept_from_an_earlier_fit():
    logs = [Log(), Log(), Log()]
    for log, rate in zip(logs, (0.01, 0.04, 0.01), strict=True):
        GRUForecaster(**ONE_BATCH, learning_rate=rate, callbacks=[log]).fit(wave())
    first = [steps_of(log)[0] for log in logs]
    assert first[1] == pytest.approx(4 * first[0], rel=1e-4)
    assert first[2] == first[0]


@pytest.mark.parametrize("clipnorm", [0.01, 0.001])
def test_clipnorm_limits_a_step(clipnorm):
    log = Log()
    settings = ONE_BATCH | {"learning_rate": 1.0, "clipnorm": clipnorm}
    GRUForecaster(**settings, callbacks=[log]).fit(wave())
    assert steps_of(log)[0] == pytest.approx(clipnorm, rel=1e-3)


def test_clipnorm_of_none_clips_nothing():
    log = Log()
    GRUForecaster(**ONE_BATCH | {"learning_rate": 1.0, "clipnorm": None}, callbacks=[log]).fit(
        wave()
    )
    assert steps_of(log)[0] > 0.05


# --- when training stops --------------------------------------------------------------------


def two_series():
    return pd.concat({"a": wave(40), "b": wave(55, seed=1)}, names=["series", "step"])


def test_validation_windows_are_the_last_of_each_series_and_purged():
    forecaster = GRUForecaster(**TINY).fit(two_series())
    windows = training_windows(forecaster._read(two_series()), 8, HORIZON)
    parts = held_out(windows, 0.2)
    for s, n in ((0, 40 - 10), (1, 55 - 10)):
        own = parts[windows.series == s]
        n_held = int(np.ceil(0.2 * n))
        assert own.tolist() == [0] * (n - n_held - 2) + [2] * 2 + [1] * n_held
    # No target that validation sees is a target of training.
    rows = [set(windows[parts == part].target_rows.ravel().tolist()) for part in (0, 1)]
    assert not rows[0] & rows[1]


def test_windows_of_a_single_one_are_not_held_out():
    forecaster = GRUForecaster(**TINY).fit(two_series())
    windows = training_windows(forecaster._read(two_series()), 8, HORIZON)[:1]
    assert held_out(windows, 0.5).tolist() == [0]


def test_early_stopping_restores_the_best_weights(caught):
    settings = TINY | {
        "max_epochs": 30,
        "early_stopping": True,
        "patience": 3,
        "validation_fraction": 0.3,
        "learning_rate": 0.2,
        "schedule": "constant",
    }
    forecaster = GRUForecaster(**settings).fit(two_series())
    losses = forecaster.losses_
    assert list(losses.columns) == ["member", "epoch", "loss", "val_loss"]
    assert losses["epoch"].tolist() == list(range(len(losses)))
    best = forecaster.best_epoch_
    assert best == losses["val_loss"].argmin()
    assert len(losses) == best + 1 + 3 < 30
    # The weights are those of the best epoch: their loss on the windows held out is its.
    arrays, spec, _, validation = caught(GRUForecaster(**settings), two_series())
    inputs, targets, _ = whole_batch(arrays, spec)
    held = {name: values[validation] for name, values in inputs.items()}
    outputs = inference.predict(held, spec, forecaster.weights_[0])
    error = np.abs(outputs - targets[validation]).mean()
    assert error == pytest.approx(losses["val_loss"][best], rel=1e-4)
    assert losses["val_loss"].iloc[-1] > 1.02 * error


def test_early_stopping_that_never_stops_restores_the_best_too(caught):
    settings = TINY | {"max_epochs": 6, "early_stopping": True, "learning_rate": 0.3}
    log = Log()
    forecaster = GRUForecaster(**settings, schedule="constant", callbacks=[log]).fit(two_series())
    best = forecaster.best_epoch_
    assert len(forecaster.losses_) == 6
    for kept, then in zip(forecaster.weights_[0], log.weights[1 + best], strict=True):
        assert np.array_equal(kept, then)


def test_a_validation_loss_that_breaks_down_is_never_the_best():
    class Break(keras.callbacks.Callback):
        """Ruin the third epoch."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([w * np.nan for w in self.model.get_weights()])

    settings = TINY | {"max_epochs": 6, "early_stopping": True}
    forecaster = GRUForecaster(**settings, callbacks=[Break()]).fit(wave())
    assert forecaster.losses_["val_loss"].isna().sum() == 4
    assert forecaster.best_epoch_ < 2
    assert np.isfinite(forecaster.predict()).all()


def test_without_early_stopping_the_last_epoch_counts():
    log = Log()
    forecaster = GRUForecaster(**TINY, early_stopping=False, callbacks=[log]).fit(wave())
    assert forecaster.best_epoch_ == 2
    assert list(forecaster.losses_.columns) == ["member", "epoch", "loss"]
    assert forecaster.losses_["loss"].to_numpy() == pytest.approx(log.losses)
    assert log.events == ["begin", 0, 1, 2, "end"]


def test_callbacks_may_stop_training_and_keep_no_model():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    stop = Stop()
    forecaster = GRUForecaster(**TINY | {"max_epochs": 20}, callbacks=[stop]).fit(wave())
    assert len(forecaster.losses_) == 1
    assert stop.model is None
    following = GRUForecaster(**TINY | {"max_epochs": 4}).fit(wave())
    assert len(following.losses_) == 4


def test_callbacks_are_called_as_keras_calls_them(tmp_path):
    class Hooks(Log):
        def on_test_begin(self, logs=None):
            self.events.append("test begin")

        def on_test_end(self, logs=None):
            self.events.append("test end")

    hooks, path = Hooks(), tmp_path / "last.keras"
    callbacks = [hooks, keras.callbacks.ModelCheckpoint(path)]
    settings = TINY | {"early_stopping": True, "max_epochs": 2}
    forecaster = GRUForecaster(**settings, callbacks=callbacks).fit(wave())
    assert hooks.events == [
        "begin",
        "test begin",
        "test end",
        0,
        "test begin",
        "test end",
        1,
        "end",
    ]
    saved = keras.models.load_model(path)
    assert [v.shape for v in saved.get_weights()] == [v.shape for v in forecaster.weights_[0]]


def test_an_optimizer_that_averages_weights_returns_the_average():
    plain, averaged = Log(), Log()
    for log, use_ema in ((plain, False), (averaged, True)):
        optimizer = keras.optimizers.SGD(0.1, use_ema=use_ema, ema_momentum=0.9)
        forecaster = GRUForecaster(
            **TINY, optimizer=optimizer, schedule="constant", callbacks=[log]
        ).fit(wave())
    for one, other in zip(plain.weights[-1], averaged.weights[-1], strict=True):
        assert np.allclose(one, other, atol=1e-6)  # training itself goes as without
    assert not np.allclose(plain.weights[-1][0], forecaster.weights_[0][0], atol=1e-4)


def test_a_scaled_loss_learns_the_same():
    fits = [
        GRUForecaster(
            **TINY,
            optimizer=keras.optimizers.SGD(0.1, loss_scale_factor=factor),
            schedule="constant",
            clipnorm=None,
        ).fit(wave())
        for factor in (None, 64.0)
    ]
    for one, other in zip(fits[0].weights_[0], fits[1].weights_[0], strict=True):
        assert np.allclose(one, other, atol=1e-5)
    assert np.allclose(fits[0].losses_["loss"], fits[1].losses_["loss"], rtol=1e-4)


@pytest.mark.parametrize("reduction", ["sum", "none", "mean_with_sample_weight"])
def test_losses_that_are_no_mean_over_a_batch(reduction):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    with pytest.raises(ValueError, match=r"loss=MeanSquaredError\(reduction=.*leave reduction="):
        GRUForecaster(**TINY, loss=loss).fit(wave())


def test_a_batch_larger_than_the_data_is_cut_to_them():
    fits = [GRUForecaster(**TINY, batch_size=size).fit(wave(40)) for size in (32, 512)]
    for one, other in zip(fits[0].weights_[0], fits[1].weights_[0], strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_that_diverges(early_stopping):
    message = r"training diverged: the loss went \[.*nan.*lower learning_rate=1e\+30 or clipnorm="
    settings = TINY | {"optimizer": "sgd", "learning_rate": 1e30, "clipnorm": None}
    with pytest.raises(ValueError, match=message):
        GRUForecaster(**settings, early_stopping=early_stopping).fit(wave())


def test_a_loss_that_is_nan_from_the_start():
    def undefined(y_true, y_pred):
        return keras.ops.log(-1.0 - (y_true - y_pred) ** 2)

    with pytest.raises(ValueError, match="training diverged"):
        GRUForecaster(**TINY, loss=undefined).fit(wave())


# --- weights of rows, members, warm starts --------------------------------------------------


def test_rows_of_weight_zero_do_not_matter_as_targets():
    """With one step ahead: values at the end, in no other window's context, change nothing."""
    y = wave()
    weight = np.ones(60)
    weight[-10:] = 0
    settings = TINY | {"horizon": 1}
    fits = []
    for spoilt in (y, y.where(np.arange(60) < 50, 1000 * y)):
        fits.append(GRUForecaster(**settings).fit(spoilt, sample_weight=weight).weights_[0])
    assert all(np.array_equal(a, b) for a, b in zip(*fits, strict=True))


def test_a_corrupted_stretch_of_weight_zero_is_about_ignored():
    y = wave(150, period=11, level=0.0)
    spoilt = y.copy()
    spoilt[60:90] = np.random.default_rng(3).normal(20, 30, 30)
    weight = np.where((np.arange(150) >= 58) & (np.arange(150) < 98), 0.0, 1.0)
    settings = TINY | {"max_epochs": 30, "units": 8, "learning_rate": 0.01, "loss": "mse"}
    settings |= {"reference": "mean", "scale": None, "batch_size": 16}

    def error(data, weight):
        forecaster = GRUForecaster(**settings).fit(data[:120], sample_weight=weight)
        truth, forecasts = forecaster.rolling_predict(y[120:])
        return np.abs(truth - forecasts).mean()

    clean, plain = error(y, None), error(spoilt, None)
    weighted = error(spoilt, weight[:120])
    assert weighted < (clean + plain) / 2
    assert weighted < 1.6 * clean


def test_forecast_of_members_is_their_median():
    y = wave()
    forecaster = GRUForecaster(**TINY, n_members=3).fit(y)
    forecasts = forecaster.predict()
    assert len(forecaster.weights_) == len(forecaster.best_epoch_) == 3
    assert forecaster.losses_["member"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    alone = []
    for weights in forecaster.weights_:
        forecaster.weights_ = [weights]
        alone.append(forecaster.predict())
    assert np.ptp(alone, axis=0).min() > 0
    assert np.allclose(forecasts, np.median(alone, axis=0), rtol=1e-6)
    assert len(set(seeds(0, 3))) == 3


def test_each_seed_begins_with_its_own_weights():
    for seed in [*range(training._MOST_SEEDS + 2), 0]:  # more than are kept, and one once more
        log = Log()
        forecaster = GRUForecaster(**TINY | {"max_epochs": 1, "random_state": seed})
        spec = forecaster.set_params(callbacks=[log]).fit(wave()).spec_
        fresh = build(spec, seeds(seed, 1)[0]).get_weights()
        assert all(map(np.array_equal, log.weights[0], fresh))


def test_warm_start_goes_on():
    y = wave()
    forecaster = GRUForecaster(**TINY | {"max_epochs": 15}, warm_start=True).fit(y)
    first, weights = forecaster.losses_, forecaster.weights_[0]
    forecaster.fit(y)
    assert forecaster.losses_["loss"].iloc[0] < first["loss"].iloc[0]
    assert forecaster.losses_["loss"].iloc[-1] < first["loss"].iloc[-1]
    log = Log()
    forecaster.set_params(callbacks=[log]).fit(wave(80))
    assert not np.array_equal(log.weights[0][0], weights[0])
    cold = forecaster.set_params(warm_start=False, callbacks=None).fit(y)
    assert cold.losses_["loss"].to_numpy() == pytest.approx(first["loss"].to_numpy())


def test_warm_start_begins_at_the_weights_of_the_last_fit():
    log = Log()
    forecaster = GRUForecaster(**TINY, warm_start=True).fit(wave())
    weights = forecaster.weights_[0]
    missing = wave(80)
    missing[30] = np.nan  # the network takes a mask now, its weights are the same
    with pytest.warns(UserWarning, match="missing target"):
        forecaster.set_params(callbacks=[log]).fit(missing)
    assert all(np.array_equal(a, b) for a, b in zip(log.weights[0], weights, strict=True))


@pytest.mark.parametrize("change", [{"units": 5}, {"n_members": 2}, {"horizon": 2}])
def test_warm_start_of_another_network(change):
    forecaster = GRUForecaster(**TINY, warm_start=True).fit(wave())
    with pytest.raises(ValueError, match=r"warm_start=True, but the network of the last fit"):
        forecaster.set_params(**change).fit(wave())


# --- what training leaves alone -------------------------------------------------------------


def test_no_progress_bar_without_a_terminal(capsys):
    GRUForecaster(**TINY).fit(wave())
    GRUForecaster(**TINY, verbose=False).fit(wave())
    assert capsys.readouterr() == ("", "")


def test_progress_bar_on_a_terminal_and_on_demand(capsys, monkeypatch):
    GRUForecaster(**TINY, verbose=True).fit(wave())
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "training:" in shown.err and "/3 [" in shown.err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    GRUForecaster(**TINY).fit(wave())
    assert "training:" in capsys.readouterr().err


def test_the_global_random_state_is_left_alone():
    settings = TINY | {"dropout": 0.2, "recurrent_dropout": 0.2, "n_members": 2}
    settings |= {"early_stopping": True, "random_state": None}

    def draws(work):
        keras.utils.set_random_seed(11)
        before = random.getstate(), np.random.get_state()[1].tolist()
        work()
        assert before == (random.getstate(), np.random.get_state()[1].tolist())
        return (
            random.random(),
            np.random.rand(),
            float(tf.random.uniform(())),
            float(keras.random.uniform(())),
        )

    undisturbed = draws(lambda: None)
    assert draws(lambda: GRUForecaster(**settings).fit(wave()).predict()) == undisturbed
    fresh = settings | {"units": 7}  # builds and traces a new network
    assert draws(lambda: GRUForecaster(**fresh).fit(wave()).predict()) == undisturbed


# --- compiled where it pays ------------------------------------------------------------------


def plan(n_batches, batch_size=32, cell="gru", **sizes):
    """Whether it pays to compile a network for so many batches."""
    known = {"context_length": 24, "horizon": 6, "n_targets": 1, "architecture": "seq2vec"}
    spec = NetworkSpec(cell, **known | sizes)
    how = TrainSpec("mae", "adam", 0.003, "cosine", batch_size, n_batches, 1.0, None, 0)
    return planning.pays_to_compile(spec, how, batch_size)


@pytest.mark.parametrize(
    "more",
    [
        {"context_length": 48},
        {"n_layers": 2},
        {"bidirectional": True},
        {"batch_size": 256, "units": 64},
    ],
)
def test_longer_training_is_compiled(more):
    fewest = next(n for n in range(1, 10_000) if plan(n))
    assert plan(fewest + 1)
    assert plan(-(-fewest // 2), **more) and not plan(fewest // 4)


@pytest.mark.parametrize("more", [{"architecture": "encoder_decoder"}, {"n_seasons": 3}])
def test_larger_programs_are_compiled_later(more):
    fewest = next(n for n in range(1, 10_000) if plan(n))
    assert not plan(fewest, **more) and plan(2 * fewest, **more)


def test_cells_with_fewer_gates_are_compiled_later():
    fewest = [
        next(n for n in range(1, 10_000) if plan(n, cell=cell))
        for cell in ("lstm", "gru", "simple_rnn")
    ]
    assert fewest == sorted(set(fewest))


def test_an_own_network_is_not_compiled():
    assert plan(10_000)
    assert not plan(10_000, network=print)


def test_members_do_not_change_the_way():
    """Six members are trained as long as one that would be compiled."""
    alone, longer, ensemble = (
        GRUForecaster(**TINY | {"max_epochs": 25} | params).fit(wave())
        for params in ({}, {"max_epochs": 150}, {"n_members": 6})
    )
    assert [f.spec_.compiled for f in (alone, longer, ensemble)] == [False, True, False]
    pairs = zip(alone.weights_[0], ensemble.weights_[0], strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    ("architecture", "n_steps"),
    [
        ("seq2vec", 12),
        ("seq2seq", 12),
        ("encoder_decoder", 13),
        ("autoregressive", 15),
        ("vec2seq", 3),
    ],
)
def test_recurrent_steps_are_counted(architecture, n_steps):
    options = {"decoder": "autoregressive"} if architecture == "autoregressive" else {}
    known = "encoder_decoder" if options else architecture
    context = 0 if architecture == "vec2seq" else 24
    spec = NetworkSpec("gru", known, context, 6, 1, segment_length=2, **options)
    assert spec.n_recurrent_steps == n_steps
    assert replace(spec, n_layers=2).n_recurrent_steps == 2 * n_steps


BOTH = ARCHITECTURES | {
    "bidirectional": {"bidirectional": True, "n_layers": 2, "residual": True},
    "masked": {},
    "student_t": {"distribution": "student_t"},
    "autoregressive": {"architecture": "encoder_decoder", "decoder": "autoregressive"},
}


@pytest.mark.filterwarnings("ignore:.*missing target")
@pytest.mark.parametrize("name", BOTH)
def test_both_ways_learn_the_same(name, monkeypatch):
    forecasts, losses = [], []
    y = wave()
    y.iloc[20] = np.nan if name == "masked" else y.iloc[20]
    for compiled in (True, False):
        monkeypatch.setattr(planning, "pays_to_compile", lambda *_, c=compiled: c)
        fitted = RNNForecaster("lstm", **TINY | BOTH[name]).fit(y)
        assert fitted.spec_.masked == (name == "masked")
        assert fitted.spec_.compiled == compiled
        forecasts.append(fitted.predict())
        losses.append(fitted.losses_["loss"])
    assert np.allclose(*losses, rtol=1e-4)
    assert np.allclose(*forecasts, rtol=1e-4)
    assert not np.allclose(forecasts[0], y.iloc[-1])


def test_a_warm_start_may_change_the_way(monkeypatch):
    forecaster = GRUForecaster(**TINY, warm_start=True).fit(wave())
    assert not forecaster.spec_.compiled
    before = forecaster.predict()
    monkeypatch.setattr(planning, "pays_to_compile", lambda *_: True)
    forecaster.set_params(learning_rate=1e-9).fit(wave())
    assert forecaster.spec_.compiled
    assert np.allclose(forecaster.predict(), before, rtol=1e-5)


# --- graphs are kept ------------------------------------------------------------------------


@pytest.fixture
def traces(monkeypatch):
    """Names of the models whose training step was traced, since the caches were emptied."""
    monkeypatch.setattr(training, "_trainers", type(training._trainers)())
    monkeypatch.setattr(inference, "_runners", type(inference._runners)())
    traced = []
    one_pass = training._Trainer._one_pass

    def counting(self, arrays, order, batch_size, learns):
        if learns:
            traced.append(self.model.name)
        return one_pass(self, arrays, order, batch_size, learns)

    monkeypatch.setattr(training._Trainer, "_one_pass", counting)
    return traced


def test_a_grid_search_traces_each_cell_once(traces, compiled):
    search = GridSearchCV(
        RNNForecaster(**TINY | {"max_epochs": 1}),
        {"cell": ["simple_rnn", "lstm", "gru"]},
        cv=TimeSeriesSplit(5, test_size=6),
    )
    search.fit(wave(90))  # 15 fits and a refit, on six lengths of data
    assert sorted(traces) == ["gru_seq2vec", "lstm_seq2vec", "simple_rnn_seq2vec"]
    assert len(inference._runners) == 3


def test_another_fit_traces_nothing(traces, compiled):
    settings = TINY | {"early_stopping": True, "max_epochs": 2}
    GRUForecaster(**settings).fit(wave(60))
    assert traces == ["gru_seq2vec"]
    GRUForecaster(**settings).fit(wave(60))
    GRUForecaster(**settings).fit(wave(97))
    GRUForecaster(**settings).fit(two_series())
    other = settings | {"max_epochs": 3, "learning_rate": 0.1, "stride": 2}
    GRUForecaster(**other | {"random_state": 5, "n_members": 2, "verbose": False}).fit(wave(71))
    assert traces == ["gru_seq2vec"]
    GRUForecaster(**settings | {"units": 5}).fit(wave(60))
    assert len(traces) == 2
    GRUForecaster(**settings | {"batch_size": 7}).fit(wave(60))  # XLA wants one size
    assert len(traces) == 3


def test_fits_leave_no_models_behind(compiled):
    """Live Keras models over six fits; benchmarks/memory.py measures bytes over sixty."""

    def live():
        gc.collect()
        return sum(isinstance(thing, keras.Model) for thing in gc.get_objects())

    counts = []
    kept = []
    for i in range(6):
        kept.append(GRUForecaster(**TINY | {"max_epochs": 1}).fit(wave(60 + i)))
        kept[-1].predict()
        if i in (0, 5):  # beside hundreds of networks of other tests, each count takes seconds
            counts.append(live())
    assert len(set(counts)) == 1


def test_the_caches_are_bounded(monkeypatch):
    monkeypatch.setattr(training, "_MOST_CACHED", 2)
    monkeypatch.setattr(training, "_trainers", type(training._trainers)())
    for units in (2, 3, 4):
        SimpleRNNForecaster(**TINY | {"units": units, "max_epochs": 1}).fit(wave())
    assert [key[0].units for key in training._trainers] == [3, 4]
