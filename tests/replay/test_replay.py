from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

import audit.store
from audit.clients._lane import Policy
from audit.config import EndpointConfig
from audit.errors import AuditError, BudgetError, ConfigError, ConsentError, Interrupted, ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import LocalLimits, Plan, Progress, plan, replay
from audit.replay.calls import NO_RESPONSES
from audit.scoring import scoring
from audit.store import Store
from tests.peer import Peer
from tests.replay.logs import Request, fill, shop
from tests.stopping import stopped_by

QUICK = Policy(concurrency=4, attempts=8, first_backoff=0.01, last_backoff=0.02)
CALL_PICO = 100 * 150_000 + 5 * 600_000
"""Cost of one answer of the peer at gpt-4o-mini's list price."""


def planned(store: Store, catalogue: Catalogue, **settings: Any) -> Plan:
    return plan(store, catalogue, **{"sample": 40, "models": ["gpt-4o-mini"], "floor": False, **settings})


def test_a_plan_says_what_would_happen_and_changes_nothing(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, [*shop({"sort": 120, "faq": 60}), Request("sort", "?", text_status="absent", cost_pico=10**9)])
    made = planned(store, catalogue, floor=True)
    assert made.sampled == 40
    assert [(each.model, each.floor, each.calls) for each in made.candidates] == [
        ("gpt-4o-mini", False, 40),
        ("gpt-4o", True, 40),
    ]
    # 100 logged input tokens and 5 of output at the list prices of gpt-4o-mini and gpt-4o
    assert made.expected_usd == pytest.approx(40 * (100 * (0.15 + 2.5) + 5 * (0.6 + 10)) / 1e6)
    assert made.worst_usd > made.expected_usd
    assert made.coverage == pytest.approx(1 - 10**9 / made.frame.total_pico)
    assert [each.reason for each in made.excluded] == ["the log holds no text"]
    assert peer.requests == []
    assert store.value("SELECT COUNT(*) FROM sample") == store.value("SELECT COUNT(*) FROM replay") == 0


def test_promises_grow_with_the_sample(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 300, "faq": 250, "draft": 200}))
    small, large = planned(store, catalogue, sample=60), planned(store, catalogue, sample=400)
    assert small.promise.certificates == 0
    assert small.larger is not None
    assert small.larger.n > 60
    assert small.larger.certificates > 0
    assert small.larger.workflows[0] == "sort"
    assert large.promise.certificates < large.promise.if_clean == 2
    assert large.promise.tests == 3
    assert large.promise.unchecked == 1, "no program can compare drafts"
    assert 0 < large.promise.power < 1


def test_a_replay_that_is_stopped_says_so_at_once_and_keeps_what_is_on_its_way(
    store: Store, catalogue: Catalogue, peer: Peer
) -> None:
    fill(store, shop({"sort": 60}))
    seen: list[Progress] = []
    peer.delay = 0.5

    def stop(number: int, body: dict[str, Any]) -> None:
        if number == 2:
            signal.raise_signal(signal.SIGINT)

    peer.fault_for = stop
    with pytest.raises(Interrupted):
        replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK, progress=seen.append)
    stopping = [now.answered for now in seen if now.stopping]
    assert stopping[0] < stopping[-1] == len(peer.requests) == store.value("SELECT COUNT(*) FROM replay")
    assert len(peer.requests) <= 2 * QUICK.concurrency


