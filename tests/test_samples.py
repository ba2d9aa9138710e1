"""The committed sample logs: reproducible, and true to what is written beside them."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage, calc_price

from audit.samples.__main__ import main
from audit.samples.logs import make_calls

LOGS = Path(__file__).parent.parent / "sample_logs"
TRUTH: dict[str, Any] = json.loads((LOGS / "truth.json").read_text(encoding="utf-8"))
PLANTED: dict[str, Any] = TRUTH["planted"]
UNTAGGED = {"sales-openai-chat": "sales-assistant", "platform-openai-chat": "health-check"}
UNTAGGED |= {"backoffice-anthropic-messages": "listing-check"}
METERS = ("input", "cache_read", "cache_write", "output")


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def records() -> dict[str, list[dict[str, Any]]]:
    return {path.name: read(path) for path in sorted(LOGS.glob("*.jsonl.gz"))}


def tokens(record: dict[str, Any]) -> tuple[int, int, int, int] | None:
    """Input in all, cache read, cache write, output; None if nothing was billed."""
    if record.get("status") == "failure" or record.get("status_code") or record.get("cache_hit"):
        return None
    usage = record["response"]["usage"]
    if "prompt_tokens" in usage:
        return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"], 0, usage["completion_tokens"]
    if "cache_read_input_tokens" in usage:
        read, write = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        return usage["input_tokens"] + read + write, read, write, usage["output_tokens"]
    return usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"], 0, usage["output_tokens"]


def workflow(name: str, record: dict[str, Any]) -> str:
    labels = record["metadata"]
    tagged = labels.get("feature") or labels.get("requester_metadata", {}).get("feature")
    return tagged or UNTAGGED[name.removesuffix(".jsonl.gz")]


def request(record: dict[str, Any]) -> dict[str, Any]:
    if "request" in record:
        return dict(record["request"])
    return {"model": record["model_group"], "messages": record["messages"], **record["model_parameters"]}


def priced(records: list[dict[str, Any]]) -> Iterator[float]:
    for record in records:
        billed = tokens(record)
        if billed:
            total, read, write, output = billed
            prices = TRUTH["prices_usd_per_million_tokens"][request(record)["model"]]
            amounts = (total - read - write, read, write, output)
            yield sum(amount * prices[meter] for amount, meter in zip(amounts, METERS, strict=True)) / 1_000_000


def ids(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("req_"):
            yield value
    elif isinstance(value, dict):
        yield from ids(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from ids(each)


def test_the_generator_writes_the_committed_bytes(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted([path.name for path in LOGS.glob("*.jsonl.gz")] + ["truth.json"])
    for name in written:
        # compared unpacked: other versions of zlib pack the same bytes differently
        unpack = gzip.decompress if name.endswith(".gz") else bytes
        assert unpack((tmp_path / name).read_bytes()) == unpack((LOGS / name).read_bytes()), name


def test_another_seed_writes_other_calls() -> None:
    same, again, other = make_calls(3, days=2), make_calls(3, days=2), make_calls(4, days=2)
    assert same == again
    assert {call.request_id for call in same}.isdisjoint(call.request_id for call in other)
    assert [call.started_ms for call in same] != [call.started_ms for call in other]


def test_no_days_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--days", "0"])
    assert stopped.value.code == 2
    assert "--days" in capsys.readouterr().err


def test_logs_are_small_and_carry_no_clock() -> None:
    paths = list(LOGS.glob("*.jsonl.gz"))
    assert sum(path.stat().st_size for path in paths) < 3_000_000
    assert all(path.read_bytes()[4:8] == b"\0\0\0\0" for path in paths)


def test_totals_of_each_file_are_what_the_records_say(records: dict[str, list[dict[str, Any]]]) -> None:
    assert set(records) == set(TRUTH["files"])
    for name, rows in records.items():
        billed = [each for each in map(tokens, rows) if each]
        truth = TRUTH["files"][name]
        sums = dict(
            zip(("input", "cache_read", "cache_write", "output"), map(sum, zip(*billed, strict=True)), strict=True)
        )
        assert {meter: truth[f"{meter}_tokens"] for meter in METERS} == sums
        assert (truth["records"], truth["billable_requests"]) == (len(rows), len(billed))
        assert truth["gateway_cache_hits"] == sum(bool(row.get("cache_hit")) for row in rows)
        assert truth["failed_requests"] == len(rows) - len(billed) - truth["gateway_cache_hits"]
        assert truth["cost_usd"] == pytest.approx(sum(priced(rows)), abs=1e-8)
    assert TRUTH["totals"]["cost_usd"] == pytest.approx(sum(t["cost_usd"] for t in TRUTH["files"].values()), abs=1e-7)


def test_tokens_are_consistent_with_each_other(records: dict[str, list[dict[str, Any]]]) -> None:
    for billed in (each for rows in records.values() for each in map(tokens, rows) if each):
        total, read, write, output = billed
        assert 0 <= read + write <= total
        assert output > 0


def test_duplicates_are_what_comparing_the_bodies_gives(records: dict[str, list[dict[str, Any]]]) -> None:
    bodies: dict[str, Counter[str]] = defaultdict(Counter)
    for name, rows in records.items():
        for row in filter(tokens, rows):
            body = {key: value for key, value in request(row).items() if key not in ("stream", "stream_options")}
            bodies[workflow(name, row)][json.dumps(body, sort_keys=True)] += 1
    assert set(bodies) == set(TRUTH["workflows"])
    for name, seen in bodies.items():
        truth = TRUTH["workflows"][name]["duplicates"]
        assert truth["avoidable_requests"] == seen.total() - len(seen), name
        assert truth["distinct_bodies"] == len(seen)


def test_planted_requests_are_in_the_logs(records: dict[str, list[dict[str, Any]]]) -> None:
    logged = [row.get("request_id") or row["litellm_call_id"] for rows in records.values() for row in rows]
    assert len(logged) == len(set(logged)) == TRUTH["totals"]["records"]
    named = list(ids(PLANTED))
    assert len(named) > 100
    assert set(named) <= set(logged)


@pytest.mark.parametrize("month", [10, 11])
@pytest.mark.parametrize("model", sorted(TRUTH["prices_usd_per_million_tokens"]))
def test_prices_are_the_list_prices_of_the_time(model: str, month: int) -> None:
    prices = TRUTH["prices_usd_per_million_tokens"][model]
    anthropic = model.startswith("claude")
    usage = Usage(
        input_tokens=1000, cache_read_tokens=300, cache_write_tokens=200 if anthropic else 0, output_tokens=100
    )
    moment = datetime(2026, month, 14, tzinfo=UTC)
    provider = "anthropic" if anthropic else "openai"
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=moment).total_price
    plain = 500 if anthropic else 700
    written = 200 if anthropic else 0
    expected = plain * prices["input"] + 300 * prices["cache_read"] + written * prices["cache_write"]
    assert float(price) * 1_000_000 == pytest.approx(expected + 100 * prices["output"])


def test_november_is_dearer_for_the_planted_reasons() -> None:
    october, november = TRUTH["months"]["2026-10"], TRUTH["months"]["2026-11"]
    for before, after, more in [
        (october["cost_usd"], november["cost_usd"], 1.5),
        (october["users"], november["users"], 1.2),
        (
            october["input_tokens"] / october["billable_requests"],
            november["input_tokens"] / november["billable_requests"],
            1.1,
        ),
        (
            november["cache_read_tokens"] / november["input_tokens"],
            october["cache_read_tokens"] / october["input_tokens"],
            1.05,
        ),
    ]:
        assert after > more * before


def test_planted_outliers_stand_far_from_their_workflow() -> None:
    assert Counter(each["meter"] for each in PLANTED["outliers"]) == {"output": 4, "input": 3}
    for each in PLANTED["outliers"]:
        assert each["tokens"] > 10 * each["median_tokens"]
        assert each["finish_reason"] == ("length" if each["meter"] == "output" else "stop")


def test_the_closed_schema_workflow_has_enough_distinct_short_prompts() -> None:
    alerts = TRUTH["workflows"]["alert-severity"]
    assert alerts["duplicates"]["distinct_bodies"] >= 120
    assert alerts["input_tokens"] / alerts["billable_requests"] < 200


def test_the_planted_caches_would_have_saved_money() -> None:
    clock, listings = PLANTED["clock_at_the_top"], PLANTED["unmarked_prefix"]
    assert clock["logged_cache_read_tokens"] == 0
    assert clock["with_the_clock_last"]["saved_usd"] > 1
    assert listings["with_a_breakpoint"]["saved_usd"] > 0.5
    reviews = PLANTED["cache_written_but_rarely_read"]
    assert reviews["write_premium_usd"] > 2 * reviews["read_saving_usd"] > 0
