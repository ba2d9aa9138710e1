"""A bucket holds one file for each call: what people are shown stays short, and what is wrong comes first."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def _call(number: int) -> str:
    return json.dumps(
        {
            "timestamp": "2026-10-01T10:00:00Z",
            "request": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"hello {number}"}]},
            "response": {
                "id": f"chatcmpl-{number}", "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
            },
        }
    )  # fmt: skip


def test_files_with_trouble_are_named_and_the_others_counted(audit: Run, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(60):
        (logs / f"{number:03d}.json").write_text(_call(number))
    for number in range(25):
        (logs / f"z{number:03d}.json").write_text('{"level": "info", "msg": "started"}')
    db = tmp_path / "audit.duckdb"
    ran = audit("ingest", logs, "--db", db)
    assert ran.code == 0
    assert "60 calls added" in ran.out
    assert "from 85 files, of which 20 are listed" in ran.out
    assert "z000.json" in ran.out
    assert "059.json" not in ran.out
    assert ran.err.count("1 rejected: not_an_llm_record") == 20
    assert "and 5 more files like these" in ran.err
    page = tmp_path / "report.html"
    assert audit("report", "--db", db, "-o", page).code == 0
    html = page.read_text(encoding="utf-8")
    assert "85 files, of which 40 are listed" in html
    assert html.count(".json</td>") >= 40
