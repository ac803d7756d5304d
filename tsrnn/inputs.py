"""From windows to the numbers that a network reads and learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.naive import forward_fill
from tsrnn.nn.spec import NetworkSpec
from tsrnn.panel import Panel
from tsrnn.scaling import divisor, location_of, reference_rows, scale_of
from tsrnn.season_means import Spans, season_means, season_spans, seasons_ahead
from tsrnn.smoothing import smooth
from tsrnn.windows import Windows, complete_horizons, in_chunks

# Contexts of so many values stay in the processor's cache while statistics are taken of them.
_IN_CACHE = 2**18


@dataclass(frozen=True, eq=False)
class Encoding:
    """How values become inputs, learned from the training data.

    Attributes
    ----------
    reference, scale : str or None
        Scaling of each window (see `tsrnn.scaling`).
    season_length : int
    covariate_mean, covariate_scale : ndarray of shape (n_covariates,)
        Standardise covariates, in the order of the panel's columns after the targets.
    level, spread : ndarray of shape (n_targets,)
        Of all training targets: what vec2seq, which has no context, is scaled by.
    duration : float
        Longest training series, in steps: the unit of age in the vec2seq input.
    spans : tuple of (int, int), default ()
        Past seasons whose means the network mixes (see `tsrnn.season_means.season_spans`).
    share : float, default 1
        What forecasts keep of the network's correction (see `tsrnn.shrinkage`).
    least_scale : float, default 0
        Windows that move less are scaled by it; 1 for counts, which move by 1 or more.
    """

    reference: str | None
    scale: str | None
    season_length: int
    covariate_mean: np.ndarray
    covariate_scale: np.ndarray
    level: np.ndarray
    spread: np.ndarray
    duration: float
    spans: Spans = ()
    share: float = 1.0
    least_scale: float = 0.0

    @property
    def n_seasons(self) -> int:
        """How much the network mixes: the last value and means of past seasons; 0 for no mix."""
        return 1 + len(self.spans) if self.spans else 0

    def covariates(self, values: np.ndarray, columns: slice) -> np.ndarray:
        """Standardise some covariate columns; missing ones become 0, their mean."""
        scaled = (values - self.covariate_mean[columns]) / self.covariate_scale[columns]
        return np.nan_to_num(scaled)

    def statistics(self, windows: Windows, spec: NetworkSpec) -> tuple[np.ndarray, np.ndarray]:
        """Location and scale of each window, both of shape (n_windows, n_targets)."""
        if spec.architecture == "vec2seq":
            shape = (len(windows), spec.n_targets)
            spread = np.maximum(self.spread, self.least_scale)
            return np.broadcast_to(self.level, shape), np.broadcast_to(spread, shape)
        rows = max(1, _IN_CACHE // (spec.context_length * spec.n_targets))
        parts = in_chunks(lambda some: self._chunk_statistics(some, spec), windows, rows=rows)
        location, scale = zip(*parts, strict=True)
        return np.concatenate(location), np.concatenate(scale)

    def _chunk_statistics(self, windows: Windows, spec: NetworkSpec) -> tuple[np.ndarray, ...]:
        context = windows.gather(windows.panel.targets)
        context[windows.padding] = np.nan
        # seq2seq forecasts inside the context too, so it may know only the beginning.
        context = context[:, : spec.statistics_length]
        ends = self.reference in ("last", "seasons", "smoothing")
        centre = "mean" if ends and spec.architecture == "seq2seq" else self.reference
        location = location_of(context, centre)
        scale = scale_of(context, location, self.scale)
        seen = ~np.isnan(context).all(axis=1)
        return location, np.where(seen, np.maximum(scale, self.least_scale), 0.0)


def learn_encoding(
    panel: Panel,
    reference: str | None,
    scale: str | None,
    seasons: tuple[int, ...],
    context_length: int,
    least_scale: float,
) -> Encoding:
    """Learn from the training rows what `Encoding` holds."""
    covariates = panel.values[:, panel.n_targets :]
    mean, deviation = _moments(covariates)
    level, spread = _moments(panel.targets)
    return Encoding(
        reference=reference,
        scale=scale,
        season_length=seasons[0],
        covariate_mean=mean,
        covariate_scale=np.where(deviation > 0, deviation, 1.0),
        level=level if reference is not None else np.zeros_like(level),
        spread=spread if scale is not None else np.ones_like(spread),
        duration=float(panel.lengths.max()),
        spans=season_spans(seasons, context_length) if reference == "seasons" else (),
        least_scale=least_scale,
    )


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, (0, 0) for one without values."""
    mean = location_of(values[None], "mean")
    return mean[0], scale_of(values[None], mean, "deviation")[0]


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
