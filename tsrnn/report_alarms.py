"""Alarms of `tsrnn.check` as a section of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tsrnn.report_parts import alarm_table, paragraph

if TYPE_CHECKING:
    from tsrnn.backtest_result import BacktestResult


def alarm_section(result: BacktestResult, alarms: Any) -> str:
    """Show reports by name, or a single one of the only network.

    Raises
    ------
    TypeError
        If `alarms` is something else.
    """
    parts = []
    for name, report in _by_name(result, alarms).items():
        if not hasattr(report, "alarms"):
            raise TypeError(
                f"alarms: {name!r} is {report!r}, not what check returns; give for example "
                "{'LSTM': check(forecaster, X)}"
            )
        fired, n = sum(alarm.fired for alarm in report.alarms), len(report.alarms)
        caption = f"{name}: {fired} of {n} alarm{'s' if n > 1 else ''} fired"
        parts += [paragraph(caption), alarm_table(report.alarms, caption)]
    return "\n".join(parts)


def _by_name(result: BacktestResult, alarms: Any) -> Mapping[str, Any]:
    if alarms is None or isinstance(alarms, Mapping):
        return alarms or {}
    networks = result.losses["model"].unique().tolist() or result.models
    if hasattr(alarms, "alarms") and len(networks) == 1:
        return {networks[0]: alarms}
    given = "a single report" if hasattr(alarms, "alarms") else f"a {type(alarms).__name__}"
    raise TypeError(
        f"alarms is {given}; name the model of each report: "
        f"alarms={{{networks[0]!r}: check(forecaster, X)}}"
    )
