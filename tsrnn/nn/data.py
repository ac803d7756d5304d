"""Training batches, gathered by row number inside the training graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tsrnn.nn.spec import NetworkSpec, TrainSpec
from tsrnn.scaling import reference_rows
from tsrnn.season_means import season_offsets
from tsrnn.training_data import TrainingData

# Batches gathered at once, and numbers in them: a few megabytes, on the way some more.
_MOST_BATCHES = 16
_MOST_NUMBERS = 2**18
# Arrays that are as long for a few windows as for many.
_OF_A_WINDOW = ("offsets", "shortest")


def arrays_of(data: TrainingData, spec: NetworkSpec) -> dict[str, Any]:
    """Copy into tensors what batches are gathered from: flat rows, and what windows need of them.

    Returns
    -------
    arrays : dict of tensors
        Those of the attributes of `TrainingData` that this network learns from, and where the
        reference of a forecast is read: ``offsets`` of its rows from the cutoff, and with
        ``shortest`` how many rows before the cutoff that takes.
    """
    names = ["values", "observed", "first", "cutoffs", "location", "scale", "weights"]
    names += ["complete"] if data.complete is not None else []
    names += ["static"] if spec.n_static else []
    arrays = {name: tf.constant(getattr(data, name)) for name in names}
    if data.smoothed is not None:
        arrays["smoothed"] = tf.constant(data.smoothed)
    elif data.reference == "seasons":
        arrays["seasons"] = tf.constant(data.seasons)
        arrays["offsets"] = tf.constant(season_offsets(spec.horizon, data.spans))
    elif data.reference not in (None, "mean"):
        # The offsets of a long series' first row; where the series is too short, its last value.
        zero, far = np.zeros((), np.int64), np.array(np.iinfo(np.int64).min // 2)
        offsets = reference_rows(zero, far, spec.horizon, data.reference, data.season_length)
        shortest = 0 if data.reference == "last" else data.season_length - 1
        arrays |= {"offsets": tf.constant(offsets), "shortest": tf.constant(shortest, tf.int64)}
    return arrays


def signature(arrays: dict[str, Any]) -> tuple[tuple[str, tf.TensorSpec], ...]:
    """Shapes and types, by name, that do not tell how many rows and windows there are."""
    return tuple(
        (name, tf.TensorSpec(a.shape if name in _OF_A_WINDOW else (None, *a.shape[1:]), a.dtype))
        for name, a in arrays.items()
    )


def size_of_batches(n_windows: int, how: TrainSpec) -> int:
    """Batch size asked for, or the power of two that holds all windows, if that is smaller."""
    return min(how.batch_size, 1 << (n_windows - 1).bit_length())


def full_batches(order: Any, batch_size: int) -> tuple[Any, Any]:
    """Part windows into batches of one size, as compiled code wants them.

    The last batch is filled up with windows that weigh nothing; the others weigh more in turn,
    so that the mean loss of a pass stays theirs.

    Returns
    -------
    windows, factors : tensors of shape (n_batches, batch_size)
        Numbers of windows, and what their weights are multiplied by.
    """
    n = tf.size(order, tf.int64)
    n_filled = -(-n // batch_size) * batch_size
    places = tf.range(n_filled)
    factors = tf.where(places < n, tf.cast(n_filled / n, tf.float32), 0.0)
    shape = (-1, batch_size)
    return tf.reshape(tf.gather(order, places % n), shape), tf.reshape(factors, shape)


def n_at_once(arrays: dict[str, Any], spec: NetworkSpec, batch_size: int) -> int:
    """Batches to gather at once: that takes dozens of operations, however many windows it is."""
    rows = batch_size * (spec.context_length + _n_rows_ahead(spec) * (1 + spec.n_seasons))
    return max(1, min(_MOST_BATCHES, _MOST_NUMBERS // (rows * arrays["values"].shape[-1])))


def gather(
    arrays: dict[str, Any], windows: Any, factor: Any, spec: NetworkSpec, names: set[str]
) -> tuple[dict[str, Any], Any, Any]:
    """Make a batch, or several in a row.

    Parameters
    ----------
    arrays : dict of tensors
        As from `arrays_of`.
    windows, factor : tensors of shape (n_windows,)
        Numbers of windows, and what their weights are multiplied by.
    spec : NetworkSpec
    names : set of str
        Inputs that the network reads.

    Returns
    -------
    inputs : dict of tensors of shape (n_windows, ...)
    target, weight : tensors
        As `tsrnn.nn.network.build` describes the output; the weight has 1 for its last sizes.
    """
    of_windows = ("first", "cutoffs", "location", "scale", "weights")
    part = {name: tf.gather(arrays[name], windows) for name in of_windows}
    inputs = _context(arrays, part, spec) if spec.architecture != "vec2seq" else {}
    if spec.n_static:
        inputs["static"] = tf.gather(arrays["static"], windows)
    steps = _forecast_rows(part["cutoffs"], spec)
    if spec.n_seasons:
        inputs["seasons"] = _seasons(arrays, part, steps, spec)
    target, reference, scale = _target_and_scaling(arrays, part, steps, spec)
    if spec.counts:
        like = tf.zeros_like(target)
        inputs["reference"] = tf.cast(reference / scale + like, tf.float32)
        inputs["scale"] = tf.cast(scale + like, tf.float32)
    else:
        target = (target - reference) / scale
    if spec.n_future:
        inputs["future"] = _future(arrays["values"], steps, spec)
    weight = (part["weights"] * factor)[:, None]
    if spec.architecture == "seq2seq":
        weight = weight[:, :, None] * _seq2seq_weight(arrays["complete"], part, steps)
    inputs = {name: inputs[name] for name in inputs if name in names}
    return inputs, tf.cast(target, tf.float32), weight


def _context(arrays: dict[str, Any], part: dict[str, Any], spec: NetworkSpec) -> dict[str, Any]:
    offsets = tf.range(1 - spec.context_length, 1, dtype=tf.int64)
    rows = part["cutoffs"][:, None] + offsets
    inside = rows >= part["first"][:, None]
    rows = tf.maximum(rows, part["first"][:, None])
    values = tf.gather(arrays["values"], rows)
    n = spec.n_targets
    # In float64 until here: on a high level float32 would lose the movements.
    targets = (values[..., :n] - part["location"][:, None]) / part["scale"][:, None]
    targets = tf.where(tf.math.is_nan(targets), tf.zeros_like(targets), targets)
    context = tf.cast(tf.concat([targets, values[..., n:]], axis=-1), tf.float32)
    context *= tf.cast(inside, context.dtype)[..., None]
    inputs = {"context": tf.ensure_shape(context, (None, spec.context_length, None))}
    if spec.masked:
        inputs["mask"] = inside & tf.gather(arrays["observed"], rows)
    return inputs


def _forecast_rows(cutoffs: Any, spec: NetworkSpec) -> Any:
    """Rows that forecasts follow: the cutoff, or for seq2seq every loss step up to it."""
    if spec.architecture != "seq2seq":
        return cutoffs
    offsets = np.array(spec.loss_steps, dtype=np.int64) + 1 - spec.context_length
    return cutoffs[:, None] + offsets


def _target_and_scaling(
    arrays: dict[str, Any], part: dict[str, Any], steps: Any, spec: NetworkSpec
) -> tuple[Any, Any, Any]:
    """Target over the horizon after `steps`, its reference and scale."""
    n = spec.n_targets
    ahead = tf.range(1, spec.horizon + 1, dtype=tf.int64)
    shape = [-1] + [1] * (len(steps.shape) - 1) + [1, n]
    target = _gather_rows(arrays["values"], steps[..., None] + ahead)[..., :n]
    # Steps that lack a value have no weight, and must not be NaN.
    target = tf.where(tf.math.is_nan(target), tf.zeros_like(target), target)
    reference = tf.reshape(part["location"], shape)
    if "smoothed" in arrays:
        ahead = _gather_rows(arrays["smoothed"], steps)
        reference = tf.where(tf.math.is_nan(ahead), reference, ahead)
    elif "shortest" in arrays:
        rows = _reference_rows(steps, part["first"], arrays["offsets"], arrays["shortest"])
        seen = _gather_rows(arrays["values"], rows)[..., :n]
        reference = tf.where(tf.math.is_nan(seen), reference, seen)
    scale = tf.reshape(part["scale"], shape)
    return target, reference, scale


def _seasons(arrays: dict[str, Any], part: dict[str, Any], steps: Any, spec: NetworkSpec) -> Any:
    """Last value and means of past seasons at each step ahead, scaled as the targets are."""
    n, n_spans = spec.n_targets, spec.n_seasons - 1
    last = _gather_rows(arrays["values"], steps)[..., None, None, :n]
    rows = steps[..., None, None] + arrays["offsets"]
    inside = rows >= tf.reshape(part["first"], [-1] + [1] * (len(rows.shape) - 1))
    # One row for each mean is gathered faster than the means of a row at once.
    means = tf.reshape(arrays["seasons"], (-1, n))
    means = _gather_rows(means, rows * n_spans + tf.range(n_spans, dtype=tf.int64))
    means = tf.where(inside[..., None] & ~tf.math.is_nan(means), means, last)
    values = tf.concat([tf.broadcast_to(last, tf.shape(means[..., :1, :])), means], axis=-2)
    shape = [-1] + [1] * (len(rows.shape) - 1) + [n]
    location, scale = (tf.reshape(part[name], shape) for name in ("location", "scale"))
    values = (values - location) / scale
    return tf.cast(tf.where(tf.math.is_nan(values), tf.zeros_like(values), values), tf.float32)


def _reference_rows(steps: Any, first: Any, offsets: Any, shortest: Any) -> Any:
    """`tsrnn.scaling.reference_rows` on tensors."""
    first = tf.reshape(first, [-1] + [1] * len(steps.shape))
    enough = steps[..., None] - shortest >= first
    return tf.where(enough, steps[..., None] + offsets, steps[..., None])


def _gather_rows(values: Any, rows: Any) -> Any:
    """Gather rows; those outside the data belong to steps that have no weight."""
    return tf.gather(values, tf.clip_by_value(rows, 0, tf.shape(values, tf.int64)[0] - 1))


def _future(values: Any, steps: Any, spec: NetworkSpec) -> Any:
    """Future covariates over the horizon after `steps`: (batch, [n_loss_steps *] horizon, n)."""
    start = spec.n_targets + spec.n_past
    ahead = tf.range(1, spec.horizon + 1, dtype=tf.int64)
    future = _gather_rows(values, steps[..., None] + ahead)[..., start : start + spec.n_future]
    return tf.cast(tf.reshape(future, (-1, _n_rows_ahead(spec), spec.n_future)), tf.float32)


def _n_rows_ahead(spec: NetworkSpec) -> int:
    """Rows that the forecasts of a window are of, those of every loss step."""
    return spec.horizon * (len(spec.loss_steps) if spec.architecture == "seq2seq" else 1)


def _seq2seq_weight(complete: Any, part: dict[str, Any], steps: Any) -> Any:
    """1 for loss steps inside the series whose horizon is observed, (batch, n_steps, 1)."""
    inside = steps >= part["first"][:, None]
    used = inside & _gather_rows(complete, steps + 1)
    return tf.cast(used, tf.float32)[..., None]
