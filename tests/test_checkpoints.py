"""Training that was killed and goes on ends as if it had not been killed, bit for bit."""

import functools
import inspect
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

import tsrnn
from tsrnn import GRUForecaster, LSTMForecaster, archive, planning
from tsrnn.nn import checkpoint, loop, training
from tsrnn.nn.fingerprint import fingerprint
from tsrnn.nn.spec import NetworkSpec, TrainSpec

TINY = {"horizon": 2, "context_length": 8, "units": 3, "batch_size": 16, "random_state": 0}
EPOCHS = 5
OF = {
    "members": GRUForecaster(**TINY, max_epochs=EPOCHS, n_members=2),
    "dropout": LSTMForecaster(
        **TINY,
        max_epochs=EPOCHS,
        n_members=2,
        dropout=0.3,
        recurrent_dropout=0.3,
        early_stopping=True,
    ),
    "stopping": GRUForecaster(
        **TINY,
        max_epochs=3 * EPOCHS,
        early_stopping=True,
        patience=2,
        learning_rate=1.0,
    ),
    "rates": GRUForecaster(
        **TINY,
        max_epochs=EPOCHS,
        schedule="constant",
        optimizer=keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.8),
        callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.7 * rate)],
    ),
}


def wave(n_rows=60, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.3, n_rows)
    return pd.Series(20 + 3 * np.sin(2 * np.pi * np.arange(n_rows) / 7) + noise, name="y")


def bits(forecaster):
    """Forecasts, weights and losses as bytes."""
    weights = [w.tobytes() for member in forecaster.weights_ for w in member]
    losses = forecaster.losses_.to_json(double_precision=15)
    return [forecaster.predict().to_numpy().tobytes(), *weights, losses, forecaster.best_epoch_]


class Killed(BaseException):
    """Stands for the end of the process."""


def kill(*args, **kwargs):
    raise Killed


def kill_at(n):
    """Make a function that kills when it is called for the n-th time, from 0."""
    calls = iter(range(n + 1))
    return lambda *args, **kwargs: kill() if next(calls, None) == n else None


def before(module, name, doing):
    """Let a function do something else first."""
    was = getattr(module, name)

    def now(*args, **kwargs):
        doing()
        return was(*args, **kwargs)

    return module, name, now


def after(module, name, doing):
    """Let a function do something else in the end."""
    was = getattr(module, name)

    def now(*args, **kwargs):
        answer = was(*args, **kwargs)
        doing()
        return answer

    return module, name, now


PLACES = {
    "between epochs": lambda n: before(loop._Run, "epoch", kill_at(n)),
    "during an epoch": lambda n: after(training._Trainer, "learn", kill_at(n)),
    "while writing": lambda n: before(archive.os, "replace", kill_at(n)),
    "after writing": lambda n: after(archive.os, "replace", kill_at(n)),
    "between members": lambda n: before(training, "train", kill_at(1)),
    "at the end of fit": lambda n: after(tsrnn.RNNForecaster, "_remember", kill_at(0)),
}


@pytest.fixture(autouse=True)
def some_compiled(monkeypatch):
    """Compile the networks of one cell."""
    monkeypatch.setattr(planning, "pays_to_compile", lambda spec, *_: spec.cell == "gru")


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write after every epoch."""
    monkeypatch.setattr(checkpoint, "_PAUSE", 0.0)
    monkeypatch.setattr(checkpoint, "_TIMES", 0.0)
    monkeypatch.setattr(loop, "_TIMES", 0.0)


@pytest.fixture(scope="module")
def unbroken():
    """Bits of the fits that nothing disturbs."""
    return functools.cache(lambda name: bits(anew(name).fit(wave())))


def anew(name, **params):
    """One of the forecasters anew, as another process would make it."""
    given = OF[name].get_params()
    return type(OF[name])(**given | params)


def killed(forecaster, data, patch):
    """Fit until it is killed."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(*patch)
        with pytest.raises(Killed):
            forecaster.fit(data)


# --- killed and resumed ---------------------------------------------------------------------


@pytest.mark.parametrize(("place", "n"), list(zip(PLACES, [6, 2, 4, 7, 1, 0], strict=True)))
@pytest.mark.parametrize("name", ["members", "dropout"])
def test_a_fit_that_was_killed_ends_as_the_unbroken_one(name, place, n, unbroken, tmp_path):
    killed(anew(name, checkpoint_dir=tmp_path), wave(), PLACES[place](n))
    assert list(tmp_path.iterdir())
    resumed = anew(name, checkpoint_dir=tmp_path).fit(wave())
    assert bits(resumed) == unbroken(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["stopping", "rates"])
