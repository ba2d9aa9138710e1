"""Why an invoice and a log differ: days, models, tokens. What the prices explain is in `tiers` and `contracts`.

Each step takes its part of the residual of a cell and leaves the rest to the next, so that the causes and what stays
unexplained add up to the residual to the last pico-USD.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from audit.reconciling.bins import Bin
from audit.reconciling.cells import Cell, Provider
from audit.reconciling.contracts import Agreed, contract_prices
from audit.reconciling.folding import is_tool
from audit.reconciling.missing_days import Plausible
from audit.reconciling.result import TOLERANCE
from audit.reconciling.tiers import base_ratio, logged_tiers, part_of_tier, stated_tiers
from audit.reconciling.unit_prices import UnitPrices

TITLES = {
    "missing_log_days": "days on the invoice without a request in the log",
    "missing_invoice_days": "days in the log that the invoice does not bill",
    "partial_days": "first or last day, of which the log or the invoice holds only some hours",
    "unlogged_model": "models on the invoice that the log does not hold",
    "unlogged_traffic": "more usage on the invoice than in the log",
    "not_invoiced": "in the log, but not on the invoice",
    "estimated_usage": "requests without logged usage, as estimated",
    "unpriced": "requests of models without a price in the table",
    "contract_price": "prices other than list (contract)",
    "tier": "billed in another tier than logged",
    "rounding": "rounding of the invoice's amounts",
    "unexplained": "unexplained",
}
"""Causes in the order in which they are looked for, in words."""

_EDGE_US = 3_600_000_000
_SILENCE = 3
_TINY_PICO = 1_000_000
_SETTLED = 0.002


@dataclass(slots=True)
class Scope:
    """What is known about the edges: first and last moment of the log, the last day of the invoice, and, for spans of
    several days, what those of them that the log misses can have cost."""

    log_start_us: int
    log_end_us: int
    last_invoice_bin: int | None
    missed: dict[int, Plausible] = field(default_factory=dict)
    mean_gap_us: int = 0

    def cut_by_log(self, span: Bin) -> bool:
        """Whether the log begins or ends inside a day: by more than an hour, and than its usual silences."""
        if span.days > 1:
            return False
        edge_us = max(_EDGE_US, _SILENCE * self.mean_gap_us)
        begins = span.start_us + edge_us < self.log_start_us < span.end_us
        ends = span.start_us <= self.log_end_us < span.end_us - edge_us
        return begins or ends


def explain(provider: Provider, scope: Scope, prices: UnitPrices) -> list[Agreed]:
    """Attribute every cell's residual; returns the contract prices that were found on the way."""
    _whole_days(provider.cells)
    for cell in provider.cells:
        if cell.on_invoice and cell.in_log and cell.estimated_pico and cell.rest:
            cell.take("estimated_usage", cell.estimated_pico)
    traffic = _Traffic(provider.cells, scope)
    traffic.one_sided()
    traffic.unpriced()
    traffic.counted()
    stated_tiers(provider.cells, prices)
    logged_tiers(provider.cells, prices)
    logged_tiers(provider.cells, prices, base_ratio(provider.cells))
    agreed = contract_prices(provider.cells)
    part_of_tier(provider.cells, prices)
    traffic.by_dollars()
    traffic.missed_in_long_spans()
    for cell in provider.cells:
        if abs(cell.rest) <= max(cell.tolerance_pico, _TINY_PICO):
            cell.take("rounding", cell.rest)
        cell.take("unexplained", cell.rest)
    return agreed


def by_bin(cells: Iterable[Cell]) -> dict[int, list[Cell]]:
    """Cells by their span."""
    found: dict[int, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.bin.number, []).append(cell)
    return found


def _whole_days(cells: Iterable[Cell]) -> None:
    for group in by_bin(cells).values():
        if not any(cell.in_log for cell in group):
            cause = "missing_log_days"
        elif not any(cell.on_invoice for cell in group):
            cause = "missing_invoice_days"
        else:
            continue
        for cell in group:
            cell.take(cause, cell.rest)


