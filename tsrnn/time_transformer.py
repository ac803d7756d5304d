"""What transformers that know about time share: reading of series, and answers like X."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import validate_data

from tsrnn.history import match_series
from tsrnn.panel import Panel
from tsrnn.reading import read_panel, to_frame


class TimeTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of transformers that keep rows and columns; `columns` names those they change."""

    columns: Any = None

    def _read_training(self, X: Any) -> Panel:
        """Read the data of fit and set `columns_`, the positions of `columns`."""
        X = _plain(X)
        validate_data(self, _two_dimensional(X), skip_check_array=True)
        panel = read_panel(X)
        names = panel.columns.targets
        self.columns_ = np.arange(len(names))
        if self.columns is not None:
            several = isinstance(self.columns, list | tuple | pd.Index)
            wanted = list(self.columns) if several else [self.columns]
            for name in wanted:
                if name not in names:
                    raise ValueError(f"columns={name!r} is not a column of X: {list(names)}")
            self.columns_ = np.array([names.index(name) for name in wanted], dtype=np.int64)
        return panel

    def _read(self, X: Any, fitted: Panel) -> Panel:
        self._check_columns(X)
        return read_panel(_plain(X), grid=fitted.grid)

    def _check_columns(self, X: Any) -> None:
        X = _plain(X)
        if X.ndim == 1 and self.n_features_in_ > 1:
            raise ValueError(
                f"X has 1 dimension, but fit saw {self.n_features_in_} columns. Reshape your data: "
                "one row per time step, with all columns"
            )
        validate_data(self, _two_dimensional(X), reset=False, skip_check_array=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _plain(X: Any) -> Any:
    """X, or an array of what is neither pandas nor sparse."""
    return X if hasattr(X, "iloc") or hasattr(X, "toarray") else np.asarray(X)


def _two_dimensional(X: Any) -> Any:
    if isinstance(X, pd.Series):
        return to_frame(X)
    return X[:, None] if X.ndim == 1 else X


def like(X: Any, values: np.ndarray, order: np.ndarray | None = None) -> Any:
    """Rows of values in the container and index of X; `order` as in `Panel`."""
    if order is not None:
        values = values[np.argsort(order)]
    if isinstance(X, pd.Series):
        return pd.Series(values[:, 0], index=X.index, name=X.name)
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame(values, index=X.index, columns=X.columns)
    return values[:, 0] if np.asarray(X).ndim == 1 else values


def known_series(fitted: Panel, panel: Panel) -> np.ndarray:
    """Position in `fitted` of each series of `panel`.

    Raises
    ------
    ValueError
        If `fitted` lacks one, naming it.
    """
    series = match_series(fitted, panel)
    if (series < 0).any():
        new = int(np.argmax(series < 0))
        raise ValueError(
            f"{panel.label(new)}fit never saw this series; fit on data that hold it, or leave "
            "it out"
        )
    return series
