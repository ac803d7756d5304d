"""One network for all targets alike, each read by itself."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import GRUForecaster, LSTMForecaster
from tsrnn.channels import split_targets, split_windows
from tsrnn.reading import read_panel
from tsrnn.windows import training_windows

TINY = {"horizon": 3, "units": 3, "max_epochs": 2, "batch_size": 16, "random_state": 0}


def two_shops() -> pd.DataFrame:
    """Two series with two targets and a covariate, of different lengths."""
    rng = np.random.default_rng(0)
    index = [(shop, t) for shop, n in (("a", 30), ("b", 20)) for t in range(n)]
    table = rng.normal(5, 1, (50, 3))
    names = ["apples", "pears", "rain"]
    return pd.DataFrame(table, pd.MultiIndex.from_tuples(index, names=["shop", "t"]), names)


def test_each_target_becomes_a_panel_of_its_own():
    panel = read_panel(two_shops(), target=["apples", "pears"])
    split = split_targets(panel)
    assert split.n_targets == 1
    assert split.lengths.tolist() == [30, 20, 30, 20]
    assert np.array_equal(split.values[:50, 0], panel.values[:, 0])
    assert np.array_equal(split.values[50:, 0], panel.values[:, 1])
    assert np.array_equal(split.values[50:, 1:], panel.values[:, 2:])


def test_windows_of_each_target_follow_each_other():
    panel = read_panel(two_shops(), target=["apples", "pears"])
    windows = training_windows(panel, 4, 3)
    split = split_windows(windows)
    n = len(windows)
    for k in range(2):
        own = split[k * n : (k + 1) * n]
        assert np.array_equal(own.targets[..., 0], windows.targets[..., k])
        assert np.array_equal(
            own.gather(own.panel.targets)[..., 0], windows.gather(panel.targets)[..., k]
        )
        assert np.array_equal(own.first - k * len(panel.values), windows.first)


@pytest.mark.parametrize("reference", ["last", "seasons", "smoothing"])
def test_one_target_tells_nothing_of_another(reference):
    y = two_shops().drop(columns="rain")
    settings = TINY | {"reference": reference, "season_length": 4, "context_length": 8}
    forecaster = GRUForecaster(**settings).fit(y)
    assert forecaster.spec_.n_targets == 1
    changed = y.assign(pears=y["pears"] ** 3)
    forecasts, others = forecaster.predict(y), forecaster.predict(changed)
    assert np.array_equal(forecasts["apples"], others["apples"])
    assert not np.allclose(forecasts["pears"], others["pears"])
    together = GRUForecaster(**settings, share_targets=False).fit(y)
    assert together.spec_.n_targets == 2
    if reference != "smoothing":  # which may keep nothing of the network
        assert not np.allclose(together.predict(y)["apples"], together.predict(changed)["apples"])


def test_it_is_the_network_of_as_many_series():
    y = two_shops().loc["a", ["apples", "pears"]]
    shared = GRUForecaster(**TINY, reference="last").fit(y)
    panel = pd.concat({name: y[name] for name in y}, names=["fruit"])
    alone = GRUForecaster(**TINY, reference="last").fit(panel)
    for ours, theirs in zip(shared.weights_[0], alone.weights_[0], strict=True):
        assert np.array_equal(ours, theirs)
    assert np.array_equal(shared.predict()["pears"], alone.predict().loc["pears"])


def test_row_weights_hold_for_every_target():
    y = two_shops().loc["a", ["apples", "pears"]]
    weights = np.arange(30.0)
    shared = GRUForecaster(**TINY, reference="last").fit(y, sample_weight=weights)
    panel = pd.concat({name: y[name] for name in y}, names=["fruit"])
    alone = GRUForecaster(**TINY, reference="last").fit(panel, sample_weight=np.tile(weights, 2))
    assert np.array_equal(shared.predict()["pears"], alone.predict().loc["pears"])


def test_forecasts_are_fed_back_for_each_target():
    y = two_shops()
    forecaster = LSTMForecaster(**TINY, target=["apples", "pears"], past_covariates="rain").fit(y)
    assert forecaster.predict(y).shape == (6, 2)
    fruit = y.drop(columns="rain")
    forecaster = LSTMForecaster(**TINY, context_length=8).fit(fruit)
    longer = forecaster.predict_at(fruit, [29, 49], n_steps=7)
    assert longer.shape == (14, 2)
    assert np.isfinite(longer).all(axis=None)
    # The same as with the first block appended as observations.
    first = forecaster.predict(fruit.loc[["a"]])
    again = forecaster.predict(pd.concat([fruit.loc[["a"]], first]))
    by_hand = pd.concat([first, again])["pears"].to_numpy()
    np.testing.assert_allclose(longer["pears"].to_numpy()[:6], by_hand, rtol=1e-5)


def test_vec2seq_reads_no_past_and_keeps_its_targets_together():
    y = two_shops().drop(columns="rain")
    forecaster = GRUForecaster(**TINY, architecture="vec2seq").fit(y)
    assert not forecaster.shares_targets_
    assert forecaster.spec_.n_targets == 2
    with pytest.raises(ValueError, match="share_targets=True with architecture='vec2seq'"):
        forecaster.set_params(share_targets=True).fit(y)


def test_a_refused_fit_leaves_the_last_one_as_it_was():
    y = two_shops().drop(columns="rain")
    forecaster = GRUForecaster(**TINY, reference="last").fit(y)
    forecasts = forecaster.predict()
    with pytest.raises(ValueError, match="the network of the last fit was another"):
        forecaster.set_params(warm_start=True, share_targets=False).fit(y)
    assert forecaster.predict().equals(forecasts)
