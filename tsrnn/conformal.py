"""Quantiles of past errors that cover future ones: with a correction for few, and for drift."""

from __future__ import annotations

from math import ceil

import numpy as np

# Products such as 100 * 0.07 lie a rounding error above the whole number they stand for.
_ROUNDING = 1e-9


def needed_scores(level: float) -> int:
    """Return the least number of scores that a quantile of this level can be taken from.

    Examples
    --------
    >>> needed_scores(0.9), needed_scores(0.95)
    (9, 19)
    """
    return ceil(level / (1 - level) - _ROUNDING)


def conformal_quantile(scores: np.ndarray, level: float) -> np.ndarray:
    """Return the value that the next score does not exceed, with probability `level` or more.

    The k-th smallest of n scores, k = ceil((n + 1) level): the quantile of level k / n. The
    guarantee holds if the next score is exchangeable with the n. Source: Vovk, Gammerman and
    Shafer (2005), Algorithmic Learning in a Random World; in this form Lei et al. (2018),
    Journal of the American Statistical Association 113(523).

    Parameters
    ----------
    scores : ndarray of shape (n, ...)
        NaN where there is none.
    level : float
        A level that asks for more scores than there are gets the greatest one.

    Returns
    -------
    quantile : ndarray of shape (...)

    Examples
    --------
    >>> float(conformal_quantile(np.arange(1.0, 10.0), 0.8))
    8.0
    """
    ranked = np.sort(scores, axis=0)  # NaN last
    counts = np.isfinite(scores).sum(axis=0)
    k = np.ceil((counts + 1) * level - _ROUNDING)
    places = np.clip(k, 1, np.maximum(counts, 1)).astype(np.int64) - 1
    quantile: np.ndarray = np.take_along_axis(ranked, places[None], axis=0)[0]
    return quantile


def adapted_level(scores: np.ndarray, level: float, gamma: float, delay: int) -> float:
    """Return the level that would have covered the given share of scores as they drifted.

    Adaptive conformal inference: at each cutoff a quantile is taken from the scores known by
    then; it rises by ``gamma * (share of scores above it - (1 - level))`` when those are
    seen. A level of 1 or more covers all, one of 0 or less nothing. Source: Gibbs and Candès
    (2021), Adaptive conformal inference under distribution shift, NeurIPS 34; here the scores
    of many series at one cutoff count as one step.

    Parameters
    ----------
    scores : ndarray of shape (n_cutoffs, n_series)
        In the order of time; NaN where there is none.
    level : float
        The share to cover, and the level to begin with.
    gamma : float
        Step size; 0 keeps the level.
    delay : int
        Cutoffs until a score is known.

    Returns
    -------
    level : float
        After all scores; it may leave the range from 0 to 1 by as much as gamma.

    Examples
    --------
    >>> calm = np.abs(np.random.default_rng(0).normal(size=(60, 1)))
    >>> round(adapted_level(calm, 0.8, 0.05, delay=1), 2)
    0.84
    >>> drift = np.concatenate([calm, 4 * calm[:10]])
    >>> round(adapted_level(drift, 0.8, 0.05, delay=1), 2)
    0.99
    """
    current, pending = level, list[float]()
    for now in range(len(scores)):
        # What became known since the last cutoff corrects the level before it is used.
        if len(pending) >= delay:
            current += gamma * (pending[len(pending) - delay] - (1 - level))
        known = scores[: max(now + 1 - delay, 0)].ravel()
        pending.append(_miss_rate(scores[now], known, level, current))
    late = pending[max(len(pending) - delay, 0) :]
    return float(current + gamma * sum(rate - (1 - level) for rate in late))


def _miss_rate(new: np.ndarray, known: np.ndarray, level: float, current: float) -> float:
    """Share of the new scores above the quantile of the known; as aimed at, where none can be."""
    new, known = new[np.isfinite(new)], known[np.isfinite(known)]
    if len(new) == 0 or len(known) < needed_scores(level):
        return 1 - level
    if not 0 < current < 1:
        return float(current <= 0)
    return float((new > conformal_quantile(known, current)).mean())


def quantile_of_scores(
    scores: np.ndarray, level: float, *, gamma: float = 0.0, spacing: int = 1
) -> np.ndarray:
    """Quantile of signed scores at each step ahead and target.

    Levels above a half are rounded up, those below a half down: away from the middle, so that
    both tails are covered.

    Parameters
    ----------
    scores : ndarray of shape (n_cutoffs, n_series, n_steps, n_targets)
        In the order of time; NaN where there is none.
    level : float
        Between 0 and 1.
    gamma : float, default 0.0
        Step size of `adapted_level`; 0 takes the level as it is.
    spacing : int, default 1
        Steps from one cutoff to the next.

    Returns
    -------
    quantile : ndarray of shape (n_steps, n_targets)
    """
    if level < 0.5:
        return -quantile_of_scores(-scores, 1 - level, gamma=gamma, spacing=spacing)
    n_cutoffs, n_series, n_steps, n_targets = scores.shape
    if gamma == 0:
        return conformal_quantile(scores.reshape(-1, n_steps, n_targets), level)
    quantile = np.empty((n_steps, n_targets))
    for step in range(n_steps):
        delay = step // spacing + 1  # cutoffs until the observation `step + 1` ahead
        for target in range(n_targets):
            own = scores[:, :, step, target]
            adapted = adapted_level(own, level, gamma, delay)
            quantile[step, target] = conformal_quantile(own.ravel(), adapted)
    return quantile
