"""BacktestResult.to_html: structure, names, choice, size, and a look by a browser."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from chromium import BROWSER, Chromium
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tsrnn import Alarm, CheckReport, Naive, RollingOriginSplit, SeasonalNaive, backtest
from tsrnn.plotting_style import positions, time_axis
from tsrnn.report_choice import choose_folds, choose_lines
from tsrnn.report_parts import number

EVIL = "<script>alert(1)</script>"
LEVELS = [0.1, 0.5, 0.9]
VOID = {"meta", "link"}
SECTIONS = ["leaderboard", "forecasts", "horizon", "cutoff", "calibration", "training", "alarms"]


class Banded(Naive):
    """Naive with quantiles a unit apart."""

    def predict_quantiles(self, X=None, quantiles=(0.1, 0.5, 0.9)):
        raise AssertionError("predict_quantiles_at is there to be asked")

    def predict_quantiles_at(self, X, cutoffs, y=None, *, quantiles=(), n_steps=None):
        point = self.predict_at(X, cutoffs, y, n_steps=n_steps)
        return pd.DataFrame({(t, q): point[t] + 10 * (q - 0.5) for t in point for q in quantiles})


class Page(HTMLParser):
    """What a page is made of; refuses tags that are not balanced."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.links, self.words = [], [], [], [], []
        self.attributes = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def read(result, path, **options):
    result.to_html(path, **options)
    text = path.read_text(encoding="utf-8")
    return Page(text), text


def wave(n=60, name="sales"):
    values = 20 + 5 * np.sin(np.arange(n)) + np.random.default_rng(0).normal(size=n)
    index = pd.date_range("2024-01-01", periods=n, freq="D", name="day")
    return pd.Series(values, index, name=name)


LOSSES = pd.DataFrame(
    {
        "model": "banded",
        "cutoff": [1] * 3 + [2] * 3,
        "member": 0,
        "epoch": [0, 1, 2] * 2,
        "kept": [False, False, True] * 2,
        "loss": [3.0, 2, 1] * 2,
        "val_loss": [3.5, 2.5, 2] * 2,
    }
)
ALARMS = CheckReport(
    [
        Alarm("shifted copy", False, 0.1, 0.5, "nothing to do"),
        Alarm("over-fitting", True, 3.0, 1.5, f"{EVIL} raise dropout"),
    ]
)


@pytest.fixture(scope="module")
def full():
    """Everything that a report can show, with names that want to do harm."""
    models = {"banded": Banded(3), EVIL: Naive(3), '" onload="x': SeasonalNaive(3, season_length=7)}
    X = wave(name=f"sales {EVIL}")
    result = backtest(models, X, cv=RollingOriginSplit(4, horizon=3), quantiles=LEVELS)
    return replace(result, losses=pd.concat([LOSSES, LOSSES.assign(model=EVIL)]))


