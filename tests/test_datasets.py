"""Bundled data as published."""

import io
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import datasets


def test_airline_is_series_g():
    airline = datasets.load_airline()
    assert airline.shape == (144,) and airline.name == "passengers" and airline.dtype == float
    assert airline.index.freqstr == "MS" and airline.index.name == "time"
    assert airline.index[0] == pd.Timestamp("1949-01-01")
    assert airline.index[-1] == pd.Timestamp("1960-12-01")
    assert airline.sum() == 40363
    first = [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118]
    last = [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432]
    assert airline.loc["1949"].tolist() == first and airline.loc["1960"].tolist() == last


def test_sunspots():
    sunspots = datasets.load_sunspots()
    assert sunspots.shape == (309,) and sunspots.name == "sunspots" and sunspots.dtype == float
    assert sunspots.index.freq == pd.tseries.frequencies.to_offset("YS")
    assert (sunspots.index[0].year, sunspots.index[-1].year) == (1700, 2008)
    assert sunspots.iloc[[0, 257, -1]].tolist() == [5.0, 190.2, 2.9]
    assert sunspots.notna().all()


def test_weekly_co2_keeps_its_gaps():
    co2 = datasets.load_co2()
    assert co2.shape == (2284,) and co2.name == "co2" and co2.dtype == float
    assert co2.index.freqstr == "W-SAT"
    assert co2.isna().sum() == 59
    assert co2.isna()["1958-05-10"] and co2["1958-03-29"] == 316.1 and co2["2001-12-29"] == 371.5


def test_monthly_co2_averages_weeks_and_fills_empty_months():
    weekly, monthly = datasets.load_co2(), datasets.load_co2(frequency="Monthly")
    assert monthly.shape == (526,) and monthly.index.freqstr == "MS" and monthly.notna().all()
    assert monthly["1990-07-01"] == pytest.approx(weekly.loc["1990-07"].mean())
    assert weekly.loc["1958-06"].isna().all()
    halfway = (monthly["1958-05-01"] + monthly["1958-07-01"]) / 2
    assert monthly["1958-06-01"] == pytest.approx(halfway)


def test_co2_frequency_unknown():
    with pytest.raises(ValueError, match="frequency='daily' is not known; use one of 'weekly'"):
        datasets.load_co2("daily")


def test_macro():
    macro = datasets.load_macro()
    assert macro.shape == (203, 12) and macro.notna().all(axis=None)
    assert set(macro.dtypes) == {np.dtype(float)}
    assert macro.index.freq == pd.tseries.frequencies.to_offset("QS")
    assert macro.index[0] == pd.Timestamp("1959-01-01")
    assert macro.loc["1959-01-01", "realgdp"] == 2710.349
    assert macro.loc["2009-07-01", "cpi"] == 216.385
    # infl is derived from cpi, so it checks that rows and columns are in line
    derived = 400 * np.log(macro["cpi"]).diff().iloc[1:]
    assert np.abs(derived - macro["infl"].iloc[1:]).max() < 0.05


def test_grunfeld_is_a_balanced_panel():
    panel = datasets.load_grunfeld()
    assert panel.shape == (220, 3) and set(panel.dtypes) == {np.dtype(float)}
    assert list(panel.columns) == ["invest", "value", "capital"]
    assert panel.index.names == ["series", "time"] and panel.index.is_monotonic_increasing
    assert (panel.groupby(level="series").size() == 20).all()
    assert panel.index.levels[1].freq == pd.tseries.frequencies.to_offset("YS")
    first = panel.loc[("General Motors", pd.Timestamp("1935-01-01"))]
    assert first.tolist() == [317.6, 3078.5, 2.8]


def test_grunfeld_index_follows_the_rows_of_its_file():
    text = datasets._bundled_text("grunfeld.csv")
    rows = pd.read_csv(io.StringIO(text), parse_dates=["time"]).set_index(["series", "time"])
    pd.testing.assert_frame_equal(datasets.load_grunfeld(), rows, check_freq=False)


def test_loaders_return_a_fresh_copy():
    airline = datasets.load_airline()
    airline.iloc[:] = 0
    assert datasets.load_airline().sum() == 40363


def test_installed_data_comes_before_the_folder_beside_the_package(tmp_path, monkeypatch):
    rows = "time,passengers\n2020-01-01,7\n2020-02-01,8\n"
    (tmp_path / "airline_passengers.csv").write_text(rows)
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    assert datasets.load_airline().tolist() == [7.0, 8.0]


@pytest.mark.parametrize("error", [ModuleNotFoundError, NotADirectoryError])
def test_checkout_reads_the_folder_beside_the_package(monkeypatch, error):
    if not (Path(datasets.__file__).parents[1] / "datasets").is_dir():
        pytest.skip("not run from a checkout")

    def not_installed(package):
        raise error(package)

    monkeypatch.setattr(resources, "files", not_installed)
    assert datasets.load_sunspots().shape == (309,)


def test_missing_bundled_file_says_reinstall(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(datasets, "__file__", str(tmp_path / "tsrnn" / "datasets.py"))
    with pytest.raises(FileNotFoundError, match=r"'macro\.csv' is missing .* install the package"):
        datasets.load_macro()


def test_all_is_complete():
    assert datasets.__all__ == sorted(datasets.__all__)
    assert all(hasattr(datasets, name) for name in datasets.__all__)
