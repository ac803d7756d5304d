"""Public benchmarks, downloaded once and kept in a cache folder: M3, M4 and ETT.

None of the sources publishes checksums beside its files. So the SHA-256 of a file is written
next to it (``<file>.sha256``) when it is first seen, and every later read is compared with
that: it finds a copy that was changed or cut short on disk, and cannot vouch for the first
download. Who knows the sum that a file should have passes it as ``sha256``.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import re
import urllib.error
import urllib.request
import uuid
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

__all__ = ["CompetitionData", "fetch_ett", "fetch_m3", "fetch_m4", "get_data_home"]

_M4_URL = "https://raw.githubusercontent.com/Mcompetitions/M4-methods/master/Dataset"
_M3_URL = "https://zenodo.org/records"
_ETT_URL = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small"

# frequency -> horizon and season length, as the competition scored it
_M4 = {
    "Hourly": (48, 24),
    "Daily": (14, 1),
    "Weekly": (13, 1),
    "Monthly": (18, 12),
    "Quarterly": (8, 4),
    "Yearly": (6, 1),
}
_M3 = {"Monthly": (18, 12), "Quarterly": (8, 4), "Yearly": (6, 1), "Other": (8, 1)}
_M3_RECORDS = {"Monthly": 4656298, "Quarterly": 4656262, "Yearly": 4656222, "Other": 4656335}
_ETT = {"ETTh1": "h", "ETTh2": "h", "ETTm1": "15min", "ETTm2": "15min"}

_PathLike = str | os.PathLike[str]
_SeriesByName = dict[str, np.ndarray]  # in the order of the file


@dataclass(frozen=True, eq=False)
class CompetitionData:
    """One frequency of a forecasting competition.

    Attributes
    ----------
    name, frequency : str
        The competition, ``"M3"`` or ``"M4"``, and its part, such as ``"Hourly"``.
    horizon, season_length : int
        Steps to forecast, and the season that the competition scales its errors with.
    train, test : pandas.DataFrame
        Panels with the column ``y`` on a (series, time) index. The series share no calendar:
        time is the position in the series, from 0, and `test` goes on where `train` ends.
    """

    name: str
    frequency: str
    horizon: int
    season_length: int
    train: pd.DataFrame = field(repr=False)
    test: pd.DataFrame = field(repr=False)


def get_data_home(data_home: _PathLike | None = None) -> Path:
    """Return the folder that fetched data is kept in.

    Parameters
    ----------
    data_home : path-like, optional
        The folder. When None, the environment variable ``TSRNN_DATA`` names it, and without
        that it is ``~/.cache/tsrnn``. The first download creates it.

    Returns
    -------
    pathlib.Path
        The folder, whether or not it exists.

    Examples
    --------
    >>> from tsrnn.datasets import get_data_home
    >>> get_data_home("my_data").name
    'my_data'
    """
    chosen = data_home or os.environ.get("TSRNN_DATA") or Path("~", ".cache", "tsrnn")
    return Path(chosen).expanduser()


def fetch_m4(
    frequency: str = "Hourly",
    *,
    data_home: _PathLike | None = None,
    base_url: str = _M4_URL,
    sha256: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> CompetitionData:
    """Fetch one frequency of the M4 competition, 100,000 series in all.

    Parameters
    ----------
    frequency : {"Hourly", "Daily", "Weekly", "Monthly", "Quarterly", "Yearly"}
        Which part; case does not matter.
    data_home : path-like, optional
        Cache folder, see :func:`get_data_home`. The files go to its subfolder ``m4``.
    base_url : str
        Address of the folder with the files, for a mirror.
    sha256 : dict of str to str, optional
        SHA-256 that a file must have, by file name, such as ``"Hourly-train.csv"``. The source
        publishes none: without it, a file is compared only with how it was at first.
    timeout : float, default=60.0
        Seconds to wait for the server, each time it is silent.

    Returns
    -------
    CompetitionData
        With the series named as in the file: ``H1``, ``H2`` and so on.

    Raises
    ------
    OSError
        When a file can be neither found nor downloaded, or is damaged.

    Examples
    --------
    >>> from tsrnn.datasets import fetch_m4
    >>> m4 = fetch_m4("Hourly")  # doctest: +SKIP
    >>> m4.horizon, m4.train.loc["H1"].shape  # doctest: +SKIP
    (48, (700, 1))
    """
    frequency = choose("frequency", frequency, _M4)
    files = [f"Train/{frequency}-train.csv", f"Test/{frequency}-test.csv"]
    folder = get_data_home(data_home) / "m4"
    train, test = map(_read_m4, _local_copies(files, folder, base_url, sha256, timeout))
    return _competition("M4", frequency, _M4[frequency], train, test)


def fetch_m3(
    frequency: str = "Monthly",
    *,
    data_home: _PathLike | None = None,
    base_url: str = _M3_URL,
    sha256: str | Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> CompetitionData:
    """Fetch one frequency of the M3 competition, 3,003 series in all.

    The copy is the one of the Monash forecasting archive, a zipped text file on Zenodo. The
    last `horizon` values of each series are its test part.

    Parameters
    ----------
    frequency : {"Monthly", "Quarterly", "Yearly", "Other"}
        Which part; case does not matter.
    data_home, base_url, sha256, timeout
        As in :func:`fetch_m4`. There is one file, so `sha256` may be the sum itself.

    Returns
    -------
    CompetitionData
        With the series named as in the file: ``T1``, ``T2`` and so on, in each frequency.

    Examples
    --------
    >>> from tsrnn.datasets import fetch_m3
    >>> fetch_m3("Monthly")  # doctest: +SKIP
    CompetitionData(name='M3', frequency='Monthly', horizon=18, season_length=12)
    """
    frequency = choose("frequency", frequency, _M3)
    file = f"{_M3_RECORDS[frequency]}/files/m3_{frequency.lower()}_dataset.zip"
    folder = get_data_home(data_home) / "m3"
    (path,) = _local_copies([file], folder, base_url, sha256, timeout)
    series = _read_tsf(path)
    horizon = _M3[frequency][0]
    train = {name: values[:-horizon] for name, values in series.items()}
    test = {name: values[-horizon:] for name, values in series.items()}
    return _competition("M3", frequency, _M3[frequency], train, test)


def fetch_ett(
    name: str = "ETTh1",
    *,
    data_home: _PathLike | None = None,
    base_url: str = _ETT_URL,
    sha256: str | Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> pd.DataFrame:
    """Fetch the load and oil temperature of an electricity transformer, 2016 to 2018.

    Parameters
    ----------
    name : {"ETTh1", "ETTh2", "ETTm1", "ETTm2"}
        Which of two transformers, and every hour (``h``) or quarter of an hour (``m``).
    data_home, base_url, sha256, timeout
        As in :func:`fetch_m4`. There is one file, so `sha256` may be the sum itself.

    Returns
    -------
    pandas.DataFrame
        Six loads and, last, ``OT``, the oil temperature that is usually the target, on a
        regular index named ``time``. The licence of the data is CC BY-ND 4.0.

    Examples
    --------
    >>> from tsrnn.datasets import fetch_ett
    >>> fetch_ett("ETTh1").shape  # doctest: +SKIP
    (17420, 7)
    """
    name = choose("name", name, _ETT)
    folder = get_data_home(data_home) / "ett"
    (path,) = _local_copies([f"{name}.csv"], folder, base_url, sha256, timeout)
    return _read_ett(path, _ETT[name])


def choose(parameter: str, value: str, allowed: Iterable[str]) -> str:
    """Return the allowed name that `value` spells, whatever its case."""
    names = {name.lower(): name for name in allowed}
    chosen = names.get(str(value).lower())
    if chosen is None:
        options = ", ".join(map(repr, names.values()))
        raise ValueError(f"{parameter}={value!r} is not known; use one of {options}")
    return chosen


# What the files say.


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say which file could not be understood, and what to do about it."""
    try:
        yield
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise OSError(
            f"{path} does not hold the data it should ({error}); delete it to download it again"
        ) from error


