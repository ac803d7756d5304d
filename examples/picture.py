"""Where the examples write their pictures."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")


def save(display: Any, name: str) -> None:
    """Write the figure of a display to examples/output and say where."""
    folder = Path(__file__).parent / "output"
    folder.mkdir(exist_ok=True)
    display.figure_.savefig(folder / name, dpi=120)
    print(f"picture: examples/output/{name}")
