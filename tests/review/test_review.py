from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit.cli.quality import print_totals
from audit.deciding import Verdict, deciding, totals
from audit.errors import ReadError, ReplayError
from audit.ledger import checks
from audit.outcomes import correct_outcomes
from audit.review import Rating, agreement, draw_review, import_ratings, items, keep_ratings, page, read_ratings
from audit.scoring import scoring
from audit.statistics.intervals import upper_bound
from audit.statistics.verdicts import whole_error
from audit.store import Store
from tests.scoring.conftest import Plant


def drawn_rows(store: Store) -> list[dict[str, Any]]:
    return store.rows("SELECT * FROM review_item ORDER BY item")


def rate(store: Store, review: str, verdict: Callable[[dict[str, Any]], str], rater: str = "ann") -> None:
    """Rate every drawn pair; `verdict` says of each item good, bad or neither."""
    ratings = []
    for row in drawn_rows(store):
        if row["review"] != review:
            continue
        ratings.append(Rating(row["item"], choice_of(row, verdict(row)), "", 1_000_000 + len(ratings)))
    keep_ratings(store, review, rater, ratings)


def choice_of(row: dict[str, Any], word: str) -> str:
    """What a reviewer chooses who finds the candidate of an item so."""
    mine, other = ("first", "second") if row["candidate_first"] else ("second", "first")
    return {"good": "equal", "bad": f"{other}_only", "neither": "neither", "best": f"{mine}_only"}.get(word, word)


def awake(store: Store) -> None:
    """Let the verdicts of the house be those of a judge that gets every planted answer right."""
    store.run("UPDATE score SET scorer = 'judge:house/j' WHERE scorer = 'house'")
    store.write_rows(
        "judgement",
        [
            {"judge": "house/j", "canary": sort, "request_id": number, "task_kind": "drafting", "status": "ok",
             "candidate_first": first, "verdict": "equal" if sort == "same" else "unacceptable"}
            for sort in ("same", "other", "injected", "number") for number in range(200) for first in (True, False)
        ],
    )  # fmt: skip


def test_half_of_the_draw_had_passed_and_the_rest_had_not(drafted: Callable[..., Plant]) -> None:
    store = drafted(100, passed=lambda number: number % 10 > 0).store
    drawn = draw_review(store, n=16)
    assert dict(drawn.said) == {"passed": 8, "failed": 8}
    assert drawn.fresh == 16
    rows = drawn_rows(store)
    assert len({row["item"] for row in rows}) == 16
    assert {row["candidate_first"] for row in rows} == {True, False}
    failed = [row["inclusion_probability"] for row in rows if row["said"] == "failed"]
    passed = [row["inclusion_probability"] for row in rows if row["said"] == "passed"]
    assert min(failed) > max(passed), "ten failed answers give eight, ninety passed ones the other eight"


def test_all_of_the_few_that_failed_is_drawn_wherever_it_failed_and_a_fifth_is_rated_twice(plant: Plant) -> None:
    for workflow, answers, failing in ((1, 60, 3), (2, 40, 0)):
        plant.workflow(workflow, "classification")
        for number in range(answers):
            request = plant.logged(workflow, "yes", prompt=f"ask {workflow} {number}", cost_usd=0.01 * 10**workflow)
            plant.drawn(request, probability=0.5)
            plant.replayed(request, "no" if number < failing else "The answer is yes.")
    scoring(plant.store)
    drawn = draw_review(plant.store, n=40)
    assert dict(drawn.said) == {"passed": 37, "failed": 3}
    assert drawn.twice == 8
    assert {row["inclusion_probability"] for row in drawn_rows(plant.store) if row["said"] == "failed"} == {1.0}
    chosen = {row["item"] for row in drawn_rows(plant.store) if row["twice"]}
    assert draw_review(plant.store, n=60).twice == 12
    assert chosen < {row["item"] for row in drawn_rows(plant.store) if row["twice"]}


