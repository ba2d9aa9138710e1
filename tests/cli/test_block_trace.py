"""Traces that name the blocks of their prompts, against a plain loop over the same blocks."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

BLOCK = 512


def trace(seed: int) -> list[dict[str, Any]]:
    """Conversations that grow by whole blocks, and prompts of their own; times in milliseconds from the start."""
    dice, names, rows = random.Random(seed), iter(range(10**6)), []
    for session in range(60):
        at, blocks = dice.randrange(3_000_000), [next(names) for _ in range(dice.randint(1, 6))]
        for _ in range(dice.randint(1, 5)):
            last = dice.randint(1, BLOCK)
            rows.append({"timestamp": at, "input_length": BLOCK * len(blocks) + last, "output_length": 20 + session,
                         "hash_ids": [*blocks, next(names)]})  # fmt: skip
            blocks = blocks + [next(names) for _ in range(dice.randint(1, 3))]
            at += dice.choice((20_000, 100_000, 290_000, 310_000, 900_000))
    return sorted(rows, key=lambda row: row["timestamp"])


def cached(rows: list[dict[str, Any]], life_ms: float, least: int, step: int) -> int:
    """Tokens read by a cache that keeps every prefix of whole blocks so long since it was last used."""
    used: dict[tuple[int, ...], int] = {}
    total = 0
    for row in rows:
        best = 0
        for count in range(1, len(row["hash_ids"])):
            prefix = tuple(row["hash_ids"][:count])
            if prefix in used and row["timestamp"] - used[prefix] <= life_ms:
                best = count * BLOCK
            used[prefix] = row["timestamp"]
        best = best // step * step
        total += best if best >= least else 0
    return total


def predicted(audit: Any, folder: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    log, db = folder / "trace.jsonl", folder / "trace.duckdb"
    log.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert audit("ingest", log, "--db", db).code == 0
    document = audit("summary", "--json", "--db", db).document
    assert document["period"]["start"] is None
    (only,) = document["prompt_cache_calibration"]
    found: dict[str, Any] = only
    return found


def test_a_trace_of_a_priced_model_is_played_by_its_rules(audit: Any, tmp_path: Path) -> None:
    rows = trace(1)
    found = predicted(audit, tmp_path, [{**row, "model": "gpt-4o"} for row in rows])
    assert found["predicted_tokens"] == pytest.approx(cached(rows, 300_000, 1024, 128), rel=0.005)
    assert found["billed_tokens"] is None
    assert found["share_error"] is None


def test_a_trace_of_no_model_is_played_by_a_cluster_that_keeps_everything(audit: Any, tmp_path: Path) -> None:
    rows = trace(2)
    found = predicted(audit, tmp_path, rows)
    assert found["predicted_tokens"] == pytest.approx(cached(rows, float("inf"), 1, 1), rel=0.005)
    assert found["life_seconds"] is None
