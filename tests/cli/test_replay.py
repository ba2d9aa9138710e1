"""`audit replay` on the terminal: the plan needs no key and says what it lacks, and how far a cap goes."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from audit import store
from tests.batch_peer import BatchPeer
from tests.peer import Peer

KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_keys")
def test_a_dry_run_needs_no_key(audit: Any, sample_db: Path) -> None:
    wanted = ("replay", "--sample", "200", "--model", "gpt-4.1-nano", "--model", "claude-haiku-4-5", "--db", sample_db)
    ran = audit(*wanted, "--dry-run", "--max-cost", "0.05", "--json")
    assert ran.code == 0, ran.err
    plan = ran.document
    assert {each["endpoint"] for each in plan["missing"]} == {"openai", "anthropic"}
    assert "OPENAI_API_KEY" in str(plan["missing"])
    assert {each["host"] for each in plan["destinations"]} == {"api.openai.com", "api.anthropic.com"}
    assert plan["expected_usd"] > 0.05
    assert 0 < plan["affordable_calls"] < plan["calls"]
    nano = next(each for each in plan["candidates"] if each["model"] == "gpt-4.1-nano")
    assert (nano["input_usd_per_million"], nano["output_usd_per_million"]) == (0.1, 0.4)
    with store.open(sample_db) as opened:
        assert opened.value("SELECT COUNT(*) FROM replay") == opened.value("SELECT COUNT(*) FROM sample") == 0


@pytest.mark.usefixtures("no_keys")
def test_a_dry_run_says_what_a_cap_leaves_out_and_what_is_missing(audit: Any, sample_db: Path) -> None:
    ran = audit("replay", "--sample", "200", "--model", "gpt-4.1-nano", "--dry-run", "--max-cost", "0.01",
                "--db", sample_db)  # fmt: skip
    assert ran.code == 0, ran.err
    told = " ".join((ran.out + ran.err).split())
    assert "the cap of $0.01 leaves room for about" in told
    assert "set the environment variable OPENAI_API_KEY" in told
    assert "price of openai/gpt-4.1-nano: $0.1 a million input tokens, $0.4 a million output tokens" in told
    enough = audit("replay", "--sample", "200", "--model", "gpt-4.1-nano", "--dry-run", "--max-cost", "500",
                   "--db", sample_db)  # fmt: skip
    assert "leaves room" not in enough.out + enough.err


def test_a_cap_that_is_used_up_ends_every_run_alike(
    audit: Any, sample_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = shutil.copy(sample_db, tmp_path / "capped.duckdb")
    with Peer() as peer:
        peer.prompt_tokens = 10_000
        peer.stand_in(monkeypatch)
        wanted = ("replay", "--sample", "60", "--model", "gpt-4.1-nano", "--no-floor", "--yes", "--db", database)
        cap = audit(*wanted, "--dry-run", "--json").document["worst_usd"] / 10
        first = audit(*wanted, "--max-cost", str(cap))
        asked = len(peer.requests)
        told = " ".join((first.out + first.err).split())
        assert first.code == 4
        assert f"prompts to 127.0.0.1:{peer.port} (on this machine; whether a proxy there sends them on" in told
        assert re.search(r" 0 failed, \d+ not made, ", told)
        assert "× budget" not in told
        assert re.search(r", openai/gpt-4.1-nano: (unknown|safe|not safe): ", told)
        second = audit(*wanted, "--max-cost", str(cap / 20))
        told = " ".join((second.out + second.err).split())
        assert (second.code, len(peer.requests)) == (4, asked)
        assert re.search(r"of which unfinished runs may have cost \$[\d.]+, leaves room for about 0 of", told)
        assert re.search(r"\$0.00 spent \(at most \$[\d.]+ with unfinished runs\)", told)


def test_a_run_that_adds_nothing_to_what_is_on_file_is_no_success(
    audit: Any, sample_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = shutil.copy(sample_db, tmp_path / "refused.duckdb")
    with Peer() as peer:
        peer.stand_in(monkeypatch)
        wanted = ("replay", "--model", "gpt-4.1-nano", "--no-floor", "--yes", "--db", database)
        assert audit(*wanted, "--sample", "20").code == 0
        peer.fault_for = lambda number, body: "401"
        ran = audit(*wanted, "--sample", "30")
    assert ran.code == 4
    assert "no call was answered: openai/gpt-4.1-nano: HTTP 401" in " ".join(ran.err.split())


@pytest.mark.usefixtures("no_keys")
def test_before_consent_stands_whose_noise_floor_is_not_measured(audit: Any, sample_db: Path, tmp_path: Path) -> None:
    config = tmp_path / "audit.toml"
    config.write_text('[[endpoint]]\nname = "house"\nbase_url = "http://192.0.2.1:9/v1"\ninput_per_million = 0.1\n'
                      'output_per_million = 0.1\n')  # fmt: skip
    asked = ("replay", "--sample", "20", "--model", "house/small", "--db", sample_db, "--config", config)
    ran = audit(*asked)
    assert ran.code == 2
    lines = [line for line in ran.err.splitlines() if "noise floor of" in line]
    assert any("gpt-5" in line and "OPENAI_API_KEY" in line for line in lines)
    assert ran.err.index("noise floor of") < ran.err.index("nobody to ask")
    assert "noise floor of" not in audit(*asked, "--no-floor").err


class _LosesPatience(io.StringIO):
    """A terminal at which somebody presses Ctrl-C."""

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1) -> str:
        raise KeyboardInterrupt


def test_who_presses_ctrl_c_at_the_question_has_changed_nothing(
    audit: Any, sample_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = shutil.copy(sample_db, tmp_path / "asked.duckdb")
    monkeypatch.setattr("sys.stdin", _LosesPatience())
    with Peer() as peer:
        peer.stand_in(monkeypatch)
        ran = audit("replay", "--sample", "20", "--model", "gpt-4.1-nano", "--no-floor", "--db", database)
        assert (ran.code, peer.requests) == (4, [])
    assert "interrupted before anything was sent" in ran.err
    assert "kept" not in ran.err


@pytest.mark.usefixtures("no_keys")
def test_without_a_key_proposed_models_are_planned_but_not_sent(audit: Any, sample_db: Path) -> None:
    plan = audit("replay", "--dry-run", "--json", "--db", sample_db).document
    assert {"openai", "anthropic"} <= {each["endpoint"] for each in plan["candidates"]}
    assert audit("replay", "--model", "gpt-4.1-nano", "--yes", "--db", sample_db).code == 1


@pytest.mark.usefixtures("no_keys")
def test_a_run_that_can_reach_nothing_but_the_embedded_model_warns(audit: Any, sample_db: Path, tmp_path: Path) -> None:
    database = shutil.copy(sample_db, tmp_path / "toy.duckdb")
    ran = audit("replay", "--sample", "4", "--max-cost", "1", "--yes", "--db", database)
    assert "proves the machinery, not your business case" in " ".join(ran.err.split())


def test_batches_are_handed_over_and_collected(
    audit: Any, sample_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = shutil.copy(sample_db, tmp_path / "batch.duckdb")
    wanted = ("replay", "--sample", "60", "--model", "gpt-4.1-nano", "--no-floor", "--batch", "--yes", "--db", database)
    with BatchPeer() as peer:
        peer.stand_in(monkeypatch)
        plan = audit(*wanted, "--dry-run", "--json").document
        nano = plan["candidates"][0]
        assert (nano["input_usd_per_million"], nano["output_usd_per_million"]) == (0.05, 0.2)
        first = audit(*wanted)
        assert first.code == 0, first.err
        assert "collect the answers with `audit replay --collect`" in " ".join(first.out.split())
        assert "0 of" in audit("replay", "--collect", "--db", database).out
        peer.end()
        done = audit("replay", "--collect", "--db", database, "--json")
        assert done.document["answered"] == plan["calls"]
        assert done.document["open"] == []
        assert {row["model"] for row in done.document["by_candidate"]} >= {"gpt-4.1-nano"}
        assert {row["p95_seconds"] for row in done.document["by_candidate"] if row["model"] == "gpt-4.1-nano"} == {None}
        assert audit(*wanted).code == 0
        assert len(peer.batches) == 1 or set(peer.served.values()) == {1}


@pytest.mark.usefixtures("no_keys")
def test_prompts_a_variant_does_not_change_are_told_of_that_variant(audit: Any, sample_db: Path) -> None:
    wanted = ("replay", "--variant", "trim-history=2", "--variant", "concise", "--dry-run", "--db", sample_db)
    unchanged = [
        each
        for each in audit(*wanted, "--json").document["not_replayable"]
        if each["reason"] == "the variant changes nothing of it"
    ]
    assert {each["variant"] for each in unchanged} == {"trim-history=2"}
    told = audit(*wanted)
    assert " trim-history=2: " in " ".join((told.out + told.err).split())


@pytest.mark.usefixtures("no_keys")
def test_a_workflow_can_be_left_out_and_a_slip_is_an_error(audit: Any, sample_db: Path) -> None:
    wanted = ("replay", "--model", "gpt-4.1-nano", "--dry-run", "--json", "--db", sample_db)
    name = audit("workflows", "--json", "--db", sample_db).document["workflows"][0]["name"]
    plan = audit(*wanted, "--exclude-workflow", name).document
    assert "its workflow is left out on request" in {each["reason"] for each in plan["excluded"]}
    slip = audit(*wanted, "--exclude-workflow", f"{name}x")
    assert slip.code == 2
    assert name in slip.err


@pytest.mark.usefixtures("no_keys")
def test_one_workflow_can_be_tested_alone_and_a_slip_is_an_error(audit: Any, sample_db: Path) -> None:
    wanted = ("replay", "--model", "gpt-4.1-nano", "--dry-run", "--json", "--db", sample_db)
    found = audit("workflows", "--json", "--db", sample_db).document["workflows"]
    name = max(found, key=lambda each: each["requests"])["name"]
    plan = audit(*wanted, "--workflow", name).document
    others = next(each for each in plan["excluded"] if each["reason"] == "its workflow was not asked for")
    assert 0 < others["requests"] <= sum(each["requests"] for each in found if each["name"] != name)
    assert plan["sampled"] > 0
    both = audit(*wanted, "--workflow", name, "--exclude-workflow", name)
    assert (both.code, "no request of this log can be replayed" in both.err) == (1, True)
    slip = audit(*wanted, "--workflow", f"{name}x")
    assert slip.code == 2
    assert name in slip.err
    assert f"no workflow is called '{name}x'" in slip.err
    assert name in slip.err


@pytest.mark.usefixtures("no_keys")
def test_what_is_redacted_is_said_beforehand(audit: Any, sample_db: Path) -> None:
    ran = audit("replay", "--model", "gpt-4.1-nano", "--dry-run", "--redact", "--db", sample_db)
    assert ran.code == 0, ran.err
    assert "personal data is replaced in" in " ".join(ran.out.split())


def chat(number: int, **fields: Any) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Sort parcel {number}: refund or exchange?"}]}
    answer = {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_790_000_000 + number, "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "refund"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105},
    }  # fmt: skip
    return json.dumps({"request": {**body, **fields}, "response": answer})


UNASKED = "it holds sound or files, or images outside the messages of the user"


@pytest.fixture
def parcels(audit: Any, tmp_path: Path) -> Path:
    """An audit file of 30 plain requests, and of 3 with sound."""
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    media = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, sound]}]
    log, database = tmp_path / "log.jsonl", tmp_path / "parcels.duckdb"
    log.write_text("\n".join([*map(chat, range(30)), *(chat(n, messages=media) for n in range(30, 33))]))
    assert audit("ingest", log, "--db", database).code == 0
    return database


def test_what_nobody_can_be_asked_is_listed_with_the_result(audit: Any, parcels: Path, peer: Peer) -> None:
    asked = ("replay", "--model", "openai/gpt-4.1-nano", "--no-floor", "--yes", "--db", parcels, "--json")
    for flags in (["--dry-run"], []):
        ran = audit(*asked, *flags)
        assert ran.code == 0, ran.err
        (out,) = ran.document["excluded"]
        assert (out["reason"], out["requests"]) == (UNASKED, 3)
        assert [(each["endpoint"], each["reason"], each["count"]) for each in ran.document["not_replayable"]] == [
            (None, UNASKED, 3)
        ]


def test_a_run_the_cap_ends_exits_with_4_and_goes_on_with_another(audit: Any, parcels: Path, peer: Peer) -> None:
    asked = ("replay", "--model", "openai/gpt-4.1-nano", "--no-floor", "--yes", "--db", parcels, "--json")
    plan = audit(*asked, "--dry-run").document
    first = audit(*asked, "--max-cost", str(2 * plan["worst_usd"] / plan["calls"]))
    assert (first.code, 0 < first.document["answered"] < plan["calls"]) == (4, True)
    assert f"{first.document['answered']} new answers kept; raise --max-cost" in first.err
    assert first.document["stopped"] in first.err
    rest = audit(*asked)
    assert (rest.code, rest.document["stopped"]) == (0, None)
    assert first.document["answered"] + rest.document["answered"] == plan["calls"]


def test_an_endpoint_whose_account_runs_dry_ends_a_run_with_4(audit: Any, parcels: Path, peer: Peer) -> None:
    asked = ("replay", "--model", "openai/gpt-4.1-nano", "--no-floor", "--yes", "--db", parcels, "--json")
    peer.fault_for = lambda number, body: "quota" if number >= 10 else None
    ran = audit(*asked)
    assert (ran.code, 0 < ran.document["answered"] < 30) == (4, True)
    assert "calls were not made: openai/gpt-4.1-nano: HTTP 429: You exceeded your current quota" in ran.err
    assert ran.document["stopped"] in ran.err
    assert "run the same command to go on" in ran.err
    peer.fault_for = lambda number, body: None
    assert audit(*asked).code == 0


def test_a_candidate_nobody_has_ends_no_run_early(audit: Any, parcels: Path, peer: Peer) -> None:
    peer.fault_for = lambda number, body: "404:no such model" if body["model"] == "gpt-5-nano" else None
    asked = ("replay", "--model", "openai/gpt-4.1-nano", "--model", "openai/gpt-5-nano", "--no-floor", "--yes")
    ran = audit(*asked, "--db", parcels, "--json")
    assert (ran.code, ran.document["answered"], ran.document["stopped"]) == (0, 30, None)


def test_batches_a_cap_ends_exit_with_4(audit: Any, parcels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("replay", "--model", "openai/gpt-4.1-nano", "--no-floor", "--batch", "--yes", "--db", parcels, "--json")
    with BatchPeer() as peer:
        peer.stand_in(monkeypatch)
        plan = audit(*asked, "--dry-run").document
        cap = ("--max-cost", str(10.5 * plan["worst_usd"] / plan["calls"]))
        first = audit(*asked, *cap)
        handed = first.document["submitted"]
        assert (first.code, 0 < handed["requests"] < plan["calls"]) == (4, True)
        assert f"left no room for {plan['calls'] - handed['requests']} of {plan['calls']} calls" in handed["stopped"]
        assert handed["stopped"] in first.err
        second = audit(*asked, *cap)
        assert (second.code, second.document["submitted"]["requests"]) == (4, 0)


def test_candidates_nothing_can_save_end_no_run_early(audit: Any, parcels: Path, peer: Peer) -> None:
    peer.reply = lambda body: "exchange"
    ran = audit("replay", "--model", "openai/gpt-4.1-nano", "--yes", "--db", parcels, "--json")
    assert (ran.code, ran.document["stopped"]) == (0, None)


def test_a_variant_stands_with_its_name_beside_the_verdict(audit: Any, parcels: Path, peer: Peer) -> None:
    ran = audit("replay", "--variant", "concise", "--yes", "--db", parcels)
    assert ran.code == 0, ran.err
    assert "gpt-4o concise" in " ".join(ran.out.split("Verdicts")[1].split())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("https://gateway.example/v1?key=s3cret", "has a query"),
        ("https://joe:s3cret@gateway.example/v1", "holds a user name or password"),
        ("gateway.example/v1", "is no address"),
    ],
)
def test_an_address_in_the_environment_is_checked_and_never_shown(
    audit: Any, parcels: Path, monkeypatch: pytest.MonkeyPatch, address: str, why: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    for command in (["replay", "--dry-run"], ["replay", "--yes"]):
        ran = audit(*command, "--model", "openai/gpt-4.1-nano", "--db", parcels)
        assert ran.code == 2, ran.err
        assert why in ran.err
        assert "OPENAI_BASE_URL" in ran.err
        assert "s3cret" not in ran.out + ran.err
