"""A replay stops paying for a candidate nothing can save, and asks everybody else to the end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from audit.clients._lane import Policy
from audit.deciding import hopeless
from audit.errors import ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import ReplayResult, plan, replay
from audit.scoring import scoring
from audit.store import Store
from tests.peer import Peer
from tests.replay.logs import Request, fill, shop

LABELS = ("refund", "invoice", "complaint")


def right(text: str) -> str:
    return LABELS[int(re.findall(r"\d+", text)[-1]) % 3]


def test_calls_to_a_hopeless_candidate_are_not_made(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    prompts = [f"message {number}" for number in range(200)]
    fill(store, [Request("sort", prompt, answer=right(prompt)) for prompt in prompts])
    asked: dict[str, int] = {}

    def reply(body: dict[str, Any]) -> str:
        model = body["model"]
        asked[model] = asked.get(model, 0) + 1
        word = right(body["messages"][-1]["content"])
        return word if model == "gpt-4.1-mini" or asked[model] % 10 == 0 else "nonsense"

    peer.reply = reply
    made = plan(store, catalogue, sample=200, models=["gpt-4o-mini", "gpt-4.1-mini"], floor=False)

    def look(beside: Store) -> dict[tuple[int, str, str, str, str], str]:
        scoring(beside)
        return hopeless(beside)

    result = replay(store, made, max_cost_usd=5, consent=True, policy=Policy(concurrency=4), look=look)
    assert asked["gpt-4.1-mini"] == 200
    assert 30 <= asked["gpt-4o-mini"] < 120
    (stopped,) = [each for each in result.failed if each.reason == "futile"]
    assert (stopped.model, stopped.sent, stopped.count) == ("gpt-4o-mini", False, 200 - asked["gpt-4o-mini"])
    assert "acceptable after" in stopped.example
    before = dict(asked)
    again = plan(store, catalogue, sample=200, models=["gpt-4o-mini", "gpt-4.1-mini"], floor=False)
    replay(store, again, max_cost_usd=5, consent=True, look=look)
    assert asked == before, "what was stopped stays stopped when the command is run again"


def test_earlier_failures_do_not_keep_a_candidate_from_being_asked_again(
    store: Store, catalogue: Catalogue, peer: Peer
) -> None:
    fill(store, shop({"sort": 60}))
    peer.fault_for = lambda number, body: "400:this deployment is being set up"

    def look(beside: Store) -> dict[tuple[int, str, str, str, str], str]:
        scoring(beside)
        return hopeless(beside)

    def run() -> ReplayResult:
        made = plan(store, catalogue, sample=40, models=["gpt-4o-mini"], floor=False)
        return replay(store, made, max_cost_usd=5, consent=True, policy=Policy(concurrency=4), look=look)

    with pytest.raises(ReplayError, match="being set up"):
        run()
    peer.fault_for = lambda number, body: None
    result = run()
    assert (result.answered, result.failed) == (40, ())
