"""Puts the lines of one biller's invoices and the log's rows into cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log10

from audit.prices.catalogue import Catalogue
from audit.reconciling.bins import Bin, Bins
from audit.reconciling.cells import Cell, Part, Provider, Requests, Tier
from audit.reconciling.folding import WHOLE, is_token, is_tool, kinds, model_keys
from audit.reconciling.log import LogRequests, LogRow
from audit.reconciling.names import Model, priced
from audit.reconciling.sums import BilledLine
from audit.reconciling.unit_prices import UnitPrices

_NO_MODEL = Model("", "")
_UNITS = (1, 1_000, 1_000_000)
_NEAR = 0.6
"""How far (log10) a unit price may lie from the list's for the size of an unnamed unit to be believed."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Billed:
    """One invoice line in its bin, with what its rounding can hide per line."""

    bin: Bin
    line: BilledLine
    step_pico: int


def _price_key(catalogue: Catalogue, provider_name: str, name: str) -> Key | None:
    slug = "-".join(name.lower().split())
    match = catalogue.resolve(provider_name, slug) if slug else None
    return (match.provider_name, match.model) if match else None


def invoice_model(catalogue: Catalogue, provider_name: str, name: str) -> Model:
    """The model an invoice names, by the price list's name where it has one."""
    found = _price_key(catalogue, provider_name, name)
    return priced("-".join(name.lower().split()), found[1] if found else None)


