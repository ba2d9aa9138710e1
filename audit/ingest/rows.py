"""Collects what readers return, and hands it over as Arrow tables."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import Any

import pyarrow as pa

from audit.call import Call, Reject
from audit.ingest import columns, usage
from audit.ingest.layout import Layout, lay_out
from audit.ingest.options import Options
from audit.ingest.request import ParameterMemory, apply_tags, identity, request_row
from audit.ingest.signature import Signatures
from audit.ingest.texts import Texts

_BATCH_ROWS = 8_000
_BATCH_CHARACTERS = 24 << 20


@dataclass(slots=True)
class Counters:
    """What became of the records of one input; `unknown` describes the record most like a call that no reader knew, or
    says what of audit's own the input is.

    `described` counts the records that were looked at for it.
    """

    records: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    readers: dict[str, int] = field(default_factory=dict)
    unknown: str = ""
    described: int = 0

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
        self._calls: list[Call] = []
        self._places: list[tuple[str, int, int, int]] = []
        self._characters = 0
        self._rejects: list[tuple[Any, ...]] = []
        self._pending: list[tuple[Any, ...]] = []
        self._counters: dict[int, Counters] = {}
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to take what was collected."""
        return self._size >= _BATCH_ROWS or self._characters >= _BATCH_CHARACTERS

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
        self._size += 1

    def wait(self, source: int, line: int, reader: str, key: str, payload: bytes) -> None:
        """Keep a record until its whole group is there."""
        self._pending.append((reader, key, source, line, payload))
        self._size += 1 + len(payload) // 4096

    def add(self, call: Call, reader: str, source: int, line: int, record: Any, ordinal: int) -> None:
        """Add one call; `record` is where it came from, `ordinal` its number among the calls of that record."""
        if self._options.tags:
            apply_tags(call, self._options.tags)
        self._calls.append(call)
        self._places.append((reader, source, line, identity(call, record, ordinal)))
        for segment in call.segments:
            self._characters += len(segment.text)
        self._size += 1

    def take(self) -> Batch:
        """Everything collected, as tables; the memory of texts stays."""
        calls = self._calls
        parameters = [self._parameters.of(call) for call in calls]
        layout = lay_out(calls, [each.text for each in parameters], self._texts)
        workflows: list[tuple[int, str, str, str | None, int | None]] = []
        rows: list[tuple[Any, ...]] = []
        for row, (call, (reader, source, line, key)) in enumerate(zip(calls, self._places, strict=True)):
            signature = self._signatures.of(call, layout.hashes, layout.starts[row], parameters[row].response_format)
            if signature.workflow_id not in self._described:
                self._described.add(signature.workflow_id)
                workflows.append(astuple(signature))
            rows.append(request_row(call, reader, source, line, key, parameters[row], signature.workflow_id))
        counts, charges = _usage(calls, layout)
        batch = Batch(
            requests=_beside(columns.table(columns.REQUEST, rows), layout.keys, columns.table(columns.USAGE, counts)),
            segments=layout.segments,
            contents=self._contents(),
            charges=columns.table(columns.CHARGE, charges),
            workflows=columns.table(columns.WORKFLOW, workflows),
            rejects=columns.table(columns.REJECT, self._rejects),
            pending=columns.table(columns.PENDING, self._pending),
            counters=self._counters,
        )
        self._clear()
        return batch

    def _contents(self) -> pa.Table:
        keep = self._options.content
        rows = [
            (key, text if keep else None, known.folded_hash, known.characters, known.tokens[0])
            for key, text, known in self._texts.take_new()
        ]
        return columns.table(columns.CONTENT, rows)


def _usage(calls: list[Call], layout: Layout) -> tuple[list[tuple[Any, ...]], list[usage.ChargeRow]]:
    """Usage columns and charges of calls."""
    rows: list[tuple[Any, ...]] = []
    charges: list[usage.ChargeRow] = []
    for row, call in enumerate(calls):
        if usage.is_whole(call):
            rows.append(usage.logged(call, row, charges))
        else:
            texts = usage.TextTokens.of(
                *(int(each[row]) for each in (layout.asked, layout.inputs, layout.answered, layout.outputs))
            )
            rows.append(usage.estimated(call, row, texts, charges))
    return rows, charges


def _beside(*tables: pa.Table) -> pa.Table:
    """Tables of equal length as one."""
    arrays = [column for table in tables for column in table.columns]
    return pa.Table.from_arrays(arrays, names=[name for table in tables for name in table.schema.names])
