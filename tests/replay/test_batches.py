from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import audit.store
from audit.clients._lane import Policy
from audit.errors import ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import Plan, plan, replay
from audit.replay.batching import submit
from audit.replay.collecting import collect, waiting
from audit.store import Store
from tests.batch_peer import BatchPeer
from tests.replay.logs import fill, shop

HALF_PICO = (100 * 150_000 + 5 * 600_000) // 2
"""Cost of one answer of the peer at gpt-4o-mini's batch price."""
QUICK = Policy(concurrency=4, first_backoff=0.01, last_backoff=0.02)


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchPeer]:
    with BatchPeer() as running:
        running.stand_in(monkeypatch)
        yield running


def planned(store: Store, catalogue: Catalogue, **settings: Any) -> Plan:
    wanted = {"sample": 40, "models": ["gpt-4o-mini"], "floor": False, "batch": True, **settings}
    return plan(store, catalogue, **wanted)


@pytest.mark.parametrize(
    ("model", "candidate", "provider", "half"),
    [
        ("gpt-4o", "gpt-4o-mini", "openai", HALF_PICO),
        ("claude-sonnet-4-5", "claude-haiku-4-5", "anthropic", (100 * 10**6 + 5 * 5 * 10**6) // 2),
    ],
)
def test_a_batch_is_submitted_once_and_collected_later_at_half_the_price(
    store: Store, catalogue: Catalogue, peer: BatchPeer, model: str, candidate: str, provider: str, half: int
) -> None:
    fill(store, shop({"sort": 60}, model=model, provider=provider))
    made = planned(store, catalogue, models=[candidate])
    assert made.expected_usd == pytest.approx(40 * half / 1e12)
    handed = submit(store, made, max_cost_usd=5.0)
    assert (handed.batches, handed.requests, handed.failed) == (1, 40, ())
    assert handed.worst_usd == pytest.approx(made.worst_usd)
    again = planned(store, catalogue, models=[candidate])
    assert (len(again.jobs), again.pending) == (0, 40), "neither submitted nor asked otherwise while it waits"
    assert plan(store, catalogue, sample=40, models=[candidate], floor=False).pending == 40
    early = collect(store)
    assert (early.answered, [(each.requests, each.done) for each in early.open]) == (0, [(40, 0)])
    peer.end()
    late = collect(store)
    assert (late.batches, late.answered, late.failed, late.open) == (1, 40, (), ())
    assert late.spent_usd == pytest.approx(40 * half / 1e12)
    rows = store.rows("SELECT * FROM replay")
    assert {(row["cost_pico"], row["billed_pico"], row["duration"]) for row in rows} == {(2 * half, half, None)}
    assert {row["text"] for row in rows} == {"refund"}
    assert len({row["prompt_key"] for row in rows}) == 40
    assert collect(store).answered == 0
    assert planned(store, catalogue, models=[candidate]).reused == 40
    assert set(peer.served.values()) == {1}
    assert peer.deleted, "nothing is left at the provider"


def test_responses_and_chat_are_batches_of_their_own(store: Store, catalogue: Catalogue, peer: BatchPeer) -> None:
    fill(store, [*shop({"sort": 20}), *shop({"faq": 20}, response_id="resp_")])
    handed = submit(store, planned(store, catalogue, floor=True), max_cost_usd=5.0)
    assert handed.batches == 4
    assert {batch["endpoint"] for batch in peer.batches.values()} == {"/v1/chat/completions", "/v1/responses"}
    peer.end()
    assert collect(store).answered == 80


def test_what_was_streamed_is_asked_for_as_a_whole_in_a_batch(
    store: Store, catalogue: Catalogue, peer: BatchPeer
) -> None:
    fill(store, shop({"sort": 60}, stream=True))
    assert submit(store, planned(store, catalogue), max_cost_usd=5.0).requests == 40
    (batch,) = peer.batches.values()
    assert not any("stream" in body or "stream_options" in body for _, body in batch["requests"])


@pytest.mark.parametrize(("model", "provider"), [("gpt-4o-mini", "openai"), ("claude-haiku-4-5", "anthropic")])
def test_expired_and_refused_requests_are_listed_and_asked_again(
    store: Store, catalogue: Catalogue, peer: BatchPeer, model: str, provider: str
) -> None:
    fill(store, shop({"sort": 40}))
    wanted = {"models": [model]}
    submit(store, planned(store, catalogue, **wanted), max_cost_usd=5.0, consent=True)
    peer.spoil = lambda place, name, body: {0: "expired", 1: "temperature is not supported"}.get(place % 10)
    peer.end("expired" if provider == "openai" else "ended")
    first = collect(store)
    assert first.answered == 32
    assert {(each.reason, each.count) for each in first.failed} == {("timeout", 4), ("unsupported", 4)}
    again = planned(store, catalogue, **wanted)
    assert (len(again.jobs), again.reused) == (8, 32)
    peer.spoil = lambda place, name, body: None
    submit(store, again, max_cost_usd=5.0, consent=True)
    peer.end()
    assert collect(store).answered == 8
    assert store.value("SELECT COUNT(*) FROM replay WHERE status = 'failed'") == 0
    assert set(peer.served.values()) == {1}


def test_a_batch_refused_as_a_whole_says_why(store: Store, catalogue: Catalogue, peer: BatchPeer) -> None:
    fill(store, shop({"sort": 40}))
    submit(store, planned(store, catalogue), max_cost_usd=5.0)
    peer.end("failed")
    (failure,) = collect(store).failed
    assert (failure.count, failure.example) == (40, "Enqueued token limit reached")


def test_what_waits_is_set_aside(store: Store, catalogue: Catalogue, peer: BatchPeer) -> None:
    fill(store, shop({"sort": 60}))
    made = planned(store, catalogue, sample=20)
    first = submit(store, made, max_cost_usd=made.worst_usd)
    assert first.requests == 20
    more = planned(store, catalogue, sample=40)
    none = submit(store, more, max_cost_usd=made.worst_usd)
    assert (none.requests, "is spent or set aside, left no room for 20 of 20 calls" in none.stopped) == (0, True)
    at_once = replay(store, plan(store, catalogue, sample=40, models=["gpt-4o-mini"], floor=False),
                     max_cost_usd=made.worst_usd, policy=QUICK)  # fmt: skip
    assert "left no room for 20 of 20 calls" in at_once.stopped
    room = made.worst_usd + 5 * max(job.worst_pico or 0 for job in more.jobs) / 1e12
    part = submit(store, planned(store, catalogue, sample=40), max_cost_usd=room)
    assert 5 <= part.requests < 20
    assert {(each.reason, each.count) for each in part.failed} == {("budget", 20 - part.requests)}
    peer.end()
    assert collect(store).spent_usd < made.worst_usd


def test_a_server_without_batches_says_so(
    store: Store, catalogue: Catalogue, peer: BatchPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, shop({"sort": 40}))
    peer.has_batches = False
    with pytest.raises(ReplayError, match="no batch was accepted: HTTP 404"):
        submit(store, planned(store, catalogue), max_cost_usd=5.0)
    assert waiting(store) == 0
    (refused,) = planned(store, catalogue, models=["local"]).not_replayable
    assert (refused.reason, refused.count) == ("the endpoint has no Batch API", 40)


PROGRAM = """
import sys
import audit.store
from audit.prices.catalogue import load
from audit.replay import plan
from audit.replay.batching import submit
with audit.store.open(sys.argv[1]) as store:
    made = plan(store, load(), sample=40, models=[sys.argv[2]], floor=False, batch=True)
    submit(store, made, max_cost_usd=5.0, consent=True)
"""


@pytest.mark.parametrize("model", ["gpt-4o-mini", "claude-haiku-4-5"])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_submission_that_was_killed_is_found_out_and_never_made_twice(
    tmp_path: Path, catalogue: Catalogue, peer: BatchPeer, model: str, accepted: bool
) -> None:
    path = tmp_path / "killed.duckdb"
    with audit.store.open(path, create=True) as store:
        fill(store, shop({"sort": 60}))
    peer.deaf = 60.0
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), model], env=os.environ)
    until = time.monotonic() + 60
    while not peer.batches and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    peer.deaf = 0.0
    if not accepted:
        peer.batches.clear()
    with audit.store.open(path) as store:
        assert waiting(store) == 1
        assert planned(store, catalogue, models=[model]).pending == 40
        found = collect(store)
        assert (len(found.open), waiting(store)) == ((1, 1) if accepted else (0, 0))
        if not accepted:
            assert "never submitted" in found.notes[0]
            submit(store, planned(store, catalogue, models=[model]), max_cost_usd=5.0, consent=True)
        peer.end()
        assert collect(store).answered == 40
        assert len(peer.batches) == 1
        assert set(peer.served.values()) == {1}


