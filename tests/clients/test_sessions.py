from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from audit.clients import Answer, CallError, Limits
from audit.clients._allowance import exhausted_for
from audit.clients._lane import Lane, LaneClosedError, NoRoomError, Policy
from audit.config import EndpointConfig
from audit.errors import ReplayError
from tests.clients.asking import CLIENTS, FLAVOURS, LIMITS, PROMPT, attempt, endpoint
from tests.peer import Peer

QUICK = Policy(concurrency=4, attempts=4, first_backoff=0.01, last_backoff=0.02, longest_pause=2.0)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


class Purse:
    """Money for so many attempts that may be billed."""

    def __init__(self, money: int) -> None:
        self.money = money
        self.uncertain = 0

    async def take(self) -> bool:
        return self.uncertain < self.money


def in_lane(
    peer: Peer,
    calls: int = 1,
    policy: Policy = QUICK,
    flavour: str = "openai_chat",
    limits: Limits = LIMITS,
    money: int = 100,
) -> tuple[list[Any], Lane]:
    """Several calls through one lane: answers with attempts that may be billed besides, or how they ended."""
    client = CLIENTS[flavour]

    async def call(lane: Lane) -> tuple[Answer, int]:
        purse = Purse(money)
        return await lane.send(client.translate(PROMPT, "m", limits), limits, purse), purse.uncertain

    async def main() -> tuple[list[Any], Lane]:
        session = client.open(endpoint(peer, flavour))
        lane = Lane(client, session, policy)
        try:
            return await asyncio.gather(*(call(lane) for _ in range(calls)), return_exceptions=True), lane
        finally:
            await session.close()

    return asyncio.run(main())


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_answer_brings_text_usage_and_identity(peer: Peer, flavour: str) -> None:
    answer = attempt(peer, flavour)
    assert answer.text == "refund"
    assert answer.finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (100, 5)
    assert answer.response_model == "m"
    assert answer.duration > 0
    sent = peer.requests[0]
    assert sent["model"] == "m"
    assert 50 in sent.values()
    assert sent.get("stream") is None
    assert sent["temperature"] == 0


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    ("fault", "kind", "retry", "maybe_billed"),
    [
        ("reset", "connection", True, True),
        ("close", "connection", True, True),
        ("truncate", "connection", True, True),
        ("html", "bad_answer", True, True),
        ("garbage", "bad_answer", True, True),
        ("null", "bad_answer", True, True),
        ("list", "bad_answer", True, True),
        ("500", "server_error", True, False),
        ("529", "overloaded", True, False),
        ("429:150", "rate_limited", True, False),
        ("quota", "quota", False, False),
        ("401", "unauthorised", False, False),
        ("404", "not_found", False, False),
        ("400:prompt is too long: 9000 tokens", "too_long", False, False),
        ("400:messages must alternate", "rejected", False, False),
        ("refuse:temperature", "unsupported", False, False),
    ],
)
def test_every_failure_has_a_name(
    peer: Peer, flavour: str, fault: str, kind: str, retry: bool, maybe_billed: bool
) -> None:
    peer.script = [fault]
    with pytest.raises(CallError) as caught:
        attempt(peer, flavour)
    failure = caught.value
    assert (failure.kind, failure.retry, failure.maybe_billed) == (kind, retry, maybe_billed), failure.message
    assert len(peer.requests) == 1, "a session never retries by itself"
    if fault == "429:150":
        assert failure.retry_after == pytest.approx(0.15)
    if fault == "refuse:temperature":
        assert failure.parameter == "temperature"


def test_a_server_that_is_not_there_is_a_connection_failure_nobody_bills(peer: Peer) -> None:
    peer.port = 1
    with pytest.raises(CallError) as caught:
        attempt(peer)
    assert (caught.value.kind, caught.value.maybe_billed) == ("connection", False)


@pytest.mark.parametrize("fault", ["reset", "truncate", "html", "garbage", "null", "500", "529", "429:20", "503"])
def test_passing_faults_are_overcome(peer: Peer, fault: str) -> None:
    peer.script = [fault, fault]
    (result,), lane = in_lane(peer)
    answer, uncertain = result
    assert answer.text == "refund"
    assert len(peer.requests) == 3
    assert sum(peer.served.values()) == 1
    assert uncertain == (2 if fault in ("reset", "truncate", "html", "garbage", "null") else 0)
    assert lane.tally.retried == 2


