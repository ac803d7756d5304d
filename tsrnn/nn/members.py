"""Training of several networks, one after the other, and what Ctrl-C leaves of them."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tsrnn.nn import training
from tsrnn.nn.loop import Interrupted, Trained
from tsrnn.nn.spec import NetworkSpec, TrainSpec

# Who calls several fits and uses them together: one that ended early would spoil the rest.
_LOOPS = ("joblib.", "sklearn.model_selection.", "tsrnn.intervals.")


def train_members(
    arrays: dict[str, Any],
    spec: NetworkSpec,
    plans: Sequence[TrainSpec],
    validation: np.ndarray | None,
    starts: Sequence[list[np.ndarray] | None],
) -> list[Trained]:
    """Train a network for each plan.

    An interrupt (Ctrl-C) ends it with the networks that are complete or, if there is none, with
    the one as it was after its last complete epoch, and a warning.

    Parameters
    ----------
    arrays, spec, validation : as in `tsrnn.nn.training.train`
    plans : sequence of TrainSpec
        They differ in their seed.
    starts : sequence
        Weights that each network goes on from, or None.

    Raises
    ------
    KeyboardInterrupt
        If it comes before the first epoch is complete, or the fit is one of several of a
        search.
    """
    done: list[Trained] = []
    try:
        for plan, start in zip(plans, starts, strict=True):
            done.append(training.train(arrays, spec, plan, validation, start))
    except KeyboardInterrupt as error:
        part = [error.trained] if isinstance(error, Interrupted) else []
        if not (done or part) or _is_one_of_several():
            raise KeyboardInterrupt from error
        kept = done or part
        message = _message(kept, plans, complete=bool(done), warm=starts[0] is not None)
        warnings.warn(message, UserWarning, stacklevel=4)
        return [replace(one, checkpoint=None) for one in kept]
    return done


def _is_one_of_several() -> bool:
    """Whether this fit is one of a grid search, a cross-validation or a backtest.

    joblib runs these, but for the refit of a search. Those that run one after the other have no
    other mark than their callers; fits in a loop of the user have none.
    """
    callers = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_stack(None)]
    return any(f"{name}.".startswith(_LOOPS) for name in callers)


def _message(kept: list[Trained], plans: Sequence[TrainSpec], *, complete: bool, warm: bool) -> str:
    plan, n = plans[0], len(plans)
    if complete:
        done = f"in member {len(kept) + 1} of {n}; the forecaster keeps those before it"
    else:
        member = f" of member 1 of {n}" if n > 1 else ""
        n_epochs, best = len(kept[0].history["loss"]), kept[0].best_epoch
        done = f"after {n_epochs} of {plan.max_epochs} epochs{member}; the forecaster keeps the "
        done += f"weights of epoch {best} (from 0)"
    fewer = f" and n_members={len(kept)}" if n > len(kept) else ""
    ways = [f"fit again with warm_start=True{fewer} to train these weights on"]
    if plan.checkpoint_dir is not None and not warm:
        ways += [
            "fit again with warm_start=False to take this training up where it stopped, from "
            f"checkpoint_dir={plan.checkpoint_dir!r}"
        ]
    return f"training was interrupted {done}: {', or '.join(ways)}"
