"""One file of named members, each with its checksum: written whole or not at all, read with care.

The file is a zip without compression, so that no member is larger than the file itself. Its
``manifest.json`` lists the others with size and SHA-256. Checksums tell that a file is as it was
written; they do not tell by whom.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

PathLike = str | os.PathLike[str]

# Version of the format that is written, and the newest that is read.
FORMAT = 1

_KIND = "tsrnn"
_MANIFEST = "manifest.json"
_NAME = re.compile(r"(manifest|estimator|training)\.json|arrays/[0-9]{1,9}\.npy", re.ASCII)
# One date for all: the same content makes the same file.
_DATE = (1980, 1, 1, 0, 0, 0)
# The only flag that a member may have: its name is in UTF-8.
_UTF8 = 0x800
_SAVE_AGAIN = "save the forecaster again, or take another copy of the file"
# What zipfile raises for files that it cannot make sense of.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    LookupError,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,
    RuntimeError,
)


class Refused(ValueError):
    """A file that is not read: for what reason, and what to do."""

    def __init__(self, reason: str, remedy: str = _SAVE_AGAIN) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason


def write_archive(path: PathLike, members: Mapping[str, bytes], about: dict[str, Any]) -> None:
    """Write members and a manifest of them to one file.

    Parameters
    ----------
    path : path-like
    members : dict of str to bytes
    about : dict
        What else the manifest says.

    Raises
    ------
    OSError
        If the file cannot be written; an older one is then as it was.
    """
    listed = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
    }
    manifest = {"format": _KIND, "format_version": FORMAT, **about, "members": listed}
    every = {_MANIFEST: json.dumps(manifest, indent=1).encode(), **members}
    with replacing(path) as part, zipfile.ZipFile(part, "x", zipfile.ZIP_STORED) as archive:
        for name, content in every.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)


def read_archive(path: PathLike) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the manifest and all members of a file; every checksum has been compared.

    Raises
    ------
    Refused
        If the file is no such archive, damaged, of a newer format, or has members that do not
        belong there.
    OSError
        If there is no such file, or it may not be read.
    """
    with open(path, "rb") as file:
        try:
            return _read(file, os.fstat(file.fileno()).st_size)
        except Refused:
            raise
        except _BROKEN as error:
            reason = f"it is no tsrnn file, or was damaged or cut short ({error})"
            raise Refused(reason) from error


def _read(file: BinaryIO, size: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        if _MANIFEST not in infos:
            raise Refused(f"it is no tsrnn file: it has no {_MANIFEST}")
        # First the manifest alone: a newer format may have members of other kinds.
        _check_members([infos[_MANIFEST]], size)
        manifest = parse_json(archive.read(infos[_MANIFEST]), _MANIFEST)
        listed = _listed(manifest)
        _check_members(archive.infolist(), size)
        if set(infos) != {_MANIFEST, *listed}:
            odd = sorted(set(infos) ^ {_MANIFEST, *listed})
            raise Refused(f"its members are not those that {_MANIFEST} lists: {odd[:3]}")
        return manifest, {name: _member(archive, infos[name], listed[name]) for name in listed}


def _check_members(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse what `write_archive` never writes, before anything of it is read."""
    names = [info.filename for info in infos]
    for info in infos:
        if not _NAME.fullmatch(info.filename):
            raise Refused(f"it has a member {info.filename!r}, which does not belong there")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ~_UTF8:
            raise Refused(f"its member {info.filename!r} is compressed or encrypted")
        if info.file_size != info.compress_size:
            raise Refused(f"its member {info.filename!r} has two different sizes")
    if len(set(names)) < len(names):
        raise Refused("it has two members of one name")
    if sum(info.file_size for info in infos) > size:
        raise Refused("its members are said to be larger than the file")


def _listed(manifest: Any) -> dict[str, Any]:
    """Members by the manifest, once it is known that its format can be read."""
    if not isinstance(manifest, dict) or manifest.get("format") != _KIND:
        raise Refused(f"it is no tsrnn file: its {_MANIFEST} does not say so")
    version, members = manifest.get("format_version"), manifest.get("members")
    if type(version) is not int or version < 1:
        raise Refused(f"its {_MANIFEST} has format_version={version!r}")
    if version > FORMAT:
        writer = manifest.get("versions", {})
        raise Refused(
            f"its format {version} is newer than {FORMAT}, the newest that this tsrnn reads "
            f"(written by {writer})",
            "update tsrnn: pip install --upgrade tsrnn",
        )
    if not isinstance(members, dict):
        raise Refused(f"its {_MANIFEST} lists no members")
    return members


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, listed: Any) -> bytes:
    if not isinstance(listed, dict) or listed.get("size") != info.file_size:
        raise Refused(f"its member {info.filename!r} has another size than when it was written")
    content = archive.read(info)
    if hashlib.sha256(content).hexdigest() != listed.get("sha256"):
        raise Refused(
            f"its member {info.filename!r} was changed or damaged since it was written (the "
            "SHA-256 checksum is another)"
        )
    return content


def parse_json(content: bytes, name: str) -> Any:
    """Parse JSON, without the numbers and doubled names that JSON does not know.

    Raises
    ------
    Refused
        If it is no such JSON.
    """
    try:
        return json.loads(content, parse_constant=_no_constant, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise Refused(f"its member {name!r} is not valid JSON ({error})") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    answer = dict(pairs)
    if len(answer) < len(pairs):
        raise ValueError("a name occurs twice")
    return answer


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Name a file in the same folder that takes the place of `path` at the end.

    Whenever the program is stopped, `path` is the old file or the whole new one. After an error
    the new one is removed; one that a killed program leaves behind is in nobody's way.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If the folder does not exist, or `path` is one.
    """
    target = Path(os.path.realpath(path))  # a link goes on to point to the file
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path={str(path)!r}: there is no folder {target.parent}; make it")
    if target.is_dir():
        raise IsADirectoryError(f"path={str(path)!r} is a folder; name a file in it")
    part = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix}")
    try:
        yield part
        _sync(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    if os.name == "posix":  # elsewhere folders cannot be opened
        with suppress(OSError):  # nor on every file system
            _sync(target.parent)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
