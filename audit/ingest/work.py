"""Read one task: records out of bytes, readers' calls out of records, rows out of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from audit.call import Call, Outcome, Reject, Skip
from audit.containers import EXCERPT_BYTES, Damaged, Item, JsonText, Unreadable, json_text, raw_chunks, records
from audit.ingest.blocks import BlockHash
from audit.ingest.classify import Classifier, all_readers
from audit.ingest.options import Options
from audit.ingest.request import canonical
from audit.ingest.rows import Rows
from audit.ingest.tasks import Files, Groups, Lines, Part, Result, Stream, Task, Waiting
from audit.readers import Reader, Record
from audit.readers._mapped import columns_of, fuller, suggest
from audit.readers._own import OWN_EXPORT
from audit.wire.text import maybe_json

UNREADABLE = "unreadable_file"
"""Reason of a file that could not be opened or read to its end; it is tried again the next time."""

_TAIL_BYTES = 1 << 20
_TRIED = 3
_NESTING = 8
_LONGEST_PROSE = 2_000
_DESCRIBED = 50
"""Unknown records of an input that are looked at for the best line to map them with."""


class Work:
    """Reads tasks in this process. What it remembers of texts and key sets serves all of them."""

    def __init__(self, options: Options) -> None:
        readers = all_readers(options.mapping, sets=options.sets)
        self._readers = {reader.name: reader for reader in readers}
        self._together: dict[object, str] = {reader.read_group: reader.name for reader in readers if reader.read_group}
        self._classifier = Classifier(readers)
        self._rows = Rows(options)

    def run(self, task: Task) -> Iterator[Result]:
        """The rows of a task in one or more batches, the last one marked."""
        if isinstance(task, Part):
            yield from self._part(task)
        elif isinstance(task, Lines):
            text = JsonText(_damaged((task.data,), task.damage), line=task.line, offset=task.offset)
            yield from self._batches(task.source, text)
            yield Result(self._rows.take(), bytes=task.consumed, last=True)
        elif isinstance(task, Files):
            yield from self._files(task)
        elif isinstance(task, Groups):
            yield from self._groups(task)
        else:
            yield from self._stream(task)

    def _stream(self, task: Stream) -> Iterator[Result]:
        seen = BlockHash()
        chunks = seen.through(task.chunks)
        yield from self._batches(task.source, records(chunks))
        for _ in chunks:  # the hash is of all of it
            pass
        yield Result(self._rows.take(), digests={task.source: seen.digests()}, bytes=seen.bytes, last=True)

    def _part(self, task: Part) -> Iterator[Result]:
        with open(task.path, "rb") as file:
            file.seek(max(task.start - 1, 0))
            before = file.read(1) if task.start else b"\n"
            data = file.read(task.end - task.start)
            digest = blake2b(data, digest_size=16).digest()
            size = len(data)
            skipped = 0
            if before != b"\n":
                skipped = data.find(b"\n") + 1 or size
            if skipped < size:
                data = data[skipped:] if task.last else data[skipped:] + _rest_of_line(file, data)
            else:
                data = b""
        cut = "truncated_tail" if task.last else "not_json"
        text = JsonText(iter((data,)) if data else iter(()), offset=task.start + skipped, cut=cut)
        yield from self._batches(task.source, text)
        yield Result(self._rows.take(), lines=text.line - 1, digests={task.source: [digest]}, bytes=size, last=True)

    def _files(self, task: Files) -> Iterator[Result]:
        digests: dict[int, list[bytes]] = {}
        size = 0
        for source, path in task.files:
            seen = BlockHash()
            try:
                with open(path, "rb") as file:
                    chunks = seen.through(raw_chunks(file))
                    yield from self._batches(source, self._without_prose(records(chunks, Path(path))))
                    for _ in chunks:  # what was read at random is still hashed
                        pass
            except OSError as error:
                self._rows.reject(source, 0, 0, Reject(UNREADABLE, str(error)), b"")
            digests[source] = seen.digests()
            size += seen.bytes
        yield Result(self._rows.take(), digests=digests, bytes=size, last=True)

    def _groups(self, task: Groups) -> Iterator[Result]:
        for name, waiting in task.groups:
            given = [record for each in waiting for record in self._decoded(each)]
            if not given:
                continue
            reader = self._reader_of(name, given)
            last = waiting[-1]
            self._outcomes(reader, partial(_read_group, reader, given), last.source, last.line, 0, given, b"", False)
            if self._rows.is_full:
                yield Result(self._rows.take())
        yield Result(self._rows.take(), last=True)

    def _decoded(self, waiting: Waiting) -> list[Record]:
        """The record that waited, if what it was written as can be read again."""
        try:
            return [orjson.loads(waiting.payload)]
        except ValueError:
            self._rows.reject(waiting.source, waiting.line, 0, Reject("too_deep"), waiting.payload[:EXCERPT_BYTES])
            return []

    def _reader_of(self, name: str, records: list[Record]) -> Reader:
        """The reader of a group: formats that are read by one function wait together, under the name of one of them."""
        shared = self._readers[name]
        found = (self._classifier.reader(record) for record in records[:_TRIED])
        own = (each for each in found if each is not None and each.read_group is shared.read_group)
        return next((each for each in own if each is not shared), shared)

    def _batches(self, source: int, items: Iterable[Item]) -> Iterator[Result]:
        rows = self._rows
        rows.counters(source)
        for line, offset, value, raw, repaired in items:
            self._item(source, line, offset, value, raw, repaired)
            if rows.is_full:
                yield Result(rows.take())
                rows.counters(source)

    def _without_prose(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items of one file, its lines as one reject when they are a text for people (a README, notes)."""
        held: list[Item] = []
        lines = 0
        for item in items:
            held.append(item)
            value, raw = item[2], item[3].lstrip()
            if isinstance(value, Unreadable):
                lines += value.reason == "not_json" and raw[:1] not in (b"{", b"[")
            elif not isinstance(value, dict) or self._classifier.knows(value):
                break
            if len(held) > _LONGEST_PROSE:
                break
        else:
            if lines > 1 and lines > len(held) // 2:
                line, offset, _, raw, _ = held[0]
                held = [(line, offset, Unreadable("not_json", f"{len(held)} lines of text, no record"), raw, False)]
        yield from held
        yield from items

    def _item(
        self, source: int, line: int, offset: int, value: Any, raw: bytes, repaired: bool, depth: int = 0
    ) -> None:
        if not isinstance(value, dict | list):
            # a record that was written as a string, or as Python spells it
            value = _spelled(value, raw)
        if isinstance(value, dict):
            self._record(source, line, offset, value, raw, repaired, depth)
        elif isinstance(value, list) and depth < _NESTING and (depth or not value or not _is_hollow(value)):
            for item in value:
                self._item(source, line, offset, item, b"", repaired, depth + 1)
        else:
            self._rows.counters(source).records += 1
            if isinstance(value, Unreadable):
                problem, excerpt = Reject(value.reason, value.detail), raw
            else:
                problem, excerpt = Reject("not_an_llm_record"), raw or canonical(value)
            self._rows.reject(source, line, offset, problem, excerpt[:EXCERPT_BYTES])

    def _record(
        self, source: int, line: int, offset: int, record: dict[str, Any], raw: bytes, repaired: bool, depth: int
    ) -> None:
        inner = self._classifier.unwrapped(record) if depth < _NESTING else None
        if inner is not None:
            self._item(source, line, offset, inner, b"", repaired, depth + 1)
            return
        reader = self._classifier.reader(record)
        if reader is None and depth < _NESTING:
            inner = self._classifier.inside(record)
            if inner is not None:
                self._item(source, line, offset, inner, b"", repaired, depth + 1)
                return
        counters = self._rows.counters(source)
        counters.records += 1
        if reader is None:
            columns = ", ".join(columns_of(record, 20))
            if counters.described < _DESCRIBED:
                counters.described += 1
                described = f"columns: {columns}; complete and add: {suggest(record)}"
                counters.unknown = fuller(counters.unknown, described)
            problem = Reject("not_an_llm_record", f"columns: {columns}")
            self._rows.reject(source, line, offset, problem, (raw or canonical(record))[:EXCERPT_BYTES])
            return
        counters.readers[reader.name] = counters.readers.get(reader.name, 0) + 1
        for key, part in _parts(reader, record, source):
            if key is not None:
                self._rows.wait(source, line, self._together.get(reader.read_group, reader.name), key, canonical(part))
            else:
                self._outcomes(reader, partial(reader.read, part), source, line, offset, part, raw, repaired)

    def _outcomes(
        self,
        reader: Reader,
        read: Callable[[], Iterable[Outcome]],
        source: int,
        line: int,
        offset: int,
        record: Any,
        raw: bytes,
        repaired: bool,
    ) -> None:
        """Take what a reader returns; a reader that fails costs the one record."""
        rows = self._rows
        try:
            for ordinal, outcome in enumerate(read()):
                if isinstance(outcome, Call):
                    if repaired:
                        outcome.flags.append("repaired_text")
                    rows.add(outcome, reader.name, source, line, record, ordinal)
                elif isinstance(outcome, Skip):
                    rows.counters(source).skip(outcome.reason)
                else:
                    rows.reject(source, line, offset, outcome, (raw or canonical(record))[:EXCERPT_BYTES])
                    if outcome.reason == OWN_EXPORT:
                        rows.counters(source).unknown = outcome.detail
        except RecursionError:
            rows.reject(source, line, offset, Reject("too_deep"), raw[:EXCERPT_BYTES])
        except Exception as error:  # no record may stop a run; the reject names what happened
            problem = Reject("reader_failed", f"{reader.name}: {type(error).__name__}: {error}")
            rows.reject(source, line, offset, problem, (raw or canonical(record))[:EXCERPT_BYTES])