def test_every_answer_is_journaled_with_its_cost_and_sample(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 60, "faq": 40}))
    seen: list[int] = []
    made = planned(store, catalogue, floor=True)
    result = replay(
        store, made, max_cost_usd=5.0, policy=QUICK, progress=lambda now: seen.append(now.answered + now.failed)
    )
    assert (result.sampled, result.sent, result.answered, result.reused, result.failed) == (40, 80, 80, 0, ())
    assert seen == sorted(seen)
    assert seen[-1] == 80
    rows = store.rows("SELECT * FROM replay ORDER BY replay_id")
    assert [row["replay_id"] for row in rows] == list(range(1, 81))
    assert {(row["status"], row["origin"], row["variant"], row["attempt"]) for row in rows} == {("ok", "live", "", 1)}
    assert {(row["current_model"], row["model"]) for row in rows} == {("gpt-4o", "gpt-4o-mini"), ("gpt-4o", "gpt-4o")}
    cheap = [row for row in rows if row["model"] == "gpt-4o-mini"]
    assert {row["cost_pico"] for row in cheap} == {CALL_PICO}
    assert result.spent_usd == pytest.approx(sum(row["cost_pico"] for row in rows) / 1e12)
    assert store.value("SELECT COUNT(*) FROM sample WHERE inclusion_probability > 0") == 40
    assert store.value("SELECT COUNT(*) FROM replay WHERE prompt_key NOT IN (SELECT prompt_key FROM sample)") == 0
    event = store.rows("SELECT command, settings, outcome FROM event")
    assert [row["command"] for row in event] == ["replay"]
    assert json.loads(event[0]["settings"])["candidates"] == ["openai/gpt-4o-mini"]


def test_what_was_answered_is_never_asked_again(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 60, "faq": 40}))
    replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    again = replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    assert (again.sent, again.reused, again.spent_usd) == (0, 40, 0.0)
    grown = replay(store, planned(store, catalogue, sample=60), max_cost_usd=5.0, policy=QUICK)
    assert (grown.sent, grown.reused) == (20, 40)
    assert set(peer.served.values()) == {1}
    assert sum(peer.served.values()) == 60


def test_mixed_faults_lose_nothing_and_pay_nothing_twice(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 150, "faq": 100}))
    faults = ["reset", "500", "429:10", "garbage", "null", "html", "529", "truncate", "close", "503"]
    peer.fault_for = lambda number, body: faults[number // 5 % len(faults)] if number % 5 == 0 else None
    result = replay(store, planned(store, catalogue, sample=150), max_cost_usd=5.0, policy=QUICK)
    assert (result.answered, result.failed, result.stopped) == (150, (), "")
    assert len(peer.served) == 150
    assert set(peer.served.values()) == {1}
    assert result.spent_usd == pytest.approx(150 * CALL_PICO / 1e12)
    assert result.uncertain_usd > 0, "a cut answer may have been billed"
    assert any("by rate limits, and made again" in note for note in result.notes), result.notes


@pytest.mark.parametrize("calls", [0, 3, 11, 40])
def test_the_cap_is_never_passed(store: Store, catalogue: Catalogue, peer: Peer, calls: int) -> None:
    fill(store, shop({"sort": 60, "faq": 40}))
    made = planned(store, catalogue)
    worst = max(job.worst_pico or 0 for job in made.jobs)
    assert worst > CALL_PICO
    cap = (calls * CALL_PICO + (worst if calls else worst // 2)) / 1e12
    broken = 0

    def fault(number: int, body: dict[str, Any]) -> str | None:
        nonlocal broken
        broken += number % 7 == 3
        return "garbage" if number % 7 == 3 else None

    peer.fault_for = fault
    if not calls:
        with pytest.raises(BudgetError, match="may cost"):
            replay(store, made, max_cost_usd=cap, policy=QUICK)
        assert peer.requests == []
        return
    result = replay(store, made, max_cost_usd=cap, policy=QUICK)
    billed = (sum(peer.served.values()) + broken) * CALL_PICO / 1e12
    assert billed <= cap + 1e-12
    assert result.spent_usd + result.uncertain_usd <= cap + 1e-12
    if calls < 40:
        assert "left no room" in result.stopped
        assert any(each.reason == "budget" and not each.sent for each in result.failed)
    more = replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    assert more.answered + result.answered == 40
    assert set(peer.served.values()) == {1}


def test_a_cap_holds_over_interrupted_runs(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 60}))
    made = planned(store, catalogue)
    cap = (10 * CALL_PICO + max(job.worst_pico or 0 for job in made.jobs)) / 1e12
    first = replay(store, made, max_cost_usd=cap, policy=QUICK)
    assert first.stopped
    assert planned(store, catalogue).affordable(cap / 2) == 0, "what unfinished runs spent is gone"
    second = replay(store, planned(store, catalogue), max_cost_usd=cap / 2, policy=QUICK)
    assert f", of which unfinished runs may have cost ${first.spent_usd:.4f}, left no room" in second.stopped
    assert (second.sent, second.spent_usd, second.spent_before_usd) == (0, 0, pytest.approx(first.spent_usd))
    assert first.spent_usd <= cap
    rest = replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    assert rest.stopped == ""
    replay(store, planned(store, catalogue, sample=60), max_cost_usd=cap * 2, policy=QUICK)
    assert set(peer.served.values()) == {1}


def test_a_refused_key_is_one_clear_error(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 60}))
    peer.fault_for = lambda number, body: "401:Incorrect API key provided: sk-test"
    with pytest.raises(ReplayError, match="refused the key"):
        replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    assert len(peer.requests) <= 4
    assert store.value("SELECT COUNT(*) FROM replay WHERE error LIKE 'unauthorised:%'") >= 1
    peer.fault_for = lambda number, body: None
    result = replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    assert result.answered == 40
    assert store.value("SELECT COUNT(*) FROM replay WHERE status = 'failed'") == 0, "made good, so forgotten"


