"""Which reader a record belongs to, decided record by record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit import plugins
from audit.readers import Reader
from audit.readers._mapped import mapped
from audit.readers._own import own_exports
from audit.wire.envelope import opened
from audit.wire.result_sets import rows_of

_CACHED_KEY_SETS = 20_000
_TRIED = 3
_OF_ONE_CALL = frozenset(
    {"messages", "input", "output", "inputs", "outputs", "content", "choices", "candidates", "contents", "tools"}
    | {"parts", "request", "response", "prompt", "completion", "body", "steps", "history"}
)
"""Lists under these keys are parts of one call, not calls."""
_LISTS = ("data", "result", "results", "records", "value", "values", "items", "runs", "logs", "Records", "traces")
_ENVELOPE = frozenset(
    {"meta", "metadata", "success", "errors", "messages", "result_info", "cursor", "has_more", "next", "first_id"}
    | {"last_id", "object", "count", "total", "links", "nextLink", "@odata.nextLink", "page", "pages", "limit"}
    | {"next_page", "next_page_token", "nextToken", "pagination", "status", "offset", "size", "sortable_by"}
)


def all_readers(mapping: Mapping[str, str], *, sets: bool = False) -> tuple[Reader, ...]:
    """Every reader found, the one that refuses what audit itself wrote (with `sets`, not its evaluation sets), and one
    for the user's own mapping, if there is one."""
    readers: tuple[Reader, ...] = (*plugins.find("readers", "READER"), own_exports(sets=sets))
    return (*readers, mapped(mapping)) if mapping else readers


class Classifier:
    """Finds the reader of a record: candidates by its keys (kept per key set), then the most certain `detect`."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers
        self._candidates: dict[tuple[Any, ...], tuple[Reader, ...]] = {}
        self._wrappers: dict[tuple[Any, ...], str | None] = {}

    def reader(self, record: Mapping[str, Any]) -> Reader | None:
        """The reader that is surest about a record, None when no one knows it."""
        keys = tuple(record)
        candidates = self._candidates.get(keys)
        if candidates is None:
            candidates = self._find(keys)
        if not candidates:
            return None
        best, found = 0, None
        for reader in candidates:
            try:
                certainty = reader.detect(record)
            except Exception:  # a reader must not stop the others; a record it can't look at is not its own
                continue
            if certainty > best:
                best, found = certainty, reader
        return found

    def certainties(self, record: Mapping[str, Any]) -> dict[str, int]:
        """How sure each candidate is, by reader name; for explanations."""
        return {reader.name: reader.detect(record) for reader in self._find(tuple(record))}

    def unwrapped(self, record: Mapping[str, Any]) -> list[Any] | None:
        """The records inside an object that only wraps a list of them (`{"data": […], "meta": …}`), else None."""
        keys = tuple(record)
        name = self._wrappers.get(keys, "")
        if name == "":
            if len(self._wrappers) >= _CACHED_KEY_SETS:
                self._wrappers.clear()
            name = self._wrappers[keys] = _wrapped_under(keys)
        if name is None:
            return None
        inner = record[name]
        # an envelope has nothing to say; a conversation beside the list is a record of its own
        if record.get("messages") or not inner:
            return None
        if isinstance(inner, dict):
            return [inner]
        return inner if isinstance(inner, list) and all(isinstance(item, dict) for item in inner) else None

    def inside(self, record: Mapping[str, Any]) -> list[Any] | None:
        """What a record that no reader knows holds: the rows of a query's answer, a list of known records beside other
        things, or one known record in a log shipper's envelope; else None."""
        rows = self._rows(record, 2)
        if rows is not None:
            return rows
        if all(isinstance(value, dict) for value in record.values()) and _OF_ONE_CALL.isdisjoint(record):
            # calls under their ids
            values = list(record.values())
            if any(self._is_known(value) for value in values[:_TRIED]):
                return values
        for key, value in record.items():
            if key in _OF_ONE_CALL:
                continue
            if isinstance(value, dict) and len(value) <= _TRIED * 2:
                # a search result: {"took": 3, "hits": {"total": …, "hits": […]}}
                value = next((held for held in value.values() if isinstance(held, list)), None)
            if isinstance(value, list) and any(self._is_known(item) for item in value[:_TRIED]):
                return value
        inner = opened(record)
        return [inner] if inner is not None and self._is_known(inner) else None

    def knows(self, record: Mapping[str, Any]) -> bool:
        """Whether some reader knows a record, or what it holds."""
        return self._is_known(record) or self.inside(record) is not None

    def _is_known(self, item: Any, envelopes: int = 2) -> bool:
        if not isinstance(item, dict):
            return False
        if self.unwrapped(item) is not None or self.reader(item) is not None:
            return True
        inner = opened(item) if envelopes else None
        if inner is not None and self._is_known(inner, envelopes - 1):
            return True
        return envelopes > 0 and self._rows(item, envelopes - 1) is not None

    def _rows(self, record: Mapping[str, Any], envelopes: int) -> list[Any] | None:
        """The rows of a query's answer, if they are known."""
        rows = rows_of(record)
        return rows if rows is not None and any(self._is_known(row, envelopes) for row in rows[:_TRIED]) else None

    def _find(self, keys: tuple[Any, ...]) -> tuple[Reader, ...]:
        known = frozenset(keys)
        found = tuple(reader for reader in self._readers if any(signature <= known for signature in reader.signatures))
        if len(self._candidates) >= _CACHED_KEY_SETS:
            self._candidates.clear()
        self._candidates[keys] = found
        return found


def _wrapped_under(keys: tuple[Any, ...]) -> str | None:
    # what lists a page of `content` says so; elsewhere that is the content of a message
    lists = [key for key in keys if key in _LISTS or (key == "content" and "page" in keys and "total" in keys)]
    return lists[0] if len(lists) == 1 and all(key in _ENVELOPE for key in keys if key != lists[0]) else None
