"""One network for many shops, with promotions that are known in advance."""

import numpy as np
import pandas as pd
from picture import save

from tsrnn import ForecastDisplay, GRUForecaster, SeasonalNaive, from_long

random = np.random.default_rng(0)
months = pd.date_range("2016-01", periods=108, freq="MS")


def shop(name: str, level: float) -> pd.DataFrame:
    """Simulate sales with a yearly season, growth, and promotions that add 60 percent."""
    t = np.arange(len(months))
    promotion = (random.random(len(t)) < 0.2).astype(float)
    season = 1 + 0.3 * np.sin(2 * np.pi * t / 12 + level)
    sales = level * (1 + 0.004 * t) * season * (1 + 0.6 * promotion)
    sales *= random.normal(1, 0.03, len(t))
    return pd.DataFrame({"shop": name, "month": months, "sales": sales, "promotion": promotion})


table = pd.concat([shop(f"shop {i}", level) for i, level in enumerate([20, 80, 300, 1500])])
panel = from_long(table, id="shop", time="month")
history = panel.groupby(level="shop").head(96)
future = panel.groupby(level="shop").tail(12)

forecaster = GRUForecaster(
    horizon=12, target="sales", reference="mean", context_length=24, random_state=0
)
forecaster.fit(history)

# Rows to forecast: promotions are planned, sales are not known yet.
planned = future.assign(sales=np.nan)
forecast = forecaster.predict(planned)
print(forecast.join(future["sales"].rename("observed")).groupby(level="shop").head(2).round(0))

naive = SeasonalNaive(horizon=12, target="sales").fit(history)
print(f"\nskill over seasonal naive: network {forecaster.score(future):.2f}", end=", ")
print(f"seasonal naive itself {naive.score(future):.2f}")

display = ForecastDisplay.from_predictions(history["sales"], forecast["sales"], future["sales"])
save(display.plot(), "04_panel.png")