def test_a_larger_draw_only_adds_and_the_same_seed_draws_the_same(drafted: Callable[..., Plant]) -> None:
    store = drafted(80, passed=lambda number: number % 2 == 0).store
    first = draw_review(store, n=20)
    before = {row["item"]: row["inclusion_probability"] for row in drawn_rows(store)}
    again = draw_review(store, n=20)
    assert (again.fresh, {row["item"] for row in drawn_rows(store)}) == (0, set(before))
    larger = draw_review(store, n=40)
    after = {row["item"]: row["inclusion_probability"] for row in drawn_rows(store)}
    assert first.review == larger.review
    assert before.keys() < after.keys()
    assert (larger.size, larger.fresh) == (40, 20)
    assert all(after[item] >= chance for item, chance in before.items())
    assert draw_review(store, n=20, seed=2).review != first.review


def test_answers_that_are_the_logged_text_need_no_rating(plant: Plant) -> None:
    plant.workflow(1, "short_answer")
    for number in range(10):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request)
        plant.replayed(request, f"Answer {number}." if number < 7 else f"other words {number}")
    assert draw_review(plant.store, n=60).size == 3
    plant.store.run("DELETE FROM replay WHERE text LIKE 'other words%'")
    with pytest.raises(ReplayError, match="all 7 answers are the logged ones word for word") as caught:
        draw_review(plant.store, n=60)
    assert "they are decided" in str(caught.value.hint)


def test_nothing_to_rate_says_what_to_do(plant: Plant) -> None:
    with pytest.raises(ReplayError) as caught:
        draw_review(plant.store)
    assert "--logged" in str(caught.value.hint)
    with pytest.raises(ReplayError, match="no workflow is called 'elsewhere'"):
        draw_review(plant.store, workflows=["elsewhere"])


def test_the_page_tells_nobody_which_answer_is_whose(drafted: Callable[..., Plant]) -> None:
    store = drafted(30).store
    drawn = draw_review(store, n=30, logged=5)
    shown = items(store, drawn.review)
    text = page(shown, drawn.review)
    for secret in ("small-model", "big-model", '"test"', "candidate_first", "replay_id"):
        assert secret not in text
    pairs = [item for item in shown if len(item.answers) == 2]
    assert (len(pairs), len(shown)) == (30, 35)
    first = sum(item.answers[0].startswith("Hello") for item in pairs)
    assert 0 < first < 30, "the order is drawn"
    assert all({answer[:5] for answer in item.answers} == {"Hello", "Dear "} for item in pairs)


HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>{{ 7*7 }}\u2028"


def test_text_of_a_log_cannot_leave_its_place_in_the_page(plant: Plant) -> None:
    plant.workflow(1, "drafting")
    request = plant.logged(1, f"logged {HOSTILE}", prompt=f"asked {HOSTILE}")
    plant.drawn(request)
    plant.replayed(request, f"answered {HOSTILE}")
    plant.store.run("UPDATE workflow SET name = $name", name=HOSTILE)
    text = page(items(plant.store, draw_review(plant.store).review), "r")
    assert text.count("<script") == 2, "the data and the page's own"
    assert text.count("</script>") == 2
    assert "<img" not in text
    assert "alert(1)" in text, "what was logged is shown, as text"
    assert "http" not in text.replace("http-equiv", ""), "nothing is loaded"
    assert "default-src 'none'" in text


def test_ratings_correct_the_scorer_in_the_share_and_in_the_verdict(drafted: Callable[..., Plant]) -> None:
    store = drafted(300, passed=lambda _: True).store
    assert deciding(store)[0].verdict == "safe"
    review = draw_review(store, n=60).review
    order = [row["item"] for row in drawn_rows(store)]
    rate(store, review, lambda row: "bad" if order.index(row["item"]) % 3 == 0 else "good")
    rated = store.rows("SELECT verdict FROM rating WHERE replay_id IS NOT NULL")
    bad = sum(row["verdict"] == "unacceptable" for row in rated)
    (found,) = deciding(store)
    assert found.rated == len(rated) == 60
    assert found.acceptable == pytest.approx(1 - bad / 60, abs=0.02), "not 1 less a few: the rated ones speak for all"
    assert found.interval_low < 1 - bad / 60 < found.interval_high < 0.9
    assert found.loss == pytest.approx(bad / 60, abs=0.02)
    assert found.verdict == "not_safe"
    assert "the rated ones speak for them" in found.reason


