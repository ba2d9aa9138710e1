"""`audit reconcile` from the command line, what it leaves behind, and what the report makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit import store as stores
from audit.__main__ import run
from audit.config import Config
from audit.prices.catalogue import Catalogue
from audit.reconciling import Checked, caveat, latest
from audit.report.data import gather
from audit.report.plain import against_invoice, trust
from tests.reconciling.conftest import FIRST, Log, date
from tests.reconciling.writers import anthropic_usage_csv, openai_cost_csv

Command = Callable[..., tuple[int, str, str]]
GPT = "gpt-4.1-2025-04-14"


@dataclass
class Audited:
    """An audit file on disk and the log that is in it."""

    path: Path
    log: Log


@pytest.fixture
def audited(catalogue: Catalogue, tmp_path: Path) -> Audited:
    path = tmp_path / "audit.duckdb"
    log = Log(catalogue, stores.open(path, create=True)).fill(days=6)
    log.store.set_meta("price_hash", catalogue.snapshot_hash)
    log.store.close()
    return Audited(path, log)


@pytest.fixture
def command(audited: Audited, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(audited.path.parent)

    def reconcile(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(["reconcile", *(str(each) for each in arguments), "--db", str(audited.path)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return reconcile


def test_an_agreeing_invoice_exits_0_and_says_so(audited: Audited, command: Command, tmp_path: Path) -> None:
    path = openai_cost_csv(tmp_path, audited.log.sums("openai"))
    code, out, _ = command(path, "--strict")
    assert code == 0
    assert "The log explains the invoice within 0.0 %: $5.06 billed, $5.06 in the log." in out
    assert "openai UTC" in out


def test_strict_exits_3_and_otherwise_a_difference_is_no_failure(
    audited: Audited, command: Command, tmp_path: Path
) -> None:
    path = openai_cost_csv(tmp_path, audited.log.sums("openai"), Decimal("0.9"))
    code, out, _ = command(path)
    assert code == 0
    assert "prices other than list (contract)" in out
    assert '    provider = "openai"\n    model = "*"\n    discount_percent = 10\n' in out
    code, _, err = command(path, "--strict")
    assert code == 3
    assert "does not explain the bill" in err


def test_the_printed_contract_makes_the_next_run_agree(audited: Audited, command: Command, tmp_path: Path) -> None:
    path = openai_cost_csv(tmp_path, audited.log.sums("openai"), Decimal("0.9"))
    _, out, _ = command(path, "--json")
    (tmp_path / "audit.toml").write_text(json.loads(out)["contracts"][0]["toml"] + "\n")
    code, out, err = command(path, "--strict")
    assert code == 0
    assert "priced anew" in err
    assert "$4.55 billed, $4.55 in the log" in out


def _spend(audited: Audited) -> object:
    with stores.open(audited.path) as store:
        return store.value("SELECT SUM(cost_pico) FROM request_cost"), store.meta("price_settings")


def test_contracts_stand_where_no_configuration_says_otherwise(
    audited: Audited, command: Command, tmp_path: Path
) -> None:
    path = openai_cost_csv(tmp_path, audited.log.sums("openai"), Decimal("0.9"))
    _, out, _ = command(path, "--json")
    contract = tmp_path / "audit.toml"
    contract.write_text(json.loads(out)["contracts"][0]["toml"] + "\n")
    command(path)
    agreed = _spend(audited)
    contract.unlink()
    code, out, err = command(path, "--strict")
    assert code == 0, out
    assert "stays priced with the contracts" in err
    assert _spend(audited) == agreed


def test_what_is_no_invoice_changes_no_price(audited: Audited, command: Command, tmp_path: Path) -> None:
    before = _spend(audited)
    (tmp_path / "audit.toml").write_text('[[contract]]\nprovider = "openai"\ndiscount_percent = 10\n')
    (tmp_path / "house.csv").write_text("colour,shape\nred,round\n")
    assert command(tmp_path / "house.csv")[0] == 1
    assert _spend(audited) == before


def test_the_document_adds_up_and_has_the_promised_keys(audited: Audited, command: Command, tmp_path: Path) -> None:
    sums = {key: value for key, value in audited.log.sums("openai").items() if key[0] != 2}
    code, out, _ = command(openai_cost_csv(tmp_path, sums), "--json")
    assert code == 0
    document = json.loads(out)
    promised = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    section = promised.split("## `audit reconcile --json`")[1].split("\n## ")[0]
    for holder in (document, document["causes"][0], document["residuals"][0], document["providers"][0]):
        for key in holder:
            assert re.search(rf"\b{key}\b", section), key
    assert [cause["name"] for cause in document["causes"]] == ["missing_invoice_days"]
    assert document["causes"][0]["days"][0]["first"] == date(2)
    assert sum(cause["usd"] for cause in document["causes"]) == pytest.approx(document["residual_usd"])
    assert document["period"] == {"first": date(0), "last": date(5)}
    assert (document["verdict"], document["reconciled"]) == ("explained", False)


def test_a_total(audited: Audited, command: Command) -> None:
    assert "reconciled" in json.loads(command("--total", "5.06", "--json")[1])["verdict"]
    code, _, err = command("--total", "87,000", "--strict", "--from", "2026-02")
    assert code == 3
    assert "error" in err


def test_savings_and_report_say_how_far_off_an_invoice_the_log_is(
    audited: Audited, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> tuple[str, str]:
        shown = []
        for arguments in (["savings"], ["report", "--output", "report.html"]):
            assert run([*arguments, "--db", str(audited.path)]) == 0
            shown.append(" ".join(capsys.readouterr().out.split()))
        return shown[0], (audited.path.parent / "report.html").read_text(encoding="utf-8")

    assert all("log-only: not held against an invoice" in text for text in said())
    command("--total", "5.245")
    for text in said():
        assert "log-only" not in text
        assert "held against an invoice: off by 3.6 %, more than the 2 % that would make it reconciled" in text
    command("--total", "5.06")
    assert not any("held against" in text.split("bankable", 1)[1][:300] for text in said())


def test_why_an_invoice_that_was_held_against_the_log_does_not_confirm_it() -> None:
    assert caveat(checked(checked_share=0.5)) == "held against an invoice for only 50.0 % of the spend"
    assert caveat(checked(basis="usage")).startswith("held against a usage report, which bills nothing")
    assert "changed since" in caveat(checked(stale=True))
    both_ways = caveat(checked(verdict="explained", residual_share=0.001))
    assert both_ways.endswith("the totals agree, models differ by more than 2 % in both directions")
    nothing = checked(verdict="not_reconciled", billed_pico=0, residual_share=None, unexplained_share=None)
    assert caveat(nothing) == "held against an invoice that asks for nothing"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no invoice to compare with"),
        (("--total", "much"), "'much' is not an amount"),
        (("--total", "-5"), "'-5' is not an amount"),
        (("--total", "nan"), "'nan' is not an amount"),
        (("--total", "5", "--rate", "EUR:1"), "is not CURRENCY=USD"),
        (("--total", "5", "--from", "soon"), "is not a date"),
    ],
)
def test_wrong_wishes_exit_2(arguments: tuple[str, ...], says: str, command: Command) -> None:
    code, _, err = command(*arguments)
    assert code == 2
    assert says in err


def test_a_foreign_file_exits_1_with_its_columns(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("name,\x1b[31mred,amount\na,b,1\n")
    code, out, err = command(path)
    assert (code, out) == (1, "")
    assert "no invoice format has these columns: name, " in err
    assert "\x1b[31m" not in err


def trusted(log: Log) -> Any:
    return trust(gather(log.store, Config()))


def test_the_banner_of_the_report_comes_from_here(log: Log, tmp_path: Path) -> None:
    from audit.reconciling import reconciling

    log.fill(days=20)
    before = trusted(log)
    assert (before.level, before.title) == ("limited", "Not reconciled with an invoice")
    path = openai_cost_csv(tmp_path, log.sums("openai"), Decimal("0.995"))
    reconciling(log.store, [path], catalogue=log.catalogue)
    good = trusted(log)
    assert (good.level, good.title) == ("good", "Matches the invoice within 0.5 %")
    reconciling(log.store, [], catalogue=log.catalogue, total=Decimal(500))
    bad = trusted(log)
    assert (bad.level, bad.title) == ("weak", "Off the invoice by 96.4 %")
    assert any("is unexplained" in reason for reason in bad.reasons)


def test_records_that_could_not_be_used_are_in_the_banner(log: Log) -> None:
    log.fill(days=20)
    log.store.write_rows("reject", [{"source_id": 1, "line": line, "reason": "not_json"} for line in range(30)])
    found = trusted(log)
    # 30 beside 120 requests are a fifth
    assert (found.level, found.title) == ("weak", "Not reconciled with an invoice: use with care")
    assert any(reason.startswith("30 records (20.0 %) could not be used") for reason in found.reasons)


def checked(**changes: Any) -> Checked:
    facts: dict[str, Any] = {
        "verdict": "reconciled", "reason": "Because.", "basis": "dollars", "residual_share": 0.004,
        "unexplained_share": 0.0, "checked_share": 1.0, "first_day": FIRST, "last_day": FIRST + 29,
        "billed_pico": 10**14, "logged_pico": 10**14, "invoices": ("a.csv",), "contracts": 0,
        "at_us": 0, "stale": False,
    }  # fmt: skip
    return Checked(**{**facts, **changes})


@pytest.mark.parametrize(
    ("found", "level", "title"),
    [
        (checked(), "good", "Matches the invoice within 0.4 %"),
        (checked(basis="total"), "good", "Matches the invoice within 0.4 %"),
        (checked(checked_share=0.93), "good", "Matches the invoice within 0.4 %"),
        (checked(checked_share=0.5), "limited", "Matches the invoice for 50.0 % of the spend"),
        (checked(basis="usage"), "limited", "Tokens match the provider's report, dollars unchecked"),
        (checked(stale=True), "limited", "Changed since it was reconciled"),
        (
            checked(verdict="explained", residual_share=0.1, contracts=1),
            "limited",
            "Off the invoice by 10.0 %, with the causes found",
        ),
        (checked(verdict="not_reconciled", residual_share=0.4), "weak", "Off the invoice by 40.0 %"),
        (None, "limited", "Not reconciled with an invoice"),
    ],
)
def test_what_an_invoice_says_of_the_log(found: Checked | None, level: str, title: str) -> None:
    said = against_invoice(found)
    assert (said.level, said.title) == (level, title)
    assert (not caveat(found)) == (level == "good") == (found is not None and found.confirms)
    assert said.reasons


def test_counts_alone_confirm_no_dollars(log: Log, tmp_path: Path) -> None:
    from audit.reconciling import reconciling

    model = "claude-haiku-4-5-20251001"
    for day in range(3):
        log.call(day, model, provider="anthropic", input=10**6, output=10**5)
    path = anthropic_usage_csv(tmp_path, log.sums("anthropic"))
    result = reconciling(log.store, [path], catalogue=log.catalogue)
    assert (result.verdict, result.basis) == ("reconciled", "usage")
    assert "usage report" in result.reason
    kept = latest(log.store)
    assert kept is not None
    assert not kept.confirms