class Sides:
    """Both sides of one biller on their way into cells."""

    def __init__(self, provider_name: str, bins: Bins, catalogue: Catalogue, prices: UnitPrices) -> None:
        self._provider = provider_name
        self._bins = {each.number: each for each in bins}
        self._catalogue = catalogue
        self._prices = prices
        self._cells: dict[tuple[int, str, str], Cell] = {}
        self._keys: dict[Model, str] = {}
        self._kinds: dict[str, dict[str, str]] = {}
        self._counts_only = False

    def match(self, billed: list[Billed], rows: list[LogRow], counts: Iterable[LogRequests]) -> Provider:
        """The cells of this biller."""
        self._counts_only = bool(billed) and all(each.line.amount_pico is None for each in billed)
        named = [(each, invoice_model(self._catalogue, self._provider, each.line.model)) for each in billed]
        logged = [(row, priced(row.model, row.price_model)) for row in rows]
        self._name_keys(named, logged)
        self._name_kinds(named, logged)
        for row, found in logged:
            self._add_log(row, self._key(row.sku_meter, found))
        for each, found in named:
            self._add_invoice(each, self._key(each.line.sku_meter, found))
        provider = Provider(self._provider, self._counts_only, list(self._cells.values()))
        self._count(provider, named, counts)
        self._settle(provider)
        return provider

    def _speaks(self, line: BilledLine) -> bool:
        """Whether a line says how finely the invoice counts: its dollars do, its counts where there are no dollars."""
        return line.amount_pico is not None or self._counts_only

    def _name_keys(self, named: list[tuple[Billed, Model]], logged: list[tuple[LogRow, Model]]) -> None:
        self._keys = model_keys((found for _, found in named), (found for _, found in logged))
        sums_only = any(
            found == _NO_MODEL and self._speaks(each.line) and not is_tool(each.line.sku_meter) for each, found in named
        )
        if sums_only:
            self._keys = dict.fromkeys(self._keys, "")

    def _name_kinds(self, named: list[tuple[Billed, Model]], logged: list[tuple[LogRow, Model]]) -> None:
        sides: dict[str, tuple[set[str], set[str]]] = {}
        for each, found in named:
            if self._speaks(each.line) and not is_tool(each.line.sku_meter):
                sides.setdefault(self._keys[found], (set(), set()))[0].add(each.line.sku_meter)
        for row, found in logged:
            if not is_tool(row.sku_meter):
                sides.setdefault(self._keys[found], (set(), set()))[1].add(row.sku_meter)
        self._kinds = {key: kinds(*meters) for key, meters in sides.items()}

    def _key(self, meter: str, found: Model) -> Key:
        """(model, kind) of a meter. Calls of tools belong to no model; counts follow how finely the dollars count."""
        if is_tool(meter):
            return "", meter
        key = self._keys[found]
        known = self._kinds.get(key, {})
        return key, known.get(meter) or (WHOLE if WHOLE in known.values() else meter)

    def _cell(self, number: int, key: Key) -> Cell:
        cell = self._cells.get((number, *key))
        if cell is None:
            cell = self._cells[number, *key] = Cell(self._bins[number], self._provider, *key)
        return cell

    def _add_log(self, row: LogRow, key: Key) -> None:
        cell = self._cell(row.bin, key)
        cell.in_log = True
        cell.logged_pico += row.cost_pico
        cell.estimated_pico += row.estimated_cost_pico
        cell.list_pico += row.list_cost_pico
        cell.unpriced_quantity += row.unpriced_quantity
        if key[1] != WHOLE or is_token(row.sku_meter):
            cell.logged_quantity += row.quantity + row.estimated_quantity
        part = cell.parts.setdefault((row.sku_meter, row.service_tier), Part())
        part.quantity += row.quantity + row.estimated_quantity
        part.cost_pico += row.cost_pico + row.estimated_cost_pico
        if key[0]:
            cell.label = cell.label or row.price_model or row.model
        if row.price_provider and row.price_model:
            cell.price_key = cell.price_key or (row.price_provider, row.price_model)

    def _add_invoice(self, each: Billed, key: Key) -> None:
        line = each.line
        if line.amount_pico is None and line.quantity is None:
            return
        cell = self._cell(each.bin.number, key)
        cell.on_invoice = cell.on_invoice or self._speaks(line)
        if key[0] and line.model:
            cell.label = cell.label or line.model
            cell.price_key = cell.price_key or _price_key(self._catalogue, self._provider, line.model)
        tier = cell.tiers.setdefault(line.service_tier, Tier())
        quantity = self._tokens(cell, line)
        if line.amount_pico is None:
            cell.counted_lines += line.lines
            tier.counted_quantity += quantity or 0
            return
        cell.billed_pico += line.amount_pico
        cell.paid_lines += line.lines
        cell.tolerance_pico += line.lines * each.step_pico // 2
        tier.amount_pico += line.amount_pico
        tier.paid_quantity += quantity or 0
        if quantity is None and line.category == "usage":
            cell.uncounted_lines += line.lines

    def _tokens(self, cell: Cell, line: BilledLine) -> int | None:
        """A line's quantity in tokens; where the size of its unit is not told, the one its price fits."""
        if line.quantity is None:
            return None
        if line.unit_known:
            return round(line.quantity)
        if not line.amount_pico or line.quantity <= 0 or cell.kind == WHOLE:
            return None
        known = self._prices.unit(cell.price_key, line.sku_meter, line.service_tier or "standard", cell.bin.start_us)
        if known is None and cell.logged_quantity and cell.expected_pico:
            known = cell.expected_pico // cell.logged_quantity
        if not known or line.amount_pico < 0:
            return None
        per_unit = line.amount_pico / float(line.quantity)
        distance, size = min((abs(log10(per_unit / size / known)), size) for size in _UNITS)
        return round(line.quantity * size) if distance <= _NEAR else None

    def _count(self, provider: Provider, named: list[tuple[Billed, Model]], counts: Iterable[LogRequests]) -> None:
        for each, found in named:
            if each.line.requests is not None:
                total = provider.requests.setdefault((each.bin.number, self._keys[found]), Requests())
                total.billed = (total.billed or 0) + each.line.requests
        for row in counts:
            model = priced(row.model, row.price_model)
            key = row.bin, self._keys.get(model, model.family)
            if key in provider.requests:
                provider.requests[key].logged += row.requests

    def _settle(self, provider: Provider) -> None:
        """Open every cell's residual; where the invoice only counts, its dollars are its counts at known prices."""
        if self._counts_only:
            totals: dict[Key, tuple[int, int]] = {}
            for cell in provider.cells:
                cost, quantity = totals.get((cell.model, cell.kind), (0, 0))
                totals[cell.model, cell.kind] = cost + cell.expected_pico, quantity + cell.logged_quantity
            for cell in provider.cells:
                cell.billed_pico = self._valued(cell, *totals[cell.model, cell.kind])
        for cell in provider.cells:
            cell.rest = cell.billed_pico - cell.logged_pico

    def _valued(self, cell: Cell, cost: int, quantity: int) -> int:
        counted = cell.billed_quantity or 0
        if cell.expected_pico and cell.logged_quantity:
            return counted * cell.expected_pico // cell.logged_quantity
        if cost and quantity:
            return counted * cost // quantity
        unit = self._prices.unit(cell.price_key, cell.kind, "standard", cell.bin.start_us)
        return counted * (unit or 0)
