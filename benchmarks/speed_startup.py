"""How long a user waits: imports, the first fit and forecast of a process, the next ones."""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import Namespace
from functools import partial

from speed_measure import (
    in_new_process,
    interleaved,
    interleaved_processes,
    print_head,
    print_row,
    seconds,
)

NOTHING = "pass"
IMPORTS = ("import numpy, pandas", "import tsrnn", "from tsrnn import LSTMForecaster")


def startup(options: Namespace) -> None:
    """Print one line per measurement, each of fresh processes."""
    starts = {code: partial(_start, code) for code in (NOTHING, *IMPORTS)}
    imports = interleaved(starts, options.repeats)
    bare = imports.pop(NOTHING)
    print_head("what", "seconds")
    for code, time_of in imports.items():
        print_row(f"`{code}`", time_of - bare)
    waits = interleaved_processes({"tsrnn": _first_fits}, options.repeats)["tsrnn"]
    print_row("start of Python to the first fitted model, of one epoch", waits["fitted"])
    print_row("start of Python to the first forecast", waits["forecast"])
    print_row("second fit and forecast of the same network", waits["second"])
    print_row("second fit, before its first training step", waits["overhead"])


def _start(code: str) -> float:
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def _first_fits() -> dict[str, float]:
    return in_new_process(fit_twice, started=time.time())


def fit_twice(started: float) -> dict[str, float]:
    """Fit and forecast, then again with other data and a hook on the first training step."""
    import numpy as np

    from tsrnn import LSTMForecaster

    wave = np.sin(np.arange(200) / 3)
    forecaster = LSTMForecaster(horizon=12, max_epochs=1, random_state=0).fit(wave)
    fitted = time.time()
    forecaster.predict()
    forecast = time.time()

    import keras

    steps: list[float] = []
    hook = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: steps.append(time.time())
    )
    again = LSTMForecaster(horizon=12, max_epochs=1, callbacks=[hook], random_state=1)
    start = time.time()
    again.fit(wave[:180]).predict()
    return {
        "fitted": fitted - started,
        "forecast": forecast - started,
        "second": time.time() - start,
        "overhead": steps[0] - start,
    }
