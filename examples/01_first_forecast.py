"""A first forecast: airline passengers, twelve months ahead."""

from picture import save

from tsrnn import ForecastDisplay, LSTMForecaster, TrainingDisplay
from tsrnn.datasets import load_airline

passengers = load_airline()
history, last_year = passengers[:-12], passengers[-12:]

forecaster = LSTMForecaster(horizon=12, random_state=0).fit(history)
forecast = forecaster.predict()

print(forecast.round(0).to_frame("forecast").assign(observed=last_year))
print(f"\nskill over repeating last year: {forecaster.score(last_year):.2f}")
print(f"network: {forecaster.spec_.cell}, context {forecaster.spec_.context_length} months,")
print(f"{forecaster.n_windows_} windows, {forecaster.train_spec_.max_epochs} epochs")

save(ForecastDisplay.from_estimator(forecaster, truth=last_year), "01_forecast.png")
save(TrainingDisplay.from_estimator(forecaster), "01_training.png")
