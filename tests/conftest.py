"""Series that many tests share, and programs that compile quickly rather than run fast."""

import os

import numpy as np
import pandas as pd
import pytest

from tsrnn import planning

# Tests compile hundreds of networks and run each for moments: without optimization, by the older
# of XLA's two ways to emit code, which takes half as long. Extra options that a release does not
# know it ignores.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 "
    "--xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters",
)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to run a network; most fits of tests are too short for the plan to compile them."""
    monkeypatch.setattr(planning, "pays_to_compile", lambda *plan: request.param)
    return bool(request.param)


@pytest.fixture(scope="session")
def monthly() -> pd.Series:
    """Trend and season with a little noise, 96 months."""
    t = np.arange(96)
    noise = np.random.default_rng(0).normal(0, 0.3, 96)
    values = 50 + 0.3 * t + 8 * np.sin(2 * np.pi * t / 12) + noise
    return pd.Series(values, pd.date_range("2015-01", periods=96, freq="MS"), name="sales")


@pytest.fixture(scope="session")
def panel(monthly: pd.Series) -> pd.DataFrame:
    """Three shops, of other levels and lengths, with two covariates."""
    shops = {}
    for i, shop in enumerate("abc"):
        part = monthly.iloc[i * 5 :] * (i + 1)
        promo = (np.arange(len(part)) % 5 == i).astype(float)
        shops[shop] = pd.DataFrame({"sales": part * (1 + promo), "promo": promo})
    return pd.concat(shops, names=["shop", "month"])
