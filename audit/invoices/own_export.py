"""The program's own FOCUS export, which is the log again and no invoice."""

from __future__ import annotations

from collections.abc import Iterator

from audit.invoices import Invoice, Outcome, Record

_OWN = frozenset({"billedcost", "xmodel", "xservicetier", "xworkflow", "xrequests"})


def _detect(record: Record) -> int:
    return 100 if record.keys() >= _OWN else 0


def _read(record: Record) -> Iterator[Outcome]:
    del record
    yield from ()


INVOICE = Invoice(
    name="own_export",
    title="what `audit export` writes",
    detect=_detect,
    read=_read,
    origin="audit export",
    refused="this is what `audit export` wrote from the log, so comparing it with the log proves nothing",
)
