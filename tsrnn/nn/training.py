"""Training: one compiled model per spec, which serves fit after fit."""

from __future__ import annotations

import inspect
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tsrnn.inputs import TrainingData
from tsrnn.nn.data import dataset
from tsrnn.nn.inference import forget
from tsrnn.nn.network import build, input_names
from tsrnn.nn.spec import NetworkSpec, TrainSpec

# More steps than an epoch has: Keras runs each epoch in one call.
_WHOLE_EPOCH = 1_000_000_000
_MOST_CACHED = 32


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
    """

    weights: list[np.ndarray]
    history: dict[str, list[float]]
    best_epoch: int


def train(
    data: TrainingData,
    spec: NetworkSpec,
    how: TrainSpec,
    validation: np.ndarray | None = None,
    weights: list[np.ndarray] | None = None,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    data : TrainingData
    spec : NetworkSpec
    how : TrainSpec
    validation : ndarray of bool or None
        Windows held out; early stopping watches their loss.
    weights : list of ndarray or None
        Weights to go on from; None starts anew from the seed.

    Raises
    ------
    ValueError
        If the loss becomes NaN or infinite, or a name of a loss or optimizer is unknown.
    """
    trainer = _trainer(spec, how)
    with trainer.lock:
        return _fit(trainer, data, how, validation, weights)


def _fit(
    trainer: _Trainer,
    data: TrainingData,
    how: TrainSpec,
    validation: np.ndarray | None,
    weights: list[np.ndarray] | None,
) -> Trained:
    held_out = np.zeros(len(data.cutoffs), bool) if validation is None else validation
    model, spec = trainer.model, trainer.spec
    names = input_names(model)
    learned, watched = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    batches = dataset(data, spec, names, learned, how.batch_size, seed=how.seed)
    checks = dataset(data, spec, names, watched, how.batch_size) if len(watched) else None
    n_batches = -(-len(learned) // how.batch_size)
    trainer.restart(how, n_batches, weights)
    try:
        record = model.fit(
            batches,
            validation_data=checks,
            epochs=how.max_epochs,
            steps_per_epoch=n_batches,
            callbacks=_callbacks(how, checks is not None),
            shuffle=False,
            verbose=0,
        )
    finally:
        for callback in how.callbacks:  # the model goes on to other fits
            callback._model = None
    history = {name: [float(v) for v in values] for name, values in record.history.items()}
    trained = Trained(model.get_weights(), history, _best_epoch(history, how))
    _check_converged(trained, how)
    return trained


def _best_epoch(history: dict[str, list[float]], how: TrainSpec) -> int:
    if how.patience is not None and "val_loss" in history:
        losses = np.array(history["val_loss"])
        return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))
    return len(history["loss"]) - 1


def _check_converged(trained: Trained, how: TrainSpec) -> None:
    loss = np.array(trained.history["loss"][trained.best_epoch])
    if not all(np.isfinite(values).all() for values in [loss, *trained.weights]):
        raise ValueError(
            f"training diverged: the loss went {trained.history['loss'][-3:]}; lower "
            f"learning_rate={how.learning_rate!r} or clipnorm={how.clipnorm!r}"
        )


def _callbacks(how: TrainSpec, has_validation: bool) -> list[Any]:
    setters = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
    if how.schedule == "cosine" and any(isinstance(c, setters) for c in how.callbacks):
        raise ValueError(
            "callbacks holds one that sets the learning rate, as schedule='cosine' does; use "
            "schedule='constant' with it"
        )
    callbacks: list[Any] = [_Progress(how.max_epochs, how.progress), *how.callbacks]
    if how.patience is not None and has_validation:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=how.patience, restore_best_weights=True
            )
        )
    return callbacks