def test_people_who_agree_with_the_scorer_leave_its_verdict(drafted: Callable[..., Plant]) -> None:
    store = drafted(300, passed=lambda _: True).store
    rate(store, draw_review(store, n=60).review, lambda _: "good")
    (found,) = deciding(store)
    assert (found.verdict, found.acceptable, found.rated) == ("safe", 1.0, 60)
    assert "people rated 60" in found.reason


@pytest.mark.parametrize("judge", [False, True])
def test_few_ratings_that_agree_change_no_figure(drafted: Callable[..., Plant], judge: bool) -> None:
    store = drafted(60, passed=lambda number: number > 0).store
    if judge:
        awake(store)
    (before,) = deciding(store)
    rate(store, draw_review(store, n=8).review, lambda row: "good" if row["said"] == "passed" else "bad")
    (found,) = deciding(store)
    assert found.rated == 8
    assert found.acceptable == before.acceptable
    assert before.interval_low <= found.interval_low <= before.interval_low + 1e-3
    assert found.interval_high == before.interval_high
    assert ("too few to correct" in found.reason) == judge


def test_few_ratings_that_contradict_widen_the_interval_and_leave_the_share(drafted: Callable[..., Plant]) -> None:
    store = drafted(60, passed=lambda _: True).store
    (before,) = deciding(store)
    rate(store, draw_review(store, n=4).review, lambda _: "bad")
    (found,) = deciding(store)
    assert before.acceptable == 1.0
    assert found.acceptable is not None
    assert 0.85 < found.acceptable < 1.0, "four answers are unacceptable, whatever the others are"
    assert found.interval_low < 0.1, "and the others may be as well"
    assert found.interval_low <= found.acceptable <= found.interval_high
    assert "too few to correct" in found.reason


def test_where_all_were_rated_nothing_is_left_to_doubt_but_the_draw(drafted: Callable[..., Plant]) -> None:
    store = drafted(40, passed=lambda number: number % 2 > 0).store
    (before,) = deciding(store)
    rate(store, draw_review(store, n=40).review, lambda row: "good" if row["said"] == "failed" else "bad")
    (found,) = deciding(store)
    assert found.acceptable == pytest.approx(1 - (before.acceptable or 0))
    assert found.interval_high - found.interval_low == pytest.approx(
        before.interval_high - before.interval_low, rel=0.05
    )


def test_people_who_accept_what_had_failed_speak_for_its_group(drafted: Callable[..., Plant]) -> None:
    store = drafted(300, passed=lambda number: number % 3 > 0).store
    assert deciding(store)[0].verdict == "not_safe"
    rate(store, draw_review(store, n=80).review, lambda _: "good")
    (found,) = deciding(store)
    assert found.acceptable == 1.0
    assert found.verdict == "safe"
    assert "accepted 40 that had failed" in found.reason


def test_people_decide_what_nobody_could(drafted: Callable[..., Plant]) -> None:
    store = drafted(200).store
    assert deciding(store)[0].undecided == 200
    rate(store, draw_review(store, n=100).review, lambda _: "good")
    (found,) = deciding(store)
    assert (found.verdict, found.acceptable) == ("safe", 1.0)
    rate(store, draw_review(store, n=100).review, lambda _: "bad", "bob")
    rate(store, draw_review(store, n=100).review, lambda _: "bad", "cyd")
    assert deciding(store)[0].verdict == "not_safe"


