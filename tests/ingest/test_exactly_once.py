from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import store as stores
from audit.errors import StoreError
from audit.ingest import IngestResult, ingest
from audit.store import Store
from tests.ingest.conftest import catalogue
from tests.ingest.logs import Record, litellm, pair, write

Read = Callable[..., IngestResult]
NASTY = Path(__file__).parent.parent / "fixtures" / "nasty"
STATE = """
SELECT r.external_id, r.input_tokens, r.output_tokens, COUNT(c.charge_id) AS charges, SUM(c.cost_pico) AS cost
FROM request AS r LEFT JOIN charge AS c ON c.request_id = r.request_id
GROUP BY r.external_id, r.input_tokens, r.output_tokens ORDER BY r.external_id
"""


def state(store: Store) -> list[dict[str, Any]]:
    """What a user can see of the calls: counts, tokens, money; and no segment or charge without its call."""
    for table in ("segment", "charge"):
        orphans = store.value(
            f"SELECT COUNT(*) FROM {table} AS t LEFT JOIN request AS r ON r.request_id = t.request_id "
            "WHERE r.request_id IS NULL"
        )
        assert orphans == 0
    assert store.value("SELECT COUNT(*) - COUNT(DISTINCT request_id) FROM request") == 0
    assert store.value("SELECT COUNT(*) - COUNT(DISTINCT charge_id) FROM charge") == 0
    assert store.value("SELECT COUNT(*) - COUNT(DISTINCT content_hash) FROM content") == 0
    return store.rows(STATE)


def cheaper(record: Record, tokens: int) -> Record:
    changed: Record = json.loads(json.dumps(record))
    changed["response"]["usage"] = {"prompt_tokens": tokens, "completion_tokens": 10, "total_tokens": tokens + 10}
    return changed


def test_a_known_file_is_not_read_again(store: Store, read: Read, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [pair(1), pair(2), "not json"])
    read(path)
    before = state(store)
    again = read(path)
    assert again.known == 1
    assert (again.accepted, again.records) == (0, 0)
    (tmp_path / "renamed.log").write_bytes(path.read_bytes())
    assert read(tmp_path / "renamed.log").known == 1
    assert state(store) == before
    assert store.value("SELECT COUNT(*) FROM reject") == 1


def test_the_same_records_in_another_file_count_once(store: Store, read: Read, tmp_path: Path) -> None:
    records = [pair(number) for number in range(5)]
    read(write(tmp_path / "a.jsonl", records))
    before = state(store)
    (tmp_path / "b.json").write_text(json.dumps(records, indent=2))
    (tmp_path / "c.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    result = read(tmp_path / "b.json", tmp_path / "c.gz")
    assert result.accepted == 0
    assert dict(result.duplicates) == {"same_identity": 10}
    assert state(store) == before


def test_re_exported_records(store: Store, read: Read) -> None:
    assert read(NASTY / "n10_dup_a.jsonl").accepted == 3
    result = read(NASTY / "n10_dup_b.jsonl")
    assert result.accepted == 1
    assert dict(result.duplicates) == {"same_identity": 1, "changed_record": 1}
    assert len(state(store)) == 4
    assert read(NASTY / "n10_dup_a.jsonl", NASTY / "n10_dup_b.jsonl").known == 2


def test_of_two_versions_the_one_with_more_tokens_counts(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1), pair(2)]))
    read(write(tmp_path / "b.jsonl", [cheaper(pair(1), 500), cheaper(pair(2), 50)]))
    assert [row["input_tokens"] for row in state(store)] == [500, 100]
    assert store.value("SELECT SUM(consumed_quantity) FROM charge WHERE sku_meter = 'input'") == 600
    reasons = store.rows("SELECT reason, line FROM duplicate_record ORDER BY line")
    assert reasons == [{"reason": "changed_record", "line": 1}, {"reason": "changed_record", "line": 2}]


def test_with_equal_tokens_the_later_version_counts(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1), pair(2)]))
    read(write(tmp_path / "b.jsonl", [pair(1, answer="Lost.")]))
    texts = store.rows(
        "SELECT c.text FROM segment AS s JOIN content AS c ON c.content_hash = s.content_hash "
        "JOIN request AS r ON r.request_id = s.request_id WHERE s.kind = 'answer' ORDER BY r.external_id"
    )
    assert [row["text"] for row in texts] == ["Lost.", "On its way."]


def test_records_without_an_id_are_known_by_their_content(store: Store, read: Read, tmp_path: Path) -> None:
    nameless = pair(1)
    del nameless["response"]["id"]
    other = json.loads(json.dumps(nameless))
    other["timestamp"] = "2026-10-05T09:00:00Z"
    shuffled = dict(reversed(list(nameless.items())))
    result = read(write(tmp_path / "a.jsonl", [nameless, other, shuffled]))
    assert result.accepted == 2
    assert dict(result.duplicates) == {"same_identity": 1}


