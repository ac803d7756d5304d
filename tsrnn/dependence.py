"""How the steps of a horizon move together, so that sampled paths are coherent."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr


def dependence(scores: np.ndarray) -> np.ndarray:
    """Correlation between the steps of a horizon.

    Parameters
    ----------
    scores : ndarray of shape (n_windows, horizon, n_targets)
        Normal scores of what came; windows with one that is not finite are left out.

    Returns
    -------
    correlation : ndarray of shape (horizon, horizon)
        Of all windows and targets, shrunk towards none; the identity if a step never varied.
        Source: Ledoit and Wolf (2004), A well-conditioned estimator for large-dimensional
        covariance matrices, Journal of Multivariate Analysis 88(2).
    """
    rows = np.moveaxis(scores, 1, 2).reshape(-1, scores.shape[1])
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) < 2 or scores.shape[1] == 1:
        return np.eye(scores.shape[1])
    from sklearn.covariance import ledoit_wolf  # which loads scipy.stats: 45 MB and 0.4 s

    covariance, _ = ledoit_wolf(rows, assume_centered=True)
    deviation = np.sqrt(np.diag(covariance))
    if not deviation.all():
        return np.eye(len(deviation))
    return np.asarray(covariance / np.outer(deviation, deviation))


def dependent_levels(
    correlation: np.ndarray, shape: tuple[int, ...], random: np.random.Generator
) -> np.ndarray:
    """Draw levels, uniform at each step, that move together over the horizon.

    A Gaussian copula: steps of correlated normal variables, turned into their probabilities.
    Source: Nelsen (2006), An Introduction to Copulas, Springer.

    Parameters
    ----------
    correlation : ndarray of shape (horizon, horizon)
    shape : tuple of int
        How many draws, in any shape.
    random : Generator

    Returns
    -------
    levels : ndarray of shape (*shape, horizon)
        Between 0 and 1.
    """
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    scores = random.standard_normal((*shape, len(correlation))) @ root.T
    return np.clip(ndtr(scores), 1e-9, 1 - 1e-9)
