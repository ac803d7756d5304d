"""Files of public benchmarks, read: CSV of the M4 competition and of ETT, .tsf of Monash.

A file that holds something else is an error that names it and says what to do.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd

SeriesByName = dict[str, np.ndarray]  # in the order of the file


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say which file could not be understood, and what to do about it."""
    try:
        yield
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise OSError(
            f"{path} does not hold the data it should ({error}); delete it to download it again"
        ) from error


def read_m4(path: Path) -> SeriesByName:
    """Read a CSV file of the M4 competition, with a series in each row."""
    with _reading(path), path.open(encoding="utf-8") as lines:
        next(lines, None)  # the header only counts the columns
        return _by_name(map(_m4_series, lines))


def _m4_series(line: str) -> tuple[str, np.ndarray]:
    """Parse ``"H1","605","586",,,``: a name, the values, and padding to the longest series."""
    # cutting the padding before splitting spares most of the cells of the larger files
    name, *cells = line.rstrip(',"NA \r\n').replace('"', "").split(",")
    return name, _floats(cells)


def read_tsf(path: Path) -> SeriesByName:
    """Read the one .tsf file of the Monash archive that a zip file holds."""
    with _reading(path), zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".tsf")]
        if len(members) != 1:
            raise ValueError(f"expected one .tsf file inside, found {archive.namelist()}")
        # the comments are in a Windows encoding; Latin-1 reads any byte and the data is ASCII
        with io.TextIOWrapper(archive.open(members[0]), encoding="latin-1") as lines:
            return _by_name(_tsf_series(lines))


def _tsf_series(lines: Iterator[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Parse ``T1:1990-01-01 00-00-00:2640,2640``: the declared attributes, then the values."""
    header = takewhile(lambda line: line.strip().lower() != "@data", lines)
    n_attributes = sum(line.lower().startswith("@attribute") for line in header)
    for line in lines:
        name, *others, values = line.strip().split(":")
        if len(others) + 1 != n_attributes:
            raise ValueError(f"the row of {name!r} does not have {n_attributes} attributes")
        yield name, _floats(values.replace("?", "nan").split(","))


def _floats(cells: list[str]) -> np.ndarray:
    return np.fromiter(map(float, cells), dtype=float, count=len(cells))


def _by_name(series: Iterable[tuple[str, np.ndarray]]) -> SeriesByName:
    named: SeriesByName = {}
    for name, values in series:
        if name in named:
            raise ValueError(f"series {name!r} appears twice")
        named[name] = values
    if not named:
        raise ValueError("it has no series")
    return named


def read_ett(path: Path, freq: str) -> pd.DataFrame:
    """Read a CSV file with a column of dates, which have to be regular."""
    with _reading(path):
        frame = pd.read_csv(path, index_col="date", parse_dates=["date"]).astype(float)
        frame.index = pd.DatetimeIndex(frame.index, freq=freq, name="time")
        return frame
