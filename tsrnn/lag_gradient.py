"""How much the forecasts of a network depend on each observation in its context."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn import nn, planning
from tsrnn.network_inputs import NetworkInputs, check_network, network_inputs, spread_cutoffs
from tsrnn.windows import check_count


def gradient_by_lag(
    forecaster: Any,
    X: Any = None,
    *,
    y: Any = None,
    step: int | None = None,
    n_windows: int = 64,
    untrained: bool = False,
    random_state: Any = None,
) -> Any:
    """Mean absolute derivative of the network's output with respect to each observation.

    Both are in scaled units: how far a forecast moves, in deviations of its window, per
    deviation that the observation `lag` steps back moves. A derivative that falls like ``w**lag``
    tells of a vanishing gradient: what lies far back neither counts nor can be learned from.
    Source: Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural
    networks, ICML.

    It goes through the recurrent network alone. Three ways around it are no part of it: the
    reference that forecasts are measured from, the mix of past seasons with
    ``reference="seasons"`` (of which the weights, but not the values, come from the context),
    and the window's own location and scale.

    Parameters
    ----------
    forecaster : fitted RNNForecaster
    X, y : as in `predict_at`, default None
        A whole history, whose windows are averaged over. Without X it is the last window of each
        series of the training data.
    step : int, default None
        One step of the horizon, from 1; None gives all of them.
    n_windows : int, default 64
        Most windows, spread evenly over X.
    untrained : bool, default False
        Ask a fresh network of the same shape instead, for comparison. The weights of its output,
        which start at zero in training, are drawn like all others.
    random_state : int, RandomState or None, default None
        Of the fresh network.

    Returns
    -------
    gradients : DataFrame of shape (context_length, horizon), or Series with a `step`
        Indexed by ``lag``; 1 is the newest observation. Columns are steps of the horizon.
        Averaged over windows, members and targets.

    Raises
    ------
    TypeError, ValueError
        If the forecaster is no network that reads a context, or `step` is beyond its horizon.

    Examples
    --------
    >>> from tsrnn import SimpleRNNForecaster, gradient_by_lag
    >>> wave = np.sin(np.arange(60) / 3)
    >>> forecaster = SimpleRNNForecaster(2, units=4, max_epochs=1, random_state=0).fit(wave)
    >>> gradient_by_lag(forecaster, wave).shape
    (24, 2)
    """
    check_network(forecaster, "gradient_by_lag")
    check_count("n_windows", n_windows)
    if step is not None:
        check_count("step", step)
        if step > forecaster.horizon_:
            raise ValueError(f"step={step} is beyond the horizon of {forecaster.horizon_}")
    members = forecaster.weights_
    if untrained:
        seeds = planning.seeds(random_state, 1)
        members = [nn.fresh_weights(forecaster.spec_, seed) for seed in seeds]
    read = network_inputs(forecaster, spread_cutoffs(forecaster, X, y, n_windows))
    steps = range(1, forecaster.horizon_ + 1) if step is None else [step]
    gradients = lag_table(read, members, steps)
    return gradients if step is None else gradients[step]


def lag_table(read: NetworkInputs, members: list[Any], steps: Any) -> pd.DataFrame:
    """Gradients of some windows by lag, with a column for each step, from 1."""
    by_step = nn.mean_gradients(read.inputs, read.spec, members, [k - 1 for k in steps])
    lags = pd.RangeIndex(1, read.spec.context_length + 1, name="lag")
    return pd.DataFrame(by_step[:, ::-1].T, lags, pd.Index(list(steps), name="step"))


def influence_beyond(gradients: pd.DataFrame) -> np.ndarray:
    """Share of the whole gradient that older observations have than the 0, 1, ... newest.

    Parameters
    ----------
    gradients : DataFrame of shape (context_length, n_steps)
        Each step counts alike.

    Returns
    -------
    shares : ndarray of shape (context_length + 1,)
        From 1 for none to 0 for all; all 0 where nothing counts.

    Examples
    --------
    >>> influence_beyond(pd.DataFrame({1: [3.0, 1.0]}, index=[1, 2]))
    array([1.  , 0.25, 0.  ])
    """
    total = gradients.sum()
    if not (total > 0).any():
        return np.zeros(len(gradients) + 1)
    shares = (gradients / total.where(total > 0)).mean(axis=1).to_numpy()
    beyond = np.append(np.cumsum(shares[::-1])[::-1], 0.0)
    return beyond / beyond[0]
