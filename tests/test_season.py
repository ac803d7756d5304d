"""Seasons that follow from the step of time."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.season import resolve_season_length, season_length_of
from tsrnn.timegrid import TimeGrid


@pytest.mark.parametrize(
    ("freq", "season"),
    [
        *(("h", 24), ("2h", 12), ("30min", 48), ("15min", 96), ("90min", 16), ("min", 1440)),
        *(("5h", 1), ("7min", 1), ("48h", 1), ("24h", 7), ("D", 7), ("2D", 1), ("B", 5), ("2B", 1)),
        *(("W-SAT", 52), ("2W", 26), ("7D", 52), ("14D", 26), ("5W", 1), ("SME", 1)),
        *(("MS", 12), ("ME", 12), ("BMS", 12), ("BME", 12), ("WOM-3FRI", 12), ("2ME", 6)),
        *(("3MS", 4), ("5MS", 1), (pd.DateOffset(months=5), 1), ("12MS", 1), ("24MS", 1)),
        *(("QS-OCT", 4), ("QE", 4), ("BQE-NOV", 4), ("2QS", 2)),
        *(("YS", 1), ("YE-JUN", 1), ("BYS", 1)),
    ],
)
def test_of_timestamps(freq, season):
    assert season_length_of(TimeGrid.of(pd.date_range("2020", periods=9, freq=freq))) == season


@pytest.mark.parametrize(
    ("freq", "season"),
    [("M", 12), ("2M", 6), ("Q-NOV", 4), ("Y", 1), ("W", 52), ("D", 7), ("h", 24), ("15min", 96)],
)
def test_of_periods(freq, season):
    assert season_length_of(TimeGrid.of(pd.period_range("2020", periods=9, freq=freq))) == season


@pytest.mark.parametrize("freq", ["D", "h", "MS"])
def test_of_a_time_zone(freq):
    zoned = pd.date_range("2020", periods=9, freq=freq, tz="Europe/Berlin")
    naive = pd.date_range("2020", periods=9, freq=freq)
    assert season_length_of(TimeGrid.of(zoned)) == season_length_of(TimeGrid.of(naive))


@pytest.mark.parametrize("index", [pd.RangeIndex(9), pd.RangeIndex(0, 9, 3), pd.Index([7, 8])])
def test_integers_have_none(index):
    assert season_length_of(TimeGrid.of(index)) == 1


@pytest.mark.parametrize(
    ("asked", "season"),
    [("auto", 12), (7, 7), (np.int64(7), 7), ([24, 168], 24), ((168, 24), 24), (1, 1)],
)
def test_what_is_asked_for(asked, season):
    grid = TimeGrid.of(pd.date_range("2020", periods=9, freq="MS"))
    resolved = resolve_season_length(asked, grid)
    assert resolved == season
    assert type(resolved) is int


@pytest.mark.parametrize("asked", [0, -1, 2.0, None, True, "monthly", [], [12, 0], ["auto"]])
def test_what_cannot_be_one(asked):
    with pytest.raises(ValueError, match="season_length=.* must be 'auto', a whole number >= 1"):
        resolve_season_length(asked, TimeGrid(0, 1))
