from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audit.clients import Message, NotReplayableError, Prompt, ToolCall
from audit.clients._lane import Policy
from audit.errors import ConfigError, ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import plan, replay
from audit.replay.variants import COMPACT, CONCISE, variant
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


SHOTS = "Sort it.\n\n" + "\n\n".join(f"Input: message {n}\nLabel: kind {n}" for n in range(1, 5)) + "\n\nBe exact."
BODY = "the parcel left the house on a Monday and came back on a Friday, number "


def long(number: int) -> str:
    return BODY + str(number)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_few_shot_keeps_the_first_examples(kept: int) -> None:
    prompt = Prompt((Message("user", ("where is it?",)),), system=(SHOTS,))
    changed = variant(f"few-shot={kept}").change(prompt)
    assert changed is not None
    (text,) = changed.system
    assert [f"Label: kind {number}" in text for number in range(1, 5)] == [number <= kept for number in range(1, 5)]
    assert text.startswith("Sort it.")
    assert text.endswith("Be exact.")
    assert variant("few-shot=4").change(prompt) is None


def test_top_k_keeps_the_first_passages_of_every_shape() -> None:
    tagged = "".join(f"<doc id={n}>{long(n)}</doc>\n" for n in range(1, 5)) + "Question: when?"
    results = json.dumps([{"id": n, "text": long(n)} for n in range(1, 5)])
    prompt = Prompt(
        (
            Message("user", (tagged,)),
            Message("assistant", (), (ToolCall("search", {}, "call_1"),)),
            Message("tool", (results,), call_id="call_1"),
        )
    )
    changed = variant("top-k=2").change(prompt)
    assert changed is not None
    first, second = changed.messages[0].texts[0], changed.messages[2].texts[0]
    assert (long(2) in first, long(3) in first, first.endswith("Question: when?")) == (True, False, True)
    assert [each["id"] for each in json.loads(second)] == [1, 2]
    assert variant("top-k=9").change(prompt) is None


def test_what_stands_between_passages_stays() -> None:
    text = f"<doc>{long(1)}</doc>\nThese matter less:\n<doc>{long(2)}</doc>\nQuestion: when?"
    changed = variant("top-k=1").change(Prompt((Message("user", (text,)),)))
    assert texts(changed) == [f"<doc>{long(1)}</doc>\nThese matter less:\n\nQuestion: when?"]


def test_json_asks_for_a_compact_object() -> None:
    free = variant("json").change(CHAT)
    assert free is not None
    assert (free.json_object, free.system[-1]) == (True, COMPACT)
    bound = variant("json").change(replace(CHAT, json_schema={"type": "object"}))
    assert bound is not None
    assert not bound.json_object, "a schema says more than JSON mode"


def test_a_template_edits_system_and_question(tmp_path: Path) -> None:
    file = tmp_path / "short.j2"
    file.write_text(
        "{% block system %}{{ system.replace('kind', 'brief') }}{% endblock %}"
        "{% block user %}{{ history | length }}: {{ user }}{% endblock %}"
    )
    made = variant(f"template={file}")
    assert made.name.startswith("template=short@")
    changed = made.change(CHAT)
    assert changed is not None
    assert changed.system == ("Be brief.",)
    assert texts(changed)[-1] == "6: 6"
    assert texts(changed)[:-1] == texts(CHAT)[:-1]
    file.write_text("{% block user %}{{ user }}{% endblock %}")
    same = variant(f"template={file}")
    assert same.name != made.name, "an edited template is another variant"
    assert same.change(CHAT) is None


def test_text_of_a_log_is_no_template_and_a_template_no_program(tmp_path: Path) -> None:
    file = tmp_path / "t.j2"
    file.write_text("{% block user %}Q: {{ user }}{% endblock %}")
    hostile = Prompt((Message("user", ("{{ 7 * 7 }}{% for x in range(9) %}x{% endfor %}",)),))
    assert texts(variant(f"template={file}").change(hostile)) == ["Q: {{ 7 * 7 }}{% for x in range(9) %}x{% endfor %}"]
    file.write_text("{% block user %}{{ ''.__class__.__mro__[1].__subclasses__() }}{% endblock %}")
    with pytest.raises(NotReplayableError):
        variant(f"template={file}").change(CHAT)


@pytest.mark.parametrize("source", ["{% block user %}", "no block", "{% block other %}x{% endblock %}", None])
def test_what_is_no_template_is_said_before_anything_is_sent(tmp_path: Path, source: str | None) -> None:
    file = tmp_path / "t.j2"
    if source is not None:
        file.write_text(source)
    with pytest.raises(ConfigError, match=r"t\.j2"):
        variant(f"template={file}")


@pytest.mark.parametrize(
    "name",
    ["shorter", "effort=huge", "trim-history=0", "trim-history=x", "concise=2", "json=1", "few-shot", "top-k=0",
     "few-shot=-1", "template="],
)  # fmt: skip
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
