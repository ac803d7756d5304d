"""One thing that may be wrong with a forecaster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alarm:
    """One thing that may be wrong, as `tsrnn.check` measured it.

    Attributes
    ----------
    name : str
    fired : bool
    value, threshold : float
        What was measured, and the value from which on the alarm fires.
    remedy : str
        What the value is, and what helps.
    """

    name: str
    fired: bool
    value: float
    threshold: float
    remedy: str


def alarm(name: str, value: float, threshold: float, remedy: str) -> Alarm:
    """Make an alarm that fires above its threshold."""
    return Alarm(name, bool(value > threshold), float(value), float(threshold), remedy)
