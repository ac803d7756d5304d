"""How long a user waits: imports, the first fit in a process, the next ones.

Run: python benchmarks/startup.py
"""

import subprocess
import sys
import time

FIRST_PREDICTION = """
import time
start = time.perf_counter()
import numpy as np
from tsrnn import LSTMForecaster
wave = np.sin(np.arange(200) / 3)
LSTMForecaster(horizon=12, max_epochs=1, random_state=0).fit(wave).predict()
first = time.perf_counter()
LSTMForecaster(horizon=12, max_epochs=1, random_state=1).fit(wave[:180]).predict()
print(first - start, time.perf_counter() - first)
"""


def seconds(code: str, repeats: int = 5) -> float:
    """Median wall time of a fresh Python that runs `code`."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def main() -> None:
    """Print one line per measurement."""
    bare = seconds("pass")
    print("| what | seconds |")
    print("|---|---|")
    for name in ("numpy, pandas", "tsrnn"):
        print(f"| `import {name}` | {seconds(f'import {name}') - bare:.3f} |")
    runs = [
        subprocess.run([sys.executable, "-c", FIRST_PREDICTION], capture_output=True, check=True)
        for _ in range(3)
    ]
    times = sorted(tuple(float(x) for x in run.stdout.split()) for run in runs)[1]
    print(f"| first prediction after a one-epoch fit, imports included | {times[0]:.2f} |")
    print(f"| second fit and prediction in the process | {times[1]:.2f} |")


if __name__ == "__main__":
    main()