class _Progress(keras.callbacks.Callback):
    """Progress bar over epochs, on a terminal only unless asked for."""

    def __init__(self, epochs: int, show: bool | None) -> None:
        super().__init__()
        disable = None if show is None else not show
        self.bar = tqdm(total=epochs, disable=disable, desc="training", unit="epoch", leave=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.bar.set_postfix({k: f"{v:.4g}" for k, v in (logs or {}).items()}, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.bar.close()


class _Trainer:
    """A compiled model and what it takes to start it over."""

    def __init__(self, spec: NetworkSpec, how: TrainSpec) -> None:
        self.spec = spec
        self.lock = threading.Lock()
        falls = how.schedule == "cosine" and isinstance(how.learning_rate, float)
        self.rate = _Cosine() if falls else how.learning_rate
        self.model = build(spec)
        self.optimizer = _optimizer(how, self.rate)
        self.model.compile(
            optimizer=self.optimizer,
            loss=_loss(how.loss),
            steps_per_execution=_WHOLE_EPOCH,
            jit_compile=False,
        )
        self.optimizer.build(self.model.trainable_variables)
        self.n_batches = tf.Variable(0, dtype=tf.int64)
        # Keras makes its own function only where there is none.
        self.model.train_function = self._epoch_function()
        self.start = [v.numpy() for v in self.optimizer.variables]

    def _epoch_function(self) -> Any:
        """Make the function that trains for an epoch of any number of batches.

        Keras's own bakes that number into the graph, or makes a new iterator each epoch.
        """
        model, n_batches = self.model, self.n_batches

        @tf.function(jit_compile=False)
        def train_epoch(batches: Any) -> Any:
            for _ in tf.range(n_batches):
                model.train_step(next(batches))
            return model.get_metrics_result()

        def run(batches: Any) -> Any:
            # Called directly, a function traced in each of many specs makes TensorFlow warn.
            return train_epoch.get_concrete_function(batches)(batches)

        return run

    def restart(self, how: TrainSpec, n_batches: int, weights: list[np.ndarray] | None) -> None:
        """Reset weights, dropout seeds and optimizer as if nothing had been trained."""
        fresh = build(self.spec, how.seed)
        for variable, value in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(value)
        if weights is not None:
            self.model.set_weights(weights)
        for variable, value in zip(self.optimizer.variables, self.start, strict=True):
            variable.assign(value)
        self.n_batches.assign(n_batches)
        if isinstance(self.rate, _Cosine):
            self.rate.peak.assign(how.learning_rate)
            self.rate.steps.assign(n_batches * how.max_epochs)
        elif isinstance(how.learning_rate, float):
            self.optimizer.learning_rate = how.learning_rate


_trainers: OrderedDict[Any, _Trainer] = OrderedDict()
_trainers_lock = threading.Lock()


def _trainer(spec: NetworkSpec, how: TrainSpec) -> _Trainer:
    parts = (how.loss, how.optimizer, how.learning_rate)
    if spec.network is not None:
        forget(spec.network)
    if spec.network is not None or not all(_is_kerass_own(part) for part in parts):
        # What a user wrote may read what has changed since: it is compiled for each fit.
        return _Trainer(spec, how)
    key = (spec, *map(_key, parts), how.schedule, how.clipnorm)
    with _trainers_lock:
        if key not in _trainers:
            _trainers[key] = _Trainer(spec, how)
            if len(_trainers) > _MOST_CACHED:
                _trainers.popitem(last=False)
        _trainers.move_to_end(key)
        return _trainers[key]


def _is_kerass_own(part: Any) -> bool:
    """Whether a loss, optimizer or rate is a name, a number, or an object of Keras itself."""
    if part is None or isinstance(part, str | float):
        return True
    home = part.__module__ if inspect.isfunction(part) else type(part).__module__
    return home.split(".")[0] == "keras"


def _key(part: Any) -> Any:
    if isinstance(part, float):
        return float  # a number is set anew for each fit
    if not hasattr(part, "get_config"):
        return part
    return json.dumps(keras.saving.serialize_keras_object(part), sort_keys=True, default=str)


def _loss(loss: Any) -> Any:
    try:
        return keras.losses.get(loss)
    except ValueError as error:
        raise ValueError(
            f"loss={loss!r} is not a Keras loss; use 'mae', 'mse', 'huber' or a callable "
            "of (y_true, y_pred)"
        ) from error


def _optimizer(how: TrainSpec, rate: Any) -> Any:
    try:
        optimizer = keras.optimizers.get(how.optimizer)
    except ValueError as error:
        raise ValueError(
            f"optimizer={how.optimizer!r} is not a Keras optimizer; use 'adam', 'adamw', "
            "'rmsprop', 'sgd' or a keras.optimizers object"
        ) from error
    config = optimizer.get_config()
    if rate is not None:
        config["learning_rate"] = rate
    if config["clipnorm"] is config["clipvalue"] is config["global_clipnorm"] is None:
        config["global_clipnorm"] = how.clipnorm
    return type(optimizer).from_config(config)


@keras.saving.register_keras_serializable(package="tsrnn")
class _Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """Rate that falls along a cosine; peak and length are set without a new graph."""

    def __init__(self) -> None:
        self.peak = keras.Variable(0.0, dtype="float32", trainable=False, name="peak")
        self.steps = keras.Variable(1.0, dtype="float32", trainable=False, name="steps")

    def __call__(self, step: Any) -> Any:
        progress = keras.ops.minimum(keras.ops.cast(step, "float32") / self.steps, 1.0)
        return self.peak * 0.5 * (1.0 + keras.ops.cos(np.pi * progress))

    def get_config(self) -> dict[str, Any]:
        return {}