def test_an_attempt_has_a_total_deadline(peer: Peer) -> None:
    peer.script = ["hang"]
    (result,), _ = in_lane(peer, limits=Limits(50, timeout=1.0))
    assert result[0].text == "refund"
    assert result[1] == 1, "the attempt that hung may be billed"


def test_a_call_is_given_up_after_its_attempts_and_says_why(peer: Peer) -> None:
    peer.script = ["500"] * 4
    (failure,), lane = in_lane(peer)
    assert isinstance(failure, CallError)
    assert failure.kind == "server_error"
    assert len(peer.requests) == 4
    assert lane.tally.failed == 1


def test_nothing_is_paid_again_without_leave(peer: Peer) -> None:
    peer.script = ["garbage"]
    (failure,), _ = in_lane(peer, money=1)
    assert isinstance(failure, CallError)
    assert failure.kind == "bad_answer"
    assert len(peer.requests) == 1


def test_nothing_is_sent_without_money(peer: Peer) -> None:
    results, lane = in_lane(peer, calls=3, money=0)
    assert [type(result) for result in results] == [NoRoomError] * 3
    assert (len(peer.requests), lane.tally.failed) == (0, 0)


def test_a_rate_limit_pauses_the_whole_lane_once(peer: Peer) -> None:
    peer.delay = 0.02
    peer.script = ["429:300"] * 2
    results, lane = in_lane(peer, calls=12)
    assert [result[0].text for result in results] == ["refund"] * 12
    assert lane.tally.rate_limited == 2
    assert 0.25 < lane.tally.paused_seconds < 0.6, "both refusals share one pause"
    assert peer.most_in_flight <= 4


def test_a_storm_of_rate_limits_loses_no_call(peer: Peer) -> None:
    peer.fault_for = lambda number, body: "429:5" if number % 3 else None
    results, lane = in_lane(peer, calls=20)
    assert all(result[0].text == "refund" for result in results)
    assert lane.tally.rate_limited > 20


def test_a_long_wait_closes_the_lane_instead_of_sleeping(peer: Peer) -> None:
    peer.script = ["429-after:300"]
    results, lane = in_lane(peer, calls=6, policy=Policy(concurrency=1, longest_pause=2))
    assert [type(result) for result in results] == [CallError] + [LaneClosedError] * 5
    assert "300 s" in str(lane.closed("m"))
    assert len(peer.requests) == 1


@pytest.mark.parametrize(("fault", "elsewhere"), [("401", False), ("quota", False), ("404", True)])
def test_what_no_call_can_overcome_closes_at_once(peer: Peer, fault: str, elsewhere: bool) -> None:
    peer.fault_for = lambda number, body: fault
    _, lane = in_lane(peer, calls=20, policy=Policy(concurrency=2))
    assert len(peer.requests) <= 2
    assert lane.closed("m")
    assert (lane.closed("another-model") is None) is elsewhere


def test_an_unreachable_endpoint_is_given_up_quickly(peer: Peer) -> None:
    peer.port = 1
    results, lane = in_lane(peer, calls=10)
    assert all(isinstance(result, CallError | LaneClosedError) for result in results)
    assert lane.closed("m")
    assert lane.tally.attempts <= 8


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_refused_temperature_is_met_once_and_recorded(peer: Peer, flavour: str) -> None:
    peer.fault_for = lambda number, body: "refuse:temperature"
    results, _ = in_lane(peer, calls=5, flavour=flavour, policy=Policy(concurrency=1))
    assert all(result[0].lossy == ("temperature is not taken by this model",) for result in results)
    assert len(peer.requests) == 6


