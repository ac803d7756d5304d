"""How the sections of `speed.py` measure and print: rounds, fresh processes, tables."""

from __future__ import annotations

import inspect
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

Maker = Callable[[Any], Callable[[int], float]]


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(runs: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Median of what each run returns, over rounds in which every run has its turn.

    What slows the machine for a while, slows all of them.
    """
    rounds = [{name: run() for name, run in runs.items()} for _ in range(repeats)]
    return {name: statistics.median(one[name] for one in rounds) for name in runs}


def interleaved_processes(
    runs: Mapping[str, Callable[[], dict[str, float]]], repeats: int
) -> dict[str, dict[str, float]]:
    """`interleaved` for runs that return several figures: the median of each."""
    rounds = [{name: run() for name, run in runs.items()} for _ in range(repeats)]
    return {
        name: {key: statistics.median(one[name][key] for one in rounds) for key in rounds[0][name]}
        for name in runs
    }


def in_new_process(function: Callable[..., dict[str, float]], **arguments: Any) -> dict[str, float]:
    """Call a function of one of these files in a fresh Python.

    Returns
    -------
    figures : dict
        What the function returns, the seconds of the whole process as ``process``, and as
        ``private_mb`` the most memory it held for itself alone (no shared memory, none of its
        own children), looked up every 20 ms.
    """
    command = command_of(Path(inspect.getfile(function)).stem, function.__name__, arguments)
    start = time.perf_counter()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    private = 0.0
    with subprocess.Popen(command, cwd=HERE, text=True, **pipes) as process:
        while True:
            try:
                answer, complaints = process.communicate(timeout=0.02)
                break
            except subprocess.TimeoutExpired:
                private = max(private, _memory(process.pid, "RssAnon"))
    elapsed = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{function.__name__}({arguments}) failed:\n{complaints}")
    return json.loads(answer.splitlines()[-1]) | {"process": elapsed, "private_mb": private}


def command_of(file: str, function: str, arguments: Mapping[str, Any]) -> list[str]:
    """Command that calls a function of one of these files and prints what it returns."""
    code = (
        f"import json, sys; from {file} import {function} as run; "
        "print(json.dumps(run(**json.loads(sys.argv[1]))))"
    )
    return [sys.executable, "-c", code, json.dumps(arguments)]


@contextmanager
def in_own_processes(makers: Mapping[str, Maker]) -> Iterator[dict[str, Maker]]:
    """Give each of `makers` a process of its own, so that no peer disturbs another.

    There a peer is made once for each argument, and stays until the next.
    """
    with ExitStack() as processes:
        yield {
            name: _in_process(processes.enter_context(_spawned()), make)
            for name, make in makers.items()
        }


def _spawned() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _in_process(process: ProcessPoolExecutor, make: Maker) -> Maker:
    return lambda argument: lambda n: process.submit(_run, make, argument, n).result()


def _run(make: Maker, argument: Any, n: int) -> float:
    return _made(make, argument)(n)


@lru_cache(maxsize=1)
def _made(make: Maker, argument: Any) -> Callable[[int], float]:
    return make(argument)


def load_tensorflow() -> None:
    """Import what tsrnn imports at its first fit, and as silently."""
    from tsrnn.nn import train  # noqa: F401


def peak_mb() -> float:
    """Largest resident memory of this process so far, in megabytes, from Linux's account of it.

    Not ``resource.getrusage``: its figure begins with the memory of the parent process.
    """
    return _memory("self", "VmHWM")


def _memory(process: int | str, name: str) -> float:
    """Megabytes in an entry of Linux's account of a process; 0 of one that has just ended."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def print_head(*columns: str) -> None:
    """Begin a markdown table."""
    print_row(*columns)
    print("|---" * len(columns) + "|", flush=True)


def print_row(*values: Any) -> None:
    """Print a row of a markdown table; floats with three significant digits."""
    cells = [_rounded(value) if isinstance(value, float) else str(value) for value in values]
    print(f"| {' | '.join(cells)} |", flush=True)


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
