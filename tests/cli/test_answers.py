"""`audit answers`: every replayed answer with who decided it; nothing in it steers a terminal or a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from audit import store as audit_store
from audit.deciding import deciding
from audit.scoring import scoring
from tests.cli.conftest import Run
from tests.scoring.conftest import Plant

HOSTILE = "=A1\x1b[31m[b]red[/b]\x07\u202e"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """One workflow of seven prompts, whose answers end in every way there is, and one prompt of another workflow."""
    path = tmp_path / "audit.duckdb"
    with audit_store.open(path, create=True) as store:
        plant = Plant(store)
        plant.workflow(1, "short_answer")
        plant.workflow(2, "drafting")
        said = ["42", "43", "1.000", "7", "", "", "42"]
        failed: dict[int, dict[str, Any]] = {
            4: {"status": "failed", "error": "refused_setting: temperature"},
            5: {"status": "failed", "error": "timeout: no answer in 60 s"},
        }
        for number, text in enumerate(said):
            request = plant.logged(1, "42", prompt=f"question {number}", cost_usd=0.01 * (number + 1))
            plant.known[request]["external_id"] = f"req-{number}"
            plant.drawn(request, cost_usd=0.01 * (number + 1))
            plant.replayed(request, text, **failed.get(number, {}))
        request = plant.logged(2, "Dear all, thank you.", prompt=HOSTILE)
        plant.known[request]["external_id"] = HOSTILE
        plant.drawn(request)
        plant.replayed(request, f"Hello {HOSTILE}")
        scoring(plant.store)
        store.run("DELETE FROM score WHERE replay_id IN (3, 4)")
        rows = [
            {"replay_id": replay, "scorer": "judge:house/j", "scorer_version": "1", "passed": False, "score": 0.0,
             "task_kind": "short_answer", "reason": "unacceptable in both orders"} for replay in (3, 4)
        ]  # fmt: skip
        store.write_rows("score", rows)
        canaries = [
            {"judge": "house/j", "canary": sort, "request_id": number, "task_kind": "short_answer", "status": "ok",
             "candidate_first": first, "verdict": "equal" if sort == "same" else "unacceptable"}
            for sort in ("same", "other", "injected", "number") for number in range(20) for first in (True, False)
        ]  # fmt: skip
        store.write_rows("judgement", canaries)
        rating = {"replay_id": 4, "request_id": 4, "rater": "ann", "verdict": "equal", "note": "fine", "rated_at_us": 1}
        store.write_rows("rating", [rating])
        deciding(store)
    return path


def test_every_answer_says_who_decided_it_and_why_the_worst_first(audit: Run, db: Path) -> None:
    found = audit("answers", "--workflow", "w1", "--db", db, "--json").document
    rows = {row["request"]: row for row in found["answers"]}
    told = {name: (row["verdict"], row["decided_by"], row["deciders"]) for name, row in rows.items()}
    assert told == {
        "req-0": ("acceptable", "program", ["short_answer"]),
        "req-1": ("unacceptable", "program", ["short_answer"]),
        "req-2": ("unacceptable", "judge", ["judge:house/j"]),
        "req-3": ("acceptable", "people", ["ann"]),
        "req-4": ("no_answer", "nobody", []),
        "req-5": ("not_reached", "nobody", []),
        "req-6": ("acceptable", "program", ["short_answer"]),
    }
    assert [row["request"] for row in found["answers"]] == [f"req-{number}" for number in (2, 1, 4, 5, 6, 3, 0)]
    assert found["by_verdict"] == {"unacceptable": 2, "no_answer": 1, "not_reached": 1, "acceptable": 3}
    assert found["by_decider"] == {"program": 3, "judge": 1, "people": 1, "nobody": 2}
    assert rows["req-3"]["before_people"] == "unacceptable"
    assert rows["req-3"]["ratings"] == [
        {"rater": "ann", "verdict": "equal", "note": "fine", "at": "1970-01-01T00:00:00.000001Z"}
    ]
    assert (rows["req-2"]["reason"], rows["req-4"]["reason"]) == (
        "unacceptable in both orders", "refused_setting: temperature",
    )  # fmt: skip
    assert (rows["req-1"]["cost_usd"], rows["req-1"]["logged_cost_usd"], rows["req-1"]["seconds"]) == (0.001, 0.02, 0.5)
    assert (rows["req-1"]["output_tokens"], rows["req-1"]["logged_output_tokens"]) == (20, 10)
    assert "texts" not in rows["req-1"]


def test_flags_choose_among_the_answers_and_a_wrong_word_is_refused(audit: Run, db: Path) -> None:
    def named(*flags: str) -> list[str]:
        return [row["request"] for row in audit("answers", *flags, "--db", db, "--json").document["answers"]]

    assert named("--verdict", "unacceptable", "--decided-by", "judge") == ["req-2"]
    assert named("--decided-by", "people", "--decided-by", "judge") == ["req-2", "req-3"]
    assert len(named("--model", "test/small-model")) == len(named("--model", "small-model")) == 8
    for flags in (
        ("--verdict", "fail"),
        ("--decided-by", "me"),
        ("--workflow", "nobody"),
        ("--csv", "x.csv", "--json"),
    ):
        ran = audit("answers", *flags, "--db", db)
        assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    ("flag", "known"), [("--workflow", "there are w2, w1; see"), ("--model", "there are test/small-model")]
)
def test_a_name_that_no_answer_has_is_refused_with_those_there_are(flag: str, known: str, audit: Run, db: Path) -> None:
    ran = audit("answers", flag, "other", "--db", db)
    assert (ran.code, ran.out) == (2, "")
    assert "'other'" in ran.err
    assert known in ran.err


def test_texts_come_where_they_are_asked_for(audit: Run, db: Path) -> None:
    (row,) = audit("answers", "--verdict", "open", "--texts", "--db", db, "--json").document["answers"]
    assert row["texts"]["turns"][-1] == {"role": "user", "text": HOSTILE}
    assert (row["texts"]["logged_answer"], row["texts"]["answer"]) == ("Dear all, thank you.", f"Hello {HOSTILE}")


@pytest.mark.parametrize("flags", [(), ("--texts",)], ids=["table", "texts"])
def test_nothing_of_a_log_steers_the_terminal(flags: tuple[str, ...], audit: Run, db: Path) -> None:
    said = audit("answers", *flags, "--db", db).out
    assert "[b]red[/b]" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)
    assert "8 answers: 1 unacceptable by judge, 1 unacceptable by program" in said


def test_in_csv_no_text_is_a_formula(audit: Run, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "answers.csv"
    assert audit("answers", "--texts", "--csv", target, "--db", db).code == 0
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    (row,) = (row for row in rows if row["verdict"] == "open")
    assert row["request"].startswith("'=A1")
    assert row["asked"].startswith("'=A1")
    assert "\x1b" not in target.read_text(encoding="utf-8")


def test_without_a_replay_there_is_nothing_to_list(audit: Run, sample_db: Path) -> None:
    ran = audit("answers", "--db", sample_db)
    assert (ran.code, ran.out) == (0, "0 answers\n")
    assert "audit replay" in ran.err
