"""The stage `reconciling`: hold the log against what was billed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from audit import figures
from audit.errors import ConfigError, ReadError
from audit.prices.catalogue import Catalogue
from audit.reconciling import log as logs
from audit.reconciling import stored
from audit.reconciling.bins import DAY_US, Bin, whole_days
from audit.reconciling.causes import Scope, explain
from audit.reconciling.cells import Provider
from audit.reconciling.contracts import Agreed, suggestions
from audit.reconciling.files import InvoiceFile, read_invoices
from audit.reconciling.missing_days import Plausible, plausible
from audit.reconciling.names import priced
from audit.reconciling.open_ends import beside, notes, request_differences, unchecked
from audit.reconciling.overlaps import without_repeats
from audit.reconciling.result import Basis, ProviderResult, Read, Reconciliation
from audit.reconciling.sides import Sides, invoice_model
from audit.reconciling.spans import COMPARED, BillerSide, Period, biller_side
from audit.reconciling.sums import BilledLine
from audit.reconciling.total import against_total
from audit.reconciling.unit_prices import UnitPrices
from audit.reconciling.unnamed import name_providers
from audit.reconciling.verdict import causes_of, gross, judge, residuals_of
from audit.store import Store


def reconciling(
    store: Store,
    invoices: Sequence[str | Path],
    *,
    catalogue: Catalogue,
    total: Decimal | None = None,
    first_day: int | None = None,
    last_day: int | None = None,
    rates: Mapping[str, Decimal] | None = None,
    invoices_read: Callable[[], None] | None = None,
) -> Reconciliation:
    """Compare invoices, or one `total` in USD, with the log, explain the difference, and keep the result.

    The period is `first_day` to `last_day` (since 1970-01-01), by default where invoices and log overlap, or the whole
    log for a total. `rates` are USD per unit of another currency; `invoices_read` is called before the log is looked
    at, once the bill is known to be one. Raises ReadError for files that are no invoices, ConfigError for
    contradicting wishes and for a period that nothing covers.
    """
    covered = logs.log_range(store)
    if covered is None:
        raise ConfigError("no request of the log has a time, so no period can be compared", "see `audit summary`")
    if total is not None and invoices:
        raise ConfigError("invoices and --total are two bills", "give one of them")
    files = [] if total is not None else read_invoices(invoices, rates)
    name_providers(store, catalogue, files)
    if invoices_read:
        invoices_read()
    if total is not None:
        result = against_total(store, total, covered, first_day, last_day)
    else:
        result = _Run(store, catalogue, files, covered, first_day, last_day).result()
    stored.write(store, result, files)
    settings = {"invoices": [str(each) for each in invoices], "total": None if total is None else str(total)}
    store.log_event("reconcile", settings, {"verdict": result.verdict, "residual_pico": result.residual_pico})
    store.checkpoint()
    return result


class _Run:
    """One reconciliation of invoice files."""

    def __init__(
        self, store: Store, catalogue: Catalogue, files: list[InvoiceFile], covered: tuple[int, int],
        first_day: int | None, last_day: int | None,
    ) -> None:  # fmt: skip
        self._store = store
        self._catalogue = catalogue
        self._prices = UnitPrices(catalogue)
        self._files = files
        self._period = Period(*covered, first_day, last_day)
        self._notes = [*(note for file in files for note in file.notes), *without_repeats(files)]

    def result(self) -> Reconciliation:
        """Read both sides, match, explain, judge."""
        sides = self._sides()
        logs.place_bins(self._store, [each for side in sides.values() for each in side.bins])
        rows, counts = self._billers(logs.log_rows(self._store), logs.log_requests(self._store), sides)
        providers: list[Provider] = []
        agreed: list[Agreed] = []
        held: list[logs.LogRow] = []
        for name, side in sides.items():
            if not len(side.bins):
                continue
            numbers = {each.number for each in side.bins}
            own = [row for row in rows if row.provider_name == name and row.bin in numbers and side.counts(row)]
            held.extend(own)
            requests = [
                each for each in counts if each.provider_name == name and each.bin in numbers and side.counts(each)
            ]
            if any(row.provider_name == name and not side.counts(row) for row in rows):
                kinds = figures.listing(sorted({each.line.operation for each in side.billed}))
                self._notes.append(f"{name}: the report counts {kinds} calls only; give the others' reports as well.")
            provider = Sides(name, side.bins, self._catalogue, self._prices).match(side.billed, own, requests)
            agreed.extend(explain(provider, self._scope(side, own), self._prices))
            providers.append(provider)
        return self._judged({each.name: each for each in providers}, sides, agreed, held)

    def _sides(self) -> dict[str, BillerSide]:
        lines: dict[str, list[tuple[BilledLine, InvoiceFile]]] = {}
        for file in self._files:
            for line in file.lines:
                if line.category in (*COMPARED, "empty"):
                    lines.setdefault(line.provider_name, []).append((line, file))
        sides: dict[str, BillerSide] = {}
        first = 0
        for name, own in lines.items():
            if not any(line.category in COMPARED for line, _ in own):
                continue
            side = biller_side(own, first, self._period)
            first += len(side.bins)
            sides[name] = side
        if not sides:
            seen = {line.label for file in self._files for line in file.lines if line.category == "other"}
            raise ReadError(
                "no line of these invoices is about a language model; they bill "
                + (", ".join(sorted(seen)[:8]) or "nothing"),
                "check that the export covers the service, or give the sum with --total",
            )
        if not any(side.billed for side in sides.values()):
            raise ConfigError(
                f"invoices and log have no day in common: the log covers {self._log_period()}",
                "give the invoice of the log's period, or a period with --from and --to",
            )
        return sides

    def _log_period(self) -> str:
        edges = (self._period.log_start_us, self._period.log_end_us)
        return " to ".join(figures.day(edge // DAY_US) for edge in edges)

    def _billers(
        self, rows: list[logs.LogRow], counts: list[logs.LogRequests], sides: Mapping[str, BillerSide]
    ) -> tuple[list[logs.LogRow], list[logs.LogRequests]]:
        """Rows of a log that does not say who billed them go to the invoice that bills their models."""
        held = {row.provider_name for row in rows if row.provider_name in sides}
        moved: dict[tuple[str, str], str] = {}
        for name, side in sides.items():
            if name in held:
                continue
            families = {invoice_model(self._catalogue, name, each.line.model).family for each in side.billed}
            others = [row for row in rows if row.provider_name not in sides and _family(row) in families]
            self._tell_moved(name, others)
            moved.update({(row.provider_name, _family(row)): name for row in others if not row.told})
        if not moved:
            return rows, counts
        return (
            [
                row
                if row.told
                else replace(row, provider_name=moved.get((row.provider_name, _family(row)), row.provider_name))
                for row in rows
            ],
            [
                each
                if each.told
                else replace(each, provider_name=moved.get((each.provider_name, _family(each)), each.provider_name))
                for each in counts
            ],
        )

    def _tell_moved(self, name: str, others: list[logs.LogRow]) -> None:
        untold = sorted({row.provider_name for row in others if not row.told})
        told = sorted({row.provider_name for row in others if row.told})
        if untold:
            self._notes.append(
                f"The log does not say who billed its {figures.listing(untold)} models: they are held against the "
                f"{name} invoice."
            )
        if told:
            self._notes.append(
                f"The log holds no {name} requests, but has the same models from {figures.listing(told)}: "
                "check that this is the invoice of that traffic."
            )

    def _scope(self, side: BillerSide, own: list[logs.LogRow]) -> Scope:
        billed = [each.bin.number for each in side.billed]
        return Scope(
            self._period.log_start_us,
            self._period.log_end_us,
            last_invoice_bin=max(billed, default=None),
            missed=self._missed(side, {row.origin for row in own}),
            mean_gap_us=logs.mean_gap_us(self._store),
        )

    def _missed(self, side: BillerSide, origins: set[str]) -> dict[int, Plausible]:
        """What the days that the log lacks inside spans of several days can have cost."""
        long = [each for each in side.bins if each.days > 1]
        if not long:
            return {}
        by_provider = logs.active_days(self._store)
        active = {day for name in origins for day in by_provider.get(name, ())}
        costs = logs.day_costs(each for each in logs.log_days(self._store) if each.provider_name in origins)
        found: dict[int, Plausible] = {}
        for each in long:
            missing = [day for day in range(each.first_day, each.last_day + 1) if day not in active]
            possible = plausible(costs, missing, logs.mean_gap_us(self._store)) if missing else None
            if possible is not None:
                found[each.number] = possible
        return found

    def _judged(
        self,
        providers: Mapping[str, Provider],
        sides: Mapping[str, BillerSide],
        agreed: list[Agreed],
        rows: list[logs.LogRow],
    ) -> Reconciliation:
        cells = [cell for provider in providers.values() for cell in provider.cells]
        spans = [span for side in sides.values() for span in side.bins]
        guessed = any(span.days > 1 for span in spans)
        causes = causes_of(cells, guessed)
        billed, logged = sum(cell.billed_pico for cell in cells), sum(cell.logged_pico for cell in cells)
        gross_pico = gross(cells, lambda cell: cell.billed_pico - cell.logged_pico)
        unexplained = gross(cells, lambda cell: cell.causes.get("unexplained", 0))
        basis = _basis(providers.values())
        verdict, reason = judge(billed, logged, gross_pico, unexplained, causes, basis)
        days = logs.log_days(self._store)
        everything = sum(each.cost_pico for each in days)
        return Reconciliation(
            verdict=verdict,
            reason=reason,
            basis=basis,
            first_day=min(span.first_day for span in spans),
            last_day=max(span.last_day for span in spans),
            billed_pico=billed,
            logged_pico=logged,
            gross_pico=gross_pico,
            unexplained_pico=unexplained,
            checked_share=sum(row.cost_pico for row in rows) / everything if everything else None,
            providers=tuple(self._provider(each) for each in providers.values()),
            causes=causes,
            contracts=tuple(suggestions(agreed, cells)),
            residuals=residuals_of(cells),
            unchecked=unchecked(days, rows, {name: side.outside_pico for name, side in sides.items()}),
            beside=beside(self._files),
            invoices=tuple(_read(file) for file in self._files),
            notes=(*self._notes, *notes(self._store, providers.values())),
        )

    def _provider(self, provider: Provider) -> ProviderResult:
        zones = [
            file.time_zone for file in self._files if any(line.provider_name == provider.name for line in file.lines)
        ]
        return ProviderResult(
            provider.name,
            provider.counts_only,
            "; ".join(dict.fromkeys(zones)),
            sum(cell.billed_pico for cell in provider.cells),
            sum(cell.logged_pico for cell in provider.cells),
            gross(provider.cells, lambda cell: cell.causes.get("unexplained", 0)),
            request_differences(provider),
        )


def _family(row: logs.LogRow | logs.LogRequests) -> str:
    return priced(row.model, row.price_model).family


def _basis(providers: Iterable[Provider]) -> Basis:
    counts = {provider.counts_only for provider in providers}
    if counts == {True}:
        return "usage"
    return "mixed" if True in counts else "dollars"


def _read(file: InvoiceFile) -> Read:
    spans = [Bin(0, *whole_days(line.start_us, line.end_us)) for line in file.lines]
    return Read(
        file.path,
        file.format,
        file.title,
        file.records,
        min((span.first_day for span in spans), default=0),
        max((span.last_day for span in spans), default=0),
        sum(line.amount_pico or 0 for line in file.lines if line.category in COMPARED),
        file.currencies,
    )
