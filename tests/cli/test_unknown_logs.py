"""Logs that no reader knows: what was seen, and a line that reads them once it is complete."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import store
from tests.cli.conftest import Ran

Run = Callable[..., Ran]
TABLE = "when,engine_used,tokens_sent,tokens_got,question,reply,who\n2026-09-01T10:00:00Z,house-7b,100,10,hi,hello,u1\n"
EVENT = {"evt": {"at": 1788256800, "llm": {"name": "gpt-4o"}, "counts": {"sent": 100, "got": 10}}, "it's who": "u1"}


def completed(line: str) -> list[str]:
    """The `--map` options of a printed line, without those that are still to complete."""
    words = shlex.split(line[line.index("--map") :])
    pairs = zip(words[::2], words[1::2], strict=True)
    return [word for option, pair in pairs if not pair.endswith("<column>") for word in (option, pair)]


@pytest.mark.parametrize("text", [TABLE, json.dumps(EVENT)], ids=["table", "object"])
def test_the_printed_line_reads_the_log(text: str, audit: Run, tmp_path: Path) -> None:
    path, db = tmp_path / "odd log", tmp_path / "a.duckdb"
    path.write_text(text)
    refused = audit("ingest", path, "--db", db)
    assert refused.code == 1
    (line,) = [line for line in refused.err.splitlines() if "--map" in line]
    read = audit("ingest", path, "--db", db, "--json", *completed(line))
    with store.open(db) as opened:
        assert [row["path"] for row in opened.rows("SELECT path FROM source")] == [str(path)]
    assert (read.code, read.document["accepted"]) == (0, 1)
    totals = audit("summary", "--db", db, "--json").document
    assert (totals["input_tokens"], totals["output_tokens"], totals["period"]["start"]) == (
        100,
        10,
        "2026-09-01T10:00:00Z",
    )


@pytest.mark.parametrize("text", [TABLE, json.dumps(EVENT)], ids=["table", "object"])
def test_a_look_at_the_log_ends_with_the_command_that_reads_it(text: str, audit: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd log"
    path.write_text(text)
    (line,) = [line for line in audit("sniff", path).out.splitlines() if "--map" in line]
    words = shlex.split(line.partition(": ")[2])
    assert words[:3] == ["audit", "ingest", str(path)]
    looked = audit("sniff", path, "--json", *completed(line)).document
    assert [row["reader"] for row in looked] == ["mapped"]


def test_the_records_of_a_log_read_again_add_up(audit: Run, tmp_path: Path) -> None:
    path, db = tmp_path / "log.jsonl", tmp_path / "a.duckdb"
    known = {"model": "gpt-4o", "input_tokens": 10, "output_tokens": 1}
    odd = {"engine_used": "house-7b", "sent": 100, "got": 10}
    path.write_text("".join(json.dumps(each) + "\n" for each in (known, odd, odd | {"sent": 200}, {"msg": "up"})))
    mapping = ("--map", "model=engine_used", "--map", "input_tokens=sent", "--map", "output_tokens=got")
    for more in ((), mapping):
        assert audit("ingest", path, "--db", db, *more).code == 0
        with store.open(db) as opened:
            sources = opened.rows("SELECT records, accepted, skipped, duplicates, rejected FROM source")
        for row in sources:
            assert row.pop("records") == sum(row.values())
    assert sum(row["accepted"] for row in sources) == 3
    assert sum(row["rejected"] for row in sources) == 1


def test_columns_cannot_write_to_the_terminal(audit: Run, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        json.dumps({"\x1b[31mlevel": "x", "[bold]model\u202e": "[red]gpt-4o[/red]", "`id`": "$(id)"}) + "\n"
    )
    for ran in (audit("ingest", path, "--db", tmp_path / "a.duckdb"), audit("sniff", path)):
        assert "\x1b[31m" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err
        assert "--map" in ran.out + ran.err


def test_a_log_of_failures_alone_is_read(audit: Run, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        json.dumps({"model": "gpt-4o", "prompt_tokens": 0, "completion_tokens": 0, "status_code": 500}) + "\n"
    )
    ran = audit("ingest", tmp_path / "log.jsonl", "--db", tmp_path / "a.duckdb")
    assert (ran.code, ran.err) == (0, "")


def test_a_log_of_nothing_is_said_to_be_one(audit: Run, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    ran = audit("ingest", tmp_path / "log.jsonl", "--db", tmp_path / "a.duckdb")
    assert ran.code == 1
    assert ": no records" in ran.err


def test_a_missing_log_is_named_once(audit: Run, tmp_path: Path) -> None:
    ran = audit("ingest", tmp_path / "none.jsonl", "--db", tmp_path / "a.duckdb")
    assert (ran.code, ran.err.count("none.jsonl")) == (1, 1)


def test_the_line_to_map_with_is_that_of_the_record_most_like_a_call(audit: Run, tmp_path: Path) -> None:
    path = tmp_path / "service.jsonl"
    path.write_text(
        '{"at": "2025-10-09T08:50:00Z", "note": "started", "port": 8080}\n'
        '{"at": "2025-10-09T08:50:01Z", "llm_name": "house-7b", "asks": {"n_in": 12}, "who": "u1"}\n'
    )
    refused = audit("ingest", path, "--db", tmp_path / "a.duckdb")
    assert refused.code == 1
    assert "--map model=llm_name" in refused.err
