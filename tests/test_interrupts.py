"""Ctrl-C ends a fit with the best epoch so far, and stops a search."""

import os
import signal
import threading

import keras
import numpy as np
import pandas as pd
import pytest
from joblib import Memory
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import ConformalForecaster, GRUForecaster, RollingOriginSplit, backtest, planning
from tsrnn.nn import checkpoint, loop, training

TINY = {"horizon": 2, "context_length": 8, "units": 3, "batch_size": 16, "random_state": 0}
TINY |= {"schedule": "constant", "max_epochs": 6}


def wave(n_rows=60, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.3, n_rows)
    return pd.Series(20 + 3 * np.sin(2 * np.pi * np.arange(n_rows) / 7) + noise, name="y")


def ctrl_c():
    """What the terminal does, with the handler of a program that stands in front."""
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module", autouse=True)
def compiled_networks():
    """Compile, whether it pays or not: an interrupt may come in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "pays_to_compile", lambda *plan: True)
        yield


@pytest.fixture(autouse=True)
def in_front():
    """Take SIGINT as a program does that was not started in the background."""
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, was)


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Copy the state after every epoch."""
    monkeypatch.setattr(loop, "_TIMES", 0.0)


class Press(keras.callbacks.Callback):
    """Press Ctrl-C in a hook of an epoch; copies of it count together."""

    def __init__(self, hook, epoch=0, fit=0, done=None):
        super().__init__()
        self.hook, self.epoch, self.fit = hook, epoch, fit
        self.begun = [] if done is None else done

    def __deepcopy__(self, memo):
        return Press(self.hook, self.epoch, self.fit, self.begun)

    def _press(self, hook):
        if (hook, self.now, len(self.begun) - 1) == (self.hook, self.epoch, self.fit):
            ctrl_c()

    def on_train_begin(self, logs=None):
        self.begun.append(1)

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch
        self._press("begin")

    def on_train_batch_begin(self, batch, logs=None):
        self._press("before")

    def on_train_batch_end(self, batch, logs=None):
        self._press("after")

    def on_test_end(self, logs=None):
        self._press("checked")

    def on_epoch_end(self, epoch, logs=None):
        self._press("end")


def same(one, other):
    """Whether two fits forecast the same, bit for bit."""
    weights = zip(one.weights_, other.weights_, strict=True)
    equal = all(map(np.array_equal, *pair) for pair in weights)
    return equal and np.array_equal(one.predict(), other.predict())


@pytest.fixture(scope="module")
def until():
    """Fits of as many epochs, of one member."""
    return {n: GRUForecaster(**TINY | {"max_epochs": n}).fit(wave()) for n in (3, 6)}


# --- what is kept ---------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["begin", "before", "after", "end"])
def test_the_last_complete_epoch_is_kept(hook, until):
    press = Press(hook, 3)
    forecaster = GRUForecaster(**TINY, callbacks=[press])
    message = r"interrupted after 3 of 6 epochs; .* epoch 2 \(from 0\): fit again with warm_start="
    with pytest.warns(UserWarning, match=message) as caught:
        forecaster.fit(wave())
    assert caught[0].filename == __file__
    assert same(forecaster, until[3])
    assert forecaster.losses_.equals(until[3].losses_)
    assert forecaster.best_epoch_ == 2
    assert press.model is None
    assert same(forecaster.set_params(callbacks=None).fit(wave()), until[6])


@pytest.mark.parametrize("hook", ["after", "checked", "end"])
def test_with_early_stopping_the_best_epoch_is_kept(hook):
    params = TINY | {"early_stopping": True, "patience": 9, "learning_rate": 0.5}
    params |= {"max_epochs": 9}
    whole = GRUForecaster(**params).fit(wave())
    losses = whole.losses_["val_loss"].to_numpy()
    epoch = next(n for n in range(2, 9) if losses[:n].argmin() < n - 1)
    with pytest.warns(UserWarning, match=f"after {epoch} of 9 epochs"):
        forecaster = GRUForecaster(**params, callbacks=[Press(hook, epoch)]).fit(wave())
    assert forecaster.best_epoch_ == losses[:epoch].argmin()
    assert forecaster.losses_.equals(whole.losses_[:epoch])
    best = GRUForecaster(**params | {"max_epochs": int(forecaster.best_epoch_) + 1})
    assert same(forecaster, best.fit(wave()))


