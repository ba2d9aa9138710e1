"""Requests that were streamed are replayed as streams, whatever the endpoint makes of it, and paid once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.clients._http import WHOLE
from audit.clients._lane import Policy
from audit.config import EndpointConfig
from audit.prices.catalogue import Catalogue
from audit.replay import plan, replay
from audit.replay.results import ReplayResult
from audit.store import Store
from tests.peer import Peer, Wire
from tests.replay.logs import fill, shop
from tests.streams import DONE, Event, chat, said, sse

QUICK = Policy(concurrency=4, attempts=8, first_backoff=0.01, last_backoff=0.02)
APIS = [
    ("openai", "gpt-4o", "gpt-4o-mini", "chatcmpl-"),
    ("openai", "gpt-4o", "gpt-4o-mini", "resp_"),
    ("anthropic", "claude-sonnet-4-5", "claude-haiku-4-5", "msg_"),
]


def streaming(path: str, body: dict[str, Any]) -> Wire | None:
    return Wire([sse([event]) for event in said(path, "refund")]) if body.get("stream") else None


def sent(store: Store, catalogue: Catalogue, model: str = "gpt-4o-mini", **settings: Any) -> ReplayResult:
    wanted: dict[str, Any] = {"sample": 20, "models": [model], "floor": False, **settings}
    return replay(store, plan(store, catalogue, **wanted), max_cost_usd=5.0, policy=QUICK)


def answers(store: Store) -> list[dict[str, Any]]:
    return store.rows(
        "SELECT text, cost_pico, duration, time_to_first_chunk AS first, lossy FROM replay WHERE status = 'ok'"
    )


@pytest.mark.parametrize(("provider", "model", "candidate", "response"), APIS)
def test_what_was_streamed_is_asked_as_a_stream_and_timed(
    store: Store, catalogue: Catalogue, peer: Peer, provider: str, model: str, candidate: str, response: str
) -> None:
    logged = shop({"sort": 20}, model=model, provider=provider, response_id=response, stream=True)
    whole = shop({"faq": 20}, model=model, provider=provider, response_id=response, stream=False)
    fill(store, [*logged, *whole])
    peer.wire = streaming
    result = sent(store, catalogue, candidate, sample=40)
    assert (result.answered, result.failed) == (40, ())
    assert sum(body.get("stream") is True for body in peer.requests) == 20
    found = answers(store)
    assert {row["text"] for row in found} == {"refund"}
    assert len({row["cost_pico"] for row in found}) == 1, "a stream costs what a whole answer costs"
    timed = [row for row in found if row["first"] is not None]
    assert 0 < len(timed) <= 20
    assert all(0 < row["first"] <= row["duration"] for row in timed)


@pytest.mark.parametrize(
    ("stream", "first_chunk", "duration", "asked"),
    [(None, None, None, False), (None, 0.2, 1.0, True), (None, 1.0, 1.0, False), (False, 0.2, 1.0, False)],
)
def test_a_log_that_times_a_first_chunk_streamed(
    store: Store,
    catalogue: Catalogue,
    peer: Peer,
    stream: bool | None,
    first_chunk: float | None,
    duration: float | None,
    asked: bool,
) -> None:
    fill(store, shop({"sort": 20}, stream=stream, first_chunk=first_chunk, duration=duration))
    sent(store, catalogue)
    assert {body.get("stream", False) for body in peer.requests} == {asked}


@pytest.mark.parametrize("refused", ["stream", "stream_options"])
def test_an_endpoint_that_refuses_streams_is_asked_otherwise(
    store: Store, catalogue: Catalogue, peer: Peer, refused: str
) -> None:
    fill(store, shop({"sort": 20}, stream=True))
    peer.wire = streaming
    peer.fault_for = lambda number, body: f"refuse:{refused}"
    result = sent(store, catalogue)
    assert (result.answered, result.failed) == (20, ())
    found = answers(store)
    if refused == "stream":
        assert {row["first"] for row in found} == {None}
        assert {row["lossy"] for row in found} == {json.dumps([WHOLE])}
    else:
        assert any(row["first"] is not None for row in found)
        assert {row["lossy"] for row in found} == {"[]"}
    assert len(peer.requests) <= 24, "the refusal is met by those under way, and by nobody else"


def test_where_streams_count_no_tokens_answers_are_asked_for_as_a_whole(
    store: Store, catalogue: Catalogue, peer: Peer
) -> None:
    fill(store, shop({"sort": 40}, stream=True))
    uncounted: list[Event | str] = [*chat({"content": "refund"})[:-2], DONE]
    peer.wire = lambda path, body: Wire([sse(uncounted)]) if body.get("stream") else None
    result = sent(store, catalogue, sample=40)
    assert (result.answered, result.failed) == (40, ())
    assert all(row["cost_pico"] is not None and row["lossy"] == json.dumps([WHOLE]) for row in answers(store))
    assert sum(body.get("stream") is True for body in peer.requests) <= 4
    assert result.uncertain_usd > 0, "what was thrown away may be billed"


def test_a_stream_cut_before_its_counts_is_asked_for_as_a_whole_and_the_others_as_before(
    store: Store, catalogue: Catalogue, peer: Peer
) -> None:
    fill(store, shop({"sort": 20}, stream=True))
    whole = streaming("/v1/chat/completions", {"stream": True})
    assert whole is not None
    cut = Wire(whole.pieces[:-2])
    peer.wire = lambda path, body: cut if len(peer.requests) == 3 else streaming(path, body)
    result = sent(store, catalogue)
    assert (result.answered, result.failed) == (20, ())
    found = answers(store)
    assert all(row["cost_pico"] is not None for row in found)
    assert sum(row["first"] is None for row in found) == 1


@pytest.mark.parametrize(("provider", "model", "candidate", "response"), APIS)
def test_cut_streams_and_errors_inside_them_are_overcome_and_counted_as_possibly_billed(
    store: Store, catalogue: Catalogue, peer: Peer, provider: str, model: str, candidate: str, response: str
) -> None:
    fill(store, shop({"sort": 20}, model=model, provider=provider, response_id=response, stream=True))
    spoilt = {0: "cut-stream", 4: "half-stream", 8: "error-stream"}
    peer.fault_for = lambda number, body: spoilt.get(number % 12)
    peer.wire = streaming
    result = sent(store, catalogue, candidate)
    assert (result.answered, result.failed) == (20, ())
    assert {row["text"] for row in answers(store)} == {"refund"}
    assert result.uncertain_usd > 0
    assert store.value("SELECT COUNT(DISTINCT prompt_key) FROM replay WHERE status = 'ok'") == 20


def test_azure_and_vertex_stream_and_bedrock_is_asked_for_whole_answers(
    store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "token")
    monkeypatch.setenv("GOOGLE_TOKEN", "token")
    fill(store, shop({"sort": 20}, stream=True))
    with Peer() as peer:
        peer.wire = streaming
        bedrock = EndpointConfig("cloud", peer.url, "anthropic_bedrock", region="eu-central-1")
        name = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
        assert sent(store, catalogue, f"cloud/{name}", endpoints=[bedrock]).answered == 20
        assert not any("stream" in body for body in peer.requests)
        assert all(path.endswith("/invoke") for path in peer.paths)
        vertex = EndpointConfig("vertex", peer.url, "anthropic_vertex", "GOOGLE_TOKEN", region="eu", project="shop")
        assert sent(store, catalogue, "vertex/claude-haiku-4-5@20251001", endpoints=[vertex]).answered == 20
        assert peer.paths[-1].endswith(":streamRawPredict")
        azure = EndpointConfig("azure", peer.url, "azure_openai", "GOOGLE_TOKEN")
        assert sent(store, catalogue, "azure/gpt-4o-mini", endpoints=[azure]).answered == 20
        assert "/deployments/gpt-4o-mini/chat/completions" in peer.paths[-1]
    timed = store.rows(
        "SELECT endpoint, COUNT(time_to_first_chunk) AS n FROM replay GROUP BY endpoint ORDER BY endpoint"
    )
    assert [(row["endpoint"], row["n"]) for row in timed] == [("azure", 20), ("cloud", 0), ("vertex", 20)]