def test_what_one_model_refuses_is_told_apart(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 40}))
    peer.fault_for = lambda number, body: "400:too many tokens" if "message 1" in json.dumps(body["messages"]) else None
    result = replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    (failure,) = result.failed
    assert (failure.reason, failure.count, failure.sent) == ("too_long", 11, True)
    assert result.answered == 29


def test_consent_is_asked_for_strangers_only(
    store: Store, catalogue: Catalogue, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, shop({"sort": 40}))
    assert not planned(store, catalogue).needs_consent, "loopback is this machine"
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    own = planned(store, catalogue)
    assert [(each.host, each.prompts, each.serves_already) for each in own.destinations] == [
        ("api.openai.com", 40, True)
    ]
    assert not own.needs_consent
    other = planned(store, catalogue, models=["claude-haiku-4-5"])
    assert [each.host for each in other.destinations] == ["api.anthropic.com"]
    assert other.needs_consent
    with pytest.raises(ConsentError, match=r"api\.anthropic\.com \(40 prompts\)"):
        replay(store, other, max_cost_usd=5.0)
    assert store.value("SELECT COUNT(*) FROM sample") == 0


def test_a_model_without_a_price_is_not_free(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 40}))
    elsewhere = EndpointConfig("lab", "https://lab.example/v1")
    made = planned(store, catalogue, models=["lab/our-own-7b"], endpoints=[elsewhere])
    assert made.unpriced == ("lab/our-own-7b",)
    with pytest.raises(BudgetError, match="no price is known"):
        replay(store, made, max_cost_usd=5.0, consent=True)
    here = EndpointConfig("here", f"{peer.url}/v1")
    result = replay(
        store,
        planned(store, catalogue, models=["here/our-own-7b"], endpoints=[here]),
        max_cost_usd=5.0,
        policy=QUICK,
    )
    assert result.answered == 40
    assert store.value("SELECT COUNT(*) FROM replay WHERE cost_pico IS NOT NULL") == 0
    priced = EndpointConfig("priced", f"{peer.url}/v1", input_per_million=1.0, output_per_million=2.0)
    bought = replay(
        store, planned(store, catalogue, models=["priced/m"], endpoints=[priced]), max_cost_usd=5.0, policy=QUICK
    )
    assert bought.spent_usd == pytest.approx(40 * (100 + 2 * 5) / 1e6)


def test_a_claude_log_can_be_asked_of_openai_and_back(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(
        store,
        shop(
            {"sort": 30}, model="claude-sonnet-4-5", provider="anthropic", parameters={"max_tokens": 32, "stop": ["\n"]}
        )
        + shop({"faq": 30}),
    )
    made = planned(store, catalogue, sample=60, models=["gpt-4o-mini", "claude-haiku-4-5"], floor=True)
    result = replay(store, made, max_cost_usd=5.0, policy=QUICK)
    assert result.answered == 60 * 3
    pairs = Counter((each.current_model, each.model, each.floor) for each in result.by_candidate)
    assert set(pairs.values()) == {1}
    assert len(pairs) == 6
    told = store.rows("SELECT DISTINCT model, lossy FROM replay WHERE current_model = 'claude-sonnet-4-5'")
    assert {row["model"]: json.loads(row["lossy"]) for row in told} == {
        "gpt-4o-mini": [],
        "claude-haiku-4-5": ["stop sequences of white space are not taken by this API"],
        "claude-sonnet-4-5": ["stop sequences of white space are not taken by this API"],
    }
    assert {body.get("max_tokens") for body in peer.requests if body["model"].startswith("claude")} >= {32}


def test_responses_are_asked_again_as_responses(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 30}, response_id="resp_"))
    replay(store, planned(store, catalogue, sample=10), max_cost_usd=5.0, policy=QUICK)
    assert all("input" in body for body in peer.requests)


