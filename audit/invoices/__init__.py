"""Invoice formats: one module per format, each declaring one `INVOICE`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Record = Mapping[str, Any]
"""One table row or JSON value; its top-level names in lower case without separators (`start_time` → `starttime`).
A table whose header states a currency sign carries it under `$`."""

Category = Literal["usage", "discount", "tax", "credit", "other", "empty"]


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One charge, or one count of usage, for the span of time [start_us, end_us) (UTC epoch microseconds).

    `model` is as the invoice writes it, "" where it names none; `sku_meter` is our meter, `cache_write` where the life
    of the write is not told, "" where the line is not split by kind of token; `service_tier` "" is not told.
    `quantity` × `unit` is a number of tokens or calls; a `unit` of None has to be found out from the price. `amount`
    is None on usage reports, which bill nothing; its currency "" is that of the rest of the file. Categories: `usage`
    and `discount` (a part of the price of usage) are compared with the log; `tax`, `credit` and `other` (what no
    request log holds) stand beside it; `empty` says only that the span is covered. `operation` is the
    only kind of call the report counts (`chat`, `embeddings`), "" where it counts all.
    """

    start_us: int
    end_us: int
    provider_name: str
    model: str = ""
    sku_meter: str = ""
    service_tier: str = ""
    quantity: Decimal | None = None
    unit: int | None = 1
    requests: int | None = None
    amount: Decimal | None = None
    currency: str = "USD"
    category: Category = "usage"
    label: str = ""
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an API's answer, and whether it says that another one follows."""

    more: bool


Outcome = InvoiceLine | Page


@dataclass(frozen=True, slots=True)
class Invoice:
    """How one invoice format is recognised and read, record by record.

    `detect` says how specific a match is (0 = not mine; the highest over all formats wins). `read` turns a record
    into lines and raises ValueError, with the column and the cell, when the record is damaged: an invoice that is
    read in part is no invoice. `bare_cells` is the number of cells of rows that only name an empty span. `settle`
    makes one set of lines of a file whose records bill the same usage twice, once by token and once by dollar.
    `refused` says why files of this shape are no invoice at all.
    `taken` says, for formats that tell columns by their names, which column was taken for what; it gets the first
    record and its names as the file spells them.
    `time_zone` says in whose days the invoice counts, `origin` where people get it.
    """

    name: str
    title: str
    detect: Callable[[Record], int]
    read: Callable[[Record], Iterable[Outcome]]
    origin: str
    time_zone: str = "UTC"
    bare_cells: int = 0
    settle: Callable[[list[InvoiceLine]], list[InvoiceLine]] | None = None
    refused: str = ""
    taken: Callable[[Record, dict[str, str]], str] | None = None
