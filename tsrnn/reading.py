"""Check what the user gave and lay it out as a `Panel`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.layout import lay_out
from tsrnn.panel import Columns, Container, Panel
from tsrnn.timegrid import TimeGrid, written

Names = Hashable | Sequence[Hashable] | None


def read_panel(
    X: Any,
    y: Any = None,
    *,
    target: Names = None,
    past_covariates: Names = None,
    static_covariates: Names = None,
    grid: TimeGrid | None = None,
) -> Panel:
    """Read a Series, DataFrame, array or (series, time) panel.

    Parameters
    ----------
    X : Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
        Rows are time steps; a frame with a (series, time) MultiIndex is a panel.
    y : the same, or None
        Targets; then every column of X is a covariate.
    target, past_covariates, static_covariates : name or list of names
        Columns of X in these roles. Without `target` (and `y`) every other column is one;
        with it every other column is a covariate known in the future.
    grid : TimeGrid or None
        The grid seen in fit, believed where the new index is too short to tell its step.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, column, series and first timestamp at fault.
    """
    values, names, index = _frame_parts(X, "X")
    target_names: Names = target
    if y is not None:
        y_values, y_names, y_index = _frame_parts(y, "y")
        _check_same_rows(index, y_index, len(values), len(y_values))
        target_names = _marked(y_names, target)
        values, names = np.column_stack([y_values, values]), [*target_names, *names]
    columns = _roles(names, target_names, past_covariates, static_covariates)
    values = values[:, [names.index(name) for name in columns.all]]
    targets = X if y is None else y
    container = Container(
        pandas=hasattr(X, "iloc") or hasattr(y, "iloc"),
        one_dimensional=n_dimensions(targets) == 1,
        unnamed=getattr(targets, "name", None) is None,
        column_names=tuple(targets.columns.names) if hasattr(targets, "columns") else (None,),
    )
    own = tuple(name.name if isinstance(name, _FromY) else name for name in columns.targets)
    panel = lay_out(values, index, replace(columns, targets=own), container, grid)
    _check_finite(panel)
    return panel


@dataclass(frozen=True, eq=False)
class _FromY:
    """A name that came from y: equal to no other, so that it cannot collide with one of X."""

    name: Hashable


def _marked(names: list[Hashable], target: Names) -> list[Hashable]:
    if target is not None:
        raise ValueError(
            f"target={target!r} names a target among the columns of X, but y is given too; give "
            "one of them"
        )
    return [_FromY(name) for name in names]


def _frame_parts(data: Any, what: str) -> tuple[np.ndarray, list[Hashable], pd.Index]:
    """Split data into float64 values (n_rows, n_columns), column names and row index."""
    frame = to_frame(data, what)
    _check_shape(frame, what)
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            raise TypeError(f"column {name!r} of {what} has dtype {dtype}; {_in_numbers(dtype)}")
    return frame.to_numpy(dtype=np.float64, na_value=np.nan), list(frame.columns), frame.index


def _in_numbers(dtype: Any) -> str:
    """Say how to turn a column of this type into numbers."""
    if dtype.kind == "M" or isinstance(dtype, pd.PeriodDtype):
        return "make it the index (set_index) if it holds the times, else drop it"
    if dtype.kind == "m":
        return "give numbers, for example its .dt.total_seconds()"
    if dtype.kind == "c":
        return "give its real and imaginary part as two columns"
    return "give numbers, for example by pd.to_numeric, or encode categories first"


def to_frame(data: Any, what: str = "X") -> pd.DataFrame:
    """View a Series, DataFrame or array (or nested lists) of one or two dimensions as a frame."""
    if isinstance(data, pd.DataFrame):
        if not data.columns.is_unique:
            double = data.columns[data.columns.duplicated()][0]
            raise ValueError(f"{what} has more than one column named {double!r}; rename them")
        return data
    if isinstance(data, pd.Series):
        return data.to_frame(name=0 if data.name is None else data.name)
    if hasattr(data, "toarray"):
        raise TypeError(
            f"Sparse data was passed for {what}, but dense data is required: {what}.toarray()"
        )
    array = np.asarray(data)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{what} has {array.ndim} dimension(s); give one row per time step "
            f"(1-D or 2-D). Reshape your data, for example with {what}.reshape(-1, 1)"
        )
    if array.dtype.kind == "O":
        array = _numbers(array, what)
    elif array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {what} has dtype {array.dtype}")
    return pd.DataFrame(array)


def check_covariates(X: Any) -> None:
    """Raise ValueError if covariates come as a 1-D array: one column, or one row."""
    if n_dimensions(X) == 1 and not hasattr(X, "iloc"):
        raise ValueError(
            "X is 1-D, but with y it holds covariates, one per column. Reshape your data with "
            "X.reshape(-1, 1); to forecast X itself, leave y out"
        )


def _check_shape(frame: pd.DataFrame, what: str) -> None:
    """Raise ValueError for data without rows or columns, in scikit-learn's words."""
    for n, part in zip(frame.shape, ("sample", "feature"), strict=True):
        if n == 0:
            raise ValueError(
                f"{what} has 0 {part}(s) (shape={frame.shape}) while a minimum of 1 is required; "
                f"give at least one {'row' if part == 'sample' else 'column'}"
            )