def test_a_server_without_responses_is_asked_through_chat(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 30}, response_id="resp_", parameters={"stop": ["END"]}))
    peer.fault_for = lambda number, body: "404:Not Found" if "input" in body else None
    result = replay(store, planned(store, catalogue, sample=20, floor=True), max_cost_usd=5.0, policy=QUICK)
    assert (result.answered, result.failed) == (40, ())
    missed = [body["model"] for body in peer.requests if "input" in body]
    assert set(missed) == {"gpt-4o", "gpt-4o-mini"}
    assert len(missed) <= 2 * QUICK.concurrency, "found out once, by those under way"
    assert {tuple(json.loads(row["lossy"])) for row in store.rows("SELECT lossy FROM replay")} == {(NO_RESPONSES,)}
    assert len(result.notes) == 2
    assert "has no Responses API" in result.notes[0]


def test_a_model_nobody_has_fails_once_through_either_api(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 30}, response_id="resp_"))
    peer.fault_for = lambda number, body: "404:no such model" if body["model"] == "gpt-4o-mini" else None
    result = replay(store, planned(store, catalogue, sample=20, floor=True), max_cost_usd=5.0, policy=QUICK)
    assert result.answered == 20
    assert {(each.model, each.reason) for each in result.failed} <= {
        ("gpt-4o-mini", "not_found"),
        ("gpt-4o-mini", "endpoint_closed"),
    }
    assert all("input" in body for body in peer.requests if body["model"] == "gpt-4o")


def test_candidates_are_proposed_from_the_price_table(
    store: Store, catalogue: Catalogue, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, shop({"sort": 40}))
    made = planned(store, catalogue, models=[])
    hosted = [each for each in made.candidates if each.endpoint == "openai"]
    assert hosted
    assert all(each.model.startswith("gpt") for each in hosted)
    assert any(each.endpoint == "local" for each in made.candidates)
    monkeypatch.delenv("OPENAI_API_KEY")
    offline = planned(store, catalogue, models=[])
    assert {each.endpoint for each in offline.candidates} == {"local"}
    assert "OPENAI_API_KEY" in {each.hint for each in offline.skipped}.pop()


def test_only_the_embedded_model_draws_only_what_it_can_take(store: Store, catalogue: Catalogue) -> None:
    tools = (("system", "tools", '{"name": "f"}'), ("user", "user", "x"))
    fill(
        store,
        [
            *shop({"sort": 200}),
            *shop({"faq": 20}, input_tokens=600),
            *shop({"draft": 10}, output_tokens=300),
            Request("extract", segments=tools),
        ],
    )
    made = planned(store, catalogue, sample=500, models=["local"], local=LocalLimits(prompts=90))
    assert made.sampled == 90
    assert made.worst_usd == made.expected_usd == 0
    assert not made.needs_consent
    assert {(each.reason, each.count) for each in made.not_replayable} == {
        ("the prompt is longer than 512 tokens", 20),
        ("the logged answer is longer than 64 tokens", 10),
        ("the embedded model has no tools", 1),
    }
    with pytest.raises(ReplayError, match="fit for the embedded model"):
        planned(store, catalogue, models=["local"], local=LocalLimits(prompt_tokens=1))


