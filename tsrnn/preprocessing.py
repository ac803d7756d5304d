"""Transformers that know about time, and whose forecasts can be turned back.

`Differencer` and `Deseasonalizer` read the same containers as the forecasters, keep rows and
columns, and have an `inverse_transform` that goes on past the end of the training data. A
`ForecastPipeline` takes them and scikit-learn's own transformers alike; for what a function
can do, such as the logarithm, ``FunctionTransformer(np.log, np.exp)`` is all it needs.
"""

from tsrnn.deseasonalizing import Deseasonalizer
from tsrnn.differencing import Differencer

__all__ = ["Deseasonalizer", "Differencer"]
