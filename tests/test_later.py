"""A module that is imported later: not at all, or when something in it is asked for."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from joblib import wrap_non_picklable_objects

from tsrnn.later import later


@pytest.fixture(autouse=True)
def _not_yet_imported(monkeypatch):
    for name in ("colorsys", "wave"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_an_import_within_does_nothing_until_something_is_asked_for():
    with later("colorsys"):
        import colorsys

        place = colorsys
        assert "rgb_to_hsv" not in vars(place)
    assert "colorsys" not in sys.modules
    assert place.rgb_to_hsv(0.0, 0.0, 1.0) == (2 / 3, 1.0, 1.0)
    assert sys.modules["colorsys"] is not place
    assert sys.modules["colorsys"].rgb_to_hsv is place.rgb_to_hsv


def test_its_names_can_be_listed():
    with later("colorsys", "wave"):
        import colorsys
        import wave
    assert "rgb_to_hsv" in dir(colorsys)
    assert "wave" not in sys.modules
    assert "Wave_read" in dir(wave)


def test_once_asked_it_holds_what_the_module_holds():
    with later("colorsys"):
        import colorsys as place
    assert callable(place.rgb_to_hsv)
    assert vars(place) == vars(sys.modules["colorsys"])


@pytest.mark.parametrize("asked", [False, True])
def test_in_another_process_it_is_the_module(asked):
    with later("colorsys"):
        import colorsys as place
    if asked:
        assert place.rgb_to_hsv
    again = pickle.loads(pickle.dumps(place))
    by_joblib = pickle.loads(pickle.dumps(wrap_non_picklable_objects(lambda: place)))
    assert again is by_joblib() is sys.modules["colorsys"]


def test_threads_may_ask_at_once():
    with later("colorsys"):
        import colorsys as place
    start = Barrier(8)

    def ask(_):
        start.wait()
        return place.rgb_to_hsv

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {sys.modules["colorsys"].rgb_to_hsv}


def test_what_is_asked_for_within_is_the_modules_own():
    with later("colorsys"):
        from colorsys import rgb_to_hsv
    import colorsys

    assert colorsys.rgb_to_hsv is rgb_to_hsv
    with pytest.raises(ImportError, match="nothing_of_this_name"), later("colorsys"):
        from colorsys import nothing_of_this_name  # noqa: F401


def test_a_submodule_taken_from_its_parent_within_is_the_parents(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "wsgiref"]:
        monkeypatch.delitem(sys.modules, name)
    with later("wsgiref"):
        from wsgiref import util

        assert sys.modules["wsgiref"].util is util


def test_an_imported_module_stays():
    import colorsys

    with later("colorsys"):
        assert sys.modules["colorsys"] is colorsys
    assert sys.modules["colorsys"] is colorsys


def test_it_is_gone_after_an_error_within():
    with pytest.raises(ZeroDivisionError), later("colorsys"):
        1 / 0  # noqa: B018
    assert "colorsys" not in sys.modules
