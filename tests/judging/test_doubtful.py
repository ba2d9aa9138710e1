"""Answers that programs failed with doubt: whoever is asked about them has the last word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit import ledger
from audit.deciding import fitness
from tests.judging.conftest import House, at_the_command_line, document, verdict


def test_a_judge_that_knows_another_right_answer_replaces_the_programs_word(house: House) -> None:
    house.quiz(80, rename=30, accepts=True)
    before = house.decide()
    assert (before.acceptable, before.undecided) == (pytest.approx(50 / 80), 0)
    assert "30 fails of programs in doubt: a judge or people may say otherwise" in before.reason
    house.says(house.expert)
    made = house.judge()
    assert (made.answers, made.passed, made.doubtful, made.overruled) == (30, 30, 30, 30)
    after = house.decide()
    assert after.acceptable == 1.0
    assert (after.doubtful, after.doubtful_judged, after.doubtful_accepted, after.judged) == (30, 30, 30, 30)
    assert "of 30 programs failed with doubt 30 accepted by a judge or people" in after.reason


def test_a_judge_that_agrees_with_the_programs_leaves_the_share(house: House) -> None:
    house.quiz(80, rename=30)
    house.says(house.expert)
    house.judge()
    found = house.decide()
    assert found.acceptable == pytest.approx(50 / 80)
    assert (found.verdict, found.doubtful_judged, found.doubtful_accepted) == ("not_safe", 30, 0)


def test_an_unfit_judge_leaves_a_doubtful_fail_a_fail(house: House) -> None:
    house.quiz(80, rename=30, accepts=True)
    before = house.decide()
    house.says(lambda _: verdict(True, True))
    assert house.judge().overruled == 30
    found = house.decide()
    assert (found.acceptable, found.interval_low, found.interval_high, found.verdict) == (
        before.acceptable, before.interval_low, before.interval_high, before.verdict
    )  # fmt: skip
    assert found.doubtful_judged == 0
    unfit = [key for key, judge in fitness(house.plant.store).items() if not judge.fit]
    shown = ledger.examples(house.plant.store, each=100, unfit=unfit)
    assert sum(row["passed"] is False for row in shown) == 30


def test_a_judge_that_follows_the_order_leaves_a_doubtful_fail_open(house: House) -> None:
    def torn(body: dict[str, Any]) -> dict[str, Any]:
        read, fair = document(body), house.expert(body)
        return verdict(False, True) if read["answer_1"].startswith("Ulf") else fair

    house.quiz(80, rename=40, accepts=True)
    house.says(torn)
    assert house.judge().inconsistent == 4
    found = house.decide()
    assert (found.undecided, found.doubtful_judged) == (4, 36)


def test_what_is_open_is_asked_before_what_is_doubtful(house: House) -> None:
    house.quiz(60, rename=30, accepts=True)
    house.letters(lambda number, right: f"Hello {right}!", n=20)
    plan = house.plan()
    assert (len(plan.cases), plan.doubtful) == (50, 30)
    kinds = [(ask.case.task_kind, bool(ask.canary)) for ask in plan.asks]
    order = [("drafting", True), ("drafting", False), ("short_answer", True), ("short_answer", False)]
    assert sorted(kinds, key=order.index) == kinds


def test_planted_answers_measure_the_judge_on_doubtful_ones_as_well(house: House) -> None:
    house.quiz(80, rename=40, accepts=True)
    house.says(lambda body: house.expert(body) if document(body)["answer_1"] < "M" else verdict(True, True))
    (fit,) = house.judge().fitness
    assert (fit.task_kind, fit.fit) == ("short_answer", False)


def test_the_command_says_what_was_doubtful_and_who_decided_it(house: House, audit: Any, tmp_path: Path) -> None:
    house.quiz(60, rename=20, accepts=True)
    house.says(house.expert)
    shared = at_the_command_line(house, tmp_path)
    plan = audit("judge", *shared, "--dry-run")
    assert "20 answers wait for a judge (20 programs failed with doubt)" in " ".join(plan.out.split())
    assert audit("judge", *shared, "--dry-run", "--json").document["doubtful"] == 20
    made = audit("judge", *shared, "--yes", "--json").document
    assert made["doubtful"] == {"answers": 20, "passed": 20}
    (row,) = made["by_candidate"]
    assert row["doubtful"] == {"n": 20, "judged": 20, "rated": 0, "accepted": 20}
    assert json.dumps(row["reason"]).count("failed with doubt") == 1
    listed = audit("answers", "--db", shared[3], "--json").document["answers"]
    assert {(each["decided_by"], each["verdict"]) for each in listed if each["doubtful"]} == {("judge", "acceptable")}
    assert sum(each["doubtful"] for each in listed) == 20
