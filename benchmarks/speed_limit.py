"""M4 Hourly end to end in little memory, beside neuralforecast: how much each needs.

A control group of Linux limits a process to so many megabytes, the pages of its libraries among
them: as in a container, these go and are read again when room is short, the rest cannot. The cache
of files is emptied before each run, so that what a process reads of its libraries counts as its
own. Setting a limit takes root's rights, and no swap.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import Any

from speed_measure import HERE, command_of, in_new_process, print_head, print_row
from speed_panel import run_neuralforecast, run_tsrnn

LIMITS = (1000, 800, 700, 650, 600, 550, 500)
PATIENCE = 120.0
# Where the version of control groups that limits memory here keeps the limit.
_FILES = {
    Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes",
    Path("/sys/fs/cgroup"): "memory.max",
}
_ROOT, _LIMIT = next(((root, file) for root, file in _FILES.items() if root.exists()), (None, ""))


def limit(options: Namespace) -> None:
    """Print seconds of each process at each limit, or that it was killed."""
    table = options.data / "m4_hourly.csv.gz"
    if _ROOT is None or not os.access(_ROOT, os.W_OK) or len(_swaps()) > 1 or not table.exists():
        print(f"Left out: takes {table}, root's rights over Linux's control groups, and no swap.")
        return
    with tempfile.TemporaryDirectory() as folder:
        common = {"table": str(table), "forecasts": str(Path(folder, "forecasts.csv"))}
        passes = {"stride": 48 if options.quick else 12, "epochs": 1}
        n_steps = int(in_new_process(run_tsrnn, **common, **passes)["steps"])
        commands = {
            "tsrnn": command_of(run_tsrnn, common | passes),
            "neuralforecast": command_of(run_neuralforecast, common | {"n_steps": n_steps}),
        }
        print(
            f"M4 Hourly, {n_steps:,} steps, fit and predict with start and imports, one run each.\n"
        )
        print_head("limit, MB", *(f"seconds of {name}" for name in commands))
        for megabytes in LIMITS:
            print_row(megabytes, *(_seconds(command, megabytes) for command in commands.values()))


def _swaps() -> list[str]:
    return Path("/proc/swaps").read_text().splitlines()


def _seconds(command: list[str], megabytes: int) -> float | str:
    """Seconds of the process, or what became of it."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with _group(megabytes) as enter:
        start = time.perf_counter()
        try:
            code = subprocess.run(
                command, cwd=HERE, preexec_fn=enter, timeout=PATIENCE, check=False, **quiet
            ).returncode
        except subprocess.TimeoutExpired:
            return f"over {PATIENCE:.0f}"
        elapsed = time.perf_counter() - start
        return elapsed if code == 0 else "killed" if code == -SIGKILL else f"failed ({code})"


@contextmanager
def _group(megabytes: int) -> Iterator[Callable[[], Any]]:
    """Make a control group with this limit; gives what a process enters it by."""
    assert _ROOT is not None
    group = _ROOT / "tsrnn_benchmark"
    group.mkdir()
    try:
        (group / _LIMIT).write_text(str(megabytes * 2**20))
        yield partial(_enter, group / "cgroup.procs")
    finally:
        group.rmdir()


def _enter(processes: Path) -> None:
    processes.write_text(str(os.getpid()))
