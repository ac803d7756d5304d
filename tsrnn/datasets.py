"""Example data: small series that come with the package, larger ones fetched once.

The ``load_*`` functions read the CSV files in the folder ``datasets`` of the project, which
are installed with the package. The ``fetch_*`` functions download public benchmarks into a
cache folder, see :mod:`tsrnn.fetchers`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tsrnn.cache import get_data_home
from tsrnn.fetchers import CompetitionData, choose, fetch_ett, fetch_m3, fetch_m4

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = [
    "CompetitionData",
    "fetch_ett",
    "fetch_m3",
    "fetch_m4",
    "get_data_home",
    "load_airline",
    "load_co2",
    "load_grunfeld",
    "load_macro",
    "load_sunspots",
]


def load_airline() -> pd.Series:
    """Load the passengers of international airlines, monthly from 1949 to 1960.

    A steady trend and a yearly season that grows with the level: 144 months, no gaps.

    Returns
    -------
    pandas.Series
        Thousands of passengers, named ``"passengers"``, on a month-start index.

    References
    ----------
    Box, G. E. P. and Jenkins, G. M. (1970). Time Series Analysis: Forecasting and Control.
    Series G.

    Examples
    --------
    >>> from tsrnn.datasets import load_airline
    >>> load_airline().tail(3)
    time
    1960-10-01    461.0
    1960-11-01    390.0
    1960-12-01    432.0
    Freq: MS, Name: passengers, dtype: float64
    """
    return _read_bundled("airline_passengers.csv", "MS")["passengers"]


def load_sunspots() -> pd.Series:
    """Load the yearly mean sunspot number, 1700 to 2008.

    A cycle of about eleven years whose length and height vary: 309 years, no gaps.

    Returns
    -------
    pandas.Series
        Sunspot numbers, named ``"sunspots"``, on a year-start index.

    Examples
    --------
    >>> from tsrnn.datasets import load_sunspots
    >>> load_sunspots().loc["1957":"1959"].tolist()
    [190.2, 184.8, 159.0]
    """
    return _read_bundled("sunspots.csv", "YS")["sunspots"]


def load_co2(frequency: str = "weekly") -> pd.Series:
    """Load the carbon dioxide measured at Mauna Loa, 1958 to 2001.

    Parameters
    ----------
    frequency : {"weekly", "monthly"}, default="weekly"
        ``"weekly"`` keeps the 2,284 weekly averages as published; the 59 weeks without a
        measurement are NaN. ``"monthly"`` averages the weeks dated in each calendar month and
        fills the five months left empty on a straight line between their neighbours, which
        gives 526 months without a gap.

    Returns
    -------
    pandas.Series
        Parts per million by volume, named ``"co2"``, on an index of Saturdays or month starts.

    Examples
    --------
    >>> from tsrnn.datasets import load_co2
    >>> int(load_co2().isna().sum())
    59
    >>> load_co2("monthly").round(2).head(4)
    time
    1958-03-01    316.10
    1958-04-01    317.20
    1958-05-01    317.43
    1958-06-01    316.53
    Freq: MS, Name: co2, dtype: float64
    """
    frequency = choose("frequency", frequency, ("weekly", "monthly"))
    weekly = _read_bundled("co2.csv", "W-SAT")["co2"]
    if frequency == "weekly":
        return weekly
    return weekly.resample("MS").mean().interpolate()


def load_macro() -> pd.DataFrame:
    """Load twelve macroeconomic indicators of the United States, 1959 Q1 to 2009 Q3.

    Returns
    -------
    pandas.DataFrame
        203 quarters on a quarter-start index. The columns are ``realgdp``, ``realcons``,
        ``realinv``, ``realgovt`` and ``realdpi`` (product, consumption, private investment,
        government spending and disposable income, in billions of 2005 dollars), ``cpi``
        (1982-84 = 100), ``m1`` (billions of dollars), ``tbilrate`` and ``unemp`` (percent),
        ``pop`` (millions), ``infl`` and ``realint`` (percent; 0 in the first quarter, which
        has no predecessor).

    Examples
    --------
    >>> from tsrnn.datasets import load_macro
    >>> load_macro().loc["2009", "unemp"]
    time
    2009-01-01    8.1
    2009-04-01    9.2
    2009-07-01    9.6
    Freq: QS-JAN, Name: unemp, dtype: float64
    """
    return _read_bundled("macro.csv", "QS")


def load_grunfeld() -> pd.DataFrame:
    """Load the Grunfeld panel: the investment of eleven US firms, 1935 to 1954.

    Returns
    -------
    pandas.DataFrame
        220 rows on a (series, time) index, firm by firm, with year-start times. The columns
        are ``invest`` (gross investment), ``value`` (market value) and ``capital`` (stock of
        plant and equipment), all in millions of 1947 dollars.

    References
    ----------
    Kleiber, C. and Zeileis, A. (2008). The Grunfeld Data at 50.

    Examples
    --------
    >>> from tsrnn.datasets import load_grunfeld
    >>> panel = load_grunfeld()
    >>> panel.index.levshape
    (11, 20)
    >>> panel.loc[("IBM", "1954-01-01")].tolist()
    [135.72, 927.3, 238.7]
    """
    panel = _read_bundled("grunfeld.csv")
    firms = panel.pop("series").unique()
    years = pd.DatetimeIndex(panel.index.unique(), freq="YS")
    # the file holds every year of every firm, in this order
    panel.index = pd.MultiIndex.from_product([firms, years], names=["series", "time"])
    return panel


def _read_bundled(name: str, freq: str | None = None) -> pd.DataFrame:
    """Read a bundled CSV file: a `time` index, regular at `freq`, and columns of floats."""
    frame = pd.read_csv(io.StringIO(_bundled_text(name)), index_col="time", parse_dates=["time"])
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].astype(float)
    if freq is not None:
        frame.index = pd.DatetimeIndex(frame.index, freq=freq)
    return frame


def _bundled_text(name: str) -> str:
    """Return the text of a bundled file, wherever the package runs from."""
    for folder in _bundled_folders():
        file = folder.joinpath(name)
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(
        f"the bundled file {name!r} is missing from this installation of tsrnn; "
        "install the package again"
    )


def _bundled_folders() -> Iterator[Traversable]:
    """Yield the folders that may hold the bundled files, the installed one first."""
    try:
        installed: Traversable | None = resources.files("tsrnn._data")
    except (ModuleNotFoundError, NotADirectoryError):
        # a checkout has no tsrnn/_data; some editable installs pretend to have one
        installed = None
    if installed is not None:
        yield installed
    yield Path(__file__).resolve().parent.parent / "datasets"
