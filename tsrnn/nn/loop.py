"""The epochs of one training: from the start or a checkpoint, to the end or an interrupt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tsrnn.nn.callbacks import Progress, check_callbacks, early_stopping
from tsrnn.nn.checkpoint import Checkpoint, Seldom, State
from tsrnn.nn.data import size_of_batches
from tsrnn.nn.fingerprint import fingerprint
from tsrnn.nn.spec import TrainSpec

# How many times longer than copying a state, against interrupts, training goes on without.
_TIMES = 100
# What early stopping knows of the epochs so far.
_STOPPER = ("wait", "stopped_epoch", "best", "best_weights", "best_epoch")


@dataclass(frozen=True)
class Trained:
    """Weights after training, and how the loss went.

    Attributes
    ----------
    weights : list of ndarray
        As from ``keras.Model.get_weights``.
    history : dict of list
        ``loss`` and, with validation, ``val_loss`` of each epoch, and what metrics the
        callbacks added.
    best_epoch : int
        Epoch, from 0, that the weights come from.
    checkpoint : Path or None
        File that is no longer needed once the fit has ended.
    """

    weights: list[np.ndarray]
    history: dict[str, list[float]]
    best_epoch: int
    checkpoint: Path | None = None

    def forget_checkpoint(self) -> None:
        """Remove the file, if there is one: the next fit starts anew."""
        if self.checkpoint is not None:
            self.checkpoint.unlink(missing_ok=True)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C after an epoch or more; `trained` is what they came to."""

    def __init__(self, trained: Trained) -> None:
        super().__init__()
        self.trained = trained


def fit(
    trainer: Any,
    arrays: dict[str, Any],
    how: TrainSpec,
    validation: np.ndarray | None,
    weights: list[np.ndarray] | None,
) -> Trained:
    """Train the network of a trainer, whose lock is held; see `tsrnn.nn.training.train`."""
    check_callbacks(how)
    run = _Run(trainer, arrays, how, validation)
    trainer.restart(how, run.n_batches, weights)
    checkpoint = None
    if how.checkpoint_dir is not None:
        start = [np.asarray(one) for one in trainer.state()]
        name = fingerprint(arrays, trainer.spec, how, validation, start)
        checkpoint = Checkpoint.of(how.checkpoint_dir, name)
    try:
        return _train(run, checkpoint)
    finally:
        for callback in how.callbacks:  # the model goes on to other fits
            callback._model = None


def _train(run: _Run, checkpoint: Checkpoint | None) -> Trained:
    """Go through the epochs; an interrupt falls back to the last whose state was copied."""
    state, stop = checkpoint.read() if checkpoint else None, None
    copying = Seldom(_TIMES)
    try:
        run.callbacks.on_train_begin()
        if state is not None:
            run.put_back(state)
        while state is None or not run.is_over():
            run.epoch()
            if copying.is_due() or run.is_over():
                with copying.done():
                    state = run.state()
                if checkpoint:
                    checkpoint.write_now_and_then(state)
    except KeyboardInterrupt as error:
        if state is None:
            raise
        run.put_back(state)
        stop = error
    if checkpoint and state:
        checkpoint.write(state)
    trained = run.end(checkpoint.path if checkpoint else None)
    if stop is not None:
        raise Interrupted(trained) from stop
    return trained


class _Run:
    """One training: its data, its callbacks, and how many epochs are complete."""

    def __init__(
        self, trainer: Any, arrays: dict[str, Any], how: TrainSpec, validation: np.ndarray | None
    ) -> None:
        held_out = np.zeros(len(arrays["cutoffs"]), bool) if validation is None else validation
        self.learned, self.watched = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        self.n_batches = -(-len(self.learned) // size_of_batches(len(self.learned), how))
        self.trainer, self.model, self.how = trainer, trainer.model, how
        self.arrays = arrays
        stops = how.patience is not None and len(self.watched) > 0
        self.progress = Progress(how.max_epochs, how.progress)
        self.stopper = early_stopping(how) if stops else None
        self.callbacks = keras.callbacks.CallbackList(
            [self.progress, *how.callbacks, *([self.stopper] if stops else [])],
            add_history=True,
            model=self.model,
            epochs=how.max_epochs,
            steps=self.n_batches,
            verbose=0,
        )
        self.model.stop_training = False
        self.n_epochs = 0

    def is_over(self) -> bool:
        """Whether no epoch follows."""
        return self.model.stop_training or self.n_epochs == self.how.max_epochs

    def epoch(self) -> None:
        """Train one epoch."""
        callbacks, number = self.callbacks, self.n_epochs
        callbacks.on_epoch_begin(number)
        callbacks.on_train_batch_begin(0)
        logs = self.trainer.learn(self.arrays, self.learned, self.how, number)
        callbacks.on_train_batch_end(self.n_batches - 1, logs)
        if len(self.watched):
            callbacks.on_test_begin()
            checked = self.trainer.check(self.arrays, self.watched, self.how)
            callbacks.on_test_end(checked)
            logs = logs | {f"val_{name}": value for name, value in checked.items()}
        self.trainer.is_compiling = False
        callbacks.on_epoch_end(number, logs)
        self.n_epochs += 1

    def state(self) -> State:
        """Copy all that the next epoch begins with."""
        history = self.model.history.history
        return State(
            n_epochs=self.n_epochs,
            stopped=bool(self.model.stop_training),
            variables=self.trainer.state(),
            # Callbacks may have put tensors there, which no file holds.
            history={
                name: [np.asarray(value).tolist() for value in values]
                for name, values in history.items()
            },
            stopper={name: getattr(self.stopper, name) for name in _STOPPER if self.stopper},
        )

    def put_back(self, state: State) -> None:
        """Return to the end of an epoch."""
        self.n_epochs = state.n_epochs
        self.trainer.put_back(state.variables)
        record = self.model.history
        record.epoch = list(range(state.n_epochs))
        record.history = {name: list(values) for name, values in state.history.items()}
        self.model.stop_training = state.stopped
        self.progress.begin_at(state.n_epochs)
        for name, value in state.stopper.items():
            setattr(self.stopper, name, value)

    def end(self, checkpoint: Path | None) -> Trained:
        """Take the weights that count, and check them."""
        self.trainer.optimizer.finalize_variable_values(self.model.trainable_weights)
        self.callbacks.on_train_end()
        history = self.model.history.history
        best = _best_epoch(history, self.how)
        trained = Trained(self.model.get_weights(), history, best, checkpoint)
        _check_converged(trained, self.how)
        return trained


def _best_epoch(history: dict[str, list[float]], how: TrainSpec) -> int:
    if how.patience is not None and "val_loss" in history:
        losses = np.array(history["val_loss"])
        return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))
    return len(history["loss"]) - 1


def _check_converged(trained: Trained, how: TrainSpec) -> None:
    loss = np.array(trained.history["loss"][trained.best_epoch])
    if not all(np.isfinite(values).all() for values in [loss, *trained.weights]):
        trained.forget_checkpoint()  # from it, the next fit would diverge again
        raise ValueError(
            f"training diverged: the loss went {trained.history['loss'][-3:]}; lower "
            f"learning_rate={how.learning_rate!r} or clipnorm={how.clipnorm!r}"
        )
