from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit.deciding import Verdict, deciding, reasons, rule
from audit.deciding.units import TrialKey
from audit.scoring import observed, scoring
from audit.statistics.certificates import clean_units
from audit.statistics.intervals import upper_bound
from audit.statistics.verdicts import whole_error

HALF = {"probability": 0.5}


def decided(plant: Any) -> list[Verdict]:
    scoring(plant.store)
    return deciding(plant.store)


def run(
    plant: Any,
    answer: Callable[[int], str],
    *,
    n: int = 100,
    workflow: int = 1,
    kind: str = "short_answer",
    logged: Callable[[int], str] = lambda number: f"answer {number}",
    model: str = "small-model",
    drawn: dict[str, Any] | None = None,
    **replayed: Any,
) -> list[int]:
    """A workflow of n prompts, each replayed once on `model`."""
    plant.workflow(workflow, kind)
    ids = []
    for number in range(n):
        request = plant.logged(workflow, logged(number), prompt=f"{workflow}: prompt {number}")
        plant.drawn(request, **(drawn or {}))
        plant.replayed(request, answer(number), model=model, **replayed)
        ids.append(request)
    return ids


def test_a_mistake_the_log_marks_is_no_worse_when_repeated_and_not_acceptable_either(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(100):
        bad = number < 20
        request = plant.logged(1, f"answer {number}", prompt=f"prompt {number}", outcome="thumbs_down" if bad else None)
        plant.drawn(request)
        plant.replayed(request, f"Answer {number}.", model="small-model")
    (found,) = decided(plant)
    assert (found.verdict, found.loss, found.undecided) == ("safe", 0.0, 0)
    assert found.acceptable == pytest.approx(0.8)
    assert found.interval_low < 0.8 < found.interval_high < 1.0


def test_a_candidate_that_never_loses_is_safe(plant: Any) -> None:
    run(plant, lambda number: f"Answer {number}.")
    (found,) = decided(plant)
    assert (found.verdict, found.n, found.undecided, found.failed, found.n_more) == ("safe", 100, 0, 0, 0)
    assert (found.workflow_id, found.current_model, found.endpoint, found.model, found.variant) == (
        1, "big-model", "test", "small-model", "",
    )  # fmt: skip
    assert found.acceptable == 1.0
    assert found.interval_low < 1.0 == found.interval_high
    assert found.loss == 0.0
    assert 0 < found.loss_high <= found.alpha == 0.05
    assert found.loss_high == pytest.approx(1 - whole_error(1) ** (1 / 100))
    assert found.floor is None
    assert "floor not measured" in found.reason


def test_requests_prompts_and_dollars_are_three_right_answers(plant: Any) -> None:
    from audit.deciding import totals

    plant.workflow(1, "short_answer")
    for number in range(40):
        times, cost = (9, 0.001) if number < 10 else (1, 0.1)
        first = plant.logged(1, f"answer {number}", prompt=f"1: prompt {number}", cost_usd=cost)
        for _ in range(times - 1):
            plant.logged(1, f"answer {number}", prompt=f"1: prompt {number}", cost_usd=cost)
        plant.drawn(first, requests=times, cost_usd=cost)
        plant.replayed(first, f"answer {number}" if number < 10 or number % 2 else "")
    (found,) = decided(plant)
    assert found.acceptable == pytest.approx((90 + 15) / 120)
    assert found.prompts_acceptable == pytest.approx(25 / 40)
    assert found.dollars_acceptable == pytest.approx((0.09 + 1.5) / (0.09 + 3.0))
    (total,) = totals(plant.store)
    assert (total.workflows, total.n, total.undecided) == (1, 40, 0)
    assert total.shares.dollars.estimate == pytest.approx(found.dollars_acceptable)


def test_a_candidate_that_often_loses_is_not_safe(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}" if number % 3 else "", n=60)
    (found,) = decided(plant)
    assert found.verdict == "not_safe"
    assert found.loss == pytest.approx(1 / 3)
    assert found.alpha < found.loss_low < 1 / 3 < found.loss_high
    assert "loss at least" in found.reason


def test_too_few_answers_are_unknown_and_say_how_many_more(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=20)
    (found,) = decided(plant)
    assert found.verdict == "unknown"
    assert found.n_more is not None
    assert 20 + found.n_more == clean_units(0.05, whole_error(1)), "twenty could not be safe, so they were no look"


def test_more_pairs_tested_need_more_evidence(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}", n=100, model="model 0")
    for model in range(1, 8):
        for number, request in enumerate(ids):
            plant.replayed(request, f"answer {number}", model=f"model {model}")
    found = decided(plant)
    assert len(found) == 8
    assert {verdict.verdict for verdict in found} == {"unknown"}, "8 pairs need 108 clean units each, alone 68 would do"
    assert {verdict.n_more for verdict in found} == {clean_units(0.05, whole_error(2), 8) - 100}


def test_undecided_answers_hold_a_verdict_back(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}" if number % 2 else "something else", n=200)
    (found,) = decided(plant)
    assert (found.verdict, found.undecided, found.n_more) == ("unknown", 100, None)
    assert "100 answers need a judge or a person" in found.reason
    assert found.acceptable == 1.0
    assert found.interval_low < 0.5 < found.interval_high
    assert found.loss_low == 0.0
    assert found.loss_high > 0.5


def test_no_share_is_named_where_most_answers_are_undecided(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}" if number < 90 else "something else", n=200)
    (found,) = decided(plant)
    assert (found.undecided, found.acceptable) == (110, None)
    assert found.interval_low < 0.45
    assert found.interval_high > 0.99


def test_a_few_undecided_answers_do_not_hide_a_certain_loss(plant: Any) -> None:
    run(plant, lambda number: "" if number < 60 else "something else", n=70)
    (found,) = decided(plant)
    assert found.verdict == "not_safe"
    assert "10 undecided taken as acceptable" in found.reason


def test_a_few_undecided_answers_count_against_a_safe_verdict(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}" if number else "something else", n=200)
    (found,) = decided(plant)
    assert found.verdict == "safe"
    assert "1 undecided counts against it" in found.reason


def test_people_decide_what_scorers_cannot_and_overrule_them(plant: Any) -> None:
    run(plant, lambda number: "something else" if number < 5 else f"answer {number}", n=100)
    scoring(plant.store)
    plant.store.write_rows(
        "rating", [{"replay_id": number, "rater": "a", "verdict": "acceptable"} for number in range(1, 6)]
    )
    assert deciding(plant.store)[0].verdict == "safe"
    plant.store.write_rows(
        "rating", [{"replay_id": number, "rater": "a", "verdict": "unacceptable"} for number in range(6, 60)]
    )
    assert deciding(plant.store)[0].verdict == "not_safe"


def judged(plant: Any, passed: Callable[[int], bool], n: int, kind: str = "short_answer", first: int = 1) -> None:
    """A judge's verdict on n replays from the first."""
    rows = [
        {
            "replay_id": number, "scorer": "judge:m", "scorer_version": "1", "passed": passed(number), "score": 1.0,
            "task_kind": kind,
        }
        for number in range(first, first + n)
    ]  # fmt: skip
    plant.store.write_rows("score", rows)


def canaries(plant: Any, wrong: dict[str, int] | None = None, n: int = 20, kind: str = "short_answer") -> None:
    """n planted answers of each sort given to the judge in both orders, `wrong` of them misjudged."""
    right = {"same": "equal", "other": "unacceptable", "injected": "unacceptable", "number": "unacceptable"}
    rows = []
    for sort, verdict in right.items():
        for number in range(n):
            missed = number < (wrong or {}).get(sort, 0)
            word = verdict if not missed else "unacceptable" if sort == "same" else "equal"
            rows += [
                {
                    "judge": "m", "canary": sort, "request_id": number, "task_kind": kind, "candidate_first": first,
                    "status": "ok", "verdict": word,
                }
                for first in (True, False)
            ]  # fmt: skip
    plant.store.write_rows("judgement", rows)


def test_a_judge_decides_only_what_the_scorer_left_open(plant: Any) -> None:
    run(plant, lambda number: "something else" if number < 5 else f"answer {number}", n=100)
    scoring(plant.store)
    judged(plant, lambda number: number < 6, 100)
    canaries(plant)
    (found,) = deciding(plant.store)
    assert (found.verdict, found.undecided, found.judged) == ("safe", 0, 5)
    assert "5 answers judged by m, a judge no person has checked" in found.reason


@pytest.mark.parametrize(("sort", "wrong"), [("same", 8), ("other", 5), ("injected", 5), ("number", 5)])
def test_a_judge_that_misjudges_planted_answers_decides_nothing(plant: Any, sort: str, wrong: int) -> None:
    run(plant, lambda number: f"other {'x' * number}", n=100)
    scoring(plant.store)
    judged(plant, lambda _: True, 100)
    assert deciding(plant.store)[0].undecided == 100, "without canaries nobody knows whether it is awake"
    canaries(plant, {sort: wrong})
    (found,) = deciding(plant.store)
    assert (found.verdict, found.undecided) == ("unknown", 100)
    assert "m does not count" in found.reason


def test_a_judge_that_slips_no_more_than_chance_explains_counts_with_what_its_slips_leave_open(plant: Any) -> None:
    run(plant, lambda number: f"other {'x' * number}", n=100)
    scoring(plant.store)
    judged(plant, lambda number: number % 5 > 0, 100)
    canaries(plant, {"other": 2, "same": 1})
    (found,) = deciding(plant.store)
    assert (found.undecided, found.acceptable) == (0, 0.8)
    assert found.interval_low < 0.79, "it may have missed as many"
    assert found.interval_high > 0.85, "and rejected more"
    canaries(plant, {"other": 8}, n=40, kind="short_answer")
    assert deciding(plant.store)[0].undecided == 100


def test_a_judge_that_rejects_logged_answers_counts_and_the_bounds_allow_for_either_reason(plant: Any) -> None:
    run(plant, lambda number: f"other {'x' * number}", n=100)
    scoring(plant.store)
    judged(plant, lambda number: number % 4 > 0, 100)
    canaries(plant, {"same": 15}, n=100)
    (found,) = deciding(plant.store)
    assert (found.undecided, found.acceptable) == (0, 0.75)
    assert found.interval_low < 0.75
    assert found.interval_high > 0.75 / 0.85, "it may be harsh"
    assert (found.verdict, found.loss_low) == ("unknown", 0.0), "and what is lost may be lost only to the judge"
    assert "it rejected 15 of 100 logged answers: they are bad, or it is harsh; bounds allow for both" in found.reason


def test_many_losses_are_not_safe_however_harsh_a_fit_judge_may_be(plant: Any) -> None:
    run(plant, lambda number: f"other {'x' * number}", n=100)
    scoring(plant.store)
    judged(plant, lambda number: number % 2 > 0, 100)
    canaries(plant, {"same": 10}, n=100)
    (found,) = deciding(plant.store)
    assert found.verdict == "not_safe"
    assert 0.05 < found.loss_low < 0.3


def test_a_judge_that_may_miss_losses_must_show_fewer(plant: Any) -> None:
    run(plant, lambda number: f"other {'x' * number}", n=69)
    scoring(plant.store)
    judged(plant, lambda _: True, 69)
    canaries(plant)
    (found,) = deciding(plant.store)
    missed = 1 - 0.1 ** (1 / 60)
    assert found.verdict == "unknown", "69 clean units certify 5 %, but not 5 % less what the judge may miss"
    assert found.loss_high == pytest.approx((1 - whole_error(1) ** (1 / 69)) / (1 - missed))
    canaries(plant, n=2000)
    assert deciding(plant.store)[0].verdict == "safe"


def test_planted_answers_tell_of_the_judge_on_their_own_kind_and_over_all_kinds_together(plant: Any) -> None:
    from audit.deciding import totals

    for workflow, kind in ((1, "short_answer"), (2, "extraction")):
        run(plant, lambda number: f"other {'x' * number}", n=100, workflow=workflow, kind=kind)
    scoring(plant.store)
    judged(plant, lambda number: number % 10 > 0, 200)
    plant.store.run("UPDATE score SET task_kind = 'extraction' WHERE scorer LIKE 'judge%' AND replay_id > 100")
    canaries(plant, n=400)
    canaries(plant, n=10, kind="extraction")
    well, barely = deciding(plant.store)
    assert well.acceptable == barely.acceptable == 0.9
    assert well.interval_high < 0.92, "what little is known of the judge on another kind is no doubt here"
    assert barely.interval_high > 0.97
    (total,) = totals(plant.store)
    assert well.interval_high < total.shares.requests.high < (well.interval_high + barely.interval_high) / 2 + 0.01


def test_a_share_between_two_readings_is_held_as_often_as_a_share_that_is_known(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}" if number < 150 else "something else", n=200, drawn=HALF)
    (found,) = decided(plant)
    sure = 1.645 * (0.75 * 0.25 / 200 * 0.5) ** 0.5
    assert 0.75 - sure < found.interval_low < 0.75 - 0.7 * sure, "the share can't be at both ends at once"


def test_the_floor_explains_losses_the_current_model_shares(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}" if number >= 30 else "", n=150)
    assert decided(plant)[0].verdict == "not_safe"
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}" if number >= 30 else "", model="big-model")
    (found,) = decided(plant)
    assert found.verdict == "safe"
    assert found.loss == 0.0
    assert (found.floor, found.floor_n) == (pytest.approx(0.8), 150)
    assert found.acceptable == pytest.approx(0.8)