def _read_m4(path: Path) -> _SeriesByName:
    with _reading(path), path.open(encoding="utf-8") as lines:
        next(lines, None)  # the header only counts the columns
        return _by_name(map(_m4_series, lines))


def _m4_series(line: str) -> tuple[str, np.ndarray]:
    """Parse ``"H1","605","586",,,``: a name, the values, and padding to the longest series."""
    # cutting the padding before splitting spares most of the cells of the larger files
    name, *cells = line.rstrip(',"NA \r\n').replace('"', "").split(",")
    return name, _floats(cells)


def _read_tsf(path: Path) -> _SeriesByName:
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


def _by_name(series: Iterable[tuple[str, np.ndarray]]) -> _SeriesByName:
    named: _SeriesByName = {}
    for name, values in series:
        if name in named:
            raise ValueError(f"series {name!r} appears twice")
        named[name] = values
    if not named:
        raise ValueError("it has no series")
    return named


def _read_ett(path: Path, freq: str) -> pd.DataFrame:
    with _reading(path):
        frame = pd.read_csv(path, index_col="date", parse_dates=["date"]).astype(float)
        frame.index = pd.DatetimeIndex(frame.index, freq=freq, name="time")
        return frame


def _competition(
    name: str,
    frequency: str,
    scoring: tuple[int, int],
    train: _SeriesByName,
    test: _SeriesByName,
) -> CompetitionData:
    title = f"{name} {frequency}"
    _check_parts(title, scoring[0], train, test)
    starts = [len(values) for values in train.values()]
    panels = _panel(train, [0] * len(train)), _panel(test, starts)
    return CompetitionData(name, frequency, *scoring, *panels)