def test_the_embedded_model_answers_a_replay(store: Store, catalogue: Catalogue) -> None:
    schema = {"type": "object", "properties": {"intent": {"enum": ["refund", "order"]}}, "required": ["intent"]}
    shape = {"response_format": {"type": "json_schema", "json_schema": {"name": "i", "schema": schema}}}
    fill(store, shop({"sort": 12}, parameters={"max_tokens": 64, **shape}))
    rented = EndpointConfig("local", flavour="local", input_per_million=0.1, output_per_million=0.4)
    made = planned(store, catalogue, sample=4, models=["local"], endpoints=[rented])
    assert made.expected_usd == made.worst_usd == 0, "nobody bills this machine"
    result = replay(store, made, max_cost_usd=0.0)
    assert (result.answered, result.spent_usd) == (4, 0.0)
    for row in store.rows("SELECT * FROM replay"):
        assert row["origin"] == "local"
        assert row["cost_pico"] == row["input_tokens"] * 100_000 + row["output_tokens"] * 400_000
        assert json.loads(row["text"])["intent"] in ("refund", "order")
        assert row["output_tokens"] <= 64


@pytest.mark.parametrize(("models", "error"), [(["nobody-knows"], ConfigError), (["claude-haiku-4-5"], ReplayError)])
def test_a_named_model_must_be_reachable(
    store: Store,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    models: list[str],
    error: type[AuditError],
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    fill(store, shop({"sort": 10}))
    with pytest.raises(error) as caught:
        planned(store, catalogue, models=models)
    assert caught.value.hint


def test_an_unreachable_endpoint_is_one_clear_error(
    store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, shop({"sort": 30}))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(ReplayError, match="gave no answer") as caught:
        replay(store, planned(store, catalogue), max_cost_usd=5.0, policy=QUICK)
    assert "check that the server runs" in caught.value.hint


def test_a_log_without_text_says_so(store: Store, catalogue: Catalogue) -> None:
    fill(store, [Request("sort", "x", text_status="absent")])
    with pytest.raises(ReplayError) as caught:
        planned(store, catalogue)
    assert caught.value.hint == "1 request: the log holds no text"


PROGRAM = """
import sys
import audit.store
from audit.clients._lane import Policy
from audit.errors import Interrupted
from audit.prices.catalogue import load
from audit.replay import plan, replay
with audit.store.open(sys.argv[1]) as store:
    made = plan(store, load(), sample=120, models=["gpt-4o-mini"], floor=False)
    try:
        replay(store, made, max_cost_usd=float(sys.argv[2]), policy=Policy(concurrency=4))
    except Interrupted as stopped:
        sys.exit(stopped.exit_code)
"""


def test_a_killed_and_an_interrupted_run_go_on_where_they_ended(
    tmp_path: Path, catalogue: Catalogue, peer: Peer
) -> None:
    path = tmp_path / "killed.duckdb"
    with audit.store.open(path, create=True) as store:
        fill(store, shop({"sort": 100, "faq": 60}))
    peer.delay = 0.05
    assert stopped_by(signal.SIGKILL, PROGRAM, str(path), "5", peer=peer, after=30) == -signal.SIGKILL
    killed_at = len(peer.requests)
    with audit.store.open(path) as store:
        kept = store.value("SELECT COUNT(*) FROM replay WHERE status = 'ok'")
    assert 0 < kept <= killed_at
    assert killed_at - kept <= 24, "only what was on its way is lost"
    assert stopped_by(signal.SIGINT, PROGRAM, str(path), "5", peer=peer, after=killed_at + 30) == 4
    with audit.store.open(path) as store:
        interrupted = store.value("SELECT COUNT(*) FROM replay WHERE status = 'ok'")
        assert interrupted == len(peer.requests) - (killed_at - kept), "an orderly stop loses nothing"
        peer.delay = 0
        result = replay(store, planned(store, catalogue, sample=120), max_cost_usd=5.0, policy=QUICK)
    assert result.reused == interrupted
    assert result.answered == 120 - interrupted
    assert len(peer.served) == 120
    assert sum(peer.served.values()) - 120 <= killed_at - kept


def test_a_cap_holds_though_runs_are_killed(tmp_path: Path, catalogue: Catalogue, peer: Peer) -> None:
    path = tmp_path / "killed.duckdb"
    with audit.store.open(path, create=True) as store:
        fill(store, shop({"sort": 100, "faq": 60}))
        worst = max(job.worst_pico or 0 for job in planned(store, catalogue, sample=120).jobs)
    cap = (40 * CALL_PICO + 6 * worst) / 1e12
    peer.delay = 0.05
    for _ in range(3):
        stopped_by(signal.SIGKILL, PROGRAM, str(path), str(cap), peer=peer, after=len(peer.requests) + 8)
    peer.delay = 0
    with audit.store.open(path) as store:
        made = planned(store, catalogue, sample=120)
        with suppress(BudgetError):  # nothing may be left of the cap
            replay(store, made, max_cost_usd=cap, policy=QUICK)
        on_file = store.value("SELECT COUNT(*) FROM replay WHERE status = 'ok'")
    billed = sum(peer.served.values())
    assert billed > on_file, "some answers were paid for and lost"
    assert billed * CALL_PICO <= cap * 1e12


@pytest.mark.parametrize(
    "usage", [None, {}, [1], {"prompt_tokens": -1, "completion_tokens": 5}, {"prompt_tokens": 10**15}, "many"]
)
def test_an_answer_whose_tokens_nobody_knows_is_not_free(
    store: Store, catalogue: Catalogue, peer: Peer, usage: object
) -> None:
    fill(store, shop({"sort": 40}))
    peer.change = lambda body: body | {"usage": usage}
    made = planned(store, catalogue)
    result = replay(store, made, max_cost_usd=5.0, policy=QUICK)
    assert (result.answered, result.spent_usd) == (40, 0.0)
    assert result.uncertain_usd == pytest.approx(made.worst_usd), "each may have cost the most it can"
    assert store.value("SELECT COUNT(*) FROM replay WHERE cost_pico IS NOT NULL") == 0


def test_an_endpoint_that_bills_beyond_its_limits_is_believed_at_once(
    store: Store, catalogue: Catalogue, peer: Peer
) -> None:
    fill(store, shop({"sort": 40}))
    peer.completion_tokens = 50_000
    one = (100 * 0.15 + 50_000 * 0.6) / 1e6
    cap = 10 * one
    result = replay(store, planned(store, catalogue), max_cost_usd=cap, policy=Policy(concurrency=2))
    assert result.spent_usd == pytest.approx(sum(peer.served.values()) * one)
    assert result.spent_usd <= cap
    assert "times the most its limits allow" in result.notes[0]
    assert "left no room" in result.stopped


def test_no_answer_stops_the_run_however_odd(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    fill(store, shop({"sort": 30}))
    odd: list[dict[str, Any]] = [
        {
            "id": "\ud800",
            "model": "\udfff",
            "choices": [{"message": {"content": "\ud83d \x00 ok"}, "finish_reason": "\ud800"}],
        },
        {"choices": [{"message": {"content": "[" * 50_000}}]},
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "\ud800", "arguments": "[" * 50_000}}]}}]},
        {"choices": [{"message": {"content": 7, "tool_calls": "none", "refusal": []}, "finish_reason": {}}]},
        {"model": [], "id": 3, "usage": {"prompt_tokens": True, "completion_tokens": "five"}},
    ]
    peer.change = lambda body: body | odd[len(peer.requests) % len(odd)]
    peer.script = ["deep"] * 3
    result = replay(store, planned(store, catalogue, sample=30), max_cost_usd=5.0, policy=QUICK)
    assert (result.answered, result.failed) == (30, ())
    scoring(store)
    assert store.value("SELECT COUNT(DISTINCT replay_id) FROM score") == 30


def test_every_sdk_is_loaded_and_open_before_the_first_call_is_timed(
    store: Store, catalogue: Catalogue, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, shop({"sort": 20}))
    order: list[str] = []
    opened, posted = anthropic.AsyncAnthropic.__init__, openai.AsyncOpenAI.post

    def opening(self: Any, **settings: Any) -> None:
        order.append("open")
        opened(self, **settings)

    async def posting(self: Any, *given: Any, **settings: Any) -> Any:
        order.append("post")
        return await posted(self, *given, **settings)

    monkeypatch.setattr(anthropic.AsyncAnthropic, "__init__", opening)
    monkeypatch.setattr(openai.AsyncOpenAI, "post", posting)
    made = planned(store, catalogue, sample=8, models=["gpt-4o-mini", "claude-haiku-4-5"])
    replay(store, made, max_cost_usd=5.0, policy=QUICK)
    assert order == ["open"] + 8 * ["post"]
