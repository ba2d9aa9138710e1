"""Parts of workflows: few simulated audits of `benchmarks/parts.py` with fixed seeds, and what a table row says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from audit.deciding import deciding
from audit.deciding.parts.features import Reading
from audit.deciding.parts.prompts import Prompt, prompts
from audit.ledger import events
from audit.scoring import scoring
from audit.statistics.routing_metrics import cascade
from audit.statistics.verdicts import look_error, whole_error
from benchmarks.deciding import share
from benchmarks.parts import World, documented, false_part, offers, offers_any
from tests.scoring.conftest import Plant

SEED = 20261128


@pytest.mark.parametrize(
    "world",
    [World("", 0.3), World("", 0.07, caught=0.05), World("words", 0.5, 0.11)],
    ids=["loses a third of anything", "with a verifier of no use", "loses too much of the good half as well"],
)
def test_nothing_is_certified_by_chance(world: World) -> None:
    assert share(4, SEED, lambda rng: false_part(rng, world, 160, prompts=400)).estimate == 0.0


def test_a_part_that_loses_twice_the_limit_on_its_own_is_hardly_ever_offered() -> None:
    assert share(5, SEED, lambda rng: offers_any(rng, World("", 0.1), 240)).estimate <= 0.2


@pytest.mark.parametrize(
    ("step", "world"),
    [
        ("rule", World("length", 0.5)),
        ("router", World("words", 0.5)),
        ("router", World("words", 0.5, pairs=5)),
        ("cascade", World("", 0.5, caught=1.0)),
    ],
    ids=["length", "words", "words, five pairs", "form"],
)
def test_what_plainly_wins_is_offered(step: str, world: World) -> None:
    assert share(3, SEED, lambda rng: offers(rng, world, 220, step)).estimate >= 0.66


def test_a_cascade_above_break_even_is_never_offered() -> None:
    dear = World("", 0.5, caught=1.0, cost=0.55)
    assert share(5, SEED, lambda rng: offers(rng, dear, 120, "cascade")).estimate == 0.0


TEXTS = [
    "", "Where is order 12,345?", "WO IST MEINE BESTELLUNG №7 — straße", "请告诉我订单在哪里", "naïve café ½ ﬁne",
    "مرحبا كيف", "a_b-c\x00d \ud800 😀",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_documented_code_reads_a_prompt_as_the_audit_does(text: str) -> None:
    reading = Reading.of([*TEXTS, "order"], [3, 70, 8, 9, 1200, 0, 5, 6])
    row = reading.row(Prompt(text, tools=1), 300)
    known = documented().__globals__["features"]({**reading.as_data()}, text, 300, 1)
    written = np.zeros_like(row)
    for place, value in known.items():
        written[place] = value
    assert written.tolist() == row.tolist()


@pytest.mark.parametrize("length", [3999, 4000, 4001, 9000])
def test_of_a_long_prompt_start_and_end_are_read(plant: Plant, length: int) -> None:
    text = "".join(chr(97 + number % 23) for number in range(length))
    request = plant.logged(1, "answer", prompt=text)
    (seen,) = prompts(plant.store, {request}).values()
    assert seen.text == documented().__globals__["excerpt"]({"characters": 4000}, text)
    assert seen.text.endswith(text[-100:])


def half_in_form(plant: Plant, *, cost_usd: float = 0.001, spoiled: int = 0, first_chunk: float | None = None) -> None:
    """An extraction workflow of 400: every fourth answer is prose, the first `spoiled` are well-formed and wrong."""
    plant.workflow(1, "extraction")
    for number in range(400):
        request = plant.logged(1, json.dumps({"order": number}), prompt=f"order {number}", first_chunk=first_chunk)
        plant.drawn(request)
        wrong = json.dumps({"order": number + (number < spoiled)})
        plant.replayed(
            request, "I can't find it." if number % 4 == 3 else wrong, cost_usd=cost_usd, first_chunk=first_chunk
        )
    scoring(plant.store)


def row(plant: Plant, step: str) -> dict[str, Any]:
    (found,) = plant.store.rows("SELECT * FROM policy WHERE step = $step", step=step)
    return found


def test_a_cascade_pays_twice_for_what_is_sent_back(plant: Plant) -> None:
    half_in_form(plant)
    deciding(plant.store)
    found = row(plant, "cascade")
    expected = cascade(0.001, 0.01, 0.0, 0.25)
    assert (found["outcome"], found["name"]) == ("offered", "json")
    assert found["saving"] == pytest.approx(expected.saving_share)
    assert found["break_even"] == pytest.approx(expected.break_even_fallback)
    assert (found["fallback"], found["routed"]) == (pytest.approx(0.25), pytest.approx(0.75))
    assert (found["p50_duration"], found["p95_duration"]) == (0.5, 1.5)
    assert found["saving"] == pytest.approx(found["moved"] - found["asked"] * found["cost_ratio"])


def test_what_the_verifier_lets_pass_is_lost(plant: Plant) -> None:
    half_in_form(plant, spoiled=30)
    deciding(plant.store)
    found = row(plant, "cascade")
    assert found["outcome"] == "not_certified"
    assert "loss at most" in found["reason"]


def test_a_cascade_that_pays_too_much_twice_says_from_where_on(plant: Plant) -> None:
    half_in_form(plant, cost_usd=0.008)
    deciding(plant.store)
    assert row(plant, "cascade")["reason"] == (
        "25 % of the dollars would be paid a second time, and from 20 % on nothing is saved"
    )


def test_a_stated_latency_vetoes_a_cascade_that_asks_twice(plant: Plant) -> None:
    half_in_form(plant)
    deciding(plant.store, {"w1": 1.2})
    found = row(plant, "cascade")
    assert found["outcome"] == "vetoed"
    assert "p95 latency of 1.5 s" in found["reason"]


def test_a_cascade_shows_nothing_before_the_whole_answer_is_checked(plant: Plant) -> None:
    half_in_form(plant, first_chunk=0.2)
    deciding(plant.store, None, {"w1": 0.6})
    found = row(plant, "cascade")
    assert found["outcome"] == "vetoed", "the candidate's 0.5 s, and today's 0.2 s behind them"
    assert "p95 until the first chunk of 700 ms with what is asked twice, limit 0.6 s" in found["reason"]
    deciding(plant.store, None, {"w1": 0.8})
    found = row(plant, "cascade")
    assert found["outcome"] == "offered"
    assert (found["first_chunk_n"], found["p50_first_chunk"], found["p95_first_chunk"]) == (400, 0.5, 0.7)
    assert found["duration_n"] == 400


def test_every_policy_tried_shares_the_error_and_is_in_the_chain_of_events(plant: Plant) -> None:
    half_in_form(plant)
    deciding(plant.store)
    rows = plant.store.rows("SELECT step, name, outcome, delta, tried FROM policy")
    assert {each["tried"] for each in rows} == {len(rows)}
    for each in rows:
        assert each["delta"] == pytest.approx((look_error(1) - whole_error(1)) / len(rows))
    kept = json.loads(events(plant.store)[-1]["settings"])["policies"]
    assert [(each["step"], each["name"], each["outcome"]) for each in kept] == [
        (each["step"], each["name"], each["outcome"]) for each in rows
    ]


@pytest.mark.parametrize(
    ("fact", "condition"), [("tools", {"tools_offered": False}), ("German", {"language": "English"})]
)
def test_a_rule_may_tell_by_tools_or_language(plant: Plant, fact: str, condition: dict[str, Any]) -> None:
    plant.workflow(1, "short_answer")
    texts = {
        True: "please tell us {} in the city and is that the one you have on the list for this order",
        False: "bitte sagen sie uns {} in der stadt und ist das nicht die nummer die wir für den auftrag haben",
    }
    for number in range(240):
        good = number % 2 == 0
        text = texts[good or fact == "tools"].format(number)
        tools = ({"name": "find"},) if fact == "tools" and not good else ()
        request = plant.logged(1, f"answer {number}", prompt=text, tools=tools)
        plant.drawn(request)
        plant.replayed(request, f"answer {number}" if good else "")
    scoring(plant.store)
    deciding(plant.store)
    (found,) = plant.store.rows("SELECT * FROM policy WHERE outcome = 'offered'")
    assert found["step"] == "rule"
    assert json.loads(found["apply"])["when"] == condition


def test_parts_of_a_sample_that_grew_have_the_error_of_its_look(plant: Plant) -> None:
    plant.workflow(1, "short_answer")
    for number in range(400):
        request = plant.logged(1, f"answer {number}")
        plant.known[request]["input_tokens"] = 50 + number % 200
        plant.drawn(request, batch=1 + number // 200)
        plant.replayed(request, f"answer {number}" if number % 200 < 145 else "")
        if number == 199:
            scoring(plant.store)
            deciding(plant.store)
            first = row_of(plant, "short prompts")
    scoring(plant.store)
    deciding(plant.store)
    second = row_of(plant, "short prompts")
    assert second["outcome"] == "offered"
    assert second["delta"] / first["delta"] == pytest.approx(look_error(2) / look_error(1))
    assert row_of(plant, "logistic")["outcome"] != "untested"


def test_labels_a_candidate_never_gets_stay_with_todays_model(plant: Plant) -> None:
    plant.workflow(1, "classification")
    labels = ("refund", "invoice", "complaint", "shipping")
    for number in range(400):
        label = labels[number % 4]
        request = plant.logged(1, label, prompt=f"I write about my {label} number {number} today")
        plant.drawn(request)
        plant.replayed(request, "invoice" if label == "complaint" else label)
    scoring(plant.store)
    assert deciding(plant.store)[0].verdict == "not_safe"
    (found,) = plant.store.rows("SELECT * FROM policy WHERE outcome = 'offered'")
    assert (found["step"], found["name"]) == ("router", "logistic")
    assert found["routed"] == pytest.approx(0.75, abs=0.03)


def test_a_safe_whole_is_not_taken_apart(plant: Plant) -> None:
    plant.workflow(1, "short_answer")
    for number in range(120):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request)
        plant.replayed(request, f"answer {number}", model="safe")
    scoring(plant.store)
    assert deciding(plant.store)[0].verdict == "safe"
    assert plant.store.value("SELECT COUNT(*) FROM policy") == 0


def test_a_part_of_another_candidate_has_to_save_clearly_more_than_the_safe_whole(plant: Plant) -> None:
    plant.workflow(1, "short_answer")
    for number in range(300):
        request = plant.logged(1, f"answer {number}")
        plant.known[request]["input_tokens"] = 50 + number
        plant.drawn(request)
        plant.replayed(request, f"answer {number}", model="safe", cost_usd=0.003)
        plant.replayed(request, f"answer {number}" if number < 230 else "", model="part", cost_usd=0.0001)
    scoring(plant.store)
    deciding(plant.store)
    beaten = row_of(plant, "short prompts")
    assert beaten["outcome"] == "beaten", "69 % against 70 %"
    assert "a safe switch of the whole saves 70 %" in beaten["reason"]


def row_of(plant: Plant, name: str) -> dict[str, Any]:
    (found,) = plant.store.rows("SELECT * FROM policy WHERE name = $name", name=name)
    return found
