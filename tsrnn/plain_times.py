"""Times, their steps and their zones as JSON, and back."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.archive import Refused
from tsrnn.plain import Kind, Reader, Writer, entries, unwritable

UNITS = ("s", "ms", "us", "ns")
# What a pd.DateOffset may be made of, each a whole number.
_PARTS = {"years", "months", "weeks", "days", "hours", "minutes", "seconds", "microseconds"}


def unit_of(value: Any) -> str:
    """Return a unit of time that pandas knows; anything else is refused."""
    if value not in UNITS:
        raise Refused(f"it has times in the unit {value!r}")
    return value


def _write_zone(zone: tzinfo, writer: Writer, where: str) -> Any:
    if type(zone) is timezone:
        return zone.utcoffset(None).total_seconds()
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    raise unwritable(zone, where)


def _read_zone(payload: Any, reader: Reader) -> tzinfo:
    if isinstance(payload, str):
        return ZoneInfo(payload)
    return timezone(timedelta(seconds=payload))


def _write_timestamp(time: pd.Timestamp, writer: Writer, where: str) -> Any:
    ticks = int(time.to_datetime64().astype(np.int64))
    zone = writer.value(time.tz, f"the time zone of {where}")
    return {"ticks": ticks, "unit": time.unit, "zone": zone}


def _read_timestamp(payload: Any, reader: Reader) -> pd.Timestamp:
    ticks, unit, zone = entries(payload, "ticks", "unit", "zone")
    time = pd.Timestamp(np.int64(reader.of(ticks, int)).view(f"M8[{unit_of(unit)}]"))
    zone = reader.of(zone, tzinfo | None)
    return time if zone is None else time.tz_localize("UTC").tz_convert(zone)


def _write_timedelta(step: pd.Timedelta, writer: Writer, where: str) -> Any:
    return {"ticks": int(step.to_timedelta64().astype(np.int64)), "unit": step.unit}


def _read_timedelta(payload: Any, reader: Reader) -> pd.Timedelta:
    ticks, unit = entries(payload, "ticks", "unit")
    return pd.Timedelta(np.int64(reader.of(ticks, int)).view(f"m8[{unit_of(unit)}]"))


def _read_period(payload: Any, reader: Reader) -> pd.Period:
    ordinal, freq = entries(payload, "ordinal", "freq")
    return pd.Period(ordinal=reader.of(ordinal, int), freq=reader.of(freq, str))


def _write_offset(offset: Any, writer: Writer, where: str) -> Any:
    is_midnight = offset.normalize
    if type(offset) is pd.DateOffset and _PARTS.issuperset(offset.kwds):
        parts = {name: int(n) for name, n in offset.kwds.items()}
        return {"parts": parts, "n": offset.n, "normalize": is_midnight}
    try:
        same = to_offset(offset.freqstr) == offset
    except (ValueError, NotImplementedError):
        same = False
    if not same:  # such as business days with holidays of the user's own
        raise unwritable(offset, where)
    return offset.freqstr


def _read_offset(payload: Any, reader: Reader) -> Any:
    if isinstance(payload, str):
        return to_offset(payload)
    parts, n, normalize = entries(payload, "parts", "n", "normalize")
    if not _PARTS.issuperset(parts) or not all(type(part) is int for part in parts.values()):
        raise Refused(f"it has a step of {parts!r}")
    every: Any = {"n": reader.of(n, int), "normalize": reader.of(normalize, bool), **parts}
    return pd.DateOffset(**every)


TIME_KINDS = [
    Kind("zone", (tzinfo,), _write_zone, _read_zone, subclasses=True),
    Kind("timestamp", (pd.Timestamp,), _write_timestamp, _read_timestamp),
    Kind("timedelta", (pd.Timedelta,), _write_timedelta, _read_timedelta),
    Kind(
        "period",
        (pd.Period,),
        lambda period, *_: {"ordinal": period.ordinal, "freq": period.freqstr},
        _read_period,
    ),
    Kind("offset", (pd.offsets.BaseOffset,), _write_offset, _read_offset, subclasses=True),
    Kind("no_time", (type(pd.NaT),), lambda *_: None, lambda *_: pd.NaT),
    Kind("no_value", (type(pd.NA),), lambda *_: None, lambda *_: pd.NA),
]
