"""Losses, optimizers, schedules and networks of the user's own."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import pytest

from tsrnn import LSTMForecaster

TINY = {"horizon": 2, "units": 2, "batch_size": 32, "random_state": 0}


@pytest.fixture(scope="module")
def weekly() -> pd.Series:
    noise = np.random.default_rng(0).normal(0, 0.1, 80)
    values = 10 + np.sin(2 * np.pi * np.arange(80) / 7) + noise
    return pd.Series(values, pd.date_range("2024", periods=80), name="load")


def losses_of(series, **params) -> list[float]:
    forecaster = LSTMForecaster(**TINY | {"max_epochs": 3} | params)
    return forecaster.fit(series).losses_["loss"].tolist()


class Pinball(keras.losses.Loss):
    """A loss as users write them: named, without get_config."""

    def __init__(self, level):
        super().__init__(name="pinball")
        self.level = level

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return keras.ops.mean(
            keras.ops.maximum(self.level * error, (self.level - 1) * error), axis=-1
        )


def test_two_losses_of_one_class_are_two_losses(weekly):
    low, high = (
        LSTMForecaster(**TINY, max_epochs=30, loss=Pinball(level)).fit(weekly).predict()
        for level in (0.05, 0.95)
    )
    assert (low < high).all()


def test_a_loss_that_reads_a_changed_value_is_compiled_anew(weekly):
    factor = 1.0

    def loss(y_true, y_pred):
        return factor * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    once = losses_of(weekly, loss=loss)
    factor = 2.0
    assert losses_of(weekly, loss=loss)[0] == pytest.approx(2 * once[0])


def test_an_optimizer_object_keeps_its_own_rate(weekly):
    still = losses_of(weekly, optimizer=keras.optimizers.Adam(1e-9))
    assert np.ptp(still) < 1e-5
    assert np.ptp(losses_of(weekly, optimizer=keras.optimizers.Adam(0.5))) > 0.01
    decay = keras.optimizers.schedules.ExponentialDecay(1e-9, 10, 0.5)
    assert np.ptp(losses_of(weekly, optimizer=keras.optimizers.Adam(decay))) < 1e-5


def test_a_stated_rate_wins_over_that_of_the_object(weekly):
    moved = losses_of(weekly, optimizer=keras.optimizers.Adam(1e-9), learning_rate=0.5)
    assert np.ptp(moved) > 0.01


def test_callbacks_that_set_the_rate_want_a_constant_schedule(weekly):
    def slower():
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-9)

    assert np.ptp(losses_of(weekly, schedule="constant", callbacks=[slower()])) < 1e-5
    with pytest.raises(ValueError, match="use schedule='constant'"):
        losses_of(weekly, callbacks=[slower()])


@dataclass
class Builder:
    """A builder that can change, and cannot be hashed."""

    units: int

    def __call__(self, spec):
        context = keras.Input((spec.context_length, spec.n_targets), name="context")
        state = keras.layers.GRU(self.units)(context)
        flat = keras.layers.Dense(spec.horizon * spec.n_targets)(state)
        return keras.Model(context, keras.layers.Reshape((spec.horizon, spec.n_targets))(flat))


def test_a_builder_may_change_between_fits(weekly):
    builder = Builder(1)
    first = LSTMForecaster(**TINY, max_epochs=1, network=builder).fit(weekly)
    n_before = first.model_.count_params()
    first.predict()
    builder.units = 3
    second = LSTMForecaster(**TINY, max_epochs=1, network=builder).fit(weekly)
    assert second.model_.count_params() > n_before
    assert np.isfinite(second.predict()).all()


@pytest.mark.parametrize("level", [1e6, 1e9])
def test_an_odd_first_value_does_not_cost_the_movements(weekly, level):
    odd = weekly + level
    odd.iloc[0] = 0.0
    trained = losses_of(odd[10:], max_epochs=30, reference="season")
    with_odd = losses_of(odd, max_epochs=30, context_length=14, reference="season")
    assert 0.02 < with_odd[-1] < 10 * trained[-1]


def test_movements_below_the_range_of_float32_are_learned(weekly):
    forecast = LSTMForecaster(**TINY, max_epochs=3).fit(weekly * 1e-60).predict()
    usual = LSTMForecaster(**TINY, max_epochs=3).fit(weekly).predict()
    np.testing.assert_allclose(forecast * 1e60, usual, rtol=1e-4)
