"""Which days are compared: those that invoice and log share, or those that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.reconciling.bins import Bin, Bins, between, spans_of
from audit.reconciling.files import InvoiceFile
from audit.reconciling.log import LogRequests, LogRow
from audit.reconciling.sides import Billed
from audit.reconciling.sums import BilledLine

COMPARED = ("usage", "discount")
"""Categories of lines that the log is held against."""

_FEW_DAYS = 2


@dataclass(frozen=True, slots=True)
class Period:
    """First and last moment of the log, and the days that were asked for (None = not asked)."""

    log_start_us: int
    log_end_us: int
    first_day: int | None
    last_day: int | None


@dataclass(slots=True)
class BillerSide:
    """One biller's lines: those in the compared spans, and the dollars of those outside."""

    bins: Bins
    billed: list[Billed] = field(default_factory=list)
    outside_pico: int = 0

    def counts(self, row: LogRow | LogRequests) -> bool:
        """Whether the invoices say anything of this kind of call: a usage report may count only one kind."""
        kinds = {each.line.operation for each in self.billed}
        return "" in kinds or row.operation in kinds


def biller_side(lines: Sequence[tuple[BilledLine, InvoiceFile]], first: int, period: Period) -> BillerSide:
    """The compared spans of one biller's invoices, numbered from `first`, with their lines."""
    spans = spans_of((line.start_us, line.end_us) for line, _ in lines)
    edges = [Bin(0, *span) for span in spans]
    if period.first_day is None and period.last_day is None:
        spans = [(each.start_us, each.end_us) for each in _overlap(edges, period.log_start_us, period.log_end_us)]
    else:
        spans = between(
            spans,
            edges[0].first_day if period.first_day is None else period.first_day,
            edges[-1].last_day if period.last_day is None else period.last_day,
        )
    side = BillerSide(Bins(spans, first))
    for line, file in lines:
        span = side.bins.at(line.start_us, line.end_us)
        if line.category == "empty":
            continue
        if span is None:
            side.outside_pico += line.amount_pico or 0
        else:
            side.billed.append(Billed(span, line, file.step_pico))
    return side


def _overlap(spans: list[Bin], start_us: int, end_us: int) -> list[Bin]:
    """The spans that the log reaches into, and the few just before and after: a bill's day is missing in the log then,
    while a month of them is another period."""
    kept = [each for each in spans if each.end_us > start_us and each.start_us <= end_us]
    few = max(_FEW_DAYS, sum(each.days for each in kept) // 10)
    before = [each for each in spans if each.end_us <= start_us]
    after = [each for each in spans if each.start_us > end_us]
    if not kept:
        return []
    return [
        *(before if sum(each.days for each in before) <= few else []),
        *kept,
        *(after if sum(each.days for each in after) <= few else []),
    ]
