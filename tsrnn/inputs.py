"""From windows to the numbers that a network reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrnn.encoding import Encoding
from tsrnn.nn.spec import NetworkSpec
from tsrnn.panel import Panel
from tsrnn.scaling import divisor, reference_rows
from tsrnn.season_means import seasons_ahead
from tsrnn.smoothing import smooth
from tsrnn.windows import Windows


def smoothed(panel: Panel, rows: np.ndarray, encoding: Encoding, spec: NetworkSpec) -> np.ndarray:
    """Smoothed forecasts that follow these rows, (n_rows, horizon, n_targets); NaN where none."""
    season = encoding.season_length
    return smooth(panel.targets, panel.offsets, season, spec.horizon, rows)


def static_inputs(
    panel: Panel, series: np.ndarray, cutoffs: np.ndarray, encoding: Encoding, spec: NetworkSpec
) -> np.ndarray:
    """Make what vec2seq starts from: static covariates, age of the series, phase of the season.

    Returns
    -------
    vectors : ndarray of shape (n_cutoffs, n_static), float32
    """
    if spec.architecture != "vec2seq":
        return np.zeros((len(cutoffs), 0), dtype=np.float32)
    n_static = len(panel.columns.static)
    columns = panel.values.shape[1] - n_static
    own = panel.values[panel.offsets[series]][:, columns:]
    scaled = encoding.covariates(own, slice(columns - panel.n_targets, None))
    age = cutoffs + 1 - panel.offsets[series]
    phase = 2 * np.pi * (panel.starts[series] + age) / encoding.season_length
    clock = np.column_stack([age / encoding.duration, np.sin(phase), np.cos(phase)])
    return np.concatenate([scaled, clock], axis=1).astype(np.float32)


def prediction_inputs(
    windows: Windows,
    encoding: Encoding,
    spec: NetworkSpec,
    future: np.ndarray,
    filled: np.ndarray,
    ahead: np.ndarray | None = None,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Network inputs of windows, and what turns its outputs back into forecasts.

    Parameters
    ----------
    windows : Windows
    encoding : Encoding
    spec : NetworkSpec
    future : ndarray of shape (n_windows, horizon, n_future)
        Covariates known over the horizon.
    filled : ndarray of shape (n_rows, n_columns)
        Values of the panel, filled forward.
    ahead : ndarray of shape (n_windows, horizon, n_targets) or None
        As from `smoothed`, if that is the reference.

    Returns
    -------
    inputs : dict of ndarray, float32
    reference, scale : ndarray
        ``forecast = reference + scale * output``; shapes (n_windows, horizon or 1, n_targets)
        and (n_windows, 1, n_targets).
    """
    panel = windows.panel
    inputs: dict[str, np.ndarray] = {}
    location, scale = encoding.statistics(windows, spec)
    if spec.architecture == "seq2seq":
        location, scale = _with_short_histories(location, scale, windows, encoding, spec)
    reference = location[:, None]
    if spec.architecture == "vec2seq":
        inputs["static"] = static_inputs(panel, windows.series, windows.cutoffs, encoding, spec)
    else:
        inputs["context"] = _context(windows, filled, encoding, location, divisor(scale))
        if spec.masked:
            inputs["mask"] = windows.mask
        rows = reference_rows(
            windows.cutoffs, windows.first, spec.horizon, encoding.reference, encoding.season_length
        )
        if rows is not None:
            ahead = filled[:, : panel.n_targets][rows]
        if ahead is not None:
            reference = np.where(np.isnan(ahead), reference, ahead)
        if spec.n_seasons:
            inputs["seasons"] = _seasons(windows, filled, encoding, location, divisor(scale), spec)
    if spec.n_future:
        start = len(panel.columns.past)
        future = encoding.covariates(future, slice(start, start + spec.n_future))
        inputs["future"] = _future_input(windows, future, encoding, spec)
    if spec.counts:
        inputs |= _units(reference, scale[:, None], spec)
    return inputs, reference, scale[:, None]


def _with_short_histories(
    location: np.ndarray,
    scale: np.ndarray,
    windows: Windows,
    encoding: Encoding,
    spec: NetworkSpec,
) -> tuple[np.ndarray, np.ndarray]:
    """Take those of all the context where its leading steps show nothing (not trained on)."""
    unseen = ~(scale > 0).any(axis=1)
    if unseen.any():
        location, scale = location.copy(), scale.copy()
        short = replace(spec, architecture="seq2vec")
        location[unseen], scale[unseen] = encoding.statistics(windows[unseen], short)
    return location, scale


def _context(
    windows: Windows,
    filled: np.ndarray,
    encoding: Encoding,
    location: np.ndarray,
    scale: np.ndarray,
) -> np.ndarray:
    n = windows.panel.n_targets
    values = windows.gather(filled)
    targets = np.nan_to_num((values[..., :n] - location[:, None]) / scale[:, None])
    covariates = encoding.covariates(values[..., n:], slice(None))
    context = np.concatenate([targets, covariates], axis=2).astype(np.float32)
    context[windows.padding] = 0.0
    return context


def _seasons(
    windows: Windows,
    filled: np.ndarray,
    encoding: Encoding,
    location: np.ndarray,
    scale: np.ndarray,
    spec: NetworkSpec,
) -> np.ndarray:
    """Scale what the network mixes; of seq2seq only the last step is read."""
    last = filled[windows.cutoffs, : spec.n_targets]
    observed = windows.panel.targets
    ahead = seasons_ahead(
        observed, last, windows.cutoffs, windows.first, spec.horizon, encoding.spans
    )
    values = (ahead - location[:, None, None]) / scale[:, None, None]
    seasons = np.nan_to_num(values).astype(np.float32)
    if spec.architecture != "seq2seq":
        return seasons
    shape = (len(windows), len(spec.loss_steps) - 1, *seasons.shape[1:])
    unread = np.broadcast_to(np.float32(0.0), shape)
    return np.concatenate([unread, seasons[:, None]], axis=1)


def _units(reference: np.ndarray, scale: np.ndarray, spec: NetworkSpec) -> dict[str, np.ndarray]:
    """Make inputs of reference and scale, for a network that forecasts in units of the data."""
    shape = (len(scale), spec.horizon, spec.n_targets)
    inputs = {"reference": reference / divisor(scale), "scale": scale}
    inputs = {name: np.broadcast_to(a, shape).astype(np.float32) for name, a in inputs.items()}
    if spec.architecture != "seq2seq":
        return inputs
    return {name: np.repeat(a[:, None], len(spec.loss_steps), 1) for name, a in inputs.items()}


def _future_input(
    windows: Windows, future: np.ndarray, encoding: Encoding, spec: NetworkSpec
) -> np.ndarray:
    """Future covariates as the architecture reads them; seq2seq wants them at each loss step."""
    if spec.architecture != "seq2seq":
        return future.astype(np.float32)
    panel = windows.panel
    start = panel.n_targets + len(panel.columns.past)
    steps = np.array(spec.loss_steps[:-1], dtype=np.int64) + 1 - spec.context_length
    rows = windows.cutoffs[:, None, None] + steps[:, None] + np.arange(1, spec.horizon + 1)
    # Earlier loss steps are not read in prediction; they only have to be there.
    rows = np.clip(rows, windows.first[:, None, None], windows.cutoffs[:, None, None])
    past = panel.values[rows][..., start : start + spec.n_future]
    columns = slice(len(panel.columns.past), len(panel.columns.past) + spec.n_future)
    both = [encoding.covariates(past, columns), future[:, None]]
    return np.concatenate(both, axis=1).reshape(len(windows), -1, spec.n_future).astype(np.float32)