def test_a_floor_that_holds_explains_nothing(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}" if number >= 30 else "", n=150)
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}", model="big-model")
    (found,) = decided(plant)
    assert (found.verdict, found.floor) == ("not_safe", 1.0)


def test_repeated_prompts_of_the_log_measure_the_floor_without_a_replay(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=20)
    for number in range(10):
        plant.logged(1, f"answer {number}" if number < 9 else "answer 8", prompt=f"1: prompt {number}")
    (found,) = decided(plant)
    assert (found.floor, found.floor_n) == (pytest.approx(0.9), 10)
    plant.store.run("UPDATE workflow SET task_kind = 'drafting'")
    assert deciding(plant.store)[0].floor is None, "equal text is no measure of open answers"


def test_repetitions_in_other_words_are_no_disagreement(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=20)
    for number in range(10):
        plant.logged(1, f"**Answer {number}**" if number % 2 else f"answer {number}", prompt=f"1: prompt {number}")
    (found,) = decided(plant)
    assert (found.floor, found.floor_n) == (1.0, 10)
    for number in range(10):
        plant.logged(1, "something no program can compare", prompt=f"1: prompt {number}")
    (found,) = decided(plant)
    assert (found.floor, found.floor_n) == (None, 0), "half of the repetitions could be anything"
    assert "floor not measured" in found.reason


