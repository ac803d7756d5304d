"""Training and prediction, in time steps per second, beside Keras and PyTorch.

Each has a process of its own.
"""

from __future__ import annotations

import math
import statistics
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product

import speed_peers as peers
from speed_measure import in_own_processes, interleaved, print_head, print_row
from speed_peers import Peer, Shape

CELLS = ("lstm", "gru", "simple_rnn")
UNITS = (32, 64, 128, 256)
CONTEXTS = (24, 96, 336)
SMALL = [Shape(cell, 64, 64, 48) for cell in CELLS]
# Seconds that a run of tsrnn lasts; large shapes make two batches whatever they take.
LASTING = 0.5
FEWEST, MOST = 2, 8192

TRAINING = {
    "tsrnn": peers.tsrnn_training,
    "Keras": peers.keras_training,
    "PyTorch": peers.torch_training,
}
PREDICTION = {
    "tsrnn": peers.tsrnn_prediction,
    "Keras": peers.keras_prediction,
    "PyTorch": peers.torch_prediction,
}
COLUMNS = ("cell", "units", "batch", "context", *TRAINING, "to Keras", "to PyTorch")


def cells(options: Namespace) -> None:
    """Print the training throughput of each shape, and how near the arithmetic floor it is."""
    print("Training, million time steps per second (batch x context x steps / seconds of fit),")
    print("compiled, as long trainings are.")
    print("The floor is the time of the matrix products alone, at the rate of a large product,")
    print("which is measured right before each shape.\n")
    print_head(*COLUMNS, "floor, GFLOP/s", "share of floor")
    shapes = SMALL if options.quick else SMALL + _grid((32, 128, 512))
    speeds = {}
    with in_own_processes(TRAINING) as makers:
        for shape in _chosen(shapes, options):
            fastest = peers.product_rate()
            speeds[shape] = _speeds(makers, shape, options.repeats)
            share = speeds[shape]["tsrnn"] * 1e6 * shape.training_flops / fastest
            _print_speeds(shape, speeds[shape], f"{fastest / 1e9:.0f}", f"{share:.0%}")
    _print_means(speeds)


def inference(options: Namespace) -> None:
    """Print the prediction throughput of each shape."""
    print("Prediction, million time steps per second (batch x context x calls / seconds),")
    print("compiled, as after a long training.\n")
    print_head(*COLUMNS)
    shapes = SMALL if options.quick else _grid((32, 512))
    speeds = {}
    with in_own_processes(PREDICTION) as makers:
        for shape in _chosen(shapes, options):
            speeds[shape] = _speeds(makers, shape, options.repeats)
            _print_speeds(shape, speeds[shape])
    _print_means(speeds)


def _grid(batches: tuple[int, ...]) -> list[Shape]:
    return [Shape(*sizes) for sizes in product(CELLS, UNITS, batches, CONTEXTS)]


def _chosen(shapes: list[Shape], options: Namespace) -> list[Shape]:
    """Shapes of the units, batches and contexts that were asked for."""
    chosen = [
        shape
        for shape in shapes
        if shape.units in (options.units or [shape.units])
        and shape.batch in (options.batches or [shape.batch])
        and shape.context in (options.contexts or [shape.context])
    ]
    return chosen or sys.exit(f"none of {len(shapes)} shapes has such units, batches and contexts")


def _speeds(
    makers: Mapping[str, Callable[[Shape], Peer]], shape: Shape, repeats: int
) -> dict[str, float]:
    """Million time steps per second of each peer, all with the same number of batches."""
    made = {name: make(shape) for name, make in makers.items()}
    n_batches = _lasting_batches(made)
    times = interleaved({name: partial(run, n_batches) for name, run in made.items()}, repeats)
    steps = n_batches * shape.batch * shape.context
    return {name: steps / time / 1e6 for name, time in times.items()}


def _lasting_batches(made: Mapping[str, Peer]) -> int:
    """Batches that keep tsrnn busy long enough; compiles what is to be compiled."""
    for run in made.values():
        run(FEWEST)
    n_batches = FEWEST
    while (elapsed := made["tsrnn"](n_batches)) < LASTING / 2:
        if n_batches >= MOST:
            return n_batches
        n_batches *= 4
    wanted = max(FEWEST, math.ceil(n_batches * LASTING / elapsed))
    # Whole epochs, so that all peers make the same steps.
    return wanted if wanted <= peers.EPOCH else -(-wanted // peers.EPOCH) * peers.EPOCH


def _print_speeds(shape: Shape, speed: Mapping[str, float], *more: str) -> None:
    sizes = (shape.cell, shape.units, shape.batch, shape.context)
    ratios = [f"{speed['tsrnn'] / speed[peer]:.2f}" for peer in ("Keras", "PyTorch")]
    print_row(*sizes, *speed.values(), *ratios, *more)


def _print_means(speeds: Mapping[Shape, Mapping[str, float]]) -> None:
    print("\nGeometric means of the ratios.\n")
    print_head("cell", "shapes", "to Keras", "to PyTorch")
    for cell in (*CELLS, "all"):
        chosen = [speed for shape, speed in speeds.items() if cell in (shape.cell, "all")]
        ratios = [
            statistics.geometric_mean(speed["tsrnn"] / speed[peer] for speed in chosen)
            for peer in ("Keras", "PyTorch")
        ]
        print_row(cell, len(chosen), *(f"{ratio:.2f}" for ratio in ratios))
