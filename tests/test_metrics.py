"""Metrics against hand-computed values, scikit-learn and their own algebra."""

import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    root_mean_squared_error,
)

from tsrnn.metrics import (
    METRICS,
    bias,
    mase,
    naive2,
    owa,
    rmsse,
    skill_score,
    smape,
    wape,
)

RNG = np.random.default_rng(0)
TRAIN = RNG.normal(10, 3, (30, 3))
TRUE = RNG.normal(10, 3, (8, 3))
PRED = TRUE + RNG.normal(0, 1, (8, 3))
WEIGHTS = RNG.uniform(0.5, 2, 8)
HISTORY = {"y_train": TRAIN, "season_length": 4}
ALL = {
    "smape": smape,
    "wape": wape,
    "mase": partial(mase, **HISTORY),
    "rmsse": partial(rmsse, **HISTORY),
    "owa": partial(owa, **HISTORY, naive2=naive2(TRAIN, 8, 4)),
    "skill_score": partial(skill_score, y_reference=TRUE[::-1]),
    "bias": bias,
}
every_metric = pytest.mark.parametrize("metric", ALL.values(), ids=ALL)
# The OWA of several outputs is the ratio of their averages, not the average of their ratios.
COLUMNWISE = {name: metric for name, metric in ALL.items() if name != "owa"}
column_metric = pytest.mark.parametrize("metric", COLUMNWISE.values(), ids=COLUMNWISE)


# Values computed by hand


def test_smape_by_hand():
    assert smape([1, 2], [3, 2]) == pytest.approx(50)  # (200 * 2/4 + 0) / 2
    assert smape([0, 1, -1], [0, 0, 1]) == pytest.approx(400 / 3)


def test_wape_by_hand():
    assert wape([2, 0, -6], [1, 1, -4]) == pytest.approx(4 / 8)
    assert wape([2, 4], [1, 8], sample_weight=[3, 1]) == pytest.approx(7 / 10)


def test_wape_of_zeros():
    assert wape([0, 0], [0, 0]) == 0
    assert wape([0, 0], [0, 1]) == np.inf


def test_mase_by_hand():
    # differences over two rows: 1, 2, 3
    assert mase([7, 9], [6, 6], y_train=[1, 2, 2, 4, 5], season_length=2) == pytest.approx(2 / 2)
    assert mase([7, 9], [6, 6], y_train=[1, 2, 2, 4, 5]) == pytest.approx(2 / 1)


def test_rmsse_by_hand():
    score = rmsse([7, 9], [6, 6], y_train=[1, 2, 2, 4, 5], season_length=2)
    assert score == pytest.approx(np.sqrt(5 / (14 / 3)))


@pytest.mark.parametrize("metric", [mase, rmsse])
def test_training_data_without_scale(metric):
    assert metric([1, 2], [1, 2], y_train=[5, 5, 5]) == 0
    assert metric([1, 2], [1, 3], y_train=[5, 5, 5]) == np.inf


@pytest.mark.parametrize("metric", [mase, rmsse])
def test_output_without_weight_does_not_make_nan(metric):
    score = metric([[1, 1]], [[2, 2]], y_train=[[5, 0], [5, 1]], multioutput=[0, 1])
    assert score == pytest.approx(1)


def test_skill_score_by_hand():
    assert skill_score([1, 2], [1, 2], [0, 0]) == 1
    assert skill_score([1, 2], [0, 0], [0, 0]) == 0
    assert skill_score([1, 2], [1, 5], [0, 2]) == -2


def test_skill_score_over_a_perfect_reference():
    assert skill_score([1, 2], [1, 2], [1, 2]) == 0
    assert skill_score([1, 2], [1, 3], [1, 2]) == -np.inf


def test_bias_is_positive_for_forecasts_too_high():
    assert bias([1, 2], [2, 5]) == 2
    assert bias([1, 2], [2, -5]) == -3


# The benchmark's scores of a panel


def panel_score(panel, season):
    """sMAPE and MASE of a long table as the project's benchmark data are scored."""
    test, train = panel[panel.split == "test"], panel[panel.split == "train"]
    scale = train.groupby("series").y.apply(
        lambda y: np.abs(y.to_numpy()[season:] - y.to_numpy()[:-season]).mean()
    )
    error = (test.y - test.y_pred).abs()
    smape = (200 * error / (test.y.abs() + test.y_pred.abs() + 1e-12)).groupby(test.series).mean()
    return smape.mean(), (error.groupby(test.series).mean() / scale).mean()


