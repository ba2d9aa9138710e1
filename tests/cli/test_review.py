"""`audit review` as a user meets it: a page from logged answers alone, ratings back in, figures that follow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def db(sample_db: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sample_db, tmp_path / "audit.duckdb"))


def test_ratings_of_logged_answers_give_dollars_per_correct_outcome(audit: Run, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "review.html"
    drawn = audit("review", "--n", "0", "--logged", "20", "-o", target, "--db", db, "--json").document
    assert (drawn["items"], drawn["drawn"]) == (20, {"logged": 20})
    text = target.read_text(encoding="utf-8")
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    ratings = [
        {"item": item["item"], "choice": "acceptable" if place % 4 else "unacceptable", "note": "", "rated_at": "x"}
        for place, item in enumerate(data["items"])
    ]
    file = tmp_path / "ratings.json"
    file.write_text(
        json.dumps({"format": data["format"], "review": drawn["review"], "rater": "ann", "ratings": ratings})
    )
    taken = audit("review", "--import", file, "--db", db, "--json").document
    assert [(each["model"], each["n"]) for each in taken["overall"]] == [], "nothing was replayed"
    assert taken["imported"] == [{"rater": "ann", "new": 20, "known": 0, "changed": 0, "cannot_tell": 0}]
    together, *each = taken["correct"]
    assert (together["workflow"], together["rated"]) == ("all rated workflows", 20)
    assert sum(row["rated"] for row in each) == 20
    assert together["cost_per_correct_usd"] is None, "twenty ratings are too few for a figure"
    for row in taken["correct"]:
        assert row["cost_per_correct_usd"] is None or row["cost_per_correct_usd"] >= row["cost_per_success_usd"]
    said = audit("review", "--import", file, "--db", db).out
    assert "ann: 0 ratings taken, 20 known before, 0 could not tell" in said
    assert audit("doctor", "--db", db, "--json").document["offences"]["ratings are those that were imported"] == 0


def test_a_page_says_how_many_answers_and_what_comes_next(audit: Run, db: Path, tmp_path: Path) -> None:
    said = audit("review", "--n", "0", "--logged", "5", "-o", tmp_path / "p.html", "--db", db).out
    assert "5 answers to rate (5 logged ones)" in said
    assert "audit review --import" in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--terminal",), 2, "--terminal needs a name for the reviewer"),
        (("--terminal", "--rater", "ann", "--logged", "5"), 2, "--terminal needs a terminal"),
        (("--n", "5"), 1, "no answer to rate"),
        (("--import", "nowhere.json"), 1, "nowhere.json: No such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    audit: Run, db: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ran = audit("review", *arguments, "--db", db)
    assert (ran.code, ran.err.splitlines()[-2].startswith("error: ")) == (code, True)
    assert message in ran.err
