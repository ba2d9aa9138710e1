from __future__ import annotations

import json

import pytest

from audit.clients import Message, Prompt, ToolCall
from audit.clients._lane import Policy
from audit.errors import ConfigError, ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import plan, replay
from audit.replay.variants import CONCISE, variant
from audit.store import Store
from tests.peer import Peer
from tests.replay.logs import Request, fill, shop

CHAT = Prompt(
    (
        Message("user", ("1",)),
        Message("assistant", (), (ToolCall("f", {}, "call_1"),)),
        Message("tool", ("2",), call_id="call_1"),
        Message("assistant", ("3",)),
        Message("user", ("4",)),
        Message("assistant", ("5",)),
        Message("user", ("6",)),
    ),
    system=("Be kind.",),
    reasoning_effort="high",
)


def texts(prompt: Prompt | None) -> list[str]:
    assert prompt is not None
    return ["".join(message.texts) for message in prompt.messages]


def test_history_is_trimmed_at_a_question() -> None:
    assert texts(variant("trim-history=2").change(CHAT)) == ["4", "5", "6"]
    assert texts(variant("trim-history=3").change(CHAT)) == ["4", "5", "6"], "a result never stands without its call"
    assert texts(variant("trim-history=1").change(CHAT)) == ["6"]
    assert variant("trim-history=6").change(CHAT) is None
    assert variant("trim-history").name == "trim-history=4"


def test_brevity_and_effort() -> None:
    changed = variant("concise").change(CHAT)
    assert changed is not None
    assert changed.system == ("Be kind.", CONCISE)
    low = variant("effort=low").change(CHAT)
    assert low is not None
    assert low.reasoning_effort == "low"
    assert variant("effort=high").change(CHAT) is None


@pytest.mark.parametrize("name", ["shorter", "effort=huge", "trim-history=0", "trim-history=x", "concise=2"])
def test_unknown_variants_name_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        variant(name)
    assert "trim-history" in str(caught.value.hint)


def test_a_variant_is_replayed_beside_the_plain_request(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    history = (("user", "history", "Hi"), ("assistant", "history", "Hello!"), ("user", "user", "Where is my order?"))
    fill(store, [*shop({"sort": 10}), Request("faq", segments=history)])
    made = plan(store, catalogue, sample=11, variants=["trim-history=1", "concise"])
    assert [(each.model, each.variant, each.floor, each.calls) for each in made.candidates] == [
        ("gpt-4o", "trim-history=1", False, 1),
        ("gpt-4o", "concise", False, 11),
        ("gpt-4o", "", True, 11),
    ]
    assert [(each.reason, each.count) for each in made.not_replayable] == [("the variant changes nothing of it", 10)]
    result = replay(store, made, max_cost_usd=1.0, policy=Policy(concurrency=2))
    assert result.answered == 23
    assert store.value("SELECT COUNT(*) FROM replay WHERE variant = 'concise' AND model = current_model") == 11
    assert sum(CONCISE in json.dumps(body) for body in peer.requests) == 11
    again = plan(store, catalogue, sample=11, variants=["concise"])
    assert (len(again.jobs), again.reused) == (0, 22)


def test_a_variant_needs_the_current_model(store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    fill(store, shop({"sort": 10}))
    with pytest.raises(ReplayError) as caught:
        plan(store, catalogue, variants=["concise"])
    assert "OPENAI_API_KEY" in str(caught.value.hint)
