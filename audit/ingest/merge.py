"""Write batches to the audit file: each call once, each text once, with ids, sources and price models."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit.ingest import columns
from audit.ingest.charges import Pricing
from audit.ingest.conflicts import Conflicts
from audit.ingest.known import Known, first_of_each, hashes_of
from audit.ingest.result import FileResult
from audit.ingest.rows import Batch
from audit.ingest.work import UNREADABLE
from audit.readers._mapped import fuller
from audit.store import Store

_FLUSH_REQUESTS = 100_000
_FLUSH_BYTES = 160 << 20
_CHARGED = columns.CHARGE.names[1:]
_WAITING = (
    "CREATE TEMP TABLE waiting_record (reader VARCHAR, group_key VARCHAR, source INTEGER, line BIGINT, payload BLOB, "
    "number BIGINT)"
)


@dataclass(slots=True)
class _Held:
    """Batches not yet written."""

    batches: list[tuple[Batch, int]] = field(default_factory=list)
    requests: int = 0
    bytes: int = 0


class Merge:
    """Takes batches in order and writes them; `files` are the results by number of the input."""

    def __init__(self, store: Store, files: list[FileResult], pricing: Pricing) -> None:
        self._store = store
        self._files = files
        self._pricing = pricing
        self._priced: dict[tuple[str | None, str | None], tuple[str | None, str | None]] = {}
        self._identities = Known(hashes_of(store.query("SELECT identity FROM request")["identity"]))
        self._contents = Known(hashes_of(store.query("SELECT content_hash FROM content")["content_hash"]))
        self._workflows = {row["workflow_id"] for row in store.rows("SELECT workflow_id FROM workflow")}
        self.next_id = int(store.value("SELECT MAX(request_id) FROM request") or 0) + 1
        self._conflicts = Conflicts(store)
        self._held = _Held()
        self.waiting = 0
        self._kept = 0
        self.seen = 0

    def add(self, batch: Batch, first_line: int = 0) -> None:
        """Take a batch; `first_line` is added to its line numbers."""
        self._held.batches.append((batch, first_line))
        self._held.requests += batch.requests.num_rows
        self.seen += batch.requests.num_rows
        self.waiting += batch.pending.num_rows
        self._held.bytes += batch.contents.nbytes + batch.segments.nbytes + batch.pending.nbytes

    @property
    def is_full(self) -> bool:
        """Whether it is time to flush."""
        return self._held.requests >= _FLUSH_REQUESTS or self._held.bytes >= _FLUSH_BYTES

    def flush(self) -> set[int]:
        """Write what is held; returns the numbers of the inputs it came from. Charges are left in `staged_charge`."""
        held, self._held = self._held, _Held()
        self._stage([])
        if not held.batches:
            return set()
        for batch, _ in held.batches:
            self._count(batch)
        self._write_rejects(_joined([_moved(batch.rejects, line) for batch, line in held.batches]))
        self._write_waiting(_joined([_moved(batch.pending, line) for batch, line in held.batches]))
        self._write_workflows(_joined([batch.workflows for batch, _ in held.batches]))
        self._write_contents(_joined([batch.contents for batch, _ in held.batches]))
        if held.requests:
            self._write_calls(held)
        return {source for batch, _ in held.batches for source in batch.counters}

    def _count(self, batch: Batch) -> None:
        for source, counters in batch.counters.items():
            file = self._files[source]
            file.records += counters.records
            file.readers.update(counters.readers)
            file.skipped.update(counters.skipped)
            file.unknown = fuller(file.unknown, counters.unknown)

    def _write_calls(self, held: _Held) -> None:
        requests = _joined([_moved(batch.requests, line) for batch, line in held.batches])
        offsets = np.cumsum([0, *(batch.requests.num_rows for batch, _ in held.batches)])
        ids, duplicates = self._give_ids(requests)
        requests = requests.append_column("request_id", pa.array(ids))
        kept = requests.filter(pa.array(ids > 0))
        self._write_duplicates(requests, duplicates)
        added = np.ones(len(ids), dtype=np.bool_)
        added[list(duplicates)] = False
        self._count_calls(requests.filter(pa.array(added)))
        self._store.write("request", self._with_source(self._with_price_model(kept)))
        self._store.write("segment", _placed([batch.segments for batch, _ in held.batches], offsets, ids))
        self._stage([_placed([batch.charges for batch, _ in held.batches], offsets, ids)])

    def _stage(self, tables: list[pa.Table]) -> None:
        """Leave charges to be priced, numbered."""
        charges = tables[0] if tables else columns.CHARGE.empty_table().rename_columns(["request_id", *_CHARGED])
        first = self._pricing.charge_ids(charges.num_rows)
        numbers = np.arange(first, first + charges.num_rows)
        self._store.replace("staged_charge", charges.append_column("charge_id", pa.array(numbers)))

    def _give_ids(self, requests: pa.Table) -> tuple[npt.NDArray[np.int64], dict[int, tuple[int, str]]]:
        """A request id for each row that is kept (0 for the others), and for each known call its id and why."""
        identities = hashes_of(requests["identity"])
        known = self._identities.contains(identities)
        ids = np.zeros(len(identities), dtype=np.int64)
        duplicates: dict[int, tuple[int, str]] = {}
        fresh = ~known & first_of_each(identities)
        if fresh.all():
            ids[:] = np.arange(self.next_id, self.next_id + len(ids))
            self.next_id += len(ids)
        else:
            self.next_id = self._conflicts.settle(requests, known, ids, duplicates, self.next_id)
        self._identities.add(np.unique(identities[~known]))
        return ids, duplicates

    def _with_price_model(self, requests: pa.Table) -> pa.Table:
        known = self._priced
        providers, models = [], []
        names = zip(
            _listed(requests, "provider_name"),
            _listed(requests, "response_model"),
            _listed(requests, "request_model"),
            strict=True,
        )
        for provider, answered, asked in names:
            key = (provider, answered or asked)
            found = known.get(key)
            if found is None:
                found = known[key] = self._pricing.price_model(*key)
            providers.append(found[0])
            models.append(found[1])
        requests = requests.append_column("price_provider", pa.array(providers, pa.string()))
        return requests.append_column("price_model", pa.array(models, pa.string()))

    def _with_source(self, table: pa.Table) -> pa.Table:
        """The table with the number of the input replaced by the id of the source."""
        ids = np.array([each.source_id or 0 for each in self._files], dtype=np.int32)
        place = table.schema.get_field_index("source")
        return table.set_column(place, "source_id", pa.array(ids[table["source"].to_numpy()]))

    def _count_calls(self, requests: pa.Table) -> None:
        for source, count in Counter(_listed(requests, "source")).items():
            self._files[source].accepted += count
        sources = zip(_listed(requests, "source"), _listed(requests, "usage_source"), strict=True)
        for (source, kind), count in Counter(sources).items():
            if kind == "estimated":
                self._files[source].usage_estimated += count
            elif kind == "unknown":
                self._files[source].usage_unknown += count

    def _write_duplicates(self, requests: pa.Table, duplicates: dict[int, tuple[int, str]]) -> None:
        if not duplicates:
            return
        rows = pa.array(list(duplicates), pa.int64())
        table = requests.select(["source", "line"]).take(rows)
        for source, (_, reason) in zip(_listed(table, "source"), duplicates.values(), strict=True):
            self._files[source].duplicates[reason] += 1
        table = table.append_column("request_id", pa.array([each[0] for each in duplicates.values()], pa.int64()))
        table = table.append_column("reason", pa.array([each[1] for each in duplicates.values()], pa.string()))
        self._store.write("duplicate_record", self._with_source(table))

    def _write_contents(self, contents: pa.Table) -> None:
        hashes = hashes_of(contents["content_hash"])
        new = first_of_each(hashes) & ~self._contents.contains(hashes)
        if not new.all():
            contents = contents.filter(pa.array(new))
        self._contents.add(hashes[new])
        self._store.write("content", contents)

    def _write_workflows(self, workflows: pa.Table) -> None:
        rows = {row["workflow_id"]: row for row in workflows.to_pylist() if row["workflow_id"] not in self._workflows}
        self._workflows.update(rows)
        if rows:
            self._store.write("workflow", pa.Table.from_pylist(list(rows.values()), columns.WORKFLOW))

    def _write_rejects(self, rejects: pa.Table) -> None:
        if rejects.num_rows:
            reasons = zip(_listed(rejects, "source"), _listed(rejects, "reason"), strict=True)
            for (source, reason), count in Counter(reasons).items():
                self._files[source].rejected[reason] += count
                if reason == UNREADABLE:
                    self._files[source].error = f"{self._files[source].name}: can't be read"
            self._store.write("reject", self._with_source(rejects))

    def _write_waiting(self, pending: pa.Table) -> None:
        if not pending.num_rows:
            return
        if not self._kept:
            self._store.run(_WAITING)
        numbers = np.arange(self._kept, self._kept + pending.num_rows)
        self._kept += pending.num_rows
        self._store.write("waiting_record", pending.append_column("number", pa.array(numbers)))


def _listed(table: pa.Table, name: str) -> list[Any]:
    values: list[Any] = table[name].to_pylist()
    return values


def _joined(tables: list[pa.Table]) -> pa.Table:
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables)


def _moved(table: pa.Table, first_line: int) -> pa.Table:
    """The table with its line numbers moved on."""
    if not first_line or not table.num_rows:
        return table
    place = table.schema.get_field_index("line")
    return table.set_column(place, table.schema.field(place), pc.add(table["line"], first_line))


def _placed(tables: list[pa.Table], offsets: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]) -> pa.Table:
    """The rows of calls that are kept, with the call's id instead of its row in its batch."""
    table = _joined(tables)
    rows = table["request"].to_numpy() + np.repeat(offsets[:-1], [each.num_rows for each in tables])
    given = ids[rows]
    table = table.set_column(table.schema.get_field_index("request"), "request_id", pa.array(given))
    kept = given > 0
    return table if kept.all() else table.filter(pa.array(kept))
