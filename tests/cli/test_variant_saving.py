"""From `audit replay --variant` to a saving of class C in `audit savings`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.peer import Peer

LABELS = ("refund", "shipping", "invoice", "login")


def record(number: int) -> dict[str, Any]:
    label = LABELS[number % 4]
    return {
        "request": {"model": "gpt-4o", "messages": [
            {"role": "system", "content": "Sort the ticket: refund, shipping, invoice or login."},
            {"role": "user", "content": f"Ticket {number}: please help me with my {label}, order {7919 * number}"}]},
        "response": {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_790_000_000 + 9_000 * number,
                     "model": "gpt-4o", "choices": [{"index": 0, "finish_reason": "stop",
                                                     "message": {"role": "assistant", "content": label}}],
                     "usage": {"prompt_tokens": 200, "completion_tokens": 40, "total_tokens": 240}},
    }  # fmt: skip


def test_a_safe_variant_becomes_a_measured_saving(audit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, db = tmp_path / "log.jsonl", tmp_path / "a.duckdb"
    log.write_text("".join(json.dumps(record(number)) + "\n" for number in range(150)))
    assert audit("ingest", log, "--db", db, "--json").code == 0

    def label(body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        return next(each for each in LABELS if each in asked)

    with Peer(label) as peer:
        peer.stand_in(monkeypatch)
        peer.prompt_tokens, peer.completion_tokens = 220, 10
        ran = audit("replay", "--variant", "concise", "--sample", "150", "--no-floor", "--yes", "--db", db, "--json")
    assert ran.code == 0, ran.err
    (verdict,) = ran.document["by_candidate"]
    assert (verdict["variant"], verdict["verdict"]) == ("concise", "safe")
    levers = {each["name"]: each for each in audit("savings", "--db", db, "--json").document["levers"]}
    found = levers["certified_variants"]
    saved = 150 * (30 * 10.0 - 20 * 2.5) / 1e6
    assert (found["evidence"], found["requests"]) == ("C", 150)
    assert found["attributed_usd"] == pytest.approx(saved)
