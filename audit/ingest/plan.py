"""What has to be read, and in which pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import tee

from audit.containers import Damaged, Place, PlaceError, Text, as_text, raw_chunks
from audit.ingest.result import FileResult
from audit.ingest.tasks import PART_BYTES, End, Files, Lines, Part, Stream, Task
from audit.ingest.work import BlockHash, whole_hash
from audit.store import Store

_SPLIT_FROM = 24 << 20
"""Files of at least this size are read in parts."""

_TOGETHER_BYTES = 8 << 20
_TOGETHER_FILES = 256
_LINES_BYTES = 8 << 20
_SNIFFED_FROM = 1 << 20


@dataclass(slots=True)
class Input:
    """One input of a run: where it lies, what became of it, the hashes of its blocks as they come in."""

    place: Place
    result: FileResult
    digests: list[bytes] = field(default_factory=list)
    lines: int = 0

    @property
    def content_hash(self) -> str:
        """Hash of all bytes, once all blocks are in."""
        return whole_hash(self.digests)


class Catalog:
    """What the audit file knows of inputs read before."""

    def __init__(self, store: Store) -> None:
        rows = store.rows("SELECT source_id, path, bytes, modified_ns, content_hash FROM source")
        self._by_stamp = {
            (row["path"], row["bytes"], row["modified_ns"]): row["source_id"]
            for row in rows
            if row["modified_ns"] is not None
        }
        self._by_size: dict[int, dict[str, int]] = {}
        for row in rows:
            if row["content_hash"] is None:
                continue
            self._by_size.setdefault(row["bytes"], {})[row["content_hash"]] = row["source_id"]
        self.next_id = max((row["source_id"] for row in rows), default=0) + 1

    def find(self, place: Place) -> int | None:
        """The source an input is known as: same name, size and time of change, or else the same bytes."""
        if place.path is None or place.size is None:
            return None
        found = self._by_stamp.get((place.name, place.size, place.modified_ns))
        same_size = self._by_size.get(place.size)
        if found is not None or not same_size:
            return found
        seen = BlockHash()
        with place.open() as file:
            for chunk in raw_chunks(file):
                seen.update(chunk)
        return same_size.get(whole_hash(seen.digests()))


class Plan:
    """Turns inputs into tasks, lazily; `inputs` grows as they are met."""

    def __init__(self, places: Iterable[Place | PlaceError], catalog: Catalog) -> None:
        self._catalog = catalog
        self.inputs: list[Input] = []
        self.results: list[FileResult] = []
        self._new: list[int] = []
        for place in places:
            self._meet(place)
        self.total = sum(self.inputs[number].place.size or 0 for number in self._new)
        self.has_streams = any(self.inputs[number].place.path is None for number in self._new)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self._new

    def _meet(self, place: Place | PlaceError) -> None:
        if isinstance(place, PlaceError):
            self.results.append(FileResult(place.message, error=place.message, hint=place.hint))
            return
        result = FileResult(place.name, bytes=place.size or 0)
        self.results.append(result)
        try:
            known = self._catalog.find(place)
        except PlaceError as error:
            result.error, result.hint = error.message, error.hint
            return
        result.source_id, result.known = known, known is not None
        if known is None:
            self._new.append(len(self.inputs))
        self.inputs.append(Input(place, result))

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
        probe, whole = tee(seen.through(_opened(each.place)))
        text = as_text(probe)
        lines = isinstance(text, Text) and text.layout == "lines"
        if isinstance(text, Text) and lines and (text.unpacked or each.place.path is None):
            del whole, probe  # a tee keeps what only one side has taken
            yield from _lines(number, text, seen)
            each.digests.extend(seen.digests())
        elif each.place.path is None:
            del probe, text
            yield Stream(number, whole)
        elif isinstance(text, Text) and lines and (each.place.size or 0) >= _SPLIT_FROM and "utf-8" in text.encoding:
            yield from _parts(number, str(each.place.path), each.place.size or 0)
        else:
            yield Files(((number, str(each.place.path)),))


def _opened(place: Place) -> Iterator[bytes]:
    with place.open() as file:
        yield from raw_chunks(file)


def _parts(number: int, path: str, size: int) -> Iterator[Task]:
    for start in range(0, size, PART_BYTES):
        end = min(start + PART_BYTES, size)
        yield Part(number, path, start, end, end == size)


def _together(files: list[tuple[int, str]]) -> Iterator[Task | End]:
    yield Files(tuple(files))
    yield End(tuple(number for number, _ in files))


def _lines(number: int, text: Text, seen: BlockHash) -> Iterator[Task]:
    """Whole lines of an unpacked stream, in blobs of some megabytes."""
    parts: list[bytes] = []
    size = offset = told = 0
    line, damage = 1, None
    chunks = text.chunks
    while True:
        try:
            chunk = next(chunks, None)
        except Damaged as error:
            chunk, damage = None, error.reason
        if chunk is None:
            break
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
    data = b"".join(parts)
    yield Lines(number, data, line, offset, seen.bytes - told, damage)
