"""What a network learns from: flat arrays, and the windows in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsrnn.encoding import Encoding
from tsrnn.inputs import smoothed, static_inputs
from tsrnn.naive import forward_fill
from tsrnn.nn.spec import NetworkSpec
from tsrnn.scaling import divisor
from tsrnn.season_means import Spans, season_means
from tsrnn.windows import Windows, complete_horizons


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Flat arrays that training batches are gathered from, by row number.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_targets + n_covariates), float64
        Targets filled forward (NaN before the first one), and standardised covariates.
    observed : ndarray of shape (n_rows,), bool
        Whether a target is observed.
    complete : ndarray of shape (n_rows,), bool, or None
        Whether all the horizon that begins in the row is observed, for seq2seq.
    first, cutoffs : ndarray of shape (n_windows,)
    location, scale : ndarray of shape (n_windows, n_targets), float64
        What targets are divided by is infinite where they did not move.
    weights : ndarray of shape (n_windows,), float32
    static : ndarray of shape (n_windows, n_static), float32
    smoothed : ndarray of shape (n_rows, horizon, n_targets) or None
        Forecasts of `tsrnn.smoothing` that follow each row, if they are the reference.
    seasons : ndarray of shape (n_rows, n_spans, n_targets) or None
        As from `tsrnn.season_means.season_means`, if a mix of them is the reference.
    reference, season_length, spans : as in `Encoding`
    """

    values: np.ndarray
    observed: np.ndarray
    complete: np.ndarray | None
    first: np.ndarray
    cutoffs: np.ndarray
    location: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    static: np.ndarray
    smoothed: np.ndarray | None
    seasons: np.ndarray | None
    reference: str | None
    season_length: int
    spans: Spans


def training_data(
    windows: Windows, encoding: Encoding, spec: NetworkSpec, weights: np.ndarray
) -> TrainingData:
    """Lay out windows for training; `weights` has shape (n_windows,)."""
    panel = windows.panel
    filled = forward_fill(panel.values, panel.offsets)
    covariates = encoding.covariates(filled[:, panel.n_targets :], slice(None))
    location, scale = encoding.statistics(windows, spec)
    # A window without movement says nothing of the size of what follows.
    moving = (scale > 0).any(axis=1)
    used = weights * (moving if moving.any() else 1.0)
    reference = None if spec.architecture == "vec2seq" else encoding.reference
    targets = filled[:, : panel.n_targets]
    complete = of_smoothing = seasons = None
    if spec.architecture == "seq2seq":
        complete = complete_horizons(panel, windows.horizon)
    if reference == "smoothing":
        of_smoothing = smoothed(panel, np.arange(len(targets)), encoding, spec)
    if reference == "seasons":
        first = np.repeat(panel.offsets[:-1], panel.lengths)
        seasons = season_means(panel.targets, first, encoding.spans)
    return TrainingData(
        values=np.concatenate([targets, covariates], axis=1),
        observed=~np.isnan(panel.targets).all(axis=1),
        complete=complete,
        first=windows.first,
        cutoffs=windows.cutoffs,
        location=np.ascontiguousarray(location),
        # Counts have no scaled targets: there an infinite scale would make an infinite mean.
        scale=divisor(scale) if encoding.least_scale == 0 else np.where(scale > 0, scale, 1.0),
        weights=(used / max(used.mean(), 1e-12)).astype(np.float32),
        static=static_inputs(panel, windows.series, windows.cutoffs, encoding, spec),
        smoothed=of_smoothing,
        seasons=seasons,
        reference=reference,
        season_length=encoding.season_length,
        spans=encoding.spans,
    )
