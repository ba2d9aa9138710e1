"""From the bytes of one input, whatever wraps them, to its records."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal, cast

import orjson

from audit.containers import llm_logs
from audit.containers.archives import zip_members
from audit.containers.copy_text import BEGINS, CopyText
from audit.containers.csv_text import CsvText, delimiter_of
from audit.containers.items import Item, Unreadable
from audit.containers.json_text import JsonText
from audit.containers.logfmt_text import LogfmtText, is_logfmt
from audit.containers.magic import HEAD_BYTES, Kind, encoding_of, kind_of
from audit.containers.otlp_proto import otlp_records
from audit.containers.streams import Damaged, as_utf8, buffered, decompressed, raw_chunks
from audit.containers.tables import parquet_rows, sqlite_rows

Layout = Literal["lines", "values", "csv", "copy", "logfmt"]
COMPRESSED: tuple[Kind, ...] = ("gzip", "zstd", "bzip2", "xz")
_ARCHIVES = 6
"""How many archives one inside the other are opened; no export has more than two."""
_TABLES: dict[Layout, type[CopyText] | type[LogfmtText]] = {"copy": CopyText, "logfmt": LogfmtText}
_EVENT = re.compile(rb"(?:data|event|id|retry): ?")


@dataclass(frozen=True, slots=True)
class Text:
    """A plain text stream in UTF-8: how its records lie in it, its delimiter if it is a table, what unpacked it."""

    layout: Layout
    delimiter: str
    unpacked: tuple[Kind, ...]
    encoding: str
    chunks: Iterator[bytes]


def layout_of(head: bytes, whole: bool) -> tuple[Layout, str]:
    """How records lie in a text that begins like this, and its delimiter. `whole`: the head is all of it.

    One line that is an object of its own makes it `lines`, whatever else stands in the text.
    """
    if BEGINS.search(head):
        return "copy", ""
    lines = head.split(b"\n")
    for line in lines if whole else lines[:-1] or lines:
        if line.lstrip()[:1] == b"{" and _is_json(line):
            return "lines", ""
    start = head.lstrip()
    if start[:1] == b"{":
        return ("lines" if len(lines) == 1 and not whole else "values"), ""
    if start[:1] == b"[" or _EVENT.match(start):
        return "values", ""
    text = head.decode("utf-8", "replace")
    if delimiter := delimiter_of(text, whole):
        return "csv", delimiter
    return ("logfmt" if is_logfmt(text, whole) else "lines"), ""


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except ValueError:
        return False
    return True


def take_head(chunks: Iterator[bytes], size: int = HEAD_BYTES) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, and the whole stream again; damage is met when the stream reaches it."""
    parts: list[bytes] = []
    got = 0
    damage: Damaged | None = None
    try:
        while got < size and (chunk := next(chunks, None)) is not None:
            parts.append(chunk)
            got += len(chunk)
    except Damaged as error:
        damage = error
    head = b"".join(parts)
    return head[:size], chain([head] if head else [], _met_later(damage) if damage else chunks)


def _met_later(damage: Damaged) -> Iterator[bytes]:
    """An empty stream that ends in damage."""
    yield from ()
    raise damage


def as_text(chunks: Iterator[bytes]) -> Text | Kind:
    """The text behind a stream, unpacked as often as needed; or what it is, when it is no text.

    The chunks of a stream that is no text are lost: open it again. Raises Damaged for one whose first bytes are.
    """
    unpacked: list[Kind] = []
    head, chunks = take_head(chunks)
    while (kind := kind_of(head)) in COMPRESSED and len(unpacked) < 4:
        unpacked.append(kind)
        head, chunks = take_head(decompressed(chunks, kind))
    if kind == "empty":
        deque(chunks, maxlen=0)
    if kind != "text":
        return "binary" if kind == "empty" and unpacked else kind
    encoding = encoding_of(head)
    head, chunks = take_head(as_utf8(chunks, encoding))
    layout, delimiter = layout_of(head, len(head) < HEAD_BYTES)
    return Text(layout, delimiter, tuple(unpacked), encoding, chunks)


def records(chunks: Iterator[bytes], path: Path | None = None, depth: int = 0) -> Iterator[Item]:
    """The records of one input, and what in it can't be decoded, in order.

    `path` is the file the chunks come from, for formats that are read at random; without it such input is kept in a
    temporary file. `depth` counts the archives around it.
    """
    if depth > _ARCHIVES:
        yield 1, 0, Unreadable("nested_archive"), b"", False
        return
    head, chunks = take_head(chunks)
    kind = kind_of(head)
    if kind in COMPRESSED:
        yield from records(decompressed(chunks, kind), depth=depth + 1)
    elif kind == "text":
        yield from _text_records(chunks, encoding_of(head))
    elif kind in ("zip", "tar", "parquet", "sqlite"):
        yield from _file_records(kind, chunks, path, depth)
    elif kind == "otlp":
        yield from otlp_records(_until_damage(chunks))
    elif kind == "empty":
        try:
            for _ in chunks:
                pass
        except Damaged as damage:
            yield 1, 0, Unreadable(damage.reason), b"", False
    else:
        yield 1, 0, Unreadable("not_text" if kind == "binary" else "audit_file"), b"", False


def _until_damage(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a stream; one that is cut off just ends."""
    with contextlib.suppress(Damaged):
        yield from chunks


def _text_records(chunks: Iterator[bytes], encoding: str) -> Iterator[Item]:
    head, chunks = take_head(as_utf8(chunks, encoding))
    layout, delimiter = layout_of(head, len(head) < HEAD_BYTES)
    if layout in ("lines", "values"):
        yield from JsonText(chunks)
        return
    file, raw = buffered(chunks)
    source = cast(BinaryIO, file)
    table = _TABLES[layout](source) if layout in _TABLES else CsvText(source, delimiter)
    yield from table
    if raw.damage:
        yield table.line, 0, Unreadable(raw.damage), b"", False


def _file_records(kind: Kind, chunks: Iterator[bytes], path: Path | None, depth: int) -> Iterator[Item]:
    if path is None:
        with tempfile.TemporaryDirectory(prefix="audit-") as folder:
            path = Path(folder) / "input"
            try:
                with path.open("wb") as file:
                    file.writelines(chunks)
            except Damaged as damage:
                yield 1, 0, Unreadable(damage.reason), b"", False
                return
            yield from _file_records(kind, iter(()), path, depth)
    elif kind == "parquet":
        yield from parquet_rows(path)
    elif kind == "sqlite":
        yield from sqlite_rows(path, llm_logs.records)
    elif kind == "zip":
        yield from _zip_records(path, depth)
    else:
        yield from _tar_records(path, depth)


def _zip_records(path: Path, depth: int) -> Iterator[Item]:
    try:
        for name, chunks in zip_members(path):
            if chunks is None:
                yield 1, 0, Unreadable("encrypted_zip", name), b"", False
            else:
                yield from records(chunks, depth=depth + 1)
    except Damaged as damage:
        yield 1, 0, Unreadable(damage.reason, damage.detail), b"", False


def _tar_records(path: Path, depth: int) -> Iterator[Item]:
    import tarfile

    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None and not Path(member.name).name.startswith("."):
                    yield from records(raw_chunks(cast(BinaryIO, file)), depth=depth + 1)
    except (tarfile.TarError, OSError, EOFError) as error:
        yield 1, 0, Unreadable("corrupt_tar", str(error)[:200]), b"", False
