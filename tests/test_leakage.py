"""No forecast knows anything after its cutoff; each knows its cutoff."""

import pickle

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster

ARCHITECTURES = {
    "seq2vec": {"architecture": "seq2vec"},
    "seq2seq": {"architecture": "seq2seq"},
    "parallel": {"architecture": "encoder_decoder"},
    "autoregressive": {"architecture": "encoder_decoder", "decoder": "autoregressive"},
    "smoothing": {"architecture": "seq2vec", "reference": "smoothing"},
}
EVERY = ARCHITECTURES | {"vec2seq": {"architecture": "vec2seq"}}
HORIZON = 3
N_ROWS = 80
N_TRAIN = 60
TINY = {
    "horizon": HORIZON,
    "units": 4,
    "max_epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.02,
    "random_state": 0,
}
CUTOFFS = np.array([20, 45, 59, 60, 66, 75])


def months(n_rows):
    return pd.period_range("2010-01", periods=n_rows, freq="M")


def wave(n_rows=N_ROWS, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.5, n_rows)
    return pd.Series(20 + 3 * np.sin(np.arange(n_rows)) + noise, months(n_rows), name="y")


def frame():
    """Two targets, and covariates known up to the cutoff and beyond."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "a": wave(),
            "b": wave(seed=2) * 5,
            "past": rng.normal(size=N_ROWS),
            "known": rng.normal(size=N_ROWS),
        }
    )


def panel():
    parts = {name: frame().iloc[5 * i :] * (i + 1) for i, name in enumerate("pqr")}
    return pd.concat(parts, names=["series", "month"])


ROLES = {"target": ["a", "b"], "past_covariates": "past"}


def with_gaps():
    rows = frame()
    rows.iloc[[10, 11, 44, 57, 62], 0] = np.nan
    rows.iloc[[11, 30, 57, 59], 1] = np.nan
    rows.iloc[[3, 58, 61], 2] = np.nan
    return rows


DATA = {
    "series": (wave, {}),
    "covariates": (frame, ROLES),
    "gaps": (with_gaps, ROLES),
    "panel": (panel, ROLES),
}
pytestmark = pytest.mark.filterwarnings("ignore:.*missing target")


@pytest.fixture(scope="module")
def fitted():
    """Forecasters by architecture and data, each fitted once on the first rows."""
    kept = {}

    def fit(architecture, data):
        if (architecture, data) not in kept:
            make, roles = DATA[data]
            rows = make()
            train = rows.groupby(level=0).head(N_TRAIN - 15) if data == "panel" else rows[:N_TRAIN]
            forecaster = RNNForecaster("gru", **TINY | roles | EVERY[architecture])
            kept[architecture, data] = forecaster.fit(train)
        return kept[architecture, data]

    return fit


def spoilt(rows, after, columns=None, seed=9):
    """Rows with every value after a position replaced; in some columns, if they are given."""
    rows = rows.copy()
    values = np.random.default_rng(seed).normal(1000, 500, rows.shape)
    if rows.ndim == 1:
        rows.iloc[after + 1 :] = values[after + 1 :]
        return rows
    for i, name in enumerate(rows.columns):
        if columns is None or name in columns:
            rows.iloc[after + 1 :, i] = values[after + 1 :, i]
    return rows


UNKNOWN = ["a", "b", "past"]


@pytest.mark.parametrize("data", ["series", "covariates", "gaps"])
@pytest.mark.parametrize("architecture", EVERY)
def test_predict_at_reads_nothing_after_the_cutoff(architecture, data, fitted):
    rows = DATA[data][0]()
    forecaster = fitted(architecture, data)
    before = forecaster.predict_at(rows, CUTOFFS)
    assert np.isfinite(before).all().all()
    for i, cutoff in enumerate(CUTOFFS):
        after = forecaster.predict_at(spoilt(rows, cutoff, UNKNOWN), CUTOFFS)
        seen = slice(0, HORIZON * (i + 1))
        pd.testing.assert_frame_equal(after[seen], before[seen], check_exact=True)
        if architecture != "vec2seq" and i + 1 < len(CUTOFFS):
            assert not np.array_equal(after[HORIZON * (i + 1) :], before[HORIZON * (i + 1) :])


@pytest.mark.parametrize("architecture", EVERY)
def test_missing_values_after_the_cutoff_are_not_read_either(architecture, fitted):
    """They turn on the masked network, another program, which answers the same but for rounding."""
    rows = frame()
    forecaster = fitted(architecture, "covariates")
    before = forecaster.predict_at(rows, [45])
    rows.iloc[46:, :3] = np.nan
    assert np.allclose(forecaster.predict_at(rows, [45]), before, rtol=1e-5)


@pytest.mark.parametrize("architecture", EVERY)
def test_panels(architecture, fitted):
    rows = panel()
    forecaster = fitted(architecture, "panel")
    ends = np.cumsum(rows.groupby(level=0).size().to_numpy())
    cutoffs = np.array([40, ends[0] + 50, ends[1] + 60])
    before = forecaster.predict_at(rows, cutoffs)
    changed = rows.copy()
    for start, cutoff in zip([0, *ends], cutoffs, strict=False):
        own = rows.index.get_level_values(0)[cutoff]
        changed.loc[own] = spoilt(rows.loc[own], cutoff - start, UNKNOWN).to_numpy()
    pd.testing.assert_frame_equal(forecaster.predict_at(changed, cutoffs), before, check_exact=True)
    # Nor does any value of another series.
    others = rows.copy()
    others.loc["p"] = spoilt(rows.loc["p"], -1).to_numpy()
    after = forecaster.predict_at(others, cutoffs)
    pd.testing.assert_frame_equal(after[HORIZON:], before[HORIZON:], check_exact=True)


def made_alone(forecaster, rows, cutoff):
    """Forecast from rows that end at the cutoff, but for covariates known in the future."""
    if rows.ndim == 1:
        return forecaster.predict(rows[: cutoff + 1]).to_numpy()[:, None]
    seen = rows[: cutoff + 1 + HORIZON].copy()
    seen.iloc[cutoff + 1 :, :3] = np.nan
    return forecaster.predict(seen).to_numpy()


@pytest.mark.parametrize("data", ["series", "covariates", "gaps"])
@pytest.mark.parametrize("architecture", EVERY)
def test_rolling_predict_and_score_forecast_as_if_each_cutoff_were_now(architecture, data, fitted):
    rows = DATA[data][0]()[: N_TRAIN + 4 * HORIZON]
    forecaster = fitted(architecture, data)
    cutoffs = range(N_TRAIN - 1, len(rows) - 1, HORIZON)
    expected = np.concatenate([made_alone(forecaster, rows, cutoff) for cutoff in cutoffs])
    columns = slice(None) if data == "series" else ["a", "b"]
    values = rows.to_numpy()[:, None] if data == "series" else rows[columns].to_numpy()
    last_season = values[N_TRAIN - 12 :][: len(expected)]
    truth = values[N_TRAIN:]
    kept = ~np.isnan(truth).any(axis=1)
    y_true, y_pred = forecaster.rolling_predict(rows[N_TRAIN:])
    assert np.array_equal(y_true, truth[kept])
    assert np.allclose(y_pred, expected[kept], rtol=1e-5)
    if data != "gaps":
        error, naive = (np.abs(truth - f).mean() for f in (expected, last_season))
        assert forecaster.score(rows[N_TRAIN:]) == pytest.approx(1 - error / naive, rel=1e-4)


@pytest.mark.parametrize("architecture", EVERY)
def test_rolling_forecasts_are_the_same_bits_whatever_follows(architecture, fitted):
    test = frame()[N_TRAIN:]
    forecaster = fitted(architecture, "covariates")
    _, before = forecaster.rolling_predict(test)
    for n_known in (0, HORIZON, 4 * HORIZON):
        _, after = forecaster.rolling_predict(spoilt(test, n_known - 1, UNKNOWN))
        assert np.array_equal(after[: n_known + HORIZON], before[: n_known + HORIZON])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_first_step_depends_on_the_last_observation(architecture, fitted):
    rows = wave()
    forecaster = fitted(architecture, "series")
    before = forecaster.predict_at(rows, CUTOFFS).to_numpy().reshape(-1, HORIZON)
    for i, cutoff in enumerate(CUTOFFS):
        changed = rows.copy()
        changed.iloc[cutoff] += 1
        after = forecaster.predict_at(changed, CUTOFFS).to_numpy().reshape(-1, HORIZON)
        assert after[i, 0] != before[i, 0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_past_covariates_are_read_up_to_the_cutoff(architecture, fitted):
    rows = frame()
    forecaster = fitted(architecture, "covariates")
    before = forecaster.predict_at(rows, [60]).to_numpy()
    changed = rows.copy()
    changed.iloc[60, 2] += 1
    assert not np.array_equal(forecaster.predict_at(changed, [60]), before)


@pytest.mark.parametrize("architecture", EVERY)
def test_future_covariates_are_read_up_to_the_horizon(architecture, fitted):
    rows = frame()
    forecaster = fitted(architecture, "covariates")
    before = forecaster.predict_at(rows, [60]).to_numpy()
    inside, outside = rows.copy(), rows.copy()
    inside.iloc[60 + HORIZON, 3] += 1
    outside.iloc[60 + HORIZON + 1 :, 3] += 1
    assert not np.array_equal(forecaster.predict_at(inside, [60]), before)
    assert np.array_equal(forecaster.predict_at(outside, [60]), before)


@pytest.mark.parametrize("architecture", EVERY)
def test_update_leads_to_the_forecasts_of_a_longer_history(architecture, fitted):
    forecaster = pickle.loads(pickle.dumps(fitted(architecture, "series")))
    rows = wave()
    first = forecaster.predict().to_numpy()
    assert np.allclose(first, made_alone(forecaster, rows, N_TRAIN - 1)[:, 0], rtol=1e-6)
    forecaster.update(rows[N_TRAIN : N_TRAIN + 4])
    forecaster.update(rows[N_TRAIN + 4 : N_TRAIN + 5])
    expected = made_alone(forecaster, rows, N_TRAIN + 4)[:, 0]
    assert np.allclose(forecaster.predict(), expected, rtol=1e-6)
    assert not np.array_equal(forecaster.predict(), first)


@pytest.mark.parametrize("architecture", EVERY)
def test_what_is_learned_does_not_depend_on_rows_that_were_not_given(architecture, compiled):
    """Nothing outlives a fit in the network, which is kept: it is as if there had been none."""
    settings = TINY | EVERY[architecture]
    first = RNNForecaster("gru", **settings).fit(wave()[:N_TRAIN]).predict()
    RNNForecaster("gru", **settings).fit(spoilt(wave(), 30))
    assert np.array_equal(RNNForecaster("gru", **settings).fit(wave()[:N_TRAIN]).predict(), first)


def test_validation_rows_are_not_learned_from():
    """Early stopping may choose another epoch, but an epoch's weights are the same."""
    settings = TINY | {"early_stopping": True, "validation_fraction": 0.2}
    losses = []
    for rows in (wave()[:N_TRAIN], spoilt(wave()[:N_TRAIN], N_TRAIN - 4)):
        losses.append(RNNForecaster("gru", **settings).fit(rows).losses_)
    assert np.array_equal(losses[0]["loss"], losses[1]["loss"])
    assert not np.array_equal(losses[0]["val_loss"], losses[1]["val_loss"])
