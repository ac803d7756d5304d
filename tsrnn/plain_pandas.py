"""Indexes and frames as JSON and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.archive import Refused
from tsrnn.plain import Kind, Reader, Writer, entries, listed, unwritable
from tsrnn.plain_times import unit_of
from tsrnn.plain_types import is_label

_MISSING: dict[str, Any] = {"nan": np.nan, "NA": pd.NA}
_MASKED = pd.arrays.IntegerArray | pd.arrays.FloatingArray | pd.arrays.BooleanArray


def _named(read: Any) -> Any:
    """Read an index by `read`, and give it its name."""

    def with_name(payload: Any, reader: Reader) -> pd.Index:
        name, values = entries(payload, "name", "values")
        label = reader.value(name)
        if not is_label(label):
            raise Refused(f"an index has the name {label!r}")
        return read(values, reader).rename(label)

    return with_name


def _with_name(write: Any) -> Any:
    def named(index: pd.Index, writer: Writer, where: str) -> Any:
        name = writer.value(index.name, f"the name of {where}")
        return {"name": name, "values": write(index, writer, where)}

    return named


def _write_index(index: pd.Index, writer: Writer, where: str) -> Any:
    """Write an index of texts, of values that may be missing, or of those of numpy."""
    array: Any = index.array
    if isinstance(index.dtype, pd.StringDtype):
        missing = "NA" if index.dtype.na_value is pd.NA else "nan"
        texts = [None if gone else str(one) for one, gone in zip(array, index.isna(), strict=True)]
        return {"texts": texts, "missing": missing}
    if isinstance(array, _MASKED):
        kept = index.fillna(array.dtype.type(0)) if index.hasnans else index
        values = kept.to_numpy(dtype=array.dtype.type)
        return {"values": writer.value(values, where), "gone": writer.value(index.isna(), where)}
    if not isinstance(index.dtype, np.dtype):
        raise unwritable(index, where)
    return writer.value(index.to_numpy(), where)


def _read_index(payload: Any, reader: Reader) -> pd.Index:
    if not isinstance(payload, dict) or "array" in payload:
        values = reader.of(payload, np.ndarray)
        return pd.Index(values, dtype=values.dtype, tupleize_cols=False)
    if "texts" in payload:
        texts, missing = entries(payload, "texts", "missing")
        if not all(text is None or isinstance(text, str) for text in listed(texts)):
            raise Refused("an index of texts holds something else")
        return pd.Index(pd.array(texts, dtype=pd.StringDtype(na_value=_MISSING[missing])))
    values, gone = (reader.of(part, np.ndarray) for part in entries(payload, "values", "gone"))
    kinds: dict[str, Any] = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return pd.Index(kinds.get(values.dtype.kind, pd.arrays.IntegerArray)(values, gone))


def _write_ticks(index: Any, writer: Writer, where: str) -> Any:
    return {
        "ticks": writer.value(index.asi8, where),
        "unit": index.unit,
        "freq": writer.value(index.freq, f"the step of {where}"),
        "zone": writer.value(getattr(index, "tz", None), f"the time zone of {where}"),
    }


def _read_datetimes(payload: Any, reader: Reader) -> pd.DatetimeIndex:
    ticks, unit, freq, zone = entries(payload, "ticks", "unit", "freq", "zone")
    times: Any = pd.DatetimeIndex(_ticks(ticks, reader).view(f"M8[{unit_of(unit)}]"))
    if zone is not None:
        times = times.tz_localize("UTC").tz_convert(reader.value(zone))
    times.freq = reader.value(freq)
    return times


def _read_timedeltas(payload: Any, reader: Reader) -> pd.TimedeltaIndex:
    ticks, unit, freq, _ = entries(payload, "ticks", "unit", "freq", "zone")
    times: Any = pd.TimedeltaIndex(_ticks(ticks, reader).view(f"m8[{unit_of(unit)}]"))
    times.freq = reader.value(freq)
    return times


def _write_periods(index: pd.PeriodIndex, writer: Writer, where: str) -> Any:
    return {"ordinals": writer.value(index.asi8, where), "freq": index.freqstr}


def _read_periods(payload: Any, reader: Reader) -> pd.PeriodIndex:
    ordinals, freq = entries(payload, "ordinals", "freq")
    make: Any = pd.PeriodIndex
    return make.from_ordinals(_ticks(ordinals, reader), freq=reader.of(freq, str))


def _ticks(payload: Any, reader: Reader) -> np.ndarray:
    ticks = reader.of(payload, np.ndarray)
    if ticks.dtype != np.int64 or ticks.ndim != 1:
        raise Refused(f"times are counted in {ticks.dtype}, of {ticks.ndim} dimensions")
    return ticks


def _write_categories(index: pd.CategoricalIndex, writer: Writer, where: str) -> Any:
    return {
        "categories": writer.value(index.categories, where),
        "codes": writer.value(index.codes, where),
        "ordered": bool(index.ordered),
    }


def _read_categories(payload: Any, reader: Reader) -> pd.CategoricalIndex:
    categories, codes, ordered = entries(payload, "categories", "codes", "ordered")
    return pd.CategoricalIndex(
        pd.Categorical.from_codes(
            reader.of(codes, np.ndarray),
            categories=reader.of(categories, pd.Index),
            ordered=reader.of(ordered, bool),
        )
    )


def _write_multi(index: pd.MultiIndex, writer: Writer, where: str) -> Any:
    return {
        "levels": [writer.value(level, where) for level in index.levels],
        "codes": [writer.value(np.asarray(codes), where) for codes in index.codes],
    }


def _read_multi(payload: Any, reader: Reader) -> pd.MultiIndex:
    levels, codes = entries(payload, "levels", "codes")
    parts = [reader.of(level, pd.Index) for level in listed(levels)]
    numbers = [reader.of(code, np.ndarray) for code in listed(codes)]
    return pd.MultiIndex(parts, numbers, names=[part.name for part in parts])


def _write_frame(frame: pd.DataFrame, writer: Writer, where: str) -> Any:
    """Columns of one dtype of numpy go into one array; others are written as indexes."""
    blocks: dict[Any, list[int]] = {}
    for place, dtype in enumerate(frame.dtypes):
        blocks.setdefault(dtype if isinstance(dtype, np.dtype) else place, []).append(place)
    return {
        "index": writer.value(frame.index, f"the index of {where}"),
        "columns": writer.value(frame.columns, f"the columns of {where}"),
        "blocks": [
            [places, writer.value(_values(frame, places), f"{where}[{frame.columns[places[0]]!r}]")]
            for places in blocks.values()
        ],
    }


def _values(frame: pd.DataFrame, places: list[int]) -> Any:
    if isinstance(frame.dtypes.iloc[places[0]], np.dtype):
        return frame.iloc[:, places].to_numpy()
    return pd.Index(frame.iloc[:, places[0]].array)


def _read_frame(payload: Any, reader: Reader) -> pd.DataFrame:
    index, columns, blocks = entries(payload, "index", "columns", "blocks")
    index, columns = reader.of(index, pd.Index), reader.of(columns, pd.Index)
    parts: dict[int, Any] = {}
    for block in listed(blocks):
        places, values = listed(block)
        values = reader.of(values, np.ndarray | pd.Index)
        every = [values.array] if isinstance(values, pd.Index) else list(values.T)
        parts |= dict(zip(listed(places), every, strict=True))
    if list(range(len(columns))) != sorted(parts):
        raise Refused("a table lacks columns, or has others")
    if not parts:
        return pd.DataFrame(index=index, columns=columns)
    frame = pd.DataFrame({place: parts[place] for place in range(len(columns))}, index=index)
    return frame.set_axis(columns, axis=1)


def _write_series(series: pd.Series, writer: Writer, where: str) -> Any:
    return {
        "name": writer.value(series.name, f"the name of {where}"),
        "frame": writer.value(series.to_frame(0), where),
    }


def _read_series(payload: Any, reader: Reader) -> pd.Series:
    name, frame = entries(payload, "name", "frame")
    return reader.of(frame, pd.DataFrame)[0].rename(reader.value(name))


def _read_range(payload: Any, reader: Reader) -> pd.RangeIndex:
    return pd.RangeIndex(*(reader.of(bound, int) for bound in listed(payload)))


def _index_kind(name: str, of: type, write: Any, read: Any) -> Kind:
    return Kind(name, (of,), _with_name(write), _named(read))


PANDAS_KINDS = [
    _index_kind("index", pd.Index, _write_index, _read_index),
    _index_kind("range_index", pd.RangeIndex, lambda i, *_: [i.start, i.stop, i.step], _read_range),
    _index_kind("datetimes", pd.DatetimeIndex, _write_ticks, _read_datetimes),
    _index_kind("timedeltas", pd.TimedeltaIndex, _write_ticks, _read_timedeltas),
    _index_kind("periods", pd.PeriodIndex, _write_periods, _read_periods),
    _index_kind("categories", pd.CategoricalIndex, _write_categories, _read_categories),
    Kind("multi_index", (pd.MultiIndex,), _write_multi, _read_multi),
    Kind("frame", (pd.DataFrame,), _write_frame, _read_frame),
    Kind("series", (pd.Series,), _write_series, _read_series),
]
