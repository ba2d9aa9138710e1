"""The variant `compress`: fewer tokens, with nothing left out that a question could be about."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec

import pytest
import toon_format

from audit.clients import Message, Prompt, ToolCall
from audit.clients._lane import Policy
from audit.errors import ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import plan, replay
from audit.replay.variants import variant
from audit.store import Store
from tests.peer import Peer
from tests.replay.logs import Request, fill, shop

ORDERS = [
    {"id": f"A-{n}", "total": n + 0.5, "paid": n % 2 == 0, "note": f"für Jo, Haus {n}", "code": f"00{n}", "tag": None}
    for n in range(12)
]
NESTED = {"order": {"id": "A-1", "lines": [{"sku": "x-1"}, {"sku": "x-2", "gift": {"text": "to Ann", "wrap": True}}]}}
PAGE = """<!DOCTYPE html><html><head><title>Returns</title><style>p{color:red}</style><script>track("x")</script></head>
<body><nav class="top"><ul><li><a href="/fees">Fees</a></li></ul></nav><h1 class="t">Returns</h1>
<p style="margin:0">Send it back within <b>14 days</b>, <span>12</span>.50 EUR &amp; a receipt needed.</p>
<p hidden>Not for gifts.</p><table><tr><th>Land</th><th>Fee</th></tr><tr><td>DE</td><td>3,90 €</td></tr></table>
</body></html>"""


def compressed(prompt: Prompt) -> Prompt | None:
    return variant("compress").change(prompt)


def user(text: str) -> Prompt:
    return Prompt((Message("user", (text,)),))


def said(prompt: Prompt | None) -> str:
    assert prompt is not None
    return "\n".join(prompt.messages[-1].texts)


def test_records_of_a_tool_become_a_table_that_reads_back_as_the_same() -> None:
    prompt = Prompt(
        (
            Message("user", ("Which orders are paid?",)),
            Message("assistant", ("I look.",), (ToolCall("orders", {"of": [1, 2, 3]}, "call_1"),)),
            Message("tool", (json.dumps(ORDERS),), call_id="call_1"),
        ),
        system=(f"Answer like this: {json.dumps(ORDERS[:3])}",),
    )
    changed = compressed(prompt)
    assert changed is not None
    assert toon_format.decode(said(changed)) == ORDERS
    assert (changed.system, changed.messages[:2]) == (prompt.system, prompt.messages[:2])
    assert (changed.messages[2].role, changed.messages[2].call_id) == ("tool", "call_1")
    (step,) = changed.lossy
    found = re.fullmatch(r"compressed: 1 JSON value as TOON; (\d+) tokens became (\d+) by our count", step)
    assert found is not None, step
    assert int(found[2]) < int(found[1])
    assert compressed(prompt) == changed, "the same every time"


def test_what_is_asked_about_data_stays_letter_by_letter() -> None:
    before, after = "Here is  what\n\n we have: ", "  Which one is {paid}? [1]"
    text = said(compressed(user(f"{before}{json.dumps(ORDERS)}{after}")))
    assert text.startswith(f"{before}\n[12]")
    assert text.endswith(f"\n{after}")


def test_values_that_make_no_table_lose_their_layout_alone() -> None:
    prompt = user(f"See:\n{json.dumps(NESTED, indent=4)}\nWhat is the gift?")
    assert said(compressed(prompt)) == f"See:\n{json.dumps(NESTED, separators=(',', ':'))}\nWhat is the gift?"
    assert compressed(user(json.dumps(NESTED, separators=(",", ":")))) is None


def test_a_few_records_may_show_how_to_answer_and_stay_json() -> None:
    shown = json.dumps([{**each, "note": "x" * 90} for each in ORDERS[:4]], indent=1)
    text = said(compressed(user(f"Answer like this:\n{shown}")))
    assert json.loads(text.removeprefix("Answer like this:")) == json.loads(shown)


def test_lines_of_records_become_one_table() -> None:
    lines = "\n".join(map(json.dumps, ORDERS))
    changed = compressed(Prompt((Message("user", (lines, "Which are paid?")),)))
    assert changed is not None
    assert toon_format.decode(changed.messages[0].texts[0]) == ORDERS
    assert changed.messages[0].texts[1] == "Which are paid?"


@pytest.mark.parametrize(
    "odd",
    ['{"id": 1, "id": 2, "name": "twice"}', '{"id": 0.12345678901234567890123, "name": "exact"}', '{"id": NaN}'],
)
def test_records_that_would_not_read_back_stay_json(odd: str) -> None:
    rows = "[" + ", ".join([odd] * 20) + "]"
    text = said(compressed(user(rows)))
    assert text == rows.replace(" ", "")


def test_a_page_becomes_markdown_with_every_word_and_link() -> None:
    changed = compressed(user(f"Read this:\n{PAGE}\nWhat does a return cost?"))
    text = said(changed)
    assert text.startswith("Read this:\n")
    assert text.endswith("\nWhat does a return cost?")
    for kept in ("Returns", "[Fees](/fees)", "**14 days**", "12.50 EUR & a receipt", "Not for gifts.", "3,90 €"):
        assert kept in text
    assert not any(gone in text for gone in ("color:red", "track(", "margin", "<p"))
    assert changed is not None
    assert "1 web page as Markdown" in changed.lossy[0]


def test_a_page_inside_of_json_becomes_markdown_there() -> None:
    text = said(compressed(user(json.dumps({"url": "https://example.com", "body": PAGE}))))
    made = json.loads(text)
    assert made["url"] == "https://example.com"
    assert "within **14 days**" in made["body"]


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("<script>", '<script type="application/ld+json">{"price": "9.99"}</script><script>'),
        PAGE.replace("</body>", "<!-- never closed " + "x" * 300).replace("</html>", ""),
        "<doc id='7' date='2026-01-02'>" + "A passage about returns. " * 20 + "</doc>",
        PAGE.replace("<p hidden>", "<script>if (a) {"),
    ],
    ids=["data in a script", "broken off", "not HTML", "script never closed"],
)
def test_what_may_lose_something_is_left_alone(page: str) -> None:
    assert compressed(user(page)) is None


def test_fenced_code_stays_and_fenced_json_stays_json() -> None:
    code = f"```html\n{PAGE}\n```\n```\n{PAGE}\n```\n```python\nrows = {json.dumps(ORDERS)}\n```\n"
    assert compressed(user(code + "Fix it.")) is None
    text = said(compressed(user(f"{code}```json\n{json.dumps(ORDERS, indent=2)}\n```\nFix it.")))
    assert text.startswith(code)
    small = json.dumps(ORDERS, separators=(",", ":"), ensure_ascii=False)
    assert text.removeprefix(code) == f"```json\n{small}\n```\nFix it."


@pytest.mark.parametrize(
    "text",
    ["", "[" * 100_000, '{"a' * 50_000, "<" * 100_000, "<html>" + "<div>" * 50_000 + "x</html>", '["\ud800", ' * 99],
)
def test_hostile_text_is_sent_as_it_is(text: str) -> None:
    assert compressed(user(text)) is None


def test_half_characters_and_escapes_are_kept() -> None:
    rows = '[{"a": "\\ud800"},   {"a": "caf\\u00e9"}, {"a": "' + "x" * 300 + '"}]'
    assert said(compressed(user(rows))) == rows.replace("   ", "").replace(": ", ":").replace(", ", ",").replace(
        "\\u00e9", "é"
    )


def test_a_missing_package_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_spec
    monkeypatch.setattr(
        "audit.replay.compression.find_spec", lambda name: None if name == "toon_format" else real(name)
    )
    with pytest.raises(ReplayError) as caught:
        variant("compress")
    assert "[compress]" in str(caught.value.hint)


def test_only_prompts_that_get_shorter_are_asked_again(store: Store, catalogue: Catalogue, peer: Peer) -> None:
    data = f"{json.dumps(ORDERS)}\nWhich are paid?"
    fill(store, [*shop({"sort": 10}), Request("faq", prompt=data)])
    made = plan(store, catalogue, sample=11, variants=["compress"])
    assert [(each.variant, each.floor, each.calls) for each in made.candidates] == [
        ("compress", False, 1),
        ("", True, 11),
    ]
    assert [(each.reason, each.count) for each in made.not_replayable] == [("the variant changes nothing of it", 10)]
    short, plain = made.candidates
    assert short.expected_usd is not None
    assert plain.expected_usd is not None
    assert 0 < short.expected_usd < plain.expected_usd * 0.9 / 11, "fewer tokens are expected to cost less"
    assert replay(store, made, max_cost_usd=1.0, policy=Policy(concurrency=2)).answered == 12
    assert sum("[12]{id,total" in json.dumps(body) for body in peer.requests) == 1
    [row] = store.rows("SELECT lossy FROM replay WHERE variant = 'compress'")
    assert "1 JSON value as TOON" in row["lossy"]