def _check_parts(title: str, horizon: int, train: _SeriesByName, test: _SeriesByName) -> None:
    if list(train) != list(test):
        raise OSError(f"the train and test files of {title} name different series")
    for name, values in test.items():
        if len(values) != horizon or not len(train[name]):
            raise OSError(
                f"series {name!r} of {title} has {len(train[name])} train and {len(values)} "
                f"test values, expected at least 1 and {horizon}; delete the file to download "
                "it again"
            )


def _panel(series: _SeriesByName, starts: list[int]) -> pd.DataFrame:
    """Lay the series end to end on a (series, time) index."""
    lengths = [len(values) for values in series.values()]
    times = np.concatenate([start + np.arange(n) for start, n in zip(starts, lengths, strict=True)])
    time_level, time_codes = np.unique(times, return_inverse=True)
    # built from codes to keep the order of the file: sorted names put H10 between H1 and H2
    levels: list[Any] = [list(series), time_level]
    codes: list[Any] = [np.repeat(np.arange(len(series)), lengths), time_codes]
    index = pd.MultiIndex(levels, codes, names=["series", "time"])
    return pd.DataFrame({"y": np.concatenate(list(series.values()))}, index=index)


# The cache: every file has its SHA-256 beside it.


def _local_copies(
    files: list[str],
    folder: Path,
    base_url: str,
    sha256: str | Mapping[str, str] | None,
    timeout: float,
) -> list[Path]:
    """Return verified copies in `folder` of `files`, which are paths below `base_url`."""
    paths = [folder / file.rpartition("/")[2] for file in files]
    pins = _pins(sha256, [path.name for path in paths])
    for file, path in zip(files, paths, strict=True):
        if not path.exists():
            _download(f"{base_url.rstrip('/')}/{file}", path, pins.get(path.name), timeout)
        _verify(path, pins.get(path.name))
    return paths


def _pins(sha256: str | Mapping[str, str] | None, names: list[str]) -> dict[str, str]:
    """Return the sums that the caller asks for, by file name."""
    if isinstance(sha256, str) and len(names) > 1:
        raise ValueError(f"sha256={sha256!r} is one sum for {len(names)} files; use a dict {names}")
    pins = {names[0]: sha256} if isinstance(sha256, str) else dict(sha256 or {})
    for name, pin in pins.items():
        if name not in names:
            raise ValueError(f"sha256 has the unknown file {name!r}; the files are {names}")
        if not re.fullmatch("[0-9a-fA-F]{64}", pin):
            raise ValueError(f"sha256={pin!r} for {name} is not a sum of 64 hexadecimal digits")
    return {name: pin.lower() for name, pin in pins.items()}


def _verify(path: Path, pin: str | None) -> None:
    actual = _file_sha256(path)
    record = _record_path(path)
    if record.exists() and record.read_text(encoding="utf-8").split()[:1] != [actual]:
        raise OSError(
            f"{path} was changed or cut short since it was stored: its SHA-256 is not the one "
            f"in {record.name}. Delete both to download it again, or only {record.name} if the "
            "change was meant"
        )
    _check_pin(path, actual, pin)
    if not record.exists():  # a file placed by hand
        with contextlib.suppress(PermissionError):  # a shared folder may be read-only
            _write_record(path, actual)


def _check_pin(path: Path, actual: str, pin: str | None) -> None:
    if pin not in (None, actual):
        raise OSError(
            f"the SHA-256 of {path} is {actual}, not {pin} as sha256 asks; correct sha256, or "
            "delete the file and try another base_url"
        )


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _write_record(path: Path, digest: str) -> None:
    with _replacing(_record_path(path)) as file:  # in the format of `sha256sum --check`
        file.write(f"{digest}  {path.name}\n".encode())


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, path: Path, pin: str | None, timeout: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _replacing(path) as part:
        with contextlib.closing(_chunks(url, path, timeout)) as chunks:
            for chunk in chunks:
                digest.update(chunk)
                part.write(chunk)
        _check_pin(path, digest.hexdigest(), pin)
        # the record goes first: interrupted between the two, the file is downloaded again
        _write_record(path, digest.hexdigest())


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` at the end, and is gone after an error."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _chunks(url: str, path: Path, timeout: float) -> Generator[bytes, None, None]:
    """Yield the bytes at `url`, all of them or an error that says how to do without."""
    request = urllib.request.Request(url, headers={"User-Agent": "tsrnn"})
    received = 0
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            announced = response.headers.get("Content-Length")
            while chunk := response.read(1 << 20):
                received += len(chunk)
                yield chunk
        if announced is not None and received != int(announced):
            raise ConnectionError(f"the server sent {received} of {announced} bytes")
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise ConnectionError(
            f"cannot download {url} ({error}). Try again when online, or get the file in "
            f"another way and place it as {path.name} in the folder {path.parent}"
        ) from error