def test_panel_scores_are_the_means_over_series():
    rng = np.random.default_rng(1)
    panel = pd.DataFrame(
        {
            "series": np.repeat(["a", "b", "c"], 12),
            "y": rng.uniform(1, 9, 36).round(1),
            "y_pred": rng.uniform(1, 9, 36).round(1),
            "split": (["train"] * 9 + ["test"] * 3) * 3,
        }
    )
    scores = []
    for _, series in panel.groupby("series"):
        train, test = series[series.split == "train"], series[series.split == "test"]
        history = {"y_train": train.y, "season_length": 4}
        scores.append((smape(test.y, test.y_pred), mase(test.y, test.y_pred, **history)))
    np.testing.assert_allclose(np.mean(scores, axis=0), panel_score(panel, 4))


def test_list_of_series_pools_their_naive_errors():
    panel = [pd.Series([1.0, 2, 4]), np.array([5.0, 8]), np.array([7.0])]
    assert mase([1], [3], y_train=panel) == pytest.approx(2 / np.mean([1, 2, 3]))
    assert rmsse([1], [3], y_train=panel) == pytest.approx(2 / np.sqrt(np.mean([1, 4, 9])))


# Agreement with scikit-learn


MULTIOUTPUT = ["raw_values", "uniform_average", [0.2, 0.5, 0.3], np.array([1, 0, 3])]


@pytest.mark.parametrize("weights", [None, WEIGHTS, list(WEIGHTS)], ids=["none", "array", "list"])
@pytest.mark.parametrize("multioutput", MULTIOUTPUT, ids=str)
def test_averaging_is_that_of_scikit_learn(multioutput, weights):
    how = {"sample_weight": weights, "multioutput": multioutput}
    # A history whose naive errors are all 1 makes MASE the MAE, and RMSSE the RMSE.
    unit = {"y_train": np.tile(np.arange(5)[:, None], 3), "season_length": 1}
    for ours, theirs in ((mase, mean_absolute_error), (rmsse, root_mean_squared_error)):
        score, expected = ours(TRUE, PRED, **unit, **how), theirs(TRUE, PRED, **how)
        np.testing.assert_allclose(score, expected, rtol=1e-12)
        assert type(score) is type(expected)


def test_mase_is_a_ratio_of_scikit_learn_errors():
    naive_error = mean_absolute_error(TRAIN[4:], TRAIN[:-4], multioutput="raw_values")
    error = mean_absolute_error(TRUE, PRED, multioutput="raw_values", sample_weight=WEIGHTS)
    ours = ALL["mase"](TRUE, PRED, multioutput="raw_values", sample_weight=WEIGHTS)
    np.testing.assert_allclose(ours, error / naive_error)


@column_metric
def test_raw_values_and_their_averages(metric):
    raw = metric(TRUE, PRED, multioutput="raw_values")
    assert isinstance(raw, np.ndarray) and raw.shape == (3,)
    assert metric(TRUE, PRED) == pytest.approx(raw.mean())
    assert metric(TRUE, PRED, multioutput=[1, 2, 3]) == pytest.approx(raw @ [1, 2, 3] / 6)


@every_metric
def test_default_is_a_plain_float(metric):
    assert type(metric(TRUE, PRED)) is float


@every_metric
def test_containers_agree(metric):
    index = pd.date_range("2024", periods=8, name="time")
    frames = [pd.DataFrame(values, index, list("abc")) for values in (TRUE, PRED)]
    expected = metric(TRUE, PRED)
    assert metric(*frames) == expected
    assert metric(frames[0], PRED) == expected
    assert metric(TRUE.tolist(), frames[1]) == expected


def test_one_output_in_one_or_two_dimensions():
    y, f = pd.Series(TRUE[:, 0]), PRED[:, [0]]
    assert smape(y, f) == smape(TRUE[:, [0]], PRED[:, 0])
    assert mase(y, f, y_train=TRAIN[:, [0]]) == mase(TRUE[:, [0]], f, y_train=TRAIN[:, 0])


def test_index_of_another_resolution_is_the_same_index():
    days = pd.date_range("2024", periods=2, unit="s")
    assert bias(pd.Series([1, 2], days), pd.Series([1, 2], days.as_unit("ns"))) == 0


# Properties


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
columns = arrays(np.float64, st.shared(st.integers(1, 9), key="n"), elements=numbers)
weights = arrays(np.float64, st.shared(st.integers(1, 9), key="n"), elements=st.floats(0.1, 10))
whole = st.integers(-1000, 1000)


@settings(deadline=None)
@given(columns, columns)
def test_smape_is_symmetric_and_bounded(y, f):
    assert smape(y, f) == smape(f, y)
    assert 0 <= smape(y, f) <= 200


