"""What a network is and how it is trained, as plain hashable data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tsrnn.distributions import COUNTS, DISTRIBUTIONS

CELLS = ("simple_rnn", "lstm", "gru")
ARCHITECTURES = ("seq2vec", "seq2seq", "encoder_decoder", "vec2seq")
DECODERS = ("parallel", "autoregressive")


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that decides the shape of a network and its weights.

    Attributes
    ----------
    cell : {"simple_rnn", "lstm", "gru"}
    architecture : {"seq2vec", "seq2seq", "encoder_decoder", "vec2seq"}
    context_length, horizon : int
        Steps read and steps forecast; vec2seq reads no context.
    n_targets : int
    n_covariates : int, default 0
        Columns of the context besides the targets, of all roles.
    n_past, n_future : int, default 0
        How many of them come first and are known up to the cutoff, and how many come next
        and are known over the horizon.
    n_static : int, default 0
        Length of the vector that vec2seq starts from.
    n_seasons : int, default 0
        What forecasts are a mix of, before they are corrected: the last value and means of past
        seasons.
    units, n_layers : int
        Size of the hidden state, and number of recurrent layers.
    segment_length : int, default 1
        Observations that one recurrent step reads (and one decoder step writes).
    decoder : {"parallel", "autoregressive"}
        How encoder_decoder writes: one step per output segment at once, or one after the
        other, each fed the one before.
    bidirectional, residual, layer_norm : bool
    dropout, recurrent_dropout : float
    masked : bool, default False
        Whether the network takes a mask of observed context steps. The weights are the same.
    network : callable or None
        The user's own builder: called with this spec, returns a keras.Model.
    distribution : str or None, default None
        One of `tsrnn.distributions.DISTRIBUTIONS`; None forecasts a number.
    compiled : bool, default True
        Whether XLA compiles it, which takes seconds and saves milliseconds a batch, or Keras runs
        its own layers as they are. With dropout XLA compiles loops over time and forecasts only.
        The weights are the same.
    """

    cell: str
    architecture: str
    context_length: int
    horizon: int
    n_targets: int
    n_covariates: int = 0
    n_past: int = 0
    n_future: int = 0
    n_static: int = 0
    n_seasons: int = 0
    units: int = 32
    n_layers: int = 1
    segment_length: int = 1
    decoder: str = "parallel"
    bidirectional: bool = False
    residual: bool = False
    layer_norm: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    masked: bool = False
    network: Callable[[NetworkSpec], Any] | None = None
    distribution: str | None = None
    compiled: bool = True

    @property
    def n_parameters(self) -> int:
        """Numbers that the network writes for each step and target."""
        return DISTRIBUTIONS[self.distribution].n_parameters if self.distribution else 1

    @property
    def n_outputs(self) -> int:
        """Numbers that the network writes for each step."""
        return self.n_targets * self.n_parameters

    @property
    def location(self) -> int:
        """Place, among the numbers for a target, of the one that it lies around."""
        return DISTRIBUTIONS[self.distribution].location if self.distribution else 0

    @property
    def counts(self) -> bool:
        """Whether whole numbers are forecast, in their own units."""
        return self.distribution in COUNTS

    @property
    def n_segments(self) -> int:
        """Recurrent steps over the context."""
        return self.context_length // self.segment_length

    @property
    def n_output_segments(self) -> int:
        """Decoder steps over the horizon; the last may reach beyond it."""
        return -(-self.horizon // self.segment_length)

    @property
    def n_recurrent_steps(self) -> int:
        """Recurrent steps, of all layers, from the context to the forecast."""
        one_by_one = self.architecture == "vec2seq" or self.decoder == "autoregressive"
        decodes = self.architecture in ("vec2seq", "encoder_decoder")
        decoded = decodes * (self.n_output_segments if one_by_one else 1)
        return self.n_layers * ((1 + self.bidirectional) * self.n_segments + decoded)

    @property
    def loss_steps(self) -> tuple[int, ...]:
        """Context steps after which seq2seq forecasts: segment ends in the second half.

        The first half shows level and scale, so that no step is scaled by its own future.
        """
        first = self.n_segments // 2
        return tuple((i + 1) * self.segment_length - 1 for i in range(first, self.n_segments))

    @property
    def statistics_length(self) -> int:
        """Leading context steps that location and scale are taken from."""
        if self.architecture == "seq2seq":
            return self.loss_steps[0] + 1
        return self.context_length


@dataclass(frozen=True)
class TrainSpec:
    """How a network is trained.

    Attributes
    ----------
    loss : str or callable
    optimizer : str or keras.Optimizer
    learning_rate : float, keras LearningRateSchedule or None
        None leaves the optimizer its own schedule.
    schedule : {"cosine", "constant"}
    batch_size, max_epochs : int
    clipnorm : float or None
        Largest global norm of the gradient.
    patience : int or None
        Epochs without a better validation loss before stopping; None trains to the end.
    seed : int
    callbacks : tuple of keras callbacks
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    checkpoint_dir : str or None
        Folder that keeps the state of training, to go on after it was killed.
    """

    loss: Any
    optimizer: Any
    learning_rate: Any
    schedule: str
    batch_size: int
    max_epochs: int
    clipnorm: float | None
    patience: int | None
    seed: int
    callbacks: tuple[Any, ...] = ()
    progress: bool | None = None
    checkpoint_dir: str | None = field(default=None, compare=False)
