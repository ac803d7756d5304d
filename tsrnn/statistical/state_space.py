"""Forecasts from many cutoffs with a single pass of the Kalman filter."""

from __future__ import annotations

from typing import Any

import numpy as np


def padded(y: np.ndarray, n_rows: int) -> np.ndarray:
    """Append missing values up to `n_rows`, the rows that a model is to forecast."""
    return np.concatenate([y, np.full(n_rows - len(y), np.nan)])


def forecast_from_filter(
    model: Any, params: np.ndarray, cutoffs: np.ndarray, n_steps: int
) -> np.ndarray:
    """Forecast from the filtered state at each cutoff.

    Parameters
    ----------
    model : statsmodels MLEModel
        Of one target, with its covariates, on rows that go on (missing) for `n_steps` behind
        the last cutoff.
    params : ndarray
        Parameters of the model.
    cutoffs : ndarray of shape (n_cutoffs,)
        Row of the last observation that each forecast sees.
    n_steps : int
        Number of steps ahead.

    Returns
    -------
    forecasts : ndarray of shape (n_cutoffs, n_steps)
    """
    for unused in ("filtered", "predicted_cov", "likelihood", "gain", "smoothing", "std_forecast"):
        setattr(model.ssm, f"memory_no_{unused}", True)
    model.ssm.memory_no_forecast_cov = True
    filtered = model.filter(params, return_ssm=True)
    state = filtered.predicted_state[:, cutoffs + 1]
    forecasts = np.empty((len(cutoffs), n_steps))
    for step in range(n_steps):
        rows = cutoffs + 1 + step
        seen = np.einsum("ic,ic->c", _at(model.ssm.design[0], rows), state)
        forecasts[:, step] = seen + _at(model.ssm.obs_intercept, rows)[0]
        moved = np.einsum("ijc,jc->ic", _at(model.ssm.transition, rows), state)
        state = moved + _at(model.ssm.state_intercept, rows)
    return forecasts


def _at(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Matrices of these rows, along the last axis; one that does not change stands for all."""
    return matrix if matrix.shape[-1] == 1 else matrix[..., rows]
