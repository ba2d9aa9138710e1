"""Records that name no service tier, as most gateways write them, save what those of the standard tier do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RULES = "Check the contract against these rules. " + " ".join(
    f"Rule {number} speaks of harbour dues." for number in range(20)
)


def records(tier: str | None) -> str:
    lines = []
    for number in range(60):
        messages = [
            {"role": "system", "content": "You check contracts."},
            {"role": "user", "content": f"{RULES}\nContract {number}: the tenant pays.\n{RULES}"},
        ]
        answer = {
            "id": f"chatcmpl-{number}", "object": "chat.completion", "model": "gpt-4.1-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 600, "completion_tokens": 3, "total_tokens": 603},
        }  # fmt: skip
        lines.append(json.dumps({
            "timestamp": f"2026-10-{5 + number // 12:02d}T03:{number % 12:02d}:00Z", "metadata": {"job": "nightly"},
            "request": {"model": "gpt-4.1-mini", "messages": messages},
            "response": answer if tier is None else {**answer, "service_tier": tier},
        }))  # fmt: skip
    return "\n".join(lines)


def alone(audit: Any, folder: Path, tier: str | None) -> dict[str, float]:
    log, db = folder / f"{tier}.jsonl", folder / f"{tier}.duckdb"
    log.write_text(records(tier), encoding="utf-8")
    assert audit("ingest", log, "--db", db).code == 0
    return {each["name"]: each["alone_usd"] for each in audit("savings", "--json", "--db", db).document["levers"]}


def test_a_tier_nobody_named_is_the_standard_one(audit: Any, tmp_path: Path) -> None:
    unsaid, said = alone(audit, tmp_path, None), alone(audit, tmp_path, "default")
    assert unsaid == said
    assert unsaid["batch"] == pytest.approx(60 * (600 * 0.2 + 3 * 0.8) / 1e6)
    assert unsaid["repeated_text"] > 0
