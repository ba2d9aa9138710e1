"""Planted differences of one kind each, and several at once: every cause gets its dollars."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.errors import ConfigError
from audit.prices.catalogue import Catalogue
from audit.reconciling import Reconciliation, as_toml, latest, reconciling
from tests.reconciling.conftest import FIRST, Log, date
from tests.reconciling.writers import (
    FORMATS,
    Sums,
    anthropic_api,
    anthropic_cost_csv,
    openai_cost_csv,
    openai_usage_csv,
    usd,
)

GPT = "gpt-4.1-2025-04-14"
MINI = "gpt-5-mini-2025-08-07"


def check(log: Log, *paths: Path, **options: object) -> Reconciliation:
    result = reconciling(log.store, paths, catalogue=log.catalogue, **options)  # type: ignore[arg-type]
    assert sum(cause.pico for cause in result.causes) == result.residual_pico
    assert sum(each.pico for each in result.residuals) == result.residual_pico
    return result


def cause(result: Reconciliation, name: str) -> int:
    return next((each.pico for each in result.causes if each.name == name), 0)


def names(result: Reconciliation) -> set[str]:
    return {each.name for each in result.causes if abs(each.pico) > 10**6}


def changed(sums: Sums, change: object) -> Sums:
    return {key: change(key, value) for key, value in sums.items()}  # type: ignore[operator]


def test_more_tokens_than_logged_on_one_day(log: Log, tmp_path: Path) -> None:
    log.fill()

    def half_more(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        more = key[0] == 2 and key[1] == GPT
        return (value[0] * 3 // 2, value[1] * 3 // 2) if more else value

    sums = log.sums("openai")
    result = check(log, openai_cost_csv(tmp_path, changed(sums, half_more)))
    planted = sum(value[1] // 2 for key, value in sums.items() if key[0] == 2 and key[1] == GPT)
    assert names(result) == {"unlogged_traffic"}
    assert cause(result, "unlogged_traffic") == pytest.approx(planted, abs=10**4)
    [found] = result.causes
    assert found.days[0][:2] == (FIRST + 2, FIRST + 2)


def test_fewer_tokens_than_logged(log: Log, tmp_path: Path) -> None:
    log.fill()
    sums = log.sums("openai")
    fewer = {key: value for key, value in sums.items() if not (key[0] == 4 and key[1] == MINI)}
    result = check(log, openai_cost_csv(tmp_path, fewer))
    assert names(result) == {"not_invoiced"}
    assert cause(result, "not_invoiced") == -sum(sums[key][1] for key in sums.keys() - fewer.keys())


@pytest.mark.parametrize("write", [openai_cost_csv, FORMATS["openai_api"].write])
def test_batch_logged_as_standard_is_a_tier_not_a_contract(write: object, log: Log, tmp_path: Path) -> None:
    log.fill()

    def in_batch(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        day, model, meter, _ = key
        if model != MINI:
            return value
        return value[0], value[0] * log.price("openai", model, meter, "batch", (FIRST + day) * 86_400_000_000)

    sums = log.sums("openai")
    billed = changed(sums, in_batch)
    result = check(log, write(tmp_path, billed))  # type: ignore[operator]
    planted = sum(billed[key][1] - sums[key][1] for key in sums)
    assert names(result) == {"tier"}
    assert cause(result, "tier") == pytest.approx(planted, abs=10**6)
    assert result.contracts == ()


def test_batch_of_the_log_billed_at_standard(log: Log, tmp_path: Path) -> None:
    for day in range(5):
        log.call(day, MINI, tier="batch", input=800_000 + day, output=90_000)
        log.call(day, MINI, input=300_000, output=20_000 + day)
    full: Sums = {}
    for day, model, meter, tier in log.sums("openai"):
        quantity, _ = log.sums("openai")[day, model, meter, tier]
        at_us = (FIRST + day) * 86_400_000_000
        before = full.get((day, model, meter, "standard"), (0, 0))
        price = log.price("openai", model, meter, "standard", at_us)
        full[day, model, meter, "standard"] = before[0] + quantity, before[1] + quantity * price
    result = check(log, openai_cost_csv(tmp_path, full))
    assert names(result) == {"tier"}
    assert cause(result, "tier") == sum(pico for _, pico in full.values()) - result.logged_pico > 0


def test_a_share_of_batch_that_changes_from_day_to_day(log: Log, tmp_path: Path) -> None:
    log.fill(models=(MINI,))

    def partly(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        # all kinds of gpt-5-mini cost half in batch
        return value[0], value[1] * (100 - 5 * (key[0] + 1)) // 100

    result = check(log, openai_cost_csv(tmp_path, changed(log.sums("openai"), partly)))
    assert names(result) <= {"tier", "rounding"}
    assert cause(result, "tier") == pytest.approx(result.residual_pico, rel=1e-6)


def test_tiers_that_the_invoice_states(log: Log, tmp_path: Path) -> None:
    model = "claude-sonnet-4-5-20250929"
    for day in range(4):
        log.call(day, model, provider="anthropic", input=5_000_000 + day, output=400_000)
    sums = log.sums("anthropic")
    billed: Sums = {}
    for (day, name, meter, _), (quantity, pico) in sums.items():
        billed[day, name, meter, "standard"] = quantity * 3 // 4, pico * 3 // 4
        billed[day, name, meter, "batch"] = quantity // 4, pico // 8
    result = check(log, anthropic_api(tmp_path, billed))
    planted = sum(pico for _, pico in billed.values()) - sum(pico for _, pico in sums.values())
    assert names(result) == {"tier"}
    assert cause(result, "tier") == pytest.approx(planted, rel=1e-5)


def test_tiers_of_a_usage_report_move_no_dollars_but_are_counted_with_a_cost_report(log: Log, tmp_path: Path) -> None:
    log.fill(models=(MINI,))
    sums = log.sums("openai")
    mixed: Sums = {}
    paid: Sums = {}
    for (day, model, meter, _), (quantity, pico) in sums.items():
        if not quantity:
            continue
        mixed[day, model, meter, "standard"] = quantity - quantity // 4, 0
        mixed[day, model, meter, "batch"] = quantity // 4, 0
        paid[day, model, meter, "standard"] = quantity, pico - quantity // 4 * (pico // quantity) // 2
    # the cost report without tokens, the usage report without dollars
    cost = openai_cost_csv(tmp_path, paid)
    cost.write_text("\n".join(_without_quantity(line) for line in cost.read_text().splitlines()) + "\n")
    result = check(log, cost, openai_usage_csv(tmp_path, mixed))
    assert names(result) == {"tier"}
    assert cause(result, "tier") == pytest.approx(result.residual_pico, rel=1e-9)
    assert result.basis == "dollars"


def _without_quantity(line: str) -> str:
    cells = line.split(",")
    return ",".join("" if place in (6, 7) and cell != "quantity" and cell != "quantity_unit" else cell
                    for place, cell in enumerate(cells))  # fmt: skip


def test_a_contract_that_begins_inside_the_period(log: Log, tmp_path: Path) -> None:
    log.fill(days=8)

    def later(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        return (value[0], value[1] * 85 // 100) if key[0] >= 3 else value

    result = check(log, openai_cost_csv(tmp_path, changed(log.sums("openai"), later)))
    assert names(result) == {"contract_price"}
    [found] = result.contracts
    assert (found.provider_name, found.model, found.discount_percent) == ("openai", "*", 15.0)
    assert (found.from_day, found.to_day) == (FIRST + 3, None)
    toml = as_toml(found, (date(3), ""))
    assert toml.splitlines() == [
        "[[contract]]", 'provider = "openai"', 'model = "*"', f'valid_from = "{date(3)}"', "discount_percent = 15",
    ]  # fmt: skip


def test_a_contract_with_prices_of_its_own_per_kind(log: Log, tmp_path: Path) -> None:
    log.fill()

    def cheaper_output(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        return (value[0], value[0] * 5_000_000) if key[1:3] == (GPT, "output") else value

    result = check(log, openai_cost_csv(tmp_path, changed(log.sums("openai"), cheaper_output)))
    assert names(result) == {"contract_price"}
    [found] = result.contracts
    assert found.model == "gpt-4.1"
    assert found.discount_percent == 37.5 or found.usd_per_million == {"output": 5.0}


def test_the_suggested_contract_makes_the_log_agree(log: Log, discounted: Catalogue, tmp_path: Path) -> None:
    log.fill()
    path = openai_cost_csv(tmp_path, log.sums("openai"), Decimal("0.9"))
    assert [each.discount_percent for each in check(log, path).contracts] == [10.0]
    under = Log(discounted).fill()
    result = reconciling(under.store, [path], catalogue=discounted)
    assert result.verdict == "reconciled"
    assert abs(result.residual_pico) < 10**6


def test_a_second_discount_is_told_relative_to_list(discounted: Catalogue, tmp_path: Path) -> None:
    log = Log(discounted).fill()
    # prices of the contract are in the audit file, as ingest writes them
    keys = sorted({("openai", "gpt-4.1"), ("openai", "gpt-5-mini")})
    log.store.write("price", discounted.arrow(keys))
    result = reconciling(
        log.store, [openai_cost_csv(tmp_path, log.sums("openai"), Decimal("0.9"))], catalogue=discounted
    )
    assert [each.discount_percent for each in result.contracts] == [pytest.approx(19.0)]


def test_a_contract_and_a_day_of_unlogged_traffic(log: Log, tmp_path: Path) -> None:
    log.fill(days=8)
    sums = log.sums("openai")

    def both(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        times = 2 if key[0] == 5 else 1
        return value[0] * times, value[1] * times * 9 // 10

    result = check(log, openai_cost_csv(tmp_path, changed(sums, both)))
    day = sum(pico for key, (_, pico) in sums.items() if key[0] == 5)
    assert names(result) == {"contract_price", "unlogged_traffic"}
    assert cause(result, "unlogged_traffic") == pytest.approx(0.9 * day, rel=1e-6)
    assert cause(result, "contract_price") == pytest.approx(-0.1 * result.logged_pico, rel=1e-6)


def test_a_contract_and_a_day_of_unlogged_traffic_in_dollars_only(log: Log, tmp_path: Path) -> None:
    model = "claude-sonnet-4-5-20250929"
    for day in range(8):
        log.call(day, model, provider="anthropic", input=50_000_000 + 10**5 * day, output=4_000_000)
    sums = log.sums("anthropic")

    def both(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        return value[0], value[1] * (18 if key[0] == 5 else 9) // 10

    result = check(log, anthropic_cost_csv(tmp_path, changed(sums, both)))
    day = sum(pico for key, (_, pico) in sums.items() if key[0] == 5)
    assert cause(result, "unlogged_traffic") == pytest.approx(0.9 * day, rel=0.01)
    assert cause(result, "contract_price") == pytest.approx(-0.1 * result.logged_pico, rel=0.01)
    assert [each.discount_percent for each in result.contracts] == [pytest.approx(10, abs=0.1)]


def test_everything_at_once(log: Log, tmp_path: Path) -> None:
    full = Log(log.catalogue).fill(days=10, models=(GPT, MINI, "o3-2025-04-16"))
    for each in full.usage:
        if each.day != 4 and each.model != "o3-2025-04-16" and each.quantity:
            log.call(each.day, each.model, **{each.meter: each.quantity})
    sums = full.sums("openai")

    def billed_at(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        return value[0], value[1] * 9 // (20 if key[1] == MINI else 10)

    billed = changed(sums, billed_at)
    result = check(log, openai_cost_csv(tmp_path, billed))

    def planted(of: Sums, model: str) -> int:
        return sum(pico for (day, name, *_), (_, pico) in of.items() if name == model and day != 4)

    assert names(result) == {"missing_log_days", "unlogged_model", "tier", "contract_price"}
    assert cause(result, "missing_log_days") == sum(pico for key, (_, pico) in billed.items() if key[0] == 4)
    assert cause(result, "unlogged_model") == planted(billed, "o3-2025-04-16")
    assert cause(result, "tier") == pytest.approx(-planted(sums, MINI) / 2, rel=1e-6)
    whole = planted(sums, GPT) + planted(sums, MINI) / 2
    assert cause(result, "contract_price") == pytest.approx(-whole / 10, rel=1e-6)
    assert [(each.model, each.discount_percent) for each in result.contracts] == [("*", 10.0)]
    assert result.verdict == "explained"


def test_prices_without_a_pattern_stay_unexplained(log: Log, tmp_path: Path) -> None:
    log.fill(models=(GPT,))

    def wild(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        return value[0], value[1] * (100 + 37 * ((key[0] * 7 + len(key[2])) % 5)) // 100

    result = check(log, openai_cost_csv(tmp_path, changed(log.sums("openai"), wild)))
    assert result.verdict == "not_reconciled"
    assert cause(result, "unexplained") == pytest.approx(result.residual_pico, rel=0.2)
    assert "unexplained" in result.reason


def test_differences_that_cancel_are_not_reconciled(log: Log, tmp_path: Path) -> None:
    log.fill()
    sums = log.sums("openai")
    other = sum(pico for key, (_, pico) in sums.items() if key[1] == MINI)
    whole = sum(pico for key, (_, pico) in sums.items() if key[1] == GPT)

    def swapped(key: tuple[int, str, str, str], value: tuple[int, int]) -> tuple[int, int]:
        factor = Decimal(2) if key[1] == MINI else 1 - Decimal(other) / whole
        return int(value[0] * factor), int(value[1] * factor)

    result = check(log, openai_cost_csv(tmp_path, changed(sums, swapped)))
    assert (result.residual_share or 0) < 0.001
    assert result.verdict == "explained"
    assert "both directions" in result.reason


def test_estimated_usage_is_a_cause_and_not_in_the_logged_dollars(log: Log, tmp_path: Path) -> None:
    log.fill(models=(GPT,))
    for day in range(6):
        log.call(day, GPT, hour=3.0, estimated=True, input=40_000, output=2_000)
    result = check(log, openai_cost_csv(tmp_path, log.sums("openai")))
    estimated = 6 * (40_000 * 2_000_000 + 2_000 * 8_000_000)
    assert cause(result, "estimated_usage") == estimated == result.residual_pico
    assert next(each for each in result.causes if each.name == "estimated_usage").estimated


def test_a_model_without_a_price_is_named(log: Log, tmp_path: Path) -> None:
    log.fill(models=(GPT,))
    for day in range(6):
        log.call(day, "house-model", priced=False, input=50_000, output=3_000)
    sums = log.sums("openai")
    billed = {
        key: (value[0], value[0] * 10_000_000 if key[1] == "house-model" else value[1]) for key, value in sums.items()
    }
    result = check(log, openai_cost_csv(tmp_path, billed))
    assert names(result) == {"unpriced"}
    assert cause(result, "unpriced") == 6 * 53_000 * 10_000_000


def test_a_log_that_starts_in_the_afternoon_is_partial(log: Log, tmp_path: Path) -> None:
    full = Log(log.catalogue).fill()
    path = openai_cost_csv(tmp_path, full.sums("openai"))
    hours = iter([hour for _ in range(6) for _ in range(2) for hour in (0.5,) * 3 + (9.0,) * 3 + (23.5,) * 3])
    for each in full.usage:
        hour = next(hours, 12.0)
        if each.day > 0 or hour > 12:
            log.call(each.day, each.model, hour=hour, **{each.meter: each.quantity})
    result = check(log, path)
    assert names(result) == {"partial_days"}
    assert [first for first, _, _ in result.causes[0].days] == [FIRST]


def test_days_outside_the_log_are_said_and_not_judged(log: Log, tmp_path: Path) -> None:
    full = Log(log.catalogue).fill(days=30)
    path = openai_cost_csv(tmp_path, full.sums("openai"))
    for each in full.usage:
        if 10 <= each.day < 17:
            log.call(each.day, each.model, hour=0.5, **{each.meter: each.quantity})
            log.call(each.day, each.model, hour=23.5, **{each.meter: 0})
    result = check(log, path)
    assert result.verdict == "reconciled"
    assert (result.first_day, result.last_day) == (FIRST + 10, FIRST + 16)
    [outside] = result.unchecked
    assert (outside.side, outside.name) == ("invoice", "openai")
    assert outside.pico == sum(each.cost_pico for each in full.usage if not 10 <= each.day < 17)
    whole = check(log, path, first_day=FIRST, last_day=FIRST + 29)
    assert cause(whole, "missing_log_days") == outside.pico
    assert not whole.unchecked


def test_a_last_day_the_log_lacks_counts_as_missing(log: Log, tmp_path: Path) -> None:
    full = Log(log.catalogue).fill(days=10)
    for each in full.usage:
        if each.day < 9:
            log.call(each.day, each.model, hour=0.5, **{each.meter: each.quantity})
            log.call(each.day, each.model, hour=23.5, **{each.meter: 0})
    result = check(log, openai_cost_csv(tmp_path, full.sums("openai")))
    assert names(result) == {"missing_log_days"}
    assert cause(result, "missing_log_days") == sum(each.cost_pico for each in full.usage if each.day == 9)


def test_several_invoices_and_a_provider_without_one(log: Log, tmp_path: Path) -> None:
    log.fill()
    for day in range(6):
        log.call(day, "claude-sonnet-4-5-20250929", provider="anthropic", input=10**6, output=10**5)
        log.call(day, "gemini-2.5-flash", provider="google", input=10**6, output=10**5)
    openai = openai_cost_csv(tmp_path, log.sums("openai"))
    anthropic = anthropic_api(tmp_path, log.sums("anthropic"))
    result = check(log, openai, anthropic)
    assert result.verdict == "reconciled"
    assert {each.name for each in result.providers} == {"openai", "anthropic"}
    google = sum(pico for _, pico in log.sums("google").values())
    assert [(each.side, each.name, each.pico) for each in result.unchecked] == [("log", "google", google)]
    total = sum(each.cost_pico for each in log.usage)
    assert result.checked_share == pytest.approx(1 - google / total)


def test_a_log_that_does_not_say_who_billed_meets_the_cloud_bill(log: Log, tmp_path: Path) -> None:
    form = FORMATS["azure_cost"]
    azure = Log(log.catalogue)
    for day in range(4):
        azure.call(day, form.models[0], provider="azure", input=10**6 + day, cache_read=10**5, output=10**5)
        log.call(day, form.models[0], provider="openai", named=False, input=10**6 + day, cache_read=10**5, output=10**5)
    result = check(log, form.write(tmp_path, azure.sums("azure")))
    assert result.verdict == "reconciled"
    assert any("azure" in note for note in result.notes)
    told = Log(log.catalogue)
    told.call(0, form.models[0], provider="openai", input=10**6, output=10**5)
    wrong = check(told, form.write(tmp_path, azure.sums("azure")))
    assert wrong.verdict != "reconciled"
    assert any("is the invoice of that traffic" in note for note in wrong.notes)


def test_snapshots_are_told_apart_only_where_both_sides_do(log: Log, tmp_path: Path) -> None:
    for day in range(3):
        log.call(day, "gpt-4o-2024-08-06", input=10**6 + day, output=10**5)
        log.call(day, "gpt-4o-2024-11-20", input=2 * 10**6, output=10**5 + day)
    fine = check(log, openai_cost_csv(tmp_path, log.sums("openai")))
    assert fine.verdict == "reconciled"
    assert sum(each.kind == "output" for each in fine.residuals) == 6
    alias: Sums = {}
    for (day, _, meter, tier), (quantity, pico) in log.sums("openai").items():
        before = alias.get((day, "gpt-4o", meter, tier), (0, 0))
        alias[day, "gpt-4o", meter, tier] = before[0] + quantity, before[1] + pico
    coarse = check(log, openai_cost_csv(tmp_path, alias))
    assert coarse.verdict == "reconciled"
    assert sum(each.kind == "output" for each in coarse.residuals) == 3


def test_one_number_against_the_log(log: Log) -> None:
    log.fill(days=5)
    logged = sum(each.cost_pico for each in log.usage)
    exact = check(log, total=Decimal(usd(logged)))
    assert (exact.verdict, exact.basis, exact.residual_pico) == ("reconciled", "total", 0)
    close = check(log, total=Decimal(usd(logged)) * Decimal("1.015"))
    assert close.verdict == "reconciled"
    far = check(log, total=Decimal(usd(logged)) * 2)
    assert far.verdict == "not_reconciled"
    longer = check(log, total=Decimal(usd(logged)) * 2, first_day=FIRST, last_day=FIRST + 9)
    assert longer.verdict == "explained"
    assert longer.causes[0].name == "missing_log_days"
    assert longer.causes[0].estimated


def test_a_period_neither_side_shares_is_refused(log: Log, tmp_path: Path) -> None:
    log.fill()
    other = Log(log.catalogue)
    other.call(300, GPT, input=10**6)
    with pytest.raises(ConfigError, match="no day in common: the log covers 2026-02-16 to 2026-02-21"):
        check(log, openai_cost_csv(tmp_path, other.sums("openai")))
    with pytest.raises(ConfigError, match="no request of the log has a time"):
        check(Log(log.catalogue), openai_cost_csv(tmp_path, other.sums("openai")))
    with pytest.raises(ConfigError, match="two bills"):
        check(log, openai_cost_csv(tmp_path, log.sums("openai")), total=Decimal(5))


def test_the_result_is_kept_and_goes_stale_with_the_log(log: Log, tmp_path: Path) -> None:
    assert latest(log.store) is None
    log.fill()
    check(log, openai_cost_csv(tmp_path, log.sums("openai")))
    kept = latest(log.store)
    assert kept is not None
    assert (kept.verdict, kept.stale, kept.residual_share, kept.checked_share) == ("reconciled", False, 0.0, 1.0)
    rows = log.store.rows("SELECT SUM(billed_cost_pico) AS billed, SUM(logged_cost_pico) AS logged FROM reconciliation")
    assert rows == [{"billed": kept.billed_pico, "logged": kept.logged_pico}]
    assert log.store.value("SELECT SUM(billed_cost_pico) FROM invoice_line") == kept.billed_pico
    check(log, total=Decimal(1))
    assert log.store.value("SELECT COUNT(*) FROM invoice_line") == 0
    log.call(3, GPT, input=1)
    again = latest(log.store)
    assert again is not None
    assert again.stale


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    factors=st.lists(st.sampled_from([0, 50, 90, 100, 101, 150, 300]), min_size=36, max_size=36),
    prices=st.lists(st.sampled_from([50, 90, 100, 100, 100, 120]), min_size=36, max_size=36),
    dropped=st.sets(st.integers(0, 35), max_size=6),
)
def test_whatever_differs_the_causes_add_up(
    factors: list[int], prices: list[int], dropped: set[int], catalogue: Catalogue, tmp_path: Path
) -> None:
    log = Log(catalogue).fill()
    billed: Sums = {}
    for place, (key, (quantity, pico)) in enumerate(sorted(log.sums("openai").items())):
        if place not in dropped:
            billed[key] = quantity * factors[place] // 100, pico * factors[place] * prices[place] // 10_000
    result = check(log, openai_cost_csv(tmp_path, billed))
    for each in result.residuals:
        assert sum(each.causes.values()) == each.pico
    log.store.close()
