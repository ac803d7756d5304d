"""Training: the batches, the loss, the learning rate, when it stops, and what it leaves alone."""

import gc
import random
import sys

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import GRUForecaster, RNNForecaster, SimpleRNNForecaster
from tsrnn.base import future_covariates
from tsrnn.inputs import prediction_inputs
from tsrnn.nn import inference, training
from tsrnn.nn.data import dataset
from tsrnn.nn.network import build, input_names
from tsrnn.planning import held_out, seeds
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

        def train(data, spec, how, validation=None, weights=None):
            calls.append((data, spec, how, validation))
            fresh = build(spec, how.seed).get_weights()
            return training.Trained(fresh, {"loss": [0.0]}, 0)

        with monkeypatch.context() as patch:
            patch.setattr(training, "train", train)
            forecaster.fit(*data, **more)
        return calls[0]

    return fit


def whole_batch(data, spec):
    """Every window in one batch, as numpy arrays."""
    chosen = np.arange(len(data.cutoffs))
    batch = next(iter(dataset(data, spec, input_names(build(spec)), chosen, len(chosen))))
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
    seen = rows[max(begin, 0) : begin + spec.statistics_length, :n]
    location, size = np.zeros(n), np.ones(n)
    for k in range(n):
        values = seen[~np.isnan(seen[:, k]), k]
        if not len(values):
            size[k] = 0
            continue
        if reference is not None:
            last = reference == "last" and not seq2seq
            location[k] = values[-1] if last else values.mean()
        if scale == "deviation":
            size[k] = values.std()
        elif scale == "mean_absolute":
            size[k] = np.abs(values - location[k]).mean()
    divisor = np.where(size > 0, size, 1.0)
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
        "past_covariates": "past",
        "static_covariates": "static",
    } | ARCHITECTURES[architecture]


SCALINGS = [
    ("season", "deviation"),
    ("last", "mean_absolute"),
    ("mean", "deviation"),
    ("mean", None),
    (None, "mean_absolute"),
]


@pytest.mark.filterwarnings("ignore:.*missing target")
@pytest.mark.parametrize(("reference", "scale"), SCALINGS)
@pytest.mark.parametrize("architecture", ["seq2vec", "seq2seq", "encoder_decoder"])
def test_batches_are_windows_cut_by_hand(architecture, reference, scale, panel, caught):
    forecaster = RNNForecaster("gru", reference=reference, scale=scale, **settings(architecture))
    data, spec, _, _ = caught(forecaster, panel)
    inputs, targets, weights = whole_batch(data, spec)
    assert spec.masked
    columns = panel[["past", "known", "static"]]
    covariates = columns.mean().to_numpy(), columns.std(ddof=0).to_numpy()
    lengths = panel.groupby(level=0, sort=False).size().to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    short = 0
    for i, cutoff in enumerate(data.cutoffs):
        s = np.searchsorted(offsets, cutoff, side="right") - 1
        rows = panel.to_numpy()[offsets[s] : offsets[s + 1]]
        context, mask, target, weight, future = by_hand(
            rows, cutoff - offsets[s], spec, reference, scale, covariates
        )
        short += not mask[0]
        assert np.array_equal(inputs["mask"][i], mask)
        assert np.allclose(inputs["context"][i], context, atol=1e-5)
        factor = data.weights[i]
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
    assert data.weights.mean() == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:.*missing target")
