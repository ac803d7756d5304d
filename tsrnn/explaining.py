"""What a fitted network forecaster chose for itself, as a table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pandas as pd

from tsrnn import auto
from tsrnn.parameters import is_auto

# Where the chosen value of each parameter stands in a fitted forecaster; its rule is in `auto`.
_CHOSEN: dict[str, tuple[Callable[[Any], Any], Callable[..., Any]]] = {
    "share_targets": (lambda f: f.shares_targets_, auto.share_targets),
    "season_length": (lambda f: f.season_lengths_, auto.seasons),
    "context_length": (lambda f: f.spec_.context_length, auto.context_length),
    "segment_length": (lambda f: f.spec_.segment_length, auto.segment_length),
    "architecture": (lambda f: f.spec_.architecture, auto.architecture),
    "reference": (lambda f: f.encoding_.reference, auto.reference),
    "scale": (lambda f: f.encoding_.scale, auto.scale),
    "units": (lambda f: f.spec_.units, auto.units),
    "learning_rate": (lambda f: f.train_spec_.learning_rate, auto.learning_rate),
    "batch_size": (lambda f: f.train_spec_.batch_size, auto.batch_size),
    "max_epochs": (lambda f: f.train_spec_.max_epochs, auto.max_epochs),
}


def explain(forecaster: Any) -> pd.DataFrame:
    """Tabulate value, chooser and rule of each parameter; the rule is what `auto` documents."""
    rows = []
    for name, (value_of, rule) in _CHOSEN.items():
        left = is_auto(getattr(forecaster, name))
        why = (inspect.getdoc(rule) or "").partition("\n")[0] if left else ""
        rows.append((value_of(forecaster), "auto" if left else "you", why))
    index = pd.Index(_CHOSEN, name="parameter")
    return pd.DataFrame(rows, index, ["value", "chosen_by", "rule"], dtype=object)