def rounds(store: Store, sizes: Sequence[int], bad: int = 0, by: Callable[[str], str] | None = None) -> list[Verdict]:
    """The verdict after each round of so many ratings more; `by` says of an item, else the first `bad` are bad."""
    review, found = draw_review(store, n=sum(sizes)).review, []
    order = [row["item"] for row in drawn_rows(store)]
    for place, size in enumerate(sizes):
        todo = order[sum(sizes[:place]) :][:size]
        made = {row["item"]: row for row in drawn_rows(store)}
        ratings = [
            Rating(
                item,
                choice_of(made[item], by(item) if by else "bad" if order.index(item) < bad else "good"),
                "",
                number,
            )
            for number, item in enumerate(todo)
        ]
        keep_ratings(store, review, "ann", ratings)
        found += deciding(store)
    return found


def test_a_further_round_of_ratings_is_a_look(plant: Plant) -> None:
    first, second, third = rounds(open_workflows(plant, [400]), [80, 60, 80], bad=1)
    assert {first.verdict, second.verdict} == {"unknown"}, "one loss of 140 would do in one round"
    assert "look 2 at new evidence, which has 10 % of the error" in second.reason
    assert "look 3" in third.reason
    assert third.loss_high == pytest.approx(upper_bound(1, 220, whole_error(3)))


def test_rounds_of_ratings_that_agree_with_a_judge_are_no_looks(drafted: Callable[..., Plant]) -> None:
    store = drafted(200, passed=lambda number: number > 6).store
    awake(store)
    assert deciding(store)[0].verdict == "unknown"
    said = {row["item"]: row["said"] for row in drawn_rows(store)} if draw_review(store, n=120).size else {}
    found = rounds(store, [30] * 4, by=lambda item: "good" if said[item] == "passed" else "bad")
    assert found[-1].rated == 120
    assert not any("look 2" in each.reason for each in found)


def test_rounds_that_could_certify_nothing_cost_nothing(plant: Plant) -> None:
    *few, last = rounds(open_workflows(plant, [400]), [20] * 4)
    assert {each.verdict for each in few} == {"unknown"}
    assert last.verdict == "safe"
    assert last.loss_high == pytest.approx(1 - whole_error(1) ** (1 / 80))


def test_the_same_ratings_again_and_a_few_more_are_no_look(plant: Plant) -> None:
    store = open_workflows(plant, [400])
    (first, second) = rounds(store, [100, 8], bad=1)
    (third,) = deciding(store)
    assert [each.verdict for each in (first, second, third)] == ["unknown", "safe", "safe"]
    assert second.loss_high == third.loss_high == pytest.approx(upper_bound(1, 108, whole_error(1)))


def open_workflows(plant: Plant, sizes: Sequence[int]) -> Store:
    """Workflows of drafts nobody can compare, numbered from 1, with so many replayed answers each."""
    for workflow, size in enumerate(sizes, 1):
        plant.workflow(workflow, "drafting")
        for number in range(size):
            request = plant.logged(workflow, f"Dear {number}, thank you.", prompt=f"{workflow}: to {number}")
            plant.drawn(request, probability=0.5)
            plant.replayed(request, f"Hello {number}, thanks a lot.")
    scoring(plant.store)
    return plant.store


def test_few_ratings_of_each_workflow_speak_for_all_of_them_together_but_for_none_alone(plant: Plant) -> None:
    store = open_workflows(plant, [40] * 8)
    review = draw_review(store, n=48).review
    bad = {row["workflow_id"]: row["item"] for row in drawn_rows(store)}.values()
    rate(store, review, lambda row: "bad" if row["item"] in bad else "good")
    found = deciding(store)
    assert all(6 <= verdict.rated < 10 and verdict.acceptable is None for verdict in found)
    assert all(verdict.interval_high - verdict.interval_low > 0.7 for verdict in found), "six say little of one"
    assert {verdict.verdict for verdict in found} == {"unknown"}, "a certificate rests on its own workflow's"
    (total,) = totals(store)
    assert total.shares.requests.estimate == pytest.approx(1 - 8 / 48, abs=0.01)
    assert total.shares.requests.width < 0.22
    assert (total.pooled, total.unmeasured) == (48, 0)