def test_weights_are_requests_over_inclusion_probability(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(60):
        request = plant.logged(1, f"answer {number}")
        often = number < 30
        plant.drawn(request, probability=0.5 if often else 1.0, requests=4 if often else 2)
        plant.replayed(request, f"answer {number}" if often else "")
    (found,) = decided(plant)
    assert found.acceptable == pytest.approx(8 / 10)
    assert found.n_effective == pytest.approx(300**2 / (30 * 64 + 30 * 4))
    assert found.interval_low < 0.8 < found.interval_high


def test_a_prompt_drawn_with_two_seeds_had_two_chances(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(40):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request, probability=0.5)
        if number < 20:
            plant.drawn(request, probability=0.5, seed=2)
        plant.replayed(request, f"answer {number}" if number < 20 else "")
    (found,) = decided(plant)
    assert found.acceptable == pytest.approx((1 / 0.75) / (1 / 0.75 + 1 / 0.5))


def test_money_is_the_candidates_own_usage_against_the_log(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(60):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request, probability=0.5 if number < 30 else 1.0, cost_usd=0.01 if number < 30 else 0.04)
        plant.replayed(request, f"answer {number}", cost_usd=0.001 if number < 30 else 0.02, duration=1 + number / 100)
    (found,) = decided(plant)
    assert found.cost_ratio == pytest.approx((2 * 30 * 0.001 + 30 * 0.02) / (2 * 30 * 0.01 + 30 * 0.04))
    assert found.current_cost_pico == 30 * 10**10 + 30 * 4 * 10**10
    assert found.candidate_cost_pico == 30 * 10**9 + 30 * 2 * 10**10
    assert (found.input_ratio, found.output_ratio) == (pytest.approx(0.9), pytest.approx(2.0))
    assert (found.p50_duration, found.p95_duration) == (pytest.approx(1.29), pytest.approx(1.56))


def test_a_prompt_the_candidate_cannot_answer_costs_what_it_does_today(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=90, cost_usd=0.001)
    for number in range(10):
        request = plant.logged(1, f"long answer {number}")
        plant.drawn(request)
        plant.replayed(request, "", status="failed", error="too_long: 4096 tokens", cost_usd=None)
    (found,) = decided(plant)
    assert found.cost_ratio == pytest.approx((90 * 0.001 + 10 * 0.01) / (100 * 0.01))


def test_an_unpriced_candidate_is_never_free(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", cost_usd=None)
    (found,) = decided(plant)
    assert found.cost_ratio is found.candidate_cost_pico is None


def test_a_candidate_that_cannot_answer_loses_but_the_network_does_not_count(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}", n=80)
    for number in range(20):
        request = plant.logged(1, f"late answer {number}")
        plant.drawn(request)
        plant.replayed(request, "", status="failed", error="timeout: no full answer in 120 s", cost_usd=None)
    (found,) = decided(plant)
    assert (found.verdict, found.n, found.failed) == ("safe", 80, 20)
    assert "20 calls lost to the endpoint, left out" in found.reason
    for request in ids[:20]:
        plant.replayed(request, "", model="tiny-model", status="failed", error="too_long: 4096 tokens")
    tiny = next(verdict for verdict in decided(plant) if verdict.model == "tiny-model")
    assert (tiny.verdict, tiny.n, tiny.failed, tiny.acceptable) == ("not_safe", 20, 20, 0.0)
    assert tiny.cost_ratio is None


def test_a_later_answer_takes_the_place_of_a_failure(plant: Any) -> None:
    ids = run(plant, lambda _: "", n=70, status="failed", error="timeout: late")
    assert decided(plant)[0].n == 0
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}", attempt=2)
    (found,) = decided(plant)
    assert (found.verdict, found.n, found.failed) == ("safe", 70, 0)


def test_nothing_but_network_failures_is_unknown(plant: Any) -> None:
    run(plant, lambda _: "", n=5, status="failed", error="connection: refused")
    (found,) = decided(plant)
    assert (found.verdict, found.n, found.failed, found.acceptable) == ("unknown", 0, 5, None)
    assert (found.interval_low, found.interval_high, found.n_more) == (0.0, 1.0, clean_units(0.05, whole_error(1)))
    assert "no answer to judge" in found.reason


def test_one_answer_to_everything_is_never_safe(plant: Any) -> None:
    logged: Callable[[int], str] = lambda number: "refund" if number == 7 else "billing"  # noqa: E731
    run(plant, lambda _: "billing", n=200, kind="classification", logged=logged)
    (found,) = decided(plant)
    assert found.acceptable is not None
    assert found.acceptable > 0.99
    assert found.verdict == "not_safe"
    assert "same answer to every prompt" in found.reason


@pytest.mark.parametrize("kind", ["classification", "short_answer"])
def test_always_saying_the_usual_answer_is_not_safe_however_seldom_it_is_wrong(plant: Any, kind: str) -> None:
    rare = {7: "refund", 60: "fraud", 110: "complaint", 170: "other"}
    said = {9: "Billing.", 20: "refund"}
    run(
        plant,
        lambda number: said.get(number, "billing"),
        n=400,
        kind=kind,
        logged=lambda number: rare.get(number, "billing"),
    )
    (found,) = decided(plant)
    assert found.loss_high <= found.alpha
    assert (found.verdict, found.n_more) == ("unknown", None)
    assert "right on only 0 of 4 prompts whose logged answer is not the usual one" in found.reason


def test_a_candidate_that_knows_the_rare_answers_is_safe(plant: Any) -> None:
    logged: Callable[[int], str] = lambda number: "yes" if number % 20 == 0 else "no"  # noqa: E731
    run(plant, lambda number: f"{logged(number).title()}.", n=200, kind="classification", logged=logged)
    (found,) = decided(plant)
    assert found.verdict == "safe"


def test_where_every_logged_answer_is_the_same_nothing_shows_that_prompts_are_read(plant: Any) -> None:
    run(plant, lambda _: "fine", n=200, kind="classification", logged=lambda _: "fine")
    (found,) = decided(plant)
    assert (found.verdict, found.n_more) == ("unknown", None)
    assert "nothing shows that it reads the prompts" in found.reason


def test_one_model_behind_both_names_is_no_floor(plant: Any) -> None:
    answer: Callable[[int], str] = lambda number: f"answer {number if number >= 30 else number + 1000}"  # noqa: E731
    ids = run(plant, answer, n=150)
    for number, request in enumerate(ids):
        plant.replayed(request, answer(number), model="big-model")
    (found,) = decided(plant)
    assert (found.verdict, found.floor) == ("not_safe", None)
    assert "answered in the candidate's very words" in found.reason


def test_a_label_that_is_never_right_holds_safe_back(plant: Any) -> None:
    logged: Callable[[int], str] = lambda number: "fraud" if number < 6 else ("ok", "late")[number % 2]  # noqa: E731
    run(plant, lambda number: ("ok", "late")[number % 2], n=600, kind="classification", logged=logged)
    (found,) = decided(plant)
    assert found.loss_high <= found.alpha
    assert (found.verdict, found.n_more) == ("unknown", None)
    assert "never right on 1 of the labels" in found.reason


def test_programs_that_read_the_answer_get_the_stricter_limit(plant: Any) -> None:
    run(plant, lambda number: json.dumps({"n": number}), kind="extraction", logged=lambda n: json.dumps({"n": n}))
    (found,) = decided(plant)
    assert (found.alpha, found.verdict) == (0.02, "unknown")
    run(
        plant,
        lambda number: json.dumps({"n": number}),
        n=300,
        workflow=2,
        kind="extraction",
        logged=lambda n: json.dumps({"n": n}),
    )
    assert [verdict.verdict for verdict in decided(plant)] == ["unknown", "safe"]


def test_conversations_count_once(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(100):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request, cluster=f"conversation {number // 10}")
        plant.replayed(request, f"answer {number}")
    (found,) = decided(plant)
    assert (found.verdict, found.n_effective) == ("unknown", pytest.approx(10))


def grow(plant: Any, numbers: range, good: Callable[[int], bool] = lambda _: True, **drawn: Any) -> None:
    """More prompts of the first workflow, drawn and answered."""
    for number in numbers:
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request, **drawn)
        plant.replayed(request, f"answer {number}" if good(number) else "")


