"""Every invoice format, written from a log: read exactly, and each planted difference found."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from audit.reconciling import Reconciliation, reconciling
from tests.reconciling.conftest import Log
from tests.reconciling.writers import FORMATS, Format

RATES = {"CNY": Decimal(1) / 7}


def traffic(log: Log, form: Format, days: int = 6) -> Log:
    for day in range(days):
        for place, model in enumerate(form.models):
            for hour in (0.5, 9.0, 23.5):
                tokens = {
                    meter: 40_000 + 1_000 * day + 700 * place + 5_003 * number + round(hour * 11)
                    for number, meter in enumerate(form.meters)
                }
                log.call(day, model, provider=form.provider, hour=hour, **tokens)
    return log


def check(log: Log, path: Path) -> Reconciliation:
    return reconciling(log.store, [path], catalogue=log.catalogue, rates=RATES)


def add_up(result: Reconciliation) -> None:
    assert sum(cause.pico for cause in result.causes) == result.residual_pico
    assert sum(each.pico for each in result.residuals) == result.residual_pico
    for each in result.residuals:
        assert sum(each.causes.values()) == each.pico


@pytest.mark.parametrize("name", FORMATS)
def test_an_invoice_of_the_log_itself_agrees(name: str, log: Log, tmp_path: Path) -> None:
    form = FORMATS[name]
    traffic(log, form)
    sums = log.sums(form.provider)
    result = check(log, form.write(tmp_path, sums))
    add_up(result)
    assert result.verdict == "reconciled"
    assert result.logged_pico == sum(pico for _, pico in sums.values())
    # what is left is the rounding of the writer: cents, doubles, a currency
    assert abs(result.residual_pico) <= len(sums) * max(form.step, 1_000) // 2
    assert {cause.name for cause in result.causes} <= {"rounding"}
    assert result.basis == ("dollars" if form.dollars else "usage")
    kinds = {each.kind for each in result.residuals}
    assert kinds == ({"all"} if name == "openrouter_activity" else set(form.meters))
    if form.counts:
        assert all(each.billed_quantity == each.logged_quantity for each in result.residuals)


@pytest.mark.parametrize("name", FORMATS)
def test_a_day_missing_in_the_log_is_found(name: str, log: Log, tmp_path: Path) -> None:
    form = FORMATS[name]
    full = traffic(Log(log.catalogue), form)
    path = form.write(tmp_path, full.sums(form.provider))
    for each in full.usage:
        if each.day != 3:
            log.call(each.day, each.model, provider=each.provider, **{each.meter: each.quantity})
    result = check(log, path)
    add_up(result)
    missing = next(cause for cause in result.causes if cause.name == "missing_log_days")
    planted = sum(each.cost_pico for each in full.usage if each.day == 3)
    slack = 40 * form.step // 2 + 10**6
    if form.dollars:
        assert abs(missing.pico - planted) <= slack
    else:
        # valued at the prices of the other days, which are the same
        assert abs(missing.pico - planted) <= planted // 1000
    assert [first for first, _, _ in missing.days] == [result.first_day + 3]
    assert result.verdict == "explained"


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.dollars])
def test_a_constant_discount_is_found_with_its_contract(name: str, log: Log, tmp_path: Path) -> None:
    form = FORMATS[name]
    traffic(log, form)
    result = check(log, form.write(tmp_path, log.sums(form.provider), Decimal("0.9")))
    add_up(result)
    assert result.verdict == "explained"
    contract = next(cause for cause in result.causes if cause.name == "contract_price")
    assert contract.pico == pytest.approx(-0.1 * result.logged_pico, rel=0.02)
    [found] = result.contracts
    assert found.discount_percent == pytest.approx(10, abs=0.2 if form.step else 0.001)
    assert found.provider_name == form.provider
    assert found.days == 6
    assert found.model == ("*" if len(form.models) > 1 else found.model)


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if len(form.models) > 1])
def test_a_model_the_log_does_not_hold_is_found(name: str, log: Log, tmp_path: Path) -> None:
    form = FORMATS[name]
    full = traffic(Log(log.catalogue), form)
    path = form.write(tmp_path, full.sums(form.provider))
    for each in full.usage:
        if each.model == form.models[1]:
            log.call(each.day, each.model, provider=each.provider, **{each.meter: each.quantity})
    result = check(log, path)
    add_up(result)
    cause = next(cause for cause in result.causes if cause.name == "unlogged_model")
    planted = sum(each.cost_pico for each in full.usage if each.model == form.models[0])
    assert abs(cause.pico - planted) <= 30 * form.step // 2 + 10**6 + (0 if form.dollars else planted // 1000)
    assert result.verdict == "explained"
    assert len(cause.models) == 1
