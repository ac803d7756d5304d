"""What "auto" means: one small rule for each number that a user may leave to the toolkit.

The rules look only at the horizon, the season and the amount of data; that of the seasons looks
whether the data show them.
"""

from __future__ import annotations

import numpy as np

from tsrnn.panel import Panel

# Most steps of a context that nobody asked for.
LONGEST_CONTEXT = 2048
# Fewest and most steps of training that nobody asked for.
_FEWEST, _MOST = 400, 4000
# Correlation above which changes over a season are said to repeat.
_REPEATS = 0.1


def seasons(candidates: tuple[int, ...], panel: Panel) -> tuple[int, ...]:
    """Keep the shortest season, and longer ones that the data show.

    A longer season shows where changes over the shorter one, as from yesterday to today, are
    correlated with those a longer season ago, in the median series; at least half of the series
    are long enough to see it twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.reading import read_panel
    >>> hours = pd.date_range("2024", periods=1000, freq="h")
    >>> at_work = pd.Series((hours.day_of_week < 5) * (hours.hour > 8) * 1.0, hours)
    >>> seasons((24, 168), read_panel(at_work)), seasons((24, 168), read_panel(at_work[:200]))
    ((24, 168), (24,))
    """
    shortest, *longer = candidates
    longer = [m for m in longer if _shows(m, shortest, panel)]
    return (shortest, *longer)


def _shows(season: int, shorter: int, panel: Panel) -> bool:
    long_enough = panel.lengths >= 2 * season + shorter
    if 2 * long_enough.sum() < panel.n_series:
        return False
    correlations = []
    bounds = np.column_stack([panel.offsets[:-1], panel.offsets[1:]])[long_enough]
    for start, end in bounds:
        changes = panel.targets[start + shorter : end] - panel.targets[start : end - shorter]
        correlations += [_correlation(c[season:], c[:-season]) for c in changes.T]
    return float(np.median(correlations)) > _REPEATS


def _correlation(now: np.ndarray, before: np.ndarray) -> float:
    """Correlation where both are observed, 0 where nothing moves."""
    seen = ~np.isnan(now) & ~np.isnan(before)
    if not seen.any():
        return 0.0
    now, before = now[seen] - now[seen].mean(), before[seen] - before[seen].mean()
    size = np.sqrt((now**2).sum() * (before**2).sum())
    return float((now * before).sum() / size) if size > 0 else 0.0


def share_targets(architecture: str, *, own_network: bool) -> bool:
    """One network for all of several targets, unless it reads no past or is your own."""
    return architecture != "vec2seq" and not own_network


def context_length(horizon: int, seasons: tuple[int, ...], lengths: np.ndarray) -> int:
    """Two of the longest season or two horizons, at least 24 steps; more of long series.

    Those show 28 of the shortest season (four weeks of days), if that is less than a twelfth of
    them. At most 2,048 steps, and about half of the longest series (if that holds a season):
    longer contexts cost more memory and time than they give.
    """
    longest, shortest = int(lengths.max()), seasons[0]
    more = shortest * min(28, longest // (12 * shortest)) if shortest > 1 else 0
    wanted = min(max(2 * seasons[-1], 2 * horizon, 24, more), LONGEST_CONTEXT)
    return max(1, min(wanted, max(longest - horizon, 1), max(longest // 2, seasons[-1] + 1)))


def segment_length(context: int, season_length: int) -> int:
    """One observation a step for short contexts; for long ones a season, or about 32 steps."""
    if context <= 64:
        return 1
    if 1 < season_length <= context // 4:
        return season_length
    return max(1, round(context / 32))


def reference(season_length: int, lengths: np.ndarray, *, smoothable: bool, n_seasons: int) -> str:
    """Correct smoothed forecasts of short series; else a mix of seasons, or the last value.

    Short are at most 1,000 steps and 200,000 rows in all. Smoothable are whole series (not single
    windows) of one column, without covariates that would tell more. A mix takes a context of two
    seasons or more.
    """
    short = lengths.max() <= 1000 and lengths.sum() <= 200_000
    if smoothable and short and season_length <= 52:
        return "smoothing"
    if season_length == 1:
        return "last"
    return "seasons" if n_seasons > 1 else "season"


def scale(reference: str | None) -> str:
    """Mean distance from the last value where forecasts are smoothed, else the deviation."""
    return "mean_absolute" if reference == "smoothing" else "deviation"


def architecture(segment_length: int, *, own_network: bool) -> str:
    """Encode and decode where a step reads a segment, else answer from the last state."""
    return "encoder_decoder" if segment_length > 1 and not own_network else "seq2vec"


def units(n_windows: int) -> int:
    """64 where 50,000 windows or more tell what to do with them, else 32."""
    return 64 if n_windows >= 50_000 else 32


def learning_rate() -> float:
    """0.003 for an optimizer given by name, an object's own rate."""
    return 0.003


def batch_size(n_windows: int) -> int:
    """About 16 steps per pass, between 16 and 128 windows a batch."""
    return int(np.clip(2 ** round(np.log2(max(n_windows / 16, 1))), 16, 128))


def max_epochs(
    n_windows: int, batch: int, horizon: int, reference: str | None, *, spread: bool
) -> int:
    """As many passes as make one step for each horizon of its own, from 400 to about 4,000.

    Windows overlap: their number over the horizon says how much there is to learn. Half as many
    steps correct smoothed forecasts, which leave less to learn. Of little data the spread of a
    distribution is learned by heart sooner than its middle: 200 steps are enough.
    """
    n_steps = n_windows / horizon / (2 if reference == "smoothing" else 1)
    n_steps = np.clip(n_steps, _FEWEST / 2 if spread else _FEWEST, _MOST)
    return max(1, round(n_steps / max(1, n_windows / batch)))
