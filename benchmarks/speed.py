"""How fast tsrnn is, beside Keras, PyTorch and neuralforecast on the same machine.

Run: python benchmarks/speed.py [section ...] [--quick]

Sections, all without an argument: cells, inference, kinds, panel, search, backtest, scaling,
startup. Each prints a markdown table; figures are medians of five rounds in which all peers take
turns. Of cells they take an hour (--units, --batches, --contexts: a part), of scaling half.
The peers: pip install ".[bench]"
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import tsrnn

# section -> the file that holds it, and the peers it needs
SECTIONS = {
    "cells": ("speed_cells", ["torch"]),
    "inference": ("speed_cells", ["torch"]),
    "kinds": ("speed_kinds", []),
    "panel": ("speed_panel", ["neuralforecast"]),
    "search": ("speed_search", []),
    "backtest": ("speed_backtest", []),
    "scaling": ("speed_scaling", []),
    "startup": ("speed_startup", []),
}
PACKAGES = (
    "numpy",
    "pandas",
    "scikit-learn",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "torch",
    "neuralforecast",
)
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA = Path(os.environ.get("TSRNN_BENCH_DATA", BESIDE))


def main() -> None:
    """Run the chosen sections."""
    options = parse()
    print(describe(options))
    for name in options.sections:
        file, peers = SECTIONS[name]
        lacking = [peer for peer in peers if find_spec(peer) is None]
        print(f"\n## {name}\n", flush=True)
        if lacking:
            print(f"Left out, for want of {', '.join(lacking)}: pip install '.[bench]'")
            continue
        start = time.perf_counter()
        getattr(import_module(file), name)(options)
        print(f"\n{time.perf_counter() - start:.0f} seconds for this section", flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="section")
    parser.add_argument("--quick", action="store_true", help="small shapes, two rounds")
    parser.add_argument("--repeats", type=int, help="rounds (default 5, quick 2)")
    parser.add_argument("--units", type=int, nargs="+", help="cells, inference: shapes of so many")
    parser.add_argument(
        "--batches", type=int, nargs="+", help="the same: shapes of this batch size"
    )
    parser.add_argument("--contexts", type=int, nargs="+", help="the same: shapes of this context")
    parser.add_argument(
        "--data", type=Path, default=DATA, help=f"folder of m4_hourly.csv.gz (default {DATA})"
    )
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; take some of {', '.join(SECTIONS)}")
    options.sections = options.sections or list(SECTIONS)
    options.repeats = options.repeats or (2 if options.quick else 5)
    options.data = options.data.resolve()
    return options


def describe(options: argparse.Namespace) -> str:
    """Say what was run, on what, with which versions."""
    versions = [f"Python {platform.python_version()}", f"tsrnn {tsrnn.__version__}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return "\n".join(
        [
            f"`{' '.join(['python', *sys.argv])}`: medians of {options.repeats} interleaved runs,",
            f"{os.cpu_count()} cores ({processor()}), {platform.system()}, load average "
            f"{os.getloadavg()[0]:.1f} at the start (others on the cores slow PyTorch most);",
            ", ".join(versions) + ".",
        ]
    )


def processor() -> str:
    """Name of the processor, where Linux tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
