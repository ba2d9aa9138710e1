"""Open invoice files, whatever wraps them, and add their lines up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from audit import plugins
from audit.containers import Damaged, JsonText, Place, PlaceError, Text, Unreadable, as_text, expand, raw_chunks
from audit.containers.archives import zip_members
from audit.containers.tables import parquet_rows
from audit.errors import ReadError
from audit.invoices import Invoice, InvoiceLine, Page
from audit.reconciling.sums import BilledLine, Sums
from audit.reconciling.tables import NoTable, Row, rows
from audit.wire.columns import folded

_SHOWN_COLUMNS = 12


@dataclass(slots=True)
class InvoiceFile:
    """One invoice as read: its format and lines, the smallest step of its amounts in pico-USD, doubts about it."""

    path: str
    format: str
    title: str
    time_zone: str
    lines: list[BilledLine] = field(default_factory=list)
    records: int = 0
    currencies: tuple[str, ...] = ()
    step_pico: int = 0
    notes: list[str] = field(default_factory=list)


def read_invoices(inputs: Iterable[str | Path], rates: Mapping[str, Decimal] | None = None) -> list[InvoiceFile]:
    """Read invoice files; `rates` are USD per unit of another currency.

    Raises ReadError for a file that is no invoice of a known format or is damaged, ConfigError for a currency
    without a rate.
    """
    found: list[InvoiceFile] = []
    for place in expand(inputs):
        if isinstance(place, PlaceError):
            raise ReadError(place.message, place.hint)
        found.append(_File(place.name, rates or {}).read(place))
    return found


class _File:
    """One file on its way to an InvoiceFile."""

    def __init__(self, name: str, rates: Mapping[str, Decimal]) -> None:
        self._name = name
        self._sums = Sums(name, rates)
        self._spelled: dict[str, str] = {}
        self._waiting: dict[str, list[InvoiceLine]] = {}
        self._formats: dict[tuple[str, ...], Invoice] = {}
        self._used: dict[str, Invoice] = {}
        self._notes: list[str] = []
        self._pages = self._more = self._records = 0

    def read(self, place: Place) -> InvoiceFile:
        try:
            with place.open() as file:
                self._read_stream(raw_chunks(file), place.path)
        except PlaceError as error:
            raise ReadError(error.message, error.hint) from error
        except Damaged as damage:
            what = ": ".join(filter(None, [damage.reason.replace("_", " "), damage.detail]))
            raise ReadError(f"{self._name}: the file is damaged ({what})", "export the invoice again") from damage
        result = self._result()
        if not result.lines:
            raise ReadError(f"{self._name}: no charge and no usage in it", "check the period of the export")
        return result

    def _read_stream(self, chunks: Iterator[bytes], path: Path | None) -> None:
        text = as_text(chunks)
        if isinstance(text, Text):
            self._read_text(text)
        elif text == "zip" and path is not None:
            self._read_zip(path)
        elif text == "parquet" and path is not None:
            for line, _, value, _, _ in parquet_rows(path):
                self._object(line, value)
        elif text == "empty":
            raise ReadError(f"{self._name}: the file is empty", "export the invoice again")
        else:
            raise ReadError(
                f"{self._name}: not a table or JSON ({text})",
                "export the invoice as CSV or JSON, or give its sum: audit reconcile --total 12345.67",
            )

    def _read_text(self, text: Text) -> None:
        first = next(text.chunks, b"")
        whole = Text(text.layout, text.delimiter, text.unpacked, text.encoding, _again(first, text.chunks))
        if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            for line, _, value, _, _ in JsonText(whole.chunks):
                self._object(line, value)
            return
        try:
            header, found = rows(whole, self._known)
            self._spelled = {folded(name): name.strip() for name in header}
            self._table(found)
        except NoTable as problem:
            raise self._foreign(problem.columns) from problem
        except ValueError as error:
            raise ReadError(f"{self._name}: {error}", "export the invoice again") from error

    def _read_zip(self, path: Path) -> None:
        for name, chunks in zip_members(path):
            if name == "[Content_Types].xml":
                raise ReadError(f"{self._name}: a spreadsheet", "save the sheet with the charges as CSV")
            if chunks is None:
                raise ReadError(f"{self._name}: {name} is encrypted", "unpack it, and give the file")
            self._read_stream(chunks, None)

    def _table(self, found: Iterator[tuple[int, Row | list[str]]]) -> None:
        known: Invoice | None = None
        for line, row in found:
            if isinstance(row, list):
                if not self._is_bare(row):
                    raise self._damaged(line, row)
                continue
            known = known or self._known(row)
            if known is not None:
                self._take(line, row, known)

    def _object(self, line: int, value: Any) -> None:
        if isinstance(value, list) and value:
            for each in value:
                self._object(line, each)
            return
        if isinstance(value, Unreadable) or not isinstance(value, dict):
            raise self._damaged(line, value)
        self._spelled = {folded(str(name)): str(name) for name in value}
        record = {folded(str(name)): cell for name, cell in value.items()}
        known = self._known(record)
        if known is None:
            raise self._foreign(list(value))
        self._take(line, record, known)

    def _take(self, line: int, record: Mapping[str, Any], known: Invoice) -> None:
        if known.refused:
            raise ReadError(
                f"{self._name}: {known.refused}",
                "give the invoice or cost export of the provider, or its sum: audit reconcile --total 12345.67",
            )
        first = known.name not in self._used
        self._used[known.name] = known
        self._records += 1
        waiting = self._waiting.setdefault(known.name, []) if known.settle else None
        try:
            if first and known.taken:
                self._notes.append(
                    f"{self._name}: {known.title.partition(' (')[0]}: {known.taken(record, self._spelled)}."
                )
            for outcome in known.read(record):
                if isinstance(outcome, Page):
                    self._pages += 1
                    self._more += outcome.more
                elif waiting is not None:
                    waiting.append(outcome)
                else:
                    self._sums.add(outcome)
        except ValueError as error:
            column, _, why = str(error).partition(" ")
            raise ReadError(
                f"{self._name} line {line}: {self._spelled.get(column, column)} {why}",
                "an invoice is read whole or not at all",
            ) from error

    def _known(self, record: Mapping[str, Any]) -> Invoice | None:
        """The format of a record; rows of one table are told by their columns once."""
        key = tuple(record)
        nested = any(isinstance(cell, list | dict) for cell in record.values())
        if not nested and key in self._formats:
            return self._formats[key]
        ranked = [(each.detect(record), each) for each in plugins.find("invoices", "INVOICE")]
        score, best = max(ranked, key=lambda pair: pair[0])
        if score == 0:
            return None
        self._formats[key] = best
        return cast(Invoice, best)

    def _is_bare(self, cells: list[str]) -> bool:
        """Whether a short row only names an empty span, as some exports write them."""
        # the last cell is a time like the one before it; a shorter one is a row that was cut off
        whole = len(cells) > 1 and len(cells[-1].strip()) == len(cells[-2].strip())
        return whole and any(each.bare_cells == len(cells) for each in self._formats.values())

    def _damaged(self, line: int, value: Any) -> ReadError:
        if isinstance(value, Unreadable):
            why = f"{value.reason.replace('_', ' ')} {value.detail}".strip()
        elif isinstance(value, list):
            why = f"a row of {len(value)} cells, which is not the width of the table; the file seems cut off"
        else:
            why = "not an object"
        return ReadError(f"{self._name} line {line}: {why}", "export the invoice again; it is read whole or not at all")

    def _foreign(self, columns: list[str]) -> ReadError:
        shown = ", ".join(name[:40] for name in columns[:_SHOWN_COLUMNS]) or "none"
        more = f" and {len(columns) - _SHOWN_COLUMNS} more" if len(columns) > _SHOWN_COLUMNS else ""
        titles = "; ".join(each.title for each in plugins.find("invoices", "INVOICE") if not each.refused)
        return ReadError(
            f"{self._name}: no invoice format has these columns: {shown}{more}",
            f"read are: {titles}. Or give the sum of the invoice: audit reconcile --total 12345.67",
        )

    def _result(self) -> InvoiceFile:
        used = list(self._used.values())
        for each in used:
            if each.settle:
                for line in each.settle(self._waiting.get(each.name, [])):
                    self._sums.add(line)
        result = InvoiceFile(
            self._name,
            " + ".join(each.name for each in used),
            "; ".join(each.title for each in used),
            "; ".join(dict.fromkeys(each.time_zone for each in used)),
            self._sums.lines,
            self._records,
            tuple(sorted(self._sums.currencies)),
            self._sums.step_pico,
            self._notes,
        )
        if self._more and self._more >= self._pages:
            result.notes.append(f"{self._name}: its last page says that more pages follow; the invoice is incomplete")
        return result


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