@pytest.mark.parametrize("more", [{"batch": 2}, {"seed": 2}], ids=["larger sample", "another seed"])
def test_answers_asked_for_after_a_look_are_judged_with_what_it_left_of_the_error(
    plant: Any, more: dict[str, Any]
) -> None:
    run(plant, lambda number: f"answer {number}" if number else "", n=70)
    assert decided(plant)[0].verdict == "unknown"
    grow(plant, range(70, 140), **more)
    (second,) = decided(plant)
    assert second.verdict == "unknown", "one loss of 140 would do, had nobody looked at 70"
    assert "look 2 at new evidence, which has 10 % of the error" in second.reason
    grow(plant, range(140, 220), **more)
    (third,) = decided(plant)
    assert (third.verdict, third.loss) == ("safe", pytest.approx(1 / 220))
    assert third.loss_high == pytest.approx(upper_bound(1, 220, whole_error(3)))


def test_a_pilot_that_could_certify_nothing_is_no_look(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=60)
    (pilot,) = decided(plant)
    assert (pilot.verdict, pilot.n_more) == ("unknown", clean_units(0.05, whole_error(1)) - 60)
    grow(plant, range(60, 80))
    (found,) = decided(plant)
    assert found.verdict == "safe"
    assert found.loss_high == pytest.approx(1 - whole_error(1) ** (1 / 80))


