"""Looking into a fitted forecaster: states, gradients, memory, importance and alarms."""

from __future__ import annotations

from tsrnn.alarm import Alarm
from tsrnn.alarms import CheckReport, check
from tsrnn.lag_gradient import gradient_by_lag
from tsrnn.plotting_inspection import GradientByLagDisplay, StateTraceDisplay
from tsrnn.state_trace import StateTrace, trace_states

__all__ = [
    "Alarm",
    "CheckReport",
    "GradientByLagDisplay",
    "StateTrace",
    "StateTraceDisplay",
    "check",
    "gradient_by_lag",
    "trace_states",
]
