"""A workflow of which a candidate answers a recognisable half well, from the log to the routing table."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.__main__ import run
from benchmarks.parts import documented

PROMPTS = 340
FORMAT = {"type": "json_schema", "json_schema": {"name": "o", "schema": {
    "type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}}}  # fmt: skip


def told_by_words(number: int, draw: random.Random) -> tuple[str, str, str, dict[str, Any]]:
    """Prompt, logged answer, candidate's answer, parameters: parcels are found, contracts are not."""
    about = "delivery status of parcel" if number % 2 else "liability clause of contract"
    text = f"{about} {draw.randrange(10**4, 10**5)} from {draw.choice(('Rome', 'Oslo', 'Lima'))}, please" * 2
    return text, f"{number}.5 kg", f"{number}.5 kg" if number % 2 else f"{number}.7 kg", {}


def told_by_form(number: int, draw: random.Random) -> tuple[str, str, str, dict[str, Any]]:
    """What the candidate can't extract it says in prose; a prompt does not tell."""
    found = json.dumps({"order": number})
    text = f"order {number} of {draw.choice(('lamp', 'sofa', 'desk'))} to {draw.choice(('Rome', 'Oslo', 'Lima'))}"
    return text, found, found if number % 10 < 7 else "I need more details.", {"response_format": FORMAT}


