"""Looking into a fitted forecaster: states, gradients, memory, importance and alarms."""

from __future__ import annotations

from tsrnn.alarm import Alarm
from tsrnn.alarms import CheckReport, check
from tsrnn.lag_gradient import gradient_by_lag
from tsrnn.memory import MemoryLength, memory_length
from tsrnn.permutation import PermutationImportance, permutation_importance
from tsrnn.plotting_importance import PermutationImportanceDisplay
from tsrnn.plotting_inspection import GradientByLagDisplay, StateTraceDisplay
from tsrnn.state_trace import StateTrace, trace_states

__all__ = [
    "Alarm",
    "CheckReport",
    "GradientByLagDisplay",
    "MemoryLength",
    "PermutationImportance",
    "PermutationImportanceDisplay",
    "StateTrace",
    "StateTraceDisplay",
    "check",
    "gradient_by_lag",
    "memory_length",
    "permutation_importance",
    "trace_states",
]
