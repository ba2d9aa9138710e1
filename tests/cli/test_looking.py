"""`show`, `workflows` and `check` on the sample logs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from audit import figures


def test_workflows_add_up_to_the_spend(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    rows = audit("workflows", "--db", sample_db, "--json").document["workflows"]
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(truth["totals"]["cost_usd"])
    assert {row["name"] for row in rows} >= {name for name, each in truth["workflows"].items() if each["feature_tag"]}


def test_show_a_workflow(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    shown = audit("show", "support-faq", "--db", sample_db, "--json").document
    expected = truth["workflows"]["support-faq"]
    assert shown["cost_usd"] == pytest.approx(expected["cost_usd"])
    assert sum(part["cost_usd"] for part in shown["parts"]) == pytest.approx(expected["cost_usd"])
    assert shown["repeated"] == expected["duplicates"]["avoidable_requests"]
    assert shown["levers"][0]["alone_usd"] > 0
    page = audit("show", shown["typical_request"], "--db", sample_db)
    assert page.code == 0
    assert "system · system" in page.out


def test_show_the_request_of_a_planted_outlier(audit: Any, sample_db: Path, truth: dict[str, Any]) -> None:
    planted = next(each for each in truth["planted"]["outliers"] if each["meter"] == "input")
    rows = audit("outliers", "--db", sample_db, "--json").document["requests"]
    name = next(row["external_id"] for row in rows if row["tokens"] == planted["tokens"])
    shown = audit("show", name, "--db", sample_db, "--json").document
    assert shown["outliers"][0]["tokens"] == planted["tokens"]
    assert sum(each["cost_usd"] or 0 for each in shown["segments"]) <= shown["cost_usd"]
    assert "".join(each["text"] or "" for each in shown["segments"])


def test_a_name_nobody_has(audit: Any, sample_db: Path) -> None:
    ran = audit("show", "suport-faq", "--db", sample_db)
    assert ran.code == 2
    assert "did you mean the workflow 'support-faq'?" in ran.err


def test_workflows_are_renamed_and_merged(audit: Any, sample_db: Path, tmp_path: Path) -> None:
    db = shutil.copy(sample_db, tmp_path / "copy.duckdb")
    config = tmp_path / "audit.toml"
    config.write_text('[workflows]\n"alert-severity" = "labels"\n"intent-classification" = "labels"\n"nobody" = "x"\n')
    ran = audit("workflows", "--db", db, "--config", config, "--json")
    assert next(row["requests"] for row in ran.document["workflows"] if row["name"] == "labels") == 650
    assert "no workflow was found as 'nobody'" in ran.err
    assert audit("show", "labels", "--db", db, "--config", config, "--no-levers").code == 0
    config.write_text("")
    names = [row["name"] for row in audit("workflows", "--db", db, "--config", config, "--json").document["workflows"]]
    assert {"alert-severity", "intent-classification"} <= set(names)


def test_check_exits_three_with_the_reason(audit: Any, sample_db: Path, tmp_path: Path) -> None:
    config = tmp_path / "audit.toml"
    config.write_text('[budgets]\nmonth_usd = 15\n\n[budgets.workflow]\n"docs-search" = 100\n')
    ran = audit("check", "--db", sample_db, "--config", config)
    assert ran.code == 3
    assert "spend of a month (2026-11) is $19.77, limit $15.00" in ran.out
    document = json.loads(audit("check", "--db", sample_db, "--config", config, "--json").out)
    assert [(each["quantity"], each["when"]) for each in document["breaches"]] == [("month_usd", "2026-11")]
    assert (document["ok"], document["checked"]) == (False, 2)
    assert any("docs-search" in each["sentence"] for each in document["anomalies"])


def test_check_holds_or_refuses(audit: Any, sample_db: Path) -> None:
    held = audit("check", "--db", sample_db, "--limit", "month_usd=100")
    assert held.code == 0
    assert "1 of 1 limits hold." in held.out
    nothing = audit("check", "--db", sample_db)
    assert nothing.code == 0
    assert "no limit was checked" in nothing.err
    for flag in ("month_usd", "month_usd=much", "mont_usd=3"):
        assert audit("check", "--db", sample_db, "--limit", flag).code == 2


def test_outcomes_and_units_of_business(audit: Any, sample_db: Path, truth: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "audit.toml"
    config.write_text(
        '[[cost]]\nname = "index"\nusd_per_month = 10\n\n'
        '[outcomes."answer"]\nworkflows = ["support-faq"]\nfailed_usd = 1\n'
    )
    result = audit("outcomes", "--db", sample_db, "--config", config, "--json").document
    planted = truth["planted"]
    twice = sum(each["wasted_usd"] for each in (*planted["double_billed_timeouts"], *planted["double_clicks"]))
    waste = {each["reason"]: each for each in result["waste"]}
    assert waste["retried"]["cost_usd"] == pytest.approx(twice, rel=0.02)
    (agent,) = (each for each in result["by_workflow"] if each["key"] == "stock-agent")
    assert (agent["tasks"], agent["successful_tasks"]) == (96, 90)
    assert result["cost_usd"] == pytest.approx(truth["totals"]["cost_usd"] + 10 * truth["days"] / 30.4375)
    (unit,) = result["units"]
    assert unit["model_cost_usd"] == pytest.approx(truth["workflows"]["support-faq"]["cost_usd"])
    assert unit["cost_per_unit_usd"] == pytest.approx(unit["cost_usd"] / unit["units"])
    assert audit("outcomes", "--db", sample_db).code == 0
    page = tmp_path / "report.html"
    assert audit("report", "--db", sample_db, "--config", config, "-o", page).code == 0
    html = page.read_text(encoding="utf-8")
    assert "What an outcome costs in all" in html
    assert figures.money(round(unit["cost_per_unit_usd"] * 1e12)) in html
    config.write_text('[outcomes."answer"]\nworkflow = "support-faq"\n')
    assert audit("outcomes", "--db", sample_db, "--config", config).code == 2
