"""Which windows of a fitted forecaster are looked into, and what its network reads of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn import nn
from tsrnn.channels import split_cutoffs, split_targets
from tsrnn.checks import check_observed, future_covariates
from tsrnn.distributions import Outputs, point_forecasts
from tsrnn.inputs import prediction_inputs, smoothed
from tsrnn.naive import forward_fill
from tsrnn.nn.spec import NetworkSpec
from tsrnn.panel import Panel
from tsrnn.planning import is_masked
from tsrnn.ready_made import is_ready_made
from tsrnn.rolling import roll
from tsrnn.target_units import as_read, in_units
from tsrnn.windows import Windows

# A panel, and the series and row of each cutoff in it.
Cutoffs = tuple[Panel, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class NetworkInputs:
    """What a network reads of some windows, and how its outputs become forecasts.

    Attributes
    ----------
    windows : Windows
        One target each, those of the first target first, if the network serves every target.
    spec : NetworkSpec
        With a mask where these windows need one.
    inputs : dict of ndarray of shape (n_windows, ...)
    reference, scale : ndarray
        ``forecast = reference + share * scale * output``, see `tsrnn.distributions.Outputs`.
    share : float
    """

    windows: Windows
    spec: NetworkSpec
    inputs: dict[str, np.ndarray]
    reference: np.ndarray
    scale: np.ndarray
    share: float

    def forecasts(self, members: list[list[np.ndarray]], **changed: np.ndarray) -> np.ndarray:
        """Forecast, shape (n_windows, horizon, n_targets), with some inputs changed."""
        inputs = self.inputs | changed
        spec = replace(self.spec, masked="mask" in inputs)
        values = np.stack([nn.predict(inputs, spec, weights) for weights in members])
        outputs = Outputs(values, self.reference, self.scale, self.share)
        return in_units(point_forecasts(spec.distribution, outputs), spec.distribution)


def check_network(forecaster: Any, what: str) -> None:
    """Raise unless a forecaster is a fitted network that reads a context.

    Raises
    ------
    TypeError
        If it is no network, naming its class.
    ValueError
        If it reads no context.
    """
    check_is_fitted(forecaster)
    if not hasattr(forecaster, "weights_"):
        raise TypeError(
            f"{what} looks into a fitted LSTM-, GRU-, SimpleRNN- or RNNForecaster, not into a "
            f"{type(forecaster).__name__}; of a pipeline give the last step, and X as that reads it"
        )
    if forecaster.spec_.architecture == "vec2seq":
        raise ValueError(
            f"{what} needs a context, but architecture='vec2seq' reads none; use another"
        )


def network_inputs(
    forecaster: Any, cutoffs: Cutoffs, *, reads_future: bool = True
) -> NetworkInputs:
    """Lay out the windows that end in some cutoffs as the forecaster's network reads them.

    Parameters
    ----------
    forecaster : fitted RNNForecaster
    cutoffs : tuple of Panel, series and rows
    reads_future : bool, default True
        False puts zeros, their mean, for covariates known over the horizon, which the recurrent
        layers over the context do not read.
    """
    panel, series, rows = cutoffs
    check_observed(panel, series, rows)
    panel = as_read(panel, forecaster.spec_.distribution)
    if forecaster.shares_targets_:
        series, rows = split_cutoffs(panel, series, rows)
        panel = split_targets(panel)
    spec, encoding = forecaster.spec_, forecaster.encoding_
    windows = Windows(panel, series, rows, spec.context_length, spec.horizon)
    spec = replace(spec, masked=is_masked(windows))
    future = np.zeros((len(rows), spec.horizon, spec.n_future))
    if spec.n_future and reads_future:
        future = future_covariates(panel, series, rows, spec.horizon)
    smooths = encoding.reference == "smoothing"
    ahead = smoothed(panel, rows, encoding, spec) if smooths else None
    filled = forward_fill(panel.values, panel.offsets)
    inputs, reference, scale = prediction_inputs(windows, encoding, spec, future, filled, ahead)
    return NetworkInputs(windows, spec, inputs, reference, scale, encoding.share)


def end_cutoffs(forecaster: Any, X: Any, y: Any) -> Cutoffs:
    """Cutoffs that `predict` forecasts from: the last observed row of each series.

    With y, X is the whole history, as in `predict_at`.
    """
    panel = forecaster._panel_to_forecast(X) if y is None else forecaster._read(X, y)
    return panel, np.arange(panel.n_series), forecaster._checked_cutoffs(panel)


def spread_cutoffs(forecaster: Any, X: Any, y: Any, n_windows: int) -> Cutoffs:
    """Cutoffs spread evenly over a history, at most `n_windows`.

    Windows have a whole context, where the data have one, and a row for each covariate that is
    known over the horizon. Without X there is one for each series, after the training data.
    """
    ends = end_cutoffs(forecaster, X, y)
    if X is None:
        return some_of(ends, n_windows)
    panel = forecaster._read(X, y)
    ahead = forecaster.horizon_ if forecaster.spec_.n_future else 0
    row = np.arange(len(panel.values))
    series = panel.series_of(row)
    whole = row + 1 - panel.offsets[series] >= forecaster.spec_.context_length
    known = row + ahead < panel.offsets[1:][series]
    observed = row <= panel.last_observed()[series]
    rows = np.flatnonzero(whole & known & observed)
    return some_of((panel, series[rows], rows), n_windows) if len(rows) else ends


def held_out_cutoffs(forecaster: Any, X: Any, y: Any) -> Cutoffs:
    """Cutoffs before every row of X that follows the training data.

    Of ready-made windows, with their horizons in y, it is the last row of each.

    Raises
    ------
    ValueError
        If no row of X follows the training data, saying where that ended.
    """
    check_is_fitted(forecaster)
    forecaster._check_y(y)
    new = forecaster._read(X, y)
    if is_ready_made(X):
        return new, np.arange(new.n_series), new.offsets[:-1] + X.shape[1] - 1
    panel, series, rows = roll(forecaster.history_, new, 1)
    if np.isnan(panel.targets[rows + 1]).all():
        raise ValueError(
            "there is nothing to compare with: no row of X after the training data has an observed "
            "target; give rows with targets that follow it"
        )
    return panel, series, rows


def some_of(cutoffs: Cutoffs, n: int) -> Cutoffs:
    """Take at most `n` cutoffs, spread evenly from the first to the last."""
    panel, series, rows = cutoffs
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(np.int64))
    return panel, series[chosen], rows[chosen]


def absolute_error(read: NetworkInputs, forecasts: np.ndarray) -> float:
    """Mean absolute error over the steps of the horizons that are observed."""
    windows = read.windows
    truth = truth_after((windows.panel, windows.series, windows.cutoffs), windows.horizon)
    return float(np.nanmean(np.abs(in_units(truth, read.spec.distribution) - forecasts)))


def truth_after(cutoffs: Cutoffs, horizon: int) -> np.ndarray:
    """Targets after each cutoff, (n_cutoffs, horizon, n_targets); NaN beyond a series' end."""
    panel, series, rows = cutoffs
    ahead = rows[:, None] + np.arange(1, horizon + 1)
    inside = ahead < panel.offsets[1:][series][:, None]
    truth = panel.targets[np.minimum(ahead, len(panel.values) - 1)]
    return np.where(inside[..., None], truth, np.nan)
