"""A transformer that keeps rows labelled, and turns forecasts back into its own units."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from inspect import signature
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.metadata_routing import get_routing_for_object


class FrameStep(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer whose answer to a frame is a frame with the same rows.

    Parameters
    ----------
    transformer : estimator
        With `fit` and `transform`.
    name : str
        What messages call it.
    targets : sequence of names
        Columns that are forecast; none if they are not among the columns of X at all.

    Attributes
    ----------
    columns_in_, columns_out_ : Index or None
        Columns before and after it; None after it, where it gives no frame.
    targets_ : list of names
        Those that are forecast, before it.
    makes_windows_ : bool
        Whether it gives something else than rows.
    inverts_ : bool
        Whether forecasts have to be turned back.
    """

    def __init__(self, transformer: Any, name: str, targets: Sequence[Hashable]) -> None:
        self.transformer = transformer
        self.name = name
        self.targets = targets

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit the transformer."""
        self.fit_transform(X, y, **params)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit the transformer, transform X, and check that the way back is known.

        Raises
        ------
        ValueError
            If the targets change and the transformer has no inverse, naming the step.
        """
        if hasattr(self.transformer, "fit_transform"):
            answer = self.transformer.fit_transform(X, y, **params)
        else:
            answer = self.transformer.fit(X, y, **params).transform(X)
        changed = self._as_frame(answer, X)
        self.makes_windows_ = not isinstance(changed, pd.DataFrame | np.ndarray)
        if isinstance(X, pd.DataFrame):
            self.columns_in_ = X.columns
            self.columns_out_ = getattr(changed, "columns", None)
            self.targets_ = [t for t in self.targets if t in X.columns] or list(X.columns)
            self.inverts_ = len(self.targets) > 0 and self._changes_targets(X, changed)
        if getattr(self, "inverts_", False) and not _has_inverse(self.transformer):
            raise ValueError(self._no_way_back())
        return changed

    def transform(self, X: Any, **params: Any) -> Any:
        """Transform X; a frame gives a frame.

        Raises
        ------
        ValueError
            If nothing of the targets is left, because X is too short for the step.
        """
        changed = self._as_frame(self.transformer.transform(X, **params), X)
        if self.targets and isinstance(changed, pd.DataFrame):
            kept = [name for name in self.targets_ if name in changed.columns]
            if changed[kept].isna().all(axis=None) and X[kept].notna().any(axis=None):
                raise ValueError(
                    f"{len(X)} rows are too few for step {self.name!r} ({self.transformer}), "
                    "which leaves every target missing; give a longer history"
                )
        return changed

    def inverse(self, forecasts: pd.DataFrame, before: pd.DataFrame, rank: np.ndarray) -> Any:
        """Turn forecasts back into the units that the step was given.

        Parameters
        ----------
        forecasts : DataFrame
            Indexed by (series and) time; columns that are not forecast may lack.
        before : DataFrame
            All rows that the step was given.
        rank : ndarray of shape (n_rows,)
            Rows of the same rank hold at most one forecast of each series, from one cutoff.

        Returns
        -------
        forecasts : DataFrame
            Same index.

        Raises
        ------
        ValueError
            If the inverse gives NaN.
        """
        if not self.inverts_:
            return forecasts
        whole = forecasts.reindex(columns=self.columns_out_)
        if "history" in signature(self.transformer.inverse_transform).parameters:
            values = self._inverse_by_rank(whole, before, rank)
        else:
            values = self.transformer.inverse_transform(whole)
        values = np.asarray(values, dtype=np.float64)
        answer = pd.DataFrame(values, index=forecasts.index, columns=self.columns_in_)
        answer = answer[self.targets_]
        self._check_observed(answer, forecasts)
        return answer

    def get_metadata_routing(self) -> Any:
        """Metadata that the transformer asks for."""
        return get_routing_for_object(self.transformer)

    def _inverse_by_rank(
        self, whole: pd.DataFrame, before: pd.DataFrame, rank: np.ndarray
    ) -> np.ndarray:
        values = np.empty((len(whole), len(self.columns_in_)))
        for r in range(rank.max() + 1):
            rows = whole[rank == r]
            history = _rows_before(before, rows.index)
            values[rank == r] = self.transformer.inverse_transform(rows, history=history)
        return values

    def _as_frame(self, answer: Any, X: Any) -> Any:
        """Rows of an array get the index of X, and the columns that they stand for."""
        if hasattr(answer, "toarray"):
            answer = answer.toarray()
        if isinstance(answer, pd.DataFrame) or not isinstance(X, pd.DataFrame):
            return answer
        if not isinstance(answer, np.ndarray):
            return answer
        if answer.shape[:1] != X.shape[:1]:
            raise ValueError(
                f"step {self.name!r} gives {len(answer)} rows for {len(X)}; a step before a "
                "forecaster keeps every row, and leaves missing values to it"
            )
        answer = answer.reshape(len(X), -1)
        columns = _columns_out(self.transformer, X.columns, answer.shape[1])
        return pd.DataFrame(answer, index=X.index, columns=columns)

    def _changes_targets(self, X: pd.DataFrame, changed: Any) -> bool:
        if not getattr(self.transformer, "changes_units", True):
            return False
        if not isinstance(changed, pd.DataFrame) or not set(self.targets_) <= set(changed.columns):
            return True
        was = X[self.targets_].to_numpy(dtype=np.float64, na_value=np.nan)
        now = changed[self.targets_].to_numpy(dtype=np.float64, na_value=np.nan)
        return bool((was != now)[~np.isnan(was)].any())

    def _no_way_back(self) -> str:
        kind = type(self.transformer).__name__
        return (
            f"step {self.name!r} ({kind}) changes the target {self.targets_[0]!r}, but has no "
            "inverse to turn forecasts back into its units; give it an inverse_transform "
            "(FunctionTransformer: inverse_func), let it change covariates only, set "
            f"{kind}.changes_units = False if it keeps the units, or take scikit-learn's "
            "Pipeline, whose forecasts stay in the transformed units"
        )

    def _check_observed(self, answer: pd.DataFrame, forecasts: pd.DataFrame) -> None:
        missing = answer.isna().to_numpy()
        if missing.any() and not forecasts.isna().to_numpy().any():
            row, column = np.argwhere(missing)[0]
            raise ValueError(
                f"the inverse of step {self.name!r} gives NaN for {answer.columns[column]!r} at "
                f"{answer.index[row]}: the forecast lies outside of its range, or it mixes the "
                "target with columns that are not forecast; transform these in another step, or "
                "make them targets"
            )


def _rows_before(frame: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Rows of the series in `index` that come before its first time in each series."""
    if not isinstance(index, pd.MultiIndex):
        return frame[frame.index < index.min()]
    times = index.get_level_values(1)
    first = times.to_series(index=index.get_level_values(0)).groupby(level=0, sort=False).min()
    at = first.index.get_indexer(frame.index.get_level_values(0))
    early = frame.index.get_level_values(1) < pd.Index(first)[at]
    return frame[(at >= 0) & early]


def _has_inverse(transformer: Any) -> bool:
    if isinstance(transformer, FunctionTransformer):
        return transformer.inverse_func is not None
    return hasattr(transformer, "inverse_transform")


def _columns_out(transformer: Any, columns: pd.Index, n_columns: int) -> pd.Index:
    """Columns of a transformer's array: as it names them, else as they were, else numbered."""
    if not hasattr(transformer, "get_feature_names_out"):
        return columns if len(columns) == n_columns else pd.RangeIndex(n_columns)
    try:
        return pd.Index(list(transformer.get_feature_names_out(columns)))
    except (AttributeError, ValueError):  # a transformer inside it does not name its columns
        return pd.RangeIndex(n_columns)