def _is_hollow(values: list[Any]) -> bool:
    """Whether a list holds nothing but empty lists, however deep; an empty one alone is an export of no records."""
    waiting = [values]
    while waiting:
        for each in waiting.pop():
            if not isinstance(each, list):
                return False
            waiting.append(each)
    return True


def _spelled(value: Any, raw: bytes) -> Any:
    if isinstance(value, Unreadable) and value.reason == "not_json" and raw.lstrip().startswith(b"{'"):
        text = raw.decode("utf-8", "replace")
    elif isinstance(value, str):
        text = value
    else:
        return value
    found = maybe_json(text)
    return value if found is text or isinstance(found, str) else found


def _damaged(chunks: Iterable[bytes], damage: str | None) -> Iterator[bytes]:
    yield from chunks
    if damage:
        raise Damaged(damage)


def _read_group(reader: Reader, records: list[Record]) -> Iterable[Outcome]:
    if reader.read_group is not None:
        return reader.read_group(records)
    return [outcome for record in records for outcome in reader.read(record)]


def _parts(reader: Reader, record: dict[str, Any], source: int) -> Iterable[tuple[str | None, Record]]:
    """A record, or the pieces of it, each with the key of the group it is read with (None = alone)."""
    if reader.whole_file:
        return ((f"input {source}", record),)
    try:
        pieces = reader.parts(record) if reader.parts is not None else None
        return pieces.items() if pieces else ((reader.group(record) if reader.group is not None else None, record),)
    except Exception:  # read alone, the record is rejected with its reason
        return ((None, record),)


def _rest_of_line(file: Any, data: bytes) -> bytes:
    if data.endswith(b"\n"):
        return b""
    parts: list[bytes] = []
    # what is longer is passed over, and need not be held
    while len(parts) * _TAIL_BYTES <= json_text.LONGEST and (chunk := file.read(_TAIL_BYTES)):
        end = chunk.find(b"\n")
        if end >= 0:
            parts.append(chunk[: end + 1])
            break
        parts.append(chunk)
    return b"".join(parts)
