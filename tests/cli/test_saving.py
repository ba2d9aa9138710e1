"""What `audit savings` shows on a terminal of eighty columns, and which month figures may go below nothing."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from audit import console, figures
from tests.cli.conftest import SAMPLES


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """A terminal of eighty columns; what it was sent."""
    sent = StringIO()
    terminal = Console(file=sent, force_terminal=True, width=80, color_system=None, highlight=False)
    monkeypatch.setattr(console, "out", terminal)
    return sent


def test_names_stand_whole_and_findings_say_what_to_do(audit: Any, sample_db: Path, narrow: StringIO) -> None:
    document = audit("savings", "--db", sample_db, "--json").document
    narrow.truncate(0)
    assert audit("savings", "--db", sample_db).code == 0
    lines = narrow.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    measured = [lever for lever in (*document["levers"], *document["scenarios"]) if not lever["blocked"]]
    assert len(measured) > 10
    for lever in measured:
        assert any(line.startswith(f"{lever['title']} ") for line in lines), lever["title"]
    whole = " ".join(" ".join(lines).split())
    for lever in document["levers"]:
        if lever["attributed_usd"] > 0:
            assert lever["findings"], lever["name"]
            assert lever["findings"][0] in whole
            assert f"What to do: {lever['fix']}" in whole
            careful = lever["risk"] != "low" or lever["evidence"] in ("C", "D")
            assert (f": {lever['conditions'][0]}" in whole) == careful, lever["name"]
    assert audit("savings", "--db", sample_db, "--findings", "0").code == 0


def test_an_ingest_says_of_similar_questions_what_the_savings_say(audit: Any, tmp_path: Path) -> None:
    log, db = SAMPLES / "support-openai-chat.jsonl.gz", tmp_path / "a.duckdb"
    assert "similar questions" not in audit("ingest", log, "--db", db).out, "the savings look for them by themselves"
    levers = {lever["name"]: lever for lever in audit("savings", "--db", db, "--json").document["levers"]}
    reason = levers["semantic_cache"]["blocked"]
    assert "not certified in any workflow" in reason
    assert "no better in 1 other workflow" in reason


def logged(path: Path, model: str, status: int) -> Path:
    """Twenty calls of a model that succeeded, or failed with a status."""
    body = {"id": "x", "object": "chat.completion", "model": model, "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}}  # fmt: skip
    failed = {"error": {"message": "slow down", "type": "rate_limit_error", "code": status}}
    records = [
        {"timestamp": 1_790_000_000 + 9_000 * number, "status": status,
         "request": {"model": model, "messages": [{"role": "user", "content": f"Is {number} odd?"}]},
         "response": {**body, "id": f"chatcmpl-{number}"} if status == 200 else failed}
        for number in range(20)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def test_what_has_no_price_is_unknown_and_reasons_are_said_once(audit: Any, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    audit("ingest", logged(tmp_path / "a.jsonl", "nobodys-model", 200), "--db", db)
    ran = audit("savings", "--db", db)
    assert ran.out.splitlines()[0] == "What could be saved is unknown: 20 requests without a price."
    assert "Levers in rollout order" not in ran.out
    assert (ran.out + ran.err).count("no request could be priced") == 1
    assert audit("savings", "--db", db, "--json").document["baseline"]["unpriced_requests"] == 20


def test_a_log_of_failures_alone_asks_for_no_other_setting(audit: Any, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    audit("ingest", logged(tmp_path / "a.jsonl", "gpt-4o", 429), "--db", db)
    ran = audit("savings", "--db", db)
    assert (ran.code, (ran.out + ran.err).count("no request was billed")) == (0, 1)
    assert "to log it" not in ran.out + ran.err


def test_what_can_only_save_is_not_said_to_cost(audit: Any, sample_db: Path) -> None:
    levers = {lever["name"]: lever for lever in audit("savings", "--db", sample_db, "--json").document["levers"]}
    assert levers["output_outliers"]["monthly_interval_usd"][0] == 0
    assert levers["batch"]["monthly_interval_usd"][0] >= 0


@pytest.mark.parametrize(("number", "said"), [(1, "1 day"), (0, "0 days"), (30, "30 days"), (1200, "1,200 days")])
def test_one_is_not_plural(number: int, said: str) -> None:
    assert figures.things(number, "day") == said