def test_a_workflow_without_a_rating_stays_open_beside_those_that_are_spoken_for(plant: Plant) -> None:
    store = open_workflows(plant, [40, 40, 40, 40, 80])
    rate(store, draw_review(store, n=24, workflows=("w1", "w2", "w3", "w4")).review, lambda _: "good")
    (total,) = totals(store)
    assert total.shares.requests.estimate == 1.0
    assert 0.5 < total.shares.requests.low < 2 / 3, "the fifth may be all unacceptable"
    assert total.shares.requests.high == 1.0


def test_the_line_of_all_workflows_says_what_counts_in_no_row_of_one(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_workflows(plant, [40, 40, 40, 40, 80])
    rate(store, draw_review(store, n=24, workflows=("w1", "w2", "w3", "w4")).review, lambda _: "good")
    print_totals(totals(store))
    said = " ".join(capsys.readouterr().out.split())
    assert "5 workflows together: acceptable on 100.0 % of requests" in said
    assert "; without what nobody could judge, most answers of 1 workflow" in said
    assert "; 24 ratings of groups too small to speak alone count for their whole groups here, not in the rows" in said


def test_the_line_of_all_workflows_stands_alone_where_each_speaks_for_itself(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_workflows(plant, [40, 40])
    rate(store, draw_review(store, n=24).review, lambda _: "good")
    print_totals(totals(store))
    said = capsys.readouterr().out
    assert "2 workflows together" in said
    assert "rating" not in said
    assert "nobody could judge" not in said


def test_ratings_drawn_with_unlike_chances_count_by_what_they_stand_for(plant: Plant) -> None:
    store = open_workflows(plant, [200, 20])
    first = draw_review(store, n=9, workflows=("w1",)).review
    second = draw_review(store, n=9, workflows=("w2",)).review
    rate(store, first, lambda _: "good")
    rate(store, second, lambda _: "bad")
    (total,) = totals(store)
    assert total.shares.requests.estimate == pytest.approx(200 / 220)


def test_an_answer_no_worse_than_todays_is_no_loss(drafted: Callable[..., Plant]) -> None:
    store = drafted(200).store
    rate(store, draw_review(store, n=200).review, lambda row: "neither" if int(row["item"], 16) % 5 == 0 else "good")
    (found,) = deciding(store)
    assert found.acceptable is not None
    assert found.acceptable < 0.9
    assert (found.loss, found.verdict) == (0.0, "safe")


def test_two_raters_are_held_against_each_other(drafted: Callable[..., Plant]) -> None:
    store = drafted(50).store
    review = draw_review(store, n=50).review
    order = [row["item"] for row in drawn_rows(store)]
    # 40, 5, 7 and 48 of 100 verdicts: on the candidate and on the logged answer of each item
    ann = ["good"] * 20 + ["neither"] * 24 + ["bad"] * 6
    bob = ["good"] * 20 + ["neither"] * 24 + ["neither"] * 6
    for rater, words in (("ann", ann), ("bob", bob)):
        rate(store, review, lambda row, words=words: words[order.index(row["item"])], rater)  # type: ignore[misc]
    (pair,) = agreement(store)
    assert (pair.raters, pair.n) == (("ann", "bob"), 100)
    # both good: 20 candidates + 20 logged; both bad: 24 + 24 + 6; ann alone good: 6 logged
    observed, expected = 94 / 100, (46 * 40 + 54 * 60) / 100**2
    assert pair.alike == pytest.approx(observed)
    assert pair.kappa == pytest.approx((observed - expected) / (1 - expected))
    assert pair.ac1 > pair.kappa


def test_a_change_of_mind_counts_once_and_stays_on_record(drafted: Callable[..., Plant]) -> None:
    store = drafted(10).store
    review = draw_review(store, n=10).review
    item = drawn_rows(store)[0]
    first = Rating(item["item"], "equal", "", 1)
    assert keep_ratings(store, review, "ann", [first]).new == 1
    assert keep_ratings(store, review, "ann", [first]).known == 1, "the same file twice brings nothing"
    changed = keep_ratings(store, review, "ann", [Rating(item["item"], "neither", "on reflection", 2)])
    assert (changed.new, changed.changed) == (0, 1)
    assert len(store.rows("SELECT * FROM rating")) == 4
    (found,) = deciding(store)
    assert found.rated == 1
    events = [json.loads(row["outcome"]) for row in store.rows("SELECT outcome FROM event WHERE command = 'rate'")]
    assert [each["changed"] for each in events] == [0, 1]


def test_an_altered_rating_is_found(drafted: Callable[..., Plant]) -> None:
    store = drafted(10).store
    rate(store, draw_review(store, n=10).review, lambda _: "good")
    rule = "ratings are those that were imported"
    assert checks(store)[rule] == 0
    store.run("UPDATE rating SET verdict = 'better' WHERE verdict = 'equal'")
    assert checks(store)[rule] == 1


def test_dollars_per_correct_outcome_stand_beside_dollars_per_success(plant: Plant) -> None:
    plant.workflow(1, "drafting")
    for number in range(80):
        plant.logged(1, f"Dear customer {number}", prompt=f"Write to {number}", cost_usd=0.02)
    review = draw_review(plant.store, n=0, logged=40).review
    store = plant.store
    rate(store, review, lambda row: "unacceptable" if int(row["item"], 16) % 4 == 0 else "acceptable")
    good = store.value("SELECT COUNT(*) FROM rating WHERE verdict = 'acceptable'") / 40
    (row,) = correct_outcomes(store)
    assert (row.key, row.rated) == ("w1", 40)
    assert row.share.estimate == pytest.approx(good)
    assert row.per_success_pico is not None
    assert row.per_correct_pico == pytest.approx(row.per_success_pico / good)
    assert row.interval_pico is not None
    assert row.interval_pico[0] < row.per_correct_pico < row.interval_pico[1]


def exported(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps({"format": "audit-ratings/1", "review": "r", "rater": "ann", "ratings": []} | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "other"}, "not a file of ratings"),
        ({"rater": "  "}, "no name"),
        ({"ratings": {}}, "no list"),
        ({"ratings": [{"choice": "equal"}]}, "rating 1 names no item"),
    ],
)
def test_a_damaged_file_is_refused_with_its_reason(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ReadError, match=said):
        read_ratings(exported(tmp_path / "ratings.json", **changes))