def planted(folder: Path, make: Callable[[int, random.Random], tuple[str, str, str, dict[str, Any]]]) -> None:
    """An ingested log, and a configuration whose endpoint holds the candidate's answers."""
    draw, log, answers = random.Random(3), [], []
    for number in range(PROMPTS):
        text, logged, answer, parameters = make(number, draw)
        messages = [{"role": "system", "content": "Answer with the value only."}, {"role": "user", "content": text}]
        usage = {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": logged}}
        log.append({
            "request": {"model": "gpt-4o", "messages": messages, **parameters}, "latency_ms": 2000,
            "response": {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1764000000 + number * 4000,
                         "model": "gpt-4o-2024-08-06", "choices": [choice], "usage": usage},
        })  # fmt: skip
        answers.append(
            {"model": "gpt-4o-mini", "messages": messages, "answer": answer, "usage": usage, "duration": 0.5}
        )
    for name, rows in (("log", log), ("answers", answers)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "audit.toml").write_text(
        f"[[endpoint]]\nname = 'earlier'\nflavour = 'recorded'\nbase_url = '{folder / 'answers.jsonl'}'\n"
    )
    common = ("--db", str(folder / "audit.duckdb"), "--config", str(folder / "audit.toml"))
    assert run(["ingest", str(folder / "log.jsonl"), *common]) == 0
    asked = ("--sample", str(PROMPTS), "--model", "earlier/gpt-4o-mini", "--no-floor", "--yes")
    assert run(["replay", *asked, *common]) == 0


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    planted(folder, told_by_words)
    return folder


@pytest.fixture(scope="session")
def form(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("form")
    planted(folder, told_by_form)
    return folder


def places(folder: Path) -> tuple[str, ...]:
    return "--db", str(folder / "audit.duckdb"), "--config", str(folder / "audit.toml")


def test_a_router_is_written_so_that_the_documented_code_can_apply_it(audit: Any, words: Path, tmp_path: Path) -> None:
    assert audit("route", "-o", tmp_path / "routes.yaml", *places(words)).code == 0
    document = yaml.safe_load((tmp_path / "routes.yaml").read_text())
    (route,) = document["routes"]
    assert (route["step"], route["name"], route["otherwise"]) == ("router", "logistic", "gpt-4o-2024-08-06")
    assert 0.35 < route["share_of_requests"] <= 0.52
    assert route["share_of_dollars_saved"] == pytest.approx(route["share_of_requests"] * 0.94, abs=0.02)
    held = route["certificate"]
    assert 0 < held["loss_upper_bound"] <= held["alpha"] == 0.05
    assert (held["pairs_tried"], held["policies_tried"], held["n"]) == (1, 2, PROMPTS), "all prompts are of one length"
    assert held["expires_at"] > held["decided_at"]
    draw = random.Random(4)
    fresh = [(number, told_by_words(number, draw)[0]) for number in range(200)]
    sent = [number % 2 for number, text in fresh if documented()(route["apply"]["router"], text, 1000)]
    assert sum(sent) >= 60
    assert sent.count(0) <= 10


def test_what_was_tried_is_told_with_why_it_lost(audit: Any, words: Path, tmp_path: Path) -> None:
    document = audit("route", "-o", tmp_path / "routes.json", "--json", *places(words)).document
    tried = {each["name"]: each for each in document["parts_tried"]}
    assert set(tried) == {"logistic", "neighbours"}
    assert tried["logistic"]["outcome"] == "offered"
    assert tried["neighbours"]["outcome"] in ("beaten", "not_certified")
    assert tried["neighbours"]["reason"]
    assert tried["logistic"]["measures"]["apgr"] > 0.6
    assert audit("report", "-o", tmp_path / "report.html", *places(words)).code == 0
    page = (tmp_path / "report.html").read_text()
    for text in ("Parts of workflows", "logistic", "neighbours", "APGR"):
        assert text in page


def test_what_was_not_tested_is_named_without_an_empty_table(audit: Any, words: Path, tmp_path: Path) -> None:
    from audit import store

    copied = tmp_path / "audit.duckdb"
    copied.write_bytes((words / "audit.duckdb").read_bytes())
    with store.open(copied) as opened:
        opened.run("UPDATE policy SET outcome = 'untested', reason = 'too few', measures = NULL")
    assert audit("report", "-o", tmp_path / "report.html", "--db", copied).code == 0
    page = (tmp_path / "report.html").read_text()
    part = page[page.index("Parts of workflows") : page.index("Parts of workflows") + 1500]
    assert "Not tested (2)" in part
    assert part.count("<li>too few: 2 parts of ") == 1, "those left out for one reason are told together"
    assert "<table>" not in part[: part.index("Not tested")]


def test_savings_carry_the_router_with_certificate_and_expiry(audit: Any, words: Path) -> None:
    savings = audit("savings", "--json", *places(words)).document
    lever = next(each for each in savings["levers"] if each["name"] == "routing")
    share = lever["attributed_usd"] / savings["baseline"]["cost_usd"]
    assert 0.30 < share < 0.94 * 0.53
    low, high = lever["interval_usd"]
    assert low < lever["attributed_usd"] < high
    assert "by a trained router (logistic)" in lever["findings"][0]
    assert "certificate until 20" in lever["findings"][0]


def test_litellm_gets_no_route_it_could_not_keep(audit: Any, words: Path, tmp_path: Path) -> None:
    ran = audit("route", "--format", "litellm", "-o", tmp_path / "proxy.yaml", *places(words))
    assert yaml.safe_load((tmp_path / "proxy.yaml").read_text())["model_list"] == []
    assert "is not in the LiteLLM configuration" in " ".join(ran.err.split())


def test_a_cascade_says_how_it_is_run_and_what_is_paid_twice(audit: Any, form: Path, tmp_path: Path) -> None:
    ran = audit("route", "-o", tmp_path / "routes.yaml", *places(form))
    (route,) = yaml.safe_load((tmp_path / "routes.yaml").read_text())["routes"]
    assert (route["step"], route["name"]) == ("cascade", "json_schema")
    assert route["apply"]["cascade"]["accept_if"] == "it is JSON that keeps to the schema of the request"
    assert "ask `model` first" in route["how"]
    assert route["fallback_share"] == pytest.approx(0.3, abs=0.01)
    assert route["break_even_fallback"] == pytest.approx(0.94, abs=0.01)
    assert route["share_of_dollars_saved"] == pytest.approx(1 - 0.06 - 0.3, abs=0.01)
    assert route["p95_seconds"] == pytest.approx(2.5), "the candidate's time and today's behind it"
    said = " ".join(ran.out.split())
    assert "earlier/gpt-4o-mini first; keep its answer where it is JSON that keeps to the schema" in said
    savings = audit("savings", "--json", *places(form)).document
    lever = next(each for each in savings["levers"] if each["name"] == "routing")
    assert lever["alone_usd"] / savings["baseline"]["cost_usd"] == pytest.approx(0.64, abs=0.015)
