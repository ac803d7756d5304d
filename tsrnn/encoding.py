"""Scaling of windows and covariates, as learned from the training data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsrnn.nn.spec import NetworkSpec
from tsrnn.panel import Panel
from tsrnn.scaling import location_of, scale_of
from tsrnn.season_means import Spans, season_spans
from tsrnn.windows import Windows, in_chunks

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
