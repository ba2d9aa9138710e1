"""One number against the log: what can be said when only the sum of the bill is known."""

from __future__ import annotations

from decimal import Decimal

from audit import figures
from audit.reconciling import log as logs
from audit.reconciling.bins import DAY_US, Bin
from audit.reconciling.cells import Cell
from audit.reconciling.missing_days import LEVEL, Plausible, plausible
from audit.reconciling.result import TOLERANCE, ProviderResult, Reconciliation, Unchecked
from audit.reconciling.verdict import causes_of, judge, residuals_of
from audit.store import Store

_PICO = Decimal(10**12)


def against_total(
    store: Store, total: Decimal, covered: tuple[int, int], first_day: int | None, last_day: int | None
) -> Reconciliation:
    """Hold the log's dollars of a period, by default all of the log, against one sum in USD."""
    first = covered[0] // DAY_US if first_day is None else first_day
    last = covered[1] // DAY_US if last_day is None else last_day
    period = Bin(0, first * DAY_US, (last + 1) * DAY_US)
    logs.place_bins(store, [period])
    rows = logs.log_rows(store)
    cell = Cell(period, "all", "", "all", on_invoice=True, in_log=bool(rows), billed_pico=round(total * _PICO))
    for row in rows:
        cell.logged_pico += row.cost_pico
        cell.estimated_pico += row.estimated_cost_pico
        cell.logged_quantity += row.quantity + row.estimated_quantity
        cell.unpriced_quantity += row.unpriced_quantity
    cell.rest = cell.billed_pico - cell.logged_pico
    days = logs.log_days(store)
    missing = _days_without(store, period)
    plain = plausible(logs.day_costs(days, cell.estimated_share), missing, logs.mean_gap_us(store))
    _explain(cell, plain if missing else None, total)
    causes = causes_of([cell], guessed_days=True)
    unexplained = abs(cell.causes.get("unexplained", 0))
    gross_pico = abs(cell.billed_pico - cell.logged_pico)
    verdict, reason = judge(cell.billed_pico, cell.logged_pico, gross_pico, unexplained, causes, "total")
    everything = sum(each.cost_pico for each in days)
    return Reconciliation(
        verdict=verdict,
        reason=reason,
        basis="total",
        first_day=first,
        last_day=last,
        billed_pico=cell.billed_pico,
        logged_pico=cell.logged_pico,
        gross_pico=gross_pico,
        unexplained_pico=unexplained,
        checked_share=cell.logged_pico / everything if everything else None,
        providers=(ProviderResult("all", False, "UTC", cell.billed_pico, cell.logged_pico, unexplained),),
        causes=causes,
        contracts=(),
        residuals=residuals_of([cell]),
        unchecked=_unchecked(days, first, last),
        beside=(),
        invoices=(),
        notes=_notes(cell, len(missing), plain),
    )


def _explain(cell: Cell, missing: Plausible | None, total: Decimal) -> None:
    cell.take("estimated_usage", cell.estimated_pico)
    if missing is not None and abs(cell.rest) > TOLERANCE * cell.billed_pico:
        cell.take("missing_log_days", missing.nearest(cell.rest))
    exponent = total.as_tuple().exponent
    step = int(_PICO.scaleb(min(0, exponent if isinstance(exponent, int) else 0)))
    if abs(cell.rest) <= step // 2:
        cell.take("rounding", cell.rest)
    cell.take("unexplained", cell.rest)


def _days_without(store: Store, period: Bin) -> list[int]:
    active = {day for days in logs.active_days(store).values() for day in days}
    return [day for day in range(period.first_day, period.last_day + 1) if day not in active]


def _unchecked(days: list[logs.LogDay], first: int, last: int) -> tuple[Unchecked, ...]:
    outside = sum(each.cost_pico for each in days if each.day is not None and not first <= each.day <= last)
    undated = sum(each.cost_pico for each in days if each.day is None)
    found = []
    if outside:
        found.append(Unchecked("log", "all", "outside the compared period", outside))
    if undated:
        found.append(Unchecked("log", "all", "requests without a time", undated))
    return tuple(found)


def _notes(cell: Cell, missing: int, plain: Plausible | None) -> tuple[str, ...]:
    found = []
    if missing:
        left = figures.money(max(0, cell.billed_pico - cell.logged_pico - cell.estimated_pico))
        text = f"The log has no request on {missing} of the {cell.bin.days} days"
        if plain is None:
            text += f", and too few days to tell what those cost; the bill leaves {left} for them."
        else:
            text += (
                f": by its other days they would cost {figures.money(plain.estimate)} ({figures.money(plain.low)} to"
                f" {figures.money(plain.high)} at {figures.share(LEVEL)}), and the bill leaves {left} for them."
            )
        found.append(text)
    if cell.unpriced_quantity:
        counted = figures.tokens(cell.unpriced_quantity)
        found.append(f"{counted} tokens of models without a price are not in the log's dollars.")
    return tuple(found)
