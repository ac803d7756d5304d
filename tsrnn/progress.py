"""Progress bars of long work."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(show: bool | None, **params: Any) -> Any:
    """Make a bar of tqdm on standard error.

    Parameters
    ----------
    show : bool or None
        None shows it on a terminal only. Where there is no standard error, as in a service,
        nothing is shown.
    **params
        Of ``tqdm``.
    """
    hide = None if show is None else not show
    return tqdm(disable=True if sys.stderr is None else hide, **params)
