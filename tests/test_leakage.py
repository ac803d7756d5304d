"""No forecast knows anything after its cutoff; each knows its cutoff."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster

ARCHITECTURES = {
    "seq2vec": {"architecture": "seq2vec"},
    "seq2seq": {"architecture": "seq2seq"},
    "parallel": {"architecture": "encoder_decoder"},
    "autoregressive": {"architecture": "encoder_decoder", "decoder": "autoregressive"},
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
    """They may turn on the masked network, which answers the same."""
    rows = frame()
    forecaster = fitted(architecture, "covariates")
    before = forecaster.predict_at(rows, [45])
    rows.iloc[46:, :3] = np.nan
    assert np.allclose(forecaster.predict_at(rows, [45]), before, rtol=1e-6)


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
    pd.testing.assert_frame_equal(
        forecaster.predict_at(changed, cutoffs), before, check_exact=True
    )
    # Nor does any value of another series.
    others = rows.copy()
    others.loc["p"] = spoilt(rows.loc["p"], -1).to_numpy()
    after = forecaster.predict_at(others, cutoffs)
    pd.testing.assert_frame_equal(after[HORIZON:], before[HORIZON:], check_exact=True)


@pytest.mark.parametrize("data", ["series", "covariates", "gaps"])
@pytest.mark.parametrize("architecture", EVERY)
def test_rolling_predict_and_score_read_nothing_after_each_cutoff(architecture, data, fitted):
    rows = DATA[data][0]()
    forecaster = fitted(architecture, data)
    test = rows[N_TRAIN:]
    truth, before = forecaster.rolling_predict(test)
    for n_blocks in (0, 1, 3):
        changed = spoilt(test, n_blocks * HORIZON - 1, UNKNOWN)
        _, after = forecaster.rolling_predict(changed)
        n_same = test.iloc[: (n_blocks + 1) * HORIZON]
        n_same = len(n_same.dropna(subset=["a", "b"]) if data != "series" else n_same)
        assert np.array_equal(after[: n_same - 1], before[: n_same - 1])
        short = test[: (n_blocks + 1) * HORIZON]
        end = changed[: (n_blocks + 1) * HORIZON].copy()
        if data == "series":  # the score of these rows differs by their truth only
            expected = 1 - np.abs(end.to_numpy() - before[: len(end), 0]).mean() / (
                np.abs(end.to_numpy() - naive(rows, n_blocks)).mean()
            )
            assert forecaster.score(end) == pytest.approx(expected, rel=1e-9)
        assert len(short) == len(end)


def naive(rows, n_blocks):
    """Seasonal naive forecasts of the first blocks after the training rows."""
    blocks = []
    for block in range(n_blocks + 1):
        cutoff = N_TRAIN + block * HORIZON
        blocks.append(rows.to_numpy()[cutoff - 12 : cutoff - 12 + HORIZON])
    return np.concatenate(blocks)
