"""Fitted forecasters in files that hold nothing but plain data.

A file is a zip of ``manifest.json`` (versions and checksums), ``estimator.json`` (parameters and
fitted attributes) and numpy arrays. Reading it runs no code from it: class names are looked up in
a fixed table of tsrnn's own classes and a few transformers of scikit-learn.
"""

from __future__ import annotations

import json
import os
from importlib import metadata
from typing import Any

from sklearn.utils.validation import check_is_fitted

from tsrnn.archive import (
    PathLike,
    Refused,
    parse_json,
    read_archive,
    write_archive,
)
from tsrnn.plain import BASIC_KINDS, Reader, Writer
from tsrnn.plain_objects import OBJECT_KINDS
from tsrnn.plain_pandas import PANDAS_KINDS
from tsrnn.plain_times import TIME_KINDS
from tsrnn.saved_attributes import FORECASTERS, check_fitted

_KINDS = [*BASIC_KINDS, *TIME_KINDS, *PANDAS_KINDS, *OBJECT_KINDS]
_ESTIMATOR = "estimator.json"
_WRITTEN_BY = ("keras", "numpy", "pandas", "scikit-learn", "statsmodels")
# What numpy, pandas and scikit-learn raise for values that cannot be.
_IMPOSSIBLE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    MemoryError,
    RuntimeError,
)


def save(forecaster: Any, path: PathLike) -> None:
    """Write a fitted forecaster to a file, as its method `save` does.

    Parameters
    ----------
    forecaster : forecaster of tsrnn, ForecastPipeline or ConformalForecaster
    path : path-like
        File to write, by custom with the ending ``.tsrnn``. An older one is replaced at once:
        at any moment it is either the old file or the new one.

    Raises
    ------
    TypeError
        If a parameter cannot be written, as functions and objects of Keras, naming it and the
        remedy.
    NotFittedError
        If it is not fitted.
    OSError
        If the file cannot be written.
    """
    check_is_fitted(forecaster)
    writer = Writer(_KINDS)
    plain = writer.value(forecaster, "")
    content = json.dumps(plain, allow_nan=False, separators=(",", ":")).encode()
    about = {"class": type(forecaster).__name__, "versions": _versions()}
    write_archive(path, {_ESTIMATOR: content, **writer.members}, about)


def load(path: PathLike) -> Any:
    """Read a forecaster that was saved to a file.

    No code from the file is run, and none is imported by a name that stands in it. Checksums
    show damage, but not who wrote the file: one from someone else may forecast what they like.

    Parameters
    ----------
    path : path-like
        File that a forecaster's `save` wrote.

    Returns
    -------
    forecaster : forecaster of tsrnn, ForecastPipeline or ConformalForecaster
        With the parameters, fitted attributes and forecasts of the one that was saved.

    Raises
    ------
    ValueError
        If the file is none that `save` wrote, is damaged or cut short, or is of a newer format;
        the message names the file, the reason and the remedy.
    OSError
        If there is no such file, or it may not be read.

    Examples
    --------
    >>> import tempfile, tsrnn
    >>> from tsrnn import SeasonalNaive
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     SeasonalNaive(2, season_length=2).fit([1.0, 5.0, 3.0, 4.0]).save(f"{folder}/a.tsrnn")
    ...     tsrnn.load(f"{folder}/a.tsrnn").predict()
    array([3., 4.])
    """
    try:
        manifest, members = read_archive(path)
        return _read(manifest, members)
    except Refused as error:
        raise ValueError(f"path={os.fspath(path)!r} cannot be loaded: {error}") from error


def _read(manifest: dict[str, Any], members: dict[str, bytes]) -> Any:
    if _ESTIMATOR not in members:
        raise Refused(f"it has no {_ESTIMATOR}")
    plain = parse_json(members[_ESTIMATOR], _ESTIMATOR)
    try:
        forecaster = Reader(_KINDS, members).value(plain)
    except Refused:
        raise
    except _IMPOSSIBLE as error:
        reason = f"a value in it is impossible ({type(error).__name__}: {error})"
        writer = manifest.get("versions")
        raise Refused(reason, f"load it with the versions that wrote it: {writer}") from error
    if not isinstance(forecaster, FORECASTERS):
        raise Refused(f"it holds a {type(forecaster).__name__}, which is no forecaster")
    check_fitted(forecaster, needed=True)
    return forecaster


def _versions() -> dict[str, str]:
    """Versions of what wrote the file; reading compares none of them."""
    from tsrnn import __version__

    return {"tsrnn": __version__, **{name: metadata.version(name) for name in _WRITTEN_BY}}
