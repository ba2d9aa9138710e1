"""Why the bill changed: every cause planted alone, worked out by hand, through the command line."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import run

Document = dict[str, Any]
Explain = Callable[..., Document]
SONNET = "claude-sonnet-4-5-20250929"
"""$3 input, $0.30 read, $3.75 and $6 written for 5 minutes and an hour, $15 output, per million tokens."""


def claude(
    fresh: int = 10_000, read: int = 0, short: int = 0, long: int = 0, output: int = 1_000, searches: int = 0,
    tier: str = "standard",
) -> Document:  # fmt: skip
    return {
        "provider": "anthropic", "model": SONNET,
        "usage": {
            "input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": short + long,
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
            "output_tokens": output, "server_tool_use": {"web_search_requests": searches}, "service_tier": tier,
        },
    }  # fmt: skip


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """The calls of one day in one month held against those of the same day in another."""

    def command(before: list[Document], after: list[Document], months: tuple[str, str] = ("06", "07")) -> Document:
        with (tmp_path / "log.jsonl").open("w") as log:
            for month, calls in zip(months, (before, after), strict=True):
                for number, call in enumerate(calls):
                    stamped = {"id": f"{month}-{number}", "timestamp": f"2026-{month}-10T{number % 24:02d}:00:00Z"}
                    log.write(json.dumps({**stamped, **call}) + "\n")
        db = tmp_path / "a.duckdb"
        db.unlink(missing_ok=True)
        assert run(["ingest", str(tmp_path / "log.jsonl"), "--db", str(db), "--json"]) == 0
        capsys.readouterr()
        assert run(["why", "--from", f"2026-{months[0]}", "--to", f"2026-{months[1]}", "--db", str(db), "--json"]) == 0
        found: Document = json.loads(capsys.readouterr().out)
        assert sum(each["usd"] for each in found["causes"]) == pytest.approx(found["change_usd"], abs=1e-11)
        return found

    return command


def causes(found: Document) -> dict[str, float]:
    return {each["name"]: each["usd"] for each in found["causes"] if abs(each["usd"]) > 5e-12}


def test_from_five_minutes_to_an_hour_is_the_kind_of_write_and_not_the_price(explain: Explain) -> None:
    # 10 x 100k written: at $3.75 = $3.75, at $6 = $6.00
    found = explain([claude(short=100_000)] * 10, [claude(long=100_000)] * 10)
    assert causes(found) == {"cache_writes": pytest.approx(2.25)}


def test_writing_more_of_the_prompt_is_cache_writes(explain: Explain) -> None:
    # 10 x 50k tokens from plain input ($3) to a write ($3.75): 0.5M x $0.75
    found = explain([claude(fresh=100_000)] * 10, [claude(fresh=50_000, short=50_000)] * 10)
    assert causes(found) == {"cache_writes": pytest.approx(0.375)}


def test_reading_more_from_the_cache(explain: Explain) -> None:
    # 10 x 80k from $3 to $0.30: 0.8M x -$2.70
    found = explain([claude(fresh=100_000)] * 10, [claude(fresh=20_000, read=80_000)] * 10)
    assert causes(found) == {"cache": pytest.approx(-2.16)}


def test_twice_the_searches_are_tool_calls(explain: Explain) -> None:
    # one search is $0.01
    found = explain([claude(searches=1)] * 10, [claude(searches=2)] * 10)
    assert causes(found) == {"extras": pytest.approx(0.1)}


def test_batch_is_the_tier(explain: Explain) -> None:
    # 10 x (100k x $3 + 10k x $15) = $4.50, half of it in batch
    found = explain([claude(100_000, output=10_000)] * 10, [claude(100_000, output=10_000, tier="batch")] * 10)
    assert causes(found) == {"tier": pytest.approx(-2.25)}


def test_prompts_beyond_a_length_step_change_no_price(explain: Explain) -> None:
    even, uneven = [claude(150_000), claude(150_000)], [claude(50_000), claude(250_000)]
    # 50k x $3 + 250k x $6 + 1k x $15 + 1k x $22.50 a million, against 300k x $3 + 2k x $15
    assert causes(explain(even, uneven)) == {"tier": pytest.approx(1.6875 - 0.93)}
    assert causes(explain(uneven, even)) == {"tier": pytest.approx(0.93 - 1.6875)}


def test_a_price_cut_is_the_price(explain: Explain) -> None:
    # gpt-5.6-sol's input fell from $5 to $4 per million on 2026-08-21: 10 x 0.1M x -$1
    call = {
        "provider": "openai", "model": "gpt-5.6-sol",
        "usage": {"prompt_tokens": 100_000, "completion_tokens": 0, "total_tokens": 100_000},
    }  # fmt: skip
    found = explain([call] * 10, [call] * 10, months=("08", "09"))
    assert causes(found) == {"price": pytest.approx(-1)}


def test_whatever_changes_without_a_price_the_price_effect_is_zero(explain: Explain) -> None:
    draw = random.Random(5)

    def calls() -> list[Document]:
        return [
            claude(
                draw.randrange(50_000), draw.choice((0, draw.randrange(40_000))), draw.choice((0, 9_000)),
                draw.choice((0, 7_000)), draw.randrange(4_000), draw.choice((0, 3)), draw.choice(("standard", "batch")),
            )
            for _ in range(draw.randrange(5, 40))
        ]  # fmt: skip

    for _ in range(3):
        found = causes(explain(calls(), calls()))
        assert "price" not in found
        assert {"tokens", "cache", "cache_writes", "tier"} <= found.keys()


def test_the_table_shows_signs(explain: Explain, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explain([claude(short=100_000)] * 10, [claude(long=100_000)] * 10)
    assert run(["why", "--from", "2026-06", "--to", "2026-07", "--db", str(tmp_path / "a.duckdb")]) == 0
    out = capsys.readouterr().out
    assert any(line.split()[-1] == "+$2.25" for line in out.splitlines() if line.startswith("share and kind of cache"))


def test_failures_that_cost_nothing_are_no_cause(explain: Explain) -> None:
    limited = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    message = {
        "type": "message", "role": "assistant", "model": SONNET, "content": [{"type": "text", "text": "yes"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 10_000, "output_tokens": 1_000},
    }  # fmt: skip

    def ask(month: int, second: int, response: Document) -> list[Document]:
        return [
            {
                "user": f"u-{number}", "response": response, "timestamp": f"2026-0{month}-10T{number:02}:00:0{second}Z",
                "request": {"model": SONNET, "messages": [{"role": "user", "content": f"question {number}"}]},
            }
            for number in range(10)
        ]  # fmt: skip

    tried_twice = [*ask(6, 0, limited), *ask(6, 5, message)]
    assert causes(explain(tried_twice, ask(7, 5, message))) == {}


def test_a_bill_that_did_not_change_stays(explain: Explain) -> None:
    assert explain([claude()] * 10, [claude()] * 10)["sentence"].endswith("the bill stayed at $0.45.")
