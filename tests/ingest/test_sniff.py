from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import ReadError
from audit.ingest import sniff
from tests.ingest.logs import pair, write

FIXTURES = Path(__file__).parent.parent / "fixtures"


def test_each_record_is_told_with_its_reason() -> None:
    rows = sniff(FIXTURES / "nasty" / "n04_mixed_formats.jsonl")
    assert [(row.line, row.reader) for row in rows] == [
        (1, "openai_chat"),
        (2, "anthropic_messages"),
        (3, "litellm_payload"),
        (4, None),
        (5, None),
        (6, "openai_chat"),
    ]
    assert [row.result for row in rows[:5]] == ["call", "call", "call", "reject: not_an_llm_record", "reject: not_json"]
    assert "litellm_payload 30" in rows[2].detail
    assert "columns: level, msg, port" in rows[3].detail
    assert "--map" in rows[3].suggestion


def test_groups_and_wrappers() -> None:
    sessions = sniff(FIXTURES / "logs" / "18a_claude_code.jsonl")
    assert any(row.result == "read with its group" for row in sessions)
    wrapped = sniff(FIXTURES / "logs" / "07d_langfuse_api_v2.json")
    assert {row.reader for row in wrapped} == {"langfuse_api"}
    assert len(wrapped) == 4


def test_no_more_than_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [pair(number) for number in range(50)])
    assert len(sniff(path, limit=3)) == 3
    assert len(sniff(tmp_path)) == 20


def test_what_is_not_there() -> None:
    with pytest.raises(ReadError, match="nowhere"):
        sniff("/nowhere/at/all.jsonl")
