"""Public benchmarks, downloaded once and kept in a cache folder: M3, M4 and ETT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.cache import PathLike, get_data_home, local_copies
from tsrnn.file_formats import SeriesByName, read_ett, read_m4, read_tsf

__all__ = ["CompetitionData", "fetch_ett", "fetch_m3", "fetch_m4"]

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


def fetch_m4(
    frequency: str = "Hourly",
    *,
    data_home: PathLike | None = None,
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
    train, test = map(read_m4, local_copies(files, folder, base_url, sha256, timeout))
    return _competition("M4", frequency, _M4[frequency], train, test)


def fetch_m3(
    frequency: str = "Monthly",
    *,
    data_home: PathLike | None = None,
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
    (path,) = local_copies([file], folder, base_url, sha256, timeout)
    series = read_tsf(path)
    horizon = _M3[frequency][0]
    train = {name: values[:-horizon] for name, values in series.items()}
    test = {name: values[-horizon:] for name, values in series.items()}
    return _competition("M3", frequency, _M3[frequency], train, test)


def fetch_ett(
    name: str = "ETTh1",
    *,
    data_home: PathLike | None = None,
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
    (path,) = local_copies([f"{name}.csv"], folder, base_url, sha256, timeout)
    return read_ett(path, _ETT[name])


def choose(parameter: str, value: str, allowed: Iterable[str]) -> str:
    """Return the allowed name that `value` spells, whatever its case."""
    names = {name.lower(): name for name in allowed}
    chosen = names.get(str(value).lower())
    if chosen is None:
        options = ", ".join(map(repr, names.values()))
        raise ValueError(f"{parameter}={value!r} is not known; use one of {options}")
    return chosen


def _competition(
    name: str,
    frequency: str,
    scoring: tuple[int, int],
    train: SeriesByName,
    test: SeriesByName,
) -> CompetitionData:
    title = f"{name} {frequency}"
    _check_parts(title, scoring[0], train, test)
    starts = [len(values) for values in train.values()]
    panels = _panel(train, [0] * len(train)), _panel(test, starts)
    return CompetitionData(name, frequency, *scoring, *panels)


def _check_parts(title: str, horizon: int, train: SeriesByName, test: SeriesByName) -> None:
    if list(train) != list(test):
        raise OSError(f"the train and test files of {title} name different series")
    for name, values in test.items():
        if len(values) != horizon or not len(train[name]):
            raise OSError(
                f"series {name!r} of {title} has {len(train[name])} train and {len(values)} "
                f"test values, expected at least 1 and {horizon}; delete the file to download "
                "it again"
            )


def _panel(series: SeriesByName, starts: list[int]) -> pd.DataFrame:
    """Lay the series end to end on a (series, time) index."""
    lengths = [len(values) for values in series.values()]
    times = np.concatenate([start + np.arange(n) for start, n in zip(starts, lengths, strict=True)])
    time_level, time_codes = np.unique(times, return_inverse=True)
    # built from codes to keep the order of the file: sorted names put H10 between H1 and H2
    levels: list[Any] = [list(series), time_level]
    codes: list[Any] = [np.repeat(np.arange(len(series)), lengths), time_codes]
    index = pd.MultiIndex(levels, codes, names=["series", "time"])
    return pd.DataFrame({"y": np.concatenate(list(series.values()))}, index=index)
