"""The audit of the sample logs finds what was planted in them, to the token and the cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_totals_are_the_truth(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    totals, found = truth["totals"], audit("summary", "--json", "--db", sample_db).document
    assert found["requests"] == totals["billable_requests"]
    assert found["failed_requests"] == totals["failed_requests"]
    assert found["gateway_cache_hits"] == totals["gateway_cache_hits"]
    assert found["input_tokens"] == totals["input_tokens"]
    assert found["cache_read_input_tokens"] == totals["cache_read_tokens"]
    assert found["cache_creation_input_tokens"] == totals["cache_write_tokens"]
    assert found["output_tokens"] == totals["output_tokens"]
    assert found["reasoning_output_tokens"] == totals["reasoning_tokens"]
    assert found["cost_usd"] == pytest.approx(totals["cost_usd"], abs=1e-9)
    assert {row["key"]: row["requests"] for row in found["by_model"]} == totals["models"]
    assert found["period"]["start"].startswith(totals["first_timestamp"].removesuffix("Z"))
    assert found["unpriced_requests"] == found["usage_unknown_requests"] == found["rejected_records"] == 0


def test_spend_adds_up_along_every_dimension(audit: Any, sample_db: Path) -> None:
    found = audit("summary", "--json", "--db", sample_db).document
    for name in ("by_model", "by_workflow", "by_team", "by_feature", "by_user", "by_source", "by_day", "by_kind"):
        assert sum(row["cost_usd"] for row in found[name]) == pytest.approx(found["cost_usd"], abs=1e-9), name


def test_duplicates_are_counted_as_planted(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    found = audit("duplicates", "--json", "--db", sample_db).document
    planted = [workflow["duplicates"] for workflow in truth["workflows"].values()]
    assert found["exact"]["avoidable_requests"] == sum(each["avoidable_requests"] for each in planted)
    assert found["exact"]["groups"] == sum(each["groups"] for each in planted)
    assert found["exact"]["cost_usd"] == pytest.approx(sum(each["avoidable_usd"] for each in planted), abs=1e-9)
    assert found["normalised"]["avoidable_requests"] >= found["exact"]["avoidable_requests"]


def test_planted_outliers_are_listed_dearest_first(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    found = audit("outliers", "--json", "--db", sample_db).document
    ids = [row["external_id"] for row in found["requests"]]
    for planted in truth["planted"]["outliers"]:
        suffix = planted["request_id"].removeprefix("req_")
        assert any(each.endswith(suffix) for each in ids), planted
    excess = [row["excess_cost_usd"] for row in found["requests"]]
    assert excess == sorted(excess, reverse=True)


def test_an_outlier_names_what_made_it_long(audit: Any, sample_db: Path) -> None:
    found = audit("outliers", "--json", "--db", sample_db).document["requests"]
    assert {row["cause"] for row in found if row["meter"] == "output"} == {"loop"}
    assert {row["cause"] for row in found if row["meter"] == "input"} == {"long_message"}


def test_looser_kinds_of_duplicates_list_first_what_the_stricter_keep_apart(audit: Any, sample_db: Path) -> None:
    found = audit("duplicates", "--json", "--db", sample_db).document
    assert {row["wordings"] for row in found["exact"]["top"]} == {1}
    assert min(row["wordings"] for row in found["normalised"]["top"]) > 1
    said = audit("duplicates", "--db", sample_db).out
    assert "none beyond the near ones" in said


def test_savings_add_up_and_carry_class_interval_and_count(audit: Any, sample_db: Path) -> None:
    found = audit("savings", "--json", "--db", sample_db).document
    joint = found["joint"]
    assert sum(lever["attributed_usd"] for lever in found["levers"]) == pytest.approx(joint["saving_usd"], abs=1e-9)
    assert sum(stage["shapley_usd"] for stage in found["stages"]) == pytest.approx(joint["saving_usd"], abs=1e-9)
    assert 0 < joint["bankable_usd"] <= joint["saving_usd"] < found["baseline"]["cost_usd"]
    for lever in found["levers"]:
        assert lever["evidence"] in "ABCD"
        if lever["blocked"] is None:
            assert lever["interval_usd"][0] <= lever["interval_usd"][1]
            assert lever["requests"] >= 0
        else:
            assert lever["alone_usd"] is None


def test_planted_savings_are_found(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    levers = {lever["name"]: lever for lever in audit("savings", "--json", "--db", sample_db).document["levers"]}
    nightly = truth["planted"]["nightly_job"]
    assert levers["batch"]["alone_usd"] == pytest.approx(nightly["cost_usd"] - nightly["at_half_price_usd"], abs=1e-6)
    assert levers["retries"]["alone_usd"] > 0
    unmarked = truth["planted"]["unmarked_prefix"]["with_a_breakpoint"]["saved_usd"]
    assert levers["prompt_cache"]["alone_usd"] >= 0.6 * unmarked


def test_why_explains_the_whole_change(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    found = audit("why", "--from", "2026-10", "--to", "2026-11", "--json", "--db", sample_db).document
    assert sum(cause["usd"] for cause in found["causes"]) == pytest.approx(found["change_usd"], abs=1e-9)
    assert found["before"]["cost_usd"] == pytest.approx(truth["months"]["2026-10"]["cost_usd"], abs=1e-9)
    assert found["after"]["cost_usd"] == pytest.approx(truth["months"]["2026-11"]["cost_usd"], abs=1e-9)
    assert "rose" in found["sentence"]


def test_ingesting_again_changes_nothing(audit: Any, sample_db: Path) -> None:
    files = sorted((Path(__file__).parents[2] / "sample_logs").glob("*.gz"))
    before = audit("summary", "--json", "--db", sample_db).out
    again = audit("ingest", *files, "--db", sample_db, "--json")
    assert again.code == 0
    assert again.document["accepted"] == 0
    assert audit("summary", "--json", "--db", sample_db).out == before


def test_report_is_one_small_closed_file_without_content(audit: Any, sample_db: Path, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    assert audit("report", "--db", sample_db, "-o", page).code == 0
    html = page.read_text(encoding="utf-8")
    assert len(html.encode()) < 1_500_000
    for forbidden in ("<script", "http://", "https://", "src=", "@import", "url("):
        assert forbidden not in html
    assert "Do you ship" not in html
    with_content = tmp_path / "content.html"
    assert audit("report", "--db", sample_db, "-o", with_content, "--with-content").code == 0
    assert "ship" in with_content.read_text(encoding="utf-8")


def test_reading_commands_print_tables_for_people(audit: Any, sample_db: Path) -> None:
    for command, word in (
        (("summary",), "Spend by model"), (("duplicates",), "Exact duplicates"), (("outliers",), "Outliers"),
        (("savings",), "Levers in rollout order"), (("prices",), "USD/1M"), (("formats",), "Reader"),
    ):  # fmt: skip
        arguments = command if command[0] == "formats" else (*command, "--db", sample_db)
        ran = audit(*arguments)
        assert ran.code == 0, ran.err
        assert word in ran.out
