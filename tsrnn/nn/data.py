"""Training batches, gathered by row number inside the input pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tsrnn.inputs import TrainingData
from tsrnn.nn.spec import NetworkSpec
from tsrnn.scaling import reference_rows


def dataset(
    data: TrainingData,
    spec: NetworkSpec,
    names: set[str],
    chosen: np.ndarray,
    batch_size: int,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Batches of (inputs, target, weight): one pass over windows, or shuffled passes on end.

    Parameters
    ----------
    data : TrainingData
    spec : NetworkSpec
    names : set of str
        Inputs that the network reads.
    chosen : ndarray of int
        Windows to pass over.
    batch_size : int
    seed : int or None
        Pass after pass without end in full batches, each shuffled anew from this seed; None
        makes one pass in the given order.
    """
    if seed is None:
        rows = tf.data.Dataset.from_tensor_slices((chosen, np.ones(len(chosen), np.float32)))
        batches = rows.batch(batch_size)
    else:
        passes = tf.data.Dataset.counter().map(_full_passes(chosen, batch_size, seed))
        batches = passes.flat_map(
            lambda *rows: tf.data.Dataset.from_tensor_slices(rows).batch(batch_size, True)
        )
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.deterministic = True
    # Rewriting so small a graph costs more than it gains.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    # Keras would otherwise try to split the pipeline over devices, and say so.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    gathered = batches.map(_gatherer(data, spec, names)).prefetch(2).with_options(options)
    if seed is not None:
        return gathered
    return gathered.apply(tf.data.experimental.assert_cardinality(-(-len(chosen) // batch_size)))


def _full_passes(chosen: np.ndarray, batch_size: int, seed: int) -> Any:
    """Make the function from the number of a pass to its windows and a factor of their weights.

    Compiled code wants batches of one size. The last one is filled up with windows that weigh
    nothing; the others weigh more in turn, so that the mean loss of a pass stays theirs.
    """
    n = len(chosen)
    n_filled = -(-n // batch_size) * batch_size
    places = np.arange(n_filled) % n
    factors = np.where(np.arange(n_filled) < n, n_filled / n, 0.0).astype(np.float32)

    def nth(number: Any) -> tuple[Any, Any]:
        # A stateless shuffle takes no part in TensorFlow's global seeds.
        key = tf.stack([tf.constant(seed, tf.int64), number])
        order = tf.random.experimental.stateless_shuffle(tf.constant(chosen, tf.int64), seed=key)
        return tf.gather(order, places), factors

    return nth


def _gatherer(data: TrainingData, spec: NetworkSpec, names: set[str]) -> Any:
    """Make the function from window numbers to a batch."""
    constants = {
        name: tf.constant(getattr(data, name))
        for name in ("values", "observed", "first", "cutoffs", "location", "scale", "weights")
    }
    if spec.architecture == "seq2seq":
        constants["complete"] = tf.constant(data.complete)
    if spec.n_static:
        constants["static"] = tf.constant(data.static)

    def gather(chosen: Any, factor: Any) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        part = {
            name: tf.gather(constants[name], chosen)
            for name in ("first", "cutoffs", "location", "scale", "weights")
        }
        inputs = _context(constants, part, spec) if spec.architecture != "vec2seq" else {}
        if spec.n_static:
            inputs["static"] = tf.gather(constants["static"], chosen)
        steps = _forecast_rows(part["cutoffs"], spec)
        target = _scaled_target(constants, part, steps, data, spec)
        if spec.n_future:
            inputs["future"] = _future(constants["values"], steps, spec)
        weight = (part["weights"] * factor)[:, None]
        if spec.architecture == "seq2seq":
            weight = weight[:, :, None] * _seq2seq_weight(constants["complete"], part, steps)
        return {name: inputs[name] for name in inputs if name in names}, target, weight

    return gather


def _context(constants: dict[str, Any], part: dict[str, Any], spec: NetworkSpec) -> dict[str, Any]:
    offsets = tf.range(1 - spec.context_length, 1, dtype=tf.int64)
    rows = part["cutoffs"][:, None] + offsets
    inside = rows >= part["first"][:, None]
    rows = tf.maximum(rows, part["first"][:, None])
    values = tf.gather(constants["values"], rows)
    n = spec.n_targets
    # In float64 until here: on a high level float32 would lose the movements.
    targets = (values[..., :n] - part["location"][:, None]) / part["scale"][:, None]
    targets = tf.where(tf.math.is_nan(targets), tf.zeros_like(targets), targets)
    context = tf.cast(tf.concat([targets, values[..., n:]], axis=-1), tf.float32)
    context *= tf.cast(inside, context.dtype)[..., None]
    inputs = {"context": tf.ensure_shape(context, (None, spec.context_length, None))}
    if spec.masked:
        inputs["mask"] = inside & tf.gather(constants["observed"], rows)
    return inputs


def _forecast_rows(cutoffs: Any, spec: NetworkSpec) -> Any:
    """Rows that forecasts follow: the cutoff, or for seq2seq every loss step up to it."""
    if spec.architecture != "seq2seq":
        return cutoffs
    offsets = np.array(spec.loss_steps, dtype=np.int64) + 1 - spec.context_length
    return cutoffs[:, None] + offsets


def _scaled_target(
    constants: dict[str, Any],
    part: dict[str, Any],
    steps: Any,
    data: TrainingData,
    spec: NetworkSpec,
) -> Any:
    """Target over the horizon after `steps`, around its reference and in the window's scale."""
    n = spec.n_targets
    ahead = tf.range(1, spec.horizon + 1, dtype=tf.int64)
    shape = [-1] + [1] * (len(steps.shape) - 1) + [1, n]
    target = _gather_rows(constants["values"], steps[..., None] + ahead)[..., :n]
    # Steps that lack a value have no weight, and must not be NaN.
    target = tf.where(tf.math.is_nan(target), tf.zeros_like(target), target)
    rows = reference_rows_graph(steps, part["first"], spec.horizon, data)
    reference = tf.reshape(part["location"], shape)
    if rows is not None:
        seen = _gather_rows(constants["values"], rows)[..., :n]
        reference = tf.where(tf.math.is_nan(seen), reference, seen)
    return tf.cast((target - reference) / tf.reshape(part["scale"], shape), tf.float32)


def reference_rows_graph(steps: Any, first: Any, horizon: int, data: TrainingData) -> Any:
    """`tsrnn.scaling.reference_rows` on tensors."""
    if data.reference in (None, "mean"):
        return None
    # The offsets of a long series' first row; where the series is too short, its last value.
    zero, far = np.zeros((), np.int64), np.array(np.iinfo(np.int64).min // 2)
    offsets = reference_rows(zero, far, horizon, data.reference, data.season_length)
    rows = steps[..., None] + offsets
    first = tf.reshape(first, [-1] + [1] * (len(rows.shape) - 1))
    shortest = 0 if data.reference == "last" else data.season_length - 1
    return tf.where(steps[..., None] - shortest >= first, rows, steps[..., None])


def _gather_rows(values: Any, rows: Any) -> Any:
    """Gather rows; those outside the data belong to steps that have no weight."""
    return tf.gather(values, tf.clip_by_value(rows, 0, tf.shape(values, tf.int64)[0] - 1))


def _future(values: Any, steps: Any, spec: NetworkSpec) -> Any:
    """Future covariates over the horizon after `steps`: (batch, [n_loss_steps *] horizon, n)."""
    start = spec.n_targets + spec.n_past
    ahead = tf.range(1, spec.horizon + 1, dtype=tf.int64)
    future = _gather_rows(values, steps[..., None] + ahead)[..., start : start + spec.n_future]
    n_rows = spec.horizon * (len(spec.loss_steps) if spec.architecture == "seq2seq" else 1)
    return tf.cast(tf.reshape(future, (-1, n_rows, spec.n_future)), tf.float32)


def _seq2seq_weight(complete: Any, part: dict[str, Any], steps: Any) -> Any:
    """1 for loss steps inside the series whose horizon is observed, (batch, n_steps, 1)."""
    inside = steps >= part["first"][:, None]
    used = inside & _gather_rows(complete, steps + 1)
    return tf.cast(used, tf.float32)[..., None]
