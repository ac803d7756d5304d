"""Fetchers and their cache, against a local server that speaks the real formats."""

import hashlib
import http.server
import io
import shutil
import socket
import threading
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import cache, datasets

# --- a server with the real formats -----------------------------------------------------

LENGTHS = {"H1": 5, "H2": 3, "H10": 7}  # in an order that is not the alphabetical one


def m4_csv(rows):
    """Quoted cells, a header V1..Vn, and rows padded with empty cells to the longest."""
    width = 1 + max(map(len, rows.values()))
    lines = [",".join(f'"V{i + 1}"' for i in range(width))]
    for name, values in rows.items():
        cells = [f'"{name}"', *(f'"{value}"' for value in values)]
        lines.append(",".join(cells + [""] * (width - len(cells))))
    return ("\n".join(lines) + "\n").encode()


def tsf_zip(text, member="m3_dataset.tsf"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, text.encode("cp1252"))
    return buffer.getvalue()


TSF_HEADER = """# Dataset Information
# Monthly series \u2013 the M3 competition
#
@relation M3
@attribute series_name string
{start}@frequency monthly
@horizon 18
@missing false
@equallength false
@data
"""
TSF_START = "@attribute start_timestamp date\n"


def commas(values):
    return ",".join(map(str, values))


TRAIN = m4_csv({name: [600 + i for i in range(n)] for name, n in LENGTHS.items()})
TEST = m4_csv({name: [0.5 * i for i in range(48)] for name in LENGTHS})
M3_MONTHLY = tsf_zip(
    TSF_HEADER.format(start=TSF_START)
    + f"T1:1990-01-01 00-00-00:{commas(range(30))}\n"
    + f"T2:1991-06-01 00-00-00:-5.25,?,{commas(range(18))}\n"
)
M3_OTHER = tsf_zip(TSF_HEADER.format(start="") + f"T1:{commas(range(12))}\n")
ETT = (
    b"date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT\n"
    b"2016-07-01 00:00:00,5.827000141143799,2.0,1.6,0.46,4.2,1.34,30.531\n"
    b"2016-07-01 01:00:00,5.692999839782715,2.1,1.5,0.43,4.1,1.37,27.787\n"
    b"2016-07-01 02:00:00,5,2,1,0,4,1,27\n"
)
FILES = {
    "/Train/Hourly-train.csv": TRAIN,
    "/Test/Hourly-test.csv": TEST,
    "/4656298/files/m3_monthly_dataset.zip": M3_MONTHLY,
    "/4656335/files/m3_other_dataset.zip": M3_OTHER,
    "/ETTh1.csv": ETT,
}


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` and remembers what was asked for; `missing` bytes are kept back."""

    daemon_threads = False  # joined when the server closes, so that no socket is left open

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.requests, self.missing, self.announce = dict(FILES), [], 0, True
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        body = self.server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        if self.server.announce:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - self.server.missing])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch_ett(server, tmp_path):
    """fetch_ett from the local server into a folder that does not exist yet."""

    def fetch(name="ETTh1", **options):
        return datasets.fetch_ett(
            name, **{"data_home": tmp_path / "home", "base_url": server.url, **options}
        )

    return fetch


def leftovers(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# --- what is fetched --------------------------------------------------------------------


def test_m4(server, tmp_path):
    m4 = datasets.fetch_m4("hourly", data_home=tmp_path, base_url=server.url + "/")
    assert (m4.name, m4.frequency, m4.horizon, m4.season_length) == ("M4", "Hourly", 48, 24)
    assert list(m4.train.columns) == ["y"] and m4.train["y"].dtype == float
    assert m4.train.index.names == ["series", "time"]
    sizes = m4.train.groupby(level="series", sort=False).size()
    assert sizes.to_dict() == LENGTHS and list(sizes.index) == list(LENGTHS)
    assert m4.train.loc["H2", "y"].to_dict() == {0: 600.0, 1: 601.0, 2: 602.0}
    assert m4.train.loc[("H10", 6), "y"] == 606.0
    assert m4.test.shape == (144, 1)
    assert m4.test.loc["H2"].index.tolist() == list(range(3, 51))
    assert m4.test.loc[("H2", 4), "y"] == 0.5


def test_competition_is_frozen_with_a_short_repr(server, tmp_path):
    m4 = datasets.fetch_m4(data_home=tmp_path, base_url=server.url)
    assert repr(m4).endswith("(name='M4', frequency='Hourly', horizon=48, season_length=24)")
    with pytest.raises(AttributeError):
        m4.horizon = 1


def test_m4_rows_padded_with_na(server, tmp_path):
    server.files["/Train/Hourly-train.csv"] = TRAIN.replace(b",,", b",NA,").replace(b",,", b",NA,")
    m4 = datasets.fetch_m4(data_home=tmp_path, base_url=server.url)
    assert m4.train.groupby(level="series").size().to_dict() == LENGTHS


def test_m3_monthly_splits_the_last_horizon(server, tmp_path):
    m3 = datasets.fetch_m3("Monthly", data_home=tmp_path, base_url=server.url)
    assert (m3.name, m3.frequency, m3.horizon, m3.season_length) == ("M3", "Monthly", 18, 12)
    assert m3.train.loc["T1", "y"].tolist() == list(range(12))
    assert m3.test.loc["T1", "y"].to_dict() == {i: float(i) for i in range(12, 30)}
    np.testing.assert_array_equal(m3.train.loc["T2", "y"], [-5.25, np.nan])


def test_m3_other_has_no_start_dates(server, tmp_path):
    m3 = datasets.fetch_m3("Other", data_home=tmp_path, base_url=server.url)
    assert (m3.horizon, m3.season_length) == (8, 1)
    assert m3.train.loc["T1", "y"].tolist() == [0, 1, 2, 3]


def test_ett(fetch_ett):
    ett = fetch_ett()
    assert ett.shape == (3, 7) and set(ett.dtypes) == {np.dtype(float)}
    assert ett.index.freqstr == "h" and ett.index.name == "time"
    assert ett["HUFL"].iloc[0] == 5.827000141143799 and ett["OT"].iloc[-1] == 27.0


@pytest.mark.parametrize("fetch", [datasets.fetch_m4, datasets.fetch_m3])
def test_unknown_frequency(fetch):
    with pytest.raises(ValueError, match="frequency='Minutely' is not known; use one of '.*'Year"):
        fetch("Minutely")


def test_unknown_ett():
    with pytest.raises(ValueError, match="name=None is not known; use one of 'ETTh1', 'ETTh2'"):
        datasets.fetch_ett(None)


# --- the cache --------------------------------------------------------------------------


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_DATA", str(tmp_path))
    assert datasets.get_data_home() == tmp_path
    assert datasets.get_data_home("~/here") == Path.home() / "here"
    monkeypatch.delenv("TSRNN_DATA")
    assert datasets.get_data_home() == Path.home() / ".cache" / "tsrnn"


def test_second_read_asks_nobody(server, fetch_ett, tmp_path):
    first = fetch_ett()
    second = fetch_ett(base_url="http://127.0.0.1:1")
    pd.testing.assert_frame_equal(first, second)
    assert server.requests == ["/ETTh1.csv"]
    assert leftovers(tmp_path) == ["ETTh1.csv", "ETTh1.csv.sha256"]
    record = (tmp_path / "home" / "ett" / "ETTh1.csv.sha256").read_text()
    assert record == f"{hashlib.sha256(ETT).hexdigest()}  ETTh1.csv\n"


def test_environment_names_the_cache(server, monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_DATA", str(tmp_path))
    datasets.fetch_m3("Other", base_url=server.url)
    assert (tmp_path / "m3" / "m3_other_dataset.zip").exists()


@pytest.mark.parametrize("damage", [ETT[:-20], ETT.replace(b"30.5", b"31.5"), b""])
def test_changed_cache_file(fetch_ett, tmp_path, damage):
    fetch_ett()
    cached = tmp_path / "home" / "ett" / "ETTh1.csv"
    cached.write_bytes(damage)
    with pytest.raises(OSError, match=r"ETTh1\.csv was changed or cut short.* Delete both"):
        fetch_ett()
    cached.unlink()  # with the record left behind, the remedy still works
    assert fetch_ett().shape == (3, 7)


def test_file_placed_by_hand_is_recorded(fetch_ett, server, tmp_path):
    folder = tmp_path / "home" / "ett"
    folder.mkdir(parents=True)
    (folder / "ETTh1.csv").write_bytes(ETT)
    assert fetch_ett().shape == (3, 7) and server.requests == []
    assert (folder / "ETTh1.csv.sha256").exists()


def test_read_only_folder_with_a_file_placed_by_hand(fetch_ett, tmp_path, monkeypatch):
    fetch_ett()
    (tmp_path / "home" / "ett" / "ETTh1.csv.sha256").unlink()

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(cache, "_replacing", refuse)
    assert fetch_ett().shape == (3, 7)


@pytest.mark.parametrize("kept_back", [1, len(ETT)])
def test_truncated_download_leaves_nothing(server, fetch_ett, tmp_path, kept_back):
    server.missing = kept_back
    with pytest.raises(ConnectionError, match=r"cannot download http://.*/ETTh1\.csv \("):
        fetch_ett()
    assert leftovers(tmp_path) == []
    server.missing = 0
    assert fetch_ett().shape == (3, 7)


def test_server_that_announces_no_length(server, fetch_ett):
    server.announce = False
    assert fetch_ett().shape == (3, 7)


def test_offline_says_what_to_place_where(fetch_ett, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ConnectionError) as caught:
        fetch_ett(base_url=closed)
    message = str(caught.value)
    assert f"{closed}/ETTh1.csv" in message
    assert f"place it as ETTh1.csv in the folder {tmp_path / 'home' / 'ett'}" in message
    assert leftovers(tmp_path) == []


def test_silent_server_times_out(fetch_ett):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ConnectionError, match="timed out"):
            fetch_ett(base_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)


def test_file_that_the_server_does_not_have(fetch_ett):
    with pytest.raises(ConnectionError, match="HTTP Error 404"):
        fetch_ett("ETTm2")


def test_local_mirror(tmp_path):
    (tmp_path / "ETTh1.csv").write_bytes(ETT)
    home = tmp_path / "home"
    assert datasets.fetch_ett(base_url=tmp_path.as_uri(), data_home=home).shape == (3, 7)


def test_error_of_the_disk_is_not_called_an_error_of_the_network(fetch_ett, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises((NotADirectoryError, FileExistsError)):
        fetch_ett()


# --- pinned sums ------------------------------------------------------------------------


def test_pinned_sum_that_fits(fetch_ett):
    pin = hashlib.sha256(ETT).hexdigest()
    assert fetch_ett(sha256=pin.upper()).shape == (3, 7)
    assert fetch_ett(sha256={"ETTh1.csv": pin}).shape == (3, 7)


def test_pinned_sum_that_does_not_fit(fetch_ett, tmp_path):
    with pytest.raises(OSError, match=r"SHA-256 of .*ETTh1\.csv is [0-9a-f]{64}, not 0{64}"):
        fetch_ett(sha256="0" * 64)
    assert leftovers(tmp_path) == []
    fetch_ett()
    with pytest.raises(OSError, match="as sha256 asks; correct sha256, or delete"):
        fetch_ett(sha256="0" * 64)


def test_pin_of_one_of_two_files(server, tmp_path):
    wrong = {"Hourly-test.csv": "0" * 64}
    with pytest.raises(OSError, match=r"Hourly-test\.csv is"):
        datasets.fetch_m4(data_home=tmp_path, base_url=server.url, sha256=wrong)
    right = {"Hourly-test.csv": hashlib.sha256(TEST).hexdigest()}
    datasets.fetch_m4(data_home=tmp_path, base_url=server.url, sha256=right)


@pytest.mark.parametrize(
    ("sha256", "message"),
    [
        ("0" * 64, "is one sum for 2 files; use a dict"),
        ({"Train.csv": "0" * 64}, "unknown file 'Train.csv'; the files are .'Hourly-train.csv'"),
        ({"Hourly-test.csv": "abc"}, "'abc' for Hourly-test.csv is not a sum of 64"),
    ],
)
def test_malformed_pins(sha256, message):
    with pytest.raises(ValueError, match=message):
        datasets.fetch_m4(sha256=sha256)


# --- files that hold something else -----------------------------------------------------

LOGIN_PAGE = b"<!DOCTYPE html>\n<html>Please sign in, colon: here, comma</html>\n"


@pytest.mark.parametrize(
    "body",
    [
        LOGIN_PAGE,
        b"",
        ETT.replace(b"01:00:00", b"01:30:00"),
        ETT.replace(b"27.787", b"warm"),
        ETT.replace(b"date,", b"when,"),
    ],
    ids=["login", "empty", "irregular", "text", "columns"],
)
def test_ett_that_is_something_else(server, fetch_ett, body):
    server.files["/ETTh1.csv"] = body
    with pytest.raises(OSError, match=r"ETTh1\.csv does not hold the data it should .*; delete it"):
        fetch_ett()


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (LOGIN_PAGE, "does not hold"),
        (b"", "it has no series"),
        (TRAIN + b'"H1","1"\n', "series 'H1' appears twice"),
        (TRAIN.replace(b'"H2"', b'"H3"'), "name different series"),
        (m4_csv({"H1": [], "H2": [1], "H10": [2]}), "series 'H1' of M4 Hourly has 0 train"),
    ],
    ids=["login", "empty", "twice", "other names", "no values"],
)
def test_m4_that_is_something_else(server, tmp_path, train, message):
    server.files["/Train/Hourly-train.csv"] = train
    with pytest.raises(OSError, match=message):
        datasets.fetch_m4(data_home=tmp_path, base_url=server.url)


def test_m4_test_rows_cut_short(server, tmp_path):
    server.files["/Test/Hourly-test.csv"] = m4_csv({name: range(47) for name in LENGTHS})
    with pytest.raises(OSError, match="47 test values, expected at least 1 and 48"):
        datasets.fetch_m4(data_home=tmp_path, base_url=server.url)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (LOGIN_PAGE, "not a zip file"),
        (M3_OTHER[:60], "not a zip file"),
        (tsf_zip("text", "readme.txt"), r"expected one \.tsf file inside, found \['readme"),
        (tsf_zip(TSF_HEADER.format(start="")), "it has no series"),
        (tsf_zip(TSF_HEADER.format(start=TSF_START) + "T1:1,2,3\n"), "not have 2 attributes"),
        (tsf_zip(TSF_HEADER.format(start="") + "T1:1,2,3,4,5,6,7,8\n"), "'T1' of M3 Other has 0"),
    ],
    ids=["login", "cut", "no tsf", "no series", "attributes", "short"],
)
def test_m3_that_is_something_else(server, tmp_path, body, message):
    server.files["/4656335/files/m3_other_dataset.zip"] = body
    with pytest.raises(OSError, match=message):
        datasets.fetch_m3("Other", data_home=tmp_path, base_url=server.url)


def test_two_threads_fetch_the_same_file(fetch_ett, tmp_path):
    shapes = []
    threads = [threading.Thread(target=lambda: shapes.append(fetch_ett().shape)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(3, 7)] * 4
    assert leftovers(tmp_path) == ["ETTh1.csv", "ETTh1.csv.sha256"]
    shutil.rmtree(tmp_path / "home")
