"""How little memory the fit and forecast of M4 Hourly need, beside neuralforecast.

Run as root: python benchmarks/memory_limit.py [--repeats 3] [--data FOLDER]

A control group of Linux limits a process to so many megabytes, those of its libraries among them:
as in a container, pages of files go and are read again where room is short, all others must stay.
Each peer goes on to the next lower limit until a run fails or takes over two minutes. The cache of
files is emptied before each run, of the whole machine, so that the pages that a process reads are
counted as its own; nothing else that has loaded TensorFlow or PyTorch may run.
The peer: pip install ".[bench]"
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

# Loads none of the packages whose pages are to be counted.
from speed_measure import HERE, command_of, print_head, print_row

DATA = Path(os.environ.get("TSRNN_BENCH_DATA", HERE.parents[1] / "shared" / "data"))
LIMITS = (1000, 800, 700, 650, 600, 550, 500, 450, 400, 350)
PATIENCE = 120.0
STEPS = {"tsrnn": {"stride": 12, "epochs": 1}, "neuralforecast": {"n_steps": 128}}
GROUPS, CACHES = Path("/sys/fs/cgroup"), Path("/proc/sys/vm/drop_caches")


def main() -> None:
    """Print seconds of each peer at each limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs at each limit")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of m4_hourly.csv.gz")
    options = parser.parse_args()
    table = options.data.resolve() / "m4_hourly.csv.gz"
    if not table.exists():
        sys.exit(f"no {table}; name the folder that holds it with --data")
    root, file = limiting_file()
    limited = partial(seconds, group=root / f"tsrnn_{os.getpid()}", file=file)
    print(f"`{' '.join(['python', *sys.argv])}`: seconds with imports, medians of", end=" ")
    print(f"{options.repeats} runs by turns, 128 steps of 128 windows each.\n")
    print_head("limit, MB", *STEPS)
    with tempfile.TemporaryDirectory() as folder:
        files = {"table": str(table), "forecasts": str(Path(folder, "forecasts.csv"))}
        commands = {
            name: command_of("speed_panel", f"run_{name}", files | steps)
            for name, steps in STEPS.items()
        }
        for megabytes in LIMITS:
            rounds = [
                {name: limited(each, megabytes) for name, each in commands.items()}
                for _ in range(options.repeats)
            ]
            cells = {name: summary([one[name] for one in rounds]) for name in commands}
            print_row(megabytes, *(cells.get(name, "") for name in STEPS))
            commands = {name: commands[name] for name in cells if cells[name][0].isdigit()}
            if not commands:
                break


def limiting_file() -> tuple[Path, str]:
    """Folder of the control groups that limit memory here, and their file that holds the limit."""
    version_1 = GROUPS / "memory", "memory.limit_in_bytes"
    controllers = GROUPS / "cgroup.subtree_control"
    if (version_1[0] / version_1[1]).exists():
        root, file = version_1
    elif controllers.exists() and "memory" in controllers.read_text().split():
        root, file = GROUPS, "memory.max"
    else:
        sys.exit(f"no control groups that limit memory below {GROUPS}")
    for path in (root / "cgroup.procs", CACHES):
        if not os.access(path, os.W_OK):
            sys.exit(f"{path} cannot be written; run as root")
    if len(Path("/proc/swaps").read_text().splitlines()) > 1:
        sys.exit("what is swapped is not counted; turn swap off")
    return root, file


def seconds(command: list[str], megabytes: int, group: Path, file: str) -> float | str:
    """Seconds of the process, or what became of it."""
    os.sync()
    CACHES.write_text("3")
    with limited_to(megabytes, group, file) as enter:
        start = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                cwd=HERE,
                preexec_fn=enter,
                timeout=PATIENCE,
                capture_output=True,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return f"over {PATIENCE:.0f}"
    if done.returncode == 0:
        return time.perf_counter() - start
    if megabytes == LIMITS[0]:
        sys.exit(f"{command} failed:\n{done.stderr}")
    return "killed" if done.returncode == -signal.SIGKILL else "failed"


@contextmanager
def limited_to(megabytes: int, group: Path, file: str) -> Iterator[Callable[[], object]]:
    """Make a control group with this limit; gives what a process enters it by."""
    group.mkdir()
    try:
        (group / file).write_text(str(megabytes * 2**20))
        yield lambda: (group / "cgroup.procs").write_text("0")  # the process that writes
    finally:
        with suppress(OSError):  # after Ctrl-C the process may not have ended yet
            group.rmdir()


def summary(runs: list[float | str]) -> str:
    """Median of the seconds, or what became of runs that failed, and of how many."""
    failed = [run for run in runs if isinstance(run, str)]
    if failed:
        return f"{' or '.join(sorted(set(failed)))} ({len(failed)} of {len(runs)})"
    return f"{statistics.median(run for run in runs if isinstance(run, float)):.1f}"


if __name__ == "__main__":
    main()
