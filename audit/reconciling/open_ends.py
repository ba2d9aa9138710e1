"""What a reconciliation could not compare, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audit import figures
from audit.reconciling import log as logs
from audit.reconciling.causes import by_bin
from audit.reconciling.cells import Provider
from audit.reconciling.files import InvoiceFile
from audit.reconciling.result import TOLERANCE, Beside, Unchecked
from audit.store import Store


def unchecked(
    days: Iterable[logs.LogDay], compared: Iterable[logs.LogRow], outside: Mapping[str, int]
) -> tuple[Unchecked, ...]:
    """Dollars of the log that no invoice was held against, by biller, and of the invoices outside of the period."""
    left: dict[str, int] = {}
    undated: dict[str, int] = {}
    for each in days:
        side = undated if each.day is None else left
        side[each.provider_name] = side.get(each.provider_name, 0) + each.cost_pico
    held: set[str] = set(outside)
    for row in compared:
        held.add(row.origin)
        left[row.origin] = left.get(row.origin, 0) - row.cost_pico
    found: list[Unchecked] = []
    for name, pico in sorted(left.items(), key=lambda each: -each[1]):
        if pico:
            reason = "outside of what the invoices cover" if name in held else "no invoice of this provider was given"
            found.append(Unchecked("log", name, reason, pico))
    found.extend(Unchecked("log", name, "requests without a time", pico) for name, pico in undated.items() if pico)
    found.extend(
        Unchecked("invoice", name, "outside the compared period", pico) for name, pico in outside.items() if pico
    )
    return tuple(found)


def beside(files: Iterable[InvoiceFile]) -> tuple[Beside, ...]:
    """Tax, credits and other services on the invoices, dearest first."""
    sums: dict[tuple[str, str], int] = {}
    for file in files:
        for line in file.lines:
            if line.category in ("tax", "credit", "other") and line.amount_pico:
                key = line.category, line.label
                sums[key] = sums.get(key, 0) + line.amount_pico
    ordered = sorted(sums.items(), key=lambda each: (-abs(each[1]), each[0]))
    return tuple(Beside(category, label, pico) for (category, label), pico in ordered)


def request_differences(provider: Provider) -> tuple[tuple[int, str, int, int], ...]:
    """(first day, model, requests on the invoice, in the log) where the invoice counts another number."""
    days = {cell.bin.number: cell.bin.first_day for cell in provider.cells}
    labels = {cell.model: cell.label for cell in provider.cells if cell.label}
    return tuple(
        (days[number], labels.get(model, model), each.billed, each.logged)
        for (number, model), each in sorted(provider.requests.items())
        if each.billed is not None and each.billed != each.logged and number in days
    )


def notes(store: Store, providers: Iterable[Provider]) -> list[str]:
    """What to know before believing the figures."""
    found: list[str] = []
    for provider in providers:
        if provider.counts_only:
            found.append(
                f"{provider.name}: the report counts tokens and bills nothing; they are valued at the log's prices, so "
                "prices were not checked."
            )
        days = [
            sum(pico for cell in group for name, pico in cell.causes.items() if name != "rounding")
            for group in by_bin(provider.cells).values()
        ]
        billed = sum(cell.billed_pico for cell in provider.cells)
        moved = sum(abs(day) for day in days)
        if billed > 0 and abs(sum(days)) <= TOLERANCE * billed < moved and moved > 3 * abs(sum(days)):
            found.append(
                f"{provider.name}: days differ by {figures.money(moved)} though their sum agrees: the log's times may "
                "be in another time zone than the invoice's."
            )
    share = logs.sampled_share(store)
    if share is not None:
        found.append(f"A part of the log says that it holds only {figures.share(share)} of the traffic.")
    return found