def test_somebody_elses_batch_is_not_taken_for_ours(store: Store, catalogue: Catalogue, peer: BatchPeer) -> None:
    fill(store, shop({"sort": 40}))
    submit(store, planned(store, catalogue, models=["claude-haiku-4-5"]), max_cost_usd=5.0, consent=True)
    store.run("UPDATE replay_batch SET status = 'submitting', batch_id = NULL")
    (name,) = peer.batches
    foreign = [(f"theirs-{place}", body) for place, (_, body) in enumerate(peer.batches[name]["requests"])]
    peer.batches[name] = {**peer.batches[name], "requests": foreign}
    peer.end()
    found = collect(store)
    assert (found.answered, found.open, waiting(store)) == (0, (), 0)
    assert store.value("SELECT COUNT(*) FROM replay") == 0
    assert peer.deleted == []


def test_an_unreachable_provider_leaves_the_batch_open(
    store: Store, catalogue: Catalogue, peer: BatchPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, shop({"sort": 40}))
    submit(store, planned(store, catalogue), max_cost_usd=5.0)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    (left,) = collect(store).open
    assert "can't be reached" in left.status
    monkeypatch.delenv("OPENAI_API_KEY")
    (left,) = collect(store).open
    assert "OPENAI_API_KEY" in left.status
    with pytest.raises(ReplayError):
        planned(store, catalogue)
    assert json.loads(store.rows("SELECT outcome FROM event ORDER BY event_id DESC LIMIT 1")[0]["outcome"])["stopped"]


