"""Memory over sixty fits: how much comes after the tenth.

Run ``python benchmarks/memory.py``. It fits and predicts with the three cells in turn, so long that
they are compiled, on data of changing length, keeps every forecaster, and prints the resident
memory of the process.
"""

import gc
import sys
from pathlib import Path

import numpy as np

from tsrnn import RNNForecaster

N_FITS = 60
CELLS = ("simple_rnn", "lstm", "gru")


def resident_mb() -> float:
    """Resident memory of this process, from Linux's account of it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


def growth(n_fits: int = N_FITS, show_every: int = 10) -> float:
    """Fit `n_fits` forecasters; return the megabytes that came after the tenth fit."""
    rng = np.random.default_rng(0)
    kept, after_ten = [], 0.0
    for i in range(1, n_fits + 1):
        wave = np.sin(np.arange(300 + i) / 4) + rng.normal(0, 0.1, 300 + i)
        forecaster = RNNForecaster(CELLS[i % 3], horizon=6, max_epochs=30, random_state=i)
        kept.append(forecaster.fit(wave))
        kept[-1].predict()
        if i == 10:
            gc.collect()
            after_ten = resident_mb()
        if i % show_every == 0:
            gc.collect()
            print(f"{i:3d} fits  {resident_mb():7.1f} MB")
    gc.collect()
    return resident_mb() - after_ten


if __name__ == "__main__":
    if not Path("/proc/self/status").exists():
        sys.exit("needs Linux's /proc")
    print(f"growth after the tenth fit: {growth():.1f} MB (bound: 150 MB)")
