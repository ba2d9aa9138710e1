"""The same usage billed twice by the files given: refused or left out, never counted twice."""

from __future__ import annotations

from collections.abc import Sequence

from audit import figures
from audit.errors import ConfigError
from audit.reconciling.bins import whole_days
from audit.reconciling.files import InvoiceFile
from audit.reconciling.sums import BilledLine

Span = tuple[int, int]
Days = dict[tuple[str, Span], list[BilledLine]]


def without_repeats(files: Sequence[InvoiceFile]) -> list[str]:
    """Leave out days that an earlier file of the same format bills line by line; returns what to tell about it.

    Raises ConfigError when two formats bill the same provider and day.
    """
    notes: list[str] = []
    seen: list[tuple[InvoiceFile, Days]] = []
    for file in files:
        days = _days(file)
        repeated: set[tuple[str, Span]] = set()
        for other, known in seen:
            if other.format == file.format:
                repeated |= {key for key in days.keys() & known.keys() if _same(days[key], known[key])}
            else:
                _refuse_double(file, days, other, known)
        if repeated:
            file.lines = [line for line in file.lines if (line.provider_name, _span(line)) not in repeated]
            notes.append(f"{file.path}: {len(repeated)} days are in an earlier file line by line and count once.")
        seen.append((file, days))
    return notes


def _span(line: BilledLine) -> Span:
    return whole_days(line.start_us, line.end_us)


def _days(file: InvoiceFile) -> Days:
    found: Days = {}
    for line in file.lines:
        if line.category != "empty":
            found.setdefault((line.provider_name, _span(line)), []).append(line)
    return found


def _facts(lines: list[BilledLine]) -> list[tuple[str, ...]]:
    return sorted(
        tuple(
            str(fact)
            for fact in (
                line.model, line.sku_meter, line.service_tier, line.category, line.label, line.amount_pico,
                line.quantity, line.requests, line.lines,
            )
        )
        for line in lines
    )  # fmt: skip


def _same(lines: list[BilledLine], others: list[BilledLine]) -> bool:
    return any(line.amount_pico or line.quantity for line in lines) and _facts(lines) == _facts(others)


def _refuse_double(file: InvoiceFile, days: Days, other: InvoiceFile, known: Days) -> None:
    for (provider, span), lines in days.items():
        if not any(line.amount_pico for line in lines):
            continue
        for (name, theirs), billed in known.items():
            overlap = span[0] < theirs[1] and theirs[0] < span[1]
            if name == provider and overlap and any(line.amount_pico for line in billed):
                raise ConfigError(
                    f"{other.path} and {file.path} both bill {provider} on {figures.day(span[0] // 86_400_000_000)}",
                    "give one of them; a usage report without dollars may stand beside a cost report",
                )
