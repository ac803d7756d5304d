"""What "auto" means: one small rule for each number that a user may leave to the toolkit.

The rules look only at the horizon, the season and the amount of data.
"""

from __future__ import annotations

import numpy as np

# Peak rate of an optimizer that is given by name.
LEARNING_RATE = 0.003
# Most steps of a context that nobody asked for.
LONGEST_CONTEXT = 2048


def context_length(horizon: int, season_length: int, lengths: np.ndarray) -> int:
    """Two seasons or two horizons, at least 24 steps, at most half of the longest series.

    Never more than 2,048 steps: longer contexts cost more memory and time than they give.
    """
    wanted = min(max(2 * season_length, 2 * horizon, 24), LONGEST_CONTEXT)
    longest = int(lengths.max())
    return max(1, min(wanted, max(longest - horizon, 1), max(longest // 2, season_length + 1)))


def segment_length(context: int, season_length: int) -> int:
    """One observation a step for short contexts; for long ones a season, or about 32 steps."""
    if context <= 64:
        return 1
    if 1 < season_length <= context // 4:
        return season_length
    return max(1, round(context / 32))


def reference(season_length: int, lengths: np.ndarray, *, smoothable: bool) -> str:
    """Correct smoothed forecasts of many short series; else of last season, or the last value.

    Many are at least 30, short at most 1,000 steps and 200,000 rows in all. Smoothable are whole
    series (not single windows) of one column, without covariates that would tell more.
    """
    short = lengths.max() <= 1000 and lengths.sum() <= 200_000
    if smoothable and len(lengths) >= 30 and short and season_length <= 52:
        return "smoothing"
    return "season" if season_length > 1 else "last"


def scale(reference: str | None) -> str:
    """Mean distance from the last value where forecasts are smoothed, else the deviation."""
    return "mean_absolute" if reference == "smoothing" else "deviation"


def batch_size(n_windows: int) -> int:
    """About 16 steps per pass, between 16 and 128 windows a batch."""
    return int(np.clip(2 ** round(np.log2(max(n_windows / 16, 1))), 16, 128))


def max_epochs(n_windows: int, batch: int) -> int:
    """As many passes as make about 1,000 steps, at least 5."""
    return max(5, round(1000 / max(1, n_windows / batch)))


def early_stopping(n_windows: int, reference: str | None) -> bool:
    """Where 10,000 windows or more leave enough to hold some out.

    Not of short series, which are smoothed: their last windows are the ones that tell most.
    """
    return n_windows >= 10_000 and reference != "smoothing"


def leaves_enough(n_learned: int, n_windows: int) -> bool:
    """Where at least half of the windows are left to learn from."""
    return 2 * n_learned >= n_windows
