"""What was chosen, and why."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from tsrnn import GRUForecaster, auto

SALES = pd.Series(np.sin(np.arange(60.0)), pd.period_range("2020", periods=60, freq="M"))


def test_every_parameter_that_may_be_auto_is_explained():
    forecaster = GRUForecaster(2).fit(SALES)
    choices = forecaster.explain()
    may_be_auto = {name for name, value in GRUForecaster().get_params().items() if value == "auto"}
    assert set(choices.index) == may_be_auto - {"verbose"}
    assert (choices["chosen_by"] == "auto").all()
    assert choices["rule"].str.endswith((".", ";")).all()
    assert choices.loc["max_epochs", "rule"] == auto.max_epochs.__doc__.splitlines()[0]


def test_the_values_are_those_in_use():
    forecaster = GRUForecaster(2, units=5, max_epochs=3, reference="last", scale=None).fit(SALES)
    choices = forecaster.explain()
    assert choices["value"].to_dict() == {
        "share_targets": False,
        "season_length": (12,),
        "context_length": 24,
        "segment_length": 1,
        "architecture": "seq2vec",
        "reference": "last",
        "scale": None,
        "units": 5,
        "learning_rate": 0.003,
        "batch_size": 16,
        "max_epochs": 3,
    }
    yours = choices.index[choices["chosen_by"] == "you"]
    assert set(yours) == {"reference", "scale", "units", "max_epochs"}
    assert (choices.loc[yours, "rule"] == "").all()


def test_nothing_is_chosen_before_fit():
    with pytest.raises(NotFittedError):
        GRUForecaster().explain()
