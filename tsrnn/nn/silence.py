"""Keep what compiled libraries say as they start off the terminal."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_one_at_a_time = threading.RLock()


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Send what compiled libraries write to standard error nowhere.

    TensorFlow and XLA tell of missing GPU drivers and of their first program whatever the log
    level is. A user who has set TF_CPP_MIN_LOG_LEVEL to 0 keeps every word; where nothing is
    set, it becomes 3. A process without a standard error, such as a service, is left as it is.
    """
    says_all = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0"
    if says_all or not _has_standard_error():
        yield
        return
    with _one_at_a_time:
        sys.stderr.flush()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _has_standard_error() -> bool:
    if sys.stderr is None or sys.stderr.closed:
        return False
    try:
        os.fstat(2)
    except OSError:
        return False
    return True