def n_dimensions(data: Any) -> int:
    """Count the dimensions of an array, Series, DataFrame or nested lists."""
    return data.ndim if hasattr(data, "ndim") else np.asarray(data).ndim


def _numbers(array: np.ndarray, what: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{what} holds objects that are not numbers: {error}; argument must be a string or a "
            "number"
        ) from error


def _check_same_rows(index: pd.Index, y_index: pd.Index, n: int, n_y: int) -> None:
    if n != n_y:
        raise ValueError(f"X has {n} rows but y has {n_y}; give one target per row of X")
    labelled = not isinstance(y_index, pd.RangeIndex) and not isinstance(index, pd.RangeIndex)
    different = np.flatnonzero(index != y_index) if labelled else np.array([])
    if len(different):
        row = int(different[0])
        x_label, y_label = (_label(i[row]) for i in (index, y_index))
        raise ValueError(
            f"X and y have different indexes: row {row} is {x_label} in X and {y_label} in y; "
            "align them first, for example y.reindex(X.index)"
        )


def _label(key: Any) -> str:
    return ", ".join(written(part) for part in (key if isinstance(key, tuple) else (key,)))


def _as_list(names: Names) -> list[Hashable]:
    if names is None:
        return []
    return list(names) if isinstance(names, list | tuple | pd.Index | np.ndarray) else [names]


def _roles(names: list[Hashable], target: Names, past: Names, static: Names) -> Columns:
    """Sort column names into their roles, keeping the order in which they were given."""
    roles = {"target": _as_list(target), "past_covariates": _as_list(past)}
    roles["static_covariates"] = _as_list(static)
    named: list[Hashable] = []
    for role, wanted in roles.items():
        for name in wanted:
            if name not in names:
                raise ValueError(f"{role}={name!r} is not a column of X: {_some(names)}")
            if name in named:
                raise ValueError(f"column {name!r} is named twice, the second time in {role}")
            named.append(name)
    rest = [name for name in names if name not in named]
    targets, future = (roles["target"], rest) if roles["target"] else (rest, [])
    if not targets:
        raise ValueError("no column is left as a target; name it with target=")
    past_names, static_names = tuple(roles["past_covariates"]), tuple(roles["static_covariates"])
    return Columns(tuple(targets), past_names, tuple(future), static_names)


def _some(names: list[Hashable]) -> str:
    """Write the names of X, the first ten of many."""
    own = [name for name in names if not isinstance(name, _FromY)]
    return f"{own}" if len(own) <= 10 else f"{str(own[:10])[:-1]}, ...] ({len(own)} columns)"


def _check_finite(panel: Panel) -> None:
    infinite = np.isinf(panel.values)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        where = panel.time_of(row) if panel.grid.labelled else f"row {row}"
        raise ValueError(
            f"{panel.label(int(panel.series_of(row)))}column {panel.columns.all[column]!r} is "
            f"infinity at {where}; replace inf by NaN (missing) or by a number"
        )