@settings(deadline=None)
@given(columns, columns, st.floats(1e-3, 1e3))
def test_smape_and_wape_ignore_the_unit(y, f, a):
    assert smape(a * y, a * f) == pytest.approx(smape(y, f), abs=1e-9)
    if np.abs(y).sum() > 1e-6:
        assert wape(a * y, a * f) == pytest.approx(wape(y, f), rel=1e-9)


@settings(deadline=None)
@given(
    arrays(np.float64, (4, 2), elements=whole),
    arrays(np.float64, 7, elements=whole).filter(lambda y: np.ptp(y[2:] - y[:-2]) > 0),
    st.floats(0.01, 100) | st.floats(-100, -0.01),
    whole,
)
@pytest.mark.parametrize("metric", [mase, rmsse])
def test_scaled_errors_ignore_unit_and_origin(metric, pair, history, a, b):
    expected = metric(*pair.T, y_train=history, season_length=2)
    given = metric(*(a * pair.T + b), y_train=a * history + b, season_length=2)
    assert given == pytest.approx(expected, rel=1e-7, abs=1e-7)


@settings(deadline=None)
@given(columns, columns, weights, st.floats(0.1, 10))
def test_only_the_proportions_of_weights_count(y, f, w, a):
    for metric in (smape, bias, partial(mase, y_train=[1, 2]), partial(rmsse, y_train=[1, 2])):
        ones = metric(y, f, sample_weight=np.ones(len(y)))
        assert ones == pytest.approx(metric(y, f), rel=1e-9, abs=1e-9)
        scaled = metric(y, f, sample_weight=a * w)
        assert scaled == pytest.approx(metric(y, f, sample_weight=w), rel=1e-9, abs=1e-9)


@every_metric
def test_whole_weights_repeat_rows(metric):
    rows = np.repeat(np.arange(8), [1, 2, 3, 1, 2, 3, 1, 2])
    weighted = metric(TRUE, PRED, sample_weight=np.bincount(rows))
    references = {
        name: value[rows]
        for name, value in getattr(metric, "keywords", {}).items()
        if name in ("naive2", "y_reference")
    }
    repeated = partial(metric, **references)
    assert weighted == pytest.approx(repeated(TRUE[rows], PRED[rows]))


@every_metric
def test_perfect_forecast(metric):
    best = 1 if metric is ALL["skill_score"] else 0
    assert metric(TRUE, TRUE) == best


# Errors


@every_metric
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(metric, value):
    bad = pd.DataFrame(TRUE, pd.date_range("2024", periods=8), list("abc"))
    bad.iloc[2, 1] = value
    label = r"position 2 \(label Timestamp\('2024-01-03.*column b; 1 values.*leave"
    with pytest.raises(ValueError, match=f"y_true is {value} at {label}"):
        metric(bad, PRED)
    with pytest.raises(ValueError, match=f"y_pred is {value} at {label}"):
        metric(TRUE, bad)
    with pytest.raises(ValueError, match=f"y_pred is {value} at position 2 of column 1"):
        metric(TRUE, bad.to_numpy())


def test_missing_values_of_nullable_series():
    y = pd.Series([1, 2, None], index=[5, 6, 7], dtype="Int64")
    with pytest.raises(ValueError, match=r"y_true is nan at position 2 \(label 7\)"):
        bias(y, [1, 2, 3])


def test_other_arguments_are_named():
    with pytest.raises(ValueError, match="y_train is nan at position 1; .*interpolate"):
        mase([1], [2], y_train=[1, None, 2])
    with pytest.raises(ValueError, match="y_reference is nan at position 0"):
        skill_score([1], [2], [np.nan])
    with pytest.raises(ValueError, match="naive2 is nan at position 0"):
        owa([1], [2], y_train=[1, 2], season_length=1, naive2=[np.nan])
    with pytest.raises(ValueError, match=r"naive2 has \(2, 1\)"):
        owa([1], [2], y_train=[1, 2], season_length=1, naive2=[1, 2])


@every_metric
def test_different_index_is_not_aligned(metric):
    time = pd.date_range("2024", periods=9)
    y = pd.DataFrame(TRUE, time[:8])
    with pytest.raises(ValueError, match=r"y_pred differ in index.*position 0.*01-01.*01-02"):
        metric(y, pd.DataFrame(PRED, time[1:]))
    with pytest.raises(ValueError, match=r"position 7.*'2024-01-08.*against 'nothing'.*to_numpy"):
        metric(y, pd.DataFrame(PRED[:7], time[:7]))


