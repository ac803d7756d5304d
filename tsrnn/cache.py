"""A folder of downloaded files, each with its SHA-256 beside it.

The sources of our benchmarks publish no checksums. So the SHA-256 of a file is written next
to it (``<file>.sha256``) when it is first seen, and every later read is compared with that: it
finds a copy that was changed or cut short on disk, and cannot vouch for the first download.
Who knows the sum that a file should have passes it as ``sha256``.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

PathLike = str | os.PathLike[str]


def get_data_home(data_home: PathLike | None = None) -> Path:
    """Return the folder that fetched data is kept in.

    Parameters
    ----------
    data_home : path-like, optional
        The folder. When None, the environment variable ``TSRNN_DATA`` names it, and without
        that it is ``~/.cache/tsrnn``. The first download creates it.

    Returns
    -------
    pathlib.Path
        The folder, whether or not it exists.

    Examples
    --------
    >>> from tsrnn.datasets import get_data_home
    >>> get_data_home("my_data").name
    'my_data'
    """
    chosen = data_home or os.environ.get("TSRNN_DATA") or Path("~", ".cache", "tsrnn")
    return Path(chosen).expanduser()


def local_copies(
    files: list[str],
    folder: Path,
    base_url: str,
    sha256: str | Mapping[str, str] | None,
    timeout: float,
) -> list[Path]:
    """Return verified copies in `folder` of `files`, which are paths below `base_url`."""
    paths = [folder / file.rpartition("/")[2] for file in files]
    pins = _pins(sha256, [path.name for path in paths])
    for file, path in zip(files, paths, strict=True):
        if not path.exists():
            _download(f"{base_url.rstrip('/')}/{file}", path, pins.get(path.name), timeout)
        _verify(path, pins.get(path.name))
    return paths


def _pins(sha256: str | Mapping[str, str] | None, names: list[str]) -> dict[str, str]:
    """Return the sums that the caller asks for, by file name."""
    if isinstance(sha256, str) and len(names) > 1:
        raise ValueError(f"sha256={sha256!r} is one sum for {len(names)} files; use a dict {names}")
    pins = {names[0]: sha256} if isinstance(sha256, str) else dict(sha256 or {})
    for name, pin in pins.items():
        if name not in names:
            raise ValueError(f"sha256 has the unknown file {name!r}; the files are {names}")
        if not re.fullmatch("[0-9a-fA-F]{64}", pin):
            raise ValueError(f"sha256={pin!r} for {name} is not a sum of 64 hexadecimal digits")
    return {name: pin.lower() for name, pin in pins.items()}


def _verify(path: Path, pin: str | None) -> None:
    actual = _file_sha256(path)
    record = _record_path(path)
    if record.exists() and record.read_text(encoding="utf-8").split()[:1] != [actual]:
        raise OSError(
            f"{path} was changed or cut short since it was stored: its SHA-256 is not the one "
            f"in {record.name}. Delete both to download it again, or only {record.name} if the "
            "change was meant"
        )
    _check_pin(path, actual, pin)
    if not record.exists():  # a file placed by hand
        with contextlib.suppress(PermissionError):  # a shared folder may be read-only
            _write_record(path, actual)


def _check_pin(path: Path, actual: str, pin: str | None) -> None:
    if pin not in (None, actual):
        raise OSError(
            f"the SHA-256 of {path} is {actual}, not {pin} as sha256 asks; correct sha256, or "
            "delete the file and try another base_url"
        )


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _write_record(path: Path, digest: str) -> None:
    with _replacing(_record_path(path)) as file:  # in the format of `sha256sum --check`
        file.write(f"{digest}  {path.name}\n".encode())


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, path: Path, pin: str | None, timeout: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _replacing(path) as part:
        with contextlib.closing(_chunks(url, path, timeout)) as chunks:
            for chunk in chunks:
                digest.update(chunk)
                part.write(chunk)
        _check_pin(path, digest.hexdigest(), pin)
        # the record goes first: interrupted between the two, the file is downloaded again
        _write_record(path, digest.hexdigest())


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` at the end, and is gone after an error."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _chunks(url: str, path: Path, timeout: float) -> Generator[bytes, None, None]:
    """Yield the bytes at `url`, all of them or an error that says how to do without."""
    request = urllib.request.Request(url, headers={"User-Agent": "tsrnn"})
    received = 0
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            announced = response.headers.get("Content-Length")
            while chunk := response.read(1 << 20):
                received += len(chunk)
                yield chunk
        if announced is not None and received != int(announced):
            raise ConnectionError(f"the server sent {received} of {announced} bytes")
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise ConnectionError(
            f"cannot download {url} ({error}). Try again when online, or get the file in "
            f"another way and place it as {path.name} in the folder {path.parent}"
        ) from error