@pytest.mark.parametrize(("reference", "scale"), SCALINGS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_prediction_reads_what_training_read(architecture, reference, scale, panel, caught):
    forecaster = RNNForecaster("gru", reference=reference, scale=scale, **settings(architecture))
    data, spec, _, _ = caught(forecaster, panel)
    inputs, targets, _ = whole_batch(data, spec)
    rows = forecaster._read(panel)
    series = rows.series_of(data.cutoffs + 1)
    windows = Windows(rows, series, data.cutoffs, spec.context_length, HORIZON)
    future = future_covariates(rows, series, data.cutoffs, HORIZON)
    again, around, size = prediction_inputs(windows, forecaster.encoding_, spec, future)
    used = data.weights > 0
    assert used.sum() > 20
    assert again.keys() == inputs.keys()
    for name, values in inputs.items():
        kept = slice(-HORIZON, None) if name == "future" else slice(None)
        assert again[name].dtype == values.dtype
        assert np.allclose(again[name][used][:, kept], values[used][:, kept], atol=2e-5), name
    # What training aims at turns back into the observed values.
    aims = targets[:, -1] if architecture == "seq2seq" else targets
    assert np.allclose((around + size * aims)[used], windows.targets[used], atol=1e-4)


def test_vec2seq_reads_age_season_and_static_covariates(panel, caught):
    rows = panel.dropna().loc[["s", "t"]].loc[lambda x: ~x.index.duplicated()]
    rows = panel.fillna(50.0)
    data, spec, _, _ = caught(RNNForecaster(**settings("vec2seq")), rows)
    inputs, targets, _ = whole_batch(data, spec)
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
        data, spec, _, _ = caught(RNNForecaster(**settings("seq2vec")), panel)
    expected = []
    row = 0
    for _, part in panel.groupby(level=0, sort=False):
        complete = part[["a", "b"]].notna().all(axis=1).to_numpy()
        for cutoff in range(len(part) - HORIZON):
            if cutoff + 1 >= SEASON and complete[cutoff + 1 : cutoff + 1 + HORIZON].all():
                expected.append(row + cutoff)
        row += len(part)
    assert data.cutoffs.tolist() == expected
    assert spec.context_length == 15


def test_stride_counts_back_from_the_end(caught):
    data, *_ = caught(GRUForecaster(**TINY, stride=5), wave(40))
    assert data.cutoffs.tolist() == [11, 16, 21, 26, 31, 36]


@pytest.mark.parametrize("weighted", ["rows", "windows"])
def test_weights_of_rows_and_windows(weighted, caught):
    y = wave(30)
    weight = np.arange(1.0, 31.0)
    if weighted == "windows":
        weight = np.arange(1.0, 21.0)
    data, spec, _, _ = caught(GRUForecaster(**TINY), y, sample_weight=weight)
    expected = weight if weighted == "windows" else weight[data.cutoffs + 2]  # mean of three rows
    assert np.allclose(data.weights, expected / expected.mean())
    assert np.allclose(whole_batch(data, spec)[2][:, 0], data.weights)


def test_every_window_comes_once_a_pass_in_another_order():
    y = wave(40)
    forecaster = GRUForecaster(**TINY | {"max_epochs": 1}).fit(y)
    rows = forecaster._read(y)
    from tsrnn.inputs import training_data

    windows = training_windows(rows, 8, HORIZON)
    data = training_data(windows, forecaster.encoding_, forecaster.spec_, np.ones(len(windows)))
    chosen = np.flatnonzero(np.arange(len(windows)) % 5 > 0)
    batches = dataset(data, forecaster.spec_, {"context"}, chosen, 10, seed=3)
    passes = []
    n_batches = -(-len(chosen) // 10)
    iterator = iter(batches)
    for _ in range(3):
        parts = [next(iterator)[0]["context"].numpy() for _ in range(n_batches)]
        passes.append(np.concatenate(parts))
        assert [len(part) for part in parts] == [10, 10, len(chosen) - 20]
    ordered = whole_batch(data, forecaster.spec_)[0]["context"][chosen]
    for one in passes:
        same = (one[:, None] == ordered[None]).all(axis=(2, 3))
        assert (same.sum(axis=0) == 1).all()
        assert not np.array_equal(one, ordered)
    assert not np.array_equal(passes[0], passes[1])
    again = np.concatenate([b[0]["context"] for b in batches.take(n_batches)])
    assert np.array_equal(again, passes[0])
