"""Which inputs the audit file knows, and which of them have grown since."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from audit.containers import Place, raw_chunks
from audit.ingest.blocks import BlockHash, whole_hash
from audit.store import Store

UNSETTLED = "unsettled"
"""Fact of an audit file that a run was stopped in: what only the whole log tells is still to be worked out."""

_EDGE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Grown:
    """A file whose first part was read as another source: where its new lines begin, and how many came before."""

    source_id: int
    start: int
    lines: int


class Catalog:
    """What the audit file knows of inputs read before."""

    def __init__(self, store: Store) -> None:
        rows = store.rows("SELECT source_id, path, bytes, modified_ns, content_hash, lines, edges FROM source")
        self.next_id = max((row["source_id"] for row in rows), default=0) + 1
        self._by_stamp = {}
        self._by_size: dict[int, dict[str, int]] = {}
        self._by_path = {}
        for row in rows:
            if row["modified_ns"] is not None:
                self._by_stamp[row["path"], row["bytes"], row["modified_ns"]] = row["source_id"]
            if row["content_hash"] is not None:
                self._by_size.setdefault(row["bytes"], {})[row["content_hash"]] = row["source_id"]
            if row["edges"] is not None:
                self._by_path[row["path"]] = row

    def find(self, place: Place) -> int | None:
        """The source an input is known as: same name, size and time of change, or else the same bytes."""
        if place.path is None or not place.size:
            # nothing, or a pipe or device: looking into it would take what it holds
            return None
        found: int | None = self._by_stamp.get((place.name, place.size, place.modified_ns))
        same_size = self._by_size.get(place.size)
        if found is not None or not same_size:
            return found
        seen = BlockHash()
        with place.open() as file:
            for chunk in raw_chunks(file):
                seen.update(chunk)
        return same_size.get(whole_hash(seen.digests()))

    def grown(self, place: Place) -> Grown | None:
        """How far a file of lines was read before, when all it did since is grow.

        Judged by its first and last 64 kB as they were: where they are the same, a log between them is too.
        """
        row = self._by_path.get(place.name)
        if row is None or place.path is None or place.size is None or place.size <= row["bytes"]:
            return None
        found, after = edges(place, row["bytes"])
        # a line that was cut is read again from its beginning
        return Grown(row["source_id"], row["bytes"] - after, row["lines"]) if found == row["edges"] else None


def edges(place: Place, size: int) -> tuple[str, int]:
    """A hash of the beginning and the end of a file's first `size` bytes, and how many of them follow the last line
    end."""
    with place.open() as file:
        head = file.read(min(_EDGE_BYTES, size))
        file.seek(max(0, size - _EDGE_BYTES))
        tail = file.read(min(_EDGE_BYTES, size))
    return blake2b(head + tail, digest_size=16).hexdigest(), len(tail) - (tail.rfind(b"\n") + 1)
