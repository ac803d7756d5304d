"""What a fitted estimator and its parts must hold to be used: types, and sizes that agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.archive import Refused
from tsrnn.base import Forecaster
from tsrnn.encoding import Encoding
from tsrnn.frame_history import FrameHistory
from tsrnn.intervals import ConformalForecaster
from tsrnn.nn.spec import NetworkSpec, TrainSpec
from tsrnn.panel import Columns, Container, Panel
from tsrnn.pipeline import ForecastPipeline
from tsrnn.plain_types import fits
from tsrnn.statistical.fitting import Fitted
from tsrnn.steps import Chain
from tsrnn.timegrid import TimeGrid

FORECASTERS = Forecaster | ForecastPipeline | ConformalForecaster
# Attributes that fit sets, by the class that sets them; all of them, or none.
_FITTED: dict[str, dict[str, Any]] = {
    "Forecaster": {
        "n_features_in_": int,
        "horizon_": int,
        "fitted_with_y_": bool,
        "columns_": Columns,
        "season_length_": int,
        "naive_error_": np.ndarray,
        "history_": Panel,
    },
    "RNNForecaster": {
        "season_lengths_": tuple[int, ...],
        "shares_targets_": bool,
        "encoding_": Encoding,
        "n_windows_": int,
        "train_spec_": TrainSpec,
        "spec_": NetworkSpec,
        "weights_": list[list[np.ndarray]],
        "losses_": pd.DataFrame,
        "best_epoch_": int | list[int],
        "dependence_": np.ndarray | None,
    },
    "PerSeriesForecaster": {"models_": dict[Any, list[Fitted]]},
    "STLForecaster": {"forecaster_": Forecaster},
    "ForecastPipeline": {
        "_chain": Chain,
        "_container": Container,
        "_history": FrameHistory,
        "fitted_with_y_": bool,
        "season_length_": int,
        "naive_error_": np.ndarray | None,
    },
    "ConformalForecaster": {
        "forecaster_": FORECASTERS,
        "horizon_": int,
        "n_splits_": int,
        "step_": int,
        "season_length_": int,
        "fitted_with_y_": bool,
        "residuals_": np.ndarray,
        "_positions": list[int],
        "_history": Panel,
        "_unscaled": np.ndarray,
    },
    "FrameStep": {"makes_windows_": bool},
    "Differencer": {"columns_": np.ndarray, "lags_": tuple[int, ...], "history_": Panel},
    "Deseasonalizer": {"columns_": np.ndarray, "season_length_": int, "seasonal_": Panel},
    "SlidingWindow": {"grid_": TimeGrid},
}


def fitted_attributes(of: type) -> dict[str, Any]:
    """Names and types of what fit sets, with that of the classes that a class comes from."""
    wanted: dict[str, Any] = {}
    for one in reversed(of.__mro__):
        wanted |= _FITTED.get(one.__name__, {})
    return wanted


def check_fitted(estimator: Any, *, needed: bool = False) -> None:
    """Refuse an estimator that lacks some of its fitted attributes (any, if they are `needed`).

    Raises
    ------
    Refused
        Naming the class and the attribute that is missing or of another type.
    """
    of, held = type(estimator), vars(estimator)
    wanted = fitted_attributes(of)
    if not needed and not wanted.keys() & held.keys():
        return
    for name, hint in wanted.items():
        if name not in held:
            raise Refused(f"its {of.__name__} lacks {name}")
        if not fits(held[name], hint):
            kind = type(held[name]).__name__
            raise Refused(f"{name} of its {of.__name__} is a {kind}, not {hint}")
    check_parts(estimator)


def check_parts(value: Any) -> None:
    """Refuse a panel, grid, history or calibration whose parts do not go together.

    Raises
    ------
    Refused
        Naming the class.
    """
    check = _CHECKS.get(type(value))
    if check is not None and not check(value):
        raise Refused(f"the parts of its {type(value).__name__} do not go together")


def _is_panel(panel: Panel) -> bool:
    values, offsets, starts, order = panel.values, panel.offsets, panel.starts, panel.order
    if values.ndim != 2 or values.dtype != np.float64 or offsets.ndim != 1 or len(offsets) < 2:
        return False
    whole = all(part.dtype.kind == "i" for part in (offsets, starts))
    return (
        whole
        and values.shape[1] == len(panel.columns.all) > 0
        and len(panel.columns.targets) > 0
        and offsets[0] == 0
        and offsets[-1] == len(values)
        and bool((np.diff(offsets) >= 0).all())
        and starts.shape == (panel.n_series,)
        and (panel.ids is None or len(panel.ids) == panel.n_series)
        and (order is None or (order.dtype.kind == "i" and order.shape == (len(values),)))
    )


def _is_calibrated(conformal: ConformalForecaster) -> bool:
    residuals, history, unscaled = conformal.residuals_, conformal._history, conformal._unscaled
    n_targets = history.n_targets
    counts = (conformal.n_splits_, conformal.step_, conformal.season_length_)
    return (
        residuals.dtype == np.float64
        and residuals.ndim == 4
        and len(residuals) > 0
        and residuals.shape[1:] == (history.n_series, conformal.horizon_, n_targets)
        and unscaled.dtype == bool
        and unscaled.shape == (n_targets,)
        and len(conformal._positions) == n_targets
        and min(conformal._positions) >= 0
        and min(counts) > 0
    )


def _is_grid(grid: TimeGrid) -> bool:
    if isinstance(grid.origin, pd.Timestamp | pd.Period):
        return isinstance(grid.step, pd.offsets.BaseOffset)
    return all(fits(part, int) for part in (grid.origin, grid.step)) and grid.step != 0


def _is_history(history: FrameHistory) -> bool:
    return isinstance(history.rows, pd.DataFrame | np.ndarray)


_CHECKS: dict[type, Any] = {
    Panel: _is_panel,
    TimeGrid: _is_grid,
    FrameHistory: _is_history,
    ConformalForecaster: _is_calibrated,
}
