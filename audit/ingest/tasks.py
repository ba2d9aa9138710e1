"""Pieces of input that can be read apart from each other, and what comes back for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.ingest.rows import Batch


@dataclass(frozen=True, slots=True)
class Part:
    """The lines that begin in a byte range of a plain text file; `last` is the one that ends it."""

    source: int
    path: str
    start: int
    end: int
    last: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of a stream that was unpacked elsewhere, `consumed` bytes of it; `damage` says why it ends early."""

    source: int
    data: bytes
    line: int
    offset: int
    consumed: int
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Files read from end to end: (number of the input, path)."""

    files: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record of a group: input, line, and its JSON."""

    source: int
    line: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Groups:
    """Records that belong together, by reader."""

    groups: tuple[tuple[str, tuple[Waiting, ...]], ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes that only this process can read, and only once."""

    source: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class End:
    """Nothing to read: all tasks of these inputs came before."""

    sources: tuple[int, ...]


Task = Part | Lines | Files | Groups | Stream


@dataclass(slots=True)
class Result:
    """Rows of a task, or of a part of it. `lines` is how many lines a Part had; `digests` are block hashes by input,
    `bytes` what was read of them; `last` says that nothing more comes for this task."""

    batch: Batch
    lines: int = 0
    digests: dict[int, list[bytes]] = field(default_factory=dict)
    bytes: int = 0
    last: bool = False