def test_to_judge_the_same_answers_again_or_complete_them_is_no_look(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}" if number else "", n=103)
    assert decided(plant)[0].verdict == decided(plant)[0].verdict == "unknown"
    grow(plant, range(103, 110))
    (found,) = decided(plant)
    assert found.verdict == "safe", "seven calls that had failed, made again"
    assert found.loss_high == pytest.approx(upper_bound(1, 110, whole_error(1)))


def test_to_decide_once_more_changes_nothing(plant: Any) -> None:
    for workflow, n in enumerate((160, 130, 90, 60, 30, 8, 3), 1):
        run(plant, lambda number: f"answer {number}" if number % 50 else "", n=n, workflow=workflow)
    first = decided(plant)
    assert {verdict.verdict for verdict in first} >= {"unknown"}
    for _ in range(3):
        assert [replace(verdict, decided_at_us=0) for verdict in decided(plant)] == [
            replace(verdict, decided_at_us=0) for verdict in first
        ]
    grow(plant, range(160, 240), batch=2)
    grown = decided(plant)
    assert [replace(verdict, decided_at_us=0) for verdict in decided(plant)] == [
        replace(verdict, decided_at_us=0) for verdict in grown
    ]


def test_another_judge_is_a_look_and_more_answers_of_the_same_judge_are_none(plant: Any) -> None:
    run(plant, lambda number: f"Thank you, {number}.", n=200, kind="drafting", logged=lambda number: f"Dear {number}.")
    assert decided(plant)[0].undecided == 200
    canaries(plant, n=400, kind="drafting")
    judged(plant, lambda number: number > 8, 190, "drafting")
    assert decided(plant)[0].verdict == "unknown"
    judged(plant, lambda _: True, 10, "drafting", first=191)
    (found,) = decided(plant)
    assert (found.judged, found.verdict) == (200, "unknown")
    assert "look 2" not in found.reason
    plant.store.run("UPDATE score SET scorer_version = 'another rubric', passed = true WHERE scorer = 'judge:m'")
    (again,) = decided(plant)
    assert "look 2 at new evidence, which has 10 % of the error" in again.reason


