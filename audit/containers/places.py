"""Where input lies: files, folders, patterns, standard input and object storage."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from audit.containers.remote import PlaceError, is_remote, listed, opened, without_secrets

_AUDIT_FILES = (".duckdb", ".duckdb.wal")
_MARKERS = {"_SUCCESS", "_metadata", "_common_metadata"}


@dataclass(frozen=True, slots=True)
class Place:
    """One input stream: its name as the user would write it, its size in bytes (None = not known before reading),
    and its time of change in nanoseconds. `chosen` is false for a file that was only found in a folder."""

    name: str
    size: int | None = None
    modified_ns: int | None = None
    chosen: bool = True

    @property
    def path(self) -> Path | None:
        """The local file, None for standard input and remote objects."""
        return None if self.name == "-" or is_remote(self.name) else Path(self.name)

    @property
    def label(self) -> str:
        """The name as it may be kept and shown: without the signature of a signed link."""
        return without_secrets(self.name) if is_remote(self.name) else self.name

    def open(self) -> BinaryIO:
        """Open for reading from the start. Raises PlaceError."""
        if self.name == "-":
            import sys

            return sys.stdin.buffer
        if is_remote(self.name):
            return opened(self.name)
        try:
            return open(self.name, "rb")
        except OSError as error:
            raise PlaceError(f"{self.name}: {error.strerror or error}") from error


def expand(inputs: Iterable[str | Path]) -> Iterator[Place | PlaceError]:
    """The places behind what the user named, each file once, folders in the order of their names.

    What does not exist comes back as a PlaceError in its turn, so that the rest can still be read.
    """
    seen: set[tuple[int, int]] = set()
    for each in inputs:
        name = str(each)
        if name.lower().startswith("file://"):
            name = unquote(urlsplit(name).path)
        if name == "-":
            yield Place("-")
        elif is_remote(name):
            yield from _remote(name)
        elif os.path.isdir(name):
            yield from _folder(name, seen)
        elif os.path.lexists(name):
            yield from _file(name, seen, chosen=True)
        elif glob.has_magic(name):
            yield from _pattern(name, seen)
        else:
            yield PlaceError(f"{name}: no such file or folder", "check the path")


def _pattern(name: str, seen: set[tuple[int, int]]) -> Iterator[Place | PlaceError]:
    found = sorted(glob.glob(name, recursive=True))
    if not found:
        yield PlaceError(f"{name}: no file matches", "check the pattern")
    for path in found:
        yield from _folder(path, seen) if os.path.isdir(path) else _file(path, seen, chosen=True)


def _file(name: str, seen: set[tuple[int, int]], chosen: bool) -> Iterator[Place | PlaceError]:
    try:
        status = os.stat(name)
    except OSError as error:
        yield PlaceError(f"{name}: {error.strerror or error}")
        return
    key = (status.st_dev, status.st_ino)
    if status.st_ino and key in seen:
        return
    seen.add(key)
    if chosen or stat.S_ISREG(status.st_mode):
        # a pipe or a device that lies in a folder would be waited for without end
        yield Place(name, status.st_size, status.st_mtime_ns, chosen)


def _folder(name: str, seen: set[tuple[int, int]]) -> Iterator[Place | PlaceError]:
    """Files below a folder; hidden ones, job markers and audit files are passed over, links are followed once."""
    for root, folders, names in os.walk(name, followlinks=True):
        folders[:] = sorted(folder for folder in folders if _is_new_folder(os.path.join(root, folder), seen))
        for file in sorted(names):
            if not file.startswith(".") and file not in _MARKERS and not file.endswith(_AUDIT_FILES):
                yield from _file(os.path.join(root, file), seen, chosen=False)


def _is_new_folder(path: str, seen: set[tuple[int, int]]) -> bool:
    if os.path.basename(path).startswith(".") or path.endswith(".duckdb.tmp"):
        return False
    try:
        status = os.stat(path)
    except OSError:
        return False
    key = (status.st_dev, status.st_ino)
    if status.st_ino and key in seen:
        return False
    seen.add(key)
    return True


def _remote(name: str) -> Iterator[Place | PlaceError]:
    """Objects behind an address: one, a pattern, or all below a prefix."""
    try:
        for address, size in listed(name):
            yield Place(address, size)
    except PlaceError as error:
        yield error
