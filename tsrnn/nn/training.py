"""Training: one compiled model per spec, which serves fit after fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsrnn.nn.data import full_batches, gather, n_at_once, signature, size_of_batches
from tsrnn.nn.heads import loss_of_distribution
from tsrnn.nn.inference import forget
from tsrnn.nn.keras_objects import described, is_kerass_own, refuse_own_code
from tsrnn.nn.loop import Trained, fit
from tsrnn.nn.network import build, input_names
from tsrnn.nn.spec import NetworkSpec, TrainSpec

_MOST_CACHED = 32
# Building a network takes longer than a pass over a short series, and folds share their seeds: a
# handful, the members of an ensemble. Each is kept as large as the network.
_MOST_SEEDS = 5


def train(
    arrays: dict[str, Any],
    spec: NetworkSpec,
    how: TrainSpec,
    validation: np.ndarray | None = None,
    weights: list[np.ndarray] | None = None,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    arrays : dict of tensors
        As from `tsrnn.nn.data.arrays_of`.
    spec : NetworkSpec
    how : TrainSpec
    validation : ndarray of bool or None
        Windows held out; early stopping watches their loss.
    weights : list of ndarray or None
        Weights to go on from; None starts anew from the seed.

    Raises
    ------
    ValueError
        If the loss becomes NaN or infinite, a name of a loss or optimizer is unknown, a
        checkpoint cannot be used, or there are to be some of a training that runs own code.
    KeyboardInterrupt
        If Ctrl-C interrupts it: an `Interrupted` with what was trained, after an epoch or more.
    """
    refuse_own_code(spec, how)
    trainer = _trainer(spec, how)
    try:
        with trainer.lock:
            return fit(trainer, arrays, how, validation, weights)
    except KeyboardInterrupt:
        if trainer.is_compiling:  # what is half done serves no other fit
            _discard(trainer)
        raise


class _Trainer:
    """A compiled model and what it takes to start it over."""

    def __init__(self, spec: NetworkSpec, how: TrainSpec) -> None:
        self.spec = spec
        self.lock = threading.Lock()
        self.is_compiling = True
        falls = how.schedule == "cosine" and isinstance(how.learning_rate, float)
        self.rate = _Cosine() if falls else how.learning_rate
        self.model = build(spec)
        self.optimizer = _optimizer(how, self.rate)
        self.names = input_names(self.model)
        loss = loss_of_distribution(spec) if spec.distribution else _loss(how.loss)
        self.model.compile(optimizer=self.optimizer, loss=loss, jit_compile=False)
        self.optimizer.build(self.model.trainable_variables)
        self.start = [v.numpy() for v in self.optimizer.variables]
        self.variables = [*self.model.variables, *self.optimizer.variables]
        self._initial = lru_cache(maxsize=_MOST_SEEDS)(self._built)
        self._read = tf.function(self._values, autograph=False).get_concrete_function()
        self._pass = cache(self._traced_pass)

    def learn(
        self, arrays: dict[str, Any], windows: np.ndarray, how: TrainSpec, epoch: int
    ) -> dict[str, float]:
        """Pass over the windows once in random order; returns the mean losses."""
        key = tf.constant([how.seed, epoch], tf.int64)
        # A stateless shuffle takes no part in TensorFlow's global seeds.
        order = tf.random.experimental.stateless_shuffle(tf.constant(windows, tf.int64), seed=key)
        return self._run(arrays, order, size_of_batches(len(windows), how), learns=True)

    def check(
        self, arrays: dict[str, Any], windows: np.ndarray, how: TrainSpec
    ) -> dict[str, float]:
        """Mean losses of windows that are held out."""
        order = tf.constant(windows, tf.int64)
        return self._run(arrays, order, size_of_batches(len(windows), how), learns=False)

    def _run(
        self, arrays: dict[str, Any], order: Any, batch_size: int, learns: bool
    ) -> dict[str, float]:
        go_over = self._pass(signature(arrays), batch_size, learns)
        return {name: float(value) for name, value in go_over(arrays, order).items()}

    def _traced_pass(
        self, shapes: tuple[tuple[str, tf.TensorSpec], ...], batch_size: int, learns: bool
    ) -> Any:
        def go_over(arrays: dict[str, Any], order: Any) -> Any:
            return self._one_pass(arrays, order, batch_size, learns)

        # Called directly, a function traced in each of many specs makes TensorFlow warn.
        return tf.function(go_over, autograph=False).get_concrete_function(
            dict(shapes), tf.TensorSpec((None,), tf.int64)
        )

    def _one_pass(self, arrays: dict[str, Any], order: Any, batch_size: int, learns: bool) -> Any:
        """Go over all batches in one call: several are gathered, and learned from one by one."""
        self.model.reset_metrics()
        windows, factors = full_batches(order, batch_size)
        n_gathered = n_at_once(arrays, self.spec, batch_size)
        step = self.model.train_step if learns else self.model.test_step

        def some_batches(first: Any) -> Any:
            some = windows[first : first + n_gathered], factors[first : first + n_gathered]
            chosen, factor = (tf.reshape(array, (-1,)) for array in some)
            flat = gather(arrays, chosen, factor, self.spec, self.names)
            batches = keras.tree.map_structure(
                lambda array: tf.reshape(array, (-1, batch_size, *array.shape[1:])), flat
            )

            def body(k: Any) -> Any:
                step(keras.tree.map_structure(lambda array: array[k], batches))
                return (k + 1,)

            tf.while_loop(lambda k: k < tf.shape(some[0])[0], body, (0,))
            return (first + n_gathered,)

        tf.while_loop(lambda first: first < tf.shape(windows)[0], some_batches, (0,))
        return self.model.get_metrics_result()

    def state(self) -> list[Any]:
        """Read weights, states of random generators and variables of the optimizer.

        The tensors share the memory of the variables, until these change.
        """
        return self._read()

    def _values(self) -> list[Any]:
        return [tf.identity(variable.value) for variable in self.variables]

    def put_back(self, values: Sequence[Any]) -> None:
        """Return to what `state` has read."""
        _assign(self.variables, values)

    def _built(self, seed: int) -> list[np.ndarray]:
        """Draw weights and states of random generators as a new model would."""
        return [variable.numpy() for variable in build(self.spec, seed).variables]

    def restart(self, how: TrainSpec, n_batches: int, weights: list[np.ndarray] | None) -> None:
        """Reset weights, dropout seeds and optimizer as if nothing had been trained."""
        self.is_compiling = True  # until an epoch is complete
        _assign(self.variables, [*self._initial(how.seed), *self.start])
        if weights is not None:
            self.model.set_weights(weights)
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
    if spec.network is not None or not all(is_kerass_own(part) for part in parts):
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


def _discard(trainer: _Trainer) -> None:
    with _trainers_lock:
        for key in [key for key, one in _trainers.items() if one is trainer]:
            del _trainers[key]


def _assign(variables: list[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        # A quarter of the time of Keras's own assign; shapes are checked here too.
        variable.value.assign(value, read_value=False)


def _key(part: Any) -> Any:
    return float if isinstance(part, float) else described(part)  # a number is set for each fit


def _loss(loss: Any) -> Any:
    mean = "sum_over_batch_size"
    if getattr(loss, "reduction", mean) != mean:
        raise ValueError(
            f"loss={type(loss).__name__}(reduction={loss.reduction!r}): a batch is learned from in "
            f"parts, whose mean counts; leave reduction={mean!r}"
        )
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