def test_candidates_tried_one_after_another_share_one_error(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}" if number % 2 else "", n=90, model="first")
    assert decided(plant)[0].verdict == "not_safe"
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}", model="second")
    found = {verdict.model: verdict for verdict in decided(plant)}
    assert (found["first"].verdict, found["second"].verdict) == ("not_safe", "unknown")
    assert found["second"].loss_high == pytest.approx(1 - whole_error(2) ** (1 / 90))


@pytest.mark.parametrize(("lost", "verdict"), [(0, "safe"), (8, "unknown")], ids=["all well", "many lost"])
def test_what_was_found_safe_stays_so_unless_later_answers_speak_against_it(
    plant: Any, lost: int, verdict: str
) -> None:
    run(plant, lambda number: f"answer {number}", n=70)
    assert decided(plant)[0].verdict == "safe"
    grow(plant, range(70, 90), lambda number: number >= 70 + lost)
    (found,) = decided(plant)
    assert found.verdict == verdict


def test_variants_of_the_current_model_are_candidates_of_their_own(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}", n=70, model="big-model", variant="trim-history")
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}", model="big-model")
    (found,) = decided(plant)
    assert (found.variant, found.verdict, found.floor) == ("trim-history", "safe", 1.0)


def test_natural_experiments_are_marked_and_priced_from_the_log(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(70):
        plant.logged(1, f"answer {number}", prompt=f"question {number}")
        plant.logged(1, f"answer {number}", prompt=f"question {number}", model="small", cost_usd=0.0025)
    assert observed(plant.store) == 70
    (found,) = decided(plant)
    assert (found.endpoint, found.model, found.verdict) == ("log", "small", "safe")
    assert found.cost_ratio == pytest.approx(0.25)
    assert "observed in the log, not assigned by chance" in found.reason


def test_deciding_again_replaces_and_the_event_chain_remembers(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=60)
    first = decided(plant)
    plant.replayed(1, "answer 0", model="tiny-model")
    second = decided(plant)
    rows = plant.store.rows("SELECT * FROM verdict ORDER BY model")
    assert len(first) == 1
    assert [row["model"] for row in rows] == [verdict.model for verdict in second] == ["small-model", "tiny-model"]
    events = plant.store.rows("SELECT command, settings, outcome FROM event ORDER BY event_id")
    assert [event["command"] for event in events] == ["decide", "decide"]
    settings = json.loads(events[1]["settings"])
    assert settings["seeds"] == [1]
    assert settings["delta"] == 0.05
    assert [(trial["model"], trial["alpha"], trial["n"]) for trial in settings["trials"]] == [
        ("small-model", 0.05, 60),
        ("tiny-model", 0.05, 1),
    ]
    assert json.loads(events[1]["outcome"]) == {"tested": 2, "unknown": 2}


def test_the_row_order_of_the_audit_file_means_nothing(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(90):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request, probability=0.3 + number / 200, cluster=f"c{number // 2}")
        plant.replayed(request, f"answer {number}" if number % 9 else "", cost_usd=number / 1000)
    (before,) = decided(plant)
    for table in ("replay", "sample", "score", "request"):
        plant.store.run(
            f"CREATE TEMP TABLE turned AS SELECT * FROM {table} ORDER BY hash(prompt_key)"
            if table != "score"
            else "CREATE TEMP TABLE turned AS SELECT * FROM score ORDER BY -replay_id"
        )
        plant.store.run(f"DELETE FROM {table}")
        plant.store.run(f"INSERT INTO {table} SELECT * FROM turned")
        plant.store.run("DROP TABLE turned")
    (after,) = deciding(plant.store)
    assert before.loss_high == after.loss_high
    assert (before.cost_ratio, before.acceptable, before.interval_low) == (
        after.cost_ratio, after.acceptable, after.interval_low,
    )  # fmt: skip


def test_an_empty_audit_file_has_no_verdicts(plant: Any) -> None:
    assert decided(plant) == []
    assert plant.store.value("SELECT COUNT(*) FROM verdict") == 0


def test_a_latency_limit_can_veto_a_candidate(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=80, duration=3.0)
    assert decided(plant)[0].verdict == "safe"
    (slow,) = deciding(plant.store, {"w1": 2.5, "*": 60})
    assert (slow.verdict, slow.latency_limit, slow.n_more) == ("not_safe", 2.5, 0)
    assert "p95 latency of 3.0 s, limit 2.5 s" in slow.reason
    (other,) = deciding(plant.store, {"w2": 2.5, "*": 60})
    assert (other.verdict, other.latency_limit) == ("safe", 60)


def test_of_few_times_is_said_how_few_they_are(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(80):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request)
        plant.replayed(request, f"answer {number}", duration=3.0 if number < 12 else None)
    (found,) = decided(plant)
    assert (found.duration_n, found.p95_duration) == (12, 3.0)
    assert "times of 12 of 80 answers" in found.reason


def test_the_first_chunk_is_timed_beside_the_logs_own_and_can_veto(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(80):
        # half of the log was streamed, and of that half only what has an even number was timed
        request = plant.logged(1, f"answer {number}", first_chunk=0.4 if number < 40 and number % 2 else None)
        plant.drawn(request)
        plant.replayed(request, f"answer {number}", duration=3.0, first_chunk=0.9 if number < 40 else None)
    (found,) = decided(plant)
    assert (found.verdict, found.first_chunk_limit) == ("safe", None)
    assert (found.first_chunk_n, found.p50_first_chunk, found.p95_first_chunk) == (40, 0.9, 0.9)
    assert (found.current_first_chunk_n, found.current_p50_first_chunk, found.current_p95_first_chunk) == (20, 0.4, 0.4)
    (late,) = deciding(plant.store, None, {"w1": 0.5})
    assert (late.verdict, late.first_chunk_limit, late.n_more) == ("not_safe", 0.5, 0)
    assert "p95 until the first chunk of 900 ms, limit 0.5 s" in late.reason


def test_a_limit_nothing_was_timed_for_is_said_not_to_be_checked(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=80)
    decided(plant)
    (found,) = deciding(plant.store, None, {"*": 0.5})
    assert (found.verdict, found.first_chunk_n, found.p95_first_chunk) == ("safe", 0, None)
    assert "limit of 0.5 s until the first chunk not checked: no answer came as a stream" in found.reason


def test_refusals_and_failures_are_told_beside_todays(plant: Any) -> None:
    refusal = "I'm sorry, but I can't help with that."
    ids = run(plant, lambda number: refusal if number < 4 else f"answer {number}", n=60,
              logged=lambda number: refusal if number == 0 else f"answer {number}")  # fmt: skip
    for _ in range(20):
        request = plant.logged(1, "", prompt=f"failed {_}")
        plant.known[request]["status"] = "failed"
    for request in ids[50:]:
        plant.replayed(request, "", model="tiny-model", status="failed", error="too_long: 4096 tokens")
    small, tiny = sorted(decided(plant), key=lambda verdict: verdict.model)
    assert (small.refused, small.current_refused) == (4, 1)
    assert "refuses 4 prompts, today 1" in small.reason
    assert (small.error_share, small.current_error_share) == (0.0, pytest.approx(20 / 80))
    assert (tiny.error_share, tiny.refused) == (1.0, 0)
    assert "fails on 100.0 % of prompts, today 25.0 %" in tiny.reason


def test_what_nothing_can_save_is_named_and_what_something_can_is_not(plant: Any) -> None:
    from audit.deciding import hopeless

    ids = run(plant, lambda number: f"answer {number}" if number % 10 == 0 else "", n=40, model="hardly")
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}" if number % 20 else "", model="nearly")
        plant.replayed(request, f"answer {number}" if number % 2 else "", model="half")
        plant.replayed(request, f"unclear {'x' * number}", model="open")
    for request in ids[:29]:
        plant.replayed(request, "", model="few")
    scoring(plant.store)
    stopped = hopeless(plant.store)
    assert [key[3] for key in stopped] == ["hardly"], "of a half, a rule or a router may make something"
    assert list(stopped.values()) == ["stopped: 10 % acceptable after 40 answers"]
    for number, request in enumerate(ids):
        plant.replayed(request, f"answer {number}" if number % 10 == 0 else "", model="big-model")
    scoring(plant.store)
    assert hopeless(plant.store) == {}, "today's model does no better on these prompts"


def test_a_cost_ratio_says_where_the_log_found_a_warmer_cache(plant: Any) -> None:
    plant.workflow(1, "classification")
    for number in range(40):
        request = plant.logged(1, f"answer {number}", cost_usd=0.001)
        plant.known[request]["cache_read_input_tokens"] = 92
        plant.drawn(request, cost_usd=0.001)
        plant.replayed(request, f"answer {number}", cost_usd=0.0008)
        plant.replayed(request, f"answer {number}", model=plant.known[request]["response_model"], cost_usd=0.004)
    (found,) = decided(plant)
    assert found.cost_ratio == pytest.approx(0.8), "what the log and the replay cost, as it is"
    assert "of the input 92 % was read from cache in the log and 0 % in the replay" in found.reason
    assert "is likely below 0.8×, 0.2× against today's model asked again likewise" in found.reason


def test_a_cost_ratio_of_caches_alike_says_nothing_of_them(plant: Any) -> None:
    plant.workflow(1, "classification")
    for number in range(40):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request)
        plant.replayed(request, f"answer {number}")
    (found,) = decided(plant)
    assert "cache" not in found.reason


