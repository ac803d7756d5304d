"""The same small network in tsrnn, Keras and PyTorch, for training and for prediction.

One recurrent layer on a univariate context, its last output to a dense layer over the horizon.
Each function makes a peer: called with a number of batches, it trains on (or predicts) so many,
and returns the seconds that took. All copies of data are made before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from speed_measure import load_tensorflow, seconds

from tsrnn import RNNForecaster, nn, planning

HORIZON = 24
# Most batches of an epoch; more batches are more epochs.
EPOCH = 32
_GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
_KERAS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
_TORCH = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "simple_rnn": torch.nn.RNN}

Peer = Callable[[int], float]

# What is timed here lasts half a second: throughput is that of trainings which last longer.
planning.pays_to_compile = lambda *plan: True
# As TensorFlow does: on gradients of hundreds of steps PyTorch would spend most of its time on
# denormal numbers.
torch.set_flush_denormal(True)


@dataclass(frozen=True)
class Shape:
    """Sizes of a network and of what it reads."""

    cell: str
    units: int
    batch: int
    context: int

    @property
    def training_flops(self) -> int:
        """Of the matrix products of one recurrent time step: forward, and twice that back."""
        return 3 * 2 * _GATES[self.cell] * self.units * (1 + self.units)


def tsrnn_training(shape: Shape) -> Peer:
    """Call ``fit``, which also scales each window; the peers leave that out."""
    forecaster = _forecaster(shape)

    def run(n_batches: int) -> float:
        epochs, series = _epochs(n_batches), _series(shape, n_batches)
        forecaster.set_params(max_epochs=epochs)
        return seconds(lambda: forecaster.fit(series))

    return run


def keras_training(shape: Shape) -> Peer:
    """Call ``model.fit`` on arrays of windows that are ready made."""
    model = _keras_model(shape)

    def run(n_batches: int) -> float:
        windows = _windows(shape, n_batches)
        context = np.ascontiguousarray(windows[:, : shape.context, None])
        target = np.ascontiguousarray(windows[:, shape.context :])
        epochs = _epochs(n_batches)
        return seconds(
            lambda: model.fit(
                context, target, batch_size=shape.batch, epochs=epochs, shuffle=True, verbose=0
            )
        )

    return run


def torch_training(shape: Shape) -> Peer:
    """Train in a loop written by hand; batches are gathered from a view of all windows."""
    model = _TorchNetwork(shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss = torch.nn.L1Loss()

    def train(series: torch.Tensor, epochs: int) -> None:
        windows = series.unfold(0, shape.context + HORIZON, 1)
        for _ in range(epochs):
            for chosen in torch.randperm(len(windows)).split(shape.batch):
                batch = windows[chosen]
                optimizer.zero_grad()
                output = model(batch[:, : shape.context, None])
                loss(output, batch[:, shape.context :]).backward()
                optimizer.step()

    def run(n_batches: int) -> float:
        series = torch.from_numpy(_series(shape, n_batches))
        return seconds(lambda: train(series, _epochs(n_batches)))

    return run


def tsrnn_prediction(shape: Shape) -> Peer:
    """Call ``tsrnn.nn.predict`` with the weights of a fitted forecaster."""
    fitted = _forecaster(shape).set_params(max_epochs=1).fit(_series(shape, 1))
    inputs = {"context": _contexts(shape)}

    def predict(n_batches: int) -> None:
        for _ in range(n_batches):
            nn.predict(inputs, fitted.spec_, fitted.weights_[0])

    return lambda n_batches: seconds(lambda: predict(n_batches))


def keras_prediction(shape: Shape) -> Peer:
    """Call ``model.predict_on_batch``, the fastest of Keras's own ways."""
    model, contexts = _keras_model(shape), _contexts(shape)

    def predict(n_batches: int) -> None:
        for _ in range(n_batches):
            model.predict_on_batch(contexts)

    return lambda n_batches: seconds(lambda: predict(n_batches))


def torch_prediction(shape: Shape) -> Peer:
    """Run the forward pass without gradients."""
    model, contexts = _TorchNetwork(shape), torch.from_numpy(_contexts(shape))

    @torch.no_grad()
    def predict(n_batches: int) -> None:
        for _ in range(n_batches):
            model(contexts).numpy()

    return lambda n_batches: seconds(lambda: predict(n_batches))


def product_rate(size: int = 2048, repeats: int = 10) -> float:
    """Floating point operations per second of the fastest large float32 matrix product."""
    load_tensorflow()
    import tensorflow as tf

    values = np.random.default_rng(0).random((size, size), dtype=np.float32)
    in_tf, in_torch = tf.constant(values), torch.from_numpy(values)
    products = (lambda: tf.matmul(in_tf, in_tf).numpy(), lambda: torch.matmul(in_torch, in_torch))
    return 2 * size**3 / min(seconds(product) for _ in range(repeats) for product in products)


def _forecaster(shape: Shape) -> RNNForecaster:
    return RNNForecaster(
        shape.cell,
        HORIZON,
        units=shape.units,
        context_length=shape.context,
        segment_length=1,
        reference="last",
        batch_size=shape.batch,
        learning_rate=1e-3,
        schedule="constant",
        clipnorm=None,
        early_stopping=False,
        verbose=False,
        random_state=0,
    )


def _keras_model(shape: Shape):
    load_tensorflow()
    import keras

    recurrent = getattr(keras.layers, _KERAS[shape.cell])
    model = keras.Sequential(
        [keras.Input((shape.context, 1)), recurrent(shape.units), keras.layers.Dense(HORIZON)]
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mae")
    return model


class _TorchNetwork(torch.nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.recurrent = _TORCH[shape.cell](1, shape.units, batch_first=True)
        self.head = torch.nn.Linear(shape.units, HORIZON)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        output, _ = self.recurrent(context)
        return self.head(output[:, -1])


def _epochs(n_batches: int) -> int:
    return -(-n_batches // EPOCH)


def _series(shape: Shape, n_batches: int) -> np.ndarray:
    """One random series with as many windows as the batches of an epoch hold."""
    n_windows = min(n_batches, EPOCH) * shape.batch
    length = n_windows + shape.context + HORIZON - 1
    return np.random.default_rng(0).standard_normal(length, dtype=np.float32)


def _windows(shape: Shape, n_batches: int) -> np.ndarray:
    series = _series(shape, n_batches)
    return np.lib.stride_tricks.sliding_window_view(series, shape.context + HORIZON)


def _contexts(shape: Shape) -> np.ndarray:
    size = (shape.batch, shape.context, 1)
    return np.random.default_rng(0).standard_normal(size, dtype=np.float32)
