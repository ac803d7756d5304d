"""The forecasters' contract: what goes into fit, predict and score, and what comes out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tsrnn import (
    GRUForecaster,
    LSTMForecaster,
    RNNForecaster,
    SimpleRNNForecaster,
    SlidingWindow,
)
from tsrnn.metrics import forecast_scorer
from tsrnn.model_selection import RollingOriginSplit

HORIZON = 3
TINY = {"horizon": HORIZON, "units": 4, "max_epochs": 3, "batch_size": 16, "random_state": 0}
WHOLE = TINY | {"context_length": 12}


def months(n_rows, start="2015-01"):
    return pd.date_range(start, periods=n_rows, freq="MS", name="month")


@pytest.fixture(scope="module")
def y():
    t = np.arange(60)
    values = 20 + 3 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(0).normal(0, 0.3, 60)
    return pd.Series(values, months(60), name="sales")


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(1)
    return pd.DataFrame({"promo": rng.normal(size=60), "price": rng.normal(size=60)}, months(60))


@pytest.fixture(scope="module")
def shops(y, X):
    """Three shops that open one after the other."""
    parts = {}
    for i, shop in enumerate("abc"):
        parts[shop] = pd.concat([y * (i + 1), X + i], axis=1).iloc[5 * i :]
    return pd.concat(parts, names=["shop", "month"])


@pytest.fixture(scope="module")
def fitted(y):
    """A forecaster of one series; copy it before you change it."""
    return GRUForecaster(**TINY).fit(y[:48])


def same(one, other):
    return np.allclose(one, other, rtol=1e-6)


# --- fit(X): what comes in comes out --------------------------------------------------------


def test_series(fitted, y):
    forecasts = fitted.predict()
    assert isinstance(forecasts, pd.Series)
    assert forecasts.name == "sales"
    assert forecasts.index.equals(y.index[48:51])
    assert forecasts.index.name == "month"
    assert np.abs(forecasts - y[48:51]).max() < 5


def test_frame(y, fitted):
    one = GRUForecaster(**TINY).fit(y[:48].to_frame())
    assert isinstance(one.predict(), pd.DataFrame)
    assert one.predict().columns.tolist() == ["sales"]
    assert same(one.predict()["sales"], fitted.predict())
    two = GRUForecaster(**TINY).fit(pd.DataFrame({"a": y, "b": 2 * y})[:48])
    assert two.predict().columns.tolist() == ["a", "b"]
    assert two.predict().shape == (HORIZON, 2)


def test_arrays(y):
    one = GRUForecaster(**TINY).fit(y.to_numpy()[:48])
    assert isinstance(one.predict(), np.ndarray)
    assert one.predict().shape == (HORIZON,)
    column = GRUForecaster(**TINY).fit(y.to_numpy()[:48, None])
    assert column.predict().shape == (HORIZON, 1)
    assert np.array_equal(column.predict()[:, 0], one.predict())
    as_list = GRUForecaster(**TINY).fit(y[:48].tolist())
    assert np.array_equal(as_list.predict(), one.predict())
    whole = GRUForecaster(**TINY, season_length=12).fit(y.to_numpy()[:48])
    assert same(whole.predict(), GRUForecaster(**TINY).fit(y[:48]).predict())


@pytest.mark.parametrize("kind", ["D", "h", "QS", "W-WED", "B", "periods", "integers"])
def test_times_go_on(kind):
    values = 5 + np.sin(np.arange(40.0))
    if kind == "periods":
        index = pd.period_range("2020-01", periods=43, freq="M")
    elif kind == "integers":
        index = pd.RangeIndex(100, 186, 2)
    else:
        index = pd.date_range("2020-01-01", periods=43, freq=kind)
    rows = pd.Series(values, index[:40])
    settings = TINY | {"season_length": 4, "max_epochs": 1}
    forecasts = SimpleRNNForecaster(**settings).fit(rows).predict()
    assert forecasts.index.equals(index[40:])
    assert forecasts.name is None


def test_panel(shops):
    forecaster = GRUForecaster(**TINY).fit(shops["sales"])
    forecasts = forecaster.predict()
    assert isinstance(forecasts, pd.Series)
    assert forecasts.index.names == ["shop", "month"]
    expected = pd.MultiIndex.from_product([list("abc"), months(HORIZON, "2020-01")])
    assert forecasts.index.equals(expected)
    two = GRUForecaster(**TINY, target=["sales", "price"], past_covariates="promo").fit(shops)
    assert two.predict().columns.tolist() == ["sales", "price"]


def test_cells():
    wave = np.sin(np.arange(50.0))
    for cell, kind in (
        ("lstm", LSTMForecaster),
        ("gru", GRUForecaster),
        ("simple_rnn", SimpleRNNForecaster),
    ):
        one, other = kind(**TINY).fit(wave), RNNForecaster(cell, **TINY).fit(wave)
        assert np.array_equal(one.predict(), other.predict())
        assert one.spec_ == other.spec_
        assert "cell" not in one.get_params()
        assert clone(one.set_params(units=3)).units == 3
    with pytest.raises(TypeError, match="cell"):
        LSTMForecaster(cell="gru")
    assert LSTMForecaster(5).horizon == 5


# --- predict(X) after fit(X): X is history --------------------------------------------------


def test_a_history_leads_to_what_follows_it(fitted, y):
    assert same(fitted.predict(y[:48]), fitted.predict())
    later = fitted.predict(y)
    assert later.index.equals(months(HORIZON, "2020-01"))
    earlier = fitted.predict(y[:30])
    assert earlier.index.equals(y.index[30:33])
    assert same(earlier, fitted.predict_at(y, [29])["sales"])


def test_rows_right_after_the_training_data_continue_it(fitted, y):
    assert same(fitted.predict(y[48:52]), fitted.predict(y[:52]))


def test_a_history_of_a_new_series(fitted, y):
    new = pd.Series(100 + 5 * np.cos(np.arange(30)), months(30, "1990-06"), name="sales")
    forecasts = fitted.predict(new)
    assert forecasts.index.equals(months(HORIZON, "1992-12"))
    assert forecasts.between(80, 120).all()


def test_trailing_rows_without_target_carry_covariates(y, X):
    rows = pd.concat([y, X], axis=1)
    forecaster = GRUForecaster(**TINY, target="sales").fit(rows[:48])
    ahead = rows[:53].copy()
    ahead.loc[ahead.index[48:], "sales"] = np.nan
    forecasts = forecaster.predict(ahead)
    assert forecasts.columns.tolist() == ["sales"]
    assert forecasts.index.equals(y.index[48:53])  # as many as there are rows
    assert same(forecasts[:HORIZON], forecaster.predict(ahead[:51]))
    assert same(forecasts[:HORIZON], forecaster.predict(ahead[48:51]))
    changed = ahead.copy()
    changed.loc[changed.index[50], "promo"] += 1
    assert not same(forecaster.predict(changed)[:HORIZON], forecasts[:HORIZON])
    # Covariates of rows that the training data held already are remembered.
    longer = GRUForecaster(**TINY, target="sales").fit(rows.assign(sales=rows["sales"][:57]))
    assert longer.predict().index.equals(y.index[57:])
    with pytest.raises(ValueError, match=r"\['promo', 'price'\] must be known over the horizon"):
        forecaster.predict()
    with pytest.raises(ValueError, match="2 rows follow the last observed target"):
        forecaster.predict(ahead[:50])


def test_panels_of_histories(shops):
    forecaster = GRUForecaster(**TINY).fit(shops["sales"])
    forecasts = forecaster.predict(shops["sales"])
    assert same(forecasts, forecaster.predict())
    one = forecaster.predict(shops.loc[["b"], "sales"])
    assert same(one, forecasts.loc[["b"]])
    new = shops["sales"].rename(index={"c": "new"}).iloc[:-4]
    assert forecaster.predict(new).index.get_level_values(0).unique().tolist() == ["a", "b", "new"]
    late = forecaster.predict(new).loc["new"]
    assert late.index.equals(months(HORIZON, "2019-09"))


@pytest.mark.parametrize("architecture", ["seq2vec", "seq2seq", "encoder_decoder", "vec2seq"])
def test_beyond_the_horizon_forecasts_are_fed_back(architecture, y):
    forecaster = GRUForecaster(**TINY, architecture=architecture).fit(y)
    far = forecaster.predict_at(y, [59], n_steps=8)["sales"].to_numpy()
    assert same(far[:HORIZON], forecaster.predict())
    by_hand, history = [], y
    for _ in range(3):
        by_hand.append(forecaster.predict(history))
        history = pd.concat([history, by_hand[-1]])
    assert np.allclose(far, pd.concat(by_hand)[:8], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.*missing target")
def test_beyond_the_horizon_after_a_long_gap(y):
    rows = pd.DataFrame({"a": y, "b": 2 * y + 5})
    rows.loc[rows.index[30:56], "b"] = np.nan
    forecaster = GRUForecaster(**WHOLE).fit(rows)
    far = forecaster.predict_at(rows, [59], n_steps=5).to_numpy()
    fed = pd.concat([rows, forecaster.predict(rows)])
    assert np.allclose(far[HORIZON:], forecaster.predict(fed)[:2], rtol=1e-6)
    # predict() reads the rows that are kept, and they know what stood before the gap.
    assert same(forecaster.predict(), far[:HORIZON])


def test_beyond_the_horizon_with_covariates(y, X):
    rows = pd.concat([y, X], axis=1)
    forecaster = GRUForecaster(**TINY, target="sales").fit(rows[:48])
    asked = rows[:54].copy()
    asked.loc[asked.index[48:], "sales"] = np.nan
    far = forecaster.predict(asked)
    asked.loc[asked.index[48:51], "sales"] = far["sales"][:HORIZON]
    assert same(far[HORIZON:], forecaster.predict(asked))


def test_past_covariates_end_at_the_horizon(y, X):
    rows = pd.concat([y, X], axis=1)
    forecaster = GRUForecaster(**TINY, target="sales", past_covariates=["promo", "price"])
    forecaster.fit(rows[:48])
    assert forecaster.predict().shape == (HORIZON, 1)
    with pytest.raises(ValueError, match=r"4 steps .* horizon=3 .*\['promo', 'price'\]"):
        forecaster.predict_at(rows, [47], n_steps=4)


# --- fit(X, y): X are covariates, predict(X) answers row by row -----------------------------


def test_x_and_y(X, y):
    settings = TINY | {"architecture": "encoder_decoder"}  # seq2vec reads a horizon as a whole
    forecaster = GRUForecaster(**settings).fit(X[:48], y[:48])
    forecasts = forecaster.predict(X[48:53])
    assert isinstance(forecasts, pd.Series)
    assert forecasts.name == "sales"
    assert forecasts.index.equals(y.index[48:53])
    assert same(forecaster.predict(X[48:50]), forecasts[:2])
    # It is the same question as one frame with a target.
    rows = pd.concat([y, X], axis=1)
    whole = GRUForecaster(**settings, target="sales").fit(rows[:48])
    ahead = rows[48:53].assign(sales=np.nan)
    assert same(whole.predict(ahead)["sales"], forecasts)


def test_x_and_y_of_two_targets(X, y):
    two = pd.DataFrame({"a": y, "b": -y})
    forecasts = GRUForecaster(**TINY).fit(X[:48], two[:48]).predict(X[48:52])
    assert forecasts.columns.tolist() == ["a", "b"]
    assert len(forecasts) == 4


def test_x_and_y_as_arrays(X, y):
    forecaster = GRUForecaster(**TINY, season_length=12).fit(X.to_numpy()[:48], y.to_numpy()[:48])
    forecasts = forecaster.predict(X.to_numpy()[48:53])
    assert forecasts.shape == (5,)
    pandas = GRUForecaster(**TINY).fit(X[:48], y[:48]).predict(X[48:53])
    assert same(forecasts, pandas)


def test_x_and_y_of_a_panel(shops):
    last = shops.groupby(level=0).cumcount(ascending=False) < 4
    covariates = shops[["promo", "price"]]
    forecaster = GRUForecaster(**TINY).fit(covariates[~last], shops["sales"][~last])
    forecasts = forecaster.predict(covariates[last])
    assert forecasts.index.equals(covariates[last].index)
    by_time = covariates[last].sort_index(level=["month", "shop"])
    mixed = forecaster.predict(by_time)
    assert mixed.index.equals(by_time.index)
    assert same(mixed[forecasts.index], forecasts)


def test_x_that_does_not_follow_the_training_data(X, y):
    forecaster = GRUForecaster(**TINY).fit(X[:40], y[:40])
    with pytest.raises(ValueError, match="the training data ended at 2018-04-01"):
        forecaster.predict(X[45:50])
    with pytest.raises(ValueError, match="the training data ended at 2018-04-01"):
        forecaster.score(X[45:50], y[45:50])


# --- windows and ready-made windows ---------------------------------------------------------


@pytest.mark.parametrize("architecture", ["seq2vec", "seq2seq", "encoder_decoder"])
def test_sliding_window_in_a_pipeline_is_the_forecaster_alone(architecture, y):
    settings = WHOLE | {"architecture": architecture}
    alone = GRUForecaster(**settings).fit(y[:48])
    steps = [
        ("window", SlidingWindow(context_length=12, horizon=HORIZON)),
        ("gru", GRUForecaster(**settings | {"context_length": "auto"})),
    ]
    pipeline = Pipeline(steps).fit(y[:48])
    inner = pipeline[-1]
    assert inner.n_windows_ == alone.n_windows_
    for one, other in zip(inner.weights_[0], alone.weights_[0], strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(pipeline.predict(y[:48]), alone.predict())
    assert pipeline.predict(y).index.equals(alone.predict(y).index)
    assert np.array_equal(pipeline.predict(y), alone.predict(y))


def test_a_slice_of_windows(y):
    windows = SlidingWindow(context_length=12, horizon=HORIZON).fit_transform(y)
    part = GRUForecaster(**TINY).fit(windows[:20])
    assert part.n_windows_ == 20
    assert part.predict().shape == (HORIZON,)
    assert part.predict().index.equals(months(HORIZON, "2020-01"))
    # Forecasts follow the end of the panel, whichever windows of it are given.
    assert np.array_equal(part.predict(windows[:20]), part.predict(windows))
    from_each = part.predict_at(windows, windows[:20].cutoffs)
    assert from_each.index.unique("cutoff").equals(y.index[windows[:20].cutoffs])
    with pytest.raises(ValueError, match="horizon=2, but the windows have horizon=3"):
        GRUForecaster(**TINY | {"horizon": 2}).fit(windows)
    with pytest.raises(ValueError, match="context_length=10, but the windows show 12 steps"):
        GRUForecaster(**TINY, context_length=10).fit(windows)


def test_a_scaler_before_the_forecaster(y):
    frame = y.to_frame()
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = Pipeline([("scale", scaler), ("gru", GRUForecaster(**TINY))]).fit(frame[:48])
    scaled = StandardScaler().set_output(transform="pandas").fit(frame[:48]).transform(frame[:48])
    assert same(pipeline.predict(frame[:48]), GRUForecaster(**TINY).fit(scaled).predict())


def ready_made(values, context_length=12):
    starts = range(len(values) - context_length - HORIZON + 1)
    past = np.stack([values[i : i + context_length] for i in starts])
    future = np.stack([values[i + context_length :][:HORIZON] for i in starts])
    return past, future


def test_ready_made_windows_are_the_windows_of_the_series(y):
    values = y.to_numpy()[:48, None]
    past, future = ready_made(values)
    settings = TINY | {"reference": "last"}
    forecaster = GRUForecaster(**settings).fit(past, future)
    alone = GRUForecaster(**settings, context_length=12).fit(values)
    for one, other in zip(forecaster.weights_[0], alone.weights_[0], strict=True):
        assert np.allclose(one, other, atol=1e-5)
    assert forecaster.predict(past).shape == (len(past), HORIZON, 1)
    last = forecaster.predict(values[None, -12:])
    assert np.allclose(last[0], alone.predict(), rtol=1e-5)


def test_ready_made_windows_of_two_dimensional_y(y):
    past, future = ready_made(y.to_numpy()[:48, None])
    forecaster = GRUForecaster(**TINY).fit(past, future[:, :, 0])
    assert forecaster.predict(past[:5]).shape == (5, HORIZON)
    whole = GRUForecaster(**TINY).fit(past, future)
    assert same(whole.predict(past[:5])[:, :, 0], forecaster.predict(past[:5]))


def test_ready_made_windows_with_more_features(y, X):
    values = pd.concat([y, X], axis=1).to_numpy()
    past, future = ready_made(values)
    forecaster = GRUForecaster(**TINY).fit(past, future[:, :, :1])
    before = forecaster.predict(past[:4])
    assert before.shape == (4, HORIZON, 1)
    changed = past[:4].copy()
    changed[:, -1, 2] += 1
    assert not same(forecaster.predict(changed), before)


@pytest.mark.parametrize(
    ("past", "future", "message"),
    [
        ((10, 12, 1), (10, 2), r"y has shape \(10, 2\); with X of shape .* \(10, 3\)"),
        ((10, 12, 1), (9, 3), r"y has shape \(9, 3\)"),
        ((10, 12, 1), (10, 3, 2), "y has 2 targets, but X only 1 features"),
    ],
)
def test_ready_made_windows_that_do_not_fit(past, future, message):
    with pytest.raises(ValueError, match=message):
        GRUForecaster(**TINY).fit(np.ones(past), np.ones(future))


# --- update, score, the fitted network ------------------------------------------------------


def test_update_appends_without_refitting(y):
    forecaster = GRUForecaster(**TINY).fit(y[:48])
    weights = forecaster.weights_
    expected = forecaster.predict(y[:53])
    assert forecaster.update(y[48:53]) is forecaster
    assert forecaster.weights_ is weights
    assert same(forecaster.predict(), expected)
    assert forecaster.predict().index.equals(y.index[53:56])
    with pytest.raises(ValueError, match="the training data ended at 2019-05-01"):
        forecaster.update(y[55:])


def test_update_with_covariates(X, y):
    forecaster = GRUForecaster(**TINY).fit(X[:48], y[:48])
    expected = GRUForecaster(**TINY).fit(X[:48], y[:48]).update(X[48:50], y[48:50])
    forecaster.update(X[48:49], y[48:49]).update(X[49:50], y[49:50])
    assert same(forecaster.predict(X[50:55]), expected.predict(X[50:55]))


def test_update_some_series_of_a_panel(shops):
    sales = shops["sales"]
    forecaster = GRUForecaster(**TINY).fit(sales)
    before = forecaster.predict()
    new = pd.Series(
        [30.0, 31.0],
        pd.MultiIndex.from_product([["b"], months(2, "2020-01")], names=["shop", "month"]),
        name="sales",
    )
    after = forecaster.update(new).predict()
    assert after.index.get_level_values(0).unique().tolist() == ["a", "b", "c"]
    assert same(after.loc["a"], before.loc["a"]) and same(after.loc["c"], before.loc["c"])
    assert after.loc["b"].index.equals(months(HORIZON, "2020-03"))


def test_history_is_short(y):
    long = pd.concat([y] * 5, ignore_index=True)
    forecaster = GRUForecaster(**TINY, season_length=12, reference="seasons").fit(long)
    assert len(forecaster.history_.values) == forecaster.spec_.context_length == 24


def test_score_is_the_skill_over_seasonal_naive(fitted, y):
    test = y[48:]
    forecasts, naive = [], []
    for cutoff in range(48, 60, HORIZON):
        forecasts.append(fitted.predict(y[:cutoff]))
        naive.append(y[cutoff - 12 : cutoff - 12 + HORIZON].to_numpy())
    error = np.abs(test - pd.concat(forecasts)).mean()
    naive_error = np.abs(test - np.concatenate(naive)).mean()
    assert fitted.score(test) == pytest.approx(1 - error / naive_error, rel=1e-6)
    # Rows that training held are left out, not scored.
    assert fitted.score(y[40:]) == pytest.approx(fitted.score(test), rel=1e-9)
    # A last part shorter than the horizon counts as far as it goes.
    y_true, y_pred = fitted.rolling_predict(y[48:52])
    assert np.array_equal(y_true[:, 0], y[48:52])
    assert same(y_pred[:, 0], pd.concat(forecasts)[:4])


def test_score_with_covariates_and_panels(X, y, shops):
    forecaster = GRUForecaster(**TINY).fit(X[:48], y[:48])
    assert np.isfinite(forecaster.score(X[48:], y[48:]))
    last = shops.groupby(level=0).cumcount(ascending=False) < 6
    one = GRUForecaster(**TINY).fit(shops["sales"][~last])
    truth, forecasts = one.rolling_predict(shops["sales"][last])
    assert np.array_equal(truth[:, 0], shops["sales"][last])
    naive = shops["sales"].groupby(level=0).shift(12)[last]
    skill = 1 - np.abs(truth - forecasts).mean() / np.abs(truth[:, 0] - naive).mean()
    assert one.score(shops["sales"][last]) == pytest.approx(skill, rel=1e-9)


def test_model_gives_the_forecasts(y):
    forecaster = GRUForecaster(**WHOLE, reference="mean").fit(y[:48])
    context = y.to_numpy()[36:48]
    scaled = ((context - context.mean()) / context.std())[None, :, None]
    outputs = np.asarray(forecaster.model_({"context": scaled.astype(np.float32)}))[0, :, 0]
    assert same(context.mean() + context.std() * outputs, forecaster.predict())


def test_season_of_the_reference(y):
    settings = TINY | {"learning_rate": 1e-12, "reference": "season"}
    forecaster = GRUForecaster(**settings).fit(y[:48])
    assert forecaster.season_length_ == 12
    assert np.allclose(forecaster.predict(), y[36:39], atol=1e-4)
    weekly = GRUForecaster(**settings, season_length=7).fit(y[:48])
    assert np.allclose(weekly.predict(), y[41:44], atol=1e-4)
    several = GRUForecaster(**settings, season_length=[12, 7]).fit(y[:48])
    assert several.season_length_ == 7


def test_auto_resolves_to_numbers(fitted):
    assert fitted.spec_.context_length == 24
    assert fitted.spec_.segment_length == 1
    assert isinstance(fitted.train_spec_.batch_size, int)
    assert fitted.train_spec_.patience is None
    assert fitted.best_epoch_ == 2


def test_parameters_set_after_fit_wait_for_the_next(y):
    forecaster = GRUForecaster(**TINY, n_members=2).fit(y[:48])
    past, future = ready_made(y.to_numpy()[:48, None])
    windows = GRUForecaster(**TINY).fit(past, future)

    def answers():
        return [
            forecaster.predict(),
            forecaster.predict(y[:53]),
            forecaster.predict_at(y, [50]),
            *forecaster.rolling_predict(y[48:]),
            forecaster.score(y[48:]),
            windows.predict(past[:4]),
            windows.score(past, future),
        ]

    before = answers()
    later = {"horizon": 7, "n_members": 1, "architecture": "vec2seq", "season_length": 5}
    forecaster.set_params(**later)
    windows.set_params(**later)
    assert forecaster.horizon_ == HORIZON
    assert len(forecaster.model_) == 2
    for one, other in zip(before, answers(), strict=True):
        assert np.array_equal(one, other)
    assert forecaster.fit(y[:48]).predict().shape == (7,)


def test_refit_forgets(y, X):
    forecaster = GRUForecaster(**TINY).fit(X, y)
    expected = GRUForecaster(**TINY).fit(y[:48]).predict()
    assert np.array_equal(forecaster.fit(y[:48]).predict(), expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"horizon": 0}, "horizon=0 must be a whole number"),
        ({"units": 2.5}, "units=2.5 must be a whole number"),
        ({"architecture": "seq"}, r"architecture='seq' must be one of \['auto', 'seq2vec'"),
        ({"cell": "rnn"}, r"cell='rnn' must be one of \['simple_rnn', 'lstm', 'gru'\]"),
        ({"dropout": 1.0}, "dropout=1.0 must be .*at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be .*above 0"),
        ({"context_length": 10, "segment_length": 4}, "context_length=10 .* use 12"),
        ({"context_length": 58}, "60 rows are too few for context_length=58 .* need 61"),
        ({"schedule": "step"}, "schedule='step' must be one of"),
    ],
)
def test_parameters_out_of_range(params, message, y):
    with pytest.raises(ValueError, match=message):
        RNNForecaster(**TINY | params).fit(y)


# --- scikit-learn's tools -------------------------------------------------------------------


def test_grid_search_over_rolling_origins(y):
    grid = {"cell": ["gru", "simple_rnn"], "units": [2, 4]}
    search = GridSearchCV(RNNForecaster(**TINY), grid, cv=RollingOriginSplit(3, horizon=HORIZON))
    search.fit(y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all() and len(set(scores)) == 4
    best = search.best_params_
    by_hand = [
        RNNForecaster(**TINY | best).fit(y.iloc[train]).score(y.iloc[test])
        for train, test in RollingOriginSplit(3, horizon=HORIZON).split(y)
    ]
    assert search.best_score_ == pytest.approx(np.mean(by_hand))
    assert search.predict(y).index.equals(months(HORIZON, "2020-01"))


def test_grid_search_over_time_series_splits(X, y):
    search = GridSearchCV(
        GRUForecaster(**TINY), {"units": [2, 4]}, cv=TimeSeriesSplit(2, test_size=5)
    )
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(X.set_axis(months(60, "2020-01"))[:4]).shape == (4,)


def test_cross_validate_with_covariates(X, y):
    cv = TimeSeriesSplit(3, test_size=5)
    scoring = {"skill": forecast_scorer("mae"), "mae": "neg_mean_absolute_error"}
    result = cross_validate(
        GRUForecaster(**TINY), X, y, cv=cv, scoring=scoring, return_estimator=True
    )
    # scikit-learn's scorers ask predict row by row; the forecaster answers beyond its horizon.
    for fold, (train, test) in enumerate(cv.split(X)):
        forecaster = GRUForecaster(**TINY).fit(X.iloc[train], y.iloc[train])
        error = np.abs(forecaster.predict(X.iloc[test]) - y.iloc[test]).mean()
        assert result["test_mae"][fold] == pytest.approx(-error, rel=1e-9)
    scores = cross_val_score(GRUForecaster(**TINY), X, y, cv=cv)
    assert np.isfinite(scores).all()


def test_cross_validate_panels(shops):
    cv = RollingOriginSplit(2, horizon=HORIZON)
    scores = cross_val_score(GRUForecaster(**TINY), shops["sales"], cv=cv)
    assert scores.shape == (2,) and np.isfinite(scores).all()
    covariates = shops[["promo", "price"]]
    result = cross_validate(
        GRUForecaster(**TINY),
        covariates,
        shops["sales"],
        cv=cv,
        scoring="neg_mean_absolute_error",
        return_indices=True,
    )
    train, test = (result["indices"][part][0] for part in ("train", "test"))
    forecaster = GRUForecaster(**TINY).fit(covariates.iloc[train], shops["sales"].iloc[train])
    error = np.abs(forecaster.predict(covariates.iloc[test]) - shops["sales"].iloc[test]).mean()
    assert result["test_score"][0] == pytest.approx(-error, rel=1e-9)


def test_cross_val_predict_needs_a_partition(X, y):
    with pytest.raises(ValueError, match="partitions"):
        cross_val_predict(GRUForecaster(**TINY), X, y, cv=TimeSeriesSplit(2))
