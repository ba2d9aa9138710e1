from __future__ import annotations

import importlib.util
import json

import pytest

from audit.clients import Answer, Message, Prompt, ToolCall
from audit.clients._lane import Policy
from audit.errors import ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import plan, replay
from audit.replay.batching import submit
from audit.replay.collecting import collect
from audit.replay.redaction import REPLACED, Redactor, restored
from audit.store import Store
from tests.batch_peer import BatchPeer
from tests.peer import Peer
from tests.replay.logs import Request, fill, shop

QUICK = Policy(concurrency=4, first_backoff=0.01, last_backoff=0.02)
MAIL, PHONE, IBAN = "ann.bell@example.com", "+44 20 7946 0958", "DE89370400440532013000"


def answer(text: str, *calls: ToolCall) -> Answer:
    return Answer(text, calls, "stop", None, "m", "1", 0.1)


def test_the_same_value_has_one_placeholder_and_comes_back() -> None:
    prompt = Prompt(
        (
            Message("user", (f"I am {MAIL}, call {PHONE}.",)),
            Message("assistant", (), (ToolCall("find", {"mail": MAIL, "deep": [{"iban": IBAN}]}, "call_1"),)),
            Message("tool", (f"{MAIL}: customer since 2019-04-12, ZIP 94105",), call_id="call_1"),
        ),
        system=("Write to other@example.com about [EMAIL_1].",),
    )
    found = Redactor().redact(prompt)
    sent = json.dumps([message.texts for message in found.prompt.messages]) + json.dumps(
        [call.arguments for message in found.prompt.messages for call in message.tool_calls]
    )
    assert not any(value in sent for value in (MAIL, PHONE, IBAN))
    assert found.counts == {"EMAIL": 2, "PHONE": 1, "DE_IBAN": 1}
    assert "2019-04-12, ZIP 94105" in sent, "dates and post codes name nobody"
    assert found.prompt.lossy == (REPLACED,)
    names = {value: name for name, value in found.originals.items()}
    assert "[EMAIL_1]" not in names.values(), "the prompt speaks of that one itself"
    assert sent.count(names[MAIL]) == 3
    back = restored(answer(f"Mail {names[MAIL]} and [EMAIL_1]", ToolCall("f", {"to": [names[PHONE]]})), found.originals)
    assert back.text == f"Mail {MAIL} and [EMAIL_1]"
    assert back.tool_calls[0].arguments == {"to": [PHONE]}


def test_a_prompt_without_personal_data_is_sent_as_it_is() -> None:
    prompt = Prompt((Message("user", ("Version 3.11 of 2026-10-05 costs $1,234.56; 20 % off",)),))
    found = Redactor().redact(prompt)
    assert found.prompt is prompt
    assert restored(answer("[EMAIL_1]"), found.originals).text == "[EMAIL_1]"


def requests() -> list[Request]:
    return [
        *(Request("faq", f"Write to ann{number}@example.com, {PHONE}", answer=f"ann{number}@example.com")
          for number in range(20)),
        *shop({"sort": 20}),
    ]  # fmt: skip


def said(body: dict[str, object]) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    return next((word.strip(",") for word in str(messages[-1]["content"]).split() if "EMAIL" in word), "refund")


def test_an_endpoint_sees_placeholders_and_the_audit_file_the_originals(
    store: Store, catalogue: Catalogue, peer: Peer
) -> None:
    fill(store, requests())
    peer.reply = said
    made = plan(store, catalogue, sample=40, models=["gpt-4o-mini"], floor=False, redact=True)
    assert (made.redacted, made.redacted_prompts) == ({"EMAIL": 20, "PHONE": 20}, 20)
    replay(store, made, max_cost_usd=5.0, policy=QUICK)
    assert "@example.com" not in json.dumps(peer.requests)
    texts = {row["text"] for row in store.rows("SELECT text FROM replay")}
    assert texts == {"refund", *(f"ann{number}@example.com" for number in range(20))}
    assert store.value("SELECT COUNT(*) FROM replay WHERE lossy LIKE '%placeholders%'") == 20


def test_batches_are_redacted_and_restored(store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, requests())
    with BatchPeer() as batch_peer:
        batch_peer.stand_in(monkeypatch)
        batch_peer.reply = said
        made = plan(store, catalogue, sample=40, models=["gpt-4o-mini"], floor=False, redact=True, batch=True)
        submit(store, made, max_cost_usd=5.0)
        batch_peer.end()
        assert collect(store).answered == 40
        assert "@example.com" not in json.dumps([each["requests"] for each in batch_peer.batches.values()])
    assert store.value("SELECT COUNT(DISTINCT text) FROM replay WHERE text LIKE 'ann%@example.com'") == 20


def test_without_the_package_nothing_is_planned(
    store: Store, catalogue: Catalogue, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, requests())
    real = importlib.util.find_spec
    monkeypatch.setattr("audit.replay.redaction.find_spec", lambda name: None if name == "datafog" else real(name))
    with pytest.raises(ReplayError) as caught:
        plan(store, catalogue, sample=40, models=["gpt-4o-mini"], redact=True)
    assert "[redact]" in str(caught.value.hint)