class _Traffic:
    """The steps about how much was used."""

    def __init__(self, cells: list[Cell], scope: Scope) -> None:
        self._cells = cells
        self._scope = scope
        self._billed = {cell.model for cell in cells if cell.on_invoice}
        self._logged = {cell.model for cell in cells if cell.in_log}
        # what the days that a span of several days misses can have cost at most, less what has been found of it
        self._missed = {number: each.high for number, each in scope.missed.items()}

    def _take(self, cell: Cell, amount: int) -> None:
        if amount > 0:
            missed = min(amount, self._missed.get(cell.bin.number, 0))
            if missed > 0:
                self._missed[cell.bin.number] -= missed
                cell.take("missing_log_days", missed)
            cell.take("partial_days" if self._scope.cut_by_log(cell.bin) else "unlogged_traffic", amount - missed)
        elif amount < 0:
            cut = cell.bin.number == self._scope.last_invoice_bin
            cell.take("partial_days" if cut else "not_invoiced", amount)

    def one_sided(self) -> None:
        """Cells that only one side knows."""
        for cell in self._cells:
            if cell.on_invoice and not cell.in_log and cell.rest:
                if cell.model in self._logged or is_tool(cell.kind):
                    self._take(cell, cell.rest)
                else:
                    cell.take("unlogged_model", cell.rest)
            elif cell.in_log and not cell.on_invoice and cell.rest:
                if cell.model in self._billed:
                    self._take(cell, cell.rest)
                else:
                    cell.take("not_invoiced", cell.rest)

    def unpriced(self) -> None:
        """Tokens the table has no price of, at the invoice's price."""
        for cell in self._cells:
            if not (cell.on_invoice and cell.unpriced_quantity and cell.rest):
                continue
            counted = cell.billed_quantity
            if counted:
                cell.take("unpriced", cell.billed_pico * min(cell.unpriced_quantity, counted) // counted)
            elif not cell.expected_pico:
                cell.take("unpriced", cell.rest)

    def counted(self) -> None:
        """Where the invoice counts tokens: the difference in tokens at the invoice's price."""
        for cell in self._cells:
            counted = cell.billed_quantity
            if not (cell.on_invoice and cell.in_log) or counted is None or counted == cell.logged_quantity:
                continue
            if counted:
                self._take(cell, cell.billed_pico * (counted - cell.logged_quantity) // counted)
            else:
                self._take(cell, cell.rest)

    def by_dollars(self) -> None:
        """Where it does not: if a model's price is right on most days, what is left on the others is usage."""
        series: dict[tuple[str, str], list[Cell]] = {}
        for cell in self._cells:
            if cell.both and cell.billed_quantity is None:
                series.setdefault((cell.model, cell.kind), []).append(cell)
        for cells in series.values():
            settled = sum(abs(cell.rest) <= _tolerance(cell) for cell in cells)
            if len(cells) >= 3 and 2 * settled >= len(cells):
                for cell in cells:
                    if abs(cell.rest) > _tolerance(cell):
                        self._take(cell, cell.rest)

    def missed_in_long_spans(self) -> None:
        """What is left in spans of several days, as far as their missing days explain it; no less than they cost."""
        for number, group in by_bin(self._cells).items():
            if number not in self._scope.missed:
                continue
            for cell in group:
                if cell.rest > 0 and self._missed[number] > 0:
                    self._take(cell, min(cell.rest, self._missed[number]))
            if all(cell.billed_quantity is None for cell in group if cell.on_invoice):
                self._at_least(group, self._scope.missed[number].low)

    def _at_least(self, group: list[Cell], low: int) -> None:
        """Charge a span that leaves too little for its missing days with the rest of what they cost."""
        billed = sum(cell.billed_pico for cell in group)
        short = low - sum(cell.causes.get("missing_log_days", 0) for cell in group)
        expected = sum(cell.expected_pico for cell in group)
        if short > 0 and expected > 0 and abs(sum(cell.rest for cell in group) - short) > TOLERANCE * billed:
            for cell in group:
                cell.take("missing_log_days", short * cell.expected_pico // expected)


def _tolerance(cell: Cell) -> float:
    return cell.tolerance_pico + _SETTLED * cell.expected_pico