def test_a_file_that_passed_through_an_editor_is_read(tmp_path: Path) -> None:
    rating = {"item": "a", "choice": "equal", "note": "x\ud800\0", "rated_at": "9999-12-31T00:00:00Z"}
    data = {"format": "audit-ratings/1", "review": "r", "rater": " ann\0 b ", "ratings": [rating]}
    path = tmp_path / "ratings.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(data, indent=1).replace("\n", "\r\n").encode())
    review, rater, (found,) = read_ratings(path)
    assert (review, rater, found.note) == ("r", "ann b", "x\ufffd")
    assert found.rated_at_us <= time.time_ns() // 1000, "a clock that is fast would let no later rating count"


def test_where_one_file_cannot_be_taken_none_is(drafted: Callable[..., Plant], tmp_path: Path) -> None:
    store = drafted(20).store
    review = draw_review(store, n=20).review
    item = drawn_rows(store)[0]["item"]
    good = exported(tmp_path / "good.json", review=review, ratings=[{"item": item, "choice": "equal"}])
    foreign = exported(tmp_path / "foreign.json", review="another")
    with pytest.raises(ReadError, match=r"foreign\.json: the draw 'another' is not of this audit file"):
        import_ratings(store, [good, foreign])
    assert store.value("SELECT COUNT(*) FROM rating") == 0
    assert [each.new for each in import_ratings(store, [good])] == [1]


