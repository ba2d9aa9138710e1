"""The files inside a zip archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from audit.containers.streams import Damaged, raw_chunks


def zip_members(path: Path) -> Iterator[tuple[str, Iterator[bytes] | None]]:
    """Name and bytes of each file of an archive, without hidden ones; None for bytes that are encrypted.

    The bytes of a file have to be read before the next one is asked for. Raises Damaged (`corrupt_zip`) for an archive
    that can't be opened; so does reading the bytes of a file that is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename
                if member.is_dir() or Path(name).name.startswith(".") or "__MACOSX" in name:
                    continue
                if member.flag_bits & 1:
                    yield name, None
                    continue
                with archive.open(member) as file:
                    yield name, _chunks(cast(BinaryIO, file))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise Damaged("corrupt_zip", str(error)[:200]) from error


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    chunks = raw_chunks(file)
    while True:
        try:
            chunk = next(chunks, None)
        except Exception as error:  # each way of packing has errors of its own
            raise Damaged("corrupt_zip", str(error)[:200]) from error
        if chunk is None:
            return
        yield chunk