def test_two_systems_saw_one_call(store: Store, read: Read, tmp_path: Path) -> None:
    gateway = write(tmp_path / "litellm.jsonl", [litellm(1), litellm(2), litellm(7)])
    provider = write(tmp_path / "pairs.jsonl", [pair(1), pair(2), pair(3)])
    result = read(gateway, provider)
    assert result.accepted == 4
    assert dict(result.duplicates) == {"cross_source_duplicate": 2}
    rows = store.rows("SELECT external_id, text_status, team, logged_cost_pico FROM request ORDER BY external_id")
    assert [row["text_status"] for row in rows] == ["full", "full", "full", "absent"]
    # the record with the text stays, and keeps what only the gateway knew
    assert rows[0]["logged_cost_pico"] == 21_000_000
    assert rows[2]["logged_cost_pico"] is None
    before = state(store)
    late = read(write(tmp_path / "late.jsonl", [litellm(3), "{}"]))
    assert dict(late.duplicates) == {"cross_source_duplicate": 1}
    assert [row["external_id"] for row in state(store)] == [row["external_id"] for row in before]


def test_two_systems_without_a_common_id_match_by_model_tokens_and_time(
    store: Store, read: Read, tmp_path: Path
) -> None:
    near, far, other = litellm(1, id="req-a"), litellm(5, id="req-b"), litellm(9, id="req-c", prompt_tokens=99)
    far["startTime"] += 3600
    provider = [pair(1), pair(5), pair(9)]
    result = read(write(tmp_path / "a.jsonl", [near, far, other]), write(tmp_path / "b.jsonl", provider))
    assert dict(result.duplicates) == {"cross_source_duplicate": 1}
    assert result.accepted == 5


def observation(number: int, **changes: object) -> dict[str, object]:
    """The call `pair(number)` as Langfuse exports it: no id of the provider's."""
    call = pair(number)
    return {
        "id": f"obs-{number}", "traceId": f"t{number}", "projectId": "p", "type": "GENERATION", "name": "chat",
        "startTime": call["timestamp"], "endTime": call["timestamp"], "model": call["response"]["model"],
        "usageDetails": {
            "input": call["response"]["usage"]["prompt_tokens"],
            "output": call["response"]["usage"]["completion_tokens"],
        },
        "level": "DEFAULT", **changes,
    }  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("at_once", [True, False])
def test_three_systems_saw_one_call(
    order: tuple[int, ...], at_once: bool, store: Store, read: Read, tmp_path: Path
) -> None:
    logs = [[pair(1), pair(2)], [litellm(1), litellm(2)], [observation(1), observation(2)]]
    files = [write(tmp_path / f"{number}.jsonl", logs[number]) for number in order]
    for each in [files] if at_once else [[file] for file in files]:
        read(*each)
    assert store.value("SELECT COUNT(*) FROM request") == 2


def test_a_gateway_that_gives_ids_of_its_own_is_matched_by_tokens_and_time(
    store: Store, read: Read, tmp_path: Path
) -> None:
    claude = {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001", "content": [],
        "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 3},
    }  # fmt: skip
    asked = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    moment = pair(1)["timestamp"]
    provider = write(tmp_path / "a.jsonl", [{"request": asked, "response": claude, "timestamp": moment}])
    row = litellm(
        1, id="chatcmpl-5f0c", model="claude-haiku-4-5-20251001", custom_llm_provider="anthropic", prompt_tokens=10,
        completion_tokens=3, total_tokens=13, response={},
    )  # fmt: skip
    result = read(provider, write(tmp_path / "b.jsonl", [row]))
    assert dict(result.duplicates) == {"cross_source_duplicate": 1}


def test_models_without_a_price_are_matched_by_name(store: Store, read: Read, tmp_path: Path) -> None:
    own = pair(1)
    del own["response"]["id"]
    own["request"]["model"] = own["response"]["model"] = "acme-7b"
    seen = observation(1, model="hosted_vllm/Acme-7B")
    read(write(tmp_path / "a.jsonl", [own]), write(tmp_path / "b.jsonl", [seen]))
    assert store.value("SELECT COUNT(*) FROM request") == 1


@pytest.mark.parametrize(("other", "failures"), [(1, 1), (9, 2)])
def test_a_failure_counts_once_where_both_systems_saw_the_traffic(
    other: int, failures: int, store: Store, read: Read, tmp_path: Path
) -> None:
    lost = {**pair(3), "response": {"error": {"message": "slow down", "type": "rate_limit_error"}}, "status_code": 429}
    seen = observation(3, level="ERROR", statusMessage="slow down", usageDetails={}, model=pair(3)["request"]["model"])
    read(write(tmp_path / "a.jsonl", [pair(1), lost]), write(tmp_path / "b.jsonl", [observation(other), seen]))
    assert store.value("SELECT COUNT(*) FROM request WHERE status = 'failed'") == failures


