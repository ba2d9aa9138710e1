"""What a call becomes: keys, usage, charges, tags, workflows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import tokens
from audit.errors import ConfigError
from audit.hashes import chain_hash, content_hash
from audit.ingest import IngestResult, reprice
from audit.prices.catalogue import Catalogue, Contract, load
from audit.store import Store
from audit.workflows import workflows
from tests.ingest.conftest import catalogue
from tests.ingest.logs import Record, litellm, pair, write

Read = Callable[..., IngestResult]


def keys(store: Store, column: str) -> list[Any]:
    return [row[column] for row in store.rows(f"SELECT {column} FROM request ORDER BY line")]


def asked(number: int, question: str, **request: Any) -> Record:
    record = pair(number, question=question)
    record["request"] |= request
    return record


def test_prompt_keys(store: Store, read: Read, tmp_path: Path) -> None:
    records = [
        asked(1, "Where is my order?"),
        asked(2, "Where is my order?", stream=True, user="someone else"),
        asked(3, "  where  is my ORDER"),
        asked(4, "Where is my order?", temperature=1),
        asked(5, "Where is my order?", model="gpt-4o"),
        asked(6, "Where is my parcel?"),
    ]
    read(write(tmp_path / "a.jsonl", records))
    exact, normalised, question = (keys(store, f"{name}_key") for name in ("prompt", "normalised", "question"))
    assert [exact.index(key) for key in exact] == [0, 0, 2, 3, 4, 5]
    assert [normalised.index(key) for key in normalised] == [0, 0, 0, 3, 4, 5]
    assert [question.index(key) for key in question] == [0, 0, 2, 0, 0, 5]


def test_only_user_text_is_folded(store: Store, read: Read, tmp_path: Path) -> None:
    records = [pair(1), pair(2)]
    records[1]["request"]["messages"][0]["content"] = "BE BRIEF."
    read(write(tmp_path / "a.jsonl", records))
    first, second = keys(store, "normalised_key")
    assert first != second


def test_no_key_without_the_full_text(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [litellm(1), pair(2, question="x litellm_truncated skipped 300 chars y")]))
    assert keys(store, "prompt_key") == [None, None]
    assert keys(store, "output_hash") == [None, None]


def test_segments_chain_and_texts_are_stored_once(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1), pair(2, question="Other?")]))
    rows = store.rows("SELECT * FROM segment WHERE request_id = 1 ORDER BY position")
    assert [(row["direction"], row["role"], row["kind"]) for row in rows] == [
        ("input", "system", "system"),
        ("input", "user", "user"),
        ("output", "assistant", "answer"),
    ]
    first = chain_hash(0, "system", content_hash("Be brief."))
    assert [row["chain_hash"] for row in rows] == [
        first,
        chain_hash(first, "user", content_hash("Where is my order?")),
        None,
    ]
    texts = ["Be brief.", "Where is my order?", "On its way."]
    assert [row["tokens"] for row in rows] == tokens.count(texts)
    stored = {row["text"]: row for row in store.rows("SELECT * FROM content")}
    assert set(stored) == {*texts, "Other?"}
    assert stored["Be brief."]["content_hash"] == content_hash("Be brief.")
    assert stored["Be brief."]["characters"] == 9


def test_without_content_texts_are_counted_but_not_kept(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1)]), content=False)
    assert store.value("SELECT COUNT(text) FROM content") == 0
    assert store.value("SELECT SUM(characters) FROM content") == len("Be brief.Where is my order?On its way.")
    assert None not in keys(store, "prompt_key")


def test_missing_usage_is_estimated_and_never_zero(store: Store, read: Read, tmp_path: Path) -> None:
    no_usage, half, no_text = pair(1), pair(2), litellm(3, status="success")
    del no_usage["response"]["usage"]
    half["response"]["usage"] = {"prompt_tokens": 77}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        del no_text[name]
    result = read(write(tmp_path / "a.jsonl", [no_usage, half, no_text]))
    assert (result.usage_estimated, result.usage_unknown) == (2, 1)
    assert keys(store, "usage_source") == ["estimated", "estimated", "unknown"]
    asked_tokens = sum(tokens.count(["Be brief.", "Where is my order?"])) + 2 * 4 + 3
    answered = tokens.count(["On its way."])[0]
    assert keys(store, "input_tokens") == [asked_tokens, 77, None]
    assert keys(store, "output_tokens") == [answered, answered, None]
    charges = store.rows("SELECT request_id, sku_meter, consumed_quantity, estimated FROM charge ORDER BY 1, 2")
    assert [(row["request_id"], row["sku_meter"], row["estimated"]) for row in charges] == [
        (1, "input", True),
        (1, "output", True),
        (2, "input", False),
        (2, "output", True),
        # nothing was counted, but the gateway says what it cost
        (3, "billed_adjustment", False),
    ]


def test_failures_and_cache_hits_cost_nothing(store: Store, read: Read, tmp_path: Path) -> None:
    failed = pair(1, response={"error": {"message": "slow down", "type": "rate_limit_error", "code": "429"}})
    hit = litellm(2, cache_hit=True)
    read(write(tmp_path / "a.jsonl", [failed, hit]))
    assert keys(store, "status") == ["failed", "gateway_cache_hit"]
    assert store.value("SELECT COUNT(*) FROM charge") == 0


def test_charges_have_their_price(store: Store, read: Read, tmp_path: Path) -> None:
    cached = pair(1)
    cached["response"]["usage"]["prompt_tokens_details"] = {"cached_tokens": 60}
    read(write(tmp_path / "a.jsonl", [cached]))
    rows = {row["sku_meter"]: row for row in store.rows("SELECT * FROM charge")}
    quantities = {name: row["consumed_quantity"] for name, row in rows.items()}
    assert quantities == {"input": 40, "cache_read": 60, "output": 10}
    assert {name: row["unit_price_pico"] for name, row in rows.items()} == {
        "input": 150_000,
        "cache_read": 75_000,
        "output": 600_000,
    }
    assert all(row["cost_pico"] == row["consumed_quantity"] * row["unit_price_pico"] for row in rows.values())
    listed = store.rows("SELECT DISTINCT model FROM price WHERE provider_name = 'openai'")
    assert "gpt-4o-mini" in {row["model"] for row in listed}
    assert store.value("SELECT COUNT(*) FROM cache_rule WHERE model = 'gpt-4o-mini'") >= 1


def test_the_billers_cost_beats_the_table(store: Store, read: Read, tmp_path: Path) -> None:
    header = (
        "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,"
        "tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled,"
        "streamed,user,finish_reason_raw,finish_reason_normalized,generation_time_ms,time_to_first_token_ms,"
        "api_key_disabled,api_key_name,app_name\n"
    )
    row = (
        "gen-1,2026-10-22 12:00:00.713,0.5,0,0,0,0,1000,100,0,0,openai/gpt-4o-mini,OpenAI,standard,false,true,,stop,"
        "stop,900,300,false,key,app\n"
    )
    (tmp_path / "a.csv").write_text(header + row)
    read(tmp_path / "a.csv")
    assert store.value("SELECT SUM(cost_pico) FROM charge") == 500_000_000_000
    adjustment = store.rows("SELECT * FROM charge WHERE sku_meter = 'billed_adjustment'")
    assert [each["consumed_quantity"] for each in adjustment] == [1]


def test_a_tools_own_figure_counts_only_where_no_price_is_known(store: Store, read: Read, tmp_path: Path) -> None:
    known, private = litellm(1, response_cost=9.0), litellm(2, model="acme-7b", custom_llm_provider="acme")
    read(write(tmp_path / "a.jsonl", [known, private]))
    costs = store.rows("SELECT request_id, SUM(cost_pico) AS cost FROM charge GROUP BY 1 ORDER BY 1")
    assert [row["cost"] for row in costs] == [21_000_000, 21_000_000]
    assert keys(store, "logged_cost_pico") == [9 * 10**12, 21_000_000]


def test_prices_can_be_applied_anew(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1), litellm(2, model="acme-7b", custom_llm_provider="acme")]))
    contract = Contract(provider_name="openai", model="gpt-4o-mini", discount_percent=50)

    def agreed() -> Catalogue:
        return load(contracts=[contract], aliases={"acme-7b": "openai/gpt-4o-mini"})

    reprice(store, agreed)
    costs = store.rows("SELECT request_id, SUM(cost_pico) AS cost FROM charge GROUP BY 1 ORDER BY 1")
    assert [row["cost"] for row in costs] == [10_500_000, 10_500_000]
    assert store.value("SELECT COUNT(*) FROM charge WHERE sku_meter = 'billed_adjustment'") == 0
    reprice(store, catalogue)
    assert store.value("SELECT SUM(cost_pico) FROM charge WHERE request_id = 1") == 21_000_000


def test_other_prices_reprice_what_is_there(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1)]))
    contract = Contract(provider_name="openai", model="gpt-4o-mini", discount_percent=50)
    read(write(tmp_path / "b.jsonl", [pair(2)]), catalogue=lambda: load(contracts=[contract]))
    costs = store.rows("SELECT request_id, SUM(cost_pico) AS cost FROM charge GROUP BY 1 ORDER BY 1")
    assert [row["cost"] for row in costs] == [10_500_000, 10_500_000]


def test_new_contracts_apply_to_files_read_before(store: Store, read: Read, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [pair(1)])
    read(path, price_settings="list")
    contract = Contract(provider_name="openai", model="gpt-4o-mini", discount_percent=50)
    result = read(path, price_settings="half", catalogue=lambda: load(contracts=[contract]))
    assert result.known == 1
    assert store.value("SELECT SUM(cost_pico) FROM charge") == 10_500_000


def test_calls_without_a_time_are_priced_too(store: Store, read: Read, tmp_path: Path) -> None:
    undated = pair(2)
    del undated["timestamp"], undated["response"]["created"]
    read(write(tmp_path / "a.jsonl", [pair(1), undated]))
    assert keys(store, "started_at_us")[1] is None
    costs = store.rows("SELECT request_id, SUM(cost_pico) AS cost FROM charge GROUP BY 1 ORDER BY 1")
    assert [row["cost"] for row in costs] == [21_000_000, 21_000_000]


def test_calls_without_a_time_follow_the_newest_of_the_log(store: Store, read: Read, tmp_path: Path) -> None:
    undated = pair(2)
    del undated["timestamp"], undated["response"]["created"]
    half = Contract("openai", "gpt-4o-mini", valid_from_us=1_792_000_000_000_000, discount_percent=50)
    later = pair(3, timestamp="2026-10-20T08:00:00Z")
    for name, records in (("a.jsonl", [pair(1), undated]), ("b.jsonl", [later])):
        read(write(tmp_path / name, records), catalogue=lambda: load(contracts=[half]))
    costs = store.rows("SELECT request_id, SUM(cost_pico) AS cost FROM charge GROUP BY 1 ORDER BY 1")
    assert [row["cost"] for row in costs] == [21_000_000, 10_500_000, 10_500_000]


def test_tags_are_taken_from_where_the_user_says(store: Store, read: Read, tmp_path: Path) -> None:
    record = pair(1, metadata={"squad": {"name": "blue"}, "stage": "eu-prod", "feature": "faq"})
    read(write(tmp_path / "a.jsonl", [record]), tags={"team": "metadata.squad.name", "environment": "stage"})
    (row,) = store.rows("SELECT team, environment, feature, tags FROM request")
    assert (row["team"], row["environment"], row["feature"]) == ("blue", "eu-prod", "faq")
    assert json.loads(row["tags"])["squad.name"] == "blue"


def untagged(number: int, system: str, **changes: Any) -> Record:
    record = pair(number, metadata={}, **changes)
    record["request"]["messages"][0]["content"] = system
    return record


def test_workflows_by_tag_or_by_the_shape_of_the_instructions(store: Store, read: Read, tmp_path: Path) -> None:
    shaped = [
        untagged(1, "Today is Monday, 5 October 2026. Sort ticket 4711 of 'Ann'."),
        untagged(2, "Today is Tuesday, 6 October 2026. Sort ticket 99 of 'Bob'."),
        untagged(3, "Summarise the call."),
        pair(4),
        pair(5),
    ]
    shaped[4]["request"]["messages"][0]["content"] = "Another prompt of the same feature."
    read(write(tmp_path / "a.jsonl", shaped))
    workflows(store)
    ids = keys(store, "workflow_id")
    assert [ids.index(each) for each in ids] == [0, 0, 2, 3, 3]
    rows = store.rows("SELECT name, origin FROM workflow ORDER BY name")
    assert [(row["name"], row["origin"]) for row in rows] == [
        ("faq", "tag"),
        ("sort-ticket", "prompt"),
        ("summarise-the-call", "prompt"),
    ]


def test_kinds_are_voted_and_names_stay(store: Store, read: Read, tmp_path: Path) -> None:
    system = "You are a support sorter. Classify the sentiment of the message."
    records = [untagged(number, system, question=f"message {number}", answer="positive") for number in range(30)]
    for record in records:
        record["response"]["usage"] = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}
    read(write(tmp_path / "a.jsonl", records))
    workflows(store)
    (row,) = store.rows("SELECT name, task_kind, kind_confidence FROM workflow")
    assert row == {"name": "support-sorter", "task_kind": "classification", "kind_confidence": 1.0}
    assert set(keys(store, "task_kind")) == {"classification"}
    read(write(tmp_path / "b.jsonl", [untagged(99, "You are a support sorter. Translate the message into French.")]))
    workflows(store)
    before = store.rows("SELECT * FROM workflow ORDER BY workflow_id")
    assert {each["name"] for each in before} == {"support-sorter", "support-sorter-translate-the-message"}
    workflows(store)
    assert store.rows("SELECT * FROM workflow ORDER BY workflow_id") == before


UNKNOWN = '{"engine": "gpt-4o-mini", "q": {"in": 7}, "zz": 3}'


def test_a_mapping_reads_what_no_reader_knows(read: Read, store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [UNKNOWN])
    read(path, mapping={"model": "engine", "input_tokens": "q.in", "output_tokens": "zz"})
    (row,) = store.rows("SELECT request_model, input_tokens, output_tokens FROM request")
    assert row == {"request_model": "gpt-4o-mini", "input_tokens": 7, "output_tokens": 3}


def test_a_mapping_of_nothing_known_is_refused(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read(write(tmp_path / "a.jsonl", [UNKNOWN]), mapping={"nonsense": "engine"})
