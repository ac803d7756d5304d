"""The steps of a `ForecastPipeline`: into the units of the forecaster, and back."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tsrnn.frame_step import FrameStep


@dataclass(frozen=True, eq=False)
class Chain:
    """Fitted transformers, one behind the other.

    Attributes
    ----------
    steps : list of FrameStep
        Those that give rows for rows.
    windowers : list of FrameStep
        Those behind, which cut the rows into windows.
    targets : list of names
        Columns that are forecast, in the user's data.
    """

    steps: list[FrameStep]
    windowers: list[FrameStep]
    targets: list[Hashable]

    @classmethod
    def of(cls, steps: Sequence[tuple[str, Any]], targets: list[Hashable]) -> Chain:
        """Take fitted steps, wrapped by `wrap`, as a chain."""
        every = list(leaves(steps))
        windowers = [step for step in every if step.makes_windows_]
        return cls([step for step in every if not step.makes_windows_], windowers, targets)

    def inputs(self, rows: Any) -> list[Any]:
        """List what each of `steps` is given, and at last what the last one gives."""
        inputs = [rows]
        for step in self.steps:
            inputs.append(step.transform(inputs[-1]))
        return inputs

    def windows(self, rows: Any) -> Any:
        """Cut transformed rows into windows, if there is a step for it."""
        for step in self.windowers:
            rows = step.transform(rows)
        return rows

    def turn_back(self, forecasts: Any, inputs: list[Any], rank: np.ndarray) -> pd.DataFrame:
        """Bring forecasts into the units of ``inputs[0]``; arguments as `FrameStep.inverse`.

        Columns that a step has added, and the forecaster took for targets, are left out.

        Raises
        ------
        TypeError
            If the forecaster answered with something else than a frame.
        """
        _check_frame(forecasts)
        for step, before in zip(reversed(self.steps), reversed(inputs[:-1]), strict=True):
            forecasts = step.inverse(forecasts, before, rank)
        return forecasts[self.targets]

    def turn_back_paths(
        self, paths: pd.DataFrame, inputs: list[Any]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Bring sample paths into the units of ``inputs[0]``, each as forecasts are.

        Parameters
        ----------
        paths : DataFrame
            Indexed by (series and) time; columns are targets and, in a second level, numbers.
        inputs : list
            As from `inputs`.

        Returns
        -------
        first : DataFrame
            The first path.
        values : ndarray of shape (n_rows, n_targets, n_paths)
            All paths.
        """
        _check_frame(paths)
        columns: Any = paths.columns
        names = columns.droplevel(-1).unique()
        n, n_paths = len(paths), paths.shape[1] // len(names)
        values = np.moveaxis(paths.to_numpy().reshape(n, len(names), n_paths), -1, 0)
        index = paths.index.take(np.tile(np.arange(n), n_paths))
        every = pd.DataFrame(values.reshape(-1, len(names)), index, names)
        back = self.turn_back(every, inputs, np.repeat(np.arange(n_paths), n))
        values = back.to_numpy().reshape(n_paths, n, -1)
        return back.iloc[:n].set_axis(paths.index), np.moveaxis(values, 0, -1)

    @property
    def inverts(self) -> bool:
        """Whether forecasts have to be turned back at all."""
        return any(step.inverts_ for step in self.steps)


def _check_frame(answer: Any) -> None:
    if not isinstance(answer, pd.DataFrame):
        raise TypeError(
            f"the last step answers a frame with {type(answer).__name__}; forecasts have to be a "
            "frame with their times as index"
        )


def wrap(step: Any, name: str, targets: Sequence[Hashable]) -> Any:
    """Make a step a `FrameStep`; those of a Pipeline inside one by one."""
    if isinstance(step, Pipeline):
        inner = [(n, wrap(s, f"{name}__{n}", targets)) for n, s in step.steps]
        return _with_steps(step, inner)
    if not hasattr(step, "transform"):
        return step  # "passthrough", or something that Pipeline will name
    return FrameStep(step, name, targets)


def unwrap(step: Any) -> Any:
    """Undo `wrap`."""
    if isinstance(step, Pipeline):
        return _with_steps(step, [(name, unwrap(inner)) for name, inner in step.steps])
    return step.transformer if isinstance(step, FrameStep) else step


def leaves(steps: Sequence[tuple[str, Any]]) -> Iterator[Any]:
    """Go through the estimators of a Pipeline in order, with those of Pipelines inside it."""
    return (step for step in every_estimator(steps) if not isinstance(step, Pipeline))


def every_estimator(steps: Sequence[tuple[str, Any]]) -> Iterator[Any]:
    """Go through the estimators of a Pipeline, the Pipelines inside it among them."""
    for _, step in steps:
        if isinstance(step, Pipeline):
            yield from every_estimator(step.steps)
        if step is not None and not isinstance(step, str):
            yield step


def _with_steps(pipeline: Any, steps: list[tuple[str, Any]]) -> Any:
    changed = copy.copy(pipeline)
    changed.steps = steps
    return changed


def targets_of(steps: Sequence[tuple[str, Any]], columns: pd.Index) -> list[Hashable]:
    """List the columns that the forecaster will forecast, as it (or `SlidingWindow`) was told.

    Raises
    ------
    ValueError
        If the forecaster is a Pipeline that does not turn its forecasts back.
    """
    name, final = steps[-1]
    if isinstance(final, Pipeline) and not hasattr(type(final), "predict_at"):
        raise ValueError(
            f"the last step {name!r} is a Pipeline, whose forecasts stay in its own transformed "
            "units; make it a ForecastPipeline"
        )
    targets = _told(steps, "target")
    if targets:
        return targets
    others = _told(steps, "past_covariates") + _told(steps, "static_covariates")
    return [column for column in columns if column not in others]


def _told(steps: Sequence[tuple[str, Any]], parameter: str) -> list[Hashable]:
    for step in reversed(list(leaves(steps))):
        names = getattr(step, parameter, None)
        if names is not None:
            return list(names) if isinstance(names, list | tuple | pd.Index) else [names]
    return []
