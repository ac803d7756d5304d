"""A report on what may be wrong with a fitted forecaster."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from tsrnn import forecast_alarms, leak_alarms, network_alarms, nn, residual_alarms
from tsrnn.alarm import Alarm
from tsrnn.base import Forecaster
from tsrnn.network_inputs import Cutoffs, held_out_cutoffs, network_inputs, some_of
from tsrnn.ready_made import is_ready_made

_MOST_CUTOFFS = 20_000
_MOST_TRACED = 64
_MOST_LOSSES = 2048


@dataclass(frozen=True, repr=False)
class CheckReport:
    """What `check` measured.

    Attributes
    ----------
    alarms : list of Alarm
        All that were measured, in a fixed order.
    """

    alarms: list[Alarm]

    @property
    def fired(self) -> list[Alarm]:
        """Those alarms that fired."""
        return [alarm for alarm in self.alarms if alarm.fired]

    @property
    def table(self) -> pd.DataFrame:
        """One row per alarm, indexed by its name: fired, value, threshold and remedy."""
        return pd.DataFrame([asdict(alarm) for alarm in self.alarms]).set_index("name")

    def __repr__(self) -> str:
        n_fired, n = len(self.fired), len(self.alarms)
        lines = [f"{n_fired} of {n} alarms fired"]
        for alarm in self.alarms:
            mark = "!!" if alarm.fired else "ok"
            numbers = f"{alarm.value:8.3g} (limit {alarm.threshold:.3g})"
            lines.append(f"{mark}  {alarm.name:<20} {numbers}")
            if alarm.fired:
                lines.append(textwrap.indent(textwrap.fill(alarm.remedy, 84), "    "))
        return "\n".join(lines)


def check(forecaster: Any, X: Any, y: Any = None) -> CheckReport:
    """Look for what is commonly wrong with a fitted forecaster.

    Forecasts are made from every held-out row, without refitting. Of any forecaster: does the
    forecast copy the last value, does it lose to naive forecasts, do its residuals carry a
    season or a trend, does it read the future, does a covariate tell it. Of a network too: is
    its loss on X much larger than in training, do gates stay open or shut, units constant, did
    the loss diverge.

    Few rows show little: the limits allow for what chance makes of them, so that of healthy
    forecasters less than one in twenty has any alarm (benchmarks/alarms.py measures it).

    Parameters
    ----------
    forecaster : fitted forecaster of tsrnn
    X, y : as in `score`
        Data that include or follow the training data; the rows after those count. Rows without
        times, as those of arrays, all count, so give those that follow only.

    Returns
    -------
    report : CheckReport
        An alarm that cannot be measured is left out: seasons and trends of few residuals,
        covariates where there are none, gates of a simple cell, a network's of a baseline, losses
        of a network that forecasts a distribution.

    Raises
    ------
    TypeError
        If X holds windows, which have no order in time, or the forecaster is none of tsrnn's.
    ValueError
        If no row of X follows the training data, saying where that ended.

    Examples
    --------
    >>> from tsrnn import SeasonalNaive, check
    >>> wave = np.sin(np.arange(60) * np.pi / 6) + np.arange(60) / 60
    >>> forecaster = SeasonalNaive(2, season_length=6).fit(wave[:40])
    >>> check(forecaster, wave[40:]).table["fired"]["loses to naive"]
    np.True_
    """
    if not isinstance(forecaster, Forecaster):
        raise TypeError(
            f"check takes a forecaster of tsrnn, not a {type(forecaster).__name__}; of a pipeline "
            "give the last step, and X as that reads it"
        )
    if is_ready_made(X) or hasattr(X, "panel"):
        raise TypeError("check follows forecasts through time; give X as rows, not as windows")
    cutoffs = _newest(held_out_cutoffs(forecaster, X, y))
    held = forecast_alarms.forecast_held_out(forecaster, cutoffs)
    alarms = [
        forecast_alarms.shifted_copy(held),
        forecast_alarms.loses_to_naive(held),
        residual_alarms.residual_season(held),
        residual_alarms.residual_trend(held),
        leak_alarms.leakage(forecaster, cutoffs),
        leak_alarms.telling_covariate(forecaster, cutoffs[0]),
    ]
    if hasattr(forecaster, "weights_"):
        alarms += _of_network(forecaster, cutoffs)
    return CheckReport([alarm for alarm in alarms if alarm is not None])


def _of_network(forecaster: Any, cutoffs: Cutoffs) -> list[Alarm | None]:
    spec = forecaster.spec_
    # Losses of a distribution, which may lie below 0, compare with nothing.
    alarms = _of_losses(forecaster, cutoffs) if spec.distribution is None else []
    if spec.network is None and spec.architecture != "vec2seq":
        some = network_inputs(forecaster, some_of(cutoffs, _MOST_TRACED), reads_future=False)
        traced = nn.trace(some.inputs, some.spec, forecaster.weights_[0])
        alarms += [network_alarms.saturated_gates(traced), network_alarms.dead_units(traced)]
    return alarms


def _of_losses(forecaster: Any, cutoffs: Cutoffs) -> list[Alarm | None]:
    losses = forecaster.losses_
    if forecaster.spec_.architecture == "vec2seq":
        return [network_alarms.diverging_loss(losses)]
    read = network_inputs(forecaster, some_of(cutoffs, _MOST_LOSSES))
    held = network_alarms.held_out_losses(forecaster, read)
    return [
        network_alarms.diverging_loss(losses, held.untrained if held else 0.0),
        network_alarms.over_fitting(forecaster, held) if held else None,
    ]


def _newest(cutoffs: Cutoffs) -> Cutoffs:
    """Keep the last cutoffs of each series, where there are more than can be waited for."""
    panel, series, rows = cutoffs
    if len(rows) <= _MOST_CUTOFFS:
        return cutoffs
    last = np.searchsorted(series, series, side="right")
    kept = last - np.arange(len(rows)) <= max(1, _MOST_CUTOFFS // panel.n_series)
    return panel, series[kept], rows[kept]
