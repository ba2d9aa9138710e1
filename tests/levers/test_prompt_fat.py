"""Levers that shorten prompts and answers, on planted workflows with known waste."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from audit.levers import _probe
from tests.levers.bench import findings, lever, saved
from tests.planting import MINUTE, PRICES, START, Plant

WORDS = (
    "river",
    "stone",
    "garden",
    "window",
    "paper",
    "bridge",
    "market",
    "engine",
    "forest",
    "signal",
    "harbour",
    "copper",
)


def text(seed: int, sentences: int = 8) -> str:
    dice = random.Random(seed)
    return " ".join(
        " ".join(dice.choices(WORDS, k=11)).capitalize() + f" {dice.randint(0, 9**6)}." for _ in range(sentences)
    )


class Prompts(Plant):
    """Prompts given as (kind, text) pieces; a word is a token, and four tokens of overhead a message."""

    def ask(self, *pieces: tuple[str, str], answer: str = "Yes.", cached: int = 0, **columns: Any) -> int:
        words = [len(each.split()) for _, each in pieces]
        overhead = sum(0 if kind == "tools" else 4 for kind, _ in pieces)
        reasoning = columns.get("reasoning_output_tokens") or 0
        request = self.call(
            at_us=START + self.calls * MINUTE, input_tokens=sum(words) + overhead, cached=cached, output_hash=1,
            output_tokens=len(answer.split()) + reasoning, price_model="big", price_provider="openai",
            identity=self.calls * 7919 % 10007, **columns,
        )  # fmt: skip
        for position, ((kind, each), count) in enumerate(zip(pieces, words, strict=True)):
            self.segment(request, position, each, count, "history" if kind == "assistant" else kind)
            self.added["segment"][-1]["role"] = {"assistant": "assistant", "history": "user"}.get(kind, kind)
        if answer:
            kind = "tool_call" if answer.startswith('{"arguments"') else "answer"
            self.segment(request, 99, answer, len(answer.split()), kind, "output")
        return request


@pytest.fixture(autouse=True)
def a_word_is_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.levers import format_overhead, repeated_text

    monkeypatch.setattr(repeated_text, "_count", lambda each: len(each.split()))
    monkeypatch.setattr(format_overhead, "count", lambda texts: [len(each.split()) for each in texts])


def test_repeated_text_saves_the_second_copy_at_its_price() -> None:
    plant = Prompts()
    rules = text(1)
    for number in range(30):
        plant.ask(("system", rules), ("user", f"{text(100 + number, 2)}\n{rules}\nWhat now?"), cached=40)
    store, chosen = plant.store, lever("repeated_text")
    assert saved(store, chosen) == pytest.approx(30 * len(rules.split()) * PRICES["input"], rel=0.005)
    assert "a second time" in findings(store, chosen)[0]
    assert saved(store, chosen, least_tokens=500) == 0


def test_what_the_model_said_and_what_differs_is_no_repeat() -> None:
    plant = Prompts()
    for number in range(30):
        said = text(number)
        plant.ask(("user", said), ("assistant", said), ("user", text(500 + number)))
    assert saved(plant.store, lever("repeated_text")) == 0


def test_beyond_the_sample_the_ratio_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_probe, "SAMPLE", 40)
    plant = Prompts()
    rules = text(1)
    for number in range(400):
        plant.ask(("user", f"{rules}\n{text(number, 2)}\n{rules}" if number % 2 else f"{rules}\n{text(number, 2)}"))
    store, chosen = plant.store, lever("repeated_text")
    expected = 200 * len(rules.split()) * PRICES["input"]
    assert saved(store, chosen) == pytest.approx(expected, rel=0.3)
    assert chosen.shares
    draws = chosen.shares(store, chosen.settings, 2000, 1)
    assert 0.05 < draws.std() < 0.3
    assert draws.mean() == pytest.approx(1, abs=0.02)


def tool(name: str) -> tuple[str, str]:
    about = " ".join(WORDS)
    return "tools", json.dumps({"name": name, "description": about, "input_schema": {"type": "object"}}, sort_keys=True)


def call(name: str) -> str:
    return json.dumps({"arguments": {"q": name * 90, "name": "not this"}, "name": name}, sort_keys=True)


def test_tools_never_called() -> None:
    plant = Prompts()
    for number in range(600):
        answer = call("rare") if number == 300 else call("often") if number % 2 else "Done."
        plant.ask(tool("often"), tool("rare"), tool("never"), tool("new"), ("user", f"{number}"), answer=answer)
    for _ in range(499):
        plant.ask(tool("seldom offered"), ("user", "x"), workflow_id=2)
    store, chosen = plant.store, lever("unused_tools")
    each = len(tool("never")[1].split())
    assert saved(store, chosen) == 600 * (each + len(tool("new")[1].split())) * PRICES["input"]
    (line,) = findings(store, chosen)
    assert "2 of 4 tools were never called in 600 requests or more (use below 0.5 %): never and new" in line
    assert saved(store, chosen, least_requests=100) > saved(store, chosen)


def test_a_call_in_the_history_is_a_use_and_so_is_one_of_another_version() -> None:
    plant = Prompts()
    for number in range(500):
        plant.ask(tool("a"), tool("b"), ("tool_call", call("a")), ("user", str(number)), answer=call("b"))
    for number in range(500):
        plant.ask(("tools", tool("b")[1].replace("river", "lake")), ("user", str(number)))
    assert saved(plant.store, lever("unused_tools")) == 0


def test_tools_of_the_provider_are_left_alone() -> None:
    plant = Prompts()
    for number in range(500):
        plant.ask(
            ("tools", '{"type": "web_search_20250305"}'),
            ("tools", '{"type":"code_interpreter"}'),
            ("user", str(number)),
        )
    assert saved(plant.store, lever("unused_tools")) == 0


def documents(seed: int, count: int) -> tuple[str, list[str]]:
    each = [text(seed * 50 + number, 3) for number in range(count)]
    return "\n".join(f'<document id="d{number}">{one}</document>' for number, one in enumerate(each)), each


def test_passages_no_answer_uses() -> None:
    plant = Prompts()
    dropped = 0
    for number in range(60):
        body, each = documents(number, 8)
        used = number % 8
        plant.ask(("user", f"{body}\n\nQuestion: what?"), answer=each[used].split(".")[0])
        dropped += sum(len(one.split()) for place, one in enumerate(each) if place != used)
    store, chosen = plant.store, lever("unused_chunks")
    assert saved(store, chosen) == pytest.approx(dropped * PRICES["input"], rel=0.1)
    (line,) = findings(store, chosen)
    assert "88 % of 480 passages in 60 requests leave no trace" in line
    assert "rank them better before you cut" in line
    assert (chosen.stage, chosen.evidence) == ("SCENARIO", "D")


def test_no_claim_on_few_prompts() -> None:
    plant = Prompts()
    for number in range(20):
        plant.ask(("user", documents(number, 8)[0]))
    assert saved(plant.store, lever("unused_chunks")) == 0


def chat(plant: Prompts, number: int, reaches: int, cached: int = 0) -> None:
    """Ten turns; the answer quotes the turn `reaches` back."""
    turns = [text(number * 50 + place, 3) for place in range(10)]
    pieces = [piece for each in turns for piece in (("history", each), ("assistant", f"Noted {each[:9]}."))]
    quoted = turns[-reaches].split(".")[0]
    plant.ask(("system", "Be brief."), *pieces, ("user", "And now?"), answer=quoted, cached=cached)


def test_history_answers_do_not_come_back_to() -> None:
    plant = Prompts()
    for number in range(60):
        chat(plant, number, 1 + number % 4)
    store, chosen = plant.store, lever("history_tail")
    assert saved(store, chosen) > 0
    (line,) = findings(store, chosen)
    assert "of 360 turns older than the last 4" in line


def test_history_that_is_used_or_read_from_cache_stays() -> None:
    plant = Prompts()
    for number in range(60):
        chat(plant, number, 1 + number % 10)
    assert saved(plant.store, lever("history_tail")) == 0
    plant = Prompts()
    for number in range(60):
        chat(plant, number, 1 + number % 4, cached=390)
    store, chosen = plant.store, lever("history_tail")
    assert saved(store, chosen) == 0
    assert "would pay in full: leave it" in findings(store, chosen)[0]


def test_examples_beyond_the_first() -> None:
    plant = Prompts()
    shots = "".join(f"Input: {text(number, 1)}\nOutput: label {number}\n\n" for number in range(5))
    for number in range(30):
        plant.ask(("system", f"Classify.\n\n{shots}"), ("user", text(100 + number, 1)))
    store, chosen = plant.store, lever("few_shot")
    expected = 30 * 4 * (len(text(0, 1).split()) + 4) * PRICES["input"]
    assert saved(store, chosen) == pytest.approx(expected, rel=0.1)
    assert "5.0 examples a prompt; with 1 of them" in findings(store, chosen)[0]


def test_turns_every_request_has_are_examples_and_a_real_history_is_none() -> None:
    plant = Prompts()
    shots = [(("history", text(number, 1)), ("assistant", f"label {number}")) for number in range(3)]
    for number in range(40):
        plant.ask(
            ("system", "Classify."), *(piece for pair in shots for piece in pair), ("user", text(100 + number, 1))
        )
    assert "3.0 examples a prompt" in str(
        saved(plant.store, lever("few_shot")) and findings(plant.store, lever("few_shot"))
    )
    plant = Prompts()
    for number in range(40):
        chat(plant, number, 1)
    assert saved(plant.store, lever("few_shot")) == 0


def test_prose_around_labels_set_phrases_and_layout() -> None:
    plant = Prompts()
    for number in range(90):
        label = ("billing", "delivery", "other")[number % 3]
        plant.ask(
            ("system", "Classify: billing, delivery, other."),
            ("user", f"{number}"),
            answer=f"{label}. {text(number, 2)}",
        )
    for number in range(40):
        plant.ask(("user", str(number)), answer=f"Thank you for your question today. {text(number, 1)}", workflow_id=2)
    store, chosen = plant.store, lever("format_overhead")
    assert saved(store, chosen) > 0
    lines = findings(store, chosen)
    assert "96 % of its answers' tokens are prose around a label" in lines[0]
    assert "of its answers' tokens are set phrases" in lines[1]


def test_letters_made_from_a_template_carry_no_set_phrases_and_no_labels() -> None:
    plant = Prompts()
    decisions = ("refund", "replacement", "repair")
    for number in range(90):
        plant.ask(
            ("system", f"Write to the customer what was decided: {', '.join(decisions)}."),
            ("user", f"{number}"),
            answer=f"Dear Ms {text(number, 1).split()[0]},\n\n{decisions[number % 3]}, as asked. {text(number, 2)}\n\n"
            "Kind regards\nYour shop",
        )
        plant.ask(
            ("system", f"Write the mail about the case: {', '.join(decisions)}."),
            ("user", f"{number}"),
            answer=f"Subject: your case\n\nDear customer of our shop,\n{decisions[number % 3]}. {text(number, 2)}",
            workflow_id=2,
        )
    assert saved(plant.store, lever("format_overhead")) == 0


def test_reasoning_on_easy_tasks_only() -> None:
    plant = Prompts()
    for kind, effort in (("classification", "medium"), ("classification", "minimal"), ("reasoning", "high")):
        plant.ask(("user", kind), reasoning_output_tokens=1000, task_kind=kind, reasoning_effort=effort)
    store, chosen = plant.store, lever("reasoning_effort")
    assert saved(store, chosen) == 800 * PRICES["output"]
    assert saved(store, chosen, kept_share=1.0) == 0
    assert "of its output tokens are reasoning in 1 request (" in (saved(store, chosen), findings(store, chosen))[1][0]


def test_without_texts_the_levers_say_why() -> None:
    plant = Prompts()
    plant.ask(("user", "hello"))
    store = plant.store
    store.run("UPDATE content SET text = NULL")
    for name in ("repeated_text", "unused_tools", "unused_chunks", "history_tail", "few_shot", "format_overhead"):
        blocked = lever(name).blocked
        assert blocked
        assert "not kept" in str(blocked(store, lever(name).settings))
    reasoning = lever("reasoning_effort").blocked
    assert reasoning
    assert "no request" in str(reasoning(store, {}))
