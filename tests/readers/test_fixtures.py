"""Every folder under fixtures/ is named after a reader; its expected.json says what each log in it must add up to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.plugins import find
from audit.wire.times import to_us

FIXTURES = Path(__file__).parent / "fixtures"
CASES = [
    (folder.name, log, wanted)
    for folder in sorted(FIXTURES.iterdir())
    for log, wanted in json.loads((folder / "expected.json").read_text()).items()
]


@pytest.mark.parametrize(("reader", "log", "wanted"), CASES, ids=[f"{reader}/{log}" for reader, log, _ in CASES])
def test_log_adds_up(reader: str, log: str, wanted: dict[str, Any], read: Callable[..., Any]) -> None:
    found = read(FIXTURES / reader / log)
    totals = found.totals()
    totals["first"], totals["last"] = totals.pop("first_us"), totals.pop("last_us")
    totals["skips"] = sorted(found.skips)
    totals["rejects"] = sorted(found.rejects)
    totals["readers"] = sorted(set(found.readers))
    totals["unknown"] = found.unknown
    totals["text"] = [call.text_status for call in found.calls]
    totals["tiers"] = sorted({call.service_tier for call in found.calls if call.service_tier})
    totals["logged_cost_usd"] = round(sum(call.logged_cost_usd or 0 for call in found.calls if call.status == "ok"), 12)
    for role in ("user", "team", "feature", "environment"):
        totals[role] = sorted({value for call in found.calls if (value := getattr(call, role))})
    wanted = {"readers": [reader], "unknown": 0, **wanted}
    for key in ("first", "last"):
        if key in wanted:
            wanted[key] = to_us(wanted[key])
    assert {key: totals[key] for key in wanted} == wanted


def test_folders_are_named_after_readers() -> None:
    names = {reader.name for reader in find("readers", "READER")}
    assert {folder.name for folder in FIXTURES.iterdir()} <= names