@pytest.fixture(scope="module")
def written(full, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    page, text = read(full, path, title=f"Report {EVIL}", alarms={EVIL: ALARMS})
    return path, page, text


def test_all_sections_are_there(written):
    _, page, _ = written
    assert [key for key in page.ids if key in SECTIONS] == SECTIONS
    assert page.tags.count("section") == 7
    assert {f"#{key}" for key in SECTIONS} <= set(page.links)
    assert page.tags.count("h1") == 1 and page.tags.count("h2") == 7
    # forecasts, 2 x (mae, wql), calibration and 2 x training
    assert page.tags.count("figure") == page.tags.count("svg") == 8
    assert page.tags.count("table") == 3


def test_nothing_comes_from_elsewhere(written):
    _, page, text = written
    assert all(link.startswith("#") or link == "data:," for link in page.links)
    assert not {"script", "iframe", "img", "object"} & set(page.tags)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "@import" not in text and "http:" not in text and "https:" not in text
    assert all(found == "#" for found in re.findall(r"url\(['\"]?(.)", text))
    contents = [value for name, value in page.attributes if name == "content"]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in contents


def test_references_within_the_page_are_met(written):
    _, page, text = written
    assert len(page.ids) == len(set(page.ids))
    used = [link[1:] for link in page.links if link.startswith("#")]
    assert set(used + re.findall(r"url\(#([^)]+)\)", text)) <= set(page.ids)


def test_names_of_the_user_are_inert(written):
    _, page, text = written
    assert EVIL not in text
    assert page.text.count(EVIL) > 5
    labels = [value for name, value in page.attributes if name == "aria-label"]
    assert any('" onload="x' in label for label in labels)
    assert len(labels) >= 8 and all(labels)


def test_numbers_are_those_of_the_result(full, written):
    _, page, _ = written
    board = full.leaderboard()
    for value in board.loc["banded", ["mae", "wql", "crps", "coverage_80", "msis"]]:
        assert number(value) in page.text
    shares = full.calibration()["banded"]
    assert all(number(share) in page.text for share in shares)
    assert f"{EVIL}: 1 of 2 alarms fired" in page.text
    assert page.text.index("over-fitting") < page.text.index("shifted copy")


def test_the_same_result_makes_the_same_page_whatever_the_settings(full, written, tmp_path):
    _, _, text = written
    with plt.rc_context({"font.size": 31, "axes.facecolor": "red", "lines.linewidth": 9}):
        before = dict(plt.rcParams)
        options = {"title": f"Report {EVIL}", "alarms": {EVIL: ALARMS}}
        _, again = read(full, tmp_path / "again.html", **options)
        assert dict(plt.rcParams) == before
    assert again == text
    assert plt.get_fignums() == []


def test_sections_without_content_are_left_out(tmp_path):
    result = backtest(Naive(2), wave(), cv=RollingOriginSplit(1, horizon=2))
    page, text = read(result, tmp_path / "report.html")
    assert [key for key in page.ids if key in SECTIONS] == SECTIONS[:4]
    assert "<title>Backtest</title>" in text
    assert "quantile" not in page.text


@pytest.mark.parametrize(
    "X",
    [
        wave().to_numpy(),
        pd.DataFrame({"a": wave(), "日本 $x_1$": -wave(), "_c\x01": wave() ** 2}),
        wave().set_axis(pd.period_range("2020-01", periods=60, freq="M")),
        wave().where(np.arange(60) != 57),
        wave() * 0 + 7,
    ],
    ids=["array", "targets", "periods", "missing", "constant"],
)
def test_other_data(X, tmp_path):
    cv = RollingOriginSplit(12, horizon=2, step=1)
    page, _ = read(backtest(Banded(2), X, cv=cv, quantiles=LEVELS), tmp_path / "report.html")
    assert "6 of 12 cutoffs" in page.text
    assert page.tags.count("figure") >= 4


def test_the_best_is_said_rightly(full, written, tmp_path):
    _, page, _ = written
    rule = (
        "Best is the greatest skill, the coverage nearest to the percentage in its name and the s"
    )
    assert rule in page.text and "bias" not in page.text
    metrics = {"bias": None, "coverage_mine": lambda y_true, y_pred: 4.5}
    X = pd.Series([1.0, 2, 4, 8, 16, 32], name="users")
    models = {"one": Naive(1), "two": SeasonalNaive(1, season_length=2)}
    result = backtest(models, X, cv=RollingOriginSplit(2, horizon=1), metrics=metrics)
    page, _ = read(result, tmp_path / "bias.html")
    assert "Best is the greatest skill, the bias nearest to 0 and the smallest v" in page.text


def test_only_finite_values_are_best(tmp_path):
    X = pd.Series([5.0] * 7 + [6, 5], name="y")
    models = {"naive": Naive(1), "seasonal": SeasonalNaive(1, season_length=2)}
    infinite = {"own": lambda y_true, y_pred: -np.inf if y_pred[-1] == 6 else 1.0}
    result = backtest(models, X, cv=RollingOriginSplit(2, horizon=1), metrics=infinite)
    assert np.isinf(result.leaderboard()["own"]).sum() == 1
    _, text = read(result, tmp_path / "report.html")
    assert '<td class="best">1</td>' in text and '"best">-∞' not in text


@pytest.mark.parametrize("n", [5, 12, 18, 24, 40, 90])
def test_labels_of_dates_do_not_overlap(n):
    index = pd.date_range("2024-02-20", periods=n, freq="D")
    figure = Figure(figsize=(4.3, 2.6))
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    ax.plot(positions(index), np.arange(n))
    time_axis(ax, index)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
    assert len(boxes) > 1
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


# What is drawn


@pytest.fixture(scope="module")
def large():
    """1,000 series, 5 models."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(1000), range(30)], names=["shop", "day"])
    X = pd.DataFrame({"sales": rng.gamma(2, size=30_000)}, index)
    models = {f"model {i}": Banded(7) for i in range(4)} | {"flat": SeasonalNaive(7)}
    cv = RollingOriginSplit(2, horizon=7)
    return backtest(models, X, cv=cv, quantiles=LEVELS, refit=False, metrics=["mae"])


def test_a_large_panel_is_not_drawn_whole(large, tmp_path):
    page, text = read(large, tmp_path / "report.html")
    assert len(text) < 2_000_000
    assert "Of 1,000 series and targets at most 6 are drawn: the first" in page.text
    assert "The 4 models that lead the leaderboard are drawn, of 5." in page.text
    leader = large.leaderboard().index[0]
    errors = large.by_series("mase")[leader]
    captions = re.findall(r"(\d+): all cutoffs. Drawn for ([^.]+)\.", page.text)
    drawn = {why: int(series) for series, why in captions}
    assert len(drawn) == 6
    assert drawn["the first of all"] == 0
    assert drawn["the smallest error"] == errors.idxmin()
    assert drawn["the largest error"] == errors.idxmax()
    assert (errors < errors[drawn["the median error"]]).mean() == pytest.approx(0.5, abs=0.001)


def test_few_lines_are_all_drawn():
    errors = pd.Series([1.0, 2], pd.MultiIndex.from_tuples([("a", "y"), ("b", "y")]))
    assert [line.reason for line in choose_lines(errors)] == ["", ""]


def test_lines_without_errors_are_not_ranked():
    index = pd.MultiIndex.from_product([range(8), ["y"]])
    errors = pd.Series([np.nan, np.inf, 3, np.nan, np.nan, np.nan, np.nan, np.nan], index)
    assert [line.series for line in choose_lines(errors)] == [0, 2]
    assert [line.series for line in choose_lines(errors * np.nan)] == [0]


@pytest.mark.parametrize(
    ("n_splits", "horizon", "step", "expected"),
    [(3, 2, 2, [0, 1, 2]), (5, 4, 2, [0, 2, 4]), (20, 1, 1, range(12, 20)), (3, 150, 150, [1, 2])],
)
def test_cutoffs_that_overlap_are_not_drawn(n_splits, horizon, step, expected):
    folds = [
        pd.DataFrame({"fold": i, "time": i * step + 1 + np.arange(horizon)})
        for i in range(n_splits)
    ]
    assert choose_folds(pd.concat(folds)) == list(expected)


# The file


def test_a_failed_report_leaves_the_old_file(full, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(TypeError, match="alarms: 'LSTM' is 3, not what check returns"):
        full.to_html(path, alarms={"LSTM": 3})
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        full.to_html(tmp_path / "none" / "report.html")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"title": 3}, "title=3 must be a str"),
        ({"path": 3}, "path=3 must be a path"),
        ({"alarms": ALARMS}, r"alarms is a single report; .*alarms=\{'banded': check\(forecaster"),
        ({"alarms": [ALARMS]}, "alarms is a list; name the model of each report"),
    ],
)
def test_bad_parameters_are_named(full, options, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        full.to_html(**{"path": tmp_path / "x.html", **options})


def test_a_single_report_of_alarms_and_the_home_folder(full, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    replace(full, losses=LOSSES).to_html("~/x.html", alarms=ALARMS)
    assert "banded: 1 of 2 alarms fired" in (tmp_path / "x.html").read_text(encoding="utf-8")


# The browser


@pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
def test_a_browser_shows_the_page_in_peace(written):
    path, _, _ = written
    with Chromium() as browser:
        for width in (375, 1200):
            browser.open(path.as_uri(), width)
            asked = [event["request"]["url"] for event in browser.of("Network.requestWillBeSent")]
            assert asked == [path.as_uri()]
            assert browser.of("Log.entryAdded", "Runtime.consoleAPICalled") == []
            assert browser.of("Runtime.exceptionThrown", "Page.javascriptDialogOpening") == []
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            assert browser.evaluate("document.title") == f"Report {EVIL}"
            narrow = "[...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect()"
            assert browser.evaluate(f"Math.min(...{narrow}.width))") > 250
            assert browser.evaluate(f"Math.max(...{narrow}.right))") <= width
            # the names of the models stay where they are when the numbers are scrolled
            box = "document.querySelector('#leaderboard .scroll')"
            first = f"{box}.querySelector('tbody th').getBoundingClientRect().left"
            before = browser.evaluate(first)
            browser.evaluate(f"{box}.scrollLeft = 200")
            assert browser.evaluate(first) == before
