"""Displays draw what they hold, for every kind of time, and import matplotlib only then."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from tsrnn.baselines import Naive, SeasonalNaive
from tsrnn.intervals import ConformalForecaster
from tsrnn.model_selection import RollingOriginSplit, backtest
from tsrnn.plotting import BacktestDisplay, CalibrationDisplay, ForecastDisplay, TrainingDisplay

VALUES = np.tile([1.0, 4, 2, 6], 12)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def series(index, name="sales"):
    return pd.Series(VALUES, index=index, name=name)


KINDS = {
    "periods": series(pd.period_range("2020-01", periods=48, freq="M", name="month")),
    "quarters": series(pd.period_range("2010Q1", periods=48, freq="Q")),
    "timestamps": series(pd.date_range("2020-01", periods=48, freq="MS")),
    "zone": series(pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin")),
    "integers": series(range(100, 148)),
    "default index": series(None),
    "array": VALUES,
}


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def legend_labels(display):
    legends = display.figure_.legends or [np.ravel(display.ax_)[0].get_legend()]
    return [text.get_text() for text in legends[0].get_texts()]


def drawn(display):
    """Draw everything, which raises where locators, formatters or layout are at odds."""
    display.figure_.canvas.draw()
    return display


# Forecasts


@pytest.mark.parametrize("kind", KINDS)
def test_forecast_of_every_kind_of_time(kind):
    data = KINDS[kind]
    history, truth = data[:40], data[40:]
    forecaster = SeasonalNaive(8, season_length=4).fit(history)
    display = drawn(ForecastDisplay.from_estimator(forecaster, truth=truth))
    parts = lines(display.ax_)
    for name, expected in (("observed later", truth), ("forecast", forecaster.predict())):
        x, y = parts[name].get_data()
        assert y[1:] == pytest.approx(np.asarray(expected))
        assert x[0] == parts["observed"].get_xdata()[-1] < x[1]  # goes on from the history
    assert parts["observed"].get_ydata() == pytest.approx(np.asarray(history))
    assert parts["forecast"].get_xdata() == pytest.approx(parts["observed later"].get_xdata())
    assert display.ax_.get_ylabel() == ("value" if kind == "array" else "sales")
    assert display.ax_.get_title(loc="left") == "Forecast of SeasonalNaive"
    assert legend_labels(display) == ["observed", "forecast", "observed later"]


def test_dates_are_those_of_the_time_zone():
    data = KINDS["zone"]
    display = drawn(ForecastDisplay.from_predictions(data[:40], data[40:], n_history=None))
    assert display.ax_.get_xlabel() == "time (Europe/Berlin)"
    x = lines(display.ax_)["forecast"].get_xdata()
    assert mdates.num2date(x[1]) == data.index[40].to_pydatetime()
    ticks = mdates.num2date(display.ax_.get_xticks(), tz="Europe/Berlin")
    assert {tick.minute for tick in ticks} == {0}


def test_axis_names_and_units():
    display = ForecastDisplay.from_predictions(KINDS["periods"][:40], KINDS["periods"][40:])
    assert display.ax_.get_xlabel() == "month"
    x = lines(display.ax_)["forecast"].get_xdata()
    assert mdates.num2date(x[1]).date().isoformat() == "2023-05-01"


def test_history_is_cut():
    data = series(pd.RangeIndex(48))
    for n_history, expected in (("auto", 36), (5, 5), (None, 46)):
        display = ForecastDisplay.from_predictions(data[:46], data[46:], n_history=n_history)
        assert len(lines(display.ax_)["observed"].get_xdata()) == expected


def test_rows_with_known_covariates_are_no_history():
    data = series(pd.RangeIndex(48))
    history = data.where(data.index < 40)
    display = ForecastDisplay.from_predictions(history, data[40:], n_history=None)
    assert lines(display.ax_)["observed"].get_xdata()[-1] == 39


def panel(n_series):
    return pd.concat({f"s{i}": KINDS["periods"].to_frame() + i for i in range(n_series)})


def test_panel_has_small_multiples():
    X = panel(3)
    forecaster = SeasonalNaive(4, season_length=4).fit(X)
    display = drawn(ForecastDisplay.from_estimator(forecaster))
    assert [ax.get_title(loc="left") for ax in display.ax_] == ["s0", "s1", "s2"]
    assert [ax.get_ylabel() for ax in display.ax_] == ["sales"] * 3
    assert lines(display.ax_[2])["forecast"].get_ydata()[1:] == pytest.approx(VALUES[:4] + 2)
    assert len(display.figure_.axes) == 3
    assert display.figure_.get_suptitle() == "Forecast of SeasonalNaive"


def test_cap_is_stated():
    X = panel(14)
    forecaster = Naive(4).fit(X)
    display = ForecastDisplay.from_estimator(forecaster)
    assert len(display.ax_) == 12
    assert display.figure_.get_suptitle() == "Forecast of Naive (12 of 14 panels)"
    few = ForecastDisplay.from_estimator(forecaster, max_panels=1, name="it")
    assert few.figure_.get_suptitle() == "Forecast of it (1 of 14 panels)"
    assert few.ax_.get_title(loc="left") == "s0"


def test_series_are_chosen():
    forecaster = Naive(4).fit(panel(3))
    display = ForecastDisplay.from_estimator(forecaster, series=["s2", "s0"])
    assert [ax.get_title(loc="left") for ax in display.ax_] == ["s0", "s2"]
    assert ForecastDisplay.from_estimator(forecaster, series="s1").ax_.get_ylabel() == "sales"
    with pytest.raises(ValueError, match=r"series='s9' has no forecast; there are \['s0', 's1'"):
        ForecastDisplay.from_estimator(forecaster, series="s9")


@pytest.mark.parametrize("as_array", [False, True])
def test_several_targets(as_array):
    X = pd.DataFrame({"a": VALUES, "b": -VALUES})
    X = X.to_numpy() if as_array else X
    display = drawn(ForecastDisplay.from_estimator(Naive(3).fit(X), title="Both"))
    assert [ax.get_ylabel() for ax in display.ax_] == (["value", "1"] if as_array else ["a", "b"])
    assert lines(display.ax_[1])["forecast"].get_ydata()[1:].tolist() == [-6] * 3
    assert display.figure_.get_suptitle() == "Both"


def test_history_given_to_predict():
    display = ForecastDisplay.from_estimator(Naive(2).fit(VALUES), VALUES[:20])
    assert lines(display.ax_)["forecast"].get_xdata().tolist() == [19, 20, 21]


def test_axes_of_the_caller():
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    display = drawn(ForecastDisplay.from_estimator(Naive(2).fit(VALUES), ax=left))
    assert display.ax_ is left and display.figure_ is figure
    assert left.get_legend() is not None and not figure.legends
    title, legend = left._left_title, left.get_legend()  # the legend stands between title and data
    assert legend.get_window_extent().y0 >= left.get_window_extent().y1
    assert title.get_window_extent().y0 >= legend.get_window_extent().y1 - 1
    with pytest.raises(ValueError, match="ax holds 2 axes, but the plot has 1 panels; give 1"):
        ForecastDisplay.from_estimator(Naive(2).fit(VALUES), ax=[left, right])


def test_legend_below_covers_no_axes():
    display = drawn(ForecastDisplay.from_estimator(Naive(2).fit(panel(6))))
    top = display.figure_.legends[0].get_window_extent().y1
    assert all(ax.get_tightbbox().y0 >= top for ax in display.ax_)


def test_forecast_errors():
    class Bare(BaseEstimator):
        def predict(self, X=None):
            return VALUES

    with pytest.raises(ValueError, match="Bare keeps no history_; give the history as X"):
        ForecastDisplay.from_estimator(Bare())
    with pytest.raises(ValueError, match="the array has 1 columns, but the history 3 series"):
        ForecastDisplay.from_predictions(panel(3), VALUES)


def test_history_of_one_row_is_a_dot():
    display = ForecastDisplay.from_predictions(KINDS["periods"][:1], KINDS["periods"][1:3])
    assert lines(display.ax_)["observed"].get_marker() == "o"


def test_init_only_keeps_data():
    display = ForecastDisplay(1, 2, 3, name="n")
    assert (display.history, display.forecast, display.truth, display.name) == (1, 2, 3, "n")
    assert not hasattr(display, "figure_")


# Backtests


def result_of(data, **options):
    models = {"seasonal": SeasonalNaive(season_length=4), "naive": Naive()}
    options = {"n_splits": 3, "horizon": 4, **options}
    return backtest(models, data, cv=RollingOriginSplit(**options))


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_a_backtest(kind):
    result = result_of(KINDS[kind])
    display = drawn(result.plot())
    by_horizon, by_cutoff = display.ax_
    assert lines(by_horizon)["naive"].get_xdata().tolist() == [1, 2, 3, 4]
    assert lines(by_horizon)["naive"].get_ydata() == pytest.approx(result.by_horizon()["naive"])
    assert lines(by_cutoff)["naive"].get_ydata() == pytest.approx(result.by_cutoff()["naive"])
    assert by_horizon.get_xlabel() == "steps ahead" and by_horizon.get_ylabel() == "MAE"
    assert by_cutoff.get_xlabel().startswith("cutoff")
    assert legend_labels(display) == ["seasonal", "naive"]


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_of_a_backtest(kind):
    result = result_of(KINDS[kind], step=6)
    display = drawn(result.plot("forecasts", models="naive"))
    segments = [line for line in display.ax_.get_lines() if line.get_color() == "#D55E00"]
    assert [len(line.get_xdata()) for line in segments] == [4, 4, 4]
    table = result.table[result.table["model"] == "naive"]
    assert np.concatenate([s.get_ydata() for s in segments]) == pytest.approx(table["y_pred"])
    observed = lines(display.ax_)["observed"].get_ydata()
    assert np.isnan(observed).sum() == 4  # the line does not bridge what was not tested
    assert legend_labels(display) == ["observed", "naive", "cutoff"]


def test_kinds_metric_and_models():
    result = result_of(KINDS["periods"])
    display = result.plot("horizon", metric="smape", title="How far")
    assert display.ax_.get_ylabel() == "sMAPE"
    assert display.ax_.get_title(loc="left") == "How far"
    display = BacktestDisplay.from_result(result, metric="mase").plot("cutoff", models=["naive"])
    assert display.ax_.get_title(loc="left") == "MASE by cutoff"
    assert legend_labels(display) == ["naive"]
    naive = lines(display.ax_)["naive"]
    both = lines(result.plot("cutoff").ax_)["naive"]
    assert naive.get_color() == both.get_color()  # a model keeps its colour
    assert result.plot(title="All").figure_.get_suptitle() == "All"


def test_forecasts_of_a_panel():
    result = result_of(panel(3))
    display = drawn(result.plot("forecasts", series="s2"))
    assert [ax.get_title(loc="left") for ax in display.ax_] == ["seasonal", "naive"]
    assert display.figure_.get_suptitle() == "Forecasts of s2"
    assert lines(display.ax_[0])["observed"].get_ydata()[-1] == 8
    assert legend_labels(display) == ["observed", "cutoff"]


def test_many_models_differ():
    index = pd.RangeIndex(1, 41, name="step")
    errors = pd.DataFrame({f"m{i}": np.arange(40.0) + i for i in range(9)}, index=index)
    display = drawn(BacktestDisplay(errors, errors, pd.DataFrame()).plot("horizon"))
    looks = {(li.get_color(), li.get_linestyle()) for li in display.ax_.get_lines()}
    assert len(looks) == 9


def with_quantiles(quantiles):
    models = {"naive": ConformalForecaster(Naive(2), 0.5, n_splits=9), "bare": Naive(2)}
    return backtest(
        models, KINDS["periods"], cv=RollingOriginSplit(3, horizon=2), quantiles=quantiles
    )


def test_intervals_are_bands():
    result = with_quantiles([0.1, 0.3, 0.5, 0.7, 0.9])
    display = drawn(result.plot("forecasts", models="naive"))
    table = result.table[result.table["model"] == "naive"]
    bands = [path for c in display.ax_.collections for path in c.get_paths() if len(path.vertices)]
    assert len(bands) == 6  # two at each of three cutoffs
    first = bands[0].vertices[:, 1]
    assert first.min() == table["q0.1"][:2].min() and first.max() == table["q0.9"][:2].max()
    expected = ["observed", "naive", "cutoff", "80% interval", "40% interval"]
    assert legend_labels(display) == expected
    both = drawn(result.plot("forecasts")).ax_
    assert [len(ax.collections) for ax in both] == [6, 0]


def test_calibration_of_a_backtest():
    result = with_quantiles([0.2, 0.5, 0.8])
    display = drawn(CalibrationDisplay.from_result(result).plot(title="Held"))
    naive = lines(display.ax_)["naive"]
    assert naive.get_xdata().tolist() == [0.2, 0.5, 0.8]
    assert naive.get_ydata() == pytest.approx(result.calibration()["naive"])
    assert legend_labels(display) == ["calibrated", "naive"]
    assert display.ax_.get_title(loc="left") == "Held"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "pie"}, r"kind='pie' is none of \['errors', 'horizon', 'cutoff', 'forecasts'\]"),
        ({"models": ["lstm"]}, r"models='lstm' is none of \['seasonal', 'naive'\]"),
        ({"kind": "forecasts", "series": "x"}, r"series='x' is none of \[0\]"),
        ({"kind": "forecasts", "target": "x"}, r"target='x' is none of \['sales'\]"),
    ],
)
def test_backtest_errors(options, message):
    with pytest.raises(ValueError, match=message):
        result_of(KINDS["periods"]).plot(**options)


def test_backtest_on_axes_of_the_caller():
    _, axes = plt.subplots(2, layout="constrained")
    display = drawn(result_of(KINDS["periods"]).plot("forecasts", axes))
    assert list(display.ax_) == list(axes)


# Training


LOSSES = {"loss": [3.0, 2.0, 1.5, 1.4], "val_loss": [3.1, 2.2, 2.0, 2.4]}


class Trained(BaseEstimator):
    """Keeps losses."""

    def __init__(self, losses, best=None, attribute="losses_"):
        setattr(self, attribute, losses)
        if best is not None:
            self.best_epoch_ = best


@pytest.mark.parametrize("attribute", ["losses_", "history_"])
@pytest.mark.parametrize("kind", [dict, pd.DataFrame])
def test_losses(kind, attribute):
    display = drawn(TrainingDisplay.from_estimator(Trained(kind(LOSSES), 2, attribute)))
    parts = lines(display.ax_)
    assert parts["training"].get_ydata().tolist() == LOSSES["loss"]
    assert parts["validation"].get_ydata().tolist() == LOSSES["val_loss"]
    assert parts["best epoch (2)"].get_xydata().tolist() == [[2, 2.0]]
    assert display.ax_.get_title(loc="left") == "Training of Trained"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss")


def test_losses_without_validation():
    display = drawn(TrainingDisplay({"loss": [3.0, 2.0]}, 1).plot(log_scale=True, title="T"))
    assert legend_labels(display) == ["training", "best epoch (1)"]
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_title(loc="left") == "T"


@pytest.mark.parametrize("as_list", [True, False])
def test_members_of_an_ensemble(as_list):
    members = [pd.DataFrame(LOSSES).assign(member=i, epoch=range(4)) for i in range(3)]
    losses = [m.drop(columns="member") for m in members] if as_list else pd.concat(members)
    display = drawn(TrainingDisplay.from_estimator(Trained(losses, [2, 1, 2])))
    drawn_lines = display.ax_.get_lines()
    assert sum(line.get_label() == "training" for line in drawn_lines) == 3
    dots = [line.get_xdata()[0] for line in drawn_lines if line.get_label() == "best epoch"]
    assert dots == [2, 1, 2]
    assert legend_labels(display) == ["training", "validation", "best epoch"]


def test_one_epoch_is_a_dot():
    display = TrainingDisplay({"loss": [3.0]}).plot()
    assert lines(display.ax_)["training"].get_marker() == "o"


def test_training_errors():
    with pytest.raises(ValueError, match="Naive keeps no losses_ of its training"):
        TrainingDisplay.from_estimator(Naive().fit(VALUES))
    with pytest.raises(ValueError, match=r"losses has the columns \['mse'\]; it needs 'loss'"):
        TrainingDisplay({"mse": [1.0]}).plot()
    with pytest.raises(ValueError, match="best_epoch has 2 entries for 1 members"):
        TrainingDisplay(LOSSES, [1, 2]).plot()


def test_matplotlib_is_imported_only_by_plot():
    code = (
        "import sys, tsrnn.plotting as p, tsrnn.model_selection; p.ForecastDisplay(1, 2);"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