def test_no_floor_is_named_where_most_of_todays_own_answers_are_undecided(plant: Any) -> None:
    ids = run(plant, lambda number: f"answer {number}", n=26, kind="open")
    for number, request in enumerate(ids):
        own = f"answer {number}" if number < 4 else f"quite another wording {number}"
        plant.replayed(request, own, model=plant.known[request]["response_model"])
    (found,) = decided(plant)
    assert (found.floor, found.floor_n) == (None, 4)
    assert "floor not measured" not in found.reason


@pytest.mark.parametrize(
    ("verdict", "low", "high", "told"),
    [
        ("not_safe", 0.02004, 0.3, "loss at least 2.004 %, limit 2.0 %"),
        ("not_safe", 0.0213, 0.3, "loss at least 2.1 %, limit 2.0 %"),
        ("safe", 0.0, 0.0196, "loss at most 1.96 %, limit 2.0 %"),
        ("safe", 0.0, 0.02, "loss at most 2.0 %, limit 2.0 %"),
    ],
)
def test_a_bound_is_told_apart_from_its_limit(verdict: str, low: float, high: float, told: str) -> None:
    trial = rule.Trial(TrialKey(1, "big", "test", "small", ""), "tool_call", (), {})
    judged = rule.Judged(verdict, 100, 0.01, low, high, 0, None, 0.01, False)
    assert trial.alpha == 0.02
    assert reasons.because(trial, judged) == told


def test_what_is_still_needed_says_what_it_would_show_and_what_the_log_still_has(plant: Any) -> None:
    run(plant, lambda number: f"answer {number}", n=20)
    run(plant, lambda number: f"answer {number}" if number > 4 else "", n=40, workflow=2)
    run(plant, lambda number: f"answer {number}", n=20, workflow=3)
    for workflow, more in ((1, 12), (3, 2000)):
        for number in range(more):
            plant.logged(workflow, f"answer {number}", prompt=f"{workflow}: never asked {number}")
    better, worse, plenty = decided(plant)
    assert f"; needs {better.n_more} more to be found safe, and this log has only 12 left" in better.reason
    assert f"; needs {worse.n_more} more to be found not safe, and this log has none left" in worse.reason
    assert f"; needs {plenty.n_more} more to be found safe" in plenty.reason
    assert "left" not in plenty.reason