def test_a_fit_that_is_killed_in_every_epoch(name, unbroken, tmp_path):
    expected = unbroken(name)
    n_epochs = len(json.loads(expected[-2])["epoch"])
    for _ in range(n_epochs):
        killed(anew(name, checkpoint_dir=tmp_path), wave(), PLACES["after writing"](0))
    assert bits(anew(name, checkpoint_dir=tmp_path).fit(wave())) == expected
    assert name != "stopping" or n_epochs < 3 * EPOCHS


def test_what_was_trained_is_not_trained_again(unbroken, tmp_path):
    """The state may be older than the last epoch; a member that is complete is kept."""
    forecaster = anew("members", checkpoint_dir=tmp_path)
    killed(forecaster, wave(), PLACES["between epochs"](EPOCHS + 3))
    epochs = []
    with pytest.MonkeyPatch.context() as patches:
        was = loop._Run.epoch
        patches.setattr(loop._Run, "epoch", lambda run: epochs.append(run.n_epochs) or was(run))
        forecaster.fit(wave())
        assert epochs == [3, 4]
        forecaster.fit(wave())  # the files are gone: it starts anew
        assert epochs == [3, 4, *range(EPOCHS), *range(EPOCHS)]
    assert bits(forecaster) == unbroken("members")


def test_states_are_written_now_and_then(monkeypatch, unbroken, tmp_path):
    monkeypatch.setattr(checkpoint, "_PAUSE", 3600.0)
    written = []
    monkeypatch.setattr(*before(archive.os, "replace", lambda: written.append(1)))
    forecaster = anew("members", checkpoint_dir=tmp_path)
    killed(forecaster, wave(), PLACES["between epochs"](EPOCHS + 3))
    assert len(written) == 3  # the first of each member, and the last of the one that is complete
    assert bits(forecaster.fit(wave())) == unbroken("members")


CHILD = """
import os, signal, sys
import numpy as np, pandas as pd
from tsrnn import GRUForecaster, archive, planning
from tsrnn.nn import checkpoint, loop

{sources}
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
checkpoint._PAUSE = checkpoint._TIMES = loop._TIMES = 0.0
planning.pays_to_compile = lambda *plan: True
forecaster = {forecaster}
try:
    kills = kill_at({epoch})
    setattr(*after(loop._Run, "epoch", kills))
    forecaster.fit(wave())
except Killed:
    pass
def part_of_a_file(path):
    path.write_bytes(b"half a file")
    die()
archive._sync = part_of_a_file
forecaster.fit(wave())
"""


@pytest.mark.parametrize("epoch", [0, 3, 7])
def test_a_process_that_was_killed_while_it_wrote(epoch, unbroken, tmp_path):
    """SIGKILL with half a file on the disk; another process goes on from the whole one."""
    params = f"**{TINY | {'max_epochs': EPOCHS}}, n_members=2, checkpoint_dir={str(tmp_path)!r}"
    needed = (wave, Killed, kill, kill_at, after)
    sources = "\n".join(map(inspect.getsource, needed))
    code = CHILD.format(sources=sources, forecaster=f"GRUForecaster({params})", epoch=epoch)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    names = {path.name for path in tmp_path.iterdir()}
    parts = {name for name in names if ".part." in name}
    assert len(parts) == 1
    assert len(names - parts) == (epoch > 0) + (epoch > EPOCHS)
    resumed = anew("members", checkpoint_dir=str(tmp_path)).fit(wave())
    assert bits(resumed) == unbroken("members")
    assert {path.name for path in tmp_path.iterdir()} == parts


# --- files that are not taken up ------------------------------------------------------------


@pytest.fixture
def left(tmp_path):
    """A fit that was killed, and its file."""
    forecaster = anew("members", checkpoint_dir=tmp_path)
    killed(forecaster, wave(), PLACES["between epochs"](3))
    (path,) = tmp_path.iterdir()
    return forecaster, path


