"""Contracts of audit.toml through the command line; gpt-5-mini lists $0.25 input and $2 output per million tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import run

Spend = Callable[..., tuple[dict[str, float], str]]


def call(number: int, at: str = "2026-11-10", *, output: int = 0, **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": output, "total_tokens": 1_000_000 + output}
    stamped = {"id": f"c{number}", "provider": "openai", "model": "gpt-5-mini", "timestamp": f"{at}T12:00:00Z"}
    return {**stamped, "usage": usage, **more}


@pytest.fixture
def spend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Spend:
    """Spend by day under a configuration, and what was said on stderr."""

    def command(toml: str, *calls: dict[str, Any]) -> tuple[dict[str, float], str]:
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in calls))
        (tmp_path / "audit.toml").write_text(toml)
        db = tmp_path / "a.duckdb"
        db.unlink(missing_ok=True)
        arguments = ["--db", str(db), "--config", str(tmp_path / "audit.toml"), "--json"]
        assert run(["ingest", str(tmp_path / "log.jsonl"), *arguments]) == 0
        said = capsys.readouterr().err
        assert run(["summary", "--db", str(db), "--json"]) == 0
        days = json.loads(capsys.readouterr().out)["by_day"]
        return {row["key"]: row["cost_usd"] for row in days}, said

    return command


def contract(model: str, **values: Any) -> str:
    lines = [f"{key} = {json.dumps(value) if isinstance(value, str) else value}" for key, value in values.items()]
    provider = "" if "provider" in values else 'provider = "openai"\n'
    return f"[[contract]]\n{provider}model = {json.dumps(model)}\n" + "\n".join(lines) + "\n"


WIDE = contract("*", discount_percent=10)
CLOSE = contract("gpt-5-m*", discount_percent=20)
EXACT = contract("gpt-5-mini", prices_per_million="{ input = 0.2 }").replace('"{', "{").replace('}"', "}")


@pytest.mark.parametrize(
    ("toml", "usd"),
    [
        (WIDE, 0.225),
        # the closest name wins in any order, and a discount is off list, never off another discount
        (WIDE + CLOSE, 0.2),
        (CLOSE + WIDE, 0.2),
        (EXACT.replace("0.2", "0.19") + WIDE + CLOSE, 0.19),
        # of equals, the later
        (CLOSE + contract("gpt-5-m*", discount_percent=40), 0.15),
        (contract("*", discount_percent=-10), 0.275),
        (contract("*", provider="azure", discount_percent=50), 0.25),
    ],
)
def test_which_contract_holds(toml: str, usd: float, spend: Spend) -> None:
    assert spend(toml, call(1))[0] == {"2026-11-10": pytest.approx(usd)}


def test_a_contract_holds_from_its_first_day_to_the_day_before_its_end(spend: Spend) -> None:
    toml = contract("gpt-5-mini", discount_percent=50, valid_from="2026-11-02", valid_to="2026-11-04")
    days = {f"2026-11-0{day}": usd for day, usd in ((1, 0.25), (2, 0.125), (3, 0.125), (4, 0.25))}
    assert spend(toml, *(call(number, day) for number, day in enumerate(days)))[0] == pytest.approx(days)


def test_what_an_agreed_price_does_not_name_stays_at_list(spend: Spend) -> None:
    # 1M x $0.20 agreed + 0.1M x $2; a batch has half the list price of input: $0.125
    found, _ = spend(EXACT, call(1, output=100_000), call(2, "2026-11-11", service_tier="batch"))
    assert found == {"2026-11-10": pytest.approx(0.4), "2026-11-11": pytest.approx(0.125)}


def test_a_discount_holds_for_every_tier(spend: Spend) -> None:
    assert spend(CLOSE, call(1, service_tier="batch"))[0] == {"2026-11-10": pytest.approx(0.1)}


def test_an_alias_is_priced_by_the_contract_of_its_target(spend: Spend) -> None:
    toml = '[aliases]\nchat-prod = "openai/gpt-5-mini"\n' + CLOSE
    found, said = spend(toml, {**call(1), "model": "chat-prod", "provider": "azure"})
    assert found == {"2026-11-10": pytest.approx(0.2)}
    assert "contract" not in said


def test_a_contract_that_covers_nothing_is_said(spend: Spend) -> None:
    found, said = spend(contract("gpt-5-minni", discount_percent=50), call(1))
    assert found == {"2026-11-10": pytest.approx(0.25)}
    assert "[[contract]] openai gpt-5-minni: no model in the price list has this name" in said


@pytest.mark.parametrize(
    ("monthly", "says"),
    [
        # one day at $0.25 is 30.4375 x $0.25 = $7.61 a month
        (5.0, "at most $2.61 a month of savings there lower the bill"),
        (10.0, "$2.39 a month is paid for nothing"),
    ],
)
def test_a_commitment_limits_what_savings_lower(
    monthly: float, says: str, spend: Spend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = contract("*", commitment_usd_per_month=monthly, valid_to="2027-01-01")
    assert spend(toml, call(1))[0] == {"2026-11-10": pytest.approx(0.25)}
    config = str(tmp_path / "audit.toml")
    assert run(["savings", "--db", str(tmp_path / "a.duckdb"), "--config", config, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (sentence,) = document["commitments"]
    assert f"${monthly:.2f} a month are committed until 2027-01-01" in sentence
    assert says in sentence
