"""Bills people keep in spreadsheets: a day or month, an amount, perhaps a model; what is not clear is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from audit.errors import ConfigError, ReadError
from audit.reconciling import Reconciliation, reconciling
from tests.reconciling.conftest import Log, date

MODELS = ("gpt-4o", "gpt-4o-mini")


@pytest.fixture
def traffic(log: Log) -> Log:
    for day in range(6):
        for place, model in enumerate(MODELS):
            for hour in (0.5, 12.0, 23.5):
                log.call(day, model, hour=hour, input=400_000 + 1_000 * day + place, output=90_000)
    return log


def rows(log: Log) -> list[tuple[str, str, Decimal]]:
    """Day, model and dollars of the log."""
    found: dict[tuple[str, str], int] = {}
    for each in log.usage:
        key = date(each.day), each.model
        found[key] = found.get(key, 0) + each.cost_pico
    return [(day, model, Decimal(cost).scaleb(-12)) for (day, model), cost in sorted(found.items())]


def written(path: Path, head: str, lines: list[str]) -> Path:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def check(log: Log, path: Path) -> Reconciliation:
    return reconciling(log.store, [path], catalogue=log.catalogue, rates={"EUR": Decimal("1.25")})


def test_a_table_of_days_models_and_dollars_is_held_against_the_log(traffic: Log, tmp_path: Path) -> None:
    lines = [f"{day},{model},{cost},ops" for day, model, cost in rows(traffic)]
    path = written(
        tmp_path / "bill.csv", "date,model,amount_usd,owner", [*lines, f"Total,,{sum(c for *_, c in rows(traffic))},"]
    )
    result = check(traffic, path)
    assert (result.verdict, result.residual_pico) == ("reconciled", 0)
    told = " ".join(result.notes)
    said = "date is the day or month, amount_usd is the amount in USD, model is the model; not used: owner"
    assert f"a plain table: {said}." in told
    assert "no provider is named; its lines are held against openai" in told


def test_a_planted_difference_is_found_in_its_model(traffic: Log, tmp_path: Path) -> None:
    lines = [f"{day},{model},{cost * 2 if model == 'gpt-4o' else cost}" for day, model, cost in rows(traffic)]
    result = check(traffic, written(tmp_path / "bill.csv", "date,model,amount_usd", lines))
    assert result.verdict != "reconciled"
    assert {each.model for each in result.residuals if each.pico} == {"gpt-4o"}


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Date;Model;Cost (USD)", "{day};{model};{cost}"),
        ("Day\tModel name\tTotal $", "{day}\t{model}\t{cost}"),
        ("day,model,cost,currency", "{day},{model},{cost},USD"),
        ("day,service,cost,workspace", '{day},{model},"${cost}",a'),
        ("Datum;Modell;Betrag EUR", "{german};{model};{euros}"),
        ("date,provider,model,spend_usd", "{day},OpenAI,{model},{cost}"),
    ],
)
def test_columns_go_by_the_names_people_give_them(traffic: Log, tmp_path: Path, head: str, row: str) -> None:
    lines = [
        row.format(day=day, model=model, cost=cost, euros=cost / Decimal("1.25"), german=".".join(day.split("-")[::-1]))
        for day, model, cost in rows(traffic)
    ]
    assert check(traffic, written(tmp_path / "bill.csv", head, lines)).verdict == "reconciled"


def test_a_month_without_models_is_the_bill_of_the_only_provider(traffic: Log, tmp_path: Path) -> None:
    cost = sum(cost for *_, cost in rows(traffic))
    path = written(
        tmp_path / "bill.csv", "month,amount_usd,description", [f"2026-02,{cost},LLM usage", "2026-02,9.50,VAT"]
    )
    result = check(traffic, path)
    assert result.billed_pico == int(cost.scaleb(12)), "tax stands beside it"
    assert [each.name for each in result.providers] == ["openai"]


@pytest.mark.parametrize(
    ("head", "row", "why"),
    [
        ("date,model,amount", "2026-02-16,gpt-4o,1.5", "amount is in no stated currency: name the column amount_usd"),
        ("date,model,cost_usd,total_usd", "2026-02-16,gpt-4o,1.5,1.6", "cost_usd and totalusd can both be the amount"),
        ("date,month,cost_usd", "2026-02-16,2026-02,1.5", "date and month can both be the day or month"),
        ("date,cost_usd", "02/03/2026,1.5", "can be two days"),
        ("date,cost_usd", '2026-02-16,"1,5"', "which is not a number"),
        ("date,cost_usd,currency", "2026-02-16,1.5,EUR", "is in EUR and USD at once"),
        ("date,cost_usd", "2026-02-16,", "is empty"),
    ],
)
def test_what_is_not_clear_is_refused_and_says_what_to_do(
    traffic: Log, tmp_path: Path, head: str, row: str, why: str
) -> None:
    with pytest.raises(ReadError) as caught:
        check(traffic, written(tmp_path / "bill.csv", head, [row]))
    assert why in caught.value.message


def test_a_model_several_billers_have_needs_a_provider(traffic: Log, tmp_path: Path) -> None:
    traffic.call(1, "gpt-4o", provider="azure", input=1000)
    with pytest.raises(ReadError, match="gpt-4o is billed by azure and openai in the log") as caught:
        check(traffic, written(tmp_path / "bill.csv", "date,model,amount_usd", [f"{date(0)},gpt-4o,1.5"]))
    assert "column provider" in str(caught.value.hint)
    with pytest.raises(ReadError, match="may be azure and openai's"):
        check(traffic, written(tmp_path / "bill.csv", "date,amount_usd", [f"{date(0)},1.5"]))


def test_money_without_a_rate_and_tables_of_requests_are_no_bill(traffic: Log, tmp_path: Path) -> None:
    path = written(tmp_path / "bill.csv", "date,amount_gbp", [f"{date(0)},1.5"])
    with pytest.raises(ConfigError, match="bills in GBP"):
        check(traffic, path)
    path = written(tmp_path / "log.csv", "date,cost_usd,prompt", [f"{date(0)},1.5,Hi"])
    with pytest.raises(ReadError, match="no invoice format has these columns"):
        check(traffic, path)