def test_same_labels_in_another_order_differ():
    y = pd.Series([1, 2, 3], list("abc"))
    with pytest.raises(ValueError, match="position 1: 'b' against 'c'; use y_pred.reindex"):
        smape(y, y[["a", "c", "b"]])


def test_different_columns_are_not_aligned():
    y = pd.DataFrame(TRUE, columns=list("abc"))
    with pytest.raises(ValueError, match="y_pred differ in columns, first at position 0: 'a'"):
        smape(y, y[["b", "a", "c"]])
    with pytest.raises(ValueError, match="y_train differ in columns, first at position 1: 'b'"):
        mase(y, y, y_train=y[["a", "c", "b"]])


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([1, 2], [1, 2, 3], r"y_true has \(rows, outputs\) \(2, 1\) but y_pred has \(3, 1\)"),
        ([[1, 2]], [[1], [2]], r"\(1, 2\) but y_pred has \(2, 1\)"),
        ([], [], r"y_true has shape \(0,\)"),
        (1, 1, r"y_true has shape \(\)"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), r"y_true has shape \(2, 2, 2\)"),
        (["a"], [1], "y_true must hold numbers"),
    ],
)
def test_shapes(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        smape(y_true, y_pred)


@pytest.mark.parametrize("metric", [mase, rmsse])
@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"y_train": [1, 2], "season_length": 2}, "no more than season_length=2 rows.*longer"),
        ({"y_train": [], "season_length": 1}, "no more than season_length=1 rows"),
        ({"y_train": [np.ones(1), np.ones(2)], "season_length": 2}, "no more than season_length=2"),
        ({"y_train": None}, "y_train is None.*'mae'"),
        ({"y_train": np.ones((5, 2))}, "y_train has 2 columns but y_true has 1"),
        ({"y_train": [1, 2], "season_length": 0}, "season_length=0 must be a whole number"),
        ({"y_train": [1, 2], "season_length": "auto"}, "season_length='auto' must be"),
    ],
)
def test_training_data_that_cannot_serve(metric, history, message):
    with pytest.raises(ValueError, match=message):
        metric([1, 2], [1, 2], **history)


@every_metric
def test_weights_that_cannot_serve(metric):
    for bad in (np.ones(7), np.ones((8, 1)), np.zeros(8), np.full(8, np.nan)):
        with pytest.raises(ValueError, match=r"sample_weight has shape.*each row, shape \(8,\)"):
            metric(TRUE, PRED, sample_weight=bad)


@column_metric
def test_multioutput_that_cannot_serve(metric):
    with pytest.raises(ValueError, match="multioutput='variance_weighted' must be"):
        metric(TRUE, PRED, multioutput="variance_weighted")
    with pytest.raises(ValueError, match=r"multioutput has shape.*each output, shape \(3,\)"):
        metric(TRUE, PRED, multioutput=[1, 2])


def test_weights_of_a_single_output():
    with pytest.raises(ValueError, match="one output"):
        smape([1, 2], [1, 2], multioutput=[1.0])


# METRICS


def test_metrics_by_name():
    y, f, history = TRUE[:, 0], PRED[:, 0], TRAIN[:, 0]
    expected = {
        "mae": mean_absolute_error(y, f),
        "rmse": root_mean_squared_error(y, f),
        "mape": mean_absolute_percentage_error(y, f),
        "smape": smape(y, f),
        "wape": wape(y, f),
        "mase": mase(y, f, y_train=history, season_length=4),
        "rmsse": rmsse(y, f, y_train=history, season_length=4),
        "bias": bias(y, f),
    }
    assert {name: METRICS[name](y, f, history, 4) for name in METRICS} == expected
    assert all(type(METRICS[name](TRUE, PRED, TRAIN, 4)) is float for name in METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_by_name_check_and_travel(name):
    y, f = pd.Series(TRUE[:, 0]), pd.Series(PRED[:, 0], np.arange(1, 9))
    with pytest.raises(ValueError, match="differ in index"):
        METRICS[name](y, f, TRAIN[:, 0], 1)
    travelled = pickle.loads(pickle.dumps(METRICS[name]))
    assert travelled(y, y + 1, TRAIN[:, 0], 4) == METRICS[name](y, y + 1, TRAIN[:, 0], 4)


def test_import_needs_neither_scikit_learn_nor_keras():
    heavy = "{'sklearn', 'scipy', 'keras', 'tensorflow', 'matplotlib', 'statsmodels'}"
    code = f"import sys, tsrnn.metrics; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