def test_an_exhausted_allowance_is_waited_for(peer: Peer) -> None:
    assert exhausted_for({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}) == 62.5
    assert exhausted_for({"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "1s"}) is None
    past = {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00Z"}
    assert exhausted_for(past) == 0
    assert exhausted_for({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}) is None


@pytest.mark.parametrize("quoted", ["sk-proj-abc123def456", "sk-te****cret", "Bearer abc123def456"])
def test_no_part_of_a_key_is_repeated(peer: Peer, quoted: str) -> None:
    for status in ("403", "400"):
        peer.script = [f"{status}:Incorrect API key provided ({quoted}); ask for another"]
        with pytest.raises(CallError) as caught:
            attempt(peer)
        assert "[key]" in caught.value.message
        assert "123" not in caught.value.message
        assert "cret" not in caught.value.message


def test_keys_come_from_the_environment_only(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for flavour, variable in (("openai_chat", "OPENAI_API_KEY"), ("anthropic_messages", "ANTHROPIC_API_KEY")):
        with pytest.raises(ReplayError) as caught:
            CLIENTS[flavour].ready(EndpointConfig("x", flavour=flavour))
        assert variable in str(caught.value.hint)
    with pytest.raises(ReplayError, match="needs a key"):
        CLIENTS["openai_chat"].ready(EndpointConfig("x", "http://127.0.0.1:1", key_env="MY_KEY"))


def test_a_key_goes_only_where_it_belongs(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-anthropic")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-anthropic")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    for flavour in FLAVOURS:
        attempt(peer, flavour)
    for headers in peer.headers:
        assert not any(secret in str(headers) for secret in ("sk-openai", "sk-anthropic", "token-anthropic", "org-1"))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{peer.url}/v1")
    client = CLIENTS["openai_chat"]

    async def main() -> None:
        session = client.open(EndpointConfig("openai"))
        await session.send(client.translate(PROMPT, "m", Limits(5)).body, Limits(5, idempotency_key="unit-1"))
        await session.close()

    asyncio.run(main())
    assert peer.headers[-1]["authorization"] == "Bearer sk-openai"
    assert peer.headers[-1]["idempotency-key"].startswith("unit-1-")


def test_attempts_with_one_body_carry_one_key_and_a_changed_body_another(peer: Peer) -> None:
    peer.script = ["reset", "refuse:temperature", "500"]
    (result,), _ = in_lane(peer, limits=Limits(50, timeout=5, idempotency_key="unit-1"))
    assert result[0].text == "refund"
    keys = [headers["idempotency-key"] for headers in peer.headers]
    assert keys[0] == keys[1] != keys[2] == keys[3]
    in_lane(peer, limits=Limits(50, timeout=5, idempotency_key="unit-1"))
    assert peer.headers[-1]["idempotency-key"] == keys[0], "the next run uses the same"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_content_follows_no_redirect(peer: Peer, flavour: str) -> None:
    with Peer() as elsewhere:
        peer.fault_for = lambda number, body: f"redirect:{elsewhere.url}/v1/stolen"
        results, lane = in_lane(peer, calls=4, flavour=flavour, policy=Policy(concurrency=1))
        assert elsewhere.requests == []
    assert [type(result) for result in results] == [CallError] + [LaneClosedError] * 3
    assert f"redirected to {elsewhere.url}" in str(lane.closed("m"))
    assert len(peer.requests) == 1


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_error_inside_a_200_may_have_been_billed(peer: Peer, flavour: str) -> None:
    peer.script = ["busy"]
    with pytest.raises(CallError) as caught:
        attempt(peer, flavour)
    assert (caught.value.kind, caught.value.retry, caught.value.maybe_billed) == ("overloaded", True, True)


@pytest.mark.parametrize("asked", ["inf", "nan", "soon", "-5"])
def test_an_impossible_wait_closes_nothing(peer: Peer, asked: str) -> None:
    peer.script = [f"429-after:{asked}"]
    (result,), lane = in_lane(peer)
    assert result[0].text == "refund"
    assert lane.closed("m") is None
    assert exhausted_for({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": asked}) in (None, 0.0)


def test_an_endpoint_that_only_refuses_is_not_hammered(peer: Peer) -> None:
    peer.fault_for = lambda number, body: "429:1"
    results, _ = in_lane(peer, calls=4, policy=Policy(concurrency=4, deadline=1.5, first_backoff=0.2, last_backoff=0.4))
    assert all(isinstance(result, CallError) and result.kind == "rate_limited" for result in results)
    assert len(peer.requests) < 150


def test_a_process_that_was_busy_takes_no_answer_for_late(peer: Peer) -> None:
    client, busy = CLIENTS["openai_chat"], threading.Event()
    peer.reply = lambda body: "refund" if busy.wait(60) else "nobody was busy"

    async def main() -> Answer:
        session = client.open(endpoint(peer, "openai_chat"))
        lane = Lane(client, session, QUICK)
        limits = Limits(50, timeout=1.5)
        sent = asyncio.create_task(lane.send(client.translate(PROMPT, "m", limits), limits, Purse(1)))
        while not peer.requests and not sent.done():
            await asyncio.sleep(0.01)
        busy.set()
        time.sleep(2.0)
        answer = await sent
        await session.close()
        return answer

    answer = asyncio.run(main())
    assert answer.text == "refund"
    assert len(peer.requests) == 1
    assert answer.duration is None, "nobody knows when it came while the process was busy"