def test_a_damaged_file_is_refused(left, unbroken):
    forecaster, path = left
    content = path.read_bytes()
    for damaged in (content[:-50], content[:900] + b"?" + content[901:], b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{path.name}' cannot be used: .*; delete it, then"):
            forecaster.fit(wave())
    path.unlink()
    assert bits(forecaster.fit(wave())) == unbroken("members")


def test_a_file_of_another_training_is_refused(left, tmp_path):
    forecaster, path = left
    other = anew("members", checkpoint_dir=tmp_path, random_state=1)
    killed(other, wave(), PLACES["between epochs"](1))
    (its_own,) = set(tmp_path.iterdir()) - {path}
    path.replace(its_own)
    with pytest.raises(ValueError, match="it was renamed, and belongs to another training"):
        other.fit(wave())
    with pytest.raises(ValueError, match=r"cannot be loaded: it has no estimator\.json"):
        tsrnn.load(its_own)


def test_other_data_and_parameters_have_files_of_their_own(left, unbroken, tmp_path):
    forecaster, path = left
    content = path.read_bytes()
    for change, data in (({}, wave(seed=1)), ({}, wave(61)), ({"learning_rate": 0.01}, wave())):
        expected = bits(anew("members", **change).fit(data))
        assert bits(anew("members", checkpoint_dir=tmp_path, **change).fit(data)) == expected
        assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == content
    assert bits(forecaster.fit(wave())) == unbroken("members")


@pytest.fixture(scope="module")
def training_of():
    """What `fingerprint` reads."""
    rows, windows = np.arange(12.0).reshape(6, 2), np.arange(3)
    arrays = {"values": tf.constant(rows), "cutoffs": tf.constant(windows)}
    spec = NetworkSpec("gru", "seq2vec", 8, 2, 1)
    how = TrainSpec("mae", "adam", 0.1, "constant", 16, 5, 1.0, None, 0)
    return {"arrays": arrays, "spec": spec, "how": how, "validation": None, "start": [windows]}


def sgd(*args):
    return lambda t: t | {"how": replace(t["how"], optimizer=keras.optimizers.SGD(*args))}


def falling(*args):
    rate = keras.optimizers.schedules.ExponentialDecay(*args)
    return lambda t: t | {"how": replace(t["how"], learning_rate=rate)}


CHANGES = {
    "values": lambda t: t | {"arrays": t["arrays"] | {"values": t["arrays"]["values"] + 1e-12}},
    "one more": lambda t: t | {"arrays": t["arrays"] | {"shortest": tf.constant(0)}},
    "names": lambda t: t | {"arrays": {f"{name}_": a for name, a in t["arrays"].items()}},
    "units": lambda t: t | {"spec": replace(t["spec"], units=5)},
    "seed": lambda t: t | {"how": replace(t["how"], seed=1)},
    "epochs": lambda t: t | {"how": replace(t["how"], max_epochs=6)},
    "loss": lambda t: t | {"how": replace(t["how"], loss="mse")},
    "function": lambda t: t | {"how": replace(t["how"], loss=keras.losses.mean_squared_error)},
    "object": lambda t: t | {"how": replace(t["how"], loss=keras.losses.Huber(0.5))},
    "its delta": lambda t: t | {"how": replace(t["how"], loss=keras.losses.Huber(0.7))},
    "optimizer": sgd(),
    "momentum": sgd(0.01, 0.9),
    "falling": sgd(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
    "faster": sgd(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.4)),
    "rate": falling(0.1, 10, 0.5),
    "its decay": falling(0.1, 10, 0.4),
    "callbacks": lambda t: t | {"how": replace(t["how"], callbacks=(keras.callbacks.Callback(),))},
    "validation": lambda t: t | {"validation": np.array([True, False, False])},
    "start": lambda t: t | {"start": [np.arange(4)]},
}


def test_whatever_decides_the_result_changes_the_name(training_of):
    names = {name: fingerprint(**change(training_of)) for name, change in CHANGES.items()}
    again = {name: fingerprint(**change(training_of)) for name, change in CHANGES.items()}
    assert names == again
    assert len({fingerprint(**training_of), *names.values()}) == len(names) + 1
    shown = replace(training_of["how"], progress=True, checkpoint_dir="elsewhere")
    assert fingerprint(**training_of | {"how": shown}) == fingerprint(**training_of)


class OwnLoss(keras.losses.MeanSquaredError):
    pass


class OwnRate(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1

    def get_config(self):
        return {}


OWN = [
    {"loss": lambda y_true, y_pred: abs(y_true - y_pred)},
    {"loss": functools.partial(keras.losses.huber, delta=2.0)},
    {"loss": OwnLoss()},
    {"optimizer": type("OwnSGD", (keras.optimizers.SGD,), {})()},
    {"optimizer": keras.optimizers.SGD(OwnRate())},
    {"learning_rate": OwnRate()},
    {"network": lambda spec: None},
]


@pytest.mark.parametrize("own", OWN)
def test_code_of_the_user_is_refused(own, tmp_path):
    (name,) = own
    folder = str(tmp_path / "folder")
    with pytest.raises(ValueError, match=f"{name}=.* with checkpoint_dir=.*; .* or set check"):
        anew("members", **own, checkpoint_dir=folder).fit(wave())
    assert not list(tmp_path.iterdir())


# --- what ends a fit ------------------------------------------------------------------------


def test_a_fit_that_diverged_leaves_no_file(tmp_path):
    bad = {"n_members": 1, "optimizer": "sgd", "learning_rate": 1e38, "clipnorm": None}
    for _ in range(2):
        with pytest.raises(ValueError, match="training diverged"):
            anew("members", **bad, checkpoint_dir=tmp_path).fit(wave())
        assert not list(tmp_path.iterdir())


class Logs(keras.callbacks.Callback):
    """Add to the logs what is no float."""

    def on_epoch_end(self, epoch, logs=None):
        logs["rate"] = self.model.optimizer.learning_rate
        logs["epoch_squared"] = np.float32(epoch**2)


def test_logs_of_callbacks_may_be_tensors(unbroken, tmp_path):
    forecaster = anew("members", callbacks=[Logs()], checkpoint_dir=tmp_path)
    killed(forecaster, wave(), PLACES["between epochs"](3))
    forecaster.fit(wave())
    assert forecaster.predict().to_numpy().tobytes() == unbroken("members")[0]
    assert forecaster.losses_["epoch_squared"].tolist() == [0, 1, 4, 9, 16] * 2
    assert (forecaster.losses_["rate"].astype(float) >= 0).all()


# --- the parameter --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"checkpoint_dir": 3}, "checkpoint_dir=3 must be the path of a folder, or None"),
        ({"checkpoint_dir": __file__}, "is a file; name a folder"),
        (
            {"checkpoint_dir": __file__ + "/below"},
            r"points\.py' is a file; name a",
        ),
        ({"random_state": None}, "random_state=None: another process would draw other seeds"),
        (
            {"schedule": "constant", "callbacks": [keras.callbacks.ReduceLROnPlateau()]},
            "callbacks holds ReduceLROnPlateau, whose memory of past epochs",
        ),
        (
            {"callbacks": [keras.callbacks.ModelCheckpoint("a.keras", save_best_only=True)]},
            "callbacks holds ModelCheckpoint, whose memory of past epochs",
        ),
    ],
)
def test_what_cannot_be_resumed_is_refused(params, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        anew("members", **{"checkpoint_dir": tmp_path} | params).fit(wave())
    assert not list(tmp_path.iterdir())


def test_a_folder_changes_neither_the_network_nor_its_files(unbroken, tmp_path):
    folder = tmp_path / "new" / "folder"
    forecaster = anew("members", checkpoint_dir=folder).fit(wave())
    compiled = list(training._trainers)
    plain = anew("members").fit(wave())
    assert list(training._trainers) == compiled
    assert plain.spec_ == forecaster.spec_
    assert plain.train_spec_ == forecaster.train_spec_
    forecaster.save(tmp_path / "a.tsrnn")
    loaded = tsrnn.load(tmp_path / "a.tsrnn")
    assert loaded.checkpoint_dir == folder
    assert bits(loaded) == bits(forecaster) == unbroken("members")


def test_the_fits_of_a_grid_search_share_a_folder(tmp_path):
    def search(folder):
        forecaster = anew("members", n_members=1, checkpoint_dir=folder)
        grid = {"learning_rate": [0.001, 0.1], "max_epochs": [2, 3]}
        return GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2, test_size=4))

    killed(search(tmp_path), wave(), PLACES["between epochs"](11))
    assert len(list(tmp_path.iterdir())) == 1
    resumed, plain = search(tmp_path).fit(wave()), search(None).fit(wave())
    scores = [one.cv_results_["mean_test_score"] for one in (resumed, plain)]
    assert np.array_equal(*scores)
    assert bits(resumed.best_estimator_) == bits(plain.best_estimator_)
    assert not list(tmp_path.iterdir())


def test_a_warm_start_is_resumed_from_its_own_weights(tmp_path):
    plain = anew("members", warm_start=True).fit(wave())
    forecaster = anew("members", warm_start=True, checkpoint_dir=os.fspath(tmp_path))
    forecaster.fit(wave())
    killed(forecaster, wave(70), PLACES["during an epoch"](EPOCHS + 1))
    assert bits(forecaster.fit(wave(70))) == bits(plain.fit(wave(70)))