def test_an_average_of_weights_is_taken_of_the_last_complete_epoch():
    params = TINY | {"optimizer": keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)}
    with pytest.warns(UserWarning, match="after 3 of 6"):
        forecaster = GRUForecaster(**params, callbacks=[Press("after", 3)]).fit(wave())
    assert same(forecaster, GRUForecaster(**params | {"max_epochs": 3}).fit(wave()))


def test_before_the_first_epoch_is_complete_nothing_is_kept(monkeypatch, until):
    """Nor is a network that may be compiled by half."""
    monkeypatch.setattr(training, "_trainers", type(training._trainers)())
    for hook in ("begin", "after", "end"):
        forecaster = GRUForecaster(**TINY, callbacks=[Press(hook)])
        with pytest.raises(KeyboardInterrupt):
            forecaster.fit(wave())
        assert not hasattr(forecaster, "weights_")
        assert len(training._trainers) == (hook == "end")
    assert same(GRUForecaster(**TINY).fit(wave()), until[6])


def test_members_that_are_complete_are_kept(until):
    forecaster = GRUForecaster(**TINY, n_members=3, callbacks=[Press("after", 3, fit=1)])
    message = "in member 2 of 3; .* those before it: .* warm_start=True and n_members=1 to"
    with pytest.warns(UserWarning, match=message):
        forecaster.fit(wave())
    assert same(forecaster, until[6])
    assert forecaster.losses_["member"].tolist() == [0] * 6
    forecaster.set_params(callbacks=None, warm_start=True, n_members=1).fit(wave())


def test_the_first_member_is_kept_as_far_as_it_came(until):
    forecaster = GRUForecaster(**TINY, n_members=2, callbacks=[Press("after", 3)])
    with pytest.warns(UserWarning, match="after 3 of 6 epochs of member 1 of 2; .* n_members=1"):
        forecaster.fit(wave())
    assert same(forecaster, until[3])


def test_between_members(monkeypatch, until):
    was = training.train

    def train(*args):
        answer = was(*args)
        ctrl_c()
        return answer

    monkeypatch.setattr(training, "train", train)
    with pytest.raises(KeyboardInterrupt):  # of one member, none is complete for the caller
        GRUForecaster(**TINY).fit(wave())
    calls = iter([was, train])
    monkeypatch.setattr(training, "train", lambda *args: next(calls)(*args))
    with pytest.warns(UserWarning, match="in member 2 of 2"):
        forecaster = GRUForecaster(**TINY, n_members=2).fit(wave())
    assert same(forecaster, until[6])


def test_states_are_copied_as_often_as_takes_little_time(monkeypatch, until):
    """Of epochs that take less than a hundred copies, the newest may be lost."""
    monkeypatch.setattr(loop, "_TIMES", np.inf)
    copied, was = [], loop._Run.state
    monkeypatch.setattr(loop._Run, "state", lambda run: copied.append(run.n_epochs) or was(run))
    assert same(GRUForecaster(**TINY).fit(wave()), until[6])
    assert copied == [1, 6]
    with pytest.warns(UserWarning, match="after 1 of 6 epochs"):
        forecaster = GRUForecaster(**TINY, callbacks=[Press("after", 3)]).fit(wave())
    assert len(forecaster.losses_) == 1


# --- going on -------------------------------------------------------------------------------


def test_a_warm_start_goes_on_from_what_was_kept(until):
    forecaster = GRUForecaster(**TINY, callbacks=[Press("after", 3)])
    with pytest.warns(UserWarning, match="interrupted"):
        forecaster.fit(wave())
    forecaster.set_params(warm_start=True, callbacks=None).fit(wave())
    again = clone(forecaster).set_params(max_epochs=3).fit(wave())
    assert same(forecaster, again.set_params(max_epochs=6).fit(wave()))


