"""The state of a training in a file, so that a later process goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from tsrnn.archive import Refused, parse_json, read_archive, write_archive
from tsrnn.plain import BASIC_KINDS, Reader, Writer

_CONTENT = "training.json"
# Seconds between two writes, and how many times longer than the writing itself they are at least.
_PAUSE = 2.0
_TIMES = 50


class Seldom:
    """Tells whether it is time for something, so that it takes but a small part of the time.

    Parameters
    ----------
    times : float
        How many times longer than the doing itself the pause after it is.
    pause : float, default 0.0
        Seconds that it lasts at least.

    Examples
    --------
    >>> writing = Seldom(times=50, pause=3600)
    >>> writing.is_due()
    True
    >>> with writing.done():
    ...     pass
    >>> writing.is_due()
    False
    """

    def __init__(self, times: float, pause: float = 0.0) -> None:
        self.times, self.pause, self.next = times, pause, -np.inf

    def is_due(self) -> bool:
        """Whether the pause is over."""
        return monotonic() >= self.next

    @contextmanager
    def done(self) -> Iterator[None]:
        """Do it, and pause from its end on."""
        begin = monotonic()
        yield
        end = monotonic()
        self.next = end + max(self.pause, self.times * (end - begin))


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


class Checkpoint:
    """The file of one training; its name is the fingerprint of the training.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = Seldom(_TIMES, _PAUSE)
        self._written: State | None = None

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
        if self._writing.is_due():
            self.write(state)

    def write(self, state: State) -> None:
        """Write a state, if it is not the one in the file; an older file is replaced at once."""
        if state is self._written:
            return
        writer = Writer(BASIC_KINDS)
        with self._writing.done():
            plain = {one.name: getattr(state, one.name) for one in fields(state)}
            plain["variables"] = [np.asarray(one) for one in state.variables]
            content = {"fingerprint": self.path.stem, "state": writer.value(plain, "state")}
            members = {_CONTENT: json.dumps(content).encode(), **writer.members}
            write_archive(self.path, members, {"holds": "a training that was not finished"})
        self._written = state


def _state(members: dict[str, bytes], fingerprint: str) -> State:
    if _CONTENT not in members:
        raise Refused(f"it has no {_CONTENT}")
    content = parse_json(members[_CONTENT], _CONTENT)
    if content["fingerprint"] != fingerprint:
        raise Refused("it was renamed, and belongs to another training")
    return State(**Reader(BASIC_KINDS, members).value(content["state"]))