def test_ratings_of_another_file_are_refused_whole(drafted: Callable[..., Plant]) -> None:
    store = drafted(10).store
    with pytest.raises(ReadError, match="not of this audit file"):
        keep_ratings(store, "elsewhere", "ann", [])
    review = draw_review(store, n=10).review
    known = drawn_rows(store)[0]["item"]
    strange: Sequence[Rating] = [Rating(known, "equal", "", 1), Rating("stranger", "equal", "", 1)]
    with pytest.raises(ReadError, match="1 of 2 ratings name items that were not drawn"):
        keep_ratings(store, review, "ann", strange)
    with pytest.raises(ReadError, match="no choice is called 'acceptable'"):
        keep_ratings(store, review, "ann", [Rating(known, "acceptable", "", 1)])
    assert store.value("SELECT COUNT(*) FROM rating") == 0


def test_one_rejection_takes_the_vote_from_a_judge_but_not_from_a_program(drafted: Callable[..., Plant]) -> None:
    store = drafted(300, passed=lambda _: True).store
    review = draw_review(store, n=60).review
    worst = min(row["item"] for row in drawn_rows(store))
    rate(store, review, lambda row: "bad" if row["item"] == worst else "good")
    program = deciding(store)[0]
    assert program.verdict == "safe", "one slip in sixty is what people make"
    awake(store)
    (judged,) = deciding(store)
    assert judged.verdict == "unknown"
    assert judged.acceptable == pytest.approx(program.acceptable)
    assert "the rated ones speak for them" in judged.reason


def quiz(plant: Plant, passed: int, doubtful: int, open_: int = 0) -> Store:
    """Answers that give the logged name, another name, or nothing a program can tell."""
    plant.workflow(1, "short_answer")
    said = ["It was {name}."] * passed + ["Ulf Quixby"] * doubtful + ["Some say it was a relative of hers."] * open_
    for number, text in enumerate(said):
        name = f"Ram{'aeiou'[number % 5]} {'BDFGK'[number // 5 % 5]}end{'aeiou'[number // 25 % 5]}rath"
        request = plant.logged(1, name, prompt=f"who sang in the opera of town number {number}")
        plant.drawn(request, probability=0.5)
        plant.replayed(request, text.format(name=name))
    scoring(plant.store)
    return plant.store


def test_people_speak_for_doubtful_fails_and_leave_what_programs_were_sure_of(plant: Plant) -> None:
    store = quiz(plant, passed=100, doubtful=60)
    (before,) = deciding(store)
    assert before.acceptable == pytest.approx(100 / 160)
    drawn = draw_review(store, n=60)
    assert dict(drawn.said) == {"passed": 30, "doubtful": 30}
    right = sorted(row["item"] for row in drawn_rows(store) if row["said"] == "doubtful")[:10]
    rate(store, drawn.review, lambda row: "bad" if row["said"] == "doubtful" and row["item"] not in right else "good")
    (found,) = deciding(store)
    assert found.acceptable == pytest.approx((100 + 60 / 3) / 160)
    assert (found.doubtful, found.doubtful_rated, found.doubtful_accepted) == (60, 30, 10)
    assert "of 30 programs failed with doubt 10 accepted by a judge or people" in found.reason
    # a third of the doubtful are right, with what 30 of 60 leave open; nothing is added for the hundred that passed
    assert found.interval_high - found.interval_low < before.interval_high - before.interval_low + 0.05


def test_few_ratings_of_doubtful_fails_speak_together_with_those_of_open_answers(plant: Plant) -> None:
    store = quiz(plant, passed=20, doubtful=9, open_=60)
    review = draw_review(store, n=60).review
    assert sum(row["said"] == "doubtful" for row in drawn_rows(store)) > 0, "and fewer than speak for themselves"
    rate(store, review, lambda row: "bad" if row["said"] == "open" else "good")
    (found,) = deciding(store)
    assert found.acceptable == pytest.approx(29 / 89)
    assert "too few to correct" not in found.reason