@pytest.mark.parametrize("pause", [0.0, 3600.0])
def test_a_checkpoint_goes_on_where_training_stopped(pause, until, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_PAUSE", pause)
    press = Press("after", 3)
    forecaster = GRUForecaster(**TINY, checkpoint_dir=tmp_path, callbacks=[press])
    with pytest.warns(UserWarning, match="or fit again with warm_start=False to take this"):
        forecaster.fit(wave())
    assert same(forecaster, until[3])
    assert len(list(tmp_path.iterdir())) == 1
    begun = []
    monkeypatch.setattr(Press, "on_epoch_begin", lambda self, epoch, logs: begun.append(epoch))
    press.fit = -1
    assert same(forecaster.fit(wave()), until[6])
    assert begun == [3, 4, 5]
    assert not list(tmp_path.iterdir())


# --- what stops as a whole ------------------------------------------------------------------


def test_a_second_ctrl_c_goes_on_up(monkeypatch):
    press = Press("end", 3)
    monkeypatch.setattr(Press, "on_train_end", lambda self, logs: ctrl_c(), raising=False)
    with pytest.raises(KeyboardInterrupt):
        GRUForecaster(**TINY, callbacks=[press]).fit(wave())


def grid_search(forecaster):
    grid = {"learning_rate": [0.001, 0.01]}
    GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2, test_size=4)).fit(wave())


def backtested(forecaster):
    backtest(forecaster, wave(), cv=RollingOriginSplit(3, horizon=2))


def conformal(forecaster):
    ConformalForecaster(forecaster, n_splits=10).fit(wave())


@pytest.mark.parametrize("search", [grid_search, backtested, conformal])
@pytest.mark.parametrize("fit", [0, 1])
def test_a_search_stops_as_a_whole(search, fit):
    press = Press("after", 3, fit)
    with pytest.raises(KeyboardInterrupt):
        search(GRUForecaster(**TINY, callbacks=[press]))
    assert len(press.begun) == fit + 1


def test_the_refit_of_a_search_stops_it():
    """It follows four fits of splits."""
    press = Press("after", 3, fit=4)
    with pytest.raises(KeyboardInterrupt):
        grid_search(GRUForecaster(**TINY, callbacks=[press]))
    assert len(press.begun) == 5


class Fail(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("of a callback")


@pytest.mark.parametrize("callback", [Fail(), Press("end")])
def test_a_refit_that_ends_in_its_first_epoch_changes_nothing(callback):
    forecaster = GRUForecaster(**TINY | {"reference": "smoothing"}).fit(wave())
    names = ("encoding_", "season_lengths_", "shares_targets_", "n_windows_", "train_spec_")
    was, forecasts = [getattr(forecaster, name) for name in names], forecaster.predict()
    with pytest.raises((RuntimeError, KeyboardInterrupt)):
        forecaster.set_params(callbacks=[callback], reference="last").fit(100 * wave(90) ** 2)
    assert all(getattr(forecaster, name) is one for name, one in zip(names, was, strict=True))
    assert forecaster.predict().equals(forecasts)


def test_a_cache_keeps_no_fit_that_ended_early(tmp_path):
    def fitted(seed):
        return GRUForecaster(**TINY, callbacks=[press]).fit(wave(seed=seed)).predict()

    press = Press("after", 3)
    cached = Memory(tmp_path, verbose=0).cache(fitted)
    with pytest.raises(KeyboardInterrupt):
        cached(0)
    assert np.array_equal(cached(0), GRUForecaster(**TINY).fit(wave()).predict())


# --- real time, other threads ---------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.05, 0.4, 1.0])
def test_ctrl_c_at_any_time(seconds, until):
    """Whatever runs at that time, the fit ends at once, and another is as if nothing had been."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    forecaster = GRUForecaster(**TINY | {"max_epochs": 1_000_000})
    timer.start()
    try:
        with pytest.warns(UserWarning, match="interrupted after"):
            forecaster.fit(wave())
        assert np.isfinite(forecaster.predict()).all()
        assert len(forecaster.losses_) == forecaster.best_epoch_ + 1 < 1_000_000
    except KeyboardInterrupt:
        assert not hasattr(forecaster, "weights_")
    assert same(GRUForecaster(**TINY).fit(wave()), until[6])


def test_in_another_thread_fits_are_as_ever(until, tmp_path):
    """Only the main thread gets Ctrl-C."""
    forecaster = GRUForecaster(**TINY, checkpoint_dir=tmp_path)
    thread = threading.Thread(target=forecaster.fit, args=(wave(),))
    thread.start()
    thread.join()
    assert same(forecaster, until[6])
