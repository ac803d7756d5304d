"""Recurrent networks as scikit-learn estimators."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn import nn, planning
from tsrnn.all_or_nothing import all_or_nothing
from tsrnn.archive import PathLike, replacing
from tsrnn.channels import join_targets, split_cutoffs, split_levels, split_targets
from tsrnn.checks import check_observed
from tsrnn.explaining import explain
from tsrnn.forecasting import Network, forecast, forecast_quantiles
from tsrnn.learning import Learned, learn
from tsrnn.panel import Panel
from tsrnn.parameters import check_params
from tsrnn.probabilistic import ProbabilisticForecasts
from tsrnn.ready_made import is_ready_made, ready_made_panel
from tsrnn.rolling import compare
from tsrnn.target_units import as_read, check_targets, in_units
from tsrnn.windows import Windows


class RNNForecaster(ProbabilisticForecasts):
    """Forecast with a recurrent network: SimpleRNN, LSTM or GRU.

    One network is trained over all series and windows; each window is scaled by its own past,
    so that forecasts follow the level and size of the data.

    Parameters
    ----------
    cell : {"lstm", "gru", "simple_rnn"}, default "lstm"
        Kind of recurrent layer.
    horizon : int, default 1
        Steps ahead that the network forecasts at once.
    target : name or list of names, default None
        Columns to forecast; None takes all that have no other role.
    past_covariates, static_covariates : name or list of names, default None
        Columns known only up to the cutoff; columns constant in each series. Other columns
        besides `target` are known over the horizon too.
    share_targets : bool or "auto", default "auto"
        Of several targets, forecast each from its own past (and all covariates) with one network
        for all (channel independence, `tsrnn.channels`). False reads and writes them together,
        so that they can tell of each other, which takes more data. "auto" is False for vec2seq
        and your own `network`, else True.
    season_length : int, list of int or "auto", default "auto"
        Steps in a season, or in several; "auto" follows from the time index (12 for months, 24
        for hours, with the week of 168 if the data show it).
    context_length : int or "auto", default "auto"
        Observations that the network reads; "auto" is two of the longest season or two
        horizons, at least 24, more of long seasonal series, at most 2,048 and half of the longest
        series (`explain` says which rule it was).
    stride : int, default 1
        Steps between neighbouring training windows.
    reference : {"auto", "last", "mean", "season", "seasons", "smoothing", None}, default "auto"
        What forecasts are measured from. "seasons" is a mix of the last value and of means over
        few and many past seasons at the same phase, weighted by the network for each window
        (attention, see `tsrnn.season_means.season_spans`). "smoothing" is a mix of exponential
        smoothers over the whole past of a series (`tsrnn.smoothing`), of which the network's
        correction is kept by as much as it explains (with loss="mae", see `tsrnn.shrinkage`);
        forecasts follow a change of units but, as logarithms of positive seasonal series are
        smoothed too, not a shift. "auto" is "smoothing" for short series without covariates, else
        "seasons" (or "season", if the context shows one only), and "last" without a season.
    scale : {"auto", "deviation", "mean_absolute", None}, default "auto"
        What a window is divided by; "auto" is "mean_absolute" with "smoothing", else "deviation".
    architecture : {"auto", "seq2vec", "seq2seq", "encoder_decoder", "vec2seq"}, default "auto"
        From the last state to all steps at once; a forecast at every step of the second half
        of the context; an encoder and a decoder over the horizon; or, with no history at all,
        from static covariates and the calendar to a sequence. "auto" is "encoder_decoder" where
        a step reads a segment of several observations, else "seq2vec".
    decoder : {"parallel", "autoregressive"}, default "parallel"
        Whether an encoder_decoder writes all segments at once or reads its own output.
    segment_length : int or "auto", default "auto"
        Observations that one recurrent step reads; 1 is the textbook network.
    units : int or "auto", default "auto"
        Size of the hidden state; "auto" is 32, and 64 from 50,000 windows on.
    n_layers : int, default 1
        Recurrent layers on top of each other.
    bidirectional, residual, layer_norm : bool, default False
        Read the context both ways; add each layer's input to its output; normalise outputs.
    dropout, recurrent_dropout : float, default 0.0
        Share of outputs, and of state connections, left out in training, which takes longer
        with it: half as long again, and several times as long.
    network : callable, default None
        Your own builder: takes a `NetworkSpec`, returns a ``keras.Model`` from inputs named
        "context" (and "future", "static", "mask") to (batch, horizon, n_targets).
    distribution : str or None, default None
        What is forecast of each step besides one number: "quantiles" (no shape assumed),
        "gaussian", "student_t" (heavy tails), "log_normal" (of values above 0), and for counts
        "negative_binomial" or "poisson". `predict_quantiles`, `predict_interval` and `sample`
        answer with it; `predict` gives the median, of counts the mean. Widths are in parts of
        the movements in the context: where it does not move, they are 0 (but of counts). See
        `tsrnn.distributions` and, for how it is learned, `tsrnn.nn.heads`.
    loss : str or callable, default "mae"
        A Keras loss, on scaled values. XLA compiles a callable of (y_true, y_pred), together
        with the network; it returns one value per window.
    optimizer : str or keras optimizer, default "adam"
        An object's own clipping takes the place of `clipnorm`.
    learning_rate : float, keras schedule or "auto", default "auto"
        Its peak; it falls to 0 along a cosine if `schedule` is "cosine". "auto" is 0.003, or
        the rate of an optimizer that is given as an object.
    schedule : {"cosine", "constant"}, default "cosine"
    batch_size, max_epochs : int or "auto", default "auto"
        Windows per step, and passes over all windows; "auto" makes one step for each
        horizon that windows do not share, half of that with "smoothing", from 400 (200 with a
        `distribution`) to 4,000.
    clipnorm : float or None, default 1.0
        Largest norm of the whole gradient: exploding gradients are cut to it.
    early_stopping : bool, default False
        Hold out the last windows of each series (those whose horizon overlaps theirs are not
        learned from either) and stop when their loss no longer falls. By default all windows
        are learned from, the newest too, which tell most of what comes next.
    patience : int, default 10
        Epochs to wait for a better validation loss.
    validation_fraction : float, default 0.1
        Share of each series' windows that is held out.
    callbacks : list of keras callbacks, default None
        An epoch runs in one call: batch hooks are called once per epoch, not per batch.
    n_members : int, default 1
        Networks that differ in their seed; forecasts are their median (the mean of their
        quantiles at each level, with a `distribution`).
    warm_start : bool, default False
        Go on from the weights of the last fit.
    checkpoint_dir : path-like, default None
        Folder for the state of training: a fit that was killed goes on from there when the same
        forecaster is fitted to the same data again, and ends as if it had not been killed, bit
        for bit (see Notes). Needs a whole number as `random_state`.
    verbose : bool or "auto", default "auto"
        Progress bar; "auto" shows it on a terminal only.
    random_state : int, RandomState or None, default None
        An int makes two fits equal bit for bit on CPUs of as many cores; those that are compiled
        or have more than 128 units in as many threads too (see Notes).

    Attributes
    ----------
    spec_ : NetworkSpec
        The network, with every "auto" resolved.
    train_spec_ : TrainSpec
        How it was trained.
    weights_ : list of list of ndarray
        Keras weights of each member.
    encoding_ : Encoding
        Reference and scale of the windows, with "auto" resolved; with "smoothing", ``share`` is
        what forecasts keep of the network's correction.
    dependence_ : ndarray of shape (horizon, horizon) or None
        Correlation between the steps, in normal scores; None without a `distribution`.
    history_ : Panel
        The last rows of the training data that forecasts read; with "smoothing", all of them.
    losses_ : DataFrame
        Columns ``member``, ``epoch``, ``loss`` and, with validation, ``val_loss``.
    best_epoch_ : int, or list of int for several members
        Epoch, from 0, that the weights come from.
    shares_targets_ : bool
        Whether each of several targets is forecast from its own past.
    season_length_ : int
        The shortest season.
    season_lengths_ : tuple of int
        All seasons that the network mixes, shortest first.
    n_windows_ : int
        Training windows.

    Notes
    -----
    **Compiling.** A long training runs as programs that XLA compiles for the network, once in a
    process; one that is over sooner than they would pay for themselves runs on Keras's own layers,
    and so do its forecasts. Parameters and data decide before training, and ``spec_.compiled``
    tells: folds of growing length may fall on both sides. The two calculate alike but for rounding.

    **Checkpoints.** Each fit has a file of its own for each member in `checkpoint_dir`, named
    after all that decides its result (data, parameters, first weights, versions): fits of a grid
    search can share a folder, and another fit never takes up a file that is not its own. The state
    is written after an epoch, at most every two seconds; epochs since then are trained again. The
    end of a fit removes its files. Those of fits that never end stay: empty the folder when no
    fit runs that is to go on. Your own code as `loss`, `optimizer`, `learning_rate` or `network`
    is refused, as it may change unseen between two processes. Callbacks are called again for
    epochs that are repeated, and know nothing of epochs in an earlier process: your own must not
    steer training by what they remember, and ``ReduceLROnPlateau`` and others of Keras that do
    are refused. Of callbacks only the class counts in the name: empty the folder when one that
    steers training, such as ``LearningRateScheduler``, is changed.

    **Ctrl-C** ends a fit with a warning, as a fitted forecaster: with early stopping with the best
    weights so far, else with those of the last epoch (or of one a moment before: weights are
    copied for it so rarely that this takes 1 % of the time). Of several members those that are
    complete are kept, or the first one as far as it came. Before the first epoch is complete, as
    in a fit of a search or a cache (`GridSearchCV` and its refit, `cross_validate`, `backtest`,
    joblib's ``Memory``) and in `ConformalForecaster`, it raises KeyboardInterrupt as ever, which
    stops the whole search; in your own loop over fits only the fit ends that runs. An epoch is
    compiled as a whole, and ends before Ctrl-C counts.

    **Threads.** Training takes all cores, or as many threads as the environment variable
    OMP_NUM_THREADS allows, which joblib sets in its workers (as TF_NUM_INTRAOP_THREADS and
    TF_NUM_INTEROP_THREADS, and ``tf.config.threading``, say, if they say anything). For another
    number of threads XLA adds up in another order: results are the same but for rounding, as are
    those of a checkpoint that is taken up with another number.

    Examples
    --------
    >>> wave = np.sin(np.arange(60) / 3)
    >>> RNNForecaster("gru", 2, units=4, max_epochs=1, random_state=0).fit(wave).predict().shape
    (2,)
    """

    def __init__(
        self,
        cell: str = "lstm",
        horizon: int = 1,
        *,
        target: Any = None,
        past_covariates: Any = None,
        static_covariates: Any = None,
        share_targets: Any = "auto",
        season_length: Any = "auto",
        context_length: Any = "auto",
        stride: int = 1,
        reference: str | None = "auto",
        scale: str | None = "auto",
        architecture: str = "auto",
        decoder: str = "parallel",
        segment_length: Any = "auto",
        units: Any = "auto",
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        layer_norm: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        network: Any = None,
        distribution: str | None = None,
        loss: Any = "mae",
        optimizer: Any = "adam",
        learning_rate: Any = "auto",
        schedule: str = "cosine",
        batch_size: Any = "auto",
        max_epochs: Any = "auto",
        clipnorm: float | None = 1.0,
        early_stopping: bool = False,
        patience: int = 10,
        validation_fraction: float = 0.1,
        callbacks: Any = None,
        n_members: int = 1,
        warm_start: bool = False,
        checkpoint_dir: Any = None,
        verbose: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.horizon = horizon
        self.target = target
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.share_targets = share_targets
        self.season_length = season_length
        self.context_length = context_length
        self.stride = stride
        self.reference = reference
        self.scale = scale
        self.architecture = architecture
        self.decoder = decoder
        self.segment_length = segment_length
        self.units = units
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.layer_norm = layer_norm
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.network = network
        self.distribution = distribution
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.clipnorm = clipnorm
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.n_members = n_members
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Train the network on every window of X.

        Parameters
        ----------
        X : Series, DataFrame, array, panel, Windows or 3-D array
            Rows are time steps; or windows from `SlidingWindow`; or ready-made windows of
            shape (n_windows, context_length, n_features). Of a slice of windows only those
            are learned from, but covariates are scaled by all rows of their panel, and
            forecasts follow its end.
        y : Series, DataFrame or array, default None
            The targets, then the columns of X are covariates known in the future; with 3-D
            windows the horizons, of shape (n_windows, horizon[, n_targets]).
        sample_weight : array of shape (n_rows,) or (n_windows,), default None
            Weight of each row as a target (of each window, with windows).

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If a parameter or the data are not usable; the message names what, where and the
            remedy.
        """
        check_params(self)
        with all_or_nothing(self):
            panel = self._read_training(X, y)
            learned = learn(self, panel, X, sample_weight)
            self._keep(learned)
            self._remember(panel)
        # What goes wrong from here on must not undo a fit that is complete.
        for member in learned.trained:
            member.forget_checkpoint()
        return self

    @property
    def model_(self) -> Any:
        """The network as a new ``keras.Model`` (a list of them, with several members)."""
        check_is_fitted(self)
        models = [nn.build_model(self.spec_, weights) for weights in self.weights_]
        return models[0] if len(models) == 1 else models

    def export_keras(self, path: PathLike) -> list[Path]:
        """Write the network, as in `model_`, to a file that Keras loads.

        The file holds the network alone: Keras reads scaled windows and answers in scaled units.
        Networks of the architectures "seq2vec" and "seq2seq" consist of Keras's own layers;
        those of the others have layers of tsrnn, for which ``import tsrnn.nn.layers`` goes before
        ``keras.models.load_model``.

        Parameters
        ----------
        path : path-like
            Ends in ``.keras``. Of several members each has a file of its own, with its number:
            ``model.keras`` becomes ``model_0.keras``, ``model_1.keras`` and so on.

        Returns
        -------
        paths : list of Path
            The files, one for each member.

        Raises
        ------
        ValueError
            If `path` has another ending.
        """
        check_is_fitted(self)
        whole = Path(path)
        if whole.suffix != ".keras":
            raise ValueError(f"path={str(path)!r} must end in '.keras', the format of Keras")
        paths = [whole.with_stem(f"{whole.stem}_{i}") for i in range(len(self.weights_))]
        paths = paths if len(paths) > 1 else [whole]
        for one, weights in zip(paths, self.weights_, strict=True):
            with replacing(one) as part:
                nn.build_model(self.spec_, weights).save(part)
        return paths

    def explain(self) -> pd.DataFrame:
        """Say what was chosen for each number that may be left to the toolkit, and why.

        Returns
        -------
        choices : DataFrame
            Indexed by parameter: its ``value``, ``chosen_by`` ("auto" or "you") and, of what was
            left to "auto", the ``rule``.

        Examples
        --------
        >>> months = pd.period_range("2020", periods=60, freq="M")
        >>> sales = pd.Series(np.sin(np.arange(60)), months)
        >>> forecaster = RNNForecaster(horizon=2, units=4, max_epochs=1).fit(sales)
        >>> forecaster.explain().loc[["context_length", "units"], ["value", "chosen_by"]]
                       value chosen_by
        parameter
        context_length    24      auto
        units              4       you
        """
        check_is_fitted(self)
        return explain(self)

    def predict(self, X: Any = None) -> Any:
        """Forecast what follows the data.

        Parameters
        ----------
        X : Series, DataFrame, array, panel, Windows or 3-D array, default None
            None forecasts the `horizon` steps after the training data. After ``fit(X)`` it
            is a history: forecasts follow its last observed target, and rows behind that
            carry covariates known in the future (more than `horizon` of them ask for that
            many forecasts). A series whose labelled rows follow the training data directly, or
            overlap their end, continues them: the rows before it are remembered, its own are
            read as given. Any other (also an array) is a history of its own. After
            ``fit(X, y)`` it holds the covariates of the rows to forecast, right after the
            training data: one forecast per row. Steps beyond `horizon` are forecast by
            feeding forecasts back. Windows, a slice of them too, stand for all rows of their
            panel: forecasts follow its end (``predict_at(windows, windows.cutoffs)`` forecasts
            from each window, if the rows were given in order).

        Returns
        -------
        forecasts : same container as X (as in fit, if X is None)
            With the future timestamps; for 3-D windows of shape (n_windows, horizon[,
            n_targets]).
        """
        forecasts = super().predict(X)
        if is_ready_made(X):
            return forecasts.reshape(len(X), self.horizon_, *forecasts.shape[1:])
        return forecasts

    def _parse(self, X: Any, y: Any, **known: Any) -> Panel:
        if isinstance(X, Windows):
            if y is not None:
                raise ValueError("X holds windows, which have their targets; leave y out")
            return X.panel
        if is_ready_made(X):
            if known:
                return ready_made_panel(X, y, self.horizon_, self.history_)
            return ready_made_panel(X, y, self.horizon)
        return super()._parse(X, y, **known)

    def _check_features(self, X: Any, *, reset: bool) -> None:
        if isinstance(X, Windows) or is_ready_made(X):
            X = np.empty((1, X.shape[2]))
        super()._check_features(X, reset=reset)

    def _is_covariate_fit(self, X: Any, y: Any) -> bool:
        return y is not None and not is_ready_made(X)

    def _roll(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not is_ready_made(X):
            return super()._roll(X, y)
        panel = self._read(X, y)
        series = np.arange(panel.n_series)
        cutoffs = panel.offsets[:-1] + X.shape[1] - 1
        forecasts = self._forecast(panel, series, cutoffs, self.horizon_)
        return compare(panel, series, cutoffs, forecasts, self.season_length_)

    def _keep(self, learned: Learned) -> None:
        self.season_lengths_, self.shares_targets_ = learned.seasons, learned.shares_targets
        self.encoding_, self.n_windows_ = learned.encoding, learned.n_windows
        self.train_spec_, self.spec_ = learned.train_spec, learned.spec
        self.weights_ = [one.weights for one in learned.trained]
        self.losses_ = planning.losses_table([one.history for one in learned.trained])
        best = [one.best_epoch for one in learned.trained]
        self.best_epoch_ = best[0] if len(best) == 1 else best
        self.dependence_ = learned.dependence

    def _forecast(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, n_steps: int
    ) -> np.ndarray:
        if not self._forecasts_without_history():
            check_observed(panel, series, cutoffs)
        # Forecasts that are fed back lengthen the history, and vec2seq reads its length.
        memory = self._memory(panel) + n_steps
        panel = as_read(panel, self.spec_.distribution)
        if not self.shares_targets_:
            forecasts = forecast(self._network(), panel, series, cutoffs, n_steps, memory)
        else:
            one_each = split_cutoffs(panel, series, cutoffs)
            forecasts = forecast(self._network(), split_targets(panel), *one_each, n_steps, memory)
            forecasts = join_targets(forecasts, panel.n_targets)
        return in_units(forecasts, self.spec_.distribution)

    def _forecast_quantiles(
        self, panel: Panel, series: np.ndarray, cutoffs: np.ndarray, levels: np.ndarray
    ) -> np.ndarray:
        if not self._forecasts_without_history():
            check_observed(panel, series, cutoffs)
        panel, n_targets = as_read(panel, self.spec_.distribution), panel.n_targets
        if self.shares_targets_:
            series, cutoffs = split_cutoffs(panel, series, cutoffs)
            panel, levels = split_targets(panel), split_levels(levels)
        quantiles = forecast_quantiles(self._network(), panel, series, cutoffs, levels)
        if self.shares_targets_:
            quantiles = join_targets(quantiles, n_targets)
        return in_units(quantiles, self.spec_.distribution)

    def _read(self, X: Any, y: Any = None) -> Panel:
        panel = super()._read(X, y)
        check_targets(panel, self.spec_.distribution)  # before rows become history
        return panel

    def _network(self) -> Network:
        return self.spec_, self.encoding_, self.weights_

    def _uses_future(self) -> bool:
        return bool(self.columns_.future)

    def _forecasts_without_history(self) -> bool:
        return self.spec_.architecture == "vec2seq"

    def _memory(self, panel: Panel) -> int:
        if self._forecasts_without_history():  # reads the age of a series
            return int(panel.lengths.max())
        if self.encoding_.reference == "smoothing":  # smooths the whole of a series
            return int(panel.lengths.max())
        return max(self.spec_.context_length, self.season_length_)


def _without_cell() -> Any:
    """Make the constructor of a forecaster whose cell is fixed."""
    full = inspect.signature(RNNForecaster.__init__)
    signature = full.replace(parameters=[p for n, p in full.parameters.items() if n != "cell"])

    def __init__(self: Any, *args: Any, **params: Any) -> None:
        bound = signature.bind(self, *args, **params)
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


class LSTMForecaster(RNNForecaster):
    """`RNNForecaster` with LSTM cells: forget, input and output gates guard a cell state.

    Takes the parameters of `RNNForecaster` but `cell`. Source: Hochreiter and Schmidhuber
    (1997), Long short-term memory, Neural Computation 9(8).

    Examples
    --------
    >>> wave = np.sin(np.arange(60) / 3)
    >>> LSTMForecaster(horizon=2, units=4, max_epochs=1, random_state=0).fit(wave).predict().shape
    (2,)
    """

    cell = "lstm"
    __init__ = _without_cell()


class GRUForecaster(RNNForecaster):
    """`RNNForecaster` with GRU cells: an update and a reset gate, no separate cell state.

    Takes the parameters of `RNNForecaster` but `cell`. Source: Cho et al. (2014), Learning
    phrase representations using RNN encoder-decoder, arXiv:1406.1078.
    """

    cell = "gru"
    __init__ = _without_cell()


class SimpleRNNForecaster(RNNForecaster):
    """`RNNForecaster` with simple cells: the state is a tanh of input and last state.

    Takes the parameters of `RNNForecaster` but `cell`. Its gradient vanishes or explodes over
    long contexts; the gated cells are its remedy. Source: Elman (1990), Finding structure in
    time, Cognitive Science 14(2).
    """

    cell = "simple_rnn"
    __init__ = _without_cell()
