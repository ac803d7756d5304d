"""Progress bars: on standard error, where there is one."""

import subprocess
import sys

import numpy as np
import pytest

from tsrnn import GRUForecaster
from tsrnn.progress import progress_bar

SERVICE = """
import numpy as np
from tsrnn import GRUForecaster
from tsrnn.model_selection import RollingOriginSplit, backtest
model = GRUForecaster(horizon=2, units=2, max_epochs=1, random_state=0)
backtest(model, np.sin(np.arange(40.0)), cv=RollingOriginSplit(2, horizon=2), verbose=True)
print(model.fit(np.sin(np.arange(40.0))).predict().shape)
"""


@pytest.mark.parametrize(("show", "shown"), [(True, True), (None, False), (False, False)])
def test_a_bar_is_shown_on_a_terminal_or_when_asked_for(show, shown, capsys):
    list(progress_bar(show, iterable=range(3), desc="counting"))
    assert ("counting" in capsys.readouterr().err) == shown


def test_training_shows_its_epochs_when_asked_to(capfd):
    model = GRUForecaster(horizon=2, units=2, max_epochs=2, verbose=True, random_state=0)
    model.fit(np.sin(np.arange(40.0)))
    assert "training" in capfd.readouterr().err


def test_a_process_without_standard_error_fits_and_backtests():
    command = 'exec "$0" -c "$1" 2>&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, SERVICE], stdout=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stdout) == (0, "(2,)\n")