@pytest.mark.parametrize(("model", "provider"), [("gpt-4o-mini", "openai"), ("claude-haiku-4-5", "anthropic")])
def test_results_that_were_cut_or_spoilt_leave_the_batch_at_the_provider(
    store: Store, catalogue: Catalogue, peer: BatchPeer, model: str, provider: str
) -> None:
    fill(store, shop({"sort": 40}))
    submit(store, planned(store, catalogue, models=[model]), max_cost_usd=5.0, consent=True)
    peer.end("completed" if provider == "openai" else "ended")

    def damage(lines: str) -> str:
        whole = lines.splitlines()
        spoilt = ["", "not JSON", "[" * 50_000, '{"custom_id": 7}', '{"custom_id": "nobodys", "response": []}']
        return "\n".join([*spoilt, *whole[:30], whole[30][:40], *whole[31:], whole[0]]) if whole else lines

    peer.damage = damage
    found = collect(store)
    assert found.answered == 39
    assert [(each.reason, each.count) for each in found.failed] == [("timeout", 1)]
    assert f"1 requests have no result in batch {next(iter(peer.batches))}, so {provider} keeps it" in found.notes
    assert peer.deleted == []
    assert store.value("SELECT COUNT(DISTINCT prompt_key) FROM replay WHERE status = 'ok'") == 39


def test_a_state_nobody_can_read_leaves_the_batch_open(store: Store, catalogue: Catalogue, peer: BatchPeer) -> None:
    fill(store, shop({"sort": 40}))
    submit(store, planned(store, catalogue), max_cost_usd=5.0)
    peer.end()
    peer.change = lambda body: body | {"request_counts": ["many"]}
    found = collect(store)
    assert (found.answered, len(found.open)) == (0, 1)
    assert "can't be read" in found.open[0].status
    peer.change = lambda body: body
    assert collect(store).answered == 40
