"""What an import costs: heavy libraries come with their first use, not before."""

import subprocess
import sys

import pytest

import tsrnn


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh Python."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def loaded_by(code: str) -> set[str]:
    """Modules that a fresh Python holds after `code`."""
    code += "; import sys; print(*sys.modules)"
    return set(run(code).stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"keras", "tensorflow", "matplotlib", "statsmodels", "sklearn", "pandas"}
    assert not heavy & loaded_by("import tsrnn")


def test_making_estimators_loads_neither_keras_nor_plots_nor_statsmodels():
    code = "from tsrnn import *; LSTMForecaster(), ETS(), SeasonalNaive(), ForecastDisplay"
    assert not {"keras", "tensorflow", "matplotlib", "statsmodels"} & loaded_by(code)


def test_a_forecaster_comes_without_pipelines_and_backtests():
    code = "from tsrnn import LSTMForecaster"
    assert not {"sklearn.pipeline", "tsrnn.backtest_result"} & loaded_by(code)


@pytest.mark.parametrize("name", [name for name in tsrnn.__all__ if name != "__version__"])
def test_every_public_name_is_there_and_documented(name):
    assert getattr(tsrnn, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'LSTM'"):
        tsrnn.LSTM  # noqa: B018


@pytest.mark.parametrize("compiled", [True, False])
def test_a_first_fit_writes_nothing_to_the_terminal(compiled):
    code = (
        "import numpy as np; from tsrnn import LSTMForecaster, planning; "
        f"planning.pays_to_compile = lambda *plan: {compiled}; "
        "LSTMForecaster(units=2, max_epochs=1).fit(np.arange(40.0)).predict()"
    )
    done = run(code)
    assert done.stdout == done.stderr == ""


def test_no_public_name_is_a_module():
    """A submodule, once imported, would take the place of what has its name."""
    code = (
        "import tsrnn, types; [getattr(tsrnn, n) for n in tsrnn.__all__]; "
        "print([n for n in tsrnn.__all__ if isinstance(getattr(tsrnn, n), types.ModuleType)])"
    )
    assert run(code).stdout.strip() == "[]"


def test_a_forecast_loads_no_statistics_of_scipy():
    code = (
        "import numpy as np; from tsrnn import LSTMForecaster; "
        "LSTMForecaster(units=2, max_epochs=1).fit(np.arange(40.0)).predict()"
    )
    assert "scipy.stats" not in loaded_by(code)


def test_scikit_learn_finds_the_statistics_of_scipy_that_it_came_without():
    # The function that scikit-learn imports them for.
    code = (
        "import sys, tsrnn; tsrnn.LSTMForecaster; from sklearn.utils.fixes import _mode; "
        "assert 'scipy.stats' not in sys.modules; print(_mode([1, 2, 2]).mode.item()); "
        "import scipy; assert sys.modules['scipy.stats'] is scipy.stats"
    )
    assert run(code).stdout.strip() == "2"


def test_a_forecast_loads_nothing_of_tensorflow_that_it_does_not_need():
    unused = {"tensorflow._api.v2.compat", "tensorflow._api.v2.profiler"}
    code = (
        "import numpy as np; from tsrnn import LSTMForecaster; "
        "LSTMForecaster(units=2, max_epochs=1).fit(np.arange(40.0)).predict(); "
        "import tensorflow"
    )
    assert not unused & loaded_by(code)


def test_what_tensorflow_came_without_is_there_when_it_is_asked_for():
    code = (
        "import sys; from tsrnn.nn import train; "
        "import tensorflow as tf; from tensorflow import compat; "
        "late = {f'tensorflow._api.v2.{name}' for name in ('compat', 'profiler')}; "
        "assert not late & set(sys.modules); import tensorflow.compat.v1 as v1; "
        "print(compat.v1.Session is tf.compat.v1.Session is v1.Session, "
        "tf.profiler.experimental.start.__name__, tf.lite.TFLiteConverter.__name__, "
        "tf.lite.TFLiteConverter.__name__, late <= set(sys.modules))"
    )
    converter = "TFLiteConverterV2"  # twice: loading it must not take the place of its name
    assert run(code).stdout.split() == ["True", "start", converter, converter, "True"]


def test_after_a_late_load_tensorflow_is_as_it_is_without_the_package():
    code = (
        "import tensorflow as tf; tf.compat.v1.Session, tf.profiler.experimental; "
        "print(sorted((n, getattr(getattr(tf, n), '__name__', '')) for n in dir(tf)))"
    )
    assert run("from tsrnn.nn import train; " + code).stdout == run(code).stdout


def test_a_tensorflow_that_is_there_already_is_left_as_it_is():
    code = (
        "import tensorflow as tf; compat = tf.compat; from tsrnn.nn import train; "
        "import sys; print(tf.compat is compat is sys.modules['tensorflow._api.v2.compat'])"
    )
    assert run(code).stdout.strip() == "True"