def test_one_system_may_answer_twice_in_a_second(read: Read, tmp_path: Path) -> None:
    result = read(write(tmp_path / "a.jsonl", [pair(1), {**pair(2), "timestamp": pair(1)["timestamp"]}]))
    assert result.accepted == 2


def interrupt_after(calls: int) -> Callable[[int, int, int], None]:
    left = [calls]

    def progress(done: int, total: int, seen: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("calls", [0, 1, 2, 4])
def test_stopped_at_any_moment_it_can_be_run_again(calls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.ingest.run._EVERY_SECONDS", 0.0)
    monkeypatch.setattr("audit.ingest.run._FLUSH_BYTES", 1)
    monkeypatch.setattr("audit.ingest.plan._TOGETHER_FILES", 1)
    files = [write(tmp_path / f"{number}.jsonl", [pair(number), pair(number + 1)]) for number in range(6)]
    path = tmp_path / "audit.duckdb"
    with stores.open(path, create=True) as store, pytest.raises(KeyboardInterrupt):
        ingest(store, files, catalogue=catalogue, workers=1, progress=interrupt_after(calls))
    with stores.open(path) as store:
        assert len(state(store)) <= 7
        result = ingest(store, files, catalogue=catalogue, workers=1)
        assert result.known + sum(file.records > 0 for file in result.files) == 6
        stopped = state(store)
    with stores.open(":memory:", create=True) as store:
        ingest(store, files, catalogue=catalogue, workers=1)
        assert state(store) == stopped


CALLS = st.lists(st.tuples(st.integers(0, 4), st.integers(90, 93)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=8)
@given(CALLS, st.data())
def test_how_records_are_spread_over_files_does_not_matter(calls: list[tuple[int, int]], data: st.DataObject) -> None:
    records = [cheaper(pair(number), tokens) for number, tokens in calls]
    cut = data.draw(st.integers(0, len(records)))
    states = []
    for parts in ([records], [records[:cut], records[cut:]], [records, records]):
        with stores.open(":memory:", create=True) as store, TemporaryDirectory() as folder:
            for number, part in enumerate(parts):
                path = write(Path(folder) / f"{number}.jsonl", part)
                path.write_text(path.read_text() + "\n" * number)
                ingest(store, [path], catalogue=catalogue, workers=1)
            states.append(state(store))
    assert states[0] == states[1] == states[2]
    best = {number: max(tokens for each, tokens in calls if each == number) for number, _ in calls}
    assert [row["input_tokens"] for row in states[0]] == [best[number] for number in sorted(best)]


def test_a_file_with_other_hashes_takes_no_more_logs(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [pair(1)]))
    store.run("DELETE FROM meta WHERE key = 'hash_scheme'")
    with pytest.raises(StoreError, match="another version"):
        read(write(tmp_path / "b.jsonl", [pair(2)]))
    assert store.value("SELECT COUNT(*) FROM request") == 1


def test_a_map_given_later_reads_what_was_refused(store: Store, read: Read, tmp_path: Path) -> None:
    odd = {"when": "2026-09-01T10:00:00Z", "engine_used": "gpt-4o", "sent": 70, "got": 5}
    write(tmp_path / "a.jsonl", [pair(1), odd, {"level": "info"}])
    write(tmp_path / "b.jsonl", [odd])
    paths = (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert [file.accepted for file in read(*paths).files] == [1, 0]
    mapping = {"timestamp": "when", "model": "engine_used", "input_tokens": "sent", "output_tokens": "got"}
    again = read(*paths, mapping=mapping)
    # the two odd records are the same one
    assert (again.accepted, dict(again.rejected)) == (1, {"not_an_llm_record": 1})
    assert store.value("SELECT COUNT(*) FROM request") == 2
    assert store.value("SELECT COUNT(*) FROM reject") == 1
    assert store.value("SELECT SUM(rejected) FROM source") == 1
    assert read(*paths).known == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_views_of_a_call_the_one_that_tells_more_counts(
    store: Store, read: Read, tmp_path: Path, order: tuple[int, int]
) -> None:
    whole = pair(1) | {"feature": "faq", "user_id": "u1"}
    files = [write(tmp_path / "pairs.jsonl", [whole]), write(tmp_path / "answers.jsonl", [whole["response"]])]
    for place in order:
        read(files[place])
    (row,) = store.rows("SELECT feature, user_id, text_status FROM request")
    assert row == {"feature": "faq", "user_id": "u1", "text_status": "full"}
    assert store.value("SELECT COUNT(*) FROM duplicate_record") == 1
