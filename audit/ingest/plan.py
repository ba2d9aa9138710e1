"""What has to be read, and in which pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import tee

from audit.containers import Damaged, Place, PlaceError, Text, as_text, json_text, raw_chunks
from audit.ingest.blocks import PART_BYTES, BlockHash, whole_hash
from audit.ingest.catalog import Catalog, Grown
from audit.ingest.result import FileResult
from audit.ingest.tasks import End, Files, Lines, Part, Stream, Task

_TOGETHER_BYTES = 8 << 20
_TOGETHER_FILES = 256
_LINES_BYTES = 8 << 20
_SNIFFED_FROM = 1 << 20
"""Files of at least this size are looked at first, and read in parts where they are lines."""


@dataclass(slots=True)
class Input:
    """One input of a run: where it lies, what became of it, the hashes of its blocks as they come in.

    `lines` counts those of a file read in parts (None for others); `begun` says that the audit file holds some of it;
    `grown` says where the new lines of a file known before begin.
    """

    place: Place
    result: FileResult
    digests: list[bytes] = field(default_factory=list)
    lines: int | None = None
    begun: bool = False
    grown: Grown | None = None

    @property
    def size(self) -> int:
        """Bytes to read."""
        return (self.place.size or 0) - (self.grown.start if self.grown else 0)

    @property
    def content_hash(self) -> str:
        """Hash of all bytes, once all blocks are in."""
        return whole_hash(self.digests)


class Plan:
    """Turns inputs into tasks, lazily; `inputs` grows as they are met."""

    def __init__(self, places: Iterable[Place | PlaceError], catalog: Catalog) -> None:
        self._catalog = catalog
        self.inputs: list[Input] = []
        self.results: list[FileResult] = []
        self._new: list[int] = []
        for place in places:
            self._meet(place)
        self.total = sum(self.inputs[number].size for number in self._new)
        self.has_streams = any(self.inputs[number].place.path is None for number in self._new)

    @property
    def paths(self) -> list[str]:
        """Names of the inputs to be read."""
        return [self.inputs[number].place.label for number in self._new]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self._new

    def _meet(self, place: Place | PlaceError) -> None:
        if isinstance(place, PlaceError):
            self.results.append(FileResult(place.message, error=place.message, hint=place.hint))
            return
        result = FileResult(place.label, bytes=place.size or 0)
        self.results.append(result)
        try:
            known = self._catalog.find(place)
            grown = self._catalog.grown(place) if known is None else None
        except PlaceError as error:
            result.error, result.hint = error.message, error.hint
            return
        result.source_id, result.known = known, known is not None
        if known is None:
            self._new.append(len(self.inputs))
        self.inputs.append(Input(place, result, grown=grown))

    def tasks(self) -> Iterator[Task | End]:
        """All that is to be read, in order, an `End` after each input."""
        together: list[tuple[int, str]] = []
        size = 0
        for number in self._new:
            each = self.inputs[number]
            each.result.source_id = self._catalog.next_id
            self._catalog.next_id += 1
            path, length = each.place.path, each.place.size or 0
            if path is not None and length < _SNIFFED_FROM:
                together.append((number, str(path)))
                size += length
                if size >= _TOGETHER_BYTES or len(together) >= _TOGETHER_FILES:
                    yield from _together(together)
                    together, size = [], 0
                continue
            if together:
                yield from _together(together)
                together, size = [], 0
            try:
                yield from self._large(number, each)
            except PlaceError as error:
                each.result.error, each.result.hint = error.message, error.hint
            yield End((number,))
        if together:
            yield from _together(together)

    def _large(self, number: int, each: Input) -> Iterator[Task]:
        """Tasks of an input that is worth looking at first, or that can be read only once."""
        seen = BlockHash()
        probe, whole = tee(_Damageable(seen.through(_opened(each.place))))
        try:
            text = as_text(probe)
        except Damaged:
            text = "binary"
        lines = isinstance(text, Text) and text.layout == "lines"
        if isinstance(text, Text) and lines and (text.unpacked or each.place.path is None):
            del whole, probe  # a tee keeps what only one side has taken
            yield from _lines(number, text, seen)
            each.digests.extend(seen.digests())
        elif each.place.path is None:
            del probe, text
            yield Stream(number, whole)
        elif isinstance(text, Text) and lines and "utf-8" in text.encoding:
            each.lines = each.grown.lines if each.grown else 0
            yield from _parts(number, each)
        else:
            yield Files(((number, str(each.place.path)),))


class _Damageable:
    """Chunks of a stream whose damage everyone meets who reads on, and not only the first."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._damage: Damaged | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._damage is not None:
            raise self._damage
        try:
            return next(self._chunks)
        except Damaged as damage:
            self._damage = damage
            raise


def _opened(place: Place) -> Iterator[bytes]:
    with place.open() as file:
        yield from raw_chunks(file)


def _parts(number: int, each: Input) -> Iterator[Task]:
    path, size = str(each.place.path), each.place.size or 0
    for start in range(each.grown.start if each.grown else 0, size, PART_BYTES):
        end = min(start + PART_BYTES, size)
        yield Part(number, path, start, end, end == size)


def _together(files: list[tuple[int, str]]) -> Iterator[Task | End]:
    yield Files(tuple(files))
    yield End(tuple(number for number, _ in files))


def _lines(number: int, text: Text, seen: BlockHash) -> Iterator[Task]:
    """Whole lines of an unpacked stream, in blobs of some megabytes."""
    parts: list[bytes] = []
    size = offset = told = 0
    line, damage, passing = 1, None, False
    chunks = text.chunks
    while True:
        try:
            chunk = next(chunks, None)
        except Damaged as error:
            chunk, damage = None, error.reason
        if chunk is None:
            break
        if passing:
            # the rest of a line that is too long to hold
            end = chunk.find(b"\n") + 1
            offset += end or len(chunk)
            if not end:
                continue
            chunk, passing, line = chunk[end:], False, line + 1
        parts.append(chunk)
        size += len(chunk)
        end = chunk.rfind(b"\n") + 1
        if size >= _LINES_BYTES and end:
            parts[-1] = chunk[:end]
            data = b"".join(parts)
            yield Lines(number, data, line, offset, seen.bytes - told)
            line += data.count(b"\n")
            offset, told = offset + len(data), seen.bytes
            parts, size = [chunk[end:]], len(chunk) - end
        elif size > json_text.LONGEST + _LINES_BYTES:
            data = b"".join(parts)
            yield Lines(number, data, line, offset, seen.bytes - told)
            line += data.count(b"\n")
            offset, told, passing = offset + len(data), seen.bytes, True
            parts, size = [], 0
    data = b"".join(parts)
    yield Lines(number, data, line, offset, seen.bytes - told, damage)
