"""Bad input: one clear line on stderr, the right exit code, nothing lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from audit import store

RECORD = (
    '{"timestamp":"2026-10-05T08:00:00Z","request":{"model":"gpt-4o-mini","messages":[{"role":"user","content":"%s"}]},'
    '"response":{"id":"chatcmpl-%s","object":"chat.completion","created":1791187200,"model":"gpt-4o-mini-2024-07-18",'
    '"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}}\n'
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(RECORD % (f"question {number}", number) for number in range(5)), encoding="utf-8")
    return path


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


def test_wrong_path(audit: Any, tmp_path: Path) -> None:
    ran = audit("ingest", tmp_path / "none.jsonl", "--db", tmp_path / "a.duckdb")
    assert ran.code in (1, 2)
    assert "none.jsonl" in one_line(ran.err)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"[]", b"\x89PNG\r\n\x1a\n" + bytes(range(256))])
def test_nothing_usable(audit: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    ran = audit("ingest", path, "--db", tmp_path / "a.duckdb")
    assert ran.code == 1
    assert one_line(ran.err)


def test_an_empty_file_is_the_same_the_second_time(audit: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    for each in (path, path, os.devnull):
        ran = audit("ingest", each, "--db", tmp_path / "a.duckdb")
        assert ran.code == 1
        assert "no usable record" in one_line(ran.err)


def test_a_pipe_is_read_where_an_empty_file_is_known(audit: Any, tmp_path: Path, log: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    audit("ingest", tmp_path / "empty.jsonl", "--db", tmp_path / "a.duckdb")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(log.read_bytes(),), daemon=True)
    writer.start()
    assert audit("ingest", pipe, "--db", tmp_path / "a.duckdb", "--json").document["accepted"] == 5


def test_a_line_of_nested_empty_lists_is_counted(audit: Any, tmp_path: Path, log: Path) -> None:
    log.write_text(log.read_text(encoding="utf-8") + "[[[]],[]]\n[]\n", encoding="utf-8")
    document = audit("ingest", log, "--db", tmp_path / "a.duckdb", "--json").document
    assert (document["records"], document["accepted"]) == (6, 5)
    assert document["rejected_by_reason"] == {"not_an_llm_record": 1}


def test_one_bad_file_does_not_stop_the_others(audit: Any, tmp_path: Path, log: Path) -> None:
    bad = tmp_path / "picture.jsonl"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    ran = audit("ingest", bad, log, "--db", tmp_path / "a.duckdb", "--json")
    assert ran.code == 0
    assert ran.document["accepted"] == 5
    assert ran.document["rejected_by_reason"] == {"not_text": 1}
    assert audit("ingest", bad, log, "--db", tmp_path / "b.duckdb", "--strict").code == 3


def test_truncated_gzip_keeps_what_is_whole(audit: Any, tmp_path: Path, log: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    whole = gzip.compress("".join(RECORD % (f"{n} " + "x" * 500, n) for n in range(400)).encode())
    path.write_bytes(whole[: len(whole) * 2 // 3])
    ran = audit("ingest", path, "--db", tmp_path / "a.duckdb", "--json")
    assert ran.code == 0
    assert 0 < ran.document["accepted"] < 400
    assert ran.document["rejected_by_reason"].get("truncated_gzip") == 1


def test_audit_file_missing_foreign_or_newer(audit: Any, tmp_path: Path) -> None:
    missing = audit("summary", "--db", tmp_path / "none.duckdb")
    assert missing.code == 1
    assert "no audit file" in one_line(missing.err)
    foreign = tmp_path / "foreign.duckdb"
    foreign.write_text("not a database, but long enough to look like a file of some kind")
    assert "foreign.duckdb" in one_line(audit("summary", "--db", foreign).err)
    newer = tmp_path / "newer.duckdb"
    with store.open(newer, create=True) as opened:
        opened.set_meta("schema_version", "999")
    ran = audit("summary", "--db", newer)
    assert ran.code == 1
    assert "newer version" in one_line(ran.err)


def test_a_damaged_version_is_said(audit: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with store.open(path, create=True) as opened:
        opened.set_meta("schema_version", "abc")
    ran = audit("summary", "--db", path)
    assert ran.code == 1
    assert "is damaged: its schema_version is 'abc'" in one_line(ran.err)


def test_a_log_named_as_audit_file_is_told_from_one_and_stays_as_it_is(audit: Any, log: Path) -> None:
    before = log.read_bytes()
    ran = audit("ingest", log, "--db", log)
    assert ran.code == 1
    assert "is not an audit file: it looks like a log or another text" in one_line(ran.err)
    assert "audit ingest LOGS --db" in ran.err
    assert log.read_bytes() == before


def test_place_that_can_not_be_written(audit: Any, tmp_path: Path, log: Path) -> None:
    assert one_line(audit("ingest", log, "--db", tmp_path).err)
    assert one_line(audit("ingest", log, "--db", tmp_path / "no" / "folder" / "a.duckdb").err)
    audit("ingest", log, "--db", tmp_path / "a.duckdb")
    (tmp_path / "file").write_text("x")
    ran = audit("report", "--db", tmp_path / "a.duckdb", "-o", tmp_path / "file" / "r.html")
    assert ran.code == 1
    assert "can't write" in one_line(ran.err)


def test_configuration_errors_name_the_nearest_key(audit: Any, tmp_path: Path, log: Path) -> None:
    config = tmp_path / "audit.toml"
    config.write_text("[replya]\nsample = 3\n")
    ran = audit("ingest", log, "--db", tmp_path / "a.duckdb", "--config", config)
    assert ran.code == 2
    assert "replya" in one_line(ran.err)
    assert "'replay'" in ran.err
    assert audit("savings", "--db", tmp_path / "a.duckdb", "--config", tmp_path / "none.toml").code == 2


def test_usage_errors_exit_2(audit: Any, tmp_path: Path) -> None:
    assert audit("summary", "--nonsense").code == 2
    assert audit("nonsense").code == 2
    assert audit("ingest", "x", "--map", "model", "--db", tmp_path / "a.duckdb").code == 2


def test_replay_without_key_or_consent_sends_nothing(
    audit: Any, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "a.duckdb"
    audit("ingest", log, "--db", database)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    no_key = audit("replay", "--model", "gpt-4.1-nano", "--db", database)
    assert no_key.code in (1, 2)
    assert one_line(no_key.err)
    config = tmp_path / "audit.toml"
    config.write_text('[[endpoint]]\nname = "house"\nbase_url = "http://192.0.2.1:9/v1"\ninput_per_million = 1.0\n'
                      'output_per_million = 1.0\n')  # fmt: skip
    refused = audit("replay", "--model", "house/small", "--db", database, "--config", config)
    assert refused.code == 2
    assert "nobody to ask" in one_line(refused.err)
    with store.open(database) as opened:
        assert opened.value("SELECT COUNT(*) FROM replay") == 0


def test_unreachable_endpoint_is_one_line(audit: Any, tmp_path: Path, log: Path) -> None:
    database = tmp_path / "a.duckdb"
    audit("ingest", log, "--db", database)
    config = tmp_path / "audit.toml"
    config.write_text('[[endpoint]]\nname = "house"\nbase_url = "http://127.0.0.1:9/v1"\ninput_per_million = 1.0\n'
                      'output_per_million = 1.0\n')  # fmt: skip
    ran = audit("replay", "--model", "house/small", "--no-floor", "--yes", "--db", database, "--config", config)
    assert ran.code == 1
    assert one_line(ran.err)


def test_prices_of_an_unknown_model_are_refused_not_guessed(audit: Any) -> None:
    ran = audit("prices", "nobody/knows-this-model-7")
    assert ran.code == 1
    assert "no price is known" in one_line(ran.err)
    known = audit("prices", "azure/gpt-4o", "--json")
    assert {row["sku_meter"] for row in known.document["prices"]} >= {"input", "output", "cache_read"}


def test_hostile_text_stays_text(audit: Any, tmp_path: Path) -> None:
    evil = tmp_path / "evil.jsonl"
    text = "<script>alert(1)</script> \\u001b[31mred {{ 7*7 }} [bold]x[/bold] '; DROP TABLE request; --"
    evil.write_text(
        "".join((RECORD % (text, number)).replace("gpt-4o-mini-2024-07-18", "<img src=x>") for number in range(3)),
        encoding="utf-8",
    )
    database = tmp_path / "a.duckdb"
    assert audit("ingest", evil, "--db", database).code == 0
    shown = audit("duplicates", "--db", database).out
    assert "\x1b[31m" not in shown
    page = tmp_path / "r.html"
    assert audit("report", "--db", database, "-o", page, "--with-content").code == 0
    html = page.read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<img src=x>" not in html
    assert "49" not in html.split("{{")[0][-3:]
    assert audit("summary", "--db", database, "--json").document["requests"] == 3


def test_no_json_document_steers_a_terminal(audit: Any, tmp_path: Path) -> None:
    log, team = tmp_path / "log.jsonl", "a\x9b31m\u202eb\u2028c\x7f\U000e0041é\U0001f600"
    log.write_text(json.dumps({**json.loads(RECORD % ("hello", 1)), "team": team}), encoding="utf-8")
    assert audit("ingest", log, "--db", tmp_path / "a.duckdb").code == 0
    ran = audit("summary", "--db", tmp_path / "a.duckdb", "--json")
    assert [row["key"] for row in ran.document["by_team"]] == [team]
    assert r"a\u009b31m\u202eb\u2028c\u007f\udb40\udc41é" + "\U0001f600" in ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[projection]\nlevel = 2", "[projection] level"),
        ("[projection]\ndraws = 0", "[projection] draws"),
        ("[projection]\nmonth_days = nan", "[projection] month_days"),
        ("[projection]\nrealisation = { A = 5 }", "[projection] realisation"),
        ("[projection]\nrealisation = { Z = 0.5 }", "[projection] realisation"),
        ("[replay]\nsample = -1", "[replay] sample"),
        ('[[endpoint]]\nname = "x"\nbase_url = "notaurl"', "[[endpoint]] base_url"),
        ('[[contract]]\nprovider = "openai"\ndiscount_percent = 150', "[[contract]] discount_percent"),
        ('[[contract]]\nprovider = "openai"\nvalid_from = "2026-13-01"', "[[contract]] valid_from"),
        ('[[contract]]\nprovider = "o"\nvalid_from = "2026-02-01"\nvalid_to = "2026-01-01"', "[[contract]] valid_to"),
        ('[[cost]]\nname = "gpu"\nusd_per_month = -5', "[[cost]] usd_per_month"),
        ("[[cost]]\nusd_per_month = 5", "[[cost]]: name is missing"),
        ("[map]\nmodel = 5", "[map] model"),
        ('[tags]\nteam = ["a"]', "[tags] team"),
        ('[aliases]\na = "b"\nb = "a"', "[aliases]"),
        ('[[contract]]\nprovider = "o"\nprices_per_million = { input = nan }', "must be a finite number"),
        ('[[contract]]\nprovider = "o"\nprices_per_million = { inptu = 1 }', "unknown meter 'inptu'"),
        ('[[contract]]\nprovider = "o"\nprices_per_million = { input = "1" }', "must be a finite number"),
        ('[[contract]]\nprovider = "o"\nprices_per_million = 1', "[[contract]] prices_per_million: 1 is not a table"),
        (
            '[[contract]]\nprovider = "o"\ndiscount_percent = 5\nprices_per_million = { input = 1 }',
            "[[contract]] number 1 (o *) gives both",
        ),
        ("[budgets]\nmonth_usd = inf", "[budgets] month_usd"),
        ("[budgets]\nmonht_usd = 1", "unknown key 'monht_usd'"),
        ('[[endpoint]]\nname = "x"\nbase_url = "http://127.0.0.1:9/v1?key=1"', "[[endpoint]] base_url"),
    ],
)
def test_a_setting_out_of_range_names_file_and_key(
    audit: Any, sample_db: Path, tmp_path: Path, text: str, said: str
) -> None:
    config = tmp_path / "audit.toml"
    config.write_text(text, encoding="utf-8")
    ran = audit("savings", "--db", sample_db, "--config", config)
    assert ran.code == 2
    assert said in one_line(ran.err)
    assert "audit.toml" in ran.err


@pytest.mark.parametrize("limit", ["day_usd=nan", "month_usd=inf", "rise=-1"])
def test_a_limit_that_can_never_fail_is_refused(audit: Any, sample_db: Path, limit: str) -> None:
    assert audit("check", "--db", sample_db, "--limit", limit).code == 2


def test_numbers_no_float_can_hold_cost_one_record_nothing(audit: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    huge = "1" + "0" * 400
    records = [RECORD % (f"question {number}", number) for number in range(3)]
    records[1] = records[1].replace('"request":{', f'"created":{huge},"request":{{"temperature":{huge},')
    assert huge in records[1]
    log.write_text("".join(records), encoding="utf-8")
    assert audit("ingest", log, "--db", tmp_path / "a.duckdb", "--json").document["accepted"] == 3


def test_no_cell_of_an_export_is_a_formula_or_a_terminal_escape(audit: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    record = json.loads(RECORD % ("hello", 1))
    record["response"]["service_tier"] = '=HYPERLINK("http://x","y")\x1b[2J\n'
    record["feature"] = "\t=1+1"
    log.write_text(json.dumps(record), encoding="utf-8")
    database, target = tmp_path / "a.duckdb", tmp_path / "focus.csv"
    audit("ingest", log, "--db", database)
    assert audit("export", target, "--db", database).code == 0
    text = target.read_text(encoding="utf-8")
    assert "\x1b" not in text
    for row in csv.DictReader(io.StringIO(text)):
        assert not any(cell.lstrip().startswith(("=", "@", "+")) for cell in row.values() if cell)


def test_a_map_that_leads_nowhere_or_could_mean_two_things_is_said(audit: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("when,engine_x,tok_in,hits\n2026-10-20T10:00:00Z,gpt-4o,1000,800\n", encoding="utf-8")
    base = ("ingest", log, "--db", tmp_path / "a.duckdb", "--map", "input_tokens=tok_in")
    ran = audit(*base, "--map", "model=enginee")
    assert ran.code == 0
    assert "no record has the column of --map model=enginee" in ran.err
    doubtful = audit(*base, "--map", "cached=hits")
    assert doubtful.code == 2
    assert "cached_tokens=" in doubtful.err
