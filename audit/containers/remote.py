"""Objects on other machines, through fsspec: S3, Google Cloud, Azure, HTTP, and whatever else it has a driver for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit, urlunsplit

from audit.containers.streams import Damaged

INSTALL = "pip install 'llm-workload-audit[cloud]'"
_URI = re.compile(r"[a-z][a-z0-9+.\-]{1,20}://", re.IGNORECASE)
_HTTP = ("http", "https")
_CHECK = "check the address and the credentials"


class PlaceError(Exception):
    """An input that can't be opened, with a message for the user and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def is_remote(name: str) -> bool:
    """Whether a name is an address on another machine; only those the user wrote are ever opened."""
    return _URI.match(name) is not None and not name.lower().startswith("file:")


def without_secrets(name: str) -> str:
    """An address as it may be kept and shown: without user, password and the signature of a signed link."""
    try:
        parts = urlsplit(name)
    except ValueError:
        return name.partition("?")[0]
    if parts.scheme.lower() not in _HTTP:
        return name
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def listed(name: str) -> Iterator[tuple[str, int | None]]:
    """Address and size in bytes (None when nobody says) of the objects behind an address: one, those that match a
    pattern, or all below a prefix, in the order of their names. Raises PlaceError."""
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(name)
        if name.lower().startswith(_HTTP) and "*" not in name.partition("?")[0]:
            yield name, _size(system, path)
            return
        found = sorted(system.glob(path)) if "*" in path else [path]
        if "*" not in path and system.isdir(path):
            found = sorted(system.find(path))
        if not found or ("*" not in path and found == [path] and not system.exists(path)):
            raise PlaceError(f"{without_secrets(name)}: nothing there", "check the address")
        for each in found:
            if not system.isdir(each):
                yield str(system.unstrip_protocol(each)), _size(system, each)
    except PlaceError:
        raise
    except Exception as error:  # each storage library raises errors of its own
        raise _failure(name, error) from error


def _size(system: Any, path: str) -> int | None:
    try:
        size = system.size(path)
    except Exception:  # what can't be measured may still be read
        return None
    return size if isinstance(size, int) else None


def opened(name: str) -> BinaryIO:
    """A stream of an object's bytes; a connection that breaks raises `Damaged`. Raises PlaceError."""
    try:
        import fsspec

        # a log is read from its beginning to its end: one request, not one for each block
        options = {"block_size": 0} if name.lower().startswith(_HTTP) else {}
        return cast(BinaryIO, _Stream(fsspec.open(name, "rb", **options).open()))
    except Exception as error:  # each storage library raises errors of its own
        raise _failure(name, error) from error


def _failure(name: str, error: Exception) -> PlaceError:
    shown = without_secrets(name)
    if isinstance(error, ImportError):
        return PlaceError(f"{shown}: {error}", INSTALL)
    if (cause := _unreached(error)) is not None:
        return PlaceError(f"{shown}: the server can't be reached ({cause})", "check the address and the network")
    said = str(error).replace(name, shown) or type(error).__name__
    return PlaceError(
        f"{shown}: no such object" if isinstance(error, FileNotFoundError) else f"{shown}: {said}", _CHECK
    )


def _unreached(error: BaseException) -> str | None:
    """What kept a connection from being made, where that is behind an error; drivers call it a missing file."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and not isinstance(seen, FileNotFoundError):
            system = os.strerror(seen.errno) if seen.errno and seen.errno > 0 else seen.strerror
            return system or type(seen).__name__
        seen = seen.__cause__ or seen.__context__
    return None


class _Stream:
    """What reading needs of a file, with the errors of all storage libraries as one."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """The next bytes; empty at the end."""
        try:
            return cast(bytes, self._file.read(size))
        except Exception as error:
            raise Damaged("connection_lost") from error
