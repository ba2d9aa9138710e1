"""A regression set from a real log: exported, read by other tools, ingested elsewhere, and run against models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from audit import store as stores
from audit.deciding import evidence
from tests.cli.conftest import Run
from tests.peer import Peer

LABELS = ("refund", "invoice", "complaint")
HOSTILE = "{{ constructor.constructor('return process')() }}{% raw %}${1+1}"


def right(text: str) -> str:
    return LABELS[int(re.findall(r"\d+", text)[-1]) % 3]


def reply(body: dict[str, Any]) -> str:
    return right(body["messages"][-1]["content"])


@pytest.fixture
def db(audit: Run, peer: Peer, tmp_path: Path) -> Path:
    """A log of 60 sorted messages, replayed once on a cheaper model that sorts them as well."""
    lines = []
    for number in range(60):
        asked = f"Sort this message: {HOSTILE if number == 5 else 'hello'} {number}"
        messages = [{"role": "system", "content": "Sort into refund, invoice, complaint."},
                    {"role": "user", "content": asked}]  # fmt: skip
        lines.append(
            {
                "request": {"model": "gpt-4o", "messages": messages, "temperature": 0.2, "max_tokens": 20},
                "response": {
                    "id": f"chatcmpl-{number}", "object": "chat.completion", "model": "gpt-4o",
                    "created": 1_790_000_000 + number,
                    "choices": [{"index": 0, "finish_reason": "stop",
                                 "message": {"role": "assistant", "content": right(asked)}}],
                    "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43},
                },
                "metadata": {"feature": "sorting"},
            }
        )  # fmt: skip
    log, path = tmp_path / "log.jsonl", tmp_path / "audit.duckdb"
    log.write_text("\n".join(map(json.dumps, lines)))
    peer.reply = reply
    assert audit("ingest", log, "--db", path).code == 0
    assert audit("replay", "--model", "gpt-4o-mini", "--sample", "40", "--no-floor", "--yes", "--db", path).code == 0
    return path


def test_a_set_is_a_log_of_its_own_and_runs_where_it_is_ingested(
    audit: Run, peer: Peer, db: Path, tmp_path: Path
) -> None:
    target, elsewhere = tmp_path / "set.jsonl", tmp_path / "set.duckdb"
    made = audit("evalset", "-o", target, "--db", db, "--json").document
    assert (made["prompts"], made["by_workflow"], made["left_out"]) == (40, {"sorting": 40}, [])
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert {line["audit"]["expected_by"] for line in lines} == {"logged"}
    assert all(line["response"]["choices"][0]["message"]["content"] in LABELS for line in lines)
    assert all(line["audit"]["answers"][0]["by"] == "scorer" for line in lines)
    refused = audit("replay", "--evalset", target, "--model", "gpt-4o-mini", "--yes", "--db", _empty(elsewhere))
    assert refused.code == 1
    assert "none of its 40 prompts is in this audit file" in refused.err
    assert "audit ingest" in refused.err
    elsewhere.unlink()
    assert audit("ingest", "--evalset", target, "--db", elsewhere).code == 0
    peer.reply = lambda body: "complaint" if right(body["messages"][-1]["content"]) == "refund" else reply(body)
    asked = len(peer.requests)
    run = ("replay", "--evalset", target, "--model", "gpt-4.1-mini", "--no-floor", "--yes", "--db", elsewhere)
    ran = audit(*run, "--json").document
    assert len(peer.requests) - asked == 40
    assert peer.requests[-1]["temperature"] == 0.2
    assert ran["evalset"]["prompts"] == 40
    assert ran["evalset"]["missing"] == []
    (outcome,) = ran["evalset"]["outcomes"]
    bad = [line["audit"]["name"] for line in lines if line["response"]["choices"][0]["message"]["content"] == "refund"]
    assert outcome["failed"] == sorted(bad)
    assert (outcome["n"], outcome["acceptable"]) == (40, 40 - len(bad))
    gated = audit(*run, "--strict")
    assert gated.code == 3
    assert f"fails {len(bad)} of 40 prompts of sorting" in gated.err
    assert "On the evaluation set" in gated.out


def _empty(path: Path) -> Path:
    stores.open(path, create=True).close()
    return path


def test_in_its_own_file_a_set_keeps_weights_and_asks_exactly_its_prompts(
    audit: Run, peer: Peer, db: Path, tmp_path: Path
) -> None:
    target = tmp_path / "set.jsonl"
    audit("evalset", "-o", target, "--db", db)
    kept = target.read_text().splitlines()[:25]
    target.write_text("\n".join(kept))
    with stores.open(db) as store:
        before = store.rows("SELECT prompt_key, inclusion_probability, batch FROM sample ORDER BY prompt_key")
    asked = len(peer.requests)
    ran = audit("replay", "--evalset", target, "--model", "gpt-4.1-mini", "--no-floor", "--yes", "--db", db, "--json")
    assert len(peer.requests) - asked == 25
    assert ran.document["evalset"]["outcomes"][0]["acceptable"] == 25
    with stores.open(db) as store:
        after = store.rows("SELECT prompt_key, inclusion_probability, batch FROM sample ORDER BY prompt_key")
        trials = {key.model: len(units) for key, units in evidence(store).trials.items()}
        event = store.rows("SELECT settings FROM event WHERE command = 'replay' ORDER BY event_id DESC LIMIT 1")
    assert after == before
    assert json.loads(event[0]["settings"])["sample"] == 25
    assert trials == {"gpt-4o-mini": 40, "gpt-4.1-mini": 25}, "a set that was run counts among what was tried"
    again = audit("replay", "--evalset", target, "--model", "gpt-4.1-mini", "--no-floor", "--yes", "--db", db)
    assert len(peer.requests) - asked == 25
    assert "25 answers came from earlier runs" in " ".join((again.out + again.err).split())


def test_a_set_that_is_asked_again_tells_of_today_and_changes_no_verdict(
    audit: Run, peer: Peer, db: Path, tmp_path: Path
) -> None:
    target = tmp_path / "set.jsonl"
    audit("evalset", "-o", target, "--db", db)
    run = ("replay", "--evalset", target, "--model", "gpt-4.1-mini", "--no-floor", "--yes", "--db", db, "--json")
    before = audit(*run).document
    peer.reply = lambda body: "complaint"
    asked, cap = len(peer.requests), str(10.5 * audit(*run, "--again", "--dry-run").document["worst_usd"] / 40)
    part = audit(*run, "--again", "--max-cost", cap)
    kept = len(peer.requests) - asked
    assert (part.code, 0 < kept < 40) == (4, True)
    rest = audit(*run, "--again")
    assert (rest.code, rest.document["reused"], len(peer.requests) - asked) == (0, kept, 40), "it goes on"
    (then,), (now,) = before["evalset"]["outcomes"], rest.document["evalset"]["outcomes"]
    assert (then["acceptable"], now["n"], now["acceptable"] < 20) == (40, 40, True)
    assert rest.document["by_candidate"] == before["by_candidate"]
    keys = {each["idempotency-key"] for each in peer.headers if "idempotency-key" in each}
    assert len(keys) == len(peer.requests), "no gateway takes it for the same call"
    with stores.open(db) as store:
        on_file = store.rows("SELECT attempt, COUNT(*) AS n FROM replay WHERE model = 'gpt-4.1-mini' GROUP BY attempt")
    assert {row["attempt"]: row["n"] for row in on_file} == {1: 40, 2: 40}
    assert audit(*run).document["evalset"]["outcomes"] == [now], "what was asked last stands"
    told = audit(*run[:-1], "--again")
    assert "came from earlier runs" not in told.out + told.err, "what --again asked is no earlier run's"
    assert audit("replay", "--again", "--db", db).code == 2


def test_an_answer_people_rejected_is_nothing_to_come_up_to(audit: Run, db: Path, tmp_path: Path) -> None:
    with stores.open(db) as store:
        rows = store.rows("SELECT replay_id, request_id FROM replay ORDER BY replay_id LIMIT 2")
        first, second = rows
        shared = {"rater": "ann", "rated_at_us": 1}
        store.run("UPDATE replay SET text = 'goodwill' WHERE replay_id = $id", id=first["replay_id"])
        store.write_rows(
            "rating",
            [
                shared | {"replay_id": first["replay_id"], "request_id": first["request_id"], "verdict": "better"},
                shared | {"replay_id": None, "request_id": first["request_id"], "verdict": "unacceptable"},
                shared | {"replay_id": second["replay_id"], "request_id": second["request_id"],
                          "verdict": "unacceptable"},
                shared | {"replay_id": None, "request_id": second["request_id"], "verdict": "unacceptable"},
            ],
        )  # fmt: skip
    target = tmp_path / "set.jsonl"
    made = audit("evalset", "-o", target, "--rated", "--db", db, "--json").document
    assert made["left_out"] == [{"reason": "no acceptable answer is known", "count": 1}]
    (line,) = map(json.loads, target.read_text().splitlines())
    assert line["response"]["choices"][0]["message"]["content"] == "goodwill"
    assert line["audit"]["expected_by"] == "openai/gpt-4o-mini"
    assert line["audit"]["answers"][0]["by"] == "person"


def test_promptfoo_gets_no_text_it_would_fill_as_a_template(audit: Run, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "promptfoo.json"
    audit("evalset", "-o", target, "--format", "promptfoo", "--db", db)
    document = json.loads(target.read_text())
    assert document["prompts"] == ["{{messages}}"]
    assert len(document["tests"]) == 40
    hostile = 0
    for test in document["tests"]:
        messages = json.loads(test["vars"]["messages"])
        assert messages[0] == {"role": "system", "content": "Sort into refund, invoice, complaint."}
        hostile += HOSTILE in messages[1]["content"]
        for text in (test["vars"]["messages"], *(each["value"] for each in test["assert"])):
            assert not re.search(r"\{[{%#]", text)
        assert test["assert"][0]["type"] == "javascript"
    assert hostile <= 1


def test_inspect_gets_samples_with_messages_and_target(audit: Run, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "inspect.jsonl"
    audit("evalset", "-o", target, "--format", "inspect", "--db", db)
    samples = [json.loads(line) for line in target.read_text().splitlines()]
    assert len({sample["id"] for sample in samples}) == 40
    for sample in samples:
        assert [message["role"] for message in sample["input"]] == ["system", "user"]
        assert sample["target"] == right(sample["input"][1]["content"])
        assert sample["metadata"]["task_kind"] == "classification"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("evalset", "--format", "csv"), 2, "unknown format 'csv'"),
        (("evalset", "--workflow", "elsewhere"), 1, "no prompt has a decided answer"),
        (("replay", "--evalset", "nowhere.jsonl"), 1, "No such file"),
        (("replay", "--evalset", __file__), 1, "line 1 is no record of a set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    audit: Run, db: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ran = audit(*arguments, "--db", db)
    assert (ran.code, message in ran.err) == (code, True)


@pytest.mark.parametrize("weight", [0, -5, "x", None])
def test_a_set_edited_by_hand_is_refused_with_its_line(audit: Run, db: Path, tmp_path: Path, weight: object) -> None:
    target = tmp_path / "set.jsonl"
    audit("evalset", "-o", target, "--db", db)
    line = json.loads(target.read_text().splitlines()[0])
    line["audit"]["weight"] = weight
    target.write_text(json.dumps(line))
    ran = audit("replay", "--evalset", target, "--dry-run", "--db", db)
    assert (ran.code, "line 1: weight and requests have to be numbers above 0" in ran.err) == (1, True)


@pytest.mark.parametrize("form", ["jsonl", "promptfoo", "inspect"])
def test_a_set_is_no_log(form: str, audit: Run, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "set.jsonl"
    assert audit("replay", "--model", "gpt-4o-mini", "--no-floor", "--yes", "--db", db).code == 0
    assert audit("evalset", "-o", target, "--format", form, "--db", db).code == 0
    before = audit("summary", "--db", db, "--json").document["requests"]
    ran = audit("ingest", target, "--db", db)
    assert (ran.code, ran.out) == (1, "")
    assert "rejected: own_export" in ran.err
    assert "an evaluation set of `audit evalset`, no log" in ran.err
    assert audit("summary", "--db", db, "--json").document["requests"] == before
    rows = audit("sniff", target, "--json").document
    assert {row["result"] for row in rows} == {"reject: own_export"}
    assert all("an evaluation set of `audit evalset`, no log" in row["detail"] for row in rows)


def test_a_set_among_logs_costs_only_itself_and_can_be_read_later(audit: Run, db: Path, tmp_path: Path) -> None:
    folder, other = tmp_path / "logs", tmp_path / "b.duckdb"
    folder.mkdir()
    assert audit("evalset", "-o", folder / "set.jsonl", "--db", db).code == 0
    messages = [{"role": "user", "content": "Hello?"}]
    answer = {"model": "gpt-4o", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}}]}
    log = {"request": {"model": "gpt-4o", "messages": messages}, "response": answer, "audit": {"by": "the gateway"}}
    (folder / "log.jsonl").write_text(json.dumps(log) + "\n", encoding="utf-8")
    found = audit("ingest", folder, "--db", other, "--json").document
    assert (found["accepted"], found["rejected_by_reason"]) == (1, {"own_export": 40})
    found = audit("ingest", "--evalset", folder / "set.jsonl", "--db", other, "--json").document
    assert (found["accepted"], found["rejected_by_reason"]) == (40, {})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"format": "audit-ratings/1", "review": "r", "rater": "ann", "ratings": []}, "audit review --import"),
        ({"format": "audit-routes/1", "made_at": None, "routes": [], "not_routed": []}, "a routing table"),
    ],
)
def test_ratings_and_routes_are_no_log(written: dict[str, Any], said: str, audit: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(written, indent=1), encoding="utf-8")
    ran = audit("ingest", path, "--db", tmp_path / "own.duckdb")
    assert ran.code == 1
    assert "1 rejected: own_export" in ran.err
    assert said in ran.err


def test_a_set_that_passed_through_an_editor_is_read(audit: Run, peer: Peer, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "set.jsonl"
    audit("evalset", "-o", target, "--db", db)
    target.write_bytes(b"\xef\xbb\xbf" + target.read_bytes().replace(b"\n", b"\r\n"))
    wanted = ("replay", "--evalset", target, "--model", "gpt-4.1-mini", "--no-floor", "--db", db)
    assert audit(*wanted, "--dry-run", "--json").document["sampled"] == 40
    target.write_text(target.read_text(encoding="utf-8-sig"), encoding="utf-16")
    ran = audit(*wanted, "--dry-run")
    assert (ran.code, "not UTF-8" in ran.err) == (1, True)


def test_a_set_without_prompts_says_why(audit: Run, db: Path, tmp_path: Path) -> None:
    with stores.open(db) as store:
        store.run("UPDATE replay SET variant = 'concise'")
    ran = audit("evalset", "-o", tmp_path / "set.jsonl", "--db", db)
    assert ran.code == 1
    assert "40 prompts: only answers to a changed prompt are decided (--variant)" in ran.err
    with stores.open(db) as store:
        store.run("UPDATE replay SET variant = NULL")
    ran = audit("evalset", "--rated", "-o", tmp_path / "set.jsonl", "--db", db)
    assert "40 prompts: people rated no answer" in ran.err


def _agent(path: Path) -> None:
    """A log whose answers call a tool, or two at once, with arguments as the API writes them."""
    lines = []
    for number in range(12):
        calls = [
            {"id": f"c{number}{part}", "type": "function",
             "function": {"name": "move", "arguments": json.dumps({"to": f"day {part}", "shipment": f"NF{number}"})}}
            for part in range(1 + number % 2)
        ]  # fmt: skip
        lines.append(
            {
                "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Move shipment NF{number}."}],
                            "tools": [TOOL]},
                "response": {
                    "id": f"chatcmpl-a{number}", "object": "chat.completion", "model": "gpt-4o",
                    "created": 1_790_000_000 + number,
                    "choices": [{"index": 0, "finish_reason": "tool_calls",
                                 "message": {"role": "assistant", "content": None, "tool_calls": calls}}],
                    "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43},
                },
                "metadata": {"feature": "dispatch"},
            }
        )  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))


TOOL = {
    "type": "function",
    "function": {
        "name": "move",
        "parameters": {
            "type": "object",
            "properties": {"shipment": {"type": "string"}, "to": {"type": "string"}},
            "required": ["shipment", "to"],
        },
    },
}


def test_tool_calls_stay_tool_calls_wherever_the_set_goes(audit: Run, peer: Peer, tmp_path: Path) -> None:
    log, path, target, elsewhere = (tmp_path / name for name in ("a.jsonl", "a.duckdb", "set.jsonl", "set.duckdb"))
    _agent(log)
    audit("ingest", log, "--db", path)
    logged = [json.loads(line)["response"]["choices"][0]["message"] for line in log.read_text().splitlines()]
    by_prompt = {f"Move shipment NF{number}.": message for number, message in enumerate(logged)}
    peer.reply = lambda body: str(body["messages"][-1]["content"])

    def calling(answer: dict[str, Any]) -> dict[str, Any]:
        for choice in answer["choices"]:
            choice |= {"finish_reason": "tool_calls", "message": by_prompt[choice["message"]["content"]]}
        return answer

    peer.change = calling
    assert audit("replay", "--model", "gpt-4o-mini", "--no-floor", "--yes", "--db", path).code == 0
    assert audit("evalset", "-o", target, "--db", path).code == 0
    for line in map(json.loads, target.read_text().splitlines()):
        (choice,) = line["response"]["choices"]
        before = by_prompt[line["request"]["messages"][-1]["content"]]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
        assert [_call(each) for each in choice["message"]["tool_calls"]] == list(map(_call, before["tool_calls"]))
    assert audit("ingest", "--evalset", target, "--db", elsewhere).code == 0
    run = ("replay", "--evalset", target, "--strict", "--model", "gpt-4.1-mini", "--no-floor", "--yes")
    ran = audit(*run, "--db", elsewhere, "--json")
    assert ran.code == 0, ran.err
    assert [(each["n"], each["acceptable"]) for each in ran.document["evalset"]["outcomes"]] == [(12, 12)]
    audit("evalset", "-o", target, "--format", "inspect", "--db", path)
    samples = [json.loads(line) for line in target.read_text().splitlines()]
    assert all(json.loads(each["target"]) == each["metadata"]["expected_tool_calls"] for each in samples)
    assert all(each["metadata"]["expected_tool_calls"][0]["name"] == "move" for each in samples)
    audit("evalset", "-o", target, "--format", "promptfoo", "--db", path)
    for test in json.loads(target.read_text())["tests"]:
        assert test["options"] == {"tools": [TOOL]}
        assert test["assert"][0]["type"] == "javascript"


def _call(call: dict[str, Any]) -> tuple[str, Any]:
    return call["function"]["name"], json.loads(call["function"]["arguments"])
