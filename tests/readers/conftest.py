from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit.call import Call, Outcome, Reject, Skip
from audit.containers import raw_chunks, records
from audit.plugins import find
from audit.readers import Reader

FIXTURES = Path(__file__).parent.parent / "fixtures"


def decoded(path: Path) -> list[dict[str, Any]]:
    """The JSON records of a file, one per line, in one array, or under `data`/`result`/`records`; lines that are no
    JSON are left out."""
    if path.suffix in (".parquet", ".db"):
        with path.open("rb") as file:
            return [item[2] for item in records(raw_chunks(file), path)]
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    if path.suffix == ".json" and "\n{" not in text.strip():
        whole = json.loads(text)
        if isinstance(whole, dict):
            whole = next(
                (whole[key] for key in ("data", "result", "records") if isinstance(whole.get(key), list)), [whole]
            )
        return list(whole)
    found = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def reader_of(record: Mapping[str, Any]) -> Reader | None:
    """The reader that is surest about a record, among those whose signature its keys hold."""
    keys = frozenset(record)
    best, chosen = 0, None
    for reader in find("readers", "READER"):
        if any(signature <= keys for signature in reader.signatures):
            certainty = reader.detect(record)
            if certainty > best:
                best, chosen = certainty, reader
    return chosen


@dataclass
class Read:
    outcomes: list[Outcome] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    unknown: int = 0

    @property
    def calls(self) -> list[Call]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Call)]

    @property
    def skips(self) -> list[str]:
        return [outcome.reason for outcome in self.outcomes if isinstance(outcome, Skip)]

    @property
    def rejects(self) -> list[str]:
        return [outcome.reason for outcome in self.outcomes if isinstance(outcome, Reject)]

    def totals(self) -> dict[str, Any]:
        """The figures an expected.json entry holds, by its rules."""
        billable = [call for call in self.calls if call.status == "ok"]
        usages = [call.usage for call in billable if call.usage is not None]
        times = [call.started_at_us for call in self.calls if call.started_at_us is not None]
        return {
            "billable_requests": len(billable),
            "failed_requests": sum(call.status == "failed" for call in self.calls),
            "gateway_cache_hits": sum(call.status == "cache_hit" for call in self.calls),
            "usage_unknown_requests": sum(call.usage is None for call in billable),
            "input_tokens_total": sum(usage.input_tokens or 0 for usage in usages),
            "cache_read_tokens": sum(usage.cache_read_input_tokens or 0 for usage in usages),
            "cache_write_tokens": sum(
                (usage.cache_write_5m_input_tokens or 0) + (usage.cache_write_1h_input_tokens or 0) for usage in usages
            ),
            "output_tokens": sum(usage.output_tokens or 0 for usage in usages),
            "reasoning_tokens": sum(usage.reasoning_output_tokens or 0 for usage in usages),
            "models": sorted(
                {
                    name
                    for call in billable
                    if (name := call.request_model if call.response_model is None else call.response_model) is not None
                }
            ),
            "first_us": min(times, default=None),
            "last_us": max(times, default=None),
        }


def read_all(records: Iterable[Mapping[str, Any]]) -> Read:
    """Every record through the reader that is surest about it, grouped ones together."""
    result = Read()
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in records:
        reader = reader_of(record)
        if reader is None:
            result.unknown += 1
            continue
        result.readers.append(reader.name)
        key = "the whole file" if reader.whole_file else reader.group(record) if reader.group else None
        if key is None:
            result.outcomes.extend(reader.read(record))
        else:
            groups.setdefault((reader.name, key), []).append(record)
    by_name = {reader.name: reader for reader in find("readers", "READER")}
    for (name, _), members in groups.items():
        group_reader = by_name[name].read_group
        assert group_reader is not None
        result.outcomes.extend(group_reader(members))
    return result


@pytest.fixture(scope="session")
def read() -> Callable[..., Read]:
    """Read records given directly, or the file of that name under tests/fixtures."""

    def reading(*what: Any) -> Read:
        if len(what) == 1 and isinstance(what[0], str | Path):
            return read_all(decoded(FIXTURES / what[0]))
        return read_all(what)

    return reading
