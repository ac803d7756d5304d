"""How far to trust a network that corrects forecasts which are good already."""

from __future__ import annotations

import numpy as np

# Share of the error that a network seems to explain in training and does not explain later.
_ILLUSION = 0.05


def network_share(errors: np.ndarray, reference_errors: np.ndarray) -> float:
    """Share of a network's correction to keep, from 0 to 1.

    A correction that explains much of the reference's error in training is kept whole; one that
    explains a twentieth, which chance and changing times do as well, is kept by half. Combined
    forecasts then stay near the better one; source of the idea: Bates and Granger (1969), The
    combination of forecasts, Operational Research Quarterly 20(4).

    Parameters
    ----------
    errors, reference_errors : ndarray of the same shape
        Absolute errors on training windows, with the correction and without, in scaled units.

    Examples
    --------
    >>> network_share(np.array([0.4, 0.6]), np.array([1.0, 1.0])).__round__(2)
    0.95
    >>> network_share(np.array([1.2]), np.array([1.0]))
    0.0
    """
    without = float(reference_errors.mean())
    explained = max(0.0, 1.0 - float(errors.mean()) / without) if without > 0 else 0.0
    return explained / (explained + _ILLUSION * (1.0 - explained)) if explained > 0 else 0.0
