"""Collects what readers return, and hands it over as Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from audit.call import Call, Reject
from audit.ingest import columns, usage
from audit.ingest.options import Options
from audit.ingest.prompt import add_segments
from audit.ingest.request import ParameterMemory, apply_tags, identity, request_row
from audit.ingest.signature import Signature, Signatures
from audit.ingest.texts import DEFAULT_ENCODING, Text, Texts

_BATCH_ROWS = 8_000
_BATCH_CHARACTERS = 24 << 20


@dataclass(slots=True)
class Counters:
    """What became of the records of one input; `unknown` describes the first record no reader knew."""

    records: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    readers: dict[str, int] = field(default_factory=dict)
    unknown: str = ""

    def skip(self, reason: str) -> None:
        """Count a record that is rightly not a call."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


@dataclass(slots=True)
class Batch:
    """Rows of one or more inputs; tables refer to calls by their row in `requests`."""

    requests: pa.Table
    segments: pa.Table
    contents: pa.Table
    charges: pa.Table
    workflows: pa.Table
    rejects: pa.Table
    pending: pa.Table
    counters: dict[int, Counters]

    TABLES = ("requests", "segments", "contents", "charges", "workflows", "rejects", "pending")


class Rows:
    """Calls, rejects and waiting records of any number of inputs, until `take`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._texts = Texts()
        self._signatures = Signatures()
        self._parameters = ParameterMemory()
        self._described: set[int] = set()
        self._clear()

    def _clear(self) -> None:
        self._requests: list[tuple[Any, ...]] = []
        self._usage: list[tuple[Any, ...]] = []
        self._segments: list[tuple[Any, ...]] = []
        self._segment_texts: list[Text] = []
        self._charges: list[usage.ChargeRow] = []
        self._incomplete: list[tuple[int, Call, int, int]] = []
        self._workflows: list[Signature] = []
        self._rejects: list[tuple[Any, ...]] = []
        self._pending: list[tuple[Any, ...]] = []
        self._counters: dict[int, Counters] = {}
        self.size = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to take what was collected."""
        return self.size >= _BATCH_ROWS or self._texts.new_characters >= _BATCH_CHARACTERS

    def counters(self, source: int) -> Counters:
        """The counters of one input."""
        found = self._counters.get(source)
        if found is None:
            found = self._counters[source] = Counters()
        return found

    def reject(self, source: int, line: int, offset: int, reject: Reject, excerpt: bytes) -> None:
        """Note a record, or part of one, that could not be used."""
        text = excerpt.decode("utf-8", "replace").replace("\x00", "")
        self._rejects.append((source, line, offset, reject.reason, reject.detail[:300] or None, text))
        self.size += 1

    def wait(self, source: int, line: int, reader: str, key: str, payload: bytes) -> None:
        """Keep a record until its whole group is there."""
        self._pending.append((reader, key, source, line, payload))
        self.size += 1 + len(payload) // 4096

    def add(self, call: Call, reader: str, source: int, line: int, record: Any, ordinal: int) -> None:
        """Add one call; `record` is where it came from, `ordinal` its number among the calls of that record."""
        if self._options.tags:
            apply_tags(call, self._options.tags)
        row, first = len(self._requests), len(self._segments)
        parameters = self._parameters.of(call)
        hashes, keys = add_segments(call, row, self._texts, self._segments, self._segment_texts, parameters.text)
        signature = self._signatures.of(call, hashes, parameters.response_format)
        if signature.workflow_id not in self._described:
            self._described.add(signature.workflow_id)
            self._workflows.append(signature)
        if usage.is_whole(call):
            self._usage.append(usage.logged(call, row, self._charges))
        else:
            self._usage.append(usage.NOTHING)
            self._incomplete.append((row, call, first, len(self._segments)))
        self._requests.append(
            request_row(
                call, reader, source, line, identity(call, record, ordinal), keys, parameters, signature.workflow_id
            )
        )
        self.size += 1

    def take(self) -> Batch:
        """Everything collected, as tables; the memory of texts stays."""
        self._texts.count()
        counted = [text.tokens[row[7]] for text, row in zip(self._segment_texts, self._segments, strict=True)]
        for row, call, first, last in self._incomplete:
            texts = usage.text_tokens(self._segments[first:last], counted[first:last])
            self._usage[row] = usage.estimated(call, row, texts, self._charges)
        segments = columns.table(columns.SEGMENT, self._segments)
        place = columns.SEGMENT.get_field_index("tokens")
        requests = columns.table(columns.REQUEST, self._requests)
        for name, column in zip(columns.USAGE.names, columns.table(columns.USAGE, self._usage).columns, strict=True):
            requests = requests.append_column(columns.USAGE.field(name), column)
        batch = Batch(
            requests=requests,
            segments=segments.set_column(place, columns.SEGMENT.field(place), columns.array(counted, pa.int32())),
            contents=self._contents(),
            charges=columns.table(columns.CHARGE, self._charges),
            workflows=columns.table(
                columns.WORKFLOW, [(each.workflow_id, each.origin, each.title) for each in self._workflows]
            ),
            rejects=columns.table(columns.REJECT, self._rejects),
            pending=columns.table(columns.PENDING, self._pending),
            counters=self._counters,
        )
        self._clear()
        return batch

    def _contents(self) -> pa.Table:
        new = self._texts.take_new()
        keep = self._options.content
        rows = [
            (
                known.content_hash,
                text if keep else None,
                known.folded_hash,
                known.characters,
                known.tokens[DEFAULT_ENCODING],
            )
            for known, text in new
        ]
        return columns.table(columns.CONTENT, rows)
