"""Bad input: nothing crashes, nothing vanishes, every refusal has a reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.ingest import FileResult, IngestResult
from audit.store import Store
from tests.ingest.logs import pair, write

Read = Callable[..., IngestResult]
NASTY = Path(__file__).parent.parent / "fixtures" / "nasty"


def one(result: IngestResult) -> FileResult:
    (file,) = result.files
    return file


@pytest.mark.parametrize(
    ("name", "accepted", "rejected"),
    [
        ("n01_truncated_last_line.jsonl", 3, {"truncated_tail": 1}),
        ("n02_bom.jsonl", 4, {}),
        ("n02_bom.csv", 4, {}),
        ("n03_crlf_blank_lines.jsonl", 4, {}),
        ("n04_mixed_formats.jsonl", 4, {"not_an_llm_record": 1, "not_json": 1}),
        ("n05_gz_named_jsonl.jsonl", 4, {}),
        ("n06_empty.jsonl", 0, {}),
        ("n06_empty_array.json", 0, {}),
        ("n06_header_only.csv", 0, {}),
        ("n06_whitespace.jsonl", 0, {}),
        ("n07_binary_png.jsonl", 0, {"not_text": 1}),
        # five records, but three of them carry one response id: one call
        ("n11_missing_usage.jsonl", 3, {}),
        ("n13_unknown_model.jsonl", 10, {}),
        ("n16_pretty_array.json", 4, {}),
    ],
)
def test_fixture(name: str, accepted: int, rejected: dict[str, int], read: Read) -> None:
    result = read(NASTY / name)
    assert result.accepted == accepted
    assert dict(result.rejected) == rejected
    assert result.usable == (accepted > 0)


def test_mixed_formats_are_told_apart_record_by_record(read: Read) -> None:
    file = one(read(NASTY / "n04_mixed_formats.jsonl"))
    assert dict(file.readers) == {"openai_chat": 2, "anthropic_messages": 1, "litellm_payload": 1}
    assert "level" in file.unknown
    assert "--map" in file.unknown


def test_no_carriage_return_reaches_a_text(store: Store, read: Read) -> None:
    read(NASTY / "n03_crlf_blank_lines.jsonl")
    assert store.value("SELECT COUNT(*) FROM content WHERE text LIKE '%' || chr(13) || '%'") == 0


def test_rejects_keep_place_reason_and_excerpt(store: Store, read: Read, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [pair(1), "x" * 2000, pair(2), '{"level": "info"}'])
    read(tmp_path / "a.jsonl")
    rows = store.rows("SELECT line, byte_offset, reason, excerpt FROM reject ORDER BY line")
    assert [(row["line"], row["reason"]) for row in rows] == [(2, "not_json"), (4, "not_an_llm_record")]
    assert rows[0]["byte_offset"] == len(json.dumps(pair(1))) + 1
    assert rows[0]["excerpt"] == "x" * 500


def test_damaged_text_is_kept_and_flagged(store: Store, read: Read, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps(pair(1)).encode().replace(b"my order", b"my \xff\xfe order"),
        json.dumps(pair(2)).replace("my order", "my \\u0000 \\ud83d order").encode(),
        json.dumps(pair(3)).encode(),
    ]
    path.write_bytes(b"\n".join(lines))
    assert read(path).accepted == 3
    flagged = store.rows("SELECT line, flags FROM request WHERE flags IS NOT NULL ORDER BY line")
    assert [(row["line"], "repaired_text" in row["flags"]) for row in flagged] == [(1, True), (2, True)]


def test_a_five_megabyte_line_is_one_record(store: Store, read: Read, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [pair(1, question="word " * 1_000_000), pair(2)])
    assert read(tmp_path / "a.jsonl").accepted == 2
    assert store.value("SELECT MAX(characters) FROM content") == 5_000_000


def test_nesting_without_end_costs_one_record(read: Read, tmp_path: Path) -> None:
    deep = '{"a":' * 20_000 + "1" + "}" * 20_000
    nested = json.dumps(pair(3)).replace('"temperature": 0', '"extra": ' + "[" * 900 + "]" * 900)
    result = read(write(tmp_path / "a.jsonl", [deep, pair(1), nested]))
    assert result.accepted + result.rejected.total() == 3
    assert result.rejected["too_deep"] >= 1


def test_numbers_beyond_the_columns_do_not_stop_a_file(store: Store, read: Read, tmp_path: Path) -> None:
    strange = pair(1, latency_ms=1e300)
    strange["request"] |= {"max_tokens": 10**30, "temperature": "hot", "seed": float("nan")}
    strange["response"]["created"] = 10**25
    result = read(write(tmp_path / "a.jsonl", [strange, pair(2)]))
    assert result.accepted == 2
    assert store.value("SELECT SUM(input_tokens) FROM request") == 200


def test_names_and_contents_disagree(read: Read, tmp_path: Path) -> None:
    (tmp_path / "plain.jsonl.gz").write_text(json.dumps(pair(1)) + "\n")
    (tmp_path / "packed.jsonl").write_bytes(gzip.compress(json.dumps(pair(2)).encode()))
    assert read(tmp_path).accepted == 2


def test_one_bad_file_does_not_stop_the_others(read: Read, tmp_path: Path) -> None:
    write(tmp_path / "good.jsonl", [pair(1)])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing of the kind")
    result = read(tmp_path, tmp_path / "missing.jsonl")
    assert result.accepted == 1
    assert [file.error is not None for file in result.files] == [False, False, True]
    assert result.usable


def test_a_wrapped_list_is_unwrapped_and_a_lone_body_is_not(read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"data": [pair(1), pair(2)], "meta": {"cursor": "x"}}))
    embedding = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
    (tmp_path / "b.json").write_text(json.dumps(embedding, indent=1))
    result = read(tmp_path)
    assert [file.accepted for file in result.files] == [2, 1]


def test_model_names_are_looked_up_leniently_and_kept_as_they_are(store: Store, read: Read) -> None:
    read(NASTY / "n13_unknown_model.jsonl")
    rows = store.rows("SELECT request_model, price_model, status FROM request ORDER BY line")
    priced = {row["request_model"]: row["price_model"] is not None for row in rows}
    assert priced[" gpt-4o-mini "]
    assert priced["GPT-4o-Mini"]
    assert not priced["acme-internal-7b"]
    assert not priced["<script>alert(1)</script>"]
    assert {row["status"] for row in rows if row["request_model"] == "<synthetic>"} == {"not_billable"}
    # a call under no name was billed under one that the log does not tell
    assert {(row["status"], row["price_model"]) for row in rows if row["request_model"] is None} == {("billable", None)}
    unpriced = store.value("SELECT COUNT(*) FROM charge WHERE cost_pico = 0")
    assert unpriced == 0


@pytest.mark.parametrize("odd", [10**30, "\ud800", ["[" * 300]], ids=["long number", "half a character", "brackets"])
def test_odd_values_in_records_that_wait_for_their_group_stop_nothing(odd: object, read: Read, tmp_path: Path) -> None:
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "chat", "x": odd,
        "startTimeUnixNano": "1791187200000000000", "endTimeUnixNano": "1791187201000000000",
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
    }  # fmt: skip
    message = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    result = read(write(tmp_path / "a.jsonl", [json.dumps(message), pair(1)]))
    assert result.accepted == 2
