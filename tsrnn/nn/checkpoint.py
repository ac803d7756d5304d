"""The state of a training in a file, so that a later process goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from tsrnn.archive import Refused, parse_json, read_archive, write_archive
from tsrnn.plain import BASIC_KINDS, Reader, Writer

_CONTENT = "training.json"
# Seconds between two writes, and how many times longer than the writing itself they are at least.
_PAUSE = 2.0
_SHARE = 50


@dataclass(frozen=True)
class State:
    """All that a training goes on from, after an epoch.

    Attributes
    ----------
    n_epochs : int
        Epochs that are complete.
    stopped : bool
        Whether a callback has asked to stop.
    variables : sequence of ndarray or tensor
        Weights, states of random generators, and variables of the optimizer.
    history : dict of list
        Losses and other metrics of each epoch.
    stopper : dict
        Attributes of early stopping; empty without.
    """

    n_epochs: int
    stopped: bool
    variables: Sequence[Any]
    history: dict[str, list[float]]
    stopper: dict[str, Any]


@dataclass
class Checkpoint:
    """The file of one training; its name is the fingerprint of the training.

    Attributes
    ----------
    path : Path
    """

    path: Path
    _due: float = field(default=-np.inf, init=False)
    _written: State | None = field(default=None, init=False)

    @classmethod
    def of(cls, folder: str, name: str) -> Checkpoint:
        """Make the folder, if there is none, and name the file in it."""
        os.makedirs(folder, exist_ok=True)
        return cls(Path(folder) / f"{name}.checkpoint")

    def read(self) -> State | None:
        """Read the state that a process has left, or None if there is none.

        Raises
        ------
        ValueError
            If the file is damaged or of another training, naming it and the remedy.
        """
        try:
            _, members = read_archive(self.path)
            self._written = _state(members, self.path.stem)
        except FileNotFoundError:
            return None
        except Refused as error:
            raise ValueError(
                f"the checkpoint {str(self.path)!r} cannot be used: {error.reason}; delete it, "
                "then the fit starts anew, or put back an undamaged copy"
            ) from error
        return self._written

    def write_now_and_then(self, state: State) -> None:
        """Write a state, unless the last one is seconds old: epochs after it are repeated."""
        if monotonic() >= self._due:
            self.write(state)

    def write(self, state: State) -> None:
        """Write a state, if it is not the one in the file; an older file is replaced at once."""
        if state is self._written:
            return
        begin = monotonic()
        writer = Writer(BASIC_KINDS)
        plain = {one.name: getattr(state, one.name) for one in fields(state)}
        plain["variables"] = [np.asarray(one) for one in state.variables]
        content = {"fingerprint": self.path.stem, "state": writer.value(plain, "state")}
        members = {_CONTENT: json.dumps(content).encode(), **writer.members}
        write_archive(self.path, members, {"holds": "a training that was not finished"})
        self._written, end = state, monotonic()
        self._due = end + max(_PAUSE, _SHARE * (end - begin))


def _state(members: dict[str, bytes], fingerprint: str) -> State:
    if _CONTENT not in members:
        raise Refused(f"it has no {_CONTENT}")
    content = parse_json(members[_CONTENT], _CONTENT)
    if content["fingerprint"] != fingerprint:
        raise Refused("it was renamed, and belongs to another training")
    return State(**Reader(BASIC_KINDS, members).value(content["state"]))
